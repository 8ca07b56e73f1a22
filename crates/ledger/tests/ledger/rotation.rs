//! Keys of both kinds, and the change from one pair to the next, by a clock that the test moves.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use fiducia_ledger::{
    Checkpoint, EcdsaKey, Ledger, LedgerError, LogKey, LogKeyDates, LogKeys, LogReader, LogSigner,
    SigningKey, VerifierKey, verify_log,
};
use fiducia_policy::{Clock, OrganizationId, Timestamp};
use zeroize::Zeroizing;

use super::{PREFIX, leaf, organization};

struct Days(AtomicI64);

impl Days {
    fn at(number: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + number * 86_400).unwrap()
    }

    fn set(&self, number: i64) {
        self.0.store(number, Ordering::Relaxed);
    }
}

impl Clock for Days {
    fn now(&self) -> Timestamp {
        Self::at(self.0.load(Ordering::Relaxed))
    }
}

fn signer(seed: u8) -> LogSigner {
    let ed25519 = SigningKey::from_seed(PREFIX, Zeroizing::new([seed; 32])).unwrap();
    LogSigner::new(ed25519, EcdsaKey::from_scalar(Zeroizing::new([seed; 32])).unwrap())
}

fn pair(number: u32, announced: i64, signs: i64) -> LogKey {
    let dates = LogKeyDates {
        number,
        announced_at: Days::at(announced),
        signs_from: Days::at(signs),
        changed_at: None,
    };
    LogKey { dates, signer: signer(u8::try_from(number).unwrap()) }
}

fn open(root: &Path, clock: &Arc<Days>, keys: LogKeys) -> Ledger {
    Ledger::open(root, PREFIX, keys, Arc::clone(clock) as Arc<dyn Clock>).unwrap()
}

fn other() -> OrganizationId {
    OrganizationId::from_bytes([0x22; 16])
}

/// Which of the pairs 1 and 2 signed the checkpoint on disk, with both of its keys.
fn signed_by(ledger: &Ledger, organization: OrganizationId) -> Vec<u8> {
    let note = std::fs::read(ledger.log_directory(organization).join("checkpoint")).unwrap();
    let origin = format!("{PREFIX}/{}", organization.uuid());
    let by = |seed: &u8| {
        let keys = signer(*seed).verifiers(&origin).unwrap();
        let signed = keys.iter().map(|key| Checkpoint::verify(&note, key).is_ok());
        let signed: Vec<bool> = signed.collect();
        assert!(signed.iter().all(|one| *one == signed[0]), "both keys of a pair sign, or none");
        signed[0]
    };
    [1, 2].into_iter().filter(by).collect()
}

#[test]
fn a_checkpoint_verifies_under_either_key_and_lists_no_other() {
    let root = tempfile::tempdir().unwrap();
    let clock = Arc::new(Days(AtomicI64::new(0)));
    let mut ledger = open(root.path(), &clock, signer(1).into());
    ledger.append(&[(organization(), leaf(0))]).unwrap();
    ledger.publish().unwrap();
    let keys = ledger.verifiers(organization()).unwrap();
    assert_eq!(keys.iter().map(VerifierKey::algorithm).collect::<Vec<_>>(), ["ecdsa_p256_sha256", "ed25519"]);
    let directory = ledger.log_directory(organization());
    for key in &keys {
        assert_eq!(verify_log(&directory, key).unwrap().size, 1);
        let again: VerifierKey = key.to_string().parse().unwrap();
        LogReader::open(&directory, &again).unwrap();
    }
    let note = std::fs::read_to_string(directory.join("checkpoint")).unwrap();
    assert_eq!(note.lines().filter(|line| line.starts_with('\u{2014}')).count(), 2);
    // Neither line alone may be false.
    for (place, line) in note.lines().enumerate().filter(|(_, line)| line.starts_with('\u{2014}')) {
        let tail = if line.ends_with("==") { 3 } else { 2 };
        let mut altered: Vec<String> = note.lines().map(str::to_owned).collect();
        let at = altered[place].len() - tail - 4;
        let letter = if altered[place].as_bytes()[at] == b'A' { "B" } else { "A" };
        altered[place].replace_range(at..=at, letter);
        let altered = altered.join("\n") + "\n";
        let checked = Checkpoint::verify(altered.as_bytes(), &keys);
        assert!(matches!(checked, Err(LedgerError::BadSignature { .. })), "{checked:?}");
    }
}

#[test]
fn on_its_day_the_next_pair_signs_every_log_and_not_before() {
    let root = tempfile::tempdir().unwrap();
    let clock = Arc::new(Days(AtomicI64::new(0)));
    let mut ledger = open(root.path(), &clock, LogKeys::new(pair(1, 0, 0), Vec::new()));
    ledger.append(&[(organization(), leaf(0)), (other(), leaf(1))]).unwrap();
    ledger.publish().unwrap();
    let kept = std::fs::read(ledger.log_directory(other()).join("checkpoint")).unwrap();

    clock.set(10);
    let keys = LogKeys::new(pair(1, 0, 0), vec![pair(2, 10, 40)]);
    let origin = format!("{PREFIX}/{}", other().uuid());
    let listed_on = |keys: &LogKeys, day| {
        let pairs = keys.public(PREFIX).unwrap().listed_at(&origin, Days::at(day)).unwrap();
        pairs.into_iter().flat_map(|(_, keys)| keys).collect::<Vec<VerifierKey>>()
    };
    let listed = listed_on(&keys, 10);
    assert_eq!(listed.len(), 4, "the next pair is listed before it signs");
    assert_eq!(listed[..2], signer(1).verifiers(&origin).unwrap());
    ledger.set_keys(keys.clone());
    clock.set(39);
    assert_eq!(ledger.renew_checkpoints().unwrap(), []);
    ledger.append(&[(organization(), leaf(2))]).unwrap();
    ledger.publish().unwrap();
    assert_eq!((signed_by(&ledger, organization()), signed_by(&ledger, other())), (vec![1], vec![1]));

    clock.set(40);
    let listed = listed_on(&keys, 40);
    assert_eq!(listed[..2], signer(2).verifiers(&origin).unwrap());
    assert_eq!(listed[2..], signer(1).verifiers(&origin).unwrap(), "the old pair stays listed");
    let renewed = ledger.renew_checkpoints().unwrap();
    assert_eq!(renewed.len(), 2, "also the log that has not grown");
    assert_eq!((signed_by(&ledger, organization()), signed_by(&ledger, other())), (vec![2], vec![2]));
    assert_eq!(ledger.renew_checkpoints().unwrap(), [], "signed once");

    // Trees go on: what was kept under the old pair is extended by what the new one signs.
    ledger.append(&[(other(), leaf(3))]).unwrap();
    ledger.publish().unwrap();
    let (all, new) = (listed_on(&keys, 40), signer(2).verifiers(&origin).unwrap());
    let before = Checkpoint::verify(&kept, &all).unwrap();
    let mut log = LogReader::open(&ledger.log_directory(other()), &new).unwrap();
    let (root_then, path) = log.consistency_proof(before.size).unwrap();
    assert_eq!(root_then, before.root);
    let now = log.checkpoint();
    assert!(fiducia_ledger::verify_consistency(before.size, &before.root, now.size, &now.root, &path));
    let old = signer(1).verifiers(&origin).unwrap();
    assert!(LogReader::open(&ledger.log_directory(other()), &old).is_err(), "the old pair signs nothing new");
    drop(ledger);

    // A ledger that is opened later takes either pair for what is on disk, and one that knows only the old does not start.
    drop(open(root.path(), &clock, keys));
    let stranger = Ledger::open(root.path(), PREFIX, signer(1), Arc::clone(&clock) as Arc<dyn Clock>);
    assert!(matches!(stranger, Err(LedgerError::Checkpoint { .. })));
}

/// Data of a version that knew Ed25519 alone: what is there is signed with both keys when it is opened.
#[test]
fn a_log_of_one_key_gets_the_second() {
    let root = tempfile::tempdir().unwrap();
    let clock = Arc::new(Days(AtomicI64::new(0)));
    let ed25519 = SigningKey::from_seed(PREFIX, Zeroizing::new([1; 32])).unwrap();
    let mut ledger = open(root.path(), &clock, ed25519.into());
    ledger.append(&[(organization(), leaf(0))]).unwrap();
    ledger.publish().unwrap();
    drop(ledger);
    let mut ledger = open(root.path(), &clock, signer(1).into());
    assert_eq!(ledger.renew_checkpoints().unwrap().len(), 1);
    assert_eq!(signed_by(&ledger, organization()), [1]);
}
