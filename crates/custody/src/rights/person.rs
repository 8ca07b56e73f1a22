//! What is known about a person beside conversations, for the last file of an export.

use std::io::Write;

use fiducia_ledger::ACCESS_RECORDS_MAX;
use fiducia_policy::{ConsentPurpose, SubjectId};
use fiducia_store::{ControlStore, RightsFilter, RightsRecord, RightsStatement, SubjectRecord};

use super::document::{ConsentDocument, FORMAT, PersonDocument, RequestDocument, StatementDocument};
use super::events::Choices;
use super::gathering::{Volume, time};
use crate::certificate::{CertificateReference, CertificateReply};
use crate::looking::ToRead;
use crate::{AdminError, AdminReply};

/// Rows of one kind that the page about a person holds.
const ROWS_MAX: u32 = 1_000;

impl<W: Write> Volume<'_, W> {
    /// Everything about the person, and the certificates as files.
    pub(super) fn person_document(&mut self, choices: &Choices) -> Result<PersonDocument, AdminError> {
        let certificates = self.add_certificates()?;
        let statements = self.statements()?;
        let (reader, exported) = (self.reader, self.exported);
        let (subject, request) = (&exported.subject, &exported.request);
        let _reading = reader.reading();
        let control = reader.control()?;
        let (_, policy) = reader.governance.current();
        let plan =
            subject.plan.or_else(|| reader.callers.terms(subject.organization).map(|terms| terms.plan));
        let organizations = control.organizations()?;
        let organization = organizations.iter().find(|found| found.id == subject.organization);
        let routes = policy.rights().routes(&request.regimes);
        Ok(PersonDocument {
            format: FORMAT,
            request: request.id.to_string(),
            organization: organization.map(|found| found.name.clone()).unwrap_or_default(),
            subject: subject.id.to_string(),
            pseudonym: exported.pseudonym.to_string(),
            first_seen_at: time(subject.created_at),
            plan: plan.map(|plan| plan.name().to_owned()).unwrap_or_default(),
            closed_at: subject.closed_at.map(time),
            consents: consents_of(&control, subject, choices)?,
            restricted_since: control.restriction(subject.id)?.map(|found| time(found.since)),
            objections: control
                .objections(subject.id)?
                .into_iter()
                .map(|(ground, since)| format!("{} since {}", ground.name(), time(since)))
                .collect(),
            opted_out_since: control.opt_out(subject.id)?.map(|found| time(found.since)),
            statements,
            requests: requests_of(&control, subject.id)?,
            certificates,
            datasets: datasets(&control)?,
            routes: routes
                .into_iter()
                .map(|route| format!("{}: {}; {}", route.regime.name(), route.body, route.court))
                .collect(),
        })
    }

    /// The certificates that name the person, each as its own file. They are made from what the log proves.
    fn add_certificates(&mut self) -> Result<Vec<String>, AdminError> {
        let mut found: Vec<String> = Vec::new();
        loop {
            let after = found.last().cloned().unwrap_or_default();
            let step = {
                let _reading = self.reader.reading();
                self.reader.control()?.certificates_of(self.exported.subject.id, &after, ROWS_MAX)?
            };
            if step.is_empty() {
                return Ok(found);
            }
            for record in step {
                let reference: CertificateReference = record.reference.parse().map_err(|error| {
                    AdminError::Storage(format!("{} cannot be read: {error}", record.reference))
                })?;
                if let AdminReply::Certified(CertificateReply::File { text, .. }) =
                    self.reader.certificate_file(&reference)?
                {
                    self.archive.file(format!("certificates/{reference}.certificate"), text.as_bytes())?;
                }
                found.push(record.reference);
            }
        }
    }

    /// What the person wrote to correct records: read after an entry, as everything they wrote is.
    fn statements(&mut self) -> Result<Vec<StatementDocument>, AdminError> {
        let stored = self.reader.control()?.statements(self.exported.subject.id, ROWS_MAX)?;
        let mut documents = Vec::with_capacity(stored.len());
        for chunk in stored.chunks(ACCESS_RECORDS_MAX) {
            let subject = self.exported.subject.id;
            let read = |statement: &RightsStatement| ToRead {
                record: statement.record,
                exchange: None,
                is_answer: false,
                answer_id: None,
                workspace: None,
                subject,
                conversation: None,
            };
            let receipt = self.access(&chunk.iter().map(read).collect::<Vec<_>>())?;
            let whose = (self.exported.request.organization, self.exported.pseudonym);
            let _reading = self.reader.reading();
            let control = self.reader.control()?;
            for statement in chunk {
                let text = self.reader.open_statement(&receipt, statement, whose)?;
                documents.push(StatementDocument {
                    request: statement.request.to_string(),
                    about: about(&control, statement)?,
                    statement: text,
                });
            }
        }
        Ok(documents)
    }
}

fn about(control: &ControlStore, statement: &RightsStatement) -> Result<Option<String>, AdminError> {
    Ok(control.request(statement.request)?.and_then(|request| request.target))
}

/// What the person decided about each use: where it stands, and every entry of the ledger that led there.
fn consents_of(
    control: &ControlStore,
    subject: &SubjectRecord,
    choices: &Choices,
) -> Result<Vec<ConsentDocument>, AdminError> {
    let opt_out = control.opt_out(subject.id)?;
    let standings = control.consent_standings(subject.id)?;
    let documents = ConsentPurpose::ALL.into_iter().map(|purpose| {
        let standing = standings.iter().find(|standing| standing.purpose == purpose);
        let mut said = vec![match standing {
            Some(found) => format!("{} since {}", found.state.name(), time(found.since)),
            None => "never given".to_owned(),
        }];
        if let Some((language, version)) = standing.and_then(|found| found.notice.as_ref()) {
            said.push(format!("about version {version} of the notice in `{language}`"));
        }
        if let Some(opt_out) = &opt_out {
            said.push(format!("not asked again before {}", time(opt_out.ask_again_at)));
        }
        let mine = choices.iter().filter(|(about, _)| *about == purpose).map(|(_, index)| *index);
        ConsentDocument {
            about: purpose.name().to_owned(),
            state: said.join(", "),
            ledger_entries: mine.collect(),
        }
    });
    Ok(documents.collect())
}

fn datasets(control: &ControlStore) -> Result<String, AdminError> {
    Ok(if control.keeps_datasets()? {
        "This installation keeps data sets; which of them mention you is not in this file.".to_owned()
    } else {
        "No data sets exist in this installation, so none mentions you.".to_owned()
    })
}

fn requests_of(control: &ControlStore, subject: SubjectId) -> Result<Vec<RequestDocument>, AdminError> {
    let filter = RightsFilter { subject: Some(subject), ..RightsFilter::default() };
    let found = control.requests(filter, ROWS_MAX)?;
    found.iter().map(|request| request_document(control, request)).collect()
}

fn request_document(control: &ControlStore, request: &RightsRecord) -> Result<RequestDocument, AdminError> {
    let steps = control.request_steps(request.id)?.into_iter().map(|step| {
        let why = step.reason.map(|reason| format!(" because of {reason}")).unwrap_or_default();
        format!("{} {}{why}", time(step.at), step.step)
    });
    Ok(RequestDocument {
        request: request.id.to_string(),
        kind: request.kind.name().to_owned(),
        state: request.standing.state.name().to_owned(),
        received_at: time(request.received_at),
        due: time(request.due()),
        steps: steps.collect(),
    })
}
