//! Tools: what a declared tool means by its `type`, its version and who may call it.

use std::borrow::Cow;

use fiducia_policy::Feature;

use super::{Draft, string};
use crate::json::{Cursor, Kind};
use crate::{RequestError, Wire};

/// The most different models that a request may name for its advisors.
pub const ADVISOR_MODELS_MAX: usize = 16;

/// From this version on, the provider's web tools filter what they find by code in a container.
const DYNAMIC_FILTERING_SINCE: &str = "20260209";

/// Tools of the Messages API by the beginning of their `type`, which a version follows.
const MESSAGES_TOOLS: [(&str, Feature); 11] = [
    ("advisor", Feature::AdvisorTool),
    ("agent_toolset", Feature::ManagedAgents),
    ("bash", Feature::BashTool),
    ("browser", Feature::BrowserUse),
    ("code_execution", Feature::CodeExecution),
    ("computer", Feature::ComputerUse),
    ("mcp", Feature::McpConnector),
    ("memory", Feature::MemoryTool),
    ("multiagent", Feature::ManagedAgents),
    ("text_editor", Feature::TextEditorTool),
    ("tool_search", Feature::ToolSearch),
];

/// The web tools of the Messages API: without and with dynamic filtering.
const MESSAGES_WEB_TOOLS: [(&str, Feature, Feature); 2] = [
    ("web_fetch", Feature::WebFetch, Feature::WebFetchDynamicFiltering),
    ("web_search", Feature::WebSearch, Feature::WebSearchDynamicFiltering),
];

/// Tools of OpenAI's interfaces by the beginning of their `type`.
const OPEN_AI_TOOLS: [(&str, Feature); 5] = [
    ("code_interpreter", Feature::CodeInterpreter),
    ("computer", Feature::ComputerUse),
    ("file_search", Feature::FileSearch),
    ("mcp", Feature::RemoteMcp),
    ("programmatic_tool_calling", Feature::ProgrammaticToolCalling),
];

/// Whether a tool's `type` is `family`, with or without a version behind it.
pub(super) fn is_of(kind: &str, family: &str) -> bool {
    kind.strip_prefix(family).is_some_and(|version| version.is_empty() || version.starts_with('_'))
}

/// Whether a web tool of this `type` filters by code unless told otherwise. A version that is no date is taken for a
/// new one.
fn filters_dynamically(kind: &str) -> bool {
    let version = kind.rsplit('_').next().unwrap_or_default();
    let is_date = version.len() == 8 && version.bytes().all(|byte| byte.is_ascii_digit());
    !is_date || version >= DYNAMIC_FILTERING_SINCE
}

/// What is read of a tool before it is known which one it is.
#[derive(Default)]
struct Tool<'a> {
    kind: Option<Cow<'a, str>>,
    callers: Option<Callers>,
    model: Option<Cow<'a, str>>,
    is_live: Option<bool>,
    is_local: Option<bool>,
    is_tunnelled: bool,
}

/// Who may call a tool.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Callers {
    /// The list is empty, or `null`.
    Unsaid,
    /// The model alone.
    Direct,
    /// Code in a container too, or somebody that this build does not know.
    Code,
}

fn callers(cursor: &mut Cursor<'_>) -> Result<Callers, RequestError> {
    if cursor.null()? {
        return Ok(Callers::Unsaid);
    }
    if cursor.kind()? != Kind::Array {
        cursor.skip()?;
        return Ok(Callers::Code);
    }
    let mut found = Callers::Unsaid;
    cursor.elements(|cursor| {
        let is_direct = string(cursor)?.is_some_and(|caller| caller == "direct");
        found = if is_direct && found != Callers::Code { Callers::Direct } else { Callers::Code };
        Ok(())
    })?;
    Ok(found)
}

impl Draft {
    pub(super) fn tool(&mut self, wire: Wire, cursor: &mut Cursor<'_>) -> Result<(), RequestError> {
        let mut tool = Tool::default();
        self.object(cursor, |draft, name, cursor| draft.tool_member(wire, &mut tool, name, cursor))?;
        match wire {
            Wire::AnthropicMessages => self.messages_tool(&tool),
            Wire::OpenAiChat | Wire::OpenAiResponses => self.open_ai_tool(&tool),
            Wire::OpenAiEmbeddings => {}
        }
        Ok(())
    }

    fn tool_member<'a>(
        &mut self,
        wire: Wire,
        tool: &mut Tool<'a>,
        name: &str,
        cursor: &mut Cursor<'a>,
    ) -> Result<(), RequestError> {
        match name {
            "type" => {
                let kind = string(cursor)?.unwrap_or_default();
                self.set(&mut tool.kind, kind, "tools[].type");
            }
            "allowed_callers" => {
                let callers = callers(cursor)?;
                self.set(&mut tool.callers, callers, "tools[].allowed_callers");
            }
            "model" => {
                let model = string(cursor)?.unwrap_or_default();
                self.set(&mut tool.model, model, "tools[].model");
            }
            "strict" if is_bool(cursor, true)? => self.insert(Feature::StrictTools),
            "eager_input_streaming" if is_bool(cursor, true)? => {
                self.insert(Feature::FineGrainedToolStreaming);
            }
            "strict" | "eager_input_streaming" => {}
            "external_web_access" => {
                let is_live = !is_bool(cursor, false)?;
                self.set(&mut tool.is_live, is_live, "tools[].external_web_access");
            }
            "environment" => {
                let is_local = self.is_local(cursor)?;
                self.set(&mut tool.is_local, is_local, "tools[].environment");
            }
            "tunnel_id" => {
                if !cursor.null()? {
                    cursor.skip()?;
                    tool.is_tunnelled = true;
                }
            }
            "function" | "definition" => self.tool(wire, cursor)?,
            "tools" => self.tools(wire, cursor)?,
            "container" => self.content(wire, cursor)?,
            _ => return cursor.skip().map(drop),
        }
        Ok(())
    }

    /// Whether the environment of a shell is the client's own.
    fn is_local(&mut self, cursor: &mut Cursor<'_>) -> Result<bool, RequestError> {
        let mut is_local = None;
        self.object(cursor, |draft, name, cursor| match name {
            "type" => {
                let kind = string(cursor)?.unwrap_or_default();
                draft.set(&mut is_local, kind == "local", "tools[].environment.type");
                Ok(())
            }
            _ => cursor.skip().map(drop),
        })?;
        Ok(is_local.unwrap_or(false))
    }

    /// Sets what may be said once.
    fn set<T>(&mut self, slot: &mut Option<T>, value: T, field: &'static str) {
        if slot.replace(value).is_some() {
            self.unclear(RequestError::Duplicate { field });
        }
    }

    fn messages_tool(&mut self, tool: &Tool<'_>) {
        let kind = tool.kind.as_deref().unwrap_or_default();
        for (family, feature) in MESSAGES_TOOLS {
            if is_of(kind, family) {
                self.insert(feature);
            }
        }
        if let Some(model) = tool.model.as_deref().filter(|_| is_of(kind, "advisor")) {
            self.advisor(model);
        }
        let web = MESSAGES_WEB_TOOLS.into_iter().find(|(family, ..)| is_of(kind, family));
        match web {
            Some((_, plain, _)) if tool.callers == Some(Callers::Direct) => self.insert(plain),
            Some((_, _, filtering)) if filters_dynamically(kind) => self.insert(filtering),
            Some((_, plain, _)) => {
                self.insert(plain);
                self.programmatic(tool);
            }
            None => self.programmatic(tool),
        }
    }

    fn open_ai_tool(&mut self, tool: &Tool<'_>) {
        let kind = tool.kind.as_deref().unwrap_or_default();
        for (family, feature) in OPEN_AI_TOOLS {
            if is_of(kind, family) {
                self.insert(feature);
            }
        }
        if is_of(kind, "web_search") {
            let is_live = tool.is_live.unwrap_or(true);
            self.insert(if is_live { Feature::LiveWebSearch } else { Feature::WebSearch });
        }
        if is_of(kind, "shell") && !tool.is_local.unwrap_or(false) {
            self.insert(Feature::HostedShell);
        }
        if is_of(kind, "mcp") && tool.is_tunnelled {
            self.insert(Feature::McpTunnels);
        }
        self.programmatic(tool);
    }

    fn programmatic(&mut self, tool: &Tool<'_>) {
        if tool.callers == Some(Callers::Code) {
            self.insert(Feature::ProgrammaticToolCalling);
        }
    }

    fn advisor(&mut self, model: &str) {
        let models = &mut self.features.advisor_models;
        if models.iter().any(|known| known == model) {
            return;
        }
        if models.len() == ADVISOR_MODELS_MAX {
            self.unclear(RequestError::WrongType {
                field: "tools[].model",
                expected: "one of at most 16 different models",
            });
            return;
        }
        models.push(model.to_owned());
    }
}

/// Passes over a value and says whether it is `wanted`.
fn is_bool(cursor: &mut Cursor<'_>, wanted: bool) -> Result<bool, RequestError> {
    if cursor.kind()? == Kind::Bool {
        return Ok(cursor.boolean()? == wanted);
    }
    cursor.skip().map(|_| false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_tell_which_web_tools_filter() {
        let check = |kind: &str, expected: bool| assert_eq!(filters_dynamically(kind), expected, "{kind}");
        check("web_search_20250305", false);
        check("web_search_20260208", false);
        check("web_search_20260209", true);
        check("web_fetch_20260318", true);
        check("web_fetch_20991231", true);
        check("web_search", true);
        check("web_search_latest", true);
        check("web_search_2025030", true);
        check("web_search_+2025030", true);
        check("web_search_99999999", true);
    }
}
