use fiducia_ledger::{Event, EventId, Leaf, Ledger, LogKeys, SigningKey};
use fiducia_policy::{ActivityId, Clock};

use super::*;

const ORIGIN: &str = "ledger.test";

struct Noon;

impl Clock for Noon {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(1_795_000_000).unwrap()
    }
}

fn organization(number: u8) -> OrganizationId {
    OrganizationId::from_bytes([number; 16])
}

fn keys() -> LogKeys {
    SigningKey::from_seed(ORIGIN, [5; 32].into()).unwrap().into()
}

/// A leaf by its id. Rows have the ids of their leaves, so one that is no event's number cannot be shown.
fn leaf(id: &str) -> Leaf {
    Leaf { id: EventId::new(id).unwrap(), at: Noon.now(), event: Event::OrganizationCreated {} }
}

fn readable(number: u8) -> Leaf {
    let id = ActivityId::from_bytes([number; 16]).to_string();
    leaf(&id.replace("activity_", "event_"))
}

/// A version that can show what the present one cannot.
fn newer(organization: OrganizationId, index: u64, entry: &[u8]) -> Option<ActivityRecord> {
    project(organization, index, entry).or_else(|| {
        let template = readable(1).to_entry(organization).unwrap();
        let row = project(organization, index, &template)?;
        Some(ActivityRecord { id: ActivityId::from_bytes([200; 16]), ..row })
    })
}

struct Stand {
    folder: tempfile::TempDir,
    ledger: Ledger,
}

impl Stand {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let place = DataDirectory::ledger(folder.path());
        let ledger = Ledger::open(&place, ORIGIN, keys(), Arc::new(Noon)).unwrap();
        Self { folder, ledger }
    }

    fn publish(&mut self, organization: OrganizationId, leaves: Vec<Leaf>) {
        let batch: Vec<_> = leaves.into_iter().map(|leaf| (organization, leaf)).collect();
        self.ledger.append(&batch).unwrap();
        self.ledger.publish().unwrap();
    }

    fn feed(&self, projection: Projection) -> (Feed, JoinHandle<()>) {
        let root = self.folder.path();
        let documents = keys().document_key().verifier();
        let names =
            LedgerNames::new(ORIGIN.to_owned(), documents, keys().public(ORIGIN).unwrap(), Arc::new(Noon));
        let store = ActivityStore::open(&DataDirectory::activities(root)).unwrap();
        let control = ControlStore::open(&DataDirectory::control(root)).unwrap();
        Feed::start_with(projection, root, names, store, control).unwrap()
    }

    fn reached(&self, organization: OrganizationId) -> u64 {
        let store = ActivityStore::open(&DataDirectory::activities(self.folder.path())).unwrap();
        store.reached(organization).unwrap()
    }

    fn rows(&self) -> u64 {
        ActivityStore::open(&DataDirectory::activities(self.folder.path())).unwrap().count().unwrap()
    }
}

#[test]
fn an_entry_that_cannot_be_shown_holds_its_own_log_up_and_is_left_out_of_nothing() {
    let mut stand = Stand::new();
    let (first, second) = (organization(1), organization(2));
    let strange = || leaf("event_of_a_newer_version");
    stand.publish(first, vec![readable(1), readable(2), strange(), readable(3)]);
    stand.publish(second, vec![readable(4)]);
    let (feed, thread) = stand.feed(project);
    feed.published(vec![first, second]);
    feed.settle();
    assert_eq!((stand.reached(first), stand.reached(second)), (2, 1));
    assert_eq!((stand.rows(), feed.held_up()), (3, 1));
    // It stays where it is, and the others go on.
    stand.publish(first, vec![readable(5)]);
    stand.publish(second, vec![readable(6)]);
    feed.published(vec![first, second]);
    feed.settle();
    assert_eq!((stand.reached(first), stand.reached(second)), (2, 2));
    assert_eq!((stand.rows(), feed.held_up()), (4, 1));
    feed.stop();
    thread.join().unwrap();

    let (feed, thread) = stand.feed(newer);
    feed.published(vec![first]);
    feed.settle();
    assert_eq!((stand.reached(first), stand.rows(), feed.held_up()), (5, 7, 0), "nothing was left out");
    feed.stop();
    thread.join().unwrap();
}

#[test]
fn a_log_whose_first_entry_cannot_be_shown_lets_others_and_the_end_of_the_program_through() {
    let mut stand = Stand::new();
    stand.publish(organization(1), vec![leaf("event_x")]);
    stand.publish(organization(2), vec![readable(4)]);
    let (feed, thread) = stand.feed(project);
    feed.published(vec![organization(1), organization(2)]);
    feed.settle();
    assert_eq!((stand.reached(organization(1)), stand.rows(), feed.held_up()), (0, 1, 1));
    feed.stop();
    thread.join().unwrap();
}
