//! Walking the key graph: from the KMS down to a key, and making new keys.

use std::num::NonZeroUsize;

use fiducia_keyring::{KeyManagementService, KeyringError, MatchingKey, SymmetricKey};
use fiducia_policy::{ConversationId, KeyId, OrganizationId, Randomness, SubjectId, Timestamp};
use fiducia_store::{Edge, KeyKind, KeyNode, KeyStore, StoreError};
use lru::LruCache;

/// Deepest path from the KMS to a key; a longer one means the graph is damaged.
const PATH_LENGTH_MAX: usize = 8;
/// Unwrapped keys kept in memory.
const KEYS_IN_MEMORY_MAX: NonZeroUsize = NonZeroUsize::new(16_384).unwrap();

/// A key could not be reached.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeyPathError {
    /// The path is gone: this key, or one above it, was destroyed.
    #[error("the key {0} was destroyed")]
    Destroyed(KeyId),
    /// The graph loops or is deeper than any this program makes.
    #[error("the key graph is damaged at {0}")]
    Damaged(KeyId),
    /// The KMS or a wrap refused.
    #[error(transparent)]
    Keyring(#[from] KeyringError),
    /// The store refused.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The KMS and the keys unwrapped lately.
#[derive(Debug)]
pub(crate) struct Keychain {
    kms: std::sync::Arc<dyn KeyManagementService>,
    unwrapped: LruCache<KeyId, SymmetricKey>,
}

impl Keychain {
    pub(crate) fn new(kms: std::sync::Arc<dyn KeyManagementService>) -> Self {
        Self { kms, unwrapped: LruCache::new(KEYS_IN_MEMORY_MAX) }
    }

    /// Forgets every unwrapped key, after a destruction or a failed commit. They are zeroised when dropped.
    pub(crate) fn forget(&mut self) {
        self.unwrapped.clear();
    }

    /// Forgets one unwrapped key.
    pub(crate) fn forget_one(&mut self, id: KeyId) {
        self.unwrapped.pop(&id);
    }

    /// Unwraps a key by walking up to the KMS.
    pub(crate) fn key(&mut self, keys: &KeyStore, id: KeyId) -> Result<SymmetricKey, KeyPathError> {
        self.walk(keys, id, 0)
    }

    fn walk(&mut self, keys: &KeyStore, id: KeyId, depth: usize) -> Result<SymmetricKey, KeyPathError> {
        if let Some(key) = self.unwrapped.get(&id) {
            return Ok(key.clone());
        }
        if depth >= PATH_LENGTH_MAX {
            return Err(KeyPathError::Damaged(id));
        }
        let edge = keys.edge(id)?.ok_or(KeyPathError::Destroyed(id))?;
        let key = match edge.parent {
            Some(parent) => self.walk(keys, parent, depth + 1)?.unwrap_key(parent, id, &edge.wrap)?,
            None => {
                let node = keys.node(id)?.ok_or(KeyPathError::Damaged(id))?;
                self.kms.unwrap_root(node.organization, id, &edge.wrap)?
            }
        };
        self.unwrapped.put(id, key.clone());
        Ok(key)
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
    /// Makes a key under the KMS.
    pub(crate) fn new_root(
        &self,
        purpose: KeyPurpose,
        now: Timestamp,
        randomness: &dyn Randomness,
    ) -> Result<NewKey, KeyringError> {
        let (id, key) = (KeyId::generate(now, randomness)?, SymmetricKey::generate(randomness)?);
        let wrap = self.kms.wrap_root(purpose.organization, id, &key, randomness)?;
        Ok(new_key(purpose, id, key, None, wrap.to_vec(), now))
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
