//! Makes the weights that the safeguards ship with.
//!
//! The same texts, the same seeds: the same bytes. Texts that train nothing set the thresholds; texts for evaluation only are looked
//! at when everything is decided, and decide nothing.

mod alike;
mod card;
mod failure;
mod fit;
mod judge;
mod sources;
mod templates;
mod texts;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use fiducia_safety::linear::{Head, LinearModel};

use card::Card;
use failure::Failure;
use judge::{Judged, Thresholds, is_look_alike, judge, thresholds};
use sources::Source;
use texts::{Example, Truth};

/// Fits the linear model of the safeguards and writes it with its card.
#[derive(Debug, Parser)]
#[command(name = "fiducia-training")]
struct Arguments {
    /// Folder of labelled texts that may be learnt from
    #[arg(long, value_name = "FOLDER")]
    data: PathBuf,
    /// Folder of labelled texts that are only looked at
    #[arg(long, value_name = "FOLDER")]
    only_look: Option<PathBuf>,
    /// Where model and card go
    #[arg(long, value_name = "FOLDER")]
    models: PathBuf,
    /// Leave out the figures for sources that were held out, each of which takes a fitting of its own
    #[arg(long)]
    quick: bool,
}

const SEED: u64 = 0x5EED_0003;

/// Sources that are held out in turn, because they are large or unlike the others.
const HELD_OUT: [&str; 8] = [
    "deepset_train",
    "slabs_pi",
    "neuralchemy_pi",
    "bipia_train",
    "strongreject",
    "harmfulqa",
    "cysecbench",
    "hatemojibuild",
];

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // Nothing is left to do when standard error is closed.
            let _ = writeln!(std::io::stderr(), "error: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn say(line: &str) {
    // Progress only; who closed it does not want it.
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// Texts are judged by a model that was fitted to the other four of five parts.
const FOLDS: u64 = 5;

/// Which of ten parts a text belongs to; its group decides.
fn tenth(example: &Example) -> u64 {
    (example.group.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40) % 10
}

/// Whether nothing is learnt from a text.
fn is_test(example: &Example) -> bool {
    tenth(example) == 0
}

fn run(arguments: &Arguments) -> Result<(), Failure> {
    let sources = sources::all()?;
    let (mut examples, benign) = read(&arguments.data, &sources)?;
    alike::group(&mut examples);
    say(&format!("{} texts, {} benign ones for thresholds", examples.len(), benign.len()));
    let (test, train): (Vec<&Example>, Vec<&Example>) = examples.iter().partition(|one| is_test(one));
    let unseen = by_others(&train)?;
    let model = fit::fit(&train, SEED);
    let benign: Vec<&Example> = benign.iter().collect();
    let judged_benign = judge(&model, &benign);
    let limits = Head::ALL.map(|head| thresholds(&judged_benign, &only_look_alikes(&unseen), head));
    let finished = judge::finished(&model, &unseen, &limits);
    let judged_test = judge(&model, &test);
    let mut card = Card::new(&finished, &sources);
    card.benign(&judged_benign, &only_look_alikes(&judged_test), &limits);
    card.held_back(&judged_test, &limits);
    if !arguments.quick {
        hold_out(&mut card, &examples, &benign)?;
    }
    if let Some(folder) = &arguments.only_look {
        look(&mut card, folder, &model, &limits)?;
    }
    write(&arguments.models, &finished, &card.finish())
}

/// Every text, judged by a model that has seen nothing like it. Calibration and thresholds rest on these.
fn by_others<'example>(train: &[&'example Example]) -> Result<Vec<Judged<'example>>, Failure> {
    let folds: Vec<u64> = (0..FOLDS).collect();
    let judged = at_once(&folds, |fold| {
        let (mine, others): (Vec<&Example>, Vec<&Example>) =
            train.iter().copied().partition(|one| tenth(one) % FOLDS == *fold);
        Ok(judge(&fit::fit(&others, SEED), &mine))
    })?;
    Ok(judged.into_iter().flatten().collect())
}

/// Does something for each item, as many at once as there are cores, and gives the answers in the items' order.
fn at_once<Item: Sync, Answer: Send>(
    items: &[Item],
    work: impl Fn(&Item) -> Result<Answer, Failure> + Sync,
) -> Result<Vec<Answer>, Failure> {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let mut answers = Vec::with_capacity(items.len());
    for some in items.chunks(cores) {
        let work = &work;
        let made: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = some.iter().map(|item| scope.spawn(move || work(item))).collect();
            threads.into_iter().map(std::thread::ScopedJoinHandle::join).collect()
        });
        for answer in made {
            answers
                .push(answer.map_err(|_| Failure::Form("a thread of the fitting ended early".to_owned()))??);
        }
        say(&format!("fitted: {} of {}", answers.len(), items.len()));
    }
    Ok(answers)
}

fn only_look_alikes<'example>(judged: &[Judged<'example>]) -> Vec<Judged<'example>> {
    let look_alikes = judged.iter().filter(|one| is_look_alike(one.example));
    look_alikes.map(|one| Judged { example: one.example, values: one.values }).collect()
}

/// Texts to learn from, and benign ones that set thresholds.
fn read(folder: &Path, sources: &[Source]) -> Result<(Vec<Example>, Vec<Example>), Failure> {
    let mut examples = templates::examples()?;
    let mut benign = Vec::new();
    for source in sources {
        let mut read = texts::of_source(folder, source)?;
        if source.trains { &mut examples } else { &mut benign }.append(&mut read);
    }
    Ok((examples, benign))
}

/// Fits once without each of some sources, and sees what such a model makes of it.
fn hold_out(card: &mut Card, examples: &[Example], benign: &[&Example]) -> Result<(), Failure> {
    let judged = at_once(&HELD_OUT, |name| {
        let rest: Vec<&Example> =
            examples.iter().filter(|one| one.source != *name && !is_test(one)).collect();
        // What is nearly the same in another source would not be unseen.
        let groups: std::collections::HashSet<u64> = rest.iter().map(|one| one.group).collect();
        let unseen: Vec<&Example> =
            examples.iter().filter(|one| one.source == *name && !groups.contains(&one.group)).collect();
        if unseen.is_empty() {
            return Err(Failure::Form(format!("nothing of {name} is unlike the other sources")));
        }
        let model = fit::fit(&rest, SEED);
        Ok((judge(&model, &unseen), judge(&model, benign)))
    })?;
    for (name, (judged, benign)) in HELD_OUT.into_iter().zip(&judged) {
        for head in Head::ALL {
            if judged.iter().any(|one| one.example.truth(head) == Truth::Positive) {
                card.held_out(name, head, judged, benign);
            }
        }
    }
    Ok(())
}

/// Texts that decide nothing.
fn look(card: &mut Card, folder: &Path, model: &LinearModel, limits: &[Thresholds]) -> Result<(), Failure> {
    let list = |source| Failure::File { action: "listing", path: folder.to_path_buf(), source };
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(list)? {
        let name = entry.map_err(list)?.file_name();
        names.extend(name.to_str().and_then(|name| name.strip_suffix(".jsonl.gz")).map(str::to_owned));
    }
    names.sort();
    for name in names {
        let examples = texts::for_looking(folder, &name)?;
        let borrowed: Vec<&Example> = examples.iter().collect();
        card.looked(&name, &judge(model, &borrowed), limits);
        say(&format!("looked at: {name}"));
    }
    Ok(())
}

fn write(folder: &Path, model: &LinearModel, card: &str) -> Result<(), Failure> {
    for (name, bytes) in [("linear.bin", model.to_bytes()), ("README.md", card.as_bytes().to_vec())] {
        let path = folder.join(name);
        std::fs::write(&path, bytes).map_err(|source| Failure::File { action: "writing", path, source })?;
    }
    say(&format!("written to {}", folder.display()));
    Ok(())
}
