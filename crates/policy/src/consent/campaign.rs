//! Campaigns: a question put to many people, with a date by which silence is a no.

use super::notice::is_region;
use super::{ConsentPurpose, ConsentState};
use crate::edge::Timestamp;
use crate::named::named;
use crate::retention::RetentionSpan;

/// Most regions a campaign names.
const REGIONS_MAX: usize = 256;
/// Most reminders of one campaign.
const REMINDERS_MAX: usize = 16;

named! {
    /// What a yes to an earlier text is worth while a campaign asks again.
    Meanwhile, "a use until the deadline" {
        /// It counts until the deadline.
        Continue = "continue",
        /// It does not count from the question on, until there is an answer.
        Pause = "pause",
    }
}

/// What a campaign asks, whom, and until when.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CampaignTerms {
    /// What is asked about.
    pub purpose: ConsentPurpose,
    /// Which version of the notice.
    pub version: u32,
    /// When silence becomes a no.
    pub deadline: Timestamp,
    /// What a standing yes is worth until then.
    pub meanwhile: Meanwhile,
    /// How long before the deadline people are reminded who have not answered.
    pub reminders: Vec<RetentionSpan>,
    /// Where the law forbids to ask again soon after a no (ISO 3166), as California's does.
    pub quiet_regions: Vec<String>,
    /// For how long after a no, there.
    pub quiet: RetentionSpan,
}

/// Terms that cannot be used. Nothing was opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CampaignError {
    /// The deadline has passed.
    #[error("the deadline {0} has passed: nobody could answer; nothing was opened")]
    Past(Timestamp),
    /// A region has no such form.
    #[error("`{0}` is no region such as `DE` or `US-CA`; nothing was opened")]
    Region(String),
    /// A span is no time at all, which cannot be written down.
    #[error(
        "a reminder or a quiet time of no time at all means nothing; name a span such as `12 months`; nothing was opened"
    )]
    NoTime,
    /// Too many regions or reminders.
    #[error(
        "a campaign names at most {REGIONS_MAX} regions and {REMINDERS_MAX} reminders; nothing was opened"
    )]
    TooMany,
}

/// When, and where, a person last said no.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastNo<'a> {
    /// When.
    pub at: Timestamp,
    /// In which region, as far as known.
    pub region: Option<&'a str>,
}

/// Whether a person is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// Yes.
    Ask,
    /// No, and why.
    Not(NotAsked),
}

named! {
    /// Why a person is not asked.
    NotAsked, "a reason not to ask" {
        /// The plan, the tier or the agreement rules the use out: there is no question.
        NoQuestion = "no-question",
        /// The account was closed or the person erased.
        Gone = "gone",
        /// The person has said yes to this version.
        Answered = "answered",
        /// The person said no not long ago, and the law forbids to ask again so soon.
        Quiet = "quiet",
    }
}

impl CampaignTerms {
    /// Whether the terms can be used.
    ///
    /// # Errors
    /// When nobody could answer, or a list is not what it should be.
    pub fn check(&self, now: Timestamp) -> Result<(), CampaignError> {
        if self.deadline <= now {
            return Err(CampaignError::Past(self.deadline));
        }
        if self.quiet_regions.len() > REGIONS_MAX || self.reminders.len() > REMINDERS_MAX {
            return Err(CampaignError::TooMany);
        }
        if self.reminders.iter().chain([&self.quiet]).any(|span| *span == RetentionSpan::ZERO) {
            return Err(CampaignError::NoTime);
        }
        match self.quiet_regions.iter().find(|region| !is_region(region)) {
            Some(region) => Err(CampaignError::Region(region.clone())),
            None => Ok(()),
        }
    }

    /// Whether a person is asked at `now`: one whose state is `state`, by an answer to the notice's version `answered`, and
    /// who last said no as `last_no` says. `pause` is for how long after a no the policy in force lets nobody of the
    /// person's plan be asked ([`crate::Policy::no_second_ask_within`]): a campaign may be stricter, never looser. Where
    /// the person's region is not known, the stricter law counts.
    pub fn asks(
        &self,
        state: ConsentState,
        answered: Option<u32>,
        last_no: Option<LastNo<'_>>,
        pause: Option<RetentionSpan>,
        now: Timestamp,
    ) -> Asked {
        if state.permits() && answered.is_some_and(|version| version >= self.version) {
            return Asked::Not(NotAsked::Answered);
        }
        let is_quiet = last_no.is_some_and(|no| {
            if pause.is_some_and(|pause| now < pause.after(no.at)) {
                return true;
            }
            let is_there = no
                .region
                .is_none_or(|region| self.quiet_regions.iter().any(|quiet| is_in_region(region, quiet)));
            !self.quiet_regions.is_empty() && is_there && now < self.quiet.after(no.at)
        });
        if is_quiet { Asked::Not(NotAsked::Quiet) } else { Asked::Ask }
    }

    /// How many of its reminders are due at `now`.
    pub fn reminders_due(&self, now: Timestamp) -> usize {
        let begins = |span: &RetentionSpan| {
            // The span before the deadline: what lies as far from it on the other side.
            let length = span.after(self.deadline).duration_since(self.deadline);
            self.deadline.checked_sub(length).unwrap_or(self.deadline)
        };
        self.reminders.iter().filter(|span| begins(span) <= now).count()
    }
}

/// Whether a region is `wide` or a part of it: `US-CA` is in `US`.
pub fn is_in_region(region: &str, wide: &str) -> bool {
    region.strip_prefix(wide).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn terms() -> CampaignTerms {
        CampaignTerms {
            purpose: ConsentPurpose::BatchTraining,
            version: 2,
            deadline: at("2026-10-08T00:00:00Z"),
            meanwhile: Meanwhile::Continue,
            reminders: vec!["14 days".parse().unwrap(), "1 day".parse().unwrap()],
            quiet_regions: vec!["US-CA".to_owned()],
            quiet: "12 months".parse().unwrap(),
        }
    }

    #[test]
    fn nobody_is_asked_again_within_twelve_months_where_the_law_says_so() {
        let no = |day: &str, region| Some(LastNo { at: at(day), region });
        let asks =
            |last_no| terms().asks(ConsentState::Refused, Some(1), last_no, None, at("2026-09-01T00:00:00Z"));
        assert_eq!(asks(no("2025-09-02T00:00:00Z", Some("US-CA"))), Asked::Not(NotAsked::Quiet));
        assert_eq!(asks(no("2025-09-01T00:00:00Z", Some("US-CA"))), Asked::Ask, "twelve months are over");
        assert_eq!(asks(no("2026-08-31T00:00:00Z", Some("DE"))), Asked::Ask, "another law");
        assert_eq!(asks(no("2026-08-31T00:00:00Z", None)), Asked::Not(NotAsked::Quiet), "an unknown law");
        assert_eq!(asks(None), Asked::Ask);
    }

    #[test]
    fn who_said_yes_to_this_version_is_not_asked_and_who_said_it_to_another_is() {
        let asks =
            |answered| terms().asks(ConsentState::Given, answered, None, None, at("2026-09-01T00:00:00Z"));
        assert_eq!(asks(Some(2)), Asked::Not(NotAsked::Answered));
        assert_eq!(asks(Some(1)), Asked::Ask);
    }

    #[test]
    fn a_campaign_may_be_stricter_than_the_policy_and_never_looser() {
        let months = |text: &str| Some(text.parse::<RetentionSpan>().unwrap());
        let asks = |terms: &CampaignTerms, pause, region| {
            let last_no = Some(LastNo { at: at("2026-01-15T00:00:00Z"), region });
            terms.asks(ConsentState::Refused, Some(1), last_no, pause, at("2026-09-01T00:00:00Z"))
        };
        let loose = CampaignTerms { quiet_regions: Vec::new(), ..terms() };
        assert_eq!(asks(&loose, None, Some("DE")), Asked::Ask, "nobody says anything");
        assert_eq!(asks(&loose, months("12 months"), Some("DE")), Asked::Not(NotAsked::Quiet));
        assert_eq!(asks(&loose, months("12 months"), None), Asked::Not(NotAsked::Quiet));
        assert_eq!(asks(&loose, months("6 months"), Some("DE")), Asked::Ask, "the policy's pause is over");
        assert_eq!(
            asks(&terms(), months("6 months"), Some("US-CA")),
            Asked::Not(NotAsked::Quiet),
            "stricter"
        );
    }

    #[test]
    fn reminders_come_before_the_deadline() {
        for (now, expect) in
            [("2026-09-23T00:00:00Z", 0), ("2026-09-24T00:00:00Z", 1), ("2026-10-07T00:00:00Z", 2)]
        {
            assert_eq!(terms().reminders_due(at(now)), expect, "{now}");
        }
    }

    #[test]
    fn terms_that_nobody_could_answer_are_refused() {
        assert!(terms().check(at("2026-10-08T00:00:00Z")).is_err());
        assert!(terms().check(at("2026-10-07T23:59:59Z")).is_ok());
        let elsewhere = CampaignTerms { quiet_regions: vec!["california".to_owned()], ..terms() };
        assert!(elsewhere.check(at("2026-01-01T00:00:00Z")).is_err());
        let unwritable = CampaignTerms { quiet: RetentionSpan::ZERO, ..terms() };
        assert_eq!(unwritable.check(at("2026-01-01T00:00:00Z")), Err(CampaignError::NoTime));
    }

    proptest! {
        #[test]
        fn a_longer_pause_never_asks_somebody_whom_a_shorter_one_does_not(
            shorter in 0_u32..800, more in 0_u32..400, days in 0_u64..1_200, in_california: bool,
        ) {
            let no = at("2025-01-31T00:00:00Z");
            let now = no + std::time::Duration::from_secs(86_400 * days);
            let region = if in_california { "US-CA" } else { "DE" };
            let asks = |pause: Option<u32>| {
                let pause = pause.map(|days| format!("{} days", days.max(1)).parse().unwrap());
                let last_no = Some(LastNo { at: no, region: Some(region) });
                terms().asks(ConsentState::Withdrawn, None, last_no, pause, now) == Asked::Ask
            };
            prop_assert!(!asks(Some(shorter + more)) || asks(Some(shorter)));
            prop_assert!(!asks(Some(shorter)) || asks(None), "no policy loosens what the campaign says");
        }

        #[test]
        fn a_quiet_time_ends_and_never_comes_back(days in 0_i64..800) {
            let no = at("2025-01-31T00:00:00Z");
            let asks = |days: i64| {
                let now = no + std::time::Duration::from_secs(86_400 * u64::try_from(days).unwrap());
                let last_no = Some(LastNo { at: no, region: Some("US-CA") });
                terms().asks(ConsentState::Withdrawn, None, last_no, None, now) == Asked::Ask
            };
            prop_assert!(!asks(days) || asks(days + 1));
            prop_assert_eq!(asks(days), days >= 365);
        }
    }
}
