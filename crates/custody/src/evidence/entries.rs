//! Entries of a log, as people read them: what an entry says is taken apart without trusting it.

use fiducia_ledger::{Event, LogReader, LoggedLeaf, leaf_hash};
use fiducia_policy::{OrganizationId, Timestamp};

use crate::AdminError;
use crate::administer::hex;
use crate::reading::Reader;

/// Rows of a list.
const LIST_ROWS_MAX: u32 = 1_000;
/// Entries that one question looks at. Whoever wants more goes on where it stopped.
const ENTRIES_LOOKED_AT_MAX: u64 = 16_384;
/// Entries that lie in one bundle of the log, and are read together.
const BUNDLE: u64 = 256;
/// Fields that are shown of one entry, and how long a value may be.
const FIELDS_MAX: usize = 64;
const VALUE_CHARACTERS_MAX: usize = 4_096;

/// Which entries are asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct EntryFilter {
    /// Only of this type, such as `record_access`.
    pub kind: Option<String>,
    /// Only those that say that they happened on this day, in UTC.
    pub day: Option<jiff::civil::Date>,
}

impl EntryFilter {
    /// The filter that somebody typed: nothing where nothing was typed, `None` where a day is none (`2026-10-08`).
    pub fn typed(kind: &str, day: &str) -> Option<Self> {
        let (kind, day) = (kind.trim(), day.trim());
        let day = if day.is_empty() { None } else { Some(day.parse().ok()?) };
        Some(Self { kind: (!kind.is_empty()).then(|| kind.to_owned()), day })
    }
}

/// What kind of thing an entry is, by its first byte and its form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EntryShape {
    /// A fact that this version of the program writes and reads.
    Known,
    /// A fact in the program's own form, of a type that this version does not know.
    Newer,
    /// A leaf of another kind, or bytes that are no leaf. What it says is shown as far as it can be read.
    Other,
}

/// An entry, taken apart.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct EntryRow {
    /// Its place in the log.
    pub index: u64,
    /// What kind of thing it is.
    pub shape: EntryShape,
    /// Its first byte.
    pub version: u8,
    /// What it says that it is, such as `keys_destroyed`; empty where it does not say.
    pub kind: String,
    /// When it says that it happened.
    pub at: Option<Timestamp>,
    /// What else it says: names and values, in the order of the names. Lists are joined by commas.
    pub fields: Vec<(String, String)>,
    /// Its leaf hash, hex.
    pub leaf_hash: String,
}

/// A part of a log.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct EntryPage {
    /// How many entries the published log has.
    pub size: u64,
    /// Entries, the newest first.
    pub rows: Vec<EntryRow>,
    /// Before which entry the list goes on; `None` at the beginning of the log.
    pub next_before: Option<u64>,
    /// How many entries were looked at for these.
    pub looked_at: u64,
}

impl EntryRow {
    /// Takes an entry apart. Nothing in it is obeyed, and nothing makes this fail.
    pub(crate) fn of(index: u64, entry: &[u8]) -> Self {
        let known = LoggedLeaf::parse(entry);
        let shape = match &known {
            Ok(logged) if matches!(logged.leaf.event, Event::Unknown { .. }) => EntryShape::Newer,
            Ok(_) => EntryShape::Known,
            Err(_) => EntryShape::Other,
        };
        let json = entry.get(1..).and_then(|json| serde_json::from_slice::<serde_json::Value>(json).ok());
        let Some(serde_json::Value::Object(object)) = json else {
            return Self {
                index,
                shape,
                version: entry.first().copied().unwrap_or_default(),
                kind: String::new(),
                at: None,
                fields: Vec::new(),
                leaf_hash: hex(&leaf_hash(entry)),
            };
        };
        let text = |name: &str| object.get(name).and_then(serde_json::Value::as_str);
        let kind = text("type").filter(|kind| is_plain(kind)).unwrap_or_default().to_owned();
        let at = ["at", "created_at"].into_iter().find_map(|name| text(name)?.parse().ok());
        let mut fields: Vec<(String, String)> = object
            .iter()
            .filter(|(name, _)| name.as_str() != "type" && name.as_str() != "at")
            .map(|(name, value)| (shortened(name), shortened(&said(value))))
            .collect();
        fields.sort_unstable();
        fields.truncate(FIELDS_MAX);
        let version = entry.first().copied().unwrap_or_default();
        Self { index, shape, version, kind, at, fields, leaf_hash: hex(&leaf_hash(entry)) }
    }

    fn fits(&self, filter: &EntryFilter) -> bool {
        let day = |at: Timestamp| at.to_zoned(jiff::tz::TimeZone::UTC).date();
        filter.kind.as_ref().is_none_or(|kind| *kind == self.kind)
            && filter.day.is_none_or(|wanted| self.at.is_some_and(|at| day(at) == wanted))
    }
}

/// Whether a text can be the name of a type.
fn is_plain(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-' || byte == b'.')
}

/// A value in one line.
fn said(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::String(text) => text.clone(),
        serde_json::Value::Array(values) => values.iter().map(said).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(VALUE_CHARACTERS_MAX) {
        Some((cut, _)) => format!("{}…", text.get(..cut).unwrap_or_default()),
        None => text.to_owned(),
    }
}

impl Reader {
    /// Entries of an organisation's published log, the newest first.
    pub(super) fn entries(
        &self,
        organization: OrganizationId,
        filter: &EntryFilter,
        before: Option<u64>,
        limit: u32,
    ) -> Result<EntryPage, AdminError> {
        if limit == 0 || limit > LIST_ROWS_MAX {
            return Err(AdminError::Invalid(format!("a list has 1 to {LIST_ROWS_MAX} rows")));
        }
        // What is durable already comes under a checkpoint too, so that the newest is there.
        self.scribe.settle();
        let (log, _) = self.log_of(organization)?;
        page(&log, filter, before, limit)
    }
}

/// Walks a log backwards, a bundle at a time.
fn page(
    log: &LogReader,
    filter: &EntryFilter,
    before: Option<u64>,
    limit: u32,
) -> Result<EntryPage, AdminError> {
    let size = log.checkpoint().size;
    let wanted = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut end = before.unwrap_or(size).min(size);
    let mut found = EntryPage { size, rows: Vec::new(), next_before: None, looked_at: 0 };
    while end > 0 {
        let start = (end - 1) / BUNDLE * BUNDLE;
        let mut bundle = Vec::new();
        for entry in log.entries(start).take(usize::try_from(end - start).unwrap_or(0)) {
            bundle.push(
                entry.map_err(|error| AdminError::Storage(format!("the log cannot be read: {error}")))?,
            );
        }
        for (index, entry) in bundle.iter().rev() {
            if found.rows.len() >= wanted || found.looked_at >= ENTRIES_LOOKED_AT_MAX {
                found.next_before = Some(index + 1);
                return Ok(found);
            }
            found.looked_at += 1;
            let row = EntryRow::of(*index, entry);
            if row.fits(filter) {
                found.rows.push(row);
            }
        }
        end = start;
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn leaves_of_other_kinds_are_shown_as_far_as_they_can_be_read() {
        let foreign = [
            b"\x01".as_slice(),
            br#"{"created_at":"2026-01-02T03:04:05Z","type":"access","b":[1,"<i>"],"a":null}"#,
        ]
        .concat();
        let row = EntryRow::of(7, &foreign);
        assert_eq!((row.shape, row.version, row.kind.as_str()), (EntryShape::Other, 1, "access"));
        assert_eq!(row.at, Some("2026-01-02T03:04:05Z".parse().unwrap()));
        let field =
            |name: &str| row.fields.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str());
        assert_eq!((field("a"), field("b")), (Some("null"), Some("1, <i>")));
        let newer = br#"{"at":"2026-01-02T03:04:05.000000Z","id":"event_1","org":"org_00000000-0000-4000-8000-000000000000","type":"moon_landed"}"#;
        let newer = EntryRow::of(0, &[b"\x80".as_slice(), newer].concat());
        assert_eq!((newer.shape, newer.kind.as_str()), (EntryShape::Newer, "moon_landed"));
    }

    proptest! {
        #[test]
        fn no_bytes_make_an_entry_unreadable(bytes in proptest::collection::vec(any::<u8>(), 0..200), text in "\\PC{0,200}") {
            prop_assert_eq!(EntryRow::of(1, &bytes).leaf_hash.len(), 64);
            let json = serde_json::json!({ "type": text, "at": text, text.clone(): [text] });
            let row = EntryRow::of(1, &[vec![0x80], json.to_string().into_bytes()].concat());
            prop_assert!(row.kind.len() <= 64 && row.fields.len() <= FIELDS_MAX);
        }
    }
}
