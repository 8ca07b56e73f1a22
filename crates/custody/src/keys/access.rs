//! Keys that services opened, and for how long they are kept.
//!
//! Whoever seals or reads never asks a service: it takes what lies here, or is refused. The keeper has services asked, each by
//! an asker of its own ([`super::asking`]). So a service that is slow, away or never returns makes nobody wait, and what belongs
//! to others goes on. What a service opened is given up after [`LEASE_SECONDS`] without a new success, and at once when the service says no: at most an hour after an
//! owner disabled or destroyed a key nothing is read or added with it.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, Weak};
use std::time::Duration;

use fiducia_keyring::{KeyManagementService, KmsError, KmsProblem, RootBinding, RootWrap, SymmetricKey};
use fiducia_policy::{Clock, KeyId, OrganizationId, Timestamp};
use fiducia_store::ServiceWrap;

use super::asking::{ANSWERS_WITHIN, Asking, EARLIER, spawn, unanswered};
use super::services::{Connections, ServiceKey};

/// For how long a key is kept after its service opened it last, in seconds. What follows (noticing, zeroising) is within
/// the hour that is promised.
pub(crate) const LEASE_SECONDS: i64 = 3_000;
/// How long after a success the service is asked again, in seconds.
const REFRESH_SECONDS: i64 = 300;
/// For how many keys one service is asked at once.
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
    asking: Arc<Asking>,
}

impl std::fmt::Debug for KeyAccess {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeyAccess").finish_non_exhaustive()
    }
}

/// A key that is to be asked for again.
struct DueKey {
    organization: OrganizationId,
    wrap: ServiceWrap,
    /// Where it is known.
    service: Option<Arc<dyn KeyManagementService>>,
}

impl DueKey {
    /// Asks the service. Blocks until it answers, which a library of others may never do.
    fn ask(
        &self,
        connections: &Connections,
    ) -> Result<(Arc<dyn KeyManagementService>, SymmetricKey), KmsError> {
        let service = match &self.service {
            Some(service) => Arc::clone(service),
            None => connections.connect(&place_of(&self.wrap))?,
        };
        let binding = RootBinding { organization: self.organization, id: self.wrap.child };
        let stored = RootWrap { version: self.wrap.version.clone(), bytes: self.wrap.wrap.clone() };
        let key = service.unwrap_root(binding, &stored)?;
        Ok((service, key))
    }
}

fn place_of(wrap: &ServiceWrap) -> ServiceKey {
    ServiceKey { service: wrap.service.clone(), key: wrap.service_key.clone() }
}

/// Is called whenever keys were opened or given up.
pub(crate) type Changed = Arc<dyn Fn() + Send + Sync>;

impl KeyAccess {
    /// Nothing is open yet.
    pub(crate) fn new(connections: Connections, clock: Arc<dyn Clock>) -> Self {
        Self {
            connections,
            clock,
            holdings: RwLock::default(),
            epoch: AtomicU64::new(1),
            asking: Arc::default(),
        }
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
        let (service, trouble) = match self.connections.connect(&place_of(&wrap)) {
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

    /// Asks a service one thing on a thread of its own, and waits for the answer, but not for ever.
    ///
    /// # Errors
    /// What the service said; [`KmsProblem::Slow`] when there was no answer in time.
    pub(crate) fn ask_service<T: Send + 'static>(
        &self,
        place: &ServiceKey,
        question: impl FnOnce(&dyn KeyManagementService) -> Result<T, KmsError> + Send + 'static,
    ) -> Result<T, KmsError> {
        self.asking.ask(&self.connections, place, ANSWERS_WITHIN, question)
    }

    /// Has the services of keys that are due asked, and waits for the answers, and before for who asks them now: for `patience` each
    /// at most. Gives whether anything was opened or given up.
    pub(crate) fn refresh(self: &Arc<Self>, patience: Duration) -> bool {
        let before = self.epoch();
        self.asking.wait(&self.asking.asked(), patience);
        let asked = self.ask_due(&(Arc::new(|| ()) as Changed));
        self.asking.wait(&asked, patience);
        for service in self.asking.asked() {
            self.note_unanswered(&service);
        }
        self.give_up_expired();
        self.epoch() != before
    }

    /// Gives up what may not be used any more, and has the services of keys that are due asked, each by an asker of its own. One that
    /// has not answered an earlier question is left alone: what it protects is closed when its time is over. Waits for nobody; gives
    /// which services are asked.
    pub(crate) fn ask_due(self: &Arc<Self>, changed: &Changed) -> Vec<String> {
        let now = self.clock.now();
        let mut due: BTreeMap<String, Vec<DueKey>> = BTreeMap::new();
        for (id, holding) in self.read().iter().filter(|(_, holding)| holding.is_due(now)) {
            let (wrap, service) = (holding.wrap.clone(), holding.service.clone());
            due.entry(wrap.service.clone()).or_default().push(DueKey { organization: *id, wrap, service });
        }
        let mut asked = Vec::new();
        for (service, keys) in due {
            let Some(turn) = self.asking.begin(&service) else {
                self.note_unanswered(&service);
                continue;
            };
            let (access, connections, clock) =
                (Arc::downgrade(self), self.connections.clone(), Arc::clone(&self.clock));
            let changed = Arc::clone(changed);
            let started = spawn(move || {
                let ask = |key: &DueKey| ask_for(key, &access, &connections, &*clock, &*changed);
                for few in keys.chunks(ASKED_AT_ONCE_MAX) {
                    std::thread::scope(|scope| {
                        for key in few {
                            let ask = &ask;
                            scope.spawn(move || ask(key));
                        }
                    });
                }
                drop(turn);
            });
            match started {
                Ok(()) => asked.push(service),
                Err(error) => tracing::warn!(%error, service, "a key management service could not be asked"),
            }
        }
        if self.give_up_expired() {
            changed();
        }
        asked
    }

    /// Notes of the keys that a service has not answered for that it did not, unless it has said no before.
    fn note_unanswered(&self, service: &str) {
        let now = self.clock.now();
        for holding in self.write().values_mut() {
            let is_meant = holding.wrap.service == service && holding.is_due(now);
            if is_meant && holding.trouble.as_ref().is_none_or(|trouble| !trouble.problem.is_final()) {
                holding.trouble = Some(unanswered(&place_of(&holding.wrap), EARLIER));
            }
        }
    }

    /// Takes in what a service said, asked at `began`. Gives whether that opened or closed anything.
    fn take_answer(
        &self,
        due: &DueKey,
        began: Timestamp,
        answer: Result<(Arc<dyn KeyManagementService>, SymmetricKey), KmsError>,
    ) -> bool {
        let now = self.clock.now();
        let mut holdings = self.write();
        let Some(holding) = holdings.get_mut(&due.organization).filter(|holding| holding.wrap == due.wrap)
        else {
            // It was wrapped anew meanwhile, by a service that has just opened it.
            return false;
        };
        let (was_open, was_held) = (holding.is_open(now), holding.lease.is_some());
        match answer {
            Ok((service, key)) => {
                // From before the service was asked: it may have taken its time.
                (holding.lease, holding.trouble) = (Some(Lease { key, since: began }), None);
                holding.service = Some(service);
            }
            Err(error) => {
                tracing::warn!(
                    organization = %due.organization,
                    problem = error.problem.code(),
                    "a key could not be opened by its service"
                );
                if error.problem.is_final() {
                    holding.lease = None;
                }
                holding.trouble = Some(error);
            }
        }
        if !holding.is_open(now) {
            // An answer may come when its time is over already. Zeroised when dropped.
            holding.lease = None;
        }
        // Also when its time was over before: whoever remembers keys beneath it is to forget them.
        let is_changed = holding.is_open(now) != was_open || (was_held && holding.lease.is_none());
        if is_changed {
            self.turn_epoch();
        }
        is_changed
    }

    /// Gives up what may not be used any more; gives whether there was anything.
    fn give_up_expired(&self) -> bool {
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
        is_given_up
    }
}

/// Asks for one key, and has the answer taken in, if the data is still open then.
fn ask_for(
    key: &DueKey,
    access: &Weak<KeyAccess>,
    connections: &Connections,
    clock: &dyn Clock,
    changed: &(dyn Fn() + Send + Sync),
) {
    let began = clock.now();
    let answer = key.ask(connections);
    let Some(access) = access.upgrade() else { return };
    if access.take_answer(key, began, answer) {
        changed();
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
