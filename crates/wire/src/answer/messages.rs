//! Answers of the Messages API, and how a stream of its events is put together.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::delta::{BlockDelta, Grows};
use super::{AnswerOutline, Terminal, Usage, error_name, error_name_of};
use crate::RequestError;
use crate::fingerprint::AnswerMessage;
use crate::json::{Cursor, Token, write_string};
use crate::object::{Object, Overrides, elements_of, set, text_of, write_array, write_with};

/// The message as far as the events of a stream have told it.
#[derive(Default)]
pub(super) struct Assembly {
    /// `message_start.message` as sent.
    message: Option<String>,
    blocks: BTreeMap<u64, Block>,
    /// Members that `message_delta` events gave.
    overrides: Overrides,
    usage: Overrides,
    /// Whether something came that this build does not know, so that only the raw stream tells all.
    unknown: bool,
    error: Option<String>,
    pub(super) kept_bytes: usize,
}

/// One content block.
#[derive(Default)]
struct Block {
    /// `content_block` as sent at its start.
    start: String,
    /// What deltas add to string members.
    strings: Vec<(&'static str, String)>,
    /// The fragments of `input`, joined.
    input: String,
    citations: Vec<String>,
}

impl Assembly {
    pub(super) fn event(&mut self, name: &[u8], data: &[u8]) -> Option<Terminal> {
        if matches!(name, b"content_block_delta" | b"")
            && let Some(delta) = BlockDelta::read(data)
            && self.grow(delta).is_some()
        {
            return None;
        }
        self.any_event(name, data)
    }

    /// The short way. `None`, and nothing changed, when the block cannot take the text.
    fn grow(&mut self, delta: BlockDelta<'_>) -> Option<()> {
        let block = self.blocks.get_mut(&delta.index)?;
        let text = delta.text.lossy();
        self.kept_bytes += match delta.grows {
            Grows::Text => block.append("text", &text),
            Grows::Thinking => block.append("thinking", &text),
            Grows::Input => Some(block.append_input(&text)),
        }?;
        Some(())
    }

    /// The general way, which reads every event.
    fn any_event(&mut self, name: &[u8], data: &[u8]) -> Option<Terminal> {
        let event = Object::from_bytes(data);
        let kind = event.as_ref().and_then(|event| event.text("type"));
        if name == b"message_stop" || kind.as_deref() == Some("message_stop") {
            return Some(Terminal::Clean);
        }
        if name == b"error" || kind.as_deref() == Some("error") {
            self.error = event.as_ref().and_then(error_name);
            return Some(Terminal::Error);
        }
        let known = event.is_some_and(|event| self.take(kind.as_deref(), &event).is_some());
        self.unknown |= !known;
        None
    }

    /// `None` when the event, or something in it, is not known.
    fn take(&mut self, kind: Option<&str>, event: &Object<'_>) -> Option<()> {
        match kind? {
            "content_block_delta" => {
                let delta = event.object("delta")?;
                let block = self.blocks.get_mut(&event.number("index")?)?;
                self.kept_bytes += block.add(&delta)?;
            }
            "content_block_start" => {
                let start = event.raw("content_block")?.to_owned();
                self.kept_bytes += start.len();
                let block = Block { start, ..Block::default() };
                if self.blocks.insert(event.number("index")?, block).is_some() {
                    return None;
                }
            }
            "message_start" => {
                let message = event.raw("message")?;
                self.kept_bytes += message.len();
                if self.message.replace(message.to_owned()).is_some() {
                    return None;
                }
            }
            "message_delta" => self.message_delta(event)?,
            "content_block_stop" | "ping" => {}
            _ => return None,
        }
        Some(())
    }

    fn message_delta(&mut self, event: &Object<'_>) -> Option<()> {
        for (name, raw) in &event.object("delta")?.members {
            set(&mut self.overrides, name, *raw);
        }
        for (name, raw) in event.object("usage").unwrap_or_default().members {
            if raw != "null" {
                set(&mut self.usage, &name, raw);
            }
        }
        for (name, raw) in &event.members {
            if !matches!(&**name, "type" | "delta" | "usage") {
                set(&mut self.overrides, name, *raw);
            }
        }
        self.kept_bytes += event.members.iter().map(|(_, raw)| raw.len()).sum::<usize>();
        Some(())
    }

    pub(super) fn finish(mut self, terminal: Terminal) -> AnswerOutline {
        let empty = AnswerOutline { stop: self.error.take(), ..AnswerOutline::empty(terminal) };
        let Some(start) = self.message.as_deref().and_then(Object::from_text) else { return empty };
        let content: Option<Vec<Vec<u8>>> = self.blocks.values().map(Block::write).collect();
        let whole = terminal == Terminal::Clean && !self.unknown && content.is_some();
        set(&mut self.overrides, "content", write_array(content.unwrap_or_default()));
        if !self.usage.is_empty() {
            let usage = start.object("usage").unwrap_or_default();
            set(&mut self.overrides, "usage", write_with(&usage, &self.usage));
        }
        let message = write_with(&start, &self.overrides);
        let Some(mut outline) = Answer::read(&message).map(Answer::outline) else { return empty };
        outline.terminal = terminal;
        outline.stop = empty.stop.or(outline.stop);
        if whole {
            outline.message = Some(message);
        } else {
            outline.fingerprints.clear();
        }
        outline
    }
}

impl Block {
    /// Adds a delta and gives how many bytes are kept of it; `None` when it is not known.
    fn add(&mut self, delta: &Object<'_>) -> Option<usize> {
        match &*delta.text("type")? {
            "text_delta" => self.append("text", &delta.text("text")?),
            "thinking_delta" => self.append("thinking", &delta.text("thinking")?),
            "signature_delta" => self.append("signature", &delta.text("signature")?),
            "input_json_delta" => {
                let fragment = delta.text("partial_json")?;
                Some(self.append_input(&fragment))
            }
            "citations_delta" => {
                let citation = delta.raw("citation")?;
                self.citations.push(citation.to_owned());
                Some(citation.len())
            }
            "compaction_delta" => {
                let content = delta.text("content").unwrap_or_default();
                let encrypted = delta.text("encrypted_content").unwrap_or_default();
                Some(self.append("content", &content)? + self.append("encrypted_content", &encrypted)?)
            }
            _ => None,
        }
    }

    fn append_input(&mut self, fragment: &str) -> usize {
        self.input.push_str(fragment);
        fragment.len()
    }

    fn append(&mut self, name: &'static str, text: &str) -> Option<usize> {
        match self.strings.iter_mut().find(|(own, _)| *own == name) {
            Some((_, string)) => string.push_str(text),
            None if text.is_empty() => {}
            None => {
                let start = Object::from_text(&self.start)?.text(name).unwrap_or_default().into_owned();
                self.strings.push((name, start + text));
            }
        }
        Some(text.len())
    }

    /// The block as it would stand in an answer that was not streamed; `None` when its input is not JSON.
    fn write(&self) -> Option<Vec<u8>> {
        let start = Object::from_text(&self.start)?;
        let mut overrides = Overrides::new();
        for (name, text) in &self.strings {
            let mut raw = Vec::with_capacity(text.len() + 2);
            write_string(&mut raw, text);
            set(&mut overrides, name, raw);
        }
        if !self.input.is_empty() {
            let mut cursor = Cursor::of(&self.input);
            cursor.skip().ok()?;
            cursor.end().ok()?;
            set(&mut overrides, "input", self.input.as_bytes());
        }
        if !self.citations.is_empty() {
            let earlier = start.elements("citations");
            let all = earlier.into_iter().chain(self.citations.iter().map(String::as_str));
            set(&mut overrides, "citations", write_array(all));
        }
        Some(write_with(&start, &overrides))
    }
}

/// An answer of the Messages API, read in one pass: each member as its own text, of members with one name the last.
#[derive(Default)]
pub(super) struct Answer<'a> {
    id: Option<&'a str>,
    kind: Option<&'a str>,
    model: Option<&'a str>,
    stop_reason: Option<&'a str>,
    usage: Option<&'a str>,
    input_tokens: Option<&'a str>,
    error: Option<&'a str>,
    content: Option<&'a str>,
    /// What a client makes of it; none once that cannot be told.
    message: Option<AnswerMessage<'a>>,
}

impl<'a> Answer<'a> {
    /// The answer that `body` is, or `None` when it is anything but a JSON object.
    pub(super) fn read(body: &'a [u8]) -> Option<Self> {
        let mut cursor = Cursor::new(body).ok()?;
        let mut answer = Self { message: Some(AnswerMessage::default()), ..Self::default() };
        cursor.members(|cursor, name| answer.member(cursor, name)).ok()?;
        cursor.end().ok()?;
        Some(answer)
    }

    fn member(&mut self, cursor: &mut Cursor<'a>, name: Token<'a>) -> Result<(), RequestError> {
        let place = match &*name.lossy() {
            "id" => &mut self.id,
            "type" => &mut self.kind,
            "model" => &mut self.model,
            "stop_reason" => &mut self.stop_reason,
            "usage" => &mut self.usage,
            "input_tokens" => &mut self.input_tokens,
            "error" => &mut self.error,
            "content" => {
                let start = cursor.offset();
                self.message_member(cursor, name)?;
                self.content = not_null(cursor.text_at(start..cursor.position()));
                return Ok(());
            }
            "role" => return self.message_member(cursor, name),
            _ => return cursor.skip().map(drop),
        };
        *place = not_null(cursor.raw()?);
        Ok(())
    }

    fn message_member(&mut self, cursor: &mut Cursor<'a>, name: Token<'a>) -> Result<(), RequestError> {
        let Some(mut message) = self.message.take() else { return cursor.skip().map(drop) };
        let read = cursor.attempt(|cursor| message.member(cursor, name))?;
        self.message = read.map(|()| message);
        Ok(())
    }

    /// Its outline, also when it is an error.
    pub(super) fn any_outline(self) -> AnswerOutline {
        if text(self.kind).is_none_or(|kind| kind != "error") {
            return self.outline();
        }
        let stop = self.error.and_then(Object::from_text).as_ref().and_then(error_name_of);
        AnswerOutline { stop, ..AnswerOutline::empty(Terminal::Error) }
    }

    /// The outline of a message.
    fn outline(self) -> AnswerOutline {
        let usage = self.usage.and_then(Object::from_text).unwrap_or_default();
        let cached = ["cache_creation_input_tokens", "cache_read_input_tokens"]
            .into_iter()
            .filter_map(|name| usage.number(name))
            .fold(0, u64::saturating_add);
        let fingerprint = self.message.filter(|_| self.content.is_some()).map(AnswerMessage::finish);
        let served = self.content.and_then(served_by_fallback);
        AnswerOutline {
            id: text(self.id).map(Cow::into_owned),
            model: served.or_else(|| text(self.model).map(Cow::into_owned)),
            stop: text(self.stop_reason).map(Cow::into_owned),
            usage: Usage {
                // A token count's answer has its one number at the top.
                input_tokens: usage
                    .number("input_tokens")
                    .map(|tokens| tokens.saturating_add(cached))
                    .or_else(|| self.input_tokens?.parse().ok()),
                output_tokens: usage.number("output_tokens"),
            },
            fingerprints: fingerprint.into_iter().collect(),
            message: None,
            terminal: Terminal::Clean,
        }
    }
}

fn not_null(raw: &str) -> Option<&str> {
    Some(raw).filter(|raw| *raw != "null")
}

fn text(raw: Option<&str>) -> Option<Cow<'_, str>> {
    text_of(raw?)
}

/// The model behind the last `fallback` block. When a model declined amid a stream, `message_start` still names the
/// one that was asked.
fn served_by_fallback(content: &str) -> Option<String> {
    // Without the word, and without an escape that could spell it, there is no such block.
    let may_hold = |word: &[u8]| memchr::memmem::find(content.as_bytes(), word).is_some();
    if !may_hold(b"fallback") && !may_hold(b"\\u") {
        return None;
    }
    let blocks = elements_of(content).into_iter().rev().filter_map(Object::from_text);
    let mut fallbacks = blocks.filter(|block| block.text("type").is_some_and(|kind| kind == "fallback"));
    fallbacks.next()?.object("to")?.text("model").map(Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const START: &[u8] = br#"{"type":"message_start","message":{"role":"assistant","content":[]}}"#;
    const BLOCK: &[u8] =
        br#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":"a"}}"#;

    /// One of several, most often the first.
    fn mostly(common: &'static str, others: &'static [&'static str]) -> impl Strategy<Value = String> {
        prop_oneof![
            6 => Just(common.to_owned()),
            2 => proptest::sample::select(others).prop_map(str::to_owned),
        ]
    }

    /// A JSON string of any text, escaped in one of three ways or not at all.
    fn json_string() -> impl Strategy<Value = String> {
        let raw = r#"([ -!#-\[\]-~é漢😀\x01\x7f]|\\[nrt"\\/bfux]|\\u00(41|e9|0a|00)|\\ud83d\\ude00|\\ud800|\\udc00)"#;
        proptest::string::string_regex(&format!("\"{raw}{{0,6}}\"")).unwrap()
    }

    /// The members of an object in any order, some of them twice, with any white space.
    fn object(members: Vec<BoxedStrategy<String>>) -> impl Strategy<Value = String> {
        (members, any::<u64>(), 0..12_usize, "[ \n\t]{0,2}").prop_map(|(mut members, order, twice, space)| {
            if let Some(again) = members.get(twice).cloned() {
                members.push(again);
            }
            if order % 4 == 0 {
                members.reverse();
            }
            if order % 7 == 0 {
                members.pop();
            }
            format!("{{{space}{}{space}}}", members.join(&format!("{space},{space}")))
        })
    }

    fn delta() -> impl Strategy<Value = String> {
        const KINDS: [&str; 4] =
            [r#""type":"text_delta""#, r#""type":"thinking_delta""#, r#""type":null"#, r#""more":[1]"#];
        let fitting = proptest::sample::select(&[
            (r#""type":"text_delta""#, "text"),
            (r#""type":"text_delta""#, "te\\u0078t"),
            (r#""type":"thinking_delta""#, "thinking"),
            (r#""type" : "input_json_delta""#, "partial_json"),
            (r#""type":"signature_delta""#, "signature"),
            (r#""\u0074ype":"text_delta""#, "text"),
            (r#""type":"\u0074ext_delta""#, "text"),
        ]);
        let any =
            (proptest::sample::select(&KINDS), proptest::sample::select(&["text", "thinking", "other"]));
        let value = prop_oneof![8 => json_string(), 1 => Just("null".to_owned()), 1 => Just("7".to_owned())];
        (prop_oneof![6 => fitting.boxed(), 1 => any.boxed()], value).prop_flat_map(|((kind, name), value)| {
            let member = format!("\"{name}\": {value}");
            object(vec![Just(kind.to_owned()).boxed(), Just(member).boxed()])
        })
    }

    fn event() -> impl Strategy<Value = String> {
        let kind = mostly(
            r#""type":"content_block_delta""#,
            &[
                r#""type":"ping""#,
                r#""type":"message_stop""#,
                r#""type":3"#,
                r#""typ":"content_block_delta""#,
            ],
        );
        let index =
            mostly(r#""index":0"#, &[r#""index": 1"#, r#""index":0.0"#, r#""index":-0"#, r#""index":"0""#]);
        let delta = delta().prop_map(|delta| format!("\"delta\":{delta}"));
        let event = object(vec![kind.boxed(), index.boxed(), delta.boxed()]);
        (event, mostly("", &[" ", "x", "\n "])).prop_map(|(event, tail)| event + &tail)
    }

    fn begun() -> Assembly {
        let mut assembly = Assembly::default();
        assert_eq!(assembly.any_event(b"message_start", START), None);
        assert_eq!(assembly.any_event(b"content_block_start", BLOCK), None);
        assembly
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn the_short_way_and_the_general_way_agree(events in proptest::collection::vec(event(), 1..4)) {
            let (mut short, mut general) = (begun(), begun());
            for event in &events {
                let name: &[u8] = if event.len() % 3 == 0 { b"" } else { b"content_block_delta" };
                let ended = short.event(name, event.as_bytes());
                prop_assert_eq!(ended, general.any_event(name, event.as_bytes()));
                prop_assert_eq!(short.kept_bytes, general.kept_bytes);
                prop_assert_eq!(short.unknown, general.unknown);
            }
            // An unknown event hides the message from the outline, so what was gathered is compared too.
            let written = |assembly: &Assembly| -> Vec<_> { assembly.blocks.values().map(Block::write).collect() };
            prop_assert_eq!(written(&short), written(&general));
            prop_assert_eq!(short.finish(Terminal::Clean), general.finish(Terminal::Clean));
        }
    }

    #[test]
    fn frequent_events_take_the_short_way() {
        let check = |event: &str, expected: bool| {
            assert_eq!(BlockDelta::read(event.as_bytes()).is_some(), expected, "{event}");
        };
        check(r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a\n"}}"#, true);
        check(
            r#"{"type":"content_block_delta","index":1,"delta":{"type":"thinking_delta","thinking":"é"} }"#,
            true,
        );
        check(
            r#"{"index":1,"type":"content_block_delta","delta":{"partial_json":"{","type":"input_json_delta"}}"#,
            true,
        );
        check(
            r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","thinking":"a"}}"#,
            false,
        );
        check(
            r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a","text":"b"}}"#,
            false,
        );
        check(r#"{"type":"ping"}"#, false);
    }

    #[test]
    fn a_fallback_is_found_however_it_is_spelt() {
        let check = |content: &str, model: &str| {
            let body =
                format!(r#"{{"type":"message","role":"assistant","model":"asked","content":{content}}}"#);
            let outline = Answer::read(body.as_bytes()).unwrap().outline();
            assert_eq!(outline.model.as_deref(), Some(model), "{content}");
        };
        check(r#"[{"type":"text","text":"fallback"}]"#, "asked");
        check(r#"[{"type":"fallback","to":{"model":"other"}}]"#, "other");
        check(r#"[{"type":"\u0066allback","to":{"model":"other"}}]"#, "other");
    }

    #[test]
    fn of_repeated_members_the_last_counts_but_a_repeated_content_has_no_fingerprint() {
        let read = |body: &str| Answer::read(body.as_bytes()).map(Answer::outline);
        let once = read(r#"{"role":"assistant","content":"a","id":"1","id":"2","model":null}"#).unwrap();
        assert_eq!((once.id.as_deref(), once.model, once.fingerprints.len()), (Some("2"), None, 1));
        let twice = read(r#"{"role":"assistant","content":"a","content":"b"}"#).unwrap();
        assert_eq!(twice.fingerprints.len(), 0);
        let empty = read(r#"{"role":"assistant","content":"a","content":null}"#).unwrap();
        assert_eq!(empty.fingerprints.len(), 0);
        assert_eq!(read(r#"{"role":5,"content":"a"}"#).unwrap().fingerprints.len(), 0);
        assert!(read(r#"{"role":"assistant","content":"a"} x"#).is_none());
        assert!(read(r#"{"content":[{"type":}]}"#).is_none());
    }
}
