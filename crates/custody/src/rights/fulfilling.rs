//! Carrying a request out: what each kind changes, and what the person is told.

use fiducia_ledger::Event;
use fiducia_policy::{GroundKind, LegalBasis, PersonId, Plan, RequestKind, Timestamp};
use fiducia_store::{KeyNode, RightsEffect, RightsRecord, SubjectRecord};
use jiff::ToSpan;

use super::commands::{RightsAction, RightsReport};
use super::reporting::{self, KeptClauses};
use super::requests::{Outcome, check_text, needs_file};
use crate::AdminError;
use crate::administration::ReadBack;
use crate::certificate::{CertificateReference, Draft, keys_by_kind};
use crate::consent::Speaker;
use crate::destruction::{Plan as DestructionPlan, ground_of, kinds, refuse_opened};
use crate::retention::governance::{conversation_facts, situation};
use crate::scribe::Fact;
use crate::writer::Writer;

impl Writer {
    /// What a step does beside moving the request on. What cannot be carried out is refused here, and nothing is changed.
    pub(super) fn carried_out(
        &mut self,
        request: &RightsRecord,
        action: &RightsAction,
        actor: PersonId,
        now: Timestamp,
    ) -> Result<Outcome, AdminError> {
        match action {
            RightsAction::Refuse { reason } => {
                let report = self.report(request, vec![reason.sentence().to_owned()], now);
                Ok(Outcome { report: Some(report), ..Outcome::nothing() })
            }
            RightsAction::Fulfil { left_undone } => {
                if let Some(text) = left_undone {
                    check_text("what was left undone", text)?;
                }
                let mut outcome = self.fulfil(request, actor, now)?;
                if let Some(report) = &mut outcome.report {
                    report.left_undone.clone_from(left_undone);
                }
                Ok(outcome)
            }
            _ => Ok(Outcome::nothing()),
        }
    }

    fn fulfil(
        &mut self,
        request: &RightsRecord,
        actor: PersonId,
        now: Timestamp,
    ) -> Result<Outcome, AdminError> {
        let subject = match request.subject {
            Some(id) => self.files.control.subject(id)?.filter(|row| row.erased_at.is_none()),
            None => None,
        };
        if request.kind == RequestKind::Erasure {
            return self.fulfil_erasure(request, subject.as_ref(), actor, now);
        }
        if request.kind == RequestKind::Complaint {
            let said = "Your complaint was examined and answered.".to_owned();
            return Ok(self.done(request, vec![said], RightsEffect::None, now));
        }
        let Some(subject) = subject else {
            return Err(AdminError::Destroyed(format!(
                "the person of {} was erased meanwhile; nothing is left to do it with. Close it as withdrawn",
                request.id
            )));
        };
        match request.kind {
            RequestKind::Access | RequestKind::Export => self.fulfil_copy(request, now),
            RequestKind::Correction => self.fulfil_correction(request, &subject, now),
            RequestKind::Restriction => {
                let said = "Your data is kept and not used. It is read only for you, for claims in law and to protect \
                    others, and you are told before that ends.";
                Ok(self.done(request, vec![said.to_owned()], RightsEffect::Restrict, now))
            }
            RequestKind::Objection => self.fulfil_objection(request, &subject, actor, now),
            RequestKind::OptOut => self.fulfil_opt_out(request, &subject, actor, now),
            RequestKind::Erasure | RequestKind::Complaint => Ok(Outcome::nothing()),
        }
    }

    fn done(
        &self,
        request: &RightsRecord,
        sentences: Vec<String>,
        effect: RightsEffect,
        now: Timestamp,
    ) -> Outcome {
        Outcome { effect, report: Some(self.report(request, sentences, now)), in_part: false }
    }

    fn report(&self, request: &RightsRecord, sentences: Vec<String>, now: Timestamp) -> RightsReport {
        let (_, policy) = self.governance.current();
        RightsReport {
            sentences,
            left_undone: None,
            stores: Vec::new(),
            kept: Vec::new(),
            destruction: None,
            routes: policy.rights().routes(&request.regimes),
            is_late: request.due() <= now,
        }
    }

    fn fulfil_copy(&self, request: &RightsRecord, now: Timestamp) -> Result<Outcome, AdminError> {
        let volumes = self.files.control.export_volumes(request.id)?;
        if !needs_file(request.kind) || !volumes.last().is_some_and(|last| last.is_final) {
            return Err(AdminError::Conflict(format!(
                "nothing was made to hand over for {} yet, or not all of it; nothing was changed. Run `fiducia requests \
                 export {}` first",
                request.id, request.id
            )));
        }
        let conversations: u64 = volumes.iter().map(|volume| volume.conversations).sum();
        let said = format!(
            "A copy of your data was made for you: {conversations} conversations in {} file(s), with the reasons why each is \
             kept, who looked at it, and proofs.",
            volumes.len()
        );
        Ok(self.done(request, vec![said], RightsEffect::None, now))
    }

    fn fulfil_correction(
        &self,
        request: &RightsRecord,
        subject: &SubjectRecord,
        now: Timestamp,
    ) -> Result<Outcome, AdminError> {
        let mut sentences = Vec::new();
        if self.files.control.statements(subject.id, 1_000)?.iter().any(|found| found.request == request.id) {
            sentences.push(
                "Your statement is kept, sealed, beside the records: what was said in a conversation is evidence and is not \
                 rewritten, and whoever is given your data is given your statement with it."
                    .to_owned(),
            );
        }
        let effect = match request.new_name {
            None => RightsEffect::None,
            Some(digest) => {
                let taken = self.files.control.subject_named(subject.organization, digest)?;
                if taken.is_some_and(|other| other.id != subject.id) {
                    return Err(AdminError::Conflict(
                        "another account has that name already; nothing was changed. Two people cannot share one".to_owned(),
                    ));
                }
                sentences.push("Your account has the name that you gave.".to_owned());
                RightsEffect::Rename(digest)
            }
        };
        Ok(self.done(request, sentences, effect, now))
    }

    fn fulfil_opt_out(
        &mut self,
        request: &RightsRecord,
        subject: &SubjectRecord,
        actor: PersonId,
        now: Timestamp,
    ) -> Result<Outcome, AdminError> {
        self.end_every_consent(subject.id, Speaker::Staff(actor))?;
        let (_, policy) = self.governance.current();
        let months = i64::from(policy.rights().months_without_asking);
        let ask_again_at = now
            .to_zoned(jiff::tz::TimeZone::UTC)
            .checked_add(months.months())
            .map_err(|error| AdminError::Storage(format!("the calendar ends: {error}")))?
            .timestamp();
        let said = format!(
            "Nothing of yours is sold, shared for advertising or used to train models. You are not asked again for {months} \
             months."
        );
        Ok(self.done(request, vec![said], RightsEffect::OptOut { ask_again_at }, now))
    }

    /// Destroys the paths of grounds that rest on a legitimate interest, and keeps them from opening again.
    fn fulfil_objection(
        &mut self,
        request: &RightsRecord,
        subject: &SubjectRecord,
        actor: PersonId,
        now: Timestamp,
    ) -> Result<Outcome, AdminError> {
        let wanted: Vec<GroundKind> = match &request.target {
            Some(names) => names.split_whitespace().filter_map(|name| name.parse().ok()).collect(),
            None => GroundKind::ALL.to_vec(),
        };
        self.settle_journal();
        let conversations = self.files.control.living_conversations_of(subject.id)?;
        self.hold_before_destruction(&conversations)?;
        let nodes = self.files.keys.keys_of_conversations_of(subject.id)?;
        let (mut destroy, mut keep, mut grounds) = (Vec::new(), Vec::new(), wanted.clone());
        grounds.retain(|ground| *ground == GroundKind::SafetyWindow);
        for node in nodes {
            let ground = ground_of(&node).filter(|ground| wanted.contains(ground));
            let may_end = match ground {
                // Whoever investigates decides when that ends.
                None | Some(GroundKind::Investigation) => false,
                Some(ground) => self.basis_of(&node, ground)? == Some(LegalBasis::LegitimateInterest),
            };
            if may_end { destroy.push(node) } else { keep.push(node) }
        }
        let mut ended = kinds_of(&destroy);
        let certificate = if destroy.is_empty() {
            None
        } else {
            Some(self.end_paths(subject, actor, destroy, &keep, now)?)
        };
        let mut sentences = Vec::new();
        if let Some(reference) = &certificate {
            ended.sort_unstable();
            sentences.push(format!(
                "The uses you objected to have ended: {}. Their keys were destroyed; the certificate is {reference}.",
                ended.join(", ")
            ));
        } else {
            sentences.push("Nothing of yours was kept for the uses you objected to.".to_owned());
        }
        if !grounds.is_empty() {
            sentences.push(
                "What you write from now on is not kept for them, where they rest on a legitimate interest."
                    .to_owned(),
            );
        }
        if keep.iter().any(|node| ground_of(node) == Some(GroundKind::Investigation)) {
            sentences.push(
                "An investigation that is under way keeps what it took in until it is closed.".to_owned(),
            );
        }
        Ok(self.done(request, sentences, RightsEffect::Object(grounds), now))
    }

    /// The basis on which a key's ground rests, by the policy in force.
    fn basis_of(&self, node: &KeyNode, ground: GroundKind) -> Result<Option<LegalBasis>, AdminError> {
        let Some(id) = node.conversation else { return Ok(None) };
        let Some(found) = self.files.control.conversation(id)? else { return Ok(None) };
        let terms = self.terms_of(found.organization)?;
        let person = self.person_terms(found.subject)?;
        let (_, policy) = self.governance.current();
        let situation = situation(terms, person, found.terms.class, found.terms.covered);
        Ok(policy.basis(situation, ground))
    }

    /// Destroys paths of conversations that live on for other grounds; gives the certificate's number.
    fn end_paths(
        &mut self,
        subject: &SubjectRecord,
        actor: PersonId,
        destroy: Vec<KeyNode>,
        keep: &[KeyNode],
        now: Timestamp,
    ) -> Result<CertificateReference, AdminError> {
        let mut touched: Vec<_> = destroy.iter().filter_map(|node| node.conversation).collect();
        touched.sort_unstable();
        touched.dedup();
        let plan = DestructionPlan {
            actor,
            organization: subject.organization,
            subject: subject.id,
            pseudonym: subject.pseudonym,
            evidence: self.evidence(&touched)?,
            conversations: Vec::new(),
            destroy,
            kept: keep.to_vec(),
        };
        let dropped = self.destroy_keys(&plan.destroy, now)?;
        let read_back = self.read_back(&plan)?;
        let fact = Fact {
            at: now,
            event: Event::KeysDestroyed {
                keys: dropped.keys,
                kinds: kinds(&plan.destroy),
                reason: "objection".to_owned(),
                conversations: 0,
                records: dropped.records,
                actor: Some(actor),
                pseudonym: plan.pseudonym,
                certificate: None,
            },
        };
        let event = self.event_id()?;
        self.files.control.announce(&fact.announcement(event, plan.organization))?;
        self.settle(&plan.destroy, now)?;
        self.deliver_control(event, plan.organization, fact)?;
        refuse_opened(&read_back)?;
        let draft = Draft {
            organization: plan.organization,
            subject: Some(subject.id),
            rule: "objection",
            by: Some(actor),
            scope: self.person_scope(&touched)?,
            keys: keys_by_kind(&plan.destroy),
            conversations: 0,
            records: dropped.records,
            buckets: 0,
            read_back: ReadBack { rows_found: 0, ..read_back },
            keys_destroyed_at: now,
            purged_at: (dropped.records > 0).then_some(now),
            kept: Vec::new(),
        };
        Ok(self.issue(draft)?.0)
    }

    fn fulfil_erasure(
        &mut self,
        request: &RightsRecord,
        subject: Option<&SubjectRecord>,
        actor: PersonId,
        now: Timestamp,
    ) -> Result<Outcome, AdminError> {
        let Some(subject) = subject else {
            // Carried out before, and not noted here: a crash came between, or another command erased the person.
            let said = "Everything of yours was destroyed before.".to_owned();
            return Ok(self.done(request, vec![said], RightsEffect::None, now));
        };
        let clauses = self.clauses_before(subject)?;
        let files = self.remove_exports(subject.id)?;
        self.settle_journal();
        let destruction = self.erase(subject.id, actor)?;
        let pseudonym_stays =
            self.files.control.subject(subject.id)?.is_some_and(|row| row.pseudonym.is_some());
        let kept = clauses.still_kept(&destruction.kept);
        let mut report = self.report(request, reporting::erasure_sentences(&kept), now);
        report.stores = reporting::stores(&reporting::ErasedStores {
            destruction: &destruction,
            pseudonym_stays,
            files_removed: files.0,
            files_elsewhere: files.1,
            keeps_datasets: self.files.control.keeps_datasets()?,
            backup_days: self.certificates.backup_days,
            now,
        });
        let in_part = !kept.is_empty();
        report.kept = kept;
        report.destruction = Some(destruction);
        Ok(Outcome { effect: RightsEffect::None, report: Some(report), in_part })
    }

    /// What the policy says about the grounds of a person's data, asked before nothing is left to ask about.
    fn clauses_before(&self, subject: &SubjectRecord) -> Result<KeptClauses, AdminError> {
        let terms = self.terms_of(subject.organization)?;
        let person = self.person_terms(subject.id)?;
        let (_, policy) = self.governance.current();
        let mut clauses = KeptClauses::default();
        let mut seen = Vec::new();
        for id in self.files.control.living_conversations_of(subject.id)? {
            let Some(found) = self.files.control.conversation(id)? else { continue };
            let situation = situation(terms, person, found.terms.class, found.terms.covered);
            if !seen.contains(&situation) {
                seen.push(situation);
                clauses.take_in(&policy.explain(situation, &conversation_facts(terms, person, &found)));
            }
        }
        Ok(clauses)
    }
}

/// The names of the grounds of keys.
fn kinds_of(nodes: &[KeyNode]) -> Vec<&'static str> {
    let mut names: Vec<_> = nodes.iter().filter_map(ground_of).map(GroundKind::name).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// Whether people pay for a plan. `[own]`: all but the free one.
pub(super) fn is_paid(plan: Plan) -> bool {
    plan != Plan::Free
}
