//! `sweep`

use std::io::IsTerminal;
use std::time::Duration;

use fiducia_custody::{RetentionCommand, RetentionProgress, RetentionReply};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::arguments::SweepArguments;
use crate::failure::{ExitStatus, Failure};
use crate::interrupt::Interrupts;
use crate::output::{Output, count_of, remark};
use crate::session::Session;

const DRAWS_PER_SECOND: u8 = 10;
const TICK: Duration = Duration::from_millis(200);

/// Takes steps of the retention worker until nothing is left to do, the limit is reached or the person stops it.
pub(super) fn run(arguments: &SweepArguments) -> Result<ExitStatus, Failure> {
    let session = Session::open(&arguments.data)?;
    let interrupts = Interrupts::listen()?;
    let bar = bar();
    let swept = sweep(&session, arguments.limit, &interrupts, &bar);
    bar.finish_and_clear();
    let swept = swept?;
    session.close();
    let mut output = Output::standard(arguments.data.json);
    if output.json() {
        output.value(&swept)?;
    } else {
        for line in lines(&swept) {
            output.line(line)?;
        }
    }
    output.finish()?;
    if !swept.is_done && interrupts.requested() {
        return Err(Failure::Interrupted(
            "stopped; what was destroyed stays destroyed, and the next sweep goes on there".to_owned(),
        ));
    }
    if !swept.is_done {
        remark("the limit was reached and more is left to do; run it again");
    }
    Ok(ExitStatus::Success)
}

fn sweep(
    session: &Session,
    limit: Option<u64>,
    interrupts: &Interrupts,
    bar: &ProgressBar,
) -> Result<RetentionProgress, Failure> {
    let mut total = RetentionProgress::default();
    loop {
        let RetentionReply::Progress(step) = session.govern(RetentionCommand::Step)? else {
            return Err(Failure::UnexpectedReply("step"));
        };
        total.add(step);
        bar.set_message(format!(
            "{}, {}",
            count_of(total.keys_destroyed, "key"),
            count_of(total.records_purged, "record")
        ));
        let done = total.keys_destroyed.saturating_add(total.records_purged);
        if total.is_done || limit.is_some_and(|limit| done >= limit) || interrupts.requested() {
            return Ok(total);
        }
    }
}

fn bar() -> ProgressBar {
    let target = if std::io::stderr().is_terminal() {
        ProgressDrawTarget::stderr_with_hz(DRAWS_PER_SECOND)
    } else {
        ProgressDrawTarget::hidden()
    };
    let bar = ProgressBar::with_draw_target(None, target);
    if let Ok(style) = ProgressStyle::with_template("sweeping {spinner} {msg} destroyed  {elapsed}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(TICK);
    bar
}

/// What was or would be done, line by line.
pub(super) fn lines(progress: &RetentionProgress) -> Vec<String> {
    let mut lines = vec![
        format!("keys destroyed   {}", progress.keys_destroyed),
        format!("records purged   {}", progress.records_purged),
        format!("files removed    {}", progress.buckets_dropped),
    ];
    // What most sweeps have none of is said only when there is some.
    let some = [
        ("ends reviewed    ", progress.reviewed, "conversation"),
        ("taken under hold ", progress.held, "record"),
        ("findings over    ", progress.findings_forgotten, "finding"),
        ("ends announced   ", progress.warned, "conversation"),
        ("warned           ", progress.people_warned, "subject"),
    ];
    for (label, count, noun) in some.into_iter().filter(|(_, count, _)| *count > 0) {
        lines.push(format!("{label}{}", count_of(count, noun)));
    }
    for (organization, index) in &progress.ledger {
        lines.push(format!("ledger entry     {index} in the log of {organization}"));
    }
    for (organization, reference) in &progress.certificates {
        lines.push(format!("certificate      {reference} for {organization}"));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_did_not_happen_is_not_listed() {
        let nothing = lines(&RetentionProgress::default());
        assert_eq!(nothing, ["keys destroyed   0", "records purged   0", "files removed    0"]);
        let some = lines(&RetentionProgress { held: 1, warned: 2, ..RetentionProgress::default() });
        assert_eq!(
            some.get(3..),
            Some(
                ["taken under hold 1 record", "ends announced   2 conversations"]
                    .map(str::to_owned)
                    .as_slice()
            )
        );
    }
}
