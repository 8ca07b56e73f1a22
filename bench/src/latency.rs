//! Latency that a proxy adds, at a steady 1,000 requests a second before a provider that takes 20 ms.

use std::net::SocketAddr;
use std::time::Duration;

use crate::cost::make_known;
use crate::failure::Failure;
use crate::report;
use crate::script::{self, Answering, History};
use crate::statistics::percentile;
use crate::subject;
use crate::traffic::{Answers, Load, Pace, Traffic};

const CONNECTIONS: usize = 64;
const DELAY: Duration = Duration::from_millis(20);
const INTERVAL: Duration = Duration::from_millis(1);
/// A stream of two deltas: what matters is its first and its last byte.
const STREAM: (usize, Duration) = (2, Duration::from_millis(1));

/// p50 and p99 of the first and the last byte, in milliseconds.
struct Percentiles {
    first: [f64; 2],
    last: [f64; 2],
}

/// What a subject added, round by round.
#[derive(Default)]
struct Added {
    first: [Vec<f64>; 2],
    last: [Vec<f64>; 2],
}

/// `latency`
///
/// # Errors
/// When a program fails or answers wrongly.
pub(crate) fn measure(rounds: u32, seconds: u32) -> Result<(), Failure> {
    let mut traffic = Traffic::new()?;
    let nginx = subject::nginx(traffic.provider())?;
    let fiducia = subject::fiducia(traffic.provider())?;
    make_known(&mut traffic, &fiducia)?;
    let provider = traffic.provider();
    report::line(
        "latency added to a direct connection, 1,000 requests a second over 64 connections, provider 20 ms",
    );
    for (title, stream) in [("JSON answers", None), ("streams", Some(STREAM))] {
        let mut added = [Added::default(), Added::default()];
        let mut direct_p50 = Vec::new();
        for round in 0..=rounds {
            let mut once = |name, target: SocketAddr, key: &str| {
                let load = Load {
                    subject: name,
                    target,
                    connections: CONNECTIONS,
                    pace: Pace::Open { requests: u64::from(seconds) * 1_000, interval: INTERVAL },
                    request: script::request(key, History::Known, stream.is_some()),
                    answering: Answering { delay: DELAY, stream },
                };
                traffic.run(&load).map(Percentiles::of)
            };
            let direct = once("no proxy", provider, "key")?;
            let by_nginx = once("nginx", nginx.address, "key")?;
            let by_fiducia = once("fiducia", fiducia.address, &fiducia.key)?;
            // The first round fills caches and connection pools.
            if round > 0 {
                let [nginx, fiducia] = &mut added;
                nginx.push(&by_nginx, &direct);
                fiducia.push(&by_fiducia, &direct);
                direct_p50.push(direct.last[0]);
            }
        }
        report::line(format_args!("\n{title}:"));
        report::median("direct, p50 of the last byte", &direct_p50, "ms");
        for (name, added) in ["nginx", "fiducia"].iter().zip(&added) {
            if stream.is_some() {
                report::median(&format!("{name} adds to the first byte, p50"), &added.first[0], "ms");
                report::median(&format!("{name} adds to the first byte, p99"), &added.first[1], "ms");
            }
            report::target(&format!("{name} adds to the last byte, p50"), &added.last[0], "ms", "0.40");
            report::target(&format!("{name} adds to the last byte, p99"), &added.last[1], "ms", "1.00");
        }
    }
    Ok(())
}

impl Percentiles {
    fn of(mut answers: Answers) -> Self {
        let both = |values: &mut Vec<f64>| [percentile(values, 50) / 1e3, percentile(values, 99) / 1e3];
        Self { first: both(&mut answers.first_byte_us), last: both(&mut answers.last_byte_us) }
    }
}

impl Added {
    fn push(&mut self, through: &Percentiles, direct: &Percentiles) {
        for (added, (through, direct)) in self.first.iter_mut().zip(through.first.iter().zip(direct.first)) {
            added.push(through - direct);
        }
        for (added, (through, direct)) in self.last.iter_mut().zip(through.last.iter().zip(direct.last)) {
            added.push(through - direct);
        }
    }
}
