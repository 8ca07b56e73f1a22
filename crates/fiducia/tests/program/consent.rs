//! Consent on the command line: publishing, choosing, receipts that verify elsewhere, campaigns, imports.

use std::path::Path;

use super::place::{Place, program, run, write_lines};

/// The notice that comes with the project.
fn notice(place: &Place, version: u32, from: &str, to: &str) {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies/notices/batch-training.en.toml");
    let text = std::fs::read_to_string(shipped).unwrap();
    let text = text.replace("version = 1", &format!("version = {version}")).replace(from, to);
    std::fs::write(place.path(&format!("notice-{version}.toml")), text).unwrap();
}

/// A place with consumers, a conversation of one of them, and that person.
fn asked() -> (Place, String) {
    let place = Place::with_organization();
    place.run(&["policy", "publish", "--shipped", "anthropic-2026"]).exits(0);
    place.run(&["organizations", "create", "shop", "--plan", "pro"]).exits(0);
    write_lines(
        &place.path("chats.jsonl"),
        &[
            r#"{"id":"1","messages":[{"role":"user","content":"canary question"},{"role":"assistant","content":"canary answer"}]}"#,
        ],
    );
    place.run(&["import", "chats.jsonl", "--organization", "shop"]).exits(0);
    let rows = place.run(&["conversations", "list", "--json"]).exits(0).json();
    let subject = rows[0]["subject"].as_str().unwrap().to_owned();
    notice(&place, 1, "", "");
    (place, subject)
}

#[test]
fn a_yes_has_a_receipt_that_verifies_elsewhere_and_a_no_ends_it() {
    let (place, subject) = asked();
    let about = ["--purpose", "batch-training", "--language", "en", "--notice-version", "1"];
    let give = [&["consent", "give", &subject][..], &about[..]].concat();
    place.run(&give).exits(1).complains("was never published");
    place.run(&["notices", "publish", "notice-1.toml"]).exits(0).prints("never changes").prints("grade");
    place.run(&["consent", "show", &subject]).exits(0).prints("unknown");
    let outcome = place.run(&[&give[..], &["--json", "--screen", "v1"]].concat()).exits(0).json();
    assert_eq!(outcome["state"], "given");
    let id = outcome["id"].as_str().unwrap();
    place.run(&["consent", "receipt", id, "--out", "receipt.json"]).exits(0);
    let keys = place.run(&["organizations", "list", "--json"]).exits(0).json();
    let key = keys[0]["ledger_verifier_key"].as_str().unwrap();
    let file = place.path("receipt.json");
    // Elsewhere there is nothing but the program, the file and the key.
    let verify = || {
        let mut command = program();
        command.args(["consent", "verify"]).arg(&file).args(["--verifier-key", key]);
        run(&mut command)
    };
    verify().exits(0).prints("verified").prints("batch-training").prints("given");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("\"explicit\"", "\"implicit\"")).unwrap();
    verify().exits(1).complains("NOT verified");
    place.run(&["subjects", "list", "--organization", "shop"]).exits(0).prints("allowed");
    let withdraw = ["consent", "withdraw", &subject, "--purpose", "batch-training"];
    place.run(&withdraw).exits(0).prints("withdrawn").prints("ledger entry");
    place.run(&withdraw).exits(0).prints("was said before");
    place.run(&["consent", "history", &subject]).exits(0).prints("admin").prints("person_");
    place.run(&["subjects", "training", &subject, "--allow"]).exits(0);
    place.run(&["consent", "show", &subject]).exits(0).prints("given");
}

#[test]
fn a_new_notice_is_shown_as_a_diff_and_asked_about() {
    let (place, subject) = asked();
    place.run(&["notices", "publish", "notice-1.toml"]).exits(0);
    notice(&place, 1, "five years", "ten years");
    place.run(&["notices", "publish", "notice-1.toml"]).exits(1).complains("never changes");
    notice(&place, 2, "five years", "ten years");
    place.run(&["notices", "publish", "notice-2.toml"]).exits(0);
    place
        .run(&["notices", "diff", "batch-training", "en", "1", "2"])
        .exits(0)
        .prints("gone   If you say yes, we keep your chats for five years.")
        .prints("new    If you say yes, we keep your chats for ten years.")
        .prints("grade");
    place.run(&["notices", "list"]).exits(0).prints("superseded");
    place.run(&["notices", "show", "batch-training", "en", "2"]).exits(0).prints("ten years");
    let open = |deadline: &str| {
        place.run(&[
            "campaigns",
            "open",
            "shop",
            "--purpose",
            "batch-training",
            "--notice-version",
            "2",
            "--reason",
            "policy 2",
            "--deadline",
            deadline,
            "--reminder",
            "14 days",
            "--json",
        ])
    };
    open("2001-01-01T00:00:00Z").exits(2).complains("has passed");
    let campaign = open("2999-01-01T00:00:00Z").exits(0).json();
    let id = campaign["id"].as_str().unwrap();
    place.run(&["sweep"]).exits(0);
    place.run(&["consent", "show", &subject]).exits(0).prints("requested").prints("2999");
    place.run(&["campaigns", "show", id]).exits(0).prints("open").prints("region unknown");
    place.run(&["campaigns", "remind", id]).exits(0).prints("nobody must be reminded");
    place.run(&["campaigns", "list"]).exits(0).prints("1 open");
    place.run(&["campaigns", "close", id]).exits(0).prints("silence");
    place.run(&["consent", "show", &subject]).exits(0).prints("refused");
}

#[test]
fn choices_are_imported_once_and_what_is_refused_is_named() {
    let (place, _) = asked();
    place.run(&["notices", "publish", "notice-1.toml"]).exits(0);
    let line = |subject: &str, act: &str, version: u32, request: &str| {
        format!(
            r#"{{"subject":"{subject}","purpose":"batch-training","act":"{act}","notice":{{"language":"en","version":{version}}},"request":"{request}"}}"#
        )
    };
    write_lines(
        &place.path("choices.jsonl"),
        &[
            line("anna", "give", 1, "1"),
            line("bert", "refuse", 1, "2"),
            line("cleo", "give", 9, "3"),
            "no JSON".to_owned(),
        ],
    );
    let import = ["consent", "import", "choices.jsonl", "--organization", "shop"];
    place
        .run(&import)
        .exits(1)
        .prints("2 choices entered, 0 entered before, 2 refused")
        .complains("line 3:")
        .complains("line 4:");
    place.run(&import).exits(1).prints("0 choices entered, 2 entered before, 2 refused");
}
