//! Running programs: output to a log, signs of life to the person, a limit on time.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use crate::{TaskError, report};

/// How often a running step says that it is alive.
const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(20);
/// No step runs longer; one that does hangs.
const STEP_LIMIT: Duration = Duration::from_mins(40);
/// How many characters of the last output line a sign of life shows.
const HEARTBEAT_LINE_CHARS_MAX: usize = 80;

/// Where a step's output goes.
pub(crate) struct Log {
    path: PathBuf,
    file: File,
}

impl Log {
    /// Starts `target/xtask/STEP.log` anew.
    pub(crate) fn create(root: &Path, step: &str) -> Result<Self, TaskError> {
        let folder = root.join("target/xtask");
        std::fs::create_dir_all(&folder).map_err(|source| TaskError::File {
            action: "creating",
            path: folder.clone(),
            source,
        })?;
        let path = folder.join(format!("{step}.log"));
        let file = File::create(&path).map_err(|source| TaskError::File {
            action: "creating",
            path: path.clone(),
            source,
        })?;
        Ok(Self { path, file })
    }

    /// Writes one line.
    pub(crate) fn line(&mut self, line: &str) -> Result<(), TaskError> {
        writeln!(self.file, "{line}").map_err(|source| TaskError::File {
            action: "writing",
            path: self.path.clone(),
            source,
        })
    }

    /// Everything written so far.
    pub(crate) fn read(&self) -> Result<String, TaskError> {
        let bytes = std::fs::read(&self.path).map_err(|source| TaskError::File {
            action: "reading",
            path: self.path.clone(),
            source,
        })?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
}

/// Runs `command` to its end, in a process group of its own and without standard input.
pub(crate) fn run(step: &str, command: &mut Command, log: &mut Log) -> Result<(), TaskError> {
    let text = describe(command);
    log.line(&format!("$ {text}"))?;
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()
        .map_err(|source| TaskError::Start {
            program: command.get_program().display().to_string(),
            source,
        })?;
    let lines = read_lines(&mut child);
    let in_time = follow(step, &lines, log)?;
    if !in_time {
        end_group(&child);
    }
    let status = child.wait().map_err(|source| TaskError::Start { program: text.clone(), source })?;
    if !in_time {
        let reason = format!("it ran longer than {} minutes and was ended", STEP_LIMIT.as_secs() / 60);
        return Err(TaskError::Failed { command: text, reason });
    }
    if status.success() {
        Ok(())
    } else {
        Err(TaskError::Failed { command: text, reason: status.to_string() })
    }
}

/// The output of a short program, for example a version.
pub(crate) fn output_of(command: &mut Command) -> Result<String, TaskError> {
    let text = describe(command);
    let output = command.stdin(Stdio::null()).output().map_err(|source| TaskError::Start {
        program: command.get_program().display().to_string(),
        source,
    })?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        let stderr = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        Err(TaskError::Failed { command: text, reason: format!("{}: {stderr}", output.status) })
    }
}

fn describe(command: &Command) -> String {
    let mut words = vec![command.get_program().display().to_string()];
    words.extend(command.get_args().map(|argument| argument.display().to_string()));
    words.join(" ")
}

/// Both outputs of `child`, line by line, until both are closed.
fn read_lines(child: &mut Child) -> Receiver<String> {
    let (sender, receiver) = channel();
    if let Some(stdout) = child.stdout.take() {
        forward(stdout, sender.clone());
    }
    if let Some(stderr) = child.stderr.take() {
        forward(stderr, sender);
    }
    receiver
}

fn forward(stream: impl Read + Send + 'static, sender: Sender<String>) {
    std::thread::spawn(move || {
        let mut reader = BufReader::new(stream);
        let mut line = Vec::new();
        loop {
            line.clear();
            match reader.read_until(b'\n', &mut line) {
                Ok(0) | Err(_) => return,
                Ok(_) => {
                    let text = String::from_utf8_lossy(&line).trim_end_matches(['\n', '\r']).to_owned();
                    if sender.send(text).is_err() {
                        return;
                    }
                }
            }
        }
    });
}

/// Copies lines to the log until the streams close; false when the time is up.
fn follow(step: &str, lines: &Receiver<String>, log: &mut Log) -> Result<bool, TaskError> {
    let began = Instant::now();
    let mut spoke = Instant::now();
    let mut last = String::new();
    loop {
        match lines.recv_timeout(HEARTBEAT_INTERVAL) {
            Ok(line) => {
                log.line(&line)?;
                if !line.trim().is_empty() {
                    last = line;
                }
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Ok(true),
        }
        if began.elapsed() > STEP_LIMIT {
            return Ok(false);
        }
        if spoke.elapsed() >= HEARTBEAT_INTERVAL {
            let shown: String = last.trim().chars().take(HEARTBEAT_LINE_CHARS_MAX).collect();
            report::say(&format!("      {step} {}  {shown}", report::clock(began.elapsed())));
            spoke = Instant::now();
        }
    }
}

/// Ends the child and all it started. `kill` is a program of every Debian; signals need no unsafe code that way.
fn end_group(child: &Child) {
    let group = format!("-{}", child.id());
    let asked = Command::new("kill").args(["-KILL", "--", &group]).status();
    if asked.is_err() {
        report::complain(&format!("process group {group} could not be ended; end it by hand"));
    }
}
