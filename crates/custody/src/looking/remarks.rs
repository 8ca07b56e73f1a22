//! What is said to an answer: sealed by the writer under a key of its session, opened for those who may see the session.
//!
//! The log has a commitment: `SHA-256(domain || salt || text)`. The salt is sealed with the text, so that nobody can try texts against
//! the log who may not read them.

use std::sync::Arc;

use fiducia_keyring::{open_value, seal_value};
use fiducia_ledger::Digest;
use fiducia_policy::{AccessSession, AccessSessionId, AccessStep, KeyId, Timestamp};
use fiducia_store::{AccessRemarkRecord, ControlStore, KeyKind};
use zeroize::Zeroizing;

use super::commands::AccessRemarkRow;
use crate::AdminError;
use crate::administer::hex;
use crate::keychain::{KeyPurpose, Keychain};
use crate::reading::Reader;
use crate::staging::sha256;
use crate::writer::Writer;

const DOMAIN: &[u8] = b"fiducia/access/remark/v1\n";
const SALT_BYTES: usize = 16;

/// What the log holds of a remark.
fn commitment(salt: &[u8], text: &str) -> Digest {
    Digest(sha256(&[DOMAIN, salt, text.as_bytes()]))
}

impl Writer {
    /// Seals what is said by a step that the session permits; gives it with the commitment to it. Keys first: what is sealed under a
    /// key that was never stored could not be read.
    pub(super) fn sealed_remark(
        &mut self,
        session: &AccessSession,
        step: &AccessStep,
        now: Timestamp,
    ) -> Result<Option<(AccessRemarkRecord, Digest)>, AdminError> {
        let Some((answer, by, remark)) = step.remark() else { return Ok(None) };
        let mut salt = [0_u8; SALT_BYTES];
        self.randomness.fill(&mut salt)?;
        let text = remark.expose();
        let mut said = Zeroizing::new(Vec::with_capacity(SALT_BYTES + text.len()));
        said.extend_from_slice(&salt);
        said.extend_from_slice(text.as_bytes());
        let key = self.remarks_key(session, now)?;
        let opened = self.keychain.key(&self.files.keys, key)?;
        let sealed = seal_value((key, &opened), session.id.as_bytes(), &said, &*self.randomness)?;
        Ok(Some((AccessRemarkRecord { answer, by, at: now, key, sealed }, commitment(&salt, text))))
    }

    /// The key of what is said in a session, made for the first remark.
    fn remarks_key(&mut self, session: &AccessSession, now: Timestamp) -> Result<KeyId, AdminError> {
        if let Some(key) = self.files.control.access_remarks_key(session.id)? {
            return Ok(key);
        }
        let purpose = KeyPurpose {
            kind: KeyKind::AccessRemarks,
            organization: session.organization,
            subject: None,
            conversation: None,
            label: session.id.to_string(),
            ends_at: None,
        };
        let new = self.keychain.new_root(&self.files.keys, purpose, now, &*self.randomness)?;
        self.files.keys.add(&[new.stored])?;
        Ok(new.id)
    }
}

impl Reader {
    /// What was said in a session. What cannot be opened, such as while the organisation's key may not be used, is listed without
    /// its text.
    pub(super) fn remarks(
        &self,
        control: &ControlStore,
        session: AccessSessionId,
    ) -> Result<Vec<AccessRemarkRow>, AdminError> {
        let found = control.access_remarks(session)?;
        let mut rows = Vec::with_capacity(found.len());
        for remark in found {
            let said = self.said(session, &remark)?;
            let (text, salt) = said.unzip();
            rows.push(AccessRemarkRow { answer: remark.answer, by: remark.by, at: remark.at, text, salt });
        }
        Ok(rows)
    }

    /// The text and the salt.
    fn said(
        &self,
        session: AccessSessionId,
        remark: &AccessRemarkRecord,
    ) -> Result<Option<(String, String)>, AdminError> {
        let keys = self.keys()?;
        let Ok(key) = Keychain::new(Arc::clone(&self.access)).key(&keys, remark.key) else { return Ok(None) };
        let said = open_value((remark.key, &key), session.as_bytes(), &remark.sealed)?;
        let damaged = || AdminError::Storage(format!("control.db: what was said in {session} is damaged"));
        let (salt, text) = said.split_at_checked(SALT_BYTES).ok_or_else(damaged)?;
        let text = std::str::from_utf8(text).map_err(|_| damaged())?;
        Ok(Some((text.to_owned(), hex(salt))))
    }
}
