//! What the access policies say to somebody about records, in the circumstances that the stores bear out.

use std::collections::BTreeSet;

use fiducia_policy::{
    AccessAction, AccessDecision, AccessLimits, AccessNeeds, AccessPolicy, AccessPolicyError,
    AccessPrincipal, AccessReason, AccessTarget, AccountId, Circumstances, DataKind, GroundKind,
    OrganizationId, Participant, PersonId, RoleSet, SubjectId, WithoutAccount,
};

use crate::console::Staff;
use crate::settings::AccessSettings;
use crate::staging::sha256;

/// The policies and limits in force.
#[derive(Debug)]
pub(crate) struct Gate {
    policy: AccessPolicy,
    pub(crate) limits: AccessLimits,
    /// SHA-256 of the policies' text.
    pub(crate) digest: [u8; 32],
    /// The policy's regions whose data staff read at this installation; `None` where nobody said.
    pub(crate) regions: Option<Vec<String>>,
}

/// Whose data something is, where that lies, and where its readers are.
#[derive(Debug, Clone)]
pub(crate) struct Home {
    pub(crate) organization: OrganizationId,
    /// Where the data lies, and where staff are that read here.
    regions: (String, String),
}

/// Where readers are that are in no region of which anything is read.
const ELSEWHERE: &str = "elsewhere";

impl Home {
    /// Where nobody said from where staff read, nobody is kept out for that.
    pub(crate) const fn anywhere(organization: OrganizationId) -> Self {
        Self { organization, regions: (String::new(), String::new()) }
    }

    /// Of an organisation whose plan says where its data lies. A plan of which nothing is said is in no region.
    pub(crate) fn new(organization: OrganizationId, lies_in: Option<&str>, read_here: &[String]) -> Self {
        let data = lies_in.unwrap_or_default();
        let is_read_here = read_here.iter().any(|region| region == data);
        let reader = if is_read_here { data } else { ELSEWHERE };
        Self { organization, regions: (data.to_owned(), reader.to_owned()) }
    }
}

/// Somebody who asks, as the stores know them now.
#[derive(Debug, Clone)]
pub(crate) struct Asker {
    pub(crate) participant: Participant,
    /// Whose staff they are; none for whoever works at the machine itself.
    pub(crate) organization: Option<OrganizationId>,
    pub(crate) roles: RoleSet,
}

impl Asker {
    pub(crate) fn staff(who: &Staff) -> Self {
        Self {
            participant: Participant { person: who.person(), account: Some(who.account()) },
            organization: Some(who.organization()),
            roles: who.roles().clone(),
        }
    }

    pub(crate) fn is_operator(&self) -> bool {
        self.organization.is_none()
    }
}

/// What is true of records that somebody wants to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Truth {
    pub(crate) kind: DataKind,
    /// Whether they were taken into the case or hold that the session names.
    pub(crate) is_of_matter: bool,
    /// The person who had their use restricted.
    pub(crate) restricted: Option<SubjectId>,
}

/// What is asked about records.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Question<'a> {
    pub(crate) action: AccessAction,
    pub(crate) home: &'a Home,
    pub(crate) reason: AccessReason,
    /// On which ground the records are to be opened, and so for which purpose.
    pub(crate) ground: GroundKind,
    pub(crate) truths: &'a BTreeSet<Truth>,
}

/// What others said to a session.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Agreement {
    pub(crate) customer_approved: bool,
    pub(crate) break_glass: bool,
    pub(crate) approvals: u32,
}

/// A question that was answered with no, about these records.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) truth: Truth,
    pub(crate) decision: AccessDecision,
}

impl Gate {
    pub(crate) fn new(settings: &AccessSettings) -> Result<Self, AccessPolicyError> {
        let (policy, text) = match &settings.policies {
            Some(text) => (AccessPolicy::of_installation(text)?, text.as_str()),
            None => (AccessPolicy::built_in()?, AccessPolicy::built_in_text()),
        };
        let (limits, regions) = (settings.limits.clone(), settings.regions.clone());
        Ok(Self { policy, limits, digest: sha256(&[text.as_bytes()]), regions })
    }

    /// What is said to somebody about data of an organisation.
    pub(crate) fn decide(
        &self,
        asker: &Asker,
        action: AccessAction,
        (kind, home): (DataKind, &Home),
        circumstances: &Circumstances<'_>,
    ) -> AccessDecision {
        let organization = home.organization;
        let (data_region, reader_region) = &home.regions;
        let principal = AccessPrincipal {
            account: asker.participant.account.unwrap_or(AccountId::from_bytes([0; 16])),
            organization: asker.organization.unwrap_or(organization),
            subject: None,
            roles: asker.roles.clone(),
            without_account: asker.is_operator().then_some(WithoutAccount::Operator),
        };
        let target = AccessTarget { kind, organization, subject: None, region: data_region };
        let circumstances = Circumstances { region: reader_region, ..*circumstances };
        self.policy.decide(&principal, action, &target, &circumstances)
    }

    /// What is said to somebody of an organisation's staff who is only this.
    pub(crate) fn decide_for_roles(
        &self,
        roles: &RoleSet,
        action: AccessAction,
        (kind, home): (DataKind, &Home),
        circumstances: &Circumstances<'_>,
    ) -> AccessDecision {
        let participant = Participant { person: PersonId::from_bytes([0; 16]), account: None };
        let asker = Asker { participant, organization: Some(home.organization), roles: roles.clone() };
        self.decide(&asker, action, (kind, home), circumstances)
    }

    /// What is said to a person who reads what is theirs, wherever they are.
    pub(crate) fn decide_own(
        &self,
        account: AccountId,
        organization: OrganizationId,
        subject: SubjectId,
    ) -> AccessDecision {
        let principal = AccessPrincipal {
            account,
            organization,
            subject: Some(subject),
            roles: RoleSet::from_iter([fiducia_policy::Role::Person]),
            without_account: None,
        };
        let target =
            AccessTarget { kind: DataKind::Content, organization, subject: Some(subject), region: "" };
        let circumstances =
            Circumstances { purpose: Some(GroundKind::Service.purpose()), ..Circumstances::default() };
        self.policy.decide(&principal, AccessAction::Read, &target, &circumstances)
    }

    /// The policies by which the organisation's compliance program, wherever it runs, may read all of the records.
    pub(crate) fn permit_program(
        &self,
        organization: OrganizationId,
        truths: &BTreeSet<Truth>,
    ) -> Result<Vec<String>, Refused> {
        let principal = AccessPrincipal {
            account: AccountId::from_bytes([0; 16]),
            organization,
            subject: None,
            roles: RoleSet::default(),
            without_account: Some(WithoutAccount::ComplianceProgram),
        };
        let mut policies = BTreeSet::new();
        for truth in truths {
            let circumstances = Circumstances {
                reason: Some(AccessReason::OrganizationCompliance),
                purpose: Some(GroundKind::Service.purpose()),
                // Its key stands for the mandate that it was made for.
                ticket: true,
                restricted: truth.restricted.is_some(),
                ..Circumstances::default()
            };
            let target = AccessTarget { kind: truth.kind, organization, subject: None, region: "" };
            let decision = self.policy.decide(&principal, AccessAction::Read, &target, &circumstances);
            if !decision.is_permitted {
                return Err(Refused { truth: *truth, decision });
            }
            policies.extend(decision.policies);
        }
        Ok(policies.into_iter().collect())
    }

    /// The policies by which somebody may do this to all of the records.
    pub(crate) fn permit(
        &self,
        asker: &Asker,
        question: &Question<'_>,
        agreement: Agreement,
    ) -> Result<Vec<String>, Refused> {
        let mut policies = BTreeSet::new();
        for truth in question.truths {
            let circumstances = Circumstances {
                reason: Some(question.reason),
                purpose: Some(question.ground.purpose()),
                // A session has one, or it would not be.
                ticket: true,
                matter: truth.is_of_matter,
                customer_approved: agreement.customer_approved,
                break_glass: agreement.break_glass,
                approvals: agreement.approvals,
                restricted: truth.restricted.is_some(),
                ..Circumstances::default()
            };
            let decision = self.decide(asker, question.action, (truth.kind, question.home), &circumstances);
            if !decision.is_permitted {
                return Err(Refused { truth: *truth, decision });
            }
            policies.extend(decision.policies);
        }
        Ok(policies.into_iter().collect())
    }

    /// What must happen before somebody may do this, and the policies that say so.
    pub(crate) fn needs(
        &self,
        asker: &Asker,
        question: &Question<'_>,
        (break_glass, has_lockbox): (bool, bool),
    ) -> Result<(AccessNeeds, Vec<String>), Refused> {
        if break_glass {
            let agreement = Agreement { break_glass: true, approvals: 2, customer_approved: false };
            return Ok((AccessNeeds::TwoOthers, self.permit(asker, question, agreement)?));
        }
        let approved = Agreement { customer_approved: true, ..Agreement::default() };
        match self.permit(asker, question, Agreement::default()) {
            Ok(policies) if !has_lockbox => Ok((AccessNeeds::Nothing, policies)),
            Ok(_) => Ok((AccessNeeds::CustomerApproval, self.permit(asker, question, approved)?)),
            Err(refused) => match self.permit(asker, question, approved) {
                Ok(policies) => Ok((AccessNeeds::CustomerApproval, policies)),
                Err(_) => Err(refused),
            },
        }
    }

    /// Why something is refused, in the words of the policies.
    pub(crate) fn in_words(&self, decision: &AccessDecision) -> String {
        let said: Vec<String> = decision
            .policies
            .iter()
            .filter_map(|id| self.policy.about(id).map(|about| format!("{about} (`{id}`)")))
            .collect();
        if said.is_empty() { "no access policy permits it".to_owned() } else { said.join(" ") }
    }
}
