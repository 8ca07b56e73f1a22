//! Reading the file, and finding every mistake in it rather than the first.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{Configuration, ConfigurationError, Place, Problem};

/// A configuration file larger than this is taken for something else.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// How many mistakes are reported at most; someone who gave the wrong file should not scroll.
const PROBLEMS_MAX: usize = 25;

/// Reads the file and makes its paths relative to where it lies. Whether the values fit together and the machine is
/// another question; see [`super::check()`].
///
/// # Errors
/// With everything that is wrong with the file's syntax, keys and types.
pub(crate) fn load(path: &Path) -> Result<Configuration, ConfigurationError> {
    let text = read(path).map_err(|text| ConfigurationError::one(path, Problem::general(text)))?;
    let mut configuration =
        parse(&text).map_err(|problems| ConfigurationError { path: path.to_owned(), problems })?;
    resolve_paths(&mut configuration, path);
    Ok(configuration)
}

fn read(path: &Path) -> Result<String, String> {
    let metadata = std::fs::metadata(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => {
            "there is no such file; name yours with --config or FIDUCIA_CONFIG, or start from fiducia.example.toml"
                .to_owned()
        }
        _ => format!("the file cannot be read: {error}"),
    })?;
    if !metadata.is_file() {
        return Err("this is not a file".into());
    }
    if metadata.len() > FILE_BYTES_MAX {
        return Err(format!("the file has more than {FILE_BYTES_MAX} bytes; is this the configuration?"));
    }
    let bytes = std::fs::read(path).map_err(|error| format!("the file cannot be read: {error}"))?;
    String::from_utf8(bytes).map_err(|error| {
        format!("byte {} is not UTF-8; save the file as UTF-8", error.utf8_error().valid_up_to())
    })
}

/// Parses the text of a configuration file.
///
/// # Errors
/// With every problem found: after each, the offending entry is taken out and the rest is tried again.
pub(crate) fn parse(text: &str) -> Result<Configuration, Vec<Problem>> {
    let (mut document, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        return Err(errors.iter().take(PROBLEMS_MAX).map(|error| describe(text, error)).collect());
    }
    let mut problems = Vec::new();
    let mut removed = BTreeSet::new();
    loop {
        let error = match Configuration::deserialize(toml::Deserializer::from(document.clone())) {
            Ok(configuration) if problems.is_empty() => return Ok(configuration),
            Ok(_) => return Err(problems),
            Err(error) => error,
        };
        // A key that was taken out because of its value is not missing.
        let echo = missing_field(error.message()).is_some_and(|field| removed.contains(field));
        if !echo {
            problems.push(describe(text, &error));
        }
        let taken_out = error.span().and_then(|span| remove(document.get_mut(), &span));
        match taken_out {
            Some(key) if problems.len() < PROBLEMS_MAX => removed.insert(key),
            _ => return Err(problems),
        };
    }
}

/// Takes the innermost entry out whose key or value stands at `span`, and returns its key.
fn remove(table: &mut DeTable<'_>, span: &Range<usize>) -> Option<String> {
    let found = table
        .iter()
        .find(|(key, value)| {
            key.span() == *span || (value.span() == *span && !holds_inner(value.get_ref(), span))
        })
        .map(|(key, _)| key.get_ref().to_string());
    if let Some(key) = found {
        table.remove(key.as_str());
        return Some(key);
    }
    let keys: Vec<String> = table.iter().map(|(key, _)| key.get_ref().to_string()).collect();
    keys.iter().find_map(|key| {
        let value = table.get_mut(key.as_str())?;
        remove_within(value.get_mut(), span)
    })
}

fn remove_within(value: &mut DeValue<'_>, span: &Range<usize>) -> Option<String> {
    match value {
        DeValue::Table(table) => remove(table, span),
        DeValue::Array(array) => array.iter_mut().find_map(|element| remove_within(element.get_mut(), span)),
        _ => None,
    }
}

fn holds_inner(value: &DeValue<'_>, span: &Range<usize>) -> bool {
    match value {
        DeValue::Table(table) => {
            table.iter().any(|(key, value)| key.span() == *span || value.span() == *span)
        }
        DeValue::Array(array) => array.iter().any(|element| Spanned::span(element) == *span),
        _ => false,
    }
}

fn describe(text: &str, error: &toml::de::Error) -> Problem {
    let message = error.message();
    let place = error.span().map(|span| Place::of(text, &span));
    if let Some((given, known)) = unknown_name("unknown field ", message) {
        return Problem { place, text: unknown_key_text(given, &known) };
    }
    if let Some(field) = missing_field(message) {
        return Problem { place, text: format!("`{field}` is required here and missing") };
    }
    if let Some((given, known)) = unknown_name("unknown variant ", message) {
        let text = if known == SECRET_SOURCES {
            SECRET_IN_FILE.to_owned()
        } else {
            let hint =
                nearest(given, &known).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
            format!("this value is not one of {}{hint}", known.join(", "))
        };
        return Problem { place: place.map(Place::masked), text };
    }
    // serde quotes a string of the wrong type in its message; it may be a secret put in the wrong place.
    if let Some((_, expected)) =
        message.strip_prefix("invalid type: string ").and_then(|rest| rest.rsplit_once("expected "))
    {
        let text = format!("a text cannot stand here; expected {expected}");
        return Problem { place: place.map(Place::masked), text };
    }
    if message.trim_end() == "invalid socket address syntax" {
        return Problem { place, text: "this is no address; write one such as \"127.0.0.1:4100\"".into() };
    }
    Problem { place, text: message.trim_end().replace('\n', ", ") }
}

/// The variants of [`fiducia_server::SecretSource`], by which its errors are known.
const SECRET_SOURCES: [&str; 2] = ["file", "environment"];

const SECRET_IN_FILE: &str = "a secret does not belong in this file; write `{ file = \"/path/to/secret\" }` or \
     `{ environment = \"VARIABLE\" }`, and replace the secret if others could read it here";

fn unknown_key_text(given: &str, known: &[&str]) -> String {
    let list = known.join(", ");
    match nearest(given, known) {
        Some(near) => format!("`{given}` is not a key here; did you mean `{near}`? Keys: {list}"),
        None => format!("`{given}` is not a key here. Keys: {list}"),
    }
}

/// The known name that a misspelt one most likely stands for.
pub(super) fn nearest<'a>(given: &str, known: &[&'a str]) -> Option<&'a str> {
    const SIMILARITY_MIN: f64 = 0.7;
    known
        .iter()
        .map(|name| (strsim::jaro_winkler(given, name), *name))
        .filter(|(similarity, _)| *similarity >= SIMILARITY_MIN)
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map(|(_, name)| name)
}

/// Reads serde's text for an unknown field or variant: the given name and the known ones.
fn unknown_name<'a>(start: &str, message: &'a str) -> Option<(&'a str, Vec<&'a str>)> {
    let rest = message.strip_prefix(start)?;
    let mut quoted = rest.split('`').skip(1).step_by(2);
    let given = quoted.next()?;
    Some((given, quoted.collect()))
}

fn missing_field(message: &str) -> Option<&str> {
    message.strip_prefix("missing field `")?.split('`').next()
}

fn resolve_paths(configuration: &mut Configuration, file: &Path) {
    // Absolute, so that a message about a path says where it is; when the working directory is gone, as given.
    let file = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
    let folder = file.parent().map(Path::to_owned).unwrap_or_default();
    let resolve = |path: &mut PathBuf| *path = folder.join(&path);
    resolve(&mut configuration.data.directory);
    configuration.data.keyfile.iter_mut().for_each(&resolve);
    configuration.key_services.values_mut().for_each(|service| service.resolve(&resolve));
    if let Some(ledger) = configuration.operations.as_mut().and_then(|found| found.ledger_directory.as_mut())
    {
        resolve(ledger);
    }
    if let Some(policies) = configuration.access.policies.as_mut() {
        resolve(policies);
    }
    for witness in configuration.witnesses.iter_mut().flat_map(|section| &mut section.witness) {
        if let Some(authorities) = witness.ca_file.as_mut() {
            resolve(authorities);
        }
    }
    if let Some(authorities) = configuration.webhooks.ca_file.as_mut() {
        resolve(authorities);
    }
    if let Some(siem) = configuration.siem.as_mut() {
        siem.path.iter_mut().chain(siem.ca_file.iter_mut()).for_each(resolve);
    }
    if let Some(fiducia_server::SecretSource::File(path)) =
        configuration.mail.as_mut().and_then(|mail| mail.password.as_mut())
    {
        resolve(path);
    }
    for provider in
        configuration.console.iter_mut().flat_map(|console| console.identity_providers.values_mut())
    {
        if let Some(authorities) = provider.ca_file.as_mut() {
            resolve(authorities);
        }
        if let Some(fiducia_server::SecretSource::File(path)) = provider.client_secret.as_mut() {
            resolve(path);
        }
    }
    for provider in configuration.providers.values_mut() {
        if let Some(authorities) = provider.ca_file.as_mut() {
            resolve(authorities);
        }
        if let Some(fiducia_server::SecretSource::File(path)) = provider.key.as_mut() {
            resolve(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DATA: &str =
        "[data]\ndirectory = \"data\"\nkeyfile = \"root.key\"\nledger_origin = \"ledger.example\"\n";

    fn problems(text: &str) -> String {
        let found = parse(text).unwrap_err();
        found.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n---\n")
    }

    #[test]
    fn the_smallest_file_has_defaults_for_the_rest() {
        let configuration = parse(DATA).unwrap();
        assert_eq!(configuration.data.sweep_interval_minutes, 60);
        assert_eq!(configuration.log.format, super::super::LogFormat::Auto);
        assert!(configuration.operations.is_none());
    }

    #[test]
    fn an_unknown_key_is_shown_with_the_nearest_known_one() {
        let shown = problems(&format!("{DATA}[gateway]\nlisten_adress = \"127.0.0.1:1\"\n"));
        assert!(
            shown.contains("line 6, column 1: `listen_adress` is not a key here; did you mean `listen`?"),
            "{shown}"
        );
        assert!(shown.contains("6 | listen_adress = \"127.0.0.1:1\"\n  | ^^^^^^^^^^^^^"), "{shown}");
    }

    #[test]
    fn an_unknown_section_and_an_unknown_inner_key_are_both_found() {
        let shown = problems(&format!("{DATA}[gatway]\nlisten = \"127.0.0.1:1\"\n[log]\nformt = \"json\"\n"));
        assert!(shown.contains("`gatway` is not a key here; did you mean `gateway`?"), "{shown}");
        assert!(shown.contains("`formt` is not a key here; did you mean `format`?"), "{shown}");
    }

    #[test]
    fn wrong_types_are_reported_once_each_and_not_as_missing() {
        let shown = problems("[data]\ndirectory = 7\nkeyfile = true\nledger_origin = \"x\"\n");
        assert_eq!(shown.matches("invalid type").count(), 2, "{shown}");
        assert!(!shown.contains("required"), "{shown}");
    }

    #[test]
    fn a_missing_required_key_is_named() {
        assert!(
            problems("[data]\ndirectory = \"d\"\n").contains("`ledger_origin` is required here and missing")
        );
        assert!(problems("").contains("`data` is required"));
    }

    #[test]
    fn an_address_that_is_none_is_answered_with_an_example() {
        let shown = problems(&format!("{DATA}[gateway]\nlisten = \"127.0.0.1:99999\"\n"));
        assert!(shown.contains("127.0.0.1:4100"), "{shown}");
    }

    #[test]
    fn syntax_errors_show_the_line() {
        let shown = problems("[data\ndirectory = \"d\"\n");
        assert!(shown.contains("line 1"), "{shown}");
        assert!(shown.contains("1 | [data"), "{shown}");
    }

    #[test]
    fn a_secret_in_the_file_is_not_accepted_and_not_echoed_as_a_hint() {
        let text =
            format!("{DATA}[providers.anthropic]\nkind = \"anthropic\"\nkey = \"sk-ant-very-secret\"\n");
        let found = parse(&text).unwrap_err();
        assert!(found.iter().all(|problem| !problem.text.contains("very-secret")), "{found:?}");
        let shown = problems(&text);
        assert!(!shown.contains("very-secret"), "the source line must be masked too: {shown}");
    }

    #[test]
    fn paths_are_relative_to_the_file() {
        let mut configuration = parse(DATA).unwrap();
        resolve_paths(&mut configuration, Path::new("/etc/fiducia/fiducia.toml"));
        assert_eq!(configuration.data.directory, Path::new("/etc/fiducia/data"));
    }
}
