//! What may be learnt from which source.

use std::collections::BTreeMap;

use fiducia_safety::linear::Head;

use crate::failure::Failure;

/// A source of labelled texts; see `sources.toml`.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    pub(crate) name: String,
    pub(crate) from: String,
    pub(crate) licence: String,
    pub(crate) language: String,
    /// Whether weights are fitted to it.
    pub(crate) trains: bool,
    pub(crate) positives: Vec<Head>,
    pub(crate) negatives: Vec<Head>,
    pub(crate) benign: Vec<Head>,
    /// Labels that mean another one here.
    pub(crate) relabel: BTreeMap<String, String>,
    /// Labels that follow from a part of the kind of a text.
    pub(crate) relabel_kind: BTreeMap<String, String>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    source: Vec<Entry>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: String,
    from: String,
    licence: String,
    #[serde(default)]
    positives: Vec<String>,
    #[serde(default)]
    negatives: Vec<String>,
    #[serde(default)]
    benign: Vec<String>,
    #[serde(default)]
    relabel: BTreeMap<String, String>,
    #[serde(default)]
    relabel_kind: BTreeMap<String, String>,
    language: Option<String>,
    role: Option<String>,
}

/// The list that the project keeps.
pub(crate) fn all() -> Result<Vec<Source>, Failure> {
    let file: File = toml::from_str(include_str!("../sources.toml"))
        .map_err(|error| Failure::Form(format!("sources.toml: {error}")))?;
    file.source.into_iter().map(read).collect()
}

fn read(entry: Entry) -> Result<Source, Failure> {
    let trains = match entry.role.as_deref() {
        None | Some("train") => true,
        Some("thresholds") => false,
        Some(other) => {
            return Err(Failure::Form(format!("sources.toml: {} has the role `{other}`", entry.name)));
        }
    };
    Ok(Source {
        positives: heads(&entry.name, &entry.positives)?,
        negatives: heads(&entry.name, &entry.negatives)?,
        benign: heads(&entry.name, &entry.benign)?,
        name: entry.name,
        from: entry.from,
        licence: entry.licence,
        language: entry.language.unwrap_or_else(|| "en".to_owned()),
        trains,
        relabel: entry.relabel,
        relabel_kind: entry.relabel_kind,
    })
}

fn heads(source: &str, names: &[String]) -> Result<Vec<Head>, Failure> {
    if names == ["all"] {
        return Ok(Head::ALL.to_vec());
    }
    let head = |name: &String| {
        Head::named(name)
            .ok_or_else(|| Failure::Form(format!("sources.toml: {source} names the head `{name}`")))
    };
    names.iter().map(head).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_list_can_be_read_and_thresholds_are_set_on_what_trains_nothing() {
        let sources = super::all().unwrap();
        assert!(sources.len() > 30);
        assert!(sources.iter().any(|source| !source.trains && source.benign.len() == 16));
    }
}
