//! Who asks, and with what parameters.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{FromRequestParts, RawPathParams};
use fiducia_custody::{ComplianceKey, Custody};
use fiducia_policy::ComplianceScope;
use fiducia_wire::compliance::ComplianceQuery;
use http::request::Parts;
use http::{HeaderMap, header};

use super::Compliance;
use super::failure::Failure;

/// The header that carries the key.
const KEY_HEADER: &str = "x-api-key";
/// The longest address or name of a program that is kept, in characters.
const SOURCE_CHARACTERS_MAX: usize = 256;

/// Where the connection comes from; set for each request by the listener.
#[derive(Debug, Clone, Copy)]
pub(super) struct Peer(pub(super) SocketAddr);

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

fn presented(headers: &HeaderMap) -> Option<zeroize::Zeroizing<String>> {
    let mut lines = headers.get_all(KEY_HEADER).iter();
    let line = lines.next()?;
    if lines.next().is_some() {
        return None;
    }
    Some(zeroize::Zeroizing::new(line.to_str().ok()?.to_owned()))
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
        Ok(Self { shared: Arc::clone(shared), caller, named, query })
    }
}
