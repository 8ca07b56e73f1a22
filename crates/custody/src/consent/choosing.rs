//! Choosing: what a choice must be to count, and how it becomes true.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError};

use fiducia_ledger::{ConsentChanged, Digest, Event};
use fiducia_policy::{
    AccountId, ApiTokenId, ConsentAct, ConsentChannel, ConsentId, ConsentKind, ConsentPurpose, ConsentState,
    Notice, NoticeIdentity, OrganizationId, PersonId, Pseudonym, SubjectId, Timestamp, VirtualKeyId,
    is_region, transition,
};
use fiducia_store::{ConsentRecord, ConsentStanding, ConsentWrite, SubjectRecord};

use super::commands::{ConsentChoice, ConsentOutcome};
use super::profile::{commitment, receipt_text};
use crate::administer::hex;
use crate::certificate::in_microseconds;
use crate::retention::governance::PersonTerms;
use crate::scribe::{Delivery, Fact, Source};
use crate::staging::sha256;
use crate::writer::Writer;
use crate::{AdminError, faults};

/// Longest key of a request, in bytes.
const REQUEST_BYTES_MAX: usize = 128;
/// Longest token of evidence, in bytes.
const TOKEN_BYTES_MAX: usize = 64;
/// Published notices remembered; they never change.
const NOTICES_MAX: usize = 1_024;

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Speaker {
    /// The person, by an application that holds their key.
    Person { key: VirtualKeyId, channel: ConsentChannel },
    /// The person, signed in to their account.
    Account { account: AccountId, channel: ConsentChannel },
    /// The person, by an application whose token may act for people.
    Application { token: ApiTokenId, channel: ConsentChannel },
    /// A member of staff.
    Staff(PersonId),
    /// The person, by the signal that their browser sends (Global Privacy Control).
    Signal,
    /// Nobody: a date, a campaign, a change of plan.
    Clock,
}

impl Speaker {
    pub(crate) const fn channel(self) -> ConsentChannel {
        match self {
            Self::Person { channel, .. }
            | Self::Account { channel, .. }
            | Self::Application { channel, .. } => channel,
            Self::Staff(_) => ConsentChannel::Admin,
            Self::Signal => ConsentChannel::Gpc,
            Self::Clock => ConsentChannel::System,
        }
    }

    fn entity(self) -> String {
        match self {
            Self::Person { key, .. } => format!("subject by {key}"),
            Self::Account { account, .. } => format!("subject by {account}"),
            Self::Application { token, .. } => format!("subject by {token}"),
            Self::Staff(person) => person.to_string(),
            Self::Signal => "subject by a browser's signal".to_owned(),
            Self::Clock => "system".to_owned(),
        }
    }

    const fn staff(self) -> Option<PersonId> {
        match self {
            Self::Staff(person) => Some(person),
            Self::Person { .. }
            | Self::Account { .. }
            | Self::Application { .. }
            | Self::Signal
            | Self::Clock => None,
        }
    }
}

/// A choice on its way.
#[derive(Debug, Clone)]
pub(crate) struct ChoiceRequest {
    pub(crate) subject: SubjectId,
    pub(crate) choice: ConsentChoice,
    pub(crate) speaker: Speaker,
    /// When silence becomes a no, for a question.
    pub(crate) lapses_at: Option<Timestamp>,
    /// A question that a standing yes does not outlast.
    pub(crate) pauses: bool,
    /// How the choice ends an open question, where not by its state.
    pub(crate) outcome: Option<&'static str>,
}

impl ChoiceRequest {
    pub(crate) const fn new(subject: SubjectId, choice: ConsentChoice, speaker: Speaker) -> Self {
        Self { subject, choice, speaker, lapses_at: None, pauses: false, outcome: None }
    }
}

/// A published notice with its hash.
pub(crate) type KnownNotice = Arc<(Notice, [u8; 32], Timestamp)>;

/// What the writer remembers about consent. All of it can be read from the store again.
#[derive(Debug, Default)]
pub(crate) struct ConsentMemory {
    notices: HashMap<NoticeIdentity, KnownNotice>,
    /// The newest notice of each purpose and language.
    newest: HashMap<(ConsentPurpose, String), KnownNotice>,
    /// People whose keys have followed, which the store does not know yet.
    pub(super) followed: Vec<SubjectId>,
    /// Where entries lie in their logs, which the store does not know yet.
    pub(super) places: Vec<(u64, u64)>,
}

impl ConsentMemory {
    /// Forgets which notice is the newest, after one was published.
    pub(super) fn notice_published(&mut self) {
        self.newest.clear();
    }
}

/// What a group of choices will write.
#[derive(Default)]
struct StagedChoices {
    writes: Vec<ConsentWrite>,
    facts: Vec<(OrganizationId, Fact)>,
    standings: HashMap<(SubjectId, ConsentPurpose), ConsentStanding>,
    requests: HashMap<(SubjectId, [u8; 32]), usize>,
    closes: bool,
}

/// What a choice comes to.
enum Decided {
    /// It is staged in this place.
    Staged(usize),
    /// The same was said before.
    Repeated(Box<ConsentRecord>),
}

impl Writer {
    /// Enters one choice. When this returns it is durable, in the log, and followed by the keys.
    pub(crate) fn choose(&mut self, request: &ChoiceRequest) -> Result<ConsentOutcome, AdminError> {
        let mut outcomes = self.choose_many(std::slice::from_ref(request))?;
        outcomes.pop().unwrap_or_else(|| Err(AdminError::Storage("a choice got no outcome".to_owned())))
    }

    /// Enters choices, each for itself, as one group.
    ///
    /// # Errors
    /// When the store fails: then none of the group counts, or it counts and the text says what is left to be done.
    pub(crate) fn choose_many(
        &mut self,
        requests: &[ChoiceRequest],
    ) -> Result<Vec<Result<ConsentOutcome, AdminError>>, AdminError> {
        let now = in_microseconds(self.clock.now());
        let mut staged = StagedChoices::default();
        let decided: Vec<_> = requests.iter().map(|request| self.decide(&mut staged, request, now)).collect();
        let (sequences, last) = self.carry_choices_out(&mut staged)?;
        let outcomes = decided.into_iter().map(|decided| {
            Ok(match decided? {
                Decided::Staged(place) => {
                    let sequence = sequences.get(place).copied().unwrap_or(0);
                    let write = staged.writes.get(place);
                    let (id, state) = write
                        .map(|write| (write.record.id, write.record.state))
                        .ok_or_else(|| AdminError::Storage("a choice was lost".to_owned()))?;
                    let is_last = place + 1 == staged.writes.len();
                    let ledger_index = last.filter(|_| is_last);
                    ConsentOutcome { id, sequence, state, ledger_index, repeated: false }
                }
                Decided::Repeated(record) => ConsentOutcome {
                    id: record.id,
                    sequence: record.sequence,
                    state: record.state,
                    ledger_index: self.files.control.consent_place(record.sequence)?,
                    repeated: true,
                },
            })
        });
        Ok(outcomes.collect())
    }

    /// Makes staged choices true: the history first, then the keys, then the log. Gives their places in the order of commits
    /// and where the last one's entry lies in its log.
    ///
    /// INVARIANT: while a path is taken away nobody reads, from before the history says so until the edge is destroyed. Should
    /// the program end in between, opening the data finishes it before anybody reads.
    fn carry_choices_out(
        &mut self,
        staged: &mut StagedChoices,
    ) -> Result<(Vec<u64>, Option<u64>), AdminError> {
        if staged.writes.is_empty() {
            return Ok((Vec::new(), None));
        }
        let readers = Arc::clone(&self.readers);
        let no_readers = (staged.closes && !faults::is_planted("withdrawal-without-lock"))
            .then(|| readers.write().unwrap_or_else(PoisonError::into_inner));
        let followed = std::mem::take(&mut self.consents.followed);
        let places = std::mem::take(&mut self.consents.places);
        let sequences = self.files.control.record_consents(&staged.writes, &followed, &places)?;
        faults::reached("consent-recorded");
        let mut moved: Vec<SubjectId> = staged
            .writes
            .iter()
            .filter(|write| write.moves_keys)
            .map(|write| write.standing.subject)
            .collect();
        moved.sort_unstable();
        moved.dedup();
        self.follow(&moved).map_err(|error| {
            AdminError::Storage(format!(
                "the choice is recorded and counts for every reader, but its keys have not followed yet; the retention \
                 worker goes on with that: {error}"
            ))
        })?;
        faults::reached("consent-followed");
        drop(no_readers);
        self.consents.followed.extend(moved);
        for write in staged.writes.iter().filter(|write| write.training.is_some()) {
            self.caches.subjects.pop(&write.standing.subject);
        }
        let mut deliveries: Vec<Delivery> = std::mem::take(&mut staged.facts)
            .into_iter()
            .zip(&staged.writes)
            .map(|((organization, fact), write)| Delivery {
                source: Source::Control,
                id: write.announcement.id,
                organization,
                fact,
            })
            .collect();
        let Some(last) = deliveries.pop() else { return Ok((sequences, None)) };
        self.scribe.deliver(deliveries);
        let index = self.scribe.deliver_and_wait(last).map_err(|error| {
            AdminError::Storage(format!(
                "the choice counts and will be logged later, but the ledger cannot be written: {error}"
            ))
        })?;
        self.consents.places.extend(sequences.last().map(|sequence| (*sequence, index)));
        Ok((sequences, Some(index)))
    }

    /// Whether a choice counts, and what it changes.
    fn decide(
        &mut self,
        staged: &mut StagedChoices,
        request: &ChoiceRequest,
        now: Timestamp,
    ) -> Result<Decided, AdminError> {
        let choice = &request.choice;
        let subject = self.chooser(request)?;
        let (row, pseudonym) = (&subject.0, subject.1);
        check_evidence(choice)?;
        let request_digest = request_digest(request)?;
        let content = content_digest(request);
        if let Some(digest) = &request_digest
            && let Some(first) = self.same_request(staged, request.subject, digest, &content)?
        {
            return Ok(first);
        }
        let purpose = choice.purpose;
        let standing = match staged.standings.get(&(request.subject, purpose)) {
            Some(standing) => Some(standing.clone()),
            None => self.files.control.consent_standing(request.subject, purpose)?,
        };
        let state = standing.as_ref().map_or(ConsentState::Unknown, |standing| standing.state);
        let notice = self.shown_notice(choice, standing.as_ref(), now)?;
        if let Some(standing) = &standing
            && is_said_already(choice, standing, notice.as_ref(), now)
            && let Some(record) = self.files.control.consent_at(standing.sequence)?
        {
            return Ok(Decided::Repeated(Box::new(record)));
        }
        let at = in_microseconds(choice.at.unwrap_or(now));
        check_time(at, now, standing.as_ref())?;
        let names_emergency = choice.evidence.emergency.is_some();
        let channel = request.speaker.channel();
        let mut next = transition(state, choice.act, purpose, choice.kind, channel, names_emergency)
            .map_err(|unlawful| AdminError::Conflict(unlawful.to_string()))?;
        if choice.act == ConsentAct::Give && !self.governance.allows_kind(purpose, choice.kind) {
            return Err(AdminError::Conflict(format!(
                "the policy does not let people agree to {purpose} in the way `{}`; nothing was changed",
                choice.kind
            )));
        }
        if request.pauses && choice.act == ConsentAct::Request {
            next = ConsentState::Requested;
        }
        let write = self.write_of(
            (request, row, pseudonym),
            (next, at, now),
            notice.as_ref(),
            standing.as_ref(),
            (request_digest, content),
        )?;
        staged.closes |= state.permits() && !next.permits();
        staged.standings.insert((request.subject, purpose), write.1.standing.clone());
        let place = staged.writes.len();
        if let Some(digest) = request_digest {
            staged.requests.insert((request.subject, digest), place);
        }
        staged.facts.push((row.organization, write.0));
        staged.writes.push(write.1);
        Ok(Decided::Staged(place))
    }

    /// Whoever chooses, if they are there and there is a question.
    fn chooser(&self, request: &ChoiceRequest) -> Result<(SubjectRecord, Pseudonym), AdminError> {
        let (row, pseudonym) = self.living_subject(request.subject)?;
        let asks = matches!(request.choice.act, ConsentAct::Give | ConsentAct::Request | ConsentAct::Defer);
        if asks {
            self.refuse_where_unasked(&row, request.choice.purpose)?;
        }
        Ok((row, pseudonym))
    }

    /// Refuses what needs a question where there is none.
    pub(crate) fn refuse_where_unasked(
        &self,
        row: &SubjectRecord,
        purpose: ConsentPurpose,
    ) -> Result<(), AdminError> {
        if self.governance.is_asked(self.terms_of(row.organization)?, PersonTerms::from(row), purpose) {
            return Ok(());
        }
        Err(AdminError::Conflict(format!(
            "people on the plan of {} are never asked about {purpose} and nothing of theirs is used for it, or the account is \
             closed; nothing was changed",
            row.id
        )))
    }

    /// The entry that the same request made, if it was made before with the same content.
    fn same_request(
        &self,
        staged: &StagedChoices,
        subject: SubjectId,
        digest: &[u8; 32],
        content: &[u8; 32],
    ) -> Result<Option<Decided>, AdminError> {
        let other = || {
            AdminError::Conflict(
                "this request's key was used before for another choice; nothing was changed. Use a key of its own for \
                 each choice"
                    .to_owned(),
            )
        };
        if let Some(place) = staged.requests.get(&(subject, *digest)) {
            let same = staged.writes.get(*place).is_some_and(|write| write.record.content == Some(*content));
            return if same { Ok(Some(Decided::Staged(*place))) } else { Err(other()) };
        }
        match self.files.control.consent_requested(subject, digest)? {
            Some(record) if record.content == Some(*content) => Ok(Some(Decided::Repeated(Box::new(record)))),
            Some(_) => Err(other()),
            None => Ok(None),
        }
    }

    /// The notice that a choice is about. A yes names one that stands; a no is never refused for want of one.
    fn shown_notice(
        &mut self,
        choice: &ConsentChoice,
        standing: Option<&ConsentStanding>,
        now: Timestamp,
    ) -> Result<Option<KnownNotice>, AdminError> {
        let Some(shown) = &choice.notice else {
            if choice.act == ConsentAct::Give {
                return Err(AdminError::Invalid(
                    "a yes says to which notice it was given: language and version; nothing was changed"
                        .to_owned(),
                ));
            }
            let known = standing.and_then(|standing| standing.notice.clone());
            let Some((language, version)) = known else { return Ok(None) };
            return self.known_notice(&NoticeIdentity { purpose: choice.purpose, language, version });
        };
        let identity = NoticeIdentity {
            purpose: choice.purpose,
            language: shown.language.clone(),
            version: shown.version,
        };
        let Some(notice) = self.known_notice(&identity)? else {
            if is_a_no(choice.act) {
                return Ok(None);
            }
            return Err(AdminError::NotFound(format!("{identity} was never published; nothing was changed")));
        };
        if is_a_no(choice.act) && shown.hash.as_ref().is_some_and(|hash| *hash != hex(&notice.1)) {
            return Ok(None);
        }
        if shown.hash.as_ref().is_some_and(|hash| *hash != hex(&notice.1)) {
            return Err(AdminError::Conflict(format!(
                "{identity} is another text than the one that was shown: its hash is {}; nothing was changed",
                hex(&notice.1)
            )));
        }
        if choice.act == ConsentAct::Give {
            let newest = self.newest_known(choice.purpose, &shown.language)?;
            if newest.is_some_and(|newest| newest.0.version > shown.version) {
                return Err(AdminError::Conflict(format!(
                    "{identity} was superseded by a newer version, which must be shown first; nothing was changed"
                )));
            }
            if in_microseconds(choice.at.unwrap_or(now)) < in_microseconds(notice.2) {
                return Err(AdminError::Conflict(format!(
                    "{identity} was published at {} and cannot have been shown before; nothing was changed",
                    notice.2
                )));
            }
        }
        Ok(Some(notice))
    }

    /// A published notice.
    pub(super) fn known_notice(
        &mut self,
        identity: &NoticeIdentity,
    ) -> Result<Option<KnownNotice>, AdminError> {
        if let Some(known) = self.consents.notices.get(identity) {
            return Ok(Some(Arc::clone(known)));
        }
        let Some(record) = self.files.control.notice(identity)? else { return Ok(None) };
        let known = super::notices::known(&record)?;
        if self.consents.notices.len() >= NOTICES_MAX {
            self.consents.notices.clear();
        }
        self.consents.notices.insert(identity.clone(), Arc::clone(&known));
        Ok(Some(known))
    }

    /// The newest notice on a purpose in a language.
    pub(super) fn newest_known(
        &mut self,
        purpose: ConsentPurpose,
        language: &str,
    ) -> Result<Option<KnownNotice>, AdminError> {
        let place = (purpose, language.to_owned());
        if let Some(known) = self.consents.newest.get(&place) {
            return Ok(Some(Arc::clone(known)));
        }
        let Some(record) = self.files.control.newest_notice(purpose, language)? else { return Ok(None) };
        let known = super::notices::known(&record)?;
        self.consents.newest.insert(place, Arc::clone(&known));
        Ok(Some(known))
    }

    fn write_of(
        &mut self,
        (request, row, pseudonym): (&ChoiceRequest, &SubjectRecord, Pseudonym),
        (next, at, now): (ConsentState, Timestamp, Timestamp),
        notice: Option<&KnownNotice>,
        before: Option<&ConsentStanding>,
        (request_digest, content): (Option<[u8; 32]>, [u8; 32]),
    ) -> Result<(Fact, ConsentWrite), AdminError> {
        let choice = &request.choice;
        let was = before.map_or(ConsentState::Unknown, |standing| standing.state);
        let mut salt = [0_u8; 16];
        self.randomness.fill(&mut salt)?;
        let validity = notice.and_then(|notice| notice.0.validity).filter(|_| next.permits());
        let valid_until = match choice.act {
            ConsentAct::Request => {
                before.and_then(|standing| standing.valid_until).filter(|_| next.permits())
            }
            _ => {
                // The notice's word and the policy's: whichever comes first.
                let by_policy = self.governance.consent_ends(choice.purpose, at).filter(|_| next.permits());
                validity.map(|span| span.after(at)).into_iter().chain(by_policy).min()
            }
        };
        let region = choice.region.clone().or_else(|| before.and_then(|standing| standing.region.clone()));
        let evidence = serde_json::to_string(&choice.evidence).map_err(|error| unwritable(&error))?;
        let record = ConsentRecord {
            sequence: 0,
            id: ConsentId::generate(now, &*self.randomness)?,
            organization: row.organization,
            subject: Some(request.subject),
            purpose: choice.purpose,
            act: choice.act,
            state: next,
            kind: choice.kind,
            channel: request.speaker.channel(),
            notice: notice.map(|notice| (notice.0.identity(), notice.1)),
            region: region.clone(),
            evidence: Some(evidence),
            entity: request.speaker.entity(),
            event_at: at,
            recorded_at: now,
            valid_until,
            event: self.event_id()?,
            salt: Some(salt),
            request: request_digest,
            content: Some(content),
        };
        let receipt =
            receipt_text(&record, pseudonym, notice.map(|notice| &notice.0), &self.ledger_names.origin)?;
        let event = Event::ConsentChanged(ConsentChanged {
            pseudonym,
            purpose: record.purpose,
            state: next,
            kind: record.kind,
            channel: record.channel,
            notice: notice.map(|notice| Digest(notice.1)),
            receipt: commitment(&salt, &receipt),
            actor: request.speaker.staff(),
        });
        let fact = Fact { at: now, event };
        let answers = !matches!(choice.act, ConsentAct::Request | ConsentAct::Defer);
        let lapses_at = match choice.act {
            ConsentAct::Request => request.lapses_at,
            ConsentAct::Defer => before.and_then(|standing| standing.lapses_at),
            _ => None,
        };
        let standing = ConsentStanding {
            subject: request.subject,
            purpose: choice.purpose,
            organization: row.organization,
            state: next,
            sequence: 0,
            since: at,
            // Until it is answered, a question leaves what the last answer was about.
            notice: match notice.filter(|_| answers) {
                Some(notice) => Some((notice.0.language.clone(), notice.0.version)),
                None => before.and_then(|standing| standing.notice.clone()),
            },
            region: region.clone(),
            valid_until,
            lapses_at,
            last_no: if next.is_a_no() && was != next {
                Some((at, region))
            } else {
                before.and_then(|standing| standing.last_no.clone())
            },
        };
        let announcement = fact.announcement(record.event, row.organization);
        let outcome = request.outcome.or_else(|| answers.then(|| next.name()));
        let training = choice.purpose.moves_retention().then(|| next.permits());
        let moves_keys = was.permits() != next.permits();
        Ok((fact, ConsentWrite { record, standing, training, moves_keys, outcome, announcement }))
    }
}

/// Whether an act takes something away: it is never refused for the text that was shown with it.
const fn is_a_no(act: ConsentAct) -> bool {
    matches!(act, ConsentAct::Refuse | ConsentAct::Withdraw)
}

/// Whether a choice says what stands already: it was submitted twice.
fn is_said_already(
    choice: &ConsentChoice,
    standing: &ConsentStanding,
    notice: Option<&KnownNotice>,
    now: Timestamp,
) -> bool {
    let same_text = notice.is_some_and(|notice| {
        standing.notice.as_ref() == Some(&(notice.0.language.clone(), notice.0.version))
    });
    let is_open = standing.lapses_at.is_some();
    match choice.act {
        ConsentAct::Give => {
            let is_dated = standing.valid_until.is_some();
            standing.permits(now)
                && same_text
                && !is_open
                && !is_dated
                && choice.kind != ConsentKind::Retroactive
        }
        ConsentAct::Refuse | ConsentAct::Withdraw => standing.state.is_a_no() && !is_open,
        _ => false,
    }
}

fn check_time(at: Timestamp, now: Timestamp, standing: Option<&ConsentStanding>) -> Result<(), AdminError> {
    if at > now {
        return Err(AdminError::Invalid(format!("{at} lies in the future; nothing was changed")));
    }
    match standing {
        Some(standing) if at < standing.since => Err(AdminError::Conflict(format!(
            "a later choice stands, of {}: what was said before it does not count any more; nothing was changed",
            standing.since
        ))),
        _ => Ok(()),
    }
}

fn check_evidence(choice: &ConsentChoice) -> Result<(), AdminError> {
    let is_token = |text: &String| {
        (1..=TOKEN_BYTES_MAX).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
    };
    let tokens = [&choice.evidence.screen, &choice.evidence.emergency];
    if !tokens.into_iter().flatten().all(is_token) {
        return Err(AdminError::Invalid(
            "evidence is a token of 1 to 64 of A-Z a-z 0-9 . _ -: what people wrote does not belong there; nothing was \
             changed"
                .to_owned(),
        ));
    }
    if choice.region.as_ref().is_some_and(|region| !is_region(region)) {
        return Err(AdminError::Invalid(
            "a region is the code of a country or a part of one, such as DE or US-CA; nothing was changed"
                .to_owned(),
        ));
    }
    Ok(())
}

/// The digest by which a request is recognised: bound to its person, so that nobody's key meets another's.
fn request_digest(request: &ChoiceRequest) -> Result<Option<[u8; 32]>, AdminError> {
    let Some(key) = &request.choice.request else { return Ok(None) };
    if key.is_empty() || key.len() > REQUEST_BYTES_MAX || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(AdminError::Invalid(
            "a request's key has 1 to 128 visible ASCII characters; nothing was changed".to_owned(),
        ));
    }
    let domain = b"fiducia/consent/request/v1\n".as_slice();
    Ok(Some(sha256(&[domain, request.subject.as_bytes(), key.as_bytes()])))
}

/// The digest of what is requested, by whom.
fn content_digest(request: &ChoiceRequest) -> [u8; 32] {
    let choice = ConsentChoice { request: None, ..request.choice.clone() };
    // A choice is made of names, numbers and short texts: serialising it cannot fail.
    let bytes = serde_json::to_vec(&choice).unwrap_or_default();
    sha256(&[b"fiducia/consent/content/v1\n", request.speaker.entity().as_bytes(), b"\n", &bytes])
}

pub(super) fn unwritable(error: &dyn std::fmt::Display) -> AdminError {
    AdminError::Storage(format!("what must be written down cannot be: {error}; nothing was changed"))
}
