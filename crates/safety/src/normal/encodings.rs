//! Finding and decoding what was encoded to be read by a model and not by a filter.

use super::rewrite::Rewrite;

/// Shorter runs are words, numbers and identifiers.
const BASE64_CHARACTERS_MIN: usize = 16;
/// Pairs of hexadecimal digits that make a text.
const HEX_PAIRS_MIN: usize = 8;
/// Escapes of single characters that are looked at: fewer are part of any address or page.
const ESCAPES_MIN: usize = 3;

/// Everything in `text` that is encoded, decoded: in order, without overlap. Linear in the length of the text.
pub(super) fn decodings(text: &str) -> Vec<Rewrite> {
    let mut found = Vec::new();
    let mut escapes = Vec::new();
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let rest = bytes.get(at..).unwrap_or_default();
        let next = match byte {
            b'%' | b'\\' | b'&' => escape(rest).map(|(length, decoded)| {
                escapes.push((at, at + length, decoded));
                length
            }),
            _ if is_base64(*byte) => {
                let (length, decoded) = decoded_run(rest);
                if let Some(replacement) = decoded {
                    found.push(Rewrite { start: at, end: at + length, replacement });
                }
                // What was no text is passed over as a whole, so that nothing is looked at twice.
                Some(length)
            }
            _ => None,
        };
        at += next.unwrap_or(1);
    }
    if escapes.len() >= ESCAPES_MIN {
        found.extend(join_escapes(&escapes));
        found.sort_by_key(|rewrite| rewrite.start);
    }
    found
}

const fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_')
}

/// How many bytes at the beginning may be base64.
fn run(bytes: &[u8]) -> usize {
    bytes.iter().position(|byte| !is_base64(*byte)).unwrap_or(bytes.len())
}

/// The run of such bytes at the beginning: its length, and what it says if it says something.
fn decoded_run(rest: &[u8]) -> (usize, Option<String>) {
    let length = run(rest);
    let own = rest.get(..length).unwrap_or_default();
    if length == 2 {
        let (spaced, decoded) = spaced_hex(rest);
        return (spaced.max(length), decoded.and_then(readable));
    }
    let hex = own.strip_prefix(b"0x").unwrap_or(own);
    if hex.len() >= HEX_PAIRS_MIN * 2 && hex.len().is_multiple_of(2) && hex.iter().all(u8::is_ascii_hexdigit)
    {
        return (length, readable(hex.chunks_exact(2).filter_map(pair).collect()));
    }
    if length < BASE64_CHARACTERS_MIN {
        return (length, None);
    }
    let after = rest.get(length..).unwrap_or_default();
    let padding = after.iter().take(2).take_while(|byte| **byte == b'=').count();
    (length + padding, base64(own).and_then(readable))
}

/// Pairs of digits with one space between them: how many bytes they take, and what they stand for when there are enough.
fn spaced_hex(rest: &[u8]) -> (usize, Option<Vec<u8>>) {
    let mut decoded = Vec::new();
    for group in rest.chunks(3) {
        let alone = !group.get(2).is_some_and(u8::is_ascii_alphanumeric);
        let Some(byte) = group.get(..2).and_then(pair).filter(|_| alone) else { break };
        decoded.push(byte);
        if group.get(2) != Some(&b' ') {
            break;
        }
    }
    let length = (decoded.len() * 3).saturating_sub(1).min(rest.len());
    (length, Some(decoded).filter(|decoded| decoded.len() >= HEX_PAIRS_MIN))
}

fn pair(digits: &[u8]) -> Option<u8> {
    let [high, low] = digits else { return None };
    let value = char::from(*high).to_digit(16)? * 16 + char::from(*low).to_digit(16)?;
    u8::try_from(value).ok()
}

/// Both alphabets; padding is not needed. `None` when the length is impossible.
fn base64(digits: &[u8]) -> Option<Vec<u8>> {
    if digits.len() % 4 == 1 {
        return None;
    }
    let mut decoded = Vec::with_capacity(digits.len() / 4 * 3 + 2);
    for group in digits.chunks(4) {
        let mut value = 0_u32;
        for digit in group {
            value = value << 6 | base64_value(*digit)?;
        }
        value <<= 6 * (4 - group.len());
        let [_, bytes @ ..] = value.to_be_bytes();
        decoded.extend_from_slice(bytes.get(..group.len() - 1)?);
    }
    Some(decoded)
}

fn base64_value(digit: u8) -> Option<u32> {
    Some(u32::from(match digit {
        b'A'..=b'Z' => digit - b'A',
        b'a'..=b'z' => digit - b'a' + 26,
        b'0'..=b'9' => digit - b'0' + 52,
        b'+' | b'-' => 62,
        b'/' | b'_' => 63,
        _ => return None,
    }))
}

/// Bytes as text, when they are text: valid, hardly any controls, mostly letters. Identifiers and pictures are neither.
fn readable(bytes: Vec<u8>) -> Option<String> {
    let text = String::from_utf8(bytes).ok()?;
    let (mut letters, mut controls, mut all) = (0_usize, 0_usize, 0_usize);
    for character in text.chars() {
        all += 1;
        letters += usize::from(character.is_alphabetic() || character == ' ');
        controls += usize::from(character.is_control() && !character.is_whitespace());
    }
    (controls == 0 && letters * 10 >= all * 7).then_some(text)
}

/// One escape at the beginning of `rest`: its length and the bytes that it stands for.
fn escape(rest: &[u8]) -> Option<(usize, Vec<u8>)> {
    match rest {
        [b'%', high, low, ..] | [b'\\', b'x' | b'X', high, low, ..] => {
            let length = if rest.first() == Some(&b'%') { 3 } else { 4 };
            Some((length, vec![pair(&[*high, *low])?]))
        }
        [b'\\', b'u', digits @ ..] => {
            let digits = std::str::from_utf8(digits.get(..4)?).ok()?;
            let character = char::from_u32(u32::from_str_radix(digits, 16).ok()?)?;
            Some((6, character.to_string().into_bytes()))
        }
        [b'&', b'#', digits @ ..] => {
            let length = digits.iter().take(9).position(|byte| *byte == b';')?;
            let number = std::str::from_utf8(digits.get(..length)?).ok()?;
            let value = match number.strip_prefix(['x', 'X']) {
                Some(hexadecimal) => u32::from_str_radix(hexadecimal, 16).ok()?,
                None => number.parse().ok()?,
            };
            Some((length + 3, char::from_u32(value)?.to_string().into_bytes()))
        }
        _ => None,
    }
}

/// Escapes that follow each other are decoded together, because a character may take several.
fn join_escapes(escapes: &[(usize, usize, Vec<u8>)]) -> Vec<Rewrite> {
    let mut joined: Vec<(usize, usize, Vec<u8>)> = Vec::new();
    for (start, end, bytes) in escapes {
        match joined.last_mut() {
            Some(last) if last.1 == *start => {
                last.1 = *end;
                last.2.extend_from_slice(bytes);
            }
            _ => joined.push((*start, *end, bytes.clone())),
        }
    }
    let decoded = |(start, end, bytes): (usize, usize, Vec<u8>)| Rewrite {
        start,
        end,
        replacement: String::from_utf8_lossy(&bytes).into_owned(),
    };
    joined.into_iter().map(decoded).collect()
}
