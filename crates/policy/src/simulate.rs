//! A year of a policy over a census: how many bytes each ground keeps, day by day.

use serde::Serialize;

use crate::census::CensusRow;
use crate::edge::Timestamp;
use crate::ground::GroundKind;
use crate::retention::{ClockStart, End, Facts, Policy};

const SECONDS_PER_DAY: i64 = 86_400;

/// The longest simulation, in days.
const DAYS_MAX: u32 = 36_600;

/// Bytes kept at the start of each day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Simulation {
    /// The first day's start.
    pub from: Timestamp,
    /// For each ground its bytes, one number a day.
    pub grounds: Vec<(GroundKind, Vec<u64>)>,
    /// Bytes kept on any ground. Less than the sum, since a record on two grounds is stored once.
    pub total: Vec<u64>,
}

/// Walks `days` days from `from` over the census.
///
/// With `replay`, what was captured in the year before `from` is captured again a year later, with everything that
/// happened to it, so that the curve shows a service that goes on; without, it shows how the snapshot melts.
pub fn simulate(
    policy: &Policy,
    census: &[CensusRow],
    from: Timestamp,
    days: u32,
    replay: bool,
) -> Simulation {
    let days = days.clamp(1, DAYS_MAX);
    let mut grounds: Vec<(GroundKind, Curve)> =
        GroundKind::ALL.into_iter().map(|ground| (ground, Curve::new(from, days))).collect();
    let mut total = Curve::new(from, days);
    for row in census {
        add(policy, row, &row.facts, &mut grounds, &mut total);
        let shift_days = 365;
        let mut facts = row.facts;
        for _ in 0..DAYS_MAX / shift_days {
            let age = from.as_second() - row.facts.created_at.as_second();
            if !replay || age < 0 || age > i64::from(shift_days) * SECONDS_PER_DAY {
                break;
            }
            facts = shifted(&facts, shift_days);
            if total.day_of(facts.created_at) >= i64::from(days) {
                break;
            }
            add(policy, row, &facts, &mut grounds, &mut total);
        }
    }
    Simulation {
        from,
        grounds: grounds.into_iter().map(|(ground, curve)| (ground, curve.sums())).collect(),
        total: total.sums(),
    }
}

fn add(
    policy: &Policy,
    row: &CensusRow,
    facts: &Facts,
    grounds: &mut [(GroundKind, Curve)],
    total: &mut Curve,
) {
    let schedule = policy.schedule(row.situation, facts);
    let mut spans = Vec::new();
    for (ground, curve) in grounds.iter_mut() {
        let end = schedule.standing(*ground).end();
        if end == End::NotKept {
            continue;
        }
        let span = (curve.day_of(opened(*ground, facts)), curve.first_day_without(end));
        curve.add(span, row.bytes);
        spans.push(span);
    }
    spans.sort_unstable();
    // Grounds that overlap keep the bytes once.
    let mut covered_to = i64::MIN;
    for (start, end) in spans {
        if end > covered_to {
            total.add((start.max(covered_to), end), row.bytes);
            covered_to = end;
        }
    }
}

fn opened(ground: GroundKind, facts: &Facts) -> Timestamp {
    let event = match ground.opens_with() {
        Some(ClockStart::Flag) => facts.flagged_at,
        Some(ClockStart::Feedback) => facts.feedback_at,
        Some(ClockStart::CaseOpening) => facts.case_opened_at,
        _ => None,
    };
    event.unwrap_or(facts.created_at).max(facts.created_at)
}

fn shifted(facts: &Facts, days: u32) -> Facts {
    let later = |at: Timestamp| crate::RetentionSpan::days(days).after(at);
    Facts {
        created_at: later(facts.created_at),
        last_active_at: facts.last_active_at.map(later),
        deleted_at: facts.deleted_at.map(later),
        closed_at: facts.closed_at.map(later),
        flagged_at: facts.flagged_at.map(later),
        feedback_at: facts.feedback_at.map(later),
        case_opened_at: facts.case_opened_at.map(later),
        case_closed_at: facts.case_closed_at.map(later),
        erasure_requested_at: facts.erasure_requested_at.map(later),
        released_at: facts.released_at.map(later),
        release_ends_at: facts.release_ends_at.map(later),
        // A hold covers what was there when it was placed.
        held: false,
        custom: facts.custom,
    }
}

/// Sums of bytes over days, kept as changes so that adding a span costs the same whatever its length.
struct Curve {
    from: Timestamp,
    /// One more than the days: the last is the end.
    changes: Vec<i128>,
}

impl Curve {
    fn new(from: Timestamp, days: u32) -> Self {
        Self { from, changes: vec![0; usize::try_from(days).unwrap_or(0) + 1] }
    }

    /// The first day at whose start something that begins at `at` exists.
    fn day_of(&self, at: Timestamp) -> i64 {
        let seconds = at.as_second() - self.from.as_second();
        seconds.div_euclid(SECONDS_PER_DAY) + i64::from(seconds.rem_euclid(SECONDS_PER_DAY) != 0)
    }

    fn first_day_without(&self, end: End) -> i64 {
        match end {
            End::NotKept => i64::MIN,
            End::At(at) => self.day_of(at),
            End::Open => i64::MAX,
        }
    }

    fn add(&mut self, (start, end): (i64, i64), bytes: u64) {
        let last = i64::try_from(self.changes.len()).unwrap_or(i64::MAX) - 1;
        let (start, end) = (start.clamp(0, last), end.clamp(0, last));
        let bytes = i128::from(bytes);
        for (day, change) in [(start, bytes), (end, -bytes)] {
            if start < end
                && let Some(place) = usize::try_from(day).ok().and_then(|day| self.changes.get_mut(day))
            {
                *place += change;
            }
        }
    }

    fn sums(mut self) -> Vec<u64> {
        self.changes.pop();
        let mut sum = 0_i128;
        self.changes
            .into_iter()
            .map(|change| {
                sum += change;
                u64::try_from(sum).unwrap_or(u64::MAX)
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read_census;

    fn run(rows: &str, replay: bool) -> Simulation {
        let policy = Policy::built_in("consumer").unwrap();
        let from: Timestamp = "2026-01-11T00:00:00Z".parse().unwrap();
        simulate(&policy, &read_census(rows, from).unwrap(), from, 400, replay)
    }

    fn last_day(bytes: &[u64]) -> Option<usize> {
        bytes.iter().rposition(|bytes| *bytes > 0)
    }

    const ROW: &str = r#"{"plan":"free","tier":"restricted","class":"chat","created":"2026-01-10T09:00:00Z","people":1,"records":1,"bytes":100}"#;

    #[test]
    fn bytes_are_there_until_their_ground_ends() {
        let simulation = run(ROW, false);
        let of = |ground: GroundKind| &simulation.grounds[ground as usize].1;
        // The service ends 2026-02-09 09:00, the window 2026-02-10 00:00: at the start of the 9th both hold.
        assert_eq!(last_day(of(GroundKind::Service)), Some(29));
        assert_eq!(last_day(of(GroundKind::SafetyWindow)), Some(29));
        assert_eq!(last_day(of(GroundKind::Violation)), None);
        assert!(simulation.total[..30].iter().all(|bytes| *bytes == 100), "stored once");
        assert_eq!(last_day(&simulation.total), Some(29));
    }

    #[test]
    fn a_replay_captures_again_a_year_later() {
        let simulation = run(ROW, true);
        assert_eq!(simulation.total[363], 0);
        // Captured again on 2027-01-10 at 09:00: there at the start of the next day, day 365.
        assert_eq!((simulation.total[364], simulation.total[365]), (0, 100));
    }

    #[test]
    fn a_hold_keeps_to_the_end() {
        let held = ROW.replace("\"people\"", "\"held\":true,\"people\"");
        assert!(run(&held, false).total.iter().all(|bytes| *bytes == 100));
    }
}
