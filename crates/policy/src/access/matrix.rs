//! The matrix of roles and kinds of data, worked out by asking the policies.

use super::{AccessAction, AccessPolicy, AccessPrincipal, AccessTarget, Circumstances, DataKind};
use crate::authority::AccessReason;
use crate::id::{AccountId, OrganizationId};
use crate::role::{Role, RoleSet};

/// What must be true for something to be permitted, the least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Needs {
    Nothing,
    Reason(AccessReason),
    Matter(AccessReason),
    Customer(AccessReason),
    TwoOthers,
}

const REGION: &str = "here";

/// What is needed, tried in order: the first that suffices is the cell.
fn ladder() -> Vec<Needs> {
    let reasons = AccessReason::ALL;
    let mut ladder = vec![Needs::Nothing];
    ladder.extend(reasons.map(Needs::Reason));
    ladder.extend(reasons.map(Needs::Matter));
    ladder.extend(reasons.map(Needs::Customer));
    ladder.push(Needs::TwoOthers);
    ladder
}

fn circumstances(needs: Needs) -> Circumstances<'static> {
    let plain = Circumstances { region: REGION, ..Circumstances::default() };
    let with = |reason| Circumstances { reason: Some(reason), ticket: true, ..plain };
    match needs {
        Needs::Nothing => plain,
        Needs::Reason(reason) => with(reason),
        Needs::Matter(reason) => Circumstances { matter: true, ..with(reason) },
        Needs::Customer(reason) => Circumstances { customer_approved: true, ..with(reason) },
        Needs::TwoOthers => {
            Circumstances { break_glass: true, approvals: 2, ..with(AccessReason::SafetyReview) }
        }
    }
}

/// What somebody with this role alone needs to do this to another's data of this kind; `None` when nothing suffices.
pub(super) fn needed(
    policy: &AccessPolicy,
    role: Role,
    action: AccessAction,
    kind: DataKind,
) -> Option<Needs> {
    let organization = OrganizationId::from_bytes([1; 16]);
    let principal = AccessPrincipal {
        account: AccountId::from_bytes([2; 16]),
        organization,
        subject: None,
        roles: RoleSet::from_iter([role]),
    };
    let target = AccessTarget { kind, organization, subject: None, region: REGION };
    ladder()
        .into_iter()
        .find(|needs| policy.decide(&principal, action, &target, &circumstances(*needs)).is_permitted)
}

fn cell(policy: &AccessPolicy, role: Role, kind: DataKind) -> String {
    let said = AccessAction::ALL.into_iter().filter_map(|action| {
        let name = action.name();
        Some(match needed(policy, role, action, kind)? {
            Needs::Nothing => name.to_owned(),
            Needs::Reason(reason) => format!("{name} for `{}`", reason.name()),
            Needs::Matter(reason) => format!("{name} in a case, e.g. for `{}`", reason.name()),
            Needs::Customer(reason) => format!("{name} with consent, for `{}`", reason.name()),
            Needs::TwoOthers => format!("{name} in an emergency, with two others"),
        })
    });
    let said: Vec<String> = said.collect();
    if said.is_empty() { "–".to_owned() } else { said.join("; ") }
}

/// The matrix as a page of Markdown: what each role may do to other people's data of each kind, and the policies in words.
pub fn access_matrix(policy: &AccessPolicy) -> String {
    let mut page = String::from(
        "# Who may do what to which data\n\nWorked out by asking `policies/access.cedar`; a test compares this page with the \
         policies, and every cell with what was promised. It is about other people's data within one's own organisation: a person \
         sees, reads and decides about what is theirs, and nobody reaches another organisation or another region. Reading and \
         handing over need a reason and a case or ticket number throughout.\n\n| kind of data |",
    );
    let roles = Role::ALL.map(|role| format!(" {} |", role.name()));
    page.push_str(&roles.concat());
    page.push_str("\n|---|");
    page.push_str(&"---|".repeat(Role::ALL.len()));
    for kind in DataKind::ALL {
        let cells = Role::ALL.map(|role| format!(" {} |", cell(policy, role, kind)));
        page.extend(["\n| ", kind.name(), " |", &cells.concat()]);
    }
    page.push_str("\n\n## The policies in words\n");
    for clause in policy.clauses() {
        let effect = if clause.forbids { "forbids" } else { "permits" };
        page.extend(["\n- `", &clause.id, "` (", effect, ", ", &clause.promise, "): ", &clause.about]);
    }
    page.push('\n');
    page
}
