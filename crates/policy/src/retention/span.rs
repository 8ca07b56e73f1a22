//! Spans of time in the calendar's terms.

use jiff::civil::DateTime;
use jiff::tz::Offset;
use jiff::{Span, ToSpan};

use crate::edge::Timestamp;

/// The longest span a policy may name.
const YEARS_MAX: u64 = 200;
const MONTHS_PER_YEAR: u64 = 12;
const DAYS_PER_MONTH_FIXED: u32 = 30;
const DAYS_PER_WEEK: u64 = 7;
const HOURS_PER_DAY: i64 = 24;
const SECONDS_PER_HOUR: i64 = 3_600;

/// A span of whole months, days and hours, counted in UTC.
///
/// Months are the calendar's: one month after 31 January is the last day of February. Days have 24 hours, as days in
/// UTC do. Written `30 days`, `1 year 6 months` or `36 hours`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct RetentionSpan {
    months: u32,
    days: u32,
    hours: u32,
}

/// A text that is not a span of time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SpanError {
    /// Not of the form.
    #[error(
        "`{0}` is not a span of time. Write whole numbers with units, the largest first: `30 days`, `1 year 6 months`"
    )]
    Malformed(String),
    /// Nothing at all.
    #[error(
        "`{0}` is no time at all. A span is at least an hour; for an end without delay write `at`, as in `at deletion`"
    )]
    Zero(String),
    /// Longer than the language allows.
    #[error("`{0}` is longer than {YEARS_MAX} years. What is kept until something ends it needs no span")]
    TooLong(String),
}

impl RetentionSpan {
    /// No time: only for ends without delay.
    pub const ZERO: Self = Self { months: 0, days: 0, hours: 0 };

    /// This many days of 24 hours.
    pub const fn days(days: u32) -> Self {
        Self { months: 0, days, hours: 0 }
    }

    /// This many months of the calendar.
    pub const fn months(months: u32) -> Self {
        Self { months, days: 0, hours: 0 }
    }

    /// This many years of the calendar.
    pub const fn years(years: u32) -> Self {
        Self { months: years.saturating_mul(12), days: 0, hours: 0 }
    }

    /// The span with every month that is not part of a whole year counted as 30 days.
    #[must_use]
    pub const fn with_months_of_30_days(self) -> Self {
        let (years, months) = (self.months / 12, self.months % 12);
        let days = self.days.saturating_add(months * DAYS_PER_MONTH_FIXED);
        Self { months: years * 12, days, hours: self.hours }
    }

    /// Whether the span is no time at all.
    pub const fn is_zero(self) -> bool {
        self.months == 0 && self.days == 0 && self.hours == 0
    }

    /// Whether the span is shorter than a day.
    pub const fn is_shorter_than_a_day(self) -> bool {
        self.months == 0 && self.days == 0 && (self.hours as i64) < HOURS_PER_DAY
    }

    /// The instant this long after `start`. Past the end of the calendar (year 9999) it is the end of the calendar.
    pub fn after(self, start: Timestamp) -> Timestamp {
        let start = if self.months == 0 { start } else { months_after(start, self.months) };
        let hours = i64::from(self.days) * HOURS_PER_DAY + i64::from(self.hours);
        start.as_second().checked_add(hours * SECONDS_PER_HOUR).map_or(Timestamp::MAX, |second| {
            Timestamp::new(second, start.subsec_nanosecond()).unwrap_or(Timestamp::MAX)
        })
    }
}

/// The start of the day in UTC on which `instant` lies.
pub(crate) fn start_of_day(instant: Timestamp) -> Timestamp {
    const SECONDS_PER_DAY: i64 = HOURS_PER_DAY * SECONDS_PER_HOUR;
    // A fraction of a second before 1970 is negative; the floor of the nanoseconds is the floor of the day.
    let second = instant.as_second() - i64::from(instant.subsec_nanosecond() < 0);
    Timestamp::from_second(second.div_euclid(SECONDS_PER_DAY) * SECONDS_PER_DAY).unwrap_or(Timestamp::MIN)
}

fn months_after(start: Timestamp, months: u32) -> Timestamp {
    let civil: DateTime = Offset::UTC.to_datetime(start);
    let span: Option<Span> = 0.months().try_months(months).ok();
    span.and_then(|span| civil.checked_add(span).ok())
        .and_then(|civil| Offset::UTC.to_timestamp(civil).ok())
        .unwrap_or(Timestamp::MAX)
}

impl std::str::FromStr for RetentionSpan {
    type Err = SpanError;

    fn from_str(text: &str) -> Result<Self, SpanError> {
        let words: Vec<&str> = text.split(' ').collect();
        let malformed = || SpanError::Malformed(text.to_owned());
        let too_long = || SpanError::TooLong(text.to_owned());
        let (mut months, mut days, mut hours, mut rank) = (0_u64, 0_u64, 0_u64, 0_u8);
        for pair in words.chunks(2) {
            let [number, unit] = pair else { return Err(malformed()) };
            if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
                return Err(malformed());
            }
            let number: u64 = number.parse().map_err(|_| too_long())?;
            let number = number.min(u64::from(u32::MAX));
            let this_rank = match unit.strip_suffix('s').unwrap_or(unit) {
                "year" => (months += number * MONTHS_PER_YEAR, 1).1,
                "month" => (months += number, 2).1,
                "week" => (days += number * DAYS_PER_WEEK, 3).1,
                "day" => (days += number, 4).1,
                "hour" => (hours += number, 5).1,
                _ => return Err(malformed()),
            };
            if this_rank <= rank {
                return Err(malformed());
            }
            rank = this_rank;
        }
        let span_years = months / MONTHS_PER_YEAR + days / 365 + hours / (24 * 365);
        if span_years > YEARS_MAX {
            return Err(too_long());
        }
        let narrow = |count: u64| u32::try_from(count).map_err(|_| too_long());
        let span = Self { months: narrow(months)?, days: narrow(days)?, hours: narrow(hours)? };
        if span.is_zero() { Err(SpanError::Zero(text.to_owned())) } else { Ok(span) }
    }
}

impl std::fmt::Display for RetentionSpan {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let parts = [
            (self.months / 12, "year"),
            (self.months % 12, "month"),
            (self.days, "day"),
            (self.hours, "hour"),
        ];
        let mut gap = "";
        for (count, unit) in parts.into_iter().filter(|(count, _)| *count > 0) {
            write!(formatter, "{gap}{count} {unit}{}", if count == 1 { "" } else { "s" })?;
            gap = " ";
        }
        if self.is_zero() { formatter.write_str("no time") } else { Ok(()) }
    }
}

impl serde::Serialize for RetentionSpan {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for RetentionSpan {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_after(start: &str, span: &str, expect: &str) {
        let start: Timestamp = start.parse().unwrap();
        let span: RetentionSpan = span.parse().unwrap();
        assert_eq!(span.after(start).to_string(), expect);
    }

    #[test]
    fn months_clamp_and_years_know_leap_days() {
        check_after("2026-01-31T08:00:00Z", "1 month", "2026-02-28T08:00:00Z");
        check_after("2024-02-29T00:00:00Z", "1 year", "2025-02-28T00:00:00Z");
        check_after("2024-02-29T00:00:00Z", "4 years", "2028-02-29T00:00:00Z");
        check_after("2026-01-31T08:00:00Z", "30 days", "2026-03-02T08:00:00Z");
        check_after("2026-01-01T23:30:00.5Z", "1 month 1 hour", "2026-02-02T00:30:00.5Z");
        check_after("9999-12-01T00:00:00Z", "200 years", &Timestamp::MAX.to_string());
    }

    #[test]
    fn what_is_no_span_is_refused() {
        for text in [
            "",
            "30",
            "days 30",
            "-3 days",
            "3 fortnights",
            "1 month 1 year",
            "1.5 days",
            "1  day",
            "+3 days",
        ] {
            assert!(matches!(text.parse::<RetentionSpan>(), Err(SpanError::Malformed(_))), "{text}");
        }
        assert!(matches!("0 days".parse::<RetentionSpan>(), Err(SpanError::Zero(_))));
        assert!(matches!("201 years".parse::<RetentionSpan>(), Err(SpanError::TooLong(_))));
        assert!(matches!("99999999999999999999 days".parse::<RetentionSpan>(), Err(SpanError::TooLong(_))));
    }

    #[test]
    fn spans_read_back_as_written() {
        for text in ["30 days", "1 year 6 months", "1 month", "36 hours", "2 years"] {
            assert_eq!(text.parse::<RetentionSpan>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn fixed_months_have_30_days_and_years_stay() {
        let span: RetentionSpan = "1 year 2 months".parse().unwrap();
        assert_eq!(span.with_months_of_30_days().to_string(), "1 year 60 days");
    }

    #[test]
    fn days_start_at_midnight_before_1970_too() {
        for (instant, day) in [
            ("2026-05-05T00:00:00Z", "2026-05-05T00:00:00Z"),
            ("2026-05-05T23:59:59.9Z", "2026-05-05T00:00:00Z"),
            ("1969-12-31T23:59:59.9Z", "1969-12-31T00:00:00Z"),
        ] {
            assert_eq!(start_of_day(instant.parse().unwrap()).to_string(), day);
        }
    }
}
