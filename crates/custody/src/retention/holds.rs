//! Legal holds: placing, widening, releasing, and wrapping what they cover for them.
//!
//! A hold is in force from the commit of its row. What is captured from then on is wrapped for it at once; what was there
//! before is wrapped step by step, and until that is done nothing of the organisation ends.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use fiducia_keyring::{SymmetricKey, rewrap};
use fiducia_ledger::{Digest, Event};
use fiducia_policy::{
    Agreement, ConversationId, GroundKind, HoldCandidate, HoldId, HoldScope, KeyId, OrganizationId, RecordId,
    Timestamp,
};
use fiducia_store::{
    BucketName, ControlStore, ConversationRecord, HoldRecord, HoldRole, KeyKind, StoredRecord, StoredWrap,
};

use super::commands::{HoldRow, NewHold, RetentionProgress, RetentionReply};
use crate::AdminError;
use crate::administer::check_name;
use crate::faults;
use crate::keychain::KeyPurpose;
use crate::staging::{Batch, sha256};
use crate::wrapping::KeyOwner;
use crate::writer::Writer;

/// Conversations taken under a hold in one step.
const CONVERSATIONS_PER_STEP: u32 = 1_000;
const RECORDS_PER_STEP: u32 = 500;
const GRACE_DAYS_MAX: u32 = 365;
const PEOPLE_MAX: usize = 1_000;
const SECONDS_PER_DAY: i64 = 86_400;

/// Wraps to be stored, by bucket: one transaction for each.
pub(super) type Staged = BTreeMap<BucketName, Vec<(RecordId, StoredWrap)>>;

/// A hold that is not released yet.
#[derive(Debug, Clone)]
pub(crate) struct ActiveHold {
    pub(crate) id: HoldId,
    pub(crate) root: KeyId,
    pub(crate) scope: HoldScope,
}

/// The holds that are not released yet, by organisation.
#[derive(Debug, Default)]
pub(crate) struct Holds(HashMap<OrganizationId, Arc<Vec<ActiveHold>>>);

impl Holds {
    /// Reads them.
    pub(crate) fn load(control: &ControlStore) -> Result<Self, AdminError> {
        let mut holds = Self::default();
        for record in control.holds()?.into_iter().filter(|record| record.released_at.is_none()) {
            holds.put(&record)?;
        }
        Ok(holds)
    }

    /// The holds of an organisation. Every capture asks, and a scope may name thousands of people: nothing is copied.
    pub(crate) fn of(&self, organization: OrganizationId) -> Arc<Vec<ActiveHold>> {
        self.0.get(&organization).cloned().unwrap_or_default()
    }

    fn put(&mut self, record: &HoldRecord) -> Result<(), AdminError> {
        let hold = active(record)?;
        let holds = Arc::make_mut(self.0.entry(record.organization).or_default());
        holds.retain(|other| other.id != record.id);
        holds.push(hold);
        Ok(())
    }

    fn remove(&mut self, id: HoldId) {
        for holds in self.0.values_mut() {
            Arc::make_mut(holds).retain(|hold| hold.id != id);
        }
    }
}

pub(crate) fn scope_of(record: &HoldRecord) -> Result<HoldScope, AdminError> {
    serde_json::from_str(&record.scope).map_err(|_| {
        AdminError::Storage(format!("the scope of {} cannot be read; control.db is damaged", record.id))
    })
}

fn text_of(scope: &HoldScope) -> Result<String, AdminError> {
    scope.check().map_err(|error| AdminError::Invalid(format!("{error}; nothing was held")))?;
    serde_json::to_string(scope).map_err(|error| AdminError::Invalid(error.to_string()))
}

/// A hold as far as it covers anything: one that was released covers nothing that came later.
fn active(record: &HoldRecord) -> Result<ActiveHold, AdminError> {
    let mut scope = scope_of(record)?;
    scope.until = [scope.until, record.released_at].into_iter().flatten().min();
    Ok(ActiveHold { id: record.id, root: record.root, scope })
}

/// What the ledger says of a scope: it names people, so only its digest.
fn digest_of(scope: &str) -> Digest {
    Digest(sha256(&[b"fiducia/hold-scope/v1", scope.as_bytes()]))
}

impl Writer {
    /// Places a hold. It is in force when this returns, also for what is not wrapped for it yet.
    pub(super) fn place_hold(&mut self, new: NewHold, actor: &str) -> Result<RetentionReply, AdminError> {
        check_name("a matter", &new.matter)?;
        check_name("an authority", &new.authority)?;
        if new.custodians.len() + new.reviewers.len() > PEOPLE_MAX {
            return Err(AdminError::Invalid(format!(
                "a hold names at most {PEOPLE_MAX} people; nothing was held"
            )));
        }
        for name in new.custodians.iter().chain(&new.reviewers) {
            check_name("a custodian's or reviewer's name", name)?;
        }
        let scope = text_of(&new.scope)?;
        self.terms_of(new.organization)?;
        let actor = self.person(actor)?;
        let now = self.clock.now();
        let id = HoldId::generate(now, &*self.randomness)?;
        let purpose = KeyPurpose {
            kind: KeyKind::LegalHold,
            organization: new.organization,
            subject: None,
            conversation: None,
            label: id.uuid(),
            ends_at: None,
        };
        let root = self.keychain.new_root(&self.files.keys, purpose, now, &*self.randomness)?;
        self.files.keys.add(&[root.stored])?;
        faults::reached("hold-key-stored");
        let record = HoldRecord {
            id,
            organization: new.organization,
            matter: new.matter,
            authority: new.authority,
            scope,
            root: root.id,
            placed_at: now,
            placed_by: actor,
            after: None,
            is_complete: false,
            records: 0,
            released_at: None,
            ends_at: None,
            ended_at: None,
        };
        let event = Event::HoldPlaced { hold: id, scope: digest_of(&record.scope), actor };
        let announced = self.announced(new.organization, event, now)?;
        self.files.control.place_hold(&record, &announced.0)?;
        self.holds.put(&record)?;
        for (role, names) in [(HoldRole::Custodian, &new.custodians), (HoldRole::Reviewer, &new.reviewers)] {
            for name in names {
                self.files.control.tell_of_hold(id, role, name, now)?;
            }
        }
        self.delivered(announced)?;
        Ok(RetentionReply::Hold(self.hold_row(record)?))
    }

    /// Widens a hold.
    pub(super) fn widen_hold(
        &mut self,
        id: HoldId,
        more: &HoldScope,
        actor: &str,
    ) -> Result<RetentionReply, AdminError> {
        let mut record = self.unreleased_hold(id)?;
        more.check().map_err(|error| AdminError::Invalid(error.to_string()))?;
        let scope = text_of(&scope_of(&record)?.widened_by(more))?;
        let actor = self.person(actor)?;
        let event = Event::HoldWidened { hold: id, scope: digest_of(&scope), actor };
        let announced = self.announced(record.organization, event, self.clock.now())?;
        self.files.control.widen_hold(id, &scope, &announced.0)?;
        (record.scope, record.is_complete, record.after) = (scope, false, None);
        self.holds.put(&record)?;
        self.delivered(announced)?;
        Ok(RetentionReply::Hold(self.hold_row(record)?))
    }

    /// Releases a hold: nothing new is held, and what is held ends after the days of grace, unless another ground keeps it.
    pub(super) fn release_hold(
        &mut self,
        id: HoldId,
        grace_days: Option<u32>,
        actor: &str,
    ) -> Result<RetentionReply, AdminError> {
        if grace_days.is_some_and(|days| days > GRACE_DAYS_MAX) {
            return Err(AdminError::Invalid(format!("a release has at most {GRACE_DAYS_MAX} days of grace")));
        }
        let record = self.unreleased_hold(id)?;
        let actor = self.person(actor)?;
        let now = self.clock.now();
        let (_, policy) = self.governance.current();
        let ends_at = match grace_days {
            None => policy.release_grace().after(now),
            Some(days) => Timestamp::from_second(now.as_second() + i64::from(days) * SECONDS_PER_DAY)
                .map_err(|error| AdminError::Invalid(error.to_string()))?,
        };
        let event = Event::HoldReleased { hold: id, ends_at, actor };
        let announced = self.announced(record.organization, event, now)?;
        self.files.control.release_hold(id, (now, actor), ends_at, &announced.0)?;
        faults::reached("hold-released");
        self.holds.remove(id);
        self.files.keys.set_ends(&[(record.root, Some(ends_at))])?;
        self.delivered(announced)?;
        let released = HoldRecord { released_at: Some(now), ends_at: Some(ends_at), ..record };
        Ok(RetentionReply::Hold(self.hold_row(released)?))
    }

    fn unreleased_hold(&self, id: HoldId) -> Result<HoldRecord, AdminError> {
        let found = self.files.control.hold(id)?;
        let record =
            found.ok_or_else(|| AdminError::NotFound(format!("there is no {id}; nothing was changed")))?;
        match record.released_at {
            Some(at) => {
                Err(AdminError::Conflict(format!("{id} was released at {at}; place another hold instead")))
            }
            None => Ok(record),
        }
    }

    /// A custodian confirms a hold.
    pub(super) fn acknowledge_hold(
        &mut self,
        id: HoldId,
        custodian: &str,
    ) -> Result<RetentionReply, AdminError> {
        let now = self.clock.now();
        if !self.files.control.acknowledge_hold(id, custodian, now)? {
            return Err(AdminError::NotFound(format!(
                "`{custodian}` is no custodian of {id}; nothing was changed"
            )));
        }
        Ok(RetentionReply::Done(None))
    }

    /// All holds.
    pub(super) fn list_holds(&self) -> Result<RetentionReply, AdminError> {
        let holds = self.files.control.holds()?;
        let rows: Result<Vec<_>, _> = holds.into_iter().map(|record| self.hold_row(record)).collect();
        Ok(RetentionReply::Holds(rows?))
    }

    fn hold_row(&self, record: HoldRecord) -> Result<HoldRow, AdminError> {
        let people = self.files.control.hold_people(record.id)?;
        let keeps_nothing = self.terms_of(record.organization)?.agreement == Agreement::ZeroRetention;
        let out_of_scope = keeps_nothing.then(|| {
            "the organisation has zero retention: its exchanges were never kept, so there is nothing to hold, \
             except what its use of covered models obliges to"
                .to_owned()
        });
        Ok(HoldRow {
            id: record.id,
            organization: record.organization,
            scope: scope_of(&record)?,
            matter: record.matter,
            authority: record.authority,
            out_of_scope,
            placed_at: record.placed_at,
            records: record.records,
            is_complete: record.is_complete,
            people: people
                .into_iter()
                .map(|person| (person.role, person.name, person.acknowledged_at.is_some()))
                .collect(),
            released_at: record.released_at,
            ends_at: record.ends_at,
            ended_at: record.ended_at,
        })
    }

    /// Takes what was there before under the holds that are not complete: one step.
    pub(super) fn extend_holds(
        &mut self,
        now: Timestamp,
        progress: &mut RetentionProgress,
    ) -> Result<bool, AdminError> {
        let Some(record) = self.incomplete_holds(now)?.into_iter().next() else {
            self.correct_released_holds(now)?;
            return Ok(false);
        };
        let hold = active(&record)?;
        // Also those that were deleted: a safety window may still keep them.
        let conversations = self.files.control.conversations_in_order(
            Some(record.organization),
            None,
            record.after,
            CONVERSATIONS_PER_STEP,
        )?;
        let records = self.hold_all(&conversations, &hold)?;
        faults::reached("hold-extended");
        let last = conversations.last().map(|last| last.id);
        self.files.control.advance_hold(record.id, last.or(record.after), records, last.is_none())?;
        progress.held += records;
        Ok(true)
    }

    /// Holds that do not have everything yet that was there before them, also those released and in their days of grace.
    fn incomplete_holds(&self, now: Timestamp) -> Result<Vec<HoldRecord>, AdminError> {
        let holds = self.files.control.holds()?.into_iter();
        Ok(holds.filter(|record| !record.is_complete && record.ends_at.is_none_or(|end| end > now)).collect())
    }

    /// Gives the keys of released holds their end, should a crash have come between the two.
    fn correct_released_holds(&mut self, now: Timestamp) -> Result<(), AdminError> {
        let mut ends = Vec::new();
        for record in self.files.control.holds()?.into_iter().filter(|record| record.ended_at.is_none()) {
            let Some(end) = record.ends_at.filter(|end| *end <= now) else { continue };
            if self.files.keys.node(record.root)?.is_some_and(|node| node.ends_at.is_none()) {
                ends.push((record.root, Some(end)));
            }
        }
        if !ends.is_empty() {
            self.files.keys.set_ends(&ends)?;
        }
        Ok(())
    }

    /// Takes one conversation under every hold that covers it, before something of it may end.
    pub(crate) fn hold_conversation(&mut self, conversation: &ConversationRecord) -> Result<u64, AdminError> {
        let mut holds = self.holds.of(conversation.organization).to_vec();
        for record in self.incomplete_holds(self.clock.now())? {
            if record.organization == conversation.organization && record.released_at.is_some() {
                holds.push(active(&record)?);
            }
        }
        let mut held = 0;
        for hold in holds {
            held += self.hold_all(std::slice::from_ref(conversation), &hold)?;
        }
        Ok(held)
    }

    fn hold_all(
        &mut self,
        conversations: &[ConversationRecord],
        hold: &ActiveHold,
    ) -> Result<u64, AdminError> {
        let buckets: BTreeSet<_> = conversations.iter().flat_map(|found| found.buckets.clone()).collect();
        let begun = buckets.iter().try_for_each(|bucket| self.files.bucket(bucket)?.begin_snapshot());
        let staged = begun.map_err(AdminError::from).and_then(|()| self.stage_held(conversations, hold));
        // All of them, also after an error: a lock that stays would keep records from being filed.
        let ended: Vec<_> = buckets
            .iter()
            .map(|bucket| self.files.bucket(bucket).and_then(|open| open.end_snapshot()))
            .collect();
        ended.into_iter().collect::<Result<(), _>>()?;
        let (batch, staged) = staged?;
        // Keys first: a wrap under a key that was never stored would keep nothing.
        self.files.keys.add(&batch.new_keys)?;
        faults::reached("held-keys-stored");
        let mut records = 0;
        for (bucket, wraps) in staged {
            records += self.files.bucket(&bucket)?.hold(&wraps)?;
        }
        Ok(records)
    }

    /// Makes the keys and wraps that put conversations under a hold.
    fn stage_held(
        &mut self,
        conversations: &[ConversationRecord],
        hold: &ActiveHold,
    ) -> Result<(Batch, Staged), AdminError> {
        let mut staged = Staged::new();
        let mut batch = Batch::default();
        for conversation in conversations {
            // Cheap questions first: most conversations are outside of most scopes.
            let in_time = hold.scope.from.is_none_or(|from| conversation.last_active_at >= from)
                && hold.scope.until.is_none_or(|until| conversation.created_at < until);
            let of_person =
                hold.scope.subjects.is_empty() || hold.scope.subjects.contains(&conversation.subject);
            if !in_time || !of_person {
                continue;
            }
            let tags = if hold.scope.tags.is_empty() {
                Vec::new()
            } else {
                self.files.control.tags(conversation.id)?
            };
            self.wrap_covered(conversation, &mut batch, &mut staged, |record| {
                let candidate = HoldCandidate {
                    subject: record.subject,
                    captured_at: record.created_at,
                    model: &record.model,
                    tags: &tags,
                };
                hold.scope.covers(&candidate).then_some((GroundKind::LegalHold, hold.root))
            })?;
        }
        Ok((batch, staged))
    }

    /// Wraps the data keys of a conversation's records for the ground that `covers` names for them.
    pub(super) fn wrap_covered(
        &mut self,
        conversation: &ConversationRecord,
        batch: &mut Batch,
        staged: &mut Staged,
        covers: impl Fn(&StoredRecord) -> Option<(GroundKind, KeyId)>,
    ) -> Result<(), AdminError> {
        let owner = KeyOwner {
            organization: conversation.organization,
            subject: conversation.subject,
            conversation: conversation.id,
        };
        let now = self.clock.now();
        for bucket in conversation.buckets.clone() {
            let mut after = 0;
            let mut wraps = Vec::new();
            let mut known = None;
            loop {
                let records =
                    self.files.bucket(&bucket)?.wraps_of(conversation.id, after, RECORDS_PER_STEP)?;
                let Some((last, _)) = records.last() else { break };
                after = *last;
                for (_, record) in &records {
                    let Some((ground, root)) = covers(record) else { continue };
                    let (id, key) = self.held_key(batch, owner, ground, root, now)?;
                    if record.held.iter().any(|wrap| wrap.parent == id) {
                        continue;
                    }
                    let Some((parent, from)) = self.living_path(record, &mut known)? else { continue };
                    let wrap =
                        rewrap(record.id, (from.parent, &parent), &from.wrap, (id, &key), &*self.randomness)?;
                    wraps.push((record.id, StoredWrap { parent: id, wrap: wrap.to_vec() }));
                }
            }
            if !wraps.is_empty() {
                staged.entry(bucket).or_default().extend(wraps);
            }
        }
        Ok(())
    }

    /// A path that still leads to a record, with its key: mostly that of the record before it, which is `known`.
    fn living_path<'a>(
        &mut self,
        record: &'a StoredRecord,
        known: &mut Option<(KeyId, SymmetricKey)>,
    ) -> Result<Option<(SymmetricKey, &'a StoredWrap)>, AdminError> {
        for wrap in record.wraps() {
            if let Some((_, key)) = known.as_ref().filter(|(id, _)| *id == wrap.parent) {
                return Ok(Some((key.clone(), wrap)));
            }
            if self.files.keys.edge(wrap.parent)?.is_some() {
                let key = self.keychain.key(&self.files.keys, wrap.parent)?;
                *known = Some((wrap.parent, key.clone()));
                return Ok(Some((key, wrap)));
            }
        }
        Ok(None)
    }

    /// Takes conversations under the holds that cover them, as far as that is not done yet: before they are destroyed.
    pub(crate) fn hold_before_destruction(
        &mut self,
        conversations: &[ConversationId],
    ) -> Result<(), AdminError> {
        for id in conversations {
            let Some(found) = self.files.control.conversation(*id)? else { continue };
            self.hold_conversation(&found)?;
        }
        Ok(())
    }
}
