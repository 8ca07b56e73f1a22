//! A JSON Schema of the language, so that editors complete and check a policy while it is written.

use super::document::Document;

/// The JSON Schema (2020-12) of `policy.toml`.
pub fn policy_schema() -> serde_json::Value {
    let mut schema = schemars::schema_for!(Document);
    schema.insert("title".to_owned(), "Fiducia policy".into());
    schema.to_value()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_files_beside_the_policies_are_those_of_the_types() {
        for (name, file, schema) in [
            ("policy", include_str!("../../../../policies/policy.schema.json"), policy_schema()),
            ("cases", include_str!("../../../../policies/cases.schema.json"), crate::cases_schema()),
        ] {
            let flag = if name == "cases" { " --cases" } else { "" };
            let file: serde_json::Value = serde_json::from_str(file).unwrap();
            assert!(file == schema, "run `fiducia policy schema{flag} > policies/{name}.schema.json`");
        }
    }

    #[test]
    fn the_grammar_in_the_documentation_names_every_key() {
        let documentation = include_str!("../lib.rs");
        let schema = policy_schema();
        let types = schema["$defs"].as_object().unwrap().values().chain([&schema]);
        for key in types.filter_map(|schema| schema["properties"].as_object()).flat_map(|keys| keys.keys()) {
            let named = [
                format!("`{key}`"),
                format!("`{key} = "),
                format!("`[{key}."),
                format!("`[[{key}]]`"),
                format!("`[{key}]`"),
            ];
            assert!(named.iter().any(|words| documentation.contains(words)), "{key}");
        }
    }

    #[test]
    fn the_schema_knows_the_keys_and_refuses_others() {
        let schema = policy_schema();
        assert_eq!(schema["additionalProperties"], false);
        for key in [
            "plans",
            "rules",
            "models",
            "tiers",
            "agreements",
            "regions",
            "notices",
            "sources",
            "consents",
            "labels",
            "holds",
            "safeguards",
            "trusted",
            "limits",
            "sandbox",
        ] {
            assert!(schema["properties"][key].is_object(), "{key}");
        }
        for text in [
            "RuleText",
            "ConsentText",
            "LabelText",
            "HoldsText",
            "SafeguardText",
            "StepText",
            "TrustedText",
            "LimitText",
            "SandboxText",
        ] {
            assert_eq!(schema["$defs"][text]["additionalProperties"], false, "{text}");
        }
    }
}
