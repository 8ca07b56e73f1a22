//! What changed between two texts, sentence by sentence and word by word.

/// Sentences that are compared at most: a longer text is not a notice.
const SENTENCES_MAX: usize = 2_000;
/// Words that are compared at most, of what is left between the beginning and the end that are the same.
const WORDS_MAX: usize = 3_000;

/// One sentence, or some words, of two texts that are compared.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case", tag = "change", content = "text")]
pub enum WordChange {
    /// It is in both.
    Same(String),
    /// It is in the older text alone.
    Removed(String),
    /// It is in the newer text alone.
    Added(String),
}

/// The sentences of two texts in the order of reading: what stays, what goes, what comes. Beyond 2,000 sentences of either
/// text nothing is compared and everything counts as replaced.
pub fn change_in_words(before: &str, after: &str) -> Vec<WordChange> {
    changes(sentences(before), sentences(after), SENTENCES_MAX)
}

/// The words of two texts in the order of reading, with neighbours of the same fate together: what stays, what goes, what comes.
/// Paragraphs end with a `\n`. Where more than 3,000 words of either text lie between what is the same at the beginning and at
/// the end, these are not compared and count as replaced.
pub fn change_word_by_word(before: &str, after: &str) -> Vec<WordChange> {
    let (mut before, mut after) = (words(before), words(after));
    let first = before.iter().zip(&after).take_while(|(was, is)| was == is).count();
    let beginning: Vec<String> = before.drain(..first).collect();
    after.drain(..first);
    let last = before.iter().rev().zip(after.iter().rev()).take_while(|(was, is)| was == is).count();
    let ending = before.split_off(before.len() - last);
    after.truncate(after.len() - last);
    let between = changes(before, after, WORDS_MAX);
    let same = |words: Vec<String>| words.into_iter().map(WordChange::Same);
    let mut joined: Vec<WordChange> = Vec::new();
    for change in same(beginning).chain(between).chain(same(ending)) {
        match (joined.last_mut(), change) {
            (Some(WordChange::Same(text)), WordChange::Same(word))
            | (Some(WordChange::Removed(text)), WordChange::Removed(word))
            | (Some(WordChange::Added(text)), WordChange::Added(word)) => {
                if !text.ends_with('\n') {
                    text.push(' ');
                }
                text.push_str(&word);
            }
            (_, change) => joined.push(change),
        }
    }
    joined
}

fn changes(before: Vec<String>, after: Vec<String>, most: usize) -> Vec<WordChange> {
    if before.len() > most || after.len() > most {
        let removed = before.into_iter().map(WordChange::Removed);
        return removed.chain(after.into_iter().map(WordChange::Added)).collect();
    }
    let longest = common_lengths(&before, &after);
    let at =
        |row: usize, column: usize| longest.get(row).and_then(|row| row.get(column)).copied().unwrap_or(0);
    let (mut old, mut new) = (0, 0);
    let mut changes = Vec::new();
    loop {
        match (before.get(old), after.get(new)) {
            (Some(was), Some(is)) if was == is => {
                changes.push(WordChange::Same(is.clone()));
                old += 1;
                new += 1;
            }
            (Some(was), is) if is.is_none() || at(old + 1, new) >= at(old, new + 1) => {
                changes.push(WordChange::Removed(was.clone()));
                old += 1;
            }
            (_, Some(is)) => {
                changes.push(WordChange::Added(is.clone()));
                new += 1;
            }
            _ => return changes,
        }
    }
}

/// For each pair of places the length of the longest common subsequence of what follows.
fn common_lengths(before: &[String], after: &[String]) -> Vec<Vec<u32>> {
    let mut rows = vec![vec![0_u32; after.len() + 1]];
    for was in before.iter().rev() {
        let mut row = vec![0_u32];
        if let Some(below) = rows.last() {
            for ((is, beside), diagonal) in
                after.iter().rev().zip(below.iter().rev().skip(1)).zip(below.iter().rev())
            {
                let right = row.last().copied().unwrap_or(0);
                row.push(if was == is { diagonal + 1 } else { right.max(*beside) });
            }
        }
        row.reverse();
        rows.push(row);
    }
    rows.reverse();
    rows
}

/// The words of a text; the last one of a paragraph keeps its end.
fn words(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let text = text.replace("\r\n", "\n");
    for paragraph in text.split("\n\n") {
        let before = found.len();
        found.extend(paragraph.split_whitespace().map(str::to_owned));
        let is_empty = found.len() == before;
        if let Some(last) = found.last_mut().filter(|_| !is_empty) {
            last.push('\n');
        }
    }
    found
}

fn sentences(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for paragraph in text.split("\n\n") {
        let mut rest = String::new();
        for word in paragraph.split_whitespace() {
            if !rest.is_empty() {
                rest.push(' ');
            }
            rest.push_str(word);
            if word.ends_with(['.', '!', '?']) {
                found.push(std::mem::take(&mut rest));
            }
        }
        if !rest.is_empty() {
            found.push(rest);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn side(changes: &[WordChange], keep_removed: bool) -> Vec<String> {
        changes
            .iter()
            .filter_map(|change| match change {
                WordChange::Same(text) => Some(text.clone()),
                WordChange::Removed(text) => keep_removed.then(|| text.clone()),
                WordChange::Added(text) => (!keep_removed).then(|| text.clone()),
            })
            .collect()
    }

    #[test]
    fn a_changed_sentence_goes_and_comes_and_the_others_stay() {
        let changes =
            change_in_words("We keep it 30 days. You can say no.", "We keep it 5 years. You can say no.");
        assert_eq!(
            changes,
            [
                WordChange::Removed("We keep it 30 days.".to_owned()),
                WordChange::Added("We keep it 5 years.".to_owned()),
                WordChange::Same("You can say no.".to_owned()),
            ]
        );
    }

    #[test]
    fn a_changed_word_goes_and_comes_between_what_stays() {
        let changes =
            change_word_by_word("We keep it 30 days.\n\nSay no.", "We keep it for 5 years.\n\nSay no.");
        let text = |text: &str| text.to_owned();
        assert_eq!(
            changes,
            [
                WordChange::Same(text("We keep it")),
                WordChange::Removed(text("30 days.\n")),
                WordChange::Added(text("for 5 years.\n")),
                WordChange::Same(text("Say no.\n")),
            ]
        );
        assert!(change_word_by_word("", "").is_empty());
        let long = "word ".repeat(WORDS_MAX + 2);
        assert_eq!(change_word_by_word(&long, &long).len(), 1, "what is the same needs no comparison");
    }

    proptest! {
        #[test]
        fn both_texts_can_be_read_off_word_by_word(before in "([ab]{1,2}[ \n]{0,2}){0,20}", after in "([ab]{1,2}[ \n]{0,2}){0,20}") {
            let changes = change_word_by_word(&before, &after);
            let read = |removed| side(&changes, removed).join(" ").split_whitespace().map(str::to_owned).collect::<Vec<_>>();
            let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
            prop_assert_eq!(read(true), words(&before));
            prop_assert_eq!(read(false), words(&after));
        }

        #[test]
        fn both_texts_can_be_read_off(
            before in proptest::collection::vec("[a-d]\\.", 0..12),
            after in proptest::collection::vec("[a-d]\\.", 0..12),
        ) {
            let changes = change_in_words(&before.join(" "), &after.join(" "));
            prop_assert_eq!(side(&changes, true), before);
            prop_assert_eq!(side(&changes, false), after);
        }
    }
}
