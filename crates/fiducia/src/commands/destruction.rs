//! Destroying, and saying what became of it: `records delete`, `subjects erase`.

use std::io::{BufRead, IsTerminal};

use fiducia_custody::{AdminCommand, AdminReply, DestructionReport, DestructionScope};

use crate::arguments::DataOptions;
use crate::edge::operating_system_user;
use crate::failure::{ExitStatus, Failure};
use crate::output::{Output, count_of, instant_or, remark};
use crate::session::Session;

/// Destroys what `scope` names after the person confirmed it.
///
/// # Errors
/// When it was not confirmed, or custody refused or failed.
pub(super) fn destroy(scope: DestructionScope, yes: bool, data: &DataOptions) -> Result<ExitStatus, Failure> {
    // Opened first, so that nobody confirms a destruction that cannot take place.
    let session = Session::open(data)?;
    if !yes {
        confirm(&scope)?;
    }
    report(session, AdminCommand::Destroy { scope, actor: operating_system_user() }, data)
}

fn report(session: Session, command: AdminCommand, data: &DataOptions) -> Result<ExitStatus, Failure> {
    let AdminReply::Destroyed(report) = session.send(command)? else {
        return Err(Failure::UnexpectedReply("destroy"));
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
    if report.read_back.opened > 0 {
        let opened = count_of(report.read_back.opened, "record");
        return Err(Failure::Finding(format!(
            "the read-back still opened {opened}; the destruction is not complete. Run `fiducia doctor`, then repeat it"
        )));
    }
    Ok(ExitStatus::Success)
}

fn lines(report: &DestructionReport) -> Vec<String> {
    let mut lines = vec![
        format!("keys destroyed   {}", report.keys_destroyed),
        format!("records purged   {}", report.records_purged),
        format!("conversations    {}", report.conversations),
        format!(
            "read-back        {}, {} opened, {} found in the store",
            attempts(report),
            report.read_back.opened,
            count_of(report.read_back.rows_found, "row")
        ),
    ];
    for (organization, index) in &report.ledger {
        lines.push(format!("ledger entry     {index} in the log of {organization}"));
    }
    if let Some(reference) = &report.certificate {
        lines.push(format!("certificate      {reference}"));
    }
    if report.kept.is_empty() {
        lines.push("kept             nothing".into());
    }
    for kept in &report.kept {
        lines.push(format!(
            "kept             {} by the ground {} until {}",
            count_of(kept.records, "record"),
            kept.ground.name(),
            instant_or(kept.until, "something ends it: `fiducia records explain` says what")
        ));
    }
    lines
}

/// What the read-back tried. It holds back a bounded number of records, so of many it tries a sample, and says so.
fn attempts(report: &DestructionReport) -> String {
    let tried = count_of(report.read_back.attempts, "key path");
    if report.read_back.attempts > 0 && report.read_back.attempts < report.records_purged {
        format!("{tried} tried on a sample of the {} records", report.records_purged)
    } else {
        format!("{tried} tried")
    }
}

fn confirm(scope: &DestructionScope) -> Result<(), Failure> {
    let (what, id) = match scope {
        DestructionScope::Record(id) => ("the record", id.to_string()),
        DestructionScope::Conversation(id) => ("the whole conversation", id.to_string()),
        DestructionScope::Subject(id) => ("everything of the subject", id.to_string()),
    };
    confirmed(what, &id)
}

/// Asks the person at the terminal before something is destroyed.
///
/// # Errors
/// When there is no terminal, or the answer is not `yes`; nothing was destroyed.
pub(super) fn confirmed(what: &str, id: &str) -> Result<(), Failure> {
    if !std::io::stdin().is_terminal() {
        return Err(Failure::Argument(format!(
            "this destroys {what} {id} for good and there is no terminal to confirm it on; add --yes. Nothing was destroyed"
        )));
    }
    remark(format_args!("This destroys {what} {id} for good. Type `yes` to go on:"));
    let mut answer = String::new();
    std::io::stdin()
        .lock()
        .read_line(&mut answer)
        .map_err(|cause| Failure::System { doing: "read the confirmation", cause })?;
    if answer.trim() == "yes" { Ok(()) } else { Err(Failure::Unconfirmed) }
}

#[cfg(test)]
mod tests {
    use fiducia_custody::{KeptBecause, ReadBack};
    use fiducia_policy::{GroundKind, OrganizationId, Timestamp};

    use super::*;

    #[test]
    fn a_report_says_what_went_what_stays_and_why() {
        let report = DestructionReport {
            keys_destroyed: 3,
            records_purged: 4,
            conversations: 1,
            kept: vec![KeptBecause {
                ground: GroundKind::SafetyWindow,
                until: Some(Timestamp::from_second(1_760_000_000).unwrap()),
                records: 1,
            }],
            read_back: ReadBack { attempts: 5, opened: 0, rows_found: 1 },
            ledger: vec![(OrganizationId::from_bytes([1; 16]), 9)],
            certificate: Some("FC-2026-05AF-MSY3-8DJQ-W16B".parse().unwrap()),
        };
        let text = lines(&report).join("\n");
        assert!(text.contains("keys destroyed   3"), "{text}");
        assert!(text.contains("5 key paths tried, 0 opened, 1 row found"), "{text}");
        assert!(text.contains("1 record by the ground safety-window until 2025-10-09T08:53:20Z"), "{text}");
        assert!(text.contains("ledger entry     9 in the log of org_"), "{text}");
        assert!(text.contains("certificate      FC-2026-05AF-MSY3-8DJQ-W16B"), "{text}");
    }
    #[test]
    fn a_read_back_of_a_sample_says_so() {
        let report = DestructionReport {
            keys_destroyed: 1,
            records_purged: 11_505,
            conversations: 1,
            kept: Vec::new(),
            read_back: ReadBack { attempts: 1_000, opened: 0, rows_found: 0 },
            ledger: Vec::new(),
            certificate: None,
        };
        assert_eq!(attempts(&report), "1000 key paths tried on a sample of the 11505 records");
    }
}
