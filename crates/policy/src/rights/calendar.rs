//! Which days are business days.
//!
//! A calendar that knows fewer holidays than there are counts too many business days, so that its clocks end earlier than
//! the law's, never later. What nobody wrote down therefore makes nobody late.

use jiff::ToSpan;
use jiff::civil::{Date, Weekday, date};

use crate::named::named;

/// Most holidays that one calendar lists beside its table.
pub(crate) const HOLIDAYS_MAX: usize = 2_000;
/// Days looked at for one business day; no calendar has so many days off in a row.
const SEARCH_DAYS_MAX: u32 = 60;

named! {
    /// Holidays that can be computed for any year.
    HolidayTable, "a table of holidays" {
        /// None: weekends only.
        None = "none",
        /// Federal holidays of the United States (5 U.S.C. 6103), moved from Saturday to Friday and from Sunday to Monday.
        UsFederal = "us-federal",
        /// The days on which the institutions of the European Union and most of its members rest: 1 January, Easter Monday,
        /// 1 May, 25 and 26 December.
        EuCommon = "eu-common",
        /// National holidays of Brazil with a fixed date (laws 662/1949, 6.802/1980, 14.759/2023), and Good Friday.
        Brazil = "brazil",
        /// Statutory holidays of Canada's federal sphere.
        Canada = "canada",
        /// Statutory holidays of China that follow the solar calendar: 1 January, 1 and 2 May, 1 to 3 October. Those that
        /// follow the moon, and the weekends that are worked in exchange, are published year by year: list them.
        ChinaSolar = "china-solar",
    }
}

/// Weekends and holidays of one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BusinessCalendar {
    table: HolidayTable,
    weekend: Vec<Weekday>,
    /// Sorted.
    holidays: Vec<Date>,
}

impl BusinessCalendar {
    /// A calendar whose weekend is Saturday and Sunday.
    pub const fn new(table: HolidayTable) -> Self {
        Self { table, weekend: Vec::new(), holidays: Vec::new() }
    }

    /// The calendar with these days of the week off. None at all means Saturday and Sunday.
    #[must_use]
    pub fn with_weekend(mut self, weekend: Vec<Weekday>) -> Self {
        self.weekend = weekend;
        self
    }

    /// The calendar with further holidays.
    #[must_use]
    pub fn with_holidays(mut self, holidays: impl IntoIterator<Item = Date>) -> Self {
        self.holidays.extend(holidays);
        self.holidays.sort_unstable();
        self.holidays.dedup();
        self
    }

    /// Whether people work on this day.
    pub fn is_business_day(&self, day: Date) -> bool {
        !self.is_weekend(day.weekday())
            && self.holidays.binary_search(&day).is_err()
            && !is_holiday(self.table, day)
    }

    fn is_weekend(&self, weekday: Weekday) -> bool {
        if self.weekend.is_empty() {
            return matches!(weekday, Weekday::Saturday | Weekday::Sunday);
        }
        self.weekend.contains(&weekday)
    }

    /// The last of `count` business days after `day`, which itself does not count. `None` beyond the calendar's range, or
    /// where no business day comes for two months.
    pub fn business_days_after(&self, day: Date, count: u32) -> Option<Date> {
        let mut day = day;
        for _ in 0..count {
            day = self.next_business_day(day)?;
        }
        Some(day)
    }

    fn next_business_day(&self, after: Date) -> Option<Date> {
        let mut day = after;
        for _ in 0..SEARCH_DAYS_MAX {
            day = day.tomorrow().ok()?;
            if self.is_business_day(day) {
                return Some(day);
            }
        }
        None
    }
}

fn is_holiday(table: HolidayTable, day: Date) -> bool {
    match table {
        HolidayTable::None => false,
        HolidayTable::UsFederal => us_federal(day),
        HolidayTable::EuCommon => {
            is_one_of(day, &[(1, 1), (5, 1), (12, 25), (12, 26)]) || Some(day) == easter(day.year(), 1)
        }
        HolidayTable::Brazil => {
            let fixed = [(1, 1), (4, 21), (5, 1), (9, 7), (10, 12), (11, 2), (11, 15), (11, 20), (12, 25)];
            is_one_of(day, &fixed) || Some(day) == easter(day.year(), -2)
        }
        HolidayTable::Canada => canada(day),
        HolidayTable::ChinaSolar => is_one_of(day, &[(1, 1), (5, 1), (5, 2), (10, 1), (10, 2), (10, 3)]),
    }
}

fn is_one_of(day: Date, fixed: &[(i8, i8)]) -> bool {
    fixed.contains(&(day.month(), day.day()))
}

fn us_federal(day: Date) -> bool {
    let moved = |on: Date| match on.weekday() {
        Weekday::Saturday => on.yesterday().ok(),
        Weekday::Sunday => on.tomorrow().ok(),
        _ => Some(on),
    };
    // 1 January of the next year may be observed on the last day of this one.
    let fixed = [(0, 1, 1), (1, 1, 1), (0, 6, 19), (0, 7, 4), (0, 11, 11), (0, 12, 25)];
    let is_fixed = fixed.iter().any(|(later, month, on)| {
        Date::new(day.year().saturating_add(*later), *month, *on).ok().and_then(moved) == Some(day)
    });
    is_fixed
        || is_nth(day, 1, Weekday::Monday, 3)
        || is_nth(day, 2, Weekday::Monday, 3)
        || is_last(day, 5, Weekday::Monday)
        || is_nth(day, 9, Weekday::Monday, 1)
        || is_nth(day, 10, Weekday::Monday, 2)
        || is_nth(day, 11, Weekday::Thursday, 4)
}

fn canada(day: Date) -> bool {
    // Victoria Day is the Monday before 25 May.
    let victoria = day.month() == 5 && day.weekday() == Weekday::Monday && (18..=24).contains(&day.day());
    is_one_of(day, &[(1, 1), (7, 1), (9, 30), (11, 11), (12, 25), (12, 26)])
        || Some(day) == easter(day.year(), -2)
        || victoria
        || is_nth(day, 9, Weekday::Monday, 1)
        || is_nth(day, 10, Weekday::Monday, 2)
}

fn is_nth(day: Date, month: i8, weekday: Weekday, nth: i8) -> bool {
    day.month() == month && day.nth_weekday_of_month(nth, weekday).is_ok_and(|found| found == day)
}

fn is_last(day: Date, month: i8, weekday: Weekday) -> bool {
    is_nth(day, month, weekday, -1)
}

/// The day `days` after Easter Sunday, by the Gregorian computus (Meeus, Jones and Butcher).
fn easter(year: i16, days: i64) -> Option<Date> {
    let year_number = i32::from(year);
    let (golden, century, rest) = (year_number % 19, year_number / 100, year_number % 100);
    let correction = (8 * century + 13) / 25;
    let moon = (19 * golden + century - century / 4 - correction + 15) % 30;
    let weekday = (32 + 2 * (century % 4) + 2 * (rest / 4) - moon - rest % 4) % 7;
    let late = (golden + 11 * moon + 22 * weekday) / 451;
    let days_on = moon + weekday - 7 * late + 114;
    let (month, on) = (days_on / 31, days_on % 31 + 1);
    let sunday = Date::new(year, i8::try_from(month).ok()?, i8::try_from(on).ok()?).ok()?;
    sunday.checked_add(days.days()).ok()
}

/// The first and the last day that calendars reach with whole years around them.
pub(crate) fn is_in_range(day: Date) -> bool {
    (date(1970, 1, 1)..=date(2200, 12, 31)).contains(&day)
}
