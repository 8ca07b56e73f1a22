//! Bulletins in `control.db`: what administrators are told by mail, one for each administrator. A bulletin is queued in the commit
//! of what it tells of.

use fiducia_policy::{
    AccessSessionId, AccountId, BulletinId, BulletinKind, MailKind, OrganizationId, Timestamp, WebhookId,
};
use rusqlite::{OptionalExtension, Row, Transaction, params};

use crate::connection::{bytes16, instant};
use crate::control::named;
use crate::mails::{self, MailKey};
use crate::{ControlStore, StoreError};

/// The table of this module, a step of `control.db`, and an index by which an organisation's staff are found.
pub(crate) const TABLES: &str = "
    CREATE TABLE bulletins (
        id BLOB PRIMARY KEY, organization BLOB NOT NULL, account BLOB NOT NULL, kind TEXT NOT NULL, source BLOB NOT NULL,
        at BIGINT NOT NULL, detail TEXT
    ) WITHOUT ROWID;
    CREATE UNIQUE INDEX bulletins_source ON bulletins (kind, source, at, account);
    CREATE INDEX bulletins_at ON bulletins (at);
    CREATE INDEX accounts_staff ON accounts (organization, id) WHERE person IS NOT NULL AND disabled_at IS NULL;
";

/// What a bulletin tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BulletinSource {
    /// A session of reading.
    Session(AccessSessionId),
    /// A webhook.
    Webhook(WebhookId),
}

/// A bulletin to one administrator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BulletinRecord {
    /// Which.
    pub id: BulletinId,
    /// Whose organisation.
    pub organization: OrganizationId,
    /// To whom.
    pub account: AccountId,
    /// What about.
    pub kind: BulletinKind,
    /// What it tells of.
    pub source: BulletinSource,
    /// When that happened.
    pub at: Timestamp,
    /// Why, as a word from a closed list, where what it tells of may say something else later.
    pub detail: Option<String>,
}

/// Queues bulletins with their mails. One that was queued before stays the only one.
pub(crate) fn queue(tx: &Transaction<'_>, bulletins: &[BulletinRecord]) -> rusqlite::Result<()> {
    for bulletin in bulletins {
        let source = match bulletin.source {
            BulletinSource::Session(id) => *id.as_bytes(),
            BulletinSource::Webhook(id) => *id.as_bytes(),
        };
        let queued = tx
            .prepare_cached(
                "INSERT INTO bulletins (id, organization, account, kind, source, at, detail)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO NOTHING",
            )?
            .execute(params![
                bulletin.id.as_bytes(),
                bulletin.organization.as_bytes(),
                bulletin.account.as_bytes(),
                bulletin.kind.name(),
                source,
                bulletin.at.as_microsecond(),
                bulletin.detail,
            ])?;
        if queued > 0 {
            let to = (bulletin.organization, Some(*bulletin.account.as_bytes()));
            mails::queue(tx, &MailKey::Bulletin(bulletin.id), to, bulletin.at)?;
        }
    }
    Ok(())
}

impl ControlStore {
    /// One bulletin.
    pub fn bulletin(&self, id: BulletinId) -> Result<Option<BulletinRecord>, StoreError> {
        self.file.read("bulletin", |connection| {
            connection
                .prepare_cached(
                    "SELECT id, organization, account, kind, source, at, detail FROM bulletins WHERE id = ?1",
                )?
                .query_row([id.as_bytes()], bulletin)
                .optional()
        })
    }

    /// Forgets bulletins about what happened before `before` that wait no more. Gives how many, at most `limit`.
    pub fn forget_bulletins(&mut self, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        self.file.write("forget_bulletins", |tx| {
            let forgotten: Vec<[u8; 16]> = tx
                .prepare_cached(
                    "DELETE FROM bulletins WHERE id IN (SELECT b.id FROM bulletins b WHERE b.at < ?1 AND NOT EXISTS
                        (SELECT 1 FROM mails m WHERE m.kind = 'bulletin' AND m.about = b.id AND m.next_attempt_at IS NOT NULL)
                        LIMIT ?2) RETURNING id",
                )?
                .query_map(params![before.as_microsecond(), limit], |row| bytes16(row, 0))?
                .collect::<rusqlite::Result<_>>()?;
            mails::forget(tx, MailKind::Bulletin, &forgotten)?;
            Ok(u64::try_from(forgotten.len()).unwrap_or(u64::MAX))
        })
    }
}

fn bulletin(row: &Row<'_>) -> rusqlite::Result<BulletinRecord> {
    let kind = named(row, 3)?;
    let source = bytes16(row, 4)?;
    Ok(BulletinRecord {
        id: BulletinId::from_bytes(bytes16(row, 0)?),
        organization: OrganizationId::from_bytes(bytes16(row, 1)?),
        account: AccountId::from_bytes(bytes16(row, 2)?),
        kind,
        source: match kind {
            BulletinKind::EmergencyOpened | BulletinKind::ApprovalAsked => {
                BulletinSource::Session(AccessSessionId::from_bytes(source))
            }
            BulletinKind::WebhookDisabled => BulletinSource::Webhook(WebhookId::from_bytes(source)),
        },
        at: instant(row, 5)?,
        detail: row.get(6)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn about(number: u8, account: u8, kind: BulletinKind, source: BulletinSource) -> BulletinRecord {
        BulletinRecord {
            id: BulletinId::from_bytes([number; 16]),
            organization: OrganizationId::from_bytes([1; 16]),
            account: AccountId::from_bytes([account; 16]),
            kind,
            source,
            at: at(10),
            detail: Some("failing".to_owned()),
        }
    }

    #[test]
    fn each_administrator_is_told_once_and_what_was_sent_is_forgotten_in_time() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = ControlStore::open(&folder.path().join("control.db")).unwrap();
        let session = BulletinSource::Session(AccessSessionId::from_bytes([9; 16]));
        let webhook = BulletinSource::Webhook(WebhookId::from_bytes([9; 16]));
        let all = [
            about(1, 1, BulletinKind::EmergencyOpened, session),
            about(2, 2, BulletinKind::EmergencyOpened, session),
            // The same told again, and something else told to the same administrator.
            about(3, 1, BulletinKind::EmergencyOpened, session),
            about(4, 1, BulletinKind::WebhookDisabled, webhook),
        ];
        store.file.write("test", |tx| queue(tx, &all)).unwrap();
        assert_eq!(store.due_mails(at(10), 10).unwrap().len(), 3);
        for (place, expect) in [(0, true), (1, true), (2, false), (3, true)] {
            let found = store.bulletin(all[place].id).unwrap();
            assert_eq!(found.as_ref(), expect.then_some(&all[place]), "{place}");
        }
        let mut sent = store.mail(&MailKey::Bulletin(all[0].id)).unwrap().unwrap();
        (sent.next_attempt_at, sent.sent_at) = (None, Some(at(11)));
        store.note_mail(&sent).unwrap();
        assert_eq!(store.forget_bulletins(at(10), 10).unwrap(), 0);
        assert_eq!(store.forget_bulletins(at(11), 10).unwrap(), 1, "those that wait are kept");
        assert_eq!(store.mail(&MailKey::Bulletin(all[0].id)).unwrap(), None);
        assert_eq!(store.due_mails(at(20), 10).unwrap().len(), 2);
    }
}
