//! The letters and digits of a text, without case, spaces and marks.

/// Gives each byte of the letters and digits of `piece` to `take`, with where its character begins and ends in the piece.
pub(super) fn each_byte(piece: &str, mut take: impl FnMut(u8, usize, usize)) {
    for (at, character) in piece.char_indices() {
        let end = at + character.len_utf8();
        if character.is_ascii() {
            if character.is_ascii_alphanumeric() {
                take(u8::try_from(character).unwrap_or_default().to_ascii_lowercase(), at, end);
            }
        } else if character.is_alphanumeric() {
            for lower in character.to_lowercase() {
                let mut buffer = [0; 4];
                for byte in lower.encode_utf8(&mut buffer).bytes() {
                    take(byte, at, end);
                }
            }
        }
    }
}
