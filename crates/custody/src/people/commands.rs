//! The commands by which staff look people up, and their replies.

use fiducia_policy::{GroundKind, OrganizationId, Plan, RightsRequestId, SubjectId, Timestamp};

use crate::rights::commands::RequestRow;

/// A command about people. It changes nothing. Its `Debug` shows nobody's name.
#[derive(Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case", tag = "action")]
pub enum PeopleCommand {
    /// Finds the person whom an application knows by a name. Nobody is made by asking.
    Find {
        /// Whose people.
        organization: OrganizationId,
        /// The application's own name for the person.
        name: String,
    },
    /// Lists people, those who were seen first last.
    List {
        /// Whose.
        organization: OrganizationId,
        /// Only those who were seen before this one.
        before: Option<SubjectId>,
        /// At most this many (1 to 1,000).
        limit: u32,
    },
    /// One person.
    Show {
        /// Who.
        subject: SubjectId,
    },
}

impl std::fmt::Debug for PeopleCommand {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PeopleCommand")
    }
}

/// A person in a list.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct PersonRow {
    /// Who.
    pub id: SubjectId,
    /// Whose.
    pub organization: OrganizationId,
    /// Seen first when.
    pub created_at: Timestamp,
    /// The plan that counts for the person.
    pub plan: Option<Plan>,
    /// Whether the plan is the person's own, not the organisation's.
    pub has_own_plan: bool,
    /// Conversations that are kept for the person.
    pub conversations: u64,
    /// Whether there is an address to which the person is written.
    pub has_contact: bool,
    /// Requests of the person that are open.
    pub open_requests: u64,
    /// Whether what is kept of the person is restricted.
    pub is_restricted: bool,
    /// The account was closed when.
    pub closed_at: Option<Timestamp>,
    /// Erased when.
    pub erased_at: Option<Timestamp>,
}

/// What something is held for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HeldFor {
    /// The person's own use.
    Service,
    /// The safety window.
    Safety,
    /// A violation.
    Violation,
    /// Feedback that the person sent in.
    Feedback,
    /// An investigation.
    Investigation,
    /// A legal hold.
    LegalHold,
}

impl HeldFor {
    /// Everything something can be held for.
    pub const ALL: [Self; 6] =
        [Self::Service, Self::Safety, Self::Violation, Self::Feedback, Self::Investigation, Self::LegalHold];

    /// Its name in texts.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Safety => "safety",
            Self::Violation => "violation",
            Self::Feedback => "feedback",
            Self::Investigation => "investigation",
            Self::LegalHold => "legal-hold",
        }
    }
}

/// How much is held for something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct HeldCount {
    /// For what.
    pub held_for: HeldFor,
    /// In how many conversations.
    pub conversations: u64,
}

/// One person, as far as staff may know.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct PersonDetail {
    /// The row.
    pub row: PersonRow,
    /// How much is held, and for what.
    pub held: Vec<HeldCount>,
    /// Conversations that the person deleted and that are not destroyed yet.
    pub deleted: u64,
    /// Sealed records in the conversations that are kept.
    pub records: u64,
    /// Since when what is kept is restricted, and upon which request.
    pub restriction: Option<(RightsRequestId, Timestamp)>,
    /// The grounds the person objected to, and since when.
    pub objections: Vec<(GroundKind, Timestamp)>,
    /// Since when the person opted out, and until when they are not asked again.
    pub opt_out: Option<(Timestamp, Timestamp)>,
    /// Requests of the person, the newest first, at most 100.
    pub requests: Vec<RequestRow>,
    /// The logins of the accounts whose owner governs what is kept of the person.
    pub logins: Vec<String>,
}

/// A reply to a [`PeopleCommand`].
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case", tag = "reply", content = "value")]
pub enum PeopleReply {
    /// Who it is; `None` when nobody of that name was seen, or they were erased.
    Found(Option<SubjectId>),
    /// People.
    People(Vec<PersonRow>),
    /// One person.
    Person(Box<PersonDetail>),
}
