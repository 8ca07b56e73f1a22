//! The matrix of roles and kinds of data, worked out by asking the policies.

use super::{
    AccessAction, AccessPolicy, AccessPrincipal, AccessTarget, Circumstances, DataKind, WithoutAccount,
};
use crate::authority::AccessReason;
use crate::ground::Purpose;
use crate::id::{AccountId, OrganizationId};
use crate::role::{Role, RoleSet};

/// What must be true for something to be permitted, the least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Needs {
    Nothing,
    Reason(AccessReason),
    Matter(AccessReason),
    Customer(AccessReason),
    Emergency,
    TwoOthers,
}

impl std::fmt::Display for Needs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Nothing => f.write_str("at any time"),
            Self::Reason(reason) => write!(f, "for `{}`", reason.name()),
            Self::Matter(reason) => write!(f, "in a case, for `{}`", reason.name()),
            Self::Customer(reason) => write!(f, "with consent, for `{}`", reason.name()),
            Self::Emergency => f.write_str("in an emergency"),
            Self::TwoOthers => f.write_str("in an emergency, with two others"),
        }
    }
}

/// Who a column of the matrix is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Column {
    Role(Role),
    WithoutAccount(WithoutAccount),
}

impl Column {
    pub(super) fn all() -> impl Iterator<Item = Self> {
        Role::ALL.into_iter().map(Self::Role).chain(WithoutAccount::ALL.map(Self::WithoutAccount))
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Role(role) => role.name(),
            Self::WithoutAccount(who) => who.name(),
        }
    }
}

const REGION: &str = "here";

/// What is needed, tried in order: the first that suffices is the cell.
pub(super) fn ladder() -> Vec<Needs> {
    let reasons = AccessReason::ALL;
    let mut ladder = vec![Needs::Nothing];
    ladder.extend(reasons.map(Needs::Reason));
    ladder.extend(reasons.map(Needs::Matter));
    ladder.extend(reasons.map(Needs::Customer));
    ladder.extend([Needs::Emergency, Needs::TwoOthers]);
    ladder
}

/// In which circumstances somebody has what they need, with the purpose for which such data would be opened then: what is held is
/// kept for the law alone, what is in a case for the case, and anything else for what comes closest to the reason.
fn circumstances(needs: Needs, kind: DataKind) -> Circumstances<'static> {
    let plain = Circumstances { region: REGION, ..Circumstances::default() };
    let is_held = kind == DataKind::HeldContent;
    let with = |reason: AccessReason| {
        let purpose = match needs {
            _ if is_held => Some(Purpose::LegalCompliance),
            Needs::Matter(_) => Some(Purpose::EnforceSecurity),
            _ => reason.grounds().first().map(|ground| ground.purpose()),
        };
        Circumstances { reason: Some(reason), purpose, ticket: true, ..plain }
    };
    let urgent = if is_held { AccessReason::LegalObligation } else { AccessReason::SafetyReview };
    match needs {
        Needs::Nothing => plain,
        Needs::Reason(reason) => with(reason),
        Needs::Matter(reason) => Circumstances { matter: true, ..with(reason) },
        Needs::Customer(reason) => Circumstances { customer_approved: true, ..with(reason) },
        Needs::Emergency => Circumstances { break_glass: true, ..with(urgent) },
        Needs::TwoOthers => Circumstances { break_glass: true, approvals: 2, ..with(urgent) },
    }
}

/// Whether somebody who is only this may do this to another's data of this kind in these circumstances.
pub(super) fn permits(
    policy: &AccessPolicy,
    who: Column,
    action: AccessAction,
    kind: DataKind,
    needs: Needs,
) -> bool {
    let organization = OrganizationId::from_bytes([1; 16]);
    let (roles, without_account) = match who {
        Column::Role(role) => (RoleSet::from_iter([role]), None),
        Column::WithoutAccount(who) => (RoleSet::default(), Some(who)),
    };
    let principal = AccessPrincipal {
        account: AccountId::from_bytes([2; 16]),
        organization,
        subject: None,
        roles,
        without_account,
    };
    let target = AccessTarget { kind, organization, subject: None, region: REGION };
    policy.decide(&principal, action, &target, &circumstances(needs, kind)).is_permitted
}

/// What somebody who is only this needs to do this to another's data of this kind; `None` when nothing suffices.
pub(super) fn needed(
    policy: &AccessPolicy,
    who: Column,
    action: AccessAction,
    kind: DataKind,
) -> Option<Needs> {
    ladder().into_iter().find(|needs| permits(policy, who, action, kind, *needs))
}

fn cell(policy: &AccessPolicy, who: Column, kind: DataKind) -> String {
    let said = AccessAction::ALL.into_iter().filter_map(|action| {
        let name = action.name();
        Some(match needed(policy, who, action, kind)? {
            Needs::Nothing => name.to_owned(),
            Needs::Reason(reason) => format!("{name} for `{}`", reason.name()),
            Needs::Matter(reason) => format!("{name} in a case, e.g. for `{}`", reason.name()),
            Needs::Customer(reason) => format!("{name} with consent, for `{}`", reason.name()),
            Needs::Emergency => format!("{name} in an emergency"),
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
         sees, reads and decides about what is theirs, and nobody reaches another organisation, nor a region in which the installation has \
         no readers. Reading and \
         handing over need a reason, a case or ticket number, and a reason that goes with the purpose for which the data is kept, \
         throughout. `operator` is whoever works at the machine itself, \
         who has no account.\n\n| kind of data |",
    );
    let columns: Vec<Column> = Column::all().collect();
    page.extend(columns.iter().map(|who| format!(" {} |", who.name())));
    page.push_str("\n|---|");
    page.push_str(&"---|".repeat(columns.len()));
    for kind in DataKind::ALL {
        let cells: Vec<String> =
            columns.iter().map(|who| format!(" {} |", cell(policy, *who, kind))).collect();
        let cells = cells.concat();
        page.extend(["\n| ", kind.name(), " |", &cells]);
    }
    page.push_str("\n\n## The policies in words\n");
    for clause in policy.clauses() {
        let effect = if clause.forbids { "forbids" } else { "permits" };
        page.extend(["\n- `", &clause.id, "` (", effect, ", ", &clause.promise, "): ", &clause.about]);
    }
    page.push('\n');
    page
}
