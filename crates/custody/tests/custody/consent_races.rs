//! Consent under interleavings: choices, captures, builds, the worker and the person's own reading on many threads.
//!
//! What must hold at any interleaving: no record is handed to a build while its person's withdrawal is acknowledged and no new
//! yes was begun, and nothing captured incognito is ever handed over.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use bytes::Bytes;
use fiducia_custody::{
    AdminCommand, AdminReply, AnswerOutcome, Caller, CapturedAnswer, Custody, ExchangeOpening,
    RetentionCommand, TrainingTarget,
};
use fiducia_policy::{ConsentAct, ConsentChannel, ConsentPurpose, ConversationId, GroundKind, RecordClass};
use fiducia_wire::{Wire, outline};
use proptest::prelude::*;

use crate::consent_world::choice;
use crate::world::{World, anthropic, block_on};

const PEOPLE: usize = 3;
const BATCH: ConsentPurpose = ConsentPurpose::BatchTraining;

/// What the threads do, drawn by proptest.
#[derive(Debug, Clone)]
struct Script {
    /// For each person, how long (in looks of a build) it goes on between two changes.
    changes: Vec<Vec<u8>>,
    /// Captures: whose, and whether incognito.
    captures: Vec<(usize, bool)>,
    /// Rounds of each build.
    rounds: usize,
}

struct Person {
    open: Caller,
    incognito: Caller,
    /// Set before a yes is begun, taken away when a withdrawal is acknowledged.
    may_consent: AtomicBool,
}

/// What the threads found.
#[derive(Default)]
struct Found {
    opened: AtomicU64,
    violations: AtomicU64,
    /// Conversations that a build has set about.
    looks: AtomicU64,
}

fn people(world: &mut World) -> Vec<Person> {
    (0..PEOPLE)
        .map(|number| {
            let name = format!("racer-{number}");
            let mut caller = |class| {
                world.use_class(class);
                world.use_new_key(&name);
                world.custody().authenticate(world.secret()).unwrap()
            };
            let incognito = caller(Some(RecordClass::Incognito));
            let open = caller(None);
            Person { open, incognito, may_consent: AtomicBool::new(false) }
        })
        .collect()
}

fn capture(world: &World, caller: &Caller, body: &str) {
    let opening = ExchangeOpening {
        caller: caller.clone(),
        wire: Wire::AnthropicMessages,
        received_at: world.now(),
        body: Bytes::copy_from_slice(body.as_bytes()),
        outline: outline(Wire::AnthropicMessages, body.as_bytes()).unwrap(),
        covered: false,
        notices: Vec::new(),
    };
    let open = world.custody().begin(opening).unwrap();
    let answer = CapturedAnswer {
        status: 200,
        completed_at: world.now(),
        outcome: AnswerOutcome::Complete,
        body: Bytes::from_static(b"{}"),
        assembled: false,
        answer_id: None,
        served_model: None,
        assistant_fingerprints: Vec::new(),
        notices: Vec::new(),
    };
    block_on(open.answered(answer)).unwrap();
}

fn conversations(custody: &Custody) -> Vec<ConversationId> {
    let command = AdminCommand::ListConversations {
        organization: None,
        subject: None,
        deleted: true,
        limit: 1_000,
        after: None,
    };
    match custody.administer(command).unwrap() {
        AdminReply::Conversations(rows) => rows.iter().map(|row| row.id).collect(),
        _ => panic!("reply"),
    }
}

/// One build: everything that can be opened, each record looked at while it is handed over.
fn build(custody: &Custody, people: &[Person], found: &Found) {
    for id in conversations(custody) {
        let target = TrainingTarget::Conversation(id);
        found.looks.fetch_add(1, Ordering::SeqCst);
        let read = custody.open_for_training(BATCH, &target, &mut |record| {
            let text = String::from_utf8_lossy(&record.bytes).into_owned();
            let whose = (0..PEOPLE).find(|number| text.contains(&format!("racer-{number}")));
            // Answers hold nothing that says whose they are, so requests are what is looked at.
            let Some(whose) = whose else { return };
            let allowed = people[whose].may_consent.load(Ordering::SeqCst) && !text.contains("incognito");
            found.violations.fetch_add(u64::from(!allowed), Ordering::SeqCst);
        });
        found.opened.fetch_add(read.unwrap().opened, Ordering::SeqCst);
    }
}

/// Changes a person's mind, at paces that the builds set while there are any.
fn change(custody: &Custody, person: &Person, pauses: &[u8], (looks, building): (&AtomicU64, &AtomicU64)) {
    for (step, pause) in pauses.iter().enumerate() {
        let until = looks.load(Ordering::SeqCst) + u64::from(*pause % 3);
        while looks.load(Ordering::SeqCst) < until && building.load(Ordering::SeqCst) > 0 {
            std::thread::yield_now();
        }
        if step % 2 == 0 {
            person.may_consent.store(true, Ordering::SeqCst);
            custody.choose(&person.open, ConsentChannel::Settings, choice(ConsentAct::Give)).unwrap();
        } else {
            custody.choose(&person.open, ConsentChannel::Settings, choice(ConsentAct::Withdraw)).unwrap();
            // Only now is it acknowledged: from here on nothing may be handed over.
            person.may_consent.store(false, Ordering::SeqCst);
        }
    }
}

fn race(script: &Script) -> (World, Found) {
    let mut world = World::of_consumers();
    let people = people(&mut world);
    for (number, person) in people.iter().enumerate() {
        capture(&world, &person.open, &anthropic(&[&format!("racer-{number} begins")]));
        capture(&world, &person.incognito, &anthropic(&[&format!("racer-{number} incognito")]));
    }
    let found = Found::default();
    let looks = AtomicU64::new(0);
    let building = AtomicU64::new(2);
    let (world_ref, people_ref, found_ref, looks_ref, building_ref) =
        (&world, &people, &found, &looks, &building);
    let custody = world.custody().clone();
    std::thread::scope(|scope| {
        for (person, pauses) in people_ref.iter().zip(&script.changes) {
            let custody = custody.clone();
            scope.spawn(move || change(&custody, person, pauses, (looks_ref, building_ref)));
        }
        for _ in 0..2 {
            let custody = custody.clone();
            scope.spawn(move || {
                for _ in 0..script.rounds {
                    build(&custody, people_ref, found_ref);
                    looks_ref.fetch_add(1, Ordering::SeqCst);
                }
                building_ref.fetch_sub(1, Ordering::SeqCst);
            });
        }
        scope.spawn(move || {
            for (turn, (whose, is_incognito)) in script.captures.iter().enumerate() {
                let person = &people_ref[*whose];
                let (caller, what) =
                    if *is_incognito { (&person.incognito, "incognito") } else { (&person.open, "open") };
                capture(world_ref, caller, &anthropic(&[&format!("racer-{whose} {what} {turn}")]));
            }
        });
        let worker = custody.clone();
        scope.spawn(move || {
            for _ in 0..20 {
                worker.administer(AdminCommand::Govern(RetentionCommand::Step)).unwrap();
            }
        });
    });
    // In the end everybody agrees, and everything that may be is opened, whatever the keys went through.
    for person in &people {
        person.may_consent.store(true, Ordering::SeqCst);
        custody.choose(&person.open, ConsentChannel::Settings, choice(ConsentAct::Give)).unwrap();
    }
    build(&custody, &people, &found);
    for person in &people {
        custody.choose(&person.open, ConsentChannel::Settings, choice(ConsentAct::Withdraw)).unwrap();
        person.may_consent.store(false, Ordering::SeqCst);
    }
    build(&custody, &people, &found);
    (world, found)
}

fn scripts() -> impl Strategy<Value = Script> {
    (
        proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..7), PEOPLE),
        proptest::collection::vec((0..PEOPLE, any::<bool>()), 0..8),
        1_usize..4,
    )
        .prop_map(|(changes, captures, rounds)| Script { changes, captures, rounds })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, max_shrink_iters: 0, ..ProptestConfig::default() })]

    #[test]
    fn no_record_of_somebody_who_does_not_consent_is_opened_at_any_interleaving(script in scripts()) {
        let (mut world, found) = race(&script);
        prop_assert_eq!(found.violations.load(Ordering::SeqCst), 0);
        prop_assert!(found.opened.load(Ordering::SeqCst) > 0, "the builds must have had something to open");
        prop_assert_eq!(world.keys().consent_paths().unwrap(), 0);
        world.sweep();
        for id in world.conversations() {
            prop_assert!(world.show(id, GroundKind::Service).is_ok(), "its person reads on");
        }
        world.verify_ledger();
    }
}

/// Times that a build and a withdrawal of the same person are let loose on each other.
const DUELS: usize = 8;

/// The child's part: a build and a withdrawal side by side, again and again, with whatever fault the environment plants. Says
/// what it found.
#[test]
fn work() {
    let mut world = World::of_consumers();
    let person = people(&mut world).swap_remove(0);
    capture(&world, &person.open, &anthropic(&["racer-0 begins"]));
    let found = Found::default();
    let custody = world.custody().clone();
    let chosen = [person];
    for _ in 0..DUELS {
        chosen[0].may_consent.store(true, Ordering::SeqCst);
        custody.choose(&chosen[0].open, ConsentChannel::Settings, choice(ConsentAct::Give)).unwrap();
        let (begins, begun) = std::sync::mpsc::channel();
        std::thread::scope(|scope| {
            let (custody_ref, chosen_ref, found_ref) = (&custody, &chosen, &found);
            scope.spawn(move || {
                begins.send(()).unwrap();
                build(custody_ref, chosen_ref, found_ref);
            });
            begun.recv().unwrap();
            // The build opens the only conversation as soon as it has the list; the withdrawal comes at any moment of that.
            while found.looks.load(Ordering::SeqCst) == 0 {
                std::thread::yield_now();
            }
            custody.choose(&chosen[0].open, ConsentChannel::Settings, choice(ConsentAct::Withdraw)).unwrap();
            chosen[0].may_consent.store(false, Ordering::SeqCst);
        });
        found.looks.store(0, Ordering::SeqCst);
    }
    let violations = found.violations.load(Ordering::SeqCst);
    crate::world::tell(&format!("VIOLATIONS {violations}"));
    if std::env::var_os("FIDUCIA_FAULT").is_none() {
        assert_eq!(violations, 0);
    }
}

#[cfg(feature = "fault-injection")]
#[test]
fn a_planted_race_is_caught() {
    use std::io::BufRead;
    use std::process::{Command, Stdio};

    for (fault, expect) in
        [("none", false), ("training-outlives-lock", true), ("withdrawal-without-lock", true)]
    {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args(["--exact", "consent_races::work", "--nocapture", "--test-threads=1"])
            .env("FIDUCIA_FAULT", fault)
            .stderr(Stdio::null());
        let (mut child, said) = crate::world::spawn(&mut command);
        let said: Vec<String> = said.lines().map(Result::unwrap).collect();
        child.wait().unwrap();
        let found =
            said.iter().find_map(|line| line.strip_prefix("VIOLATIONS ")).expect("it said what it found");
        assert_eq!(found.parse::<u64>().unwrap() > 0, expect, "{fault}: {found} violations");
    }
}
