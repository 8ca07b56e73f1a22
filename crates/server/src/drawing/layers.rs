//! A graph in layers, from left to right: boxes of one layer stand in one column, and a line that passes a layer has a row of its own
//! in it, so that no line runs through a box.

use super::{Box, Drawing, Line, Words, fitted};

const BOX_WIDTH: i64 = 164;
const BOX_HEIGHT: i64 = 54;
const COLUMN_GAP: i64 = 40;
const ROW_GAP: i64 = 12;
const MARGIN: i64 = 6;
/// Room for the names of the layers.
const HEADING: i64 = 26;
/// Characters that fit a box, and those of a hash or an id, which are wider.
const CHARACTERS: usize = 24;
const WIDE_CHARACTERS: usize = 21;
/// How often rows are put in the order of what they hang from, and back.
const SWEEPS: usize = 4;

/// A box of a graph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LayeredBox {
    /// In which column, from 0.
    pub(crate) layer: usize,
    /// What it is, what tells it from others, and how it stands.
    pub(crate) texts: [String; 3],
    /// Whether it is gone.
    pub(crate) is_gone: bool,
}

/// A line of a graph, from a box to one in a later layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LayeredEdge {
    pub(crate) from: usize,
    pub(crate) to: usize,
    /// Whether it is gone.
    pub(crate) is_gone: bool,
}

/// What stands in a row of a column: a box, or a line that passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Slot {
    Box(usize),
    Passing(usize),
}

/// Draws a graph. Edges that do not lead to a later layer are left out.
pub(crate) fn layered(
    (id, title, description): (&str, String, String),
    headings: &[String],
    boxes: &[LayeredBox],
    edges: &[LayeredEdge],
) -> Drawing {
    let columns = columns(headings.len(), boxes, edges);
    let rows = columns.iter().map(Vec::len).max().unwrap_or(0).max(1);
    let rows = i64::try_from(rows).unwrap_or(1);
    let count = i64::try_from(headings.len()).unwrap_or(1);
    let height = 2 * MARGIN + HEADING + rows * (BOX_HEIGHT + ROW_GAP);
    let mut drawing = Drawing {
        id: id.to_owned(),
        title,
        description,
        width: 2 * MARGIN + count * BOX_WIDTH + (count - 1).max(0) * COLUMN_GAP,
        height,
        lines: Vec::new(),
        boxes: Vec::new(),
    };
    for (column, heading) in headings.iter().enumerate() {
        let x = left(column);
        let text = Words { look: "soft", x: x + 2, y: MARGIN + 14, text: fitted(heading, CHARACTERS) };
        let (y, height) = (MARGIN, HEADING - 6);
        drawing.boxes.push(Box { look: "heading", x, y, width: BOX_WIDTH, height, texts: vec![text] });
    }
    let middle = |column: usize, slot: Slot| middle_of(&columns, column, slot, rows);
    for (number, edge) in edges.iter().enumerate() {
        let (Some(from), Some(to)) = (boxes.get(edge.from), boxes.get(edge.to)) else { continue };
        if from.layer >= to.layer {
            continue;
        }
        let start = middle(from.layer, Slot::Box(edge.from));
        let mut points = vec![(left(from.layer) + BOX_WIDTH, start)];
        for column in from.layer + 1..to.layer {
            let y = middle(column, Slot::Passing(number));
            points.extend([(left(column), y), (left(column) + BOX_WIDTH, y)]);
        }
        points.push((left(to.layer), middle(to.layer, Slot::Box(edge.to))));
        let look = if edge.is_gone { "gone-way" } else { "known-way" };
        drawing.lines.push(Line { look, points });
    }
    for (place, found) in boxes.iter().enumerate() {
        let x = left(found.layer);
        let y = middle(found.layer, Slot::Box(place)) - BOX_HEIGHT / 2;
        let looks = ["strong", "hash", "soft"].into_iter().zip([17, 32, 46]);
        let texts = looks.zip(&found.texts).map(|((look, line), text)| Words {
            look,
            x: x + 8,
            y: y + line,
            text: fitted(text, if look == "hash" { WIDE_CHARACTERS } else { CHARACTERS }),
        });
        let look = if found.is_gone { "gone" } else { "known" };
        drawing.boxes.push(Box { look, x, y, width: BOX_WIDTH, height: BOX_HEIGHT, texts: texts.collect() });
    }
    drawing
}

fn left(column: usize) -> i64 {
    MARGIN + i64::try_from(column).unwrap_or(0) * (BOX_WIDTH + COLUMN_GAP)
}

/// The middle of a slot, from the top. Shorter columns stand in the middle of the longest.
fn middle_of(columns: &[Vec<Slot>], column: usize, slot: Slot, rows: i64) -> i64 {
    let found = columns.get(column).map(Vec::as_slice).unwrap_or_default();
    let row =
        found.iter().position(|other| *other == slot).and_then(|row| i64::try_from(row).ok()).unwrap_or(0);
    let spare = (rows - i64::try_from(found.len()).unwrap_or(rows)) * (BOX_HEIGHT + ROW_GAP) / 2;
    MARGIN + HEADING + spare + row * (BOX_HEIGHT + ROW_GAP) + BOX_HEIGHT / 2
}

/// The columns with their slots, ordered so that lines cross seldom.
fn columns(count: usize, boxes: &[LayeredBox], edges: &[LayeredEdge]) -> Vec<Vec<Slot>> {
    let mut columns: Vec<Vec<Slot>> = vec![Vec::new(); count];
    for (place, found) in boxes.iter().enumerate() {
        if let Some(column) = columns.get_mut(found.layer) {
            column.push(Slot::Box(place));
        }
    }
    // Every stretch of a line between neighbouring columns.
    let mut joins = Vec::new();
    for (number, edge) in edges.iter().enumerate() {
        let (Some(from), Some(to)) = (boxes.get(edge.from), boxes.get(edge.to)) else { continue };
        let mut before = Slot::Box(edge.from);
        for column in from.layer + 1..=to.layer {
            let slot = if column == to.layer { Slot::Box(edge.to) } else { Slot::Passing(number) };
            if let (Slot::Passing(_), Some(column)) = (slot, columns.get_mut(column)) {
                column.push(slot);
            }
            joins.push((column - 1, before, slot));
            before = slot;
        }
    }
    for sweep in 0..SWEEPS {
        let order: Vec<usize> =
            if sweep % 2 == 0 { (1..count).collect() } else { (0..count.saturating_sub(1)).rev().collect() };
        for column in order {
            let neighbours = |slot: &Slot| -> Vec<(usize, Slot)> {
                let forward =
                    joins.iter().filter(|(at, _, to)| sweep % 2 == 0 && at + 1 == column && to == slot);
                let back =
                    joins.iter().filter(|(at, from, _)| sweep % 2 == 1 && *at == column && from == slot);
                forward
                    .map(|(at, from, _)| (*at, *from))
                    .chain(back.map(|(at, _, to)| (at + 1, *to)))
                    .collect()
            };
            let weight = |slot: &Slot| {
                let near = neighbours(slot);
                let rows = near
                    .iter()
                    .filter_map(|(at, slot)| columns.get(*at)?.iter().position(|other| other == slot));
                let (sum, count) = rows.fold((0, 0), |(sum, count), row| (sum + row, count + 1));
                // In thousandths of a row; what has no neighbour stays in front.
                (sum * 1_000_usize).checked_div(count).unwrap_or(0)
            };
            let mut sorted = columns.get(column).cloned().unwrap_or_default();
            sorted.sort_by_cached_key(weight);
            if let Some(column) = columns.get_mut(column) {
                *column = sorted;
            }
        }
    }
    columns
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::checks::is_tidy;
    use super::*;

    fn place(layer: usize, is_gone: bool) -> LayeredBox {
        let text = || "a text that is much longer than any box of a drawing is wide".to_owned();
        LayeredBox { layer, texts: [text(), text(), text()], is_gone }
    }

    fn drawn(boxes: &[LayeredBox], edges: &[LayeredEdge]) -> Drawing {
        let headings = ["one", "two", "three", "four"].map(str::to_owned);
        layered(("graph", String::new(), String::new()), &headings, boxes, edges)
    }

    #[test]
    fn a_line_that_passes_a_column_goes_around_its_boxes() {
        let boxes = [place(0, false), place(0, false), place(1, false), place(2, false), place(3, false)];
        let edge = |from, to| LayeredEdge { from, to, is_gone: false };
        let edges = [edge(0, 2), edge(2, 3), edge(3, 4), edge(1, 3), edge(0, 4)];
        let drawing = drawn(&boxes, &edges);
        assert_eq!(is_tidy(&drawing), Ok(()));
        assert_eq!(drawing.lines[4].points.len(), 6, "it passes two columns");
    }

    proptest! {
        #[test]
        fn no_graph_has_boxes_or_lines_that_lie_on_each_other(
            boxes in proptest::collection::vec((0_usize..4, any::<bool>()), 0..24),
            edges in proptest::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 0..40),
        ) {
            let boxes: Vec<_> = boxes.into_iter().map(|(layer, is_gone)| place(layer, is_gone)).collect();
            let edges: Vec<_> = edges
                .into_iter()
                .filter(|_| !boxes.is_empty())
                .map(|(from, to)| LayeredEdge { from: from.index(boxes.len()), to: to.index(boxes.len()), is_gone: false })
                .collect();
            let drawing = drawn(&boxes, &edges);
            prop_assert_eq!(drawing.boxes.len(), boxes.len() + 4);
            prop_assert_eq!(is_tidy(&drawing), Ok(()));
        }
    }
}
