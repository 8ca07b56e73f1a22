//! Fitting the weights of the safeguards: a program of its own, because this one depends on nothing of the project.

use std::path::Path;
use std::process::Command;

use crate::TaskError;

/// Folders beside the checkout that the program is given unless others are named: what it may learn from, what it only looks at.
const DATA: [(&str, &str); 2] =
    [("--data", "../shared/data/safety-train"), ("--only-look", "../shared/data/safety-eval")];

/// Runs it. False when it failed, which it has said then.
pub(crate) fn run(root: &Path, arguments: &[String]) -> Result<bool, TaskError> {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(&program);
    command
        .current_dir(root)
        .args(["run", "--package", "fiducia-training", "--"])
        .args(complete(root, arguments));
    let status = command
        .status()
        .map_err(|source| TaskError::Start { program: program.display().to_string(), source })?;
    Ok(status.success())
}

/// The arguments, with what was not said.
fn complete(root: &Path, arguments: &[String]) -> Vec<String> {
    let mut all = arguments.to_vec();
    let said = |option: &str| {
        arguments.iter().any(|argument| argument == option || argument.starts_with(&format!("{option}=")))
    };
    for (option, folder) in DATA {
        // What is only looked at need not be there.
        if !said(option) && (option == "--data" || root.join(folder).is_dir()) {
            all.extend([option.to_owned(), folder.to_owned()]);
        }
    }
    if !said("--models") {
        all.extend(["--models".to_owned(), "models".to_owned()]);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_is_not_said_again() {
        let given = ["--data=x".to_owned(), "--models".to_owned(), "y".to_owned()];
        assert_eq!(complete(Path::new("/nowhere"), &given), given);
        let none = complete(Path::new("/nowhere"), &[]);
        assert_eq!(none, ["--data", "../shared/data/safety-train", "--models", "models"]);
    }
}
