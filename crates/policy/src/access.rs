//! Who may do what to which data: the Cedar policies, and the closed words in which they are asked.
//!
//! Nothing is permitted that no policy permits. A decision names the policies that made it. When a policy cannot be evaluated
//! the answer is no: a `forbid` that fails must not count as one that does not apply.

mod compare;
mod decide;
mod matrix;

pub use compare::{AccessChange, access_changes};
pub use decide::{AccessPolicy, AccessPolicyError};
pub use matrix::access_matrix;

use crate::authority::AccessReason;
use crate::ground::Purpose;
use crate::id::{AccountId, OrganizationId, SubjectId};
use crate::named::named;
use crate::role::RoleSet;

named! {
    /// What somebody wants to do.
    AccessAction, "an action" {
        /// See that something exists and what is said about it. Nothing is opened.
        See = "see",
        /// Read what was said: a key is released.
        Read = "read",
        /// Enter something for a person: a choice, a request, a step of one.
        Enter = "enter",
        /// Grant or refuse a request.
        Decide = "decide",
        /// Publish texts that people are asked by, and ask.
        Publish = "publish",
        /// Say who may act: accounts, roles, keys.
        Govern = "govern",
        /// Hand data over to somebody outside: the person themselves, or counsel.
        HandOver = "hand-over",
        /// Agree, or not, to somebody else's look.
        Approve = "approve",
        /// Review afterwards what somebody read in an emergency.
        Review = "review",
    }
}

named! {
    /// A kind of data.
    DataKind, "a kind of data" {
        /// Who somebody is to the service: ids, plan, dates, where they stand about what they are asked.
        AccountBasics = "account-basics",
        /// What somebody chose over time, and the receipts of it.
        Choices = "choices",
        /// People's requests about their data.
        Requests = "requests",
        /// What was said in conversations.
        Content = "content",
        /// What was said and was flagged as a violation.
        FlaggedContent = "flagged-content",
        /// What was said and is under a legal hold.
        HeldContent = "held-content",
        /// What classifiers found, without what they looked at.
        Scores = "scores",
        /// When, how much and with which model, without what was said.
        Metadata = "metadata",
        /// Figures about many people.
        Aggregates = "aggregates",
        /// What the program says about itself.
        SystemLogs = "system-logs",
        /// Notices and policies in force.
        Published = "published",
        /// Certificates, the log, proofs.
        Evidence = "evidence",
        /// Who may sign in, and keys.
        Accounts = "accounts",
    }
}

impl DataKind {
    /// Whether it is sealed, so that seeing it needs a key.
    pub const fn is_sealed(self) -> bool {
        matches!(self, Self::Content | Self::FlaggedContent | Self::HeldContent)
    }
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessPrincipal {
    /// Their account.
    pub account: AccountId,
    /// Whose.
    pub organization: OrganizationId,
    /// The person whose conversations are theirs.
    pub subject: Option<SubjectId>,
    /// What they act as.
    pub roles: RoleSet,
    /// What they are besides, without an account.
    pub without_account: Option<WithoutAccount>,
}

/// Who may ask without an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WithoutAccount {
    /// Whoever works at the machine itself.
    Operator,
    /// The organisation's own compliance program, by its key.
    ComplianceProgram,
}

impl WithoutAccount {
    /// Both, in the order in which tables show them.
    pub const ALL: [Self; 2] = [Self::Operator, Self::ComplianceProgram];

    /// The name in the policies.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::ComplianceProgram => "compliance-program",
        }
    }
}

/// What it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccessTarget<'a> {
    /// Of which kind.
    pub kind: DataKind,
    /// Whose organisation.
    pub organization: OrganizationId,
    /// Whose, where it is one person's.
    pub subject: Option<SubjectId>,
    /// Where it lies.
    pub region: &'a str,
}

/// In which circumstances. The default is the plainest: no reason, nobody else asked, nothing restricted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a circumstance of its own, and any may go with any"
)]
pub struct Circumstances<'a> {
    /// Why, for reading.
    pub reason: Option<AccessReason>,
    /// For which purpose it is kept, by the ground on which it is to be opened.
    pub purpose: Option<Purpose>,
    /// Whether a case or ticket number is given.
    pub ticket: bool,
    /// Whether the data was taken into the case or the hold that is named.
    pub matter: bool,
    /// Whether the customer, or the person, agreed to this look.
    pub customer_approved: bool,
    /// Whether this is an emergency that breaks the rule.
    pub break_glass: bool,
    /// How many other people agreed.
    pub approvals: u32,
    /// Whether the person had the use of the data restricted.
    pub restricted: bool,
    /// Where whoever asks is.
    pub region: &'a str,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessDecision {
    /// Whether it is permitted.
    pub is_permitted: bool,
    /// The policies that made the decision, by their ids; none when nothing permits it.
    pub policies: Vec<String>,
}
