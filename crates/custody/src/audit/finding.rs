//! What an audit can find, with words for people: what was found, what it means, what to do.

use std::fmt;

use fiducia_policy::OrganizationId;

/// A kind of fact that the log and a database both know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ComparedKind {
    /// A person was permitted to read.
    Access,
    /// A row of the activity feed.
    Activity,
    /// A certificate of destruction.
    Certificate,
    /// A person's consent changed.
    Consent,
    /// A legal hold was placed or released.
    Hold,
    /// A policy came into force.
    Policy,
    /// A public event about a look by staff.
    PublicEvent,
    /// A session of reading: what became of it, and the looks in it.
    Session,
}

impl ComparedKind {
    /// One of them, for sentences.
    pub const fn noun(self) -> &'static str {
        match self {
            Self::Access => "access",
            Self::Activity => "activity",
            Self::Certificate => "certificate",
            Self::Consent => "consent",
            Self::Hold => "legal hold",
            Self::Policy => "policy",
            Self::PublicEvent => "public event",
            Self::Session => "session of reading",
        }
    }

    /// Several of them, for sentences.
    pub const fn plural(self) -> &'static str {
        match self {
            Self::Access => "accesses",
            Self::Activity => "activities",
            Self::Certificate => "certificates",
            Self::Consent => "consents",
            Self::Hold => "legal holds",
            Self::Policy => "policies",
            Self::PublicEvent => "public events",
            Self::Session => "sessions of reading",
        }
    }

    /// What an entry of this kind lacks, for sentences.
    const fn unmatched(self) -> &'static str {
        match self {
            Self::PublicEvent => "stands behind no look",
            Self::Activity => "has no row in the activity feed",
            _ => "is of nothing that the database has",
        }
    }

    /// What a fact of this kind means when the log does not have it.
    const fn unlogged(self) -> &'static str {
        match self {
            Self::Access => {
                "somebody read, or was permitted to, and the log that people see does not say so. The log was cut or rewritten, \
                 or this database was altered"
            }
            Self::Activity => {
                "the activity feed tells programs of something that the log does not say: the log was cut or rewritten, or the row was \
                 put into the feed or dated anew"
            }
            Self::Certificate => {
                "a certificate of destruction that was given cannot be proven by the log: the log was cut or rewritten, or the \
                 certificate was put into the database"
            }
            Self::Consent => {
                "a person's choice is in force that the log does not confirm: the log was cut or rewritten, or the choice was put \
                 into the database"
            }
            Self::Hold => "something is kept, or no longer, for a legal hold that the log does not confirm",
            Self::Policy => {
                "a policy decides how long things are kept, and the log does not say that it came into force"
            }
            Self::PublicEvent => {
                "a look by staff has no public event directly behind it, so that verifiers of the public log are not told of it: the \
                 entry was taken out and the log signed anew"
            }
            Self::Session => {
                "somebody asked to read, was permitted to, or looked, and the log does not say so: the log was cut or rewritten, or the \
                 session was altered in the database"
            }
        }
    }

    /// What an entry of this kind means when no database knows of it.
    const fn unknown(self) -> &'static str {
        match self {
            Self::Access => {
                "the person who was read about is not shown this access: its row was removed from the database, or the entry was \
                 written around the program"
            }
            Self::Activity => {
                "programs that watch the activity feed were never told of this event: its row was removed from the feed, or dated anew"
            }
            Self::Certificate => {
                "a certificate that was given is gone from the database and cannot be handed out again"
            }
            Self::Consent => {
                "a person's choice is in the log and not in the history that decides: the history was cut, or an older database was \
                 restored"
            }
            Self::Hold => "a legal hold was placed and the database no longer keeps anything for it",
            Self::Policy => {
                "a policy was in force that the database does not have: an older database was restored, or the row was removed"
            }
            Self::PublicEvent => {
                "the public log tells of a look by staff that no entry of the program stands before: the entry of the look was taken \
                 out, or the event was written around the program"
            }
            Self::Session => {
                "the log tells of a session of reading that nobody can look up and review: its row was removed from the database, or an \
                 older database was restored"
            }
        }
    }
}

/// One thing that is not as it must be. Names ids, numbers and files, never content.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum AuditFinding {
    /// A file of the log is not what its checkpoint promises.
    File {
        /// What verification said.
        found: String,
    },
    /// An organisation has no log.
    NoLog,
    /// An entry is not how this program writes any.
    Unreadable {
        /// Its index.
        index: u64,
        /// Why.
        reason: String,
    },
    /// An entry says that it belongs to another organisation.
    Foreign {
        /// Its index.
        index: u64,
        /// Whose it says it is.
        says: OrganizationId,
    },
    /// Two entries are of one event.
    Repeated {
        /// The event.
        event: String,
        /// The first entry's index.
        first: u64,
        /// The other's.
        again: u64,
    },
    /// An entry is dated before one that stands before it.
    RunsBack {
        /// Its index.
        index: u64,
        /// By how many seconds.
        seconds: i64,
    },
    /// Somebody remembers a longer log.
    Shorter {
        /// Who: a file, or a witness's name.
        remembered_by: String,
        /// How many entries they remember.
        size: u64,
        /// How many there are.
        found: u64,
    },
    /// Somebody remembers another history.
    Forked {
        /// Who: a file, or a witness's name.
        remembered_by: String,
        /// At which size the two differ.
        size: u64,
    },
    /// A database knows a fact that the log does not have.
    NotLogged {
        /// What kind.
        kind: ComparedKind,
        /// Which.
        name: String,
    },
    /// The log has an entry that no database knows of.
    NotKnown {
        /// What kind.
        kind: ComparedKind,
        /// Its index.
        index: u64,
        /// Which.
        name: String,
    },
    /// Log and database say different things about one fact.
    Differs {
        /// What kind.
        kind: ComparedKind,
        /// The entry's index.
        index: u64,
        /// In what they differ.
        what: &'static str,
    },
    /// There is more; only so many are listed.
    More,
}

impl AuditFinding {
    /// A stable name for machines.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::File { .. } => "file_altered",
            Self::NoLog => "log_missing",
            Self::Unreadable { .. } => "entry_unreadable",
            Self::Foreign { .. } => "entry_foreign",
            Self::Repeated { .. } => "event_repeated",
            Self::RunsBack { .. } => "time_runs_back",
            Self::Shorter { .. } => "log_shorter_than_remembered",
            Self::Forked { .. } => "history_forked",
            Self::NotLogged { .. } => "fact_without_entry",
            Self::NotKnown { .. } => "entry_without_fact",
            Self::Differs { .. } => "entry_differs",
            Self::More => "more",
        }
    }

    /// What it means for people and their data.
    pub const fn meaning(&self) -> &'static str {
        match self {
            Self::File { .. } => "files of the log were altered, lost or added after they were signed",
            Self::NoLog => "nothing that was done for this organisation can be proven from this directory",
            Self::Unreadable { .. } | Self::Foreign { .. } => {
                "it was written by another program, or by a newer version of this one; what it says was not compared"
            }
            Self::Repeated { .. } => "one thing is told twice, so counts made from the log are too high",
            Self::RunsBack { .. } => "the clock was set back, or the entry was dated by hand",
            Self::Shorter { .. } => "entries were cut off, or an older copy was put in the log's place",
            Self::Forked { .. } => {
                "there are two histories under one key: the log was rewritten and signed anew, or it was continued in two places. One \
                 of the two was shown to somebody and is not the one here"
            }
            Self::NotLogged { kind, .. } => kind.unlogged(),
            Self::NotKnown { kind, .. } => kind.unknown(),
            Self::Differs { .. } => "one of the two was altered after the fact",
            Self::More => "the list is not complete",
        }
    }

    /// What to do next.
    pub const fn advice(&self) -> &'static str {
        match self {
            Self::File { .. } | Self::NoLog => {
                "keep the directory as it is for whoever investigates, and restore the named files from a copy"
            }
            Self::Unreadable { .. } => {
                "audit with the newest version that ever wrote here; if it says the same, investigate"
            }
            Self::Foreign { .. } | Self::NotLogged { .. } | Self::NotKnown { .. } | Self::Differs { .. } => {
                "compare with a backup of the database and with a checkpoint or witness from before, and find out who could write \
                 to this directory"
            }
            Self::Repeated { .. } => "look at both entries with `fiducia ledger tail --from INDEX`",
            Self::RunsBack { .. } => {
                "compare with the machine's clock history; a jump that is known can be let pass with --tolerance-seconds"
            }
            Self::Shorter { .. } | Self::Forked { .. } => {
                "do not serve from this directory. Keep it, and the checkpoint that differs, and find out which history people saw"
            }
            Self::More => "mend what is listed and audit again",
        }
    }
}

impl fmt::Display for AuditFinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { found } => f.write_str(found),
            Self::NoLog => f.write_str("there is no log"),
            Self::Unreadable { index, reason } => write!(f, "entry {index} cannot be read: {reason}"),
            Self::Foreign { index, says } => write!(f, "entry {index} says that it belongs to {says}"),
            Self::Repeated { event, first, again } => {
                write!(f, "entries {first} and {again} are both of {event}")
            }
            Self::RunsBack { index, seconds } => {
                write!(f, "entry {index} is dated {seconds} s before an entry that stands before it")
            }
            Self::Shorter { remembered_by, size, found } => {
                write!(f, "{remembered_by} remembers {size} entries, and the log has {found}")
            }
            Self::Forked { remembered_by, size } => {
                write!(f, "{remembered_by} remembers another history of the first {size} entries")
            }
            Self::NotLogged { kind, name } => write!(f, "{} {name} has no entry in the log", kind.noun()),
            Self::NotKnown { kind, index, name } => {
                write!(f, "entry {index} ({} {name}) {}", kind.noun(), kind.unmatched())
            }
            Self::Differs { kind, index, what } => {
                write!(f, "entry {index} and the database differ about the {} of one {}", what, kind.noun())
            }
            Self::More => f.write_str("more findings were left out"),
        }
    }
}
