//! Taking records out of a bucket: what they are recognised by, their wraps, and their rows.

use fiducia_policy::{ConversationId, KeyId, RecordId};
use rusqlite::params;

use crate::record::{RecordPrefixes, StoredWrap};
use crate::{RecordBucket, StoreError};

/// Where a reading of keyed digests goes on: the place among the conversations asked for, and the sequence number of the
/// last record read of that one.
pub type PrefixesFrom = (usize, i64);

impl RecordBucket {
    /// The keyed digests by which records of conversations are recognised: about `limit` of them at a time, `from` the
    /// beginning (`(0, 0)`) or from where an earlier call says it stopped.
    pub fn prefixes_of(
        &self,
        conversations: &[ConversationId],
        from: PrefixesFrom,
        limit: u32,
    ) -> Result<(Vec<[u8; 32]>, Option<PrefixesFrom>), StoreError> {
        self.in_snapshot(|bucket| {
            bucket.file.read("conversation_prefixes", |connection| {
                let mut statement = connection.prepare_cached(
                    "SELECT sequence, prefix, alias FROM records WHERE conversation = ?1 AND sequence > ?2
                     ORDER BY sequence",
                )?;
                let most = usize::try_from(limit).unwrap_or(usize::MAX);
                let (first, mut after) = from;
                let mut digests = Vec::new();
                for (place, conversation) in conversations.iter().enumerate().skip(first) {
                    for found in statement.query_map(params![conversation.as_bytes(), after], prefixes)? {
                        let (sequence, mut of_record) = found?;
                        digests.append(&mut of_record);
                        if digests.len() >= most {
                            return Ok((digests, Some((place, sequence))));
                        }
                    }
                    after = 0;
                }
                Ok((digests, None))
            })
        })
    }

    /// The keyed digests by which any record of this bucket is recognised, after `after` (a sequence number; 0 to begin).
    pub fn all_prefixes(&self, after: i64, limit: u32) -> Result<Vec<RecordPrefixes>, StoreError> {
        self.file.read("all_prefixes", |connection| {
            connection
                .prepare_cached(
                    "SELECT sequence, prefix, alias FROM records WHERE sequence > ?1 ORDER BY sequence LIMIT ?2",
                )?
                .query_map(params![after, limit], prefixes)?
                .collect()
        })
    }

    /// Replaces the wraps of surviving records under `old` and removes one record, in one step. Records that are not
    /// named keep theirs.
    pub fn rewrap_and_remove(
        &mut self,
        old: KeyId,
        fresh: &[(RecordId, StoredWrap)],
        removed: Option<RecordId>,
    ) -> Result<u64, StoreError> {
        self.file.write("rewrap_and_remove", |tx| {
            for statement in [
                "UPDATE records SET service_parent = ?3, service_wrap = ?4 WHERE id = ?1 AND service_parent = ?2",
                "UPDATE records SET safety_parent = ?3, safety_wrap = ?4 WHERE id = ?1 AND safety_parent = ?2",
                "UPDATE OR REPLACE held SET parent = ?3, wrap = ?4 WHERE record = ?1 AND parent = ?2",
            ] {
                let mut set = tx.prepare_cached(statement)?;
                for (id, wrap) in fresh {
                    set.execute(params![
                        id.as_bytes(),
                        old.as_bytes(),
                        wrap.parent.as_bytes(),
                        wrap.wrap
                    ])?;
                }
            }
            let Some(removed) = removed else { return Ok(0) };
            tx.execute("DELETE FROM held WHERE record = ?1", [removed.as_bytes()])?;
            let count = tx.execute("DELETE FROM records WHERE id = ?1", [removed.as_bytes()])?;
            Ok(u64::try_from(count).unwrap_or(0))
        })
    }

    /// Removes the wraps under destroyed keys, each given with its conversation, and then every record of those
    /// conversations that no wrap opens any more. Gives the number of records removed.
    pub fn drop_paths(&mut self, destroyed: &[(ConversationId, KeyId)]) -> Result<u64, StoreError> {
        Ok(self.drop_each_path(destroyed)?.iter().sum())
    }

    /// As [`Self::drop_paths`]: how many records went with each path, in their order.
    pub fn drop_each_path(&mut self, destroyed: &[(ConversationId, KeyId)]) -> Result<Vec<u64>, StoreError> {
        self.file.with_large_cache(|file| file.write("drop_paths", |tx| drop_each_path(tx, destroyed)))
    }
}

fn drop_each_path(
    tx: &rusqlite::Transaction<'_>,
    destroyed: &[(ConversationId, KeyId)],
) -> rusqlite::Result<Vec<u64>> {
    let mut service = tx.prepare_cached(
        "UPDATE records SET service_parent = NULL, service_wrap = NULL
         WHERE conversation = ?1 AND service_parent = ?2",
    )?;
    let mut safety = tx.prepare_cached(
        "UPDATE records SET safety_parent = NULL, safety_wrap = NULL
         WHERE conversation = ?1 AND safety_parent = ?2",
    )?;
    let mut held = tx.prepare_cached("DELETE FROM held WHERE parent = ?1")?;
    let mut unheld = tx.prepare_cached(
        "DELETE FROM records WHERE conversation = ?1 AND service_parent IS NULL AND safety_parent IS NULL
            AND NOT EXISTS (SELECT 1 FROM held WHERE held.record = records.id)",
    )?;
    // Removing what no key opens comes first where it can: then nothing is written only to be removed.
    let mut dying = tx.prepare_cached(
        "DELETE FROM records WHERE conversation = ?1 AND (service_parent IS NULL OR service_parent = ?2)
            AND (safety_parent IS NULL OR safety_parent = ?2)
            AND NOT EXISTS (SELECT 1 FROM held WHERE held.record = records.id)",
    )?;
    let mut each = Vec::with_capacity(destroyed.len());
    for (conversation, key) in destroyed {
        let mut removed = dying.execute(params![conversation.as_bytes(), key.as_bytes()])?;
        service.execute(params![conversation.as_bytes(), key.as_bytes()])?;
        safety.execute(params![conversation.as_bytes(), key.as_bytes()])?;
        if held.execute([key.as_bytes()])? > 0 {
            removed += unheld.execute([conversation.as_bytes()])?;
        }
        each.push(u64::try_from(removed).unwrap_or(u64::MAX));
    }
    Ok(each)
}

fn prefixes(row: &rusqlite::Row<'_>) -> rusqlite::Result<RecordPrefixes> {
    let (prefix, alias): (Option<[u8; 32]>, Option<[u8; 32]>) = (row.get(1)?, row.get(2)?);
    Ok((row.get(0)?, prefix.into_iter().chain(alias).collect()))
}
