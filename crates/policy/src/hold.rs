//! Legal holds: what a matter obliges to keep.

use crate::edge::Timestamp;
use crate::id::SubjectId;

/// Longest list in a scope.
pub const SCOPE_ENTRIES_MAX: usize = 10_000;
/// Longest name of a model or tag in a scope, in bytes.
pub const SCOPE_NAME_BYTES_MAX: usize = 256;

/// Which records of an organisation a hold covers. What is empty or absent does not narrow: a scope without anything
/// covers everything the organisation keeps, past and future.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HoldScope {
    /// Only of these people.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub subjects: Vec<SubjectId>,
    /// Only what was captured at or after this instant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Timestamp>,
    /// Only what was captured before this instant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// Only what these models were asked or answered. A trailing `*` stands for any ending.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub models: Vec<String>,
    /// Only conversations with one of these tags.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
}

/// What a scope looks at in a record.
#[derive(Debug, Clone, Copy)]
pub struct HoldCandidate<'a> {
    /// Whose.
    pub subject: SubjectId,
    /// Captured when.
    pub captured_at: Timestamp,
    /// Which model was asked or answered.
    pub model: &'a str,
    /// The tags of its conversation.
    pub tags: &'a [String],
}

/// A scope that cannot be used. Nothing was held.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HoldScopeError {
    /// The range of time is empty.
    #[error("the hold begins at {from} and ends before it, at {until}: it would hold nothing")]
    EmptyRange {
        /// Its beginning.
        from: Timestamp,
        /// Its end.
        until: Timestamp,
    },
    /// A list is too long.
    #[error(
        "a scope names at most {SCOPE_ENTRIES_MAX} people, models or tags; place several holds for the matter"
    )]
    TooLong,
    /// A name is empty or too long.
    #[error("models and tags in a scope have 1 to {SCOPE_NAME_BYTES_MAX} bytes")]
    Name,
}

impl HoldScope {
    /// Whether the scope can be used.
    pub fn check(&self) -> Result<(), HoldScopeError> {
        if let (Some(from), Some(until)) = (self.from, self.until)
            && until <= from
        {
            return Err(HoldScopeError::EmptyRange { from, until });
        }
        if self.subjects.len().max(self.models.len()).max(self.tags.len()) > SCOPE_ENTRIES_MAX {
            return Err(HoldScopeError::TooLong);
        }
        let is_name = |name: &String| (1..=SCOPE_NAME_BYTES_MAX).contains(&name.len());
        if !self.models.iter().chain(&self.tags).all(is_name) {
            return Err(HoldScopeError::Name);
        }
        Ok(())
    }

    /// Whether the scope covers a record.
    pub fn covers(&self, candidate: &HoldCandidate<'_>) -> bool {
        (self.subjects.is_empty() || self.subjects.contains(&candidate.subject))
            && self.from.is_none_or(|from| candidate.captured_at >= from)
            && self.until.is_none_or(|until| candidate.captured_at < until)
            && (self.models.is_empty() || self.models.iter().any(|model| names(model, candidate.model)))
            && (self.tags.is_empty() || self.tags.iter().any(|tag| candidate.tags.contains(tag)))
    }

    /// A scope that covers at least what both cover: for widening, which must never let go of anything.
    #[must_use]
    pub fn widened_by(&self, other: &Self) -> Self {
        Self {
            subjects: joined(&self.subjects, &other.subjects),
            from: self.from.zip(other.from).map(|(a, b)| a.min(b)),
            until: self.until.zip(other.until).map(|(a, b)| a.max(b)),
            models: joined(&self.models, &other.models),
            tags: joined(&self.tags, &other.tags),
        }
    }
}

/// Both lists in one; none narrows when one of them does not.
fn joined<T: Clone + PartialEq>(one: &[T], other: &[T]) -> Vec<T> {
    if one.is_empty() || other.is_empty() {
        return Vec::new();
    }
    let mut all = one.to_vec();
    all.extend(other.iter().filter(|entry| !one.contains(entry)).cloned());
    all
}

fn names(pattern: &str, model: &str) -> bool {
    pattern.strip_suffix('*').map_or(pattern == model, |beginning| model.starts_with(beginning))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn subject(number: u8) -> SubjectId {
        SubjectId::from_bytes([number; 16])
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn scopes() -> impl Strategy<Value = HoldScope> {
        let names = || proptest::collection::vec(prop::sample::select(vec!["a", "b", "ab*", "c"]), 0..3);
        let instant = || proptest::option::of(0_i64..20);
        (proptest::collection::vec(0_u8..3, 0..3), instant(), instant(), names(), names()).prop_map(
            |(subjects, from, until, models, tags)| HoldScope {
                subjects: subjects.into_iter().map(subject).collect(),
                from: from.map(at),
                until: until.map(at),
                models: models.into_iter().map(str::to_owned).collect(),
                tags: tags.into_iter().map(str::to_owned).collect(),
            },
        )
    }

    proptest! {
        #[test]
        fn widening_never_lets_go(
            one in scopes(), other in scopes(), person in 0_u8..3, second in 0_i64..20,
            model in "[a-c]{1,2}", tag in "[a-c]",
        ) {
            let tags = [tag];
            let candidate =
                HoldCandidate { subject: subject(person), captured_at: at(second), model: &model, tags: &tags };
            let both = one.covers(&candidate) || other.covers(&candidate);
            prop_assert!(!both || one.widened_by(&other).covers(&candidate));
            prop_assert_eq!(HoldScope::default().covers(&candidate), true);
        }
    }

    #[test]
    fn a_scope_narrows_by_everything_it_names() {
        let scope = HoldScope {
            subjects: vec![subject(1)],
            from: Some(at(10)),
            until: Some(at(20)),
            models: vec!["claude-*".to_owned()],
            tags: vec!["matter".to_owned()],
        };
        let tags = ["matter".to_owned()];
        let covered =
            HoldCandidate { subject: subject(1), captured_at: at(10), model: "claude-x", tags: &tags };
        let check = |candidate: HoldCandidate<'_>, expect: bool| assert_eq!(scope.covers(&candidate), expect);
        check(covered, true);
        check(HoldCandidate { subject: subject(2), ..covered }, false);
        check(HoldCandidate { captured_at: at(9), ..covered }, false);
        check(HoldCandidate { captured_at: at(20), ..covered }, false);
        check(HoldCandidate { model: "gpt", ..covered }, false);
        check(HoldCandidate { tags: &[], ..covered }, false);
    }

    #[test]
    fn an_unusable_scope_says_why() {
        let check = |scope: HoldScope, expect: &str| {
            assert!(scope.check().unwrap_err().to_string().contains(expect));
        };
        check(HoldScope { from: Some(at(2)), until: Some(at(2)), ..HoldScope::default() }, "hold nothing");
        check(HoldScope { models: vec![String::new()], ..HoldScope::default() }, "1 to 256");
        check(HoldScope { subjects: vec![subject(1); 10_001], ..HoldScope::default() }, "several holds");
        assert!(HoldScope::default().check().is_ok());
    }
}
