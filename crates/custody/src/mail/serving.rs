//! Mails for whoever sends them: read beside the writer.

use std::sync::Arc;

use fiducia_keyring::open_value;
use fiducia_policy::{LetterId, SubjectId, WarningId};
use fiducia_store::{ControlStore, LetterSource};

use super::{DueMail, Letter, LetterAbout, MailAbout, MailAddress, MailReply, WarningLetter};
use crate::consent::campaign_terms;
use crate::keychain::Keychain;
use crate::reading::Reader;
use crate::rights::commands::RightsReport;
use crate::{AdminError, AdminReply};

const LIST_ROWS_MAX: u32 = 1_000;

impl Reader {
    /// Mails that are due.
    pub(crate) fn due_mails(&self, limit: u32) -> Result<AdminReply, AdminError> {
        if limit == 0 || limit > LIST_ROWS_MAX {
            return Err(AdminError::Invalid(format!("a list has 1 to {LIST_ROWS_MAX} rows")));
        }
        let _reading = self.reading();
        let (control, now) = (self.control()?, self.clock.now());
        let due = control
            .due_mails(now, limit)?
            .into_iter()
            .map(|mail| {
                let about = MailAbout::of(&mail.key)?;
                Ok(DueMail { about, organization: mail.organization, attempts: mail.attempts })
            })
            .collect::<Result<_, AdminError>>()?;
        Ok(AdminReply::Mailed(MailReply::Due(due)))
    }

    /// What a letter says, and to whom.
    pub(crate) fn letter(&self, id: LetterId) -> Result<Letter, AdminError> {
        let _reading = self.reading();
        let control = self.control()?;
        let missing = |what: &str| AdminError::NotFound(format!("{id} cannot be sent: {what}"));
        let letter = control.letter(id)?.ok_or_else(|| missing("it is there no more"))?;
        let to =
            self.address(&control, letter.subject)?.ok_or_else(|| missing("its person has no address"))?;
        let organization = self
            .callers
            .organization(letter.organization)
            .ok_or_else(|| missing("its organisation is gone"))?;
        let about = match letter.source {
            LetterSource::Campaign(campaign, _) => {
                let found = control.campaign(campaign)?.ok_or_else(|| missing("its campaign is gone"))?;
                LetterAbout::Question { purpose: found.purpose, deadline: campaign_terms(&found)?.deadline }
            }
            LetterSource::Request(request, number) => {
                let found = control.request(request)?.ok_or_else(|| missing("its request is gone"))?;
                let steps = control.request_steps(request)?;
                let reason =
                    steps.into_iter().find(|step| step.number == number).and_then(|step| step.reason);
                let report: Option<RightsReport> = found
                    .report
                    .as_deref()
                    .map(serde_json::from_str)
                    .transpose()
                    .map_err(|error| damaged(&error))?;
                let (_, policy) = self.governance.current();
                LetterAbout::Request {
                    id: request,
                    kind: found.kind,
                    due: found.due(),
                    reason,
                    left_undone: report.and_then(|report| report.left_undone),
                    routes: policy.rights().routes(&found.regimes),
                }
            }
        };
        let language = control.language_of(letter.subject)?;
        let organization = organization.name;
        Ok(Letter { id, to, organization, language, kind: letter.kind, about, queued_at: letter.queued_at })
    }

    /// Where a person is written to: opened here, for the mail alone.
    fn address(&self, control: &ControlStore, subject: SubjectId) -> Result<Option<MailAddress>, AdminError> {
        let Some(contact) = control.contact(subject)? else { return Ok(None) };
        let keys = self.keys()?;
        let key = Keychain::new(Arc::clone(&self.access)).key(&keys, contact.key)?;
        let padded = open_value((contact.key, &key), subject.as_bytes(), &contact.sealed)?;
        MailAddress::from_padded(&padded).map(Some).map_err(|error| damaged(&error))
    }

    /// What a warning says, and to whom.
    pub(crate) fn warning_letter(&self, id: WarningId) -> Result<WarningLetter, AdminError> {
        let _reading = self.reading();
        let control = self.control()?;
        let missing = |what: &str| AdminError::NotFound(format!("{id} cannot be sent: {what}"));
        let warning = control.warning(id)?.ok_or_else(|| missing("it is there no more"))?;
        let given_at = warning.given_at.ok_or_else(|| missing("it is not given yet"))?;
        let to =
            self.address(&control, warning.subject)?.ok_or_else(|| missing("its person has no address"))?;
        let organization = self
            .callers
            .organization(warning.organization)
            .ok_or_else(|| missing("its organisation is gone"))?;
        let own_plan = control.subject(warning.subject)?.and_then(|subject| subject.plan);
        let (_, policy) = self.governance.current();
        let plan = policy.plan(own_plan.unwrap_or(organization.terms.plan));
        Ok(WarningLetter {
            id,
            to,
            organization: organization.name,
            given_at,
            conversations: warning.conversations,
            first_ends_at: warning.first_ends_at,
            may_keep: plan.is_some_and(|plan| plan.may_keep),
        })
    }
}

pub(super) fn damaged(error: &dyn std::fmt::Display) -> AdminError {
    AdminError::Storage(format!("control.db: {error}"))
}
