//! The keeper: the one thread that asks key management services, again and again, while the data is open.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::access::KeyAccess;

/// How often is looked whether a service must be asked.
pub(crate) const LOOKS_EVERY: Duration = Duration::from_secs(30);

/// The keeper's thread.
#[derive(Debug, Default)]
pub(crate) struct KeyKeeper(Mutex<Option<(Sender<()>, JoinHandle<()>)>>);

impl KeyKeeper {
    /// Starts the thread, which looks whenever `patience` is over; it calls `changed` whenever keys were opened or given up.
    pub(crate) fn start(
        access: Arc<KeyAccess>,
        patience: Duration,
        changed: impl Fn() + Send + 'static,
    ) -> Result<Self, std::io::Error> {
        let (stop, stopped): (Sender<()>, Receiver<()>) = channel();
        let run = move || {
            while stopped.recv_timeout(patience) == Err(RecvTimeoutError::Timeout) {
                if access.has_remote() && access.refresh() {
                    changed();
                }
            }
        };
        let thread = std::thread::Builder::new().name("fiducia-keys".to_owned()).spawn(run)?;
        Ok(Self(Mutex::new(Some((stop, thread)))))
    }

    /// Ends the thread. Blocks while a service is being asked.
    pub(crate) fn stop(&self) {
        let running = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some((stop, thread)) = running {
            drop(stop);
            // An error means that it has ended already.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use fiducia_keyring::{KeyManagementService, KmsError, KmsProblem, RootBinding, RootWrap, SymmetricKey};
    use fiducia_policy::{Clock, KeyId, OrganizationId, Randomness, RandomnessUnavailable, Timestamp};
    use fiducia_store::ServiceWrap;

    use super::super::access::program;
    use super::super::services::{Connections, KeyServiceDirectory, KeyServices};
    use super::*;

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
        fn wrap_root(
            &self,
            _: RootBinding,
            _: &SymmetricKey,
            _: &dyn Randomness,
        ) -> Result<RootWrap, KmsError> {
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
        access.refresh();
        let organization = OrganizationId::from_bytes([9; 16]);
        access.require(access.holder(organization)).unwrap();
        clock.0.fetch_sub(1, Ordering::SeqCst);
        assert!(access.require(program()).is_err());
        access.refresh();
        access.require(program()).unwrap();
    }
}
