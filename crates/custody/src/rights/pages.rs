//! The pages of an export: HTML that opens from a folder, without scripts, with everything that others wrote escaped.

use askama::Template;

use super::document::{ConversationDocument, EventDocument, PersonDocument, RecordDocument};
use crate::AdminError;

/// The page on which everything starts.
#[derive(Template)]
#[template(path = "export_index.html")]
pub(super) struct IndexPage<'a> {
    pub(super) person: &'a PersonDocument,
    pub(super) made_at: &'a str,
    pub(super) conversations: u64,
    pub(super) records: u64,
    pub(super) listed_only: u64,
    /// For each volume: its number and how many list pages it has.
    pub(super) volumes: &'a [(u32, u64)],
}

/// A page with a list of conversations.
#[derive(Template)]
#[template(path = "export_list.html")]
pub(super) struct ListPage<'a> {
    pub(super) volume: u32,
    pub(super) number: u64,
    pub(super) rows: &'a [ListRow],
}

/// A conversation in a list.
pub(super) struct ListRow {
    pub(super) conversation: String,
    pub(super) started_at: String,
    pub(super) last_active_at: String,
    pub(super) records: u64,
    pub(super) parts: u32,
    pub(super) state: String,
}

/// A conversation, or a part of one.
#[derive(Template)]
#[template(path = "export_conversation.html")]
pub(super) struct ConversationPage<'a> {
    pub(super) conversation: &'a ConversationDocument,
    pub(super) has_next: bool,
}

/// A page of ledger entries.
#[derive(Template)]
#[template(path = "export_events.html")]
pub(super) struct EventsPage<'a> {
    pub(super) volume: u32,
    pub(super) number: usize,
    pub(super) has_next: bool,
    pub(super) rows: &'a [EventDocument],
}

impl EventsPage<'_> {
    /// What an entry says, as a line.
    fn line(event: &EventDocument) -> String {
        let Some(fields) = event.entry.as_object() else { return String::new() };
        let shown = fields.iter().filter(|(name, _)| {
            !["at", "id", "org", "type", "records", "pseudonym"].contains(&name.as_str())
        });
        let mut line: Vec<String> = shown
            .map(|(name, value)| match value {
                serde_json::Value::String(text) => format!("{name} {text}"),
                other => format!("{name} {other}"),
            })
            .collect();
        if let Some(records) = fields.get("records").and_then(serde_json::Value::as_array) {
            line.push(format!("{} records", records.len()));
        }
        line.join(", ")
    }
}

impl ConversationPage<'_> {
    fn name_of(record: &RecordDocument) -> &str {
        match record.kind.as_str() {
            "request" => "What was sent",
            "answer" => "What was answered",
            _ => "A turn",
        }
    }
}

/// A page as text.
pub(super) fn page(template: &impl Template) -> Result<String, AdminError> {
    template.render().map_err(|error| AdminError::Storage(format!("a page could not be made: {error}")))
}
