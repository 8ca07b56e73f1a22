//! The command line.

use crate::TaskError;
use crate::steps::STEP_NAMES;

/// What was asked for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Task {
    /// Print the help.
    Help,
    /// Install what tests need, and with `with_bench` what benchmarks need too.
    Install {
        /// Whether to install the tools of the benchmarks too.
        with_bench: bool,
    },
    /// Run the steps, all of them when `only` is empty.
    Test {
        /// Names of steps.
        only: Vec<String>,
    },
    /// Fit the weights of the safeguards anew.
    TrainSafety {
        /// What the training program is told.
        arguments: Vec<String>,
    },
    /// Run the crash harness at full length.
    Crash {
        /// How many times the program is killed.
        rounds: u32,
        /// Requests under way or answered in each round.
        requests: u32,
    },
}

/// The help text.
pub(crate) const HELP: &str = "\
Project tasks.

  cargo xtask test                   install what is missing, run every check, end in one table
  cargo xtask test --only STEP       run one step (may be given several times); steps:
                                     install format lints licences documents crates crashes program
                                     end-to-end
  cargo xtask crash [--rounds N] [--requests N]
                                     kill the program at random points and look for lost answers
                                     (50 rounds of 1,000 requests unless told otherwise)
  cargo xtask install [--bench]      only install what the tests need; with --bench nginx too
  cargo xtask train-safety [--data FOLDER] [--only-look FOLDER] [--models FOLDER] [--quick]
                                     fit the weights of the safeguards and write models/, from
                                     ../shared/data/safety-train unless told otherwise
  cargo xtask --help                 this text

Each step writes target/xtask/STEP.log. The exit code is 0 when all passed, 1 when something failed, 2 when the
command line is wrong. Conversations for the end-to-end tests come from the file that the environment variable
FIDUCIA_CONVERSATIONS names, else from ../shared/data/conversations/hh-harmless.jsonl.gz, else from a small invented
set; the summary says which.";

/// Reads the command line.
pub(crate) fn parse(arguments: &[String]) -> Result<Task, TaskError> {
    let mut rest = arguments.iter().map(String::as_str);
    match rest.next() {
        None | Some("--help" | "-h" | "help") => Ok(Task::Help),
        Some("test") => parse_test(rest),
        Some("crash") => parse_crash(rest),
        Some("install") => parse_install(rest),
        // The program that is run reads them, and has help of its own.
        Some("train-safety") => Ok(Task::TrainSafety { arguments: rest.map(str::to_owned).collect() }),
        Some(other) => Err(TaskError::Usage(format!("there is no task `{other}`"))),
    }
}

fn parse_test<'a>(mut rest: impl Iterator<Item = &'a str>) -> Result<Task, TaskError> {
    let mut only = Vec::new();
    while let Some(argument) = rest.next() {
        match argument {
            "--help" | "-h" => return Ok(Task::Help),
            "--only" => {
                let step = rest.next().ok_or_else(|| TaskError::Usage("--only needs a step".to_owned()))?;
                if !STEP_NAMES.contains(&step) {
                    let known = STEP_NAMES.join(", ");
                    return Err(TaskError::Usage(format!("there is no step `{step}`; steps are {known}")));
                }
                only.push(step.to_owned());
            }
            other => return Err(TaskError::Usage(format!("`test` does not know `{other}`"))),
        }
    }
    Ok(Task::Test { only })
}

fn parse_crash<'a>(mut rest: impl Iterator<Item = &'a str>) -> Result<Task, TaskError> {
    let (mut rounds, mut requests) = (50, 1_000);
    while let Some(argument) = rest.next() {
        let target = match argument {
            "--help" | "-h" => return Ok(Task::Help),
            "--rounds" => &mut rounds,
            "--requests" => &mut requests,
            other => return Err(TaskError::Usage(format!("`crash` does not know `{other}`"))),
        };
        *target = rest
            .next()
            .and_then(|value| value.parse().ok())
            .filter(|number| *number > 0)
            .ok_or_else(|| TaskError::Usage(format!("{argument} needs a positive whole number")))?;
    }
    Ok(Task::Crash { rounds, requests })
}

fn parse_install<'a>(rest: impl Iterator<Item = &'a str>) -> Result<Task, TaskError> {
    let mut with_bench = false;
    for argument in rest {
        match argument {
            "--help" | "-h" => return Ok(Task::Help),
            "--bench" => with_bench = true,
            other => return Err(TaskError::Usage(format!("`install` does not know `{other}`"))),
        }
    }
    Ok(Task::Install { with_bench })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expect: &Task) {
        let arguments: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        assert_eq!(&parse(&arguments).unwrap(), expect, "{line}");
    }

    fn check_refused(line: &str, mention: &str) {
        let arguments: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        let error = parse(&arguments).unwrap_err().to_string();
        assert!(error.contains(mention), "{line}: {error}");
    }

    #[test]
    fn tasks_are_read() {
        check("", &Task::Help);
        check("test", &Task::Test { only: vec![] });
        check("test --only lints --only crates", &Task::Test { only: vec!["lints".into(), "crates".into()] });
        check("crash --rounds 3", &Task::Crash { rounds: 3, requests: 1_000 });
        check("train-safety --quick", &Task::TrainSafety { arguments: vec!["--quick".into()] });
        check("install --bench", &Task::Install { with_bench: true });
    }

    #[test]
    fn mistakes_are_named() {
        check_refused("tset", "tset");
        check_refused("test --only nothing", "end-to-end");
        check_refused("crash --rounds 0", "--rounds");
        check_refused("install --everything", "--everything");
    }

    #[test]
    fn the_help_names_every_step() {
        for step in STEP_NAMES {
            assert!(HELP.contains(step), "{step}");
        }
    }
}
