//! Bulletins: what administrators are told by mail, whom, and how often.

use fiducia_custody::{
    AccessActor, AccessCommand, AccessRequest, AccountCommand, AdminCommand, AdminReply, Bulletin,
    BulletinAbout, MailAbout, MailCommand, MailOutcome, NewWebhook, Staff, WebhookCommand, WebhookReply,
};
use fiducia_policy::{
    AccessReason, AccessScope, AccessState, BulletinId, DisabledBecause, Plan, Timestamp, WebhookId,
};

use crate::console::signed_in;
use crate::looking::{approval, ask, give, request, session, staff};
use crate::warnings::with_mail;
use crate::world::{World, anthropic};

const ADMIN: &str = "staff.tenant-admin@example.org";

pub(crate) fn due_bulletins(world: &World) -> Vec<BulletinId> {
    let bulletins = world.due_mails().into_iter().filter_map(|mail| match mail.about {
        MailAbout::Bulletin(id) => Some(id),
        _ => None,
    });
    bulletins.collect()
}

/// Each bulletin that is due, with its receiver.
pub(crate) fn told(world: &World) -> Vec<(String, BulletinAbout)> {
    let read = |id| -> Bulletin { world.custody().bulletin(id).unwrap() };
    let mut told: Vec<_> = due_bulletins(world)
        .into_iter()
        .map(read)
        .map(|one| (one.to.expose().to_owned(), one.about))
        .collect();
    told.sort_by(|one, other| one.0.cmp(&other.0));
    told
}

/// An organisation with mail, and another with an administrator of its own.
fn with_conversation() -> (World, AccessScope) {
    let mut world = World::new();
    world.reopen_with(with_mail());
    signed_in(&world, world.organization(), None, "tenant-admin research");
    world.use_new_organization("hospital", Plan::Enterprise, fiducia_policy::Agreement::Standard);
    world.exchange(&anthropic(&["help me"]), "what is it?");
    let scope = AccessScope::Conversation(world.conversations()[0]);
    (world, scope)
}

fn send(world: &World, id: BulletinId) {
    let about = MailAbout::Bulletin(id);
    world.mail(MailCommand::Begin { about: about.clone() }).unwrap();
    world.mail(MailCommand::End { about, outcome: MailOutcome::Sent }).unwrap();
}

fn seconds_after(at: Timestamp, seconds: i64) -> Timestamp {
    Timestamp::from_microsecond(at.as_microsecond() + seconds * 1_000_000).unwrap()
}

/// An emergency is asked for and agreed to by two.
pub(crate) fn break_the_glass(world: &World, scope: AccessScope) -> fiducia_policy::AccessSession {
    let reader = staff(world, "trust-and-safety");
    let wanted = AccessRequest { break_glass: true, ..request(scope, AccessReason::SafetyReview) };
    let asked = ask(world, &reader, wanted).unwrap();
    let approve = |who: &Staff| session(give(world, who, approval(asked.id)).unwrap());
    approve(&staff(world, "legal"));
    assert!(due_bulletins(world).is_empty(), "nothing opened yet");
    approve(&staff(world, "tenant-admin"))
}

#[test]
fn administrators_are_told_once_that_the_glass_was_broken_and_nobody_else_is() {
    let (mut world, scope) = with_conversation();
    let second = signed_in(&world, world.organization(), None, "tenant-admin auditor");
    signed_in(&world, world.organization(), None, "auditor support");
    let opened = break_the_glass(&world, scope);
    assert_eq!(opened.state, AccessState::Open);
    let found = told(&world);
    let to: Vec<_> = found.iter().map(|(to, _)| to.as_str()).collect();
    assert_eq!(to, ["staff.tenant-admin.auditor@example.org", ADMIN]);
    for (_, about) in &found {
        let BulletinAbout::EmergencyOpened { session, ticket, until, .. } = about else {
            panic!("{about:?}")
        };
        assert_eq!((*session, ticket.as_str(), Some(*until)), (opened.id, "CASE-7", opened.expires_at));
    }
    // Further steps of the same session, and another opening of the data, tell nothing again.
    world.sweep();
    world.reopen_with(with_mail());
    assert_eq!(told(&world), found);
    // Whoever is an administrator no more is not written to.
    let disable = AccountCommand::SetRoles { account: second.account.id, roles: "auditor".parse().unwrap() };
    world.custody().administer(AdminCommand::Account(disable)).unwrap();
    let refused: Vec<_> = due_bulletins(&world)
        .into_iter()
        .filter_map(|id| world.mail(MailCommand::Begin { about: MailAbout::Bulletin(id) }).err())
        .collect();
    assert_eq!(refused.len(), 1, "{refused:?}");
    assert!(refused[0].to_string().contains("no administrator any more"), "{refused:?}");
    world.advance_minutes(2);
    let rest = due_bulletins(&world);
    assert_eq!(rest.len(), 1);
    send(&world, rest[0]);
    assert!(due_bulletins(&world).is_empty(), "once");
    // What was sent is forgotten like letters are.
    world.advance_days(91);
    world.sweep();
    assert!(world.custody().bulletin(rest[0]).is_err());
    world.verify_ledger();
}

#[test]
fn who_waits_behind_a_lockbox_is_told_with_the_hour_and_an_answer_makes_the_mail_moot() {
    let (world, scope) = with_conversation();
    let admin = staff(&world, "tenant-admin");
    let lock = AccessCommand::Lockbox { organization: world.organization(), enabled: Some(true) };
    give(&world, &admin, lock).unwrap();
    let actor = AccessActor::Operator("tester".to_owned());
    let wanted = || {
        let request = request(scope.clone(), AccessReason::IncidentResponse);
        let command = AccessCommand::Ask { request };
        match world.custody().administer(AdminCommand::Access { actor: actor.clone(), command }).unwrap() {
            AdminReply::Access(reply) => session(*reply),
            other => panic!("{other:?}"),
        }
    };
    let asked = wanted();
    let expect = BulletinAbout::ApprovalAsked {
        session: asked.id,
        reason: AccessReason::IncidentResponse,
        ticket: "CASE-7".to_owned(),
        answer_by: seconds_after(asked.asked_at, 12 * 3_600),
    };
    assert_eq!(told(&world), [(ADMIN.to_owned(), expect)]);
    let answered = MailAbout::Bulletin(due_bulletins(&world)[0]);
    give(&world, &admin, approval(asked.id)).unwrap();
    let refused = world.mail(MailCommand::Begin { about: answered }).unwrap_err();
    assert!(refused.to_string().contains("was answered"), "{refused}");
    assert!(due_bulletins(&world).is_empty(), "an agreement opens no emergency, of which more would be told");
    // Nobody answers the next one, and its mail comes too late to be of use.
    wanted();
    let late = MailAbout::Bulletin(due_bulletins(&world)[0]);
    world.advance_seconds(12 * 3_600);
    assert!(world.mail(MailCommand::Begin { about: late }).is_err());
}

fn webhook(world: &World, command: WebhookCommand) -> WebhookReply {
    match world.custody().administer(AdminCommand::Webhook(command)).unwrap() {
        AdminReply::Webhook(reply) => reply,
        other => panic!("{other:?}"),
    }
}

#[test]
fn each_time_a_webhook_is_disabled_administrators_are_told_why() {
    let (world, _) = with_conversation();
    staff(&world, "tenant-admin");
    let actor = || "tester".to_owned();
    let new = NewWebhook {
        organization: world.organization(),
        url: "https://hooks.example.org/in".to_owned(),
        types: vec!["*".to_owned()],
        description: "events".to_owned(),
        actor: actor(),
    };
    let WebhookReply::Created(created) = webhook(&world, WebhookCommand::Create(new)) else {
        panic!("created")
    };
    let id: WebhookId = created.webhook.id;
    webhook(&world, WebhookCommand::Rotate { webhook: id, overlap_hours: 1, actor: actor() });
    assert!(due_bulletins(&world).is_empty(), "other changes are in the log");
    for times in 1..3 {
        world.advance_seconds(1);
        webhook(&world, WebhookCommand::Disable { webhook: id, actor: actor() });
        let found = told(&world);
        assert_eq!(found.len(), times);
        let expect = BulletinAbout::WebhookDisabled { webhook: id, because: DisabledBecause::Asked };
        assert!(found.iter().all(|one| *one == (ADMIN.to_owned(), expect.clone())), "{found:?}");
        webhook(&world, WebhookCommand::Enable { webhook: id, skip: false, actor: actor() });
    }
    webhook(&world, WebhookCommand::Delete { webhook: id, actor: actor() });
    assert_eq!(told(&world).len(), 2, "what was disabled is told although the webhook is gone");
}

#[test]
fn without_mail_nothing_is_queued_for_a_time_when_there_is() {
    let mut world = World::new();
    world.exchange(&anthropic(&["help me"]), "what is it?");
    let scope = AccessScope::Conversation(world.conversations()[0]);
    break_the_glass(&world, scope);
    world.reopen_with(with_mail());
    assert!(due_bulletins(&world).is_empty(), "the console and the log told it");
}
