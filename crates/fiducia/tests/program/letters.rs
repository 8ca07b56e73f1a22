//! People hear by mail what becomes of their requests.

use std::net::TcpListener;

use super::mail_server::{MailServer, kept_mails};
use super::place::Place;

const ADDRESS: &str = "anna.canary@mail.example.org";

#[test]
fn a_person_hears_once_by_mail_that_a_request_arrived() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let place = Place::new();
    place.configure(&format!(
        "[certificates]\ncontact = \"privacy@example.org\"\n[mail]\nserver = \"smtp://127.0.0.1:{port}\"\n\
         from = \"Fiducia <fiducia@example.org>\"\nto = \"officer@example.org\"\nfirst_retry_seconds = 1\n"
    ));
    place.run(&["organizations", "create", "acme"]).exits(0);
    let key = place.run(&["keys", "create", "--organization", "acme", "--subject", "anna", "--json"]);
    let subject = key.exits(0).json()["subject"].as_str().unwrap().to_owned();
    place.run(&["subjects", "contact", &subject, "--mail", ADDRESS]).exits(0);
    let opened = place.run(&["requests", "open", &subject, "access", "--json"]).exits(0).json();
    let request = opened["request"]["id"].as_str().or(opened["id"].as_str()).unwrap().to_owned();
    place.run(&["requests", "confirm", &request]).exits(0);

    let mut serving = place.serve();
    serving.logs("the mail about a question or a request could not be sent");
    let mails = place.path("mails");
    let server = MailServer::start(&mails, port);
    serving.logs("the mail about a question or a request was sent");
    let (code, log) = serving.stop();
    assert_eq!(code, Some(0));
    assert!(!log.contains("canary"), "{log}");
    assert_eq!(place.serve().stop().0, Some(0));
    assert_eq!(kept_mails(&mails).len(), 1, "it arrives exactly once");
    drop(server);

    let read = |name: &str| std::fs::read_to_string(mails.join("1").join(name)).unwrap();
    assert_eq!(read("to.txt"), ADDRESS);
    let body = read("body.txt").split_whitespace().collect::<Vec<_>>().join(" ");
    for part in ["your request to acme", &request, "It has arrived", "privacy@example.org", "letter_"] {
        assert!(body.contains(part), "{part:?} is not in {body}");
    }
    assert!(!body.contains("canary") && !body.contains("subject_"), "{body}");
}
