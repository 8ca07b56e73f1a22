//! Leaves: one version byte and one JSON object in canonical form (RFC 8785).

use std::fmt;

use fiducia_policy::{OrganizationId, Randomness, RandomnessUnavailable, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::access_transparency::{AccessTransparencyEvent, recorded_text};
use crate::error::LedgerError;
use crate::event::{Event, instant};

/// Longest entry: bundles frame entries with 16 bits.
pub const ENTRY_BYTES_MAX: usize = 65_535;

/// Longest event id.
const EVENT_ID_BYTES_MAX: usize = 128;

/// The byte an entry starts with. A new kind of leaf comes under a new byte, old leaves never hash anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
#[repr(u8)]
pub enum LeafVersion {
    /// Access Transparency events in their public form, see [`AccessTransparencyEvent`].
    AccessTransparency = 0x01,
    /// Our own events: `type`, `id`, `at`, `org` and the event's fields.
    Event = 0x80,
}

impl LeafVersion {
    const fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            0x01 => Some(Self::AccessTransparency),
            0x80 => Some(Self::Event),
            _ => None,
        }
    }
}

/// Names one event for good: appending is at-least-once after a crash, and this is what duplicates are known by.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct EventId(String);

impl EventId {
    /// An id that the caller has already.
    ///
    /// # Errors
    /// Unless it has 1 to 128 printable ASCII characters and no space.
    pub fn new(text: &str) -> Result<Self, LedgerError> {
        Self::try_from(text.to_owned())
    }

    /// A fresh id: `event_` and a version 7 UUID.
    ///
    /// # Errors
    /// When the source of randomness fails.
    pub fn generate(now: Timestamp, randomness: &dyn Randomness) -> Result<Self, RandomnessUnavailable> {
        let mut random = [0_u8; 10];
        randomness.fill(&mut random)?;
        let millis = u64::try_from(now.as_millisecond()).unwrap_or(0);
        let id = uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid();
        Ok(Self(format!("event_{}", id.hyphenated())))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for EventId {
    type Error = LedgerError;

    fn try_from(text: String) -> Result<Self, LedgerError> {
        let fits = (1..=EVENT_ID_BYTES_MAX).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_graphic());
        if fits { Ok(Self(text)) } else { Err(LedgerError::InvalidEventId) }
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One fact to be logged. The organisation is given with it when it is appended, because it says which log.
#[derive(Debug, Clone, PartialEq)]
pub struct Leaf {
    /// Names the event.
    pub id: EventId,
    /// When it happened; written in microseconds, what is finer is cut off.
    pub at: Timestamp,
    /// What happened.
    pub event: Event,
}

#[derive(Serialize)]
struct Encoded<'a> {
    id: &'a EventId,
    #[serde(serialize_with = "instant::serialize")]
    at: &'a Timestamp,
    org: OrganizationId,
    #[serde(flatten)]
    event: &'a Event,
}

impl Leaf {
    /// The entry's bytes: `0x80 || canonical JSON`, or `0x01` and the public form for [`Event::AccessTransparency`].
    ///
    /// # Errors
    /// When a value does not fit its limit, the event is [`Event::Unknown`], the entry exceeds 65,535 bytes, or a public event says
    /// of itself another id, instant or organisation than the leaf.
    pub fn to_entry(&self, organization: OrganizationId) -> Result<Vec<u8>, LedgerError> {
        if let Event::AccessTransparency(event) = &self.event {
            return self.to_public_entry(event, organization);
        }
        let encoded = Encoded { id: &self.id, at: &self.at, org: organization, event: &self.event };
        let mut entry = vec![LeafVersion::Event as u8];
        serde_json_canonicalizer::to_writer(&encoded, &mut entry)
            .map_err(|error| LedgerError::Encoding { reason: error.to_string() })?;
        if entry.len() > ENTRY_BYTES_MAX {
            return Err(LedgerError::EntryTooLarge { bytes: entry.len() });
        }
        Ok(entry)
    }

    fn to_public_entry(
        &self,
        event: &AccessTransparencyEvent,
        organization: OrganizationId,
    ) -> Result<Vec<u8>, LedgerError> {
        let own = event.event_id()? == self.id
            && event.created_at.as_deref() == Some(&recorded_text(self.at))
            && event.organization_uuid.as_deref() == Some(&organization.uuid());
        if own {
            event.to_entry()
        } else {
            let reason = "a public event says another id, instant or organisation than its leaf".to_owned();
            Err(LedgerError::Encoding { reason })
        }
    }
}

/// A leaf as the log holds it.
#[derive(Debug, Clone, PartialEq)]
pub struct LoggedLeaf {
    /// The kind of leaf.
    pub version: LeafVersion,
    /// Whose log it is in, by its own words.
    pub organization: OrganizationId,
    /// The fact.
    pub leaf: Leaf,
}

impl LoggedLeaf {
    /// Reads an entry. Only the exact bytes that the writer would produce are accepted; an event type that this
    /// version does not know is kept as [`Event::Unknown`].
    ///
    /// # Errors
    /// When the version byte is unknown, or the JSON is not canonical or lacks a field.
    pub fn parse(entry: &[u8]) -> Result<Self, LedgerError> {
        let malformed = |reason: &str| LedgerError::MalformedLeaf { reason: reason.to_owned() };
        let (byte, json) = entry.split_first().ok_or_else(|| malformed("it is empty"))?;
        let version =
            LeafVersion::from_byte(*byte).ok_or_else(|| malformed("its version byte is unknown"))?;
        if version == LeafVersion::AccessTransparency {
            return Self::parse_public(entry);
        }
        let value: Value = serde_json::from_slice(json).map_err(|error| malformed(&error.to_string()))?;
        let canonical =
            serde_json_canonicalizer::to_vec(&value).map_err(|error| malformed(&error.to_string()))?;
        if canonical != json {
            return Err(malformed("its JSON is not in canonical form"));
        }
        let Value::Object(mut fields) = value else { return Err(malformed("it is not an object")) };
        let id = take(&mut fields, "id")?;
        let organization: OrganizationId = take(&mut fields, "org")?;
        let Instant(at) = take(&mut fields, "at")?;
        let kind =
            fields.get("type").and_then(Value::as_str).ok_or_else(|| malformed("it has no type"))?.to_owned();
        if !Event::is_known(&kind) {
            let raw = String::from_utf8(canonical).map_err(|_| malformed("it is not UTF-8"))?;
            return Ok(Self {
                version,
                organization,
                leaf: Leaf { id, at, event: Event::Unknown { kind, raw } },
            });
        }
        let event =
            serde_json::from_value(Value::Object(fields)).map_err(|error| malformed(&error.to_string()))?;
        let leaf = Leaf { id, at, event };
        // Writing it again finds whatever the types let pass: other spellings of times or ids, fields left over.
        if leaf.to_entry(organization)? != entry {
            return Err(malformed("it is not how this event is written"));
        }
        Ok(Self { version, organization, leaf })
    }
}

impl LoggedLeaf {
    /// Reads a leaf in the public form, as this program writes it: with an id, an instant and an organisation.
    fn parse_public(entry: &[u8]) -> Result<Self, LedgerError> {
        let malformed = |reason: &str| LedgerError::MalformedLeaf { reason: reason.to_owned() };
        let event = AccessTransparencyEvent::from_entry(entry)?;
        let id = event.event_id()?;
        let at = event.recorded_at().ok_or_else(|| malformed("its `created_at` is malformed"))?;
        let uuid = event.organization_uuid.as_deref().unwrap_or_default();
        let organization: OrganizationId =
            uuid.parse().map_err(|_| malformed("its organisation is malformed"))?;
        if organization.uuid() != uuid {
            return Err(malformed("its organisation is not written in lower case"));
        }
        let leaf = Leaf { id, at, event: Event::AccessTransparency(Box::new(event)) };
        Ok(Self { version: LeafVersion::AccessTransparency, organization, leaf })
    }
}

#[derive(Deserialize)]
#[serde(transparent)]
struct Instant(#[serde(with = "instant")] Timestamp);

fn take<T: serde::de::DeserializeOwned>(
    fields: &mut serde_json::Map<String, Value>,
    name: &'static str,
) -> Result<T, LedgerError> {
    let value = fields
        .remove(name)
        .ok_or_else(|| LedgerError::MalformedLeaf { reason: format!("it has no `{name}`") })?;
    serde_json::from_value(value)
        .map_err(|error| LedgerError::MalformedLeaf { reason: format!("its `{name}` is malformed: {error}") })
}
