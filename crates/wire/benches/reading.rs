//! What reading costs on the request path: outlines of small and large bodies, and a stream by the event.

#![expect(clippy::unwrap_used, clippy::string_slice, reason = "a benchmark that cannot be set up must stop")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use fiducia_wire::{AnswerReader, Wire, outline};

/// A request of about `bytes` bytes in eight messages.
fn body(bytes: usize) -> String {
    let text = "The harbour opens at six, and \\\"the tide\\\" turns at nine.\\n".repeat(bytes / 8 / 57 + 1);
    let text = &text[..text.rfind(' ').unwrap()];
    let turn = format!(r#"{{"role":"user","content":"{text}"}},{{"role":"assistant","content":"{text}"}},"#);
    let turns = turn.repeat(4);
    format!(r#"{{"model":"claude-x","max_tokens":64,"messages":[{}]}}"#, turns.trim_end_matches(','))
}

fn outlines(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("outline");
    for (name, size_bytes) in [("1 KB", 1_000), ("100 KB", 100_000)] {
        let body = body(size_bytes);
        group.throughput(Throughput::Bytes(body.len() as u64));
        group.bench_function(name, |bencher| {
            bencher.iter(|| outline(Wire::AnthropicMessages, black_box(body.as_bytes())));
        });
    }
    group.finish();
}

fn streams(criterion: &mut Criterion) {
    const DELTAS: u64 = 200;
    let messages = {
        let start = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"role\":\"assistant\",\"content\":[]}}\n\n\
                     event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n";
        let delta = "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\" harbour\"}}\n\n";
        let end = "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";
        (start, delta, end)
    };
    let chat = {
        let delta = "data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\" harbour\"},\"logprobs\":null,\"finish_reason\":null}],\"usage\":null}\n\n";
        ("", delta, "data: [DONE]\n\n")
    };
    let mut group = criterion.benchmark_group("stream, per delta");
    group.throughput(Throughput::Elements(DELTAS));
    for (wire, (start, delta, end)) in [(Wire::AnthropicMessages, messages), (Wire::OpenAiChat, chat)] {
        group.bench_function(wire.name(), |bencher| {
            bencher.iter(|| {
                let mut reader = AnswerReader::new(wire, true);
                let _ = black_box(reader.push(start.as_bytes()));
                for _ in 0..DELTAS {
                    let _ = black_box(reader.push(black_box(delta.as_bytes())));
                }
                let _ = black_box(reader.push(end.as_bytes()));
                reader.finish()
            });
        });
    }
    group.finish();
}

criterion_group!(benches, outlines, streams);
criterion_main!(benches);
