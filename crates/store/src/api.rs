//! Tokens for the JSON API, and what it answered to requests that may be sent twice, in `control.db`.
//!
//! Of a token's secret only its SHA-256 is kept. An answer is kept under a digest of who asked, what and under which key of
//! theirs; it holds ids, states and dates, never what a conversation says.

use fiducia_policy::{AccountId, ApiScopes, ApiTokenId, OrganizationId, SubjectId, Timestamp};
use rusqlite::{OptionalExtension, Transaction, params};

use crate::connection::{bytes16, fixed, instant, optional_instant};
use crate::control::named;
use crate::outbox::{Announcement, announce};
use crate::{ControlStore, StoreError};

/// The tables of this module, a step of `control.db`.
pub(crate) const TABLES: &str = "
    CREATE TABLE api_tokens (
        id BLOB PRIMARY KEY, secret_digest BLOB NOT NULL UNIQUE,
        account BLOB NOT NULL REFERENCES accounts ON DELETE CASCADE, name TEXT NOT NULL, scopes TEXT NOT NULL,
        created_at BIGINT NOT NULL, expires_at BIGINT NOT NULL, last_used_at BIGINT, revoked_at BIGINT
    ) WITHOUT ROWID;
    CREATE INDEX api_tokens_account ON api_tokens (account);
    CREATE TABLE api_answers (
        digest BLOB PRIMARY KEY, account BLOB NOT NULL REFERENCES accounts ON DELETE CASCADE, content_digest BLOB NOT NULL,
        status BIGINT NOT NULL, location TEXT, body BLOB NOT NULL, answered_at BIGINT NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX api_answers_account ON api_answers (account);
    CREATE INDEX api_answers_time ON api_answers (answered_at);
";

/// A token of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiTokenRecord {
    /// Its id.
    pub id: ApiTokenId,
    /// SHA-256 of the secret.
    pub secret_digest: [u8; 32],
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

/// What was answered to a request that may be sent twice.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiAnswerRecord {
    /// SHA-256 of who asked, what, and under which key.
    pub digest: [u8; 32],
    /// The account that asked; its answers go with it.
    pub account: AccountId,
    /// SHA-256 of what was sent.
    pub content_digest: [u8; 32],
    /// The status.
    pub status: u16,
    /// Where what was made lies.
    pub location: Option<String>,
    /// The body.
    pub body: Vec<u8>,
    /// Answered when.
    pub answered_at: Timestamp,
}

impl std::fmt::Debug for ApiAnswerRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ApiAnswerRecord").field("status", &self.status).finish_non_exhaustive()
    }
}

impl ControlStore {
    /// Stores a new token and announces it.
    pub fn create_api_token(
        &mut self,
        token: &ApiTokenRecord,
        announcement: &Announcement,
    ) -> Result<(), StoreError> {
        self.file.write("create_api_token", |tx| {
            tx.execute(
                "INSERT INTO api_tokens (id, secret_digest, account, name, scopes, created_at, expires_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                params![
                    token.id.as_bytes(),
                    token.secret_digest,
                    token.account.as_bytes(),
                    token.name,
                    token.scopes.to_string(),
                    token.created_at.as_microsecond(),
                    token.expires_at.as_microsecond(),
                ],
            )?;
            announce(tx, announcement)
        })
    }

    /// The token whose secret has this digest. It may have expired or be revoked.
    pub fn api_token_with_secret(&self, digest: [u8; 32]) -> Result<Option<ApiTokenRecord>, StoreError> {
        self.file.read("api_token_with_secret", |connection| {
            connection
                .prepare_cached(&format!("{TOKEN} WHERE secret_digest = ?1"))?
                .query_row([digest], token)
                .optional()
        })
    }

    /// One token.
    pub fn api_token(&self, id: ApiTokenId) -> Result<Option<ApiTokenRecord>, StoreError> {
        self.file.read("api_token", |connection| {
            connection
                .prepare_cached(&format!("{TOKEN} WHERE id = ?1"))?
                .query_row([id.as_bytes()], token)
                .optional()
        })
    }

    /// Tokens, oldest first: of one account, of one organisation, or of all.
    pub fn api_tokens(
        &self,
        organization: Option<OrganizationId>,
        account: Option<AccountId>,
    ) -> Result<Vec<ApiTokenRecord>, StoreError> {
        self.file.read("api_tokens", |connection| {
            connection
                .prepare_cached(&format!(
                    "{TOKEN} WHERE (?1 IS NULL OR account = ?1)
                     AND (?2 IS NULL OR account IN (SELECT id FROM accounts WHERE organization = ?2)) ORDER BY id"
                ))?
                .query_map(
                    params![account.map(|id| *id.as_bytes()), organization.map(|id| *id.as_bytes())],
                    token,
                )?
                .collect()
        })
    }

    /// Notes that a token was used.
    pub fn touch_api_token(&mut self, id: ApiTokenId, now: Timestamp) -> Result<(), StoreError> {
        self.file.write("touch_api_token", |tx| {
            tx.execute(
                "UPDATE api_tokens SET last_used_at = ?2 WHERE id = ?1 AND (last_used_at IS NULL OR last_used_at < ?2)",
                params![id.as_bytes(), now.as_microsecond()],
            )
            .map(drop)
        })
    }

    /// Revokes a token and announces it. `false`, and nothing is changed, when it was revoked before.
    pub fn revoke_api_token(
        &mut self,
        id: ApiTokenId,
        now: Timestamp,
        announcement: &Announcement,
    ) -> Result<bool, StoreError> {
        self.file.write("revoke_api_token", |tx| {
            let revoked = tx.execute(
                "UPDATE api_tokens SET revoked_at = ?2 WHERE id = ?1 AND revoked_at IS NULL",
                params![id.as_bytes(), now.as_microsecond()],
            )?;
            if revoked == 1 {
                announce(tx, announcement)?;
            }
            Ok(revoked == 1)
        })
    }

    /// Forgets answers from before `before`; gives how many.
    pub fn forget_api_answers(&mut self, before: Timestamp) -> Result<u64, StoreError> {
        let is_any = self.file.read("forget_api_answers", |connection| {
            connection
                .prepare_cached("SELECT EXISTS (SELECT 1 FROM api_answers WHERE answered_at < ?1)")?
                .query_row([before.as_microsecond()], |row| row.get::<_, bool>(0))
        })?;
        if !is_any {
            return Ok(0);
        }
        self.file.write("forget_api_answers", |tx| {
            let forgotten =
                tx.execute("DELETE FROM api_answers WHERE answered_at < ?1", [before.as_microsecond()])?;
            Ok(u64::try_from(forgotten).unwrap_or(u64::MAX))
        })
    }

    /// Keeps an answer, and forgets those from before `forget_before`. An answer that is there already stays.
    pub fn keep_api_answer(
        &mut self,
        answer: &ApiAnswerRecord,
        forget_before: Timestamp,
    ) -> Result<(), StoreError> {
        self.file.write("keep_api_answer", |tx| {
            tx.execute("DELETE FROM api_answers WHERE answered_at < ?1", [forget_before.as_microsecond()])?;
            tx.execute(
                "INSERT INTO api_answers (digest, account, content_digest, status, location, body, answered_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (digest) DO NOTHING",
                params![
                    answer.digest,
                    answer.account.as_bytes(),
                    answer.content_digest,
                    answer.status,
                    answer.location,
                    answer.body,
                    answer.answered_at.as_microsecond(),
                ],
            )
            .map(drop)
        })
    }

    /// The answer under this digest, unless it is from before `forget_before`.
    pub fn api_answer(
        &self,
        digest: [u8; 32],
        forget_before: Timestamp,
    ) -> Result<Option<ApiAnswerRecord>, StoreError> {
        self.file.read("api_answer", |connection| {
            connection
                .prepare_cached(
                    "SELECT digest, account, content_digest, status, location, body, answered_at FROM api_answers
                     WHERE digest = ?1 AND answered_at >= ?2",
                )?
                .query_row(params![digest, forget_before.as_microsecond()], |row| {
                    Ok(ApiAnswerRecord {
                        digest: fixed(row, 0)?,
                        account: AccountId::from_bytes(bytes16(row, 1)?),
                        content_digest: fixed(row, 2)?,
                        status: row.get(3)?,
                        location: row.get(4)?,
                        body: row.get(5)?,
                        answered_at: instant(row, 6)?,
                    })
                })
                .optional()
        })
    }
}

const TOKEN: &str = "SELECT id, secret_digest, account, name, scopes, created_at, expires_at, last_used_at, revoked_at \
     FROM api_tokens";

fn token(row: &rusqlite::Row<'_>) -> rusqlite::Result<ApiTokenRecord> {
    Ok(ApiTokenRecord {
        id: ApiTokenId::from_bytes(bytes16(row, 0)?),
        secret_digest: fixed(row, 1)?,
        account: AccountId::from_bytes(bytes16(row, 2)?),
        name: row.get(3)?,
        scopes: named(row, 4)?,
        created_at: instant(row, 5)?,
        expires_at: instant(row, 6)?,
        last_used_at: optional_instant(row, 7)?,
        revoked_at: optional_instant(row, 8)?,
    })
}

/// Forgets the answers that accounts of the person's organisation were given: which of them name the person only their text tells. A
/// repeated request is recognised by its use case all the same, where that has a key.
pub(crate) fn forget_subject(tx: &Transaction<'_>, subject: SubjectId) -> rusqlite::Result<()> {
    tx.execute(
        "DELETE FROM api_answers WHERE account IN (SELECT id FROM accounts WHERE organization =
             (SELECT organization FROM subjects WHERE id = ?1))",
        [subject.as_bytes()],
    )
    .map(drop)
}
