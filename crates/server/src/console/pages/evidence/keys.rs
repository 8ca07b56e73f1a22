//! `/evidence/keys`: from which keys a conversation or a record hangs, and from which it hung. The same drawing stands on the page of
//! whoever's conversation it is.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use fiducia_custody::{
    EvidenceCommand, EvidenceReply, KeyEnd, KeyGraph, KeyGraphNode, KeyGraphTarget, KeyLayer,
};
use http::StatusCode;

use super::{EVIDENCE, Reach, ask, staff, text_or_name};
use crate::console::Console;
use crate::console::frame::Frame;
use crate::console::refusal::Refusal;
use crate::console::texts::Language;
use crate::console::visitor::{Member, Shared};
use crate::drawing::{Drawing, LayeredBox, LayeredEdge, layered};

pub(super) fn routes() -> Router<Arc<Console>> {
    Router::new().route("/evidence/keys", get(find)).route("/evidence/keys/{id}", get(show))
}

/// A graph in words and as a drawing, for any page.
pub(in crate::console::pages) struct GraphView {
    pub(in crate::console::pages) drawing: Drawing,
    pub(in crate::console::pages) paths: Vec<PathRow>,
    pub(in crate::console::pages) ends: Vec<EndRow>,
    pub(in crate::console::pages) is_readable: bool,
    pub(in crate::console::pages) is_cut: bool,
}

/// A path to the content, in words.
pub(in crate::console::pages) struct PathRow {
    pub(in crate::console::pages) of: String,
    pub(in crate::console::pages) keys: String,
    pub(in crate::console::pages) is_open: bool,
    pub(in crate::console::pages) state: String,
    pub(in crate::console::pages) rule: Option<(String, String)>,
    pub(in crate::console::pages) is_concluded: bool,
}

/// Something that ended, with what tells of it.
pub(in crate::console::pages) struct EndRow {
    pub(in crate::console::pages) what: String,
    pub(in crate::console::pages) key: String,
    pub(in crate::console::pages) at: (String, String),
    pub(in crate::console::pages) how: String,
    pub(in crate::console::pages) entry: Option<u64>,
    pub(in crate::console::pages) certificate: Option<String>,
    pub(in crate::console::pages) is_untold: bool,
}

/// What puts words to a graph: a page's language.
pub(in crate::console::pages) fn graph_view(frame: &Frame, graph: &KeyGraph) -> GraphView {
    let words = Wording { language: frame.language };
    let paths = graph.paths();
    let rows = paths.iter().map(|path| {
        let of = |place: &usize| graph.nodes.get(*place);
        let root = path.nodes.first().and_then(of);
        let last = path.nodes.iter().rev().nth(1).and_then(of);
        let keys = path.nodes.iter().filter_map(of).map(|node| words.named(node));
        let ends_at = path.nodes.iter().filter_map(|place| of(place)?.ends_at).min();
        PathRow {
            of: root.map(|root| words.purpose(root)).unwrap_or_default(),
            keys: keys.collect::<Vec<_>>().join(" → "),
            is_open: path.ended.is_none(),
            state: match (&path.ended, ends_at) {
                (Some(end), _) => words.end(end),
                (None, Some(at)) => frame.text_with("evidence-key-until", "date", frame.day(&at)),
                (None, None) => frame.text("evidence-key-open"),
            },
            rule: last
                .and_then(|node| node.clause.as_ref())
                .map(|clause| (format!("{}: {}", clause.rule, clause.term), clause.clause.clone())),
            is_concluded: path.is_concluded,
        }
    });
    GraphView {
        paths: rows.collect(),
        ends: ends(frame, &words, graph),
        drawing: drawn(&words, graph),
        is_readable: graph.is_readable(),
        is_cut: graph.is_cut,
    }
}

fn ends(frame: &Frame, words: &Wording, graph: &KeyGraph) -> Vec<EndRow> {
    let row = |what: String, key: String, end: &KeyEnd| EndRow {
        what,
        key,
        at: (frame.machine_instant(&end.at), frame.instant(&end.at)),
        how: match &end.reason {
            Some(reason) => format!(
                "{}: {}",
                frame.text_of("evidence-key-end", end.how.name()),
                text_or_name(frame, "evidence-key-reason", reason)
            ),
            None => frame.text_of("evidence-key-end", end.how.name()),
        },
        entry: end.entry,
        certificate: end.certificate.clone(),
        is_untold: end.entry.is_none() && end.certificate.is_none(),
    };
    let nodes = graph.nodes.iter().filter_map(|node| {
        let key = node.key.map(|key| key.to_string()).unwrap_or_default();
        Some((node.ended.as_ref()?.at, row(words.named(node), key, node.ended.as_ref()?)))
    });
    let edges = graph.edges.iter().filter_map(|edge| {
        let (end, root) = (edge.ended.as_ref()?, graph.nodes.get(edge.from)?);
        let what = frame.text_with("evidence-key-path-of", "purpose", words.purpose(root));
        Some((end.at, row(what, String::new(), end)))
    });
    let mut rows: Vec<_> = nodes.chain(edges).collect();
    rows.sort_by_key(|(at, _)| *at);
    rows.into_iter().map(|(_, row)| row).collect()
}

/// The words of a drawing in one language.
struct Wording {
    language: Language,
}

impl Wording {
    fn text_of(&self, kind: &str, name: &str) -> String {
        self.language.text(&format!("{kind}-{name}"))
    }

    /// What a key is, with what tells it from others.
    fn named(&self, node: &KeyGraphNode) -> String {
        let kind = self.kind(node);
        if node.label.is_empty() || node.purpose.is_some() { kind } else { format!("{kind} {}", node.label) }
    }

    fn kind(&self, node: &KeyGraphNode) -> String {
        match node.purpose {
            Some(purpose) => self.text_of("centre-purpose", purpose.name()),
            None => self.text_of("evidence-key", &node.kind),
        }
    }

    /// What a root is for.
    fn purpose(&self, node: &KeyGraphNode) -> String {
        match (node.purpose, node.ground) {
            (Some(purpose), _) => self.text_of("centre-purpose", purpose.name()),
            (None, Some(ground)) => self.text_of("evidence-ground", ground.name()),
            (None, None) => self.kind(node),
        }
    }

    fn day(&self, at: &fiducia_policy::Timestamp) -> String {
        at.strftime(self.language.day_form()).to_string()
    }

    fn end(&self, end: &KeyEnd) -> String {
        let name = format!("evidence-key-{}-at", end.how.name());
        self.language.text_with(&name, &[("date", self.day(&end.at).into())])
    }

    /// How a key stands.
    fn state(&self, node: &KeyGraphNode, graph: &KeyGraph) -> String {
        match (&node.ended, node.ends_at, node.layer) {
            (Some(end), ..) => self.end(end),
            (None, _, KeyLayer::Content) if !graph.is_readable() => {
                self.language.text("evidence-key-unreadable")
            }
            (None, _, KeyLayer::Content) => {
                let records = i64::try_from(graph.records).unwrap_or(i64::MAX);
                self.language.text_with("evidence-key-records", &[("count", records.into())])
            }
            (None, Some(at), _) => {
                self.language.text_with("evidence-key-until", &[("date", self.day(&at).into())])
            }
            (None, None, _) => self.language.text("evidence-key-open"),
        }
    }
}

fn drawn(words: &Wording, graph: &KeyGraph) -> Drawing {
    let layer =
        |node: &KeyGraphNode| KeyLayer::ALL.iter().position(|layer| *layer == node.layer).unwrap_or(0);
    let boxes: Vec<LayeredBox> = graph
        .nodes
        .iter()
        .map(|node| {
            let label = match node.key {
                Some(key) if node.label.is_empty() => key.to_string(),
                _ => node.label.clone(),
            };
            let is_gone = node.ended.is_some() || (node.layer == KeyLayer::Content && !graph.is_readable());
            LayeredBox {
                layer: layer(node),
                texts: [words.kind(node), label, words.state(node, graph)],
                is_gone,
            }
        })
        .collect();
    let edges: Vec<LayeredEdge> = graph
        .edges
        .iter()
        .map(|edge| {
            let gone = |place: usize| graph.nodes.get(place).is_some_and(|node| node.ended.is_some());
            LayeredEdge {
                from: edge.from,
                to: edge.to,
                is_gone: edge.ended.is_some() || gone(edge.from) || gone(edge.to),
            }
        })
        .collect();
    let headings = KeyLayer::ALL.map(|layer| words.text_of("evidence-key-layer", layer.name()));
    let paths = graph.paths();
    let open = paths.iter().filter(|path| path.ended.is_none()).count();
    let counts = |count: usize| fluent_bundle::FluentValue::from(i64::try_from(count).unwrap_or(i64::MAX));
    let description = words.language.text_with(
        "evidence-key-drawn",
        &[("open", counts(open)), ("ended", counts(paths.len().saturating_sub(open)))],
    );
    layered(("keys", words.language.text("evidence-keys"), description), &headings, &boxes, &edges)
}

/// The drawing of a graph as a file of its own, in English.
pub(crate) fn standalone(graph: &KeyGraph) -> Result<String, askama::Error> {
    drawn(&Wording { language: Language::English }, graph).alone()
}

#[derive(Default, serde::Deserialize)]
struct Asked {
    #[serde(default)]
    id: String,
}

#[derive(Template)]
#[template(path = "console/evidence_keys.html")]
struct KeysPage<'a> {
    frame: &'a Frame,
    reach: Reach,
    typed: &'a str,
    target: String,
    view: Option<GraphView>,
    problem: bool,
}

/// What an id names: by its beginning, as lists show it.
fn target(id: &str) -> Option<KeyGraphTarget> {
    let id = id.trim();
    if id.starts_with("rec_") {
        return id.parse().ok().map(KeyGraphTarget::Record);
    }
    id.parse().ok().map(KeyGraphTarget::Conversation)
}

async fn find(
    State(console): Shared,
    Query(asked): Query<Asked>,
    member: Member,
) -> Result<Response, Refusal> {
    let staff = staff(&member.visitor)?;
    let reach = Reach::of(&staff);
    if !reach.keys {
        return Err(Refusal::Forbidden("your role does not permit it".to_owned()));
    }
    if let Some(found) = target(&asked.id) {
        let id = match found {
            KeyGraphTarget::Conversation(id) => id.to_string(),
            KeyGraphTarget::Record(id) => id.to_string(),
        };
        return Ok(Redirect::to(&format!("/evidence/keys/{id}")).into_response());
    }
    let frame = Frame::new(&console, &member.visitor, home(&reach));
    let problem = !asked.id.trim().is_empty();
    let page =
        KeysPage { frame: &frame, reach, typed: &asked.id, target: String::new(), view: None, problem };
    Ok(frame.show(if problem { StatusCode::BAD_REQUEST } else { StatusCode::OK }, &page))
}

async fn show(State(console): Shared, Path(id): Path<String>, member: Member) -> Result<Response, Refusal> {
    let staff = staff(&member.visitor)?;
    let target = target(&id).ok_or(Refusal::NotFound)?;
    let EvidenceReply::KeyGraph(graph) = ask(&console, &staff, EvidenceCommand::KeyGraph { target }).await?
    else {
        return Err(Refusal::Unavailable);
    };
    let reach = Reach::of(&staff);
    let frame = Frame::new(&console, &member.visitor, home(&reach));
    let page = KeysPage {
        view: Some(graph_view(&frame, &graph)),
        frame: &frame,
        reach,
        typed: "",
        target: graph.record.map_or_else(|| graph.conversation.to_string(), |record| record.to_string()),
        problem: false,
    };
    Ok(frame.show(StatusCode::OK, &page))
}

/// The page of the navigation that leads here.
fn home(reach: &Reach) -> &'static str {
    if reach.figures { EVIDENCE.path } else { super::KEYS.path }
}
