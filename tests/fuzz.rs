//! Does any parser of bytes that others send panic, or read back something else than it wrote?
//!
//! Every target takes valid inputs, damages them in a reproducible way, and runs the parser on each. An input that breaks one is
//! kept under `target/fuzz/`; once mended it belongs into `tests/fuzz/corpus/TARGET/`, whose files are all run as they are and damaged
//! like the valid ones. Each of them is an input of the kind that breaks parsers, and says by its name which.

mod mutate;
mod seeds;
mod targets;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use self::mutate::Mutator;
use self::targets::{TARGETS, Target};
use crate::harness::note;

/// The seed of a run, unless `FIDUCIA_FUZZ_SEED` names another.
const SEED: u64 = 0x000f_1d0c_1a5e_ed00;

/// Inputs that each target has at least beside its own.
const CORPUS_MIN: usize = 4;
/// The largest of them: they are for reading, too.
const CORPUS_BYTES_MAX: usize = 16 * 1024;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).map_or(default, |text| text.parse().unwrap())
}

/// The files of a target's corpus, in a stable order.
fn corpus(name: &str) -> Vec<Vec<u8>> {
    let folder = root().join("tests/fuzz/corpus").join(name);
    let Ok(files) = std::fs::read_dir(&folder) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = files.map(|file| file.unwrap().path()).collect();
    paths.sort();
    paths.into_iter().map(|path| std::fs::read(path).unwrap()).collect()
}

/// Runs one input. The error names the file that keeps it.
fn run(target: &Target, input: &[u8]) -> Result<(), String> {
    let Err(panic) = catch_unwind(AssertUnwindSafe(|| (target.run)(input))) else { return Ok(()) };
    let said = panic
        .downcast_ref::<String>()
        .cloned()
        .or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
        .unwrap_or_default();
    let folder = root().join("target/fuzz");
    std::fs::create_dir_all(&folder).unwrap();
    let kept = folder.join(format!("{}-{}", target.name, input.len()));
    std::fs::write(&kept, input).unwrap();
    Err(format!("{} broke on {}: {said}", target.name, kept.display()))
}

/// Runs a target's seeds and corpus as they are, then as many damaged ones as `inputs`.
fn fuzz(target: &Target, inputs: u64, seed: u64) -> Result<u64, String> {
    let mut whole = (target.seeds)();
    whole.extend(corpus(target.name));
    assert!(!whole.is_empty(), "{} has nothing to begin with", target.name);
    for input in &whole {
        run(target, input)?;
    }
    let mut mutator = Mutator::new(
        seed ^ target
            .name
            .bytes()
            .fold(0, |sum, byte| u64::wrapping_add(u64::wrapping_mul(sum, 31), u64::from(byte))),
    );
    for _ in 0..inputs {
        run(target, &mutator.damaged(&whole))?;
    }
    Ok(inputs + u64::try_from(whole.len()).unwrap())
}

#[test]
fn every_target_has_a_corpus_and_every_corpus_a_target() {
    let folder = root().join("tests/fuzz/corpus");
    let mut folders: Vec<String> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    folders.sort();
    let mut names: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
    names.sort_unstable();
    assert_eq!(folders, names);
    for name in names {
        let inputs = corpus(name);
        assert!(inputs.len() >= CORPUS_MIN, "{name} has {} inputs", inputs.len());
        assert!(inputs.iter().all(|input| input.len() <= CORPUS_BYTES_MAX), "{name} has a large one");
    }
}

#[test]
fn no_parser_of_what_others_send_breaks() {
    let (seed, times) = (number("FIDUCIA_FUZZ_SEED", SEED), number("FIDUCIA_FUZZ_TIMES", 1));
    let mut total = 0;
    let mut broken = Vec::new();
    for target in TARGETS {
        match fuzz(target, target.inputs * times, seed) {
            Ok(inputs) => total += inputs,
            Err(said) => broken.push(said),
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    note(&format!("fuzz: {total} inputs for {} parsers, none broke one", TARGETS.len()));
}

/// A parser with a fault of the kind that is looked for: it trusts a length that it was sent.
fn planted(input: &[u8]) {
    if let Some(rest) = input.strip_prefix(b"len ") {
        let digits = rest.split(|byte| *byte == b' ').next().unwrap_or_default();
        let length =
            std::str::from_utf8(digits).ok().and_then(|text| text.parse::<usize>().ok()).unwrap_or(0);
        assert!(length <= rest.len(), "a slice beyond the end");
    }
}

#[test]
fn a_planted_fault_is_found() {
    let seeds = || vec![b"len 5 hello and more".to_vec()];
    let target = Target { name: "planted", inputs: 5_000, seeds, run: planted };
    let found = fuzz(&target, target.inputs, SEED).unwrap_err();
    assert!(found.contains("a slice beyond the end"), "{found}");
}
