//! The facts that our own leaves hold. No personal data: pseudonyms, counts, digests and names of rules only.

use std::fmt;

use fiducia_policy::{
    AccessReason, AccountId, CaseId, ComplianceKeyId, ExchangeId, FlagId, GroundKind, HoldId, KeyId,
    PersonId, Pseudonym, RecordId, RightsRequestId, Timestamp, VirtualKeyId, WebhookId, WorkspaceId,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::access_transparency::AccessTransparencyEvent;
use crate::consent::{CampaignClosed, CampaignOpened, ConsentChanged, NoticePublished};
use crate::hash::{Hash, from_hex, to_hex};
use crate::log_keys::LogKeyStep;
use crate::session::{AccessSessionStep, AccessWithdrawal, LookTerms};

/// Longest free text in an event. It is meant for names of rules, models and kinds, never for content.
pub const TEXT_BYTES_MAX: usize = 256;

/// Largest count: beyond it JSON numbers in canonical form are not exact.
pub const COUNT_MAX: u64 = (1 << 53) - 1;

/// A SHA-256 digest, in leaves as lower-case hexadecimal.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest(pub Hash);

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&to_hex(&self.0))
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&to_hex(&self.0))
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        from_hex(&text)
            .map(Self)
            .ok_or_else(|| serde::de::Error::custom("expected 64 lower-case hexadecimal digits"))
    }
}

/// A person was permitted to read records. Written before anything is decrypted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordAccess {
    /// Who reads.
    pub actor: PersonId,
    /// Why.
    pub reason: AccessReason,
    /// The case or request it belongs to, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none", serialize_with = "optional_text")]
    pub ticket: Option<String>,
    /// Which records.
    pub records: Vec<RecordId>,
    /// The ground whose path is walked.
    pub ground: GroundKind,
    /// When the permission ends.
    #[serde(with = "instant")]
    pub expires_at: Timestamp,
    /// In which session, how it was shown, and which policies permitted it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub look: Option<LookTerms>,
}

/// A key at a key management service. The service's own name of the key is not in the log: it may name accounts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExternalKey {
    /// The key that it wraps.
    pub key: KeyId,
    /// The service, as the configuration calls it; `keyfile` for the installation's file.
    #[serde(serialize_with = "text")]
    pub service: String,
    /// Who did it.
    pub actor: PersonId,
}

/// What happened. The names of variants, in snake case, are the `type` in the leaf and never change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Event {
    /// The organisation's log begins.
    LogOpened {
        /// The log's origin.
        #[serde(serialize_with = "text")]
        origin: String,
    },
    /// Records were captured and committed together.
    CaptureBatch {
        /// Names the batch.
        #[serde(serialize_with = "text")]
        batch: String,
        /// Tree head over the records' hashes, see [`crate::capture_batch_root`].
        root: Digest,
        /// How many records.
        #[serde(serialize_with = "number")]
        count: u64,
    },
    /// A person was permitted to read.
    RecordAccess(RecordAccess),
    /// Keys were destroyed, and with them everything only they could open.
    KeysDestroyed {
        /// How many keys.
        #[serde(serialize_with = "number")]
        keys: u64,
        /// Kinds of key, such as `conversation`.
        #[serde(serialize_with = "texts")]
        kinds: Vec<String>,
        /// Why, such as `subject_request` or `window_ended`.
        #[serde(serialize_with = "text")]
        reason: String,
        /// Conversations that died.
        #[serde(serialize_with = "number")]
        conversations: u64,
        /// Records that died.
        #[serde(serialize_with = "number")]
        records: u64,
        /// Who ordered it, where a person did.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        actor: Option<PersonId>,
        /// Whose, where it was one subject.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pseudonym: Option<Pseudonym>,
        /// Digest of the certificate that was given, where one was.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        certificate: Option<Digest>,
    },
    /// An import ended.
    ImportFinished {
        /// Conversations taken in.
        #[serde(serialize_with = "number")]
        count: u64,
        /// Digest of the imported file.
        digest: Digest,
    },
    /// A request was not served as asked, and its sender was told.
    RoutingNotice {
        /// Which exchange.
        exchange: ExchangeId,
        /// The rule or cause.
        #[serde(serialize_with = "text")]
        code: String,
        /// The model asked for.
        #[serde(serialize_with = "text")]
        asked: String,
        /// The model that served.
        #[serde(serialize_with = "text")]
        served: String,
    },
    /// A credential to the gateway was made.
    VirtualKeyCreated {
        /// Which.
        key: VirtualKeyId,
        /// For which workspace.
        workspace: WorkspaceId,
    },
    /// A credential to the gateway ended.
    VirtualKeyRevoked {
        /// Which.
        key: VirtualKeyId,
    },
    /// The organisation came to be.
    OrganizationCreated {},
    /// The safety windows that ended with one day were closed, by destroying their key.
    SafetyWindowClosed {
        /// The first day on which they were over, in UTC.
        day: jiff::civil::Date,
    },
    /// A policy came into force.
    PolicyPublished {
        /// Its number.
        #[serde(serialize_with = "number")]
        version: u64,
        /// Its name.
        #[serde(serialize_with = "text")]
        name: String,
        /// Digest of its text.
        policy: Digest,
        /// Who published it.
        actor: PersonId,
    },
    /// The organisation's plan, tier or agreement changed, and with them how long things are kept.
    OrganizationTermsChanged {
        /// The plan.
        #[serde(serialize_with = "text")]
        plan: String,
        /// The governance tier.
        #[serde(serialize_with = "text")]
        tier: String,
        /// What was agreed on retention.
        #[serde(serialize_with = "text")]
        agreement: String,
        /// How long, where that was agreed.
        #[serde(default, skip_serializing_if = "Option::is_none", serialize_with = "optional_text")]
        custom_retention: Option<String>,
    },
    /// A workspace agreed to what covered models need, or no longer does.
    CoveredModelsChanged {
        /// Which.
        workspace: WorkspaceId,
        /// Whether it agrees.
        enabled: bool,
    },
    /// A person's plan or choice changed, and with it how long things are kept.
    SubjectTermsChanged {
        /// Whose.
        pseudonym: Pseudonym,
        /// What changed: `plan`, `training` or `contact`. Never to which address.
        #[serde(serialize_with = "text")]
        what: String,
        /// To what.
        #[serde(serialize_with = "text")]
        value: String,
    },
    /// A person's account was closed.
    AccountClosed {
        /// Whose.
        pseudonym: Pseudonym,
    },
    /// A person deleted a conversation, or took that back in time.
    ConversationDeleted {
        /// Whose.
        pseudonym: Pseudonym,
        /// Whether it was taken back.
        undone: bool,
    },
    /// A conversation was found to violate a policy.
    ContentFlagged {
        /// The finding.
        flag: FlagId,
        /// What was found.
        #[serde(serialize_with = "text")]
        category: String,
        /// How many records are kept for it.
        #[serde(serialize_with = "number")]
        records: u64,
        /// Who found it.
        actor: PersonId,
    },
    /// Feedback was given on a conversation, which is kept for it.
    FeedbackGiven {
        /// By whom.
        pseudonym: Pseudonym,
        /// How many records are kept for it.
        #[serde(serialize_with = "number")]
        records: u64,
    },
    /// An investigation was opened.
    CaseOpened {
        /// Which.
        case: CaseId,
        /// Who opened it.
        actor: PersonId,
    },
    /// Records were taken into an investigation.
    CaseExtended {
        /// Which.
        case: CaseId,
        /// How many records.
        #[serde(serialize_with = "number")]
        records: u64,
        /// Who did it.
        actor: PersonId,
    },
    /// An investigation was closed.
    CaseClosed {
        /// Which.
        case: CaseId,
        /// Who closed it.
        actor: PersonId,
    },
    /// A legal hold was placed.
    HoldPlaced {
        /// Which.
        hold: HoldId,
        /// Digest of its scope.
        scope: Digest,
        /// Who placed it.
        actor: PersonId,
    },
    /// A legal hold was widened.
    HoldWidened {
        /// Which.
        hold: HoldId,
        /// Digest of its scope.
        scope: Digest,
        /// Who widened it.
        actor: PersonId,
    },
    /// A legal hold was released; its key is destroyed when the days of grace are over.
    HoldReleased {
        /// Which.
        hold: HoldId,
        /// When its key is destroyed.
        #[serde(with = "instant")]
        ends_at: Timestamp,
        /// Who released it.
        actor: PersonId,
    },
    /// A hold's records were exported for counsel.
    HoldExported {
        /// Which.
        hold: HoldId,
        /// Digest of the export's manifest.
        manifest: Digest,
        /// How many records.
        #[serde(serialize_with = "number")]
        records: u64,
        /// Who exported them.
        actor: PersonId,
    },
    /// A certificate of destruction was issued.
    CertificateIssued {
        /// Its reference number.
        #[serde(serialize_with = "text")]
        reference: String,
        /// Digest of its text.
        certificate: Digest,
    },
    /// A person was warned that conversations will end soon unless they are kept.
    WarningGiven {
        /// Who was warned.
        pseudonym: Pseudonym,
        /// How many conversations.
        #[serde(serialize_with = "number")]
        conversations: u64,
        /// When the first of them ends.
        #[serde(with = "instant")]
        first_ends_at: Timestamp,
        /// How: `mail` where one is on its way, else `list`, where the mark in the list of conversations is all.
        #[serde(serialize_with = "text")]
        by: String,
    },
    /// Somebody may sign in to the console.
    ConsoleAccountCreated {
        /// Which account.
        account: AccountId,
        /// What its owner may be, by name.
        #[serde(serialize_with = "texts")]
        roles: Vec<String>,
    },
    /// What an account may do, or how its owner signs in, changed.
    ConsoleAccountChanged {
        /// Which account.
        account: AccountId,
        /// What changed: `roles`, `state`, `password`, `passkey` or `identity`.
        #[serde(serialize_with = "text")]
        what: String,
        /// To what, never a secret.
        #[serde(serialize_with = "text")]
        value: String,
    },
    /// A person's browser sent the Global Privacy Control signal for the first time.
    PrivacySignalReceived {
        /// Whose.
        pseudonym: Pseudonym,
    },
    /// Something was done about a person's request.
    RightsStep {
        /// Which request.
        request: RightsRequestId,
        /// Whose, unless the step erased the person.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pseudonym: Option<Pseudonym>,
        /// What is asked, such as `access`.
        #[serde(serialize_with = "text")]
        kind: String,
        /// What was done, such as `extend`.
        #[serde(serialize_with = "text")]
        step: String,
        /// Where the request stands now.
        #[serde(serialize_with = "text")]
        state: String,
        /// Why, from a closed list.
        #[serde(default, skip_serializing_if = "Option::is_none", serialize_with = "optional_text")]
        reason: Option<String>,
        /// The first instant at which an answer is too late.
        #[serde(with = "instant")]
        due: Timestamp,
        /// Who did it.
        actor: PersonId,
    },
    /// A person's data was put into a file for them, or a part of it.
    RightsExported {
        /// Upon which request.
        request: RightsRequestId,
        /// Whose.
        pseudonym: Pseudonym,
        /// Which part, from 1.
        #[serde(serialize_with = "number")]
        volume: u64,
        /// Digest of the part's manifest.
        manifest: Digest,
        /// How many records.
        #[serde(serialize_with = "number")]
        records: u64,
        /// Who made it.
        actor: PersonId,
    },
    /// A person's consent changed.
    ConsentChanged(ConsentChanged),
    /// A notice was published.
    NoticePublished(NoticePublished),
    /// A campaign was opened.
    CampaignOpened(CampaignOpened),
    /// A campaign was closed.
    CampaignClosed(CampaignClosed),
    /// A report was made of what this installation can show for each promise.
    AuditReportIssued {
        /// Its reference number.
        #[serde(serialize_with = "text")]
        reference: String,
        /// Digest of its text.
        report: Digest,
    },
    /// A key to the Compliance API was made.
    ComplianceKeyCreated {
        /// Which.
        key: ComplianceKeyId,
        /// What it reaches: `organization` for this one alone, `installation` for every one.
        #[serde(serialize_with = "text")]
        reach: String,
        /// What it permits, by name.
        #[serde(serialize_with = "texts")]
        scopes: Vec<String>,
        /// Who made it.
        actor: PersonId,
    },
    /// A key to the Compliance API was deleted.
    ComplianceKeyDeleted {
        /// Which.
        key: ComplianceKeyId,
        /// Who deleted it.
        actor: PersonId,
    },
    /// The organisation has a key of its own at a key management service from now on.
    OrgExternalKeyCreated(ExternalKey),
    /// The organisation's key is wrapped by another service, key or version.
    OrgExternalKeyUpdated(ExternalKey),
    /// The organisation's key is the installation's again.
    OrgExternalKeyDeleted(ExternalKey),
    /// A throw-away key was wrapped and opened by the organisation's service.
    OrgExternalKeyValidated(ExternalKey),
    /// The installation's key, from which the organisation's hangs, was wrapped anew.
    InstallationKeyRewrapped(ExternalKey),
    /// Something happened to a session of reading.
    AccessSession(AccessSessionStep),
    /// Who asked for a session of reading took that back before it opened.
    AccessRequestWithdrawn(AccessWithdrawal),
    /// The organisation wants to agree to looks at what is its own, or no longer does.
    LockboxChanged {
        /// Whether it does.
        enabled: bool,
        /// Who decided.
        actor: PersonId,
    },
    /// Other access policies came into force.
    AccessPolicyChanged {
        /// Digest of their text.
        policy: Digest,
    },
    /// Where an organisation's activities are sent was added, changed or ended.
    WebhookChanged {
        /// Which.
        webhook: WebhookId,
        /// What was done: `created`, `rotated`, `enabled`, `disabled` or `deleted`.
        #[serde(serialize_with = "text")]
        what: String,
        /// Why it was disabled, from a closed list.
        #[serde(default, skip_serializing_if = "Option::is_none", serialize_with = "optional_text")]
        reason: Option<String>,
        /// Who did it; absent where the program did.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        actor: Option<PersonId>,
    },
    /// An event in the public form. Its leaf is another ([`crate::LeafVersion::AccessTransparency`]); this variant's name is only
    /// that of outbox rows.
    AccessTransparency(Box<AccessTransparencyEvent>),
    /// A new key for the log's checkpoints was announced: until it signs, the one before it does.
    LogKeyAnnounced(LogKeyStep),
    /// The key that was announced signs from now on. The ones before it no longer do.
    LogKeyChanged(LogKeyStep),
    /// An event of a type that this version does not know. It can be read but not appended.
    #[serde(skip)]
    Unknown {
        /// Its type.
        kind: String,
        /// The whole JSON object.
        raw: String,
    },
}

impl Event {
    /// The types this version reads and writes.
    const KINDS: &'static [&'static str] = &[
        "log_opened",
        "capture_batch",
        "record_access",
        "keys_destroyed",
        "import_finished",
        "routing_notice",
        "virtual_key_created",
        "virtual_key_revoked",
        "organization_created",
        "safety_window_closed",
        "policy_published",
        "organization_terms_changed",
        "covered_models_changed",
        "subject_terms_changed",
        "account_closed",
        "conversation_deleted",
        "content_flagged",
        "feedback_given",
        "case_opened",
        "case_extended",
        "case_closed",
        "hold_placed",
        "hold_widened",
        "hold_released",
        "hold_exported",
        "certificate_issued",
        "warning_given",
        "console_account_created",
        "console_account_changed",
        "privacy_signal_received",
        "rights_step",
        "rights_exported",
        "consent_changed",
        "notice_published",
        "campaign_opened",
        "campaign_closed",
        "audit_report_issued",
        "compliance_key_created",
        "compliance_key_deleted",
        "org_external_key_created",
        "org_external_key_updated",
        "org_external_key_deleted",
        "org_external_key_validated",
        "installation_key_rewrapped",
        "access_session",
        "access_request_withdrawn",
        "lockbox_changed",
        "access_policy_changed",
        "webhook_changed",
        "log_key_announced",
        "log_key_changed",
    ];

    /// The types this version reads and writes.
    pub const fn kinds() -> &'static [&'static str] {
        Self::KINDS
    }

    pub(crate) fn is_known(kind: &str) -> bool {
        Self::KINDS.contains(&kind)
    }

    /// The `type` in the leaf.
    pub fn kind(&self) -> &str {
        match self {
            Self::LogOpened { .. } => "log_opened",
            Self::CaptureBatch { .. } => "capture_batch",
            Self::RecordAccess(_) => "record_access",
            Self::KeysDestroyed { .. } => "keys_destroyed",
            Self::ImportFinished { .. } => "import_finished",
            Self::RoutingNotice { .. } => "routing_notice",
            Self::VirtualKeyCreated { .. } => "virtual_key_created",
            Self::VirtualKeyRevoked { .. } => "virtual_key_revoked",
            Self::OrganizationCreated {} => "organization_created",
            Self::SafetyWindowClosed { .. } => "safety_window_closed",
            Self::PolicyPublished { .. } => "policy_published",
            Self::OrganizationTermsChanged { .. } => "organization_terms_changed",
            Self::CoveredModelsChanged { .. } => "covered_models_changed",
            Self::SubjectTermsChanged { .. } => "subject_terms_changed",
            Self::AccountClosed { .. } => "account_closed",
            Self::ConversationDeleted { .. } => "conversation_deleted",
            Self::ContentFlagged { .. } => "content_flagged",
            Self::FeedbackGiven { .. } => "feedback_given",
            Self::CaseOpened { .. } => "case_opened",
            Self::CaseExtended { .. } => "case_extended",
            Self::CaseClosed { .. } => "case_closed",
            Self::HoldPlaced { .. } => "hold_placed",
            Self::HoldWidened { .. } => "hold_widened",
            Self::HoldReleased { .. } => "hold_released",
            Self::HoldExported { .. } => "hold_exported",
            Self::CertificateIssued { .. } => "certificate_issued",
            Self::WarningGiven { .. } => "warning_given",
            Self::ConsoleAccountCreated { .. } => "console_account_created",
            Self::ConsoleAccountChanged { .. } => "console_account_changed",
            Self::PrivacySignalReceived { .. } => "privacy_signal_received",
            Self::RightsStep { .. } => "rights_step",
            Self::RightsExported { .. } => "rights_exported",
            Self::ConsentChanged(_) => "consent_changed",
            Self::NoticePublished(_) => "notice_published",
            Self::CampaignOpened(_) => "campaign_opened",
            Self::CampaignClosed(_) => "campaign_closed",
            Self::AuditReportIssued { .. } => "audit_report_issued",
            Self::ComplianceKeyCreated { .. } => "compliance_key_created",
            Self::ComplianceKeyDeleted { .. } => "compliance_key_deleted",
            Self::OrgExternalKeyCreated(_) => "org_external_key_created",
            Self::OrgExternalKeyUpdated(_) => "org_external_key_updated",
            Self::OrgExternalKeyDeleted(_) => "org_external_key_deleted",
            Self::OrgExternalKeyValidated(_) => "org_external_key_validated",
            Self::InstallationKeyRewrapped(_) => "installation_key_rewrapped",
            Self::AccessSession(_) => "access_session",
            Self::AccessRequestWithdrawn(_) => "access_request_withdrawn",
            Self::LockboxChanged { .. } => "lockbox_changed",
            Self::AccessPolicyChanged { .. } => "access_policy_changed",
            Self::WebhookChanged { .. } => "webhook_changed",
            Self::AccessTransparency(event) => event.kind.name(),
            Self::LogKeyAnnounced(_) => "log_key_announced",
            Self::LogKeyChanged(_) => "log_key_changed",
            Self::Unknown { kind, .. } => kind,
        }
    }
}

pub(crate) fn text<S: Serializer>(value: &str, serializer: S) -> Result<S::Ok, S::Error> {
    if value.len() > TEXT_BYTES_MAX {
        return Err(serde::ser::Error::custom("a text is longer than 256 bytes"));
    }
    serializer.serialize_str(value)
}

#[expect(clippy::ref_option, reason = "serde calls serializers with a reference to the field")]
pub(crate) fn optional_text<S: Serializer>(value: &Option<String>, serializer: S) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => text(value, serializer),
        None => serializer.serialize_none(),
    }
}

pub(crate) fn texts<S: Serializer>(values: &[String], serializer: S) -> Result<S::Ok, S::Error> {
    if values.iter().any(|value| value.len() > TEXT_BYTES_MAX) {
        return Err(serde::ser::Error::custom("a text is longer than 256 bytes"));
    }
    values.serialize(serializer)
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls serializers with a reference")]
pub(crate) fn number<S: Serializer>(value: &u64, serializer: S) -> Result<S::Ok, S::Error> {
    if *value > COUNT_MAX {
        return Err(serde::ser::Error::custom("a count is larger than JSON holds exactly"));
    }
    serializer.serialize_u64(*value)
}

/// Instants as RFC 3339 in UTC with exactly six fraction digits and `Z`.
pub(crate) mod instant {
    use fiducia_policy::Timestamp;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{at:.6}"))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests;
