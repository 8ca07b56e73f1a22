//! Passwords: argon2id strings, made and checked.

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use fiducia_policy::{Randomness, RandomnessUnavailable};
use zeroize::Zeroizing;

/// The fewest characters of a new password (NIST SP 800-63B-4 asks for 8 beside another factor and 15 alone; the throttle
/// and the cost of a guess stand between).
pub const PASSWORD_CHARACTERS_MIN: usize = 12;
/// The longest password that is hashed at all, in bytes.
pub const PASSWORD_BYTES_MAX: usize = 256;

/// OWASP's password storage cheat sheet: argon2id, 19 MiB, two passes, one lane.
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// What a stored string may ask for at most, so that one that was tampered with cannot exhaust the machine.
const MEMORY_KIB_MAX: u32 = 65_536;
const PASSES_MAX: u32 = 8;
const LANES_MAX: u32 = 4;

/// A password: overwritten when dropped, never shown by `Debug`.
#[derive(Clone)]
pub struct Password(Zeroizing<String>);

impl Password {
    /// Takes `text` as a password.
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// Why it will not do as a new password, if so.
    pub fn objection(&self) -> Option<String> {
        (self.0.chars().count() < PASSWORD_CHARACTERS_MIN || self.0.len() > PASSWORD_BYTES_MAX).then(|| {
            format!(
                "a password has at least {PASSWORD_CHARACTERS_MIN} characters and at most {PASSWORD_BYTES_MAX} bytes; nothing was changed"
            )
        })
    }

    fn bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Password(redacted)")
    }
}

impl serde::Serialize for Password {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> serde::Deserialize<'de> for Password {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::new)
    }
}

/// Why a password could not be hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum HashingFailed {
    #[error(transparent)]
    Randomness(#[from] RandomnessUnavailable),
    #[error("the password could not be hashed; nothing was stored")]
    Hashing,
}

fn hasher() -> Result<Argon2<'static>, HashingFailed> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(|_| HashingFailed::Hashing)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

/// The argon2id string of a password. Takes some tens of milliseconds and 19 MiB.
pub(crate) fn hash(password: &Password, randomness: &dyn Randomness) -> Result<String, HashingFailed> {
    let mut salt = [0_u8; 16];
    randomness.fill(&mut salt)?;
    let made: PasswordHash =
        hasher()?.hash_password_with_salt(password.bytes(), &salt).map_err(|_| HashingFailed::Hashing)?;
    Ok(made.to_string())
}

/// Whether the password is the one of which `stored` is the string. Takes about as long without a string as with one, so that
/// the time does not tell which accounts exist.
pub(crate) fn matches(password: &Password, stored: Option<&str>) -> bool {
    if password.bytes().len() > PASSWORD_BYTES_MAX {
        return false;
    }
    let parsed = stored.and_then(|stored| PasswordHash::new(stored).ok()).filter(is_bearable);
    match (hasher(), parsed) {
        (Ok(hasher), Some(stored)) => hasher.verify_password(password.bytes(), &stored).is_ok(),
        (Ok(hasher), None) => {
            let mut discarded = Zeroizing::new([0_u8; 32]);
            // Only the time matters.
            let _spent = hasher.hash_password_into(password.bytes(), &[0; 16], &mut *discarded);
            false
        }
        (Err(_), _) => false,
    }
}

/// Whether a stored string asks for no more than this machine should give.
fn is_bearable(stored: &PasswordHash) -> bool {
    let is_argon2id = stored.algorithm.as_str() == Algorithm::Argon2id.as_str();
    is_argon2id
        && Params::try_from(stored).is_ok_and(|params| {
            params.m_cost() <= MEMORY_KIB_MAX && params.t_cost() <= PASSES_MAX && params.p_cost() <= LANES_MAX
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed;
    impl Randomness for Fixed {
        fn fill(&self, bytes: &mut [u8]) -> Result<(), RandomnessUnavailable> {
            bytes.fill(7);
            Ok(())
        }
    }

    #[test]
    fn a_password_matches_its_own_string_and_no_other() {
        let password = Password::new("correct horse battery".to_owned());
        let stored = hash(&password, &Fixed).unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        assert!(matches(&password, Some(&stored)));
        assert!(!matches(&Password::new("correct horse batterz".to_owned()), Some(&stored)));
        assert!(!matches(&password, None));
        assert!(!matches(&password, Some("")));
    }

    #[test]
    fn a_string_that_asks_for_too_much_is_not_tried() {
        let password = Password::new("correct horse battery".to_owned());
        let stored = hash(&password, &Fixed).unwrap();
        assert!(!matches(&password, Some(&stored.replace("m=19456", "m=4194304"))));
        assert!(!matches(&password, Some(&stored.replace("argon2id", "argon2i"))));
    }

    #[test]
    fn short_and_endless_passwords_are_refused_and_none_is_shown() {
        assert!(Password::new("short".to_owned()).objection().is_some());
        assert!(Password::new("x".repeat(PASSWORD_BYTES_MAX + 1)).objection().is_some());
        let good = Password::new("twelve chars".to_owned());
        assert_eq!(good.objection(), None);
        assert_eq!(format!("{good:?}"), "Password(redacted)");
    }
}
