//! What staff administer: people's requests, people, campaigns and notices. Who may do what is custody's to say
//! ([`fiducia_custody::Custody::as_staff`]); the pages ask it, and offer nothing that it would refuse.

mod campaign;
mod campaigns;
mod draft;
mod editor;
mod notices;
mod people;
mod person;
mod request;
mod requests;
mod taking_in;
mod timeline;

use std::sync::Arc;

use axum::Router;
use fiducia_custody::{
    AdminCommand, AdminReply, ConsentCommand, ConsentReply, PeopleCommand, PeopleReply, RightsCommand,
    RightsReply, Staff, roles_permit,
};
use fiducia_policy::{OrganizationId, RoleSet, Timestamp};

use super::Page;
use crate::console::Console;
use crate::console::refusal::Refusal;
use crate::console::visitor::Visitor;

/// Rows of a list.
const ROWS_PER_PAGE: u32 = 50;

pub(super) const REQUESTS: Page = Page {
    path: "/administration/requests",
    title: "admin-requests",
    is_for: |roles| may(roles, list_requests()),
    routes: || {
        Router::<Arc<Console>>::new()
            .merge(requests::routes())
            .merge(taking_in::routes())
            .merge(request::routes())
    },
};

pub(super) const PEOPLE: Page = Page {
    path: "/administration/people",
    title: "admin-people",
    is_for: |roles| {
        let organization = OrganizationId::from_bytes([0; 16]);
        may(roles, AdminCommand::People(PeopleCommand::List { organization, before: None, limit: 1 }))
    },
    routes: || Router::<Arc<Console>>::new().merge(people::routes()).merge(person::routes()),
};

pub(super) const CAMPAIGNS: Page = Page {
    path: "/administration/campaigns",
    title: "admin-campaigns",
    is_for: |roles| may(roles, AdminCommand::Consent(ConsentCommand::ListCampaigns)),
    routes: || Router::<Arc<Console>>::new().merge(campaigns::routes()).merge(campaign::routes()),
};

pub(super) const NOTICES: Page = Page {
    path: "/administration/notices",
    title: "admin-notices",
    is_for: |roles| may(roles, AdminCommand::Consent(ConsentCommand::ListNotices { purpose: None })),
    routes: || Router::<Arc<Console>>::new().merge(notices::routes()).merge(editor::routes()),
};

#[expect(clippy::needless_pass_by_value, reason = "each caller makes the command for this question alone")]
fn may(roles: &RoleSet, command: AdminCommand) -> bool {
    roles_permit(roles, &command)
}

const fn list_requests() -> AdminCommand {
    AdminCommand::Rights(RightsCommand::List { organization: None, closed: false, limit: 1 })
}

/// The member of staff who asks. To others these pages do not exist.
fn staff(visitor: &Visitor) -> Result<Staff, Refusal> {
    let signed_in = visitor.signed_in.as_deref().ok_or(Refusal::SignedOut)?;
    signed_in.staff().ok_or(Refusal::NotFound)
}

async fn ask(console: &Console, staff: &Staff, command: AdminCommand) -> Result<AdminReply, Refusal> {
    let staff = staff.clone();
    Ok(console.ask(move |custody| custody.as_staff(&staff, command)).await??)
}

async fn consent(console: &Console, staff: &Staff, command: ConsentCommand) -> Result<ConsentReply, Refusal> {
    match ask(console, staff, AdminCommand::Consent(command)).await? {
        AdminReply::Consented(reply) => Ok(reply),
        _ => Err(Refusal::Unavailable),
    }
}

async fn rights(console: &Console, staff: &Staff, command: RightsCommand) -> Result<RightsReply, Refusal> {
    match ask(console, staff, AdminCommand::Rights(command)).await? {
        AdminReply::Rights(reply) => Ok(reply),
        _ => Err(Refusal::Unavailable),
    }
}

async fn people_of(console: &Console, staff: &Staff, command: PeopleCommand) -> Result<PeopleReply, Refusal> {
    match ask(console, staff, AdminCommand::People(command)).await? {
        AdminReply::People(reply) => Ok(reply),
        _ => Err(Refusal::Unavailable),
    }
}

/// What went wrong, for the page from which a form was sent: the use case's own words, in English. Whatever is not about what
/// was typed stays a refusal.
fn as_problem(refusal: Refusal) -> Result<String, Refusal> {
    match refusal {
        Refusal::Invalid(said) => Ok(said),
        other => Err(other),
    }
}

/// The beginning of a day in UTC, as a form sends it (`2026-10-08`).
fn day(text: &str) -> Option<Timestamp> {
    format!("{}T00:00:00Z", text.trim()).parse().ok()
}

/// What was typed, unless it was nothing.
fn typed(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_role_is_shown_the_pages_it_can_use() {
        let check = |roles: &str, expect: &[&str]| {
            let roles: RoleSet = roles.parse().unwrap();
            let pages = [REQUESTS, PEOPLE, CAMPAIGNS, NOTICES];
            let shown: Vec<_> =
                pages.iter().filter(|page| (page.is_for)(&roles)).map(|page| page.title).collect();
            assert_eq!(shown, expect, "{roles}");
        };
        check("person", &[]);
        check("tenant-admin", &["admin-requests", "admin-people", "admin-campaigns", "admin-notices"]);
        check("support", &["admin-requests", "admin-people", "admin-notices"]);
        check("auditor", &["admin-requests", "admin-campaigns", "admin-notices"]);
        check("research", &["admin-campaigns", "admin-notices"]);
    }

    #[test]
    fn days_begin_in_utc() {
        assert_eq!(day("2026-10-08").unwrap().to_string(), "2026-10-08T00:00:00Z");
        for wrong in ["", "tomorrow", "2026-13-01", "2026-10-08T01:00"] {
            assert!(day(wrong).is_none(), "{wrong}");
        }
    }
}
