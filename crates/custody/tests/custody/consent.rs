//! Consent: what is asked, what counts, which paths follow, what people get to keep.

use fiducia_custody::{
    AccountCommand, AdminCommand, AdminError, CampaignRow, ConsentChoice, ConsentCommand, ConsentEvidence,
    ConsentReply, DestructionScope, ImportedChoice, RetentionCommand, ShownNotice, TrainingRefusal,
    verify_receipt,
};
use fiducia_policy::{
    CampaignId, CampaignTerms, ConsentAct, ConsentChannel, ConsentKind, ConsentPurpose, ConsentState,
    Meanwhile, Plan, RecordClass, SubjectId, Timestamp,
};
use serde_json::Value;

use crate::consent_world::{choice, choice_on};
use crate::world::{World, anthropic};

const BATCH: ConsentPurpose = ConsentPurpose::BatchTraining;

fn check_refused(result: Result<impl std::fmt::Debug, AdminError>, says: &str) {
    let error = result.unwrap_err().to_string();
    assert!(error.contains(says) && error.contains("nothing was"), "{error}");
}

#[test]
fn nothing_trains_until_the_person_says_yes_and_then_the_past_does_too() {
    let world = World::of_consumers();
    world.exchange(&anthropic(&["before"]), "earlier");
    let id = world.conversations()[0];
    assert_eq!(world.standing(world.subject(), BATCH).state, ConsentState::Unknown);
    let (taken, read) = world.taken(BATCH, id);
    assert!(taken.is_empty());
    assert!(read.refused.iter().all(|(_, why)| *why == TrainingRefusal::NoConsent), "{read:?}");

    let given = world.choose(choice(ConsentAct::Give)).unwrap();
    assert_eq!(given.state, ConsentState::Given);
    assert!(given.ledger_index.is_some(), "it is in the log when it is acknowledged");
    assert_eq!(world.taken(BATCH, id).1.opened, 2, "past records train");
    world.exchange(&anthropic(&["after"]), "later");
    assert!(world.trains(world.conversations()[0]), "and so do new ones");

    world.choose(choice(ConsentAct::Withdraw)).unwrap();
    assert!(world.conversations().iter().all(|id| !world.trains(*id)));
    assert_eq!(world.keys().consent_paths().unwrap(), 0, "the edges are destroyed");
    for id in world.conversations() {
        assert!(world.show(id, fiducia_policy::GroundKind::Service).is_ok(), "its person reads on");
    }
}

#[test]
fn every_purpose_has_a_path_of_its_own() {
    let world = World::of_consumers();
    world.exchange(&anthropic(&["x"]), "y");
    let id = world.conversations()[0];
    world.choose(choice_on(ConsentPurpose::Research, ConsentAct::Give)).unwrap();
    world.choose(choice_on(ConsentPurpose::PartnerUse, ConsentAct::Give)).unwrap();
    for purpose in ConsentPurpose::ALL {
        let expect = matches!(purpose, ConsentPurpose::Research | ConsentPurpose::PartnerUse);
        assert_eq!(!world.taken(purpose, id).0.is_empty(), expect, "{purpose}");
    }
    world.choose(choice_on(ConsentPurpose::Research, ConsentAct::Withdraw)).unwrap();
    assert!(world.taken(ConsentPurpose::Research, id).0.is_empty());
    assert_eq!(world.taken(ConsentPurpose::PartnerUse, id).1.opened, 2, "the other choice stands");
    world.exchange(&anthropic(&["new"]), "new");
    assert_eq!(world.taken(ConsentPurpose::PartnerUse, world.conversations()[0]).1.opened, 2);
}

#[test]
fn incognito_and_feedback_hang_where_no_other_path_can_lead() {
    let mut world = World::of_consumers();
    world.choose(choice(ConsentAct::Give)).unwrap();
    world.use_class(Some(RecordClass::Incognito));
    world.exchange(&anthropic(&["secret"]), "hush");
    let id = world.conversations()[0];
    let (taken, read) = world.taken(BATCH, id);
    assert!(taken.is_empty());
    assert!(read.refused.iter().all(|(_, why)| *why == TrainingRefusal::Class), "{read:?}");
    let keys = world.keys();
    let conversation = keys.conversation_keys(id).unwrap();
    let own = conversation.iter().find(|node| node.kind.name() == "conversation").unwrap();
    assert_eq!(keys.parent_kind(own.id).unwrap().unwrap().name(), "subject-apart");

    // A turn of another class in the same conversation does not pull the first along.
    world.use_class(None);
    world.exchange(&anthropic(&["secret", "hush", "in the open"]), "fine");
    assert_eq!(world.conversations().len(), 1, "it continues what is known");
    let (taken, read) = world.taken(BATCH, id);
    assert_eq!((taken.len(), read.refused.len()), (2, 2), "{read:?}");
    assert!(taken.iter().all(|text| !text.contains("secret") && !text.contains("hush")), "{taken:?}");
}

#[test]
fn commercial_plans_have_no_question_and_no_path() {
    let mut world = World::new();
    world.publish_notice("batch-training", "en", 1);
    world.exchange(&anthropic(&["x"]), "y");
    check_refused(world.choose(choice(ConsentAct::Give)), "never asked about batch-training");
    assert!(!world.standing(world.subject(), BATCH).is_asked);
    assert!(world.own_keys().iter().all(|(_, kind, _)| kind != "subject"), "no key that could have a path");
    assert_eq!(world.taken(BATCH, world.conversations()[0]).1.refused[0].1, TrainingRefusal::NoQuestion);
    world.choose(choice(ConsentAct::Refuse)).unwrap();
}

#[test]
fn another_plan_makes_a_yes_void_at_once() {
    let world = World::of_consumers();
    world.exchange(&anthropic(&["x"]), "y");
    let id = world.conversations()[0];
    world.choose(choice(ConsentAct::Give)).unwrap();
    world.set_plan(Some(Plan::Enterprise));
    assert!(!world.trains(id));
    assert_eq!(world.standing(world.subject(), BATCH).state, ConsentState::Invalidated);
    assert_eq!(world.keys().consent_paths().unwrap(), 0);
    world.set_plan(None);
    assert!(!world.trains(id), "a yes does not come back by itself");
}

#[test]
fn a_withdrawal_makes_a_fresh_key_and_the_worker_empties_the_old_one() {
    let world = World::of_consumers();
    for number in 0..3 {
        world.exchange(&anthropic(&[&format!("chat {number}")]), "answer");
    }
    world.choose(choice(ConsentAct::Give)).unwrap();
    let before = world.own_keys();
    let old = before.iter().find(|(_, kind, paths)| kind == "subject" && *paths == 1).unwrap().0;
    world.choose(choice(ConsentAct::Withdraw)).unwrap();
    let after = world.own_keys();
    let fresh: Vec<_> = after.iter().filter(|(id, kind, _)| kind == "subject" && *id != old).collect();
    assert_eq!(fresh.len(), 1, "{after:?}");
    assert!(after.iter().all(|(_, _, paths)| *paths == 0));
    world.sweep();
    assert!(world.own_keys().iter().all(|(id, _, _)| *id != old), "nothing hangs from it any more");
    assert!(world.keys().node(old).unwrap().unwrap().destroyed_at.is_some());
    for id in world.conversations() {
        assert_eq!(world.show(id, fiducia_policy::GroundKind::Service).unwrap().records.len(), 2);
    }
    // A history that comes again is recognised as before.
    world.exchange(&anthropic(&["chat 0", "answer", "more"]), "more");
    assert_eq!(world.conversations().len(), 3);
    // And a new yes reaches everything, whichever key it hung from.
    world.choose(choice(ConsentAct::Give)).unwrap();
    assert!(world.conversations().iter().all(|id| world.trains(*id)));
}

#[test]
fn what_a_person_deleted_or_lost_trains_no_more() {
    let world = World::of_consumers();
    world.exchange(&anthropic(&["x"]), "y");
    world.choose(choice(ConsentAct::Give)).unwrap();
    let id = world.conversations()[0];
    let wish = fiducia_custody::ConversationWish::Delete;
    world.govern(RetentionCommand::Wish { conversation: id, wish }).unwrap();
    assert_eq!(world.taken(BATCH, id).1.refused[0].1, TrainingRefusal::Deleted);
    world.destroy(DestructionScope::Conversation(id)).unwrap();
    assert_eq!(world.taken(BATCH, id).1.opened, 0);
}

#[test]
fn retention_follows_the_choice_on_batch_training_alone() {
    let world = World::of_consumers();
    let subject = world.subject();
    let allowed = || match world
        .custody()
        .administer(fiducia_custody::AdminCommand::ListSubjects { organization: world.organization() })
    {
        Ok(fiducia_custody::AdminReply::Subjects(rows)) => {
            rows.iter().find(|row| row.id == subject).unwrap().training_allowed
        }
        other => panic!("{other:?}"),
    };
    world.choose(choice_on(ConsentPurpose::Research, ConsentAct::Give)).unwrap();
    assert!(!allowed());
    let set = |allowed| RetentionCommand::SetTraining { subject, allowed, actor: "clerk".to_owned() };
    world.govern(set(true)).unwrap();
    assert!(allowed());
    let entry = &world.history(subject)[0];
    assert_eq!((entry.channel, entry.state), (ConsentChannel::Admin, ConsentState::Given));
    assert!(entry.entity.starts_with("person_"), "whoever enters it is named: {}", entry.entity);
    world.govern(set(false)).unwrap();
    assert!(!allowed());
}

#[test]
fn forged_replayed_and_stale_choices_do_not_count() {
    let mut world = World::of_consumers();
    let with = |notice: ShownNotice| ConsentChoice { notice: Some(notice), ..choice(ConsentAct::Give) };
    let shown = |language: &str, version, hash: Option<&str>| ShownNotice {
        language: language.to_owned(),
        version,
        hash: hash.map(str::to_owned),
    };
    check_refused(world.choose(with(shown("en", 7, None))), "was never published");
    check_refused(world.choose(with(shown("de", 1, None))), "was never published");
    check_refused(world.choose(with(shown("en", 1, Some(&"0".repeat(64))))), "another text");
    check_refused(world.choose(ConsentChoice { notice: None, ..choice(ConsentAct::Give) }), "which notice");
    let at = |text: &str| Some(text.parse::<Timestamp>().unwrap());
    let dated = |at| ConsentChoice { at, ..choice(ConsentAct::Give) };
    check_refused(world.choose(dated(at("2030-01-01T00:00:00Z"))), "future");
    check_refused(world.choose(dated(at("2020-01-01T00:00:00Z"))), "cannot have been shown before");
    let implicit = ConsentChoice { kind: ConsentKind::Implicit, ..choice(ConsentAct::Give) };
    check_refused(world.choose(implicit), "said in words");
    let retroactive = ConsentChoice { kind: ConsentKind::Retroactive, ..choice(ConsentAct::Give) };
    check_refused(world.choose(retroactive.clone()), "emergency");
    let named = ConsentEvidence { emergency: Some("break-glass-7".to_owned()), ..ConsentEvidence::default() };
    let retroactive = ConsentChoice { evidence: named, ..retroactive };
    check_refused(world.choose(retroactive), "does not let people agree to batch-training");
    check_refused(world.choose_by(ConsentChannel::Gpc, choice(ConsentAct::Give)), "by the channel `gpc`");
    check_refused(world.choose_by(ConsentChannel::Admin, choice(ConsentAct::Give)), "for themselves");
    check_refused(world.choose_by(ConsentChannel::System, choice(ConsentAct::Lapse)), "for themselves");
    let wordy = ConsentEvidence { screen: Some("what I said".to_owned()), ..ConsentEvidence::default() };
    check_refused(world.choose(ConsentChoice { evidence: wordy, ..choice(ConsentAct::Give) }), "token");
    assert!(world.history(world.subject()).is_empty(), "nothing of it was recorded");

    world.publish_notice("batch-training", "en", 2);
    check_refused(world.choose(choice(ConsentAct::Give)), "superseded");
    world.choose(with(shown("en", 2, None))).unwrap();
    world.choose(choice(ConsentAct::Withdraw)).unwrap();
    let replayed = ConsentChoice { at: Some(world.now()), ..with(shown("en", 2, None)) };
    let stale = world.history(world.subject())[1].at;
    check_refused(world.choose(ConsentChoice { at: Some(stale), ..replayed }), "a later choice stands");
}

#[test]
fn a_request_that_comes_again_gets_the_first_receipt_and_another_under_its_key_none() {
    let world = World::of_consumers();
    let keyed = |act| ConsentChoice { request: Some("r-1".to_owned()), ..choice(act) };
    let first = world.choose(keyed(ConsentAct::Give)).unwrap();
    world.choose(choice(ConsentAct::Withdraw)).unwrap();
    let again = world.choose(keyed(ConsentAct::Give)).unwrap();
    assert_eq!((again.id, again.repeated), (first.id, true));
    assert_eq!(
        world.standing(world.subject(), BATCH).state,
        ConsentState::Withdrawn,
        "a replayed yes does not undo a later no"
    );
    check_refused(world.choose(keyed(ConsentAct::Refuse)), "another choice");
    // Without a key, the same said twice is the same.
    let no = world.choose(choice(ConsentAct::Refuse)).unwrap();
    assert!(no.repeated);
    let yes = world.choose(choice(ConsentAct::Give)).unwrap();
    assert_eq!(world.choose(choice(ConsentAct::Give)).unwrap().id, yes.id);
}

#[test]
fn a_published_notice_never_changes() {
    let world = World::of_consumers();
    let text = World::notice_text("batch-training", "en", 1);
    assert!(world.try_publish(text.clone()).is_ok(), "the same text again is no change");
    check_never_changes(&world, &text.replace("five years", "ten years"));
    check_refused(world.try_publish(World::notice_text("batch-training", "en", 9)), "the next version");
    world.try_publish(World::notice_text("batch-training", "de", 1)).unwrap();
}

fn check_never_changes(world: &World, text: &str) {
    let error = world.try_publish(text.to_owned()).unwrap_err().to_string();
    assert!(error.contains("never changes"), "{error}");
}

#[test]
fn a_receipt_has_every_field_and_holds_without_the_installation() {
    let mut world = World::of_consumers();
    let evidence = ConsentEvidence { screen: Some("v3.b".to_owned()), ..ConsentEvidence::default() };
    let said = ConsentChoice { evidence, region: Some("DE".to_owned()), ..choice(ConsentAct::Give) };
    let given = world.choose(said).unwrap();
    let file = world.receipt(given.id);
    let verified = verify_receipt(file.as_bytes(), &[world.verifier_key()]).unwrap();
    assert_eq!(Some(verified.ledger_index), given.ledger_index);
    assert_eq!(verified.facts.state, ConsentState::Given);
    crate::consent_profile::check(&verified.receipt);
    let withdrawn = world.choose(choice(ConsentAct::Withdraw)).unwrap();
    let later = world.receipt(withdrawn.id);
    let verified = verify_receipt(later.as_bytes(), &[world.verifier_key()]).unwrap();
    assert_eq!(verified.facts.state, ConsentState::Withdrawn);
    crate::consent_profile::check(&verified.receipt);
    let refused = world.choose_by(
        ConsentChannel::Gpc,
        ConsentChoice { notice: None, ..choice_on(ConsentPurpose::Research, ConsentAct::Refuse) },
    );
    let bare = world.receipt(refused.unwrap().id);
    crate::consent_profile::check(&verify_receipt(bare.as_bytes(), &[world.verifier_key()]).unwrap().receipt);
    assert!(world.ledger_kinds().contains(&"consent_changed".to_owned()));
    world.verify_ledger();
    // It is found when the program has forgotten where its entry lies.
    world.reopen();
    let again = world.receipt(given.id);
    verify_receipt(again.as_bytes(), &[world.verifier_key()]).unwrap();
    assert!(verify_receipt(file.as_bytes(), &[]).is_err(), "without a key it shows nothing");
}

#[test]
fn any_changed_byte_makes_a_receipt_fail() {
    let world = World::of_consumers();
    let given = world.choose(choice(ConsentAct::Give)).unwrap();
    let file = world.receipt(given.id).into_bytes();
    let key = world.verifier_key();
    verify_receipt(&file, std::slice::from_ref(&key)).unwrap();
    for place in 0..file.len() {
        let mut forged = file.clone();
        forged[place] ^= 1;
        assert!(verify_receipt(&forged, std::slice::from_ref(&key)).is_err(), "byte {place}");
    }
}

#[test]
fn an_erased_person_leaves_no_thread_and_a_kept_receipt_still_verifies() {
    let world = World::of_consumers();
    let given = world.choose(choice(ConsentAct::Give)).unwrap();
    let file = world.receipt(given.id);
    let subject = world.subject();
    world.destroy(DestructionScope::Subject(subject)).unwrap();
    assert!(world.history(subject).is_empty());
    assert!(matches!(world.consent(ConsentCommand::Receipt { id: given.id }), Err(AdminError::Destroyed(_))));
    verify_receipt(file.as_bytes(), &[world.verifier_key()]).unwrap();
}

#[test]
fn an_import_enters_what_counts_and_names_what_does_not() {
    let world = World::of_consumers();
    let line = |subject: &str, act, request: &str| ImportedChoice {
        subject: subject.to_owned(),
        choice: ConsentChoice { request: Some(request.to_owned()), ..choice(act) },
    };
    let choices = vec![
        line("anna", ConsentAct::Give, "1"),
        line("bert", ConsentAct::Refuse, "2"),
        line("anna", ConsentAct::Give, "1"),
        line("not a name", ConsentAct::Give, "3"),
        line("cleo", ConsentAct::Lapse, "4"),
        line("anna", ConsentAct::Withdraw, "5"),
    ];
    let import = |choices| {
        let command =
            ConsentCommand::Import { organization: world.organization(), choices, actor: "clerk".to_owned() };
        match world.consent(command).unwrap() {
            ConsentReply::Imported(report) => report,
            other => panic!("{other:?}"),
        }
    };
    let report = import(choices.clone());
    assert_eq!((report.entered, report.repeated), (4, 0), "{report:?}");
    let refused: Vec<_> = report.refused.iter().map(|refused| refused.place).collect();
    assert_eq!(refused, [3, 4]);
    assert_eq!(world.keys().consent_paths().unwrap(), 0, "anna withdrew in the same group");
    let again = import(choices);
    assert_eq!((again.entered, again.repeated), (0, 4), "{again:?}");
}

fn terms(world: &World, meanwhile: Meanwhile) -> CampaignTerms {
    CampaignTerms {
        purpose: BATCH,
        version: 2,
        deadline: Timestamp::from_second(world.now().as_second() + 30 * 86_400).unwrap(),
        meanwhile,
        reminders: vec!["7 days".parse().unwrap()],
        quiet_regions: vec!["US-CA".to_owned()],
        quiet: "12 months".parse().unwrap(),
    }
}

fn open(world: &World, terms: CampaignTerms) -> CampaignId {
    let command = ConsentCommand::OpenCampaign {
        organization: world.organization(),
        terms,
        reason: "policy 2".to_owned(),
        actor: "officer".to_owned(),
    };
    match world.consent(command).unwrap() {
        ConsentReply::Campaign(row) => row.id,
        other => panic!("{other:?}"),
    }
}

fn campaign(world: &World, id: CampaignId) -> CampaignRow {
    match world.consent(ConsentCommand::ShowCampaign { id }).unwrap() {
        ConsentReply::Campaign(row) => *row,
        other => panic!("{other:?}"),
    }
}

fn outcome(row: &CampaignRow, outcome: &str) -> u64 {
    row.tally.iter().filter(|tally| tally.outcome == outcome).map(|tally| tally.people).sum()
}

/// Four people: one who said yes, one who said no in California, one who never said anything, and one who said yes and will
/// say it again.
fn four_people(world: &mut World) -> Vec<SubjectId> {
    let mut people = Vec::new();
    for (name, act, region) in [
        ("yes", Some(ConsentAct::Give), "DE"),
        ("no", Some(ConsentAct::Refuse), "US-CA"),
        ("new", None, "DE"),
        ("again", Some(ConsentAct::Give), "DE"),
    ] {
        world.use_new_key(name);
        world.exchange(&anthropic(&[name]), "answer");
        if let Some(act) = act {
            world.choose(ConsentChoice { region: Some(region.to_owned()), ..choice(act) }).unwrap();
        }
        people.push(world.subject());
    }
    people
}

#[test]
fn at_the_deadline_silence_is_a_no_without_any_worker() {
    let mut world = World::of_consumers();
    let people = four_people(&mut world);
    world.publish_notice("batch-training", "en", 2);
    let id = open(&world, terms(&world, Meanwhile::Continue));
    world.sweep();
    let state = |subject: SubjectId| world.standing(subject, BATCH);
    assert!(state(people[0]).permits, "a standing yes counts until the deadline");
    assert_eq!(state(people[2]).state, ConsentState::Requested);
    let row = campaign(&world, id);
    assert_eq!((outcome(&row, "open"), outcome(&row, "quiet")), (4, 1), "person-1 is new too: {row:?}");

    world.advance_days(24);
    let remind = || match world.consent(ConsentCommand::Remind { id, limit: 100 }).unwrap() {
        ConsentReply::Reminders(rows) => rows.len(),
        other => panic!("{other:?}"),
    };
    // The last person answers before the reminder.
    let second = ShownNotice { language: "en".to_owned(), version: 2, hash: None };
    let yes = ConsentChoice { notice: Some(second), ..choice(ConsentAct::Give) };
    assert_eq!(world.choose(yes).unwrap().state, ConsentState::Renewed);
    assert_eq!((remind(), remind()), (3, 0), "each is reminded once");

    world.advance_days(7);
    assert!(!state(people[0]).permits, "the date has come, and nobody needed to do anything");
    let chats = world.conversations();
    let trained: Vec<_> = chats.iter().filter(|id| world.trains(**id)).collect();
    assert_eq!(trained.len(), 1, "who said yes again");
    world.sweep();
    assert_eq!(state(people[0]).state, ConsentState::Refused);
    assert_eq!(state(people[2]).state, ConsentState::Refused);
    assert_eq!(state(people[3]).state, ConsentState::Renewed);
    assert_eq!(world.keys().consent_paths().unwrap(), 1);
    let row = campaign(&world, id);
    assert!(row.closed_at.is_some());
    assert_eq!((outcome(&row, "silence"), outcome(&row, "renewed")), (3, 1), "{row:?}");
    assert!(
        row.tally.iter().any(|tally| tally.region.as_deref() == Some("US-CA") && tally.outcome == "quiet")
    );
    for kind in ["campaign_opened", "campaign_closed", "notice_published"] {
        assert!(world.ledger_kinds().contains(&kind.to_owned()), "{kind}");
    }
}

#[test]
fn a_campaign_that_pauses_lets_no_old_yes_count() {
    let mut world = World::of_consumers();
    let people = four_people(&mut world);
    world.publish_notice("batch-training", "en", 2);
    let id = open(&world, terms(&world, Meanwhile::Pause));
    world.sweep();
    assert_eq!(world.standing(people[0], BATCH).state, ConsentState::Requested);
    assert_eq!(world.keys().consent_paths().unwrap(), 0);
    let second = open_again(&world);
    assert!(second.to_string().contains("open already"), "{second}");
    let closed = world.consent(ConsentCommand::CloseCampaign { id, actor: "officer".to_owned() }).unwrap();
    let ConsentReply::Campaign(row) = closed else { panic!("reply") };
    assert_eq!(outcome(&row, "silence"), 4, "{row:?}");
    assert_eq!(world.standing(people[0], BATCH).state, ConsentState::Refused);
    // Nobody is asked again within twelve months where the law says so, or where nobody knows the law.
    let id = open(&world, terms(&world, Meanwhile::Pause));
    world.sweep();
    let row = campaign(&world, id);
    assert_eq!((outcome(&row, "quiet"), outcome(&row, "open")), (3, 2), "{row:?}");
}

fn open_again(world: &World) -> AdminError {
    let command = ConsentCommand::OpenCampaign {
        organization: world.organization(),
        terms: terms(world, Meanwhile::Pause),
        reason: "policy 2".to_owned(),
        actor: "officer".to_owned(),
    };
    world.consent(command).unwrap_err()
}

#[test]
fn a_yes_for_a_time_ends_with_it() {
    let mut world = World::of_consumers();
    let dated = format!("validity = \"30 days\"\n{}", World::notice_text("research", "fr", 1));
    world.try_publish(dated).unwrap();
    world.use_new_key("dated");
    world.exchange(&anthropic(&["x"]), "y");
    let id = world.conversations()[0];
    let shown = ShownNotice { language: "fr".to_owned(), version: 1, hash: None };
    let yes = ConsentChoice { notice: Some(shown), ..choice_on(ConsentPurpose::Research, ConsentAct::Give) };
    world.choose(yes).unwrap();
    assert_eq!(world.taken(ConsentPurpose::Research, id).1.opened, 2);
    world.advance_days(31);
    assert_eq!(world.taken(ConsentPurpose::Research, id).1.opened, 0, "before any worker");
    world.sweep();
    assert_eq!(world.standing(world.subject(), ConsentPurpose::Research).state, ConsentState::Expired);
    assert_eq!(world.keys().consent_paths().unwrap(), 0);
}

#[test]
fn the_profile_misses_every_field_that_is_taken_away() {
    let world = World::of_consumers();
    let given = world.choose(choice(ConsentAct::Give)).unwrap();
    let file: Value = serde_json::from_str(&world.receipt(given.id)).unwrap();
    crate::consent_profile::check_that_each_field_is_needed(&file["receipt"]);
}

#[test]
fn the_signal_of_a_browser_takes_back_what_was_said_before_and_not_what_is_said_after() {
    let world = World::of_consumers();
    world.exchange(&anthropic(&["one"]), "uno");
    let conversation = world.conversations()[0];
    world.choose(choice(ConsentAct::Give)).unwrap();
    assert_eq!(world.taken(BATCH, conversation).1.opened, 2);
    let signal = || {
        let command = AccountCommand::RecordPrivacySignal { subject: world.subject() };
        world.custody().administer(AdminCommand::Account(command)).unwrap();
    };
    signal();
    assert_eq!(world.taken(BATCH, conversation).1.refused[0].1, TrainingRefusal::NoConsent);
    world.choose(choice(ConsentAct::Give)).unwrap();
    signal();
    assert_eq!(
        world.taken(BATCH, conversation).1.opened,
        2,
        "a yes beside the signal is the person's later word"
    );
}

#[test]
fn a_policy_that_asks_about_fewer_uses_ends_the_others_and_dates_what_it_asks_again() {
    let world = World::of_consumers();
    world.exchange(&anthropic(&["one"]), "uno");
    let conversation = world.conversations()[0];
    for purpose in [BATCH, ConsentPurpose::Research] {
        world.choose(choice_on(purpose, ConsentAct::Give)).unwrap();
        assert_eq!(world.taken(purpose, conversation).1.opened, 2);
    }
    let fewer = include_str!("policy.toml")
        .replace("[consents.research]\nplans = [\"pro\"]", "[consents.research]\nplans = []")
        .replace("[consents.partner-use]", "[consents.partner-use]\nreconsent_after = \"1 year\"");
    world.govern(RetentionCommand::PublishPolicy { source: fewer, actor: "tester".to_owned() }).unwrap();
    let refused = &world.taken(ConsentPurpose::Research, conversation).1.refused;
    assert_eq!(refused[0].1, TrainingRefusal::NoQuestion, "at once, before any worker");
    assert_eq!(world.taken(BATCH, conversation).1.opened, 2, "the other stands");
    world.sweep();
    assert_eq!(world.standing(world.subject(), ConsentPurpose::Research).state, ConsentState::Invalidated);
    let again = world.choose(choice_on(ConsentPurpose::Research, ConsentAct::Give));
    check_refused(again, "never asked about research");
    let emergency =
        ConsentEvidence { emergency: Some("break-glass-7".to_owned()), ..ConsentEvidence::default() };
    let safety = choice_on(ConsentPurpose::SafetyTraining, ConsentAct::Give);
    let after_the_fact = ConsentChoice { kind: ConsentKind::Retroactive, evidence: emergency, ..safety };
    assert_eq!(world.choose(after_the_fact).unwrap().state, ConsentState::Given);
    world.choose(choice_on(ConsentPurpose::PartnerUse, ConsentAct::Give)).unwrap();
    let until = world.standing(world.subject(), ConsentPurpose::PartnerUse).valid_until.unwrap();
    assert!(until.to_string().starts_with("2027-01-10"), "{until}: a year, as the policy says");
}
