//! How hard a text is to read: the school grade at which it is understood, by the formula of its language.

/// The highest grade of a text that people are asked by.
pub const READING_GRADE_MAX: f64 = 8.0;

/// The formula by which the grade of a text is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GradeFormula {
    /// Flesch-Kincaid (1975), for English: [`reading_grade`].
    FleschKincaid,
    /// The first Viennese formula for non-fiction (Bamberger and Vanecek 1984), for German: [`reading_grade_in_german`].
    Vienna,
}

impl GradeFormula {
    /// The formula for a language, by its tag (BCP 47). `None` where none is known here: then a grade means nothing.
    pub fn of(language: &str) -> Option<Self> {
        match language.split('-').next() {
            Some("en") => Some(Self::FleschKincaid),
            Some("de") => Some(Self::Vienna),
            _ => None,
        }
    }

    /// The name by which the formula is known.
    pub const fn name(self) -> &'static str {
        match self {
            Self::FleschKincaid => "Flesch-Kincaid",
            Self::Vienna => "Wiener Sachtextformel",
        }
    }

    /// The grade of a text; `None` for one without words.
    pub fn grade(self, text: &str) -> Option<f64> {
        match self {
            Self::FleschKincaid => reading_grade(text),
            Self::Vienna => reading_grade_in_german(text),
        }
    }
}

/// The school grade at which German text is understood: 0.1935 times the share of words of three syllables and more, plus 0.1672
/// times the words per sentence, plus 0.1297 times the share of words of more than six letters, less 0.0327 times the share of words of
/// one syllable, less 0.875; shares in per cent. `None` for a text without words.
pub fn reading_grade_in_german(text: &str) -> Option<f64> {
    let mut sentences = 0_u32;
    let (mut words, mut many, mut one, mut long) = (0_u32, 0_u32, 0_u32, 0_u32);
    for sentence in sentences_of(text) {
        let before = words;
        for word in words_of(sentence) {
            let syllables = german_syllables_of(word);
            words = words.saturating_add(1);
            many = many.saturating_add(u32::from(syllables >= 3));
            one = one.saturating_add(u32::from(syllables <= 1));
            long = long.saturating_add(u32::from(word.chars().count() > 6));
        }
        sentences = sentences.saturating_add(u32::from(words > before));
    }
    if words == 0 {
        return None;
    }
    let all = f64::from(words);
    let share = |part: u32| 100.0 * f64::from(part) / all;
    let length = all / f64::from(sentences);
    Some(0.1935 * share(many) + 0.1672 * length + 0.1297 * share(long) - 0.0327 * share(one) - 0.875)
}

/// The school grade at which English text is understood (Flesch-Kincaid: 0.39 words per sentence plus 11.8 syllables per word,
/// less 15.59). Syllables are counted as groups of vowels without a silent final `e`, which is off by a few per cent. `None`
/// for a text without words. For other languages the number means nothing.
pub fn reading_grade(text: &str) -> Option<f64> {
    let mut sentences = 0_u32;
    let (mut words, mut syllables) = (0_u32, 0_u32);
    for sentence in sentences_of(text) {
        let before = words;
        for word in words_of(sentence) {
            words = words.saturating_add(1);
            syllables = syllables.saturating_add(syllables_of(word));
        }
        sentences = sentences.saturating_add(u32::from(words > before));
    }
    if words == 0 {
        return None;
    }
    let (words, sentences, syllables) = (f64::from(words), f64::from(sentences), f64::from(syllables));
    Some(0.39 * (words / sentences) + 11.8 * (syllables / words) - 15.59)
}

fn sentences_of(text: &str) -> impl Iterator<Item = &str> {
    text.split_inclusive(['.', '!', '?', ':', ';'])
}

fn words_of(sentence: &str) -> impl Iterator<Item = &str> {
    let words = sentence.split(|c: char| !c.is_alphanumeric() && c != '\'');
    words.filter(|word| word.chars().any(char::is_alphanumeric))
}

/// Syllables of a German word: groups of vowels, where two that are no diphthong are two.
fn german_syllables_of(word: &str) -> u32 {
    const DIPHTHONGS: [&str; 9] = ["ei", "ai", "au", "eu", "äu", "ie", "aa", "ee", "oo"];
    let word: Vec<char> = word.to_lowercase().chars().collect();
    let is_vowel = |letter: char| "aeiouyäöü".contains(letter);
    let mut syllables = 0_u32;
    let mut before: Option<char> = None;
    for letter in word {
        if is_vowel(letter) {
            let joins =
                before.is_some_and(|first| DIPHTHONGS.iter().any(|pair| pair.chars().eq([first, letter])));
            if joins {
                // The pair is one sound; a third vowel begins another.
                before = None;
                continue;
            }
            syllables = syllables.saturating_add(1);
        }
        before = is_vowel(letter).then_some(letter);
    }
    syllables.max(1)
}

fn syllables_of(word: &str) -> u32 {
    let word = word.to_lowercase();
    let groups = vowel_groups(&word);
    let is_silent = word.ends_with('e') && !word.ends_with("le") && groups > 1;
    groups.saturating_sub(u32::from(is_silent)).max(1)
}

fn vowel_groups(word: &str) -> u32 {
    let mut groups = 0_u32;
    let mut in_vowels = false;
    for letter in word.chars() {
        let is_vowel = "aeiouyäöü".contains(letter);
        groups = groups.saturating_add(u32::from(is_vowel && !in_vowels));
        in_vowels = is_vowel;
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_words_are_easier_than_lawyers_words() {
        let plain = reading_grade("You can say no. Nothing changes for you if you do.").unwrap();
        let hard = reading_grade(
            "The undersigned acknowledges irrevocable authorisation of subsequent algorithmic processing notwithstanding \
             contractual obligations previously established.",
        )
        .unwrap();
        assert!(plain < 4.0, "{plain}");
        assert!(hard > 20.0, "{hard}");
        assert_eq!(reading_grade(" ... "), None);
    }

    #[test]
    fn plain_german_is_easier_than_the_german_of_offices() {
        let plain =
            reading_grade_in_german("Sie können Nein sagen. Dann ändert sich für Sie nichts.").unwrap();
        let hard = reading_grade_in_german(
            "Die datenschutzrechtliche Einwilligungserklärung bedarf hinsichtlich der Verarbeitungstätigkeiten einer \
             ausdrücklichen Willensbekundung der betroffenen Personengruppen.",
        )
        .unwrap();
        assert!(plain < 5.0, "{plain}");
        assert!(hard > 15.0, "{hard}");
        assert_eq!(reading_grade_in_german("..."), None);
        for (word, expect) in [
            ("nein", 1),
            ("Ihre", 2),
            ("Chats", 1),
            ("Modelle", 3),
            ("trainieren", 3),
            ("neu", 1),
            ("Europa", 3),
        ] {
            assert_eq!(german_syllables_of(word), expect, "{word}");
        }
    }

    #[test]
    fn a_grade_is_computed_only_where_a_formula_is_known() {
        for (language, expect) in [
            ("en", Some(GradeFormula::FleschKincaid)),
            ("en-GB", Some(GradeFormula::FleschKincaid)),
            ("de-AT", Some(GradeFormula::Vienna)),
            ("fr", None),
            ("den", None),
        ] {
            assert_eq!(GradeFormula::of(language), expect, "{language}");
        }
    }

    #[test]
    fn syllables_are_counted_as_one_hears_them() {
        for (word, expect) in [("no", 1), ("make", 1), ("table", 2), ("conversation", 4), ("the", 1)] {
            assert_eq!(syllables_of(word), expect, "{word}");
        }
    }
}
