//! A place with a configuration and a keyfile, and ways to run the program there.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

/// What a run of the program gave.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Outcome {
    /// Fails the test unless the program ended with `code`.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self:#?}");
        self
    }

    /// Fails the test unless standard error holds `text`.
    #[track_caller]
    pub(crate) fn complains(self, text: &str) -> Self {
        assert!(self.stderr.contains(text), "{text:?} is not in {self:#?}");
        self
    }

    /// Fails the test unless standard output holds `text`.
    #[track_caller]
    pub(crate) fn prints(self, text: &str) -> Self {
        assert!(self.stdout.contains(text), "{text:?} is not in {self:#?}");
        self
    }

    /// Standard output as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:#?}"))
    }
}

/// The program, without a configuration.
pub(crate) fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fiducia"));
    command.env_remove("FIDUCIA_CONFIG").stdin(Stdio::null());
    command
}

/// Runs a command to its end.
pub(crate) fn run(command: &mut Command) -> Outcome {
    let output = command.output().unwrap();
    Outcome {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// A folder with a keyfile and a configuration.
pub(crate) struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    /// With a configuration that works and a provider that does not exist.
    pub(crate) fn new() -> Self {
        let place = Self { folder: tempfile::tempdir().unwrap() };
        run(program().args(["keyfile", "create"]).arg(place.path("root.key"))).exits(0);
        place.configure("");
        place
    }

    /// With a configuration and an organisation named `acme`.
    pub(crate) fn with_organization() -> Self {
        let place = Self::new();
        place.run(&["organizations", "create", "acme"]).exits(0);
        place
    }

    /// A path in the folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes the configuration, with `rest` at its end.
    pub(crate) fn configure(&self, rest: &str) {
        let text = format!(
            "[data]\ndirectory = \"data\"\nkeyfile = \"root.key\"\nledger_origin = \"ledger.example\"\n\
             [gateway]\nlisten = \"127.0.0.1:0\"\ndefault_anthropic = \"nowhere\"\n\
             [providers.nowhere]\nkind = \"compatible\"\nbase_url = \"http://127.0.0.1:9\"\n{rest}"
        );
        std::fs::write(self.path("fiducia.toml"), text).unwrap();
    }

    /// The program with this place's configuration.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = program();
        command
            .args(arguments)
            .env("FIDUCIA_CONFIG", self.path("fiducia.toml"))
            .current_dir(self.folder.path());
        command
    }

    /// Runs the program with this place's configuration.
    pub(crate) fn run(&self, arguments: &[&str]) -> Outcome {
        run(&mut self.command(arguments))
    }

    /// Starts `serve` and waits until it serves.
    pub(crate) fn serve(&self) -> Serving {
        let mut child = self.command(&["serve"]).stderr(Stdio::piped()).spawn().unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        while !line.contains("\"serving\"") {
            line.clear();
            assert!(log.read_line(&mut line).unwrap() > 0, "the server ended before it served");
        }
        let started: Value = serde_json::from_str(&line).unwrap();
        let gateway = started["gateway"].as_str().unwrap().parse().unwrap();
        let console = started["console"].as_str().unwrap_or_default().to_owned();
        let compliance = started["compliance"].as_str().unwrap_or_default().to_owned();
        Serving { child, log, gateway, console, compliance }
    }

    /// Every file under the folder `name`.
    pub(crate) fn files(&self, name: &str) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut folders = vec![self.path(name)];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    found.push(path);
                }
            }
        }
        found.sort();
        found
    }
}

/// A running server.
pub(crate) struct Serving {
    child: Child,
    log: BufReader<std::process::ChildStderr>,
    pub(crate) gateway: SocketAddr,
    /// Where the console is; empty when there is none.
    pub(crate) console: String,
    /// Where the Compliance API is; empty when there is none.
    pub(crate) compliance: String,
}

impl Serving {
    /// Reads its log until a line holds `text`.
    pub(crate) fn logs(&mut self, text: &str) {
        let mut line = String::new();
        while !line.contains(text) {
            line.clear();
            assert!(self.log.read_line(&mut line).unwrap() > 0, "the server ended without saying {text:?}");
        }
    }

    /// Asks it to stop and gives its exit code and what it logged.
    pub(crate) fn stop(mut self) -> (Option<i32>, String) {
        signal(&self.child, rustix::process::Signal::TERM);
        let mut log = String::new();
        self.log.read_to_string(&mut log).unwrap();
        (self.child.wait().unwrap().code(), log)
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // After a test failed; otherwise it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends a signal to a child.
pub(crate) fn signal(child: &Child, signal: rustix::process::Signal) {
    let id = rustix::process::Pid::from_child(child);
    rustix::process::kill_process(id, signal).unwrap();
}

/// Sends a request over plain HTTP and gives the whole response.
pub(crate) fn post(address: SocketAddr, path: &str, secret: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(
        stream,
        "POST {path} HTTP/1.1\r\nhost: {address}\r\nx-api-key: {secret}\r\nanthropic-version: 2023-06-01\r\n\
         content-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).unwrap();
    response
}

/// Writes lines to a file.
pub(crate) fn write_lines<T: AsRef<str>>(path: &Path, lines: &[T]) {
    let text: Vec<&str> = lines.iter().map(AsRef::as_ref).collect();
    std::fs::write(path, text.join("\n") + "\n").unwrap();
}
