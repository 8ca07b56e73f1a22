//! What a token for the JSON API permits.

use crate::named::{UnknownName, named};

named! {
    /// One thing that a token permits. None of them permits more than the roles of the account it belongs to.
    ApiScope, "a permission of a token" {
        /// Reading what its owner may see.
        Read = "read",
        /// Changing what its owner may change.
        Write = "write",
        /// Naming a person of the organisation in the header `fiducia-subject`, to read and enter that person's choices and
        /// requests: for an application in whose settings many people choose.
        ActForPeople = "act-for-people",
    }
}

/// Several permissions, each at most once, in the order of [`ApiScope::ALL`].
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct ApiScopes(Vec<ApiScope>);

impl ApiScopes {
    /// Whether `scope` is among them.
    pub fn contains(&self, scope: ApiScope) -> bool {
        self.0.contains(&scope)
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<ApiScope> for ApiScopes {
    fn from_iter<I: IntoIterator<Item = ApiScope>>(scopes: I) -> Self {
        let mut scopes: Vec<ApiScope> = scopes.into_iter().collect();
        scopes.sort_unstable();
        scopes.dedup();
        Self(scopes)
    }
}

impl std::fmt::Display for ApiScopes {
    /// The names with a space between them, as databases keep them.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<&str> = self.0.iter().map(|scope| scope.name()).collect();
        formatter.write_str(&names.join(" "))
    }
}

impl std::str::FromStr for ApiScopes {
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
        let scopes: ApiScopes = "write read write".parse().unwrap();
        assert_eq!(scopes.to_string(), "read write");
        assert!(scopes.contains(ApiScope::Write) && !scopes.contains(ApiScope::ActForPeople));
        assert!("admin".parse::<ApiScopes>().is_err());
        assert!("".parse::<ApiScopes>().unwrap().is_empty());
    }
}
