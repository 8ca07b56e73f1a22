//! `/requests`: what people ask about their data, with the clocks of the laws, and the steps of the staff.

use fiducia_custody::{
    AdminCommand, AdminReply, Agent, Mandate, NewRequest, PersonalCommand, PersonalRequest, RequestRow,
    RightsAction, RightsCommand, RightsReply,
};
use fiducia_policy::{
    ConversationId, ExtensionReason, GroundKind, IdentityMethod, RefusalReason, Regime, RequestKind,
    RightsRequestId, Timestamp,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::call::{Acting, Call, RoleAsked, unexpected};
use super::super::caller::Who;
use super::super::endpoint::{Endpoint, Nothing};
use super::super::problem::Problem;
use super::super::reply::{Done, Found, Listed, Made};
use super::consents::OnePerson;
use super::request_view::{Request, RequestInFull};

/// Rows that a list of requests has at most: custody puts these in order.
const ROWS_MAX: u32 = 1_000;

pub(super) fn endpoints() -> Vec<Endpoint> {
    const ONE: &str = "/requests/{request}";
    vec![
        Endpoint::get(
            "/requests",
            "list-requests",
            "The person's requests, or for staff the organisation's, in the order in which to work on them.",
            Who::PersonOrStaff,
            list,
        ),
        Endpoint::post("/requests", "open-request", "Makes a request.", Who::PersonOrApplication, open)
            .takes(128 * 1024),
        Endpoint::get(ONE, "show-request", "One request with everything about it.", Who::PersonOrStaff, show),
        Endpoint::post(
            "/requests/{request}/withdrawal",
            "withdraw-request",
            "Takes a request back.",
            Who::PersonOrApplication,
            withdraw,
        )
        .changes(ONE),
        Endpoint::post(
            "/requests/{request}/steps",
            "step-request",
            "Takes a step: confirms, identifies, extends, carries out, refuses.",
            Who::Staff,
            step,
        )
        .changes_for_staff(ONE),
        Endpoint::post(
            "/people/{person}/requests",
            "open-request-for-person",
            "Takes in a request that a person, or somebody for them, made some other way.",
            Who::Staff,
            open_for,
        )
        .takes(128 * 1024),
    ]
}

/// Which requests.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RequestsAsked {
    /// As what the caller acts who has an account of both kinds; as a person when absent.
    #[serde(rename = "as")]
    role: Option<Acting>,
    /// Also those that are closed; not when absent.
    closed: Option<bool>,
    /// What `next` said.
    after: Option<String>,
    /// At most this many rows, 1 to 500; 100 when absent. A list ends after 1,000.
    limit: Option<u32>,
}

fn list(call: &Call<'_>, _: Nothing, asked: RequestsAsked) -> Result<Listed<Request>, Problem> {
    let rows = Call::rows(asked.limit)?;
    let after = call.after(asked.after.as_deref())?;
    let closed = asked.closed.unwrap_or(false);
    let reply = match call.acting(asked.role) {
        Acting::Person => call.personally(PersonalCommand::Requests { closed, limit: ROWS_MAX })?,
        Acting::Staff => {
            let command = RightsCommand::List { organization: None, closed, limit: ROWS_MAX };
            call.as_staff(AdminCommand::Rights(command))?
        }
    };
    let AdminReply::Rights(RightsReply::Requests(found)) = reply else { return Err(unexpected()) };
    call.part(found, (after, rows), |row: &RequestRow| row.id.to_string())
}

/// Which request.
#[derive(Deserialize, JsonSchema)]
struct OneRequest {
    /// The request.
    request: RightsRequestId,
}

fn show(call: &Call<'_>, one: OneRequest, asked: RoleAsked) -> Result<Found<RequestInFull>, Problem> {
    let request = one.request;
    let acting = call.acting(asked.role);
    let reply = match acting {
        Acting::Person => call.personally(PersonalCommand::Request { request })?,
        Acting::Staff => call.as_staff(AdminCommand::Rights(RightsCommand::Show { request }))?,
    };
    let AdminReply::Rights(RightsReply::Request(detail)) = reply else { return Err(unexpected()) };
    Ok(Found(RequestInFull::seen(*detail, acting == Acting::Staff)))
}

/// A request that a person makes.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RequestMade {
    kind: RequestKind,
    /// Under which laws; those of the policy when there are none.
    #[serde(default)]
    regimes: Vec<Regime>,
    /// For a correction: which conversation it is about.
    conversation: Option<ConversationId>,
    /// For a correction: what is wrong and what is right, at most 16 KiB. It is sealed.
    statement: Option<String>,
    /// For a correction: the name by which the application knows the person from now on.
    new_name: Option<String>,
    /// For an objection: to which grounds; to all that rest on a legitimate interest when there are none.
    #[serde(default)]
    grounds: Vec<GroundKind>,
}

/// A key for this submission: the caller's own, or a fresh one.
fn submission(call: &Call<'_>) -> Result<String, Problem> {
    match call.own_key() {
        Some(key) => Ok(key),
        None => Ok(fiducia_policy::ExchangeId::generate(call.custody.now(), call.randomness)
            .map_err(|_| Problem::Unavailable)?
            .to_string()),
    }
}

fn opened(reply: AdminReply) -> Result<Made<Request>, Problem> {
    let AdminReply::Rights(RightsReply::Opened { request, .. }) = reply else { return Err(unexpected()) };
    Ok(Made { location: format!("/requests/{}", request.id), what: request.into() })
}

fn open(call: &Call<'_>, _: Nothing, own: RequestMade) -> Result<Made<Request>, Problem> {
    let command = PersonalCommand::OpenRequest(PersonalRequest {
        kind: own.kind,
        regimes: own.regimes,
        submission: submission(call)?,
        conversation: own.conversation,
        statement: own.statement,
        new_name: own.new_name,
        grounds: own.grounds,
    });
    opened(call.person_or_new()?.does(call.custody, command)?)
}

/// The request that was taken back.
#[derive(Serialize, JsonSchema)]
struct Withdrawn {
    request: Request,
}

fn withdraw(call: &Call<'_>, one: OneRequest, _: Nothing) -> Result<Done<Withdrawn>, Problem> {
    let reply = call.personally(PersonalCommand::WithdrawRequest { request: one.request })?;
    let AdminReply::Rights(RightsReply::Request(detail)) = reply else { return Err(unexpected()) };
    Ok(Done(Withdrawn { request: detail.row.into() }))
}

/// A step of the staff.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", tag = "step", deny_unknown_fields)]
enum NewStep {
    /// The person was told that it arrived.
    Confirm { note: Option<String> },
    /// Whoever asks is asked to show who they are.
    AskIdentity { note: Option<String> },
    /// It is known who asks. What was shown is not kept.
    Identify { method: IdentityMethod, note: Option<String> },
    /// Somebody begins to work on it.
    Begin { note: Option<String> },
    /// It takes longer; the person was told then, or now when absent.
    Extend { reason: ExtensionReason, told_at: Option<Timestamp>, note: Option<String> },
    /// It is carried out; what was left undone and why is for the person.
    Fulfil { left_undone: Option<String>, note: Option<String> },
    /// It is refused.
    Refuse { reason: RefusalReason, note: Option<String> },
    /// The person takes it back.
    Withdraw { note: Option<String> },
    /// A restriction ends; the person was told before.
    Lift { told_at: Timestamp, note: Option<String> },
}

impl NewStep {
    fn action(self) -> (RightsAction, Option<String>) {
        match self {
            Self::Confirm { note } => (RightsAction::Confirm {}, note),
            Self::AskIdentity { note } => (RightsAction::AskIdentity {}, note),
            Self::Identify { method, note } => (RightsAction::Identify { method }, note),
            Self::Begin { note } => (RightsAction::Begin {}, note),
            Self::Extend { reason, told_at, note } => (RightsAction::Extend { reason, told_at }, note),
            Self::Fulfil { left_undone, note } => (RightsAction::Fulfil { left_undone }, note),
            Self::Refuse { reason, note } => (RightsAction::Refuse { reason }, note),
            Self::Withdraw { note } => (RightsAction::Withdraw {}, note),
            Self::Lift { told_at, note } => (RightsAction::Lift { told_at }, note),
        }
    }
}

/// The request after a step.
#[derive(Serialize, JsonSchema)]
struct Stepped {
    request: Request,
}

fn step(call: &Call<'_>, one: OneRequest, new: NewStep) -> Result<Done<Stepped>, Problem> {
    let (step, note) = new.action();
    let command = RightsCommand::Act { request: one.request, step, note, actor: String::new() };
    let AdminReply::Rights(RightsReply::Request(detail)) = call.as_staff(AdminCommand::Rights(command))?
    else {
        return Err(unexpected());
    };
    // Without the notes: the answer is kept for a day under its idempotency key.
    Ok(Done(Stepped { request: detail.row.into() }))
}

/// A request that staff take in.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RequestTakenIn {
    #[serde(rename = "request")]
    own: RequestMade,
    /// When it arrived; now when absent.
    received_at: Option<Timestamp>,
    /// Who asks, where that is not the person. Without a mandate that covers the request it is refused.
    agent: Option<NewAgent>,
}

/// Who asks for another person.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NewAgent {
    /// 1 to 128 characters.
    name: String,
    mandate: Option<NewMandate>,
}

/// A mandate, as far as it is kept.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NewMandate {
    /// SHA-256 of what was shown, hex.
    evidence_sha256: String,
    covers: Vec<RequestKind>,
    from: Timestamp,
    /// Valid until before; absent while nobody ends it.
    until: Option<Timestamp>,
}

fn open_for(call: &Call<'_>, one: OnePerson, taken: RequestTakenIn) -> Result<Made<Request>, Problem> {
    let agent = taken.agent.map(|agent| Agent {
        name: agent.name,
        mandate: agent.mandate.map(|mandate| Mandate {
            evidence_sha256: mandate.evidence_sha256,
            covers: mandate.covers,
            from: mandate.from,
            until: mandate.until,
        }),
    });
    let request = NewRequest {
        subject: one.person,
        kind: taken.own.kind,
        regimes: taken.own.regimes,
        submission: submission(call)?,
        received_at: taken.received_at,
        agent,
        conversation: taken.own.conversation,
        statement: taken.own.statement,
        new_name: taken.own.new_name,
        grounds: taken.own.grounds,
        actor: String::new(),
    };
    opened(call.as_staff(AdminCommand::Rights(RightsCommand::Open { request: Box::new(request) }))?)
}
