//! What is governed but not captured: model lists, token counts, files, batch results. The bytes pass unchanged in
//! both directions; nothing of them is kept here.

use std::sync::atomic::Ordering;
use std::time::Duration;

use fiducia_custody::Notice;
use fiducia_wire::Wire;
use http::{HeaderValue, Response, Version, header};
use hyper::body::Incoming;

use super::account::Account;
use super::answer_body::{AnswerBody, Relay};
use super::endpoint::{percent_decoded, percent_encoded};
use super::exchange::{aliased, outlined, permitted, routed, served_model, take_json};
use super::headers::{self, Forwarding, NOTICE};
use super::refusal::Refusal;
use super::request_body::{Upload, UpstreamBody, announced_length};
use super::{Asked, Worker, has_body};

/// What to ask a provider for, when it differs from what was received.
struct Onward {
    provider: usize,
    path: String,
    body: UpstreamBody,
    body_replaced: bool,
    notices: Vec<Notice>,
}

/// A request without a body to the family's provider.
pub(crate) async fn plain(worker: &Worker, asked: &mut Asked) -> Result<Response<AnswerBody>, Refusal> {
    let provider = provider_without_model(worker, asked)?;
    let path = asked.head.uri.path().to_owned();
    let onward =
        Onward { provider, path, body: UpstreamBody::Whole(None), body_replaced: false, notices: Vec::new() };
    relayed(worker, asked, onward).await
}

/// `GET /v1/models/{id}`: by the routing table, under the name the provider knows.
pub(crate) async fn model(worker: &Worker, asked: &mut Asked) -> Result<Response<AnswerBody>, Refusal> {
    refuse_body(asked)?;
    let routing = &worker.gateway.routing;
    let name = asked.id.as_deref().and_then(percent_decoded).unwrap_or_default();
    let target = routing
        .find(asked.family, &name)
        .ok_or_else(|| Refusal::unknown_model(&routing.names(asked.family)))?
        .clone();
    let mut notices = Vec::new();
    let path = match &target.upstream_model {
        Some(served) if **served != *name => {
            notices.push(Notice {
                code: "model-alias".to_owned(),
                asked: name.clone(),
                served: (**served).to_owned(),
            });
            format!("/v1/models/{}", percent_encoded(served))
        }
        _ => asked.head.uri.path().to_owned(),
    };
    let provider = target.provider;
    let onward = Onward { provider, path, body: UpstreamBody::Whole(None), body_replaced: false, notices };
    relayed(worker, asked, onward).await
}

/// `POST /v1/messages/count_tokens`: the same body as a message, by the same routes. Counting makes no turn, so there
/// is nothing to keep.
pub(crate) async fn count_tokens(
    worker: &Worker,
    asked: &mut Asked,
    incoming: Incoming,
) -> Result<Response<AnswerBody>, Refusal> {
    let taken = take_json(&worker.gateway, asked, incoming).await?;
    let outline = outlined(Wire::AnthropicMessages, taken.bytes.clone()).await?;
    let target = routed(&worker.gateway, asked.family, &outline)?;
    asked.account(|account| account.routed(target.provider, &outline.model));
    let uncovered = permitted(&worker.gateway, asked, &outline, served_model(&target, &outline.model))?;
    let (body, mut notices) = aliased(&taken.bytes, &outline, &target);
    let body_replaced = !notices.is_empty();
    notices.extend(uncovered);
    let onward = Onward {
        provider: target.provider,
        path: asked.head.uri.path().to_owned(),
        body: UpstreamBody::whole(body),
        body_replaced,
        notices,
    };
    relayed(worker, asked, onward).await
}

/// `POST /v1/files`: passed on while it arrives.
pub(crate) async fn upload(
    worker: &Worker,
    asked: &mut Asked,
    incoming: Incoming,
) -> Result<Response<AnswerBody>, Refusal> {
    let limits = &worker.gateway.settings.limits;
    let bytes_max = limits.file_body_bytes_max;
    if announced_length(&asked.head.headers).is_some_and(|length| length > bytes_max) {
        return Err(Refusal::too_large(bytes_max));
    }
    let provider = routed_without_model(worker, asked)?;
    let upload = Upload::new(incoming, bytes_max, limits);
    let overflow = std::sync::Arc::clone(&upload.overflow);
    let onward = Onward {
        provider,
        path: asked.head.uri.path().to_owned(),
        body: UpstreamBody::Upload(Box::new(upload)),
        body_replaced: false,
        notices: Vec::new(),
    };
    relayed(worker, asked, onward).await.map_err(|refusal| {
        if overflow.load(Ordering::Relaxed) { Refusal::too_large(bytes_max) } else { refusal }
    })
}

/// The provider for a request that names no model and brings no body.
pub(crate) fn provider_without_model(worker: &Worker, asked: &mut Asked) -> Result<usize, Refusal> {
    refuse_body(asked)?;
    routed_without_model(worker, asked)
}

fn routed_without_model(worker: &Worker, asked: &mut Asked) -> Result<usize, Refusal> {
    let routing = &worker.gateway.routing;
    let provider = routing
        .without_model(asked.family)
        .ok_or_else(|| Refusal::unknown_model(&routing.names(asked.family)))?;
    asked.account(|account| account.routed(provider, ""));
    Ok(provider)
}

/// A body on a request that takes none would be dropped silently; it is refused instead.
fn refuse_body(asked: &Asked) -> Result<(), Refusal> {
    let headers = &asked.head.headers;
    let announced = announced_length(headers).unwrap_or(0) > 0;
    if announced || headers.contains_key(header::TRANSFER_ENCODING) {
        return Err(Refusal::invalid(
            "unexpected_body",
            "this endpoint takes no request body; nothing was sent on",
        ));
    }
    Ok(())
}

/// Hands notices of an exchange that is not captured to the ledger, and gives them as headers.
///
/// # Errors
/// A refusal when the ledger cannot take them: what would be changed is then not sent.
pub(crate) fn announced(
    worker: &Worker,
    asked: &Asked,
    notices: Vec<Notice>,
) -> Result<Vec<HeaderValue>, Refusal> {
    let values = notices
        .iter()
        .map(|notice| {
            worker.gateway.metrics.notice(&notice.code);
            headers::notice_value(&notice.code, &notice.asked, &notice.served)
        })
        .collect();
    if !notices.is_empty() {
        worker.gateway.custody.announce(&asked.caller, notices).map_err(Refusal::capture_refused)?;
    }
    Ok(values)
}

async fn relayed(
    worker: &Worker,
    asked: &mut Asked,
    onward: Onward,
) -> Result<Response<AnswerBody>, Refusal> {
    let (provider, client) = worker.upstream(onward.provider).ok_or_else(Refusal::unreachable)?;
    let target =
        provider.target(&onward.path, asked.head.uri.query(), None).map_err(|_| Refusal::unreachable())?;
    let forwarding = Forwarding {
        credential: provider.credential.as_ref(),
        readable_answer: false,
        body_replaced: onward.body_replaced,
    };
    let sent_headers = headers::upstream_headers(&asked.head.headers, forwarding);
    let notices = announced(worker, asked, onward.notices)?;
    asked.account(Account::asking_upstream);
    let response = client.ask(asked.head.method.clone(), target, sent_headers, onward.body).await?;
    let (mut head, upstream) = response.into_parts();
    head.version = Version::HTTP_11;
    head.extensions.clear();
    headers::strip_answer_headers(&mut head.headers);
    for notice in notices {
        head.headers.append(NOTICE, notice);
    }
    let idle_max = Duration::from_millis(worker.gateway.settings.limits.upstream_idle_timeout_ms);
    let body = if has_body(head.status) {
        AnswerBody::Relay(Box::new(Relay::new(upstream, idle_max)))
    } else {
        AnswerBody::empty()
    };
    Ok(Response::from_parts(head, body))
}
