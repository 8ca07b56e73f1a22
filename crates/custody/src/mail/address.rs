//! Where a person is written to.

use std::fmt;
use std::str::FromStr;

use zeroize::Zeroizing;

/// Longest address, in bytes (RFC 5321, section 4.5.3.1.3, without its angle brackets).
const ADDRESS_BYTES_MAX: usize = 254;
/// What an address is padded to before it is sealed, so that its length is not told: a byte for the length, and room.
const PADDED_BYTES: usize = 256;

/// The mail address of a person. Its `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct MailAddress(String);

/// A text that is no mail address. It is not repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "this is no mail address; write it as in `name@example.org`, at most {ADDRESS_BYTES_MAX} characters, nothing around it"
)]
pub struct NotAnAddress;

impl MailAddress {
    /// The address as text: for the mail server, never for a log.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The address with its length hidden.
    pub(super) fn padded(&self) -> Zeroizing<Vec<u8>> {
        let mut padded = Zeroizing::new(vec![0; PADDED_BYTES]);
        let text = self.0.as_bytes();
        // An address is never longer than a byte can say.
        let length = u8::try_from(text.len()).unwrap_or(u8::MAX);
        for (place, byte) in padded.iter_mut().zip(std::iter::once(&length).chain(text)) {
            *place = *byte;
        }
        padded
    }

    /// Reads what [`Self::padded`] wrote.
    pub(super) fn from_padded(padded: &[u8]) -> Result<Self, NotAnAddress> {
        let (length, rest) = padded.split_first().ok_or(NotAnAddress)?;
        let text = rest.get(..usize::from(*length)).ok_or(NotAnAddress)?;
        std::str::from_utf8(text).map_err(|_| NotAnAddress)?.parse()
    }
}

impl fmt::Debug for MailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MailAddress(redacted)")
    }
}

impl FromStr for MailAddress {
    type Err = NotAnAddress;

    fn from_str(text: &str) -> Result<Self, NotAnAddress> {
        let is_plain = text.chars().all(|c| !c.is_control() && !c.is_whitespace() && !"<>,;\"\\".contains(c));
        let has_parts = text.rsplit_once('@').is_some_and(|(name, host)| {
            !name.is_empty() && !name.contains('@') && !host.is_empty() && !host.starts_with('.')
        });
        if is_plain && has_parts && text.len() <= ADDRESS_BYTES_MAX {
            Ok(Self(text.to_owned()))
        } else {
            Err(NotAnAddress)
        }
    }
}

impl TryFrom<String> for MailAddress {
    type Error = NotAnAddress;

    fn try_from(text: String) -> Result<Self, NotAnAddress> {
        text.parse()
    }
}

impl From<MailAddress> for String {
    fn from(address: MailAddress) -> Self {
        address.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_keep_their_form_and_hide_their_length() {
        let longest = format!("{}@example.org", "a".repeat(ADDRESS_BYTES_MAX - 12));
        for text in ["a@b", "anna.o'neil+notes@mail.example.org", "ünï@exämple.org", &longest] {
            let address: MailAddress = text.parse().unwrap();
            let padded = address.padded();
            assert_eq!(padded.len(), PADDED_BYTES, "{text}");
            assert_eq!(MailAddress::from_padded(&padded).unwrap().expose(), text);
            assert!(!format!("{address:?}").contains(text));
        }
        let too_long = format!("a{longest}");
        for text in
            ["", "@", "a@", "@b", "a b@c", "Anna <a@b>", "a@b,c@d", "a@b@c", "a@b\n", "a@.b", &too_long]
        {
            assert_eq!(text.parse::<MailAddress>(), Err(NotAnAddress), "{text}");
        }
        assert!(MailAddress::from_padded(&[200, b'a']).is_err());
        assert!(MailAddress::from_padded(&[]).is_err());
    }
}
