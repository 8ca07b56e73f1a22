//! Which key management services there are.

use std::path::PathBuf;
use std::sync::Arc;

use fiducia_keyring::{KeyManagementService, KeyfileKms, KmsError, KmsProblem};

/// The name by which the installation's keyfile stands in the store. No service of the configuration may have it.
pub const KEYFILE_SERVICE: &str = "keyfile";

/// One key of one service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceKey {
    /// The service, as the configuration calls it.
    pub service: String,
    /// The name of the key there.
    pub key: String,
}

/// Connects to key management services. The program passes one that knows the configuration.
pub trait KeyServiceDirectory: Send + Sync + std::fmt::Debug {
    /// A service with one of its keys. Nothing is asked of the service yet.
    ///
    /// # Errors
    /// [`KmsProblem::NotConfigured`] when there is no such service.
    fn connect(&self, service: &str, key: &str) -> Result<Arc<dyn KeyManagementService>, KmsError>;
}

/// The key management services of an installation.
#[derive(Debug, Clone, Default)]
pub struct KeyServices {
    /// The installation's own key at a service; `None` when its keyfile is all there is.
    pub installation: Option<ServiceKey>,
    /// How to reach services.
    pub directory: Option<Arc<dyn KeyServiceDirectory>>,
}

/// The services together with the keyfile.
#[derive(Debug, Clone)]
pub(crate) struct Connections {
    pub(crate) keyfile: Option<PathBuf>,
    pub(crate) services: KeyServices,
}

impl Connections {
    /// Where the installation's key is wrapped from now on: its key at a service, else its keyfile.
    pub(crate) fn installation(&self) -> ServiceKey {
        let keyfile = || ServiceKey { service: KEYFILE_SERVICE.to_owned(), key: String::new() };
        self.services.installation.clone().unwrap_or_else(keyfile)
    }

    pub(crate) fn connect(&self, place: &ServiceKey) -> Result<Arc<dyn KeyManagementService>, KmsError> {
        let missing = |detail: &str| KmsError {
            service: place.service.clone(),
            key: place.key.clone(),
            problem: KmsProblem::NotConfigured,
            detail: detail.to_owned(),
        };
        if place.service != KEYFILE_SERVICE {
            let directory = self.services.directory.as_ref();
            return directory.ok_or_else(|| missing(""))?.connect(&place.service, &place.key);
        }
        let path = self.keyfile.as_ref().ok_or_else(|| {
            missing(
                "the data is wrapped by a keyfile, and the configuration names none: put data.keyfile back",
            )
        })?;
        match KeyfileKms::open(path) {
            Ok(kms) => Ok(Arc::new(kms)),
            Err(error) => Err(KmsError { problem: KmsProblem::NotFound, ..missing(&error.to_string()) }),
        }
    }
}
