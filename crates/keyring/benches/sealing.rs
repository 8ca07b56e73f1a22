//! What protecting a record costs: making its key, wrapping it for one ground, sealing the content; and recognising
//! a history by its keyed digest.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot be set up must stop")]

use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use fiducia_keyring::{FreshDataKey, MatchingKey, RecordBinding, SymmetricKey};
use fiducia_policy::{KeyId, OrganizationId, Pseudonym, Randomness, RandomnessUnavailable, RecordId};

/// Fast and predictable: the system's generator is not what is measured.
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

fn binding(record: RecordId) -> RecordBinding {
    RecordBinding {
        organization: OrganizationId::from_bytes([1; 16]),
        pseudonym: Pseudonym::from_bytes([2; 16]),
        record,
        schema_version: 1,
        key_version: RecordBinding::KEY_VERSION,
    }
}

fn records(criterion: &mut Criterion) {
    let randomness = Counted(AtomicU64::new(1));
    let record = RecordId::from_bytes([3; 16]);
    let (parent_id, parent) = (KeyId::from_bytes([4; 16]), SymmetricKey::generate(&randomness).unwrap());
    let mut group = criterion.benchmark_group("record");
    for (name, size_bytes) in [("1 KB", 1_000_usize), ("100 KB", 100_000)] {
        group.throughput(Throughput::Bytes(u64::try_from(size_bytes).unwrap()));
        group.bench_function(format!("seal {name}"), |bencher| {
            bencher.iter_batched(
                || {
                    let mut plaintext = Vec::with_capacity(size_bytes + 16);
                    plaintext.resize(size_bytes, b'x');
                    (FreshDataKey::generate(&randomness).unwrap(), plaintext)
                },
                |(key, plaintext)| key.seal(&binding(record), plaintext),
                BatchSize::SmallInput,
            );
        });
    }
    group.throughput(Throughput::Elements(1));
    group.bench_function("make and wrap its key", |bencher| {
        bencher.iter(|| {
            let key = FreshDataKey::generate(&randomness).unwrap();
            key.wrap_under(parent_id, black_box(&parent), record, &randomness)
        });
    });
    group.finish();
}

fn graph(criterion: &mut Criterion) {
    let randomness = Counted(AtomicU64::new(1));
    let (parent, child) = (KeyId::from_bytes([4; 16]), KeyId::from_bytes([5; 16]));
    let parent_key = SymmetricKey::generate(&randomness).unwrap();
    let child_key = SymmetricKey::generate(&randomness).unwrap();
    let wrap = parent_key.wrap_key(parent, child, &child_key, &randomness).unwrap();
    let mut group = criterion.benchmark_group("key graph");
    group.bench_function("wrap a key", |bencher| {
        bencher.iter(|| parent_key.wrap_key(parent, child, black_box(&child_key), &randomness));
    });
    group.bench_function("unwrap a key", |bencher| {
        bencher.iter(|| parent_key.unwrap_key(parent, child, black_box(&wrap)));
    });
    let matching = MatchingKey::new(&parent_key);
    group.bench_function("digest of a prefix", |bencher| {
        bencher.iter(|| matching.digest(&[b"prefix", black_box(&[7; 32])]));
    });
    group.finish();
}

criterion_group!(benches, records, graph);
criterion_main!(benches);
