//! Webhooks over real sockets: what receivers get, what becomes of what they refuse, and where nothing may go.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use fiducia_custody::{
    AdminCommand, AdminReply, CreatedWebhook, DeliveryState, NewWebhook, Scope, WebhookCommand,
    WebhookDeliveryRow, WebhookReply, WebhookRoom, WebhookRow,
};
use fiducia_policy::{AttemptFailure, AttemptOutcome, DisabledBecause, WebhookId};
use fiducia_server::{WebhookSettings, WebhookThread, Webhooks};
use fiducia_wire::WebhookSecret;
use serde_json::Value;

use crate::app::{App, AppSettings};
use crate::upstream::{Act, Got, Upstream, answer, word};

/// What making a virtual key is in the feed.
const KEY_CREATED: &str = "platform_api_key_created";
/// Longer than the longest wait of the schedule with its jitter.
const DAY_AND_MORE: i64 = 2 * 86_400;

struct Stand {
    app: App,
    webhooks: Webhooks,
    runtime: tokio::runtime::Runtime,
    _upstream: Upstream,
}

fn settings() -> WebhookSettings {
    WebhookSettings {
        allow_networks: vec!["127.0.0.1/32".parse().unwrap()],
        timeout: Duration::from_secs(5),
        interval: Duration::from_millis(10),
        ..WebhookSettings::default()
    }
}

impl Stand {
    fn new() -> Self {
        Self::with(&settings())
    }

    fn with(settings: &WebhookSettings) -> Self {
        let upstream = Upstream::start(Vec::new());
        let app = AppSettings::new(upstream.address).start();
        // What made the app is no news for anyone who comes later.
        app.custody.settle_feed();
        let webhooks = Webhooks::new(settings, app.custody.clone()).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Self { app, webhooks, runtime, _upstream: upstream }
    }

    fn ask(&self, command: WebhookCommand) -> WebhookReply {
        match self.app.custody.administer(AdminCommand::Webhook(command)).unwrap() {
            AdminReply::Webhook(reply) => reply,
            other => panic!("{other:?}"),
        }
    }

    /// An endpoint that is told when keys are made.
    fn webhook(&self, url: &str) -> CreatedWebhook {
        let new = NewWebhook {
            organization: self.app.organization,
            url: url.to_owned(),
            types: vec![KEY_CREATED.to_owned()],
            description: "test".to_owned(),
            actor: "tester".to_owned(),
        };
        let WebhookReply::Created(created) = self.ask(WebhookCommand::Create(new)) else { panic!("reply") };
        *created
    }

    fn at(&self, receiver: SocketAddr) -> CreatedWebhook {
        self.webhook(&format!("http://{receiver}/in?x=1"))
    }

    /// Makes something happen, and waits until the feed has it.
    fn happen(&self) {
        self.app.create_key(&Scope::ALL);
        self.app.custody.settle_feed();
    }

    /// Sends what is due; gives how many attempts that took.
    fn settle(&mut self) -> u64 {
        self.runtime.block_on(self.webhooks.settle()).unwrap()
    }

    fn deliveries(&self, webhook: WebhookId) -> Vec<WebhookDeliveryRow> {
        let command = WebhookCommand::Deliveries { webhook, dead: false, after: None, limit: 100 };
        let WebhookReply::Deliveries(rows) = self.ask(command) else { panic!("reply") };
        rows
    }

    fn row(&self, webhook: WebhookId) -> WebhookRow {
        let WebhookReply::Webhook(row) = self.ask(WebhookCommand::Show { webhook }) else { panic!("reply") };
        *row
    }
}

fn saying(status: &str, headers: &[(&str, &str)]) -> Vec<Act> {
    vec![Act::Say(answer(status, headers, b"seen"))]
}

/// A receiver that answers with these statuses.
fn receiver(statuses: &[&str]) -> Upstream {
    Upstream::start(statuses.iter().map(|status| saying(status, &[])).collect())
}

/// Whether a delivery is signed with this secret.
fn is_signed(got: &Got, secret: &str) -> bool {
    let secret = WebhookSecret::parse(secret).unwrap();
    let timestamp = got.header("webhook-timestamp").unwrap().parse().unwrap();
    let expected = secret.sign(got.header("webhook-id").unwrap(), timestamp, &got.body);
    got.header("webhook-signature").unwrap().split(' ').any(|signature| signature == expected)
}

#[test]
fn an_activity_arrives_once_signed_and_whole() {
    let mut stand = Stand::new();
    let receiver = receiver(&["204 No Content", "200 OK"]);
    let created = stand.at(receiver.address);
    stand.happen();
    assert_eq!(stand.settle(), 1);
    assert_eq!(stand.settle(), 0, "what arrived is not sent again");
    let got = receiver.got();
    let [got] = got.as_slice() else { panic!("{got:?}") };
    assert!(got.head.starts_with("POST /in?x=1 HTTP/1.1\r\n"), "{}", got.head);
    assert_eq!(got.header("content-type"), Some("application/json"));
    assert!(is_signed(got, &created.secret));
    assert!(!is_signed(got, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"));
    let body: Value = serde_json::from_slice(&got.body).unwrap();
    assert_eq!(body["type"], KEY_CREATED);
    assert_eq!(body["data"]["type"], KEY_CREATED);
    assert_eq!(body["data"]["id"].as_str(), got.header("webhook-id"));
    assert_eq!(body["data"]["organization_id"], stand.app.organization.to_string());
    assert!(body["data"]["api_key_id"].is_string() && body["timestamp"].is_string());
    // As the feed shows it: the same object, field for field.
    let feed = stand.app.custody.activities_after(0, 1_000).unwrap();
    let shown = feed.iter().find(|activity| Some(activity.id.as_str()) == got.header("webhook-id")).unwrap();
    assert_eq!(body["data"], serde_json::from_str::<Value>(&shown.body).unwrap());
    let metrics = stand.app.custody.metrics();
    assert_eq!((metrics.webhooks_delivered, metrics.webhooks_failed, metrics.webhooks_waiting), (1, 0, 0));
    assert!(!stand.app.holds(&created.secret), "the secret lies somewhere readable");
}

#[test]
fn what_fails_is_tried_ten_times_then_is_a_dead_letter_and_can_be_sent_again() {
    let mut stand = Stand::new();
    let statuses = ["500 Internal Server Error"; 10].into_iter().chain(["200 OK"]).collect::<Vec<_>>();
    let receiver = receiver(&statuses);
    let webhook = stand.at(receiver.address).webhook.id;
    stand.happen();
    let mut attempts = stand.settle();
    // The schedule of the specification, at its longest with jitter; four days in all, so the endpoint stays enabled.
    for (seconds, expect) in
        [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400].into_iter().zip(1..)
    {
        assert_eq!(attempts, expect);
        stand.app.clock.advance(seconds - 1);
        assert_eq!(stand.settle(), 0, "attempt {} came early", expect + 1);
        stand.app.clock.advance(seconds / 5 + 1);
        attempts += stand.settle();
    }
    assert_eq!(attempts, 10);
    stand.app.clock.advance(DAY_AND_MORE);
    assert_eq!(stand.settle(), 0);
    let rows = stand.deliveries(webhook);
    let [dead] = rows.as_slice() else { panic!("{rows:?}") };
    assert_eq!((dead.state, dead.attempts, dead.status), (DeliveryState::Dead, 10, Some(500)));
    assert_eq!(stand.app.custody.metrics().webhooks_dead, 1);
    assert!(stand.row(webhook).failing_since.is_some());
    let again = WebhookCommand::Redeliver { webhook, message: None };
    assert_eq!(stand.ask(again), WebhookReply::Changed(1));
    assert_eq!(stand.settle(), 1);
    let got = receiver.got();
    let ids: Vec<_> = got.iter().map(|got| got.header("webhook-id").unwrap()).collect();
    assert_eq!((ids.len(), ids.iter().all(|id| *id == dead.message)), (11, true), "{ids:?}");
    let times: std::collections::BTreeSet<_> =
        got.iter().map(|got| got.header("webhook-timestamp").unwrap()).collect();
    assert_eq!(times.len(), 11, "each attempt has its own time");
    assert_eq!(stand.deliveries(webhook)[0].state, DeliveryState::Delivered);
    assert_eq!(stand.row(webhook).failing_since, None);
}

#[test]
fn gone_disables_and_enabling_goes_on_where_it_stopped() {
    let mut stand = Stand::new();
    let receiver = receiver(&["410 Gone", "200 OK", "200 OK"]);
    let webhook = stand.at(receiver.address).webhook.id;
    stand.happen();
    stand.settle();
    assert_eq!(stand.row(webhook).disabled_because, Some(DisabledBecause::Gone));
    stand.app.clock.advance(1);
    stand.happen();
    stand.happen();
    assert_eq!(stand.settle(), 0, "nothing is sent to an endpoint that is gone");
    stand.ask(WebhookCommand::Enable { webhook, skip: false, actor: "tester".to_owned() });
    assert_eq!(stand.settle(), 2, "what happened meanwhile is not lost");
    let states: Vec<_> = stand.deliveries(webhook).iter().map(|row| row.state).collect();
    assert_eq!(states, [DeliveryState::Delivered, DeliveryState::Delivered, DeliveryState::Dead]);
    stand.ask(WebhookCommand::Disable { webhook, actor: "tester".to_owned() });
    stand.happen();
    stand.ask(WebhookCommand::Enable { webhook, skip: true, actor: "tester".to_owned() });
    assert_eq!(stand.settle(), 0, "what is skipped is not sent");
    let dropped = stand.ask(WebhookCommand::Discard { webhook, message: None });
    assert_eq!(dropped, WebhookReply::Changed(1));
}

#[test]
fn five_days_of_nothing_but_failure_disable() {
    let mut stand = Stand::new();
    let receiver = receiver(&["500 Internal Server Error"; 40]);
    let webhook = stand.at(receiver.address).webhook.id;
    for _ in 0..6 {
        stand.happen();
        stand.settle();
        stand.app.clock.advance(86_400);
    }
    stand.settle();
    assert_eq!(stand.row(webhook).disabled_because, Some(DisabledBecause::Failing));
    // The log says so too, and with it the feed.
    stand.app.custody.settle_feed();
    let feed = stand.app.custody.activities_after(0, 1_000).unwrap();
    let mut said = feed.iter().filter(|activity| activity.kind == "fiducia_webhook_changed");
    let last: Value = serde_json::from_str(&said.next_back().unwrap().body).unwrap();
    assert_eq!((&last["what"], &last["reason"]), (&"disabled".into(), &"failing".into()), "{last}");
}

#[test]
fn an_answer_may_ask_for_more_time() {
    let mut stand = Stand::new();
    let busy = saying("429 Too Many Requests", &[("retry-after", "3600")]);
    let receiver = Upstream::start(vec![busy, saying("200 OK", &[])]);
    stand.at(receiver.address);
    stand.happen();
    assert_eq!(stand.settle(), 1);
    stand.app.clock.advance(3_599);
    assert_eq!(stand.settle(), 0);
    stand.app.clock.advance(1);
    assert_eq!(stand.settle(), 1);
}

#[test]
fn redirects_are_failures_and_lead_nowhere() {
    let mut stand = Stand::new();
    let inner = receiver(&["200 OK"]);
    let place = format!("http://{}/private", inner.address);
    let outer = Upstream::start(vec![saying("307 Temporary Redirect", &[("location", &place)])]);
    let webhook = stand.at(outer.address).webhook.id;
    stand.happen();
    assert_eq!(stand.settle(), 1);
    assert_eq!(inner.connections(), 0, "a redirect was followed");
    assert_eq!(stand.deliveries(webhook)[0].status, Some(307));
}

#[test]
fn nothing_is_sent_where_nothing_may_go() {
    let mut stand =
        Stand::with(&WebhookSettings { timeout: Duration::from_secs(5), ..WebhookSettings::default() });
    let inner = receiver(&["200 OK"]);
    let port = inner.address.port();
    let urls = [
        format!("http://127.0.0.1:{port}/"),
        format!("http://localhost:{port}/"),
        format!("https://127.0.0.1:{port}/"),
        format!("https://localhost:{port}/"),
        format!("https://[::ffff:127.0.0.1]:{port}/"),
        format!("https://2130706433:{port}/"),
        format!("https://0x7f.1:{port}/"),
        format!("https://127.1:{port}/"),
        "https://169.254.169.254/latest/meta-data/".to_owned(),
        "https://10.0.0.1/".to_owned(),
    ];
    let all: Vec<_> = urls.iter().map(|url| stand.webhook(url).webhook.id).collect();
    stand.happen();
    assert_eq!(stand.settle(), 10);
    for (id, url) in all.into_iter().zip(&urls) {
        let rows = stand.deliveries(id);
        let failure = rows[0].failure.clone().unwrap();
        // Odd spellings of addresses are either refused or stand for nothing, as the system's resolver has it.
        let odd = url.contains("0x7f") || url.contains("2130706433") || url.contains("127.1:");
        let expected = failure == AttemptFailure::AddressRefused.name()
            || (odd && failure == AttemptFailure::Unreachable.name());
        assert!(expected, "{url}: {failure}");
    }
    assert_eq!(inner.connections(), 0, "a connection was made");
}

#[test]
fn a_slow_endpoint_holds_nobody_up() {
    let stand = Stand::new();
    let (say, awaited) = word();
    let slow = Upstream::start(vec![vec![Act::Await(awaited), Act::Say(answer("200 OK", &[], b""))]]);
    let fast = receiver(&["200 OK"; 20]);
    let slow_id = stand.at(slow.address).webhook.id;
    stand.at(fast.address);
    let Stand { app, webhooks, .. } = &stand;
    let _ = webhooks;
    let thread = WebhookThread::start(Webhooks::new(&settings(), app.custody.clone()).unwrap()).unwrap();
    for _ in 0..20 {
        stand.happen();
    }
    let deadline = Instant::now() + Duration::from_mins(1);
    while fast.got().len() < 20 {
        assert!(Instant::now() < deadline, "only {} of 20 came", fast.got().len());
        std::thread::yield_now();
    }
    assert!(slow.got().len() <= 4, "at most four at a time go to one endpoint");
    assert!(stand.deliveries(slow_id).iter().all(|row| row.state == DeliveryState::Waiting));
    say.send(()).unwrap();
    drop(thread);
}

#[test]
fn what_was_sent_and_not_noted_is_sent_again_under_the_same_id() {
    let mut stand = Stand::new();
    let receiver = receiver(&["200 OK"]);
    let webhook = stand.at(receiver.address).webhook.id;
    stand.happen();
    stand.app.custody.take_for_webhooks().unwrap();
    let room = WebhookRoom { under_way: HashMap::new(), each_max: 4, more_max: 4 };
    let begun = stand.app.custody.begin_webhook_attempts(room.clone()).unwrap();
    assert_eq!(begun.len(), 1);
    // Whoever sent it ends here, before it says what came of it.
    assert_eq!(stand.app.custody.begin_webhook_attempts(room).unwrap().len(), 0, "it is under way");
    assert_eq!(stand.settle(), 0);
    stand.app.clock.advance(61);
    assert_eq!(stand.settle(), 1);
    assert_eq!(receiver.got()[0].header("webhook-id"), Some(begun[0].message.as_str()));
    let rows = stand.deliveries(webhook);
    assert_eq!((rows.len(), rows[0].attempts, rows[0].state), (1, 2, DeliveryState::Delivered));
    // A late word about the first changes nothing that stands.
    let late = AttemptOutcome::Answered { status: 200, retry_after_seconds: None };
    stand.app.custody.end_webhook_attempt(webhook, begun[0].message.clone(), late).unwrap();
    assert_eq!(stand.deliveries(webhook)[0].state, DeliveryState::Delivered);
}

#[test]
fn two_secrets_sign_until_the_overlap_is_over() {
    let mut stand = Stand::new();
    let receiver = receiver(&["200 OK"; 3]);
    let first = stand.at(receiver.address);
    let webhook = first.webhook.id;
    let rotate = WebhookCommand::Rotate { webhook, overlap_hours: 24, actor: "tester".to_owned() };
    let WebhookReply::Created(second) = stand.ask(rotate) else { panic!("reply") };
    assert_ne!(first.secret, second.secret);
    stand.happen();
    stand.settle();
    stand.app.clock.advance(86_400);
    stand.happen();
    stand.settle();
    let got = receiver.got();
    assert!(is_signed(&got[0], &first.secret) && is_signed(&got[0], &second.secret));
    assert!(!is_signed(&got[1], &first.secret) && is_signed(&got[1], &second.secret));
    assert_eq!(stand.row(webhook).former_secret_until, None, "the former secret is forgotten");
    let rotate = WebhookCommand::Rotate { webhook, overlap_hours: 0, actor: "tester".to_owned() };
    let WebhookReply::Created(third) = stand.ask(rotate) else { panic!("reply") };
    stand.happen();
    stand.settle();
    let got = receiver.got();
    assert!(!is_signed(&got[2], &second.secret) && is_signed(&got[2], &third.secret));
}

#[test]
fn a_test_is_sent_and_a_deleted_endpoint_gets_nothing() {
    let mut stand = Stand::new();
    let receiver = receiver(&["200 OK"; 2]);
    let webhook = stand.at(receiver.address).webhook.id;
    let WebhookReply::Queued(message) = stand.ask(WebhookCommand::Test { webhook }) else { panic!("reply") };
    assert_eq!(stand.settle(), 1);
    let got = receiver.got();
    let body: Value = serde_json::from_slice(&got[0].body).unwrap();
    assert_eq!(got[0].header("webhook-id"), Some(message.as_str()));
    assert_eq!((&body["type"], &body["data"]["id"]), (&"fiducia_webhook_test".into(), &message.into()));
    stand.happen();
    stand.ask(WebhookCommand::Delete { webhook, actor: "tester".to_owned() });
    assert_eq!(stand.settle(), 0);
    let gone = stand.app.custody.administer(AdminCommand::Webhook(WebhookCommand::Show { webhook }));
    assert!(gone.is_err());
}
