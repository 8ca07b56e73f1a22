//! Accounts of the console, how their owners sign in, and the browsers that are signed in, in `control.db`.
//!
//! An account belongs to a person whose conversations are kept, to a member of staff, or to somebody who is both. Secrets
//! that browsers hold are kept as digests only; passwords as argon2id strings.

use fiducia_policy::{AccountId, OrganizationId, PersonId, RoleSet, SessionId, SubjectId, Timestamp};
use rusqlite::{OptionalExtension, Transaction, params};

use crate::connection::{bytes16, fixed, instant, optional_instant};
use crate::control::named;
use crate::outbox::{Announcement, announce};
use crate::{ActivityRecord, ControlStore, StoreError};

/// The tables of this module, a step of `control.db`.
pub(crate) const TABLES: &str = "
    CREATE TABLE accounts (
        id BLOB PRIMARY KEY, organization BLOB NOT NULL REFERENCES organizations, subject BLOB, person BLOB,
        login TEXT NOT NULL UNIQUE, name TEXT NOT NULL, roles TEXT NOT NULL, password TEXT, language TEXT,
        appearance TEXT, created_at BIGINT NOT NULL, disabled_at BIGINT
    ) WITHOUT ROWID;
    CREATE INDEX accounts_subject ON accounts (subject) WHERE subject IS NOT NULL;
    CREATE TABLE account_identities (
        issuer TEXT NOT NULL, external TEXT NOT NULL, account BLOB NOT NULL REFERENCES accounts ON DELETE CASCADE,
        created_at BIGINT NOT NULL, PRIMARY KEY (issuer, external)
    ) WITHOUT ROWID;
    CREATE TABLE passkeys (
        credential BLOB PRIMARY KEY, account BLOB NOT NULL REFERENCES accounts ON DELETE CASCADE, name TEXT NOT NULL,
        algorithm BIGINT NOT NULL, public_key BLOB NOT NULL, sign_count BIGINT NOT NULL, created_at BIGINT NOT NULL,
        last_used_at BIGINT
    ) WITHOUT ROWID;
    CREATE INDEX passkeys_account ON passkeys (account);
    CREATE TABLE console_sessions (
        id BLOB PRIMARY KEY, token_digest BLOB NOT NULL UNIQUE, visit_digest BLOB NOT NULL,
        account BLOB NOT NULL REFERENCES accounts ON DELETE CASCADE, method TEXT NOT NULL, device TEXT NOT NULL,
        created_at BIGINT NOT NULL, seen_at BIGINT NOT NULL, idle_seconds BIGINT NOT NULL, ends_at BIGINT NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX console_sessions_account ON console_sessions (account);
    CREATE TABLE known_browsers (
        digest BLOB PRIMARY KEY, account BLOB NOT NULL REFERENCES accounts ON DELETE CASCADE, created_at BIGINT NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE privacy_signals (
        subject BLOB PRIMARY KEY, first_seen_at BIGINT NOT NULL, last_seen_at BIGINT NOT NULL
    ) WITHOUT ROWID;
";

/// An account of the console.
#[derive(Clone, PartialEq, Eq)]
pub struct AccountRecord {
    /// Its id.
    pub id: AccountId,
    /// Whose.
    pub organization: OrganizationId,
    /// Whose conversations its owner governs, where they are one of the people whose conversations are kept.
    pub subject: Option<SubjectId>,
    /// Which member of staff its owner is, where they are one.
    pub person: Option<PersonId>,
    /// What its owner types to sign in, in lower case.
    pub login: String,
    /// What the console calls its owner.
    pub name: String,
    /// What its owner may be.
    pub roles: RoleSet,
    /// The argon2id string of the password, where there is one.
    pub password: Option<String>,
    /// The language its owner chose.
    pub language: Option<String>,
    /// `light` or `dark`, where its owner chose.
    pub appearance: Option<String>,
    /// Created when.
    pub created_at: Timestamp,
    /// Disabled when; nobody signs in to it from then on.
    pub disabled_at: Option<Timestamp>,
}

impl std::fmt::Debug for AccountRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AccountRecord").field("id", &self.id).finish_non_exhaustive()
    }
}

/// A passkey of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PasskeyRecord {
    /// The credential's id, chosen by the authenticator; at most 1,023 bytes.
    pub credential: Vec<u8>,
    /// Whose.
    pub account: AccountId,
    /// What its owner calls it.
    pub name: String,
    /// The COSE number of its algorithm.
    pub algorithm: i64,
    /// Its public key, as a SubjectPublicKeyInfo in DER.
    pub public_key: Vec<u8>,
    /// How often it signed, as it counts itself; many passkeys always say 0.
    pub sign_count: u32,
    /// Added when.
    pub created_at: Timestamp,
    /// Signed in with when.
    pub last_used_at: Option<Timestamp>,
}

/// A signed-in browser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionRecord {
    /// Its id.
    pub id: SessionId,
    /// SHA-256 of the secret in the browser's cookie.
    pub token_digest: [u8; 32],
    /// SHA-256 of the secret of the visit that signed in: one visit has one session, however often its form is sent.
    pub visit_digest: [u8; 32],
    /// Who is signed in.
    pub account: AccountId,
    /// How: `password`, `passkey` or `provider`.
    pub method: String,
    /// The browser in words, such as `Firefox, Linux`.
    pub device: String,
    /// Signed in when.
    pub created_at: Timestamp,
    /// Used last when, to the minute.
    pub seen_at: Timestamp,
    /// It ends when it was not used for this many seconds.
    pub idle_seconds: i64,
    /// It ends then at the latest.
    pub ends_at: Timestamp,
}

/// When a person's browser asked for privacy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PrivacySignal {
    /// For the first time.
    pub first_seen_at: Timestamp,
    /// For the last time, to the day.
    pub last_seen_at: Timestamp,
}

impl ControlStore {
    /// Creates an account and announces it. `false`, and nothing is changed, when the login is taken.
    pub fn create_account(
        &mut self,
        account: &AccountRecord,
        announcement: &Announcement,
    ) -> Result<bool, StoreError> {
        self.file.write("create_account", |tx| {
            let made = tx.execute(
                "INSERT INTO accounts (id, organization, subject, person, login, name, roles, password, language, appearance,
                 created_at, disabled_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
                 ON CONFLICT (login) DO NOTHING",
                params![
                    account.id.as_bytes(),
                    account.organization.as_bytes(),
                    account.subject.map(|id| *id.as_bytes()),
                    account.person.map(|id| *id.as_bytes()),
                    account.login,
                    account.name,
                    account.roles.to_string(),
                    account.password,
                    account.language,
                    account.appearance,
                    account.created_at.as_microsecond(),
                    account.disabled_at.map(Timestamp::as_microsecond),
                ],
            )?;
            if made == 1 {
                announce(tx, announcement)?;
            }
            Ok(made == 1)
        })
    }

    /// Replaces what can change about an account. Unless `keeps_sessions`, every browser is signed out of it, and none
    /// counts as known any more.
    pub fn change_account(
        &mut self,
        account: &AccountRecord,
        keeps_sessions: bool,
        announcement: Option<&Announcement>,
    ) -> Result<(), StoreError> {
        self.file.write("change_account", |tx| {
            tx.execute(
                "UPDATE accounts SET name = ?2, roles = ?3, password = ?4, language = ?5, appearance = ?6, disabled_at = ?7
                 WHERE id = ?1",
                params![
                    account.id.as_bytes(),
                    account.name,
                    account.roles.to_string(),
                    account.password,
                    account.language,
                    account.appearance,
                    account.disabled_at.map(Timestamp::as_microsecond),
                ],
            )?;
            if !keeps_sessions {
                tx.execute("DELETE FROM console_sessions WHERE account = ?1", [account.id.as_bytes()])?;
                tx.execute("DELETE FROM known_browsers WHERE account = ?1", [account.id.as_bytes()])?;
            }
            announcement.map_or(Ok(()), |announcement| announce(tx, announcement))
        })
    }

    /// One account.
    pub fn account(&self, id: AccountId) -> Result<Option<AccountRecord>, StoreError> {
        self.file.read("account", |connection| {
            connection
                .prepare_cached(&format!("{ACCOUNT} WHERE id = ?1"))?
                .query_row([id.as_bytes()], account)
                .optional()
        })
    }

    /// The account with this login, which is in lower case.
    pub fn account_with_login(&self, login: &str) -> Result<Option<AccountRecord>, StoreError> {
        self.file.read("account_with_login", |connection| {
            connection
                .prepare_cached(&format!("{ACCOUNT} WHERE login = ?1"))?
                .query_row([login], account)
                .optional()
        })
    }

    /// Accounts, oldest first: of one organisation or of all.
    pub fn accounts(&self, organization: Option<OrganizationId>) -> Result<Vec<AccountRecord>, StoreError> {
        self.file.read("accounts", |connection| {
            connection
                .prepare_cached(&format!("{ACCOUNT} WHERE (?1 IS NULL OR organization = ?1) ORDER BY id"))?
                .query_map([organization.map(|id| *id.as_bytes())], account)?
                .collect()
        })
    }

    /// Accounts of an organisation's staff that are not disabled, oldest first, at most `limit`.
    pub fn staff_accounts(
        &self,
        organization: OrganizationId,
        limit: u32,
    ) -> Result<Vec<AccountRecord>, StoreError> {
        self.file.read("staff_accounts", |connection| {
            connection
                .prepare_cached(&format!(
                    "{ACCOUNT} WHERE organization = ?1 AND person IS NOT NULL AND disabled_at IS NULL ORDER BY id LIMIT ?2"
                ))?
                .query_map(params![organization.as_bytes(), limit], account)?
                .collect()
        })
    }

    /// The account that an identity provider's person is linked to.
    pub fn account_with_identity(
        &self,
        issuer: &str,
        external: &str,
    ) -> Result<Option<AccountRecord>, StoreError> {
        self.file.read("account_with_identity", |connection| {
            connection
                .prepare_cached(&format!(
                    "{ACCOUNT} WHERE id = (SELECT account FROM account_identities WHERE issuer = ?1 AND external = ?2)"
                ))?
                .query_row([issuer, external], account)
                .optional()
        })
    }

    /// Links an identity provider's person to an account. `false`, and nothing is changed, when it is linked already.
    pub fn link_identity(
        &mut self,
        issuer: &str,
        external: &str,
        account: AccountId,
        now: Timestamp,
        announcement: &Announcement,
    ) -> Result<bool, StoreError> {
        self.file.write("link_identity", |tx| {
            let made = tx.execute(
                "INSERT INTO account_identities (issuer, external, account, created_at) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (issuer, external) DO NOTHING",
                params![issuer, external, account.as_bytes(), now.as_microsecond()],
            )?;
            if made == 1 {
                announce(tx, announcement)?;
            }
            Ok(made == 1)
        })
    }

    /// An account's passkeys, oldest first.
    pub fn passkeys(&self, account: AccountId) -> Result<Vec<PasskeyRecord>, StoreError> {
        self.file.read("passkeys", |connection| {
            connection
                .prepare_cached(&format!("{PASSKEY} WHERE account = ?1 ORDER BY created_at, credential"))?
                .query_map([account.as_bytes()], passkey)?
                .collect()
        })
    }

    /// One passkey.
    pub fn passkey(&self, credential: &[u8]) -> Result<Option<PasskeyRecord>, StoreError> {
        self.file.read("passkey", |connection| {
            connection
                .prepare_cached(&format!("{PASSKEY} WHERE credential = ?1"))?
                .query_row([credential], passkey)
                .optional()
        })
    }

    /// Adds a passkey. `false`, and nothing is changed, when there is one with this id.
    pub fn add_passkey(
        &mut self,
        passkey: &PasskeyRecord,
        announcement: &Announcement,
    ) -> Result<bool, StoreError> {
        self.file.write("add_passkey", |tx| {
            let made = tx.execute(
                "INSERT INTO passkeys (credential, account, name, algorithm, public_key, sign_count, created_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (credential) DO NOTHING",
                params![
                    passkey.credential,
                    passkey.account.as_bytes(),
                    passkey.name,
                    passkey.algorithm,
                    passkey.public_key,
                    passkey.sign_count,
                    passkey.created_at.as_microsecond(),
                ],
            )?;
            if made == 1 {
                announce(tx, announcement)?;
            }
            Ok(made == 1)
        })
    }

    /// Notes that a passkey signed in.
    pub fn use_passkey(
        &mut self,
        credential: &[u8],
        sign_count: u32,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.file.write("use_passkey", |tx| {
            tx.execute(
                "UPDATE passkeys SET sign_count = ?2, last_used_at = ?3 WHERE credential = ?1",
                params![credential, sign_count, now.as_microsecond()],
            )
            .map(drop)
        })
    }

    /// Removes an account's passkey; whether there was one.
    pub fn remove_passkey(
        &mut self,
        account: AccountId,
        credential: &[u8],
        announcement: &Announcement,
    ) -> Result<bool, StoreError> {
        self.file.write("remove_passkey", |tx| {
            let gone = tx.execute(
                "DELETE FROM passkeys WHERE account = ?1 AND credential = ?2",
                params![account.as_bytes(), credential],
            )?;
            if gone == 1 {
                announce(tx, announcement)?;
            }
            Ok(gone == 1)
        })
    }

    /// Starts a session in place of any of the same visit, remembers the browser (`browser`, the digest of its secret),
    /// and drops sessions of the account that ended before `session.created_at` or are more than `sessions_max`.
    pub fn start_session(
        &mut self,
        session: &SessionRecord,
        browser: [u8; 32],
        sessions_max: u32,
        activity: &ActivityRecord,
    ) -> Result<(), StoreError> {
        let now = session.created_at.as_microsecond();
        let owner = session.account;
        self.file.write("start_session", |tx| {
            tx.execute(
                "DELETE FROM console_sessions WHERE visit_digest = ?1
                 OR ends_at <= ?2 OR seen_at + idle_seconds * 1000000 <= ?2",
                params![session.visit_digest, now],
            )?;
            tx.execute(
                "INSERT INTO console_sessions (id, token_digest, visit_digest, account, method, device, created_at, seen_at,
                 idle_seconds, ends_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
                params![
                    session.id.as_bytes(),
                    session.token_digest,
                    session.visit_digest,
                    owner.as_bytes(),
                    session.method,
                    session.device,
                    now,
                    session.seen_at.as_microsecond(),
                    session.idle_seconds,
                    session.ends_at.as_microsecond(),
                ],
            )?;
            tx.execute(
                "INSERT INTO known_browsers (digest, account, created_at) VALUES (?1, ?2, ?3)
                 ON CONFLICT (digest) DO UPDATE SET account = excluded.account",
                params![browser, owner.as_bytes(), now],
            )?;
            keep_newest(tx, "console_sessions", "id", owner, sessions_max)?;
            keep_newest(tx, "known_browsers", "digest", owner, sessions_max)?;
            crate::activity_outbox::keep(tx, activity)
        })
    }

    /// The session whose browser holds the secret with this digest. It may have ended.
    pub fn session(&self, token_digest: [u8; 32]) -> Result<Option<SessionRecord>, StoreError> {
        self.file.read("session", |connection| {
            connection
                .prepare_cached(&format!("{SESSION} WHERE token_digest = ?1"))?
                .query_row([token_digest], session)
                .optional()
        })
    }

    /// An account's sessions, the last used first. Some may have ended.
    pub fn sessions(&self, account: AccountId) -> Result<Vec<SessionRecord>, StoreError> {
        self.file.read("sessions", |connection| {
            connection
                .prepare_cached(&format!("{SESSION} WHERE account = ?1 ORDER BY seen_at DESC, id DESC"))?
                .query_map([account.as_bytes()], session)?
                .collect()
        })
    }

    /// Notes that a session was used.
    pub fn touch_session(&mut self, id: SessionId, now: Timestamp) -> Result<(), StoreError> {
        self.file.write("touch_session", |tx| {
            tx.execute(
                "UPDATE console_sessions SET seen_at = ?2 WHERE id = ?1 AND seen_at < ?2",
                params![id.as_bytes(), now.as_microsecond()],
            )
            .map(drop)
        })
    }

    /// Ends one session of an account, or all but `kept`; how many.
    pub fn end_sessions(
        &mut self,
        account: AccountId,
        only: Option<SessionId>,
        kept: Option<SessionId>,
        activity: &ActivityRecord,
    ) -> Result<u64, StoreError> {
        self.file.write("end_sessions", |tx| {
            let ended = tx.execute(
                "DELETE FROM console_sessions WHERE account = ?1 AND (?2 IS NULL OR id = ?2) AND (?3 IS NULL OR id <> ?3)",
                params![account.as_bytes(), only.map(|id| *id.as_bytes()), kept.map(|id| *id.as_bytes())],
            )?;
            if ended > 0 {
                crate::activity_outbox::keep(tx, activity)?;
            }
            Ok(u64::try_from(ended).unwrap_or(u64::MAX))
        })
    }

    /// Whether the browser that holds the secret with this digest has signed in to the account before.
    pub fn is_known_browser(&self, digest: [u8; 32], account: AccountId) -> Result<bool, StoreError> {
        self.file.read("is_known_browser", |connection| {
            connection
                .prepare_cached(
                    "SELECT EXISTS (SELECT 1 FROM known_browsers WHERE digest = ?1 AND account = ?2)",
                )?
                .query_row(params![digest, account.as_bytes()], |row| row.get(0))
        })
    }

    /// Notes that a person's browser asked for privacy; the first time it is announced. Whether it was the first time.
    pub fn note_privacy_signal(
        &mut self,
        subject: SubjectId,
        now: Timestamp,
        announcement: &Announcement,
    ) -> Result<bool, StoreError> {
        self.file.write("note_privacy_signal", |tx| {
            let first = tx.execute(
                "INSERT INTO privacy_signals (subject, first_seen_at, last_seen_at) VALUES (?1, ?2, ?2)
                 ON CONFLICT (subject) DO NOTHING",
                params![subject.as_bytes(), now.as_microsecond()],
            )?;
            if first == 1 {
                announce(tx, announcement)?;
            } else {
                tx.execute(
                    "UPDATE privacy_signals SET last_seen_at = max(last_seen_at, ?2) WHERE subject = ?1",
                    params![subject.as_bytes(), now.as_microsecond()],
                )?;
            }
            Ok(first == 1)
        })
    }

    /// When a person's browser asked for privacy, if it ever did.
    pub fn privacy_signal(&self, subject: SubjectId) -> Result<Option<PrivacySignal>, StoreError> {
        self.file.read("privacy_signal", |connection| {
            connection
                .prepare_cached("SELECT first_seen_at, last_seen_at FROM privacy_signals WHERE subject = ?1")?
                .query_row([subject.as_bytes()], |row| {
                    Ok(PrivacySignal { first_seen_at: instant(row, 0)?, last_seen_at: instant(row, 1)? })
                })
                .optional()
        })
    }
}

/// Forgets the accounts of a person who is erased. A member of staff keeps theirs, without what made it the person's.
pub(crate) fn forget_subject(tx: &Transaction<'_>, subject: SubjectId) -> rusqlite::Result<()> {
    tx.execute("DELETE FROM accounts WHERE subject = ?1 AND person IS NULL", [subject.as_bytes()])?;
    tx.execute("UPDATE accounts SET subject = NULL WHERE subject = ?1", [subject.as_bytes()])?;
    tx.execute("DELETE FROM privacy_signals WHERE subject = ?1", [subject.as_bytes()]).map(drop)
}

/// Deletes all but the `rows_max` newest rows of an account in one of this module's tables.
fn keep_newest(
    tx: &Transaction<'_>,
    table: &'static str,
    key: &'static str,
    account: AccountId,
    rows_max: u32,
) -> rusqlite::Result<()> {
    tx.execute(
        &format!(
            "DELETE FROM {table} WHERE account = ?1 AND {key} NOT IN
             (SELECT {key} FROM {table} WHERE account = ?1 ORDER BY created_at DESC, {key} DESC LIMIT ?2)"
        ),
        params![account.as_bytes(), rows_max],
    )
    .map(drop)
}

const ACCOUNT: &str = "SELECT id, organization, subject, person, login, name, roles, password, language, appearance, \
     created_at, disabled_at FROM accounts";

fn account(row: &rusqlite::Row<'_>) -> rusqlite::Result<AccountRecord> {
    let subject: Option<[u8; 16]> = row.get(2)?;
    let person: Option<[u8; 16]> = row.get(3)?;
    Ok(AccountRecord {
        id: AccountId::from_bytes(bytes16(row, 0)?),
        organization: OrganizationId::from_bytes(bytes16(row, 1)?),
        subject: subject.map(SubjectId::from_bytes),
        person: person.map(PersonId::from_bytes),
        login: row.get(4)?,
        name: row.get(5)?,
        roles: named(row, 6)?,
        password: row.get(7)?,
        language: row.get(8)?,
        appearance: row.get(9)?,
        created_at: instant(row, 10)?,
        disabled_at: optional_instant(row, 11)?,
    })
}

const PASSKEY: &str = "SELECT credential, account, name, algorithm, public_key, sign_count, created_at, last_used_at \
     FROM passkeys";

fn passkey(row: &rusqlite::Row<'_>) -> rusqlite::Result<PasskeyRecord> {
    Ok(PasskeyRecord {
        credential: row.get(0)?,
        account: AccountId::from_bytes(bytes16(row, 1)?),
        name: row.get(2)?,
        algorithm: row.get(3)?,
        public_key: row.get(4)?,
        sign_count: row.get(5)?,
        created_at: instant(row, 6)?,
        last_used_at: optional_instant(row, 7)?,
    })
}

const SESSION: &str = "SELECT id, token_digest, visit_digest, account, method, device, created_at, seen_at, idle_seconds, \
     ends_at FROM console_sessions";

fn session(row: &rusqlite::Row<'_>) -> rusqlite::Result<SessionRecord> {
    Ok(SessionRecord {
        id: SessionId::from_bytes(bytes16(row, 0)?),
        token_digest: fixed(row, 1)?,
        visit_digest: fixed(row, 2)?,
        account: AccountId::from_bytes(bytes16(row, 3)?),
        method: row.get(4)?,
        device: row.get(5)?,
        created_at: instant(row, 6)?,
        seen_at: instant(row, 7)?,
        idle_seconds: row.get(8)?,
        ends_at: instant(row, 9)?,
    })
}
