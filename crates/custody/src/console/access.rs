//! What a command of staff is, in the words of the policies on access, and what these say to it.

use std::sync::LazyLock;

use fiducia_policy::{
    AccessAction, AccessDecision, AccessPolicy, AccessPrincipal, AccessReason, AccessSession, AccessState,
    AccessTarget, AccountId, Circumstances, DataKind, OrganizationId, Participant, Purpose, RoleSet,
};

use crate::AdminCommand;
use crate::accounts::AccountCommand;
use crate::consent::commands::ConsentCommand;
use crate::evidence::EvidenceCommand;
use crate::looking::AccessCommand;
use crate::retention::commands::RetentionCommand;
use crate::rights::commands::{RightsAction, RightsCommand};
use crate::webhooks::WebhookCommand;

/// The policies that come with the program. Should they not be readable, nothing is permitted.
static POLICY: LazyLock<Option<AccessPolicy>> = LazyLock::new(|| AccessPolicy::built_in().ok());

/// What a command does to which kind of data. What is not listed is for operators on the command line alone.
pub(super) const fn asked(command: &AdminCommand) -> Option<(AccessAction, DataKind)> {
    use AccessAction::{Decide, Enter, Govern, HandOver, Publish, See};
    Some(match command {
        AdminCommand::ListSubjects { .. } | AdminCommand::People(_) => (See, DataKind::AccountBasics),
        AdminCommand::ListVirtualKeys { .. } | AdminCommand::Account(AccountCommand::List { .. }) => {
            (See, DataKind::Accounts)
        }
        AdminCommand::Account(
            AccountCommand::Create(_) | AccountCommand::SetRoles { .. } | AccountCommand::SetState { .. },
        ) => (Govern, DataKind::Accounts),
        AdminCommand::Webhook(command) => match command {
            WebhookCommand::List { .. } | WebhookCommand::Show { .. } | WebhookCommand::Deliveries { .. } => {
                (See, DataKind::Accounts)
            }
            WebhookCommand::Create(_)
            | WebhookCommand::Rotate { .. }
            | WebhookCommand::Disable { .. }
            | WebhookCommand::Enable { .. }
            | WebhookCommand::Delete { .. }
            | WebhookCommand::Redeliver { .. }
            | WebhookCommand::Discard { .. }
            | WebhookCommand::Test { .. } => (Govern, DataKind::Accounts),
            WebhookCommand::Take(_)
            | WebhookCommand::Begin(_)
            | WebhookCommand::End { .. }
            | WebhookCommand::NoteSiemPlace { .. } => return None,
        },
        AdminCommand::Consent(command) => match command {
            ConsentCommand::ListNotices { .. } | ConsentCommand::ShowNotice { .. } => {
                (See, DataKind::Published)
            }
            ConsentCommand::Show { .. } => (See, DataKind::AccountBasics),
            ConsentCommand::ListCampaigns | ConsentCommand::ShowCampaign { .. } => {
                (See, DataKind::Aggregates)
            }
            ConsentCommand::History { .. } | ConsentCommand::Receipt { .. } => (See, DataKind::Choices),
            ConsentCommand::Choose { .. } | ConsentCommand::Import { .. } => (Enter, DataKind::Choices),
            ConsentCommand::PublishNotice { .. }
            | ConsentCommand::PreviewCampaign { .. }
            | ConsentCommand::OpenCampaign { .. }
            | ConsentCommand::Remind { .. }
            | ConsentCommand::CloseCampaign { .. } => (Publish, DataKind::Published),
        },
        AdminCommand::Certify(_) | AdminCommand::Audit(_) | AdminCommand::Evidence(_) => {
            (See, DataKind::Evidence)
        }
        AdminCommand::Rights(command) => match command {
            RightsCommand::List { .. } | RightsCommand::Show { .. } => (See, DataKind::Requests),
            RightsCommand::Open { .. } => (Enter, DataKind::Requests),
            RightsCommand::Act { step, .. } => match step {
                RightsAction::Confirm {}
                | RightsAction::AskIdentity {}
                | RightsAction::Identify { .. }
                | RightsAction::Begin {} => (Enter, DataKind::Requests),
                _ => (Decide, DataKind::Requests),
            },
            RightsCommand::Export(_) => (HandOver, DataKind::Content),
        },
        AdminCommand::Govern(RetentionCommand::ListPolicies | RetentionCommand::ShowPolicy { .. }) => {
            (See, DataKind::Published)
        }
        _ => return None,
    })
}

/// What a command asks for besides: figures about an organisation say something about many people.
pub(super) const fn asked_too(command: &AdminCommand) -> Option<(AccessAction, DataKind)> {
    match command {
        AdminCommand::Evidence(EvidenceCommand::Figures { .. }) => {
            Some((AccessAction::See, DataKind::Aggregates))
        }
        _ => None,
    }
}

/// What suffices in place of everything else: a graph of keys is evidence for those who check, and says when and for what
/// something is kept to those who work on it.
pub(super) const fn asked_instead(command: &AdminCommand) -> Option<(AccessAction, DataKind)> {
    match command {
        AdminCommand::Evidence(EvidenceCommand::KeyGraph { .. }) => {
            Some((AccessAction::See, DataKind::Metadata))
        }
        _ => None,
    }
}

/// Whether one of these roles may do something of this kind in some circumstances: for pages, which offer nothing that would
/// always be refused. Each step is decided for itself.
pub(super) fn may_look(roles: &RoleSet, command: &AccessCommand) -> bool {
    use AccessAction::{Approve, Govern, Read, Review, See};
    let permits = |action, kind, circumstances: Circumstances<'_>| {
        decide_in(roles, action, kind, &circumstances).is_permitted
    };
    let emergency = Circumstances {
        reason: Some(AccessReason::SafetyReview),
        purpose: Some(Purpose::MisusePreventionAndDetection),
        ticket: true,
        matter: true,
        break_glass: true,
        approvals: 2,
        ..Circumstances::default()
    };
    match command {
        AccessCommand::Ask { .. } | AccessCommand::Look { .. } => {
            [DataKind::Content, DataKind::FlaggedContent, DataKind::HeldContent]
                .into_iter()
                .any(|kind| permits(Read, kind, emergency))
        }
        AccessCommand::Approve { .. } | AccessCommand::Deny { .. } => {
            permits(Approve, DataKind::Content, emergency)
        }
        AccessCommand::Review { .. } => permits(Review, DataKind::Evidence, Circumstances::default()),
        AccessCommand::Notices { .. } => permits(See, DataKind::Accounts, Circumstances::default()),
        AccessCommand::Lockbox { enabled: Some(_), .. } => {
            permits(Govern, DataKind::Accounts, Circumstances::default())
        }
        // One's own sessions, and whether there is a lockbox, anybody of staff may see, withdraw and end.
        AccessCommand::List { .. }
        | AccessCommand::Show { .. }
        | AccessCommand::Withdraw { .. }
        | AccessCommand::End { .. }
        | AccessCommand::Lockbox { enabled: None, .. } => true,
    }
}

/// What somebody may do with a session, by the policies that come with the program: for pages, which offer nothing that would
/// be refused. Each step is decided for itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a thing of its own, and any may go with any")]
pub struct SessionPart {
    /// Whether it is their own.
    pub is_reader: bool,
    /// Whether they may see it.
    pub sees: bool,
    /// Whether they may say no to it, and yes unless they said it already.
    pub answers: bool,
    /// Whether they agreed to it already.
    pub agreed: bool,
    /// Whether they may take it back.
    pub withdraws: bool,
    /// Whether they may end it.
    pub ends: bool,
    /// Whether they may review it.
    pub reviews: bool,
}

/// What a member of staff may do with a session of their organisation.
pub(super) fn part_in(roles: &RoleSet, own: Participant, session: &AccessSession) -> SessionPart {
    let permits = |action, kind, break_glass| {
        let circumstances = Circumstances { break_glass, ..Circumstances::default() };
        decide_in(roles, action, kind, &circumstances).is_permitted
    };
    let is_reader = session.reader.is(&own);
    let agreed = session.approvals.iter().any(|approval| approval.by.is(&own));
    let approves = permits(AccessAction::Approve, DataKind::Content, session.breaks_glass());
    let sees = is_reader || approves || permits(AccessAction::See, DataKind::Evidence, false);
    let governs = permits(AccessAction::Govern, DataKind::Accounts, false);
    SessionPart {
        is_reader,
        sees,
        answers: approves && !is_reader && session.state == AccessState::Asked,
        agreed,
        withdraws: is_reader && session.state == AccessState::Asked,
        ends: session.state == AccessState::Open && (is_reader || (sees && governs)),
        reviews: sees
            && session.review_by().is_some()
            && !is_reader
            && !agreed
            && permits(AccessAction::Review, DataKind::Evidence, false),
    }
}

/// What the policies that come with the program say to somebody with these roles doing this to data of their own organisation. Whether the data is of that
/// organisation is looked up where the command is carried out.
pub(super) fn decide(roles: &RoleSet, action: AccessAction, kind: DataKind) -> AccessDecision {
    decide_in(roles, action, kind, &circumstances_of(action))
}

/// In which circumstances a command is given. What is handed over is handed over upon a person's request, whose number is
/// the ticket.
pub(crate) fn circumstances_of(action: AccessAction) -> Circumstances<'static> {
    let is_handed_over = action == AccessAction::HandOver;
    Circumstances {
        reason: is_handed_over.then_some(AccessReason::SubjectRequest),
        purpose: is_handed_over.then_some(Purpose::RequestedServiceProvision),
        ticket: is_handed_over,
        ..Circumstances::default()
    }
}

fn decide_in(
    roles: &RoleSet,
    action: AccessAction,
    kind: DataKind,
    circumstances: &Circumstances<'_>,
) -> AccessDecision {
    let refused = AccessDecision { is_permitted: false, policies: Vec::new() };
    let Some(policy) = POLICY.as_ref() else { return refused };
    // The same on both sides, as is the region: commands are bound to the organisation of whoever gives them.
    let organization = OrganizationId::from_bytes([0; 16]);
    let account = AccountId::from_bytes([0; 16]);
    let principal =
        AccessPrincipal { account, organization, subject: None, roles: roles.clone(), without_account: None };
    let target = AccessTarget { kind, organization, subject: None, region: "" };
    policy.decide(&principal, action, &target, circumstances)
}
