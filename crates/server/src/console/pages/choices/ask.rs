//! `/choices/ask`: one open question at a time, each with two answers that weigh the same.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use fiducia_custody::{ConsentChoice, ConsentEvidence, Oneself, ShownNotice};
use fiducia_policy::{ConsentAct, ConsentChannel, ConsentState};
use http::{HeaderMap, StatusCode};

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
    headers: HeaderMap,
    own: Own,
) -> Result<Response, Refusal> {
    let frame = Frame::new(&console, &own.visitor, "/choices/ask");
    let now = console.now();
    let all = questions(&console, &own.who, own.visitor.language).await?;
    let open: Vec<&Question> = all.iter().filter(|question| question.is_open(now)).collect();
    let by = named_way(asked.by.as_deref());
    // At sign-up each question is met once: those that were put already wait under "your choices".
    let unput = open.iter().find(|question| by == SIGN_UP && question.row.state == ConsentState::Unknown);
    let next = unput.or(open.first()).copied();
    let Some(question) = next.and_then(|question| Wording::of(&frame, question, now)) else {
        let last = asked.last.as_deref().filter(|last| super::DONE.contains(last)).unwrap_or("answered");
        return Ok(Redirect::to(&format!("/choices?done={last}")).into_response());
    };
    if let Some(choice) = unput.filter(|_| is_looked_at(&headers)).and_then(|question| put(question)) {
        let who = own.who;
        console
            .ask(move |custody| custody.choose_for_oneself(&who, ConsentChannel::SignUp, choice))
            .await??;
    }
    let answered = asked.answered.unwrap_or(0).min(16);
    let page = AskPage {
        frame: &frame,
        question: &question,
        number: answered + 1,
        of: answered + open.len(),
        by,
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
            if all.iter().any(|question| put(question).is_some()) {
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

/// That a question is put to the person on this page, with the notice it shows; `None` for one that was put before. Entered when
/// the page is made, so that the log never says that somebody was shown what they were not.
fn put(question: &Question) -> Option<ConsentChoice> {
    let notice = question.notice.as_ref()?;
    if !question.row.is_asked || question.row.state != ConsentState::Unknown {
        return None;
    }
    let shown = ShownNotice {
        language: notice.notice.language.clone(),
        version: notice.notice.version,
        hash: Some(notice.hash.clone()),
    };
    let evidence = ConsentEvidence { screen: Some(SCREEN.to_owned()), ..ConsentEvidence::default() };
    let entered = ConsentChoice::entered(question.row.purpose, ConsentAct::Request);
    Some(ConsentChoice { notice: Some(shown), evidence, ..entered })
}

/// Whether somebody looks at the page: a browser that fetches it ahead, or for another purpose than showing it, says so.
fn is_looked_at(headers: &HeaderMap) -> bool {
    let is_ahead = headers.contains_key("sec-purpose") || headers.contains_key("purpose");
    !is_ahead && headers.get("sec-fetch-dest").is_none_or(|dest| dest.as_bytes() == b"document")
}
