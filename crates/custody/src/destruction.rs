//! Destroying: keys first, then bytes, then the read-back, then the ledger.
//!
//! The order makes every crash point safe. A destroyed key stays as a tombstone until what it protected is purged, so
//! that an interrupted destruction is found and finished when the store is opened again.

use fiducia_keyring::{RecordBinding, SealedRecord, still_opens};
use fiducia_ledger::Event;
use fiducia_policy::{
    ConversationId, GroundKind, KeyId, OrganizationId, PersonId, Pseudonym, RecordId, SubjectId, Timestamp,
};
use fiducia_store::{BucketName, KeyKind, KeyNode, StoredRecord};

use crate::AdminError;
use crate::administer::ids;
use crate::administration::{DestructionReport, DestructionScope, KeptBecause, ReadBack};
use crate::certificate::CertifiedScope;
use crate::faults;
use crate::keychain::KeyPathError;
use crate::retention::governance::Happened;
use crate::scribe::Fact;
use crate::wrapping::ground_of_label;
use crate::writer::Writer;

/// Records held back in memory for the read-back of one destruction.
const READ_BACK_RECORDS_MAX: usize = 1_000;
/// Bytes of ciphertext held back for the read-back of one destruction.
const READ_BACK_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Key paths dropped in one transaction.
const PATHS_PER_STEP: usize = 256;
const RECORDS_PER_STEP: u32 = 500;
/// Digests forgotten in one transaction.
const DIGESTS_PER_STEP: u32 = 16_384;

/// What is to be destroyed, found out before anything is.
pub(crate) struct Plan {
    pub(crate) actor: PersonId,
    pub(crate) organization: OrganizationId,
    pub(crate) subject: SubjectId,
    pub(crate) pseudonym: Option<Pseudonym>,
    pub(crate) conversations: Vec<ConversationId>,
    pub(crate) destroy: Vec<KeyNode>,
    pub(crate) kept: Vec<KeyNode>,
    pub(crate) evidence: Vec<(RecordBinding, StoredRecord)>,
}

impl Plan {
    /// Whether there may be more evidence than is held back.
    pub(crate) fn is_cut(&self) -> bool {
        self.evidence.len() >= READ_BACK_RECORDS_MAX
    }
}

/// The outcome of destroying keys and dropping paths.
#[derive(Default)]
pub(crate) struct Dropped {
    pub(crate) keys: u64,
    pub(crate) records: u64,
}

impl Writer {
    /// Destroys what `scope` names.
    pub(crate) fn destroy(
        &mut self,
        scope: DestructionScope,
        actor: &str,
    ) -> Result<DestructionReport, AdminError> {
        let actor = self.person(actor)?;
        tracing::info!(?scope, %actor, "destruction begins");
        // What is destroyed must lie nowhere but in its bucket.
        self.settle_journal();
        match scope {
            DestructionScope::Conversation(id) => self.destroy_conversation(id, actor),
            DestructionScope::Subject(id) => self.erase(id, actor),
            DestructionScope::Record(id) => self.destroy_record(id, actor),
        }
    }

    fn destroy_conversation(
        &mut self,
        id: ConversationId,
        actor: PersonId,
    ) -> Result<DestructionReport, AdminError> {
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
        self.hold_before_destruction(&[id])?;
        let nodes = self.files.keys.conversation_keys(id)?;
        let (destroy, kept) = self.split_by_survival(Happened::Deletion, nodes)?;
        let plan = Plan {
            actor,
            organization: conversation.organization,
            subject: conversation.subject,
            pseudonym: subject.and_then(|subject| subject.pseudonym),
            conversations: vec![id],
            evidence: self.evidence(&[id])?,
            destroy,
            kept,
        };
        self.carry_out(&plan, "deletion", None)
    }

    pub(crate) fn erase(&mut self, id: SubjectId, actor: PersonId) -> Result<DestructionReport, AdminError> {
        let subject = self
            .files
            .control
            .subject(id)?
            .ok_or_else(|| AdminError::NotFound(format!("there is no {id}; nothing was destroyed")))?;
        if subject.erased_at.is_some() {
            return Err(AdminError::Destroyed(format!("{id} was erased before; nothing is left to destroy")));
        }
        let conversations = self.files.control.living_conversations_of(id)?;
        self.hold_before_destruction(&conversations)?;
        let nodes = self.files.keys.keys_of_conversations_of(id)?;
        let mut conversations: Vec<_> = nodes.iter().filter_map(|node| node.conversation).collect();
        // Also those whose keys are gone already, should an earlier attempt have ended half way.
        conversations.extend(self.files.control.living_conversations_of(id)?);
        conversations.sort_unstable();
        conversations.dedup();
        let (mut destroy, kept) = self.split_by_survival(Happened::Erasure, nodes)?;
        destroy.extend(self.files.keys.subject_keys(id)?);
        let evidence = self.evidence(&conversations)?;
        let plan = Plan {
            actor,
            organization: subject.organization,
            subject: id,
            pseudonym: subject.pseudonym,
            conversations,
            destroy,
            kept,
            evidence,
        };
        self.carry_out(&plan, "erasure", Some(id))
    }

    /// Which of a conversation's keys a deletion or erasure destroys, and which a ground keeps that outlasts it.
    pub(crate) fn split_by_survival(
        &self,
        happened: Happened,
        nodes: Vec<KeyNode>,
    ) -> Result<(Vec<KeyNode>, Vec<KeyNode>), AdminError> {
        let now = self.clock.now();
        let (mut destroy, mut kept) = (Vec::new(), Vec::new());
        for node in nodes {
            let outlasts = match (ground_of(&node), node.conversation) {
                (Some(GroundKind::Service) | None, _) | (_, None) => false,
                // Whoever holds or investigates decides when that ends, nobody else.
                (Some(GroundKind::LegalHold | GroundKind::Investigation), _) => true,
                (Some(ground), Some(conversation)) => match self.files.control.conversation(conversation)? {
                    Some(found) => {
                        let terms = self.terms_of(found.organization)?;
                        let person = self.person_terms(found.subject)?;
                        let opened = (ground, node.created_at);
                        self.governance.outlasts(terms, person, &found, opened, happened, now)
                    }
                    None => false,
                },
            };
            if outlasts { kept.push(node) } else { destroy.push(node) }
        }
        Ok((destroy, kept))
    }

    /// Records whose ciphertext is held back, to try it after the destruction.
    pub(crate) fn evidence(
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

    pub(crate) fn binding_of(&self, record: &StoredRecord) -> Result<Option<RecordBinding>, AdminError> {
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
        self.forget_prefixes(&plan.conversations)?;
        let dropped = self.destroy_keys(&plan.destroy, now);
        // A failure behind the commit, such as a busy write-ahead log, leaves the keys destroyed all the same. A failure
        // before it leaves everything as it was, and then answers under way must be kept.
        if dropped.is_ok() || self.are_gone(&plan.destroy)? {
            for open in self.open.values_mut() {
                let mine = Some(open.subject) == erased || plan.conversations.contains(&open.conversation);
                open.destroyed |= mine;
            }
            if dropped.is_err() {
                // Nobody may continue a conversation that is gone, whatever else is left to be done.
                self.mark_owners(&plan.destroy, now)?;
            }
        }
        let dropped = dropped?;
        let read_back = self.read_back(plan)?;
        let fact = Fact {
            at: now,
            event: Event::KeysDestroyed {
                keys: dropped.keys,
                kinds: kinds(&plan.destroy),
                reason: reason.to_owned(),
                conversations: u64::try_from(plan.conversations.len()).unwrap_or(0),
                records: dropped.records,
                actor: Some(plan.actor),
                // An erasure forgets the pseudonym; naming it in the entry would keep the last thread to the person.
                pseudonym: plan.pseudonym.filter(|_| erased.is_none()),
                certificate: None,
            },
        };
        let event = self.event_id()?;
        let announcement = fact.announcement(event, plan.organization);
        if let Some(subject) = erased {
            self.files.control.destroy_conversations(&plan.conversations, now, None)?;
            self.files.control.erase_subject(subject, now, !plan.kept.is_empty(), Some(&announcement))?;
            self.callers_changed()?;
        } else {
            self.files.control.destroy_conversations(&plan.conversations, now, Some(&announcement))?;
        }
        self.settle(&plan.destroy, now)?;
        let index = self.deliver_control(event, plan.organization, fact)?;
        refuse_opened(&read_back)?;
        let report = DestructionReport {
            keys_destroyed: dropped.keys,
            records_purged: dropped.records,
            conversations: u64::try_from(plan.conversations.len()).unwrap_or(0),
            kept: self.kept_because(plan)?,
            read_back,
            ledger: vec![(plan.organization, index)],
            certificate: None,
        };
        let scope = match (erased, plan.conversations.first()) {
            (None, Some(conversation)) => {
                CertifiedScope::Conversation { conversation: *conversation, pseudonym: plan.pseudonym }
            }
            _ => self.person_scope(&plan.conversations)?,
        };
        self.certified(plan, scope, now, report)
    }

    /// Forgets by which beginnings conversations are recognised. INVARIANT: this comes before their keys are destroyed and
    /// their records purged, since the records tell the digests. Should a crash come between, the conversations live on
    /// and are merely not continued.
    pub(crate) fn forget_prefixes(&mut self, conversations: &[ConversationId]) -> Result<(), AdminError> {
        for name in self.files.place.names()? {
            self.forget_prefixes_in(&name, conversations)?;
        }
        // What is remembered of them must go too, also when the destruction fails.
        self.caches.prefixes.clear();
        faults::reached("prefixes-forgotten");
        Ok(())
    }

    /// Forgets by which beginnings in one bucket conversations are recognised.
    pub(crate) fn forget_prefixes_in(
        &mut self,
        name: &BucketName,
        conversations: &[ConversationId],
    ) -> Result<(), AdminError> {
        let mut from = Some((0, 0));
        while let Some(here) = from {
            let (digests, next) =
                self.files.bucket(name)?.prefixes_of(conversations, here, DIGESTS_PER_STEP)?;
            if !digests.is_empty() {
                self.files.control.forget_prefixes(&digests)?;
            }
            from = next;
        }
        Ok(())
    }

    /// Whether none of these keys can be reached any more.
    fn are_gone(&self, nodes: &[KeyNode]) -> Result<bool, AdminError> {
        for node in nodes {
            if self.files.keys.edge(node.id)?.is_some() {
                return Ok(false);
            }
        }
        Ok(!nodes.is_empty())
    }

    /// Takes over what an erasure changed about who may speak.
    pub(crate) fn callers_changed(&self) -> Result<(), AdminError> {
        self.callers.forget_names();
        for key in self.files.control.virtual_keys()? {
            self.callers.put_key(key);
        }
        Ok(())
    }

    fn kept_because(&self, plan: &Plan) -> Result<Vec<KeptBecause>, AdminError> {
        let mut kept = Vec::new();
        for node in &plan.kept {
            let Some(ground) = ground_of(node) else { continue };
            let records = plan
                .evidence
                .iter()
                .filter(|(_, record)| record.wraps().any(|wrap| wrap.parent == node.id))
                .count();
            kept.push(KeptBecause {
                ground,
                until: self.end_of_path(node)?,
                records: u64::try_from(records).unwrap_or(0),
            });
        }
        Ok(kept)
    }

    /// Destroys keys, drops the paths through them, and purges what no path opens any more. Until [`Self::settle`] the
    /// destruction counts as unfinished, and opening the data again or a sweep goes on with it.
    pub(crate) fn destroy_keys(&mut self, nodes: &[KeyNode], now: Timestamp) -> Result<Dropped, AdminError> {
        let readers = std::sync::Arc::clone(&self.readers);
        // No reader may hold an old snapshot while the write-ahead logs are emptied.
        let _no_readers = readers.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        let keys = self.destroy_and_forget(&ids(nodes), now)?;
        let records = self.drop_paths(nodes)?;
        faults::reached("paths-dropped");
        Ok(Dropped { keys, records })
    }

    pub(crate) fn destroy_and_forget(&mut self, keys: &[KeyId], now: Timestamp) -> Result<u64, AdminError> {
        self.scrubbing.keys = Some(0);
        let keys = if faults::is_planted("keys-stay") { &[] } else { keys };
        let destroyed = self.files.keys.destroy(keys, now);
        // Also after an error: the keys may be gone, and what is sealed under a remembered one could never be opened.
        self.keychain.forget();
        self.caches.clear();
        faults::reached("keys-destroyed");
        Ok(destroyed?)
    }

    /// Ends a destruction: everything that follows from it is done, in every file. INVARIANT: this comes after the
    /// changes to the control file, since what is marked is not looked at again after a crash.
    pub(crate) fn settle(&mut self, nodes: &[KeyNode], now: Timestamp) -> Result<(), AdminError> {
        let readers = std::sync::Arc::clone(&self.readers);
        let _no_readers = readers.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        faults::reached("noted");
        self.files.control.empty_wal()?;
        self.files.keys.mark_purged(&ids(nodes), now)?;
        faults::reached("marked-purged");
        Ok(())
    }

    pub(crate) fn drop_paths(&mut self, nodes: &[KeyNode]) -> Result<u64, AdminError> {
        let pairs: Vec<(ConversationId, KeyId)> =
            nodes.iter().filter_map(|node| Some((node.conversation?, node.id))).collect();
        let mut removed = 0;
        if pairs.is_empty() {
            return Ok(0);
        }
        for name in self.files.place.names()? {
            let bucket = self.files.bucket(&name)?;
            let before = removed;
            for step in pairs.chunks(PATHS_PER_STEP) {
                removed += bucket.drop_paths(step)?;
            }
            bucket.empty_wal()?;
            if removed > before {
                self.scrubbing.buckets.insert(name, 0);
            }
        }
        Ok(removed)
    }

    /// Tries to open what was destroyed, by every path its rows named.
    pub(crate) fn read_back(&mut self, plan: &Plan) -> Result<ReadBack, AdminError> {
        let kept: Vec<KeyId> = ids(&plan.kept);
        let mut read_back = ReadBack { attempts: 0, opened: 0, rows_found: 0 };
        for (binding, record) in &plan.evidence {
            let sealed =
                SealedRecord { ciphertext: record.ciphertext.clone(), commitment: record.commitment };
            for wrap in record.wraps().filter(|wrap| !kept.contains(&wrap.parent)) {
                read_back.attempts += 1;
                // The keychain was emptied: what it gives now comes from the file.
                let parent = self.keychain.key(&self.files.keys, wrap.parent);
                if let Err(KeyPathError::Unavailable(error)) = parent {
                    // The key is there and only its service keeps silent: that proves nothing.
                    return Err(error.into());
                }
                if let Ok(parent) = parent
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

    /// A record with the bucket it lies in.
    pub(crate) fn find(&mut self, id: RecordId) -> Result<Option<(BucketName, StoredRecord)>, AdminError> {
        for name in self.files.place.names()? {
            if let Some(record) = self.files.bucket(&name)?.record(id)? {
                return Ok(Some((name, record)));
            }
        }
        Ok(None)
    }
}

/// Ends a destruction that failed: what can be opened is not destroyed, whatever else was done.
pub(crate) fn refuse_opened(read_back: &ReadBack) -> Result<(), AdminError> {
    if read_back.opened == 0 {
        return Ok(());
    }
    Err(AdminError::Storage(format!(
        "{} of {} records could still be opened after their keys were destroyed; the destruction failed and has no \
         certificate",
        read_back.opened, read_back.attempts
    )))
}

pub(crate) fn kinds(nodes: &[KeyNode]) -> Vec<String> {
    let mut kinds: Vec<_> = nodes.iter().map(|node| node.kind.name().to_owned()).collect();
    kinds.sort_unstable();
    kinds.dedup();
    kinds
}

/// Which ground the last key of a path is of.
pub(crate) fn ground_of(node: &KeyNode) -> Option<GroundKind> {
    match node.kind {
        KeyKind::Conversation => Some(GroundKind::Service),
        KeyKind::ConversationSafety => Some(GroundKind::SafetyWindow),
        KeyKind::ConversationHeld => ground_of_label(&node.label),
        _ => None,
    }
}

pub(crate) fn grounds_of(nodes: &[KeyNode]) -> String {
    let mut names: Vec<_> = nodes.iter().filter_map(ground_of).map(GroundKind::name).collect();
    names.sort_unstable();
    names.dedup();
    names.join(", ")
}
