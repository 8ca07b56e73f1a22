//! Which class of event each type of activity is. `docs/siem.md` shows the same table; a test holds it to this one.

/// A class of OCSF.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OcsfClass {
    /// What the schema has no class for.
    Base,
    /// An account, or a credential of one, changed.
    AccountChange,
    /// Somebody signed in or out.
    Authentication,
    /// Something that is managed was made, changed or ended: keys, policies, notices, cases, settings.
    EntityManagement,
    /// An interface was called.
    ApiActivity,
    /// What is kept was read, written or destroyed.
    DatastoreActivity,
}

/// Names of activities by their numbers in a class.
type ActivityNames = &'static [(u64, &'static str)];

const CRUD: ActivityNames =
    &[(0, "Unknown"), (1, "Create"), (2, "Read"), (3, "Update"), (4, "Delete"), (99, "Other")];

impl OcsfClass {
    /// Every class that is used.
    pub const ALL: [Self; 6] = [
        Self::Base,
        Self::AccountChange,
        Self::Authentication,
        Self::EntityManagement,
        Self::ApiActivity,
        Self::DatastoreActivity,
    ];

    /// `class_uid`.
    pub const fn uid(self) -> u64 {
        match self {
            Self::Base => 0,
            Self::AccountChange => 3_001,
            Self::Authentication => 3_002,
            Self::EntityManagement => 3_004,
            Self::ApiActivity => 6_003,
            Self::DatastoreActivity => 6_005,
        }
    }

    /// `class_name`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Base => "Base Event",
            Self::AccountChange => "Account Change",
            Self::Authentication => "Authentication",
            Self::EntityManagement => "Entity Management",
            Self::ApiActivity => "API Activity",
            Self::DatastoreActivity => "Datastore Activity",
        }
    }

    /// `category_uid` and `category_name`.
    pub(super) const fn category(self) -> (u64, &'static str) {
        match self {
            Self::Base => (0, "Uncategorized"),
            Self::AccountChange | Self::Authentication | Self::EntityManagement => {
                (3, "Identity & Access Management")
            }
            Self::ApiActivity | Self::DatastoreActivity => (6, "Application Activity"),
        }
    }

    /// `activity_name` of an `activity_id` of the class.
    pub(super) fn activity_name(self, id: u64) -> &'static str {
        let names: ActivityNames = match self {
            Self::Base => &[(0, "Unknown"), (99, "Other")],
            Self::AccountChange => &[
                (1, "Create"),
                (2, "Enable"),
                (3, "Password Change"),
                (4, "Password Reset"),
                (5, "Disable"),
                (6, "Delete"),
                (7, "Attach Policy"),
                (8, "Detach Policy"),
                (9, "Lock"),
                (10, "MFA Factor Enable"),
                (11, "MFA Factor Disable"),
                (99, "Other"),
            ],
            Self::Authentication => &[(1, "Logon"), (2, "Logoff"), (99, "Other")],
            Self::EntityManagement | Self::ApiActivity => CRUD,
            Self::DatastoreActivity => &[
                (1, "Read"),
                (2, "Update"),
                (3, "Connect"),
                (4, "Query"),
                (5, "Write"),
                (6, "Create"),
                (7, "Delete"),
                (8, "List"),
                (9, "Encrypt"),
                (10, "Decrypt"),
                (99, "Other"),
            ],
        };
        names.iter().find(|(number, _)| *number == id).map_or("Unknown", |(_, name)| name)
    }

    /// Whether the class asks for who did it.
    pub(super) const fn needs_actor(self) -> bool {
        matches!(self, Self::ApiActivity | Self::DatastoreActivity)
    }

    /// Whether the class asks for where it came from.
    pub(super) const fn needs_source(self) -> bool {
        self.needs_actor()
    }
}

/// How a type of activity is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mapping {
    /// The OCSF class.
    pub class: OcsfClass,
    /// `activity_id` in that class.
    pub activity: u64,
    /// What kind of thing it is about, in words: the type of an entity, or the name of what is kept.
    pub entity: &'static str,
    /// The activity's field that names which one.
    pub target: Option<&'static str>,
    /// `event.category` of ECS.
    pub ecs_category: &'static [&'static str],
    /// `event.type` of ECS.
    pub ecs_type: &'static [&'static str],
}

/// How a type without a row is written: the base event of the schema.
const UNKNOWN: Mapping = Mapping {
    class: OcsfClass::Base,
    activity: 99,
    entity: "activity",
    target: None,
    ecs_category: &["configuration"],
    ecs_type: &["info"],
};

const fn entity(
    activity: u64,
    entity: &'static str,
    target: Option<&'static str>,
    ecs_type: &'static [&'static str],
) -> Mapping {
    let ecs_category = &["configuration"];
    Mapping { class: OcsfClass::EntityManagement, activity, entity, target, ecs_category, ecs_type }
}

const fn account(activity: u64, target: Option<&'static str>, ecs_type: &'static [&'static str]) -> Mapping {
    let ecs_category = &["iam"];
    let class = OcsfClass::AccountChange;
    Mapping { class, activity, entity: "account", target, ecs_category, ecs_type }
}

const fn sign_in(activity: u64, ecs_type: &'static [&'static str]) -> Mapping {
    let ecs_category = &["authentication"];
    let class = OcsfClass::Authentication;
    Mapping { class, activity, entity: "account", target: None, ecs_category, ecs_type }
}

/// Writing and destroying are changes in the words of ECS.
const fn data(
    activity: u64,
    entity: &'static str,
    target: Option<&'static str>,
    ecs_type: &'static [&'static str],
) -> Mapping {
    let ecs_category = &["database"];
    Mapping { class: OcsfClass::DatastoreActivity, activity, entity, target, ecs_category, ecs_type }
}

const CREATION: &[&str] = &["creation"];
const CHANGE: &[&str] = &["change"];
const DELETION: &[&str] = &["deletion"];
const INFO: &[&str] = &["info"];
const ACCESS: &[&str] = &["access"];

/// Every type that has a row.
pub fn mapped_kinds() -> impl Iterator<Item = &'static str> {
    ROWS.iter().map(|(kind, _)| *kind)
}

/// How a type of activity is written.
pub fn mapping_of(kind: &str) -> Mapping {
    ROWS.iter().find(|(row, _)| *row == kind).map_or(UNKNOWN, |(_, mapping)| *mapping)
}

/// The rows, by type, in the order of the ledger's own list; then what no leaf of ours stands behind.
const ROWS: &[(&str, Mapping)] = &[
    ("fiducia_log_opened", entity(1, "log", None, CREATION)),
    ("fiducia_capture_batch", data(5, "records", None, CHANGE)),
    ("fiducia_record_access", data(1, "records", None, ACCESS)),
    ("fiducia_keys_destroyed", data(7, "keys", None, CHANGE)),
    ("fiducia_import_finished", data(5, "records", None, CHANGE)),
    ("fiducia_routing_notice", API_CALL),
    ("platform_api_key_created", entity(1, "virtual key", Some("api_key_id"), CREATION)),
    ("platform_api_key_updated", entity(3, "virtual key", Some("api_key_id"), CHANGE)),
    ("platform_organization_created", entity(1, "organisation", None, CREATION)),
    ("fiducia_safety_window_closed", data(7, "safety window", None, CHANGE)),
    ("fiducia_policy_published", entity(1, "policy", Some("policy"), CREATION)),
    ("fiducia_organization_terms_changed", entity(3, "organisation", None, CHANGE)),
    (
        "platform_workspace_inference_data_retention_enabled",
        entity(3, "workspace", Some("workspace_id"), CHANGE),
    ),
    (
        "platform_workspace_inference_data_retention_disabled",
        entity(3, "workspace", Some("workspace_id"), CHANGE),
    ),
    ("claude_user_settings_updated", account(99, Some("user_id"), CHANGE)),
    ("fiducia_account_closed", account(6, Some("user_id"), DELETION)),
    ("fiducia_conversation_deleted", data(7, "conversations", None, CHANGE)),
    ("fiducia_content_flagged", entity(1, "finding", Some("flag"), CREATION)),
    ("fiducia_feedback_given", entity(1, "feedback", None, CREATION)),
    ("fiducia_case_opened", entity(1, "case", Some("case"), CREATION)),
    ("fiducia_case_extended", entity(3, "case", Some("case"), CHANGE)),
    ("fiducia_case_closed", entity(3, "case", Some("case"), CHANGE)),
    ("fiducia_hold_placed", entity(1, "legal hold", Some("hold"), CREATION)),
    ("fiducia_hold_widened", entity(3, "legal hold", Some("hold"), CHANGE)),
    ("fiducia_hold_released", entity(3, "legal hold", Some("hold"), CHANGE)),
    ("fiducia_hold_exported", data(1, "records", Some("hold"), ACCESS)),
    ("fiducia_certificate_issued", entity(1, "certificate", Some("reference"), CREATION)),
    ("fiducia_warning_given", entity(1, "warning", None, INFO)),
    ("fiducia_console_account_created", account(1, Some("account"), CREATION)),
    ("fiducia_console_account_changed", account(99, Some("account"), CHANGE)),
    ("fiducia_privacy_signal_received", entity(3, "privacy signal", None, INFO)),
    ("fiducia_rights_step", entity(3, "request", Some("request"), CHANGE)),
    ("fiducia_rights_exported", data(1, "records", Some("request"), ACCESS)),
    ("user_consent_recorded", entity(3, "consent", Some("receipt"), CHANGE)),
    ("user_consent_revoked", entity(3, "consent", Some("receipt"), CHANGE)),
    ("fiducia_notice_published", entity(1, "notice", None, CREATION)),
    ("fiducia_campaign_opened", entity(1, "campaign", Some("campaign"), CREATION)),
    ("fiducia_campaign_closed", entity(3, "campaign", Some("campaign"), CHANGE)),
    ("api_key_created", entity(1, "compliance access key", Some("api_key_id"), CREATION)),
    ("scoped_api_key_deleted", entity(4, "compliance access key", Some("api_key_id"), DELETION)),
    ("fiducia_webhook_changed", entity(3, "webhook", Some("webhook"), CHANGE)),
    ("org_external_key_created", entity(1, "external key", Some("key"), CREATION)),
    ("org_external_key_updated", entity(3, "external key", Some("key"), CHANGE)),
    ("org_external_key_deleted", entity(4, "external key", Some("key"), DELETION)),
    ("org_external_key_validated", entity(3, "external key", Some("key"), INFO)),
    ("fiducia_installation_key_rewrapped", entity(3, "installation key", Some("key"), CHANGE)),
    ("fiducia_access_session", entity(3, "reading session", Some("session"), CHANGE)),
    ("fiducia_access_request_withdrawn", entity(4, "reading session", Some("session"), DELETION)),
    ("fiducia_lockbox_changed", entity(3, "lockbox", None, CHANGE)),
    ("fiducia_access_policy_changed", entity(3, "access policy", Some("policy"), CHANGE)),
    ("fiducia_audit_report_issued", entity(1, "audit report", Some("reference"), CREATION)),
    ("fiducia_log_key_announced", entity(1, "log key", None, CREATION)),
    ("fiducia_log_key_changed", entity(3, "log key", None, CHANGE)),
    ("compliance_api_accessed", API_CALL),
    ("anthropic_access", data(1, "records", None, ACCESS)),
    ("cmek_preserve", data(5, "records", None, CHANGE)),
    ("user_logged_out", sign_in(2, &["end"])),
    ("session_revoked", sign_in(2, &["end"])),
    ("sso_login_succeeded", sign_in(1, &["start"])),
    ("sso_login_failed", sign_in(1, &["start"])),
];

/// What goes through the gateway or the Compliance API.
const API_CALL: Mapping = Mapping {
    class: OcsfClass::ApiActivity,
    activity: 2,
    entity: "interface",
    target: None,
    ecs_category: &["web"],
    ecs_type: ACCESS,
};
