//! Sessions of reading: who may open one, who must agree, what it opens, how it ends, and what is said of it.

use fiducia_custody::{
    AccessActor, AccessCommand, AccessReply, AccessRequest, AccessSessionDetail, AccessSettings,
    AccountCommand, AdminCommand, AdminError, AdminReply, AuditFinding, ContentScope, LookTarget,
    RetentionCommand, RetentionReply, SessionContent, Staff,
};
use fiducia_ledger::{AccessSessionStep, Event, SessionStep};
use fiducia_policy::{
    AccessAnswer, AccessEnd, AccessLimits, AccessNeeds, AccessNoticeKind, AccessPolicy, AccessReason,
    AccessReview, AccessScope, AccessSession, AccessSessionId, AccessState, CaseId, ConversationId, Plan,
    Role, Sight, Timestamp,
};

use crate::console::signed_in;
use crate::world::{World, anthropic};

pub(crate) const SECRET: &str = "the wire code is 4711";

pub(crate) fn give(world: &World, who: &Staff, command: AccessCommand) -> Result<AccessReply, AdminError> {
    // Whoever is named in a command does not count.
    let actor = AccessActor::Operator("somebody else".to_owned());
    match world.custody().as_staff(who, AdminCommand::Access { actor, command })? {
        AdminReply::Access(reply) => Ok(*reply),
        other => panic!("{other:?}"),
    }
}

pub(crate) fn session(reply: AccessReply) -> AccessSession {
    match reply {
        AccessReply::Session(session) => *session,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn request(scope: AccessScope, reason: AccessReason) -> AccessRequest {
    AccessRequest {
        scope,
        reason,
        ticket: "CASE-7".to_owned(),
        ground: None,
        seconds: Some(600),
        break_glass: false,
    }
}

pub(crate) fn approval(session: AccessSessionId) -> AccessCommand {
    AccessCommand::Approve { session, remark: None }
}

fn verdict(session: AccessSessionId, justified: bool) -> AccessCommand {
    let remark = "what was read fits the ticket".parse().unwrap();
    AccessCommand::Review { session, justified, remark }
}

pub(crate) fn ask(world: &World, who: &Staff, request: AccessRequest) -> Result<AccessSession, AdminError> {
    give(world, who, AccessCommand::Ask { request }).map(session)
}

pub(crate) fn look(
    world: &World,
    who: &Staff,
    id: AccessSessionId,
    (target, sight): (LookTarget, Option<Sight>),
) -> Result<SessionContent, AdminError> {
    match give(world, who, AccessCommand::Look { session: id, target, sight })? {
        AccessReply::Content(content) => Ok(*content),
        other => panic!("{other:?}"),
    }
}

pub(crate) fn at(conversation: ConversationId) -> LookTarget {
    LookTarget { conversation: Some(conversation), ..LookTarget::default() }
}

pub(crate) fn shown(world: &World, who: &Staff, id: AccessSessionId) -> AccessSession {
    match give(world, who, AccessCommand::Show { session: id }).unwrap() {
        AccessReply::Detail(detail) => detail.session,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn staff(world: &World, roles: &str) -> Staff {
    signed_in(world, world.organization(), None, roles).staff().unwrap()
}

fn said(content: &SessionContent) -> String {
    // Its `Debug` shows nothing of it.
    serde_json::to_string(&content.content.records).unwrap()
}

pub(crate) fn notices(world: &World, admin: &Staff) -> Vec<AccessNoticeKind> {
    let command = AccessCommand::Notices { organization: world.organization(), limit: 100, seen_up_to: None };
    match give(world, admin, command).unwrap() {
        AccessReply::Notices(rows) => rows.into_iter().rev().map(|row| row.kind).collect(),
        other => panic!("{other:?}"),
    }
}

pub(crate) fn steps(world: &mut World) -> Vec<AccessSessionStep> {
    let events = world.ledger_events().into_iter();
    events
        .filter_map(|event| match event {
            Event::AccessSession(step) => Some(step),
            _ => None,
        })
        .collect()
}

/// What the program did is the same in the log, the databases, the feed and the public events. A clock that was set back shows.
fn audit(mut world: World) {
    let found = world.audited().findings.into_iter();
    let found: Vec<_> = found.filter(|finding| !matches!(finding, AuditFinding::RunsBack { .. })).collect();
    assert_eq!(found, []);
}

/// A conversation with something in it that must not be seen by everybody.
pub(crate) fn world() -> (World, ConversationId) {
    let world = World::new();
    world.exchange(&anthropic(&[SECRET]), "I shall not repeat it");
    let conversation = world.conversations()[0];
    (world, conversation)
}

/// The conversation is flagged, and taken into a case.
pub(crate) fn in_a_case(world: &World, conversation: ConversationId) -> CaseId {
    let actor = "moderator".to_owned();
    let content = ContentScope::Conversation(conversation);
    world
        .govern(RetentionCommand::Flag {
            content,
            category: "fraud".to_owned(),
            score: None,
            actor: actor.clone(),
        })
        .unwrap();
    let open = RetentionCommand::OpenCase {
        organization: world.organization(),
        name: "wire fraud".to_owned(),
        actor: actor.clone(),
    };
    let RetentionReply::Case(case) = world.govern(open).unwrap() else { panic!("case") };
    world.govern(RetentionCommand::ExtendCase { case: case.id, content, actor }).unwrap();
    case.id
}

#[test]
fn what_was_flagged_is_read_in_its_case_blurred_first_and_each_look_is_in_the_log() {
    let (mut world, conversation) = world();
    let reviewer = staff(&world, "trust-and-safety");
    let plain = request(AccessScope::Conversation(conversation), AccessReason::SafetyReview);
    let refused = ask(&world, &reviewer, plain.clone()).unwrap_err();
    assert!(matches!(refused, AdminError::Forbidden(_)), "nothing was flagged: {refused}");
    let case = in_a_case(&world, conversation);
    let refused = ask(&world, &reviewer, plain).unwrap_err();
    assert!(matches!(refused, AdminError::Forbidden(_)), "outside of its case: {refused}");
    let open = ask(&world, &reviewer, request(AccessScope::Case(case), AccessReason::SafetyReview)).unwrap();
    assert_eq!((open.state, open.needs), (AccessState::Open, AccessNeeds::Nothing));
    let hasty = look(&world, &reviewer, open.id, (at(conversation), Some(Sight::Plain))).unwrap_err();
    assert!(hasty.to_string().contains("blurred first"), "{hasty}");
    let blurred = look(&world, &reviewer, open.id, (at(conversation), None)).unwrap();
    assert_eq!(blurred.sight, Sight::Blurred);
    assert!(!said(&blurred).contains("wire code") && !said(&blurred).contains("4711"), "{blurred:?}");
    assert!(said(&blurred).contains("xxx xxxx xxxx xx 0000"), "the shape is seen: {}", said(&blurred));
    let plain = look(&world, &reviewer, open.id, (at(conversation), Some(Sight::Plain))).unwrap();
    assert!(said(&plain).contains(SECRET));
    assert!(plain.content.ledger_index > blurred.content.ledger_index, "an entry of its own");
    world.advance_seconds(40);
    let ended = session(give(&world, &reviewer, AccessCommand::End { session: open.id }).unwrap());
    assert_eq!((ended.end, ended.looks, ended.records), (Some(AccessEnd::Reader), 2, 4));
    let closed = look(&world, &reviewer, open.id, (at(conversation), None)).unwrap_err();
    assert!(matches!(closed, AdminError::Conflict(_)), "{closed}");
    let told: Vec<_> =
        steps(&mut world).into_iter().map(|step| (step.step, step.seconds, step.records)).collect();
    assert_eq!(told, [(SessionStep::Opened, 600, 0), (SessionStep::Ended, 40, 4)]);
    let events = world.ledger_events();
    let looks: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            Event::RecordAccess(access) => access.look.clone(),
            _ => None,
        })
        .collect();
    assert_eq!(looks.len(), 2);
    assert!(looks.iter().all(|terms| terms.session == Some(open.id)
        && terms.policies == ["trust-and-safety-reads-flagged-content"]));
    assert_eq!((looks[0].sight, looks[1].sight), (Sight::Blurred, Sight::Plain));
    // Directly behind each is the public event about the one answer, in the role that the session was asked for in.
    let behind = events.windows(2).filter(|pair| matches!(pair[0], Event::RecordAccess(_)));
    let departments: Vec<_> = behind
        .map(|pair| match &pair[1] {
            Event::AccessTransparency(public) => public.accessor_department.as_deref(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(departments, [Some("trust-and-safety"); 2]);
    audit(world);
}

#[test]
fn a_session_opens_nothing_else_and_who_tries_is_stopped() {
    let (world, conversation) = world();
    let (reviewer, admin) = (staff(&world, "trust-and-safety"), staff(&world, "tenant-admin"));
    let case = in_a_case(&world, conversation);
    world.exchange(&anthropic(&["something quite different"]), "indeed");
    let other = world.conversations().into_iter().find(|id| *id != conversation).unwrap();
    let open = ask(&world, &reviewer, request(AccessScope::Case(case), AccessReason::SafetyReview)).unwrap();
    for _ in 0..2 {
        let refused = look(&world, &reviewer, open.id, (at(other), None)).unwrap_err();
        assert!(matches!(refused, AdminError::Forbidden(_)), "{refused}");
        assert_eq!(shown(&world, &reviewer, open.id).state, AccessState::Open);
    }
    let record = LookTarget { records: vec![world.records(other)[0].id], ..LookTarget::default() };
    look(&world, &reviewer, open.id, (record, None)).unwrap_err();
    let stopped = shown(&world, &reviewer, open.id);
    assert_eq!((stopped.end, stopped.strays, stopped.looks), (Some(AccessEnd::Anomaly), 3, 0));
    assert_eq!(notices(&world, &admin), [AccessNoticeKind::Unusual, AccessNoticeKind::Stopped]);
    assert_eq!(world.custody().metrics().access_alerts, 1);
    // Somebody else's session opens nothing for oneself.
    let open = ask(&world, &reviewer, request(AccessScope::Case(case), AccessReason::SafetyReview)).unwrap();
    let colleague = staff(&world, "trust-and-safety auditor");
    let stolen = look(&world, &colleague, open.id, (at(conversation), None)).unwrap_err();
    assert!(matches!(stolen, AdminError::Forbidden(_)), "{stolen}");
    audit(world);
}

#[test]
fn support_reads_what_the_customer_agrees_to_within_twelve_hours() {
    let (mut world, conversation) = world();
    let (support, admin) = (staff(&world, "support"), staff(&world, "tenant-admin"));
    let legal = staff(&world, "legal");
    let wanted = request(AccessScope::Conversation(conversation), AccessReason::CustomerSupport);
    let asked = ask(&world, &support, wanted.clone()).unwrap();
    assert_eq!((asked.state, asked.needs), (AccessState::Asked, AccessNeeds::CustomerApproval));
    let early = look(&world, &support, asked.id, (LookTarget::default(), None)).unwrap_err();
    assert!(matches!(early, AdminError::Conflict(_)), "{early}");
    let approve = approval(asked.id);
    for who in [&support, &legal] {
        let refused = give(&world, who, approve.clone()).unwrap_err();
        assert!(matches!(refused, AdminError::Forbidden(_) | AdminError::NotFound(_)), "{refused}");
    }
    let open = session(give(&world, &admin, approve.clone()).unwrap());
    assert_eq!(open.state, AccessState::Open);
    let read = look(&world, &support, open.id, (LookTarget::default(), None)).unwrap();
    assert_eq!(read.sight, Sight::Plain, "nothing of it was flagged");
    assert!(said(&read).contains(SECRET));
    // Nobody answers the next one: that is a no.
    let unanswered = ask(&world, &support, wanted).unwrap();
    world.advance_seconds(12 * 3_600);
    let late = give(&world, &admin, approval(unanswered.id)).unwrap_err();
    assert!(matches!(late, AdminError::Conflict(_)), "{late}");
    world.sweep();
    assert_eq!(shown(&world, &admin, unanswered.id).state, AccessState::Unanswered);
    // The reader of the first vanished: the sweep ended it with the true end.
    let vanished = shown(&world, &admin, open.id);
    assert_eq!((vanished.end, vanished.seconds_open()), (Some(AccessEnd::Expiry), Some(600)));
    let told: Vec<_> =
        steps(&mut world).into_iter().map(|step| (step.session == open.id, step.step)).collect();
    assert_eq!(
        told,
        [
            (true, SessionStep::Asked),
            (true, SessionStep::Approved),
            (true, SessionStep::Opened),
            (false, SessionStep::Asked),
            (true, SessionStep::Ended),
            (false, SessionStep::Unanswered),
        ]
    );
    audit(world);
}

#[test]
fn an_emergency_takes_two_others_is_told_at_once_and_reviewed_or_there_is_no_next() {
    let (mut world, conversation) = world();
    let (reader, admin) = (staff(&world, "trust-and-safety"), staff(&world, "tenant-admin"));
    let (legal, other_admin) = (staff(&world, "legal"), staff(&world, "tenant-admin auditor"));
    let scope = AccessScope::Conversation(conversation);
    let emergency = AccessRequest { break_glass: true, ..request(scope, AccessReason::SafetyReview) };
    let long = AccessRequest { seconds: Some(3_601), ..emergency.clone() };
    assert!(matches!(ask(&world, &reader, long), Err(AdminError::Invalid(_))));
    let research = staff(&world, "research");
    assert!(matches!(ask(&world, &research, emergency.clone()), Err(AdminError::Forbidden(_))));
    let asked = ask(&world, &reader, emergency.clone()).unwrap();
    let approve = approval(asked.id);
    assert!(give(&world, &reader, approve.clone()).is_err(), "not oneself");
    assert_eq!(session(give(&world, &legal, approve.clone()).unwrap()).state, AccessState::Asked);
    let twice = give(&world, &legal, approve.clone()).unwrap_err();
    assert!(twice.to_string().contains("agreed already"), "{twice}");
    look(&world, &reader, asked.id, (LookTarget::default(), None)).unwrap_err();
    assert_eq!(session(give(&world, &admin, approve).unwrap()).state, AccessState::Open);
    assert_eq!(
        notices(&world, &admin),
        [AccessNoticeKind::EmergencyAsked, AccessNoticeKind::EmergencyOpened]
    );
    let read = look(&world, &reader, asked.id, (LookTarget::default(), None)).unwrap();
    assert!(said(&read).contains(SECRET));
    let review = |justified| verdict(asked.id, justified);
    assert!(give(&world, &other_admin, review(true)).is_err(), "not before it ended");
    give(&world, &reader, AccessCommand::End { session: asked.id }).unwrap();
    for took_part in [&legal, &admin] {
        let refused = give(&world, took_part, review(true)).unwrap_err();
        assert!(refused.to_string().contains("does not review"), "{refused}");
    }
    world.advance_days(4);
    let blocked = ask(&world, &reader, emergency.clone()).unwrap_err();
    assert!(blocked.to_string().contains("overdue"), "{blocked}");
    let reviewed = session(give(&world, &other_admin, review(false)).unwrap());
    assert!(matches!(reviewed.review, Some(AccessReview::Done { justified: false, .. })));
    ask(&world, &reader, emergency).unwrap();
    assert_eq!(notices(&world, &admin).len(), 4, "a review is due, and the next one is asked for");
    let told = steps(&mut world);
    let of_it: Vec<_> = told.iter().filter(|step| step.session == asked.id).map(|step| step.step).collect();
    assert_eq!(
        of_it,
        [
            SessionStep::Asked,
            SessionStep::Approved,
            SessionStep::Approved,
            SessionStep::Opened,
            SessionStep::Ended,
            SessionStep::FoundUnjustified,
        ]
    );
    audit(world);
}

#[test]
fn with_a_lockbox_nobody_reads_before_an_administrator_agrees() {
    let (world, conversation) = world();
    let (admin, legal) = (staff(&world, "tenant-admin"), staff(&world, "legal"));
    let organization = world.organization();
    let lock = |enabled| AccessCommand::Lockbox { organization, enabled: Some(enabled) };
    assert!(matches!(give(&world, &legal, lock(true)), Err(AdminError::Forbidden(_))));
    let read = || world.show_with(conversation, AccessReason::IncidentResponse, Some("T-9"));
    read().unwrap();
    give(&world, &admin, lock(true)).unwrap();
    assert!(matches!(read(), Err(AdminError::Forbidden(_))), "also not at the machine itself");
    let operator = |command| {
        let actor = AccessActor::Operator("tester".to_owned());
        match world.custody().administer(AdminCommand::Access { actor, command }) {
            Ok(AdminReply::Access(reply)) => Ok(*reply),
            Ok(other) => panic!("{other:?}"),
            Err(error) => Err(error),
        }
    };
    let wanted = request(AccessScope::Conversation(conversation), AccessReason::IncidentResponse);
    let asked = session(operator(AccessCommand::Ask { request: wanted }).unwrap());
    let approve = approval(asked.id);
    assert!(operator(approve.clone()).is_err(), "whoever works at the machine agrees to nothing");
    give(&world, &admin, approve).unwrap();
    let target = LookTarget::default();
    operator(AccessCommand::Look { session: asked.id, target, sight: None }).unwrap();
    assert!(operator(lock(false)).is_err(), "nor opens the lockbox");
    give(&world, &admin, lock(false)).unwrap();
    read().unwrap();
    audit(world);
}

#[test]
fn who_loses_the_right_in_mid_session_reads_no_more() {
    let (world, conversation) = world();
    let case = in_a_case(&world, conversation);
    let account = signed_in(&world, world.organization(), None, "trust-and-safety");
    let reviewer = account.staff().unwrap();
    let open = ask(&world, &reviewer, request(AccessScope::Case(case), AccessReason::SafetyReview)).unwrap();
    look(&world, &reviewer, open.id, (at(conversation), None)).unwrap();
    let change = |roles: &str| {
        let roles = roles.parse().unwrap();
        let command = AccountCommand::SetRoles { account: account.account.id, roles };
        world.custody().administer(AdminCommand::Account(command)).unwrap();
    };
    change("research");
    // Whoever holds on to the old sign-in is found out by what the stores say now.
    let refused = look(&world, &reviewer, open.id, (at(conversation), None)).unwrap_err();
    assert!(matches!(refused, AdminError::Forbidden(_)), "{refused}");
    change("trust-and-safety");
    let ended = shown(&world, &reviewer, open.id);
    assert_eq!((ended.state, ended.end), (AccessState::Ended, Some(AccessEnd::Revoked)));
    look(&world, &reviewer, open.id, (at(conversation), None)).unwrap_err();
    audit(world);
}

#[test]
fn sessions_of_another_organisation_do_not_exist() {
    let (mut world, conversation) = world();
    let case = in_a_case(&world, conversation);
    let reviewer = staff(&world, "trust-and-safety");
    let open = ask(&world, &reviewer, request(AccessScope::Case(case), AccessReason::SafetyReview)).unwrap();
    world.use_new_organization("elsewhere", Plan::Enterprise, fiducia_policy::Agreement::Standard);
    let stranger = signed_in(&world, world.organization(), None, "tenant-admin trust-and-safety legal");
    let stranger = stranger.staff().unwrap();
    for scope in [AccessScope::Case(case), AccessScope::Conversation(conversation)] {
        let refused = ask(&world, &stranger, request(scope, AccessReason::SafetyReview)).unwrap_err();
        assert!(matches!(refused, AdminError::NotFound(_)), "{refused}");
    }
    for command in [
        AccessCommand::Show { session: open.id },
        approval(open.id),
        AccessCommand::End { session: open.id },
        AccessCommand::Look { session: open.id, target: LookTarget::default(), sight: None },
        verdict(open.id, true),
    ] {
        let refused = give(&world, &stranger, command).unwrap_err();
        assert!(matches!(refused, AdminError::NotFound(_)), "{refused}");
    }
    let list = AccessCommand::List { organization: None, live_only: false, limit: 10, before: None };
    match give(&world, &stranger, list).unwrap() {
        AccessReply::Sessions(rows) => assert_eq!(rows, []),
        other => panic!("{other:?}"),
    }
}

#[test]
fn much_reading_is_limited_told_and_stopped() {
    let (mut world, conversation) = world();
    world.exchange(&anthropic(&[SECRET, "I shall not repeat it", "please do"]), "no");
    let mut limits = AccessLimits {
        records_per_look_max: 4,
        records_per_hour_max: 6,
        records_per_day_max: 100,
        ..AccessLimits::default()
    };
    limits.bounds.alert_records_per_day = 5;
    limits.bounds.stop_records_per_day = 12;
    world.reopen_with_access(AccessSettings { limits, ..AccessSettings::default() });
    let admin = staff(&world, "tenant-admin");
    let read = |records: usize| {
        let actor = AccessActor::Operator("tester".to_owned());
        let records = world.records(conversation).into_iter().take(records).map(|row| row.id).collect();
        let request = AccessRequest {
            reason: AccessReason::IncidentResponse,
            ..request(AccessScope::Records(records), AccessReason::IncidentResponse)
        };
        let ask = AdminCommand::Access { actor: actor.clone(), command: AccessCommand::Ask { request } };
        let AdminReply::Access(reply) = world.custody().administer(ask).unwrap() else { panic!("reply") };
        let id = session(*reply).id;
        let command = AccessCommand::Look { session: id, target: LookTarget::default(), sight: None };
        (id, world.custody().administer(AdminCommand::Access { actor, command }))
    };
    assert_eq!(world.records(conversation).len(), 4);
    read(4).1.unwrap();
    assert_eq!(notices(&world, &admin), []);
    let (_, hour) = read(4);
    assert!(hour.unwrap_err().to_string().contains("within an hour"));
    read(2).1.unwrap();
    assert_eq!(notices(&world, &admin), [AccessNoticeKind::Unusual]);
    world.advance_seconds(3_601);
    read(4).1.unwrap();
    let (id, stopped) = read(2);
    assert!(matches!(stopped, Err(AdminError::Forbidden(_))));
    let stopped = shown(&world, &admin, id);
    assert_eq!((stopped.end, stopped.looks), (Some(AccessEnd::Anomaly), 0));
    assert!(notices(&world, &admin).contains(&AccessNoticeKind::Stopped));
    // A clock that is set back hides nothing that was read.
    world.set_clock_back_days(3);
    assert!(read(4).1.is_err());
    audit(world);
}

#[test]
fn many_who_read_at_once_each_have_an_entry_of_their_own() {
    let (world, conversation) = world();
    // As many as one person may have under way at once.
    let indices: Vec<u64> = std::thread::scope(|scope| {
        let readers: Vec<_> = (0..10)
            .map(|_| {
                scope.spawn(|| {
                    world
                        .show_with(conversation, AccessReason::IncidentResponse, Some("T-1"))
                        .unwrap()
                        .ledger_index
                })
            })
            .collect();
        readers.into_iter().map(|reader| reader.join().unwrap()).collect()
    });
    let mut distinct = indices.clone();
    distinct.sort_unstable();
    distinct.dedup();
    assert_eq!(distinct.len(), 10, "{indices:?}");
    audit(world);
}

#[test]
fn a_look_on_the_command_line_is_a_session_with_an_end() {
    let (mut world, conversation) = world();
    world.show_with(conversation, AccessReason::CustomerSupport, Some("T-1")).unwrap();
    let told = steps(&mut world);
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!((told[0].step, told[0].looks, told[0].records), (SessionStep::Ended, 1, 2));
    let access = world.ledger_events().into_iter().find_map(|event| match event {
        Event::RecordAccess(access) => access.look,
        _ => None,
    });
    let terms = access.unwrap();
    assert_eq!(
        (terms.session, terms.policies),
        (Some(told[0].session), vec!["operators-read-for-a-reason".to_owned()])
    );
}

#[test]
fn an_installations_own_policies_decide_and_the_log_says_that_they_changed() {
    let (mut world, conversation) = world();
    let auditor = staff(&world, "auditor");
    let wanted = request(AccessScope::Conversation(conversation), AccessReason::SafetyReview);
    assert!(matches!(ask(&world, &auditor, wanted.clone()), Err(AdminError::Forbidden(_))));
    let own = "@id(\"auditors-read\") @about(\"Auditors read.\") permit (principal in Role::\"auditor\", action == \
               Action::\"read\", resource in Kind::\"content\");";
    let policies = Some(format!("{}\n{own}", AccessPolicy::built_in_text()));
    world.reopen_with_access(AccessSettings { policies, ..AccessSettings::default() });
    let open = ask(&world, &auditor, wanted).unwrap();
    assert!(said(&look(&world, &auditor, open.id, (LookTarget::default(), None)).unwrap()).contains(SECRET));
    world.reopen();
    let changed = |kind: &String| kind == "access_policy_changed";
    assert_eq!(
        world.ledger_kinds().iter().filter(|kind| changed(kind)).count(),
        1,
        "said once, not at every start"
    );
}

#[test]
fn a_session_never_outlasts_its_time_when_the_clock_runs_back() {
    let (world, conversation) = world();
    let case = in_a_case(&world, conversation);
    let reviewer = staff(&world, "trust-and-safety");
    let open = ask(&world, &reviewer, request(AccessScope::Case(case), AccessReason::SafetyReview)).unwrap();
    world.advance_seconds(601);
    world.sweep();
    world.set_clock_back_days(1);
    let refused = look(&world, &reviewer, open.id, (at(conversation), None)).unwrap_err();
    assert!(matches!(refused, AdminError::Conflict(_)), "{refused}");
    let end: Option<Timestamp> = shown(&world, &reviewer, open.id).ended_at;
    assert_eq!(end, open.expires_at);
    audit(world);
}

/// What was said is in neither file in the clear.
fn is_kept_nowhere_in_the_clear(world: &World, said: &str) -> bool {
    ["control.db", "control.db-wal", "keys.db", "keys.db-wal", "activities.db", "activities.db-wal"]
        .iter()
        .all(|name| {
            let bytes = std::fs::read(world.folder().join(name)).unwrap_or_default();
            !bytes.windows(said.len()).any(|window| window == said.as_bytes())
        })
}

#[test]
fn who_says_no_says_why_and_it_is_sealed_with_a_commitment_in_the_log() {
    const WHY: &str = "canary: Ada Lovelace called and has solved it";
    let (mut world, conversation) = world();
    let (support, admin) = (staff(&world, "support"), staff(&world, "tenant-admin"));
    let wanted = request(AccessScope::Conversation(conversation), AccessReason::CustomerSupport);
    let deny = |id| AccessCommand::Deny { session: id, remark: WHY.parse().unwrap() };
    assert!(!format!("{:?}", deny(AccessSessionId::from_bytes([1; 16]))).contains("canary"));
    let refused = ask(&world, &support, wanted.clone()).unwrap();
    assert!(give(&world, &support, deny(refused.id)).is_err(), "not one's own");
    assert_eq!(session(give(&world, &admin, deny(refused.id)).unwrap()).state, AccessState::Denied);
    assert!(give(&world, &admin, deny(refused.id)).is_err(), "once");
    let agreed = ask(&world, &support, wanted).unwrap();
    let approve = AccessCommand::Approve { session: agreed.id, remark: Some("by phone".parse().unwrap()) };
    assert_eq!(session(give(&world, &admin, approve).unwrap()).state, AccessState::Open);
    world.reopen();
    // Who asked reads why, and anybody who has salt and text finds it in the log.
    let told = steps(&mut world);
    for (id, answer, why, step) in [
        (refused.id, AccessAnswer::Denied, WHY, SessionStep::Denied),
        (agreed.id, AccessAnswer::Approved, "by phone", SessionStep::Approved),
    ] {
        let remarks = detail(&world, &support, id).unwrap().remarks;
        assert_eq!(remarks.len(), 1, "what was refused left nothing behind");
        let said = &remarks[0];
        assert_eq!(
            (said.answer, said.by.account, said.text.as_deref()),
            (answer, Some(admin.account()), Some(why))
        );
        let salt = said.salt.as_deref().unwrap();
        let salt: Vec<u8> =
            (0..16).map(|place| u8::from_str_radix(&salt[place * 2..place * 2 + 2], 16).unwrap()).collect();
        let committed = [&b"fiducia/access/remark/v1\n"[..], &salt, why.as_bytes()].concat();
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &committed);
        let entries: Vec<_> =
            told.iter().filter(|told| told.session == id && told.remark.is_some()).collect();
        assert_eq!(entries.len(), 1, "with the answer alone: {told:?}");
        assert_eq!(entries[0].step, step);
        assert_eq!(entries[0].remark.unwrap().0.as_slice(), digest.as_ref());
    }
    assert!(is_kept_nowhere_in_the_clear(&world, WHY));
    world.verify_ledger();
}

#[test]
fn who_asked_takes_back_what_waits_and_the_log_says_so_by_an_event_of_its_own() {
    let (mut world, conversation) = world();
    let (support, admin) = (staff(&world, "support"), staff(&world, "tenant-admin"));
    let wanted = request(AccessScope::Conversation(conversation), AccessReason::CustomerSupport);
    let asked = ask(&world, &support, wanted).unwrap();
    let withdraw = |id| AccessCommand::Withdraw { session: id };
    let refused = give(&world, &admin, withdraw(asked.id)).unwrap_err();
    assert!(matches!(refused, AdminError::Conflict(_)), "{refused}");
    let research = staff(&world, "research");
    assert!(matches!(give(&world, &research, withdraw(asked.id)), Err(AdminError::NotFound(_))));
    assert_eq!(session(give(&world, &support, withdraw(asked.id)).unwrap()).state, AccessState::Withdrawn);
    for late in [withdraw(asked.id), AccessCommand::End { session: asked.id }] {
        assert!(matches!(give(&world, &support, late), Err(AdminError::Conflict(_))));
    }
    assert!(matches!(give(&world, &admin, approval(asked.id)), Err(AdminError::Conflict(_))));
    look(&world, &support, asked.id, (LookTarget::default(), None)).unwrap_err();
    // No time overtakes it, and it is no step of the others.
    world.advance_days(1);
    world.sweep();
    assert_eq!(shown(&world, &support, asked.id).state, AccessState::Withdrawn);
    let live = AccessCommand::List { organization: None, live_only: true, limit: 10, before: None };
    match give(&world, &support, live).unwrap() {
        AccessReply::Sessions(rows) => assert_eq!(rows, []),
        other => panic!("{other:?}"),
    }
    let events: Vec<_> = world
        .ledger_events()
        .into_iter()
        .filter_map(|event| match event {
            Event::AccessRequestWithdrawn(withdrawal) => Some(withdrawal),
            _ => None,
        })
        .collect();
    assert_eq!(events.len(), 1);
    assert_eq!((events[0].session, events[0].actor), (asked.id, support.person()));
    assert_eq!((events[0].ticket.as_str(), events[0].needs), ("CASE-7", AccessNeeds::CustomerApproval));
    let of_it: Vec<_> =
        steps(&mut world).into_iter().filter(|told| told.session == asked.id).map(|told| told.step).collect();
    assert_eq!(of_it, [SessionStep::Asked]);
    world.verify_ledger();
}

pub(crate) fn detail(
    world: &World,
    who: &Staff,
    id: AccessSessionId,
) -> Result<AccessSessionDetail, AdminError> {
    match give(world, who, AccessCommand::Show { session: id })? {
        AccessReply::Detail(detail) => Ok(*detail),
        other => panic!("{other:?}"),
    }
}

/// Pages offer what this says; whoever presses the button must not be refused.
#[test]
fn what_somebody_is_offered_to_do_with_a_session_is_not_refused_and_the_rest_is() {
    let (world, conversation) = world();
    // Partners besides, so that they are others than those who have one role alone.
    let support = staff(&world, "support partner");
    let admin = staff(&world, "tenant-admin partner");
    let (first, second) = (staff(&world, "trust-and-safety partner"), staff(&world, "legal partner"));
    let scope = AccessScope::Conversation(conversation);
    for role in Role::ALL.into_iter().filter(|role| *role != Role::Person) {
        let who = staff(&world, role.name());
        for break_glass in [false, true] {
            let wanted =
                AccessRequest { break_glass, ..request(scope.clone(), AccessReason::CustomerSupport) };
            let check = |what: &str, offered: bool, done: Result<AccessReply, AdminError>| {
                assert_eq!(offered, done.is_ok(), "{role}, emergency {break_glass}: {what}: {done:?}");
            };
            let waits = ask(&world, &support, wanted.clone()).unwrap();
            let id = waits.id;
            let part = who.part_in(&waits);
            check("see", part.sees, give(&world, &who, AccessCommand::Show { session: id }));
            check("agree", part.answers, give(&world, &who, approval(id)));
            assert!(!support.part_in(&waits).answers, "one's own");
            let other = ask(&world, &support, wanted).unwrap();
            let (theirs, own) = (who.part_in(&other), support.part_in(&other));
            let withdraw = AccessCommand::Withdraw { session: other.id };
            check("withdraw", theirs.withdraws, give(&world, &who, withdraw.clone()));
            check("withdraw", own.withdraws, give(&world, &support, withdraw));
            // Whatever came of it, two others make it open.
            for other in [&admin, &first, &second] {
                let _may_be_refused = give(&world, other, approval(id));
            }
            let open = shown(&world, &support, id);
            assert_eq!(open.state, AccessState::Open);
            let seen = look(&world, &support, id, (at(conversation), None)).unwrap().content;
            let taken = detail(&world, &support, id).unwrap().looks;
            let expected =
                (u64::try_from(seen.records.len()).unwrap(), Some(Sight::Plain), seen.ledger_index);
            let found: Vec<_> = taken.iter().map(|one| (one.records, one.sight, one.ledger_index)).collect();
            assert_eq!(found, [expected]);
            let part = who.part_in(&open);
            check("end", part.ends, give(&world, &who, AccessCommand::End { session: id }));
            let _may_be_over = give(&world, &support, AccessCommand::End { session: id });
            let ended = shown(&world, &support, id);
            let part = who.part_in(&ended);
            assert!(!part.ends && !part.answers);
            let review = verdict(id, true);
            check("review", part.reviews, give(&world, &who, review));
        }
    }
}
