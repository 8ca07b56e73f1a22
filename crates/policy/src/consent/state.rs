//! The states of a consent (ISO/IEC TS 27560), and which act leads from one to another.

use super::{ConsentKind, ConsentPurpose};
use crate::named::named;

named! {
    /// Where a person's consent to one purpose stands. Only *given* and *renewed* permit anything.
    ConsentState, "a state of consent" {
        /// Nobody asked, nobody said anything. Where everybody begins.
        Unknown = "unknown",
        /// The question was put and is not answered.
        Requested = "requested",
        /// The person wants to be asked later.
        Deferred = "deferred",
        /// The person said yes.
        Given = "given",
        /// The person said no, or let the date pass by which silence is a no.
        Refused = "refused",
        /// The person took a yes back.
        Withdrawn = "withdrawn",
        /// Whoever runs the service took a yes back.
        Revoked = "revoked",
        /// The person said yes again, to another text or for another time.
        Renewed = "renewed",
        /// The time for which it was given is over.
        Expired = "expired",
        /// It was found to be void, or its condition is gone: the plan changed, the account was closed.
        Invalidated = "invalidated",
    }
}

impl ConsentState {
    /// Whether this state opens a key path. INVARIANT: no other function decides that.
    pub const fn permits(self) -> bool {
        matches!(self, Self::Given | Self::Renewed)
    }

    /// Whether a question is open.
    pub const fn awaits_an_answer(self) -> bool {
        matches!(self, Self::Requested | Self::Deferred)
    }

    /// Whether the person said no, for the rule on asking again.
    pub const fn is_a_no(self) -> bool {
        matches!(self, Self::Refused | Self::Withdrawn)
    }

    /// The term of the DPV.
    pub const fn dpv_term(self) -> &'static str {
        match self {
            Self::Unknown => "dpv:ConsentUnknown",
            Self::Requested => "dpv:ConsentRequested",
            Self::Deferred => "dpv:ConsentRequestDeferred",
            Self::Given => "dpv:ConsentGiven",
            Self::Refused => "dpv:ConsentRefused",
            Self::Withdrawn => "dpv:ConsentWithdrawn",
            Self::Revoked => "dpv:ConsentRevoked",
            Self::Renewed => "dpv:RenewedConsentGiven",
            Self::Expired => "dpv:ConsentExpired",
            Self::Invalidated => "dpv:ConsentInvalidated",
        }
    }
}

named! {
    /// What somebody did about a consent.
    ConsentAct, "an act of consent" {
        /// The question was put to the person.
        Request = "request",
        /// The person answered "later".
        Defer = "defer",
        /// The person said yes.
        Give = "give",
        /// The person said no. Of a yes that stands it is a withdrawal: saying no never takes a second word.
        Refuse = "refuse",
        /// The person took the yes back.
        Withdraw = "withdraw",
        /// Whoever runs the service took the yes back.
        Revoke = "revoke",
        /// The date came by which silence is a no.
        Lapse = "lapse",
        /// The time for which it was given is over.
        Expire = "expire",
        /// It was found to be void.
        Invalidate = "invalidate",
    }
}

named! {
    /// By which way a choice came.
    ConsentChannel, "a channel of consent" {
        /// When the account was made.
        SignUp = "sign-up",
        /// A question put while the service was used.
        Prompt = "prompt",
        /// The person's own settings.
        Settings = "settings",
        /// An application, speaking for the person whose key it has.
        Api = "api",
        /// A Global Privacy Control signal. It can only say no.
        Gpc = "gpc",
        /// A member of staff, who is named. The person told them, or the rules demand it.
        Admin = "admin",
        /// Nobody: a date came, or a campaign put its question.
        System = "system",
    }
}

impl ConsentChannel {
    /// Whether the person speaks by this channel.
    pub const fn is_the_persons(self) -> bool {
        matches!(self, Self::SignUp | Self::Prompt | Self::Settings | Self::Api | Self::Gpc)
    }
}

/// An act that is not lawful where it was tried. Nothing was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UnlawfulAct {
    /// The act leads nowhere from the state.
    #[error("one cannot {act} a consent that is {state}; nothing was changed")]
    WrongState {
        /// The act.
        act: ConsentAct,
        /// The state.
        state: ConsentState,
    },
    /// The channel may not do that.
    #[error("nobody can {act} consent by the channel `{channel}`; nothing was changed")]
    WrongChannel {
        /// The act.
        act: ConsentAct,
        /// The channel.
        channel: ConsentChannel,
    },
    /// Consent without words is taken for feedback alone.
    #[error(
        "consent to {purpose} must be said in words: only sending feedback in says anything without them; nothing was changed"
    )]
    NotImplicit {
        /// The purpose.
        purpose: ConsentPurpose,
    },
    /// A retroactive consent answers a use that was made in an emergency, which must be named.
    #[error("a retroactive consent names the emergency in which the use was made; nothing was changed")]
    NoEmergency,
}

/// Where an act leads.
///
/// `names_emergency` says whether the use in an emergency is named that a retroactive question or answer is about.
///
/// # Errors
/// When nobody may do that by this channel, of this kind, or from this state.
pub fn transition(
    state: ConsentState,
    act: ConsentAct,
    purpose: ConsentPurpose,
    kind: ConsentKind,
    channel: ConsentChannel,
    names_emergency: bool,
) -> Result<ConsentState, UnlawfulAct> {
    use ConsentAct as Act;
    use ConsentState as State;
    if !is_lawful_by(act, channel) {
        return Err(UnlawfulAct::WrongChannel { act, channel });
    }
    if kind == ConsentKind::Implicit && act == Act::Give && purpose != ConsentPurpose::Feedback {
        return Err(UnlawfulAct::NotImplicit { purpose });
    }
    if kind == ConsentKind::Retroactive && matches!(act, Act::Give | Act::Request) && !names_emergency {
        return Err(UnlawfulAct::NoEmergency);
    }
    let open = state.awaits_an_answer();
    let next = match act {
        // A yes that stands is asked about anew without falling: until the date it counts as the campaign says.
        Act::Request if state.permits() => state,
        Act::Request => State::Requested,
        Act::Defer if open || state == State::Unknown => State::Deferred,
        Act::Give if state.permits() => State::Renewed,
        Act::Give => State::Given,
        Act::Refuse | Act::Withdraw if state.permits() => State::Withdrawn,
        Act::Refuse => State::Refused,
        // Who takes back what was never given says no: that must work from everywhere, without an error to read.
        Act::Withdraw if open || state == State::Unknown => State::Refused,
        Act::Revoke if state.permits() => State::Revoked,
        Act::Lapse if open || state.permits() => State::Refused,
        Act::Expire if state.permits() => State::Expired,
        Act::Invalidate if state.permits() || open => State::Invalidated,
        Act::Withdraw if state.is_a_no() => state,
        _ => return Err(UnlawfulAct::WrongState { act, state }),
    };
    Ok(next)
}

/// Which channel may do what. INVARIANT: a yes comes from the person or from a member of staff who is named; a signal and
/// a date can only take away.
const fn is_lawful_by(act: ConsentAct, channel: ConsentChannel) -> bool {
    match act {
        ConsentAct::Give | ConsentAct::Defer => {
            !matches!(channel, ConsentChannel::Gpc | ConsentChannel::System)
        }
        ConsentAct::Refuse | ConsentAct::Withdraw => !matches!(channel, ConsentChannel::System),
        ConsentAct::Request => !matches!(channel, ConsentChannel::Gpc),
        ConsentAct::Revoke => matches!(channel, ConsentChannel::Admin),
        ConsentAct::Lapse | ConsentAct::Expire => matches!(channel, ConsentChannel::System),
        ConsentAct::Invalidate => matches!(channel, ConsentChannel::Admin | ConsentChannel::System),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn every() -> impl Iterator<Item = (ConsentState, ConsentAct, ConsentPurpose, ConsentKind, ConsentChannel)>
    {
        ConsentState::ALL.into_iter().flat_map(|state| {
            ConsentAct::ALL.into_iter().flat_map(move |act| {
                ConsentPurpose::ALL.into_iter().flat_map(move |purpose| {
                    ConsentKind::ALL.into_iter().flat_map(move |kind| {
                        ConsentChannel::ALL
                            .into_iter()
                            .map(move |channel| (state, act, purpose, kind, channel))
                    })
                })
            })
        })
    }

    #[test]
    fn two_states_of_ten_permit() {
        let permitting: Vec<_> = ConsentState::ALL.into_iter().filter(|state| state.permits()).collect();
        assert_eq!(permitting, [ConsentState::Given, ConsentState::Renewed]);
    }

    #[test]
    fn a_yes_arises_by_saying_yes_and_by_nothing_else() {
        let mut arisen = 0;
        for (state, act, purpose, kind, channel) in every() {
            let Ok(next) = transition(state, act, purpose, kind, channel, true) else { continue };
            if next.permits() && !state.permits() {
                arisen += 1;
                assert_eq!(act, ConsentAct::Give);
                assert!(!matches!(channel, ConsentChannel::Gpc | ConsentChannel::System));
                assert!(kind != ConsentKind::Implicit || purpose == ConsentPurpose::Feedback);
            }
        }
        assert!(arisen > 0);
    }

    #[test]
    fn a_person_can_say_no_from_everywhere_in_one_act() {
        for (state, act, purpose, kind, channel) in every() {
            if act != ConsentAct::Refuse || !channel.is_the_persons() {
                continue;
            }
            let next = transition(state, act, purpose, kind, channel, false).unwrap();
            assert!(next.is_a_no(), "{state} {next}");
        }
    }

    #[test]
    fn withdrawing_is_possible_wherever_giving_was() {
        for (state, act, purpose, kind, channel) in every() {
            let given = transition(state, act, purpose, kind, channel, true);
            if let Ok(next) = given
                && next.permits()
            {
                let channel =
                    if channel == ConsentChannel::System { ConsentChannel::Settings } else { channel };
                let back = transition(next, ConsentAct::Withdraw, purpose, kind, channel, false);
                assert_eq!(back, Ok(ConsentState::Withdrawn), "{state} {act} {channel}");
            }
        }
    }

    #[test]
    fn an_unanswered_question_ends_as_a_no() {
        let lapse = |state| {
            transition(
                state,
                ConsentAct::Lapse,
                ConsentPurpose::BatchTraining,
                ConsentKind::Explicit,
                ConsentChannel::System,
                false,
            )
        };
        assert_eq!(lapse(ConsentState::Requested), Ok(ConsentState::Refused));
        assert_eq!(lapse(ConsentState::Deferred), Ok(ConsentState::Refused));
        assert_eq!(lapse(ConsentState::Given), Ok(ConsentState::Refused));
        assert!(lapse(ConsentState::Withdrawn).is_err(), "what was answered does not lapse");
    }

    #[test]
    fn an_emergency_must_be_named() {
        let give = |named| {
            transition(
                ConsentState::Unknown,
                ConsentAct::Give,
                ConsentPurpose::SafetyTraining,
                ConsentKind::Retroactive,
                ConsentChannel::Prompt,
                named,
            )
        };
        assert_eq!(give(false), Err(UnlawfulAct::NoEmergency));
        assert_eq!(give(true), Ok(ConsentState::Given));
    }
}
