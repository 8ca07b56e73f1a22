//! What a scope leads to, and what is true of the records in it and of those who agreed, as the stores know it now.

use std::collections::BTreeSet;

use fiducia_policy::{
    AccessAction, AccessScope, AccessSession, AccountId, Circumstances, DataKind, GroundKind, KeyId,
    OrganizationId, Participant, RoleSet, distinct_records,
};
use fiducia_store::{ControlStore, StoredRecord};

use super::commands::AccessRequest;
use super::gate::{Asker, Home, Refused, Truth};
use crate::AdminError;
use crate::reading::{ReadPath, Reader, wrap_for};

const FLAGS_MAX: u32 = 10_000;

/// What a scope leads to.
pub(super) struct Found {
    pub(super) organization: OrganizationId,
    /// The records, where the scope names them itself.
    pub(super) records: Vec<StoredRecord>,
    /// The key from which everything hangs that is in it, where it is a case or a hold.
    pub(super) root: Option<KeyId>,
}

impl Reader {
    /// What a scope leads to now.
    pub(super) fn scope_found(
        &self,
        control: &ControlStore,
        scope: &AccessScope,
    ) -> Result<Found, AdminError> {
        let of_records = |records: Vec<StoredRecord>| {
            let first = records.first().map(|record| record.organization);
            let organization =
                first.ok_or_else(|| AdminError::NotFound("there are no records to read".to_owned()))?;
            if records.iter().any(|record| record.organization != organization) {
                return Err(AdminError::Invalid(
                    "a session is about one organisation's records; nothing was asked for".to_owned(),
                ));
            }
            Ok(Found { organization, records, root: None })
        };
        match scope {
            AccessScope::Records(ids) => {
                let ids = distinct_records(ids.clone()).into_iter();
                of_records(ids.map(|id| self.one_record(id)).collect::<Result<_, _>>()?)
            }
            AccessScope::Conversation(id) => {
                self.refuse_destroyed(control, *id)?;
                of_records(self.conversation_records(*id)?)
            }
            AccessScope::Case(id) => {
                let case = control.cases()?.into_iter().find(|case| case.id == *id);
                let case = case.ok_or_else(|| AdminError::NotFound(format!("there is no {id}")))?;
                if let Some(at) = case.closed_at.or(case.ended_at) {
                    return Err(AdminError::Conflict(format!(
                        "{id} was closed at {at}; nothing is read in it any more"
                    )));
                }
                Ok(Found { organization: case.organization, records: Vec::new(), root: Some(case.root) })
            }
            AccessScope::Hold(id) => {
                let hold =
                    control.hold(*id)?.ok_or_else(|| AdminError::NotFound(format!("there is no {id}")))?;
                if let Some(at) = hold.ended_at {
                    return Err(AdminError::Destroyed(format!("the key of {id} was destroyed at {at}")));
                }
                Ok(Found { organization: hold.organization, records: Vec::new(), root: Some(hold.root) })
            }
            AccessScope::Request(id) => Err(AdminError::Invalid(format!(
                "{id} is answered with `fiducia requests export` or by the person, not looked at; nothing was asked for"
            ))),
        }
    }

    /// For which ground's purpose records are read: what is asked, else the first that goes with the reason and has a path.
    pub(super) fn ground_for(
        &self,
        request: &AccessRequest,
        found: &Found,
    ) -> Result<GroundKind, AdminError> {
        let fitting = request.reason.grounds();
        if let Some(asked) = request.ground.filter(|asked| !fitting.contains(asked)) {
            let names: Vec<&str> = fitting.iter().map(|ground| ground.name()).collect();
            return Err(AdminError::Forbidden(format!(
                "what is kept for the ground {asked} is not read for the reason {}; nothing was decrypted. With it go: {}",
                request.reason.name(),
                names.join(", ")
            )));
        }
        match request.scope {
            AccessScope::Case(_) => return Ok(GroundKind::Investigation),
            AccessScope::Hold(_) => return Ok(GroundKind::LegalHold),
            AccessScope::Records(_) | AccessScope::Conversation(_) | AccessScope::Request(_) => {}
        }
        let keys = self.keys()?;
        let asked = request.ground.as_slice();
        let candidates = if asked.is_empty() { fitting } else { asked };
        for ground in candidates {
            for record in &found.records {
                if wrap_for(record, ReadPath::Ground(*ground), &keys)?.is_some() {
                    return Ok(*ground);
                }
            }
        }
        let names: Vec<&str> = candidates.iter().map(|ground| ground.name()).collect();
        Err(AdminError::Destroyed(format!(
            "no key path is left for the ground {}; nobody can read this for that purpose",
            names.join(", ")
        )))
    }

    /// What is true of records that are read for a ground, in a case or hold where one is named.
    pub(super) fn truths(
        &self,
        control: &ControlStore,
        records: &[StoredRecord],
        (ground, root): (GroundKind, Option<KeyId>),
    ) -> Result<BTreeSet<Truth>, AdminError> {
        let keys = self.keys()?;
        let mut truths = BTreeSet::new();
        let mut flags = Vec::new();
        let mut flags_of = None;
        for record in records {
            if flags_of != Some(record.conversation) {
                flags = control.flags(Some(record.conversation), FLAGS_MAX)?;
                flags_of = Some(record.conversation);
            }
            let is_flagged = flags.iter().any(|flag| flag.record.is_none_or(|one| one == record.id));
            let kind = match (ground, is_flagged) {
                (GroundKind::LegalHold, _) => DataKind::HeldContent,
                (_, true) => DataKind::FlaggedContent,
                (_, false) => DataKind::Content,
            };
            let is_of_matter = match root {
                Some(root) => wrap_for(record, ReadPath::Hold(root), &keys)?.is_some(),
                None => false,
            };
            let restricted = control.restriction(record.subject)?.map(|_| record.subject);
            truths.insert(Truth { kind, is_of_matter, restricted });
        }
        Ok(truths)
    }

    /// Where an organisation's data lies by its plan under the policy in force, and whether staff read it from there.
    pub(crate) fn home(
        &self,
        control: &ControlStore,
        organization: OrganizationId,
    ) -> Result<Home, AdminError> {
        let Some(read_here) = &self.gate.regions else { return Ok(Home::anywhere(organization)) };
        let found = control.organizations()?.into_iter().find(|found| found.id == organization);
        let found = found.ok_or_else(|| AdminError::NotFound(format!("there is no {organization}")))?;
        let (_, policy) = self.governance.current();
        let lies_in = policy.plan(found.terms.plan).map(|plan| plan.region.as_str());
        Ok(Home::new(organization, lies_in, read_here))
    }

    /// Whether somebody who agreed to a session still may, by what the stores and the policies say now.
    pub(super) fn still_agrees(
        &self,
        control: &ControlStore,
        session: &AccessSession,
        by: Participant,
    ) -> Result<bool, AdminError> {
        let (organization, roles) = match by.account {
            Some(account) => (Some(session.organization), roles_now(control, account, session.organization)?),
            None => (None, RoleSet::default()),
        };
        let asker = Asker { participant: by, organization, roles };
        let circumstances = Circumstances { break_glass: session.breaks_glass(), ..Circumstances::default() };
        let home = self.home(control, session.organization)?;
        let target = (DataKind::Content, &home);
        Ok(self.gate.decide(&asker, AccessAction::Approve, target, &circumstances).is_permitted)
    }

    /// Why records are not read, in words.
    pub(super) fn refusal(&self, control: &ControlStore, refused: &Refused) -> AdminError {
        let is_restricted = refused.decision.policies.iter().any(|id| id == "restricted-stays-shut");
        if let Some(subject) = refused.truth.restricted.filter(|_| is_restricted) {
            let restriction = control.restriction(subject).ok().flatten();
            let request =
                restriction.map_or_else(|| "a request".to_owned(), |found| found.request.to_string());
            return AdminError::Conflict(format!(
                "{request} restricts what is kept of {subject}: it may be stored and not used; nothing was decrypted. It is \
                 read for the person, for claims in law and to protect others, or once the restriction is lifted"
            ));
        }
        AdminError::Forbidden(format!(
            "this is not permitted to you: {}; nothing was decrypted. `fiducia policy access` shows who may",
            self.gate.in_words(&refused.decision)
        ))
    }
}

/// The roles that an account of an organisation has now; none when it is disabled or gone.
pub(super) fn roles_now(
    control: &ControlStore,
    account: AccountId,
    organization: OrganizationId,
) -> Result<RoleSet, AdminError> {
    let found = control.account(account)?;
    let found = found.filter(|found| found.disabled_at.is_none() && found.organization == organization);
    Ok(found.map(|found| found.roles).unwrap_or_default())
}
