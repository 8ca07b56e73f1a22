//! The clocks: spans in calendar months, days and business days, counted in the law's own time zone.

use std::fmt;
use std::str::FromStr;

use jiff::ToSpan;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::calendar::{BusinessCalendar, is_in_range};
use super::kind::{Regime, RequestKind};
use super::terms::RightsTerms;
use crate::edge::Timestamp;

/// The longest span of a clock, in its own unit.
const SPAN_MAX: u32 = 1_000;

/// How long something may take: `1 month`, `45 days` or `10 business days`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ClockSpan {
    /// Calendar months: to the same day of a later month, or its last.
    Months(u32),
    /// Calendar days.
    Days(u32),
    /// Days on which people work.
    BusinessDays(u32),
}

/// A text that is not a span of a clock.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no span of a clock. Write 1 to {SPAN_MAX} with a unit: `1 month`, `45 days`, `10 business days`"
)]
pub struct ClockSpanError(String);

impl FromStr for ClockSpan {
    type Err = ClockSpanError;

    fn from_str(text: &str) -> Result<Self, ClockSpanError> {
        let refused = || ClockSpanError(text.to_owned());
        let (number, unit) = text.split_once(' ').ok_or_else(refused)?;
        let is_plain = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        let count: u32 = if is_plain { number.parse().map_err(|_| refused())? } else { 0 };
        if !(1..=SPAN_MAX).contains(&count) {
            return Err(refused());
        }
        match unit.strip_suffix('s').unwrap_or(unit) {
            "month" => Ok(Self::Months(count)),
            "day" => Ok(Self::Days(count)),
            "business day" => Ok(Self::BusinessDays(count)),
            _ => Err(refused()),
        }
    }
}

impl fmt::Display for ClockSpan {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (count, unit) = match self {
            Self::Months(count) => (count, "month"),
            Self::Days(count) => (count, "day"),
            Self::BusinessDays(count) => (count, "business day"),
        };
        write!(formatter, "{count} {unit}{}", if *count == 1 { "" } else { "s" })
    }
}

impl serde::Serialize for ClockSpan {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for ClockSpan {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// A time zone as a POSIX rule, as in `CET-1CEST,M3.5.0,M10.5.0/3`: the rule is the whole truth, so that a deadline does not
/// depend on which database of time zones a machine has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClockZone {
    rule: String,
    zone: TimeZone,
}

/// A text that is not a time zone's rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no POSIX rule of a time zone. Write `UTC0`, `CST-8` or, with summer time, `CET-1CEST,M3.5.0,M10.5.0/3`"
)]
pub struct ClockZoneError(String);

impl FromStr for ClockZone {
    type Err = ClockZoneError;

    fn from_str(text: &str) -> Result<Self, ClockZoneError> {
        let refused = || ClockZoneError(text.to_owned());
        if text.len() > 64 || !text.is_ascii() {
            return Err(refused());
        }
        let zone = TimeZone::posix(text).map_err(|_| refused())?;
        Ok(Self { rule: text.to_owned(), zone })
    }
}

impl fmt::Display for ClockZone {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.rule)
    }
}

impl ClockZone {
    pub(crate) fn of_rule(rule: &'static str) -> Self {
        let zone = TimeZone::posix(rule).unwrap_or(TimeZone::UTC);
        Self { rule: rule.to_owned(), zone }
    }

    /// The day in this zone.
    pub fn day_of(&self, at: Timestamp) -> Date {
        at.to_zoned(self.zone.clone()).date()
    }

    /// The weekday and the full hour, 0 to 23, in this zone.
    pub(crate) fn hour_of(&self, at: Timestamp) -> (jiff::civil::Weekday, u8) {
        let there = at.to_zoned(self.zone.clone());
        (there.weekday(), u8::try_from(there.hour()).unwrap_or(0))
    }

    /// The first instant after a day.
    fn end_of(&self, day: Date) -> Option<Timestamp> {
        Some(day.tomorrow().ok()?.to_zoned(self.zone.clone()).ok()?.timestamp())
    }
}

/// The clocks of one law.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClockRules {
    /// By when the arrival of a request must be confirmed.
    pub confirm: Option<ClockSpan>,
    /// By when it must be answered.
    pub answer: ClockSpan,
    /// By how much that may be put off, once, if the person is told with reasons before it is over.
    pub extension: Option<ClockSpan>,
    /// By when an opt-out must be acted on, where that differs.
    pub opt_out: Option<ClockSpan>,
    /// By when a complaint must be answered.
    pub complaint: ClockSpan,
}

/// The first instant after a span that began with what happened at `from`. The day of that does not count, and the last day
/// counts to its end, in the zone's time. `None` where the calendar ends.
pub fn end_of_span(
    span: ClockSpan,
    from: Timestamp,
    zone: &ClockZone,
    calendar: &BusinessCalendar,
) -> Option<Timestamp> {
    zone.end_of(last_day(span, zone.day_of(from), calendar)?)
}

fn last_day(span: ClockSpan, first: Date, calendar: &BusinessCalendar) -> Option<Date> {
    let last = match span {
        ClockSpan::Months(count) => first.checked_add(i64::from(count).months()).ok()?,
        ClockSpan::Days(count) => first.checked_add(i64::from(count).days()).ok()?,
        ClockSpan::BusinessDays(count) => calendar.business_days_after(first, count)?,
    };
    is_in_range(last).then_some(last)
}

/// When the clocks of a request run out: the first instant at which it is too late.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct DueDates {
    /// By when its arrival must be confirmed, and by which law; `None` where no law asks for that.
    pub confirm: Option<(Timestamp, Regime)>,
    /// By when it must be answered, and by which law.
    pub answer: (Timestamp, Regime),
    /// By when it must be answered once it was extended. The same as `answer` where some law permits no extension.
    pub extended: (Timestamp, Regime),
}

/// The clocks of a request that several laws may apply to: the earliest counts. `None` when no regime is named, or it
/// arrived outside of the years that calendars know.
pub fn due_dates(
    terms: &RightsTerms,
    kind: RequestKind,
    regimes: &[Regime],
    received_at: Timestamp,
) -> Option<DueDates> {
    let mut earliest: Option<DueDates> = None;
    for regime in regimes {
        let of_one = due_under(terms, kind, *regime, received_at)?;
        earliest = Some(match earliest {
            None => of_one,
            Some(found) => DueDates {
                confirm: match (found.confirm, of_one.confirm) {
                    (Some(one), Some(other)) => Some(one.min(other)),
                    (one, other) => one.or(other),
                },
                answer: found.answer.min(of_one.answer),
                extended: found.extended.min(of_one.extended),
            },
        });
    }
    earliest
}

fn due_under(
    terms: &RightsTerms,
    kind: RequestKind,
    regime: Regime,
    received_at: Timestamp,
) -> Option<DueDates> {
    let law = terms.regime(regime);
    let rules = &law.rules;
    let first = law.zone.day_of(received_at);
    let end = |day: Date| law.zone.end_of(day);
    let confirm = match rules.confirm {
        Some(span) => Some((end(last_day(span, first, &law.calendar)?)?, regime)),
        None => None,
    };
    let (span, extension) = match kind {
        RequestKind::Complaint => (rules.complaint, None),
        RequestKind::OptOut => match rules.opt_out {
            // What must be acted on in days cannot be put off.
            Some(span) => (span, None),
            None => (rules.answer, rules.extension),
        },
        _ => (rules.answer, rules.extension),
    };
    let answer = last_day(span, first, &law.calendar)?;
    let extended = match (span, extension) {
        (_, None) => answer,
        // Months are added to the day of arrival, so that a clamped month is not clamped again.
        (ClockSpan::Months(first_part), Some(ClockSpan::Months(more))) => {
            last_day(ClockSpan::Months(first_part.saturating_add(more)), first, &law.calendar)?
        }
        (_, Some(more)) => last_day(more, answer, &law.calendar)?,
    };
    Some(DueDates { confirm, answer: (end(answer)?, regime), extended: (end(extended)?, regime) })
}
