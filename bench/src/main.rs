//! Benchmarks that print ratios measured in one run: the program under test and its yardstick take turns, so that
//! what the machine does meanwhile meets both.

mod access;
mod api;
mod consent;
mod cost;
mod failure;
mod feed;
mod import;
mod latency;
mod ledger;
mod memory;
mod message;
mod pages;
mod processor;
mod report;
mod requests;
mod retention;
mod script;
mod statistics;
mod subject;
mod traffic;

use std::process::ExitCode;

use clap::{Parser, ValueEnum};

use failure::Failure;

/// The program's own: what runs in this process is measured as the program runs it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What to measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Measurement {
    /// Processor time for each request, against nginx as a plain proxy
    Gateway,
    /// Processor time for each delta of a stream, against nginx as a plain proxy
    Stream,
    /// Latency added at 1,000 requests a second before a provider that takes 20 ms
    Latency,
    /// Memory at 64 connections
    Memory,
    /// Import of conversations, against appending the same bytes with as many syncs
    Import,
    /// Holds, ends and purges of many records
    Retention,
    /// The file of everything that is kept of one person
    Requests,
    /// Choices about consent: until one is acknowledged, and in an import
    Consent,
    /// Looks in sessions of reading, entry included, by one and by many at once
    Access,
    /// Choices by the JSON API, beside the same by custody's own interface
    Api,
    /// Durable entries of the log, against raw appends of the same bytes; proofs
    Ledger,
    /// Pages of the console for a person with very many conversations
    Pages,
    /// Pages of the activity feed over very many rows, beside a bare range of the primary key
    Feed,
}

/// Measures `fiducia serve` and `fiducia import` on this machine; see bench/README.md.
#[derive(Debug, Parser)]
#[command(name = "fiducia-bench")]
struct Arguments {
    /// What to measure
    #[arg(value_enum)]
    measurement: Measurement,
    /// Rounds of each program; the median over rounds is printed
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..=101))]
    rounds: u32,
    /// Seconds of each round
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=600))]
    seconds: u32,
    /// Rows of `feed`, records that `retention`, `requests` and `pages`, people that `consent` and entries that `ledger` measures with
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1_000..=100_000_000))]
    records: u64,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            report::problem(&failure);
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), Failure> {
    if arguments.measurement == Measurement::Retention {
        return retention::measure(arguments.records);
    }
    if arguments.measurement == Measurement::Requests {
        return requests::measure(arguments.records);
    }
    if arguments.measurement == Measurement::Consent {
        return consent::measure(arguments.records);
    }
    if arguments.measurement == Measurement::Access {
        return access::measure();
    }
    if arguments.measurement == Measurement::Api {
        return api::measure();
    }
    if arguments.measurement == Measurement::Pages {
        return pages::measure(arguments.records);
    }
    if arguments.measurement == Measurement::Feed {
        return feed::measure(arguments.records);
    }
    if arguments.measurement == Measurement::Ledger {
        let load_before = processor::load_average();
        ledger::measure(arguments.rounds, arguments.records)?;
        report::loads(&load_before);
        return Ok(());
    }
    subject::build()?;
    let load_before = processor::load_average();
    // An import is not served: it may use the whole machine.
    if arguments.measurement != Measurement::Import && !processor::stay_apart()? {
        report::line("this machine has one core: everything shares it, so latencies mean little");
    }
    match arguments.measurement {
        Measurement::Gateway => cost::requests(arguments.rounds, arguments.seconds),
        Measurement::Stream => cost::deltas(arguments.rounds, arguments.seconds),
        Measurement::Latency => latency::measure(arguments.rounds, arguments.seconds),
        Measurement::Memory => memory::measure(arguments.seconds),
        Measurement::Import => import::measure(arguments.rounds),
        Measurement::Retention => retention::measure(arguments.records),
        Measurement::Requests => requests::measure(arguments.records),
        Measurement::Consent => consent::measure(arguments.records),
        Measurement::Access => access::measure(),
        Measurement::Api => api::measure(),
        Measurement::Ledger => ledger::measure(arguments.rounds, arguments.records),
        Measurement::Pages => pages::measure(arguments.records),
        Measurement::Feed => feed::measure(arguments.records),
    }?;
    report::loads(&load_before);
    Ok(())
}
