//! What reading waits for while witnesses are away.
//!
//! A log that only its owner keeps can be rewritten by its owner. So an installation may rule that nobody reads what no witness
//! has confirmed: a reader waits until a quorum has cosigned the entry, or nobody reads while the quorum is away. Whoever asks the
//! witnesses tells the gate what became of it; the scribe asks the gate around each access.

use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use fiducia_policy::{OrganizationId, Timestamp};
use tokio::sync::Notify;

/// How often a reader who waits asks for another round of the witnesses.
const ASK_INTERVAL: Duration = Duration::from_millis(500);

/// What happens to people's reading while fewer witnesses than the quorum cosign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhenShort {
    /// The key is released once the quorum has cosigned the access's entry; after this time it is refused.
    Wait(Duration),
    /// Reading goes on, and what is not witnessed is counted.
    Mark,
    /// Nobody reads until the quorum is back.
    Refuse,
}

impl WhenShort {
    /// Its name in the configuration.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Wait(_) => "wait",
            Self::Mark => "mark",
            Self::Refuse => "refuse",
        }
    }
}

/// How far witnesses have come with one log.
#[derive(Debug, Clone, Copy, Default)]
struct Standing {
    /// Entries when they were asked last.
    size: u64,
    /// Entries that a quorum cosigned.
    witnessed: u64,
    /// Whether the last round reached the quorum.
    is_whole: bool,
    /// Since when there are entries that no quorum cosigned, as far as rounds saw.
    short_since: Option<Timestamp>,
}

/// Entries that no quorum of witnesses has cosigned, when they were asked last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Unwitnessed {
    /// How many, in all logs.
    pub entries: u64,
    /// Since when there are some.
    pub since: Option<Timestamp>,
}

/// The gate between an access's entry and its key. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct WitnessGate(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    rule: Mutex<Option<WhenShort>>,
    standings: Mutex<HashMap<OrganizationId, Standing>>,
    changed: Condvar,
    wanted: Notify,
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl WitnessGate {
    /// From now on this rule holds. Without one nobody is held up.
    pub fn require(&self, rule: WhenShort) {
        *held(&self.0.rule) = Some(rule);
    }

    /// Tells what became of a log's checkpoint of this size.
    pub fn found(&self, organization: OrganizationId, size: u64, is_witnessed: bool, now: Timestamp) {
        let mut standings = held(&self.0.standings);
        let standing = standings.entry(organization).or_default();
        standing.size = size;
        standing.is_whole = is_witnessed;
        if is_witnessed {
            standing.witnessed = standing.witnessed.max(size);
        }
        standing.short_since =
            if standing.witnessed < size { standing.short_since.or(Some(now)) } else { None };
        drop(standings);
        self.0.changed.notify_all();
    }

    /// Comes when a reader waits for witnesses.
    pub async fn wanted(&self) {
        self.0.wanted.notified().await;
    }

    /// What no quorum has cosigned.
    pub fn unwitnessed(&self) -> Unwitnessed {
        let standings = held(&self.0.standings);
        Unwitnessed {
            entries: standings
                .values()
                .map(|standing| standing.size.saturating_sub(standing.witnessed))
                .sum(),
            since: standings.values().filter_map(|standing| standing.short_since).min(),
        }
    }

    /// Before an access is logged: whether its reader is turned away at once.
    ///
    /// # Errors
    /// Why, for the reader.
    pub(crate) fn admit(&self, organization: OrganizationId) -> Result<(), String> {
        if *held(&self.0.rule) != Some(WhenShort::Refuse) {
            return Ok(());
        }
        if held(&self.0.standings).get(&organization).is_some_and(|standing| standing.is_whole) {
            return Ok(());
        }
        self.0.wanted.notify_one();
        Err("too few witnesses have cosigned this log's last checkpoint, and the configuration rules that nobody reads until they \
             have (witnesses.when_short). Nothing was logged. Witnesses are asked by `fiducia serve`; try again in a moment, and \
             look at `fiducia ledger status`"
            .to_owned())
    }

    /// Whether readers wait for their entries to be cosigned.
    pub(crate) fn waits(&self) -> bool {
        matches!(*held(&self.0.rule), Some(WhenShort::Wait(_)))
    }

    /// After an access is logged as this entry: waits until a quorum has cosigned it, where that is the rule.
    ///
    /// # Errors
    /// When the time was over first. The entry stays, and says more than happened.
    pub(crate) fn confirm(&self, organization: OrganizationId, index: u64) -> Result<(), String> {
        let Some(WhenShort::Wait(longest)) = *held(&self.0.rule) else { return Ok(()) };
        let began = Instant::now();
        let mut standings = held(&self.0.standings);
        loop {
            if standings.get(&organization).is_some_and(|standing| standing.witnessed > index) {
                return Ok(());
            }
            let left = longest.saturating_sub(began.elapsed());
            if left.is_zero() {
                return Err(format!(
                    "too few witnesses cosigned the entry within {} s, and the configuration rules that a reader waits for them \
                     (witnesses.when_short). The entry {index} stays in the log, although nothing was read. Witnesses are asked by \
                     `fiducia serve`; try again when they are back, and look at `fiducia ledger status`",
                    longest.as_secs_f32()
                ));
            }
            self.0.wanted.notify_one();
            let waited = self.0.changed.wait_timeout(standings, left.min(ASK_INTERVAL));
            standings = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: OrganizationId = OrganizationId::from_bytes([1; 16]);
    const OTHER: OrganizationId = OrganizationId::from_bytes([2; 16]);

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn without_a_rule_and_with_marks_nobody_is_held_up() {
        let gate = WitnessGate::default();
        assert!(gate.admit(ONE).is_ok() && gate.confirm(ONE, 7).is_ok());
        gate.require(WhenShort::Mark);
        gate.found(ONE, 5, false, at(10));
        assert!(gate.admit(ONE).is_ok() && gate.confirm(ONE, 7).is_ok());
    }

    #[test]
    fn refusing_lasts_until_the_quorum_is_there_and_begins_when_it_is_gone() {
        let gate = WitnessGate::default();
        gate.require(WhenShort::Refuse);
        assert!(gate.admit(ONE).is_err(), "nobody was asked yet");
        gate.found(ONE, 5, true, at(10));
        assert!(gate.admit(ONE).is_ok());
        assert!(gate.admit(OTHER).is_err(), "another log has a quorum of its own");
        gate.found(ONE, 6, false, at(20));
        assert!(gate.admit(ONE).is_err());
    }

    #[test]
    fn waiting_ends_with_the_entry_cosigned_or_with_the_time() {
        let gate = WitnessGate::default();
        gate.require(WhenShort::Wait(Duration::ZERO));
        assert!(gate.confirm(ONE, 4).unwrap_err().contains("entry 4 stays"));
        gate.found(ONE, 5, true, at(10));
        assert!(gate.confirm(ONE, 4).is_ok(), "the fifth entry lies under a checkpoint of five");
        assert!(gate.confirm(ONE, 5).is_err());
        gate.require(WhenShort::Wait(Duration::from_mins(1)));
        let other = gate.clone();
        let reader = std::thread::spawn(move || other.confirm(ONE, 5));
        gate.found(ONE, 6, true, at(20));
        assert!(reader.join().unwrap().is_ok());
    }

    #[test]
    fn what_is_not_witnessed_is_counted_from_when_it_was_first_seen() {
        let gate = WitnessGate::default();
        gate.found(ONE, 5, true, at(10));
        assert_eq!(gate.unwitnessed(), Unwitnessed::default());
        gate.found(ONE, 9, false, at(20));
        gate.found(ONE, 12, false, at(30));
        gate.found(OTHER, 2, false, at(40));
        assert_eq!(gate.unwitnessed(), Unwitnessed { entries: 9, since: Some(at(20)) });
        gate.found(ONE, 12, true, at(50));
        assert_eq!(gate.unwitnessed(), Unwitnessed { entries: 2, since: Some(at(40)) });
    }
}
