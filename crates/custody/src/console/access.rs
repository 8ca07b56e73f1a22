//! What a command of staff is, in the words of the policies on access, and what these say to it.

use std::sync::LazyLock;

use fiducia_policy::{
    AccessAction, AccessDecision, AccessPolicy, AccessPrincipal, AccessReason, AccessTarget, AccountId,
    Circumstances, DataKind, OrganizationId, RoleSet,
};

use crate::AdminCommand;
use crate::accounts::AccountCommand;
use crate::consent::commands::ConsentCommand;
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
        AdminCommand::Certify(_) => (See, DataKind::Evidence),
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

/// What the policies say to somebody with these roles doing this to data of their own organisation. Whether the data is of that
/// organisation is looked up where the command is carried out.
pub(crate) fn decide(roles: &RoleSet, action: AccessAction, kind: DataKind) -> AccessDecision {
    let refused = AccessDecision { is_permitted: false, policies: Vec::new() };
    let Some(policy) = POLICY.as_ref() else { return refused };
    // The same on both sides, as is the region: commands are bound to the organisation of whoever gives them.
    let organization = OrganizationId::from_bytes([0; 16]);
    let account = AccountId::from_bytes([0; 16]);
    let principal = AccessPrincipal { account, organization, subject: None, roles: roles.clone() };
    let target = AccessTarget { kind, organization, subject: None, region: "" };
    // What is handed over is handed over upon a person's request, whose number is the ticket.
    let is_handed_over = action == AccessAction::HandOver;
    let circumstances = Circumstances {
        reason: is_handed_over.then_some(AccessReason::SubjectRequest),
        ticket: is_handed_over,
        ..Circumstances::default()
    };
    policy.decide(&principal, action, &target, &circumstances)
}
