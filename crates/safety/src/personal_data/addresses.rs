//! Postal addresses, by the words that stand in them and by codes of places.

use super::PersonalDataKind;
use super::scene::{Hit, Scene};
use super::tokens::{Gap, Shape, Token};
use super::words::Traits;

/// The most words of the name of a street.
const STREET_WORDS_MAX: usize = 5;

/// The most tokens behind the street that belong to an address.
const TAIL_TOKENS_MAX: usize = 16;

/// Endings of words that are streets in German, Dutch, Swedish, Danish, Norwegian, Finnish and Hungarian.
const STREET_ENDINGS: [&str; 24] = [
    "straße", "strasse", "straat", "gatan", "vägen", "veien", "gade", "katu", "gasse", "platz", "allee",
    "plein", "gracht", "laan", "damm", "ufer", "stieg", "utca", "backen", "stræde", "weg", "vej", "kade",
    "singel",
];

/// Words before the number of a part of a house.
const UNITS: [&str; 28] = [
    "apt",
    "apartment",
    "suite",
    "ste",
    "unit",
    "flat",
    "floor",
    "room",
    "building",
    "bldg",
    "block",
    "no",
    "nr",
    "nº",
    "n",
    "d",
    "кв",
    "д",
    "дом",
    "квартира",
    "корп",
    "m",
    "piso",
    "int",
    "interno",
    "bus",
    "étage",
    "c",
];

/// An address that begins with the number of a house, as in English and French, or with a British code.
pub(super) fn after_number(scene: &Scene<'_>, at: usize) -> Option<Hit> {
    if !scene.begins_cleanly(at) {
        return None;
    }
    if !is_house_number(scene, at) {
        return british_code(scene, at).map(|next| Hit {
            kind: PersonalDataKind::Address,
            score: 0.6,
            first: at,
            next,
        });
    }
    let name_at = at + 1 + usize::from(scene.is_mark(at + 1, b','));
    let end = if scene.has(name_at, Traits::STREET_BEFORE) && scene.token(name_at)?.gap == Gap::Space {
        words_of_street(scene, name_at + 1)?
    } else {
        street_after(scene, name_at)?
    };
    Some(finish(scene, at, end, 0.7))
}

/// An address that begins with a word: a street before its number, a box, or a place with its code.
pub(super) fn after_word(scene: &Scene<'_>, at: usize) -> Option<Hit> {
    let token = scene.token(at)?;
    let follows = scene.token(at + 1)?;
    if token.traits.any(Traits::STREET_BEFORE) {
        let name_at = at + 1 + usize::from(follows.is(b'.'));
        let street = words_of_street(scene, name_at).and_then(|end| house_number_at(scene, end));
        if let Some(hit) = street.map(|end| finish(scene, at, end, 0.75)) {
            return Some(hit);
        }
    }
    if !token.is_capital() {
        return None;
    }
    if is_house_number(scene, at + 1) && follows.gap == Gap::Space && ends_as_street(scene.word(at)) {
        return Some(finish(scene, at, at + 2, 0.75));
    }
    let is_apart =
        follows.traits.any(Traits::STREET_AFTER) && follows.is_capital() && follows.gap != Gap::Line;
    if is_apart {
        let number = at + 2 + usize::from(scene.is_mark(at + 2, b'.'));
        // In English the number stands before; behind it would be anything.
        let is_own = matches!(
            scene.word(at + 1).to_lowercase().as_str(),
            "straße"
                | "strasse"
                | "str"
                | "weg"
                | "platz"
                | "allee"
                | "utca"
                | "tér"
                | "út"
                | "sokak"
                | "caddesi"
                | "gasse"
                | "ring"
        );
        if is_own && is_house_number(scene, number) {
            return Some(finish(scene, at, number + 1, 0.75));
        }
    }
    post_box(scene, at).or_else(|| place_with_code(scene, at))
}

/// Whether the token at `at` is a number of up to five digits, perhaps with one letter.
fn is_house_number(scene: &Scene<'_>, at: usize) -> bool {
    let word = scene.word(at);
    let digits = word.bytes().take_while(u8::is_ascii_digit).count();
    let rest = word.len() - digits;
    (1..=5).contains(&digits)
        && rest <= 1
        && scene.token(at).is_some_and(|token| matches!(token.shape, Shape::Digits | Shape::Alphanumeric))
}

/// The token after the number that stands at `at`, perhaps behind a comma and a sign for a number.
fn house_number_at(scene: &Scene<'_>, at: usize) -> Option<usize> {
    let mut place = at + usize::from(scene.is_mark(at, b','));
    let word = scene.word(place).to_lowercase();
    if UNITS.contains(&word.as_str()) || word == "№" {
        place += 1 + usize::from(scene.is_mark(place + 1, b'.'));
    }
    let is_near = scene.token(place).is_some_and(|token| token.gap != Gap::Line);
    (is_near && is_house_number(scene, place)).then_some(place + 1)
}

/// The token after the words of a street that begin at `at`: capitals, with little words between.
fn words_of_street(scene: &Scene<'_>, at: usize) -> Option<usize> {
    let mut end = None;
    for place in at..at + STREET_WORDS_MAX {
        let Some(token) = scene.token(place).filter(|token| token.gap != Gap::Line) else { break };
        let is_little = token.shape == Shape::Lower && token.length() <= 4;
        let joins = token.is(b'\'') || token.is(b'-');
        if token.is_capital() || token.shape == Shape::Alphanumeric && place > at {
            end = Some(place + 1);
        } else if !is_little && !joins {
            break;
        }
    }
    end
}

/// The token after a street whose kind stands behind its name, as in Main Street, when it begins at `at`.
fn street_after(scene: &Scene<'_>, at: usize) -> Option<usize> {
    for place in at..=at + STREET_WORDS_MAX {
        let token = scene.token(place).filter(|token| token.gap != Gap::Line)?;
        let is_kind = token.traits.any(Traits::STREET_AFTER)
            && (token.is_capital() || scene.near(Traits::NEAR_ADDRESS, at));
        if is_kind && place > at {
            let end = place + 1;
            return Some(
                end + usize::from(token.length() <= 4 && scene.is_mark(end, b'.') && scene.touches(end)),
            );
        }
        let is_direction =
            token.is(b'.') && place > at && scene.token(place - 1).is_some_and(|before| before.length() <= 2);
        let is_name = token.is_capital() || is_ordinal(scene.word(place));
        let is_lower_name = token.shape == Shape::Lower
            && scene.near(Traits::NEAR_ADDRESS, at)
            && !matches!(scene.word(place), "and" | "or" | "to" | "of" | "in" | "the" | "a");
        if !is_name && !is_direction && !is_lower_name {
            return None;
        }
    }
    None
}

fn is_ordinal(word: &str) -> bool {
    let digits = word.bytes().take_while(u8::is_ascii_digit).count();
    digits > 0 && matches!(word.get(digits..), Some("st" | "nd" | "rd" | "th"))
}

fn ends_as_street(word: &str) -> bool {
    let word = word.to_lowercase();
    STREET_ENDINGS.iter().any(|ending| word.len() > ending.len() + 2 && word.ends_with(ending))
        || word.len() > 5 && word.ends_with("str")
}

/// What follows the street is part of the address as far as a code, or a place after it.
fn finish(scene: &Scene<'_>, first: usize, street_end: usize, alone: f32) -> Hit {
    let (end, has_code) = tail(scene, street_end);
    let is_near = scene.near(Traits::NEAR_ADDRESS, first);
    let score = match (has_code, is_near) {
        (true, _) => 0.95,
        (false, true) => 0.9,
        (false, false) => alone,
    };
    Hit { kind: PersonalDataKind::Address, score, first, next: end }
}

/// Where an address ends of which everything before `from` is known, and whether it has the code of a place.
fn tail(scene: &Scene<'_>, from: usize) -> (usize, bool) {
    let (mut end, mut has_code, mut lines, mut place) = (from, false, 0, from);
    let mut after_code = 0;
    while place < from + TAIL_TOKENS_MAX {
        let Some(token) = scene.token(place) else { break };
        lines += usize::from(token.gap == Gap::Line);
        if lines > 3 || has_code && token.gap == Gap::Line {
            break;
        }
        if let Some(next) = code_at(scene, place) {
            if has_code {
                break;
            }
            (has_code, end, place, after_code) = (true, next, next, 0);
            continue;
        }
        match token.shape {
            Shape::Mark(b',' | b'#' | b'/' | b'-') => {}
            Shape::Mark(b'.')
                if !has_code && scene.token(place - 1).is_some_and(|before| before.length() <= 3) => {}
            Shape::Digits | Shape::Alphanumeric if !has_code && token.length() <= 4 => {
                // The number of a flat.
                let is_unit = UNITS.contains(&scene.word(place - 1).to_lowercase().as_str())
                    || scene.is_mark(place - 1, b'#')
                    || scene.is_mark(place - 1, b'.');
                if !is_unit {
                    break;
                }
                end = place + 1;
            }
            Shape::Capitalized | Shape::Capitals | Shape::MixedCase => {
                let is_next_sentence = token.traits.any(Traits::EVERYDAY) && !token.traits.any(Traits::STATE);
                if is_next_sentence && after_code > 0 || has_code && after_code >= 4 {
                    break;
                }
                after_code += 1;
                if has_code {
                    end = place + 1;
                }
            }
            Shape::Lower if is_lower_part(scene.word(place)) => {}
            _ => break,
        }
        place += 1;
    }
    (end, has_code)
}

fn is_lower_part(word: &str) -> bool {
    UNITS.contains(&word)
        || matches!(
            word,
            "de" | "la"
                | "le"
                | "les"
                | "sur"
                | "am"
                | "an"
                | "der"
                | "den"
                | "im"
                | "in"
                | "do"
                | "da"
                | "del"
                | "g"
                | "г"
                | "ap"
                | "upon"
        )
}

/// The token after the code of a place that begins at `at`.
fn code_at(scene: &Scene<'_>, at: usize) -> Option<usize> {
    if let Some(next) = british_code(scene, at) {
        return Some(next);
    }
    let token = scene.token(at)?;
    if token.shape != Shape::Digits {
        return None;
    }
    let digits = |place: usize| {
        scene.token(place).filter(|token| token.shape == Shape::Digits).map_or(0, Token::length)
    };
    let hyphen = scene.is_mark(at + 1, b'-') && scene.touches(at + 1) && scene.touches(at + 2);
    let second = if hyphen { digits(at + 2) } else { 0 };
    if matches!((token.length(), second), (5 | 3, 4) | (5 | 4 | 2, 3)) {
        return Some(at + 3);
    }
    let spaced = scene.token(at + 1).filter(|next| next.gap == Gap::Space).map_or(0, |_| digits(at + 1));
    if token.length() == 3 && spaced == 2 {
        return Some(at + 2);
    }
    let is_dutch = scene
        .token(at + 1)
        .is_some_and(|next| next.shape == Shape::Capitals && next.length() == 2 && next.gap == Gap::Space);
    match token.length() {
        4 if is_dutch => Some(at + 2),
        4..=6 => Some(at + 1),
        _ => None,
    }
}

/// The token after a British or Canadian code that begins at `at`, as SW1A 1AA and K1A 0B1.
fn british_code(scene: &Scene<'_>, at: usize) -> Option<usize> {
    let is_second = scene.token(at + 1).is_some_and(|token| token.gap == Gap::Space && token.length() == 3);
    if scene.token(at)?.shape != Shape::Alphanumeric || !is_second || !scene.ends_cleanly(at + 2) {
        return None;
    }
    let form = |word: &str| -> Vec<u8> {
        word.bytes()
            .map(|byte| match byte {
                b'A'..=b'Z' => b'A',
                b'0'..=b'9' => b'9',
                _ => b'?',
            })
            .collect()
    };
    let outward = form(scene.word(at));
    let is_british = matches!(outward.as_slice(), b"A9" | b"A99" | b"A9A" | b"AA9" | b"AA99" | b"AA9A")
        && form(scene.word(at + 1)) == b"9AA";
    let is_canadian = outward == b"A9A" && form(scene.word(at + 1)) == b"9A9";
    (is_british || is_canadian).then_some(at + 2)
}

/// `PO Box 123`, `Postfach 123`.
fn post_box(scene: &Scene<'_>, at: usize) -> Option<Hit> {
    let word = scene.word(at);
    let number = match word {
        "Postfach" | "Postbus" | "Apartado" | "Boks" => at + 1,
        "PO" if scene.word(at + 1).eq_ignore_ascii_case("box") => at + 2,
        "P" if scene.is_mark(at + 1, b'.')
            && scene.word(at + 2) == "O"
            && scene.word(at + 4).eq_ignore_ascii_case("box") =>
        {
            at + 5
        }
        _ => return None,
    };
    (scene.token(number)?.shape == Shape::Digits).then(|| finish(scene, at, number + 1, 0.8))
}

/// `Springfield, IL 62704`.
fn place_with_code(scene: &Scene<'_>, at: usize) -> Option<Hit> {
    let state = at + 2;
    let is_place = scene.is_mark(at + 1, b',')
        && scene.has(state, Traits::STATE)
        && scene.token(state)?.shape == Shape::Capitals
        && scene
            .token(state + 1)
            .is_some_and(|code| code.shape == Shape::Digits && code.length() == 5 && code.gap == Gap::Space);
    if !is_place {
        return None;
    }
    let next = code_at(scene, state + 1)?;
    Some(Hit { kind: PersonalDataKind::Address, score: 0.7, first: at, next })
}
