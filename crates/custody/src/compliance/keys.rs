//! Compliance access keys: made, recognised by their digest, deleted.

use fiducia_ledger::Event;
use fiducia_policy::{ComplianceKeyId, OrganizationId, PersonId, Timestamp};
use fiducia_store::{Announcement, ComplianceKeyRecord};
use zeroize::Zeroizing;

use super::commands::{
    ComplianceCommand, ComplianceKey, ComplianceKeyRow, ComplianceReach, ComplianceReply,
    CreatedComplianceKey, NewComplianceKey,
};
use crate::administer::{check_name, hex};
use crate::reading::Reader;
use crate::scribe::Fact;
use crate::staging::sha256;
use crate::writer::Writer;
use crate::{AdminCommand, AdminError, AdminReply, Custody};

/// Every secret begins with this, so that scanners for leaked credentials can recognise it.
const SECRET_PREFIX: &str = "fic_";
/// Longest credential that is hashed at all, in bytes.
const CREDENTIAL_BYTES_MAX: usize = 512;
/// Keys of one reach that still work.
const KEYS_MAX: usize = 100;

impl Custody {
    /// Whose key this is. Only the secret's SHA-256 is compared, by a look-up: what an attacker could learn from its timing are
    /// bits of a hash whose preimage has 256 random bits.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn compliance_key(&self, presented: &str) -> Result<Option<ComplianceKey>, AdminError> {
        if !presented.starts_with(SECRET_PREFIX) || presented.len() > CREDENTIAL_BYTES_MAX {
            return Ok(None);
        }
        let _reading = self.reader().reading();
        let found = self.reader().control()?.compliance_key_with_secret(sha256(&[presented.as_bytes()]))?;
        let found = found.filter(|key| key.deleted_at.is_none());
        Ok(found.map(|key| ComplianceKey { id: key.id, reach: reach(&key), scopes: key.scopes }))
    }

    /// Carries a command on the Compliance API out.
    pub(crate) fn administer_compliance(
        &self,
        command: ComplianceCommand,
    ) -> Result<ComplianceReply, AdminError> {
        match command {
            ComplianceCommand::ListKeys { organization } => self.reader().compliance_keys(organization),
            other => match self.on_writer(AdminCommand::Compliance(other))? {
                AdminReply::Compliance(reply) => Ok(reply),
                _ => Err(AdminError::Storage("the store gave an answer to another question".to_owned())),
            },
        }
    }
}

impl Reader {
    fn compliance_keys(&self, organization: Option<OrganizationId>) -> Result<ComplianceReply, AdminError> {
        let _reading = self.reading();
        let keys = self.control()?.compliance_keys(organization)?;
        Ok(ComplianceReply::Keys(keys.into_iter().map(row).collect()))
    }
}

impl Writer {
    /// Carries a command on the Compliance API out that changes something.
    pub(crate) fn change_compliance(
        &mut self,
        command: ComplianceCommand,
    ) -> Result<ComplianceReply, AdminError> {
        match command {
            ComplianceCommand::CreateKey(new) => self.create_compliance_key(new),
            ComplianceCommand::DeleteKey { key, actor } => self.delete_compliance_key(key, &actor),
            ComplianceCommand::ListKeys { .. } => {
                Err(AdminError::Invalid("this command is not for the writer; nothing was changed".to_owned()))
            }
        }
    }

    fn create_compliance_key(&mut self, new: NewComplianceKey) -> Result<ComplianceReply, AdminError> {
        let NewComplianceKey { reach: wanted, name, scopes, actor } = new;
        check_name("a key's name", &name)?;
        if scopes.is_empty() {
            return Err(AdminError::Invalid("a key needs at least one scope; none was made".to_owned()));
        }
        let reached = self.reached(wanted)?;
        let organization = match wanted {
            ComplianceReach::Installation => None,
            ComplianceReach::Organization(id) => Some(id),
        };
        let known = self.files.control.compliance_keys(organization)?;
        let living = known.iter().filter(|key| key.deleted_at.is_none() && key.organization == organization);
        if living.count() >= KEYS_MAX {
            return Err(AdminError::Conflict(format!(
                "there are {KEYS_MAX} keys with this reach; delete one first. None was made"
            )));
        }
        let created_by = self.person(&actor)?;
        let now = self.clock.now();
        let mut random = Zeroizing::new([0_u8; 32]);
        self.randomness.fill(&mut *random)?;
        let secret = Zeroizing::new(format!("{SECRET_PREFIX}{}", hex(&*random)));
        let key = ComplianceKeyRecord {
            id: ComplianceKeyId::generate(now, &*self.randomness)?,
            secret_digest: Some(sha256(&[secret.as_bytes()])),
            organization,
            name,
            scopes,
            created_at: now,
            created_by,
            deleted_at: None,
        };
        let event = Event::ComplianceKeyCreated {
            key: key.id,
            reach: wanted.name().to_owned(),
            scopes: key.scopes.names().into_iter().map(str::to_owned).collect(),
            actor: created_by,
        };
        let facts = self.facts_for(&reached, &event, now)?;
        self.files.control.create_compliance_key(&key, &announcements(&facts))?;
        self.deliver_to_all(facts)?;
        let created = CreatedComplianceKey { key: row(key), secret: secret.to_string() };
        Ok(ComplianceReply::Key(Box::new(created)))
    }

    fn delete_compliance_key(
        &mut self,
        id: ComplianceKeyId,
        actor: &str,
    ) -> Result<ComplianceReply, AdminError> {
        let actor: PersonId = self.person(actor)?;
        let key = self.files.control.compliance_key(id)?;
        let key = key.ok_or_else(|| {
            AdminError::NotFound(format!("there is no compliance access key {id}; nothing was changed"))
        })?;
        let reached = self.reached(reach(&key))?;
        let now = self.clock.now();
        let facts = self.facts_for(&reached, &Event::ComplianceKeyDeleted { key: id, actor }, now)?;
        if !self.files.control.delete_compliance_key(id, now, &announcements(&facts))? {
            return Err(AdminError::Conflict(format!("{id} was deleted before; nothing was changed")));
        }
        self.deliver_to_all(facts)?;
        Ok(ComplianceReply::Deleted)
    }

    /// The organisations that a key reaches now: each of them finds in its own log who may read it.
    fn reached(&self, reach: ComplianceReach) -> Result<Vec<OrganizationId>, AdminError> {
        let known = self.files.control.organizations()?;
        let reached: Vec<_> = known.iter().map(|known| known.id).filter(|id| reach.covers(*id)).collect();
        match reach {
            ComplianceReach::Organization(id) if reached.is_empty() => {
                Err(AdminError::NotFound(format!("there is no organisation {id}; nothing was changed")))
            }
            _ => Ok(reached),
        }
    }

    fn facts_for(
        &self,
        organizations: &[OrganizationId],
        event: &Event,
        at: Timestamp,
    ) -> Result<Vec<AnnouncedFact>, AdminError> {
        organizations
            .iter()
            .map(|organization| {
                let (id, fact) = (self.event_id()?, Fact { at, event: event.clone() });
                Ok(AnnouncedFact { announcement: fact.announcement(id, *organization), fact })
            })
            .collect()
    }

    fn deliver_to_all(&self, facts: Vec<AnnouncedFact>) -> Result<(), AdminError> {
        for AnnouncedFact { announcement, fact } in facts {
            self.deliver_control(announcement.id, announcement.organization, fact)?;
        }
        Ok(())
    }
}

/// A fact with its outbox row.
struct AnnouncedFact {
    announcement: Announcement,
    fact: Fact,
}

fn announcements(facts: &[AnnouncedFact]) -> Vec<Announcement> {
    facts.iter().map(|fact| fact.announcement.clone()).collect()
}

fn reach(key: &ComplianceKeyRecord) -> ComplianceReach {
    key.organization.map_or(ComplianceReach::Installation, ComplianceReach::Organization)
}

fn row(key: ComplianceKeyRecord) -> ComplianceKeyRow {
    ComplianceKeyRow {
        id: key.id,
        reach: reach(&key),
        name: key.name,
        scopes: key.scopes,
        created_at: key.created_at,
        deleted_at: key.deleted_at,
    }
}
