//! What is refused, and how the refusal reads.

use proptest::prelude::*;

use super::ProblemKind::{self, *};
use crate::{BUILT_IN_NAMES, Policy, PolicyProblems};

/// A sound policy that each test breaks in one place.
const SOUND: &str = r#"language = 1
name = "small"
title = "A small policy"

[regions.home]
title = "Home"

[plans.free]
audience = "consumer"
tier = "restricted"
training = "ask"
region = "home"

[plans.api]
audience = "commercial"
tier = "restricted"
training = "never"
region = "home"
agreements = ["standard", "zero-retention"]

[[rules]]
id = "service"
ground = "service"
delete = ["30 days after creation", "30 days after deletion", "30 days after erasure"]
clause = "Kept 30 days"

[[rules]]
id = "window"
ground = "safety-window"
delete = "30 days after creation"
clause = "Examined for 30 days"
"#;

fn refusal(text: &str) -> PolicyProblems {
    match Policy::parse(text) {
        Ok(_) => panic!("accepted:\n{text}"),
        Err(problems) => problems,
    }
}

/// Adds to the sound policy and checks kind, rules, line and words of the first problem.
fn check_added(added: &str, kind: ProblemKind, words: &str) -> PolicyProblems {
    check_text(&format!("{SOUND}\n{added}"), kind, words)
}

fn check_changed(from: &str, to: &str, kind: ProblemKind, words: &str) -> PolicyProblems {
    assert!(SOUND.contains(from), "{from}");
    check_text(&SOUND.replacen(from, to, 1), kind, words)
}

fn check_text(text: &str, kind: ProblemKind, words: &str) -> PolicyProblems {
    let problems = refusal(text);
    let all = problems.to_string();
    let found =
        problems.problems.iter().find(|problem| problem.kind == kind && problem.to_string().contains(words));
    assert!(found.is_some(), "no {kind} with `{words}` in:\n{all}");
    problems
}

fn rule(body: &str) -> String {
    format!("[[rules]]\nid = \"added\"\nclause = \"x\"\n{body}\n")
}

#[test]
fn the_sound_policy_is_sound() {
    Policy::parse(SOUND).unwrap();
}

#[test]
fn unknown_keys_and_names_are_refused_with_their_line() {
    check_changed("tier = \"restricted\"", "teir = \"restricted\"", Syntax, "line 10: unknown field `teir`");
    check_changed("[plans.free]", "[plans.platinum]", Syntax, "unknown variant `platinum`");
    check_added(&rule("ground = \"curiosity\""), Syntax, "unknown variant `curiosity`");
    check_added(&rule("ground = \"violation\"\nclasses = [\"diary\"]"), Syntax, "unknown variant `diary`");
    check_added(
        &rule("ground = \"violation\"\nplans = [\"max\"]\nmaximum = \"1 year after flag\""),
        Unknown,
        "names the plan max",
    );
    check_added("[[models]]\nname = \"a\"\nsame_as = \"b\"", Unknown, "`same_as` names `b`");
    check_changed(
        "region = \"home\"",
        "region = \"moon\"",
        Unknown,
        "the region `moon`, which does not exist",
    );
    check_changed(
        "region = \"home\"",
        "region = \"home\"\nnotice = \"hello\"",
        Unknown,
        "the notice `hello`",
    );
    check_added(
        &rule("ground = \"violation\"\nmaximum = \"1 year after flag\"\nsource = \"S\""),
        Unknown,
        "the source `S`",
    );
    check_changed("language = 1", "language = 2", Syntax, "version 1 of the language");
}

#[test]
fn spans_that_are_none_are_refused() {
    for span in [
        "0 days after flag",
        "-1 days after flag",
        "1 fortnight after flag",
        "2 years",
        "300 years after flag",
    ] {
        let problems =
            refusal(&format!("{SOUND}\n{}", rule(&format!("ground = \"violation\"\nmaximum = \"{span}\""))));
        assert_eq!(problems.problems[0].kind, Syntax, "{span}");
        assert!(problems.problems[0].line.is_some_and(|line| line >= 36), "{problems}");
    }
}

#[test]
fn circles_of_same_as_are_refused() {
    let circle = "[plans.pro]\nsame_as = \"max\"\n[plans.max]\nsame_as = \"pro\"";
    check_added(circle, Cycle, "pro → max → pro");
    let models = "[[models]]\nname = \"a\"\nsame_as = \"b\"\n[[models]]\nname = \"b\"\nsame_as = \"a\"";
    check_added(models, Cycle, "a → b → a");
    check_added("[plans.pro]\nsame_as = \"pro\"", Cycle, "pro → pro");
}

#[test]
fn a_month_is_not_thirty_days() {
    let bounds = "ground = \"safety-window\"\nminimum = \"30 days after creation\"\nmaximum = \"1 month after creation\"";
    let problems = check_added(
        &rule(bounds),
        Contradiction,
        "the minimum (30 days after creation) is above the maximum (1 month",
    );
    let example = problems.problems[0].example.unwrap();
    assert_eq!(example.facts.created_at.to_string(), "2026-02-01T00:00:00Z");
    assert!(
        problems.to_string().contains("until 2026-03-03T00:00:00Z and gone by 2026-03-01T00:00:00Z"),
        "{problems}"
    );
    assert!(problems.to_string().contains("[added] "), "{problems}");
    Policy::parse(&format!("{SOUND}\n{}", rule(&format!("{bounds}\nmonths = \"30-days\"")))).unwrap();
}

#[test]
fn a_minimum_on_another_clock_breaks_a_maximum() {
    let bounds = "classes = [\"chat\"]\nground = \"service\"\nminimum = \"1 day after last-activity\"\nmaximum = \"1 year after creation\"";
    let problems = check_added(&rule(bounds), Contradiction, "last active 2027-01-02");
    let example = problems.problems[0].example.unwrap();
    assert_eq!(example.situation.class, crate::RecordClass::Chat);
}

#[test]
fn an_agreed_period_without_bounds_breaks_a_maximum() {
    let text = SOUND.replace("[\"standard\", \"zero-retention\"]", "[\"standard\", \"custom\"]");
    let agreed = rule(
        "ground = \"service\"\nagreements = [\"custom\"]\nclasses = [\"chat\"]\nkeep = \"as agreed after creation\"\nmaximum = \"2 years after creation\"",
    );
    check_text(&format!("{text}\n{agreed}"), Contradiction, "agreed period 100 years");
    Policy::parse(&format!("{text}\n{agreed}\n[agreements.custom]\nat_most = \"2 years\"")).unwrap();
    check_text(&text, Missing, "no rule uses its period");
}

#[test]
fn what_is_missing_is_named() {
    check_changed("audience = \"consumer\"\n", "", Missing, "plan free lacks audience");
    check_changed(
        "delete = [\"30 days after creation\"",
        "classes = [\"chat\"]\ndelete = [\"30 days after creation\"",
        Missing,
        "says nothing about keeping coding-session",
    );
    check_changed(", \"30 days after erasure\"", "", Missing, "a request for erasure would change nothing");
    check_added(&rule("ground = \"violation\""), Missing, "nothing ends it");
    check_added(&rule("ground = \"investigation\""), Missing, "nothing ends it");
    check_changed(
        "tier = \"restricted\"",
        "tier = \"restricted\"\ntiers = [\"restricted\", \"private\"]",
        Missing,
        "who chooses",
    );
}

#[test]
fn covered_models_need_their_window_everywhere() {
    let model = "[[models]]\nname = \"big-*\"\ncovered = true\nrequired_minimum = \"30 days\"";
    let problems = check_added(model, Contradiction, "the covered model `big-*` demands");
    assert!(problems.problems[0].example.unwrap().situation.covered);
    let window = |agreements: &str| {
        rule(&format!(
            "ground = \"safety-window\"\ncovered = true\nminimum = \"30 days after creation\"\ndelete = \"30 days after creation\"{agreements}"
        ))
    };
    check_added(&format!("{model}\n{}", window("")), Contradiction, "for `zero-retention`");
    let all = window("\nagreements = [\"standard\", \"zero-retention\"]");
    Policy::parse(&format!("{SOUND}\n{model}\n{all}")).unwrap();
    check_added(
        &format!("{model}\n{}", all.replace("minimum = \"30", "minimum = \"29")),
        Contradiction,
        "demands",
    );
}

#[test]
fn zero_retention_stays_zero() {
    let named = |ground: &str| {
        rule(&format!(
            "ground = \"{ground}\"\nagreements = [\"zero-retention\"]\ndelete = [\"30 days after creation\", \"1 day after erasure\"]\nclasses = [\"chat\"]"
        ))
    };
    check_added(&named("service"), Contradiction, "under zero retention nothing is kept");
    check_added(&named("safety-window"), Contradiction, "for covered models only");
    check_changed(
        "training = \"ask\"",
        "training = \"ask\"\nagreements = [\"zero-retention\"]",
        Contradiction,
        "is for people",
    );
}

#[test]
fn training_stays_with_those_who_are_asked() {
    check_changed("training = \"never\"", "training = \"ask\"", Training, "plan api is commercial");
    let trained =
        "ground = \"service\"\ntraining = true\nclasses = [\"chat\"]\ndelete = \"5 years after creation\"";
    check_added(
        &rule(&format!("{trained}\nplans = [\"free\", \"api\"]")),
        Training,
        "plan api is commercial, which never trains",
    );
}

#[test]
fn taking_consent_back_must_not_lengthen() {
    let shorter = rule(
        "ground = \"service\"\ntraining = true\nclasses = [\"chat\"]\ndelete = \"7 days after creation\"",
    );
    check_added(&shorter, Contradiction, "taking consent to training back would keep the record longer");
}

#[test]
fn purposes_are_those_of_grounds_and_some_are_closed() {
    let with = |purpose: &str| {
        rule(&format!("ground = \"violation\"\nmaximum = \"1 year after flag\"\npurpose = \"{purpose}\""))
    };
    check_added(
        &with("RequestedServiceProvision"),
        Purpose,
        "serves MisusePreventionAndDetection and nothing else",
    );
    for closed in [
        "SellDataToThirdParties",
        "Advertising",
        "dpv:PersonalisedAdvertising",
        "Profiling",
        "BiometricIdentification",
        "Marketing",
    ] {
        check_added(&with(closed), Syntax, "is closed: no policy can");
    }
    check_added(&with("Amusement"), Syntax, "is not a purpose; there are: RequestedServiceProvision");
    Policy::parse(&format!("{SOUND}\n{}", with("dpv:MisusePreventionAndDetection"))).unwrap();
}

#[test]
fn clocks_belong_to_classes() {
    let scores =
        "ground = \"safety-score\"\nclasses = [\"safety-scores\"]\nmaximum = \"1 year after last-activity\"";
    check_added(&rule(scores), Clock, "last-activity cannot happen to records of class safety-scores");
    check_added(
        &rule("ground = \"feedback\"\nclasses = [\"system-logs\"]\ndelete = \"1 year after creation\""),
        Clock,
        "cannot be kept on the ground feedback",
    );
}

#[test]
fn rules_that_overlap_need_a_winner() {
    let other = "ground = \"service\"\nbasis = \"public-task\"\nclasses = [\"chat\"]\ndelete = \"7 days after creation\"";
    let problems = check_added(&rule(other), Overlap, "one on contract, the other on public-task");
    assert_eq!(problems.problems[0].rules, ["service", "added"]);
    Policy::parse(&format!("{SOUND}\n{}", rule(&format!("{other}\nlevel = \"label\"")))).unwrap();
    check_added(
        "[[rules]]\nid = \"window\"\nground = \"violation\"\nclause = \"x\"",
        Duplicate,
        "stands in line",
    );
    check_added(
        &rule("ground = \"service\"\ntiers = [\"public\"]\ndelete = \"1 day after creation\""),
        Unreachable,
        "no record can ever come under it",
    );
    check_added(
        &rule("ground = \"service\"\nplans = []\ndelete = \"1 day after creation\""),
        Unreachable,
        "no record",
    );
}

#[test]
fn a_locked_rule_may_be_tightened_and_never_loosened() {
    let locked = SOUND.replace(
        "delete = \"30 days after creation\"",
        "minimum = \"30 days after creation\"\ndelete = \"60 days after creation\"\nlocked = true",
    );
    let old = Policy::parse(&locked).unwrap();
    let check = |from: &str, to: &str, expect: Option<&str>| {
        assert!(locked.contains(from));
        let refused = Policy::parse(&locked.replacen(from, to, 1)).unwrap().may_replace(&old).err();
        let text = refused.map(|problems| problems.to_string());
        match (expect, &text) {
            (None, None) => {}
            (Some(words), Some(text)) if text.contains(words) && text.contains("[window]") => {}
            _ => panic!("{from} to {to}: {text:?}"),
        }
    };
    check("title = \"A", "title = \"Another", None);
    check("minimum = \"30 days", "minimum = \"31 days", None);
    check("\"60 days", "\"59 days", None);
    check("minimum = \"30 days", "minimum = \"29 days", Some("`30 days after creation` is gone or looser"));
    check("\"60 days", "\"61 days", Some("`60 days after creation` is gone or looser"));
    check("minimum = \"30 days after creation\"\n", "", Some("is gone or looser"));
    check("locked = true", "", Some("no longer locked"));
    check("id = \"window\"", "id = \"pane\"", Some("it is missing"));
    check(
        "ground = \"safety-window\"",
        "ground = \"safety-window\"\nplans = [\"free\"]",
        Some("no longer covers plan api"),
    );
}

#[test]
fn a_tier_cannot_shut_out_a_court_order() {
    let hold = rule("ground = \"legal-hold\"\ndelete = \"1 day after release\"");
    let tier = "[tiers.restricted]\ngrounds = [\"service\", \"safety-window\"]";
    check_added(
        &format!("{hold}\n{tier}"),
        Contradiction,
        "tier restricted: its `grounds` leave out legal-hold",
    );
}

#[test]
fn texts_that_would_do_more_than_be_read_are_refused() {
    check_changed("A small policy", "A \\u001b[2J policy", Syntax, "title holds a control character");
    check_changed("Kept 30 days", "Kept\\u0007", Syntax, "clause holds a control character");
    check_changed("id = \"window\"", "id = \"win dow\"", Syntax, "the id \"win dow\" of a rule");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// Whatever is done to a policy, reading it ends in a policy or in problems that can be found in the file.
    #[test]
    fn damaged_policies_are_read_or_refused(
        name in prop::sample::select(BUILT_IN_NAMES.to_vec()),
        cuts in prop::collection::vec((any::<prop::sample::Index>(), 0_u8..4, "[a-z0-9\"=\\[\\]{}, \u{1b}]{0,6}"), 1..4),
    ) {
        let mut lines: Vec<String> = Policy::built_in_text(name).unwrap().lines().map(str::to_owned).collect();
        for (place, what, noise) in cuts {
            let place = place.index(lines.len());
            match what {
                0 => drop(lines.remove(place)),
                1 => lines.insert(place, lines[place].clone()),
                2 => lines[place].push_str(&noise),
                _ => lines[place] = lines[place].replace("30", "31").replace("years", "days"),
            }
        }
        if let Err(problems) = Policy::parse(&lines.join("\n")) {
            prop_assert!(!problems.problems.is_empty());
            for problem in problems.problems {
                prop_assert!(problem.line.is_none_or(|line| (1..=lines.len() + 1).contains(&line)), "{problem}");
                prop_assert!(!problem.text.is_empty());
            }
        }
    }
}

#[test]
fn every_problem_is_found_at_once() {
    let text = SOUND.replace("region = \"home\"", "region = \"moon\"").replace("tier = \"restricted\"\n", "");
    assert_eq!(refusal(&text).problems.len(), 2, "{}", refusal(&text));
}

fn with_holds(holds: &str, terms: &str) -> String {
    let holds = if holds.is_empty() {
        String::new()
    } else {
        format!("[holds]\nrelease_grace = \"{holds}\"\n\n[plans.free]")
    };
    let text = if holds.is_empty() { SOUND.to_owned() } else { SOUND.replacen("[plans.free]", &holds, 1) };
    format!("{text}\n{}", rule(&format!("ground = \"legal-hold\"\n{terms}")))
}

#[test]
fn the_grace_of_a_release_is_said_once_and_holds_for_every_rule() {
    let check = |holds: &str, terms: &str, expect: &str| {
        let policy = Policy::parse(&with_holds(holds, terms)).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(policy.release_grace().to_string(), expect, "{holds} {terms}");
        policy
    };
    check("", "", "30 days");
    check("", "delete = \"2 weeks after release\"", "14 days");
    check("", "delete = \"at release\"", "no time");
    check("10 days", "delete = \"10 days after release\"", "10 days");
    let policy = check("10 days", "", "10 days");
    let situation = crate::Situation {
        plan: crate::Plan::Free,
        tier: crate::Tier::Restricted,
        class: crate::RecordClass::Chat,
        agreement: crate::Agreement::Standard,
        covered: false,
        training: false,
    };
    let mut facts = crate::Facts::captured_at("2026-01-10T09:00:00Z".parse().unwrap());
    facts.released_at = Some("2026-06-01T09:00:00Z".parse().unwrap());
    let standing = |facts| policy.schedule(situation, &facts).standing(crate::GroundKind::LegalHold);
    let until = |text: &str| crate::Standing::Holds { until: Some(text.parse().unwrap()) };
    assert_eq!(standing(facts), until("2026-06-11T09:00:00Z"));
    facts.release_ends_at = Some("2026-06-04T09:00:00Z".parse().unwrap());
    assert_eq!(standing(facts), until("2026-06-04T09:00:00Z"), "the release named an end of its own");
    facts.held = true;
    assert_eq!(standing(facts), crate::Standing::Holds { until: None }, "another hold");
}

#[test]
fn a_grace_that_contradicts_a_rule_or_is_too_long_is_refused() {
    let refused = with_holds("10 days", "delete = \"14 days after release\"");
    let problems = check_text(&refused, Contradiction, "14 days after its release here, and 10 days");
    assert!(problems.to_string().contains("for example: plan"), "{problems}");
    check_text(&with_holds("2 years", ""), Contradiction, "it is at most 365 days");
    let unknown = with_holds("10 days", "").replacen("release_grace", "release_days", 1);
    check_text(&unknown, Syntax, "unknown field `release_days`");
}

const NOTICE: &str = "[notices.ask]\ntext = \"May we?\"\n";

/// The sound policy with a notice and what is added.
fn with_consent(added: &str) -> String {
    format!("{SOUND}\n{NOTICE}\n{added}")
}

#[test]
fn consents_say_who_is_asked_in_which_way_and_for_how_long() {
    use crate::{ConsentKind, ConsentPurpose, LegalBasis, Plan};
    let policy = Policy::parse(
        &with_consent(
            "[consents.batch-training]\nplans = [\"free\"]\nnotice = \"ask\"\nreconsent_after = \"2 years\"\n\
             no_second_ask_within = \"6 months\"\n[consents.feedback]\nplans = [\"free\", \"api\"]\n\
             kinds = [\"implicit\", \"retroactive\"]\nnotice = \"ask\"\n[consents.research]\nbasis = \"public-task\"\n",
        ),
    )
    .unwrap_or_else(|problems| panic!("{problems}"));
    let training = policy.consent(ConsentPurpose::BatchTraining);
    assert!(training.asks(Plan::Free) && !training.asks(Plan::Api));
    assert_eq!(
        (training.kinds.as_slice(), training.basis),
        ([ConsentKind::Explicit].as_slice(), LegalBasis::Consent)
    );
    assert_eq!(training.notice.as_ref().map(|notice| notice.text.as_str()), Some("May we?"));
    let given = "2026-02-28T10:00:00Z".parse().unwrap();
    assert_eq!(training.ends_at(given), Some("2028-02-28T10:00:00Z".parse().unwrap()));
    let feedback = policy.consent(ConsentPurpose::Feedback);
    assert!(feedback.allows(ConsentKind::Implicit) && !feedback.allows(ConsentKind::Explicit));
    assert_eq!(feedback.ends_at(given), None);
    assert_eq!(policy.consent(ConsentPurpose::Research).basis, LegalBasis::PublicTask);
    assert!(policy.consent(ConsentPurpose::ActiveLearning).plans.is_empty());
    let pause = |purpose| policy.no_second_ask_within(purpose, Plan::Free).map(|span| span.to_string());
    assert_eq!(pause(ConsentPurpose::BatchTraining).as_deref(), Some("6 months"));
    assert_eq!(pause(ConsentPurpose::Feedback), None);
    for (purpose, rule) in ConsentPurpose::ALL.into_iter().zip(policy.consents()) {
        assert_eq!((rule.purpose, policy.consent(purpose)), (purpose, rule));
    }
}

#[test]
fn a_policy_without_consents_asks_about_training_where_its_plans_say_so() {
    use crate::{ConsentPurpose, Plan};
    let policy = Policy::parse(SOUND).unwrap();
    for purpose in ConsentPurpose::ALL {
        let expected = if purpose == ConsentPurpose::BatchTraining { vec![Plan::Free] } else { Vec::new() };
        assert_eq!(policy.consent(purpose).plans, expected, "{purpose}");
    }
}

#[test]
fn the_law_of_a_region_lengthens_the_pause_after_a_no() {
    use crate::{ConsentPurpose, Plan};
    let law = |pause: &str| {
        with_consent(&format!("[consents.batch-training]\nplans = [\"free\"]\nnotice = \"ask\"\n{pause}"))
            .replacen("title = \"Home\"", "title = \"Home\"\nno_second_ask_within = \"12 months\"", 1)
    };
    let pause = |text: &str| {
        let policy = Policy::parse(&law(text)).unwrap_or_else(|problems| panic!("{problems}"));
        policy.no_second_ask_within(ConsentPurpose::BatchTraining, Plan::Free).unwrap().to_string()
    };
    assert_eq!(pause(""), "1 year");
    assert_eq!(pause("no_second_ask_within = \"2 years\""), "2 years");
    let problems = check_text(
        &law("no_second_ask_within = \"6 months\""),
        Contradiction,
        "the law of the region `home` says 1 year",
    );
    assert!(problems.to_string().contains("for example: plan free"), "{problems}");
}

#[test]
fn consents_that_break_a_promise_are_refused_with_their_line_and_an_input() {
    let ask =
        |purpose: &str, rest: &str| with_consent(&format!("[consents.{purpose}]\nnotice = \"ask\"\n{rest}"));
    let base = "[consents.batch-training]\nplans = [\"free\"]\nnotice = \"ask\"\n";
    for purpose in ["batch-training", "active-learning", "safety-training", "partner-use"] {
        let problems = check_text(
            &ask(purpose, "plans = [\"free\", \"api\"]"),
            Training,
            "plan api is for organisations",
        );
        let shown = problems.to_string();
        assert!(shown.contains("line 36") && shown.contains("for example: plan api"), "{shown}");
        check_text(
            &ask(purpose, "plans = [\"free\"]\nkinds = [\"implicit\"]"),
            Training,
            "nobody agrees implicitly",
        );
        check_text(&ask(purpose, "basis = \"legitimate-interest\""), Training, "training rests on consent");
    }
    for purpose in ["batch-training", "active-learning", "partner-use"] {
        check_text(&ask(purpose, "kinds = [\"retroactive\"]"), Contradiction, "could not undo it");
    }
    check_text(&ask("feedback", "kinds = []"), Missing, "`kinds` is empty");
    check_text(&ask("feedback", "plans = [\"max\"]"), Unknown, "names the plan max");
    check_text(&ask("feedback", "plans = [\"platinum\"]"), Syntax, "unknown variant `platinum`");
    check_text(&ask("feedback", "plan = [\"free\"]"), Syntax, "unknown field `plan`");
    check_text(&ask("feedback", "kinds = [\"tacit\"]"), Syntax, "unknown variant `tacit`");
    check_text(&with_consent("[consents.profiling]\nplans = []"), Syntax, "unknown variant `profiling`");
    check_text(
        &with_consent("[consents.feedback]\nplans = [\"free\"]"),
        Missing,
        "are asked and shown nothing",
    );
    check_text(&with_consent("[consents.feedback]\nnotice = \"other\""), Unknown, "the notice `other`");
    check_text(&ask("feedback", ""), Missing, "`[consents.batch-training]` is missing");
    check_text(&ask("batch-training", "plans = []"), Contradiction, "does not ask its people");
    let never = with_consent(base).replacen("training = \"ask\"", "training = \"never\"", 1);
    check_text(&never, Contradiction, "which says `training = \"never\"`");
}

#[test]
fn labels_are_named_described_and_say_who_looks_at_what_is_doubtful() {
    let text = format!(
        "{SOUND}\n[labels.historic]\ndescription = \"As history tells it\"\n\
         [labels.house-style]\ndescription = \"Ours\"\ndoubtful_to_people = false\n"
    );
    let policy = Policy::parse(&text).unwrap_or_else(|problems| panic!("{problems}"));
    let found: Vec<_> =
        policy.labels().iter().map(|label| (label.name.as_str(), label.doubtful_to_people)).collect();
    assert_eq!(found, [("historic", true), ("house-style", false)]);
    assert_eq!(policy.label("historic").unwrap().description, "As history tells it");
    check_added("[labels.Historic]\ndescription = \"x\"", Syntax, "lower-case letters");
    check_added("[labels.historic]\ndescription = \" \"", Missing, "its description is empty");
    check_added("[labels.historic]\ndescription = \"a\\u0007\"", Syntax, "control character");
    check_added("[labels.historic]\ndescription = \"x\"\ncolour = \"red\"", Syntax, "unknown field `colour`");
}

#[test]
fn shipped_policies_ask_people_for_themselves_and_nobody_else() {
    use crate::ConsentPurpose;
    for name in BUILT_IN_NAMES {
        let policy = Policy::built_in(name).unwrap();
        for context in ["historic", "academic", "creative", "cultural"] {
            assert!(policy.label(context).is_some_and(|label| label.doubtful_to_people), "{name}: {context}");
        }
        let asked = ConsentPurpose::ALL.map(|purpose| !policy.consent(purpose).plans.is_empty());
        let expected = match name {
            "consumer" => [true; 6],
            "enterprise" => [false, false, false, true, false, false],
            "anthropic-2026" => [true, false, false, true, false, false],
            _ => [false; 6],
        };
        assert_eq!(asked, expected, "{name}");
        for rule in policy.consents().iter().filter(|rule| rule.purpose.trains()) {
            let commercial = |plan| policy.plan(plan).is_some_and(crate::PlanTerms::is_commercial);
            assert!(!rule.plans.iter().any(|plan| commercial(*plan)), "{name}: {}", rule.purpose);
        }
    }
}
