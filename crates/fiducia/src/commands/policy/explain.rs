//! `policy explain`

use fiducia_policy::{
    Agreement, Clock, Explanation, Facts, Policy, Situation, Standing, Timestamp, end_in_words,
};
use serde_json::{Value, json};

use super::arguments::ExplainArguments;
use crate::edge::SystemClock;
use crate::failure::{ExitStatus, Failure};
use crate::output::Output;

pub(super) fn run(arguments: &ExplainArguments) -> Result<ExitStatus, Failure> {
    let policy = super::files::load(&arguments.policy)?;
    let now = arguments.at.unwrap_or_else(|| SystemClock.now());
    let explanation = policy.explain(situation(&policy, arguments)?, &facts(arguments, now));
    let mut output = Output::standard(arguments.json);
    if arguments.json {
        output.value(&as_json(&explanation, now))?;
    } else {
        output.text(&explanation.text(now))?;
    }
    output.finish()?;
    Ok(ExitStatus::Success)
}

fn situation(policy: &Policy, arguments: &ExplainArguments) -> Result<Situation, Failure> {
    let plan = policy.plan(arguments.plan).ok_or_else(|| {
        let plans: Vec<&str> = policy.plans().iter().map(|plan| plan.plan.name()).collect();
        Failure::Argument(format!("the policy has no plan {}; it has: {}", arguments.plan, plans.join(", ")))
    })?;
    if (arguments.agreement == Agreement::Custom) != arguments.custom.is_some() {
        return Err(Failure::Argument(
            "`--agreement custom` and `--custom SPAN` go together: the period is the agreement".to_owned(),
        ));
    }
    let covered = match &arguments.model {
        None => arguments.covered,
        Some(name) if policy.model(name).pattern.is_empty() => {
            return Err(Failure::Argument(format!(
                "the policy does not know the model `{name}`; say `--covered` or nothing"
            )));
        }
        Some(name) => policy.model(name).covered,
    };
    Ok(Situation {
        plan: arguments.plan,
        tier: arguments.tier.unwrap_or(plan.tier),
        class: arguments.class,
        agreement: arguments.agreement,
        covered,
        training: arguments.training,
    })
}

fn facts(arguments: &ExplainArguments, now: Timestamp) -> Facts {
    Facts {
        created_at: arguments.created.unwrap_or(now),
        last_active_at: arguments.last_active,
        deleted_at: arguments.deleted,
        closed_at: arguments.closed,
        flagged_at: arguments.flagged,
        feedback_at: arguments.feedback,
        case_opened_at: arguments.case_opened,
        case_closed_at: arguments.case_closed,
        erasure_requested_at: arguments.erasure_requested,
        held: arguments.held,
        released_at: arguments.released,
        release_ends_at: None,
        custom: arguments.custom,
    }
}

fn as_json(explanation: &Explanation, now: Timestamp) -> Value {
    let grounds: Vec<Value> = explanation
        .grounds
        .iter()
        .map(|ground| {
            let until = match ground.standing {
                Standing::Holds { until: Some(at) } | Standing::Ended { at } => Some(at),
                Standing::Holds { until: None } | Standing::NotOpen => None,
            };
            json!({
                "ground": ground.kind,
                "purpose": ground.kind.purpose().dpv_term(),
                "legal_basis": ground.basis.map(fiducia_policy::LegalBasis::dpv_term),
                "open": ground.standing != Standing::NotOpen,
                "holds": ground.standing.holds_at(now),
                "ends_at": until,
                "clauses": ground.clauses,
            })
        })
        .collect();
    json!({
        "situation": explanation.situation,
        "reachable": explanation.is_reachable,
        "as_of": now,
        "record": end_in_words(explanation.schedule.ends_at()),
        "grounds": grounds,
    })
}
