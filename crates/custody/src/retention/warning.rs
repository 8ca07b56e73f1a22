//! Warnings: what ends soon is announced to the person whose it is, where the plan says how long before.
//!
//! Conversations are marked and counted into their person's warning in one commit, and a warning is given when a run has
//! nothing left to look at: one for each person and run, whatever crashes. It goes by mail where the person has an address
//! and mail is on; else the marks in the list of conversations are the warning. The log says which, for whom and of how many.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use fiducia_ledger::Event;
use fiducia_policy::{ConversationId, KeyId, RetentionSpan, SubjectId, Timestamp, WarningId};
use fiducia_store::{BucketName, ConversationRecord, EndingSoon, KeyKind, KeyNode, WarningRecord};

use super::commands::{ConversationWish, RetentionProgress, RetentionReply};
use crate::AdminError;
use crate::faults;
use crate::writer::Writer;

/// Keys looked at in one step, for each time before an end at which people are warned.
const KEYS_PER_STEP: u32 = 1_000;
/// Warnings given in one step.
const GIVEN_PER_STEP: u32 = 100;
/// Warnings forgotten in one step.
const FORGOTTEN_PER_STEP: u32 = 1_000;
/// How long a warning is remembered after the first of its conversations was to end, in seconds: 90 days.
const REMEMBERED_SECONDS: u64 = 90 * 86_400;
/// Conversations that one command keeps because of a warning.
const KEPT_PER_COMMAND: u32 = 100;

type Soon = BTreeMap<SubjectId, EndingSoon>;

impl Writer {
    /// Looks for what ends soon, a part at a time, then gives the warnings.
    pub(super) fn warn_step(
        &mut self,
        now: Timestamp,
        progress: &mut RetentionProgress,
    ) -> Result<bool, AdminError> {
        let (_, policy) = self.governance.current();
        let spans: Vec<RetentionSpan> = policy.plans().iter().filter_map(|plan| plan.warn_before).collect();
        let mut soon = Soon::new();
        let mut is_full = false;
        for (place, span) in spans.iter().enumerate() {
            if !spans.get(..place).is_some_and(|before| before.contains(span)) {
                is_full |= self.look_ahead(*span, now, &mut soon)?;
            }
        }
        let soon: Vec<_> = soon.into_values().collect();
        if !soon.is_empty() {
            progress.warned += self.files.control.warn(&soon, now)?;
            faults::reached("warned");
        }
        Ok(is_full || self.give_warnings(now, progress)? || self.forget_warnings(now)?)
    }

    /// Looks at some of the keys that end within `span`, for the people who are warned that long before. Gives whether there
    /// may be more.
    fn look_ahead(
        &mut self,
        span: RetentionSpan,
        now: Timestamp,
        soon: &mut Soon,
    ) -> Result<bool, AdminError> {
        let horizon = span.after(now);
        let known = self.warned_up_to.iter().position(|(of, _)| *of == span);
        let looked = known.and_then(|place| self.warned_up_to.get(place)).map(|(_, up_to)| *up_to);
        let from = looked.filter(|(at, _)| *at > now).unwrap_or((now, KeyId::from_bytes([0; 16])));
        let ending = self.files.keys.ending_between(from, horizon, KEYS_PER_STEP)?;
        let (mut later, mut seen) = (Vec::new(), HashSet::new());
        for node in ending.iter().filter(|node| node.kind == KeyKind::Conversation) {
            let Some(conversation) = node.conversation else { continue };
            let Some(found) = self.files.control.conversation(conversation)? else { continue };
            let (end, warned_before) = self.end_and_warning(&found)?;
            if is_put_off(node, end) {
                later.push((node.id, end));
            }
            if warned_before == Some(span) && seen.insert(conversation) {
                self.note_soon(&found, end.filter(|end| *end > now && *end <= horizon), now, soon)?;
            }
        }
        // A key that lasts longer is looked at again before its new end, not only when it was due.
        self.files.keys.set_ends(&later)?;
        let is_full = ending.len() >= usize::try_from(KEYS_PER_STEP).unwrap_or(usize::MAX);
        let up_to = match ending.last() {
            Some(last) if is_full => (last.ends_at.unwrap_or(horizon), last.id),
            _ => (horizon, KeyId::from_bytes([0; 16])),
        };
        match known.and_then(|place| self.warned_up_to.get_mut(place)) {
            Some(known) => known.1 = up_to,
            None => self.warned_up_to.push((span, up_to)),
        }
        Ok(is_full)
    }

    /// When a conversation ends for its person, and how long before the person is warned.
    fn end_and_warning(
        &self,
        conversation: &ConversationRecord,
    ) -> Result<(Option<Timestamp>, Option<RetentionSpan>), AdminError> {
        let terms = self.terms_of(conversation.organization)?;
        let person = self.person_terms(conversation.subject)?;
        let (_, policy) = self.governance.current();
        let plan = policy.plan(person.plan.unwrap_or(terms.plan));
        let end = self.governance.service_end(terms, person, conversation);
        Ok((end, plan.and_then(|plan| plan.warn_before)))
    }

    fn note_soon(
        &self,
        found: &ConversationRecord,
        end: Option<Timestamp>,
        now: Timestamp,
        soon: &mut Soon,
    ) -> Result<(), AdminError> {
        let Some(end) = end.filter(|_| found.warned_at.is_none() && found.deleted_at.is_none()) else {
            return Ok(());
        };
        if !soon.contains_key(&found.subject) {
            let fresh = WarningId::generate(now, &*self.randomness)?;
            let (organization, subject) = (found.organization, found.subject);
            let new =
                EndingSoon { fresh, organization, subject, conversations: Vec::new(), first_ends_at: end };
            soon.insert(subject, new);
        }
        if let Some(mine) = soon.get_mut(&found.subject) {
            mine.conversations.push((found.id, found.last_active_at));
            mine.first_ends_at = mine.first_ends_at.min(end);
        }
        Ok(())
    }

    /// Gives some of the warnings that were gathered. Gives whether there were any.
    fn give_warnings(
        &mut self,
        now: Timestamp,
        progress: &mut RetentionProgress,
    ) -> Result<bool, AdminError> {
        let gathered = self.files.control.gathering_warnings(GIVEN_PER_STEP)?;
        for warning in &gathered {
            self.give_warning(warning, now, progress)?;
        }
        Ok(!gathered.is_empty())
    }

    fn give_warning(
        &mut self,
        warning: &WarningRecord,
        now: Timestamp,
        progress: &mut RetentionProgress,
    ) -> Result<(), AdminError> {
        let person = self.files.control.subject(warning.subject)?;
        // Who was erased meanwhile has nothing left that could end.
        let Some(pseudonym) = person.filter(|row| row.erased_at.is_none()).and_then(|row| row.pseudonym)
        else {
            return Ok(self.files.control.forget_warning(warning.id)?);
        };
        let by_mail =
            self.certificates.mail.is_some() && self.files.control.contact(warning.subject)?.is_some();
        let event = Event::WarningGiven {
            pseudonym,
            conversations: warning.conversations,
            first_ends_at: warning.first_ends_at,
            by: if by_mail { "mail" } else { "list" }.to_owned(),
        };
        let announced = self.announced(warning.organization, event, now)?;
        self.files.control.give_warning(warning.id, by_mail, now, &announced.0)?;
        faults::reached("warning-given");
        progress.people_warned += 1;
        progress.ledger.push((warning.organization, self.delivered(announced)?));
        Ok(())
    }

    fn forget_warnings(&mut self, now: Timestamp) -> Result<bool, AdminError> {
        let before = now.checked_sub(Duration::from_secs(REMEMBERED_SECONDS)).unwrap_or(Timestamp::MIN);
        let control = &mut self.files.control;
        let told = control.forget_letters(before, FORGOTTEN_PER_STEP)?
            + control.forget_bulletins(before, FORGOTTEN_PER_STEP)?;
        Ok(control.forget_warnings(before, FORGOTTEN_PER_STEP)? > 0 || told > 0)
    }

    /// Keeps some of the conversations that a warning was about, as its person wishes.
    pub(super) fn keep_warned(&mut self, id: WarningId) -> Result<RetentionReply, AdminError> {
        let warning = self.files.control.warning(id)?.ok_or_else(|| {
            AdminError::NotFound(format!(
                "there is no {id}; nothing was changed. Warnings are forgotten 90 days after the end they are about"
            ))
        })?;
        let mine = self.files.control.warned_conversations(&warning, KEPT_PER_COMMAND)?;
        let mut kept: Vec<ConversationId> = Vec::new();
        for conversation in mine {
            self.wish(conversation, ConversationWish::Keep)?;
            kept.push(conversation);
        }
        Ok(RetentionReply::Kept(kept))
    }
}

/// Whether a key that nothing but the conversation's own end limits lasts longer than was known.
fn is_put_off(node: &KeyNode, end: Option<Timestamp>) -> bool {
    let is_later = match (end, node.ends_at) {
        (Some(end), Some(known)) => end > known,
        (None, known) => known.is_some(),
        (Some(_), None) => false,
    };
    is_later && node.label == BucketName::account().as_str()
}
