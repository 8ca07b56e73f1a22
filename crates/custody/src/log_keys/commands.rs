//! The commands on the keys that sign logs, and their replies.

use fiducia_policy::{OrganizationId, Timestamp};

/// A command on the keys that sign logs.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case", tag = "action")]
pub enum LogKeyCommand {
    /// Lists the keys of one organisation's log: the ones that sign, then the others, newest first.
    List {
        /// Whose log.
        organization: OrganizationId,
    },
    /// Makes the next pair of keys and announces it in every log.
    Announce {
        /// From when it signs; [`fiducia_ledger::NOTICE_DAYS`] days from now when absent, or at once when a key is compromised.
        signs_from: Option<Timestamp>,
        /// A present key is in the wrong hands: no notice is kept.
        compromised: bool,
    },
}

/// One key of one log.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct LogKeyRow {
    /// Which pair it belongs to, counted from 1.
    pub pair: u32,
    /// `ecdsa_p256_sha256` or `ed25519`.
    pub algorithm: String,
    /// As verifiers take it: `name+hash+base64`.
    pub verifier_key: String,
    /// The four bytes, in hexadecimal, by which a signature line names it.
    pub key_hash: String,
    /// SHA-256 of [`Self::public_key`], in hexadecimal: what to publish elsewhere.
    pub fingerprint: String,
    /// DER SubjectPublicKeyInfo, in base64.
    pub public_key: String,
    /// Whether it signs now.
    pub signs: bool,
    /// Since when it is listed; `None` for the first pair.
    pub announced_at: Option<Timestamp>,
    /// From when it signs or signed; `None` for the first pair.
    pub signs_from: Option<Timestamp>,
}

/// The keys of one log.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct LogKeys {
    /// The log's origin.
    pub origin: String,
    /// Its keys, those that sign first.
    pub keys: Vec<LogKeyRow>,
}

/// A reply to a [`LogKeyCommand`].
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case", tag = "reply", content = "value")]
pub enum LogKeyReply {
    /// The keys of a log.
    Keys(LogKeys),
    /// A pair was announced.
    Announced {
        /// Its number.
        pair: u32,
        /// From when it signs.
        signs_from: Timestamp,
    },
}
