//! Counting tests from the closing lines of `cargo test`.

/// Tests counted in an output.
#[derive(Debug, Default, PartialEq, Eq, Clone, Copy)]
pub(crate) struct Tally {
    /// How many passed.
    pub(crate) passed: u64,
    /// How many failed.
    pub(crate) failed: u64,
    /// How many were left out by `#[ignore]`, which the project does not use.
    pub(crate) ignored: u64,
}

/// Adds up every `test result:` line of `output`.
pub(crate) fn count(output: &str) -> Tally {
    let mut tally = Tally::default();
    for line in output.lines() {
        let Some(counts) = line.strip_prefix("test result: ") else { continue };
        for part in counts.split([';', '.']) {
            let mut words = part.split_whitespace();
            let Some(number) = words.next().and_then(|word| word.parse::<u64>().ok()) else { continue };
            match words.next() {
                Some("passed") => tally.passed += number,
                Some("failed") => tally.failed += number,
                Some("ignored") => tally.ignored += number,
                _ => {}
            }
        }
    }
    tally
}

/// What tests measured: their lines that begin with `figure: `.
pub(crate) fn figures(output: &str) -> Vec<String> {
    output.lines().filter_map(|line| line.strip_prefix("figure: ")).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn result_lines_are_added_up_and_other_lines_are_not() {
        let output = "\
test a ... ok
test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 3 filtered out; finished in 0.10s
99 passed; 99 failed
test result: FAILED. 2 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.00s
";
        assert_eq!(count(output), Tally { passed: 14, failed: 1, ignored: 1 });
    }

    #[test]
    fn figures_are_picked_out() {
        assert_eq!(figures("test a ... ok\nfigure: 3 of 3 kept\nno figure: here\n"), ["3 of 3 kept"]);
    }
}
