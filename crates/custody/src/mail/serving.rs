//! Mails for whoever sends them: read beside the writer.

use std::sync::Arc;

use fiducia_keyring::open_value;
use fiducia_policy::WarningId;
use fiducia_store::MailRecord;

use super::{DueMail, MailAbout, MailAddress, MailReply, WarningLetter};
use crate::keychain::Keychain;
use crate::reading::Reader;
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
        let mut due = Vec::new();
        for mail in control.due_mails(now, limit)? {
            let reference = mail.reference.parse().map_err(|error| damaged(&error))?;
            due.push(due_mail(MailAbout::Certificate(reference), &mail));
        }
        for mail in control.due_warning_mails(now, limit)? {
            let id = mail.reference.parse().map_err(|error| damaged(&error))?;
            due.push(due_mail(MailAbout::Warning(id), &mail));
        }
        Ok(AdminReply::Mailed(MailReply::Due(due)))
    }

    /// What a warning says, and to whom.
    pub(crate) fn warning_letter(&self, id: WarningId) -> Result<WarningLetter, AdminError> {
        let _reading = self.reading();
        let (control, keys) = (self.control()?, self.keys()?);
        let missing = |what: &str| AdminError::NotFound(format!("{id} cannot be sent: {what}"));
        let warning = control.warning(id)?.ok_or_else(|| missing("it is there no more"))?;
        let given_at = warning.given_at.ok_or_else(|| missing("it is not given yet"))?;
        let contact =
            control.contact(warning.subject)?.ok_or_else(|| missing("its person has no address"))?;
        let key = Keychain::new(Arc::clone(&self.kms)).key(&keys, contact.key)?;
        let padded = open_value((contact.key, &key), warning.subject.as_bytes(), &contact.sealed)?;
        let to = MailAddress::from_padded(&padded).map_err(|error| damaged(&error))?;
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

fn due_mail(about: MailAbout, mail: &MailRecord) -> DueMail {
    DueMail { about, organization: mail.organization, attempts: mail.attempts }
}

fn damaged(error: &dyn std::fmt::Display) -> AdminError {
    AdminError::Storage(format!("control.db: {error}"))
}
