//! A seeded simulation of crashes: the same work is cut off between every two durable steps, opened again and checked.
//!
//! The work runs in a child process that a planted fault aborts, as `kill -9` would. What the child was told is
//! recorded by this process, outside of the killed one. Run with `--features fault-injection`.

use std::io::BufRead;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::world::{World, anthropic, spawn, tell};
use fiducia_custody::{AdminError, AnswerOutcome, ConversationContent, DestructionScope};
use fiducia_policy::GroundKind;

const FOLDER: &str = "FIDUCIA_CRASH_FOLDER";
const SEED: &str = "FIDUCIA_CRASH_SEED";
const POINTS: [&str; 12] = [
    "keys-committed",
    "records-journaled",
    "acknowledged",
    "delivered",
    "records-filed",
    "records-indexed",
    "prefixes-forgotten",
    "keys-destroyed",
    "paths-dropped",
    "marked-purged",
    "key-replaced",
    "survivors-rewrapped",
];
const TIMES_MAX: u64 = 6;

/// The conversation in which somebody said exactly this.
fn show_text(world: &World, said: &str) -> Option<ConversationContent> {
    world.conversations().into_iter().find_map(|id| {
        let content = world.show(id, GroundKind::Service).ok()?;
        let found = content.records.iter().flat_map(|record| &record.texts).any(|(_, text)| text == said);
        found.then_some(content)
    })
}

/// Everything that can be read for the service ground, in every conversation.
fn all_texts(world: &World) -> Vec<String> {
    let shown = world.conversations().into_iter().filter_map(|id| world.show(id, GroundKind::Service).ok());
    shown.flat_map(|content| content.records).flat_map(|record| record.texts).map(|(_, text)| text).collect()
}

/// What the child was told, as it prints it: lines on standard output that survive its death.
#[derive(Debug, Default)]
struct Told {
    answered: Vec<String>,
    destroyed: Vec<String>,
    finished: bool,
}

/// The work: exchanges in several conversations, one deletion of each kind. Says on standard output what it was told.
///
/// This is the child's part. It is a test so that the test binary can be run again as the child; without its folder in
/// the environment it does the same work in a world of its own, where no fault is planted.
#[test]
fn work() {
    let (mut world, seed) = match std::env::var(FOLDER) {
        Ok(folder) => (World::at(Path::new(&folder), 1), std::env::var(SEED).unwrap().parse().unwrap()),
        Err(_) => (World::new(), 1),
    };
    let mut history: Vec<String> = Vec::new();
    for turn in 0..4 {
        history.push(format!("question {seed} {turn}"));
        let body = anthropic(&history.iter().map(String::as_str).collect::<Vec<_>>());
        let answer = format!("answer {seed} {turn}");
        world.exchange(&body, &answer);
        tell(&format!("ANSWERED {answer}"));
        history.push(answer);
    }
    world.exchange(&anthropic(&["delete this conversation"]), "gone soon");
    tell("ANSWERED gone soon");
    let content = show_text(&world, "gone soon").expect("was answered");
    world.destroy(DestructionScope::Conversation(content.conversation)).unwrap();
    tell("DESTROYED gone soon");
    let content = show_text(&world, &format!("answer {seed} 1")).expect("was answered");
    let victim =
        content.records.iter().find(|record| record.raw.contains(&format!("answer {seed} 1"))).unwrap();
    world.destroy(DestructionScope::Record(victim.row.id)).unwrap();
    tell(&format!("DESTROYED answer {seed} 1"));
    world.use_new_key("person-2");
    world.exchange(&anthropic(&["erase me"]), "erased soon");
    tell("ANSWERED erased soon");
    world.destroy(DestructionScope::Subject(world.subject())).unwrap();
    tell("DESTROYED erased soon");
    tell("FINISHED");
    world.close();
}

fn run_child(folder: &Path, seed: u64, fault: &str) -> Told {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", "crashes::work", "--nocapture", "--test-threads=1"])
        .env(FOLDER, folder)
        .env(SEED, seed.to_string())
        .env("FIDUCIA_FAULT", fault)
        .stderr(Stdio::null());
    let (mut child, said) = spawn(&mut command);
    let mut told = Told::default();
    for line in said.lines() {
        let line = line.unwrap();
        if let Some(answer) = line.strip_prefix("ANSWERED ") {
            told.answered.push(answer.to_owned());
        } else if let Some(answer) = line.strip_prefix("DESTROYED ") {
            told.destroyed.push(answer.to_owned());
        } else if line == "FINISHED" {
            told.finished = true;
        }
    }
    child.wait().unwrap();
    told
}

/// Everything that was told must be true after opening again.
fn check(world: &World, told: &Told) -> Result<(), String> {
    let texts = all_texts(world);
    for answer in &told.destroyed {
        if texts.iter().any(|text| text == answer) {
            return Err(format!("`{answer}` was destroyed and can be read"));
        }
    }
    for answer in told.answered.iter().filter(|answer| !told.destroyed.contains(answer)) {
        let times = texts.iter().filter(|text| *text == answer).count();
        // The destruction that was under way when the process died may have taken effect without being told.
        let may_be_gone = !told.finished && is_next_victim(told, answer);
        if times != 1 && !(times == 0 && may_be_gone) {
            return Err(format!("`{answer}` was answered and is there {times} times"));
        }
    }
    Ok(())
}

fn is_next_victim(told: &Told, answer: &str) -> bool {
    match told.destroyed.len() {
        0 => answer == "gone soon",
        1 => answer.ends_with(" 1"),
        _ => answer == "erased soon",
    }
}

fn simulate(point: &str, times: u64, seed: u64) -> (Told, Result<(), String>) {
    let folder = tempfile::tempdir().unwrap();
    drop(World::at(folder.path(), 0));
    let told = run_child(folder.path(), seed, &format!("abort-at:{point}:{times}"));
    let mut world = World::at(folder.path(), 2);
    let verdict = check(&world, &told);
    // The world goes on: the interrupted work left nothing in the way.
    world.exchange(&anthropic(&["after the crash"]), "still here");
    assert_eq!(all_texts(&world).iter().filter(|text| *text == "still here").count(), 1);
    world.verify_ledger();
    (told, verdict)
}

#[test]
fn whatever_was_told_is_true_after_a_crash_between_any_two_steps() {
    let mut interrupted = 0;
    for (place, point) in POINTS.into_iter().enumerate() {
        for times in 1..=TIMES_MAX {
            let seed = u64::try_from(place).unwrap() * 100 + times;
            let (told, verdict) = simulate(point, times, seed);
            assert_eq!(verdict, Ok(()), "{point} for the {times}th time, seed {seed}: {told:?}");
            interrupted += u64::from(!told.finished);
        }
    }
    assert!(interrupted >= 30, "the faults must cut the work off: only {interrupted} did");
}

#[test]
fn an_acknowledgement_without_a_commit_is_caught() {
    let folder = tempfile::tempdir().unwrap();
    drop(World::at(folder.path(), 0));
    let told = run_child(folder.path(), 7, "acknowledge-without-commit");
    assert!(!told.answered.is_empty(), "the child must have been told something false");
    assert!(check(&World::at(folder.path(), 2), &told).is_err());
}

#[test]
fn the_check_sees_a_lost_answer_and_a_survivor_of_destruction() {
    let world = World::new();
    world.exchange_that_ends(&anthropic(&["x"]), "kept", AnswerOutcome::Complete);
    let lost = Told { answered: vec!["lost".into(), "kept".into()], destroyed: vec![], finished: true };
    assert!(check(&world, &lost).is_err());
    let survivor = Told { answered: vec!["kept".into()], destroyed: vec!["kept".into()], finished: true };
    assert!(check(&world, &survivor).is_err());
    let gone = world.show(world.conversations()[0], GroundKind::Service);
    assert!(!matches!(gone, Err(AdminError::Destroyed(_))));
}
