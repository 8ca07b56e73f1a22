//! The table `[rights]`: what a policy says about people's requests.

use std::collections::BTreeMap;

use jiff::civil::{Date, Weekday};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

use super::problem::{PolicyProblem, ProblemKind};
use crate::rights::{
    BusinessCalendar, ClockSpan, ClockZone, HOLIDAYS_MAX, HolidayTable, Regime, RegimeTerms, RightsTerms,
};

/// The longest text of a route.
const ROUTE_BYTES_MAX: usize = 512;
/// The longest time one request may be said to take, in hours.
const HOURS_MAX: u32 = 1_000;
/// The longest time somebody may be left unasked, in months.
const MONTHS_MAX: u32 = 1_200;

/// The longest time a file may stay, in days.
const DAYS_MAX: u32 = 3_650;

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum DayOfWeek {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

/// How many there are.
const DAYS_OF_WEEK: usize = 7;

/// What a policy says about people's requests. What is absent is as the laws have it.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RightsText {
    /// The laws that apply where a request names none. Absent: `gdpr`.
    pub(crate) regimes: Option<Vec<Regime>>,
    /// Whether people on paid plans are served first, as long as that makes nobody late. Absent: yes.
    pub(crate) paid_first: Option<bool>,
    /// How long one request takes a member of staff, in hours. Absent: 4.
    pub(crate) hours_per_request: Option<u32>,
    /// For how many months a person who opted out is not asked again. Absent: 12.
    pub(crate) months_without_asking: Option<u32>,
    /// For how many days a file that was made for a person stays here once the request is closed. Absent: 30.
    pub(crate) keep_files_days: Option<u32>,
    /// The clocks, law by law.
    #[serde(default)]
    pub(crate) clocks: BTreeMap<Regime, ClockText>,
}

/// The clocks of one law. What is absent is as the law has it; `none` takes a clock away.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClockText {
    /// By when the arrival of a request must be confirmed, as in `10 business days`.
    #[schemars(with = "Option<String>")]
    pub(crate) confirm: Option<MaybeSpan>,
    /// By when it must be answered, as in `1 month`.
    #[schemars(with = "Option<String>")]
    pub(crate) answer: Option<ClockSpan>,
    /// By how much that may be put off once.
    #[schemars(with = "Option<String>")]
    pub(crate) extension: Option<MaybeSpan>,
    /// By when an opt-out must be acted on.
    #[schemars(with = "Option<String>")]
    pub(crate) opt_out: Option<MaybeSpan>,
    /// By when a complaint must be answered.
    #[schemars(with = "Option<String>")]
    pub(crate) complaint: Option<ClockSpan>,
    /// Where its days begin and end: a POSIX rule, as in `CET-1CEST,M3.5.0,M10.5.0/3`.
    pub(crate) time_zone: Option<String>,
    /// Days of the week that are no business days. Absent: Saturday and Sunday.
    pub(crate) weekend: Option<Vec<DayOfWeek>>,
    /// Holidays that are computed for every year.
    pub(crate) holiday_table: Option<HolidayTable>,
    /// Further holidays, as in `2026-02-17`.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub(crate) holidays: Vec<Date>,
    /// The body that takes complaints.
    pub(crate) complaint_body: Option<String>,
    /// The way to a court.
    pub(crate) court: Option<String>,
}

/// A span, or the word `none`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MaybeSpan(Option<ClockSpan>);

impl<'de> Deserialize<'de> for MaybeSpan {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text == "none" {
            return Ok(Self(None));
        }
        text.parse().map(|span| Self(Some(span))).map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for MaybeSpan {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "MaybeSpan".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string" })
    }
}

/// The terms that a table says, with what is wrong in it.
pub(crate) fn rights(text: &RightsText, problems: &mut Vec<PolicyProblem>) -> RightsTerms {
    let mut terms = RightsTerms::default();
    let mut wrong = |words: String| problems.push(PolicyProblem::new(ProblemKind::Syntax, None, words));
    if let Some(regimes) = &text.regimes {
        if regimes.is_empty() {
            wrong(
                "[rights]: `regimes` names no law, so that no request would have a clock; name one"
                    .to_owned(),
            );
        }
        terms.default_regimes.clone_from(regimes);
    }
    let bounded = [
        ("hours_per_request", text.hours_per_request, HOURS_MAX),
        ("months_without_asking", text.months_without_asking, MONTHS_MAX),
        ("keep_files_days", text.keep_files_days, DAYS_MAX),
    ];
    for (key, value, most) in bounded {
        if value.is_some_and(|value| value == 0 || value > most) {
            wrong(format!("[rights]: `{key}` is 1 to {most}"));
        }
    }
    terms.is_paid_first = text.paid_first.unwrap_or(terms.is_paid_first);
    terms.hours_per_request = text.hours_per_request.unwrap_or(terms.hours_per_request);
    terms.months_without_asking = text.months_without_asking.unwrap_or(terms.months_without_asking);
    terms.keep_files_days = text.keep_files_days.unwrap_or(terms.keep_files_days);
    for law in &mut terms.regimes {
        if let Some(clock) = text.clocks.get(&law.regime) {
            clocks(law, clock, &mut wrong);
        }
    }
    terms
}

fn clocks(law: &mut RegimeTerms, text: &ClockText, wrong: &mut impl FnMut(String)) {
    let name = law.regime;
    let set = |clock: &mut Option<ClockSpan>, said: Option<MaybeSpan>| {
        if let Some(MaybeSpan(span)) = said {
            *clock = span;
        }
    };
    set(&mut law.rules.confirm, text.confirm);
    set(&mut law.rules.extension, text.extension);
    set(&mut law.rules.opt_out, text.opt_out);
    law.rules.answer = text.answer.unwrap_or(law.rules.answer);
    law.rules.complaint = text.complaint.unwrap_or(law.rules.complaint);
    if let Some(zone) = &text.time_zone {
        match zone.parse::<ClockZone>() {
            Ok(zone) => law.zone = zone,
            Err(error) => wrong(format!("[rights.clocks.{name}]: {error}")),
        }
    }
    if text.holidays.len() > HOLIDAYS_MAX {
        wrong(format!("[rights.clocks.{name}]: at most {HOLIDAYS_MAX} holidays can be listed"));
    }
    let mut calendar = law.calendar.clone();
    if let Some(table) = text.holiday_table {
        calendar = BusinessCalendar::new(table);
    }
    if let Some(weekend) = &text.weekend {
        let mut days: Vec<DayOfWeek> = weekend.clone();
        days.sort_unstable();
        days.dedup();
        if days.is_empty() || days.len() == DAYS_OF_WEEK {
            wrong(format!("[rights.clocks.{name}]: `weekend` has 1 to 6 days of the week"));
        } else {
            calendar = calendar.with_weekend(days.into_iter().map(weekday).collect());
        }
    }
    law.calendar = calendar.with_holidays(text.holidays.iter().copied());
    for (key, said, route) in [
        ("complaint_body", &text.complaint_body, &mut law.route.body),
        ("court", &text.court, &mut law.route.court),
    ] {
        let Some(said) = said else { continue };
        if said.is_empty() || said.len() > ROUTE_BYTES_MAX || said.chars().any(char::is_control) {
            wrong(format!(
                "[rights.clocks.{name}]: `{key}` has 1 to {ROUTE_BYTES_MAX} bytes on one line, without control characters"
            ));
        }
        route.clone_from(said);
    }
}

const fn weekday(day: DayOfWeek) -> Weekday {
    match day {
        DayOfWeek::Monday => Weekday::Monday,
        DayOfWeek::Tuesday => Weekday::Tuesday,
        DayOfWeek::Wednesday => Weekday::Wednesday,
        DayOfWeek::Thursday => Weekday::Thursday,
        DayOfWeek::Friday => Weekday::Friday,
        DayOfWeek::Saturday => Weekday::Saturday,
        DayOfWeek::Sunday => Weekday::Sunday,
    }
}
