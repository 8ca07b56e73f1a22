//! Warnings of ends reach their person by mail.

use std::net::TcpListener;

use super::mail_server::{MailServer, kept_mails};
use super::place::{Place, write_lines};

/// Conversations end thirty days after the last turn, and people are warned sixty days before: at once.
const POLICY: &str = r#"
language = 1
name = "soon"
title = "Everything ends soon"

[regions.home]
title = "Here"

[plans.pro]
audience = "consumer"
tier = "private"
training = "never"
classes = ["chat"]
api_class = "chat"
region = "home"
warn_before = "60 days"
may_keep = true

[plans.enterprise]
audience = "commercial"
tier = "private"
training = "never"
classes = ["chat"]
api_class = "chat"
region = "home"

[[rules]]
id = "conversations"
ground = "service"
delete = ["30 days after last-activity", "at deletion", "at erasure"]
clause = "Kept for 30 days after the last turn"
"#;

const ADDRESS: &str = "anna.canary@mail.example.org";

/// A place of people who are warned at once, and the subject of its two conversations.
fn place(mail: &str) -> (Place, String) {
    let place = Place::new();
    place.configure(mail);
    // The built-in policy has no plan for people alone.
    place.run(&["organizations", "create", "first"]).exits(0);
    std::fs::write(place.path("policy.toml"), POLICY).unwrap();
    place.run(&["policy", "publish", "policy.toml"]).exits(0);
    place.run(&["organizations", "create", "acme", "--plan", "pro"]).exits(0);
    let line = |said: &str| {
        format!(
            r#"{{"id":"{said}","messages":[{{"role":"user","content":"canary {said}"}},{{"role":"assistant","content":"ok"}}]}}"#
        )
    };
    write_lines(&place.path("chats.jsonl"), &[line("one"), line("two")]);
    place.run(&["import", "chats.jsonl", "--organization", "acme"]).exits(0);
    let rows = place.run(&["conversations", "list", "--json"]).exits(0).json();
    let subject = rows[0]["subject"].as_str().unwrap().to_owned();
    (place, subject)
}

fn ends(place: &Place) -> Vec<String> {
    let rows = place.run(&["conversations", "list", "--json"]).exits(0).json();
    rows.as_array().unwrap().iter().map(|row| row["ends_at"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_person_is_warned_by_one_mail_and_keeps_what_it_is_about() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let (place, subject) = place(&format!(
        "[certificates]\ncontact = \"privacy@example.org\"\n[mail]\nserver = \"smtp://127.0.0.1:{port}\"\n\
         from = \"Fiducia <fiducia@example.org>\"\nto = \"officer@example.org\"\nfirst_retry_seconds = 1\n"
    ));
    place.run(&["subjects", "contact", &subject, "--mail", ADDRESS]).exits(0).prints("is warned by mail");
    let listed = place.run(&["subjects", "list", "--organization", "acme"]).exits(0).prints("mail");
    assert!(!listed.stdout.contains("canary"), "{listed:?}");
    place
        .run(&["sweep"])
        .exits(0)
        .prints("ends announced   2 conversations")
        .prints("warned           1 subject");
    place.run(&["sweep"]).exits(0).prints("keys destroyed   0");
    place.run(&["doctor"]).prints("mails about warnings that wait to be sent: 1");

    let mut serving = place.serve();
    serving.logs("the mail about a warning could not be sent");
    let mails = place.path("mails");
    let server = MailServer::start(&mails, port);
    serving.logs("the mail about a warning was sent");
    let (code, log) = serving.stop();
    assert_eq!(code, Some(0));
    assert!(!log.contains("canary"), "{log}");
    assert_eq!(place.serve().stop().0, Some(0));
    assert_eq!(kept_mails(&mails).len(), 1, "it arrives exactly once");
    drop(server);

    let read = |name: &str| std::fs::read_to_string(mails.join("1").join(name)).unwrap();
    assert_eq!(read("to.txt"), ADDRESS);
    let body = read("body.txt").split_whitespace().collect::<Vec<_>>().join(" ");
    for part in [
        "2 conversations of yours end soon, at acme",
        "The first ends on",
        "answer this mail",
        "privacy@example.org",
    ] {
        assert!(body.contains(part), "{part:?} is not in {body}");
    }
    assert!(!body.contains("canary") && !body.contains("conv_") && !body.contains("subject_"), "{body}");
    let warning = body.split_whitespace().find(|word| word.starts_with("warning_")).unwrap();

    let before = ends(&place);
    place.run(&["conversations", "keep-warned", warning]).exits(0).prints("is kept");
    let after = ends(&place);
    assert!(before.iter().all(|end| after.iter().all(|later| later > end)), "{before:?} {after:?}");
    place.run(&["conversations", "keep-warned", warning]).exits(0).prints("nothing is left");
    for file in place.files("data") {
        let bytes = std::fs::read(&file).unwrap();
        assert!(!bytes.windows(6).any(|part| part == b"canary"), "{}", file.display());
    }
}

#[test]
fn an_address_is_checked_and_can_be_taken_away() {
    let (place, subject) = place("");
    place.run(&["subjects", "contact", &subject, "--mail", "Anna <anna@example.org>"]).exits(2);
    place.run(&["subjects", "contact", &subject]).exits(2).complains("--mail");
    place.run(&["subjects", "contact", &subject, "--mail", ADDRESS]).exits(0);
    place.run(&["subjects", "contact", &subject, "--none"]).exits(0).prints("has no address");
    place.run(&["sweep"]).exits(0).prints("warned           1 subject");
    place.run(&["conversations", "list"]).exits(0).prints("announced");
    place
        .run(&["conversations", "keep-warned", "warning_01999999-9999-7999-8999-999999999999"])
        .exits(1)
        .complains("there is no warning_");
}
