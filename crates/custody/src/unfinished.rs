//! What crashes leave to be done about destructions, and what destructions leave behind.

use fiducia_ledger::Event;
use fiducia_policy::Timestamp;
use fiducia_store::{KeyKind, KeyNode};

use crate::AdminError;
use crate::retention::commands::RetentionProgress;
use crate::scribe::Fact;
use crate::writer::Writer;

/// Steps taken before anything new is taken in. What is left then is left to the worker: its keys are gone already.
const STEPS_AT_START_MAX: usize = 64;

impl Writer {
    /// Finishes what a crash or an error interrupted: replaced keys that live on, destroyed keys whose records lie about
    /// or whose owners are not marked yet.
    pub(crate) fn finish_destructions(&mut self) -> Result<(), AdminError> {
        let now = self.clock.now();
        // Before anybody reads: what was withdrawn has no path, also where the program ended before its keys had followed.
        while self.follow_consents(now)? {}
        self.finish_replacements(now)?;
        let mut progress = RetentionProgress::default();
        for step in 0..STEPS_AT_START_MAX {
            if !self.purge_step(now, "interrupted_destruction_finished", &mut progress)? {
                break;
            }
            if step == 0 {
                tracing::info!("finishing an interrupted destruction");
            }
        }
        Ok(())
    }

    /// Marks the conversations and people whose keys were destroyed.
    pub(crate) fn mark_owners(&mut self, unpurged: &[KeyNode], now: Timestamp) -> Result<(), AdminError> {
        let mut destroyed = Vec::new();
        for node in unpurged.iter().filter(|node| node.kind == KeyKind::Conversation) {
            let Some(conversation) = node.conversation else { continue };
            let living = self.files.keys.conversation_keys(conversation)?;
            // Otherwise one record was destroyed, and the others live under the key that replaced this one, or only a part
            // of the conversation has ended.
            if !living.iter().any(|key| key.kind == KeyKind::Conversation) {
                destroyed.push(conversation);
            }
        }
        self.files.control.destroy_conversations(&destroyed, now, None)?;
        let mut erased = false;
        // A key that another took the place of says nothing about its person.
        let erasing = unpurged.iter().filter(|node| node.kind.is_subjects() && node.replaced_by.is_none());
        let people: std::collections::BTreeSet<_> = erasing.filter_map(|node| node.subject).collect();
        for subject in people {
            let conversations = self.files.control.living_conversations_of(subject)?;
            self.files.control.destroy_conversations(&conversations, now, None)?;
            let kept = !self.files.keys.keys_of_conversations_of(subject)?.is_empty();
            self.files.control.erase_subject(subject, now, kept, None)?;
            erased = true;
        }
        if erased { self.callers_changed() } else { Ok(()) }
    }

    /// Forgets the pseudonyms of erased people of whom no ground keeps a record any more: the last thread to them.
    pub(crate) fn forget_erased(&mut self) -> Result<(), AdminError> {
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

    /// Says in the organisation's log that the safety windows of a day have ended.
    pub(crate) fn say_closed(&mut self, root: &KeyNode, now: Timestamp) -> Result<u64, AdminError> {
        let day = root.label.parse().map_err(|_| AdminError::Storage(format!("{} has no day", root.id)))?;
        let fact = Fact { at: now, event: Event::SafetyWindowClosed { day } };
        let event = self.event_id()?;
        self.files.control.announce(&fact.announcement(event, root.organization))?;
        self.deliver_control(event, root.organization, fact)
    }
}
