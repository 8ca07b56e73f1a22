//! What a decision costs.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use fiducia_policy::{BUILT_IN_NAMES, Facts, Policy, RetentionSpan, Situation, Timestamp};

/// The record about which most is to be decided: everything has happened to it.
fn eventful() -> Facts {
    let day = |days: u32| Some(RetentionSpan::days(days).after(Timestamp::UNIX_EPOCH));
    Facts {
        last_active_at: day(20_010),
        deleted_at: day(20_020),
        closed_at: day(20_030),
        flagged_at: day(20_011),
        feedback_at: day(20_012),
        case_opened_at: day(20_013),
        case_closed_at: day(20_014),
        erasure_requested_at: day(20_040),
        released_at: day(20_050),
        custom: Some(RetentionSpan::months(14)),
        ..Facts::captured_at(RetentionSpan::days(20_000).after(Timestamp::UNIX_EPOCH))
    }
}

fn decide(criterion: &mut Criterion) {
    let facts = eventful();
    let fresh = Facts::captured_at(facts.created_at);
    for name in BUILT_IN_NAMES {
        let Some(policy) = Policy::built_in(name) else { continue };
        let situations: Vec<Situation> =
            Situation::all().filter(|situation| policy.is_reachable(*situation)).collect();
        for (what, facts) in [("captured", &fresh), ("eventful", &facts)] {
            let mut next = situations.iter().cycle();
            criterion.bench_function(&format!("schedule/{name}/{what}"), |bencher| {
                bencher.iter(|| {
                    next.next().map(|situation| policy.schedule(black_box(*situation), black_box(facts)))
                });
            });
        }
    }
}

fn compile(criterion: &mut Criterion) {
    for name in BUILT_IN_NAMES {
        let Some(text) = Policy::built_in_text(name) else { continue };
        criterion.bench_function(&format!("parse/{name}"), |bencher| {
            bencher.iter(|| Policy::parse(black_box(text)).is_ok());
        });
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(30);
    targets = decide, compile
}
criterion_main!(benches);
