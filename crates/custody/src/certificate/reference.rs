//! Reference numbers: short enough to be read out, random enough that nobody can guess one.

use std::fmt;
use std::str::FromStr;

use fiducia_policy::{Randomness, RandomnessUnavailable, Timestamp};

/// Crockford's base 32: no letter looks like a digit.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// Groups of four characters: 80 random bits.
const GROUPS: usize = 4;

/// A certificate's reference number, such as `FC-2026-7KQ4-M0XA-93TD-ZZ1B`: the year and 80 random bits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CertificateReference(String);

/// The random part of a reference number: groups, each after a hyphen.
///
/// # Errors
/// When the source of randomness fails.
pub(crate) fn random_groups(randomness: &dyn Randomness) -> Result<String, RandomnessUnavailable> {
    let mut random = [0_u8; GROUPS * 4];
    randomness.fill(&mut random)?;
    let mut text = String::new();
    for group in random.chunks(4) {
        text.push('-');
        // Five bits of each byte: every character is equally likely.
        text.extend(
            group.iter().filter_map(|byte| ALPHABET.get(usize::from(byte & 31))).map(|c| char::from(*c)),
        );
    }
    Ok(text)
}

/// A text that is no reference number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a reference number looks like FC-2026-7KQ4-M0XA-93TD-ZZ1B")]
pub struct NotAReference;

impl CertificateReference {
    /// A fresh one.
    ///
    /// # Errors
    /// When the source of randomness fails.
    pub fn generate(now: Timestamp, randomness: &dyn Randomness) -> Result<Self, RandomnessUnavailable> {
        Ok(Self(format!("{}{}", now.strftime("FC-%Y"), random_groups(randomness)?)))
    }

    /// The number as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for CertificateReference {
    type Err = NotAReference;

    fn from_str(text: &str) -> Result<Self, NotAReference> {
        let mut groups = text.split('-');
        let is_year = |year: &str| year.len() == 4 && year.bytes().all(|byte| byte.is_ascii_digit());
        let is_group = |group: &str| group.len() == 4 && group.bytes().all(|byte| ALPHABET.contains(&byte));
        let has_form = groups.next() == Some("FC")
            && groups.next().is_some_and(is_year)
            && groups.clone().count() == GROUPS
            && groups.all(is_group);
        if has_form { Ok(Self(text.to_owned())) } else { Err(NotAReference) }
    }
}

impl TryFrom<String> for CertificateReference {
    type Error = NotAReference;

    fn try_from(text: String) -> Result<Self, NotAReference> {
        text.parse()
    }
}

impl From<CertificateReference> for String {
    fn from(reference: CertificateReference) -> Self {
        reference.0
    }
}

impl fmt::Display for CertificateReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Counting;

    impl Randomness for Counting {
        fn fill(&self, bytes: &mut [u8]) -> Result<(), RandomnessUnavailable> {
            bytes.iter_mut().zip(0_u8..).for_each(|(byte, number)| *byte = number.wrapping_mul(37));
            Ok(())
        }
    }

    fn check(text: &str, expect: bool) {
        assert_eq!(text.parse::<CertificateReference>().is_ok(), expect, "{text}");
    }

    #[test]
    fn what_is_made_has_the_form_and_other_texts_have_not() {
        let made =
            CertificateReference::generate("2026-03-04T05:06:07Z".parse().unwrap(), &Counting).unwrap();
        assert_eq!(made.as_str(), "FC-2026-05AF-MSY3-8DJQ-W16B");
        check(made.as_str(), true);
        for text in [
            "",
            "FC-2026",
            "FC-2026-05AF-MSY3-8DJQ",
            "FC-2026-05AF-MSY3-8DJQ-W16B-0000",
            "FC-2026-05AF-MSY3-8DJQ-W16I",
            "fc-2026-05AF-MSY3-8DJQ-W16B",
            "FC-20260-5AF-MSY3-8DJQ-W16B",
        ] {
            check(text, false);
        }
    }
}
