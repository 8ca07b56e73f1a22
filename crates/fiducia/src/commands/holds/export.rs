//! `holds export`

use fiducia_custody::{AdminCommand, AdminReply, HoldExport, HoldExportReport};

use crate::arguments::DataOptions;
use crate::failure::{ExitStatus, Failure};
use crate::output::{Output, count_of, escape_line};
use crate::session::Session;

/// Exports what a hold holds.
///
/// # Errors
/// When custody refused or failed; there is no file then. When records could not be read, after saying what is in the
/// file.
pub(super) fn run(mut export: HoldExport, data: &DataOptions) -> Result<ExitStatus, Failure> {
    // A server has another working directory.
    export.out = std::path::absolute(&export.out).map_err(|cause| Failure::File {
        doing: "find the place of",
        path: export.out.clone(),
        cause,
    })?;
    let session = Session::open(data)?;
    let AdminReply::Exported(report) = session.send(AdminCommand::ExportHold(export))? else {
        return Err(Failure::UnexpectedReply("export-hold"));
    };
    session.close();
    let mut output = Output::standard(data.json);
    if output.json() {
        output.value(&report)?;
    } else {
        for line in lines(&report) {
            output.line(line)?;
        }
    }
    output.finish()?;
    if report.records_unreadable > 0 {
        return Err(Failure::Finding(format!(
            "{} of the hold could not be read: their keys or their person's pseudonym went meanwhile. The manifest counts them",
            count_of(report.records_unreadable, "record")
        )));
    }
    Ok(ExitStatus::Success)
}

fn lines(report: &HoldExportReport) -> Vec<String> {
    let sealed = match report.recipients {
        0 => "no: whoever has the file can read it".to_owned(),
        recipients => format!("for {}", count_of(recipients, "recipient")),
    };
    let entries: Vec<String> = report.access_entries.iter().map(u64::to_string).collect();
    let entries =
        if entries.is_empty() { "none, because nothing is held".to_owned() } else { entries.join(", ") };
    vec![
        format!("file            {}", escape_line(&report.file.display().to_string())),
        format!("sealed          {sealed}"),
        format!("conversations   {}", report.conversations),
        format!("records         {}", report.records),
        format!("access entries  {entries}"),
        format!("manifest        {}", report.manifest_sha256),
        format!("ledger entry    {}", report.ledger_index),
    ]
}
