//! Who asks, and whether they may.

use fiducia_custody::{Caller, Retention};
use http::HeaderMap;

use super::Gateway;
use super::endpoint::Endpoint;
use super::headers::{self, SUBJECT};
use super::refusal::Refusal;

/// The caller behind a request, when the key is good and permits the endpoint.
///
/// # Errors
/// A refusal in the order: no key, bad key, missing scope, zero retention, bad subject.
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
    if caller.retention == Retention::Zero
        && let Some(feature) = kept_at_the_provider(endpoint)
    {
        return Err(Refusal::zero_retention(feature));
    }
    let Some(named) = headers.get(SUBJECT) else { return Ok(caller) };
    let named = named
        .to_str()
        .map_err(|_| Refusal::credential(fiducia_custody::CredentialRefused::SubjectInvalid))?;
    gateway.custody.subject_named(&caller, named).await.map_err(Refusal::credential)
}

/// What of an endpoint the provider keeps, however it is used.
fn kept_at_the_provider(endpoint: Endpoint) -> Option<&'static str> {
    match endpoint {
        Endpoint::BatchCreate | Endpoint::BatchObject | Endpoint::BatchResults => {
            Some("message batches are stored by the provider until they expire")
        }
        Endpoint::FileUpload | Endpoint::FileObject => {
            Some("files are stored by the provider until they are deleted")
        }
        _ => None,
    }
}
