//! What is printed.

use std::time::Duration;

/// Prints a line for the person.
#[expect(clippy::print_stdout, reason = "a task's output is its purpose")]
pub(crate) fn say(line: &str) {
    println!("{line}");
}

/// Prints an error.
#[expect(clippy::print_stderr, reason = "a task's errors go to the person who ran it")]
pub(crate) fn complain(line: &str) {
    eprintln!("error: {line}");
}

/// How a step ended.
pub(crate) struct StepOutcome {
    /// Its name.
    pub(crate) name: &'static str,
    /// Tests that passed, for steps that run tests.
    pub(crate) tests_passed: u64,
    /// Tests that failed; one for a step without tests that failed.
    pub(crate) failures: u64,
    /// How long it took.
    pub(crate) took: Duration,
    /// Why it failed.
    pub(crate) error: Option<String>,
    /// What it measured, in words.
    pub(crate) figures: Vec<String>,
}

/// `75 s` as `1:15`.
pub(crate) fn clock(duration: Duration) -> String {
    let seconds = duration.as_secs();
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

/// The closing table. Its last line counts tests and failures, alone on the line.
pub(crate) fn table(outcomes: &[StepOutcome], conversations: &str) -> String {
    let mut lines = vec![
        String::new(),
        format!("{:<12}  {:<6}  {:>6}  {:>6}  {:>8}", "step", "result", "passed", "failed", "min:s"),
    ];
    for outcome in outcomes {
        let result = if outcome.failures == 0 { "ok" } else { "FAILED" };
        lines.push(format!(
            "{:<12}  {:<6}  {:>6}  {:>6}  {:>8}",
            outcome.name,
            result,
            outcome.tests_passed,
            outcome.failures,
            clock(outcome.took)
        ));
    }
    for outcome in outcomes {
        if let Some(error) = &outcome.error {
            lines.push(format!("{}: {error} (whole log: target/xtask/{}.log)", outcome.name, outcome.name));
        }
    }
    lines.extend(outcomes.iter().flat_map(|outcome| outcome.figures.clone()));
    lines.push(format!("conversations: {conversations}"));
    let total: Duration = outcomes.iter().map(|outcome| outcome.took).sum();
    lines.push(format!("total time: {}", clock(total)));
    let passed: u64 = outcomes.iter().map(|outcome| outcome.tests_passed).sum();
    let failed: u64 = outcomes.iter().map(|outcome| outcome.failures).sum();
    lines.push(format!("{passed} passed, {failed} failed"));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_counts_everything_and_stands_alone() {
        let outcome = |name, tests_passed, failures| StepOutcome {
            name,
            tests_passed,
            failures,
            took: Duration::from_secs(61),
            error: (failures > 0).then(|| "broken".to_owned()),
            figures: vec!["crash: none lost".to_owned()],
        };
        let table = table(
            &[outcome("format", 0, 1), outcome("crates", 12, 0), outcome("end-to-end", 3, 2)],
            "invented",
        );
        assert_eq!(table.lines().last(), Some("15 passed, 3 failed"));
        assert!(table.contains("format: broken"));
        assert!(table.contains("1:01"));
        assert!(table.contains("crash: none lost"));
    }
}
