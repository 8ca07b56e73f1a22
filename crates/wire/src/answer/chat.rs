//! Answers of Chat Completions (and embeddings), and how a stream of chunks is put together.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::delta::{UNUSUAL, once};
use super::{AnswerOutline, Terminal, Usage, error_name};
use crate::RequestError;
use crate::fingerprint::text_message_fingerprint;
use crate::json::{Cursor, Kind, Token};
use crate::object::{Object, Overrides, Writer, set, text_of, write_array};
use crate::sse::DONE;

/// The completion as far as the chunks of a stream have told it.
#[derive(Default)]
pub(super) struct Assembly {
    /// Top-level members, the last value that is not null.
    members: Overrides,
    choices: BTreeMap<u64, Choice>,
    /// Whether something came that this build cannot put together, so that only the raw stream tells all.
    unknown: bool,
    error: Option<String>,
    pub(super) kept_bytes: usize,
}

#[derive(Default)]
struct Choice {
    role: Option<String>,
    /// String members of the deltas, joined: `content`, `refusal` and whatever else a provider streams as text.
    strings: Vec<(String, String)>,
    tools: Vec<(u64, Parts)>,
    function_call: Option<Parts>,
    audio: Option<Parts>,
    annotations: Vec<String>,
    /// The lists within `logprobs`, joined.
    log_probabilities: BTreeMap<String, Vec<String>>,
    /// Other members of the choice, `finish_reason` among them.
    members: Overrides,
}

/// An object whose strings arrive in fragments.
#[derive(Default)]
struct Parts {
    strings: Vec<(String, String)>,
    nested: Vec<(String, Parts)>,
    others: Overrides,
}

/// A chunk that adds to one choice's `content` and otherwise repeats what earlier chunks said.
struct ContentDelta<'a> {
    index: u64,
    content: Token<'a>,
    /// Bytes that are kept of it, counted as in [`Choice::delta`].
    kept_bytes: usize,
}

impl Assembly {
    pub(super) fn event(&mut self, name: &[u8], data: &[u8]) -> Option<Terminal> {
        if data.starts_with(DONE) {
            return Some(Terminal::Clean);
        }
        if name.is_empty()
            && let Some(delta) = self.content_delta(data)
            && let Some(choice) = self.choices.get_mut(&delta.index)
        {
            append(&mut choice.strings, "content", &delta.content.lossy());
            self.kept_bytes += delta.kept_bytes;
            return None;
        }
        self.any_event(name, data)
    }

    /// The frequent chunk, read without building anything; `None` for anything else, which the general way reads.
    fn content_delta<'a>(&self, data: &'a [u8]) -> Option<ContentDelta<'a>> {
        let mut cursor = Cursor::new(data).ok()?;
        let mut delta = None;
        let read = cursor.members(|cursor, name| match &*name.lossy() {
            "object" | "obfuscation" => cursor.skip().map(drop),
            "error" => Err(UNUSUAL),
            "choices" => cursor.elements(|cursor| once(&mut delta, choice_delta(cursor)?)),
            name => match cursor.raw()? {
                "null" => Ok(()),
                raw if self.members.iter().any(|(own, old)| own == name && *old == raw.as_bytes()) => Ok(()),
                _ => Err(UNUSUAL),
            },
        });
        read.and_then(|()| cursor.end()).ok()?;
        delta
    }

    /// The general way, which reads every chunk.
    fn any_event(&mut self, name: &[u8], data: &[u8]) -> Option<Terminal> {
        let Some(chunk) = Object::from_bytes(data) else {
            self.unknown = true;
            return (name == b"error").then_some(Terminal::Error);
        };
        if name == b"error" || chunk.raw("error").is_some() {
            self.error = error_name(&chunk);
            return Some(Terminal::Error);
        }
        for (name, raw) in &chunk.members {
            match &**name {
                // Padding that hides token lengths on the wire; it is no part of the answer.
                "choices" | "object" | "obfuscation" => {}
                _ if *raw == "null" => {}
                _ => set(&mut self.members, name, *raw),
            }
        }
        for choice in chunk.elements("choices") {
            let known = Object::from_text(choice).and_then(|choice| self.choice(&choice));
            self.unknown |= known.is_none();
        }
        None
    }

    /// `None` when something in the choice cannot be put together.
    fn choice(&mut self, chunk: &Object<'_>) -> Option<()> {
        let choice = self.choices.entry(chunk.number("index").unwrap_or(0)).or_default();
        for (name, raw) in &chunk.members {
            match &**name {
                "index" => {}
                _ if *raw == "null" => {}
                "delta" => self.kept_bytes += choice.delta(&Object::from_text(raw)?)?,
                "logprobs" => self.kept_bytes += choice.log_probabilities(&Object::from_text(raw)?),
                _ => set(&mut choice.members, name, *raw),
            }
        }
        Some(())
    }

    pub(super) fn finish(self, terminal: Terminal) -> AnswerOutline {
        let choices: Vec<Vec<u8>> = self.choices.iter().map(|(index, choice)| choice.write(*index)).collect();
        let mut writer = Writer::new();
        writer.text("object", "chat.completion");
        for (name, raw) in &self.members {
            writer.raw(name, raw);
        }
        writer.raw("choices", &write_array(choices));
        let completion = writer.end();
        let Some(object) = Object::from_bytes(&completion) else { return AnswerOutline::empty(terminal) };
        let mut outline = outline_of(&object);
        outline.terminal = terminal;
        outline.stop = self.error.or(outline.stop);
        if terminal == Terminal::Clean && !self.unknown {
            outline.message = Some(completion);
        } else {
            outline.fingerprints.clear();
        }
        outline
    }
}

/// The one choice of a frequent chunk.
fn choice_delta<'a>(cursor: &mut Cursor<'a>) -> Result<ContentDelta<'a>, RequestError> {
    let (mut index, mut content, mut kept_bytes) = (None, None, 0);
    cursor.members(|cursor, name| match &*name.lossy() {
        "index" => once(&mut index, cursor.number()?),
        "delta" => cursor.members(|cursor, name| {
            let start = cursor.offset();
            if name.lossy() == "content" && cursor.kind()? == Kind::String {
                once(&mut content, cursor.string()?)?;
            } else if !cursor.null()? {
                return Err(UNUSUAL);
            }
            kept_bytes += cursor.position() - start;
            Ok(())
        }),
        _ if cursor.null()? => Ok(()),
        _ => Err(UNUSUAL),
    })?;
    let index = index.and_then(|index| index.parse().ok());
    let (Some(index), Some(content)) = (index, content) else { return Err(UNUSUAL) };
    Ok(ContentDelta { index, content, kept_bytes })
}

impl Choice {
    /// Adds a delta and gives how many bytes are kept of it.
    fn delta(&mut self, delta: &Object<'_>) -> Option<usize> {
        let mut kept = 0;
        for (name, raw) in &delta.members {
            kept += raw.len();
            match &**name {
                _ if *raw == "null" => {}
                "role" => self.role = Some(text_of(raw)?.into_owned()),
                "tool_calls" => {
                    for call in delta.elements("tool_calls") {
                        self.tool_call(&Object::from_text(call)?)?;
                    }
                }
                "function_call" => {
                    self.function_call.get_or_insert_default().add(&Object::from_text(raw)?)?;
                }
                "audio" => self.audio.get_or_insert_default().add(&Object::from_text(raw)?)?,
                "annotations" => {
                    self.annotations.extend(delta.elements("annotations").into_iter().map(str::to_owned));
                }
                other => append(&mut self.strings, other, &text_of(raw)?),
            }
        }
        Some(kept)
    }

    fn tool_call(&mut self, call: &Object<'_>) -> Option<()> {
        // Some compatible providers leave the index out: an id then starts a new call.
        let last = self.tools.last().map(|(index, _)| *index);
        let index = call.number("index").or(match (call.raw("id"), last) {
            (None, Some(last)) => Some(last),
            (_, last) => Some(last.map_or(0, |last| last.saturating_add(1))),
        })?;
        if !self.tools.iter().any(|(own, _)| *own == index) {
            self.tools.push((index, Parts::default()));
        }
        let (_, parts) = self.tools.iter_mut().find(|(own, _)| *own == index)?;
        parts.add(call)
    }

    fn log_probabilities(&mut self, lists: &Object<'_>) -> usize {
        let mut kept = 0;
        for (name, raw) in &lists.members {
            if *raw != "null" {
                kept += raw.len();
                let list = self.log_probabilities.entry(name.clone().into_owned()).or_default();
                list.extend(lists.elements(name).into_iter().map(str::to_owned));
            }
        }
        kept
    }

    fn write(&self, index: u64) -> Vec<u8> {
        let mut message = Writer::new();
        message.text("role", self.role.as_deref().unwrap_or("assistant"));
        let string = |name| self.strings.iter().find(|(own, _)| own == name).map(|(_, text)| text.as_str());
        message.text_or_null("content", string("content"));
        message.text_or_null("refusal", string("refusal"));
        for (name, text) in self.strings.iter().filter(|(name, _)| name != "content" && name != "refusal") {
            message.text(name, text);
        }
        if !self.tools.is_empty() {
            message.raw("tool_calls", &write_array(self.tools.iter().map(|(_, call)| call.write())));
        }
        for (name, parts) in [("function_call", &self.function_call), ("audio", &self.audio)] {
            if let Some(parts) = parts {
                message.raw(name, &parts.write());
            }
        }
        if !self.annotations.is_empty() {
            message.raw("annotations", &write_array(&self.annotations));
        }
        let mut choice = Writer::new();
        choice.raw("index", index.to_string().as_bytes());
        choice.raw("message", &message.end());
        if !self.log_probabilities.is_empty() {
            let mut lists = Writer::new();
            for (name, list) in &self.log_probabilities {
                lists.raw(name, &write_array(list));
            }
            choice.raw("logprobs", &lists.end());
        }
        for (name, raw) in &self.members {
            choice.raw(name, raw);
        }
        choice.end()
    }
}

impl Parts {
    fn add(&mut self, fragment: &Object<'_>) -> Option<()> {
        for (name, raw) in &fragment.members {
            match &**name {
                "index" => {}
                _ if *raw == "null" => {}
                // These come once; a provider that repeats them means the same call.
                "id" | "type" | "name" => {
                    if !self.strings.iter().any(|(own, text)| own == name && !text.is_empty()) {
                        append(&mut self.strings, name, &text_of(raw)?);
                    }
                }
                "function" | "custom" => {
                    if !self.nested.iter().any(|(own, _)| own == name) {
                        self.nested.push((name.clone().into_owned(), Self::default()));
                    }
                    let (_, parts) = self.nested.iter_mut().find(|(own, _)| own == name)?;
                    parts.add(&Object::from_text(raw)?)?;
                }
                _ => match text_of(raw) {
                    Some(text) => append(&mut self.strings, name, &text),
                    None => set(&mut self.others, name, *raw),
                },
            }
        }
        Some(())
    }

    fn write(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        for (name, text) in &self.strings {
            writer.text(name, text);
        }
        for (name, parts) in &self.nested {
            writer.raw(name, &parts.write());
        }
        for (name, raw) in &self.others {
            writer.raw(name, raw);
        }
        writer.end()
    }
}

fn append(strings: &mut Vec<(String, String)>, name: &str, text: &str) {
    match strings.iter_mut().find(|(own, _)| own == name) {
        Some((_, string)) => string.push_str(text),
        None => strings.push((name.to_owned(), text.to_owned())),
    }
}

/// The outline of a completion.
pub(super) fn outline_of(completion: &Object<'_>) -> AnswerOutline {
    let usage = completion.object("usage").unwrap_or_default();
    let choices: Vec<_> = completion.elements("choices").into_iter().filter_map(Object::from_text).collect();
    let fingerprints: Option<Vec<_>> =
        choices.iter().map(|choice| text_message_fingerprint(choice.raw("message")?).ok()).collect();
    AnswerOutline {
        id: completion.text("id").map(Cow::into_owned),
        model: completion.text("model").map(Cow::into_owned),
        stop: choices.first().and_then(|choice| choice.text("finish_reason")).map(Cow::into_owned),
        usage: Usage {
            input_tokens: usage.number("prompt_tokens"),
            output_tokens: usage.number("completion_tokens"),
        },
        fingerprints: fingerprints.unwrap_or_default(),
        message: None,
        terminal: Terminal::Clean,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FIRST: &[u8] = br#"{"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}"#;

    fn one_of(values: &'static [&'static str]) -> impl Strategy<Value = String> {
        prop_oneof![
            6 => Just(values.first().copied().unwrap_or_default().to_owned()),
            2 => proptest::sample::select(values).prop_map(str::to_owned),
        ]
    }

    fn content() -> impl Strategy<Value = String> {
        let raw = r#"([ -!#-\[\]-~é漢😀\x01]|\\[nrt"\\/bfux]|\\u00(41|e9|0a)|\\ud83d\\ude00|\\ud800)"#;
        let text = proptest::string::string_regex(&format!("\"content\":\"{raw}{{0,6}}\"")).unwrap();
        prop_oneof![
            8 => text,
            2 => one_of(&[
                r#""content":null"#,
                r#""role":"assistant""#,
                r#""tool_calls":[]"#,
                r#""c\u006fntent":"x""#,
                r#""content":5"#,
            ]),
        ]
    }

    /// Members, sometimes with one of them twice or missing, with white space.
    fn joined(mut members: Vec<String>, twist: usize, space: &str) -> String {
        if let Some(again) = members.get(twist).cloned() {
            members.push(again);
        } else if twist == 9 {
            members.pop();
        } else if twist == 8 {
            members.reverse();
        }
        format!("{{{space}{}{space}}}", members.join(&format!("{space},{space}")))
    }

    fn chunk() -> impl Strategy<Value = String> {
        let delta = (content(), one_of(&["", r#""refusal":null"#, r#""reasoning":"r""#]), 0..12_usize)
            .prop_map(|(content, more, twist)| {
                let more = (!more.is_empty()).then_some(more);
                joined([content].into_iter().chain(more).collect(), twist, "")
            });
        let choice = (
            one_of(&[r#""index":0"#, r#""index":1"#, r#""index":null"#, r#""index":0.0"#]),
            delta,
            one_of(&[r#""logprobs":null"#, r#""finish_reason":null"#, r#""finish_reason":"stop""#]),
            0..24_usize,
        )
            .prop_map(|(index, delta, more, twist)| {
                joined(vec![index, format!("\"delta\":{delta}"), more], twist, "")
            });
        (
            one_of(&[
                r#""id":"c""#,
                r#""id":"d""#,
                r#""error":null"#,
                r#""error":{"code":"x"}"#,
                r#""usage":null"#,
            ]),
            one_of(&[r#""created":1"#, r#""created":2"#, r#""object":"o""#, r#""obfuscation":"zz""#]),
            proptest::collection::vec(choice, 0..3),
            0..24_usize,
            "[ \n\t]{0,2}",
        )
            .prop_map(|(first, second, choices, twist, space)| {
                let choices = format!("\"choices\" :[{}]", choices.join(","));
                joined(vec![first, second, choices], twist, &space)
            })
    }

    fn begun() -> Assembly {
        let mut assembly = Assembly::default();
        assert_eq!(assembly.any_event(b"", FIRST), None);
        assembly
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn the_short_way_and_the_general_way_agree(chunks in proptest::collection::vec(chunk(), 1..4)) {
            let (mut short, mut general) = (begun(), begun());
            for chunk in &chunks {
                let ended = short.event(b"", chunk.as_bytes());
                prop_assert_eq!(ended, general.any_event(b"", chunk.as_bytes()));
                prop_assert_eq!(short.kept_bytes, general.kept_bytes);
                prop_assert_eq!(short.unknown, general.unknown);
            }
            // An unknown chunk hides the message from the outline, so what was gathered is compared too.
            let written = |assembly: &Assembly| -> Vec<_> {
                assembly.choices.iter().map(|(index, choice)| choice.write(*index)).collect()
            };
            prop_assert_eq!(written(&short), written(&general));
            prop_assert_eq!(short.finish(Terminal::Clean), general.finish(Terminal::Clean));
        }
    }

    #[test]
    fn frequent_chunks_take_the_short_way() {
        let check = |chunk: &str, expected: bool| {
            assert_eq!(begun().content_delta(chunk.as_bytes()).is_some(), expected, "{chunk}");
        };
        check(
            r#"{"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":" a"},"logprobs":null,"finish_reason":null}],"usage":null}"#,
            true,
        );
        check(r#"{"id":"other","choices":[{"index":0,"delta":{"content":" a"}}]}"#, false);
        check(r#"{"id":"c","choices":[{"index":0,"delta":{"content":" a"},"finish_reason":"stop"}]}"#, false);
        check(r#"{"id":"c","choices":[]}"#, false);
    }
}
