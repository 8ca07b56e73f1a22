//! Services that fail for a while: asked again a few times, then left alone.

use std::sync::{Arc, Mutex};

use fiducia_keyring::{
    Adapter, AdapterError, Encrypted, KeyManagementService, KmsProblem, RemoteKms, RootWrap, WrapContext,
};
use zeroize::Zeroizing;

use crate::recorded::{Counting, Pauses, Time, a_key, binding, surroundings};

/// A service that keeps what it is given, bound to its context, and fails as it is told.
#[derive(Debug, Default)]
struct Keeping {
    kept: Mutex<Vec<(WrapContext, [u8; 32])>>,
    failures: Arc<Mutex<Vec<KmsProblem>>>,
    asked: Arc<Mutex<usize>>,
}

impl Keeping {
    fn ask(&self) -> Result<(), AdapterError> {
        *self.asked.lock().unwrap() += 1;
        self.failures.lock().unwrap().pop().map_or(Ok(()), |problem| Err((problem, "as told".to_owned())))
    }
}

impl Adapter for Keeping {
    fn encrypt(&self, context: &WrapContext, secret: &[u8; 32]) -> Result<Encrypted, AdapterError> {
        self.ask()?;
        let mut kept = self.kept.lock().unwrap();
        kept.push((context.clone(), *secret));
        let place = u8::try_from(kept.len() - 1).unwrap();
        Ok(Encrypted { version: "1".to_owned(), blob: vec![place] })
    }

    fn decrypt(&self, context: &WrapContext, sealed: &Encrypted) -> Result<Zeroizing<Vec<u8>>, AdapterError> {
        self.ask()?;
        let kept = self.kept.lock().unwrap();
        let (_, secret) = &kept[usize::from(sealed.blob[0])];
        // It binds nothing: what is checked of the context is checked outside of the service.
        let _ = context;
        Ok(Zeroizing::new(secret.to_vec()))
    }
}

struct Stand {
    time: Arc<Time>,
    pauses: Arc<Pauses>,
    failures: Arc<Mutex<Vec<KmsProblem>>>,
    asked: Arc<Mutex<usize>>,
    kms: RemoteKms<Keeping>,
}

fn stand() -> Stand {
    let (time, pauses, adapter) = (Time::new(), Arc::new(Pauses::default()), Keeping::default());
    let (failures, asked) = (Arc::clone(&adapter.failures), Arc::clone(&adapter.asked));
    let kms = RemoteKms::new("ours", "key", adapter, surroundings(&time, &pauses));
    Stand { time, pauses, failures, asked, kms }
}

#[test]
fn a_wrap_opens_for_its_organisation_alone_also_where_the_service_binds_nothing() {
    let stand = stand();
    let wrap = stand.kms.wrap_root(binding(1), &a_key(), &Counting::default()).unwrap();
    assert!(stand.kms.unwrap_root(binding(1), &wrap).unwrap().is(&a_key()));
    let other = stand.kms.unwrap_root(binding(2), &wrap).unwrap_err();
    assert_eq!(other.problem, KmsProblem::WrongKey);
    for place in 0..wrap.bytes.len() - 1 {
        let mut altered = wrap.clone();
        altered.bytes[place] ^= 1;
        assert!(stand.kms.unwrap_root(binding(1), &altered).is_err(), "byte {place}");
    }
    let short = RootWrap { version: String::new(), bytes: vec![0; 59] };
    assert_eq!(stand.kms.unwrap_root(binding(1), &short).unwrap_err().problem, KmsProblem::WrongKey);
    stand.kms.validate(binding(1), &Counting::default()).unwrap();
}

#[test]
fn what_may_pass_is_tried_again_with_longer_waits_and_what_will_not_is_not() {
    let stand = stand();
    *stand.failures.lock().unwrap() = vec![KmsProblem::Slow, KmsProblem::Throttled];
    stand.kms.wrap_root(binding(1), &a_key(), &Counting::default()).unwrap();
    assert_eq!(*stand.asked.lock().unwrap(), 3);
    let waits = stand.pauses.0.lock().unwrap().clone();
    assert!(waits.len() == 2 && waits[0] < waits[1], "{waits:?}");
    for problem in KmsProblem::ALL.into_iter().filter(|problem| !problem.is_transient()) {
        *stand.failures.lock().unwrap() = vec![problem];
        let before = *stand.asked.lock().unwrap();
        let error = stand.kms.wrap_root(binding(1), &a_key(), &Counting::default()).unwrap_err();
        assert_eq!((error.problem, *stand.asked.lock().unwrap()), (problem, before + 1));
        assert!(error.to_string().contains("as told"));
    }
}

#[test]
fn a_service_that_keeps_failing_is_left_alone_until_its_time_is_over() {
    let stand = stand();
    *stand.failures.lock().unwrap() = vec![KmsProblem::Unreachable; 6];
    for _ in 0..2 {
        assert!(stand.kms.wrap_root(binding(1), &a_key(), &Counting::default()).is_err());
    }
    let asked = *stand.asked.lock().unwrap();
    let error = stand.kms.wrap_root(binding(1), &a_key(), &Counting::default()).unwrap_err();
    assert!(error.problem == KmsProblem::Unreachable && error.to_string().contains("left alone"), "{error}");
    assert_eq!(*stand.asked.lock().unwrap(), asked, "nobody asked it");
    stand.time.advance(31);
    stand.kms.wrap_root(binding(1), &a_key(), &Counting::default()).unwrap();
}
