//! Evidence: entries with proofs that hold elsewhere, graphs of keys that say what became of each, and figures.

use fiducia_custody::{
    AdminCommand, AdminError, AdminReply, AuditFigures, Consistency, DestructionScope, EntryFilter,
    EntryPage, EntryProofShown, EvidenceCommand, EvidenceReply, KeyEndKind, KeyGraph, KeyGraphTarget,
    PersonalCommand, SignatureKind, Staff, WitnessTerms,
};
use fiducia_ledger::{
    Checkpoint, LogReader, ProofFile, TrustedLogs, WitnessKey, cosign, request_for, verify_consistency,
};
use fiducia_policy::{
    AccessReason, ConsentAct, ConsentPurpose, ConversationId, GroundKind, OrganizationId, Plan, RecordId,
    Role,
};

use crate::consent_world::choice_on;
use crate::console::{signed_in, two_people};
use crate::world::{World, anthropic};

const NOBODY: OrganizationId = OrganizationId::from_bytes([0; 16]);

fn ask(world: &World, staff: &Staff, command: EvidenceCommand) -> Result<EvidenceReply, AdminError> {
    match world.custody().as_staff(staff, AdminCommand::Evidence(command))? {
        AdminReply::Evidence(reply) => Ok(reply),
        other => panic!("{other:?}"),
    }
}

fn entries(world: &World, staff: &Staff, filter: EntryFilter, before: Option<u64>, limit: u32) -> EntryPage {
    match ask(world, staff, EvidenceCommand::Entries { organization: NOBODY, filter, before, limit }).unwrap()
    {
        EvidenceReply::Entries(page) => page,
        other => panic!("{other:?}"),
    }
}

fn entry(world: &World, staff: &Staff, index: u64) -> EntryProofShown {
    match ask(world, staff, EvidenceCommand::Entry { organization: NOBODY, index }).unwrap() {
        EvidenceReply::Entry(shown) => *shown,
        other => panic!("{other:?}"),
    }
}

fn graph(world: &World, staff: &Staff, target: KeyGraphTarget) -> Result<KeyGraph, AdminError> {
    match ask(world, staff, EvidenceCommand::KeyGraph { target })? {
        EvidenceReply::KeyGraph(graph) => Ok(*graph),
        other => panic!("{other:?}"),
    }
}

fn figures(world: &World, staff: &Staff) -> AuditFigures {
    match ask(world, staff, EvidenceCommand::Figures { organization: NOBODY }).unwrap() {
        EvidenceReply::Figures(figures) => *figures,
        other => panic!("{other:?}"),
    }
}

fn auditor(world: &World) -> Staff {
    signed_in(world, world.organization(), None, "auditor").staff().unwrap()
}

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

fn hash(hex: &str) -> [u8; 32] {
    bytes(hex).try_into().unwrap()
}

#[test]
fn every_entry_is_listed_once_and_its_proof_holds_without_the_installation() {
    let (world, people) = two_people();
    let auditor = auditor(&world);
    world.show_with(people[0].1, AccessReason::CustomerSupport, Some("T-1")).unwrap();
    let whole = entries(&world, &auditor, EntryFilter::default(), None, 1_000);
    assert_eq!(u64::try_from(whole.rows.len()).unwrap(), whole.size);
    assert!(whole.rows.windows(2).all(|pair| pair[0].index == pair[1].index + 1), "newest first, none twice");
    assert_eq!(whole.next_before, None);
    // Page by page it is the same.
    let (mut paged, mut before) = (Vec::new(), None);
    loop {
        let page = entries(&world, &auditor, EntryFilter::default(), before, 3);
        paged.extend(page.rows);
        before = page.next_before;
        if before.is_none() {
            break;
        }
    }
    assert_eq!(paged, whole.rows);
    let filter = EntryFilter::typed("record_access", "2026-01-10").unwrap();
    let looks = entries(&world, &auditor, filter, None, 10);
    let field = |name: &str| looks.rows[0].fields.iter().find(|(found, _)| found == name).unwrap().1.clone();
    assert_eq!(
        (looks.rows.len(), field("reason"), field("ticket")),
        (1, "customer_support".into(), "T-1".into())
    );
    let none = EntryFilter::typed("record_access", "2026-01-09").unwrap();
    assert!(entries(&world, &auditor, none, None, 10).rows.is_empty());
    let key = world.verifier_key();
    for row in &whole.rows {
        let shown = entry(&world, &auditor, row.index);
        let file: ProofFile = shown.proof.parse().unwrap();
        assert_eq!(file.extra.as_deref(), Some(bytes(&shown.bytes).as_slice()));
        file.verify(&bytes(&shown.bytes), &key).unwrap();
        // What is drawn leads where the proof does.
        let last = shown.steps.last().map_or(&shown.row.leaf_hash, |step| &step.joined_hash);
        assert_eq!(*last, shown.checkpoint.root);
        assert_eq!(shown.steps.len(), file.hashes.len());
    }
    let beyond = ask(&world, &auditor, EvidenceCommand::Entry { organization: NOBODY, index: whole.size });
    assert!(matches!(beyond, Err(AdminError::NotFound(_))), "{beyond:?}");
}

#[test]
fn one_size_of_a_log_is_shown_to_begin_another() {
    let (world, _) = two_people();
    let auditor = auditor(&world);
    let size = entries(&world, &auditor, EntryFilter::default(), None, 1).size;
    let compare = |from, to| -> Result<Consistency, AdminError> {
        match ask(&world, &auditor, EvidenceCommand::Consistency { organization: NOBODY, from, to })? {
            EvidenceReply::Consistency(shown) => Ok(*shown),
            other => panic!("{other:?}"),
        }
    };
    for from in 1..=size {
        for to in from..=size {
            let shown = compare(from, Some(to)).unwrap();
            let path: Vec<_> = shown.parts.iter().map(|(_, digits)| hash(digits)).collect();
            let (old, new) = (hash(&shown.from_root), hash(&shown.to_root));
            assert!(verify_consistency(from, &old, to, &new, &path), "{from} {to}");
            let head = Checkpoint::verify(shown.checkpoint.note.as_bytes(), &world.verifier_key()).unwrap();
            let rest: Vec<_> = shown.to_checkpoint.iter().map(|digits| hash(digits)).collect();
            assert!(verify_consistency(to, &new, head.size, &head.root, &rest), "{to} to the head");
        }
    }
    for (from, to) in [(0, None), (2, Some(1)), (1, Some(size + 1)), (u64::MAX, None)] {
        assert!(matches!(compare(from, to), Err(AdminError::Invalid(_))), "{from} {to:?}");
    }
}

#[test]
fn a_graph_says_which_ways_are_whole_and_what_became_of_the_others() {
    let (world, people) = two_people();
    let auditor = auditor(&world);
    let (ada, mine) = (people[0].0.oneself().unwrap(), people[0].1);
    let of = KeyGraphTarget::Conversation(mine);
    let before = graph(&world, &auditor, of).unwrap();
    let grounds = |graph: &KeyGraph, open: bool| -> Vec<GroundKind> {
        let paths = graph.paths();
        let roots = paths.iter().filter(|path| path.ended.is_none() == open).map(|path| path.nodes[0]);
        let mut grounds: Vec<_> = roots.filter_map(|root| graph.nodes[root].ground).collect();
        grounds.sort_unstable();
        grounds
    };
    assert_eq!(grounds(&before, true), [GroundKind::Service, GroundKind::SafetyWindow]);
    assert_eq!((grounds(&before, false), before.records), (vec![], 2));
    assert!(before.nodes.iter().filter_map(|node| node.clause.as_ref()).count() >= 2, "{before:?}");
    world.destroy(DestructionScope::Conversation(mine)).unwrap();
    let after = graph(&world, &auditor, of).unwrap();
    let service = after.nodes.iter().find(|node| node.kind == "conversation").unwrap();
    let end = service.ended.as_ref().unwrap();
    assert_eq!((end.how, end.reason.as_deref()), (KeyEndKind::Destroyed, Some("deletion")));
    let told = entry(&world, &auditor, end.entry.unwrap());
    assert_eq!(told.row.kind, "keys_destroyed");
    assert!(end.certificate.is_some(), "{end:?}");
    // Whatever outlasts the deletion is whole, and the rest is not.
    assert!(!grounds(&after, true).contains(&GroundKind::Service));
    assert!(grounds(&after, false).contains(&GroundKind::Service));
    world.advance_days(60);
    world.sweep();
    let gone = graph(&world, &auditor, of).unwrap();
    assert!(!gone.is_readable() && gone.records == 0);
    let ended = gone.paths().into_iter().filter_map(|path| path.ended).count();
    assert!(ended >= 2, "{:?}", gone.paths());
    let safety = gone.nodes.iter().find(|node| node.kind == "safety-day").unwrap().ended.clone().unwrap();
    assert_eq!(entry(&world, &auditor, safety.entry.unwrap()).row.kind, "safety_window_closed");
    // The person is shown the same, and no certificate that is about many.
    let own =
        match world.custody().personally(&ada, PersonalCommand::KeyGraph { conversation: mine }).unwrap() {
            AdminReply::Evidence(EvidenceReply::KeyGraph(graph)) => *graph,
            other => panic!("{other:?}"),
        };
    assert_eq!((own.nodes.len(), own.edges), (gone.nodes.len(), gone.edges));
    let stranger = people[1].0.oneself().unwrap();
    let refused = world.custody().personally(&stranger, PersonalCommand::KeyGraph { conversation: mine });
    assert!(matches!(refused, Err(AdminError::NotFound(_))), "{refused:?}");
}

#[test]
fn a_yes_is_a_way_and_taking_it_back_is_an_end_that_is_told() {
    let (mut world, people) = two_people();
    world.publish_notice("batch-training", "en", 1);
    let (auditor, (_, mine)) = (auditor(&world), people[0].clone());
    world.use_new_key("ada");
    let on = |act| choice_on(ConsentPurpose::BatchTraining, act);
    let ways = |world: &World| -> Vec<(Option<KeyEndKind>, Option<u64>)> {
        let graph = graph(world, &auditor, KeyGraphTarget::Conversation(mine)).unwrap();
        let purpose = |edge: &&fiducia_custody::KeyGraphEdge| graph.nodes[edge.from].purpose.is_some();
        let end = |edge: &fiducia_custody::KeyGraphEdge| {
            (edge.ended.as_ref().map(|end| end.how), edge.ended.as_ref().and_then(|end| end.entry))
        };
        graph.edges.iter().filter(purpose).map(end).collect()
    };
    assert_eq!(ways(&world), []);
    world.choose(on(ConsentAct::Give)).unwrap();
    world.sweep();
    assert_eq!(ways(&world), [(None, None)]);
    world.choose(on(ConsentAct::Withdraw)).unwrap();
    world.sweep();
    let ended = ways(&world);
    assert_eq!(ended.len(), 1);
    assert_eq!(ended[0].0, Some(KeyEndKind::ConsentEnded));
}

#[test]
fn a_record_shows_the_keys_that_open_it_and_another_organisations_does_not_exist() {
    let (mut world, people) = two_people();
    let here = auditor(&world);
    let record: RecordId = world.records(people[0].1)[0].id;
    let shown = graph(&world, &here, KeyGraphTarget::Record(record)).unwrap();
    assert_eq!((shown.record, shown.records, shown.conversation), (Some(record), 1, people[0].1));
    assert!(shown.is_readable());
    world.use_agreed_organization("elsewhere", Plan::Pro, None);
    let elsewhere = signed_in(&world, world.organization(), None, "legal").staff().unwrap();
    let foreign = [KeyGraphTarget::Record(record), KeyGraphTarget::Conversation(people[0].1)];
    let never = [
        KeyGraphTarget::Record(RecordId::from_bytes([9; 16])),
        KeyGraphTarget::Conversation(ConversationId::from_bytes([9; 16])),
    ];
    for target in foreign.into_iter().chain(never) {
        let refused = graph(&world, &elsewhere, target).unwrap_err();
        assert!(matches!(refused, AdminError::NotFound(_)), "{refused:?}");
    }
    // Naming another organisation in the command does not help.
    let named = EvidenceCommand::Entry { organization: people[0].0.account.organization, index: 0 };
    let EvidenceReply::Entry(first) = ask(&world, &elsewhere, named).unwrap() else { panic!("entry") };
    assert!(first.checkpoint.origin.ends_with(&world.organization().uuid()));
}

#[test]
fn figures_count_what_happened_and_forget_nobody_who_was_erased() {
    let (world, people) = two_people();
    let auditor = auditor(&world);
    let empty = figures(&world, &auditor);
    assert_eq!((empty.accesses.len(), empty.certificates, empty.findings), (0, 0, 0));
    assert!(empty.witnesses.is_none() && empty.log.size > 0 && empty.policies.len() == 2);
    let ada = people[0].0.oneself().unwrap();
    world.custody().personally(&ada, PersonalCommand::Read { conversation: people[0].1 }).unwrap();
    world.show_with(people[0].1, AccessReason::SafetyReview, Some("T-1")).unwrap();
    world.show_with(people[1].1, AccessReason::SafetyReview, Some("T-1")).unwrap();
    let told = |figures: &AuditFigures| -> Vec<(AccessReason, String, u64)> {
        let row =
            |access: &fiducia_custody::AccessFigure| (access.reason, access.role.clone(), access.entries);
        figures.accesses.iter().map(row).collect()
    };
    let expected = [
        (AccessReason::SafetyReview, "operator".to_owned(), 2),
        (AccessReason::SubjectRequest, "oneself".to_owned(), 1),
    ];
    assert_eq!(told(&figures(&world, &auditor)), expected);
    world.destroy(DestructionScope::Subject(ada.subject())).unwrap();
    let after = figures(&world, &auditor);
    assert_eq!(told(&after), expected, "looks at somebody who was erased since were looks");
    assert_eq!((after.certificates, after.certificates_since, after.accesses_unplaced), (1, 1, 0));
    world.advance_days(31);
    let later = figures(&world, &auditor);
    assert!(told(&later).is_empty() && later.certificates == 1 && later.certificates_since == 0);
}

#[test]
fn a_witness_counts_where_its_cosignature_holds_and_the_age_is_that_of_the_last_that_was_needed() {
    let (mut world, _) = two_people();
    let witness =
        |name: &str, seed| WitnessKey::from_seed(name, zeroize::Zeroizing::new([seed; 32])).unwrap();
    let (one, two, forger) =
        (witness("one.example/w", 1), witness("two.example/w", 2), witness("two.example/w", 3));
    let directory = world.data().join("witnessed");
    let terms = |quorum| WitnessTerms {
        keys: vec![one.verifier(), two.verifier()],
        quorum,
        directory: directory.clone(),
    };
    world.reopen_witnessed(terms(1));
    let auditor = auditor(&world);
    let before = figures(&world, &auditor).witnesses.unwrap();
    assert_eq!((before.quorum, before.size, before.quorum_at, before.witnesses.len()), (1, None, None, 2));
    // The first witness cosigns what is published, as the server would keep it.
    let key = world.verifier_key();
    let folder = world.data().join("ledger").join(world.organization().uuid());
    let mut log = LogReader::open(&folder, &key).unwrap();
    let (size, now) = (log.checkpoint().size, world.now());
    let mut logs = TrustedLogs::default();
    logs.add(key);
    let request = request_for(&mut log, 0).unwrap();
    let cosigned = |witness| cosign(witness, &logs, None, &request, now).unwrap();
    let note = format!("{}{}", cosigned(&one).held.note, cosigned(&forger).cosignature);
    std::fs::create_dir_all(&directory).unwrap();
    std::fs::write(directory.join(format!("{}.checkpoint", world.organization().uuid())), note).unwrap();
    let after = figures(&world, &auditor).witnesses.unwrap();
    let told: Vec<_> = after.witnesses.iter().map(|witness| witness.at.is_some()).collect();
    assert_eq!((told, after.size), (vec![true, false], Some(size)), "a name is not a signature");
    assert_eq!(after.quorum_at.unwrap().as_second(), now.as_second());
    let kinds: Vec<_> =
        entry(&world, &auditor, 0).checkpoint.signatures.iter().map(|signature| signature.kind).collect();
    assert_eq!(kinds, [SignatureKind::Log, SignatureKind::Witness, SignatureKind::Unknown]);
    let algorithms = |signatures: &[fiducia_custody::NamedSignature]| -> Vec<Option<String>> {
        signatures.iter().map(|signature| signature.algorithm.clone()).collect()
    };
    let ed25519 = || Some("ed25519".to_owned());
    let shown = entry(&world, &auditor, 0).checkpoint.signatures;
    assert_eq!(
        algorithms(&shown),
        [ed25519(), ed25519(), None],
        "nothing is said of a key that is not known"
    );
    world.reopen_witnessed(terms(2));
    let needed = figures(&world, &auditor).witnesses.unwrap();
    assert_eq!((needed.size, needed.quorum_at), (None, None), "one is not enough");
}

#[test]
fn each_role_sees_the_evidence_that_is_its_own() {
    use Role::{Auditor, Legal, TenantAdmin, TrustAndSafety};
    let world = World::of_consumers();
    world.exchange(&anthropic(&["hello"]), "hello");
    let conversation = world.conversations()[0];
    let commands: [(EvidenceCommand, &[Role]); 4] = [
        (EvidenceCommand::Entry { organization: NOBODY, index: 0 }, &[TenantAdmin, Legal, Auditor]),
        (
            EvidenceCommand::Consistency { organization: NOBODY, from: 1, to: None },
            &[TenantAdmin, Legal, Auditor],
        ),
        (EvidenceCommand::Figures { organization: NOBODY }, &[TenantAdmin, Legal, Auditor]),
        (
            EvidenceCommand::KeyGraph { target: KeyGraphTarget::Conversation(conversation) },
            &[TenantAdmin, Legal, Auditor, TrustAndSafety],
        ),
    ];
    for role in Role::ALL.into_iter().filter(|role| *role != Role::Person) {
        let staff = signed_in(&world, world.organization(), None, role.name()).staff().unwrap();
        for (command, may) in &commands {
            let outcome = ask(&world, &staff, command.clone());
            let is_forbidden = matches!(outcome, Err(AdminError::Forbidden(_)));
            assert_eq!(is_forbidden, !may.contains(&role), "{role} {command:?}: {outcome:?}");
        }
    }
}
