//! What is done about findings: a pure function of what was found, who asked for what, and the policy.

use super::action::SafetyAction;
use super::terms::{SafeguardRule, SafetyStep, SafetyTerms, TrustedAccess, TrustedParty};
use super::{Provenance, SafetyCategory, Score};
use crate::edge::Timestamp;
use crate::retention::Plan;

/// Something that was found, as far as a decision needs it: no content and no places.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct SafetyFinding {
    /// What.
    pub category: SafetyCategory,
    /// In whose words.
    pub provenance: Provenance,
    /// How sure the detector is.
    pub score: Score,
}

/// Under which circumstances something was found.
#[derive(Debug, Clone, Copy)]
pub struct SafetyCircumstances<'a> {
    /// The plan of whoever asked.
    pub plan: Plan,
    /// The model that was asked for.
    pub model: &'a str,
    /// Who asked: the person, the workspace and the key, as far as they are known.
    pub parties: &'a [TrustedParty],
    /// A number that stays the same within a conversation and that nobody outside can choose, such as the beginning of a
    /// keyed hash of its id.
    pub conversation: u64,
    /// When.
    pub now: Timestamp,
}

/// What is done, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SafetyDecision {
    /// The sternest of all actions.
    pub action: SafetyAction,
    /// The category that it is done for: of several the one with the highest score.
    pub category: Option<SafetyCategory>,
    /// The model that answers, where the action is to reroute; of several the first in the policy.
    pub reroute_to: Option<String>,
    /// Everything that is to be done, each thing once, the sternest first. What a refusal makes pointless is left out.
    pub obligations: Vec<SafetyObligation>,
    /// Every rule that matched, whether it acts or not, in the order of the policy.
    pub reasons: Vec<SafetyReason>,
}

/// One thing to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SafetyObligation {
    /// What.
    pub action: SafetyAction,
    /// For which category.
    pub category: SafetyCategory,
    /// How many such requests pass in an hour, for [`SafetyAction::Throttle`].
    pub per_hour: Option<u32>,
}

/// Why something is done, or is not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SafetyReason {
    /// The rule's id.
    pub rule: String,
    /// What was found.
    pub finding: SafetyFinding,
    /// What the rule asks for.
    pub action: SafetyAction,
    /// What came of it.
    pub outcome: SafetyOutcome,
}

/// What came of a rule that matched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SafetyOutcome {
    /// It is done.
    Acts,
    /// The rule only says what it would do.
    Shadow,
    /// The conversation is not among those in which the rule acts yet.
    OutsideRollout,
    /// Whoever asked is trusted with the category, by this list: this is done instead.
    Trusted {
        /// The list's name.
        list: String,
        /// What is done.
        instead: SafetyAction,
    },
}

/// A rule that matched a finding.
struct Match<'a> {
    step: &'a SafetyStep,
    /// What is done after all.
    done: SafetyAction,
    reason: SafetyReason,
}

impl SafetyTerms {
    /// Decides. Findings in any order give the same decision. A higher score, or one more finding, never makes it milder.
    pub fn decide(
        &self,
        findings: &[SafetyFinding],
        circumstances: &SafetyCircumstances<'_>,
    ) -> SafetyDecision {
        let mut findings = findings.to_vec();
        findings.sort_unstable_by(|one, other| other.cmp(one));
        findings.dedup();
        let mut matches: Vec<Match<'_>> = Vec::new();
        for rule in
            self.rules.iter().filter(|rule| rule.scope.contains(circumstances.plan, circumstances.model))
        {
            matches.extend(findings.iter().filter_map(|finding| self.matched(rule, *finding, circumstances)));
        }
        let action = matches.iter().map(|one| one.done).max().unwrap_or(SafetyAction::Allow);
        let deciding = || matches.iter().filter(|one| one.done == action && action != SafetyAction::Allow);
        // The first of equals, so that a decision does not depend on how an iterator breaks ties.
        let mut strongest: Option<SafetyFinding> = None;
        for one in deciding() {
            if strongest.is_none_or(|strongest| one.reason.finding.score > strongest.score) {
                strongest = Some(one.reason.finding);
            }
        }
        SafetyDecision {
            action,
            category: strongest.map(|finding| finding.category),
            reroute_to: deciding()
                .find_map(|one| one.step.to.clone())
                .filter(|_| action == SafetyAction::Reroute),
            obligations: obligations(&matches, action),
            reasons: matches.into_iter().map(|one| one.reason).collect(),
        }
    }

    fn matched<'a>(
        &self,
        rule: &'a SafeguardRule,
        finding: SafetyFinding,
        circumstances: &SafetyCircumstances<'_>,
    ) -> Option<Match<'a>> {
        if rule.category != finding.category || !rule.provenance.contains(&finding.provenance) {
            return None;
        }
        let step = rule.step(finding.score, circumstances.model)?;
        // Of several lists the one that permits most, so that their order says nothing.
        let holds = |list: &&TrustedAccess| {
            list.holds_for(circumstances.parties, finding.category, circumstances.now)
        };
        let trusted = self.trusted.iter().filter(holds).min_by_key(|list| (list.at_most, &list.name));
        let (outcome, done) = if rule.shadow {
            (SafetyOutcome::Shadow, SafetyAction::Allow)
        } else if !rule.acts_in(circumstances.conversation) {
            (SafetyOutcome::OutsideRollout, SafetyAction::Allow)
        } else if let Some(list) = trusted {
            let instead = step.action.min(list.at_most);
            (SafetyOutcome::Trusted { list: list.name.clone(), instead }, instead)
        } else {
            (SafetyOutcome::Acts, step.action)
        };
        let reason = SafetyReason { rule: rule.id.clone(), finding, action: step.action, outcome };
        Some(Match { step, done, reason })
    }
}

impl SafeguardRule {
    /// The step for a score. Rerouting a request to the model that it is for already would do nothing, so the step before
    /// counts; it is no sterner, and none after it is milder, so that a higher score still never gives less.
    fn step(&self, score: Score, model: &str) -> Option<&SafetyStep> {
        self.steps.iter().rev().find(|step| step.at <= score && step.to.as_deref() != Some(model))
    }

    /// Whether the rule acts in a conversation. Who is among the first tenth is also among the first fifth.
    pub fn acts_in(&self, conversation: u64) -> bool {
        // Each rule draws its own conversations, or the same ones would try everything that is new.
        let mixed = self.id.bytes().fold(conversation ^ 0x9E37_79B9_7F4A_7C15, |mixed, byte| {
            let mixed = (mixed ^ u64::from(byte)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            mixed ^ (mixed >> 29)
        });
        mixed % 100 < u64::from(self.rollout)
    }
}

fn obligations(matches: &[Match<'_>], sternest: SafetyAction) -> Vec<SafetyObligation> {
    let mut obligations: Vec<SafetyObligation> = Vec::new();
    let mut add = |action, category, per_hour: Option<u32>| {
        let same = |one: &&mut SafetyObligation| (one.action, one.category) == (action, category);
        match obligations.iter_mut().find(same) {
            // Of two rates the lower one.
            Some(one) => one.per_hour = one.per_hour.into_iter().chain(per_hour).min(),
            None => obligations.push(SafetyObligation { action, category, per_hour }),
        }
    };
    for one in matches {
        let category = one.reason.finding.category;
        if one.done != SafetyAction::Allow {
            add(one.done, category, one.step.per_hour.filter(|_| one.done == SafetyAction::Throttle));
        }
        if one.step.flag && one.reason.outcome == SafetyOutcome::Acts {
            add(SafetyAction::Flag, category, None);
        }
    }
    // What is refused goes nowhere, so that nothing in it need be masked, sent elsewhere or slowed down.
    obligations.retain(|one| {
        sternest != SafetyAction::Refuse
            || matches!(one.action, SafetyAction::Refuse | SafetyAction::HoldForReview | SafetyAction::Flag)
    });
    obligations.sort_by_key(|one| (std::cmp::Reverse(one.action), one.category));
    obligations
}

impl SafetyDecision {
    /// The decision in words, for those who review it: what is done, and each rule that matched.
    pub fn text(&self) -> String {
        let mut lines = vec![match (&self.category, &self.reroute_to) {
            (None, _) => "Nothing is done.".to_owned(),
            (Some(category), Some(model)) => {
                format!("{}, because of {category}: {model} answers.", self.action)
            }
            (Some(category), None) => format!("{}, because of {category}.", self.action),
        }];
        for reason in &self.reasons {
            let SafetyFinding { category, provenance, score } = reason.finding;
            let outcome = match &reason.outcome {
                SafetyOutcome::Acts => "is done".to_owned(),
                SafetyOutcome::Shadow => "is only noted: the rule is in shadow mode".to_owned(),
                SafetyOutcome::OutsideRollout => {
                    "is only noted: the rule does not act in this conversation yet".to_owned()
                }
                SafetyOutcome::Trusted { list, instead } => {
                    format!("becomes {instead}, by the trusted access `{list}`")
                }
            };
            lines.push(format!(
                "  [{}] {category} at {} in {provenance}: {} {outcome}",
                reason.rule,
                score.value(),
                reason.action
            ));
        }
        lines.join("\n") + "\n"
    }
}
