//! Who may speak, in memory: virtual keys by the hash of their secret, organisations, and subjects by name.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError, RwLock};

use fiducia_keyring::MatchingKey;
use fiducia_policy::{Agreement, OrganizationId, SubjectId, Timestamp};
use fiducia_store::{OrganizationRecord, OrganizationTerms, VirtualKeyRecord};
use lru::LruCache;

use crate::staging::sha256;
use crate::{Caller, CredentialRefused, EligibilityTerms, Retention, Scope, Scopes};

/// Every virtual key's secret begins with this, so that scanners for leaked credentials can recognise it.
pub(crate) const SECRET_PREFIX: &str = "fiducia-vk-";
/// Longest credential that is hashed at all.
const CREDENTIAL_BYTES_MAX: usize = 512;
/// Longest name of a subject in the `fiducia-subject` header.
const SUBJECT_NAME_BYTES_MAX: usize = 128;
const NAMES_MAX: NonZeroUsize = NonZeroUsize::new(65_536).unwrap();

/// An organisation, with the key for keyed digests of names where it could be opened.
type KnownOrganization = (OrganizationRecord, Option<std::sync::Arc<MatchingKey>>);

/// The directory of callers.
#[derive(Debug)]
pub(crate) struct Callers {
    keys: RwLock<HashMap<[u8; 32], VirtualKeyRecord>>,
    organizations: RwLock<HashMap<OrganizationId, KnownOrganization>>,
    names: Mutex<LruCache<(OrganizationId, [u8; 32]), SubjectId>>,
}

impl Default for Callers {
    fn default() -> Self {
        Self {
            keys: RwLock::default(),
            organizations: RwLock::default(),
            names: Mutex::new(LruCache::new(NAMES_MAX)),
        }
    }
}

impl Callers {
    /// Takes in a virtual key, new or changed.
    pub(crate) fn put_key(&self, key: VirtualKeyRecord) {
        self.keys.write().unwrap_or_else(PoisonError::into_inner).insert(key.secret_hash, key);
    }

    /// Takes in an organisation with the key for its subjects' names.
    pub(crate) fn put_organization(&self, organization: OrganizationRecord, names: MatchingKey) {
        let mut organizations = self.organizations.write().unwrap_or_else(PoisonError::into_inner);
        organizations.insert(organization.id, (organization, Some(std::sync::Arc::new(names))));
    }

    /// Takes in an organisation whose keys may not be used now: it has no names until they may.
    pub(crate) fn put_closed_organization(&self, organization: OrganizationRecord) {
        let mut organizations = self.organizations.write().unwrap_or_else(PoisonError::into_inner);
        organizations.insert(organization.id, (organization, None));
    }

    /// Remembers who a name's digest stands for.
    pub(crate) fn put_name(&self, organization: OrganizationId, digest: [u8; 32], subject: SubjectId) {
        self.names.lock().unwrap_or_else(PoisonError::into_inner).put((organization, digest), subject);
    }

    /// Forgets all names, after an erasure.
    pub(crate) fn forget_names(&self) {
        self.names.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// An organisation's settings.
    pub(crate) fn organization(&self, id: OrganizationId) -> Option<OrganizationRecord> {
        let organizations = self.organizations.read().unwrap_or_else(PoisonError::into_inner);
        organizations.get(&id).map(|(record, _)| record.clone())
    }

    /// What an organisation has agreed.
    pub(crate) fn terms(&self, id: OrganizationId) -> Option<OrganizationTerms> {
        let organizations = self.organizations.read().unwrap_or_else(PoisonError::into_inner);
        organizations.get(&id).map(|(record, _)| record.terms)
    }

    /// Takes changed terms over.
    pub(crate) fn put_terms(&self, id: OrganizationId, terms: OrganizationTerms) {
        let mut organizations = self.organizations.write().unwrap_or_else(PoisonError::into_inner);
        if let Some((record, _)) = organizations.get_mut(&id) {
            record.terms = terms;
        }
    }

    /// The keyed digest of a subject's name.
    pub(crate) fn name_digest(&self, organization: OrganizationId, name: &str) -> Option<[u8; 32]> {
        let organizations = self.organizations.read().unwrap_or_else(PoisonError::into_inner);
        organizations
            .get(&organization)?
            .1
            .as_ref()
            .map(|key| key.digest(&[b"subject-name", name.as_bytes()]))
    }

    /// Who a name stands for, if remembered.
    pub(crate) fn named(&self, organization: OrganizationId, digest: [u8; 32]) -> Option<SubjectId> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner).get(&(organization, digest)).copied()
    }

    /// Finds the caller that presents a secret.
    ///
    /// Only the secret's SHA-256 is compared, by a look-up: what an attacker could learn from its timing are bits of a
    /// hash whose preimage has 256 random bits.
    pub(crate) fn authenticate(&self, presented: &str, now: Timestamp) -> Result<Caller, CredentialRefused> {
        if presented.len() > CREDENTIAL_BYTES_MAX {
            return Err(CredentialRefused::Unknown);
        }
        let hash = sha256(&[presented.as_bytes()]);
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        let key = keys.get(&hash).ok_or(CredentialRefused::Unknown)?;
        if key.revoked_at.is_some() {
            return Err(CredentialRefused::Revoked);
        }
        if key.expires_at.is_some_and(|end| end <= now) {
            return Err(CredentialRefused::Expired);
        }
        let terms = self.terms(key.organization).ok_or(CredentialRefused::Unknown)?;
        Ok(Caller {
            key: key.id,
            organization: key.organization,
            workspace: key.workspace,
            subject: key.subject,
            scopes: parse_scopes(&key.scopes),
            retention: if terms.agreement == Agreement::ZeroRetention {
                Retention::Zero
            } else {
                Retention::Kept
            },
            eligibility: eligibility_terms(terms, key.covered_models),
            class: key.class,
        })
    }
}

/// What an organisation's agreement and its workspace say about the use of providers.
fn eligibility_terms(terms: OrganizationTerms, covered_models_enabled: bool) -> EligibilityTerms {
    EligibilityTerms {
        zero_retention: terms.agreement == Agreement::ZeroRetention,
        hipaa: terms.agreement == Agreement::Hipaa,
        covered_models_enabled,
    }
}

/// The scopes stored as names separated by spaces; a name this version does not know permits nothing.
pub(crate) fn parse_scopes(names: &str) -> Scopes {
    names.split(' ').filter_map(|name| name.parse::<Scope>().ok()).collect()
}

/// Whether a text can name a subject: 1 to 128 visible ASCII characters.
pub(crate) fn is_subject_name(name: &str) -> bool {
    (1..=SUBJECT_NAME_BYTES_MAX).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_graphic())
}
