//! The queue of the staff, and one request with everything about it.

use std::sync::atomic::Ordering;

use fiducia_policy::{
    OrganizationId, Policy, QueueEntry, RequestKind, RightsRequestId, Timestamp, queue_order,
};
use fiducia_store::{ControlStore, ExportVolume, RightsFilter, RightsRecord};

use super::commands::{ExportFileRow, RequestDetail, RequestRow, RequestStepRow, RightsReply};
use super::fulfilling::is_paid;
use super::requests::row_of;
use crate::administer::hex;
use crate::reading::Reader;
use crate::retention::scope_of_hold;
use crate::writer::Writer;
use crate::{AdminError, AdminReply};

/// Open requests that are put in order together.
const QUEUE_ROWS_MAX: u32 = 10_000;
const LIST_ROWS_MAX: u32 = 1_000;
/// How long before its due date a request is due soon, in seconds: a week.
const SOON_SECONDS: i64 = 7 * 86_400;

impl Writer {
    /// Counts the open requests for the metrics.
    pub(crate) fn count_requests(&self, now: Timestamp) -> Result<(), AdminError> {
        let soon = Timestamp::from_second(now.as_second().saturating_add(SOON_SECONDS)).unwrap_or(now);
        let counts = self.files.control.request_counts(now, soon)?;
        self.handle.requests_open.store(counts.open, Ordering::Relaxed);
        self.handle.requests_overdue.store(counts.overdue, Ordering::Relaxed);
        self.handle.requests_due_soon.store(counts.due_soon, Ordering::Relaxed);
        Ok(())
    }

    pub(super) fn request_detail(&self, id: RightsRequestId) -> Result<RequestDetail, AdminError> {
        let (_, policy) = self.governance.current();
        detail(&self.files.control, &policy, id, self.clock.now())
    }
}

impl Reader {
    /// Open requests in the order in which to work on them, then, if asked for, those that are closed.
    pub(crate) fn requests(
        &self,
        organization: Option<OrganizationId>,
        closed: bool,
        limit: u32,
    ) -> Result<AdminReply, AdminError> {
        if limit == 0 || limit > LIST_ROWS_MAX {
            return Err(AdminError::Invalid(format!("a list has 1 to {LIST_ROWS_MAX} rows")));
        }
        let _reading = self.reading();
        let (control, now) = (self.control()?, self.clock.now());
        let most = usize::try_from(limit).unwrap_or(usize::MAX);
        let mut rows = self.queue(&control, organization, now)?;
        rows.truncate(most);
        if closed {
            let mut after = None;
            while rows.len() < most {
                let filter = RightsFilter { organization, after, ..RightsFilter::default() };
                let step = control.requests(filter, LIST_ROWS_MAX)?;
                let Some(last) = step.last() else { break };
                after = Some(last.id);
                let closed = step.iter().filter(|record| record.closed_at.is_some());
                rows.extend(closed.take(most - rows.len()).map(|record| row_of(record, now)));
            }
        }
        Ok(AdminReply::Rights(RightsReply::Requests(rows)))
    }

    /// Requests as they stand now.
    pub(crate) fn request_rows(&self, records: &[RightsRecord]) -> Vec<RequestRow> {
        let now = self.clock.now();
        records.iter().map(|record| row_of(record, now)).collect()
    }

    fn queue(
        &self,
        control: &ControlStore,
        organization: Option<OrganizationId>,
        now: Timestamp,
    ) -> Result<Vec<RequestRow>, AdminError> {
        let open = control.open_requests(organization, QUEUE_ROWS_MAX)?;
        let mut entries = Vec::with_capacity(open.len());
        for (place, record) in open.iter().enumerate() {
            entries.push(QueueEntry {
                place,
                due: record.due(),
                received_at: record.received_at,
                is_paid: self.is_paid(control, record)?,
            });
        }
        let (_, policy) = self.governance.current();
        let terms = policy.rights();
        let order = queue_order(entries, now, terms.hours_per_request, terms.is_paid_first);
        Ok(order.iter().filter_map(|entry| open.get(entry.place)).map(|record| row_of(record, now)).collect())
    }

    fn is_paid(&self, control: &ControlStore, record: &RightsRecord) -> Result<bool, AdminError> {
        let own = match record.subject {
            Some(subject) => control.subject(subject)?.and_then(|row| row.plan),
            None => None,
        };
        let plan = own.or_else(|| self.callers.terms(record.organization).map(|terms| terms.plan));
        Ok(plan.is_some_and(is_paid))
    }

    /// One request with its audit.
    pub(crate) fn request_shown(&self, id: RightsRequestId) -> Result<AdminReply, AdminError> {
        let _reading = self.reading();
        let (_, policy) = self.governance.current();
        let control = self.control()?;
        let detail = detail(&control, &policy, id, self.clock.now())?;
        Ok(AdminReply::Rights(RightsReply::Request(Box::new(detail))))
    }
}

fn detail(
    control: &ControlStore,
    policy: &Policy,
    id: RightsRequestId,
    now: Timestamp,
) -> Result<RequestDetail, AdminError> {
    let record = control.request(id)?.ok_or_else(|| AdminError::NotFound(format!("there is no {id}")))?;
    let steps = control.request_steps(id)?.into_iter().map(|step| RequestStepRow {
        step: step.step,
        at: step.at,
        by: step.by,
        state: step.state,
        reason: step.reason,
        note: step.note,
    });
    let has_statement = match record.subject {
        Some(subject) => {
            control.statements(subject, LIST_ROWS_MAX)?.iter().any(|statement| statement.request == id)
        }
        None => false,
    };
    let report = record.report.as_deref().map(serde_json::from_str).transpose().map_err(|error| {
        AdminError::Storage(format!("the report of {id} cannot be read: {error}; control.db is damaged"))
    })?;
    let can_extend = record.closed_at.is_none()
        && !record.standing.is_extended
        && record.extended_by > record.answer_by
        && now < record.answer_by;
    Ok(RequestDetail {
        row: row_of(&record, now),
        extensible_to: can_extend.then_some(record.extended_by),
        agent: record.agent.as_ref().map(|agent| agent.name.clone()),
        target: record.target.clone(),
        has_statement,
        steps: steps.collect(),
        routes: policy.rights().routes(&record.regimes),
        obstacles: obstacles(control, &record)?,
        files: control.export_volumes(id)?.iter().map(file_row).collect(),
        report,
    })
}

/// What keeps a request from being carried out in whole, as far as it can be said beforehand.
fn obstacles(control: &ControlStore, record: &RightsRecord) -> Result<Vec<String>, AdminError> {
    let mut said = Vec::new();
    let Some(subject) = record.subject.filter(|_| record.closed_at.is_none()) else { return Ok(said) };
    if matches!(record.kind, RequestKind::Erasure | RequestKind::Objection) {
        for hold in control.holds()? {
            let scope = scope_of_hold(&hold)?;
            let covers = scope.subjects.is_empty() || scope.subjects.contains(&subject);
            if hold.organization == record.organization && hold.ended_at.is_none() && covers {
                said.push(format!(
                    "{} covers data of this person, or may: what it covers is kept until it is released. The rest can be \
                     destroyed, and the report to the person says what stays",
                    hold.id
                ));
            }
        }
    }
    if let Some(restriction) = control.restriction(subject)?.filter(|found| found.request != record.id) {
        said.push(format!(
            "{} restricts what is kept of this person: until it is lifted the data is read only for the person, for claims in \
             law and to protect others",
            restriction.request
        ));
    }
    Ok(said)
}

pub(super) fn file_row(volume: &ExportVolume) -> ExportFileRow {
    ExportFileRow {
        volume: volume.volume,
        file: volume.file.clone(),
        recipients: volume.recipients.split_whitespace().count(),
        conversations: volume.conversations,
        records: volume.records,
        manifest_sha256: hex(&volume.manifest),
    }
}
