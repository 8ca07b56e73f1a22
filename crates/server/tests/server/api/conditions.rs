//! Tags and cursors: what changed meanwhile, and where a list goes on.

use std::collections::BTreeSet;

use serde_json::json;

use super::{Stand, no, yes};

#[test]
fn what_is_still_the_same_is_not_sent_again() {
    let stand = Stand::new();
    let ada = stand.person("ada");
    let first = stand.get(&ada, "/consents").is(200);
    let tag = first.header("etag").unwrap().to_owned();
    let headers = [("authorization", ada.bearer()), ("if-none-match", tag.clone())];
    let ask = || {
        let headers: Vec<(&str, &str)> =
            headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        stand.call("GET", "/consents", &headers, "")
    };
    let same = ask().is(304);
    assert_eq!((same.header("etag"), same.body.len()), (Some(tag.as_str()), 0));
    stand.post(&ada, "/consents/choices", &yes()).is(201);
    let changed = ask().is(200);
    assert_ne!(changed.header("etag"), Some(tag.as_str()));
}

#[test]
fn a_change_can_depend_on_what_it_changes() {
    let stand = Stand::new();
    let ada = stand.person("ada");
    let tag = stand.get(&ada, "/consents").header("etag").unwrap().to_owned();
    let send = |tag: &str, body: &serde_json::Value| {
        stand.post_with(&ada, "/consents/choices", &[("if-match", tag)], body)
    };
    send(&tag, &yes()).is(201);
    assert_eq!(send(&tag, &no()).is(412).problem(), "precondition");
    assert_eq!(send("W/\"weak\"", &no()).is(412).problem(), "precondition");
    let tag = stand.get(&ada, "/consents").header("etag").unwrap().to_owned();
    send(&tag, &no()).is(201);
    send("*", &yes()).is(201);
    let nothing = stand.post_with(&ada, "/privacy-signal", &[("if-match", "\"x\"")], &json!({})).is(400);
    assert_eq!(nothing.problem(), "invalid");
    // A request is stepped by whoever saw its latest state.
    let made = stand.post(&ada, "/requests", &json!({"kind": "access"})).is(201);
    let path = made.header("location").unwrap().strip_prefix("/api/v1").unwrap().to_owned();
    let tag = stand.get(&ada, &path).is(200).header("etag").unwrap().to_owned();
    let withdraw =
        |tag: &str| stand.post_with(&ada, &format!("{path}/withdrawal"), &[("if-match", tag)], &json!({}));
    withdraw(&tag).is(200);
    withdraw(&tag).is(412);
}

#[test]
fn of_two_changes_that_saw_the_same_one_is_made() {
    let stand = Stand::new();
    let ada = stand.person("ada");
    stand.post(&ada, "/consents/choices", &yes()).is(201);
    let tag = stand.get(&ada, "/consents").header("etag").unwrap().to_owned();
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..6)
            .map(|_| {
                let (stand, ada, tag) = (&stand, &ada, tag.as_str());
                scope.spawn(move || {
                    stand.post_with(ada, "/consents/choices", &[("if-match", tag)], &no()).status
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 412).count(), 5, "{statuses:?}");
}

#[test]
fn a_list_goes_on_where_it_stopped_and_every_row_comes_once() {
    let stand = Stand::new();
    let ada = stand.person("ada");
    for number in 0..7 {
        let said = if number % 2 == 0 { yes() } else { no() };
        stand.post(&ada, "/consents/choices", &said).is(201);
    }
    let (mut ids, mut path, mut parts) = (BTreeSet::new(), "/consents/choices?limit=3".to_owned(), 0);
    loop {
        let part = stand.get(&ada, &path).is(200).json();
        parts += 1;
        for row in part["items"].as_array().unwrap() {
            assert!(ids.insert(row["id"].as_str().unwrap().to_owned()), "{row} came twice");
        }
        let Some(next) = part["next"].as_str() else { break };
        path = format!("/consents/choices?limit=3&after={next}");
    }
    assert_eq!((ids.len(), parts), (7, 3));
}

#[test]
fn a_cursor_is_worth_nothing_elsewhere() {
    let stand = Stand::new();
    let (ada, ben) = (stand.person("ada"), stand.person("ben"));
    for body in [yes(), no(), yes()] {
        stand.post(&ada, "/consents/choices", &body).is(201);
    }
    let part = stand.get(&ada, "/consents/choices?limit=1").json();
    let next = part["next"].as_str().unwrap();
    stand.get(&ada, &format!("/consents/choices?limit=2&after={next}")).is(200);
    let refused = |token, path: String| {
        assert_eq!(stand.get(token, &path).is(400).problem(), "cursor", "{path}");
    };
    refused(&ben, format!("/consents/choices?limit=1&after={next}"));
    refused(&ada, format!("/consents/choices?purpose=batch-training&after={next}"));
    refused(&ada, format!("/conversations?after={next}"));
    refused(&ada, "/consents/choices?after=1".to_owned());
    refused(&ada, format!("/consents/choices?after={next}A"));
    for wrong in ["limit=0", "limit=501", "limit=-1", "limit=x", "colour=red", "limit=1&limit=2"] {
        let answer = stand.get(&ada, &format!("/consents/choices?{wrong}")).is(400);
        assert_eq!(answer.problem(), "invalid", "{wrong}");
    }
}
