//! Access entries and the receipts that release data keys.
//!
//! INVARIANT: an [`AccessReceipt`] exists only when its entry and the public ones behind it are durable. This module is the only
//! place that can make one, and it does so after [`Ledger::append`] returned.

use fiducia_policy::{
    AccessReason, EntryProof, GroundKind, OrganizationId, PersonId, RecordId, ReleaseAuthority, Timestamp,
    WorkspaceId,
};

use crate::access_transparency::PublicFacts;
use crate::error::LedgerError;
use crate::event::{Event, RecordAccess, TEXT_BYTES_MAX};
use crate::leaf::{EventId, Leaf};
use crate::ledger::{Appended, Ledger};
use crate::session::LookTerms;

/// Most records one access may name.
pub const ACCESS_RECORDS_MAX: usize = 1_000;

/// Whose look it is, and with that whether the public log speaks of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AccessBy {
    /// The person reads what is their own. That is no access by the operator's staff, so no public event speaks of it.
    TheirOwn,
    /// A program of the organisation whose content it is reads by a key that the organisation holds. That is no access by the operator's
    /// staff either.
    TheirOrganization,
    /// Somebody else reads: one public event for each answer that is read.
    Staff {
        /// The role or department in which they act, never who they are; at most 256 bytes.
        department: Option<String>,
        /// What is read, 1 to [`ACCESS_RECORDS_MAX`], in the order in which the events are appended.
        answers: Vec<AnswerRead>,
    },
}

/// One model answer that is read, with what was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnswerRead {
    /// What the public event names: the provider's id of the answer (`msg_…`, `chatcmpl-…`, `resp_…`) or, where there is none, our id
    /// of the record; at most 256 bytes.
    pub resource: String,
    /// Of which workspace, where it is known.
    pub workspace: Option<WorkspaceId>,
}

/// A person's request to read, to be logged. The ledger's clock says when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessEntry {
    /// Names the event.
    pub id: EventId,
    /// Whose records.
    pub organization: OrganizationId,
    /// Who reads.
    pub actor: PersonId,
    /// Why.
    pub reason: AccessReason,
    /// The case or request it belongs to, at most 256 bytes and without personal data.
    pub ticket: Option<String>,
    /// Which records, 1 to [`ACCESS_RECORDS_MAX`].
    pub records: Vec<RecordId>,
    /// The ground whose path is walked.
    pub ground: GroundKind,
    /// When the permission ends; later than now.
    pub expires_at: Timestamp,
    /// In which session, how it is shown, and which policies permit it.
    pub look: Option<LookTerms>,
    /// Whose look it is.
    pub by: AccessBy,
}

/// Permission to decrypt the records of one durable access entry.
///
/// It cannot be made or copied, only got from [`Ledger::append_access`]:
///
/// ```compile_fail,E0451
/// fn forge(entry: fiducia_policy::EntryProof, expires_at: fiducia_policy::Timestamp) -> fiducia_ledger::AccessReceipt {
///     fiducia_ledger::AccessReceipt { entry, records: vec![], public: vec![], at: expires_at, expires_at }
/// }
/// ```
///
/// ```compile_fail,E0599
/// fn copy(receipt: &fiducia_ledger::AccessReceipt) -> fiducia_ledger::AccessReceipt {
///     fiducia_ledger::AccessReceipt::clone(receipt)
/// }
/// ```
#[derive(Debug)]
#[must_use = "the access is logged; without the receipt nothing can be read"]
pub struct AccessReceipt {
    entry: EntryProof,
    /// Sorted.
    records: Vec<RecordId>,
    public: Vec<EntryProof>,
    at: Timestamp,
    expires_at: Timestamp,
}

impl AccessReceipt {
    /// When the access was logged.
    pub fn at(&self) -> Timestamp {
        self.at
    }

    /// When the permission ends.
    pub fn expires_at(&self) -> Timestamp {
        self.expires_at
    }

    /// Whether the permission holds at `now`: not before it was logged, and before it ends.
    pub fn valid_at(&self, now: Timestamp) -> bool {
        (self.at..self.expires_at).contains(&now)
    }

    /// Where the entry lies.
    pub fn proof(&self) -> EntryProof {
        self.entry
    }

    /// Where the public events of this access lie: directly behind the entry, in the order of their answers.
    pub fn public_entries(&self) -> &[EntryProof] {
        &self.public
    }
}

impl ReleaseAuthority for AccessReceipt {
    fn covers(&self, record: RecordId) -> bool {
        self.records.binary_search(&record).is_ok()
    }

    fn entry(&self) -> EntryProof {
        self.entry
    }
}

impl Ledger {
    /// Logs a person's access and gives the receipt that permits it.
    ///
    /// # Errors
    /// As [`Ledger::append_accesses`].
    pub fn append_access(&mut self, access: AccessEntry) -> Result<AccessReceipt, LedgerError> {
        let mut receipts = self.append_accesses(vec![access])?;
        receipts.pop().ok_or(LedgerError::AccessRefused { reason: NO_INDEX })
    }

    /// Logs several people's accesses by one flush and gives the receipts that permit them, in their order. Each entry and, directly
    /// behind it, one public event for each answer that is read are durable when this returns.
    ///
    /// # Errors
    /// When a request cannot be permitted ([`AccessEntry::check`]), when their leaves are more than
    /// [`BATCH_ENTRIES_MAX`](crate::BATCH_ENTRIES_MAX), or when they cannot be made durable. None of them may be read then, and
    /// nothing of them is in the log.
    pub fn append_accesses(&mut self, accesses: Vec<AccessEntry>) -> Result<Vec<AccessReceipt>, LedgerError> {
        let at = self.clock.now();
        let mut leaves = Vec::with_capacity(accesses.iter().map(AccessEntry::leaves).sum());
        let mut permitted = Vec::with_capacity(accesses.len());
        for access in accesses {
            access.check(at)?;
            permitted.push(permit(access, at, &mut leaves)?);
        }
        let appended = self.append(&leaves)?;
        let mut rest = appended.iter();
        permitted.into_iter().map(|permitted| permitted.receipt(at, &mut rest)).collect()
    }
}

const NO_INDEX: &str = "the ledger gave no index";

/// An access whose leaves are about to be appended.
struct Permitted {
    /// Sorted.
    records: Vec<RecordId>,
    public: usize,
    expires_at: Timestamp,
}

impl Permitted {
    /// Takes the places of its leaves off those of all.
    fn receipt<'a>(
        self,
        at: Timestamp,
        appended: &mut impl Iterator<Item = &'a Appended>,
    ) -> Result<AccessReceipt, LedgerError> {
        let mut places = appended
            .map(|appended| EntryProof { index: appended.index, leaf_hash: appended.leaf_hash })
            .take(1 + self.public);
        let no_index = LedgerError::AccessRefused { reason: NO_INDEX };
        let Some(entry) = places.next() else { return Err(no_index) };
        let public: Vec<EntryProof> = places.collect();
        if public.len() != self.public {
            return Err(no_index);
        }
        Ok(AccessReceipt { entry, records: self.records, public, at, expires_at: self.expires_at })
    }
}

/// Adds the leaf of an access, and its public ones behind it.
fn permit(
    access: AccessEntry,
    at: Timestamp,
    leaves: &mut Vec<(OrganizationId, Leaf)>,
) -> Result<Permitted, LedgerError> {
    let AccessEntry { id, organization, actor, reason, ticket, mut records, ground, expires_at, look, by } =
        access;
    records.sort_unstable();
    records.dedup();
    let logged = RecordAccess { actor, reason, ticket, records: records.clone(), ground, expires_at, look };
    leaves.push((organization, Leaf { id: id.clone(), at, event: Event::RecordAccess(logged) }));
    let AccessBy::Staff { department, answers } = by else {
        return Ok(Permitted { records, public: 0, expires_at });
    };
    let public = answers.len();
    for (ordinal, answer) in (0_u32..).zip(answers) {
        let facts = PublicFacts {
            id: PublicFacts::id_of(&id, ordinal)?,
            organization,
            at,
            department: department.clone(),
            reason,
            resource: answer.resource,
            workspace: answer.workspace,
        };
        leaves.push((organization, facts.access()));
    }
    Ok(Permitted { records, public, expires_at })
}

impl AccessEntry {
    /// How many leaves it takes: its own and the public ones.
    pub const fn leaves(&self) -> usize {
        match &self.by {
            AccessBy::TheirOwn | AccessBy::TheirOrganization => 1,
            AccessBy::Staff { answers, .. } => 1 + answers.len(),
        }
    }

    /// Whether it can be permitted at `at`.
    ///
    /// # Errors
    /// When it names no record or too many, no answer or too many or too long an id, or ends before it starts.
    pub fn check(&self, at: Timestamp) -> Result<(), LedgerError> {
        let refused = |reason| Err(LedgerError::AccessRefused { reason });
        if self.records.is_empty() {
            return refused("it names no record");
        }
        if self.records.len() > ACCESS_RECORDS_MAX {
            return refused("it names more than 1000 records; ask in parts");
        }
        if self.expires_at <= at {
            return refused("it would end before it starts");
        }
        let AccessBy::Staff { department, answers } = &self.by else { return Ok(()) };
        if answers.is_empty() {
            return refused("it names no answer that is read, so no public event would speak of it");
        }
        if answers.len() > ACCESS_RECORDS_MAX {
            return refused("it names more than 1000 answers; ask in parts");
        }
        let mut texts = answers.iter().map(|answer| &answer.resource).chain(department);
        if texts.any(|text| text.len() > TEXT_BYTES_MAX) {
            return refused("a department or the id of an answer is longer than 256 bytes");
        }
        Ok(())
    }
}
