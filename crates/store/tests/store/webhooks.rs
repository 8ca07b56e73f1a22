//! Endpoints and deliveries: queued once, moved with their place, forgotten when their time is over.

use fiducia_policy::{
    Agreement, DisabledBecause, EventFilter, KeyId, OrganizationId, Plan, Tier, Timestamp, WebhookId,
    WorkspaceId,
};
use fiducia_store::{
    Announcement, ControlStore, NewOrganization, OrganizationRecord, OrganizationTerms, WebhookChange,
    WebhookIntake, WebhookRecord,
};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn announcement(number: u8) -> Announcement {
    Announcement {
        id: [number; 16],
        organization: OrganizationId::from_bytes([1; 16]),
        event: b"{}".to_vec(),
    }
}

fn record() -> WebhookRecord {
    WebhookRecord {
        id: WebhookId::from_bytes([7; 16]),
        organization: OrganizationId::from_bytes([1; 16]),
        url: "https://siem.example.org/".to_owned(),
        types: "a b*".parse::<EventFilter>().unwrap(),
        description: "siem".to_owned(),
        key: KeyId::from_bytes([3; 16]),
        secret: vec![1, 2, 3],
        former: None,
        place: 10,
        created_at: at(1),
        disabled: None,
        failing_since: None,
        succeeded_at: None,
    }
}

fn store() -> (tempfile::TempDir, ControlStore) {
    let folder = tempfile::tempdir().unwrap();
    let mut store = ControlStore::open(&folder.path().join("control.db")).unwrap();
    let terms = OrganizationTerms {
        plan: Plan::Enterprise,
        tier: Tier::Private,
        agreement: Agreement::Standard,
        custom_retention: None,
    };
    let organization = OrganizationRecord {
        id: OrganizationId::from_bytes([1; 16]),
        name: "o".to_owned(),
        terms,
        created_at: at(0),
    };
    let new = NewOrganization { organization, workspace: WorkspaceId::from_bytes([2; 16]) };
    store.create_organization(&new, &announcement(1)).unwrap();
    store.create_webhook(&record(), &announcement(2)).unwrap();
    (folder, store)
}

fn intake(place: i64, messages: &[&str]) -> WebhookIntake {
    let activities = messages.iter().map(|message| ((*message).to_owned(), "a".to_owned(), place)).collect();
    WebhookIntake { webhook: record().id, place, activities }
}

#[test]
fn an_endpoint_is_kept_changed_and_deleted_with_what_waited_for_it() {
    let (_folder, mut store) = store();
    let id = record().id;
    assert_eq!(store.webhook(id).unwrap(), Some(record()));
    let change = WebhookChange {
        secret: Some((vec![9], at(100))),
        disabled: Some(Some((at(5), DisabledBecause::Gone))),
        place: Some(20),
    };
    store.change_webhook(id, &change, (&announcement(3), &[])).unwrap();
    let changed = store.webhook(id).unwrap().unwrap();
    assert_eq!((changed.secret, changed.former), (vec![9], Some((vec![1, 2, 3], at(100)))));
    assert_eq!((changed.disabled, changed.place), (Some((at(5), DisabledBecause::Gone)), 20));
    store.take_activities(&[intake(30, &["one"])], at(6)).unwrap();
    store.forget_webhook_deliveries((at(0), at(0), at(100)), 10).unwrap();
    assert_eq!(store.webhook(id).unwrap().unwrap().former, None, "the overlap is over");
    assert!(store.delete_webhook(id, &announcement(4)).unwrap());
    assert!(!store.delete_webhook(id, &announcement(5)).unwrap());
    assert_eq!(store.webhook_delivery(id, "one").unwrap(), None);
    // Activities that were read before the endpoint went are queued for nobody, and hold nobody else up.
    store.take_activities(&[intake(40, &["two"])], at(7)).unwrap();
    assert_eq!(store.outbox(100).unwrap().len(), 4);
}

#[test]
fn an_activity_is_queued_once_and_forgotten_when_its_time_is_over() {
    let (_folder, mut store) = store();
    let id = record().id;
    store.take_activities(&[intake(30, &["one", "two", "three"])], at(6)).unwrap();
    // The same again, as after a crash before the place was known to have moved; and a place never goes back.
    store.take_activities(&[intake(30, &["one"]), intake(20, &[])], at(7)).unwrap();
    assert_eq!(store.webhook(id).unwrap().unwrap().place, 30);
    assert_eq!(store.webhook_deliveries_waiting(id, 2).unwrap(), 2);
    assert_eq!(store.webhook_deliveries_waiting(id, 9).unwrap(), 3);
    assert!(store.due_webhook_deliveries(id, at(5), 9).unwrap().is_empty());
    let due = store.due_webhook_deliveries(id, at(6), 9).unwrap();
    let names: Vec<&str> = due.iter().map(|delivery| delivery.message.as_str()).collect();
    assert_eq!(names, ["one", "three", "two"]);
    let ended: Vec<_> = due
        .into_iter()
        .map(|mut delivery| {
            delivery.next_attempt_at = None;
            match delivery.message.as_str() {
                "one" => delivery.delivered_at = Some(at(10)),
                _ => delivery.dead_at = Some(at(20)),
            }
            delivery
        })
        .collect();
    store.note_webhook_deliveries(&ended).unwrap();
    let counts = store.webhook_counts().unwrap();
    assert_eq!((counts.waiting, counts.dead, counts.oldest), (0, 2, None));
    let all = store.webhook_deliveries(id, false, None, 2).unwrap();
    let rest = store.webhook_deliveries(
        id,
        false,
        all.last().map(|last| (last.queued_at, last.message.as_str())),
        9,
    );
    let names: Vec<String> = all.into_iter().chain(rest.unwrap()).map(|delivery| delivery.message).collect();
    assert_eq!(names, ["two", "three", "one"]);
    assert_eq!(store.requeue_webhook_deliveries(id, Some("two"), at(30), 9).unwrap(), 1);
    assert_eq!(store.webhook_counts().unwrap().oldest, Some(at(6)));
    assert_eq!(
        store.drop_dead_webhook_deliveries(id, Some("two")).unwrap(),
        0,
        "it is no dead letter any more"
    );
    for (times, expect) in [((at(10), at(20), at(0)), false), ((at(11), at(20), at(0)), true)] {
        assert_eq!(store.webhooks_have_something_to_forget(times).unwrap(), expect);
    }
    store.forget_webhook_deliveries((at(11), at(21), at(0)), 10).unwrap();
    let left = store.webhook_deliveries(id, false, None, 9).unwrap();
    assert_eq!(left.iter().map(|delivery| delivery.message.as_str()).collect::<Vec<_>>(), ["two"]);
}

#[test]
fn the_place_of_a_log_system_never_goes_back() {
    let (_folder, mut store) = store();
    assert_eq!(store.siem_place("file:a").unwrap(), 0);
    store.note_siem_place("file:a", 7).unwrap();
    store.note_siem_place("file:a", 5).unwrap();
    store.note_siem_place("udp:b", 1).unwrap();
    assert_eq!((store.siem_place("file:a").unwrap(), store.siem_place("udp:b").unwrap()), (7, 1));
}
