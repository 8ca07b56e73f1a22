//! What a hold holds, exported for counsel: complete, provable, and only after it was logged.

use std::io::Read;
use std::path::PathBuf;

use aws_lc_rs::digest;
use fiducia_custody::{
    AdminCommand, AdminError, AdminReply, ConversationWish, DestructionScope, HoldExport, HoldExportReport,
    HoldRow, NewHold, RetentionCommand, RetentionReply,
};
use fiducia_ledger::{Event, LoggedLeaf, ProofFile, VerifierKey};
use fiducia_policy::{AccessReason, HoldId, HoldScope};
use serde_json::Value;

use crate::world::{World, anthropic};

type Zip = zip::ZipArchive<std::io::Cursor<Vec<u8>>>;

/// A hold with a reviewer, on everything or on one person.
fn hold(world: &World, scope: HoldScope) -> HoldRow {
    let hold = NewHold {
        organization: world.organization(),
        matter: "Doe v. Roe".to_owned(),
        authority: "District court 7".to_owned(),
        scope,
        custodians: Vec::new(),
        reviewers: vec!["counsel".to_owned()],
    };
    match world.govern(RetentionCommand::PlaceHold { hold, actor: "operator".to_owned() }).unwrap() {
        RetentionReply::Hold(row) => row,
        other => panic!("{other:?}"),
    }
}

fn out(world: &World) -> PathBuf {
    world.data().parent().unwrap().join("export.zip")
}

fn wanted(world: &World, hold: HoldId) -> HoldExport {
    HoldExport {
        hold,
        actor: "operator".to_owned(),
        reviewer: "counsel".to_owned(),
        reason: AccessReason::LegalObligation,
        ticket: Some("7-C-12".to_owned()),
        recipients: Vec::new(),
        out: out(world),
    }
}

fn export(world: &World, export: HoldExport) -> Result<HoldExportReport, AdminError> {
    match world.custody().administer(AdminCommand::ExportHold(export))? {
        AdminReply::Exported(report) => Ok(report),
        other => panic!("{other:?}"),
    }
}

fn opened(bytes: Vec<u8>) -> Zip {
    zip::ZipArchive::new(std::io::Cursor::new(bytes)).unwrap()
}

fn bytes(zip: &mut Zip, path: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    zip.by_name(path).unwrap_or_else(|error| panic!("{path}: {error}")).read_to_end(&mut bytes).unwrap();
    bytes
}

fn json(zip: &mut Zip, path: &str) -> Value {
    serde_json::from_slice(&bytes(zip, path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn sha256(bytes: &[u8]) -> String {
    let digest = digest::digest(&digest::SHA256, bytes);
    digest.as_ref().iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

/// Every file of the archive is in the manifest with its hash, and nothing else is in either.
fn check_hashes(zip: &mut Zip, report: &HoldExportReport) -> Value {
    let text = bytes(zip, "manifest.json");
    assert_eq!(sha256(&text), report.manifest_sha256);
    let manifest: Value = serde_json::from_slice(&text).unwrap();
    let mut listed = vec!["manifest.json".to_owned()];
    for file in manifest["files"].as_array().unwrap() {
        let path = file["path"].as_str().unwrap();
        let content = bytes(zip, path);
        assert_eq!(file["sha256"], sha256(&content), "{path}");
        assert_eq!(file["bytes"].as_u64(), u64::try_from(content.len()).ok(), "{path}");
        listed.push(path.to_owned());
    }
    let mut found: Vec<String> = zip.file_names().map(|name| name.unwrap().into_owned()).collect();
    found.sort();
    listed.sort();
    assert_eq!(found, listed);
    manifest
}

#[test]
fn an_export_holds_what_is_held_with_hashes_and_proofs() {
    let mut world = World::new();
    world.exchange(&anthropic(&["one"]), "uno");
    world.exchange(&anthropic(&["one", "uno", "two"]), "dos");
    let mine = world.conversations()[0];
    let subject = world.subject();
    world.use_new_key("person-2");
    world.exchange(&anthropic(&["somebody else's"]), "not held");
    let hold = hold(&world, HoldScope { subjects: vec![subject], ..HoldScope::default() });
    world.sweep();
    // What the person and the operator destroyed is held all the same.
    world.govern(RetentionCommand::Wish { conversation: mine, wish: ConversationWish::Delete }).unwrap();
    world.destroy(DestructionScope::Conversation(mine)).unwrap();

    let report = export(&world, wanted(&world, hold.id)).unwrap();
    assert_eq!((report.conversations, report.records, report.records_unreadable), (1, 4, 0));
    let mut zip = opened(std::fs::read(out(&world)).unwrap());
    let manifest = check_hashes(&mut zip, &report);
    assert_eq!((&manifest["matter"], &manifest["ticket"]), (&"Doe v. Roe".into(), &"7-C-12".into()));

    let conversation = json(&mut zip, &format!("conversations/{mine}.json"));
    let texts: Vec<&str> = conversation["records"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|record| record["texts"].as_array().unwrap())
        .map(|text| text[1].as_str().unwrap())
        .collect();
    assert_eq!(texts, ["one", "uno", "two", "dos"]);

    let key: VerifierKey = manifest["ledger_verifier_key"].as_str().unwrap().parse().unwrap();
    let mut kinds = Vec::new();
    for entries in ["hold_entries", "access_entries"] {
        for index in manifest[entries].as_array().unwrap() {
            let entry = bytes(&mut zip, &format!("ledger/{index}.entry"));
            let proof = String::from_utf8(bytes(&mut zip, &format!("ledger/{index}.tlog-proof"))).unwrap();
            proof.parse::<ProofFile>().unwrap().verify(&entry, &key).unwrap();
            let event = LoggedLeaf::parse(&entry).unwrap().leaf.event;
            if let Event::RecordAccess(access) = &event {
                assert_eq!(access.records.len(), 4, "the entry names what was read");
            }
            kinds.push(event.kind().to_owned());
        }
    }
    assert_eq!(kinds, ["hold_placed", "record_access"]);
    let kinds = world.ledger_kinds();
    assert_eq!(
        kinds[kinds.len() - 2..],
        ["hold_exported", "access_session"],
        "what was read, and how long it took"
    );
    world.verify_ledger();
    let found = world.audited().findings;
    assert_eq!(found, []);
}

#[test]
fn a_sealed_export_opens_for_its_recipient_alone() {
    let world = World::new();
    world.exchange(&anthropic(&["canary question"]), "canary answer");
    let hold = hold(&world, HoldScope::default());
    world.sweep();
    let (counsel, other) = (age::x25519::Identity::generate(), age::x25519::Identity::generate());
    let recipients = vec![counsel.to_public().to_string()];
    let report = export(&world, HoldExport { recipients, ..wanted(&world, hold.id) }).unwrap();
    assert_eq!(report.recipients, 1);
    let sealed = std::fs::read(out(&world)).unwrap();
    let open = |identity: &age::x25519::Identity| {
        let decryptor = age::Decryptor::new(sealed.as_slice()).unwrap();
        let mut plain = Vec::new();
        let mut reader = decryptor.decrypt(std::iter::once(identity as &dyn age::Identity)).ok()?;
        reader.read_to_end(&mut plain).ok().map(|_| plain)
    };
    assert_eq!(open(&other), None);
    let mut zip = opened(open(&counsel).unwrap());
    check_hashes(&mut zip, &report);
    assert!(zip.file_names().any(|name| name.unwrap().starts_with("conversations/")));
}

#[test]
fn more_records_than_one_entry_may_name_are_read_under_several() {
    let mut world = World::new();
    let lines: Vec<String> = (0..1_203)
        .map(|number| {
            format!(
                r#"{{"id":"{number}","messages":[{{"role":"user","content":"q{number}"}},{{"role":"assistant","content":"a{number}"}}]}}"#
            )
        })
        .collect();
    world.import(&lines);
    let hold = hold(&world, HoldScope::default());
    world.sweep();
    let report = export(&world, wanted(&world, hold.id)).unwrap();
    assert_eq!((report.conversations, report.records, report.access_entries.len()), (1_203, 1_203, 2));
    let mut zip = opened(std::fs::read(out(&world)).unwrap());
    check_hashes(&mut zip, &report);
    let accesses = world.ledger_kinds().iter().filter(|kind| *kind == "record_access").count();
    assert_eq!(accesses, 2);
    let found = world.audited().findings;
    assert_eq!(found, []);
}

#[test]
fn nobody_but_a_reviewer_gets_an_export_and_what_fails_leaves_no_file() {
    let mut world = World::new();
    world.exchange(&anthropic(&["one"]), "uno");
    let row = hold(&world, HoldScope::default());
    let wanted = wanted(&world, row.id);
    let refused = |world: &World, asked: HoldExport, expect: &str| {
        let error = export(world, asked).unwrap_err();
        assert!(error.to_string().contains(expect), "{error}");
        assert!(!out(world).exists(), "{expect}");
    };
    refused(&world, wanted.clone(), "fiducia sweep");
    world.sweep();
    refused(&world, HoldExport { reviewer: "operator".to_owned(), ..wanted.clone() }, "no reviewer");
    refused(&world, HoldExport { hold: HoldId::from_bytes([9; 16]), ..wanted.clone() }, "there is no hold_");
    refused(&world, HoldExport { recipients: vec!["nobody".to_owned()], ..wanted.clone() }, "age1");
    refused(&world, HoldExport { ticket: Some("a b".to_owned()), ..wanted.clone() }, "1 to 64");
    assert!(!world.ledger_kinds().iter().any(|kind| kind == "record_access" || kind == "hold_exported"));

    std::fs::write(out(&world), "somebody's").unwrap();
    let error = export(&world, wanted.clone()).unwrap_err();
    assert!(error.to_string().contains("never overwritten"), "{error}");
    assert_eq!(std::fs::read_to_string(out(&world)).unwrap(), "somebody's");
    std::fs::remove_file(out(&world)).unwrap();

    let release =
        RetentionCommand::ReleaseHold { hold: row.id, grace_days: Some(0), actor: "operator".to_owned() };
    world.govern(release).unwrap();
    world.sweep();
    refused(&world, wanted, "was destroyed at");
}
