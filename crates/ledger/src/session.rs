//! What the log says about sessions of reading: who asked, who agreed, how it ended, what was unusual, how it was reviewed.
//! Everybody in it is a member of staff, by their pseudonym; whom the records are about is in none of it.

use fiducia_policy::{
    AccessEnd, AccessNeeds, AccessReason, AccessSessionId, AnomalyKind, GroundKind, PersonId, Sight,
};
use serde::{Deserialize, Serialize};

use crate::event::{Digest, optional_text, text, texts};

/// In which session a look was taken, how it was shown, and which policies permitted it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LookTerms {
    /// The session; none where people read what is theirs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<AccessSessionId>,
    /// How it was shown.
    pub sight: Sight,
    /// The access policies that permitted it, by their ids.
    #[serde(serialize_with = "texts")]
    pub policies: Vec<String>,
}

/// What happened to a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionStep {
    /// It was asked for.
    Asked,
    /// Somebody agreed.
    Approved,
    /// Somebody said no.
    Denied,
    /// Nobody answered in time, which is a no.
    Unanswered,
    /// It opened.
    Opened,
    /// Something about it was unusual.
    Alerted,
    /// It ended.
    Ended,
    /// It was reviewed and found justified.
    FoundJustified,
    /// It was reviewed and found not justified.
    FoundUnjustified,
}

/// A step of a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccessSessionStep {
    /// Which session.
    pub session: AccessSessionId,
    /// What happened.
    pub step: SessionStep,
    /// Who did it; whose session it is where nobody did.
    pub actor: PersonId,
    /// Why it was asked for.
    pub reason: AccessReason,
    /// The case or ticket number.
    #[serde(default, skip_serializing_if = "Option::is_none", serialize_with = "optional_text")]
    pub ticket: Option<String>,
    /// For which ground's purpose.
    pub ground: GroundKind,
    /// What had to happen before it opened.
    pub needs: AccessNeeds,
    /// How long it may last, and for its end how long it lasted.
    pub seconds: u32,
    /// Looks taken until then.
    pub looks: u32,
    /// Records opened until then, each look counted.
    pub records: u32,
    /// How it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<AccessEnd>,
    /// What was unusual.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alert: Option<AnomalyKind>,
    /// The access policies that permitted the step, by their ids.
    #[serde(default, skip_serializing_if = "Vec::is_empty", serialize_with = "texts")]
    pub policies: Vec<String>,
    /// Salted commitment to what was said to an answer; absent where nothing was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remark: Option<Digest>,
}

/// Who asked for a session took that back before it opened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccessWithdrawal {
    /// Which session.
    pub session: AccessSessionId,
    /// Who asked for it, and withdrew.
    pub actor: PersonId,
    /// Why it was asked for.
    pub reason: AccessReason,
    /// The case or ticket number.
    #[serde(serialize_with = "text")]
    pub ticket: String,
    /// For which ground's purpose.
    pub ground: GroundKind,
    /// What would have had to happen before it opened.
    pub needs: AccessNeeds,
}
