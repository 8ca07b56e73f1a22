//! Does `kill -9` lose an answered exchange, or keep one twice?
//!
//! The clients run in this process and note what was acknowledged to them; the program is killed in the middle. The same
//! harness must notice a program that acknowledges before it commits.

use std::collections::HashSet;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use crate::harness::http::Connection;
use crate::harness::note;
use crate::harness::program;
use crate::harness::records;
use crate::harness::seeded::Seeded;
use crate::harness::server::Server;
use crate::harness::site::{Site, Tenant};
use crate::harness::traffic::{Acknowledged, Outcome, Way, ask};
use crate::harness::upstream::Upstream;

/// Clients at work at a time.
const CLIENTS: usize = 16;
/// Rounds unless `FIDUCIA_CRASH_ROUNDS` says otherwise.
const ROUNDS: u64 = 10;
/// Requests of a round unless `FIDUCIA_CRASH_REQUESTS` says otherwise; `records list` shows as many conversations.
const REQUESTS: u64 = 1_000;
/// Rounds within which a planted early acknowledgement must show, and requests of each.
const FAULTY_ROUNDS: u64 = 20;
/// See [`FAULTY_ROUNDS`].
const FAULTY_REQUESTS: u64 = 200;
/// After the chosen acknowledgement the kill comes up to this much later, to hit the steps between two of them.
const JITTER_MICROS: u64 = 3_000;
/// Where the random points come from.
const SEED: u64 = 20_261_121;

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |value| value.parse().unwrap())
}

/// One round: requests from all clients until the server is killed, which is after `kill_after` acknowledgements.
struct Round {
    number: u64,
    requests: usize,
    kill_after: u64,
    jitter: Duration,
}

/// Runs `round` against a server that `command` starts; what was acknowledged.
fn run(site: &Site, tenant: &Tenant, command: Command, round: &Round) -> Vec<Acknowledged> {
    let server = Server::start_command(site, command).unwrap_or_else(|log| panic!("no start:\n{log}"));
    let next = AtomicUsize::new(0);
    let acknowledged = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        let (sender, receiver) = channel();
        for _ in 0..CLIENTS {
            let sender = sender.clone();
            let (next, acknowledged) = (&next, &acknowledged);
            scope.spawn(move || client(site, tenant, round, next, acknowledged, &sender));
        }
        drop(sender);
        wait(&receiver, round);
        drop(server);
    });
    acknowledged.into_inner().unwrap()
}

/// Asks until the requests are used up or the server is gone.
fn client(
    site: &Site,
    tenant: &Tenant,
    round: &Round,
    next: &AtomicUsize,
    acknowledged: &Mutex<Vec<Acknowledged>>,
    sender: &Sender<()>,
) {
    let Ok(mut connection) = Connection::open(site.gateway) else { return };
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number >= round.requests {
            return;
        }
        let text = format!("round {} request {number}", round.number);
        match ask(&mut connection, tenant, Way::nth(number), &text) {
            Ok(Outcome::Acknowledged(answer)) => {
                acknowledged.lock().unwrap().push(answer);
                // The receiver is gone once the kill is decided.
                let _decided = sender.send(());
            }
            Ok(Outcome::NotAcknowledged(_)) | Err(_) => return,
        }
    }
}

/// Returns at the moment to kill: after the chosen acknowledgement and the jitter.
fn wait(receiver: &Receiver<()>, round: &Round) {
    for _ in 0..round.kill_after {
        if receiver.recv().is_err() {
            return;
        }
    }
    let until = Instant::now() + round.jitter;
    while Instant::now() < until {
        std::hint::spin_loop();
    }
}

fn command(site: &Site, program: &Path, fault: Option<&str>) -> Command {
    let mut command = site.command_of(program);
    if let Some(fault) = fault {
        command.env("FIDUCIA_FAULT", fault);
    }
    command
}

fn round(number: u64, requests: u64, seeded: &mut Seeded) -> Round {
    Round {
        number,
        requests: usize::try_from(requests).unwrap(),
        kill_after: 1 + seeded.below(requests),
        jitter: Duration::from_micros(seeded.below(JITTER_MICROS)),
    }
}

#[test]
fn every_answered_exchange_survives_kill_9_exactly_once() {
    let (rounds, requests) =
        (setting("FIDUCIA_CRASH_ROUNDS", ROUNDS), setting("FIDUCIA_CRASH_REQUESTS", REQUESTS).min(1_000));
    let upstream = Upstream::start();
    let site = Site::new(upstream.address());
    let tenant = site.tenant("crash");
    let mut seeded = Seeded::new(SEED);
    let mut total = 0;
    let mut exchanges = HashSet::new();
    for number in 0..rounds {
        let round = round(number, requests, &mut seeded);
        let acknowledged = run(&site, &tenant, command(&site, program::plain(), None), &round);
        assert!(!acknowledged.is_empty(), "round {number}: nothing was answered before the kill");
        assert_eq!(records::losses(&site, &acknowledged), Vec::<String>::new(), "round {number}");
        site.verify_ledger();
        let sample = &acknowledged[usize::try_from(seeded.below(acknowledged.len() as u64)).unwrap()];
        check_content(&site, sample);
        total += acknowledged.len();
        exchanges.extend(acknowledged.into_iter().map(|answer| answer.exchange));
    }
    assert_eq!(exchanges.len(), total, "an exchange id was given out twice");
    note(&format!(
        "crash: {rounds} kills, {total} acknowledged exchanges, none lost, none twice, ledger verified {rounds} times"
    ));
}

fn check_content(site: &Site, sample: &Acknowledged) {
    let stored = records::by_exchange(site);
    let record = &stored[&sample.exchange]["request"][0];
    let messages = records::messages(&records::show(site, record));
    assert_eq!(messages, [("user".to_owned(), sample.text.clone())]);
}

#[test]
fn a_program_that_acknowledges_before_the_commit_is_caught() {
    let upstream = Upstream::start();
    let site = Site::new(upstream.address());
    let tenant = site.tenant("crash");
    let mut seeded = Seeded::new(SEED);
    let mut lost = 0;
    for number in 0..FAULTY_ROUNDS {
        // No jitter: the fault shows when the kill comes between an acknowledgement and its commit.
        let round = Round { jitter: Duration::ZERO, ..round(number, FAULTY_REQUESTS, &mut seeded) };
        let faulty = command(&site, program::faulty(), Some("acknowledge-before-commit"));
        let acknowledged = run(&site, &tenant, faulty, &round);
        lost += records::losses(&site, &acknowledged).len();
        if lost > 0 {
            note(&format!(
                "crash: acknowledging before the commit is caught in round {number}: {lost} records are missing"
            ));
            return;
        }
    }
    panic!("{FAULTY_ROUNDS} rounds with a planted early acknowledgement lost nothing: the harness is blind");
}
