//! Cursors: where a list goes on, as a text that only this installation can have written and that fits one list.
//!
//! They are bound to the endpoint and to what is read, not to the key, so that they go on working when keys are changed; and their
//! secret outlives restarts, because programs keep them for months.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use fiducia_custody::ComplianceReach;

use super::failure::Failure;

/// Bytes of the authentication code that a cursor carries.
const CODE_BYTES: usize = 16;
/// The longest cursor, in characters.
const CURSOR_CHARACTERS_MAX: usize = 256;

/// Which list a cursor belongs to.
#[derive(Debug, Clone, Copy)]
pub(super) struct List<'a> {
    /// The endpoint, and the order where it changes what a place means.
    pub(super) endpoint: &'a str,
    /// What the key reaches.
    pub(super) reach: ComplianceReach,
    /// What the path names.
    pub(super) named: &'a str,
}

/// Writes and reads cursors.
pub(super) struct Cursors(Key);

impl Cursors {
    pub(super) fn new(secret: &[u8; 32]) -> Self {
        Self(Key::new(HMAC_SHA256, secret))
    }

    /// The cursor for the place `place` of a list.
    pub(super) fn write(&self, list: List<'_>, place: &[u8]) -> String {
        let mut bytes = self.code(list, place).to_vec();
        bytes.extend_from_slice(place);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The place that a cursor of this list stands for.
    ///
    /// # Errors
    /// When it was not written for this list; the text names the parameter.
    pub(super) fn read(&self, list: List<'_>, parameter: &str, cursor: &str) -> Result<Vec<u8>, Failure> {
        let refused = || Failure::Invalid(format!("{parameter}: this is no cursor of this list"));
        if cursor.len() > CURSOR_CHARACTERS_MAX {
            return Err(refused());
        }
        let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| refused())?;
        let (code, place) = bytes.split_at_checked(CODE_BYTES).ok_or_else(refused)?;
        verify_slices_are_equal(&self.code(list, place), code).map_err(|_| refused())?;
        Ok(place.to_vec())
    }

    fn code(&self, list: List<'_>, place: &[u8]) -> [u8; CODE_BYTES] {
        let reach = match list.reach {
            ComplianceReach::Installation => String::new(),
            ComplianceReach::Organization(id) => id.uuid(),
        };
        let mut text = Vec::new();
        for part in [list.endpoint.as_bytes(), reach.as_bytes(), list.named.as_bytes()] {
            text.extend_from_slice(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            text.extend_from_slice(part);
        }
        text.extend_from_slice(place);
        let tag = sign(&self.0, &text);
        let mut code = [0; CODE_BYTES];
        for (to, from) in code.iter_mut().zip(tag.as_ref()) {
            *to = *from;
        }
        code
    }
}

/// A time and an id, as the place of a row.
pub(super) fn place_of(at: i64, id: &[u8; 16]) -> Vec<u8> {
    [&at.to_be_bytes()[..], id].concat()
}

/// The time and the id that a place stands for.
pub(super) fn time_and_id(place: &[u8]) -> Option<(i64, [u8; 16])> {
    let (at, id) = place.split_at_checked(8)?;
    Some((i64::from_be_bytes(at.try_into().ok()?), id.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use fiducia_policy::OrganizationId;
    use proptest::prelude::*;

    use super::*;

    const LIST: List<'_> = List { endpoint: "activities", reach: ComplianceReach::Installation, named: "" };

    proptest! {
        #[test]
        fn a_cursor_comes_back_in_its_own_list_only(at in any::<i64>(), id in any::<[u8; 16]>(), organization in any::<[u8; 16]>()) {
            let cursors = Cursors::new(&[7; 32]);
            let place = place_of(at, &id);
            let cursor = cursors.write(LIST, &place);
            let read = cursors.read(LIST, "after_id", &cursor).unwrap();
            prop_assert_eq!(time_and_id(&read), Some((at, id)));
            let reach = ComplianceReach::Organization(OrganizationId::from_bytes(organization));
            for other in [List { reach, ..LIST }, List { endpoint: "chats", ..LIST }, List { named: "x", ..LIST }] {
                prop_assert!(cursors.read(other, "after_id", &cursor).is_err());
            }
            prop_assert!(Cursors::new(&[8; 32]).read(LIST, "after_id", &cursor).is_err());
        }

        #[test]
        fn whatever_else_is_sent_is_no_cursor(text in "\\PC{0,300}", bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let cursors = Cursors::new(&[7; 32]);
            prop_assert!(cursors.read(LIST, "page", &text).is_err());
            prop_assert!(cursors.read(LIST, "page", &URL_SAFE_NO_PAD.encode(bytes)).is_err());
        }
    }
}
