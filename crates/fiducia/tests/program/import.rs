//! `import`: rejects, interruption, resumption.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use super::place::{Place, signal, write_lines};

fn line(number: usize) -> String {
    format!(
        r#"{{"id":"{number}","messages":[{{"role":"user","content":"question {number}"}},{{"role":"assistant","content":"answer {number}"}}]}}"#
    )
}

fn import(place: &Place, more: &[&str]) -> super::place::Outcome {
    let mut arguments = vec!["import", "chats.jsonl", "--organization", "acme"];
    arguments.extend(more);
    place.run(&arguments)
}

#[test]
fn rejected_lines_are_reported_by_number_without_their_content() {
    let place = Place::with_organization();
    let lines = [line(1), "canary, not JSON".into(), line(3), r#"{"id":"4","messages":"canary"}"#.into()];
    write_lines(&place.path("chats.jsonl"), &lines);
    let outcome =
        import(&place, &[]).exits(1).complains("line 2: ").complains("line 4: ").complains("2 lines");
    assert!(!outcome.stderr.contains("canary") && !outcome.stdout.contains("canary"), "{outcome:#?}");
    outcome.prints("conversations  2");

    // The same file again is the same import.
    import(&place, &["--allow-rejects"]).exits(0).prints("imported before; nothing was added");
    let rows = place.run(&["conversations", "list", "--json"]).exits(0).json();
    assert_eq!(rows.as_array().unwrap().len(), 2);
}

#[test]
fn rejects_can_go_to_a_file() {
    let place = Place::with_organization();
    write_lines(&place.path("chats.jsonl"), &[line(1), "nonsense".into()]);
    let outcome = import(&place, &["--rejects", "rejects.txt", "--allow-rejects"]).exits(0);
    assert!(!outcome.stderr.contains("line 2"), "{outcome:#?}");
    assert!(std::fs::read_to_string(place.path("rejects.txt")).unwrap().starts_with("line 2: "));
}

#[test]
fn gzip_is_read_and_a_truncated_file_keeps_what_it_gave() {
    let place = Place::with_organization();
    let text: Vec<String> = (0..3_000).map(line).collect();
    write_lines(&place.path("whole"), &text);
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut encoder, &std::fs::read(place.path("whole")).unwrap()).unwrap();
    let bytes = encoder.finish().unwrap();
    std::fs::write(place.path("cut.jsonl.gz"), &bytes[..bytes.len() / 2]).unwrap();
    let outcome = place.run(&["import", "cut.jsonl.gz", "--organization", "acme"]).exits(3);
    outcome.complains("are imported and stay so").complains("cut.jsonl.gz");
    std::fs::write(place.path("whole.jsonl.gz"), &bytes).unwrap();
    let outcome = place.run(&["import", "whole.jsonl.gz", "--organization", "acme", "--json"]).exits(0);
    assert_eq!(outcome.json()["conversations"], 3_000);
}

#[test]
fn an_interrupted_import_goes_on_where_it_stopped() {
    const LINES: usize = 30_000;
    let place = Place::with_organization();
    let mut lines = vec!["not a conversation".to_owned()];
    lines.extend((1..LINES).map(line));
    write_lines(&place.path("chats.jsonl"), &lines);
    // The first rejected line arrives when the first chunk is durable: then there is something to interrupt.
    let mut child = place
        .command(&["import", "chats.jsonl", "--organization", "acme"])
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut said = String::new();
    stderr.read_line(&mut said).unwrap();
    assert!(said.starts_with("line 1: "), "{said}");
    signal(&child, rustix::process::Signal::INT);
    stderr.read_line(&mut said).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130), "{said}");
    assert!(said.contains("Run the same command again"), "{said}");

    let outcome = import(&place, &["--allow-rejects", "--json"]).exits(0);
    let summary = outcome.json();
    assert_eq!(summary["conversations"], LINES - 1, "{summary}");
    assert_eq!(summary["rejected"], 1, "{summary}");
    let done_before = summary["lines_done_before"].as_u64().unwrap();
    assert!(done_before > 0 && done_before < LINES as u64, "{summary}");
    place.run(&["ledger", "verify"]).exits(0);
}

#[test]
fn an_import_runs_through_a_server_too() {
    let place = Place::with_organization();
    write_lines(&place.path("chats.jsonl"), &[line(1), line(2)]);
    let serving = place.serve();
    import(&place, &[]).exits(0).prints("conversations  2");
    assert_eq!(serving.stop().0, Some(0));
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let place = Place::with_organization();
    import(&place, &[]).exits(3).complains("chats.jsonl");
}

#[test]
fn a_source_that_cannot_be_read_twice_is_refused() {
    let place = Place::with_organization();
    for source in [".", "/dev/zero"] {
        let outcome = place.run(&["import", source, "--organization", "acme"]).exits(2);
        outcome.complains("no regular file; nothing was imported");
    }
}

#[test]
fn a_file_of_which_nothing_can_be_read_is_not_said_to_be_imported() {
    let place = Place::with_organization();
    std::fs::write(place.path("chats.jsonl.gz"), b"\x1f\x8b\x08garbage").unwrap();
    let outcome = place.run(&["import", "chats.jsonl.gz", "--organization", "acme"]).exits(3);
    outcome.complains("nothing of the file could be read, so nothing was imported");
}
