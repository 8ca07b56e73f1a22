//! Accounts: who may have one, how they sign in, and what the ledger keeps of it.

use fiducia_custody::{
    AccountCommand, AccountReply, AccountRow, AdminCommand, AdminError, AdminReply, Attempt, Browser,
    NewAccount, Password, ProviderIdentity, SessionTerms, SignInRefused,
};
use fiducia_ledger::{Event, LogReader, LoggedLeaf};

use crate::world::World;

const LOGIN: &str = "Ada@Example.org";

fn ask(world: &World, command: AccountCommand) -> Result<AccountReply, AdminError> {
    match world.custody().administer(AdminCommand::Account(command))? {
        AdminReply::Account(reply) => Ok(reply),
        other => panic!("{other:?}"),
    }
}

fn new_account(world: &World, subject: Option<&str>, roles: &str) -> NewAccount {
    NewAccount {
        organization: world.organization(),
        login: LOGIN.to_owned(),
        name: "Ada".to_owned(),
        subject: subject.map(str::to_owned),
        roles: roles.parse().unwrap(),
    }
}

fn created(world: &World) -> AccountRow {
    match ask(world, AccountCommand::Create(new_account(world, Some("ada"), "person"))).unwrap() {
        AccountReply::Account(row) => *row,
        other => panic!("{other:?}"),
    }
}

fn attempt(visit: u8) -> Attempt {
    Attempt {
        browser: Browser { address: "192.0.2.1".to_owned(), secret: None, device: String::new() },
        terms: SessionTerms { visit: [visit; 32], idle_seconds: 1_800, seconds_max: 43_200 },
    }
}

fn password(text: &str) -> Password {
    Password::new(text.to_owned())
}

/// What the ledger says of accounts: what changed, to what.
fn logged(world: &mut World) -> Vec<(String, String)> {
    let key: fiducia_ledger::VerifierKey =
        world.custody().ledger_verifier_key(world.organization()).parse().unwrap();
    let log = world.data().join("ledger").join(world.organization().uuid());
    world.close();
    let reader = LogReader::open(&log, &key).unwrap();
    let leaves = reader.entries(0).map(|entry| LoggedLeaf::parse(&entry.unwrap().1).unwrap().leaf.event);
    let changes = leaves.filter_map(|event| match event {
        Event::ConsoleAccountCreated { roles, .. } => Some(("created".to_owned(), roles.join(" "))),
        Event::ConsoleAccountChanged { what, value, .. } => Some((what, value)),
        Event::PrivacySignalReceived { .. } => Some(("signal".to_owned(), String::new())),
        _ => None,
    });
    changes.collect()
}

#[test]
fn an_account_signs_in_after_reopening_and_every_change_of_it_is_in_the_ledger() {
    let mut world = World::new();
    let account = created(&world);
    assert_eq!((account.login.as_str(), account.has_password), ("ada@example.org", false));
    let id = account.id;
    ask(&world, AccountCommand::SetPassword { account: id, password: password("correct horse battery") })
        .unwrap();
    world.reopen();
    let custody = world.custody();
    let session =
        custody.sign_in_with_password(LOGIN, &password("correct horse battery"), &attempt(1)).unwrap();
    let signed_in = custody.signed_in(&session.token).unwrap().unwrap();
    assert_eq!((signed_in.account.id, signed_in.session.method.as_str()), (id, "password"));
    let subject = signed_in.account.subject.unwrap();
    custody.note_privacy_signal(&signed_in).unwrap();
    let signed_in = custody.signed_in(&session.token).unwrap().unwrap();
    assert_eq!(signed_in.privacy_signal.unwrap().first_seen_at.as_second(), world.now().as_second());
    custody.note_privacy_signal(&signed_in).unwrap();
    ask(&world, AccountCommand::RecordPrivacySignal { subject }).unwrap();
    ask(&world, AccountCommand::SetRoles { account: id, roles: "person auditor".parse().unwrap() }).unwrap();
    assert!(custody.signed_in(&session.token).unwrap().is_none(), "other roles are for another session");
    ask(&world, AccountCommand::SetState { account: id, enabled: false }).unwrap();
    let refused = custody.sign_in_with_password(LOGIN, &password("correct horse battery"), &attempt(2));
    assert_eq!(refused.unwrap_err(), SignInRefused::Disabled);
    let said = |what: &str, value: &str| (what.to_owned(), value.to_owned());
    assert_eq!(
        logged(&mut world),
        [
            said("created", "person"),
            said("password", "set"),
            said("signal", ""),
            said("roles", "person auditor"),
            said("state", "disabled"),
        ]
    );
}

#[test]
fn accounts_that_do_not_fit_together_are_refused() {
    let world = World::new();
    let refused = |new: NewAccount| ask(&world, AccountCommand::Create(new)).unwrap_err();
    assert!(matches!(refused(new_account(&world, None, "person")), AdminError::Invalid(_)));
    assert!(matches!(refused(new_account(&world, Some("ada"), "auditor")), AdminError::Invalid(_)));
    assert!(matches!(refused(new_account(&world, None, "")), AdminError::Invalid(_)));
    for login in ["", "two words", "line\nbreak", &"x".repeat(129)] {
        let new = NewAccount { login: login.to_owned(), ..new_account(&world, None, "auditor") };
        assert!(matches!(refused(new), AdminError::Invalid(_)), "{login:?}");
    }
    let account = created(&world).id;
    assert!(
        matches!(refused(new_account(&world, None, "auditor")), AdminError::Conflict(_)),
        "a login in another case"
    );
    let short = AccountCommand::SetPassword { account, password: password("short") };
    assert!(matches!(ask(&world, short), Err(AdminError::Invalid(_))));
    let nobody = AccountCommand::Rename {
        account: "acct_00000000-0000-0000-0000-000000000000".parse().unwrap(),
        name: "X".into(),
    };
    assert!(matches!(ask(&world, nobody), Err(AdminError::NotFound(_))));
}

#[test]
fn a_provider_opens_the_account_it_is_linked_to_and_no_other() {
    let world = World::new();
    let account = created(&world).id;
    let identity = |external: &str, email: Option<&str>| ProviderIdentity {
        issuer: "https://issuer.example".to_owned(),
        external: external.to_owned(),
        verified_email: email.map(str::to_owned),
    };
    let sign_in = |identity: &ProviderIdentity| {
        world.custody().sign_in_with_provider(identity, &attempt(3)).map(|session| session.account)
    };
    assert_eq!(sign_in(&identity("sub-1", None)), Err(SignInRefused::Unlinked));
    assert_eq!(sign_in(&identity("sub-1", Some("eve@example.org"))), Err(SignInRefused::Unlinked));
    assert_eq!(sign_in(&identity("sub-1", Some("ada@example.org"))), Ok(account));
    assert_eq!(sign_in(&identity("sub-1", None)), Ok(account), "it is linked from now on");
    assert_eq!(sign_in(&identity("sub-2", None)), Err(SignInRefused::Unlinked));
    let elsewhere =
        ProviderIdentity { issuer: "https://other.example".to_owned(), ..identity("sub-1", None) };
    assert_eq!(sign_in(&elsewhere), Err(SignInRefused::Unlinked));
}

#[test]
fn changing_a_password_needs_the_current_one_and_ends_other_sessions() {
    let world = World::new();
    let account = created(&world).id;
    ask(&world, AccountCommand::SetPassword { account, password: password("correct horse battery") })
        .unwrap();
    let custody = world.custody();
    let old = password("correct horse battery");
    let other = custody.sign_in_with_password(LOGIN, &old, &attempt(1)).unwrap();
    let new = password("another horse battery");
    let refused = custody.change_password(LOGIN, &password("not the current one"), &new, &attempt(2));
    assert_eq!(refused.unwrap_err(), SignInRefused::Wrong);
    let refused = custody.change_password(LOGIN, &old, &password("short"), &attempt(2));
    assert!(matches!(refused.unwrap_err(), SignInRefused::Unfit(_)));
    assert!(custody.signed_in(&other.token).unwrap().is_some());
    let here = custody.change_password(LOGIN, &old, &new, &attempt(2)).unwrap();
    assert!(custody.signed_in(&other.token).unwrap().is_none());
    assert!(custody.signed_in(&here.token).unwrap().is_some());
    let refused = custody.sign_in_with_password(LOGIN, &old, &attempt(4));
    assert_eq!(refused.unwrap_err(), SignInRefused::Wrong);
}
