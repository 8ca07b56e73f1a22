//! Accounts, passkeys and sessions for whoever asks: read beside the writer.

use fiducia_policy::{AccountId, OrganizationId, Timestamp};
use fiducia_store::{AccountRecord, SessionRecord};

use super::commands::{AccountReply, AccountRow, Appearance, PasskeyRow, SessionRow};
use crate::AdminError;
use crate::reading::Reader;

impl Reader {
    /// Accounts, oldest first.
    pub(crate) fn accounts(&self, organization: Option<OrganizationId>) -> Result<AccountReply, AdminError> {
        let _reading = self.reading();
        let accounts = self.control()?.accounts(organization)?;
        Ok(AccountReply::Accounts(accounts.iter().map(row).collect()))
    }

    /// An account's passkeys, oldest first.
    pub(crate) fn passkeys(&self, account: AccountId) -> Result<AccountReply, AdminError> {
        let _reading = self.reading();
        let passkeys = self.control()?.passkeys(account)?.into_iter().map(|passkey| PasskeyRow {
            credential: passkey.credential,
            name: passkey.name,
            created_at: passkey.created_at,
            last_used_at: passkey.last_used_at,
        });
        Ok(AccountReply::Passkeys(passkeys.collect()))
    }

    /// The browsers that are signed in to an account, the last used first.
    pub(crate) fn sessions(&self, account: AccountId) -> Result<AccountReply, AdminError> {
        let now = self.clock.now();
        let _reading = self.reading();
        let sessions = self.control()?.sessions(account)?;
        let alive = sessions.iter().filter(|session| is_alive(session, now));
        Ok(AccountReply::Sessions(alive.map(session_row).collect()))
    }
}

/// Whether a session still holds: it ends when it was idle for too long, and at its last hour.
pub(super) fn is_alive(session: &SessionRecord, now: Timestamp) -> bool {
    let idle = now.as_second().saturating_sub(session.seen_at.as_second());
    now < session.ends_at && idle < session.idle_seconds
}

/// What may be shown of a session.
pub(super) fn session_row(session: &SessionRecord) -> SessionRow {
    SessionRow {
        id: session.id,
        method: session.method.clone(),
        device: session.device.clone(),
        created_at: session.created_at,
        seen_at: session.seen_at,
        ends_at: session.ends_at,
    }
}

/// What may be shown of an account.
pub(super) fn row(account: &AccountRecord) -> AccountRow {
    AccountRow {
        id: account.id,
        organization: account.organization,
        subject: account.subject,
        person: account.person,
        login: account.login.clone(),
        name: account.name.clone(),
        roles: account.roles.clone(),
        has_password: account.password.is_some(),
        language: account.language.clone(),
        appearance: account.appearance.as_deref().and_then(Appearance::named),
        created_at: account.created_at,
        disabled_at: account.disabled_at,
    }
}
