//! `policy publish`, `policy list`, `policy show`, `policy census`

use std::io::Read;
use std::path::Path;

use fiducia_custody::{CensusRow, PolicyRow, RetentionCommand, RetentionReply};
use fiducia_policy::{Policy, PolicyVersion, RetentionSpan, Situation, Timestamp};

use crate::arguments::DataOptions;
use crate::edge::operating_system_user;
use crate::failure::{ExitStatus, Failure};
use crate::output::{Align, Output, Table, bytes_of, instant, instant_or};
use crate::session::Session;

/// Most that is read of a file, in bytes: a little more than a policy may have, so that custody says what is wrong.
const FILE_BYTES_MAX: u64 = 1024 * 1024 + 1;

pub(super) fn publish(
    file: Option<&Path>,
    shipped: Option<&str>,
    data: &DataOptions,
) -> Result<ExitStatus, Failure> {
    let source = match (file, shipped.and_then(Policy::built_in_text)) {
        (Some(file), _) => read(file)?,
        (None, Some(text)) => text.to_owned(),
        (None, None) => return Err(Failure::Argument("name a policy's file, or --shipped NAME".to_owned())),
    };
    let session = Session::open(data)?;
    let command = RetentionCommand::PublishPolicy { source, actor: operating_system_user() };
    let RetentionReply::Policy(row) = session.govern(command)? else {
        return Err(Failure::UnexpectedReply("publish-policy"));
    };
    session.close();
    let mut output = Output::standard(data.json);
    if output.json() {
        output.value(&row)?;
    } else {
        output.line(format_args!("policy   {} `{}`", row.version, row.name))?;
        output.line(format_args!("digest   {}", row.digest))?;
        output.line("")?;
        output.line("It decides from now on, and every log says so. The next sweep carries it out.")?;
    }
    output.finish()?;
    Ok(ExitStatus::Success)
}

fn read(path: &Path) -> Result<String, Failure> {
    let failed = |cause| Failure::File { doing: "read", path: path.to_owned(), cause };
    let mut text = String::new();
    let file = std::fs::File::open(path).map_err(failed)?;
    file.take(FILE_BYTES_MAX).read_to_string(&mut text).map_err(failed)?;
    Ok(text)
}

pub(super) fn list(data: &DataOptions) -> Result<ExitStatus, Failure> {
    let session = Session::open(data)?;
    let RetentionReply::Policies(rows) = session.govern(RetentionCommand::ListPolicies)? else {
        return Err(Failure::UnexpectedReply("list-policies"));
    };
    session.close();
    let mut output = Output::standard(data.json);
    output.list(&rows, "no policies", policies)?;
    output.finish()?;
    Ok(ExitStatus::Success)
}

fn policies(rows: &[PolicyRow]) -> Table {
    let mut table = Table::new(&[
        ("VERSION", Align::Right),
        ("NAME", Align::Left),
        ("PUBLISHED", Align::Left),
        ("STATE", Align::Left),
        ("DIGEST", Align::Left),
    ]);
    let current = rows.iter().map(|row| row.version).max();
    for row in rows {
        table.row([
            row.version.to_string(),
            row.name.clone(),
            instant_or(row.published_at, "built in"),
            if Some(row.version) == current { "in force" } else { "earlier" }.to_owned(),
            row.digest.clone(),
        ]);
    }
    table
}

pub(super) fn show(version: Option<u32>, data: &DataOptions) -> Result<ExitStatus, Failure> {
    let session = Session::open(data)?;
    let command = RetentionCommand::ShowPolicy { version: version.map(PolicyVersion) };
    let RetentionReply::Policy(row) = session.govern(command)? else {
        return Err(Failure::UnexpectedReply("show-policy"));
    };
    session.close();
    let mut output = Output::standard(data.json);
    if output.json() {
        output.value(&row)?;
    } else {
        output.text(&crate::output::escape_controls(row.source.as_deref().unwrap_or_default()))?;
    }
    output.finish()?;
    Ok(ExitStatus::Success)
}

pub(super) fn census(data: &DataOptions) -> Result<ExitStatus, Failure> {
    let session = Session::open(data)?;
    let RetentionReply::Census(rows) = session.govern(RetentionCommand::Census)? else {
        return Err(Failure::UnexpectedReply("census"));
    };
    session.close();
    let mut output = Output::standard(data.json);
    if output.json() {
        // One object in a line, as `policy diff` and `policy simulate` read them.
        for row in &rows {
            output.value(&CensusLine::from(row))?;
        }
    } else {
        output.list(&rows, "nothing is kept", situations)?;
    }
    output.finish()?;
    Ok(ExitStatus::Success)
}

/// A row as a census file has it. What is kept of a conversation counts as captured with its last turn, which is as long as
/// anything of it may be kept.
#[derive(serde::Serialize)]
struct CensusLine {
    #[serde(flatten)]
    situation: Situation,
    #[serde(skip_serializing_if = "Option::is_none")]
    custom: Option<RetentionSpan>,
    created: Timestamp,
    last_active: Timestamp,
    people: u64,
    records: u64,
    bytes: u64,
}

impl From<&CensusRow> for CensusLine {
    fn from(row: &CensusRow) -> Self {
        Self {
            situation: row.situation,
            custom: row.custom_retention,
            created: row.day,
            last_active: row.day,
            people: row.people,
            records: row.records,
            bytes: row.bytes,
        }
    }
}

fn situations(rows: &[CensusRow]) -> Table {
    let mut table = Table::new(&[
        ("PLAN", Align::Left),
        ("TIER", Align::Left),
        ("CLASS", Align::Left),
        ("AGREEMENT", Align::Left),
        ("COVERED", Align::Left),
        ("TRAINING", Align::Left),
        ("LAST TURN ON", Align::Left),
        ("PEOPLE", Align::Right),
        ("CONVERSATIONS", Align::Right),
        ("RECORDS", Align::Right),
        ("SEALED", Align::Right),
    ]);
    let yes = |is: bool| if is { "yes" } else { "no" }.to_owned();
    for row in rows {
        let agreement = match row.custom_retention {
            Some(span) => format!("{}, {span}", row.situation.agreement),
            None => row.situation.agreement.to_string(),
        };
        table.row([
            row.situation.plan.to_string(),
            row.situation.tier.to_string(),
            row.situation.class.to_string(),
            agreement,
            yes(row.situation.covered),
            yes(row.situation.training),
            instant(row.day).chars().take("2026-01-01".len()).collect(),
            row.people.to_string(),
            row.conversations.to_string(),
            row.records.to_string(),
            bytes_of(row.bytes),
        ]);
    }
    table
}
