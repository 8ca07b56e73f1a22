//! Do the documents point to things that exist, and speak only of the project?

use std::path::Path;

use super::sources::{Source, files, root};

/// Targets of Markdown links in `text` that are files, without their anchors.
fn linked_files(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut in_code = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        }
        if in_code {
            continue;
        }
        for (position, _) in line.match_indices("](") {
            let target = line[position + 2..].split(')').next().unwrap_or_default();
            let file = target.split('#').next().unwrap_or_default();
            if !file.is_empty() && !file.contains("://") && !file.starts_with("mailto:") {
                found.push(file.to_owned());
            }
        }
    }
    found
}

/// Links of `document` that lead nowhere.
fn broken_links(document: &Source) -> Vec<String> {
    let path = root().join(&document.path);
    let folder = path.parent().unwrap();
    linked_files(&document.text)
        .into_iter()
        .filter(|target| !folder.join(target).exists())
        .map(|target| format!("{} links to {target}, which is not there", document.path))
        .collect()
}

/// Lines of `source` that name a folder of somebody's machine.
fn machine_paths(source: &Source) -> Vec<String> {
    // Tests may hold invented home folders, as in an account list.
    let names: &[&str] = if Path::new(&source.path).extension().is_some_and(|extension| extension == "rs") {
        &["work", "root"]
    } else {
        &["work", "root", "home"]
    };
    let folders: Vec<String> = names.iter().map(|folder| format!("/{folder}/")).collect();
    let names_one = |line: &str| {
        folders.iter().any(|folder| {
            line.match_indices(folder.as_str()).any(|(position, _)| {
                let before = line[..position].chars().next_back();
                before.is_none_or(|c| c.is_whitespace() || "\"'`(=:".contains(c))
            })
        })
    };
    source
        .text
        .lines()
        .enumerate()
        .filter(|(_, line)| names_one(line))
        .map(|(index, _)| format!("{}:{} names a folder of a machine", source.path, index + 1))
        .collect()
}

#[test]
fn relative_links_lead_somewhere() {
    let broken: Vec<String> = files("", &[".md"]).iter().flat_map(broken_links).collect();
    assert_eq!(broken, Vec::<String>::new());
}

#[test]
fn a_planted_broken_link_is_caught() {
    let planted = Source {
        path: "README.md".to_owned(),
        text: "[here](LICENSE) [there](docs/nowhere.md#part) [web](https://example.org)\n```\n[code](x)\n```"
            .to_owned(),
    };
    assert_eq!(broken_links(&planted), ["README.md links to docs/nowhere.md, which is not there"]);
}

#[test]
fn no_file_names_a_folder_of_a_machine() {
    let endings = [".md", ".rs", ".toml", ".json", ".py", ".mjs", ".yml", ".yaml", ".sh", "run"];
    let found: Vec<String> = files("", &endings).iter().flat_map(machine_paths).collect();
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn a_planted_machine_path_is_caught() {
    let check = |text: String, expect: usize| {
        let planted = Source { path: "planted.md".to_owned(), text };
        assert_eq!(machine_paths(&planted).len(), expect, "{}", planted.text);
    };
    check(format!("see {}", ["", "work", "main"].join("/")), 1);
    check(format!("`{}`", ["", "home", "me", "x"].join("/")), 1);
    check(format!("docs{}", ["", "work", "main"].join("/")), 0);
}

#[test]
fn no_test_is_ignored() {
    let attribute = ["#[", "ignore"].concat();
    let found: Vec<String> = files("", &[".rs"])
        .iter()
        .filter(|source| source.text.lines().any(|line| line.trim_start().starts_with(&attribute)))
        .map(|source| source.path.clone())
        .collect();
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn the_code_map_names_every_package_and_nothing_else() {
    let text = std::fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let mut packages: Vec<String> = files("", &["Cargo.toml"])
        .iter()
        .filter_map(|source| source.path.strip_suffix("/Cargo.toml").map(str::to_owned))
        .collect();
    packages.sort();
    let mut named: Vec<String> = text
        .lines()
        .filter_map(|line| line.strip_prefix("### `")?.split('`').next())
        .map(|folder| folder.trim_end_matches('/').to_owned())
        .collect();
    named.sort();
    assert_eq!(named, packages, "ARCHITECTURE.md has one heading for each package");
}

#[test]
fn the_index_of_decisions_names_every_page() {
    let index = std::fs::read_to_string(root().join("docs/decisions/README.md")).unwrap();
    let listed = linked_files(&index);
    let missing: Vec<String> = files("docs/decisions", &[".md"])
        .iter()
        .filter_map(|page| page.path.strip_prefix("docs/decisions/").map(str::to_owned))
        .filter(|name| name != "README.md" && !listed.contains(name))
        .collect();
    assert_eq!(missing, Vec::<String>::new());
}

/// Paths between backticks in `text` that begin with a folder of the project.
fn named_paths(text: &str) -> Vec<String> {
    let folders = ["crates/", "tests/", "docs/", "xtask/", "bench/", ".ci/", ".cargo/"];
    let quoted = text.split('`').skip(1).step_by(2);
    quoted
        .filter(|path| {
            folders.iter().any(|folder| path.starts_with(folder)) && !path.contains(char::is_whitespace)
        })
        .map(str::to_owned)
        .collect()
}

#[test]
fn paths_named_in_the_documents_exist() {
    let root = root();
    let mut found = 0;
    let mut missing = Vec::new();
    for document in files("", &[".md"]) {
        for path in named_paths(&document.text) {
            found += 1;
            if !root.join(&path).exists() {
                missing.push(format!("{} names {path}", document.path));
            }
        }
    }
    assert_eq!(missing, Vec::<String>::new());
    assert!(found > 20, "only {found} paths were recognised");
    assert_eq!(named_paths("see `crates/nowhere/` and `crates/x y` and `other`"), ["crates/nowhere/"]);
}
