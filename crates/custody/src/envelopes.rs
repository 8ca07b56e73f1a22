//! What stands around the messages of a request: its head and tail, which one record of a conversation holds for several.

use std::collections::HashMap;

use fiducia_policy::RecordId;
use fiducia_store::StoredRecord;

use crate::AdminError;
use crate::payload::{self, Header};

/// Heads and tails of requests, around their messages.
pub(crate) enum Envelopes {
    /// By the record that holds them.
    Around(HashMap<RecordId, (Vec<u8>, Vec<u8>)>),
    /// None: a request is what it newly said, whichever other records are opened with it.
    LeftOut,
}

impl Default for Envelopes {
    fn default() -> Self {
        Self::Around(HashMap::new())
    }
}

impl Envelopes {
    /// Takes in what a record holds, if it is a request that does not refer to another's envelope.
    pub(crate) fn take_in(&mut self, record: &StoredRecord, plaintext: &[u8]) -> Result<(), AdminError> {
        let Self::Around(held) = self else { return Ok(()) };
        let (header, bytes) = decoded(record, plaintext)?;
        let Header::Request { new, head, tail, envelope: None, .. } = header else { return Ok(()) };
        let at = |range: std::ops::Range<usize>| bytes.get(range).unwrap_or_default().to_vec();
        held.insert(record.id, (at(0..head), at(head + new..head + new + tail)));
        Ok(())
    }

    pub(crate) fn around(&self, holder: RecordId) -> (&[u8], &[u8]) {
        let Self::Around(held) = self else { return Default::default() };
        held.get(&holder).map(|(head, tail)| (head.as_slice(), tail.as_slice())).unwrap_or_default()
    }
}

/// A record's plaintext as header and bytes.
pub(crate) fn decoded<'a>(
    record: &StoredRecord,
    plaintext: &'a [u8],
) -> Result<(Header, &'a [u8]), AdminError> {
    payload::decode(plaintext).map_err(|error| AdminError::Storage(format!("{}: {error}", record.id)))
}
