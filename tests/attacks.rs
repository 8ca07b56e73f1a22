//! Who catches which attack on a log, and who does not: each attack is made on the data of the real program.
//!
//! The table in `docs/attacks.md` is the one below; a test compares the two.

mod stand;

use std::path::Path;

use fiducia_ledger::{Event, Leaf};

use self::stand::{Caught, Stand, catchers};
use crate::harness::server::Server;
use crate::harness::site::both;

/// An attack: what it is called, who must catch it, and what it does to a copy of the data directory.
struct Attack {
    name: &'static str,
    caught: Caught,
    make: fn(&Stand, &Path),
}

/// Found by whoever looks at the files.
const BY_EVERYBODY: Caught =
    Caught { verify: true, audit: true, go: true, python: true, kept: true, witness: true };
/// The files are what was signed, and the databases know better.
const BY_AUDIT: Caught =
    Caught { verify: false, audit: true, go: false, python: false, kept: true, witness: true };
/// The log is as it was, and the databases or the feed are not.
const BESIDE_THE_LOG: Caught =
    Caught { verify: false, audit: true, go: false, python: false, kept: false, witness: true };
/// Everything here fits together; only who remembers another history sees it.
const BY_MEMORY: Caught =
    Caught { verify: false, audit: false, go: false, python: false, kept: true, witness: true };

const ATTACKS: [Attack; 12] = [
    Attack { name: "an entry is flipped", caught: BY_EVERYBODY, make: flip_entry },
    Attack { name: "a tile is flipped", caught: BY_EVERYBODY, make: flip_tile },
    Attack { name: "the log is cut back to an earlier state", caught: BY_AUDIT, make: cut_back },
    Attack { name: "an access is dated back, and the history signed anew", caught: BY_AUDIT, make: redate },
    Attack { name: "an access is hidden, and the history signed anew", caught: BY_AUDIT, make: hide },
    Attack {
        name: "a public event behind a look is hidden, and the history signed anew",
        caught: BY_AUDIT,
        make: hide_public,
    },
    Attack {
        name: "a session of reading is taken out of the database",
        caught: BESIDE_THE_LOG,
        make: forget_session,
    },
    Attack { name: "an event is hidden from the activity feed", caught: BESIDE_THE_LOG, make: hide_activity },
    Attack {
        name: "an event of the activity feed is dated back",
        caught: BESIDE_THE_LOG,
        make: redate_activity,
    },
    Attack { name: "an event is put into the activity feed", caught: BESIDE_THE_LOG, make: forge_activity },
    Attack {
        name: "history, databases and feed are rewritten together, and the history signed anew",
        caught: BY_MEMORY,
        make: rewrite_both,
    },
    Attack { name: "another history is shown to somebody else", caught: BY_MEMORY, make: fork },
];

fn flip(path: &Path) {
    let mut bytes = std::fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(path, bytes).unwrap();
}

fn flip_entry(stand: &Stand, data: &Path) {
    flip(&stand.log.folder(data).join("tile/entries/000"));
}

fn flip_tile(stand: &Stand, data: &Path) {
    flip(&stand.log.folder(data).join("tile/0/000"));
}

fn cut_back(stand: &Stand, data: &Path) {
    std::fs::remove_dir_all(data.join("ledger")).unwrap();
    crate::harness::log::copy(&stand.early.join("ledger"), &data.join("ledger"));
}

/// Applies `change` to the last access of the log, the one that everybody who remembers has seen.
fn with_last_access(stand: &Stand, data: &Path, change: impl Fn(Leaf) -> Option<Leaf>) {
    let last = stand.last_access.clone();
    stand.log.rewrite(data, &stand.keyfile(), |leaf| {
        let is_it = leaf.id.as_str() == last && matches!(leaf.event, Event::RecordAccess(_));
        if is_it { change(leaf) } else { Some(leaf) }
    });
}

fn redate(stand: &Stand, data: &Path) {
    with_last_access(stand, data, |mut leaf| {
        leaf.at = fiducia_policy::Timestamp::from_second(leaf.at.as_second() - 7_200).unwrap();
        Some(leaf)
    });
}

fn hide(stand: &Stand, data: &Path) {
    with_last_access(stand, data, |_| None);
}

/// Everything that names the case, wherever it is told or kept: the look, the end of its session, both rows and both activities.
fn rewrite_both(stand: &Stand, data: &Path) {
    stand.log.rewrite(data, &stand.keyfile(), |mut leaf| {
        let ticket = match &mut leaf.event {
            Event::RecordAccess(access) => &mut access.ticket,
            Event::AccessSession(step) => &mut step.ticket,
            _ => return Some(leaf),
        };
        if ticket.as_deref() == Some("CASE-1") {
            *ticket = Some("CASE-2".to_owned());
        }
        Some(leaf)
    });
    change(data, "control.db", "UPDATE accesses SET ticket = 'CASE-2' WHERE ticket = 'CASE-1'", 1);
    let session =
        "UPDATE access_sessions SET body = replace(body, 'CASE-1', 'CASE-2') WHERE instr(body, 'CASE-1') > 0";
    change(data, "control.db", session, 1);
    let activities =
        "UPDATE activities SET body = CAST(replace(CAST(body AS TEXT), 'CASE-1', 'CASE-2') AS BLOB)
                      WHERE instr(CAST(body AS TEXT), 'CASE-1') > 0";
    change(data, "activities.db", activities, 2);
}

/// Changes this many rows of a database.
fn change(data: &Path, database: &str, sql: &str, rows: usize) {
    let connection = rusqlite::Connection::open(data.join(database)).unwrap();
    assert_eq!(connection.execute(sql, []).unwrap(), rows, "{sql}");
}

fn hide_public(stand: &Stand, data: &Path) {
    let mut left = 1;
    stand.log.rewrite(data, &stand.keyfile(), |leaf| {
        let is_first = matches!(leaf.event, Event::AccessTransparency(_)) && std::mem::take(&mut left) > 0;
        (!is_first).then_some(leaf)
    });
    assert_eq!(left, 0, "there is a public event");
}

fn forget_session(_stand: &Stand, data: &Path) {
    change(data, "control.db", "DELETE FROM access_sessions WHERE instr(body, 'CASE-1') > 0", 1);
}

/// Which row of the feed tells of a look.
const OF_A_LOOK: &str = "(SELECT min(id) FROM activities WHERE kind = (SELECT number FROM kinds WHERE name = 'anthropic_access'))";

fn hide_activity(_stand: &Stand, data: &Path) {
    change(data, "activities.db", &format!("DELETE FROM activities WHERE id = {OF_A_LOOK}"), 1);
}

fn redate_activity(_stand: &Stand, data: &Path) {
    let back = "UPDATE activities SET created_at = created_at - 86400000000";
    change(data, "activities.db", &format!("{back} WHERE id = {OF_A_LOOK}"), 1);
}

fn forge_activity(_stand: &Stand, data: &Path) {
    let copy = "INSERT INTO activities (created_at, id, organization, kind, actor, body)
                SELECT created_at, x'0102030405060708090a0b0c0d0e0f10', organization, kind, actor, body FROM activities";
    change(data, "activities.db", &format!("{copy} WHERE id = {OF_A_LOOK}"), 1);
}

/// The installation goes on from an earlier copy of itself, with other exchanges: a second history under the same key.
fn fork(stand: &Stand, data: &Path) {
    std::fs::remove_dir_all(data).unwrap();
    crate::harness::log::copy(&stand.forked, data);
}

#[test]
fn each_attack_is_caught_by_those_who_must_and_by_nobody_else() {
    let stand = Stand::new();
    let sound = stand.attacked(|_| {});
    let nobody =
        Caught { verify: false, audit: false, go: false, python: false, kept: false, witness: false };
    let (found, said) = catchers(&stand, sound.path());
    assert_eq!(found, nobody, "before anything is attacked:\n{said}");
    for attack in ATTACKS {
        let copy = stand.attacked(|data| (attack.make)(&stand, data));
        let (found, said) = catchers(&stand, copy.path());
        assert_eq!(found, attack.caught, "{}:\n{said}", attack.name);
    }
    two_writers(&stand);
}

/// A second program finds the data locked; a copy of the data that was continued elsewhere is not served where a witness remembers.
fn two_writers(stand: &Stand) {
    let server = Server::start(&stand.site);
    let second = stand.site.run(&["serve"]);
    assert!(!second.status.success() && both(&second).contains("in use"), "{}", both(&second));
    drop(server);
    std::fs::rename(stand.site.data(), stand.site.beside("aside")).unwrap();
    crate::harness::log::copy(&stand.forked, &stand.site.data());
    let copied = stand.site.run(&["serve"]);
    std::fs::remove_dir_all(stand.site.data()).unwrap();
    std::fs::rename(stand.site.beside("aside"), stand.site.data()).unwrap();
    assert_eq!(copied.status.code(), Some(3), "{}", both(&copied));
    assert!(
        both(&copied).contains("another history") || both(&copied).contains("entries are missing"),
        "{}",
        both(&copied)
    );
}

#[test]
fn the_table_of_attacks_is_the_one_that_is_tested() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("docs/attacks.md");
    let page = std::fs::read_to_string(page).unwrap();
    for attack in ATTACKS {
        let mark = |caught| if caught { "caught" } else { "no" };
        let Caught { verify, audit, go, python, kept, witness } = attack.caught;
        assert_eq!(go, python, "one column holds both");
        let row = format!(
            "| {} | {} | {} | {} | {} | {} |",
            attack.name,
            mark(verify),
            mark(audit),
            mark(go),
            mark(kept),
            mark(witness)
        );
        assert!(page.contains(&row), "docs/attacks.md lacks the row\n{row}");
    }
}
