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
    let Some(named) = headers.get(SUBJECT) else { return Ok(caller) };
    let named = named
        .to_str()
        .map_err(|_| Refusal::credential(fiducia_custody::CredentialRefused::SubjectInvalid))?;
    gateway.custody.subject_named(&caller, named).await.map_err(Refusal::credential)
}
