//! A report as a document for archives.

use fiducia_custody::{AuditedPromise, PromiseStanding, Verdict, VerifiedAuditReport};

use super::page::{check_with, source, standing_summary};
use crate::output::instant;
use crate::output::paper::{Block, BlockKind, ItemMark, PaperProblem, PaperTitle, paper};

/// The document of a verified report.
///
/// # Errors
/// When it would break a rule of its format.
pub(super) fn render(
    verified: &VerifiedAuditReport,
    verifier_keys: &[String],
) -> Result<Vec<u8>, PaperProblem> {
    let report = &verified.report;
    let title = PaperTitle {
        title: format!("Audit report {}", report.reference),
        footer: report.reference.clone(),
        made_at: report.made_at,
    };
    let mut blocks = vec![
        block(BlockKind::Heading(1), &title.title),
        block(
            BlockKind::Paragraph,
            &format!(
                "What this installation could show on {} for each promise about {}, and what it could not.",
                instant(report.made_at),
                report.organization.name
            ),
        ),
        block(BlockKind::Paragraph, &standing_summary(report)),
        block(BlockKind::Heading(2), "The log"),
    ];
    let log = &report.log;
    blocks.push(block(BlockKind::Paragraph, &format!("{}, {} entries.", log.origin, log.size)));
    if log.findings.is_empty() {
        blocks.push(item(ItemMark::Good, "Every byte of it leads to its signed checkpoint."));
    }
    blocks.extend(log.findings.iter().map(|finding| item(ItemMark::Bad, finding)));
    for witness in &log.witnesses {
        let (mark, said) = super::page::witness(witness);
        blocks.push(item(if mark { ItemMark::Good } else { ItemMark::Missing }, &said));
    }
    blocks.push(block(
        BlockKind::Remark,
        "The checkpoint; whoever keeps it can hold every later one against it:",
    ));
    blocks.extend(
        log.checkpoint.lines().filter(|line| !line.is_empty()).map(|line| block(BlockKind::Remark, line)),
    );
    for standing in PromiseStanding::ALL.into_iter().rev() {
        let promises: Vec<_> =
            report.promises.iter().filter(|promise| promise.standing == standing).collect();
        if promises.is_empty() {
            continue;
        }
        let heading = format!("Promises that are {} ({})", standing.in_words(), promises.len());
        blocks.push(block(BlockKind::Heading(2), &heading));
        for promise in promises {
            about(promise, &mut blocks);
        }
    }
    blocks.push(block(BlockKind::Heading(2), "How to check this"));
    blocks.extend(check_with(verified).iter().map(|line| block(BlockKind::Paragraph, line)));
    blocks.extend(verifier_keys.iter().map(|key| block(BlockKind::Remark, key)));
    paper(&title, &blocks)
}

fn about(promise: &AuditedPromise, blocks: &mut Vec<Block>) {
    blocks.push(block(BlockKind::Heading(3), &format!("{}  {}", promise.promise, promise.statement)));
    for evidence in &promise.evidence {
        let mark = match evidence.verdict {
            Verdict::Figure => ItemMark::Plain,
            Verdict::Holds => ItemMark::Good,
            Verdict::Fails => ItemMark::Bad,
        };
        let text = format!("{}: {} ({})", evidence.what, evidence.found, source(&evidence.source));
        blocks.push(item(mark, &text));
    }
    blocks.extend(promise.not_shown.iter().map(|sentence| item(ItemMark::Missing, sentence)));
}

fn block(kind: BlockKind, text: &str) -> Block {
    Block { kind, text: text.to_owned() }
}

fn item(mark: ItemMark, text: &str) -> Block {
    block(BlockKind::Item(mark), text)
}
