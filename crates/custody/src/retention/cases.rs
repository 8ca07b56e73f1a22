//! Findings of misuse, feedback and investigations: grounds that take existing records in.

use fiducia_ledger::Event;
use fiducia_policy::{
    CaseId, ConversationId, FlagId, GroundKind, KeyId, OrganizationId, RecordClass, RecordId, Standing,
    Timestamp,
};
use fiducia_store::{BucketName, CaseRecord, ConversationRecord, FlagRecord, KeyKind};

use super::commands::{CaseRow, ContentScope, FlagRow, RetentionReply};
use super::governance::{conversation_facts, situation};
use super::holds::Staged;
use crate::AdminError;
use crate::administer::check_name;
use crate::faults;
use crate::keychain::KeyPurpose;
use crate::staging::Batch;
use crate::writer::Writer;

const LIST_ROWS_MAX: u32 = 10_000;

/// Records to be kept for a ground.
struct Content {
    conversation: ConversationRecord,
    record: Option<RecordId>,
}

impl Writer {
    fn content(&mut self, scope: ContentScope) -> Result<Content, AdminError> {
        match scope {
            ContentScope::Conversation(id) => {
                Ok(Content { conversation: self.living_conversation(id)?.0, record: None })
            }
            ContentScope::Record(id) => {
                let (_, record) = self
                    .find(id)?
                    .ok_or_else(|| AdminError::NotFound(format!("there is no {id}; nothing was kept")))?;
                let conversation = self.living_conversation(record.conversation)?.0;
                Ok(Content { conversation, record: Some(id) })
            }
        }
    }

    /// Wraps content for a ground under its root. Gives how many records are kept for it.
    fn keep_for(&mut self, content: &Content, ground: GroundKind, root: KeyId) -> Result<u64, AdminError> {
        let (mut batch, mut staged) = (Batch::default(), Staged::new());
        self.wrap_covered(&content.conversation, &mut batch, &mut staged, |record| {
            content.record.is_none_or(|only| only == record.id).then_some((ground, root))
        })?;
        self.files.keys.add(&batch.new_keys)?;
        faults::reached("held-keys-stored");
        let mut kept = 0;
        for (bucket, wraps) in staged {
            kept += self.files.bucket(&bucket)?.hold(&wraps)?;
        }
        Ok(kept)
    }

    /// When a ground that opens now for a conversation ends, by the policy in force.
    fn end_of_new_ground(
        &self,
        conversation: &ConversationRecord,
        ground: GroundKind,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, AdminError> {
        let terms = self.terms_of(conversation.organization)?;
        let person = self.person_terms(conversation.subject)?;
        let mut facts = conversation_facts(terms, person, conversation);
        match ground {
            GroundKind::Violation | GroundKind::SafetyScore => facts.flagged_at = Some(now),
            GroundKind::Feedback => facts.feedback_at = Some(now),
            GroundKind::Investigation => facts.case_opened_at = Some(now),
            GroundKind::Service | GroundKind::SafetyWindow | GroundKind::LegalHold => {}
        }
        let class = match ground {
            GroundKind::SafetyScore => RecordClass::SafetyScores,
            _ => conversation.terms.class,
        };
        let situation = situation(terms, person, class, conversation.terms.covered);
        let (_, policy) = self.governance.current();
        Ok(match policy.schedule(situation, &facts).standing(ground) {
            Standing::Holds { until: Some(until) } if until > now => Some(until),
            _ => None,
        })
    }

    /// The root of a ground that ends with one day, stored.
    fn root_until(
        &mut self,
        organization: OrganizationId,
        kind: KeyKind,
        until: Timestamp,
    ) -> Result<(KeyId, BucketName), AdminError> {
        let day = BucketName::of(until);
        let mut batch = Batch::default();
        let now = self.clock.now();
        let (root, _) =
            self.shared_root(&mut batch, (organization, kind), day.as_str(), day.starts_at(), now)?;
        if let Err(error) = self.files.keys.add(&batch.new_keys) {
            // What is remembered was not stored.
            self.caches.clear();
            return Err(error.into());
        }
        Ok((root, day))
    }

    /// Notes a violation.
    pub(super) fn flag(
        &mut self,
        content: ContentScope,
        category: &str,
        score: Option<f64>,
        actor: &str,
    ) -> Result<RetentionReply, AdminError> {
        check_name("a category", category)?;
        if score.is_some_and(|score| !(0.0..=1.0).contains(&score)) {
            return Err(AdminError::Invalid("a score is between 0 and 1; nothing was flagged".to_owned()));
        }
        let content = self.content(content)?;
        let actor = self.person(actor)?;
        let now = self.clock.now();
        let organization = content.conversation.organization;
        let until = self.end_of_new_ground(&content.conversation, GroundKind::Violation, now)?;
        let (mut records, mut day) = (0, None);
        if let Some(until) = until {
            let (root, label) = self.root_until(organization, KeyKind::ViolationDay, until)?;
            records = self.keep_for(&content, GroundKind::Violation, root)?;
            day = Some(label.as_str().to_owned());
        }
        let flag = FlagRecord {
            id: FlagId::generate(now, &*self.randomness)?,
            organization,
            subject: content.conversation.subject,
            conversation: content.conversation.id,
            record: content.record,
            category: category.to_owned(),
            score,
            flagged_at: now,
            flagged_by: actor,
            content_until: day,
            score_ends_at: self.end_of_new_ground(&content.conversation, GroundKind::SafetyScore, now)?,
        };
        let event = Event::ContentFlagged { flag: flag.id, category: category.to_owned(), records, actor };
        let announced = self.announced(organization, event, now)?;
        self.files.control.flag(&flag, &announced.0)?;
        self.delivered(announced)?;
        Ok(RetentionReply::Flag(flag_row(flag)))
    }

    /// Lists findings.
    pub(super) fn list_flags(
        &self,
        conversation: Option<ConversationId>,
    ) -> Result<RetentionReply, AdminError> {
        let flags = self.files.control.flags(conversation, LIST_ROWS_MAX)?;
        Ok(RetentionReply::Flags(flags.into_iter().map(flag_row).collect()))
    }

    /// Keeps a conversation for the feedback that its person gave on it.
    pub(super) fn give_feedback(&mut self, id: ConversationId) -> Result<RetentionReply, AdminError> {
        let (conversation, pseudonym) = self.living_conversation(id)?;
        let now = self.clock.now();
        let organization = conversation.organization;
        let until = self.end_of_new_ground(&conversation, GroundKind::Feedback, now)?.ok_or_else(|| {
            AdminError::Conflict(
                "the policy in force keeps nothing for feedback in this situation; nothing was kept"
                    .to_owned(),
            )
        })?;
        let (root, _) = self.root_until(organization, KeyKind::FeedbackDay, until)?;
        let content = Content { conversation, record: None };
        let records = self.keep_for(&content, GroundKind::Feedback, root)?;
        let announced = self.announced(organization, Event::FeedbackGiven { pseudonym, records }, now)?;
        self.files.control.announce(&announced.0)?;
        Ok(RetentionReply::Done(Some(self.delivered(announced)?)))
    }

    /// Opens an investigation.
    pub(super) fn open_case(
        &mut self,
        organization: OrganizationId,
        name: &str,
        actor: &str,
    ) -> Result<RetentionReply, AdminError> {
        check_name("a case's name", name)?;
        let terms = self.terms_of(organization)?;
        let actor = self.person(actor)?;
        let now = self.clock.now();
        let id = CaseId::generate(now, &*self.randomness)?;
        let ends_at = self.governance.investigation_end(terms, now, None);
        let purpose = KeyPurpose {
            kind: KeyKind::Investigation,
            organization,
            subject: None,
            conversation: None,
            label: id.uuid(),
            ends_at,
        };
        let root = self.keychain.new_root(&self.files.keys, purpose, now, &*self.randomness)?;
        self.files.keys.add(&[root.stored])?;
        let case = CaseRecord {
            id,
            organization,
            name: name.to_owned(),
            root: root.id,
            opened_at: now,
            opened_by: actor,
            closed_at: None,
            ends_at,
            ended_at: None,
        };
        let announced = self.announced(organization, Event::CaseOpened { case: id, actor }, now)?;
        self.files.control.open_case(&case, &announced.0)?;
        self.delivered(announced)?;
        Ok(RetentionReply::Case(case_row(case)))
    }

    fn living_case(&self, id: CaseId) -> Result<CaseRecord, AdminError> {
        let found = self.files.control.cases()?.into_iter().find(|case| case.id == id);
        let case =
            found.ok_or_else(|| AdminError::NotFound(format!("there is no {id}; nothing was changed")))?;
        match case.closed_at.or(case.ended_at) {
            Some(at) => Err(AdminError::Conflict(format!("{id} was closed at {at}; nothing was changed"))),
            None => Ok(case),
        }
    }

    /// Takes content into an investigation.
    pub(super) fn extend_case(
        &mut self,
        id: CaseId,
        content: ContentScope,
        actor: &str,
    ) -> Result<RetentionReply, AdminError> {
        let case = self.living_case(id)?;
        let content = self.content(content)?;
        if content.conversation.organization != case.organization {
            return Err(AdminError::Invalid(
                "a case takes in only what belongs to its organisation; nothing was kept".to_owned(),
            ));
        }
        let actor = self.person(actor)?;
        let records = self.keep_for(&content, GroundKind::Investigation, case.root)?;
        let event = Event::CaseExtended { case: id, records, actor };
        let announced = self.announced(case.organization, event, self.clock.now())?;
        self.files.control.announce(&announced.0)?;
        Ok(RetentionReply::Done(Some(self.delivered(announced)?)))
    }

    /// Closes an investigation: what it took in ends when the policy says.
    pub(super) fn close_case(&mut self, id: CaseId, actor: &str) -> Result<RetentionReply, AdminError> {
        let case = self.living_case(id)?;
        let terms = self.terms_of(case.organization)?;
        let actor = self.person(actor)?;
        let now = self.clock.now();
        let end = self.governance.investigation_end(terms, case.opened_at, Some(now));
        let ends_at = [end, case.ends_at].into_iter().flatten().min().or(Some(now));
        let announced = self.announced(case.organization, Event::CaseClosed { case: id, actor }, now)?;
        // The end first: should a crash come between, the case is open and ends in time.
        self.files.keys.set_ends(&[(case.root, ends_at)])?;
        self.files.control.close_case(id, now, ends_at, &announced.0)?;
        self.delivered(announced)?;
        Ok(RetentionReply::Case(case_row(CaseRecord { closed_at: Some(now), ends_at, ..case })))
    }

    /// Lists investigations.
    pub(super) fn list_cases(&self) -> Result<RetentionReply, AdminError> {
        Ok(RetentionReply::Cases(self.files.control.cases()?.into_iter().map(case_row).collect()))
    }
}

fn flag_row(flag: FlagRecord) -> FlagRow {
    FlagRow {
        id: flag.id,
        conversation: flag.conversation,
        record: flag.record,
        category: flag.category,
        score: flag.score,
        flagged_at: flag.flagged_at,
        content_until: flag.content_until,
        score_ends_at: flag.score_ends_at,
    }
}

fn case_row(case: CaseRecord) -> CaseRow {
    CaseRow {
        id: case.id,
        organization: case.organization,
        name: case.name,
        opened_at: case.opened_at,
        closed_at: case.closed_at,
        ends_at: case.ends_at,
        ended_at: case.ended_at,
    }
}
