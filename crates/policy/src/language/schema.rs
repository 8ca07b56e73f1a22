//! A JSON Schema of the language, so that editors complete and check a policy while it is written.

use super::document::Document;

/// The JSON Schema (2020-12) of `policy.toml`.
pub fn policy_schema() -> serde_json::Value {
    let mut schema = schemars::schema_for!(Document);
    schema.insert("$id".to_owned(), "https://fiducia.invalid/policy.schema.json".into());
    schema.insert("title".to_owned(), "Fiducia policy".into());
    schema.to_value()
}
