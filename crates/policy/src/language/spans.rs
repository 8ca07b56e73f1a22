//! Which of two spans is longer: a question about every day on which they may start.

use std::ops::Range;

use super::document::MonthLength;
use crate::edge::Timestamp;
use crate::retention::{ClaimProgram, RetentionSpan, TermSpan};

/// Days since 1970 of 2026-01-01 and 2110-01-01: every order of months and leap years, and 2100, which has no leap day.
const DAYS: Range<i64> = 20_454..51_134;
const SECONDS_PER_DAY: i64 = 86_400;

/// The first start from which `one` ends later than `other`: a first of a month where there is one, because those are
/// easier to follow.
pub(crate) fn first_excess(one: RetentionSpan, other: RetentionSpan) -> Option<Timestamp> {
    let exceeds = |start: &Timestamp| one.after(*start) > other.after(*start);
    if one == other {
        return None;
    }
    let days = || DAYS.filter_map(|day| Timestamp::from_second(day * SECONDS_PER_DAY).ok());
    let first_of_month = |start: &Timestamp| jiff::tz::Offset::UTC.to_datetime(*start).day() == 1;
    days().take(4 * 366).filter(first_of_month).find(exceeds).or_else(|| days().find(exceeds))
}

/// A claim's span with its months counted as the rule says; `None` when it is agreed elsewhere.
pub(crate) fn span_of(claim: &ClaimProgram) -> Option<RetentionSpan> {
    match (claim.span, claim.months) {
        (TermSpan::Agreed, _) => None,
        (TermSpan::Fixed(span), MonthLength::Calendar) => Some(span),
        (TermSpan::Fixed(span), MonthLength::ThirtyDays) => Some(span.with_months_of_30_days()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(one: &str, other: &str, expect: Option<&str>) {
        let first = first_excess(one.parse().unwrap(), other.parse().unwrap());
        assert_eq!(first.map(|start| start.to_string()).as_deref(), expect, "{one} and {other}");
    }

    #[test]
    fn the_first_start_that_breaks_is_found() {
        check("30 days", "1 month", Some("2026-02-01T00:00:00Z"));
        check("28 days", "1 month", None);
        check("365 days", "1 year", None);
        check("366 days", "1 year", Some("2026-01-01T00:00:00Z"));
        check("1 year", "365 days", Some("2027-03-01T00:00:00Z"));
        check("1826 days", "5 years", Some("2096-02-29T00:00:00Z"));
        check("2 years", "2 years", None);
    }
}
