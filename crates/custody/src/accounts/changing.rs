//! Changing accounts: on the writer, one command at a time.

use fiducia_ledger::Event;
use fiducia_policy::{AccountId, OrganizationId, Role, RoleSet, SubjectId};
use fiducia_store::{AccountRecord, Announcement, PasskeyRecord};

use super::commands::{AccountCommand, AccountReply, Appearance, NewAccount};
use super::listing::row;
use crate::AdminError;
use crate::administer::check_name;
use crate::consent::Speaker;
use crate::scribe::Fact;
use crate::writer::Writer;

/// The longest login, in characters.
const LOGIN_CHARACTERS_MAX: usize = 128;
/// Passkeys that one account may have.
const PASSKEYS_MAX: usize = 20;
/// Browsers that are signed in to one account, or known to it, at a time; the oldest give way.
const SESSIONS_MAX: u32 = 50;
/// The longest issuer or subject of an identity provider, in bytes (OpenID Connect gives `sub` 255).
const IDENTITY_BYTES_MAX: usize = 512;

impl Writer {
    /// Carries a command on accounts out that changes something.
    pub(crate) fn change_accounts(&mut self, command: AccountCommand) -> Result<AccountReply, AdminError> {
        match command {
            AccountCommand::Create(new) => self.create_account(new),
            AccountCommand::StorePassword { account, hash } => {
                let changed = AccountRecord { password: Some(hash), ..self.account(account)? };
                self.announce_change(&changed, "password", "set")
            }
            AccountCommand::SetRoles { account, roles } => self.set_roles(account, roles),
            AccountCommand::SetState { account, enabled } => {
                let disabled_at = (!enabled).then(|| self.clock.now());
                let changed = AccountRecord { disabled_at, ..self.account(account)? };
                self.announce_change(&changed, "state", if enabled { "enabled" } else { "disabled" })
            }
            AccountCommand::Rename { account, name } => {
                check_name("a person's name", &name)?;
                let changed = AccountRecord { name, ..self.account(account)? };
                self.files.control.change_account(&changed, true, None)?;
                Ok(AccountReply::Account(Box::new(row(&changed))))
            }
            AccountCommand::Prefer { account, language, appearance } => {
                if let Some(language) = &language {
                    check_name("a language", language)?;
                }
                let appearance = appearance.map(|appearance| Appearance::name(appearance).to_owned());
                let changed = AccountRecord { language, appearance, ..self.account(account)? };
                self.files.control.change_account(&changed, true, None)?;
                Ok(AccountReply::Account(Box::new(row(&changed))))
            }
            AccountCommand::LinkIdentity { account, issuer, external } => {
                self.link_identity(account, &issuer, &external)
            }
            AccountCommand::AddPasskey(passkey) => self.add_passkey(&passkey),
            AccountCommand::RemovePasskey { account, credential } => {
                self.remove_passkey(account, &credential)
            }
            AccountCommand::StartSession { session, browser, passkey } => {
                let now = session.created_at;
                if let Some((credential, count)) = passkey {
                    self.files.control.use_passkey(&credential, count, now)?;
                }
                let activity = self.signed_in(&session)?;
                self.files.control.start_session(&session, browser, SESSIONS_MAX, &activity)?;
                Ok(AccountReply::Done)
            }
            AccountCommand::TouchSession { session } => {
                self.files.control.touch_session(session, self.clock.now())?;
                Ok(AccountReply::Done)
            }
            AccountCommand::EndSession { account, session } => {
                let activity = self.signed_out(account, Some(session))?;
                let ended = self.files.control.end_sessions(account, Some(session), None, &activity)?;
                Ok(AccountReply::Ended(ended))
            }
            AccountCommand::EndSessions { account, except } => {
                let activity = self.signed_out(account, None)?;
                Ok(AccountReply::Ended(self.files.control.end_sessions(account, None, except, &activity)?))
            }
            AccountCommand::CreateToken(new) => self.create_token(new),
            AccountCommand::RevokeToken { token, owner } => self.revoke_token(token, owner),
            AccountCommand::TouchToken { token } => {
                self.files.control.touch_api_token(token, self.clock.now())?;
                Ok(AccountReply::Done)
            }
            AccountCommand::KeepAnswer(answer) => self.keep_answer(&answer),
            AccountCommand::RecordPrivacySignal { subject } => self.record_privacy_signal(subject),
            AccountCommand::SetPassword { .. }
            | AccountCommand::List { .. }
            | AccountCommand::ListPasskeys { .. }
            | AccountCommand::ListTokens { .. }
            | AccountCommand::ListSessions { .. } => {
                Err(AdminError::Invalid("this command is not for the writer; nothing was changed".to_owned()))
            }
        }
    }

    pub(super) fn account(&self, id: AccountId) -> Result<AccountRecord, AdminError> {
        let found = self.files.control.account(id)?;
        found.ok_or_else(|| AdminError::NotFound(format!("there is no account {id}; nothing was changed")))
    }

    fn create_account(&mut self, new: NewAccount) -> Result<AccountReply, AdminError> {
        let NewAccount { organization, login, name, subject, roles } = new;
        check_name("a person's name", &name)?;
        let login = folded_login(&login)?;
        if roles.members().is_empty() {
            return Err(AdminError::Invalid("an account needs at least one role; none was made".to_owned()));
        }
        if roles.contains(Role::Person) != subject.is_some() {
            return Err(AdminError::Invalid(
                "the role `person` and the name of the person whose conversations are kept go together; no account was made"
                    .to_owned(),
            ));
        }
        if self.files.control.account_with_login(&login)?.is_some() {
            return Err(taken(&login));
        }
        if self.callers.organization(organization).is_none() {
            return Err(AdminError::NotFound(format!(
                "there is no organisation {organization}; no account was made"
            )));
        }
        let subject = subject.map(|subject| self.subject_named(organization, &subject)).transpose()?;
        let person = roles.has_staff().then(|| self.person(&login)).transpose()?;
        let now = self.clock.now();
        let account = AccountRecord {
            id: AccountId::generate(now, &*self.randomness)?,
            organization,
            subject,
            person,
            login,
            name,
            roles,
            password: None,
            language: None,
            appearance: None,
            created_at: now,
            disabled_at: None,
        };
        let event = Event::ConsoleAccountCreated { account: account.id, roles: names(&account.roles) };
        let (id, fact, announcement) = self.announcement(organization, event)?;
        if !self.files.control.create_account(&account, &announcement)? {
            return Err(taken(&account.login));
        }
        self.deliver_control(id, organization, fact)?;
        Ok(AccountReply::Account(Box::new(row(&account))))
    }

    fn set_roles(&mut self, id: AccountId, roles: RoleSet) -> Result<AccountReply, AdminError> {
        let account = self.account(id)?;
        if roles.members().is_empty() || (roles.contains(Role::Person) && account.subject.is_none()) {
            return Err(AdminError::Invalid(
                "an account needs a role, and `person` only goes with an account made for somebody whose conversations are \
                 kept; nothing was changed"
                    .to_owned(),
            ));
        }
        let person = match account.person {
            None if roles.has_staff() => Some(self.person(&account.login)?),
            person => person,
        };
        let said = roles.to_string();
        self.announce_change(&AccountRecord { roles, person, ..account }, "roles", &said)
    }

    /// Stores a change that signs every browser out, and waits until the ledger has it.
    fn announce_change(
        &mut self,
        account: &AccountRecord,
        what: &str,
        value: &str,
    ) -> Result<AccountReply, AdminError> {
        let (id, fact, announcement) = self.change_of(account, what, value)?;
        self.files.control.change_account(account, false, Some(&announcement))?;
        self.deliver_control(id, account.organization, fact)?;
        Ok(AccountReply::Account(Box::new(row(account))))
    }

    fn link_identity(
        &mut self,
        account: AccountId,
        issuer: &str,
        external: &str,
    ) -> Result<AccountReply, AdminError> {
        let fits = |text: &str| {
            !text.is_empty() && text.len() <= IDENTITY_BYTES_MAX && !text.chars().any(char::is_control)
        };
        if !fits(issuer) || !fits(external) {
            return Err(AdminError::Invalid(format!(
                "an issuer and a subject have 1 to {IDENTITY_BYTES_MAX} bytes and no control characters"
            )));
        }
        let account = self.account(account)?;
        let (id, fact, announcement) = self.change_of(&account, "identity", "linked")?;
        let now = fact.at;
        if !self.files.control.link_identity(issuer, external, account.id, now, &announcement)? {
            return Err(AdminError::Conflict(
                "this identity is linked to an account already; nothing was changed".to_owned(),
            ));
        }
        self.deliver_control(id, account.organization, fact)?;
        Ok(AccountReply::Account(Box::new(row(&account))))
    }

    fn add_passkey(&mut self, passkey: &PasskeyRecord) -> Result<AccountReply, AdminError> {
        check_name("a passkey's name", &passkey.name)?;
        let account = self.account(passkey.account)?;
        if self.files.control.passkeys(account.id)?.len() >= PASSKEYS_MAX {
            return Err(AdminError::Conflict(format!(
                "an account has at most {PASSKEYS_MAX} passkeys; remove one first"
            )));
        }
        let (id, fact, announcement) = self.change_of(&account, "passkey", "added")?;
        if !self.files.control.add_passkey(passkey, &announcement)? {
            return Err(AdminError::Conflict(
                "this passkey is there already; nothing was changed".to_owned(),
            ));
        }
        self.deliver_control(id, account.organization, fact)?;
        Ok(AccountReply::Done)
    }

    fn remove_passkey(&mut self, account: AccountId, credential: &[u8]) -> Result<AccountReply, AdminError> {
        let account = self.account(account)?;
        let (id, fact, announcement) = self.change_of(&account, "passkey", "removed")?;
        if self.files.control.remove_passkey(account.id, credential, &announcement)? {
            self.deliver_control(id, account.organization, fact)?;
        }
        Ok(AccountReply::Done)
    }

    fn record_privacy_signal(&mut self, subject: SubjectId) -> Result<AccountReply, AdminError> {
        let found = self.files.control.subject(subject)?;
        let known = found.and_then(|subject| Some((subject.organization, subject.pseudonym?)));
        let (organization, pseudonym) = known.ok_or_else(|| {
            AdminError::NotFound(format!("{subject} is not known or was erased; nothing was recorded"))
        })?;
        let (id, fact, announcement) =
            self.announcement(organization, Event::PrivacySignalReceived { pseudonym })?;
        // Consent goes first: a signal that is noted must have had its effect. A yes that is given while the signal is sent
        // is a later word of the person's own, and stands.
        if self.files.control.privacy_signal(subject)?.is_none() {
            self.end_every_consent(subject, Speaker::Signal)?;
        }
        if self.files.control.note_privacy_signal(subject, fact.at, &announcement)? {
            self.deliver_control(id, organization, fact)?;
        }
        Ok(AccountReply::Done)
    }

    pub(super) fn change_of(
        &self,
        account: &AccountRecord,
        what: &str,
        value: &str,
    ) -> Result<([u8; 16], Fact, Announcement), AdminError> {
        let event = Event::ConsoleAccountChanged {
            account: account.id,
            what: what.to_owned(),
            value: value.to_owned(),
        };
        self.announcement(account.organization, event)
    }

    fn announcement(
        &self,
        organization: OrganizationId,
        event: Event,
    ) -> Result<([u8; 16], Fact, Announcement), AdminError> {
        let fact = Fact { at: self.clock.now(), event };
        let id = self.event_id()?;
        let announcement = fact.announcement(id, organization);
        Ok((id, fact, announcement))
    }
}

/// A login as it is compared: trimmed and in lower case.
pub(super) fn folded_login(login: &str) -> Result<String, AdminError> {
    let folded = login.trim().to_lowercase();
    let length = folded.chars().count();
    if length == 0
        || length > LOGIN_CHARACTERS_MAX
        || folded.chars().any(|c| c.is_control() || c.is_whitespace())
    {
        return Err(AdminError::Invalid(format!(
            "a login has 1 to {LOGIN_CHARACTERS_MAX} characters and no spaces; an e-mail address is best"
        )));
    }
    Ok(folded)
}

fn names(roles: &RoleSet) -> Vec<String> {
    roles.members().iter().map(|role| role.name().to_owned()).collect()
}

fn taken(login: &str) -> AdminError {
    AdminError::Conflict(format!("the login `{login}` is taken; no account was made"))
}
