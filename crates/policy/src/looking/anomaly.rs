//! What is unusual about somebody's looking.

use super::limits::AccessBounds;
use crate::edge::Timestamp;
use crate::named::named;

named! {
    /// What is unusual.
    AnomalyKind, "something unusual" {
        /// More records than anybody should need, or than this person usually does.
        Volume = "volume",
        /// Outside of the working hours.
        Hour = "hour",
        /// Outside of the case, hold, conversation or records that the session is about.
        OffMatter = "off-matter",
    }
}

/// Something unusual.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Anomaly {
    /// What.
    pub kind: AnomalyKind,
    /// Whether the session stops. Else its administrators are told.
    pub stops: bool,
}

/// What is known of somebody's looking when they look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Habits<'a> {
    /// When.
    pub now: Timestamp,
    /// Records opened within the last day, with those of this look.
    pub today: u64,
    /// Records opened on each of the thirty days before, days without looks left out.
    pub days: &'a [u64],
    /// Attempts to look outside of what the session is about, this one included.
    pub strays: u32,
}

/// What is unusual about a look, by fixed bounds and by what the person usually does.
pub fn anomalies(habits: &Habits<'_>, bounds: &AccessBounds) -> Vec<Anomaly> {
    let mut found = Vec::new();
    if let Some(stops) = unusual_volume(habits, bounds) {
        found.push(Anomaly { kind: AnomalyKind::Volume, stops });
    }
    if habits.strays > 0 {
        found.push(Anomaly { kind: AnomalyKind::OffMatter, stops: habits.strays >= bounds.strays_stop });
    }
    if bounds.hours.as_ref().is_some_and(|hours| !hours.contain(habits.now)) {
        // An emergency may come at night: nobody is stopped for the hour alone.
        found.push(Anomaly { kind: AnomalyKind::Hour, stops: false });
    }
    found
}

/// Whether the day's volume is unusual, and if so whether it stops.
fn unusual_volume(habits: &Habits<'_>, bounds: &AccessBounds) -> Option<bool> {
    let today = habits.today;
    let usual = usual_day(habits.days, bounds.usual_days_min).filter(|_| today >= bounds.usual_records_min);
    let beyond = |fixed: u64, times: u64| {
        today >= fixed || usual.is_some_and(|usual| today >= usual.max(1).saturating_mul(times))
    };
    if beyond(bounds.stop_records_per_day, bounds.stop_times_usual) {
        return Some(true);
    }
    beyond(bounds.alert_records_per_day, bounds.alert_times_usual).then_some(false)
}

/// The usual day is the middle one, so that one day of excess does not make the next one usual.
fn usual_day(days: &[u64], least: usize) -> Option<u64> {
    if days.len() < least.max(1) {
        return None;
    }
    let mut sorted = days.to_vec();
    sorted.sort_unstable();
    sorted.get(sorted.len() / 2).copied()
}
