//! Audit reports: what they show, that a report says so when something does not hold, and what it takes to make one fail.

use fiducia_custody::{
    AccessSettings, AdminCommand, AdminError, AdminReply, AuditCommand, AuditReply, AuditReport, AuditSource,
    DestructionScope, PromiseStanding, Verdict, VerifiedAuditReport, verify_audit_file,
};
use fiducia_policy::{AccessPolicy, Agreement, ConsentAct, PROMISES, Plan};
use proptest::prelude::*;

use crate::consent_world::choice;
use crate::world::{World, anthropic};

fn ask(world: &World, command: AuditCommand) -> Result<AuditReply, AdminError> {
    match world.custody().administer(AdminCommand::Audit(command))? {
        AdminReply::Audited(reply) => Ok(reply),
        _ => panic!("reply"),
    }
}

fn made(world: &World) -> String {
    let command = AuditCommand::Report { organization: world.organization() };
    match ask(world, command).unwrap() {
        AuditReply::Issued { reference, .. } => reference,
        other => panic!("{other:?}"),
    }
}

fn file(world: &World, reference: &str) -> String {
    match ask(world, AuditCommand::Show { reference: reference.to_owned() }).unwrap() {
        AuditReply::File { text, .. } => text,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn verified(world: &World) -> VerifiedAuditReport {
    let reference = made(world);
    verify_audit_file(file(world, &reference).as_bytes(), &[world.verifier_key()]).unwrap()
}

pub(crate) fn standing(report: &AuditReport, promise: &str) -> PromiseStanding {
    report.promises.iter().find(|shown| shown.promise.to_string() == promise).unwrap().standing
}

fn contradicted(report: &AuditReport) -> Vec<String> {
    let bad = report.promises.iter().filter(|shown| shown.standing == PromiseStanding::Contradicted);
    bad.map(|shown| shown.promise.to_string()).collect()
}

/// A world in which something of most kinds has happened.
fn lived_in() -> World {
    let world = World::of_consumers();
    world.exchange(&anthropic(&["canary question"]), "canary answer");
    world.exchange(&anthropic(&["canary other"]), "canary reply");
    world.choose(choice(ConsentAct::Give)).unwrap();
    let first = world.conversations()[0];
    assert!(world.show(first, fiducia_policy::GroundKind::Service).is_ok());
    world.destroy(DestructionScope::Conversation(first)).unwrap();
    world
}

#[test]
fn every_promise_is_answered_and_what_is_shown_can_be_looked_up() {
    let world = lived_in();
    let verified = verified(&world);
    let report = &verified.report;
    assert_eq!(report.promises.len(), PROMISES.len());
    for (promise, shown) in PROMISES.iter().zip(&report.promises) {
        assert_eq!((shown.promise, shown.statement.as_str()), (promise.id, promise.statement));
        assert!(!shown.evidence.is_empty() || !shown.not_shown.is_empty(), "{} has no answer", promise.id);
        let holds = shown.evidence.iter().any(|evidence| evidence.verdict == Verdict::Holds);
        assert_eq!(holds, matches!(shown.standing, PromiseStanding::Shown | PromiseStanding::PartlyShown));
    }
    assert_eq!(contradicted(report), [""; 0]);
    for promise in ["P11", "P16", "P18", "P23"] {
        assert_eq!(standing(report, promise), PromiseStanding::Shown, "{promise}");
    }
    assert_eq!(standing(report, "P44"), PromiseStanding::NotShown);
    assert!(report.log.findings.is_empty() && report.log.size > 0);
    // An entry that is named as a source is in the log that the report's own checkpoint covers.
    let entries = report.promises.iter().flat_map(|shown| &shown.evidence).filter_map(|evidence| {
        match evidence.source {
            AuditSource::Entry { index, .. } => Some(index),
            _ => None,
        }
    });
    assert!(entries.clone().count() > 5 && entries.max().unwrap() < report.log.size);
    assert!(
        verified.ledger_index >= report.log.size,
        "the report's own entry comes after what it reports on"
    );
    let text = file(&world, &report.reference);
    assert!(!text.contains("canary"), "a report holds no content");
}

#[test]
fn what_does_not_hold_is_said_and_nothing_else_is() {
    let world = lived_in();
    assert_eq!(contradicted(&verified(&world).report), [""; 0]);
    // Ends have passed, and no worker has come by.
    world.advance_days(400);
    let late = contradicted(&verified(&world).report);
    assert!(late.contains(&"P04".to_owned()) && late.contains(&"P05".to_owned()), "{late:?}");
    assert!(!late.contains(&"P24".to_owned()), "{late:?}");
    world.sweep();
    let after = contradicted(&verified(&world).report);
    assert!(!after.contains(&"P04".to_owned()) && !after.contains(&"P05".to_owned()), "{after:?}");
}

#[test]
fn a_flipped_byte_in_the_log_contradicts_that_it_cannot_be_changed() {
    let world = lived_in();
    made(&world);
    let log = world.data().join("ledger").join(world.organization().uuid());
    let bundle = std::fs::read_dir(log.join("tile/entries/000.p")).unwrap().last().unwrap().unwrap().path();
    let mut bytes = std::fs::read(&bundle).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&bundle, bytes).unwrap();
    let command = AuditCommand::Report { organization: world.organization() };
    match ask(&world, command) {
        // Where the damage also stops the log from growing, nothing can be issued, which is said.
        Err(error) => assert!(error.to_string().contains("log"), "{error}"),
        Ok(AuditReply::Issued { reference, .. }) => {
            let listed =
                ask(&world, AuditCommand::List { organization: world.organization(), limit: 1 }).unwrap();
            let AuditReply::Reports(rows) = listed else { panic!("reply") };
            assert_eq!((rows[0].reference.as_str(), rows[0].standings[3]), (reference.as_str(), 1));
        }
        Ok(other) => panic!("{other:?}"),
    }
}

#[test]
fn a_report_asks_the_access_policies_in_force_and_names_them() {
    let mut world = lived_in();
    assert_eq!(contradicted(&verified(&world).report), Vec::<String>::new());
    let own = "@id(\"auditors-read\") @about(\"Auditors read.\") permit (principal in Role::\"auditor\", action == \
               Action::\"read\", resource in Kind::\"content\");";
    let text = format!("{}\n{own}", AccessPolicy::built_in_text());
    world.reopen_with_access(AccessSettings { policies: Some(text.clone()), ..AccessSettings::default() });
    let report = verified(&world).report;
    assert_eq!(contradicted(&report), ["P23"]);
    let shown = report.promises.iter().find(|shown| shown.promise.to_string() == "P23").unwrap();
    let found = |verdict| {
        let of_it = shown.evidence.iter().filter(move |one| one.verdict == verdict);
        of_it.map(|one| one.found.clone()).collect::<Vec<_>>().join("; ")
    };
    assert!(found(Verdict::Fails).contains("auditor to read content"), "{}", found(Verdict::Fails));
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
    let digest = digest.as_ref().iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
    assert!(found(Verdict::Figure).contains(&digest), "{}", found(Verdict::Figure));
}

#[test]
fn the_next_report_counts_the_one_before_and_reports_of_others_are_not_mixed_in() {
    let mut world = lived_in();
    let first = verified(&world).report;
    assert_eq!(standing(&first, "P50"), PromiseStanding::NotShown);
    world.advance_days(30);
    assert_eq!(standing(&verified(&world).report, "P50"), PromiseStanding::Shown);
    world.advance_days(200);
    world.sweep();
    assert_eq!(standing(&verified(&world).report, "P50"), PromiseStanding::Contradicted);
    world.use_new_organization("second tenant", Plan::Enterprise, Agreement::ZeroRetention);
    let other = verified(&world).report;
    assert_eq!(standing(&other, "P50"), PromiseStanding::NotShown);
    assert_eq!(
        standing(&other, "P28"),
        PromiseStanding::PartlyShown,
        "the first tenant's name opens nothing"
    );
    assert_eq!(standing(&other, "P09"), PromiseStanding::PartlyShown);
    let listed = ask(&world, AuditCommand::List { organization: world.organization(), limit: 10 }).unwrap();
    let AuditReply::Reports(rows) = listed else { panic!("reply") };
    assert_eq!(rows.len(), 1);
}

#[test]
fn unknown_references_keys_and_sizes_are_refused_in_words() {
    let world = World::new();
    let asked = [
        (
            AuditCommand::Show { reference: "FA-2026-0000-0000-0000-0000".to_owned() },
            "there is no audit report",
        ),
        (AuditCommand::List { organization: world.organization(), limit: 0 }, "1 to 1000"),
    ];
    for (command, says) in asked {
        let error = ask(&world, command).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn any_flipped_bit_makes_a_file_fail(place in any::<prop::sample::Index>(), bit in 0_u8..8) {
        thread_local! {
            static FILE: (Vec<u8>, fiducia_ledger::VerifierKey) = {
                let world = lived_in();
                let reference = made(&world);
                (file(&world, &reference).into_bytes(), world.verifier_key())
            };
        }
        FILE.with(|(file, key)| {
            let mut altered = file.clone();
            let index = place.index(altered.len());
            altered[index] ^= 1 << bit;
            let keys = [key.clone()];
            prop_assert!(verify_audit_file(file, &keys).is_ok());
            prop_assert!(verify_audit_file(&altered, &keys).is_err());
            Ok(())
        })?;
    }
}
