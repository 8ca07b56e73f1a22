//! Publishing notices, and carrying out what staff may do about consent.

use std::sync::Arc;

use fiducia_ledger::{Digest, Event, NoticePublished};
use fiducia_policy::{Notice, NoticeIdentity};
use fiducia_store::NoticeRecord;

use super::choosing::{ChoiceRequest, KnownNotice, Speaker, unwritable};
use super::commands::{
    CHOICES_MAX, ConsentCommand, ConsentImport, ConsentReply, ImportedChoice, NoticeRow, RefusedChoice,
};
use crate::AdminError;
use crate::administer::hex;
use crate::staging::sha256;
use crate::writer::Writer;

impl Writer {
    /// Carries a command on consent out that changes something.
    pub(crate) fn consent(&mut self, command: ConsentCommand) -> Result<ConsentReply, AdminError> {
        match command {
            ConsentCommand::PublishNotice { source, actor } => self.publish_notice(&source, &actor),
            ConsentCommand::Choose { subject, choice, actor } => {
                let staff = self.person(&actor)?;
                let request = ChoiceRequest::new(subject, choice, Speaker::Staff(staff));
                self.choose(&request).map(ConsentReply::Chosen)
            }
            ConsentCommand::Import { organization, choices, actor } => {
                self.import_choices(organization, choices, &actor)
            }
            ConsentCommand::OpenCampaign { organization, terms, reason, actor } => {
                self.open_campaign(organization, &terms, reason, &actor)
            }
            ConsentCommand::Remind { id, limit } => self.remind(id, limit),
            ConsentCommand::CloseCampaign { id, actor } => {
                let staff = self.person(&actor)?;
                self.close_campaign_early(id, staff)
            }
            ConsentCommand::ListNotices { .. }
            | ConsentCommand::ShowNotice { .. }
            | ConsentCommand::Show { .. }
            | ConsentCommand::History { .. }
            | ConsentCommand::Receipt { .. }
            | ConsentCommand::ListCampaigns
            | ConsentCommand::ShowCampaign { .. } => {
                Err(AdminError::Invalid("this command is not for the writer; nothing was changed".to_owned()))
            }
        }
    }

    /// Publishes a notice in every organisation's log. A version is published once and never changes.
    fn publish_notice(&mut self, source: &str, actor: &str) -> Result<ConsentReply, AdminError> {
        let notice = Notice::parse(source).map_err(|error| AdminError::Invalid(error.to_string()))?;
        let identity = notice.identity();
        let (document, hash) = written(&notice)?;
        let same_language = self.files.control.newest_notice(notice.purpose, &notice.language)?;
        let newest = same_language.map_or(0, |newest| newest.identity.version);
        if let Some(published) = self.files.control.notice(&identity)? {
            return if published.hash == hash {
                row(&published, published.identity.version < newest)
                    .map(|row| ConsentReply::Notice(Box::new(row)))
            } else {
                Err(AdminError::Conflict(format!(
                    "{identity} was published at {} and never changes: people answered that text. Publish this one as \
                     version {}",
                    published.published_at,
                    newest.saturating_add(1)
                )))
            };
        }
        let all = self.files.control.notices(Some(notice.purpose))?;
        let highest = all.iter().map(|other| other.identity.version).max().unwrap_or(0);
        if notice.version <= newest || notice.version > highest.saturating_add(1) {
            return Err(AdminError::Conflict(format!(
                "the next version of this notice is {}, not {}; nothing was published",
                highest.max(newest.saturating_add(1)),
                notice.version
            )));
        }
        let actor = self.person(actor)?;
        let now = self.clock.now();
        let record = NoticeRecord { identity, document, hash, published_at: now, published_by: actor };
        let mut announced = Vec::new();
        for organization in self.files.control.organizations()? {
            let event = Event::NoticePublished(NoticePublished {
                purpose: notice.purpose,
                language: notice.language.clone(),
                version: u64::from(notice.version),
                notice: Digest(hash),
                actor,
            });
            announced.push(self.announced(organization.id, event, now)?);
        }
        let announcements: Vec<_> = announced.iter().map(|(announcement, _)| announcement.clone()).collect();
        self.files.control.publish_notice(&record, &announcements)?;
        self.consents.notice_published();
        for one in announced {
            self.delivered(one)?;
        }
        row(&record, false).map(|row| ConsentReply::Notice(Box::new(row)))
    }

    fn import_choices(
        &mut self,
        organization: fiducia_policy::OrganizationId,
        choices: Vec<ImportedChoice>,
        actor: &str,
    ) -> Result<ConsentReply, AdminError> {
        if choices.len() > CHOICES_MAX {
            return Err(AdminError::Invalid(format!(
                "at most {CHOICES_MAX} choices are entered together; nothing was changed"
            )));
        }
        let staff = self.person(actor)?;
        let mut report = ConsentImport::default();
        let (mut requests, mut places) = (Vec::with_capacity(choices.len()), Vec::new());
        let names: Vec<&str> = choices.iter().map(|imported| imported.subject.as_str()).collect();
        let subjects = self.subjects_named(organization, &names)?;
        for (place, (imported, subject)) in choices.into_iter().zip(subjects).enumerate() {
            match subject {
                Ok(subject) => {
                    requests.push(ChoiceRequest::new(subject, imported.choice, Speaker::Staff(staff)));
                    places.push(place);
                }
                Err(error) => report.refused.push(RefusedChoice { place, error }),
            }
        }
        for (place, outcome) in places.into_iter().zip(self.choose_many(&requests)?) {
            match outcome {
                Ok(outcome) if outcome.repeated => report.repeated += 1,
                Ok(_) => report.entered += 1,
                Err(error) => report.refused.push(RefusedChoice { place, error }),
            }
        }
        report.refused.sort_by_key(|refused| refused.place);
        Ok(ConsentReply::Imported(report))
    }

    /// Whether a version of a purpose's notice was published in any language.
    pub(super) fn is_published(
        &self,
        purpose: fiducia_policy::ConsentPurpose,
        version: u32,
    ) -> Result<bool, AdminError> {
        let all = self.files.control.notices(Some(purpose))?;
        Ok(all.iter().any(|notice| notice.identity.version == version))
    }

    /// A notice on a purpose that stands now, in some language: English first.
    pub(crate) fn any_standing_notice(
        &mut self,
        purpose: fiducia_policy::ConsentPurpose,
    ) -> Result<Option<NoticeIdentity>, AdminError> {
        if let Some(english) = self.newest_known(purpose, "en")? {
            return Ok(Some(english.0.identity()));
        }
        let all = self.files.control.notices(Some(purpose))?;
        Ok(all.into_iter().map(|notice| notice.identity).max_by_key(|identity| identity.version))
    }
}

/// A notice as it is stored, and its hash.
fn written(notice: &Notice) -> Result<(String, [u8; 32]), AdminError> {
    let document = serde_json_canonicalizer::to_string(notice).map_err(|error| unwritable(&error))?;
    let hash = sha256(&[document.as_bytes()]);
    Ok((document, hash))
}

/// A stored notice, read.
pub(super) fn known(record: &NoticeRecord) -> Result<KnownNotice, AdminError> {
    let notice: Notice = serde_json::from_str(&record.document)
        .map_err(|error| AdminError::Storage(format!("{} cannot be read: {error}", record.identity)))?;
    if sha256(&[record.document.as_bytes()]) != record.hash {
        return Err(AdminError::Storage(format!(
            "{} is not the text that was published: the file was changed from outside; nothing was done",
            record.identity
        )));
    }
    Ok(Arc::new((notice, record.hash, record.published_at)))
}

/// A stored notice for a list.
pub(super) fn row(record: &NoticeRecord, superseded: bool) -> Result<NoticeRow, AdminError> {
    let known = known(record)?;
    Ok(NoticeRow {
        notice: known.0.clone(),
        hash: hex(&record.hash),
        published_at: record.published_at,
        superseded,
    })
}
