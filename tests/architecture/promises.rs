//! Is PROMISES.md true: does everything that it names exist?

use std::collections::BTreeSet;

use super::sources::{Source, files, root};
use crate::harness::program;

/// A row of the table.
#[derive(Debug)]
struct Row {
    id: String,
    state: String,
    code: Vec<String>,
    tests: Vec<String>,
    commands: Vec<String>,
}

/// The rows of the table with the six columns id, promise, state, code, test and command.
fn rows(text: &str) -> Vec<Row> {
    text.lines().filter(|line| line.starts_with("| P")).map(row).collect()
}

fn row(line: &str) -> Row {
    let cells: Vec<&str> = line.trim().trim_matches('|').split('|').map(str::trim).collect();
    assert_eq!(cells.len(), 6, "a row has six cells: {line}");
    Row {
        id: cells[0].to_owned(),
        state: cells[2].to_owned(),
        code: quoted(cells[3]),
        tests: quoted(cells[4]),
        commands: quoted(cells[5]),
    }
}

/// The texts between backticks.
fn quoted(cell: &str) -> Vec<String> {
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// What is wrong with the states of `row`.
fn state_faults(row: &Row) -> Vec<String> {
    let proofs = [row.code.is_empty(), row.tests.is_empty(), row.commands.is_empty()];
    match row.state.as_str() {
        "kept" | "partly" if proofs.contains(&true) => {
            vec![format!("{} is {} without code, test and command", row.id, row.state)]
        }
        "not yet" if proofs.contains(&false) => {
            vec![format!("{} is not yet, but names code, a test or a command", row.id)]
        }
        "kept" | "partly" | "not yet" => Vec::new(),
        other => vec![format!("{} has the state {other}; states are kept, partly and not yet", row.id)],
    }
}

/// The path of the module that a Rust file is, as test names show it: `crate::module`.
fn module_of(path: &str) -> Option<String> {
    let segments: Vec<&str> = path.strip_suffix(".rs")?.split('/').collect();
    let (name, rest): (String, &[&str]) = match segments.as_slice() {
        ["crates", "fiducia", "src", rest @ ..] => ("fiducia".to_owned(), rest),
        ["crates", package, "src", rest @ ..] => (format!("fiducia_{package}"), rest),
        ["crates", _, "tests", binary, rest @ ..] => ((*binary).to_owned(), rest),
        ["tests", rest @ ..] => ("end_to_end".to_owned(), rest),
        ["xtask", "src", rest @ ..] => ("xtask".to_owned(), rest),
        _ => return None,
    };
    let inner = rest.iter().filter(|segment| !matches!(**segment, "lib" | "main" | "mod"));
    Some(std::iter::once(name.as_str()).chain(inner.copied()).collect::<Vec<_>>().join("::"))
}

/// Whether one of `sources` holds the test with the full name `name`.
fn test_exists(name: &str, sources: &[Source]) -> bool {
    sources.iter().any(|source| {
        let Some(inner) = module_of(&source.path)
            .and_then(|module| name.strip_prefix(&module).map(str::to_owned))
            .and_then(|inner| inner.strip_prefix("::").map(str::to_owned))
        else {
            return false;
        };
        let mut segments: Vec<&str> = inner.split("::").collect();
        let function = segments.pop().unwrap_or_default();
        let modules_are_there =
            segments.iter().all(|module| source.text.contains(&format!("mod {module} {{")));
        modules_are_there && is_test(&source.text, function)
    })
}

/// Whether `text` defines `function` as a test.
fn is_test(text: &str, function: &str) -> bool {
    let lines: Vec<&str> = text.lines().collect();
    let wanted = format!("fn {function}(");
    lines.iter().enumerate().any(|(index, line)| {
        let attributes = &lines[index.saturating_sub(4)..index];
        line.contains(&wanted)
            && attributes.iter().any(|line| line.contains("test]") || line.contains("test("))
    })
}

/// What is wrong with a command, by the name of its program and of its subcommands.
fn command_fault(command: &str) -> Option<String> {
    let words: Vec<&str> = command.split_whitespace().collect();
    match words.as_slice() {
        ["fiducia", rest @ ..] => {
            let named: Vec<&str> = rest
                .iter()
                .copied()
                .take_while(|word| {
                    word.chars().all(|c| c.is_ascii_lowercase() || c == '-') && !word.starts_with("--")
                })
                .collect();
            (!program::knows_subcommands(&named))
                .then(|| format!("`{command}`: the program has no such command"))
        }
        ["cargo", "xtask", task, ..] => {
            let help = files("xtask/src", &["arguments.rs"]);
            let known = help.iter().any(|source| source.text.contains(&format!("cargo xtask {task}")));
            (!known).then(|| format!("`{command}`: there is no such task"))
        }
        ["cargo", "run", "--release", "--", "demo", ..] => None,
        _ => Some(format!("`{command}`: only `fiducia` and `cargo xtask` are known here")),
    }
}

fn promises() -> Vec<Row> {
    rows(&std::fs::read_to_string(root().join("PROMISES.md")).unwrap())
}

#[test]
fn every_promise_has_one_row_in_order() {
    let found: Vec<String> = promises().into_iter().map(|row| row.id).collect();
    let expected: Vec<String> = (1..=50).map(|number| format!("P{number:02}")).collect();
    assert_eq!(found, expected);
}

#[test]
fn the_words_of_every_promise_are_those_that_audit_reports_use() {
    let text = std::fs::read_to_string(root().join("PROMISES.md")).unwrap();
    for promise in fiducia_policy::PROMISES {
        let row = format!("| {} | {} | ", promise.id, promise.statement);
        assert!(
            text.lines().any(|line| line.starts_with(&row)),
            "PROMISES.md says something else than {row}"
        );
    }
}

#[test]
fn states_are_known_and_proved() {
    let faults: Vec<String> = promises().iter().flat_map(state_faults).collect();
    assert_eq!(faults, Vec::<String>::new());
}

#[test]
fn every_named_path_exists() {
    let root = root();
    let missing: Vec<String> = promises()
        .iter()
        .flat_map(|row| row.code.iter().map(|path| (row.id.clone(), path.clone())))
        .filter(|(_, path)| !root.join(path).exists())
        .map(|(id, path)| format!("{id} names {path}, which is not there"))
        .collect();
    assert_eq!(missing, Vec::<String>::new());
}

#[test]
fn every_named_test_exists() {
    let sources = files("", &[".rs"]);
    let missing: Vec<String> = promises()
        .iter()
        .flat_map(|row| row.tests.iter().map(|test| (row.id.clone(), test.clone())))
        .filter(|(_, test)| !test_exists(test, &sources))
        .map(|(id, test)| format!("{id} names the test {test}, which is not there"))
        .collect();
    assert_eq!(missing, Vec::<String>::new());
}

#[test]
fn every_named_command_exists() {
    let commands: BTreeSet<String> = promises().into_iter().flat_map(|row| row.commands).collect();
    let faults: Vec<String> = commands.iter().filter_map(|command| command_fault(command)).collect();
    assert_eq!(faults, Vec::<String>::new());
}

#[test]
fn planted_untruths_are_caught() {
    let sources = files("tests", &[".rs"]);
    let own = "end_to_end::architecture::promises::planted_untruths_are_caught";
    assert!(test_exists(own, &sources));
    for untrue in [
        "end_to_end::architecture::promises::no_such_test",
        "end_to_end::architecture::documents::planted_untruths_are_caught",
        "end_to_end::architecture::promises::inner::planted_untruths_are_caught",
        "end_to_end::architecture::promises::rows",
    ] {
        assert!(!test_exists(untrue, &sources), "{untrue}");
    }
    let faults = |line: &str| state_faults(&rows(line)[0]).len();
    assert_eq!(faults("| P01 | text | kept | `a` | `b` | `c` |"), 0);
    assert_eq!(faults("| P01 | text | kept | `a` | | `c` |"), 1);
    assert_eq!(faults("| P01 | text | not yet | | | |"), 0);
    assert_eq!(faults("| P01 | text | not yet | `a` | | |"), 1);
    assert_eq!(faults("| P01 | text | perhaps | | | |"), 1);
    assert!(command_fault("cargo xtask nothing").is_some());
    assert!(command_fault("rm -r .").is_some());
}
