//! Asking Cedar.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::str::FromStr;

use cedar_policy::{
    ActionConstraint, Authorizer, Context, Decision, Entities, Entity, EntityId, EntityTypeName, EntityUid,
    Policy, PolicyId, PolicySet, Request, RestrictedExpression, Schema, ValidationMode, Validator,
};

use super::{
    AccessAction, AccessDecision, AccessPrincipal, AccessTarget, Circumstances, DataKind, WithoutAccount,
};
use crate::role::Role;

/// The words in which policies are asked.
const SCHEMA: &str = include_str!("../../../../policies/access.cedarschema");
/// The policies that come with the program.
const BUILT_IN: &str = include_str!("../../../../policies/access.cedar");
/// Longest text of policies.
const TEXT_BYTES_MAX: usize = 256 * 1024;
/// How deep brackets, and conditions of one policy, may nest. Those that come with the program nest three deep.
const NESTING_MAX: usize = 12;

/// Why policies on access cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AccessPolicyError {
    /// The text is too long.
    #[error("policies on access have at most {TEXT_BYTES_MAX} bytes; nothing was taken over")]
    TooLong,
    /// It is nested too deep.
    #[error(
        "policies on access nest at most {NESTING_MAX} brackets or conditions in each other; nothing was taken over"
    )]
    TooDeep,
    /// It is not Cedar.
    #[error("the policies on access cannot be read: {0}; nothing was taken over")]
    Syntax(String),
    /// A policy has no id, or two have the same.
    #[error("{0}; nothing was taken over")]
    Unnamed(String),
    /// A policy speaks of what the program never asks.
    #[error("the policies on access do not fit the schema: {0}; nothing was taken over")]
    Schema(String),
    /// A policy takes the place of one that cannot be changed.
    #[error(
        "the policy `{0}` forbids what no installation permits, and is always in force; give yours another id. Nothing was taken \
         over"
    )]
    Closed(String),
}

/// A policy, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Clause {
    /// Its id.
    pub(super) id: String,
    /// The promise that it keeps.
    pub(super) promise: String,
    /// What it says.
    pub(super) about: String,
    /// Whether it forbids.
    pub(super) forbids: bool,
}

/// Policies on access, checked.
pub struct AccessPolicy {
    /// For each action the policies that speak of it: the others cannot apply, and need not be evaluated.
    policies: BTreeMap<AccessAction, PolicySet>,
    clauses: Vec<Clause>,
    authorizer: Authorizer,
    names: Names,
}

impl std::fmt::Debug for AccessPolicy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AccessPolicy").field("clauses", &self.clauses.len()).finish_non_exhaustive()
    }
}

/// Names of types and of what the program asks about, made once.
struct Names {
    account: EntityTypeName,
    organization: EntityTypeName,
    subject: EntityTypeName,
    data: EntityTypeName,
    actions: BTreeMap<AccessAction, EntityUid>,
    roles: BTreeMap<Role, EntityUid>,
    without_account: [(WithoutAccount, EntityUid); 2],
    kinds: BTreeMap<DataKind, HashSet<EntityUid>>,
}

impl Names {
    fn new() -> Result<Self, AccessPolicyError> {
        let kind_type = type_name("Kind")?;
        let (action_type, role_type) = (type_name("Action")?, type_name("Role")?);
        let sealed = uid(&kind_type, "sealed");
        let kinds = DataKind::ALL.into_iter().map(|kind| {
            let mut parents = HashSet::from([uid(&kind_type, kind.name())]);
            if kind.is_sealed() {
                parents.insert(sealed.clone());
            }
            (kind, parents)
        });
        Ok(Self {
            account: type_name("Account")?,
            organization: type_name("Organization")?,
            subject: type_name("Subject")?,
            data: type_name("Data")?,
            actions: AccessAction::ALL
                .into_iter()
                .map(|action| (action, uid(&action_type, action.name())))
                .collect(),
            roles: Role::ALL.into_iter().map(|role| (role, uid(&role_type, role.name()))).collect(),
            without_account: WithoutAccount::ALL.map(|who| (who, uid(&role_type, who.name()))),
            kinds: kinds.collect(),
        })
    }
}

fn type_name(name: &str) -> Result<EntityTypeName, AccessPolicyError> {
    EntityTypeName::from_str(name).map_err(|error| AccessPolicyError::Schema(error.to_string()))
}

fn uid(kind: &EntityTypeName, name: &str) -> EntityUid {
    EntityUid::from_type_name_and_id(kind.clone(), EntityId::new(name))
}

impl AccessPolicy {
    /// The text of the policies that come with the program.
    pub const fn built_in_text() -> &'static str {
        BUILT_IN
    }

    /// The text of the schema that policies must fit.
    pub const fn schema_text() -> &'static str {
        SCHEMA
    }

    /// The policies that come with the program.
    ///
    /// # Errors
    /// Never, for the texts that come with it; a test reads them.
    pub fn built_in() -> Result<Self, AccessPolicyError> {
        Self::parse(BUILT_IN)
    }

    /// Reads an installation's own policies. What the policies that come with the program forbid stays forbidden: their
    /// `forbid`s are added, and cannot be said otherwise.
    ///
    /// # Errors
    /// As [`AccessPolicy::parse`], and when a policy takes the id of such a `forbid` and says something else.
    pub fn of_installation(text: &str) -> Result<Self, AccessPolicyError> {
        let own = read(text)?;
        let mut added = String::new();
        for closed in read(BUILT_IN)?.policies() {
            if closed.effect() != cedar_policy::Effect::Forbid {
                continue;
            }
            let id = closed.annotation("id").unwrap_or_default();
            match own.policies().find(|policy| policy.annotation("id") == Some(id)) {
                // Said again in the same words, as in a file that began as a copy.
                Some(same) if same.to_json().ok() == closed.to_json().ok() => {}
                Some(_) => return Err(AccessPolicyError::Closed(id.to_owned())),
                None => added.extend(["\n", &closed.to_string()]),
            }
        }
        Self::parse(&format!("{text}{added}"))
    }

    /// Reads policies and checks them against the schema, strictly.
    ///
    /// # Errors
    /// When the text is too long, is not Cedar, has policies without an id of their own, or does not fit the schema.
    pub fn parse(text: &str) -> Result<Self, AccessPolicyError> {
        let syntax = |error: &dyn std::fmt::Display| AccessPolicyError::Syntax(error.to_string());
        let read = read(text)?;
        let (schema, _) = Schema::from_cedarschema_str(SCHEMA).map_err(|error| syntax(&error))?;
        if read.templates().next().is_some() {
            return Err(AccessPolicyError::Unnamed(
                "templates are not used here: write each policy out".to_owned(),
            ));
        }
        let mut clauses = Vec::new();
        let mut with_ids = Vec::new();
        for policy in read.policies() {
            let clause = clause_of(policy)?;
            with_ids.push(policy.new_id(PolicyId::new(&clause.id)));
            clauses.push(clause);
        }
        let policies = PolicySet::from_policies(with_ids)
            .map_err(|error| AccessPolicyError::Unnamed(format!("two policies have the same id: {error}")))?;
        let checked = Validator::new(schema).validate(&policies, ValidationMode::Strict);
        if !checked.validation_passed() {
            let errors: Vec<String> = checked.validation_errors().map(ToString::to_string).collect();
            return Err(AccessPolicyError::Schema(errors.join("; ")));
        }
        clauses.sort_by(|one, other| one.id.cmp(&other.id));
        let names = Names::new()?;
        let policies = names.actions.iter().map(|(action, uid)| Ok((*action, speaking_of(&policies, uid)?)));
        let policies = policies.collect::<Result<_, AccessPolicyError>>()?;
        Ok(Self { policies, clauses, authorizer: Authorizer::new(), names })
    }

    /// Whether somebody may do something to data in some circumstances.
    pub fn decide(
        &self,
        principal: &AccessPrincipal,
        action: AccessAction,
        target: &AccessTarget<'_>,
        circumstances: &Circumstances<'_>,
    ) -> AccessDecision {
        let refused = AccessDecision { is_permitted: false, policies: Vec::new() };
        // What cannot be asked is not permitted.
        let question = self.question(principal, action, target, circumstances);
        let (Some(question), Some(policies)) = (question, self.policies.get(&action)) else { return refused };
        let response = self.authorizer.is_authorized(&question.0, policies, &question.1);
        let diagnostics = response.diagnostics();
        let mut policies: Vec<String> = diagnostics.reason().map(ToString::to_string).collect();
        policies.sort_unstable();
        let failed = diagnostics.errors().next().is_some();
        AccessDecision { is_permitted: response.decision() == Decision::Allow && !failed, policies }
    }

    /// What the policy with this id says, for whoever is refused.
    pub fn about(&self, id: &str) -> Option<&str> {
        self.clauses.iter().find(|clause| clause.id == id).map(|clause| clause.about.as_str())
    }

    pub(super) fn clauses(&self) -> &[Clause] {
        &self.clauses
    }

    fn question(
        &self,
        principal: &AccessPrincipal,
        action: AccessAction,
        target: &AccessTarget<'_>,
        circumstances: &Circumstances<'_>,
    ) -> Option<(Request, Entities)> {
        let names = &self.names;
        let who = uid(&names.account, &principal.account.to_string());
        let what = uid(&names.data, target.kind.name());
        let entity = |id: EntityUid| RestrictedExpression::new_entity_uid(id);
        let organization = |id: &dyn std::fmt::Display| entity(uid(&names.organization, &id.to_string()));
        let mut attributes =
            HashMap::from([("organization".to_owned(), organization(&principal.organization))]);
        if let Some(subject) = principal.subject {
            attributes.insert("subject".to_owned(), entity(uid(&names.subject, &subject.to_string())));
        }
        let besides = names.without_account.iter().filter(|(who, _)| principal.without_account == Some(*who));
        let roles = principal.roles.members().iter().filter_map(|role| names.roles.get(role).cloned());
        let roles = roles.chain(besides.map(|(_, role)| role.clone())).collect();
        let account = Entity::new(who.clone(), attributes, roles).ok()?;
        let mut attributes = HashMap::from([
            ("organization".to_owned(), organization(&target.organization)),
            ("region".to_owned(), RestrictedExpression::new_string(target.region.to_owned())),
        ]);
        if let Some(subject) = target.subject {
            attributes.insert("subject".to_owned(), entity(uid(&names.subject, &subject.to_string())));
        }
        let data = Entity::new(what.clone(), attributes, names.kinds.get(&target.kind)?.clone()).ok()?;
        let entities = Entities::from_entities([account, data], None).ok()?;
        let action = names.actions.get(&action)?.clone();
        let request = Request::new(who, action, what, context(circumstances)?, None).ok()?;
        Some((request, entities))
    }
}

fn read(text: &str) -> Result<PolicySet, AccessPolicyError> {
    if text.len() > TEXT_BYTES_MAX {
        return Err(AccessPolicyError::TooLong);
    }
    if is_nested_too_deep(text) {
        return Err(AccessPolicyError::TooDeep);
    }
    PolicySet::from_str(text).map_err(|error| AccessPolicyError::Syntax(error.to_string()))
}

/// Whether brackets, or conditions of one policy, nest deeper than [`NESTING_MAX`]. The parser takes a part of the stack for each, and
/// a stack that is used up ends the program.
fn is_nested_too_deep(text: &str) -> bool {
    let (mut depth, mut conditions) = (0_usize, 0_usize);
    let mut word = String::new();
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        if character.is_alphanumeric() || character == '_' {
            word.push(character);
            continue;
        }
        conditions += usize::from(word == "if");
        word.clear();
        match character {
            '/' if characters.peek() == Some(&'/') => {
                // To the end of the line.
                characters.by_ref().take_while(|character| *character != '\n').for_each(drop);
            }
            '"' => {
                // To the quote that ends it.
                while let Some(within) = characters.next() {
                    match within {
                        '"' => break,
                        '\\' => drop(characters.next()),
                        _ => {}
                    }
                }
            }
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            ';' => conditions = 0,
            _ => {}
        }
        if depth.max(conditions) > NESTING_MAX {
            return true;
        }
    }
    false
}

/// The policies whose head admits an action.
fn speaking_of(policies: &PolicySet, action: &EntityUid) -> Result<PolicySet, AccessPolicyError> {
    let admitted = policies.policies().filter(|policy| match policy.action_constraint() {
        ActionConstraint::Any => true,
        ActionConstraint::Eq(only) => only == *action,
        ActionConstraint::In(several) => several.contains(action),
    });
    PolicySet::from_policies(admitted.cloned()).map_err(|error| AccessPolicyError::Unnamed(error.to_string()))
}

fn context(circumstances: &Circumstances<'_>) -> Option<Context> {
    let truth = RestrictedExpression::new_bool;
    let mut pairs = vec![
        ("ticket".to_owned(), truth(circumstances.ticket)),
        ("matter".to_owned(), truth(circumstances.matter)),
        ("customer_approved".to_owned(), truth(circumstances.customer_approved)),
        ("break_glass".to_owned(), truth(circumstances.break_glass)),
        ("approvals".to_owned(), RestrictedExpression::new_long(i64::from(circumstances.approvals))),
        ("restricted".to_owned(), truth(circumstances.restricted)),
        ("region".to_owned(), RestrictedExpression::new_string(circumstances.region.to_owned())),
    ];
    if let Some(reason) = circumstances.reason {
        pairs.push(("reason".to_owned(), RestrictedExpression::new_string(reason.name().to_owned())));
    }
    if let Some(purpose) = circumstances.purpose {
        pairs.push(("purpose".to_owned(), RestrictedExpression::new_string(purpose.name().to_owned())));
    }
    Context::from_pairs(pairs).ok()
}

/// What a policy says of itself. Each has an id, so that a decision can name it.
fn clause_of(policy: &Policy) -> Result<Clause, AccessPolicyError> {
    let said = |key: &str| policy.annotation(key).map(str::to_owned).filter(|text| !text.is_empty());
    let id = said("id").filter(|id| id.len() <= 128).ok_or_else(|| {
        AccessPolicyError::Unnamed(
            "a policy has no `@id(\"…\")` of 1 to 128 bytes, by which a decision names it".to_owned(),
        )
    })?;
    let about = said("about").ok_or_else(|| {
        AccessPolicyError::Unnamed(format!("the policy `{id}` has no `@about(\"…\")` that says it in words"))
    })?;
    Ok(Clause {
        id,
        promise: said("promise").unwrap_or_default(),
        about,
        forbids: policy.effect() == cedar_policy::Effect::Forbid,
    })
}

#[cfg(test)]
mod tests;
