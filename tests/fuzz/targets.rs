//! The parsers, each with what must hold besides not panicking.

use std::str::FromStr;

use fiducia_custody::{verify_certificate, verify_receipt};
use fiducia_ledger::{
    AccessTransparencyEvent, AddCheckpoint, Checkpoint, CosignerKey, LogReader, LoggedLeaf, NotServed,
    ProofFile, TileAddress, VerifierKey, WitnessKey, verify_log, verify_note, waiting_entries,
    with_cosignature,
};
use fiducia_policy::{
    AccessPolicy, ConversationId, FeatureSet, HoldScope, Notice, OrganizationId, Policy, RecordId,
    RetentionSpan, RoleSet, VirtualKeyId,
};
use fiducia_wire::compliance::ComplianceQuery;
use fiducia_wire::{
    Announced, AnswerFrame, AnswerReader, Delivered, ModelWatch, OwnRefusal, Refused, Replacement,
    RequestTexts, Reroute, RerouteStream, Usage, Wire, answering_models, batch_requests, beta_features,
    conversation_line, features, outline, own_mark, read_answer, rerouted_body, results_urls, texts,
};

use super::seeds::{self, files, leaf, log, signer, witness};

/// A parser.
pub(super) struct Target {
    /// Its name, and its corpus's folder.
    pub(super) name: &'static str,
    /// How many damaged inputs it gets in an ordinary run.
    pub(super) inputs: u64,
    /// Valid inputs.
    pub(super) seeds: fn() -> Vec<Vec<u8>>,
    /// Runs it.
    pub(super) run: fn(&[u8]),
}

const MANY: u64 = 3_000;
const SOME: u64 = 600;
const FEW: u64 = 150;

const WIRES: [Wire; 4] =
    [Wire::AnthropicMessages, Wire::OpenAiChat, Wire::OpenAiResponses, Wire::OpenAiEmbeddings];

pub(super) const TARGETS: &[Target] = &[
    Target { name: "note", inputs: MANY, seeds: notes, run: note },
    Target { name: "checkpoint", inputs: MANY, seeds: bodies, run: checkpoint },
    Target { name: "cosignature", inputs: MANY, seeds: notes, run: cosignature },
    Target { name: "proof", inputs: MANY, seeds: || vec![log().proof.clone().into()], run: proof },
    Target { name: "leaf", inputs: MANY, seeds: leaves, run: logged_leaf },
    Target { name: "tile-path", inputs: MANY, seeds: tile_paths, run: tile_path },
    Target { name: "entry-bundle", inputs: FEW, seeds: bundles, run: entry_bundle },
    Target {
        name: "pending-segment",
        inputs: FEW,
        seeds: || vec![log().segment.clone()],
        run: pending_segment,
    },
    Target {
        name: "witness-request",
        inputs: MANY,
        seeds: || vec![log().request.clone().into()],
        run: witness_request,
    },
    Target { name: "verifier-key", inputs: MANY, seeds: keys, run: verifier_key },
    Target { name: "request", inputs: MANY, seeds: requests, run: request },
    Target { name: "answer", inputs: MANY, seeds: answers, run: answer },
    Target { name: "event-stream", inputs: SOME, seeds: streams, run: event_stream },
    Target { name: "batch", inputs: SOME, seeds: batches, run: batch },
    Target { name: "import-line", inputs: MANY, seeds: import_lines, run: import_line },
    Target { name: "policy", inputs: FEW, seeds: || files("policies", ".toml"), run: policy },
    Target { name: "access-policy", inputs: FEW, seeds: || files("policies", ".cedar"), run: access_policy },
    Target { name: "notice", inputs: SOME, seeds: || files("policies/notices", ".toml"), run: notice },
    Target { name: "hold-scope", inputs: SOME, seeds: hold_scopes, run: hold_scope },
    Target { name: "certificate", inputs: SOME, seeds: signed_files, run: certificate },
    Target { name: "receipt", inputs: SOME, seeds: signed_files, run: receipt },
    Target { name: "id", inputs: MANY, seeds: ids, run: id },
    Target { name: "served-event", inputs: MANY, seeds: served_events, run: served_event },
    Target { name: "compliance-query", inputs: MANY, seeds: queries, run: query },
];

fn texts_of(texts: &[&str]) -> Vec<Vec<u8>> {
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}

fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}

/// What reads and writes itself: what was read is written so that the same is read again.
fn comes_back<T: FromStr + std::fmt::Display + PartialEq + std::fmt::Debug>(text: &str) {
    if let Ok(value) = text.parse::<T>() {
        let again = value.to_string().parse::<T>().ok();
        assert_eq!(again.as_ref(), Some(&value), "it reads back as something else");
    }
}

fn notes() -> Vec<Vec<u8>> {
    texts_of(&[&log().checkpoint, &log().cosigned])
}

fn note(input: &[u8]) {
    if let Ok(signed) = verify_note(input, &log().key) {
        assert_eq!(
            signed,
            log().checkpoint.split("\n\n").next().map(|text| format!("{text}\n")).unwrap(),
            "a forged note"
        );
    }
}

fn bodies() -> Vec<Vec<u8>> {
    let body = log().checkpoint.split("\n\n").next().unwrap();
    texts_of(&[&format!("{body}\n"), &format!("{body}\nextension\n")])
}

/// What the owner of the key may have signed.
fn checkpoint(input: &[u8]) {
    let Some(body) = text(input) else { return };
    let key = signer().renamed(log().key.name()).unwrap();
    if let Ok(checkpoint) = Checkpoint::verify(key.sign(body).as_bytes(), &log().key) {
        assert_eq!(checkpoint.origin, log().key.name());
    }
}

fn cosignature(input: &[u8]) {
    let key = witness().verifier();
    let _ = key.cosigned_at(input);
    if let Some(line) = text(input)
        && let Ok(note) = with_cosignature(&log().checkpoint, line, &key)
    {
        assert!(key.cosigned_at(note.as_bytes()).is_ok());
    }
}

fn proof(input: &[u8]) {
    let Some(text) = text(input) else { return };
    comes_back::<ProofFile>(text);
    if let Ok(proof) = text.parse::<ProofFile>() {
        let entry = leaf(7).to_entry(seeds::ORGANIZATION).unwrap();
        if proof.verify(&entry, &log().key).is_ok() {
            assert_eq!(proof.index, 7, "the entry is proven at another place");
        }
    }
}

fn leaves() -> Vec<Vec<u8>> {
    (0..3).map(|number| leaf(number).to_entry(seeds::ORGANIZATION).unwrap()).collect()
}

fn logged_leaf(input: &[u8]) {
    if let Ok(logged) = LoggedLeaf::parse(input)
        && let Ok(entry) = logged.leaf.to_entry(logged.organization)
    {
        assert_eq!(entry, input, "two spellings of one leaf");
    }
}

fn tile_paths() -> Vec<Vec<u8>> {
    texts_of(&["tile/0/x001/x234/067", "tile/entries/273.p/112", "tile/63/000"])
}

fn tile_path(input: &[u8]) {
    if let Some(path) = text(input)
        && let Some(address) = TileAddress::parse(path)
    {
        assert_eq!(address.to_string(), path);
    }
}

fn bundles() -> Vec<Vec<u8>> {
    let read = |name: &str| std::fs::read(log().directory().join("tile/entries").join(name)).unwrap();
    vec![read("000"), read("001.p/44")]
}

/// Puts a file where the log has one, and reads the log. Only the bytes that were there are taken for sound.
fn entry_bundle(input: &[u8]) {
    let folder = tempfile::tempdir().unwrap();
    crate::harness::log::copy(&log().directory(), folder.path());
    std::fs::write(folder.path().join("tile/entries/000"), input).unwrap();
    if verify_log(folder.path(), &log().key).is_ok() {
        assert_eq!(input, bundles()[0], "other entries are taken for those that were signed");
    }
    let reader = LogReader::open(folder.path(), &log().key).unwrap();
    assert!(reader.entries(0).count() <= 300);
}

fn pending_segment(input: &[u8]) {
    let folder = tempfile::tempdir().unwrap();
    let pending = folder.path().join("pending");
    std::fs::create_dir(&pending).unwrap();
    std::fs::write(pending.join(format!("{:020}.pending", 0)), input).unwrap();
    let _ = waiting_entries(folder.path());
    let _ = fiducia_ledger::verify_pending(folder.path());
}

fn witness_request(input: &[u8]) {
    if let Ok(request) = AddCheckpoint::parse(input) {
        assert_eq!(AddCheckpoint::parse(request.to_string().as_bytes()).as_ref(), Ok(&request));
        assert!(request.proof.len() <= 63);
    }
}

fn keys() -> Vec<Vec<u8>> {
    let secret = "PRIVATE+KEY+witness.example/w+00000000+BAcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcH";
    texts_of(&[&log().key.to_string(), &witness().verifier().to_string(), secret])
}

fn verifier_key(input: &[u8]) {
    let Some(text) = text(input) else { return };
    comes_back::<VerifierKey>(text);
    comes_back::<CosignerKey>(text);
    let _ = WitnessKey::read(text);
}

fn requests() -> Vec<Vec<u8>> {
    texts_of(&[
        r#"{"model":"claude-x","max_tokens":9,"stream":true,"system":[{"type":"text","text":"s"}],"messages":[{"role":"user","content":[{"type":"text","text":"hi"},{"type":"image","source":{"type":"url","url":"https://x"}}]},{"role":"assistant","content":"a"}],"tools":[{"type":"web_search_20250305","name":"w"}]}"#,
        r#"{"model":"gpt-x","messages":[{"role":"system","content":"s"},{"role":"user","content":"h\u00e9"}],"stream":false,"tools":[{"type":"function","function":{"name":"f"}}],"store":true}"#,
        r#"{"model":"gpt-x","input":[{"role":"user","content":[{"type":"input_text","text":"hi"}]}],"previous_response_id":"resp_1","instructions":"i"}"#,
        r#"{"model":"e","input":["a","b"],"dimensions":3}"#,
    ])
}

fn request(input: &[u8]) {
    for wire in WIRES {
        if let Ok(outline) = outline(wire, input) {
            let _ = format!("{outline:?}");
        }
        let _ = features(wire, input);
        let _ = texts(wire, input);
        if let Ok(found) = RequestTexts::find(wire, input) {
            replace_first(wire, &found);
        }
    }
    let _ = fiducia_wire::fingerprint::message_fingerprint(input);
    let _ = fiducia_wire::rewrite_model(input, "another");
    let _: FeatureSet = beta_features(&String::from_utf8_lossy(input));
}

/// Replacing a whole text gives a request with that text, and with every other one as it was.
fn replace_first(wire: Wire, found: &RequestTexts<'_>) {
    let Some((number, text)) =
        found.texts().iter().enumerate().find(|(_, text)| !text.is_sealed && !text.is_json)
    else {
        return;
    };
    let whole = Replacement { text: number, range: 0..text.text.len(), with: "\"E\"\n".into() };
    let changed = found.replace(&[whole]).unwrap();
    let again = RequestTexts::find(wire, &changed).unwrap();
    for (place, (before, after)) in found.texts().iter().zip(again.texts()).enumerate() {
        assert_eq!(after.text, if place == number { "\"E\"\n" } else { &*before.text });
    }
}

const REROUTE: Reroute<'_> =
    Reroute { from: "asked", to: "other", category: None, exchange: "exch_1", announced: Announced::Hop };

fn answers() -> Vec<Vec<u8>> {
    files("crates/wire/tests/golden", ".json")
}

fn answer(input: &[u8]) {
    for wire in WIRES {
        let _ = read_answer(wire, input);
        let _ = own_mark(wire, input);
        if let Some(rerouted) = rerouted_body(wire, &REROUTE, input) {
            assert_eq!(own_mark(wire, &rerouted).unwrap().decision, "rerouted");
        }
    }
    let _ = answering_models(input);
}

fn streams() -> Vec<Vec<u8>> {
    files("crates/wire/tests/golden", ".sse")
}

/// However a stream is cut, the same is read in it.
fn event_stream(input: &[u8]) {
    for wire in WIRES {
        let read = |chunk: usize| {
            let mut reader = AnswerReader::new(wire, true);
            for piece in input.chunks(chunk) {
                if reader.push(piece).is_err() {
                    return None;
                }
            }
            Some(format!("{:?}", reader.finish()))
        };
        let whole = read(input.len().max(1));
        assert_eq!(read(7), whole, "cut into sevens");
        let rerouted = |chunk: usize| {
            let mut writer = RerouteStream::new(wire, REROUTE);
            let pushed: Result<Vec<_>, _> = input.chunks(chunk).map(|piece| writer.push(piece)).collect();
            pushed.ok().map(|pushed| [pushed.concat(), writer.finish()].concat())
        };
        assert_eq!(rerouted(7), rerouted(input.len().max(1)), "rerouted in sevens");
        let mut watch = ModelWatch::new(wire);
        let _ = watch.push(input);
        ended(wire, input);
    }
}

/// A stream that is ended by a refusal ends.
fn ended(wire: Wire, input: &[u8]) {
    let mut delivered = Delivered::new(wire);
    if delivered.push(input).is_err() {
        return;
    }
    let refusal = OwnRefusal {
        refused: Refused::Answer,
        category: None,
        explanation: "x",
        exchange: "exch_1",
        recommended_model: None,
    };
    let usage = Usage::default();
    let frame = AnswerFrame { id: "a", item_id: "i", model: "m", created: 1, usage, include_usage: false };
    if let Ok(ending) = delivered.end_with(&refusal, &frame) {
        let mut reader = AnswerReader::new(wire, true);
        if reader.push(input).is_ok_and(|push| !push.terminal_seen) {
            assert!(reader.push(&ending).unwrap().terminal_seen, "the stream goes on");
        }
    }
}

fn batches() -> Vec<Vec<u8>> {
    texts_of(&[
        r#"{"requests":[{"custom_id":"a","params":{"model":"m","max_tokens":1,"messages":[{"role":"user","content":"x"}]}}]}"#,
        r#"{"id":"msgbatch_1","results_url":"https://api.example/v1/messages/batches/msgbatch_1/results"}"#,
    ])
}

fn batch(input: &[u8]) {
    let _ = batch_requests(input);
    let _ = results_urls(input);
}

fn import_lines() -> Vec<Vec<u8>> {
    texts_of(&[
        r#"{"id":"c1","messages":[{"role":"user","content":"hello"},{"role":"assistant","content":"hi"}]}"#,
        r#"{"id":"c2","messages":[{"role":"user","content":[{"type":"text","text":"x"}]}]}"#,
    ])
}

fn import_line(input: &[u8]) {
    if let Ok(conversation) = conversation_line(input) {
        let _ = conversation.exchanges();
    }
}

fn policy(input: &[u8]) {
    if let Some(text) = text(input) {
        let _ = Policy::parse(text);
    }
}

fn access_policy(input: &[u8]) {
    if let Some(text) = text(input) {
        let _ = AccessPolicy::parse(text);
    }
}

fn notice(input: &[u8]) {
    if let Some(text) = text(input) {
        let _ = Notice::parse(text);
    }
}

fn hold_scopes() -> Vec<Vec<u8>> {
    texts_of(&[r#"{"subjects":["analyst"],"tags":["matter"]}"#, "{}"])
}

fn hold_scope(input: &[u8]) {
    let _ = serde_json::from_slice::<HoldScope>(input);
}

/// The outermost form of files that are verified; what is signed within them is reached by the targets above.
fn signed_files() -> Vec<Vec<u8>> {
    let proof = serde_json::to_string(&log().proof).unwrap();
    let note = serde_json::to_string(&log().checkpoint).unwrap();
    let id = OrganizationId::from_bytes([7; 16]);
    vec![
        format!(
            r#"{{"certificate":{{"reference":"FID-2026-000001","organization":"{id}"}},"note":{note},"proof":{proof},"verifier_keys":["ledger.test/certificates"]}}"#
        )
        .into_bytes(),
        format!(
            r#"{{"format":"fiducia/consent-receipt/v1","receipt":{{"ledger_origin":"ledger.test"}},"salt":"00","note":{note},"proof":{proof},"verifier_keys":["ledger.test/consents"]}}"#
        )
        .into_bytes(),
    ]
}

fn certificate(input: &[u8]) {
    assert!(verify_certificate(input, &[log().key.clone()]).is_err(), "nobody signed this");
}

fn receipt(input: &[u8]) {
    assert!(verify_receipt(input, &[log().key.clone()]).is_err(), "nobody signed this");
}

fn ids() -> Vec<Vec<u8>> {
    let bytes = [7; 16];
    texts_of(&[
        &OrganizationId::from_bytes(bytes).to_string(),
        &RecordId::from_bytes(bytes).uuid(),
        &VirtualKeyId::from_bytes(bytes).to_string(),
        "P30D",
        "analyst officer",
    ])
}

fn id(input: &[u8]) {
    let Some(text) = text(input) else { return };
    comes_back::<OrganizationId>(text);
    comes_back::<RecordId>(text);
    comes_back::<ConversationId>(text);
    comes_back::<VirtualKeyId>(text);
    comes_back::<RetentionSpan>(text);
    let _ = text.parse::<RoleSet>();
    let _ = fiducia_ledger::EventId::new(text);
}

/// Events as feeds serve them: one of each kind, and a row of another.
fn served_events() -> Vec<Vec<u8>> {
    texts_of(&[
        r#"{"id":"activity_01","type":"anthropic_access","created_at":"2026-11-02T10:15:30.000450Z","accessed_at":"2026-11-02T09:00:00.120Z","accessor_department":"support","actor":{"type":"anthropic_actor","email_address":null},"organization_id":"org_01","organization_uuid":"11111111-2222-4333-8444-555555555555","reason_code":"incident_response","resource_details":{"id":"msg_01","parent":null,"type":"message"},"workspace_id":null,"transparency_log_leaf_index":7,"more":[1.5,-2,{"x":true}]}"#,
        r#"{"id":"activity_02","type":"cmek_preserve","created_at":"2026-11-03T00:00:00Z","actor":{"type":"anthropic_actor"},"reason_code":"csae_report","workspace_id":""}"#,
        r#"{"id":"activity_03","type":"api_key_created","created_at":"2026-11-03T00:00:00Z"}"#,
    ])
}

/// What is taken for an event has one leaf, which reads back as that event; and nothing passes as another row that could be meant for one.
fn served_event(input: &[u8]) {
    match AccessTransparencyEvent::from_served(input) {
        Ok(served) => {
            if let Ok(entry) = served.event.to_entry() {
                assert_eq!(AccessTransparencyEvent::from_entry(&entry).unwrap(), served.event);
            }
        }
        Err(NotServed::OtherType { kind }) => {
            assert!(
                !["anthropic_access", "cmek_preserve"].contains(&kind.as_str()),
                "an event is passed over"
            );
        }
        Err(_) => {}
    }
    if let Ok(event) = AccessTransparencyEvent::from_entry(input) {
        assert_eq!(event.to_entry().unwrap(), input, "two spellings of one leaf");
    }
}

fn queries() -> Vec<Vec<u8>> {
    texts_of(&[
        "activity_types[]=api_key_created&activity_types%5B%5D=session_revoked&limit=10&order=desc",
        "created_at.gte=2026-11-01T00:00:00Z&created_at.lt=2026-11-02T00:00:00%2B01:00&after_id=abc",
        "user_ids[]=user_01&order_by=updated_at&tool_result_max_chars=-1",
    ])
}

/// Whatever is sent: nobody takes a parameter twice, no limit is out of its bounds, and what nobody took is refused.
fn query(input: &[u8]) {
    let Some(text) = text(input) else { return };
    let Ok(mut query) = ComplianceQuery::read(text) else { return };
    for name in ["activity_types", "user_ids"] {
        if query.take_all(name).is_ok() {
            assert_eq!(query.take_all(name).unwrap(), Vec::<String>::new(), "taken twice");
        }
    }
    if let Ok(limit) = query.limit(100, 1_000) {
        assert!((1..=1_000).contains(&limit), "{limit}");
    }
    for name in ["created_at", "updated_at"] {
        let _ = query.range(name);
    }
    for name in ["after_id", "order"] {
        if query.take(name).is_ok() {
            assert_eq!(query.take(name), Ok(None), "taken twice");
        }
    }
    let _ = query.finish();
}
