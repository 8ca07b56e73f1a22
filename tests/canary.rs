//! Is anything readable in any file?
//!
//! Strings that occur nowhere else go through the program as prompts, answers, tool results, names and keys. Then every byte of the data
//! directory and of the log is searched for them, as they are and in the encodings that programs commonly write.

use std::collections::HashMap;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

use crate::harness::http;
use crate::harness::note;
use crate::harness::server::Server;
use crate::harness::site::{PROVIDER_SECRET, Site, Tenant, text};
use crate::harness::traffic::{Outcome, Way, ask_once};
use crate::harness::upstream::{FALLBACK, Upstream};

/// In every prompt.
const PROMPT: &str = "canary-prompt-Kq7Zt4Wm2";
/// In the scripted answers.
const ANSWER: &str = "canary-answer-Vb9Xe3Rn6";
/// In the imported conversations.
const IMPORTED: &str = "canary-import-Hy5Lc8Dj1";
/// The name that the application gives to a person.
const SUBJECT: &str = "canary-subject-Pf2Ga6Us0";
/// In a prompt to an organisation with zero retention.
const ZERO: &str = "canary-zero-Nw4Ti7Bo3";
/// In a body that is malformed, which errors and logs might quote.
const MALFORMED: &str = "canary-malformed-Rx1Ov9Eu8";

/// A canary and its disguises: the bytes to look for.
fn disguises(canary: &str) -> Vec<(String, Vec<u8>)> {
    let bytes = canary.as_bytes();
    let mut forms = vec![("as it is".to_owned(), bytes.to_vec())];
    for offset in 0..3 {
        // The middle of the base64 text is the same whatever surrounds the canary, for each alignment.
        let mut padded = vec![0; offset];
        padded.extend_from_slice(bytes);
        for (name, engine) in [("base64", &STANDARD_NO_PAD), ("base64url", &URL_SAFE_NO_PAD)] {
            let encoded = engine.encode(&padded);
            forms.push((format!("{name} at {offset}"), encoded.as_bytes()[4..encoded.len() - 4].to_vec()));
        }
    }
    let hex = bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
    forms.push(("hex".to_owned(), hex.clone().into_bytes()));
    forms.push(("HEX".to_owned(), hex.to_uppercase().into_bytes()));
    forms.push(("UTF-16LE".to_owned(), bytes.iter().flat_map(|byte| [*byte, 0]).collect()));
    forms.push(("UTF-16BE".to_owned(), bytes.iter().flat_map(|byte| [0, *byte]).collect()));
    forms.push(("reversed".to_owned(), bytes.iter().rev().copied().collect()));
    forms
}

/// Whether `haystack` holds `needle`.
fn holds(haystack: &[u8], needle: &[u8]) -> bool {
    let Some((first, _)) = needle.split_first() else { return false };
    let mut rest = haystack;
    while let Some(position) = rest.iter().position(|byte| byte == first) {
        rest = &rest[position..];
        if rest.starts_with(needle) {
            return true;
        }
        rest = &rest[1..];
    }
    false
}

/// Every place under `folder` that holds one of `canaries`, and how many files and bytes were searched.
fn search(folder: &Path, canaries: &[&str]) -> (Vec<String>, usize, u64) {
    let mut found = Vec::new();
    let (mut files, mut total) = (0, 0);
    let mut waiting = vec![folder.to_path_buf()];
    while let Some(current) = waiting.pop() {
        for entry in std::fs::read_dir(&current).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                waiting.push(path);
                continue;
            }
            // Sockets have no bytes; a file may go away between the listing and the reading.
            let Ok(bytes) = std::fs::read(&path) else { continue };
            files += 1;
            total += bytes.len() as u64;
            let name = path.strip_prefix(folder).unwrap().to_string_lossy().into_owned();
            found.extend(found_in(&name, &bytes, canaries));
            found.extend(found_in(&format!("the name {name}"), name.as_bytes(), canaries));
        }
    }
    (found, files, total)
}

fn found_in(place: &str, bytes: &[u8], canaries: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for canary in canaries {
        for (form, needle) in disguises(canary) {
            if holds(bytes, &needle) {
                found.push(format!("{canary} {form} in {place}"));
            }
        }
    }
    found
}

fn upstream() -> Upstream {
    let question = |number: usize| format!("{PROMPT} question {number}");
    let script = (0..12).map(|number| (question(number), format!("{ANSWER} to {number}")));
    Upstream::with_script(script.collect::<HashMap<_, _>>())
}

/// Sends every kind of traffic that carries content.
fn speak(site: &Site, tenant: &Tenant, zero: &Tenant) {
    for number in 0..12 {
        let asked = ask_once(site.gateway, tenant, Way::nth(number), &format!("{PROMPT} question {number}"));
        assert!(matches!(asked, Outcome::Acknowledged(_)), "{asked:?}");
        let way = Way::nth(number);
        if !matches!(way, Way::Responses | Way::ResponsesStream) {
            let asked = ask_once(site.gateway, zero, way, &format!("{ZERO} question {number}"));
            assert!(matches!(asked, Outcome::Acknowledged(_)), "{asked:?}");
        }
    }
    let headers = [
        ("x-api-key", tenant.secret.as_str()),
        ("anthropic-version", "2023-06-01"),
        ("content-type", "application/json"),
        ("fiducia-subject", SUBJECT),
    ];
    let good = format!(
        "{{\"model\":\"scripted-1\",\"max_tokens\":9,\"messages\":[{{\"role\":\"user\",\"content\":\"{PROMPT}\"}}]}}"
    );
    let answer = http::send(site.gateway, "POST", "/v1/messages", &headers, good.as_bytes()).unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
    let broken =
        format!("{{\"model\":\"scripted-1\",\"messages\":[{{\"role\":\"user\",\"content\":\"{MALFORMED}");
    let answer = http::send(site.gateway, "POST", "/v1/messages", &headers, broken.as_bytes()).unwrap();
    assert_eq!(answer.status, 400, "{}", answer.text());
}

fn import(site: &Site) {
    let file = site.beside("import.jsonl");
    let line = |number: usize| {
        format!(
            "{{\"id\":\"i{number}\",\"messages\":[{{\"role\":\"user\",\"content\":\"{IMPORTED} {number}\"}},\
             {{\"role\":\"assistant\",\"content\":\"{IMPORTED} answer {number}\"}}]}}\n"
        )
    };
    let broken = format!("{{\"id\": \"{MALFORMED}\n");
    std::fs::write(&file, (0..20).map(line).chain([broken]).collect::<String>()).unwrap();
    let file = file.to_string_lossy().into_owned();
    let output = site.run(&["import", &file, "--organization", "canary", "--allow-rejects"]);
    assert!(output.status.success(), "{}", crate::harness::site::both(&output));
    let printed = [output.stdout, output.stderr].concat();
    assert_eq!(found_in("the import's report", &printed, &[IMPORTED, MALFORMED]), Vec::<String>::new());
}

#[test]
fn no_file_holds_anything_readable_before_or_after_deletion() {
    let upstream = upstream();
    let site = Site::new(upstream.address());
    // Its safety window outlasts a deletion.
    let tenant = site.tenant("canary");
    let zero = site.tenant_with("canary-zero", &["--agreement", "zero-retention"]);
    let canaries = [
        PROMPT,
        ANSWER,
        IMPORTED,
        SUBJECT,
        ZERO,
        MALFORMED,
        FALLBACK,
        PROVIDER_SECRET,
        tenant.secret.as_str(),
        zero.secret.as_str(),
    ];
    let server = Server::start(&site);
    speak(&site, &tenant, &zero);
    import(&site);
    // While it runs the write-ahead logs are full.
    let (found, files, bytes) = search(&site.data(), &canaries);
    assert_eq!(found, Vec::<String>::new(), "while serving");
    assert!(files >= 4 && bytes > 10_000, "only {files} files of {bytes} bytes were searched");
    let conversations = site.conversations();
    assert!(
        conversations.len() >= 33,
        "12 asked, one for another subject and 20 imported, not {}",
        conversations.len()
    );
    let shown =
        site.run(&["records", "show", &conversations[0], "--reason", "customer_support", "--ticket", "T-1"]);
    assert!(shown.status.success(), "{}", crate::harness::site::both(&shown));
    for conversation in &conversations {
        let deleted = site.run(&["records", "delete", conversation, "--yes"]);
        assert!(deleted.status.success(), "{}", crate::harness::site::both(&deleted));
    }
    assert_eq!(search(&site.data(), &canaries).0, Vec::<String>::new(), "after deletion, while serving");
    let (_, log) = server.stop();
    assert_eq!(found_in("the log", log.as_bytes(), &canaries), Vec::<String>::new());
    assert!(!log.is_empty(), "the log was empty, so searching it showed nothing");
    assert_eq!(search(&site.data(), &canaries).0, Vec::<String>::new(), "after deletion and the end");
    note(&format!(
        "canary: {} canaries in {} forms looked for in {files} files of {bytes} bytes, none found",
        canaries.len(),
        disguises(PROMPT).len()
    ));
}

#[test]
fn planted_canaries_are_found_in_every_disguise() {
    let folder = tempfile::tempdir().unwrap();
    for (number, (form, bytes)) in disguises(PROMPT).into_iter().enumerate() {
        let path = folder.path().join(format!("planted-{number}"));
        std::fs::write(&path, [b"before ".as_slice(), &bytes, b" after"].concat()).unwrap();
        let (found, ..) = search(folder.path(), &[PROMPT]);
        assert!(found.iter().any(|place| place.contains(&form)), "{form} was not found: {found:?}");
        std::fs::remove_file(&path).unwrap();
    }
    assert_eq!(search(folder.path(), &[PROMPT]).0, Vec::<String>::new());
    let encoded = STANDARD_NO_PAD.encode(format!("x{{\"content\":\"{PROMPT}\"}}"));
    std::fs::write(folder.path().join("real"), encoded).unwrap();
    assert!(!search(folder.path(), &[PROMPT]).0.is_empty(), "base64 of a text around the canary");
}

#[test]
fn a_planted_canary_in_the_data_directory_is_found() {
    let upstream = Upstream::start();
    let site = Site::new(upstream.address());
    let tenant = site.tenant("canary");
    assert_eq!(search(&site.data(), &[PROMPT, tenant.secret.as_str()]).0, Vec::<String>::new());
    let wal = site.data().join("records").join("planted.db-wal");
    std::fs::create_dir_all(wal.parent().unwrap()).unwrap();
    std::fs::write(&wal, format!("\0\0{}\0", tenant.secret)).unwrap();
    let (found, ..) = search(&site.data(), &[PROMPT, tenant.secret.as_str()]);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(text(&serde_json::json!({"found": found[0]}), "found").contains("planted.db-wal"));
}
