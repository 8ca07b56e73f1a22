//! The policies that come with the program.

use crate::retention::Policy;

macro_rules! shipped {
    ($($name:literal),+ $(,)?) => {
        /// The names of the policies that come with the program.
        pub const BUILT_IN_NAMES: [&str; [$($name),+].len()] = [$($name),+];

        fn texts(name: &str) -> Option<(&'static str, &'static str)> {
            match name {
                $($name => Some((
                    include_str!(concat!("../../../../policies/", $name, ".toml")),
                    include_str!(concat!("../../../../policies/", $name, ".cases.toml")),
                )),)+
                _ => None,
            }
        }
    };
}

shipped!("consumer", "enterprise", "education", "government", "anthropic-2026");

/// What holds until an operator publishes a policy.
const DEFAULT: &str = "enterprise";

impl Policy {
    /// The text of a policy that comes with the program.
    pub fn built_in_text(name: &str) -> Option<&'static str> {
        texts(name).map(|(policy, _)| policy)
    }

    /// The case file of a policy that comes with the program.
    pub fn built_in_cases(name: &str) -> Option<&'static str> {
        texts(name).map(|(_, cases)| cases)
    }

    /// A policy that comes with the program, compiled; `None` for other names.
    pub fn built_in(name: &str) -> Option<Self> {
        Self::built_in_text(name).and_then(|text| Self::parse(text).ok())
    }

    /// The text of the policy that holds until an operator publishes one.
    pub fn default_text() -> &'static str {
        Self::built_in_text(DEFAULT).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_policy_that_comes_with_the_program_is_sound_and_keeps_its_cases() {
        for name in BUILT_IN_NAMES {
            let policy = Policy::parse(Policy::built_in_text(name).unwrap())
                .unwrap_or_else(|problems| panic!("{name}: {problems}"));
            assert_eq!(policy.name(), name);
            let outcomes = crate::run_cases(&policy, Policy::built_in_cases(name).unwrap())
                .unwrap_or_else(|error| panic!("{name}: {error}"));
            assert!(outcomes.len() >= 10, "{name} has few cases: {}", outcomes.len());
            for outcome in outcomes {
                assert!(
                    outcome.failures.is_empty(),
                    "{name}, line {}: {}: {:?}",
                    outcome.line,
                    outcome.name,
                    outcome.failures
                );
            }
        }
    }
}
