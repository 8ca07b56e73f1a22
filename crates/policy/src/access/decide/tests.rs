use super::super::access_changes;
use super::super::access_matrix;
use super::super::matrix::{Column, Needs, needed};
use super::*;
use crate::access::WithoutAccount;
use crate::authority::AccessReason;
use crate::ground::Purpose;
use crate::id::{AccountId, OrganizationId, SubjectId};
use crate::role::RoleSet;

const ORGANIZATION: OrganizationId = OrganizationId::from_bytes([1; 16]);
const SUBJECT: SubjectId = SubjectId::from_bytes([2; 16]);

/// The policies that come with the program, read once.
fn policy() -> &'static AccessPolicy {
    static POLICY: std::sync::LazyLock<AccessPolicy> =
        std::sync::LazyLock::new(|| AccessPolicy::built_in().unwrap());
    &POLICY
}

fn principal(roles: &str, subject: Option<SubjectId>) -> AccessPrincipal {
    AccessPrincipal {
        account: AccountId::from_bytes([3; 16]),
        organization: ORGANIZATION,
        subject,
        roles: roles.parse::<RoleSet>().unwrap(),
        without_account: None,
    }
}

fn target(kind: DataKind) -> AccessTarget<'static> {
    AccessTarget { kind, organization: ORGANIZATION, subject: Some(SUBJECT), region: "eu" }
}

const PLAIN: Circumstances<'static> = Circumstances {
    reason: None,
    purpose: None,
    ticket: false,
    matter: false,
    customer_approved: false,
    break_glass: false,
    approvals: 0,
    restricted: false,
    region: "eu",
};

fn for_reason(reason: AccessReason) -> Circumstances<'static> {
    let purpose = reason.grounds().first().map(|ground| ground.purpose());
    Circumstances { reason: Some(reason), purpose, ticket: true, matter: true, ..PLAIN }
}

fn permits(roles: &str, action: AccessAction, kind: DataKind, circumstances: &Circumstances<'_>) -> bool {
    policy().decide(&principal(roles, None), action, &target(kind), circumstances).is_permitted
}

/// What was promised, cell by cell: what a role needs to do something to other people's data. What is not here is never
/// permitted.
#[expect(clippy::match_same_arms, reason = "each line is a promise of its own")]
fn promised(who: Column, action: AccessAction, kind: DataKind) -> Option<Needs> {
    use AccessAction::{Approve, Decide, Enter, Govern, HandOver, Publish, Read, Review, See};
    use DataKind::{
        AccountBasics, Accounts, Aggregates, Choices, Content, Evidence, FlaggedContent, HeldContent,
        Metadata, Published, Requests, Scores, SystemLogs,
    };
    let plain = Some(Needs::Nothing);
    let emergency = Some(Needs::TwoOthers);
    if who == Column::WithoutAccount(WithoutAccount::ComplianceProgram) {
        return match (action, kind) {
            (See, Published) => plain,
            (Read, Content | FlaggedContent) => Some(Needs::Reason(AccessReason::OrganizationCompliance)),
            _ => None,
        };
    }
    let Column::Role(role) = who else {
        return match (action, kind) {
            (See, Published) => plain,
            (Read, Content | FlaggedContent) => Some(Needs::Reason(AccessReason::SafetyReview)),
            (HandOver, Content | FlaggedContent) => Some(Needs::Reason(AccessReason::SubjectRequest)),
            (Read | HandOver, HeldContent) => Some(Needs::Reason(AccessReason::LegalObligation)),
            _ => None,
        };
    };
    match (role, action, kind) {
        (_, See, Published) => plain,
        (Role::Support, See, AccountBasics | Requests) | (Role::Support, Enter, Requests) => plain,
        (Role::Support, Read, Content) => Some(Needs::Customer(AccessReason::CustomerSupport)),
        (Role::Support, Read, FlaggedContent | HeldContent) => emergency,
        (Role::TrustAndSafety, See, FlaggedContent | Scores | Metadata) => plain,
        (Role::TrustAndSafety, Read, FlaggedContent) => Some(Needs::Matter(AccessReason::SafetyReview)),
        (Role::TrustAndSafety, Read, Content | HeldContent) => emergency,
        (Role::Research | Role::Partner, See, Aggregates) => plain,
        (Role::Engineering, See, SystemLogs) => plain,
        (Role::Legal, Read, HeldContent) => Some(Needs::Matter(AccessReason::LegalObligation)),
        (Role::Legal, HandOver, HeldContent) => Some(Needs::Matter(AccessReason::LegalObligation)),
        (Role::Legal, Read, Content | FlaggedContent) => emergency,
        (Role::Legal | Role::TenantAdmin, HandOver, Content) => {
            Some(Needs::Reason(AccessReason::SubjectRequest))
        }
        (
            Role::Legal | Role::TenantAdmin,
            See,
            AccountBasics | Choices | Requests | Aggregates | Evidence,
        )
        | (Role::Legal | Role::TenantAdmin, Enter, Choices | Requests)
        | (Role::Legal | Role::TenantAdmin, Decide, Requests)
        | (Role::Legal | Role::TenantAdmin, Publish, Published) => plain,
        (Role::TenantAdmin, See | Govern, Accounts) => plain,
        (Role::TenantAdmin, Approve, Content | FlaggedContent | HeldContent) => plain,
        (Role::TrustAndSafety | Role::Legal, Approve, Content | FlaggedContent | HeldContent) => {
            Some(Needs::Emergency)
        }
        (Role::TenantAdmin | Role::Legal | Role::Auditor, Review, Evidence) => plain,
        (Role::Auditor, See, Evidence | Aggregates | Requests) => plain,
        _ => None,
    }
}

#[test]
fn every_cell_of_the_matrix_is_as_promised() {
    let policy = policy();
    for who in Column::all() {
        for action in AccessAction::ALL {
            for kind in DataKind::ALL {
                assert_eq!(
                    needed(policy, who, action, kind),
                    promised(who, action, kind),
                    "{} {action} {kind}",
                    who.name()
                );
            }
        }
    }
}

#[test]
fn administrators_agree_to_emergencies_and_to_all_else() {
    for break_glass in [false, true] {
        let circumstances = Circumstances { break_glass, ..PLAIN };
        let may = |role| permits(role, AccessAction::Approve, DataKind::Content, &circumstances);
        assert!(may("tenant-admin"));
        assert_eq!((may("legal"), may("trust-and-safety")), (break_glass, break_glass));
        assert!(!may("support") && !may("auditor") && !may("research"));
    }
}

const OWN: &str = "@id(\"own\") @about(\"x\") permit (principal in Role::\"auditor\", action == Action::\"read\", resource in \
    Kind::\"content\");";

#[test]
fn an_installations_policies_add_to_what_is_closed() {
    let own = AccessPolicy::of_installation(OWN).unwrap();
    let auditor = principal("auditor", None);
    let read = |circumstances: &Circumstances<'_>, target: &AccessTarget<'_>| {
        own.decide(&auditor, AccessAction::Read, target, circumstances)
    };
    let content = target(DataKind::Content);
    let permitted = read(&for_reason(AccessReason::SafetyReview), &content);
    assert_eq!((permitted.is_permitted, permitted.policies), (true, vec!["own".to_owned()]));
    // No reason, another organisation, another region, restricted: forbidden although the file does not say so.
    assert_eq!(read(&PLAIN, &content).policies, ["no-reason-no-key"]);
    let elsewhere = AccessTarget { organization: OrganizationId::from_bytes([9; 16]), ..content };
    assert!(!read(&for_reason(AccessReason::SafetyReview), &elsewhere).is_permitted);
    let abroad = AccessTarget { region: "us", ..content };
    assert!(!read(&for_reason(AccessReason::SafetyReview), &abroad).is_permitted);
    let restricted = Circumstances { restricted: true, ..for_reason(AccessReason::SafetyReview) };
    assert!(!read(&restricted, &content).is_permitted);
    // A copy of the built-in file is the same; a `forbid` said otherwise is refused.
    let copy = AccessPolicy::of_installation(AccessPolicy::built_in_text()).unwrap();
    assert_eq!(access_changes(policy(), &copy), []);
    let weaker =
        "@id(\"no-reason-no-key\") @about(\"x\") forbid (principal, action, resource) when { false };";
    let refused = AccessPolicy::of_installation(weaker).unwrap_err();
    assert_eq!(refused, AccessPolicyError::Closed("no-reason-no-key".to_owned()));
}

#[test]
fn a_comparison_names_the_cells_that_widen_and_narrow() {
    let file = format!("{}\n{OWN}", AccessPolicy::built_in_text());
    let changes = access_changes(policy(), &AccessPolicy::of_installation(&file).unwrap());
    assert_eq!(changes.len(), 1, "{changes:?}");
    let change = &changes[0];
    assert_eq!((change.who, change.action, change.kind), ("auditor", AccessAction::Read, DataKind::Content));
    assert!(change.widened.contains(&"for `safety_review`".to_owned()) && change.narrowed.is_empty());
    let less = access_changes(policy(), &AccessPolicy::of_installation(OWN).unwrap());
    assert!(less.iter().any(|change| change.who == "operator" && !change.narrowed.is_empty()));
}

#[test]
fn a_widened_policy_is_caught_by_the_matrix() {
    let planted = format!(
        "{}\n@id(\"planted\") @about(\"x\") permit (principal in Role::\"engineering\", action == Action::\"see\", resource in \
         Kind::\"metadata\");",
        AccessPolicy::built_in_text()
    );
    let policy = AccessPolicy::parse(&planted).unwrap();
    assert_ne!(
        needed(&policy, Column::Role(Role::Engineering), AccessAction::See, DataKind::Metadata),
        promised(Column::Role(Role::Engineering), AccessAction::See, DataKind::Metadata)
    );
}

#[test]
fn the_page_in_the_documents_is_what_the_policies_say() {
    let page = include_str!("../../../../../docs/access-matrix.md");
    assert_eq!(
        access_matrix(policy()),
        page,
        "write it anew with `fiducia policy access > docs/access-matrix.md`"
    );
}

#[test]
fn a_person_has_what_is_theirs_and_nothing_of_anothers() {
    let policy = policy();
    let ask = |who: SubjectId, action| {
        let decision =
            policy.decide(&principal("person", Some(who)), action, &target(DataKind::Content), &PLAIN);
        (decision.is_permitted, decision.policies)
    };
    let theirs = (true, vec!["people-have-what-is-theirs".to_owned()]);
    assert_eq!(ask(SUBJECT, AccessAction::Read), theirs);
    let (permitted, policies) = ask(SubjectId::from_bytes([9; 16]), AccessAction::Read);
    assert!(!permitted);
    assert_eq!(policies, ["no-reason-no-key"]);
    assert!(!ask(SubjectId::from_bytes([9; 16]), AccessAction::See).0);
}

#[test]
fn nobody_reaches_another_organisation_or_region() {
    let policy = policy();
    for role in Role::ALL {
        for action in AccessAction::ALL {
            for kind in DataKind::ALL {
                for reason in AccessReason::ALL {
                    let circumstances = Circumstances {
                        customer_approved: true,
                        break_glass: true,
                        approvals: 9,
                        ..for_reason(reason)
                    };
                    let who = principal(role.name(), Some(SUBJECT));
                    let elsewhere =
                        AccessTarget { organization: OrganizationId::from_bytes([9; 16]), ..target(kind) };
                    assert!(
                        !policy.decide(&who, action, &elsewhere, &circumstances).is_permitted,
                        "{role} {kind}"
                    );
                    let abroad = AccessTarget { region: "us", ..target(kind) };
                    assert!(
                        !policy.decide(&who, action, &abroad, &circumstances).is_permitted,
                        "{role} {kind}"
                    );
                }
            }
        }
    }
}

#[test]
fn restricted_data_is_opened_for_few_reasons() {
    for reason in AccessReason::ALL {
        let circumstances = Circumstances { restricted: true, ..for_reason(reason) };
        let read = permits("trust-and-safety", AccessAction::Read, DataKind::FlaggedContent, &circumstances);
        assert_eq!(read, reason == AccessReason::CsaeReport, "{}", reason.name());
        let without =
            permits("trust-and-safety", AccessAction::Read, DataKind::FlaggedContent, &for_reason(reason));
        let is_for_safety = matches!(
            reason,
            AccessReason::SafetyReview
                | AccessReason::PolicyViolationInvestigation
                | AccessReason::CsaeReport
                | AccessReason::IncidentResponse
        );
        assert_eq!(without, is_for_safety, "{}", reason.name());
    }
}

/// The code picks the ground by the reason, and the policies hold the reason against the ground's purpose: both say the same.
#[test]
fn what_is_kept_for_one_purpose_is_opened_for_the_reasons_that_go_with_it() {
    let operator = AccessPrincipal { without_account: Some(WithoutAccount::Operator), ..principal("", None) };
    for reason in AccessReason::ALL {
        let others = Purpose::ALL.map(Some).into_iter().chain([None]);
        for purpose in others {
            let circumstances = Circumstances { purpose, ..for_reason(reason) };
            let decision =
                policy().decide(&operator, AccessAction::Read, &target(DataKind::Content), &circumstances);
            let serves = purpose.is_some_and(|purpose| reason.serves(purpose));
            assert_eq!(decision.is_permitted, serves, "{} for {purpose:?}", reason.name());
            if !serves {
                assert_eq!(decision.policies, ["purpose-goes-with-reason"]);
            }
        }
    }
    // Not with everybody's word either.
    let safety_alone = Circumstances {
        purpose: Some(Purpose::MisusePreventionAndDetection),
        customer_approved: true,
        break_glass: true,
        approvals: 9,
        ..for_reason(AccessReason::CustomerSupport)
    };
    assert!(!permits("support legal", AccessAction::Read, DataKind::Content, &safety_alone));
}

#[test]
fn operators_hand_over_for_the_person_and_the_law_alone() {
    let operator = AccessPrincipal { without_account: Some(WithoutAccount::Operator), ..principal("", None) };
    for reason in AccessReason::ALL {
        let content = target(DataKind::Content);
        let handed =
            policy().decide(&operator, AccessAction::HandOver, &content, &for_reason(reason)).is_permitted;
        let is_decided = matches!(reason, AccessReason::SubjectRequest | AccessReason::LegalObligation);
        assert_eq!(handed, is_decided, "{}", reason.name());
    }
}

#[test]
fn the_glass_breaks_for_two_others_and_not_for_one() {
    for approvals in 0..4 {
        let circumstances =
            Circumstances { break_glass: true, approvals, ..for_reason(AccessReason::SafetyReview) };
        assert_eq!(permits("legal", AccessAction::Read, DataKind::Content, &circumstances), approvals >= 2);
        assert!(!permits("research", AccessAction::Read, DataKind::Content, &circumstances));
        let without_ticket = Circumstances { ticket: false, ..circumstances };
        assert!(!permits("legal", AccessAction::Read, DataKind::Content, &without_ticket));
    }
}

#[test]
fn policies_that_cannot_be_meant_are_refused() {
    let refused = |text: &str| AccessPolicy::parse(text).unwrap_err();
    assert!(matches!(refused("permit (principal"), AccessPolicyError::Syntax(_)));
    assert!(matches!(refused("permit (principal, action, resource);"), AccessPolicyError::Unnamed(_)));
    let unknown = "@id(\"a\") @about(\"a\") permit (principal, action, resource) when { context.mood == 1 };";
    assert!(matches!(refused(unknown), AccessPolicyError::Schema(_)));
    let twice = "@id(\"a\") @about(\"a\") permit (principal, action == Action::\"see\", resource in Kind::\"published\");";
    assert!(matches!(refused(&format!("{twice}{twice}")), AccessPolicyError::Unnamed(_)));
    assert_eq!(refused(&" ".repeat(TEXT_BYTES_MAX + 1)), AccessPolicyError::TooLong);
}

#[test]
fn a_policy_that_fails_permits_nothing() {
    // The forbid overflows; without the rule that failures mean no, the permit would decide.
    let text = "@id(\"a\") @about(\"a\") permit (principal, action, resource);
        @id(\"b\") @about(\"b\") forbid (principal, action, resource)
        when { context.approvals + 9223372036854775807 > 0 };";
    let policy = AccessPolicy::parse(text).unwrap();
    let ask = |approvals| {
        let circumstances = Circumstances { approvals, ..PLAIN };
        policy.decide(
            &principal("auditor", None),
            AccessAction::See,
            &target(DataKind::Evidence),
            &circumstances,
        )
    };
    assert!(!ask(1).is_permitted);
}

#[test]
fn what_is_nested_deep_is_refused_before_it_takes_the_stack() {
    let nested = |open: &str, close: &str, times: usize| {
        format!(
            "@id(\"a\") permit (principal, action, resource) when {{ {}true{} }};",
            open.repeat(times),
            close.repeat(times)
        )
    };
    for (open, close) in [
        ("(", ")"),
        ("[", "]"),
        ("if true then ", " else false"),
        ("(\"))))\" == ", ")"),
        ("( // )))\n", ")"),
    ] {
        assert!(!is_nested_too_deep(&nested(open, close, 10)), "{open}");
        let deep = nested(open, close, 5_000);
        assert!(matches!(AccessPolicy::parse(&deep), Err(AccessPolicyError::TooDeep)), "{open}");
    }
    // As deep as is let through, the parser reads it.
    let most = nested("(", ")", 10);
    assert!(!matches!(
        AccessPolicy::parse(&most),
        Err(AccessPolicyError::TooDeep | AccessPolicyError::Syntax(_))
    ));
    assert!(is_nested_too_deep(&nested("\"\\\"\" == (", ")", 13)), "a quote that is escaped ends nothing");
}
