//! How long things are kept: what moves an end, what carries it out, and what is left alone.

use fiducia_custody::{
    AdminCommand, AdminError, AdminReply, ContentScope, ConversationWish, DestructionScope, NewHold,
    RetentionCommand, RetentionProgress, RetentionReply, TermsChange,
};
use fiducia_policy::{Agreement, ConversationId, GroundKind, HoldScope, Plan, RecordClass, RecordId};

use crate::world::{World, anthropic};

fn captured(world: &World, said: &str) -> ConversationId {
    let before = world.conversations();
    world.exchange(&anthropic(&[said]), &format!("answer to {said}"));
    // Those of one millisecond have no order.
    world.conversations().into_iter().find(|id| !before.contains(id)).unwrap()
}

fn is_readable(world: &World, id: ConversationId, ground: GroundKind) -> bool {
    match world.show(id, ground) {
        Ok(content) => !content.records.is_empty(),
        Err(AdminError::Destroyed(_) | AdminError::NotFound(_)) => false,
        Err(other) => panic!("{other}"),
    }
}

fn first_record(world: &World, id: ConversationId) -> RecordId {
    world.records(id)[0].id
}

fn hold(world: &World, scope: HoldScope) -> fiducia_custody::HoldRow {
    let new = NewHold {
        organization: world.organization(),
        matter: "Doe v. Roe".to_owned(),
        authority: "District court 7".to_owned(),
        scope,
        custodians: vec!["counsel".to_owned()],
        reviewers: Vec::new(),
    };
    let command = RetentionCommand::PlaceHold { hold: new, actor: "counsel".to_owned() };
    match world.govern(command).unwrap() {
        RetentionReply::Hold(row) => row,
        other => panic!("{other:?}"),
    }
}

fn wish(world: &World, conversation: ConversationId, wish: ConversationWish) {
    world.govern(RetentionCommand::Wish { conversation, wish }).unwrap();
}

#[test]
fn a_deleted_conversation_is_gone_when_the_policy_says_and_not_before() {
    let mut world = World::new();
    let (first, second) = (captured(&world, "delete me"), captured(&world, "keep me"));
    wish(&world, first, ConversationWish::Delete);
    world.advance_days(29);
    assert_eq!(world.sweep().records_purged, 0);
    assert!(
        is_readable(&world, first, GroundKind::Service),
        "the promise is thirty days, the end is not there yet"
    );
    world.advance_days(1);
    let swept = world.sweep();
    assert!(!is_readable(&world, first, GroundKind::Service));
    assert!(is_readable(&world, second, GroundKind::Service));
    assert!(swept.keys_destroyed >= 1 && swept.is_done);
    assert_eq!(world.sweep(), RetentionProgress { is_done: true, ..RetentionProgress::default() });
    world.verify_ledger();
}

#[test]
fn a_deletion_can_be_taken_back_until_the_keys_are_gone() {
    let world = World::new();
    let id = captured(&world, "hasty");
    wish(&world, id, ConversationWish::Delete);
    world.advance_days(20);
    world.sweep();
    wish(&world, id, ConversationWish::Restore);
    world.advance_days(400);
    world.sweep();
    assert!(is_readable(&world, id, GroundKind::Service));
}

#[test]
fn what_continues_a_deleted_conversation_is_stored_whole_as_one_of_its_own() {
    let world = World::new();
    let id = captured(&world, "one");
    wish(&world, id, ConversationWish::Delete);
    world.exchange(&anthropic(&["one", "answer to one", "two"]), "dos");
    let fresh = world.conversations().into_iter().find(|other| *other != id).unwrap();
    assert_eq!(world.show(fresh, GroundKind::Service).unwrap().records[0].messages_elided, 0);
    world.advance_days(31);
    world.sweep();
    assert!(!is_readable(&world, id, GroundKind::Service));
    assert!(is_readable(&world, fresh, GroundKind::Service));
}

#[test]
fn closing_an_account_ends_everything_of_the_person_after_its_days() {
    let mut world = World::new();
    let id = captured(&world, "mine");
    let subject = world.subject();
    world.use_new_key("somebody-else");
    let other = captured(&world, "theirs");
    world.govern(RetentionCommand::CloseAccount { subject }).unwrap();
    world.advance_days(89);
    world.sweep();
    assert!(is_readable(&world, id, GroundKind::Service));
    world.advance_days(1);
    world.sweep();
    assert!(!is_readable(&world, id, GroundKind::Service));
    assert!(is_readable(&world, other, GroundKind::Service));
}

#[test]
fn another_agreement_moves_the_ends_of_exactly_what_it_concerns() {
    let mut world = World::new();
    let mine = captured(&world, "mine");
    let organization = world.organization();
    world.use_new_organization("other tenant", Plan::Enterprise, Agreement::Standard);
    let other = captured(&world, "theirs");
    let change = TermsChange {
        agreement: Some(Agreement::Custom),
        custom_retention: Some("40 days".parse().unwrap()),
        ..TermsChange::default()
    };
    world.sweep();
    world.govern(RetentionCommand::ChangeTerms { organization, change }).unwrap();
    assert_eq!(world.sweep().reviewed, 1, "one conversation is the organisation's");
    world.advance_days(39);
    world.sweep();
    assert!(is_readable(&world, mine, GroundKind::Service));
    world.advance_days(1);
    world.sweep();
    assert!(!is_readable(&world, mine, GroundKind::Service));
    assert!(is_readable(&world, other, GroundKind::Service));
}

#[test]
fn a_turn_puts_off_an_end_that_counts_from_the_last_one() {
    let mut world = World::new();
    world.use_custom_organization("custom", "40 days");
    world.exchange(&anthropic(&["one"]), "uno");
    let id = world.conversations()[0];
    world.advance_days(30);
    world.exchange(&anthropic(&["one", "uno", "two"]), "dos");
    world.advance_days(15);
    world.sweep();
    let content = world.show(id, GroundKind::Service).unwrap();
    assert_eq!(content.records.len(), 4, "forty-five days after the first turn, fifteen after the last");
    world.advance_days(25);
    world.sweep();
    assert!(!is_readable(&world, id, GroundKind::Service));
}

#[test]
fn a_day_of_records_with_a_fixed_end_goes_as_one_file() {
    let mut world = World::new();
    world.use_new_organization("builders", Plan::Api, Agreement::Standard);
    let ids: Vec<_> = (0..5).map(|number| captured(&world, &format!("call {number}"))).collect();
    let buckets = world.data().join("records");
    let files = || {
        std::fs::read_dir(&buckets)
            .unwrap()
            .filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().ends_with(".db"))
            .count()
    };
    assert_eq!(files(), 1, "one bucket for the day, none for the account");
    world.advance_days(30);
    world.sweep();
    for id in &ids {
        assert!(!is_readable(&world, *id, GroundKind::Service), "at most thirty days");
    }
    world.advance_days(2);
    let swept = world.sweep();
    assert_eq!(
        (swept.buckets_dropped, swept.records_purged),
        (0, 0),
        "a window that ends with the day goes with it"
    );
    assert_eq!(files(), 0);
    world.exchange(&anthropic(&["call 0", "answer to call 0", "more"]), "ok");
    assert_eq!(
        world.show(world.conversations()[0], GroundKind::Service).unwrap().records[0].messages_elided,
        0
    );
}

#[test]
fn a_hold_outlasts_every_end_and_its_release_applies_the_schedule_again() {
    let mut world = World::new();
    world.use_new_organization("builders", Plan::Api, Agreement::Standard);
    let before = captured(&world, "before the hold");
    let held = hold(&world, HoldScope::default());
    assert!(!held.is_complete);
    let after = captured(&world, "after the hold");
    world.destroy(DestructionScope::Conversation(before)).unwrap();
    assert!(is_readable(&world, before, GroundKind::LegalHold), "it was held before the worker came to it");
    assert_eq!(world.sweep().held, 0, "both are held already");
    world.advance_days(400);
    world.sweep();
    for id in [before, after] {
        assert!(!is_readable(&world, id, GroundKind::Service));
        assert!(!is_readable(&world, id, GroundKind::SafetyWindow));
        assert!(is_readable(&world, id, GroundKind::LegalHold));
    }
    let release =
        RetentionCommand::ReleaseHold { hold: held.id, grace_days: Some(10), actor: "counsel".to_owned() };
    world.govern(release.clone()).unwrap();
    assert!(matches!(world.govern(release), Err(AdminError::Conflict(_))));
    world.advance_days(9);
    world.sweep();
    assert!(is_readable(&world, after, GroundKind::LegalHold), "the days of grace are not over");
    world.advance_days(1);
    world.sweep();
    for id in [before, after] {
        assert!(!is_readable(&world, id, GroundKind::LegalHold));
    }
    assert_eq!(world.kept_records(), 0, "nothing else keeps them");
    world.verify_ledger();
}

#[test]
fn a_policy_that_promises_safeguards_is_not_published_while_nothing_keeps_them() {
    let world = World::new();
    let rule = "\n[[safeguards.secrets]]\nid = \"keys\"\nclause = \"Keys are refused\"\nsteps = [{ at = 0.9, action = \"refuse\" }]\n";
    let publish =
        |source: String| world.govern(RetentionCommand::PublishPolicy { source, actor: "tester".to_owned() });
    let plain = include_str!("policy.toml").to_owned();
    let refused = publish(plain.clone() + rule).unwrap_err();
    assert!(
        matches!(&refused, AdminError::Invalid(text) if text.contains("Nothing was published")),
        "{refused}"
    );
    publish(plain).unwrap();
}

#[test]
fn a_release_without_days_of_its_own_has_those_of_the_policy_and_explains_itself() {
    let mut world = World::new();
    world.use_new_organization("builders", Plan::Api, Agreement::Standard);
    let id = captured(&world, "why am I still here");
    let record = first_record(&world, id);
    let held = hold(&world, HoldScope::default());
    world.sweep();
    world.advance_days(100);
    world.sweep();
    let rules = || match world.govern(RetentionCommand::Explain { record }).unwrap() {
        RetentionReply::Explanation(explained) => explained.rules,
        other => panic!("{other:?}"),
    };
    assert!(rules().contains("kept until something ends it"), "{}", rules());
    let source = include_str!("policy.toml")
        .replace("\n[plans.enterprise]", "\n[holds]\nrelease_grace = \"20 days\"\n\n[plans.enterprise]");
    let source = source.replace("delete = \"30 days after release\"\n", "");
    world.govern(RetentionCommand::PublishPolicy { source, actor: "tester".to_owned() }).unwrap();
    let release = |grace_days| {
        let command =
            RetentionCommand::ReleaseHold { hold: held.id, grace_days, actor: "counsel".to_owned() };
        match world.govern(command).unwrap() {
            RetentionReply::Hold(row) => row,
            other => panic!("{other:?}"),
        }
    };
    let row = release(None);
    let (released, ends) = (row.released_at.unwrap(), row.ends_at.unwrap());
    assert_eq!(ends.as_microsecond() - released.as_microsecond(), 20 * 86_400_000_000);
    assert!(
        rules().contains(&format!("The record is kept until {ends}. Grounds that hold: legal-hold.")),
        "{}",
        rules()
    );
    world.advance_days(19);
    world.sweep();
    assert!(is_readable(&world, id, GroundKind::LegalHold));
    world.advance_days(1);
    world.sweep();
    assert!(!is_readable(&world, id, GroundKind::LegalHold));
}

#[test]
fn an_explanation_names_the_end_that_a_release_said() {
    let world = World::new();
    let id = captured(&world, "held for long");
    let held = hold(&world, HoldScope::default());
    world.sweep();
    let release =
        RetentionCommand::ReleaseHold { hold: held.id, grace_days: Some(200), actor: "counsel".to_owned() };
    let RetentionReply::Hold(row) = world.govern(release).unwrap() else { panic!("reply") };
    let record = first_record(&world, id);
    let RetentionReply::Explanation(explained) = world.govern(RetentionCommand::Explain { record }).unwrap()
    else {
        panic!("reply")
    };
    let end = row.ends_at.unwrap().to_string();
    assert!(explained.rules.contains(&end), "{end} is not in {}", explained.rules);
    let path = explained.paths.iter().find(|path| path.ground == GroundKind::LegalHold).unwrap();
    assert_eq!(path.until, row.ends_at);
}

#[test]
fn a_hold_covers_exactly_its_scope() {
    let mut world = World::new();
    world.use_new_organization("builders", Plan::Api, Agreement::Standard);
    let mine = captured(&world, "mine");
    let subject = world.subject();
    world.use_new_key("somebody-else");
    let other = captured(&world, "theirs");
    let row = hold(&world, HoldScope { subjects: vec![subject], ..HoldScope::default() });
    assert_eq!(world.sweep().held, 2);
    world.advance_days(60);
    world.sweep();
    assert!(is_readable(&world, mine, GroundKind::LegalHold));
    assert!(!is_readable(&world, other, GroundKind::LegalHold));
    assert_eq!(world.kept_records(), 2);
    let widen = RetentionCommand::WidenHold {
        hold: row.id,
        scope: HoldScope::default(),
        actor: "counsel".to_owned(),
    };
    let later = captured(&world, "later");
    world.govern(widen).unwrap();
    assert_eq!(world.sweep().held, 2);
    world.advance_days(60);
    world.sweep();
    assert!(is_readable(&world, later, GroundKind::LegalHold));
}

#[test]
fn erasing_a_person_under_a_hold_says_what_stays_and_why() {
    let world = World::new();
    let id = captured(&world, "evidence");
    hold(&world, HoldScope::default());
    let report = world.destroy(DestructionScope::Subject(world.subject())).unwrap();
    assert!(report.kept.iter().any(|kept| kept.ground == GroundKind::LegalHold && kept.records == 2));
    assert!(!is_readable(&world, id, GroundKind::Service));
    assert!(is_readable(&world, id, GroundKind::LegalHold));
}

#[test]
fn a_flag_keeps_the_content_two_years_and_the_score_seven() {
    let world = World::new();
    let (flagged, clean) = (captured(&world, "violation"), captured(&world, "innocent"));
    let flag = RetentionCommand::Flag {
        content: ContentScope::Conversation(flagged),
        category: "cyber".to_owned(),
        score: Some(0.97),
        actor: "reviewer".to_owned(),
    };
    let RetentionReply::Flag(row) = world.govern(flag).unwrap() else { panic!("reply") };
    for id in [flagged, clean] {
        wish(&world, id, ConversationWish::Delete);
    }
    world.advance_days(400);
    world.sweep();
    assert!(
        is_readable(&world, flagged, GroundKind::Violation)
            && !is_readable(&world, flagged, GroundKind::Service)
    );
    assert!(!is_readable(&world, clean, GroundKind::Violation));
    let until: fiducia_policy::Timestamp =
        format!("{}T00:00:00Z", row.content_until.unwrap()).parse().unwrap();
    world.advance_to(until);
    world.sweep();
    assert!(!is_readable(&world, flagged, GroundKind::Violation), "never longer than two years");
    assert_eq!(world.kept_records(), 0);
    assert_eq!(world.flags(), 1, "the score outlives the content");
    world.advance_to(row.score_ends_at.unwrap());
    world.sweep();
    assert_eq!(world.flags(), 0);
}

#[test]
fn one_record_can_be_flagged_without_its_neighbours() {
    let world = World::new();
    let id = captured(&world, "violation");
    let record = first_record(&world, id);
    let flag = RetentionCommand::Flag {
        content: ContentScope::Record(record),
        category: "cyber".to_owned(),
        score: None,
        actor: "reviewer".to_owned(),
    };
    world.govern(flag).unwrap();
    let report = world.destroy(DestructionScope::Conversation(id)).unwrap();
    assert_eq!(report.kept.len(), 1);
    assert_eq!(world.show(id, GroundKind::Violation).unwrap().records.len(), 1);
    assert_eq!(world.kept_records(), 1, "its neighbour is gone");
}

#[test]
fn an_investigation_keeps_what_it_took_in_until_it_is_closed() {
    let world = World::new();
    let id = captured(&world, "suspicious");
    let open = RetentionCommand::OpenCase {
        organization: world.organization(),
        name: "CASE-7".to_owned(),
        actor: "investigator".to_owned(),
    };
    let RetentionReply::Case(case) = world.govern(open).unwrap() else { panic!("reply") };
    assert!(case.ends_at.is_some(), "an investigation has a longest time");
    let extend = RetentionCommand::ExtendCase {
        case: case.id,
        content: ContentScope::Conversation(id),
        actor: "investigator".to_owned(),
    };
    world.govern(extend.clone()).unwrap();
    world.destroy(DestructionScope::Conversation(id)).unwrap();
    assert!(is_readable(&world, id, GroundKind::Investigation));
    world.govern(RetentionCommand::CloseCase { case: case.id, actor: "investigator".to_owned() }).unwrap();
    world.advance_days(1);
    world.sweep();
    assert!(!is_readable(&world, id, GroundKind::Investigation));
    assert!(matches!(world.govern(extend), Err(AdminError::Conflict(_))));
    assert_eq!(world.kept_records(), 0);
}

#[test]
fn feedback_keeps_the_conversation_it_is_about() {
    let world = World::new();
    let id = captured(&world, "good answer");
    world.govern(RetentionCommand::GiveFeedback { conversation: id }).unwrap();
    wish(&world, id, ConversationWish::Delete);
    world.advance_days(365 * 4);
    world.sweep();
    assert_eq!(world.kept_records(), 2);
    let refused = world.show(id, GroundKind::Feedback).unwrap_err();
    assert!(matches!(refused, AdminError::Forbidden(_)), "no reason lets people read it: {refused}");
    world.advance_days(366);
    world.sweep();
    assert_eq!(world.kept_records(), 0);
}

#[test]
fn zero_retention_keeps_nothing_but_the_window_of_a_covered_model_the_workspace_agreed_to() {
    let mut world = World::new();
    world.use_new_organization("forgetful", Plan::Enterprise, Agreement::ZeroRetention);
    world.exchange(&anthropic(&["nothing"]), "nothing");
    let covered = anthropic(&["risky"]).replace("scripted", "covered-model");
    world.exchange(&covered, "nothing either");
    assert_eq!(world.kept_records(), 0);
    let organization = world.organization();
    let enable =
        RetentionCommand::SetCoveredModels { organization, workspace: "default".to_owned(), enabled: true };
    world.govern(enable).unwrap();
    world.exchange(&anthropic(&["still nothing"]), "nothing");
    assert_eq!(world.kept_records(), 0);
    world.exchange(&covered, "kept for safety");
    assert_eq!(world.kept_records(), 2);
    let id = world.conversations()[0];
    assert!(!is_readable(&world, id, GroundKind::Service), "for safety only");
    assert!(is_readable(&world, id, GroundKind::SafetyWindow));
    let row = hold(&world, HoldScope::default());
    assert!(row.out_of_scope.unwrap().contains("nothing to hold"));
    world
        .govern(RetentionCommand::ReleaseHold {
            hold: row.id,
            grace_days: Some(0),
            actor: "counsel".to_owned(),
        })
        .unwrap();
    world.advance_days(30);
    world.sweep();
    assert!(is_readable(&world, id, GroundKind::SafetyWindow), "thirty whole days");
    world.advance_days(1);
    world.sweep();
    assert_eq!(world.kept_records(), 0);
}

#[test]
fn incognito_has_an_end_of_its_own() {
    let mut world = World::new();
    world.use_class(Some(RecordClass::Incognito));
    let id = captured(&world, "between us");
    world.advance_days(30);
    world.sweep();
    assert!(!is_readable(&world, id, GroundKind::Service));
}

#[test]
fn what_ends_soon_is_announced_and_can_be_kept_where_the_plan_allows() {
    let mut world = World::new();
    world.use_custom_organization("custom", "40 days");
    let id = captured(&world, "worth keeping");
    let keep = RetentionCommand::Wish { conversation: id, wish: ConversationWish::Keep };
    assert!(matches!(world.govern(keep.clone()), Err(AdminError::Conflict(_))), "not on this plan");
    world.use_new_organization("people", Plan::Pro, Agreement::Custom);
    let id = captured(&world, "worth keeping");
    world.advance_days(20);
    assert_eq!(world.sweep().warned, 0);
    world.advance_days(5);
    assert_eq!(world.sweep().warned, 1);
    assert_eq!(world.sweep().warned, 0, "once");
    wish(&world, id, ConversationWish::Keep);
    world.advance_days(29);
    world.sweep();
    assert!(is_readable(&world, id, GroundKind::Service), "wanting to keep it counts as activity");
    wish(&world, id, ConversationWish::LetGo);
    world.sweep();
    assert!(!is_readable(&world, id, GroundKind::Service));
}

#[test]
fn the_worker_can_be_asked_what_it_would_do() {
    let world = World::new();
    let id = captured(&world, "delete me");
    wish(&world, id, ConversationWish::Delete);
    world.advance_days(30);
    let RetentionReply::Progress(preview) = world.govern(RetentionCommand::Preview).unwrap() else {
        panic!("reply")
    };
    assert!(preview.keys_destroyed >= 1);
    assert!(is_readable(&world, id, GroundKind::Service), "nothing was done");
    assert!(world.sweep().keys_destroyed >= preview.keys_destroyed);
}

#[test]
fn a_limit_ends_a_sweep_early_and_the_next_one_goes_on() {
    let mut world = World::new();
    world.use_new_organization("builders", Plan::Api, Agreement::Standard);
    for number in 0..5 {
        captured(&world, &format!("call {number}"));
    }
    world.advance_days(40);
    let AdminReply::Swept(first) =
        world.custody().administer(AdminCommand::Sweep { limit: Some(1) }).unwrap()
    else {
        panic!("reply")
    };
    assert!(!first.is_done);
    assert!(world.sweep().is_done);
    assert_eq!(world.kept_records(), 0);
}

#[test]
fn a_record_explains_itself() {
    let world = World::new();
    let id = captured(&world, "why am I here");
    hold(&world, HoldScope::default());
    world.sweep();
    let record = first_record(&world, id);
    let RetentionReply::Explanation(explained) = world.govern(RetentionCommand::Explain { record }).unwrap()
    else {
        panic!("reply")
    };
    let grounds: Vec<_> = explained.paths.iter().map(|path| (path.ground, path.is_open)).collect();
    assert_eq!(
        grounds,
        [(GroundKind::Service, true), (GroundKind::SafetyWindow, true), (GroundKind::LegalHold, true)]
    );
    assert!(!explained.rules.is_empty());
}

#[test]
fn how_late_the_worker_is_can_be_seen() {
    let world = World::new();
    let id = captured(&world, "delete me");
    wish(&world, id, ConversationWish::Delete);
    world.advance_days(32);
    world.govern(RetentionCommand::Step).unwrap();
    assert!(world.custody().metrics().ends_late_seconds >= 86_400, "due since more than a day");
    world.sweep();
    let metrics = world.custody().metrics();
    assert_eq!((metrics.ends_late_seconds, metrics.purges_late_seconds), (0, 0));
    assert!(metrics.ended_keys >= 2 && metrics.purged_records == 2, "{metrics:?}");
}
