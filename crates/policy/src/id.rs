//! Identifiers. Each kind of thing has a type of its own, so that a record id can never be passed where a subject id
//! is meant.

use std::fmt;
use std::str::FromStr;

use crate::edge::{Randomness, RandomnessUnavailable, Timestamp};

/// A text that is not an identifier of the expected kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("this is not a {kind} id: expected `{prefix}` followed by a UUID")]
pub struct IdParseError {
    /// What kind of id was expected, in words.
    pub kind: &'static str,
    /// The prefix that ids of this kind carry.
    pub prefix: &'static str,
}

/// Builds a version 7 UUID (RFC 9562, section 5.7): 48 bits of Unix milliseconds, then random bits.
fn uuid_v7(now: Timestamp, randomness: &dyn Randomness) -> Result<uuid::Uuid, RandomnessUnavailable> {
    let mut random = [0_u8; 10];
    randomness.fill(&mut random)?;
    let millis = u64::try_from(now.as_millisecond()).unwrap_or(0);
    Ok(uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid())
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(uuid::Uuid);

        impl $name {
            /// The prefix in the textual form.
            pub const PREFIX: &'static str = $prefix;

            /// A fresh id: a version 7 UUID (RFC 9562) of `now` and 74 random bits, so ids sort by creation.
            ///
            /// # Errors
            /// When the source of randomness fails.
            pub fn generate(now: Timestamp, randomness: &dyn Randomness) -> Result<Self, RandomnessUnavailable> {
                uuid_v7(now, randomness).map(Self)
            }

            /// The id with exactly these 16 bytes.
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(uuid::Uuid::from_bytes(bytes))
            }

            /// The 16 bytes, most significant first.
            pub const fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }

            /// The bare UUID, lower-case and hyphenated, without the prefix.
            pub fn uuid(&self) -> String {
                self.0.hyphenated().to_string()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}{}", $prefix, self.0.hyphenated())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = IdParseError;

            /// Accepts the prefixed form and the bare UUID.
            fn from_str(text: &str) -> Result<Self, IdParseError> {
                let bare = text.strip_prefix($prefix).unwrap_or(text);
                uuid::Uuid::try_parse(bare)
                    .map(Self)
                    .map_err(|_| IdParseError { kind: $kind, prefix: $prefix })
            }
        }

        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({
                    "type": "string",
                    "description": concat!("The id of a ", $kind, "."),
                    "pattern": concat!("^", $prefix, "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"),
                })
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

id!(
    /// A tenant: the organisation whose promises are kept, whose keys isolate its data, and which has its own log.
    OrganizationId, "organization", "org_"
);
id!(
    /// A division of an organisation with its own keys to the gateway and, later, its own policy.
    WorkspaceId, "workspace", "wrkspc_"
);
id!(
    /// A person (data subject) whose conversations are kept. Internal; never written to the ledger.
    SubjectId, "subject", "subject_"
);
id!(
    /// What the ledger calls a subject: random, unrelated to the [`SubjectId`], its mapping destroyed on erasure.
    Pseudonym, "pseudonym", "psn_"
);
id!(
    /// A conversation: turns of one subject that continue each other.
    ConversationId, "conversation", "conv_"
);
id!(
    /// One sealed record: the new part of a request, or an answer.
    RecordId, "record", "rec_"
);
id!(
    /// One request and its answer through the gateway.
    ExchangeId, "exchange", "exch_"
);
id!(
    /// A node of the key graph.
    KeyId, "key", "key_"
);
id!(
    /// A virtual key: the credential an application presents to the gateway. The id is public, the secret is not.
    VirtualKeyId, "virtual key", "vkey_"
);
id!(
    /// A member of the operator's or tenant's staff who may ask to read.
    PersonId, "person", "person_"
);
id!(
    /// A legal hold: what one matter obliges to keep.
    HoldId, "hold", "hold_"
);
id!(
    /// A safety investigation.
    CaseId, "case", "case_"
);
id!(
    /// A finding of misuse in a conversation.
    FlagId, "flag", "flag_"
);
id!(
    /// A warning to one person that conversations of theirs will end soon.
    WarningId, "warning", "warning_"
);
id!(
    /// A letter to one person by mail.
    LetterId, "letter", "letter_"
);
id!(
    /// A bulletin to one administrator by mail.
    BulletinId, "bulletin", "bulletin_"
);
id!(
    /// An account that signs in to the console.
    AccountId, "account", "acct_"
);
id!(
    /// A signed-in browser. The id is shown to the account's owner; it is not the secret that the browser holds.
    SessionId, "session", "sess_"
);
id!(
    /// A person's request about their data.
    RightsRequestId, "request", "request_"
);
id!(
    /// A token of an account for the JSON API. The id is public, the secret is not.
    ApiTokenId, "token", "apitok_"
);
id!(
    /// A compliance access key. The id is public and names the key in the feed and the ledger, the secret is not.
    ComplianceKeyId, "compliance access key", "apikey_"
);
id!(
    /// One row of the activity feed. A row that stands for a leaf of the ledger has the number of the leaf's event.
    ActivityId, "activity", "activity_"
);
id!(
    /// One entry in the history of a person's choices. The receipt of the choice has the same number.
    ConsentId, "consent", "consent_"
);
id!(
    /// A campaign: a question put to many people, with a date by which silence is a no.
    CampaignId, "campaign", "campaign_"
);
id!(
    /// A session in which somebody reads what is others', for a reason and a time.
    AccessSessionId, "access session", "access_"
);
id!(
    /// A webhook: an endpoint of an organisation to which its activities are sent.
    WebhookId, "webhook", "webhook_"
);

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed;
    impl Randomness for Fixed {
        fn fill(&self, bytes: &mut [u8]) -> Result<(), RandomnessUnavailable> {
            bytes.fill(0xab);
            Ok(())
        }
    }

    #[test]
    fn ids_round_trip_through_text_with_and_without_prefix() {
        let id = RecordId::generate(Timestamp::from_second(1_760_000_000).unwrap(), &Fixed).unwrap();
        assert_eq!(id.to_string().parse::<RecordId>().unwrap(), id);
        assert_eq!(id.uuid().parse::<RecordId>().unwrap(), id);
        assert_eq!(id.uuid().as_bytes()[14], b'7', "version 7");
    }

    #[test]
    fn an_id_of_another_kind_is_refused() {
        let id = RecordId::from_bytes([1; 16]).to_string();
        assert!(id.parse::<SubjectId>().is_err());
    }

    #[test]
    fn later_ids_sort_after_earlier_ones() {
        let early = RecordId::generate(Timestamp::from_second(1).unwrap(), &Fixed).unwrap();
        let late = RecordId::generate(Timestamp::from_second(2).unwrap(), &Fixed).unwrap();
        assert!(early < late);
    }
}
