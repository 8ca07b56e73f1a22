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

/// The school grade at which German text is understood (first Wiener Sachtextformel, Bamberger and Vanecek 1984: 0.1935 times
/// the share of words of three and more syllables, plus 0.1672 words per sentence, plus 0.1297 times the share of words of more
/// than six letters, less 0.0327 times the share of words of one syllable, less 0.875; shares in per cent). It was made for
/// German non-fiction and gives grades from 4 to 15, as the formula for English does; Flesch's for German (Amstad) gives a score
/// without a grade. `None` for a text without words.
pub fn german_reading_grade(text: &str) -> Option<f64> {
    let (mut sentences, mut words, mut sounds) = (0_u32, 0_u32, 0_u32);
    let (mut long, mut many, mut single) = (0_u32, 0_u32, 0_u32);
    for sentence in text.split_inclusive(['.', '!', '?', ':', ';']) {
        let before = words;
        for word in sentence.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
            words = words.saturating_add(1);
            let syllables = german_syllables_of(word);
            sounds = sounds.saturating_add(syllables);
            long = long.saturating_add(u32::from(word.chars().count() > 6));
            many = many.saturating_add(u32::from(syllables >= 3));
            single = single.saturating_add(u32::from(syllables == 1));
        }
        sentences = sentences.saturating_add(u32::from(words > before));
    }
    if words == 0 || sounds == 0 {
        return None;
    }
    let share = |count: u32| f64::from(count) * 100.0 / f64::from(words);
    let length = f64::from(words) / f64::from(sentences);
    Some(0.1935 * share(many) + 0.1672 * length + 0.1297 * share(long) - 0.0327 * share(single) - 0.875)
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
    fn german_is_graded_by_a_formula_made_for_it() {
        let plain = german_reading_grade("Sie können Nein sagen. Dann ändert sich nichts für Sie.").unwrap();
        let hard = german_reading_grade(
            "Die Einwilligungserklärung beinhaltet unwiderrufliche Verarbeitungsermächtigungen hinsichtlich \
             personenbezogener Kommunikationsinhalte.",
        )
        .unwrap();
        assert!(plain < 5.0, "{plain}");
        assert!(hard > 15.0, "{hard}");
        assert_eq!(german_reading_grade(" ... "), None);
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
        let notice: crate::Notice =
            crate::Notice::parse(include_str!("../../../../policies/notices/batch-training.de.toml"))
                .unwrap();
        let grade = german_reading_grade(&notice.text).unwrap();
        assert!(grade <= 8.0, "grade {grade}");
    }

    #[test]
    fn syllables_are_counted_as_one_hears_them() {
        for (word, expect) in [("no", 1), ("make", 1), ("table", 2), ("conversation", 4), ("the", 1)] {
            assert_eq!(syllables_of(word), expect, "{word}");
        }
    }
}
