//! Destructions that are cut off: the next opening finishes all of what was begun, not only the keys.
//!
//! As in [`crate::crashes`] the work runs in a child process that a planted fault aborts.

use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::certificates::certificates;
use crate::consent_world::choice;
use crate::organization_keys;
use crate::warnings::{ADDRESS, contact_keys, due_warnings, logged, set_contact, with_mail};
use crate::world::{World, anthropic, spawn};
use fiducia_custody::{DestructionScope, NewHold, RetentionCommand, RightsAction, Scope};
use fiducia_policy::{
    ConsentAct, ConsentPurpose, ConsentState, GroundKind, HoldScope, LetterKind, Plan, RequestKind,
};

/// The signal of an abort (POSIX).
const SIGABRT: i32 = 6;
const FOLDER: &str = "FIDUCIA_INTERRUPTED_FOLDER";
const WORK: &str = "FIDUCIA_INTERRUPTED_WORK";
/// The steps of every destruction, in order.
const STEPS: [&str; 4] = ["keys-destroyed", "paths-dropped", "noted", "marked-purged"];

/// The child's part; without a folder in the environment it has nothing to do.
#[test]
fn work() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    match std::env::var(WORK).unwrap().as_str() {
        "delete" => delete(&World::at(Path::new(&folder), 1)),
        "delete-record" => delete_record(&World::at(Path::new(&folder), 1)),
        "erase" => erase(&mut World::at(Path::new(&folder), 1)),
        "close-window" => drop(World::at(Path::new(&folder), 40).sweep()),
        "hold-and-sweep" => hold_and_sweep(&World::at(Path::new(&folder), 40)),
        "answer-after-delete" => answer_after_delete(&World::at(Path::new(&folder), 1)),
        "go-on-after-busy-delete" => go_on_after_busy_delete(&World::at(Path::new(&folder), 1)),
        "delete-in-vain" => delete_in_vain(&World::at(Path::new(&folder), 1)),
        "end-many" => drop(World::at(Path::new(&folder), 31).sweep()),
        "warn" => warn(&mut World::at(Path::new(&folder), 359)),
        "move-contact" => move_contact(&World::at(Path::new(&folder), 1)),
        "give" => give(&World::at(Path::new(&folder), 1)),
        "ask" => ask(&mut World::at(Path::new(&folder), 20)),
        "remind" => ask(&mut World::at(Path::new(&folder), 40)),
        "confirm" => confirm(&mut World::at(Path::new(&folder), 20)),
        "break-the-glass" => break_the_glass(&mut World::at(Path::new(&folder), 1)),
        "set-key" => drop(organization_keys::set(&World::at(Path::new(&folder), 1), "mine")),
        "clear-key" => drop(organization_keys::clear(&World::at(Path::new(&folder), 1))),
        "rotate-keys" => drop(organization_keys::rotate(&World::at(Path::new(&folder), 1), None)),
        "withdraw" => withdraw(&World::at(Path::new(&folder), 1)),
        "sweep-in-vain" => sweep_in_vain(&World::at(Path::new(&folder), 1)),
        other => panic!("no work is named {other}"),
    }
}

fn delete(world: &World) {
    let id = world.conversations()[0];
    world.destroy(DestructionScope::Conversation(id)).unwrap();
}

fn delete_record(world: &World) {
    let records = world.records(world.conversations()[0]);
    world.destroy(DestructionScope::Record(records[1].id)).unwrap();
}

fn erase(world: &mut World) {
    world.use_new_key("person-1");
    world.destroy(DestructionScope::Subject(world.subject())).unwrap();
}

fn answer_after_delete(world: &World) {
    world.exchange(&anthropic(&["delete me"]), "gone soon");
    delete(world);
    world.exchange(&anthropic(&["after the deletion"]), "kept");
}

fn warn(world: &mut World) {
    world.reopen_with(with_mail());
    world.sweep();
}

fn ask(world: &mut World) {
    world.reopen_with(with_mail());
    world.sweep();
}

fn confirm(world: &mut World) {
    world.reopen_with(with_mail());
    let request = crate::letters::open_requests(world)[0];
    crate::letters::act(world, request, RightsAction::Confirm {}).unwrap();
}

fn break_the_glass(world: &mut World) {
    world.reopen_with(with_mail());
    let scope = fiducia_policy::AccessScope::Conversation(world.conversations()[0]);
    crate::bulletins::break_the_glass(world, scope);
}

fn move_contact(world: &World) {
    set_contact(world, world.subject(), Some("moved@mail.example.org"));
}

fn delete_in_vain(world: &World) {
    let failed = world.destroy(DestructionScope::Conversation(world.conversations()[0])).unwrap_err();
    assert!(failed.to_string().contains("could still be opened"), "{failed}");
}

fn sweep_in_vain(world: &World) {
    world.exchange(&anthropic(&["two"]), "dos");
    world.advance_days(31);
    let failed =
        world.custody().administer(fiducia_custody::AdminCommand::Sweep { limit: None }).unwrap_err();
    assert!(failed.to_string().contains("could still be opened"), "{failed}");
}

fn go_on_after_busy_delete(world: &World) {
    let busy = world.destroy(DestructionScope::Conversation(world.conversations()[0]));
    assert!(busy.unwrap_err().to_string().contains("may linger until the next sweep"));
    world.exchange(&anthropic(&["one", "uno", "two"]), "dos");
}

fn give(world: &World) {
    world.choose(choice(ConsentAct::Give)).unwrap();
}

fn withdraw(world: &World) {
    world.choose(choice(ConsentAct::Withdraw)).unwrap();
    world.sweep();
}

/// A person with a chat, in a folder, who has been asked about training.
fn consumer(folder: &Path) -> World {
    let mut world = World::of_plan(folder, Plan::Pro);
    world.publish_notice("batch-training", "en", 1);
    world.use_new_key("person-1");
    world.exchange(&anthropic(&["one"]), "uno");
    world
}

/// Work on keys: whether the organisation has one of its own before, and after having been cut off at each step.
const KEY_WORK: [(&str, bool, [(&str, bool); 3]); 3] = [
    (
        "set-key",
        false,
        [("key-wrap-staged", false), ("key-wrap-promoted", true), ("key-events-announced", true)],
    ),
    (
        "clear-key",
        true,
        [("key-edge-staged", true), ("key-edge-promoted", false), ("key-events-announced", false)],
    ),
    (
        "rotate-keys",
        true,
        [("key-wrap-staged", true), ("key-wrap-promoted", true), ("key-events-announced", true)],
    ),
];

#[test]
fn a_key_that_was_being_wrapped_anew_opens_by_exactly_one_path_wherever_it_was_cut_off() {
    for (work, is_own_before, steps) in KEY_WORK {
        for (step, is_own_after) in steps {
            let folder = tempfile::tempdir().unwrap();
            let world = World::at(folder.path(), 0);
            world.exchange(&anthropic(&["one"]), "uno");
            if is_own_before {
                organization_keys::set(&world, "mine").unwrap();
            }
            drop(world);
            // The installation's key has no event of its own here, as no organisation hangs from it: the second is meant.
            let times = if work == "rotate-keys" && step != "key-events-announced" { 2 } else { 1 };
            let mut world = cut_off(folder.path(), work, &format!("abort-at:{step}:{times}"));
            assert_eq!(world.custody().has_own_key(world.organization()), is_own_after, "{work} at {step}");
            let id = world.conversations()[0];
            world.show(id, GroundKind::Service).unwrap();
            let kinds = world.ledger_kinds();
            let count = |kind: &str| kinds.iter().filter(|found| *found == kind).count();
            assert_eq!(
                count("org_external_key_created"),
                usize::from(is_own_before || is_own_after),
                "{work} at {step}"
            );
            assert_eq!(
                count("org_external_key_deleted"),
                usize::from(is_own_before && !is_own_after),
                "{work} at {step}"
            );
            world.services().break_key("mine", fiducia_keyring::KmsProblem::Disabled);
            world.advance_minutes(6);
            world.custody().refresh_keys();
            assert_eq!(
                world.show(id, GroundKind::Service).is_err(),
                is_own_after,
                "{work} at {step}: no other path"
            );
            world.verify_ledger();
        }
    }
}

#[test]
fn a_withdrawal_that_was_cut_off_is_whole_before_anybody_reads() {
    for step in ["consent-recorded", "consent-followed", "subject-key-emptied", "subject-key-destroyed"] {
        let folder = tempfile::tempdir().unwrap();
        let world = consumer(folder.path());
        world.choose(choice(ConsentAct::Give)).unwrap();
        let id = world.conversations()[0];
        assert!(world.trains(id), "{step}");
        drop(world);
        let mut world = cut_off(folder.path(), "withdraw", &format!("abort-at:{step}:1"));
        assert_eq!(world.keys().consent_paths().unwrap(), 0, "{step}: no path is left when the data is open");
        assert!(!world.trains(id), "{step}");
        let state = world.standing(world.subject(), ConsentPurpose::BatchTraining).state;
        assert_eq!(state, ConsentState::Withdrawn, "{step}");
        world.sweep();
        assert_eq!(world.own_keys().iter().filter(|(_, kind, _)| kind == "subject").count(), 1, "{step}");
        assert_eq!(world.show(id, GroundKind::Service).unwrap().records.len(), 2, "{step}");
        let logged = world.ledger_kinds().iter().filter(|kind| *kind == "consent_changed").count();
        assert_eq!(logged, 2, "{step}: nothing is logged twice, nothing lost");
        world.verify_ledger();
    }
}

#[test]
fn a_yes_that_was_cut_off_counts_whole_or_not_at_all() {
    for step in ["consent-recorded", "consent-followed"] {
        let folder = tempfile::tempdir().unwrap();
        let id = consumer(folder.path()).conversations()[0];
        let world = cut_off(folder.path(), "give", &format!("abort-at:{step}:1"));
        assert!(world.trains(id), "{step}: it was recorded, so it counts");
        assert_eq!(world.keys().consent_paths().unwrap(), 1, "{step}");
    }
}

/// A hold on one person while everything captured forty days ago is due.
fn hold_and_sweep(world: &World) {
    let held = world.conversation_rows().into_iter().map(|row| row.subject).min().unwrap();
    let new = NewHold {
        organization: world.organization(),
        matter: "Doe v. Roe".to_owned(),
        authority: "District court 7".to_owned(),
        scope: HoldScope { subjects: vec![held], ..HoldScope::default() },
        custodians: vec!["counsel".to_owned()],
        reviewers: Vec::new(),
    };
    world.govern(RetentionCommand::PlaceHold { hold: new, actor: "counsel".to_owned() }).unwrap();
    world.sweep();
}

/// Does the work in a folder in which one exchange was captured, cut off by `fault`; gives the world after it.
fn interrupted(folder: &Path, work: &str, fault: &str) -> World {
    World::at(folder, 0).exchange(&anthropic(&["one"]), "uno");
    cut_off(folder, work, fault)
}

/// Does the work in a folder, cut off by `fault`; gives the world after it.
fn cut_off(folder: &Path, work: &str, fault: &str) -> World {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", "interrupted::work", "--nocapture", "--test-threads=1"])
        .env(FOLDER, folder)
        .env(WORK, work)
        .env("FIDUCIA_FAULT", fault)
        .stderr(Stdio::null());
    let (mut child, mut said) = spawn(&mut command);
    std::io::copy(&mut said, &mut std::io::sink()).unwrap();
    let ended = child.wait().unwrap();
    let as_planted =
        if fault.starts_with("abort-at:") { ended.signal() == Some(SIGABRT) } else { ended.success() };
    assert!(as_planted, "{work} with {fault}: {ended}");
    World::at(folder, 41)
}

#[test]
fn a_deletion_that_was_cut_off_ends_marked_and_logged() {
    for step in STEPS {
        let folder = tempfile::tempdir().unwrap();
        let mut world = interrupted(folder.path(), "delete", &format!("abort-at:{step}:1"));
        let rows = world.conversation_rows();
        assert!(rows.iter().all(|row| row.destroyed_at.is_some()), "{step}: {rows:?}");
        world.exchange(&anthropic(&["one", "uno", "two"]), "dos");
        let id = world.conversations()[0];
        let content = world.show(id, GroundKind::Service).unwrap();
        assert_eq!(content.records[0].messages_elided, 0, "{step}: what is gone must be stored anew");
        assert!(world.ledger_kinds().contains(&"keys_destroyed".to_owned()), "{step}");
        world.verify_ledger();
    }
}

#[test]
fn an_erasure_that_was_cut_off_ends_with_the_person_erased_and_the_keys_revoked() {
    for step in STEPS {
        let folder = tempfile::tempdir().unwrap();
        let mut world = World::at(folder.path(), 2);
        world.use_key_with(&[Scope::Inference], None);
        let (secret, subject) = (world.secret().to_owned(), world.subject());
        drop(world);
        let mut world = interrupted(folder.path(), "erase", &format!("abort-at:{step}:1"));
        let erased = world.subjects().into_iter().find(|row| row.id == subject).unwrap();
        assert!(erased.erased_at.is_some(), "{step}");
        assert_eq!(erased.conversations, 0, "{step}");
        assert!(world.custody().authenticate(&secret).is_err(), "{step}: the person's key is revoked");
        assert!(world.ledger_kinds().contains(&"keys_destroyed".to_owned()), "{step}");
    }
}

#[test]
fn a_record_s_deletion_that_was_cut_off_leaves_the_conversation_alive_and_deletable() {
    for step in ["keys-destroyed", "noted", "marked-purged"] {
        let folder = tempfile::tempdir().unwrap();
        let world = interrupted(folder.path(), "delete-record", &format!("abort-at:{step}:1"));
        let row = world.conversation_rows().remove(0);
        assert_eq!(row.destroyed_at, None, "{step}: its other record lives");
        assert_eq!(world.show(row.id, GroundKind::Service).unwrap().records.len(), 1, "{step}");
        let report = world.destroy(DestructionScope::Conversation(row.id)).unwrap();
        assert_eq!((report.records_purged, report.read_back.opened), (1, 0), "{step}");
    }
}

#[test]
fn a_window_that_was_closed_half_way_is_closed_whole() {
    for step in STEPS {
        let folder = tempfile::tempdir().unwrap();
        let mut world = interrupted(folder.path(), "close-window", &format!("abort-at:{step}:1"));
        world.sweep();
        let records = world.records(world.conversations()[0]);
        assert!(
            records.iter().all(|row| row.grounds == [(GroundKind::Service, None)]),
            "{step}: {records:?}"
        );
        assert!(world.ledger_kinds().contains(&"safety_window_closed".to_owned()), "{step}");
    }
}

#[test]
fn what_ends_and_what_is_held_come_out_the_same_wherever_the_worker_was_cut_off() {
    for step in [
        "hold-key-stored",
        "held-keys-stored",
        "hold-extended",
        "ends-reviewed",
        "keys-destroyed",
        "paths-dropped",
        "noted",
        "marked-purged",
        "survivors-moved",
        "bucket-unlinked",
    ] {
        let folder = tempfile::tempdir().unwrap();
        let mut world = World::of_plan(folder.path(), Plan::Api);
        for person in ["anna", "bert", "cleo"] {
            world.use_new_key(person);
            world.exchange(&anthropic(&[person]), "kept thirty days");
        }
        let rows = world.conversation_rows();
        drop(world);
        let mut world = cut_off(folder.path(), "hold-and-sweep", &format!("abort-at:{step}:1"));
        let placed = world.ledger_kinds().contains(&"hold_placed".to_owned());
        assert_eq!(placed, step != "hold-key-stored", "{step}");
        world.sweep();
        let held = rows.iter().map(|row| row.subject).min().unwrap();
        for row in &rows {
            assert!(world.show(row.id, GroundKind::Service).is_err(), "{step}");
            assert!(world.show(row.id, GroundKind::SafetyWindow).is_err(), "{step}");
            let is_held = world.show(row.id, GroundKind::LegalHold).is_ok();
            assert_eq!(is_held, placed && row.subject == held, "{step}");
        }
        assert_eq!(world.kept_records(), if placed { 2 } else { 0 }, "{step}");
        assert!(world.sweep().is_done, "{step}");
        world.verify_ledger();
    }
}

#[test]
fn what_ends_in_great_number_is_forgotten_and_what_lives_is_not_also_after_a_crash() {
    let folder = tempfile::tempdir().unwrap();
    let mut world = World::of_plan(folder.path(), Plan::Api);
    world.use_new_key("anna");
    for number in 0..80 {
        world.exchange(&anthropic(&[&format!("conversation {number}")]), "ends");
    }
    world.advance_days(20);
    world.exchange(&anthropic(&["a late one"]), "lives");
    drop(world);
    // That the point is reached shows that they are forgotten in one pass, and not conversation by conversation.
    let mut world = cut_off(folder.path(), "end-many", "abort-at:many-forgotten:1");
    world.use_new_key("anna");
    world.sweep();
    let living = |world: &World| {
        world.conversation_rows().into_iter().filter(|row| row.destroyed_at.is_none()).count()
    };
    assert_eq!(living(&world), 1, "the one of twenty days ago");
    world.exchange(&anthropic(&["conversation 7", "ends", "and then?"]), "new");
    world.exchange(&anthropic(&["a late one", "lives", "and then?"]), "continued");
    assert_eq!(living(&world), 2, "what has ended begins anew; what lives is continued");
    let elided: Vec<_> = world
        .conversation_rows()
        .into_iter()
        .filter(|row| row.destroyed_at.is_none())
        .map(|row| world.show(row.id, GroundKind::Service).unwrap())
        .map(|content| content.records.iter().map(|record| record.messages_elided).max().unwrap())
        .collect();
    assert_eq!(elided.iter().filter(|count| **count == 0).count(), 1, "{elided:?}");
}

#[test]
fn a_record_stored_after_a_deletion_is_found_after_a_crash() {
    let folder = tempfile::tempdir().unwrap();
    // Two records are deleted after two commits; the crash comes before the fifth record can be indexed.
    let world = interrupted(folder.path(), "answer-after-delete", "abort-at:acknowledged:3");
    let living: Vec<_> =
        world.conversation_rows().into_iter().filter(|row| row.destroyed_at.is_none()).collect();
    assert_eq!(living.len(), 2, "the one from before, and the one in which the crash came");
    assert!(living.iter().all(|row| world.show(row.id, GroundKind::Service).is_ok()));
}

#[test]
fn keys_that_were_destroyed_are_not_used_again_though_the_destruction_failed_half_way() {
    let folder = tempfile::tempdir().unwrap();
    let world = interrupted(folder.path(), "go-on-after-busy-delete", "keys-log-busy");
    let id = world.conversations()[0];
    let content = world.show(id, GroundKind::Service).unwrap();
    let texts: Vec<_> =
        content.records.iter().flat_map(|record| &record.texts).map(|(_, text)| text).collect();
    assert_eq!(texts, ["one", "uno", "two", "dos"], "stored whole, under keys that live");
    assert_eq!(world.conversation_rows().iter().filter(|row| row.destroyed_at.is_none()).count(), 1);
}

#[test]
fn what_can_still_be_opened_gets_no_certificate() {
    for (work, fault) in [("delete-in-vain", "keys-stay"), ("sweep-in-vain", "ended-keys-remembered")] {
        let folder = tempfile::tempdir().unwrap();
        let mut world = interrupted(folder.path(), work, fault);
        assert!(certificates(&world).is_empty(), "{work}");
        assert!(!world.ledger_kinds().contains(&"certificate_issued".to_owned()), "{work}");
    }
}

#[test]
fn a_certificate_that_was_cut_off_after_it_was_stored_is_proven_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let mut world = interrupted(folder.path(), "delete", "abort-at:certificate-issued:1");
    let row = certificates(&world).remove(0);
    assert_eq!(row.ledger_index, None, "the program ended before it was told");
    let file = world.certificate_file(&row.certificate.reference);
    fiducia_custody::verify_certificate(file.as_bytes(), &[world.verifier_key()]).unwrap();
    world.verify_ledger();
}

#[test]
fn a_warning_is_given_once_wherever_the_worker_was_cut_off() {
    for step in ["warned", "warning-given"] {
        let folder = tempfile::tempdir().unwrap();
        let world = World::of_plan(folder.path(), Plan::Pro);
        set_contact(&world, world.subject(), Some(ADDRESS));
        for said in ["one", "two"] {
            world.exchange(&anthropic(&[said]), "kept a year");
        }
        drop(world);
        let mut world = cut_off(folder.path(), "warn", &format!("abort-at:{step}:1"));
        world.reopen_with(with_mail());
        let marked = world.conversation_rows().iter().filter(|row| row.warned_at.is_some()).count();
        assert_eq!(marked, 2, "{step}: both or none");
        world.advance_days(360 - 41);
        let rest = world.sweep();
        assert_eq!((rest.warned, rest.people_warned), (0, u64::from(step == "warned")), "{step}");
        let due = due_warnings(&world);
        assert_eq!(due.len(), 1, "{step}: one mail");
        assert_eq!(world.custody().warning_letter(due[0]).unwrap().conversations, 2, "{step}");
        assert_eq!(logged(&mut world), [(2, "mail".to_owned())], "{step}: one entry");
        world.verify_ledger();
    }
}

#[test]
fn a_question_and_its_reminder_are_queued_once_wherever_the_worker_was_cut_off() {
    for step in ["consent-recorded", "campaign-asked", "campaign-reminded"] {
        let folder = tempfile::tempdir().unwrap();
        let mut world = World::of_plan(folder.path(), Plan::Pro);
        world.publish_notice("batch-training", "en", 1);
        set_contact(&world, world.subject(), Some(ADDRESS));
        crate::letters::open(&world, 50);
        drop(world);
        if step == "campaign-reminded" {
            ask(&mut World::at(folder.path(), 20));
        }
        let mut world = cut_off(
            folder.path(),
            if step == "campaign-reminded" { "remind" } else { "ask" },
            &format!("abort-at:{step}:1"),
        );
        world.reopen_with(with_mail());
        for _ in 0..3 {
            world.sweep();
        }
        assert_eq!(crate::letters::kinds(&world), [LetterKind::Question, LetterKind::Reminder], "{step}");
        world.verify_ledger();
    }
}

#[test]
fn a_step_and_the_letter_about_it_are_one_commit() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::of_plan(folder.path(), Plan::Pro);
    set_contact(&world, world.subject(), Some(ADDRESS));
    crate::letters::opened(&world, world.subject(), RequestKind::Complaint);
    drop(world);
    let mut world = cut_off(folder.path(), "confirm", "abort-at:request-stepped:1");
    world.reopen_with(with_mail());
    assert_eq!(crate::letters::kinds(&world), [LetterKind::RequestReceived]);
    world.verify_ledger();
}

#[test]
fn an_emergency_and_the_mail_about_it_are_one_commit() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::at(folder.path(), 0);
    world.exchange(&anthropic(&["one"]), "uno");
    drop(world);
    // The first agreement opens nothing.
    let mut world = cut_off(folder.path(), "break-the-glass", "abort-at:access-session-stepped:2");
    world.reopen_with(with_mail());
    assert_eq!(crate::bulletins::told(&world).len(), 1, "there is one administrator");
    let opened: Vec<_> = crate::looking::steps(&mut world)
        .into_iter()
        .filter(|step| step.step == fiducia_ledger::SessionStep::Opened)
        .collect();
    assert_eq!(opened.len(), 1, "the log has it once");
    world.verify_ledger();
}

#[test]
fn a_change_of_address_that_was_cut_off_leaves_one_key_and_one_address() {
    for step in ["contact-noted", "keys-destroyed"] {
        let folder = tempfile::tempdir().unwrap();
        let world = World::of_plan(folder.path(), Plan::Pro);
        set_contact(&world, world.subject(), Some(ADDRESS));
        world.exchange(&anthropic(&["one"]), "kept a year");
        drop(world);
        let mut world = cut_off(folder.path(), "move-contact", &format!("abort-at:{step}:1"));
        world.reopen_with(with_mail());
        world.advance_days(360 - 41);
        world.sweep();
        assert_eq!(contact_keys(&world).as_deref(), Some("1"), "{step}: the former address has no key");
        let letter = world.custody().warning_letter(due_warnings(&world)[0]).unwrap();
        assert_eq!(letter.to.expose(), "moved@mail.example.org", "{step}");
    }
}
