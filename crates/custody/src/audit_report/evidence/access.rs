//! Access: P23 to P28.

use super::Answer;
use crate::audit_report::facts::Facts;
use crate::audit_report::report::AuditSource;

pub(super) fn answer(number: u8, facts: &Facts) -> Answer {
    match number {
        23 => matrix(facts),
        24 => every_access(facts),
        25 => visible(facts),
        26 => exceptions(facts),
        27 => encryption(facts),
        _ => isolation(facts),
    }
}

fn matrix(facts: &Facts) -> Answer {
    let trials = &facts.trials;
    let found = |wrong: &[String], asked: u64| {
        if wrong.is_empty() { format!("{asked} questions were put") } else { wrong.join("; ") }
    };
    let accounts = facts.control.accounts.iter();
    let accounts: Vec<String> = accounts
        .map(|(roles, count)| format!("{} {count}", if roles.is_empty() { "no role" } else { roles }))
        .collect();
    Answer::default()
        .figure(
            "SHA-256 of the policies on access in force, which were asked",
            format!("{:?}", facts.access_policy),
            AuditSource::AccessPolicies {},
        )
        .check(
            "the policies on access permit nothing that is promised to nobody",
            trials.permitted.is_empty(),
            found(&trials.permitted, trials.refusals_asked),
            AuditSource::AccessPolicies {},
        )
        .check(
            "they permit what the roles are for",
            trials.refused.is_empty(),
            found(&trials.refused, trials.permissions_asked),
            AuditSource::AccessPolicies {},
        )
        .figure(
            "accounts by roles",
            if accounts.is_empty() { "none".to_owned() } else { accounts.join(", ") },
            AuditSource::Control {},
        )
}

fn every_access(facts: &Facts) -> Answer {
    let (looks, unconfirmed, _) = facts.control.looks;
    let entries = facts.log.of("record_access");
    let reads: Vec<String> =
        facts.log.reads.iter().map(|(reason, count)| format!("{reason} {count}")).collect();
    let witnessed = facts.witnesses.iter().filter_map(|witness| witness.size).max();
    let answer = Answer::default()
        .check(
            "every byte of the log leads to its signed checkpoint",
            facts.log.findings.is_empty(),
            facts.log.findings.first().map_or("it does", String::as_str),
            AuditSource::Log {},
        )
        .figure("entries in the log", facts.log.size, AuditSource::Log {})
        .figure(
            "access entries by reason",
            if reads.is_empty() { "none".to_owned() } else { reads.join(", ") },
            facts.log.source("record_access"),
        )
        .check(
            "every look in the index has its entry in the log",
            looks.saturating_sub(unconfirmed) <= entries,
            format!("{} looks, {entries} entries", looks.saturating_sub(unconfirmed)),
            facts.log.source("record_access"),
        )
        .figure(
            "looks that were begun and not confirmed: nothing was read",
            unconfirmed,
            AuditSource::Control {},
        );
    match witnessed {
        Some(size) => answer.check(
            "a witness of another owner has signed the log",
            true,
            format!("{size} of {} entries", facts.log.size),
            AuditSource::Log {},
        ),
        None => answer.but(
            "No witness has signed the log, so a rewritten history would be seen only by who kept an earlier checkpoint. \
             Keep the one in this report.",
        ),
    }
}

fn visible(facts: &Facts) -> Answer {
    let (looks, _, people) = facts.control.looks;
    Answer::default()
        .figure(
            "looks that people can see on their page, and how many people",
            format!("{looks}, {people}"),
            AuditSource::Control {},
        )
        .check(
            "the log's checkpoint is published",
            facts.log.size > 0,
            format!("{} entries", facts.log.size),
            AuditSource::Log {},
        )
        .but("Looks taken before the index of looks existed are in the log only.")
}

fn exceptions(facts: &Facts) -> Answer {
    let csae = facts.log.reads.get("csae_report").copied().unwrap_or(0);
    let legal = facts.log.reads.get("legal_obligation").copied().unwrap_or(0);
    Answer::default()
        .figure("reads for child protection and for an order in law", format!("{csae}, {legal}"), facts.log.source("record_access"))
        .figure("investigations and holds opened", format!("{}, {}", facts.log.of("case_opened"), facts.log.of("hold_placed")), facts.log.source("case_opened"))
        .but("That an exception took the least data is a judgement that figures cannot make; each entry names its records.")
}

fn encryption(facts: &Facts) -> Answer {
    let living: u64 = facts.keys.iter().map(|keys| keys.living).sum();
    let destroyed: u64 = facts.keys.iter().map(|keys| keys.destroyed).sum();
    let (opened, tried) = facts.trials.roots_opened;
    Answer::default()
        .figure("keys that live, and tombstones of destroyed ones", format!("{living}, {destroyed}"), AuditSource::Keys {})
        .check(
            "the organisation's root opens with its own key",
            opened == tried && tried > 0,
            format!("{opened} of {tried}"),
            AuditSource::Trial {},
        )
        .figure("keys destroyed, by the log", facts.log.destroyed.values().sum::<u64>(), facts.log.source("keys_destroyed"))
        .but("That no file holds anything readable is shown by the program's search for canaries, not by a report.")
}

fn isolation(facts: &Facts) -> Answer {
    let (opened, tried) = facts.trials.opened_for_others;
    let answer = Answer::default();
    if tried == 0 {
        answer.but("There is no other organisation here, so none could be tried.")
    } else {
        answer.none(
            "the organisation's root opens with no other organisation's key",
            opened,
            AuditSource::Trial {},
        )
    }
    .but("Where the machines stand is the operator's word.")
}
