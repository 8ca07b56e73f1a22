//! Certificates of destruction: who gets one, what it says, and what it takes to make one fail.

use fiducia_custody::{
    Backups, Certificate, CertificateCommand, CertificateReference, CertificateReply, CertificateRow,
    CertificateSettings, CertificateStage, CertifiedScope, ContentScope, DestructionReport, DestructionScope,
    MailAbout, MailCommand, MailOutcome, MailReply, MailSchedule, MailState, RetentionCommand,
    verify_certificate,
};
use fiducia_ledger::VerifierKey;
use fiducia_policy::{Agreement, ConversationId, GroundKind, Plan, Timestamp};
use proptest::prelude::*;

use crate::world::{World, anthropic};

fn captured(world: &World, said: &str) -> ConversationId {
    let before = world.conversations();
    world.exchange(&anthropic(&[said]), &format!("answer to {said}"));
    world.conversations().into_iter().find(|id| !before.contains(id)).unwrap()
}

pub(crate) fn certificates(world: &World) -> Vec<CertificateRow> {
    let command = CertificateCommand::List { organization: None, limit: 100, after: None };
    match world.certify(command).unwrap() {
        CertificateReply::Certificates(rows) => rows,
        other @ CertificateReply::File { .. } => panic!("{other:?}"),
    }
}

/// The certificate of a destruction, verified as its holder would.
fn verified(world: &World, report: &DestructionReport) -> Certificate {
    let reference = report.certificate.as_ref().unwrap();
    let file = world.certificate_file(reference);
    let verified = verify_certificate(file.as_bytes(), &[world.verifier_key()]).unwrap();
    assert_eq!(verified.certificate.reference, *reference);
    assert_eq!(report.ledger.last(), Some(&(world.organization(), verified.ledger_index)));
    verified.certificate
}

#[test]
fn a_deleted_conversation_has_a_certificate_that_its_holder_can_verify_alone() {
    let mut world = World::new();
    let certificates_say = CertificateSettings {
        region: Some("eu-central".to_owned()),
        contact: Some("privacy@example.org".to_owned()),
        backup_days: Some(35),
        mail: None,
    };
    world.reopen_with(certificates_say);
    let id = captured(&world, "canary-77aa");
    let report = world.destroy(DestructionScope::Conversation(id)).unwrap();
    let certificate = verified(&world, &report);
    assert_eq!(certificate.stage, CertificateStage::KeyDestructionAndPurge);
    assert!(
        matches!(certificate.destroyed.scope, CertifiedScope::Conversation { conversation, .. } if conversation == id)
    );
    let keys: Vec<_> =
        certificate.destroyed.keys.iter().map(|(kind, count)| (kind.as_str(), *count)).collect();
    assert_eq!(keys, [("conversation", 1), ("conversation-safety", 1)]);
    assert_eq!((certificate.destroyed.records, certificate.destroyed.conversations), (2, 1));
    assert_eq!((certificate.order.rule.as_str(), certificate.order.by.is_some()), ("deletion", true));
    let result = &certificate.verification.result;
    assert_eq!((result.attempts, result.opened, result.rows_found), (4, 0, 0));
    assert!(certificate.keys_destroyed_at < certificate.purged_at.unwrap());
    let Backups::Until { days: 35, at } = certificate.backups else { panic!("{:?}", certificate.backups) };
    assert_eq!(at.as_second() - certificate.keys_destroyed_at.as_second(), 35 * 86_400);
    assert_eq!(certificate.issuer.region.as_deref(), Some("eu-central"));
    assert!(certificate.kept.is_empty());
    let file = world.certificate_file(&certificate.reference);
    assert!(
        !file.contains("canary-77aa") && !file.contains("tester") && !file.contains("person-1"),
        "{file}"
    );
    world.verify_ledger();
    assert_eq!(world.ledger_kinds().last().unwrap(), "certificate_issued");
    assert_eq!(world.certificate_file(&certificate.reference), file, "the log has not grown since");
}

#[test]
fn one_record_has_a_certificate_of_its_own() {
    let world = World::new();
    let id = captured(&world, "first");
    let victim = world.records(id)[1].id;
    let report = world.destroy(DestructionScope::Record(victim)).unwrap();
    let certificate = verified(&world, &report);
    assert!(matches!(certificate.destroyed.scope, CertifiedScope::Record { record, .. } if record == victim));
    assert_eq!((certificate.destroyed.records, certificate.destroyed.conversations), (1, 0));
    assert_eq!(certificate.backups, Backups::NoneStated {});
}

#[test]
fn the_certificate_of_an_erasure_leads_to_nobody_and_commits_to_what_was_erased() {
    let mut world = World::new();
    let (mine, subject) = (captured(&world, "about me"), world.subject());
    let other = captured(&world, "more about me");
    let earlier = world.destroy(DestructionScope::Conversation(other)).unwrap();
    let named = verified(&world, &earlier);
    world.use_new_key("somebody-else");
    let theirs = captured(&world, "not about me");
    let report = world.destroy(DestructionScope::Subject(subject)).unwrap();
    let certificate = verified(&world, &report);
    assert_eq!(certificate.order.rule, "erasure");
    assert!(certificate.commits_to(mine) && !certificate.commits_to(theirs));
    let file = world.certificate_file(&certificate.reference);
    let CertifiedScope::Conversation { pseudonym: Some(pseudonym), .. } = named.destroyed.scope else {
        panic!("{named:?}")
    };
    for thread in [subject.to_string(), subject.uuid(), pseudonym.to_string(), mine.uuid()] {
        assert!(!file.contains(&thread), "{thread} leads to the person");
    }
    assert_eq!(certificates(&world).len(), 2);
}

#[test]
fn what_a_ground_keeps_is_listed_with_its_end() {
    let mut world = World::new();
    world.use_new_organization("careful", Plan::Education, Agreement::Standard);
    let id = captured(&world, "risky");
    let report = world.destroy(DestructionScope::Conversation(id)).unwrap();
    let certificate = verified(&world, &report);
    assert_eq!(certificate.stage, CertificateStage::KeyDestruction);
    assert_eq!((certificate.purged_at, certificate.destroyed.records), (None, 0));
    let kept = &certificate.kept[0];
    assert_eq!((kept.ground, kept.records, certificate.kept.len()), (GroundKind::SafetyWindow, Some(2), 1));
    assert_eq!(kept.until, report.kept[0].until);
    assert!(kept.until.is_some());
}

#[test]
fn an_open_case_is_listed_without_an_end() {
    let world = World::new();
    let id = captured(&world, "evidence");
    let command = RetentionCommand::OpenCase {
        organization: world.organization(),
        name: "case 7".to_owned(),
        actor: "investigator".to_owned(),
    };
    let fiducia_custody::RetentionReply::Case(case) = world.govern(command).unwrap() else { panic!("reply") };
    let extend = RetentionCommand::ExtendCase {
        case: case.id,
        content: ContentScope::Conversation(id),
        actor: "investigator".to_owned(),
    };
    world.govern(extend).unwrap();
    let report = world.destroy(DestructionScope::Conversation(id)).unwrap();
    let certificate = verified(&world, &report);
    assert!(
        certificate.kept.iter().any(|kept| kept.ground == GroundKind::Investigation),
        "{:?}",
        certificate.kept
    );
    assert!(!world.certificate_file(&certificate.reference).contains("case 7"));
}

#[test]
fn a_run_of_the_worker_has_one_certificate_for_each_organization_it_concerned() {
    let mut world = World::new();
    let first = world.organization();
    let first_key = world.verifier_key();
    captured(&world, "one");
    captured(&world, "two");
    world.use_new_organization("other tenant", Plan::Enterprise, Agreement::Standard);
    captured(&world, "three");
    assert!(world.sweep().certificates.is_empty(), "nothing has ended");
    world.advance_days(31);
    let swept = world.sweep();
    assert_eq!(swept.certificates.len(), 2, "{swept:?}");
    for (organization, reference) in &swept.certificates {
        let file = world.certificate_file(reference);
        // One installation has one key under many names: either organisation's serves.
        let verified = verify_certificate(file.as_bytes(), std::slice::from_ref(&first_key)).unwrap();
        let certificate = verified.certificate;
        assert_eq!(certificate.organization, *organization);
        let conversations = if *organization == first { 2 } else { 1 };
        assert_eq!(certificate.destroyed.keys.get("conversation-safety"), Some(&conversations));
        assert_eq!(certificate.destroyed.keys.get("safety-day"), Some(&1));
        assert_eq!(certificate.destroyed.records, 0, "the person still has them");
        let result = &certificate.verification.result;
        assert_eq!((result.attempts, result.opened), (conversations * 2, 0));
        let kept = &certificate.kept[0];
        assert_eq!((kept.ground, kept.conversations), (GroundKind::Service, Some(conversations)));
        assert_eq!((certificate.order.rule.as_str(), certificate.order.by), ("retention", None));
    }
    assert!(world.sweep().certificates.is_empty(), "each is issued once");
    world.verify_ledger();
}

#[test]
fn records_of_one_organization_are_not_counted_in_the_certificate_of_another() {
    let mut world = World::new();
    world.use_new_organization("short", Plan::Enterprise, Agreement::Custom);
    let short = world.organization();
    captured(&world, "mine");
    world.use_new_organization("longer", Plan::Enterprise, Agreement::Standard);
    captured(&world, "theirs");
    world.advance_days(62);
    let swept = world.sweep();
    assert_eq!(swept.records_purged, 2, "{swept:?}");
    for row in certificates(&world) {
        let expected = if row.certificate.organization == short { 2 } else { 0 };
        assert_eq!(row.certificate.destroyed.records, expected);
        assert_eq!(row.certificate.purged_at.is_some(), expected > 0);
        assert!(row.ledger_index.is_some());
    }
}

/// A file to try things on, made once.
fn specimen() -> &'static (String, String, VerifierKey) {
    static SPECIMEN: std::sync::OnceLock<(String, String, VerifierKey)> = std::sync::OnceLock::new();
    SPECIMEN.get_or_init(|| {
        let world = World::new();
        let (one, two) = (captured(&world, "one"), captured(&world, "two"));
        let file = |id| {
            let report = world.destroy(DestructionScope::Conversation(id)).unwrap();
            world.certificate_file(&report.certificate.unwrap())
        };
        (file(one), file(two), world.verifier_key())
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_flipped_bit_makes_a_file_fail(place: prop::sample::Index, bit in 0_u8..8) {
        let (file, _, key) = specimen();
        let mut changed = file.clone().into_bytes();
        let place = place.index(changed.len());
        changed[place] ^= 1 << bit;
        prop_assert!(verify_certificate(&changed, std::slice::from_ref(key)).is_err(), "byte {place}");
    }

    #[test]
    fn any_missing_or_added_byte_makes_a_file_fail(place: prop::sample::Index, added: u8) {
        let (file, _, key) = specimen();
        let bytes = file.as_bytes();
        let place = place.index(bytes.len());
        let shorter = [&bytes[..place], &bytes[place + 1..]].concat();
        prop_assert!(verify_certificate(&shorter, std::slice::from_ref(key)).is_err());
        let longer = [&bytes[..place], &[added], &bytes[place..]].concat();
        prop_assert!(verify_certificate(&longer, std::slice::from_ref(key)).is_err());
    }
}

fn check(file: &str, key: &VerifierKey, expect: &str) {
    let rejected = verify_certificate(file.as_bytes(), std::slice::from_ref(key)).unwrap_err().to_string();
    assert!(rejected.contains(expect), "{rejected}");
}

/// The file with one of its parts taken from another, in canonical form again.
fn with_part(file: &str, other: &str, part: &str) -> String {
    let mut file: serde_json::Value = serde_json::from_str(file).unwrap();
    let other: serde_json::Value = serde_json::from_str(other).unwrap();
    file[part] = other[part].clone();
    // Keys are in order already, and there are no numbers that canonical form would write otherwise.
    format!("{file}\n")
}

#[test]
fn every_failure_names_what_is_wrong() {
    let (file, other, key) = specimen();
    assert!(verify_certificate(file.as_bytes(), &[]).is_err());
    check(file, &key.renamed("elsewhere.example/log").unwrap(), "none of the keys is of `ledger.example`");
    let stranger = "ledger.example+a3d8ba5e+AcrwmQvMvSJqsmyv2P8zgwnS8nGTlAXN1NRFDNnEg0bm";
    assert!(
        stranger.parse::<VerifierKey>().is_err(),
        "an id that does not belong to its name is refused by itself"
    );
    check(&format!(" {file}"), key, "not in the form in which it was issued");
    check("{}", key, "no certificate file");
    check(&file.replace("certificate-file/v1", "certificate-file/v2"), key, "newer version");
    check(&with_part(file, other, "note"), key, "of two different files");
    check(&with_part(file, other, "certificate"), key, "of two different files");
    check(&with_part(file, other, "proof"), key, "another entry of the log");
    check(
        &file.replace("ledger.example/certificates\"", "ledger.example/other\""),
        key,
        "put together from parts",
    );
    check(&file.replace("\"opened\":0", "\"opened\":1"), key, "changed after it was signed");
}

#[test]
fn lists_go_in_pages_from_the_newest() {
    let world = World::new();
    let mut references = Vec::new();
    for said in ["one", "two", "three"] {
        let id = captured(&world, said);
        references.push(world.destroy(DestructionScope::Conversation(id)).unwrap().certificate.unwrap());
    }
    references.reverse();
    let mut after: Option<CertificateReference> = None;
    for expected in &references {
        let command = CertificateCommand::List { organization: Some(world.organization()), limit: 1, after };
        let CertificateReply::Certificates(rows) = world.certify(command).unwrap() else { panic!("reply") };
        assert_eq!((rows.len(), &rows[0].certificate.reference), (1, expected));
        after = Some(expected.clone());
    }
    let unknown = CertificateCommand::Show { reference: "FC-2026-0000-0000-0000-0000".parse().unwrap() };
    assert!(world.certify(unknown).unwrap_err().to_string().contains("there is no certificate"));
}

fn due(world: &World) -> Vec<(CertificateReference, u32)> {
    let references = world.due_mails().into_iter().map(|mail| match mail.about {
        MailAbout::Certificate(reference) => (reference, mail.attempts),
        other => panic!("{other}"),
    });
    references.collect()
}

fn begin(world: &World, reference: &CertificateReference) {
    world.mail(MailCommand::Begin { about: MailAbout::Certificate(reference.clone()) }).unwrap();
}

fn end(world: &World, reference: &CertificateReference, outcome: MailOutcome) -> MailState {
    let about = MailAbout::Certificate(reference.clone());
    match world.mail(MailCommand::End { about, outcome }).unwrap() {
        MailReply::Noted(state) => state,
        other @ MailReply::Due(_) => panic!("{other:?}"),
    }
}

fn with_mail() -> (World, CertificateReference) {
    let mut world = World::new();
    let mail = Some(MailSchedule { first_retry_seconds: 60 });
    world.reopen_with(CertificateSettings { mail, ..CertificateSettings::default() });
    let id = captured(&world, "one");
    let reference = world.destroy(DestructionScope::Conversation(id)).unwrap().certificate.unwrap();
    (world, reference)
}

#[test]
fn a_mail_that_fails_waits_and_is_sent_once() {
    let (world, reference) = with_mail();
    assert_eq!(due(&world), [(reference.clone(), 0)]);
    begin(&world, &reference);
    assert!(due(&world).is_empty(), "while it is being sent nobody else sends it");
    let state = end(&world, &reference, MailOutcome::Failed("connection refused".to_owned()));
    assert!(
        matches!(state, MailState::Waiting { failure: Some(reason), .. } if reason == "connection refused")
    );
    world.advance_to(Timestamp::from_second(world.now().as_second() + 61).unwrap());
    assert_eq!(due(&world), [(reference.clone(), 1)]);
    begin(&world, &reference);
    assert!(matches!(end(&world, &reference, MailOutcome::Sent), MailState::Sent { .. }));
    world.advance_days(30);
    assert!(due(&world).is_empty());
    assert!(world.mail(MailCommand::Begin { about: MailAbout::Certificate(reference) }).is_err());
}

#[test]
fn a_mail_that_was_begun_and_never_ended_is_sent_again() {
    let (mut world, reference) = with_mail();
    begin(&world, &reference);
    world.reopen();
    assert!(due(&world).is_empty());
    world.advance_days(1);
    assert_eq!(due(&world), [(reference, 1)]);
}

#[test]
fn a_mail_is_given_up_after_seven_days_and_counted() {
    let (world, reference) = with_mail();
    for _ in 0..7 {
        begin(&world, &reference);
        let state = end(&world, &reference, MailOutcome::Failed("no".to_owned()));
        assert!(matches!(state, MailState::Waiting { .. }), "{state:?}");
        world.advance_days(1);
    }
    begin(&world, &reference);
    assert!(matches!(
        end(&world, &reference, MailOutcome::Failed("no".to_owned())),
        MailState::GivenUp { .. }
    ));
    assert_eq!((world.custody().metrics().mails_failed, world.custody().metrics().mails_given_up), (8, 1));
    world.advance_days(1);
    assert!(due(&world).is_empty());
    assert!(matches!(certificates(&world)[0].mail, MailState::GivenUp { .. }));
}
