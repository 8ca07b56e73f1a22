//! Requests that may be sent twice: the same key of the same caller is carried out once and answered the same for a day.
//!
//! What was answered is kept in the store. What is being carried out is known here, because one process holds the data. Should
//! the program end in between, the key is part of what the use case itself recognises, so that nothing is entered twice.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::digest::{SHA256, digest};
use fiducia_policy::AccountId;
use http::HeaderMap;

use super::problem::Problem;

/// The header.
pub(super) const HEADER: &str = "idempotency-key";
/// The header of an answer that was given before.
pub(super) const REPLAYED: &str = "idempotency-replayed";
/// The longest key, in bytes.
const KEY_BYTES_MAX: usize = 128;
/// Requests that are carried out at a time.
const IN_FLIGHT_MAX: usize = 10_000;

/// A key of a caller, with everything it is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Recognised {
    /// SHA-256 of who asks what under which key.
    pub(super) digest: [u8; 32],
    /// SHA-256 of what was sent.
    pub(super) content: [u8; 32],
}

impl Recognised {
    /// The key under which a use case recognises the request by itself: 1 to 128 visible ASCII characters.
    pub(super) fn own_key(&self) -> String {
        use std::fmt::Write;
        self.digest.iter().fold("api-".to_owned(), |mut text, byte| {
            // Writing to a String cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
    }
}

/// The key in the headers, if there is one.
///
/// # Errors
/// [`Problem::IdempotencyKey`] when it has no such form, or comes twice.
pub(super) fn key(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let mut lines = headers.get_all(HEADER).iter();
    let Some(line) = lines.next() else { return Ok(None) };
    let bytes = line.as_bytes();
    let fits = !bytes.is_empty() && bytes.len() <= KEY_BYTES_MAX && bytes.iter().all(u8::is_ascii_graphic);
    match line.to_str() {
        Ok(key) if fits && lines.next().is_none() => Ok(Some(key)),
        _ => Err(Problem::IdempotencyKey),
    }
}

/// What a key of a caller stands for. `speaks_for` is whom an application names.
pub(super) fn recognise(
    account: AccountId,
    speaks_for: Option<&str>,
    method: &str,
    target: &str,
    key: &str,
    body: &[u8],
) -> Recognised {
    let mut text = b"fiducia/api/idempotency/v1".to_vec();
    for part in [
        account.as_bytes().as_slice(),
        speaks_for.unwrap_or("").as_bytes(),
        method.as_bytes(),
        target.as_bytes(),
        key.as_bytes(),
    ] {
        // The length first: no two different parts read the same.
        text.extend_from_slice(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        text.extend_from_slice(part);
    }
    Recognised { digest: sha256(&text), content: sha256(body) }
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    for (to, from) in out.iter_mut().zip(digest(&SHA256, bytes).as_ref()) {
        *to = *from;
    }
    out
}

/// What is being carried out.
#[derive(Debug, Clone, Default)]
pub(super) struct InFlight(Arc<Mutex<HashSet<[u8; 32]>>>);

/// A place among what is being carried out; dropping it gives it back.
#[derive(Debug)]
pub(super) struct Place(InFlight, [u8; 32]);

impl InFlight {
    /// Enters a request.
    ///
    /// # Errors
    /// [`Problem::InProgress`] when the same is there already; [`Problem::TooMany`] when there are too many.
    pub(super) fn enter(&self, digest: [u8; 32]) -> Result<Place, Problem> {
        let mut places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if places.len() >= IN_FLIGHT_MAX {
            return Err(Problem::TooMany(1));
        }
        if places.insert(digest) { Ok(Place(self.clone(), digest)) } else { Err(Problem::InProgress) }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.1);
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn account(number: u8) -> AccountId {
        AccountId::from_bytes([number; 16])
    }

    proptest! {
        #[test]
        fn a_key_is_visible_ascii_and_short(bytes in proptest::collection::vec(1_u8..=255, 0..200)) {
            let Ok(value) = HeaderValue::from_bytes(&bytes) else { return Ok(()) };
            let mut headers = HeaderMap::new();
            headers.insert(HEADER, value);
            let fits = (1..=128).contains(&bytes.len()) && bytes.iter().all(u8::is_ascii_graphic);
            match key(&headers) {
                Ok(Some(read)) => prop_assert!(fits && read.as_bytes() == bytes),
                read => prop_assert!(!fits && read == Err(Problem::IdempotencyKey)),
            }
        }

        #[test]
        fn no_two_requests_are_taken_for_one(
            one in ("[a-z]{0,4}", "[a-z]{0,4}", "[a-z]{0,4}"),
            other in ("[a-z]{0,4}", "[a-z]{0,4}", "[a-z]{0,4}"),
        ) {
            let digest = |(who, target, key): &(String, String, String)| {
                recognise(account(1), Some(who), "POST", target, key, b"").digest
            };
            prop_assert_eq!(digest(&one) == digest(&other), one == other);
        }
    }

    #[test]
    fn a_key_that_comes_twice_is_none() {
        let mut headers = HeaderMap::new();
        assert_eq!(key(&headers), Ok(None));
        headers.append(HEADER, HeaderValue::from_static("one"));
        headers.append(HEADER, HeaderValue::from_static("one"));
        assert_eq!(key(&headers), Err(Problem::IdempotencyKey));
    }

    #[test]
    fn what_is_carried_out_is_entered_once_and_leaves() {
        let in_flight = InFlight::default();
        let one = recognise(account(1), None, "POST", "/x", "k", b"a");
        let place = in_flight.enter(one.digest).unwrap();
        assert_eq!(in_flight.enter(one.digest).unwrap_err(), Problem::InProgress);
        in_flight.enter(recognise(account(2), None, "POST", "/x", "k", b"a").digest).unwrap();
        drop(place);
        in_flight.enter(one.digest).unwrap();
        assert_eq!(one.own_key().len(), 68);
    }
}
