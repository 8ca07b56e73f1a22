//! Writing activities to a security information and event management system: one thread beside everything else.
//!
//! The place up to which activities were written is noted after they were: whatever fails or is cut off, an activity is written once
//! or more, never not at all. Whoever reads them knows repetitions by the activity's id.

mod file;
mod syslog;

use std::io;
use std::path::PathBuf;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::Duration;

use fiducia_custody::{AdminError, Custody};
use fiducia_policy::Timestamp;
use fiducia_wire::siem::{Activity, SiemFormat, SyslogName};

use crate::StartError;
use file::FileTarget;
use syslog::SyslogTarget;

/// Activities that are written at a time.
const BATCH_MAX: u32 = 256;
/// How often the feed is looked at.
const INTERVAL: Duration = Duration::from_secs(1);
/// The longest wait before what failed is tried again.
const RETRY_MAX: Duration = Duration::from_mins(1);

/// Where activities are written.
#[derive(Debug, Clone)]
pub struct SiemSettings {
    /// How a line is written.
    pub format: SiemFormat,
    /// Where to.
    pub target: SiemTargetSettings,
}

/// A place that activities are written to.
#[derive(Debug, Clone)]
pub enum SiemTargetSettings {
    /// A file of lines.
    File(SiemFileSettings),
    /// A syslog receiver.
    Syslog(SyslogSettings),
}

/// A file of lines.
#[derive(Debug, Clone)]
pub struct SiemFileSettings {
    /// Its path.
    pub path: PathBuf,
    /// From this length on, in bytes, another file is begun.
    pub rotate_bytes: u64,
    /// Whether another file is begun with each day in UTC.
    pub rotate_daily: bool,
    /// So many files that were ended are kept beside the one that is written; the oldest is removed first.
    pub keep_files: usize,
}

/// A syslog receiver.
#[derive(Debug, Clone)]
pub struct SyslogSettings {
    /// How it is reached.
    pub transport: SyslogTransport,
    /// The facility, 0 to 23.
    pub facility: u8,
    /// The name of this machine in messages.
    pub host: SyslogName,
}

/// How a syslog receiver is reached. Addresses are `host:port`.
#[derive(Debug, Clone)]
pub enum SyslogTransport {
    /// One datagram for each message (RFC 5426). Nobody says when one is lost.
    Udp(String),
    /// A stream with counted octets (RFC 6587).
    Tcp(String),
    /// The same over TLS (RFC 5425).
    Tls {
        /// Where it is.
        address: String,
        /// Authorities to trust besides the system's, PEM.
        ca_file: Option<PathBuf>,
    },
    /// A datagram socket of this machine, such as `/dev/log`.
    Unix(PathBuf),
}

impl SiemTargetSettings {
    /// The name under which the place is remembered: another target gets the feed from its beginning.
    fn name(&self) -> String {
        match self {
            Self::File(file) => format!("file:{}", file.path.display()),
            Self::Syslog(syslog) => match &syslog.transport {
                SyslogTransport::Udp(address) => format!("udp:{address}"),
                SyslogTransport::Tcp(address) => format!("tcp:{address}"),
                SyslogTransport::Tls { address, .. } => format!("tls:{address}"),
                SyslogTransport::Unix(path) => format!("unix:{}", path.display()),
            },
        }
    }
}

/// An activity as it is written.
struct Line {
    at: Timestamp,
    kind: String,
    text: String,
}

enum Target {
    File(FileTarget),
    Syslog(SyslogTarget),
}

impl Target {
    /// Writes all of the lines. After an error some of them may have been written.
    fn write(&mut self, lines: &[Line], now: Timestamp) -> io::Result<()> {
        match self {
            Self::File(file) => file.write(lines, now),
            Self::Syslog(syslog) => syslog.write(lines),
        }
    }
}

/// Why activities were not written. They stay where they are.
#[derive(Debug, thiserror::Error)]
pub enum SiemError {
    /// The target does not take them.
    #[error("{target} does not take activities: {cause}")]
    Target {
        /// Which.
        target: String,
        /// What the system said.
        cause: io::Error,
    },
    /// The feed cannot be read, or the place not be noted.
    #[error(transparent)]
    Store(#[from] AdminError),
}

/// Writes activities.
pub struct Siem {
    custody: Custody,
    format: SiemFormat,
    target: Target,
    name: String,
    place: Option<i64>,
}

impl std::fmt::Debug for Siem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Siem").field("target", &self.name).finish_non_exhaustive()
    }
}

impl Siem {
    /// Prepares; writes nothing yet.
    ///
    /// # Errors
    /// When a setting cannot be used.
    pub fn new(settings: &SiemSettings, custody: Custody) -> Result<Self, StartError> {
        let unfit = |reason| StartError::Setting { setting: "siem", reason };
        let target = match &settings.target {
            SiemTargetSettings::File(file) => Target::File(FileTarget::new(file.clone())),
            SiemTargetSettings::Syslog(syslog) => {
                Target::Syslog(SyslogTarget::new(syslog.clone()).map_err(unfit)?)
            }
        };
        Ok(Self { custody, format: settings.format, target, name: settings.target.name(), place: None })
    }

    /// Writes everything that the feed has and that was not written yet. Gives how many activities that were. Blocks.
    ///
    /// # Errors
    /// When the target or the store fails. What was not written stays where it is.
    pub fn round(&mut self) -> Result<u64, SiemError> {
        let mut written = 0;
        loop {
            let place = match self.place {
                Some(place) => place,
                None => self.custody.siem_place(&self.name)?,
            };
            self.place = Some(place);
            let activities = self.custody.activities_after(place, BATCH_MAX)?;
            let (Some(first), Some(last)) = (activities.first(), activities.last()) else {
                self.custody.note_siem_late(None);
                return Ok(written);
            };
            let (oldest, place) = (first.at, last.place);
            let count = u64::try_from(activities.len()).unwrap_or(u64::MAX);
            let lines: Vec<Line> = activities
                .into_iter()
                .filter_map(|activity| match Activity::parse(&activity.body) {
                    Ok(read) => Some(Line { at: activity.at, text: self.format.line(&read), kind: activity.kind }),
                    Err(error) => {
                        tracing::error!(activity = activity.id, %error, "an activity of the feed is none; it was not written");
                        None
                    }
                })
                .collect();
            if let Err(cause) = self.target.write(&lines, self.custody.now()) {
                self.custody.note_siem_late(Some(oldest));
                return Err(SiemError::Target { target: self.name.clone(), cause });
            }
            self.custody.note_siem_place(&self.name, place, count)?;
            self.place = Some(place);
            written += count;
        }
    }
}

/// The thread that writes activities. Dropping it stops it.
#[derive(Debug)]
pub struct SiemThread {
    stop: Option<Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl SiemThread {
    /// Writes until it is stopped.
    ///
    /// # Errors
    /// When the thread cannot be made.
    pub fn start(mut siem: Siem) -> Result<Self, StartError> {
        let (stop, stops) = channel::<()>();
        let thread = std::thread::Builder::new()
            .name("siem".to_owned())
            .spawn(move || {
                let (mut wait, mut failing) = (INTERVAL, false);
                loop {
                    match siem.round() {
                        Ok(_) => {
                            if failing {
                                tracing::info!(target = siem.name, "activities are written again; none was lost");
                            }
                            (wait, failing) = (INTERVAL, false);
                        }
                        Err(error) => {
                            // Said once, not at every attempt; the metric says how late it is.
                            if !failing {
                                tracing::error!(%error, "activities cannot be written; they wait, and none is lost");
                            }
                            (wait, failing) = ((wait * 2).min(RETRY_MAX), true);
                        }
                    }
                    match stops.recv_timeout(wait) {
                        Err(RecvTimeoutError::Timeout) => {}
                        Ok(()) | Err(RecvTimeoutError::Disconnected) => return,
                    }
                }
            })
            .map_err(StartError::Thread)?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for SiemThread {
    fn drop(&mut self) {
        // Without a sender the thread's wait ends.
        drop(self.stop.take());
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the thread that writes activities ended by a panic");
        }
    }
}
