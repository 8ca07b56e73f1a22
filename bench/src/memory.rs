//! Memory at 64 connections.

use std::time::Duration;

use crate::cost::make_known;
use crate::failure::Failure;
use crate::processor::memory;
use crate::report;
use crate::script::{self, Answering, History};
use crate::subject;
use crate::traffic::{Load, Pace, Traffic};

const CONNECTIONS: usize = 64;
const BYTES_PER_MB: f64 = 1e6;

/// `memory`
///
/// # Errors
/// When the program fails or answers wrongly.
#[expect(clippy::cast_precision_loss, reason = "bytes of memory are far below 2^52")]
pub(crate) fn measure(seconds: u32) -> Result<(), Failure> {
    let mut traffic = Traffic::new()?;
    let fiducia = subject::fiducia(traffic.provider())?;
    let (started, _) = memory(fiducia.process())?;
    report::line(
        "resident memory of fiducia, 64 connections as fast as they go, capture, sealing and ledger on",
    );
    report::line(format_args!("{:<44} {:>9.1} MB", "after the start", started as f64 / BYTES_PER_MB));
    make_known(&mut traffic, &fiducia)?;
    let streams = Answering { delay: Duration::ZERO, stream: Some((200, Duration::from_millis(1))) };
    let loads = [
        ("later turns", History::Known, Answering::PROMPT),
        ("conversations of their own", History::None, Answering::PROMPT),
        ("streams of 200 deltas", History::Known, streams),
    ];
    for (name, history, answering) in loads {
        let load = Load {
            subject: fiducia.name,
            target: fiducia.address,
            connections: CONNECTIONS,
            pace: Pace::Closed(Duration::from_secs(seconds.into())),
            request: script::request(&fiducia.key, history, answering.stream.is_some()),
            answering,
        };
        let answers = traffic.run(&load)?;
        let (now, _) = memory(fiducia.process())?;
        let name = format!("after {} {name}", answers.count);
        report::line(format_args!("{name:<44} {:>9.1} MB", now as f64 / BYTES_PER_MB));
    }
    let (_, highest) = memory(fiducia.process())?;
    report::line(format_args!("{:<44} {:>9.1} MB", "at its highest", highest as f64 / BYTES_PER_MB));
    report::line(format_args!("{:<44} {:>9}", "  target", "100.0"));
    Ok(())
}
