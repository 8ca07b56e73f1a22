//! Letters by mail: questions, reminders and what becomes of requests; whom campaigns ask; and people as staff look them up.

use fiducia_custody::{
    AdminCommand, AdminError, AdminReply, ConsentChoice, ConsentCommand, ConsentReply, HeldFor, Letter,
    LetterAbout, MailAbout, MailCommand, MailOutcome, NewRequest, PeopleCommand, PeopleReply, PersonDetail,
    RightsAction, RightsCommand, RightsReply,
};
use fiducia_policy::{
    CampaignId, CampaignTerms, ConsentAct, ExtensionReason, LetterId, LetterKind, Meanwhile, RequestKind,
    RightsRequestId, SubjectId, Timestamp,
};

use crate::consent_world::choice;
use crate::warnings::{ADDRESS, set_contact, with_mail};
use crate::world::{World, anthropic};

pub(crate) fn with_letters() -> World {
    let mut world = World::of_consumers();
    world.reopen_with(with_mail());
    world
}

pub(crate) fn due_letters(world: &World) -> Vec<LetterId> {
    let letters = world.due_mails().into_iter().filter_map(|mail| match mail.about {
        MailAbout::Letter(id) => Some(id),
        _ => None,
    });
    letters.collect()
}

fn letters(world: &World) -> Vec<Letter> {
    due_letters(world).into_iter().map(|id| world.custody().letter(id).unwrap()).collect()
}

pub(crate) fn kinds(world: &World) -> Vec<LetterKind> {
    letters(world).into_iter().map(|letter| letter.kind).collect()
}

/// Sends every letter that is due.
pub(crate) fn send(world: &World) -> usize {
    let due = due_letters(world);
    for id in &due {
        let about = MailAbout::Letter(*id);
        world.mail(MailCommand::Begin { about: about.clone() }).unwrap();
        world.mail(MailCommand::End { about, outcome: MailOutcome::Sent }).unwrap();
    }
    due.len()
}

fn terms(world: &World, days: i64) -> CampaignTerms {
    CampaignTerms {
        purpose: fiducia_policy::ConsentPurpose::BatchTraining,
        version: 1,
        deadline: Timestamp::from_second(world.now().as_second() + days * 86_400).unwrap(),
        meanwhile: Meanwhile::Continue,
        reminders: vec!["14 days".parse().unwrap(), "3 days".parse().unwrap()],
        quiet_regions: Vec::new(),
        quiet: "12 months".parse().unwrap(),
    }
}

pub(crate) fn open(world: &World, days: i64) -> CampaignId {
    let command = ConsentCommand::OpenCampaign {
        organization: world.organization(),
        terms: terms(world, days),
        reason: "policy 2".to_owned(),
        actor: "officer".to_owned(),
    };
    match world.consent(command).unwrap() {
        ConsentReply::Campaign(row) => row.id,
        other => panic!("{other:?}"),
    }
}

/// How many people a campaign would ask, and for each reason not to how many it would not.
fn preview(world: &World) -> Vec<(String, u64)> {
    let command =
        ConsentCommand::PreviewCampaign { organization: world.organization(), terms: terms(world, 30) };
    let ConsentReply::Preview(tally) = world.consent(command).unwrap() else { panic!("preview") };
    let mut found: Vec<(String, u64)> = Vec::new();
    for count in tally {
        match found.iter_mut().find(|(outcome, _)| *outcome == count.outcome) {
            Some((_, people)) => *people += count.people,
            None => found.push((count.outcome, count.people)),
        }
    }
    found.sort();
    found
}

fn person(world: &mut World, name: &str) -> SubjectId {
    world.use_new_key(name);
    world.subject()
}

#[test]
fn a_preview_says_whom_a_campaign_asks_and_opens_nothing() {
    let mut world = World::of_consumers();
    person(&mut world, "new");
    person(&mut world, "yes");
    world.choose(choice(ConsentAct::Give)).unwrap();
    person(&mut world, "no");
    world.choose(ConsentChoice { region: Some("DE".to_owned()), ..choice(ConsentAct::Refuse) }).unwrap();
    let before = preview(&world);
    let of = |outcome: &str| before.iter().find(|(name, _)| name == outcome).map_or(0, |(_, people)| *people);
    assert_eq!(of("answered"), 1);
    assert_eq!(of("open") + of("quiet") + of("answered"), u64::try_from(subjects(&world)).unwrap());
    let ConsentReply::Campaigns(campaigns) = world.consent(ConsentCommand::ListCampaigns).unwrap() else {
        panic!("campaigns")
    };
    assert!(campaigns.is_empty() && kinds(&world).is_empty());
    let id = open(&world, 30);
    world.sweep();
    let ConsentReply::Campaign(row) = world.consent(ConsentCommand::ShowCampaign { id }).unwrap() else {
        panic!("campaign")
    };
    for (outcome, people) in before {
        let asked: u64 =
            row.tally.iter().filter(|count| count.outcome == outcome).map(|count| count.people).sum();
        assert_eq!(asked, people, "{outcome}: what was shown is what is done");
    }
}

#[test]
fn after_an_opt_out_nobody_is_asked_for_as_long_as_the_law_says_whatever_the_campaign_says() {
    let mut world = World::of_consumers();
    let subject = person(&mut world, "opted-out");
    let count = |world: &World, outcome: &str| {
        preview(world).into_iter().find(|(name, _)| name == outcome).map_or(0, |(_, people)| people)
    };
    let asked = count(&world, "open");
    let request = opened(&world, subject, RequestKind::OptOut);
    act(&world, request, RightsAction::Fulfil { left_undone: None }).unwrap();
    assert_eq!((count(&world, "open"), count(&world, "quiet")), (asked - 1, 1));
    world.advance_days(360);
    assert_eq!(count(&world, "quiet"), 1, "twelve months are not over");
    world.advance_days(10);
    assert_eq!((count(&world, "open"), count(&world, "quiet")), (asked, 0));
}

#[test]
fn a_question_and_each_reminder_reach_who_has_an_address_once() {
    let mut world = with_letters();
    let anna = person(&mut world, "anna");
    set_contact(&world, anna, Some(ADDRESS));
    person(&mut world, "without-address");
    let id = open(&world, 30);
    world.sweep();
    let asked = letters(&world);
    assert_eq!(asked.len(), 1, "one of the two has an address");
    assert_eq!((asked[0].kind, asked[0].to.expose()), (LetterKind::Question, ADDRESS));
    assert!(matches!(asked[0].about, LetterAbout::Question { .. }), "{asked:?}");
    world.sweep();
    world.reopen_with(with_mail());
    world.sweep();
    assert_eq!(send(&world), 1, "once");
    world.advance_days(17);
    world.sweep();
    assert_eq!(kinds(&world), [LetterKind::Reminder]);
    world.sweep();
    assert_eq!(send(&world), 1);
    // Whoever has no address is left to whoever asks for them.
    let ConsentReply::Reminders(rows) = world.consent(ConsentCommand::Remind { id, limit: 100 }).unwrap()
    else {
        panic!("reminders")
    };
    assert!(!rows.is_empty() && rows.iter().all(|row| !row.by_mail && row.subject != anna), "{rows:?}");
    world.advance_days(11);
    world.sweep();
    assert_eq!(kinds(&world), [LetterKind::Reminder], "the second one");
    // Who answers before it is sent is not reminded any more.
    world.use_new_key("anna");
    world.choose(choice(ConsentAct::Refuse)).unwrap();
    let late = MailAbout::Letter(due_letters(&world)[0]);
    let refused = world.mail(MailCommand::Begin { about: late }).unwrap_err();
    assert!(refused.to_string().contains("was answered"), "{refused}");
    assert!(due_letters(&world).is_empty());
    world.verify_ledger();
}

pub(crate) fn opened(world: &World, subject: SubjectId, kind: RequestKind) -> RightsRequestId {
    let request = NewRequest {
        subject,
        kind,
        regimes: Vec::new(),
        submission: format!("letter-{}", kind.name()),
        received_at: None,
        agent: None,
        conversation: None,
        statement: None,
        new_name: None,
        grounds: Vec::new(),
        actor: "clerk".to_owned(),
    };
    let command = AdminCommand::Rights(RightsCommand::Open { request: Box::new(request) });
    match world.custody().administer(command).unwrap() {
        AdminReply::Rights(RightsReply::Opened { request, .. }) => request.id,
        _ => panic!("reply"),
    }
}

/// The requests that are open.
#[cfg(feature = "fault-injection")]
pub(crate) fn open_requests(world: &World) -> Vec<RightsRequestId> {
    let command = RightsCommand::List { organization: None, closed: false, limit: 10 };
    match world.custody().administer(AdminCommand::Rights(command)).unwrap() {
        AdminReply::Rights(RightsReply::Requests(rows)) => rows.into_iter().map(|row| row.id).collect(),
        _ => panic!("reply"),
    }
}

pub(crate) fn act(
    world: &World,
    request: RightsRequestId,
    step: RightsAction,
) -> Result<AdminReply, AdminError> {
    let command = RightsCommand::Act { request, step, note: None, actor: "clerk".to_owned() };
    world.custody().administer(AdminCommand::Rights(command))
}

#[test]
fn each_step_that_a_person_must_hear_of_is_a_letter() {
    let mut world = with_letters();
    let anna = person(&mut world, "anna");
    set_contact(&world, anna, Some(ADDRESS));
    let request = opened(&world, anna, RequestKind::Restriction);
    assert!(kinds(&world).is_empty());
    act(&world, request, RightsAction::Confirm {}).unwrap();
    assert_eq!(kinds(&world), [LetterKind::RequestReceived]);
    assert!(act(&world, request, RightsAction::Confirm {}).is_err(), "what is refused tells nobody anything");
    act(&world, request, RightsAction::Extend { reason: ExtensionReason::Complexity, told_at: None })
        .unwrap();
    let told = letters(&world).pop().unwrap();
    let LetterAbout::Request { id, reason, routes, .. } = told.about else { panic!("{told:?}") };
    assert_eq!((id, reason.as_deref(), routes.is_empty()), (request, Some("complexity"), false));
    act(&world, request, RightsAction::Identify { method: fiducia_policy::IdentityMethod::SignedIn })
        .unwrap();
    act(&world, request, RightsAction::Fulfil { left_undone: Some("one part".to_owned()) }).unwrap();
    let expect = [LetterKind::RequestReceived, LetterKind::RequestExtended, LetterKind::RequestDone];
    assert_eq!(kinds(&world), expect);
    assert_eq!(send(&world), 3);
    let refused = opened(&world, anna, RequestKind::Objection);
    act(&world, refused, RightsAction::Refuse { reason: fiducia_policy::RefusalReason::Excessive }).unwrap();
    assert_eq!(kinds(&world), [LetterKind::RequestRefused]);
    // An erasure takes the address with it, and every letter to it.
    let erasure = opened(&world, anna, RequestKind::Erasure);
    act(&world, erasure, RightsAction::Identify { method: fiducia_policy::IdentityMethod::SignedIn })
        .unwrap();
    act(&world, erasure, RightsAction::Fulfil { left_undone: None }).unwrap();
    assert!(due_letters(&world).is_empty());
}

#[test]
fn an_address_that_is_taken_away_gets_no_letter() {
    let mut world = with_letters();
    let anna = person(&mut world, "anna");
    set_contact(&world, anna, Some(ADDRESS));
    open(&world, 30);
    world.sweep();
    assert_eq!(due_letters(&world).len(), 1);
    set_contact(&world, anna, None);
    assert!(due_letters(&world).is_empty());
    assert_eq!(send(&world), 0);
}

fn people(world: &World, command: PeopleCommand) -> PeopleReply {
    match world.custody().administer(AdminCommand::People(command)).unwrap() {
        AdminReply::People(reply) => reply,
        _ => panic!("reply"),
    }
}

/// How many people the organisation has.
fn subjects(world: &World) -> usize {
    let organization = world.organization();
    match people(world, PeopleCommand::List { organization, before: None, limit: 1_000 }) {
        PeopleReply::People(rows) => rows.len(),
        other => panic!("{other:?}"),
    }
}

fn detail(world: &World, subject: SubjectId) -> PersonDetail {
    match people(world, PeopleCommand::Show { subject }) {
        PeopleReply::Person(detail) => *detail,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_person_is_found_by_name_and_asking_makes_nobody() {
    let mut world = World::of_consumers();
    let anna = person(&mut world, "anna");
    let organization = world.organization();
    let find = |name: &str| match people(&world, PeopleCommand::Find { organization, name: name.to_owned() })
    {
        PeopleReply::Found(found) => found,
        other => panic!("{other:?}"),
    };
    let before = subjects(&world);
    assert_eq!((find("anna"), find("ann"), find("Anna")), (Some(anna), None, None));
    assert_eq!(subjects(&world), before);
    let debugged = format!("{:?}", PeopleCommand::Find { organization, name: "anna".to_owned() });
    assert!(!debugged.contains("anna"), "{debugged}");
}

#[test]
fn what_is_held_is_counted_for_each_purpose() {
    let mut world = World::of_consumers();
    let anna = person(&mut world, "anna");
    assert!(detail(&world, anna).held.is_empty());
    world.exchange(&anthropic(&["one"]), "uno");
    world.exchange(&anthropic(&["two"]), "dos");
    world.conversations();
    let held = detail(&world, anna);
    let service = held.held.iter().find(|count| count.held_for == HeldFor::Service).unwrap();
    assert_eq!((service.conversations, held.row.conversations, held.records), (2, 2, 4));
    assert_eq!((held.deleted, held.row.open_requests, held.row.is_restricted), (0, 0, false));
    let restriction = opened(&world, anna, RequestKind::Restriction);
    assert_eq!(detail(&world, anna).row.open_requests, 1);
    act(&world, restriction, RightsAction::Identify { method: fiducia_policy::IdentityMethod::SignedIn })
        .unwrap();
    act(&world, restriction, RightsAction::Fulfil { left_undone: None }).unwrap();
    let restricted = detail(&world, anna);
    assert!(
        restricted.row.is_restricted
            && restricted.restriction.is_some_and(|(request, _)| request == restriction)
    );
}
