//! Commands that change something: carried out by the writer, one at a time.

use std::collections::HashMap;

use fiducia_keyring::MatchingKey;
use fiducia_ledger::{Digest, Event};
use fiducia_policy::{
    Agreement, KeyId, OrganizationId, PersonId, Plan, Pseudonym, RandomnessUnavailable, RecordClass,
    RetentionSpan, SubjectId, Tier, Timestamp, VirtualKeyId, WorkspaceId,
};
use fiducia_store::{
    KeyKind, NewOrganization, NewSubject, OrganizationRecord, OrganizationTerms, StoreError, VirtualKeyRecord,
};
use zeroize::Zeroizing;

use crate::administration::{CreatedOrganization, CreatedVirtualKey};
use crate::callers::{SECRET_PREFIX, is_subject_name};
use crate::keychain::{KeyPathError, KeyPurpose};
use crate::scribe::{Delivery, Fact, Source};
use crate::staging::{StagingError, sha256};
use crate::writer::Writer;
use crate::{AdminCommand, AdminError, AdminReply, Scope, import};

/// Longest name of an organisation or workspace, in characters.
const NAME_CHARACTERS_MAX: usize = 128;
/// Longest name of an import's source, in bytes.
const SOURCE_BYTES_MAX: usize = 1_024;

/// A virtual key that is asked for.
struct NewVirtualKey {
    organization: OrganizationId,
    workspace: Option<String>,
    scopes: Vec<Scope>,
    class: Option<RecordClass>,
    expires_at: Option<Timestamp>,
}

impl From<StoreError> for AdminError {
    fn from(error: StoreError) -> Self {
        Self::Storage(error.to_string())
    }
}

impl From<StagingError> for AdminError {
    fn from(error: StagingError) -> Self {
        match error {
            StagingError::KeyPath(KeyPathError::Unavailable(closed)) => Self::KeyClosed(closed.into()),
            other => Self::Storage(other.to_string()),
        }
    }
}

impl From<KeyPathError> for AdminError {
    fn from(error: KeyPathError) -> Self {
        match error {
            KeyPathError::Destroyed(_) => Self::Destroyed(error.to_string()),
            KeyPathError::Unavailable(closed) => Self::KeyClosed(closed.into()),
            _ => Self::Storage(error.to_string()),
        }
    }
}

impl From<RandomnessUnavailable> for AdminError {
    fn from(error: RandomnessUnavailable) -> Self {
        Self::Storage(error.to_string())
    }
}

impl From<fiducia_keyring::KeyringError> for AdminError {
    fn from(error: fiducia_keyring::KeyringError) -> Self {
        Self::Storage(error.to_string())
    }
}

impl Writer {
    /// Carries a command out.
    pub(crate) fn administer(&mut self, command: AdminCommand) -> Result<AdminReply, AdminError> {
        match command {
            AdminCommand::CreateOrganization { name, plan, tier, agreement, custom_retention } => self
                .create_organization(name, plan, tier, agreement, custom_retention)
                .map(AdminReply::Organization),
            AdminCommand::CreateVirtualKey {
                organization,
                workspace,
                subject,
                scopes,
                class,
                expires_at,
            } => {
                let asked = NewVirtualKey { organization, workspace, scopes, class, expires_at };
                self.create_virtual_key(asked, &subject).map(AdminReply::VirtualKey)
            }
            AdminCommand::RevokeVirtualKey { key } => {
                self.revoke_virtual_key(key).map(|()| AdminReply::Revoked)
            }
            AdminCommand::Destroy { scope, actor } => self.destroy(scope, &actor).map(AdminReply::Destroyed),
            AdminCommand::Govern(command) => self.govern(command).map(AdminReply::Governed),
            AdminCommand::Rights(command) => self.uphold(command).map(AdminReply::Rights),
            AdminCommand::Mail(command) => self.mail(command).map(AdminReply::Mailed),
            AdminCommand::Account(command) => self.change_accounts(command).map(AdminReply::Account),
            AdminCommand::Consent(command) => self.consent(command).map(AdminReply::Consented),
            AdminCommand::Compliance(command) => self.change_compliance(command).map(AdminReply::Compliance),
            AdminCommand::Webhook(command) => self.change_webhooks(command).map(AdminReply::Webhook),
            AdminCommand::LogKeys(command) => self.log_key_command(&command).map(AdminReply::LogKeys),
            AdminCommand::NameSubject { organization, name } => {
                self.subject_named(organization, &name).map(AdminReply::Subject)
            }
            AdminCommand::NamePerson { name } => self.person(&name).map(AdminReply::Person),
            AdminCommand::BeginImport { organization, subject, source, digest } => {
                self.begin_import(organization, &subject, source, &digest).map(AdminReply::Import)
            }
            AdminCommand::FinishImport { job, digest } => {
                self.finish_import(job, digest).map(AdminReply::Import)
            }
            AdminCommand::ImportLines { .. }
            | AdminCommand::ListOrganizations
            | AdminCommand::ListVirtualKeys { .. }
            | AdminCommand::ListSubjects { .. }
            | AdminCommand::ListConversations { .. }
            | AdminCommand::FindConversation { .. }
            | AdminCommand::ListRecords { .. }
            | AdminCommand::ShowRecords { .. }
            | AdminCommand::Access { .. }
            | AdminCommand::Sweep { .. }
            | AdminCommand::ExportHold(_)
            | AdminCommand::Certify(_)
            | AdminCommand::Audit(_)
            | AdminCommand::People(_)
            | AdminCommand::OrganizationKey(_)
            | AdminCommand::Evidence(_)
            | AdminCommand::Status => {
                Err(AdminError::Invalid("this command is not for the writer; nothing was changed".to_owned()))
            }
        }
    }

    fn create_organization(
        &mut self,
        name: String,
        plan: Plan,
        tier: Option<Tier>,
        agreement: Agreement,
        custom_retention: Option<RetentionSpan>,
    ) -> Result<CreatedOrganization, AdminError> {
        check_name("an organisation's name", &name)?;
        let (_, policy) = self.governance.current();
        let tier = tier.or_else(|| policy.plan(plan).map(|plan| plan.tier)).unwrap_or(Tier::Private);
        let terms = OrganizationTerms { plan, tier, agreement, custom_retention };
        self.refuse_terms(terms)?;
        if self.files.control.organizations()?.iter().any(|other| other.name == name) {
            return Err(AdminError::Conflict(format!(
                "an organisation named `{name}` exists already; nothing was changed"
            )));
        }
        let now = self.clock.now();
        let id = OrganizationId::generate(now, &*self.randomness)?;
        let workspace = WorkspaceId::generate(now, &*self.randomness)?;
        let key = self.keychain.new_organization_key(&self.files.keys, id, now, &*self.randomness)?;
        self.files.keys.add(&[key.stored])?;
        let root = self.organization_key(id, KeyKind::ServiceRoot, now)?;
        let names = self.organization_key(id, KeyKind::NameLookup, now)?;
        let lookup = MatchingKey::new(&names.key);
        self.files.keys.add(&[root.stored, names.stored])?;
        let organization = OrganizationRecord { id, name, terms, created_at: now };
        let new = NewOrganization { organization: organization.clone(), workspace };
        let fact = Fact { at: now, event: Event::OrganizationCreated {} };
        let event = self.event_id()?;
        self.files.control.create_organization(&new, &fact.announcement(event, id))?;
        self.callers.put_organization(organization, lookup);
        self.deliver_control(event, id, fact)?;
        Ok(CreatedOrganization {
            id,
            ledger_origin: self.ledger_names.origin_of(id),
            ledger_verifier_key: self.ledger_names.verifier_of(id),
            ledger_ecdsa_verifier_key: self.ledger_names.ecdsa_of(id),
            workspace,
        })
    }

    fn organization_key(
        &mut self,
        organization: OrganizationId,
        kind: KeyKind,
        now: Timestamp,
    ) -> Result<crate::keychain::NewKey, AdminError> {
        let purpose = KeyPurpose {
            kind,
            organization,
            subject: None,
            conversation: None,
            label: String::new(),
            ends_at: None,
        };
        Ok(self.keychain.new_root(&self.files.keys, purpose, now, &*self.randomness)?)
    }

    /// Waits until a fact in the control outbox is in the ledger; gives its index.
    pub(crate) fn deliver_control(
        &self,
        id: [u8; 16],
        organization: OrganizationId,
        fact: Fact,
    ) -> Result<u64, AdminError> {
        self.scribe.deliver_and_wait(Delivery { source: Source::Control, id, organization, fact }).map_err(
            |error| {
                AdminError::Storage(format!(
                    "it was done and will be logged later, but the ledger cannot be written: {error}"
                ))
            },
        )
    }

    fn create_virtual_key(
        &mut self,
        asked: NewVirtualKey,
        subject: &str,
    ) -> Result<CreatedVirtualKey, AdminError> {
        let NewVirtualKey { organization, workspace, scopes, class, expires_at } = asked;
        let now = self.clock.now();
        if expires_at.is_some_and(|end| end <= now) {
            return Err(AdminError::Invalid("the expiry lies in the past; no key was made".to_owned()));
        }
        if scopes.is_empty() {
            return Err(AdminError::Invalid("a key needs at least one scope; no key was made".to_owned()));
        }
        let subject = self.subject_named(organization, subject)?;
        let workspace_name = workspace.unwrap_or_else(|| "default".to_owned());
        let workspace = self.workspace_named(organization, &workspace_name, now)?;
        let mut random = Zeroizing::new([0_u8; 32]);
        self.randomness.fill(&mut *random)?;
        let secret = Zeroizing::new(format!("{SECRET_PREFIX}{}", hex(&*random)));
        let mut names: Vec<_> = scopes.iter().map(|scope| scope.name()).collect();
        names.sort_unstable();
        names.dedup();
        let key = VirtualKeyRecord {
            id: VirtualKeyId::generate(now, &*self.randomness)?,
            secret_hash: sha256(&[secret.as_bytes()]),
            organization,
            workspace,
            workspace_name,
            subject,
            covered_models: false,
            class,
            scopes: names.join(" "),
            created_at: now,
            expires_at,
            revoked_at: None,
        };
        let fact = Fact { at: now, event: Event::VirtualKeyCreated { key: key.id, workspace } };
        let event = self.event_id()?;
        self.files.control.create_virtual_key(&key, &fact.announcement(event, organization))?;
        let id = key.id;
        // The workspace may have agreed to covered models, which the store knows.
        self.callers_changed()?;
        self.deliver_control(event, organization, fact)?;
        Ok(CreatedVirtualKey { id, secret: secret.to_string(), subject })
    }

    fn workspace_named(
        &mut self,
        organization: OrganizationId,
        name: &str,
        now: Timestamp,
    ) -> Result<WorkspaceId, AdminError> {
        check_name("a workspace's name", name)?;
        if let Some(found) = self.files.control.workspace(organization, name)? {
            return Ok(found);
        }
        let id = WorkspaceId::generate(now, &*self.randomness)?;
        self.files.control.create_workspace(id, organization, name, now)?;
        Ok(id)
    }

    fn revoke_virtual_key(&mut self, id: VirtualKeyId) -> Result<(), AdminError> {
        let mut key = self
            .files
            .control
            .virtual_keys()?
            .into_iter()
            .find(|key| key.id == id)
            .ok_or_else(|| AdminError::NotFound(format!("there is no key {id}; nothing was changed")))?;
        let now = self.clock.now();
        let fact = Fact { at: now, event: Event::VirtualKeyRevoked { key: id } };
        let event = self.event_id()?;
        let announcement = fact.announcement(event, key.organization);
        if !self.files.control.revoke_virtual_key(id, now, &announcement)? {
            return Err(AdminError::Conflict(format!("{id} was revoked before; nothing was changed")));
        }
        key.revoked_at = Some(now);
        let organization = key.organization;
        self.callers.put_key(key);
        self.deliver_control(event, organization, fact).map(drop)
    }

    /// The subject of this name, made on first use.
    /// Finds or makes the subject of a name.
    pub(crate) fn subject_named(
        &mut self,
        organization: OrganizationId,
        name: &str,
    ) -> Result<SubjectId, AdminError> {
        let mut found = self.subjects_named(organization, &[name])?;
        found.pop().unwrap_or_else(|| Err(AdminError::Storage("a name got no subject".to_owned())))
    }

    /// Finds or makes the subjects of names, the new ones in one commit. What is refused is a name by itself.
    pub(crate) fn subjects_named(
        &mut self,
        organization: OrganizationId,
        names: &[&str],
    ) -> Result<Vec<Result<SubjectId, AdminError>>, AdminError> {
        let now = self.clock.now();
        let (mut new, mut made) = (Vec::new(), HashMap::new());
        let mut subjects = Vec::with_capacity(names.len());
        for name in names {
            if !is_subject_name(name) {
                subjects.push(Err(AdminError::Invalid(
                    "a subject's name has 1 to 128 visible ASCII characters".to_owned(),
                )));
                continue;
            }
            let digest = self.callers.name_digest(organization, name).ok_or_else(|| {
                AdminError::NotFound(format!("there is no organisation {organization}; nothing was changed"))
            })?;
            if let Some(id) = made.get(&digest) {
                subjects.push(Ok(*id));
                continue;
            }
            let id = match self.files.control.subject_named(organization, digest)? {
                Some(found) => found.id,
                None => {
                    let id = SubjectId::generate(now, &*self.randomness)?;
                    let pseudonym = random_pseudonym(&*self.randomness)?;
                    new.push(NewSubject {
                        id,
                        organization,
                        pseudonym,
                        name_digest: digest,
                        created_at: now,
                    });
                    id
                }
            };
            made.insert(digest, id);
            subjects.push(Ok(id));
        }
        if !new.is_empty() {
            self.files.control.create_subjects(&new)?;
        }
        for (digest, id) in made {
            self.callers.put_name(organization, digest, id);
        }
        Ok(subjects)
    }

    pub(crate) fn person(&mut self, name: &str) -> Result<PersonId, AdminError> {
        check_name("a person's name", name)?;
        let now = self.clock.now();
        let fresh = PersonId::generate(now, &*self.randomness)?;
        Ok(self.files.control.person(name, fresh, now)?)
    }

    fn begin_import(
        &mut self,
        organization: OrganizationId,
        subject: &str,
        source: String,
        digest: &[u8; 32],
    ) -> Result<import::ImportProgress, AdminError> {
        if source.len() > SOURCE_BYTES_MAX {
            return Err(AdminError::Invalid("the name of the source is too long".to_owned()));
        }
        let settings = self.callers.organization(organization).ok_or_else(|| {
            AdminError::NotFound(format!("there is no organisation {organization}; nothing was imported"))
        })?;
        if settings.terms.agreement == Agreement::ZeroRetention {
            return Err(AdminError::Conflict(format!(
                "`{}` has zero retention: nothing may be imported into it",
                settings.name
            )));
        }
        let subject = self.subject_named(organization, subject)?;
        let job = import::new_job(organization, subject, source, digest, self.clock.now());
        let (job, is_new) = self.files.control.begin_import(&job)?;
        if is_new {
            self.new_imports.insert(job.id, 0);
        }
        Ok((&job).into())
    }

    fn finish_import(
        &mut self,
        job: [u8; 16],
        digest: [u8; 32],
    ) -> Result<import::ImportProgress, AdminError> {
        let found = self.files.control.import_job(job)?;
        let job = found.ok_or_else(|| AdminError::NotFound("there is no such import".to_owned()))?;
        if job.finished_at.is_none() {
            let now = self.clock.now();
            let event = Event::ImportFinished { count: job.accepted, digest: Digest(digest) };
            let fact = Fact { at: now, event };
            let id = self.event_id()?;
            self.files.control.finish_import(&job, now, &fact.announcement(id, job.organization))?;
            self.deliver_control(id, job.organization, fact)?;
        }
        Ok((&job).into())
    }
}

/// A pseudonym: fully random, so that it tells nothing, not even when the subject was first seen.
fn random_pseudonym(randomness: &dyn fiducia_policy::Randomness) -> Result<Pseudonym, RandomnessUnavailable> {
    let mut bytes = [0; 16];
    randomness.fill(&mut bytes)?;
    Ok(Pseudonym::from_bytes(bytes))
}

pub(crate) fn check_name(what: &str, name: &str) -> Result<(), AdminError> {
    let length = name.chars().count();
    if length == 0
        || length > NAME_CHARACTERS_MAX
        || name.chars().any(char::is_control)
        || name.trim() != name
    {
        return Err(AdminError::Invalid(format!(
            "{what} has 1 to {NAME_CHARACTERS_MAX} characters, no control characters and no space at its ends"
        )));
    }
    Ok(())
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The ids of nodes.
pub(crate) fn ids(nodes: &[fiducia_store::KeyNode]) -> Vec<KeyId> {
    nodes.iter().map(|node| node.id).collect()
}
