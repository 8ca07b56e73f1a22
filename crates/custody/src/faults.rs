//! Faults that harnesses plant, to show that they would catch them, and the points at which they cut the program off.
//! Compiled in only with the feature `fault-injection`, which no release has.

/// Whether the environment plants this fault.
pub(crate) fn is_planted(name: &str) -> bool {
    cfg!(feature = "fault-injection")
        && std::env::var_os("FIDUCIA_FAULT").is_some_and(|planted| planted == name)
}

/// Makes the time between a false acknowledgement and its commit long, so that a kill at any moment falls into it.
#[cfg(feature = "fault-injection")]
#[expect(clippy::disallowed_methods, reason = "a planted fault may sleep; no release has it")]
pub(crate) fn linger() {
    std::thread::sleep(std::time::Duration::from_millis(20));
}

/// Without the feature nothing lingers.
#[cfg(not(feature = "fault-injection"))]
pub(crate) const fn linger() {}

/// A point between two durable steps. `FIDUCIA_FAULT=abort-at:POINT:N` ends the process, as `kill -9` would, when the
/// point is reached for the Nth time.
#[cfg(feature = "fault-injection")]
pub(crate) fn reached(point: &str) {
    use std::sync::atomic::{AtomicU64, Ordering};
    static TIMES: AtomicU64 = AtomicU64::new(0);
    let Some(planted) = std::env::var_os("FIDUCIA_FAULT") else { return };
    let planted = planted.to_string_lossy();
    let Some((name, count)) = planted.strip_prefix("abort-at:").and_then(|rest| rest.rsplit_once(':')) else {
        return;
    };
    if name == point && count.parse() == Ok(TIMES.fetch_add(1, Ordering::SeqCst) + 1) {
        std::process::abort();
    }
}

/// Without the feature there are no such points.
#[cfg(not(feature = "fault-injection"))]
pub(crate) const fn reached(_point: &str) {}
