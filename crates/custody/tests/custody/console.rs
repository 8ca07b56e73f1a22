//! What people and staff reach by the console: what is theirs, what their role permits, and nothing else.

use fiducia_custody::{
    AccountCommand, AccountReply, AdminCommand, AdminError, AdminReply, Attempt, Browser, CertificateCommand,
    ConsentChoice, ConsentCommand, ConsentReply, ConversationWish, NewAccount, PersonalCommand,
    PersonalRequest, ProviderIdentity, RetentionReply, RightsCommand, RightsReply, SessionTerms, ShownNotice,
    SignedIn,
};
use fiducia_policy::{
    ConsentAct, ConsentChannel, ConsentPurpose, ConsentState, ConversationId, GroundKind, OrganizationId,
    Plan, RequestKind, Role,
};

use crate::consent_world::choice;
use crate::world::{World, anthropic};

/// Signs somebody in to a new account of the organisation.
pub(crate) fn signed_in(
    world: &World,
    organization: OrganizationId,
    subject: Option<&str>,
    roles: &str,
) -> SignedIn {
    let login = format!("{}.{}@example.org", subject.unwrap_or("staff"), roles.replace(' ', "."));
    let new = NewAccount {
        organization,
        login: login.clone(),
        name: "Somebody".to_owned(),
        subject: subject.map(str::to_owned),
        roles: roles.parse().unwrap(),
    };
    let created = world.custody().administer(AdminCommand::Account(AccountCommand::Create(new))).unwrap();
    assert!(matches!(created, AdminReply::Account(AccountReply::Account(_))));
    let identity = ProviderIdentity {
        issuer: "https://issuer.example".to_owned(),
        external: login.clone(),
        verified_email: Some(login),
    };
    let attempt = Attempt {
        browser: Browser { address: "192.0.2.1".to_owned(), secret: None, device: String::new() },
        terms: SessionTerms { visit: [7; 32], idle_seconds: 1_800, seconds_max: 43_200 },
    };
    let session = world.custody().sign_in_with_provider(&identity, &attempt).unwrap();
    world.custody().signed_in(&session.token).unwrap().unwrap()
}

pub(crate) fn request(kind: RequestKind, submission: &str) -> PersonalCommand {
    PersonalCommand::OpenRequest(PersonalRequest {
        kind,
        regimes: Vec::new(),
        submission: submission.to_owned(),
        conversation: None,
        statement: None,
        new_name: None,
        grounds: Vec::new(),
    })
}

/// A consumer with one conversation, and the same for another person.
pub(crate) fn two_people() -> (World, Vec<(SignedIn, ConversationId)>) {
    let mut world = World::of_consumers();
    let mut people = Vec::new();
    let mut known: Vec<ConversationId> = Vec::new();
    for name in ["ada", "ben"] {
        world.use_new_key(name);
        world.exchange(&anthropic(&[&format!("hello from {name}")]), "hello");
        let conversation = world.conversations().into_iter().find(|id| !known.contains(id)).unwrap();
        known.push(conversation);
        people.push((signed_in(&world, world.organization(), Some(name), "person"), conversation));
    }
    (world, people)
}

#[test]
fn a_person_reaches_what_is_theirs() {
    let (world, people) = two_people();
    let custody = world.custody();
    let (ada, conversation) = (people[0].0.oneself().unwrap(), people[0].1);
    let ask = |command| custody.personally(&ada, command).unwrap();
    let AdminReply::Conversations(rows) =
        ask(PersonalCommand::Conversations { deleted: true, limit: 10, after: None })
    else {
        panic!("conversations")
    };
    assert_eq!(rows.iter().map(|row| row.id).collect::<Vec<_>>(), [conversation]);
    let AdminReply::Governed(RetentionReply::Explanations(explained)) =
        ask(PersonalCommand::Explain { conversation })
    else {
        panic!("explanations")
    };
    assert!(explained.iter().any(|found| found.paths.iter().any(|path| path.ground == GroundKind::Service)));
    ask(PersonalCommand::Wish { conversation, wish: ConversationWish::Delete });
    ask(PersonalCommand::Wish { conversation, wish: ConversationWish::Restore });
    assert!(matches!(ask(PersonalCommand::Read { conversation }), AdminReply::Content(_)));
    let given = custody.choose_for_oneself(&ada, ConsentChannel::SignUp, choice(ConsentAct::Give)).unwrap();
    assert_eq!(given.state, ConsentState::Given);
    let AdminReply::Consented(ConsentReply::History(history)) =
        ask(PersonalCommand::Choices { purpose: None, before: None, limit: 10 })
    else {
        panic!("history")
    };
    assert_eq!(history[0].entity, format!("subject by {}", people[0].0.account.id));
    assert!(matches!(
        ask(PersonalCommand::Receipt { id: given.id }),
        AdminReply::Consented(ConsentReply::Receipt { .. })
    ));
    let channel = custody.choose_for_oneself(&ada, ConsentChannel::Admin, choice(ConsentAct::Withdraw));
    assert!(matches!(channel, Err(AdminError::Invalid(_))), "the channel of staff");
    let AdminReply::Rights(RightsReply::Opened { request: first, .. }) =
        ask(request(RequestKind::Access, "1"))
    else {
        panic!("opened")
    };
    let AdminReply::Rights(RightsReply::Opened { request: again, is_new }) =
        ask(request(RequestKind::Access, "1"))
    else {
        panic!("opened")
    };
    assert_eq!((again.id, again.is_identified, is_new), (first.id, true, false));
    ask(PersonalCommand::WithdrawRequest { request: first.id });
    let AdminReply::Rights(RightsReply::Requests(rows)) =
        ask(PersonalCommand::Requests { closed: true, limit: 10 })
    else {
        panic!("requests")
    };
    assert_eq!((rows.len(), rows[0].closed_at.is_some()), (1, true));
}

#[test]
fn everything_that_can_be_asked_is_asked_once_and_identified_where_it_must_be() {
    let (world, people) = two_people();
    let ada = people[0].0.oneself().unwrap();
    for kind in RequestKind::ALL {
        let mut asked = PersonalRequest {
            kind,
            regimes: Vec::new(),
            submission: format!("once-{kind}"),
            conversation: None,
            statement: None,
            new_name: None,
            grounds: Vec::new(),
        };
        if kind == RequestKind::Correction {
            asked.statement = Some("my name is spelt otherwise".to_owned());
        }
        for is_first in [true, false] {
            let reply =
                world.custody().personally(&ada, PersonalCommand::OpenRequest(asked.clone())).unwrap();
            let AdminReply::Rights(RightsReply::Opened { request: row, is_new }) = reply else {
                panic!("opened")
            };
            assert_eq!((row.kind, is_new), (kind, is_first));
            assert_eq!(row.is_identified, kind.needs_identity(), "{kind}");
        }
    }
    let AdminReply::Rights(RightsReply::Requests(rows)) =
        world.custody().personally(&ada, PersonalCommand::Requests { closed: true, limit: 100 }).unwrap()
    else {
        panic!("requests")
    };
    assert_eq!(rows.len(), RequestKind::ALL.len(), "each once");
}

#[test]
fn a_no_counts_whatever_text_it_names() {
    let (world, people) = two_people();
    let ada = people[0].0.oneself().unwrap();
    world.custody().choose_for_oneself(&ada, ConsentChannel::Settings, choice(ConsentAct::Give)).unwrap();
    let unknown = ShownNotice { language: "fr".to_owned(), version: 9, hash: None };
    let no = ConsentChoice { notice: Some(unknown), ..choice(ConsentAct::Withdraw) };
    let said = world.custody().choose_for_oneself(&ada, ConsentChannel::Settings, no).unwrap();
    assert_eq!(said.state, ConsentState::Withdrawn);
    world.custody().choose_for_oneself(&ada, ConsentChannel::Settings, choice(ConsentAct::Give)).unwrap();
    let other = ShownNotice { language: "en".to_owned(), version: 1, hash: Some("0".repeat(64)) };
    let no = ConsentChoice { notice: Some(other.clone()), ..choice(ConsentAct::Withdraw) };
    let said = world.custody().choose_for_oneself(&ada, ConsentChannel::Settings, no).unwrap();
    assert_eq!(said.state, ConsentState::Withdrawn);
    let yes = ConsentChoice { notice: Some(other), ..choice(ConsentAct::Give) };
    assert!(
        world.custody().choose_for_oneself(&ada, ConsentChannel::Settings, yes).is_err(),
        "a yes does not"
    );
}

#[test]
fn what_is_another_persons_is_not_found() {
    let (world, people) = two_people();
    let custody = world.custody();
    let (ada, ben) = (people[0].0.oneself().unwrap(), people[1].0.oneself().unwrap());
    let theirs = people[0].1;
    let receipt =
        custody.choose_for_oneself(&ada, ConsentChannel::Settings, choice(ConsentAct::Give)).unwrap().id;
    let AdminReply::Rights(RightsReply::Opened { request: row, .. }) =
        custody.personally(&ada, request(RequestKind::Access, "same key")).unwrap()
    else {
        panic!("opened")
    };
    for command in [
        PersonalCommand::Conversation { conversation: theirs },
        PersonalCommand::Records { conversation: theirs },
        PersonalCommand::Explain { conversation: theirs },
        PersonalCommand::Wish { conversation: theirs, wish: ConversationWish::Delete },
        PersonalCommand::Read { conversation: theirs },
        PersonalCommand::Receipt { id: receipt },
        PersonalCommand::Request { request: row.id },
        PersonalCommand::WithdrawRequest { request: row.id },
        PersonalCommand::Certificate { reference: "FC-2026-AAAA-AAAA-AAAA-AAAA".parse().unwrap() },
    ] {
        let refused = custody.personally(&ben, command.clone()).unwrap_err();
        assert!(matches!(refused, AdminError::NotFound(_)), "{command:?}: {refused:?}");
    }
    let own = custody.personally(&ben, request(RequestKind::Erasure, "same key")).unwrap();
    assert!(
        matches!(own, AdminReply::Rights(RightsReply::Opened { is_new: true, .. })),
        "two people's submissions never meet"
    );
    let AdminReply::Consented(ConsentReply::Standings(rows)) =
        custody.personally(&ben, PersonalCommand::Standings).unwrap()
    else {
        panic!("standings")
    };
    assert!(rows.iter().all(|row| !row.permits), "a yes of one person's is not another's");
}

/// Each command once, with the roles that it takes.
fn matrix(subject: fiducia_policy::SubjectId) -> Vec<(AdminCommand, &'static [Role])> {
    let consent = AdminCommand::Consent;
    let source = World::notice_text("research", "en", 9);
    vec![
        (consent(ConsentCommand::ListNotices { purpose: None }), &Role::ALL),
        (consent(ConsentCommand::Show { subject }), &[Role::TenantAdmin, Role::Legal, Role::Support]),
        (
            consent(ConsentCommand::ListCampaigns),
            &[Role::TenantAdmin, Role::Legal, Role::Auditor, Role::Research, Role::Partner],
        ),
        (
            consent(ConsentCommand::PublishNotice { source, actor: String::new() }),
            &[Role::TenantAdmin, Role::Legal],
        ),
        (
            AdminCommand::Rights(RightsCommand::List { organization: None, closed: true, limit: 10 }),
            &[Role::TenantAdmin, Role::Legal, Role::Support, Role::Auditor],
        ),
        (
            AdminCommand::Certify(CertificateCommand::List { organization: None, limit: 10, after: None }),
            &[Role::TenantAdmin, Role::Legal, Role::Auditor],
        ),
        (AdminCommand::Account(AccountCommand::List { organization: None }), &[Role::TenantAdmin]),
        (AdminCommand::ListOrganizations, &[]),
        (AdminCommand::Status, &[]),
        (AdminCommand::Sweep { limit: None }, &[]),
    ]
}

#[test]
fn every_role_may_do_what_is_its_own_and_nothing_else() {
    let world = World::of_consumers();
    let subject = world.subject();
    for role in Role::ALL {
        if role == Role::Person {
            continue;
        }
        let staff = signed_in(&world, world.organization(), None, role.name()).staff().unwrap();
        for (command, takers) in matrix(subject) {
            let name = format!("{role} {}", command.name());
            let outcome = world.custody().as_staff(&staff, command);
            let is_forbidden = matches!(outcome, Err(AdminError::Forbidden(_)));
            // A notice is published once; whoever comes next is told so.
            assert_eq!(is_forbidden, !takers.contains(&role), "{name}: {outcome:?}");
        }
    }
    assert!(signed_in(&world, world.organization(), Some("ada"), "person").staff().is_none());
}

#[test]
fn staff_of_one_organisation_reach_nothing_of_anothers() {
    let mut world = World::of_consumers();
    let (subject, home) = (world.subject(), world.organization());
    let ada = signed_in(&world, home, Some("ada"), "person").oneself().unwrap();
    let AdminReply::Rights(RightsReply::Opened { request: row, .. }) =
        world.custody().personally(&ada, request(RequestKind::Access, "1")).unwrap()
    else {
        panic!("opened")
    };
    world.use_agreed_organization("elsewhere", Plan::Pro, None);
    let elsewhere = signed_in(&world, world.organization(), None, "tenant-admin legal").staff().unwrap();
    let custody = world.custody();
    for command in [
        AdminCommand::Consent(ConsentCommand::Show { subject }),
        AdminCommand::Consent(ConsentCommand::Choose {
            subject,
            choice: fiducia_custody::ConsentChoice::entered(ConsentPurpose::Research, ConsentAct::Refuse),
            actor: "desk".to_owned(),
        }),
        AdminCommand::Rights(RightsCommand::Show { request: row.id }),
    ] {
        let refused = custody.as_staff(&elsewhere, command).unwrap_err();
        assert!(matches!(refused, AdminError::NotFound(_)), "{refused:?}");
    }
    let listing =
        AdminCommand::Rights(RightsCommand::List { organization: Some(home), closed: true, limit: 10 });
    let AdminReply::Rights(RightsReply::Requests(rows)) = custody.as_staff(&elsewhere, listing).unwrap()
    else {
        panic!("requests")
    };
    assert!(rows.is_empty(), "naming another organisation does not help");
    let source = World::notice_text("research", "en", 9);
    let publish = AdminCommand::Consent(ConsentCommand::PublishNotice { source, actor: "desk".to_owned() });
    assert!(
        matches!(custody.as_staff(&elsewhere, publish), Err(AdminError::Forbidden(_))),
        "a notice stands for every organisation"
    );
    let oneself = AdminCommand::Account(AccountCommand::SetRoles {
        account: elsewhere.account(),
        roles: "tenant-admin legal auditor".parse().unwrap(),
    });
    assert!(matches!(custody.as_staff(&elsewhere, oneself), Err(AdminError::Forbidden(_))));
}
