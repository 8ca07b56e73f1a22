//! The licence check: every dependency's licence must be one that `deny.toml` allows.
//!
//! `deny.toml` is also what the tool cargo-deny reads; this check needs nothing but cargo, so that it runs everywhere.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::TaskError;
use crate::process::{Log, output_of};

/// Fails with every dependency whose licence is not allowed or not stated.
pub(crate) fn check(root: &Path, log: &mut Log) -> Result<(), TaskError> {
    let rules = rules(root)?;
    let allowed: BTreeSet<String> = texts(&rules, "licenses", "allow")?.into_iter().collect();
    let mut refused = BTreeSet::new();
    for target in texts(&rules, "graph", "targets")? {
        let packages = packages(root, &target)?;
        log.line(&format!("{} packages for {target}", packages.len()))?;
        refused.extend(packages.iter().filter_map(|package| refusal(package, &allowed)));
    }
    if refused.is_empty() {
        return Ok(());
    }
    let list: Vec<String> = refused.into_iter().collect();
    Err(TaskError::Form(format!("deny.toml does not allow the licence of {}", list.join(", "))))
}

/// Every package that a build for `target` can take in.
fn packages(root: &Path, target: &str) -> Result<Vec<Value>, TaskError> {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    command.current_dir(root).args([
        "metadata",
        "--format-version",
        "1",
        "--locked",
        "--filter-platform",
        target,
    ]);
    let mut metadata: Value = serde_json::from_str(&output_of(&mut command)?)
        .map_err(|error| TaskError::Form(format!("the output of cargo metadata: {error}")))?;
    match metadata.get_mut("packages").map(Value::take) {
        Some(Value::Array(packages)) if !packages.is_empty() => Ok(packages),
        _ => Err(TaskError::Form("cargo metadata names no packages".to_owned())),
    }
}

/// `name version (licence)` of a package whose licence will not do.
fn refusal(package: &Value, allowed: &BTreeSet<String>) -> Option<String> {
    let field = |name: &str| package.get(name).and_then(Value::as_str);
    let (name, version) = (field("name").unwrap_or("?"), field("version").unwrap_or("?"));
    let licence = field("license").unwrap_or_default();
    match is_allowed(licence, allowed) {
        Ok(true) => None,
        Ok(false) => Some(format!("{name} {version} ({licence})")),
        Err(reason) => Some(format!("{name} {version} ({reason})")),
    }
}

fn rules(root: &Path) -> Result<toml::Table, TaskError> {
    let path = root.join("deny.toml");
    let text = std::fs::read_to_string(&path).map_err(|source| TaskError::File {
        action: "reading",
        path: path.clone(),
        source,
    })?;
    text.parse().map_err(|error: toml::de::Error| TaskError::Form(format!("deny.toml: {error}")))
}

/// The texts of the list `key` in `section` of deny.toml.
fn texts(rules: &toml::Table, section: &str, key: &str) -> Result<Vec<String>, TaskError> {
    let list = rules.get(section).and_then(|section| section.get(key)).and_then(toml::Value::as_array);
    let texts: Vec<String> =
        list.into_iter().flatten().filter_map(|text| text.as_str()).map(str::to_owned).collect();
    if texts.is_empty() {
        return Err(TaskError::Form(format!("deny.toml has no list `{key}` in [{section}]")));
    }
    Ok(texts)
}

/// Whether an SPDX expression can be met with allowed licences only. The old `/` between licences means `OR`.
fn is_allowed(expression: &str, allowed: &BTreeSet<String>) -> Result<bool, String> {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut reader = Reader { words: &words, position: 0, allowed };
    let met = reader.either()?;
    if reader.position == words.len() {
        Ok(met)
    } else {
        Err(format!("`{expression}` is no SPDX expression"))
    }
}

struct Reader<'a> {
    words: &'a [&'a str],
    position: usize,
    allowed: &'a BTreeSet<String>,
}

impl Reader<'_> {
    fn next_is(&mut self, word: &str) -> bool {
        let found = self.words.get(self.position) == Some(&word);
        self.position += usize::from(found);
        found
    }

    fn either(&mut self) -> Result<bool, String> {
        let mut met = self.both()?;
        while self.next_is("OR") {
            met |= self.both()?;
        }
        Ok(met)
    }

    fn both(&mut self) -> Result<bool, String> {
        let mut met = self.one()?;
        while self.next_is("AND") {
            met &= self.one()?;
        }
        Ok(met)
    }

    fn one(&mut self) -> Result<bool, String> {
        if self.next_is("(") {
            let met = self.either()?;
            return if self.next_is(")") { Ok(met) } else { Err("a bracket is not closed".to_owned()) };
        }
        let licence = self.words.get(self.position).copied().ok_or("no licence is stated")?;
        self.position += 1;
        if self.next_is("WITH") {
            let exception = self.words.get(self.position).copied().ok_or("WITH names no exception")?;
            self.position += 1;
            return Ok(self.allowed.contains(&format!("{licence} WITH {exception}")));
        }
        Ok(self.allowed.contains(licence))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(expression: &str, expect: Result<bool, &str>) {
        let allowed = ["MIT", "ISC", "Apache-2.0"].map(str::to_owned).into();
        let found = is_allowed(expression, &allowed);
        assert_eq!(found.as_ref().map_err(String::as_str).copied(), expect, "{expression}");
    }

    #[test]
    fn expressions_are_met_by_allowed_licences_only() {
        check("MIT", Ok(true));
        check("GPL-3.0-only", Ok(false));
        check("GPL-3.0-only OR MIT", Ok(true));
        check("GPL-3.0-only AND MIT", Ok(false));
        check("MIT/Apache-2.0", Ok(true));
        check("ISC AND (GPL-3.0-only OR MIT)", Ok(true));
        check("ISC AND (GPL-3.0-only AND MIT)", Ok(false));
        check("Apache-2.0 WITH LLVM-exception OR MIT", Ok(true));
        check("Apache-2.0 WITH LLVM-exception", Ok(false));
        check("", Err("no licence is stated"));
        check("(MIT", Err("a bracket is not closed"));
    }
}
