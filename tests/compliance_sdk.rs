//! Does the official SDK of the public Compliance API's maker read ours: its client, its pages, its errors, its typed models?

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::harness::log::installed;
use crate::harness::note;
use crate::harness::server::Server;
use crate::harness::site::{Site, both, free_address, text};
use crate::harness::traffic::{Outcome, Way, ask_once};
use crate::harness::upstream::Upstream;

/// Conversations that are there to be listed.
const CONVERSATIONS: usize = 5;

const SCOPES: [&str; 4] = [
    "read:compliance_activities",
    "read:compliance_user_data",
    "read:compliance_org_data",
    "delete:compliance_user_data",
];

fn key(site: &Site, reach: &[&str], scopes: &[&str]) -> String {
    let mut arguments = vec!["compliance", "keys", "create", "--name", "sdk"];
    arguments.extend(reach);
    arguments.extend(scopes.iter().flat_map(|scope| ["--scope", *scope]));
    text(&site.json(&arguments), "secret")
}

/// Carries the plan out with the SDK.
fn run(site: &Site, plan: &Value) -> Value {
    let path = site.beside("compliance-plan.json");
    std::fs::write(&path, plan.to_string()).unwrap();
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("sdk/python/compliance.py");
    let output = Command::new(installed("python/bin/python")).arg(program).arg(path).output().unwrap();
    assert!(output.status.success(), "{}", both(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn the_official_sdk_reads_the_compliance_api() {
    let upstream = Upstream::start();
    let site = Site::new(upstream.address());
    let api: SocketAddr = free_address();
    site.add_configuration(&format!("\n[compliance]\nlisten = \"{api}\"\n"));
    let tenant = site.tenant("hospital");
    site.tenant("elsewhere");
    let server = Server::start(&site);
    for number in 0..CONVERSATIONS {
        let asked = ask_once(site.gateway, &tenant, Way::nth(number), &format!("question {number}"));
        assert!(matches!(asked, Outcome::Acknowledged(_)), "{asked:?}");
    }
    let conversations = site.conversations();
    assert_eq!(conversations.len(), CONVERSATIONS);
    let shown = ["records", "show", &conversations[0], "--reason", "safety_review", "--ticket", "T-1"];
    assert!(site.run(&shown).status.success());
    let whole = key(&site, &["--organization", "hospital"], &SCOPES);
    let wide = key(&site, &["--installation"], &SCOPES);
    let narrow = key(&site, &["--organization", "hospital"], &SCOPES[..1]);
    // A stop enters everything that is published in the feed.
    let (status, log) = server.stop();
    assert!(status.success(), "{status}\n{log}");
    let server = Server::start(&site);
    let plan = json!({
        "base_url": format!("http://{api}"),
        "key": whole,
        "wide_key": wide,
        "narrow_key": narrow,
        "organization": tenant.organization,
        "conversations": conversations,
        "question": "question",
    });
    let report = run(&site, &plan);
    assert_eq!(report["failures"], json!([]));
    let checks = report["checks"].as_array().unwrap().len();
    assert!(checks >= 11, "only {checks} checks ran");
    let (status, log) = server.stop();
    assert!(status.success(), "{status}\n{log}");
    // Every look by the SDK is in the log and known to whoever was read about.
    let audited = site.run(&["ledger", "audit"]);
    assert!(audited.status.success(), "{}", both(&audited));
    let deleted = conversations.last().unwrap();
    // For safety it is kept for days still; for the person's own use it is gone.
    let shown = site.run(&["records", "show", deleted, "--reason", "customer_support", "--ticket", "T-2"]);
    assert!(!shown.status.success(), "what the SDK deleted is shown: {}", both(&shown));
    note(&format!(
        "compliance: {checks} checks by the official Python SDK on its own pages, models and errors"
    ));
}
