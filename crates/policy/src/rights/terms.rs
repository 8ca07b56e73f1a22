//! What a policy says about requests, law by law, and what holds where it says nothing.
//!
//! Numbers of the laws are read from secondary sources; those marked `[own]` are a choice of this program where the law
//! names none. Every one is a default that `policy.toml` may change.

use super::calendar::{BusinessCalendar, HolidayTable};
use super::clock::{ClockRules, ClockSpan, ClockZone};
use super::kind::{ComplaintRoute, Regime, RequestKind};

/// What a policy says about requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RightsTerms {
    /// The laws that apply where a request names none.
    pub default_regimes: Vec<Regime>,
    /// Whether people on paid plans are served first, as long as that makes nobody late.
    pub is_paid_first: bool,
    /// How long one request takes a member of staff, in hours: for the order of the queue.
    pub hours_per_request: u32,
    /// For how many months a person who opted out is not asked again.
    pub months_without_asking: u32,
    /// For how many days a file that was made for a person stays here once the request is closed: a choice of ours.
    pub keep_files_days: u32,
    /// The terms of every law, in the order of [`Regime::ALL`].
    pub(crate) regimes: Vec<RegimeTerms>,
    /// What [`RightsTerms::regime`] gives should a law be missing; none is.
    pub(crate) fallback: RegimeTerms,
}

/// The terms of one law.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegimeTerms {
    /// Which.
    pub regime: Regime,
    /// Its clocks.
    pub rules: ClockRules,
    /// Where its days begin and end.
    pub zone: ClockZone,
    /// Its business days.
    pub calendar: BusinessCalendar,
    /// Where to complain.
    pub route: ComplaintRoute,
}

impl Default for RightsTerms {
    fn default() -> Self {
        Self {
            default_regimes: vec![Regime::Gdpr],
            is_paid_first: true,
            hours_per_request: 4,
            months_without_asking: 12,
            keep_files_days: 30,
            regimes: Regime::ALL.map(RegimeTerms::of).to_vec(),
            fallback: RegimeTerms::of(Regime::Gdpr),
        }
    }
}

impl RightsTerms {
    /// The terms of a law.
    pub fn regime(&self, regime: Regime) -> &RegimeTerms {
        self.regimes.iter().find(|terms| terms.regime == regime).unwrap_or(&self.fallback)
    }

    /// Where whoever is refused under these laws can go.
    pub fn routes(&self, regimes: &[Regime]) -> Vec<ComplaintRoute> {
        regimes.iter().map(|regime| self.regime(*regime).route.clone()).collect()
    }

    /// How long a request of this kind may take under a law, as the policy writes it.
    pub fn span(&self, regime: Regime, kind: RequestKind) -> ClockSpan {
        let rules = &self.regime(regime).rules;
        match kind {
            RequestKind::Complaint => rules.complaint,
            RequestKind::OptOut => rules.opt_out.unwrap_or(rules.answer),
            _ => rules.answer,
        }
    }
}

impl RegimeTerms {
    /// What holds where the policy says nothing.
    pub fn of(regime: Regime) -> Self {
        let (rules, zone, table, body, court) = match regime {
            Regime::Gdpr => (
                // Articles 12(3) and 12(4). A complaint to the controller has no clock in the law: [own].
                rules(None, ClockSpan::Months(1), Some(ClockSpan::Months(2)), None),
                "CET-1CEST,M3.5.0,M10.5.0/3",
                HolidayTable::EuCommon,
                "the supervisory authority where you live, work, or where it happened (GDPR article 77)",
                "the courts where we are established or where you live (GDPR article 79)",
            ),
            Regime::Ccpa => (
                // Regulations section 7021 and 7026(f). The calendar of business days is [own]: federal holidays.
                rules(
                    Some(ClockSpan::BusinessDays(10)),
                    ClockSpan::Days(45),
                    Some(ClockSpan::Days(45)),
                    Some(ClockSpan::BusinessDays(15)),
                ),
                "PST8PDT,M3.2.0,M11.1.0",
                HolidayTable::UsFederal,
                "the California Privacy Protection Agency (Civil Code section 1798.199.45)",
                "the Superior Court of California, for breaches of security (Civil Code section 1798.150)",
            ),
            Regime::Lgpd => (
                // Article 19: a simplified answer at once, which is a confirmation within one business day here [own]; the
                // full one in 15 days. The law permits no extension.
                rules(Some(ClockSpan::BusinessDays(1)), ClockSpan::Days(15), None, None),
                "<-03>3",
                HolidayTable::Brazil,
                "the Autoridade Nacional de Proteção de Dados (LGPD article 18, paragraph 1)",
                "the courts, alone or with others (LGPD article 22)",
            ),
            Regime::Pipeda => (
                // Section 8(3) and 8(4).
                rules(None, ClockSpan::Days(30), Some(ClockSpan::Days(30)), None),
                "EST5EDT,M3.2.0,M11.1.0",
                HolidayTable::Canada,
                "the Privacy Commissioner of Canada (PIPEDA section 11)",
                "the Federal Court, after the Commissioner's report (PIPEDA section 14)",
            ),
            Regime::Pipl => (
                // Article 50 says "without delay"; 15 working days are common practice: [own]. No extension: [own].
                rules(None, ClockSpan::BusinessDays(15), None, None),
                "CST-8",
                HolidayTable::ChinaSolar,
                "the Cyberspace Administration where we are established (PIPL article 65)",
                "the people's courts (PIPL article 50)",
            ),
        };
        Self {
            regime,
            rules,
            zone: ClockZone::of_rule(zone),
            calendar: BusinessCalendar::new(table),
            route: ComplaintRoute { regime, body: body.to_owned(), court: court.to_owned() },
        }
    }
}

const fn rules(
    confirm: Option<ClockSpan>,
    answer: ClockSpan,
    extension: Option<ClockSpan>,
    opt_out: Option<ClockSpan>,
) -> ClockRules {
    // [own] for every law.
    ClockRules { confirm, answer, extension, opt_out, complaint: ClockSpan::Days(30) }
}
