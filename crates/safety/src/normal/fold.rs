//! Folding: what looks or reads alike becomes the same.

use super::letters::{is_ideograph, is_invisible, is_mark, looks_like};
use super::map::{Mapped, Rewriter};

/// How many letters a single character is taken apart into at most.
const LETTERS_OF_FORM_MAX: usize = 4;

/// Lower case, without accents and invisible characters, compatibility forms and look-alikes as plain letters, every stretch of
/// white space as one space. Linear in the length of the text.
pub(super) fn fold(source: &Mapped) -> Mapped {
    let mut folded = Rewriter::new(source);
    // A space is owed until something follows, so that there is none at the beginning and at the end.
    let mut space = None;
    for (at, character) in source.text.char_indices() {
        if character.is_whitespace() {
            space = space.or(Some(at));
            continue;
        }
        if character.is_ascii() {
            if !character.is_ascii_control() {
                pay(&mut folded, &mut space);
                folded.keep(looks_like_ascii(character), at);
            }
            continue;
        }
        fold_wide(character, at, &mut folded, &mut space);
    }
    folded.finish()
}

/// One character at a time, for text that arrives in pieces: calls `emit` with what it becomes, white space as a space.
pub(crate) fn fold_character(character: char, mut emit: impl FnMut(char)) {
    if character.is_whitespace() {
        emit(' ');
    } else if character.is_ascii() {
        if !character.is_ascii_control() {
            emit(looks_like_ascii(character));
        }
    } else {
        each_letter(character, &mut emit);
    }
}

const fn looks_like_ascii(character: char) -> char {
    if matches!(character, '`') { '\'' } else { character.to_ascii_lowercase() }
}

fn fold_wide(character: char, at: usize, folded: &mut Rewriter<'_>, space: &mut Option<usize>) {
    // Of forms that stand for a whole phrase only the beginning is kept, so that no text grows without bounds.
    let mut letters = [' '; LETTERS_OF_FORM_MAX];
    let mut count = 0;
    each_letter(character, &mut |letter| {
        if let Some(place) = letters.get_mut(count) {
            *place = letter;
            count += 1;
        }
    });
    let letters = letters.get(..count).unwrap_or(&letters);
    match letters {
        [] => {}
        // A compatibility form may be a space, or begin with one.
        [' ', ..] if letters.iter().all(|letter| *letter == ' ') => *space = space.or(Some(at)),
        [letter] if letter.len_utf8() == character.len_utf8() => {
            pay(folded, space);
            folded.keep(*letter, at);
        }
        several => {
            pay(folded, space);
            folded.replace(at, &several.iter().collect::<String>());
        }
    }
}

/// Writes the space that is owed.
fn pay(folded: &mut Rewriter<'_>, space: &mut Option<usize>) {
    if let Some(at) = space.take()
        && !folded.text().is_empty()
    {
        folded.replace(at, " ");
    }
}

/// What a character outside of ASCII becomes: nothing, a letter, or several.
fn each_letter(character: char, emit: &mut impl FnMut(char)) {
    if is_invisible(character) || is_mark(character) {
        return;
    }
    if is_ideograph(character) {
        emit(character);
        return;
    }
    let mut one = |letter: char| {
        if is_mark(letter) || is_invisible(letter) || letter.is_control() {
            return;
        }
        if letter.is_whitespace() {
            emit(' ');
            return;
        }
        for lower in letter.to_lowercase() {
            // The lower case of a dotted capital I ends in a mark.
            if !is_mark(lower) {
                emit(looks_like(lower));
            }
        }
    };
    // Some letters are looked up before they are taken apart: a Greek letter with an accent is taken apart into one.
    unicode_normalization::char::decompose_compatible(character, &mut one);
}
