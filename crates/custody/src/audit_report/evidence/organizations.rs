//! Organisations: P37 to P43.

use super::{Answer, nothing_does_it};
use crate::audit_report::facts::Facts;
use crate::audit_report::report::AuditSource;

pub(super) fn answer(number: u8, facts: &Facts) -> Answer {
    match number {
        37 => nothing_does_it("labels models by risk"),
        38 => nothing_does_it("throttles an organisation that drops a control"),
        39 => nothing_does_it("holds a model back for review"),
        40 => tiers(facts),
        41 => nothing_does_it("writes a record of processing"),
        42 => nothing_does_it("reports to partners"),
        _ => nothing_does_it("limits what reviewers are exposed to"),
    }
}

fn tiers(facts: &Facts) -> Answer {
    let terms = facts.organization.terms;
    let offered = facts.policy.1.plan(terms.plan).is_some_and(|plan| plan.tiers.contains(&terms.tier));
    Answer::default()
        .check(
            "the organisation's tier is one that its plan offers",
            offered,
            format!("{} under {}", terms.tier.name(), terms.plan.name()),
            AuditSource::Policy {},
        )
        .but("A tier's effect on keys and regions is decided at capture; a report sees the tier in force.")
}
