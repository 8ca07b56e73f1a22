//! Training data, and audits: P44 to P50.

use super::{Answer, nothing_does_it};
use crate::audit_report::facts::Facts;
use crate::audit_report::report::AuditSource;

/// Days after which an audit is no longer a regular one.
const QUARTER_SECONDS: i64 = 92 * 86_400;

pub(super) fn answer(number: u8, facts: &Facts) -> Answer {
    match number {
        44 => nothing_does_it("builds data sets"),
        45 => nothing_does_it("builds data sets, so that no row has an origin to state"),
        46 => nothing_does_it("builds data sets, so that there is none that a withdrawal could reach"),
        47 => nothing_does_it("builds data sets, so that there is none to be absent from"),
        48 => nothing_does_it("screens content for data sets"),
        49 => nothing_does_it("says whom a data set represents"),
        _ => audits(facts),
    }
}

fn audits(facts: &Facts) -> Answer {
    let answer = Answer::default().figure(
        "reports made before this one",
        facts.reports.len(),
        facts.log.source("audit_report_issued"),
    );
    match facts.reports.first() {
        None => answer.but(
            "This is the first report about the organisation; that they are regular, the next one can show.",
        ),
        Some((reference, at)) => answer.check(
            "the last report is not older than a quarter",
            facts.now.as_second() - at.as_second() <= QUARTER_SECONDS,
            format!("{reference} of {}", at.strftime("%Y-%m-%d")),
            AuditSource::Control {},
        ),
    }
}
