//! Walking the key graph: from what a service opened down to a key, and making new keys.

use std::num::NonZeroUsize;

use fiducia_keyring::{KeyringError, KmsError, MatchingKey, SymmetricKey};
use fiducia_policy::{ConversationId, KeyId, OrganizationId, Randomness, SubjectId, Timestamp};
use fiducia_store::{Edge, KeyKind, KeyNode, KeyStore, StoreError};
use lru::LruCache;

use crate::keys::{KeyAccess, program};

/// Deepest path from what a service wraps to a key; a longer one means the graph is damaged.
const PATH_LENGTH_MAX: usize = 8;
/// Unwrapped keys kept in memory.
const KEYS_IN_MEMORY_MAX: NonZeroUsize = NonZeroUsize::new(16_384).unwrap();

/// A key could not be reached.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeyPathError {
    /// The path is gone: this key, or one above it, was destroyed.
    #[error("the key {0} was destroyed")]
    Destroyed(KeyId),
    /// The organisation is not known to the key store.
    #[error("the key store knows no {0}")]
    NoOrganizationKey(OrganizationId),
    /// The graph loops or is deeper than any this program makes.
    #[error("the key graph is damaged at {0}")]
    Damaged(KeyId),
    /// The service that wraps the key above it all cannot open it, or may not.
    #[error(transparent)]
    Unavailable(#[from] KmsError),
    /// A wrap refused.
    #[error(transparent)]
    Keyring(#[from] KeyringError),
    /// The store refused.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Keys unwrapped lately.
#[derive(Debug)]
pub(crate) struct Keychain {
    access: std::sync::Arc<KeyAccess>,
    /// Each with whose key protects it: when that may not be used, neither may these.
    unwrapped: LruCache<KeyId, (OrganizationId, SymmetricKey)>,
}

impl Keychain {
    pub(crate) fn new(access: std::sync::Arc<KeyAccess>) -> Self {
        Self { access, unwrapped: LruCache::new(KEYS_IN_MEMORY_MAX) }
    }

    /// Forgets every unwrapped key, after a destruction or a failed commit. They are zeroised when dropped.
    pub(crate) fn forget(&mut self) {
        self.unwrapped.clear();
    }

    /// Forgets one unwrapped key.
    pub(crate) fn forget_one(&mut self, id: KeyId) {
        self.unwrapped.pop(&id);
    }

    /// Whether what an organisation's key protects may be used now.
    pub(crate) fn require(&self, organization: OrganizationId) -> Result<(), KeyPathError> {
        Ok(self.access.require(self.access.holder(organization))?)
    }

    /// Unwraps a key by walking up to one that a service opened.
    pub(crate) fn key(&mut self, keys: &KeyStore, id: KeyId) -> Result<SymmetricKey, KeyPathError> {
        self.walk(keys, id, 0).map(|(_, key)| key)
    }

    fn walk(
        &mut self,
        keys: &KeyStore,
        id: KeyId,
        depth: usize,
    ) -> Result<(OrganizationId, SymmetricKey), KeyPathError> {
        if let Some((holder, key)) = self.unwrapped.get(&id) {
            self.access.require(*holder)?;
            return Ok((*holder, key.clone()));
        }
        if depth >= PATH_LENGTH_MAX {
            return Err(KeyPathError::Damaged(id));
        }
        let found = match keys.edge(id)? {
            Some(edge) => {
                let parent = edge.parent.ok_or(KeyPathError::Damaged(id))?;
                let (holder, parent_key) = self.walk(keys, parent, depth + 1)?;
                (holder, parent_key.unwrap_key(parent, id, &edge.wrap)?)
            }
            // What a service opened is remembered there alone, so that it is given up in one place.
            None => return self.access.root_key(id)?.ok_or(KeyPathError::Destroyed(id)),
        };
        self.unwrapped.put(id, found.clone());
        Ok(found)
    }

    /// The matching key with this id.
    pub(crate) fn matching_key(&mut self, keys: &KeyStore, id: KeyId) -> Result<MatchingKey, KeyPathError> {
        Ok(MatchingKey::new(&self.key(keys, id)?))
    }
}

/// A key just made, with what must be stored before anything sealed under it is.
#[derive(Debug)]
pub(crate) struct NewKey {
    pub(crate) id: KeyId,
    pub(crate) key: SymmetricKey,
    pub(crate) stored: (KeyNode, Edge),
}

/// What a new key is for.
#[derive(Debug, Clone)]
pub(crate) struct KeyPurpose {
    pub(crate) kind: KeyKind,
    pub(crate) organization: OrganizationId,
    pub(crate) subject: Option<SubjectId>,
    pub(crate) conversation: Option<ConversationId>,
    pub(crate) label: String,
    /// When it must be looked at.
    pub(crate) ends_at: Option<Timestamp>,
}

impl Keychain {
    /// Makes the key from which an organisation's roots hang, under the installation's.
    pub(crate) fn new_organization_key(
        &mut self,
        keys: &KeyStore,
        organization: OrganizationId,
        now: Timestamp,
        randomness: &dyn Randomness,
    ) -> Result<NewKey, KeyPathError> {
        let purpose = organization_key_purpose(organization);
        let (installation, key) = self.key_of(keys, program())?;
        Ok(Self::new_child((installation, &key), purpose, now, randomness)?)
    }

    /// Makes a root of an organisation.
    pub(crate) fn new_root(
        &mut self,
        keys: &KeyStore,
        purpose: KeyPurpose,
        now: Timestamp,
        randomness: &dyn Randomness,
    ) -> Result<NewKey, KeyPathError> {
        let (id, key) = self.key_of(keys, purpose.organization)?;
        Ok(Self::new_child((id, &key), purpose, now, randomness)?)
    }

    /// The key from which an organisation's roots hang.
    fn key_of(
        &mut self,
        keys: &KeyStore,
        organization: OrganizationId,
    ) -> Result<(KeyId, SymmetricKey), KeyPathError> {
        let node = keys.organization_key(organization)?;
        let id = node.ok_or(KeyPathError::NoOrganizationKey(organization))?.id;
        Ok((id, self.key(keys, id)?))
    }

    /// Makes a key under another.
    pub(crate) fn new_child(
        parent: (KeyId, &SymmetricKey),
        purpose: KeyPurpose,
        now: Timestamp,
        randomness: &dyn Randomness,
    ) -> Result<NewKey, KeyringError> {
        let (id, key) = (KeyId::generate(now, randomness)?, SymmetricKey::generate(randomness)?);
        let wrap = parent.1.wrap_key(parent.0, id, &key, randomness)?;
        Ok(new_key(purpose, id, key, Some(parent.0), wrap.to_vec(), now))
    }
}

/// What the key from which an organisation's roots hang is for.
pub(crate) const fn organization_key_purpose(organization: OrganizationId) -> KeyPurpose {
    KeyPurpose {
        kind: KeyKind::OrganizationKey,
        organization,
        subject: None,
        conversation: None,
        label: String::new(),
        ends_at: None,
    }
}

fn new_key(
    purpose: KeyPurpose,
    id: KeyId,
    key: SymmetricKey,
    parent: Option<KeyId>,
    wrap: Vec<u8>,
    now: Timestamp,
) -> NewKey {
    let node = KeyNode {
        id,
        kind: purpose.kind,
        organization: purpose.organization,
        subject: purpose.subject,
        conversation: purpose.conversation,
        label: purpose.label,
        created_at: now,
        ends_at: purpose.ends_at,
        destroyed_at: None,
        replaced_by: None,
    };
    NewKey { id, key, stored: (node, Edge { child: id, parent, wrap }) }
}
