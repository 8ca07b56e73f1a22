//! Is the document that the API gives of itself an OpenAPI document, by somebody else's judgement?

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};

use crate::harness::note;
use crate::harness::site::both;

/// Something done to a copy of the document.
type Damage = fn(&mut Value);

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// What an independent validator says of a document.
fn judged(folder: &Path, document: &Value) -> Output {
    let python: PathBuf = root().join("target/xtask/python/bin/python");
    assert!(python.exists(), "{} is not there; `cargo xtask install` brings it", python.display());
    let path = folder.join("openapi.json");
    std::fs::write(&path, document.to_string()).unwrap();
    Command::new(python).arg(root().join("tests/sdk/python/openapi.py")).arg(path).output().unwrap()
}

#[test]
fn the_document_is_valid_and_damaged_ones_are_not() {
    let folder = tempfile::tempdir().unwrap();
    let text = std::fs::read_to_string(root().join("docs/openapi.json")).unwrap();
    let document: Value = serde_json::from_str(&text).unwrap();
    let verdict = judged(folder.path(), &document);
    assert!(verdict.status.success(), "{}", both(&verdict));
    let operations =
        document["paths"].as_object().unwrap().values().flat_map(|path| path.as_object().unwrap());
    let operations = operations.count();
    assert!(operations >= 40, "only {operations} operations");
    note(&format!("openapi: {operations} operations, valid OpenAPI 3.1"));
    let damages: [(&str, Damage); 4] = [
        ("an answer without a description", |document| {
            document["paths"]["/consents"]["get"]["responses"]["200"] = json!({});
        }),
        ("two operations of one name", |document| {
            document["paths"]["/consents"]["get"]["operationId"] = "choose".into();
        }),
        ("a path with a name that nobody explains", |document| {
            document["paths"]["/conversations/{conversation}"]["get"]["parameters"] = json!([]);
        }),
        ("a schema that is not there", |document| {
            document["components"]["schemas"].as_object_mut().unwrap().remove("Standings");
        }),
    ];
    for (name, damage) in damages {
        let mut copy = document.clone();
        damage(&mut copy);
        assert!(!judged(folder.path(), &copy).status.success(), "{name} was not found");
    }
}
