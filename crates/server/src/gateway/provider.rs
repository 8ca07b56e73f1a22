//! Providers as the gateway uses them: where they are, how their paths look, how they want their key.

use std::collections::BTreeMap;
use std::sync::Arc;

use http::uri::{Authority, InvalidUri, PathAndQuery, Scheme};
use http::{HeaderName, HeaderValue, Uri, header};

use super::endpoint::percent_encoded;
use super::headers::{API_KEY, X_API_KEY};
use crate::StartError;
use crate::secret::Secret;
use crate::settings::{ProviderKind, ProviderSettings};
use crate::tls;

/// Room in a target for what is put before and behind the client's path and query.
const TARGET_ROOM_BYTES: usize = 48;

/// A provider, ready for use by every thread.
#[derive(Debug)]
pub(crate) struct Provider {
    /// Its name in the settings.
    pub(crate) name: Arc<str>,
    /// What it speaks.
    pub(crate) kind: ProviderKind,
    scheme: Scheme,
    authority: Authority,
    /// The path before `/v1`, without a slash at its end.
    prefix: String,
    api_version: Option<String>,
    /// The key in the provider's form. The value is marked sensitive, so `Debug` does not show it.
    pub(crate) credential: Option<(HeaderName, HeaderValue)>,
    /// How connections to it are secured.
    pub(crate) tls: Arc<rustls::ClientConfig>,
}

/// Prepares every provider, in the order of their names.
///
/// # Errors
/// When settings do not fit together, a key cannot be read or no certificate authority can be found.
pub(crate) fn providers(settings: &BTreeMap<String, ProviderSettings>) -> Result<Vec<Provider>, StartError> {
    if settings.is_empty() {
        return Err(StartError::NoProvider);
    }
    let mut system_roots = None;
    settings.iter().map(|(name, settings)| Provider::new(name, settings, &mut system_roots)).collect()
}

impl Provider {
    fn new(
        name: &str,
        settings: &ProviderSettings,
        system_roots: &mut Option<rustls::RootCertStore>,
    ) -> Result<Self, StartError> {
        let unfit = |reason: String| StartError::Provider { provider: name.to_owned(), reason };
        let base = base_uri(settings).map_err(unfit)?;
        let parts = base.into_parts();
        let (Some(scheme), Some(authority)) = (parts.scheme, parts.authority) else {
            return Err(unfit("base_url must be an absolute URL such as https://models.example".to_owned()));
        };
        if scheme == Scheme::HTTP && !settings.allow_plain_http && !is_loopback(authority.host()) {
            return Err(unfit(format!(
                "base_url is plain http to {}, so prompts and keys would cross the network in the clear; use https, \
                 or set allow_plain_http if that network is yours",
                authority.host()
            )));
        }
        if settings.api_version.is_some() && settings.kind != ProviderKind::AzureOpenai {
            return Err(unfit("api_version is only for kind azure-openai".to_owned()));
        }
        let path = parts.path_and_query.as_ref().map_or("", PathAndQuery::path).trim_end_matches('/');
        let prefix = path.strip_suffix("/v1").unwrap_or(path).trim_end_matches('/').to_owned();
        let credential = credential(name, settings)?;
        let tls = Arc::new(tls_configuration(name, settings, scheme == Scheme::HTTPS, system_roots)?);
        let api_version = settings.api_version.clone();
        Ok(Self {
            name: Arc::from(name),
            kind: settings.kind,
            scheme,
            authority,
            prefix,
            api_version,
            credential,
            tls,
        })
    }

    /// The target at the provider for a gateway path (`/v1/…`), in origin form (RFC 9112, section 3.2.1). `model` names
    /// the deployment where Azure wants it in the path. The client's query is kept.
    ///
    /// # Errors
    /// When the result is no URI, which a valid request path cannot cause.
    pub(crate) fn target(
        &self,
        path: &str,
        query: Option<&str>,
        model: Option<&str>,
    ) -> Result<Uri, InvalidUri> {
        let mut target = String::with_capacity(
            self.prefix.len() + path.len() + query.map_or(0, str::len) + TARGET_ROOM_BYTES,
        );
        target.push_str(&self.prefix);
        let tail = path.strip_prefix("/v1/").unwrap_or(path);
        match (self.kind, &self.api_version) {
            (ProviderKind::AzureOpenai, None) => {
                target.push_str("/openai/v1/");
                target.push_str(tail);
            }
            (ProviderKind::AzureOpenai, Some(_)) => {
                target.push_str("/openai/");
                if let (Some(model), "chat/completions" | "embeddings") = (model, tail) {
                    target.push_str("deployments/");
                    target.push_str(&percent_encoded(model));
                    target.push('/');
                }
                target.push_str(tail);
            }
            _ => target.push_str(path),
        }
        let mut separator = '?';
        let version =
            self.api_version.as_deref().map(|version| format!("api-version={}", percent_encoded(version)));
        for part in [query, version.as_deref()].into_iter().flatten() {
            target.push(separator);
            target.push_str(part);
            separator = '&';
        }
        Uri::try_from(target)
    }

    /// Where to connect to, as a URI without a path.
    ///
    /// # Errors
    /// When its parts make no URI, which checked settings cannot cause.
    pub(crate) fn base(&self) -> Result<Uri, http::Error> {
        Uri::builder()
            .scheme(self.scheme.clone())
            .authority(self.authority.clone())
            .path_and_query(PathAndQuery::from_static("/"))
            .build()
    }

    /// What `Host` says: the port only where it is not the scheme's own (RFC 9110, section 7.2).
    pub(crate) fn host(&self) -> Result<HeaderValue, http::header::InvalidHeaderValue> {
        let default_port = if self.scheme == Scheme::HTTPS { 443 } else { 80 };
        match self.authority.port() {
            Some(port) if port.as_u16() != default_port => {
                HeaderValue::try_from(format!("{}:{port}", self.authority.host()))
            }
            _ => HeaderValue::from_str(self.authority.host()),
        }
    }
}

fn base_uri(settings: &ProviderSettings) -> Result<Uri, String> {
    let given = match (&settings.base_url, settings.kind) {
        (Some(given), _) => given.as_str(),
        (None, ProviderKind::Anthropic) => "https://api.anthropic.com",
        (None, ProviderKind::Openai) => "https://api.openai.com",
        (None, ProviderKind::AzureOpenai | ProviderKind::Compatible) => {
            return Err("base_url is required for this kind".to_owned());
        }
    };
    let uri: Uri = given.parse().map_err(|cause| format!("base_url is not a URL: {cause}"))?;
    if uri.query().is_some() {
        return Err("base_url must not have a query; queries come from the requests".to_owned());
    }
    if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) {
        return Err("base_url must not hold credentials; give the key by file or environment".to_owned());
    }
    match uri.scheme_str() {
        Some("http" | "https") => Ok(uri),
        _ => Err("base_url must begin with https:// or http://".to_owned()),
    }
}

fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare == "localhost" || bare.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn credential(
    name: &str,
    settings: &ProviderSettings,
) -> Result<Option<(HeaderName, HeaderValue)>, StartError> {
    let Some(source) = &settings.key else {
        return match settings.kind {
            ProviderKind::Compatible => Ok(None),
            _ => Err(StartError::Provider {
                provider: name.to_owned(),
                reason: "it needs a key; set key.file or key.environment".to_owned(),
            }),
        };
    };
    let unusable = |cause| StartError::ProviderKey { provider: name.to_owned(), cause };
    let secret = Secret::read(source).map_err(unusable)?;
    let (header, text) = match settings.kind {
        ProviderKind::Anthropic => (X_API_KEY, zeroize::Zeroizing::new(secret.expose().to_owned())),
        ProviderKind::AzureOpenai => (API_KEY, zeroize::Zeroizing::new(secret.expose().to_owned())),
        ProviderKind::Openai | ProviderKind::Compatible => {
            (header::AUTHORIZATION, zeroize::Zeroizing::new(format!("Bearer {}", secret.expose())))
        }
    };
    let mut value = HeaderValue::from_str(&text).map_err(|_| {
        unusable(crate::secret::SecretUnreadable::NotAKey { place: "the configured place".to_owned() })
    })?;
    value.set_sensitive(true);
    Ok(Some((header, value)))
}

fn tls_configuration(
    name: &str,
    settings: &ProviderSettings,
    secured: bool,
    system_roots: &mut Option<rustls::RootCertStore>,
) -> Result<rustls::ClientConfig, StartError> {
    let unfit = |reason: String| StartError::Provider { provider: name.to_owned(), reason };
    let mut roots = rustls::RootCertStore::empty();
    if secured {
        roots = system_roots.get_or_insert_with(tls::native_roots).clone();
        if let Some(path) = &settings.ca_file {
            tls::add_authorities(&mut roots, path).map_err(unfit)?;
        }
        if roots.is_empty() {
            return Err(unfit(
                "this system has no certificate authorities; install ca-certificates or set ca_file"
                    .to_owned(),
            ));
        }
    }
    tls::client(roots).map_err(unfit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(kind: ProviderKind, base: &str) -> ProviderSettings {
        ProviderSettings {
            kind,
            base_url: Some(base.to_owned()),
            key: None,
            api_version: None,
            ca_file: None,
            allow_plain_http: false,
        }
    }

    fn with_key(mut settings: ProviderSettings) -> (ProviderSettings, tempfile::TempDir) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("key");
        std::fs::write(&path, "real-key").unwrap();
        settings.key = Some(crate::SecretSource::File(path));
        (settings, directory)
    }

    fn provider(settings: &ProviderSettings) -> Result<Provider, StartError> {
        Provider::new("p", settings, &mut None)
    }

    fn check_uri(
        settings: ProviderSettings,
        path: &str,
        query: Option<&str>,
        model: Option<&str>,
        expected: &str,
    ) {
        let (settings, _directory) = with_key(settings);
        let provider = provider(&settings).unwrap();
        let (base, target) = (provider.base().unwrap(), provider.target(path, query, model).unwrap());
        assert_eq!(format!("{}{target}", base.to_string().trim_end_matches('/')), expected);
    }

    #[test]
    fn paths_follow_the_base_and_keep_the_query() {
        let local = "http://127.0.0.1:9";
        check_uri(
            settings(ProviderKind::Anthropic, local),
            "/v1/messages",
            Some("beta=true"),
            None,
            "http://127.0.0.1:9/v1/messages?beta=true",
        );
        check_uri(
            settings(ProviderKind::Compatible, "http://localhost:9/api/v1/"),
            "/v1/embeddings",
            None,
            None,
            "http://localhost:9/api/v1/embeddings",
        );
        check_uri(
            settings(ProviderKind::AzureOpenai, local),
            "/v1/responses",
            None,
            Some("m"),
            "http://127.0.0.1:9/openai/v1/responses",
        );
        let mut classic = settings(ProviderKind::AzureOpenai, local);
        classic.api_version = Some("2024-10-21".to_owned());
        check_uri(
            classic,
            "/v1/chat/completions",
            Some("a=b"),
            Some("my model"),
            "http://127.0.0.1:9/openai/deployments/my%20model/chat/completions?a=b&api-version=2024-10-21",
        );
    }

    #[test]
    fn the_host_header_names_a_port_only_when_it_is_not_the_usual_one() {
        let check = |base: &str, expected: &str| {
            let (mut settings, _directory) = with_key(settings(ProviderKind::Compatible, base));
            settings.allow_plain_http = true;
            assert_eq!(provider(&settings).unwrap().host().unwrap(), expected);
        };
        check("http://models.example/api", "models.example");
        check("http://models.example:80", "models.example");
        check("http://models.example:443", "models.example:443");
        check("http://[::1]:9", "[::1]:9");
    }

    #[test]
    fn keys_take_the_providers_form_and_stay_out_of_debug() {
        for (kind, name, value) in [
            (ProviderKind::Anthropic, "x-api-key", "real-key"),
            (ProviderKind::Openai, "authorization", "Bearer real-key"),
            (ProviderKind::AzureOpenai, "api-key", "real-key"),
        ] {
            let (settings, _directory) = with_key(settings(kind, "http://127.0.0.1:9"));
            let provider = provider(&settings).unwrap();
            let (header, credential) = provider.credential.as_ref().unwrap();
            assert_eq!((header.as_str(), credential.to_str().unwrap()), (name, value));
            assert!(!format!("{provider:?}").contains("real-key"));
        }
    }

    #[test]
    fn unfit_settings_are_refused_with_the_fix() {
        let check = |settings: ProviderSettings, text: &str| {
            let (settings, _directory) = with_key(settings);
            let error = provider(&settings).unwrap_err().to_string();
            assert!(error.contains(text), "{error}");
        };
        check(settings(ProviderKind::Compatible, "http://models.example"), "in the clear");
        check(settings(ProviderKind::Compatible, "ftp://models.example"), "must begin with");
        check(
            settings(ProviderKind::Compatible, "https://user:pw@models.example"),
            "must not hold credentials",
        );
        check(settings(ProviderKind::Openai, "http://127.0.0.1/?a=b"), "must not have a query");
        let mut versioned = settings(ProviderKind::Openai, "http://127.0.0.1");
        versioned.api_version = Some("1".to_owned());
        check(versioned, "only for kind azure-openai");
        let keyless = provider(&settings(ProviderKind::Openai, "http://127.0.0.1")).unwrap_err().to_string();
        assert!(keyless.contains("needs a key"), "{keyless}");
    }
}
