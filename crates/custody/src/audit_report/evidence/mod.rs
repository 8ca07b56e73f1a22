//! For each promise, which answers count. One file for each part of the table of promises.

mod access;
mod consent;
mod organizations;
mod retention;
mod safeguards;
mod training;

use fiducia_policy::Promise;

use super::answer::Answer;
use super::facts::Facts;
use super::report::AuditedPromise;

/// What there is to say about a promise.
pub(super) fn about(promise: &Promise, facts: &Facts) -> AuditedPromise {
    let number = promise.id.number();
    let answer = match number {
        1..=10 => retention::answer(number, facts),
        11..=22 => consent::answer(number, facts),
        23..=28 => access::answer(number, facts),
        29..=36 => safeguards::answer(number, facts),
        37..=43 => organizations::answer(number, facts),
        _ => training::answer(number, facts),
    };
    AuditedPromise {
        promise: promise.id,
        statement: promise.statement.to_owned(),
        standing: answer.standing(),
        evidence: answer.evidence,
        not_shown: answer.not_shown,
    }
}

/// What this version of the program does not do.
fn nothing_does_it(what: &str) -> Answer {
    Answer::default().but(&format!("Nothing in this version {what}. Nobody should rely on it."))
}
