//! Destroying one record: its conversation gets new keys, the survivors are wrapped under them, the old keys go.

use fiducia_keyring::rewrap;
use fiducia_ledger::Event;
use fiducia_policy::{ConversationId, KeyId, PersonId, RecordId, Timestamp};
use fiducia_store::{KeyNode, StoredWrap};

use crate::AdminError;
use crate::administer::ids;
use crate::administration::DestructionReport;
use crate::certificate::CertifiedScope;
use crate::destruction::{Plan, grounds_of, kinds, refuse_opened};
use crate::faults;
use crate::keychain::{KeyPurpose, Keychain};
use crate::retention::governance::Happened;
use crate::scribe::Fact;
use crate::writer::Writer;

const RECORDS_PER_STEP: u32 = 500;

impl Writer {
    /// Destroys one record: its conversation gets new keys, the survivors are wrapped under them, the old keys go.
    pub(crate) fn destroy_record(
        &mut self,
        id: RecordId,
        actor: PersonId,
    ) -> Result<DestructionReport, AdminError> {
        let (_, record) = self
            .find(id)?
            .ok_or_else(|| AdminError::NotFound(format!("there is no {id}; nothing was destroyed")))?;
        let conversation = record.conversation;
        self.hold_before_destruction(&[conversation])?;
        let (_, record) = self
            .find(id)?
            .ok_or_else(|| AdminError::NotFound(format!("there is no {id}; nothing was destroyed")))?;
        let parents: Vec<KeyId> = record.wraps().map(|wrap| wrap.parent).collect();
        let nodes: Vec<KeyNode> = self
            .files
            .keys
            .conversation_keys(conversation)?
            .into_iter()
            .filter(|node| parents.contains(&node.id))
            .collect();
        let (rotate, kept) = self.split_by_survival(Happened::Deletion, nodes)?;
        if !kept.is_empty() {
            return Err(AdminError::Conflict(format!(
                "{id} is kept for {} too, which outlasts a deletion, and shares its key with the rest of {conversation}; \
                 delete the conversation, or wait for that ground to end",
                grounds_of(&kept)
            )));
        }
        let now = self.clock.now();
        let Some(binding) = self.binding_of(&record)? else {
            return Err(AdminError::Destroyed(format!("{id} belongs to a person who was erased")));
        };
        self.forget_prefixes(&[conversation])?;
        let rotated = self.rotate(&rotate, id, now);
        // Also after an error: a key that was replaced must not be used again.
        self.keychain.forget();
        self.caches.clear();
        let keys = rotated?;
        let plan = Plan {
            actor,
            organization: record.organization,
            subject: record.subject,
            pseudonym: Some(binding.pseudonym),
            conversations: Vec::new(),
            destroy: rotate,
            kept,
            evidence: vec![(binding, record)],
        };
        self.report_record(&plan, (id, conversation), keys, now)
    }

    fn report_record(
        &mut self,
        plan: &Plan,
        (record, conversation): (RecordId, ConversationId),
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
                actor: Some(plan.actor),
                pseudonym: plan.pseudonym,
                certificate: None,
            },
        };
        let event = self.event_id()?;
        let announcement = fact.announcement(event, plan.organization);
        self.files.control.remove_record(conversation, &announcement)?;
        self.settle(&plan.destroy, now)?;
        let index = self.deliver_control(event, plan.organization, fact)?;
        refuse_opened(&read_back)?;
        let report = DestructionReport {
            keys_destroyed: keys,
            records_purged: 1,
            conversations: 0,
            kept: Vec::new(),
            read_back,
            ledger: vec![(plan.organization, index)],
            certificate: None,
        };
        let scope = CertifiedScope::Record { record, conversation, pseudonym: plan.pseudonym };
        self.certified(plan, scope, now, report)
    }

    /// Gives a conversation new keys for `nodes`, without the record `removed`, and destroys the old ones.
    fn rotate(&mut self, nodes: &[KeyNode], removed: RecordId, now: Timestamp) -> Result<u64, AdminError> {
        let readers = std::sync::Arc::clone(&self.readers);
        let _no_readers = readers.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        for node in nodes {
            let fresh = self.rotation_key(node, now)?;
            self.files.keys.replace(node.id, &fresh.stored)?;
            faults::reached("key-replaced");
            self.rewrap_survivors(node, fresh.id, Some(removed))?;
            faults::reached("survivors-rewrapped");
        }
        let keys = self.destroy_and_forget(&ids(nodes), now)?;
        for name in self.files.place.names()? {
            self.files.bucket(&name)?.empty_wal()?;
        }
        Ok(keys)
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
            ends_at: node.ends_at,
        };
        Ok(Keychain::new_child((parent, &parent_key), purpose, now, &*self.randomness)?)
    }

    /// Wraps the data keys under `old` anew under `new`, except for `removed`, which is removed.
    pub(crate) fn rewrap_survivors(
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
                let mut moved = Vec::new();
                for (_, record) in records.iter().filter(|(_, record)| Some(record.id) != removed) {
                    let Some(wrap) = record.wraps().find(|wrap| wrap.parent == old.id) else { continue };
                    let fresh = rewrap(
                        record.id,
                        (old.id, &old_key),
                        &wrap.wrap,
                        (new, &new_key),
                        &*self.randomness,
                    )?;
                    moved.push((record.id, StoredWrap { parent: new, wrap: fresh.to_vec() }));
                }
                self.files.bucket(&name)?.rewrap_and_remove(old.id, &moved, removed)?;
            }
        }
        Ok(())
    }
}
