//! A report as a page: one HTML file, no script, light and dark, made to be printed.

use askama::Template;
use fiducia_custody::{
    AuditReport, AuditSource, AuditedPromise, PromiseStanding, Verdict, VerifiedAuditReport, WitnessState,
};

use fiducia_policy::OrganizationId;

use crate::output::instant;

/// The page. Askama escapes everything that is put in.
#[derive(Template)]
#[template(path = "audit.html")]
struct Page<'a> {
    report: &'a AuditReport,
    verifier_keys: &'a [String],
    summary: String,
    /// Promises by what the evidence comes to, what is most urgent first.
    parts: Vec<(PromiseStanding, Vec<&'a AuditedPromise>)>,
    steps: Vec<String>,
}

/// The page of a verified report.
///
/// # Errors
/// When formatting fails, which writing to memory does not.
pub(super) fn render(
    verified: &VerifiedAuditReport,
    verifier_keys: &[String],
) -> Result<String, askama::Error> {
    let report = &verified.report;
    let parts = PromiseStanding::ALL.into_iter().rev().map(|standing| {
        (standing, report.promises.iter().filter(|promise| promise.standing == standing).collect())
    });
    let parts = parts.filter(|(_, promises): &(_, Vec<_>)| !promises.is_empty()).collect();
    let summary = standing_summary(report);
    Page { report, verifier_keys, summary, parts, steps: check_with(verified) }.render()
}

impl Page<'_> {
    fn made(&self) -> String {
        instant(self.report.made_at)
    }

    fn policy_digest(&self) -> String {
        format!("{:?}", self.report.organization.policy.2)
    }

    /// Widths of the parts of the bar above the report, in percent, with their names.
    fn bar(&self) -> Vec<(f64, &'static str, &'static str, usize)> {
        let all = f64::from(u32::try_from(self.report.promises.len().max(1)).unwrap_or(u32::MAX));
        let part = |standing: PromiseStanding| {
            let count = self.report.count(standing);
            let width = f64::from(u32::try_from(count).unwrap_or(u32::MAX)) * 100.0 / all;
            (width, class(&standing), standing.in_words(), count)
        };
        PromiseStanding::ALL.map(part).into_iter().filter(|(_, _, _, count)| *count > 0).collect()
    }
}

/// The name of a standing in the style sheet.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "templates pass references")]
const fn class(standing: &PromiseStanding) -> &'static str {
    match standing {
        PromiseStanding::Shown => "shown",
        PromiseStanding::PartlyShown => "partly",
        PromiseStanding::NotShown => "missing",
        PromiseStanding::Contradicted => "contradicted",
    }
}

/// The sign before an answer, the word for it, and its name in the style sheet.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "templates pass references")]
const fn mark(verdict: &Verdict) -> (&'static str, &'static str, &'static str) {
    match verdict {
        Verdict::Figure => ("·", "figure", "figure"),
        Verdict::Holds => ("✓", "holds", "holds"),
        Verdict::Fails => ("✗", "does not hold", "fails"),
    }
}

/// What the report comes to, in one sentence.
pub(super) fn standing_summary(report: &AuditReport) -> String {
    let contradicted = report.count(PromiseStanding::Contradicted);
    let verdict = match contradicted {
        0 => "No check contradicted a promise".to_owned(),
        1 => "One promise is contradicted by a check".to_owned(),
        many => format!("{many} promises are contradicted by checks"),
    };
    format!("{verdict}: {}.", super::counts(report))
}

/// Whether a witness has signed, and what to say about it.
pub(super) fn witness(state: &WitnessState) -> (bool, String) {
    match (state.size, state.at) {
        (Some(size), Some(at)) => (true, format!("{} signed {size} entries at {}.", state.name, instant(at))),
        _ => (false, format!("{} is configured and has signed nothing that is kept here.", state.name)),
    }
}

/// Where an answer can be looked up, in words.
pub(super) fn source(source: &AuditSource) -> String {
    match source {
        AuditSource::Entry { index, at, .. } => format!("log entry {index} of {}", instant(*at)),
        AuditSource::Log {} => "the whole log".to_owned(),
        AuditSource::Keys {} => "key store".to_owned(),
        AuditSource::Control {} => "control database".to_owned(),
        AuditSource::Records {} => "files of records".to_owned(),
        AuditSource::Policy {} => "policy in force".to_owned(),
        AuditSource::AccessPolicies {} => "access policies".to_owned(),
        AuditSource::Trial {} => "tried while this was made".to_owned(),
        AuditSource::Certificate { reference } => format!("certificate {reference}"),
    }
}

/// How to follow a link to an entry of the log.
fn command(source: &AuditSource, organization: &OrganizationId) -> Option<String> {
    match source {
        AuditSource::Entry { index, .. } => {
            Some(format!("fiducia ledger prove --organization {organization} --index {index}"))
        }
        AuditSource::Certificate { reference } => Some(format!("fiducia certificate show {reference}")),
        _ => None,
    }
}

/// How anybody can check the report.
pub(super) fn check_with(verified: &VerifiedAuditReport) -> Vec<String> {
    let report = &verified.report;
    vec![
        format!(
            "The JSON file of the same name is the report; this is a way to read it. `fiducia audit verify {}.json \
             --verifier-key KEY` checks its signature and its entry {} in the log, without this installation and without a \
             network. Take the key from where it was kept when the organisation was created, not from here:",
            report.reference, verified.ledger_index
        ),
        format!("SHA-256 of the report: {}", verified.digest),
    ]
}
