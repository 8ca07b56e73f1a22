//! Access Transparency events: the public shape of "somebody of the operator's staff looked", and the leaf that commits to it.
//!
//! Format: the public page "Verify Access Transparency events with the transparency log" of the Claude documentation. A leaf is
//! `0x01 || RFC 8785 JSON` of eleven members. Values are copied as they are served, so nothing here checks what they mean.

use fiducia_policy::{AccessReason, OrganizationId, Timestamp, WorkspaceId};
use serde::{Deserialize, Serialize};

use crate::error::LedgerError;
use crate::event::Event;
use crate::hash::sha256;
use crate::leaf::{ENTRY_BYTES_MAX, EventId, Leaf, LeafVersion};
use crate::strict_json::Strict;

#[cfg(test)]
mod tests;

/// The member in which a feed says where an event's leaf lies.
const INDEX_MEMBER: &str = "transparency_log_leaf_index";

const EVENT_MEMBERS: [&str; 12] = [
    "accessed_at",
    "accessor_department",
    "actor",
    "created_at",
    "id",
    "organization_id",
    "organization_uuid",
    "reason_code",
    "resource_details",
    "type",
    "workspace_id",
    INDEX_MEMBER,
];
const ACTOR_MEMBERS: [&str; 2] = ["email_address", "type"];
const RESOURCE_MEMBERS: [&str; 3] = ["id", "parent", "type"];

/// What kind of event. The list is closed: a new kind comes under a new version byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AccessTransparencyKind {
    /// Content was opened for a person of the operator's staff.
    AnthropicAccess,
    /// Content of an organisation that holds its own key is kept outside of that key.
    CmekPreserve,
}

impl AccessTransparencyKind {
    /// All kinds.
    pub const ALL: [Self; 2] = [Self::AnthropicAccess, Self::CmekPreserve];

    /// The `type` in feed and leaf.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AnthropicAccess => "anthropic_access",
            Self::CmekPreserve => "cmek_preserve",
        }
    }

    fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Whether a `type` is one of these or so near to one that it may be meant for it: calling an event by another name is the
    /// cheapest way to have it overlooked.
    pub fn is_claimed_by(name: &str) -> bool {
        let letters = |text: &str| folded(&text.chars().filter(|c| c.is_alphanumeric()).collect::<String>());
        let claimed = letters(name);
        Self::ALL
            .into_iter()
            .map(|kind| letters(kind.name()))
            .any(|own| claimed.starts_with(&own) || own.starts_with(&claimed))
    }
}

/// The eleven members that a leaf commits to. What is absent and what is null are one.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Carried", into = "Carried")]
pub struct AccessTransparencyEvent {
    /// What kind of event.
    pub kind: AccessTransparencyKind,
    /// `activity_…`
    pub id: Option<String>,
    /// When the event became visible (RFC 3339).
    pub created_at: Option<String>,
    /// When content was opened or began to be kept (RFC 3339).
    pub accessed_at: Option<String>,
    /// Which department opened it, never who.
    pub accessor_department: Option<String>,
    /// The actor's type; its address is never committed to.
    pub actor: Option<EventActor>,
    /// Whose content, as a tagged id.
    pub organization_id: Option<String>,
    /// Whose content, as a UUID.
    pub organization_uuid: Option<String>,
    /// Why.
    pub reason_code: Option<String>,
    /// What was opened; its parent is never committed to.
    pub resource: Option<EventResource>,
    /// Of which workspace, where it is known.
    pub workspace_id: Option<String>,
}

/// Who acted, without saying who.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct EventActor {
    /// `anthropic_actor` in every event that this program writes.
    pub kind: Option<String>,
}

/// What was opened.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct EventResource {
    /// The provider's id of an answer (`msg_…`, `chatcmpl-…`, `resp_…`) or, without one, our id of a record.
    pub id: Option<String>,
    /// `message` in every event that this program writes.
    pub kind: Option<String>,
}

/// An event as a feed served it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServedEvent {
    /// What the leaf commits to.
    pub event: AccessTransparencyEvent,
    /// Where its leaf lies, by the feed's word; `None` when it has none. A pointer, not evidence.
    pub leaf_index: Option<u64>,
}

/// Why bytes are not an event that can be checked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotServed {
    /// A row of another kind; whoever reads a feed passes it over.
    #[error("this is an activity of the type `{kind}`, which is no access transparency event")]
    OtherType {
        /// Its type.
        kind: String,
    },
    /// It is, or seems to be, an event of these kinds, but cannot be read in one way only.
    #[error(
        "this access transparency event cannot be checked: {reason}. Take it for a failed check, not for a row to pass over"
    )]
    Refused {
        /// What is wrong with it.
        reason: String,
    },
}

impl AccessTransparencyEvent {
    /// The entry's bytes: `0x01 || canonical JSON`.
    ///
    /// # Errors
    /// When the entry exceeds 65,535 bytes.
    pub fn to_entry(&self) -> Result<Vec<u8>, LedgerError> {
        let mut entry = vec![LeafVersion::AccessTransparency as u8];
        serde_json_canonicalizer::to_writer(&self.members(), &mut entry)
            .map_err(|error| LedgerError::Encoding { reason: error.to_string() })?;
        if entry.len() > ENTRY_BYTES_MAX {
            return Err(LedgerError::EntryTooLarge { bytes: entry.len() });
        }
        Ok(entry)
    }

    /// Reads a leaf's entry. Only the exact bytes that [`Self::to_entry`] gives are accepted.
    ///
    /// # Errors
    /// When the version byte is another, a member is missing or left over, or the JSON is not canonical.
    pub fn from_entry(entry: &[u8]) -> Result<Self, LedgerError> {
        let malformed = |reason: String| LedgerError::MalformedLeaf { reason };
        let json = entry.strip_prefix(&[LeafVersion::AccessTransparency as u8]).ok_or_else(|| {
            malformed("its version byte is not that of an access transparency event".to_owned())
        })?;
        let value = Strict::parse(json).map_err(|error| malformed(error.to_string()))?;
        let event = projected(&value).map_err(|refused| malformed(refused.to_string()))?.event;
        if event.to_entry()? == entry {
            Ok(event)
        } else {
            Err(malformed("its JSON is not how this event is written".to_owned()))
        }
    }

    /// Reads one event as a feed or an export of it holds it: a JSON object with these members and any others.
    ///
    /// # Errors
    /// [`NotServed::OtherType`] for a row of another kind. [`NotServed::Refused`] for bytes that two readers could understand
    /// differently: a member twice, a name that differs from one of ours by case alone, content behind the object, broken
    /// Unicode, a value that is no string, an index that is no bare number.
    pub fn from_served(bytes: &[u8]) -> Result<ServedEvent, NotServed> {
        let value = Strict::parse(bytes).map_err(|error| NotServed::Refused { reason: error.to_string() })?;
        projected(&value)
    }

    fn members(&self) -> Members<'_> {
        Members {
            accessed_at: self.accessed_at.as_deref(),
            accessor_department: self.accessor_department.as_deref(),
            actor: self
                .actor
                .as_ref()
                .map(|actor| ActorMembers { email_address: (), kind: actor.kind.as_deref() }),
            created_at: self.created_at.as_deref(),
            id: self.id.as_deref(),
            organization_id: self.organization_id.as_deref(),
            organization_uuid: self.organization_uuid.as_deref(),
            reason_code: self.reason_code.as_deref(),
            resource_details: self.resource.as_ref().map(|resource| ResourceMembers {
                id: resource.id.as_deref(),
                parent: (),
                kind: resource.kind.as_deref(),
            }),
            kind: self.kind.name(),
            workspace_id: self.workspace_id.as_deref(),
        }
    }

    /// The event's id, where it is one that a log of ours can know it by.
    pub(crate) fn event_id(&self) -> Result<EventId, LedgerError> {
        EventId::new(self.id.as_deref().unwrap_or_default())
    }

    /// When the event was recorded, read strictly: [`recorded_text`] must give the same text back.
    pub(crate) fn recorded_at(&self) -> Option<Timestamp> {
        let text = self.created_at.as_deref()?;
        text.parse().ok().filter(|at| recorded_text(*at) == text)
    }
}

/// What this program knows when it writes a public event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicFacts {
    /// Names the event, in feed and leaf: `activity_…`.
    pub id: EventId,
    /// Whose content.
    pub organization: OrganizationId,
    /// When it was opened or began to be kept, and recorded.
    pub at: Timestamp,
    /// In which role or department somebody acted, never who.
    pub department: Option<String>,
    /// Why.
    pub reason: AccessReason,
    /// What is named: the provider's id of an answer, or our id of a record.
    pub resource: String,
    /// Of which workspace, where it is known.
    pub workspace: Option<WorkspaceId>,
}

impl PublicFacts {
    /// The id of the public event number `ordinal` behind the event `cause`. The same cause gives the same ids, so that appending it
    /// once more after a crash cannot give one fact two names.
    ///
    /// # Errors
    /// Never for these lengths; the type asks for it.
    pub fn id_of(cause: &EventId, ordinal: u32) -> Result<EventId, LedgerError> {
        let digest =
            sha256(&[b"fiducia/activity/v1\n", cause.as_str().as_bytes(), b"\n", &ordinal.to_be_bytes()]);
        let [first, ..] = digest.as_chunks::<16>().0 else { return Err(LedgerError::InvalidEventId) };
        EventId::new(&format!(
            "activity_{}",
            uuid::Builder::from_custom_bytes(*first).into_uuid().hyphenated()
        ))
    }

    /// The leaf that says that content was opened for a person of the operator's staff.
    #[must_use]
    pub fn access(self) -> Leaf {
        self.leaf(AccessTransparencyKind::AnthropicAccess)
    }

    /// The leaf that says that content is kept outside of the key that its organisation holds.
    #[must_use]
    pub fn preservation(self) -> Leaf {
        self.leaf(AccessTransparencyKind::CmekPreserve)
    }

    fn leaf(self, kind: AccessTransparencyKind) -> Leaf {
        let event = AccessTransparencyEvent {
            kind,
            id: Some(self.id.as_str().to_owned()),
            created_at: Some(recorded_text(self.at)),
            accessed_at: Some(accessed_text(self.at)),
            accessor_department: self.department,
            actor: Some(EventActor { kind: Some("anthropic_actor".to_owned()) }),
            organization_id: Some(self.organization.to_string()),
            organization_uuid: Some(self.organization.uuid()),
            reason_code: Some(self.reason.name().to_owned()),
            resource: Some(EventResource { id: Some(self.resource), kind: Some("message".to_owned()) }),
            workspace_id: self.workspace.map(|workspace| workspace.to_string()),
        };
        Leaf { id: self.id, at: self.at, event: Event::AccessTransparency(Box::new(event)) }
    }
}

/// `created_at`: UTC with `Z`, no fraction or exactly six digits. What is finer is cut off, never rounded.
pub(crate) fn recorded_text(at: Timestamp) -> String {
    let micros = nanoseconds(at) / 1_000;
    let fraction = if micros == 0 { String::new() } else { format!(".{micros:06}") };
    format!("{}{fraction}Z", at.strftime("%Y-%m-%dT%H:%M:%S"))
}

/// `accessed_at`: UTC with `Z` and 0, 3, 6 or 9 digits of fraction, the fewest that are exact.
pub(crate) fn accessed_text(at: Timestamp) -> String {
    let nanos = nanoseconds(at);
    let fraction = match nanos {
        0 => String::new(),
        nanos if nanos % 1_000_000 == 0 => format!(".{:03}", nanos / 1_000_000),
        nanos if nanos % 1_000 == 0 => format!(".{:06}", nanos / 1_000),
        nanos => format!(".{nanos:09}"),
    };
    format!("{}{fraction}Z", at.strftime("%Y-%m-%dT%H:%M:%S"))
}

/// Nanoseconds since the second that `strftime` names, which is the one before `at` also for instants before 1970.
fn nanoseconds(at: Timestamp) -> i128 {
    at.as_nanosecond().rem_euclid(1_000_000_000)
}

#[derive(Serialize)]
struct Members<'a> {
    accessed_at: Option<&'a str>,
    accessor_department: Option<&'a str>,
    actor: Option<ActorMembers<'a>>,
    created_at: Option<&'a str>,
    id: Option<&'a str>,
    organization_id: Option<&'a str>,
    organization_uuid: Option<&'a str>,
    reason_code: Option<&'a str>,
    resource_details: Option<ResourceMembers<'a>>,
    #[serde(rename = "type")]
    kind: &'static str,
    workspace_id: Option<&'a str>,
}

/// The unit is written as null, whatever was served.
#[derive(Serialize)]
struct ActorMembers<'a> {
    email_address: (),
    #[serde(rename = "type")]
    kind: Option<&'a str>,
}

#[derive(Serialize)]
struct ResourceMembers<'a> {
    id: Option<&'a str>,
    parent: (),
    #[serde(rename = "type")]
    kind: Option<&'a str>,
}

/// The event within an outbox row: the text that its leaf will hold.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Carried {
    leaf: String,
}

impl From<AccessTransparencyEvent> for Carried {
    fn from(event: AccessTransparencyEvent) -> Self {
        // Texts and nulls cannot fail to be written; an empty text is refused when it is read back.
        Self { leaf: serde_json_canonicalizer::to_string(&event.members()).unwrap_or_default() }
    }
}

impl TryFrom<Carried> for AccessTransparencyEvent {
    type Error = LedgerError;

    fn try_from(carried: Carried) -> Result<Self, LedgerError> {
        let mut entry = vec![LeafVersion::AccessTransparency as u8];
        entry.extend_from_slice(carried.leaf.as_bytes());
        Self::from_entry(&entry)
    }
}

/// The event that a JSON object is about.
fn projected(value: &Strict) -> Result<ServedEvent, NotServed> {
    let event = members_of(value, "it", &EVENT_MEMBERS)?;
    let name = text(event, "type")?.unwrap_or_default();
    let Some(kind) = AccessTransparencyKind::of(&name) else {
        return Err(if AccessTransparencyKind::is_claimed_by(&name) {
            refused(format!("its type `{name}` is none that this version knows"))
        } else {
            NotServed::OtherType { kind: name }
        });
    };
    let actor = match present(event, "actor") {
        Some(actor) => {
            Some(EventActor { kind: text(members_of(actor, "its actor", &ACTOR_MEMBERS)?, "type")? })
        }
        None => None,
    };
    let resource = match present(event, "resource_details") {
        Some(resource) => {
            let resource = members_of(resource, "its resource", &RESOURCE_MEMBERS)?;
            Some(EventResource { id: text(resource, "id")?, kind: text(resource, "type")? })
        }
        None => None,
    };
    let leaf_index = match present(event, INDEX_MEMBER) {
        None => None,
        Some(Strict::Integer(index)) if i64::try_from(*index).is_ok() => Some(*index),
        Some(_) => return Err(refused(format!("its `{INDEX_MEMBER}` is not a bare number below 2^63"))),
    };
    let event = AccessTransparencyEvent {
        kind,
        id: text(event, "id")?,
        created_at: text(event, "created_at")?,
        accessed_at: text(event, "accessed_at")?,
        accessor_department: text(event, "accessor_department")?,
        actor,
        organization_id: text(event, "organization_id")?,
        organization_uuid: text(event, "organization_uuid")?,
        reason_code: text(event, "reason_code")?,
        resource,
        workspace_id: text(event, "workspace_id")?,
    };
    Ok(ServedEvent { event, leaf_index })
}

fn refused(reason: String) -> NotServed {
    NotServed::Refused { reason }
}

type ObjectMembers = [(String, Strict)];

/// The members of an object, none of which is one of `known` but for its case.
fn members_of<'a>(value: &'a Strict, what: &str, known: &[&str]) -> Result<&'a ObjectMembers, NotServed> {
    let Strict::Object(members) = value else { return Err(refused(format!("{what} is not an object"))) };
    for (name, _) in members.iter().filter(|(name, _)| !known.contains(&name.as_str())) {
        let fold = folded(name);
        if let Some(meant) = known.iter().find(|known| folded(known) == fold) {
            return Err(refused(format!("its member `{name}` differs from `{meant}` by case alone")));
        }
    }
    Ok(members)
}

/// A member that is there and not null.
fn present<'a>(members: &'a ObjectMembers, name: &str) -> Option<&'a Strict> {
    let found = members.iter().find(|(member, _)| member == name).map(|(_, value)| value);
    found.filter(|value| **value != Strict::Null)
}

fn text(members: &ObjectMembers, name: &str) -> Result<Option<String>, NotServed> {
    match present(members, name) {
        None => Ok(None),
        Some(Strict::Text(text)) => Ok(Some(text.clone())),
        Some(_) => Err(refused(format!("its `{name}` is not a string"))),
    }
}

/// One spelling for all that differs by case alone, also beyond ASCII: the long s and the Kelvin sign are letters of ours.
fn folded(text: &str) -> String {
    text.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase).collect()
}
