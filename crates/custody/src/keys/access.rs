//! Keys that services opened, and for how long they are kept.
//!
//! Whoever seals or reads never asks a service: it takes what lies here, or is refused. The keeper asks, on a thread of its
//! own. So a service that is slow or away makes nobody wait, and what belongs to others goes on. What a service opened is
//! given up after [`LEASE_SECONDS`] without a new success, and at once when the service says no: at most an hour after an
//! owner disabled or destroyed a key nothing is read or added with it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use fiducia_keyring::{KeyManagementService, KmsError, KmsProblem, RootBinding, RootWrap, SymmetricKey};
use fiducia_policy::{Clock, KeyId, OrganizationId, Timestamp};
use fiducia_store::ServiceWrap;

use super::services::{Connections, ServiceKey};

/// For how long a key is kept after its service opened it last, in seconds. What follows (noticing, zeroising) is within
/// the hour that is promised.
pub(crate) const LEASE_SECONDS: i64 = 3_000;
/// How long after a success the service is asked again, in seconds.
const REFRESH_SECONDS: i64 = 300;
/// How many services are asked at once.
const ASKED_AT_ONCE_MAX: usize = 8;

/// The organisation of zeros: the installation itself.
pub(crate) const fn program() -> OrganizationId {
    OrganizationId::from_bytes([0; 16])
}

/// A key that a service wraps.
struct Holding {
    wrap: ServiceWrap,
    service: Option<Arc<dyn KeyManagementService>>,
    lease: Option<Lease>,
    trouble: Option<KmsError>,
}

struct Lease {
    key: SymmetricKey,
    since: Timestamp,
}

impl Holding {
    fn is_local(&self) -> bool {
        self.service.as_ref().is_some_and(|service| service.is_local())
    }

    fn is_open(&self, now: Timestamp) -> bool {
        self.lease.as_ref().is_some_and(|lease| self.is_local() || age(lease, now) < LEASE_SECONDS)
    }

    fn is_due(&self, now: Timestamp) -> bool {
        self.lease.as_ref().is_none_or(|lease| !self.is_local() && age(lease, now) >= REFRESH_SECONDS)
    }

    fn refusal(&self) -> KmsError {
        self.trouble.clone().unwrap_or_else(|| KmsError {
            service: self.wrap.service.clone(),
            key: self.wrap.service_key.clone(),
            problem: KmsProblem::Unreachable,
            detail: "it was not asked for too long".to_owned(),
        })
    }
}

/// How old a lease is, in seconds. A clock that was put back makes none younger than it is.
fn age(lease: &Lease, now: Timestamp) -> i64 {
    if now < lease.since { LEASE_SECONDS } else { now.as_second().saturating_sub(lease.since.as_second()) }
}

/// What is known of an organisation's key, for lists.
pub(crate) struct Standing {
    pub(crate) wrap: ServiceWrap,
    pub(crate) open_until: Option<Timestamp>,
    pub(crate) is_open: bool,
    pub(crate) trouble: Option<KmsError>,
}

/// Keys that services opened.
pub(crate) struct KeyAccess {
    pub(crate) connections: Connections,
    clock: Arc<dyn Clock>,
    holdings: RwLock<HashMap<OrganizationId, Holding>>,
    epoch: AtomicU64,
}

impl std::fmt::Debug for KeyAccess {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeyAccess").finish_non_exhaustive()
    }
}

/// A key that is to be asked for again: whose, how it is wrapped, and the service where it is known.
type DueKey = (OrganizationId, ServiceWrap, Option<Arc<dyn KeyManagementService>>);

impl KeyAccess {
    /// Nothing is open yet.
    pub(crate) fn new(connections: Connections, clock: Arc<dyn Clock>) -> Self {
        Self { connections, clock, holdings: RwLock::default(), epoch: AtomicU64::new(1) }
    }

    fn read(&self) -> RwLockReadGuard<'_, HashMap<OrganizationId, Holding>> {
        self.holdings.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, HashMap<OrganizationId, Holding>> {
        self.holdings.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// A number that grows whenever a key was opened or given up: whoever remembers keys beneath compares it.
    pub(crate) fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Acquire)
    }

    fn turn_epoch(&self) {
        self.epoch.fetch_add(1, Ordering::AcqRel);
    }

    /// Takes in a key as a service wrapped it, with the key itself where the service has just opened it.
    pub(crate) fn put(&self, organization: OrganizationId, wrap: ServiceWrap, opened: Option<SymmetricKey>) {
        let place = ServiceKey { service: wrap.service.clone(), key: wrap.service_key.clone() };
        let (service, trouble) = match self.connections.connect(&place) {
            Ok(service) => (Some(service), None),
            Err(error) => (None, Some(error)),
        };
        let lease = opened.map(|key| Lease { key, since: self.clock.now() });
        self.write().insert(organization, Holding { wrap, service, lease, trouble });
        self.turn_epoch();
    }

    /// Forgets an organisation's key: it hangs from the installation's again.
    pub(crate) fn remove(&self, organization: OrganizationId) {
        self.write().remove(&organization);
        self.turn_epoch();
    }

    /// Whether an organisation has a key of its own at a service.
    pub(crate) fn has_own_key(&self, organization: OrganizationId) -> bool {
        organization != program() && self.read().contains_key(&organization)
    }

    /// Whose key protects an organisation: its own, or the installation's.
    pub(crate) fn holder(&self, organization: OrganizationId) -> OrganizationId {
        if self.read().contains_key(&organization) { organization } else { program() }
    }

    /// Whether what hangs from a holder's key may be used now.
    ///
    /// # Errors
    /// Why not.
    pub(crate) fn require(&self, holder: OrganizationId) -> Result<(), KmsError> {
        let now = self.clock.now();
        let holdings = self.read();
        match holdings.get(&holder).or_else(|| holdings.get(&program())) {
            Some(holding) if holding.is_open(now) => Ok(()),
            Some(holding) => Err(holding.refusal()),
            None => Err(nothing_held()),
        }
    }

    /// A key that a service wraps, with whose it is; `None` when no service wraps it.
    ///
    /// # Errors
    /// When it may not be used now.
    pub(crate) fn root_key(&self, id: KeyId) -> Result<Option<(OrganizationId, SymmetricKey)>, KmsError> {
        let now = self.clock.now();
        let holdings = self.read();
        let Some((organization, holding)) = holdings.iter().find(|(_, holding)| holding.wrap.child == id)
        else {
            return Ok(None);
        };
        match &holding.lease {
            Some(lease) if holding.is_open(now) => Ok(Some((*organization, lease.key.clone()))),
            _ => Err(holding.refusal()),
        }
    }

    /// How things stand with an organisation's key, or the installation's.
    pub(crate) fn standing(&self, organization: OrganizationId) -> Option<Standing> {
        let now = self.clock.now();
        let holdings = self.read();
        let holding = holdings.get(&organization).or_else(|| holdings.get(&program()))?;
        let until = |lease: &Lease| {
            lease.since.checked_add(std::time::Duration::from_secs(LEASE_SECONDS.unsigned_abs()))
        };
        Some(Standing {
            wrap: holding.wrap.clone(),
            open_until: holding
                .lease
                .as_ref()
                .filter(|_| !holding.is_local())
                .and_then(|lease| until(lease).ok()),
            is_open: holding.is_open(now),
            trouble: holding.trouble.clone(),
        })
    }

    /// Organisations with keys of their own.
    pub(crate) fn organizations(&self) -> Vec<OrganizationId> {
        self.read().keys().copied().filter(|id| *id != program()).collect()
    }

    /// Whether any service is outside of this process.
    pub(crate) fn has_remote(&self) -> bool {
        self.read().values().any(|holding| !holding.is_local())
    }

    /// Asks the services of keys that are due, several at once, and gives up what may not be used any more. Gives whether
    /// anything was opened or given up. Blocks.
    pub(crate) fn refresh(&self) -> bool {
        let now = self.clock.now();
        let due: Vec<DueKey> = self
            .read()
            .iter()
            .filter(|(_, holding)| holding.is_due(now))
            .map(|(id, holding)| (*id, holding.wrap.clone(), holding.service.clone()))
            .collect();
        let before = self.epoch();
        for few in due.chunks(ASKED_AT_ONCE_MAX) {
            std::thread::scope(|scope| {
                for (organization, wrap, service) in few {
                    scope.spawn(move || self.ask(*organization, wrap, service.clone()));
                }
            });
        }
        self.give_up_expired();
        self.epoch() != before
    }

    fn ask(
        &self,
        organization: OrganizationId,
        wrap: &ServiceWrap,
        service: Option<Arc<dyn KeyManagementService>>,
    ) {
        let place = ServiceKey { service: wrap.service.clone(), key: wrap.service_key.clone() };
        let connected = service.map_or_else(|| self.connections.connect(&place), Ok);
        let began = self.clock.now();
        let opened = connected.and_then(|service| {
            let binding = RootBinding { organization, id: wrap.child };
            let stored = RootWrap { version: wrap.version.clone(), bytes: wrap.wrap.clone() };
            service.unwrap_root(binding, &stored).map(|key| (service, key))
        });
        let mut holdings = self.write();
        let Some(holding) = holdings.get_mut(&organization).filter(|holding| holding.wrap == *wrap) else {
            // It was wrapped anew meanwhile, by a service that has just opened it.
            return;
        };
        let was_open = holding.is_open(began);
        match opened {
            Ok((service, key)) => {
                // From before the service was asked: it may have taken its time.
                (holding.lease, holding.trouble) = (Some(Lease { key, since: began }), None);
                holding.service = Some(service);
            }
            Err(error) => {
                tracing::warn!(%organization, problem = error.problem.code(), "a key could not be opened by its service");
                if error.problem.is_final() {
                    holding.lease = None;
                }
                holding.trouble = Some(error);
            }
        }
        if holding.is_open(began) != was_open {
            self.turn_epoch();
        }
    }

    fn give_up_expired(&self) {
        let now = self.clock.now();
        let mut is_given_up = false;
        for holding in self.write().values_mut() {
            if holding.lease.is_some() && !holding.is_open(now) {
                // Zeroised when dropped.
                holding.lease = None;
                is_given_up = true;
            }
        }
        if is_given_up {
            self.turn_epoch();
        }
    }
}

fn nothing_held() -> KmsError {
    KmsError {
        service: "the installation".to_owned(),
        key: String::new(),
        problem: KmsProblem::NotConfigured,
        detail: String::new(),
    }
}
