//! The use cases against real files, with simulated time and seeded randomness.

use crate::world::{World, anthropic};
use fiducia_custody::{AdminCommand, AdminError, AdminReply, AnswerOutcome, DestructionScope, Notice, Scope};
use fiducia_policy::{AccessReason, Agreement, GroundKind, Plan};

#[test]
fn an_answered_exchange_can_be_read_back_after_a_logged_access_and_survives_reopening() {
    let mut world = World::new();
    world.exchange(&anthropic(&["What is a trust?"]), "A promise to give back.");
    world.reopen();
    let content = world.show(world.conversations()[0], GroundKind::Service).unwrap();
    let said: Vec<_> = content.records.iter().flat_map(|record| record.texts.clone()).collect();
    assert_eq!(said[0], ("user".to_owned(), "What is a trust?".to_owned()));
    assert_eq!(said[1], ("assistant".to_owned(), "A promise to give back.".to_owned()));
    assert_eq!(content.records[0].raw, anthropic(&["What is a trust?"]), "byte for byte");
    world.verify_ledger();
    let kinds = world.ledger_kinds();
    assert!(
        kinds.contains(&"capture_batch".to_owned()) && kinds.contains(&"record_access".to_owned()),
        "{kinds:?}"
    );
}

#[test]
fn a_history_that_is_sent_again_is_stored_once() {
    let mut world = World::new();
    world.exchange(&anthropic(&["one"]), "uno");
    world.exchange(&anthropic(&["one", "uno", "two"]), "dos");
    world.reopen();
    world.exchange(&anthropic(&["one", "uno", "two", "dos", "three"]), "tres");
    let conversations = world.conversations();
    assert_eq!(conversations.len(), 1, "one conversation, matched also after a restart");
    let content = world.show(conversations[0], GroundKind::Service).unwrap();
    let users: Vec<_> = content
        .records
        .iter()
        .filter(|record| record.row.kind == "request")
        .map(|record| (record.messages_elided, record.texts.len()))
        .collect();
    assert_eq!(users, [(0, 1), (2, 1), (4, 1)]);
}

#[test]
fn a_changed_history_branches_within_the_conversation_and_a_new_one_stands_alone() {
    let world = World::new();
    world.exchange(&anthropic(&["one"]), "uno");
    world.exchange(&anthropic(&["one", "uno", "two"]), "dos");
    world.exchange(&anthropic(&["one", "uno", "other"]), "otro");
    assert_eq!(world.conversations().len(), 1);
    world.exchange(&anthropic(&["something else"]), "yes");
    assert_eq!(world.conversations().len(), 2);
}

#[test]
fn subjects_and_tenants_never_share_a_conversation() {
    let mut world = World::new();
    world.exchange(&anthropic(&["same words"]), "same answer");
    world.use_new_key("somebody-else");
    world.exchange(&anthropic(&["same words", "same answer", "more"]), "ok");
    assert_eq!(world.conversations().len(), 2);
    world.use_new_organization("other tenant", Plan::Enterprise, Agreement::Standard);
    world.exchange(&anthropic(&["same words", "same answer", "more"]), "ok");
    assert_eq!(world.conversations().len(), 3);
}

#[test]
fn a_deleted_conversation_is_gone_by_every_path_and_from_every_file() {
    let mut world = World::new();
    world.exchange(&anthropic(&["delete me"]), "gladly");
    world.exchange(&anthropic(&["keep me"]), "surely");
    let all = world.conversations();
    let report = world.destroy(DestructionScope::Conversation(all[1])).unwrap();
    assert_eq!(
        (report.keys_destroyed, report.records_purged),
        (2, 2),
        "conversation and safety key; two records"
    );
    assert_eq!((report.read_back.attempts, report.read_back.opened, report.read_back.rows_found), (4, 0, 0));
    assert!(report.kept.is_empty());
    for ground in [GroundKind::Service, GroundKind::SafetyWindow] {
        assert!(matches!(world.show(all[1], ground), Err(AdminError::Destroyed(_))));
    }
    assert!(world.show(all[0], GroundKind::Service).is_ok(), "its neighbour is untouched");
    assert!(matches!(world.destroy(DestructionScope::Conversation(all[1])), Err(AdminError::Destroyed(_))));
    world.verify_ledger();
    assert!(world.ledger_kinds().contains(&"keys_destroyed".to_owned()));
    // The same words afterwards begin a new conversation.
    world.exchange(&anthropic(&["delete me", "gladly", "again"]), "ok");
    assert_eq!(world.conversations().len(), 2);
}

#[test]
fn a_safety_window_that_outlasts_deletion_keeps_what_it_must_until_it_ends_and_no_longer() {
    let mut world = World::new();
    world.use_new_organization("careful", Plan::Education, Agreement::Standard);
    world.exchange(&anthropic(&["risky"]), "answer");
    let id = world.conversations()[0];
    let report = world.destroy(DestructionScope::Conversation(id)).unwrap();
    assert_eq!((report.keys_destroyed, report.records_purged), (1, 0));
    assert_eq!(report.kept.len(), 1);
    assert_eq!(report.kept[0].ground, GroundKind::SafetyWindow);
    assert!(matches!(world.show(id, GroundKind::Service), Err(AdminError::Destroyed(_))));
    assert!(world.show(id, GroundKind::SafetyWindow).is_ok());

    world.advance_days(30);
    let swept = world.sweep();
    assert_eq!(swept.records_purged, 0, "the thirtieth day is not over");
    world.advance_days(1);
    let swept = world.sweep();
    assert_eq!(swept.records_purged, 2);
    assert!(matches!(world.show(id, GroundKind::SafetyWindow), Err(AdminError::Destroyed(_))));
    assert!(world.ledger_kinds().contains(&"safety_window_closed".to_owned()));
}

#[test]
fn a_closed_window_leaves_the_service_ground_alone() {
    let world = World::new();
    world.exchange(&anthropic(&["hello"]), "hi");
    world.advance_days(31);
    assert_eq!(world.sweep().records_purged, 0);
    let id = world.conversations()[0];
    assert!(world.show(id, GroundKind::Service).is_ok());
    assert!(matches!(world.show(id, GroundKind::SafetyWindow), Err(AdminError::Destroyed(_))));
}

#[test]
fn one_record_can_be_destroyed_and_its_neighbours_stay_readable() {
    let world = World::new();
    world.exchange(&anthropic(&["first"]), "answer one");
    world.exchange(&anthropic(&["first", "answer one", "second"]), "answer two");
    let id = world.conversations()[0];
    let before = world.show(id, GroundKind::Service).unwrap();
    let victim = before.records[1].row.id;
    let report = world.destroy(DestructionScope::Record(victim)).unwrap();
    assert_eq!((report.read_back.opened, report.read_back.rows_found, report.records_purged), (0, 0, 1));
    for ground in [GroundKind::Service, GroundKind::SafetyWindow] {
        let after = world.show(id, ground).unwrap();
        assert_eq!(after.records.len(), 3);
        assert!(after.records.iter().all(|record| record.row.id != victim));
    }
}

#[test]
fn an_erased_person_is_gone_and_their_keys_stop_working() {
    let mut world = World::new();
    world.exchange(&anthropic(&["about me"]), "noted");
    let id = world.conversations()[0];
    let report = world.destroy(DestructionScope::Subject(world.subject())).unwrap();
    assert_eq!(report.conversations, 1);
    assert_eq!((report.read_back.opened, report.read_back.rows_found), (0, 0));
    assert!(world.custody().authenticate(world.secret()).is_err(), "the erased person's key is revoked");
    assert!(world.show(id, GroundKind::Service).is_err());
    world.verify_ledger();
}

#[test]
fn zero_retention_writes_no_content_and_no_record() {
    let mut world = World::new();
    world.use_new_organization("forgetful", Plan::Enterprise, Agreement::ZeroRetention);
    world.exchange(&anthropic(&["canary-7f3d"]), "canary-9c1e");
    assert!(world.conversations().is_empty());
    world.close();
    world.assert_absent(&["canary-7f3d", "canary-9c1e"]);
}

#[test]
fn no_content_and_no_secret_lies_on_disk_before_or_after_deletion() {
    let mut world = World::new();
    world.exchange(&anthropic(&["canary-prompt-51ab"]), "canary-answer-77cd");
    let secret = world.secret().to_owned();
    let canaries = ["canary-prompt-51ab", "canary-answer-77cd", secret.as_str(), "somebody@example.com"];
    world.use_new_key("somebody@example.com");
    world.assert_absent(&canaries);
    let id = world.conversations()[0];
    world.destroy(DestructionScope::Conversation(id)).unwrap();
    world.close();
    world.assert_absent(&canaries);
}

#[test]
fn the_search_for_canaries_finds_one_that_is_there() {
    let mut world = World::new();
    world.close();
    std::fs::write(world.data().join("records").join("planted"), "xx canary-planted yy").unwrap();
    assert!(world.find("canary-planted").is_some());
}

#[test]
fn keys_are_refused_when_revoked_or_expired() {
    let mut world = World::new();
    assert!(world.custody().authenticate(world.secret()).is_ok());
    assert!(world.custody().authenticate("fiducia-vk-nonsense").is_err());
    let key = world.key();
    let command = AdminCommand::RevokeVirtualKey { key };
    assert!(matches!(world.custody().administer(command.clone()), Ok(AdminReply::Revoked)));
    assert!(matches!(world.custody().administer(command), Err(AdminError::Conflict(_))));
    assert!(world.custody().authenticate(world.secret()).is_err());
    world.reopen();
    assert!(world.custody().authenticate(world.secret()).is_err(), "also after a restart");

    let end = world.now() + jiff::SignedDuration::from_secs(3_600);
    world.use_key_with(&[Scope::Inference], Some(end));
    assert!(world.custody().authenticate(world.secret()).is_ok());
    world.advance_days(1);
    assert!(world.custody().authenticate(world.secret()).is_err());
}

#[test]
fn a_second_process_a_wrong_keyfile_and_a_keyfile_inside_are_refused() {
    let mut world = World::new();
    world.exchange(&anthropic(&["hello"]), "hi");
    assert!(world.open_again().unwrap_err().to_string().contains("in use by another process"));
    world.close();
    assert!(world.open_with_another_keyfile().unwrap_err().to_string().contains("keyfile"));
    assert!(world.open_with_keyfile_inside().unwrap_err().to_string().contains("inside the data directory"));
    world.reopen();
    assert!(world.show(world.conversations()[0], GroundKind::Service).is_ok(), "nothing was harmed");
}

#[test]
fn an_exchange_without_an_answer_keeps_its_request_part_only() {
    let world = World::new();
    world.request_without_answer(&anthropic(&["lost"]));
    let content = world.show(world.conversations()[0], GroundKind::Service).unwrap();
    assert_eq!(content.records.len(), 1);
    assert_eq!(content.records[0].row.kind, "request");
}

#[test]
fn a_broken_answer_is_kept_as_broken() {
    let world = World::new();
    world.exchange_that_ends(&anthropic(&["go"]), "half an ans", AnswerOutcome::UpstreamBroken);
    let content = world.show(world.conversations()[0], GroundKind::Service).unwrap();
    assert_eq!(content.records[1].outcome, Some(AnswerOutcome::UpstreamBroken));
}

#[test]
fn an_answer_to_a_conversation_destroyed_meanwhile_is_not_kept() {
    let world = World::new();
    let open = world.begin(&anthropic(&["in flight"]));
    let id = world.conversations()[0];
    world.destroy(DestructionScope::Conversation(id)).unwrap();
    world.answer(open, "too late", AnswerOutcome::Complete);
    assert!(matches!(world.show(id, GroundKind::Service), Err(AdminError::Destroyed(_))));
}

#[test]
fn reading_needs_an_acceptable_ticket_and_leaves_one_entry_for_each_look() {
    let mut world = World::new();
    world.exchange(&anthropic(&["hello"]), "hi");
    let id = world.conversations()[0];
    let bad = world.show_with(id, AccessReason::SafetyReview, Some("name of a person"));
    assert!(matches!(bad, Err(AdminError::Invalid(_))));
    let first = world.show_with(id, AccessReason::SafetyReview, Some("CASE-7")).unwrap();
    let without = world.show_with(id, AccessReason::SafetyReview, None);
    assert!(matches!(without, Err(AdminError::Invalid(_))));
    let second = world.show_with(id, AccessReason::SafetyReview, Some("CASE-8")).unwrap();
    assert!(second.ledger_index > first.ledger_index);
    world.close();
    let looks = world.ledger_kinds().iter().filter(|kind| *kind == "record_access").count();
    assert_eq!(looks, 2, "the refused attempts decrypted nothing and left nothing");
}

#[test]
fn an_import_is_stored_once_however_often_its_lines_arrive() {
    let mut world = World::new();
    let lines: Vec<String> = (0..20)
        .map(|i| {
            format!(
                r#"{{"id":"c{i}","messages":[{{"role":"user","content":"question {i}"}},{{"role":"assistant","content":"answer {i}"}},{{"role":"user","content":"and then?"}}]}}"#
            )
        })
        .chain(["not json".to_owned()])
        .collect();
    let first = world.import(&lines);
    assert_eq!((first.accepted, first.rejected.len(), first.lines_done), (20, 1, 21));
    assert_eq!(first.rejected[0].line, 21);
    let again = world.import(&lines);
    assert_eq!(again.records, 0, "nothing is stored twice");
    assert_eq!(world.conversations().len(), 20);
    world.reopen();
    // The last one is continued through the gateway by the same person: it is recognised.
    world.use_new_key("imported");
    world.exchange(&anthropic(&["question 19", "answer 19", "and then?"]), "this");
    assert_eq!(world.conversations().len(), 20);
    let sizes: Vec<_> = world
        .conversations()
        .into_iter()
        .map(|id| world.show(id, GroundKind::Service).unwrap().records.len())
        .collect();
    assert_eq!(sizes.iter().filter(|size| **size == 4).count(), 1, "two turns, a request and its answer");
    world.verify_ledger();
}

#[test]
fn facts_that_a_crash_kept_from_the_ledger_are_logged_once_when_opened_again() {
    let mut world = World::new();
    world.exchange(&anthropic(&["hello"]), "hi");
    let before = world.copy_of_data();
    world.close();
    let entries = world.ledger_kinds().len();
    // The copy was taken with outbox rows in place; both ways of opening end with the same log.
    world.replace_data(before);
    world.reopen();
    world.close();
    assert_eq!(world.ledger_kinds().len(), entries);
    world.verify_ledger();
}

#[test]
fn a_notice_without_a_capture_reaches_the_ledger() {
    let mut world = World::new();
    let caller = world.custody().authenticate(world.secret()).unwrap();
    let notice = Notice {
        code: "model-alias".to_owned(),
        asked: "a".repeat(1_000),
        served: "served-model".to_owned(),
    };
    world.custody().announce(&caller, vec![notice]).unwrap();
    assert!(world.ledger_kinds().contains(&"routing_notice".to_owned()), "and an overlong name does no harm");
    world.verify_ledger();
}

#[test]
fn the_queue_is_empty_when_all_is_done() {
    let mut world = World::new();
    world.exchange(&anthropic(&["hello"]), "hi");
    let custody = world.custody().clone();
    world.close();
    let metrics = custody.metrics();
    assert_eq!((metrics.queued_parts, metrics.queued_bytes), (0, 0));
    assert_eq!((metrics.records, metrics.failures), (2, 0));
}

#[test]
fn imported_turns_are_read_in_the_order_they_were_said() {
    let world = World::new();
    let messages: Vec<String> = (0..30)
        .flat_map(|i| {
            [
                format!(r#"{{"role":"user","content":"q{i}"}}"#),
                format!(r#"{{"role":"assistant","content":"a{i}"}}"#),
            ]
        })
        .collect();
    world.import(&[format!(r#"{{"id":"long","messages":[{}]}}"#, messages.join(","))]);
    let content = world.show(world.conversations()[0], GroundKind::Service).unwrap();
    let said: Vec<_> =
        content.records.iter().flat_map(|record| &record.texts).map(|(_, text)| text.clone()).collect();
    let expected: Vec<_> = (0..30).flat_map(|i| [format!("q{i}"), format!("a{i}")]).collect();
    assert_eq!(said, expected);
}

#[test]
fn what_a_window_keeps_of_an_erased_person_can_be_read_for_safety_until_it_ends() {
    let mut world = World::new();
    world.use_new_organization("careful", Plan::Education, Agreement::Standard);
    world.exchange(&anthropic(&["risky"]), "answer");
    let id = world.conversations()[0];
    let report = world.destroy(DestructionScope::Subject(world.subject())).unwrap();
    assert_eq!((report.kept.len(), report.records_purged), (1, 0));
    assert!(world.custody().authenticate(world.secret()).is_err());
    assert!(matches!(world.show(id, GroundKind::Service), Err(AdminError::Destroyed(_))));
    assert_eq!(world.show(id, GroundKind::SafetyWindow).unwrap().records.len(), 2, "as the report says");
    world.advance_days(31);
    assert_eq!(world.sweep().records_purged, 2);
    assert!(matches!(world.show(id, GroundKind::SafetyWindow), Err(AdminError::Destroyed(_))));
    world.verify_ledger();
}
