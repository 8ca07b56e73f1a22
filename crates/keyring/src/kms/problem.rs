//! What can go wrong with a key management service, in words for operators.

use std::fmt;

/// Longest text of a service that is passed on, in characters.
const DETAIL_CHARACTERS_MAX: usize = 300;

/// What is wrong. The list is closed: whatever a service says is one of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KmsProblem {
    /// No connection, or the service says that it is out of order.
    Unreachable,
    /// No answer in time.
    Slow,
    /// The service takes no more requests for now.
    Throttled,
    /// The service does not permit it: credentials or permissions.
    Denied,
    /// The key, or the version that is needed, is disabled.
    Disabled,
    /// The key, or the version that is needed, was destroyed or waits to be.
    Destroyed,
    /// The service has no such key.
    NotFound,
    /// The wrap was not made with this key, or for another organisation or key, or it was altered.
    WrongKey,
    /// The service's answer makes no sense.
    Malformed,
    /// The configuration names no such service, or this build has no adapter for it.
    NotConfigured,
}

impl KmsProblem {
    /// All problems.
    pub const ALL: [Self; 10] = [
        Self::Unreachable,
        Self::Slow,
        Self::Throttled,
        Self::Denied,
        Self::Disabled,
        Self::Destroyed,
        Self::NotFound,
        Self::WrongKey,
        Self::Malformed,
        Self::NotConfigured,
    ];

    /// The stable name by which documents and answers call it.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Unreachable => "key_service_unreachable",
            Self::Slow => "key_service_slow",
            Self::Throttled => "key_service_throttled",
            Self::Denied => "key_denied",
            Self::Disabled => "key_disabled",
            Self::Destroyed => "key_destroyed",
            Self::NotFound => "key_not_found",
            Self::WrongKey => "key_wrong",
            Self::Malformed => "key_service_malformed",
            Self::NotConfigured => "key_service_not_configured",
        }
    }

    /// The problem with this code.
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|problem| problem.code() == code)
    }

    /// Whether asking again soon may help.
    pub const fn is_transient(self) -> bool {
        matches!(self, Self::Unreachable | Self::Slow | Self::Throttled)
    }

    /// Whether the owner of the key has said no: keys that were opened with it are given up at once. Anything else may be
    /// a fault on the way, and opened keys are kept until their time is over.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Denied | Self::Disabled | Self::Destroyed | Self::NotFound | Self::WrongKey)
    }

    const fn happened(self) -> &'static str {
        match self {
            Self::Unreachable => "cannot be used: the service cannot be reached",
            Self::Slow => "cannot be used: the service did not answer in time",
            Self::Throttled => "cannot be used: the service takes no more requests for now",
            Self::Denied => "may not be used: the service refused",
            Self::Disabled => "is disabled",
            Self::Destroyed => "was destroyed or is about to be",
            Self::NotFound => "does not exist",
            Self::WrongKey => "does not open this: another key wrapped it, or it was altered",
            Self::Malformed => "cannot be used: the service's answer makes no sense",
            Self::NotConfigured => {
                "cannot be used: no service of this name is configured, or this build lacks its adapter"
            }
        }
    }

    const fn advice(self) -> &'static str {
        match self {
            Self::Unreachable | Self::Slow => {
                "Look at the service and the network between; it is tried again by itself"
            }
            Self::Throttled => "It is tried again by itself; raise the service's quota if this goes on",
            Self::Denied => {
                "Permit the installation to encrypt and decrypt with the key, and look at its credentials"
            }
            Self::Disabled => "Enable the key, if its owner wants what it protects to be readable",
            Self::Destroyed => {
                "Cancel its deletion while the service still can; once it is gone, nobody can read what it protects"
            }
            Self::NotFound => "Correct the key's name, or restore the key while the service still can",
            Self::WrongKey => {
                "Name the key that wrapped it, or restore `keys.db` from a backup if it was altered"
            }
            Self::Malformed => "Look at whether the address is that of the service, and at proxies between",
            Self::NotConfigured => "Name the service under [key_services] and run a build with its feature",
        }
    }
}

/// A failure of a key management service. It holds no key material and no credential.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct KmsError {
    /// Which service.
    pub service: String,
    /// The name of the key there.
    pub key: String,
    /// What is wrong.
    pub problem: KmsProblem,
    /// What the service said, shortened; may be empty.
    pub detail: String,
}

impl fmt::Display for KmsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { service, key, problem, detail } = self;
        match key.as_str() {
            "" => write!(f, "{service} ")?,
            key => write!(f, "the key {key} of {service} ")?,
        }
        write!(f, "{}", problem.happened())?;
        if !detail.is_empty() {
            write!(f, " ({})", plain(detail))?;
        }
        write!(
            f,
            ". What it protects stays sealed and nothing of it is lost; until this is mended it is neither read nor added to. {} [{}]",
            problem.advice(),
            problem.code()
        )
    }
}

/// A service's own words on one line, shortened, without characters that could confuse a terminal or a log.
pub(crate) fn plain(text: &str) -> String {
    let clean = |c: char| if c.is_control() { ' ' } else { c };
    text.chars().take(DETAIL_CHARACTERS_MAX).map(clean).collect::<String>().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_problem_says_what_happened_what_it_means_and_what_to_do() {
        let mut codes = std::collections::BTreeSet::new();
        for problem in KmsProblem::ALL {
            let error = KmsError {
                service: "aws".to_owned(),
                key: "alias/fiducia".to_owned(),
                problem,
                detail: "the service\u{1b}[2J said so".to_owned(),
            };
            let text = error.to_string();
            assert!(text.starts_with("the key alias/fiducia of aws "), "{text}");
            assert!(
                text.contains("nothing of it is lost") && text.ends_with(&format!("[{}]", problem.code()))
            );
            assert!(!text.contains('\u{1b}'), "{text}");
            assert!(codes.insert(problem.code()), "{} is there twice", problem.code());
            assert_eq!(KmsProblem::parse(problem.code()), Some(problem));
            assert!(!(problem.is_final() && problem.is_transient()));
        }
    }
}
