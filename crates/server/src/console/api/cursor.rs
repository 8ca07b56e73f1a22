//! Cursors: where a list goes on, as a text that only this server can have written and that fits one list of one caller.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::problem::Problem;

/// Bytes of the authentication code that a cursor carries.
const CODE_BYTES: usize = 16;
/// The longest cursor, in characters.
const CURSOR_CHARACTERS_MAX: usize = 512;

/// Writes and reads cursors. Its key is fresh in each run of the server, so a cursor ends with the run.
pub(super) struct Cursors(Key);

impl Cursors {
    pub(super) fn new(secret: &[u8; 32]) -> Self {
        Self(Key::new(HMAC_SHA256, secret))
    }

    /// The cursor after the row `place` of the list `list`, which names the caller and everything asked for.
    pub(super) fn write(&self, list: &[u8], place: &str) -> String {
        let mut bytes = self.code(list, place).to_vec();
        bytes.extend_from_slice(place.as_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The row after which the list `list` goes on.
    ///
    /// # Errors
    /// [`Problem::Cursor`] when it was not written for this list in this run.
    pub(super) fn read(&self, list: &[u8], cursor: &str) -> Result<String, Problem> {
        if cursor.len() > CURSOR_CHARACTERS_MAX {
            return Err(Problem::Cursor);
        }
        let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| Problem::Cursor)?;
        let (code, place) = bytes.split_at_checked(CODE_BYTES).ok_or(Problem::Cursor)?;
        let place = std::str::from_utf8(place).map_err(|_| Problem::Cursor)?;
        verify_slices_are_equal(&self.code(list, place), code).map_err(|_| Problem::Cursor)?;
        Ok(place.to_owned())
    }

    fn code(&self, list: &[u8], place: &str) -> [u8; CODE_BYTES] {
        let mut text = u64::try_from(list.len()).unwrap_or(u64::MAX).to_be_bytes().to_vec();
        text.extend_from_slice(list);
        text.extend_from_slice(place.as_bytes());
        let tag = sign(&self.0, &text);
        let mut code = [0; CODE_BYTES];
        for (to, from) in code.iter_mut().zip(tag.as_ref()) {
            *to = *from;
        }
        code
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_cursor_comes_back_in_its_own_list_only(
            list in proptest::collection::vec(any::<u8>(), 0..80),
            other in proptest::collection::vec(any::<u8>(), 0..80),
            place in "[ -~]{0,80}",
        ) {
            let cursors = Cursors::new(&[7; 32]);
            let cursor = cursors.write(&list, &place);
            prop_assert_eq!(cursors.read(&list, &cursor), Ok(place.clone()));
            if list != other {
                prop_assert_eq!(cursors.read(&other, &cursor), Err(Problem::Cursor));
            }
            prop_assert_eq!(Cursors::new(&[8; 32]).read(&list, &cursor), Err(Problem::Cursor));
        }

        #[test]
        fn whatever_else_is_sent_is_no_cursor(text in "\\PC{0,600}", bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let cursors = Cursors::new(&[7; 32]);
            prop_assert_eq!(cursors.read(b"list", &text), Err(Problem::Cursor));
            prop_assert_eq!(cursors.read(b"list", &URL_SAFE_NO_PAD.encode(bytes)), Err(Problem::Cursor));
        }

        #[test]
        fn no_character_of_a_cursor_can_be_changed(place in "[a-z0-9_-]{1,40}", at in any::<prop::sample::Index>()) {
            let cursors = Cursors::new(&[7; 32]);
            let mut cursor = cursors.write(b"list", &place).into_bytes();
            let at = at.index(cursor.len());
            cursor[at] = if cursor[at] == b'A' { b'B' } else { b'A' };
            let forged = String::from_utf8(cursor).unwrap();
            let read = cursors.read(b"list", &forged);
            // The last character may hold bits that mean nothing; then it is refused or means the same.
            prop_assert!(read == Err(Problem::Cursor) || read == Ok(place), "{forged}");
        }
    }
}
