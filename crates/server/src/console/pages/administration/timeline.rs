//! The clock of a request, drawn: when it arrived, by when its arrival is confirmed, when it is due, until when it can be extended.

use fiducia_custody::RequestDetail;
use fiducia_policy::Timestamp;

/// The drawing's width and the room at each end, in its own units.
pub(super) const WIDTH: i64 = 600;
const MARGIN: i64 = 12;

/// A point in time with its place in the drawing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Point {
    /// What it is: a name among the texts, `admin-clock-…`.
    pub(super) name: &'static str,
    pub(super) at: Timestamp,
    /// From the left, in the drawing's units.
    pub(super) x: i64,
    /// Whether it lies in the past.
    pub(super) is_past: bool,
}

/// The points of a request's clock, the earliest first.
pub(super) fn points(detail: &RequestDetail, now: Timestamp) -> Vec<Point> {
    let row = &detail.row;
    let mut named: Vec<(&'static str, Timestamp)> = vec![("received", row.received_at)];
    named.extend(row.confirm_by.map(|at| ("confirm", at)));
    named.push(("due", row.due));
    named.extend(detail.extensible_to.map(|at| ("extension", at)));
    named.push(row.closed_at.map_or(("now", now), |at| ("closed", at)));
    named.sort_by_key(|(_, at)| *at);
    let seconds = |at: Timestamp| at.as_second();
    let first = named.first().map_or(0, |(_, at)| seconds(*at));
    let last = named.last().map_or(0, |(_, at)| seconds(*at));
    let length = last.saturating_sub(first).max(1);
    let place = |at: Timestamp| {
        let share = seconds(at).saturating_sub(first).saturating_mul(WIDTH - 2 * MARGIN);
        MARGIN + share.checked_div(length).unwrap_or(0)
    };
    named.into_iter().map(|(name, at)| Point { name, at, x: place(at), is_past: at <= now }).collect()
}

/// Whole days between now and when something is due, and whether that is over.
pub(super) fn days_left(due: Timestamp, now: Timestamp) -> (i64, bool) {
    let seconds = due.as_second().saturating_sub(now.as_second());
    (seconds.saturating_abs() / 86_400, seconds <= 0)
}

#[cfg(test)]
mod tests {
    use fiducia_custody::RequestRow;
    use fiducia_policy::{OrganizationId, Regime, RequestKind, RequestState, RightsRequestId};

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn points_stand_in_the_order_of_time_and_within_the_drawing() {
        let detail = RequestDetail {
            row: RequestRow {
                id: RightsRequestId::from_bytes([1; 16]),
                organization: OrganizationId::from_bytes([1; 16]),
                subject: None,
                kind: RequestKind::Access,
                regimes: vec![Regime::Ccpa],
                state: RequestState::Received,
                received_at: at("2026-01-01T00:00:00Z"),
                confirm_by: Some(at("2026-01-16T00:00:00Z")),
                due: at("2026-02-15T00:00:00Z"),
                decided_by: Regime::Ccpa,
                is_overdue: false,
                is_identified: false,
                closed_at: None,
                by_agent: false,
            },
            extensible_to: Some(at("2026-04-01T00:00:00Z")),
            agent: None,
            target: None,
            has_statement: false,
            steps: Vec::new(),
            routes: Vec::new(),
            obstacles: Vec::new(),
            files: Vec::new(),
            report: None,
        };
        let points = points(&detail, at("2026-01-20T00:00:00Z"));
        let names: Vec<_> = points.iter().map(|point| point.name).collect();
        assert_eq!(names, ["received", "confirm", "now", "due", "extension"]);
        assert!(points.windows(2).all(|pair| pair[0].x <= pair[1].x));
        assert_eq!((points[0].x, points[4].x), (MARGIN, WIDTH - MARGIN));
        assert_eq!(days_left(at("2026-02-15T00:00:00Z"), at("2026-01-20T00:00:00Z")), (26, false));
        assert_eq!(days_left(at("2026-01-01T00:00:00Z"), at("2026-01-03T12:00:00Z")), (2, true));
    }
}
