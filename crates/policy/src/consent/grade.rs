//! How hard a text is to read.

/// The school grade at which English text is understood (Flesch-Kincaid: 0.39 words per sentence plus 11.8 syllables per word,
/// less 15.59). Syllables are counted as groups of vowels without a silent final `e`, which is off by a few per cent. `None`
/// for a text without words. For other languages the number means nothing.
pub fn reading_grade(text: &str) -> Option<f64> {
    let mut sentences = 0_u32;
    let (mut words, mut syllables) = (0_u32, 0_u32);
    for sentence in text.split_inclusive(['.', '!', '?', ':', ';']) {
        let before = words;
        for word in sentence.split(|c: char| !c.is_alphanumeric() && c != '\'') {
            if word.chars().any(char::is_alphanumeric) {
                words = words.saturating_add(1);
                syllables = syllables.saturating_add(syllables_of(word));
            }
        }
        sentences = sentences.saturating_add(u32::from(words > before));
    }
    if words == 0 {
        return None;
    }
    let (words, sentences, syllables) = (f64::from(words), f64::from(sentences), f64::from(syllables));
    Some(0.39 * (words / sentences) + 11.8 * (syllables / words) - 15.59)
}

fn syllables_of(word: &str) -> u32 {
    let word = word.to_lowercase();
    let mut groups = 0_u32;
    let mut in_vowels = false;
    for letter in word.chars() {
        let is_vowel = "aeiouy".contains(letter);
        groups = groups.saturating_add(u32::from(is_vowel && !in_vowels));
        in_vowels = is_vowel;
    }
    let is_silent = word.ends_with('e') && !word.ends_with("le") && groups > 1;
    groups.saturating_sub(u32::from(is_silent)).max(1)
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
    fn syllables_are_counted_as_one_hears_them() {
        for (word, expect) in [("no", 1), ("make", 1), ("table", 2), ("conversation", 4), ("the", 1)] {
            assert_eq!(syllables_of(word), expect, "{word}");
        }
    }
}
