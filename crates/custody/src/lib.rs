//! The use cases of custody: who may speak, capturing exchanges, reading, deleting, erasing, importing.
//!
//! This crate combines the pure and sans-IO crates beneath it with the store. It knows nothing of HTTP. One writer
//! thread owns everything that changes: it stages what arrives, seals it, commits it in groups and only then
//! acknowledges; see [`Custody`].

mod administration;
mod caller;
mod exchange;
mod settings;

pub use administration::{
    AdminCommand, AdminError, AdminReply, CreatedOrganization, CreatedVirtualKey, ConversationContent, ConversationRow, DestructionReport,
    DestructionScope, KeptBecause, OrganizationRow, ReadBack, RecordContent, RecordRow, SubjectRow, VirtualKeyRow,
};
pub use caller::{Caller, CredentialRefused, Retention, Scope, Scopes, UnknownScope};
pub use exchange::{
    AnswerOutcome, CaptureFailed, CaptureRefused, CapturedAnswer, ExchangeOpening, Notice, OpenExchange,
};
pub use settings::{CaptureLimits, CustodySettings};
