//! `serve`, and commands beside it.

use std::io::{Read, Write};
use std::net::TcpListener;

use super::place::{Place, post};

#[test]
fn a_server_answers_commands_logs_no_content_and_stops_in_order() {
    let place = Place::with_organization();
    let serving = place.serve();
    // The key is made through the running server, without the person noticing.
    let created = place
        .run(&["keys", "create", "--organization", "acme", "--subject", "analyst", "--json"])
        .exits(0)
        .json();
    let secret = created["secret"].as_str().unwrap();
    let body = r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"canary"}]}"#;
    let response = post(serving.gateway, "/v1/messages", secret, body);
    assert!(response.starts_with("HTTP/1.1 502"), "{response}");
    place.run(&["doctor"]).exits(0).prints("a server holds it");
    let (code, log) = serving.stop();
    assert_eq!(code, Some(0), "{log}");
    assert!(log.contains("\"status\":502"), "{log}");
    assert!(!log.contains("canary") && !log.contains(secret), "{log}");
    // Every line is one JSON object.
    log.lines().for_each(|line| drop(serde_json::from_str::<serde_json::Value>(line).unwrap()));
    // What was asked is kept although the provider gave no answer.
    place.run(&["conversations", "list"]).exits(0).prints("conv_");
    place.run(&["ledger", "verify"]).exits(0);
}

#[test]
fn a_second_server_on_the_same_data_is_refused() {
    let place = Place::with_organization();
    let serving = place.serve();
    place.run(&["serve"]).exits(3).complains("in use by another process");
    assert_eq!(serving.stop().0, Some(0));
}

#[test]
fn a_holder_that_does_not_answer_is_named() {
    let place = Place::with_organization();
    let serving = place.serve();
    std::fs::remove_file(place.path("data/admin.sock")).unwrap();
    let outcome = place.run(&["organizations", "list"]).exits(3);
    outcome.complains("in use by another process").complains("does not answer");
    serving.stop();
    place.run(&["organizations", "list"]).exits(0);
}

#[test]
fn a_data_directory_that_cannot_be_made_or_written_is_a_storage_error() {
    let place = Place::new();
    let text = std::fs::read_to_string(place.path("fiducia.toml")).unwrap();
    // Nobody, not even root, can make a directory there.
    std::fs::write(place.path("fiducia.toml"), text.replace("\"data\"", "\"/proc/fiducia-data\"")).unwrap();
    place.run(&["organizations", "create", "acme"]).exits(3).complains("cannot be used");
    place.run(&["serve"]).exits(3).complains("cannot be used");
}

#[test]
fn an_address_that_is_taken_is_named_and_the_data_released() {
    let place = Place::with_organization();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    place.configure(&format!("[operations]\nlisten = \"{}\"\n", taken.local_addr().unwrap()));
    place.run(&["serve"]).exits(2).complains(&taken.local_addr().unwrap().to_string());
    place.run(&["organizations", "list"]).exits(0);
}

#[test]
fn traces_reach_a_collector_without_content() {
    let place = Place::with_organization();
    let created = place
        .run(&["keys", "create", "--organization", "acme", "--subject", "analyst", "--json"])
        .exits(0)
        .json();
    let collector = TcpListener::bind("127.0.0.1:0").unwrap();
    place
        .configure(&format!("[telemetry]\notlp_endpoint = \"http://{}\"\n", collector.local_addr().unwrap()));
    let serving = place.serve();
    let body = r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"canary"}]}"#;
    post(serving.gateway, "/v1/messages", created["secret"].as_str().unwrap(), body);
    let receiving = std::thread::spawn(move || receive_one(&collector));
    assert_eq!(serving.stop().0, Some(0));
    let export = receiving.join().unwrap();
    let text = String::from_utf8_lossy(&export);
    assert!(text.starts_with("POST /v1/traces "), "{text}");
    assert!(text.contains("anthropic-messages") && text.contains("upstream_unreachable"), "{text}");
    assert!(!text.contains("canary"), "{text}");
}

/// Reads one HTTP request and answers it with 200.
fn receive_one(listener: &TcpListener) -> Vec<u8> {
    let (mut stream, _) = listener.accept().unwrap();
    let mut request = Vec::new();
    let mut buffer = [0; 4_096];
    loop {
        let length = stream.read(&mut buffer).unwrap();
        request.extend_from_slice(&buffer[..length]);
        let text = String::from_utf8_lossy(&request).to_ascii_lowercase();
        let head = text.find("\r\n\r\n").map(|end| end + 4);
        let body =
            text.lines().find_map(|line| line.strip_prefix("content-length: ")?.trim().parse::<usize>().ok());
        let complete = matches!((head, body), (Some(head), Some(body)) if text.len() >= head + body);
        if length == 0 || complete {
            break;
        }
    }
    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").unwrap();
    request
}
