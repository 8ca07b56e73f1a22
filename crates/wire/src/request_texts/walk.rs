//! Finding the texts of a request, with whose words they are.

use std::borrow::Cow;

use fiducia_policy::Provenance;

use super::{REQUEST_TEXTS_MAX, RequestText};
use crate::json::{Cursor, Kind};
use crate::{RequestError, Role, Wire};

/// Members whose strings are said or shown, within a message, part or item.
const TEXT_MEMBERS: [&str; 11] = [
    "text",
    "content",
    "thinking",
    "refusal",
    "transcript",
    "cited_text",
    "title",
    "context",
    "output",
    "error",
    "instructions",
];

/// Members that hold more messages, parts or items.
const NESTED_MEMBERS: [&str; 14] = [
    "content",
    "parts",
    "output",
    "summary",
    "tool_calls",
    "function",
    "function_call",
    "custom",
    "audio",
    "source",
    "citations",
    "message",
    "tools",
    "error",
];

/// Members of which every string is what a tool takes or has found.
const LEAF_MEMBERS: [&str; 10] =
    ["input", "arguments", "code", "diff", "queries", "action", "operation", "results", "outputs", "logs"];

/// Members by which a provider binds the rest of their object.
const SEALS: [&str; 3] = ["signature", "encrypted_content", "encrypted_index"];

/// Where a string stands, as far as it matters whose words it is.
#[derive(Clone)]
struct Context {
    role: Role,
    provenance: Provenance,
    is_sealed: bool,
}

/// What an object says of itself.
#[derive(Default)]
struct Shape<'a> {
    role: Option<Cow<'a, str>>,
    kind: Option<Cow<'a, str>>,
    has_seal: bool,
}

struct Walk<'a> {
    wire: Wire,
    found: Vec<RequestText<'a>>,
}

/// The texts of the request body at the cursor.
pub(super) fn texts<'a>(wire: Wire, cursor: &mut Cursor<'a>) -> Result<Vec<RequestText<'a>>, RequestError> {
    if cursor.kind()? != Kind::Object {
        return Err(RequestError::WrongType { field: "(the body)", expected: "a JSON object" });
    }
    let mut walk = Walk { wire, found: Vec::new() };
    cursor.members(|cursor, name| walk.body_member(cursor, &name.lossy()))?;
    Ok(walk.found)
}

impl Context {
    fn of(role: Role, provenance: Provenance) -> Self {
        Self { role, provenance, is_sealed: false }
    }

    /// The context within an object.
    fn within(&self, shape: &Shape<'_>) -> Self {
        let mut context = self.clone();
        if let Some(name) = &shape.role {
            context.role = Role::from_name(name);
            context.provenance = match context.role {
                Role::System | Role::Developer => Provenance::SystemPrompt,
                Role::Assistant => Provenance::EarlierAnswer,
                Role::Tool | Role::Function => Provenance::ToolResult,
                Role::User | Role::Item | Role::Other(_) => Provenance::Person,
            };
        }
        context.is_sealed |= shape.has_seal;
        let Some(kind) = shape.kind.as_deref() else { return context };
        match kind {
            "thinking" | "redacted_thinking" | "compaction" | "reasoning" => context.is_sealed = true,
            "additional_tools" => context.provenance = Provenance::SystemPrompt,
            "document" | "search_result" | "input_file" | "file" if !context.provenance.is_data() => {
                context.provenance = Provenance::Document;
            }
            "mcp_list_tools" => context.provenance = Provenance::ToolResult,
            _ if kind.ends_with("tool_result") || kind.ends_with("_output") => {
                context.provenance = Provenance::ToolResult;
                // Results of tools that the provider ran are its own; those that a client brings are the client's.
                context.is_sealed |=
                    !matches!(kind, "tool_result" | "mcp_tool_result") && kind.ends_with("tool_result");
            }
            _ => {}
        }
        let is_item_of_model = shape.role.is_none() && (kind.ends_with("_call") || kind == "program");
        if is_item_of_model || matches!(kind, "reasoning" | "compaction") {
            context.provenance = Provenance::EarlierAnswer;
        }
        context
    }
}

impl<'a> Walk<'a> {
    fn body_member(&mut self, cursor: &mut Cursor<'a>, name: &str) -> Result<(), RequestError> {
        use Wire::{
            AnthropicMessages as Messages, OpenAiChat as Chat, OpenAiEmbeddings, OpenAiResponses as Responses,
        };
        let context = match (name, self.wire) {
            ("system", Messages) | ("instructions", Responses) => {
                Context::of(Role::System, Provenance::SystemPrompt)
            }
            ("messages", Messages | Chat) | ("input", Responses | OpenAiEmbeddings) => {
                Context::of(Role::User, Provenance::Person)
            }
            ("prediction", Chat) => Context::of(Role::Assistant, Provenance::Person),
            ("tools", _) | ("functions", Chat) => return self.descriptions(cursor),
            // The values of a stored prompt's variables.
            ("prompt", Responses) => {
                return self.leaves(cursor, &Context::of(Role::User, Provenance::Person));
            }
            _ => return cursor.skip().map(drop),
        };
        self.value(cursor, &context)
    }

    fn value(&mut self, cursor: &mut Cursor<'a>, context: &Context) -> Result<(), RequestError> {
        match cursor.kind()? {
            Kind::String => self.text(cursor, context, false),
            Kind::Array => cursor.elements(|cursor| self.value(cursor, context)),
            Kind::Object => self.object(cursor, context),
            Kind::Null | Kind::Bool | Kind::Number => cursor.skip().map(drop),
        }
    }

    fn object(&mut self, cursor: &mut Cursor<'a>, context: &Context) -> Result<(), RequestError> {
        let shape = shape(&mut cursor.clone())?;
        let context = context.within(&shape);
        let is_plain_source = shape.kind.as_deref() == Some("text");
        cursor.members(|cursor, name| {
            let (name, is_string) = (name.lossy(), cursor.kind()? == Kind::String);
            match &*name {
                // Arguments of functions are JSON within a string.
                "arguments" if is_string => self.text(cursor, &context, true),
                name if LEAF_MEMBERS.contains(&name) => self.leaves(cursor, &context),
                "data" if is_string && is_plain_source => self.text(cursor, &context, false),
                "tools" if !is_string => self.descriptions(cursor),
                name if is_string && TEXT_MEMBERS.contains(&name) => self.text(cursor, &context, false),
                name if !is_string && NESTED_MEMBERS.contains(&name) => self.value(cursor, &context),
                _ => cursor.skip().map(drop),
            }
        })
    }

    /// Every string of a value.
    fn leaves(&mut self, cursor: &mut Cursor<'a>, context: &Context) -> Result<(), RequestError> {
        match cursor.kind()? {
            Kind::String => self.text(cursor, context, false),
            Kind::Array => cursor.elements(|cursor| self.leaves(cursor, context)),
            Kind::Object => cursor.members(|cursor, _| self.leaves(cursor, context)),
            Kind::Null | Kind::Bool | Kind::Number => cursor.skip().map(drop),
        }
    }

    /// What tools say of themselves: their descriptions wherever they stand, and examples.
    fn descriptions(&mut self, cursor: &mut Cursor<'a>) -> Result<(), RequestError> {
        let context = Context::of(Role::System, Provenance::SystemPrompt);
        match cursor.kind()? {
            Kind::Array => cursor.elements(|cursor| self.descriptions(cursor)),
            Kind::Object => cursor.members(|cursor, name| match (&*name.lossy(), cursor.kind()?) {
                ("description", Kind::String) => self.text(cursor, &context, false),
                ("input_examples", _) => self.leaves(cursor, &context),
                _ => self.descriptions(cursor),
            }),
            _ => cursor.skip().map(drop),
        }
    }

    fn text(
        &mut self,
        cursor: &mut Cursor<'a>,
        context: &Context,
        is_json: bool,
    ) -> Result<(), RequestError> {
        let start = cursor.offset();
        let token = cursor.string()?;
        if token.is_empty() {
            return Ok(());
        }
        if self.found.len() == REQUEST_TEXTS_MAX {
            return Err(RequestError::TooManyTexts { texts_max: REQUEST_TEXTS_MAX });
        }
        self.found.push(RequestText {
            role: context.role.clone(),
            provenance: context.provenance,
            text: token.lossy(),
            is_sealed: context.is_sealed,
            is_json,
            token,
            inner: start + 1..cursor.position() - 1,
        });
        Ok(())
    }
}

/// What the object at the cursor says of itself, wherever its members stand.
fn shape<'a>(cursor: &mut Cursor<'a>) -> Result<Shape<'a>, RequestError> {
    let mut shape = Shape::default();
    cursor.members(|cursor, name| {
        let (name, kind) = (name.lossy(), cursor.kind()?);
        match (&*name, kind) {
            ("role", Kind::String) => shape.role = Some(cursor.string()?.lossy()),
            ("type", Kind::String) => shape.kind = Some(cursor.string()?.lossy()),
            (name, kind) => {
                shape.has_seal |= kind != Kind::Null && SEALS.contains(&name);
                cursor.skip().map(drop)?;
            }
        }
        Ok(())
    })?;
    Ok(shape)
}
