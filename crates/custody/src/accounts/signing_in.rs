//! Signing in and being signed in. All of it blocks: call it from threads that may.

use std::sync::PoisonError;

use fiducia_policy::{AccountId, SessionId, Timestamp};
use fiducia_store::{AccountRecord, PasskeyRecord, PrivacySignal, SessionRecord};
use zeroize::Zeroizing;

use super::changing::folded_login;
use super::commands::{AccountCommand, AccountReply, AccountRow, SessionRow};
use super::listing::{is_alive, row, session_row};
use super::passkey::{
    Assertion, PasskeyRefused, Registration, RelyingParty, credential_of, verify_assertion,
    verify_registration,
};
use super::password::{self, Password};
use super::throttle::Counted;
use crate::mailbox::Message;
use crate::staging::sha256;
use crate::{AdminCommand, AdminError, AdminReply, Custody};

/// A session's use is noted once in this many seconds.
const TOUCH_SECONDS: i64 = 60;

/// The browser that signs in.
#[derive(Clone)]
pub struct Browser {
    /// Its network address as text, for counting failures. It is not stored.
    pub address: String,
    /// The secret by which it is known, when it has signed in before.
    pub secret: Option<[u8; 32]>,
    /// What it is, in words.
    pub device: String,
}

/// How long the session that begins may last, and which visit asks for it.
#[derive(Clone)]
pub struct SessionTerms {
    /// The secret of the visit whose form was sent: sending it twice gives one session.
    pub visit: [u8; 32],
    /// Ends after this many seconds without use.
    pub idle_seconds: i64,
    /// Ends after this many seconds at the latest.
    pub seconds_max: i64,
}

/// An attempt to sign in.
#[derive(Clone)]
pub struct Attempt {
    /// From where.
    pub browser: Browser,
    /// For how long.
    pub terms: SessionTerms,
}

impl std::fmt::Debug for Attempt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Attempt")
    }
}

/// What an identity provider vouches for.
#[derive(Debug, Clone)]
pub struct ProviderIdentity {
    /// The provider's issuer URL.
    pub issuer: String,
    /// Its name for the person.
    pub external: String,
    /// An e-mail address that the provider has verified and that may be taken for a login: the account is linked.
    pub verified_email: Option<String>,
}

/// A session that began. The secrets are for the browser alone.
pub struct NewSession {
    /// The session's secret.
    pub token: Zeroizing<[u8; 32]>,
    /// The secret by which the browser is known from now on.
    pub browser: Zeroizing<[u8; 32]>,
    /// Whose.
    pub account: AccountId,
}

impl std::fmt::Debug for NewSession {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewSession").field("account", &self.account).finish_non_exhaustive()
    }
}

/// Who is signed in.
#[derive(Debug, Clone)]
pub struct SignedIn {
    /// The account.
    pub account: AccountRow,
    /// The session.
    pub session: SessionRow,
    /// When the person's browser asked for privacy.
    pub privacy_signal: Option<PrivacySignal>,
}

/// Why nobody was signed in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignInRefused {
    /// The login, the password or the passkey is not right. Which of them is not said.
    #[error("the login or the password is not right")]
    Wrong,
    /// The passkey's answer was not accepted.
    #[error(transparent)]
    Passkey(PasskeyRefused),
    /// Too many attempts failed.
    #[error("too many attempts failed; try again in {seconds} seconds")]
    Throttled {
        /// How long to wait.
        seconds: i64,
    },
    /// The account is disabled.
    #[error("this account is disabled")]
    Disabled,
    /// The provider's person has no account here.
    #[error("there is no account for this person")]
    Unlinked,
    /// The new password will not do.
    #[error("{0}")]
    Unfit(String),
    /// The store failed.
    #[error("{0}")]
    Storage(String),
}

impl From<AdminError> for SignInRefused {
    fn from(error: AdminError) -> Self {
        Self::Storage(error.to_string())
    }
}

impl Custody {
    /// Signs in by login and password. Takes some tens of milliseconds of computing and 19 MiB: bound how many run at once.
    ///
    /// # Errors
    /// As [`SignInRefused`] says; nobody is signed in then.
    pub fn sign_in_with_password(
        &self,
        login: &str,
        password: &Password,
        attempt: &Attempt,
    ) -> Result<NewSession, SignInRefused> {
        // A login that no account can have is hashed and counted like any other.
        let login = folded_login(login).unwrap_or_default();
        let account = {
            let _reading = self.0.reader.reading();
            self.0.reader.control()?.account_with_login(&login).map_err(AdminError::from)?
        };
        let known = self.known_browser(&attempt.browser, account.as_ref())?;
        let counted = [address(&attempt.browser), Counted::Account(sha256(&[login.as_bytes()]), known)];
        self.begin_attempt(&counted)?;
        let stored = account.as_ref().and_then(|account| account.password.as_deref());
        if !password::matches(password, stored) {
            return Err(SignInRefused::Wrong);
        }
        let account = account.ok_or(SignInRefused::Wrong)?;
        self.attempt_succeeded(&counted);
        self.start_session(&account, "password", attempt, None)
    }

    /// Changes a password by whoever knows the current one. Every browser is signed out but this one, which has a new session.
    ///
    /// # Errors
    /// As [`SignInRefused`] says; nothing is changed then.
    pub fn change_password(
        &self,
        login: &str,
        current: &Password,
        new: &Password,
        attempt: &Attempt,
    ) -> Result<NewSession, SignInRefused> {
        if let Some(objection) = new.objection() {
            return Err(SignInRefused::Unfit(objection));
        }
        let recognised = self.sign_in_with_password(login, current, attempt)?;
        self.set_password(recognised.account, new)?;
        let account = {
            let _reading = self.0.reader.reading();
            self.0.reader.control()?.account(recognised.account).map_err(AdminError::from)?
        };
        self.start_session(&account.ok_or(SignInRefused::Wrong)?, "password", attempt, None)
    }

    /// Signs in by a passkey's answer to `challenge`.
    ///
    /// # Errors
    /// As [`SignInRefused`] says; nobody is signed in then.
    pub fn sign_in_with_passkey(
        &self,
        answer: &Assertion,
        party: &RelyingParty,
        challenge: &[u8],
        attempt: &Attempt,
    ) -> Result<NewSession, SignInRefused> {
        let counted = [address(&attempt.browser)];
        self.begin_attempt(&counted)?;
        let credential = credential_of(answer).map_err(SignInRefused::Passkey)?;
        let found = {
            let _reading = self.0.reader.reading();
            let control = self.0.reader.control()?;
            let passkey = control.passkey(&credential).map_err(AdminError::from)?;
            let account = passkey.as_ref().map(|passkey| control.account(passkey.account)).transpose();
            passkey.zip(account.map_err(AdminError::from)?.flatten())
        };
        let (passkey, account) = found.ok_or(SignInRefused::Wrong)?;
        let count = verify_assertion(
            answer,
            party,
            challenge,
            passkey.algorithm,
            &passkey.public_key,
            passkey.sign_count,
        );
        let count = count.map_err(SignInRefused::Passkey)?;
        self.attempt_succeeded(&counted);
        self.start_session(&account, "passkey", attempt, Some((passkey.credential, count)))
    }

    /// Signs in whom an identity provider vouches for. A first time links the account whose login is the verified address.
    ///
    /// # Errors
    /// As [`SignInRefused`] says; nobody is signed in then.
    pub fn sign_in_with_provider(
        &self,
        identity: &ProviderIdentity,
        attempt: &Attempt,
    ) -> Result<NewSession, SignInRefused> {
        let (issuer, external) = (identity.issuer.as_str(), identity.external.as_str());
        let linked = || -> Result<Option<AccountRecord>, AdminError> {
            let _reading = self.0.reader.reading();
            Ok(self.0.reader.control()?.account_with_identity(issuer, external)?)
        };
        let account = match linked()? {
            Some(account) => account,
            None => self.link(identity)?,
        };
        self.start_session(&account, "provider", attempt, None)
    }

    fn link(&self, identity: &ProviderIdentity) -> Result<AccountRecord, SignInRefused> {
        let email = identity.verified_email.as_deref().ok_or(SignInRefused::Unlinked)?;
        let login = folded_login(email).map_err(|_| SignInRefused::Unlinked)?;
        let found = {
            let _reading = self.0.reader.reading();
            self.0.reader.control()?.account_with_login(&login).map_err(AdminError::from)?
        };
        let account = found.ok_or(SignInRefused::Unlinked)?;
        self.change_account(AccountCommand::LinkIdentity {
            account: account.id,
            issuer: identity.issuer.clone(),
            external: identity.external.clone(),
        })?;
        Ok(account)
    }

    /// Adds a passkey to an account after verifying the browser's answer to `challenge`.
    ///
    /// # Errors
    /// When the answer is not accepted, the passkey is there already, or the store fails.
    pub fn register_passkey(
        &self,
        account: AccountId,
        name: String,
        answer: &Registration,
        party: &RelyingParty,
        challenge: &[u8],
    ) -> Result<(), AdminError> {
        let verified = verify_registration(answer, party, challenge)
            .map_err(|refused| AdminError::Invalid(refused.to_string()))?;
        let passkey = PasskeyRecord {
            credential: verified.credential,
            account,
            name,
            algorithm: verified.algorithm,
            public_key: verified.public_key,
            sign_count: verified.sign_count,
            created_at: self.0.clock.now(),
            last_used_at: None,
        };
        self.change_account(AccountCommand::AddPasskey(passkey)).map(drop)
    }

    /// Who is signed in by the session with this secret, if it still holds. Using it keeps it alive.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn signed_in(&self, token: &[u8; 32]) -> Result<Option<SignedIn>, AdminError> {
        let now = self.0.clock.now();
        let found = {
            let _reading = self.0.reader.reading();
            let control = self.0.reader.control()?;
            let session = control.session(sha256(&[token]))?.filter(|session| is_alive(session, now));
            let Some(session) = session else { return Ok(None) };
            let account = control.account(session.account)?.filter(|account| account.disabled_at.is_none());
            let Some(account) = account else { return Ok(None) };
            let signal =
                account.subject.map(|subject| control.privacy_signal(subject)).transpose()?.flatten();
            (session, account, signal)
        };
        let (session, account, privacy_signal) = found;
        if now.as_second() - session.seen_at.as_second() >= TOUCH_SECONDS {
            self.tell_writer(AccountCommand::TouchSession { session: session.id });
        }
        Ok(Some(SignedIn { account: row(&account), session: session_row(&session), privacy_signal }))
    }

    /// Carries a command on accounts out.
    pub(crate) fn administer_accounts(&self, command: AccountCommand) -> Result<AccountReply, AdminError> {
        match command {
            AccountCommand::List { organization } => self.0.reader.accounts(organization),
            AccountCommand::ListPasskeys { account } => self.0.reader.passkeys(account),
            AccountCommand::ListSessions { account } => self.0.reader.sessions(account),
            AccountCommand::ListTokens { organization, account } => {
                self.0.reader.tokens(organization, account)
            }
            AccountCommand::SetPassword { account, password } => self.set_password(account, &password),
            other => self.change_account(other),
        }
    }

    /// Hashes a new password here and stores the string through the writer.
    fn set_password(&self, account: AccountId, password: &Password) -> Result<AccountReply, AdminError> {
        if let Some(objection) = password.objection() {
            return Err(AdminError::Invalid(objection));
        }
        let hash = password::hash(password, &*self.0.randomness)
            .map_err(|error| AdminError::Storage(error.to_string()))?;
        self.change_account(AccountCommand::StorePassword { account, hash })
    }

    pub(super) fn change_account(&self, command: AccountCommand) -> Result<AccountReply, AdminError> {
        let reply = self.on_writer(AdminCommand::Account(command))?;
        // Who signed in or out is kept by the commit until the feed has it.
        self.0.feed.look();
        match reply {
            AdminReply::Account(reply) => Ok(reply),
            _ => Err(AdminError::Storage("the store gave an answer to another question".to_owned())),
        }
    }

    /// Asks the writer for something that nobody waits for.
    pub(super) fn tell_writer(&self, command: AccountCommand) {
        let command = Box::new(AdminCommand::Account(command));
        // When the writer has stopped, nothing is served any more either.
        let _unawaited = self.0.handle.ask(|reply| Message::Administer(command, reply));
    }

    /// The digest of the browser's secret, when the browser has signed in to the account before.
    fn known_browser(
        &self,
        browser: &Browser,
        account: Option<&AccountRecord>,
    ) -> Result<Option<[u8; 32]>, AdminError> {
        let (Some(secret), Some(account)) = (browser.secret, account) else { return Ok(None) };
        let digest = sha256(&[&secret]);
        let _reading = self.0.reader.reading();
        Ok(self.0.reader.control()?.is_known_browser(digest, account.id)?.then_some(digest))
    }

    fn begin_attempt(&self, counted: &[Counted]) -> Result<(), SignInRefused> {
        let mut throttle = self.0.throttle.lock().unwrap_or_else(PoisonError::into_inner);
        throttle.begin(counted, self.0.clock.now()).map_err(|seconds| SignInRefused::Throttled { seconds })
    }

    fn attempt_succeeded(&self, counted: &[Counted]) {
        self.0.throttle.lock().unwrap_or_else(PoisonError::into_inner).succeeded(counted);
    }

    fn start_session(
        &self,
        account: &AccountRecord,
        method: &str,
        attempt: &Attempt,
        passkey: Option<(Vec<u8>, u32)>,
    ) -> Result<NewSession, SignInRefused> {
        if account.disabled_at.is_some() {
            return Err(SignInRefused::Disabled);
        }
        let now = self.0.clock.now();
        let mut token = Zeroizing::new([0_u8; 32]);
        self.0.randomness.fill(&mut *token).map_err(AdminError::from)?;
        let mut browser = Zeroizing::new(attempt.browser.secret.unwrap_or_default());
        if attempt.browser.secret.is_none() {
            self.0.randomness.fill(&mut *browser).map_err(AdminError::from)?;
        }
        let terms = &attempt.terms;
        let session = SessionRecord {
            id: SessionId::generate(now, &*self.0.randomness).map_err(AdminError::from)?,
            token_digest: sha256(&[&*token]),
            visit_digest: sha256(&[&terms.visit]),
            account: account.id,
            method: method.to_owned(),
            device: attempt.browser.device.clone(),
            created_at: now,
            seen_at: now,
            idle_seconds: terms.idle_seconds,
            ends_at: later(now, terms.seconds_max),
        };
        let browser_digest = sha256(&[&*browser]);
        self.change_account(AccountCommand::StartSession { session, browser: browser_digest, passkey })?;
        Ok(NewSession { token, browser, account: account.id })
    }
}

fn address(browser: &Browser) -> Counted {
    Counted::Address(sha256(&[browser.address.as_bytes()]))
}

fn later(now: Timestamp, seconds: i64) -> Timestamp {
    Timestamp::from_second(now.as_second().saturating_add(seconds)).unwrap_or(Timestamp::MAX)
}
