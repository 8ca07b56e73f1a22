//! Message batches: each item is governed by the routing table before the batch is passed on, and links to results
//! lead back through the gateway.
//!
//! The batch itself passes unchanged and is not captured: its answers come hours later, through the results.

use std::collections::HashSet;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use fiducia_custody::Notice;
use fiducia_wire::{Fallbacks, Features, WireFamily};
use http::{HeaderMap, HeaderValue, Response, Version, header};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;

use super::account::Account;
use super::answer_body::AnswerBody;
use super::eligibility;
use super::headers::{self, Forwarding, NOTICE};
use super::passthrough::{announced, provider_without_model};
use super::refusal::Refusal;
use super::request_body::{UpstreamBody, taken};
use super::{Asked, Gateway, Worker};

/// The most distinct models a batch may name.
const BATCH_MODELS_MAX: usize = 64;
/// The largest batch object or list of them that is read.
const BATCH_OBJECT_BYTES_MAX: usize = 8 * 1024 * 1024;

/// `POST /v1/messages/batches`.
pub(crate) async fn create(
    worker: &Worker,
    asked: &mut Asked,
    incoming: Incoming,
) -> Result<Response<AnswerBody>, Refusal> {
    let gateway = &worker.gateway;
    let headers = &asked.head.headers;
    if headers::is_encoded(headers) {
        return Err(Refusal::encoded_body());
    }
    if headers::charset_unsupported(headers) {
        return Err(Refusal::charset());
    }
    let limits = &gateway.settings.limits;
    let taken = taken(headers, incoming, limits.batch_body_bytes_max, limits, &gateway.budget).await?;
    let body = taken.bytes.clone();
    // Hundreds of megabytes must not hold up the other connections of this thread.
    let contents = tokio::task::spawn_blocking(move || batch_contents(&body))
        .await
        .map_err(|_| unreadable("it could not be read"))?
        .map_err(|cause| unreadable(&cause))?;
    let provider = routed(gateway, &contents.models)?;
    // Whoever must have each item checked is refused batches as such today; the items do not rely on that.
    let models = contents.models.iter().map(String::as_str);
    eligibility::batch_permitted(gateway, &asked.caller, headers, &contents.features, models)?;
    asked.account(|account| account.routed(provider, ""));
    objects(worker, asked, provider, UpstreamBody::whole(taken.bytes)).await
}

/// List, get, cancel, delete.
pub(crate) async fn object(worker: &Worker, asked: &mut Asked) -> Result<Response<AnswerBody>, Refusal> {
    let provider = provider_without_model(worker, asked)?;
    objects(worker, asked, provider, UpstreamBody::Whole(None)).await
}

fn unreadable(cause: &str) -> Refusal {
    Refusal::invalid("invalid_request_body", format!("the batch was not sent on: {cause}"))
}

/// The one provider that all models of a batch are routed to.
fn routed(gateway: &Gateway, models: &HashSet<String>) -> Result<usize, Refusal> {
    let routing = &gateway.routing;
    let mut chosen = None;
    for model in models {
        let target = routing
            .find(WireFamily::Anthropic, model)
            .ok_or_else(|| Refusal::unknown_model(&routing.names(WireFamily::Anthropic)))?;
        if target.upstream_model.as_deref().is_some_and(|served| served != model) {
            return Err(unreadable(
                "it names a model by an alias of this gateway; name it as the provider does",
            ));
        }
        if chosen.is_some_and(|provider| provider != target.provider) {
            return Err(unreadable("its models belong to different providers; send one batch for each"));
        }
        chosen = Some(target.provider);
    }
    chosen.ok_or_else(|| unreadable("\"requests\" is empty"))
}

/// What the items of a batch ask for, taken together.
#[derive(Debug, Default)]
struct BatchContents {
    models: HashSet<String>,
    features: Features,
}

/// The distinct models and the features of a batch's items.
///
/// # Errors
/// When an item is not a Messages body, or asks for what batches cannot give.
fn batch_contents(body: &[u8]) -> Result<BatchContents, String> {
    let BatchContents { mut models, mut features } = BatchContents::default();
    for request in fiducia_wire::batch_requests(body).map_err(|error| error.to_string())? {
        if request.outline.fallbacks != Fallbacks::None {
            return Err("\"fallbacks\" is not for batches".to_owned());
        }
        models.insert(request.outline.model);
        let item = request.outline.features;
        features.set = features.set.union(item.set);
        features.ambiguity = features.ambiguity.or(item.ambiguity);
        for model in item.advisor_models {
            if !features.advisor_models.contains(&model) {
                features.advisor_models.push(model);
            }
        }
        if models.len() > BATCH_MODELS_MAX || features.advisor_models.len() > BATCH_MODELS_MAX {
            return Err(format!("a batch names at most {BATCH_MODELS_MAX} models"));
        }
    }
    Ok(BatchContents { models, features })
}

/// Asks for batch objects and rewrites the links in the answer.
async fn objects(
    worker: &Worker,
    asked: &mut Asked,
    provider: usize,
    body: UpstreamBody,
) -> Result<Response<AnswerBody>, Refusal> {
    let (provider, client) = worker.upstream(provider).ok_or_else(Refusal::unreachable)?;
    let uri = &asked.head.uri;
    let target = provider.target(uri.path(), uri.query(), None).map_err(|_| Refusal::unreachable())?;
    let credential = provider.credential.as_ref();
    let forwarding = Forwarding { credential, readable_answer: true, body_replaced: false };
    let sent_headers = headers::upstream_headers(&asked.head.headers, forwarding);
    asked.account(Account::asking_upstream);
    let response = client.ask(asked.head.method.clone(), target, sent_headers, body).await?;
    let (mut head, upstream) = response.into_parts();
    head.version = Version::HTTP_11;
    head.extensions.clear();
    headers::strip_answer_headers(&mut head.headers);
    let idle_max = Duration::from_millis(worker.gateway.settings.limits.upstream_idle_timeout_ms);
    let whole = tokio::time::timeout(idle_max, Limited::new(upstream, BATCH_OBJECT_BYTES_MAX).collect())
        .await
        .map_err(|_| Refusal::upstream_timeout())?
        .map_err(|_| Refusal::broken_answer())?
        .to_bytes();
    asked.account(Account::upstream_done);
    if headers::is_encoded(&head.headers) {
        return Ok(Response::from_parts(head, AnswerBody::whole(whole)));
    }
    let own = own_base(&worker.gateway, &asked.head.headers);
    let Some((body, link)) = own.as_deref().and_then(|own| with_own_links(&whole, own)) else {
        return Ok(Response::from_parts(head, AnswerBody::whole(whole)));
    };
    let notice = Notice { code: "results-url".to_owned(), asked: link.asked, served: link.served };
    // What cannot be said in the ledger is not changed; the provider's answer must still reach the client.
    let Ok(values) = announced(worker, asked, vec![notice]) else {
        return Ok(Response::from_parts(head, AnswerBody::whole(whole)));
    };
    head.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
    for value in values {
        head.headers.append(NOTICE, value);
    }
    Ok(Response::from_parts(head, AnswerBody::whole(body)))
}

/// How the client reaches this gateway.
fn own_base(gateway: &Gateway, headers: &HeaderMap) -> Option<String> {
    if let Some(url) = &gateway.settings.public_url {
        return Some(url.trim_end_matches('/').to_owned());
    }
    let host = headers.get(header::HOST)?.to_str().ok()?;
    let authority: http::uri::Authority = host.parse().ok()?;
    Some(format!("http://{authority}"))
}

/// The first link that was rewritten, for the notice.
#[derive(Debug, PartialEq, Eq)]
struct Link {
    asked: String,
    served: String,
}

/// The same JSON with each `results_url` leading to `own`; `None` when there is none to rewrite. Every other byte
/// stays.
fn with_own_links(body: &Bytes, own: &str) -> Option<(Bytes, Link)> {
    let mut rewritten = BytesMut::with_capacity(body.len() + own.len());
    let mut copied = 0_usize;
    let mut first = None;
    for fiducia_wire::ResultsUrl { span, url } in fiducia_wire::results_urls(body) {
        let Some(path) = url.find("/v1/messages/batches/").and_then(|at| url.get(at..)) else { continue };
        let served = format!("{own}{path}");
        rewritten.extend_from_slice(body.get(copied..span.start)?);
        rewritten.extend_from_slice(serde_json::Value::from(served.as_str()).to_string().as_bytes());
        copied = span.end;
        first.get_or_insert(Link { asked: url, served });
    }
    rewritten.extend_from_slice(body.get(copied..)?);
    first.map(|link| (rewritten.freeze(), link))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_of_a_batch_are_read_once_each() {
        let body = br#"{"requests":[{"custom_id":"a","params":{"model":"m1","messages":[]}},
            {"params":{"max_tokens":1,"messages":[],"model":"m2"},"custom_id":"b"},
            {"custom_id":"c","params":{"model":"m1","messages":[]}}]}"#;
        let contents = batch_contents(body).unwrap();
        assert_eq!(contents.models, HashSet::from(["m1".to_owned(), "m2".to_owned()]));
        assert_eq!(contents.features, Features::default());
    }

    #[test]
    fn features_of_all_items_are_features_of_the_batch() {
        let body = br#"{"requests":[
            {"custom_id":"a","params":{"model":"m","messages":[],"container":"c","container":"d"}},
            {"custom_id":"b","params":{"model":"m","messages":[],"mcp_servers":[{}]}},
            {"custom_id":"c","params":{"model":"m","messages":[],"tools":[{"type":"advisor_20260301","model":"a"}]}},
            {"custom_id":"d","params":{"model":"m","messages":[],"tools":[{"type":"advisor_20260301","model":"a"}]}}]}"#;
        let features = batch_contents(body).unwrap().features;
        assert_eq!(features.set.to_string(), "advisor tool, code execution, MCP connector");
        assert_eq!(features.advisor_models, ["a"]);
        assert!(features.ambiguity.is_some());
    }

    #[test]
    fn smuggled_models_and_fallbacks_are_refused() {
        let check = |params: &str, text: &str| {
            let body = format!(r#"{{"requests":[{{"custom_id":"a","params":{params}}}]}}"#);
            let error = batch_contents(body.as_bytes()).unwrap_err();
            assert!(error.contains(text), "{error}");
        };
        check(r#"{"messages":[],"model":"a","model":"b"}"#, "more than once");
        check(r#"{"messages":[]}"#, "\"model\" is required");
        check(r#"{"messages":[],"model":"a","fallbacks":[{"model":"b"}]}"#, "not for batches");
    }

    #[test]
    fn links_lead_back_and_every_other_byte_stays() {
        let body = Bytes::from_static(
            br#"{ "data":[{"id":"1","results_url" : "https://api.example/v1/messages/batches/1/results","x":1.0},
            {"id":"2","results_url":null}] , "has_more":false}"#,
        );
        let (rewritten, link) = with_own_links(&body, "http://here:1").unwrap();
        let expected =
            String::from_utf8(body.to_vec()).unwrap().replace("https://api.example", "http://here:1");
        assert_eq!(rewritten, expected.as_bytes());
        assert_eq!(link.served, "http://here:1/v1/messages/batches/1/results");
        assert_eq!(with_own_links(&Bytes::from_static(b"{\"results_url\":null}"), "http://here"), None);
    }
}
