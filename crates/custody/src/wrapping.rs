//! Sealing a record and wrapping its data key for every ground that holds, with keys made on first use.

use std::sync::Arc;

use fiducia_keyring::{FreshDataKey, MatchingKey, RecordBinding, SymmetricKey};
use fiducia_policy::{
    ConversationId, GroundKind, HoldCandidate, KeyId, OrganizationId, RecordId, SubjectId, Timestamp,
};
use fiducia_store::{BucketName, KeyKind, StoredRecord, StoredWrap};

use crate::keychain::{KeyPurpose, Keychain, NewKey};
use crate::payload;
use crate::retention::governance::{Keeping, ServiceKeeping};
use crate::staging::{Batch, ConversationKeys, Draft, StagingError, SubjectKeys, record_hash};
use crate::writer::Writer;

impl Writer {
    /// Seals a plaintext and wraps its key for every ground that holds. Gives `false`, and stages nothing, when none does.
    pub(crate) fn seal(
        &mut self,
        batch: &mut Batch,
        subject: &SubjectKeys,
        record: RecordId,
        draft: Draft,
        plaintext: Vec<u8>,
    ) -> Result<bool, StagingError> {
        let keeping = self.keeping(subject, &draft)?;
        let data_key = FreshDataKey::generate(&*self.randomness)?;
        let wrapped = |(parent, key): (KeyId, SymmetricKey), randomness: &dyn fiducia_policy::Randomness| {
            let wrap = data_key.wrap_under(parent, &key, record, randomness)?;
            Ok::<_, StagingError>(StoredWrap { parent, wrap: wrap.to_vec() })
        };
        let service = match &keeping.service {
            Some(service) => {
                let key = self.conversation_key(batch, &draft, service, keeping.hangs_from)?;
                Some(wrapped(key, &*self.randomness)?)
            }
            None => None,
        };
        let safety = match &keeping.safety {
            Some(day) => Some(wrapped(self.safety_key(batch, &draft, day)?, &*self.randomness)?),
            None => None,
        };
        let mut held = Vec::new();
        for key in self.hold_keys(batch, &draft)? {
            held.push(wrapped(key, &*self.randomness)?);
        }
        if service.is_none() && safety.is_none() && held.is_empty() {
            return Ok(false);
        }
        let binding = RecordBinding {
            organization: draft.organization,
            pseudonym: subject.pseudonym,
            record,
            schema_version: payload::SCHEMA_VERSION,
            key_version: RecordBinding::KEY_VERSION,
        };
        let sealed = data_key.seal(&binding, plaintext)?;
        let record_hash = record_hash(record, &sealed.commitment, &sealed.ciphertext);
        let stored = StoredRecord {
            id: record,
            exchange: draft.exchange,
            kind: draft.kind,
            organization: draft.organization,
            subject: draft.subject,
            conversation: draft.conversation,
            workspace: draft.workspace,
            created_at: draft.at,
            wire: draft.wire.to_owned(),
            model: draft.model,
            status: draft.status,
            answer_id: draft.answer_id,
            position: draft.position,
            prefix: draft.prefix,
            alias: draft.alias,
            schema_version: binding.schema_version,
            key_version: binding.key_version,
            commitment: sealed.commitment,
            ciphertext: sealed.ciphertext,
            record_hash,
            batch: draft.exchange,
            service,
            safety,
            held,
            terms: keeping.terms,
        };
        batch.records.push((keeping.bucket, stored));
        Ok(true)
    }

    /// What the policy says of a record that is captured now.
    fn keeping(&self, subject: &SubjectKeys, draft: &Draft) -> Result<Keeping, StagingError> {
        let terms = self.callers.terms(draft.organization).ok_or(StagingError::UnknownOrganization)?;
        let person = subject.person;
        Ok(self.governance.at_capture(terms, person, draft.class, draft.covered, draft.at))
    }

    /// The subject's keys, made on first use.
    pub(crate) fn subject_keys(
        &mut self,
        batch: &mut Batch,
        organization: OrganizationId,
        subject: SubjectId,
        now: Timestamp,
    ) -> Result<Arc<SubjectKeys>, StagingError> {
        // Also what is remembered may be used only while the key above it may.
        self.keychain.require(organization)?;
        if let Some(keys) = self.caches.subjects.get(&subject) {
            return Ok(Arc::clone(keys));
        }
        let row = self.files.control.subject(subject)?.ok_or(StagingError::Erased)?;
        let (Some(pseudonym), None) = (row.pseudonym, row.erased_at) else {
            return Err(StagingError::Erased);
        };
        let nodes = self.files.keys.subject_keys(subject)?;
        let matching = match nodes.iter().find(|node| node.kind == KeyKind::Matching) {
            Some(node) => self.keychain.matching_key(&self.files.keys, node.id)?,
            None => {
                // It hangs apart, so that a withdrawal of consent changes nothing about what is recognised.
                let (parent, key) =
                    self.hanger(batch, (organization, subject), KeyKind::SubjectApart, now)?;
                let purpose = subject_purpose((organization, subject), KeyKind::Matching);
                let new = Keychain::new_child((parent, &key), purpose, now, &*self.randomness)?;
                MatchingKey::new(&keep(batch, new).1)
            }
        };
        let keys = Arc::new(SubjectKeys { pseudonym, person: (&row).into(), matching });
        self.caches.subjects.put(subject, Arc::clone(&keys));
        Ok(keys)
    }

    /// The subject's key of a kind from which new conversations hang, made on first use. Whoever consents to something has
    /// one of every kind that may be opened by it, so that one that is made here needs no path.
    pub(crate) fn hanger(
        &mut self,
        batch: &mut Batch,
        (organization, subject): (OrganizationId, SubjectId),
        kind: KeyKind,
        now: Timestamp,
    ) -> Result<(KeyId, SymmetricKey), StagingError> {
        if let Some((id, key)) = self.caches.hangers.get(&(subject, kind)) {
            return Ok((*id, key.clone()));
        }
        let nodes = self.files.keys.subject_keys(subject)?;
        let current = nodes.iter().find(|node| node.kind == kind && node.replaced_by.is_none());
        let (id, key) = match current {
            Some(node) => (node.id, self.keychain.key(&self.files.keys, node.id)?),
            None => keep(batch, self.new_subject_key((organization, subject), kind, now)?),
        };
        self.caches.hangers.put((subject, kind), (id, key.clone()));
        Ok((id, key))
    }

    /// A fresh key of a subject, under the organisation's service root.
    pub(crate) fn new_subject_key(
        &mut self,
        whose: (OrganizationId, SubjectId),
        kind: KeyKind,
        now: Timestamp,
    ) -> Result<NewKey, StagingError> {
        let root = self
            .files
            .keys
            .root(whose.0, KeyKind::ServiceRoot, "")?
            .ok_or(StagingError::UnknownOrganization)?
            .id;
        let root_key = self.keychain.key(&self.files.keys, root)?;
        Ok(Keychain::new_child((root, &root_key), subject_purpose(whose, kind), now, &*self.randomness)?)
    }

    /// The conversation's key for records that end together, made on first use.
    fn conversation_key(
        &mut self,
        batch: &mut Batch,
        draft: &Draft,
        service: &ServiceKeeping,
        hangs_from: KeyKind,
    ) -> Result<(KeyId, SymmetricKey), StagingError> {
        let place = (hangs_from, service.label);
        let cached =
            self.caches.conversations.get(&draft.conversation).and_then(|known| known.service.clone());
        if let Some((cached_place, id, key)) = cached
            && cached_place == place
        {
            return Ok((id, key));
        }
        let label = service.label.as_str();
        let found = self.stored_service_key(draft.conversation, label, hangs_from)?;
        let (id, key) = match found {
            Some(found) => found,
            None => {
                let purpose = KeyPurpose {
                    ends_at: service.ends_at,
                    ..conversation_purpose(draft, KeyKind::Conversation, label)
                };
                let whose = (draft.organization, draft.subject);
                let (parent, parent_key) = self.hanger(batch, whose, hangs_from, draft.at)?;
                let new = Keychain::new_child((parent, &parent_key), purpose, draft.at, &*self.randomness)?;
                keep(batch, new)
            }
        };
        let known =
            self.caches.conversations.get_or_insert_mut(draft.conversation, ConversationKeys::default);
        // The key of another day or from another of the subject's keys is known to the store alone from now on.
        known.fresh &= known.service.is_none();
        known.service = Some((place, id, key.clone()));
        Ok((id, key))
    }

    /// The conversation's key of the safety windows that end with `day`, made on first use.
    fn safety_key(
        &mut self,
        batch: &mut Batch,
        draft: &Draft,
        day: &BucketName,
    ) -> Result<(KeyId, SymmetricKey), StagingError> {
        let cached =
            self.caches.conversations.get(&draft.conversation).and_then(|known| known.safety.clone());
        if let Some((cached_day, id, key)) = cached
            && cached_day == *day
        {
            return Ok((id, key));
        }
        let found =
            self.stored_conversation_key(draft.conversation, KeyKind::ConversationSafety, day.as_str())?;
        let (id, key) = match found {
            Some(found) => found,
            None => {
                let root = self.shared_root(
                    batch,
                    (draft.organization, KeyKind::SafetyDay),
                    day.as_str(),
                    day.starts_at(),
                    draft.at,
                )?;
                let purpose = conversation_purpose(draft, KeyKind::ConversationSafety, day.as_str());
                let parent = (root.0, &root.1);
                keep(batch, Keychain::new_child(parent, purpose, draft.at, &*self.randomness)?)
            }
        };
        let known =
            self.caches.conversations.get_or_insert_mut(draft.conversation, ConversationKeys::default);
        known.fresh &= known.safety.is_none();
        known.safety = Some((*day, id, key.clone()));
        Ok((id, key))
    }

    /// The conversation's keys for the legal holds that cover a record, made on first use.
    fn hold_keys(
        &mut self,
        batch: &mut Batch,
        draft: &Draft,
    ) -> Result<Vec<(KeyId, SymmetricKey)>, StagingError> {
        let holds = self.holds.of(draft.organization);
        if holds.is_empty() {
            return Ok(Vec::new());
        }
        let tags = if holds.iter().any(|hold| !hold.scope.tags.is_empty()) {
            self.files.control.tags(draft.conversation)?
        } else {
            Vec::new()
        };
        let candidate =
            HoldCandidate { subject: draft.subject, captured_at: draft.at, model: &draft.model, tags: &tags };
        let mut keys = Vec::new();
        for hold in holds.iter().filter(|hold| hold.scope.covers(&candidate)) {
            let owner = KeyOwner {
                organization: draft.organization,
                subject: draft.subject,
                conversation: draft.conversation,
            };
            keys.push(self.held_key(batch, owner, GroundKind::LegalHold, hold.root, draft.at)?);
        }
        Ok(keys)
    }

    /// A conversation's key for a violation, feedback, an investigation or a hold, made on first use.
    pub(crate) fn held_key(
        &mut self,
        batch: &mut Batch,
        owner: KeyOwner,
        ground: GroundKind,
        root: KeyId,
        now: Timestamp,
    ) -> Result<(KeyId, SymmetricKey), StagingError> {
        let label = held_label(ground, root);
        let staged = batch.new_keys.iter().rev().find(|(node, _)| {
            node.conversation == Some(owner.conversation)
                && node.kind == KeyKind::ConversationHeld
                && node.label == label
        });
        if let Some((node, _)) = staged {
            // It was made for another record of the same commit.
            let id = node.id;
            let key = self.caches.held.get(&id).cloned().ok_or(StagingError::UnknownOrganization)?;
            return Ok((id, key));
        }
        if let Some(found) =
            self.stored_conversation_key(owner.conversation, KeyKind::ConversationHeld, &label)?
        {
            return Ok(found);
        }
        let root_key = match self.caches.held.get(&root) {
            Some(key) => key.clone(),
            None => self.keychain.key(&self.files.keys, root)?,
        };
        let purpose = KeyPurpose {
            kind: KeyKind::ConversationHeld,
            organization: owner.organization,
            subject: Some(owner.subject),
            conversation: Some(owner.conversation),
            label,
            ends_at: None,
        };
        let (id, key) = keep(batch, Keychain::new_child((root, &root_key), purpose, now, &*self.randomness)?);
        self.caches.held.put(id, key.clone());
        Ok((id, key))
    }

    /// The conversation's key for the person's own use with this label, if it hangs from a subject's key of this kind.
    fn stored_service_key(
        &mut self,
        conversation: ConversationId,
        label: &str,
        hangs_from: KeyKind,
    ) -> Result<Option<(KeyId, SymmetricKey)>, StagingError> {
        if self.caches.conversations.get(&conversation).is_some_and(|known| known.fresh) {
            return Ok(None);
        }
        for node in self.files.keys.conversation_keys(conversation)? {
            let fits = node.kind == KeyKind::Conversation && node.label == label;
            if fits && self.files.keys.parent_kind(node.id)? == Some(hangs_from) {
                return Ok(Some((node.id, self.keychain.key(&self.files.keys, node.id)?)));
            }
        }
        Ok(None)
    }

    fn stored_conversation_key(
        &mut self,
        conversation: ConversationId,
        kind: KeyKind,
        label: &str,
    ) -> Result<Option<(KeyId, SymmetricKey)>, StagingError> {
        if self.caches.conversations.get(&conversation).is_some_and(|known| known.fresh)
            && kind != KeyKind::ConversationHeld
        {
            return Ok(None);
        }
        let nodes = self.files.keys.conversation_keys(conversation)?;
        let Some(node) = nodes.iter().find(|node| node.kind == kind && node.label == label) else {
            return Ok(None);
        };
        Ok(Some((node.id, self.keychain.key(&self.files.keys, node.id)?)))
    }

    /// An organisation's root of what ends with one day, made on first use.
    pub(crate) fn shared_root(
        &mut self,
        batch: &mut Batch,
        (organization, kind): (OrganizationId, KeyKind),
        label: &str,
        ends_at: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<(KeyId, SymmetricKey), StagingError> {
        let place = (organization, kind, label.to_owned());
        if let Some((id, key)) = self.caches.shared_roots.get(&place) {
            return Ok((*id, key.clone()));
        }
        let (id, key) = match self.files.keys.root(organization, kind, label)? {
            Some(node) => (node.id, self.keychain.key(&self.files.keys, node.id)?),
            None => {
                let purpose = KeyPurpose {
                    kind,
                    organization,
                    subject: None,
                    conversation: None,
                    label: label.to_owned(),
                    ends_at,
                };
                keep(batch, self.keychain.new_root(&self.files.keys, purpose, now, &*self.randomness)?)
            }
        };
        self.caches.shared_roots.put(place, (id, key.clone()));
        Ok((id, key))
    }
}

/// Whose a conversation's key is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KeyOwner {
    pub(crate) organization: OrganizationId,
    pub(crate) subject: SubjectId,
    pub(crate) conversation: ConversationId,
}

/// The label of a conversation's key under the root of a violation, feedback, investigation or hold.
pub(crate) fn held_label(ground: GroundKind, root: KeyId) -> String {
    format!("{}:{}", ground.name(), root.uuid())
}

/// Which ground a label of [`held_label`] is of.
pub(crate) fn ground_of_label(label: &str) -> Option<GroundKind> {
    label.split_once(':')?.0.parse().ok()
}

fn keep(batch: &mut Batch, new: NewKey) -> (KeyId, SymmetricKey) {
    batch.new_keys.push(new.stored);
    (new.id, new.key)
}

fn subject_purpose((organization, subject): (OrganizationId, SubjectId), kind: KeyKind) -> KeyPurpose {
    KeyPurpose {
        kind,
        organization,
        subject: Some(subject),
        conversation: None,
        label: String::new(),
        ends_at: None,
    }
}

fn conversation_purpose(draft: &Draft, kind: KeyKind, label: &str) -> KeyPurpose {
    KeyPurpose {
        kind,
        organization: draft.organization,
        subject: Some(draft.subject),
        conversation: Some(draft.conversation),
        label: label.to_owned(),
        ends_at: None,
    }
}
