//! `demo`: what it prints works when pasted.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use super::place::{Outcome, post, program, run, signal};

struct Demo {
    child: std::process::Child,
    printed: String,
}

impl Demo {
    fn start(directory: &std::path::Path) -> Self {
        let mut child = program()
            .args(["demo", "--listen", "127.0.0.1:0", "--operations", "127.0.0.1:0", "--conversations", "20"])
            .arg("--directory")
            .arg(directory)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut printed = String::new();
        while !printed.contains(" doctor --config ") {
            assert!(stdout.read_line(&mut printed).unwrap() > 0, "the demo ended early: {printed}");
        }
        Self { child, printed }
    }

    fn commands(&self) -> Vec<String> {
        let binary = env!("CARGO_BIN_EXE_fiducia");
        self.printed
            .lines()
            .map(str::trim)
            .filter(|line| line.starts_with(binary))
            .map(str::to_owned)
            .collect()
    }

    fn stop(mut self) {
        signal(&self.child, rustix::process::Signal::INT);
        assert_eq!(self.child.wait().unwrap().code(), Some(0));
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        // After a test failed; otherwise it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn pasted(command: &str) -> Outcome {
    run(Command::new("sh").args(["-c", command]).stdin(Stdio::null()))
}

/// The text between `start` and `end` where they first follow each other.
fn between<'a>(text: &'a str, start: &str, end: &str) -> &'a str {
    text.split_once(start).and_then(|(_, rest)| rest.split_once(end)).unwrap().0
}

#[test]
fn everything_that_is_printed_works_and_a_second_run_takes_it_up() {
    let folder = tempfile::tempdir().unwrap();
    let directory = folder.path().join("a demo");
    let demo = Demo::start(&directory);
    let address = between(&demo.printed, "curl -sS http://", "/v1/messages").parse().unwrap();
    let (secret, body) = (
        between(&demo.printed, "x-api-key: ", "'").to_owned(),
        between(&demo.printed, " -d '", "'").to_owned(),
    );
    let response = post(address, "/v1/messages", &secret, &body);
    assert!(
        response.starts_with("HTTP/1.1 200") && response.contains("sealed with a key of their own"),
        "{response}"
    );

    let commands = demo.commands();
    assert_eq!(commands.len(), 7, "{commands:#?}");
    pasted(&commands[0]).exits(0).prints("safety-window until");
    pasted(&commands[1]).exits(0).prints("ledger entry").prints("[user]");
    pasted(&commands[2]).exits(0).prints("0 opened");
    pasted(&commands[3]).exits(1).complains("no key path is left for the ground service");
    pasted(&commands[4]).exits(0).prints("import_finished");
    pasted(&commands[5]).exits(0).prints("verified");
    pasted(&commands[6]).exits(0).prints("a server holds it");
    demo.stop();

    let again = Demo::start(&directory);
    let listed = pasted(&again.commands()[0].replace("--conversations 3", "--conversations 1000 --json"))
        .exits(0)
        .json();
    let mut conversations: Vec<&str> =
        listed.as_array().unwrap().iter().map(|row| row["conversation"].as_str().unwrap()).collect();
    conversations.dedup();
    // Twenty were imported, one was deleted, one came through the gateway; nothing was imported twice.
    assert_eq!(conversations.len(), 20);
    again.stop();
}

#[test]
fn a_demo_that_others_could_reach_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let outcome =
        run(program().args(["demo", "--listen", "0.0.0.0:0", "--directory"]).arg(folder.path().join("demo")));
    outcome.exits(2).complains("reachable from other machines");
    assert!(!folder.path().join("demo").exists());
}
