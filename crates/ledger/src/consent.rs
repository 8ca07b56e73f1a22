//! What the log says about consent: who chose what is a pseudonym and a commitment, never a name or a text.

use fiducia_policy::{
    CampaignId, ConsentChannel, ConsentKind, ConsentPurpose, ConsentState, PersonId, Pseudonym, Timestamp,
};
use serde::{Deserialize, Serialize};

use crate::event::{Digest, instant, number, text};

/// A person's consent changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConsentChanged {
    /// Whose.
    pub pseudonym: Pseudonym,
    /// To what.
    pub purpose: ConsentPurpose,
    /// Where it stands.
    pub state: ConsentState,
    /// In which way that came about.
    pub kind: ConsentKind,
    /// By which way it came.
    pub channel: ConsentChannel,
    /// SHA-256 of the notice that was shown, where one was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notice: Option<Digest>,
    /// Salted commitment to the receipt.
    pub receipt: Digest,
    /// The member of staff who entered it, where one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<PersonId>,
}

/// A notice was published. It never changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoticePublished {
    /// What it asks about.
    pub purpose: ConsentPurpose,
    /// In which language.
    #[serde(serialize_with = "text")]
    pub language: String,
    /// Its version.
    #[serde(serialize_with = "number")]
    pub version: u64,
    /// SHA-256 of it.
    pub notice: Digest,
    /// Who published it.
    pub actor: PersonId,
}

/// A campaign was opened: people are asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CampaignOpened {
    /// Which.
    pub campaign: CampaignId,
    /// About what.
    pub purpose: ConsentPurpose,
    /// Which version of the notice.
    #[serde(serialize_with = "number")]
    pub version: u64,
    /// When silence becomes a no.
    #[serde(with = "instant")]
    pub deadline: Timestamp,
    /// Who opened it.
    pub actor: PersonId,
}

/// A campaign was closed: whoever has not answered has said no.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CampaignClosed {
    /// Which.
    pub campaign: CampaignId,
    /// How many people were asked.
    #[serde(serialize_with = "number")]
    pub asked: u64,
    /// How many said yes.
    #[serde(serialize_with = "number")]
    pub given: u64,
    /// How many said no.
    #[serde(serialize_with = "number")]
    pub refused: u64,
    /// How many did not answer.
    #[serde(serialize_with = "number")]
    pub silent: u64,
    /// Who closed it; absent when its date came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<PersonId>,
}
