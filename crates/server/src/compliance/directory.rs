//! `GET /v1/compliance/organizations` and what lies beneath: people, roles, settings; and groups, of which there are none.

use axum::Json;
use fiducia_custody::ComplianceReach;
use fiducia_policy::{ComplianceScope, OrganizationId};
use fiducia_wire::compliance::{EffectiveSettings, Organization, Permission, Role, TokenPage, User};

use super::caller::Call;
use super::cursor::List;
use super::failure::Failure;

/// Organisations of a page, by default and at most.
const ORGANIZATIONS_MAX: u32 = 1_000;
/// People, roles, permissions and groups of a page, by default and at most.
const LIMIT_DEFAULT: u32 = 500;
const LIMIT_MAX: u32 = 1_000;

type Page<T> = Result<Json<TokenPage<T>>, Failure>;

/// The organisations that the key reaches.
pub(super) async fn organizations(mut call: Call) -> Page<Organization> {
    call.require(ComplianceScope::ReadOrganizationData)?;
    let reach = call.caller.key.reach;
    let list = List { endpoint: "organizations", reach, named: "" };
    let limit = call.query.limit(ORGANIZATIONS_MAX, ORGANIZATIONS_MAX)?;
    let after = call.page_cursor(list)?;
    std::mem::take(&mut call.query).finish()?;
    let (rows, has_more) =
        call.ask(move |custody| custody.compliance_organizations(reach, after, limit)).await?;
    call.touches(rows.iter().map(|(id, _)| OrganizationId::from_bytes(*id)));
    Ok(page(&call, list, rows, has_more))
}

/// The people of an organisation.
pub(super) async fn users(mut call: Call) -> Page<User> {
    call.require(ComplianceScope::ReadUserData)?;
    let (reach, organization) = within(&call)?;
    let named = organization.uuid();
    let list = List { endpoint: "users", reach, named: &named };
    let limit = call.query.limit(LIMIT_DEFAULT, LIMIT_MAX)?;
    let after = call.page_cursor(list)?;
    std::mem::take(&mut call.query).finish()?;
    let (rows, has_more) =
        call.ask(move |custody| custody.compliance_users(reach, organization, after, limit)).await?;
    call.touches([organization]);
    Ok(page(&call, list, rows, has_more))
}

/// What people of an organisation may be.
pub(super) async fn roles(mut call: Call) -> Page<Role> {
    call.require(ComplianceScope::ReadOrganizationData)?;
    let (reach, organization) = within(&call)?;
    only_page(&mut call)?;
    let data = call.ask(move |custody| custody.compliance_roles(reach, organization)).await?;
    call.touches([organization]);
    Ok(Json(TokenPage { data, has_more: false, next_page: None }))
}

/// One role.
pub(super) async fn role(mut call: Call) -> Result<Json<Role>, Failure> {
    call.require(ComplianceScope::ReadOrganizationData)?;
    let (reach, organization) = within(&call)?;
    let wanted: String = call.named(1)?;
    std::mem::take(&mut call.query).finish()?;
    let roles = call.ask(move |custody| custody.compliance_roles(reach, organization)).await?;
    call.touches([organization]);
    roles.into_iter().find(|role| role.id == wanted).map(Json).ok_or(Failure::NotFound)
}

/// What a role permits.
pub(super) async fn permissions(mut call: Call) -> Page<Permission> {
    call.require(ComplianceScope::ReadOrganizationData)?;
    let (reach, organization) = within(&call)?;
    let role: String = call.named(1)?;
    only_page(&mut call)?;
    let data = call.ask(move |custody| custody.compliance_permissions(reach, organization, &role)).await?;
    call.touches([organization]);
    Ok(Json(TokenPage { data, has_more: false, next_page: None }))
}

/// The settings that are in force.
pub(super) async fn settings(mut call: Call) -> Result<Json<EffectiveSettings>, Failure> {
    call.require(ComplianceScope::ReadOrganizationData)?;
    let (reach, organization) = within(&call)?;
    std::mem::take(&mut call.query).finish()?;
    let settings = call.ask(move |custody| custody.compliance_settings(reach, organization)).await?;
    call.touches([organization]);
    Ok(Json(settings))
}

/// Groups: there are none, and the list says so.
pub(super) async fn groups(mut call: Call) -> Page<serde_json::Value> {
    call.require(ComplianceScope::ReadOrganizationData)?;
    only_page(&mut call)?;
    Ok(Json(TokenPage { data: Vec::new(), has_more: false, next_page: None }))
}

/// One group, or its members: there is none.
pub(super) async fn group(call: Call) -> Result<Json<serde_json::Value>, Failure> {
    call.require(ComplianceScope::ReadOrganizationData)?;
    Err(Failure::NotFound)
}

fn within(call: &Call) -> Result<(ComplianceReach, OrganizationId), Failure> {
    Ok((call.caller.key.reach, call.named(0)?))
}

/// For lists that always fit one page: a limit is checked all the same, and no cursor was ever given out.
fn only_page(call: &mut Call) -> Result<(), Failure> {
    call.query.limit(LIMIT_DEFAULT, LIMIT_MAX)?;
    match call.query.take("page")? {
        None => Ok(std::mem::take(&mut call.query).finish()?),
        Some(_) => Err(Failure::Invalid("page: this is no cursor of this list".to_owned())),
    }
}

fn page<T>(call: &Call, list: List<'_>, rows: Vec<([u8; 16], T)>, has_more: bool) -> Json<TokenPage<T>> {
    let end = rows.last().filter(|_| has_more).map(|(place, _)| *place);
    let next_page = end.map(|place| call.shared.cursors.write(list, &place));
    Json(TokenPage { data: rows.into_iter().map(|(_, row)| row).collect(), has_more, next_page })
}

impl Call {
    /// `page`: the row behind which a list goes on.
    ///
    /// # Errors
    /// When it is no cursor of this list.
    fn page_cursor(&mut self, list: List<'_>) -> Result<Option<[u8; 16]>, Failure> {
        let Some(text) = self.query.take("page")? else { return Ok(None) };
        let place = self.shared.cursors.read(list, "page", &text)?;
        let place = <[u8; 16]>::try_from(place);
        place.map(Some).map_err(|_| Failure::Invalid("page: this is no cursor of this list".to_owned()))
    }
}
