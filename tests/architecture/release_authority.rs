//! Does nothing but a durable ledger entry permit a person to read?

use super::sources::{Source, product_lines, product_sources};

/// Who may implement `ReleaseAuthority`: the receipt that only a durable append constructs.
const PERMITTED: [(&str, &str); 1] = [("ledger", "AccessReceipt")];

/// Every `(crate, type)` that implements `ReleaseAuthority` outside of tests.
fn implementors(sources: &[Source]) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for source in sources {
        let code: Vec<&str> = product_lines(&source.text).map(|(_, line)| line).collect();
        let code = code.join(" ");
        for (position, trait_name) in code.match_indices("ReleaseAuthority") {
            let Some(rest) = code[position + trait_name.len()..].trim_start().strip_prefix("for ") else {
                continue;
            };
            let head =
                code[..position].rfind(['{', '}', ';']).map_or(&code[..position], |end| &code[end..position]);
            if !head.contains("impl") {
                continue;
            }
            let implementor: String = rest
                .trim_start()
                .chars()
                .take_while(|c| c.is_alphanumeric() || "_:&'".contains(*c))
                .collect();
            let name = source.path.split('/').nth(1).unwrap_or_default().to_owned();
            found.push((name, implementor));
        }
    }
    found.sort();
    found
}

fn expected() -> Vec<(String, String)> {
    PERMITTED.iter().map(|(name, implementor)| ((*name).to_owned(), (*implementor).to_owned())).collect()
}

#[test]
fn only_the_access_receipt_permits_a_person_to_read() {
    assert_eq!(implementors(&product_sources()), expected());
}

#[test]
fn a_planted_implementor_is_caught() {
    let plant = |text: &str| {
        implementors(&[Source { path: "crates/custody/src/planted.rs".to_owned(), text: text.to_owned() }])
    };
    let caught = [("custody".to_owned(), "Anyone".to_owned())];
    assert_eq!(plant("impl ReleaseAuthority for Anyone {}"), caught);
    assert_eq!(plant("impl fiducia_policy::ReleaseAuthority\n    for Anyone {}"), caught);
    assert_eq!(plant("impl<T: Clone> ReleaseAuthority for Anyone<T> {}"), caught);
    assert_eq!(plant("// impl ReleaseAuthority for Anyone"), []);
    assert_eq!(plant("#[cfg(test)]\nmod tests {\n    impl ReleaseAuthority for Anyone {}\n}"), []);
    assert_eq!(plant("fn release(authority: &dyn ReleaseAuthority) { for x in y {} }"), []);
}

/// Where access entries are made, and `Sitting`s, without which there is none.
const SITTINGS: &str = "crates/custody/src/looking/";

/// Files of the product, outside of the one place, that make an access entry or ask the ledger for a receipt.
fn entering_elsewhere(sources: &[Source]) -> Vec<String> {
    let makes = |source: &Source| {
        let is_ledger = source.path.starts_with("crates/ledger/");
        let is_scribe = source.path == "crates/custody/src/scribe.rs";
        product_lines(&source.text).any(|(_, line)| {
            let makes_entry = line.contains("AccessEntry {") && !is_ledger;
            let makes_sitting = line.contains("Sitting {") && !line.contains("impl Sitting");
            let appends = line.contains(".append_access") && !is_ledger && !is_scribe;
            makes_entry || makes_sitting || appends
        })
    };
    sources
        .iter()
        .filter(|source| !source.path.starts_with(SITTINGS) && makes(source))
        .map(|source| source.path.clone())
        .collect()
}

#[test]
fn every_look_is_entered_in_one_place() {
    assert_eq!(entering_elsewhere(&product_sources()), Vec::<String>::new());
}

#[test]
fn a_planted_way_around_the_sessions_is_caught() {
    let plant = |path: &str, text: &str| {
        entering_elsewhere(&[Source { path: path.to_owned(), text: text.to_owned() }])
    };
    let elsewhere = "crates/custody/src/rights/planted.rs";
    assert_eq!(plant(elsewhere, "let entry = AccessEntry { id };"), [elsewhere]);
    assert_eq!(plant(elsewhere, "let sitting = Sitting { session: None };"), [elsewhere]);
    assert_eq!(plant(elsewhere, "self.ledger.append_accesses(vec![]);"), [elsewhere]);
    assert_eq!(plant("crates/custody/src/looking/planted.rs", "AccessEntry { id }"), Vec::<String>::new());
    assert_eq!(plant(elsewhere, "// AccessEntry { id }"), Vec::<String>::new());
}
