//! Staging: turning what arrived into sealed records and new keys, in memory, before the commit.

use std::num::NonZeroUsize;
use std::sync::Arc;

use aws_lc_rs::digest;
use fiducia_keyring::{KeyringError, MatchingKey, SymmetricKey};
use fiducia_ledger::Event;
use fiducia_policy::{
    ConversationId, ExchangeId, KeyId, OrganizationId, Pseudonym, RecordClass, RecordId, SubjectId,
    Timestamp, WorkspaceId,
};
use fiducia_store::{BucketName, Edge, KeyKind, KeyNode, PrefixHit, RecordKind, StoreError, StoredRecord};
use fiducia_wire::Wire;
use fiducia_wire::fingerprint::extend_prefix;
use lru::LruCache;

use crate::keychain::KeyPathError;
use crate::payload::{self, Header};
use crate::retention::governance::PersonTerms;
use crate::scribe::Fact;
use crate::writer::Writer;
use crate::{CapturedAnswer, ExchangeOpening, Notice};

/// Prefixes tried, longest first, before a request is taken for a new conversation.
const PREFIX_PROBES_MAX: usize = 256;
const SUBJECTS_MAX: NonZeroUsize = NonZeroUsize::new(16_384).unwrap();
const CONVERSATIONS_MAX: NonZeroUsize = NonZeroUsize::new(16_384).unwrap();
/// More than can wait to be indexed: what the index does not tell yet must be remembered.
const PREFIXES_MAX: NonZeroUsize = NonZeroUsize::new(65_536).unwrap();
/// Longest text that stands beside a record or in the ledger in the clear (names of models), in bytes.
const NOTICE_BYTES_MAX: usize = 256;

/// Why something could not be staged.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StagingError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    KeyPath(#[from] KeyPathError),
    #[error(transparent)]
    Keyring(#[from] KeyringError),
    #[error("the person was erased, so nothing more is kept for them; revoke or replace the key")]
    Erased,
    #[error("the organisation is not known to the store")]
    UnknownOrganization,
    #[error("the request part of this exchange is not there to be answered")]
    NotOpen,
    #[error("the request's outline does not fit its body")]
    Outline,
}

impl From<fiducia_policy::RandomnessUnavailable> for StagingError {
    fn from(error: fiducia_policy::RandomnessUnavailable) -> Self {
        Self::Keyring(error.into())
    }
}

/// What one group commit will write.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub(crate) new_keys: Vec<(KeyNode, Edge)>,
    pub(crate) records: Vec<(BucketName, StoredRecord)>,
    pub(crate) notices: Vec<(OrganizationId, Fact)>,
}

/// A subject's unwrapped keys.
#[derive(Debug)]
pub(crate) struct SubjectKeys {
    pub(crate) pseudonym: Pseudonym,
    pub(crate) person: PersonTerms,
    pub(crate) matching: MatchingKey,
}

/// A conversation's unwrapped keys.
#[derive(Debug, Default)]
pub(crate) struct ConversationKeys {
    /// For the person's own use, with the kind of the subject's key that it hangs from.
    pub(crate) service: Option<((KeyKind, BucketName), KeyId, SymmetricKey)>,
    pub(crate) safety: Option<(BucketName, KeyId, SymmetricKey)>,
    envelope: Option<([u8; 32], RecordId)>,
    /// The conversation began in this process: the store has no key of it that is not remembered here.
    pub(crate) fresh: bool,
    /// Nothing of it has ended yet, so that it can be continued.
    whole: bool,
}

/// What the writer remembers. All of it can be read from the store again.
#[derive(Debug)]
pub(crate) struct Caches {
    pub(crate) subjects: LruCache<SubjectId, Arc<SubjectKeys>>,
    /// Subjects' keys from which new conversations hang, by kind.
    pub(crate) hangers: LruCache<(SubjectId, KeyKind), (KeyId, SymmetricKey)>,
    pub(crate) conversations: LruCache<ConversationId, ConversationKeys>,
    pub(crate) prefixes: LruCache<[u8; 32], PrefixHit>,
    pub(crate) shared_roots: LruCache<(OrganizationId, KeyKind, String), (KeyId, SymmetricKey)>,
    /// Conversations' keys for holds, cases and findings that are made in the batch under way.
    pub(crate) held: LruCache<KeyId, SymmetricKey>,
}

impl Default for Caches {
    fn default() -> Self {
        Self {
            subjects: LruCache::new(SUBJECTS_MAX),
            hangers: LruCache::new(SUBJECTS_MAX),
            conversations: LruCache::new(CONVERSATIONS_MAX),
            prefixes: LruCache::new(PREFIXES_MAX),
            shared_roots: LruCache::new(SUBJECTS_MAX),
            held: LruCache::new(CONVERSATIONS_MAX),
        }
    }
}

impl Caches {
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }
}

/// An exchange whose request part is staged or stored.
#[derive(Debug)]
pub(crate) struct OpenState {
    pub(crate) organization: OrganizationId,
    pub(crate) subject: SubjectId,
    pub(crate) conversation: ConversationId,
    workspace: WorkspaceId,
    wire: &'static str,
    model: String,
    position: u64,
    prefix: Option<[u8; 32]>,
    class: RecordClass,
    covered: bool,
    /// Set when the conversation was destroyed meanwhile: the answer is then not kept.
    pub(crate) destroyed: bool,
}

/// What a record is about, before it is sealed.
pub(crate) struct Draft {
    pub(crate) exchange: ExchangeId,
    pub(crate) kind: RecordKind,
    pub(crate) organization: OrganizationId,
    pub(crate) subject: SubjectId,
    pub(crate) conversation: ConversationId,
    /// Of the key it came by.
    pub(crate) workspace: Option<WorkspaceId>,
    pub(crate) at: Timestamp,
    pub(crate) wire: &'static str,
    pub(crate) model: String,
    pub(crate) status: u16,
    pub(crate) answer_id: Option<String>,
    pub(crate) position: u64,
    pub(crate) prefix: Option<[u8; 32]>,
    pub(crate) alias: Option<[u8; 32]>,
    pub(crate) class: RecordClass,
    pub(crate) covered: bool,
}

impl Writer {
    /// Stages the request part of an exchange.
    pub(crate) fn stage_request(
        &mut self,
        batch: &mut Batch,
        id: ExchangeId,
        opening: &ExchangeOpening,
    ) -> Result<(), StagingError> {
        let (organization, subject) = (opening.caller.organization, opening.caller.subject);
        let at = opening.received_at;
        let keys = self.subject_keys(batch, organization, subject, at)?;
        let hit = self.known_prefix(&keys.matching, opening)?;
        let conversation = match hit {
            Some(hit) => hit.conversation,
            None => self.new_conversation(at)?,
        };
        let by_reference = opening.outline.previous_response.is_some();
        let messages = opening.outline.messages.len();
        let known = hit.filter(|_| !by_reference).map_or(0, |hit| hit.position);
        let known = usize::try_from(known).unwrap_or(usize::MAX).min(messages);
        let split = payload::split(&opening.body, &opening.outline, known).ok_or(StagingError::Outline)?;

        let record = RecordId::generate(at, &*self.randomness)?;
        let digest = keys.matching.digest(&[b"envelope", split.head, split.tail]);
        let envelope = self.same_envelope(conversation, digest);
        let (head, tail) = if envelope.is_some() { (&[][..], &[][..]) } else { (split.head, split.tail) };
        let header = Header::Request {
            elided: u64::try_from(known).unwrap_or(0),
            new: split.new.len(),
            head: head.len(),
            tail: tail.len(),
            envelope,
        };
        let rolling =
            if by_reference { None } else { opening.outline.messages.last().map(|last| last.prefix) };
        let before = if by_reference { hit.map_or(0, |hit| hit.position) } else { 0 };
        let position = before + u64::try_from(messages).unwrap_or(0);
        let wire = opening.wire.name();
        let (class, covered) = (self.class_of(opening, &keys)?, opening.covered);
        let draft = Draft {
            exchange: id,
            kind: RecordKind::Request,
            organization,
            subject,
            conversation,
            workspace: Some(opening.caller.workspace),
            at,
            wire,
            model: shortened(&opening.outline.model),
            status: 0,
            answer_id: None,
            position,
            prefix: rolling.map(|rolling| keys.matching.digest(&[b"prefix", &rolling])),
            alias: None,
            class,
            covered,
        };
        let kept =
            self.seal(batch, &keys, record, draft, payload::encode(&header, &[head, split.new, tail]))?;
        if envelope.is_none() && kept {
            self.remember_envelope(conversation, digest, record);
        }
        Self::note(batch, organization, id, &opening.notices, at);
        let model = shortened(&opening.outline.model);
        let open = OpenState {
            organization,
            subject,
            conversation,
            workspace: opening.caller.workspace,
            wire,
            model,
            position,
            prefix: rolling,
            class,
            covered,
            destroyed: false,
        };
        self.open.insert(id, open);
        Ok(())
    }

    /// Stages the answer part of an exchange.
    pub(crate) fn stage_answer(
        &mut self,
        batch: &mut Batch,
        id: ExchangeId,
        answer: &CapturedAnswer,
    ) -> Result<(), StagingError> {
        let open = self.open.remove(&id).ok_or(StagingError::NotOpen)?;
        if open.destroyed {
            return Ok(());
        }
        let at = answer.completed_at;
        let keys = self.subject_keys(batch, open.organization, open.subject, at)?;
        let record = RecordId::generate(at, &*self.randomness)?;
        let header =
            Header::Answer { status: answer.status, outcome: answer.outcome, assembled: answer.assembled };
        let rolling = open.prefix.filter(|_| !answer.assistant_fingerprints.is_empty()).map(|prefix| {
            answer
                .assistant_fingerprints
                .iter()
                .fold(prefix, |prefix, fingerprint| extend_prefix(&prefix, fingerprint))
        });
        let said = u64::try_from(answer.assistant_fingerprints.len()).unwrap_or(0);
        let answer_id = answer.answer_id.clone().filter(|id| id.len() <= NOTICE_BYTES_MAX);
        let draft = Draft {
            exchange: id,
            kind: RecordKind::Answer,
            organization: open.organization,
            subject: open.subject,
            conversation: open.conversation,
            workspace: Some(open.workspace),
            at,
            wire: open.wire,
            model: answer.served_model.as_deref().map_or(open.model, shortened),
            status: answer.status,
            position: open.position + said,
            prefix: rolling.map(|rolling| keys.matching.digest(&[b"prefix", &rolling])),
            // Only on this wire can a later request name an earlier answer instead of repeating it.
            alias: answer_id
                .as_ref()
                .filter(|_| open.wire == Wire::OpenAiResponses.name())
                .map(|id| keys.matching.digest(&[b"answer", id.as_bytes()])),
            answer_id,
            class: open.class,
            covered: open.covered,
        };
        self.seal(batch, &keys, record, draft, payload::encode(&header, &[&answer.body]))?;
        Self::note(batch, open.organization, id, &answer.notices, at);
        Ok(())
    }

    /// The class of what an exchange captures.
    fn class_of(&self, opening: &ExchangeOpening, keys: &SubjectKeys) -> Result<RecordClass, StagingError> {
        let terms =
            self.callers.terms(opening.caller.organization).ok_or(StagingError::UnknownOrganization)?;
        Ok(opening.caller.class.unwrap_or_else(|| self.governance.default_class(terms, keys.person)))
    }

    pub(crate) fn note(
        batch: &mut Batch,
        organization: OrganizationId,
        exchange: ExchangeId,
        notices: &[Notice],
        at: Timestamp,
    ) {
        let facts = notice_events(exchange, notices).map(|event| (organization, Fact { at, event }));
        batch.notices.extend(facts);
    }

    /// The longest known beginning of the request's history.
    fn known_prefix(
        &mut self,
        matching: &MatchingKey,
        opening: &ExchangeOpening,
    ) -> Result<Option<PrefixHit>, StagingError> {
        if let Some(previous) = &opening.outline.previous_response {
            let hit = self.prefix(matching.digest(&[b"answer", previous.as_bytes()]))?;
            return self.if_whole(hit);
        }
        // Memory first, for all lengths: a longer beginning was stored later than the shorter ones before it, so when one
        // of those is remembered the file seldom knows more. If it does, something is stored a second time, no worse.
        let mut digests = Vec::new();
        for message in opening.outline.messages.iter().rev().take(PREFIX_PROBES_MAX) {
            let digest = matching.digest(&[b"prefix", &message.prefix]);
            if let Some(hit) = self.caches.prefixes.get(&digest) {
                let hit = *hit;
                return self.if_whole(Some(hit));
            }
            digests.push(digest);
        }
        for digest in &digests {
            if let Some(hit) = self.files.control.prefix(digest)? {
                self.caches.prefixes.put(*digest, hit);
                return self.if_whole(Some(hit));
            }
        }
        Ok(None)
    }

    /// The hit, if all of its conversation is still there. What continues one that the person deleted or of which a part
    /// has ended is stored whole, as a conversation of its own: what it repeats would otherwise be nowhere.
    fn if_whole(&mut self, hit: Option<PrefixHit>) -> Result<Option<PrefixHit>, StagingError> {
        let Some(hit) = hit else { return Ok(None) };
        if self.caches.conversations.get(&hit.conversation).is_some_and(|known| known.fresh || known.whole) {
            return Ok(Some(hit));
        }
        let deleted = self
            .files
            .control
            .conversation(hit.conversation)?
            .is_some_and(|found| found.deleted_at.is_some());
        if deleted || self.files.keys.has_lost_a_part(hit.conversation)? {
            return Ok(None);
        }
        self.caches.conversations.get_or_insert_mut(hit.conversation, ConversationKeys::default).whole = true;
        Ok(Some(hit))
    }

    fn prefix(&mut self, digest: [u8; 32]) -> Result<Option<PrefixHit>, StoreError> {
        if let Some(hit) = self.caches.prefixes.get(&digest) {
            return Ok(Some(*hit));
        }
        self.files.control.prefix(&digest)
    }

    /// A conversation that has no keys yet.
    pub(crate) fn new_conversation(&mut self, at: Timestamp) -> Result<ConversationId, StagingError> {
        let id = ConversationId::generate(at, &*self.randomness)?;
        self.caches.conversations.put(id, ConversationKeys { fresh: true, ..ConversationKeys::default() });
        Ok(id)
    }

    /// The record that holds the same envelope, if one is remembered.
    fn same_envelope(&mut self, conversation: ConversationId, digest: [u8; 32]) -> Option<RecordId> {
        let (same, holder) = self.caches.conversations.get(&conversation)?.envelope?;
        (same == digest).then_some(holder)
    }

    /// Remembers a record as holding its envelope. Only once it is staged: what refers to a record that was never
    /// written could not be read back.
    fn remember_envelope(&mut self, conversation: ConversationId, digest: [u8; 32], record: RecordId) {
        let known = self.caches.conversations.get_or_insert_mut(conversation, ConversationKeys::default);
        known.envelope = Some((digest, record));
    }
}

/// What the ledger's batch root commits to: the record's id, its key commitment and its ciphertext.
pub(crate) fn record_hash(record: RecordId, commitment: &[u8; 32], ciphertext: &[u8]) -> [u8; 32] {
    sha256(&[b"fiducia/record-hash/v1", record.as_bytes(), commitment, ciphertext])
}

pub(crate) fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut context = digest::Context::new(&digest::SHA256);
    for part in parts {
        context.update(part);
    }
    let mut hash = [0; 32];
    hash.copy_from_slice(context.finish().as_ref());
    hash
}

/// The ledger's events for notices; texts are cut to what an entry may hold.
fn notice_events(exchange: ExchangeId, notices: &[Notice]) -> impl Iterator<Item = Event> {
    notices.iter().map(move |notice| Event::RoutingNotice {
        exchange,
        code: shortened(&notice.code),
        asked: shortened(&notice.asked),
        served: shortened(&notice.served),
    })
}

fn shortened(text: &str) -> String {
    let mut end = text.len().min(NOTICE_BYTES_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default().to_owned()
}
