//! Case files: what a policy promises, as examples that a program can check.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use toml::Spanned;

use crate::edge::Timestamp;
use crate::ground::GroundKind;
use crate::named::named;
use crate::retention::{Agreement, End, Facts, Plan, Policy, RecordClass, RetentionSpan, Situation, Tier};

/// The longest case file that is read, in bytes.
const TEXT_BYTES_MAX: usize = 4 << 20;

/// The cases beside a policy.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Document {
    /// The cases.
    #[schemars(with = "Vec<CaseText>")]
    cases: Vec<Spanned<CaseText>>,
}

/// A record, what happened to it, and what the policy must make of it. Instants are written `2026-01-31T08:00:00Z` or
/// `2026-01-31`, which is its first moment in UTC.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct CaseText {
    /// What is promised, in a sentence.
    name: String,
    /// Several plans for which the same is promised.
    plans: Vec<Plan>,
    /// What the record is.
    class: RecordClass,
    /// The tier. Absent: the plan's own.
    tier: Option<Tier>,
    /// What was agreed. Absent: `standard`.
    agreement: Option<Agreement>,
    /// The period, for the agreement `custom`.
    #[schemars(with = "Option<String>")]
    custom: Option<RetentionSpan>,
    /// The answering model; the policy says whether it is covered.
    model: Option<String>,
    /// Whether the workspace opted in to covered models. Absent: yes where the agreement is not `zero-retention`.
    opted_in: Option<bool>,
    /// Whether a covered model answered, for policies that name no models.
    covered: Option<bool>,
    /// Whether the person's consent to training is given.
    #[serde(default)]
    training: bool,
    /// Capture.
    created: String,
    /// What happened then.
    #[serde(default)]
    events: BTreeMap<EventName, String>,
    /// Whether a legal hold covers the record.
    #[serde(default)]
    held: bool,
    /// For `record` or a ground: an instant, `open` or `not kept`.
    expect: BTreeMap<String, String>,
}

named! {
    /// Something that happened to a record.
    EventName, "an event" {
        /// The last turn of its conversation.
        LastActive = "last-active",
        /// The person deleted it.
        Deleted = "deleted",
        /// The account was closed.
        Closed = "closed",
        /// It was flagged.
        Flagged = "flagged",
        /// It was sent in as feedback.
        Feedback = "feedback",
        /// A case took it in.
        CaseOpened = "case-opened",
        /// The case ended.
        CaseClosed = "case-closed",
        /// The person asked for erasure.
        ErasureRequested = "erasure-requested",
        /// A hold was released.
        Released = "released",
    }
}

impl EventName {
    /// Takes the event into the facts.
    pub fn happens_in(self, facts: &mut Facts, at: Timestamp) {
        let place = match self {
            Self::LastActive => &mut facts.last_active_at,
            Self::Deleted => &mut facts.deleted_at,
            Self::Closed => &mut facts.closed_at,
            Self::Flagged => &mut facts.flagged_at,
            Self::Feedback => &mut facts.feedback_at,
            Self::CaseOpened => &mut facts.case_opened_at,
            Self::CaseClosed => &mut facts.case_closed_at,
            Self::ErasureRequested => &mut facts.erasure_requested_at,
            Self::Released => &mut facts.released_at,
        };
        *place = Some(at);
    }
}

/// How a case came out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseOutcome {
    /// The line of the case in its file, from 1.
    pub line: usize,
    /// What was promised, and for which plan.
    pub name: String,
    /// Every expectation that was not met; none: the promise is kept.
    pub failures: Vec<String>,
}

/// A case file that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the case file cannot be used; no case was tried: {}{text}", line.map(|line| format!("line {line}: ")).unwrap_or_default())]
pub struct CaseFileError {
    /// The line, from 1, where there is one.
    pub line: Option<usize>,
    /// What is wrong and what to do.
    pub text: String,
}

/// The JSON Schema (2020-12) of case files.
pub fn cases_schema() -> serde_json::Value {
    schemars::schema_for!(Document).to_value()
}

/// Tries every case of a file on a policy.
///
/// # Errors
/// When the file cannot be read, or names what the policy does not have.
pub fn run_cases(policy: &Policy, text: &str) -> Result<Vec<CaseOutcome>, CaseFileError> {
    if text.len() > TEXT_BYTES_MAX {
        return Err(CaseFileError { line: None, text: format!("it is longer than {TEXT_BYTES_MAX} bytes") });
    }
    let document: Document = toml::from_str(text).map_err(|error| CaseFileError {
        line: error.span().map(|span| crate::language::line_of(text, span.start)),
        text: error.message().to_owned(),
    })?;
    let mut outcomes = Vec::new();
    for case in &document.cases {
        let line = crate::language::line_of(text, case.span().start);
        for plan in &case.get_ref().plans {
            let outcome = run(policy, case.get_ref(), *plan, line)
                .map_err(|text| CaseFileError { line: Some(line), text })?;
            outcomes.push(outcome);
        }
    }
    Ok(outcomes)
}

fn run(policy: &Policy, case: &CaseText, plan: Plan, line: usize) -> Result<CaseOutcome, String> {
    let situation = situation(policy, case, plan)?;
    let mut facts = Facts::captured_at(instant(&case.created)?);
    facts.held = case.held;
    facts.custom = case.custom;
    for (event, at) in &case.events {
        event.happens_in(&mut facts, instant(at)?);
    }
    let schedule = policy.schedule(situation, &facts);
    let mut failures = Vec::new();
    for (what, wanted) in &case.expect {
        let got = if what == "record" {
            schedule.ends_at()
        } else {
            schedule.standing(what.parse::<GroundKind>().map_err(|error| error.to_string())?).end()
        };
        if got != end(wanted)? {
            failures.push(format!("{what}: promised {wanted}, but the policy says {}", end_in_words(got)));
        }
    }
    Ok(CaseOutcome { line, name: format!("{plan}: {}", case.name), failures })
}

fn situation(policy: &Policy, case: &CaseText, plan: Plan) -> Result<Situation, String> {
    let terms = policy.plan(plan).ok_or_else(|| format!("the policy has no plan {plan}"))?;
    let agreement = case.agreement.unwrap_or(Agreement::Standard);
    let covered = match (&case.model, case.covered) {
        (None, covered) => covered.unwrap_or(false),
        (Some(_), Some(_)) => return Err("`model` and `covered` say the same thing; keep one".to_owned()),
        (Some(name), None) => {
            let model = policy.model(name);
            if model.pattern.is_empty() {
                return Err(format!("the policy does not know the model `{name}`; add it under [[models]]"));
            }
            model.covered && case.opted_in.unwrap_or(agreement != Agreement::ZeroRetention)
        }
    };
    let tier = case.tier.unwrap_or(terms.tier);
    let situation = Situation { plan, tier, class: case.class, agreement, covered, training: case.training };
    // A yes to training that means nothing is worth a case, hence not asked of here.
    if policy.is_reachable(Situation { training: false, ..situation }) {
        return Ok(situation);
    }
    Err(format!("this cannot come about under the policy: {situation}"))
}

/// Reads an instant as people write it: RFC 3339, or a day, which is its first moment in UTC.
///
/// # Errors
/// With what to write instead.
pub fn instant(text: &str) -> Result<Timestamp, String> {
    let day = || text.parse::<jiff::civil::Date>().ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok();
    let zoned = || text.parse::<Timestamp>().ok();
    zoned().or_else(|| day().map(|day| day.timestamp())).ok_or_else(|| {
        format!("`{text}` is no instant; write `2026-01-31T08:00:00Z`, or `2026-01-31` for its start in UTC")
    })
}

fn end(text: &str) -> Result<End, String> {
    match text {
        "open" => Ok(End::Open),
        "not kept" => Ok(End::NotKept),
        text => instant(text).map(End::At).map_err(|error| format!("{error}, or `open`, or `not kept`")),
    }
}

/// An end as case files write it.
pub fn end_in_words(end: End) -> String {
    match end {
        End::NotKept => "not kept".to_owned(),
        End::Open => "open".to_owned(),
        End::At(at) => at.to_string(),
    }
}
