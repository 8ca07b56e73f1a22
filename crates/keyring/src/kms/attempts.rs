//! How often a service is asked again, and when it is left alone.

use std::sync::Mutex;
use std::time::Duration;

use fiducia_policy::Timestamp;

/// How often one request is made at most.
pub(crate) const ATTEMPTS_MAX: u32 = 3;
/// The first wait before another attempt, in milliseconds; it doubles.
const FIRST_BACKOFF_MS: u64 = 200;
/// Transient failures in a row after which the service is left alone.
const FAILURES_MAX: u32 = 6;
/// For how long it is left alone, in seconds.
const LEFT_ALONE_SECONDS: i64 = 30;

/// Waits between attempts. The program passes one that lets the thread rest; tests pass one that only counts.
pub trait Pause: Send + Sync + std::fmt::Debug {
    /// Waits.
    fn pause(&self, duration: Duration);
}

/// How long to wait before attempt `attempt` (from 1 for the first repetition): between half of the doubling wait and all
/// of it, by `random`, so that many who failed together do not come again together.
pub(crate) fn backoff(attempt: u32, random: u64) -> Duration {
    let whole = FIRST_BACKOFF_MS.saturating_mul(1 << attempt.saturating_sub(1).min(10));
    let half = whole / 2;
    Duration::from_millis(half + random % (whole - half + 1))
}

/// Leaves a service alone for a while that has failed many times in a row, so that nobody waits for what will not come.
#[derive(Debug, Default)]
pub(crate) struct Circuit(Mutex<CircuitState>);

#[derive(Debug, Default)]
struct CircuitState {
    failures: u32,
    closed_until: Option<Timestamp>,
}

impl Circuit {
    /// Whether the service may be asked. After the time is over one request decides how it goes on.
    pub(crate) fn permits(&self, now: Timestamp) -> bool {
        let state = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        state.closed_until.is_none_or(|until| now >= until)
    }

    /// Notes how a request went.
    pub(crate) fn note(&self, is_failure: bool, now: Timestamp) {
        let mut state = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if !is_failure {
            *state = CircuitState::default();
            return;
        }
        state.failures = state.failures.saturating_add(1);
        if state.failures >= FAILURES_MAX {
            let pause = Duration::from_secs(LEFT_ALONE_SECONDS.unsigned_abs());
            state.closed_until = now.checked_add(pause).ok();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    #[test]
    fn a_service_that_keeps_failing_is_left_alone_for_a_while() {
        let circuit = Circuit::default();
        for _ in 0..FAILURES_MAX {
            assert!(circuit.permits(at(0)));
            circuit.note(true, at(0));
        }
        assert!(!circuit.permits(at(0)) && !circuit.permits(at(LEFT_ALONE_SECONDS - 1)));
        assert!(circuit.permits(at(LEFT_ALONE_SECONDS)));
        circuit.note(true, at(LEFT_ALONE_SECONDS));
        assert!(!circuit.permits(at(LEFT_ALONE_SECONDS + 1)), "one more failure is enough now");
        circuit.note(false, at(100));
        circuit.note(true, at(100));
        assert!(circuit.permits(at(100)), "a success makes it begin anew");
    }

    proptest::proptest! {
        #[test]
        fn waits_grow_and_stay_within_bounds(attempt in 1_u32..40, random: u64) {
            let wait = backoff(attempt, random);
            let whole = Duration::from_millis(FIRST_BACKOFF_MS * (1 << (attempt - 1).min(10)));
            proptest::prop_assert!(wait >= whole / 2 && wait <= whole, "{wait:?} of {whole:?}");
        }
    }
}
