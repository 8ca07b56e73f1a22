//! An activity as the feed shows it, taken apart as far as the mappings need.

use fiducia_policy::Timestamp;
use serde_json::{Map, Value};

/// An activity, taken apart. What is not named here is in `rest`, in its order.
#[derive(Debug, Clone, PartialEq)]
pub struct Activity {
    /// Its id.
    pub id: String,
    /// Its type.
    pub kind: String,
    /// When it happened.
    pub at: Timestamp,
    /// The same as the feed writes it.
    pub(super) at_text: String,
    /// Whose, as a bare UUID; absent where the feed names no organisation.
    pub(super) organization: Option<String>,
    /// Who did it.
    pub(super) actor: Actor,
    /// What the activity says besides.
    pub(super) rest: Map<String, Value>,
}

/// Who did it.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Actor {
    /// What kind of actor, such as `user_actor`; empty where the activity names none.
    pub(super) kind: String,
    pub(super) id: Option<String>,
    pub(super) email: Option<String>,
    pub(super) address: Option<String>,
    pub(super) user_agent: Option<String>,
    /// What the actor says of itself besides.
    pub(super) rest: Map<String, Value>,
}

/// A body that is no activity.
#[derive(Debug, thiserror::Error)]
pub enum ActivityError {
    /// It is no JSON object.
    #[error("an activity is no JSON object: {0}")]
    Json(#[from] serde_json::Error),
    /// A field that every activity has is missing, or is of another kind.
    #[error("an activity has no usable `{0}`")]
    Field(&'static str),
}

/// Fields in which the kinds of actor say who they are, the most telling first.
const IDENTITIES: [&str; 9] = [
    "user_id",
    "api_key_id",
    "admin_api_key_id",
    "service_account_id",
    "directory_id",
    "external_client_id",
    "subject",
    "service",
    "unauthenticated_email_address",
];

impl Activity {
    /// Reads the body of an activity.
    ///
    /// # Errors
    /// When it is no object, or lacks its id, type or time.
    pub fn parse(body: &str) -> Result<Self, ActivityError> {
        let mut rest: Map<String, Value> = serde_json::from_str(body)?;
        let id = taken(&mut rest, "id").ok_or(ActivityError::Field("id"))?;
        let kind = taken(&mut rest, "type").ok_or(ActivityError::Field("type"))?;
        let at_text = taken(&mut rest, "created_at").ok_or(ActivityError::Field("created_at"))?;
        let at = at_text.parse().map_err(|_| ActivityError::Field("created_at"))?;
        let organization = taken(&mut rest, "organization_uuid");
        let actor = match rest.remove("actor") {
            Some(Value::Object(actor)) => Actor::of(actor),
            _ => Actor::default(),
        };
        rest.retain(|_, value| !value.is_null());
        Ok(Self { id, kind, at, at_text, organization, actor, rest })
    }

    /// A text among what the activity says besides.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.rest.get(name).and_then(Value::as_str)
    }

    /// The HTTP status that it tells of, where it tells of one.
    pub(super) fn status_code(&self) -> Option<u64> {
        self.rest.get("status_code").and_then(Value::as_u64)
    }

    /// Whether what it tells of was carried out.
    pub(super) fn succeeded(&self) -> bool {
        let refused = ["_failed", "_denied", "_rejected", "_refused", "_blocked"];
        self.status_code().is_none_or(|code| code < 400)
            && !refused.iter().any(|ending| self.kind.ends_with(ending))
    }
}

impl Actor {
    fn of(mut rest: Map<String, Value>) -> Self {
        let kind = taken(&mut rest, "type").unwrap_or_default();
        let email = taken(&mut rest, "email_address");
        let address = taken(&mut rest, "ip_address");
        let user_agent = taken(&mut rest, "user_agent");
        let id = IDENTITIES.iter().find_map(|name| taken(&mut rest, name));
        rest.retain(|_, value| !value.is_null());
        Self { kind, id, email, address, user_agent, rest }
    }

    /// Whether the program itself did it.
    pub(super) fn is_system(&self) -> bool {
        matches!(self.kind.as_str(), "" | "system_actor" | "anthropic_actor")
    }
}

/// Takes a text out; leaves what is none where it is.
fn taken(object: &mut Map<String, Value>, name: &str) -> Option<String> {
    if !object.get(name).is_some_and(Value::is_string) {
        return None;
    }
    match object.remove(name) {
        Some(Value::String(text)) => Some(text),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_activity_is_refused() {
        let check = |body: &str, expect: &str| {
            let refused = Activity::parse(body).map(drop).unwrap_err().to_string();
            assert!(refused.contains(expect), "{body}: {refused}");
        };
        check("", "no JSON object");
        check("[]", "no JSON object");
        check("{}", "`id`");
        check(r#"{"id":"a","type":7}"#, "`type`");
        check(r#"{"id":"a","type":"t","created_at":"yesterday"}"#, "`created_at`");
    }

    #[test]
    fn actors_say_who_they_are_in_one_of_several_fields() {
        let actor = |json: &str| {
            let body =
                format!(r#"{{"id":"a","type":"t","created_at":"2026-01-01T00:00:00Z","actor":{json}}}"#);
            Activity::parse(&body).unwrap().actor
        };
        let user = actor(
            r#"{"type":"user_actor","user_id":"user_1","email_address":null,"ip_address":"192.0.2.1"}"#,
        );
        assert_eq!((user.id.as_deref(), user.address.as_deref()), (Some("user_1"), Some("192.0.2.1")));
        assert!(user.rest.is_empty() && !user.is_system());
        assert_eq!(actor(r#"{"type":"api_actor","api_key_id":"k"}"#).id.as_deref(), Some("k"));
        let odd = actor(r#"{"type":"attested_device_actor","external_client_id":"c","kid_hash":"h"}"#);
        assert_eq!(odd.rest.get("kid_hash"), Some(&Value::from("h")));
        assert!(actor("null").is_system() && actor(r#"{"type":"system_actor"}"#).is_system());
    }
}
