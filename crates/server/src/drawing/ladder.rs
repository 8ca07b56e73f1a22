//! The way from a leaf to the root, as a ladder: at each rung what is known and the hash of the proof stand side by side, and what
//! both give stands above them. It is narrow enough for a telephone.

use super::{Box, Drawing, Line, Words};

const WIDTH: i64 = 320;
const BOX_WIDTH: i64 = 148;
const BOX_HEIGHT: i64 = 44;
const GAP: i64 = 26;
const MARGIN: i64 = 4;

/// A rung: the leaf's or a joined node, and the node of the proof beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rung {
    /// What the known node stands for, and its hash.
    pub(crate) known: (String, String),
    /// What the node of the proof stands for, and its hash.
    pub(crate) sibling: (String, String),
    /// Whether the node of the proof stands at the left.
    pub(crate) sibling_is_left: bool,
}

/// Draws the rungs, given from the leaf upwards, beneath the root.
pub(crate) fn ladder(
    (id, title, description): (&str, String, String),
    rungs: &[Rung],
    root: &(String, String),
) -> Drawing {
    let step = BOX_HEIGHT + GAP;
    let count = i64::try_from(rungs.len()).unwrap_or(0);
    let mut drawing = Drawing {
        id: id.to_owned(),
        title,
        description,
        width: WIDTH,
        height: 2 * MARGIN + BOX_HEIGHT + count * step,
        lines: Vec::new(),
        boxes: Vec::new(),
    };
    drawing.boxes.push(place("top", (WIDTH - BOX_WIDTH) / 2, MARGIN, root));
    // The middle of what the next rung leads to: the root, then the known node of the rung above.
    let mut above = WIDTH / 2;
    for (number, rung) in rungs.iter().rev().enumerate() {
        let y = MARGIN + (i64::try_from(number).unwrap_or(0) + 1) * step;
        let (left, right) = (MARGIN, WIDTH - MARGIN - BOX_WIDTH);
        let (known, sibling) = if rung.sibling_is_left { (right, left) } else { (left, right) };
        drawing.lines.push(way("way", sibling + BOX_WIDTH / 2, y, above));
        drawing.lines.push(way("known-way", known + BOX_WIDTH / 2, y, above));
        drawing.boxes.push(place("known", known, y, &rung.known));
        drawing.boxes.push(place("sibling", sibling, y, &rung.sibling));
        above = known + BOX_WIDTH / 2;
    }
    drawing
}

/// A line from the top of a box to the bottom of the one above, around corners.
fn way(look: &'static str, x: i64, y: i64, above: i64) -> Line {
    let middle = y - GAP / 2;
    Line { look, points: vec![(x, y), (x, middle), (above, middle), (above, y - GAP)] }
}

fn place(look: &'static str, x: i64, y: i64, (name, hash): &(String, String)) -> Box {
    let words = |look, line, text: &String| Words { look, x: x + 10, y: y + line, text: text.clone() };
    let texts = vec![words("strong", 18, name), words("hash", 35, hash)];
    Box { look, x, y, width: BOX_WIDTH, height: BOX_HEIGHT, texts }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::checks::is_tidy;
    use super::*;

    proptest! {
        #[test]
        fn a_ladder_of_any_height_is_tidy(sides in proptest::collection::vec(any::<bool>(), 0..50)) {
            let node = || ("entries 0 to 7".to_owned(), "0123456789abcdef…".to_owned());
            let rungs: Vec<_> = sides
                .iter()
                .map(|left| Rung { known: node(), sibling: node(), sibling_is_left: *left })
                .collect();
            let drawing = ladder(("proof", String::new(), String::new()), &rungs, &node());
            prop_assert_eq!(drawing.boxes.len(), 1 + 2 * rungs.len());
            prop_assert_eq!(drawing.lines.len(), 2 * rungs.len());
            prop_assert_eq!(is_tidy(&drawing), Ok(()));
        }
    }
}
