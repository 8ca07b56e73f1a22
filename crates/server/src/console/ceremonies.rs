//! What was asked and is not answered yet: challenges for passkeys, and sign-ins that are at a provider. Each can be
//! answered once, by the browser it was asked of, for some minutes.

use std::num::NonZeroUsize;

use fiducia_policy::Timestamp;
use lru::LruCache;

/// How long an answer may take.
const SECONDS_MAX: i64 = 600;
/// Questions kept; the oldest are forgotten first.
const QUESTIONS_MAX: NonZeroUsize = NonZeroUsize::new(16_384).unwrap();

/// What a question is found by.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Asked {
    /// A new passkey, by the browser's secret.
    Registration([u8; 32]),
    /// A passkey that signs in, by the browser's secret.
    Assertion([u8; 32]),
    /// A sign-in at a provider, by its `state`.
    Provider(String),
}

/// Questions that wait for `T`s to be needed again.
#[derive(Debug)]
pub(super) struct Ceremonies<T>(LruCache<Asked, (Timestamp, T)>);

impl<T> Default for Ceremonies<T> {
    fn default() -> Self {
        Self(LruCache::new(QUESTIONS_MAX))
    }
}

impl<T> Ceremonies<T> {
    /// Notes a question. An earlier one of the same kind to the same browser is forgotten.
    pub(super) fn ask(&mut self, asked: Asked, now: Timestamp, needed: T) {
        self.0.put(asked, (now, needed));
    }

    /// What was noted, once.
    pub(super) fn answer(&mut self, asked: &Asked, now: Timestamp) -> Option<T> {
        let (at, needed) = self.0.pop(asked)?;
        let seconds = now.as_second().saturating_sub(at.as_second());
        (0..SECONDS_MAX).contains(&seconds).then_some(needed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_answered_once_and_in_time() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let mut ceremonies = Ceremonies::default();
        let asked = Asked::Provider("state".to_owned());
        ceremonies.ask(asked.clone(), at(0), 1);
        assert_eq!(ceremonies.answer(&asked, at(SECONDS_MAX - 1)), Some(1));
        assert_eq!(ceremonies.answer(&asked, at(SECONDS_MAX - 1)), None);
        ceremonies.ask(asked.clone(), at(0), 2);
        assert_eq!(ceremonies.answer(&asked, at(SECONDS_MAX)), None);
    }
}
