//! `consent give`, `refuse`, `withdraw`, `show`, `history`, `receipt`, `verify`, `import`

mod import;

use std::path::Path;

use fiducia_custody::{
    AdminCommand, AdminReply, ConsentChoice, ConsentCommand as Asked, ConsentEntry, ConsentEvidence,
    ConsentReply, ConsentRow, RECEIPT_FILE_BYTES_MAX, ShownNotice, VerifiedReceipt, verify_receipt,
};
use fiducia_policy::{ConsentAct, ConsentId};

use super::kept_file::{given_keys, read_at_most};
use crate::arguments::{ChoiceOptions, ConsentCommand, DataOptions};
use crate::edge::operating_system_user;
use crate::failure::{ExitStatus, Failure};
use crate::output::{Align, Output, Table, instant, instant_or, remark};
use crate::session::Session;

pub(super) fn run(command: ConsentCommand) -> Result<ExitStatus, Failure> {
    match command {
        ConsentCommand::Give(options) => choose(ConsentAct::Give, options),
        ConsentCommand::Refuse(options) => choose(ConsentAct::Refuse, options),
        ConsentCommand::Withdraw(options) => choose(ConsentAct::Withdraw, options),
        ConsentCommand::Show { subject, data } => {
            let ConsentReply::Standings(rows) = ask(&data, Asked::Show { subject })? else {
                return Err(Failure::UnexpectedReply("consent"));
            };
            list(&rows, "nothing to show", standings, &data)
        }
        ConsentCommand::History { subject, purpose, before, limit, data } => {
            let command = Asked::History { subject, purpose, before, limit };
            let ConsentReply::History(rows) = ask(&data, command)? else {
                return Err(Failure::UnexpectedReply("consent"));
            };
            list(&rows, "this person was never asked and never said anything", history, &data)
        }
        ConsentCommand::Receipt { id, out, data } => receipt(id, out.as_deref(), &data),
        ConsentCommand::Verify { file, verifier_keys, json } => verify(&file, &verifier_keys, json),
        ConsentCommand::Import { file, organization, data } => import::run(&file, &organization, &data),
    }
}

/// Carries one command on consent out.
///
/// # Errors
/// When custody refused or failed.
pub(super) fn ask(data: &DataOptions, command: Asked) -> Result<ConsentReply, Failure> {
    let session = Session::open(data)?;
    let reply = ask_in(&session, command);
    session.close();
    reply
}

/// As [`ask`], in a session that is open.
///
/// # Errors
/// When custody refused or failed.
pub(super) fn ask_in(session: &Session, command: Asked) -> Result<ConsentReply, Failure> {
    match session.send(AdminCommand::Consent(command))? {
        AdminReply::Consented(reply) => Ok(reply),
        _ => Err(Failure::UnexpectedReply("consent")),
    }
}

/// Prints rows.
///
/// # Errors
/// When standard output cannot be written.
pub(super) fn list<T: serde::Serialize>(
    rows: &[T],
    nothing: &str,
    table: impl FnOnce(&[T]) -> Table,
    data: &DataOptions,
) -> Result<ExitStatus, Failure> {
    let mut output = Output::standard(data.json);
    output.list(rows, nothing, table)?;
    output.finish()?;
    Ok(ExitStatus::Success)
}

fn choose(act: ConsentAct, options: ChoiceOptions) -> Result<ExitStatus, Failure> {
    let choice = ConsentChoice {
        purpose: options.purpose,
        act,
        kind: options.kind,
        notice: options.language.zip(options.notice_version).map(|(language, version)| ShownNotice {
            language,
            version,
            hash: None,
        }),
        region: options.region,
        evidence: ConsentEvidence { screen: options.screen, emergency: options.emergency, campaign: None },
        at: None,
        request: options.request,
    };
    let command = Asked::Choose { subject: options.subject, choice, actor: operating_system_user() };
    let ConsentReply::Chosen(outcome) = ask(&options.data, command)? else {
        return Err(Failure::UnexpectedReply("consent"));
    };
    let mut output = Output::standard(options.data.json);
    if output.json() {
        output.value(&outcome)?;
    } else {
        let said = if outcome.repeated { "was said before: " } else { "" };
        output
            .line(format_args!("{said}{} about {} is {}", options.subject, options.purpose, outcome.state))?;
        output.line(format_args!("receipt       {}", outcome.id))?;
        if let Some(index) = outcome.ledger_index {
            output.line(format_args!("ledger entry  {index}"))?;
        }
    }
    output.finish()?;
    Ok(ExitStatus::Success)
}

fn standings(rows: &[ConsentRow]) -> Table {
    let mut table = Table::new(&[
        ("PURPOSE", Align::Left),
        ("STATE", Align::Left),
        ("MAY BE USED", Align::Left),
        ("NOTICE", Align::Left),
        ("SINCE", Align::Left),
        ("UNTIL", Align::Left),
        ("SILENCE IS A NO", Align::Left),
    ]);
    for row in rows {
        let may = match (row.is_asked, row.permits) {
            (false, _) => "no, there is no question",
            (true, true) => "yes",
            (true, false) => "no",
        };
        table.row([
            row.purpose.to_string(),
            row.state.to_string(),
            may.to_owned(),
            notice(row.notice.as_ref()),
            instant_or(row.since, "-"),
            instant_or(row.valid_until, "-"),
            instant_or(row.lapses_at, "-"),
        ]);
    }
    table
}

fn notice(notice: Option<&(String, u32)>) -> String {
    notice.map_or_else(|| "-".to_owned(), |(language, version)| format!("{language} {version}"))
}

fn history(rows: &[ConsentEntry]) -> Table {
    let mut table = Table::new(&[
        ("CHOICE", Align::Left),
        ("NUMBER", Align::Right),
        ("WHEN", Align::Left),
        ("PURPOSE", Align::Left),
        ("STATE", Align::Left),
        ("KIND", Align::Left),
        ("CHANNEL", Align::Left),
        ("NOTICE", Align::Left),
        ("BY", Align::Left),
    ]);
    for row in rows {
        table.row([
            row.id.to_string(),
            row.sequence.to_string(),
            instant(row.at),
            row.purpose.to_string(),
            row.state.to_string(),
            row.kind.to_string(),
            row.channel.to_string(),
            notice(row.notice.as_ref()),
            row.entity.clone(),
        ]);
    }
    table
}

fn receipt(id: ConsentId, out: Option<&Path>, data: &DataOptions) -> Result<ExitStatus, Failure> {
    let ConsentReply::Receipt { text, verifier_keys } = ask(data, Asked::Receipt { id })? else {
        return Err(Failure::UnexpectedReply("consent"));
    };
    match out {
        Some(path) => {
            std::fs::write(path, &text).map_err(|cause| Failure::File {
                doing: "write",
                path: path.to_owned(),
                cause,
            })?;
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

fn verify(path: &Path, verifier_keys: &[String], json: bool) -> Result<ExitStatus, Failure> {
    let bytes = read_at_most(path, RECEIPT_FILE_BYTES_MAX)?;
    let verified = verify_receipt(&bytes, &given_keys(verifier_keys)?)
        .map_err(|error| Failure::Finding(format!("NOT verified: {error}")))?;
    let mut output = Output::standard(json);
    if json {
        output.value(&serde_json::json!({
            "verified": true,
            "receipt": verified.receipt,
            "ledger_index": verified.ledger_index,
            "checkpoint_size": verified.checkpoint.size,
        }))?;
    } else {
        for line in lines(&verified) {
            output.line(crate::output::escape_line(&line))?;
        }
    }
    output.finish()?;
    Ok(ExitStatus::Success)
}

fn lines(verified: &VerifiedReceipt) -> Vec<String> {
    let facts = &verified.facts;
    let said = |pointer: &str| {
        verified.receipt.pointer(pointer).and_then(serde_json::Value::as_str).unwrap_or("-").to_owned()
    };
    vec![
        format!("{}: verified", facts.id),
        format!("  person       {}", facts.pseudonym),
        format!("  purpose      {}", facts.purpose),
        format!("  state        {}", facts.state),
        format!("  kind         {}, by {}", facts.kind, facts.channel),
        format!("  chosen       {}", said("/dct:hasPart/dct:date")),
        format!("  notice       {} ({})", said("/dpv:hasNotice/dct:title"), said("/dpv:hasNotice/@id")),
        format!("  retention    {}", said("/dpv:hasStorageCondition/dpv:hasDuration")),
        format!("  taken back   {}", said("/fiducia:hasWithdrawalMethod")),
        format!(
            "  log          entry {} of {}/{}, under a signed checkpoint at size {}",
            verified.ledger_index,
            facts.ledger_origin,
            facts.organization.uuid(),
            verified.checkpoint.size
        ),
    ]
}
