//! Do applications that use the official SDKs notice nothing, and is what they said kept byte for byte?

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::harness::conversations::{self, Conversation};
use crate::harness::note;
use crate::harness::records;
use crate::harness::server::Server;
use crate::harness::site::{Site, Tenant, both, list, text};
use crate::harness::upstream::Upstream;

/// Conversations served through each SDK on each wire, streamed and not.
const SERVED: usize = 40;
/// Imported conversations that are read back; all are counted.
const READ_BACK: usize = 1_000;

/// An SDK: its language, its program and what runs it.
struct Sdk {
    language: &'static str,
    runner: PathBuf,
    program: PathBuf,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

fn installed(path: &str) -> PathBuf {
    let path = root().join("target/xtask").join(path);
    assert!(path.exists(), "{} is not there; `cargo xtask install` brings it", path.display());
    path
}

fn python() -> Sdk {
    Sdk {
        language: "python",
        runner: installed("python/bin/python"),
        program: root().join("tests/sdk/python/exercise.py"),
    }
}

fn node() -> Sdk {
    let architecture = if cfg!(target_arch = "aarch64") { "arm64" } else { "x64" };
    // Modules are looked for beside the program, so it lies where they were installed.
    let program = installed("node/node_modules").parent().unwrap().join("exercise.mjs");
    std::fs::copy(root().join("tests/sdk/node/exercise.mjs"), &program).unwrap();
    let runner = installed(&format!("node/node_modules/node-linux-{architecture}/bin/node"));
    Sdk { language: "node", runner, program }
}

impl Sdk {
    /// Carries out `plan` and gives back the report.
    fn run(&self, site: &Site, plan: &Value) -> Value {
        let path = site.beside(&format!("{}-plan.json", self.language));
        std::fs::write(&path, plan.to_string()).unwrap();
        let output = Command::new(&self.runner).arg(&self.program).arg(&path).output().unwrap();
        assert!(output.status.success(), "{}: {}", self.language, both(&output));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Serves `sample` on both wires, streamed and not, and tries the SDK's other features.
    fn exercise(&self, site: &Site, tenant: &Tenant, sample: &[Conversation]) -> Value {
        let mut planned = Vec::new();
        for wire in ["messages", "chat"] {
            for stream in [false, true] {
                // A subject of its own for each way, so that no conversation continues another's.
                let subject = format!("{}-{wire}-{stream}", self.language);
                planned
                    .extend(sample.iter().map(|conversation| plan_of(conversation, &subject, wire, stream)));
            }
        }
        let plan = json!({
            "base_url": format!("http://{}", site.gateway),
            "key": tenant.secret,
            "conversations": planned,
            "features": true,
        });
        let report = self.run(site, &plan);
        assert_eq!(report["failures"], json!([]), "{}", self.language);
        let checks = report["checks"].as_array().unwrap().len();
        assert!(checks >= 17, "{} ran only {checks} checks", self.language);
        report
    }
}

fn plan_of(conversation: &Conversation, subject: &str, wire: &str, stream: bool) -> Value {
    let turns: Vec<[&str; 2]> =
        conversation.messages.chunks(2).map(|pair| [pair[0].1.as_str(), pair[1].1.as_str()]).collect();
    json!({"id": conversation.id, "subject": subject, "wire": wire, "stream": stream, "turns": turns})
}

/// For each exchange, the conversation that holds it.
fn conversation_of_exchange(site: &Site) -> HashMap<String, String> {
    let mut found = HashMap::new();
    for conversation in site.conversations() {
        for row in list(&site.json(&["records", "list", &conversation])) {
            found.insert(text(&row, "exchange"), conversation.clone());
        }
    }
    found
}

/// Compares what the SDK's conversations said with what is stored; how many were compared.
fn check_stored(
    site: &Site,
    report: &Value,
    sample: &[Conversation],
    index: &HashMap<String, String>,
) -> usize {
    let said: HashMap<&str, &Conversation> =
        sample.iter().map(|conversation| (conversation.id.as_str(), conversation)).collect();
    let mut compared = 0;
    for served in report["conversations"].as_array().unwrap() {
        let exchanges = served["exchanges"].as_array().unwrap();
        let stored_in: Vec<&String> =
            exchanges.iter().map(|exchange| &index[exchange.as_str().unwrap()]).collect();
        let first = stored_in[0];
        assert!(
            stored_in.iter().all(|conversation| *conversation == first),
            "one conversation became several: {served}"
        );
        let stored = records::messages(&records::show(site, first));
        let expected = &said[served["id"].as_str().unwrap()].messages;
        assert_eq!(&stored, expected, "{served}");
        compared += 1;
    }
    compared
}

#[test]
fn conversations_through_the_official_sdks_are_kept_byte_for_byte() {
    let source = conversations::Source::find();
    let all = source.read();
    let (sample, script) = conversations::servable(&all, SERVED);
    assert!(sample.len() >= SERVED / 2, "only {} conversations can be served", sample.len());
    let upstream = Upstream::with_script(script);
    let site = Site::new(upstream.address());
    let tenant = site.tenant("sdk");
    let server = Server::start(&site);
    let mut reports = Vec::new();
    for sdk in [python(), node()] {
        reports.push((sdk.language, sdk.exercise(&site, &tenant, &sample)));
    }
    let index = conversation_of_exchange(&site);
    for (language, report) in &reports {
        let compared = check_stored(&site, report, &sample, &index);
        assert_eq!(compared, sample.len() * 4);
        note(&format!(
            "sdk: {language}: {compared} conversations of {} on two wires, streamed and not, byte-equal; {} feature checks",
            source.name,
            report["checks"].as_array().unwrap().len()
        ));
    }
    drop(server);
    site.verify_ledger();
}

#[test]
fn imported_conversations_are_kept_byte_for_byte() {
    let source = conversations::Source::find();
    let all = source.read();
    let upstream = Upstream::start();
    let site = Site::new(upstream.address());
    let _tenant = site.tenant("import");
    let server = Server::start(&site);
    let file = source.file.to_string_lossy().into_owned();
    let imported = site.run(&["import", &file, "--organization", "import"]);
    assert!(imported.status.success(), "{}", both(&imported));
    let stored = site.conversations();
    assert_eq!(stored.len(), all.len(), "every conversation of the file is there once");
    let mut expected: HashMap<&Vec<(String, String)>, usize> = HashMap::new();
    for conversation in &all {
        *expected.entry(&conversation.messages).or_default() += 1;
    }
    let step = (stored.len() / READ_BACK).max(1);
    let mut compared = 0;
    for conversation in stored.iter().step_by(step) {
        let messages = records::messages(&records::show(&site, conversation));
        assert!(
            expected.contains_key(&messages),
            "{conversation} holds what the file does not: {messages:?}"
        );
        compared += 1;
    }
    let again = site.run(&["import", &file, "--organization", "import"]);
    assert!(again.status.success(), "{}", both(&again));
    assert_eq!(site.conversations().len(), all.len(), "importing the same file again adds nothing");
    drop(server);
    site.verify_ledger();
    note(&format!(
        "import: {} conversations of {}, all there once, {compared} read back byte-equal",
        all.len(),
        source.name
    ));
}
