//! The feed is the projection of the ledger, whatever a crash left out.

use std::collections::BTreeMap;

use fiducia_custody::{
    ActivityQuery, AdminCommand, ComplianceReach, DestructionScope, Scope, activity_names,
};
use fiducia_ledger::{LogReader, LoggedLeaf};
use fiducia_policy::{Agreement, OrganizationId, Plan, SubjectId};
use proptest::prelude::*;

use crate::world::{World, anthropic};

/// What happens to a world.
#[derive(Debug, Clone, Copy)]
enum Act {
    /// A person asks and is answered.
    Exchange,
    /// A key is made.
    Key,
    /// The newest conversation is destroyed.
    Destroy,
    /// The program ends and starts again.
    Restart,
    /// The program ends before the feed had what was entered since the last restart: its file is the one of then.
    LoseTheFeedsCommits,
    /// The feed's file is lost.
    LoseTheFeed,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => Just(Act::Exchange),
        2 => Just(Act::Key),
        1 => Just(Act::Destroy),
        1 => Just(Act::Restart),
        2 => Just(Act::LoseTheFeedsCommits),
        1 => Just(Act::LoseTheFeed),
    ]
}

/// The feed's rows by index in the log: id and type.
fn feed(world: &World, organization: OrganizationId) -> BTreeMap<u64, (String, String)> {
    world.custody().settle_feed();
    let query = ActivityQuery { limit: 5_000, ..ActivityQuery::default() };
    let page = world.custody().activities(ComplianceReach::Organization(organization), &query).unwrap();
    assert!(!page.has_more);
    let rows = page.data.into_iter();
    rows.map(|row| (row.details["ledger_index"].as_u64().unwrap(), (row.id, row.kind))).collect()
}

/// What the log says the feed must hold.
fn projected(world: &World) -> BTreeMap<u64, (String, String)> {
    let log = world.data().join("ledger").join(world.organization().uuid());
    let reader = LogReader::open(&log, &world.verifier_key()).unwrap();
    let names: BTreeMap<&str, Vec<String>> = activity_names().into_iter().collect();
    let entries = reader.entries(0).map(|entry| {
        let (index, bytes) = entry.unwrap();
        let leaf = LoggedLeaf::parse(&bytes).unwrap().leaf;
        let id = leaf.id.as_str().replace("event_", "activity_");
        // The types that this test brings about have one name each.
        (index, (id, names[leaf.event.kind()][0].clone()))
    });
    entries.collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]

    #[test]
    fn the_feed_is_the_projection_of_the_ledger(acts in prop::collection::vec(act(), 1..10)) {
        let mut world = World::new();
        let path = world.data().join("activities.db");
        let saved = world.folder().join("activities.saved");
        let restart = |world: &mut World, before: &dyn Fn()| {
            world.close();
            before();
            // What a later crash goes back to.
            let _ = std::fs::copy(&path, &saved);
            world.reopen();
        };
        restart(&mut world, &|| ());
        for (number, act) in acts.into_iter().enumerate() {
            match act {
                Act::Exchange => world.exchange(&anthropic(&[&format!("question {number}")]), "answer"),
                Act::Key => world.use_new_key("person-1"),
                Act::Destroy => {
                    if let Some(id) = world.conversations().first() {
                        world.destroy(DestructionScope::Conversation(*id)).unwrap();
                    }
                }
                Act::Restart => restart(&mut world, &|| ()),
                Act::LoseTheFeedsCommits => restart(&mut world, &|| {
                    std::fs::copy(&saved, &path).unwrap();
                }),
                Act::LoseTheFeed => restart(&mut world, &|| std::fs::remove_file(&path).unwrap()),
            }
            let organization = world.organization();
            let found = feed(&world, organization);
            prop_assert_eq!(found, projected(&world), "after {:?}", act);
        }
    }
}

#[test]
fn every_type_of_leaf_has_its_row_in_the_documentation() {
    let text = include_str!("../../../../docs/compliance-api.md");
    let rows: Vec<&str> = text.lines().filter(|line| line.starts_with("| leaf `")).collect();
    let expected: Vec<String> = activity_names()
        .into_iter()
        .map(|(kind, names)| {
            let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
            format!("| leaf `{kind}` | {} |", names.join(", "))
        })
        .collect();
    assert_eq!(rows, expected, "the table in docs/compliance-api.md is:\n{}", expected.join("\n"));
}

#[test]
fn an_erased_person_is_in_the_feed_by_pseudonym_alone() {
    let world = World::new();
    let (organization, subject) = (world.organization(), world.subject());
    let command = fiducia_custody::AccountCommand::RecordPrivacySignal { subject };
    world.custody().administer(fiducia_custody::AdminCommand::Account(command)).unwrap();
    let rows = |users: Vec<[u8; 16]>| {
        world.custody().settle_feed();
        let kinds = vec!["fiducia_privacy_signal_received".to_owned()];
        let query = ActivityQuery { limit: 10, kinds, users, ..ActivityQuery::default() };
        world.custody().activities(ComplianceReach::Organization(organization), &query).unwrap().data
    };
    let user = format!("user_{}", SubjectId::uuid(&subject));
    let shown = serde_json::to_value(&rows(vec![*subject.as_bytes()])[0]).unwrap();
    assert_eq!(
        (&shown["actor"]["user_id"], &shown["user_id"]),
        (&user.as_str().into(), &user.as_str().into())
    );
    world.destroy(DestructionScope::Subject(subject)).unwrap();
    assert!(rows(vec![*subject.as_bytes()]).is_empty(), "nobody finds them by their id");
    let shown = serde_json::to_value(&rows(Vec::new())[0]).unwrap();
    assert!(shown["actor"]["user_id"].as_str().unwrap().starts_with("psn_"), "{shown}");
    assert!(!shown.to_string().contains(&subject.uuid()), "{shown}");
}

#[test]
fn rows_leave_the_feed_after_six_years_and_the_ledger_keeps_its_leaves() {
    let world = World::new();
    let before = feed(&world, world.organization());
    assert!(!before.is_empty());
    world.advance_days(6 * 365);
    world.sweep();
    assert!(feed(&world, world.organization()).len() >= before.len(), "six years have a leap day or two");
    world.advance_days(3);
    world.sweep();
    let after = feed(&world, world.organization());
    assert!(before.keys().all(|index| !after.contains_key(index)), "{after:?}");
    assert_eq!(projected(&world).len(), before.len() + after.len());
}

#[test]
fn signing_in_and_out_is_in_the_feed_by_who_it_was() {
    use fiducia_custody::{
        AccountCommand, AccountReply, AdminCommand, AdminReply, Attempt, Browser, NewAccount,
        ProviderIdentity, SessionTerms,
    };
    let world = World::new();
    let account = |command| match world.custody().administer(AdminCommand::Account(command)).unwrap() {
        AdminReply::Account(reply) => reply,
        other => panic!("{other:?}"),
    };
    account(AccountCommand::Create(NewAccount {
        organization: world.organization(),
        login: "anna@example.org".to_owned(),
        name: "Anna".to_owned(),
        subject: Some("person-1".to_owned()),
        roles: "person".parse().unwrap(),
    }));
    let identity = ProviderIdentity {
        issuer: "https://issuer.example".to_owned(),
        external: "anna".to_owned(),
        verified_email: Some("anna@example.org".to_owned()),
    };
    let attempt = Attempt {
        browser: Browser { address: "192.0.2.1".to_owned(), secret: None, device: "a browser".to_owned() },
        terms: SessionTerms { visit: [7; 32], idle_seconds: 3_600, seconds_max: 3_600 },
    };
    let session = world.custody().sign_in_with_provider(&identity, &attempt).unwrap();
    let AccountReply::Ended(1) =
        account(AccountCommand::EndSessions { account: session.account, except: None })
    else {
        panic!("nobody was signed out")
    };
    world.custody().settle_feed();
    let kinds = ["sso_login_succeeded", "session_revoked"].map(str::to_owned).to_vec();
    let query = ActivityQuery { limit: 10, kinds, is_oldest_first: true, ..ActivityQuery::default() };
    let reach = ComplianceReach::Organization(world.organization());
    let rows = world.custody().activities(reach, &query).unwrap().data;
    assert_eq!(rows.len(), 2);
    for row in rows {
        let shown = serde_json::to_value(&row).unwrap();
        let user = format!("user_{}", world.subject().uuid());
        assert_eq!(
            (&shown["actor"]["user_id"], &shown["actor"]["email_address"]),
            (&user.into(), &"anna@example.org".into())
        );
        assert_eq!(
            (&shown["organization_id"], &shown["account_id"]),
            (&serde_json::Value::Null, &session.account.to_string().into())
        );
        assert!(!shown.to_string().contains("192.0.2.1"), "{shown}");
    }
}

/// A publication that fails at the second of two logs has published the first: its rows are not kept waiting.
#[test]
fn what_a_publication_published_before_it_failed_is_in_the_feed() {
    let mut world = World::new();
    let first = world.organization();
    world.use_new_organization("second tenant", Plan::Enterprise, Agreement::Standard);
    let second = world.organization();
    world.custody().settle_feed();
    // Checkpoints are written in the order of the ids.
    let (early, late) = (first.min(second), first.max(second));
    let rows = |organization| feed(&world, organization).len();
    let before = (rows(early), rows(late));
    let checkpoint = world.data().join("ledger").join(late.uuid()).join("checkpoint");
    let aside = world.folder().join("checkpoint.aside");
    std::fs::rename(&checkpoint, &aside).unwrap();
    for organization in [late, early] {
        let command = AdminCommand::CreateVirtualKey {
            organization,
            workspace: None,
            subject: "person-1".to_owned(),
            scopes: vec![Scope::Inference],
            class: None,
            expires_at: None,
        };
        world.custody().administer(command).unwrap();
    }
    assert_eq!(rows(early), before.0 + 1, "its checkpoint was written");
    assert_eq!(rows(late), before.1, "its checkpoint is not the one that was written last");
    std::fs::rename(&aside, &checkpoint).unwrap();
    assert_eq!((rows(early), rows(late)), (before.0 + 1, before.1 + 1), "and goes on");
    world.close();
}
