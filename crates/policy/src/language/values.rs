//! Values in a policy that are more than a word: lists of terms, and purposes.

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, Error, SeqAccess, Visitor};

use crate::ground::Purpose;
use crate::retention::Term;

/// The most terms in one list.
const TERMS_MAX: usize = 16;

/// One term or several.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Terms(pub(crate) Vec<Term>);

impl<'de> Deserialize<'de> for Terms {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneOrMore;
        impl<'de> Visitor<'de> for OneOrMore {
            type Value = Terms;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a term in quotes, as in `30 days after creation`, or a list of them")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Terms, E> {
                text.parse().map(|term| Terms(vec![term])).map_err(E::custom)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Terms, A::Error> {
                let mut terms = Vec::new();
                while let Some(text) = list.next_element::<String>()? {
                    if terms.len() == TERMS_MAX {
                        return Err(A::Error::custom(format!("a list holds at most {TERMS_MAX} terms")));
                    }
                    terms.push(text.parse().map_err(A::Error::custom)?);
                }
                Ok(Terms(terms))
            }
        }
        deserializer.deserialize_any(OneOrMore)
    }
}

impl JsonSchema for Terms {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Terms".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let starts = crate::retention::ClockStart::ALL.map(crate::retention::ClockStart::name).join("|");
        let unit = "(years?|months?|weeks?|days?|hours?)";
        let term = serde_json::json!({
            "type": "string",
            "pattern": format!("^(at|(as agreed|[0-9]+ {unit}( [0-9]+ {unit})*) after) ({starts})$"),
            "examples": ["30 days after creation", "at deletion", "as agreed after last-activity"],
        });
        json_schema!({
            "description": "A term, or a list of them.",
            "anyOf": [term, { "type": "array", "items": term, "maxItems": TERMS_MAX }],
        })
    }
}

/// The purpose of a rule, in the Data Privacy Vocabulary's term.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DpvPurpose(pub(crate) Purpose);

/// Words for purposes that the language has no term for, by intention.
const CLOSED: [&str; 10] = [
    "sell",
    "advertis",
    "market",
    "profil",
    "biometric",
    "combin",
    "sharing",
    "identif",
    "personalis",
    "personaliz",
];

impl<'de> Deserialize<'de> for DpvPurpose {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let plain = text.strip_prefix("dpv:").unwrap_or(&text);
        if let Some(purpose) = Purpose::ALL.into_iter().find(|purpose| purpose.dpv_term() == plain) {
            return Ok(Self(purpose));
        }
        let lower = plain.to_lowercase();
        Err(D::Error::custom(if CLOSED.iter().any(|word| lower.contains(word)) {
            format!(
                "`{text}` is closed: no policy can keep or use conversations for selling, advertising, marketing, profiling \
                 or biometric identification. Remove the rule"
            )
        } else {
            format!(
                "`{text}` is not a purpose; there are: {}",
                Purpose::ALL.map(Purpose::dpv_term).join(", ")
            )
        }))
    }
}

impl JsonSchema for DpvPurpose {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "DpvPurpose".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A purpose in the terms of the Data Privacy Vocabulary.",
            "type": "string",
            "enum": Purpose::ALL.map(Purpose::dpv_term),
        })
    }
}
