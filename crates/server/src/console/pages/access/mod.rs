//! Reading what is others': the reading room, agreeing to others' sessions, and emergencies. What is done is
//! [`fiducia_custody::Custody::as_staff`]'s to permit; the pages ask it, and offer nothing that it would refuse.
//!
//! What a look shows is the answer to a form and stands at no address: following a link, or a browser that loads ahead,
//! must not make an entry in the log.

mod approvals;
mod asking;
mod emergency;
mod looking;
mod room;
mod session;
mod view;
mod visible;

use std::sync::Arc;

use axum::Router;
use fiducia_custody::{
    AccessActor, AccessCommand, AccessReply, AccessRequest, AccountCommand, AccountReply, AdminCommand,
    AdminError, AdminReply, Staff, roles_permit,
};
use fiducia_policy::{
    AccessReason, AccessScope, AccessSession, AccessSessionId, AccountId, ConversationId, OrganizationId,
    RoleSet,
};

use super::Page;
use crate::console::Console;
use crate::console::refusal::Refusal;
use crate::console::visitor::Visitor;

/// Sessions that are looked through for a page.
const LOOKED_THROUGH_MAX: u32 = 200;

pub(super) const ROOM: Page = Page {
    path: "/access",
    title: "access-room",
    is_for: |roles| may(roles, ask_for_something()),
    routes: || {
        Router::<Arc<Console>>::new()
            .merge(room::routes())
            .merge(asking::routes())
            .merge(session::routes())
            .merge(looking::routes())
    },
};

pub(super) const APPROVALS: Page = Page {
    path: "/access/approvals",
    title: "access-approvals",
    is_for: |roles| may(roles, answer_something()),
    routes: || approvals::routes(),
};

pub(super) const EMERGENCY: Page = Page {
    path: "/access/emergency",
    title: "access-emergency",
    is_for: |roles| {
        may(roles, ask_for_something()) || review_something().is_some_and(|review| may(roles, review))
    },
    routes: || emergency::routes(),
};

fn may(roles: &RoleSet, command: AccessCommand) -> bool {
    roles_permit(roles, &command_of(command))
}

fn command_of(command: AccessCommand) -> AdminCommand {
    // Whoever is signed in is known; what is said here does not count.
    AdminCommand::Access { actor: AccessActor::Operator(String::new()), command }
}

/// Any request will do: what it is about does not decide whether the page is shown.
fn ask_for_something() -> AccessCommand {
    AccessCommand::Ask {
        request: AccessRequest {
            scope: AccessScope::Conversation(ConversationId::from_bytes([0; 16])),
            reason: AccessReason::SafetyReview,
            ticket: String::new(),
            ground: None,
            seconds: None,
            break_glass: false,
        },
    }
}

const fn answer_something() -> AccessCommand {
    AccessCommand::Approve { session: AccessSessionId::from_bytes([0; 16]), remark: None }
}

/// Any words will do, too.
fn review_something() -> Option<AccessCommand> {
    let remark = "-".parse().ok()?;
    Some(AccessCommand::Review { session: AccessSessionId::from_bytes([0; 16]), justified: true, remark })
}

const fn set_lockbox() -> AccessCommand {
    AccessCommand::Lockbox { organization: OrganizationId::from_bytes([0; 16]), enabled: Some(true) }
}

/// The member of staff who asks. To others these pages do not exist.
fn staff(visitor: &Visitor) -> Result<Staff, Refusal> {
    let signed_in = visitor.signed_in.as_deref().ok_or(Refusal::SignedOut)?;
    signed_in.staff().ok_or(Refusal::NotFound)
}

/// Does something in sessions, and keeps what was said against it.
async fn give(
    console: &Console,
    staff: &Staff,
    command: AccessCommand,
) -> Result<Result<AccessReply, AdminError>, Refusal> {
    let staff = staff.clone();
    let command = command_of(command);
    match console.ask(move |custody| custody.as_staff(&staff, command)).await? {
        Ok(AdminReply::Access(reply)) => Ok(Ok(*reply)),
        Ok(_) => Err(Refusal::Unavailable),
        Err(error) => Ok(Err(error)),
    }
}

async fn ask(console: &Console, staff: &Staff, command: AccessCommand) -> Result<AccessReply, Refusal> {
    Ok(give(console, staff, command).await??)
}

/// Sessions that somebody may know of, newest first, as they stand now.
async fn sessions(console: &Console, staff: &Staff, live_only: bool) -> Result<Vec<AccessSession>, Refusal> {
    let command =
        AccessCommand::List { organization: None, live_only, limit: LOOKED_THROUGH_MAX, before: None };
    let AccessReply::Sessions(rows) = ask(console, staff, command).await? else {
        return Err(Refusal::Unavailable);
    };
    Ok(rows.into_iter().map(|row| view::as_of_now(console, row)).collect())
}

/// What those are called who take part, for whoever may see the accounts. To others they are known by their numbers in the log.
async fn names(console: &Console, staff: &Staff) -> Result<Vec<(AccountId, String)>, Refusal> {
    let command = AdminCommand::Account(AccountCommand::List { organization: Some(staff.organization()) });
    if !staff.may(&command) {
        return Ok(Vec::new());
    }
    let staff = staff.clone();
    match console.ask(move |custody| custody.as_staff(&staff, command)).await? {
        Ok(AdminReply::Account(AccountReply::Accounts(rows))) => {
            Ok(rows.into_iter().map(|row| (row.id, row.name)).collect())
        }
        // An installation's own policies may keep the names from somebody: then the numbers do.
        Err(AdminError::Forbidden(_)) => Ok(Vec::new()),
        Ok(_) => Err(Refusal::Unavailable),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_role_is_led_to_what_it_can_do() {
        let check = |roles: &str, expect: &[&str]| {
            let roles: RoleSet = roles.parse().unwrap();
            let pages = [ROOM, APPROVALS, EMERGENCY];
            let shown: Vec<_> =
                pages.iter().filter(|page| (page.is_for)(&roles)).map(|page| page.path).collect();
            assert_eq!(shown, expect, "{roles}");
        };
        check("trust-and-safety", &["/access", "/access/approvals", "/access/emergency"]);
        check("legal", &["/access", "/access/approvals", "/access/emergency"]);
        check("support", &["/access", "/access/emergency"]);
        check("tenant-admin", &["/access/approvals", "/access/emergency"]);
        check("auditor", &["/access/emergency"]);
        for nothing in ["person", "research", "engineering", "partner"] {
            check(nothing, &[]);
        }
    }
}
