//! How people's requests look in answers.

use fiducia_custody::{ExportFileRow, RequestDetail, RequestRow, RequestStepRow, RightsReport};
use fiducia_policy::{
    ComplaintRoute, GroundKind, LegalBasis, PersonId, Regime, RequestKind, RequestState, RightsRequestId,
    SubjectId, Timestamp,
};
use schemars::JsonSchema;
use serde::Serialize;

/// A request.
#[derive(Serialize, JsonSchema)]
pub(super) struct Request {
    pub(super) id: RightsRequestId,
    /// About whom; null once the person is erased.
    person: Option<SubjectId>,
    kind: RequestKind,
    regimes: Vec<Regime>,
    state: RequestState,
    received_at: Timestamp,
    /// The first instant at which a confirmation of its arrival is too late, where it was not confirmed yet.
    confirm_by: Option<Timestamp>,
    /// The first instant at which an answer is too late, as things stand.
    due: Timestamp,
    /// The law whose clock that is.
    decided_by: Regime,
    /// Whether it is open and too late.
    is_overdue: bool,
    /// Whether it is known who asks.
    is_identified: bool,
    closed_at: Option<Timestamp>,
    /// Whether somebody asks for another.
    by_agent: bool,
}

impl From<RequestRow> for Request {
    fn from(row: RequestRow) -> Self {
        Self {
            id: row.id,
            person: row.subject,
            kind: row.kind,
            regimes: row.regimes,
            state: row.state,
            received_at: row.received_at,
            confirm_by: row.confirm_by,
            due: row.due,
            decided_by: row.decided_by,
            is_overdue: row.is_overdue,
            is_identified: row.is_identified,
            closed_at: row.closed_at,
            by_agent: row.by_agent,
        }
    }
}

/// A request with everything about it.
#[derive(Serialize, JsonSchema)]
pub(super) struct RequestInFull {
    request: Request,
    /// Until when it can be extended to; null where some law permits none, or it was extended.
    extensible_to: Option<Timestamp>,
    /// The name of whoever asks for the person.
    agent: Option<String>,
    /// What a correction or an objection is about.
    about: Option<String>,
    /// Whether the person wrote a statement; it is sealed.
    has_statement: bool,
    steps: Vec<AuditLine>,
    /// Where the person can go who is not content with the answer.
    routes: Vec<Route>,
    /// What keeps it from being carried out in whole.
    obstacles: Vec<String>,
    files: Vec<FileOfRequest>,
    report: Option<Report>,
}

/// One line of a request's audit.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Step")]
struct AuditLine {
    step: String,
    at: Timestamp,
    /// By whom; null in what the person sees.
    by: Option<PersonId>,
    /// Where the request stood afterwards.
    state: RequestState,
    reason: Option<String>,
    /// What the staff noted; null in what the person sees.
    note: Option<String>,
}

/// Where a person can go.
#[derive(Serialize, JsonSchema)]
struct Route {
    regime: Regime,
    /// The body that takes complaints.
    body: String,
    /// The way to a court.
    court: String,
}

impl From<ComplaintRoute> for Route {
    fn from(route: ComplaintRoute) -> Self {
        Self { regime: route.regime, body: route.body, court: route.court }
    }
}

/// A file that was made for the person.
#[derive(Serialize, JsonSchema)]
pub(super) struct FileOfRequest {
    /// Its number, from 1.
    volume: u32,
    /// Whether it is still here; it goes with the person and when its days are over.
    is_here: bool,
    /// For how many keys it is sealed; 0 when it is not.
    recipients: usize,
    conversations: u64,
    records: u64,
    /// SHA-256 of its manifest, hex.
    manifest_sha256: String,
}

impl From<&ExportFileRow> for FileOfRequest {
    fn from(row: &ExportFileRow) -> Self {
        Self {
            volume: row.volume,
            is_here: !row.file.is_empty(),
            recipients: row.recipients,
            conversations: row.conversations,
            records: row.records,
            manifest_sha256: row.manifest_sha256.clone(),
        }
    }
}

/// What was done.
#[derive(Serialize, JsonSchema)]
struct Report {
    /// What was done, or why not.
    sentences: Vec<String>,
    left_undone: Option<String>,
    /// For an erasure: every place, and what became of it.
    places: Vec<PlaceOfData>,
    /// What stays and why.
    kept: Vec<Kept>,
    /// The certificate of what was destroyed.
    certificate: Option<String>,
    /// Whether the answer came too late.
    is_late: bool,
}

/// What became of one place where data lay.
#[derive(Serialize, JsonSchema)]
struct PlaceOfData {
    place: String,
    outcome: String,
}

/// What stays of a person, and why.
#[derive(Serialize, JsonSchema)]
struct Kept {
    ground: GroundKind,
    basis: Option<LegalBasis>,
    records: u64,
    until: Option<Timestamp>,
    sentence: String,
}

impl From<RightsReport> for Report {
    fn from(report: RightsReport) -> Self {
        let certificate = report.destruction.and_then(|done| done.certificate);
        let places = report.stores.into_iter();
        let kept = report.kept.into_iter().map(|kept| Kept {
            ground: kept.ground,
            basis: kept.basis,
            records: kept.records,
            until: kept.until,
            sentence: kept.sentence,
        });
        Self {
            sentences: report.sentences,
            left_undone: report.left_undone,
            places: places.map(|one| PlaceOfData { place: one.store, outcome: one.outcome }).collect(),
            kept: kept.collect(),
            certificate: certificate.map(|reference| reference.as_str().to_owned()),
            is_late: report.is_late,
        }
    }
}

impl RequestInFull {
    /// As staff see it, or as the person does: without who did what and what they noted.
    pub(super) fn seen(detail: RequestDetail, by_staff: bool) -> Self {
        let step = |row: RequestStepRow| AuditLine {
            step: row.step,
            at: row.at,
            by: by_staff.then_some(row.by),
            state: row.state,
            reason: row.reason,
            note: row.note.filter(|_| by_staff),
        };
        Self {
            request: detail.row.into(),
            extensible_to: detail.extensible_to,
            agent: detail.agent,
            about: detail.target,
            has_statement: detail.has_statement,
            steps: detail.steps.into_iter().map(step).collect(),
            routes: detail.routes.into_iter().map(Route::from).collect(),
            obstacles: detail.obstacles,
            files: detail.files.iter().map(FileOfRequest::from).collect(),
            report: detail.report.map(Report::from),
        }
    }
}
