//! `policy check`, `diff`, `explain`, `simulate`, `test`, `schema`, `show`.

use super::place::{Outcome, program, run};

const SHIPPED: [&str; 5] = ["consumer", "enterprise", "education", "government", "anthropic-2026"];

fn policy(arguments: &[&str]) -> Outcome {
    run(program().arg("policy").args(arguments))
}

/// A folder with the consumer policy and its cases, changed in one place.
fn changed(from: &str, to: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let text = policy(&["shipped", "consumer"]).exits(0).stdout;
    assert!(text.contains(from), "{from}");
    std::fs::write(folder.path().join("policy.toml"), text.replace(from, to)).unwrap();
    let cases = policy(&["shipped", "consumer", "--cases"]).exits(0).stdout;
    std::fs::write(folder.path().join("policy.cases.toml"), cases).unwrap();
    folder
}

fn path(folder: &tempfile::TempDir, name: &str) -> String {
    folder.path().join(name).display().to_string()
}

const CENSUS: &str = r#"{"plan":"pro","tier":"restricted","class":"chat","training":true,"created":"2026-01-10","people":7,"records":70,"bytes":7000}
{"plan":"free","tier":"restricted","class":"chat","created":"2026-01-10","people":5,"records":50,"bytes":5000}
"#;

#[test]
fn the_policies_that_come_with_the_program_are_sound_and_keep_their_cases() {
    for name in SHIPPED {
        policy(&["check", name]).exits(0).prints("no problems found");
        policy(&["test", name]).exits(0).prints(" 0 broken").prints("kept");
    }
}

#[test]
fn a_contradiction_is_refused_with_line_rule_and_input() {
    let folder = changed(
        "maximum = \"2 years after flag\"",
        "maximum = \"1 month after flag\"\nminimum = \"30 days after flag\"",
    );
    policy(&["check", &path(&folder, "policy.toml")])
        .exits(1)
        .complains("[violation] the minimum (30 days after flag) is above the maximum (1 month after flag)")
        .complains("for example: plan free")
        .complains("line ");
}

#[test]
fn a_locked_rule_that_is_loosened_is_refused() {
    let folder = changed("locked = true", "locked = false");
    let file = path(&folder, "policy.toml");
    policy(&["check", &file]).exits(0);
    policy(&["check", &file, "--replaces", "consumer"]).exits(1).complains("no longer locked");
    policy(&["diff", "consumer", &file]).exits(1).prints("Refused: ");
}

#[test]
fn a_broken_promise_fails_the_cases_with_both_dates() {
    let folder = changed("5 years after last-activity", "4 years after last-activity");
    policy(&["test", &path(&folder, "policy.toml")])
        .exits(1)
        .prints("BROKEN  free: where training is allowed it is 5 years")
        .prints("service: promised 2031-01-10T09:00:00Z, but the policy says 2030-01-10T09:00:00Z");
}

#[test]
fn a_difference_is_said_in_words_and_counted() {
    let folder = changed("5 years after last-activity", "3 years after last-activity");
    let census = path(&folder, "census.jsonl");
    std::fs::write(&census, CENSUS).unwrap();
    let new = path(&folder, "policy.toml");
    policy(&["diff", "consumer", &new, "--census", &census])
        .exits(0)
        .prints("free, pro, max, code: chat, coding-session (tier restricted, training allowed)")
        .prints("was      deleted 5 years after last-activity\n")
        .prints("becomes  deleted 3 years after last-activity\n")
        .prints("days shorter")
        .prints("In all: 7 people, 70 records");
    let json = policy(&["diff", "consumer", &new, "--census", &census, "--json"]).exits(0).json();
    assert_eq!(json["changes"][0]["affected"]["records"], 70);
    policy(&["diff", "consumer", "consumer"]).exits(0).prints("Nothing changes for anyone.");
}

#[test]
fn an_explanation_names_what_holds_what_lost_and_what_would_end_it() {
    let question = [
        "explain",
        "consumer",
        "--plan",
        "free",
        "--class",
        "chat",
        "--created",
        "2026-01-10T09:00:00Z",
        "--deleted",
        "2026-01-12",
        "--at",
        "2026-01-13",
    ];
    policy(&question)
        .exits(0)
        .prints("The record is kept until 2026-02-10T00:00:00Z. Grounds that hold: service, safety-window.")
        .prints("delete 30 days after last-activity: 2026-02-09T09:00:00Z, which decides")
        .prints("delete 30 days after deletion: 2026-02-11T00:00:00Z, yields to another")
        .prints("delete 90 days after closing: would end it if that happened");
    let json = policy(&[&question[..], &["--json"]].concat()).exits(0).json();
    assert_eq!(json["grounds"][0]["legal_basis"], "eu-gdpr:A6-1-b");
    policy(&["explain", "education", "--plan", "free", "--class", "chat"])
        .exits(2)
        .complains("it has: education");
}

#[test]
fn a_simulation_prints_a_course_and_draws_it() {
    let folder = tempfile::tempdir().unwrap();
    let (census, picture) = (path(&folder, "census.jsonl"), path(&folder, "kept.svg"));
    std::fs::write(&census, CENSUS).unwrap();
    policy(&["simulate", "consumer", "--census", &census, "--from", "2026-01-11", "--svg", &picture])
        .exits(0)
        .prints("2026-01-11")
        .prints("KEPT IN ALL");
    let svg = std::fs::read_to_string(picture).unwrap();
    assert!(svg.contains(">service</text>") && svg.contains(">safety-window</text>"), "{svg}");
    std::fs::write(&census, "{\"plan\":\"pro\"}\n").unwrap();
    policy(&["simulate", "consumer", "--census", &census]).exits(2).complains("line 1: missing field");
}

#[test]
fn the_schema_is_json_and_files_that_are_missing_are_named() {
    let schema = policy(&["schema"]).exits(0).json();
    assert_eq!(schema["title"], "Fiducia policy");
    policy(&["check", "absent.toml"]).exits(3).complains("absent.toml");
}
