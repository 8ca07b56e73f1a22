//! Names of persons.
//!
//! A list alone would find Will, Rose and Paris everywhere. So words that are also something else count only beside a surer one, and what
//! stands around decides the rest: a title before, a verb that only people do behind, a noun behind that makes it a place.

use super::PersonalDataKind;
use super::scene::{Hit, Scene};
use super::tokens::{Gap, Shape, Token};
use super::words::Traits;

/// The most parts of one name.
const PARTS_MAX: usize = 6;

const NAME: Traits = Traits::GIVEN.and(Traits::FAMILY);

/// One part of a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact about the word, and all combinations occur"
)]
struct Part {
    given: bool,
    family: bool,
    /// It is nothing but a name.
    sure: bool,
    initial: bool,
    all_capitals: bool,
}

/// Parts that stand together.
struct Chain {
    parts: [Option<Part>; PARTS_MAX],
    count: usize,
    next: usize,
}

impl Chain {
    fn parts(&self) -> impl DoubleEndedIterator<Item = &Part> {
        self.parts.iter().flatten()
    }

    fn first(&self) -> Option<&Part> {
        self.parts().next()
    }

    fn last(&self) -> Option<&Part> {
        self.parts().next_back()
    }

    fn known(&self) -> usize {
        self.parts().filter(|part| part.given || part.family).count()
    }

    fn sure(&self) -> usize {
        self.parts().filter(|part| part.sure).count()
    }
}

/// The name that begins with the word at `at`, or behind the title that is there.
pub(super) fn any(scene: &Scene<'_>, at: usize) -> Option<Hit> {
    let token = scene.token(at)?;
    if token.shape == Shape::Uncased {
        return uncased(scene, at);
    }
    if token.traits.any(Traits::HONORIFIC)
        && let Some(hit) = after_title(scene, at)
    {
        return Some(hit);
    }
    if token.shape == Shape::Lower {
        return in_small_letters(scene, at);
    }
    if touches_a_word(scene, at) {
        return None;
    }
    let chain = chain(scene, at)?;
    let announced = announcement(scene, at);
    let score = match announced {
        Some(_) if chain.known() > 0 => 0.95,
        Some(Announcement::Plain) if !token.traits.any(Traits::EVERYDAY.and(Traits::THING)) => 0.75,
        _ => by_parts(scene, at, &chain)?,
    };
    if is_something_else(scene, at, &chain) {
        return None;
    }
    Some(Hit { kind: PersonalDataKind::Name, score, first: at, next: chain.next })
}

/// Whether the word at `at` is the rest of an address, path or identifier.
fn touches_a_word(scene: &Scene<'_>, at: usize) -> bool {
    let Some(before) = at.checked_sub(1).filter(|_| scene.touches(at)).and_then(|before| scene.token(before))
    else {
        return false;
    };
    matches!(before.shape, Shape::Mark(b'_' | b'/' | b'\\' | b'@' | b'.' | b'-' | b'#' | b'$' | b'=' | b'&'))
        || !matches!(before.shape, Shape::Mark(_))
}

fn part(token: &Token) -> Part {
    let (given, family) = (token.traits.any(Traits::GIVEN), token.traits.any(Traits::FAMILY));
    Part {
        given,
        family,
        sure: (given || family) && !token.traits.any(Traits::AMBIGUOUS.and(Traits::EVERYDAY)),
        initial: token.shape == Shape::Capitals && token.length() <= 2,
        all_capitals: token.shape == Shape::Capitals && token.length() > 2,
    }
}

/// Whether a token with capitals may be part of a name.
fn may_be_part(token: &Token) -> bool {
    let is_other = token.traits.any(Traits::EVERYDAY.and(Traits::THING));
    token.is_capital() && (!is_other || token.traits.any(NAME))
}

/// The parts that stand together from `at` on.
fn chain(scene: &Scene<'_>, at: usize) -> Option<Chain> {
    let first = scene.token(at).filter(|token| may_be_part(token))?;
    let mut chain = Chain { parts: [None; PARTS_MAX], count: 0, next: at + 1 };
    push(&mut chain, part(first), at + 1);
    let mut place = at + 1;
    while chain.count < PARTS_MAX {
        let follows_initial = chain.last().is_some_and(|part| part.initial);
        if follows_initial && scene.is_mark(place, b'.') && scene.touches(place) {
            place += 1;
        }
        let joined = scene.is_mark(place, b'-') && scene.touches(place) && scene.touches(place + 1);
        place += usize::from(joined);
        // Up to two little words, as in van der Berg and de la Cruz.
        let mut name_at = place;
        while name_at < place + 2
            && scene
                .token(name_at)
                .is_some_and(|word| word.shape == Shape::Lower && word.traits.any(Traits::PARTICLE))
        {
            name_at += 1;
        }
        let Some(token) = scene.token(name_at).filter(|token| may_be_part(token)) else { break };
        let is_apart = (place..=name_at).any(|between| {
            !joined
                && scene.token(between).is_none_or(|token| token.gap != Gap::Space)
                && !(follows_initial && scene.touches(between))
        });
        if is_apart {
            break;
        }
        push(&mut chain, part(token), name_at + 1);
        place = name_at + 1;
    }
    // The full stop of a last initial belongs to it.
    if chain.count > 1
        && chain.last().is_some_and(|part| part.initial)
        && scene.is_mark(chain.next, b'.')
        && scene.touches(chain.next)
    {
        chain.next += 1;
    }
    Some(chain)
}

fn push(chain: &mut Chain, part: Part, next: usize) {
    if let Some(place) = chain.parts.get_mut(chain.count) {
        *place = Some(part);
        chain.count += 1;
        chain.next = next;
    }
}

/// How sure the parts alone make it.
fn by_parts(scene: &Scene<'_>, at: usize, chain: &Chain) -> Option<f32> {
    let (first, last) = (chain.first()?, chain.last()?);
    let known = chain.known();
    if chain.parts().filter(|part| part.all_capitals).count() > 0 {
        let is_sure = chain.count > 1
            && chain.sure() == chain.count
            && chain.parts().all(|part| part.all_capitals || part.initial);
        return is_sure.then_some(0.8);
    }
    if chain.count == 1 {
        return alone(scene, at, *first);
    }
    let score = if first.initial {
        match (last.family && last.sure, last.family) {
            (true, _) => 0.85,
            (_, true) => 0.6,
            // Two capital letters before any word are rather an abbreviation.
            _ => return None,
        }
    } else if first.given && first.sure {
        match (last.family || last.given, last.initial) {
            (true, _) => 0.95,
            (_, true) => 0.9,
            _ => 0.85,
        }
    } else if first.given {
        match (last.family && last.sure, last.family || last.given) {
            (true, _) => 0.9,
            (_, true) => 0.55,
            _ if scene.touches(at) || begins_sentence(scene, at) => return None,
            _ => 0.4,
        }
    } else if first.family && first.sure {
        if known > 1 { 0.85 } else { 0.4 }
    } else if last.family && last.sure && !begins_sentence(scene, at) {
        0.65
    } else if is_patronymic(scene, chain.next - 1) {
        0.9
    } else {
        return None;
    };
    Some(score)
}

/// A single name.
fn alone(scene: &Scene<'_>, at: usize, part: Part) -> Option<f32> {
    let acts =
        scene.has(at + 1, Traits::DOES) || scene.is_mark(at + 1, b'\'') && matches!(scene.word(at + 2), "s");
    let follows_article =
        at.checked_sub(1).is_some_and(|before| matches!(scene.word(before), "the" | "The" | "a" | "an"));
    let comma = scene.is_mark(at + 1, b',')
        && part.family
        && part.sure
        && scene.has(at + 2, Traits::GIVEN)
        && scene
            .token(at + 2)
            .is_some_and(|given| given.is_capital() && !given.traits.any(Traits::AMBIGUOUS));
    let score = match part {
        _ if follows_article || part.initial => return None,
        _ if comma => 0.7,
        Part { given: true, sure: true, .. } => 0.6,
        Part { family: true, sure: true, .. } => 0.45,
        Part { given: true, .. } if acts && !begins_sentence(scene, at) => 0.45,
        _ => return None,
    };
    Some(if acts && part.sure { score + 0.2 } else { score })
}

fn begins_sentence(scene: &Scene<'_>, at: usize) -> bool {
    let Some(before) = at.checked_sub(1).and_then(|before| scene.token(before)) else { return true };
    scene.token(at).is_some_and(|token| token.gap == Gap::Line)
        || matches!(before.shape, Shape::Mark(b'.' | b'!' | b'?' | b':' | b'"' | b'*' | b'#' | b'-'))
}

/// Whether the words around make it the name of a place, a firm or a thing.
fn is_something_else(scene: &Scene<'_>, at: usize, chain: &Chain) -> bool {
    let behind = scene.token(chain.next).is_some_and(|token| {
        token.gap == Gap::Space && token.traits.any(Traits::THING) && (token.is_capital() || chain.count == 1)
    });
    let possessive = scene.is_mark(chain.next, b'\'')
        && scene.has(chain.next + 2, Traits::THING)
        && scene.word(chain.next + 1) == "s";
    let before = at.checked_sub(1).is_some_and(|before| {
        scene.has(before, Traits::THING)
            && scene.token(before).is_some_and(Token::is_capital)
            && scene.token(at).is_some_and(|token| token.gap == Gap::Space)
    });
    // Lincoln Park is a park, and Anna Park is not.
    let begins_place = chain.count == 1
        && at.checked_sub(1).is_some_and(|before| {
            matches!(
                scene.word(before),
                "San"
                    | "Santa"
                    | "Los"
                    | "Las"
                    | "New"
                    | "Saint"
                    | "Port"
                    | "Fort"
                    | "Mount"
                    | "Lake"
                    | "Cape"
                    | "El"
                    | "La"
                    | "São"
            )
        });
    let ends_as_thing = chain.count > 1
        && scene.has(chain.next - 1, Traits::THING)
        && !chain.first().is_some_and(|first| first.given && first.sure);
    behind || possessive || begins_place || ends_as_thing || before && chain.count == 1
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Announcement {
    /// `name:` or `my name is`: what follows is a name whatever it is.
    Plain,
    /// `patient` or `I am`: what follows is a name if it may be one.
    Likely,
}

/// Whether the words before `at` say that a name follows.
fn announcement(scene: &Scene<'_>, at: usize) -> Option<Announcement> {
    let mut place = at;
    let mut is_plain = false;
    for _ in 0..4 {
        place = place.checked_sub(1)?;
        let token = scene.token(place)?;
        if token.traits.any(Traits::NEAR_NAME) {
            return Some(if is_plain { Announcement::Plain } else { Announcement::Likely });
        }
        if token.traits.any(Traits::AM) && place + 1 == at {
            return Some(Announcement::Likely);
        }
        match token.shape {
            Shape::Mark(b':' | b'=') => is_plain = true,
            Shape::Mark(b'"' | b'\'' | b'*' | b',' | b'-' | b'|') => {}
            _ if matches!(
                scene.word(place).to_lowercase().as_str(),
                "is" | "ist" | "est" | "es" | "é" | "è" | "jest" | "er" | "är" | "on"
            ) =>
            {
                is_plain = true;
            }
            _ => return None,
        }
    }
    None
}

/// The name behind the title at `at`; the title is not part of it.
fn after_title(scene: &Scene<'_>, at: usize) -> Option<Hit> {
    let mut first = at + 1;
    while scene.is_mark(first, b'.') && scene.touches(first)
        || scene.has(first, Traits::HONORIFIC) && first < at + 4 && !scene.has(first, NAME)
    {
        first += 1;
    }
    let token = scene.token(first).filter(|token| token.gap != Gap::Line)?;
    let is_title = scene.token(at)?.is_capital();
    if token.is_capital() && token.length() > 1 && (is_title || token.traits.any(NAME)) {
        let chain = chain(scene, first)?;
        let is_unknown_shout =
            chain.known() == 0 && chain.parts().any(|part| part.all_capitals || part.initial);
        let score = if chain.known() > 0 { 0.95 } else { 0.85 };
        return (!is_unknown_shout).then_some(Hit {
            kind: PersonalDataKind::Name,
            score,
            first,
            next: chain.next,
        });
    }
    let is_small = token.shape == Shape::Lower
        && token.traits.any(NAME)
        && !token.traits.any(Traits::AMBIGUOUS.and(Traits::EVERYDAY));
    is_small.then_some(Hit { kind: PersonalDataKind::Name, score: 0.7, first, next: first + 1 })
}

/// A name without capitals: two sure parts, or one that is announced.
fn in_small_letters(scene: &Scene<'_>, at: usize) -> Option<Hit> {
    let token = scene.token(at).filter(|token| token.traits.any(NAME) && token.length() > 2)?;
    if !part(token).sure || touches_a_word(scene, at) {
        return None;
    }
    let follows = scene
        .token(at + 1)
        .filter(|next| next.gap == Gap::Space && next.shape == Shape::Lower && next.length() > 2);
    let has_family = token.traits.any(Traits::GIVEN)
        && follows.is_some_and(|next| next.traits.any(Traits::FAMILY) && part(next).sure);
    let announced = announcement(scene, at).is_some();
    let score = match (has_family, announced) {
        (true, true) => 0.9,
        (true, false) => 0.65,
        (false, true) => 0.75,
        (false, false) => return None,
    };
    Some(Hit { kind: PersonalDataKind::Name, score, first: at, next: at + 1 + usize::from(has_family) })
}

/// A name in a script without capitals: two parts together, or one that is announced or titled.
fn uncased(scene: &Scene<'_>, at: usize) -> Option<Hit> {
    let mut next = at;
    while next < at + 4
        && scene.has(next, NAME)
        && (next == at || scene.token(next).is_some_and(|token| token.gap == Gap::Space))
    {
        next += 1;
    }
    let titled = at.checked_sub(1).is_some_and(|before| scene.has(before, Traits::HONORIFIC));
    let score = match next - at {
        1 if titled || announcement(scene, at).is_some() => 0.8,
        0 | 1 => return None,
        _ => 0.85,
    };
    Some(Hit { kind: PersonalDataKind::Name, score, first: at, next })
}

/// Whether the word at `at` is a Russian or Ukrainian father's name.
fn is_patronymic(scene: &Scene<'_>, at: usize) -> bool {
    let word = scene.word(at).to_lowercase();
    ["ович", "евич", "ич", "овна", "евна", "ична", "івна", "ївна"].iter().any(|ending| word.ends_with(ending))
        && word.chars().count() > 6
}
