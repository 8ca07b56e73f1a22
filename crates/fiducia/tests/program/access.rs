//! Reading in sessions by the command line, and access policies of an installation's own.

use std::net::TcpListener;

use super::mail_server::{MailServer, kept_mails};
use super::place::{Place, write_lines};

const QUESTION: &str = "how is the canary fed";

/// A flagged conversation in a case, and files with the tokens of a reviewer and an administrator.
fn prepared() -> (Place, String, String) {
    prepared_in(Place::with_organization())
}

fn prepared_in(place: Place) -> (Place, String, String) {
    write_lines(
        &place.path("chats.jsonl"),
        &[&format!(r#"{{"id":"1","messages":[{{"role":"user","content":"{QUESTION}"}}]}}"#)],
    );
    place.run(&["import", "chats.jsonl", "--organization", "acme"]).exits(0);
    let rows = place.run(&["conversations", "list", "--json"]).exits(0).json();
    let conversation = rows[0]["id"].as_str().unwrap().to_owned();
    place.run(&["flags", "add", &conversation, "--category", "fraud"]).exits(0);
    let case = place.run(&["cases", "open", "acme", "fraud, November", "--json"]).exits(0).json();
    let case = case["id"].as_str().unwrap().to_owned();
    place.run(&["cases", "add", &case, &conversation]).exits(0);
    for (login, role) in [("rita@acme.example", "trust-and-safety"), ("adam@acme.example", "tenant-admin")] {
        place
            .run(&[
                "accounts",
                "create",
                login,
                "--organization",
                "acme",
                "--name",
                "Somebody",
                "--role",
                role,
            ])
            .exits(0);
        let token =
            ["accounts", "token", "create", login, "--name", "cli", "--scope", "read", "--scope", "write"];
        let created = place.run(&[&token[..], &["--json"]].concat()).exits(0).json();
        std::fs::write(place.path(role), created["secret"].as_str().unwrap()).unwrap();
    }
    (place, conversation, case)
}

#[test]
fn a_reviewer_reads_blurred_first_and_nobody_agrees_without_an_account() {
    let (place, conversation, case) = prepared();
    let reviewer = ["--token-file", "trust-and-safety"];
    let by = |who: &[&str], arguments: &[&str]| place.run(&[&["access"], arguments, who].concat());
    let ask = ["request", "--case", &case, "--reason", "safety_review", "--ticket", "CASE-7", "--json"];
    let asked = by(&reviewer, &ask).exits(0).json();
    assert_eq!(asked["state"], "open");
    let id = asked["id"].as_str().unwrap();
    let look = |how: &str| by(&reviewer, &[how, id, "--conversation", &conversation]);
    look("reveal").exits(1).complains("blurred first");
    let blurred = look("read").exits(0).prints("xxx xx xxx xxxxxx xxx");
    assert!(!blurred.stdout.contains(QUESTION));
    look("reveal").exits(0).prints(QUESTION);
    by(&reviewer, &["end", id]).exits(0).prints("by reader");
    look("read").exits(1).complains("not open");
    // With a lockbox an administrator agrees, and whoever works at the machine is none.
    by(&[], &["lockbox", "acme", "--on"]).exits(1);
    by(&reviewer, &["lockbox", "acme", "--on"]).exits(1);
    let admin = ["--token-file", "tenant-admin"];
    by(&admin, &["lockbox", "acme", "--on"]).exits(0).prints("on: ");
    let show = ["records", "show", &conversation, "--reason", "incident_response", "--ticket", "T-1"];
    place.run(&show).exits(1).complains("wants to agree");
    let asked = by(&reviewer, &ask).exits(0).json();
    let id = asked["id"].as_str().unwrap();
    assert_eq!(asked["needs"], "customer-approval");
    by(&[], &["approve", id]).exits(1).complains("not permitted");
    by(&admin, &["notices", "acme"]).exits(0).prints("approval-asked");
    by(&admin, &["approve", id, "--remark", "as agreed by phone"]).exits(0).prints("open");
    by(&reviewer, &["show", id]).exits(0).prints("approved: as agreed by phone");
    let second = by(&reviewer, &ask).exits(0).json();
    let second = second["id"].as_str().unwrap();
    by(&admin, &["deny", second]).exits(2).complains("--remark");
    by(&admin, &["withdraw", second]).exits(1).complains("only who asked");
    by(&reviewer, &["withdraw", second]).exits(0).prints("withdrawn");
    by(&admin, &["deny", second, "--remark", "too late"]).exits(1).complains("withdrawn");
    let log = place.run(&["ledger", "tail"]).exits(0).prints("access_request_withdrawn");
    assert!(!log.stdout.contains("by phone"), "what was said is in no entry");
    by(&[], &["list", "--live"]).exits(0).prints(id);
    let wrong = by(&["--token-file", "fiducia.toml"], &["list"]).exits(1);
    assert!(!wrong.stderr.contains("ledger_origin"), "what is no token is not repeated: {wrong:?}");
}

#[test]
fn an_administrator_hears_once_by_mail_that_somebody_waits_for_an_agreement() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let place = Place::new();
    place.configure(&format!(
        "[mail]\nserver = \"smtp://127.0.0.1:{port}\"\nfrom = \"Fiducia <fiducia@example.org>\"\n\
         to = \"officer@example.org\"\nfirst_retry_seconds = 1\n"
    ));
    place.run(&["organizations", "create", "acme"]).exits(0);
    let (place, conversation, _) = prepared_in(place);
    let by = |who: &str, arguments: &[&str]| {
        place.run(&[&["access"], arguments, &["--token-file", who, "--json"]].concat()).exits(0).json()
    };
    by("tenant-admin", &["lockbox", "acme", "--on"]);
    let request =
        ["request", "--conversation", &conversation, "--reason", "incident_response", "--ticket", "INC-9"];
    let asked = place.run(&[&["access"], &request[..], &["--json"]].concat()).exits(0).json();
    let session = asked["id"].as_str().unwrap();
    place.run(&["doctor"]).prints("mails about bulletins that wait to be sent: 1");

    let mails = place.path("mails");
    let server = MailServer::start(&mails, port);
    let mut serving = place.serve();
    serving.logs("the mail about a matter of administrators was sent");
    let (code, log) = serving.stop();
    assert_eq!(code, Some(0));
    assert!(!log.contains("adam@"), "{log}");
    assert_eq!(place.serve().stop().0, Some(0));
    assert_eq!(kept_mails(&mails).len(), 1, "it arrives exactly once");
    drop(server);
    let read = |name: &str| std::fs::read_to_string(mails.join("1").join(name)).unwrap();
    assert_eq!(read("to.txt"), "adam@acme.example");
    let body = read("body.txt").split_whitespace().collect::<Vec<_>>().join(" ");
    for part in ["waits for an administrator who agrees", "INC-9", session, "no answer is a no", "bulletin_"]
    {
        assert!(body.contains(part), "{part:?} is not in {body}");
    }
    for hidden in [QUESTION, "person_", conversation.as_str()] {
        assert!(!body.contains(hidden), "{hidden:?} is in {body}");
    }
}

#[test]
fn access_policies_of_ones_own_are_checked_compared_and_in_force() {
    let place = Place::with_organization();
    let built_in = place.run(&["policy", "access", "--cedar"]).exits(0).stdout;
    let own = "@id(\"auditors-read\") @about(\"Auditors read.\") permit (principal in Role::\"auditor\", action == \
               Action::\"read\", resource in Kind::\"content\");";
    std::fs::write(place.path("same.cedar"), &built_in).unwrap();
    std::fs::write(place.path("wider.cedar"), format!("{built_in}\n{own}")).unwrap();
    place.run(&["policy", "access", "--against", "same.cedar"]).exits(0).prints("no cell");
    place
        .run(&["policy", "access", "--against", "wider.cedar"])
        .exits(0)
        .prints("wider: auditor read content");
    place.run(&["policy", "access", "--file", "wider.cedar"]).exits(0).prints("auditors-read");
    let weaker = built_in.replace("(context has reason && context.ticket)", "true");
    assert_ne!(weaker, built_in);
    std::fs::write(place.path("weaker.cedar"), weaker).unwrap();
    place.run(&["policy", "access", "--against", "weaker.cedar"]).exits(1).complains("no-reason-no-key");
    place.configure("[access]\npolicies = \"wider.cedar\"\n");
    place.run(&["organizations", "list"]).exits(0);
    place.configure("[access]\npolicies = \"weaker.cedar\"\n");
    place.run(&["organizations", "list"]).exits(2).complains("no-reason-no-key");
    place.configure("[access]\npolicies = \"none.cedar\"\nrecords_per_day_max = 0\n");
    place.run(&["organizations", "list"]).exits(2).complains("none.cedar").complains("records_per_day_max");
}
