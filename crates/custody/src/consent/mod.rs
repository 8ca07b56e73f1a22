//! Consent: what people are asked, what they chose, which key paths follow from it, and the receipts of it all.
//!
//! `control.db` says where everybody stands; `keys.db` follows before anybody is told. A choice is effective when it is
//! acknowledged: a withdrawal waits for whoever is reading, destroys the edge, and only then returns.

mod campaigns;
mod choosing;
pub(crate) mod commands;
mod following;
mod notices;
mod profile;
mod receipt;
mod serving;
mod training;

pub use profile::RECEIPT_FORMAT;
pub use receipt::{RECEIPT_FILE_BYTES_MAX, ReceiptFacts, ReceiptRejected, VerifiedReceipt, verify_receipt};
pub use training::{TrainingRead, TrainingRecord, TrainingRefusal, TrainingTarget};

pub(crate) use campaigns::campaign_terms;
pub(crate) use choosing::{ChoiceRequest, ConsentMemory, Speaker};
