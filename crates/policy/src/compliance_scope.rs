//! What a compliance access key permits, in the words of the public Compliance API.

use crate::named::{NamedSet, named};

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

/// Several permissions.
pub type ComplianceScopes = NamedSet<ComplianceScope>;

impl ComplianceScopes {
    /// Their names, in order.
    pub fn names(&self) -> Vec<&'static str> {
        self.members().iter().map(|scope| scope.name()).collect()
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
