//! A key that is closed, in words for operators and in words for everybody else.

use fiducia_keyring::{KmsError, KmsProblem};

/// Why what a key protects is closed. `Display` names the service and the key there, for operators alone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, serde::Serialize, serde::Deserialize)]
#[error("{said}")]
pub struct KeyClosed {
    /// By its code.
    #[serde(with = "by_code")]
    problem: KmsProblem,
    said: String,
}

impl KeyClosed {
    /// The stable name of what is wrong, as in `docs/keys.md`.
    pub const fn code(&self) -> &'static str {
        self.problem.code()
    }

    /// Whether the key's owner has said no: asking again soon does not help.
    pub const fn is_final(&self) -> bool {
        self.problem.is_final()
    }

    /// What everybody may know who may know that there is something: neither the service nor the key's name there.
    pub fn for_everybody(&self) -> String {
        let next = if self.is_final() {
            "Whoever owns the key decides whether it is opened again."
        } else {
            "It is tried again by itself."
        };
        format!(
            "The key that protects this is closed ({}). Nothing was read or changed, and nothing of it is lost. {next}",
            self.code()
        )
    }
}

impl From<KmsError> for KeyClosed {
    fn from(error: KmsError) -> Self {
        Self { problem: error.problem, said: error.to_string() }
    }
}

mod by_code {
    use fiducia_keyring::KmsProblem;
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over references")]
    pub(super) fn serialize<S: Serializer>(problem: &KmsProblem, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(problem.code())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<KmsProblem, D::Error> {
        let code = String::deserialize(deserializer)?;
        KmsProblem::parse(&code).ok_or_else(|| D::Error::custom("this is no problem of a key"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn others_learn_the_code_and_neither_service_nor_key_and_it_travels_whole() {
        for problem in KmsProblem::ALL {
            let error = KmsError {
                service: "hospital-vault".to_owned(),
                key: "alias/secret-name".to_owned(),
                problem,
                detail: "a word of the service".to_owned(),
            };
            let closed = crate::AdminError::KeyClosed(error.into());
            let text = serde_json::to_string(&closed).unwrap();
            let crate::AdminError::KeyClosed(again) = serde_json::from_str(&text).unwrap() else {
                panic!("{text}")
            };
            assert_eq!((again.code(), again.is_final()), (problem.code(), problem.is_final()));
            assert!(again.to_string().contains("alias/secret-name of hospital-vault"), "{again}");
            let said = again.for_everybody();
            assert!(said.contains(problem.code()) && said.contains("nothing of it is lost"), "{said}");
            for secret in ["hospital-vault", "secret-name", "a word"] {
                assert!(!said.contains(secret), "{said}");
            }
        }
        let unknown = r#"{"error":"key-closed","detail":{"problem":"key_eaten","said":""}}"#;
        assert!(serde_json::from_str::<crate::AdminError>(unknown).is_err());
    }
}
