//! Who asks, and with what parameters.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{FromRequestParts, RawPathParams};
use fiducia_custody::{ComplianceKey, Custody};
use fiducia_policy::{ComplianceScope, OrganizationId};
use fiducia_wire::compliance::ComplianceQuery;
use http::request::Parts;
use http::{HeaderMap, header};

use super::Compliance;
use super::failure::Failure;

/// The header that carries the key.
const KEY_HEADER: &str = "x-api-key";
/// How the other header that may carry it begins, which the official SDKs send.
const BEARER: &str = "Bearer ";
/// The longest address or name of a program that is kept, in characters.
const SOURCE_CHARACTERS_MAX: usize = 256;

/// Where the connection comes from; set for each request by the listener.
#[derive(Debug, Clone, Copy)]
pub(super) struct Peer(pub(super) SocketAddr);

/// Whose data a request came to. Shared between the handler, which says so, and whoever enters the call in the feed.
#[derive(Debug, Clone, Default)]
pub(super) struct Touched(Arc<Mutex<BTreeSet<OrganizationId>>>);

impl Touched {
    /// All of them until now.
    pub(super) fn all(&self) -> BTreeSet<OrganizationId> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Who asks.
#[derive(Debug, Clone)]
pub(super) struct Caller {
    /// The key.
    pub(super) key: ComplianceKey,
    /// Where the request comes from, as far as the network knows.
    pub(super) address: Option<String>,
    /// What the program calls itself.
    pub(super) agent: Option<String>,
}

impl Caller {
    /// Who sent this request.
    ///
    /// # Errors
    /// When the key is missing, comes twice or is unknown, without saying which.
    pub(super) async fn recognised(parts: &Parts, compliance: &Compliance) -> Result<Self, Failure> {
        let presented = presented(&parts.headers).ok_or(Failure::Unauthenticated)?;
        let key = compliance.ask(move |custody| custody.compliance_key(&presented)).await??;
        let key = key.ok_or(Failure::Unauthenticated)?;
        let agent = parts.headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
        Ok(Self { key, address: address(parts, compliance), agent: agent.map(shortened) })
    }
}

/// The one key that is presented, in either header. Other schemes of `Authorization` are a proxy's business.
fn presented(headers: &HeaderMap) -> Option<zeroize::Zeroizing<String>> {
    let bearers = headers.get_all(header::AUTHORIZATION).iter();
    let bearers = bearers.filter_map(|line| line.to_str().ok()?.strip_prefix(BEARER));
    let mut found = None;
    for line in headers.get_all(KEY_HEADER) {
        if found.replace(line.to_str().ok()?).is_some() {
            return None;
        }
    }
    for bearer in bearers {
        if found.replace(bearer).is_some() {
            return None;
        }
    }
    found.map(|key| zeroize::Zeroizing::new(key.to_owned()))
}

/// Whether a key that is presented is in `Authorization` alone, so that answers differ by that header too.
pub(super) fn is_by_bearer(headers: &HeaderMap) -> bool {
    headers.contains_key(header::AUTHORIZATION) && !headers.contains_key(KEY_HEADER)
}

fn address(parts: &Parts, compliance: &Compliance) -> Option<String> {
    if let Some(name) = &compliance.settings.client_address_header {
        let last = parts.headers.get_all(name.as_str()).iter().next_back()?;
        let entry = last.to_str().ok()?.rsplit(',').next()?.trim();
        // A text that is no address says nothing about where the request comes from.
        return entry.parse::<std::net::IpAddr>().ok().map(|address| address.to_string());
    }
    parts.extensions.get::<Peer>().map(|peer| peer.0.ip().to_string())
}

fn shortened(text: &str) -> String {
    text.chars().take(SOURCE_CHARACTERS_MAX).collect()
}

/// A request on its way to its handler.
pub(super) struct Call {
    pub(super) shared: Arc<Compliance>,
    pub(super) caller: Caller,
    /// What the path names, in order.
    named: Vec<String>,
    pub(super) query: ComplianceQuery,
    touched: Touched,
}

impl Call {
    /// Goes on only if the key permits `scope`.
    ///
    /// # Errors
    /// With what the key has and what is needed.
    pub(super) fn require(&self, scope: ComplianceScope) -> Result<(), Failure> {
        let key = &self.caller.key;
        if key.may(scope) {
            return Ok(());
        }
        Err(Failure::Scopes { got: key.scopes.names(), needed: scope.name() })
    }

    /// Says whose data the answer tells of, once it is known that there is such an organisation within the key's reach.
    pub(super) fn touches(&self, organizations: impl IntoIterator<Item = OrganizationId>) {
        self.touched.0.lock().unwrap_or_else(PoisonError::into_inner).extend(organizations);
    }

    /// What the path names at `place`, as an id.
    ///
    /// # Errors
    /// [`Failure::NotFound`] when it is none: nothing has such an id.
    pub(super) fn named<T: std::str::FromStr>(&self, place: usize) -> Result<T, Failure> {
        let text = self.named.get(place).ok_or(Failure::NotFound)?;
        text.parse().map_err(|_| Failure::NotFound)
    }

    /// Asks custody on a thread that may wait.
    ///
    /// # Errors
    /// As the question's own.
    pub(super) async fn ask<T, E>(
        &self,
        question: impl FnOnce(&Custody) -> Result<T, E> + Send + 'static,
    ) -> Result<T, Failure>
    where
        T: Send + 'static,
        E: Send + 'static,
        Failure: From<E>,
    {
        Ok(self.shared.ask(question).await??)
    }
}

impl FromRequestParts<Arc<Compliance>> for Call {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, shared: &Arc<Compliance>) -> Result<Self, Failure> {
        let caller = parts.extensions.get::<Caller>().cloned().ok_or(Failure::Unauthenticated)?;
        let named = RawPathParams::from_request_parts(parts, &()).await.map_err(|_| Failure::NotFound)?;
        let named = named.iter().map(|(_, value)| value.to_owned()).collect();
        let query = ComplianceQuery::read(parts.uri.query().unwrap_or_default())?;
        let touched = parts.extensions.get::<Touched>().cloned().unwrap_or_default();
        Ok(Self { shared: Arc::clone(shared), caller, named, query, touched })
    }
}
