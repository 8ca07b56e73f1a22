//! `[safeguards]`, `[[trusted]]`, `[[limits]]` and `[[sandbox]]`: what is done about findings, who is trusted with what, and what
//! models can reach. From what is written to what is meant; `safeguard_checks` says what must not be.

use schemars::JsonSchema;
use serde::Deserialize;
use toml::Spanned;

use super::problem::{PolicyProblem, ProblemKind};
use super::reading::Reading;
use super::safeguard_checks::is_pattern;
use crate::retention::{Plan, PlanTerms};
use crate::safety::{
    LimitKind, LimitRule, Provenance, SafeguardRule, SafetyAction, SafetyCategory, SafetyScope, SafetyStep,
    SafetyTerms, SandboxOtherwise, SandboxRule, Score, TrustedAccess, TrustedParty,
};

/// The most rules of one kind, so that a decision stays quick.
const RULES_MAX: usize = 200;
/// The most entries in one list.
const ENTRIES_MAX: usize = 1_000;

/// What is done about findings of one category.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SafeguardText {
    /// Its name in decisions.
    pub(crate) id: String,
    /// Which plans. Absent: all.
    pub(crate) plans: Option<Vec<Plan>>,
    /// Which models, each a name or its beginning and a `*`. Absent: all.
    pub(crate) models: Option<Vec<String>>,
    /// Whose words. Absent: everybody's that its actions are possible for.
    pub(crate) provenance: Option<Vec<Provenance>>,
    /// What is done from which score on, the lowest first.
    pub(crate) steps: Vec<StepText>,
    /// Whether it only notes what it would do. Absent: no.
    #[serde(default)]
    pub(crate) shadow: bool,
    /// In how many of a hundred conversations it acts. Absent: in all.
    #[schemars(range(min = 1, max = 100))]
    pub(crate) rollout: Option<u8>,
    /// The promise in words.
    pub(crate) clause: String,
}

/// What is done from a score on.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct StepText {
    /// The least score, from 0 to 1.
    #[schemars(with = "f32", range(min = 0, max = 1))]
    pub(crate) at: Score,
    /// What is done.
    pub(crate) action: SafetyAction,
    /// The model that answers, for `reroute`.
    pub(crate) to: Option<String>,
    /// How many such requests of one person pass in an hour, for `throttle`.
    pub(crate) per_hour: Option<u32>,
    /// Whether people look at it as well. Absent: no.
    #[serde(default)]
    pub(crate) flag: bool,
}

/// Who may do what others may not, and until when.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TrustedText {
    /// Its name in decisions.
    pub(crate) name: String,
    /// Ids of people, workspaces and keys.
    pub(crate) who: Vec<String>,
    /// The categories.
    pub(crate) categories: Vec<SafetyCategory>,
    /// Until when, as `2027-01-31` or `2027-01-31T08:00:00Z`.
    pub(crate) until: String,
    /// The sternest that is still done: `allow` or `flag`. Absent: `allow`.
    pub(crate) at_most: Option<SafetyAction>,
    /// Why.
    pub(crate) reason: String,
}

/// Limits of tokens. Of several rules the smaller number counts.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LimitText {
    /// Its name in decisions.
    pub(crate) id: String,
    /// Which plans. Absent: all.
    pub(crate) plans: Option<Vec<Plan>>,
    /// Which models, each a name or its beginning and a `*`. Absent: all.
    pub(crate) models: Option<Vec<String>>,
    /// The most tokens of one message.
    pub(crate) message_tokens: Option<u64>,
    /// The most tokens of one request with its history.
    pub(crate) request_tokens: Option<u64>,
    /// The most new tokens of a conversation.
    pub(crate) conversation_tokens: Option<u64>,
    /// The most new tokens of one person in a day, in UTC.
    pub(crate) subject_day_tokens: Option<u64>,
    /// The most tokens of one answer.
    pub(crate) output_tokens: Option<u64>,
}

/// What models can reach. Every rule that says something about a thing must permit it.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SandboxText {
    /// Its name in decisions.
    pub(crate) id: String,
    /// Which plans. Absent: all.
    pub(crate) plans: Option<Vec<Plan>>,
    /// Which models, each a name or its beginning and a `*`. Absent: all.
    pub(crate) models: Option<Vec<String>>,
    /// Names of tools that the client runs. Absent: any. Here and below a `*` may begin or end an entry.
    pub(crate) tools: Option<Vec<String>>,
    /// Types of tools that the provider runs. Absent: any.
    pub(crate) server_tools: Option<Vec<String>>,
    /// Hosts of servers of the Model Context Protocol. Absent: any.
    pub(crate) mcp_servers: Option<Vec<String>>,
    /// Hosts in links. Absent: any.
    pub(crate) url_hosts: Option<Vec<String>>,
    /// Types of files, as `application/pdf`. Absent: any.
    pub(crate) file_types: Option<Vec<String>>,
    /// What happens to anything else: `remove` or `refuse`. Absent: `refuse`.
    pub(crate) otherwise: Option<SandboxOtherwise>,
}

impl Reading<'_> {
    /// What the policy says about safeguards, complete; what contradicts itself within one entry is a problem.
    pub(crate) fn safety(&mut self, plans: &[PlanTerms]) -> SafetyTerms {
        let counts = [
            ("safeguards", self.document.safeguards.values().map(Vec::len).sum()),
            ("trusted", self.document.trusted.len()),
            ("limits", self.document.limits.len()),
            ("sandbox", self.document.sandbox.len()),
        ];
        for (what, count) in counts {
            if count > RULES_MAX {
                self.safety_problem(
                    ProblemKind::Syntax,
                    None,
                    &[],
                    format!("`{what}` has at most {RULES_MAX} entries"),
                );
                return SafetyTerms::default();
            }
        }
        let rules = self.safeguard_rules(plans);
        let trusted = self.trusted(&rules);
        let limits = self.limit_rules(plans);
        let sandbox = self.sandbox_rules(plans);
        SafetyTerms { rules, trusted, limits, sandbox }
    }

    pub(super) fn safety_problem(
        &mut self,
        kind: ProblemKind,
        line: Option<usize>,
        rules: &[&str],
        text: impl Into<String>,
    ) {
        self.problems.push(PolicyProblem::new(kind, line, text).of_rules(rules.iter().copied()));
    }

    fn safeguard_rules(&mut self, plans: &[PlanTerms]) -> Vec<SafeguardRule> {
        let document = self.document;
        let mut rules: Vec<SafeguardRule> = Vec::new();
        let mut lines: Vec<usize> = Vec::new();
        let all = document
            .safeguards
            .iter()
            .flat_map(|(category, all)| all.iter().map(move |one| (*category, one)));
        for (category, written) in all {
            let (line, text) = (self.line(written), written.get_ref());
            self.safety_name(line, &text.id, rules.iter().any(|rule| rule.id == text.id));
            let rule = SafeguardRule {
                id: text.id.clone(),
                category,
                scope: self.safety_scope(line, &text.id, plans, (text.plans.as_ref(), text.models.as_ref())),
                provenance: provenance(category, text),
                steps: text.steps.iter().map(step).collect(),
                shadow: text.shadow,
                rollout: text.rollout.unwrap_or(100),
                clause: text.clause.clone(),
            };
            self.check_safeguard(&rule, text, line);
            rules.push(rule);
            lines.push(line);
        }
        self.check_reroutes(&rules, &lines);
        rules
    }

    fn trusted(&mut self, rules: &[SafeguardRule]) -> Vec<TrustedAccess> {
        let document = self.document;
        let mut lists: Vec<TrustedAccess> = Vec::new();
        for written in &document.trusted {
            let (line, text) = (self.line(written), written.get_ref());
            self.safety_name(line, &text.name, lists.iter().any(|list| list.name == text.name));
            let until = match crate::cases::instant(&text.until) {
                Ok(until) => until,
                Err(words) => {
                    self.safety_problem(ProblemKind::Syntax, Some(line), &[&text.name], words);
                    continue;
                }
            };
            let mut who = Vec::new();
            for id in text.who.iter().take(ENTRIES_MAX) {
                match party(id) {
                    Some(party) => who.push(party),
                    None => {
                        let words = format!(
                            "`{id}` in `who` is the id of no person, workspace or key; those begin with `subject_`, `wrkspc_` and `vkey_`"
                        );
                        self.safety_problem(ProblemKind::Syntax, Some(line), &[&text.name], words);
                    }
                }
            }
            let list = TrustedAccess {
                name: text.name.clone(),
                who,
                categories: text.categories.clone(),
                until,
                at_most: text.at_most.unwrap_or(SafetyAction::Allow),
                reason: text.reason.clone(),
            };
            self.check_trusted(&list, text, rules, line);
            lists.push(list);
        }
        lists
    }

    fn limit_rules(&mut self, plans: &[PlanTerms]) -> Vec<LimitRule> {
        let document = self.document;
        let mut rules: Vec<LimitRule> = Vec::new();
        for written in &document.limits {
            let (line, text) = (self.line(written), written.get_ref());
            self.safety_name(line, &text.id, rules.iter().any(|rule| rule.id == text.id));
            let mut tokens = [None; LimitKind::ALL.len()];
            for (place, kind) in tokens.iter_mut().zip(LimitKind::ALL) {
                *place = match kind {
                    LimitKind::Message => text.message_tokens,
                    LimitKind::Request => text.request_tokens,
                    LimitKind::Conversation => text.conversation_tokens,
                    LimitKind::SubjectDay => text.subject_day_tokens,
                    LimitKind::Output => text.output_tokens,
                };
            }
            let scope = self.safety_scope(line, &text.id, plans, (text.plans.as_ref(), text.models.as_ref()));
            let rule = LimitRule { id: text.id.clone(), scope, tokens };
            self.check_limits(&rule, line);
            rules.push(rule);
        }
        rules
    }

    fn sandbox_rules(&mut self, plans: &[PlanTerms]) -> Vec<SandboxRule> {
        let document = self.document;
        let mut rules: Vec<SandboxRule> = Vec::new();
        for written in &document.sandbox {
            let (line, text) = (self.line(written), written.get_ref());
            self.safety_name(line, &text.id, rules.iter().any(|rule| rule.id == text.id));
            let permitted = [
                text.tools.clone(),
                text.server_tools.clone(),
                text.mcp_servers.clone(),
                text.url_hosts.clone(),
                text.file_types.clone(),
            ];
            let scope = self.safety_scope(line, &text.id, plans, (text.plans.as_ref(), text.models.as_ref()));
            let otherwise = text.otherwise.unwrap_or(SandboxOtherwise::Refuse);
            let rule = SandboxRule { id: text.id.clone(), scope, permitted, otherwise };
            self.check_sandbox(&rule, line);
            rules.push(rule);
        }
        rules
    }

    /// Names stand in decisions and in the ledger.
    fn safety_name(&mut self, line: usize, name: &str, taken: bool) {
        if !super::compile::is_name(name) {
            let words = format!("the name {name:?}: names have 1 to 64 lower-case letters, digits and `-`");
            self.safety_problem(ProblemKind::Syntax, Some(line), &[], words);
        }
        if taken {
            let words = "the name is taken; decisions must say which one they mean. Rename one";
            self.safety_problem(ProblemKind::Duplicate, Some(line), &[name], words);
        }
    }

    fn safety_scope(
        &mut self,
        line: usize,
        id: &str,
        known: &[PlanTerms],
        (plans, models): (Option<&Vec<Plan>>, Option<&Vec<String>>),
    ) -> SafetyScope {
        for plan in plans.into_iter().flatten() {
            if !self.document.plans.contains_key(plan) {
                let words = format!(
                    "it names the plan {plan}, which this policy does not have; add `[plans.{plan}]` or remove it"
                );
                self.safety_problem(ProblemKind::Unknown, Some(line), &[id], words);
            }
        }
        let empty = plans.is_some_and(Vec::is_empty) || models.is_some_and(Vec::is_empty);
        if empty {
            let words = "it is for no plan or no model, so it never applies. Name one, or leave the key out, which means all";
            self.safety_problem(ProblemKind::Unreachable, Some(line), &[id], words);
        }
        for model in models.into_iter().flatten().filter(|model| model.starts_with('*') || !is_pattern(model))
        {
            let words = format!("{model:?} in `models` is no name of a model, or its beginning and a `*`");
            self.safety_problem(ProblemKind::Syntax, Some(line), &[id], words);
        }
        SafetyScope {
            plans: plans.cloned().unwrap_or_else(|| known.iter().map(|terms| terms.plan).collect()),
            models: models.cloned().unwrap_or_default(),
        }
    }
}

fn step(text: &StepText) -> SafetyStep {
    SafetyStep {
        at: text.at,
        action: text.action,
        to: text.to.clone(),
        per_hour: text.per_hour,
        flag: text.flag,
    }
}

/// Whose words a rule is about: as written, or everybody's that its actions are possible for. What stands in the answer
/// that is being given cannot be rerouted any more.
fn provenance(category: SafetyCategory, text: &SafeguardText) -> Vec<Provenance> {
    let reroutes = text.steps.iter().any(|step| step.action == SafetyAction::Reroute);
    let possible = |provenance: &Provenance| {
        (*provenance != Provenance::Answer || !reroutes)
            && (*provenance == Provenance::Answer || !super::safeguard_checks::is_of_answers(category))
    };
    match &text.provenance {
        Some(written) => written.clone(),
        None => Provenance::ALL.into_iter().filter(possible).collect(),
    }
}

fn party(id: &str) -> Option<TrustedParty> {
    use crate::id::{SubjectId, VirtualKeyId, WorkspaceId};
    // Bare UUIDs say not what they are of.
    if id.starts_with(SubjectId::PREFIX) {
        return id.parse().ok().map(TrustedParty::Subject);
    }
    if id.starts_with(WorkspaceId::PREFIX) {
        return id.parse().ok().map(TrustedParty::Workspace);
    }
    id.starts_with(VirtualKeyId::PREFIX).then(|| id.parse().ok().map(TrustedParty::Key)).flatten()
}

/// The texts in these parts of a policy that are shown to people, with what they are.
pub(super) fn shown_texts(document: &super::document::Document) -> Vec<(&'static str, &String)> {
    let clauses =
        document.safeguards.values().flatten().map(|rule| ("a safeguard's clause", &rule.get_ref().clause));
    let targets = document.safeguards.values().flatten().flat_map(|rule| &rule.get_ref().steps);
    let targets = targets.filter_map(|step| Some(("a safeguard's model", step.to.as_ref()?)));
    let reasons =
        document.trusted.iter().map(Spanned::get_ref).map(|list| ("a trusted list's reason", &list.reason));
    clauses.chain(targets).chain(reasons).collect()
}
