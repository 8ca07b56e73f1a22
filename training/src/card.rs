//! The model's card: what it was made from, and how well it does, the bad figures too.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use fiducia_safety::Provenance;
use fiducia_safety::evaluation::Measure;
use fiducia_safety::linear::{Head, LinearModel};

use crate::judge::{
    ACT_RATE, ACT_RATE_LOOK_ALIKES, ACT_RATE_ORDINARY, FLAG_RATE, FLAG_RATE_LOOK_ALIKES, FLAG_RATE_ORDINARY,
    Judged, Thresholds, any_reaching, figure, known, reaching, share_reaching,
};
use crate::sources::Source;
use crate::templates::SYNTHETIC;
use crate::texts::Truth;

/// Said when no source was held out.
const NOT_HELD_OUT: &str = "\n## Sources held out\n\nNot measured for this card: it was made with `--quick`. Expect much less than above.\n";

/// The card, section by section. Writing to a `String` does not fail.
pub(crate) struct Card {
    text: String,
    held_out: String,
    looked: String,
    known_failures: &'static str,
}

impl Card {
    pub(crate) fn new(model: &LinearModel, sources: &[Source]) -> Self {
        let mut text = String::from(include_str!("../card-begin.md"));
        let digest: String = model.digest().iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        });
        let _ = write!(
            text,
            "\nSHA-256 of the file before its last 32 bytes, which say the same: `{digest}`\n\n## Data\n\n"
        );
        text.push_str("| source | licence | language | used for |\n|---|---|---|---|\n");
        for source in sources {
            let heads: Vec<&str> = source.positives.iter().map(|head| head.name()).collect();
            let use_of = match (source.trains, heads.is_empty()) {
                (true, false) => heads.join(", "),
                (true, true) => "benign".to_owned(),
                (false, _) => "thresholds only; no weight is fitted to it".to_owned(),
            };
            let Source { name, from, licence, language, .. } = source;
            let _ = writeln!(text, "| {name}: {from} | {licence} | {language} | {use_of} |");
        }
        let _ = writeln!(
            text,
            "| texts written for the project, `training/templates/` | Apache-2.0 | mostly en | what no source has, and benign look-alikes; called synthetic |"
        );
        Self {
            text,
            held_out: String::new(),
            looked: String::new(),
            known_failures: include_str!("../card-end.md"),
        }
    }

    /// How often the model is wrong about benign texts.
    pub(crate) fn benign(
        &mut self,
        benign: &[Judged<'_>],
        look_alikes: &[Judged<'_>],
        limits: &[Thresholds],
    ) {
        let _ = write!(
            self.text,
            "\n## Benign texts\n\nThresholds are the lowest that keep three limits for every head. Of {} benign texts of sources that no weight was fitted to, at most {} % are \
             flagged and {} % are enough to act on. Of the look-alikes of each file of templates that is about a head, each judged by a model that knew neither it nor its \
             template, at most {} % and {} %; of those about work and everyday life, {} % and {} %. With so few benign texts the rate for acting rests on two of \
             them. The look-alikes in this table are others ({} texts of templates that were held back to the end).\n\n\
             | head | benign: flag | act | look-alikes held back: flag | act |\n|---|---|---|---|---|\n",
            benign.len(),
            FLAG_RATE * 100.0,
            ACT_RATE * 100.0,
            FLAG_RATE_LOOK_ALIKES * 100.0,
            ACT_RATE_LOOK_ALIKES * 100.0,
            FLAG_RATE_ORDINARY * 100.0,
            ACT_RATE_ORDINARY * 100.0,
            look_alikes.len(),
        );
        for (head, limit) in Head::ALL.into_iter().zip(limits) {
            let _ = writeln!(
                self.text,
                "| {} | {} | {} | {} | {} |",
                head.name(),
                reaching(benign, head, limit.flag),
                reaching(benign, head, limit.act),
                reaching(look_alikes, head, limit.flag),
                reaching(look_alikes, head, limit.act),
            );
        }
        let _ = writeln!(
            self.text,
            "| any head that is asked of a person's words | {} | {} | {} | {} |",
            any_reaching(benign, limits, false),
            any_reaching(benign, limits, true),
            any_reaching(look_alikes, limits, false),
            any_reaching(look_alikes, limits, true),
        );
    }

    /// Figures on texts of the sources that were learnt from, held back with everything that is alike.
    pub(crate) fn held_back(&mut self, judged: &[Judged<'_>], limits: &[Thresholds]) {
        self.text.push_str(
            "\n## Texts held back from the sources that were learnt from\n\nNothing like them was learnt from, but texts of the same hand were: such figures \
             flatter. Synthetic positives are of templates that were held back.\n\n\
             | head | positives | of them synthetic | negatives | AUPRC | recall at 1 % false positives | recall, flag | recall, act | F1, flag |\n\
             |---|---|---|---|---|---|---|---|---|\n",
        );
        for (head, limit) in Head::ALL.into_iter().zip(limits) {
            let sorted = known(judged, head);
            let synthetic = judged
                .iter()
                .filter(|one| one.example.source == SYNTHETIC && one.example.truth(head) == Truth::Positive)
                .count();
            let _ = writeln!(
                self.text,
                "| {} | {} | {synthetic} | {} | {} | {} | {} | {} | {} |",
                head.name(),
                sorted.positives(),
                sorted.count() - sorted.positives(),
                figure(&sorted, Measure::AveragePrecision),
                figure(&sorted, Measure::RecallAtFalsePositives(0.01)),
                figure(&sorted, Measure::RecallAt(limit.flag)),
                figure(&sorted, Measure::RecallAt(limit.act)),
                figure(&sorted, Measure::F1At(limit.flag)),
            );
        }
        self.text.push_str("\nBy source, with its own negatives where it has any:\n\n| source | head | positives | negatives | AUPRC | recall, flag | recall, act |\n|---|---|---|---|---|---|---|\n");
        let mut sources: BTreeMap<&str, Vec<Judged<'_>>> = BTreeMap::new();
        for one in judged {
            let copy = Judged { example: one.example, values: one.values };
            sources.entry(&one.example.source).or_default().push(copy);
        }
        for (source, judged) in sources {
            self.text.push_str(&rows_of(source, &judged, limits));
        }
    }

    /// What a model makes of a source that was kept from it.
    pub(crate) fn held_out(
        &mut self,
        source: &str,
        head: Head,
        judged: &[Judged<'_>],
        benign: &[Judged<'_>],
    ) {
        let limit = crate::judge::thresholds(benign, &[], head);
        let sorted = known(judged, head);
        let own = sorted.count() > sorted.positives();
        let _ = writeln!(
            self.held_out,
            "| {source} | {} | {} | {} | {} | {} | {} |",
            head.name(),
            sorted.positives(),
            sorted.count() - sorted.positives(),
            if own { figure(&sorted, Measure::AveragePrecision) } else { "-".to_owned() },
            figure(&sorted, Measure::RecallAt(limit.flag)),
            figure(&sorted, Measure::RecallAt(limit.act)),
        );
    }

    /// What the model makes of a set that decided nothing.
    pub(crate) fn looked(&mut self, name: &str, judged: &[Judged<'_>], limits: &[Thresholds]) {
        if judged.iter().all(|one| one.example.truths.iter().all(|truth| *truth == Truth::Negative)) {
            self.looked.push_str(&benign_rows(name, judged, limits));
        } else {
            self.looked.push_str(&rows_of(name, judged, limits));
        }
    }

    pub(crate) fn finish(self) -> String {
        let mut text = self.text;
        let head = "| source | head | positives | negatives | AUPRC | recall, flag | recall, act |\n|---|---|---|---|---|---|---|\n";
        if self.held_out.is_empty() {
            text.push_str(NOT_HELD_OUT);
        } else {
            let _ = write!(
                text,
                "\n## Sources held out\n\nFitted anew without the source and judged on it, thresholds from the benign texts alone. This is what to expect on traffic of another \
                 hand, and it is much worse.\n\n{head}{}",
                self.held_out
            );
        }
        if !self.looked.is_empty() {
            let _ = write!(
                text,
                "\n## Sets that were only looked at\n\nTheir licences forbid learning from them. No weight and no threshold comes from them. What two earlier models made of them told which kinds of look-alikes were lacking and how strict thresholds must be, so the figures are not blind. For benign sets, the \
                 last two columns are the share that any head flags or would act on.\n\n{head}{}",
                self.looked
            );
        }
        text.push_str(self.known_failures);
        text
    }
}

/// How often a benign set is flagged, and by which heads most.
fn benign_rows(name: &str, judged: &[Judged<'_>], limits: &[Thresholds]) -> String {
    let count = judged.len();
    let (flagged, acted) = (any_reaching(judged, limits, false), any_reaching(judged, limits, true));
    let mut rows = format!("| {name} | benign: any head | 0 | {count} | - | {flagged} | {acted} |\n");
    let asked = Head::ALL.into_iter().zip(limits).filter(|(head, _)| head.is_asked_of(Provenance::Person));
    let mut heads: Vec<(f32, Head, &Thresholds)> =
        asked.map(|(head, limit)| (share_reaching(judged, head, limit.flag), head, limit)).collect();
    heads.sort_by(|one, other| other.0.total_cmp(&one.0));
    for (_, head, limit) in heads.into_iter().take(4) {
        let (flagged, acted) = (reaching(judged, head, limit.flag), reaching(judged, head, limit.act));
        let _ =
            writeln!(rows, "| {name} | benign: {} | 0 | {count} | - | {flagged} | {acted} |", head.name());
    }
    rows
}

/// A row for each head of which a set has positives.
fn rows_of(name: &str, judged: &[Judged<'_>], limits: &[Thresholds]) -> String {
    let mut rows = String::new();
    for (head, limit) in Head::ALL.into_iter().zip(limits) {
        let sorted = known(judged, head);
        if sorted.positives() == 0 {
            continue;
        }
        let own = sorted.count() > sorted.positives();
        let _ = writeln!(
            rows,
            "| {name} | {} | {} | {} | {} | {} | {} |",
            head.name(),
            sorted.positives(),
            sorted.count() - sorted.positives(),
            if own { figure(&sorted, Measure::AveragePrecision) } else { "-".to_owned() },
            figure(&sorted, Measure::RecallAt(limit.flag)),
            figure(&sorted, Measure::RecallAt(limit.act)),
        );
    }
    rows
}
