//! Figures as comma-separated values (RFC 4180), for spreadsheets.

use fiducia_custody::AuditFigures;

/// The figures, one a line: what it is, of what, the number or text, and where it can be checked.
pub(super) fn sheet(figures: &AuditFigures) -> String {
    let mut sheet = String::from("figure,of,value,checked_at\r\n");
    let mut row = |figure: &str, of: &str, value: &str, at: &str| {
        let cells = [figure, of, value, at].map(cell);
        sheet.push_str(&cells.join(","));
        sheet.push_str("\r\n");
    };
    let instant = |at: &Option<fiducia_policy::Timestamp>| at.map(|at| at.to_string()).unwrap_or_default();
    row("seen_at", "", &figures.seen_at.to_string(), "");
    row("since", "", &figures.since.to_string(), "");
    row("log_size", &figures.log.origin, &figures.log.size.to_string(), "/evidence/log");
    row("log_root", &figures.log.origin, &figures.log.root, "/evidence/log/consistency");
    row("log_last_entry_at", &figures.log.origin, &instant(&figures.log.last_entry_at), "/evidence/log");
    if let Some(witnesses) = &figures.witnesses {
        let size = witnesses.size.map(|size| size.to_string()).unwrap_or_default();
        row("witnesses_quorum", "", &witnesses.quorum.to_string(), "");
        row("witnessed_size", "", &size, "/evidence/log/consistency");
        row("witnessed_at", "", &instant(&witnesses.quorum_at), "");
        for witness in &witnesses.witnesses {
            row("cosigned_at", &witness.name, &instant(&witness.at), "");
        }
    }
    for access in &figures.accesses {
        let of = format!("{}; {}", access.reason.name(), access.role);
        row("accesses", &of, &access.entries.to_string(), "/evidence/log?kind=record_access");
    }
    row("accesses_unplaced", "", &figures.accesses_unplaced.to_string(), "/evidence/log?kind=record_access");
    for due in &figures.requests.due {
        row("requests_open", &due.within, &due.requests.to_string(), "/administration/requests");
    }
    row("requests_first_due", "", &instant(&figures.requests.first_due), "/administration/requests");
    let issued = "/evidence/log?kind=certificate_issued";
    row("certificates", "all", &figures.certificates.to_string(), issued);
    row("certificates", "since", &figures.certificates_since.to_string(), issued);
    for policy in &figures.policies {
        let of = format!("{} {}", policy.of, policy.name);
        row("policy_version", &of, &policy.version.to_string(), "/evidence/log?kind=policy_published");
        row(
            "policy_sha256",
            &of,
            policy.sha256.as_deref().unwrap_or_default(),
            "/evidence/log?kind=policy_published",
        );
    }
    row("findings", "", &figures.findings.to_string(), "/evidence/log?kind=content_flagged");
    row(
        "findings_unanswered",
        "",
        &figures.findings_unanswered.to_string(),
        "/evidence/log?kind=content_flagged",
    );
    row("cases_open", "", &figures.cases_open.to_string(), "/evidence/log?kind=case_opened");
    row("holds", "", &figures.holds.to_string(), "/evidence/log?kind=hold_placed");
    row("keys_due", "", &figures.keys_due.to_string(), "/evidence/log?kind=keys_destroyed");
    row("keys_due_since", "", &instant(&figures.keys_due_since), "");
    sheet
}

/// A cell. What a spreadsheet would take for a formula begins with an apostrophe instead.
fn cell(text: &str) -> String {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let text = if is_formula { format!("'{text}") } else { text.to_owned() };
    if text.contains(['"', ',', '\r', '\n']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

#[cfg(test)]
mod tests {
    use super::cell;

    #[test]
    fn cells_hold_what_they_should_and_compute_nothing() {
        let check = |text: &str, expect: &str| assert_eq!(cell(text), expect);
        check("plain", "plain");
        check("a,b", "\"a,b\"");
        check("say \"x\"\n", "\"say \"\"x\"\"\n\"");
        check("=1+1", "'=1+1");
        check("@SUM(A1),2", "\"'@SUM(A1),2\"");
        check("-5", "'-5");
    }
}
