//! The session of somebody who reads what is others', as a pure state machine.
//!
//! A session is asked for. It opens at once, or when the customer agrees, or, in an emergency, when two others agree; silence
//! is a no, and who asked may withdraw what waits. Who says no or reviews says why. While it is open its reader may look at what it names. It ends when its time is over or somebody
//! ends it, and an emergency is reviewed afterwards by somebody who took no part.
//!
//! INVARIANT: a session never lasts longer than was asked for, however its clock runs: every step counts from the latest
//! time that the session has seen, and its end is fixed when it opens.

use super::limits::AccessLimits;
use super::remark::AccessRemark;
use crate::authority::AccessReason;
use crate::edge::Timestamp;
use crate::ground::GroundKind;
use crate::id::{
    AccessSessionId, AccountId, CaseId, ConversationId, HoldId, OrganizationId, PersonId, RecordId,
    RightsRequestId,
};
use crate::looking::AnomalyKind;
use crate::named::named;
use crate::role::RoleSet;

/// Records that a session may name.
const RECORDS_MAX: usize = 1_000;
/// The shortest session, in seconds.
const SECONDS_MIN: u32 = 60;
/// Longest case or ticket number.
const TICKET_BYTES_MAX: usize = 64;

named! {
    /// How content is shown.
    Sight, "a sight" {
        /// Every letter and digit replaced: shape, roles and length are seen.
        Blurred = "blurred",
        /// As it is.
        Plain = "plain",
        /// Written into a file for somebody outside.
        File = "file",
    }
}

named! {
    /// What must happen before a session opens.
    AccessNeeds, "something a session needs" {
        /// Nothing more.
        Nothing = "nothing",
        /// An administrator of the customer agrees.
        CustomerApproval = "customer-approval",
        /// Two others agree: an emergency breaks the rule.
        TwoOthers = "two-others",
    }
}

named! {
    /// Where a session stands.
    AccessState, "a state of a session" {
        /// It waits for those who must agree.
        Asked = "asked",
        /// Its reader may look.
        Open = "open",
        /// Somebody said no.
        Denied = "denied",
        /// Nobody answered in time, which is a no.
        Unanswered = "unanswered",
        /// Who asked for it took that back before it opened.
        Withdrawn = "withdrawn",
        /// It was open and is over.
        Ended = "ended",
    }
}

named! {
    /// How a session ended.
    AccessEnd, "an end of a session" {
        /// Its reader ended it.
        Reader = "reader",
        /// Its time was over.
        Expiry = "expiry",
        /// Its reader may no longer do this.
        Revoked = "revoked",
        /// An administrator ended it.
        Administrator = "administrator",
        /// What was done in it was too unusual.
        Anomaly = "anomaly",
    }
}

named! {
    /// Why the administrators of an organisation are told of reading.
    AccessNoticeKind, "a kind of notice" {
        /// Somebody asks for their agreement.
        ApprovalAsked = "approval-asked",
        /// Somebody asks to break the glass.
        EmergencyAsked = "emergency-asked",
        /// The glass was broken.
        EmergencyOpened = "emergency-opened",
        /// What was read in an emergency is to be reviewed.
        ReviewDue = "review-due",
        /// Something about a session was unusual.
        Unusual = "unusual",
        /// A session was stopped because of what was done in it.
        Stopped = "stopped",
        /// Somebody hands data over to somebody outside.
        HandedOver = "handed-over",
        /// A key to the Compliance API opened as much as it may within a day, and was refused more.
        ProgramLimit = "program-limit",
    }
}

/// What a session is about.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AccessScope {
    /// These records, at most 1,000.
    Records(Vec<RecordId>),
    /// A conversation.
    Conversation(ConversationId),
    /// What was taken into an investigation.
    Case(CaseId),
    /// What a legal hold holds.
    Hold(HoldId),
    /// The copy that a person asked for. It is handed over, and cannot be asked for by others.
    Request(RightsRequestId),
}

/// Somebody who takes part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Participant {
    /// Who they are in the ledger.
    pub person: PersonId,
    /// Their account; none for whoever works at the machine itself.
    pub account: Option<AccountId>,
}

impl AccessNeeds {
    /// How many others must agree.
    pub const fn agreements(self) -> u32 {
        match self {
            Self::Nothing => 0,
            Self::CustomerApproval => 1,
            Self::TwoOthers => 2,
        }
    }
}

impl AccessScope {
    /// The same, with each record named once, in the order in which they came.
    #[must_use]
    pub fn distinct(self) -> Self {
        match self {
            Self::Records(records) => Self::Records(distinct(records)),
            other => other,
        }
    }
}

/// Each record once, in the order in which they came: one that is named twice is read once, and counted once.
pub fn distinct(records: Vec<RecordId>) -> Vec<RecordId> {
    let mut seen = std::collections::HashSet::with_capacity(records.len());
    records.into_iter().filter(|record| seen.insert(*record)).collect()
}

impl Participant {
    /// Whether both are the same: by person or by account.
    pub fn is(&self, other: &Self) -> bool {
        self.person == other.person || (self.account.is_some() && self.account == other.account)
    }
}

/// Somebody's agreement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct AccessApproval {
    /// Whose.
    pub by: Participant,
    /// When.
    pub at: Timestamp,
}

/// What became of reviewing an emergency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case", tag = "state")]
pub enum AccessReview {
    /// It is due.
    Due {
        /// By when.
        by: Timestamp,
    },
    /// It was done.
    Done {
        /// By whom.
        by: Participant,
        /// When.
        at: Timestamp,
        /// Whether the emergency justified what was read.
        justified: bool,
    },
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessAsked {
    /// The session's id.
    pub id: AccessSessionId,
    /// Whose data.
    pub organization: OrganizationId,
    /// Who wants to read.
    pub reader: Participant,
    /// What they act as.
    pub roles: RoleSet,
    /// Why.
    pub reason: AccessReason,
    /// The case or ticket number: 1 to 64 of `A-Z a-z 0-9 . _ -`.
    pub ticket: String,
    /// What.
    pub scope: AccessScope,
    /// For which ground's purpose.
    pub ground: GroundKind,
    /// For how long, in seconds from its opening.
    pub seconds: u32,
    /// What must happen first, as the access policies say.
    pub needs: AccessNeeds,
    /// When.
    pub at: Timestamp,
}

/// A session.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct AccessSession {
    /// Its id.
    pub id: AccessSessionId,
    /// Whose data.
    pub organization: OrganizationId,
    /// Who reads.
    pub reader: Participant,
    /// What they act as; none for whoever works at the machine itself.
    pub roles: RoleSet,
    /// Why.
    pub reason: AccessReason,
    /// The case or ticket number.
    pub ticket: String,
    /// What.
    pub scope: AccessScope,
    /// For which ground's purpose.
    pub ground: GroundKind,
    /// For how long, in seconds from its opening.
    pub seconds: u32,
    /// What must happen first.
    pub needs: AccessNeeds,
    /// Asked for when.
    pub asked_at: Timestamp,
    /// By when those who must agree have to answer.
    pub answer_by: Timestamp,
    /// The latest time that was seen.
    pub latest: Timestamp,
    /// Where it stands.
    pub state: AccessState,
    /// Who agreed.
    pub approvals: Vec<AccessApproval>,
    /// Whose agreement counts no more, since they lost the right to agree. They took part all the same.
    #[serde(default)]
    pub lapsed: Vec<AccessApproval>,
    /// Who said no.
    pub denied_by: Option<Participant>,
    /// Opened when.
    pub opened_at: Option<Timestamp>,
    /// Over when, at the latest.
    pub expires_at: Option<Timestamp>,
    /// Ended when.
    pub ended_at: Option<Timestamp>,
    /// How.
    pub end: Option<AccessEnd>,
    /// Looks that were taken.
    pub looks: u64,
    /// Records that were opened, each look counted.
    pub records: u64,
    /// Looks among those that the log refused, so that nothing was opened, and their records.
    #[serde(default, skip_serializing_if = "UnloggedLooks::is_none")]
    pub unlogged: UnloggedLooks,
    /// Whether it is for a single look. That it opened is then told by the entry of that look alone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_single: bool,
    /// Attempts to look outside of what it is about.
    pub strays: u32,
    /// What was unusual and said.
    pub alerts: Vec<AnomalyKind>,
    /// The review of an emergency, from its end on.
    pub review: Option<AccessReview>,
}

/// Looks that were counted before their entries, which the log then refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct UnloggedLooks {
    /// How many.
    pub looks: u64,
    /// Of how many records, each look counted.
    pub records: u64,
}

impl UnloggedLooks {
    /// Whether there are none.
    pub const fn is_none(&self) -> bool {
        self.looks == 0
    }
}

/// Something that happens to a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AccessStep {
    /// Time passes.
    Tick,
    /// Somebody agrees whom the access policies permit to.
    Approve {
        /// Who.
        by: Participant,
        /// Why, if they say so.
        remark: Option<AccessRemark>,
    },
    /// Somebody who agreed may do so no more: it does not count towards opening the session.
    Lapse(Participant),
    /// Somebody says no whom the access policies permit to.
    Deny {
        /// Who.
        by: Participant,
        /// Why.
        remark: AccessRemark,
    },
    /// Who asked for it takes that back.
    Withdraw(Participant),
    /// The reader looks at this many records.
    Look(u64),
    /// The reader writes this many records into a file for somebody outside. How many is not theirs to choose.
    HandOver(u64),
    /// The reader tries to look at something else.
    Stray,
    /// Something unusual is said.
    Alert(AnomalyKind),
    /// It ends.
    End(AccessEnd),
    /// An emergency is reviewed.
    Review {
        /// By whom.
        by: Participant,
        /// Whether the emergency justified what was read.
        justified: bool,
        /// Why it did or did not.
        remark: AccessRemark,
    },
}

/// Why a step is refused. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AccessStepRefused {
    /// What is asked for is not acceptable.
    #[error("{0}; nothing was asked for")]
    Asked(&'static str),
    /// It lasts too long.
    #[error("a session lasts {SECONDS_MIN} to {most} seconds, in an emergency less; nothing was asked for")]
    Seconds {
        /// The longest.
        most: u32,
    },
    /// It does not wait for an answer.
    #[error("this session waits for no answer: it is {0}; nothing was changed")]
    NotAsked(AccessState),
    /// Whoever asks cannot agree.
    #[error("nobody agrees to their own look, nor refuses it; ask somebody else. Nothing was changed")]
    OwnRequest,
    /// Whoever withdraws it did not ask for it.
    #[error("only who asked for it takes it back; say no to it instead. Nothing was changed")]
    NotOwnRequest,
    /// They agreed already.
    #[error("this person agreed already, and it takes two; nothing was changed")]
    Twice,
    /// It is not open.
    #[error("this session is not open: it is {0}; nothing was opened. Ask for a new one")]
    NotOpen(AccessState),
    /// It has had its records.
    #[error(
        "this session may open {most} records in all and opened {done}; nothing was opened. Ask for a new one"
    )]
    Exhausted {
        /// The limit.
        most: u64,
        /// What was opened.
        done: u64,
    },
    /// There is nothing to review.
    #[error("this session waits for no review; nothing was changed")]
    NoReview,
    /// Whoever took part cannot review.
    #[error("whoever asked for it or agreed to it does not review it; nothing was changed")]
    TookPart,
}

impl AccessSession {
    /// Asks for a session. It opens at once when it needs nothing more.
    ///
    /// # Errors
    /// When what is asked is not acceptable: no ticket, too long, too much for an emergency.
    pub fn ask(asked: AccessAsked, limits: &AccessLimits) -> Result<Self, AccessStepRefused> {
        let asked = AccessAsked { scope: asked.scope.distinct(), ..asked };
        check(&asked, limits)?;
        let AccessAsked {
            id,
            organization,
            reader,
            roles,
            reason,
            ticket,
            scope,
            ground,
            seconds,
            needs,
            at,
        } = asked;
        let mut session = Self {
            id,
            organization,
            reader,
            roles,
            reason,
            ticket,
            scope,
            ground,
            seconds,
            needs,
            asked_at: at,
            answer_by: after(at, limits.answer_seconds),
            latest: at,
            state: AccessState::Asked,
            approvals: Vec::new(),
            lapsed: Vec::new(),
            denied_by: None,
            opened_at: None,
            expires_at: None,
            ended_at: None,
            end: None,
            looks: 0,
            records: 0,
            unlogged: UnloggedLooks::default(),
            is_single: false,
            strays: 0,
            alerts: Vec::new(),
            review: None,
        };
        if needs == AccessNeeds::Nothing {
            session.open(at);
        }
        Ok(session)
    }

    /// The session after a step.
    ///
    /// # Errors
    /// When the step is not possible where the session stands.
    #[expect(clippy::needless_pass_by_value, reason = "a step is taken once; callers make it for this")]
    pub fn after(
        &self,
        step: AccessStep,
        now: Timestamp,
        limits: &AccessLimits,
    ) -> Result<Self, AccessStepRefused> {
        let mut next = self.clone();
        next.latest = now.max(self.latest);
        next.pass_time(limits);
        let now = next.latest;
        match step {
            AccessStep::Tick => {}
            AccessStep::Lapse(by) => next.lapse(by)?,
            // What is said to an answer is not the session's to keep: see the module of remarks.
            AccessStep::Approve { by, remark: _ } => next.approve(by, now)?,
            AccessStep::Deny { by, remark: _ } => {
                next.waits_for(by)?;
                next.state = AccessState::Denied;
                next.denied_by = Some(by);
            }
            AccessStep::Withdraw(by) => next.withdraw(by)?,
            AccessStep::Look(records) => next.look(records, limits)?,
            AccessStep::HandOver(records) => {
                next.is_open()?;
                next.looks = next.looks.saturating_add(1);
                next.records = next.records.saturating_add(records);
            }
            AccessStep::Stray => {
                next.is_open()?;
                next.strays = next.strays.saturating_add(1);
            }
            AccessStep::Alert(kind) => {
                if !next.alerts.contains(&kind) {
                    next.alerts.push(kind);
                }
            }
            AccessStep::End(how) => {
                next.is_open()?;
                next.finish(how, now, limits);
            }
            AccessStep::Review { by, justified, remark: _ } => next.settle(by, justified, now)?,
        }
        Ok(next)
    }

    /// The session after the log refused the entry of a look at this many records, which was counted before. It stays counted:
    /// limits are on what is tried.
    #[must_use]
    pub fn without_entry(&self, records: u64) -> Self {
        let mut next = self.clone();
        next.unlogged.looks = next.unlogged.looks.saturating_add(1);
        next.unlogged.records = next.unlogged.records.saturating_add(records);
        next
    }

    /// Whether it is an emergency.
    pub fn breaks_glass(&self) -> bool {
        self.needs == AccessNeeds::TwoOthers
    }

    /// For how many seconds it was open, once it ended.
    pub fn seconds_open(&self) -> Option<u64> {
        let seconds = self.ended_at?.as_second() - self.opened_at?.as_second();
        Some(u64::try_from(seconds).unwrap_or(0))
    }

    /// When it must be looked at next, by whoever ends what is over.
    pub fn due_at(&self) -> Option<Timestamp> {
        match self.state {
            AccessState::Asked => Some(self.answer_by),
            AccessState::Open => self.expires_at,
            AccessState::Denied | AccessState::Unanswered | AccessState::Withdrawn | AccessState::Ended => {
                None
            }
        }
    }

    /// By when it must be reviewed, while that is due.
    pub fn review_by(&self) -> Option<Timestamp> {
        match self.review {
            Some(AccessReview::Due { by }) => Some(by),
            Some(AccessReview::Done { .. }) | None => None,
        }
    }

    fn open(&mut self, at: Timestamp) {
        self.state = AccessState::Open;
        self.opened_at = Some(at);
        self.expires_at = Some(after(at, self.seconds));
    }

    /// Ends what is over, with the time at which it was.
    fn pass_time(&mut self, limits: &AccessLimits) {
        if self.state == AccessState::Asked && self.latest >= self.answer_by {
            self.state = AccessState::Unanswered;
        }
        if self.state == AccessState::Open
            && let Some(end) = self.expires_at
            && self.latest >= end
        {
            self.finish(AccessEnd::Expiry, end, limits);
        }
    }

    fn finish(&mut self, how: AccessEnd, at: Timestamp, limits: &AccessLimits) {
        self.state = AccessState::Ended;
        self.ended_at = Some(at);
        self.end = Some(how);
        if self.breaks_glass() {
            self.review = Some(AccessReview::Due { by: after(at, limits.review_seconds) });
        }
    }

    const fn is_open(&self) -> Result<(), AccessStepRefused> {
        match self.state {
            AccessState::Open => Ok(()),
            state => Err(AccessStepRefused::NotOpen(state)),
        }
    }

    /// Whether it waits for the answer of somebody.
    fn waits_for(&self, by: Participant) -> Result<(), AccessStepRefused> {
        if self.state != AccessState::Asked {
            return Err(AccessStepRefused::NotAsked(self.state));
        }
        if self.reader.is(&by) {
            return Err(AccessStepRefused::OwnRequest);
        }
        Ok(())
    }

    fn withdraw(&mut self, by: Participant) -> Result<(), AccessStepRefused> {
        if self.state != AccessState::Asked {
            return Err(AccessStepRefused::NotAsked(self.state));
        }
        if !self.reader.is(&by) {
            return Err(AccessStepRefused::NotOwnRequest);
        }
        self.state = AccessState::Withdrawn;
        Ok(())
    }

    fn approve(&mut self, by: Participant, now: Timestamp) -> Result<(), AccessStepRefused> {
        self.waits_for(by)?;
        if self.approvals.iter().any(|approval| approval.by.is(&by)) {
            return Err(AccessStepRefused::Twice);
        }
        self.approvals.push(AccessApproval { by, at: now });
        if u32::try_from(self.approvals.len()).unwrap_or(u32::MAX) >= self.needs.agreements() {
            self.open(now);
        }
        Ok(())
    }

    /// An open session keeps who agreed: whether they still may is asked at each look.
    fn lapse(&mut self, by: Participant) -> Result<(), AccessStepRefused> {
        if self.state != AccessState::Asked {
            return Err(AccessStepRefused::NotAsked(self.state));
        }
        self.lapsed.extend(self.approvals.extract_if(.., |approval| approval.by.is(&by)));
        Ok(())
    }

    fn look(&mut self, records: u64, limits: &AccessLimits) -> Result<(), AccessStepRefused> {
        self.is_open()?;
        let done = self.records;
        let most = limits.records_per_session_max;
        if done.saturating_add(records) > most {
            return Err(AccessStepRefused::Exhausted { most, done });
        }
        self.looks = self.looks.saturating_add(1);
        self.records = done.saturating_add(records);
        Ok(())
    }

    fn settle(&mut self, by: Participant, justified: bool, at: Timestamp) -> Result<(), AccessStepRefused> {
        if self.review_by().is_none() {
            return Err(AccessStepRefused::NoReview);
        }
        let mut agreed = self.approvals.iter().chain(&self.lapsed);
        if self.reader.is(&by) || agreed.any(|approval| approval.by.is(&by)) {
            return Err(AccessStepRefused::TookPart);
        }
        self.review = Some(AccessReview::Done { by, at, justified });
        Ok(())
    }
}

fn check(asked: &AccessAsked, limits: &AccessLimits) -> Result<(), AccessStepRefused> {
    let ticket = asked.ticket.as_bytes();
    let fits = (1..=TICKET_BYTES_MAX).contains(&ticket.len())
        && ticket.iter().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(byte));
    if !fits {
        return Err(AccessStepRefused::Asked(
            "a session needs a case or ticket number, 1 to 64 of A-Z a-z 0-9 . _ - : it goes into the ledger, where personal \
             data must not be",
        ));
    }
    let breaks_glass = asked.needs == AccessNeeds::TwoOthers;
    let most = if breaks_glass {
        limits.break_glass_seconds_max.min(limits.session_seconds_max)
    } else {
        limits.session_seconds_max
    };
    if !(SECONDS_MIN..=most).contains(&asked.seconds) {
        return Err(AccessStepRefused::Seconds { most });
    }
    match &asked.scope {
        AccessScope::Records(records) if records.is_empty() || records.len() > RECORDS_MAX => {
            Err(AccessStepRefused::Asked("a session names 1 to 1,000 records"))
        }
        AccessScope::Records(records) if breaks_glass && records.len() > limits.break_glass_records_max => {
            Err(AccessStepRefused::Asked(
                "an emergency opens as little as it can: one conversation or a few records",
            ))
        }
        AccessScope::Case(_) | AccessScope::Hold(_) | AccessScope::Request(_) if breaks_glass => {
            Err(AccessStepRefused::Asked(
                "an emergency opens as little as it can: one conversation or a few records, no whole case or hold",
            ))
        }
        _ => Ok(()),
    }
}

fn after(at: Timestamp, seconds: u32) -> Timestamp {
    at.checked_add(std::time::Duration::from_secs(u64::from(seconds))).unwrap_or(Timestamp::MAX)
}
