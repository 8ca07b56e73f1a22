//! Access entries and the receipts that release data keys.
//!
//! INVARIANT: an [`AccessReceipt`] exists only when its entry is durable. This module is the only place that can make
//! one, and it does so after [`Ledger::append`] returned.

use fiducia_policy::{
    AccessReason, EntryProof, GroundKind, OrganizationId, PersonId, RecordId, ReleaseAuthority, Timestamp,
};

use crate::error::LedgerError;
use crate::event::{Event, RecordAccess};
use crate::leaf::{EventId, Leaf};
use crate::ledger::Ledger;
use crate::session::LookTerms;

/// Most records one access may name.
pub const ACCESS_RECORDS_MAX: usize = 1_000;

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
}

/// Permission to decrypt the records of one durable access entry.
///
/// It cannot be made or copied, only got from [`Ledger::append_access`]:
///
/// ```compile_fail,E0451
/// fn forge(entry: fiducia_policy::EntryProof, expires_at: fiducia_policy::Timestamp) -> fiducia_ledger::AccessReceipt {
///     fiducia_ledger::AccessReceipt { entry, records: vec![], at: expires_at, expires_at }
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
    /// Logs a person's access and gives the receipt that permits it. The entry is durable when this returns.
    ///
    /// # Errors
    /// As [`Ledger::append_accesses`].
    pub fn append_access(&mut self, access: AccessEntry) -> Result<AccessReceipt, LedgerError> {
        let mut receipts = self.append_accesses(vec![access])?;
        receipts.pop().ok_or(LedgerError::AccessRefused { reason: "the ledger gave no index" })
    }

    /// Logs several people's accesses by one flush and gives the receipts that permit them, in their order. The entries are
    /// durable when this returns.
    ///
    /// # Errors
    /// When a request names no record or too many, ends before it starts, or they cannot be made durable. None of them may be
    /// read then.
    pub fn append_accesses(&mut self, accesses: Vec<AccessEntry>) -> Result<Vec<AccessReceipt>, LedgerError> {
        let refused = |reason| LedgerError::AccessRefused { reason };
        let at = self.clock.now();
        let mut leaves = Vec::with_capacity(accesses.len());
        let mut permitted = Vec::with_capacity(accesses.len());
        for access in accesses {
            access.check(at)?;
            let AccessEntry {
                id,
                organization,
                actor,
                reason,
                ticket,
                mut records,
                ground,
                expires_at,
                look,
            } = access;
            records.sort_unstable();
            records.dedup();
            let logged =
                RecordAccess { actor, reason, ticket, records: records.clone(), ground, expires_at, look };
            leaves.push((organization, Leaf { id, at, event: Event::RecordAccess(logged) }));
            permitted.push((records, expires_at));
        }
        let appended = self.append(&leaves)?;
        if appended.len() != permitted.len() {
            return Err(refused("the ledger gave no index"));
        }
        let receipts = appended.into_iter().zip(permitted).map(|(appended, (records, expires_at))| {
            let entry = EntryProof { index: appended.index, leaf_hash: appended.leaf_hash };
            AccessReceipt { entry, records, at, expires_at }
        });
        Ok(receipts.collect())
    }
}

impl AccessEntry {
    /// Whether it can be permitted at `at`.
    ///
    /// # Errors
    /// When it names no record or too many, or ends before it starts.
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
        Ok(())
    }
}
