//! Consent and rights: P11 to P22.

use super::Answer;
use crate::audit_report::facts::Facts;
use crate::audit_report::probes::CLOSED_PURPOSES;
use crate::audit_report::report::AuditSource;

pub(super) fn answer(number: u8, facts: &Facts) -> Answer {
    match number {
        11 => off_until_yes(facts),
        12 => everywhere_at_once(facts),
        13 => deadlines(facts),
        14 => consumers_only(facts),
        15 => fair_question(facts),
        16 => separate_choices(facts),
        17 => kinds(facts),
        18 => receipts(facts),
        19 => requests(facts),
        20 => announced(facts),
        21 => bases_and_signals(facts),
        _ => closed_purposes(facts),
    }
}

fn given(facts: &Facts) -> u64 {
    facts.control.standings.iter().filter(|(_, state, _)| state == "given").map(|(_, _, people)| people).sum()
}

/// A list of names with counts, in one line.
fn listed<'a>(rows: impl IntoIterator<Item = (&'a str, u64)>) -> String {
    let rows: Vec<String> = rows.into_iter().map(|(name, count)| format!("{name} {count}")).collect();
    if rows.is_empty() { "none".to_owned() } else { rows.join(", ") }
}

fn off_until_yes(facts: &Facts) -> Answer {
    Answer::default()
        .figure("yeses in force", given(facts), AuditSource::Control {})
        .none(
            "no path leads to anybody's key for a purpose that the person has not agreed to",
            facts.paths.unconsented,
            AuditSource::Keys {},
        )
        .check(
            "there are at least as many changes of consent in the log as yeses in force",
            facts.log.of("consent_changed") >= given(facts),
            facts.log.of("consent_changed"),
            facts.log.source("consent_changed"),
        )
}

fn everywhere_at_once(facts: &Facts) -> Answer {
    Answer::default()
        .none(
            "no path is left for anybody who does not consent now",
            facts.paths.unconsented,
            AuditSource::Keys {},
        )
        .but("This installation runs on one node; how fast a withdrawal reaches others cannot be shown.")
}

fn deadlines(facts: &Facts) -> Answer {
    let (campaigns, closed) = facts.control.campaigns;
    let answers = facts.control.answers.iter();
    let answers = listed(answers.map(|(outcome, people)| (outcome.as_deref().unwrap_or("open"), *people)));
    let silent = facts.control.answers.iter().filter(|(outcome, _)| outcome.as_deref() == Some("lapsed"));
    let silent: u64 = silent.map(|(_, people)| people).sum();
    let answer = Answer::default()
        .figure(
            "campaigns, and closed ones",
            format!("{campaigns}, {closed}"),
            facts.log.source("campaign_opened"),
        )
        .figure("what became of who was asked", answers, AuditSource::Control {})
        .figure("questions that ended by silence", silent, AuditSource::Control {});
    if campaigns == 0 {
        answer.but("Nobody has been asked by a campaign here yet.")
    } else {
        answer.none(
            "no path is left of anybody whose silence counts as a no",
            facts.paths.unconsented,
            AuditSource::Keys {},
        )
    }
}

fn consumers_only(facts: &Facts) -> Answer {
    let plan = facts.organization.terms.plan.name();
    let answer = Answer::default().figure("the organisation's plan", plan, AuditSource::Control {});
    if facts.is_commercial() {
        answer.none(
            "no path of consent exists in this commercial organisation",
            facts.paths.total,
            AuditSource::Keys {},
        )
    } else {
        answer.none(
            "no path leads to a key for what may never be used for a purpose that people are asked about",
            facts.paths.to_other_kinds,
            AuditSource::Keys {},
        )
    }
}

fn fair_question(facts: &Facts) -> Answer {
    let (notices, purposes) = facts.notices;
    Answer::default()
        .figure("notices published, of how many purposes", format!("{notices}, {purposes}"), facts.log.source("notice_published"))
        .but("That the two answers weigh the same is measured in a browser by the program's tests; data cannot show how a page looked.")
}

fn separate_choices(facts: &Facts) -> Answer {
    let paths = facts.paths.by_purpose.iter().map(|(purpose, count)| (purpose.as_str(), *count));
    let roots = facts.living("purpose-root");
    let used = u64::try_from(facts.paths.by_purpose.len()).unwrap_or(u64::MAX);
    Answer::default().figure("paths by purpose", listed(paths), AuditSource::Keys {}).check(
        "every purpose with a path has a root of its own",
        roots >= used,
        format!("{roots} roots for {used} purposes"),
        AuditSource::Keys {},
    )
}

fn kinds(facts: &Facts) -> Answer {
    let kinds = facts.control.choices.iter().map(|(kind, count)| (kind.as_str(), *count));
    let known: u64 = facts
        .control
        .choices
        .iter()
        .filter(|(kind, _)| kind.parse::<fiducia_policy::ConsentKind>().is_err())
        .map(|(_, n)| n)
        .sum();
    Answer::default()
        .figure("entries in the histories by kind", listed(kinds), AuditSource::Control {})
        .none("no entry is of an unknown kind", known, AuditSource::Control {})
        .but("Emergency uses, which a retroactive consent answers, do not exist in this version.")
}

fn receipts(facts: &Facts) -> Answer {
    match &facts.receipt {
        None => Answer::default().but("Nobody has chosen anything here yet, so no receipt could be checked."),
        Some(checked) => Answer::default().check(
            "the newest receipt verifies as the person would verify it",
            checked.is_ok(),
            checked.as_ref().err().map_or("it does", String::as_str),
            facts.log.source("consent_changed"),
        ),
    }
}

fn requests(facts: &Facts) -> Answer {
    let (open, overdue, closed) = facts.control.requests;
    Answer::default()
        .figure("requests open, and closed", format!("{open}, {closed}"), facts.log.source("rights_step"))
        .none("no open request is too late", overdue, AuditSource::Control {})
        .none("no request was answered too late", facts.control.answered_late, AuditSource::Control {})
}

fn announced(facts: &Facts) -> Answer {
    Answer::default()
        .figure("policies published here", facts.policies.0, facts.log.source("policy_published"))
        .figure(
            "notices announced in the log",
            facts.log.of("notice_published"),
            facts.log.source("notice_published"),
        )
        .check(
            "every policy that was published since the organisation came to be is announced in its log",
            facts.log.of("policy_published") >= facts.policies.1,
            format!("{} of {}", facts.log.of("policy_published"), facts.policies.1),
            facts.log.source("policy_published"),
        )
        .but("A new policy on retention is announced by the log only, to nobody by mail.")
}

fn bases_and_signals(facts: &Facts) -> Answer {
    let rules = facts.policy.1.rules();
    let mut bases: Vec<&str> = rules.iter().map(|rule| rule.basis.name()).collect();
    bases.sort_unstable();
    bases.dedup();
    let signals = facts.control.privacy_signals;
    Answer::default()
        .check(
            "every rule of the policy in force names its legal basis",
            !rules.is_empty(),
            format!("{} rules: {}", rules.len(), bases.join(", ")),
            AuditSource::Policy {},
        )
        .check(
            "every person whose browser sent a privacy signal has an entry in the log",
            facts.log.of("privacy_signal_received") >= signals,
            format!("{} for {signals} people", facts.log.of("privacy_signal_received")),
            facts.log.source("privacy_signal_received"),
        )
        .but("That people are shown that their signal counts is a page, which the program's tests look at.")
}

fn closed_purposes(facts: &Facts) -> Answer {
    let open = &facts.trials.open_purposes;
    Answer::default()
        .check(
            "the languages of policies and of consent know none of the closed purposes",
            open.is_empty(),
            if open.is_empty() {
                format!("{} names were tried", CLOSED_PURPOSES.len())
            } else {
                open.join(", ")
            },
            AuditSource::Trial {},
        )
        .but("Requests to identify people by their bodies are not detected by this version.")
}
