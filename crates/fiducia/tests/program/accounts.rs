//! Accounts of the console on the command line.

use std::io::Write;
use std::process::Stdio;

use super::place::Place;

const ADA: &str = "ada@example.org";

fn create(place: &Place) {
    let more = ["--organization", "acme", "--name", "Ada", "--role", "person", "--subject", "ada"];
    place.run(&[&["accounts", "create", ADA][..], &more].concat()).exits(0).prints("acct_");
}

/// Sets a password that comes by standard input.
fn set_password(place: &Place, password: &str) -> Option<i32> {
    let mut command = place.command(&["accounts", "password", ADA]);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    writeln!(child.stdin.take().unwrap(), "{password}").unwrap();
    child.wait().unwrap().code()
}

#[test]
fn accounts_are_made_changed_and_disabled() {
    let place = Place::with_organization();
    place.run(&["accounts", "list"]).exits(0).prints("no accounts yet");
    create(&place);
    assert_eq!(set_password(&place, "short"), Some(2));
    assert_eq!(set_password(&place, "correct horse battery"), Some(0));
    place.run(&["accounts", "roles", "ADA@example.org", "--role", "person", "--role", "legal"]).exits(0);
    place.run(&["accounts", "link", ADA, "--issuer", "https://issuer.example", "--external", "sub"]).exits(0);
    place.run(&["accounts", "link", ADA, "--issuer", "https://issuer.example", "--external", "sub"]).exits(1);
    place.run(&["accounts", "disable", ADA]).exits(0);
    let rows = place.run(&["accounts", "list", "--organization", "acme", "--json"]).exits(0).json();
    assert_eq!(rows[0]["roles"], serde_json::json!(["person", "legal"]));
    assert_eq!((&rows[0]["has_password"], &rows[0]["login"]), (&true.into(), &ADA.into()));
    assert!(rows[0]["disabled_at"].is_string() && rows[0].get("password").is_none());
    place.run(&["accounts", "enable", ADA]).exits(0);
    place.run(&["accounts", "sign-out", ADA]).exits(0);
    let log = place.run(&["ledger", "tail"]).exits(0);
    for event in ["console_account_created", "console_account_changed"] {
        assert!(log.stdout.contains(event), "{event} is not in {}", log.stdout);
    }
    assert!(!log.stdout.contains(ADA), "the ledger names a person");
    place.run(&["ledger", "verify"]).exits(0);
}

#[test]
fn tokens_are_made_listed_and_revoked() {
    let place = Place::with_organization();
    create(&place);
    let made = |more: &[&str]| {
        place.run(&[&["accounts", "token", "create", ADA, "--name", "laptop", "--json"][..], more].concat())
    };
    let created = made(&["--scope", "read", "--scope", "write", "--days", "30"]).exits(0).json();
    let (id, secret) = (created["token"]["id"].as_str().unwrap(), created["secret"].as_str().unwrap());
    assert!(secret.starts_with("fia_") && secret.len() == 68, "{}", secret.len());
    made(&["--scope", "act-for-people"]).exits(2).complains("tenant-admin");
    let listed = place.run(&["accounts", "token", "list", "--account", ADA]).exits(0).prints(id);
    assert!(!listed.stdout.contains("fia_"), "a list shows a secret");
    place.run(&["accounts", "token", "revoke", id]).exits(0);
    place.run(&["accounts", "token", "revoke", id]).exits(1).complains("was revoked before");
    let log = place.run(&["ledger", "tail"]).exits(0);
    assert!(log.stdout.contains("revoked apitok_"), "{}", log.stdout);
    assert!(!log.stdout.contains("fia_") && !log.stdout.contains("laptop"), "the ledger says too much");
    let files = place.run(&["ledger", "verify"]).exits(0);
    assert!(!files.stdout.contains(secret));
}

#[test]
fn mistakes_are_explained() {
    let place = Place::with_organization();
    create(&place);
    let again = ["--organization", "acme", "--name", "Ada", "--role", "auditor"];
    place.run(&[&["accounts", "create", ADA][..], &again].concat()).exits(1).complains("is taken");
    place
        .run(&["accounts", "disable", "eve@example.org"])
        .exits(2)
        .complains("no account has the login or id");
    place.run(&["accounts", "roles", ADA, "--role", "root"]).exits(2).complains("trust-and-safety");
}

#[test]
fn a_console_that_cannot_be_used_is_explained() {
    let place = Place::new();
    place.configure(
        "[console]\npublic_url = \"http://console.example.org\"\npasswords = false\npasskeys = false\n\
         [console.identity_providers.Work]\nlabel = \"x\"\nissuer = \"ftp://x\"\nclient_id = \"y\"\n",
    );
    place
        .run(&["config", "check"])
        .exits(2)
        .complains("console.public_url must begin with `https://`")
        .complains("a name has 1 to 32 of `a-z 0-9 -`");
    place.configure("[console]\npublic_url = \"http://localhost:4102\"\n");
    place.run(&["config", "check"]).exits(0);
    place.configure("[console]\npublic_url = \"http://localhost:4102\"\nlisten = \"127.0.0.1:4100\"\n[operations]\nlisten = \"127.0.0.1:4100\"\n");
    place.run(&["config", "check"]).exits(2).complains("console.listen 127.0.0.1:4100 are the same address");
}
