//! The finite part of a decision: what a record is and whose it is.

use crate::named::named;

named! {
    /// What a person or an organisation has subscribed to. Whether a plan is commercial is for the policy to say.
    Plan, "a plan" {
        /// A person, without paying.
        Free = "free",
        /// A person.
        Pro = "pro",
        /// A person, with higher limits.
        Max = "max",
        /// A person's subscription to the coding agent.
        Code = "code",
        /// A small organisation.
        Team = "team",
        /// An organisation with administration of its own.
        Enterprise = "enterprise",
        /// A school or university.
        Education = "education",
        /// A public body.
        Government = "government",
        /// A developer's organisation that calls the interface.
        Api = "api",
    }
}

named! {
    /// How far data may travel inside of the operator: the governance tier.
    Tier, "a tier" {
        /// Few limits: chosen by those who want their conversations used.
        Public = "public",
        /// Service and safety, with the choices that the plan offers.
        Restricted = "restricted",
        /// Service and safety only.
        Private = "private",
        /// Separate keys and, where the policy says so, nothing but the service.
        Isolated = "isolated",
    }
}

named! {
    /// What kind of record is kept.
    RecordClass, "a record class" {
        /// A turn of a conversation.
        Chat = "chat",
        /// A turn of a coding session.
        CodingSession = "coding-session",
        /// A request and its answer through the interface, without a conversation that lasts.
        Api = "api",
        /// What a person sent in: a rating, a report, and the conversation with it.
        Feedback = "feedback",
        /// A turn of a conversation that its person wanted forgotten. Never trains.
        Incognito = "incognito",
        /// A copy that exists because its content was flagged.
        FlaggedContent = "flagged-content",
        /// What classifiers said about flagged content, without the content.
        SafetyScores = "safety-scores",
        /// Who accessed what.
        AccessEvents = "access-events",
        /// Operation of the system, without content.
        SystemLogs = "system-logs",
    }
}

impl RecordClass {
    /// Whether the record is what people said and were answered.
    pub const fn is_conversation(self) -> bool {
        matches!(self, Self::Chat | Self::CodingSession | Self::Api | Self::Incognito)
    }

    /// Whether records of this class could train a model at all, consent given.
    pub const fn may_train(self) -> bool {
        matches!(self, Self::Chat | Self::CodingSession | Self::Feedback)
    }
}

named! {
    /// What was agreed with the organisation about keeping data.
    Agreement, "an agreement" {
        /// The plan's own terms.
        Standard = "standard",
        /// No content is kept after the answer, but what the policy requires by name.
        ZeroRetention = "zero-retention",
        /// Health data under a business associate agreement.
        Hipaa = "hipaa",
        /// A period of the organisation's own; it stands in [`Facts::custom`](crate::Facts).
        Custom = "custom",
    }
}

/// A cell of the decision table: everything about a record that is one of a few.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct Situation {
    /// The plan under which the record was captured.
    pub plan: Plan,
    /// The governance tier.
    pub tier: Tier,
    /// What the record is.
    pub class: RecordClass,
    /// What was agreed.
    pub agreement: Agreement,
    /// Whether the answering model is covered (a high-capability model whose prompts and outputs must be kept for
    /// safety) and the workspace has opted in.
    pub covered: bool,
    /// Whether the person's consent to training is given.
    pub training: bool,
}

impl Situation {
    /// How many situations there are.
    pub const COUNT: usize = Plan::ALL.len()
        * Tier::ALL.len()
        * RecordClass::ALL.len()
        * Agreement::ALL.len()
        * Self::FLAGS
        * Self::FLAGS;
    const FLAGS: usize = 2;

    /// The situation's place in tables: 0 to [`COUNT`](Self::COUNT) − 1.
    pub const fn index(self) -> usize {
        let mut index = self.plan as usize;
        index = index * Tier::ALL.len() + self.tier as usize;
        index = index * RecordClass::ALL.len() + self.class as usize;
        index = index * Agreement::ALL.len() + self.agreement as usize;
        index = index * Self::FLAGS + self.covered as usize;
        index * Self::FLAGS + self.training as usize
    }

    /// Every situation, in the order of [`index`](Self::index).
    pub fn all() -> impl Iterator<Item = Self> {
        Plan::ALL.into_iter().flat_map(|plan| {
            Tier::ALL.into_iter().flat_map(move |tier| {
                RecordClass::ALL.into_iter().flat_map(move |class| {
                    Agreement::ALL.into_iter().flat_map(move |agreement| {
                        [(false, false), (false, true), (true, false), (true, true)].into_iter().map(
                            move |(covered, training)| Self {
                                plan,
                                tier,
                                class,
                                agreement,
                                covered,
                                training,
                            },
                        )
                    })
                })
            })
        })
    }
}

impl std::fmt::Display for Situation {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            formatter,
            "plan {}, tier {}, class {}, agreement {}, {}, training {}",
            self.plan,
            self.tier,
            self.class,
            self.agreement,
            if self.covered { "covered model" } else { "ordinary model" },
            if self.training { "allowed" } else { "not allowed" },
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_situation_has_its_own_place_in_order() {
        let places: Vec<usize> = Situation::all().map(Situation::index).collect();
        assert_eq!(places, (0..Situation::COUNT).collect::<Vec<_>>());
    }

    #[test]
    fn names_read_back_and_others_are_refused_with_the_list() {
        for plan in Plan::ALL {
            assert_eq!(plan.name().parse(), Ok(plan));
        }
        let error = "platinum".parse::<Plan>().unwrap_err().to_string();
        assert!(error.starts_with("`platinum` is not a plan; there are: free, pro"), "{error}");
    }
}
