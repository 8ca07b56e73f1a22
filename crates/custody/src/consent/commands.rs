//! The commands on consent, and their replies.

use fiducia_policy::{
    CampaignId, CampaignTerms, ConsentAct, ConsentChannel, ConsentId, ConsentKind, ConsentPurpose,
    ConsentState, Notice, NoticeIdentity, OrganizationId, SubjectId, Timestamp,
};

use crate::AdminError;

/// Most choices that are handed over together.
pub const CHOICES_MAX: usize = 4_096;

/// Which text was shown.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShownNotice {
    /// In which language.
    pub language: String,
    /// Which version.
    pub version: u32,
    /// SHA-256 of the published notice, hex, as far as whoever showed it knows it. It must fit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hash: Option<String>,
}

/// Evidence of how a choice was made. Tokens of 1 to 64 of `A-Z a-z 0-9 . _ -`: never what a person wrote.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConsentEvidence {
    /// Which variant of the screen was shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub screen: Option<String>,
    /// The emergency that a retroactive consent is about: its case or reference number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub emergency: Option<String>,
    /// The campaign that asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub campaign: Option<CampaignId>,
}

/// A choice about one purpose.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConsentChoice {
    /// About what.
    pub purpose: ConsentPurpose,
    /// What is done.
    pub act: ConsentAct,
    /// In which way.
    #[serde(default = "explicit")]
    pub kind: ConsentKind,
    /// Which text was shown. A yes needs one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notice: Option<ShownNotice>,
    /// Where the person was (ISO 3166), as far as known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// How it was made.
    #[serde(default)]
    pub evidence: ConsentEvidence,
    /// When it was made; now when absent. A choice older than the one that stands is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// A key of the sender's own by which the same request is recognised: 1 to 128 visible ASCII characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
}

impl ConsentChoice {
    /// A choice that is entered for a person who made it some other way: explicit, now, with no evidence but the entry.
    pub fn entered(purpose: ConsentPurpose, act: ConsentAct) -> Self {
        Self {
            purpose,
            act,
            kind: ConsentKind::Explicit,
            notice: None,
            region: None,
            evidence: ConsentEvidence::default(),
            at: None,
            request: None,
        }
    }
}

const fn explicit() -> ConsentKind {
    ConsentKind::Explicit
}

/// A choice in an import: whose, and by which way it had come.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ImportedChoice {
    /// The application's own name for the person.
    pub subject: String,
    /// What was chosen.
    #[serde(flatten)]
    pub choice: ConsentChoice,
}

/// A command on consent by a member of staff. Whatever it enters has the channel `admin` and their name: what a person
/// chose comes by [`crate::Custody::choose`] alone.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case", tag = "action")]
pub enum ConsentCommand {
    /// Publishes a notice.
    PublishNotice {
        /// Its text, TOML.
        source: String,
        /// Who.
        actor: String,
    },
    /// Lists the notices that were published.
    ListNotices {
        /// Only those on this purpose.
        purpose: Option<ConsentPurpose>,
    },
    /// One notice.
    ShowNotice {
        /// Which.
        identity: NoticeIdentity,
    },
    /// Enters a person's choice.
    Choose {
        /// Whose.
        subject: SubjectId,
        /// What.
        choice: ConsentChoice,
        /// Who enters it.
        actor: String,
    },
    /// Enters many people's choices, each for itself: one that is refused leaves the others as they are.
    Import {
        /// Whose people.
        organization: OrganizationId,
        /// At most 4,096.
        choices: Vec<ImportedChoice>,
        /// Who enters them.
        actor: String,
    },
    /// Where a person stands about every purpose.
    Show {
        /// Who.
        subject: SubjectId,
    },
    /// What a person chose, newest first.
    History {
        /// Who.
        subject: SubjectId,
        /// Only about this purpose.
        purpose: Option<ConsentPurpose>,
        /// Before this entry.
        before: Option<u64>,
        /// At most this many (1 to 1,000).
        limit: u32,
    },
    /// The file of a receipt.
    Receipt {
        /// Which.
        id: ConsentId,
    },
    /// Whom a campaign would ask, and why it would not ask the others. Nothing is opened.
    PreviewCampaign {
        /// Whose people.
        organization: OrganizationId,
        /// What would be asked, and until when.
        terms: CampaignTerms,
    },
    /// Opens a campaign.
    OpenCampaign {
        /// Whose people are asked.
        organization: OrganizationId,
        /// What is asked, and until when.
        terms: CampaignTerms,
        /// Why: 1 to 128 characters, such as the number of the new policy.
        reason: String,
        /// Who.
        actor: String,
    },
    /// Lists campaigns, newest first.
    ListCampaigns,
    /// How a campaign stands, by region and language.
    ShowCampaign {
        /// Which.
        id: CampaignId,
    },
    /// Who must be reminded now: whoever has not answered and was not reminded since the last reminder came due. They
    /// count as reminded.
    Remind {
        /// Which campaign.
        id: CampaignId,
        /// At most this many (1 to 1,000).
        limit: u32,
    },
    /// Ends a campaign before its date: whoever has not answered has said no.
    CloseCampaign {
        /// Which.
        id: CampaignId,
        /// Who.
        actor: String,
    },
}

/// What became of a choice.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ConsentOutcome {
    /// The entry in the history; its receipt has the same number.
    pub id: ConsentId,
    /// Its place in the order of commits.
    pub sequence: u64,
    /// Where the person stands.
    pub state: ConsentState,
    /// Where its entry lies in the organisation's log, where that is known yet.
    pub ledger_index: Option<u64>,
    /// Nothing was changed: the same was said before, and this is the entry of that time.
    pub repeated: bool,
}

/// A line of an import that was refused.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct RefusedChoice {
    /// Its place in what was handed over, from 0.
    pub place: usize,
    /// Why.
    pub error: AdminError,
}

/// What an import did.
#[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize)]
pub struct ConsentImport {
    /// Choices that were entered.
    pub entered: u64,
    /// Choices that had been entered before.
    pub repeated: u64,
    /// Choices that were refused.
    pub refused: Vec<RefusedChoice>,
}

/// Where a person stands about one purpose.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ConsentRow {
    /// About what.
    pub purpose: ConsentPurpose,
    /// The state.
    pub state: ConsentState,
    /// Whether anything may be used for it now.
    pub permits: bool,
    /// Whether there is a question at all for this person.
    pub is_asked: bool,
    /// Since when.
    pub since: Option<Timestamp>,
    /// Language and version of the notice.
    pub notice: Option<(String, u32)>,
    /// Until when a yes counts.
    pub valid_until: Option<Timestamp>,
    /// When silence becomes a no.
    pub lapses_at: Option<Timestamp>,
}

/// An entry of a person's history.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ConsentEntry {
    /// Its number, and that of its receipt.
    pub id: ConsentId,
    /// Its place in the order of commits.
    pub sequence: u64,
    /// About what.
    pub purpose: ConsentPurpose,
    /// What was done.
    pub act: ConsentAct,
    /// Where that led.
    pub state: ConsentState,
    /// In which way.
    pub kind: ConsentKind,
    /// By which way it came.
    pub channel: ConsentChannel,
    /// Language and version of the notice.
    pub notice: Option<(String, u32)>,
    /// Where the person was.
    pub region: Option<String>,
    /// Who did it.
    pub entity: String,
    /// When.
    pub at: Timestamp,
}

/// A published notice in a list.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct NoticeRow {
    /// What it says.
    pub notice: Notice,
    /// SHA-256 of it, hex.
    pub hash: String,
    /// Published when.
    pub published_at: Timestamp,
    /// Whether a newer version stands in its language.
    pub superseded: bool,
}

/// How many people of a region and language came to an outcome.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct CampaignTally {
    /// The region, as far as known.
    pub region: Option<String>,
    /// The language, as far as known.
    pub language: Option<String>,
    /// `open`, `given`, `refused`, `silence`, or why they are not asked.
    pub outcome: String,
    /// How many.
    pub people: u64,
}

/// A campaign.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct CampaignRow {
    /// Which.
    pub id: CampaignId,
    /// Whose people are asked.
    pub organization: OrganizationId,
    /// What is asked, and until when.
    pub terms: CampaignTerms,
    /// Why.
    pub reason: String,
    /// Opened when.
    pub opened_at: Timestamp,
    /// Whether everybody was looked at.
    pub is_extended: bool,
    /// Closed when.
    pub closed_at: Option<Timestamp>,
    /// Who came to what, by region and language.
    pub tally: Vec<CampaignTally>,
}

/// Somebody to be reminded.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ReminderRow {
    /// Who.
    pub subject: SubjectId,
    /// In which language they last chose.
    pub language: Option<String>,
    /// Where they were last.
    pub region: Option<String>,
    /// Whether a mail goes to them. Whoever gets none is for the caller to remind.
    #[serde(default)]
    pub by_mail: bool,
}

/// A reply to a [`ConsentCommand`].
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case", tag = "reply", content = "value")]
pub enum ConsentReply {
    /// A notice.
    Notice(Box<NoticeRow>),
    /// Notices.
    Notices(Vec<NoticeRow>),
    /// A choice was entered.
    Chosen(ConsentOutcome),
    /// Choices were entered.
    Imported(ConsentImport),
    /// Where a person stands.
    Standings(Vec<ConsentRow>),
    /// What a person chose.
    History(Vec<ConsentEntry>),
    /// A receipt's file, and the verifier keys by which it is checked, to be kept elsewhere.
    Receipt {
        /// The file.
        text: String,
        /// The keys as text.
        verifier_keys: Vec<String>,
    },
    /// A campaign.
    Campaign(Box<CampaignRow>),
    /// Campaigns.
    Campaigns(Vec<CampaignRow>),
    /// Whom a campaign would ask: `open`, or why not, by region and language.
    Preview(Vec<CampaignTally>),
    /// Who must be reminded.
    Reminders(Vec<ReminderRow>),
}
