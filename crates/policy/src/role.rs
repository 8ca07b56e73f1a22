//! What people may be in the console. What each may do is the policy's to say; here is only the closed list.

use crate::named::{UnknownName, named};

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

/// Several roles, each at most once, in the order of [`Role::ALL`].
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct RoleSet(Vec<Role>);

impl RoleSet {
    /// Whether `role` is among them.
    pub fn contains(&self, role: Role) -> bool {
        self.0.contains(&role)
    }

    /// The roles, in the order of [`Role::ALL`].
    pub fn roles(&self) -> &[Role] {
        &self.0
    }

    /// Whether any of them is a role of staff, who act on what belongs to others.
    pub fn has_staff(&self) -> bool {
        self.0.iter().any(|role| *role != Role::Person)
    }
}

impl FromIterator<Role> for RoleSet {
    fn from_iter<I: IntoIterator<Item = Role>>(roles: I) -> Self {
        let mut roles: Vec<Role> = roles.into_iter().collect();
        roles.sort_unstable();
        roles.dedup();
        Self(roles)
    }
}

impl std::fmt::Display for RoleSet {
    /// The names with a space between them, as databases and the ledger keep them.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<&str> = self.0.iter().map(|role| role.name()).collect();
        formatter.write_str(&names.join(" "))
    }
}

impl std::str::FromStr for RoleSet {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, UnknownName> {
        text.split_whitespace().map(str::parse).collect()
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
