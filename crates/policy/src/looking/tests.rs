use proptest::prelude::*;

use super::*;
use crate::authority::AccessReason;
use crate::edge::Timestamp;
use crate::ground::GroundKind;
use crate::id::{AccessSessionId, AccountId, ConversationId, OrganizationId, PersonId, RecordId};
use crate::rights::ClockZone;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

fn somebody(number: u8) -> Participant {
    Participant {
        person: PersonId::from_bytes([number; 16]),
        account: Some(AccountId::from_bytes([number; 16])),
    }
}

fn asked(needs: AccessNeeds) -> AccessAsked {
    AccessAsked {
        id: AccessSessionId::from_bytes([1; 16]),
        organization: OrganizationId::from_bytes([2; 16]),
        reader: somebody(1),
        roles: "legal".parse().unwrap(),
        reason: AccessReason::SafetyReview,
        ticket: "CASE-7".to_owned(),
        scope: AccessScope::Conversation(ConversationId::from_bytes([3; 16])),
        ground: GroundKind::SafetyWindow,
        seconds: 600,
        needs,
        at: at(0),
    }
}

fn limits() -> AccessLimits {
    AccessLimits::default()
}

fn remark() -> AccessRemark {
    "the ticket asks for more than it needs".parse().unwrap()
}

fn approve(by: Participant) -> AccessStep {
    AccessStep::Approve { by, remark: None }
}

fn deny(by: Participant) -> AccessStep {
    AccessStep::Deny { by, remark: remark() }
}

fn review_of(by: Participant, justified: bool) -> AccessStep {
    AccessStep::Review { by, justified, remark: remark() }
}

fn session(needs: AccessNeeds) -> AccessSession {
    AccessSession::ask(asked(needs), &limits()).unwrap()
}

fn step(session: &AccessSession, step: AccessStep, second: i64) -> Result<AccessSession, AccessStepRefused> {
    session.after(step, at(second), &limits())
}

#[test]
fn what_needs_nothing_opens_at_once_and_ends_when_its_time_is_over() {
    let open = session(AccessNeeds::Nothing);
    assert_eq!((open.state, open.expires_at), (AccessState::Open, Some(at(600))));
    let looked = step(&open, AccessStep::Look(2), 599).unwrap();
    assert_eq!((looked.looks, looked.records), (1, 2));
    assert_eq!(step(&looked, AccessStep::Look(1), 600), Err(AccessStepRefused::NotOpen(AccessState::Ended)));
    // Whoever comes by much later notes the true end.
    let ended = step(&looked, AccessStep::Tick, 90_000).unwrap();
    assert_eq!((ended.end, ended.ended_at), (Some(AccessEnd::Expiry), Some(at(600))));
    assert_eq!((ended.seconds_open(), ended.review), (Some(600), None));
}

#[test]
fn the_customer_answers_within_twelve_hours_or_it_is_a_no() {
    let waiting = session(AccessNeeds::CustomerApproval);
    assert_eq!(step(&waiting, AccessStep::Look(1), 1), Err(AccessStepRefused::NotOpen(AccessState::Asked)));
    assert_eq!(step(&waiting, approve(somebody(1)), 1), Err(AccessStepRefused::OwnRequest));
    let open = step(&waiting, approve(somebody(2)), 43_199).unwrap();
    assert_eq!((open.state, open.expires_at), (AccessState::Open, Some(at(43_799))));
    let late = step(&waiting, approve(somebody(2)), 43_200);
    assert_eq!(late, Err(AccessStepRefused::NotAsked(AccessState::Unanswered)));
    assert_eq!(step(&waiting, AccessStep::Tick, 43_200).unwrap().state, AccessState::Unanswered);
    let denied = step(&waiting, deny(somebody(2)), 5).unwrap();
    assert_eq!(step(&denied, approve(somebody(3)), 6), Err(AccessStepRefused::NotAsked(AccessState::Denied)));
}

#[test]
fn an_emergency_takes_two_others_and_a_review_by_a_third() {
    let asked = session(AccessNeeds::TwoOthers);
    let one = step(&asked, approve(somebody(2)), 1).unwrap();
    assert_eq!(one.state, AccessState::Asked);
    assert_eq!(step(&one, approve(somebody(2)), 2), Err(AccessStepRefused::Twice));
    // The same person with another account, and another person with the same account.
    let same_person = Participant { account: Some(AccountId::from_bytes([9; 16])), ..somebody(2) };
    assert_eq!(step(&one, approve(same_person), 2), Err(AccessStepRefused::Twice));
    let same_account = Participant { person: PersonId::from_bytes([9; 16]), ..somebody(1) };
    assert_eq!(step(&one, approve(same_account), 2), Err(AccessStepRefused::OwnRequest));
    let open = step(&one, approve(somebody(3)), 3).unwrap();
    assert_eq!(open.state, AccessState::Open);
    let review = |by, second| step(&open, review_of(by, true), second);
    assert_eq!(review(somebody(4), 4), Err(AccessStepRefused::NoReview), "not before it ended");
    for took_part in [1, 2, 3] {
        assert_eq!(review(somebody(took_part), 700), Err(AccessStepRefused::TookPart));
    }
    let ended = step(&open, AccessStep::Tick, 700).unwrap();
    assert_eq!(ended.review_by(), Some(at(603 + 3 * 86_400)), "from its end on");
    let reviewed = review(somebody(4), 700).unwrap();
    assert!(matches!(reviewed.review, Some(AccessReview::Done { justified: true, .. })));
    assert_eq!(
        step(&reviewed, review_of(somebody(5), false), 701),
        Err(AccessStepRefused::NoReview),
        "a review is not taken back"
    );
}

#[test]
fn whoever_may_agree_no_more_opens_nothing_and_does_not_review_either() {
    let asked = session(AccessNeeds::TwoOthers);
    let one = step(&asked, approve(somebody(2)), 1).unwrap();
    let lapsed = step(&one, AccessStep::Lapse(somebody(2)), 2).unwrap();
    assert_eq!((lapsed.approvals.len(), lapsed.lapsed.len()), (0, 1));
    let waits = step(&lapsed, approve(somebody(3)), 3).unwrap();
    assert_eq!(waits.state, AccessState::Asked, "one of two");
    let open = step(&waits, approve(somebody(4)), 4).unwrap();
    assert_eq!(open.state, AccessState::Open);
    let later = step(&open, AccessStep::Lapse(somebody(3)), 5);
    assert_eq!(later, Err(AccessStepRefused::NotAsked(AccessState::Open)));
    let review = review_of(somebody(2), true);
    assert_eq!(step(&open, review, 700), Err(AccessStepRefused::TookPart));
}

#[test]
fn a_record_that_is_named_twice_is_meant_once() {
    let named = [3, 1, 3, 2, 1].map(|number| RecordId::from_bytes([number; 16])).to_vec();
    let scope = AccessScope::Records(named);
    let open = AccessSession::ask(AccessAsked { scope, ..asked(AccessNeeds::Nothing) }, &limits()).unwrap();
    let once = [3, 1, 2].map(|number| RecordId::from_bytes([number; 16])).to_vec();
    assert_eq!(open.scope, AccessScope::Records(once));
}

#[test]
fn who_asked_takes_it_back_while_it_waits_and_nobody_else_does() {
    for needs in [AccessNeeds::CustomerApproval, AccessNeeds::TwoOthers] {
        let waiting = session(needs);
        let other = step(&waiting, AccessStep::Withdraw(somebody(2)), 1);
        assert_eq!(other, Err(AccessStepRefused::NotOwnRequest));
        let withdrawn = step(&waiting, AccessStep::Withdraw(somebody(1)), 1).unwrap();
        assert_eq!((withdrawn.state, withdrawn.due_at()), (AccessState::Withdrawn, None));
        let stays = Err(AccessStepRefused::NotAsked(AccessState::Withdrawn));
        assert_eq!(step(&withdrawn, approve(somebody(2)), 2), stays);
        assert_eq!(step(&withdrawn, deny(somebody(2)), 2), stays);
        assert_eq!(step(&withdrawn, AccessStep::Withdraw(somebody(1)), 2), stays);
        assert_eq!(step(&withdrawn, AccessStep::Tick, 90_000).unwrap().state, AccessState::Withdrawn);
    }
    let open = session(AccessNeeds::Nothing);
    let late = step(&open, AccessStep::Withdraw(somebody(1)), 1);
    assert_eq!(late, Err(AccessStepRefused::NotAsked(AccessState::Open)), "what is open is ended");
    let waited = step(&session(AccessNeeds::TwoOthers), AccessStep::Withdraw(somebody(1)), 43_200);
    assert_eq!(waited, Err(AccessStepRefused::NotAsked(AccessState::Unanswered)));
}

#[test]
fn a_remark_is_plain_text_of_limited_length_and_shown_by_no_debug() {
    let longest = "ü".repeat(REMARK_CHARACTERS_MAX);
    for (text, expect) in [
        ("  why \r\n and how  ", Some("why \n and how")),
        (longest.as_str(), Some(longest.as_str())),
        ("", None),
        (" \n\t ", None),
        ("a\u{7}bell", None),
        (&format!("{longest}x"), None),
    ] {
        let read: Result<AccessRemark, _> = text.parse();
        assert_eq!(read.as_ref().ok().map(AccessRemark::expose), expect, "{text:?}");
    }
    let step = deny(somebody(2));
    assert!(!format!("{step:?}").contains("ticket"), "{step:?}");
    let said = |step: &AccessStep| step.remark().map(|(answer, by, _)| (answer, by));
    assert_eq!(said(&step), Some((AccessAnswer::Denied, somebody(2))));
    assert_eq!(said(&review_of(somebody(3), false)), Some((AccessAnswer::NotJustified, somebody(3))));
    assert_eq!(said(&approve(somebody(2))), None, "nothing was said");
}

#[test]
fn what_cannot_be_asked_is_refused() {
    let refused = |change: &dyn Fn(&mut AccessAsked), needs| {
        let mut asked = asked(needs);
        change(&mut asked);
        AccessSession::ask(asked, &limits()).unwrap_err()
    };
    for ticket in ["", "name of a person", &"x".repeat(65)] {
        let error = refused(&|asked| asked.ticket = ticket.to_owned(), AccessNeeds::Nothing);
        assert!(matches!(error, AccessStepRefused::Asked(_)), "{ticket}");
    }
    let too_long = refused(&|asked| asked.seconds = 14_401, AccessNeeds::Nothing);
    assert_eq!(too_long, AccessStepRefused::Seconds { most: 14_400 });
    let too_long = refused(&|asked| asked.seconds = 3_601, AccessNeeds::TwoOthers);
    assert_eq!(too_long, AccessStepRefused::Seconds { most: 3_600 });
    assert!(matches!(
        refused(&|asked| asked.seconds = 59, AccessNeeds::Nothing),
        AccessStepRefused::Seconds { .. }
    ));
    let records = |count: u8| (0..count).map(|number| RecordId::from_bytes([number; 16])).collect::<Vec<_>>();
    refused(&|asked| asked.scope = AccessScope::Records(Vec::new()), AccessNeeds::Nothing);
    refused(&|asked| asked.scope = AccessScope::Records(records(21)), AccessNeeds::TwoOthers);
    refused(
        &|asked| asked.scope = AccessScope::Case(crate::CaseId::from_bytes([0; 16])),
        AccessNeeds::TwoOthers,
    );
    let mut fits = asked(AccessNeeds::TwoOthers);
    fits.scope = AccessScope::Records(records(20));
    AccessSession::ask(fits, &limits()).unwrap();
}

#[test]
fn a_session_opens_so_many_records_and_no_more() {
    let open = session(AccessNeeds::Nothing);
    let most = limits().records_per_session_max;
    let full = step(&open, AccessStep::Look(most), 1).unwrap();
    assert_eq!(step(&full, AccessStep::Look(1), 2), Err(AccessStepRefused::Exhausted { most, done: most }));
    let bounds = limits();
    assert_eq!(bounds.admit(100, 0, 0), Ok(()));
    assert_eq!(bounds.admit(101, 0, 0), Err(TooMuch::Look { most: 100, asked: 101 }));
    assert_eq!(bounds.admit(1, 500, 500), Err(TooMuch::Hour { most: 500, done: 500 }));
    assert_eq!(bounds.admit(1, 0, 1_000), Err(TooMuch::Day { most: 1_000, done: 1_000 }));
    assert_eq!(bounds.admit_program(1_000, 99_000), Ok(()));
    let passed = TooMuch::Program { most: 100_000, done: 99_001 };
    assert_eq!(bounds.admit_program(1_000, 99_001), Err(passed));
    assert!(bounds.admit_program(u64::MAX, 1).is_err(), "no number is so large that it fits again");
}

fn found(today: u64, days: &[u64], strays: u32) -> Vec<Anomaly> {
    anomalies(&Habits { now: at(0), today, days, strays }, &limits().bounds)
}

#[test]
fn too_much_is_unusual_by_fixed_bounds_and_by_ones_own() {
    let volume = |stops| vec![Anomaly { kind: AnomalyKind::Volume, stops }];
    assert_eq!(found(299, &[], 0), []);
    assert_eq!(found(300, &[], 0), volume(false));
    assert_eq!(found(800, &[], 0), volume(true));
    let quiet = [5, 5, 5, 5, 900];
    assert_eq!(found(49, &quiet, 0), [], "few are never unusual");
    assert_eq!(
        found(50, &quiet, 0),
        volume(true),
        "ten times the middle day; the excess of one day is not usual"
    );
    let busy = [40, 40, 40, 40, 40];
    assert_eq!(found(119, &busy, 0), []);
    assert_eq!(found(120, &busy, 0), volume(false));
    assert_eq!(found(120, &busy[..4], 0), [], "four days make no habit");
}

#[test]
fn what_is_off_the_matter_alerts_at_once_and_stops_at_the_third() {
    let stray = |stops| vec![Anomaly { kind: AnomalyKind::OffMatter, stops }];
    assert_eq!((found(1, &[], 0), found(1, &[], 1), found(1, &[], 3)), (vec![], stray(false), stray(true)));
}

#[test]
fn outside_of_the_working_hours_alerts() {
    let zone: ClockZone = "CET-1CEST,M3.5.0,M10.5.0/3".parse().unwrap();
    assert!(
        WorkingHours::new(zone.clone(), 18, 8).is_err() && WorkingHours::new(zone.clone(), 1, 25).is_err()
    );
    let hours = WorkingHours::new(zone, 8, 18).unwrap();
    let check = |instant: &str, expect: bool| {
        let bounds = AccessBounds { hours: Some(hours.clone()), ..AccessBounds::default() };
        let habits = Habits { now: instant.parse().unwrap(), today: 1, days: &[], strays: 0 };
        let found = anomalies(&habits, &bounds);
        assert_eq!(found.is_empty(), expect, "{instant}");
        assert!(found.iter().all(|anomaly| anomaly.kind == AnomalyKind::Hour && !anomaly.stops));
    };
    check("2026-07-01T06:00:00Z", true);
    check("2026-07-01T05:59:59Z", false);
    check("2026-07-01T16:00:00Z", false);
    check("2026-01-07T06:59:59Z", false);
    check("2026-07-04T10:00:00Z", false);
}

#[test]
fn a_blurred_text_has_the_shape_of_the_plain_one() {
    let check = |plain: &str, expect: &str| assert_eq!(blurred(plain), expect);
    check("Dear Ada, call 0171-55.", "Xxxx Xxx, xxxx 0000-00.");
    check("{\"pin\": 1234}\n\tok?", "{\"xxx\": 0000}\n\txx?");
    check("Grüße aus 東京 🙂 ٣½", "Xxxxx xxx xx x 00");
}

proptest! {
    #[test]
    fn nothing_that_can_be_read_stays_in_a_blurred_text(plain in any::<String>()) {
        let blurred = blurred(&plain);
        prop_assert_eq!(blurred.chars().count(), plain.chars().count());
        let stays = |character: char| {
            "Xx0 \n\t".contains(character) || character.is_ascii_punctuation()
        };
        prop_assert!(blurred.chars().all(stays), "{}", blurred);
    }

    /// Whatever happens in whatever order, and however the clock runs: nobody looks before those who must have agreed, nor
    /// for longer than was asked, nor at more than the limit.
    #[test]
    fn no_order_of_steps_opens_more_than_was_agreed(
        needs in prop::sample::select(&AccessNeeds::ALL[..]),
        steps in prop::collection::vec((0_u8..11, 1_u8..6, -50_000_i64..50_000), 1..60),
    ) {
        let mut session = session(needs);
        let mut second = 0;
        for (what, who, later) in steps {
            second += later;
            let now = at(second);
            let by = somebody(who);
            let step = match what {
                0 | 1 => approve(by),
                2 => deny(by),
                3 | 4 => AccessStep::Look(u64::from(who) * 40),
                5 => AccessStep::Stray,
                6 => AccessStep::End(AccessEnd::Reader),
                7 => review_of(by, true),
                8 => AccessStep::Lapse(by),
                9 => AccessStep::Withdraw(by),
                _ => AccessStep::Tick,
            };
            let before = session.clone();
            if let Ok(next) = session.after(step, now, &limits()) {
                if next.looks > before.looks {
                    let (opened, end) = (next.opened_at.unwrap(), next.expires_at.unwrap());
                    prop_assert!(now < end && before.latest < end, "a look after the end");
                    prop_assert!(end.as_second() - opened.as_second() <= 600, "longer than was asked");
                }
                session = next;
            }
            prop_assert!(session.latest >= before.latest);
            if session.state == AccessState::Withdrawn {
                prop_assert!(session.opened_at.is_none() && session.looks == 0, "nothing opened");
            }
            prop_assert!(session.records <= limits().records_per_session_max);
            let mut people: Vec<PersonId> = session.approvals.iter().map(|one| one.by.person).collect();
            people.sort_unstable();
            people.dedup();
            prop_assert_eq!(people.len(), session.approvals.len(), "everybody once");
            prop_assert!(!people.contains(&session.reader.person), "never the reader");
            if session.opened_at.is_some() {
                let needed = match needs {
                    AccessNeeds::Nothing => 0,
                    AccessNeeds::CustomerApproval => 1,
                    AccessNeeds::TwoOthers => 2,
                };
                prop_assert_eq!(people.len(), needed);
                let opened = session.opened_at.unwrap();
                prop_assert!(needs == AccessNeeds::Nothing || opened < session.answer_by, "answered in time");
            }
            if let (Some(ended), Some(expires)) = (session.ended_at, session.expires_at) {
                prop_assert!(ended <= expires);
            }
            if let Some(AccessReview::Done { by, .. }) = session.review {
                prop_assert!(!people.contains(&by.person) && by.person != session.reader.person);
                prop_assert!(session.lapsed.iter().all(|one| one.by.person != by.person));
            }
        }
    }

    #[test]
    fn a_session_comes_back_from_text_as_it_was(ticks in prop::collection::vec(0_i64..100, 0..5)) {
        let mut session = session(AccessNeeds::TwoOthers);
        for (number, second) in ticks.iter().enumerate() {
            let by = somebody(u8::try_from(number).unwrap() + 2);
            session = session.after(approve(by), at(*second), &limits()).unwrap_or(session);
        }
        let text = serde_json::to_string(&session).unwrap();
        prop_assert_eq!(serde_json::from_str::<AccessSession>(&text).unwrap(), session);
    }
}
