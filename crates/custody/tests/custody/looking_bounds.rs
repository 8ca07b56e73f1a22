//! What no look gets round: the purpose for which something is kept, the blur, the limits, what is unusual, and who agreed.

use fiducia_custody::{
    AccessActor, AccessCommand, AccessRequest, AccessSettings, AccountCommand, AdminCommand, AdminError,
    AdminReply, ComplianceReach, ContentScope, ConversationContent, DestructionScope, HoldExport,
    HoldExportReport, LookTarget, NewHold, RetentionCommand, RetentionReply, SignedIn,
};
use fiducia_ledger::Event;
use fiducia_policy::{
    AccessEnd, AccessLimits, AccessNoticeKind, AccessPolicy, AccessReason, AccessScope, AccessSession,
    AccessState, ConversationId, GroundKind, HoldScope, RecordId, Sight,
};

use crate::console::signed_in;
use crate::looking::{
    SECRET, ask, at, detail, give, in_a_case, look, notices, request, session, shown, staff, world,
};
use crate::world::{World, anthropic};

/// A look on the command line.
fn show(
    world: &World,
    conversation: ConversationId,
    (reason, ground): (AccessReason, Option<GroundKind>),
    (ticket, reveal): (&str, bool),
) -> Result<ConversationContent, AdminError> {
    let command = AdminCommand::ShowRecords {
        target: DestructionScope::Conversation(conversation),
        actor: "tester".to_owned(),
        reason,
        ticket: Some(ticket.to_owned()),
        ground,
        reveal,
    };
    match world.custody().administer(command)? {
        AdminReply::Content(content) => Ok(content),
        other => panic!("{other:?}"),
    }
}

fn as_operator(world: &World, request: AccessRequest) -> Result<AccessSession, AdminError> {
    let actor = AccessActor::Operator("tester".to_owned());
    let command = AccessCommand::Ask { request };
    match world.custody().administer(AdminCommand::Access { actor, command })? {
        AdminReply::Access(reply) => Ok(session(*reply)),
        other => panic!("{other:?}"),
    }
}

fn texts(content: &ConversationContent) -> String {
    serde_json::to_string(&content.records).unwrap()
}

fn change_roles(world: &World, account: &SignedIn, roles: &str) {
    let roles = roles.parse().unwrap();
    let command = AccountCommand::SetRoles { account: account.account.id, roles };
    world.custody().administer(AdminCommand::Account(command)).unwrap();
}

#[test]
fn what_is_kept_for_safety_alone_is_read_for_safety_alone() {
    let (world, conversation) = world();
    let case = in_a_case(&world, conversation);
    world.destroy(DestructionScope::Conversation(conversation)).unwrap();
    let (support, legal) = (staff(&world, "support"), staff(&world, "legal"));
    let scope = AccessScope::Conversation(conversation);
    for ground in [GroundKind::SafetyWindow, GroundKind::Violation, GroundKind::Investigation] {
        for reason in
            [AccessReason::CustomerSupport, AccessReason::SubjectRequest, AccessReason::LegalObligation]
        {
            let named = AccessRequest { ground: Some(ground), ..request(scope.clone(), reason) };
            let urgent = AccessRequest { break_glass: true, ..named.clone() };
            for (who, wanted) in [(&support, &named), (&support, &urgent), (&legal, &urgent)] {
                let refused = ask(&world, who, wanted.clone()).unwrap_err();
                assert!(matches!(refused, AdminError::Forbidden(_)), "{ground} {}: {refused}", reason.name());
            }
            let refused = as_operator(&world, named).unwrap_err();
            assert!(matches!(refused, AdminError::Forbidden(_)), "{refused}");
            let refused = show(&world, conversation, (reason, Some(ground)), ("T-1", false)).unwrap_err();
            assert!(matches!(refused, AdminError::Forbidden(_)), "{refused}");
        }
    }
    show(&world, conversation, (AccessReason::SafetyReview, None), ("T-1", false)).unwrap();
    // A case names no ground: there the policies hold the reason against the purpose.
    let refused =
        as_operator(&world, request(AccessScope::Case(case), AccessReason::CustomerSupport)).unwrap_err();
    assert!(refused.to_string().contains("purpose-goes-with-reason"), "{refused}");
    as_operator(&world, request(AccessScope::Case(case), AccessReason::SafetyReview)).unwrap();
}

#[test]
fn a_look_on_the_command_line_is_blurred_first_and_revealed_under_the_same_ticket() {
    let (mut world, conversation) = world();
    in_a_case(&world, conversation);
    let reason = (AccessReason::SafetyReview, None);
    let hasty = show(&world, conversation, reason, ("T-1", true)).unwrap_err();
    assert!(hasty.to_string().contains("blurred first"), "{hasty}");
    let blurred = show(&world, conversation, reason, ("T-1", false)).unwrap();
    assert_eq!(blurred.sight, Sight::Blurred);
    assert!(!texts(&blurred).contains("wire code") && !texts(&blurred).contains("4711"));
    let other_ticket = show(&world, conversation, reason, ("T-2", true)).unwrap_err();
    assert!(other_ticket.to_string().contains("blurred first"), "{other_ticket}");
    let plain = show(&world, conversation, reason, ("T-1", true)).unwrap();
    assert_eq!(plain.sight, Sight::Plain);
    assert!(texts(&plain).contains(SECRET));
    assert!(plain.ledger_index > blurred.ledger_index, "an entry of its own");
    let sights: Vec<Sight> = world
        .ledger_events()
        .into_iter()
        .filter_map(|event| match event {
            Event::RecordAccess(access) => access.look.map(|terms| terms.sight),
            _ => None,
        })
        .collect();
    assert_eq!(sights, [Sight::Blurred, Sight::Plain]);
    world.advance_days(2);
    let late = show(&world, conversation, reason, ("T-1", true)).unwrap_err();
    assert!(late.to_string().contains("blurred first"), "a day later it is a first look again: {late}");
}

#[test]
fn looks_on_the_command_line_are_counted_told_and_stopped() {
    let (mut world, conversation) = world();
    let mut limits = AccessLimits { sessions_per_person_max: 1, ..AccessLimits::default() };
    limits.bounds.alert_records_per_day = 4;
    limits.bounds.stop_records_per_day = 6;
    world.reopen_with_access(AccessSettings { limits, ..AccessSettings::default() });
    let admin = staff(&world, "tenant-admin");
    let reason = (AccessReason::IncidentResponse, None);
    show(&world, conversation, reason, ("T-1", false)).unwrap();
    assert_eq!(notices(&world, &admin), []);
    show(&world, conversation, reason, ("T-1", false)).unwrap();
    assert_eq!(notices(&world, &admin), [AccessNoticeKind::Unusual]);
    let stopped = show(&world, conversation, reason, ("T-1", false)).unwrap_err();
    assert!(stopped.to_string().contains("far more than is usual"), "{stopped}");
    let told = notices(&world, &admin);
    assert_eq!(told[1..], [AccessNoticeKind::Unusual, AccessNoticeKind::Stopped]);
    // One session at once is all that these limits give to one person, also where a command makes it.
    world.advance_days(2);
    let wanted = request(AccessScope::Conversation(conversation), AccessReason::IncidentResponse);
    as_operator(&world, wanted).unwrap();
    let refused = show(&world, conversation, reason, ("T-1", false)).unwrap_err();
    assert!(refused.to_string().contains("at most 1 sessions"), "{refused}");
}

fn export(world: &World, reason: AccessReason) -> Result<HoldExportReport, AdminError> {
    let hold = NewHold {
        organization: world.organization(),
        matter: "Doe v. Roe".to_owned(),
        authority: "District court 7".to_owned(),
        scope: HoldScope::default(),
        custodians: Vec::new(),
        reviewers: vec!["counsel".to_owned()],
    };
    let place = RetentionCommand::PlaceHold { hold, actor: "operator".to_owned() };
    let RetentionReply::Hold(hold) = world.govern(place).unwrap() else { panic!("hold") };
    world.sweep();
    let export = HoldExport {
        hold: hold.id,
        actor: "operator".to_owned(),
        reviewer: "counsel".to_owned(),
        reason,
        ticket: Some("7-C-12".to_owned()),
        recipients: Vec::new(),
        out: world.folder().join("export.zip"),
    };
    match world.custody().administer(AdminCommand::ExportHold(export))? {
        AdminReply::Exported(report) => Ok(report),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_operators_hand_over_is_for_the_law_or_the_person_and_is_told() {
    let (world, _) = world();
    let admin = staff(&world, "tenant-admin");
    for reason in [AccessReason::SafetyReview, AccessReason::CustomerSupport, AccessReason::SubjectRequest] {
        let refused = export(&world, reason).unwrap_err();
        assert!(matches!(refused, AdminError::Forbidden(_)), "{refused}");
    }
    assert_eq!(notices(&world, &admin), []);
    // A lockbox does not hold it back: a court does not ask. The administrators are told.
    let organization = world.organization();
    give(&world, &admin, AccessCommand::Lockbox { organization, enabled: Some(true) }).unwrap();
    export(&world, AccessReason::LegalObligation).unwrap();
    assert_eq!(notices(&world, &admin), [AccessNoticeKind::HandedOver]);
}

#[test]
fn what_names_nothing_or_what_is_gone_is_no_straying() {
    let (world, conversation) = world();
    let reviewer = staff(&world, "trust-and-safety");
    let case = in_a_case(&world, conversation);
    let open = ask(&world, &reviewer, request(AccessScope::Case(case), AccessReason::SafetyReview)).unwrap();
    let record = LookTarget { records: vec![RecordId::from_bytes([9; 16])], ..LookTarget::default() };
    for _ in 0..3 {
        let nothing = look(&world, &reviewer, open.id, (LookTarget::default(), None)).unwrap_err();
        assert!(matches!(nothing, AdminError::Invalid(_)), "{nothing}");
        let unknown = look(&world, &reviewer, open.id, (record.clone(), None)).unwrap_err();
        assert!(matches!(unknown, AdminError::NotFound(_)), "{unknown}");
        let gone = at(ConversationId::from_bytes([9; 16]));
        let gone = look(&world, &reviewer, open.id, (gone, None)).unwrap_err();
        assert!(matches!(gone, AdminError::NotFound(_)), "{gone}");
    }
    let now = shown(&world, &reviewer, open.id);
    assert_eq!((now.state, now.strays), (AccessState::Open, 0));
    look(&world, &reviewer, open.id, (at(conversation), None)).unwrap();
}

#[test]
fn who_agreed_and_lost_the_right_to_counts_no_more() {
    let (world, conversation) = world();
    let person = |roles: &str| signed_in(&world, world.organization(), None, roles);
    let (legal, admin, colleague) =
        (person("legal"), person("tenant-admin"), person("trust-and-safety auditor"));
    let reader = staff(&world, "trust-and-safety");
    let scope = AccessScope::Conversation(conversation);
    let emergency = AccessRequest { break_glass: true, ..request(scope.clone(), AccessReason::SafetyReview) };
    let asked = ask(&world, &reader, emergency).unwrap();
    let approve = AccessCommand::Approve { session: asked.id, remark: None };
    let agrees = |who: &SignedIn| session(give(&world, &who.staff().unwrap(), approve.clone()).unwrap());
    assert_eq!(agrees(&legal).state, AccessState::Asked);
    change_roles(&world, &legal, "research");
    assert_eq!(
        agrees(&admin).state,
        AccessState::Asked,
        "the first of the two may agree to nothing any more"
    );
    let open = agrees(&colleague);
    assert_eq!((open.state, open.approvals.len(), open.lapsed.len()), (AccessState::Open, 2, 1));
    look(&world, &reader, open.id, (LookTarget::default(), None)).unwrap();
    change_roles(&world, &admin, "partner");
    let refused = look(&world, &reader, open.id, (LookTarget::default(), None)).unwrap_err();
    assert!(matches!(refused, AdminError::Forbidden(_)), "{refused}");
    let ended = shown(&world, &reader, open.id);
    assert_eq!((ended.state, ended.end, ended.looks), (AccessState::Ended, Some(AccessEnd::Revoked), 1));
}

#[test]
fn a_customers_word_counts_while_whoever_gave_it_may_give_it() {
    let (world, conversation) = world();
    let admin = signed_in(&world, world.organization(), None, "tenant-admin");
    let support = staff(&world, "support");
    let wanted = request(AccessScope::Conversation(conversation), AccessReason::CustomerSupport);
    let asked = ask(&world, &support, wanted).unwrap();
    give(&world, &admin.staff().unwrap(), AccessCommand::Approve { session: asked.id, remark: None })
        .unwrap();
    look(&world, &support, asked.id, (LookTarget::default(), None)).unwrap();
    change_roles(&world, &admin, "research");
    look(&world, &support, asked.id, (LookTarget::default(), None)).unwrap_err();
    assert_eq!(shown(&world, &support, asked.id).end, Some(AccessEnd::Revoked));
}

#[test]
fn a_record_that_is_named_twice_is_opened_counted_and_logged_once() {
    let (mut world, conversation) = world();
    let record = world.records(conversation)[0].id;
    let scope = AccessScope::Records(vec![record, record]);
    let open = as_operator(&world, request(scope, AccessReason::IncidentResponse)).unwrap();
    assert_eq!(open.scope, AccessScope::Records(vec![record]));
    let actor = AccessActor::Operator("tester".to_owned());
    let target = LookTarget { records: vec![record, record], ..LookTarget::default() };
    let command = AccessCommand::Look { session: open.id, target, sight: None };
    world.custody().administer(AdminCommand::Access { actor, command }).unwrap();
    let admin = staff(&world, "tenant-admin");
    let taken = detail(&world, &admin, open.id).unwrap();
    assert_eq!((taken.session.records, taken.looks[0].records), (1, 1));
    let logged = world.ledger_events().into_iter().find_map(|event| match event {
        Event::RecordAccess(access) => Some(access.records.len()),
        _ => None,
    });
    assert_eq!(logged, Some(1), "the log and the index agree, as an audit compares them");
}

#[test]
fn what_roles_permit_is_said_by_the_policies_in_force() {
    let mut world = World::new();
    let organization = world.organization();
    let permits = |world: &World| {
        let (custody, reach) = (world.custody(), ComplianceReach::Installation);
        let roles = custody.compliance_roles(reach, organization).unwrap();
        let partner = roles.into_iter().find(|role| role.name == "partner").unwrap();
        let permissions = custody.compliance_permissions(reach, organization, &partner.id).unwrap();
        permissions.iter().any(|one| (one.action.as_str(), one.resource.as_str()) == ("see", "metadata"))
    };
    assert!(!permits(&world));
    let own = "@id(\"partners-see-metadata\") @about(\"Partners see metadata.\") permit (principal in Role::\"partner\", action \
               == Action::\"see\", resource in Kind::\"metadata\");";
    let policies = Some(format!("{}\n{own}", AccessPolicy::built_in_text()));
    world.reopen_with_access(AccessSettings { policies, ..AccessSettings::default() });
    assert!(permits(&world));
}

#[test]
fn a_look_that_is_flagged_in_part_is_blurred_as_a_whole() {
    let (world, conversation) = world();
    world.exchange(&anthropic(&[SECRET, "I shall not repeat it", "do"]), "no");
    let record = world.records(conversation)[0].id;
    let flag = RetentionCommand::Flag {
        content: ContentScope::Record(record),
        category: "fraud".to_owned(),
        score: None,
        actor: "moderator".to_owned(),
    };
    world.govern(flag).unwrap();
    let seen = show(&world, conversation, (AccessReason::IncidentResponse, None), ("T-1", false)).unwrap();
    assert_eq!(seen.sight, Sight::Blurred);
    assert!(!texts(&seen).contains("wire code"));
}

#[test]
fn what_a_plan_keeps_elsewhere_is_closed_to_staff() {
    let (mut world, conversation) = world();
    // The plan of this organisation keeps its data in the region `home`.
    let (admin, legal) = (staff(&world, "tenant-admin"), staff(&world, "legal"));
    let emergency = AccessRequest {
        break_glass: true,
        ..request(AccessScope::Conversation(conversation), AccessReason::IncidentResponse)
    };
    let list = AdminCommand::ListSubjects { organization: world.organization() };
    let here = |names: &[&str]| AccessSettings {
        regions: Some(names.iter().map(|name| (*name).to_owned()).collect()),
        ..AccessSettings::default()
    };
    world.reopen_with_access(here(&["mars"]));
    let refused = ask(&world, &legal, emergency.clone()).unwrap_err();
    assert!(refused.to_string().contains("own-region-only"), "{refused}");
    let reason = (AccessReason::IncidentResponse, None);
    let refused = show(&world, conversation, reason, ("T-1", false)).unwrap_err();
    assert!(refused.to_string().contains("own-region-only"), "{refused}");
    assert!(matches!(world.custody().as_staff(&admin, list.clone()), Err(AdminError::Forbidden(_))));
    world.reopen_with_access(here(&["mars", "home"]));
    ask(&world, &legal, emergency).unwrap();
    show(&world, conversation, reason, ("T-1", false)).unwrap();
    world.custody().as_staff(&admin, list).unwrap();
}
