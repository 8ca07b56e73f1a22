//! `/choices/ask`: one open question at a time, each with two answers that weigh the same.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use fiducia_custody::{ConsentChoice, ConsentEvidence, Custody, Oneself, ShownNotice};
use fiducia_policy::{ConsentAct, ConsentChannel, ConsentState};
use http::StatusCode;

use super::question::{Question, Wording, gathered, questions};
use crate::console::Console;
use crate::console::centre::Own;
use crate::console::frame::Frame;
use crate::console::refusal::Refusal;
use crate::console::texts::Language;
use crate::console::visitor::Shared;

/// By which way the question came, as the address and the form say it.
pub(super) const SIGN_UP: &str = "sign-up";
pub(super) const PROMPT: &str = "prompt";
/// The screen's variant, kept with each answer. A change of what people see gets a new name.
pub(super) const SCREEN: &str = "console-question-1";

#[derive(Template)]
#[template(path = "console/centre_ask.html")]
struct AskPage<'a> {
    frame: &'a Frame,
    question: &'a Wording,
    /// Its number among the open ones, from 1, and how many there are.
    number: usize,
    of: usize,
    by: &'static str,
    key: String,
}

#[derive(Default, serde::Deserialize)]
pub(super) struct Asked {
    by: Option<String>,
    /// How many were answered before on this way.
    answered: Option<usize>,
    /// The last of those answers.
    last: Option<String>,
}

pub(super) async fn ask(
    State(console): Shared,
    Query(asked): Query<Asked>,
    own: Own,
) -> Result<Response, Refusal> {
    let frame = Frame::new(&console, &own.visitor, "/choices/ask");
    let now = console.now();
    let all = questions(&console, &own.who, own.visitor.language).await?;
    let open: Vec<&Question> = all.iter().filter(|question| question.is_open(now)).collect();
    let Some(question) = open.first().and_then(|question| Wording::of(&frame, question, now)) else {
        let last = asked.last.as_deref().filter(|last| super::DONE.contains(last)).unwrap_or("answered");
        return Ok(Redirect::to(&format!("/choices?done={last}")).into_response());
    };
    let answered = asked.answered.unwrap_or(0).min(16);
    let page = AskPage {
        frame: &frame,
        question: &question,
        number: answered + 1,
        of: answered + open.len(),
        by: named_way(asked.by.as_deref()),
        key: console.form_key()?,
    };
    Ok(frame.show(StatusCode::OK, &page))
}

/// A way of our own, or none.
pub(super) fn named_way(by: Option<&str>) -> &'static str {
    match by {
        Some(SIGN_UP) => SIGN_UP,
        Some(PROMPT) => PROMPT,
        _ => "",
    }
}

/// The channel of an answer: what the address says counts only where the standing bears it out.
pub(super) fn channel(by: &str, row: &fiducia_custody::ConsentRow) -> ConsentChannel {
    match by {
        PROMPT if row.lapses_at.is_some() => ConsentChannel::Prompt,
        SIGN_UP if matches!(row.state, ConsentState::Unknown | ConsentState::Requested) => {
            ConsentChannel::SignUp
        }
        _ => ConsentChannel::Settings,
    }
}

impl Console {
    /// Where somebody is led who comes to the beginning: to questions that they never met, or nowhere else. `seen` is what the
    /// browser remembers; with the way comes what it is to remember from now on.
    pub(in crate::console) async fn unmet_question(
        &self,
        who: &Oneself,
        language: Language,
        seen: Option<String>,
    ) -> Result<Option<(&'static str, Option<String>)>, Refusal> {
        let (who, now) = (*who, self.now());
        self.ask(move |custody| {
            let all = gathered(custody, &who, language)?;
            if put_at_sign_up(custody, &who, &all)? {
                return Ok(Some(("/choices/ask?by=sign-up", None)));
            }
            let open = all.iter().filter(|question| question.is_open(now));
            let mark = open.filter_map(|question| question.deadline(now)).max();
            let mark = mark.map(|deadline| deadline.as_second().to_string());
            Ok(mark
                .filter(|mark| Some(mark) != seen.as_ref())
                .map(|mark| ("/choices/ask?by=prompt", Some(mark))))
        })
        .await?
    }
}

/// Enters, for questions that nobody ever put to the person, that they are put now and with which notice: so they are met at
/// one sign-in only. Gives whether there were any. A campaign puts its own, which each browser shows once.
fn put_at_sign_up(custody: &Custody, who: &Oneself, all: &[Question]) -> Result<bool, Refusal> {
    let mut is_any = false;
    for question in all.iter().filter(|question| question.row.is_asked) {
        let Some(notice) = question.notice.as_ref() else { continue };
        if question.row.state != ConsentState::Unknown {
            continue;
        }
        let shown = ShownNotice {
            language: notice.notice.language.clone(),
            version: notice.notice.version,
            hash: Some(notice.hash.clone()),
        };
        let evidence = ConsentEvidence { screen: Some(SCREEN.to_owned()), ..ConsentEvidence::default() };
        let entered = ConsentChoice::entered(question.row.purpose, ConsentAct::Request);
        let choice = ConsentChoice { notice: Some(shown), evidence, ..entered };
        custody.choose_for_oneself(who, ConsentChannel::SignUp, choice)?;
        is_any = true;
    }
    Ok(is_any)
}
