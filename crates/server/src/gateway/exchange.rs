//! An exchange with a model: captured from the first byte to the last.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use fiducia_custody::{AnswerOutcome, ExchangeOpening, Notice, OpenExchange};
use fiducia_wire::{Outline, RequestError, Wire, WireFamily};
use http::{HeaderMap, HeaderValue, Response, Version, header};
use http_body::Body;
use http_body_util::BodyExt;
use hyper::body::Incoming;

use super::answer_body::AnswerBody;
use super::capture::Capture;
use super::eligibility::{self, fallback_models};
use super::headers::{self, EXCHANGE, Forwarding, NOTICE};
use super::refusal::Refusal;
use super::request_body::{TakenBody, UpstreamBody, announced_length, taken};
use super::routing::Target;
use super::stream::CapturedStream;
use super::upstream::ProviderBody;
use super::{Asked, Gateway, Worker};

/// Bodies up to this size are read on the serving thread; larger ones would hold up its other connections.
const INLINE_READ_BYTES_MAX: usize = 256 * 1024;

/// Carries one exchange out: reads the request, opens the capture, asks the provider while the request part becomes
/// durable, and answers.
///
/// # Errors
/// A refusal; whatever was opened is closed in custody.
pub(crate) async fn exchange(
    worker: &Worker,
    wire: Wire,
    asked: &mut Asked,
    incoming: Incoming,
) -> Result<Response<AnswerBody>, Refusal> {
    let gateway = &worker.gateway;
    let received_at = gateway.clock.now();
    let taken = take_json(gateway, asked, incoming).await?;
    let outline = outlined(wire, taken.bytes.clone()).await?;
    let target = routed(gateway, asked.family, &outline)?;
    asked.account(|account| account.routed(target.provider, &outline.model));
    let (provider, client) = worker.upstream(target.provider).ok_or_else(Refusal::unreachable)?;
    let served = served_model(&target, &outline.model).to_owned();
    let uncovered = permitted(gateway, asked, &outline, &served)?;
    let (body, mut notices) = aliased(&taken.bytes, &outline, &target);
    let body_replaced = !notices.is_empty();
    notices.extend(uncovered);
    let uri = provider
        .target(asked.head.uri.path(), asked.head.uri.query(), Some(&served))
        .map_err(|_| Refusal::unreachable())?;
    let forwarding =
        Forwarding { credential: provider.credential.as_ref(), readable_answer: true, body_replaced };
    let sent_headers = headers::upstream_headers(&asked.head.headers, forwarding);
    let TakenBody { bytes, share } = taken;
    let notice_headers: Vec<HeaderValue> = notices
        .iter()
        .map(|notice| headers::notice_value(&notice.code, &notice.asked, &notice.served))
        .collect();
    for notice in &notices {
        gateway.metrics.notice(&notice.code);
    }
    let covered = eligibility::reaches_covered(gateway, &asked.caller, &outline, &served);
    let caller = asked.caller.clone();
    let opening = ExchangeOpening { caller, wire, received_at, body: bytes, outline, covered, notices };
    let mut open = gateway.custody.begin(opening).map_err(Refusal::capture_refused)?;
    asked.account(|account| {
        account.exchange(open.id());
        account.asking_upstream();
    });
    let asking = client.ask(asked.head.method.clone(), uri, sent_headers, UpstreamBody::whole(body));
    let mut asking = std::pin::pin!(asking);
    // A request part that cannot be stored ends the exchange at once. One that is still on its way to the disk when
    // the provider answers is waited for where the answer begins to leave: see `answered`.
    let response = tokio::select! {
        response = &mut asking => response?,
        durable = open.request_settled() => {
            durable.map_err(|failed| Refusal::capture_failed(&failed))?;
            asking.await?
        }
    };
    let Some(account) = asked.account.take() else { return Err(Refusal::unreachable()) };
    let response = with_gateway_headers(response, &open, &notice_headers);
    let status = response.status().as_u16();
    let mut capture = Capture::new(Arc::clone(gateway), open, account, status, share);
    capture.account.status(status);
    answered(gateway, wire, response, capture).await
}

/// Takes in a JSON body that the gateway must read.
pub(crate) async fn take_json(
    gateway: &Gateway,
    asked: &Asked,
    incoming: Incoming,
) -> Result<TakenBody, Refusal> {
    let headers = &asked.head.headers;
    if headers::is_encoded(headers) {
        return Err(Refusal::encoded_body());
    }
    if headers::charset_unsupported(headers) {
        return Err(Refusal::charset());
    }
    let limits = &gateway.settings.limits;
    let bytes_max = match asked.family {
        WireFamily::Anthropic => limits.messages_body_bytes_max,
        WireFamily::OpenAi => limits.openai_body_bytes_max,
    };
    taken(headers, incoming, bytes_max, limits, &gateway.budget).await
}

/// Reads a request's outline, large ones beside the serving thread.
pub(crate) async fn outlined(wire: Wire, body: Bytes) -> Result<Outline, Refusal> {
    let read = if body.len() <= INLINE_READ_BYTES_MAX {
        fiducia_wire::outline(wire, &body)
    } else {
        tokio::task::spawn_blocking(move || fiducia_wire::outline(wire, &body))
            .await
            .unwrap_or(Err(RequestError::Malformed { position: 0, reason: "a body that can be read" }))
    };
    read.map_err(|error| Refusal::malformed(&error))
}

/// Where a request goes. Models named as fallbacks must be routed to the same provider under their own names, or the
/// provider's switch would lead around the routing table.
pub(crate) fn routed(gateway: &Gateway, family: WireFamily, outline: &Outline) -> Result<Target, Refusal> {
    let unknown = || Refusal::unknown_model(&gateway.routing.names(family));
    let target = gateway.routing.find(family, &outline.model).ok_or_else(unknown)?;
    for model in fallback_models(outline) {
        let fallback = gateway.routing.find(family, model).ok_or_else(unknown)?;
        if fallback.provider != target.provider || fallback.upstream_model.is_some() {
            return Err(Refusal::invalid(
                "fallback_not_routable",
                "a model in \"fallbacks\" is an alias here or belongs to another provider than \"model\"; \
                 name models of one provider by its own names",
            ));
        }
    }
    Ok(target.clone())
}

/// See [`eligibility::permitted`].
pub(crate) fn permitted(
    gateway: &Gateway,
    asked: &Asked,
    outline: &Outline,
    served: &str,
) -> Result<Option<Notice>, Refusal> {
    eligibility::permitted(gateway, &asked.caller, (asked.family, &asked.head.headers), outline, served)
}

pub(crate) fn served_model<'a>(target: &'a Target, asked: &'a str) -> &'a str {
    target.upstream_model.as_deref().unwrap_or(asked)
}

/// The body to send: the received bytes, or the same with only the model's name replaced, and then a notice of it.
pub(crate) fn aliased(body: &Bytes, outline: &Outline, target: &Target) -> (Bytes, Vec<Notice>) {
    let served = match &target.upstream_model {
        Some(served) if **served != *outline.model => served,
        _ => return (body.clone(), Vec::new()),
    };
    let span = &outline.model_span;
    let (Some(before), Some(after)) = (body.get(..span.start), body.get(span.end..)) else {
        return (body.clone(), Vec::new());
    };
    let quoted = serde_json::Value::from(&**served).to_string();
    let mut rewritten = BytesMut::with_capacity(body.len() + quoted.len());
    for part in [before, quoted.as_bytes(), after] {
        rewritten.extend_from_slice(part);
    }
    let notice = Notice {
        code: "model-alias".to_owned(),
        asked: outline.model.clone(),
        served: (**served).to_owned(),
    };
    (rewritten.freeze(), vec![notice])
}

/// The provider's head without what its connection owned and with what the gateway says.
fn with_gateway_headers(
    response: Response<ProviderBody>,
    open: &OpenExchange,
    notices: &[HeaderValue],
) -> Response<ProviderBody> {
    let (mut head, body) = response.into_parts();
    head.version = Version::HTTP_11;
    head.extensions.clear();
    headers::strip_answer_headers(&mut head.headers);
    if let Ok(id) = HeaderValue::try_from(open.id().to_string()) {
        head.headers.insert(EXCHANGE, id);
    }
    for notice in notices {
        head.headers.append(NOTICE, notice.clone());
    }
    Response::from_parts(head, body)
}

/// Passes an answer on, by its form.
///
/// INVARIANT: no byte leaves before the request part is durable. An answer sent in one piece leaves after its own
/// record, which shares a commit with the request part or follows it; the other forms wait for the request part here.
async fn answered(
    gateway: &Gateway,
    wire: Wire,
    response: Response<ProviderBody>,
    mut capture: Capture,
) -> Result<Response<AnswerBody>, Refusal> {
    let (mut head, upstream) = response.into_parts();
    let limits = &gateway.settings.limits;
    let idle_max = Duration::from_millis(limits.upstream_idle_timeout_ms);
    if headers::is_encoded(&head.headers) {
        let refusal = Refusal::unreadable_answer(
            "the model provider compressed its answer although it was asked not to, so the answer could not be recorded",
        );
        return Err(give_up(&mut capture, refusal));
    }
    if headers::is_event_stream(&head.headers) {
        // The length is the framing's; an error event may have to be added to a stream that breaks off.
        head.headers.remove(header::CONTENT_LENGTH);
        request_durable(&mut capture).await?;
        capture.account.streamed();
        let stream = CapturedStream::events(wire, upstream, capture, idle_max);
        return Ok(Response::from_parts(head, AnswerBody::Captured(Box::new(stream))));
    }
    match gathered(upstream, &head.headers, limits.answer_buffer_bytes_max, idle_max, &mut capture).await {
        Ok(None) => {
            let body = recorded(wire, capture).await?;
            Ok(Response::from_parts(head, AnswerBody::whole(body)))
        }
        Ok(Some(rest)) => {
            request_durable(&mut capture).await?;
            capture.account.streamed();
            let stream = CapturedStream::large(wire, rest, capture, idle_max);
            Ok(Response::from_parts(head, AnswerBody::Captured(Box::new(stream))))
        }
        Err(refusal) => Err(give_up(&mut capture, refusal)),
    }
}

async fn request_durable(capture: &mut Capture) -> Result<(), Refusal> {
    match capture.request_durable().await {
        Ok(()) => Ok(()),
        Err(failed) => Err(give_up(capture, Refusal::capture_failed(&failed))),
    }
}

/// Takes in an answer up to `bytes_max`. Gives the rest of the transfer when there is more.
async fn gathered(
    mut upstream: ProviderBody,
    head: &HeaderMap,
    bytes_max: usize,
    idle_max: Duration,
    capture: &mut Capture,
) -> Result<Option<ProviderBody>, Refusal> {
    let expected = announced_length(head);
    if expected.is_some_and(|expected| expected > bytes_max) {
        return Ok(Some(upstream));
    }
    loop {
        let frame = match tokio::time::timeout(idle_max, upstream.frame()).await {
            Err(_) => return Err(Refusal::upstream_timeout()),
            Ok(None) => return Ok(None),
            Ok(Some(Err(_))) => return Err(Refusal::broken_answer()),
            Ok(Some(Ok(frame))) => frame,
        };
        let Ok(data) = frame.into_data() else { continue };
        capture.take_in(&data, Some(expected.unwrap_or(1))).map_err(|_| {
            Refusal::unreadable_answer(
                "the answer is larger than this gateway can record, so it is not given",
            )
        })?;
        if capture.len() > bytes_max {
            return Ok(Some(upstream));
        }
        // An announced length that is here needs no word of the end, which would come a turn later.
        if upstream.is_end_stream() {
            return Ok(None);
        }
    }
}

/// Makes a whole answer durable and gives its bytes back.
async fn recorded(wire: Wire, mut capture: Capture) -> Result<Bytes, Refusal> {
    capture.account.upstream_done();
    let body = capture.take_received();
    let read = fiducia_wire::read_answer(wire, &body);
    let commit = capture.commit(AnswerOutcome::Complete, body.clone(), Some(read));
    let refusal = match commit {
        None => Refusal::capture_failed(&fiducia_custody::CaptureFailed::WriterGone),
        Some(commit) => match commit.await {
            Ok(()) => {
                capture.account.outcome("complete");
                return Ok(body);
            }
            Err(failed) => Refusal::capture_failed(&failed),
        },
    };
    capture.account.refused(&refusal);
    Err(refusal)
}

/// Ends an exchange whose answer cannot be passed on; what had arrived of it is kept.
fn give_up(capture: &mut Capture, refusal: Refusal) -> Refusal {
    capture.account.upstream_done();
    capture.account.refused(&refusal);
    let received = capture.take_received();
    drop(capture.commit(AnswerOutcome::UpstreamBroken, received, None));
    refusal
}
