//! Numbers with letters in them: accounts, national numbers, passports, licences, plates.

use super::checksums::{is_day, mod_97, weighted};
use super::ids::china;
use super::kind::{IdScheme, PersonalDataKind};
use super::scene::{Hit, Scene};
use super::tokens::{Gap, Shape};
use super::words::Traits;

/// The longest code: an IBAN has 34 characters.
const CODE_BYTES_MAX: usize = 34;

/// The length of each country's IBAN.
const IBAN_LENGTHS: &[(&[u8], usize)] = &[
    (b"NO", 15),
    (b"BE", 16),
    (b"DK", 18),
    (b"FI", 18),
    (b"FO", 18),
    (b"GL", 18),
    (b"NL", 18),
    (b"SD", 18),
    (b"MK", 19),
    (b"SI", 19),
    (b"AT", 20),
    (b"BA", 20),
    (b"EE", 20),
    (b"KZ", 20),
    (b"LT", 20),
    (b"LU", 20),
    (b"MN", 20),
    (b"XK", 20),
    (b"CH", 21),
    (b"HR", 21),
    (b"LI", 21),
    (b"LV", 21),
    (b"BG", 22),
    (b"BH", 22),
    (b"CR", 22),
    (b"DE", 22),
    (b"GB", 22),
    (b"GE", 22),
    (b"IE", 22),
    (b"ME", 22),
    (b"RS", 22),
    (b"VA", 22),
    (b"AE", 23),
    (b"GI", 23),
    (b"IL", 23),
    (b"IQ", 23),
    (b"OM", 23),
    (b"SO", 23),
    (b"TL", 23),
    (b"AD", 24),
    (b"CZ", 24),
    (b"ES", 24),
    (b"MD", 24),
    (b"PK", 24),
    (b"RO", 24),
    (b"SA", 24),
    (b"SE", 24),
    (b"SK", 24),
    (b"TN", 24),
    (b"VG", 24),
    (b"LY", 25),
    (b"PT", 25),
    (b"ST", 25),
    (b"IS", 26),
    (b"TR", 26),
    (b"BI", 27),
    (b"DJ", 27),
    (b"FR", 27),
    (b"GR", 27),
    (b"IT", 27),
    (b"MC", 27),
    (b"MR", 27),
    (b"SM", 27),
    (b"AL", 28),
    (b"AZ", 28),
    (b"BY", 28),
    (b"CY", 28),
    (b"DO", 28),
    (b"GT", 28),
    (b"HU", 28),
    (b"LB", 28),
    (b"NI", 28),
    (b"PL", 28),
    (b"BR", 29),
    (b"EG", 29),
    (b"PS", 29),
    (b"QA", 29),
    (b"UA", 29),
    (b"JO", 30),
    (b"KW", 30),
    (b"MU", 30),
    (b"YE", 30),
    (b"MT", 31),
    (b"SC", 31),
    (b"LC", 32),
    (b"RU", 33),
];

/// Letters and digits as they stand in the text, capitals, without what is between them.
struct Code {
    bytes: [u8; CODE_BYTES_MAX],
    length: usize,
}

impl Code {
    const EMPTY: Self = Self { bytes: [0; CODE_BYTES_MAX], length: 0 };

    /// Adds a word. False when it does not fit or is of other letters.
    fn add(&mut self, word: &str) -> bool {
        let Some(room) = self.bytes.get_mut(self.length..self.length + word.len()) else { return false };
        if !word.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return false;
        }
        for (place, byte) in room.iter_mut().zip(word.bytes()) {
            *place = byte.to_ascii_uppercase();
        }
        self.length += word.len();
        true
    }

    fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

/// A code that begins with letters alone, as `AB 12 34 56 C` and `SMITH 123456`: the token at `at` is a word.
pub(super) fn after_letters(scene: &Scene<'_>, at: usize) -> Option<Hit> {
    let follows = scene.token(at + 1)?;
    let begins = matches!(scene.token(at)?.shape, Shape::Capitals)
        && matches!(follows.shape, Shape::Digits | Shape::Alphanumeric | Shape::Mark(b'-'))
        && follows.gap != Gap::Line;
    if begins { any(scene, at) } else { None }
}

/// The code that begins at `at`.
pub(super) fn any(scene: &Scene<'_>, at: usize) -> Option<Hit> {
    if !scene.begins_cleanly(at) {
        return None;
    }
    iban(scene, at).or_else(|| by_form(scene, at)).or_else(|| by_words(scene, at))
}

fn iban(scene: &Scene<'_>, at: usize) -> Option<Hit> {
    if !scene.word(at).starts_with(|first: char| first.is_ascii_alphabetic()) {
        return None;
    }
    let country: [u8; 2] = scene.word(at).as_bytes().get(..2)?.try_into().ok()?;
    let country = country.map(|byte| byte.to_ascii_uppercase());
    let wanted = IBAN_LENGTHS.iter().find(|(known, _)| **known == country)?.1;
    let mut code = Code::EMPTY;
    let mut next = at;
    while code.length < wanted {
        let token = scene.token(next).filter(|token| next == at || token.gap != Gap::Line)?;
        if next > at && token.is(b'-') && scene.touches(next) {
            next += 1;
            continue;
        }
        if !code.add(scene.word(next)) {
            return None;
        }
        next += 1;
    }
    let bytes = code.bytes();
    let (head, body) = bytes.split_at_checked(4)?;
    let is_valid = code.length == wanted
        && head.iter().skip(2).all(u8::is_ascii_digit)
        && mod_97(body.iter().chain(head).copied()) == Some(1)
        && scene.ends_cleanly(next);
    is_valid.then_some(Hit { kind: PersonalDataKind::BankAccount, score: 0.99, first: at, next })
}

/// Codes of which the form, and mostly a check character, says what they are.
fn by_form(scene: &Scene<'_>, at: usize) -> Option<Hit> {
    let mut code = Code::EMPTY;
    let mut best = None;
    for next in at + 1..at + 9 {
        let Some(token) = scene.token(next - 1).filter(|token| next == at + 1 || token.gap != Gap::Line)
        else {
            break;
        };
        let joins = matches!(token.shape, Shape::Mark(b'-' | b'.' | b'+' | b'(' | b')'))
            && scene.touches(next - 1)
            && next > at + 1;
        if !joins && !code.add(scene.word(next - 1)) {
            break;
        }
        let is_end = !joins || token.is(b')');
        if is_end
            && scene.ends_cleanly(next)
            && let Some((scheme, alone, beside)) = scheme(code.bytes(), scene, at, next)
        {
            let is_named = scene.near(beside.and(Traits::NEAR_ID), at) || scene.near_behind(beside, next);
            let score: f32 = if is_named { 0.96 } else { alone };
            if score > 0.0 {
                best = Some(Hit { kind: PersonalDataKind::NationalId(scheme), score, first: at, next });
            }
        }
        if code.length > 18 {
            break;
        }
    }
    best
}

/// What the letters and digits of a form are called in [`is_of`]: a letter, a digit, or either.
fn is_of(code: &[u8], form: &[u8]) -> bool {
    code.len() == form.len()
        && code.iter().zip(form).all(|(byte, kind)| match kind {
            b'A' => byte.is_ascii_uppercase(),
            b'9' => byte.is_ascii_digit(),
            b'*' => byte.is_ascii_alphanumeric(),
            exact => byte.eq_ignore_ascii_case(exact),
        })
}

/// The values of the digits in `code`.
fn values(code: &[u8]) -> [u8; 18] {
    let mut values = [0; 18];
    for (value, byte) in values.iter_mut().zip(code) {
        *value = byte.saturating_sub(b'0');
    }
    values
}

fn decimal(code: &[u8], start: usize, end: usize) -> u64 {
    let part = code.get(start..end).unwrap_or_default();
    part.iter().fold(0, |number, byte| number * 10 + u64::from(byte.saturating_sub(b'0')))
}

fn at(table: &[u8], place: u64) -> Option<u8> {
    table.get(usize::try_from(place).ok()?).copied()
}

/// The national number that `code` is, how sure that is alone, and the words that name it.
fn scheme(code: &[u8], scene: &Scene<'_>, first: usize, next: usize) -> Option<(IdScheme, f32, Traits)> {
    let last = code.last().copied();
    let word = scene.word(first);
    match code.len() {
        9 if is_of(code, b"99999999A")
            && at(b"TRWAGMYFPDXBNJZSQVHLCKE", decimal(code, 0, 8) % 23) == last =>
        {
            Some((IdScheme::SpainDni, 0.9, Traits::ID_SPAIN))
        }
        9 if is_of(code, b"A9999999A") => foreigner_or_singapore(code),
        8 | 9 if is_irish(code) => Some((IdScheme::IrelandPps, 0.7, Traits::ID_BRITAIN)),
        9 if is_of(code, b"AA999999A") && is_insurance(code) => {
            Some((IdScheme::UnitedKingdomNationalInsurance, 0.85, Traits::ID_BRITAIN))
        }
        10 if is_of(code, b"999999999*") && is_finnish(code, word) => {
            Some((IdScheme::FinlandHetu, 0.95, Traits::ID_NORDIC))
        }
        10 if is_of(code, b"AAAAA9999A")
            && matches!(
                code.get(3),
                Some(b'P' | b'C' | b'H' | b'F' | b'A' | b'T' | b'B' | b'L' | b'J' | b'G')
            ) =>
        {
            Some((IdScheme::IndiaPan, 0.75, Traits::ID_INDIA))
        }
        10 if is_of(code, b"A999999999") && is_taiwanese(code) => {
            Some((IdScheme::TaiwanIdentity, 0.7, Traits::ID_CHINA))
        }
        8 if is_of(code, b"A999999*") && is_hong_kong(code) => {
            Some((IdScheme::HongKongIdentity, 0.0, Traits::ID_CHINA))
        }
        8 | 9 if is_chilean(code, scene, next) => Some((IdScheme::ChileRut, 0.85, Traits::ID_LATIN)),
        16 if is_fiscal(code) => Some((IdScheme::ItalyFiscalCode, 0.97, Traits::ID_ITALY)),
        18 if is_of(code, b"AAAA999999AAAAAA*9") && is_day(decimal(code, 6, 8), decimal(code, 8, 10)) => {
            Some((IdScheme::MexicoCurp, 0.95, Traits::ID_LATIN))
        }
        18 if is_of(code, b"99999999999999999X") && china(&values(code), 10) => {
            Some((IdScheme::ChinaResident, 0.96, Traits::ID_CHINA))
        }
        _ => None,
    }
}

/// A letter, seven digits, a letter: Spain's number of foreigners, or Singapore's of everybody.
fn foreigner_or_singapore(code: &[u8]) -> Option<(IdScheme, f32, Traits)> {
    let (first, last) = (*code.first()?, *code.last()?);
    if let lead @ b'X'..=b'Z' = first {
        let number = u64::from(lead - b'X') * 10_000_000 + decimal(code, 1, 8);
        return (at(b"TRWAGMYFPDXBNJZSQVHLCKE", number % 23) == Some(last)).then_some((
            IdScheme::SpainNie,
            0.92,
            Traits::ID_SPAIN,
        ));
    }
    let sum = weighted(values(code).get(1..8)?, &[2, 7, 6, 5, 4, 3, 2]);
    let letters: (u32, &[u8]) = match first {
        b'S' => (0, b"JZIHGFEDCBA"),
        b'T' => (4, b"JZIHGFEDCBA"),
        b'F' => (0, b"XWUTRQPNMLK"),
        b'G' => (4, b"XWUTRQPNMLK"),
        _ => return None,
    };
    (at(letters.1, u64::from((sum + letters.0) % 11)) == Some(last)).then_some((
        IdScheme::SingaporeNric,
        0.85,
        Traits::ID_SOUTH_EAST_ASIA,
    ))
}

fn is_irish(code: &[u8]) -> bool {
    let extra = match code {
        [.., _, b'W'] if code.len() == 9 => 0,
        [.., _, last @ b'A'..=b'I'] if code.len() == 9 => u32::from(last - b'A') + 1,
        _ if code.len() == 8 => 0,
        _ => return false,
    };
    let form: &[u8] = if code.len() == 8 { b"9999999A" } else { b"9999999AA" };
    let sum = weighted(&values(code), &[8, 7, 6, 5, 4, 3, 2]) + extra * 9;
    is_of(code, form) && at(b"WABCDEFGHIJKLMNOPQRSTUV", u64::from(sum % 23)) == code.get(7).copied()
}

fn is_insurance(code: &[u8]) -> bool {
    let (Some(first), Some(second), Some(last)) = (code.first(), code.get(1), code.last()) else {
        return false;
    };
    let is_unused = matches!(&[*first, *second], b"BG" | b"GB" | b"NK" | b"KN" | b"TN" | b"NT" | b"ZZ");
    !b"DFIQUV".contains(first) && !b"DFIQUVO".contains(second) && !is_unused && (b'A'..=b'D').contains(last)
}

fn is_finnish(code: &[u8], word: &str) -> bool {
    // Six digits of the birth stand before the sign of the century.
    let number = decimal(code, 0, 9);
    word.len() == 6
        && is_day(decimal(code, 2, 4), decimal(code, 0, 2))
        && at(b"0123456789ABCDEFHJKLMNPRSTUVWXY", number % 31) == code.last().copied()
}

fn is_taiwanese(code: &[u8]) -> bool {
    let Some(place) = code
        .first()
        .and_then(|first| b"ABCDEFGHJKLMNPQRSTUVXYWZIO".iter().position(|letter| letter == first))
    else {
        return false;
    };
    let region = u32::try_from(place + 10).unwrap_or_default();
    let values = values(code);
    let rest = weighted(values.get(1..).unwrap_or_default(), &[8, 7, 6, 5, 4, 3, 2, 1, 1]);
    matches!(values.get(1), Some(1 | 2 | 8 | 9)) && (region / 10 + region % 10 * 9 + rest).is_multiple_of(10)
}

fn is_hong_kong(code: &[u8]) -> bool {
    let (Some(first), Some(last)) = (code.first(), code.last()) else { return false };
    let sum = 36 * 9
        + u32::from(first - b'A' + 10) * 8
        + weighted(values(code).get(1..).unwrap_or_default(), &[7, 6, 5, 4, 3, 2]);
    let check = (11 - sum % 11) % 11;
    match last {
        b'A' => check == 10,
        digit => digit.is_ascii_digit() && u32::from(digit - b'0') == check,
    }
}

/// Seven or eight digits, a hyphen and a check character, which is the token before `next`.
fn is_chilean(code: &[u8], scene: &Scene<'_>, next: usize) -> bool {
    let Some((last, body)) = code.split_last() else { return false };
    if !body.iter().all(u8::is_ascii_digit) {
        return false;
    }
    let has_hyphen = next >= 2
        && scene.is_mark(next - 2, b'-')
        && scene.token(next - 1).is_some_and(|token| token.length() == 1);
    let sum: u32 = body
        .iter()
        .rev()
        .zip([2, 3, 4, 5, 6, 7, 2, 3])
        .map(|(byte, weight)| u32::from(byte - b'0') * weight)
        .sum();
    let check = match 11 - sum % 11 {
        11 => b'0',
        10 => b'K',
        digit => u8::try_from(digit).unwrap_or_default() + b'0',
    };
    has_hyphen && check == *last
}

fn is_fiscal(code: &[u8]) -> bool {
    /// What the characters at odd places count for, in the order of the digits and letters.
    const ODD: [u32; 26] =
        [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23];
    if !is_of(code, b"AAAAAA**A**A***A") {
        return false;
    }
    let value = |byte: u8| if byte.is_ascii_digit() { byte - b'0' } else { byte - b'A' };
    let sum: u32 = code
        .iter()
        .take(15)
        .enumerate()
        .map(|(place, byte)| {
            let value = value(*byte);
            if place.is_multiple_of(2) {
                ODD.get(usize::from(value)).copied().unwrap_or_default()
            } else {
                u32::from(value)
            }
        })
        .sum();
    code.last().is_some_and(|last| u32::from(last - b'A') == sum % 26)
}

/// Codes that are something only because a word beside them says so.
fn by_words(scene: &Scene<'_>, first: usize) -> Option<Hit> {
    let kinds = [
        (Traits::NEAR_PASSPORT, PersonalDataKind::Passport, 6..=10, 0.9),
        (Traits::NEAR_LICENCE, PersonalDataKind::DriverLicence, 6..=20, 0.75),
        (Traits::NEAR_PLATE, PersonalDataKind::LicencePlate, 4..=9, 0.75),
    ];
    let (_, kind, lengths, score) = kinds.into_iter().find(|(traits, ..)| scene.near(*traits, first))?;
    let mut code = Code::EMPTY;
    let mut next = first;
    let mut best = None;
    while next - first < 6 {
        let Some(token) = scene.token(next).filter(|token| next == first || token.gap != Gap::Line) else {
            break;
        };
        let joins = token.is(b'-') && scene.touches(next);
        let is_code = matches!(token.shape, Shape::Capitals | Shape::Digits | Shape::Alphanumeric);
        if !joins && (!is_code || !code.add(scene.word(next))) {
            break;
        }
        next += 1;
        let digits = code.bytes().iter().filter(|byte| byte.is_ascii_digit()).count();
        let letters = code.length - digits;
        let is_mixed = digits >= 2 && letters >= 1 && (kind == PersonalDataKind::LicencePlate || digits >= 4);
        if !joins && lengths.contains(&code.length) && is_mixed && scene.ends_cleanly(next) {
            best = Some(Hit { kind, score, first, next });
        }
    }
    best
}
