//! Which features of a provider a request uses, read on the way through its outline.
//!
//! Nothing is judged here: an ordinary request with an odd `tools` value passes as it is. What two readers could
//! understand in two ways, because a member appears twice, is reported as such for those who must know.
//!
//! Within messages only few requests name anything that is looked for, so their text is searched for those names
//! first, and read member by member only when one of them occurs.

mod tool;

use std::borrow::Cow;

use fiducia_policy::{Feature, FeatureSet};
use memchr::memmem;

pub use self::tool::ADVISOR_MODELS_MAX;
use self::tool::is_of;
use crate::json::{Cursor, Kind};
use crate::{RequestError, Wire, outline};

/// What a request uses besides an answer.
///
/// Features that stand in plain content and keep nothing, such as citations or PDF documents, are not looked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Features {
    /// The features that it uses.
    pub set: FeatureSet,
    /// Models that are given the conversation besides those of [`crate::Outline::model`] and
    /// [`crate::Outline::fallbacks`].
    pub advisor_models: Vec<String>,
    /// Why the two above cannot be relied on, when two readers could understand the request differently.
    pub ambiguity: Option<RequestError>,
}

/// The features that a request body uses. [`crate::outline()`] gives them too, from the same pass.
///
/// # Errors
/// As [`crate::outline()`].
pub fn features(wire: Wire, body: &[u8]) -> Result<Features, RequestError> {
    Ok(outline(wire, body)?.features)
}

/// The features that an `anthropic-beta` header switches on by itself. Most names in it only permit a member or a tool
/// of the body, which is then found there.
pub fn beta_features(header: &str) -> FeatureSet {
    const BETAS: [(&str, Feature); 5] = [
        ("context-1m-", Feature::LongContext),
        ("extended-cache-ttl-", Feature::PromptCaching),
        ("fine-grained-tool-streaming-", Feature::FineGrainedToolStreaming),
        ("managed-agents-", Feature::ManagedAgents),
        ("mcp-tunnels-", Feature::McpTunnels),
    ];
    let named = |name: &str| BETAS.into_iter().find(|(start, _)| name.trim().starts_with(start));
    header.split(',').filter_map(named).map(|(_, feature)| feature).collect()
}

/// The top-level members that are read for features alone. Others are read for the outline and reported by it.
#[derive(Clone, Copy)]
enum Field {
    Tools,
    Container,
    McpServers,
    Diagnostics,
    ContextManagement,
    Compaction,
    OutputConfig,
    OutputFormat,
    ResponseFormat,
    Text,
    WebSearchOptions,
    Modalities,
    Audio,
    PromptCacheRetention,
    Prompt,
}

impl Field {
    fn of(wire: Wire, name: &str) -> Option<(Self, &'static str)> {
        use Wire::{AnthropicMessages as Messages, OpenAiChat as Chat, OpenAiResponses as Responses};
        Some(match (name, wire) {
            ("tools", Messages | Chat | Responses) => (Self::Tools, "tools"),
            ("container", Messages) => (Self::Container, "container"),
            ("mcp_servers", Messages) => (Self::McpServers, "mcp_servers"),
            ("diagnostics", Messages) => (Self::Diagnostics, "diagnostics"),
            ("context_management", Messages) => (Self::ContextManagement, "context_management"),
            ("compaction", Messages) => (Self::Compaction, "compaction"),
            ("output_config", Messages) => (Self::OutputConfig, "output_config"),
            ("output_format", Messages) => (Self::OutputFormat, "output_format"),
            ("response_format", Chat) => (Self::ResponseFormat, "response_format"),
            ("text", Responses) => (Self::Text, "text"),
            ("web_search_options", Chat) => (Self::WebSearchOptions, "web_search_options"),
            ("modalities", Chat) => (Self::Modalities, "modalities"),
            ("audio", Chat) => (Self::Audio, "audio"),
            ("prompt_cache_retention", Chat | Responses) => {
                (Self::PromptCacheRetention, "prompt_cache_retention")
            }
            ("prompt", Responses) => (Self::Prompt, "prompt"),
            _ => return None,
        })
    }
}

/// Features while they are read.
#[derive(Default)]
pub(crate) struct Draft {
    features: Features,
    seen: u32,
}

impl Draft {
    /// Notes a feature that the outline has found.
    pub(crate) fn insert(&mut self, feature: Feature) {
        self.features.set.insert(feature);
    }

    /// What was found.
    pub(crate) fn finish(self) -> Features {
        self.features
    }

    /// Reads the value of a top-level member that the outline does not read, or passes over it.
    pub(crate) fn member(
        &mut self,
        wire: Wire,
        name: &str,
        cursor: &mut Cursor<'_>,
    ) -> Result<(), RequestError> {
        let Some((field, name)) = Field::of(wire, name) else { return cursor.skip().map(drop) };
        self.once(field as u32, name);
        if cursor.null()? {
            return Ok(());
        }
        match field {
            Field::Tools => self.tools(wire, cursor),
            Field::Container => self.container(cursor),
            Field::McpServers => {
                if !is_empty(cursor)? {
                    self.insert(Feature::McpConnector);
                }
                Ok(())
            }
            Field::Diagnostics => self.presence(Feature::CacheDiagnostics, cursor),
            Field::ContextManagement => self.context_management(cursor),
            Field::Compaction => self.presence(Feature::Compaction, cursor),
            Field::OutputConfig | Field::Text => self.object(cursor, |draft, name, cursor| match name {
                "format" => draft.format(cursor),
                _ => cursor.skip().map(drop),
            }),
            Field::OutputFormat | Field::ResponseFormat => self.format(cursor),
            Field::WebSearchOptions => self.presence(Feature::LiveWebSearch, cursor),
            Field::Modalities => self.texts(cursor, |draft, text| {
                if text == "audio" {
                    draft.insert(Feature::AudioOutput);
                }
            }),
            Field::Audio => self.presence(Feature::AudioOutput, cursor),
            Field::PromptCacheRetention => {
                let retention = string(cursor)?;
                if !matches!(retention.as_deref(), Some("in_memory" | "in-memory")) {
                    self.insert(Feature::ExtendedPromptCache);
                }
                Ok(())
            }
            Field::Prompt => self.content(wire, cursor),
        }
    }

    /// Reads what the messages, or the input, name: files at the provider and tools that are added on the way.
    pub(crate) fn messages(&mut self, wire: Wire, text: &str) -> Result<(), RequestError> {
        let names: &[&str] = match wire {
            Wire::AnthropicMessages => &["file_id", "container_upload", "tool_addition"],
            Wire::OpenAiChat => &["file_id"],
            Wire::OpenAiResponses => &["file_id", "item_reference", "additional_tools"],
            Wire::OpenAiEmbeddings => return Ok(()),
        };
        let bytes = text.as_bytes();
        let is_named = names.iter().any(|name| memmem::find(bytes, name.as_bytes()).is_some());
        if is_named || hides_ascii(bytes) {
            self.content(wire, &mut Cursor::of(text))?;
        }
        Ok(())
    }

    fn once(&mut self, bit: u32, field: &'static str) {
        if self.seen & (1 << bit) != 0 {
            self.unclear(RequestError::Duplicate { field });
        }
        self.seen |= 1 << bit;
    }

    fn unclear(&mut self, error: RequestError) {
        self.features.ambiguity.get_or_insert(error);
    }

    fn presence(&mut self, feature: Feature, cursor: &mut Cursor<'_>) -> Result<(), RequestError> {
        self.insert(feature);
        cursor.skip().map(drop)
    }

    /// Reads an object by its members; passes over anything else.
    fn object<'a>(
        &mut self,
        cursor: &mut Cursor<'a>,
        mut member: impl FnMut(&mut Self, &str, &mut Cursor<'a>) -> Result<(), RequestError>,
    ) -> Result<(), RequestError> {
        if cursor.kind()? != Kind::Object {
            return cursor.skip().map(drop);
        }
        cursor.members(|cursor, name| member(self, &name.lossy(), cursor))
    }

    /// Reads an array by its elements; passes over anything else.
    fn array<'a>(
        &mut self,
        cursor: &mut Cursor<'a>,
        mut element: impl FnMut(&mut Self, &mut Cursor<'a>) -> Result<(), RequestError>,
    ) -> Result<(), RequestError> {
        if cursor.kind()? != Kind::Array {
            return cursor.skip().map(drop);
        }
        cursor.elements(|cursor| element(self, cursor))
    }

    /// Reads the strings of an array; passes over anything else.
    fn texts(
        &mut self,
        cursor: &mut Cursor<'_>,
        mut each: impl FnMut(&mut Self, &str),
    ) -> Result<(), RequestError> {
        self.array(cursor, |draft, cursor| {
            if let Some(text) = string(cursor)? {
                each(draft, &text);
            }
            Ok(())
        })
    }

    /// Reads an output format, which may be bound to a schema.
    fn format(&mut self, cursor: &mut Cursor<'_>) -> Result<(), RequestError> {
        self.object(cursor, |draft, name, cursor| match name {
            "type" => {
                if string(cursor)?.is_some_and(|kind| kind == "json_schema") {
                    draft.insert(Feature::StructuredOutputs);
                }
                Ok(())
            }
            _ => cursor.skip().map(drop),
        })
    }

    fn container(&mut self, cursor: &mut Cursor<'_>) -> Result<(), RequestError> {
        self.insert(Feature::CodeExecution);
        self.object(cursor, |draft, name, cursor| match name {
            "skills" => {
                if !is_empty(cursor)? {
                    draft.insert(Feature::Skills);
                }
                Ok(())
            }
            _ => cursor.skip().map(drop),
        })
    }

    /// Each edit is a compaction or clears something; without edits it is still the feature that was asked for.
    fn context_management(&mut self, cursor: &mut Cursor<'_>) -> Result<(), RequestError> {
        let (mut compacts, mut clears) = (false, false);
        self.object(cursor, |draft, name, cursor| match name {
            "edits" => draft.array(cursor, |draft, cursor| {
                let mut is_compaction = false;
                draft.object(cursor, |_, name, cursor| match name {
                    "type" => {
                        is_compaction |= string(cursor)?.is_some_and(|kind| is_of(&kind, "compact"));
                        Ok(())
                    }
                    _ => cursor.skip().map(drop),
                })?;
                compacts |= is_compaction;
                clears |= !is_compaction;
                Ok(())
            }),
            _ => cursor.skip().map(drop),
        })?;
        if compacts {
            self.insert(Feature::Compaction);
        }
        if clears || !compacts {
            self.insert(Feature::ContextEditing);
        }
        Ok(())
    }

    fn tools(&mut self, wire: Wire, cursor: &mut Cursor<'_>) -> Result<(), RequestError> {
        self.array(cursor, |draft, cursor| draft.tool(wire, cursor))
    }

    /// Looks through content of any depth for files at the provider, references and added tools. What a tool is given
    /// or gives as free JSON is not the wire's.
    fn content(&mut self, wire: Wire, cursor: &mut Cursor<'_>) -> Result<(), RequestError> {
        match cursor.kind()? {
            Kind::Array => cursor.elements(|cursor| self.content(wire, cursor)),
            Kind::Object => cursor.members(|cursor, name| match &*name.lossy() {
                "file_id" | "file_ids" => {
                    if !is_empty(cursor)? {
                        self.insert(Feature::Files);
                    }
                    Ok(())
                }
                "type" => {
                    match string(cursor)?.as_deref() {
                        Some("container_upload") => {
                            self.insert(Feature::Files);
                            self.insert(Feature::CodeExecution);
                        }
                        Some("item_reference") => self.insert(Feature::PreviousResponses),
                        _ => {}
                    }
                    Ok(())
                }
                "definition" => self.tool(wire, cursor),
                "tools" => self.tools(wire, cursor),
                "input" | "input_schema" | "parameters" | "arguments" => cursor.skip().map(drop),
                _ => self.content(wire, cursor),
            }),
            _ => cursor.skip().map(drop),
        }
    }
}

/// Whether text escapes characters that could stand in a name that is looked for (`\u0020` to `\u007f`).
fn hides_ascii(bytes: &[u8]) -> bool {
    let escapes = memmem::find_iter(bytes, br"\u00");
    escapes.into_iter().any(|at| bytes.get(at + 4).is_some_and(|digit| (b'2'..=b'7').contains(digit)))
}

/// Reads a string; passes over anything else.
fn string<'a>(cursor: &mut Cursor<'a>) -> Result<Option<Cow<'a, str>>, RequestError> {
    if cursor.kind()? == Kind::String {
        return Ok(Some(cursor.string()?.lossy()));
    }
    cursor.skip().map(|_| None)
}

/// Passes over a value and says whether it is `null` or an array without elements.
fn is_empty(cursor: &mut Cursor<'_>) -> Result<bool, RequestError> {
    match cursor.kind()? {
        Kind::Null => cursor.skip().map(|_| true),
        Kind::Array => {
            let mut empty = true;
            cursor.elements(|cursor| {
                empty = false;
                cursor.skip().map(drop)
            })?;
            Ok(empty)
        }
        _ => cursor.skip().map(|_| false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_that_can_hide_a_name_are_told_from_those_that_cannot() {
        let check = |text: &str, expected: bool| assert_eq!(hides_ascii(text.as_bytes()), expected, "{text}");
        check(r"file\u005fid", true);
        check(r"\u0066ile_id", true);
        check(r"\u007F \u0020", true);
        check(r"caf\u00e9 \n \u0009 \ud83d \u2014", false);
        check(r"\u00", false);
        check("plain", false);
    }

    #[test]
    fn betas_that_only_permit_are_no_features() {
        let check = |header: &str, expected: &str| assert_eq!(beta_features(header).to_string(), expected);
        check("", "");
        check("files-api-2025-04-14,context-management-2025-06-27, code-execution-2025-08-25", "");
        check("interleaved-thinking-2025-05-14, mcp-tunnels-2026-06-22", "MCP tunnels");
        check("context-1m-2025-08-07,managed-agents-2026-04-01", "1M context, managed agents");
    }
}
