//! What a leaf of the ledger is in the activity feed. Pure: the same leaf always gives the same row.
//!
//! A row holds what its leaf holds and nothing else: pseudonyms, ids, counts, names of rules. Who a pseudonym stands for is looked up
//! when a row is shown, so that an erasure reaches the feed too ([`super::activities`]).

use fiducia_ledger::Event;
use fiducia_policy::{ActivityId, OrganizationId, PersonId, Pseudonym, Timestamp, WorkspaceId};
use fiducia_store::ActivityRecord;
use serde_json::{Map, Value, json};

use super::sign_ins::SIGN_INS;
use crate::staging::sha256;

/// The byte that our own leaves begin with.
const OWN_LEAF: u8 = 0x80;
/// The byte that leaves in the public format begin with.
const PUBLIC_LEAF: u8 = 0x01;
/// What names of our own begin with.
const OWN_PREFIX: &str = "fiducia_";

/// What a row says beside its columns.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub(crate) struct ActivityBody {
    /// The id as it is shown, where it is not the column's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) id: Option<String>,
    /// The time as it is shown, where it is spelt otherwise than ours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) created_at: Option<String>,
    /// Whether it is shown without an organisation.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) is_global: bool,
    /// Who did it; people by the ledger's ids.
    pub(crate) actor: Value,
    /// What its type says, flat.
    pub(crate) details: Map<String, Value>,
}

impl ActivityBody {
    /// The bytes in the row. A map of texts and numbers always has some.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }
}

/// Types of leaves that have a public name, with the names they may get; the others are called by their own with `fiducia_` before.
pub(crate) const PUBLIC_NAMES: &[(&str, &[&str])] = &[
    ("virtual_key_created", &["platform_api_key_created"]),
    ("virtual_key_revoked", &["platform_api_key_updated"]),
    ("organization_created", &["platform_organization_created"]),
    (
        "covered_models_changed",
        &[
            "platform_workspace_inference_data_retention_enabled",
            "platform_workspace_inference_data_retention_disabled",
        ],
    ),
    ("subject_terms_changed", &["claude_user_settings_updated"]),
    ("consent_changed", &["user_consent_recorded", "user_consent_revoked"]),
    ("compliance_key_created", &["api_key_created"]),
    ("compliance_key_deleted", &["scoped_api_key_deleted"]),
    ("org_external_key_created", &["org_external_key_created"]),
    ("org_external_key_updated", &["org_external_key_updated"]),
    ("org_external_key_deleted", &["org_external_key_deleted"]),
    ("org_external_key_validated", &["org_external_key_validated"]),
];

/// Types of rows that no leaf stands behind: calls of the API, and signing in and out.
pub(crate) fn is_without_leaf(kind: &str) -> bool {
    const OTHERS: [&str; 4] =
        ["compliance_api_accessed", "fiducia_login_succeeded", "session_revoked", "user_logged_out"];
    OTHERS.contains(&kind) || SIGN_INS.iter().any(|(_, known)| *known == kind)
}

/// The row of a leaf. `None` when the bytes are no leaf that this version can read.
pub(crate) fn project(organization: OrganizationId, index: u64, entry: &[u8]) -> Option<ActivityRecord> {
    let (version, text) = entry.split_first()?;
    let fields: Map<String, Value> = serde_json::from_slice(text).ok()?;
    match *version {
        OWN_LEAF => own(organization, index, fields),
        PUBLIC_LEAF => public(organization, index, fields),
        _ => None,
    }
}

/// A leaf in the public format, shown exactly as it is committed to, with its place and its workspace's bare UUID beside it.
fn public(
    organization: OrganizationId,
    index: u64,
    mut fields: Map<String, Value>,
) -> Option<ActivityRecord> {
    let id = text(&mut fields, "id")?;
    let kind = text(&mut fields, "type")?;
    let written_at = text(&mut fields, "created_at")?;
    let created_at: Timestamp = written_at.parse().ok()?;
    let actor = fields.remove("actor")?;
    fields.remove("organization_id");
    fields.remove("organization_uuid");
    fields.insert("transparency_log_leaf_index".to_owned(), json!(index));
    let workspace = fields.get("workspace_id").and_then(Value::as_str);
    if let Some(workspace) = workspace.and_then(|id| id.parse::<WorkspaceId>().ok()) {
        fields.insert("workspace_uuid".to_owned(), json!(workspace.uuid()));
    }
    // An id of another form still has its place in the order, always the same.
    let place = id.parse().unwrap_or_else(|_| {
        let digest = sha256(&[id.as_bytes()]);
        ActivityId::from_bytes(std::array::from_fn(|place| digest.get(place).copied().unwrap_or(0)))
    });
    let body =
        ActivityBody { id: Some(id), created_at: Some(written_at), is_global: false, actor, details: fields };
    Some(ActivityRecord {
        id: place,
        created_at,
        organization: Some(organization),
        kind,
        actor: None,
        body: body.to_bytes(),
    })
}

/// A leaf of ours.
fn own(organization: OrganizationId, index: u64, mut fields: Map<String, Value>) -> Option<ActivityRecord> {
    let leaf_kind = text(&mut fields, "type")?;
    let event = text(&mut fields, "id")?;
    let id = event.strip_prefix("event_")?.parse().ok()?;
    let created_at = text(&mut fields, "at")?.parse().ok()?;
    fields.remove("org");
    let kind = name(&leaf_kind, &fields);
    let person = fields.get("actor").and_then(Value::as_str).map(str::to_owned);
    let pseudonym = fields.get("pseudonym").and_then(Value::as_str).map(str::to_owned);
    let acting = match person {
        Some(person) => Some(person),
        None => pseudonym.filter(|_| is_done_by_its_person(&leaf_kind, &fields)),
    };
    fields.remove("actor");
    renamed(&leaf_kind, &mut fields);
    fields.insert("ledger_index".to_owned(), json!(index));
    let (actor, actor_id) = match acting {
        Some(acting) => {
            let bytes = acting_bytes(&acting);
            let actor = json!({ "type": "user_actor", "user_id": acting, "email_address": null, "ip_address": null, "user_agent": null });
            (actor, bytes)
        }
        None => (json!({ "type": "system_actor", "service": "fiducia" }), None),
    };
    let body = ActivityBody { id: None, created_at: None, is_global: false, actor, details: fields };
    Some(ActivityRecord {
        id,
        created_at,
        organization: Some(organization),
        kind,
        actor: actor_id,
        body: body.to_bytes(),
    })
}

fn text(fields: &mut Map<String, Value>, name: &str) -> Option<String> {
    match fields.remove(name)? {
        Value::String(text) => Some(text),
        _ => None,
    }
}

fn acting_bytes(acting: &str) -> Option<[u8; 16]> {
    acting
        .parse::<PersonId>()
        .map(|id| *id.as_bytes())
        .or_else(|_| acting.parse::<Pseudonym>().map(|id| *id.as_bytes()))
        .ok()
}

/// The type in the feed.
fn name(leaf_kind: &str, fields: &Map<String, Value>) -> String {
    let names = PUBLIC_NAMES.iter().find(|(kind, _)| *kind == leaf_kind).map(|(_, names)| *names);
    let is_second = match leaf_kind {
        "covered_models_changed" => fields.get("enabled") == Some(&Value::Bool(false)),
        "consent_changed" => fields.get("state").and_then(Value::as_str) == Some("withdrawn"),
        _ => false,
    };
    let public = names.and_then(|names| names.get(usize::from(is_second)));
    public.map_or_else(|| format!("{OWN_PREFIX}{leaf_kind}"), |name| (*name).to_owned())
}

/// What public names call a field, where they have a word for it.
fn renamed(leaf_kind: &str, fields: &mut Map<String, Value>) {
    let names: &[(&str, &str)] = match leaf_kind {
        "virtual_key_created"
        | "virtual_key_revoked"
        | "compliance_key_created"
        | "compliance_key_deleted" => &[("key", "api_key_id"), ("workspace", "workspace_id")],
        "covered_models_changed" => &[("workspace", "workspace_id")],
        _ => &[],
    };
    for (ours, public) in names {
        if let Some(value) = fields.remove(*ours) {
            fields.insert((*public).to_owned(), value);
        }
    }
    if leaf_kind == "virtual_key_revoked" {
        fields.insert("status".to_owned(), json!("inactive"));
    }
    if leaf_kind == "covered_models_changed"
        && let Some(Value::Bool(enabled)) = fields.remove("enabled")
    {
        fields.insert("previous_value".to_owned(), json!(!enabled));
    }
}

/// Whether the person whom a leaf is about did what it tells, where it names nobody else.
fn is_done_by_its_person(leaf_kind: &str, fields: &Map<String, Value>) -> bool {
    match leaf_kind {
        "conversation_deleted" | "feedback_given" | "privacy_signal_received" => true,
        // A yes that ran out and a silence that became a no are nobody's doing.
        "consent_changed" => !matches!(fields.get("channel").and_then(Value::as_str), Some("system")),
        _ => false,
    }
}

/// Every type of leaf that this version writes, with the names it may get in the feed.
pub fn activity_names() -> Vec<(&'static str, Vec<String>)> {
    Event::kinds()
        .iter()
        .map(|kind| {
            let public = PUBLIC_NAMES.iter().find(|(known, _)| known == kind);
            let names = match public {
                Some((_, names)) => names.iter().map(|name| (*name).to_owned()).collect(),
                None => vec![format!("{OWN_PREFIX}{kind}")],
            };
            (*kind, names)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The published vectors of the Access Transparency format, as leaves.
    const A: &str = r#"{"accessed_at":"2026-11-02T09:00:00.120Z","accessor_department":"Sécurité \"A\"\n","actor":{"email_address":null,"type":"anthropic_actor"},"created_at":"2026-11-02T10:15:30.000450Z","id":"activity_01TestVectorAlpha0000001","organization_id":"org_01TestOrg000000000000001","organization_uuid":"11111111-2222-4333-8444-555555555555","reason_code":"incident_response","resource_details":{"id":"msg_01TestMessage0001","parent":null,"type":"message"},"type":"anthropic_access","workspace_id":null}"#;
    const B: &str = r#"{"accessed_at":null,"accessor_department":null,"actor":{"email_address":null,"type":"anthropic_actor"},"created_at":"2026-11-03T00:00:00Z","id":"activity_01TestVectorBeta00000002","organization_id":"org_01TestOrg000000000000001","organization_uuid":"11111111-2222-4333-8444-555555555555","reason_code":"csae_report","resource_details":null,"type":"cmek_preserve","workspace_id":""}"#;

    fn check(leaf: &str, index: u64, kind: &str) {
        let entry = [&[PUBLIC_LEAF], leaf.as_bytes()].concat();
        let row = project(OrganizationId::from_bytes([1; 16]), index, &entry).unwrap();
        assert_eq!((row.kind.as_str(), row.actor), (kind, None));
        let body: ActivityBody = serde_json::from_slice(&row.body).unwrap();
        let committed: Map<String, Value> = serde_json::from_str(leaf).unwrap();
        assert_eq!(body.id.as_deref(), committed["id"].as_str());
        assert_eq!(body.created_at.as_deref(), committed["created_at"].as_str(), "spelt as in the leaf");
        assert_eq!(body.actor, committed["actor"]);
        let mut details = body.details;
        assert_eq!(details.remove("transparency_log_leaf_index"), Some(json!(index)));
        for column in ["id", "type", "created_at", "actor", "organization_id", "organization_uuid"] {
            assert!(!details.contains_key(column), "{column} is said once");
        }
        assert_eq!(details.len(), committed.len() - 6);
        for (name, value) in details {
            assert_eq!(Some(&value), committed.get(&name), "{name}");
        }
    }

    #[test]
    fn public_leaves_are_shown_as_they_are_committed_to_with_their_place() {
        check(A, 0, "anthropic_access");
        check(B, 17, "cmek_preserve");
        assert!(project(OrganizationId::from_bytes([1; 16]), 0, &[&[2], A.as_bytes()].concat()).is_none());
    }

    #[test]
    fn a_workspace_is_shown_by_its_bare_uuid_too() {
        let workspace = WorkspaceId::from_bytes([6; 16]);
        let leaf = A.replace(r#""workspace_id":null"#, &format!(r#""workspace_id":"{workspace}""#));
        let row =
            project(OrganizationId::from_bytes([1; 16]), 3, &[&[PUBLIC_LEAF], leaf.as_bytes()].concat());
        let body: ActivityBody = serde_json::from_slice(&row.unwrap().body).unwrap();
        assert_eq!(body.details["workspace_id"], json!(workspace));
        assert_eq!(body.details["workspace_uuid"], json!(workspace.uuid()));
    }
}
