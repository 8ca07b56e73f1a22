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
/// Everything here fits together; only who remembers another history sees it.
const BY_MEMORY: Caught =
    Caught { verify: false, audit: false, go: false, python: false, kept: true, witness: true };

const ATTACKS: [Attack; 8] = [
    Attack { name: "an entry is flipped", caught: BY_EVERYBODY, make: flip_entry },
    Attack { name: "a tile is flipped", caught: BY_EVERYBODY, make: flip_tile },
    Attack { name: "the log is cut back to an earlier state", caught: BY_AUDIT, make: cut_back },
    Attack { name: "an access is dated back, and the history signed anew", caught: BY_AUDIT, make: redate },
    Attack { name: "an access is hidden, and the history signed anew", caught: BY_AUDIT, make: hide },
    Attack {
        name: "a public entry about a look is hidden, and the history signed anew",
        caught: BY_AUDIT,
        make: hide_public,
    },
    Attack {
        name: "history and database are rewritten together, and the history signed anew",
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

/// The first entry in the public format of Access Transparency goes; that somebody looked stays in the log.
fn hide_public(stand: &Stand, data: &Path) {
    let mut hidden = 0;
    stand.log.rewrite(data, &stand.keyfile(), |leaf| {
        let is_it = hidden == 0 && matches!(leaf.event, Event::AccessTransparency(_));
        hidden += usize::from(is_it);
        (!is_it).then_some(leaf)
    });
    assert_eq!(hidden, 1, "staff looked, so that there is a public entry");
}

fn rewrite_both(stand: &Stand, data: &Path) {
    with_last_access(stand, data, |mut leaf| {
        if let Event::RecordAccess(access) = &mut leaf.event {
            access.ticket = Some("CASE-2".to_owned());
        }
        Some(leaf)
    });
    let control = rusqlite::Connection::open(data.join("control.db")).unwrap();
    let changed =
        control.execute("UPDATE accesses SET ticket = 'CASE-2' WHERE ticket = 'CASE-1'", []).unwrap();
    assert_eq!(changed, 1);
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
