//! Signing in and out of the console, as activities. The log has no leaf for them.

use fiducia_policy::{AccountId, ActivityId, PersonId, Pseudonym, SessionId};
use fiducia_store::{AccountRecord, ActivityRecord, SessionRecord};
use serde_json::{Map, Value, json};

use super::projection::ActivityBody;
use crate::AdminError;
use crate::writer::Writer;

/// The ways of signing in, with the type that each has in the feed.
pub(crate) const SIGN_INS: &[(&str, &str)] = &[
    ("password", "fiducia_password_login_succeeded"),
    ("passkey", "fiducia_passkey_login_succeeded"),
    ("provider", "sso_login_succeeded"),
];

impl Writer {
    /// Somebody signed in.
    pub(crate) fn signed_in(&self, session: &SessionRecord) -> Result<ActivityRecord, AdminError> {
        let known = SIGN_INS.iter().find(|(method, _)| *method == session.method);
        let kind = known.map_or("fiducia_login_succeeded", |(_, kind)| *kind);
        self.of_account(session.account, kind, Some(session.id))
    }

    /// Somebody signed a browser out, or all of them.
    pub(crate) fn signed_out(
        &self,
        account: AccountId,
        only: Option<SessionId>,
    ) -> Result<ActivityRecord, AdminError> {
        let kind = if only.is_some() { "user_logged_out" } else { "session_revoked" };
        self.of_account(account, kind, only)
    }

    fn of_account(
        &self,
        account: AccountId,
        kind: &str,
        session: Option<SessionId>,
    ) -> Result<ActivityRecord, AdminError> {
        let found = self.files.control.account(account)?;
        let account = found.ok_or_else(|| AdminError::NotFound(format!("there is no account {account}")))?;
        let now = self.clock.now();
        let (actor, known_by) = self.actor_of(&account)?;
        let mut details = Map::new();
        details.insert("account_id".to_owned(), json!(account.id));
        if let Some(session) = session {
            details.insert("session_id".to_owned(), json!(session));
        }
        let body = ActivityBody { id: None, created_at: None, is_global: true, actor, details };
        Ok(ActivityRecord {
            id: ActivityId::generate(now, &*self.randomness)?,
            created_at: now,
            organization: Some(account.organization),
            kind: kind.to_owned(),
            actor: known_by,
            body: body.to_bytes(),
        })
    }

    /// An account's owner by the ledger's ids.
    fn actor_of(&self, account: &AccountRecord) -> Result<(Value, Option<[u8; 16]>), AdminError> {
        let subject =
            account.subject.map(|subject| self.files.control.subject(subject)).transpose()?.flatten();
        let pseudonym: Option<Pseudonym> = subject.and_then(|subject| subject.pseudonym);
        let person: Option<PersonId> = account.person;
        let (id, bytes) = match (person, pseudonym) {
            (Some(person), _) => (json!(person), Some(*person.as_bytes())),
            (None, Some(pseudonym)) => (json!(pseudonym), Some(*pseudonym.as_bytes())),
            (None, None) => (json!(account.id), None),
        };
        let actor = json!({
            "type": "user_actor", "user_id": id, "email_address": null, "ip_address": null, "user_agent": null,
        });
        Ok((actor, bytes))
    }
}
