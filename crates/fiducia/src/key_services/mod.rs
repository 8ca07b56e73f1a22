//! Connecting to the key management services of the configuration.

#[cfg(feature = "kms-http")]
mod transport;

use std::sync::Arc;
use std::time::Duration;

use fiducia_custody::{KeyServiceDirectory, KeyServices};
use fiducia_keyring::{
    Adapter, Credential, KeyManagementService, KmsError, KmsProblem, KmsSurroundings, Pause, RemoteKms,
};
use fiducia_server::{Secret, SecretSource};
use zeroize::Zeroizing;

use crate::configuration::{Configuration, KeyServiceSection, KeyServicesSection};
use crate::edge::{SystemClock, SystemRandomness};

/// The services of a configuration.
#[derive(Debug)]
pub(crate) struct ConfiguredServices {
    sections: KeyServicesSection,
    #[cfg(feature = "kms-http")]
    transport: transport::LazyTransport,
    #[cfg(feature = "kms-pkcs11")]
    libraries: std::collections::BTreeMap<std::path::PathBuf, fiducia_keyring::Pkcs11Library>,
}

/// What custody needs to know of a configuration's services.
pub(crate) fn of(configuration: &Configuration) -> KeyServices {
    let sections = configuration.key_services.clone();
    #[cfg(feature = "kms-pkcs11")]
    let libraries = sections.values().filter_map(library).collect();
    KeyServices {
        installation: configuration.data.key.as_ref().map(crate::configuration::InstallationKey::service_key),
        directory: Some(Arc::new(ConfiguredServices {
            sections,
            #[cfg(feature = "kms-http")]
            transport: transport::LazyTransport::default(),
            #[cfg(feature = "kms-pkcs11")]
            libraries,
        })),
    }
}

#[cfg(feature = "kms-pkcs11")]
fn library(section: &KeyServiceSection) -> Option<(std::path::PathBuf, fiducia_keyring::Pkcs11Library)> {
    match section {
        KeyServiceSection::Pkcs11 { library, .. } => {
            Some((library.clone(), fiducia_keyring::Pkcs11Library::new(library)))
        }
        _ => None,
    }
}

/// Lets the thread rest between attempts.
#[derive(Debug)]
struct Rest;

impl Pause for Rest {
    #[expect(
        clippy::disallowed_methods,
        reason = "the edge: the keeper's thread waits here, and nobody waits for it"
    )]
    fn pause(&self, duration: Duration) {
        std::thread::sleep(duration);
    }
}

fn surroundings() -> KmsSurroundings {
    KmsSurroundings {
        clock: Arc::new(SystemClock),
        randomness: Arc::new(SystemRandomness),
        pause: Arc::new(Rest),
    }
}

/// A secret that is read each time it is needed: one that was replaced on disk counts at once.
fn credential(source: &SecretSource) -> Credential {
    let source = source.clone();
    Credential::new(move || {
        let secret = Secret::read(&source).map_err(|error| error.to_string())?;
        Ok(Zeroizing::new(secret.expose().to_owned()))
    })
}

impl KeyServiceDirectory for ConfiguredServices {
    fn connect(&self, service: &str, key: &str) -> Result<Arc<dyn KeyManagementService>, KmsError> {
        let missing = |detail: &str| KmsError {
            service: service.to_owned(),
            key: key.to_owned(),
            problem: KmsProblem::NotConfigured,
            detail: detail.to_owned(),
        };
        let section = self.sections.get(service).ok_or_else(|| missing(""))?;
        if !is_key_name(key) {
            return Err(missing("a key's name has 1 to 512 letters, digits and `._-/:`, and no `..`"));
        }
        match section {
            #[cfg(feature = "kms-aws")]
            KeyServiceSection::AwsKms { .. } => Ok(remote(service, key, self.aws(section, key))),
            #[cfg(feature = "kms-google")]
            KeyServiceSection::GoogleCloudKms { .. } => Ok(remote(service, key, self.google(section, key))),
            #[cfg(feature = "kms-azure")]
            KeyServiceSection::AzureKeyVault { .. } => Ok(remote(service, key, self.azure(section, key))),
            #[cfg(feature = "kms-vault")]
            KeyServiceSection::VaultTransit { .. } => Ok(remote(service, key, self.vault(section, key))),
            #[cfg(feature = "kms-pkcs11")]
            KeyServiceSection::Pkcs11 { library, token, pin } => {
                let library = self.libraries.get(library).ok_or_else(|| missing(""))?.clone();
                let adapter = fiducia_keyring::Pkcs11Token {
                    library,
                    token: token.clone(),
                    key: key.to_owned(),
                    pin: credential(pin),
                    randomness: Arc::new(SystemRandomness),
                };
                Ok(remote(service, key, Some(adapter)))
            }
            #[cfg(not(all(
                feature = "kms-aws",
                feature = "kms-google",
                feature = "kms-azure",
                feature = "kms-vault",
                feature = "kms-pkcs11"
            )))]
            _ => Err(missing("this build lacks its adapter")),
        }
        .and_then(|connected: Option<Arc<dyn KeyManagementService>>| connected.ok_or_else(|| missing("")))
    }
}

/// Names of keys become parts of addresses.
fn is_key_name(name: &str) -> bool {
    let is_permitted = |c: char| c.is_ascii_alphanumeric() || "._-/:".contains(c);
    (1..=512).contains(&name.len()) && name.chars().all(is_permitted) && !name.contains("..")
}

fn remote<A: Adapter + 'static>(
    service: &str,
    key: &str,
    adapter: Option<A>,
) -> Option<Arc<dyn KeyManagementService>> {
    Some(Arc::new(RemoteKms::new(service, key, adapter?, surroundings())))
}

#[cfg(feature = "kms-http")]
impl ConfiguredServices {
    #[cfg(feature = "kms-aws")]
    fn aws(&self, section: &KeyServiceSection, key: &str) -> Option<fiducia_keyring::AwsKms> {
        let KeyServiceSection::AwsKms { region, endpoint, access_key_id, secret_access_key, session_token } =
            section
        else {
            return None;
        };
        let public = || format!("https://kms.{region}.amazonaws.com");
        Some(fiducia_keyring::AwsKms {
            region: region.clone(),
            endpoint: endpoint.clone().unwrap_or_else(public),
            key: key.to_owned(),
            credentials: fiducia_keyring::AwsCredentials {
                access_key_id: credential(access_key_id),
                secret_access_key: credential(secret_access_key),
                session_token: session_token.as_ref().map(credential),
            },
            transport: self.transport.shared(),
            clock: Arc::new(SystemClock),
        })
    }

    #[cfg(feature = "kms-google")]
    fn google(&self, section: &KeyServiceSection, key: &str) -> Option<fiducia_keyring::GoogleCloudKms> {
        use fiducia_keyring::GoogleCredentials;
        let KeyServiceSection::GoogleCloudKms { endpoint, service_account } = section else { return None };
        let credentials = match service_account {
            Some(path) => GoogleCredentials::ServiceAccount(file(path.clone())),
            None => GoogleCredentials::Machine("http://metadata.google.internal".to_owned()),
        };
        let endpoint = endpoint.clone().unwrap_or_else(|| "https://cloudkms.googleapis.com".to_owned());
        Some(fiducia_keyring::GoogleCloudKms::new(
            endpoint,
            key.to_owned(),
            credentials,
            self.transport.shared(),
            Arc::new(SystemClock),
        ))
    }

    #[cfg(feature = "kms-azure")]
    fn azure(&self, section: &KeyServiceSection, key: &str) -> Option<fiducia_keyring::AzureKeyVault> {
        let KeyServiceSection::AzureKeyVault { vault, tenant, client_id, client_secret, authority, scope } =
            section
        else {
            return None;
        };
        let or = |given: &Option<String>, usual: &str| given.clone().unwrap_or_else(|| usual.to_owned());
        let credentials = fiducia_keyring::AzureCredentials {
            authority: or(authority, "https://login.microsoftonline.com"),
            tenant: tenant.clone(),
            client_id: client_id.clone(),
            client_secret: credential(client_secret),
            scope: or(scope, "https://vault.azure.net/.default"),
        };
        let transport = self.transport.shared();
        let clock = Arc::new(SystemClock);
        Some(fiducia_keyring::AzureKeyVault::new(
            vault.clone(),
            key.to_owned(),
            credentials,
            transport,
            clock,
        ))
    }

    #[cfg(feature = "kms-vault")]
    fn vault(&self, section: &KeyServiceSection, key: &str) -> Option<fiducia_keyring::VaultTransit> {
        let KeyServiceSection::VaultTransit { address, mount, namespace, token } = section else {
            return None;
        };
        Some(fiducia_keyring::VaultTransit {
            address: address.clone(),
            mount: mount.clone().unwrap_or_else(|| "transit".to_owned()),
            namespace: namespace.clone(),
            key: key.to_owned(),
            token: credential(token),
            transport: self.transport.shared(),
        })
    }
}

/// A file of several lines that is a secret as a whole.
#[cfg(feature = "kms-google")]
fn file(path: std::path::PathBuf) -> Credential {
    /// Longest such file, in bytes. Google's have about 2,400.
    const FILE_BYTES_MAX: u64 = 16 * 1024;
    Credential::new(move || {
        use std::io::Read;
        let failed = |error: std::io::Error| format!("{} cannot be read: {error}", path.display());
        let mut text = Zeroizing::new(String::new());
        std::fs::File::open(&path)
            .map_err(failed)?
            .take(FILE_BYTES_MAX)
            .read_to_string(&mut text)
            .map_err(failed)?;
        Ok(text)
    })
}

#[cfg(test)]
mod tests {
    use super::is_key_name;

    #[test]
    fn names_of_keys_cannot_lead_elsewhere() {
        let google = "projects/p/locations/europe/keyRings/r/cryptoKeys/k";
        for name in ["alias/fiducia", "arn:aws:kms:eu-central-1:111122223333:key/1234", google, "fiducia"] {
            assert!(is_key_name(name), "{name}");
        }
        for name in ["", "a/../b", "a?b", "a#b", "a b", "a%2f", &"k".repeat(513)] {
            assert!(!is_key_name(name), "{name}");
        }
    }
}
