//! From rules to tables.

use std::collections::HashMap;

use super::check::check;
use super::document::{Document, LANGUAGE};
use super::problem::{PolicyProblem, PolicyProblems, ProblemKind};
use super::reading::{Reading, line_of};
use crate::ground::GroundKind;
use crate::retention::{
    Agreement, ClaimProgram, ClockStart, Effect, GroundProgram, ModelTerms, Policy, Program, Rule, Situation,
    Term, TermSpan, Wish,
};

/// The longest policy that is read, in bytes.
const TEXT_BYTES_MAX: usize = 1 << 20;
/// The most rules, so that numbers fit and checking stays quick.
const RULES_MAX: usize = 1_000;

/// Reads, checks and compiles a policy.
pub(crate) fn parse(text: &str) -> Result<Policy, PolicyProblems> {
    let one =
        |kind, line, words: String| PolicyProblems { problems: vec![PolicyProblem::new(kind, line, words)] };
    if text.len() > TEXT_BYTES_MAX {
        return Err(one(ProblemKind::Syntax, None, format!("a policy has at most {TEXT_BYTES_MAX} bytes")));
    }
    let document: Document = toml::from_str(text).map_err(|error| {
        let line = error.span().map(|span| line_of(text, span.start));
        one(ProblemKind::Syntax, line, error.message().to_owned())
    })?;
    if document.language != LANGUAGE {
        let words = format!(
            "this program reads version {LANGUAGE} of the language, and the policy is written in {}",
            document.language
        );
        return Err(one(ProblemKind::Syntax, None, words));
    }
    if document.rules.len() > RULES_MAX {
        return Err(one(ProblemKind::Syntax, None, format!("a policy has at most {RULES_MAX} rules")));
    }
    let mut reading = Reading::new(&document, text);
    if !is_name(&document.name) {
        let words = "`name` has 1 to 64 lower-case letters, digits and `-`".to_owned();
        reading.problems.push(PolicyProblem::new(ProblemKind::Syntax, None, words));
    }
    printable(&document, &mut reading.problems);
    let rights = super::rights::rights(&document.rights, &mut reading.problems);
    let plans = reading.plans();
    let rules = reading.rules(&plans);
    let consents = reading.consents(&plans);
    let labels = reading.labels();
    let safety = reading.safety(&plans);
    let second_asks = document
        .regions
        .iter()
        .filter_map(|(name, region)| Some((name.clone(), region.no_second_ask_within?)))
        .collect();
    let release_grace = reading.release_grace(&rules);
    let mut policy = Policy {
        name: document.name.clone(),
        title: document.title.clone(),
        summary: document.summary.clone(),
        tiers: reading.tiers(),
        models: reading.models(),
        unknown_model: ModelTerms::default(),
        custom_bounds: reading.custom_bounds(),
        regions: document.regions.iter().map(|(name, region)| (name.clone(), region.title.clone())).collect(),
        release_grace,
        consents,
        labels,
        second_asks,
        plans,
        rights,
        safety,
        rules,
        programs: Vec::new(),
        cells: Vec::new(),
    };
    // What refers to nothing would make every later check complain about its consequences.
    PolicyProblems::none_or(std::mem::take(&mut reading.problems))?;
    compile(&mut policy);
    PolicyProblems::none_or(check(&policy))?;
    Ok(policy)
}

/// Policies are printed on terminals and shown to people: no text in them may do more than be read.
fn printable(document: &Document, problems: &mut Vec<PolicyProblem>) {
    let head = [("title", &document.title), ("summary", &document.summary)];
    let sources = document
        .sources
        .iter()
        .flat_map(|(name, source)| [("a source's name", name), ("a source's title", &source.title)]);
    let regions = document
        .regions
        .iter()
        .flat_map(|(name, region)| [("a region's name", name), ("a region's title", &region.title)]);
    let notices = document
        .notices
        .iter()
        .flat_map(|(name, notice)| [("a notice's name", name), ("a notice's text", &notice.text)]);
    let tiers = document.tiers.values().map(|tier| ("a tier's title", &tier.title));
    let models = document.models.iter().map(|model| ("a model's name", &model.get_ref().name));
    let rules = document.rules.iter().map(|rule| ("a rule's clause", &rule.get_ref().clause));
    let labels = document.labels.iter().flat_map(|(name, label)| {
        [("a label's name", name), ("a label's description", &label.get_ref().description)]
    });
    let texts = labels
        .chain(super::safeguards::shown_texts(document))
        .chain(head)
        .chain(sources)
        .chain(regions)
        .chain(notices)
        .chain(tiers)
        .chain(models)
        .chain(rules);
    for (what, text) in texts {
        if text.chars().any(|character| character.is_control() && character != '\n') {
            let words = format!("{what} holds a control character; write it without");
            problems.push(PolicyProblem::new(ProblemKind::Syntax, None, words));
        }
    }
    for rule in document.rules.iter().map(toml::Spanned::get_ref).filter(|rule| !is_name(&rule.id)) {
        let words =
            format!("the id {:?} of a rule: ids have 1 to 64 lower-case letters, digits and `-`", rule.id);
        problems.push(PolicyProblem::new(ProblemKind::Syntax, None, words));
    }
}

pub(super) fn is_name(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

fn compile(policy: &mut Policy) {
    let mut numbers: HashMap<Program, u16> = HashMap::new();
    let mut programs = Vec::new();
    let mut cells = Vec::with_capacity(Situation::COUNT);
    for situation in Situation::all() {
        let program = program(policy, situation);
        let next = u16::try_from(programs.len()).unwrap_or(u16::MAX);
        let number = *numbers.entry(program).or_insert_with_key(|program| {
            programs.push(program.clone());
            next
        });
        cells.push(number);
    }
    policy.programs = programs;
    policy.cells = cells;
}

fn program(policy: &Policy, situation: Situation) -> Program {
    let mut program = Program { made_by: situation.class.made_by(), ..Program::default() };
    if policy.plan(situation.plan).is_none_or(|plan| !plan.classes.contains(&situation.class)) {
        return program;
    }
    // Consent where nobody may train, and coverage of what no model wrote, change nothing.
    let situation = Situation {
        training: situation.training && policy.may_train(situation),
        covered: situation.covered && situation.class.is_conversation(),
        ..situation
    };
    for (number, rule) in (0_u16..).zip(&policy.rules) {
        if !applies(policy, rule, situation) {
            continue;
        }
        if let Some(ground) = program.grounds.get_mut(rule.ground as usize) {
            ground.rules.push(number);
            ground.claims.extend(claims(rule, number, situation));
        }
    }
    program.service_end_is_fixed = program.grounds.get(GroundKind::Service as usize).is_some_and(is_fixed);
    program
}

fn applies(policy: &Policy, rule: &Rule, situation: Situation) -> bool {
    rule.scope.contains(situation)
        && rule.ground.is_for(situation.class)
        && policy.tier(situation.tier).is_some_and(|tier| tier.grounds.contains(&rule.ground))
}

fn claims(rule: &Rule, number: u16, situation: Situation) -> impl Iterator<Item = ClaimProgram> + '_ {
    rule.terms
        .iter()
        .filter(move |(_, term)| term.span != TermSpan::Agreed || situation.agreement == Agreement::Custom)
        .map(move |(wish, term)| ClaimProgram {
            effect: effect(*wish, *term, rule),
            start: term.start,
            span: term.span,
            months: rule.months,
            rule: number,
        })
}

/// Deletion is scheduled when its clock starts with the record or with what opened the ground. Other events end it.
fn effect(wish: Wish, term: Term, rule: &Rule) -> Effect {
    match (wish, term.start) {
        (Wish::Minimum, _) => Effect::Minimum,
        (Wish::Maximum, _) => Effect::Maximum,
        (Wish::Retain, _) => Effect::Retain,
        (Wish::Delete, ClockStart::Erasure) => Effect::Erase,
        (
            Wish::Delete,
            ClockStart::Deletion | ClockStart::Closing | ClockStart::CaseClosing | ClockStart::Release,
        ) => Effect::Ending,
        (Wish::Delete, _) => Effect::Delete(rule.level),
    }
}

/// Whether the ground has an end from the start, and nothing that could put it off.
fn is_fixed(ground: &GroundProgram) -> bool {
    let delays = |claim: &ClaimProgram| {
        let moves = claim.start != ClockStart::Creation || claim.span == TermSpan::Agreed;
        moves && matches!(claim.effect, Effect::Minimum | Effect::Retain | Effect::Delete(_))
    };
    let ends = |claim: &ClaimProgram| {
        claim.start == ClockStart::Creation
            && matches!(claim.span, TermSpan::Fixed(_))
            && matches!(claim.effect, Effect::Delete(_) | Effect::Maximum)
    };
    ground.claims.iter().any(ends) && !ground.claims.iter().any(delays)
}
