//! The vocabulary every other crate shares: identifiers, purposes, grounds, wires, limits, and the traits through
//! which time, randomness and authority enter.
//!
//! This crate is pure. It does no I/O, reads no clock, draws no randomness and knows no `async`; everything of that
//! kind is an argument. It sits at the bottom of the dependency graph: the six crates above it may use its types but
//! not each other.

mod authority;
mod edge;
mod feature;
mod ground;
mod id;

pub use authority::{AccessReason, EntryProof, ReleaseAuthority, UnknownReason};
pub use edge::{Clock, Randomness, RandomnessUnavailable, Timestamp};
pub use feature::{Eligibility, Feature, FeatureSet, UnknownFeature};
pub use ground::{Ground, GroundKind, LegalBasis, Purpose};
pub use id::{
    ConversationId, ExchangeId, IdParseError, KeyId, OrganizationId, PersonId, Pseudonym, RecordId,
    SubjectId, VirtualKeyId, WorkspaceId,
};
