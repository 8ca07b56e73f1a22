//! Dates, and among them dates of birth.

use super::PersonalDataKind;
use super::checksums::is_day;
use super::scene::{Hit, Scene};
use super::tokens::{Gap, Shape};
use super::words::Traits;

/// How sure it is that a date is about a person when nothing says so.
const ALONE: f32 = 0.35;

/// A day, month and year in digits, or a day with the name of its month, which begins at `at`.
pub(super) fn any(scene: &Scene<'_>, at: usize) -> Option<Hit> {
    if !scene.begins_cleanly(at) {
        return None;
    }
    in_digits(scene, at).or_else(|| before_month(scene, at)).or_else(|| with_signs(scene, at))
}

fn number(scene: &Scene<'_>, at: usize, lengths: std::ops::RangeInclusive<usize>) -> Option<u64> {
    let token = scene.token(at)?;
    let is_number = token.shape == Shape::Digits && lengths.contains(&token.length());
    if is_number { scene.word(at).parse().ok() } else { None }
}

const fn is_year(year: u64) -> bool {
    year >= 1850 && year <= 2100
}

fn hit(scene: &Scene<'_>, first: usize, next: usize, score: f32) -> Hit {
    let is_birth = scene.near(Traits::NEAR_BIRTH, first) || scene.near_behind(Traits::NEAR_BIRTH, next);
    if is_birth {
        return Hit { kind: PersonalDataKind::BirthDate, score: 0.95, first, next };
    }
    Hit { kind: PersonalDataKind::Date, score, first, next }
}

/// `1984-03-12`, `12.03.1984`, `3/12/84`, `12. 3. 1984`.
fn in_digits(scene: &Scene<'_>, at: usize) -> Option<Hit> {
    let one = number(scene, at, 1..=4)?;
    let mark = [b'-', b'.', b'/'].into_iter().find(|mark| scene.is_mark(at + 1, *mark))?;
    let is_joined = scene.touches(at + 1) && scene.is_mark(at + 3, mark) && scene.touches(at + 3);
    let spaced = !scene.touches(at + 2);
    // In Czech and Slovak a space follows each full stop.
    let same_gaps = scene.touches(at + 4) != spaced && (!spaced || mark == b'.');
    let gaps_are_spaces = scene.token(at + 2)?.gap != Gap::Line && scene.token(at + 4)?.gap != Gap::Line;
    if !is_joined || !same_gaps || !gaps_are_spaces {
        return None;
    }
    let two = number(scene, at + 2, 1..=2)?;
    let length = scene.token(at)?.length();
    let next = at + 5;
    if length == 4 {
        let last = scene.word(at + 4);
        // A time may follow without a space, after the letter T.
        let digits = last.bytes().take_while(u8::is_ascii_digit).count();
        let day = last.get(..digits)?.parse().ok()?;
        let rest = last.get(digits..)?;
        let is_plain = rest.is_empty() && (scene.ends_cleanly(next) || scene.is_mark(next, b':'));
        let is_date = is_year(one) && (1..=2).contains(&digits) && is_day(two, day);
        return (is_date && (is_plain || rest.starts_with('T'))).then(|| hit(scene, at, next, ALONE));
    }
    let year = number(scene, at + 4, 2..=4)
        .filter(|_| length <= 2 && scene.token(at + 4).is_some_and(|year| year.length() != 3))?;
    let is_long = scene.token(at + 4)?.length() == 4;
    let is_date =
        (is_day(one, two) || is_day(two, one)) && (!is_long || is_year(year)) && scene.ends_cleanly(next);
    is_date.then(|| hit(scene, at, next, if is_long { ALONE } else { 0.25 }))
}

/// The day that a token writes: digits, and the ending of an ordinal number.
fn day(scene: &Scene<'_>, at: usize) -> Option<u64> {
    let token = scene.token(at)?;
    let word = scene.word(at);
    let digits = word.bytes().take_while(u8::is_ascii_digit).count();
    let ending = word.get(digits..)?.to_ascii_lowercase();
    let is_day = match token.shape {
        Shape::Digits => true,
        Shape::Alphanumeric => matches!(ending.as_str(), "st" | "nd" | "rd" | "th" | "er" | "º" | "ª" | "°"),
        _ => false,
    };
    let day = word.get(..digits)?.parse().ok()?;
    (is_day && digits <= 2 && (1..=31).contains(&day)).then_some(day)
}

/// Skips one of the little words and marks that stand between the parts of a date.
fn skip(scene: &Scene<'_>, at: usize) -> usize {
    match scene.token(at) {
        Some(token) if token.gap == Gap::Line => at,
        Some(token) if matches!(token.shape, Shape::Mark(b'.' | b',' | b'/' | b'-')) => at + 1,
        Some(token)
            if token.length() <= 3
                && matches!(scene.word(at), "of" | "de" | "del" | "di" | "den" | "a" | "of,") =>
        {
            at + 1
        }
        _ => at,
    }
}

/// `12 March 1984`, `12. März 1984`, `12 de marzo de 1984`, `the 12th of March`.
fn before_month(scene: &Scene<'_>, at: usize) -> Option<Hit> {
    let day = day(scene, at)?;
    let mut month_at = skip(scene, at + 1);
    if scene.token(month_at)?.traits.month().is_none() {
        month_at = skip(scene, month_at);
    }
    let month = scene.token(month_at).filter(|token| token.gap != Gap::Line)?.traits.month()?;
    if !is_day(month, day) {
        return None;
    }
    let (next, has_year) = year_after(scene, month_at + 1);
    // Without a year, a word that is also a verb or a name must be written like a month.
    let is_word = scene.token(month_at)?.shape == Shape::Lower
        && matches!(scene.word(month_at), "may" | "march" | "mar" | "mart" | "sept" | "jan");
    (has_year || !is_word).then(|| hit(scene, at, next, if has_year { ALONE } else { 0.2 }))
}

/// The token after the year that follows at `at`, if one does.
fn year_after(scene: &Scene<'_>, at: usize) -> (usize, bool) {
    let once = skip(scene, at);
    for place in [once, skip(scene, once)] {
        let is_year = scene.token(place).is_some_and(|token| token.gap != Gap::Line)
            && number(scene, place, 4..=4).is_some_and(is_year)
            && scene.ends_cleanly(place + 1);
        if is_year {
            return (place + 1, true);
        }
    }
    (at, false)
}

/// `March 12, 1984`. The month is the token at `at`.
pub(super) fn after_month(scene: &Scene<'_>, at: usize) -> Option<Hit> {
    let month = scene.token(at)?.traits.month()?;
    let mut day_at = at + 1;
    if scene.is_mark(day_at, b'.') && scene.touches(day_at) {
        day_at += 1;
    }
    let day =
        day(scene, day_at).filter(|_| scene.token(day_at).is_some_and(|token| token.gap == Gap::Space))?;
    let (next, has_year) = year_after(scene, day_at + 1);
    let is_capital = scene.token(at)?.is_capital();
    (is_day(month, day) && (has_year || is_capital))
        .then(|| hit(scene, at, next, if has_year { ALONE } else { 0.2 }))
}

/// `1984年3月12日`, `1984년 3월 12일`.
fn with_signs(scene: &Scene<'_>, at: usize) -> Option<Hit> {
    let mut place = at;
    let mut parts = [0_u64; 3];
    for (part, signs) in parts.iter_mut().zip([['年', '년'], ['月', '월'], ['日', '일']]) {
        *part = number(scene, place, 1..=4)?;
        let sign = scene.word(place + 1).chars().next()?;
        if !signs.contains(&sign) || !scene.touches(place + 1) {
            return None;
        }
        place += 2;
    }
    let [year, month, day] = parts;
    // The last run may go on behind the sign of the day, and is then not counted as part of the date.
    (is_year(year) && is_day(month, day)).then(|| hit(scene, at, place - 1, ALONE))
}
