//! Tokens for the JSON API: made for an account, recognised by their digest, worth never more than the account is.

use std::sync::PoisonError;

use fiducia_policy::{AccountId, ApiScope, ApiScopes, ApiTokenId, OrganizationId, Role, Timestamp};
use fiducia_store::{ApiAnswerRecord, ApiTokenRecord};
use zeroize::Zeroizing;

use super::commands::{AccountCommand, AccountReply, AccountRow};
use super::listing::row;
use super::throttle::Counted;
use crate::administer::{check_name, hex};
use crate::reading::Reader;
use crate::staging::sha256;
use crate::writer::Writer;
use crate::{AdminError, Custody};

/// Every token begins with this, so that scanners for leaked credentials can recognise it.
const SECRET_PREFIX: &str = "fia_";
/// Longest credential that is hashed at all, in bytes.
const CREDENTIAL_BYTES_MAX: usize = 512;
/// Tokens of one account that still work.
const TOKENS_MAX: usize = 20;
/// The longest time for which a token works, in days.
pub const TOKEN_DAYS_MAX: u32 = 366;
/// A token's use is noted once in this many seconds.
const TOUCH_SECONDS: i64 = 60;
/// For how long an answer is kept to be given again, in seconds.
pub const ANSWER_SECONDS: i64 = 86_400;
const SECONDS_PER_DAY: i64 = 86_400;

/// A token to be made.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct NewToken {
    /// For whom.
    pub account: AccountId,
    /// What to call it: 1 to 128 characters.
    pub name: String,
    /// What it permits.
    pub scopes: ApiScopes,
    /// For how many days it works, 1 to [`TOKEN_DAYS_MAX`].
    pub days: u32,
}

/// A token in a list. It holds no secret.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ApiTokenRow {
    /// Its id.
    pub id: ApiTokenId,
    /// Whose.
    pub account: AccountId,
    /// What its owner calls it.
    pub name: String,
    /// What it permits.
    pub scopes: ApiScopes,
    /// Created when.
    pub created_at: Timestamp,
    /// Stops working when.
    pub expires_at: Timestamp,
    /// Used last when, to the minute.
    pub last_used_at: Option<Timestamp>,
    /// Revoked when.
    pub revoked_at: Option<Timestamp>,
}

/// A new token with its secret.
#[derive(Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct CreatedToken {
    /// The token.
    pub token: ApiTokenRow,
    /// The secret, shown once; only its digest is stored.
    pub secret: String,
}

impl std::fmt::Debug for CreatedToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CreatedToken").field("token", &self.token).finish_non_exhaustive()
    }
}

/// Whoever presents a token that works.
#[derive(Debug, Clone)]
pub struct TokenHolder {
    /// The account it belongs to, as it is now.
    pub account: AccountRow,
    /// The token.
    pub token: ApiTokenRow,
}

impl TokenHolder {
    /// Whether the token permits `scope` now. To act for people takes an account that governs the organisation: the
    /// permission ends with that role.
    pub fn may(&self, scope: ApiScope) -> bool {
        let governs = scope != ApiScope::ActForPeople || self.account.roles.contains(Role::TenantAdmin);
        governs && self.token.scopes.contains(scope)
    }
}

/// Why a token was not accepted. The texts never contain it, nor say which of several reasons it was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenRefused {
    /// It is unknown, expired or revoked, or its account is disabled.
    #[error(
        "this token does not work: it is unknown, has expired or was revoked, or its account is disabled"
    )]
    Unknown,
    /// Too many unknown tokens came from there.
    #[error("too many unknown tokens; try again in {seconds} seconds")]
    Throttled {
        /// How long to wait.
        seconds: i64,
    },
    /// The store failed.
    #[error("{0}")]
    Storage(String),
}

impl From<AdminError> for TokenRefused {
    fn from(error: AdminError) -> Self {
        Self::Storage(error.to_string())
    }
}

/// What was answered to a request that may be sent twice.
pub type KeptAnswer = ApiAnswerRecord;

impl Custody {
    /// Who presents this token. `address` is where the request comes from, for counting failures; it is not stored.
    ///
    /// Only the secret's SHA-256 is compared, by a look-up: what an attacker could learn from its timing are bits of a hash
    /// whose preimage has 256 random bits.
    ///
    /// # Errors
    /// When the token does not work, too many that do not came from this address, or the store cannot be read.
    pub fn token_holder(&self, presented: &str, address: &str) -> Result<TokenHolder, TokenRefused> {
        let now = self.0.clock.now();
        let holder = match presented.strip_prefix(SECRET_PREFIX) {
            Some(_) if presented.len() <= CREDENTIAL_BYTES_MAX => self.working_token(presented, now)?,
            _ => None,
        };
        let Some(holder) = holder else {
            let counted = [Counted::Address(sha256(&[b"token", address.as_bytes()]))];
            let mut throttle = self.0.throttle.lock().unwrap_or_else(PoisonError::into_inner);
            throttle.begin(&counted, now).map_err(|seconds| TokenRefused::Throttled { seconds })?;
            return Err(TokenRefused::Unknown);
        };
        let last = holder.token.last_used_at.map_or(i64::MIN, Timestamp::as_second);
        if now.as_second().saturating_sub(last) >= TOUCH_SECONDS {
            self.tell_writer(AccountCommand::TouchToken { token: holder.token.id });
        }
        Ok(holder)
    }

    fn working_token(&self, presented: &str, now: Timestamp) -> Result<Option<TokenHolder>, AdminError> {
        let _reading = self.0.reader.reading();
        let control = self.0.reader.control()?;
        let token = control.api_token_with_secret(sha256(&[presented.as_bytes()]))?;
        let token = token.filter(|token| token.revoked_at.is_none() && now < token.expires_at);
        let Some(token) = token else { return Ok(None) };
        let account = control.account(token.account)?.filter(|account| account.disabled_at.is_none());
        Ok(account.map(|account| TokenHolder { account: row(&account), token: token_row(&token) }))
    }

    /// The answer that was given to the same request before, within [`ANSWER_SECONDS`].
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn answer_given(&self, digest: [u8; 32]) -> Result<Option<KeptAnswer>, AdminError> {
        let _reading = self.0.reader.reading();
        Ok(self.0.reader.control()?.api_answer(digest, forget_before(self.0.clock.now()))?)
    }

    /// Keeps an answer, so that the same request is answered the same.
    ///
    /// # Errors
    /// When it cannot be stored. What was asked was done all the same.
    pub fn keep_answer(&self, answer: KeptAnswer) -> Result<(), AdminError> {
        self.change_account(AccountCommand::KeepAnswer(answer)).map(drop)
    }
}

impl Reader {
    /// Tokens, oldest first.
    pub(crate) fn tokens(
        &self,
        organization: Option<OrganizationId>,
        account: Option<AccountId>,
    ) -> Result<AccountReply, AdminError> {
        let _reading = self.reading();
        let tokens = self.control()?.api_tokens(organization, account)?;
        Ok(AccountReply::Tokens(tokens.iter().map(token_row).collect()))
    }
}

impl Writer {
    pub(super) fn create_token(&mut self, new: NewToken) -> Result<AccountReply, AdminError> {
        check_name("a token's name", &new.name)?;
        let account = self.account(new.account)?;
        let now = self.clock.now();
        if new.scopes.is_empty() {
            return Err(AdminError::Invalid(
                "a token needs at least one permission; none was made".to_owned(),
            ));
        }
        if new.days == 0 || new.days > TOKEN_DAYS_MAX {
            return Err(AdminError::Invalid(format!(
                "a token works for 1 to {TOKEN_DAYS_MAX} days; none was made"
            )));
        }
        if new.scopes.contains(ApiScope::ActForPeople) && !account.roles.contains(Role::TenantAdmin) {
            return Err(AdminError::Invalid(
                "only a token of an account with the role `tenant-admin` may act for people of the organisation; none was made"
                    .to_owned(),
            ));
        }
        let living = self.files.control.api_tokens(None, Some(account.id))?;
        let living = living.iter().filter(|token| token.revoked_at.is_none() && now < token.expires_at);
        if living.count() >= TOKENS_MAX {
            return Err(AdminError::Conflict(format!(
                "an account has at most {TOKENS_MAX} tokens that work; revoke one first"
            )));
        }
        let mut random = Zeroizing::new([0_u8; 32]);
        self.randomness.fill(&mut *random)?;
        let secret = Zeroizing::new(format!("{SECRET_PREFIX}{}", hex(&*random)));
        let until = now.as_second().saturating_add(i64::from(new.days) * SECONDS_PER_DAY);
        let token = ApiTokenRecord {
            id: ApiTokenId::generate(now, &*self.randomness)?,
            secret_digest: sha256(&[secret.as_bytes()]),
            account: account.id,
            name: new.name,
            scopes: new.scopes,
            created_at: now,
            expires_at: Timestamp::from_second(until).unwrap_or(Timestamp::MAX),
            last_used_at: None,
            revoked_at: None,
        };
        let value = format!("created {} {}", token.id, token.scopes);
        let (id, fact, announcement) = self.change_of(&account, "token", &value)?;
        self.files.control.create_api_token(&token, &announcement)?;
        self.deliver_control(id, account.organization, fact)?;
        let token = token_row(&token);
        Ok(AccountReply::Token(Box::new(CreatedToken { token, secret: secret.to_string() })))
    }

    pub(super) fn revoke_token(
        &mut self,
        id: ApiTokenId,
        owner: Option<AccountId>,
    ) -> Result<AccountReply, AdminError> {
        let found = self.files.control.api_token(id)?;
        let found = found.filter(|token| owner.is_none_or(|owner| token.account == owner));
        let token = found
            .ok_or_else(|| AdminError::NotFound(format!("there is no token {id}; nothing was changed")))?;
        let account = self.account(token.account)?;
        let (event, fact, announcement) = self.change_of(&account, "token", &format!("revoked {id}"))?;
        if !self.files.control.revoke_api_token(id, fact.at, &announcement)? {
            return Err(AdminError::Conflict(format!("{id} was revoked before; nothing was changed")));
        }
        self.deliver_control(event, account.organization, fact)?;
        Ok(AccountReply::Done)
    }

    pub(super) fn keep_answer(&mut self, answer: &KeptAnswer) -> Result<AccountReply, AdminError> {
        self.files.control.keep_api_answer(answer, forget_before(self.clock.now()))?;
        Ok(AccountReply::Done)
    }

    /// Forgets answers whose day is over, also where none is kept any more.
    pub(crate) fn forget_kept_answers(&mut self, now: Timestamp) -> Result<(), AdminError> {
        self.files.control.forget_api_answers(forget_before(now))?;
        Ok(())
    }
}

fn forget_before(now: Timestamp) -> Timestamp {
    Timestamp::from_second(now.as_second().saturating_sub(ANSWER_SECONDS)).unwrap_or(Timestamp::MIN)
}

fn token_row(token: &ApiTokenRecord) -> ApiTokenRow {
    ApiTokenRow {
        id: token.id,
        account: token.account,
        name: token.name.clone(),
        scopes: token.scopes.clone(),
        created_at: token.created_at,
        expires_at: token.expires_at,
        last_used_at: token.last_used_at,
        revoked_at: token.revoked_at,
    }
}
