//! Sealing a record and wrapping its data key for every ground that holds, with keys made on first use.

use std::sync::Arc;

use fiducia_keyring::{FreshDataKey, MatchingKey, RecordBinding, SymmetricKey};
use fiducia_policy::{
    ConversationId, GroundKind, HoldCandidate, KeyId, OrganizationId, Pseudonym, RecordId, SubjectId,
    Timestamp,
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
                let key = self.conversation_key(batch, subject, &draft, service)?;
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
        if let Some(keys) = self.caches.subjects.get(&subject) {
            return Ok(Arc::clone(keys));
        }
        let row = self.files.control.subject(subject)?.ok_or(StagingError::Erased)?;
        let (Some(pseudonym), None) = (row.pseudonym, row.erased_at) else {
            return Err(StagingError::Erased);
        };
        let nodes = self.files.keys.subject_keys(subject)?;
        let find = |kind| nodes.iter().find(|node| node.kind == kind).map(|node| node.id);
        let keys = match (find(KeyKind::Subject), find(KeyKind::Matching)) {
            (Some(id), Some(matching)) => SubjectKeys {
                pseudonym,
                person: (&row).into(),
                id,
                key: self.keychain.key(&self.files.keys, id)?,
                matching: self.keychain.matching_key(&self.files.keys, matching)?,
            },
            _ => self.make_subject_keys(batch, organization, &row, pseudonym, now)?,
        };
        let keys = Arc::new(keys);
        self.caches.subjects.put(subject, Arc::clone(&keys));
        Ok(keys)
    }

    fn make_subject_keys(
        &mut self,
        batch: &mut Batch,
        organization: OrganizationId,
        row: &fiducia_store::SubjectRecord,
        pseudonym: Pseudonym,
        now: Timestamp,
    ) -> Result<SubjectKeys, StagingError> {
        let root = self
            .files
            .keys
            .root(organization, KeyKind::ServiceRoot, "")?
            .ok_or(StagingError::UnknownOrganization)?
            .id;
        let root_key = self.keychain.key(&self.files.keys, root)?;
        let purpose = |kind| KeyPurpose {
            kind,
            organization,
            subject: Some(row.id),
            conversation: None,
            label: String::new(),
            ends_at: None,
        };
        let own = Keychain::new_child((root, &root_key), purpose(KeyKind::Subject), now, &*self.randomness)?;
        let matching =
            Keychain::new_child((own.id, &own.key), purpose(KeyKind::Matching), now, &*self.randomness)?;
        let keys = SubjectKeys {
            pseudonym,
            person: row.into(),
            id: own.id,
            key: own.key.clone(),
            matching: MatchingKey::new(&matching.key),
        };
        batch.new_keys.extend([own.stored, matching.stored]);
        Ok(keys)
    }

    /// The conversation's key for records that end together, made on first use.
    fn conversation_key(
        &mut self,
        batch: &mut Batch,
        subject: &SubjectKeys,
        draft: &Draft,
        service: &ServiceKeeping,
    ) -> Result<(KeyId, SymmetricKey), StagingError> {
        let cached =
            self.caches.conversations.get(&draft.conversation).and_then(|known| known.service.clone());
        if let Some((label, id, key)) = cached
            && label == service.label
        {
            return Ok((id, key));
        }
        let label = service.label.as_str();
        let found = self.stored_conversation_key(draft.conversation, KeyKind::Conversation, label)?;
        let (id, key) = match found {
            Some(found) => found,
            None => {
                let purpose = KeyPurpose {
                    ends_at: service.ends_at,
                    ..conversation_purpose(draft, KeyKind::Conversation, label)
                };
                let parent = (subject.id, &subject.key);
                keep(batch, Keychain::new_child(parent, purpose, draft.at, &*self.randomness)?)
            }
        };
        let known =
            self.caches.conversations.get_or_insert_mut(draft.conversation, ConversationKeys::default);
        // The key of another day is known to the store alone from now on.
        known.fresh &= known.service.is_none();
        known.service = Some((service.label, id, key.clone()));
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
                keep(batch, self.keychain.new_root(purpose, now, &*self.randomness)?)
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
