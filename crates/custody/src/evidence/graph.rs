//! A graph of keys as data: what hangs from what, what was destroyed and when, and what says so.

use fiducia_policy::{ConsentPurpose, ConversationId, GroundKind, KeyId, RecordId, Timestamp};

/// Paths of one graph that are told apart; a graph of a program that works has few.
const PATHS_MAX: usize = 128;

/// How far from the content a key is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyLayer {
    /// The root of a ground or of a purpose, which the key management service wraps.
    Root,
    /// A key of the person.
    Person,
    /// A key of the conversation.
    Conversation,
    /// What is sealed: the records themselves.
    Content,
}

impl KeyLayer {
    /// All layers, from the roots down.
    pub const ALL: [Self; 4] = [Self::Root, Self::Person, Self::Conversation, Self::Content];

    /// The name in texts.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Root => "root",
            Self::Person => "person",
            Self::Conversation => "conversation",
            Self::Content => "content",
        }
    }
}

/// How a key or a path came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyEndKind {
    /// It was destroyed for good, and with it what only it opened.
    Destroyed,
    /// Another key took its place; nothing ended by that. The log does not tell of it.
    Replaced,
    /// The person took a yes back, or it came to its end: the path from the purpose was destroyed.
    ConsentEnded,
}

impl KeyEndKind {
    /// All kinds.
    pub const ALL: [Self; 3] = [Self::Destroyed, Self::Replaced, Self::ConsentEnded];

    /// The name in texts.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Destroyed => "destroyed",
            Self::Replaced => "replaced",
            Self::ConsentEnded => "consent-ended",
        }
    }
}

/// An end, and what proves it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct KeyEnd {
    /// How.
    pub how: KeyEndKind,
    /// When, by the key store's tombstone or the history of choices.
    pub at: Timestamp,
    /// Why, in the log's own word, such as `deletion` or `retention`; the act, where consent ended.
    pub reason: Option<String>,
    /// The entry of the organisation's log that tells of it, where one was found.
    pub entry: Option<u64>,
    /// The certificate about it, by its number, where one was found.
    pub certificate: Option<String>,
}

/// The clause of the policy in force that decides when a ground ends.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct DecidingClause {
    /// The rule's id.
    pub rule: String,
    /// The clause in words, as the policy has it.
    pub clause: String,
    /// What it asks for, such as `delete`, and its term, such as `30 days after deletion`.
    pub term: String,
    /// The date that this gives.
    pub date: Option<Timestamp>,
}

/// A key, or the content.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct KeyGraphNode {
    /// Which key; `None` for the content.
    pub key: Option<KeyId>,
    /// How far from the content.
    pub layer: KeyLayer,
    /// What it is for, such as `safety-day`; `content` for the content.
    pub kind: String,
    /// The ground that it belongs to.
    pub ground: Option<GroundKind>,
    /// The purpose that people are asked about, for the root of one.
    pub purpose: Option<ConsentPurpose>,
    /// What tells it from others of its kind: a day, the id of a case or a hold; else empty.
    pub label: String,
    /// Made when; `None` for the content.
    pub created_at: Option<Timestamp>,
    /// When it is looked at next because its ground may end then.
    pub ends_at: Option<Timestamp>,
    /// How it ended.
    pub ended: Option<KeyEnd>,
    /// What decides about its ground, where that can be said.
    pub clause: Option<DecidingClause>,
}

/// A key that opens another, or the content.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct KeyGraphEdge {
    /// The place of the key that opens, among the nodes.
    pub from: usize,
    /// The place of what it opens.
    pub to: usize,
    /// How this path ended, where it did without its keys.
    pub ended: Option<KeyEnd>,
    /// Whether it is concluded rather than read: the wraps of what was destroyed are overwritten, so from which key it hung is
    /// known by its kind alone.
    pub is_concluded: bool,
}

/// From which keys something hangs, and from which it hung.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct KeyGraph {
    /// The conversation.
    pub conversation: ConversationId,
    /// The record, where it is about one.
    pub record: Option<RecordId>,
    /// How many sealed records there are.
    pub records: u64,
    /// As of when.
    pub seen_at: Timestamp,
    /// Keys, from the roots down, and at the end the content.
    pub nodes: Vec<KeyGraphNode>,
    /// What opens what.
    pub edges: Vec<KeyGraphEdge>,
    /// Whether there were more keys than are shown; the oldest are left out.
    pub is_cut: bool,
}

/// A way from a root to the content.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct KeyPath {
    /// The places of its keys among the nodes, from the root to the content.
    pub nodes: Vec<usize>,
    /// The first thing on it that ended; `None` while it is whole, so that what it is for can be read.
    pub ended: Option<KeyEnd>,
    /// Whether a part of it is concluded rather than read.
    pub is_concluded: bool,
}

impl KeyGraph {
    /// Every way from a root to the content, those that are whole first, at most 128.
    pub fn paths(&self) -> Vec<KeyPath> {
        let Some(content) = self.nodes.len().checked_sub(1) else { return Vec::new() };
        let mut paths = Vec::new();
        let mut open = vec![KeyPath { nodes: vec![content], ended: None, is_concluded: false }];
        while let Some(path) = open.pop() {
            let first = path.nodes.first().copied().unwrap_or(content);
            let is_too_long = path.nodes.len() > self.nodes.len();
            let above: Vec<&KeyGraphEdge> = self.edges.iter().filter(|edge| edge.to == first).collect();
            if above.is_empty() || is_too_long {
                if path.nodes.len() > 1 && paths.len() < PATHS_MAX {
                    paths.push(path);
                }
                continue;
            }
            if open.len() >= PATHS_MAX {
                continue;
            }
            for edge in above {
                let mut nodes = vec![edge.from];
                nodes.extend(&path.nodes);
                let own = self.nodes.get(edge.from).and_then(|node| node.ended.as_ref());
                let ends = [path.ended.as_ref(), edge.ended.as_ref(), own].into_iter().flatten();
                let ended = ends.min_by_key(|end| end.at).cloned();
                open.push(KeyPath { nodes, ended, is_concluded: path.is_concluded || edge.is_concluded });
            }
        }
        paths.sort_by_key(|path| (path.ended.is_some(), path.nodes.clone()));
        paths
    }

    /// Whether any way to the content is whole.
    pub fn is_readable(&self) -> bool {
        self.paths().iter().any(|path| path.ended.is_none())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(layer: KeyLayer, ended: Option<i64>) -> KeyGraphNode {
        let end = |seconds| KeyEnd {
            how: KeyEndKind::Destroyed,
            at: Timestamp::from_second(seconds).unwrap(),
            reason: None,
            entry: None,
            certificate: None,
        };
        KeyGraphNode {
            key: None,
            layer,
            kind: String::new(),
            ground: None,
            purpose: None,
            label: String::new(),
            created_at: None,
            ends_at: None,
            ended: ended.map(end),
            clause: None,
        }
    }

    fn graph(nodes: Vec<KeyGraphNode>, edges: &[(usize, usize)]) -> KeyGraph {
        let edge = |(from, to): &(usize, usize)| KeyGraphEdge {
            from: *from,
            to: *to,
            ended: None,
            is_concluded: false,
        };
        KeyGraph {
            conversation: ConversationId::from_bytes([1; 16]),
            record: None,
            records: 1,
            seen_at: Timestamp::UNIX_EPOCH,
            nodes,
            edges: edges.iter().map(edge).collect(),
            is_cut: false,
        }
    }

    #[test]
    fn a_path_ends_with_the_first_of_its_keys_and_another_stays_whole() {
        let nodes = vec![
            node(KeyLayer::Root, None),
            node(KeyLayer::Root, Some(5)),
            node(KeyLayer::Person, None),
            node(KeyLayer::Conversation, None),
            node(KeyLayer::Conversation, Some(9)),
            node(KeyLayer::Content, None),
        ];
        let graph = graph(nodes, &[(0, 2), (2, 3), (3, 5), (1, 4), (4, 5)]);
        let paths = graph.paths();
        let told: Vec<_> = paths
            .iter()
            .map(|path| (path.nodes.clone(), path.ended.as_ref().map(|end| end.at.as_second())))
            .collect();
        assert_eq!(told, [(vec![0, 2, 3, 5], None), (vec![1, 4, 5], Some(5))]);
        assert!(graph.is_readable());
    }

    #[test]
    fn a_graph_that_loops_ends_all_the_same() {
        let nodes =
            vec![node(KeyLayer::Root, None), node(KeyLayer::Person, None), node(KeyLayer::Content, None)];
        assert!(graph(nodes, &[(0, 1), (1, 0), (1, 2)]).paths().len() <= PATHS_MAX);
        assert!(!graph(Vec::new(), &[]).is_readable());
        assert!(!graph(vec![node(KeyLayer::Content, None)], &[]).is_readable());
    }
}
