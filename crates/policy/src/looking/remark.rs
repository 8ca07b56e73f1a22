//! Why somebody answered as they did, in their own words.

use std::fmt;
use std::str::FromStr;

use super::session::{AccessStep, Participant};
use crate::named::named;

/// Longest remark, in characters.
pub const REMARK_CHARACTERS_MAX: usize = 500;

named! {
    /// What somebody answered.
    AccessAnswer, "an answer" {
        /// They agreed to a session.
        Approved = "approved",
        /// They said no to it.
        Denied = "denied",
        /// They reviewed it and found it justified.
        Justified = "justified",
        /// They reviewed it and found it not justified.
        NotJustified = "not-justified",
    }
}

/// What somebody says to their answer: 1 to [`REMARK_CHARACTERS_MAX`] characters, nothing around them. It may name people, so it is
/// kept sealed, its `Debug` shows nothing of it, and the log has a salted commitment in its place.
#[derive(Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AccessRemark(String);

/// A text that is no remark. It is not repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a remark says in 1 to {REMARK_CHARACTERS_MAX} characters why, in lines of plain text; nothing was changed"
)]
pub struct NotARemark;

impl AccessRemark {
    /// What was said: for those who may see the session, never for a log.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for AccessRemark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccessRemark(redacted)")
    }
}

impl FromStr for AccessRemark {
    type Err = NotARemark;

    fn from_str(text: &str) -> Result<Self, NotARemark> {
        let text = text.trim().replace("\r\n", "\n");
        let is_plain = text.chars().all(|character| character == '\n' || !character.is_control());
        let is_short = text.chars().nth(REMARK_CHARACTERS_MAX).is_none();
        if text.is_empty() || !is_plain || !is_short {
            return Err(NotARemark);
        }
        Ok(Self(text))
    }
}

impl TryFrom<String> for AccessRemark {
    type Error = NotARemark;

    fn try_from(text: String) -> Result<Self, NotARemark> {
        text.parse()
    }
}

impl From<AccessRemark> for String {
    fn from(remark: AccessRemark) -> Self {
        remark.0
    }
}

impl AccessStep {
    /// Who answers what by this step and why, where it is an answer with a remark.
    pub const fn remark(&self) -> Option<(AccessAnswer, Participant, &AccessRemark)> {
        match self {
            Self::Approve { by, remark: Some(remark) } => Some((AccessAnswer::Approved, *by, remark)),
            Self::Deny { by, remark } => Some((AccessAnswer::Denied, *by, remark)),
            Self::Review { by, justified: true, remark } => Some((AccessAnswer::Justified, *by, remark)),
            Self::Review { by, justified: false, remark } => Some((AccessAnswer::NotJustified, *by, remark)),
            _ => None,
        }
    }
}
