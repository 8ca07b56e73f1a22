//! The keys follow: paths exist exactly where consent stands.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError};

use fiducia_keyring::{SymmetricKey, wrap_for_consent};
use fiducia_policy::{ConsentPurpose, KeyId, OrganizationId, SubjectId, Timestamp};
use fiducia_store::{Edge, KeyKind, KeyNode, PathChange};

use crate::AdminError;
use crate::keychain::{KeyPurpose, NewKey};
use crate::writer::Writer;

/// People whose keys follow in one step.
const PEOPLE_PER_STEP: u32 = 256;
/// People looked at for some whose organisation is open.
const PEOPLE_LOOKED_AT_MAX: u32 = 65_536;
/// Conversations' keys that are hung anew in one transaction.
const KEYS_PER_STEP: u32 = 256;

/// What a group of people's paths change by, while it is worked out.
#[derive(Default)]
struct Following {
    change: PathChange,
    roots: BTreeMap<(OrganizationId, ConsentPurpose), (KeyId, SymmetricKey)>,
    /// Keys that must be forgotten: others take their places.
    forgotten: Vec<(SubjectId, KeyKind, Option<KeyId>)>,
}

impl Writer {
    /// Makes the paths of these people what their consent says. Nothing changes for whom nothing must.
    pub(super) fn follow(&mut self, people: &[SubjectId]) -> Result<(), AdminError> {
        let now = self.clock.now();
        let mut following = Following::default();
        for subject in people {
            self.follow_one(*subject, &mut following, now)?;
        }
        if following.change.is_empty() {
            return Ok(());
        }
        if !following.change.close.is_empty() {
            self.scrubbing.keys = Some(0);
        }
        let changed = self.files.keys.change_paths(&following.change);
        // Also after an error: what was replaced must not be used again.
        for (subject, kind, key) in &following.forgotten {
            self.caches.hangers.pop(&(*subject, *kind));
            if let Some(key) = key {
                self.keychain.forget_one(*key);
            }
        }
        Ok(changed?)
    }

    fn follow_one(
        &mut self,
        subject: SubjectId,
        following: &mut Following,
        now: Timestamp,
    ) -> Result<(), AdminError> {
        let Some(row) = self.files.control.subject(subject)? else { return Ok(()) };
        if row.erased_at.is_some() {
            return Ok(());
        }
        let standings = self.files.control.consent_standings(subject)?;
        let permitted: Vec<_> = standings
            .iter()
            .filter(|standing| standing.state.permits())
            .map(|standing| standing.purpose)
            .collect();
        let nodes = self.files.keys.subject_keys(subject)?;
        let feedback: Vec<_> =
            permitted.iter().copied().filter(|purpose| *purpose == ConsentPurpose::Feedback).collect();
        let whose = (row.organization, subject);
        self.follow_kind(whose, (KeyKind::Subject, &permitted), &nodes, following, now)?;
        self.follow_kind(whose, (KeyKind::SubjectFeedback, &feedback), &nodes, following, now)
    }

    /// Makes the paths to a person's keys of one kind what they must be. Where a path is taken away, a fresh key takes the
    /// place of the current one, so that what is captured from now on hangs from a key that the path never led to.
    fn follow_kind(
        &mut self,
        whose: (OrganizationId, SubjectId),
        (kind, purposes): (KeyKind, &[ConsentPurpose]),
        nodes: &[KeyNode],
        following: &mut Following,
        now: Timestamp,
    ) -> Result<(), AdminError> {
        let mut wanted = Vec::new();
        for purpose in purposes {
            wanted.push(self.purpose_root((whose.0, *purpose), following, now)?);
        }
        let wanted_ids: BTreeSet<KeyId> = wanted.iter().map(|(id, _)| *id).collect();
        let mine: Vec<_> = nodes.iter().filter(|node| node.kind == kind).collect();
        let mut closes = false;
        for node in &mine {
            let have: BTreeSet<KeyId> = self.files.keys.consent_roots(node.id)?.into_iter().collect();
            for root in have.difference(&wanted_ids) {
                following.change.close.push((node.id, *root));
                closes = true;
            }
            let missing: Vec<_> = wanted.iter().filter(|(root, _)| !have.contains(root)).collect();
            if !missing.is_empty() {
                let key = self.keychain.key(&self.files.keys, node.id)?;
                for (root, root_key) in missing {
                    let wrap = wrap_for_consent((*root, root_key), (node.id, &key), &*self.randomness)?;
                    following.change.open.push((node.id, *root, wrap.to_vec()));
                }
            }
        }
        let has_current = mine.iter().any(|node| node.replaced_by.is_none());
        if closes || (!has_current && !wanted.is_empty()) {
            let new = self.new_subject_key(whose, kind, now)?;
            for (root, root_key) in &wanted {
                let wrap = wrap_for_consent((*root, root_key), (new.id, &new.key), &*self.randomness)?;
                following.change.open.push((new.id, *root, wrap.to_vec()));
            }
            for node in &mine {
                following.change.replace.push((node.id, new.id));
                if self.files.keys.children(node.id, 1)?.is_empty() {
                    following.change.bare.push((node.id, now));
                }
                self.move_matching(node, &new, following)?;
            }
            let current = mine.iter().find(|node| node.replaced_by.is_none()).map(|node| node.id);
            following.forgotten.push((whose.1, kind, current));
            following.change.keys.push(new.stored);
        }
        Ok(())
    }

    /// Hangs a key for digests, which data of earlier versions has below the person's key, below the new one.
    fn move_matching(
        &mut self,
        old: &KeyNode,
        new: &NewKey,
        following: &mut Following,
    ) -> Result<(), AdminError> {
        let Some(subject) = old.subject else { return Ok(()) };
        for node in self.files.keys.subject_keys(subject)? {
            let parent = self.files.keys.edge(node.id)?.and_then(|edge| edge.parent);
            if node.kind == KeyKind::Matching && parent == Some(old.id) {
                let key = self.keychain.key(&self.files.keys, node.id)?;
                let wrap = new.key.wrap_key(new.id, node.id, &key, &*self.randomness)?;
                following.change.moved.push(Edge {
                    child: node.id,
                    parent: Some(new.id),
                    wrap: wrap.to_vec(),
                });
            }
        }
        Ok(())
    }

    /// The root of a purpose in an organisation, made on first use.
    fn purpose_root(
        &mut self,
        (organization, purpose): (OrganizationId, ConsentPurpose),
        following: &mut Following,
        now: Timestamp,
    ) -> Result<(KeyId, SymmetricKey), AdminError> {
        if let Some((id, key)) = following.roots.get(&(organization, purpose)) {
            return Ok((*id, key.clone()));
        }
        let (id, key) = match self.files.keys.root(organization, KeyKind::PurposeRoot, purpose.name())? {
            Some(node) => (node.id, self.keychain.key(&self.files.keys, node.id)?),
            None => {
                let about = KeyPurpose {
                    kind: KeyKind::PurposeRoot,
                    organization,
                    subject: None,
                    conversation: None,
                    label: purpose.name().to_owned(),
                    ends_at: None,
                };
                let new = self.keychain.new_root(&self.files.keys, about, now, &*self.randomness)?;
                following.change.keys.push(new.stored);
                (new.id, new.key)
            }
        };
        following.roots.insert((organization, purpose), (id, key.clone()));
        Ok((id, key))
    }

    /// Lets keys follow that have not followed yet: a crash or an error came between. Gives whether there was anything.
    pub(crate) fn follow_consents(&mut self, _now: Timestamp) -> Result<bool, AdminError> {
        let people = self.people_to_follow()?;
        if people.is_empty() {
            return Ok(false);
        }
        let readers = Arc::clone(&self.readers);
        let _no_readers = readers.write().unwrap_or_else(PoisonError::into_inner);
        self.follow(&people)?;
        self.files.control.finish_consent_work(&people)?;
        Ok(true)
    }

    /// People whose keys have not followed. Those of organisations whose keys are closed wait: nobody can read by any path of
    /// theirs meanwhile, and when they open they are first.
    fn people_to_follow(&self) -> Result<Vec<SubjectId>, AdminError> {
        let people = self.only_open(self.files.control.consent_work(PEOPLE_PER_STEP)?)?;
        if !people.is_empty() {
            return Ok(people);
        }
        let mut further = self.only_open(self.files.control.consent_work(PEOPLE_LOOKED_AT_MAX)?)?;
        further.truncate(usize::try_from(PEOPLE_PER_STEP).unwrap_or(usize::MAX));
        Ok(further)
    }

    fn only_open(&self, people: Vec<SubjectId>) -> Result<Vec<SubjectId>, AdminError> {
        let mut open = Vec::with_capacity(people.len());
        for subject in people {
            let organization = self.files.control.subject(subject)?.map(|row| row.organization);
            if organization.is_none_or(|organization| self.keychain.require(organization).is_ok()) {
                open.push(subject);
            }
        }
        Ok(open)
    }

    /// Hangs conversations' keys from the key that took the place of their subject's, some at a time; when none is left, the
    /// old key is destroyed. Whatever hangs from the old key meanwhile is read as before.
    pub(crate) fn empty_subject_key(
        &mut self,
        old: &KeyNode,
        new: KeyId,
        now: Timestamp,
    ) -> Result<(), AdminError> {
        let readers = Arc::clone(&self.readers);
        let _no_readers = readers.write().unwrap_or_else(PoisonError::into_inner);
        let children = self.files.keys.children(old.id, KEYS_PER_STEP)?;
        if !children.is_empty() {
            let new_key = self.keychain.key(&self.files.keys, new)?;
            let mut moved = Vec::with_capacity(children.len());
            for child in &children {
                let key = self.keychain.key(&self.files.keys, child.id)?;
                let wrap = new_key.wrap_key(new, child.id, &key, &*self.randomness)?;
                moved.push(Edge { child: child.id, parent: Some(new), wrap: wrap.to_vec() });
            }
            self.files.keys.change_paths(&PathChange { moved, ..PathChange::default() })?;
            self.scrubbing.keys = Some(0);
            crate::faults::reached("subject-key-emptied");
        }
        if children.len() < usize::try_from(KEYS_PER_STEP).unwrap_or(usize::MAX)
            && self.files.keys.destroy_if_bare(old.id, now)?
        {
            self.keychain.forget_one(old.id);
            crate::faults::reached("subject-key-destroyed");
        }
        Ok(())
    }
}
