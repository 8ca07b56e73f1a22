//! Webhooks: when a delivery is tried again, when it is given up, and when an endpoint gets nothing more. Pure.
//!
//! The schedule is the one that Standard Webhooks 1.0.0 gives as its example. A delivery is tried ten times within about three
//! days; an endpoint that gave nothing but failures for five days is disabled, and one that answers `410 Gone` at once.

use std::time::Duration;

use crate::edge::Timestamp;
use crate::named::named;

/// How long after each failed attempt the next one follows, in seconds.
const RETRY_SECONDS: [u64; 9] = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400];
/// Attempts at one delivery before it is a dead letter.
pub const WEBHOOK_ATTEMPTS_MAX: u32 = 10;
/// By which part of itself, at most, a wait is longer than the schedule says: a fifth.
const JITTER_PART: u64 = 5;
/// The longest wait that an answer may ask for, in seconds: one day.
pub const WEBHOOK_RETRY_AFTER_SECONDS_MAX: u32 = 86_400;
/// For how many days an endpoint may give nothing but failures before it is disabled.
pub const WEBHOOK_FAILING_DAYS_MAX: i64 = 5;
const SECONDS_PER_DAY: i64 = 86_400;

const GONE: u16 = 410;
const TOO_MANY_REQUESTS: u16 = 429;
const SERVICE_UNAVAILABLE: u16 = 503;

named! {
    /// Why an attempt brought no answer.
    AttemptFailure, "a reason why an attempt brought no answer" {
        /// The name is not known, nobody listens, or TLS was not agreed.
        Unreachable = "unreachable",
        /// The address is one that deliveries may not go to.
        AddressRefused = "address-refused",
        /// No answer came in time.
        TimedOut = "timed-out",
        /// The connection ended before the answer's head was there.
        BrokenOff = "broken-off",
    }
}

/// What came of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case", tag = "outcome")]
pub enum AttemptOutcome {
    /// There was an answer.
    Answered {
        /// Its HTTP status.
        status: u16,
        /// How long it asks to wait, in seconds.
        retry_after_seconds: Option<u32>,
    },
    /// There was none.
    Unanswered {
        /// Why.
        failure: AttemptFailure,
    },
}

impl AttemptOutcome {
    /// Whether the delivery arrived: 2xx and nothing else. A redirect is none, because nobody follows it.
    pub const fn is_success(self) -> bool {
        matches!(self, Self::Answered { status: 200..=299, .. })
    }

    /// How long the answer asks to wait, where its status lets it.
    fn asked_wait(self) -> Option<u64> {
        match self {
            Self::Answered {
                status: TOO_MANY_REQUESTS | SERVICE_UNAVAILABLE,
                retry_after_seconds: Some(seconds),
            } => Some(u64::from(seconds.min(WEBHOOK_RETRY_AFTER_SECONDS_MAX))),
            _ => None,
        }
    }
}

named! {
    /// Why an endpoint gets nothing.
    DisabledBecause, "a reason why a webhook is disabled" {
        /// Somebody said so.
        Asked = "asked",
        /// It answered 410 Gone.
        Gone = "gone",
        /// It gave nothing but failures for days.
        Failing = "failing",
    }
}

/// Where a delivery goes from an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryStep {
    /// It arrived.
    Delivered,
    /// It is tried again.
    Retry {
        /// When.
        at: Timestamp,
    },
    /// It is a dead letter: nobody tries it again unless asked to.
    Dead,
}

/// What an attempt says about the endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndpointStep {
    /// It took a delivery.
    Healthy,
    /// It failed, and has done nothing else.
    Failing {
        /// Since when.
        since: Timestamp,
    },
    /// It gets nothing from now on.
    Disable(DisabledBecause),
}

/// What follows from an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AfterAttempt {
    /// For the delivery.
    pub delivery: DeliveryStep,
    /// For its endpoint.
    pub endpoint: EndpointStep,
}

/// What follows from an attempt at a delivery.
///
/// `attempts` counts this attempt too. `failing_since` says since when the endpoint has done nothing but fail. `jitter` is a random
/// number that spreads repetitions, so that those which failed together do not come together again: 0 keeps the schedule, the
/// largest makes the wait longer by a fifth. An answer may ask for a longer wait, never for a shorter one.
pub fn after_attempt(
    outcome: AttemptOutcome,
    attempts: u32,
    failing_since: Option<Timestamp>,
    now: Timestamp,
    jitter: u16,
) -> AfterAttempt {
    if outcome.is_success() {
        return AfterAttempt { delivery: DeliveryStep::Delivered, endpoint: EndpointStep::Healthy };
    }
    if matches!(outcome, AttemptOutcome::Answered { status: GONE, .. }) {
        let endpoint = EndpointStep::Disable(DisabledBecause::Gone);
        return AfterAttempt { delivery: DeliveryStep::Dead, endpoint };
    }
    let since = failing_since.filter(|since| *since <= now).unwrap_or(now);
    let failing_seconds = now.as_second().saturating_sub(since.as_second());
    let endpoint = if failing_seconds >= WEBHOOK_FAILING_DAYS_MAX * SECONDS_PER_DAY {
        EndpointStep::Disable(DisabledBecause::Failing)
    } else {
        EndpointStep::Failing { since }
    };
    let delivery = match retry_seconds(attempts, jitter) {
        Some(seconds) => {
            let seconds = seconds.max(outcome.asked_wait().unwrap_or(0));
            let at = now.checked_add(Duration::from_secs(seconds)).unwrap_or(Timestamp::MAX);
            DeliveryStep::Retry { at }
        }
        None => DeliveryStep::Dead,
    };
    AfterAttempt { delivery, endpoint }
}

/// How long after the `attempts`-th attempt the next follows; `None` when there is none.
fn retry_seconds(attempts: u32, jitter: u16) -> Option<u64> {
    let place = usize::try_from(attempts.checked_sub(1)?).ok()?;
    let scheduled = *RETRY_SECONDS.get(place)?;
    Some(scheduled + scheduled * u64::from(jitter) / (u64::from(u16::MAX) * JITTER_PART))
}

/// Which types of activity an endpoint gets: exact names, or the beginning of names with a `*` at the end. Empty for all.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EventFilter(Vec<String>);

/// A filter that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EventFilterError {
    /// It has too many patterns.
    #[error("a filter has at most {} patterns", EventFilter::PATTERNS_MAX)]
    TooMany,
    /// A pattern is no name of a type.
    #[error(
        "`{pattern}` is no type of activity: 1 to {} characters of a-z, 0-9 and `_`, and a `*` at the end for any rest",
        EventFilter::PATTERN_BYTES_MAX
    )]
    Pattern {
        /// Which, cut to the longest that one may be.
        pattern: String,
    },
}

impl EventFilter {
    /// The most patterns in a filter.
    pub const PATTERNS_MAX: usize = 64;
    /// The longest pattern, in bytes.
    pub const PATTERN_BYTES_MAX: usize = 128;

    /// A filter of these patterns, sorted and without repetitions.
    ///
    /// # Errors
    /// When there are too many, or one is no name.
    pub fn new(patterns: &[String]) -> Result<Self, EventFilterError> {
        if patterns.len() > Self::PATTERNS_MAX {
            return Err(EventFilterError::TooMany);
        }
        if let Some(wrong) = patterns.iter().find(|pattern| !is_pattern(pattern)) {
            let pattern = wrong.chars().take(Self::PATTERN_BYTES_MAX).collect();
            return Err(EventFilterError::Pattern { pattern });
        }
        let mut patterns = patterns.to_vec();
        patterns.sort_unstable();
        patterns.dedup();
        Ok(Self(patterns))
    }

    /// Whether activities of this type are let through.
    pub fn admits(&self, kind: &str) -> bool {
        let matches = |pattern: &String| match pattern.strip_suffix('*') {
            Some(beginning) => kind.starts_with(beginning),
            None => kind == pattern,
        };
        self.0.is_empty() || self.0.iter().any(matches)
    }

    /// Its patterns; none for all types.
    pub fn patterns(&self) -> &[String] {
        &self.0
    }
}

impl std::fmt::Display for EventFilter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0.join(" "))
    }
}

impl std::str::FromStr for EventFilter {
    type Err = EventFilterError;

    /// Reads what [`std::fmt::Display`] writes: patterns with spaces between them.
    fn from_str(text: &str) -> Result<Self, EventFilterError> {
        let patterns: Vec<String> = text.split_ascii_whitespace().map(str::to_owned).collect();
        Self::new(&patterns)
    }
}

fn is_pattern(pattern: &str) -> bool {
    let name = pattern.strip_suffix('*').unwrap_or(pattern);
    let is_name_byte = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    !pattern.is_empty() && pattern.len() <= EventFilter::PATTERN_BYTES_MAX && name.bytes().all(is_name_byte)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn answered(status: u16) -> AttemptOutcome {
        AttemptOutcome::Answered { status, retry_after_seconds: None }
    }

    #[test]
    fn the_schedule_is_the_recommended_one() {
        let (mut now, mut attempts, mut offsets) = (at(0), 1, vec![0]);
        while let DeliveryStep::Retry { at } = after_attempt(answered(500), attempts, None, now, 0).delivery {
            offsets.push(at.as_second());
            (now, attempts) = (at, attempts + 1);
        }
        // The column "time since start" of the specification's table.
        let expect = [0, 5, 305, 2_105, 9_305, 27_305, 63_305, 113_705, 185_705, 272_105];
        assert_eq!(offsets, expect);
        assert_eq!(attempts, WEBHOOK_ATTEMPTS_MAX);
    }

    #[test]
    fn only_2xx_is_a_success() {
        for status in [200, 204, 299] {
            assert_eq!(
                after_attempt(answered(status), 1, Some(at(0)), at(9), 0),
                AfterAttempt { delivery: DeliveryStep::Delivered, endpoint: EndpointStep::Healthy }
            );
        }
        for status in [100, 199, 300, 301, 307, 308, 400, 404, 500, 599] {
            assert!(!answered(status).is_success(), "{status}");
            let step = after_attempt(answered(status), 1, None, at(9), 0);
            assert_eq!(step.delivery, DeliveryStep::Retry { at: at(14) }, "{status}");
        }
    }

    #[test]
    fn gone_ends_the_endpoint_at_once() {
        let step = after_attempt(answered(410), 1, None, at(9), 0);
        assert_eq!(step.delivery, DeliveryStep::Dead);
        assert_eq!(step.endpoint, EndpointStep::Disable(DisabledBecause::Gone));
    }

    #[test]
    fn an_answer_may_ask_for_more_time_and_not_for_less() {
        let check = |status, asked, expect| {
            let outcome = AttemptOutcome::Answered { status, retry_after_seconds: Some(asked) };
            let step = after_attempt(outcome, 2, None, at(0), 0);
            assert_eq!(step.delivery, DeliveryStep::Retry { at: at(expect) }, "{status} {asked}");
        };
        check(429, 3_600, 3_600);
        check(503, 3_600, 3_600);
        check(429, 1, 300);
        check(429, u32::MAX, 86_400);
        check(500, 3_600, 300);
    }

    #[test]
    fn five_days_of_nothing_but_failure_disable() {
        let day = SECONDS_PER_DAY;
        let step = |since, now| after_attempt(answered(500), 3, since, now, 0).endpoint;
        assert_eq!(step(None, at(7)), EndpointStep::Failing { since: at(7) });
        assert_eq!(step(Some(at(0)), at(5 * day - 1)), EndpointStep::Failing { since: at(0) });
        assert_eq!(step(Some(at(0)), at(5 * day)), EndpointStep::Disable(DisabledBecause::Failing));
        // A clock that was set back begins anew rather than disabling.
        assert_eq!(step(Some(at(9 * day)), at(0)), EndpointStep::Failing { since: at(0) });
    }

    #[test]
    fn filters_admit_what_they_name() {
        let check = |patterns: &str, kind: &str, expect| {
            assert_eq!(patterns.parse::<EventFilter>().unwrap().admits(kind), expect, "{patterns} {kind}");
        };
        check("", "anything", true);
        check("claude_chat_deleted", "claude_chat_deleted", true);
        check("claude_chat_deleted", "claude_chat_deleted_twice", false);
        check("claude_chat_*", "claude_chat_deleted", true);
        check("claude_chat_* user_logged_out", "user_logged_out", true);
        check("claude_chat_*", "claude_file_deleted", false);
        check("*", "anything", true);
        for wrong in ["a*b", "A", "a b\u{e9}", "a-b", ""] {
            assert!(EventFilter::new(&[wrong.to_owned()]).is_err(), "{wrong}");
        }
        assert_eq!(EventFilter::new(&vec!["a".to_owned(); 65]), Err(EventFilterError::TooMany));
    }

    proptest! {
        #[test]
        fn no_run_of_answers_tries_more_than_ten_times_or_goes_back_in_time(
            answers in proptest::collection::vec((100_u16..600, proptest::option::of(any::<u32>()), any::<u16>()), 1..40),
        ) {
            let (mut now, mut attempts, mut since) = (at(1_000), 0, None);
            for (status, retry_after_seconds, jitter) in answers {
                attempts += 1;
                let outcome = AttemptOutcome::Answered { status, retry_after_seconds };
                let step = after_attempt(outcome, attempts, since, now, jitter);
                match step.endpoint {
                    EndpointStep::Healthy => since = None,
                    EndpointStep::Failing { since: begun } => {
                        prop_assert!(begun <= now && since.is_none_or(|since| since == begun));
                        since = Some(begun);
                    }
                    EndpointStep::Disable(_) => break,
                }
                let DeliveryStep::Retry { at } = step.delivery else { break };
                prop_assert!(attempts < WEBHOOK_ATTEMPTS_MAX);
                let waited = at.as_second() - now.as_second();
                let least = i64::try_from(RETRY_SECONDS[usize::try_from(attempts - 1).unwrap()]).unwrap();
                let most = (least + least / 5).max(i64::from(WEBHOOK_RETRY_AFTER_SECONDS_MAX));
                prop_assert!((least..=most).contains(&waited), "{} after {}", waited, attempts);
                now = at;
            }
            prop_assert!(attempts <= WEBHOOK_ATTEMPTS_MAX);
        }
    }
}
