//! Carrying requests to key management services over TLS.

use std::io::Read;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use fiducia_keyring::{ANSWER_BYTES_MAX, KmsRequest, KmsResponse, KmsTransport, TransportProblem};
use zeroize::Zeroizing;

/// How long connecting may take, in milliseconds.
const CONNECT_TIMEOUT_MS: u64 = 3_000;

/// The transport, made when it is needed first: commands that reach no service make none.
#[derive(Debug, Default, Clone)]
pub(super) struct LazyTransport(Arc<OnceLock<Result<reqwest::blocking::Client, String>>>);

impl LazyTransport {
    pub(super) fn shared(&self) -> Arc<dyn KmsTransport> {
        Arc::new(self.clone())
    }

    fn client(&self) -> Result<&reqwest::blocking::Client, TransportProblem> {
        let made = self.0.get_or_init(|| {
            reqwest::blocking::Client::builder()
                // A redirect would carry credentials and keys elsewhere.
                .redirect(reqwest::redirect::Policy::none())
                .connect_timeout(Duration::from_millis(CONNECT_TIMEOUT_MS))
                .build()
                .map_err(|error| plain(error).to_string())
        });
        made.as_ref().map_err(|cause| TransportProblem::Unreachable(cause.clone()))
    }
}

/// An error without its address, which may name accounts.
fn plain(error: reqwest::Error) -> reqwest::Error {
    error.without_url()
}

fn told(error: reqwest::Error) -> TransportProblem {
    if error.is_timeout() {
        return TransportProblem::TimedOut;
    }
    let mut cause = std::error::Error::source(&error).map(ToString::to_string);
    let mut deeper = std::error::Error::source(&error);
    while let Some(source) = deeper {
        cause = Some(source.to_string());
        deeper = source.source();
    }
    TransportProblem::Unreachable(cause.unwrap_or_else(|| plain(error).to_string()))
}

impl KmsTransport for LazyTransport {
    fn exchange(&self, request: &KmsRequest) -> Result<KmsResponse, TransportProblem> {
        let method = if request.method == "GET" { reqwest::Method::GET } else { reqwest::Method::POST };
        let mut asked = self
            .client()?
            .request(method, &request.url)
            .timeout(Duration::from_millis(request.timeout_ms))
            .body(request.body.to_vec());
        for (name, value) in &request.headers {
            let mut value = reqwest::header::HeaderValue::from_str(value)
                .map_err(|_| TransportProblem::Unreachable(format!("the header {name} cannot be sent")))?;
            value.set_sensitive(true);
            asked = asked.header(*name, value);
        }
        let answer = asked.send().map_err(told)?;
        let status = answer.status().as_u16();
        let mut body = Zeroizing::new(Vec::new());
        let limit = u64::try_from(ANSWER_BYTES_MAX).unwrap_or(u64::MAX);
        answer.take(limit + 1).read_to_end(&mut body).map_err(|error| {
            if error.kind() == std::io::ErrorKind::TimedOut {
                TransportProblem::TimedOut
            } else {
                TransportProblem::Unreachable("the answer broke off".to_owned())
            }
        })?;
        if body.len() > ANSWER_BYTES_MAX {
            return Err(TransportProblem::TooLong);
        }
        Ok(KmsResponse { status, body })
    }
}
