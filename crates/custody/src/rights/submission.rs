//! Taking a request in: who asks, whether they may, what is sealed of what they wrote, and when the clock ends.

use fiducia_keyring::{FreshDataKey, RecordBinding};
use fiducia_policy::{
    ConversationId, GroundKind, MandateProblem, PersonId, RecordId, RequestKind, RequestStanding,
    RequestState, RightsRequestId, Timestamp, due_dates,
};
use fiducia_store::{
    KeyKind, RightsAgent, RightsRecord, RightsStatement, RightsStepRecord, SubjectRecord, Submission,
};

use super::commands::{Agent, NewRequest, RightsReply};
use super::requests::step_fact;
use crate::AdminError;
use crate::administer::check_name;
use crate::callers::is_subject_name;
use crate::payload;
use crate::staging::Batch;
use crate::writer::Writer;

/// The longest statement, in bytes.
const STATEMENT_BYTES_MAX: usize = 16 * 1024;
/// Requests of one person that are open at the same time.
const OPEN_REQUESTS_MAX: u32 = 50;
/// The longest key of a submission.
const SUBMISSION_BYTES_MAX: usize = 128;
/// How long ago a request may have arrived that is taken in now, in days.
const RECEIVED_DAYS_AGO_MAX: i64 = 3_650;

fn invalid(text: impl Into<String>) -> AdminError {
    AdminError::Invalid(text.into())
}

impl Writer {
    /// Takes a request in, or finds the one that the same submission made before.
    pub(super) fn open_request(&mut self, new: &NewRequest) -> Result<RightsReply, AdminError> {
        check_submission(&new.submission)?;
        let subject = self.files.control.subject(new.subject)?.ok_or_else(|| {
            AdminError::NotFound(format!("there is no {}; nothing was taken in", new.subject))
        })?;
        let submission = self.submission(new)?;
        // Before anything else is looked at: what was answered once is answered the same again.
        if let Some((found, content)) =
            self.files.control.request_submitted(subject.organization, submission.key)?
        {
            if content != submission.content {
                return Err(AdminError::Conflict(format!(
                    "{} was made under this submission key with another content; nothing was taken in. Use a fresh key \
                     for another request",
                    found.id
                )));
            }
            return Ok(RightsReply::Opened { request: self.request_row(&found), is_new: false });
        }
        if subject.erased_at.is_some() {
            return Err(AdminError::Destroyed(format!(
                "{} was erased; nothing is kept that a request could be about",
                new.subject
            )));
        }
        let now = self.clock.now();
        let agent = agent(new, now)?;
        let actor = self.person(&new.actor)?;
        let (request, statement) = self.new_request(new, &subject, agent, actor, now)?;
        let opened = RightsStepRecord {
            number: 1,
            step: "open".to_owned(),
            at: now,
            by: actor,
            state: RequestState::Received,
            reason: None,
            note: None,
            event: self.event_id()?,
        };
        let fact = step_fact(&request, &opened, subject.pseudonym);
        let announcement = fact.announcement(opened.event, request.organization);
        self.files.control.open_request(&request, submission, statement.as_ref(), &opened, &announcement)?;
        self.count_requests(now)?;
        self.deliver_control(opened.event, request.organization, fact)?;
        Ok(RightsReply::Opened { request: self.request_row(&request), is_new: true })
    }

    /// The digests that tell submissions apart. Keyed with the organisation's names key, so that a short statement cannot be
    /// guessed from what stays after the person is erased.
    fn submission(&self, new: &NewRequest) -> Result<Submission, AdminError> {
        let organization = self.files.control.subject(new.subject)?.map(|subject| subject.organization);
        let digest = |text: &str| {
            organization.and_then(|organization| self.callers.name_digest(organization, text)).ok_or_else(
                || AdminError::NotFound(format!("there is no {}; nothing was taken in", new.subject)),
            )
        };
        // Who takes it in does not matter, and time passes between two attempts.
        let asked = NewRequest { actor: String::new(), submission: String::new(), ..new.clone() };
        let asked = serde_json::to_string(&asked)
            .map_err(|error| AdminError::Storage(format!("the request cannot be written: {error}")))?;
        Ok(Submission {
            key: digest(&format!("rights submission {}", new.submission))?,
            content: digest(&format!("rights content {asked}"))?,
        })
    }

    fn new_request(
        &mut self,
        new: &NewRequest,
        subject: &SubjectRecord,
        agent: Option<RightsAgent>,
        actor: PersonId,
        now: Timestamp,
    ) -> Result<(RightsRecord, Option<RightsStatement>), AdminError> {
        let received_at = new.received_at.unwrap_or(now);
        let oldest = now.as_second().saturating_sub(RECEIVED_DAYS_AGO_MAX * 86_400);
        if received_at > now || received_at.as_second() < oldest {
            return Err(invalid(
                "a request arrived in the past, and not more than ten years ago; nothing was taken in",
            ));
        }
        self.refuse_flood(subject)?;
        let (_, policy) = self.governance.current();
        let mut regimes = if new.regimes.is_empty() {
            policy.rights().default_regimes.clone()
        } else {
            new.regimes.clone()
        };
        regimes.sort_unstable();
        regimes.dedup();
        let due = due_dates(policy.rights(), new.kind, &regimes, received_at).ok_or_else(|| {
            invalid("no clock can be worked out for this request: its date lies outside of the calendar")
        })?;
        let id = RightsRequestId::generate(now, &*self.randomness)?;
        let target = self.target(new)?;
        let new_name = self.new_name(new, subject)?;
        let statement = self.statement(new, subject, id, now)?;
        let request = RightsRecord {
            id,
            organization: subject.organization,
            subject: Some(subject.id),
            kind: new.kind,
            regimes,
            standing: RequestStanding::ARRIVED,
            received_at,
            confirm_by: due.confirm.map(|(at, _)| at),
            answer_by: due.answer.0,
            extended_by: due.extended.0,
            decided_by: due.answer.1,
            opened_by: actor,
            agent,
            target,
            new_name,
            closed_at: None,
            report: None,
        };
        Ok((request, statement))
    }

    /// One person cannot fill the queue for everyone.
    fn refuse_flood(&self, subject: &SubjectRecord) -> Result<(), AdminError> {
        let filter = fiducia_store::RightsFilter {
            subject: Some(subject.id),
            open_only: true,
            ..fiducia_store::RightsFilter::default()
        };
        let open = self.files.control.requests(filter, OPEN_REQUESTS_MAX)?.len();
        if u32::try_from(open).unwrap_or(u32::MAX) >= OPEN_REQUESTS_MAX {
            return Err(AdminError::Conflict(format!(
                "{} has {open} open requests already; nothing was taken in. Answer those first",
                subject.id
            )));
        }
        Ok(())
    }

    /// What a correction or an objection is about.
    fn target(&self, new: &NewRequest) -> Result<Option<String>, AdminError> {
        let is_correction = new.kind == RequestKind::Correction;
        if !is_correction && (new.statement.is_some() || new.new_name.is_some() || new.conversation.is_some())
        {
            return Err(invalid(
                "a statement, a name or a conversation belongs to a correction; nothing was taken in",
            ));
        }
        if new.kind != RequestKind::Objection && !new.grounds.is_empty() {
            return Err(invalid("grounds belong to an objection; nothing was taken in"));
        }
        if is_correction {
            if new.statement.is_none() && new.new_name.is_none() {
                return Err(invalid(
                    "a correction says what is wrong and what is right, or names the account anew; nothing was taken in",
                ));
            }
            return new.conversation.map(|id| self.own_conversation(new, id)).transpose();
        }
        if new.grounds.is_empty() {
            return Ok(None);
        }
        let mut grounds: Vec<&str> = new.grounds.iter().map(|ground| GroundKind::name(*ground)).collect();
        grounds.sort_unstable();
        grounds.dedup();
        Ok(Some(grounds.join(" ")))
    }

    fn own_conversation(&self, new: &NewRequest, id: ConversationId) -> Result<String, AdminError> {
        match self.files.control.conversation(id)? {
            Some(found) if found.subject == new.subject => Ok(id.to_string()),
            // Whether somebody else has it is not said.
            _ => Err(AdminError::NotFound(format!("{} has no {id}; nothing was taken in", new.subject))),
        }
    }

    fn new_name(&self, new: &NewRequest, subject: &SubjectRecord) -> Result<Option<[u8; 32]>, AdminError> {
        let Some(name) = &new.new_name else { return Ok(None) };
        if !is_subject_name(name) {
            return Err(invalid(
                "a subject's name has 1 to 128 visible ASCII characters; nothing was taken in",
            ));
        }
        Ok(self.callers.name_digest(subject.organization, name))
    }

    /// Seals what the person wrote as a record is sealed, under the person's own key: an erasure destroys it too.
    fn statement(
        &mut self,
        new: &NewRequest,
        subject: &SubjectRecord,
        request: RightsRequestId,
        now: Timestamp,
    ) -> Result<Option<RightsStatement>, AdminError> {
        let Some(text) = &new.statement else { return Ok(None) };
        if text.is_empty() || text.len() > STATEMENT_BYTES_MAX {
            return Err(invalid(format!(
                "a statement has 1 to {STATEMENT_BYTES_MAX} bytes; nothing was taken in"
            )));
        }
        let mut batch = Batch::default();
        let keys = self.subject_keys(&mut batch, subject.organization, subject.id, now)?;
        // What a person writes about a record may never be used for anything else.
        let (parent, key) =
            self.hanger(&mut batch, (subject.organization, subject.id), KeyKind::SubjectApart, now)?;
        if !batch.new_keys.is_empty()
            && let Err(error) = self.files.keys.add(&batch.new_keys)
        {
            // What was not stored must not be remembered.
            self.caches.clear();
            return Err(error.into());
        }
        let record = RecordId::generate(now, &*self.randomness)?;
        let data_key = FreshDataKey::generate(&*self.randomness)?;
        let wrap = data_key.wrap_under(parent, &key, record, &*self.randomness)?;
        let binding = RecordBinding {
            organization: subject.organization,
            pseudonym: keys.pseudonym,
            record,
            schema_version: payload::SCHEMA_VERSION,
            key_version: RecordBinding::KEY_VERSION,
        };
        let sealed = data_key.seal(&binding, text.clone().into_bytes())?;
        Ok(Some(RightsStatement {
            request,
            subject: subject.id,
            record,
            parent,
            wrap: wrap.to_vec(),
            commitment: sealed.commitment,
            ciphertext: sealed.ciphertext,
        }))
    }
}

/// Who asks for another, if they may.
fn agent(new: &NewRequest, now: Timestamp) -> Result<Option<RightsAgent>, AdminError> {
    let Some(Agent { name, mandate }) = &new.agent else { return Ok(None) };
    check_name("an agent's name", name)?;
    let refused = |problem: MandateProblem| {
        AdminError::Conflict(format!(
            "{problem}, so nobody else's data may be asked about; nothing was taken in and nothing was disclosed. Ask the \
             agent for a mandate by the person that names this kind of request, or let the person ask"
        ))
    };
    let mandate = mandate.as_ref().ok_or_else(|| refused(MandateProblem::Absent))?;
    MandateProblem::check(&mandate.covers, (mandate.from, mandate.until), new.kind, now).map_err(refused)?;
    Ok(Some(RightsAgent {
        name: name.clone(),
        evidence: digest_of(&mandate.evidence_sha256).ok_or_else(|| {
            invalid("the mandate's SHA-256 has 64 hexadecimal digits; nothing was taken in")
        })?,
        covers: mandate.covers.clone(),
        from: mandate.from,
        until: mandate.until,
    }))
}

fn check_submission(key: &str) -> Result<(), AdminError> {
    if key.is_empty() || key.len() > SUBMISSION_BYTES_MAX || !key.bytes().all(|byte| byte.is_ascii_graphic())
    {
        return Err(invalid("a submission key has 1 to 128 visible ASCII characters; nothing was taken in"));
    }
    Ok(())
}

/// A digest from its hexadecimal digits.
fn digest_of(hex: &str) -> Option<[u8; 32]> {
    if hex.len() != 64 || !hex.is_ascii() {
        return None;
    }
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(hex.as_bytes().chunks(2)) {
        let text = std::str::from_utf8(pair).ok()?;
        *byte = u8::from_str_radix(text, 16).ok()?;
    }
    Some(bytes)
}
