//! `consent import`: choices from a file of JSON lines.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use fiducia_custody::{ConsentCommand as Asked, ConsentReply, ImportedChoice};
use fiducia_policy::OrganizationId;

use super::ask_in;
use crate::arguments::DataOptions;
use crate::edge::operating_system_user;
use crate::failure::{ExitStatus, Failure};
use crate::output::{Output, count_of, escape_line, remark};
use crate::session::Session;

/// Choices handed over together.
const CHOICES_PER_STEP: usize = 1_000;
/// A longer line is no choice.
const LINE_BYTES_MAX: u64 = 64 * 1024;
/// Refused lines that are said one by one.
const REFUSALS_SAID_MAX: u64 = 100;

/// What came of the file so far.
#[derive(Default, serde::Serialize)]
struct Totals {
    entered: u64,
    repeated: u64,
    refused: u64,
}

pub(super) fn run(path: &Path, organization: &str, data: &DataOptions) -> Result<ExitStatus, Failure> {
    let failed = |cause| Failure::File { doing: "read", path: path.to_owned(), cause };
    let mut lines = BufReader::new(std::fs::File::open(path).map_err(failed)?);
    let session = Session::open(data)?;
    let organization = session.organization(organization)?;
    let mut totals = Totals::default();
    let (mut choices, mut numbers) = (Vec::new(), Vec::new());
    let mut number = 0_u64;
    loop {
        let mut line = String::new();
        let read = (&mut lines).take(LINE_BYTES_MAX).read_line(&mut line).map_err(failed)?;
        number += 1;
        if read > 0 {
            match serde_json::from_str::<ImportedChoice>(line.trim_end()) {
                Ok(choice) => {
                    choices.push(choice);
                    numbers.push(number);
                }
                Err(error) => refuse(&mut totals, number, &error),
            }
        }
        if choices.len() >= CHOICES_PER_STEP || (read == 0 && !choices.is_empty()) {
            let step = (std::mem::take(&mut choices), std::mem::take(&mut numbers));
            enter(&session, organization, step, &mut totals)?;
        }
        if read == 0 {
            break;
        }
    }
    session.close();
    let mut output = Output::standard(data.json);
    if output.json() {
        output.value(&totals)?;
    } else {
        output.line(format_args!(
            "{} entered, {} entered before, {} refused",
            count_of(totals.entered, "choice"),
            totals.repeated,
            totals.refused
        ))?;
    }
    output.finish()?;
    Ok(if totals.refused == 0 { ExitStatus::Success } else { ExitStatus::Finding })
}

fn enter(
    session: &Session,
    organization: OrganizationId,
    (choices, numbers): (Vec<ImportedChoice>, Vec<u64>),
    totals: &mut Totals,
) -> Result<(), Failure> {
    let command = Asked::Import { organization, choices, actor: operating_system_user() };
    let ConsentReply::Imported(report) = ask_in(session, command)? else {
        return Err(Failure::UnexpectedReply("consent"));
    };
    totals.entered += report.entered;
    totals.repeated += report.repeated;
    for refused in report.refused {
        refuse(totals, numbers.get(refused.place).copied().unwrap_or(0), &refused.error);
    }
    Ok(())
}

fn refuse(totals: &mut Totals, number: u64, why: &dyn std::fmt::Display) {
    totals.refused += 1;
    if totals.refused <= REFUSALS_SAID_MAX {
        remark(format_args!("line {number}: {}", escape_line(&why.to_string())));
    }
}
