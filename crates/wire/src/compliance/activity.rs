//! One row of the activity feed.

use serde::{Deserialize, Serialize};

use super::{Actor, OtherFields};

/// An activity: what every one has, and flat beside it what its type has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Activity {
    /// Its id, by which repetitions are known.
    pub id: String,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: String,
    /// When it happened, RFC 3339.
    pub created_at: String,
    /// In which organisation; null where it is about no single one.
    pub organization_id: Option<String>,
    /// The same as a bare UUID.
    pub organization_uuid: Option<String>,
    /// Who did it.
    pub actor: Actor,
    /// What its type says beside.
    #[serde(flatten)]
    pub details: OtherFields,
}

#[cfg(test)]
mod tests {
    use super::super::ActorSource;
    use super::*;

    #[test]
    fn the_public_example_survives_reading_and_writing() {
        let text = r#"{"id":"activity_01X","type":"compliance_api_accessed","created_at":"2026-11-01T00:00:00Z","organization_id":null,
            "organization_uuid":null,"actor":{"type":"api_actor","api_key_id":"apikey_01K","ip_address":"192.0.2.9","user_agent":"siem/1"},
            "request_id":"req_01","request_method":"GET","url":"/v1/compliance/activities","status_code":200,"request_body":null}"#;
        let read: Activity = serde_json::from_str(text).unwrap();
        let source =
            ActorSource { ip_address: Some("192.0.2.9".to_owned()), user_agent: Some("siem/1".to_owned()) };
        let actor =
            Actor::ApiActor { api_key_id: "apikey_01K".to_owned(), source, other: OtherFields::new() };
        assert_eq!(read.actor, actor);
        let written: serde_json::Value = serde_json::to_value(&read).unwrap();
        assert_eq!(written, serde_json::from_str::<serde_json::Value>(text).unwrap());
    }

    #[test]
    fn actors_of_other_kinds_and_unknown_fields_survive() {
        for text in [
            r#"{"type":"scim_directory_sync_actor","directory_id":"d","workos_event_id":"e"}"#,
            r#"{"type":"federated_actor","provider":{"type":"gcp","project_number":"1"},"subject":"s"}"#,
            r#"{"type":"user_actor","user_id":"user_1","email_address":null,"ip_address":null,"user_agent":null,"novel":[1]}"#,
            r#"{"type":"anthropic_actor","email_address":null}"#,
            r#"{"type":"system_actor","service":"fiducia"}"#,
            r#"{"type":"system_actor"}"#,
        ] {
            let read: Actor = serde_json::from_str(text).unwrap();
            let written = serde_json::to_value(&read).unwrap();
            assert_eq!(written, serde_json::from_str::<serde_json::Value>(text).unwrap());
        }
    }
}
