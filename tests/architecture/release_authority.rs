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
