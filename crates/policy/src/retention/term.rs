//! The words a rule is made of: from when a clock runs, how long, and to what effect.

use super::situation::RecordClass;
use super::span::{RetentionSpan, SpanError};
use crate::ground::GroundKind;
use crate::named::named;

named! {
    /// The event from which a clock runs.
    ClockStart, "a clock" {
        /// Capture of the record.
        Creation = "creation",
        /// The last turn of the conversation; its creation until there is another.
        LastActivity = "last-activity",
        /// The person's deletion.
        Deletion = "deletion",
        /// The closing of the account.
        Closing = "closing",
        /// The flag as a violation.
        Flag = "flag",
        /// The sending of feedback.
        Feedback = "feedback",
        /// The opening of a case.
        CaseOpening = "case-opening",
        /// The closing of that case.
        CaseClosing = "case-closing",
        /// The person's request for erasure.
        Erasure = "erasure",
        /// The release of the last legal hold.
        Release = "release",
    }
}

named! {
    /// How explicitly a rule speaks about the records it deletes. The more explicit one sets the date.
    Level, "a level" {
        /// For the whole organisation.
        Organization = "organization",
        /// For some plans, people or places.
        Scoped = "scoped",
        /// For exactly these records, by an agreement or a label.
        Label = "label",
    }
}

/// How long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TermSpan {
    /// A span that stands in the policy.
    Fixed(RetentionSpan),
    /// The span that was agreed with the organisation.
    Agreed,
}

/// A span and the event it is counted from: `30 days after creation`, `at deletion`, `as agreed after last-activity`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Term {
    /// How long.
    pub span: TermSpan,
    /// From when.
    pub start: ClockStart,
}

/// A text that is not a term.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TermError {
    /// Not of the form.
    #[error(
        "`{0}` is not a term. Write `30 days after creation`, `at deletion` or `as agreed after last-activity`; clocks start at: {clocks}",
        clocks = ClockStart::ALL.map(ClockStart::name).join(", ")
    )]
    Malformed(String),
    /// The span is wrong.
    #[error(transparent)]
    Span(#[from] SpanError),
}

impl std::str::FromStr for Term {
    type Err = TermError;

    fn from_str(text: &str) -> Result<Self, TermError> {
        let start_of =
            |name: &str| name.parse::<ClockStart>().map_err(|_| TermError::Malformed(text.to_owned()));
        if let Some(start) = text.strip_prefix("at ") {
            return Ok(Self { span: TermSpan::Fixed(RetentionSpan::ZERO), start: start_of(start)? });
        }
        let (span, start) =
            text.split_once(" after ").ok_or_else(|| TermError::Malformed(text.to_owned()))?;
        let start = start_of(start)?;
        let span = if span == "as agreed" {
            TermSpan::Agreed
        } else {
            TermSpan::Fixed(span.parse::<RetentionSpan>()?)
        };
        Ok(Self { span, start })
    }
}

impl std::fmt::Display for Term {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.span {
            TermSpan::Fixed(span) if span.is_zero() => write!(formatter, "at {}", self.start),
            TermSpan::Fixed(span) => write!(formatter, "{span} after {}", self.start),
            TermSpan::Agreed => write!(formatter, "as agreed after {}", self.start),
        }
    }
}

impl RecordClass {
    /// Whether this can happen to a record of the class, so that a clock can start from it.
    pub const fn has_clock(self, start: ClockStart) -> bool {
        match start {
            ClockStart::Creation | ClockStart::Release => true,
            ClockStart::LastActivity => matches!(self, Self::Chat | Self::CodingSession | Self::Incognito),
            ClockStart::Deletion | ClockStart::Closing | ClockStart::Erasure => {
                self.is_conversation() || matches!(self, Self::Feedback)
            }
            ClockStart::Flag | ClockStart::CaseOpening | ClockStart::CaseClosing => {
                !matches!(self, Self::AccessEvents | Self::SystemLogs)
            }
            ClockStart::Feedback => self.is_conversation() || matches!(self, Self::Feedback),
        }
    }

    /// The event that made a record of the class exist, other than a capture.
    pub(crate) const fn made_by(self) -> Option<ClockStart> {
        match self {
            Self::Feedback => Some(ClockStart::Feedback),
            Self::FlaggedContent | Self::SafetyScores => Some(ClockStart::Flag),
            _ => None,
        }
    }
}

impl GroundKind {
    /// Whether records of the class can be kept on this ground at all.
    pub const fn is_for(self, class: RecordClass) -> bool {
        let scores = matches!(class, RecordClass::SafetyScores);
        let copies = matches!(class, RecordClass::Feedback | RecordClass::FlaggedContent);
        match self {
            Self::Service => {
                class.is_conversation()
                    || matches!(class, RecordClass::AccessEvents | RecordClass::SystemLogs)
            }
            Self::SafetyWindow => class.is_conversation() || matches!(class, RecordClass::SystemLogs),
            Self::Violation => class.is_conversation() || copies,
            Self::SafetyScore => scores,
            Self::Investigation => class.is_conversation() || copies || scores,
            Self::Feedback => class.is_conversation() || matches!(class, RecordClass::Feedback),
            Self::LegalHold => true,
        }
    }

    /// Whether a rule that names no class means this one too. What is no conversation is kept only by name.
    pub(crate) const fn is_by_default_for(self, class: RecordClass) -> bool {
        self.is_for(class)
            && (!matches!(self, Self::Service | Self::SafetyWindow)
                || !matches!(class, RecordClass::AccessEvents | RecordClass::SystemLogs))
    }

    /// The event that opens the ground; `None`: a hold, which is placed and not dated.
    pub const fn opens_with(self) -> Option<ClockStart> {
        match self {
            Self::Service | Self::SafetyWindow => Some(ClockStart::Creation),
            Self::Violation | Self::SafetyScore => Some(ClockStart::Flag),
            Self::Investigation => Some(ClockStart::CaseOpening),
            Self::Feedback => Some(ClockStart::Feedback),
            Self::LegalHold => None,
        }
    }
}
