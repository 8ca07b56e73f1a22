//! Organisations with keys of their own, and services that fail: what is refused, for whom, and within which time.

use crate::world::{World, anthropic};
use fiducia_custody::{
    AdminCommand, AdminError, AdminReply, CaptureRefused, DestructionScope, OrganizationKeyCommand,
    OrganizationKeyReply, OrganizationKeyRow,
};
use fiducia_keyring::{KeyManagementService, KeyfileKms, KmsProblem, RootBinding, RootWrap};
use fiducia_policy::{Agreement, GroundKind, OrganizationId, Plan, Randomness, RandomnessUnavailable};
use fiducia_store::{DataDirectory, Edge, KeyKind, KeyStore};

/// How soon the keeper comes by again, in minutes, generously.
const SOON_MINUTES: i64 = 6;

pub(crate) fn command(
    world: &World,
    command: OrganizationKeyCommand,
) -> Result<OrganizationKeyReply, AdminError> {
    match world.custody().administer(AdminCommand::OrganizationKey(command))? {
        AdminReply::OrganizationKey(reply) => Ok(reply),
        other => panic!("reply {other:?}"),
    }
}

pub(crate) fn set(world: &World, key: &str) -> Result<OrganizationKeyRow, AdminError> {
    world.make_service_key(key);
    let (organization, service, actor) = (world.organization(), "files".to_owned(), "tester".to_owned());
    row(command(world, OrganizationKeyCommand::Set { organization, service, key: key.to_owned(), actor })?)
}

pub(crate) fn clear(world: &World) -> Result<OrganizationKeyRow, AdminError> {
    let (organization, actor) = (world.organization(), "tester".to_owned());
    row(command(world, OrganizationKeyCommand::Clear { organization, actor })?)
}

pub(crate) fn rotate(world: &World, organization: Option<OrganizationId>) -> Vec<OrganizationKeyRow> {
    match command(world, OrganizationKeyCommand::Rotate { organization, actor: "tester".to_owned() }).unwrap()
    {
        OrganizationKeyReply::Rotated(rows) => rows,
        OrganizationKeyReply::Key(row) => panic!("reply {row:?}"),
    }
}

fn show(world: &World, organization: Option<OrganizationId>) -> OrganizationKeyRow {
    row(command(world, OrganizationKeyCommand::Show { organization }).unwrap()).unwrap()
}

#[expect(clippy::unnecessary_wraps, reason = "replies are unwrapped like everything else that may fail")]
fn row(reply: OrganizationKeyReply) -> Result<OrganizationKeyRow, AdminError> {
    match reply {
        OrganizationKeyReply::Key(row) => Ok(row),
        OrganizationKeyReply::Rotated(rows) => panic!("reply {rows:?}"),
    }
}

fn refused(world: &World) -> CaptureRefused {
    world.custody().begin(world.opening(&anthropic(&["refused"]))).unwrap_err()
}

/// Whether the conversation that the world holds can be read.
fn reads(world: &World) -> Result<(), AdminError> {
    world.show(world.conversations()[0], GroundKind::Service).map(drop)
}

/// A world whose organisation has a key of its own and a conversation from before and after.
fn with_own_key() -> World {
    let mut world = World::new();
    world.exchange(&anthropic(&["before"]), "uno");
    set(&world, "mine").unwrap();
    world.exchange(&anthropic(&["after"]), "dos");
    world.reopen();
    world
}

#[test]
fn an_organisation_under_its_own_key_reads_what_it_had_and_adds_more() {
    let mut world = World::new();
    world.exchange(&anthropic(&["before"]), "uno");
    let organization = world.organization();
    assert!(!world.custody().has_own_key(organization));
    let row = set(&world, "mine").unwrap();
    assert!(row.is_own && row.is_open && row.service == "files" && row.key == "mine", "{row:?}");
    world.exchange(&anthropic(&["after"]), "dos");
    world.reopen();
    assert!(world.custody().has_own_key(organization));
    assert_eq!(world.conversations().len(), 2);
    for id in world.conversations() {
        world.show(id, GroundKind::Service).unwrap();
    }
    let validate = OrganizationKeyCommand::Validate {
        organization: Some(organization),
        actor: Some("tester".to_owned()),
    };
    command(&world, validate).unwrap();
    assert!(!clear(&world).unwrap().is_own);
    world.services().break_key("mine", KmsProblem::Destroyed);
    world.reopen();
    reads(&world).unwrap();
    let kinds = world.ledger_kinds();
    for kind in ["org_external_key_created", "org_external_key_validated", "org_external_key_deleted"] {
        assert_eq!(kinds.iter().filter(|found| *found == kind).count(), 1, "{kind} in {kinds:?}");
    }
    world.verify_ledger();
}

#[test]
fn a_service_that_does_not_open_a_throw_away_key_is_not_taken() {
    let world = World::new();
    world.exchange(&anthropic(&["before"]), "uno");
    world.make_service_key("broken");
    for problem in KmsProblem::ALL {
        world.services().break_key("broken", problem);
        let text = set(&world, "broken").unwrap_err().to_string();
        assert!(text.contains(problem.code()) && text.contains("nothing of it is lost"), "{text}");
    }
    assert!(!world.custody().has_own_key(world.organization()));
    let unknown = OrganizationKeyCommand::Set {
        organization: world.organization(),
        service: "nowhere".to_owned(),
        key: "k".to_owned(),
        actor: "tester".to_owned(),
    };
    assert!(command(&world, unknown).unwrap_err().to_string().contains("key_service_not_configured"));
    reads(&world).unwrap();
}

#[test]
fn who_says_no_closes_its_organisation_within_the_hour_and_nobody_elses() {
    for problem in [KmsProblem::Disabled, KmsProblem::Destroyed, KmsProblem::Denied, KmsProblem::NotFound] {
        let mut world = with_own_key();
        let (first, secret) = (world.organization(), world.opening(&anthropic(&["still"])));
        world.services().break_key("mine", problem);
        world.advance_minutes(SOON_MINUTES);
        world.custody().refresh_keys();
        assert_eq!(refused(&world), CaptureRefused::Key(problem));
        assert!(refused(&world).to_string().contains(problem.code()));
        let text = reads(&world).unwrap_err().to_string();
        assert!(text.contains(problem.code()), "{text}");
        let row = show(&world, Some(first));
        assert!(!row.is_open && row.problem.unwrap().contains(problem.code()));
        world.use_new_organization("second tenant", Plan::Enterprise, Agreement::Standard);
        world.exchange(&anthropic(&["of another"]), "is served");
        assert!(world.custody().begin(secret).is_err(), "the first stays closed");
        world.services().mend("mine");
        world.advance_minutes(1);
        world.custody().refresh_keys();
        assert!(show(&world, Some(first)).is_open);
    }
}

#[test]
fn what_was_opened_is_given_up_within_the_hour_when_its_service_falls_silent() {
    for problem in [KmsProblem::Unreachable, KmsProblem::Slow, KmsProblem::Throttled, KmsProblem::Malformed] {
        let world = with_own_key();
        world.services().break_key("mine", problem);
        for _ in 0..8 {
            world.advance_minutes(SOON_MINUTES);
            world.custody().refresh_keys();
            world.exchange(&anthropic(&["while it is away"]), "it goes on");
        }
        world.advance_minutes(12);
        // Nobody came by meanwhile: time alone closes it.
        assert!(matches!(refused(&world), CaptureRefused::Key(_)), "{problem:?} after an hour");
        world.custody().refresh_keys();
        assert_eq!(refused(&world), CaptureRefused::Key(problem));
        assert!(reads(&world).unwrap_err().to_string().contains(problem.code()));
        world.services().mend("mine");
        world.custody().refresh_keys();
        world.exchange(&anthropic(&["it came back"]), "and so do we");
        reads(&world).unwrap();
    }
}

#[test]
fn a_service_that_is_away_at_the_start_closes_its_organisation_alone() {
    let mut world = with_own_key();
    world.close();
    world.services().break_key("mine", KmsProblem::Unreachable);
    world.reopen();
    assert_eq!(refused(&world), CaptureRefused::Key(KmsProblem::Unreachable));
    world.services().mend("mine");
    world.advance_minutes(1);
    world.custody().refresh_keys();
    reads(&world).unwrap();
    world.exchange(&anthropic(&["it came back"]), "and so do we");
}

#[test]
fn what_is_destroyed_while_a_service_is_away_stays_destroyed() {
    let world = with_own_key();
    let id = world.conversations()[0];
    world.services().break_key("mine", KmsProblem::Disabled);
    world.advance_minutes(SOON_MINUTES);
    world.custody().refresh_keys();
    let report = world.destroy(DestructionScope::Conversation(id)).unwrap();
    assert!(report.keys_destroyed > 0 && report.read_back.opened == 0);
    world.services().mend("mine");
    world.custody().refresh_keys();
    assert!(!world.conversations().contains(&id) || world.show(id, GroundKind::Service).is_err());
}

#[test]
fn the_installation_moves_from_its_keyfile_to_a_service_and_back() {
    let mut world = World::new();
    world.exchange(&anthropic(&["before"]), "uno");
    world.make_service_key("ours");
    world.use_installation_key(Some("ours"), true);
    let rows = rotate(&world, None);
    assert_eq!(rows.len(), 1);
    assert!(rows[0].problem.is_none() && rows[0].service == "files", "{rows:?}");
    world.use_installation_key(Some("ours"), false);
    reads(&world).unwrap();
    world.exchange(&anthropic(&["without the file"]), "dos");
    world.close();
    world.services().break_key("ours", KmsProblem::Unreachable);
    let refused = world.open_again().unwrap_err().to_string();
    assert!(
        refused.contains("the data was not opened") && refused.contains("key_service_unreachable"),
        "{refused}"
    );
    world.services().mend("ours");
    world.use_installation_key(None, true);
    let rows = rotate(&world, None);
    assert!(rows[0].problem.is_none() && rows[0].service == "keyfile", "{rows:?}");
    world.services().break_key("ours", KmsProblem::Destroyed);
    world.reopen();
    reads(&world).unwrap();
    let kinds = world.ledger_kinds();
    assert_eq!(kinds.iter().filter(|kind| *kind == "installation_key_rewrapped").count(), 2, "{kinds:?}");
}

#[test]
fn keys_that_cannot_be_wrapped_anew_are_named_and_the_others_go_on() {
    let world = with_own_key();
    world.services().break_key("mine", KmsProblem::Throttled);
    let rows = rotate(&world, None);
    assert_eq!(rows.len(), 2);
    assert!(rows[0].problem.is_none(), "{rows:?}");
    assert!(rows[1].problem.as_ref().unwrap().contains("key_service_throttled"), "{rows:?}");
    world.services().mend("mine");
    let (before, wrapped_at) = (world.services().asked("mine"), rows[1].wrapped_at);
    let rows = rotate(&world, Some(world.organization()));
    assert!(rows[0].problem.is_none() && rows[0].wrapped_at > wrapped_at, "{rows:?}");
    assert!(world.services().asked("mine") > before);
    reads(&world).unwrap();
}

#[test]
fn roots_that_an_earlier_version_wrapped_by_the_file_are_hung_from_organisations_keys() {
    let mut world = World::new();
    world.exchange(&anthropic(&["before"]), "uno");
    let ids = world.conversations();
    world.close();
    let kms = KeyfileKms::open(&world.folder().join("root.key")).unwrap();
    let mut keys = KeyStore::open(&DataDirectory::keys(&world.data())).unwrap();
    let (program, wrap) = keys.service_wraps().unwrap().remove(0);
    let binding = RootBinding { organization: program, id: wrap.child };
    let stored = RootWrap { version: wrap.version, bytes: wrap.wrap };
    let installation = (wrap.child, kms.unwrap_root(binding, &stored).unwrap());
    let mut old = Vec::new();
    for holder in keys.roots_of_kind(KeyKind::OrganizationKey).unwrap() {
        let own = match keys.edge(holder.id).unwrap() {
            Some(edge) => installation.1.unwrap_key(installation.0, holder.id, &edge.wrap).unwrap(),
            None => installation.1.clone(),
        };
        for root in keys.children(holder.id, 100).unwrap() {
            if root.kind == KeyKind::OrganizationKey {
                continue;
            }
            let edge = keys.edge(root.id).unwrap().unwrap();
            let key = own.unwrap_key(holder.id, root.id, &edge.wrap).unwrap();
            let binding = RootBinding { organization: root.organization, id: root.id };
            let direct = kms.wrap_root(binding, &key, &Fixed).unwrap().bytes;
            old.push(Edge { child: root.id, parent: None, wrap: direct });
        }
        keys.destroy(&[holder.id], world.now()).unwrap();
    }
    keys.rehang(&old).unwrap();
    assert!(old.len() >= 3 && keys.unadopted_roots(100).unwrap().len() == old.len());
    drop(keys);
    world.reopen();
    world.show(ids[0], GroundKind::Service).unwrap();
    world.exchange(&anthropic(&["after"]), "dos");
    assert!(world.keys().unadopted_roots(100).unwrap().is_empty());
}

struct Fixed;

impl Randomness for Fixed {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), RandomnessUnavailable> {
        bytes.fill(5);
        Ok(())
    }
}

#[test]
fn what_ends_ends_also_while_its_organisation_is_closed() {
    let mut world = World::new();
    world.use_custom_organization("with an end", "30 days");
    world.exchange(&anthropic(&["it ends"]), "in a month");
    set(&world, "mine").unwrap();
    let id = *world.conversations().last().unwrap();
    world.services().break_key("mine", KmsProblem::Disabled);
    world.advance_days(90);
    world.custody().refresh_keys();
    assert_eq!(refused(&world), CaptureRefused::Key(KmsProblem::Disabled));
    let progress = world.sweep();
    assert!(progress.is_done && progress.keys_destroyed > 0, "{progress:?}");
    world.reopen();
    world.services().mend("mine");
    world.advance_minutes(1);
    world.custody().refresh_keys();
    assert!(world.show(id, GroundKind::Service).is_err());
    assert_eq!(world.sweep().keys_destroyed, 0);
    world.verify_ledger();
}
