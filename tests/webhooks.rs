//! Does the reference library of Standard Webhooks accept what the real program sends, also after the program was killed, and does the
//! log system's file have the same?

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::harness::server::Server;
use crate::harness::site::{Site, both, free_address, text};
use crate::harness::upstream::Upstream;

/// What has not come by then will not come.
const PATIENCE: Duration = Duration::from_mins(1);

/// The receiver; dropping it ends it.
struct Judge {
    child: Child,
    said: Receiver<Value>,
}

impl Judge {
    fn start(port: u16, secret: &str) -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let python: PathBuf = root.join("target/xtask/python/bin/python");
        assert!(python.exists(), "{} is not there; `cargo xtask install` brings it", python.display());
        let mut child = Command::new(python)
            .arg(root.join("tests/sdk/python/webhook_receiver.py"))
            .args([&port.to_string(), secret])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = child.stdout.take().unwrap();
        let (send, said) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                // A test that no longer listens has seen enough.
                let _ = send.send(serde_json::from_str(&line).unwrap());
            }
        });
        Self { child, said }
    }

    /// The next delivery, which the library must have accepted, and only as it was sent.
    fn next(&self) -> Value {
        let said = self.said.recv_timeout(PATIENCE).expect("no delivery came");
        assert_eq!(said["verified"], true, "{said}");
        assert_eq!(
            (&said["verified_by_stranger"], &said["verified_when_altered"]),
            (&false.into(), &false.into())
        );
        said
    }
}

impl Drop for Judge {
    fn drop(&mut self) {
        // An error means that it has ended already.
        let _ended = self.child.kill();
        let _status = self.child.wait();
    }
}

#[test]
fn the_reference_library_accepts_what_is_sent_also_after_a_kill() {
    let upstream = Upstream::start();
    let site = Site::new(upstream.address());
    let address = free_address();
    site.add_configuration(
        "\n[webhooks]\nallow_networks = [\"127.0.0.1/32\"]\n\n[siem]\nformat = \"ocsf\"\ntarget = \"file\"\npath = \"siem.jsonl\"\n",
    );
    site.tenant("hospital");
    let server = Server::start(&site);
    let url = format!("http://{address}/in");
    let types =
        ["--type", "platform_api_key_created", "--description", "judge", "--organization", "hospital"];
    let created = site.json(&[["webhooks", "create", url.as_str()].as_slice(), &types].concat());
    let (webhook, secret) = (text(&created["webhook"], "id"), text(&created, "secret"));
    let judge = Judge::start(address.port(), &secret);
    let key = || {
        site.json(&["keys", "create", "--organization", "hospital", "--subject", "s", "--scope", "inference"])
    };
    key();
    let first = judge.next();
    assert_eq!(first["body"]["type"], "platform_api_key_created");
    assert_eq!(first["body"]["data"]["id"], first["id"]);
    server.kill();
    // What happens while nothing serves is sent once something does.
    key();
    let server = Server::start(&site);
    let mut second = judge.next();
    if second["id"] == first["id"] {
        // The kill came before it was noted that the first had arrived: it comes twice, under one id.
        second = judge.next();
    }
    assert_ne!(first["id"], second["id"]);
    let queued = site.json(&["webhooks", "test", &webhook]);
    assert_eq!(judge.next()["id"], queued["value"]);
    let deadline = Instant::now() + PATIENCE;
    let ids = [&first, &second].map(|delivery| delivery["id"].as_str().unwrap().to_owned());
    loop {
        let lines = std::fs::read_to_string(site.beside("siem.jsonl")).unwrap_or_default();
        let events: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        if ids.iter().all(|id| events.iter().any(|event| event["metadata"]["uid"] == id.as_str())) {
            break;
        }
        assert!(Instant::now() < deadline, "the log system's file lacks activities:\n{lines}");
        std::thread::yield_now();
    }
    let rotated = site.run(&["webhooks", "rotate", &webhook]);
    assert!(rotated.status.success(), "{}", both(&rotated));
    let (status, log) = server.stop();
    assert!(status.success(), "{log}");
    assert!(!log.contains(&secret) && !log.contains("whsec_"), "a secret is in the log");
    site.verify_ledger();
}
