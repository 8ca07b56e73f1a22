//! The promises, by number and in words: what reports about an installation answer for.

/// The number of a promise, 1 to 50, written `P01` to `P50`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PromiseId(u8);

impl PromiseId {
    /// The number.
    pub const fn number(self) -> u8 {
        self.0
    }
}

impl std::fmt::Display for PromiseId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "P{:02}", self.0)
    }
}

/// A text that names no promise.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{given}` is not the number of a promise; they are P01 to P50")]
pub struct UnknownPromise {
    /// What was given instead.
    pub given: String,
}

impl std::str::FromStr for PromiseId {
    type Err = UnknownPromise;

    fn from_str(text: &str) -> Result<Self, UnknownPromise> {
        PROMISES
            .iter()
            .map(|promise| promise.id)
            .find(|id| id.to_string() == text)
            .ok_or_else(|| UnknownPromise { given: text.to_owned() })
    }
}

impl serde::Serialize for PromiseId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for PromiseId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// A promise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Promise {
    /// Its number.
    pub id: PromiseId,
    /// What is promised.
    pub statement: &'static str,
}

const fn promise(number: u8, statement: &'static str) -> Promise {
    Promise { id: PromiseId(number), statement }
}

/// Every promise, in the order of their numbers. A test of the workspace holds the table in `PROMISES.md` to these words.
pub const PROMISES: [Promise; 50] = [
    promise(
        1,
        "Prompts and outputs of covered (high-capability) models are kept 30 days for trust and safety, also for zero-retention tenants",
    ),
    promise(2, "Content flagged as a violation is kept up to 2 years; its classifier scores up to 7"),
    promise(3, "Retained safety data never trains a model"),
    promise(
        4,
        "Active conversations live as long as the account; deleted chats are gone within 30 days; closed accounts within 90; safety investigations at most 1 year",
    ),
    promise(5, "Deletion is automatic; no person has to remember"),
    promise(6, "Proof of deletion: time stamp, reference number, contact, e-mail"),
    promise(7, "Consumer data: 5 years where training is allowed, else 30 days"),
    promise(
        8,
        "A court order holds everything in scope, deleted chats too; zero-retention data is exempt because it never existed",
    ),
    promise(9, "Enterprises may have zero retention or their own retention"),
    promise(10, "Ineligible features are refused, not silently stored, under zero retention/HIPAA"),
    promise(11, "Training use is off until the person says yes"),
    promise(
        12,
        "The choice applies to past and future conversations and takes effect immediately everywhere",
    ),
    promise(13, "Everyone decides by a deadline; no answer is a no"),
    promise(14, "Consumer plans only; commercial plans are never asked and never trained on"),
    promise(
        15,
        "The question is fair: equal buttons, nothing preselected, plain words, same effort to say no, as easy to withdraw as to give",
    ),
    promise(
        16,
        "Separate uses have separate choices: active learning, batch training, safety training, partner use, feedback",
    ),
    promise(17, "Implicit, explicit and retroactive consent are told apart"),
    promise(18, "Each decision yields a receipt the person can keep and verify"),
    promise(
        19,
        "People see, export, correct, restrict and delete their data; requests have legal clocks (GDPR, CCPA, PIPEDA, LGPD, PIPL); paid plans may be served first, nobody late",
    ),
    promise(20, "A policy change is announced, shown as a diff in plain words, and asks again where it must"),
    promise(
        21,
        "A legal basis is named for every use; CCPA opt-out and the GPC signal are honoured and shown as honoured",
    ),
    promise(
        22,
        "Data is not sold, used for ads, shared for marketing or combined for profiling; no biometric identification",
    ),
    promise(
        23,
        "Support sees account basics; trust and safety sees flagged content; research sees anonymised aggregates; engineering sees logs without content",
    ),
    promise(24, "Every human access is logged: who, what, when, why, how long; the log cannot be changed"),
    promise(25, "Customers and the people themselves can see those accesses"),
    promise(
        26,
        "Exceptions (imminent harm, child protection, legal order) take the least data, need a reason and are documented",
    ),
    promise(27, "AES-256 at rest, keys under the customer's control where wanted"),
    promise(
        28,
        "Tenants are isolated; residents' data stays in its region; government and civilian data never mix",
    ),
    promise(29, "Cyber, bio and chemistry misuse goes to a less capable model; the user is told"),
    promise(
        30,
        "Frontier-model development requests are refused or rerouted visibly; nothing is ever degraded in secret",
    ),
    promise(31, "A person can contest a decision; verified researchers can be given access"),
    promise(32, "Attacks spread over many requests are found (best-of-N, split payloads)"),
    promise(33, "Prompt injection through untrusted content is found"),
    promise(
        34,
        "User prompts have token limits; unusually large or repetitive output is flagged as it streams",
    ),
    promise(
        35,
        "Only what is needed is sent and shown: system prompts, secrets and internal code do not leak out; personal data can be masked before it reaches a provider and restored in the answer",
    ),
    promise(36, "What a model can reach is sandboxed"),
    promise(
        37,
        "A model may carry a risk label; it stays available to tenants that acknowledge the risk and switch the controls on",
    ),
    promise(
        38,
        "Controls: input sanitising, role-based access, audit log on every call; a tenant that drops one is throttled, then disabled",
    ),
    promise(
        39,
        "A company can hold a model back while it reviews the provider's terms; people are pointed to allowed models; exceptions expire",
    ),
    promise(
        40,
        "Governance tiers public/restricted/private/isolated with defaults by plan and a choice where promised",
    ),
    promise(41, "Controller and processor roles are explicit; enterprises give the instructions"),
    promise(
        42,
        "Partners get aggregates, model metrics and incident reports; custom training runs only on consented sets; users can see who got what",
    ),
    promise(
        43,
        "Reviewers are protected: exposure limits, rotation, blurred by default; concerns can be raised safely to an independent board",
    ),
    promise(44, "Training scans skip everyone who has not consented, automatically, fast"),
    promise(45, "Every dataset says where each row came from and which consent allowed it"),
    promise(
        46,
        "Withdrawal and erasure reach training data: which datasets, which shards, which models; what must be retrained",
    ),
    promise(47, "Anyone can check that their conversation is not in a dataset"),
    promise(
        48,
        "Content is screened with context (historic, academic, creative, cultural) and doubtful rows go to people",
    ),
    promise(49, "Consented data may be unrepresentative; say so and help"),
    promise(50, "Regular audits"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn promises_are_numbered_in_order_and_read_back() {
        for (place, promise) in PROMISES.iter().enumerate() {
            assert_eq!(usize::from(promise.id.number()), place + 1);
            assert_eq!(promise.id.to_string().parse(), Ok(promise.id));
        }
        for wrong in ["P00", "P51", "p01", "P1", "1", ""] {
            assert!(wrong.parse::<PromiseId>().is_err(), "{wrong}");
        }
    }
}
