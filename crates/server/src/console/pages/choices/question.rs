//! Questions: what a person is asked, with everything to know before answering.

use fiducia_custody::{
    AdminCommand, AdminReply, ConsentCommand, ConsentReply, ConsentRow, Custody, NoticeRow, Oneself,
    PersonalCommand, Prospect,
};
use fiducia_policy::{ConsentPurpose, ConsentState, Timestamp};

use crate::console::Console;
use crate::console::centre::unexpected;
use crate::console::frame::Frame;
use crate::console::refusal::Refusal;
use crate::console::texts::Language;

/// A use that a person is asked about, with the notice that stands.
pub(super) struct Question {
    pub(super) row: ConsentRow,
    /// The newest notice in the person's language, or else in English, or else in any; none when none was published.
    pub(super) notice: Option<NoticeRow>,
    pub(super) prospect: Prospect,
}

impl Question {
    /// Whether it waits for an answer now: it was never put, was put and not answered, or the yes ran out. What was answered
    /// is not asked again here.
    pub(super) fn is_open(&self, now: Timestamp) -> bool {
        let row = &self.row;
        let is_put = row.lapses_at.is_some_and(|lapses| lapses > now);
        let waits = matches!(
            row.state,
            ConsentState::Unknown | ConsentState::Requested | ConsentState::Deferred | ConsentState::Expired
        );
        let has_lapsed = row.lapses_at.is_some_and(|lapses| lapses <= now);
        let has_run_out = row.valid_until.is_some_and(|until| until <= now);
        row.is_asked && self.notice.is_some() && (is_put || (waits && !has_lapsed) || has_run_out)
    }

    /// The date by which silence becomes a no, where a campaign set one and it is still to come.
    pub(super) fn deadline(&self, now: Timestamp) -> Option<Timestamp> {
        self.row.lapses_at.filter(|lapses| *lapses > now)
    }
}

/// Where a person stands about every use, with the notices. Uses that the person is not asked about come without.
pub(super) async fn questions(
    console: &Console,
    who: &Oneself,
    language: Language,
) -> Result<Vec<Question>, Refusal> {
    let who = *who;
    console.ask(move |custody| gathered(custody, &who, language)).await?
}

/// As [`questions`], on a thread that may wait.
pub(super) fn gathered(
    custody: &Custody,
    who: &Oneself,
    language: Language,
) -> Result<Vec<Question>, Refusal> {
    let AdminReply::Consented(ConsentReply::Standings(rows)) =
        custody.personally(who, PersonalCommand::Standings)?
    else {
        return Err(unexpected());
    };
    let list = ConsentCommand::ListNotices { purpose: None };
    let AdminReply::Consented(ConsentReply::Notices(notices)) =
        custody.administer(AdminCommand::Consent(list))?
    else {
        return Err(unexpected());
    };
    rows.into_iter()
        .map(|row| {
            let notice = standing(&notices, row.purpose, language).cloned();
            let validity = notice.as_ref().and_then(|row| row.notice.validity);
            let prospect = custody.prospect(who, row.purpose, validity)?;
            Ok(Question { row, notice, prospect })
        })
        .collect()
}

/// The notice to show: the newest in the language, else in English, else the newest of all.
fn standing(notices: &[NoticeRow], purpose: ConsentPurpose, language: Language) -> Option<&NoticeRow> {
    let standing = || notices.iter().filter(|row| row.notice.purpose == purpose && !row.superseded);
    let newest = standing().map(|row| row.notice.version).max()?;
    // An older version in the person's language must not be answered where the text has moved on.
    let current = || standing().filter(|row| row.notice.version == newest);
    let spoken = |tag: &str| {
        current().find(|row| row.notice.language.split('-').next().is_some_and(|first| first == tag))
    };
    spoken(language.tag()).or_else(|| spoken("en")).or_else(|| current().next())
}

/// A question in words.
pub(super) struct Wording {
    pub(super) purpose: ConsentPurpose,
    /// What the use is called.
    pub(super) name: String,
    /// Where the person stands, in words.
    pub(super) standing: String,
    /// Whether anything may be used now.
    pub(super) permits: bool,
    /// The notice's own language, for whoever reads aloud.
    pub(super) lang: String,
    pub(super) title: String,
    pub(super) paragraphs: Vec<String>,
    /// What the answer means for how long things are kept, by the notice.
    pub(super) retention: String,
    pub(super) with_yes: Vec<String>,
    pub(super) with_no: Vec<String>,
    /// Until when the question is open, where that is a date.
    pub(super) deadline: Option<String>,
    /// The notice itself, to be named with the answer.
    pub(super) notice: NoticeRow,
}

impl Wording {
    /// Puts a question in words; `None` where no notice was published.
    pub(super) fn of(frame: &Frame, question: &Question, now: Timestamp) -> Option<Self> {
        let row = question.notice.clone()?;
        let notice = &row.notice;
        let purpose = question.row.purpose;
        Some(Self {
            purpose,
            name: frame.text(&format!("centre-purpose-{purpose}")),
            standing: standing_words(frame, &question.row, now),
            permits: question.row.permits,
            lang: notice.language.clone(),
            title: notice.title.clone(),
            paragraphs: paragraphs(&notice.text),
            retention: notice.retention.clone(),
            with_yes: with_yes(frame, question),
            with_no: with_no(frame, question),
            deadline: question
                .deadline(now)
                .map(|date| frame.text_with("centre-ask-deadline", "date", frame.instant(&date))),
            notice: row,
        })
    }

    /// What a button says to whoever hears it out of context.
    pub(super) fn label(&self, frame: &Frame, answer: &str) -> String {
        let word = frame.text(&format!("centre-answer-{answer}"));
        format!("{word}: {}", self.title)
    }
}

fn with_yes(frame: &Frame, question: &Question) -> Vec<String> {
    let mut said = vec![frame.text(&format!("centre-yes-{}", question.row.purpose))];
    if let Some(ends) = question.prospect.newest {
        said.push(newest_words(frame, ends.last_active_at, ends.with_yes));
    }
    said.push(match question.prospect.yes_until {
        Some(until) => frame.text_with("centre-yes-until", "date", frame.day(&until)),
        None => frame.text("centre-yes-open"),
    });
    said.push(frame.text("centre-yes-back"));
    said
}

fn with_no(frame: &Frame, question: &Question) -> Vec<String> {
    let mut said = vec![frame.text("centre-no-use")];
    if let Some(ends) = question.prospect.newest {
        said.push(newest_words(frame, ends.last_active_at, ends.with_no));
    }
    said.push(frame.text("centre-no-same"));
    said.push(frame.text("centre-no-back"));
    said
}

fn newest_words(frame: &Frame, last: Timestamp, until: Option<Timestamp>) -> String {
    let last = frame.day(&last);
    match until {
        Some(until) => frame
            .language
            .text_with("centre-newest-until", &[("last", last.into()), ("until", frame.day(&until).into())]),
        None => frame.text_with("centre-newest-open", "last", &last),
    }
}

/// Where a person stands, in words.
pub(super) fn standing_words(frame: &Frame, row: &ConsentRow, now: Timestamp) -> String {
    let since = row.since.map(|since| frame.instant(&since)).unwrap_or_default();
    if let Some(lapsed) = row.lapses_at.filter(|lapses| *lapses <= now) {
        return frame.text_with("centre-state-lapsed", "date", frame.instant(&lapsed));
    }
    if let Some(ended) = row.valid_until.filter(|until| *until <= now) {
        return frame.text_with("centre-state-expired", "since", frame.instant(&ended));
    }
    let said = frame.text_with(&format!("centre-state-{}", row.state), "since", &since);
    match row.lapses_at.filter(|_| row.state.permits()) {
        Some(lapses) if row.permits => {
            format!("{said} {}", frame.text_with("centre-state-asked-anew", "date", frame.instant(&lapses)))
        }
        _ => said,
    }
}

/// The paragraphs of a text.
pub(in crate::console::pages) fn paragraphs(text: &str) -> Vec<String> {
    let parts = text.split("\n\n").map(|part| part.split_whitespace().collect::<Vec<_>>().join(" "));
    parts.filter(|part| !part.is_empty()).collect()
}
