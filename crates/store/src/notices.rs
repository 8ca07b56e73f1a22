//! Notices: what people were shown when they were asked. A row is written once.

use fiducia_policy::{ConsentPurpose, NoticeIdentity, PersonId, Timestamp};
use rusqlite::{OptionalExtension, params};

use crate::connection::{bytes16, fixed, instant};
use crate::control::named;
use crate::outbox::{Announcement, announce};
use crate::{ControlStore, StoreError};

/// A published notice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoticeRecord {
    /// Which.
    pub identity: NoticeIdentity,
    /// The notice as canonical JSON.
    pub document: String,
    /// SHA-256 of the document.
    pub hash: [u8; 32],
    /// Published when.
    pub published_at: Timestamp,
    /// By whom.
    pub published_by: PersonId,
}

impl ControlStore {
    /// Publishes a notice and announces it. Gives `false`, and changes nothing, when there is one of that identity.
    pub fn publish_notice(
        &mut self,
        notice: &NoticeRecord,
        announcements: &[Announcement],
    ) -> Result<bool, StoreError> {
        self.file.write("publish_notice", |tx| {
            let added = tx.execute(
                "INSERT INTO notices (purpose, language, version, document, hash, published_at, published_by)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO NOTHING",
                params![
                    notice.identity.purpose.name(),
                    notice.identity.language,
                    notice.identity.version,
                    notice.document,
                    notice.hash,
                    notice.published_at.as_microsecond(),
                    notice.published_by.as_bytes(),
                ],
            )?;
            if added > 0 {
                announcements.iter().try_for_each(|announcement| announce(tx, announcement))?;
            }
            Ok(added > 0)
        })
    }

    /// One notice.
    pub fn notice(&self, identity: &NoticeIdentity) -> Result<Option<NoticeRecord>, StoreError> {
        self.file.read("notice", |connection| {
            connection
                .prepare_cached(&format!("{NOTICE} WHERE purpose = ?1 AND language = ?2 AND version = ?3"))?
                .query_row(params![identity.purpose.name(), identity.language, identity.version], notice)
                .optional()
        })
    }

    /// All notices, or those of one purpose, in order of purpose, version and language.
    pub fn notices(&self, purpose: Option<ConsentPurpose>) -> Result<Vec<NoticeRecord>, StoreError> {
        self.file.read("notices", |connection| {
            connection
                .prepare_cached(&format!(
                    "{NOTICE} WHERE ?1 IS NULL OR purpose = ?1 ORDER BY purpose, version, language"
                ))?
                .query_map([purpose.map(ConsentPurpose::name)], notice)?
                .collect()
        })
    }

    /// The newest version of a purpose's notice in a language.
    pub fn newest_notice(
        &self,
        purpose: ConsentPurpose,
        language: &str,
    ) -> Result<Option<NoticeRecord>, StoreError> {
        self.file.read("newest_notice", |connection| {
            connection
                .prepare_cached(&format!(
                    "{NOTICE} WHERE purpose = ?1 AND language = ?2 ORDER BY version DESC LIMIT 1"
                ))?
                .query_row(params![purpose.name(), language], notice)
                .optional()
        })
    }
}

const NOTICE: &str =
    "SELECT purpose, language, version, document, hash, published_at, published_by FROM notices";

fn notice(row: &rusqlite::Row<'_>) -> rusqlite::Result<NoticeRecord> {
    Ok(NoticeRecord {
        identity: NoticeIdentity { purpose: named(row, 0)?, language: row.get(1)?, version: row.get(2)? },
        document: row.get(3)?,
        hash: fixed(row, 4)?,
        published_at: instant(row, 5)?,
        published_by: PersonId::from_bytes(bytes16(row, 6)?),
    })
}
