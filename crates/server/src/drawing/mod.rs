//! Drawings: pure functions from data to boxes and lines, which a template writes as SVG. They need no script, take their colours
//! from the page's style sheet, and every number in them stands in a table beside them as well.

mod bars;
mod ladder;
mod layers;
mod parts;

use askama::Template;

pub(crate) use bars::{Bar, bars};
pub(crate) use ladder::{Rung, ladder};
pub(crate) use layers::{LayeredBox, LayeredEdge, layered};
pub(crate) use parts::{Part, parts};

/// A drawing. Lengths are in its own units, which are pixels where it is shown in its full size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Drawing {
    /// What tells its texts from those of other drawings on the page.
    pub(crate) id: String,
    /// What it shows, in a few words.
    pub(crate) title: String,
    /// The same in sentences, for those who listen.
    pub(crate) description: String,
    pub(crate) width: i64,
    pub(crate) height: i64,
    pub(crate) lines: Vec<Line>,
    pub(crate) boxes: Vec<Box>,
}

/// A line through points, the first to the last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    /// What kind of line, for the style sheet.
    pub(crate) look: &'static str,
    pub(crate) points: Vec<(i64, i64)>,
}

impl Line {
    /// The points as SVG writes them.
    pub(crate) fn path(&self) -> String {
        let points = self.points.iter().map(|(x, y)| format!("{x},{y}"));
        points.collect::<Vec<_>>().join(" ")
    }
}

/// A box with up to a few lines of text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Box {
    /// What kind of box, for the style sheet.
    pub(crate) look: &'static str,
    pub(crate) x: i64,
    pub(crate) y: i64,
    pub(crate) width: i64,
    pub(crate) height: i64,
    pub(crate) texts: Vec<Words>,
}

/// A line of text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Words {
    /// What kind of text, for the style sheet.
    pub(crate) look: &'static str,
    pub(crate) x: i64,
    /// The line it stands on.
    pub(crate) y: i64,
    pub(crate) text: String,
}

/// The looks of a drawing that stands alone, as a file.
const ALONE: &str = include_str!("../../assets/drawing.css");

#[derive(Template)]
#[template(path = "console/drawing_alone.svg", escape = "html")]
struct Alone<'a> {
    drawing: &'a Drawing,
    style: &'static str,
}

impl Drawing {
    /// The drawing as a file of its own.
    ///
    /// # Errors
    /// When it cannot be written, which a string always can.
    pub(crate) fn alone(&self) -> Result<String, askama::Error> {
        Alone { drawing: self, style: ALONE }.render()
    }
}

/// A text that fits a number of characters; what is cut off is said by an ellipsis, and in full in the table beside the drawing.
pub(crate) fn fitted(text: &str, characters: usize) -> String {
    if text.chars().count() <= characters {
        return text.to_owned();
    }
    let kept: String = text.chars().take(characters.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}

#[cfg(test)]
pub(crate) mod checks {
    use super::{Box, Drawing};

    fn overlap(one: &Box, other: &Box) -> bool {
        one.x < other.x + other.width
            && other.x < one.x + one.width
            && one.y < other.y + other.height
            && other.y < one.y + one.height
    }

    /// Whether a line of a drawing, made of level and upright pieces and of slants between columns, touches the inside of a box.
    fn crosses((from, to): ((i64, i64), (i64, i64)), place: &Box) -> bool {
        // Sampled finely, in two-hundredths: slants have no closed form as short as this.
        const STEPS: i64 = 200;
        (1..STEPS).any(|step| {
            let at = |from: i64, to: i64| from * STEPS + (to - from) * step;
            let (x, y) = (at(from.0, to.0), at(from.1, to.1));
            x > place.x * STEPS
                && x < (place.x + place.width) * STEPS
                && y > place.y * STEPS
                && y < (place.y + place.height) * STEPS
        })
    }

    /// No two boxes touch, no line runs through a box, and everything lies within the drawing.
    pub(crate) fn is_tidy(drawing: &Drawing) -> Result<(), String> {
        for (place, one) in drawing.boxes.iter().enumerate() {
            for other in drawing.boxes.iter().skip(place + 1) {
                if overlap(one, other) {
                    return Err(format!("{one:?} lies on {other:?}"));
                }
            }
            if one.x < 0
                || one.y < 0
                || one.x + one.width > drawing.width
                || one.y + one.height > drawing.height
            {
                return Err(format!("{one:?} sticks out of {} by {}", drawing.width, drawing.height));
            }
            for text in &one.texts {
                if text.x < one.x
                    || text.x > one.x + one.width
                    || text.y < one.y
                    || text.y > one.y + one.height
                {
                    return Err(format!("{text:?} stands outside of {one:?}"));
                }
            }
        }
        for line in &drawing.lines {
            for pair in line.points.windows(2) {
                if let Some(place) = drawing.boxes.iter().find(|place| crosses((pair[0], pair[1]), place)) {
                    return Err(format!("{line:?} runs through {place:?}"));
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_between_characters() {
        let check =
            |text: &str, characters: usize, expect: &str| assert_eq!(fitted(text, characters), expect);
        check("short", 5, "short");
        check("Gespräche", 6, "Gespr…");
        check("a b c", 3, "a…");
        check("", 0, "");
    }

    #[test]
    fn a_file_of_its_own_obeys_nothing_that_stands_in_it() {
        let hostile = "</text><script>alert(1)</script>\"'&";
        let words = Words { look: "words", x: 1, y: 1, text: hostile.to_owned() };
        let place = Box { look: "known", x: 0, y: 0, width: 10, height: 10, texts: vec![words] };
        let drawing = Drawing {
            id: "d".to_owned(),
            title: hostile.to_owned(),
            description: hostile.to_owned(),
            width: 10,
            height: 10,
            lines: vec![Line { look: "way", points: vec![(0, 0), (1, 1)] }],
            boxes: vec![place],
        };
        let text = drawing.alone().unwrap();
        assert!(!text.contains("<script") && text.contains("&#60;script"), "{text}");
        assert!(text.contains("points=\"0,0 1,1\"") && text.starts_with("<svg"), "{text}");
    }
}
