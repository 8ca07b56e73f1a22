//! The algebra of retention: many claims about one ground, one end.
//!
//! From the strongest:
//!
//! 1. A hold: the ground is open.
//! 2. A mandatory minimum: the ground lasts at least until then.
//! 3. A purpose's maximum: it ends by then.
//! 4. An erasure request: it ends by then.
//! 5. Retention wins over deletion, and the longest retention wins: it lasts at least until then.
//! 6. The person's deletion, the account's closing, a case's closing: it ends by then.
//! 7. Scheduled deletion: the most explicit level sets the date, the shortest at that level wins.
//!
//! 5 and 7 are the four principles of Microsoft Purview. The others are what those lack. Zero retention is not a
//! claim: a ground that nothing opens has no end to decide.
//!
//! Every step takes the earliest or the latest of a set, so the order in which claims are given cannot matter.

use super::schedule::End;
use super::term::Level;
use crate::edge::Timestamp;

/// What a claim wants of a ground's end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Effect {
    /// Not before: a duty that nothing but a later duty moves.
    Minimum,
    /// Not after: the purpose is then served.
    Maximum,
    /// Not after: the person asked for erasure.
    Erase,
    /// Not before, unless the person asks for erasure.
    Retain,
    /// Not after: an event ended what the record was kept for.
    Ending,
    /// At this time, unless a more explicit rule sets another.
    Delete(Level),
}

/// One claim, with its date worked out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Claim {
    /// The date it wants.
    pub at: Timestamp,
    /// Who claims, so that the result can say which claim decided. Breaks ties between equal dates.
    pub rule: u16,
    /// What it wants of the date.
    pub effect: Effect,
}

/// The end, and the claim that set it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resolution {
    /// When the ground ends.
    pub end: End,
    /// Whose date it is; `None` when the ground is open.
    pub decided_by: Option<Claim>,
}

/// Decides when an open ground ends.
pub fn resolve(claims: impl IntoIterator<Item = Claim>, held: bool) -> Resolution {
    let (mut minimum, mut maximum, mut erased) = (None, None, None);
    let (mut retained, mut ended, mut scheduled) = (None, None, None);
    for claim in claims {
        match claim.effect {
            Effect::Minimum => minimum = later(minimum, Some(claim)),
            Effect::Maximum => maximum = earlier(maximum, Some(claim)),
            Effect::Erase => erased = earlier(erased, Some(claim)),
            Effect::Retain => retained = later(retained, Some(claim)),
            Effect::Ending => ended = earlier(ended, Some(claim)),
            Effect::Delete(_) => scheduled = more_explicit(scheduled, claim),
        }
    }
    if held {
        return Resolution { end: End::Open, decided_by: None };
    }
    let deleted = earlier(scheduled, ended);
    // What nothing deletes stays, whatever its retention: `None` here is an open end, hence later than any date.
    let wanted = deleted.and_then(|deleted| later(Some(deleted), retained));
    let allowed = earlier(earlier(wanted, erased), maximum);
    let decided_by = allowed.and_then(|allowed| later(Some(allowed), minimum));
    Resolution { end: decided_by.map_or(End::Open, |claim| End::At(claim.at)), decided_by }
}

/// The earlier of two; an absent one never comes.
fn earlier(one: Option<Claim>, other: Option<Claim>) -> Option<Claim> {
    match (one, other) {
        (Some(one), Some(other)) => Some(if key(other) < key(one) { other } else { one }),
        (one, other) => one.or(other),
    }
}

/// The later of two; an absent one asks for nothing.
fn later(one: Option<Claim>, other: Option<Claim>) -> Option<Claim> {
    match (one, other) {
        (Some(one), Some(other)) => Some(if key(other) > key(one) { other } else { one }),
        (one, other) => one.or(other),
    }
}

fn more_explicit(best: Option<Claim>, claim: Claim) -> Option<Claim> {
    match best {
        Some(best) if best.effect > claim.effect => Some(best),
        Some(best) if best.effect < claim.effect => Some(claim),
        best => earlier(best, Some(claim)),
    }
}

fn key(claim: Claim) -> (Timestamp, u16) {
    (claim.at, claim.rule)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::retention::RetentionSpan;

    fn years(years: u32) -> Timestamp {
        RetentionSpan::years(years).after(Timestamp::UNIX_EPOCH)
    }

    fn claim(effect: Effect, at: u32) -> Claim {
        Claim { at: years(at), rule: 0, effect }
    }

    fn delete(level: Level, at: u32) -> Vec<Claim> {
        vec![claim(Effect::Delete(level), at)]
    }

    fn retain(at: u32) -> Vec<Claim> {
        vec![claim(Effect::Retain, at)]
    }

    fn retain_then_delete(level: Level, at: u32) -> Vec<Claim> {
        [retain(at), delete(level, at)].concat()
    }

    fn check(claims: &[Vec<Claim>], expect: u32) {
        assert_eq!(resolve(claims.concat(), false).end, End::At(years(expect)));
    }

    #[test]
    fn the_vectors_of_purview() {
        use Level::{Label, Organization, Scoped};
        check(&[delete(Scoped, 5), retain_then_delete(Scoped, 3), retain(7)], 7);
        check(&[delete(Organization, 10), retain_then_delete(Scoped, 5), retain_then_delete(Label, 3)], 5);
        check(&[delete(Scoped, 5), delete(Scoped, 10), delete(Label, 7)], 7);
        check(&[delete(Organization, 10), delete(Scoped, 5)], 5);
        check(&[delete(Scoped, 10), delete(Scoped, 7)], 7);
    }

    #[test]
    fn what_purview_lacks() {
        let kept = retain_then_delete(Level::Scoped, 5);
        let by = |effect, at| vec![claim(effect, at)];
        check(&[kept.clone(), by(Effect::Ending, 1)], 5);
        check(&[kept.clone(), by(Effect::Erase, 1)], 1);
        check(&[kept.clone(), by(Effect::Maximum, 2)], 2);
        check(&[kept.clone(), by(Effect::Erase, 1), by(Effect::Minimum, 3)], 3);
        check(&[delete(Level::Label, 5), by(Effect::Ending, 1)], 1);
        check(&[retain(3), by(Effect::Ending, 9)], 9);
        assert_eq!(resolve(retain(3), false).end, End::Open, "nothing deletes it");
        assert_eq!(resolve(kept, true), Resolution { end: End::Open, decided_by: None });
    }

    fn effects() -> impl Strategy<Value = Effect> {
        prop::sample::select(vec![
            Effect::Minimum,
            Effect::Maximum,
            Effect::Erase,
            Effect::Retain,
            Effect::Ending,
            Effect::Delete(Level::Organization),
            Effect::Delete(Level::Scoped),
            Effect::Delete(Level::Label),
        ])
    }

    prop_compose! {
        fn any_claim()(effect in effects(), second in 0_i64..1_000, rule in 0_u16..9) -> Claim {
            Claim { at: Timestamp::from_second(second).unwrap(), rule, effect }
        }
    }

    fn any_claims() -> impl Strategy<Value = Vec<Claim>> {
        prop::collection::vec(any_claim(), 0..12)
    }

    fn of(claims: &[Claim], effect: Effect) -> impl Iterator<Item = Timestamp> + '_ {
        claims.iter().filter(move |claim| claim.effect == effect).map(|claim| claim.at)
    }

    proptest! {
        #[test]
        fn the_order_of_claims_does_not_matter(claims in any_claims(), turn in 0_usize..12) {
            let expected = resolve(claims.clone(), false);
            let mut turned = claims.clone();
            turned.reverse();
            turned.rotate_left(turn.min(claims.len()));
            prop_assert_eq!(resolve(turned, false), expected);
        }

        #[test]
        fn a_claim_given_twice_counts_once(claims in any_claims()) {
            prop_assert_eq!(resolve([claims.clone(), claims.clone()].concat(), false), resolve(claims, false));
        }

        #[test]
        fn a_hold_never_shortens(claims in any_claims()) {
            prop_assert!(resolve(claims.clone(), true).end >= resolve(claims, false).end);
        }

        #[test]
        fn never_before_a_minimum(claims in any_claims(), held: bool) {
            let end = resolve(claims.clone(), held).end;
            prop_assert!(of(&claims, Effect::Minimum).all(|minimum| end >= End::At(minimum)));
        }

        #[test]
        fn never_after_a_cap_unless_held_or_a_minimum_says_so(claims in any_claims()) {
            let minimum = of(&claims, Effect::Minimum).max().map_or(End::NotKept, End::At);
            let end = resolve(claims.clone(), false).end;
            for effect in [Effect::Maximum, Effect::Erase] {
                prop_assert!(of(&claims, effect).all(|cap| end <= End::At(cap).max(minimum)));
            }
        }

        #[test]
        fn a_deletion_a_closing_and_an_erasure_never_lengthen(claims in any_claims(), second in 0_i64..1_000) {
            let before = resolve(claims.clone(), false).end;
            for effect in [Effect::Ending, Effect::Erase, Effect::Maximum] {
                let event = Claim { at: Timestamp::from_second(second).unwrap(), rule: 1, effect };
                prop_assert!(resolve([claims.clone(), vec![event]].concat(), false).end <= before);
            }
        }

        #[test]
        fn retention_and_minimums_never_shorten(claims in any_claims(), second in 0_i64..1_000) {
            let before = resolve(claims.clone(), false).end;
            for effect in [Effect::Retain, Effect::Minimum] {
                let duty = Claim { at: Timestamp::from_second(second).unwrap(), rule: 1, effect };
                prop_assert!(resolve([claims.clone(), vec![duty]].concat(), false).end >= before);
            }
        }

        #[test]
        fn the_deciding_claim_is_one_that_was_given(claims in any_claims()) {
            let resolution = resolve(claims.clone(), false);
            prop_assert_eq!(resolution.end, resolution.decided_by.map_or(End::Open, |claim| End::At(claim.at)));
            prop_assert!(resolution.decided_by.is_none_or(|claim| claims.contains(&claim)));
        }
    }
}
