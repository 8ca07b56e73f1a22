//! The program: configuration, wiring and the command line.
//!
//! Everything that decides lies in the crates beneath. Here commands are parsed, one use case is called and its
//! result is printed; clocks, randomness, signals and the terminal enter here and are passed down as arguments.

mod arguments;
mod commands;
mod configuration;
mod edge;
mod exchange_line;
mod failure;
mod hardening;
mod interrupt;
mod key_services;
mod mail;
mod output;
mod session;
mod telemetry;
mod verifier_keys;

use std::process::ExitCode;

use clap::Parser;

use arguments::Arguments;
use failure::ExitStatus;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    hardening::create_private_files();
    hardening::forbid_core_dumps();
    hardening::use_small_pages();
    telemetry::silence_panics();
    // clap prints its own errors and ends with code 2, the one for usage.
    let arguments = Arguments::parse();
    let status = match commands::run(arguments.command) {
        Ok(status) => status,
        Err(failure) if failure.is_closed_pipe() => ExitStatus::Success,
        Err(failure) => {
            output::remark(format_args!("error: {failure}"));
            failure.exit_status()
        }
    };
    ExitCode::from(status.code())
}
