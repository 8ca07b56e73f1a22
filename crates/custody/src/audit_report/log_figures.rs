//! What an organisation's log holds, in one walk over its entries.

use std::collections::BTreeMap;
use std::path::Path;

use fiducia_ledger::{Digest, Event, LedgerError, LogReader, LoggedLeaf, VerifierKey, leaf_hash, verify_log};
use fiducia_policy::Timestamp;

use super::report::AuditSource;

/// Within which entries are to be witnessed, in seconds.
pub(super) const WITNESSED_WITHIN_SECONDS: i64 = 86_400;
/// Findings that a report lists at most; more are counted in the last line.
const FINDINGS_MAX: usize = 20;

/// Entries of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct KindFigures {
    pub(super) count: u64,
    /// Index and leaf hash of the newest, and when it was made.
    pub(super) newest: (u64, Digest, Timestamp),
}

/// What the log holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct LogFigures {
    pub(super) kinds: BTreeMap<String, KindFigures>,
    /// Keys destroyed, by the reason that was given.
    pub(super) destroyed: BTreeMap<String, u64>,
    /// Entries that are no leaves of this program.
    pub(super) others: u64,
    /// Access entries by reason.
    pub(super) reads: BTreeMap<String, u64>,
    /// Where entries in the public format stand, in order.
    pub(super) public: Vec<u64>,
    /// How many entries there are up to the last one that should have been witnessed by now.
    pub(super) to_be_witnessed: u64,
    pub(super) size: u64,
    pub(super) checkpoint: String,
    pub(super) findings: Vec<String>,
}

impl LogFigures {
    /// Walks over the log in `directory`: first every byte of it is held against its checkpoint, then entries are counted.
    pub(super) fn gather(
        directory: &Path,
        keys: &[VerifierKey],
        now: Timestamp,
    ) -> Result<Self, LedgerError> {
        let mut figures = Self::default();
        if let Err(findings) = verify_log(directory, keys) {
            figures.findings = findings.iter().take(FINDINGS_MAX).map(ToString::to_string).collect();
            if findings.len() > FINDINGS_MAX {
                figures.findings.push(format!("and {} more", findings.len() - FINDINGS_MAX));
            }
        }
        let log = LogReader::open(directory, keys)?;
        figures.size = log.checkpoint().size;
        log.checkpoint_note().clone_into(&mut figures.checkpoint);
        for entry in log.entries(0) {
            // A damaged log is walked as far as it can be; the findings say where it ends.
            let Ok((index, bytes)) = entry else { break };
            figures.count(index, &bytes, now);
        }
        Ok(figures)
    }

    fn count(&mut self, index: u64, bytes: &[u8], now: Timestamp) {
        let Ok(LoggedLeaf { leaf, .. }) = LoggedLeaf::parse(bytes) else {
            self.others += 1;
            return;
        };
        match &leaf.event {
            Event::KeysDestroyed { keys, reason, .. } => {
                *self.destroyed.entry(reason.clone()).or_default() += keys;
            }
            Event::RecordAccess(access) => {
                *self.reads.entry(access.reason.name().to_owned()).or_default() += 1;
            }
            Event::AccessTransparency(_) => self.public.push(index),
            _ => {}
        }
        if now.as_second().saturating_sub(leaf.at.as_second()) >= WITNESSED_WITHIN_SECONDS {
            self.to_be_witnessed = index + 1;
        }
        let newest = (index, Digest(leaf_hash(bytes)), leaf.at);
        let kind = self.kinds.entry(leaf.event.kind().to_owned()).or_insert(KindFigures { count: 0, newest });
        kind.count += 1;
        kind.newest = newest;
    }

    /// How many entries there are of a kind.
    pub(super) fn of(&self, kind: &str) -> u64 {
        self.kinds.get(kind).map_or(0, |figures| figures.count)
    }

    /// Where entries of a kind are looked up: at the newest of them, or in the whole log when there is none.
    pub(super) fn source(&self, kind: &str) -> AuditSource {
        self.kinds.get(kind).map_or(AuditSource::Log {}, |figures| {
            let (index, leaf_hash, at) = figures.newest;
            AuditSource::Entry { index, leaf_hash, at }
        })
    }
}
