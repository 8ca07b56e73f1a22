//! Asking identity providers: few, small requests, without redirects.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use openidconnect::{AsyncHttpClient, HttpRequest, HttpResponse};

use crate::tls;

/// Within which a provider answers.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
/// The largest answer that is read: key sets and tokens are some kilobytes.
const ANSWER_BYTES_MAX: usize = 512 * 1024;

/// Why a provider could not be asked. The texts hold no secrets.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unanswered {
    #[error("it cannot be reached: {0}")]
    Unreachable(#[from] hyper_util::client::legacy::Error),
    #[error("its answer broke off or is larger than {ANSWER_BYTES_MAX} bytes")]
    Broken,
    #[error("it did not answer in time")]
    TimedOut,
}

/// A client for one provider.
#[derive(Debug, Clone)]
pub(super) struct ProviderClient(Client<HttpsConnector<HttpConnector>, Full<Bytes>>);

impl ProviderClient {
    /// A client that trusts the system's authorities and those in `ca_file`. Plain HTTP is for this machine, which the
    /// settings' check has seen to.
    ///
    /// # Errors
    /// When the authorities cannot be read, as text.
    pub(super) fn new(ca_file: Option<&std::path::Path>) -> Result<Self, String> {
        let mut roots = tls::native_roots();
        if let Some(path) = ca_file {
            tls::add_authorities(&mut roots, path)?;
        }
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls::client(roots)?)
            .https_or_http()
            .enable_http1()
            .build();
        Ok(Self(Client::builder(TokioExecutor::new()).build(connector)))
    }

    /// Sends a request and reads the whole answer.
    async fn ask(&self, request: HttpRequest) -> Result<HttpResponse, Unanswered> {
        let request = request.map(|body| Full::new(Bytes::from(body)));
        let answered = async {
            let (head, body) = self.0.request(request).await?.into_parts();
            let body =
                Limited::new(body, ANSWER_BYTES_MAX).collect().await.map_err(|_| Unanswered::Broken)?;
            Ok(HttpResponse::from_parts(head, body.to_bytes().to_vec()))
        };
        tokio::time::timeout(ANSWER_TIMEOUT, answered).await.unwrap_or(Err(Unanswered::TimedOut))
    }
}

impl<'c> AsyncHttpClient<'c> for ProviderClient {
    type Error = Unanswered;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, Unanswered>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.ask(request))
    }
}
