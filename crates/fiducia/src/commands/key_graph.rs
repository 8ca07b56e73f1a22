//! `keys graph`: from which keys something hangs, as a tree of text and as a drawing.

use std::path::Path;

use fiducia_custody::{
    AdminCommand, AdminReply, DestructionScope, EvidenceCommand, EvidenceReply, KeyEnd, KeyEndKind, KeyGraph,
    KeyGraphNode, KeyGraphTarget,
};

use crate::arguments::DataOptions;
use crate::failure::{ExitStatus, Failure};
use crate::output::{Output, count_of, escape_line, instant, remark};
use crate::session::Session;

pub(super) fn run(
    target: DestructionScope,
    svg: Option<&Path>,
    data: &DataOptions,
) -> Result<ExitStatus, Failure> {
    let target = match target {
        DestructionScope::Conversation(id) => KeyGraphTarget::Conversation(id),
        DestructionScope::Record(id) => KeyGraphTarget::Record(id),
        DestructionScope::Subject(_) => {
            return Err(Failure::Argument("name a conversation (conv_…) or a record (rec_…)".into()));
        }
    };
    let session = Session::open(data)?;
    let command = AdminCommand::Evidence(EvidenceCommand::KeyGraph { target });
    let AdminReply::Evidence(EvidenceReply::KeyGraph(graph)) = session.send(command)? else {
        return Err(Failure::UnexpectedReply("evidence"));
    };
    session.close();
    let mut output = Output::standard(data.json);
    if output.json() {
        output.value(&graph)?;
    } else {
        print(&mut output, &graph)?;
    }
    output.finish()?;
    if let Some(path) = svg {
        let drawing = fiducia_server::key_graph_drawing(&graph)
            .map_err(|error| Failure::Output(std::io::Error::other(error)))?;
        std::fs::write(path, drawing).map_err(|cause| Failure::File {
            doing: "write the drawing to",
            path: path.to_owned(),
            cause,
        })?;
        remark(format_args!("wrote {}", path.display()));
    }
    Ok(ExitStatus::Success)
}

fn print(output: &mut Output, graph: &KeyGraph) -> Result<(), Failure> {
    output.line(format_args!("conversation  {}", graph.conversation))?;
    if let Some(record) = graph.record {
        output.line(format_args!("record        {record}"))?;
    }
    let readable = if graph.is_readable() { "a path to it is whole" } else { "no path to it is left" };
    output.line(format_args!("{}, {readable}", count_of(graph.records, "sealed record")))?;
    output.line("")?;
    for place in 0..graph.nodes.len() {
        if !graph.edges.iter().any(|edge| edge.to == place) {
            tree(output, graph, place, &mut Vec::new())?;
        }
    }
    let ended =
        graph.edges.iter().filter_map(|edge| Some((graph.nodes.get(edge.from)?, edge.ended.as_ref()?)));
    for (root, end) in ended {
        output.line(format_args!("the path for {} {}", escape_line(&root.label), told(end)))?;
    }
    if graph.nodes.iter().any(|node| node.ended.is_some()) {
        output.line("")?;
        output.line(
            "The log counts destroyed keys by time and kind and names none, so that it leads to nobody.",
        )?;
    }
    if graph.edges.iter().any(|edge| edge.is_concluded) {
        output.line("From what a destroyed key hung is concluded from its kind: its wrap is overwritten.")?;
    }
    if graph.is_cut {
        output.line("There were more keys than are shown; the oldest are left out.")?;
    }
    Ok(())
}

/// Prints a node and what it opens beneath it, each level indented. `above` keeps a damaged graph from going round for ever.
fn tree(output: &mut Output, graph: &KeyGraph, place: usize, above: &mut Vec<usize>) -> Result<(), Failure> {
    let Some(node) = graph.nodes.get(place) else { return Ok(()) };
    output.line(format_args!("{}{}", "  ".repeat(above.len()), line(node)))?;
    if let Some(clause) = &node.clause {
        let indent = "  ".repeat(above.len() + 2);
        output.line(format_args!("{indent}[{}] {}", escape_line(&clause.rule), escape_line(&clause.term)))?;
    }
    if above.contains(&place) {
        return Ok(());
    }
    above.push(place);
    for edge in graph.edges.iter().filter(|edge| edge.from == place && edge.ended.is_none()) {
        tree(output, graph, edge.to, above)?;
    }
    above.pop();
    Ok(())
}

fn line(node: &KeyGraphNode) -> String {
    let mut words = vec![node.kind.clone()];
    if !node.label.is_empty() {
        words.push(escape_line(&node.label));
    }
    if let Some(key) = node.key {
        words.push(key.to_string());
    }
    match (&node.ended, node.ends_at) {
        (Some(end), _) => words.push(format!("- {}", told(end))),
        (None, Some(at)) => words.push(format!("- until {}", instant(at))),
        (None, None) => {}
    }
    words.join(" ")
}

fn told(end: &KeyEnd) -> String {
    let how = match end.how {
        KeyEndKind::Destroyed => "destroyed",
        KeyEndKind::Replaced => "replaced by another key",
        KeyEndKind::ConsentEnded => "ended with a yes",
    };
    let mut told = format!("{how} {}", instant(end.at));
    if let Some(reason) = &end.reason {
        told.extend([" (", &escape_line(reason), ")"]);
    }
    if let Some(entry) = end.entry {
        told.extend([", ledger entry ", &entry.to_string()]);
    }
    if let Some(reference) = &end.certificate {
        told.extend([", ", reference.as_ref()]);
    }
    told
}
