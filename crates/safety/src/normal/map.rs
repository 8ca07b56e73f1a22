//! Where the bytes of a changed text came from.

use crate::Span;

/// A run of a view. How far it reaches is said by the next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Run {
    /// Its first byte in the view.
    view: u32,
    /// The first byte of what it came from.
    original: u32,
    /// Whether byte follows byte in both, rather than the whole run standing for the whole of what it came from.
    parallel: bool,
}

/// A text made from another, and from which bytes of the original each of its bytes came.
///
/// INVARIANT: runs are in order, `view` strictly and `original` weakly rising, the first begins at byte 0 of the view.
#[derive(Debug, Clone, Default)]
pub(super) struct Mapped {
    pub(super) text: String,
    runs: Vec<Run>,
    /// The end of what the last run came from.
    original_end: u32,
}

impl Mapped {
    /// The text itself, byte for byte.
    pub(super) fn unchanged(text: &str) -> Self {
        let mut mapped = Self { text: text.to_owned(), ..Self::default() };
        mapped.original_end = bounded(text.len());
        if !text.is_empty() {
            mapped.runs.push(Run { view: 0, original: 0, parallel: true });
        }
        mapped
    }

    /// The bytes of the original that `span` of this text came from.
    pub(super) fn original(&self, span: Span) -> Span {
        let start = self.start(bounded(span.start));
        let end = if span.end > span.start { self.end(bounded(span.end)) } else { start };
        Span { start: start as usize, end: end.max(start) as usize }
    }

    fn start(&self, view: u32) -> u32 {
        match self.run_at(view) {
            Some((_, run)) if run.parallel => run.original + (view - run.view),
            Some((_, run)) => run.original,
            None => 0,
        }
    }

    /// The end of what came before `view_end`, which is not 0.
    fn end(&self, view_end: u32) -> u32 {
        match self.run_at(view_end - 1) {
            Some((_, run)) if run.parallel => run.original + (view_end - run.view),
            Some((index, _)) => self.runs.get(index + 1).map_or(self.original_end, |next| next.original),
            None => 0,
        }
    }

    fn run_at(&self, view: u32) -> Option<(usize, Run)> {
        let index = self.runs.partition_point(|run| run.view <= view).checked_sub(1)?;
        Some((index, *self.runs.get(index)?))
    }
}

/// Makes a text from a source, piece by piece and in order.
#[derive(Debug)]
pub(super) struct Rewriter<'source> {
    source: &'source Mapped,
    made: Mapped,
}

impl<'source> Rewriter<'source> {
    pub(super) fn new(source: &'source Mapped) -> Self {
        let mut made = Mapped { original_end: source.original_end, ..Mapped::default() };
        made.text.reserve(source.text.len());
        Self { source, made }
    }

    /// `character` stands where a character of the same length stood, at byte `at` of the source.
    pub(super) fn keep(&mut self, character: char, at: usize) {
        let at = bounded(at);
        let view = bounded(self.made.text.len());
        // What stands in place of a whole piece of the original goes on doing so.
        let (original, parallel) = match self.source.run_at(at) {
            Some((_, run)) if run.parallel => (run.original + (at - run.view), true),
            Some((_, run)) => (run.original, false),
            None => (0, false),
        };
        self.run(Run { view, original, parallel });
        self.made.text.push(character);
    }

    /// `replacement` stands for everything between these bytes of the source.
    pub(super) fn replace(&mut self, start: usize, replacement: &str) {
        if replacement.is_empty() {
            return;
        }
        let original = self.source.start(bounded(start));
        self.run(Run { view: bounded(self.made.text.len()), original, parallel: false });
        self.made.text.push_str(replacement);
    }

    /// Copies these bytes of the source, which begin and end at characters.
    pub(super) fn copy(&mut self, start: usize, end: usize) {
        for (offset, character) in self.source.text.get(start..end).unwrap_or_default().char_indices() {
            self.keep(character, start + offset);
        }
    }

    pub(super) fn text(&self) -> &str {
        &self.made.text
    }

    pub(super) fn finish(self) -> Mapped {
        self.made
    }

    fn run(&mut self, run: Run) {
        let goes_on = self.made.runs.last().is_some_and(|last| {
            last.parallel == run.parallel
                && if run.parallel {
                    run.view - last.view == run.original.saturating_sub(last.original)
                } else {
                    last.original == run.original
                }
        });
        if !goes_on {
            self.made.runs.push(run);
        }
    }
}

/// Positions fit because texts are cut at `TEXT_BYTES_MAX`, and no view is longer than four times its text.
fn bounded(position: usize) -> u32 {
    u32::try_from(position).unwrap_or(u32::MAX)
}
