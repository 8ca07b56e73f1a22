//! Reading for a purpose that people consented to: from the purpose's root, along the edge of consent, to the record.
//!
//! This is an automated need. It is counted, not logged record by record; what a data set took in is for its manifest.

use std::collections::HashMap;
use std::sync::Arc;

use fiducia_keyring::{ConsentedKey, RecordBinding, SealedRecord, SymmetricKey};
use fiducia_policy::{
    ConsentId, ConsentPurpose, ConversationId, KeyId, OrganizationId, Pseudonym, RecordId, SubjectId,
    Timestamp,
};
use fiducia_store::{ConsentStanding, ControlStore, KeyKind, KeyStore, Lent, StoredRecord};
use zeroize::Zeroizing;

use crate::keychain::{KeyPathError, Keychain};
use crate::payload;
use crate::reading::Reader;
use crate::retention::governance::PersonTerms;
use crate::{AdminError, faults};

/// Records that one call may name. A withdrawal waits for the call that is under way.
const RECORDS_MAX: usize = 256;

/// What is to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TrainingTarget {
    /// A whole conversation.
    Conversation(ConversationId),
    /// These records, at most 256.
    Records(Vec<RecordId>),
}

/// Why a record was not opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TrainingRefusal {
    /// There is no such record, or it was destroyed.
    NotThere,
    /// Its class may never be used for the purpose: incognito, for example.
    Class,
    /// Its person's plan, tier or agreement rules the use out, or the account is closed.
    NoQuestion,
    /// Its person has not consented, or no longer does.
    NoConsent,
    /// Its person asked for it to be kept and not used (GDPR article 18).
    Restricted,
    /// Its person deleted it.
    Deleted,
    /// No key path leads from the purpose to it: it was captured where none may be, or is kept for safety alone.
    NoPath,
}

/// A record that was opened for a purpose. Its bytes are zeroised when dropped and not shown by `Debug`.
pub struct TrainingRecord {
    /// Which.
    pub id: RecordId,
    /// In which conversation.
    pub conversation: ConversationId,
    /// Whose organisation.
    pub organization: OrganizationId,
    /// Whose, as the log calls the person.
    pub pseudonym: Pseudonym,
    /// `request`, `answer` or `turn`.
    pub kind: &'static str,
    /// The wire format's name.
    pub wire: String,
    /// The model.
    pub model: String,
    /// Captured when.
    pub created_at: Timestamp,
    /// The choice that allows this: the receipt with this number.
    pub consent: ConsentId,
    /// Its place in the order of commits.
    pub consent_sequence: u64,
    /// The stored bytes: of a request what it added to the conversation, of an answer its body.
    pub bytes: Zeroizing<Vec<u8>>,
}

impl std::fmt::Debug for TrainingRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TrainingRecord").field("id", &self.id).finish_non_exhaustive()
    }
}

/// What a call came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrainingRead {
    /// How many records were opened.
    pub opened: u64,
    /// Which were not, and why.
    pub refused: Vec<(RecordId, TrainingRefusal)>,
}

/// What one call remembers. It ends with the call, and so with the lock.
struct Walk<'a> {
    reader: &'a Reader,
    purpose: ConsentPurpose,
    control: Lent<ControlStore>,
    keys: Lent<KeyStore>,
    keychain: Keychain,
    people: HashMap<SubjectId, Result<Consenting, TrainingRefusal>>,
    roots: HashMap<OrganizationId, Option<(KeyId, SymmetricKey)>>,
}

/// A person who consents.
#[derive(Clone)]
struct Consenting {
    pseudonym: Pseudonym,
    consent: ConsentId,
    sequence: u64,
}

impl Reader {
    /// Opens records for a purpose and hands them over one by one. Nothing is kept: neither keys nor plaintext outlive the call.
    ///
    /// INVARIANT: whoever receives a record receives it under the readers' lock. A withdrawal takes that lock for itself before
    /// it is acknowledged, so that no record of the person is handed over afterwards.
    pub(crate) fn open_for_training(
        &self,
        purpose: ConsentPurpose,
        target: &TrainingTarget,
        receive: &mut dyn FnMut(TrainingRecord),
    ) -> Result<TrainingRead, AdminError> {
        let mut reading = Some(self.reading());
        let records = self.training_records(target)?;
        let mut walk = Walk {
            reader: self,
            purpose,
            control: self.control()?,
            keys: self.keys()?,
            keychain: Keychain::new(Arc::clone(&self.access)),
            people: HashMap::new(),
            roots: HashMap::new(),
        };
        let mut done = TrainingRead::default();
        for (id, record) in records {
            let Some(record) = record else {
                done.refused.push((id, TrainingRefusal::NotThere));
                continue;
            };
            let opened = walk.open(&record)?;
            match opened {
                Ok(opened) => {
                    if faults::is_planted("training-outlives-lock") {
                        // A planted race: what was opened is handed over when the lock is gone.
                        reading = None;
                        linger_for_a_withdrawal();
                    }
                    if faults::is_planted("withdrawal-without-lock") {
                        // Another: who withdraws does not wait for this.
                        linger_for_a_withdrawal();
                    }
                    receive(opened);
                    done.opened += 1;
                }
                Err(refusal) => done.refused.push((id, refusal)),
            }
        }
        drop(reading);
        Ok(done)
    }

    fn training_records(
        &self,
        target: &TrainingTarget,
    ) -> Result<Vec<(RecordId, Option<StoredRecord>)>, AdminError> {
        match target {
            TrainingTarget::Conversation(id) => {
                let found = self.conversation_records(*id)?;
                Ok(found.into_iter().map(|record| (record.id, Some(record))).collect())
            }
            TrainingTarget::Records(ids) if ids.len() > RECORDS_MAX => Err(AdminError::Invalid(format!(
                "at most {RECORDS_MAX} records are opened together, so that a withdrawal need not wait for long"
            ))),
            TrainingTarget::Records(ids) => ids
                .iter()
                .map(|id| match self.one_record(*id) {
                    Ok(record) => Ok((*id, Some(record))),
                    Err(AdminError::NotFound(_)) => Ok((*id, None)),
                    Err(error) => Err(error),
                })
                .collect(),
        }
    }
}

/// Waits, under a planted fault, until a withdrawal that is under way is most likely acknowledged.
fn linger_for_a_withdrawal() {
    (0..8).for_each(|_| faults::linger());
}

impl Walk<'_> {
    fn open(&mut self, record: &StoredRecord) -> Result<Result<TrainingRecord, TrainingRefusal>, AdminError> {
        if !self.purpose.admits(record.terms.class) {
            return Ok(Err(TrainingRefusal::Class));
        }
        let person = match self.person(record.subject)? {
            Ok(person) => person,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let conversation = self.control.conversation(record.conversation)?;
        if conversation.is_none_or(|found| found.deleted_at.is_some() || found.destroyed_at.is_some()) {
            return Ok(Err(TrainingRefusal::Deleted));
        }
        let Some(path) = self.path(record)? else { return Ok(Err(TrainingRefusal::NoPath)) };
        let Some(wrap) = &record.service else { return Ok(Err(TrainingRefusal::NoPath)) };
        let binding = RecordBinding {
            organization: record.organization,
            pseudonym: person.pseudonym,
            record: record.id,
            schema_version: record.schema_version,
            key_version: record.key_version,
        };
        let sealed = SealedRecord { ciphertext: record.ciphertext.clone(), commitment: record.commitment };
        let plaintext = path.open(&wrap.wrap, &binding, &sealed)?;
        let (_, bytes) = payload::decode(&plaintext)
            .map_err(|error| AdminError::Storage(format!("{}: {error}", record.id)))?;
        Ok(Ok(TrainingRecord {
            id: record.id,
            conversation: record.conversation,
            organization: record.organization,
            pseudonym: person.pseudonym,
            kind: record.kind.name(),
            wire: record.wire.clone(),
            model: record.model.clone(),
            created_at: record.created_at,
            consent: person.consent,
            consent_sequence: person.sequence,
            bytes: Zeroizing::new(bytes.to_vec()),
        }))
    }

    /// Whether a person consents, as things stand now.
    fn person(&mut self, subject: SubjectId) -> Result<Result<Consenting, TrainingRefusal>, AdminError> {
        if let Some(known) = self.people.get(&subject) {
            return Ok(known.clone());
        }
        let found = self.ask_about(subject)?;
        self.people.insert(subject, found.clone());
        Ok(found)
    }

    fn ask_about(&self, subject: SubjectId) -> Result<Result<Consenting, TrainingRefusal>, AdminError> {
        let row = self.control.subject(subject)?;
        let Some((row, pseudonym)) =
            row.filter(|row| row.erased_at.is_none()).and_then(|row| row.pseudonym.map(|p| (row, p)))
        else {
            return Ok(Err(TrainingRefusal::NoConsent));
        };
        let terms = self.reader.callers.terms(row.organization);
        let person = PersonTerms::from(&row);
        if !terms.is_some_and(|terms| self.reader.governance.is_asked(terms, person, self.purpose)) {
            return Ok(Err(TrainingRefusal::NoQuestion));
        }
        if self.control.restriction(subject)?.is_some() {
            return Ok(Err(TrainingRefusal::Restricted));
        }
        let standing = self.control.consent_standing(subject, self.purpose)?;
        let now = self.reader.clock.now();
        let Some(standing) = standing.filter(|standing: &ConsentStanding| standing.permits(now)) else {
            return Ok(Err(TrainingRefusal::NoConsent));
        };
        let Some(consent) = self.control.consent_at(standing.sequence)? else {
            return Ok(Err(TrainingRefusal::NoConsent));
        };
        Ok(Ok(Consenting { pseudonym, consent: consent.id, sequence: standing.sequence }))
    }

    /// The key under which a record's data key is wrapped, reached from the purpose's root and in no other way.
    fn path(&mut self, record: &StoredRecord) -> Result<Option<ConsentedKey>, AdminError> {
        let Some(wrap) = &record.service else { return Ok(None) };
        let Some((root, root_key)) = self.root(record.organization)? else { return Ok(None) };
        let Some(edge) = self.keys.edge(wrap.parent)? else { return Ok(None) };
        let Some(subject_key) = edge.parent else { return Ok(None) };
        let Some(consent) = self.keys.consent_edge(subject_key, root)? else { return Ok(None) };
        let subject = ConsentedKey::through((root, &root_key), subject_key, &consent)?;
        Ok(Some(subject.descend(wrap.parent, &edge.wrap)?))
    }

    fn root(&mut self, organization: OrganizationId) -> Result<Option<(KeyId, SymmetricKey)>, AdminError> {
        if let Some(known) = self.roots.get(&organization) {
            return Ok(known.clone());
        }
        let node = self.keys.root(organization, KeyKind::PurposeRoot, self.purpose.name())?;
        let root = match node {
            None => None,
            Some(node) => match self.keychain.key(&self.keys, node.id) {
                Ok(key) => Some((node.id, key)),
                Err(KeyPathError::Destroyed(_)) => None,
                Err(error) => return Err(error.into()),
            },
        };
        self.roots.insert(organization, root.clone());
        Ok(root)
    }
}
