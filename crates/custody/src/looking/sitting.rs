//! What a look is taken in, and the one place where looks are entered into the log.

use fiducia_ledger::{AccessEntry, AccessReceipt, LookTerms};
use fiducia_policy::{
    AccessReason, AccessSession, GroundKind, OrganizationId, PersonId, Sight, Timestamp, TooMuch,
};
use fiducia_store::{BeginLook, LookRefused, SessionLook};

use super::public::{LookBy, LookOf, ToRead, divided};
use crate::AdminError;
use crate::console::Oneself;
use crate::reading::{ACCESS_SECONDS, Reader};
use crate::scribe::{Look, event_id};

/// What a look is taken in: an open session with what the access policies said, or somebody reading what is theirs.
///
/// INVARIANT: it is made in this module's directory alone, after the policies were asked; nothing is opened for a person
/// without one.
#[derive(Debug, Clone)]
pub(crate) struct Sitting {
    session: Option<AccessSession>,
    actor: PersonId,
    organization: OrganizationId,
    reason: AccessReason,
    ticket: Option<String>,
    ground: GroundKind,
    sight: Sight,
    policies: Vec<String>,
    by: LookBy,
}

impl Sitting {
    /// A look in a session.
    pub(super) fn of_session(session: AccessSession, sight: Sight, policies: Vec<String>) -> Self {
        Self {
            actor: session.reader.person,
            organization: session.organization,
            reason: session.reason,
            ticket: Some(session.ticket.clone()),
            ground: session.ground,
            by: LookBy::Staff { department: department_of(&session) },
            session: Some(session),
            sight,
            policies,
        }
    }

    /// A person reads what is theirs, or has it handed over upon their request.
    pub(super) const fn of_oneself(
        who: &Oneself,
        actor: PersonId,
        request: Option<String>,
        policies: Vec<String>,
    ) -> Self {
        let sight = if request.is_some() { Sight::File } else { Sight::Plain };
        Self {
            session: None,
            actor,
            organization: who.organization(),
            reason: AccessReason::SubjectRequest,
            ticket: request,
            ground: GroundKind::Service,
            sight,
            policies,
            by: LookBy::TheirOwn,
        }
    }

    /// The organisation's own compliance program reads, under its key.
    pub(super) fn of_program(
        organization: OrganizationId,
        actor: PersonId,
        key: String,
        policies: Vec<String>,
    ) -> Self {
        Self {
            session: None,
            actor,
            organization,
            reason: AccessReason::OrganizationCompliance,
            ticket: Some(key),
            ground: GroundKind::Service,
            sight: Sight::Plain,
            policies,
            by: LookBy::TheirOrganization,
        }
    }

    /// The same, read for somebody else: a file is named after whom it is for.
    pub(crate) const fn on_behalf_of(mut self, reviewer: PersonId) -> Self {
        self.actor = reviewer;
        self
    }

    /// How it is shown.
    pub(crate) const fn sight(&self) -> Sight {
        self.sight
    }

    /// For which ground's purpose.
    pub(crate) const fn ground(&self) -> GroundKind {
        self.ground
    }
}

impl Reader {
    /// Enters a look into the log, with each record once, and behind it the public events of one by staff. The receipt exists only once all of them are
    /// durable. Records of one person and conversation must come together.
    pub(crate) fn enter(
        &self,
        sitting: &Sitting,
        event: [u8; 16],
        to_read: &[ToRead],
    ) -> Result<AccessReceipt, AdminError> {
        let failed = |error: &dyn std::fmt::Display| AdminError::Storage(error.to_string());
        let mut named = std::collections::HashSet::with_capacity(to_read.len());
        let once: Vec<ToRead> = to_read.iter().filter(|one| named.insert(one.record)).cloned().collect();
        let now = self.clock.now();
        let last =
            Timestamp::from_second(now.as_second() + ACCESS_SECONDS).map_err(|error| failed(&error))?;
        let session_end = sitting.session.as_ref().and_then(|session| session.expires_at);
        let id = sitting.session.as_ref().map(|session| session.id);
        let (by, of) = divided(&once, sitting.by.clone());
        let entry = AccessEntry {
            id: event_id(event).map_err(|error| failed(&error))?,
            organization: sitting.organization,
            actor: sitting.actor,
            reason: sitting.reason,
            ticket: sitting.ticket.clone(),
            ground: sitting.ground,
            expires_at: session_end.map_or(last, |end| end.min(last)),
            look: Some(LookTerms { session: id, sight: sitting.sight, policies: sitting.policies.clone() }),
            records: once.iter().map(|one| one.record).collect(),
            by,
        };
        let session =
            id.map(|session| SessionLook { session, records: entry.records.clone(), sight: sitting.sight });
        let begin = BeginLook { rows: rows(&entry, event, now, &of), session, at: now };
        self.scribe.access(Look { begin, entry }).map_err(|error| match error {
            crate::scribe::AccessFailed::Refused(refused @ LookRefused::TooMuch(TooMuch::Program { .. })) => {
                AdminError::TooMuch(refused.to_string())
            }
            crate::scribe::AccessFailed::Refused(refused) => AdminError::Conflict(refused.to_string()),
            crate::scribe::AccessFailed::Unwitnessed(error) => {
                AdminError::Storage(format!("nothing was decrypted: {error}"))
            }
            crate::scribe::AccessFailed::NotLogged(error) => AdminError::Storage(format!(
                "the access could not be logged, so nothing was decrypted: {error}"
            )),
        })
    }
}

/// In which roles the reader acts, the department that public events name; none for whoever works at the machine itself.
pub(crate) fn department_of(session: &AccessSession) -> Option<String> {
    let roles: Vec<&str> = session.roles.members().iter().map(|role| role.name()).collect();
    Some(roles.join(", ")).filter(|roles| !roles.is_empty())
}

fn rows(
    entry: &AccessEntry,
    event: [u8; 16],
    at: Timestamp,
    of: &[LookOf],
) -> Vec<fiducia_store::AccessRecord> {
    let mut public_first = 0;
    let row = |of: &LookOf| {
        let first = public_first;
        public_first += of.public;
        fiducia_store::AccessRecord {
            sequence: 0,
            event,
            organization: entry.organization,
            subject: of.subject,
            conversation: of.conversation,
            records: of.records,
            actor: entry.actor,
            reason: entry.reason,
            ticket: entry.ticket.clone(),
            ground: entry.ground,
            at,
            expires_at: entry.expires_at,
            ledger_index: None,
            session: entry.look.as_ref().and_then(|look| look.session),
            sight: entry.look.as_ref().map(|look| look.sight),
            public_first: first,
            public_count: of.public,
        }
    };
    of.iter().map(row).collect()
}
