//! The keys that sign logs: both kinds from the start, and their change by the simulated clock.

use fiducia_custody::{AdminCommand, AdminError, AdminReply, LogKeyCommand, LogKeyReply, LogKeyRow};
use fiducia_ledger::{Checkpoint, VerifierKey};
use fiducia_policy::{AccessReason, Agreement, Plan, Timestamp};

use crate::world::{World, anthropic};

const DAY_SECONDS: i64 = 86_400;

fn ask(world: &World, command: LogKeyCommand) -> Result<LogKeyReply, AdminError> {
    world.custody().administer(AdminCommand::LogKeys(command)).map(|reply| match reply {
        AdminReply::LogKeys(reply) => reply,
        other => panic!("{other:?}"),
    })
}

fn keys(world: &World) -> Vec<LogKeyRow> {
    let listed = ask(world, LogKeyCommand::List { organization: world.organization() }).unwrap();
    let LogKeyReply::Keys(keys) = listed else { panic!("{listed:?}") };
    assert_eq!(keys.origin, world.verifier_key().name());
    keys.keys
}

fn pairs(rows: &[LogKeyRow]) -> Vec<(u32, &str, bool)> {
    rows.iter().map(|row| (row.pair, row.algorithm.as_str(), row.signs)).collect()
}

fn announce(
    world: &World,
    signs_from: Option<Timestamp>,
    compromised: bool,
) -> Result<LogKeyReply, AdminError> {
    ask(world, LogKeyCommand::Announce { signs_from, compromised })
}

/// Which pairs signed the checkpoint of the organisation's log as it lies on disk.
fn signed_by(world: &World, rows: &[LogKeyRow]) -> Vec<u32> {
    let uuid = world.organization().uuid();
    let note = std::fs::read(world.data().join("ledger").join(uuid).join("checkpoint")).unwrap();
    let by = |row: &&LogKeyRow| {
        Checkpoint::verify(&note, &row.verifier_key.parse::<VerifierKey>().unwrap()).is_ok()
    };
    let mut pairs: Vec<u32> = rows.iter().filter(by).map(|row| row.pair).collect();
    pairs.sort_unstable();
    assert_eq!(pairs.len() % 2, 0, "both keys of a pair sign, or none: {pairs:?}");
    pairs.dedup();
    pairs
}

#[test]
fn keys_change_on_their_day_in_every_log_and_each_step_is_in_every_log() {
    let mut world = World::new();
    world.use_new_key("ada");
    world.exchange(&anthropic(&["hello"]), "hi");
    let conversation = world.conversations()[0];
    let first = keys(&world);
    assert_eq!(pairs(&first), [(1, "ecdsa_p256_sha256", true), (1, "ed25519", true)]);
    assert!(first.iter().all(|row| row.fingerprint.len() == 64 && row.signs_from.is_none()));
    assert_eq!(first[0].key_hash, first[0].fingerprint[..8], "of ECDSA keys");

    let soon = Timestamp::from_second(world.now().as_second() + 29 * DAY_SECONDS).unwrap();
    assert!(matches!(announce(&world, Some(soon), false), Err(AdminError::Conflict(_))));
    let day = Timestamp::from_second(world.now().as_second() + 31 * DAY_SECONDS).unwrap();
    announce(&world, Some(day), false).unwrap();
    assert!(matches!(announce(&world, None, false), Err(AdminError::Conflict(_))), "one at a time");
    let listed = keys(&world);
    assert_eq!(
        pairs(&listed),
        [
            (1, "ecdsa_p256_sha256", true),
            (2, "ecdsa_p256_sha256", false),
            (1, "ed25519", true),
            (2, "ed25519", false)
        ],
        "the next pair is listed before it signs"
    );
    assert_eq!(listed[1].signs_from, Some(day));
    world.advance_days(30);
    world.sweep();
    world.show_with(conversation, AccessReason::CustomerSupport, Some("T-1")).unwrap();
    assert_eq!(signed_by(&world, &keys(&world)), [1]);

    // On the day the worker has every log signed anew, also after the program was stopped and started in between.
    world.reopen();
    world.advance_days(1);
    world.sweep();
    let changed = keys(&world);
    assert_eq!(
        pairs(&changed),
        [
            (2, "ecdsa_p256_sha256", true),
            (1, "ecdsa_p256_sha256", false),
            (2, "ed25519", true),
            (1, "ed25519", false)
        ],
    );
    assert_eq!(signed_by(&world, &changed), [2]);
    world.set_clock_back_days(3);
    world.reopen();
    assert_eq!(pairs(&keys(&world)), pairs(&changed), "a clock that is set back brings no old key back");
    world.advance_days(3);
    world.exchange(&anthropic(&["again"]), "hi");
    world.show_with(conversation, AccessReason::CustomerSupport, Some("T-1")).unwrap();

    let other = first.iter().map(|row| row.fingerprint.clone()).collect::<Vec<_>>();
    let new: Vec<_> = changed.iter().filter(|row| row.pair == 2).map(|row| row.fingerprint.clone()).collect();
    assert!(new.iter().all(|fingerprint| !other.contains(fingerprint)));
    world.close();
    assert_eq!(signed_by(&world, &changed), [2]);
    let ecdsa: VerifierKey = changed[0].verifier_key.parse().unwrap();
    let log = world.data().join("ledger").join(world.organization().uuid());
    let reader = fiducia_ledger::LogReader::open(&log, &ecdsa).unwrap();
    let kinds: Vec<String> = reader
        .entries(0)
        .map(|entry| {
            fiducia_ledger::LoggedLeaf::parse(&entry.unwrap().1).unwrap().leaf.event.kind().to_owned()
        })
        .filter(|kind| kind.starts_with("log_key"))
        .collect();
    assert_eq!(kinds, ["log_key_announced", "log_key_changed"]);
    world.reopen();
}

#[test]
fn a_key_in_the_wrong_hands_is_replaced_at_once() {
    let mut world = World::new();
    world.use_new_organization("second", Plan::Enterprise, Agreement::Standard);
    announce(&world, None, true).unwrap();
    let rows = keys(&world);
    assert_eq!(rows.iter().filter(|row| row.signs).map(|row| row.pair).collect::<Vec<_>>(), [2, 2]);
    assert_eq!(signed_by(&world, &rows), [2]);
}

/// What was signed and given out before keys changed stays valid, and what is given out after verifies with what is given with it.
#[test]
fn certificates_outlive_a_change_of_keys() {
    let world = World::new();
    world.exchange(&anthropic(&["hello"]), "hi");
    let conversation = world.conversations()[0];
    let report = world.destroy(fiducia_custody::DestructionScope::Conversation(conversation)).unwrap();
    let reference = report.certificate.clone().unwrap();
    let before = world.certificate_file(&reference);
    let old = world.verifier_key();
    announce(&world, None, true).unwrap();
    let after = world.certificate_file(&reference);
    fiducia_custody::verify_certificate(before.as_bytes(), std::slice::from_ref(&old)).unwrap();
    let new: VerifierKey = world.custody().ledger_verifier_key(world.organization()).parse().unwrap();
    assert_ne!(new, old);
    fiducia_custody::verify_certificate(after.as_bytes(), &[old.clone(), new]).unwrap();
    assert!(
        fiducia_custody::verify_certificate(after.as_bytes(), &[old]).is_err(),
        "the old key alone does not speak for a checkpoint that it did not sign"
    );
}
