//! Wrapping keys anew. Services are asked on the thread of whoever orders it; the writer only puts the result in place.
//!
//! A new wrap is opened by the service before it is handed to the writer, and read back from the file before the former
//! one goes. Wherever it is cut off, exactly one path leads to the key: the former, or the new one.

use std::sync::{Arc, PoisonError};

use fiducia_keyring::{KmsError, KmsProblem, RootBinding, SymmetricKey};
use fiducia_ledger::{Event, ExternalKey};
use fiducia_policy::{KeyId, OrganizationId, PersonId, Timestamp};
use fiducia_store::{Announcement, Edge, ServiceWrap, StoreError};

use super::access::{KeyAccess, program};
use super::asking::ANSWERS_WITHIN;
use super::commands::{OrganizationKeyCommand, OrganizationKeyReply, OrganizationKeyRow};
use super::services::{KEYFILE_SERVICE, ServiceKey};
use crate::keychain::Keychain;
use crate::mailbox::Message;
use crate::scribe::Fact;
use crate::writer::{Files, Writer};
use crate::{AdminError, Custody, faults};

/// Events of keys that are handed over in one step.
const EVENTS_PER_STEP: u32 = 100;

/// A change of the path to a key, ready to be put in place.
#[derive(Debug)]
pub(crate) struct KeyChange {
    pub(crate) organization: OrganizationId,
    pub(crate) path: NewPath,
    /// What it means for which logs.
    pub(crate) facts: Vec<(OrganizationId, Fact)>,
}

/// The new path to a key.
#[derive(Debug)]
pub(crate) enum NewPath {
    /// A service wraps it, and has just opened the wrap.
    Service(ServiceWrap, SymmetricKey),
    /// It hangs from the installation's key.
    Installation(Edge),
    /// Nothing changes.
    Same,
}

impl From<KmsError> for AdminError {
    fn from(error: KmsError) -> Self {
        match error.problem {
            KmsProblem::NotConfigured => Self::Invalid(error.to_string()),
            _ => Self::KeyClosed(error.into()),
        }
    }
}

impl Custody {
    /// Whether an organisation has a key of its own at a key management service.
    pub fn has_own_key(&self, organization: OrganizationId) -> bool {
        self.0.access.has_own_key(organization)
    }

    /// Asks key management services that are due, as the keeper does by itself, and waits for their answers, for under a minute: for
    /// tests, on their own clock. Blocks.
    pub fn refresh_keys(&self) {
        if self.0.access.refresh(ANSWERS_WITHIN) {
            self.0.handle.hurry();
        }
    }

    /// Carries out a command on the key of an organisation or the installation. Blocks.
    pub(crate) fn administer_keys(
        &self,
        command: OrganizationKeyCommand,
    ) -> Result<OrganizationKeyReply, AdminError> {
        let _alone = self.0.changing_keys.lock().unwrap_or_else(PoisonError::into_inner);
        match command {
            OrganizationKeyCommand::Set { organization, service, key, actor } => {
                let actor = self.person(actor)?;
                if service == KEYFILE_SERVICE {
                    return Err(AdminError::Invalid(
                        "the keyfile is the installation's; use `organizations key clear` to go back to it"
                            .to_owned(),
                    ));
                }
                let place = ServiceKey { service, key };
                let is_new = !self.0.access.has_own_key(organization);
                self.wrap_anew(organization, &place, actor, |fact| {
                    if is_new {
                        Event::OrgExternalKeyCreated(fact)
                    } else {
                        Event::OrgExternalKeyUpdated(fact)
                    }
                })?;
                self.key_row(Some(organization)).map(OrganizationKeyReply::Key)
            }
            OrganizationKeyCommand::Show { organization } => {
                self.key_row(organization).map(OrganizationKeyReply::Key)
            }
            OrganizationKeyCommand::Clear { organization, actor } => {
                let actor = self.person(actor)?;
                self.clear_key(organization, actor)?;
                self.key_row(Some(organization)).map(OrganizationKeyReply::Key)
            }
            OrganizationKeyCommand::Validate { organization, actor } => {
                let actor = actor.map(|name| self.person(name)).transpose()?;
                self.validate_key(organization, actor)?;
                self.key_row(organization).map(OrganizationKeyReply::Key)
            }
            OrganizationKeyCommand::Rotate { organization, actor } => {
                let actor = self.person(actor)?;
                self.rotate_keys(organization, actor).map(OrganizationKeyReply::Rotated)
            }
        }
    }

    fn key_row(&self, organization: Option<OrganizationId>) -> Result<OrganizationKeyRow, AdminError> {
        if let Some(id) = organization {
            self.key_id(id)?;
        }
        let whose = organization.unwrap_or(program());
        let standing = self.0.access.standing(whose).ok_or_else(|| {
            AdminError::Storage("the installation's key is not known; the key store is damaged".to_owned())
        })?;
        Ok(OrganizationKeyRow {
            organization,
            is_own: organization.is_some_and(|id| self.0.access.has_own_key(id)),
            service: standing.wrap.service,
            key: standing.wrap.service_key,
            version: standing.wrap.version,
            wrapped_at: standing.wrap.wrapped_at,
            is_open: standing.is_open,
            open_until: standing.open_until,
            problem: standing.trouble.map(|trouble| trouble.to_string()),
        })
    }

    fn key_id(&self, organization: OrganizationId) -> Result<KeyId, AdminError> {
        let found = self.reader().keys()?.organization_key(organization)?;
        found.map(|node| node.id).ok_or_else(|| {
            AdminError::NotFound(format!("there is no organisation {organization}; nothing was changed"))
        })
    }

    /// Wraps the key of an organisation or the installation by a service, opens the wrap, and puts it in place.
    fn wrap_anew(
        &self,
        organization: OrganizationId,
        place: &ServiceKey,
        actor: PersonId,
        event: impl Fn(ExternalKey) -> Event,
    ) -> Result<(), AdminError> {
        let id = self.key_id(organization)?;
        let keys = self.reader().keys()?;
        let key = Keychain::new(Arc::clone(&self.0.access)).key(&keys, id)?;
        let binding = RootBinding { organization, id };
        let (given, randomness) = (key.clone(), Arc::clone(&self.0.randomness));
        let (wrap, opened) = self.0.access.ask_service(place, move |service| {
            service.validate(binding, &*randomness)?;
            let wrap = service.wrap_root(binding, &given, &*randomness)?;
            let opened = service.unwrap_root(binding, &wrap)?;
            Ok((wrap, opened))
        })?;
        if !opened.is(&key) {
            return Err(AdminError::Storage(
                "the service gave back another key than it was given; the former wrap was left as it was"
                    .to_owned(),
            ));
        }
        let now = self.now_as_stored();
        let fact = |event| Fact { at: now, event };
        let external = ExternalKey { key: id, service: place.service.clone(), actor };
        let facts = if organization == program() {
            let all = self.reader().control()?.organizations()?.into_iter().map(|record| record.id);
            let beneath = all.filter(|id| !self.0.access.has_own_key(*id));
            beneath.map(|id| (id, fact(event(external.clone())))).collect()
        } else {
            vec![(organization, fact(event(external)))]
        };
        let wrap = ServiceWrap {
            child: id,
            service: place.service.clone(),
            service_key: place.key.clone(),
            version: wrap.version,
            wrap: wrap.bytes,
            wrapped_at: now,
        };
        self.put_in_place(KeyChange { organization, path: NewPath::Service(wrap, opened), facts })
    }

    /// The current instant, to the microsecond, as the store keeps instants.
    fn now_as_stored(&self) -> Timestamp {
        let now = self.0.clock.now();
        Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now)
    }

    fn clear_key(&self, organization: OrganizationId, actor: PersonId) -> Result<(), AdminError> {
        let id = self.key_id(organization)?;
        if !self.0.access.has_own_key(organization) {
            return Err(AdminError::Conflict(format!(
                "{organization} has no key of its own; nothing was changed"
            )));
        }
        let service = self.0.access.standing(organization).map(|standing| standing.wrap.service);
        let keys = self.reader().keys()?;
        let mut keychain = Keychain::new(Arc::clone(&self.0.access));
        let key = keychain.key(&keys, id)?;
        let installation = self.key_id(program())?;
        let installation_key = keychain.key(&keys, installation)?;
        let wrap = installation_key.wrap_key(installation, id, &key, &*self.0.randomness)?;
        if !installation_key.unwrap_key(installation, id, &wrap)?.is(&key) {
            return Err(AdminError::Storage("the new wrap does not open; nothing was changed".to_owned()));
        }
        let edge = Edge { child: id, parent: Some(installation), wrap: wrap.to_vec() };
        let external = ExternalKey { key: id, service: service.unwrap_or_default(), actor };
        let fact = Fact { at: self.0.clock.now(), event: Event::OrgExternalKeyDeleted(external) };
        let facts = vec![(organization, fact)];
        self.put_in_place(KeyChange { organization, path: NewPath::Installation(edge), facts })
    }

    fn validate_key(
        &self,
        organization: Option<OrganizationId>,
        actor: Option<PersonId>,
    ) -> Result<(), AdminError> {
        let whose = organization.unwrap_or(program());
        let id = self.key_id(whose)?;
        let Some(standing) = self.0.access.standing(whose) else { return Ok(()) };
        let place =
            ServiceKey { service: standing.wrap.service.clone(), key: standing.wrap.service_key.clone() };
        let binding = RootBinding { organization: whose, id };
        let randomness = Arc::clone(&self.0.randomness);
        self.0.access.ask_service(&place, move |service| service.validate(binding, &*randomness))?;
        let Some(actor) = actor.filter(|_| self.0.access.has_own_key(whose)) else { return Ok(()) };
        let external = ExternalKey { key: id, service: place.service, actor };
        let fact = Fact { at: self.0.clock.now(), event: Event::OrgExternalKeyValidated(external) };
        let facts = vec![(whose, fact)];
        self.put_in_place(KeyChange { organization: whose, path: NewPath::Same, facts })
    }

    /// Wraps keys anew. One that fails is named in its row and stays as it was; the others go on.
    fn rotate_keys(
        &self,
        only: Option<OrganizationId>,
        actor: PersonId,
    ) -> Result<Vec<OrganizationKeyRow>, AdminError> {
        if let Some(organization) = only {
            if !self.0.access.has_own_key(organization) {
                self.key_id(organization)?;
                return Err(AdminError::Conflict(format!(
                    "{organization} has no key of its own: it follows the installation's, which `keys rotate` without \
                     --organization wraps anew; nothing was changed"
                )));
            }
            self.rotate_one(organization, actor)?;
            return Ok(vec![self.key_row(only)?]);
        }
        let mut whose = self.0.access.organizations();
        whose.sort_unstable();
        whose.insert(0, program());
        let mut rows = Vec::with_capacity(whose.len());
        for organization in whose {
            let rotated = self.rotate_one(organization, actor);
            let mut row = self.key_row(Some(organization).filter(|id| *id != program()))?;
            if let Err(error) = rotated {
                row.problem = Some(error.to_string());
            }
            rows.push(row);
        }
        Ok(rows)
    }

    fn rotate_one(&self, organization: OrganizationId, actor: PersonId) -> Result<(), AdminError> {
        if organization == program() {
            let place = self.0.access.connections.installation();
            return self.wrap_anew(organization, &place, actor, Event::InstallationKeyRewrapped);
        }
        let Some(standing) = self.0.access.standing(organization) else { return Ok(()) };
        let place = ServiceKey { service: standing.wrap.service, key: standing.wrap.service_key };
        self.wrap_anew(organization, &place, actor, Event::OrgExternalKeyUpdated)
    }

    fn put_in_place(&self, change: KeyChange) -> Result<(), AdminError> {
        self.0
            .handle
            .ask(|reply| Message::ChangeKey(Box::new(change), reply))?
            .blocking_recv()
            .unwrap_or_else(|_| Err(AdminError::Storage("the store's writer has stopped".to_owned())))
    }
}

impl Writer {
    /// Puts the new path to a key in the former one's place.
    pub(crate) fn change_key(&mut self, change: KeyChange) -> Result<(), AdminError> {
        let KeyChange { organization, path, facts } = change;
        let mut announcements = Vec::with_capacity(facts.len());
        for (whose, fact) in &facts {
            announcements.push(fact.announcement(self.event_id()?, *whose));
        }
        match path {
            NewPath::Service(wrap, opened) => {
                self.promote_wrap(&wrap, &announcements)?;
                self.access.put(organization, wrap, Some(opened));
            }
            NewPath::Installation(edge) => {
                self.promote_edge(&edge, &announcements)?;
                self.access.remove(organization);
            }
            NewPath::Same => {
                for announcement in &announcements {
                    self.files.control.announce(announcement)?;
                }
            }
        }
        // Nothing that was opened by the former path is remembered.
        self.keychain.forget();
        self.caches.clear();
        let overwritten = self.files.keys.empty_wal();
        announce_key_events(&mut self.files)?;
        for (announcement, (whose, fact)) in announcements.into_iter().zip(facts) {
            self.deliver_control(announcement.id, whose, fact)?;
        }
        overwritten.map_err(|error| {
            AdminError::Storage(format!(
                "the key is wrapped anew, but bytes of the former wrap may linger until the next sweep: {error}"
            ))
        })
    }

    fn promote_wrap(&mut self, wrap: &ServiceWrap, facts: &[Announcement]) -> Result<(), AdminError> {
        let keys = &mut self.files.keys;
        keys.stage_service_wrap(wrap)?;
        faults::reached("key-wrap-staged");
        if keys.candidate_wrap(wrap.child)?.as_ref() != Some(wrap) {
            keys.drop_staged_paths()?;
            return Err(unreadable());
        }
        keys.promote_service_wrap(wrap.child, facts)?;
        faults::reached("key-wrap-promoted");
        Ok(())
    }

    fn promote_edge(&mut self, edge: &Edge, facts: &[Announcement]) -> Result<(), AdminError> {
        let keys = &mut self.files.keys;
        keys.stage_edge(edge)?;
        faults::reached("key-edge-staged");
        if keys.edge(edge.child)?.as_ref() != Some(edge) {
            keys.drop_staged_paths()?;
            return Err(unreadable());
        }
        keys.promote_edge(edge.child, facts)?;
        faults::reached("key-edge-promoted");
        Ok(())
    }
}

fn unreadable() -> AdminError {
    AdminError::Storage(
        "the new wrap was read back from the disk changed; the former one was left as it was. Examine the disk".to_owned(),
    )
}

/// Hands events of keys over to `control.db`, from where they reach the log.
pub(crate) fn announce_key_events(files: &mut Files) -> Result<(), StoreError> {
    loop {
        let events = files.keys.key_events(EVENTS_PER_STEP)?;
        if events.is_empty() {
            return Ok(());
        }
        for event in &events {
            files.control.announce(event)?;
        }
        faults::reached("key-events-announced");
        files.keys.forget_key_events(&events)?;
    }
}

/// The access to keys of data that is being opened: what an interrupted change left is dropped, services are asked once. What a
/// service has not opened in time stays closed until it does.
pub(crate) fn open_access(access: &Arc<KeyAccess>, files: &mut Files) -> Result<(), StoreError> {
    files.keys.drop_staged_paths()?;
    announce_key_events(files)?;
    for (organization, wrap) in files.keys.service_wraps()? {
        access.put(organization, wrap, None);
    }
    access.refresh(ANSWERS_WITHIN);
    Ok(())
}
