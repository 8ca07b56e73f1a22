//! What can be read while the disk under the ledger is full? Nothing, by whichever way it is asked for; and afterwards log, databases
//! and feed agree on what was tried.

use std::io::Write;
use std::net::SocketAddr;
use std::process::Command;

use crate::bad_input::{SmallDisk, is_root};
use crate::harness::http;
use crate::harness::note;
use crate::harness::program;
use crate::harness::server::Server;
use crate::harness::site::{Site, both, free_address, text};
use crate::harness::traffic::{Outcome, Way, ask_once};
use crate::harness::upstream::Upstream;

/// What nobody may be shown.
const SECRET: &str = "secret-of-the-person-Vq8Lm2";
/// Looks that may still find room in what is left of a page.
const LOOKS_MAX: usize = 200;

/// The ways to content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reader {
    /// `records show`, a session of one look.
    Show,
    /// A look in a session that was open before.
    Session,
    /// A program of the organisation, by the Compliance API.
    Program,
}

const READERS: [Reader; 3] = [Reader::Show, Reader::Session, Reader::Program];

struct Stand {
    site: Site,
    api: SocketAddr,
    key: String,
    conversation: String,
    session: String,
    _upstream: Upstream,
}

impl Stand {
    fn new() -> Self {
        let upstream = Upstream::start();
        let site = Site::new(upstream.address());
        let api = free_address();
        site.add_configuration(&format!("\n[compliance]\nlisten = \"{api}\"\n"));
        let tenant = site.tenant("full");
        let key = ["compliance", "keys", "create", "--organization", "full", "--name", "discovery"];
        let key = site.json(&[&key[..], &["--scope", "read:compliance_user_data"]].concat());
        let server = Server::start(&site);
        let asked = ask_once(site.gateway, &tenant, Way::Messages, SECRET);
        assert!(matches!(asked, Outcome::Acknowledged(_)), "{asked:?}");
        let conversation = site.conversations().remove(0);
        let ask =
            ["access", "request", "--reason", "incident_response", "--ticket", "T-1", "--minutes", "60"];
        let session = site.json(&[&ask[..], &["--conversation", &conversation]].concat());
        let (status, log) = server.stop();
        assert!(status.success(), "{status}\n{log}");
        let (key, session) = (text(&key, "secret"), text(&session, "id"));
        Self { site, api, key, conversation, session, _upstream: upstream }
    }

    /// Whether a reader is shown what was said, with everything that it was told.
    fn reads(&self, reader: Reader) -> (bool, String) {
        let said = match reader {
            Reader::Show => {
                let arguments = ["records", "show", &self.conversation, "--reason", "incident_response"];
                both(&self.site.run(&[&arguments[..], &["--ticket", "T-2"]].concat()))
            }
            Reader::Session => both(&self.site.run(&["access", "read", &self.session])),
            Reader::Program => {
                let path = format!("/v1/compliance/apps/chats/{}/messages", self.conversation);
                let headers = [("x-api-key", self.key.as_str()), ("anthropic-version", "2023-06-01")];
                let answer = http::send(self.api, "GET", &path, &headers, b"").unwrap();
                format!("{} {}", answer.status, answer.text())
            }
        };
        (said.contains(SECRET), said)
    }
}

/// What keeps the ledger from growing.
enum Full {
    /// A file system of its own, with a file that takes what is left of it.
    Disk { _mounted: SmallDisk },
    /// Without root there is no file system to fill: no file of the process may grow.
    Limit,
}

impl Full {
    fn fill(&self, stand: &Stand, server: &Server) {
        match self {
            Self::Disk { .. } => {
                let path = stand.site.data().join("ledger/filler");
                let mut filler = std::fs::File::create(path).unwrap();
                while filler.write_all(&[0; 4_096]).is_ok() {}
            }
            Self::Limit => {
                let process = server.process().to_string();
                let limited =
                    Command::new("prlimit").args(["--pid", &process, "--fsize=1:"]).output().unwrap();
                assert!(limited.status.success(), "{}", both(&limited));
            }
        }
    }

    fn make_room(&self, stand: &Stand) {
        if let Self::Disk { .. } = self {
            std::fs::remove_file(stand.site.data().join("ledger/filler")).unwrap();
        }
    }
}

/// The server, whose files may be kept from growing.
fn serve(site: &Site) -> Server {
    let mut command = site.command_of("sh");
    command.args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\""]).arg(program::plain());
    Server::start_command(site, command).unwrap_or_else(|log| panic!("no start:\n{log}"))
}

#[test]
fn nothing_is_read_while_the_disk_under_the_ledger_is_full() {
    let stand = Stand::new();
    let full = if is_root() {
        Full::Disk { _mounted: SmallDisk::under(&stand.site.data().join("ledger"), "4m") }
    } else {
        Full::Limit
    };
    let server = serve(&stand.site);
    for reader in READERS {
        let (reads, said) = stand.reads(reader);
        assert!(reads, "{reader:?} is shown what was said while there is room: {said}");
    }
    full.fill(&stand, &server);
    let mut refused = 0;
    for reader in READERS {
        // What is left of a page may take some entries more; whoever has theirs may read.
        let first = (0..LOOKS_MAX).map(|_| stand.reads(reader)).find(|(reads, _)| !reads);
        let (_, said) = first.unwrap_or_else(|| panic!("{reader:?} goes on reading"));
        check_refused(reader, &said);
        refused += 1;
    }
    for reader in READERS {
        let (reads, said) = stand.reads(reader);
        assert!(!reads, "{reader:?} reads without an entry: {said}");
        check_refused(reader, &said);
        refused += 1;
    }
    let alive = http::send(stand.site.operations, "GET", "/healthz", &[], b"").unwrap();
    assert_eq!(alive.status, 200, "a full disk does not kill the process");
    let log = server.kill();
    assert!(!log.contains("panicked") && !log.contains(SECRET), "{log}");
    full.make_room(&stand);
    let server = Server::start(&stand.site);
    for reader in READERS {
        let (reads, said) = stand.reads(reader);
        assert!(reads, "{reader:?} reads again once there is room: {said}");
    }
    let (status, log) = server.stop();
    assert!(status.success(), "{status}\n{log}");
    stand.site.verify_ledger();
    // Looks that were begun and never logged are known as such, and nothing is missing anywhere.
    let audited = stand.site.run(&["ledger", "audit"]);
    assert!(audited.status.success(), "{}", both(&audited));
    note(&format!("full ledger: {refused} looks refused by {} ways to content, none shown", READERS.len()));
}

/// A refusal says why, and that nothing was opened.
fn check_refused(reader: Reader, said: &str) {
    assert!(!said.contains("panicked"), "{said}");
    match reader {
        Reader::Show | Reader::Session => {
            let is_said =
                ["nothing was decrypted", "nothing was opened", "nothing was changed", "nothing is shown"];
            assert!(is_said.iter().any(|words| said.contains(words)), "{reader:?}: {said}");
        }
        Reader::Program => assert!(said.starts_with("500 ") && said.contains("api_error"), "{said}"),
    }
}
