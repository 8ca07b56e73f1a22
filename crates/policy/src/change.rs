//! What a change of policy does to records that exist.
//!
//! The rule: **a change never lengthens without a new basis.** A record is kept, on each ground, for the shorter of what
//! the policy of its capture said and what each later policy says. A later policy may keep it longer, or on a ground that
//! had not opened, only by a rule that says `existing_records = "new-basis"` and rests on a legal basis on which the
//! ground did not rest before. A policy that no longer has a plan, or a class of record in it, says nothing about them: they
//! keep their dates. So shortening reaches every record at once; lengthening reaches new ones only.

use crate::ground::{GroundKind, LegalBasis};
use crate::language::ExistingRecords;
use crate::retention::{Facts, Moments, Policy, Schedule, Situation, Standing};

/// What became of one ground when the policy changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carried {
    /// Both policies say the same.
    Same,
    /// The new policy ends it earlier, and does.
    Shortened,
    /// The new policy would keep it longer. The old end stays.
    NotLengthened,
    /// The new policy keeps it longer, because it rests on this basis now.
    Lengthened(LegalBasis),
}

/// What is decided for a record under policies that changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CarriedSchedule {
    /// The schedule.
    pub schedule: Schedule,
    carried: [Carried; GroundKind::ALL.len()],
}

impl CarriedSchedule {
    /// What became of a ground, the last time it changed.
    pub fn carried(&self, ground: GroundKind) -> Carried {
        self.carried.get(ground as usize).copied().unwrap_or(Carried::Same)
    }
}

impl Policy {
    /// What this policy makes of a record that was captured under `captured_under`, with the policies `between` in
    /// force since, in their order. Pure.
    ///
    /// The facts about the record are of today, so events that ended it under any of the policies end it.
    pub fn carried_over(
        &self,
        captured_under: &Self,
        between: &[&Self],
        situation: Situation,
        facts: &Facts,
    ) -> CarriedSchedule {
        let mut result = CarriedSchedule {
            schedule: captured_under.schedule(situation, facts),
            carried: [Carried::Same; GroundKind::ALL.len()],
        };
        let mut bases = GroundKind::ALL.map(|ground| captured_under.basis(situation, ground).map_or(0, bit));
        for policy in between.iter().copied().chain([self]) {
            let new = policy.schedule(situation, facts);
            for (ground, known) in GroundKind::ALL.into_iter().zip(&mut bases) {
                let (standing, carried) = policy.carry(
                    situation,
                    ground,
                    known,
                    result.schedule.standing(ground),
                    new.standing(ground),
                );
                result.schedule.set(ground, standing);
                if let Some(place) = result.carried.get_mut(ground as usize)
                    && carried != Carried::Same
                {
                    *place = carried;
                }
            }
        }
        // Holding or ended is a question of the facts, whichever policy set the date.
        let moments = Moments::new(facts, None, self.custom_bounds);
        for ground in GroundKind::ALL {
            let end = result.schedule.standing(ground).end();
            result.schedule.set(ground, moments.standing(end));
        }
        result
    }

    fn has_class(&self, situation: Situation) -> bool {
        self.plan(situation.plan).is_some_and(|plan| plan.classes.contains(&situation.class))
    }

    fn carry(
        &self,
        situation: Situation,
        ground: GroundKind,
        known: &mut u8,
        old: Standing,
        new: Standing,
    ) -> (Standing, Carried) {
        if new.end() == old.end() || !self.has_class(situation) {
            return (old, Carried::Same);
        }
        if new.end() < old.end() {
            return (new, Carried::Shortened);
        }
        let Some(rule) = self.decisive_rule(situation, ground) else { return (old, Carried::Same) };
        if rule.existing_records == ExistingRecords::NewBasis && *known & bit(rule.basis) == 0 {
            *known |= bit(rule.basis);
            return (new, Carried::Lengthened(rule.basis));
        }
        (old, Carried::NotLengthened)
    }
}

/// Each basis as a bit, for sets of them.
const fn bit(basis: LegalBasis) -> u8 {
    1 << basis as u8
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Agreement, Plan, RecordClass, Tier};

    const SITUATION: Situation = Situation {
        plan: Plan::Free,
        tier: Tier::Restricted,
        class: RecordClass::Chat,
        agreement: Agreement::Standard,
        covered: false,
        training: false,
    };

    fn policy(days: u32, more: &str) -> Policy {
        let text = format!(
            "language = 1\nname = \"p\"\ntitle = \"p\"\n[regions.r]\ntitle = \"r\"\n[plans.free]\naudience = \"consumer\"\ntier = \
             \"restricted\"\ntraining = \"never\"\nregion = \"r\"\n[[rules]]\nid = \"a\"\nground = \"service\"\nclause = \"c\"\ndelete = \
             [\"{days} days after last-activity\", \"1 day after erasure\", \"1 day after deletion\"]\nclasses = [\"chat\", \
             \"coding-session\", \"incognito\"]\n{more}\n[[rules]]\nid = \"b\"\nground = \"service\"\nclasses = [\"api\"]\nclause = \
             \"c\"\ndelete = [\"9 days after creation\", \"1 day after erasure\"]\n"
        );
        Policy::parse(&text).unwrap_or_else(|problems| panic!("{problems}"))
    }

    fn check(policies: &[&Policy], expect_days: i64, expect: Carried) {
        let created: crate::Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let (first, rest) = policies.split_first().unwrap();
        let (last, between) = rest.split_last().unwrap();
        let result = last.carried_over(first, between, SITUATION, &Facts::captured_at(created));
        let Standing::Holds { until: Some(end) } = result.schedule.standing(GroundKind::Service) else {
            panic!("{result:?}")
        };
        assert_eq!((end.as_second() - created.as_second()) / 86_400, expect_days);
        assert_eq!(result.carried(GroundKind::Service), expect);
    }

    #[test]
    fn a_change_never_lengthens_without_a_new_basis() {
        let (short, long) = (policy(30, ""), policy(60, ""));
        check(&[&long, &short], 30, Carried::Shortened);
        check(&[&short, &long], 30, Carried::NotLengthened);
        check(&[&long, &short, &long], 30, Carried::NotLengthened);
        check(&[&short, &short], 30, Carried::Same);
        let law = policy(60, "basis = \"legal-obligation\"\nexisting_records = \"new-basis\"");
        check(&[&short, &law], 60, Carried::Lengthened(LegalBasis::LegalObligation));
        let more_law = policy(90, "basis = \"legal-obligation\"\nexisting_records = \"new-basis\"");
        check(&[&short, &law, &more_law], 60, Carried::NotLengthened);
        check(&[&short, &policy(60, "basis = \"legal-obligation\"")], 30, Carried::NotLengthened);
        check(&[&short, &policy(60, "existing_records = \"new-basis\"")], 30, Carried::NotLengthened);
    }

    #[test]
    fn a_plan_that_is_gone_leaves_its_records_their_dates() {
        let (old, new) = (policy(30, ""), Policy::built_in("enterprise").unwrap());
        check(&[&old, &new], 30, Carried::Same);
        check(&[&old, &new, &policy(20, "")], 20, Carried::Shortened);
    }

    #[test]
    fn a_ground_that_had_not_opened_stays_shut() {
        let (old, new) = (policy(30, ""), Policy::built_in("consumer").unwrap());
        let facts = Facts::captured_at("2026-01-01T00:00:00Z".parse().unwrap());
        let result = new.carried_over(&old, &[], SITUATION, &facts);
        assert_eq!(result.schedule.standing(GroundKind::SafetyWindow), Standing::NotOpen);
        assert_eq!(result.carried(GroundKind::SafetyWindow), Carried::NotLengthened);
    }
}
