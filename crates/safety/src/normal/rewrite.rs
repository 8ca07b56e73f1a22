//! Excerpts of a text in which some places read otherwise.

use super::map::{Mapped, Rewriter};

/// How many bytes around a rewritten place belong to the excerpt.
const AROUND_BYTES: usize = 160;

/// A place of a text, at boundaries of characters, and what it says.
#[derive(Debug, Clone)]
pub(super) struct Rewrite {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) replacement: String,
}

/// The rewritten places with what stands around them; what lies between two excerpts is left out, so that the cost of a view is that of
/// what is disguised in a text and not that of the text. `None` without a place.
pub(super) fn excerpts(source: &Mapped, rewrites: &[Rewrite]) -> Option<Mapped> {
    let first = rewrites.first()?;
    let mut made = Rewriter::new(source);
    let mut at = boundary_before(&source.text, first.start.saturating_sub(AROUND_BYTES));
    let mut rest = rewrites.iter().peekable();
    while let Some(rewrite) = rest.next() {
        made.copy(at, rewrite.start);
        made.replace(rewrite.start, &rewrite.replacement);
        at = rewrite.end;
        let Some(next) = rest.peek() else { break };
        if next.start > at + 2 * AROUND_BYTES {
            let end = boundary_before(&source.text, at + AROUND_BYTES);
            made.copy(at, end);
            made.replace(end, "\n");
            at = boundary_before(&source.text, next.start - AROUND_BYTES);
        }
    }
    made.copy(at, boundary_before(&source.text, at.saturating_add(AROUND_BYTES)));
    Some(made.finish())
}

/// The last boundary of a character at or before `at`.
fn boundary_before(text: &str, at: usize) -> usize {
    text.floor_char_boundary(at.min(text.len()))
}
