//! The notices that come with the program, to start from: one for each purpose, in English and in German.

use super::notice::{Notice, NoticeError};

macro_rules! shipped {
    ($($name:literal),+ $(,)?) => {
        [$(include_str!(concat!("../../../../policies/notices/", $name, ".toml"))),+]
    };
}

/// Their texts as TOML. What stands in brackets is for the operator to fill in.
const SHIPPED: [&str; 12] = shipped!(
    "batch-training.en",
    "batch-training.de",
    "active-learning.en",
    "active-learning.de",
    "safety-training.en",
    "safety-training.de",
    "feedback.en",
    "feedback.de",
    "partner-use.en",
    "partner-use.de",
    "research.en",
    "research.de",
);

impl Notice {
    /// The notices that come with the program, each in version 1.
    ///
    /// # Errors
    /// Never for the files that are part of the program; a test reads them all.
    pub fn shipped() -> Result<Vec<Self>, NoticeError> {
        SHIPPED.iter().map(|text| Self::parse(text)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{ConsentPurpose, GradeFormula, READING_GRADE_MAX};
    use super::*;

    #[test]
    fn every_purpose_has_a_complete_notice_in_each_language_that_is_easy_to_read() {
        let notices = Notice::shipped().unwrap();
        for purpose in ConsentPurpose::ALL {
            for language in ["en", "de"] {
                let of = |notice: &&Notice| notice.purpose == purpose && notice.language == language;
                assert_eq!(notices.iter().filter(of).count(), 1, "{purpose} in {language}");
            }
        }
        for notice in &notices {
            let formula = GradeFormula::of(&notice.language).unwrap();
            let grade = formula.grade(&notice.text).unwrap();
            assert!(grade <= READING_GRADE_MAX, "{}: grade {grade}", notice.identity());
            assert!(!notice.text.contains('\\'), "{}", notice.identity());
            // Silence is a no, a no changes nothing, and a yes can be taken back: each says so.
            let said = if notice.language == "en" {
                [
                    "If you say no, nothing changes for you",
                    "If you do not answer, that is a no",
                    "change your mind",
                ]
            } else {
                [
                    "Wenn Sie Nein sagen, ändert sich für Sie nichts",
                    "Wenn Sie nicht antworten, gilt das als Nein",
                    "anders überlegen",
                ]
            };
            for part in said {
                assert!(notice.text.replace('\n', " ").contains(part), "{}: {part}", notice.identity());
            }
        }
    }

    #[test]
    fn a_notice_is_the_same_after_it_was_written_and_read() {
        for notice in Notice::shipped().unwrap() {
            assert_eq!(Notice::parse(&notice.to_toml().unwrap()).unwrap(), notice);
        }
    }
}
