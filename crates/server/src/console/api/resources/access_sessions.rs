//! `/access`: staff read what is others', in sessions. What a look shows is given to a GET alone, because answers to requests
//! that may be sent twice are kept, and what was said is kept nowhere but sealed.

use fiducia_custody::{
    AccessActor, AccessCommand, AccessLookRow, AccessNoticeRow, AccessRemarkRow, AccessReply, AccessRequest,
    AdminCommand, AdminReply, LookTarget,
};
use fiducia_policy::{
    AccessAnswer, AccessEnd, AccessNeeds, AccessNoticeKind, AccessReason, AccessRemark, AccessReview,
    AccessScope, AccessSession, AccessSessionId, AccessState, AnomalyKind, ComplianceKeyId, ConversationId,
    GroundKind, PersonId, RecordId, Sight, Timestamp,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::call::{Call, unexpected};
use super::super::caller::Who;
use super::super::endpoint::{Endpoint, Nothing};
use super::super::problem::Problem;
use super::super::reply::{Done, Found, Listed, Made};

pub(super) fn endpoints() -> Vec<Endpoint> {
    const ONE: &str = "/access/sessions/{session}";
    vec![
        Endpoint::get(
            "/access/sessions",
            "list-access-sessions",
            "Sessions of reading, newest first: one's own, and with the role for it the organisation's.",
            Who::Staff,
            list,
        ),
        Endpoint::post(
            "/access/sessions",
            "ask-for-access",
            "Asks to read. The session opens at once where nobody else must agree.",
            Who::Staff,
            ask,
        ),
        Endpoint::get(ONE, "show-access-session", "One session, and what it is about.", Who::Staff, show),
        Endpoint::post(
            "/access/sessions/{session}/steps",
            "step-access-session",
            "Agrees to a session, refuses it, takes it back, ends it or reviews it.",
            Who::Staff,
            step,
        ),
        Endpoint::get(
            "/access/sessions/{session}/content",
            "look-in-access-session",
            "Looks at records of one conversation. Each look is in the log before anything is decrypted.",
            Who::Staff,
            look,
        )
        .opens_content(),
        Endpoint::get(
            "/access/lockbox",
            "show-lockbox",
            "Whether the organisation wants to agree to looks at what is its own.",
            Who::Staff,
            show_lockbox,
        ),
        Endpoint::post(
            "/access/lockbox",
            "set-lockbox",
            "Says whether the organisation wants to agree to looks at what is its own.",
            Who::Staff,
            set_lockbox,
        ),
        Endpoint::get(
            "/access/notices",
            "list-access-notices",
            "What the administrators are told about sessions, newest first.",
            Who::Staff,
            notices,
        ),
    ]
}

/// A session of reading.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "AccessSession")]
struct Session {
    id: AccessSessionId,
    /// Who reads, as the log knows them.
    reader: PersonId,
    /// Why, such as `safety_review`.
    reason: String,
    /// The case or ticket number.
    ticket: String,
    scope: AccessScope,
    ground: GroundKind,
    state: AccessState,
    /// What must happen before it opens.
    needs: AccessNeeds,
    asked_at: Timestamp,
    /// By when those who must agree have to answer; no answer is a no.
    answer_by: Timestamp,
    /// Who agreed.
    approved_by: Vec<PersonId>,
    opened_at: Option<Timestamp>,
    /// Over when, at the latest.
    expires_at: Option<Timestamp>,
    ended_at: Option<Timestamp>,
    end: Option<AccessEnd>,
    /// Looks that were taken.
    looks: u64,
    /// Records that were opened, each look counted.
    records: u64,
    /// What was unusual.
    alerts: Vec<AnomalyKind>,
    /// By when an emergency must be reviewed, while that is due.
    review_by: Option<Timestamp>,
    /// Whether the review found that the emergency justified what was read.
    justified: Option<bool>,
}

impl From<AccessSession> for Session {
    fn from(session: AccessSession) -> Self {
        Self {
            review_by: session.review_by(),
            justified: match session.review {
                Some(AccessReview::Done { justified, .. }) => Some(justified),
                Some(AccessReview::Due { .. }) | None => None,
            },
            id: session.id,
            reader: session.reader.person,
            reason: session.reason.name().to_owned(),
            ticket: session.ticket,
            scope: session.scope,
            ground: session.ground,
            state: session.state,
            needs: session.needs,
            asked_at: session.asked_at,
            answer_by: session.answer_by,
            approved_by: session.approvals.iter().map(|approval| approval.by.person).collect(),
            opened_at: session.opened_at,
            expires_at: session.expires_at,
            ended_at: session.ended_at,
            end: session.end,
            looks: session.looks,
            records: session.records,
            alerts: session.alerts,
        }
    }
}

/// Does something in sessions as the member of staff who calls.
fn does(call: &Call<'_>, command: AccessCommand) -> Result<AccessReply, Problem> {
    // Whoever calls is known; what is said here does not count.
    let actor = AccessActor::Operator(String::new());
    match call.as_staff(AdminCommand::Access { actor, command })? {
        AdminReply::Access(reply) => Ok(*reply),
        _ => Err(unexpected()),
    }
}

fn session(reply: AccessReply) -> Result<Session, Problem> {
    match reply {
        AccessReply::Session(session) => Ok((*session).into()),
        _ => Err(unexpected()),
    }
}

/// Which sessions.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SessionsPart {
    /// Only those that wait, are open or are to be reviewed.
    live: Option<bool>,
    /// What `next` said.
    after: Option<String>,
    /// At most this many rows, 1 to 500; 100 when absent.
    limit: Option<u32>,
}

fn list(call: &Call<'_>, _: Nothing, part: SessionsPart) -> Result<Listed<Session>, Problem> {
    let rows = Call::rows(part.limit)?;
    let before = call.after(part.after.as_deref())?;
    let command = AccessCommand::List {
        organization: None,
        live_only: part.live.unwrap_or(false),
        limit: rows + 1,
        before,
    };
    let AccessReply::Sessions(found) = does(call, command)? else { return Err(unexpected()) };
    Ok(call.listed(found, rows, |session: &AccessSession| session.id.to_string()))
}

/// What somebody asks to read.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct AccessAsked {
    scope: AccessScope,
    /// Why, such as `safety_review`.
    reason: String,
    /// The case or ticket number: 1 to 64 of `A-Z a-z 0-9 . _ -`.
    ticket: String,
    /// For which ground's purpose; what goes with the reason when absent.
    ground: Option<GroundKind>,
    /// For how long, from the opening on; 900 when absent.
    seconds: Option<u32>,
    /// Whether this is an emergency: two others must agree, and it is reviewed afterwards.
    break_glass: Option<bool>,
}

fn ask(call: &Call<'_>, _: Nothing, asked: AccessAsked) -> Result<Made<Session>, Problem> {
    let reason: AccessReason = asked.reason.parse().map_err(|error| Problem::Invalid(format!("{error}")))?;
    let request = AccessRequest {
        scope: asked.scope,
        reason,
        ticket: asked.ticket,
        ground: asked.ground,
        seconds: asked.seconds,
        break_glass: asked.break_glass.unwrap_or(false),
    };
    let made = session(does(call, AccessCommand::Ask { request })?)?;
    Ok(Made { location: format!("/access/sessions/{}", made.id), what: made })
}

/// Which session.
#[derive(Deserialize, JsonSchema)]
struct OneSession {
    session: AccessSessionId,
}

/// A session with what it is about.
#[derive(Serialize, JsonSchema)]
struct AccessDetail {
    session: Session,
    /// The conversations that it is about, at most 1,000.
    conversations: Vec<ConversationId>,
    /// The records that were looked at.
    seen: Vec<AccessSeenRecord>,
    /// The looks that were taken, oldest first, at most 1,000.
    looks: Vec<AccessTakenLook>,
    /// What was said to answers, oldest first.
    remarks: Vec<AccessSaid>,
}

/// What somebody said to their answer.
#[derive(Serialize, JsonSchema)]
struct AccessSaid {
    /// What they answered.
    answer: AccessAnswer,
    /// Who, as the log knows them.
    by: PersonId,
    at: Timestamp,
    /// What they said; `null` while the key to it cannot be used.
    text: Option<String>,
    /// 32 hexadecimal digits. The log's entry of the answer has `remark`: SHA-256 of `fiducia/access/remark/v1`, a line feed, the
    /// salt's 16 bytes and the text.
    salt: Option<String>,
}

/// A look that was taken.
#[derive(Serialize, JsonSchema)]
struct AccessTakenLook {
    at: Timestamp,
    /// How many records it opened.
    records: u64,
    /// How they were shown.
    sight: Option<Sight>,
    /// Where its entry lies in the organisation's log.
    ledger_index: u64,
}

/// A record that was looked at.
#[derive(Serialize, JsonSchema)]
struct AccessSeenRecord {
    record: RecordId,
    /// How it was shown last.
    sight: Sight,
}

fn show(call: &Call<'_>, one: OneSession, _: Nothing) -> Result<Found<AccessDetail>, Problem> {
    let AccessReply::Detail(detail) = does(call, AccessCommand::Show { session: one.session })? else {
        return Err(unexpected());
    };
    let seen = detail.seen.into_iter().map(|(record, sight)| AccessSeenRecord { record, sight }).collect();
    let look = |row: AccessLookRow| AccessTakenLook {
        at: row.at,
        records: row.records,
        sight: row.sight,
        ledger_index: row.ledger_index,
    };
    let looks = detail.looks.into_iter().map(look).collect();
    let said = |row: AccessRemarkRow| AccessSaid {
        answer: row.answer,
        by: row.by.person,
        at: row.at,
        text: row.text,
        salt: row.salt,
    };
    Ok(Found(AccessDetail {
        session: detail.session.into(),
        conversations: detail.conversations,
        seen,
        looks,
        remarks: detail.remarks.into_iter().map(said).collect(),
    }))
}

/// What is done with a session.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", tag = "step", deny_unknown_fields)]
enum AccessSessionStep {
    /// Agree to somebody else's.
    Approve {
        /// Why, in 1 to 500 characters. It is kept sealed, and the log has a salted commitment to it.
        remark: Option<String>,
    },
    /// Say no to somebody else's.
    Deny {
        /// Why, in 1 to 500 characters. It is kept sealed, and the log has a salted commitment to it.
        remark: String,
    },
    /// Take one's own back while it waits.
    Withdraw {},
    /// End it.
    End {},
    /// Review an emergency that the caller took no part in.
    Review {
        /// Whether the emergency justified what was read.
        justified: bool,
        /// Why it did or did not, in 1 to 500 characters. It is kept sealed, and the log has a salted commitment to it.
        remark: String,
    },
}

fn remark(text: &str) -> Result<AccessRemark, Problem> {
    text.parse().map_err(|error| Problem::Invalid(format!("{error}")))
}

fn step(call: &Call<'_>, one: OneSession, step: AccessSessionStep) -> Result<Done<Session>, Problem> {
    let id = one.session;
    let command = match step {
        AccessSessionStep::Approve { remark: said } => {
            AccessCommand::Approve { session: id, remark: said.as_deref().map(remark).transpose()? }
        }
        AccessSessionStep::Deny { remark: said } => {
            AccessCommand::Deny { session: id, remark: remark(&said)? }
        }
        AccessSessionStep::Withdraw {} => AccessCommand::Withdraw { session: id },
        AccessSessionStep::End {} => AccessCommand::End { session: id },
        AccessSessionStep::Review { justified, remark: said } => {
            AccessCommand::Review { session: id, justified, remark: remark(&said)? }
        }
    };
    Ok(Done(session(does(call, command)?)?))
}

/// At what, and how.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct LookAsked {
    /// Of which conversation; the session's own when absent, where it has one.
    conversation: Option<ConversationId>,
    /// At this record alone.
    record: Option<RecordId>,
    /// At those after this record.
    after: Option<RecordId>,
    /// `blurred` or `plain`; what was flagged is blurred first when absent.
    sight: Option<Sight>,
}

/// What a look shows.
#[derive(Serialize, JsonSchema)]
struct AccessShown {
    session: AccessSessionId,
    sight: Sight,
    conversation: ConversationId,
    /// Where the entry of this look lies in the organisation's log.
    ledger_index: u64,
    records: Vec<AccessShownRecord>,
    /// Whether there are more records behind these.
    has_more: bool,
}

/// A record, as it is shown.
#[derive(Serialize, JsonSchema)]
struct AccessShownRecord {
    id: RecordId,
    /// `request`, `answer` or `turn`.
    kind: String,
    model: String,
    created_at: Timestamp,
    texts: Vec<AccessShownText>,
}

/// What somebody said.
#[derive(Serialize, JsonSchema)]
struct AccessShownText {
    /// Who, such as `user`.
    role: String,
    text: String,
}

fn look(call: &Call<'_>, one: OneSession, asked: LookAsked) -> Result<Found<AccessShown>, Problem> {
    let target = LookTarget {
        conversation: asked.conversation,
        records: asked.record.into_iter().collect(),
        after: asked.after,
    };
    let command = AccessCommand::Look { session: one.session, target, sight: asked.sight };
    let AccessReply::Content(content) = does(call, command)? else { return Err(unexpected()) };
    let records = content.content.records.into_iter().map(|record| AccessShownRecord {
        id: record.row.id,
        kind: record.row.kind,
        model: record.row.model,
        created_at: record.row.created_at,
        texts: record.texts.into_iter().map(|(role, text)| AccessShownText { role, text }).collect(),
    });
    Ok(Found(AccessShown {
        session: content.session,
        sight: content.sight,
        conversation: content.content.conversation,
        ledger_index: content.content.ledger_index,
        records: records.collect(),
        has_more: content.has_more,
    }))
}

/// Whether the organisation wants to agree.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Lockbox {
    /// Whether an administrator must agree to each session before it opens.
    enabled: bool,
}

fn lockbox(call: &Call<'_>, enabled: Option<bool>) -> Result<Lockbox, Problem> {
    let organization = call.caller.account().organization;
    match does(call, AccessCommand::Lockbox { organization, enabled })? {
        AccessReply::Lockbox(enabled) => Ok(Lockbox { enabled }),
        _ => Err(unexpected()),
    }
}

fn show_lockbox(call: &Call<'_>, _: Nothing, _: Nothing) -> Result<Found<Lockbox>, Problem> {
    lockbox(call, None).map(Found)
}

fn set_lockbox(call: &Call<'_>, _: Nothing, wanted: Lockbox) -> Result<Done<Lockbox>, Problem> {
    lockbox(call, Some(wanted.enabled)).map(Done)
}

/// What administrators are told.
#[derive(Serialize, JsonSchema)]
struct AccessNotice {
    /// Of which session, where it is about one.
    session: Option<AccessSessionId>,
    /// Of which key to the Compliance API, where it is about one.
    key: Option<ComplianceKeyId>,
    kind: AccessNoticeKind,
    at: Timestamp,
    /// Seen by one of them when.
    seen_at: Option<Timestamp>,
}

impl From<AccessNoticeRow> for AccessNotice {
    fn from(row: AccessNoticeRow) -> Self {
        Self { session: row.session, key: row.key, kind: row.kind, at: row.at, seen_at: row.seen_at }
    }
}

/// How many.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct AccessNoticesAsked {
    /// At most this many rows, 1 to 500; 100 when absent.
    limit: Option<u32>,
}

fn notices(call: &Call<'_>, _: Nothing, asked: AccessNoticesAsked) -> Result<Listed<AccessNotice>, Problem> {
    let organization = call.caller.account().organization;
    let command = AccessCommand::Notices { organization, limit: Call::rows(asked.limit)?, seen_up_to: None };
    let AccessReply::Notices(found) = does(call, command)? else { return Err(unexpected()) };
    Ok(Listed { items: found.into_iter().map(AccessNotice::from).collect(), next: None })
}
