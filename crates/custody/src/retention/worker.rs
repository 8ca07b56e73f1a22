//! The retention worker: what has ended is destroyed on time, and purged.
//!
//! It works in steps, each small enough that captures hardly wait, and each with the files as its only memory: whatever a
//! crash leaves half done is found again. Keys go first, since they decide what can be read; bytes follow.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::atomic::Ordering;

use fiducia_ledger::Event;
use fiducia_policy::{ConversationId, KeyId, OrganizationId, Timestamp};
use fiducia_store::{BucketName, KeyKind, KeyNode};

use super::Forgetting;
use super::certifying::RecordsOf;
use super::commands::RetentionProgress;
use crate::AdminError;
use crate::administer::ids;
use crate::destruction::kinds;
use crate::faults;
use crate::filing::index_entry;
use crate::scribe::Fact;
use crate::writer::Writer;

/// Keys looked at in one step.
const KEYS_PER_STEP: u32 = 1_000;
/// Replaced keys looked at in one step.
const REPLACEMENTS_PER_STEP: u32 = 64;
/// Replaced keys looked at for some whose organisation is open.
const REPLACEMENTS_LOOKED_AT_MAX: u32 = 65_536;
/// Conversations looked at in one step of a review.
const REVIEWED_PER_STEP: u32 = 500;
/// Findings forgotten in one step.
const FLAGS_PER_STEP: u32 = 1_000;
/// Pages looked at in one step: 8 MiB of a bucket.
const PAGES_PER_STEP: u32 = 512;
/// Records moved out of an expired bucket in one transaction.
const SURVIVORS_PER_STEP: u32 = 200;
/// Digests forgotten in one transaction.
const DIGESTS_PER_STEP: u32 = 4_096;

/// Files from which something was destroyed and which are not scrubbed through since, each with the last page that was
/// looked at. When the program starts, every file is: a crash may have come in between.
#[derive(Debug, Default)]
pub(crate) struct Scrubbing {
    pub(crate) keys: Option<u32>,
    pub(crate) buckets: BTreeMap<BucketName, u32>,
}

impl Writer {
    /// One step. When it says that it is done there is nothing left to do at this instant.
    pub(crate) fn retention_step(&mut self) -> Result<RetentionProgress, AdminError> {
        let now = self.clock.now();
        let mut progress = RetentionProgress::default();
        self.note_lag(now)?;
        self.count_requests(now)?;
        let worked = self.change_log_keys(now)?
            || self.follow_consents(now)?
            || self.end_consents(now)?
            || self.extend_campaigns(now)?
            || self.finish_replacements(now)?
            || self.forget_former_contacts(now)?
            || self.end_access_sessions(now)?
            || self.extend_holds(now, &mut progress)?
            || self.review_step(&mut progress)?
            || self.end_due(now, &mut progress)?
            || self.purge_step(now, "retention", &mut progress)?
            || self.drop_bucket(now, &mut progress)?
            || self.scrub_step()?
            || self.forget_findings(now, &mut progress)?
            || self.warn_step(now, &mut progress)?
            || self.remove_old_files(now)?;
        if !worked {
            self.forget_erased()?;
            self.forget_kept_answers(now)?;
            self.certify_ended(&mut progress)?;
            progress.is_done = true;
        }
        self.handle.ended_keys.fetch_add(progress.keys_destroyed, Ordering::Relaxed);
        self.handle.purged_records.fetch_add(progress.records_purged, Ordering::Relaxed);
        Ok(progress)
    }

    /// Notes how late the worker is: by how long the first key has been due, and for how long the first destroyed one has
    /// waited to be purged.
    fn note_lag(&self, now: Timestamp) -> Result<(), AdminError> {
        let since = |at: Option<Timestamp>| {
            let seconds = at.map_or(0, |at| now.as_second() - at.as_second());
            u64::try_from(seconds).unwrap_or(0)
        };
        let due = self.files.keys.due(now, 1)?.first().and_then(|node| node.ends_at);
        let unpurged = self.files.keys.destroyed_but_unpurged(1)?.first().and_then(|node| node.destroyed_at);
        self.handle.ends_late_seconds.store(since(due), Ordering::Relaxed);
        self.handle.purges_late_seconds.store(since(unpurged), Ordering::Relaxed);
        Ok(())
    }

    /// Finishes what a crash interrupted: replaced keys that live on.
    pub(crate) fn finish_replacements(&mut self, now: Timestamp) -> Result<bool, AdminError> {
        let unfinished = self.files.keys.unfinished_replacements(REPLACEMENTS_LOOKED_AT_MAX)?;
        let mut worked = 0;
        for (old, new) in &unfinished {
            if worked == REPLACEMENTS_PER_STEP {
                break;
            }
            let Some(node) = self.files.keys.node(*old)? else { continue };
            if self.keychain.require(node.organization).is_err() {
                // It goes on when the organisation's service opens its key again; until then nobody opens anything of it.
                continue;
            }
            worked += 1;
            if node.kind.is_subjects() {
                self.empty_subject_key(&node, *new, now)?;
                continue;
            }
            self.rewrap_survivors(&node, *new, None)?;
            self.destroy_keys(&[node], now)?;
        }
        Ok(worked > 0)
    }

    /// Works out the ends of conversations again after something changed for many of them.
    fn review_step(&mut self, progress: &mut RetentionProgress) -> Result<bool, AdminError> {
        let Some(review) = self.files.control.next_review()? else { return Ok(false) };
        let conversations = self.files.control.conversations_in_order(
            review.organization,
            review.subject,
            review.after,
            REVIEWED_PER_STEP,
        )?;
        let mut ends = Vec::new();
        for conversation in conversations.iter().filter(|found| found.destroyed_at.is_none()) {
            ends.extend(self.ends_of(conversation)?);
        }
        let mut people: BTreeSet<_> = conversations.iter().map(|conversation| conversation.subject).collect();
        people.extend(review.subject);
        for subject in people {
            self.invalidate_where_unasked(subject)?;
        }
        self.files.keys.set_ends(&ends)?;
        if !ends.is_empty() {
            self.warned_up_to.clear();
        }
        faults::reached("ends-reviewed");
        progress.reviewed += u64::try_from(conversations.len()).unwrap_or(0);
        self.files.control.advance_review(review.id, conversations.last().map(|last| last.id))?;
        Ok(true)
    }

    /// When the keys of a conversation must be looked at, as things stand.
    pub(crate) fn ends_of(
        &self,
        conversation: &fiducia_store::ConversationRecord,
    ) -> Result<Vec<(KeyId, Option<Timestamp>)>, AdminError> {
        let terms = self.terms_of(conversation.organization)?;
        let person = self.person_terms(conversation.subject)?;
        let service = self.governance.service_end(terms, person, conversation);
        let mut ends = Vec::new();
        for node in self.files.keys.conversation_keys(conversation.id)? {
            let fixed = BucketName::parse(&node.label).and_then(|label| label.starts_at());
            let end = match node.kind {
                KeyKind::Conversation => end_of_service_key(&node, service),
                KeyKind::ConversationSafety => {
                    let end = self.governance.safety_end(terms, person, conversation, node.created_at);
                    // Its root ends it on its day anyway.
                    end.filter(|end| fixed.is_none_or(|fixed| *end < fixed))
                }
                _ => continue,
            };
            if end != node.ends_at {
                ends.push((node.id, end));
            }
        }
        Ok(ends)
    }

    /// Destroys keys whose time is over. Those that turn out to last longer are looked at again when they end.
    fn end_due(&mut self, now: Timestamp, progress: &mut RetentionProgress) -> Result<bool, AdminError> {
        let due = self.files.keys.due(now, KEYS_PER_STEP)?;
        if due.is_empty() {
            return Ok(false);
        }
        let (mut over, mut later) = (Vec::new(), Vec::new());
        for node in due {
            match self.end_of_due(&node)? {
                Some(end) if end <= now => over.push(node),
                end => later.push((node.id, end)),
            }
        }
        self.files.keys.set_ends(&later)?;
        self.destroy_ended(&over, now)?;
        progress.keys_destroyed += u64::try_from(over.len()).unwrap_or(0);
        Ok(true)
    }

    /// When a key that is due really ends.
    pub(super) fn end_of_due(&self, node: &KeyNode) -> Result<Option<Timestamp>, AdminError> {
        let account = BucketName::account();
        let (KeyKind::Conversation, true) = (node.kind, node.label == account.as_str()) else {
            return Ok(node.ends_at);
        };
        let Some(conversation) = node.conversation else { return Ok(node.ends_at) };
        let Some(conversation) = self.files.control.conversation(conversation)? else {
            // Its records are on their way into the index: it is as young as that.
            return Ok(None);
        };
        let terms = self.terms_of(conversation.organization)?;
        let person = self.person_terms(conversation.subject)?;
        Ok(self.governance.service_end(terms, person, &conversation))
    }

    /// Destroys keys. What they protected is purged in later steps, and the log told then.
    fn destroy_ended(&mut self, nodes: &[KeyNode], now: Timestamp) -> Result<(), AdminError> {
        if nodes.is_empty() {
            return Ok(());
        }
        // What is destroyed must not lie in the journal any more.
        self.settle_journal();
        self.sample(nodes)?;
        let readers = std::sync::Arc::clone(&self.readers);
        let _no_readers = readers.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        self.scrubbing.keys = Some(0);
        let destroyed = self.files.keys.destroy(&ids(nodes), now);
        // Also after an error: the keys may be gone, and what is sealed under a remembered one could never be opened.
        if !faults::is_planted("ended-keys-remembered") {
            self.forget_keys(nodes);
        }
        faults::reached("keys-destroyed");
        destroyed?;
        for node in nodes.iter().filter(|node| node.kind == KeyKind::Conversation) {
            for open in self.open.values_mut() {
                open.destroyed |= node.conversation == Some(open.conversation);
            }
        }
        Ok(())
    }

    /// Forgets keys that were destroyed, and whatever is remembered of their conversations.
    fn forget_keys(&mut self, nodes: &[KeyNode]) {
        for node in nodes {
            self.keychain.forget_one(node.id);
            if let Some(conversation) = node.conversation {
                self.caches.conversations.pop(&conversation);
            }
        }
        if nodes.iter().any(|node| node.kind.is_shared_root()) {
            // Keys beneath a root can be anywhere.
            self.keychain.forget();
            self.caches.clear();
        }
    }

    /// Purges what destroyed keys protected, says so in the log, and only then ticks the keys off.
    pub(crate) fn purge_step(
        &mut self,
        now: Timestamp,
        reason: &str,
        progress: &mut RetentionProgress,
    ) -> Result<bool, AdminError> {
        let mut unpurged = self.files.keys.destroyed_but_unpurged(KEYS_PER_STEP)?;
        if unpurged.is_empty() {
            self.forgetting = Forgetting::default();
            return Ok(false);
        }
        let mut children = Vec::new();
        for root in unpurged.iter().filter(|node| node.kind.is_shared_root()) {
            children.extend(self.files.keys.children(root.id, KEYS_PER_STEP)?);
            if children.len() >= usize::try_from(KEYS_PER_STEP).unwrap_or(usize::MAX) {
                break;
            }
        }
        if !children.is_empty() {
            // They are dead with their root; now their wraps go too. The root is ticked off when it has none left.
            progress.keys_destroyed += u64::try_from(children.len()).unwrap_or(0);
            self.destroy_ended(&children, now)?;
            unpurged = children;
        }
        if self.forget_many(&unpurged)? {
            return Ok(true);
        }
        let records = self.purge(&unpurged, now)?;
        progress.records_purged += records.values().sum::<u64>();
        self.mark_owners(&unpurged, now)?;
        for root in unpurged.iter().filter(|node| node.kind.is_shared_root()) {
            self.files.control.end_held(root.id, now)?;
            if root.kind == KeyKind::SafetyDay {
                let index = self.say_closed(root, now)?;
                progress.ledger.push((root.organization, index));
            }
        }
        self.say_ended(&unpurged, (&records, reason), now, progress)?;
        self.settle(&unpurged, now)?;
        // That a subject's key was replaced ends nothing that a certificate could tell of.
        unpurged.retain(|node| node.replaced_by.is_none() || !node.kind.is_subjects());
        self.ended.add(&unpurged, &records);
        Ok(true)
    }

    /// Takes the bytes out of the buckets that live on; those of a bucket whose day has come go with its file. Gives how
    /// many records of each organisation went.
    fn purge(&mut self, nodes: &[KeyNode], now: Timestamp) -> Result<RecordsOf, AdminError> {
        let mut pairs = BTreeMap::<BucketName, Vec<(OrganizationId, ConversationId, KeyId)>>::new();
        for node in nodes {
            let Some(id) = node.conversation else { continue };
            let Some(conversation) = self.files.control.conversation(id)? else { continue };
            for bucket in conversation.buckets.into_iter().filter(|bucket| !bucket.has_ended(now)) {
                pairs.entry(bucket).or_default().push((node.organization, id, node.id));
            }
        }
        let ended: HashSet<_> = nodes
            .iter()
            .filter(|node| node.kind == KeyKind::Conversation)
            .filter_map(|node| node.conversation)
            .collect();
        let readers = std::sync::Arc::clone(&self.readers);
        let _no_readers = readers.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        self.files.keys.empty_wal()?;
        let mut removed = RecordsOf::new();
        for (name, pairs) in pairs {
            let paths: Vec<_> = pairs.iter().map(|(_, id, key)| (*id, *key)).collect();
            let mine: Vec<_> = paths
                .iter()
                .map(|(id, _)| *id)
                .filter(|id| ended.contains(id) && !self.forgetting.has_forgotten(*id))
                .collect();
            self.forget_prefixes_in(&name, &mine)?;
            self.scrubbing.buckets.insert(name, 0);
            let each = self.files.bucket(&name)?.drop_each_path(&paths)?;
            for ((organization, ..), count) in pairs.iter().zip(each) {
                *removed.entry(*organization).or_default() += count;
            }
            self.files.bucket(&name)?.empty_wal()?;
        }
        faults::reached("paths-dropped");
        Ok(removed)
    }

    /// Says in each organisation's log what ended.
    fn say_ended(
        &mut self,
        nodes: &[KeyNode],
        (records, reason): (&RecordsOf, &str),
        now: Timestamp,
        progress: &mut RetentionProgress,
    ) -> Result<(), AdminError> {
        let mut organizations: Vec<OrganizationId> = nodes.iter().map(|node| node.organization).collect();
        organizations.sort_unstable();
        organizations.dedup();
        for organization in organizations {
            let mine: Vec<_> =
                nodes.iter().filter(|node| node.organization == organization).cloned().collect();
            let conversations = mine.iter().filter(|node| node.kind == KeyKind::Conversation).count();
            let event = Event::KeysDestroyed {
                keys: u64::try_from(mine.len()).unwrap_or(0),
                kinds: kinds(&mine),
                reason: reason.to_owned(),
                conversations: u64::try_from(conversations).unwrap_or(0),
                records: records.get(&organization).copied().unwrap_or(0),
                actor: None,
                pseudonym: None,
                certificate: None,
            };
            let fact = Fact { at: now, event };
            let id = self.event_id()?;
            self.files.control.announce(&fact.announcement(id, organization))?;
            let index = self.deliver_control(id, organization, fact)?;
            progress.ledger.push((organization, index));
        }
        Ok(())
    }

    /// Removes one bucket whose day has come. What a hold, a case or a finding keeps moves out first.
    ///
    /// INVARIANT: every key of a ground that ended by that day is destroyed: this comes after [`Self::end_due`] found none
    /// left.
    fn drop_bucket(&mut self, now: Timestamp, progress: &mut RetentionProgress) -> Result<bool, AdminError> {
        let Some(name) = self.files.place.names()?.into_iter().find(|name| name.has_ended(now)) else {
            return Ok(false);
        };
        self.settle_journal();
        let account = BucketName::account();
        let mut after = None;
        let mut moved = RecordsOf::new();
        loop {
            let held = self.files.bucket(&name)?.held_records(after, SURVIVORS_PER_STEP)?;
            let Some(last) = held.last() else { break };
            after = Some(last.id);
            let mut surviving = Vec::new();
            for mut record in held {
                let mut living = Vec::new();
                for wrap in record.held {
                    if self.files.keys.edge(wrap.parent)?.is_some() {
                        living.push(wrap);
                    }
                }
                if !living.is_empty() {
                    (record.service, record.safety, record.held) = (None, None, living);
                    surviving.push(record);
                }
            }
            let up_to = self.files.bucket(&account)?.adopt(&surviving.iter().collect::<Vec<_>>())?;
            self.files.control.index(&account, up_to, &[])?;
            for record in &surviving {
                *moved.entry(record.organization).or_default() += 1;
            }
            let conversations: Vec<_> =
                surviving.iter().map(|record| index_entry(record).conversation).collect();
            self.files.control.add_bucket(&conversations, &account)?;
        }
        faults::reached("survivors-moved");
        self.forget_all_prefixes_in(&name)?;
        let in_bucket: RecordsOf = self.files.bucket(&name)?.census()?.into_iter().collect();
        let records: u64 = in_bucket.values().sum();
        let readers = std::sync::Arc::clone(&self.readers);
        let _no_readers = readers.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        self.filing.let_go(name);
        self.files.buckets.remove(&name);
        self.files.place.unlink(&name)?;
        faults::reached("bucket-unlinked");
        self.files.control.forget_bucket(&name)?;
        progress.buckets_dropped += 1;
        progress.records_purged += records;
        self.ended.add_bucket(&in_bucket, &moved);
        Ok(true)
    }

    fn forget_all_prefixes_in(&mut self, name: &BucketName) -> Result<(), AdminError> {
        let mut after = 0;
        loop {
            let step = self.files.bucket(name)?.all_prefixes(after, DIGESTS_PER_STEP)?;
            let Some((last, _)) = step.last() else { break };
            after = *last;
            let digests: Vec<_> = step.into_iter().flat_map(|(_, digests)| digests).collect();
            self.files.control.forget_prefixes(&digests)?;
        }
        self.caches.prefixes.clear();
        Ok(())
    }

    /// Overwrites what moved rows left behind in the files from which something was destroyed: a few pages.
    fn scrub_step(&mut self) -> Result<bool, AdminError> {
        if let Some(after) = self.scrubbing.keys {
            let scrubbed = self.files.keys.scrub(after, PAGES_PER_STEP)?;
            self.scrubbing.keys = scrubbed.up_to;
            if scrubbed.up_to.is_none() {
                let readers = std::sync::Arc::clone(&self.readers);
                let _no_readers = readers.write().unwrap_or_else(std::sync::PoisonError::into_inner);
                self.files.keys.empty_wal()?;
            }
            return Ok(true);
        }
        let Some((name, after)) = self.scrubbing.buckets.pop_first() else { return Ok(false) };
        if self.files.place.names()?.contains(&name) {
            let scrubbed = self.files.bucket(&name)?.scrub(after, PAGES_PER_STEP)?;
            if let Some(up_to) = scrubbed.up_to {
                self.scrubbing.buckets.insert(name, up_to);
            }
        }
        Ok(true)
    }

    fn forget_findings(
        &mut self,
        now: Timestamp,
        progress: &mut RetentionProgress,
    ) -> Result<bool, AdminError> {
        let forgotten = self.files.control.forget_flags(now, FLAGS_PER_STEP)?;
        progress.findings_forgotten += forgotten;
        if forgotten > 0 {
            self.files.control.empty_wal()?;
        }
        Ok(forgotten > 0)
    }
}

/// When a conversation's key for the person's own use ends, given when the conversation does. What was captured with a
/// fixed end may end earlier, never later.
pub(crate) fn end_of_service_key(node: &KeyNode, service: Option<Timestamp>) -> Option<Timestamp> {
    let fixed = BucketName::parse(&node.label).and_then(|label| label.starts_at());
    match (fixed, service) {
        (Some(fixed), Some(end)) => Some(fixed.min(end)),
        (fixed, end) => fixed.or(end),
    }
}
