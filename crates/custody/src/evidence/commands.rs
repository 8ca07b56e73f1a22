//! The commands on evidence, and their replies.

use fiducia_policy::{ConversationId, OrganizationId, RecordId};

use super::{AuditFigures, Consistency, EntryFilter, EntryPage, EntryProofShown, KeyGraph};

/// What a graph of keys is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyGraphTarget {
    /// A conversation, also when it was destroyed.
    Conversation(ConversationId),
    /// A record that is still there.
    Record(RecordId),
}

/// A command on evidence. It changes nothing.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case", tag = "action")]
pub enum EvidenceCommand {
    /// Entries of a log, the newest first.
    Entries {
        /// Whose log.
        organization: OrganizationId,
        /// Which of them.
        filter: EntryFilter,
        /// Only those before this one.
        before: Option<u64>,
        /// At most this many (1 to 1,000).
        limit: u32,
    },
    /// One entry with its proof.
    Entry {
        /// Whose log.
        organization: OrganizationId,
        /// Which.
        index: u64,
    },
    /// That a log of one size is the beginning of the same log at another.
    Consistency {
        /// Whose log.
        organization: OrganizationId,
        /// The smaller size, in entries.
        from: u64,
        /// The larger size; that of the last checkpoint when absent.
        to: Option<u64>,
    },
    /// From which keys something hangs, and from which it hung.
    KeyGraph {
        /// What it is about.
        target: KeyGraphTarget,
    },
    /// How the mechanisms behind the promises stand.
    Figures {
        /// Whose.
        organization: OrganizationId,
    },
}

/// A reply to an [`EvidenceCommand`].
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case", tag = "reply", content = "value")]
pub enum EvidenceReply {
    /// Entries.
    Entries(EntryPage),
    /// One entry.
    Entry(Box<EntryProofShown>),
    /// That one size extends another.
    Consistency(Box<Consistency>),
    /// A graph of keys.
    KeyGraph(Box<KeyGraph>),
    /// Figures.
    Figures(Box<AuditFigures>),
}
