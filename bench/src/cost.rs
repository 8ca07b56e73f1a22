//! Processor time for each request and for each delta, against nginx.

use std::time::Duration;

use crate::failure::Failure;
use crate::processor::time_used;
use crate::report;
use crate::script::{self, Answering, History};
use crate::subject::{self, Subject};
use crate::traffic::{Load, Pace, Traffic};

const CONNECTIONS: usize = 16;
const DELTAS: usize = 200;
const DELTA_PAUSE: Duration = Duration::from_millis(1);

/// What one kind of load costs two programs, round by round, in microseconds for each unit.
struct Costs {
    nginx: Vec<f64>,
    fiducia: Vec<f64>,
    ratios: Vec<f64>,
}

/// One kind of load.
#[derive(Clone, Copy)]
struct Kind {
    history: History,
    answering: Answering,
    pace: Pace,
    connections: usize,
    /// Units that one answer counts for.
    units: f64,
}

/// `gateway`
///
/// # Errors
/// When a program fails or answers wrongly.
pub(crate) fn requests(rounds: u32, seconds: u32) -> Result<(), Failure> {
    let mut traffic = Traffic::new()?;
    let subjects = both(&mut traffic)?;
    let pace = Pace::Closed(Duration::from_secs(seconds.into()));
    let prompt = Kind {
        history: History::Known,
        answering: Answering::PROMPT,
        pace,
        connections: CONNECTIONS,
        units: 1.0,
    };
    report::line("processor time for each request: 1 KB each way, one core, capture, sealing and ledger on");
    report::line(
        "\nas fast as 16 connections go, each request a later turn of one of 251 known conversations:",
    );
    costs(&mut traffic, &subjects, prompt, rounds)?.print("us", "3.20");
    report::line("\nthe same, each request a conversation of its own, with a key of its own:");
    costs(&mut traffic, &subjects, Kind { history: History::None, ..prompt }, rounds)?.print("us", "3.20");
    let requests = u64::from(seconds) * 1_000;
    let calm = Kind {
        answering: Answering { delay: Duration::from_millis(20), stream: None },
        pace: Pace::Open { requests, interval: Duration::from_millis(1) },
        connections: 64,
        ..prompt
    };
    report::line("\n1,000 requests a second before a provider that takes 20 ms, later turns:");
    costs(&mut traffic, &subjects, calm, rounds)?.print("us", "3.20");
    Ok(())
}

/// `stream`
///
/// # Errors
/// When a program fails or answers wrongly.
#[expect(clippy::cast_precision_loss, reason = "a few hundred deltas")]
pub(crate) fn deltas(rounds: u32, seconds: u32) -> Result<(), Failure> {
    let mut traffic = Traffic::new()?;
    let subjects = both(&mut traffic)?;
    let kind = Kind {
        history: History::Known,
        answering: Answering { delay: Duration::ZERO, stream: Some((DELTAS, DELTA_PAUSE)) },
        pace: Pace::Closed(Duration::from_secs(seconds.into())),
        connections: CONNECTIONS,
        units: DELTAS as f64,
    };
    report::line(
        "processor time for each delta: 16 streams of 200 deltas, one every millisecond, capture, sealing and",
    );
    report::line("ledger on; the cost of the requests is in it");
    costs(&mut traffic, &subjects, kind, rounds)?.print("us", "1.20");
    Ok(())
}

/// Starts both programs and makes the history known.
fn both(traffic: &mut Traffic) -> Result<[Subject; 2], Failure> {
    let subjects = [subject::nginx(traffic.provider())?, subject::fiducia(traffic.provider())?];
    make_known(traffic, &subjects[1])?;
    Ok(subjects)
}

/// Sends the messages that later requests bring along.
///
/// # Errors
/// When the answer is wrong.
pub(crate) fn make_known(traffic: &mut Traffic, subject: &Subject) -> Result<(), Failure> {
    let load = Load {
        subject: subject.name,
        target: subject.address,
        connections: 1,
        pace: Pace::Open { requests: script::KNOWN_CONVERSATIONS.into(), interval: Duration::ZERO },
        request: script::opening(&subject.key),
        answering: Answering::PROMPT,
    };
    traffic.run(&load).map(drop)
}

fn costs(traffic: &mut Traffic, subjects: &[Subject; 2], kind: Kind, rounds: u32) -> Result<Costs, Failure> {
    let mut costs = Costs { nginx: Vec::new(), fiducia: Vec::new(), ratios: Vec::new() };
    let [nginx, fiducia] = subjects;
    // Connections are opened and caches filled outside of what is measured.
    for subject in subjects {
        let brief = Kind { pace: Pace::Closed(Duration::from_millis(500)), ..kind };
        cost(traffic, subject, brief)?;
    }
    for _ in 0..rounds {
        let (by_nginx, by_fiducia) = (cost(traffic, nginx, kind)?, cost(traffic, fiducia, kind)?);
        costs.nginx.push(by_nginx);
        costs.fiducia.push(by_fiducia);
        costs.ratios.push(by_fiducia / by_nginx);
    }
    Ok(costs)
}

#[expect(clippy::cast_precision_loss, reason = "counts of requests are far below 2^52")]
fn cost(traffic: &mut Traffic, subject: &Subject, kind: Kind) -> Result<f64, Failure> {
    let load = Load {
        subject: subject.name,
        target: subject.address,
        connections: kind.connections,
        pace: kind.pace,
        request: script::request(&subject.key, kind.history, kind.answering.stream.is_some()),
        answering: kind.answering,
    };
    let before = time_used(subject.process())?;
    let answers = traffic.run(&load)?;
    let used = time_used(subject.process())?.saturating_sub(before);
    Ok(used.as_secs_f64() * 1e6 / (answers.count as f64 * kind.units))
}

impl Costs {
    fn print(&self, unit: &str, target: &str) {
        report::median("nginx", &self.nginx, unit);
        report::median("fiducia", &self.fiducia, unit);
        report::target("ratio", &self.ratios, "", target);
    }
}
