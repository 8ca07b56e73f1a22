//! What the worker ended, and the certificates for it: one for each organisation and run.
//!
//! A run lasts until a step finds nothing left to do. What it ended is counted in memory: a crash in between loses the
//! count, and with it that run's certificates, never the ledger's entries. Before keys go, a few records are held back in
//! memory, and at the end of the run they are tried by every path that was destroyed.

use std::collections::{BTreeMap, HashSet};

use fiducia_keyring::{RecordBinding, SealedRecord, still_opens};
use fiducia_policy::{ConversationId, GroundKind, KeyId, OrganizationId, RecordId, Timestamp};
use fiducia_store::{BucketName, KeyKind, KeyNode, StoredRecord, StoredWrap};

use super::commands::RetentionProgress;
use crate::AdminError;
use crate::administration::ReadBack;
use crate::certificate::{CertifiedScope, Draft, KeptPart, keys_by_kind};
use crate::destruction::ground_of;
use crate::faults;
use crate::keychain::KeyPathError;
use crate::writer::Writer;

/// Records held back in one run.
const SAMPLE_RECORDS_MAX: usize = 100;
/// Bytes of ciphertext held back in one run.
const SAMPLE_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Records held back of what one key opens, so that the sample is spread.
const SAMPLE_RECORDS_PER_KEY: u32 = 2;
/// Keys sampled of those beneath one root, which ends with one short commit: holding back must not take longer than that.
const SAMPLE_KEYS_PER_ROOT: u32 = 16;
/// Conversations of one run that are looked at for what keeps them; beyond that a certificate says "at least".
const CONVERSATIONS_MAX: usize = 10_000;

/// Records of each organisation.
pub(super) type RecordsOf = BTreeMap<OrganizationId, u64>;

/// What the worker has ended since its last certificates.
#[derive(Default)]
pub(crate) struct Ended {
    organizations: BTreeMap<OrganizationId, EndedOf>,
    conversations: HashSet<(OrganizationId, ConversationId)>,
    /// There were more conversations than are looked at.
    is_cut: bool,
    samples: Vec<Sample>,
    sampled_bytes: usize,
}

/// What was ended of one organisation.
#[derive(Default)]
struct EndedOf {
    keys: BTreeMap<String, u64>,
    keys_destroyed_at: Option<Timestamp>,
    conversations: u64,
    records: u64,
    buckets: u64,
}

/// A record that was held back, with the path that must be gone.
struct Sample {
    organization: OrganizationId,
    binding: RecordBinding,
    sealed: SealedRecord,
    wrap: StoredWrap,
}

impl Ended {
    /// Counts keys that were destroyed and records that were purged.
    pub(super) fn add(&mut self, nodes: &[KeyNode], records: &RecordsOf) {
        for node in nodes {
            let mine = self.organizations.entry(node.organization).or_default();
            mine.keys_destroyed_at = mine.keys_destroyed_at.max(node.destroyed_at);
            mine.conversations += u64::from(node.kind == KeyKind::Conversation);
            let Some(conversation) = node.conversation else { continue };
            if self.conversations.len() < CONVERSATIONS_MAX {
                self.conversations.insert((node.organization, conversation));
            } else {
                self.is_cut = true;
            }
        }
        for organization in nodes.iter().map(|node| node.organization).collect::<HashSet<_>>() {
            let of_mine: Vec<_> =
                nodes.iter().filter(|node| node.organization == organization).cloned().collect();
            let mine = self.organizations.entry(organization).or_default();
            for (kind, count) in keys_by_kind(&of_mine) {
                *mine.keys.entry(kind).or_default() += count;
            }
        }
        for (organization, count) in records {
            self.organizations.entry(*organization).or_default().records += count;
        }
    }

    /// Counts a file that was removed as a whole: what was `in_bucket`, without what was `moved` out of it.
    pub(super) fn add_bucket(&mut self, in_bucket: &RecordsOf, moved: &RecordsOf) {
        for (organization, count) in in_bucket {
            let survived = moved.get(organization).copied().unwrap_or(0);
            let mine = self.organizations.entry(*organization).or_default();
            mine.records += count.saturating_sub(survived);
            mine.buckets += 1;
        }
    }

    fn is_sampled(&self) -> bool {
        self.samples.len() >= SAMPLE_RECORDS_MAX || self.sampled_bytes >= SAMPLE_BYTES_MAX
    }

    fn hold_back(&mut self, key: KeyId, binding: RecordBinding, record: &StoredRecord) {
        let Some(wrap) = record.wraps().find(|wrap| wrap.parent == key).cloned() else { return };
        self.sampled_bytes += record.ciphertext.len();
        self.samples.push(Sample {
            organization: record.organization,
            binding,
            sealed: SealedRecord { ciphertext: record.ciphertext.clone(), commitment: record.commitment },
            wrap,
        });
    }
}

impl Writer {
    /// Holds a few of the records back that keys open which are about to be destroyed.
    pub(super) fn sample(&mut self, nodes: &[KeyNode]) -> Result<(), AdminError> {
        if self.ended.is_sampled() {
            return Ok(());
        }
        let buckets = self.files.place.names()?;
        for node in nodes {
            if self.ended.is_sampled() {
                return Ok(());
            }
            if node.kind.is_shared_root() {
                for child in self.files.keys.children(node.id, SAMPLE_KEYS_PER_ROOT)? {
                    self.sample_key(&child, &buckets)?;
                }
            } else {
                self.sample_key(node, &buckets)?;
            }
        }
        Ok(())
    }

    fn sample_key(&mut self, node: &KeyNode, buckets: &[BucketName]) -> Result<(), AdminError> {
        let Some(id) = node.conversation.filter(|_| !self.ended.is_sampled()) else { return Ok(()) };
        if self.ended.samples.iter().any(|sample| sample.wrap.parent == node.id) {
            // Held back when the root above it ended.
            return Ok(());
        }
        let Some(conversation) = self.files.control.conversation(id)? else { return Ok(()) };
        if faults::is_planted("ended-keys-remembered") {
            self.keychain.key(&self.files.keys, node.id)?;
        }
        for name in conversation.buckets.into_iter().filter(|name| buckets.contains(name)) {
            for (_, record) in self.files.bucket(&name)?.conversation(id, 0, SAMPLE_RECORDS_PER_KEY)? {
                if let Some(binding) = self.binding_of(&record)? {
                    self.ended.hold_back(node.id, binding, &record);
                }
            }
        }
        Ok(())
    }

    /// Issues a certificate for each organisation of which something ended. What could still be opened gets none.
    pub(super) fn certify_ended(&mut self, progress: &mut RetentionProgress) -> Result<(), AdminError> {
        let ended = std::mem::take(&mut self.ended);
        if ended.organizations.is_empty() {
            return Ok(());
        }
        let read_back = self.try_samples(&ended.samples)?;
        let now = self.clock.now();
        let mut still_open = 0;
        for (organization, mine) in ended.organizations {
            let read_back = read_back.get(&organization).cloned().unwrap_or(NOT_TRIED);
            if read_back.opened > 0 {
                still_open += read_back.opened;
                continue;
            }
            let of_mine = ended.conversations.iter().filter(|(whose, _)| *whose == organization);
            let kept = self.what_keeps(of_mine.map(|(_, id)| *id), ended.is_cut)?;
            let draft = Draft {
                organization,
                subject: None,
                rule: "retention",
                by: None,
                scope: CertifiedScope::Ended {},
                keys: mine.keys,
                conversations: mine.conversations,
                records: mine.records,
                buckets: mine.buckets,
                read_back,
                keys_destroyed_at: mine.keys_destroyed_at.unwrap_or(now),
                purged_at: (mine.records > 0).then_some(now),
                kept,
            };
            let (reference, index) = self.issue(draft)?;
            progress.ledger.push((organization, index));
            progress.certificates.push((organization, reference));
        }
        if still_open > 0 {
            return Err(AdminError::Storage(format!(
                "{still_open} records could still be opened after their keys were destroyed; the destruction failed and has \
                 no certificate"
            )));
        }
        Ok(())
    }

    /// Tries what was held back by the paths that were destroyed, with keys read anew.
    fn try_samples(&mut self, samples: &[Sample]) -> Result<BTreeMap<OrganizationId, ReadBack>, AdminError> {
        if !faults::is_planted("ended-keys-remembered") {
            self.keychain.forget();
        }
        let mut tried = BTreeMap::new();
        let mut looked_for: HashSet<RecordId> = HashSet::new();
        for sample in samples {
            let mine: &mut ReadBack = tried.entry(sample.organization).or_insert(NOT_TRIED);
            mine.attempts += 1;
            let wrap = &sample.wrap;
            let parent = self.keychain.key(&self.files.keys, wrap.parent);
            if let Err(KeyPathError::Unavailable(error)) = parent {
                // The key is there and only its service keeps silent: that proves nothing.
                return Err(error.into());
            }
            if let Ok(parent) = parent
                && still_opens(wrap.parent, &parent, &wrap.wrap, &sample.binding, &sample.sealed)
            {
                mine.opened += 1;
            }
            if looked_for.insert(sample.binding.record) && self.find(sample.binding.record)?.is_some() {
                mine.rows_found += 1;
            }
        }
        Ok(tried)
    }

    /// The grounds that go on in conversations of which something ended.
    fn what_keeps(
        &self,
        conversations: impl Iterator<Item = ConversationId>,
        at_least: bool,
    ) -> Result<Vec<KeptPart>, AdminError> {
        let mut parts: BTreeMap<&'static str, KeptPart> = BTreeMap::new();
        for conversation in conversations {
            let mut ends: BTreeMap<&'static str, (GroundKind, Option<Timestamp>)> = BTreeMap::new();
            for node in self.files.keys.conversation_keys(conversation)? {
                let Some(ground) = ground_of(&node) else { continue };
                let until = self.end_of_path(&node)?;
                let end = ends.entry(ground.name()).or_insert((ground, until));
                // The later end counts, and none is the latest.
                end.1 = end.1.zip(until).map(|(a, b)| a.max(b));
            }
            for (name, (ground, until)) in ends {
                let part = parts.entry(name).or_insert(KeptPart {
                    ground,
                    until,
                    records: None,
                    conversations: Some(0),
                    at_least,
                });
                part.until = part.until.zip(until).map(|(a, b)| a.max(b));
                part.conversations = part.conversations.map(|count| count + 1);
            }
        }
        Ok(parts.into_values().collect())
    }
}

const NOT_TRIED: ReadBack = ReadBack { attempts: 0, opened: 0, rows_found: 0 };
