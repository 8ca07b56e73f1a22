//! Key management services for tests: each key is a file, and its owner can break it at will.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use fiducia_custody::KeyServiceDirectory;
use fiducia_keyring::{
    KeyManagementService, KeyfileKms, KmsError, KmsProblem, RootBinding, RootWrap, SymmetricKey,
};
use fiducia_policy::Randomness;

/// Services whose keys lie in files of a folder, so that another process finds them too.
#[derive(Debug)]
pub(crate) struct Services {
    folder: PathBuf,
    broken: Arc<Mutex<HashMap<String, KmsProblem>>>,
    asked: Arc<Mutex<HashMap<String, usize>>>,
}

impl Services {
    pub(crate) fn in_folder(folder: PathBuf) -> Self {
        Self { folder, broken: Arc::default(), asked: Arc::default() }
    }

    /// Makes a key, when there is none yet.
    pub(crate) fn make(&self, key: &str, randomness: &dyn Randomness) {
        let path = self.folder.join(format!("service-{key}.key"));
        if !path.exists() {
            KeyfileKms::create(&path, randomness).unwrap();
        }
    }

    /// From now on the key fails in this way.
    pub(crate) fn break_key(&self, key: &str, problem: KmsProblem) {
        self.broken.lock().unwrap().insert(key.to_owned(), problem);
    }

    pub(crate) fn mend(&self, key: &str) {
        self.broken.lock().unwrap().remove(key);
    }

    /// How often the key was asked for anything.
    pub(crate) fn asked(&self, key: &str) -> usize {
        self.asked.lock().unwrap().get(key).copied().unwrap_or(0)
    }
}

impl KeyServiceDirectory for Services {
    fn connect(&self, service: &str, key: &str) -> Result<Arc<dyn KeyManagementService>, KmsError> {
        let failed = |detail: String| KmsError {
            service: service.to_owned(),
            key: key.to_owned(),
            problem: KmsProblem::NotConfigured,
            detail,
        };
        if service != "files" {
            return Err(failed(String::new()));
        }
        let inner = KeyfileKms::open(&self.folder.join(format!("service-{key}.key")))
            .map_err(|error| failed(error.to_string()))?;
        Ok(Arc::new(FileService {
            inner,
            key: key.to_owned(),
            broken: Arc::clone(&self.broken),
            asked: Arc::clone(&self.asked),
        }))
    }
}

#[derive(Debug)]
struct FileService {
    inner: KeyfileKms,
    key: String,
    broken: Arc<Mutex<HashMap<String, KmsProblem>>>,
    asked: Arc<Mutex<HashMap<String, usize>>>,
}

impl FileService {
    fn ask(&self) -> Result<(), KmsError> {
        *self.asked.lock().unwrap().entry(self.key.clone()).or_default() += 1;
        match self.broken.lock().unwrap().get(&self.key) {
            None => Ok(()),
            Some(problem) => Err(KmsError {
                service: "files".to_owned(),
                key: self.key.clone(),
                problem: *problem,
                detail: String::new(),
            }),
        }
    }
}

impl KeyManagementService for FileService {
    fn wrap_root(
        &self,
        binding: RootBinding,
        key: &SymmetricKey,
        randomness: &dyn Randomness,
    ) -> Result<RootWrap, KmsError> {
        self.ask()?;
        self.inner.wrap_root(binding, key, randomness)
    }

    fn unwrap_root(&self, binding: RootBinding, wrap: &RootWrap) -> Result<SymmetricKey, KmsError> {
        self.ask()?;
        self.inner.unwrap_root(binding, wrap)
    }
}
