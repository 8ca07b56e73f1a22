//! Access: P23 to P28.

use super::Answer;
use crate::audit_report::access_figures::{Audited, Emergencies, OwnKey, Seen, Witnessing};
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
    let reads: Vec<String> =
        facts.log.reads.iter().map(|(reason, count)| format!("{reason} {count}")).collect();
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
        );
    let answer = audited(answer, &facts.access.audited, facts.log.source("record_access"));
    witnessed(answer, facts.access.witnessing.as_ref(), (facts.log.to_be_witnessed, facts.log.size))
}

/// What the audit of the log says: each access by its entry and each entry by its access, not their numbers.
fn audited(answer: Answer, audited: &Audited, source: AuditSource) -> Answer {
    let found = |wrong: &[String], nothing: String| match wrong {
        [] => nothing,
        [first] => first.clone(),
        [first, more @ ..] => format!("{first}, and {} more", more.len()),
    };
    answer
        .check(
            "every look in the index has its entry in the log, every access entry its look, and both say the same",
            audited.wrong_accesses.is_empty(),
            found(&audited.wrong_accesses, format!("{} access entries were compared", audited.accesses)),
            source,
        )
        .check(
            "the audit of the log finds nothing else that is missing, repeated, dated back or unknown to the databases",
            audited.wrong_otherwise.is_empty(),
            found(&audited.wrong_otherwise, "nothing".to_owned()),
            AuditSource::Log {},
        )
        .figure(
            "looks that were begun and not confirmed: nothing was read",
            audited.unconfirmed,
            AuditSource::Control {},
        )
}

/// Whether those who must have signed did, in time. A log in which nothing happens needs no new signature.
fn witnessed(answer: Answer, witnessing: Option<&Witnessing>, (due, size): (u64, u64)) -> Answer {
    let Some(witnessing) = witnessing else {
        return answer.but(
            "No witness is named, so a rewritten history would be seen only by who kept an earlier checkpoint. \
             Keep the one in this report.",
        );
    };
    if due == 0 && witnessing.covered() == 0 {
        return answer.but(
            "Fewer witnesses than the quorum have signed the log yet; no entry of it is older than a day.",
        );
    }
    let at = witnessing.at.map_or_else(String::new, |at| format!(", the quorum was reached at {at:.0}"));
    let found = format!(
        "{} of {} witnesses signed {} of {size} entries, and {} must{at}; {due} entries are older than a day",
        witnessing.signed, witnessing.named, witnessing.size, witnessing.quorum
    );
    answer.check(
        "a quorum of witnesses of other owners has signed every entry that is older than a day",
        witnessing.covered() >= due,
        found,
        AuditSource::Log {},
    )
}

fn visible(facts: &Facts) -> Answer {
    let (looks, _, people) = facts.control.looks;
    let answer = Answer::default().figure(
        "looks that people can see on their page, and how many people",
        format!("{looks}, {people}"),
        AuditSource::Control {},
    );
    seen(answer, &facts.access.seen, facts.log.size)
        .check(
            "the log's checkpoint is published",
            facts.log.size > 0,
            format!("{} entries", facts.log.size),
            AuditSource::Log {},
        )
        .but("Looks taken before the index of looks existed are in the log only.")
}

/// What customers are shown: the feed, and the entries in the public format.
fn seen(answer: Answer, seen: &Seen, size: u64) -> Answer {
    let answer = answer
        .check(
            "the activity feed, in which customers see every access, has come to the end of the log",
            seen.fed >= size,
            format!("{} of {size} entries", seen.fed.min(size)),
            AuditSource::Log {},
        )
        .figure("entries in the public format of Access Transparency", seen.public, AuditSource::Log {});
    if seen.public_due == 0 {
        return answer.but("Nobody of the staff has looked yet at what is still kept, so no public entry could be looked for.");
    }
    answer.check(
        "behind the entry of each look by staff lie its entries in the public format",
        seen.public_missing == 0,
        format!("{} of {} are there", seen.public_due.saturating_sub(seen.public_missing), seen.public_due),
        AuditSource::Log {},
    )
}

fn exceptions(facts: &Facts) -> Answer {
    let csae = facts.log.reads.get("csae_report").copied().unwrap_or(0);
    let legal = facts.log.reads.get("legal_obligation").copied().unwrap_or(0);
    let answer = Answer::default()
        .figure(
            "reads for child protection and for an order in law",
            format!("{csae}, {legal}"),
            facts.log.source("record_access"),
        )
        .figure(
            "investigations and holds opened",
            format!("{}, {}", facts.log.of("case_opened"), facts.log.of("hold_placed")),
            facts.log.source("case_opened"),
        );
    emergencies(answer, &facts.access.emergencies, facts.log.source("access_session"))
        .but("That an exception took the least data is a judgement that figures cannot make; each entry names its records.")
}

fn emergencies(answer: Answer, found: &Emergencies, source: AuditSource) -> Answer {
    let answer = answer.none("no review of an emergency is overdue", found.overdue, AuditSource::Control {});
    if found.opened == 0 {
        return answer.but("No emergency was opened here yet, so none could be looked at.");
    }
    let of_all = |short: u64| format!("{} of {} had", found.opened.saturating_sub(short), found.opened);
    answer
        .figure(
            "emergencies opened, and those that their review found not justified",
            format!("{}, {}", found.opened, found.unjustified),
            source,
        )
        .check(
            "each emergency had two others' word before it opened",
            found.without_approvals == 0,
            of_all(found.without_approvals),
            AuditSource::Control {},
        )
        .check(
            "each emergency had a notice to the administrators when it opened",
            found.untold == 0,
            of_all(found.untold),
            AuditSource::Control {},
        )
}

fn encryption(facts: &Facts) -> Answer {
    let living: u64 = facts.keys.iter().map(|keys| keys.living).sum();
    let destroyed: u64 = facts.keys.iter().map(|keys| keys.destroyed).sum();
    let (opened, tried) = facts.trials.roots_opened;
    own_key(Answer::default(), &facts.access.own_key)
        .figure("keys that live, and tombstones of destroyed ones", format!("{living}, {destroyed}"), AuditSource::Keys {})
        .check(
            "the organisation's root opens with its own key, unless the organisation keeps that closed",
            opened == tried && tried > 0 || facts.access.own_key.is_closed_by_its_owner(),
            format!("{opened} of {tried}"),
            AuditSource::Trial {},
        )
        .figure("keys destroyed, by the log", facts.log.destroyed.values().sum::<u64>(), facts.log.source("keys_destroyed"))
        .but("That no file holds anything readable is shown by the program's search for canaries, not by a report.")
}

/// Whose key the organisation's own hangs from: that of a service of its choice, and then of nothing else, or the installation's.
fn own_key(answer: Answer, own: &OwnKey) -> Answer {
    let hangs =
        "the organisation's key hangs from one key alone: that of its own service, or the installation's";
    match &own.service {
        Some((service, since)) => answer
            .figure(
                "the organisation's own key at a service",
                format!("{service}, since {since:.0}; {}", if own.is_open { "open" } else { "closed" }),
                AuditSource::Keys {},
            )
            .check(
                hangs,
                !own.hangs_from_installation,
                if own.hangs_from_installation {
                    "the installation's key opens it as well"
                } else {
                    "its own service's"
                },
                AuditSource::Keys {},
            ),
        None => answer
            .figure("the organisation's own key at a service", "none: it wanted none", AuditSource::Keys {})
            .check(
                hangs,
                own.hangs_from_installation,
                if own.hangs_from_installation { "the installation's" } else { "nothing that is known" },
                AuditSource::Keys {},
            ),
    }
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

#[cfg(test)]
mod tests {
    use fiducia_policy::Timestamp;

    use super::*;
    use crate::audit_report::report::{PromiseStanding, Verdict};

    /// That the answer has as many checks that fail, and what each of them is about.
    fn check(answer: &Answer, failing: &[&str]) {
        let failed = answer.evidence.iter().filter(|evidence| evidence.verdict == Verdict::Fails);
        let failed: Vec<&str> = failed.map(|evidence| evidence.what.as_str()).collect();
        assert_eq!(failed.len(), failing.len(), "{failed:?}");
        for (what, expected) in failed.iter().zip(failing) {
            assert!(what.contains(expected), "{what}");
        }
    }

    #[test]
    fn a_signature_counts_by_what_it_covers_and_by_how_many_signed_not_by_being_there() {
        let now = Timestamp::UNIX_EPOCH;
        let signed = |signed, quorum, size| Witnessing { quorum, signed, named: 3, size, at: Some(now) };
        let judged =
            |witnessing: &Witnessing, due| witnessed(Answer::default(), Some(witnessing), (due, 100));
        check(&judged(&signed(2, 2, 90), 90), &[]);
        check(&judged(&signed(2, 2, 89), 90), &["older than a day"]);
        check(&judged(&signed(1, 2, 100), 90), &["a quorum"]);
        check(&judged(&signed(0, 1, 0), 1), &["a quorum"]);
        assert_eq!(judged(&signed(0, 1, 0), 0).standing(), PromiseStanding::NotShown, "too early to say");
        let nobody = witnessed(Answer::default(), None, (90, 100));
        assert_eq!((nobody.evidence.len(), nobody.not_shown.len()), (0, 1));
    }

    #[test]
    fn the_quorum_is_reached_when_the_last_one_it_needs_has_signed() {
        let at = |second| Some(Timestamp::from_second(second).unwrap());
        let state = |size, at| crate::WitnessState { name: "w".to_owned(), size, at };
        let states =
            [state(Some(7), at(30)), state(None, None), state(Some(7), at(10)), state(Some(7), at(20))];
        let of = |quorum| Witnessing::of(&states, quorum);
        assert_eq!((of(2).at, of(2).covered(), of(3).at, of(3).signed), (at(20), 7, at(30), 3));
        assert_eq!((of(4).at, of(4).covered()), (None, 0));
    }

    #[test]
    fn what_the_audit_finds_is_said_where_it_belongs() {
        let judged = |accesses: &[&str], others: &[&str]| {
            let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
            let found = Audited {
                wrong_accesses: owned(accesses),
                wrong_otherwise: owned(others),
                ..Audited::default()
            };
            audited(Answer::default(), &found, AuditSource::Log {})
        };
        check(&judged(&[], &[]), &[]);
        check(&judged(&["access event_1 has no entry"], &[]), &["every look in the index"]);
        check(&judged(&[], &["two histories", "and more"]), &["finds nothing else"]);
    }

    #[test]
    fn emergencies_fail_by_word_notice_or_review() {
        let judged = |found: Emergencies| emergencies(Answer::default(), &found, AuditSource::Log {});
        let sound = Emergencies { opened: 2, ..Emergencies::default() };
        check(&judged(sound), &[]);
        check(&judged(Emergencies { without_approvals: 1, ..sound }), &["two others' word"]);
        check(&judged(Emergencies { untold: 1, ..sound }), &["a notice"]);
        check(&judged(Emergencies { overdue: 1, ..sound }), &["overdue"]);
        assert_eq!(judged(Emergencies::default()).standing(), PromiseStanding::PartlyShown);
    }

    #[test]
    fn customers_see_all_of_it_or_the_check_fails() {
        let judged = |found: Seen| seen(Answer::default(), &found, 10);
        let sound = Seen { fed: 10, public: 3, public_due: 3, public_missing: 0 };
        check(&judged(sound), &[]);
        check(&judged(Seen { fed: 9, ..sound }), &["the activity feed"]);
        check(&judged(Seen { public_missing: 1, ..sound }), &["public format"]);
    }

    #[test]
    fn a_key_of_ones_own_beside_the_installations_is_not_ones_own() {
        let own = |service: Option<&str>, hangs_from_installation| OwnKey {
            service: service.map(|name| (name.to_owned(), Timestamp::UNIX_EPOCH)),
            hangs_from_installation,
            is_open: true,
        };
        let judged = |own: OwnKey| own_key(Answer::default(), &own);
        check(&judged(own(Some("vault"), false)), &[]);
        check(&judged(own(None, true)), &[]);
        check(&judged(own(Some("vault"), true)), &["one key alone"]);
        check(&judged(own(None, false)), &["one key alone"]);
    }
}
