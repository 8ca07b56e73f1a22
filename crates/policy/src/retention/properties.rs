//! What holds for every policy that comes with the program, in every situation, whatever happened.

use std::sync::LazyLock;

use proptest::prelude::*;

use super::{Agreement, End, Facts, Policy, RetentionSpan, Situation, Standing};
use crate::{BUILT_IN_NAMES, GroundKind, Timestamp};

fn policies() -> &'static [Policy] {
    static POLICIES: LazyLock<Vec<Policy>> =
        LazyLock::new(|| BUILT_IN_NAMES.into_iter().map(|name| Policy::built_in(name).unwrap()).collect());
    &POLICIES
}

fn instants() -> impl Strategy<Value = Timestamp> {
    // 2020 to 2040, to the second.
    (1_577_836_800_i64..2_208_988_800).prop_map(|second| Timestamp::from_second(second).unwrap())
}

prop_compose! {
    fn any_facts()(
        created_at in instants(),
        events in prop::collection::vec(prop::option::of(instants()), 9),
        held: bool,
        days in prop::option::of(1_u32..4_000),
    ) -> Facts {
        Facts {
            created_at,
            last_active_at: events[0],
            deleted_at: events[1],
            closed_at: events[2],
            flagged_at: events[3],
            feedback_at: events[4],
            case_opened_at: events[5],
            case_closed_at: events[6],
            erasure_requested_at: events[7],
            released_at: events[8],
            release_ends_at: None,
            held,
            custom: days.map(RetentionSpan::days),
        }
    }
}

fn any_situation() -> impl Strategy<Value = Situation> {
    let all: Vec<Situation> = Situation::all().collect();
    prop::sample::select(all)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn deletion_closing_and_erasure_never_lengthen(situation in any_situation(), facts in any_facts(), at in instants()) {
        for policy in policies() {
            let before = policy.schedule(situation, &Facts { deleted_at: None, closed_at: None, erasure_requested_at: None, ..facts });
            for after in [
                Facts { deleted_at: Some(at), closed_at: None, erasure_requested_at: None, ..facts },
                Facts { deleted_at: None, closed_at: Some(at), erasure_requested_at: None, ..facts },
                Facts { deleted_at: None, closed_at: None, erasure_requested_at: Some(at), ..facts },
            ] {
                let after = policy.schedule(situation, &after);
                for ground in GroundKind::ALL {
                    prop_assert!(after.standing(ground).end() <= before.standing(ground).end(), "{} {situation} {ground}", policy.name());
                }
            }
        }
    }

    #[test]
    fn taking_consent_back_never_lengthens(situation in any_situation(), facts in any_facts()) {
        for policy in policies() {
            let end = |training| policy.schedule(Situation { training, ..situation }, &facts).ends_at();
            prop_assert!(end(false) <= end(true), "{} {situation}", policy.name());
        }
    }

    #[test]
    fn a_hold_never_shortens_and_moves_no_other_ground(situation in any_situation(), facts in any_facts()) {
        for policy in policies() {
            let free = policy.schedule(situation, &Facts { held: false, ..facts });
            let held = policy.schedule(situation, &Facts { held: true, ..facts });
            prop_assert!(held.ends_at() >= free.ends_at());
            for ground in GroundKind::ALL.into_iter().filter(|ground| *ground != GroundKind::LegalHold) {
                prop_assert_eq!(held.standing(ground), free.standing(ground));
            }
        }
    }

    #[test]
    fn zero_retention_opens_no_ground_that_is_not_named(situation in any_situation(), facts in any_facts()) {
        let situation = Situation { agreement: Agreement::ZeroRetention, ..situation };
        for policy in policies() {
            for (ground, standing) in policy.schedule(situation, &facts).iter() {
                let named = policy.rules().iter().any(|rule| rule.ground == ground && rule.scope.contains(situation));
                prop_assert!(named || standing == Standing::NotOpen, "{} {situation} {ground}", policy.name());
                if situation.class.is_conversation() && ground == GroundKind::Service {
                    prop_assert_eq!(standing, Standing::NotOpen);
                }
            }
        }
    }

    #[test]
    fn grounds_with_a_key_for_each_day_end_at_midnight_and_share_it(situation in any_situation(), facts in any_facts(), second in 0_i64..86_400) {
        let day = super::span::start_of_day(facts.created_at);
        let sibling = Facts { created_at: Timestamp::from_second(day.as_second() + second).unwrap(), ..facts };
        for policy in policies() {
            for ground in GroundKind::ALL.into_iter().filter(|ground| ground.has_key_per_day()) {
                let end = policy.schedule(situation, &facts).standing(ground).end();
                if let End::At(at) = end {
                    prop_assert_eq!(at.as_second().rem_euclid(86_400), 0);
                }
                if ground == GroundKind::SafetyWindow {
                    prop_assert_eq!(policy.schedule(situation, &sibling).standing(ground).end(), end);
                }
            }
        }
    }

    #[test]
    fn nothing_ends_before_it_began_unless_at_the_start_of_that_day(situation in any_situation(), facts in any_facts()) {
        for policy in policies() {
            for (_, standing) in policy.schedule(situation, &facts).iter() {
                prop_assert!(standing.end() == End::NotKept || standing.end() >= End::At(facts.created_at));
            }
        }
    }

    #[test]
    fn a_fixed_service_end_is_a_midnight_that_no_activity_moves(situation in any_situation(), facts in any_facts(), later in instants()) {
        for policy in policies().iter().filter(|policy| policy.service_end_is_fixed(situation)) {
            let end = |facts: &Facts| policy.schedule(situation, facts).standing(GroundKind::Service).end();
            let still = Facts { last_active_at: Some(later), ..facts };
            prop_assert_eq!(end(&still), end(&facts));
            let captured = Facts::captured_at(facts.created_at);
            prop_assert!(end(&facts) <= end(&captured));
            if let End::At(at) = end(&captured) {
                prop_assert_eq!(at.as_second().rem_euclid(86_400), 0);
            }
        }
    }

    #[test]
    fn a_covered_model_is_kept_thirty_days_and_flagged_content_two_years_at_most(situation in any_situation(), facts in any_facts()) {
        for policy in policies().iter().filter(|policy| policy.is_reachable(situation)) {
            let schedule = policy.schedule(situation, &facts);
            if situation.covered {
                let least = RetentionSpan::days(30).after(facts.created_at);
                let most = RetentionSpan::days(31).after(facts.created_at);
                let end = schedule.standing(GroundKind::SafetyWindow).end();
                prop_assert!(End::At(least) <= end && end <= End::At(most), "{} {situation}", policy.name());
            }
            if let (Some(flagged), End::At(at)) = (facts.flagged_at, schedule.standing(GroundKind::Violation).end()) {
                prop_assert!(at <= RetentionSpan::years(2).after(flagged.max(facts.created_at)));
            }
        }
    }
}
