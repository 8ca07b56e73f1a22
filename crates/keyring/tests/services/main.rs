//! Key management services by their wires. The answers of Google Cloud KMS and Azure Key Vault, and AWS's errors, are
//! written from their public references: no such service could be asked. Those of OpenBao, SoftHSM and moto are real, in the
//! program's own tests.

#![expect(clippy::unwrap_used, reason = "tests may fail loudly")]
#![expect(clippy::indexing_slicing, reason = "a wrong index fails the test")]

mod attempts;
mod aws;
mod azure;
mod google;
mod recorded;
