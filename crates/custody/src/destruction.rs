//! Destroying: keys first, then bytes, then the read-back, then the ledger.
//!
//! The order makes every crash point safe. A destroyed key stays as a tombstone until what it protected is purged, so
//! that an interrupted destruction is found and finished when the store is opened again.

use fiducia_keyring::{RecordBinding, SealedRecord, rewrap, still_opens};
use fiducia_ledger::Event;
use fiducia_policy::{
    ConversationId, GroundKind, KeyId, OrganizationId, Pseudonym, RecordId, SubjectId, Timestamp,
};
use fiducia_store::{BucketName, KeyKind, KeyNode, StoredRecord, StoredWrap};

use crate::AdminError;
use crate::administer::ids;
use crate::administration::{DestructionReport, DestructionScope, KeptBecause, ReadBack};
use crate::faults;
use crate::keychain::{KeyPurpose, Keychain};
use crate::scribe::Fact;
use crate::staging::day_of;
use crate::writer::Writer;

/// Records held back in memory for the read-back of one destruction.
const READ_BACK_RECORDS_MAX: usize = 1_000;
/// Bytes of ciphertext held back for the read-back of one destruction.
const READ_BACK_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Key paths dropped in one transaction.
const PATHS_PER_STEP: usize = 256;
const RECORDS_PER_STEP: u32 = 500;
const NODES_PER_STEP: u32 = 1_000;
const SECONDS_PER_DAY: i64 = 86_400;

/// What is to be destroyed, found out before anything is.
struct Plan {
    organization: OrganizationId,
    pseudonym: Option<Pseudonym>,
    conversations: Vec<ConversationId>,
    destroy: Vec<KeyNode>,
    kept: Vec<KeyNode>,
    evidence: Vec<(RecordBinding, StoredRecord)>,
}

/// The outcome of destroying keys and dropping paths.
#[derive(Default)]
pub(crate) struct Dropped {
    keys: u64,
    records: u64,
}

impl Writer {
    /// Destroys what `scope` names.
    pub(crate) fn destroy(
        &mut self,
        scope: DestructionScope,
        actor: &str,
    ) -> Result<DestructionReport, AdminError> {
        tracing::info!(?scope, actor, "destruction begins");
        match scope {
            DestructionScope::Conversation(id) => self.destroy_conversation(id),
            DestructionScope::Subject(id) => self.erase(id),
            DestructionScope::Record(id) => self.destroy_record(id),
        }
    }

    fn destroy_conversation(&mut self, id: ConversationId) -> Result<DestructionReport, AdminError> {
        let conversation = self
            .files
            .control
            .conversation(id)?
            .ok_or_else(|| AdminError::NotFound(format!("there is no {id}; nothing was destroyed")))?;
        if conversation.destroyed_at.is_some() {
            return Err(AdminError::Destroyed(format!(
                "{id} was destroyed before; nothing is left to destroy"
            )));
        }
        let subject = self.files.control.subject(conversation.subject)?;
        let nodes = self.files.keys.conversation_keys(id)?;
        let (destroy, kept) = self.split_by_survival(conversation.organization, nodes)?;
        let plan = Plan {
            organization: conversation.organization,
            pseudonym: subject.and_then(|subject| subject.pseudonym),
            conversations: vec![id],
            evidence: self.evidence(&[id])?,
            destroy,
            kept,
        };
        self.carry_out(&plan, "deletion", None)
    }

    fn erase(&mut self, id: SubjectId) -> Result<DestructionReport, AdminError> {
        let subject = self
            .files
            .control
            .subject(id)?
            .ok_or_else(|| AdminError::NotFound(format!("there is no {id}; nothing was destroyed")))?;
        if subject.erased_at.is_some() {
            return Err(AdminError::Destroyed(format!("{id} was erased before; nothing is left to destroy")));
        }
        let nodes = self.files.keys.keys_of_conversations_of(id)?;
        let mut conversations: Vec<_> = nodes.iter().filter_map(|node| node.conversation).collect();
        conversations.sort_unstable();
        conversations.dedup();
        let (mut destroy, kept) = self.split_by_survival(subject.organization, nodes)?;
        destroy.extend(self.files.keys.subject_keys(id)?);
        let evidence = self.evidence(&conversations)?;
        let plan = Plan {
            organization: subject.organization,
            pseudonym: subject.pseudonym,
            conversations,
            destroy,
            kept,
            evidence,
        };
        self.carry_out(&plan, "erasure", Some(id))
    }

    /// Which of a conversation's keys a deletion destroys, and which a safety window keeps.
    fn split_by_survival(
        &self,
        organization: OrganizationId,
        nodes: Vec<KeyNode>,
    ) -> Result<(Vec<KeyNode>, Vec<KeyNode>), AdminError> {
        let settings = self
            .callers
            .organization(organization)
            .ok_or_else(|| AdminError::NotFound(format!("there is no {organization}")))?;
        Ok(nodes.into_iter().partition(|node| {
            node.kind != KeyKind::ConversationSafety || !settings.safety_window_survives_deletion
        }))
    }

    /// Records whose ciphertext is held back, to try it after the destruction.
    fn evidence(
        &mut self,
        conversations: &[ConversationId],
    ) -> Result<Vec<(RecordBinding, StoredRecord)>, AdminError> {
        let mut evidence = Vec::new();
        let mut bytes = 0;
        for name in self.files.place.names()? {
            for conversation in conversations {
                let mut after = 0;
                loop {
                    let records =
                        self.files.bucket(&name)?.conversation(*conversation, after, RECORDS_PER_STEP)?;
                    let Some((last, _)) = records.last() else { break };
                    after = *last;
                    for (_, record) in records {
                        if evidence.len() >= READ_BACK_RECORDS_MAX || bytes >= READ_BACK_BYTES_MAX {
                            return Ok(evidence);
                        }
                        bytes += record.ciphertext.len();
                        let Some(binding) = self.binding_of(&record)? else { continue };
                        evidence.push((binding, record));
                    }
                }
            }
        }
        Ok(evidence)
    }

    fn binding_of(&self, record: &StoredRecord) -> Result<Option<RecordBinding>, AdminError> {
        let subject = self.files.control.subject(record.subject)?;
        Ok(subject.and_then(|subject| subject.pseudonym).map(|pseudonym| RecordBinding {
            organization: record.organization,
            pseudonym,
            record: record.id,
            schema_version: record.schema_version,
            key_version: record.key_version,
        }))
    }

    fn carry_out(
        &mut self,
        plan: &Plan,
        reason: &str,
        erased: Option<SubjectId>,
    ) -> Result<DestructionReport, AdminError> {
        let now = self.clock.now();
        for open in self.open.values_mut() {
            let mine = Some(open.subject) == erased || plan.conversations.contains(&open.conversation);
            open.destroyed |= mine;
        }
        let dropped = self.destroy_keys(&plan.destroy, now)?;
        let read_back = self.read_back(plan)?;
        let fact = Fact {
            at: now,
            event: Event::KeysDestroyed {
                keys: dropped.keys,
                kinds: kinds(&plan.destroy),
                reason: reason.to_owned(),
                conversations: u64::try_from(plan.conversations.len()).unwrap_or(0),
                records: dropped.records,
                // An erasure forgets the pseudonym; naming it in the entry would keep the last thread to the person.
                pseudonym: plan.pseudonym.filter(|_| erased.is_none()),
                certificate: None,
            },
        };
        let event = self.event_id()?;
        let announcement = fact.announcement(event, plan.organization);
        if let Some(subject) = erased {
            self.files.control.destroy_conversations(&plan.conversations, now, None)?;
            self.files.control.erase_subject(subject, now, &announcement)?;
            self.callers.forget_names();
            for key in self.files.control.virtual_keys()? {
                self.callers.put_key(key);
            }
        } else {
            self.files.control.destroy_conversations(&plan.conversations, now, Some(&announcement))?;
        }
        let index = self.deliver_control(event, plan.organization, fact)?;
        if read_back.opened > 0 {
            return Err(AdminError::Storage(format!(
                "{} of {} records could still be opened after their keys were destroyed; the destruction failed",
                read_back.opened, read_back.attempts
            )));
        }
        Ok(DestructionReport {
            keys_destroyed: dropped.keys,
            records_purged: dropped.records,
            conversations: u64::try_from(plan.conversations.len()).unwrap_or(0),
            kept: self.kept_because(plan),
            read_back,
            ledger: vec![(plan.organization, index)],
        })
    }

    fn kept_because(&self, plan: &Plan) -> Vec<KeptBecause> {
        let days =
            self.callers.organization(plan.organization).map_or(0, |settings| settings.safety_window_days);
        let mut kept = Vec::new();
        for node in &plan.kept {
            let records = plan
                .evidence
                .iter()
                .filter(|(_, record)| record.safety.as_ref().is_some_and(|wrap| wrap.parent == node.id))
                .count();
            kept.push(KeptBecause {
                ground: GroundKind::SafetyWindow,
                until: window_end(&node.label, days),
                records: u64::try_from(records).unwrap_or(0),
            });
        }
        kept
    }

    /// Destroys keys, drops the paths through them, and purges what no path opens any more.
    fn destroy_keys(&mut self, nodes: &[KeyNode], now: Timestamp) -> Result<Dropped, AdminError> {
        let readers = std::sync::Arc::clone(&self.readers);
        // No reader may hold an old snapshot while the write-ahead logs are emptied.
        let _no_readers = readers.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        let keys = self.files.keys.destroy(&ids(nodes), now)?;
        faults::reached("keys-destroyed");
        self.keychain.forget();
        self.caches.clear();
        let records = self.drop_paths(nodes)?;
        faults::reached("paths-dropped");
        self.files.keys.mark_purged(&ids(nodes), now)?;
        faults::reached("marked-purged");
        Ok(Dropped { keys, records })
    }

    fn drop_paths(&mut self, nodes: &[KeyNode]) -> Result<u64, AdminError> {
        let pairs: Vec<(ConversationId, KeyId)> =
            nodes.iter().filter_map(|node| Some((node.conversation?, node.id))).collect();
        let mut removed = 0;
        if pairs.is_empty() {
            return Ok(0);
        }
        for name in self.files.place.names()? {
            let bucket = self.files.bucket(&name)?;
            for step in pairs.chunks(PATHS_PER_STEP) {
                removed += bucket.drop_paths(step)?;
            }
            bucket.empty_wal()?;
        }
        Ok(removed)
    }

    /// Tries to open what was destroyed, by every path its rows named.
    fn read_back(&mut self, plan: &Plan) -> Result<ReadBack, AdminError> {
        let kept: Vec<KeyId> = ids(&plan.kept);
        let mut read_back = ReadBack { attempts: 0, opened: 0, rows_found: 0 };
        for (binding, record) in &plan.evidence {
            let sealed =
                SealedRecord { ciphertext: record.ciphertext.clone(), commitment: record.commitment };
            let paths = [&record.service, &record.safety];
            for wrap in paths.into_iter().flatten().filter(|wrap| !kept.contains(&wrap.parent)) {
                read_back.attempts += 1;
                // The keychain was emptied: what it gives now comes from the file.
                if let Ok(parent) = self.keychain.key(&self.files.keys, wrap.parent)
                    && still_opens(wrap.parent, &parent, &wrap.wrap, binding, &sealed)
                {
                    read_back.opened += 1;
                }
            }
            if self.find(record.id)?.is_some() {
                read_back.rows_found += 1;
            }
        }
        Ok(read_back)
    }

    fn find(&mut self, id: RecordId) -> Result<Option<(BucketName, StoredRecord)>, AdminError> {
        for name in self.files.place.names()? {
            if let Some(record) = self.files.bucket(&name)?.record(id)? {
                return Ok(Some((name, record)));
            }
        }
        Ok(None)
    }

    /// Destroys one record: its conversation gets new keys, the survivors are wrapped under them, the old keys go.
    fn destroy_record(&mut self, id: RecordId) -> Result<DestructionReport, AdminError> {
        let (bucket, record) = self
            .find(id)?
            .ok_or_else(|| AdminError::NotFound(format!("there is no {id}; nothing was destroyed")))?;
        let conversation = record.conversation;
        let parents: Vec<KeyId> =
            [&record.service, &record.safety].into_iter().flatten().map(|wrap| wrap.parent).collect();
        let nodes: Vec<KeyNode> = self
            .files
            .keys
            .conversation_keys(conversation)?
            .into_iter()
            .filter(|node| parents.contains(&node.id))
            .collect();
        let (rotate, kept) = self.split_by_survival(record.organization, nodes)?;
        if !kept.is_empty() {
            return Err(AdminError::Conflict(format!(
                "a safety window of this organisation outlasts deletions and {id} shares its key with the rest of \
                 {conversation}; delete the conversation, or wait for the window to end"
            )));
        }
        let now = self.clock.now();
        let Some(binding) = self.binding_of(&record)? else {
            return Err(AdminError::Destroyed(format!("{id} belongs to a person who was erased")));
        };
        let readers = std::sync::Arc::clone(&self.readers);
        let no_readers = readers.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        for node in &rotate {
            let fresh = self.rotation_key(node, now)?;
            self.files.keys.replace(node.id, &fresh.stored)?;
            faults::reached("key-replaced");
            self.rewrap_survivors(node, fresh.id, Some(id))?;
            faults::reached("survivors-rewrapped");
        }
        let keys = self.files.keys.destroy(&ids(&rotate), now)?;
        self.keychain.forget();
        self.caches.clear();
        self.files.bucket(&bucket)?.empty_wal()?;
        self.files.keys.mark_purged(&ids(&rotate), now)?;
        drop(no_readers);
        let plan = Plan {
            organization: record.organization,
            pseudonym: Some(binding.pseudonym),
            conversations: Vec::new(),
            destroy: rotate,
            kept,
            evidence: vec![(binding, record)],
        };
        self.report_record(&plan, conversation, keys, now)
    }

    fn report_record(
        &mut self,
        plan: &Plan,
        conversation: ConversationId,
        keys: u64,
        now: Timestamp,
    ) -> Result<DestructionReport, AdminError> {
        let read_back = self.read_back(plan)?;
        let fact = Fact {
            at: now,
            event: Event::KeysDestroyed {
                keys,
                kinds: kinds(&plan.destroy),
                reason: "deletion".to_owned(),
                conversations: 0,
                records: 1,
                pseudonym: plan.pseudonym,
                certificate: None,
            },
        };
        let event = self.event_id()?;
        let announcement = fact.announcement(event, plan.organization);
        self.files.control.remove_record(conversation, &announcement)?;
        let index = self.deliver_control(event, plan.organization, fact)?;
        Ok(DestructionReport {
            keys_destroyed: keys,
            records_purged: 1,
            conversations: 0,
            kept: Vec::new(),
            read_back,
            ledger: vec![(plan.organization, index)],
        })
    }

    fn rotation_key(
        &mut self,
        node: &KeyNode,
        now: Timestamp,
    ) -> Result<crate::keychain::NewKey, AdminError> {
        let edge = self.files.keys.edge(node.id)?;
        let parent = edge
            .and_then(|edge| edge.parent)
            .ok_or_else(|| AdminError::Destroyed(format!("{} was destroyed", node.id)))?;
        let parent_key = self.keychain.key(&self.files.keys, parent)?;
        let purpose = KeyPurpose {
            kind: node.kind,
            organization: node.organization,
            subject: node.subject,
            conversation: node.conversation,
            label: node.label.clone(),
        };
        Ok(Keychain::new_child((parent, &parent_key), purpose, now, &*self.randomness)?)
    }

    /// Wraps the data keys under `old` anew under `new`, except for `removed`, which is removed.
    fn rewrap_survivors(
        &mut self,
        old: &KeyNode,
        new: KeyId,
        removed: Option<RecordId>,
    ) -> Result<(), AdminError> {
        let Some(conversation) = old.conversation else { return Ok(()) };
        let old_key = self.keychain.key(&self.files.keys, old.id)?;
        let new_key = self.keychain.key(&self.files.keys, new)?;
        for name in self.files.place.names()? {
            let mut after = 0;
            loop {
                let records =
                    self.files.bucket(&name)?.conversation(conversation, after, RECORDS_PER_STEP)?;
                let Some((last, _)) = records.last() else { break };
                after = *last;
                let (mut service, mut safety) = (Vec::new(), Vec::new());
                for (_, record) in records.iter().filter(|(_, record)| Some(record.id) != removed) {
                    for (wrap, moved) in [(&record.service, &mut service), (&record.safety, &mut safety)] {
                        let Some(wrap) = wrap.as_ref().filter(|wrap| wrap.parent == old.id) else { continue };
                        let fresh = rewrap(
                            record.id,
                            (old.id, &old_key),
                            &wrap.wrap,
                            (new, &new_key),
                            &*self.randomness,
                        )?;
                        moved.push((record.id, StoredWrap { parent: new, wrap: fresh.to_vec() }));
                    }
                }
                self.files.bucket(&name)?.rewrap_and_remove(&service, &safety, removed)?;
            }
        }
        Ok(())
    }

    /// Finishes what a crash interrupted: replaced keys that live on, destroyed keys whose records lie about.
    pub(crate) fn finish_destructions(&mut self) -> Result<Dropped, AdminError> {
        let now = self.clock.now();
        for (old, new) in self.files.keys.unfinished_replacements()? {
            let Some(node) = self.files.keys.node(old)? else { continue };
            self.rewrap_survivors(&node, new, None)?;
            self.destroy_keys(&[node], now)?;
        }
        let unpurged = self.files.keys.destroyed_but_unpurged()?;
        let mut dropped = Dropped::default();
        if !unpurged.is_empty() {
            tracing::info!(keys = unpurged.len(), "finishing an interrupted destruction");
            dropped.records = self.drop_paths(&unpurged)?;
            let mut conversations: Vec<_> = unpurged
                .iter()
                .filter(|node| node.kind == KeyKind::Conversation)
                .filter_map(|node| node.conversation)
                .collect();
            conversations.dedup();
            self.files.control.destroy_conversations(&conversations, now, None)?;
            self.announce_finished(&unpurged, dropped.records, now)?;
            self.files.keys.mark_purged(&ids(&unpurged), now)?;
        }
        Ok(dropped)
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
        Ok(report)
    }

    fn close_window(
        &mut self,
        root: &KeyNode,
        now: Timestamp,
        report: &mut DestructionReport,
    ) -> Result<(), AdminError> {
        // The window ends with its root; the conversations' keys under it are dead from then on.
        let children_first = self.files.keys.children(root.id, NODES_PER_STEP)?;
        let dropped = self.destroy_keys(std::slice::from_ref(root), now)?;
        report.keys_destroyed += dropped.keys;
        let mut children = children_first;
        while !children.is_empty() {
            let dropped = self.destroy_keys(&children, now)?;
            report.keys_destroyed += dropped.keys;
            report.records_purged += dropped.records;
            children = self.files.keys.children(root.id, NODES_PER_STEP)?;
        }
        let day = root.label.parse().map_err(|_| AdminError::Storage(format!("{} has no day", root.id)))?;
        let fact = Fact { at: now, event: Event::SafetyWindowClosed { day } };
        let event = self.event_id()?;
        self.files.control.announce(&fact.announcement(event, root.organization))?;
        let index = self.deliver_control(event, root.organization, fact)?;
        report.ledger.push((root.organization, index));
        Ok(())
    }
}

fn kinds(nodes: &[KeyNode]) -> Vec<String> {
    let mut kinds: Vec<_> = nodes.iter().map(|node| node.kind.name().to_owned()).collect();
    kinds.sort_unstable();
    kinds.dedup();
    kinds
}

/// When the safety window of a day ends: `days` whole days after that day.
pub(crate) fn window_end(day: &str, days: u32) -> Option<Timestamp> {
    let start: Timestamp = format!("{day}T00:00:00Z").parse().ok()?;
    let seconds = (i64::from(days) + 1).checked_mul(SECONDS_PER_DAY)?;
    let end = Timestamp::from_second(start.as_second().checked_add(seconds)?).ok()?;
    debug_assert!(day_of(start) == day, "a day begins on itself");
    Some(end)
}
