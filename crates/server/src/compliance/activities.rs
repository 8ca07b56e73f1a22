//! `GET /v1/compliance/activities`: the activity feed.

use axum::Json;
use fiducia_custody::{ActivityKey, ActivityQuery, PageCursor};
use fiducia_policy::{ComplianceScope, OrganizationId};
use fiducia_wire::compliance::{Activity, CursorPage, is_activity_type};

use super::caller::Call;
use super::cursor::{List, place_of, time_and_id};
use super::failure::Failure;

/// Rows of a page when nobody says.
const LIMIT_DEFAULT: u32 = 100;
/// Rows of a page at most.
const LIMIT_MAX: u32 = 5_000;

/// A page of the feed.
pub(super) async fn list(mut call: Call) -> Result<Json<CursorPage<Activity>>, Failure> {
    call.require(ComplianceScope::ReadActivities)?;
    let reach = call.caller.key.reach;
    let list = List { endpoint: "activities", reach, named: "" };
    let query = query(&mut call, list)?;
    std::mem::take(&mut call.query).finish()?;
    let named = query.organizations.clone();
    let page = call.ask(move |custody| custody.activities(reach, &query)).await?;
    call.touches(named.into_iter().chain(page.organizations));
    let written = |key: ActivityKey| call.shared.cursors.write(list, &place_of(key.at, &key.id));
    let (first_id, last_id) = page.ends.map(|(first, last)| (written(first), written(last))).unzip();
    Ok(Json(CursorPage { data: page.data, has_more: page.has_more, first_id, last_id }))
}

fn query(call: &mut Call, list: List<'_>) -> Result<ActivityQuery, Failure> {
    let kinds = types(call, "activity_types")?;
    let excluded_kinds = types(call, "exclude_activity_types")?;
    if !kinds.is_empty() && !excluded_kinds.is_empty() {
        return Err(Failure::Invalid(
            "activity_types[] and exclude_activity_types[] cannot be used together".to_owned(),
        ));
    }
    let mut users = Vec::new();
    for name in ["actor_ids", "user_ids"] {
        users.extend(call.users(name)?);
    }
    let organizations = call.organizations()?;
    let range = call.query.range("created_at")?;
    let is_oldest_first = call.is_oldest_first(false)?;
    let limit = call.query.limit(LIMIT_DEFAULT, LIMIT_MAX)?;
    let cursor = call.row_cursor(list)?;
    let (from, until) = (range.from, range.until);
    Ok(ActivityQuery {
        organizations,
        kinds,
        excluded_kinds,
        users,
        from,
        until,
        is_oldest_first,
        cursor,
        limit,
    })
}

/// Types to filter by: only names that there are, so that a misspelt one is not taken for a quiet feed.
fn types(call: &mut Call, parameter: &str) -> Result<Vec<String>, Failure> {
    let types = call.query.take_all(parameter)?;
    match types.iter().find(|name| !is_activity_type(name)) {
        None => Ok(types),
        Some(unknown) => {
            let shown: String = unknown.chars().take(64).collect();
            Err(Failure::Invalid(format!(
                "{parameter}[]: `{}` is no type of activity",
                shown.escape_default()
            )))
        }
    }
}

impl Call {
    /// `organization_ids[]`, tagged or bare.
    ///
    /// # Errors
    /// When one of them has neither form.
    pub(super) fn organizations(&mut self) -> Result<Vec<OrganizationId>, Failure> {
        let refused = |_| Failure::Invalid("organization_ids[]: expected `org_…` ids or UUIDs".to_owned());
        self.query.take_all("organization_ids")?.iter().map(|id| id.parse().map_err(refused)).collect()
    }

    /// People by their `user_…` ids.
    ///
    /// # Errors
    /// When one of them has another form.
    pub(super) fn users(&mut self, parameter: &str) -> Result<Vec<[u8; 16]>, Failure> {
        let refused = || Failure::Invalid(format!("{parameter}[]: expected `user_…` ids"));
        let bytes = |id: &String| {
            let bare = id.strip_prefix("user_").ok_or_else(refused)?;
            bare.parse::<fiducia_policy::SubjectId>().map(|id| *id.as_bytes()).map_err(|_| refused())
        };
        self.query.take_all(parameter)?.iter().map(bytes).collect()
    }

    /// `order`: whether the oldest come first.
    ///
    /// # Errors
    /// When it is neither `asc` nor `desc`.
    pub(super) fn is_oldest_first(&mut self, default: bool) -> Result<bool, Failure> {
        match self.query.take("order")?.as_deref() {
            None => Ok(default),
            Some("asc") => Ok(true),
            Some("desc") => Ok(false),
            Some(_) => Err(Failure::Invalid("order: expected `asc` or `desc`".to_owned())),
        }
    }

    /// `after_id` or `before_id`, of which one may be given.
    ///
    /// # Errors
    /// When both are given, or it is no cursor of this list.
    pub(super) fn row_cursor(&mut self, list: List<'_>) -> Result<Option<PageCursor>, Failure> {
        let (after, before) = (self.query.take("after_id")?, self.query.take("before_id")?);
        let read = |parameter: &str, text: &str| {
            let place = self.shared.cursors.read(list, parameter, text)?;
            let refused = || Failure::Invalid(format!("{parameter}: this is no cursor of this list"));
            let (at, id) = time_and_id(&place).ok_or_else(refused)?;
            Ok::<_, Failure>(ActivityKey { at, id })
        };
        match (after.as_deref(), before.as_deref()) {
            (None, None) => Ok(None),
            (Some(_), Some(_)) => {
                Err(Failure::Invalid("after_id and before_id cannot be used together".to_owned()))
            }
            (Some(text), None) => Ok(Some(PageCursor::After(read("after_id", text)?))),
            (None, Some(text)) => Ok(Some(PageCursor::Before(read("before_id", text)?))),
        }
    }
}
