//! The dated part of a decision: what has happened to a record so far.

use super::span::RetentionSpan;
use crate::edge::Timestamp;

/// What has happened to a record. Every instant is in the past; what has not happened is `None`.
///
/// Clocks may jump. An event that is dated before the record's creation counts as if it had happened at creation, so
/// no date can make a record end before it began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts {
    /// Capture of the record.
    pub created_at: Timestamp,
    /// The conversation's last turn; absent: its creation.
    pub last_active_at: Option<Timestamp>,
    /// The person deleted the record or its conversation.
    pub deleted_at: Option<Timestamp>,
    /// The account was closed.
    pub closed_at: Option<Timestamp>,
    /// The content was flagged as a violation.
    pub flagged_at: Option<Timestamp>,
    /// The person sent the record in as feedback.
    pub feedback_at: Option<Timestamp>,
    /// A safety investigation took the record in.
    pub case_opened_at: Option<Timestamp>,
    /// That investigation ended. A closing before the opening belongs to an earlier case and does not count.
    pub case_closed_at: Option<Timestamp>,
    /// The person asked for erasure.
    pub erasure_requested_at: Option<Timestamp>,
    /// Whether a legal hold covers the record now.
    pub held: bool,
    /// The last legal hold was released. Without meaning while `held`.
    pub released_at: Option<Timestamp>,
    /// When what that hold held ends, where its release said so; absent: as the policy says.
    pub release_ends_at: Option<Timestamp>,
    /// The period agreed with the organisation, where the agreement is [`Agreement::Custom`](super::Agreement).
    pub custom: Option<RetentionSpan>,
}

impl Facts {
    /// The facts about a record at the moment of its capture.
    pub const fn captured_at(created_at: Timestamp) -> Self {
        Self {
            created_at,
            last_active_at: None,
            deleted_at: None,
            closed_at: None,
            flagged_at: None,
            feedback_at: None,
            case_opened_at: None,
            case_closed_at: None,
            erasure_requested_at: None,
            held: false,
            released_at: None,
            release_ends_at: None,
            custom: None,
        }
    }

    /// The latest event, hence an instant that is certainly in the past.
    pub(crate) fn latest_event(&self) -> Timestamp {
        [
            self.last_active_at,
            self.deleted_at,
            self.closed_at,
            self.flagged_at,
            self.feedback_at,
            self.case_opened_at,
            self.case_closed_at,
            self.erasure_requested_at,
            self.released_at,
        ]
        .into_iter()
        .flatten()
        .fold(self.created_at, Ord::max)
    }
}

impl std::fmt::Display for Facts {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "created {}", self.created_at)?;
        let events = [
            ("last active", self.last_active_at),
            ("deleted", self.deleted_at),
            ("account closed", self.closed_at),
            ("flagged", self.flagged_at),
            ("sent as feedback", self.feedback_at),
            ("case opened", self.case_opened_at),
            ("case closed", self.case_closed_at),
            ("erasure requested", self.erasure_requested_at),
            ("hold released", self.released_at),
        ];
        for (what, at) in events {
            if let Some(at) = at {
                write!(formatter, ", {what} {at}")?;
            }
        }
        if let Some(at) = self.release_ends_at {
            write!(formatter, ", released until {at}")?;
        }
        if let Some(span) = self.custom {
            write!(formatter, ", agreed period {span}")?;
        }
        if self.held { formatter.write_str(", held") } else { Ok(()) }
    }
}
