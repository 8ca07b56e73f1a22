//! The first look: who said how much, and nothing that can be read.

/// A text in which every letter and every digit is another: capital letters are `X`, other letters and marks `x`, digits
/// `0`. White space and ASCII punctuation stay, so that the shape is seen. What is in no alphabet, such as a
/// pictogram, is `x` too: it may say as much as a word.
pub fn blurred(text: &str) -> String {
    text.chars().map(blurred_character).collect()
}

fn blurred_character(character: char) -> char {
    match character {
        '\n' | '\t' | ' ' => character,
        _ if character.is_whitespace() => ' ',
        _ if character.is_ascii_punctuation() => character,
        _ if character.is_numeric() => '0',
        _ if character.is_uppercase() => 'X',
        _ => 'x',
    }
}
