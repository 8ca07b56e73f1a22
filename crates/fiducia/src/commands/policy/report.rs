//! How differences and simulations read.

use std::path::Path;

use fiducia_policy::{Affected, PolicyDiff, RetentionSpan, Simulation};

use crate::failure::{ExitStatus, Failure};
use crate::output::{Align, Output, Table, bytes_of, count_of};

/// Rows of a simulation's table: enough to see its course.
const ROWS: usize = 13;

pub(super) fn difference(difference: &PolicyDiff, json: bool) -> Result<ExitStatus, Failure> {
    let mut output = Output::standard(json);
    if json {
        output.value(difference)?;
    } else {
        difference_in_words(difference, &mut output)?;
    }
    output.finish()?;
    Ok(if difference.refused.is_empty() { ExitStatus::Success } else { ExitStatus::Finding })
}

fn difference_in_words(difference: &PolicyDiff, output: &mut Output) -> Result<(), Failure> {
    if difference.terms.is_empty() && difference.changes.is_empty() {
        output.line("Nothing changes for anyone.")?;
    }
    for line in &difference.terms {
        output.line(line)?;
    }
    for change in &difference.changes {
        output.line("")?;
        output.line(&change.scope)?;
        output.line(format_args!("  {}", change.ground))?;
        output.line(format_args!("    was      {}", change.before))?;
        output.line(format_args!("    becomes  {}", change.after))?;
        output.line(format_args!("    hence    {}", change.effect))?;
        if let Some(affected) = change.affected {
            output.line(format_args!("    moves    {}", in_words(affected)))?;
        }
    }
    if let Some(affected) = difference.affected {
        output.line("")?;
        output.line(format_args!("In all: {}", in_words(affected)))?;
    }
    for line in &difference.refused {
        output.line("")?;
        output.line(format_args!("Refused: {line}"))?;
    }
    Ok(())
}

fn in_words(affected: Affected) -> String {
    let people = match affected.people {
        1 => "1 person".to_owned(),
        people => format!("{people} people"),
    };
    let words = format!("{people}, {}, {}", count_of(affected.records, "record"), bytes_of(affected.bytes));
    match affected.records_not_lengthened {
        0 => words,
        stay => format!(
            "{words}; {} would be kept longer and stay at the old date, for want of a new basis",
            count_of(stay, "record")
        ),
    }
}

pub(super) fn simulation(
    simulation: &Simulation,
    picture: Option<&Path>,
    json: bool,
) -> Result<ExitStatus, Failure> {
    let mut output = Output::standard(json);
    if json {
        output.value(simulation)?;
        output.finish()?;
        return Ok(ExitStatus::Success);
    }
    let shown: Vec<_> =
        simulation.grounds.iter().filter(|(_, bytes)| bytes.iter().any(|bytes| *bytes > 0)).collect();
    let mut columns = vec![("DAY", Align::Left), ("KEPT IN ALL", Align::Right)];
    columns.extend(shown.iter().map(|(ground, _)| (ground.name(), Align::Right)));
    let mut table = Table::new(&columns);
    let step = simulation.total.len().div_ceil(ROWS).max(1);
    for (day, total) in simulation.total.iter().enumerate().step_by(step) {
        let date = RetentionSpan::days(u32::try_from(day).unwrap_or(u32::MAX)).after(simulation.from);
        let mut cells = vec![date.strftime("%Y-%m-%d").to_string(), bytes_of(*total)];
        cells.extend(shown.iter().map(|(_, bytes)| bytes_of(bytes.get(day).copied().unwrap_or(0))));
        table.row(cells);
    }
    output.text(&table.to_string())?;
    if let Some(path) = picture {
        output.line(format_args!("The picture is {}.", path.display()))?;
    }
    output.finish()?;
    Ok(ExitStatus::Success)
}
