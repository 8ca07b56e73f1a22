//! A look in a session: blurred first, then revealed record by record. Each is an entry in the log before anything is
//! decrypted, and the answer to a form.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::{Path, State};
use axum::response::{Redirect, Response};
use axum::routing::post;
use fiducia_custody::{AccessCommand, AccessReply, AdminError, LookTarget, RecordContent, SessionContent};
use fiducia_policy::{ConversationId, RecordId, Sight};
use http::StatusCode;

use super::session::{against, detail, may_see_log, named, page};
use super::view::{SessionView, Viewer, as_of_now, moment};
use super::visible::visible;
use super::{give, staff};
use crate::console::Console;
use crate::console::form::Posted;
use crate::console::frame::Frame;
use crate::console::refusal::Refusal;
use crate::console::visitor::Shared;

pub(super) fn routes() -> Router<Arc<Console>> {
    Router::new().route("/access/sessions/{id}/look", post(look).get(leave))
}

/// Whoever comes to the address otherwise than by a form took no look, and is led to the session.
async fn leave(Path(id): Path<String>) -> Result<Redirect, Refusal> {
    Ok(Redirect::to(&format!("/access/sessions/{}", named(&id)?)))
}

/// At what, and how. Empty fields say nothing.
#[derive(serde::Deserialize)]
struct Wanted {
    #[serde(default)]
    conversation: String,
    #[serde(default)]
    record: String,
    #[serde(default)]
    after: String,
    #[serde(default)]
    sight: String,
}

impl Wanted {
    fn command(&self, session: &str) -> Result<AccessCommand, Refusal> {
        let record: Option<RecordId> = typed(&self.record)?;
        Ok(AccessCommand::Look {
            session: named(session)?,
            target: LookTarget {
                conversation: typed(&self.conversation)?,
                records: record.into_iter().collect(),
                after: typed(&self.after)?,
            },
            sight: typed(&self.sight)?,
        })
    }
}

fn typed<T: std::str::FromStr>(text: &str) -> Result<Option<T>, Refusal> {
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|_| Refusal::Invalid("The form is incomplete.".to_owned()))
}

/// One record, as it is shown.
struct Shown {
    id: RecordId,
    kind: String,
    model: String,
    at: (String, String),
    /// Who, and what they said.
    texts: Vec<(String, String)>,
}

#[derive(Template)]
#[template(path = "console/access_look.html")]
struct LookPage<'a> {
    frame: &'a Frame,
    session: SessionView,
    conversation: ConversationId,
    is_blurred: bool,
    /// Whether it is at one record alone.
    is_single: bool,
    records: Vec<Shown>,
    /// From which record the next page goes on.
    after: Option<RecordId>,
    index: u64,
    may_see_log: bool,
}

impl LookPage<'_> {
    fn sight(&self) -> &'static str {
        if self.is_blurred { Sight::Blurred.name() } else { Sight::Plain.name() }
    }
}

async fn look(
    State(console): Shared,
    Path(id): Path<String>,
    posted: Posted<Wanted>,
) -> Result<Response, Refusal> {
    let Posted { visitor, fields } = posted;
    let staff = staff(&visitor)?;
    let command = fields.command(&id)?;
    let session = named(&id)?;
    let content = match give(&console, &staff, command).await? {
        Ok(AccessReply::Content(content)) => *content,
        Ok(_) => return Err(Refusal::Unavailable),
        Err(AdminError::NotFound(_)) => return Err(Refusal::NotFound),
        Err(error) => {
            let problem = against(&error, "access-nothing-opened");
            return page(&console, &visitor, &staff, (session, None, Some(problem))).await;
        }
    };
    let frame = Frame::new(&console, &visitor, &format!("/access/sessions/{session}"));
    let detail = detail(&console, &staff, session).await?;
    let viewer = Viewer::new(&console, &frame, &staff, &[]);
    let SessionContent { sight, content, has_more, .. } = content;
    let page = LookPage {
        frame: &frame,
        session: viewer.view(&as_of_now(&console, detail.session)),
        conversation: content.conversation,
        is_blurred: sight == Sight::Blurred,
        is_single: !fields.record.is_empty(),
        after: content.records.last().map(|record| record.row.id).filter(|_| has_more),
        index: content.ledger_index,
        may_see_log: may_see_log(&staff),
        records: content.records.into_iter().map(|record| shown(&frame, record)).collect(),
    };
    Ok(frame.show(StatusCode::OK, &page))
}

fn shown(frame: &Frame, record: RecordContent) -> Shown {
    let texts = record.texts.into_iter().map(|(role, text)| {
        let known = ["user", "assistant", "system", "tool"].contains(&role.as_str());
        let who = if known { frame.text_of("access-role", &role) } else { visible(&role) };
        (who, visible(&text))
    });
    let known = ["request", "answer", "turn"].contains(&record.row.kind.as_str());
    Shown {
        id: record.row.id,
        kind: if known { frame.text_of("access-kind", &record.row.kind) } else { visible(&record.row.kind) },
        model: visible(&record.row.model),
        at: moment(frame, record.row.created_at),
        texts: texts.collect(),
    }
}
