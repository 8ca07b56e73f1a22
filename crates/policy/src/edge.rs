//! How time and randomness enter: as arguments.

pub use jiff::Timestamp;

/// Where the current time comes from. The program passes the system's clock, tests pass a simulated one.
pub trait Clock: Send + Sync {
    /// The current instant, in UTC.
    fn now(&self) -> Timestamp;
}

/// The source of randomness failed. Nothing may be sealed or identified without it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the system's source of randomness failed; nothing was stored")]
pub struct RandomnessUnavailable;

/// Where random bytes come from. The program passes the operating system's generator, simulations a seeded one.
pub trait Randomness: Send + Sync {
    /// Fills `bytes` with random bytes fit for keys.
    ///
    /// # Errors
    /// When the source fails; the contents of `bytes` are then unspecified and must not be used.
    fn fill(&self, bytes: &mut [u8]) -> Result<(), RandomnessUnavailable>;
}
