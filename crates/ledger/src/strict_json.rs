//! JSON read without mercy: what two parsers could read differently is refused.
//!
//! A lenient parser keeps the last of two members of one name, where another keeps the first. Bytes that are checked against a
//! log must not mean one thing to the check and another to whoever uses them.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// A JSON value whose objects have no member twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Strict {
    Null,
    Bool,
    /// A bare integer that is not negative.
    Integer(u64),
    /// Any other number. Nothing that is read here needs its value.
    Number,
    Text(String),
    List,
    Object(Vec<(String, Strict)>),
}

impl Strict {
    /// Reads one value that fills `bytes`. Strings are valid Unicode: bytes that are no UTF-8 and surrogates without their other
    /// half are refused.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        let mut reader = serde_json::Deserializer::from_slice(bytes);
        let value = Self::deserialize(&mut reader)?;
        reader.end()?;
        Ok(value)
    }
}

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Strict;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Strict, E> {
        Ok(Strict::Null)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Strict, E> {
        Ok(Strict::Bool)
    }

    fn visit_u64<E>(self, value: u64) -> Result<Strict, E> {
        Ok(Strict::Integer(value))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Strict, E> {
        Ok(Strict::Number)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Strict, E> {
        Ok(Strict::Number)
    }

    fn visit_str<E>(self, text: &str) -> Result<Strict, E> {
        Ok(Strict::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Strict, A::Error> {
        while list.next_element::<Strict>()?.is_some() {}
        Ok(Strict::List)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Strict, A::Error> {
        let mut members: Vec<(String, Strict)> = Vec::new();
        let mut names = std::collections::HashSet::new();
        while let Some(name) = object.next_key::<String>()? {
            if !names.insert(name.clone()) {
                return Err(A::Error::custom(format!("it has the member `{name}` twice")));
            }
            members.push((name, object.next_value()?));
        }
        Ok(Strict::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(clippy::needless_pass_by_value, reason = "what is expected is written in place")]
    fn check(json: &str, expect: Option<Strict>) {
        assert_eq!(Strict::parse(json.as_bytes()).ok(), expect, "{json}");
    }

    #[test]
    fn values_are_told_apart_and_trailing_content_is_refused() {
        check("null", Some(Strict::Null));
        check(" 7 ", Some(Strict::Integer(7)));
        check("-0", Some(Strict::Number));
        check("7.0", Some(Strict::Number));
        check("7e0", Some(Strict::Number));
        check("-7", Some(Strict::Number));
        check("07", None);
        check("{} {}", None);
        check("[1,{\"a\":1,\"a\":2}]", None);
        check("{\"a\":{\"b\":1,\"\\u0062\":1}}", None);
        check("\"\\ud83d\\ude00\"", Some(Strict::Text("\u{1f600}".to_owned())));
        for lone in ["\"\\ud800\"", "\"\\udc00\"", "\"\\ude00\\ud83d\""] {
            check(lone, None);
        }
        assert!(Strict::parse(b"\"\xff\"").is_err(), "no UTF-8");
    }
}
