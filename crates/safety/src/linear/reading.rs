//! Scoring a text of any length in one pass: the score is that of the window that scores most.

use fiducia_policy::Score;

use super::grams::Grams;
use super::head::{HEADS, Head};
use super::model::LinearModel;
use crate::Span;

/// A block ends at the first space after so many bytes,
const BLOCK_BYTES: usize = 512;
/// or here, when there is no space.
const BLOCK_BYTES_MAX: usize = 640;
/// A window is so many blocks, and begins at every second of them.
const WINDOW_BLOCKS: usize = 4;

/// Sums of weights of a stretch of text.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    of_heads: [i32; HEADS],
    features: u32,
    start: usize,
}

impl Sums {
    #[inline]
    fn add(&mut self, weights: [i8; HEADS]) {
        for (sum, weight) in self.of_heads.iter_mut().zip(weights) {
            *sum += i32::from(weight);
        }
        self.features += 1;
    }

    fn join(&mut self, other: &Self) {
        for (sum, more) in self.of_heads.iter_mut().zip(other.of_heads) {
            *sum += more;
        }
        self.features += other.features;
    }
}

/// What one head says about a text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Answer {
    /// Before calibration.
    pub value: f32,
    /// The window that said it, in bytes of the folded text.
    pub window: Span,
}

/// A text that is being read, with what its windows have said so far. Memory does not grow with the text.
#[derive(Debug, Clone)]
pub struct Reading<'model> {
    model: &'model LinearModel,
    grams: Grams,
    /// The blocks before the current one that belong to the same window, the oldest first.
    earlier: [Sums; WINDOW_BLOCKS - 1],
    /// How many blocks are over.
    blocks: usize,
    current: Sums,
    at: usize,
    answers: [Option<Answer>; HEADS],
}

impl<'model> Reading<'model> {
    /// Nothing has been read yet.
    pub fn new(model: &'model LinearModel) -> Self {
        let earlier = [Sums::default(); WINDOW_BLOCKS - 1];
        Self {
            model,
            grams: Grams::default(),
            earlier,
            blocks: 0,
            current: Sums::default(),
            at: 0,
            answers: [None; HEADS],
        }
    }

    /// Reads the next piece of a folded text; where it is cut does not matter.
    pub fn read(&mut self, folded: &str) {
        for character in folded.chars() {
            self.read_character(character);
        }
    }

    /// Reads one folded character.
    #[inline]
    pub fn read_character(&mut self, character: char) {
        let (model, current) = (self.model, &mut self.current);
        self.grams.push(character, |row| current.add(model.row(row)));
        self.at += character.len_utf8();
        let length = self.at - self.current.start;
        if length >= BLOCK_BYTES && (character == ' ' || length >= BLOCK_BYTES_MAX) {
            self.end_block();
        }
    }

    /// What every head says about what was read so far, in the order of `Head::ALL`.
    pub fn answers(&self) -> [Answer; HEADS] {
        // A piece at the end is judged with what stands before it.
        let mut finished = self.clone();
        let (model, current) = (self.model, &mut finished.current);
        finished.grams.clone().finish(|row| current.add(model.row(row)));
        finished.judge();
        let at = Span { start: 0, end: finished.at };
        finished.answers.map(|answer| answer.unwrap_or(Answer { value: f32::MIN, window: at }))
    }

    /// The calibrated probabilities of `answers`.
    pub fn scores(&self) -> [Score; HEADS] {
        let answers = self.answers();
        let mut scores = [Score::NONE; HEADS];
        for ((score, head), answer) in scores.iter_mut().zip(Head::ALL).zip(answers) {
            *score = self.model.calibrated(head, answer.value);
        }
        scores
    }

    fn end_block(&mut self) {
        self.blocks += 1;
        if self.blocks >= WINDOW_BLOCKS && self.blocks.is_multiple_of(2) {
            self.judge();
        }
        self.earlier.rotate_left(1);
        if let Some(last) = self.earlier.last_mut() {
            *last = self.current;
        }
        self.current = Sums { start: self.at, ..Sums::default() };
    }

    /// Asks every head about the window that ends here.
    fn judge(&mut self) {
        let mut window = self.current;
        let known = self.blocks.min(WINDOW_BLOCKS - 1);
        for block in self.earlier.iter().rev().take(known) {
            window.join(block);
            window.start = window.start.min(block.start);
        }
        let place = Span { start: window.start, end: self.at };
        for ((answer, head), sum) in self.answers.iter_mut().zip(Head::ALL).zip(window.of_heads) {
            let value = self.model.value(head, sum, window.features);
            if answer.is_none_or(|known| value > known.value) {
                *answer = Some(Answer { value, window: place });
            }
        }
    }
}
