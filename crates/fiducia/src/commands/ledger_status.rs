//! `ledger status`: how far each log was published, and how far witnesses cosigned it; on files alone.

use std::path::Path;

use fiducia_ledger::{Checkpoint, CosignerKey, LogReader};
use fiducia_policy::OrganizationId;
use fiducia_server::{WitnessingSettings, witnessed_checkpoint};

use super::ledger::{Log, select};
use crate::arguments::LogOptions;
use crate::configuration;
use crate::failure::{ExitStatus, Failure};
use crate::output::{Align, Output, Table, instant};

/// How one log stands.
#[derive(serde::Serialize)]
struct Standing {
    organization: OrganizationId,
    entries: u64,
    /// Absent where no witness is configured.
    #[serde(skip_serializing_if = "Option::is_none")]
    witnessed: Option<Witnessed>,
}

/// How far witnesses have cosigned a log.
#[derive(serde::Serialize)]
struct Witnessed {
    /// Entries that the quorum cosigned.
    entries: u64,
    /// Entries after them.
    unwitnessed: u64,
    /// When the last of those that cosigned did.
    at: Option<String>,
    /// Who cosigned.
    by: Vec<String>,
    quorum: usize,
    when_short: &'static str,
}

pub(super) fn run(options: &LogOptions) -> Result<ExitStatus, Failure> {
    let selection = select(options)?;
    let witnessing = match options.directory {
        Some(_) => None,
        None => configuration::load(&options.data.file.config)?.witnessing(),
    };
    let mut standings = Vec::new();
    for log in &selection.logs {
        standings.push(standing(log, witnessing.as_ref())?);
    }
    let mut output = Output::standard(options.data.json);
    output.list(&standings, "there is no log", table)?;
    output.finish()?;
    Ok(ExitStatus::Success)
}

fn table(standings: &[Standing]) -> Table {
    let mut table = Table::new(&[
        ("ORGANISATION", Align::Left),
        ("ENTRIES", Align::Right),
        ("WITNESSED", Align::Right),
        ("NOT YET", Align::Right),
        ("COSIGNED", Align::Left),
        ("BY", Align::Left),
        ("WHEN SHORT", Align::Left),
    ]);
    for standing in standings {
        let mut cells = vec![standing.organization.to_string(), standing.entries.to_string()];
        match &standing.witnessed {
            None => cells.extend(["", "", "", "no witness is configured", ""].map(str::to_owned)),
            Some(witnessed) => cells.extend([
                witnessed.entries.to_string(),
                witnessed.unwitnessed.to_string(),
                witnessed.at.clone().unwrap_or_else(|| "never".to_owned()),
                format!("{} (quorum {})", witnessed.by.join(", "), witnessed.quorum),
                witnessed.when_short.to_owned(),
            ]),
        }
        table.row(cells);
    }
    table
}

fn standing(log: &Log, witnessing: Option<&WitnessingSettings>) -> Result<Standing, Failure> {
    let reader =
        LogReader::open(&log.directory, &log.keys).map_err(|error| Failure::Ledger(error.to_string()))?;
    let entries = reader.checkpoint().size;
    let witnessed = witnessing.map(|settings| witnessed(log, settings, entries));
    Ok(Standing { organization: log.organization, entries, witnessed })
}

fn witnessed(log: &Log, settings: &WitnessingSettings, entries: u64) -> Witnessed {
    let keys: Vec<&CosignerKey> = settings.witnesses.iter().map(|witness| &witness.key).collect();
    let mut found = Witnessed {
        entries: 0,
        unwitnessed: entries,
        at: None,
        by: Vec::new(),
        quorum: settings.quorum,
        when_short: settings.when_short.name(),
    };
    let Some(note) = cosigned_note(&settings.directory, log) else { return found };
    let cosigned = keys.iter().filter_map(|key| Some((key.name(), key.cosigned_at(note.as_bytes()).ok()?)));
    let cosigned: Vec<_> = cosigned.collect();
    let checkpoint = Checkpoint::verify(note.as_bytes(), &log.keys);
    if let (Ok(checkpoint), true) = (checkpoint, cosigned.len() >= settings.quorum) {
        found.entries = checkpoint.size;
        found.unwitnessed = entries.saturating_sub(checkpoint.size);
        found.at = cosigned.iter().map(|(_, at)| *at).max().map(instant);
        found.by = cosigned.into_iter().map(|(name, _)| name.to_owned()).collect();
    }
    found
}

/// The last checkpoint of a log that a quorum had cosigned, as it was kept.
pub(super) fn cosigned_note(directory: &Path, log: &Log) -> Option<String> {
    std::fs::read_to_string(witnessed_checkpoint(directory, log.origin())).ok()
}
