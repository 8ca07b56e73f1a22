//! How fast one token, or one signed-in browser, may ask.

use std::num::NonZeroUsize;

use fiducia_policy::Timestamp;
use lru::LruCache;

/// Requests a second, once what may come at once is used up.
const PER_SECOND: i64 = 50;
/// Requests that may come at once.
const AT_ONCE_MAX: i64 = 200;
/// Callers that are counted; the least used are forgotten first.
const CALLERS_MAX: NonZeroUsize = NonZeroUsize::new(16_384).unwrap();
const MICROSECONDS_PER_SECOND: i64 = 1_000_000;
/// What one request costs, in microseconds.
const COST: i64 = MICROSECONDS_PER_SECOND / PER_SECOND;
/// What a caller may have saved up, in microseconds.
const SAVED_MAX: i64 = COST * AT_ONCE_MAX;

/// What a caller had saved up, and when.
#[derive(Debug, Clone, Copy)]
struct Purse {
    saved: i64,
    at: Timestamp,
}

/// The purses of all callers: each holds microseconds, fills with time and pays for requests.
#[derive(Debug)]
pub(super) struct Pace(LruCache<[u8; 16], Purse>);

impl Default for Pace {
    fn default() -> Self {
        Self(LruCache::new(CALLERS_MAX))
    }
}

impl Pace {
    /// Counts a request of a caller.
    ///
    /// # Errors
    /// With the seconds to wait when there are too many; the request is then not counted.
    pub(super) fn count(&mut self, caller: [u8; 16], now: Timestamp) -> Result<(), i64> {
        let purse = self.0.get_or_insert_mut(caller, || Purse { saved: SAVED_MAX, at: now });
        // A clock that was set back fills nothing and takes nothing away.
        let passed = now.as_microsecond().saturating_sub(purse.at.as_microsecond()).max(0);
        purse.saved = purse.saved.saturating_add(passed).min(SAVED_MAX);
        purse.at = now;
        if purse.saved < COST {
            let missing = COST - purse.saved;
            return Err(missing.saturating_add(MICROSECONDS_PER_SECOND - 1) / MICROSECONDS_PER_SECOND);
        }
        purse.saved -= COST;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(microsecond: i64) -> Timestamp {
        Timestamp::from_microsecond(microsecond).unwrap()
    }

    #[test]
    fn many_may_come_at_once_and_then_as_many_as_time_allows() {
        let mut pace = Pace::default();
        for number in 0..AT_ONCE_MAX {
            assert_eq!(pace.count([1; 16], at(0)), Ok(()), "{number}");
        }
        assert_eq!(pace.count([1; 16], at(0)), Err(1));
        assert_eq!(pace.count([2; 16], at(0)), Ok(()), "another caller");
        assert_eq!(pace.count([1; 16], at(COST - 1)), Err(1));
        assert_eq!(pace.count([1; 16], at(COST)), Ok(()));
        assert_eq!(pace.count([1; 16], at(COST)), Err(1));
        assert_eq!(pace.count([1; 16], at(0)), Err(1), "a clock that was set back");
    }

    #[test]
    fn nobody_saves_up_without_end() {
        let mut pace = Pace::default();
        pace.count([1; 16], at(0)).unwrap();
        let late = i64::from(u32::MAX) * MICROSECONDS_PER_SECOND;
        let passed = (0..10_000).filter(|_| pace.count([1; 16], at(late)).is_ok()).count();
        assert_eq!(i64::try_from(passed).unwrap(), AT_ONCE_MAX);
    }
}
