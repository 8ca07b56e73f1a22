//! Evidence for those who check: the entries of a log with their proofs, the keys from which something hangs, and figures that say
//! how the mechanisms behind the promises stand. Nothing here opens content, and nothing says who somebody is.

mod causes;
pub(crate) mod commands;
mod entries;
mod figures;
mod graph;
mod graph_building;
mod proofs;

pub use commands::{EvidenceCommand, EvidenceReply, KeyGraphTarget};
pub use entries::{EntryFilter, EntryPage, EntryRow, EntryShape};
pub use figures::{
    AccessFigure, AuditFigures, Cosigned, DueFigure, LogFigures, PolicyFigure, RequestsFigure, WitnessFigures,
};
pub use graph::{
    DecidingClause, KeyEnd, KeyEndKind, KeyGraph, KeyGraphEdge, KeyGraphNode, KeyLayer, KeyPath,
};
pub use proofs::{Consistency, EntryProofShown, NamedSignature, ShownCheckpoint, ShownStep, SignatureKind};

use crate::{AdminError, Custody};

impl Custody {
    /// Answers a command on evidence.
    pub(crate) fn evidence(&self, command: EvidenceCommand) -> Result<EvidenceReply, AdminError> {
        let reader = self.reader();
        Ok(match command {
            EvidenceCommand::Entries { organization, filter, before, limit } => {
                EvidenceReply::Entries(reader.entries(organization, &filter, before, limit)?)
            }
            EvidenceCommand::Entry { organization, index } => {
                EvidenceReply::Entry(Box::new(reader.entry_proof(organization, index)?))
            }
            EvidenceCommand::Consistency { organization, from, to } => {
                EvidenceReply::Consistency(Box::new(reader.consistency(organization, from, to)?))
            }
            EvidenceCommand::KeyGraph { target } => {
                self.caught_up()?;
                EvidenceReply::KeyGraph(Box::new(reader.key_graph(target)?))
            }
            EvidenceCommand::Figures { organization } => {
                self.caught_up()?;
                EvidenceReply::Figures(Box::new(reader.figures(organization)?))
            }
        })
    }
}
