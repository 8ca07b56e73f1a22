//! A census: how many people, records and bytes there are of each kind, without saying whose.

use crate::cases::instant;
use crate::edge::Timestamp;
use crate::retention::{Agreement, Facts, Plan, RecordClass, RetentionSpan, Situation, Tier};

/// The most rows in a census.
const ROWS_MAX: usize = 1_000_000;

/// Records that are alike, counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CensusRow {
    /// What they are.
    pub situation: Situation,
    /// What happened to them.
    pub facts: Facts,
    /// How many people they belong to. A person with records in several rows counts in each.
    pub people: u64,
    /// How many there are.
    pub records: u64,
    /// Their bytes at rest.
    pub bytes: u64,
}

/// A census that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the census cannot be used: line {line}: {text}")]
pub struct CensusError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong and what to do.
    pub text: String,
}

/// A row as it is written: one JSON object in a line. Dates are instants or days.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    plan: Plan,
    tier: Tier,
    class: RecordClass,
    #[serde(default = "standard")]
    agreement: Agreement,
    #[serde(default)]
    covered: bool,
    #[serde(default)]
    training: bool,
    created: Option<String>,
    last_active: Option<String>,
    deleted: Option<String>,
    closed: Option<String>,
    flagged: Option<String>,
    feedback: Option<String>,
    case_opened: Option<String>,
    case_closed: Option<String>,
    erasure_requested: Option<String>,
    released: Option<String>,
    #[serde(default)]
    held: bool,
    custom: Option<RetentionSpan>,
    people: u64,
    records: u64,
    bytes: u64,
}

const fn standard() -> Agreement {
    Agreement::Standard
}

/// Reads a census: JSON lines with `plan`, `tier`, `class`, `people`, `records` and `bytes`; optional are `agreement`,
/// `covered`, `training`, `custom`, `held` and the dates `created`, `last_active`, `deleted`, `closed`, `flagged`,
/// `feedback`, `case_opened`, `case_closed`, `erasure_requested` and `released`. Records without `created` count as
/// captured at `now`.
///
/// # Errors
/// With the first line that is wrong.
pub fn read_census(text: &str, now: Timestamp) -> Result<Vec<CensusRow>, CensusError> {
    let mut rows = Vec::new();
    for (line, written) in (1..).zip(text.lines()).filter(|(_, written)| !written.trim().is_empty()) {
        if rows.len() == ROWS_MAX {
            let text =
                format!("there are more than {ROWS_MAX} rows; count records that are alike in one row");
            return Err(CensusError { line, text });
        }
        rows.push(row(written, now).map_err(|text| CensusError { line, text })?);
    }
    Ok(rows)
}

fn row(text: &str, now: Timestamp) -> Result<CensusRow, String> {
    let line: Line = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let date = |text: Option<String>| text.map(|text| instant(&text)).transpose();
    let facts = Facts {
        created_at: date(line.created)?.unwrap_or(now),
        last_active_at: date(line.last_active)?,
        deleted_at: date(line.deleted)?,
        closed_at: date(line.closed)?,
        flagged_at: date(line.flagged)?,
        feedback_at: date(line.feedback)?,
        case_opened_at: date(line.case_opened)?,
        case_closed_at: date(line.case_closed)?,
        erasure_requested_at: date(line.erasure_requested)?,
        held: line.held,
        released_at: date(line.released)?,
        release_ends_at: None,
        custom: line.custom,
    };
    let situation = Situation {
        plan: line.plan,
        tier: line.tier,
        class: line.class,
        agreement: line.agreement,
        covered: line.covered,
        training: line.training,
    };
    Ok(CensusRow { situation, facts, people: line.people, records: line.records, bytes: line.bytes })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROW: &str = r#"{"plan":"free","tier":"restricted","class":"chat","created":"2026-01-10","people":2,"records":30,"bytes":4000}"#;

    #[test]
    fn rows_are_read_and_wrong_ones_are_named() {
        let now = Timestamp::UNIX_EPOCH;
        let rows =
            read_census(&format!("{ROW}\n\n{}", ROW.replace(r#""created":"2026-01-10","#, "")), now).unwrap();
        assert_eq!(rows[0].facts.created_at.to_string(), "2026-01-10T00:00:00Z");
        assert_eq!((rows[1].facts.created_at, rows[1].people, rows[1].bytes), (now, 2, 4_000));
        for (from, to, words) in [
            ("free", "gratis", "unknown variant `gratis`"),
            ("2026-01-10", "yesterday", "no instant"),
            ("people", "folk", "unknown field"),
        ] {
            let error = read_census(&format!("{ROW}\n{}", ROW.replace(from, to)), now).unwrap_err();
            assert!(error.line == 2 && error.text.contains(words), "{error}");
        }
    }
}
