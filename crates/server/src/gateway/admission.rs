//! Who asks, and whether they may.

use fiducia_custody::Caller;
use http::HeaderMap;

use super::Gateway;
use super::eligibility;
use super::endpoint::Endpoint;
use super::headers::{self, SUBJECT};
use super::refusal::Refusal;

/// The caller behind a request, when the key is good and permits the endpoint.
///
/// # Errors
/// A refusal in the order: no key, bad key, missing scope, ineligible endpoint, bad subject.
pub(crate) async fn admitted(
    gateway: &Gateway,
    endpoint: Endpoint,
    headers: &HeaderMap,
) -> Result<Caller, Refusal> {
    let presented =
        headers::presented_key(headers).filter(|key| !key.is_empty()).ok_or_else(Refusal::no_key)?;
    let caller = gateway.custody.authenticate(presented).map_err(Refusal::credential)?;
    if let Some(scope) = endpoint.scope()
        && !caller.scopes.contains(scope)
    {
        return Err(Refusal::scope(scope.name()));
    }
    eligibility::endpoint_permitted(gateway, &caller, endpoint)?;
    let caller = match headers.get(SUBJECT) {
        None => caller,
        Some(named) => {
            let named = named
                .to_str()
                .map_err(|_| Refusal::credential(fiducia_custody::CredentialRefused::SubjectInvalid))?;
            gateway.custody.subject_named(&caller, named).await.map_err(Refusal::credential)?
        }
    };
    if asks_for_privacy(headers)
        && let Err(error) = gateway.custody.note_privacy_signal_of(&caller).await
    {
        // The person's next request tries again; no consent follows from this one.
        tracing::error!(%error, "a privacy signal could not be recorded");
    }
    Ok(caller)
}

/// Whether a request carries the Global Privacy Control signal. `Sec-GPC` counts only when it is exactly `1`; among several
/// lines one such is enough.
pub(crate) fn asks_for_privacy(headers: &HeaderMap) -> bool {
    headers.get_all("sec-gpc").iter().any(|value| value.as_bytes() == b"1")
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn the_privacy_signal_is_exactly_one() {
        let check = |lines: &[&'static str], expect: bool| {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append("sec-gpc", HeaderValue::from_static(line));
            }
            assert_eq!(asks_for_privacy(&headers), expect, "{lines:?}");
        };
        check(&["1"], true);
        check(&["0", "1"], true);
        check(&[], false);
        check(&["0"], false);
        check(&["true"], false);
        check(&["1, 1"], false);
        check(&["11"], false);
    }
}
