//! Do dependencies point down only, and does each heavy library have one importer?

use std::collections::{BTreeMap, BTreeSet};

use super::sources::{Source, files, product_lines, product_sources};

/// The crates at the bottom. They may use `policy` and nothing else of the workspace.
const BOTTOM: [&str; 6] = ["policy", "wire", "safety", "keyring", "ledger", "store"];

/// Libraries that only one crate of the product may import, and which.
const ONLY_IMPORTER: [(&str, &str); 16] = [
    ("axum", "server"),
    ("hyper", "server"),
    ("hyper-rustls", "server"),
    ("hyper-util", "server"),
    ("tower", "server"),
    ("tower-http", "server"),
    ("rusqlite", "store"),
    ("libsqlite3-sys", "store"),
    ("sqlx", "store"),
    ("tokio-postgres", "store"),
    ("cedar-policy", "policy"),
    ("datafusion", "corpus"),
    ("arrow", "corpus"),
    ("parquet", "corpus"),
    ("cryptoki", "keyring"),
    ("reqwest", "fiducia"),
];

/// Libraries of asynchronous I/O, which the six at the bottom do without.
const ASYNCHRONOUS: [&str; 3] = ["tokio", "futures", "async-std"];

/// What a manifest says, with the prefix `fiducia-` of the project's own crates left out.
#[derive(Debug)]
struct Manifest {
    name: String,
    /// Dependencies and build dependencies.
    dependencies: BTreeSet<String>,
    /// Dependencies of its tests.
    test_dependencies: BTreeSet<String>,
}

fn short(name: &str) -> String {
    name.strip_prefix("fiducia-").unwrap_or(name).to_owned()
}

fn read(text: &str) -> Manifest {
    let table: toml::Table = text.parse().unwrap();
    let name = short(table["package"]["name"].as_str().unwrap());
    let mut manifest = Manifest { name, dependencies: BTreeSet::new(), test_dependencies: BTreeSet::new() };
    let targets = table.get("target").and_then(toml::Value::as_table);
    let conditional = targets.into_iter().flatten().filter_map(|(_, target)| target.as_table());
    for section in std::iter::once(&table).chain(conditional) {
        manifest.dependencies.extend(names(section, "dependencies"));
        manifest.dependencies.extend(names(section, "build-dependencies"));
        manifest.test_dependencies.extend(names(section, "dev-dependencies"));
    }
    manifest
}

/// The packages that a section names, by their real names when they are renamed.
fn names(section: &toml::Table, kind: &str) -> Vec<String> {
    let dependencies = section.get(kind).and_then(toml::Value::as_table);
    let real = |(alias, value): (&String, &toml::Value)| {
        short(value.get("package").and_then(toml::Value::as_str).unwrap_or(alias))
    };
    dependencies.into_iter().flatten().map(real).collect()
}

/// Which crates of the workspace `name` may use.
fn permitted(name: &str) -> BTreeSet<&'static str> {
    let bottom = BOTTOM.into_iter();
    match name {
        "policy" => BTreeSet::new(),
        _ if BOTTOM.contains(&name) => ["policy"].into(),
        "custody" => bottom.collect(),
        "server" | "corpus" => bottom.chain(["custody"]).collect(),
        "fiducia" => bottom.chain(["custody", "server", "corpus"]).collect(),
        // Tests, benchmarks and tasks stand outside of the product.
        _ => bottom.chain(["custody", "server", "corpus", "fiducia"]).collect(),
    }
}

fn is_outside(name: &str) -> bool {
    matches!(name, "end-to-end" | "bench" | "xtask")
}

/// Everything in `manifests` that points another way than down.
fn violations(manifests: &[Manifest]) -> Vec<String> {
    let own: BTreeSet<&str> = manifests.iter().map(|manifest| manifest.name.as_str()).collect();
    let mut found = Vec::new();
    for manifest in manifests {
        let name = manifest.name.as_str();
        let allowed = permitted(name);
        for dependency in manifest.dependencies.union(&manifest.test_dependencies) {
            if own.contains(dependency.as_str()) && !allowed.contains(dependency.as_str()) {
                found.push(format!("{name} must not depend on {dependency}"));
            }
        }
        if is_outside(name) {
            continue;
        }
        for dependency in &manifest.dependencies {
            let importer = ONLY_IMPORTER.iter().find(|(library, _)| library == dependency);
            if let Some((library, importer)) = importer.filter(|(_, importer)| *importer != name) {
                found.push(format!("{name} imports {library}, which only {importer} may"));
            }
            if BOTTOM.contains(&name) && ASYNCHRONOUS.contains(&dependency.as_str()) {
                found.push(format!(
                    "{name} imports {dependency}, but the crates at the bottom are synchronous"
                ));
            }
        }
    }
    found
}

/// Lines outside of `keyring` that name the AEAD.
fn aead_uses(sources: &[Source]) -> Vec<String> {
    let mut found = Vec::new();
    for source in sources.iter().filter(|source| !source.path.starts_with("crates/keyring/")) {
        for (number, line) in product_lines(&source.text) {
            if line.contains("aws_lc_rs::aead") || line.contains("aead::") || line.contains("{aead") {
                found.push(format!("{}:{number} uses the AEAD, which only keyring may", source.path));
            }
        }
    }
    found
}

fn project_manifests() -> Vec<Manifest> {
    files("", &["Cargo.toml"])
        .iter()
        .filter(|source| source.path != "Cargo.toml")
        .map(|source| read(&source.text))
        .collect()
}

#[test]
fn dependencies_point_down_only() {
    let manifests = project_manifests();
    let names: BTreeSet<&str> = manifests.iter().map(|manifest| manifest.name.as_str()).collect();
    for expected in ["policy", "wire", "safety", "keyring", "ledger", "store", "custody", "server", "fiducia"]
    {
        assert!(names.contains(expected), "no manifest of {expected} was read");
    }
    assert_eq!(violations(&manifests), Vec::<String>::new());
}

#[test]
fn only_keyring_uses_the_aead() {
    let sources = product_sources();
    assert_eq!(aead_uses(&sources), Vec::<String>::new());
    let keyring_uses = sources
        .iter()
        .filter(|source| source.path.starts_with("crates/keyring/") && source.text.contains("aead::"))
        .count();
    assert!(keyring_uses > 0, "the search no longer recognises how keyring names the AEAD");
}

#[test]
fn planted_wrong_edges_are_caught() {
    let manifest = |name: &str, rest: &str| read(&format!("[package]\nname = \"{name}\"\n{rest}"));
    let check = |planted: Manifest, expect: &str| {
        let mut manifests: Vec<Manifest> =
            ["fiducia-policy", "fiducia-store", "fiducia-ledger", "fiducia-custody", "fiducia-server"]
                .map(|name| manifest(name, ""))
                .into();
        manifests.retain(|sound| sound.name != planted.name);
        assert_eq!(violations(&manifests), Vec::<String>::new(), "before the plant");
        manifests.push(planted);
        assert_eq!(violations(&manifests), [expect]);
    };
    check(
        manifest("fiducia-store", "[dependencies]\nfiducia-ledger.workspace = true"),
        "store must not depend on ledger",
    );
    check(
        manifest("fiducia-custody", "[dev-dependencies]\nfiducia-server.workspace = true"),
        "custody must not depend on server",
    );
    check(
        manifest("fiducia-policy", "[build-dependencies]\nfiducia-store = { path = \"../store\" }"),
        "policy must not depend on store",
    );
    check(
        manifest("fiducia-custody", "[dependencies]\ndatabase = { package = \"rusqlite\", version = \"1\" }"),
        "custody imports rusqlite, which only store may",
    );
    check(
        manifest("fiducia-ledger", "[target.'cfg(unix)'.dependencies]\ntokio = \"1\""),
        "ledger imports tokio, but the crates at the bottom are synchronous",
    );
}

#[test]
fn a_planted_use_of_the_aead_is_caught() {
    let planted = Source {
        path: "crates/custody/src/planted.rs".to_owned(),
        text: "// aead:: in a comment is nothing\nuse aws_lc_rs::aead::LessSafeKey;\n".to_owned(),
    };
    assert_eq!(
        aead_uses(&[planted]),
        ["crates/custody/src/planted.rs:2 uses the AEAD, which only keyring may"]
    );
}

#[test]
fn each_library_has_one_importer_in_the_rules() {
    let importers: BTreeMap<&str, &str> = ONLY_IMPORTER.into();
    assert_eq!(importers.len(), ONLY_IMPORTER.len(), "a library is named twice");
}
