//! Why a record is kept: the paths that exist and the rules that say so; what the worker would do; what is kept in all.

use std::collections::BTreeMap;

use fiducia_policy::{CaseId, Facts, GroundKind, HoldId, RecordId, Timestamp};
use fiducia_store::{BucketName, KeyKind, KeyNode};

use super::commands::{
    CensusRow, ExplainedPath, RecordExplanation, RetentionCommand, RetentionProgress, RetentionReply,
};
use super::governance::{conversation_facts, situation};
use crate::AdminError;
use crate::reading::end_of;
use crate::wrapping::ground_of_label;
use crate::writer::Writer;

/// Keys looked at in one step of a preview.
const KEYS_PER_STEP: u32 = 1_000;
/// Conversations counted in one step of a census.
const CONVERSATIONS_PER_STEP: u32 = 1_000;

impl Writer {
    /// Carries a command on retention out.
    pub(crate) fn govern(&mut self, command: RetentionCommand) -> Result<RetentionReply, AdminError> {
        match command {
            RetentionCommand::PublishPolicy { source, actor } => self.publish_policy(source, &actor),
            RetentionCommand::ListPolicies => self.list_policies(),
            RetentionCommand::ShowPolicy { version } => self.show_policy(version),
            RetentionCommand::ChangeTerms { organization, change } => self.change_terms(organization, change),
            RetentionCommand::SetCoveredModels { organization, workspace, enabled } => {
                self.set_covered_models(organization, &workspace, enabled)
            }
            RetentionCommand::SetPersonPlan { subject, plan } => self.set_person_plan(subject, plan),
            RetentionCommand::SetTraining { subject, allowed, actor } => {
                self.set_training(subject, allowed, &actor)
            }
            RetentionCommand::SetContact { subject, address } => self.set_contact(subject, address.as_ref()),
            RetentionCommand::CloseAccount { subject } => self.close_account(subject),
            RetentionCommand::Wish { conversation, wish } => self.wish(conversation, wish),
            RetentionCommand::KeepWarned { warning } => self.keep_warned(warning),
            RetentionCommand::Tag { conversation, tag, present } => self.tag(conversation, &tag, present),
            RetentionCommand::Flag { content, category, score, actor } => {
                self.flag(content, &category, score, &actor)
            }
            RetentionCommand::ListFlags { conversation } => self.list_flags(conversation),
            RetentionCommand::GiveFeedback { conversation } => self.give_feedback(conversation),
            RetentionCommand::OpenCase { organization, name, actor } => {
                self.open_case(organization, &name, &actor)
            }
            RetentionCommand::ExtendCase { case, content, actor } => self.extend_case(case, content, &actor),
            RetentionCommand::CloseCase { case, actor } => self.close_case(case, &actor),
            RetentionCommand::ListCases => self.list_cases(),
            RetentionCommand::PlaceHold { hold, actor } => self.place_hold(hold, &actor),
            RetentionCommand::WidenHold { hold, scope, actor } => self.widen_hold(hold, &scope, &actor),
            RetentionCommand::ReleaseHold { hold, grace_days, actor } => {
                self.release_hold(hold, grace_days, &actor)
            }
            RetentionCommand::AcknowledgeHold { hold, custodian } => self.acknowledge_hold(hold, &custodian),
            RetentionCommand::ListHolds => self.list_holds(),
            RetentionCommand::Explain { record } => self.explain(record),
            RetentionCommand::Preview => self.preview(),
            RetentionCommand::Census => self.census(),
            RetentionCommand::Step => self.retention_step().map(RetentionReply::Progress),
        }
    }

    fn explain(&mut self, id: RecordId) -> Result<RetentionReply, AdminError> {
        let (_, record) = self.find(id)?.ok_or_else(|| {
            AdminError::NotFound(format!("there is no {id}; it never was, or it was destroyed and purged"))
        })?;
        let conversation = self.files.control.conversation(record.conversation)?.ok_or_else(|| {
            AdminError::NotFound(format!("{} is not indexed yet; ask again", record.conversation))
        })?;
        let terms = self.terms_of(record.organization)?;
        let person = self.person_terms(record.subject)?;
        let mut facts = conversation_facts(terms, person, &conversation);
        facts.created_at = record.created_at;
        facts.flagged_at = self
            .files
            .control
            .flags(Some(conversation.id), KEYS_PER_STEP)?
            .iter()
            .filter(|flag| flag.record.is_none_or(|only| only == id))
            .map(|flag| flag.flagged_at)
            .max();
        let mut paths = Vec::new();
        for wrap in record.wraps() {
            let Some(node) = self.files.keys.node(wrap.parent)? else { continue };
            self.note_path(&node, &mut facts)?;
            paths.extend(self.explained(&node)?);
        }
        let (version, policy) = self.governance.current();
        let situation = situation(terms, person, record.terms.class, record.terms.covered);
        Ok(RetentionReply::Explanation(Box::new(RecordExplanation {
            record: id,
            policies: (record.terms.policy, version),
            paths,
            rules: policy.explain(situation, &facts).text(self.clock.now()),
        })))
    }

    /// Takes up what a path says about what happened: feedback leaves no other trace than its key.
    fn note_path(&self, node: &KeyNode, facts: &mut Facts) -> Result<(), AdminError> {
        if node.kind != KeyKind::ConversationHeld {
            return Ok(());
        }
        match ground_of_label(&node.label) {
            Some(GroundKind::Feedback) => facts.feedback_at = facts.feedback_at.max(Some(node.created_at)),
            Some(GroundKind::Investigation) => {
                let id = self.root(node)?.and_then(|root| root.label.parse::<CaseId>().ok());
                let case = self.files.control.cases()?.into_iter().find(|case| Some(case.id) == id);
                // Of several cases an open one keeps the record.
                if let Some(case) =
                    case.filter(|case| facts.case_opened_at.is_none() || case.closed_at.is_none())
                {
                    (facts.case_opened_at, facts.case_closed_at) = (Some(case.opened_at), case.closed_at);
                }
            }
            Some(GroundKind::LegalHold) => self.note_hold(node, facts)?,
            _ => {}
        }
        Ok(())
    }

    /// Takes up what a hold says: whether it is in force, or since when it is released and until when it keeps the record.
    fn note_hold(&self, node: &KeyNode, facts: &mut Facts) -> Result<(), AdminError> {
        let Some(root) = self.root(node)? else { return Ok(()) };
        let Some(hold) = root.label.parse::<HoldId>().ok() else { return Ok(()) };
        let Some(hold) = self.files.control.hold(hold)? else { return Ok(()) };
        match hold.released_at {
            None => facts.held = true,
            // Of several released holds the one that keeps the record longest counts.
            Some(released) if hold.ends_at >= facts.release_ends_at => {
                (facts.released_at, facts.release_ends_at) = (Some(released), hold.ends_at);
            }
            Some(_) => {}
        }
        Ok(())
    }

    fn explained(&mut self, node: &KeyNode) -> Result<Option<ExplainedPath>, AdminError> {
        let (ground, because) = match node.kind {
            KeyKind::Conversation => (GroundKind::Service, "the person's own use".to_owned()),
            KeyKind::ConversationSafety => {
                (GroundKind::SafetyWindow, format!("the safety windows that end with {}", node.label))
            }
            KeyKind::ConversationHeld => match ground_of_label(&node.label) {
                Some(ground) => (ground, self.root_of(node)?),
                None => return Ok(None),
            },
            _ => return Ok(None),
        };
        // Asked of the file: a key in memory proves nothing.
        self.keychain.forget();
        let is_open = self.keychain.key(&self.files.keys, node.id).is_ok();
        Ok(Some(ExplainedPath { ground, key: node.id, is_open, until: self.end_of_path(node)?, because }))
    }

    /// What a key for a violation, feedback, a case or a hold hangs from.
    fn root_of(&self, node: &KeyNode) -> Result<String, AdminError> {
        let Some(root) = self.root(node)? else { return Ok("its root was destroyed".to_owned()) };
        let id = match root.kind {
            KeyKind::LegalHold => root.label.parse::<HoldId>().map(|id| id.to_string()).ok(),
            KeyKind::Investigation => root.label.parse::<CaseId>().map(|id| id.to_string()).ok(),
            _ => None,
        };
        Ok(id.unwrap_or_else(|| format!("{} {}", root.kind.name(), root.label)))
    }

    fn root(&self, node: &KeyNode) -> Result<Option<KeyNode>, AdminError> {
        let root = self.files.keys.edge(node.id)?.and_then(|edge| edge.parent);
        Ok(root.map(|root| self.files.keys.node(root)).transpose()?.flatten())
    }

    /// When a path ends by itself.
    pub(crate) fn end_of_path(&self, node: &KeyNode) -> Result<Option<Timestamp>, AdminError> {
        end_of(node, &self.files.keys)
    }

    /// What the worker would do now.
    fn preview(&mut self) -> Result<RetentionReply, AdminError> {
        let now = self.clock.now();
        let mut progress = RetentionProgress::default();
        let mut after = (Timestamp::MIN, fiducia_policy::KeyId::from_bytes([0; 16]));
        loop {
            let due = self.files.keys.ending_between(after, now, KEYS_PER_STEP)?;
            let Some(last) = due.last() else { break };
            after = (last.ends_at.unwrap_or(now), last.id);
            for node in &due {
                if self.end_of_due(node)?.is_some_and(|end| end <= now) {
                    progress.keys_destroyed += 1;
                }
            }
        }
        for name in self.files.place.names()?.into_iter().filter(|name| name.has_ended(now)) {
            progress.buckets_dropped += 1;
            progress.records_purged += self.files.bucket(&name)?.size()?.0;
        }
        progress.is_done = progress == RetentionProgress::default();
        Ok(RetentionReply::Progress(progress))
    }

    /// Counts what is kept in each situation by the day of the last turn.
    fn census(&mut self) -> Result<RetentionReply, AdminError> {
        let mut rows = BTreeMap::new();
        let mut people = std::collections::HashSet::new();
        let mut after = None;
        loop {
            let step =
                self.files.control.conversations_in_order(None, None, after, CONVERSATIONS_PER_STEP)?;
            let Some(last) = step.last() else { break };
            after = Some(last.id);
            for conversation in step.iter().filter(|found| found.destroyed_at.is_none()) {
                let terms = self.terms_of(conversation.organization)?;
                let person = self.person_terms(conversation.subject)?;
                let situation =
                    situation(terms, person, conversation.terms.class, conversation.terms.covered);
                let day = BucketName::of(conversation.last_active_at);
                let row =
                    rows.entry((situation.index(), conversation.organization, day)).or_insert_with(|| {
                        CensusRow {
                            situation,
                            custom_retention: terms.custom_retention,
                            day: day.starts_at().unwrap_or(conversation.last_active_at),
                            people: 0,
                            conversations: 0,
                            records: 0,
                            bytes: 0,
                        }
                    });
                row.conversations += 1;
                row.records += conversation.records;
                row.people += u64::from(people.insert((situation.index(), conversation.subject)));
                for bucket in &conversation.buckets {
                    row.bytes += self.files.bucket(bucket)?.bytes_of(conversation.id)?;
                }
            }
        }
        Ok(RetentionReply::Census(rows.into_values().collect()))
    }
}
