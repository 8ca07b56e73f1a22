//! What policies say about safeguards: how it is read, and what is refused.

use super::ProblemKind::{self, *};
use crate::safety::*;
use crate::{Plan, Policy, diff};

const SOUND: &str = r#"language = 1
name = "small"
title = "A small policy"

[regions.home]
title = "Home"

[plans.free]
audience = "consumer"
tier = "restricted"
training = "never"
region = "home"

[plans.api]
audience = "commercial"
tier = "restricted"
training = "never"
region = "home"

[[rules]]
id = "service"
ground = "service"
delete = ["30 days after creation", "30 days after deletion", "30 days after erasure"]
clause = "Kept 30 days"

[[safeguards.cyber-misuse]]
id = "cyber"
models = ["big-*"]
clause = "Help with attacks goes to a smaller model"
steps = [
    { at = 0.5, action = "flag" },
    { at = 0.8, action = "reroute", to = "small-1", flag = true },
]

[[safeguards.cyber-misuse]]
id = "cyber-answers"
provenance = ["answer"]
rollout = 25
clause = "What an answer gives away is refused"
steps = [{ at = 0.9, action = "refuse" }]

[[safeguards.personal-data]]
id = "people"
plans = ["api"]
shadow = true
clause = "Names do not leave"
steps = [{ at = 0.7, action = "mask" }]

[[trusted]]
name = "red-team"
who = ["wrkspc_00000000-0000-7000-8000-000000000001"]
categories = ["cyber-misuse"]
until = "2027-01-31"
reason = "They attack our own systems with a contract"

[[limits]]
id = "short"
plans = ["free"]
message_tokens = 10000
request_tokens = 20000

[[limits]]
id = "big"
models = ["big-*"]
request_tokens = 15000
output_tokens = 4000

[[sandbox]]
id = "links"
url_hosts = ["*.example.org", "docs.example.com"]
file_types = ["image/*"]
otherwise = "remove"

[[sandbox]]
id = "api-links"
plans = ["api"]
url_hosts = ["docs.example.com"]
"#;

fn check_changed(from: &str, to: &str, kind: ProblemKind, words: &str) {
    assert!(SOUND.contains(from), "{from}");
    check_text(&SOUND.replacen(from, to, 1), kind, words);
}

fn check_added(added: &str, kind: ProblemKind, words: &str) {
    check_text(&format!("{SOUND}\n{added}"), kind, words);
}

fn check_text(text: &str, kind: ProblemKind, words: &str) {
    let Err(problems) = Policy::parse(text) else { panic!("accepted:\n{text}") };
    let fits = |problem: &&super::PolicyProblem| problem.kind == kind && problem.to_string().contains(words);
    assert!(
        problems.problems.iter().any(|problem| fits(&problem)),
        "no {kind} with `{words}` in:\n{problems}"
    );
}

fn sound() -> Policy {
    Policy::parse(SOUND).unwrap_or_else(|problems| panic!("{problems}"))
}

fn rule(category: &str, body: &str) -> String {
    format!("[[safeguards.{category}]]\nid = \"added\"\nclause = \"x\"\n{body}\n")
}

#[test]
fn what_is_absent_is_filled_in() {
    let policy = sound();
    let [cyber, answers, people] = &policy.safety().rules[..] else { panic!("{:?}", policy.safety().rules) };
    assert_eq!(cyber.scope.plans, [Plan::Free, Plan::Api]);
    // What reroutes cannot be about the answer that is being given.
    assert_eq!(cyber.provenance, &Provenance::ALL[..5]);
    assert_eq!((answers.rollout, answers.shadow), (25, false));
    assert_eq!((people.rollout, people.shadow, &people.provenance[..]), (100, true, &Provenance::ALL[..]));
    let list = &policy.safety().trusted[0];
    assert_eq!(
        (list.until.to_string(), list.at_most),
        ("2027-01-31T00:00:00Z".to_owned(), SafetyAction::Allow)
    );
    assert_eq!(Policy::built_in("consumer").unwrap().safety().rules, []);
}

#[test]
fn the_smallest_limit_counts_and_says_its_rule() {
    let policy = sound();
    let limits = |plan, model| {
        let limits = policy.safety().limits(plan, model);
        limits.into_iter().map(|limit| (limit.kind, limit.tokens, limit.rule.to_owned())).collect::<Vec<_>>()
    };
    assert_eq!(
        limits(Plan::Free, "big-2"),
        [
            (LimitKind::Message, 10_000, "short".to_owned()),
            (LimitKind::Request, 15_000, "big".to_owned()),
            (LimitKind::Output, 4_000, "big".to_owned()),
        ]
    );
    assert_eq!(limits(Plan::Api, "small-1"), []);
}

#[test]
fn every_sandbox_that_says_something_must_permit() {
    use SandboxKind::{FileType, Tool, UrlHost};
    use SandboxOtherwise::{Refuse, Remove};
    let policy = sound();
    let check = |plan, kind, name: &str, expected: Option<(&str, SandboxOtherwise)>| {
        let permitted = policy.safety().permits(plan, "m", kind, name);
        assert_eq!(permitted.err().map(|not| (not.rule, not.otherwise)), expected, "{plan} {kind} {name}");
    };
    check(Plan::Free, UrlHost, "www.example.org", None);
    check(Plan::Free, UrlHost, "WWW.Example.ORG.", None);
    check(Plan::Free, UrlHost, "example.org", Some(("links", Remove)));
    check(Plan::Free, UrlHost, "www.example.org.evil.net", Some(("links", Remove)));
    check(Plan::Api, UrlHost, "docs.example.com", None);
    check(Plan::Api, UrlHost, "www.example.org", Some(("api-links", Refuse)));
    check(Plan::Api, UrlHost, "evil.net", Some(("api-links", Refuse)));
    check(Plan::Free, FileType, "image/png", None);
    check(Plan::Free, FileType, "application/pdf", Some(("links", Remove)));
    check(Plan::Free, Tool, "anything", None);
}

#[test]
fn unknown_words_are_refused_with_their_line() {
    check_changed("at = 0.5,", "above = 0.5,", Syntax, "line 31: unknown field `above`");
    check_changed("action = \"flag\"", "action = \"shrug\"", Syntax, "unknown variant `shrug`");
    check_changed(
        "[[safeguards.personal-data]]",
        "[[safeguards.boredom]]",
        Syntax,
        "unknown variant `boredom`",
    );
    check_changed("at = 0.9,", "at = 9,", Syntax, "a score lies between 0 and 1, and 9 does not");
    check_changed("at = 0.9,", "at = nan,", Syntax, "a score lies between 0 and 1");
    check_changed("plans = [\"api\"]\nshadow", "plans = [\"max\"]\nshadow", Unknown, "names the plan max");
    check_changed("until = \"2027-01-31\"", "until = \"soon\"", Syntax, "`soon` is no instant");
    check_changed("who = [\"wrkspc_", "who = [\"org_", Syntax, "the id of no person, workspace or key");
    check_changed(
        "models = [\"big-*\"]\nclause",
        "models = [\"*big\"]\nclause",
        Syntax,
        "no name of a model",
    );
    check_changed(
        "clause = \"Names do not leave\"",
        "clause = \"a\\u0007\"",
        Syntax,
        "a safeguard's clause holds a control character",
    );
    check_changed("id = \"people\"", "id = \"cyber\"", Duplicate, "the name is taken");
    check_changed("id = \"people\"", "id = \"People\"", Syntax, "lower-case letters");
    check_changed(
        "\"docs.example.com\"]\nfile",
        "\"https://docs.example.com\"]\nfile",
        Syntax,
        "a host in lower case",
    );
}

#[test]
fn contradictions_are_refused_and_shown() {
    let steps = |category: &str, steps: &str, words: &str| {
        check_added(&rule(category, &format!("steps = [{steps}]")), Contradiction, words);
    };
    let milder = "a higher score would be treated more mildly: refuse from 0.5 on, and flag from 0.9 on";
    steps("hate", r#"{ at = 0.5, action = "refuse" }, { at = 0.9, action = "flag" }"#, milder);
    let shown = "for example: hate found with a score of 0.9 gets flag, and with 0.5 it gets refuse";
    steps("hate", r#"{ at = 0.5, action = "refuse" }, { at = 0.9, action = "flag" }"#, shown);
    steps(
        "hate",
        r#"{ at = 0.5, action = "flag" }, { at = 0.5, action = "refuse" }"#,
        "Write the lowest score first",
    );
    steps("hate", r#"{ at = 0.5, action = "reroute" }"#, "`to` names the model");
    steps("hate", r#"{ at = 0.5, action = "refuse", to = "small-1" }"#, "`to` names the model");
    steps("hate", r#"{ at = 0.5, action = "reroute", to = "small-*" }"#, "by its whole name");
    check_added(
        &rule(
            "hate",
            "models = [\"small-1\"]\nsteps = [{ at = 0.5, action = \"reroute\", to = \"small-1\" }]",
        ),
        Contradiction,
        "requests to small-1 would be sent to small-1",
    );
    steps("hate", r#"{ at = 0.5, action = "throttle" }"#, "`per_hour` says how many");
    steps("hate", r#"{ at = 0.5, action = "flag", flag = true }"#, "the opposite or the same");
    steps("hate", r#"{ at = 0.5, action = "mask" }"#, "mask is not possible for hate");
    steps("child-safety", r#"{ at = 0.5, action = "allow" }"#, "child-safety is closed");
    check_added(&rule("hate", "steps = []"), Missing, "`steps` is empty");
    let refuse = r#"steps = [{ at = 0.5, action = "refuse" }]"#;
    check_added(&rule("hate", &format!("{refuse}\nrollout = 0")), Syntax, "a percentage from 1 to 100");
    check_added(
        &rule("hate", &format!("{refuse}\nshadow = true\nrollout = 50")),
        Contradiction,
        "a rule in shadow acts nowhere",
    );
    check_added(&rule("hate", &format!("{refuse}\nplans = []")), Unreachable, "for no plan or no model");
    check_added(
        &rule("output-anomaly", &format!("{refuse}\nprovenance = [\"person\"]")),
        Unreachable,
        "never found in the words",
    );
    let answers = rule(
        "hate",
        "provenance = [\"answer\"]\nsteps = [{ at = 0.5, action = \"reroute\", to = \"small-1\" }]",
    );
    check_added(&answers, Contradiction, "cannot be rerouted any more");
    check_added(&answers, Contradiction, "for example: hate found with a score of 0.5 in answer; plan");
}

#[test]
fn a_request_is_not_sent_where_it_may_not_be() {
    let there = rule("cyber-misuse", "models = [\"small-*\"]\nsteps = [{ at = 0.95, action = \"refuse\" }]");
    check_added(
        &there,
        Contradiction,
        "[cyber, added] it sends requests to small-1, and refuse follows there",
    );
    check_added(
        &there,
        Contradiction,
        "for example: cyber-misuse found with a score of 0.95 in system-prompt; plan free, model small-1",
    );
    let back = rule(
        "cyber-misuse",
        "models = [\"small-1\"]\nsteps = [{ at = 0.1, action = \"reroute\", to = \"big-9\" }]",
    );
    check_added(&back, Contradiction, "big-9 would have to answer from there");
    // Where the other rule only flags, or is in shadow, nothing is contradicted.
    for body in [
        "models = [\"small-1\"]\nsteps = [{ at = 0.5, action = \"flag\" }]",
        "models = [\"small-1\"]\nshadow = true\nsteps = [{ at = 0.5, action = \"refuse\" }]",
    ] {
        Policy::parse(&format!("{SOUND}\n{}", rule("cyber-misuse", body)))
            .unwrap_or_else(|problems| panic!("{problems}"));
    }
}

#[test]
fn trust_has_bounds() {
    let list = |body: &str| {
        format!("[[trusted]]\nname = \"added\"\nuntil = \"2027-01-01\"\nreason = \"x\"\n{body}\n")
    };
    let who = "who = [\"vkey_00000000-0000-7000-8000-000000000002\"]";
    check_added(
        &list(&format!("{who}\ncategories = [\"child-safety\"]")),
        Contradiction,
        "child-safety is closed",
    );
    check_added(&list(&format!("{who}\ncategories = [\"hate\"]")), Unreachable, "no rule is about hate");
    check_added(&list(&format!("{who}\ncategories = []")), Missing, "trusts nobody, or with nothing");
    check_added(
        &list(&format!("{who}\ncategories = [\"cyber-misuse\"]\nat_most = \"refuse\"")),
        Contradiction,
        "`at_most` is refuse",
    );
    check_changed(
        "reason = \"They attack our own systems with a contract\"",
        "reason = \" \"",
        Missing,
        "`reason` is empty",
    );
}

#[test]
fn limits_and_sandboxes_must_say_something_that_can_hold() {
    let limit = |body: &str| format!("[[limits]]\nid = \"added\"\n{body}\n");
    check_added(&limit(""), Missing, "limits nothing");
    check_added(&limit("request_tokens = 0"), Contradiction, "a limit of 0 tokens");
    let more = "message_tokens = 9\nrequest_tokens = 8";
    check_added(&limit(more), Contradiction, "a message may have 9 tokens, and a request with it only 8");
    check_added(&limit(more), Contradiction, "for example: a message of 9 tokens");
    let sandbox = |body: &str| format!("[[sandbox]]\nid = \"added\"\n{body}\n");
    check_added(&sandbox(""), Missing, "says nothing");
    check_added(&sandbox("tools = [\"a*b\"]"), Syntax, "a name, or one with a `*`");
    check_added(&sandbox("file_types = [\"Image/PNG\"]"), Syntax, "a type in lower case");
}

#[test]
fn changes_are_told_in_words() {
    let check = |from: &str, to: &str, expected: &str| {
        assert!(SOUND.contains(from), "{from}");
        let new = Policy::parse(&SOUND.replacen(from, to, 1)).unwrap_or_else(|problems| panic!("{problems}"));
        assert_eq!(diff(&sound(), &new, None).terms, [expected]);
    };
    check(
        "rollout = 25",
        "rollout = 50",
        "safeguard cyber-answers: where it acts was in 25 of 100 conversations, becomes in 50 of 100 conversations",
    );
    check(
        "at = 0.9, action",
        "at = 0.95, action",
        "safeguard cyber-answers: what is done was refuse from 0.9 on, becomes refuse from 0.95 on",
    );
    check(
        "until = \"2027-01-31\"",
        "until = \"2027-02-28\"",
        "trusted access red-team: until was 2027-01-31T00:00:00Z, becomes 2027-02-28T00:00:00Z",
    );
    check(
        "message_tokens = 10000\n",
        "",
        "limit short: tokens of a message was 10000, becomes without limit",
    );
    check(
        "otherwise = \"remove\"",
        "otherwise = \"refuse\"",
        "sandbox links: what happens to others was remove, becomes refuse",
    );
    check(
        "[[sandbox]]\nid = \"api-links\"\nplans = [\"api\"]\nurl_hosts = [\"docs.example.com\"]\n",
        "",
        "sandbox api-links is gone",
    );
    assert!(diff(&sound(), &sound(), None).terms.is_empty());
}
