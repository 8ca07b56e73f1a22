//! What is in the store, as the program shows it.

use std::collections::HashMap;

use serde_json::Value;

use super::site::{Site, list, text};
use super::traffic::Acknowledged;

/// Every record of the latest conversations: for each exchange, how many records of each kind.
pub(crate) fn by_exchange(site: &Site) -> HashMap<String, HashMap<String, Vec<String>>> {
    let mut found: HashMap<String, HashMap<String, Vec<String>>> = HashMap::new();
    for row in list(&site.json(&["records", "list", "--conversations", "1000"])) {
        let kinds = found.entry(text(&row, "exchange")).or_default();
        kinds.entry(text(&row, "kind")).or_default().push(text(&row, "id"));
    }
    found
}

/// What is wrong with the store, given what was acknowledged: an exchange that is missing, or there more than once.
pub(crate) fn losses(site: &Site, acknowledged: &[Acknowledged]) -> Vec<String> {
    let stored = by_exchange(site);
    let mut wrong = Vec::new();
    for answer in acknowledged {
        for kind in ["request", "answer"] {
            let count = stored.get(&answer.exchange).and_then(|kinds| kinds.get(kind)).map_or(0, Vec::len);
            if count != 1 {
                wrong.push(format!("{}: {count} records of kind {kind}", answer.exchange));
            }
        }
    }
    wrong
}

/// The records of a conversation, or one record, decrypted for a person.
pub(crate) fn show(site: &Site, target: &str) -> Vec<Value> {
    let shown = site.json(&["records", "show", target, "--reason", "customer_support", "--ticket", "TEST-1"]);
    let content = shown.get("value").unwrap_or(&shown);
    content["records"].as_array().unwrap_or_else(|| panic!("no records in {shown}")).clone()
}

/// The messages that decrypted records hold, in order.
pub(crate) fn messages(records: &[Value]) -> Vec<(String, String)> {
    records
        .iter()
        .flat_map(|record| record["texts"].as_array().unwrap().clone())
        .map(|pair| (pair[0].as_str().unwrap().to_owned(), pair[1].as_str().unwrap().to_owned()))
        .collect()
}
