//! Retention and deletion: P01 to P10.

use fiducia_policy::{Agreement, GroundKind};

use super::Answer;
use crate::audit_report::facts::Facts;
use crate::audit_report::report::AuditSource;

/// Days of the longest safety window that the table of promises knows.
const WINDOW_DAYS: i64 = 30;
/// Days that content which was flagged is kept at most: two years, one of which may be a leap year.
const VIOLATION_DAYS: i64 = 731;
/// Days of an investigation: a year.
const INVESTIGATION_DAYS: i64 = 366;
/// How long a key may outlast its end before it counts as late: a worker that runs every hour, and one that was down.
const LATE_SECONDS: i64 = 86_400;
const DAY_SECONDS: i64 = 86_400;

pub(super) fn answer(number: u8, facts: &Facts) -> Answer {
    match number {
        1 => covered_models(facts),
        2 => violations(facts),
        3 => safety_never_trains(facts),
        4 => ends(facts),
        5 => automatic(facts),
        6 => certificates(facts),
        7 => consumer_spans(facts),
        8 => holds(facts),
        9 => agreements(facts),
        _ => features(facts),
    }
}

/// Whether the latest end of living keys of a kind is within so many days from now, with what was found.
fn within(facts: &Facts, kind: &str, days: i64) -> (bool, String) {
    match facts.keys_of(kind).and_then(|keys| keys.latest_end) {
        None => (true, "there is none".to_owned()),
        Some(end) => {
            let seconds = end.as_second() - facts.now.as_second();
            // Windows are closed by whole days.
            (
                seconds <= (days + 1) * DAY_SECONDS,
                format!("the last of them ends on {}", end.strftime("%Y-%m-%d")),
            )
        }
    }
}

fn covered_models(facts: &Facts) -> Answer {
    let (workspaces, agreed) = facts.control.workspaces;
    let (holds, found) = within(facts, "safety-day", WINDOW_DAYS);
    Answer::default()
        .figure(
            "workspaces that agreed to what covered models need",
            format!("{agreed} of {workspaces}"),
            facts.log.source("covered_models_changed"),
        )
        .check(
            "no key of a safety window lasts longer than 30 days from today",
            holds,
            found,
            AuditSource::Keys {},
        )
}

fn violations(facts: &Facts) -> Answer {
    let (flags, oldest) = facts.control.flags;
    let oldest = oldest.map_or_else(String::new, |at| format!(", the oldest of {}", at.strftime("%Y-%m-%d")));
    let (holds, found) = within(facts, "violation-day", VIOLATION_DAYS);
    Answer::default()
        .figure("findings that are kept", format!("{flags}{oldest}"), facts.log.source("content_flagged"))
        .check("no key of flagged content lasts longer than two years from today", holds, found, AuditSource::Keys {})
        .but("That scores end after seven years is a date in each finding; no finding here is old enough to have shown it, \
              unless the oldest above is.")
}

fn safety_never_trains(facts: &Facts) -> Answer {
    Answer::default()
        .none(
            "no path leads from a purpose that people are asked about to a key of another kind than a person's own",
            facts.paths.to_other_kinds,
            AuditSource::Keys {},
        )
        .figure("such paths in all", facts.paths.total, AuditSource::Keys {})
        .but("Data sets do not exist in this version, so that none could be searched.")
}

fn ends(facts: &Facts) -> Answer {
    let late = facts.due().filter(|(_, since)| facts.now.as_second() - since.as_second() > LATE_SECONDS);
    let found = match (late, facts.due()) {
        (Some((count, since)), _) => format!("{count}, the first since {since:.0}"),
        (None, Some((count, _))) => format!("none; {count} are due and wait for the worker"),
        (None, None) => "none".to_owned(),
    };
    let (cases, closed, oldest) = facts.control.cases;
    let is_old = |at: fiducia_policy::Timestamp| {
        facts.now.as_second() - at.as_second() > INVESTIGATION_DAYS * DAY_SECONDS
    };
    let (living, deleted, destroyed) = facts.control.conversations;
    Answer::default()
        .figure(
            "conversations",
            format!("{living} living, {deleted} of them deleted by their people and waiting for their end; {destroyed} destroyed"),
            AuditSource::Control {},
        )
        .check("no key lives a day after its end", late.is_none(), found, AuditSource::Keys {})
        .check(
            "no open investigation is older than a year",
            !oldest.is_some_and(is_old),
            format!("{} open", cases.saturating_sub(closed)),
            facts.log.source("case_opened"),
        )
        .but("Under the built-in policy a safety window outlasts a deletion by up to a day.")
}

fn automatic(facts: &Facts) -> Answer {
    let by_worker = facts.log.destroyed.get("retention").copied().unwrap_or(0);
    let late = facts.due().is_some_and(|(_, since)| facts.now.as_second() - since.as_second() > LATE_SECONDS);
    Answer::default()
        .figure(
            "keys that were destroyed because their time was over",
            by_worker,
            facts.log.source("keys_destroyed"),
        )
        .figure(
            "windows closed by destroying their day's key",
            facts.log.of("safety_window_closed"),
            facts.log.source("safety_window_closed"),
        )
        .check(
            "nothing that is due has waited for longer than a day",
            !late,
            if late { "something has" } else { "nothing has" },
            AuditSource::Keys {},
        )
}

fn certificates(facts: &Facts) -> Answer {
    let issued = facts.control.certificates;
    let answer =
        Answer::default().figure("certificates issued", issued, facts.log.source("certificate_issued"));
    match &facts.certificate {
        None => answer.but("No certificate has been issued here yet, so none could be checked."),
        Some((reference, checked)) => answer
            .check(
                "the newest certificate verifies as its holder would verify it",
                checked.is_ok(),
                checked.as_ref().err().map_or("it does", String::as_str),
                AuditSource::Certificate { reference: reference.clone() },
            )
            .check(
                "as many are announced in the log as are stored",
                facts.log.of("certificate_issued") >= issued,
                format!("{} and {issued}", facts.log.of("certificate_issued")),
                facts.log.source("certificate_issued"),
            ),
    }
}

fn consumer_spans(facts: &Facts) -> Answer {
    let trains: u64 = facts
        .control
        .standings
        .iter()
        .filter(|(purpose, state, _)| purpose == "batch-training" && state == "given")
        .map(|(_, _, people)| people)
        .sum();
    let span = |ground: GroundKind| {
        let rules = facts.policy.1.rules().iter().filter(|rule| rule.ground == ground);
        rules.map(|rule| rule.clause.as_str()).collect::<Vec<_>>().join(" / ")
    };
    Answer::default()
        .figure("people who allow training", trains, AuditSource::Control {})
        .figure("what the policy in force says of conversations", span(GroundKind::Service), AuditSource::Policy {})
        .but("That both spans are kept is shown by the simulation of five years in the program's tests; a report sees one day.")
}

fn holds(facts: &Facts) -> Answer {
    let (holds, released) = facts.control.holds;
    let open = holds.saturating_sub(released);
    Answer::default()
        .figure("holds placed, and released", format!("{holds}, {released}"), facts.log.source("hold_placed"))
        .check(
            "every hold that is not released has its key",
            facts.living("legal-hold") >= open,
            format!("{} keys for {open} holds", facts.living("legal-hold")),
            AuditSource::Keys {},
        )
        .check(
            "every hold is announced in the log",
            facts.log.of("hold_placed") >= holds,
            format!("{} of {holds}", facts.log.of("hold_placed")),
            facts.log.source("hold_placed"),
        )
}

fn agreements(facts: &Facts) -> Answer {
    let agreement = facts.organization.terms.agreement;
    let answer = Answer::default()
        .figure("what was agreed", agreement.name(), facts.log.source("organization_terms_changed"))
        .figure("records kept", facts.records, AuditSource::Records {});
    if agreement == Agreement::ZeroRetention {
        answer
            .none(
                "no conversation has a key for anybody's own use",
                facts.living("conversation"),
                AuditSource::Keys {},
            )
            .but("Records of covered models are kept for safety where a workspace agreed to that.")
    } else {
        answer.but("Nothing was agreed that keeps content out of this installation, so that it holds some.")
    }
}

fn features(facts: &Facts) -> Answer {
    let (zero_retention, hipaa) = facts.trials.refused_features;
    Answer::default()
        .check(
            "the table of features refuses some where nothing may be kept, and some for health data",
            zero_retention > 0 && hipaa > 0,
            format!("{zero_retention} and {hipaa}"),
            AuditSource::Trial {},
        )
        .figure("requests that were not served as asked, with a notice", facts.log.of("routing_notice"), facts.log.source("routing_notice"))
        .but("That each is refused by name on the wire is shown by the program's tests, not by this installation's data.")
}
