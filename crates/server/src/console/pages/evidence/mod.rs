//! Evidence for staff who check: the log with its proofs, the keys from which something hangs, and how the mechanisms behind the
//! promises stand. Who may see what is custody's to say.

mod audit;
mod entry;
mod keys;
mod log;
mod sheet;

use std::sync::Arc;

use axum::Router;
use fiducia_custody::{
    AdminCommand, AdminReply, EvidenceCommand, EvidenceReply, KeyGraphTarget, Staff, roles_permit,
};
use fiducia_policy::{ConversationId, OrganizationId, RoleSet};

use super::Page;
use crate::console::Console;
use crate::console::frame::Frame;
use crate::console::refusal::Refusal;
use crate::console::visitor::Visitor;

pub(crate) use keys::standalone as key_graph_drawing;
pub(super) use keys::{GraphView, graph_view};

pub(super) const EVIDENCE: Page = Page {
    path: "/evidence",
    title: "evidence",
    is_for: |roles| sees_figures(roles),
    routes: || {
        Router::<Arc<Console>>::new().merge(audit::routes()).merge(log::routes()).merge(entry::routes())
    },
};

/// For those who see keys and not the rest.
pub(super) const KEYS: Page = Page {
    path: "/evidence/keys",
    title: "evidence-keys",
    is_for: |roles| sees_keys(roles) && !sees_figures(roles),
    routes: || Router::<Arc<Console>>::new().merge(keys::routes()),
};

/// Which of these pages somebody may see, for the links between them.
struct Reach {
    figures: bool,
    log: bool,
    keys: bool,
}

impl Reach {
    fn of(staff: &Staff) -> Self {
        let nobody = OrganizationId::from_bytes([0; 16]);
        let entry = AdminCommand::Evidence(EvidenceCommand::Entry { organization: nobody, index: 0 });
        Self { figures: sees_figures(staff.roles()), log: staff.may(&entry), keys: sees_keys(staff.roles()) }
    }
}

fn sees_figures(roles: &RoleSet) -> bool {
    let organization = OrganizationId::from_bytes([0; 16]);
    roles_permit(roles, &AdminCommand::Evidence(EvidenceCommand::Figures { organization }))
}

/// Whether somebody with these roles may see from which keys something hangs.
pub(super) fn sees_keys(roles: &RoleSet) -> bool {
    let target = KeyGraphTarget::Conversation(ConversationId::from_bytes([0; 16]));
    roles_permit(roles, &AdminCommand::Evidence(EvidenceCommand::KeyGraph { target }))
}

/// The member of staff who asks. To others these pages do not exist.
fn staff(visitor: &Visitor) -> Result<Staff, Refusal> {
    let signed_in = visitor.signed_in.as_deref().ok_or(Refusal::SignedOut)?;
    signed_in.staff().ok_or(Refusal::NotFound)
}

async fn ask(console: &Console, staff: &Staff, command: EvidenceCommand) -> Result<EvidenceReply, Refusal> {
    let staff = staff.clone();
    let command = AdminCommand::Evidence(command);
    match console.ask(move |custody| custody.as_staff(&staff, command)).await?? {
        AdminReply::Evidence(reply) => Ok(reply),
        _ => Err(Refusal::Unavailable),
    }
}

/// The text of something that may have none, because a newer program wrote it: then its own name.
fn text_or_name(frame: &Frame, kind: &str, name: &str) -> String {
    let key = format!("{kind}-{}", name.replace('_', "-"));
    let text = frame.text(&key);
    if text == key { name.to_owned() } else { text }
}

/// The first digits of a hash.
fn short(hash: &str) -> String {
    hash.get(..16).map_or_else(|| hash.to_owned(), |digits| format!("{digits}…"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_role_is_led_to_what_it_may_see() {
        let check = |roles: &str, expect: &[&str]| {
            let roles: RoleSet = roles.parse().unwrap();
            let shown: Vec<_> =
                [EVIDENCE, KEYS].iter().filter(|page| (page.is_for)(&roles)).map(|page| page.path).collect();
            assert_eq!(shown, expect, "{roles}");
        };
        check("auditor", &["/evidence"]);
        check("legal", &["/evidence"]);
        check("tenant-admin", &["/evidence"]);
        check("trust-and-safety", &["/evidence/keys"]);
        for nothing in ["person", "support", "research", "engineering", "partner"] {
            check(nothing, &[]);
        }
    }
}
