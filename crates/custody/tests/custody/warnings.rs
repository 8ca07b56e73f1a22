//! Warnings of ends: who gets one, how often, what it says and what it leaves behind.

use fiducia_custody::{
    AdminCommand, AdminReply, CertificateSettings, ConversationWish, DestructionScope, DueMail, MailAbout,
    MailCommand, MailOutcome, MailSchedule, RetentionCommand, RetentionReply,
};
use fiducia_ledger::Event;
use fiducia_policy::{Agreement, ConversationId, GroundKind, Plan, RecordClass, SubjectId, WarningId};

use crate::world::{World, anthropic};

pub(crate) const ADDRESS: &str = "anna.canary@mail.example.org";

fn captured(world: &World, said: &str) -> ConversationId {
    let before = world.conversations();
    world.exchange(&anthropic(&[said]), &format!("answer to {said}"));
    world.conversations().into_iter().find(|id| !before.contains(id)).unwrap()
}

pub(crate) fn with_mail() -> CertificateSettings {
    let mail = Some(MailSchedule { first_retry_seconds: 60 });
    CertificateSettings { mail, ..CertificateSettings::default() }
}

/// A world of people who are warned seven days before an end thirty days after the last turn, with mail.
fn people() -> World {
    let mut world = World::new();
    world.reopen_with(with_mail());
    world.use_new_organization("people", Plan::Pro, Agreement::Custom);
    world
}

pub(crate) fn set_contact(world: &World, subject: SubjectId, address: Option<&str>) {
    let address = address.map(|address| address.parse().unwrap());
    world.govern(RetentionCommand::SetContact { subject, address }).unwrap();
}

/// The warnings whose mail is due.
pub(crate) fn due_warnings(world: &World) -> Vec<WarningId> {
    let warning = |mail: DueMail| match mail.about {
        MailAbout::Warning(id) => Some(id),
        MailAbout::Certificate(_) | MailAbout::Letter(_) | MailAbout::Bulletin(_) => None,
    };
    world.due_mails().into_iter().filter_map(warning).collect()
}

/// What the log says of warnings: of how many conversations, and how they were given.
pub(crate) fn logged(world: &mut World) -> Vec<(u64, String)> {
    let warnings = world.ledger_events().into_iter().filter_map(|event| match event {
        Event::WarningGiven { conversations, by, .. } => Some((conversations, by)),
        _ => None,
    });
    warnings.collect()
}

pub(crate) fn contact_keys(world: &World) -> Option<String> {
    let AdminReply::Status(rows) = world.custody().administer(AdminCommand::Status).unwrap() else {
        panic!("reply")
    };
    rows.into_iter().find(|(name, _)| name == "keys: contact").map(|(_, count)| count)
}

#[test]
fn each_person_gets_one_warning_for_all_that_ends_and_nobody_gets_it_twice() {
    let mut world = people();
    let anna = world.subject();
    set_contact(&world, anna, Some(ADDRESS));
    let mine = [captured(&world, "one"), captured(&world, "two"), captured(&world, "three")];
    world.use_new_key("bert");
    captured(&world, "of somebody without an address");
    world.advance_days(22);
    assert_eq!((world.sweep().warned, due_warnings(&world).len()), (0, 0), "eight days are left");
    world.advance_days(1);
    let run = world.sweep();
    assert_eq!((run.warned, run.people_warned), (4, 2));
    let due = due_warnings(&world);
    assert_eq!(due.len(), 1, "one mail, to the one who has an address");
    let letter = world.custody().warning_letter(due[0]).unwrap();
    assert_eq!((letter.conversations, letter.may_keep, letter.to.expose()), (3, true, ADDRESS));
    assert_eq!(letter.organization, "people");
    let days_left = (letter.first_ends_at.as_microsecond() - world.now().as_microsecond()) / 86_400_000_000;
    assert_eq!(days_left, 6, "nearly seven");
    for _ in 0..3 {
        world.advance_days(1);
        let again = world.sweep();
        assert_eq!((again.warned, again.people_warned), (0, 0), "once");
    }
    world.reopen();
    assert_eq!(world.sweep().warned, 0, "also after the memory of where it was is gone");
    assert_eq!(due_warnings(&world), due);
    let mut said = logged(&mut world);
    said.sort();
    assert_eq!(said, [(1, "list".to_owned()), (3, "mail".to_owned())]);
    assert_eq!(world.conversations().len(), 4);
    assert!(mine.iter().all(|id| world.show(*id, GroundKind::Service).is_ok()));
}

#[test]
fn what_a_warning_names_can_be_kept_and_is_warned_of_again_before_its_new_end() {
    let world = people();
    set_contact(&world, world.subject(), Some(ADDRESS));
    let (kept, gone_on, deleted) =
        (captured(&world, "one"), captured(&world, "two"), captured(&world, "three"));
    world.advance_days(24);
    assert_eq!(world.sweep().warned, 3);
    let warning = due_warnings(&world)[0];
    world.exchange(&anthropic(&["two", "answer to two", "and then?"]), "more");
    world.conversations();
    let wish = RetentionCommand::Wish { conversation: deleted, wish: ConversationWish::Delete };
    world.govern(wish).unwrap();
    let keep = || match world.govern(RetentionCommand::KeepWarned { warning }).unwrap() {
        RetentionReply::Kept(kept) => kept,
        other => panic!("{other:?}"),
    };
    assert_eq!((keep(), keep()), (vec![kept], vec![]), "what went on or was deleted is left alone");
    world.advance_days(10);
    assert_eq!(world.sweep().warned, 0);
    for id in [kept, gone_on] {
        assert!(world.show(id, GroundKind::Service).is_ok(), "the end was put off");
    }
    world.advance_days(14);
    assert_eq!(world.sweep().warned, 2, "of the new end");
    world.advance_days(7);
    world.sweep();
    assert!(world.show(kept, GroundKind::Service).is_err(), "nobody kept it again");
    world.advance_days(120);
    world.sweep();
    assert!(world.govern(RetentionCommand::KeepWarned { warning }).is_err(), "forgotten");
}

#[test]
fn a_turn_early_on_does_not_take_the_warning_away() {
    let world = people();
    captured(&world, "one");
    world.advance_days(3);
    world.exchange(&anthropic(&["one", "answer to one", "two"]), "dos");
    let mut warned = Vec::new();
    for day in 4..34 {
        world.advance_days(1);
        if world.sweep().warned > 0 {
            warned.push(day);
        }
    }
    assert_eq!(warned, [26], "seven days before the thirtieth day after the last turn");
}

#[test]
fn an_end_that_comes_nearer_is_warned_of_when_that_is_soon() {
    let world = people();
    captured(&world, "one");
    world.advance_days(24);
    assert_eq!(world.sweep().warned, 1);
    let conversation = world.conversations()[0];
    let wish = |wish| drop(world.govern(RetentionCommand::Wish { conversation, wish }).unwrap());
    wish(ConversationWish::Keep);
    world.sweep();
    wish(ConversationWish::LetGo);
    assert_eq!(world.sweep().warned, 1, "it ends in six days again");
}

#[test]
fn without_mail_the_marks_and_the_log_are_the_warning() {
    let mut world = World::new();
    world.use_new_organization("people", Plan::Pro, Agreement::Custom);
    set_contact(&world, world.subject(), Some(ADDRESS));
    captured(&world, "one");
    world.advance_days(24);
    assert_eq!(world.sweep().people_warned, 1);
    assert!(due_warnings(&world).is_empty());
    assert_eq!(logged(&mut world), [(1, "list".to_owned())]);
}

#[test]
fn an_address_is_sealed_replaced_taken_away_and_erased() {
    let mut world = people();
    let subject = world.subject();
    set_contact(&world, subject, Some("first.canary@mail.example.org"));
    set_contact(&world, subject, Some(ADDRESS));
    assert_eq!(contact_keys(&world).as_deref(), Some("1"), "the former address has no key");
    captured(&world, "one");
    world.advance_days(24);
    world.sweep();
    let warning = due_warnings(&world)[0];
    assert_eq!(world.custody().warning_letter(warning).unwrap().to.expose(), ADDRESS);
    let debug = format!("{:?}", world.custody().warning_letter(warning).unwrap());
    assert!(!debug.contains("canary"), "{debug}");
    world.close();
    world.assert_absent(&["anna.canary", "first.canary"]);
    world.reopen();

    set_contact(&world, subject, None);
    assert!(due_warnings(&world).is_empty(), "nobody is written to at an address that was taken away");
    assert!(world.custody().warning_letter(warning).is_err());
    assert_eq!(contact_keys(&world), None);

    set_contact(&world, subject, Some(ADDRESS));
    world.destroy(DestructionScope::Subject(subject)).unwrap();
    assert_eq!(contact_keys(&world), None, "an erasure destroys the key of the address too");
    assert!(world.custody().warning_letter(warning).is_err());
    let refused = world.govern(RetentionCommand::SetContact { subject, address: None }).unwrap_err();
    assert!(refused.to_string().contains("was erased"), "{refused}");
    let events = format!("{:?}", world.ledger_events());
    assert!(events.contains("contact") && !events.contains("canary"), "{events}");
    world.verify_ledger();
}

#[test]
fn a_warning_that_could_not_be_sent_is_tried_again_and_sent_once() {
    let world = people();
    set_contact(&world, world.subject(), Some(ADDRESS));
    captured(&world, "one");
    world.advance_days(24);
    world.sweep();
    let about = MailAbout::Warning(due_warnings(&world)[0]);
    let begin = || world.mail(MailCommand::Begin { about: about.clone() });
    let end = |outcome| world.mail(MailCommand::End { about: about.clone(), outcome });
    begin().unwrap();
    assert!(due_warnings(&world).is_empty(), "while it is being sent nobody else sends it");
    end(MailOutcome::Failed("no answer".to_owned())).unwrap();
    world.advance_days(1);
    assert_eq!(due_warnings(&world).len(), 1);
    begin().unwrap();
    end(MailOutcome::Sent).unwrap();
    world.advance_days(1);
    assert!(due_warnings(&world).is_empty() && begin().is_err());
}

#[test]
fn a_warning_that_comes_too_late_is_given_up_and_not_sent() {
    let world = people();
    set_contact(&world, world.subject(), Some(ADDRESS));
    captured(&world, "one");
    world.advance_days(24);
    world.sweep();
    let about = MailAbout::Warning(due_warnings(&world)[0]);
    world.advance_days(8);
    assert!(world.mail(MailCommand::Begin { about }).is_err(), "nobody sent mails for eight days");
    assert!(due_warnings(&world).is_empty());
}

#[test]
fn a_class_with_a_fixed_end_is_warned_of_too() {
    let mut world = people();
    world.use_new_organization("plain", Plan::Pro, Agreement::Standard);
    world.use_class(Some(RecordClass::Incognito));
    captured(&world, "between us");
    world.advance_days(22);
    assert_eq!(world.sweep().warned, 0);
    world.advance_days(1);
    assert_eq!(world.sweep().warned, 1);
}
