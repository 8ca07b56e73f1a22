//! What people may be in the console. What each may do is the policy's to say; here is only the closed list.

use crate::named::{NamedSet, named};

named! {
    /// What an account's owner acts as. An account may have several.
    Role, "a role" {
        /// Somebody whose conversations are kept: sees and governs what is theirs.
        Person = "person",
        /// Governs an organisation: plans, keys, accounts.
        TenantAdmin = "tenant-admin",
        /// Helps people with their accounts; sees account basics only.
        Support = "support",
        /// Looks into misuse; sees what was flagged.
        TrustAndSafety = "trust-and-safety",
        /// Studies use; sees aggregates only.
        Research = "research",
        /// Keeps the program running; sees its logs, which hold no content.
        Engineering = "engineering",
        /// Answers courts and authorities: holds and exports.
        Legal = "legal",
        /// Checks that promises are kept; sees evidence and no content.
        Auditor = "auditor",
        /// Works with the organisation from outside; sees aggregates only.
        Partner = "partner",
    }
}

/// Several roles.
pub type RoleSet = NamedSet<Role>;

impl RoleSet {
    /// Whether any of them is a role of staff, who act on what belongs to others.
    pub fn has_staff(&self) -> bool {
        self.members().iter().any(|role| *role != Role::Person)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_are_read_as_they_are_written_and_each_counts_once() {
        let roles: RoleSet = "auditor person auditor".parse().unwrap();
        assert_eq!(roles.to_string(), "person auditor");
        assert!(roles.contains(Role::Auditor) && !roles.contains(Role::Legal) && roles.has_staff());
        assert!(!"person".parse::<RoleSet>().unwrap().has_staff());
        assert!("root".parse::<RoleSet>().is_err());
    }
}
