//! What a change of policy changes about safeguards, in words.

use std::collections::BTreeSet;

use super::action::{LimitKind, SandboxKind};
use super::terms::{LimitRule, SafeguardRule, SafetyScope, SafetyTerms, SandboxRule, TrustedAccess};

/// Every difference, a line for each.
pub(crate) fn changes(old: &SafetyTerms, new: &SafetyTerms) -> Vec<String> {
    let mut lines = Vec::new();
    each("safeguard", &old.rules, &new.rules, |rule| &rule.id, safeguard, &mut lines);
    each("trusted access", &old.trusted, &new.trusted, |list| &list.name, trusted, &mut lines);
    each("limit", &old.limits, &new.limits, |rule| &rule.id, limit, &mut lines);
    each("sandbox", &old.sandbox, &new.sandbox, |rule| &rule.id, sandbox, &mut lines);
    lines
}

/// What is said about one thing: each of its sides, in words.
type Sides = Vec<(&'static str, String)>;

fn each<T>(
    what: &str,
    old: &[T],
    new: &[T],
    name: fn(&T) -> &String,
    sides: fn(&T) -> Sides,
    lines: &mut Vec<String>,
) {
    let names: BTreeSet<&String> = old.iter().chain(new).map(name).collect();
    for own in names {
        let find = |all: &[T]| all.iter().find(|one| name(one) == own).map(sides);
        match (find(old), find(new)) {
            (None, Some(sides)) => {
                let words: Vec<String> =
                    sides.iter().map(|(side, words)| format!("{side} {words}")).collect();
                lines.push(format!("{what} {own} is new: {}", words.join("; ")));
            }
            (Some(_), None) => lines.push(format!("{what} {own} is gone")),
            (Some(before), Some(after)) => {
                for ((side, before), (_, after)) in before.into_iter().zip(after) {
                    if before != after {
                        lines.push(format!("{what} {own}: {side} was {before}, becomes {after}"));
                    }
                }
            }
            (None, None) => {}
        }
    }
}

fn list<T: ToString>(all: &[T], otherwise: &str) -> String {
    if all.is_empty() {
        return otherwise.to_owned();
    }
    all.iter().map(T::to_string).collect::<Vec<_>>().join(", ")
}

fn scope(scope: &SafetyScope) -> Sides {
    vec![("for plans", list(&scope.plans, "none")), ("for models", list(&scope.models, "all"))]
}

fn safeguard(rule: &SafeguardRule) -> Sides {
    let steps: Vec<String> = rule
        .steps
        .iter()
        .map(|step| {
            let to = step.to.as_ref().map(|to| format!(" to {to}")).unwrap_or_default();
            let rate = step.per_hour.map(|count| format!(" to {count} an hour")).unwrap_or_default();
            let flag = if step.flag { " and flag" } else { "" };
            format!("{} from {} on{to}{rate}{flag}", step.action, step.at.value())
        })
        .collect();
    let mut sides = vec![("about", rule.category.to_string()), ("what is done", list(&steps, "nothing"))];
    sides.push(("in the words of", list(&rule.provenance, "nobody")));
    sides.extend(scope(&rule.scope));
    let acts = if rule.shadow {
        "nowhere, in shadow".to_owned()
    } else {
        format!("in {} of 100 conversations", rule.rollout)
    };
    sides.push(("where it acts", acts));
    sides.push(("the clause", format!("\"{}\"", rule.clause)));
    sides
}

fn trusted(trusted: &TrustedAccess) -> Sides {
    vec![
        ("who is trusted", list(&trusted.who, "nobody")),
        ("with", list(&trusted.categories, "nothing")),
        ("until", trusted.until.to_string()),
        ("at most", trusted.at_most.to_string()),
        ("because", format!("\"{}\"", trusted.reason)),
    ]
}

fn limit(rule: &LimitRule) -> Sides {
    const WORDS: [&str; LimitKind::ALL.len()] = [
        "tokens of a message",
        "tokens of a request",
        "tokens of a conversation",
        "tokens of a person's day",
        "tokens of an answer",
    ];
    let count =
        |tokens: &Option<u64>| tokens.map_or_else(|| "without limit".to_owned(), |most| most.to_string());
    let mut sides: Sides = WORDS.into_iter().zip(rule.tokens.iter().map(count)).collect();
    sides.extend(scope(&rule.scope));
    sides
}

fn sandbox(rule: &SandboxRule) -> Sides {
    const WORDS: [&str; SandboxKind::ALL.len()] =
        ["tools", "server tools", "MCP servers", "hosts in links", "files"];
    let permitted = |patterns: &Option<Vec<String>>| match patterns {
        None => "any".to_owned(),
        Some(patterns) => list(patterns, "none"),
    };
    let mut sides: Sides = WORDS.into_iter().zip(rule.permitted.iter().map(permitted)).collect();
    sides.extend(scope(&rule.scope));
    sides.push(("what happens to others", rule.otherwise.to_string()));
    sides
}
