//! Parts that are refused half way, clients that leave early, clocks that go back: what was acknowledged stays true.

use crate::world::{World, anthropic};
use fiducia_custody::{AdminCommand, AnswerOutcome, Notice};
use fiducia_policy::{Agreement, ConversationId, GroundKind, Plan};

/// Draws of randomness after which one fails, in turn: more than the work below needs.
const DRAWS_MAX: u64 = 48;

fn texts_of(world: &World) -> Vec<String> {
    let shown = world.conversations().into_iter().map(|id| world.show(id, GroundKind::Service).unwrap());
    shown.flat_map(|content| content.records).flat_map(|record| record.texts).map(|(_, text)| text).collect()
}

#[test]
fn what_was_acknowledged_is_whole_wherever_the_randomness_failed() {
    let mut refused = 0;
    for draws in 0..DRAWS_MAX {
        let mut world = World::new();
        world.refuse_randomness_after(draws);
        let (mut history, mut acknowledged) = (Vec::new(), Vec::new());
        for turn in 0..3 {
            history.push(format!("question {turn}"));
            let body = anthropic(&history.iter().map(String::as_str).collect::<Vec<_>>());
            let answer = format!("answer {turn}");
            // A client that was refused asks again.
            while !world.is_exchanged(&body, &answer) {
                refused += 1;
            }
            acknowledged.push(answer.clone());
            history.push(answer);
        }
        world.refuse_randomness_after(u64::MAX);
        world.reopen();
        let texts = texts_of(&world);
        for answer in &acknowledged {
            let times = texts.iter().filter(|text| *text == answer).count();
            assert_eq!(times, 1, "{answer} after {draws} draws: {texts:?}");
        }
        for id in world.conversations() {
            for record in world.show(id, GroundKind::Service).unwrap().records {
                let whole = record.row.kind != "request" || record.raw.starts_with(r#"{"model": "scripted""#);
                assert!(whole, "the beginning of a request is lost after {draws} draws: {}", record.raw);
            }
        }
    }
    assert!(refused >= 20, "the failures must hit something: only {refused} did");
}

#[test]
fn a_request_that_cannot_be_staged_does_not_spoil_the_next_one() {
    let mut world = World::new();
    let mut unfit = world.opening(&anthropic(&["a long enough first request"]));
    unfit.body = unfit.body.slice(..20);
    assert!(world.begin_with(unfit).is_none(), "its outline does not fit its body");
    world.exchange(&anthropic(&["second"]), "answer");
    world.reopen();
    assert_eq!(texts_of(&world), ["second", "answer"], "the person's keys were stored");
}

#[test]
fn an_import_that_fails_half_way_is_completed_by_sending_it_again() {
    let lines: Vec<String> = (0..3)
        .map(|i| {
            format!(
                r#"{{"id":"c{i}","messages":[{{"role":"user","content":"q{i}"}},{{"role":"assistant","content":"a{i}"}},{{"role":"user","content":"r{i}"}},{{"role":"assistant","content":"b{i}"}}]}}"#
            )
        })
        .collect();
    let mut refused = 0;
    for draws in 0..DRAWS_MAX {
        let world = World::new();
        world.refuse_randomness_after(draws);
        while world.try_import(&lines).is_err() {
            refused += 1;
        }
        world.refuse_randomness_after(u64::MAX);
        let sizes: Vec<_> = world.conversations().into_iter().map(|id| world.records(id).len()).collect();
        assert_eq!(sizes, [2, 2, 2], "all turns of all conversations, after {draws} draws");
    }
    assert!(refused >= 20, "the failures must hit something: only {refused} did");
}

#[test]
fn an_envelope_is_found_whatever_order_the_requests_began_in() {
    let world = World::new();
    world.exchange(&anthropic(&["one"]), "uno");
    // Its arrival comes first and its storage second, as with a large body that took its time.
    let slow =
        world.opening(&anthropic(&["one", "uno", "slow"]).replace("max_tokens\": 10", "max_tokens\": 99"));
    let quick =
        world.opening(&anthropic(&["one", "uno", "quick"]).replace("max_tokens\": 10", "max_tokens\": 99"));
    assert!(world.begin_with(quick).is_some() && world.begin_with(slow).is_some());
    let content = world.show(world.conversations()[0], GroundKind::Service).unwrap();
    let requests: Vec<_> = content.records.iter().filter(|record| record.row.kind == "request").collect();
    assert_eq!(requests.len(), 3);
    for request in requests {
        assert!(request.raw.starts_with(r#"{"model""#) && request.raw.ends_with("]}"), "{}", request.raw);
    }
}

#[test]
fn a_client_that_leaves_before_its_request_is_stored_leaves_nothing_open() {
    let world = World::new();
    for _ in 0..50 {
        drop(world.custody().begin(world.opening(&anthropic(&["gone at once"]))).unwrap());
    }
    let open = world.begin(&anthropic(&["still here"]));
    settle(&world);
    assert_eq!(world.custody().metrics().open_exchanges, 1);
    world.answer(open, "answer", AnswerOutcome::Complete);
    settle(&world);
    assert_eq!(world.custody().metrics().open_exchanges, 0);
}

/// Lets the writer finish its turns: what it counts at the end of one is there when the next is answered.
fn settle(world: &World) {
    for _ in 0..3 {
        world.custody().administer(AdminCommand::NamePerson { name: "tester".to_owned() }).unwrap();
    }
}

#[test]
fn the_data_stay_locked_while_an_exchange_is_under_way() {
    let mut world = World::new();
    let open = world.begin(&anthropic(&["under way"]));
    world.forget_custody();
    let refused = world.open_again().unwrap_err().to_string();
    assert!(refused.contains("in use by another process"), "{refused}");
    world.answer(open, "kept", AnswerOutcome::Complete);
}

#[test]
fn a_store_that_is_repaired_is_found_although_the_clock_was_set_back() {
    let mut world = World::new();
    world.exchange(&anthropic(&["before"]), "kept");
    let (records, away) = (world.data().join("records"), world.data().join("records-away"));
    std::fs::rename(&records, &away).unwrap();
    // Any failed commit makes the writer open its files again, which cannot be done now.
    let mut draws = 0;
    while world.custody().is_ready().is_ok() {
        world.refuse_randomness_after(draws);
        assert!(
            !world.is_exchanged(&anthropic(&["lost"]), "lost") || draws < 40,
            "no failure takes the store down"
        );
        draws += 1;
    }
    world.refuse_randomness_after(u64::MAX);
    // One a second tries whether the store is up again; it is not.
    assert!(!world.is_exchanged(&anthropic(&["lost"]), "lost"));
    assert!(world.begin_with(world.opening(&anthropic(&["refused"]))).is_none());
    std::fs::rename(&away, &records).unwrap();
    world.set_clock_back_days(1);
    world.exchange(&anthropic(&["after"]), "again");
    assert!(world.custody().is_ready().is_ok());
    world.reopen();
    let texts = texts_of(&world);
    assert!(texts.contains(&"kept".to_owned()) && texts.contains(&"again".to_owned()), "{texts:?}");
}

#[test]
fn a_change_to_an_exchange_that_is_not_kept_is_in_the_ledger_all_the_same() {
    let mut world = World::new();
    world.use_new_organization("forgetful", Plan::Enterprise, Agreement::ZeroRetention);
    let mut opening = world.opening(&anthropic(&["canary-31d4"]));
    opening.notices = vec![Notice {
        code: "model-alias".to_owned(),
        asked: "alias".to_owned(),
        served: "model".to_owned(),
    }];
    let open = world.begin_with(opening).unwrap();
    world.answer(open, "canary-77aa", AnswerOutcome::Complete);
    assert!(world.ledger_kinds().contains(&"routing_notice".to_owned()));
    world.close();
    world.assert_absent(&["canary-31d4", "canary-77aa"]);
}

#[test]
fn a_name_of_a_model_is_no_place_for_a_prompt() {
    let mut world = World::new();
    let long = format!("{}canary-5e1f", "x".repeat(1_000));
    world.exchange(&anthropic(&["hello"]).replace("\"scripted\"", &format!("\"{long}\"")), "hi");
    assert!(world.records(world.conversations()[0]).iter().all(|row| row.model.len() <= 256));
    world.close();
    world.assert_absent(&["canary-5e1f"]);
}

#[test]
fn no_content_is_in_a_debug_format() {
    let world = World::new();
    let opening = world.opening(&anthropic(&["canary-0f0f"]));
    let lines = vec!["canary-1a1a".to_owned()];
    let import = AdminCommand::ImportLines { job: [0; 16], first_line: 1, lines };
    for shown in [format!("{opening:?}"), format!("{import:?}")] {
        assert!(!shown.contains("canary"), "{shown}");
    }
}

#[test]
fn a_chunk_that_arrives_twice_at_once_is_stored_once() {
    let world = World::new();
    let line = r#"{"id":"c","messages":[{"role":"user","content":"q"},{"role":"assistant","content":"a"}]}"#
        .to_owned();
    let outcomes = world.import_twice_at_once(&[line]);
    assert_eq!(outcomes.iter().map(|outcome| outcome.records).sum::<u64>(), 1);
    let conversations: Vec<ConversationId> = world.conversations();
    assert_eq!(conversations.len(), 1, "no conversation without records");
    assert_eq!(world.records(conversations[0]).len(), 1);
}

#[test]
fn a_ledger_that_is_repaired_goes_on_and_lacks_nothing() {
    let mut world = World::new();
    world.exchange(&anthropic(&["before"]), "kept");
    let (ledger, away) = (world.data().join("ledger"), world.data().join("ledger-away"));
    std::fs::rename(&ledger, &away).unwrap();
    while world.custody().is_ready().is_ok() {
        world.is_exchanged(&anthropic(&["meanwhile"]), "kept or refused");
    }
    assert!(world.begin_with(world.opening(&anthropic(&["refused"]))).is_none());
    std::fs::rename(&away, &ledger).unwrap();
    while world.custody().is_ready().is_err() {
        std::thread::yield_now();
    }
    world.exchange(&anthropic(&["after"]), "again");
    let batches = world.custody().metrics().batches;
    let logged = world.ledger_kinds().iter().filter(|kind| *kind == "capture_batch").count();
    assert_eq!(u64::try_from(logged).unwrap(), batches, "one entry for each group, none twice");
    world.verify_ledger();
}
