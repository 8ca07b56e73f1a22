//! The vocabulary every other crate shares: identifiers, purposes, grounds, and the traits through which time, randomness
//! and authority enter; and the policy: which grounds hold for a record, and until when.
//!
//! This crate is pure. It does no I/O, reads no clock, draws no randomness and knows no `async`; everything of that
//! kind is an argument. It sits at the bottom of the dependency graph: the six crates above it may use its types but
//! not each other.
//!
//! # The policy language
//!
//! A policy is a TOML file. Unknown keys are errors, and so are policies that contradict themselves: [`Policy::parse`]
//! names the line, the rules and an input that breaks them. `fiducia policy schema` prints a JSON Schema for editors.
//!
//! ```
//! use fiducia_policy::{Agreement, Facts, GroundKind, Plan, Policy, RecordClass, Situation, Standing, Tier};
//!
//! let policy = Policy::parse(r#"
//!     language = 1
//!     name = "small"
//!     title = "A small policy"
//!
//!     [regions.home]
//!     title = "The operator's home region"
//!
//!     [plans.free]
//!     audience = "consumer"
//!     tier = "private"
//!     training = "never"
//!     region = "home"
//!
//!     [[rules]]
//!     id = "conversations"
//!     ground = "service"
//!     delete = ["30 days after creation", "at deletion", "30 days after erasure"]
//!     clause = "Kept for 30 days, or until you delete them"
//! "#).unwrap();
//!
//! let situation = Situation {
//!     plan: Plan::Free,
//!     tier: Tier::Private,
//!     class: RecordClass::Chat,
//!     agreement: Agreement::Standard,
//!     covered: false,
//!     training: false,
//! };
//! let captured = Facts::captured_at("2026-01-10T09:00:00Z".parse().unwrap());
//! let schedule = policy.schedule(situation, &captured);
//! let until = Some("2026-02-09T00:00:00Z".parse().unwrap());
//! assert_eq!(schedule.standing(GroundKind::Service), Standing::Holds { until });
//! ```
//!
//! ## Top level
//!
//! | key | holds |
//! | --- | --- |
//! | `language` | the version of the language: 1 |
//! | `name`, `title`, `summary` | what the policy is called, for whom it is, and what it says to people |
//! | `[sources.NAME]` | a document that clauses come from: `title`, and `read`, the day it was read |
//! | `[regions.NAME]` | a place where data may lie: `title`, and `no_second_ask_within`, for how long after a no its law lets nobody be asked again |
//! | `[notices.NAME]` | a text that is shown to people: `text` |
//! | `[tiers.TIER]` | what a governance tier permits: `title`, `grounds` that may open, `training`, `covered_models` |
//! | `[agreements.AGREEMENT]` | for `custom`: `at_least` and `at_most`, between which a period may be agreed |
//! | `[holds]` | `release_grace`: how long what a legal hold held is kept after its release (absent: 30 days) |
//! | `[plans.PLAN]` | a plan; a plan that is not here does not exist |
//! | `[consents.PURPOSE]` | what people are asked about one use |
//! | `[labels.NAME]` | a context in which content is screened: `description`, and whether what is doubtful goes to people (`doubtful_to_people`; absent: yes) |
//! | `[[models]]` | what a provider says about a model |
//! | `[[safeguards.CATEGORY]]` | what is done about findings of one category: `safeguards` below |
//! | `[[trusted]]` | who may do what others may not, and until when |
//! | `[[limits]]` | how many tokens may be sent and answered |
//! | `[[sandbox]]` | what models can reach |
//! | `[rights]` | by when people's requests must be answered, and in which order |
//! | `[[rules]]` | on which ground which records are kept, and until when |
//!
//! ## Plans
//!
//! `same_as` names a plan that gives everything not said here. `audience` is `consumer` or `commercial`. `tier` is the
//! governance tier at the start, `tiers` are those that may be chosen and `tier_chosen_by` says by whom (`person`,
//! `administrator`, `operator`). `agreements` may be made (absent: `standard`). `classes` of record exist (absent: all), and
//! `api_class` is the class of what arrives through the interface. `training` is `ask` or `never`; commercial plans never
//! train. `region` and `notice` are names. `warn_before` is how long before a scheduled end people are warned, and `may_keep`
//! whether they may answer by keeping the conversation, which counts as activity in it.
//!
//! ## Consents and labels
//!
//! The uses that people are asked about are `batch-training`, `active-learning`, `safety-training`, `feedback`, `partner-use` and
//! `research`; each is asked about for itself. `plans` are those whose people are asked (absent: nobody), `notice` is what they
//! are shown, and `kinds` are the ways in which they may agree: `implicit`, `explicit` or `retroactive` (absent: `explicit`).
//! `basis` is the legal basis of the use (absent: `consent`). A yes counts for `reconsent_after` (absent: until it is taken back), and
//! after a no nobody is asked again for `no_second_ask_within`, at least as long as the region says.
//!
//! What a policy cannot say: that people of a commercial plan are asked about training or partners; that anybody agrees to these
//! implicitly, or on another basis than consent; that people are asked about batch training, active learning or partners
//! after the use, when a no could not undo it. `training` of a plan and `[consents.batch-training]` must agree. A policy without
//! `consents` asks about batch training where its plans say so, and about nothing else.
//!
//! Labels name the contexts that screening tells apart before content becomes part of a data set, such as `historic`, `academic`,
//! `creative` and `cultural`, and any others of the policy's own.
//!
//! ## Models
//!
//! `name` is a model's name or its beginning and a `*`; the exact name wins, then the longest beginning. `same_as` names an
//! entry that gives the rest. `provider`, `default_retention`, `flagged_retention`, `training`, `flagging` and `region` are the
//! provider's terms, `clause` and `source` their words. A model that is `covered` must be kept for safety for its
//! `required_minimum`; the policy is refused unless a rule does so wherever such a model may be used.
//!
//! ## Requests
//!
//! `[rights]` may stay out; then the laws' own numbers hold, and `gdpr` where a request names no law. `regimes` are the laws
//! (`gdpr`, `ccpa`, `lgpd`, `pipeda`, `pipl`) that apply where a request names none; of several the earliest clock counts.
//! `paid_first` lets people on paid plans be served first as long as that makes nobody late, and `hours_per_request` is how
//! long one request takes. `months_without_asking` is for how long a person who opted out is not asked again, and
//! `keep_files_days` how long a file that was made for a person stays here once the request is closed. `clocks` holds a
//! table for each law, `[rights.clocks.ccpa]`, in which `confirm`, `answer`, `extension`, `opt_out` and `complaint` are spans:
//!
//! ```text
//! clock = number ( "month" | "day" | "business day" ), with or without "s"; "none" takes confirm, extension or opt_out away
//! ```
//!
//! A clock begins with the day after the one on which the request arrived, in the law's `time_zone`, which is a POSIX rule, and
//! its last day counts to its end. `weekend` and `holidays` are no business days, nor is what the `holiday_table` computes
//! (`none`, `us-federal`, `eu-common`, `brazil`, `canada`, `china-solar`). `complaint_body` and `court` are where people can go
//! who are not content with an answer.
//!
//! ## Safeguards
//!
//! A rule under `safeguards` has an `id`, a `clause` and `steps`. It is for requests of its `plans` to its `models` (absent: all; a name
//! or its beginning and a `*`), and for findings in the words that `provenance` names: `system-prompt`, `person`, `tool-result`, `document`,
//! `earlier-answer`, `answer` (absent: all in which its actions are possible). Each step says what is done from a score on: `at`, `action`,
//! and for `reroute` the model `to`, for `throttle` how many requests `per_hour` pass. The actions are, from the mildest: `allow`, `flag`,
//! `mask`, `redact`, `throttle`, `reroute`, `hold-for-review`, `refuse`; with `flag = true` people look at it as well. A later step is never
//! milder. A rule in `shadow` only notes what it would do, and `rollout` is in how many of a hundred conversations it acts.
//! Of all rules that match the sternest action counts, and every one is among the reasons; see [`SafetyTerms::decide`].
//!
//! A list under `trusted` has a `name`, ids of people, workspaces and keys in `who`, `categories`, `until` and a `reason`. For those, nothing
//! sterner than `at_most` is done (`allow` or `flag`; absent: `allow`). `child-safety` and `biometric-identification` are closed: nobody can be
//! trusted with them, and no step can allow them.
//!
//! `limits` have an `id`, `plans`, `models` and any of `message_tokens`, `request_tokens`, `conversation_tokens`, `subject_day_tokens` and
//! `output_tokens`. Of several the smallest counts.
//!
//! A `sandbox` has an `id`, `plans`, `models` and lists of what is permitted: `tools`, `server_tools`, `mcp_servers`, `url_hosts`,
//! `file_types`, in which a `*` may begin or end an entry. `otherwise` says what happens to anything else: `remove` or `refuse` (absent:
//! `refuse`). What is not listed anywhere is not limited; what several list must be permitted by each.
//!
//! ## Rules
//!
//! A rule has an `id`, a `ground` and a `clause`, the promise in words; `source` and `notice` are names. It applies where all of
//! `plans`, `tiers`, `classes`, `agreements`, `covered` and `training` fit. What is absent fits all, with two exceptions: **zero
//! retention must be named** in `agreements`, and access events and system logs in `classes`, unless the ground is a legal
//! hold. Every rule that applies opens its ground; its terms say until when:
//!
//! | key | the ground lasts |
//! | --- | --- |
//! | `minimum` | at least until then: a duty that no request ends |
//! | `maximum` | at most until then: the purpose is served |
//! | `retain` | at least until then, unless the person asks for erasure |
//! | `delete` | until then, unless something retains |
//! | `keep` | `retain` and `delete` in one |
//!
//! A term is a span and the event it counts from, or a list of such: `"30 days after creation"`, `"at deletion"`, `"as agreed after
//! last-activity"`.
//!
//! ```text
//! term  = span " after " start | "at " start | "as agreed after " start
//! span  = number unit { " " number unit }      largest unit first
//! unit  = "year" | "month" | "week" | "day" | "hour", with or without "s"
//! start = "creation" | "last-activity" | "deletion" | "closing" | "flag" | "feedback"
//!       | "case-opening" | "case-closing" | "erasure" | "release"
//! ```
//!
//! Spans follow the calendar in UTC: a month after 31 January is the last day of February. `months = "30-days"` makes the
//! months of one rule 30 days long; years stay the calendar's. `level` (`organization`, `scoped`, `label`; absent: `scoped`) says
//! how explicit a rule is: among scheduled deletions the most explicit level sets the date, and the shortest wins within
//! it. `basis` is the legal basis (absent: the ground's own) and `purpose`, in DPV terms, may be written out but must be the
//! ground's. `locked` rules may be tightened by later policies, never loosened ([`Policy::may_replace`]).
//! `existing_records = "new-basis"` lets a rule keep records longer that were captured before it, if it rests on a basis that is
//! new; see [`Policy::carried_over`].
//!
//! Every rule of the ground `legal-hold` deletes `release_grace` after the release, unless the release says otherwise; a rule that says
//! another span contradicts that. Where `[holds]` is absent, the rules of the ground may say it, each for itself.
//!
//! There is no purpose for selling, advertising, marketing, profiling or biometric identification, and asking for one is
//! an error that says so.
//!
//! ## How claims combine
//!
//! Strongest first: legal hold, minimum, maximum, erasure, retention (the longest), the person's deletion and other
//! endings (the earliest), scheduled deletion (the most explicit, then the earliest). See [`resolve`], and
//! `docs/decisions/0020-policy-language.md` for the reasons.
//!
//! ## Midnight
//!
//! Grounds with one key for an organisation and day (`safety-window`, `violation`, `safety-score`, `feedback`) end at 00:00 UTC
//! only: what must be kept is kept that many full days after the day of the event, what may be kept at most a span ends at
//! the start of its last day. A service ground whose end is fixed at capture
//! ([`Policy::service_end_is_fixed`]) is rounded in the same way. Other ends are exact. Where a minimum and a maximum are
//! the same span, the minimum's rounding wins, by at most a day.
//!
//! ## Case files
//!
//! `NAME.cases.toml` beside `NAME.toml` holds examples of what the policy promises; [`run_cases`] tries them.

mod access;
mod api_scope;
mod authority;
mod cases;
mod census;
mod change;
mod chart;
mod compliance_scope;
mod consent;
mod diff;
mod edge;
mod explain;
mod feature;
mod ground;
mod hold;
mod id;
mod language;
mod letter;
mod looking;
mod named;
mod promise;
mod retention;
mod rights;
mod role;
mod safety;
mod simulate;
mod webhook;

pub use access::{
    AccessAction, AccessChange, AccessDecision, AccessPolicy, AccessPolicyError, AccessPrincipal,
    AccessTarget, Circumstances, DataKind, WithoutAccount, access_changes, access_matrix,
};
pub use api_scope::{ApiScope, ApiScopes};
pub use authority::{AccessReason, EntryProof, ReleaseAuthority, UnknownReason};
pub use cases::{CaseFileError, CaseOutcome, EventName, cases_schema, end_in_words, instant, run_cases};
pub use census::{CensusError, CensusRow, read_census};
pub use change::{Carried, CarriedSchedule};
pub use chart::chart;
pub use compliance_scope::{ComplianceScope, ComplianceScopes};
pub use consent::{
    Asked, CampaignError, CampaignTerms, ConsentAct, ConsentChannel, ConsentKind, ConsentPurpose,
    ConsentState, Controller, GradeFormula, LastNo, Meanwhile, NOTICE_BYTES_MAX, NotAsked, Notice,
    NoticeError, NoticeIdentity, READING_GRADE_MAX, UnlawfulAct, WordChange, change_in_words,
    change_word_by_word, is_in_region, is_language, is_region, reading_grade, reading_grade_in_german,
    transition,
};
pub use diff::{Affected, Change, PolicyDiff, diff};
pub use edge::{Clock, Randomness, RandomnessUnavailable, Timestamp};
pub use explain::{ClauseExplanation, ClauseOutcome, Explanation, GroundExplanation};
pub use feature::{Eligibility, Feature, FeatureSet, UnknownFeature};
pub use ground::{Ground, GroundKind, LegalBasis, Purpose};
pub use hold::{HoldCandidate, HoldScope, HoldScopeError, SCOPE_ENTRIES_MAX, SCOPE_NAME_BYTES_MAX};
pub use id::{
    AccessSessionId, AccountId, ActivityId, ApiTokenId, BulletinId, CampaignId, CaseId, ComplianceKeyId,
    ConsentId, ConversationId, ExchangeId, FlagId, HoldId, IdParseError, KeyId, LetterId, OrganizationId,
    PersonId, Pseudonym, RecordId, RightsRequestId, SessionId, SubjectId, VirtualKeyId, WarningId, WebhookId,
    WorkspaceId,
};
pub use language::{
    Audience, BUILT_IN_NAMES, Chooser, ConsentNotice, ConsentRule, Counterexample, ExistingRecords,
    LabelTerms, MonthLength, PolicyProblem, PolicyProblems, ProblemKind, TrainingChoice, policy_schema,
};
pub use letter::{BulletinKind, LetterKind, MailKind};
pub use looking::{
    AccessAnswer, AccessApproval, AccessAsked, AccessBounds, AccessEnd, AccessLimits, AccessNeeds,
    AccessNoticeKind, AccessRemark, AccessReview, AccessScope, AccessSession, AccessState, AccessStep,
    AccessStepRefused, Anomaly, AnomalyKind, Habits, NotARemark, Participant, REMARK_CHARACTERS_MAX, Sight,
    TooMuch, UnloggedLooks, WorkingHours, WorkingHoursError, anomalies, blurred,
    distinct as distinct_records,
};
pub use named::{NamedSet, UnknownName};
pub use promise::{PROMISES, Promise, PromiseId, UnknownPromise};
pub use retention::{
    Agreement, Claim, ClockStart, CustomBounds, Effect, End, Facts, Level, ModelTerms, Plan, PlanTerms,
    Policy, PolicyVersion, RecordClass, Resolution, RetentionSpan, Rule, Schedule, Situation, Source,
    SpanError, Standing, Term, TermError, TermSpan, Tier, TierTerms, resolve,
};
pub use rights::{
    BusinessCalendar, ClockRules, ClockSpan, ClockSpanError, ClockZone, ClockZoneError, ComplaintRoute,
    DueDates, ExtensionReason, HolidayTable, IdentityMethod, MandateProblem, QueueEntry, RefusalReason,
    Regime, RegimeTerms, RequestClock, RequestKind, RequestStanding, RequestState, RequestStep, RightsTerms,
    StepRefused, due_dates, end_of_span, queue_order,
};
pub use role::{Role, RoleSet};
pub use safety::{
    LimitKind, LimitRule, NotPermitted, Provenance, SafeguardRule, SafetyAction, SafetyCategory,
    SafetyCircumstances, SafetyDecision, SafetyFinding, SafetyObligation, SafetyOutcome, SafetyReason,
    SafetyScope, SafetyStep, SafetyTerms, SandboxKind, SandboxOtherwise, SandboxRule, Score, ScoreOutOfRange,
    TokenLimit, TrustedAccess, TrustedParty,
};
pub use simulate::{Simulation, simulate};
pub use webhook::{
    AfterAttempt, AttemptFailure, AttemptOutcome, DeliveryStep, DisabledBecause, EndpointStep, EventFilter,
    EventFilterError, WEBHOOK_ATTEMPTS_MAX, WEBHOOK_FAILING_DAYS_MAX, WEBHOOK_RETRY_AFTER_SECONDS_MAX,
    after_attempt,
};
