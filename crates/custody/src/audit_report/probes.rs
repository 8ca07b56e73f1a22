//! What is tried while a report is made, instead of being believed.

use fiducia_policy::{
    AccessAction, AccessReason, Circumstances, DataKind, Eligibility, Feature, OrganizationId, Purpose, Role,
    RoleSet,
};
use fiducia_store::{KeyKind, KeyStore};

use crate::AdminError;
use crate::keychain::Keychain;
use crate::looking::{Gate, Home};

/// What was tried, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Trials {
    /// Root keys of the organisation that opened with its own key, of how many.
    pub(super) roots_opened: (u64, u64),
    /// How many of them opened with another organisation's key, of how many attempts.
    pub(super) opened_for_others: (u64, u64),
    /// What the access policies permit that is promised to nobody, in words.
    pub(super) permitted: Vec<String>,
    /// How many such questions were put to them.
    pub(super) refusals_asked: u64,
    /// What is promised to somebody and the policies do not permit, in words.
    pub(super) refused: Vec<String>,
    /// How many such questions were put to them.
    pub(super) permissions_asked: u64,
    /// Closed purposes that the policy language takes.
    pub(super) open_purposes: Vec<&'static str>,
    /// Features that are refused to whom nothing may be kept of, and for health data.
    pub(super) refused_features: (u64, u64),
}

/// Purposes that no policy may name.
pub(super) const CLOSED_PURPOSES: [&str; 8] = [
    "selling",
    "advertising",
    "personalised-advertising",
    "marketing",
    "profiling",
    "biometric-identification",
    "sell-data",
    "dpv:Advertising",
];

pub(super) fn try_everything(
    mut keychain: Keychain,
    keys: &KeyStore,
    organization: OrganizationId,
    gate: &Gate,
) -> Result<Trials, AdminError> {
    let (roots_opened, opened_for_others) = try_roots(&mut keychain, keys, organization)?;
    // What roles may do where they are is asked; where readers are differs from place to place.
    let home = Home::anywhere(organization);
    let permits = |&(role, action, kind, circumstances): &Question| {
        let (roles, target) = (RoleSet::from_iter([role]), (kind, &home));
        let may = gate.decide_for_roles(&roles, action, target, &circumstances).is_permitted;
        let words = format!("{} to {} {}", role.name(), action.name(), kind.name());
        (may, words)
    };
    let wrong = |questions: &[Question], expected: bool| {
        let answers = questions.iter().map(permits);
        answers.filter(|(may, _)| *may != expected).map(|(_, words)| words).collect::<Vec<_>>()
    };
    let (never, always) = (never(), always());
    let refused = |eligibility: fn(Feature) -> Eligibility| {
        let ineligible = Feature::ALL.into_iter().filter(|feature| eligibility(*feature) == Eligibility::No);
        u64::try_from(ineligible.count()).unwrap_or(u64::MAX)
    };
    Ok(Trials {
        roots_opened,
        opened_for_others,
        permitted: wrong(&never, false),
        refusals_asked: u64::try_from(never.len()).unwrap_or(u64::MAX),
        refused: wrong(&always, true),
        permissions_asked: u64::try_from(always.len()).unwrap_or(u64::MAX),
        open_purposes: CLOSED_PURPOSES
            .into_iter()
            .filter(|name| {
                name.parse::<Purpose>().is_ok() || name.parse::<fiducia_policy::ConsentPurpose>().is_ok()
            })
            .collect(),
        refused_features: (refused(Feature::zero_retention), refused(Feature::hipaa)),
    })
}

/// How many of how many.
type OfAll = (u64, u64);

/// Tries to open the organisation's service root with the organisation's own key and, which must fail, with every other's.
fn try_roots(
    keychain: &mut Keychain,
    keys: &KeyStore,
    organization: OrganizationId,
) -> Result<(OfAll, OfAll), AdminError> {
    let (mut opened, mut tried) = (0, 0);
    let (mut opened_for_others, mut tried_for_others) = (0, 0);
    let organizations = keys.roots_of_kind(KeyKind::OrganizationKey)?;
    let roots = keys.roots_of_kind(KeyKind::ServiceRoot)?;
    for root in roots.iter().filter(|root| root.organization == organization) {
        let Some(edge) = keys.edge(root.id)? else { continue };
        tried += 1;
        opened += u64::from(keychain.key(keys, root.id).is_ok());
        for other in organizations.iter().filter(|key| key.organization != organization) {
            // One that its owner closed opens nothing, which is no trial.
            let Ok(key) = keychain.key(keys, other.id) else { continue };
            tried_for_others += 1;
            // Under its own name, and posing as the one from which the root hangs.
            let names = [Some(other.id), edge.parent].into_iter().flatten();
            opened_for_others +=
                u64::from(names.into_iter().any(|name| key.unwrap_key(name, root.id, &edge.wrap).is_ok()));
        }
    }
    Ok(((opened, tried), (opened_for_others, tried_for_others)))
}

type Question = (Role, AccessAction, DataKind, Circumstances<'static>);

/// With a reason and a number, for what comes closest to the reason, and in a matter, but without anybody's consent.
fn reading(reason: AccessReason) -> Circumstances<'static> {
    let purpose = reason.grounds().first().map(|ground| ground.purpose());
    reading_for(reason, purpose)
}

/// The same, for what is kept for this purpose.
fn reading_for(reason: AccessReason, purpose: Option<Purpose>) -> Circumstances<'static> {
    Circumstances { reason: Some(reason), purpose, ticket: true, matter: true, ..Circumstances::default() }
}

/// What is promised to nobody.
fn never() -> Vec<Question> {
    use AccessAction::{Enter, Govern, HandOver, Read, See};
    let staff =
        [Role::Support, Role::Research, Role::Engineering, Role::Auditor, Role::Partner, Role::TenantAdmin];
    let mut questions = Vec::new();
    for reason in AccessReason::ALL {
        for role in staff {
            questions.push((role, Read, DataKind::Content, reading(reason)));
            questions.push((role, Read, DataKind::FlaggedContent, reading(reason)));
        }
        questions.push((Role::TrustAndSafety, Read, DataKind::Content, reading(reason)));
        questions.push((Role::Research, HandOver, DataKind::Content, reading(reason)));
        // What is kept for one purpose is opened for no reason that goes with another, whoever agrees.
        for purpose in Purpose::ALL.into_iter().filter(|purpose| !reason.serves(*purpose)) {
            let agreed = Circumstances { customer_approved: true, ..reading_for(reason, Some(purpose)) };
            questions.push((Role::Support, Read, DataKind::Content, agreed));
            questions.push((Role::TrustAndSafety, Read, DataKind::FlaggedContent, agreed));
            questions.push((Role::Legal, Read, DataKind::HeldContent, agreed));
        }
    }
    let plain = Circumstances::default();
    questions.extend([
        (Role::Support, See, DataKind::FlaggedContent, plain),
        (Role::Support, See, DataKind::Scores, plain),
        (Role::Research, See, DataKind::AccountBasics, plain),
        (Role::Research, See, DataKind::Choices, plain),
        (Role::Engineering, See, DataKind::AccountBasics, plain),
        (Role::Engineering, See, DataKind::Metadata, plain),
        (Role::Partner, See, DataKind::AccountBasics, plain),
        (Role::Auditor, Enter, DataKind::Requests, plain),
        (Role::Auditor, Govern, DataKind::Accounts, plain),
        // Without a reason nothing that is sealed is opened, whoever asks.
        (Role::TrustAndSafety, Read, DataKind::FlaggedContent, plain),
        (Role::Legal, Read, DataKind::HeldContent, plain),
    ]);
    questions
}

/// What is promised to somebody.
fn always() -> Vec<Question> {
    use AccessAction::{Read, See};
    let plain = Circumstances::default();
    vec![
        (Role::Support, See, DataKind::AccountBasics, plain),
        (Role::TrustAndSafety, See, DataKind::FlaggedContent, plain),
        (Role::TrustAndSafety, Read, DataKind::FlaggedContent, reading(AccessReason::SafetyReview)),
        (Role::Research, See, DataKind::Aggregates, plain),
        (Role::Engineering, See, DataKind::SystemLogs, plain),
        (Role::Legal, Read, DataKind::HeldContent, reading(AccessReason::LegalObligation)),
        (Role::Auditor, See, DataKind::Evidence, plain),
    ]
}
