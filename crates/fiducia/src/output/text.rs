//! How single values read.

use fiducia_policy::Timestamp;

/// An instant in UTC, RFC 3339, to the second.
pub(crate) fn instant(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// An instant, or what its absence means.
pub(crate) fn instant_or(at: Option<Timestamp>, absent: &str) -> String {
    at.map_or_else(|| absent.to_owned(), instant)
}

/// A count with its noun: `1 record`, `2 records`.
pub(crate) fn count_of(count: u64, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

/// A number of bytes in the largest binary unit that leaves at least one whole.
pub(crate) fn bytes_of(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut unit = 0;
    let mut tenths = u128::from(bytes) * 10;
    while tenths >= 10_240 && unit + 1 < UNITS.len() {
        tenths /= 1_024;
        unit += 1;
    }
    let name = UNITS.get(unit).copied().unwrap_or("B");
    if unit == 0 { format!("{bytes} {name}") } else { format!("{}.{} {name}", tenths / 10, tenths % 10) }
}

/// Shows control characters instead of obeying them, but for line feeds and tabs. Covers the C1 controls and the
/// characters that reorder or hide text.
pub(crate) fn escape_controls(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if misleads(character) && character != '\n' && character != '\t' {
            shown.extend(character.escape_unicode());
        } else {
            shown.push(character);
        }
    }
    shown
}

/// As [`escape_controls`], for what must stay on one line: a line feed in it could pass for another line of ours.
pub(crate) fn escape_line(text: &str) -> String {
    escape_controls(text).replace('\n', "\\n")
}

/// The same JSON with escapes for every character that a terminal would obey or hide. Such characters stand only in
/// strings: serde_json writes no white space, and escapes what JSON calls control characters itself.
pub(crate) fn escape_json(json: &str) -> String {
    let mut escaped = String::with_capacity(json.len());
    for character in json.chars() {
        if misleads(character) {
            let mut units = [0; 2];
            escaped.extend(character.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")));
        } else {
            escaped.push(character);
        }
    }
    escaped
}

/// Whether a terminal obeys the character, or shows the text around it in another order or not at all.
fn misleads(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_read_as_utc() {
        assert_eq!(instant(Timestamp::from_second(1_760_000_000).unwrap()), "2025-10-09T08:53:20Z");
        assert_eq!(instant_or(None, "never"), "never");
    }

    #[test]
    fn sizes_use_the_fitting_unit() {
        let cases =
            [(0, "0 B"), (1_023, "1023 B"), (1_024, "1.0 KiB"), (1_536, "1.5 KiB"), (5 << 30, "5.0 GiB")];
        for (bytes, expected) in cases {
            assert_eq!(bytes_of(bytes), expected);
        }
    }

    #[test]
    fn escapes_keep_text_and_show_controls() {
        assert_eq!(escape_controls("two\nlines\tand é"), "two\nlines\tand é");
        assert_eq!(escape_controls("\u{1b}]0;title\u{7}"), "\\u{1b}]0;title\\u{7}");
        assert_eq!(escape_controls("a\u{202e}b"), "a\\u{202e}b");
        assert_eq!(escape_controls("a\u{9b}31m\u{e0041}\u{2028}"), "a\\u{9b}31m\\u{e0041}\\u{2028}");
        assert_eq!(escape_line("one\ntwo"), "one\\ntwo");
    }

    #[test]
    fn json_says_the_same_when_it_is_escaped() {
        let value = serde_json::json!({ "text": "\u{1b}[2J \u{9b}31m \u{202e} \u{e0041} \u{7f} é 😀 \n" });
        let escaped = escape_json(&value.to_string());
        assert!(escaped.chars().all(|character| !misleads(character)), "{escaped}");
        assert!(escaped.contains("é 😀"), "{escaped}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&escaped).unwrap(), value);
    }

    #[test]
    fn one_is_singular() {
        assert_eq!((count_of(1, "record"), count_of(0, "record")), ("1 record".into(), "0 records".into()));
    }
}
