//! What an erasure reached and what it did not, in words that the person is given.

use std::collections::BTreeMap;

use fiducia_policy::{Explanation, GroundKind, LegalBasis, Timestamp};

use super::commands::{StillKept, StoreOutcome};
use crate::administration::{DestructionReport, KeptBecause};

/// What a policy says about grounds, by ground.
#[derive(Debug, Default)]
pub(super) struct KeptClauses(BTreeMap<&'static str, (Option<LegalBasis>, Vec<String>)>);

impl KeptClauses {
    pub(super) fn take_in(&mut self, explanation: &Explanation) {
        for ground in &explanation.grounds {
            let entry = self.0.entry(ground.kind.name()).or_default();
            entry.0 = entry.0.or(ground.basis);
            for clause in &ground.clauses {
                if !entry.1.contains(&clause.clause) {
                    entry.1.push(clause.clause.clone());
                }
            }
        }
    }

    /// One line for each ground that keeps something.
    pub(super) fn still_kept(&self, kept: &[KeptBecause]) -> Vec<StillKept> {
        let mut grounds: Vec<StillKept> = Vec::new();
        for one in kept {
            if let Some(found) = grounds.iter_mut().find(|found| found.ground == one.ground) {
                found.records = found.records.saturating_add(one.records);
                // The later end counts, and none is the latest.
                found.until = found.until.zip(one.until).map(|(a, b)| a.max(b));
                continue;
            }
            let (basis, clauses) = self.0.get(one.ground.name()).cloned().unwrap_or_default();
            grounds.push(StillKept {
                ground: one.ground,
                basis,
                records: one.records,
                until: one.until,
                clauses,
                sentence: String::new(),
            });
        }
        for ground in &mut grounds {
            ground.sentence = sentence(ground);
        }
        grounds
    }
}

fn sentence(kept: &StillKept) -> String {
    let until = kept.until.map_or_else(
        || "until what keeps them ends".to_owned(),
        |until| format!("until {}", until.strftime("%Y-%m-%d %H:%M UTC")),
    );
    let why = match kept.ground {
        GroundKind::LegalHold => {
            return format!(
                "{} record(s) are under a legal hold: a court or a law obliges us to keep them, so they were not destroyed \
                 (GDPR article 17(3)(b) and (e)). They are destroyed when the hold is released.",
                kept.records
            );
        }
        GroundKind::Investigation => "an investigation that is under way",
        GroundKind::Violation => "what was found to violate the rules",
        GroundKind::SafetyWindow => "the safety window",
        GroundKind::SafetyScore => "the scores of what was found",
        GroundKind::Feedback => "feedback that was given",
        GroundKind::Service => "the person's own use",
    };
    format!("{} record(s) are kept for {why} {until}; they can be read for that alone.", kept.records)
}

/// What an erasure did, in a few sentences.
pub(super) fn erasure_sentences(kept: &[StillKept]) -> Vec<String> {
    let mut sentences = vec![if kept.is_empty() {
        "Everything of yours was destroyed: nobody can read it any more, and nothing was left out.".to_owned()
    } else {
        "What was kept for your own use was destroyed: nobody can read it for that any more. Something stays, and this is \
         why:"
        .to_owned()
    }];
    sentences.extend(kept.iter().map(|ground| ground.sentence.clone()));
    sentences
}

/// What is known about the places after an erasure.
pub(super) struct ErasedStores<'a> {
    pub(super) destruction: &'a DestructionReport,
    pub(super) pseudonym_stays: bool,
    pub(super) files_removed: usize,
    pub(super) files_elsewhere: usize,
    pub(super) keeps_datasets: bool,
    pub(super) backup_days: Option<u32>,
    pub(super) now: Timestamp,
}

/// Every place where data of a person can lie, and what became of it.
pub(super) fn stores(erased: &ErasedStores<'_>) -> Vec<StoreOutcome> {
    let done = erased.destruction;
    let row = |store: &str, outcome: String| StoreOutcome { store: store.to_owned(), outcome };
    let tie = if erased.pseudonym_stays {
        "The tie between you and your pseudonym stays sealed in place until what is still kept ends, and is then forgotten."
    } else {
        "The tie between you and your pseudonym was forgotten, so that its entries lead to nobody."
    };
    let handed_over = match erased.files_elsewhere {
        0 => String::new(),
        count => format!(
            " {count} more were handed over to places that this program does not reach: whoever has them decides."
        ),
    };
    let datasets = if erased.keeps_datasets {
        "This installation keeps data sets; ask for the report on yours."
    } else {
        "No data sets exist in this installation, so none holds anything of yours."
    };
    let backups = match erased.backup_days {
        None => "This installation knows of no backups of the key store.".to_owned(),
        Some(days) => {
            let seconds = erased.now.as_second().saturating_add(i64::from(days) * 86_400);
            let until = Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX);
            format!(
                "Backups of the key store are kept {days} days: until {} one may still hold your keys, sealed.",
                until.strftime("%Y-%m-%d")
            )
        }
    };
    vec![
        row("keys (keys.db)", format!("{} keys were destroyed, read-back included.", done.keys_destroyed)),
        row("records (records/*.db)", format!("{} records were purged and overwritten.", done.records_purged)),
        row(
            "index (control.db)",
            format!(
                "{} conversations were marked destroyed; the digests of your name and of what you wrote, statements and notes \
                 about your requests were forgotten.",
                done.conversations
            ),
        ),
        row("journal (journal/)", "It was emptied into the records before they were purged.".to_owned()),
        row("ledger (ledger/)", format!("Its entries stay; they hold no personal data. {tie}")),
        row("mails", "They name certificates, never people.".to_owned()),
        row(
            "files made for you (exports/)",
            format!("{} of them were removed.{handed_over}", erased.files_removed),
        ),
        row("data sets", datasets.to_owned()),
        row("backups", backups),
        row(
            "model providers",
            "What a provider kept of a request it answered ends by the provider's own terms; the policy names them.".to_owned(),
        ),
    ]
}
