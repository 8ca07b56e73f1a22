//! `audit report`, `audit list`, `audit show`, `audit verify`

mod document;
mod page;

use std::path::{Path, PathBuf};

use super::kept_file::{given_keys, read_at_most};
use crate::arguments::{AuditCommand, DataOptions};
use crate::failure::{ExitStatus, Failure};
use crate::output::{Align, Output, Table, instant, remark};
use crate::session::Session;
use fiducia_custody::{
    AUDIT_FILE_BYTES_MAX, AdminCommand, AdminReply, AuditCommand as Asked, AuditReply, AuditReport,
    AuditReportRow, PromiseStanding, VerifiedAuditReport, verify_audit_file,
};

pub(super) fn run(command: AuditCommand) -> Result<ExitStatus, Failure> {
    match command {
        AuditCommand::Report { organization, out, data } => report(&organization, &out, &data),
        AuditCommand::List { organization, limit, data } => list(&organization, limit, &data),
        AuditCommand::Show { reference, out, data } => show(&reference, &out, &data),
        AuditCommand::Verify { file, verifier_keys, json } => verify(&file, &verifier_keys, json),
    }
}

fn ask(session: &Session, command: Asked) -> Result<AuditReply, Failure> {
    match session.send(AdminCommand::Audit(command))? {
        AdminReply::Audited(reply) => Ok(reply),
        _ => Err(Failure::UnexpectedReply("audit")),
    }
}

fn report(organization: &str, out: &Path, data: &DataOptions) -> Result<ExitStatus, Failure> {
    let session = Session::open(data)?;
    let organization = session.organization(organization)?;
    // Whatever stands in the way of writing is found before anything is announced in the log.
    make_folder(out)?;
    let AuditReply::Issued { reference, .. } = ask(&session, Asked::Report { organization })? else {
        return Err(Failure::UnexpectedReply("audit"));
    };
    let status = write_files(&session, &reference, out, data.json)?;
    session.close();
    Ok(status)
}

fn show(reference: &str, out: &Path, data: &DataOptions) -> Result<ExitStatus, Failure> {
    let session = Session::open(data)?;
    make_folder(out)?;
    write_files(&session, reference, out, data.json)?;
    session.close();
    Ok(ExitStatus::Success)
}

fn make_folder(out: &Path) -> Result<(), Failure> {
    std::fs::create_dir_all(out).map_err(|cause| Failure::File { doing: "make", path: out.to_owned(), cause })
}

/// Writes the three files and says what the report comes to.
fn write_files(session: &Session, reference: &str, out: &Path, json: bool) -> Result<ExitStatus, Failure> {
    let AuditReply::File { text, verifier_keys } =
        ask(session, Asked::Show { reference: reference.to_owned() })?
    else {
        return Err(Failure::UnexpectedReply("audit"));
    };
    let verified = checked(text.as_bytes(), &verifier_keys)?;
    let unmade = |error: &dyn std::fmt::Display| Failure::Finding(error.to_string());
    let html = page::render(&verified, &verifier_keys).map_err(|error| unmade(&error))?;
    let pdf = document::render(&verified, &verifier_keys).map_err(|error| unmade(&error))?;
    let files: [(PathBuf, &[u8]); 3] = [
        (out.join(format!("{reference}.html")), html.as_bytes()),
        (out.join(format!("{reference}.pdf")), &pdf),
        (out.join(format!("{reference}.json")), text.as_bytes()),
    ];
    for (path, bytes) in &files {
        std::fs::write(path, bytes).map_err(|cause| Failure::File {
            doing: "write",
            path: path.clone(),
            cause,
        })?;
    }
    let mut output = Output::standard(json);
    if json {
        output.value(&verified.report)?;
    } else {
        for line in lines(&verified) {
            output.line(line)?;
        }
        for (path, _) in &files {
            output.line(format_args!("wrote {}", path.display()))?;
        }
    }
    output.finish()?;
    if !json {
        remark(format_args!("the JSON file is checked with either of these keys, kept elsewhere:"));
        for key in &verifier_keys {
            remark(format_args!("  {key}"));
        }
    }
    let is_contradicted = verified.report.count(PromiseStanding::Contradicted) > 0;
    Ok(if is_contradicted { ExitStatus::Finding } else { ExitStatus::Success })
}

fn list(organization: &str, limit: u32, data: &DataOptions) -> Result<ExitStatus, Failure> {
    let session = Session::open(data)?;
    let organization = session.organization(organization)?;
    let AuditReply::Reports(rows) = ask(&session, Asked::List { organization, limit })? else {
        return Err(Failure::UnexpectedReply("audit"));
    };
    session.close();
    let mut output = Output::standard(data.json);
    output.list(&rows, "no audit reports yet; `fiducia audit report` makes one", table)?;
    output.finish()?;
    Ok(ExitStatus::Success)
}

fn table(rows: &[AuditReportRow]) -> Table {
    let mut table = Table::new(&[
        ("REFERENCE", Align::Left),
        ("ISSUED", Align::Left),
        ("SHOWN", Align::Right),
        ("PARTLY", Align::Right),
        ("NOT", Align::Right),
        ("CONTRADICTED", Align::Right),
        ("ENTRY", Align::Right),
    ]);
    for row in rows {
        let mut cells = vec![row.reference.clone(), instant(row.issued_at)];
        cells.extend(row.standings.iter().map(u64::to_string));
        cells.push(row.ledger_index.map_or_else(|| "-".to_owned(), |index| index.to_string()));
        table.row(cells);
    }
    table
}

/// What a report comes to, line by line.
fn lines(verified: &VerifiedAuditReport) -> Vec<String> {
    let report = &verified.report;
    let mut lines = vec![
        format!("{} about {}: {}", report.reference, report.organization.name, counts(report)),
        format!(
            "  log             entry {} of {}, under a signed checkpoint at size {}",
            verified.ledger_index, report.log.origin, verified.checkpoint.size
        ),
        format!("  SHA-256         {}", verified.digest),
    ];
    let contradicted =
        report.promises.iter().filter(|promise| promise.standing == PromiseStanding::Contradicted);
    for promise in contradicted {
        lines.push(format!("  {} CONTRADICTED: {}", promise.promise, promise.statement));
        let failed =
            promise.evidence.iter().filter(|evidence| evidence.verdict == fiducia_custody::Verdict::Fails);
        lines.extend(failed.map(|evidence| format!("      {}: found {}", evidence.what, evidence.found)));
    }
    lines
}

/// How many promises there are of each standing, in words.
pub(super) fn counts(report: &AuditReport) -> String {
    let counted =
        PromiseStanding::ALL.map(|standing| format!("{} {}", report.count(standing), standing.in_words()));
    counted.join(", ")
}

/// A file that holds, by one of these keys.
fn checked(file: &[u8], verifier_keys: &[String]) -> Result<VerifiedAuditReport, Failure> {
    verify_audit_file(file, &given_keys(verifier_keys)?)
        .map_err(|error| Failure::Finding(format!("NOT verified: {error}")))
}

fn verify(path: &Path, verifier_keys: &[String], json: bool) -> Result<ExitStatus, Failure> {
    let verified = checked(&read_at_most(path, AUDIT_FILE_BYTES_MAX)?, verifier_keys)?;
    let mut output = Output::standard(json);
    if json {
        output.value(&serde_json::json!({
            "verified": true,
            "report": verified.report,
            "digest": verified.digest,
            "ledger_index": verified.ledger_index,
            "checkpoint_size": verified.checkpoint.size,
        }))?;
    } else {
        output.line(format_args!("{}: verified", verified.report.reference))?;
        output.line(format_args!("  made            {}", instant(verified.report.made_at)))?;
        for line in lines(&verified) {
            output.line(line)?;
        }
    }
    output.finish()?;
    Ok(ExitStatus::Success)
}
