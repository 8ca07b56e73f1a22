//! What the privacy centre tells people: who looked, what an answer would mean, and a copy that is handed over.

use std::io::{self, Write};

use fiducia_custody::{
    AdminCommand, AdminError, AdminReply, DestructionScope, LookPart, Looker, Oneself, PersonalCommand,
    RightsReply,
};
use fiducia_ledger::{AccessTransparencyEvent, LoggedLeaf, ProofFile, VerifierKey};
use fiducia_policy::{AccessReason, ConsentPurpose, RequestKind, RequestState, RightsRequestId};

use crate::console::{request, signed_in, two_people};
use crate::world::{World, anthropic};

fn looks(world: &World, who: &Oneself) -> Vec<fiducia_custody::LookRow> {
    match world.custody().personally(who, PersonalCommand::Accesses { before: None, limit: 100 }).unwrap() {
        AdminReply::Accesses(rows) => rows,
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_look_is_listed_with_a_proof_also_at_what_was_purged_and_nobody_elses() {
    let (world, people) = two_people();
    let (ada, ben) = (people[0].0.oneself().unwrap(), people[1].0.oneself().unwrap());
    let mine = people[0].1;
    let support = signed_in(&world, world.organization(), None, "support");
    assert!(looks(&world, &ada).is_empty());
    world.custody().personally(&ada, PersonalCommand::Read { conversation: mine }).unwrap();
    world.show_with(mine, AccessReason::CustomerSupport, Some("T-1")).unwrap();
    let by_staff = AdminCommand::ShowRecords {
        target: DestructionScope::Conversation(mine),
        actor: support.account.login.clone(),
        reason: AccessReason::SafetyReview,
        ticket: Some("T-2".to_owned()),
        ground: None,
        reveal: false,
    };
    world.custody().administer(by_staff).unwrap();
    world.destroy(DestructionScope::Conversation(mine)).unwrap();
    world.advance_days(60);
    world.sweep();
    let rows = looks(&world, &ada);
    let told: Vec<_> = rows.iter().map(|row| (row.reason, row.ticket.as_deref(), row.records)).collect();
    assert_eq!(
        told,
        [
            (AccessReason::SafetyReview, Some("T-2"), 2),
            (AccessReason::CustomerSupport, Some("T-1"), 2),
            (AccessReason::SubjectRequest, None, 2),
        ],
        "newest first, and what was purged since is not forgotten"
    );
    assert_eq!(rows[2].who, Looker::Oneself {});
    match &rows[0].who {
        Looker::Staff { person, roles } => {
            assert_eq!((Some(*person), roles.to_string()), (support.account.person, "support".to_owned()));
        }
        Looker::Oneself {} => panic!("{:?}", rows[0]),
    }
    assert!(looks(&world, &ben).is_empty(), "looks at others' are not told");
    for row in &rows {
        let proof = world.custody().look_proof(&ada, row.sequence, LookPart::Entry {}).unwrap();
        let file: ProofFile = proof.text.parse().unwrap();
        let entry = file.extra.clone().unwrap();
        let key: VerifierKey = proof.verifier_key.parse().unwrap();
        file.verify(&entry, &key).unwrap();
        assert_eq!(LoggedLeaf::parse(&entry).unwrap().leaf.event.kind(), "record_access");
        assert_eq!((file.index, proof.ledger_index), (row.ledger_index, row.ledger_index));
        // The public event about the one answer that was read; of the person's own reading there is none.
        let count = u64::from(row.who != Looker::Oneself {});
        assert_eq!((row.public.count, row.public.first), (count, row.ledger_index + 1));
        for number in 0..=count {
            let proven = world.custody().look_proof(&ada, row.sequence, LookPart::Public { number });
            let Ok(proof) = proven else {
                assert!(matches!(proven, Err(AdminError::NotFound(_))) && number == count, "{proven:?}");
                continue;
            };
            let file: ProofFile = proof.text.parse().unwrap();
            let entry = file.extra.clone().unwrap();
            file.verify(&entry, &proof.verifier_key.parse::<VerifierKey>().unwrap()).unwrap();
            assert_eq!((file.index, entry[0]), (row.public.first + number, 1));
            let event = AccessTransparencyEvent::from_entry(&entry).unwrap();
            assert_eq!(
                event.resource.unwrap().id.as_deref(),
                Some("msg_1"),
                "the provider's id of the answer"
            );
            assert_eq!(event.reason_code.as_deref(), Some(row.reason.name()));
            assert_eq!(
                event.accessor_department, None,
                "whoever works at the machine itself acts in no role"
            );
            assert!(!String::from_utf8_lossy(&entry).contains(&support.account.login));
            let stolen = world.custody().look_proof(&ben, row.sequence, LookPart::Public { number });
            assert!(matches!(stolen, Err(AdminError::NotFound(_))));
        }
        let stolen = world.custody().look_proof(&ben, row.sequence, LookPart::Entry {}).unwrap_err();
        assert!(matches!(stolen, AdminError::NotFound(_)), "{stolen:?}");
    }
    let page = |before, limit| world.custody().looks(&ada, before, limit).unwrap();
    assert_eq!(page(None, 2), rows[..2]);
    assert_eq!(page(Some(rows[1].sequence), 2), rows[2..]);
    let mut world = world;
    let found = world.audited().findings;
    assert_eq!(found, []);
}

/// The person would be told that it was them, and the public log nothing.
#[test]
fn nobody_reads_under_a_person_s_own_name() {
    let (world, people) = two_people();
    let ada = people[0].0.oneself().unwrap();
    let posing = AdminCommand::ShowRecords {
        target: DestructionScope::Conversation(people[0].1),
        actor: ada.subject().to_string(),
        reason: AccessReason::SubjectRequest,
        ticket: None,
        ground: None,
        reveal: false,
    };
    assert!(matches!(world.custody().administer(posing), Err(AdminError::Invalid(_))));
    assert!(looks(&world, &ada).is_empty());
}

#[test]
fn the_list_of_looks_is_complete_whoever_looks_and_goes_with_the_person() {
    let (mut world, people) = two_people();
    let ada = people[0].0.oneself().unwrap();
    for number in 0..3 {
        world.use_new_key("ada");
        world.exchange(&anthropic(&[&format!("chat {number}")]), "fine");
    }
    for id in world.conversations() {
        world.show_with(id, AccessReason::IncidentResponse, Some("T-1")).unwrap();
    }
    // Each entry of the log about a person's records is in that person's list, and nothing else is.
    let key: fiducia_ledger::VerifierKey =
        world.custody().ledger_verifier_key(world.organization()).parse().unwrap();
    let mut listed: Vec<u64> = looks(&world, &ada).iter().map(|row| row.ledger_index).collect();
    let ben = people[1].0.oneself().unwrap();
    listed.extend(looks(&world, &ben).iter().map(|row| row.ledger_index));
    listed.sort_unstable();
    let log = world.data().join("ledger").join(world.organization().uuid());
    world.close();
    let reader = fiducia_ledger::LogReader::open(&log, &key).unwrap();
    let logged: Vec<u64> = reader
        .entries(0)
        .map(Result::unwrap)
        .filter(|(_, entry)| LoggedLeaf::parse(entry).unwrap().leaf.event.kind() == "record_access")
        .map(|(index, _)| index)
        .collect();
    assert_eq!(listed, logged);
    assert_eq!(logged.len(), 5);
    world.reopen();
    assert_eq!(looks(&world, &ada).len(), 4, "opening the data again changes nothing");
    world.destroy(DestructionScope::Subject(ada.subject())).unwrap();
    assert!(looks(&world, &ada).is_empty(), "who looked leads to the person, so it goes too");
    assert_eq!(looks(&world, &ben).len(), 1);
    let found = world.audited().findings;
    assert_eq!(found, []);
}

#[test]
fn what_an_answer_means_is_said_with_dates_before_it_is_given() {
    let (world, people) = two_people();
    let ada = people[0].0.oneself().unwrap();
    let asked = |purpose, validity| world.custody().prospect(&ada, purpose, validity).unwrap();
    let ends = asked(ConsentPurpose::BatchTraining, None).newest.unwrap();
    assert!(ends.with_yes > ends.with_no, "{ends:?}");
    let AdminReply::Conversations(rows) = world
        .custody()
        .personally(&ada, PersonalCommand::Conversation { conversation: people[0].1 })
        .unwrap()
    else {
        panic!("conversations")
    };
    assert_eq!((rows[0].ends_at, rows[0].last_active_at), (ends.with_no, ends.last_active_at));
    assert_eq!(asked(ConsentPurpose::Research, None).newest, None, "other uses move no date");
    let month = "1 month".parse().unwrap();
    let until = asked(ConsentPurpose::Research, Some(month)).yes_until.unwrap();
    let expect = fiducia_policy::RetentionSpan::after(month, world.now());
    assert_eq!(
        until.as_second(),
        expect.as_second(),
        "in a world whose clock goes on a little with each look"
    );
}

/// Takes so many bytes and then breaks, as a connection does.
struct Breaking(usize);

impl Write for Breaking {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self.0.checked_sub(bytes.len()).ok_or_else(|| io::Error::other("gone"))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn opened(world: &World, who: &Oneself, kind: RequestKind) -> RightsRequestId {
    match world.custody().personally(who, request(kind, kind.name())).unwrap() {
        AdminReply::Rights(RightsReply::Opened { request, .. }) => request.id,
        other => panic!("{other:?}"),
    }
}

fn state(world: &World, who: &Oneself, id: RightsRequestId) -> RequestState {
    match world.custody().personally(who, PersonalCommand::Request { request: id }).unwrap() {
        AdminReply::Rights(RightsReply::Request(detail)) => detail.row.state,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_copy_is_handed_over_to_its_person_alone_and_what_broke_off_is_fetched_again() {
    let (world, people) = two_people();
    let (ada, ben) = (people[0].0.oneself().unwrap(), people[1].0.oneself().unwrap());
    let id = opened(&world, &ada, RequestKind::Access);
    let stolen = world.custody().hand_over(&ben, id, Vec::new()).unwrap_err();
    assert!(matches!(stolen, AdminError::NotFound(_)), "{stolen:?}");
    for room in [0, 100, 3_000] {
        world.custody().hand_over(&ada, id, Breaking(room)).unwrap_err();
        assert_eq!(state(&world, &ada, id), RequestState::Identified, "nothing was answered by half a file");
    }
    let mut file = Vec::new();
    world.custody().hand_over(&ada, id, &mut file).unwrap();
    assert_eq!(state(&world, &ada, id), RequestState::Fulfilled);
    let zip = zip::ZipArchive::new(io::Cursor::new(file)).unwrap();
    let names: Vec<String> = zip.file_names().map(|name| name.unwrap().into_owned()).collect();
    assert!(
        names.contains(&"index.html".to_owned())
            && names.iter().any(|name| name.starts_with("conversations/"))
    );
    // Whether it arrived only the person knows.
    let mut again = Vec::new();
    world.custody().hand_over(&ada, id, &mut again).unwrap();
    assert!(
        zip::ZipArchive::new(io::Cursor::new(again)).unwrap().len() > 1,
        "the last file can be fetched again"
    );
    assert_eq!(state(&world, &ada, id), RequestState::Fulfilled);
    world.advance_days(8);
    assert!(
        world.custody().hand_over(&ada, id, Vec::new()).is_err(),
        "an answered request hands out nothing more"
    );
    assert!(world.custody().may_hand_over(&ada, id).is_err());
    let erasure = opened(&world, &ada, RequestKind::Erasure);
    assert!(world.custody().may_hand_over(&ada, erasure).is_err(), "only copies are handed over");
    // What was read for it is a look like any other.
    let rows = looks(&world, &ada);
    assert!(!rows.is_empty() && rows.iter().all(|row| row.who == Looker::Oneself {}), "{rows:?}");
    assert_eq!(rows[0].ticket.as_deref(), Some(id.to_string().as_str()));
    let mut world = world;
    let found = world.audited().findings;
    assert_eq!(found, []);
}

#[test]
fn what_was_deleted_and_can_be_taken_back_is_listed_by_itself() {
    let (world, people) = two_people();
    let (ada, ben) = (people[0].0.oneself().unwrap(), people[1].0.oneself().unwrap());
    let deleted = |who: &Oneself| world.custody().deleted_conversations(who, 50, None).unwrap();
    assert!(deleted(&ada).is_empty());
    let wish = fiducia_custody::ConversationWish::Delete;
    world.custody().personally(&ada, PersonalCommand::Wish { conversation: people[0].1, wish }).unwrap();
    let rows = deleted(&ada);
    assert_eq!(rows.iter().map(|row| row.id).collect::<Vec<_>>(), [people[0].1]);
    assert!(rows[0].ends_at.is_some_and(|end| end > world.now()), "until then it can be taken back");
    assert!(deleted(&ben).is_empty());
    world.advance_days(60);
    world.sweep();
    assert!(deleted(&ada).is_empty(), "what is destroyed cannot be taken back");
}
