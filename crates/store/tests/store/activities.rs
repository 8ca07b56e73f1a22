//! The feed against what a list in memory would give: every filter, both directions, inserts between pages.

use fiducia_policy::{ActivityId, OrganizationId, Timestamp};
use fiducia_store::{ActivityFilter, ActivityKey, ActivityRecord, ActivityStore};
use proptest::prelude::*;

fn row(number: u8, at: i64, organization: u8, kind: u8, actor: Option<u8>) -> ActivityRecord {
    ActivityRecord {
        id: ActivityId::from_bytes([number; 16]),
        created_at: Timestamp::from_microsecond(at).unwrap(),
        organization: (organization > 0).then(|| OrganizationId::from_bytes([organization; 16])),
        kind: format!("kind_{kind}"),
        actor: actor.map(|actor| [actor; 16]),
        body: vec![number],
    }
}

fn store() -> (tempfile::TempDir, ActivityStore) {
    let folder = tempfile::tempdir().unwrap();
    let store = ActivityStore::open(&folder.path().join("activities.db")).unwrap();
    (folder, store)
}

/// What the filter lets through, in order.
fn expected(
    rows: &[ActivityRecord],
    filter: &ActivityFilter,
    is_newest_first: bool,
    limit: usize,
) -> Vec<ActivityRecord> {
    let mut found: Vec<ActivityRecord> = rows
        .iter()
        .filter(|row| filter.organizations.as_ref().is_none_or(|all| all.contains(&row.organization)))
        .filter(|row| filter.kinds.as_ref().is_none_or(|all| all.contains(&row.kind)))
        .filter(|row| !filter.excluded_kinds.contains(&row.kind))
        .filter(|row| {
            filter.actors.as_ref().is_none_or(|all| row.actor.is_some_and(|actor| all.contains(&actor)))
        })
        .filter(|row| filter.after < row.key() && row.key() < filter.before)
        .cloned()
        .collect();
    found.sort_by_key(ActivityRecord::key);
    if is_newest_first {
        found.reverse();
    }
    found.truncate(limit);
    found
}

fn any_rows() -> impl Strategy<Value = Vec<ActivityRecord>> {
    let one = (0_i64..12, 0_u8..3, 0_u8..4, prop::option::of(0_u8..3));
    prop::collection::vec(one, 0..60).prop_map(|all| {
        let numbered = all.into_iter().zip(0_u8..);
        numbered
            .map(|((at, organization, kind, actor), number)| row(number, at, organization, kind, actor))
            .collect()
    })
}

fn any_filter() -> impl Strategy<Value = ActivityFilter> {
    let organizations = prop::option::of(prop::collection::vec(0_u8..4, 0..3));
    let kinds = prop::option::of(prop::collection::vec(0_u8..5, 0..3));
    let excluded = prop::collection::vec(0_u8..5, 0..3);
    let actors = prop::option::of(prop::collection::vec(0_u8..4, 0..3));
    (organizations, kinds, excluded, actors, prop::option::of(0_i64..12), prop::option::of(0_i64..12))
        .prop_map(|(organizations, kinds, excluded, actors, from, until)| {
            let id = |number: u8| (number > 0).then(|| OrganizationId::from_bytes([number; 16]));
            let name = |number: u8| format!("kind_{number}");
            ActivityFilter {
                organizations: organizations.map(|all| all.into_iter().map(id).collect()),
                kinds: kinds.map(|all| all.into_iter().map(name).collect()),
                excluded_kinds: excluded.into_iter().map(name).collect(),
                actors: actors.map(|all| all.into_iter().map(|actor| [actor; 16]).collect()),
                after: from.map_or(ActivityKey::FIRST, ActivityKey::before),
                before: until.map_or(ActivityKey::LAST, ActivityKey::from),
            }
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_page_is_what_the_filter_says(rows in any_rows(), filters in prop::collection::vec((any_filter(), any::<bool>(), 1_u32..70), 1..12)) {
        let (_folder, mut store) = store();
        store.enter(&rows, None).unwrap();
        for (filter, is_newest_first, limit) in filters {
            let page = store.page(&filter, is_newest_first, limit).unwrap().unwrap();
            let wanted = expected(&rows, &filter, is_newest_first, usize::try_from(limit).unwrap());
            prop_assert_eq!(page, wanted, "{:?}", filter);
        }
    }

    #[test]
    fn a_walk_meets_every_row_once_while_others_are_entered(
        rows in any_rows(),
        filter in any_filter(),
        is_newest_first in any::<bool>(),
        limit in 1_u32..9,
        later in prop::collection::vec(1_usize..4, 0..12),
    ) {
        let (_folder, mut store) = store();
        let (first, mut rest) = rows.split_at(rows.len() / 2);
        store.enter(first, None).unwrap();
        let (mut walked, mut left, mut later) = (Vec::new(), filter.clone(), later.into_iter());
        loop {
            let page = store.page(&left, is_newest_first, limit).unwrap().unwrap();
            let Some(last) = page.last().map(ActivityRecord::key) else { break };
            if is_newest_first { left.before = last } else { left.after = last }
            walked.extend(page.into_iter().map(|row| row.key()));
            let (entered, remaining) = rest.split_at(later.next().unwrap_or(0).min(rest.len()));
            store.enter(entered, None).unwrap();
            // Entering again what is there changes nothing.
            store.enter(first, None).unwrap();
            rest = remaining;
        }
        let ordered = walked.windows(2).all(|pair| if is_newest_first { pair[0] > pair[1] } else { pair[0] < pair[1] });
        prop_assert!(ordered, "doubled or out of order: {:?}", walked);
        for row in expected(first, &filter, false, usize::MAX) {
            prop_assert!(walked.contains(&row.key()), "skipped: {:?}", row);
        }
    }
}

#[test]
fn what_was_reached_is_noted_with_the_rows_and_never_goes_back() {
    let (folder, mut store) = store();
    let one = OrganizationId::from_bytes([1; 16]);
    assert_eq!(store.reached(one).unwrap(), 0);
    store.enter(&[row(1, 5, 1, 0, None)], Some((one, 7))).unwrap();
    store.enter(&[], Some((one, 3))).unwrap();
    let again = ActivityStore::open_for_reading(&folder.path().join("activities.db")).unwrap();
    assert_eq!((again.reached(one).unwrap(), again.count().unwrap()), (7, 1));
    assert_eq!(again.reached(OrganizationId::from_bytes([2; 16])).unwrap(), 0);
}

#[test]
fn what_is_too_old_is_dropped_in_steps_oldest_first() {
    let (_folder, mut store) = store();
    let rows: Vec<_> = (0..10).map(|number| row(number, i64::from(number), 1, 0, Some(1))).collect();
    store.enter(&rows, None).unwrap();
    let before = Timestamp::from_microsecond(6).unwrap();
    assert_eq!(store.drop_before(before, 4).unwrap(), 4);
    assert_eq!(store.drop_before(before, 4).unwrap(), 2);
    assert_eq!(store.drop_before(before, 4).unwrap(), 0);
    assert_eq!(store.page(&ActivityFilter::default(), false, 100).unwrap().unwrap(), rows[6..]);
}

#[test]
fn a_secret_is_made_once() {
    let (_folder, mut store) = store();
    assert_eq!(store.secret("cursors", &[1; 32]).unwrap(), [1; 32]);
    assert_eq!(store.secret("cursors", &[2; 32]).unwrap(), [1; 32]);
}

#[test]
fn too_many_combinations_are_not_merged() {
    let (_folder, mut store) = store();
    let rows: Vec<_> = (0..70).map(|number| row(number, 0, number + 1, number, None)).collect();
    store.enter(&rows, None).unwrap();
    let kinds = |count: u8| Some((0..count).map(|kind| format!("kind_{kind}")).collect());
    let page = |kinds| store.page(&ActivityFilter { kinds, ..ActivityFilter::default() }, true, 9).unwrap();
    assert_eq!(page(kinds(70)), None);
    assert_eq!(page(kinds(58)).unwrap().len(), 9);
}
