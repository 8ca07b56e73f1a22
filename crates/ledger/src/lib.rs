//! The transparency log: one append-only C2SP tlog-tiles log for each organisation, on local files.
//!
//! - [`Ledger`] is the one writer: [`Ledger::append`] makes entries durable with one flush, [`Ledger::publish`] derives
//!   tiles and signs checkpoints.
//! - [`Ledger::append_access`] is the only source of [`AccessReceipt`], without which no content is decrypted for a
//!   person.
//! - [`LogReader`] gives entries and proofs from files alone; [`verify_log`] checks every byte of a log, [`replay_log`]
//!   hands out its entries from the first.
//!
//! The crate reads no clock and draws no randomness; it knows no HTTP, no SQL and no key but the log's own.

mod access;
mod access_transparency;
mod capture;
mod checkpoint;
mod consent;
mod cosignature;
mod ecdsa;
mod edge;
mod error;
mod event;
mod finding;
mod hash;
mod layout;
mod leaf;
mod ledger;
mod log;
mod log_keys;
mod merkle;
mod note;
mod pending;
mod proof_file;
mod publication;
mod reader;
mod renewal;
mod replay;
mod session;
mod storage;
mod strict_json;
mod subtrees;
mod tiles;
mod verify;
mod witness;
mod witness_folder;

#[cfg(test)]
mod crash_tests;

pub use access::{ACCESS_RECORDS_MAX, AccessBy, AccessEntry, AccessReceipt, AnswerRead};
pub use access_transparency::{
    AccessTransparencyEvent, AccessTransparencyKind, EventActor, EventResource, NotServed, PublicFacts,
    ServedEvent,
};
pub use capture::{capture_batch_proof, capture_batch_root, verify_capture};
pub use checkpoint::Checkpoint;
pub use consent::{CampaignClosed, CampaignOpened, ConsentChanged, NoticePublished};
pub use cosignature::{CosignerKey, WitnessKey};
pub use ecdsa::{EcdsaKey, EcdsaPublicKey, SCALAR_BYTES};
pub use error::LedgerError;
pub use event::{COUNT_MAX, Digest, Event, ExternalKey, RecordAccess, TEXT_BYTES_MAX};
pub use finding::{Finding, VerifyReport};
pub use hash::{EMPTY_ROOT, HASH_BYTES, Hash, leaf_hash, node_hash};
pub use layout::{TileAddress, TileKind};
pub use leaf::{ENTRY_BYTES_MAX, EventId, Leaf, LeafVersion, LoggedLeaf};
pub use ledger::{
    Appended, BATCH_ENTRIES_MAX, Ledger, RECENT_IDS_MAX, Recovery, WAITING_BYTES_MAX, logs_under,
};
pub use log_keys::{
    LogKey, LogKeyDates, LogKeyStep, LogKeys, LogSigner, LogVerifiers, NOTICE_DAYS, RotationRefused, listed,
    may_announce, signing,
};
pub use merkle::{verify_consistency, verify_inclusion};
pub use note::{NoteSigner, SEED_BYTES, SigningKey, VerifierKey, signers_of, verify_note};
pub use proof_file::{PROOF_BYTES_MAX, ProofFile};
pub use publication::{Publication, PublicationFailed, Published, WrittenPublication};
pub use reader::{Entries, LogReader};
pub use replay::{WaitingEntry, replay_log, waiting_entries};
pub use session::{AccessSessionStep, AccessWithdrawal, LookTerms, SessionStep};
pub use subtrees::{LeafRange, PathStep, consistency_parts, inclusion_steps};
pub use verify::{verify_log, verify_pending};
pub use witness::{
    ADD_CHECKPOINT_BYTES_MAX, AddCheckpoint, Cosigning, Held, TrustedLogs, WitnessRefusal, cosign, origin_of,
    request_for, with_cosignature,
};
pub use witness_folder::{NotCosigned, WitnessFolder, origin_digest};
