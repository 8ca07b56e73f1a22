//! Certificates of destruction: handed out, verified elsewhere, and told of by mail.

use std::net::TcpListener;
use std::path::Path;

use super::mail_server::{MailServer, kept_mails};
use super::place::{Place, program, run, write_lines};

/// A place with a conversation, and the conversation's id.
fn imported(rest: &str) -> (Place, String) {
    let place = Place::with_organization();
    place.configure(rest);
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

fn verifier_key(place: &Place) -> String {
    let rows = place.run(&["organizations", "list", "--json"]).exits(0).json();
    rows[0]["ledger_verifier_key"].as_str().unwrap().to_owned()
}

/// Verifies a file as its holder would: without a configuration, without data.
fn verify(file: &Path, key: &str) -> super::place::Outcome {
    run(program().current_dir("/").args(["certificate", "verify"]).arg(file).args(["--verifier-key", key]))
}

/// Destroys the conversation and gives the reference number of its certificate.
fn destroyed(place: &Place, conversation: &str) -> String {
    let report = place.run(&["records", "delete", conversation, "--yes", "--json"]).exits(0).json();
    report["certificate"].as_str().unwrap().to_owned()
}

#[test]
fn a_certificate_is_listed_handed_out_and_verified_without_the_installation() {
    let (place, conversation) =
        imported("[certificates]\ncontact = \"privacy@example.org\"\nbackup_days = 35\n");
    let reference = destroyed(&place, &conversation);
    place.run(&["certificate", "list"]).exits(0).prints(&reference).prints(&conversation);
    place
        .run(&["certificate", "show", &reference, "--out", "certificate.json"])
        .exits(0)
        .complains(&verifier_key(&place));
    let (file, key) = (place.path("certificate.json"), verifier_key(&place));
    verify(&file, &key).exits(0).prints(&format!("{reference}: verified")).prints("kept 35 days");
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(!text.contains("canary"), "{text}");
    assert_eq!(place.run(&["certificate", "show", &reference]).exits(0).stdout, text);

    let mut altered = text.clone().into_bytes();
    let middle = altered.len() / 2;
    altered[middle] ^= 1;
    std::fs::write(place.path("altered.json"), altered).unwrap();
    verify(&place.path("altered.json"), &key).exits(1).complains("NOT verified");
    verify(&place.path("certificate.json"), "nonsense").exits(2).complains("--verifier-key cannot be used");
    let stranger = Place::with_organization();
    verify(&file, &verifier_key(&stranger)).exits(1).complains("does not hold");
    place
        .run(&["certificate", "show", "FC-2026-0000-0000-0000-0000"])
        .exits(1)
        .complains("there is no certificate");

    place.run(&["certificate", "page", &reference, "--out", "certificate.html"]).exits(0);
    let page = std::fs::read_to_string(place.path("certificate.html")).unwrap();
    assert!(
        page.contains(&reference) && page.contains("privacy@example.org") && page.contains(&key),
        "{page}"
    );
    assert!(!page.contains("<script") && !page.contains("canary") && !page.contains("src="), "{page}");
}

#[test]
fn a_mail_waits_for_its_server_arrives_once_and_its_attachment_verifies() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let (place, conversation) = imported(&format!(
        "[certificates]\ncontact = \"privacy@example.org\"\n[mail]\nserver = \"smtp://127.0.0.1:{port}\"\n\
         from = \"Fiducia <fiducia@example.org>\"\nto = \"officer@example.org\"\nfirst_retry_seconds = 1\n"
    ));
    let reference = destroyed(&place, &conversation);
    place.run(&["doctor"]).prints("mails about certificates that wait to be sent: 1");
    let mut serving = place.serve();
    serving.logs("could not be reached");
    place.run(&["certificate", "list"]).exits(0).prints("due ");

    let mails = place.path("mails");
    let server = MailServer::start(&mails, port);
    serving.logs("the mail about a certificate was sent");
    place.run(&["certificate", "list"]).exits(0).prints("sent ");
    let (code, log) = serving.stop();
    assert_eq!(code, Some(0));
    assert!(!log.contains("officer@example.org"), "{log}");
    // Another server looks for what is due as soon as it runs, and finds nothing.
    assert_eq!(place.serve().stop().0, Some(0));
    assert_eq!(kept_mails(&mails).len(), 1, "it arrives exactly once");
    drop(server);

    let saved = mails.join("1");
    let read = |name: &str| std::fs::read_to_string(saved.join(name)).unwrap();
    assert_eq!(read("to.txt"), "officer@example.org");
    let body = read("body.txt");
    assert!(body.contains(&reference) && body.contains("fiducia certificate verify"), "{body}");
    let whole = std::fs::read_to_string(mails.join("1.eml")).unwrap();
    assert!(!whole.contains("canary"), "{whole}");
    let attached = saved.join(format!("{reference}.json"));
    verify(&attached, &verifier_key(&place)).exits(0).prints(&reference);
    let shown = place.run(&["certificate", "show", &reference]).exits(0).stdout;
    // A server that starts grows the log by nothing, so the proof is the same.
    assert_eq!(std::fs::read_to_string(&attached).unwrap(), shown);
    let proof: fiducia_ledger::ProofFile = read(&format!("{reference}.tlog-proof")).parse().unwrap();
    let key: fiducia_ledger::VerifierKey = verifier_key(&place).parse().unwrap();
    proof.verify(proof.extra.as_deref().unwrap(), &key).unwrap();
}

#[test]
fn mail_that_cannot_work_is_refused_before_anything_starts() {
    let place = Place::with_organization();
    let mail = "[mail]\nserver = \"smtp://mail.example.org\"\nfrom = \"nobody\"\nto = \"officer@example.org\"\nuser = \"x\"\n";
    place.configure(mail);
    place
        .run(&["serve"])
        .exits(2)
        .complains("mails in the clear")
        .complains("mail.from is no mail address")
        .complains("mail.user needs a password");
}
