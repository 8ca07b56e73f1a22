//! `certificate list`, `certificate show`, `certificate page`, `certificate verify`

mod page;

use std::path::Path;

use super::kept_file::{given_keys, read_at_most};
use crate::arguments::{CertificateCommand, DataOptions};
use crate::failure::{ExitStatus, Failure};
use crate::output::{Align, Output, Table, count_of, instant, instant_or, remark};
use crate::session::Session;
use fiducia_custody::{
    AdminCommand, AdminReply, CERTIFICATE_FILE_BYTES_MAX, CertificateCommand as Asked, CertificateReference,
    CertificateReply, CertificateRow, CertifiedScope, MailState, VerifiedCertificate, verify_certificate,
};

pub(super) fn run(command: CertificateCommand) -> Result<ExitStatus, Failure> {
    match command {
        CertificateCommand::List { organization, limit, after, data } => {
            list(organization.as_deref(), limit, after, &data)
        }
        CertificateCommand::Show { reference, out, data } => show(reference, out.as_deref(), &data),
        CertificateCommand::Page { reference, out, data } => page(reference, &out, &data),
        CertificateCommand::Verify { file, verifier_keys, json } => verify(&file, &verifier_keys, json),
    }
}

fn list(
    organization: Option<&str>,
    limit: u32,
    after: Option<CertificateReference>,
    data: &DataOptions,
) -> Result<ExitStatus, Failure> {
    let session = Session::open(data)?;
    let organization = session.organization_if(organization)?;
    let command = AdminCommand::Certify(Asked::List { organization, limit, after });
    let AdminReply::Certified(CertificateReply::Certificates(rows)) = session.send(command)? else {
        return Err(Failure::UnexpectedReply("certify"));
    };
    session.close();
    let mut output = Output::standard(data.json);
    output.list(&rows, "no certificates yet; each destruction is given one", table)?;
    output.finish()?;
    Ok(ExitStatus::Success)
}

fn table(rows: &[CertificateRow]) -> Table {
    let mut table = Table::new(&[
        ("REFERENCE", Align::Left),
        ("ISSUED", Align::Left),
        ("OF", Align::Left),
        ("KEYS", Align::Right),
        ("RECORDS", Align::Right),
        ("KEPT", Align::Left),
        ("MAIL", Align::Left),
    ]);
    for row in rows {
        let certificate = &row.certificate;
        let kept: Vec<_> = certificate.kept.iter().map(|part| part.ground.name()).collect();
        table.row([
            certificate.reference.to_string(),
            instant(certificate.issued_at),
            scope(&certificate.destroyed.scope),
            certificate.destroyed.keys.values().sum::<u64>().to_string(),
            certificate.destroyed.records.to_string(),
            if kept.is_empty() { "nothing".to_owned() } else { kept.join(", ") },
            mail(&row.mail),
        ]);
    }
    table
}

/// What a destruction was about, in a few words.
pub(crate) fn scope(scope: &CertifiedScope) -> String {
    match scope {
        CertifiedScope::Record { record, .. } => record.to_string(),
        CertifiedScope::Conversation { conversation, .. } => conversation.to_string(),
        CertifiedScope::Person { .. } => "a person".to_owned(),
        CertifiedScope::Ended {} => "what had ended".to_owned(),
    }
}

fn mail(state: &MailState) -> String {
    match state {
        MailState::None {} => "-".to_owned(),
        MailState::Waiting { next_attempt_at, .. } => format!("due {}", instant(*next_attempt_at)),
        MailState::Sent { at } => format!("sent {}", instant(*at)),
        MailState::GivenUp { .. } => "given up".to_owned(),
    }
}

fn show(
    reference: CertificateReference,
    out: Option<&Path>,
    data: &DataOptions,
) -> Result<ExitStatus, Failure> {
    let session = Session::open(data)?;
    let (text, verifier_keys) = file_of(&session, reference)?;
    session.close();
    match out {
        Some(path) => {
            write(path, &text)?;
            remark(format_args!(
                "wrote {}; it is checked with either of these keys, kept elsewhere:",
                path.display()
            ));
            for key in &verifier_keys {
                remark(format_args!("  {key}"));
            }
        }
        None => {
            let mut output = Output::standard(false);
            output.text(&text)?;
            output.finish()?;
        }
    }
    Ok(ExitStatus::Success)
}

/// A certificate's file and the keys it is checked by.
fn file_of(session: &Session, reference: CertificateReference) -> Result<(String, Vec<String>), Failure> {
    match session.send(AdminCommand::Certify(Asked::Show { reference }))? {
        AdminReply::Certified(CertificateReply::File { text, verifier_keys }) => Ok((text, verifier_keys)),
        _ => Err(Failure::UnexpectedReply("certify")),
    }
}

fn page(reference: CertificateReference, out: &Path, data: &DataOptions) -> Result<ExitStatus, Failure> {
    let session = Session::open(data)?;
    let (text, verifier_keys) = file_of(&session, reference)?;
    session.close();
    let verified = checked(text.as_bytes(), &verifier_keys)?;
    let html = page::render(&verified, &verifier_keys)
        .map_err(|error| Failure::Finding(format!("the page could not be made: {error}")))?;
    write(out, &html)?;
    remark(format_args!("wrote {}", out.display()));
    Ok(ExitStatus::Success)
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    std::fs::write(path, text).map_err(|cause| Failure::File { doing: "write", path: path.to_owned(), cause })
}

/// A file that holds, by one of these keys.
///
/// # Errors
/// When a key cannot be read, or the file proves nothing.
pub(crate) fn checked(file: &[u8], verifier_keys: &[String]) -> Result<VerifiedCertificate, Failure> {
    verify_certificate(file, &given_keys(verifier_keys)?)
        .map_err(|error| Failure::Finding(format!("NOT verified: {error}")))
}

fn verify(path: &Path, verifier_keys: &[String], json: bool) -> Result<ExitStatus, Failure> {
    let verified = checked(&read_at_most(path, CERTIFICATE_FILE_BYTES_MAX)?, verifier_keys)?;
    let certificate = &verified.certificate;
    let mut output = Output::standard(json);
    if json {
        output.value(&serde_json::json!({
            "verified": true,
            "certificate": certificate,
            "digest": verified.digest,
            "ledger_index": verified.ledger_index,
            "checkpoint_size": verified.checkpoint.size,
        }))?;
    } else {
        for line in lines(&verified) {
            output.line(line)?;
        }
    }
    output.finish()?;
    Ok(ExitStatus::Success)
}

/// What a certificate says, line by line.
pub(crate) fn lines(verified: &VerifiedCertificate) -> Vec<String> {
    let certificate = &verified.certificate;
    let destroyed = &certificate.destroyed;
    let keys: Vec<_> = destroyed.keys.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
    let read_back = &certificate.verification.result;
    let mut lines = vec![
        format!("{}: verified", certificate.reference),
        format!("  organisation    {}", certificate.organization),
        format!(
            "  issued          {} by {}",
            instant(certificate.issued_at),
            certificate.issuer.ledger_origin
        ),
        format!("  destroyed       {}", scope(&destroyed.scope)),
        format!("  keys            {} at {}", keys.join(", "), instant(certificate.keys_destroyed_at)),
        format!(
            "  records         {} purged, by {}",
            destroyed.records,
            instant_or(certificate.purged_at, "the end of what keeps them")
        ),
        format!(
            "  read-back       {} tried, {} opened, {} found in the store",
            count_of(read_back.attempts, "key path"),
            read_back.opened,
            count_of(read_back.rows_found, "row")
        ),
        format!("  backups         {}", page::backups(&certificate.backups)),
    ];
    if certificate.kept.is_empty() {
        lines.push("  kept            nothing".to_owned());
    }
    for part in &certificate.kept {
        lines.push(format!("  kept            {}", page::kept(part)));
    }
    lines.push(format!(
        "  log             entry {} of {}, under a signed checkpoint at size {}",
        verified.ledger_index, certificate.issuer.log, verified.checkpoint.size
    ));
    lines.push(format!("  SHA-256         {}", verified.digest));
    lines
}
