//! What was said, so that nothing in it hides or turns round what stands beside it.

use std::fmt::Write;

/// The text with a mark in place of every character that a browser would obey or not show: control characters, those that
/// change the direction of writing, and those without width.
pub(super) fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if misleads(character) {
            // Writing to a String cannot fail.
            let _ = write!(shown, "⟦U+{:04X}⟧", u32::from(character));
        } else {
            shown.push(character);
        }
    }
    shown
}

fn misleads(character: char) -> bool {
    let is_layout = matches!(character, '\n' | '\t');
    (character.is_control() && !is_layout)
        || matches!(character,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_hides() {
        let check = |text: &str, expect: &str| assert_eq!(visible(text), expect);
        check("Grüße\n\taus 東京 🙂 <b>", "Grüße\n\taus 東京 🙂 <b>");
        check("a\u{202e}txt.exe", "a⟦U+202E⟧txt.exe");
        check("\u{1b}[2J\r\u{0}", "⟦U+001B⟧[2J⟦U+000D⟧⟦U+0000⟧");
        check("x\u{200b}y\u{e0041}", "x⟦U+200B⟧y⟦U+E0041⟧");
    }
}
