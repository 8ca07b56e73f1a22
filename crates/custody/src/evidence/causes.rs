//! Which entry of the log tells of a destruction, and which certificate.
//!
//! A tombstone says when a key went. The log says why and how many went with it, but not which: an entry that named a key would
//! lead to its person. So the entry is found by when it is and by what it counts.

use fiducia_ledger::{Event, LogReader, LoggedLeaf};
use fiducia_policy::{OrganizationId, Pseudonym, Timestamp};
use fiducia_store::{ControlStore, KeyKind, KeyNode};

use super::{KeyEnd, KeyEndKind};
use crate::AdminError;
use crate::certificate::{Certificate, CertifiedScope};

/// Entries that are looked at around the place where the log reached an instant: entries lie in the order in which they were
/// written, which is nearly that of their times.
const ENTRIES_BEFORE: u64 = 512;
const ENTRIES_BEHIND: usize = 4_096;
/// Certificates that are looked at behind a destruction.
const CERTIFICATES_MAX: u32 = 32;

/// Looks up what tells of destructions.
pub(super) struct Causes<'a> {
    pub(super) log: Option<&'a LogReader>,
    pub(super) control: &'a ControlStore,
    pub(super) organization: OrganizationId,
    pub(super) pseudonym: Option<Pseudonym>,
    /// The conversation, as certificates name it.
    pub(super) conversation: fiducia_policy::ConversationId,
}

impl Causes<'_> {
    /// How a key ended, if it did.
    pub(super) fn end_of(&self, node: &KeyNode) -> Result<Option<KeyEnd>, AdminError> {
        let Some(at) = node.destroyed_at else { return Ok(None) };
        if node.replaced_by.is_some() {
            let how = KeyEndKind::Replaced;
            return Ok(Some(KeyEnd { how, at, reason: None, entry: None, certificate: None }));
        }
        let told = self.entry_about(node, at);
        Ok(Some(KeyEnd {
            how: KeyEndKind::Destroyed,
            at,
            reason: told.as_ref().map(|(_, reason)| reason.clone()),
            entry: told.map(|(index, _)| index),
            certificate: self.certificate_about(node, at)?,
        }))
    }

    /// The entry that counts a key among what was destroyed, and its reason. None when the log cannot be read: what the tombstone
    /// says stays true.
    fn entry_about(&self, node: &KeyNode, at: Timestamp) -> Option<(u64, String)> {
        let log = self.log?;
        let start = first_at(log, at)?.saturating_sub(ENTRIES_BEFORE);
        let mut later = None;
        for entry in log.entries(start).take(ENTRIES_BEHIND) {
            let Ok((index, bytes)) = entry else { break };
            let Ok(logged) = LoggedLeaf::parse(&bytes) else { continue };
            match logged.leaf.event {
                Event::SafetyWindowClosed { day }
                    if node.kind == KeyKind::SafetyDay && day.to_string() == node.label =>
                {
                    return Some((index, "window_closed".to_owned()));
                }
                Event::KeysDestroyed { kinds, reason, pseudonym, actor, .. }
                    if kinds.iter().any(|kind| kind == node.kind.name()) =>
                {
                    let is_ours = pseudonym.is_none() || pseudonym == self.pseudonym;
                    if is_ours && truncated(at) == logged.leaf.at {
                        return Some((index, reason));
                    }
                    // The worker tells of what it destroyed when it has purged it, some steps later.
                    if later.is_none() && actor.is_none() && pseudonym.is_none() && logged.leaf.at >= at {
                        later = Some((index, reason));
                    }
                }
                _ => {}
            }
        }
        later
    }

    /// The certificate about a destruction: one that names the conversation, or one of the same run.
    fn certificate_about(&self, node: &KeyNode, at: Timestamp) -> Result<Option<String>, AdminError> {
        let found = self.control.certificates_from(self.organization, at, CERTIFICATES_MAX)?;
        for record in found {
            let Ok(certificate) = serde_json::from_str::<Certificate>(&record.json) else { continue };
            let is_of_it = match certificate.destroyed.scope {
                CertifiedScope::Conversation { conversation, .. }
                | CertifiedScope::Record { conversation, .. } => conversation == self.conversation,
                CertifiedScope::Person { .. } => false,
                CertifiedScope::Ended {} => true,
            };
            let counts_it = certificate.destroyed.keys.contains_key(node.kind.name());
            if is_of_it && counts_it && certificate.keys_destroyed_at >= truncated(at) {
                return Ok(Some(record.reference));
            }
        }
        Ok(None)
    }
}

/// The instant as leaves and databases write it: in whole microseconds.
fn truncated(at: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(at.as_microsecond()).unwrap_or(at)
}

/// About where the log reached an instant: the first entry that is not before it, if entries lay in the order of their times.
fn first_at(log: &LogReader, at: Timestamp) -> Option<u64> {
    let (mut low, mut high) = (0, log.checkpoint().size);
    while low < high {
        let middle = low + (high - low) / 2;
        let entry = log.entry(middle).ok()?;
        let is_before = LoggedLeaf::parse(&entry).is_ok_and(|logged| logged.leaf.at < at);
        if is_before { low = middle + 1 } else { high = middle }
    }
    Some(low)
}
