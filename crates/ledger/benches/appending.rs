//! What the log costs: hashing leaves, the root of a capture batch, and durable appends with publication.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot be set up must stop")]

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use fiducia_ledger::{
    Digest, EcdsaKey, Event, EventId, Leaf, Ledger, LogReader, LogSigner, SigningKey, capture_batch_root,
    leaf_hash,
};
use fiducia_policy::{Clock, ExchangeId, OrganizationId, Randomness, RandomnessUnavailable, Timestamp};
use zeroize::Zeroizing;

/// A clock that moves by a microsecond at every look.
struct Ticking(AtomicI64);

impl Clock for Ticking {
    fn now(&self) -> Timestamp {
        Timestamp::from_microsecond(self.0.fetch_add(1, Ordering::Relaxed)).unwrap()
    }
}

struct Counted(AtomicU64);

impl Randomness for Counted {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), RandomnessUnavailable> {
        for chunk in bytes.chunks_mut(8) {
            let next = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed).to_le_bytes();
            for (byte, value) in chunk.iter_mut().zip(next) {
                *byte = value;
            }
        }
        Ok(())
    }
}

fn leaf(clock: &Ticking, randomness: &Counted) -> Leaf {
    let at = clock.now();
    let batch = ExchangeId::generate(at, randomness).unwrap();
    let event = Event::CaptureBatch { batch: batch.uuid(), root: Digest([7; 32]), count: 32 };
    Leaf { id: EventId::generate(at, randomness).unwrap(), at, event }
}

fn hashing(criterion: &mut Criterion) {
    let (clock, randomness) = (Ticking(AtomicI64::new(1_768_046_400_000_000)), Counted(AtomicU64::new(1)));
    let organization = OrganizationId::from_bytes([1; 16]);
    let leaf = leaf(&clock, &randomness);
    let entry = leaf.to_entry(organization).unwrap();
    let hashes = vec![[9_u8; 32]; 32];
    let mut group = criterion.benchmark_group("leaf");
    group.bench_function("encode", |bencher| bencher.iter(|| black_box(&leaf).to_entry(organization)));
    group.bench_function("hash", |bencher| bencher.iter(|| leaf_hash(black_box(&entry))));
    group.bench_function("root of a batch of 32 records", |bencher| {
        bencher.iter(|| capture_batch_root(black_box(&hashes)));
    });
    group.finish();
}

fn appending(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(Ticking(AtomicI64::new(1_768_046_400_000_000)));
    let randomness = Counted(AtomicU64::new(1));
    let signer = SigningKey::from_seed("ledger.test", Zeroizing::new([5; 32])).unwrap();
    let shared: Arc<dyn Clock> = Arc::clone(&clock) as Arc<dyn Clock>;
    let mut ledger = Ledger::open(&folder.path().join("ledger"), "ledger.test", signer, shared).unwrap();
    let organization = OrganizationId::from_bytes([1; 16]);
    let mut group = criterion.benchmark_group("append, durable");
    group.sample_size(20);
    for count in [1_u64, 256] {
        group.throughput(Throughput::Elements(count));
        group.bench_function(format!("{count} leaves, then publish"), |bencher| {
            bencher.iter(|| {
                let leaves: Vec<_> = (0..count).map(|_| (organization, leaf(&clock, &randomness))).collect();
                ledger.append(&leaves).unwrap();
                ledger.publish().unwrap();
            });
        });
    }
    group.finish();
}

/// What a verifier's question costs: a log of 100,000 entries opened anew, both signatures checked, then a proof from files.
fn proving(criterion: &mut Criterion) {
    const ENTRIES: u64 = 100_000;
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(Ticking(AtomicI64::new(1_768_046_400_000_000)));
    let randomness = Counted(AtomicU64::new(1));
    let ed25519 = SigningKey::from_seed("ledger.test", Zeroizing::new([5; 32])).unwrap();
    let signer = LogSigner::new(ed25519, EcdsaKey::from_scalar(Zeroizing::new([5; 32])).unwrap());
    let shared: Arc<dyn Clock> = Arc::clone(&clock) as Arc<dyn Clock>;
    let mut ledger = Ledger::open(&folder.path().join("ledger"), "ledger.test", signer, shared).unwrap();
    let organization = OrganizationId::from_bytes([1; 16]);
    for _ in 0..ENTRIES.div_ceil(4_000) {
        let leaves: Vec<_> = (0..4_000).map(|_| (organization, leaf(&clock, &randomness))).collect();
        ledger.append(&leaves).unwrap();
        ledger.publish().unwrap();
    }
    let (directory, keys) = (ledger.log_directory(organization), ledger.verifiers(organization).unwrap());
    let mut group = criterion.benchmark_group("prove, 100,000 entries");
    group.bench_function("inclusion", |bencher| {
        bencher
            .iter(|| LogReader::open(&directory, &keys).unwrap().inclusion_proof(black_box(41_234)).unwrap());
    });
    group.bench_function("consistency", |bencher| {
        bencher.iter(|| {
            LogReader::open(&directory, &keys).unwrap().consistency_proof(black_box(70_000)).unwrap()
        });
    });
    group.finish();
}

criterion_group!(benches, hashing, appending, proving);
criterion_main!(benches);
