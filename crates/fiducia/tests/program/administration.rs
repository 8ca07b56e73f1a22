//! Organisations, keys, reading and destroying.

use std::process::Stdio;

use super::place::{Place, write_lines};

fn imported() -> (Place, String) {
    let place = Place::with_organization();
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
    let shown =
        shown.prints("ledger entry").prints("[user]\ncanary question").prints("[assistant]\ncanary answer");
    assert!(!shown.stderr.contains("canary"), "content belongs on standard output only");
    let content = place
        .run(&["records", "show", &conversation, "--reason", "customer_support", "--json"])
        .exits(0)
        .json();
    let index = content["ledger_index"].as_u64().unwrap();
    let log = place.run(&["ledger", "tail", "--json", "--from", &index.to_string()]).exits(0).json();
    assert_eq!(log["entry"]["type"], "record_access", "{log}");
}

#[test]
fn destroying_asks_first_and_reads_back() {
    let (place, conversation) = imported();
    place.run(&["records", "delete", &conversation]).exits(2).complains("--yes");
    place.run(&["records", "show", &conversation, "--reason", "customer_support"]).exits(0);

    let outcome = place.run(&["records", "delete", &conversation, "--yes"]).exits(0);
    outcome.prints("records purged   1").prints("0 opened").prints("kept             nothing");
    let gone = place.run(&["records", "show", &conversation, "--reason", "customer_support"]).exits(1);
    gone.complains("destroyed");
    place.run(&["sweep"]).exits(0);
}

#[test]
fn a_subject_is_erased_with_everything() {
    let (place, conversation) = imported();
    let rows = place.run(&["subjects", "list", "--organization", "acme", "--json"]).exits(0).json();
    let subject = rows[0]["id"].as_str().unwrap().to_owned();
    place.run(&["subjects", "erase", &subject, "--yes"]).exits(0).prints("conversations    1");
    place.run(&["records", "show", &conversation, "--reason", "customer_support"]).exits(1);
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
