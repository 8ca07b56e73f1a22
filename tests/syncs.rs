//! Is every acknowledged exchange preceded by a completed sync, and is a failed sync never acknowledged?
//!
//! `kill -9` says nothing about that: the kernel keeps what was written. So one test watches the program's system calls
//! (strace), and one makes a tenth of its syncs fail (libfiu). Both must notice planted faults.

use std::path::Path;
use std::process::Command;

use crate::harness::http::Connection;
use crate::harness::note;
use crate::harness::program;
use crate::harness::records;
use crate::harness::server::Server;
use crate::harness::site::{Site, Tenant};
use crate::harness::traffic::{Acknowledged, Outcome, Way, ask, ask_once};
use crate::harness::upstream::Upstream;

/// Exchanges watched one after the other.
const WATCHED: usize = 40;
/// Servers started with failing syncs.
const FAILING_ROUNDS: usize = 20;
/// Requests to each of them; the first failure stops a writer for good, so few are needed.
const FAILING_REQUESTS: usize = 60;

/// A line of a system call trace, as far as it matters here.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Call {
    /// Bytes were written to a file of the journal.
    Written(String),
    /// A sync of a file of the journal began.
    SyncBegun(String),
    /// A sync of a file of the journal ended well.
    SyncEnded(String),
    /// Bytes were sent to a client.
    Answered,
}

/// Reads the trace of `strace -f -yy`; `port` is the gateway's.
fn read_trace(trace: &str, port: u16) -> Vec<Call> {
    let mut pending: Vec<(String, String)> = Vec::new();
    let mut calls = Vec::new();
    for line in trace.lines() {
        let Some((process, rest)) = line.split_once(' ') else { continue };
        let rest = rest.trim_start();
        if let Some(resumed) = rest.strip_prefix("<... ") {
            let Some(position) = pending.iter().position(|(waiting, _)| waiting == process) else { continue };
            let (_, begun) = pending.swap_remove(position);
            end_call(&begun, resumed, &mut calls);
        } else if let Some(begun) = rest.strip_suffix("<unfinished ...>") {
            begin_call(begun, port, &mut calls);
            pending.push((process.to_owned(), begun.to_owned()));
        } else {
            begin_call(rest, port, &mut calls);
            end_call(rest, rest, &mut calls);
        }
    }
    calls
}

fn begin_call(call: &str, port: u16, calls: &mut Vec<Call>) {
    if is_sync(call) {
        calls.extend(records_file(call).map(Call::SyncBegun));
    } else if call.contains(&format!("<TCP:[127.0.0.1:{port}->")) {
        calls.push(Call::Answered);
    }
}

fn end_call(begun: &str, ended: &str, calls: &mut Vec<Call>) {
    let Some(file) = records_file(begun) else { return };
    if is_sync(begun) {
        if ended.trim_end().ends_with("= 0") {
            calls.push(Call::SyncEnded(file));
        }
    } else {
        calls.push(Call::Written(file));
    }
}

fn is_sync(call: &str) -> bool {
    call.starts_with("fsync(") || call.starts_with("fdatasync(")
}

/// The journal's file that a call is about: what an acknowledgement rests on. The buckets are filled from it later.
fn records_file(call: &str) -> Option<String> {
    let path = call.split_once('<')?.1.split_once('>')?.0;
    (path.contains("/journal/") && path.ends_with(".journal")).then(|| path.to_owned())
}

/// What a trace shows.
#[derive(Debug, Default, PartialEq, Eq)]
struct Verdict {
    /// Times that bytes went to a client while everything written to the journal was synced.
    covered: usize,
    /// Times that bytes went to a client while something written was not synced.
    uncovered: usize,
    /// Completed syncs of the journal.
    syncs: usize,
}

/// Judges calls in their order.
fn judge(calls: &[Call]) -> Verdict {
    let mut verdict = Verdict::default();
    let mut unsynced: Vec<(String, bool)> = Vec::new();
    for call in calls {
        match call {
            Call::Written(file) => {
                unsynced.retain(|(other, _)| other != file);
                unsynced.push((file.clone(), false));
            }
            Call::SyncBegun(file) => {
                for (_, begun) in unsynced.iter_mut().filter(|(other, _)| other == file) {
                    *begun = true;
                }
            }
            Call::SyncEnded(file) => {
                verdict.syncs += 1;
                // A write after the sync began is not covered by it.
                unsynced.retain(|(other, begun)| other != file || !begun);
            }
            Call::Answered if unsynced.is_empty() => verdict.covered += 1,
            Call::Answered => verdict.uncovered += 1,
        }
    }
    verdict
}

/// Asks `WATCHED` times, one after the other, while strace watches the program.
fn watch(program: &Path, fault: Option<&str>) -> (Verdict, usize) {
    let upstream = Upstream::start();
    let site = Site::new(upstream.address());
    let tenant = site.tenant("syncs");
    let trace = site.beside("trace");
    let mut command = site.command_of("strace");
    command.args([
        "-f",
        "-yy",
        "-s",
        "0",
        "-e",
        "trace=write,writev,pwrite64,pwritev,sendto,sendmsg,fsync,fdatasync",
    ]);
    command.arg("-o").arg(&trace).arg("--").arg(program);
    if let Some(fault) = fault {
        command.env("FIDUCIA_FAULT", fault);
    }
    let server = Server::start_command(&site, command).unwrap_or_else(|log| panic!("no start:\n{log}"));
    let mut connection = Connection::open(site.gateway).unwrap();
    let mut answered = 0;
    for number in 0..WATCHED {
        // Whole answers only: of a stream, all but the end may leave before anything is durable.
        let way = [Way::Messages, Way::Chat, Way::Responses][number % 3];
        let outcome = ask(&mut connection, &tenant, way, &format!("watched {number}")).unwrap();
        answered += usize::from(matches!(outcome, Outcome::Acknowledged(_)));
    }
    let traced = child_of(server.process());
    assert!(Command::new("kill").args(["-KILL", &traced]).status().unwrap().success());
    drop(server);
    let text = std::fs::read_to_string(&trace).unwrap();
    (judge(&read_trace(&text, site.gateway.port())), answered)
}

/// The process that `parent` traces.
fn child_of(parent: u32) -> String {
    let children = std::fs::read_to_string(format!("/proc/{parent}/task/{parent}/children")).unwrap();
    children.split_whitespace().next().unwrap_or_else(|| panic!("strace traces nothing")).to_owned()
}

#[test]
fn every_acknowledgement_comes_after_a_completed_sync() {
    let (verdict, answered) = watch(program::plain(), None);
    assert_eq!(answered, WATCHED);
    assert_eq!(verdict.uncovered, 0, "{verdict:?}");
    assert!(verdict.covered >= WATCHED, "{verdict:?}");
    assert!(verdict.syncs >= WATCHED, "each exchange in turn needs at least one sync: {verdict:?}");
    note(&format!(
        "syncs: {answered} exchanges one after the other, {} syncs of the journal, none too late",
        verdict.syncs
    ));
}

#[test]
fn a_program_that_does_not_sync_is_caught() {
    let (verdict, answered) = watch(program::faulty(), Some("synchronous-off"));
    assert_eq!(answered, WATCHED, "without syncs the program still answers, which is what must be noticed");
    assert!(verdict.uncovered >= WATCHED, "{verdict:?}: the harness is blind");
    note(&format!(
        "syncs: with syncs off {} of {answered} answers left before a sync, and that is caught",
        verdict.uncovered
    ));
}

#[test]
fn traces_are_judged_by_the_order_of_begin_and_end() {
    let check = |trace: &str, expect: Verdict| assert_eq!(judge(&read_trace(trace, 4100)), expect, "{trace}");
    let write = "7 pwrite64(9</d/journal/0001.journal>, \"\"..., 4096, 0) = 4096\n";
    let sync = "7 fdatasync(9</d/journal/0001.journal>) = 0\n";
    let answer = "8 writev(11<TCP:[127.0.0.1:4100->127.0.0.1:5000]>, [...], 2) = 99\n";
    check(&format!("{write}{sync}{answer}"), Verdict { covered: 1, uncovered: 0, syncs: 1 });
    check(&format!("{write}{answer}{sync}"), Verdict { covered: 0, uncovered: 1, syncs: 1 });
    let failed = "7 fdatasync(9</d/journal/0001.journal>) = -1 EIO (Input/output error)\n";
    check(&format!("{write}{failed}{answer}"), Verdict { covered: 0, uncovered: 1, syncs: 0 });
    let begun = "7 fsync(9</d/journal/0001.journal> <unfinished ...>\n";
    let resumed = "7 <... fsync resumed>) = 0\n";
    check(&format!("{write}{begun}{answer}{resumed}"), Verdict { covered: 0, uncovered: 1, syncs: 1 });
    check(&format!("{begun}{write}{resumed}{answer}"), Verdict { covered: 0, uncovered: 1, syncs: 1 });
    check(&format!("{write}{begun}{resumed}{answer}"), Verdict { covered: 1, uncovered: 0, syncs: 1 });
}

/// Serves with a tenth of all syncs failing; what was acknowledged, and how many requests were not.
fn serve_with_failing_syncs(
    site: &Site,
    tenant: &Tenant,
    program: &Path,
    round: usize,
) -> (Vec<Acknowledged>, usize) {
    let mut command = site.command_of("fiu-run");
    command.arg("-x");
    for name in ["fsync", "fdatasync"] {
        command.args(["-c", &format!("enable_random name=posix/io/sync/{name},probability=0.1")]);
    }
    command.arg(program);
    // A server whose own start meets a failing sync rightly refuses to start: nothing is acknowledged then.
    let Ok(server) = Server::start_command(site, command) else { return (Vec::new(), 0) };
    let mut acknowledged = Vec::new();
    let mut refused = 0;
    for number in 0..FAILING_REQUESTS {
        let text = format!("failing {round} {number}");
        match ask_once(site.gateway, tenant, Way::nth(number), &text) {
            Outcome::Acknowledged(answer) => acknowledged.push(answer),
            Outcome::NotAcknowledged(_) => refused += 1,
        }
        if refused > 3 {
            break;
        }
    }
    drop(server);
    (acknowledged, refused)
}

#[test]
fn a_failed_sync_is_never_acknowledged() {
    let upstream = Upstream::start();
    let site = Site::new(upstream.address());
    let tenant = site.tenant("failing");
    let (mut total, mut refused) = (0, 0);
    let mut acknowledged = Vec::new();
    for round in 0..FAILING_ROUNDS {
        let (answers, refusals) = serve_with_failing_syncs(&site, &tenant, program::plain(), round);
        refused += refusals;
        total += answers.len();
        acknowledged.extend(answers);
        // A whole start without failing syncs, so that what the next round meets is sound.
        drop(Server::start(&site));
        assert_eq!(records::losses(&site, &acknowledged), Vec::<String>::new(), "round {round}");
        site.verify_ledger();
    }
    assert!(refused > 0, "no sync failed in {FAILING_ROUNDS} rounds: the faults were not planted");
    assert!(total > 0, "nothing was ever acknowledged, so nothing was tested");
    note(&format!(
        "syncs: with a tenth failing, {total} acknowledged exchanges all kept, {refused} requests not acknowledged"
    ));
}
