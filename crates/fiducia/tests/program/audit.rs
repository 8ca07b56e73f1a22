//! Audit reports: written as page, document and signed file, and verified elsewhere.

use super::place::{Place, program, run, write_lines};

#[test]
fn a_report_is_written_three_times_listed_and_verified_without_the_installation() {
    let place = Place::with_organization();
    write_lines(
        &place.path("chats.jsonl"),
        &[
            r#"{"id":"1","messages":[{"role":"user","content":"canary question"},{"role":"assistant","content":"canary answer"}]}"#,
        ],
    );
    place.run(&["import", "chats.jsonl", "--organization", "acme"]).exits(0);
    place.run(&["audit", "list", "--organization", "acme"]).exits(0).prints("no audit reports yet");
    let out = place.path("audits");
    let made = place.run(&["audit", "report", "--organization", "acme", "--out", "audits"]).exits(0);
    let reference = made.stdout.split_whitespace().next().unwrap().to_owned();
    made.prints("0 contradicted").complains("kept elsewhere");
    let read = |ending: &str| std::fs::read(out.join(format!("{reference}.{ending}"))).unwrap();
    let (html, pdf, json) = (read("html"), read("pdf"), read("json"));
    let html = String::from_utf8(html).unwrap();
    assert!(html.contains("P50") && html.contains(&reference) && !html.contains("canary"));
    assert!(!html.contains("<script"), "the page runs nothing");
    assert!(pdf.starts_with(b"%PDF-1.7"));
    assert!(String::from_utf8_lossy(&pdf).contains("pdfuaid"), "it says that it is accessible");
    place.run(&["audit", "list", "--organization", "acme"]).exits(0).prints(&reference);

    let rows = place.run(&["organizations", "list", "--json"]).exits(0).json();
    let key = rows[0]["ledger_verifier_key"].as_str().unwrap().to_owned();
    let verify = |file: &std::path::Path, key: &str| {
        run(program().current_dir("/").args(["audit", "verify"]).arg(file).args(["--verifier-key", key]))
    };
    let file = out.join(format!("{reference}.json"));
    verify(&file, &key).exits(0).prints(&format!("{reference}: verified"));
    let mut altered = json.clone();
    let middle = altered.len() / 2;
    altered[middle] ^= 1;
    std::fs::write(place.path("altered.json"), altered).unwrap();
    verify(&place.path("altered.json"), &key).exits(1).complains("NOT verified");
    verify(&file, "nonsense").exits(2).complains("--verifier-key cannot be used");
    verify(&place.path("chats.jsonl"), &key).exits(1).complains("this is no audit report");

    place.run(&["audit", "show", &reference, "--out", "again"]).exits(0);
    for ending in ["html", "pdf", "json"] {
        let again = std::fs::read(place.path("again").join(format!("{reference}.{ending}"))).unwrap();
        assert!(!again.is_empty());
    }
    assert_eq!(std::fs::read(place.path("again").join(format!("{reference}.pdf"))).unwrap().len(), pdf.len());
    place
        .run(&["audit", "show", "FA-2026-0000-0000-0000-0000"])
        .exits(1)
        .complains("there is no audit report");
}
