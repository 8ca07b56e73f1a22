//! What is printed about a request, line by line.

use fiducia_custody::{ExportFileRow, RequestDetail, RequestRow, RightsReport};

use crate::output::{count_of, escape_line, instant, instant_or};

/// A request in a few lines.
pub(super) fn row(row: &RequestRow) -> Vec<String> {
    let laws: Vec<&str> = row.regimes.iter().map(|regime| regime.name()).collect();
    let mut lines = vec![
        format!("request     {}", row.id),
        format!("asks        {}", row.kind),
        format!(
            "about       {}",
            row.subject.map_or_else(|| "a person who was erased".to_owned(), |id| id.to_string())
        ),
        format!("laws        {}", laws.join(", ")),
        format!("state       {}{}", row.state, if row.is_identified { ", identity confirmed" } else { "" }),
        format!("arrived     {}", instant(row.received_at)),
    ];
    if let Some(by) = row.confirm_by {
        lines.push(format!("confirm     before {}", instant(by)));
    }
    match row.closed_at {
        Some(at) => lines.push(format!("closed      {}", instant(at))),
        None => lines.push(format!(
            "answer      before {} by {}{}",
            instant(row.due),
            row.decided_by,
            if row.is_overdue { ": OVERDUE" } else { "" }
        )),
    }
    lines
}

/// A request with everything about it.
pub(super) fn detail(detail: &RequestDetail) -> Vec<String> {
    let mut lines = row(&detail.row);
    lines.extend(detail.extensible_to.map(|to| format!("extensible  to {}", instant(to))));
    lines.extend(detail.agent.as_ref().map(|agent| format!("asked by    {}", escape_line(agent))));
    lines.extend(detail.target.as_ref().map(|target| format!("about       {}", escape_line(target))));
    if detail.has_statement {
        lines.push("statement   sealed; the person's export shows it".to_owned());
    }
    lines.extend(detail.obstacles.iter().map(|obstacle| format!("in the way  {obstacle}")));
    for step in &detail.steps {
        let why = step.reason.as_ref().map(|reason| format!(", {reason}")).unwrap_or_default();
        let note = step.note.as_ref().map(|note| format!(": {}", escape_line(note))).unwrap_or_default();
        lines.push(format!("step        {} {}{why} by {}{note}", instant(step.at), step.step, step.by));
    }
    for one in &detail.files {
        lines.extend(file(one));
    }
    if let Some(done) = &detail.report {
        lines.extend(report(done));
    } else {
        lines.extend(routes(&detail.routes));
    }
    lines
}

/// A file that was handed over.
pub(super) fn file(file: &ExportFileRow) -> Vec<String> {
    let sealed = match file.recipients {
        0 => "not sealed: whoever has it can read it".to_owned(),
        count => format!("sealed for {}", count_of(u64::try_from(count).unwrap_or(u64::MAX), "reader")),
    };
    let place = if file.file.is_empty() { "forgotten" } else { &file.file };
    vec![
        format!("file {:<6} {}", file.volume, escape_line(place)),
        format!("            {}, {sealed}", count_of(file.conversations, "conversation")),
        format!("            manifest {}", file.manifest_sha256),
    ]
}

fn report(report: &RightsReport) -> Vec<String> {
    let mut lines: Vec<String> =
        report.sentences.iter().map(|sentence| format!("done        {sentence}")).collect();
    lines.extend(report.left_undone.as_ref().map(|text| format!("left undone {}", escape_line(text))));
    if report.is_late {
        lines.push("late        the answer came after its time".to_owned());
    }
    for store in &report.stores {
        lines.push(format!("place       {}: {}", store.store, store.outcome));
    }
    for kept in &report.kept {
        let basis = kept.basis.map_or_else(|| "-".to_owned(), |basis| basis.dpv_term().to_owned());
        lines.push(format!(
            "kept        {} by the ground {} ({basis}) until {}",
            count_of(kept.records, "record"),
            kept.ground.name(),
            instant_or(kept.until, "something ends it")
        ));
        lines.extend(kept.clauses.iter().map(|clause| format!("              {}", escape_line(clause))));
    }
    if let Some(reference) = report.destruction.as_ref().and_then(|done| done.certificate.as_ref()) {
        lines.push(format!("certificate {reference}"));
    }
    lines.extend(routes(&report.routes));
    lines
}

fn routes(routes: &[fiducia_policy::ComplaintRoute]) -> Vec<String> {
    let line = |route: &fiducia_policy::ComplaintRoute| {
        format!("complain    {}: {}; {}", route.regime, escape_line(&route.body), escape_line(&route.court))
    };
    routes.iter().map(line).collect()
}
