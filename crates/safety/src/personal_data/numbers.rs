//! Numbers made of digits in groups: payment cards, what states number people by, telephone numbers, and numbers that words
//! beside them name.

use super::PersonalDataKind;
use super::checksums::luhn;
use super::ids;
use super::scene::{Hit, Scene};
use super::tokens::{Gap, Shape};
use super::words::Traits;

/// The most groups of digits of one number.
const GROUPS_MAX: usize = 8;

/// The most digits of one number.
const DIGITS_MAX: usize = 24;

/// Digits in groups, as they stand in the text from some token on.
#[derive(Debug)]
pub(super) struct Groups {
    digits: [u8; DIGITS_MAX],
    /// How many digits each group has.
    lengths: [usize; GROUPS_MAX],
    /// What stands before each group but the first.
    marks: [u8; GROUPS_MAX],
    /// The token after each group.
    nexts: [usize; GROUPS_MAX],
    count: usize,
}

/// The first groups of some digits.
#[derive(Debug, Clone, Copy)]
pub(super) struct Written<'g> {
    pub(super) digits: &'g [u8],
    pub(super) lengths: &'g [usize],
    /// What stands between the groups.
    pub(super) marks: &'g [u8],
}

impl Written<'_> {
    /// Whether the groups have these lengths and nothing but one of `marks` stands between them.
    pub(super) fn is_laid(&self, lengths: &[usize], marks: &[u8]) -> bool {
        self.lengths == lengths && self.marks.iter().all(|mark| marks.contains(mark))
    }
}

impl Groups {
    /// The groups that begin with the digits at `at`.
    pub(super) fn read(scene: &Scene<'_>, at: usize) -> Self {
        let mut groups = Self {
            digits: [0; DIGITS_MAX],
            lengths: [0; GROUPS_MAX],
            marks: [0; GROUPS_MAX],
            nexts: [0; GROUPS_MAX],
            count: 0,
        };
        let (mut place, mut mark, mut total) = (at, 0, 0);
        while scene.token(place).is_some_and(|token| token.shape == Shape::Digits) {
            let word = scene.word(place);
            let Some(room) = groups.digits.get_mut(total..total + word.len()) else { break };
            for (digit, byte) in room.iter_mut().zip(word.bytes()) {
                *digit = byte.wrapping_sub(b'0');
            }
            total += word.len();
            place += 1;
            groups.push(word.len(), mark, place);
            if groups.count == GROUPS_MAX {
                break;
            }
            match between(scene, place) {
                Some((next, found)) => (place, mark) = (next, found),
                None => break,
            }
        }
        groups
    }

    fn push(&mut self, length: usize, mark: u8, next: usize) {
        let places = (
            self.lengths.get_mut(self.count),
            self.marks.get_mut(self.count),
            self.nexts.get_mut(self.count),
        );
        if let (Some(to_length), Some(to_mark), Some(to_next)) = places {
            (*to_length, *to_mark, *to_next) = (length, mark, next);
            self.count += 1;
        }
    }

    /// The first `count` groups, and the token after them.
    pub(super) fn first(&self, count: usize) -> Option<(Written<'_>, usize)> {
        let lengths = self.lengths.get(..count)?;
        let digits = self.digits.get(..lengths.iter().sum::<usize>())?;
        let next = *self.nexts.get(count.checked_sub(1)?)?;
        Some((Written { digits, lengths, marks: self.marks.get(1..count)? }, next))
    }
}

/// What separates the digits before `at` from digits behind it: where those begin, and the mark.
fn between(scene: &Scene<'_>, at: usize) -> Option<(usize, u8)> {
    let token = scene.token(at)?;
    match (token.shape, token.gap) {
        (Shape::Digits, Gap::Space) => Some((at, b' ')),
        (Shape::Mark(mark @ (b'-' | b'.' | b'/')), Gap::None) if scene.touches(at + 1) => {
            Some((at + 1, mark))
        }
        (Shape::Mark(b'('), Gap::None | Gap::Space) if scene.touches(at + 1) => Some((at + 1, b'(')),
        (Shape::Mark(b')'), Gap::None) if scene.token(at + 1)?.gap != Gap::Line => Some((at + 1, b')')),
        _ => None,
    }
}

/// The number that begins at `at`: with digits, a plus or a bracket.
pub(super) fn any(scene: &Scene<'_>, at: usize) -> Option<Hit> {
    if !scene.begins_cleanly(at) {
        return None;
    }
    let has_plus = scene.is_mark(at, b'+');
    let after_plus = at + usize::from(has_plus);
    let has_bracket = scene.is_mark(after_plus, b'(');
    let from = after_plus + usize::from(has_bracket);
    if from > at && !scene.touches(from) || scene.token(from)?.shape != Shape::Digits {
        return None;
    }
    let groups = Groups::read(scene, from);
    (1..=groups.count).rev().find_map(|count| {
        let (written, next) = groups.first(count)?;
        if written.digits.len() < 6 || !scene.ends_cleanly(next) {
            return None;
        }
        let beside = Beside { scene, first: at, next };
        let phone = phone(written, has_plus, has_bracket, &beside);
        let (kind, score) = if has_plus {
            phone?
        } else {
            let known = card(written, &beside).or_else(|| ids::any(written, &beside));
            let surer =
                [known, phone].into_iter().flatten().max_by(|(_, one), (_, other)| one.total_cmp(other));
            surer.or_else(|| named(written, &beside))?
        };
        Some(Hit { kind, score, first: at, next })
    })
}

/// What words beside a number say about it.
pub(super) struct Beside<'s, 't> {
    scene: &'s Scene<'t>,
    first: usize,
    next: usize,
}

impl Beside<'_, '_> {
    pub(super) fn says(&self, traits: Traits) -> bool {
        self.scene.near(traits, self.first) || self.scene.near_behind(traits, self.next)
    }
}

/// A payment card: digits of a known network with a check digit.
fn card(written: Written<'_>, beside: &Beside<'_, '_>) -> Option<(PersonalDataKind, f32)> {
    let digits = written.digits;
    let is_uniform = written.marks.windows(2).all(|pair| pair.first() == pair.last())
        && written.marks.first().is_none_or(|mark| b" -.".contains(mark));
    if !(13..=19).contains(&digits.len()) || !is_uniform || !luhn(digits) {
        return None;
    }
    let start = digits.iter().take(4).fold(0_u32, |number, digit| number * 10 + u32::from(*digit));
    let network = match start {
        4000..=4999 => matches!(digits.len(), 13 | 16 | 19),
        5100..=5599 | 2221..=2720 => digits.len() == 16,
        3400..=3499 | 3700..=3799 => digits.len() == 15,
        3000..=3059 | 3600..=3699 | 3800..=3999 => matches!(digits.len(), 14 | 16),
        6011 | 6440..=6599 | 3528..=3589 => (16..=19).contains(&digits.len()),
        5000..=5099 | 5600..=5899 | 6000..=6399 | 6700..=6799 => true,
        _ => false,
    };
    let is_laid = matches!(written.lengths, [4, 4, 4, 4] | [4, 6, 4 | 5] | [4, 4, 4, 4, 3] | [_]);
    let is_one_digit = digits.iter().all(|digit| digits.first() == Some(digit));
    let says = beside.says(Traits::NEAR_CARD);
    let score = match (network, is_laid, says) {
        _ if is_one_digit => return None,
        (true, true, true) => 0.99,
        (true, true, false) => {
            if written.lengths.len() > 1 {
                0.95
            } else {
                0.85
            }
        }
        (true, false, true) | (false, true, true) => 0.8,
        _ => return None,
    };
    Some((PersonalDataKind::PaymentCard, score))
}

/// A telephone number.
fn phone(
    written: Written<'_>,
    has_plus: bool,
    has_bracket: bool,
    beside: &Beside<'_, '_>,
) -> Option<(PersonalDataKind, f32)> {
    let digits = written.digits;
    let first = digits.first().copied()?;
    if !(7..=15).contains(&digits.len()) || digits.iter().all(|digit| *digit == first) {
        return None;
    }
    let says = beside.says(Traits::NEAR_PHONE);
    let at_least_two = |place: usize| digits.get(place).is_some_and(|digit| *digit >= 2);
    let laid = |lengths: &[usize]| written.lengths == lengths;
    let by_form = if has_plus {
        if first == 0 || digits.len() < 8 { 0.0 } else { 0.92 }
    } else if laid(&[3, 3, 4]) && at_least_two(0) && at_least_two(3) && !written.marks.contains(&b'/') {
        if has_bracket { 0.9 } else { 0.76 }
    } else if laid(&[1, 3, 3, 4]) && first == 1 && at_least_two(1) && at_least_two(4) {
        0.87
    } else if laid(&[2, 2, 2, 2, 2]) && first == 0 && digits.get(1) != Some(&0) {
        0.85
    } else if has_bracket && matches!(written.lengths, [2, 4 | 5, 4] | [2..=5, 6..=8] | [2..=5, 3..=4, 3..=4])
    {
        0.8
    } else if laid(&[3, 4, 4]) && first == 1 && at_least_two(1)
        || laid(&[2, 4, 4]) && first == 0
        || laid(&[3, 4, 4]) && first == 0
    {
        0.75
    } else if first == 0 && digits.get(1) == Some(&0) && (11..=15).contains(&digits.len()) {
        0.6
    } else if first == 0
        && written.lengths.first() >= Some(&2)
        && (2..=5).contains(&written.lengths.len())
        && (9..=12).contains(&digits.len())
    {
        0.55
    } else if digits.len() == 11
        && laid(&[11])
        && first == 1
        && digits.get(1).is_some_and(|digit| *digit >= 3)
    {
        0.5
    } else {
        0.0
    };
    let score = match (by_form > 0.0, says) {
        (true, true) => 0.95,
        (true, false) => by_form,
        (false, true) => 0.8,
        (false, false) => return None,
    };
    Some((PersonalDataKind::Phone, score))
}

/// A number that is one only because a word beside it says so.
fn named(written: Written<'_>, beside: &Beside<'_, '_>) -> Option<(PersonalDataKind, f32)> {
    let count = written.digits.len();
    let is_one = written.lengths.len() <= 3;
    if is_one && (7..=10).contains(&count) && beside.says(Traits::NEAR_PASSPORT) {
        return Some((PersonalDataKind::Passport, 0.85));
    }
    if is_one && (7..=13).contains(&count) && beside.says(Traits::NEAR_LICENCE) {
        return Some((PersonalDataKind::DriverLicence, 0.7));
    }
    None
}
