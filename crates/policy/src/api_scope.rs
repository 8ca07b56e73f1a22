//! What a token for the JSON API permits.

use crate::named::{NamedSet, named};

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

/// Several permissions.
pub type ApiScopes = NamedSet<ApiScope>;

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
