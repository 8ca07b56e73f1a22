//! What time and crashes leave to be done: interrupted destructions, and safety windows that have ended.

use fiducia_ledger::Event;
use fiducia_policy::{KeyId, Timestamp};
use fiducia_store::{KeyKind, KeyNode};

use crate::AdminError;
use crate::administration::{DestructionReport, ReadBack};
use crate::destruction::{Dropped, kinds, window_end};
use crate::scribe::Fact;
use crate::writer::Writer;

/// Keys destroyed in one step.
const NODES_PER_STEP: u32 = 1_000;

impl Writer {
    /// Finishes what a crash or an error interrupted: replaced keys that live on, destroyed keys whose records lie about
    /// or whose owners are not marked yet.
    pub(crate) fn finish_destructions(&mut self) -> Result<Dropped, AdminError> {
        let now = self.clock.now();
        for (old, new) in self.files.keys.unfinished_replacements()? {
            let Some(node) = self.files.keys.node(old)? else { continue };
            self.rewrap_survivors(&node, new, None)?;
            self.destroy_keys(&[node], now)?;
        }
        let unpurged = self.files.keys.destroyed_but_unpurged()?;
        let mut dropped = Dropped::default();
        if unpurged.is_empty() {
            return Ok(dropped);
        }
        tracing::info!(keys = unpurged.len(), "finishing an interrupted destruction");
        for root in unpurged.iter().filter(|node| node.kind == KeyKind::SafetyDay) {
            let under = self.close_children(root.id, now)?;
            (dropped.keys, dropped.records) = (dropped.keys + under.keys, dropped.records + under.records);
        }
        dropped.records += self.purge_again(&unpurged)?;
        self.mark_owners(&unpurged, now)?;
        for root in unpurged.iter().filter(|node| node.kind == KeyKind::SafetyDay) {
            self.say_closed(root, now)?;
        }
        self.announce_finished(&unpurged, dropped.records, now)?;
        self.settle(&unpurged, now)?;
        Ok(dropped)
    }

    /// Takes the bytes of destroyed keys and what they protected out of every file, as far as that was not done.
    fn purge_again(&mut self, unpurged: &[KeyNode]) -> Result<u64, AdminError> {
        let readers = std::sync::Arc::clone(&self.readers);
        let _no_readers = readers.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        self.files.keys.empty_wal()?;
        self.drop_paths(unpurged)
    }

    /// Marks the conversations and people whose keys were destroyed.
    pub(crate) fn mark_owners(&mut self, unpurged: &[KeyNode], now: Timestamp) -> Result<(), AdminError> {
        let mut destroyed = Vec::new();
        for node in unpurged.iter().filter(|node| node.kind == KeyKind::Conversation) {
            let Some(conversation) = node.conversation else { continue };
            let living = self.files.keys.conversation_keys(conversation)?;
            // Otherwise one record was destroyed: the others live under the key that replaced this one.
            if !living.iter().any(|key| key.kind == KeyKind::Conversation) {
                destroyed.push(conversation);
            }
        }
        self.files.control.destroy_conversations(&destroyed, now, None)?;
        for node in unpurged.iter().filter(|node| node.kind == KeyKind::Subject) {
            let Some(subject) = node.subject else { continue };
            let conversations = self.files.control.living_conversations_of(subject)?;
            self.files.control.destroy_conversations(&conversations, now, None)?;
            let kept = !self.files.keys.keys_of_conversations_of(subject)?.is_empty();
            self.files.control.erase_subject(subject, now, kept, None)?;
        }
        self.callers_changed()
    }

    /// Says in each organisation's log that an interrupted destruction was finished.
    fn announce_finished(
        &mut self,
        nodes: &[KeyNode],
        records: u64,
        now: Timestamp,
    ) -> Result<(), AdminError> {
        let mut organizations: Vec<_> = nodes.iter().map(|node| node.organization).collect();
        organizations.sort_unstable();
        organizations.dedup();
        for organization in organizations {
            let mine: Vec<_> =
                nodes.iter().filter(|node| node.organization == organization).cloned().collect();
            let event = Event::KeysDestroyed {
                keys: u64::try_from(mine.len()).unwrap_or(0),
                kinds: kinds(&mine),
                reason: "interrupted_destruction_finished".to_owned(),
                conversations: 0,
                records,
                actor: None,
                pseudonym: None,
                certificate: None,
            };
            let fact = Fact { at: now, event };
            let id = self.event_id()?;
            self.files.control.announce(&fact.announcement(id, organization))?;
            self.deliver_control(id, organization, fact)?;
        }
        Ok(())
    }

    /// Closes safety windows that have ended and purges what no ground holds any more.
    pub(crate) fn sweep(&mut self) -> Result<DestructionReport, AdminError> {
        let now = self.clock.now();
        self.settle_journal();
        let finished = self.finish_destructions()?;
        let mut report = DestructionReport {
            keys_destroyed: finished.keys,
            records_purged: finished.records,
            conversations: 0,
            kept: Vec::new(),
            read_back: ReadBack { attempts: 0, opened: 0, rows_found: 0 },
            ledger: Vec::new(),
        };
        for root in self.files.keys.roots_of_kind(KeyKind::SafetyDay)? {
            let days = self
                .callers
                .organization(root.organization)
                .map_or(0, |settings| settings.safety_window_days);
            if window_end(&root.label, days).is_some_and(|end| end <= now) {
                self.close_window(&root, now, &mut report)?;
            }
        }
        self.forget_erased()?;
        Ok(report)
    }

    /// Forgets the pseudonyms of erased people of whom no window keeps a record any more: the last thread to them.
    fn forget_erased(&mut self) -> Result<(), AdminError> {
        let mut forgotten = Vec::new();
        for subject in self.files.control.erased_with_pseudonym()? {
            if self.files.keys.keys_of_conversations_of(subject)?.is_empty() {
                forgotten.push(subject);
            }
        }
        if !forgotten.is_empty() {
            self.files.control.forget_pseudonyms(&forgotten)?;
            self.files.control.empty_wal()?;
        }
        Ok(())
    }

    fn close_window(
        &mut self,
        root: &KeyNode,
        now: Timestamp,
        report: &mut DestructionReport,
    ) -> Result<(), AdminError> {
        // The window ends with its root; the conversations' keys under it are dead from then on.
        let ended = self.destroy_keys(std::slice::from_ref(root), now)?;
        let under = self.close_children(root.id, now)?;
        report.keys_destroyed += ended.keys + under.keys;
        report.records_purged += under.records;
        let index = self.say_closed(root, now)?;
        self.settle(std::slice::from_ref(root), now)?;
        report.ledger.push((root.organization, index));
        Ok(())
    }

    /// Destroys the conversations' keys under the root of a window that has ended.
    fn close_children(&mut self, root: KeyId, now: Timestamp) -> Result<Dropped, AdminError> {
        let mut total = Dropped::default();
        loop {
            let children = self.files.keys.children(root, NODES_PER_STEP)?;
            if children.is_empty() {
                return Ok(total);
            }
            let dropped = self.destroy_keys(&children, now)?;
            self.settle(&children, now)?;
            (total.keys, total.records) = (total.keys + dropped.keys, total.records + dropped.records);
        }
    }

    /// Says in the organisation's log that a window has ended.
    fn say_closed(&mut self, root: &KeyNode, now: Timestamp) -> Result<u64, AdminError> {
        let day = root.label.parse().map_err(|_| AdminError::Storage(format!("{} has no day", root.id)))?;
        let fact = Fact { at: now, event: Event::SafetyWindowClosed { day } };
        let event = self.event_id()?;
        self.files.control.announce(&fact.announcement(event, root.organization))?;
        self.deliver_control(event, root.organization, fact)
    }
}
