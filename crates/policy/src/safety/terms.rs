//! What a policy says about safeguards, complete.

use super::action::{LimitKind, SafetyAction, SandboxKind, SandboxOtherwise};
use super::{Provenance, SafetyCategory, Score};
use crate::edge::Timestamp;
use crate::id::{SubjectId, VirtualKeyId, WorkspaceId};
use crate::retention::Plan;

/// Everything a policy says about safeguards. A policy that says nothing has none: nothing is done about any finding.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SafetyTerms {
    /// The rules, by category and then in the order of the file.
    pub rules: Vec<SafeguardRule>,
    /// Who may do what others may not.
    pub trusted: Vec<TrustedAccess>,
    /// Limits of tokens.
    pub limits: Vec<LimitRule>,
    /// What models can reach.
    pub sandbox: Vec<SandboxRule>,
}

/// What is done about findings of one category.
#[derive(Debug, Clone, PartialEq)]
pub struct SafeguardRule {
    /// Its name in decisions.
    pub id: String,
    /// The category.
    pub category: SafetyCategory,
    /// Whose requests it is for.
    pub scope: SafetyScope,
    /// Whose words it is about.
    pub provenance: Vec<Provenance>,
    /// What is done from which score on, by score; no later one is milder.
    pub steps: Vec<SafetyStep>,
    /// Whether it only says what it would do.
    pub shadow: bool,
    /// In how many of a hundred conversations it acts.
    pub rollout: u8,
    /// The promise in words.
    pub clause: String,
}

/// The plans and models that a rule is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SafetyScope {
    /// The plans.
    pub plans: Vec<Plan>,
    /// The models, each a name or its beginning and a `*`; empty: all.
    pub models: Vec<String>,
}

impl SafetyScope {
    /// Whether requests of this plan to this model are meant.
    pub fn contains(&self, plan: Plan, model: &str) -> bool {
        let fits = |pattern: &String| match pattern.strip_suffix('*') {
            Some(beginning) => model.starts_with(beginning),
            None => pattern == model,
        };
        self.plans.contains(&plan) && (self.models.is_empty() || self.models.iter().any(fits))
    }
}

/// What is done from a score on.
#[derive(Debug, Clone, PartialEq)]
pub struct SafetyStep {
    /// The least score.
    pub at: Score,
    /// What is done.
    pub action: SafetyAction,
    /// The model that answers, for [`SafetyAction::Reroute`] and nothing else.
    pub to: Option<String>,
    /// How many such requests of one person pass in an hour, for [`SafetyAction::Throttle`] and nothing else.
    pub per_hour: Option<u32>,
    /// Whether people look at it as well.
    pub flag: bool,
}

/// Somebody to whom a list of trusted access applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TrustedParty {
    /// A person.
    Subject(SubjectId),
    /// Everybody in a workspace.
    Workspace(WorkspaceId),
    /// Whoever has this key.
    Key(VirtualKeyId),
}

impl std::fmt::Display for TrustedParty {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Subject(id) => id.fmt(formatter),
            Self::Workspace(id) => id.fmt(formatter),
            Self::Key(id) => id.fmt(formatter),
        }
    }
}

/// Verified researchers, evaluators and others for whom some categories are their work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustedAccess {
    /// Its name in decisions.
    pub name: String,
    /// Whom it is for.
    pub who: Vec<TrustedParty>,
    /// The categories.
    pub categories: Vec<SafetyCategory>,
    /// Until when. Afterwards it does nothing.
    pub until: Timestamp,
    /// The sternest that is still done: [`SafetyAction::Allow`] or [`SafetyAction::Flag`].
    pub at_most: SafetyAction,
    /// Why, for whoever reads the policy.
    pub reason: String,
}

impl TrustedAccess {
    /// Whether it holds at `now` for one of these.
    pub fn holds_for(&self, parties: &[TrustedParty], category: SafetyCategory, now: Timestamp) -> bool {
        now < self.until
            && self.categories.contains(&category)
            && parties.iter().any(|party| self.who.contains(party))
    }
}

/// Limits of tokens for some requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LimitRule {
    /// Its name in decisions.
    pub id: String,
    /// Whose requests it is for.
    pub scope: SafetyScope,
    /// The most tokens, in the order of [`LimitKind::ALL`].
    pub tokens: [Option<u64>; LimitKind::ALL.len()],
}

/// A limit that holds for a request, and the rule that says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenLimit<'a> {
    /// What is counted.
    pub kind: LimitKind,
    /// The most tokens.
    pub tokens: u64,
    /// The rule's id.
    pub rule: &'a str,
}

/// What models may reach for some requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SandboxRule {
    /// Its name in decisions.
    pub id: String,
    /// Whose requests it is for.
    pub scope: SafetyScope,
    /// What is permitted, in the order of [`SandboxKind::ALL`]; `None`: the rule says nothing about it.
    pub permitted: [Option<Vec<String>>; SandboxKind::ALL.len()],
    /// What happens to anything else.
    pub otherwise: SandboxOtherwise,
}

/// Something that a sandbox does not permit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotPermitted<'a> {
    /// What happens to it.
    pub otherwise: SandboxOtherwise,
    /// The rule's id.
    pub rule: &'a str,
}

impl SafetyTerms {
    /// Whether nothing is said.
    pub const fn is_empty(&self) -> bool {
        self.rules.is_empty() && self.trusted.is_empty() && self.limits.is_empty() && self.sandbox.is_empty()
    }

    /// The limits for a request: of each kind the smallest that any rule says.
    pub fn limits(&self, plan: Plan, model: &str) -> Vec<TokenLimit<'_>> {
        let applying: Vec<&LimitRule> =
            self.limits.iter().filter(|rule| rule.scope.contains(plan, model)).collect();
        let smallest = |kind: LimitKind| {
            let said = applying.iter().filter_map(|rule| {
                let tokens = (*rule.tokens.get(kind as usize)?)?;
                Some(TokenLimit { kind, tokens, rule: &rule.id })
            });
            said.min_by_key(|limit| limit.tokens)
        };
        LimitKind::ALL.into_iter().filter_map(smallest).collect()
    }

    /// Whether a request may reach something. Every rule that says something about its kind must permit it; of those
    /// that do not, the sternest counts.
    ///
    /// # Errors
    /// With what happens to it instead.
    pub fn permits(
        &self,
        plan: Plan,
        model: &str,
        kind: SandboxKind,
        name: &str,
    ) -> Result<(), NotPermitted<'_>> {
        let refusing = self.sandbox.iter().filter(|rule| rule.scope.contains(plan, model)).filter(|rule| {
            let permitted = rule.permitted.get(kind as usize).and_then(Option::as_ref);
            permitted.is_some_and(|patterns| !patterns.iter().any(|pattern| is_like(kind, pattern, name)))
        });
        match refusing.max_by_key(|rule| rule.otherwise) {
            None => Ok(()),
            Some(rule) => Err(NotPermitted { otherwise: rule.otherwise, rule: &rule.id }),
        }
    }
}

/// Whether a name fits a pattern: the name itself, or with a `*` at the beginning or the end. Hosts and types of files
/// know no case; names of tools do.
fn is_like(kind: SandboxKind, pattern: &str, name: &str) -> bool {
    let lower = match kind {
        SandboxKind::Tool | SandboxKind::ServerTool => name.to_owned(),
        // A host with a dot behind it is the same host.
        SandboxKind::McpServer | SandboxKind::UrlHost => name.trim_end_matches('.').to_ascii_lowercase(),
        SandboxKind::FileType => name.to_ascii_lowercase(),
    };
    match (pattern.strip_prefix('*'), pattern.strip_suffix('*')) {
        (Some(""), _) => true,
        (Some(ending), _) => lower.len() > ending.len() && lower.ends_with(ending),
        (None, Some(beginning)) => lower.starts_with(beginning),
        (None, None) => lower == pattern,
    }
}
