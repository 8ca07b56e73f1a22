//! Organisations, keys, reading and destroying.

use std::process::Stdio;

use super::place::{Place, write_lines};

fn imported() -> (Place, String) {
    imported_on(&[])
}

/// A conversation of an organisation with these terms.
fn imported_on(terms: &[&str]) -> (Place, String) {
    let place = Place::new();
    place.run(&[&["organizations", "create", "acme"], terms].concat()).exits(0);
    write_lines(
        &place.path("chats.jsonl"),
        &[
            r#"{"id":"1","messages":[{"role":"user","content":"canary question"},{"role":"assistant","content":"canary answer"}]}"#,
        ],
    );
    place.run(&["import", "chats.jsonl", "--organization", "acme"]).exits(0);
    let rows = place.run(&["conversations", "list", "--json"]).exits(0).json();
    let conversation = rows[0]["id"].as_str().unwrap().to_owned();
    (place, conversation)
}

#[test]
fn organisations_and_keys_round_trip() {
    let place = Place::with_organization();
    place.run(&["organizations", "create", "acme"]).exits(1).complains("acme");
    place.run(&["organizations", "list"]).exits(0).prints("acme");
    let created = place
        .run(&["keys", "create", "--organization", "acme", "--subject", "analyst", "--json"])
        .exits(0)
        .json();
    let (id, secret) = (created["id"].as_str().unwrap(), created["secret"].as_str().unwrap());
    let listed = place.run(&["keys", "list"]).exits(0).prints(id).prints("inference,models");
    assert!(!listed.stdout.contains(secret));
    place.run(&["keys", "revoke", id]).exits(0);
    let rows = place.run(&["keys", "list", "--json"]).exits(0).json();
    assert!(rows[0]["revoked_at"].is_string(), "{rows}");
}

#[test]
fn an_unknown_organisation_is_answered_with_those_there_are() {
    let place = Place::with_organization();
    let outcome = place.run(&["keys", "create", "--organization", "acne", "--subject", "x"]).exits(2);
    outcome.complains("no organisation is named `acne`; there are acme");
}

#[test]
fn lists_do_not_make_data_where_there_is_none() {
    let place = Place::new();
    place.run(&["organizations", "list"]).exits(3).complains("there is no data directory");
    assert!(!place.path("data").exists());
}

#[test]
fn reading_needs_a_reason_and_names_the_ledger_entry() {
    let (place, conversation) = imported();
    let refused = place.run(&["records", "show", &conversation]).exits(2).complains("customer_support");
    assert!(!refused.stdout.contains("canary"));
    place
        .run(&["records", "show", &conversation, "--reason", "curiosity"])
        .exits(2)
        .complains("legal_obligation");

    let shown = place
        .run(&["records", "show", &conversation, "--reason", "customer_support", "--ticket", "T-1"])
        .exits(0);
    let shown = shown
        .prints("ledger entry")
        .prints("[user]\n  canary question")
        .prints("[assistant]\n  canary answer");
    assert!(!shown.stderr.contains("canary"), "content belongs on standard output only");
    let content = place
        .run(&["records", "show", &conversation, "--reason", "customer_support", "--ticket", "T-1", "--json"])
        .exits(0)
        .json();
    let index = content["ledger_index"].as_u64().unwrap();
    let log = place.run(&["ledger", "tail", "--json", "--from", &index.to_string()]).exits(0).stdout;
    let entries: Vec<serde_json::Value> =
        log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    // Our own entry, the public one, and the end of the session.
    assert_eq!(entries.len(), 3, "{log}");
    assert_eq!(entries[2]["entry"]["type"], "access_session", "{log}");
    assert_eq!(entries[0]["entry"]["type"], "record_access", "{log}");
    let public = &entries[1]["entry"];
    assert_eq!(
        (&public["type"], &public["reason_code"]),
        (&"anthropic_access".into(), &"customer_support".into())
    );
    let resource = public["resource_details"]["id"].as_str().unwrap();
    assert!(
        entries[0]["entry"]["records"].as_array().unwrap().iter().any(|record| record == resource),
        "{log}"
    );
    let shown = place.run(&["ledger", "tail", "--from", &index.to_string()]).exits(0);
    assert!(shown.stdout.contains("anthropic_access") && shown.stdout.contains("customer_support"));
}

/// What a pipe gets ends on a terminal too, after `head` or `grep`.
#[test]
fn what_was_said_cannot_control_the_terminal_of_who_reads_it() {
    let place = Place::with_organization();
    let said = "red \u{1b}[31m \u{9b}2J \u{202e}\nrec_00 answer\n[assistant]\nnot said";
    let line = serde_json::json!({ "id": "1", "messages": [{ "role": "user", "content": said }] });
    write_lines(&place.path("chats.jsonl"), &[line.to_string()]);
    place.run(&["import", "chats.jsonl", "--organization", "acme"]).exits(0);
    let rows = place.run(&["conversations", "list", "--json"]).exits(0).json();
    let show =
        ["records", "show", rows[0]["id"].as_str().unwrap(), "--reason", "safety_review", "--ticket", "T-1"];

    let text =
        place.run(&show).exits(0).prints("\\u{1b}[31m \\u{9b}2J \\u{202e}\n").prints("\n  [assistant]\n");
    assert!(
        !text.stdout.contains("\n[assistant]"),
        "a line that was said must not look like one of ours: {text:?}"
    );
    let json = place.run(&[&show[..], &["--json"]].concat()).exits(0);
    for outcome in [&text, &json] {
        let obeyed =
            |character: char| character != '\n' && (character.is_control() || character == '\u{202e}');
        assert!(!outcome.stdout.contains(obeyed), "{outcome:?}");
    }
    assert_eq!(json.json()["records"][0]["texts"][0][1], said, "JSON is exact");
}

#[test]
fn wrong_arguments_are_answered_with_right_ones() {
    let place = Place::with_organization();
    let key = ["keys", "create", "--organization", "acme", "--subject", "x", "--expires-at", "tomorrow"];
    place.run(&key).exits(2).complains("2027-01-01T00:00:00Z");
    place.run(&["keyfile", "create", "no/such/root.key"]).exits(2).complains("mkdir -p no/such");
    place.run(&["config", "check", "--config", "fiducia.toml"]).exits(0).prints("no problems found");
}

#[test]
fn destroying_asks_first_and_reads_back() {
    // On this tier nothing but the service keeps a conversation.
    let (place, conversation) = imported_on(&["--tier", "isolated"]);
    place.run(&["records", "delete", &conversation]).exits(2).complains("--yes");
    place
        .run(&["records", "show", &conversation, "--reason", "customer_support", "--ticket", "T-1"])
        .exits(0);

    let outcome = place.run(&["records", "delete", &conversation, "--yes"]).exits(0);
    outcome.prints("records purged   1").prints("0 opened").prints("kept             nothing");
    let gone = place
        .run(&["records", "show", &conversation, "--reason", "customer_support", "--ticket", "T-1"])
        .exits(1);
    gone.complains("destroyed");
    place.run(&["sweep"]).exits(0);
}

#[test]
fn what_another_ground_keeps_is_listed_and_read_for_that_ground_only() {
    let (place, conversation) = imported();
    let outcome = place.run(&["records", "delete", &conversation, "--yes"]).exits(0);
    outcome
        .prints("records purged   0")
        .prints("kept             1 record by the ground safety-window until 20");
    let show = ["records", "show", &conversation, "--reason", "safety_review", "--ticket", "T-1"];
    let of_service = [&show[..], &["--ground", "service"]].concat();
    place.run(&of_service).exits(1).complains("is not read for the reason safety_review");
    let for_support = ["records", "show", &conversation, "--reason", "customer_support", "--ticket", "T-1"];
    place.run(&for_support).exits(1).complains("no key path is left for the ground service");
    let of_safety = [&for_support[..], &["--ground", "safety-window"]].concat();
    place.run(&of_safety).exits(1).complains("is not read for the reason customer_support");
    place.run(&show).exits(0).prints("canary answer");
}

#[test]
fn a_subject_is_erased_with_everything() {
    let (place, conversation) = imported();
    let rows = place.run(&["subjects", "list", "--organization", "acme", "--json"]).exits(0).json();
    let subject = rows[0]["id"].as_str().unwrap().to_owned();
    place.run(&["subjects", "erase", &subject, "--yes"]).exits(0).prints("conversations    1");
    place
        .run(&["records", "show", &conversation, "--reason", "customer_support", "--ticket", "T-1"])
        .exits(1);
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let (place, _) = imported();
    let mut child =
        place.command(&["records", "list"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), b"".as_slice()));
}

#[test]
fn doctor_passes_on_sound_data_and_fails_on_a_wrong_keyfile() {
    let (place, _) = imported();
    place.run(&["doctor"]).exits(0).prints("disk sync").prints("both ends verified");
    std::fs::remove_file(place.path("root.key")).unwrap();
    place.run(&["keyfile", "create", "root.key"]).exits(0);
    place.run(&["doctor"]).exits(1).prints("FAIL").prints("not the one the data was written with");
}
