//! A key management service that a test can close: one key, in memory of the test's own file.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use fiducia_custody::{AdminCommand, KeyServiceDirectory, OrganizationKeyCommand};
use fiducia_keyring::{
    KeyManagementService, KeyfileKms, KmsError, KmsProblem, RootBinding, RootWrap, SymmetricKey,
};
use fiducia_policy::{OrganizationId, Randomness};

use crate::app::App;

/// What the configuration calls it.
const SERVICE: &str = "closable";
/// The name of its key.
const KEY: &str = "private-name";
/// How soon the keeper comes by again, in seconds, generously.
const SOON_SECONDS: i64 = 360;

/// The service.
#[derive(Debug, Clone)]
pub(crate) struct ClosableService {
    path: PathBuf,
    problem: Arc<Mutex<Option<KmsProblem>>>,
}

impl ClosableService {
    pub(crate) fn create(root: &Path, randomness: &dyn Randomness) -> Self {
        let path = root.join("service-key");
        KeyfileKms::create(&path, randomness).unwrap();
        Self { path, problem: Arc::default() }
    }

    fn ask(&self) -> Result<KeyfileKms, KmsError> {
        match *self.problem.lock().unwrap() {
            None => Ok(KeyfileKms::open(&self.path).unwrap()),
            Some(problem) => Err(KmsError {
                service: SERVICE.to_owned(),
                key: KEY.to_owned(),
                problem,
                detail: String::new(),
            }),
        }
    }
}

impl KeyServiceDirectory for ClosableService {
    fn connect(&self, _: &str, _: &str) -> Result<Arc<dyn KeyManagementService>, KmsError> {
        Ok(Arc::new(self.clone()))
    }
}

impl KeyManagementService for ClosableService {
    fn wrap_root(
        &self,
        binding: RootBinding,
        key: &SymmetricKey,
        randomness: &dyn Randomness,
    ) -> Result<RootWrap, KmsError> {
        self.ask()?.wrap_root(binding, key, randomness)
    }

    fn unwrap_root(&self, binding: RootBinding, wrap: &RootWrap) -> Result<SymmetricKey, KmsError> {
        self.ask()?.unwrap_root(binding, wrap)
    }
}

impl App {
    /// Gives an organisation a key of its own at the service.
    pub(crate) fn set_own_key(&self, organization: OrganizationId) {
        let (service, key, actor) = (SERVICE.to_owned(), KEY.to_owned(), "tester".to_owned());
        let set = OrganizationKeyCommand::Set { organization, service, key, actor };
        self.custody.administer(AdminCommand::OrganizationKey(set)).unwrap();
    }

    /// From now on the service fails like this, or works again; the keeper has noticed.
    pub(crate) fn service_says(&self, problem: Option<KmsProblem>) {
        *self.key_service.problem.lock().unwrap() = problem;
        self.clock.advance(SOON_SECONDS);
        self.custody.refresh_keys();
    }
}

/// That nothing of an answer names the service or its key.
pub(crate) fn check_discreet(said: &str) {
    assert!(!said.contains(SERVICE) && !said.contains(KEY), "{said}");
}
