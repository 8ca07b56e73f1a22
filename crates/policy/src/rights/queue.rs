//! In which order open requests are worked on.
//!
//! The earliest due date comes first: if any order serves everyone in time, that one does. A person on a paid plan is then
//! moved forward past others as long as each of those still is served in time.

use crate::edge::Timestamp;

const SECONDS_PER_HOUR: i64 = 3_600;

/// An open request in the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueEntry {
    /// Its place in the list that was given.
    pub place: usize,
    /// The first instant at which an answer is too late.
    pub due: Timestamp,
    /// When it arrived.
    pub received_at: Timestamp,
    /// Whether the person is on a paid plan.
    pub is_paid: bool,
}

/// The order in which to serve, one after the other, each taking `hours_each`.
///
/// INVARIANT: whoever is served in time when the earliest due date comes first is served in time in this order too.
pub fn queue_order(
    mut entries: Vec<QueueEntry>,
    now: Timestamp,
    hours_each: u32,
    is_paid_first: bool,
) -> Vec<QueueEntry> {
    entries.sort_by_key(|entry| (entry.due, entry.received_at, entry.place));
    if !is_paid_first {
        return entries;
    }
    let seconds_each = i64::from(hours_each.max(1)).saturating_mul(SECONDS_PER_HOUR);
    // How many places later somebody may come and still be served in time; below zero for whoever is late anyway.
    let slack = |place: usize, due: Timestamp| {
        let places = i64::try_from(place).unwrap_or(i64::MAX).saturating_add(1);
        let done = now.as_second().saturating_add(places.saturating_mul(seconds_each));
        // Done at that instant is too late already.
        due.as_second().saturating_sub(done).saturating_sub(1).div_euclid(seconds_each)
    };
    for from in 0..entries.len() {
        let mut place = from;
        while let Some(before) = place.checked_sub(1) {
            let (Some(earlier), Some(moving)) = (entries.get(before), entries.get(place)) else { break };
            if !moving.is_paid || earlier.is_paid || slack(before, earlier.due) < 1 {
                break;
            }
            entries.swap(before, place);
            place = before;
        }
    }
    entries
}
