//! What holds for every decision.

use proptest::prelude::*;

use super::*;
use crate::edge::Timestamp;
use crate::id::{SubjectId, WorkspaceId};
use crate::retention::Plan;

fn score() -> impl Strategy<Value = Score> {
    (0..=20_u8).prop_map(|part| Score::try_from(f32::from(part) / 20.0).unwrap())
}

fn category() -> impl Strategy<Value = SafetyCategory> {
    // Few, so that findings and rules meet.
    proptest::sample::select(&SafetyCategory::ALL[..3])
}

fn provenance() -> impl Strategy<Value = Provenance> {
    proptest::sample::select(&Provenance::ALL[..3])
}

fn finding() -> impl Strategy<Value = SafetyFinding> {
    (category(), provenance(), score()).prop_map(|(category, provenance, score)| SafetyFinding {
        category,
        provenance,
        score,
    })
}

fn steps() -> impl Strategy<Value = Vec<SafetyStep>> {
    let step = (score(), proptest::sample::select(&SafetyAction::ALL), 0..3_u8, any::<bool>(), 1..50_u32);
    proptest::collection::vec(step, 1..4).prop_map(|written| {
        // As the checks demand: scores rise, and actions do not fall.
        let mut scores: Vec<Score> = written.iter().map(|step| step.0).collect();
        let mut actions: Vec<SafetyAction> = written.iter().map(|step| step.1).collect();
        scores.sort_unstable();
        scores.dedup();
        actions.sort_unstable();
        let rest = written.iter().map(|step| (step.2, step.3, step.4));
        scores
            .into_iter()
            .zip(actions)
            .zip(rest)
            .map(|((at, action), (to, flag, rate))| SafetyStep {
                at,
                action,
                to: (action == SafetyAction::Reroute).then(|| format!("model-{to}")),
                per_hour: (action == SafetyAction::Throttle).then_some(rate),
                flag: flag && action > SafetyAction::Flag,
            })
            .collect()
    })
}

fn rule() -> impl Strategy<Value = SafeguardRule> {
    let models =
        proptest::sample::select(vec![vec![], vec!["model-*".to_owned()], vec!["model-1".to_owned()]]);
    let whose = proptest::sample::subsequence(&Provenance::ALL[..3], 1..=3);
    (category(), models, whose, steps(), any::<bool>(), 1..=100_u8).prop_map(
        |(category, models, provenance, steps, shadow, rollout)| SafeguardRule {
            id: String::new(),
            category,
            scope: SafetyScope { plans: vec![Plan::Free], models },
            provenance,
            steps,
            shadow,
            rollout,
            clause: String::new(),
        },
    )
}

fn subject(number: u8) -> TrustedParty {
    TrustedParty::Subject(SubjectId::from_bytes([number; 16]))
}

fn trusted() -> impl Strategy<Value = TrustedAccess> {
    let at_most = proptest::sample::select(vec![SafetyAction::Allow, SafetyAction::Flag]);
    (0..3_u8, proptest::collection::vec(category(), 1..3), 0..20_i64, at_most).prop_map(
        |(who, categories, until, at_most)| TrustedAccess {
            name: format!("list-{who}"),
            who: vec![subject(who)],
            categories,
            until: Timestamp::from_second(until).unwrap(),
            at_most,
            reason: String::new(),
        },
    )
}

fn terms() -> impl Strategy<Value = SafetyTerms> {
    (proptest::collection::vec(rule(), 0..6), proptest::collection::vec(trusted(), 0..3)).prop_map(
        |(mut rules, trusted)| {
            for (number, rule) in rules.iter_mut().enumerate() {
                rule.id = format!("rule-{number}");
            }
            SafetyTerms { rules, trusted, ..SafetyTerms::default() }
        },
    )
}

/// A request: which model, whose, in which conversation, when.
type Request = (u8, u8, u64, i64);

fn request() -> impl Strategy<Value = Request> {
    (0..3_u8, 0..3_u8, any::<u64>(), 0..20_i64)
}

fn decide(terms: &SafetyTerms, findings: &[SafetyFinding], request: Request) -> SafetyDecision {
    let (model, who, conversation, now) = request;
    let model = format!("model-{model}");
    let parties = [subject(who), TrustedParty::Workspace(WorkspaceId::from_bytes([9; 16]))];
    terms.decide(
        findings,
        &SafetyCircumstances {
            plan: Plan::Free,
            model: &model,
            parties: &parties,
            conversation,
            now: Timestamp::from_second(now).unwrap(),
        },
    )
}

/// What is done for a reason.
fn done(reason: &SafetyReason) -> SafetyAction {
    match &reason.outcome {
        SafetyOutcome::Acts => reason.action,
        SafetyOutcome::Shadow | SafetyOutcome::OutsideRollout => SafetyAction::Allow,
        SafetyOutcome::Trusted { instead, .. } => *instead,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn more_is_never_milder(
        terms in terms(),
        findings in proptest::collection::vec(finding(), 1..5),
        which in any::<proptest::sample::Index>(),
        higher in score(),
        more in finding(),
        request in request(),
    ) {
        let before = decide(&terms, &findings, request);
        let mut raised = findings.clone();
        let at = which.index(raised.len());
        raised[at].score = raised[at].score.or_more(higher);
        prop_assert!(decide(&terms, &raised, request).action >= before.action);
        let mut added = findings.clone();
        added.push(more);
        prop_assert!(decide(&terms, &added, request).action >= before.action);
    }

    #[test]
    fn shadow_never_acts(terms in terms(), findings in proptest::collection::vec(finding(), 0..5), request in request()) {
        let mut shadow = terms.clone();
        for rule in &mut shadow.rules {
            rule.shadow = true;
        }
        let decision = decide(&shadow, &findings, request);
        prop_assert_eq!((decision.action, decision.category), (SafetyAction::Allow, None));
        prop_assert!(decision.obligations.is_empty() && decision.reroute_to.is_none());
        // It notes the same matches that would act otherwise.
        let real = decide(&terms, &findings, request);
        let noted = |decision: &SafetyDecision| {
            decision.reasons.iter().map(|reason| (reason.rule.clone(), reason.finding, reason.action)).collect::<Vec<_>>()
        };
        prop_assert_eq!(noted(&decision), noted(&real));
    }

    #[test]
    fn the_sternest_counts_and_every_match_is_a_reason(
        terms in terms(),
        findings in proptest::collection::vec(finding(), 0..5),
        request in request(),
    ) {
        let decision = decide(&terms, &findings, request);
        let sternest = decision.reasons.iter().map(done).max().unwrap_or(SafetyAction::Allow);
        prop_assert_eq!(decision.action, sternest);
        prop_assert_eq!(decision.reroute_to.is_some(), sternest == SafetyAction::Reroute);
        prop_assert_eq!(decision.category.is_some(), sternest != SafetyAction::Allow);
        let model = format!("model-{}", request.0);
        prop_assert!(decision.reroute_to.as_ref() != Some(&model));
        for rule in terms.rules.iter().filter(|rule| rule.scope.contains(Plan::Free, &model)) {
            for finding in &findings {
                let is_meant = rule.category == finding.category && rule.provenance.contains(&finding.provenance);
                let reached = rule.steps.iter().any(|step| step.at <= finding.score && step.to.as_ref() != Some(&model));
                let named = decision.reasons.iter().any(|reason| reason.rule == rule.id && reason.finding == *finding);
                prop_assert_eq!(named, is_meant && reached);
            }
        }
        for obligation in &decision.obligations {
            prop_assert!(obligation.action <= sternest && obligation.action != SafetyAction::Allow);
            prop_assert_eq!(obligation.per_hour.is_some(), obligation.action == SafetyAction::Throttle);
        }
        prop_assert_eq!(decision.obligations.first().map(|first| first.action), Some(sternest).filter(|_| sternest != SafetyAction::Allow));
    }

    #[test]
    fn order_does_not_matter(
        terms in terms(),
        findings in proptest::collection::vec(finding(), 0..6),
        shuffled in any::<proptest::sample::Index>(),
        request in request(),
    ) {
        let mut turned = findings.clone();
        if !turned.is_empty() {
            turned.rotate_left(shuffled.index(findings.len()));
            turned.push(findings[0]);
        }
        prop_assert_eq!(decide(&terms, &turned, request), decide(&terms, &findings, request));
    }

    #[test]
    fn trust_that_has_ended_does_nothing(
        terms in terms(),
        findings in proptest::collection::vec(finding(), 0..5),
        (model, who, conversation, _) in request(),
    ) {
        let after = (model, who, conversation, 20);
        let mut nobody = terms.clone();
        nobody.trusted.clear();
        prop_assert_eq!(decide(&terms, &findings, after), decide(&nobody, &findings, after));
        // While it holds, trust is never sterner.
        let before = (model, who, conversation, 0);
        prop_assert!(decide(&terms, &findings, before).action <= decide(&nobody, &findings, before).action);
    }

    #[test]
    fn a_rollout_only_grows(rule in rule(), conversation in any::<u64>(), less in 1..=100_u8, more in 1..=100_u8) {
        let acts = |rollout: u8| SafeguardRule { rollout, ..rule.clone() }.acts_in(conversation);
        prop_assert!(acts(100));
        prop_assert!(!acts(less.min(more)) || acts(less.max(more)));
    }
}

#[test]
fn a_rollout_acts_in_about_as_many_conversations_as_it_says() {
    for (id, rollout) in [("one", 10_u8), ("two", 10), ("three", 50)] {
        let rule = SafeguardRule {
            id: id.to_owned(),
            category: SafetyCategory::Hate,
            scope: SafetyScope { plans: Vec::new(), models: Vec::new() },
            provenance: Vec::new(),
            steps: Vec::new(),
            shadow: false,
            rollout,
            clause: String::new(),
        };
        let hits =
            (0..10_000_u64).filter(|number| rule.acts_in(number.wrapping_mul(0x9E37_79B9_7F4A_7C15))).count();
        let wanted = usize::from(rollout) * 100;
        assert!(hits.abs_diff(wanted) < 200, "{id}: {hits}");
    }
}

#[test]
fn a_decision_reads_in_words() {
    let finding = |category, score| SafetyFinding {
        category,
        provenance: Provenance::Person,
        score: Score::try_from(score).unwrap(),
    };
    let step = |at, action, to: Option<&str>| SafetyStep {
        at: Score::try_from(at).unwrap(),
        action,
        to: to.map(str::to_owned),
        per_hour: None,
        flag: false,
    };
    let rule = |id: &str, category, step| SafeguardRule {
        id: id.to_owned(),
        category,
        scope: SafetyScope { plans: vec![Plan::Free], models: Vec::new() },
        provenance: Provenance::ALL.to_vec(),
        steps: vec![step],
        shadow: id == "later",
        rollout: 100,
        clause: String::new(),
    };
    let terms = SafetyTerms {
        rules: vec![
            rule("cyber", SafetyCategory::CyberMisuse, step(0.5, SafetyAction::Reroute, Some("small"))),
            rule("people", SafetyCategory::PersonalData, step(0.5, SafetyAction::Mask, None)),
            rule("later", SafetyCategory::PersonalData, step(0.5, SafetyAction::Refuse, None)),
        ],
        ..SafetyTerms::default()
    };
    let found = [finding(SafetyCategory::CyberMisuse, 0.75), finding(SafetyCategory::PersonalData, 1.0)];
    let decision = decide(&terms, &found, (1, 1, 1, 1));
    assert_eq!(
        decision.text(),
        "reroute, because of cyber-misuse: small answers.\n  \
         [cyber] cyber-misuse at 0.75 in person: reroute is done\n  \
         [people] personal-data at 1 in person: mask is done\n  \
         [later] personal-data at 1 in person: refuse is only noted: the rule is in shadow mode\n"
    );
    let todo: Vec<_> = decision.obligations.iter().map(|one| (one.action, one.category)).collect();
    assert_eq!(
        todo,
        [
            (SafetyAction::Reroute, SafetyCategory::CyberMisuse),
            (SafetyAction::Mask, SafetyCategory::PersonalData),
        ]
    );
}
