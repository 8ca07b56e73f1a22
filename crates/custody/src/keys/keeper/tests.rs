use std::sync::Condvar;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

use fiducia_keyring::{KeyManagementService, KmsError, KmsProblem, RootBinding, RootWrap, SymmetricKey};
use fiducia_policy::{Clock, KeyId, OrganizationId, Randomness, RandomnessUnavailable, Timestamp};
use fiducia_store::ServiceWrap;

use super::super::access::program;
use super::super::asking::Asking;
use super::super::services::{Connections, KeyServiceDirectory, KeyServices, ServiceKey};
use super::*;

/// Longer than any answer takes, so that only what never comes would be seen by it.
const PATIENCE: Duration = Duration::from_mins(10);

struct Time(AtomicI64);

impl Clock for Time {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(self.0.load(Ordering::SeqCst)).unwrap()
    }
}

struct Zeros;

impl Randomness for Zeros {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), RandomnessUnavailable> {
        bytes.fill(0);
        Ok(())
    }
}

/// A service that opens everything until it is told to refuse.
#[derive(Debug, Clone, Default)]
struct Opening(Arc<Mutex<Option<KmsProblem>>>);

impl KeyManagementService for Opening {
    fn wrap_root(&self, _: RootBinding, _: &SymmetricKey, _: &dyn Randomness) -> Result<RootWrap, KmsError> {
        Ok(RootWrap { version: String::new(), bytes: Vec::new() })
    }

    fn unwrap_root(&self, _: RootBinding, _: &RootWrap) -> Result<SymmetricKey, KmsError> {
        match *self.0.lock().unwrap() {
            None => Ok(SymmetricKey::generate(&Zeros).unwrap()),
            Some(problem) => Err(KmsError {
                service: "opening".to_owned(),
                key: "k".to_owned(),
                problem,
                detail: String::new(),
            }),
        }
    }
}

impl KeyServiceDirectory for Opening {
    fn connect(&self, _: &str, _: &str) -> Result<Arc<dyn KeyManagementService>, KmsError> {
        Ok(Arc::new(self.clone()))
    }
}

fn access(service: &Opening, clock: &Arc<Time>) -> Arc<KeyAccess> {
    let services = KeyServices { installation: None, directory: Some(Arc::new(service.clone())) };
    let connections = Connections { keyfile: None, services };
    let access = KeyAccess::new(connections, Arc::clone(clock) as Arc<dyn Clock>);
    let wrap = ServiceWrap {
        child: KeyId::from_bytes([1; 16]),
        service: "opening".to_owned(),
        service_key: "k".to_owned(),
        version: String::new(),
        wrap: Vec::new(),
        wrapped_at: clock.now(),
    };
    access.put(program(), wrap, None);
    Arc::new(access)
}

#[test]
fn the_keeper_asks_by_itself_and_says_when_something_changed() {
    let (service, clock) = (Opening::default(), Arc::new(Time(AtomicI64::new(1_800_000_000))));
    let access = access(&service, &clock);
    assert!(access.require(program()).is_err(), "nothing was asked yet");
    let (sender, changes) = channel();
    let tell = move || {
        let _ = sender.send(());
    };
    let keeper = KeyKeeper::start(Arc::clone(&access), Duration::from_millis(1), tell).unwrap();
    changes.recv().unwrap();
    access.require(program()).unwrap();
    *service.0.lock().unwrap() = Some(KmsProblem::Destroyed);
    clock.0.fetch_add(301, Ordering::SeqCst);
    changes.recv().unwrap();
    assert_eq!(access.require(program()).unwrap_err().problem, KmsProblem::Destroyed);
    assert!(access.root_key(KeyId::from_bytes([1; 16])).is_err(), "nothing of it is left");
    keeper.stop();
    assert!(changes.recv().is_err(), "the thread has ended");
}

#[test]
fn a_clock_that_was_put_back_makes_nothing_last_longer() {
    let (service, clock) = (Opening::default(), Arc::new(Time(AtomicI64::new(1_800_000_000))));
    let access = access(&service, &clock);
    access.refresh(PATIENCE);
    let organization = OrganizationId::from_bytes([9; 16]);
    access.require(access.holder(organization)).unwrap();
    clock.0.fetch_sub(1, Ordering::SeqCst);
    assert!(access.require(program()).is_err());
    access.refresh(PATIENCE);
    access.require(program()).unwrap();
}

/// Two services: one answers and says so, the other does not return before it is let go.
#[derive(Debug, Clone)]
struct Two {
    is_let_go: Arc<(Mutex<bool>, Condvar)>,
    silent_was_asked: Arc<AtomicUsize>,
    answered: Sender<()>,
}

impl Two {
    fn new() -> (Self, Receiver<()>) {
        let (answered, answers) = channel();
        let two = Self { is_let_go: Arc::default(), silent_was_asked: Arc::default(), answered };
        (two, answers)
    }

    fn let_go(&self) {
        *self.is_let_go.0.lock().unwrap() = true;
        self.is_let_go.1.notify_all();
    }

    fn connections(&self) -> Connections {
        let services = KeyServices { installation: None, directory: Some(Arc::new(self.clone())) };
        Connections { keyfile: None, services }
    }

    /// The installation and the organisation 2 are with the service that answers, the organisation 1 with the other.
    fn access(&self, clock: &Arc<Time>, opened: bool) -> Arc<KeyAccess> {
        let access = KeyAccess::new(self.connections(), Arc::clone(clock) as Arc<dyn Clock>);
        let holders = [(program(), "answering"), (organization(1), "silent"), (organization(2), "answering")];
        for (number, (holder, service)) in (1..).zip(holders) {
            let wrap = ServiceWrap {
                child: KeyId::from_bytes([number; 16]),
                service: service.to_owned(),
                service_key: "k".to_owned(),
                version: String::new(),
                wrap: Vec::new(),
                wrapped_at: clock.now(),
            };
            access.put(holder, wrap, opened.then(|| SymmetricKey::generate(&Zeros).unwrap()));
        }
        Arc::new(access)
    }
}

impl KeyServiceDirectory for Two {
    fn connect(&self, service: &str, _: &str) -> Result<Arc<dyn KeyManagementService>, KmsError> {
        Ok(Arc::new(OneOfTwo { two: self.clone(), is_silent: service == "silent" }))
    }
}

#[derive(Debug)]
struct OneOfTwo {
    two: Two,
    is_silent: bool,
}

impl KeyManagementService for OneOfTwo {
    fn wrap_root(&self, _: RootBinding, _: &SymmetricKey, _: &dyn Randomness) -> Result<RootWrap, KmsError> {
        Ok(RootWrap { version: String::new(), bytes: Vec::new() })
    }

    fn unwrap_root(&self, _: RootBinding, _: &RootWrap) -> Result<SymmetricKey, KmsError> {
        if self.is_silent {
            self.two.silent_was_asked.fetch_add(1, Ordering::SeqCst);
            let (is_let_go, changed) = &*self.two.is_let_go;
            drop(changed.wait_while(is_let_go.lock().unwrap(), |is_let_go| !*is_let_go).unwrap());
        } else {
            // Nobody counts any more at the end of a test.
            let _ = self.two.answered.send(());
        }
        Ok(SymmetricKey::generate(&Zeros).unwrap())
    }
}

const fn organization(number: u8) -> OrganizationId {
    OrganizationId::from_bytes([number; 16])
}

#[test]
fn a_service_that_never_returns_closes_its_own_organisation_and_no_other() {
    let clock = Arc::new(Time(AtomicI64::new(1_800_000_000)));
    let (two, answers) = Two::new();
    let access = two.access(&clock, true);
    let (sender, changes) = channel();
    let tell = move || {
        let _ = sender.send(());
    };
    let keeper = KeyKeeper::start(Arc::clone(&access), Duration::from_millis(1), tell).unwrap();
    for _ in 0..10 {
        access.require(organization(1)).unwrap();
        clock.0.fetch_add(301, Ordering::SeqCst);
        // The installation's key and that of the other organisation are asked for as ever.
        answers.recv().unwrap();
        answers.recv().unwrap();
    }
    changes.recv().unwrap();
    assert_eq!(access.require(organization(1)).unwrap_err().problem, KmsProblem::Slow);
    assert!(access.root_key(KeyId::from_bytes([2; 16])).is_err(), "nothing of it is left");
    access.require(organization(2)).unwrap();
    access.require(program()).unwrap();
    assert_eq!(two.silent_was_asked.load(Ordering::SeqCst), 1, "nobody asks again who has not answered");
    keeper.stop();
    // What it says at last is from before the hour, and opens nothing; asked again it does.
    two.let_go();
    access.refresh(PATIENCE);
    access.require(organization(1)).unwrap();
    assert_eq!(two.silent_was_asked.load(Ordering::SeqCst), 2);
}

#[test]
fn a_service_that_never_returns_holds_no_start_up_and_keeps_no_key_behind_its_end() {
    let clock = Arc::new(Time(AtomicI64::new(1_800_000_000)));
    let (two, answers) = Two::new();
    let access = two.access(&clock, false);
    access.refresh(Duration::from_millis(1));
    let refused = access.require(organization(1)).unwrap_err();
    assert_eq!(refused.problem, KmsProblem::Slow);
    assert!(refused.to_string().contains("the program must be started again"), "{refused}");
    answers.recv().unwrap();
    answers.recv().unwrap();
    // The one that answers may have been slower than the start was patient: then it opens what is its own by itself.
    let asked = access.ask_due(&(Arc::new(|| ()) as Changed));
    assert!(!asked.contains(&"silent".to_owned()), "{asked:?}");
    while access.require(program()).is_err() || access.require(organization(2)).is_err() {
        std::thread::yield_now();
    }
    let left = Arc::downgrade(&access);
    drop(access);
    while left.upgrade().is_some() {
        // An asker of the service that answers may just be taking its answer in.
        std::thread::yield_now();
    }
    two.let_go();
}

#[test]
fn whoever_orders_a_change_waits_for_a_service_for_a_bounded_time() {
    let (two, _answers) = Two::new();
    let asking = Arc::new(Asking::default());
    let place = |service: &str| ServiceKey { service: service.to_owned(), key: "k".to_owned() };
    let ask = |service: &str, patience| {
        asking.ask(&two.connections(), &place(service), patience, |service| {
            service.validate(
                RootBinding { organization: organization(1), id: KeyId::from_bytes([1; 16]) },
                &Zeros,
            )
        })
    };
    let moment = Duration::from_millis(1);
    let refused = ask("silent", moment).unwrap_err();
    assert_eq!((refused.problem, refused.service.as_str()), (KmsProblem::Slow, "silent"));
    assert!(ask("silent", moment).unwrap_err().to_string().contains("an earlier question"));
    ask("answering", PATIENCE).unwrap();
    two.let_go();
    ask("silent", PATIENCE).unwrap();
    assert_eq!(two.silent_was_asked.load(Ordering::SeqCst), 2, "who was refused had nothing asked");
}
