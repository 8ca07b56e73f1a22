//! Certificates of destruction: what was destroyed, how that was tried, and what was kept.
//!
//! A certificate is issued only after the read-back failed as it should. It is a JSON document in canonical form, signed by
//! the installation, and announced in the organisation's log. Together with the proof of its entry it makes a file that
//! anyone can check without this installation, its data or a network.

mod commands;
mod document;
mod file;
mod issuing;
mod reference;
mod serving;

#[cfg(test)]
mod tests;

pub use commands::{CertificateCommand, CertificateReply, CertificateRow};
pub use document::{
    Backups, Certificate, CertificateStage, CertifiedScope, Confidentiality, Destroyed, Issuer, KeptPart,
    Method, Order, Verification,
};
pub(crate) use document::{in_microseconds, signer_name};
pub(crate) use file::installation;
pub use file::{CERTIFICATE_FILE_BYTES_MAX, CertificateRejected, VerifiedCertificate, verify_certificate};
pub(crate) use issuing::{Draft, keys_by_kind};
pub use reference::CertificateReference;
pub(crate) use reference::{NotAReference, random_groups};
