//! What a compliance access key permits, in the words of the public Compliance API.

use crate::named::{UnknownName, named};

named! {
    /// One thing that a compliance access key permits. A key's permissions never change.
    ComplianceScope, "a permission of a compliance access key" {
        /// Reading the activity feed and the whole transparency log.
        ReadActivities = "read:compliance_activities",
        /// Reading conversations, their messages and files, and the people of an organisation.
        ReadUserData = "read:compliance_user_data",
        /// Destroying conversations.
        DeleteUserData = "delete:compliance_user_data",
        /// Reading organisations, their roles and groups, and the settings in force.
        ReadOrganizationData = "read:compliance_org_data",
    }
}

/// Several permissions, each at most once, in the order of [`ComplianceScope::ALL`].
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct ComplianceScopes(Vec<ComplianceScope>);

impl ComplianceScopes {
    /// Whether `scope` is among them.
    pub fn contains(&self, scope: ComplianceScope) -> bool {
        self.0.contains(&scope)
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Their names, in order.
    pub fn names(&self) -> Vec<&'static str> {
        self.0.iter().map(|scope| scope.name()).collect()
    }
}

impl FromIterator<ComplianceScope> for ComplianceScopes {
    fn from_iter<I: IntoIterator<Item = ComplianceScope>>(scopes: I) -> Self {
        let mut scopes: Vec<ComplianceScope> = scopes.into_iter().collect();
        scopes.sort_unstable();
        scopes.dedup();
        Self(scopes)
    }
}

impl std::fmt::Display for ComplianceScopes {
    /// The names with a space between them, as databases keep them.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.names().join(" "))
    }
}

impl std::str::FromStr for ComplianceScopes {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, UnknownName> {
        text.split_whitespace().map(str::parse).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permissions_are_read_as_they_are_written_and_each_counts_once() {
        let text = "read:compliance_user_data read:compliance_activities read:compliance_user_data";
        let scopes: ComplianceScopes = text.parse().unwrap();
        assert_eq!(scopes.to_string(), "read:compliance_activities read:compliance_user_data");
        assert!(!scopes.contains(ComplianceScope::DeleteUserData));
        assert!(
            "read:compliance_org_settings".parse::<ComplianceScopes>().is_err(),
            "retired, and grants nothing"
        );
    }
}
