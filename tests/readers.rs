//! Do programs that others wrote read the log, its proofs and its witnesses' words as we do?

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use serde_json::json;

use crate::harness::log::{Log, installed, python};
use crate::harness::server::Server;
use crate::harness::site::{Site, Tenant, both, free_address};
use crate::harness::traffic::{Outcome, Way, ask_once};
use crate::harness::upstream::Upstream;
use crate::harness::witness::{Witness, await_answer, await_cosigned, section};

fn ask(site: &Site, tenant: &Tenant, count: usize) {
    for number in 0..count {
        let asked = ask_once(site.gateway, tenant, Way::nth(number), &format!("read {number}"));
        assert!(matches!(asked, Outcome::Acknowledged(_)), "{asked:?}");
    }
}

/// Writes a proof of each of these entries; gives the files.
fn prove(site: &Site, log: &Log, indices: &[u64]) -> Vec<PathBuf> {
    let files = indices.iter().map(|index| {
        let file = site.beside(&format!("{}-{index}.tlog-proof", log.uuid));
        let index = index.to_string();
        let out = file.to_string_lossy().into_owned();
        let made = site.run(&["ledger", "prove", "--index", &index, "--out", &out]);
        assert!(made.status.success(), "{}", both(&made));
        file
    });
    files.collect()
}

#[test]
fn programs_of_others_read_the_log_and_its_proofs() {
    let upstream = Upstream::start();
    let site = Site::new(upstream.address());
    let tenant = site.tenant("read");
    let log = Log::of(&site, &tenant);
    let server = Server::start(&site);
    ask(&site, &tenant, 20);
    drop(server.stop());
    let kept = site.beside("kept.checkpoint");
    std::fs::write(&kept, site.run(&["ledger", "checkpoint"]).stdout).unwrap();
    let early = log.size(&site.data());
    let server = Server::start(&site);
    ask(&site, &tenant, 270);
    drop(server.stop());
    let entries = log.size(&site.data());
    assert!(
        early < 256 && entries > 256,
        "a full tile and a partial one, and a checkpoint from before: {early}, {entries}"
    );
    let mut files = prove(&site, &log, &[0, 1, 255, 256, entries - 1]);
    files.push(kept);
    let more: Vec<_> = files.iter().map(PathBuf::as_path).collect();
    let expected = json!({"entries": entries, "proofs": 5, "checkpoints": 1});
    for (who, output) in [
        ("golang.org/x/mod", log.read_with_go(&site.data(), &more)),
        ("aics-tlog", log.read_with_python(&site.data(), &more)),
    ] {
        assert!(output.status.success(), "{who}: {}", both(&output));
        let counted: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(counted, expected, "{who}");
    }
    // A proof of another entry is not taken for this one's.
    let proof = std::fs::read_to_string(&files[0]).unwrap().replacen("index 0\n", "index 1\n", 1);
    let false_proof = site.beside("false.tlog-proof");
    std::fs::write(&false_proof, proof).unwrap();
    for output in
        [log.read_with_go(&site.data(), &[&false_proof]), log.read_with_python(&site.data(), &[&false_proof])]
    {
        assert_eq!(output.status.code(), Some(1), "{}", both(&output));
    }
}

/// A witness from the package aics-witness.
struct OtherWitness {
    child: Child,
    url: String,
    key: String,
}

impl OtherWitness {
    const NAME: &'static str = "witness.example/aics";

    fn start(site: &Site, log: &Log) -> Self {
        let folder = site.beside("aics");
        std::fs::create_dir_all(&folder).unwrap();
        let config = folder.join("witness.json");
        let address = free_address();
        let run = |arguments: &[&str]| {
            let mut command = Command::new(installed("readers/bin/aics-witness"));
            command.args(&arguments[..1]).arg("--config").arg(&config).args(&arguments[1..]);
            let output = command.output().unwrap();
            assert!(output.status.success(), "{arguments:?}: {}", both(&output));
            String::from_utf8(output.stdout).unwrap().trim().to_owned()
        };
        let key = run(&["init", "--name", Self::NAME]);
        let origin = log.key.split('+').next().unwrap();
        run(&["add-log", "--origin", origin, "--vkey", &log.key]);
        let child = Command::new(installed("readers/bin/aics-witness"))
            .arg("serve")
            .arg("--config")
            .arg(&config)
            .args(["--listen", &address.to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let witness = Self { child, url: format!("http://{address}"), key };
        await_answer(address);
        witness
    }
}

impl Drop for OtherWitness {
    fn drop(&mut self) {
        // An error means that it has ended already.
        let _ended = self.child.kill();
        let _status = self.child.wait();
    }
}

#[test]
fn a_witness_of_another_make_counts_in_the_quorum() {
    let upstream = Upstream::start();
    let site = Site::new(upstream.address());
    let tenant = site.tenant("witnessed");
    let log = Log::of(&site, &tenant);
    let (ours, theirs) = (Witness::start(&site, "ours", &log.key), OtherWitness::start(&site, &log));
    site.add_configuration(&format!(
        "[witnesses]\nquorum = 2\ninterval_seconds = 1\nwhen_short = \"wait\"\n{}{}",
        ours.section(),
        section(&theirs.url, &theirs.key)
    ));
    let server = Server::start(&site);
    ask(&site, &tenant, 5);
    // Reading waits until both have cosigned its entry.
    let conversation = site.conversations().remove(0);
    let shown =
        site.json(&["records", "show", &conversation, "--reason", "customer_support", "--ticket", "T-1"]);
    let place =
        shown.pointer("/value/ledger_index").or_else(|| shown.get("ledger_index")).unwrap().as_u64().unwrap();
    let names = ["witness.example/ours", OtherWitness::NAME];
    let note = await_cosigned(&site, &log.uuid, place + 1, &names);
    let status = site.json(&["ledger", "status"]);
    assert_eq!(status[0]["witnessed"]["by"], json!(names), "{status}");
    assert_eq!(status[0]["witnessed"]["when_short"], "wait");
    // The proof of the access carries both cosignatures, and their program accepts it.
    let proof = prove(&site, &log, &[place]).remove(0);
    assert!(names.iter().all(|name| std::fs::read_to_string(&proof).unwrap().contains(name)));
    drop(server.stop());
    let cosigned = site.beside("cosigned.checkpoint");
    std::fs::write(&cosigned, note).unwrap();
    let read = python("read.py")
        .arg(log.folder(&site.data()))
        .arg(&log.key)
        .args(["--witness", &ours.key, "--witness", &theirs.key])
        .args([&proof, &cosigned])
        .output()
        .unwrap();
    assert!(read.status.success(), "{}", both(&read));
    // Theirs remembers too: an audit asks it, and a backup that lacks entries is not served.
    let audited = site.json(&["ledger", "audit"]);
    let confirmed = audited["logs"][0]["confirmed_by"].as_array().unwrap().len();
    assert_eq!(confirmed, 2, "{audited}");
}

#[test]
fn the_log_side_of_another_make_is_served_by_our_witness() {
    let upstream = Upstream::start();
    let site = Site::new(upstream.address());
    let tenant = site.tenant("fed");
    let log = Log::of(&site, &tenant);
    let witness = Witness::start(&site, "fed", &log.key);
    let memory = site.beside("client.json");
    let feed = || {
        let mut fed = python("feed.py");
        fed.arg(log.folder(&site.data())).args([&witness.url, &witness.key]).arg(&memory);
        fed.output().unwrap()
    };
    for grown in [3, 4] {
        let server = Server::start(&site);
        ask(&site, &tenant, grown);
        drop(server.stop());
        let answer = feed();
        assert!(answer.status.success(), "{}", both(&answer));
        let note = String::from_utf8(answer.stdout).unwrap();
        assert!(note.contains("\u{2014} witness.example/fed "), "{note}");
        assert!(note.lines().nth(1).unwrap().parse::<u64>().unwrap() == log.size(&site.data()), "{note}");
    }
    // Cut back, the log finds no cosignature more.
    log.rewrite(&site.data(), &site.beside("root.key"), |leaf| {
        (!matches!(leaf.event, fiducia_ledger::Event::VirtualKeyCreated { .. })).then_some(leaf)
    });
    let answer = feed();
    assert!(!answer.status.success(), "{}", both(&answer));
}
