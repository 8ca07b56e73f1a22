//! Witnesses over real sockets: a log that grows is cosigned, a log that was cut or rewritten is not served.

use std::cell::Cell;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use fiducia_custody::{
    AdminCommand, AdminError, AdminReply, Custody, DestructionScope, LogKeyCommand, LogKeyReply, WhenShort,
};
use fiducia_ledger::{
    CosignerKey, Event, LogReader, LoggedLeaf, TrustedLogs, VerifierKey, WitnessFolder, WitnessKey,
};
use fiducia_policy::{AccessReason, Timestamp};
use fiducia_server::{
    RunningWitness, Witness, WitnessAddress, Witnessed, Witnessing, WitnessingSettings, WitnessingThread,
};
use zeroize::Zeroizing;

use crate::app::{App, AppSettings, TestClock};
use crate::client::send;
use crate::upstream::{Act, Upstream, answer};

const BODY: &[u8] = br#"{"model":"claude-x","max_tokens":9,"messages":[{"role":"user","content":"hi"}]}"#;

struct Stand {
    app: App,
    _upstream: Upstream,
}

impl Stand {
    fn new() -> Self {
        let said = answer("200 OK", &[("content-type", "application/json")], b"{}");
        let upstream = Upstream::start((0..9).map(|_| vec![Act::Say(said.clone())]).collect());
        let app = AppSettings::new(upstream.address).start();
        Self { app, _upstream: upstream }
    }

    fn key(&self) -> VerifierKey {
        self.app.custody.ledger_verifier_key(self.app.organization).parse().unwrap()
    }

    fn ledger(&self) -> PathBuf {
        self.app.data().join("ledger")
    }

    fn size(&self) -> u64 {
        let log = self.ledger().join(self.app.organization.uuid());
        LogReader::open(&log, &self.key()).map_or(0, |log| log.checkpoint().size)
    }

    /// One more exchange, and the entry that it makes in the log.
    fn grow(&self) {
        let before = self.size();
        assert_eq!(self.app.post("/v1/messages", &[], BODY).status, 200);
        let deadline = std::time::Instant::now() + Duration::from_secs(20);
        while self.size() <= before {
            assert!(std::time::Instant::now() < deadline, "the log does not grow");
            std::thread::yield_now();
        }
    }

    /// The logs of this stand as a witness knows them.
    fn trusted(&self) -> TrustedLogs {
        let mut logs = TrustedLogs::default();
        logs.add_family(self.key().renamed("ledger.test/log").unwrap());
        logs
    }

    fn witnessing(
        &self,
        ledger: &Path,
        kept: &Path,
        witnesses: &[(&RunningWitness, CosignerKey)],
    ) -> Witnessing {
        let settings = WitnessingSettings {
            witnesses: witnesses
                .iter()
                .map(|(running, key)| WitnessAddress {
                    url: format!("http://{}", running.address()),
                    key: key.clone(),
                    ca_file: None,
                })
                .collect(),
            quorum: witnesses.len(),
            interval: Duration::from_millis(20),
            starts_unwitnessed: false,
            when_short: WhenShort::Mark,
            ledger_directory: ledger.to_owned(),
            directory: kept.to_owned(),
        };
        Witnessing::new(settings, custody(&self.app)).unwrap()
    }
}

fn custody(app: &App) -> Custody {
    app.custody.clone()
}

fn started(folder: &Path, seed: u8, logs: TrustedLogs, clock: TestClock) -> (RunningWitness, CosignerKey) {
    started_at("127.0.0.1:0".parse().unwrap(), folder, seed, logs, clock)
}

fn started_at(
    address: SocketAddr,
    folder: &Path,
    seed: u8,
    logs: TrustedLogs,
    clock: TestClock,
) -> (RunningWitness, CosignerKey) {
    let name = format!("witness.example/w{seed}");
    let key = WitnessKey::from_seed(&name, Zeroizing::new([seed; 32])).unwrap();
    let verifier = key.verifier();
    let folder = WitnessFolder::open(&folder.join(format!("w{seed}"))).unwrap();
    let witness = Witness { key, folder, logs, clock: Arc::new(clock) };
    (RunningWitness::start(address, witness).unwrap(), verifier)
}

fn wait<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() { copy(&path, &target) } else { std::fs::copy(&path, &target).map(drop).unwrap() }
    }
}

#[test]
fn a_growing_log_is_cosigned_by_every_witness_and_a_cut_one_is_not_served() {
    let stand = Stand::new();
    let folder = tempfile::tempdir().unwrap();
    let (one, one_key) = started(folder.path(), 1, stand.trusted(), stand.app.clock.clone());
    let (two, two_key) = started(folder.path(), 2, stand.trusted(), stand.app.clock.clone());
    let witnesses = [(&one, one_key.clone()), (&two, two_key.clone())];
    let kept = folder.path().join("witnessed");
    let mut witnessing = stand.witnessing(&stand.ledger(), &kept, &witnesses);
    stand.grow();
    let backup = folder.path().join("backup");
    copy(&stand.ledger(), &backup);
    for _ in 0..3 {
        stand.grow();
        wait(witnessing.compare()).unwrap();
        let all = wait(witnessing.round()).unwrap();
        assert_eq!(
            all,
            [Witnessed { origin: stand.key().name().to_owned(), size: stand.size(), cosignatures: 2 }]
        );
        let file = kept.join(format!("{}.checkpoint", stand.app.organization.uuid()));
        let note = std::fs::read(&file).unwrap();
        for key in [&one_key, &two_key] {
            assert_eq!(key.cosigned_at(&note).unwrap().as_second(), stand.app.clock.now_seconds());
        }
    }
    // The same checkpoint is not sent again, and what is kept is found by another process.
    drop(one);
    drop(two);
    assert_eq!(wait(witnessing.round()).unwrap()[0].cosignatures, 2);
    let (one, _) = started(folder.path(), 1, stand.trusted(), stand.app.clock.clone());
    let mut restored = stand.witnessing(&backup, &folder.path().join("other"), &[(&one, one_key.clone())]);
    let refused = wait(restored.compare()).unwrap_err().to_string();
    assert!(refused.contains("entries are missing here"), "{refused}");
    assert_eq!(wait(restored.round()).unwrap()[0].cosignatures, 0, "nor is it cosigned");
    let empty = folder.path().join("empty");
    let mut removed = stand.witnessing(&empty, &folder.path().join("other"), &[(&one, one_key)]);
    let refused = wait(removed.compare()).unwrap_err().to_string();
    assert!(refused.contains("this log has 0"), "a log that is gone: {refused}");
}

#[test]
fn a_rewritten_history_is_seen_by_the_witness_and_by_nothing_else() {
    // Two servers with the same keys: one shows the witness its history, the other has another one that is no shorter.
    let (honest, rewritten) = (Stand::new(), Stand::new());
    assert_eq!(honest.key(), rewritten.key(), "the planted case: the owner of the key rewrites");
    honest.grow();
    let planted = br#"{"model":"claude-x","max_tokens":9,"messages":[{"role":"user","content":"another"}]}"#;
    assert_eq!(rewritten.app.post("/v1/messages", &[], planted).status, 200);
    // How many entries an exchange makes depends on what is committed together.
    while rewritten.size() < honest.size() {
        rewritten.grow();
    }
    let log = rewritten.ledger().join(rewritten.app.organization.uuid());
    fiducia_ledger::verify_log(&log, &rewritten.key()).expect("every check of itself passes");
    let folder = tempfile::tempdir().unwrap();
    let (witness, key) = started(folder.path(), 3, honest.trusted(), honest.app.clock.clone());
    let mut shown = honest.witnessing(&honest.ledger(), &folder.path().join("a"), &[(&witness, key.clone())]);
    wait(shown.compare()).unwrap();
    wait(shown.round()).unwrap();
    let mut other = rewritten.witnessing(&rewritten.ledger(), &folder.path().join("b"), &[(&witness, key)]);
    let refused = wait(other.compare()).unwrap_err().to_string();
    assert!(refused.contains("another history"), "{refused}");
    assert_eq!(wait(other.round()).unwrap()[0].cosignatures, 0);
}

#[test]
fn a_start_without_witnesses_is_refused_unless_the_settings_say_otherwise() {
    let stand = Stand::new();
    stand.grow();
    let folder = tempfile::tempdir().unwrap();
    let (witness, key) = started(folder.path(), 4, stand.trusted(), stand.app.clock.clone());
    let mut witnessing = stand.witnessing(&stand.ledger(), &folder.path().join("a"), &[(&witness, key)]);
    drop(witness);
    let refused = wait(witnessing.compare()).unwrap_err().to_string();
    assert!(refused.contains("0 of the 1 witnesses"), "{refused}");
    assert_eq!(wait(witnessing.round()).unwrap()[0].cosignatures, 0, "served on, and said");
}

#[test]
fn a_witness_refuses_by_the_statuses_of_the_protocol() {
    let stand = Stand::new();
    let folder = tempfile::tempdir().unwrap();
    let (witness, _) = started(folder.path(), 5, stand.trusted(), stand.app.clock.clone());
    let post = |body: &str| send(witness.address(), "POST", "/add-checkpoint", &[], body.as_bytes()).status;
    assert_eq!(post("x"), 400);
    assert_eq!(
        post(
            "old 0\n\nother.example/log\n1\nCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQk=\n\n\u{2014} a AAAAAAA=\n"
        ),
        404
    );
    assert_eq!(post(&"x".repeat(80_000)), 413);
    let get = |path: &str| send(witness.address(), "GET", path, &[], b"").status;
    assert_eq!(get(&format!("/{}/checkpoint", "0".repeat(64))), 404);
    assert_eq!(get("/../checkpoint"), 404);
}

/// The Ed25519 keys of the stand's log by pair, those that sign first.
fn log_keys(stand: &Stand) -> Vec<VerifierKey> {
    let list = LogKeyCommand::List { organization: stand.app.organization };
    let AdminReply::LogKeys(LogKeyReply::Keys(keys)) =
        stand.app.custody.administer(AdminCommand::LogKeys(list)).unwrap()
    else {
        panic!("reply")
    };
    let ed25519 = keys.keys.iter().filter(|row| row.algorithm == "ed25519");
    ed25519.map(|row| row.verifier_key.parse().unwrap()).collect()
}

#[test]
fn a_change_of_the_logs_keys_stops_no_witness_that_knows_both() {
    const DAYS_31: i64 = 31 * 86_400;
    let stand = Stand::new();
    stand.grow();
    let folder = tempfile::tempdir().unwrap();
    let kept = folder.path().join("witnessed");
    let announce = LogKeyCommand::Announce {
        signs_from: Some(Timestamp::from_second(stand.app.clock.now_seconds() + DAYS_31).unwrap()),
        compromised: false,
    };
    stand.app.custody.administer(AdminCommand::LogKeys(announce)).unwrap();
    let (present, next) = match log_keys(&stand).as_slice() {
        [present, next] => (present.clone(), next.clone()),
        other => panic!("{other:?}"),
    };
    assert_eq!(present, stand.key());
    // The operator of the witness adds the next key beside the present one, before its day.
    let mut trusted = TrustedLogs::default();
    trusted.add_family(present.clone());
    trusted.add_family(next.clone());
    let (witness, key) = started(folder.path(), 8, trusted, stand.app.clock.clone());
    let mut witnessing = stand.witnessing(&stand.ledger(), &kept, &[(&witness, key.clone())]);
    wait(witnessing.compare()).unwrap();
    assert_eq!(wait(witnessing.round()).unwrap()[0].cosignatures, 1, "by the present key");
    let file = kept.join(format!("{}.checkpoint", stand.app.organization.uuid()));
    fiducia_ledger::verify_note(&std::fs::read(&file).unwrap(), &present).unwrap();

    stand.app.clock.advance(DAYS_31 + 1);
    stand.app.custody.administer(AdminCommand::Sweep { limit: None }).unwrap();
    assert_eq!(stand.key(), next, "its day has come");
    for _ in 0..2 {
        assert_eq!(wait(witnessing.round()).unwrap()[0].cosignatures, 1, "by the next key");
        let note = std::fs::read(&file).unwrap();
        fiducia_ledger::verify_note(&note, &next).unwrap();
        key.cosigned_at(&note).unwrap();
        stand.grow();
    }
    // Once the next key has signed what is held, the former one may go; so it may before, for the witness knows its own word.
    drop(witness);
    let mut trusted = TrustedLogs::default();
    trusted.add_family(next);
    let (witness, key) = started(folder.path(), 8, trusted, stand.app.clock.clone());
    let mut again = stand.witnessing(&stand.ledger(), &kept, &[(&witness, key)]);
    wait(again.compare()).unwrap();
    assert_eq!(wait(again.round()).unwrap()[0].cosignatures, 1);
}

#[test]
fn a_witness_whose_operator_changes_a_compromised_key_remembers_what_it_cosigned() {
    let stand = Stand::new();
    stand.grow();
    let folder = tempfile::tempdir().unwrap();
    let kept = folder.path().join("witnessed");
    let backup = folder.path().join("backup");
    copy(&stand.ledger(), &backup);
    stand.grow();
    let (witness, key) = started(folder.path(), 9, stand.trusted(), stand.app.clock.clone());
    let mut witnessing = stand.witnessing(&stand.ledger(), &kept, &[(&witness, key)]);
    wait(witnessing.compare()).unwrap();
    wait(witnessing.round()).unwrap();
    drop(witness);
    let announce = LogKeyCommand::Announce { signs_from: None, compromised: true };
    stand.app.custody.administer(AdminCommand::LogKeys(announce)).unwrap();
    // Only the next key is trusted from now on; what is held was signed by the former one alone.
    let (witness, key) = started(folder.path(), 9, stand.trusted(), stand.app.clock.clone());
    let mut restored = stand.witnessing(&backup, &folder.path().join("other"), &[(&witness, key.clone())]);
    let refused = wait(restored.compare()).unwrap_err().to_string();
    assert!(refused.contains("entries are missing here"), "{refused}");
    let mut witnessing = stand.witnessing(&stand.ledger(), &kept, &[(&witness, key)]);
    wait(witnessing.compare()).unwrap();
    assert_eq!(wait(witnessing.round()).unwrap()[0].cosignatures, 1);
}

/// A stand that is witnessed while it runs, and a witness that can go away and come back.
struct Watched {
    stand: Stand,
    folder: tempfile::TempDir,
    address: SocketAddr,
    witness: Option<RunningWitness>,
    /// Looks that were shown something.
    shown: Cell<usize>,
    _thread: WitnessingThread,
}

impl Watched {
    fn new(seed: u8, rule: WhenShort) -> Self {
        let stand = Stand::new();
        stand.grow();
        let folder = tempfile::tempdir().unwrap();
        let (witness, key) = started(folder.path(), seed, stand.trusted(), stand.app.clock.clone());
        let kept = folder.path().join("witnessed");
        let witnessing = stand.witnessing(&stand.ledger(), &kept, &[(&witness, key)]);
        stand.app.custody.witness_gate().require(rule);
        let address = witness.address();
        let thread = WitnessingThread::start(witnessing).unwrap();
        Self { stand, folder, address, witness: Some(witness), shown: Cell::default(), _thread: thread }
    }

    fn witness_goes(&mut self) {
        self.witness = None;
    }

    fn witness_comes_back(&mut self, seed: u8) {
        let (trusted, clock) = (self.stand.trusted(), self.stand.app.clock.clone());
        self.witness = Some(started_at(self.address, self.folder.path(), seed, trusted, clock).0);
    }

    /// Reads the only conversation, as a person.
    fn read(&self) -> Result<u64, AdminError> {
        let custody = &self.stand.app.custody;
        let list = AdminCommand::ListConversations {
            organization: None,
            subject: None,
            deleted: false,
            limit: 1,
            after: None,
        };
        let AdminReply::Conversations(rows) = custody.administer(list).unwrap() else { panic!("reply") };
        let show = AdminCommand::ShowRecords {
            target: DestructionScope::Conversation(rows[0].id),
            actor: "tester".to_owned(),
            reason: AccessReason::CustomerSupport,
            ticket: Some("T-1".to_owned()),
            ground: None,
            reveal: false,
        };
        match custody.administer(show)? {
            AdminReply::Content(content) => {
                self.shown.set(self.shown.get() + 1);
                Ok(content.ledger_index)
            }
            _ => panic!("reply"),
        }
    }

    /// How many looks the published log tells of, with the entry of this index as the last.
    fn logged_up_to(&self, last: u64) -> usize {
        let deadline = std::time::Instant::now() + Duration::from_secs(20);
        while self.stand.size() <= last {
            assert!(std::time::Instant::now() < deadline, "the last look is not published");
            std::thread::yield_now();
        }
        let log = self.stand.ledger().join(self.stand.app.organization.uuid());
        let log = LogReader::open(&log, &self.stand.key()).unwrap();
        let events = log.entries(0).map(|entry| LoggedLeaf::parse(&entry.unwrap().1).unwrap().leaf.event);
        events.filter(|event| matches!(event, Event::RecordAccess(_))).count()
    }

    /// Reads until it comes out as wished.
    fn reads_until(&self, wished: impl Fn(&Result<u64, AdminError>) -> bool) -> Result<u64, AdminError> {
        let deadline = std::time::Instant::now() + Duration::from_secs(30);
        loop {
            let read = self.read();
            if wished(&read) {
                return read;
            }
            assert!(std::time::Instant::now() < deadline, "{read:?}");
        }
    }

    fn unwitnessed(&self) -> u64 {
        self.stand.app.custody.metrics().unwitnessed_entries
    }
}

#[test]
fn readers_wait_for_the_quorum_and_are_refused_when_it_does_not_come_back() {
    let patient = WhenShort::Wait(Duration::from_mins(1));
    let mut watched = Watched::new(6, patient);
    let index = watched.read().unwrap();
    watched.witness_goes();
    watched.stand.app.custody.witness_gate().require(WhenShort::Wait(Duration::ZERO));
    let refused = watched.read().unwrap_err().to_string();
    assert!(refused.contains("nothing was decrypted") && refused.contains("stays in the log"), "{refused}");
    assert!(watched.stand.size() > index + 1, "the entry of the look that came to nothing is there");
    watched.stand.app.custody.witness_gate().require(patient);
    watched.witness_comes_back(6);
    assert!(watched.read().unwrap() > index + 1);
}

#[test]
fn nobody_reads_while_too_few_cosign_where_that_is_the_rule() {
    let mut watched = Watched::new(7, WhenShort::Refuse);
    watched.reads_until(Result::is_ok).unwrap();
    watched.witness_goes();
    // What was cosigned before it went is whole; the first look after that is not.
    let refused = watched.reads_until(Result::is_err).unwrap_err().to_string();
    assert!(refused.contains("Nothing was logged"), "{refused}");
    assert!(watched.read().is_err());
    watched.witness_comes_back(7);
    let last = watched.reads_until(Result::is_ok).unwrap();
    assert_eq!(
        watched.logged_up_to(last),
        watched.shown.get(),
        "who is turned away leaves no entry of a look"
    );
}

#[test]
fn reading_goes_on_with_a_mark_and_the_mark_goes_when_the_witness_is_back() {
    let mut watched = Watched::new(8, WhenShort::Mark);
    let deadline = std::time::Instant::now() + Duration::from_secs(30);
    let settles = |watched: &Watched, marked: bool| {
        while (watched.unwitnessed() > 0) != marked {
            assert!(
                std::time::Instant::now() < deadline,
                "{} entries are not witnessed",
                watched.unwitnessed()
            );
            std::thread::yield_now();
        }
    };
    watched.witness_goes();
    watched.read().unwrap();
    settles(&watched, true);
    let scrape = send(watched.stand.app.operations, "GET", "/metrics", &[], b"").text().to_string();
    let line = scrape.lines().find(|line| line.starts_with("fiducia_unwitnessed ")).unwrap();
    assert!(!line.ends_with(" 0"), "{line}");
    watched.witness_comes_back(8);
    settles(&watched, false);
}
