//! The program while it serves.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::http;
use super::site::Site;

/// A server that is not ready by then will not be.
const READY_LIMIT: Duration = Duration::from_mins(1);
/// How often readiness is asked for while the server says nothing.
const READY_INTERVAL: Duration = Duration::from_millis(20);

/// A running server. Dropping it kills it.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    log: Arc<Mutex<String>>,
    closed: Receiver<()>,
}

impl Server {
    /// Starts the plain program on `site` and waits until it is ready.
    pub(crate) fn start(site: &Site) -> Self {
        Self::start_command(site, site.command())
            .unwrap_or_else(|log| panic!("the server did not start:\n{log}"))
    }

    /// Starts `command` (with `serve` added) and waits until it is ready; its log when it is not.
    pub(crate) fn start_command(site: &Site, mut command: Command) -> Result<Self, String> {
        command.arg("serve").stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let stderr = child.stderr.take().unwrap();
        let log = Arc::new(Mutex::new(String::new()));
        let (sender, closed) = channel();
        let copy = Arc::clone(&log);
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                let mut log = copy.lock().unwrap();
                log.push_str(&line);
                log.push('\n');
            }
            drop(sender);
        });
        let mut server = Self { child, log, closed };
        if server.becomes_ready(site) { Ok(server) } else { Err(server.kill()) }
    }

    fn becomes_ready(&mut self, site: &Site) -> bool {
        let began = Instant::now();
        while began.elapsed() < READY_LIMIT {
            let answer = http::send(site.operations, "GET", "/readyz", &[("connection", "close")], b"");
            if answer.is_ok_and(|answer| answer.status == 200) {
                return true;
            }
            // The channel closes when the process ends: the wait is over at once then.
            if self.closed.recv_timeout(READY_INTERVAL) == Err(RecvTimeoutError::Disconnected) {
                return false;
            }
        }
        false
    }

    /// The process's id.
    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }

    /// Everything it has written to standard error so far.
    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// Ends it as `kill -9` does, and gives back its log.
    pub(crate) fn kill(mut self) -> String {
        self.end();
        self.log()
    }

    /// Asks it to stop, waits until it has, and gives back how it ended and its log.
    pub(crate) fn stop(mut self) -> (ExitStatus, String) {
        let asked = Command::new("kill").arg(self.child.id().to_string()).status().unwrap();
        assert!(asked.success());
        let status = self.child.wait().unwrap();
        let _ended = self.closed.recv_timeout(READY_LIMIT);
        (status, self.log())
    }

    fn end(&mut self) {
        // An error means that it has ended already.
        let _ended = self.child.kill();
        let _status = self.child.wait();
        let _closed = self.closed.recv_timeout(READY_LIMIT);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end();
    }
}
