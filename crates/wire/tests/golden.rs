//! Golden answers of both providers: what is read in each, however it is cut into chunks.
//!
//! `<case>.<wire>.json` and `.sse` are invented answers; `.snap` beside each holds what must be read in it. After a
//! wanted change, run with `GOLDEN_WRITE=1` and review the difference.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failed test says which line broke")]

use std::fmt::Write as _;
use std::path::PathBuf;

use fiducia_wire::{AnswerOutline, AnswerReader, Push, Wire, read_answer};
use proptest::prelude::*;
use proptest::sample::Index;

struct Case {
    path: PathBuf,
    wire: Wire,
    streaming: bool,
    bytes: Vec<u8>,
}

fn cases() -> Vec<Case> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden");
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let answers = paths.into_iter().filter(|path| path.extension().is_some_and(|ending| ending != "snap"));
    answers
        .map(|path| {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            let mut pieces = name.split('.').skip(1);
            let wire = match pieces.next().unwrap() {
                "anthropic" => Wire::AnthropicMessages,
                other => other.parse().unwrap(),
            };
            let streaming = pieces.next() == Some("sse");
            let bytes = std::fs::read(&path).unwrap();
            Case { path, wire, streaming, bytes }
        })
        .collect()
}

fn read(case: &Case, cuts: &[usize]) -> (Push, AnswerOutline) {
    let mut reader = AnswerReader::new(case.wire, case.streaming);
    let mut bounds: Vec<usize> = cuts.to_vec();
    bounds.extend([0, case.bytes.len()]);
    bounds.sort_unstable();
    let mut last = Push { release_until: 0, terminal_seen: false };
    for pair in bounds.windows(2) {
        let push = reader.push(&case.bytes[pair[0]..pair[1]]).unwrap();
        assert!(push.release_until >= last.release_until, "released bytes cannot be taken back");
        assert!(push.release_until <= pair[1] as u64, "only what has come can be released");
        assert!(push.terminal_seen || !last.terminal_seen);
        last = push;
    }
    (last, reader.finish())
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

fn render(case: &Case, push: Push, outline: &AnswerOutline) -> String {
    let mut text = String::new();
    let held = &case.bytes[usize::try_from(push.release_until).unwrap()..];
    writeln!(text, "terminal {:?}, seen {}", outline.terminal, push.terminal_seen).unwrap();
    writeln!(text, "id {:?}, model {:?}, stop {:?}", outline.id, outline.model, outline.stop).unwrap();
    writeln!(text, "tokens {:?} in, {:?} out", outline.usage.input_tokens, outline.usage.output_tokens)
        .unwrap();
    for fingerprint in &outline.fingerprints {
        writeln!(text, "fingerprint {}", hexadecimal(fingerprint)).unwrap();
    }
    if case.streaming {
        writeln!(text, "held {:?}", String::from_utf8_lossy(held)).unwrap();
        let message = outline.message.as_deref().map(String::from_utf8_lossy);
        writeln!(text, "message {}", message.as_deref().unwrap_or("none")).unwrap();
    }
    text
}

#[test]
fn answers_read_as_written_down() {
    for case in cases() {
        let (push, outline) = read(&case, &[]);
        let rendered = render(&case, push, &outline);
        let snapshot = case.path.with_added_extension("snap");
        if std::env::var_os("GOLDEN_WRITE").is_some() {
            std::fs::write(&snapshot, &rendered).unwrap();
        }
        let expected = std::fs::read_to_string(&snapshot).unwrap_or_default();
        assert_eq!(rendered, expected, "{}", case.path.display());
    }
}

#[test]
fn a_whole_answer_reads_the_same_with_and_without_a_copy() {
    for case in cases().iter().filter(|case| !case.streaming) {
        assert_eq!(read(case, &[1]).1, read_answer(case.wire, &case.bytes), "{}", case.path.display());
    }
}

#[test]
fn an_assembled_stream_reads_as_the_same_answer() {
    for case in cases().iter().filter(|case| case.streaming) {
        let (_, streamed) = read(case, &[]);
        if let Some(message) = &streamed.message {
            let whole = read_answer(case.wire, message);
            assert_eq!(whole, AnswerOutline { message: None, ..streamed.clone() }, "{}", case.path.display());
        }
    }
}

#[test]
fn a_stream_cut_anywhere_before_its_last_event_is_never_clean() {
    for case in cases().iter().filter(|case| case.streaming) {
        let (push, whole) = read(case, &[]);
        if !push.terminal_seen {
            continue;
        }
        for length in 0..usize::try_from(push.release_until).unwrap() {
            let part = Case { bytes: case.bytes[..length].to_vec(), path: case.path.clone(), ..*case };
            let (part_push, outline) = read(&part, &[]);
            assert!(!part_push.terminal_seen);
            assert_eq!(outline.terminal, fiducia_wire::Terminal::Truncated);
            assert_eq!(outline.message, None);
        }
        assert_ne!(whole.terminal, fiducia_wire::Terminal::Truncated);
    }
}

#[test]
fn every_single_byte_chunk_gives_the_same() {
    for case in &cases() {
        let cuts: Vec<usize> = (1..case.bytes.len()).collect();
        assert_eq!(read(case, &cuts), read(case, &[]), "{}", case.path.display());
    }
}

proptest! {
    #[test]
    fn any_chunking_gives_the_same(cuts in proptest::collection::vec(any::<Index>(), 0..12)) {
        for case in cases() {
            let cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(case.bytes.len())).collect();
            prop_assert_eq!(read(&case, &cuts), read(&case, &[]));
        }
    }

    #[test]
    fn damaged_answers_never_panic_and_never_release_what_has_not_come(
        at in any::<Index>(),
        byte in any::<u8>(),
    ) {
        for mut case in cases() {
            let at = at.index(case.bytes.len());
            case.bytes[at] = byte;
            let (push, _) = read(&case, &[at]);
            prop_assert!(push.release_until <= case.bytes.len() as u64);
            for wire in Wire::ALL {
                let _ = fiducia_wire::outline(wire, &case.bytes);
                let _ = fiducia_wire::texts(wire, &case.bytes);
            }
            let _ = fiducia_wire::batch_requests(&case.bytes);
            let _ = fiducia_wire::results_urls(&case.bytes);
            let _ = fiducia_wire::conversation_line(&case.bytes);
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        for wire in Wire::ALL {
            for streaming in [false, true] {
                let mut reader = AnswerReader::new(wire, streaming);
                let _ = reader.push(&bytes);
                let _ = reader.finish();
            }
            let _ = fiducia_wire::outline(wire, &bytes);
        }
    }
}
