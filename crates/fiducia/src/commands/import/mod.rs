//! `import`: conversations from a file of JSON lines, in bounded memory, resumable.
//!
//! One thread reads, unpacks and splits; this one sends chunks and keeps [`CHUNKS_IN_FLIGHT`] of them under way, so
//! that the disk is never idle while the next chunk is read. A line counts as done when custody says that its chunk
//! is durable; that is also from where an interrupted import goes on.

mod progress;
mod source;

use std::collections::{BTreeMap, VecDeque};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::mpsc::{Receiver, sync_channel};

use fiducia_custody::{AdminCommand, AdminReply, ImportOutcome, ImportProgress, RejectedLine};
use fiducia_policy::OrganizationId;

use crate::arguments::ImportArguments;
use crate::failure::{ExitStatus, Failure};
use crate::interrupt::Interrupts;
use crate::output::{Output, count_of, remark};
use crate::session::{PendingChunk, Session};
use progress::Progress;
use source::{Chunk, Source};

/// Chunks that are sent and not yet durable.
const CHUNKS_IN_FLIGHT: usize = 2;

pub(super) fn run(arguments: &ImportArguments) -> Result<ExitStatus, Failure> {
    let session = Session::open(&arguments.data)?;
    let interrupts = Interrupts::listen()?;
    let organization = session.organization(&arguments.organization)?;
    let rejects = Rejects::open(arguments.rejects.as_deref())?;
    let plan = Plan { file: &arguments.file, organization, subject: &arguments.subject };
    let summary = import(&session, &plan, rejects, &interrupts);
    session.close();
    let summary = summary?;
    let mut output = Output::standard(arguments.data.json);
    if output.json() {
        output.value(&summary)?;
    } else {
        for line in summary.lines(&arguments.file) {
            output.line(line)?;
        }
    }
    output.finish()?;
    if summary.rejected > 0 && !arguments.allow_rejects {
        let rejected = count_of(summary.rejected, "line");
        return Err(Failure::Finding(format!(
            "{rejected} could not be imported; the others are. Add --allow-rejects if that is as it should be"
        )));
    }
    Ok(ExitStatus::Success)
}

/// What to import.
pub(super) struct Plan<'a> {
    pub(super) file: &'a Path,
    pub(super) organization: OrganizationId,
    pub(super) subject: &'a str,
}

/// What an import did.
#[derive(Debug, Clone, Default, serde::Serialize)]
pub(super) struct Summary {
    /// Lines in the file.
    pub(super) lines: u64,
    /// Conversations stored, over all runs of this import.
    pub(super) conversations: u64,
    /// Records that this run added.
    pub(super) records: u64,
    /// Lines rejected, over all runs.
    pub(super) rejected: u64,
    /// Lines that an earlier run had dealt with.
    pub(super) lines_done_before: u64,
    /// Whether an earlier run had finished it.
    pub(super) finished_before: bool,
    /// Time this run took, in milliseconds.
    pub(super) elapsed_ms: u64,
    /// Conversations a second in this run.
    pub(super) conversations_per_second: f64,
}

impl Summary {
    fn lines(&self, file: &Path) -> Vec<String> {
        let mut lines = Vec::new();
        if self.finished_before {
            lines.push(format!("{} was imported before; nothing was added", file.display()));
        } else if self.lines_done_before > 0 {
            lines.push(format!("continued after line {}", self.lines_done_before));
        }
        lines.push(format!("conversations  {}", self.conversations));
        lines.push(format!("records        {} added in this run", self.records));
        lines.push(format!("rejected       {}", count_of(self.rejected, "line")));
        if !self.finished_before {
            let seconds = format!("{}.{:03}", self.elapsed_ms / 1_000, self.elapsed_ms % 1_000);
            lines.push(format!(
                "time           {seconds} s, {:.0} conversations/s",
                self.conversations_per_second
            ));
        }
        lines
    }
}

/// Imports a file.
///
/// # Errors
/// When the file cannot be read, custody refuses or fails, or the person interrupts; what was done stays done.
pub(super) fn import(
    session: &Session,
    plan: &Plan<'_>,
    rejects: Rejects,
    interrupts: &Interrupts,
) -> Result<Summary, Failure> {
    let unreadable = |cause| Failure::File { doing: "read", path: plan.file.to_owned(), cause };
    let metadata = std::fs::metadata(plan.file).map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(Failure::Argument(format!(
            "{} is no regular file; nothing was imported. An import reads its file twice, so write what comes from a \
             pipe to a file first",
            plan.file.display()
        )));
    }
    let progress = Progress::start(metadata.len());
    let digest = source::digest(plan.file, |bytes| progress.digested(bytes) && !interrupts.requested());
    let Some(digest) = digest.map_err(unreadable)? else {
        return Err(Failure::Interrupted("stopped before anything was imported".into()));
    };
    let begun = import_reply(session.send(AdminCommand::BeginImport {
        organization: plan.organization,
        subject: plan.subject.to_owned(),
        source: plan.file.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        digest,
    })?)?;
    let mut run = Run {
        session,
        begun: begun.clone(),
        rejects,
        progress,
        summary: Summary::default(),
        flying: VecDeque::new(),
    };
    run.summary.lines_done_before = begun.lines_done;
    run.summary.conversations = begun.accepted;
    run.summary.rejected = begun.rejected;
    run.summary.lines = begun.lines_done;
    if begun.finished {
        run.summary.finished_before = true;
        return Ok(run.summary);
    }
    let source = Source::open(plan.file).map_err(unreadable)?;
    let stopped = run.all(source, plan.file, interrupts)?;
    run.progress.finish();
    if stopped {
        return Err(run.interrupted());
    }
    import_reply(session.send(AdminCommand::FinishImport { job: begun.job, digest })?)?;
    Ok(run.finish())
}

fn import_reply(reply: AdminReply) -> Result<ImportProgress, Failure> {
    match reply {
        AdminReply::Import(progress) => Ok(progress),
        _ => Err(Failure::UnexpectedReply("import")),
    }
}

/// A chunk that is sent, and what is to be said about it when it is durable.
struct Flying {
    pending: PendingChunk,
    bytes: u64,
    unreadable: BTreeMap<u64, &'static str>,
}

/// An import under way.
struct Run<'a> {
    session: &'a Session,
    begun: ImportProgress,
    rejects: Rejects,
    progress: Progress,
    summary: Summary,
    flying: VecDeque<Flying>,
}

impl Run<'_> {
    /// Sends every chunk and waits for all of them. Says whether the person stopped it before the end.
    fn all(&mut self, source: Source, path: &Path, interrupts: &Interrupts) -> Result<bool, Failure> {
        let bytes_read = source.bytes_read();
        let chunks = read_ahead(source, self.begun.lines_done)?;
        let mut stopped = false;
        let mut broken = None;
        for chunk in &chunks {
            if interrupts.requested() {
                stopped = true;
                break;
            }
            match chunk {
                Ok(chunk) => self.send(chunk)?,
                Err(cause) => {
                    broken = Some(cause);
                    break;
                }
            }
            self.progress.read(bytes_read.load(std::sync::atomic::Ordering::Relaxed));
        }
        while !self.flying.is_empty() {
            self.land()?;
        }
        match broken {
            Some(cause) => {
                self.progress.finish();
                let done = self.summary.lines;
                if done == 0 {
                    remark("nothing of the file could be read, so nothing was imported");
                } else {
                    remark(format_args!(
                        "lines 1 to {done} are imported and stay so; the rest of the file could not be read"
                    ));
                }
                Err(Failure::File { doing: "read", path: path.to_owned(), cause })
            }
            None => Ok(stopped),
        }
    }

    fn send(&mut self, chunk: Chunk) -> Result<(), Failure> {
        while self.flying.len() >= CHUNKS_IN_FLIGHT {
            self.land()?;
        }
        let bytes = chunk.bytes();
        let pending = self.session.import_lines(self.begun.job, chunk.first_line, chunk.lines)?;
        self.flying.push_back(Flying { pending, bytes, unreadable: chunk.unreadable });
        Ok(())
    }

    /// Waits until the oldest chunk under way is durable.
    fn land(&mut self) -> Result<(), Failure> {
        let Some(flying) = self.flying.pop_front() else { return Ok(()) };
        let outcome: ImportOutcome = flying.pending.wait()?;
        for RejectedLine { line, reason } in &outcome.rejected {
            let reason = flying.unreadable.get(line).copied().unwrap_or(reason);
            self.progress.hidden(|| self.rejects.note(*line, reason))?;
        }
        self.summary.lines = outcome.lines_done;
        self.summary.conversations += outcome.accepted;
        self.summary.records += outcome.records;
        self.summary.rejected += u64::try_from(outcome.rejected.len()).unwrap_or(u64::MAX);
        self.progress.landed(outcome.accepted, flying.bytes);
        Ok(())
    }

    fn interrupted(&self) -> Failure {
        let done = self.summary.lines;
        Failure::Interrupted(format!(
            "stopped after line {done}; everything up to there is kept. Run the same command again to go on after it"
        ))
    }

    fn finish(self) -> Summary {
        let elapsed = self.progress.elapsed();
        let mut summary = self.summary;
        summary.elapsed_ms = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
        let added =
            u32::try_from(summary.conversations.saturating_sub(self.begun.accepted)).unwrap_or(u32::MAX);
        summary.conversations_per_second = f64::from(added) / elapsed.as_secs_f64().max(0.001);
        summary
    }
}

/// Reads on a thread of its own, at most one chunk ahead of the ones in flight.
fn read_ahead(mut source: Source, lines_done: u64) -> Result<Receiver<std::io::Result<Chunk>>, Failure> {
    let (sender, receiver) = sync_channel(1);
    let read = move || {
        if let Err(error) = source.skip_lines(lines_done) {
            // The receiver is gone only when the import has failed already.
            let _ = sender.send(Err(error));
            return;
        }
        while let Some(chunk) = source.chunk().transpose() {
            let last = chunk.is_err();
            if sender.send(chunk).is_err() || last {
                return;
            }
        }
    };
    std::thread::Builder::new()
        .name("import-reader".into())
        .spawn(read)
        .map_err(|cause| Failure::System { doing: "start the reading thread", cause })?;
    Ok(receiver)
}

/// Where rejected lines are reported: their number and the reason, never their content.
pub(super) struct Rejects {
    file: Option<(BufWriter<File>, std::path::PathBuf)>,
}

impl Rejects {
    /// Reports to `path`, or to standard error. A file that is there is added to, so that an import that goes on
    /// after an interruption keeps what it reported before.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub(super) fn open(path: Option<&Path>) -> Result<Self, Failure> {
        let Some(path) = path else { return Ok(Self { file: None }) };
        let file = File::options().append(true).create(true).open(path);
        let file = file.map_err(|cause| Failure::File {
            doing: "write rejected lines to",
            path: path.to_owned(),
            cause,
        })?;
        Ok(Self { file: Some((BufWriter::new(file), path.to_owned())) })
    }

    fn note(&mut self, line: u64, reason: &str) -> Result<(), Failure> {
        match &mut self.file {
            None => {
                remark(format_args!("line {line}: {reason}"));
                Ok(())
            }
            Some((file, path)) => {
                writeln!(file, "line {line}: {reason}").and_then(|()| file.flush()).map_err(|cause| {
                    Failure::File { doing: "write rejected lines to", path: path.clone(), cause }
                })
            }
        }
    }
}
