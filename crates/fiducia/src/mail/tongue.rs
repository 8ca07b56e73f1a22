//! The languages of mails.

use fiducia_policy::Timestamp;

/// The languages that letters and bulletins are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tongue {
    English,
    German,
}

impl Tongue {
    /// German for those who speak it, English for everybody else.
    pub(super) fn of(language: Option<&str>) -> Self {
        match language.and_then(|language| language.split('-').next()) {
            Some("de") => Self::German,
            _ => Self::English,
        }
    }

    /// A text in this language.
    pub(super) const fn say(self, english: &'static str, german: &'static str) -> &'static str {
        match self {
            Self::English => english,
            Self::German => german,
        }
    }

    /// An instant in this language, in UTC.
    pub(super) fn day(self, at: Timestamp) -> String {
        at.strftime(self.say("%-d %B %Y, %H:%M UTC", "%d.%m.%Y, %H:%M UTC")).to_string()
    }
}
