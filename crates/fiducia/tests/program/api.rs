//! The JSON API with the real program: the document it prints, and the examples of the documentation, carried out.

use std::process::Command;

use serde_json::Value;

use super::place::{Place, Serving, run};

const DOCUMENTATION: &str = include_str!("../../../../docs/api.md");

/// A server with an organisation that asks its people.
fn shop() -> (Place, Serving, String) {
    let place = Place::with_organization();
    place.configure("[console]\nlisten = \"127.0.0.1:0\"\npublic_url = \"http://localhost:4102\"\n");
    place.run(&["policy", "publish", "--shipped", "anthropic-2026"]).exits(0);
    place.run(&["organizations", "create", "shop", "--plan", "pro"]).exits(0);
    let notice = concat!(env!("CARGO_MANIFEST_DIR"), "/../../policies/notices/batch-training.en.toml");
    place.run(&["notices", "publish", notice]).exits(0);
    let serving = place.serve();
    let api = format!("http://{}/api/v1", serving.console);
    (place, serving, api)
}

/// The words of a line of the shell: apart from quotes the examples use nothing of it.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for character in line.chars() {
        match character {
            '\'' => quoted = !quoted,
            ' ' if !quoted => words.push(String::new()),
            other => words.last_mut().unwrap().push(other),
        }
    }
    words
}

#[test]
fn the_ten_lines_of_the_documentation_do_what_they_say() {
    let (place, serving, api) = shop();
    let block = DOCUMENTATION.split("```sh\n").nth(1).unwrap().split("```").next().unwrap();
    let lines: Vec<&str> = block.lines().collect();
    assert_eq!(lines.len(), 10, "{block}");
    let mut secret = String::new();
    let mut answers: Vec<Value> = Vec::new();
    for line in lines {
        if let Some(command) = line.strip_prefix("fiducia ") {
            let words = words(command);
            let outcome = place.run(&words.iter().map(String::as_str).collect::<Vec<_>>()).exits(0);
            if let Some(rest) = outcome.stdout.split("secret   ").nth(1) {
                secret = rest.split_whitespace().next().unwrap().to_owned();
            }
        } else if line.starts_with("curl ") {
            let mut shell = Command::new("sh");
            shell.args(["-c", line]).env("TOKEN", &secret).env("API", &api);
            let outcome = run(&mut shell).exits(0);
            answers.push(outcome.json());
        } else {
            assert!(line.starts_with("export "), "{line}");
        }
    }
    assert!(secret.starts_with("fia_"));
    let [account, notices, made, standings, history, people] = answers.as_slice() else {
        panic!("{answers:?}")
    };
    assert_eq!(account["token_permits"], serde_json::json!(["read", "write", "act-for-people"]));
    assert_eq!(notices["items"][0]["purpose"], "batch-training");
    assert_eq!(made["state"], "given", "{made}");
    let training =
        standings["items"].as_array().unwrap().iter().find(|row| row["purpose"] == "batch-training");
    assert_eq!(training.unwrap()["permits"], true);
    assert_eq!(history["items"][0]["channel"], "sign-up");
    assert_eq!(people["items"].as_array().unwrap().len(), 1);
    let (code, log) = serving.stop();
    assert_eq!(code, Some(0), "{log}");
    assert!(!log.contains(&secret) && !log.contains("fia_"), "a token is in the log");
    for file in place.files("data") {
        let bytes = std::fs::read(&file).unwrap();
        assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()), "{}", file.display());
    }
    place.run(&["ledger", "verify"]).exits(0);
}

#[test]
fn the_program_prints_the_document_that_lies_beside_the_documentation() {
    let place = Place::new();
    let printed = place.run(&["api", "schema"]).exits(0).stdout;
    assert!(
        printed == include_str!("../../../../docs/openapi.json"),
        "run `fiducia api schema > docs/openapi.json`"
    );
}
