//! The gateway: applications' requests in, providers' answers out, every exchange captured on its way.
//!
//! One request goes through these steps: [`endpoint`] says what it means, [`admission`] who asks and whether they
//! may, [`request_body`] takes in the bytes, [`routing`] picks the provider, [`eligibility`]
//! says whether the caller's agreements permit it, [`exchange`] opens the capture, asks the
//! provider and passes the answer on, whole or as a [`stream`]. What is not an exchange with a model goes through
//! [`passthrough`] and [`batches`].
//!
//! This path uses hyper alone. Bytes are never changed unless a `fiducia-notice` says so.

mod account;
mod admission;
mod answer_body;
mod batches;
mod broken_frame;
mod budget;
mod capture;
mod connections;
mod eligibility;
mod endpoint;
mod exchange;
mod headers;
mod idle;
mod in_flight;
mod listener;
mod passthrough;
mod provider;
mod refusal;
mod request_body;
mod routing;
mod stream;
mod upstream;

use std::convert::Infallible;
use std::sync::Arc;

use fiducia_custody::Custody;
use fiducia_policy::{Clock, ExchangeId, Randomness};
use fiducia_wire::WireFamily;
use http::{Request, Response, StatusCode};
use hyper::body::Incoming;

use self::account::Account;
use self::answer_body::AnswerBody;
use self::budget::Budget;
use self::eligibility::EligibilityRules;
use self::endpoint::Endpoint;
use self::in_flight::InFlight;
use self::provider::Provider;
use self::refusal::Refusal;
use self::routing::RoutingTable;
use self::upstream::UpstreamClient;
use crate::StartError;
use crate::metrics::Metrics;
use crate::settings::{GatewaySettings, ServerSettings};

pub(crate) use self::admission::asks_for_privacy;
pub(crate) use self::listener::{Acceptance, GatewayThreads, bind, serve_connections, stopped};

/// What all threads share.
pub(crate) struct Gateway {
    pub(crate) settings: GatewaySettings,
    pub(crate) custody: Custody,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) randomness: Arc<dyn Randomness>,
    pub(crate) providers: Vec<Provider>,
    pub(crate) routing: RoutingTable,
    pub(crate) eligibility: EligibilityRules,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) budget: Budget,
    pub(crate) in_flight: InFlight,
}

impl Gateway {
    /// Puts the parts together; listens to nothing yet.
    ///
    /// # Errors
    /// When the settings do not fit together.
    pub(crate) fn new(
        settings: &ServerSettings,
        custody: Custody,
        clock: Arc<dyn Clock>,
        randomness: Arc<dyn Randomness>,
        metrics: Arc<Metrics>,
    ) -> Result<Self, StartError> {
        let gateway = settings.gateway.clone();
        check_limits(&gateway)?;
        let providers = provider::providers(&settings.providers)?;
        let routing = RoutingTable::new(&gateway, &settings.providers, &settings.models)?;
        let eligibility = EligibilityRules::new(&settings.eligibility)?;
        let budget = Budget::new(gateway.limits.buffered_bytes_max);
        Ok(Self {
            settings: gateway,
            custody,
            clock,
            randomness,
            providers,
            routing,
            eligibility,
            metrics,
            budget,
            in_flight: InFlight::default(),
        })
    }

    /// An id for an answer of the gateway's own, in the providers' form.
    fn request_id(&self) -> String {
        // Without randomness the answer still goes out; it is only harder to find in the logs.
        ExchangeId::generate(self.clock.now(), &*self.randomness).map_or_else(
            |_| "req_unidentified".to_owned(),
            |id| format!("req_{}", id.uuid().replace('-', "")),
        )
    }
}

fn check_limits(settings: &GatewaySettings) -> Result<(), StartError> {
    let limits = &settings.limits;
    let refuse = |setting, reason: &str| Err(StartError::Setting { setting, reason: reason.to_owned() });
    if limits.answer_bytes_max > fiducia_wire::ANSWER_BYTES_MAX {
        return refuse(
            "gateway.limits.answer_bytes_max",
            "it is above what an answer's record may hold (64 MiB)",
        );
    }
    if limits.answer_buffer_bytes_max > limits.answer_bytes_max {
        return refuse("gateway.limits.answer_buffer_bytes_max", "it is above answer_bytes_max");
    }
    if limits.header_bytes_max < 8 * 1024 {
        return refuse("gateway.limits.header_bytes_max", "it must be at least 8192");
    }
    if limits.connections_max == 0 {
        return refuse("gateway.limits.connections_max", "it must be at least 1");
    }
    if let Some(url) = &settings.public_url {
        let valid = url.parse::<http::Uri>().is_ok_and(|uri| {
            matches!(uri.scheme_str(), Some("http" | "https"))
                && uri.authority().is_some()
                && uri.path() == "/"
        });
        if !valid {
            return refuse("gateway.public_url", "it must look like https://gateway.example, without a path");
        }
    }
    Ok(())
}

/// What one thread owns: the shared parts and its own connections to the providers.
pub(crate) struct Worker {
    pub(crate) gateway: Arc<Gateway>,
    clients: Vec<UpstreamClient>,
}

impl Worker {
    /// Makes a thread's own parts.
    ///
    /// # Errors
    /// When a provider's address cannot be used.
    pub(crate) fn new(gateway: Arc<Gateway>) -> Result<Self, StartError> {
        let limits = &gateway.settings.limits;
        let clients: Result<_, _> =
            gateway.providers.iter().map(|provider| UpstreamClient::new(provider, limits)).collect();
        Ok(Self { clients: clients?, gateway })
    }

    /// A provider and this thread's connections to it.
    fn upstream(&self, provider: usize) -> Option<(&Provider, &UpstreamClient)> {
        Some((self.gateway.providers.get(provider)?, self.clients.get(provider)?))
    }

    /// Answers one request.
    pub(crate) async fn answer(
        self: Arc<Self>,
        request: Request<Incoming>,
    ) -> Result<Response<AnswerBody>, Infallible> {
        let found = endpoint::matched(request.method(), request.uri().path(), request.headers());
        let (family, outcome) = match found {
            Err((family, refused)) => {
                let refusal = Refusal::no_endpoint(refused);
                self.gateway.metrics.refusal(refusal.code);
                (family, Err(refusal))
            }
            Ok(endpoint::Matched { endpoint: Endpoint::Root, family, .. }) => {
                (family, Ok(Response::new(AnswerBody::empty())))
            }
            Ok(found) => {
                let (endpoint, family) = (found.endpoint, found.family);
                let id = found.id.map(str::to_owned);
                (family, self.governed(endpoint, family, id, request).await)
            }
        };
        Ok(outcome.unwrap_or_else(|refusal| refusal.response(family, &self.gateway.request_id())))
    }

    async fn governed(
        &self,
        endpoint: Endpoint,
        family: WireFamily,
        id: Option<String>,
        request: Request<Incoming>,
    ) -> Result<Response<AnswerBody>, Refusal> {
        let mut account = Account::open(Arc::clone(&self.gateway), endpoint);
        let (head, incoming) = request.into_parts();
        let caller = match admission::admitted(&self.gateway, endpoint, &head.headers).await {
            Ok(caller) => caller,
            Err(refusal) => {
                account.refused(&refusal);
                return Err(refusal);
            }
        };
        account.caller(caller.organization, caller.key);
        let mut asked = Asked { family, id, head, caller, account: Some(account) };
        let outcome = match endpoint {
            Endpoint::Exchange(wire) => exchange::exchange(self, wire, &mut asked, incoming).await,
            Endpoint::BatchCreate => batches::create(self, &mut asked, incoming).await,
            Endpoint::BatchObject => batches::object(self, &mut asked).await,
            Endpoint::CountTokens => passthrough::count_tokens(self, &mut asked, incoming).await,
            Endpoint::FileUpload => passthrough::upload(self, &mut asked, incoming).await,
            Endpoint::ModelGet => passthrough::model(self, &mut asked).await,
            Endpoint::BatchResults
            | Endpoint::FileObject
            | Endpoint::FileContent
            | Endpoint::ModelList
            | Endpoint::Root => passthrough::plain(self, &mut asked).await,
        };
        if let Some(mut account) = asked.account {
            match &outcome {
                Ok(response) => {
                    account.status(response.status().as_u16());
                    account.outcome("complete");
                }
                Err(refusal) => account.refused(refusal),
            }
        }
        outcome
    }
}

/// A request that was admitted.
pub(crate) struct Asked {
    family: WireFamily,
    /// The path's variable part, percent-encoded.
    id: Option<String>,
    head: http::request::Parts,
    caller: fiducia_custody::Caller,
    /// Taken by the exchange once it has an answer to account for.
    account: Option<Account>,
}

impl Asked {
    fn account(&mut self, note: impl FnOnce(&mut Account)) {
        if let Some(account) = self.account.as_mut() {
            note(account);
        }
    }
}

/// Whether a status may come with a body (RFC 9110, section 6.4.1).
fn has_body(status: StatusCode) -> bool {
    !(status.is_informational() || status == StatusCode::NO_CONTENT || status == StatusCode::NOT_MODIFIED)
}
