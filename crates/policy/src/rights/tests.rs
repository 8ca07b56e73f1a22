use jiff::ToSpan;
use jiff::civil::{Date, date};
use proptest::prelude::*;

use super::*;
use crate::edge::Timestamp;
use crate::retention::Policy;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn due(kind: RequestKind, regimes: &[Regime], received: &str) -> DueDates {
    due_dates(&RightsTerms::default(), kind, regimes, at(received)).unwrap()
}

fn check_answer(regime: Regime, kind: RequestKind, received: &str, expect: &str, extended: &str) {
    let found = due(kind, &[regime], received);
    assert_eq!(found.answer, (at(expect), regime), "{regime} {kind} of {received}");
    assert_eq!(found.extended, (at(extended), regime), "{regime} {kind} of {received}, extended");
}

#[test]
fn the_clocks_of_the_laws_end_when_they_should() {
    use RequestKind::{Access, Complaint, Erasure, OptOut};
    // A month clamps to the last day of February, in a leap year too, and the extension counts from the arrival again.
    check_answer(
        Regime::Gdpr,
        Access,
        "2026-01-31T10:00:00Z",
        "2026-02-28T23:00:00Z",
        "2026-04-30T22:00:00Z",
    );
    check_answer(
        Regime::Gdpr,
        Access,
        "2028-01-31T10:00:00Z",
        "2028-02-29T23:00:00Z",
        "2028-04-30T22:00:00Z",
    );
    // Late in the evening it is the next day in Brussels; in summer that day begins an hour earlier.
    check_answer(
        Regime::Gdpr,
        Erasure,
        "2026-01-30T23:30:00Z",
        "2026-02-28T23:00:00Z",
        "2026-04-30T22:00:00Z",
    );
    check_answer(
        Regime::Gdpr,
        Erasure,
        "2026-06-30T22:30:00Z",
        "2026-08-01T22:00:00Z",
        "2026-10-01T22:00:00Z",
    );
    check_answer(
        Regime::Ccpa,
        Access,
        "2026-02-01T20:00:00Z",
        "2026-03-19T07:00:00Z",
        "2026-05-03T07:00:00Z",
    );
    check_answer(
        Regime::Lgpd,
        Access,
        "2026-02-20T12:00:00Z",
        "2026-03-08T03:00:00Z",
        "2026-03-08T03:00:00Z",
    );
    check_answer(
        Regime::Pipeda,
        Access,
        "2026-10-20T12:00:00Z",
        "2026-11-20T05:00:00Z",
        "2026-12-20T05:00:00Z",
    );
    check_answer(
        Regime::Pipl,
        Access,
        "2026-09-25T01:00:00Z",
        "2026-10-20T16:00:00Z",
        "2026-10-20T16:00:00Z",
    );
    // Fifteen business days over Thanksgiving, and over the end of a year with its holidays.
    check_answer(
        Regime::Ccpa,
        OptOut,
        "2026-11-20T20:00:00Z",
        "2026-12-15T08:00:00Z",
        "2026-12-15T08:00:00Z",
    );
    check_answer(
        Regime::Ccpa,
        OptOut,
        "2026-12-18T20:00:00Z",
        "2027-01-13T08:00:00Z",
        "2027-01-13T08:00:00Z",
    );
    check_answer(
        Regime::Gdpr,
        Complaint,
        "2026-01-31T10:00:00Z",
        "2026-03-02T23:00:00Z",
        "2026-03-02T23:00:00Z",
    );
    let confirm = due(Access, &[Regime::Ccpa], "2026-12-18T20:00:00Z").confirm;
    assert_eq!(confirm, Some((at("2027-01-06T08:00:00Z"), Regime::Ccpa)));
}

#[test]
fn a_day_counts_to_its_end_on_the_days_the_clocks_change() {
    let zone: ClockZone = "CET-1CEST,M3.5.0,M10.5.0/3".parse().unwrap();
    let calendar = BusinessCalendar::new(HolidayTable::None);
    let end = |from: &str| end_of_span(ClockSpan::Days(1), at(from), &zone, &calendar).unwrap();
    // 29 March 2026 has 23 hours in Brussels, 25 October has 25.
    assert_eq!(end("2026-03-28T12:00:00Z"), at("2026-03-29T22:00:00Z"));
    assert_eq!(end("2026-10-24T12:00:00Z"), at("2026-10-25T23:00:00Z"));
}

#[test]
fn of_several_laws_the_earliest_clock_counts_and_one_that_permits_no_extension_forbids_it() {
    let found = due(RequestKind::Access, &[Regime::Gdpr, Regime::Lgpd, Regime::Ccpa], "2026-02-20T12:00:00Z");
    assert_eq!(found.answer, (at("2026-03-08T03:00:00Z"), Regime::Lgpd));
    assert_eq!(found.extended, found.answer);
    assert_eq!(found.confirm.map(|(_, regime)| regime), Some(Regime::Lgpd));
    assert!(
        due_dates(&RightsTerms::default(), RequestKind::Access, &[], at("2026-02-20T12:00:00Z")).is_none()
    );
}

#[test]
fn holidays_are_those_of_the_place() {
    let check = |table, day: Date, expect: bool| {
        assert_eq!(BusinessCalendar::new(table).is_business_day(day), expect, "{table} {day}");
    };
    // The fourth of July 2026 is a Saturday, so Friday is off; New Year 2028 is a Saturday, so 31 December 2027 is.
    check(HolidayTable::UsFederal, date(2026, 7, 3), false);
    check(HolidayTable::UsFederal, date(2027, 12, 31), false);
    check(HolidayTable::UsFederal, date(2026, 11, 26), false);
    check(HolidayTable::UsFederal, date(2026, 5, 25), false);
    check(HolidayTable::UsFederal, date(2026, 5, 18), true);
    check(HolidayTable::EuCommon, date(2026, 4, 6), false);
    check(HolidayTable::EuCommon, date(2025, 4, 21), false);
    check(HolidayTable::Canada, date(2026, 5, 18), false);
    check(HolidayTable::Canada, date(2026, 4, 3), false);
    check(HolidayTable::Brazil, date(2026, 11, 20), false);
    check(HolidayTable::ChinaSolar, date(2026, 10, 2), false);
    check(HolidayTable::None, date(2026, 1, 1), true);
    check(HolidayTable::None, date(2026, 1, 3), false);
}

#[test]
fn spans_and_zones_are_read_and_written() {
    for text in ["1 month", "45 days", "10 business days", "1 business day"] {
        assert_eq!(text.parse::<ClockSpan>().unwrap().to_string(), text);
    }
    for text in ["", "1", "0 days", "-1 days", "+5 days", "1001 days", "2 weeks", "1  month", "business days"]
    {
        assert!(text.parse::<ClockSpan>().is_err(), "{text}");
    }
    for text in ["UTC0", "CST-8", "PST8PDT,M3.2.0,M11.1.0"] {
        assert_eq!(text.parse::<ClockZone>().unwrap().to_string(), text);
    }
    for text in ["Europe/Brussels", "", "Æ", "CET-1CEST,M13.5.0,M10.5.0"] {
        assert!(text.parse::<ClockZone>().is_err(), "{text}");
    }
}

#[test]
fn no_built_in_time_zone_fell_back_to_utc() {
    let terms = RightsTerms::default();
    let midday = at("2026-07-01T12:00:00Z");
    let hours = Regime::ALL.map(|regime| {
        let zone = &terms.regime(regime).zone;
        let calendar = BusinessCalendar::new(HolidayTable::None);
        let end = end_of_span(ClockSpan::Days(1), midday, zone, &calendar).unwrap();
        end.as_second().rem_euclid(86_400) / 3_600
    });
    assert_eq!(hours, [22, 7, 3, 4, 16]);
}

const POLICY: &str = r#"
language = 1
name = "small"
title = "A small policy"
[regions.home]
title = "Home"
[plans.free]
audience = "consumer"
tier = "private"
training = "never"
region = "home"
[[rules]]
id = "conversations"
ground = "service"
delete = ["30 days after creation", "at deletion", "30 days after erasure"]
clause = "Kept for 30 days"
"#;

fn with_rights(table: &str) -> Result<RightsTerms, String> {
    Policy::parse(&format!("{POLICY}\n{table}"))
        .map(|policy| policy.rights().clone())
        .map_err(|problems| problems.to_string())
}

#[test]
fn a_policy_can_change_every_number() {
    assert_eq!(with_rights("").unwrap(), RightsTerms::default());
    let terms = with_rights(
        r#"
        [rights]
        regimes = ["ccpa", "gdpr"]
        paid_first = false
        hours_per_request = 2
        months_without_asking = 18
        keep_files_days = 7
        [rights.clocks.gdpr]
        answer = "20 days"
        extension = "none"
        confirm = "3 business days"
        time_zone = "UTC0"
        weekend = ["friday", "saturday"]
        holiday_table = "none"
        holidays = ["2026-02-22"]
        complaint_body = "the commissioner"
        court = "the court"
        "#,
    )
    .unwrap();
    assert_eq!(terms.default_regimes, [Regime::Ccpa, Regime::Gdpr]);
    assert!(!terms.is_paid_first);
    assert_eq!((terms.hours_per_request, terms.months_without_asking, terms.keep_files_days), (2, 18, 7));
    let due = due_dates(&terms, RequestKind::Access, &[Regime::Gdpr], at("2026-02-19T12:00:00Z")).unwrap();
    assert_eq!(due.answer.0, at("2026-03-12T00:00:00Z"));
    assert_eq!(due.extended, due.answer);
    // Friday, Saturday and the holiday on Sunday are off: Monday, Tuesday, Wednesday.
    assert_eq!(due.confirm.unwrap().0, at("2026-02-26T00:00:00Z"));
    assert_eq!(terms.routes(&[Regime::Gdpr])[0].body, "the commissioner");
}

#[test]
fn a_table_that_cannot_be_meant_is_refused_by_name() {
    for (table, word) in [
        ("[rights]\nregimes = []", "regimes"),
        ("[rights]\nregimes = [\"hipaa\"]", "hipaa"),
        ("[rights]\nhours_per_request = 0", "hours_per_request"),
        ("[rights]\nmonths_without_asking = 100000", "months_without_asking"),
        ("[rights]\nkeep_files_days = 0", "keep_files_days"),
        ("[rights]\nunknown = 1", "unknown"),
        ("[rights.clocks.gdpr]\nanswer = \"none\"", "none"),
        ("[rights.clocks.gdpr]\nanswer = \"soon\"", "soon"),
        ("[rights.clocks.gdpr]\ntime_zone = \"Mars\"", "Mars"),
        ("[rights.clocks.gdpr]\nweekend = []", "weekend"),
        ("[rights.clocks.gdpr]\nholidays = [\"2026-02-30\"]", "2026-02"),
        ("[rights.clocks.gdpr]\ncourt = \"\\u001b[2J\"", "court"),
    ] {
        let problem = with_rights(table).unwrap_err();
        assert!(problem.contains(word), "{table}: {problem}");
    }
}

fn clock() -> RequestClock {
    RequestClock {
        received_at: at("2026-01-10T00:00:00Z"),
        answer_by: at("2026-02-11T00:00:00Z"),
        extended_by: at("2026-04-11T00:00:00Z"),
    }
}

fn steps() -> impl Strategy<Value = RequestStep> {
    let told = (0_i64..120).prop_map(|days| {
        let seconds = clock().received_at.as_second() + (days - 10) * 86_400;
        Timestamp::from_second(seconds).unwrap()
    });
    prop_oneof![
        Just(RequestStep::Confirm),
        Just(RequestStep::AskIdentity),
        Just(RequestStep::Identify),
        Just(RequestStep::Begin),
        told.prop_map(|told_at| RequestStep::Extend { reason: ExtensionReason::Complexity, told_at }),
        any::<bool>().prop_map(|in_part| RequestStep::Fulfil { in_part }),
        Just(RequestStep::Refuse { reason: RefusalReason::Excessive }),
        Just(RequestStep::Withdraw),
    ]
}

fn kinds() -> impl Strategy<Value = RequestKind> {
    proptest::sample::select(RequestKind::ALL.to_vec())
}

proptest! {
    /// Whatever is tried in whatever order: nothing is carried out for somebody unknown, what is closed stays closed, and
    /// the due date moves at most once, and only for who was told in time.
    #[test]
    fn no_order_of_steps_breaks_a_request(kind in kinds(), tried in proptest::collection::vec((steps(), 0_i64..4), 0..40)) {
        let clock = clock();
        let mut now = clock.received_at;
        let mut standing = RequestStanding::ARRIVED;
        for (step, days) in tried {
            now = Timestamp::from_second(now.as_second() + days * 86_400).unwrap();
            let before = standing;
            match standing.after(kind, &clock, step, now) {
                Err(_) => {}
                Ok(after) => {
                    prop_assert!(!before.state.is_closed());
                    if matches!(after.state, RequestState::Fulfilled | RequestState::PartlyFulfilled | RequestState::InProgress) {
                        prop_assert!(after.is_identified || !kind.needs_identity());
                    }
                    prop_assert!(after.is_identified || !before.is_identified);
                    prop_assert!(after.is_extended || !before.is_extended);
                    prop_assert!(after.is_confirmed || !before.is_confirmed);
                    if after.is_extended && !before.is_extended {
                        let RequestStep::Extend { told_at, .. } = step else { panic!("{step:?}") };
                        prop_assert!(told_at < clock.answer_by && told_at <= now && told_at >= clock.received_at);
                    }
                    if !kind.needs_identity() {
                        prop_assert!(!after.is_identified && after.state != RequestState::IdentityAsked);
                    }
                    standing = after;
                }
            }
            prop_assert!(clock.due(standing.is_extended) >= clock.answer_by);
        }
        // A refusal or a withdrawal is always possible while it is open.
        if !standing.state.is_closed() {
            prop_assert!(standing.after(kind, &clock, RequestStep::Withdraw, now).unwrap().state.is_closed());
        }
    }

    /// What nobody wrote down makes nobody late.
    #[test]
    fn a_further_holiday_never_makes_a_clock_end_earlier(
        day in 0_i64..3_650, count in 1_u32..40, offs in proptest::collection::vec(0_i64..60, 0..20),
    ) {
        let first = date(2024, 1, 1).checked_add(day.days()).unwrap();
        for table in HolidayTable::ALL {
            let plain = BusinessCalendar::new(table);
            let more = plain.clone().with_holidays(offs.iter().map(|off| first.checked_add(off.days()).unwrap()));
            let (short, long) = (plain.business_days_after(first, count), more.business_days_after(first, count));
            // With two months off in a row there is no answer, and then no shorter one either.
            if let (Some(short), Some(long)) = (short, long) {
                prop_assert!(short <= long);
                prop_assert!(plain.is_business_day(short) && more.is_business_day(long));
            }
            let none = BusinessCalendar::new(HolidayTable::None).business_days_after(first, count);
            prop_assert!(none <= short);
        }
    }

    /// Exactly so many business days lie between the arrival and the end.
    #[test]
    fn business_days_are_counted_exactly(day in 0_i64..3_650, count in 1_u32..60) {
        let first = date(2024, 1, 1).checked_add(day.days()).unwrap();
        let calendar = BusinessCalendar::new(HolidayTable::UsFederal);
        let last = calendar.business_days_after(first, count).unwrap();
        let mut counted = 0;
        let mut next = first;
        while next < last {
            next = next.tomorrow().unwrap();
            counted += u32::from(calendar.is_business_day(next));
        }
        prop_assert_eq!(counted, count);
    }

    /// A month later is the same day or the last of a shorter month, and who asks later is never due earlier.
    #[test]
    fn months_clamp_and_clocks_keep_their_order(seconds in 1_700_000_000_i64..2_000_000_000, later in 0_i64..10_000_000) {
        let terms = RightsTerms::default();
        let (one, other) = (Timestamp::from_second(seconds).unwrap(), Timestamp::from_second(seconds + later).unwrap());
        for regime in Regime::ALL {
            for kind in RequestKind::ALL {
                let first = due_dates(&terms, kind, &[regime], one).unwrap();
                let second = due_dates(&terms, kind, &[regime], other).unwrap();
                prop_assert!(first.answer <= second.answer && first.extended <= second.extended);
                prop_assert!(first.answer.0 > one && first.answer <= first.extended);
            }
        }
        let zone = &terms.regime(Regime::Gdpr).zone;
        let answer = due_dates(&terms, RequestKind::Access, &[Regime::Gdpr], one).unwrap().answer.0;
        let (day, last) = (zone.day_of(one), zone.day_of(Timestamp::from_second(answer.as_second() - 1).unwrap()));
        prop_assert_eq!(i32::from(last.month()), i32::from(day.month()) % 12 + 1);
        prop_assert_eq!(last.day(), day.day().min(last.days_in_month()));
    }

    /// Nobody is late in the order of the queue who would be served in time when the earliest due date comes first, and
    /// that order serves everyone in time if any order does.
    #[test]
    fn no_order_makes_anyone_late_who_could_be_served(
        people in proptest::collection::vec((0_i64..60, any::<bool>()), 0..40), hours in 1_u32..30,
    ) {
        let now = at("2026-01-01T00:00:00Z");
        let each = i64::from(hours) * 3_600;
        let entries: Vec<QueueEntry> = people.iter().enumerate().map(|(place, (slots, is_paid))| QueueEntry {
            place,
            due: Timestamp::from_second(now.as_second() + slots * each + 1).unwrap(),
            received_at: now,
            is_paid: *is_paid,
        }).collect();
        let in_time = |order: &[QueueEntry]| {
            let mut served: Vec<usize> = order.iter().zip(1_i64..)
                .filter(|(entry, number)| now.as_second() + number * each < entry.due.as_second())
                .map(|(entry, _)| entry.place)
                .collect();
            served.sort_unstable();
            served
        };
        let by_due = queue_order(entries.clone(), now, hours, false);
        let paid_first = queue_order(entries.clone(), now, hours, true);
        prop_assert_eq!(paid_first.len(), entries.len());
        let (strict, lenient) = (in_time(&by_due), in_time(&paid_first));
        prop_assert!(strict.iter().all(|place| lenient.contains(place)), "{:?} {:?}", strict, lenient);
        // The condition under which any order serves everyone: of those due within k slots there are at most k.
        let feasible = (0..60).all(|slot| people.iter().filter(|(slots, _)| *slots <= slot).count() <= usize::try_from(slot).unwrap());
        prop_assert_eq!(feasible, strict.len() == entries.len());
        if feasible {
            prop_assert_eq!(lenient.len(), entries.len());
        }
    }
}

#[test]
fn paid_plans_come_first_where_there_is_time() {
    let now = at("2026-01-01T00:00:00Z");
    let entry = |place, days: i64, is_paid| QueueEntry {
        place,
        due: Timestamp::from_second(now.as_second() + days * 86_400).unwrap(),
        received_at: now,
        is_paid,
    };
    let places = |order: Vec<QueueEntry>| order.into_iter().map(|entry| entry.place).collect::<Vec<_>>();
    let roomy = vec![entry(0, 10, false), entry(1, 20, true), entry(2, 15, false)];
    assert_eq!(places(queue_order(roomy.clone(), now, 4, true)), [1, 0, 2]);
    assert_eq!(places(queue_order(roomy, now, 4, false)), [0, 2, 1]);
    // The first one is due within the day: nobody passes.
    let tight = vec![entry(0, 1, false), entry(1, 20, true)];
    assert_eq!(places(queue_order(tight, now, 20, true)), [0, 1]);
}

#[test]
fn a_mandate_permits_what_it_names_while_it_is_valid() {
    let valid = (at("2026-01-01T00:00:00Z"), Some(at("2026-07-01T00:00:00Z")));
    let check = |kind, now: &str| MandateProblem::check(&[RequestKind::Access], valid, kind, at(now));
    assert_eq!(check(RequestKind::Access, "2026-03-01T00:00:00Z"), Ok(()));
    assert_eq!(check(RequestKind::Erasure, "2026-03-01T00:00:00Z"), Err(MandateProblem::OutOfScope));
    assert_eq!(check(RequestKind::Access, "2025-12-31T23:59:59Z"), Err(MandateProblem::NotYet));
    assert_eq!(check(RequestKind::Access, "2026-07-01T00:00:00Z"), Err(MandateProblem::Ended));
}
