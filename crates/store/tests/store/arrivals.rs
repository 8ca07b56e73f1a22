//! The order of arrival: nothing is passed, whatever comes late, and no place comes twice.

use fiducia_policy::{ActivityId, OrganizationId, Timestamp};
use fiducia_store::{ActivityRecord, ActivityStore};

fn row(number: u8, at: i64, organization: u8) -> ActivityRecord {
    ActivityRecord {
        id: ActivityId::from_bytes([number; 16]),
        created_at: Timestamp::from_second(at).unwrap(),
        organization: (organization > 0).then(|| OrganizationId::from_bytes([organization; 16])),
        kind: "kind".to_owned(),
        actor: (number > 1).then_some([number; 16]),
        body: vec![number],
    }
}

fn numbers(store: &ActivityStore, organization: Option<u8>, place: i64, limit: u32) -> Vec<u8> {
    let organization = organization.map(|number| OrganizationId::from_bytes([number; 16]));
    let arrived = store.arrived_after(organization, place, limit).unwrap();
    assert!(arrived.is_sorted_by(|one, next| one.0 < next.0));
    arrived.into_iter().filter_map(|(_, row)| row.body.first().copied()).collect()
}

#[test]
fn rows_are_given_in_the_order_in_which_they_came_each_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("activities.db");
    let mut store = ActivityStore::open(&path).unwrap();
    assert_eq!(store.last_arrival().unwrap(), 0);
    let rows = [row(1, 50, 1), row(2, 60, 2), row(3, 70, 0)];
    store.enter(&rows, None).unwrap();
    let place = store.last_arrival().unwrap();
    // One that happened before all others comes last, and one that is there already comes no more.
    let late = row(4, 10, 1);
    store.enter(&[late.clone(), rows[0].clone()], None).unwrap();
    assert_eq!(numbers(&store, None, 0, 10), [1, 2, 3, 4]);
    assert_eq!(numbers(&store, None, place, 10), [4]);
    assert_eq!(numbers(&store, Some(1), 0, 10), [1, 4]);
    assert_eq!(numbers(&store, Some(2), 0, 10), [2]);
    assert_eq!(numbers(&store, Some(9), 0, 10), [0; 0]);
    assert_eq!(numbers(&store, None, 0, 2), [1, 2]);
    let whole = store.arrived_after(None, place, 1).unwrap().pop().unwrap().1;
    assert_eq!(whole, late, "a row is given as it was entered");
    // What is dropped is passed over, and its place never comes again.
    store.drop_before(Timestamp::from_second(65).unwrap(), 100).unwrap();
    assert_eq!(numbers(&store, None, 0, 10), [3]);
    let before = store.last_arrival().unwrap();
    store.enter(&[row(5, 80, 1)], None).unwrap();
    assert!(store.last_arrival().unwrap() > before);
    drop(store);
    // Lost and made again: every place lies behind those of the lost file.
    let lost = before + 1;
    std::fs::remove_file(&path).unwrap();
    let mut again = ActivityStore::open(&path).unwrap();
    again.enter(&rows, None).unwrap();
    assert_eq!(numbers(&again, None, lost, 10), [1, 2, 3]);
}
