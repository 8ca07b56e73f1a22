//! How often signing in may fail, without letting strangers lock anybody out.
//!
//! Failures are counted in windows, three ways: for each network address; for each account by all browsers that never
//! signed in to it together; and for each account by one browser that has. A stranger who guesses spends the second
//! allowance only, so the account's owner still signs in from a browser they used before (OWASP calls its secret a device
//! cookie), by passkey or through the provider.

use std::num::NonZeroUsize;

use fiducia_policy::Timestamp;
use lru::LruCache;

/// How long failures are counted together.
const WINDOW_SECONDS: i64 = 15 * 60;
/// Failures of one address in a window.
const FAILURES_BY_ADDRESS_MAX: u32 = 60;
/// Failures on one account in a window: by strangers, and by each known browser.
const FAILURES_ON_ACCOUNT_MAX: u32 = 10;
/// Counters kept; the least used are forgotten first.
const COUNTERS_MAX: NonZeroUsize = NonZeroUsize::new(65_536).unwrap();

/// What failures are counted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Counted {
    /// SHA-256 of a network address.
    Address([u8; 32]),
    /// SHA-256 of a login, whether or not there is such an account, and of the secret of a browser known to it.
    Account([u8; 32], Option<[u8; 32]>),
}

#[derive(Debug, Clone, Copy)]
struct Window {
    began: Timestamp,
    failures: u32,
}

/// The counters.
#[derive(Debug)]
pub(crate) struct Throttle(LruCache<Counted, Window>);

impl Default for Throttle {
    fn default() -> Self {
        Self(LruCache::new(COUNTERS_MAX))
    }
}

impl Throttle {
    /// Counts an attempt as failed before it is made, so that attempts made at once do not pass together.
    ///
    /// # Errors
    /// With the seconds to wait when too many failed; the attempt is then not counted.
    pub(crate) fn begin(&mut self, counted: &[Counted], now: Timestamp) -> Result<(), i64> {
        let waits = counted.iter().filter_map(|counted| self.wait(*counted, now));
        if let Some(seconds) = waits.max() {
            return Err(seconds);
        }
        for counted in counted {
            let window = self.0.get_or_insert_mut(*counted, || Window { began: now, failures: 0 });
            if elapsed(window, now) >= WINDOW_SECONDS {
                *window = Window { began: now, failures: 0 };
            }
            window.failures += 1;
        }
        Ok(())
    }

    /// The attempt succeeded: it does not count for its address, and the account's counter starts anew.
    pub(crate) fn succeeded(&mut self, counted: &[Counted]) {
        for counted in counted {
            match counted {
                Counted::Address(_) => {
                    if let Some(window) = self.0.get_mut(counted) {
                        window.failures = window.failures.saturating_sub(1);
                    }
                }
                Counted::Account(..) => {
                    self.0.pop(counted);
                }
            }
        }
    }

    fn wait(&mut self, counted: Counted, now: Timestamp) -> Option<i64> {
        let failures_max = match counted {
            Counted::Address(_) => FAILURES_BY_ADDRESS_MAX,
            Counted::Account(..) => FAILURES_ON_ACCOUNT_MAX,
        };
        let window = self.0.get(&counted)?;
        let left = WINDOW_SECONDS - elapsed(window, now);
        (window.failures >= failures_max && left > 0).then_some(left)
    }
}

/// Seconds since the window began; a clock that was set back counts as a new window.
fn elapsed(window: &Window, now: Timestamp) -> i64 {
    let seconds = now.as_second().saturating_sub(window.began.as_second());
    if seconds < 0 { WINDOW_SECONDS } else { seconds }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    const ADDRESS: Counted = Counted::Address([1; 32]);
    const STRANGERS: Counted = Counted::Account([2; 32], None);
    const OWNER: Counted = Counted::Account([2; 32], Some([3; 32]));

    #[test]
    fn strangers_who_guess_do_not_lock_the_owner_out() {
        let mut throttle = Throttle::default();
        for _ in 0..FAILURES_ON_ACCOUNT_MAX {
            throttle.begin(&[STRANGERS], at(0)).unwrap();
        }
        assert_eq!(throttle.begin(&[STRANGERS], at(10)), Err(WINDOW_SECONDS - 10));
        throttle.begin(&[OWNER], at(10)).unwrap();
        throttle.begin(&[STRANGERS], at(WINDOW_SECONDS)).unwrap();
    }

    #[test]
    fn one_address_cannot_try_many_accounts() {
        let mut throttle = Throttle::default();
        let account = |number: u32| Counted::Account([u8::try_from(number).unwrap(); 32], None);
        for number in 0..FAILURES_BY_ADDRESS_MAX {
            throttle.begin(&[ADDRESS, account(number)], at(0)).unwrap();
        }
        assert!(throttle.begin(&[ADDRESS, account(200)], at(1)).is_err());
        throttle.begin(&[Counted::Address([9; 32]), account(200)], at(1)).unwrap();
    }

    #[test]
    fn success_forgives_the_account_and_only_itself_to_the_address() {
        let mut throttle = Throttle::default();
        for _ in 0..FAILURES_ON_ACCOUNT_MAX {
            throttle.begin(&[ADDRESS, OWNER], at(0)).unwrap();
        }
        throttle.succeeded(&[ADDRESS, OWNER]);
        throttle.begin(&[OWNER], at(1)).unwrap();
        let failures = throttle.0.get(&ADDRESS).unwrap().failures;
        assert_eq!(failures, FAILURES_ON_ACCOUNT_MAX - 1);
    }

    #[test]
    fn a_clock_that_was_set_back_locks_nobody_out() {
        let mut throttle = Throttle::default();
        for _ in 0..FAILURES_ON_ACCOUNT_MAX {
            throttle.begin(&[STRANGERS], at(1_000_000)).unwrap();
        }
        throttle.begin(&[STRANGERS], at(0)).unwrap();
    }
}
