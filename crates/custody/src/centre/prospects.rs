//! What a yes and a no would mean for a person, worked out before they choose.

use fiducia_policy::{ConsentPurpose, RetentionSpan, Timestamp};

use crate::retention::governance::PersonTerms;
use crate::{AdminError, Custody, Oneself};

/// What answers to one question would mean now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prospect {
    /// About what.
    pub purpose: ConsentPurpose,
    /// Until when a yes that is given now counts; `None` while only taking it back ends it.
    pub yes_until: Option<Timestamp>,
    /// What becomes of the newest conversation, where there is one and the answer decides about it.
    pub newest: Option<ProspectiveEnds>,
}

/// Until when a conversation is kept for the person's own use, by the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProspectiveEnds {
    /// Its last turn.
    pub last_active_at: Timestamp,
    /// With a yes; `None` while only an event ends it.
    pub with_yes: Option<Timestamp>,
    /// With a no.
    pub with_no: Option<Timestamp>,
}

impl Custody {
    /// What a yes or a no about a purpose would mean for the person now. `validity` is for how long the notice says that a
    /// yes counts.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn prospect(
        &self,
        who: &Oneself,
        purpose: ConsentPurpose,
        validity: Option<RetentionSpan>,
    ) -> Result<Prospect, AdminError> {
        let reader = &self.0.reader;
        let now = reader.clock.now();
        let by_policy = reader.governance.consent_ends(purpose, now);
        // The notice's word and the policy's: whichever comes first.
        let yes_until = validity.map(|span| span.after(now)).into_iter().chain(by_policy).min();
        let newest = if purpose.moves_retention() { self.prospective_ends(who)? } else { None };
        Ok(Prospect { purpose, yes_until, newest })
    }

    /// Whether the person's plan lets conversations be kept beyond their end.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn may_keep(&self, who: &Oneself) -> Result<bool, AdminError> {
        let reader = self.reader();
        let own = reader.control()?.subject(who.subject())?.and_then(|row| row.plan);
        let plan = own.or_else(|| reader.callers.terms(who.organization()).map(|terms| terms.plan));
        let (_, policy) = reader.governance.current();
        Ok(plan.and_then(|plan| policy.plan(plan)).is_some_and(|terms| terms.may_keep))
    }

    fn prospective_ends(&self, who: &Oneself) -> Result<Option<ProspectiveEnds>, AdminError> {
        let reader = &self.0.reader;
        let _reading = reader.reading();
        let control = reader.control()?;
        let Some(conversation) = control.newest_conversation(who.subject())? else { return Ok(None) };
        let Some(terms) = reader.callers.terms(conversation.organization) else { return Ok(None) };
        let Some(row) = control.subject(who.subject())? else { return Ok(None) };
        let end = |training| {
            let person = PersonTerms { training, ..PersonTerms::from(&row) };
            reader.governance.service_end(terms, person, &conversation)
        };
        let ends = ProspectiveEnds {
            last_active_at: conversation.last_active_at,
            with_yes: end(true),
            with_no: end(false),
        };
        // Where both answers come to the same, a date says nothing.
        Ok((ends.with_yes != ends.with_no).then_some(ends))
    }
}
