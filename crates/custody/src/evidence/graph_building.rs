//! Making a graph of keys from the key store, the history of choices, the policy and the log.

use std::collections::HashMap;

use fiducia_policy::{
    CaseId, ClauseOutcome, ConsentPurpose, ConversationId, Explanation, GroundKind, HoldId, KeyId, Timestamp,
};
use fiducia_store::{ControlStore, ConversationRecord, KeyKind, KeyNode, KeyStore, StoredRecord};

use super::causes::Causes;
use super::{
    DecidingClause, KeyEnd, KeyEndKind, KeyGraph, KeyGraphEdge, KeyGraphNode, KeyGraphTarget, KeyLayer,
};
use crate::destruction::ground_of;
use crate::reading::Reader;
use crate::retention::governance::{PersonTerms, conversation_facts, situation};
use crate::wrapping::ground_of_label;
use crate::{AdminError, Custody};

/// Keys of one conversation that are shown, the newest first.
const CONVERSATION_KEYS_MAX: u32 = 32;
/// Keys of its person that are looked at.
const SUBJECT_KEYS_MAX: u32 = 16;
/// Entries of the history that are looked at for the end of a yes about one purpose.
const HISTORY_MAX: u32 = 64;
const FLAGS_MAX: u32 = 1_000;

impl Reader {
    /// From which keys something hangs, and from which it hung.
    pub(super) fn key_graph(&self, target: KeyGraphTarget) -> Result<KeyGraph, AdminError> {
        // What is durable already comes under a checkpoint too, so that the entry about what just went is there.
        self.scribe.settle();
        let _reading = self.reading();
        let (control, keys) = (self.control()?, self.keys()?);
        let (conversation, record) = match target {
            KeyGraphTarget::Conversation(id) => (id, None),
            KeyGraphTarget::Record(id) => {
                let record = self.one_record(id)?;
                (record.conversation, Some(record))
            }
        };
        let conversation = control.conversation(conversation)?.ok_or_else(|| {
            AdminError::NotFound(format!("there is no {conversation}, or it is not indexed yet; ask again"))
        })?;
        let log = self.log_of(conversation.organization).ok();
        let subject = control.subject(conversation.subject)?;
        let causes = Causes {
            log: log.as_ref().map(|(log, _)| log),
            control: &control,
            organization: conversation.organization,
            pseudonym: subject.as_ref().and_then(|subject| subject.pseudonym),
            conversation: conversation.id,
        };
        let explanation = self.explanation_of(&control, &conversation)?;
        let records = if record.is_some() {
            1
        } else {
            u64::try_from(self.conversation_records(conversation.id)?.len()).unwrap_or(u64::MAX)
        };
        let mut drawing = Drawing {
            keys: &keys,
            control: &control,
            causes,
            explanation: explanation.as_ref(),
            conversation: &conversation,
            nodes: Vec::new(),
            places: HashMap::new(),
            edges: Vec::new(),
        };
        let is_cut = drawing.gather(record.as_ref())?;
        Ok(drawing.finished(record.as_ref(), records, self.clock.now(), is_cut))
    }

    /// What the policy in force says of a conversation.
    fn explanation_of(
        &self,
        control: &ControlStore,
        conversation: &ConversationRecord,
    ) -> Result<Option<Explanation>, AdminError> {
        let Some(terms) = self.callers.terms(conversation.organization) else { return Ok(None) };
        let person: PersonTerms =
            control.subject(conversation.subject)?.map_or_else(PersonTerms::default, |row| (&row).into());
        let mut facts = conversation_facts(terms, person, conversation);
        facts.flagged_at =
            control.flags(Some(conversation.id), FLAGS_MAX)?.iter().map(|flag| flag.flagged_at).max();
        let (_, policy) = self.governance.current();
        let situation = situation(terms, person, conversation.terms.class, conversation.terms.covered);
        Ok(Some(policy.explain(situation, &facts)))
    }
}

impl Custody {
    /// The graph of a conversation's keys for the person whose it is.
    pub(crate) fn own_key_graph(&self, conversation: ConversationId) -> Result<KeyGraph, AdminError> {
        let mut graph = self.reader().key_graph(KeyGraphTarget::Conversation(conversation))?;
        // A run's certificate is about many people; it is the organisation's to show.
        let control = self.reader().control()?;
        let owner = control.conversation(conversation)?.map(|found| found.subject);
        for node in &mut graph.nodes {
            let Some(end) = node.ended.as_mut() else { continue };
            let is_own = match &end.certificate {
                Some(reference) => control
                    .certificate(reference)?
                    .is_some_and(|record| record.subject == owner && owner.is_some()),
                None => false,
            };
            if !is_own {
                end.certificate = None;
            }
        }
        Ok(graph)
    }
}

/// A graph under construction.
struct Drawing<'a> {
    keys: &'a KeyStore,
    control: &'a ControlStore,
    causes: Causes<'a>,
    explanation: Option<&'a Explanation>,
    conversation: &'a ConversationRecord,
    nodes: Vec<KeyGraphNode>,
    places: HashMap<KeyId, usize>,
    edges: Vec<KeyGraphEdge>,
}

impl Drawing<'_> {
    /// Takes up every key of the conversation with what is above it. Gives whether there were more than are shown.
    fn gather(&mut self, record: Option<&StoredRecord>) -> Result<bool, AdminError> {
        let mut found = self.keys.conversation_keys_ever(self.conversation.id, CONVERSATION_KEYS_MAX + 1)?;
        let is_cut = found.len() > usize::try_from(CONVERSATION_KEYS_MAX).unwrap_or(usize::MAX);
        found.truncate(usize::try_from(CONVERSATION_KEYS_MAX).unwrap_or(usize::MAX));
        if let Some(record) = record {
            // Of living keys those that open the record; of destroyed ones every one may have been.
            let opens = |key: KeyId| record.wraps().any(|wrap| wrap.parent == key);
            found.retain(|node| node.destroyed_at.is_some() || opens(node.id));
        }
        found.reverse();
        for node in &found {
            let place = self.place(node, KeyLayer::Conversation)?;
            self.above(node, place)?;
        }
        Ok(is_cut)
    }

    fn finished(
        mut self,
        record: Option<&StoredRecord>,
        records: u64,
        now: Timestamp,
        is_cut: bool,
    ) -> KeyGraph {
        let content = self.nodes.len();
        let opening: Vec<usize> = self
            .nodes
            .iter()
            .enumerate()
            .filter(|(_, node)| node.layer == KeyLayer::Conversation)
            .map(|(place, _)| place)
            .collect();
        self.nodes.push(KeyGraphNode {
            key: None,
            layer: KeyLayer::Content,
            kind: "content".to_owned(),
            ground: None,
            purpose: None,
            label: String::new(),
            created_at: None,
            ends_at: None,
            ended: None,
            clause: None,
        });
        let edge = |from| KeyGraphEdge { from, to: content, ended: None, is_concluded: false };
        self.edges.extend(opening.into_iter().map(edge));
        let mut graph = KeyGraph {
            conversation: self.conversation.id,
            record: record.map(|record| record.id),
            records,
            seen_at: now,
            nodes: self.nodes,
            edges: self.edges,
            is_cut,
        };
        in_layers(&mut graph);
        graph
    }

    /// The place of a key among the nodes, taken up the first time.
    fn place(&mut self, node: &KeyNode, layer: KeyLayer) -> Result<usize, AdminError> {
        if let Some(place) = self.places.get(&node.id) {
            return Ok(*place);
        }
        let ground = match node.kind {
            KeyKind::ServiceRoot | KeyKind::Subject | KeyKind::SubjectApart => Some(GroundKind::Service),
            KeyKind::SubjectFeedback | KeyKind::FeedbackDay => Some(GroundKind::Feedback),
            KeyKind::SafetyDay => Some(GroundKind::SafetyWindow),
            KeyKind::ViolationDay => Some(GroundKind::Violation),
            KeyKind::Investigation => Some(GroundKind::Investigation),
            KeyKind::LegalHold => Some(GroundKind::LegalHold),
            _ => ground_of(node),
        };
        let purpose = match node.kind {
            KeyKind::PurposeRoot => node.label.parse::<ConsentPurpose>().ok(),
            _ => None,
        };
        let ended = self.causes.end_of(node)?;
        // What was destroyed for another reason than its time was not ended by that clause.
        let is_by_time = |end: &KeyEnd| matches!(end.reason.as_deref(), Some("retention" | "window_closed"));
        let is_decided = layer == KeyLayer::Conversation && ended.as_ref().is_none_or(is_by_time);
        let clause = ground.filter(|_| is_decided).and_then(|ground| self.clause(ground));
        let shown = KeyGraphNode {
            key: Some(node.id),
            layer,
            kind: node.kind.name().to_owned(),
            ground,
            purpose,
            label: label_of(node),
            created_at: Some(node.created_at),
            ends_at: node.ends_at.filter(|_| node.destroyed_at.is_none()),
            ended,
            clause,
        };
        self.nodes.push(shown);
        let place = self.nodes.len() - 1;
        self.places.insert(node.id, place);
        Ok(place)
    }

    /// Takes up what is above a key of the conversation.
    fn above(&mut self, node: &KeyNode, place: usize) -> Result<(), AdminError> {
        let parent = self.keys.edge(node.id)?.and_then(|edge| edge.parent);
        match (parent.map(|parent| self.keys.node(parent)).transpose()?.flatten(), node.kind) {
            (Some(parent), KeyKind::Conversation) => {
                let person = self.place(&parent, KeyLayer::Person)?;
                self.join(person, place, false);
                self.above_person(&parent, person)
            }
            (Some(parent), _) => {
                let root = self.place(&parent, KeyLayer::Root)?;
                self.join(root, place, false);
                Ok(())
            }
            // Its wrap is overwritten. What it hung from follows from its kind.
            (None, KeyKind::Conversation) => self.concluded_person(place),
            (None, KeyKind::ConversationSafety) => {
                let organization = self.conversation.organization;
                let roots = self.keys.roots_ever(organization, KeyKind::SafetyDay, &node.label, 1)?;
                self.concluded_root(roots.first(), place)
            }
            (None, _) => {
                let root = node.label.split_once(':').and_then(|(_, id)| id.parse::<KeyId>().ok());
                let root = root.map(|root| self.keys.node(root)).transpose()?.flatten();
                self.concluded_root(root.as_ref(), place)
            }
        }
    }

    /// Takes up what is above a key of the person: the service's root, and the roots of purposes with a path of consent, or that
    /// had one.
    fn above_person(&mut self, person: &KeyNode, place: usize) -> Result<(), AdminError> {
        if self.edges.iter().any(|edge| edge.to == place) {
            return Ok(());
        }
        let organization = self.conversation.organization;
        let parent = self.keys.edge(person.id)?.and_then(|edge| edge.parent);
        match parent.map(|parent| self.keys.node(parent)).transpose()?.flatten() {
            Some(root) => {
                let root = self.place(&root, KeyLayer::Root)?;
                self.join(root, place, false);
            }
            None => {
                let roots = self.keys.roots_ever(organization, KeyKind::ServiceRoot, "", 1)?;
                self.concluded_root(roots.first(), place)?;
            }
        }
        let open = self.keys.consent_roots(person.id)?;
        for root in &open {
            if let Some(root) = self.keys.node(*root)? {
                let root = self.place(&root, KeyLayer::Root)?;
                self.join(root, place, false);
            }
        }
        if !matches!(person.kind, KeyKind::Subject | KeyKind::SubjectFeedback) {
            return Ok(());
        }
        for purpose in ConsentPurpose::ALL {
            let fits = person.kind == KeyKind::Subject || purpose.name() == "feedback";
            let Some(root) = self.keys.root(organization, KeyKind::PurposeRoot, purpose.name())? else {
                continue;
            };
            if !fits || open.contains(&root.id) {
                continue;
            }
            if let Some(end) = self.end_of_consent(purpose)? {
                let root = self.place(&root, KeyLayer::Root)?;
                self.edges.push(KeyGraphEdge { from: root, to: place, ended: Some(end), is_concluded: true });
            }
        }
        Ok(())
    }

    /// How the last yes about a purpose ended, if there was one. The key store keeps no trace of a path of consent; the history of
    /// choices does.
    fn end_of_consent(&self, purpose: ConsentPurpose) -> Result<Option<KeyEnd>, AdminError> {
        let history =
            self.control.consent_history(self.conversation.subject, Some(purpose), None, HISTORY_MAX)?;
        let Some(yes) = history.iter().position(|record| record.state.permits()) else { return Ok(None) };
        let (at, reason, entry) = match yes.checked_sub(1).and_then(|next| history.get(next)) {
            Some(end) => (end.recorded_at, end.act.name(), self.control.consent_place(end.sequence)?),
            // The yes stands in the history and no path does: its time was over, or the plan asks no more.
            None => match history.get(yes).and_then(|record| record.valid_until) {
                Some(until) => (until, "expire", None),
                None => return Ok(None),
            },
        };
        let how = KeyEndKind::ConsentEnded;
        Ok(Some(KeyEnd { how, at, reason: Some(reason.to_owned()), entry, certificate: None }))
    }

    /// The person's key from which a destroyed key of the conversation hung, as far as it can be concluded.
    fn concluded_person(&mut self, place: usize) -> Result<(), AdminError> {
        let found = self.keys.subject_keys_ever(self.conversation.subject, SUBJECT_KEYS_MAX)?;
        let mut candidates = found.iter().filter(|node| node.replaced_by.is_none());
        if let (Some(only), None) = (candidates.next(), candidates.next()) {
            let person = self.place(only, KeyLayer::Person)?;
            self.join(person, place, true);
            return self.above_person(only, person);
        }
        let roots = self.keys.roots_ever(self.conversation.organization, KeyKind::ServiceRoot, "", 1)?;
        self.concluded_root(roots.first(), place)
    }

    fn concluded_root(&mut self, root: Option<&KeyNode>, place: usize) -> Result<(), AdminError> {
        if let Some(root) = root {
            let root = self.place(root, KeyLayer::Root)?;
            self.join(root, place, true);
        }
        Ok(())
    }

    fn join(&mut self, from: usize, to: usize, is_concluded: bool) {
        if !self.edges.iter().any(|edge| (edge.from, edge.to) == (from, to)) {
            self.edges.push(KeyGraphEdge { from, to, ended: None, is_concluded });
        }
    }

    /// The clause that decides when a ground of the conversation ends, or what opens it.
    fn clause(&self, ground: GroundKind) -> Option<DecidingClause> {
        let explained = self.explanation?.grounds.iter().find(|explained| explained.kind == ground)?;
        let decides = |outcome| explained.clauses.iter().find(move |clause| clause.outcome == outcome);
        let clause = decides(ClauseOutcome::Decides).or_else(|| decides(ClauseOutcome::Opens))?;
        Some(DecidingClause {
            rule: clause.rule.clone(),
            clause: clause.clause.clone(),
            term: match &clause.term {
                Some(term) => format!("{} {term}", clause.asks),
                None => clause.asks.to_owned(),
            },
            date: clause.date,
        })
    }
}

/// What tells a key from others of its kind.
fn label_of(node: &KeyNode) -> String {
    match node.kind {
        KeyKind::Investigation => {
            node.label.parse::<CaseId>().map_or_else(|_| node.label.clone(), |id| id.to_string())
        }
        KeyKind::LegalHold => {
            node.label.parse::<HoldId>().map_or_else(|_| node.label.clone(), |id| id.to_string())
        }
        // A bucket is no more than a place.
        KeyKind::Conversation => String::new(),
        // The ground is said beside it, and the key above is drawn.
        KeyKind::ConversationHeld if ground_of_label(&node.label).is_some() => String::new(),
        _ => node.label.clone(),
    }
}

/// Puts nodes in the order of their layers, and edges with them.
fn in_layers(graph: &mut KeyGraph) {
    let mut order: Vec<usize> = (0..graph.nodes.len()).collect();
    order.sort_by_key(|place| graph.nodes.get(*place).map(|node| node.layer));
    let mut moved = vec![0; order.len()];
    for (new, old) in order.iter().enumerate() {
        if let Some(place) = moved.get_mut(*old) {
            *place = new;
        }
    }
    let at = |old: usize| moved.get(old).copied().unwrap_or(old);
    for edge in &mut graph.edges {
        (edge.from, edge.to) = (at(edge.from), at(edge.to));
    }
    graph.nodes = order.iter().filter_map(|old| graph.nodes.get(*old).cloned()).collect();
}
