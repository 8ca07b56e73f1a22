//! Keys to the Compliance API with the real program.

use std::io::{Read, Write};
use std::net::TcpStream;

use super::place::Place;

/// What the API at `address` answers to a GET with this key.
fn get(address: &str, path: &str, secret: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(
        stream,
        "GET /v1/compliance{path} HTTP/1.1\r\nhost: {address}\r\nx-api-key: {secret}\r\nconnection: close\r\n\r\n"
    )
    .unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).unwrap();
    response
}

#[test]
fn a_key_is_made_shown_once_used_and_deleted() {
    let place = Place::with_organization();
    place.configure("[compliance]\nlisten = \"127.0.0.1:0\"\n");
    let create = ["compliance", "keys", "create", "--name", "siem", "--scope", "read:compliance_activities"];
    place.run(&create).exits(2).complains("--organization");
    place.run(&[&create[..4], &["siem", "--installation"]].concat()).exits(2).complains("--scope");
    place
        .run(&[&create[..], &["--organization", "nobody"]].concat())
        .exits(2)
        .complains("no organisation is named");
    let made = place.run(&[&create[..], &["--organization", "acme", "--json"]].concat()).exits(0).json();
    let (id, secret) = (made["key"]["id"].as_str().unwrap(), made["secret"].as_str().unwrap());
    assert!(secret.starts_with("fic_") && id.starts_with("apikey_"), "{made}");
    let serving = place.serve();
    assert!(get(&serving.compliance, "/activities", secret).starts_with("HTTP/1.1 200 "));
    let refused = get(&serving.compliance, "/organizations", secret);
    assert!(
        refused.starts_with("HTTP/1.1 403 ") && refused.contains("Needed: ['read:compliance_org_data']"),
        "{refused}"
    );
    let listed = place.run(&["compliance", "keys", "list", "--organization", "acme"]).exits(0).prints(id);
    assert!(!listed.stdout.contains("fic_"), "a list shows a secret");
    place.run(&["compliance", "keys", "delete", id]).exits(0).prints("refused from now on");
    assert!(
        get(&serving.compliance, "/activities", secret).starts_with("HTTP/1.1 401 "),
        "deletion works at once"
    );
    place.run(&["compliance", "keys", "delete", id]).exits(1).complains("was deleted before");
    assert_eq!(serving.stop().0, Some(0));
    let log = place
        .run(&["ledger", "tail"])
        .exits(0)
        .prints("compliance_key_created")
        .prints("compliance_key_deleted");
    assert!(!log.stdout.contains("fic_"), "{}", log.stdout);
}

#[test]
fn an_address_that_is_taken_and_a_header_that_is_none_are_explained() {
    let place = Place::new();
    place.configure("[operations]\nlisten = \"127.0.0.1:4103\"\n[compliance]\n");
    place
        .run(&["config", "check"])
        .exits(2)
        .complains("compliance.listen 127.0.0.1:4103 are the same address");
    place.configure("[compliance]\nclient_address_header = \"not a header\"\n");
    place
        .run(&["config", "check"])
        .exits(2)
        .complains("compliance.client_address_header is no name of a header");
}
