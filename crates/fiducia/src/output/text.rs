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
        let hidden =
            matches!(character, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if hidden || (character.is_control() && character != '\n' && character != '\t') {
            shown.extend(character.escape_unicode());
        } else {
            shown.push(character);
        }
    }
    shown
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
    }

    #[test]
    fn one_is_singular() {
        assert_eq!((count_of(1, "record"), count_of(0, "record")), ("1 record".into(), "0 records".into()));
    }
}
