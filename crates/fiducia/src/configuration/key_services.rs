//! `[key_services.NAME]`: key management services, and how to reach them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use fiducia_custody::{KEYFILE_SERVICE, ServiceKey};
use fiducia_server::SecretSource;
use serde::Deserialize;

use super::{Configuration, Problem};

/// `[data] key`: the installation's own key at a service.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct InstallationKey {
    /// The service, by its name under `[key_services]`.
    pub(crate) service: String,
    /// The name of the key there.
    pub(crate) key: String,
}

impl InstallationKey {
    pub(crate) fn service_key(&self) -> ServiceKey {
        ServiceKey { service: self.service.clone(), key: self.key.clone() }
    }
}

/// One service.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum KeyServiceSection {
    /// AWS Key Management Service.
    AwsKms {
        /// The region, such as `eu-central-1`.
        region: String,
        /// Another address than the region's public one.
        #[serde(default)]
        endpoint: Option<String>,
        /// The access key's id.
        access_key_id: SecretSource,
        /// The secret access key.
        secret_access_key: SecretSource,
        /// The session's token, for credentials that last for a while.
        #[serde(default)]
        session_token: Option<SecretSource>,
    },
    /// Google Cloud KMS.
    GoogleCloudKms {
        /// Another address than the public one.
        #[serde(default)]
        endpoint: Option<String>,
        /// A service account's key in JSON; the machine's own account when absent.
        #[serde(default)]
        service_account: Option<PathBuf>,
    },
    /// Azure Key Vault or Managed HSM.
    AzureKeyVault {
        /// The vault's address, such as `https://NAME.vault.azure.net`.
        vault: String,
        /// The directory's id.
        tenant: String,
        /// The application's id.
        client_id: String,
        /// The application's secret.
        client_secret: SecretSource,
        /// Another identity platform than the public one.
        #[serde(default)]
        authority: Option<String>,
        /// Another scope than that of public vaults.
        #[serde(default)]
        scope: Option<String>,
    },
    /// The transit engine of HashiCorp Vault or OpenBao.
    VaultTransit {
        /// The server's address.
        address: String,
        /// Where the engine is mounted; `transit` when absent.
        #[serde(default)]
        mount: Option<String>,
        /// The namespace, where there are any.
        #[serde(default)]
        namespace: Option<String>,
        /// The token.
        token: SecretSource,
    },
    /// A token that is reached by PKCS#11.
    Pkcs11 {
        /// The vendor's library.
        library: PathBuf,
        /// The token's label.
        token: String,
        /// The user's PIN.
        pin: SecretSource,
    },
}

impl KeyServiceSection {
    /// The addresses that are contacted.
    fn addresses(&self) -> Vec<&str> {
        let given = match self {
            Self::AwsKms { endpoint, .. } | Self::GoogleCloudKms { endpoint, .. } => {
                vec![endpoint.as_deref()]
            }
            Self::AzureKeyVault { vault, authority, .. } => vec![Some(vault.as_str()), authority.as_deref()],
            Self::VaultTransit { address, .. } => vec![Some(address.as_str())],
            Self::Pkcs11 { .. } => Vec::new(),
        };
        given.into_iter().flatten().collect()
    }

    /// Makes paths relative to the configuration's folder.
    pub(crate) fn resolve(&mut self, resolve: &impl Fn(&mut PathBuf)) {
        match self {
            Self::AwsKms { access_key_id, secret_access_key, session_token, .. } => {
                for source in [Some(access_key_id), Some(secret_access_key), session_token.as_mut()] {
                    resolve_source(source, resolve);
                }
            }
            Self::GoogleCloudKms { service_account, .. } => {
                service_account.as_mut().into_iter().for_each(resolve);
            }
            Self::AzureKeyVault { client_secret, .. } => resolve_source(Some(client_secret), resolve),
            Self::VaultTransit { token, .. } => resolve_source(Some(token), resolve),
            Self::Pkcs11 { library, pin, .. } => {
                resolve(library);
                resolve_source(Some(pin), resolve);
            }
        }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "an optional exclusive reference is handed over")]
fn resolve_source(source: Option<&mut SecretSource>, resolve: &impl Fn(&mut PathBuf)) {
    if let Some(SecretSource::File(path)) = source {
        resolve(path);
    }
}

/// What does not fit together about keys.
pub(crate) fn check(configuration: &Configuration, problems: &mut Vec<Problem>) {
    let data = &configuration.data;
    if data.keyfile.is_none() && data.key.is_none() {
        problems.push(Problem::general(
            "the installation needs a key: name a file with data.keyfile, or a key of a service with data.key",
        ));
    }
    if let Some(key) = &data.key
        && !configuration.key_services.contains_key(&key.service)
    {
        problems.push(Problem::general(format!(
            "data.key names the service `{}`, which [key_services] does not hold",
            key.service
        )));
    }
    for (name, service) in &configuration.key_services {
        if name == KEYFILE_SERVICE || name.is_empty() || name.len() > 64 {
            problems.push(Problem::general(format!(
                "key_services.{name}: a service needs another name (1 to 64 bytes, and `{KEYFILE_SERVICE}` is taken)"
            )));
        }
        for address in service.addresses() {
            if let Some(text) = unsafe_address(address) {
                problems.push(Problem::general(format!("key_services.{name}: {address} {text}")));
            }
        }
        if let KeyServiceSection::Pkcs11 { library, .. } = service
            && !Path::new(library).exists()
        {
            problems.push(Problem::general(format!(
                "key_services.{name}: there is no library {}; install the vendor's, or correct the path",
                library.display()
            )));
        }
    }
}

/// What is wrong with an address, if anything: credentials go there.
fn unsafe_address(address: &str) -> Option<&'static str> {
    let (scheme, rest) = address.split_once("://")?;
    let host = rest.split('/').next().unwrap_or_default();
    if host.contains('@') {
        return Some("holds a user; credentials have keys of their own");
    }
    if rest.ends_with('/') {
        return Some("ends in `/`; leave that out");
    }
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    match scheme {
        "https" => None,
        "http" if matches!(name, "127.0.0.1" | "localhost" | "[::1]") => None,
        _ => {
            Some("must begin with `https://`: keys would pass in the clear (`http://` on this machine only)")
        }
    }
}

/// All services by name.
pub(crate) type KeyServicesSection = BTreeMap<String, KeyServiceSection>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_go_nowhere_in_the_clear() {
        for safe in ["https://vault.example.org:8200", "http://127.0.0.1:8200", "http://[::1]:8200"] {
            assert_eq!(unsafe_address(safe), None, "{safe}");
        }
        for wrong in
            ["http://vault.example.org", "https://me:secret@vault.example.org", "https://vault.example.org/"]
        {
            assert!(unsafe_address(wrong).is_some(), "{wrong}");
        }
    }
}
