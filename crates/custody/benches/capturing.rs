//! What capturing costs through custody's own interface, on real files: outlining, matching the history to what is
//! kept, sealing, the group commit. Sixteen exchanges are under way at a time.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a benchmark that cannot be set up must stop")]

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use fiducia_custody::{
    AdminCommand, AdminReply, AnswerOutcome, CaptureLimits, CapturedAnswer, Custody, CustodySettings,
    ExchangeOpening, Scope,
};
use fiducia_keyring::KeyfileKms;
use fiducia_policy::{Agreement, Clock, Plan, Randomness, RandomnessUnavailable, Timestamp};
use fiducia_wire::{Role, Wire, fingerprint::text_fingerprint, outline};

const UNDER_WAY: usize = 16;
const ANSWER: &str = "The tide turns at nine.";

struct Ticking(AtomicI64);

impl Clock for Ticking {
    fn now(&self) -> Timestamp {
        Timestamp::from_microsecond(self.0.fetch_add(1, Ordering::Relaxed)).unwrap()
    }
}

/// SplitMix64: fast, and never twice the same.
struct Counted(AtomicU64);

impl Randomness for Counted {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), RandomnessUnavailable> {
        for chunk in bytes.chunks_mut(8) {
            let mut mixed = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
            mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            for (byte, value) in chunk.iter_mut().zip((mixed ^ (mixed >> 31)).to_le_bytes()) {
                *byte = value;
            }
        }
        Ok(())
    }
}

struct World {
    custody: Custody,
    clock: Arc<Ticking>,
    secret: String,
    asked: AtomicU64,
    _folder: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(Ticking(AtomicI64::new(1_768_046_400_000_000)));
        let randomness = Arc::new(Counted(AtomicU64::new(42)));
        let keyfile = folder.path().join("root.key");
        KeyfileKms::create(&keyfile, &*randomness).unwrap();
        let settings = CustodySettings {
            data_directory: folder.path().join("data"),
            keyfile: Some(keyfile),
            key_services: fiducia_custody::KeyServices::default(),
            ledger_origin: "ledger.test".to_owned(),
            limits: CaptureLimits::default(),
            certificates: fiducia_custody::CertificateSettings::default(),
            witnesses: None,
            access: fiducia_custody::AccessSettings::default(),
        };
        let custody = Custody::open(&settings, Arc::clone(&clock) as Arc<dyn Clock>, randomness).unwrap();
        let created = custody.administer(AdminCommand::CreateOrganization {
            name: "bench".to_owned(),
            plan: Plan::Enterprise,
            tier: None,
            agreement: Agreement::Standard,
            custom_retention: None,
        });
        let AdminReply::Organization(organization) = created.unwrap() else { panic!("another reply") };
        let created = custody.administer(AdminCommand::CreateVirtualKey {
            organization: organization.id,
            workspace: None,
            subject: "person".to_owned(),
            scopes: vec![Scope::Inference],
            class: None,
            expires_at: None,
        });
        let AdminReply::VirtualKey(key) = created.unwrap() else { panic!("another reply") };
        Self { custody, clock, secret: key.secret, asked: AtomicU64::new(0), _folder: folder }
    }

    /// A body that ends in a question never asked before, after `history` messages that always are the same.
    fn body(&self, history: usize) -> Bytes {
        let number = self.asked.fetch_add(1, Ordering::Relaxed);
        let question = format!("Question {number}. {}", "What does the harbour look like? ".repeat(12));
        messages(known(history).chain([message(0, &question)]))
    }

    async fn exchange(&self, body: Bytes) {
        let opening = ExchangeOpening {
            caller: self.custody.authenticate(&self.secret).unwrap(),
            wire: Wire::AnthropicMessages,
            received_at: self.clock.now(),
            outline: outline(Wire::AnthropicMessages, &body).unwrap(),
            body,
            covered: false,
            notices: Vec::new(),
        };
        let open = self.custody.begin(opening).unwrap();
        let answer = CapturedAnswer {
            status: 200,
            completed_at: self.clock.now(),
            outcome: AnswerOutcome::Complete,
            body: Bytes::from(format!(r#"{{"content":[{{"type":"text","text":"{ANSWER}"}}]}}"#)),
            assembled: false,
            answer_id: None,
            served_model: None,
            assistant_fingerprints: vec![text_fingerprint(&Role::Assistant, ANSWER)],
            notices: Vec::new(),
        };
        open.answered(answer).await.unwrap();
    }
}

fn messages(messages: impl Iterator<Item = String>) -> Bytes {
    let messages: Vec<String> = messages.collect();
    Bytes::from(format!(r#"{{"model":"scripted","max_tokens":64,"messages":[{}]}}"#, messages.join(",")))
}

fn known(count: usize) -> impl Iterator<Item = String> {
    (0..count).map(|place| message(place, &format!("Message {place}. {ANSWER}")))
}

fn message(place: usize, text: &str) -> String {
    let role = if place.is_multiple_of(2) { "user" } else { "assistant" };
    format!(r#"{{"role":"{role}","content":"{text}"}}"#)
}

fn capturing(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let world = Arc::new(World::new());
    let mut group = criterion.benchmark_group("exchanges, durable");
    group.sample_size(20).throughput(Throughput::Elements(u64::try_from(UNDER_WAY).unwrap()));
    for (name, history) in [
        ("conversations of their own", 0),
        ("after 10 known messages", 10),
        ("after 100 known messages", 100),
    ] {
        if history > 0 {
            runtime.block_on(world.exchange(messages(known(history))));
        }
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                runtime.block_on(async {
                    let mut under_way = tokio::task::JoinSet::new();
                    for _ in 0..UNDER_WAY {
                        let world = Arc::clone(&world);
                        under_way.spawn(async move { world.exchange(world.body(history)).await });
                    }
                    under_way.join_all().await
                });
            });
        });
    }
    group.finish();
    world.custody.close();
}

criterion_group!(benches, capturing);
criterion_main!(benches);
