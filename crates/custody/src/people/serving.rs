//! People for staff: read beside the writer.

use fiducia_policy::{OrganizationId, SubjectId};
use fiducia_store::{KeyKind, PersonSummary, RightsFilter};

use super::{HeldCount, HeldFor, PeopleCommand, PeopleReply, PersonDetail, PersonRow};
use crate::AdminError;
use crate::callers::is_subject_name;
use crate::reading::Reader;
use crate::rights::row_of;

const LIST_ROWS_MAX: u32 = 1_000;
/// Requests that the page about a person shows.
const REQUESTS_MAX: u32 = 100;

impl Reader {
    /// Answers a command about people.
    pub(crate) fn people(&self, command: PeopleCommand) -> Result<PeopleReply, AdminError> {
        match command {
            PeopleCommand::Find { organization, name } => {
                self.find_person(organization, &name).map(PeopleReply::Found)
            }
            PeopleCommand::List { organization, before, limit } => {
                self.people_page(organization, before, limit).map(PeopleReply::People)
            }
            PeopleCommand::Show { subject } => {
                self.person_detail(subject).map(|detail| PeopleReply::Person(Box::new(detail)))
            }
        }
    }

    /// Only the keyed digest of a name is stored, so the name is digested and the digest looked up.
    fn find_person(&self, organization: OrganizationId, name: &str) -> Result<Option<SubjectId>, AdminError> {
        if !is_subject_name(name) {
            return Err(AdminError::Invalid(
                "a person's name has 1 to 128 visible ASCII characters".to_owned(),
            ));
        }
        let _reading = self.reading();
        let digest = self
            .callers
            .name_digest(organization, name)
            .ok_or_else(|| AdminError::NotFound(format!("there is no organisation {organization}")))?;
        Ok(self.control()?.subject_named(organization, digest)?.map(|found| found.id))
    }

    fn people_page(
        &self,
        organization: OrganizationId,
        before: Option<SubjectId>,
        limit: u32,
    ) -> Result<Vec<PersonRow>, AdminError> {
        if limit == 0 || limit > LIST_ROWS_MAX {
            return Err(AdminError::Invalid(format!("a list has 1 to {LIST_ROWS_MAX} rows")));
        }
        let _reading = self.reading();
        let found = self.control()?.people_before(organization, before, limit)?;
        Ok(found.into_iter().map(|summary| self.person_row(summary)).collect())
    }

    fn person_row(&self, summary: PersonSummary) -> PersonRow {
        let subject = summary.subject;
        PersonRow {
            id: subject.id,
            organization: subject.organization,
            created_at: subject.created_at,
            plan: subject.plan.or_else(|| self.callers.terms(subject.organization).map(|terms| terms.plan)),
            has_own_plan: subject.plan.is_some(),
            conversations: summary.conversations,
            has_contact: summary.has_contact,
            open_requests: summary.open_requests,
            is_restricted: summary.is_restricted,
            closed_at: subject.closed_at,
            erased_at: subject.erased_at,
        }
    }

    fn person_detail(&self, subject: SubjectId) -> Result<PersonDetail, AdminError> {
        let _reading = self.reading();
        let (control, keys, now) = (self.control()?, self.keys()?, self.clock.now());
        let summary = control
            .person_summary(subject)?
            .ok_or_else(|| AdminError::NotFound(format!("there is no {subject}")))?;
        let mut held: Vec<HeldCount> = Vec::new();
        for (kind, root, conversations) in keys.held_conversations(subject)? {
            let Some(held_for) = held_for(kind, root) else { continue };
            match held.iter_mut().find(|count| count.held_for == held_for) {
                Some(count) => count.conversations = count.conversations.saturating_add(conversations),
                None => held.push(HeldCount { held_for, conversations }),
            }
        }
        held.sort_unstable_by_key(|count| count.held_for);
        let (deleted, records) = control.person_counts(subject)?;
        let filter = RightsFilter { subject: Some(subject), ..RightsFilter::default() };
        let mut requests = control.requests(filter, REQUESTS_MAX)?;
        requests.reverse();
        Ok(PersonDetail {
            row: self.person_row(summary),
            held,
            deleted,
            records,
            restriction: control.restriction(subject)?.map(|found| (found.request, found.since)),
            objections: control.objections(subject)?,
            opt_out: control.opt_out(subject)?.map(|found| (found.since, found.ask_again_at)),
            requests: requests.iter().map(|record| row_of(record, now)).collect(),
            logins: control.logins_of(subject)?,
        })
    }
}

/// What a conversation's key is for, by its kind and that of the key it hangs from.
const fn held_for(kind: KeyKind, parent: Option<KeyKind>) -> Option<HeldFor> {
    match (kind, parent) {
        (KeyKind::Conversation, _) => Some(HeldFor::Service),
        (KeyKind::ConversationSafety, _) => Some(HeldFor::Safety),
        (KeyKind::ConversationHeld, Some(KeyKind::ViolationDay)) => Some(HeldFor::Violation),
        (KeyKind::ConversationHeld, Some(KeyKind::FeedbackDay)) => Some(HeldFor::Feedback),
        (KeyKind::ConversationHeld, Some(KeyKind::Investigation)) => Some(HeldFor::Investigation),
        (KeyKind::ConversationHeld, Some(KeyKind::LegalHold)) => Some(HeldFor::LegalHold),
        _ => None,
    }
}
