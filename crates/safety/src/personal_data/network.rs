//! E-mail addresses and addresses of machines.

use super::PersonalDataKind;
use super::scene::{Hit, Scene};
use super::tokens::{Gap, Shape};

/// The most tokens of either half of an e-mail address. It has at most 64 characters before the sign and 255 behind it.
const EMAIL_TOKENS_MAX: usize = 32;

/// The most tokens of one link that are passed over; what lies behind them is read like other text. Without the limit a text made of
/// beginnings of links would be read from each of them to its end.
const URL_TOKENS_MAX: usize = 200;

/// Domains under which nobody has an address, by the standards, and what programs write.
const NO_ONES: [&str; 4] = ["noreply", "no-reply", "donotreply", "mailer-daemon"];

/// The end of the link that begins at `at`. What it holds is the address of a page, not a number or a name.
pub(super) fn url_end(scene: &Scene<'_>, at: usize) -> Option<usize> {
    let slashes = scene.is_mark(at + 1, b':') && scene.is_mark(at + 2, b'/') && scene.is_mark(at + 3, b'/');
    let from = if slashes && scene.touches(at + 1) && scene.touches(at + 2) && scene.touches(at + 3) {
        at + 4
    } else if scene.is_mark(at + 1, b'.')
        && scene.touches(at + 2)
        && scene.word(at).eq_ignore_ascii_case("www")
    {
        at + 2
    } else {
        return None;
    };
    // A host that is a number is the address of a machine, and what stands before an at sign may be somebody's.
    if scene.token(from).is_none_or(|token| token.shape == Shape::Digits) {
        return None;
    }
    let mut end = from;
    while let Some(token) =
        scene.token(end).filter(|token| token.gap == Gap::None && end - at < URL_TOKENS_MAX)
    {
        match token.shape {
            Shape::Mark(b'"' | b'\'' | b'<' | b'>' | b')' | b']' | b'}' | b'`' | b'|') => break,
            Shape::Mark(b'@') => return None,
            _ => end += 1,
        }
    }
    Some(end)
}

fn is_local_mark(mark: u8) -> bool {
    b".-_+%'".contains(&mark)
}

/// The address whose at sign is the token at `at`.
pub(super) fn email(scene: &Scene<'_>, at: usize) -> Option<Hit> {
    let mut first = at;
    while first > 0 && at - first < EMAIL_TOKENS_MAX && scene.touches(first) {
        match scene.token(first - 1)?.shape {
            Shape::Mark(mark) if !is_local_mark(mark) => break,
            Shape::Unspaced => break,
            _ => first -= 1,
        }
    }
    while first < at && matches!(scene.token(first)?.shape, Shape::Mark(mark) if mark != b'_' && mark != b'+')
    {
        first += 1;
    }
    let mut next = at + 1;
    let mut labels = 0;
    while next - at < EMAIL_TOKENS_MAX && scene.touches(next) {
        let token = scene.token(next)?;
        let joins = matches!(token.shape, Shape::Mark(b'.' | b'-'))
            && scene.token(next + 1).is_some_and(|after| {
                after.gap == Gap::None && !matches!(after.shape, Shape::Mark(_) | Shape::Unspaced)
            });
        if joins {
            labels += usize::from(token.is(b'.'));
        } else if matches!(token.shape, Shape::Mark(_) | Shape::Unspaced) {
            break;
        }
        next += 1;
    }
    let last = scene.token(next.checked_sub(1)?)?;
    let has_domain = labels > 0 && last.length() >= 2 && last.is_word();
    if first == at || !has_domain {
        return None;
    }
    let local = scene.word(first);
    let score = if NO_ONES.iter().any(|name| name.starts_with(&local.to_ascii_lowercase()) && local.len() > 1)
    {
        0.5
    } else {
        0.98
    };
    Some(Hit { kind: PersonalDataKind::Email, score, first, next })
}

/// Four numbers with dots, as version 4 of the protocol has them.
pub(super) fn ip4(scene: &Scene<'_>, at: usize) -> Option<Hit> {
    if !scene.is_mark(at + 1, b'.') || !scene.begins_cleanly(at) && !scene.is_mark(at.checked_sub(1)?, b'/') {
        return None;
    }
    let mut parts = [0_u16; 4];
    for (place, part) in parts.iter_mut().enumerate() {
        let token = at + place * 2;
        let is_part = scene.token(token)?.shape == Shape::Digits
            && (place == 0
                || scene.touches(token) && scene.touches(token - 1) && scene.is_mark(token - 1, b'.'));
        let word = scene.word(token);
        if !is_part || word.len() > 3 || word.len() > 1 && word.starts_with('0') {
            return None;
        }
        *part = word.parse().ok().filter(|part| *part <= 255)?;
    }
    let next = at + 7;
    // A port or a mask may follow; more numbers make it something else.
    let goes_on = scene.is_mark(next, b'.')
        && scene.touches(next)
        && scene.touches(next + 1)
        && scene.token(next + 1).is_some_and(|token| token.shape == Shape::Digits);
    let is_version =
        at > 0 && matches!(scene.word(at - 1).to_ascii_lowercase().as_str(), "v" | "version" | "release");
    if goes_on || is_version {
        return None;
    }
    let score = match parts {
        // Nobody's: of every network its own, of examples, or of a whole network.
        [127 | 0 | 255, ..] | [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] | [_, 0, 0, 0] => 0.2,
        [10, ..] | [192, 168, ..] => 0.45,
        [172, second, ..] if (16..32).contains(&second) => 0.45,
        _ => 0.75,
    };
    Some(Hit { kind: PersonalDataKind::IpAddress, score, first: at, next })
}

fn is_hex(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Six pairs of hexadecimal digits with colons or hyphens.
pub(super) fn mac(scene: &Scene<'_>, at: usize) -> Option<Hit> {
    let mark = if scene.is_mark(at + 1, b':') { b':' } else { b'-' };
    if scene.token(at)?.length() != 2 || !scene.is_mark(at + 1, mark) || !scene.begins_cleanly(at) {
        return None;
    }
    for place in 0..6 {
        let token = at + place * 2;
        let is_joined =
            place == 0 || scene.is_mark(token - 1, mark) && scene.touches(token) && scene.touches(token - 1);
        if !is_joined || scene.token(token)?.length() != 2 || !is_hex(scene.word(token)) {
            return None;
        }
    }
    scene.ends_cleanly(at + 11).then_some(Hit {
        kind: PersonalDataKind::MacAddress,
        score: 0.8,
        first: at,
        next: at + 11,
    })
}

/// Hexadecimal groups with colons, as version 6 of the protocol has them.
pub(super) fn ip6(scene: &Scene<'_>, at: usize) -> Option<Hit> {
    let starts_with_colons = scene.is_mark(at, b':');
    let is_start = if starts_with_colons {
        scene.is_mark(at + 1, b':') && scene.touches(at + 1)
    } else {
        scene.is_mark(at + 1, b':')
    };
    if !is_start || !scene.begins_cleanly(at) {
        return None;
    }
    let (mut groups, mut doubles, mut letters, mut next) = (0, 0, false, at);
    // Names in programs are joined by colons too; they have no digits, or are short.
    let (mut digits, mut long) = (false, false);
    let mut colons = 0;
    while next - at < 16 && (next == at || scene.touches(next)) {
        let Some(token) = scene.token(next) else { break };
        if token.is(b':') {
            colons += 1;
            if colons > 2 {
                return None;
            }
            doubles += usize::from(colons == 2);
        } else if token.length() <= 4 && is_hex(scene.word(next)) && (colons > 0 || next == at) {
            letters |= scene.word(next).bytes().any(|byte| byte.is_ascii_alphabetic());
            digits |= scene.word(next).bytes().any(|byte| byte.is_ascii_digit());
            long |= token.length() > 2;
            groups += 1;
            colons = 0;
        } else {
            break;
        }
        next += 1;
    }
    let is_whole =
        groups == 8 && doubles == 0 && colons == 0 || doubles == 1 && (2..8).contains(&groups) && colons != 1;
    // Without a letter it would rather be a time or a ratio.
    (is_whole && digits && (long || groups > 2) && (letters || groups > 4) && scene.ends_cleanly(next))
        .then_some(Hit { kind: PersonalDataKind::IpAddress, score: 0.75, first: at, next })
}
