//! Who looked at what is kept of a person.

use std::collections::HashSet;

use fiducia_ledger::{LogReader, VerifierKey};
use fiducia_policy::{
    AccessReason, ConversationId, GroundKind, OrganizationId, PersonId, RoleSet, SubjectId, Timestamp,
};
use fiducia_store::{AccessRecord, ControlStore, DataDirectory};

use crate::reading::Reader;
use crate::scribe::event_id;
use crate::{AdminError, Custody, Oneself};

/// Rows of a list.
const LIST_ROWS_MAX: u32 = 1_000;

/// Who looked, as far as the person is told.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case", tag = "who")]
pub enum Looker {
    /// The person.
    Oneself {},
    /// A member of staff. The log knows them by this id; their name is not told.
    Staff {
        /// The id.
        person: PersonId,
        /// What their account permits them to be now; none where they have no account, as operators at the machine.
        roles: RoleSet,
    },
}

/// A look at what is kept of a person.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct LookRow {
    /// Its place among all looks, for asking for those before it.
    pub sequence: u64,
    /// When.
    pub at: Timestamp,
    /// When the permission ended.
    pub until: Timestamp,
    /// Who.
    pub who: Looker,
    /// Why.
    pub reason: AccessReason,
    /// The case or request it belongs to.
    pub ticket: Option<String>,
    /// For which ground's purpose.
    pub ground: GroundKind,
    /// At which conversation, where it was one.
    pub conversation: Option<ConversationId>,
    /// At how many records.
    pub records: u64,
    /// Where its entry lies in the organisation's log.
    pub ledger_index: u64,
    /// Where the public events about it lie, of which each names one answer that was read: the first, and how many.
    #[serde(default)]
    pub public: PublicLooks,
}

/// Public events that lie behind each other in a log.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct PublicLooks {
    /// Where the first one lies.
    pub first: u64,
    /// How many; none when the person read what is their own.
    pub count: u64,
}

/// Which entry of a look is to be proven.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case", tag = "part")]
pub enum LookPart {
    /// The installation's own entry: who, why, which records, until when.
    Entry {},
    /// A public event about one answer, counted from 0.
    Public {
        /// Which.
        number: u64,
    },
}

/// The proof that the log holds a look's entry.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct LookProof {
    /// A `.tlog-proof` (c2sp.org/tlog-proof) whose extra data is the entry.
    pub text: String,
    /// The verifier key of the log, to be kept elsewhere.
    pub verifier_key: String,
    /// Where the entry lies.
    pub ledger_index: u64,
}

impl Custody {
    /// Who looked at what is kept of the person, newest first, also at what was purged since: those before `before`, at most
    /// `limit` (1 to 1,000).
    ///
    /// # Errors
    /// When the limit is none, or the store or the log cannot be read.
    pub fn looks(&self, who: &Oneself, before: Option<u64>, limit: u32) -> Result<Vec<LookRow>, AdminError> {
        self.0.reader.looks(who.subject(), before, limit)
    }

    /// The proof of one of a look's entries.
    ///
    /// # Errors
    /// When it is not a look at what is the person's, it has no such entry, or the log gives no proof.
    pub fn look_proof(&self, who: &Oneself, sequence: u64, part: LookPart) -> Result<LookProof, AdminError> {
        self.0.reader.look_proof(who, sequence, part)
    }
}

impl Reader {
    fn looks(&self, subject: SubjectId, before: Option<u64>, limit: u32) -> Result<Vec<LookRow>, AdminError> {
        if limit == 0 || limit > LIST_ROWS_MAX {
            return Err(AdminError::Invalid(format!("a list has 1 to {LIST_ROWS_MAX} rows")));
        }
        let _reading = self.reading();
        let control = self.control()?;
        let most = usize::try_from(limit).unwrap_or(usize::MAX);
        let (mut rows, mut before) = (Vec::new(), before);
        // Until the list is full or at its end: rows that count for nothing must not look like the end.
        loop {
            let step = control.accesses(subject, before, limit)?;
            let is_last = step.len() < most;
            before = step.last().map(|record| record.sequence);
            for record in step {
                let index = match record.ledger_index {
                    Some(index) => Some(index),
                    None => self.place_of_access(&record)?,
                };
                // Without an entry nothing was opened: the program ended before the log was written, or the log refused.
                let Some(ledger_index) = index else { continue };
                rows.push(look_row(&control, record, ledger_index)?);
                if rows.len() == most {
                    return Ok(rows);
                }
            }
            if is_last {
                return Ok(rows);
            }
        }
    }

    fn look_proof(&self, who: &Oneself, sequence: u64, part: LookPart) -> Result<LookProof, AdminError> {
        // The entry is durable already; now it comes under a checkpoint too.
        self.scribe.settle();
        let _reading = self.reading();
        let found = self.control()?.accesses(who.subject(), sequence.checked_add(1), 1)?;
        let none = || AdminError::NotFound("there is no such look at what is yours".to_owned());
        let record = found.into_iter().find(|record| record.sequence == sequence).ok_or_else(none)?;
        let entry = match record.ledger_index {
            Some(index) => index,
            None => self.place_of_access(&record)?.ok_or_else(none)?,
        };
        let ledger_index = match part {
            LookPart::Entry {} => entry,
            LookPart::Public { number } if number < record.public_count => {
                public_of(&record, entry).first + number
            }
            LookPart::Public { .. } => return Err(none()),
        };
        let (mut log, key) = self.log_of(record.organization)?;
        let unproven = |error: fiducia_ledger::LedgerError| {
            AdminError::Storage(format!("the log gives no proof of entry {ledger_index}: {error}"))
        };
        let mut proof = log.proof_file(ledger_index).map_err(unproven)?;
        proof.extra = Some(log.entry(ledger_index).map_err(unproven)?);
        Ok(LookProof { text: proof.to_string(), verifier_key: key.to_string(), ledger_index })
    }

    /// Where an access's entry lies whose place was not noted.
    fn place_of_access(&self, record: &AccessRecord) -> Result<Option<u64>, AdminError> {
        let unread =
            |error: &dyn std::fmt::Display| AdminError::Storage(format!("the log cannot be read: {error}"));
        let (log, _) = self.log_of(record.organization)?;
        let id = event_id(record.event).map_err(|error| unread(&error))?;
        Ok(log.locate(&id).map_err(|error| unread(&error))?.map(|(index, _)| index))
    }

    /// Where the public events about a person's records lie, of accesses whose place was noted.
    pub(crate) fn public_looks(&self, subject: SubjectId) -> Result<HashSet<u64>, AdminError> {
        let control = self.control()?;
        let (mut found, mut before) = (HashSet::new(), None);
        loop {
            let step = control.accesses(subject, before, LIST_ROWS_MAX)?;
            let Some(last) = step.last() else { return Ok(found) };
            before = Some(last.sequence);
            for record in &step {
                let Some(entry) = record.ledger_index else { continue };
                let PublicLooks { first, count } = public_of(record, entry);
                found.extend(first..first + count);
            }
        }
    }

    pub(crate) fn log_of(
        &self,
        organization: OrganizationId,
    ) -> Result<(LogReader, VerifierKey), AdminError> {
        let unread = |error: fiducia_ledger::LedgerError| {
            AdminError::Storage(format!("the log cannot be read: {error}"))
        };
        let keys = self.names.keys_of(organization).map_err(unread)?;
        let folder = DataDirectory::ledger(&self.root).join(organization.uuid());
        let log = LogReader::open(&folder, &keys).map_err(unread)?;
        Ok((log, self.names.ed25519_of(organization).map_err(unread)?))
    }
}

/// INVARIANT: the public events of an access lie directly behind its entry, in the order of its rows here: the ledger appends them in
/// one batch of one log.
const fn public_of(record: &AccessRecord, entry: u64) -> PublicLooks {
    PublicLooks {
        first: entry.saturating_add(1).saturating_add(record.public_first),
        count: record.public_count,
    }
}

fn look_row(control: &ControlStore, record: AccessRecord, ledger_index: u64) -> Result<LookRow, AdminError> {
    let (name, roles) = control.actor(record.actor)?.unwrap_or_default();
    let who = if name == record.subject.to_string() {
        Looker::Oneself {}
    } else {
        // Roles of a newer version are left out: the rest is said all the same.
        let roles =
            roles.unwrap_or_default().split_whitespace().filter_map(|role| role.parse().ok()).collect();
        Looker::Staff { person: record.actor, roles }
    };
    Ok(LookRow {
        public: public_of(&record, ledger_index),
        sequence: record.sequence,
        at: record.at,
        until: record.expires_at,
        who,
        reason: record.reason,
        ticket: record.ticket,
        ground: record.ground,
        conversation: record.conversation,
        records: record.records,
        ledger_index,
    })
}
