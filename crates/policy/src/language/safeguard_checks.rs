//! What a policy must not say about safeguards. Every finding shows an input that breaks it.

use super::problem::ProblemKind;
use super::reading::Reading;
use super::safeguards::{SafeguardText, TrustedText};
use crate::retention::Plan;
use crate::safety::{
    LimitKind, LimitRule, Provenance, SafeguardRule, SafetyAction, SafetyCategory, SafetyCircumstances,
    SafetyFinding, SafetyTerms, SandboxKind, SandboxRule, Score, TrustedAccess,
};

/// The longest pattern.
const PATTERN_BYTES_MAX: usize = 256;

/// Whether a category is closed: no policy can permit it to anybody.
const fn closed(category: SafetyCategory) -> bool {
    matches!(category, SafetyCategory::ChildSafety | SafetyCategory::BiometricIdentification)
}

/// Whether a category is about answers alone.
pub(super) const fn is_of_answers(category: SafetyCategory) -> bool {
    matches!(category, SafetyCategory::SystemPromptLeakage | SafetyCategory::OutputAnomaly)
}

/// Whether an action is possible for a category. Only what has places in the text can be taken out of it, and a placeholder
/// stands for data, not for what somebody wants.
const fn is_possible(action: SafetyAction, category: SafetyCategory) -> bool {
    match action {
        SafetyAction::Mask => matches!(category, SafetyCategory::PersonalData | SafetyCategory::Secrets),
        SafetyAction::Redact => matches!(
            category,
            SafetyCategory::PersonalData
                | SafetyCategory::Secrets
                | SafetyCategory::SystemPromptLeakage
                | SafetyCategory::PromptInjection
        ),
        _ => true,
    }
}

/// A name, or one with a `*` at its beginning or end.
pub(super) fn is_pattern(text: &str) -> bool {
    let inner = text.strip_prefix('*').or_else(|| text.strip_suffix('*')).unwrap_or(text);
    text.len() <= PATTERN_BYTES_MAX
        && !text.is_empty()
        && !inner.contains('*')
        && text.bytes().all(|byte| byte.is_ascii_graphic())
}

fn example(category: SafetyCategory, score: f32, provenance: Provenance, plan: Plan, model: &str) -> String {
    format!(
        "\n    for example: {category} found with a score of {score} in {provenance}; plan {plan}, model {model}"
    )
}

impl Reading<'_> {
    /// One rule alone.
    pub(super) fn check_safeguard(&mut self, rule: &SafeguardRule, text: &SafeguardText, line: usize) {
        let mut found: Vec<(ProblemKind, String)> = Vec::new();
        let mut say = |kind, words: String| found.push((kind, words));
        let category = rule.category;
        if rule.steps.is_empty() {
            say(
                ProblemKind::Missing,
                "`steps` is empty, so nothing is ever done. Add one, as in `{ at = 0.9, action = \"flag\" }`"
                    .to_owned(),
            );
        }
        if rule.clause.trim().is_empty() {
            say(
                ProblemKind::Missing,
                "`clause` is empty; it says in words what people are promised".to_owned(),
            );
        }
        if !(1..=100).contains(&rule.rollout) {
            say(
                ProblemKind::Syntax,
                format!(
                    "`rollout` is {}; it is a percentage from 1 to 100. For none, say `shadow = true`",
                    rule.rollout
                ),
            );
        }
        if rule.shadow && text.rollout.is_some() {
            say(
                ProblemKind::Contradiction,
                "a rule in shadow acts nowhere, and `rollout` says where it acts. Keep one of the two"
                    .to_owned(),
            );
        }
        for problem in step_problems(rule) {
            say(ProblemKind::Contradiction, problem);
        }
        let unreachable = rule.provenance.is_empty()
            || (is_of_answers(category) && !rule.provenance.contains(&Provenance::Answer));
        if unreachable {
            say(
                ProblemKind::Unreachable,
                format!(
                    "{category} is never found in the words that `provenance` names. Leave it out, which means all that can be"
                ),
            );
        }
        if rule.provenance.contains(&Provenance::Answer)
            && let Some(step) = rule.steps.iter().find(|step| step.action == SafetyAction::Reroute)
        {
            let shown = self.shown(rule, step.at.value(), Provenance::Answer);
            say(
                ProblemKind::Contradiction,
                format!(
                    "an answer that is being given cannot be rerouted any more. Give answers a rule of their own, which refuses{shown}"
                ),
            );
        }
        for (kind, words) in found {
            self.safety_problem(kind, Some(line), &[&rule.id], words);
        }
    }

    /// An input that comes under a rule.
    fn shown(&self, rule: &SafeguardRule, score: f32, provenance: Provenance) -> String {
        let plan = rule.scope.plans.first().or(self.document.plans.keys().next());
        let Some(plan) = plan else { return String::new() };
        let model = rule.scope.models.first().map_or("any", String::as_str);
        example(rule.category, score, provenance, *plan, model)
    }

    /// A request must not be sent to a model for which the same finding sends it on, holds it or refuses it.
    pub(super) fn check_reroutes(&mut self, rules: &[SafeguardRule], lines: &[usize]) {
        let mut found = Vec::new();
        let terms = SafetyTerms { rules: rules.iter().map(in_force).collect(), ..SafetyTerms::default() };
        for (rule, line) in rules.iter().zip(lines).filter(|(rule, _)| !rule.shadow) {
            if let Some((to, words)) = reroute_problem(&terms, rule) {
                found.push((*line, rule.id.clone(), to, words));
            }
        }
        for (line, id, other, words) in found {
            let mut rules = vec![id.as_str(), other.as_str()];
            rules.dedup();
            self.safety_problem(ProblemKind::Contradiction, Some(line), &rules, words);
        }
    }

    pub(super) fn check_trusted(
        &mut self,
        list: &TrustedAccess,
        text: &TrustedText,
        rules: &[SafeguardRule],
        line: usize,
    ) {
        let mut say = |kind, words: String| self.safety_problem(kind, Some(line), &[&list.name], words);
        if text.who.is_empty() || list.categories.is_empty() {
            say(
                ProblemKind::Missing,
                "it trusts nobody, or with nothing. Name people, workspaces or keys in `who`, and `categories`".to_owned(),
            );
        }
        if list.reason.trim().is_empty() {
            say(
                ProblemKind::Missing,
                "`reason` is empty; whoever reads the policy must see why others have less".to_owned(),
            );
        }
        if list.at_most > SafetyAction::Flag {
            say(
                ProblemKind::Contradiction,
                format!("`at_most` is {}, which is what others get. It is `allow` or `flag`", list.at_most),
            );
        }
        for category in &list.categories {
            if closed(*category) {
                let who = text.who.first().map_or("anybody", String::as_str);
                say(
                    ProblemKind::Contradiction,
                    format!(
                        "{category} is closed: no policy can permit it to anybody. Remove the category\n    for example: {category} \
                         found with a score of 1 in what {who} wrote would be let through"
                    ),
                );
            } else if !rules.iter().any(|rule| rule.category == *category) {
                say(
                    ProblemKind::Unreachable,
                    format!(
                        "no rule is about {category}, so nobody need be trusted with it. Add `[[safeguards.{category}]]` or remove the category"
                    ),
                );
            }
        }
    }

    pub(super) fn check_limits(&mut self, rule: &LimitRule, line: usize) {
        let mut say = |kind, words: String| self.safety_problem(kind, Some(line), &[&rule.id], words);
        let tokens = |kind: LimitKind| rule.tokens.get(kind as usize).copied().flatten();
        if rule.tokens.iter().all(Option::is_none) {
            say(
                ProblemKind::Missing,
                "it limits nothing. Say for example `request_tokens = 200000`".to_owned(),
            );
        }
        if rule.tokens.contains(&Some(0)) {
            say(
                ProblemKind::Contradiction,
                "a limit of 0 tokens would refuse everything. Remove the plan or the model instead"
                    .to_owned(),
            );
        }
        for (part, whole) in [
            (LimitKind::Message, LimitKind::Request),
            (LimitKind::Message, LimitKind::Conversation),
            (LimitKind::Message, LimitKind::SubjectDay),
        ] {
            if let (Some(less), Some(more)) = (tokens(part), tokens(whole))
                && less > more
            {
                say(
                    ProblemKind::Contradiction,
                    format!(
                        "a {part} may have {less} tokens, and a {whole} with it only {more}. Lower the one or raise the other\n    \
                         for example: a {part} of {less} tokens is permitted by the first and refused by the second"
                    ),
                );
            }
        }
    }

    pub(super) fn check_sandbox(&mut self, rule: &SandboxRule, line: usize) {
        let mut say = |kind, words: String| self.safety_problem(kind, Some(line), &[&rule.id], words);
        if rule.permitted.iter().all(Option::is_none) {
            say(ProblemKind::Missing, "it says nothing about what may be reached. Say for example `url_hosts = [\"*.example.org\"]`".to_owned());
        }
        for (kind, patterns) in SandboxKind::ALL.into_iter().zip(&rule.permitted) {
            let exact = matches!(kind, SandboxKind::Tool | SandboxKind::ServerTool);
            let is_host = matches!(kind, SandboxKind::McpServer | SandboxKind::UrlHost);
            for pattern in patterns.iter().flatten() {
                let upper = !exact && pattern.bytes().any(|byte| byte.is_ascii_uppercase());
                let address = is_host && pattern.contains(['/', '@', '?', '#']);
                if !is_pattern(pattern) || upper || address {
                    let what = if is_host {
                        "a host in lower case, as `api.example.org` or `*.example.org`"
                    } else if exact {
                        "a name, or one with a `*` at its beginning or end"
                    } else {
                        "a type in lower case, as `application/pdf` or `image/*`"
                    };
                    say(ProblemKind::Syntax, format!("{pattern:?} is no {kind}: write {what}"));
                }
            }
        }
    }
}

/// What is wrong with the steps of a rule.
fn step_problems(rule: &SafeguardRule) -> Vec<String> {
    let (mut problems, category) = (Vec::new(), rule.category);
    for step in &rule.steps {
        let (action, at) = (step.action, step.at.value());
        if !is_possible(action, category) {
            problems.push(format!(
                "at {at}: {action} is not possible for {category}, which is no data with a place in the text. Take another action"
            ));
        }
        if action == SafetyAction::Allow && closed(category) {
            problems.push(format!(
                "at {at}: {category} is closed, no policy can permit it. Take another action\n    for example: {category} found \
                 with a score of {at} would be let through"
            ));
        }
        if (action == SafetyAction::Reroute) != step.to.as_ref().is_some_and(|to| !to.is_empty()) {
            problems.push(format!(
                "at {at}: `to` names the model that answers, for `reroute` and for nothing else"
            ));
        }
        if step.to.as_ref().is_some_and(|to| to.contains('*')) {
            problems.push(format!("at {at}: `to` is one model, by its whole name"));
        }
        if let [only] = &rule.scope.models[..]
            && step.to.as_ref() == Some(only)
        {
            problems.push(format!(
                "at {at}: requests to {only} would be sent to {only}. Name another model\n    for example: {category} found with a score \
                 of {at}; model {only}"
            ));
        }
        if (action == SafetyAction::Throttle) != step.per_hour.is_some_and(|count| count > 0) {
            problems.push(format!(
                "at {at}: `per_hour` says how many such requests pass in an hour, at least 1, for `throttle` and for nothing else"
            ));
        }
        if step.flag && action <= SafetyAction::Flag {
            problems.push(format!(
                "at {at}: the action is {action}, and `flag` says the opposite or the same. Keep one"
            ));
        }
    }
    for pair in rule.steps.windows(2) {
        let [lower, higher] = pair else { continue };
        let (low, high) = (lower.at.value(), higher.at.value());
        if higher.at <= lower.at {
            problems.push(format!(
                "the step at {high} stands behind the one at {low}. Write the lowest score first, each once"
            ));
        } else if higher.action < lower.action {
            problems.push(format!(
                "a higher score would be treated more mildly: {} from {low} on, and {} from {high} on. Make the later step at least as \
                 stern\n    for example: {category} found with a score of {high} gets {}, and with {low} it gets {}",
                lower.action, higher.action, higher.action, lower.action
            ));
        }
    }
    problems
}

/// The rule as it acts when it acts everywhere.
fn in_force(rule: &SafeguardRule) -> SafeguardRule {
    SafeguardRule { rollout: 100, ..rule.clone() }
}

/// The other rule, and what is wrong, where a rule sends requests to a model that may not have them.
fn reroute_problem(terms: &SafetyTerms, rule: &SafeguardRule) -> Option<(String, String)> {
    for (number, step) in rule.steps.iter().enumerate() {
        let Some(to) = step.to.as_deref() else { continue };
        // Every score at which something changes while this step counts.
        let end = rule.steps.get(number + 1).map(|next| next.at);
        let within = |score: &Score| *score >= step.at && end.is_none_or(|end| *score < end);
        let others = terms.rules.iter().filter(|other| other.category == rule.category);
        let mut scores: Vec<Score> =
            others.flat_map(|other| other.steps.iter().map(|step| step.at)).filter(within).collect();
        scores.sort_unstable();
        for plan in &rule.scope.plans {
            for provenance in &rule.provenance {
                let follows =
                    |score: Score| what_follows(terms, rule.category, *plan, *provenance, to, score);
                // A higher score never gives less, so the highest one tells whether any does.
                if scores.last().is_none_or(|highest| follows(*highest).is_none()) {
                    continue;
                }
                let first = scores.iter().find_map(|score| Some((score, follows(*score)?)));
                let Some((score, (other, does))) = first else { continue };
                let shown = example(rule.category, score.value(), *provenance, *plan, to);
                let words = format!(
                    "it sends requests to {to}, and {does}. Exempt the model there, or name another here{shown}"
                );
                return Some((other, words));
            }
        }
    }
    None
}

/// The rule that does more than pass a request on where it was sent, and what that is.
fn what_follows(
    terms: &SafetyTerms,
    category: SafetyCategory,
    plan: Plan,
    provenance: Provenance,
    model: &str,
    score: Score,
) -> Option<(String, String)> {
    let circumstances = SafetyCircumstances {
        plan,
        model,
        parties: &[],
        conversation: 0,
        now: crate::edge::Timestamp::UNIX_EPOCH,
    };
    let there = terms.decide(&[SafetyFinding { category, provenance, score }], &circumstances);
    if there.action < SafetyAction::Reroute {
        return None;
    }
    let acts = |reason: &&crate::safety::SafetyReason| {
        reason.action == there.action && reason.outcome == crate::safety::SafetyOutcome::Acts
    };
    let other = there.reasons.iter().find(acts)?;
    let does = there.reroute_to.as_ref().map_or_else(
        || format!("{} follows there", there.action),
        |next| format!("{next} would have to answer from there"),
    );
    Some((other.rule.clone(), does))
}
