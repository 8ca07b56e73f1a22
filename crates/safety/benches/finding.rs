//! What finding and masking cost: for a prompt of 1 KiB, for long text, and for one piece of a stream.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use fiducia_safety::anomaly::{AnomalyLimits, AnswerWatch};
use fiducia_safety::leakage::{InstructionWatch, Instructions};
use fiducia_safety::masking::{MaskTable, Restorer, Sensitive, Surroundings};
use fiducia_safety::personal_data::PersonalDataDetector;
use fiducia_safety::secrets::SecretDetector;

/// Prose with a few things to be found in it.
const TEXT: &str = "The meeting on Tuesday went well, and most of what was planned is done. Ottilie Brandvold asked whether the boats could \
    come earlier, because the tide turns at noon; her number is +49 30 901820, and her address is Hauptstraße 12, 10115 Berlin. Nobody \
    knows yet what the new pump costs. Please write to harbour@mail.example.org when it is there, and put the invoice beside the others in \
    the drawer under the window. The second part of the report is about salt, which is sold by weight and kept in barrels. ";

fn whole(criterion: &mut Criterion) {
    for (name, bytes) in [("1 KiB", 1_024), ("1 MiB", 1 << 20)] {
        let text = TEXT.repeat(bytes / TEXT.len() + 1);
        let mut group = criterion.benchmark_group(name);
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_function("personal data", |bench| {
            bench.iter(|| PersonalDataDetector.items(black_box(&text)));
        });
        group.bench_function("secrets", |bench| {
            bench.iter(|| SecretDetector::shipped().items(black_box(&text)));
        });
        let items = PersonalDataDetector.items(&text);
        let found: Vec<Sensitive> = items.into_iter().map(Sensitive::from).collect();
        group.bench_function("masking", |bench| {
            bench.iter(|| MaskTable::new().mask(black_box(&text), &found));
        });
        group.finish();
    }
}

fn streamed(criterion: &mut Criterion) {
    let pieces: Vec<&str> = TEXT.split_inclusive(' ').collect();
    let instructions = Instructions::new(TEXT);
    let mut leakage = InstructionWatch::new(&instructions);
    let mut anomaly = AnswerWatch::new(AnomalyLimits::default());
    let table = MaskTable::new();
    let mut restorer = Restorer::new(Surroundings::Text);
    let mut next = (0..pieces.len()).cycle();
    let mut piece = || pieces.get(next.next().unwrap_or_default()).copied().unwrap_or_default();
    let mut group = criterion.benchmark_group("one piece of a stream");
    group.bench_function("instructions", |bench| {
        bench.iter(|| leakage.push(&instructions, black_box(piece())));
    });
    group.bench_function("anomalies", |bench| bench.iter(|| anomaly.push(black_box(piece()))));
    group.bench_function("restoring", |bench| bench.iter(|| restorer.push(&table, black_box(piece()))));
    group.finish();
}

criterion_group!(benches, whole, streamed);
criterion_main!(benches);
