//! People's requests by the command line: each kind from its arrival to its answer.

use std::path::Path;

use serde_json::Value;

use super::place::{Outcome, Place, write_lines};

/// A person with a conversation.
struct Asking {
    place: Place,
    conversation: String,
    subject: String,
}

fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_else(|| panic!("no `{name}` in {value}")).to_owned()
}

impl Asking {
    fn new() -> Self {
        let place = Place::with_organization();
        write_lines(
            &place.path("chats.jsonl"),
            &[
                r#"{"id":"1","messages":[{"role":"user","content":"canary question"},{"role":"assistant","content":"canary answer"}]}"#,
            ],
        );
        place.run(&["import", "chats.jsonl", "--organization", "acme"]).exits(0);
        let rows = place.run(&["conversations", "list", "--json"]).json();
        let (conversation, subject) = (text(&rows[0], "id"), text(&rows[0], "subject"));
        Self { place, conversation, subject }
    }

    fn run(&self, line: &[&str]) -> Outcome {
        self.place.run(&[&["requests"], line].concat())
    }

    /// Takes a request in; gives its id.
    fn open(&self, kind: &str, more: &[&str]) -> String {
        let opened = self.run(&[&["open", &self.subject, kind, "--json"], more].concat()).exits(0).json();
        text(&opened["request"], "id")
    }

    fn identify(&self, request: &str) {
        self.run(&["identify", request, "--method", "signed-in"]).exits(0).prints("identity confirmed");
    }
}

#[test]
fn a_copy_is_asked_for_identified_extended_made_and_handed_over() {
    let asking = Asking::new();
    let opened = ["open", &asking.subject, "access", "--regime", "gdpr", "--submission", "letter-1"];
    let first = asking.run(&opened).exits(0).prints("state       received").stdout;
    asking.run(&opened).exits(0).prints("made the request before");
    let request = first.lines().next().unwrap().split_whitespace().nth(1).unwrap().to_owned();
    let list = asking.run(&["list"]).exits(0).prints(&request).stdout;
    assert!(list.lines().all(|line| line.chars().count() <= 100), "{list}");
    asking.run(&["fulfil", &request]).exits(1).complains("who asks is not known yet");
    asking.run(&["identify", &request, "--asked"]).exits(0).prints("identity-asked");
    asking.identify(&request);
    asking.run(&["begin", &request, "--note", "with Ben"]).exits(0).prints("begin by").prints("with Ben");
    asking.run(&["confirm", &request]).exits(0);
    asking.run(&["extend", &request, "--reason", "complexity"]).exits(0).prints("state       extended");
    asking.run(&["fulfil", &request]).exits(1).complains("requests export");
    asking.run(&["export", &request]).exits(2);
    asking.run(&["export", &request, "--unsealed"]).exits(2);
    let mallory = "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj";
    let made = asking.run(&["export", &request, "--recipient", mallory, "--json"]).exits(0).json();
    let file = text(&made["files"][0], "file");
    assert!(Path::new(&file).starts_with(asking.place.path("data").canonicalize().unwrap()));
    let bytes = std::fs::read(&file).unwrap();
    assert!(bytes.starts_with(b"age-encryption.org/v1\n") && !bytes.windows(6).any(|part| part == b"canary"));
    asking
        .run(&["fulfil", &request])
        .exits(0)
        .prints("state       fulfilled")
        .prints("1 conversations in 1 file");
    asking
        .run(&["show", &request])
        .exits(0)
        .prints("step")
        .prints("complain    gdpr: the supervisory authority");
    asking.run(&["list"]).exits(0).prints("no requests are open");
    asking.run(&["list", "--closed"]).exits(0).prints("fulfilled");
    asking.place.run(&["ledger", "tail"]).exits(0).prints("rights_step").prints("rights_exported");
}

#[test]
fn an_export_is_made_by_a_running_server_too() {
    let asking = Asking::new();
    let request = asking.open("export", &[]);
    asking.identify(&request);
    std::fs::create_dir(asking.place.path("out")).unwrap();
    let serving = asking.place.serve();
    asking
        .run(&["export", &request, "--unsealed", "--out", "out"])
        .exits(0)
        .prints("records         1")
        .prints("whoever has it can read it");
    assert_eq!(serving.stop().0, Some(0));
    let files = asking.place.files("out");
    assert_eq!(files.len(), 1);
    assert!(std::fs::read(&files[0]).unwrap().starts_with(b"PK"));
}

#[test]
fn a_correction_is_sealed_until_the_person_is_given_it() {
    let asking = Asking::new();
    write_lines(&asking.place.path("words.txt"), &["canary: that was my sister"]);
    let request = asking.open(
        "correction",
        &["--conversation", &asking.conversation, "--statement", "words.txt", "--new-name", "the-right-name"],
    );
    asking.run(&["show", &request]).exits(0).prints("statement   sealed");
    asking.identify(&request);
    asking
        .run(&["fulfil", &request])
        .exits(0)
        .prints("Your statement is kept")
        .prints("Your account has the name");
    for file in asking.place.files("data") {
        let bytes = std::fs::read(&file).unwrap();
        assert!(!bytes.windows(6).any(|part| part == b"canary"), "{} is readable", file.display());
    }
}

#[test]
fn a_restriction_holds_until_it_is_lifted() {
    let asking = Asking::new();
    let request = asking.open("restriction", &[]);
    asking.identify(&request);
    asking.run(&["fulfil", &request]).exits(0).prints("kept and not used");
    let show = |reason: &str| {
        asking.place.run(&["records", "show", &asking.conversation, "--reason", reason, "--ticket", "T-1"])
    };
    show("customer_support").exits(1).complains("nothing was decrypted");
    show("subject_request").exits(0).prints("canary");
    asking.run(&["lift", &request, "--told", "2020-01-01T00:00:00Z"]).exits(2).complains("told before");
    let detail = asking.run(&["show", &request, "--json"]).json();
    let told = text(&detail["row"], "closed_at");
    // The restriction begins with the step that made it; the person is told at that instant at the earliest.
    asking.run(&["lift", &request, "--told", &told]).exits(0);
    show("customer_support").exits(0).prints("canary");
}

#[test]
fn an_objection_an_opt_out_and_a_complaint_are_answered() {
    let asking = Asking::new();
    let objection = asking.open("objection", &["--ground", "safety-window"]);
    asking.identify(&objection);
    asking.run(&["fulfil", &objection]).exits(2).complains("--yes");
    asking.run(&["fulfil", &objection, "--yes"]).exits(0).prints("state       fulfilled");
    let opt_out = asking.open("opt-out", &["--regime", "ccpa"]);
    asking.run(&["identify", &opt_out, "--asked"]).exits(1).complains("must not depend");
    asking.run(&["fulfil", &opt_out]).exits(0).prints("not asked again for 12 months");
    let complaint = asking.open("complaint", &["--regime", "pipeda"]);
    asking
        .run(&["fulfil", &complaint, "--left-undone", "the fee stays"])
        .exits(0)
        .prints("left undone the fee stays");
    let refused = asking.open("export", &["--regime", "lgpd"]);
    asking.run(&["extend", &refused, "--reason", "complexity"]).exits(1).complains("permits no extension");
    asking
        .run(&["refuse", &refused, "--reason", "excessive"])
        .exits(0)
        .prints("The request is excessive")
        .prints("complain    lgpd: the Autoridade Nacional");
    let withdrawn = asking.open("access", &["--regime", "pipl"]);
    asking.run(&["withdraw", &withdrawn]).exits(0).prints("state       withdrawn");
    asking.run(&["begin", &withdrawn]).exits(1).complains("withdrawn already");
}

#[test]
fn an_erasure_by_an_agent_needs_a_mandate_and_says_what_a_hold_keeps() {
    let asking = Asking::new();
    let open = ["open", &asking.subject, "erasure", "--agent", "Ann \u{1b}[2J Agent"];
    asking.run(&open).exits(2).complains("--mandate");
    std::fs::write(asking.place.path("mandate.pdf"), b"signed").unwrap();
    let from = ["--mandate", "mandate.pdf", "--mandate-from", "2026-01-01T00:00:00Z"];
    let covered = |kind: &str, name: &str| {
        let line = ["open", &asking.subject, "erasure", "--agent", name, "--mandate-covers", kind, "--json"];
        asking.run(&[&line[..], &from[..]].concat())
    };
    covered("erasure", "Ann \u{1b}[2J Agent").exits(2).complains("control characters");
    covered("access", "Ann Agent").exits(1).complains("does not cover");
    let request = text(&covered("erasure", "<b>Ann</b>").exits(0).json()["request"], "id");
    asking.run(&["show", &request]).exits(0).prints("asked by    <b>Ann</b>");
    let place = ["holds", "place", "acme", "--matter", "Doe v. Roe", "--authority", "District court"];
    asking.place.run(&place).exits(0);
    asking.place.run(&["sweep"]).exits(0);
    asking.run(&["show", &request]).exits(0).prints("in the way  hold_");
    asking.identify(&request);
    asking
        .run(&["fulfil", &request, "--yes"])
        .exits(0)
        .prints("state       partly-fulfilled")
        .prints("under a legal hold")
        .prints("place       backups")
        .prints("certificate FC-");
    asking.run(&["show", &request]).exits(0).prints("a person who was erased");
}
