//! TEMPORARY: replaced by the real policy at merge.
use super::*;
use crate::{GroundKind, Timestamp};
#[derive(Debug)]
pub struct Policy;
#[derive(Debug)]
pub struct Problems;
impl std::fmt::Display for Problems {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("x")
    }
}
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    Consumer,
    Commercial,
}
impl Audience {
    pub fn is_commercial(self) -> bool {
        self == Self::Commercial
    }
}
#[derive(Debug)]
pub struct PlanTerms {
    pub audience: Audience,
    pub agreements: Vec<Agreement>,
    pub default_class: RecordClass,
    pub default_tier: Tier,
}
#[derive(Debug)]
pub struct ModelTerms {
    pub covered: bool,
}
impl Policy {
    pub fn built_in() -> Self {
        Self
    }
    pub fn default_text() -> &'static str {
        ""
    }
    pub fn parse(_: &str) -> Result<Self, Problems> {
        Ok(Self)
    }
    pub fn may_replace(&self, _: &Self) -> Result<(), Problems> {
        Ok(())
    }
    pub fn name(&self) -> &str {
        "temporary"
    }
    pub fn plan(&self, plan: Plan) -> Option<PlanTerms> {
        let c = matches!(plan, Plan::Free | Plan::Pro | Plan::Max);
        Some(PlanTerms {
            audience: if c { Audience::Consumer } else { Audience::Commercial },
            agreements: Agreement::ALL.to_vec(),
            default_class: if plan == Plan::Api { RecordClass::Api } else { RecordClass::Chat },
            default_tier: Tier::Private,
        })
    }
    pub fn model(&self, name: &str) -> ModelTerms {
        ModelTerms { covered: name.starts_with("covered-") }
    }
    pub fn may_keep(&self, plan: Plan) -> bool {
        matches!(plan, Plan::Free | Plan::Pro | Plan::Max)
    }
    pub fn warning_horizon(&self, now: Timestamp) -> Option<Timestamp> {
        Some(RetentionSpan::days(7).after(now))
    }
    pub fn service_end_is_fixed(&self, s: Situation) -> bool {
        s.class == RecordClass::Api || s.class == RecordClass::Incognito
    }
    pub fn explain(&self, _: Situation, _: &Facts) -> String {
        "rules".to_owned()
    }
    pub fn schedule(&self, s: Situation, f: &Facts) -> Schedule {
        let mut out = Schedule::default();
        let day = |at: Timestamp| {
            at.round(jiff::TimestampRound::new().smallest(jiff::Unit::Day).mode(jiff::RoundMode::Floor))
                .unwrap_or(at)
        };
        let h = |until| Standing::Holds { until };
        let zero = s.agreement == Agreement::ZeroRetention;
        if !zero {
            let active = f.last_active_at.unwrap_or(f.created_at);
            let mut end = match s.agreement {
                Agreement::Custom => Some(f.custom.unwrap_or(RetentionSpan::days(30)).after(active)),
                _ if self.service_end_is_fixed(s) => Some(day(RetentionSpan::days(30).after(f.created_at))),
                _ => None,
            };
            for (event, span) in [
                (f.deleted_at, RetentionSpan::days(30)),
                (f.closed_at, RetentionSpan::days(90)),
                (f.erasure_requested_at, RetentionSpan::ZERO),
            ] {
                if let Some(at) = event {
                    let e = span.after(at);
                    end = Some(end.map_or(e, |x: Timestamp| x.min(e)));
                }
            }
            out.set(GroundKind::Service, h(end));
        }
        if (!zero || s.covered) && s.plan != Plan::Code {
            let until = if (f.erasure_requested_at.is_some() || f.deleted_at.is_some())
                && s.plan != Plan::Education
            {
                f.deleted_at.or(f.erasure_requested_at)
            } else {
                Some(day(RetentionSpan::days(31).after(f.created_at)))
            };
            out.set(GroundKind::SafetyWindow, h(until));
        }
        if let Some(at) = f.flagged_at {
            out.set(GroundKind::Violation, h(Some(day(RetentionSpan::years(2).after(at)))));
            out.set(GroundKind::SafetyScore, h(Some(day(RetentionSpan::years(7).after(at)))));
        }
        if let Some(at) = f.feedback_at {
            if f.erasure_requested_at.is_none() {
                out.set(GroundKind::Feedback, h(Some(day(RetentionSpan::years(5).after(at)))));
            }
        }
        if let Some(at) = f.case_opened_at {
            out.set(GroundKind::Investigation, h(Some(RetentionSpan::years(1).after(at))));
            if let Some(c) = f.case_closed_at {
                out.set(GroundKind::Investigation, h(Some(c)));
            }
        }
        out
    }
}
