//! `safety eval`: the detectors on labelled texts that somebody brings along. No data directory, no network.

mod figures;
mod texts;

use std::path::Path;

use fiducia_safety::Cascade;
use fiducia_safety::evaluation::{Curve, Measure, plot};
use fiducia_safety::linear::FalsePositives;

use crate::arguments::{EvaluationArguments, SafetyCommand};
use crate::failure::{ExitStatus, Failure};
use crate::output::{Align, Output, Table, count_of, remark};

use figures::{Evaluation, Figure, HeadFigures};

/// Points of a drawn curve; more cannot be told apart.
const CURVE_POINTS_MAX: usize = 400;

pub(super) fn run(command: &SafetyCommand) -> Result<ExitStatus, Failure> {
    match command {
        SafetyCommand::Eval(arguments) => evaluate(arguments),
    }
}

fn evaluate(arguments: &EvaluationArguments) -> Result<ExitStatus, Failure> {
    let cascade = Cascade::shipped(FalsePositives::OneInHundred)
        .map_err(|error| Failure::Finding(format!("the detectors cannot be used: {error}")))?;
    let read = texts::judged(&cascade, &arguments.files, arguments.provenance)?;
    for rejected in &read.rejected {
        remark(rejected);
    }
    let evaluation = Evaluation::of(&cascade, &read, arguments.samples);
    let mut output = Output::standard(arguments.json);
    if output.json() {
        output.value(&evaluation)?;
    } else {
        print(&mut output, &evaluation)?;
    }
    output.finish()?;
    if let Some(path) = &arguments.plot {
        draw(path, &read, &evaluation)?;
    }
    Ok(if read.rejected.is_empty() { ExitStatus::Success } else { ExitStatus::Finding })
}

fn print(output: &mut Output, evaluation: &Evaluation) -> Result<(), Failure> {
    output.line(format_args!(
        "{}, {} of them without labels; intervals hold 95 of 100 samples",
        count_of(evaluation.texts, "text"),
        evaluation.without_labels
    ))?;
    if evaluation.heads.is_empty() {
        output.line("No text has a label that a head is about, so there is no recall to measure.")?;
    } else {
        output.line("")?;
        output.text(&table(&evaluation.heads).to_string())?;
    }
    output.line("")?;
    if let Some(over) = &evaluation.over_refusal {
        output.line(format_args!(
            "False alarms on the {} texts without labels, any head that is asked of such texts",
            over.texts
        ))?;
        output.line(format_args!("  flag  {}", percent(&over.flag)))?;
        output.line(format_args!("  act   {}", percent(&over.act)))?;
        output.line("")?;
    }
    let time = &evaluation.time;
    output.line(format_args!(
        "Time, all stages on one core: {:.1} us for each KB; for a text {:.1} us at the median, {:.1} us at p95",
        time.microseconds_per_kilobyte, time.text_p50_microseconds, time.text_p95_microseconds
    ))?;
    output.line(format_args!("Model {}", evaluation.model))
}

fn table(heads: &[HeadFigures]) -> Table {
    let mut table = Table::new(&[
        ("head", Align::Left),
        ("positive", Align::Right),
        ("negative", Align::Right),
        ("AUPRC", Align::Left),
        ("recall at 1 % false", Align::Left),
        ("F1, flag", Align::Left),
        ("recall, flag", Align::Left),
        ("recall, act", Align::Left),
        ("false, flag", Align::Left),
    ]);
    for head in heads {
        table.row([
            head.head.to_owned(),
            head.positives.to_string(),
            head.negatives.to_string(),
            plain(head.average_precision.as_ref()),
            plain(head.recall_at_one_percent.as_ref()),
            plain(head.f1_flag.as_ref()),
            plain(head.recall_flag.as_ref()),
            plain(head.recall_act.as_ref()),
            plain(head.false_positives_flag.as_ref()),
        ]);
    }
    table
}

fn plain(figure: Option<&Figure>) -> String {
    figure.map_or_else(
        || "-".to_owned(),
        |figure| format!("{:.3} ({:.3}-{:.3})", figure.value, figure.low, figure.high),
    )
}

fn percent(figure: &Figure) -> String {
    format!("{:.2} % ({:.2}-{:.2})", figure.value * 100.0, figure.low * 100.0, figure.high * 100.0)
}

fn draw(path: &Path, read: &texts::Judged, evaluation: &Evaluation) -> Result<(), Failure> {
    let mut curves = Vec::new();
    for figures in &evaluation.heads {
        let sorted = read.sorted(figures.of);
        let Some(average_precision) = sorted.measure(Measure::AveragePrecision) else { continue };
        curves.push(Curve {
            name: figures.head.to_owned(),
            average_precision,
            points: sorted.curve(CURVE_POINTS_MAX),
        });
    }
    let svg = plot("Precision over recall", &curves);
    std::fs::write(path, svg).map_err(|cause| Failure::File { doing: "write", path: path.to_owned(), cause })
}
