//! How fast keys may ask: all keys of one reach together.

use std::num::NonZeroUsize;

use fiducia_custody::ComplianceReach;
use fiducia_policy::Timestamp;
use lru::LruCache;

/// Requests a minute, and as many at once.
pub(super) const PER_MINUTE: i64 = 600;
/// Reaches that are counted; the least used are forgotten first.
const REACHES_MAX: NonZeroUsize = NonZeroUsize::new(16_384).unwrap();
const MICROSECONDS_PER_SECOND: i64 = 1_000_000;
/// What one request costs, in microseconds.
const COST: i64 = 60 * MICROSECONDS_PER_SECOND / PER_MINUTE;
/// What may be saved up, in microseconds.
const SAVED_MAX: i64 = COST * PER_MINUTE;

/// What was saved up, and when.
#[derive(Debug, Clone, Copy)]
struct Purse {
    saved: i64,
    at: Timestamp,
    /// Whether the last request was refused.
    is_refusing: bool,
}

/// What is left after a request that was let through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Allowance {
    /// Requests that may follow at once.
    pub(super) remaining: i64,
    /// When as many as ever may follow at once again.
    pub(super) full_at: Timestamp,
}

/// A request that came too soon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TooSoon {
    /// How many seconds to wait.
    pub(super) seconds: i64,
    /// Whether it is the first that is refused since one was let through.
    pub(super) is_first: bool,
}

/// The purses of all reaches: each holds microseconds, fills with time and pays for requests.
#[derive(Debug)]
pub(super) struct Pace(LruCache<ComplianceReach, Purse>);

impl Default for Pace {
    fn default() -> Self {
        Self(LruCache::new(REACHES_MAX))
    }
}

impl Pace {
    /// Counts a request.
    ///
    /// # Errors
    /// When there were too many; the request is then not counted.
    pub(super) fn count(&mut self, reach: ComplianceReach, now: Timestamp) -> Result<Allowance, TooSoon> {
        let full = || Purse { saved: SAVED_MAX, at: now, is_refusing: false };
        let purse = self.0.get_or_insert_mut(reach, full);
        // A clock that was set back fills nothing and takes nothing away.
        let passed = now.as_microsecond().saturating_sub(purse.at.as_microsecond()).max(0);
        purse.saved = purse.saved.saturating_add(passed).min(SAVED_MAX);
        purse.at = now;
        if purse.saved < COST {
            let missing = COST - purse.saved;
            let is_first = !std::mem::replace(&mut purse.is_refusing, true);
            let seconds = missing.saturating_add(MICROSECONDS_PER_SECOND - 1) / MICROSECONDS_PER_SECOND;
            return Err(TooSoon { seconds, is_first });
        }
        purse.saved -= COST;
        purse.is_refusing = false;
        let full_at = now.as_microsecond().saturating_add(SAVED_MAX - purse.saved);
        let full_at = Timestamp::from_microsecond(full_at).unwrap_or(Timestamp::MAX);
        Ok(Allowance { remaining: purse.saved / COST, full_at })
    }
}

#[cfg(test)]
mod tests {
    use fiducia_policy::OrganizationId;

    use super::*;

    fn at(microsecond: i64) -> Timestamp {
        Timestamp::from_microsecond(microsecond).unwrap()
    }

    #[test]
    fn all_keys_of_a_reach_share_what_a_minute_allows() {
        let mut pace = Pace::default();
        let one = ComplianceReach::Organization(OrganizationId::from_bytes([1; 16]));
        for number in 1..=PER_MINUTE {
            let left = pace.count(one, at(0)).unwrap();
            assert_eq!(left, Allowance { remaining: PER_MINUTE - number, full_at: at(COST * number) });
        }
        assert_eq!(pace.count(one, at(0)), Err(TooSoon { seconds: 1, is_first: true }));
        assert_eq!(pace.count(one, at(0)), Err(TooSoon { seconds: 1, is_first: false }));
        let other = ComplianceReach::Organization(OrganizationId::from_bytes([2; 16]));
        assert!(pace.count(other, at(0)).is_ok() && pace.count(ComplianceReach::Installation, at(0)).is_ok());
        assert_eq!(pace.count(one, at(COST)).unwrap().remaining, 0);
        assert_eq!(pace.count(one, at(COST)), Err(TooSoon { seconds: 1, is_first: true }));
        assert!(pace.count(one, at(0)).is_err(), "a clock that was set back");
    }

    #[test]
    fn nobody_saves_up_without_end() {
        let mut pace = Pace::default();
        pace.count(ComplianceReach::Installation, at(0)).unwrap();
        let late = i64::from(u32::MAX) * MICROSECONDS_PER_SECOND;
        let passed = (0..10_000).filter(|_| pace.count(ComplianceReach::Installation, at(late)).is_ok());
        assert_eq!(i64::try_from(passed.count()).unwrap(), PER_MINUTE);
    }
}
