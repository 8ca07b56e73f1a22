//! Reading the feed: pages within what a key reaches, with people's ids looked up as they are now.

use std::collections::{BTreeSet, HashMap};

use fiducia_policy::{
    ActivityId, ComplianceKeyId, OrganizationId, PersonId, Pseudonym, SubjectId, Timestamp,
};
use fiducia_store::{
    ActivityFilter, ActivityKey, ActivityRecord, ActivityStore, ControlStore, DataDirectory,
};
use fiducia_wire::compliance::{Activity, Actor};
use serde_json::{Map, Value, json};

use super::commands::{ComplianceKey, ComplianceReach};
use super::projection::ActivityBody;
use crate::reading::Reader;
use crate::{AdminError, Custody};

/// What ids of people begin with on this API.
const USER_PREFIX: &str = "user_";
/// The type of rows that tell of calls of this API.
const CALL_KIND: &str = "compliance_api_accessed";
/// For how many years a row stays in the feed.
const FEED_YEARS: i64 = 6;

/// Where a page goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageCursor {
    /// Behind this row, in the order that is asked for.
    After(ActivityKey),
    /// Before this row: the page that ends there.
    Before(ActivityKey),
}

/// What is asked of the feed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ActivityQuery {
    /// Only of these organisations; of all that the key reaches when empty.
    pub organizations: Vec<OrganizationId>,
    /// Only these types; all when empty.
    pub kinds: Vec<String>,
    /// None of these types.
    pub excluded_kinds: Vec<String>,
    /// Only by these people, as 16 bytes of their `user_…` id; by whomever when empty.
    pub users: Vec<[u8; 16]>,
    /// From this microsecond on.
    pub from: Option<i64>,
    /// Before this microsecond.
    pub until: Option<i64>,
    /// Oldest first rather than newest first.
    pub is_oldest_first: bool,
    /// Where to go on; at the beginning when absent.
    pub cursor: Option<PageCursor>,
    /// At most this many rows.
    pub limit: u32,
}

/// A page of the feed.
#[derive(Debug, Clone, PartialEq)]
pub struct ActivityPage {
    /// The rows, in the order that was asked for.
    pub data: Vec<Activity>,
    /// Whose they are, but for rows that tell of calls of this API: reading those tells nothing new about anybody, and if it were told
    /// it would have to be told again of each reading of that.
    pub organizations: BTreeSet<OrganizationId>,
    /// Whether there are more in the direction that was asked for.
    pub has_more: bool,
    /// Where the first row and the last stand.
    pub ends: Option<(ActivityKey, ActivityKey)>,
}

/// A call of the Compliance API, to be entered in the feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ComplianceCall {
    /// By which key.
    pub key: ComplianceKeyId,
    /// What the key reaches.
    pub reach: ComplianceReach,
    /// Whose data the call came to, where the key reaches several organisations: each of them finds the call in its own feed.
    pub touched: BTreeSet<OrganizationId>,
    /// From where, as far as the network knows.
    pub address: Option<String>,
    /// What the program called itself.
    pub agent: Option<String>,
    /// The number that the answer carries.
    pub request: String,
    /// The method.
    pub method: String,
    /// The path, without its query.
    pub path: String,
    /// The status of the answer.
    pub status: u16,
}

impl Custody {
    /// A page of the feed, within what the key reaches. What is published in the ledger is in it within about a second. Blocks: call it
    /// from a thread that may.
    ///
    /// # Errors
    /// [`AdminError::NotFound`] for an organisation that the key does not reach, [`AdminError::Invalid`] when too much is combined, and
    /// when the store cannot be read.
    pub fn activities(
        &self,
        reach: ComplianceReach,
        query: &ActivityQuery,
    ) -> Result<ActivityPage, AdminError> {
        let _reading = self.reader().reading();
        let control = self.reader().control()?;
        let filter = filter(&control, reach, query)?;
        let (is_newest_first, is_backwards) = match query.cursor {
            Some(PageCursor::Before(_)) => (query.is_oldest_first, true),
            _ => (!query.is_oldest_first, false),
        };
        let store = ActivityStore::open_for_reading(&DataDirectory::activities(&self.reader().root))?;
        let page = store.page(&filter, is_newest_first, query.limit.saturating_add(1))?;
        let mut rows = page.ok_or_else(|| {
            AdminError::Invalid(
                "too many organisations, types and people are combined; ask for fewer at a time".to_owned(),
            )
        })?;
        let limit = usize::try_from(query.limit).unwrap_or(usize::MAX);
        let has_more = rows.len() > limit;
        rows.truncate(limit);
        if is_backwards {
            rows.reverse();
        }
        let ends = rows.first().zip(rows.last()).map(|(first, last)| (first.key(), last.key()));
        let mut people = People { control: &control, known: HashMap::new() };
        let data = rows.iter().map(|row| people.shown(row)).collect::<Result<_, _>>()?;
        let told = rows.iter().filter(|row| row.kind != CALL_KIND);
        let organizations = told.filter_map(|row| row.organization).collect();
        Ok(ActivityPage { data, organizations, has_more, ends })
    }

    /// Enters a call of the Compliance API in the feed: in that of the organisation whose key it is; where the key reaches every
    /// organisation, in that of each whose data the call came to, and in none's where it came to nobody's. All of it is durable when
    /// this returns. Blocks.
    ///
    /// # Errors
    /// When it cannot be entered: then do not answer the call.
    pub fn note_compliance_call(&self, call: &ComplianceCall) -> Result<(), AdminError> {
        let now = self.0.clock.now();
        let details = json!({
            "request_id": call.request, "request_method": call.method, "url": call.path, "status_code": call.status,
            "request_body": null,
        });
        let body = ActivityBody {
            id: None,
            created_at: None,
            is_global: true,
            actor: json!({
                "type": "api_actor", "api_key_id": call.key, "ip_address": call.address, "user_agent": call.agent,
            }),
            details: details.as_object().cloned().unwrap_or_default(),
        };
        let bytes = body.to_bytes();
        let row = |organization| {
            Ok(ActivityRecord {
                id: ActivityId::generate(now, &*self.0.randomness)?,
                created_at: now,
                organization,
                kind: CALL_KIND.to_owned(),
                actor: None,
                body: bytes.clone(),
            })
        };
        let rows = match call.reach {
            ComplianceReach::Organization(id) => vec![row(Some(id))?],
            ComplianceReach::Installation if call.touched.is_empty() => vec![row(None)?],
            ComplianceReach::Installation => {
                call.touched.iter().map(|id| row(Some(*id))).collect::<Result<_, AdminError>>()?
            }
        };
        self.0.feed.enter(rows).map_err(AdminError::Storage)
    }

    /// Waits until the feed has everything that the ledger took until now.
    pub fn settle_feed(&self) {
        self.reader().scribe.settle();
        self.0.feed.settle();
    }

    /// Drops rows of the feed that are older than six years; gives how many.
    pub(crate) fn drop_old_activities(&self) -> Result<u64, AdminError> {
        let Some(before) = kept_since(self.0.clock.now()) else { return Ok(0) };
        self.0.feed.drop_before(before).map_err(AdminError::Storage)
    }

    /// The secret by which cursors are known to be ours. It outlives restarts, as cursors do.
    pub fn compliance_cursor_secret(&self) -> [u8; 32] {
        self.0.cursor_secret
    }
}

/// From when on the feed has its rows at `now`; what is older is dropped sooner or later.
pub(crate) fn kept_since(now: Timestamp) -> Option<Timestamp> {
    let now = now.to_zoned(jiff::tz::TimeZone::UTC);
    now.checked_sub(jiff::Span::new().years(FEED_YEARS)).ok().map(|since| since.timestamp())
}

impl ComplianceKey {
    /// Goes on only if the key reaches an organisation.
    ///
    /// # Errors
    /// [`AdminError::NotFound`]: what is outside of a key's reach is not said to exist.
    pub fn check_reach(&self, organization: OrganizationId) -> Result<(), AdminError> {
        if self.reach.covers(organization) { Ok(()) } else { Err(outside()) }
    }
}

pub(super) fn outside() -> AdminError {
    AdminError::NotFound("there is no such thing within the key's reach".to_owned())
}

fn filter(
    control: &ControlStore,
    reach: ComplianceReach,
    query: &ActivityQuery,
) -> Result<ActivityFilter, AdminError> {
    let known = control.organizations()?;
    let is_within = |id: &OrganizationId| reach.covers(*id) && known.iter().any(|known| known.id == *id);
    if !query.organizations.iter().all(is_within) {
        return Err(outside());
    }
    let organizations = match reach {
        ComplianceReach::Installation if query.organizations.is_empty() => None,
        ComplianceReach::Installation => Some(query.organizations.iter().copied().map(Some).collect()),
        ComplianceReach::Organization(own) => Some(vec![Some(own)]),
    };
    let mut after = query.from.map_or(ActivityKey::FIRST, ActivityKey::before);
    let mut before = query.until.map_or(ActivityKey::LAST, ActivityKey::from);
    // Moving on goes to older rows in the one order and to newer rows in the other; moving against it the other way about.
    match (query.cursor, query.is_oldest_first) {
        (None, _) => {}
        (Some(PageCursor::After(key)), true) | (Some(PageCursor::Before(key)), false) => {
            after = after.max(key);
        }
        (Some(PageCursor::After(key)), false) | (Some(PageCursor::Before(key)), true) => {
            before = before.min(key);
        }
    }
    Ok(ActivityFilter {
        organizations,
        kinds: (!query.kinds.is_empty()).then(|| query.kinds.clone()),
        excluded_kinds: query.excluded_kinds.clone(),
        actors: if query.users.is_empty() { None } else { Some(actors(control, &query.users)?) },
        after,
        before,
    })
}

/// By which ids the ledger knows these people: staff by their own, others by a pseudonym.
fn actors(control: &ControlStore, users: &[[u8; 16]]) -> Result<Vec<[u8; 16]>, AdminError> {
    let mut found = users.to_vec();
    for user in users {
        let subject = control.subject(SubjectId::from_bytes(*user))?;
        found.extend(subject.and_then(|subject| subject.pseudonym).map(|pseudonym| *pseudonym.as_bytes()));
    }
    Ok(found)
}

/// The id of somebody on this API.
pub(super) fn user_id(bytes: &[u8; 16]) -> String {
    format!("{USER_PREFIX}{}", SubjectId::from_bytes(*bytes).uuid())
}

/// Who is behind the ledger's ids, looked up once for a page.
struct People<'a> {
    control: &'a ControlStore,
    /// The id on this API and the address, where they are known.
    known: HashMap<String, Option<(String, Option<String>)>>,
}

impl People<'_> {
    fn shown(&mut self, row: &ActivityRecord) -> Result<Activity, AdminError> {
        let damaged = || AdminError::Storage(format!("the activity {} is damaged", row.id));
        let body: ActivityBody = serde_json::from_slice(&row.body).map_err(|_| damaged())?;
        let ActivityBody { id, created_at, is_global, mut actor, mut details } = body;
        if let Value::Object(fields) = &mut actor {
            self.name_actor(fields)?;
        }
        let about = details.get("pseudonym").and_then(Value::as_str).map(str::to_owned);
        if let Some(about) = about
            && let Some((user, _)) = self.person(&about)?
        {
            details.insert("user_id".to_owned(), Value::String(user));
        }
        let organization = row.organization.filter(|_| !is_global);
        Ok(Activity {
            id: id.unwrap_or_else(|| row.id.to_string()),
            kind: row.kind.clone(),
            created_at: created_at.unwrap_or_else(|| format!("{:.6}", row.created_at)),
            organization_id: organization.map(|id| id.to_string()),
            organization_uuid: organization.map(|id| id.uuid()),
            actor: serde_json::from_value(actor.clone()).unwrap_or(Actor::Other(actor)),
            details,
        })
    }

    /// Puts the id on this API and the address in the place of the ledger's id. Of somebody who was erased the pseudonym stays.
    fn name_actor(&mut self, fields: &mut Map<String, Value>) -> Result<(), AdminError> {
        let Some(acting) = fields.get("user_id").and_then(Value::as_str).map(str::to_owned) else {
            return Ok(());
        };
        if let Some((user, address)) = self.person(&acting)? {
            fields.insert("user_id".to_owned(), Value::String(user));
            fields.insert("email_address".to_owned(), address.map_or(Value::Null, Value::String));
        }
        Ok(())
    }

    fn person(&mut self, id: &str) -> Result<Option<(String, Option<String>)>, AdminError> {
        if let Some(known) = self.known.get(id) {
            return Ok(known.clone());
        }
        let found = self.look_up(id)?;
        self.known.insert(id.to_owned(), found.clone());
        Ok(found)
    }

    fn look_up(&self, id: &str) -> Result<Option<(String, Option<String>)>, AdminError> {
        if let Ok(person) = id.parse::<PersonId>() {
            let name = self.control.actor(person)?.map(|(name, _)| name);
            return Ok(Some((user_id(person.as_bytes()), name.filter(|name| name.contains('@')))));
        }
        let Ok(pseudonym) = id.parse::<Pseudonym>() else { return Ok(None) };
        let Some(subject) = self.control.subject_behind(pseudonym)? else { return Ok(None) };
        let logins = self.control.logins_of(subject)?;
        let address = logins.into_iter().find(|login| login.contains('@'));
        Ok(Some((user_id(subject.as_bytes()), address)))
    }
}

impl Reader {
    /// Activities behind a place, as the feed shows them now, in the order in which they arrived: of one organisation, or all. Whoever
    /// calls this holds destruction off.
    pub(crate) fn arrived_activities(
        &self,
        organization: Option<OrganizationId>,
        place: i64,
        limit: u32,
    ) -> Result<Vec<(i64, Timestamp, Activity)>, AdminError> {
        let control = self.control()?;
        let mut people = People { control: &control, known: HashMap::new() };
        let store = ActivityStore::open_for_reading(&DataDirectory::activities(&self.root))?;
        let arrived = store.arrived_after(organization, place, limit)?;
        arrived.iter().map(|(place, row)| Ok((*place, row.created_at, people.shown(row)?))).collect()
    }
}

/// An instant as this API writes it.
pub(super) fn rfc3339(at: Timestamp) -> String {
    format!("{at:.6}")
}
