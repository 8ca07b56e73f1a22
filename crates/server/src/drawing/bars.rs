//! Bars, one beneath the other: how much of each thing there is, and which part of it is of one kind.

use super::{Box, Drawing, Words};

const WIDTH: i64 = 320;
const ROW: i64 = 40;
const BAR: i64 = 12;
const MARGIN: i64 = 4;

/// A bar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bar {
    pub(crate) name: String,
    /// How much there is of the first kind.
    pub(crate) first: u64,
    /// How much there is of the other.
    pub(crate) other: u64,
}

impl Bar {
    fn total(&self) -> u64 {
        self.first.saturating_add(self.other)
    }
}

/// Draws bars; the longest fills the width. Whatever is not nothing can be seen.
pub(crate) fn bars((id, title, description): (&str, String, String), all: &[Bar]) -> Drawing {
    let most = all.iter().map(Bar::total).max().unwrap_or(0).max(1);
    let room = WIDTH - 2 * MARGIN;
    let length = |amount: u64| {
        let share = u128::from(amount) * u128::try_from(room).unwrap_or(0) / u128::from(most);
        let share = i64::try_from(share).unwrap_or(room);
        if amount == 0 { 0 } else { share.max(2) }
    };
    let mut drawing = Drawing {
        id: id.to_owned(),
        title,
        description,
        width: WIDTH,
        height: MARGIN + ROW * i64::try_from(all.len()).unwrap_or(0),
        lines: Vec::new(),
        boxes: Vec::new(),
    };
    for (number, bar) in all.iter().enumerate() {
        let y = MARGIN + ROW * i64::try_from(number).unwrap_or(0);
        let name = Words { look: "words", x: MARGIN, y: y + 13, text: bar.name.clone() };
        let amount = Words { look: "amount", x: WIDTH - MARGIN, y: y + 13, text: bar.total().to_string() };
        drawing.boxes.push(Box {
            look: "heading",
            x: MARGIN,
            y,
            width: room,
            height: ROW - BAR - 8,
            texts: vec![name, amount],
        });
        let top = y + ROW - BAR - 8;
        // Both together keep within the width, though each is at least two units wide.
        let other = length(bar.other).min(room - 2);
        let first = length(bar.first).min(room - other);
        for (look, x, width) in [("fill", MARGIN, first), ("fill-other", MARGIN + first, other)] {
            if width > 0 {
                drawing.boxes.push(Box { look, x, y: top, width, height: BAR, texts: Vec::new() });
            }
        }
    }
    drawing
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::checks::is_tidy;
    use super::*;

    proptest! {
        #[test]
        fn bars_of_any_length_keep_within_the_drawing(amounts in proptest::collection::vec((any::<u64>(), 0_u64..5), 0..12)) {
            let all: Vec<_> = amounts
                .iter()
                .map(|(first, other)| Bar { name: "reason".to_owned(), first: *first, other: *other })
                .collect();
            let drawing = bars(("bars", String::new(), String::new()), &all);
            prop_assert_eq!(is_tidy(&drawing), Ok(()));
            let drawn = drawing.boxes.iter().filter(|place| place.look.starts_with("fill")).count();
            let expected: usize = all.iter().map(|bar| usize::from(bar.first > 0) + usize::from(bar.other > 0)).sum();
            prop_assert_eq!(drawn, expected);
        }
    }
}
