//! The parts of a tree that a consistency proof names, one beneath the other: those that the old log had, then those that came since.

use super::{Box, Drawing, Line, Words};

const WIDTH: i64 = 320;
const ROW: i64 = 34;
const GAP: i64 = 8;
const MARGIN: i64 = 4;
/// Room for the bracket at the left.
const BRACKET: i64 = 18;

/// A part of the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) name: String,
    pub(crate) hash: String,
    /// Whether the old log had it.
    pub(crate) is_old: bool,
}

/// Draws parts, given in the order of their entries, beneath a heading for each of the two logs.
pub(crate) fn parts(
    (id, title, description): (&str, String, String),
    (old, new): (&str, &str),
    parts: &[Part],
) -> Drawing {
    let mut drawing = Drawing {
        id: id.to_owned(),
        title,
        description,
        width: WIDTH,
        height: 0,
        lines: Vec::new(),
        boxes: Vec::new(),
    };
    let mut y = MARGIN;
    let mut ends = Vec::new();
    for (heading, is_old) in [(old, true), (new, false)] {
        let first = y;
        drawing.boxes.push(words("heading", y, ROW - 8, vec![("strong", 18, heading.to_owned())]));
        y += ROW - 8;
        for part in parts.iter().filter(|part| part.is_old == is_old) {
            let look = if is_old { "known" } else { "sibling" };
            let texts = vec![("strong", 21, part.name.clone()), ("hash", 21, part.hash.clone())];
            drawing.boxes.push(words(look, y, ROW, texts));
            y += ROW + GAP;
        }
        ends.push((first, y - GAP));
    }
    drawing.height = y + MARGIN;
    // One bracket around what the old log had, one around everything.
    let first = ends.first().copied().unwrap_or_default();
    let last = ends.last().copied().unwrap_or_default();
    for (look, x, (from, to)) in
        [("known-way", 12, (first.0 + 4, first.1)), ("way", 4, (first.0 + 4, last.1))]
    {
        drawing.lines.push(Line { look, points: vec![(x + 4, from), (x, from), (x, to), (x + 4, to)] });
    }
    drawing
}

fn words(look: &'static str, y: i64, height: i64, texts: Vec<(&'static str, i64, String)>) -> Box {
    let x = MARGIN + BRACKET;
    let width = WIDTH - x - MARGIN;
    let texts = texts.into_iter().enumerate().map(|(place, (look, line, text))| Words {
        look,
        x: if place == 0 { x + 8 } else { x + 150 },
        y: y + line,
        text,
    });
    Box { look, x, y, width, height, texts: texts.collect() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::checks::is_tidy;
    use super::*;

    proptest! {
        #[test]
        fn parts_stand_beneath_each_other(sides in proptest::collection::vec(any::<bool>(), 0..40)) {
            let all: Vec<_> = sides
                .iter()
                .map(|is_old| Part { name: "1 to 2".to_owned(), hash: "ab…".to_owned(), is_old: *is_old })
                .collect();
            let drawing = parts(("parts", String::new(), String::new()), ("old", "new"), &all);
            prop_assert_eq!(drawing.boxes.len(), all.len() + 2);
            prop_assert_eq!(is_tidy(&drawing), Ok(()));
        }
    }
}
