//! Views of a text that evasions do not change.
//!
//! The first view is the text folded: case, accents, look-alikes of other scripts, invisible characters and white space no longer
//! matter. Others are excerpts, and only there when something in the text is disguised: encoded, written with digits for letters,
//! with letters apart, moved by thirteen letters, or in characters that are not seen. Every view knows from which bytes of the
//! original each of its bytes came, so that what is found in it has true places.

mod disguises;
mod encodings;
mod fold;
mod letters;
mod map;
mod rewrite;
#[cfg(test)]
mod tests;

use crate::Span;
use map::Mapped;
use rewrite::excerpts;

pub(crate) use fold::fold_character;
pub(crate) use letters::is_ideograph;

/// Of a longer text, only so many bytes are read.
pub const TEXT_BYTES_MAX: usize = 256 * 1024 * 1024;
/// What was encoded several times over is decoded so often.
pub const DECODINGS_MAX: usize = 3;

/// How a view was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disguise {
    /// It is the whole text, folded.
    None,
    /// Something was encoded: base64, hexadecimal, escapes of addresses, pages and programs.
    Encoded,
    /// Digits and signs stand for letters.
    DigitsForLetters,
    /// Letters were apart.
    LettersApart,
    /// Letters were moved by thirteen.
    MovedLetters,
    /// Something is written in characters that nobody sees.
    Unseen,
}

/// A text as it reads without one of its disguises: lower case, single spaces.
#[derive(Debug, Clone)]
pub struct View {
    /// What was taken off.
    pub disguise: Disguise,
    mapped: Mapped,
}

impl View {
    /// What it says.
    pub fn text(&self) -> &str {
        &self.mapped.text
    }

    /// The bytes of the original from which `span` of this view came, both ends at boundaries of characters when those of `span` are.
    pub fn original(&self, span: Span) -> Span {
        self.mapped.original(span)
    }
}

/// The views of `text`, the folded one first. Linear in its length in time and memory; no view is longer than four times the text.
pub fn views(text: &str) -> Vec<View> {
    let text = text.get(..text.floor_char_boundary(TEXT_BYTES_MAX)).unwrap_or(text);
    let raw = Mapped::unchanged(text);
    let mut views = vec![View { disguise: Disguise::None, mapped: fold::fold(&raw) }];
    let mut add = |disguise, made: &Mapped| views.push(View { disguise, mapped: fold::fold(made) });
    if let Some(made) = excerpts(&raw, &disguises::unseen(text)) {
        add(Disguise::Unseen, &made);
    }
    if let Some(made) = excerpts(&raw, &disguises::letters_apart(text)) {
        add(Disguise::LettersApart, &made);
    }
    let mut decoded = excerpts(&raw, &encodings::decodings(text));
    for _ in 0..DECODINGS_MAX {
        let Some(made) = decoded else { break };
        add(Disguise::Encoded, &made);
        decoded = excerpts(&made, &encodings::decodings(&made.text));
    }
    let plain: Vec<(Disguise, Mapped)> = views.iter().flat_map(undisguised).collect();
    views.extend(plain.into_iter().map(|(disguise, mapped)| View { disguise, mapped }));
    views
}

/// What hides in a folded view.
fn undisguised(view: &View) -> impl Iterator<Item = (Disguise, Mapped)> + use<> {
    let text = &view.mapped.text;
    let digits = excerpts(&view.mapped, &disguises::digits_for_letters(text));
    let moved = excerpts(&view.mapped, &disguises::moved_letters(text));
    let digits = digits.map(|made| (Disguise::DigitsForLetters, made));
    digits.into_iter().chain(moved.map(|made| (Disguise::MovedLetters, made)))
}
