//! The public names of types of activities.

use std::collections::BTreeSet;
use std::sync::LazyLock;

/// Every public name that is known, one a line, in order. `fiducia_…` names are this program's own.
pub const ACTIVITY_TYPES: &str = include_str!("activity_types.txt");

/// What names of our own begin with.
const OWN_PREFIX: &str = "fiducia_";
/// The longest name.
const NAME_BYTES_MAX: usize = 128;

static KNOWN: LazyLock<BTreeSet<&'static str>> = LazyLock::new(|| ACTIVITY_TYPES.lines().collect());

/// Whether somebody may filter by this name: it is public, or in the form of ours.
pub fn is_activity_type(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    let is_own = name.len() <= NAME_BYTES_MAX && name.starts_with(OWN_PREFIX) && name.bytes().all(is_plain);
    is_own || KNOWN.contains(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_names_are_known_and_near_misses_are_not() {
        assert_eq!(
            KNOWN.len(),
            471,
            "467 of the enumeration, two of access transparency, two of the changelog"
        );
        for name in [
            "compliance_api_accessed",
            "anthropic_access",
            "cmek_preserve",
            "user_logged_out",
            "fiducia_record_access",
        ] {
            assert!(is_activity_type(name), "{name}");
        }
        for name in [
            "",
            "Anthropic_access",
            "anthropic-access",
            "compliance_api_access",
            "fiducia_Record",
            "fiducia_\u{e9}",
        ] {
            assert!(!is_activity_type(name), "{name}");
        }
    }
}
