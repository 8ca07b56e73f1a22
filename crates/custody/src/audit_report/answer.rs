//! Putting answers together.

use super::report::{AuditSource, Evidence, PromiseStanding, Verdict};

/// What there is to say about one promise.
#[derive(Debug, Default)]
pub(super) struct Answer {
    pub(super) evidence: Vec<Evidence>,
    pub(super) not_shown: Vec<String>,
}

impl Answer {
    /// A figure.
    #[expect(clippy::needless_pass_by_value, reason = "answers are written as they come")]
    pub(super) fn figure(self, what: &str, found: impl ToString, source: AuditSource) -> Self {
        self.with(what, found.to_string(), Verdict::Figure, source)
    }

    #[expect(clippy::needless_pass_by_value, reason = "answers are written as they come")]
    /// A check, stated as what should hold, with what was found.
    pub(super) fn check(self, what: &str, holds: bool, found: impl ToString, source: AuditSource) -> Self {
        let verdict = if holds { Verdict::Holds } else { Verdict::Fails };
        self.with(what, found.to_string(), verdict, source)
    }

    /// A check that none of something is there.
    pub(super) fn none(self, what: &str, found: u64, source: AuditSource) -> Self {
        self.check(what, found == 0, found, source)
    }

    /// What cannot be shown.
    pub(super) fn but(mut self, not_shown: &str) -> Self {
        self.not_shown.push(not_shown.to_owned());
        self
    }

    fn with(mut self, what: &str, found: String, verdict: Verdict, source: AuditSource) -> Self {
        self.evidence.push(Evidence { what: what.to_owned(), found, verdict, source });
        self
    }

    /// What it comes to. A figure alone shows nothing: it holds nothing against the promise.
    pub(super) fn standing(&self) -> PromiseStanding {
        let has = |verdict| self.evidence.iter().any(|evidence| evidence.verdict == verdict);
        if has(Verdict::Fails) {
            PromiseStanding::Contradicted
        } else if !has(Verdict::Holds) {
            PromiseStanding::NotShown
        } else if self.not_shown.is_empty() {
            PromiseStanding::Shown
        } else {
            PromiseStanding::PartlyShown
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_check_that_fails_outweighs_all_that_hold_and_figures_alone_show_nothing() {
        let control = || AuditSource::Control {};
        let figure = || Answer::default().figure("how many there are", 3, control());
        assert_eq!(Answer::default().standing(), PromiseStanding::NotShown);
        assert_eq!(figure().standing(), PromiseStanding::NotShown);
        let held = || figure().none("none is late", 0, control());
        assert_eq!(held().standing(), PromiseStanding::Shown);
        assert_eq!(held().but("what happens elsewhere").standing(), PromiseStanding::PartlyShown);
        let failed = held().none("none is lost", 1, control()).but("what happens elsewhere");
        assert_eq!(failed.standing(), PromiseStanding::Contradicted);
    }
}
