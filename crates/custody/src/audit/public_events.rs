//! Looks by staff, and the public events directly behind their entries: each look has its events, and each event its look.

use fiducia_ledger::{
    AccessTransparencyEvent, AccessTransparencyKind, Event, EventId, PublicFacts, RecordAccess,
};
use fiducia_policy::{AccessSessionId, OrganizationId, RecordId, Timestamp};
use fiducia_store::ControlStore;

use super::comparison::{AuditError, Comparison, Entry, Notes, Unlogged, Whose, stored_event};
use super::finding::{AuditFinding, ComparedKind};
use crate::looking::department_of;

const KIND: ComparedKind = ComparedKind::PublicEvent;

/// A look whose public events are being read.
#[derive(Debug)]
struct Look {
    event: EventId,
    index: u64,
    at: Timestamp,
    access: Box<RecordAccess>,
    /// How many events it has at least, and at most.
    least: u64,
    most: u64,
    /// How many were read.
    seen: u64,
    /// The department that its session was asked for in; absent where the database does not know the session.
    #[expect(
        clippy::option_option,
        reason = "a session without a department is another thing than no session"
    )]
    department: Option<Option<String>>,
}

impl Look {
    /// The id of the next event.
    fn next(&self) -> Option<EventId> {
        PublicFacts::id_of(&self.event, u32::try_from(self.seen).ok()?).ok()
    }

    /// The next event, if one is missing.
    fn missing(&self) -> Option<Unlogged> {
        let id = self.next().filter(|_| self.seen < self.least)?;
        Some(Unlogged {
            kind: KIND,
            name: format!("{id} behind entry {}", self.index),
            event: Some(id.to_string()),
            unconfirmed: false,
        })
    }

    /// In what an event differs from the look, if in anything.
    fn difference(
        &self,
        organization: OrganizationId,
        at: Timestamp,
        event: &AccessTransparencyEvent,
    ) -> Option<&'static str> {
        let actor = event.actor.as_ref().and_then(|actor| actor.kind.as_deref());
        let resource = event.resource.as_ref();
        let accessed_at = event.accessed_at.as_deref().and_then(|text| text.parse::<Timestamp>().ok());
        // Whatever is no record of ours is a provider's id, which nothing here can confirm once the record is purged.
        let record = resource.and_then(|resource| resource.id.as_deref()?.parse::<RecordId>().ok());
        let department = self.department.as_ref().unwrap_or(&event.accessor_department);
        let checks = [
            (event.kind == AccessTransparencyKind::AnthropicAccess, "type"),
            (self.seen < self.most, "number"),
            (event.reason_code.as_deref() == Some(self.access.reason.name()), "reason"),
            (at == self.at, "time"),
            (accessed_at.map(Timestamp::as_microsecond) == Some(self.at.as_microsecond()), "time of access"),
            (event.organization_id == Some(organization.to_string()), "organisation"),
            (actor == Some("anthropic_actor"), "actor"),
            (*department == event.accessor_department, "department"),
            (resource.and_then(|resource| resource.kind.as_deref()) == Some("message"), "kind of content"),
            (record.is_none_or(|record| self.access.records.contains(&record)), "record"),
        ];
        checks.iter().find(|(agrees, _)| !agrees).map(|(_, what)| *what)
    }
}

/// Compares looks with the public events behind them.
#[derive(Debug)]
pub(super) struct PublicEvents {
    organization: Whose,
    /// The look whose events come next.
    look: Option<Look>,
}

impl PublicEvents {
    pub(super) fn of(organization: Whose) -> Self {
        Self { organization, look: None }
    }

    /// The look that an entry is of, where it is one by staff: those are the ones in a session.
    fn look_of(
        &self,
        control: &ControlStore,
        entry: Entry<'_>,
        access: &RecordAccess,
        session: AccessSessionId,
    ) -> Result<Look, AuditError> {
        let (mut least, mut most) = (1, u64::MAX);
        if let Some(event) = stored_event(entry.logged) {
            let rows = control.accesses_of_event(event)?;
            let known = rows.iter().map(|row| row.public_first.saturating_add(row.public_count)).max();
            least = known.unwrap_or(0).max(1);
            // How many events spoke of people who were erased since is not known any more.
            if !rows.is_empty() && control.forgotten_accesses_of_event(event)?.is_empty() {
                most = known.unwrap_or(0);
            }
        }
        let session = control.access_session(session)?;
        Ok(Look {
            event: entry.logged.leaf.id.clone(),
            index: entry.index,
            at: entry.logged.leaf.at,
            access: Box::new(access.clone()),
            least,
            most,
            seen: 0,
            department: session
                .filter(|session| session.organization == self.organization)
                .map(|session| department_of(&session)),
        })
    }
}

impl Comparison for PublicEvents {
    fn entry(
        &mut self,
        control: &ControlStore,
        entry: Entry<'_>,
        notes: &mut Notes,
    ) -> Result<(), AuditError> {
        let (index, leaf) = (entry.index, &entry.logged.leaf);
        if let Event::AccessTransparency(public) = &leaf.event {
            notes.count(KIND);
            match &mut self.look {
                Some(look) if look.next().as_ref() == Some(&leaf.id) => {
                    if let Some(what) = look.difference(self.organization, leaf.at, public) {
                        notes.find(AuditFinding::Differs { kind: KIND, index, what });
                    }
                    look.seen += 1;
                }
                _ => notes.find(AuditFinding::NotKnown { kind: KIND, index, name: leaf.id.to_string() }),
            }
            return Ok(());
        }
        if let Some(missing) = self.look.take().as_ref().and_then(Look::missing) {
            notes.find(AuditFinding::NotLogged { kind: KIND, name: missing.name });
        }
        if let Event::RecordAccess(access) = &leaf.event
            && let Some(session) = access.look.as_ref().and_then(|look| look.session)
        {
            self.look = Some(self.look_of(control, entry, access, session)?);
        }
        Ok(())
    }

    fn rest(&mut self, _control: &ControlStore, _notes: &mut Notes) -> Result<Vec<Unlogged>, AuditError> {
        // The events of the last look may lie behind the checkpoint that was replayed.
        Ok(self.look.take().as_ref().and_then(Look::missing).into_iter().collect())
    }
}
