//! The life of a request as a function: from one standing and a step to the next standing, or a reason why not.

use super::kind::{ExtensionReason, RefusalReason, RequestKind};
use crate::edge::Timestamp;
use crate::named::named;

named! {
    /// Where a request stands.
    RequestState, "a state of a request" {
        /// It arrived.
        Received = "received",
        /// Whoever asks was asked to show who they are.
        IdentityAsked = "identity-asked",
        /// It is known who asks.
        Identified = "identified",
        /// Somebody works on it.
        InProgress = "in-progress",
        /// It takes longer; the person was told why.
        Extended = "extended",
        /// It was carried out.
        Fulfilled = "fulfilled",
        /// It was carried out in part; the person was told what not, and why.
        PartlyFulfilled = "partly-fulfilled",
        /// It was refused, with reasons and routes.
        Refused = "refused",
        /// The person took it back.
        Withdrawn = "withdrawn",
    }
}

impl RequestState {
    /// Whether nothing more happens.
    pub const fn is_closed(self) -> bool {
        matches!(self, Self::Fulfilled | Self::PartlyFulfilled | Self::Refused | Self::Withdrawn)
    }
}

/// What is done to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestStep {
    /// The person was told that it arrived.
    Confirm,
    /// Whoever asks is asked to show who they are.
    AskIdentity,
    /// It is known who asks.
    Identify,
    /// Somebody begins to work on it.
    Begin,
    /// It takes longer, and the person was told why at `told_at`.
    Extend {
        /// Why.
        reason: ExtensionReason,
        /// When the person was told.
        told_at: Timestamp,
    },
    /// It was carried out, in whole or in part.
    Fulfil {
        /// Whether something was left undone.
        in_part: bool,
    },
    /// It is refused.
    Refuse {
        /// Why.
        reason: RefusalReason,
    },
    /// The person takes it back.
    Withdraw,
}

impl RequestStep {
    /// The step's name in the audit and the ledger.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Confirm => "confirm",
            Self::AskIdentity => "ask-identity",
            Self::Identify => "identify",
            Self::Begin => "begin",
            Self::Extend { .. } => "extend",
            Self::Fulfil { .. } => "fulfil",
            Self::Refuse { .. } => "refuse",
            Self::Withdraw => "withdraw",
        }
    }
}

/// Where a request stands, with what does not show in its state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestStanding {
    /// The state.
    pub state: RequestState,
    /// Whether the person was told that it arrived.
    pub is_confirmed: bool,
    /// Whether it is known who asks.
    pub is_identified: bool,
    /// Whether it was extended.
    pub is_extended: bool,
}

/// The clock of a request, as it was worked out when it arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestClock {
    /// When it arrived.
    pub received_at: Timestamp,
    /// The first instant at which an answer is too late.
    pub answer_by: Timestamp,
    /// The same, once it was extended.
    pub extended_by: Timestamp,
}

impl RequestClock {
    /// The first instant at which an answer is too late, as things stand.
    pub const fn due(&self, is_extended: bool) -> Timestamp {
        if is_extended { self.extended_by } else { self.answer_by }
    }
}

/// Why a step is not possible.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StepRefused {
    /// The request is closed.
    #[error("the request is {} already, and nothing more happens to it", .0.name())]
    Closed(RequestState),
    /// It was done before.
    #[error("that was done before")]
    Before,
    /// Who asks must be known first.
    #[error("who asks is not known yet: confirm the identity first")]
    IdentityMissing,
    /// Identity plays no part in requests of this kind.
    #[error("a request of this kind must not depend on who asks")]
    IdentityNotNeeded,
    /// A law that applies permits no extension.
    #[error("a law that applies permits no extension for this request")]
    NoExtension,
    /// The first period was over when the person was told.
    #[error(
        "the first period is over; an extension counts only if the person is told of it and why before that"
    )]
    TooLate,
    /// The person cannot have been told then.
    #[error("the person cannot have been told before the request arrived, or later than now")]
    ToldAtImpossible,
}

impl RequestStanding {
    /// A request that just arrived.
    pub const ARRIVED: Self =
        Self { state: RequestState::Received, is_confirmed: false, is_identified: false, is_extended: false };

    /// The standing after a step that is done at `now`.
    ///
    /// Being late forbids nothing: a late answer is better than none.
    ///
    /// # Errors
    /// When the step is not possible from here; the standing stays.
    pub fn after(
        self,
        kind: RequestKind,
        clock: &RequestClock,
        step: RequestStep,
        now: Timestamp,
    ) -> Result<Self, StepRefused> {
        if self.state.is_closed() {
            return Err(StepRefused::Closed(self.state));
        }
        let to = |state| Self { state, ..self };
        match step {
            _ if self.is_before(step) => Err(StepRefused::Before),
            RequestStep::Confirm => Ok(Self { is_confirmed: true, ..self }),
            RequestStep::AskIdentity | RequestStep::Identify if !kind.needs_identity() => {
                Err(StepRefused::IdentityNotNeeded)
            }
            RequestStep::AskIdentity => Ok(self.moved(RequestState::IdentityAsked)),
            RequestStep::Identify => Ok(Self { is_identified: true, ..self.moved(RequestState::Identified) }),
            RequestStep::Begin | RequestStep::Fulfil { .. } if self.lacks_identity(kind) => {
                Err(StepRefused::IdentityMissing)
            }
            RequestStep::Begin => Ok(self.moved(RequestState::InProgress)),
            RequestStep::Extend { told_at, .. } => self.extended(clock, told_at, now),
            RequestStep::Fulfil { in_part: false } => Ok(to(RequestState::Fulfilled)),
            RequestStep::Fulfil { in_part: true } => Ok(to(RequestState::PartlyFulfilled)),
            RequestStep::Refuse { .. } => Ok(to(RequestState::Refused)),
            RequestStep::Withdraw => Ok(to(RequestState::Withdrawn)),
        }
    }

    /// Whether a step that can be done once was done already.
    const fn is_before(self, step: RequestStep) -> bool {
        match step {
            RequestStep::Confirm => self.is_confirmed,
            RequestStep::AskIdentity | RequestStep::Identify => self.is_identified,
            RequestStep::Begin => matches!(self.state, RequestState::InProgress),
            RequestStep::Extend { .. } => self.is_extended,
            RequestStep::Fulfil { .. } | RequestStep::Refuse { .. } | RequestStep::Withdraw => false,
        }
    }

    const fn lacks_identity(self, kind: RequestKind) -> bool {
        kind.needs_identity() && !self.is_identified
    }

    /// The next state; what was extended says so until it is closed.
    const fn moved(self, state: RequestState) -> Self {
        if self.is_extended { self } else { Self { state, ..self } }
    }

    fn extended(self, clock: &RequestClock, told_at: Timestamp, now: Timestamp) -> Result<Self, StepRefused> {
        if clock.extended_by <= clock.answer_by {
            return Err(StepRefused::NoExtension);
        }
        if told_at < clock.received_at || told_at > now {
            return Err(StepRefused::ToldAtImpossible);
        }
        if told_at >= clock.answer_by {
            return Err(StepRefused::TooLate);
        }
        Ok(Self { state: RequestState::Extended, is_extended: true, ..self })
    }
}
