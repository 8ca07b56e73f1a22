//! Notices: what people are shown when they are asked. A version never changes once it is published.

use super::ConsentPurpose;
use crate::ground::LegalBasis;
use crate::retention::RetentionSpan;

/// Longest file of a notice, in bytes.
pub const NOTICE_BYTES_MAX: usize = 64 * 1024;
/// Longest single line of a notice, in characters.
const LINE_CHARACTERS_MAX: usize = 512;
/// Most entries in a list of a notice.
const ENTRIES_MAX: usize = 64;
/// Highest version.
const VERSION_MAX: u32 = 1_000_000;

/// Which text a person was shown.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct NoticeIdentity {
    /// What it asks about.
    pub purpose: ConsentPurpose,
    /// In which language: a tag of BCP 47 such as `en` or `pt-BR`.
    pub language: String,
    /// Its version, from 1.
    pub version: u32,
}

impl std::fmt::Display for NoticeIdentity {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "the notice on {} in `{}`, version {}", self.purpose, self.language, self.version)
    }
}

/// Who decides about the use (ISO/IEC TS 27560: the party).
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Controller {
    /// An identifier that others can look up, such as a register number or an address on the web.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Where it is.
    pub address: String,
    /// Whom to ask.
    pub contact: String,
    /// Which kind of party: `controller`, `joint-controller` or `processor`.
    pub role: String,
}

/// A notice: the question with everything a person must know to answer it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Notice {
    /// What it asks about.
    pub purpose: ConsentPurpose,
    /// In which language.
    pub language: String,
    /// Its version, from 1. The same in every language.
    pub version: u32,
    /// The question in one line.
    pub title: String,
    /// What the person is shown.
    pub text: String,
    /// On which basis the use rests.
    pub basis: LegalBasis,
    /// What a yes means for how long things are kept, in plain words.
    pub retention: String,
    /// Which data.
    pub data: Vec<String>,
    /// Whether special categories of data may be among it (GDPR article 9).
    #[serde(default)]
    pub special_categories: bool,
    /// What is done with it.
    pub processing: Vec<String>,
    /// Where it is stored.
    pub storage_locations: Vec<String>,
    /// Where it is processed.
    pub processing_locations: Vec<String>,
    /// Whose law applies.
    pub jurisdictions: Vec<String>,
    /// Who else receives it; empty for nobody.
    #[serde(default)]
    pub recipients: Vec<String>,
    /// How a yes is taken back.
    pub withdrawal: String,
    /// Which rights the person has.
    pub rights: Vec<String>,
    /// To whom one can complain.
    pub authority: String,
    /// For how long a yes counts; absent for as long as it is not taken back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validity: Option<RetentionSpan>,
    /// Who decides about the use.
    pub controllers: Vec<Controller>,
}

/// Why a text cannot be a notice. Nothing was published.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoticeError {
    /// It is too long.
    #[error("a notice has at most {NOTICE_BYTES_MAX} bytes; nothing was published")]
    TooLong,
    /// It is not TOML, or has keys that do not exist.
    #[error("the notice cannot be read: {0}; nothing was published")]
    Unreadable(String),
    /// A part is missing or too long.
    #[error("the notice's `{part}` {problem}; nothing was published")]
    Part {
        /// Which.
        part: &'static str,
        /// What is wrong with it.
        problem: &'static str,
    },
}

impl Notice {
    /// Reads a notice from TOML.
    ///
    /// # Errors
    /// When it is too long, unreadable or incomplete.
    pub fn parse(text: &str) -> Result<Self, NoticeError> {
        if text.len() > NOTICE_BYTES_MAX {
            return Err(NoticeError::TooLong);
        }
        let notice: Self =
            toml::from_str(text).map_err(|error| NoticeError::Unreadable(error.message().to_owned()))?;
        notice.check()?;
        Ok(notice)
    }

    /// The notice as TOML, as [`Self::parse`] reads it.
    ///
    /// # Errors
    /// When it holds what TOML cannot say.
    pub fn to_toml(&self) -> Result<String, NoticeError> {
        toml::to_string(self).map_err(|error| NoticeError::Unreadable(error.to_string()))
    }

    /// Which notice it is.
    pub fn identity(&self) -> NoticeIdentity {
        NoticeIdentity { purpose: self.purpose, language: self.language.clone(), version: self.version }
    }

    /// Whether it has everything that a person must be told.
    ///
    /// # Errors
    /// With the first part that is missing.
    pub fn check(&self) -> Result<(), NoticeError> {
        let part = |part, problem| Err(NoticeError::Part { part, problem });
        if !is_language(&self.language) {
            return part("language", "is not a language tag such as `en` or `pt-BR`");
        }
        if self.version == 0 || self.version > VERSION_MAX {
            return part("version", "is counted from 1");
        }
        if self.basis != self.purpose.legal_basis() {
            return part("basis", "must be `consent`: a question whose answer does not count is no question");
        }
        if self.text.trim().is_empty() || self.text.contains('\0') {
            return part("text", "is empty or cannot be shown");
        }
        let lines: [(&'static str, &str); 4] = [
            ("title", &self.title),
            ("retention", &self.retention),
            ("withdrawal", &self.withdrawal),
            ("authority", &self.authority),
        ];
        for (name, line) in lines {
            if !is_line(line) {
                return part(name, "must be one line of 1 to 512 characters");
            }
        }
        let lists: [(&'static str, &[String], bool); 7] = [
            ("data", &self.data, false),
            ("processing", &self.processing, false),
            ("storage_locations", &self.storage_locations, false),
            ("processing_locations", &self.processing_locations, false),
            ("jurisdictions", &self.jurisdictions, false),
            ("rights", &self.rights, false),
            ("recipients", &self.recipients, true),
        ];
        for (name, list, may_be_empty) in lists {
            if (list.is_empty() && !may_be_empty) || list.len() > ENTRIES_MAX {
                return part(name, "must have 1 to 64 entries");
            }
            if !list.iter().all(|line| is_line(line)) {
                return part(name, "has an entry that is not one line of 1 to 512 characters");
            }
        }
        if self.controllers.is_empty() || self.controllers.len() > ENTRIES_MAX {
            return part("controllers", "must have 1 to 64 entries");
        }
        for controller in &self.controllers {
            let Controller { id, name, address, contact, role } = controller;
            if ![id, name, address, contact].into_iter().all(|line| is_line(line)) {
                return part(
                    "controllers",
                    "must have an id, a name, an address and a contact, one line each",
                );
            }
            if !["controller", "joint-controller", "processor"].contains(&role.as_str()) {
                return part(
                    "controllers",
                    "must have the role `controller`, `joint-controller` or `processor`",
                );
            }
        }
        Ok(())
    }
}

fn is_line(text: &str) -> bool {
    let length = text.chars().count();
    (1..=LINE_CHARACTERS_MAX).contains(&length) && !text.chars().any(char::is_control) && text.trim() == text
}

/// Whether a text is a language tag (BCP 47): parts of 1 to 8 letters or digits, the first of 2 or 3 letters.
pub fn is_language(text: &str) -> bool {
    let mut parts = text.split('-');
    text.len() <= 35
        && parts.next().is_some_and(|first| {
            (2..=3).contains(&first.len()) && first.bytes().all(|byte| byte.is_ascii_lowercase())
        })
        && parts.all(|part| {
            (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
        })
}

/// Whether a text is the code of a country or a part of one (ISO 3166), such as `DE` or `US-CA`.
pub fn is_region(text: &str) -> bool {
    let (country, part) = text.split_once('-').map_or((text, None), |(country, part)| (country, Some(part)));
    country.len() == 2
        && country.bytes().all(|byte| byte.is_ascii_uppercase())
        && part.is_none_or(|part| {
            (1..=3).contains(&part.len())
                && part.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTICE: &str = include_str!("../../../../policies/notices/batch-training.en.toml");

    #[test]
    fn the_notice_that_comes_with_the_program_is_complete_and_easy_to_read() {
        let notice = Notice::parse(NOTICE).unwrap();
        assert_eq!(notice.identity().to_string(), "the notice on batch-training in `en`, version 1");
        let grade = super::super::reading_grade(&notice.text).unwrap();
        assert!(grade <= 8.0, "grade {grade}");
    }

    #[test]
    fn every_part_that_a_person_must_be_told_is_asked_for() {
        for part in [
            "language",
            "version",
            "title",
            "text",
            "basis",
            "retention",
            "data",
            "processing",
            "storage_locations",
            "processing_locations",
            "jurisdictions",
            "withdrawal",
            "rights",
            "authority",
        ] {
            let mut table: toml::Table = NOTICE.parse().unwrap();
            assert!(table.remove(part).is_some(), "{part}");
            assert!(Notice::parse(&table.to_string()).is_err(), "{part} may be left out");
        }
    }

    #[test]
    fn other_bases_and_unknown_keys_are_refused() {
        assert!(Notice::parse(&NOTICE.replace("\"consent\"", "\"legitimate-interest\"")).is_err());
        assert!(Notice::parse(&format!("surprise = 1\n{NOTICE}")).is_err());
        assert_eq!(Notice::parse(&"x".repeat(NOTICE_BYTES_MAX + 1)), Err(NoticeError::TooLong));
    }

    #[test]
    fn languages_and_regions_have_their_form() {
        for (text, expect) in [("en", true), ("pt-BR", true), ("EN", false), ("e", false), ("en-", false)] {
            assert_eq!(is_language(text), expect, "{text}");
        }
        for (text, expect) in [("DE", true), ("US-CA", true), ("us", false), ("USA", false), ("US-", false)] {
            assert_eq!(is_region(text), expect, "{text}");
        }
    }
}
