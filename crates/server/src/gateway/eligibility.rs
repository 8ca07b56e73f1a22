//! Whether a caller may use what a request asks of the provider: features under zero retention and under an agreement
//! about health data, and covered models, whose prompts and answers are always kept for a time.
//!
//! Providers do not refuse every feature that would break a promise, so the gateway does. A refusal sends nothing on,
//! names every feature on the wire and in the log, and puts a notice into the ledger.

use fiducia_custody::{Caller, EligibilityTerms, Notice};
use fiducia_policy::{Feature, FeatureSet};
use fiducia_wire::{Fallbacks, Features, Outline, RequestError, WireFamily, beta_features};
use http::HeaderMap;

use super::Gateway;
use super::endpoint::Endpoint;
use super::refusal::Refusal;
use crate::StartError;
use crate::settings::EligibilitySettings;

/// The longest name of a model that is repeated in a refusal, in bytes.
const NAME_BYTES_MAX: usize = 256;

/// What the settings say about eligibility.
#[derive(Debug)]
pub(crate) struct EligibilityRules {
    hipaa: bool,
    covered: CoveredModels,
}

impl EligibilityRules {
    /// Reads the settings.
    ///
    /// # Errors
    /// When a pattern is none.
    pub(crate) fn new(settings: &EligibilitySettings) -> Result<Self, StartError> {
        Ok(Self { hipaa: settings.hipaa, covered: CoveredModels::new(settings)? })
    }

    fn terms(&self, caller: &Caller) -> EligibilityTerms {
        EligibilityTerms { hipaa: caller.eligibility.hipaa || self.hipaa, ..caller.eligibility }
    }
}

/// The models whose prompts and answers the provider keeps in any case.
#[derive(Debug)]
struct CoveredModels(Vec<Pattern>);

/// A part of a model's name in lower case, and what may stand around it.
#[derive(Debug)]
struct Pattern {
    text: String,
    any_start: bool,
    any_end: bool,
}

impl CoveredModels {
    fn new(settings: &EligibilitySettings) -> Result<Self, StartError> {
        if let Some(reason) = settings.covered_models_problem() {
            return Err(StartError::Setting { setting: "eligibility.covered_models", reason });
        }
        let read = |pattern: &String| Pattern {
            text: pattern.trim_matches('*').to_ascii_lowercase(),
            any_start: pattern.starts_with('*'),
            any_end: pattern.ends_with('*'),
        };
        Ok(Self(settings.covered_models.iter().map(read).collect()))
    }

    fn is_covered(&self, model: &str) -> bool {
        let model = model.to_ascii_lowercase();
        self.0.iter().any(|pattern| match (pattern.any_start, pattern.any_end) {
            (false, false) => model == pattern.text,
            (false, true) => model.starts_with(&pattern.text),
            (true, false) => model.ends_with(&pattern.text),
            (true, true) => model.contains(&pattern.text),
        })
    }
}

/// Which models are covered: those that the configuration names and those that the policy in force does.
struct Covered<'a> {
    configured: &'a CoveredModels,
    by_policy: &'a dyn Fn(&str) -> bool,
    /// Whether the policy names any.
    any_by_policy: bool,
}

impl Covered<'_> {
    fn is_covered(&self, model: &str) -> bool {
        self.configured.is_covered(model) || (self.by_policy)(model)
    }

    /// Whether there are any, so that a provider left to choose could choose one.
    fn are_there(&self) -> bool {
        self.any_by_policy || !self.configured.0.is_empty()
    }
}

/// Whether a request may reach a covered model that the caller's workspace has agreed to use: its exchange is then kept
/// for as long as covered models oblige to, under zero retention too.
pub(crate) fn reaches_covered(gateway: &Gateway, caller: &Caller, outline: &Outline, served: &str) -> bool {
    if !caller.eligibility.covered_models_enabled {
        return false;
    }
    let by_policy = |model: &str| gateway.custody.is_covered(model);
    let covered = Covered {
        configured: &gateway.eligibility.covered,
        by_policy: &by_policy,
        any_by_policy: gateway.custody.names_covered_models(),
    };
    let named = std::iter::once(served)
        .chain(fallback_models(outline).iter().map(String::as_str))
        .chain(outline.features.advisor_models.iter().map(String::as_str));
    // Where the provider chooses, it may choose one.
    (outline.fallbacks == Fallbacks::ProviderChoice && covered.are_there())
        || named.into_iter().any(|model| covered.is_covered(model))
}

/// Why a request is not eligible.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ineligible {
    /// It could be understood in two ways, so nothing can be said of it.
    Unclear(RequestError),
    /// These features keep content at the provider.
    ZeroRetention(FeatureSet),
    /// These features are not for health data.
    Hipaa(FeatureSet),
    /// This model's prompts and answers are kept.
    CoveredModel(String),
    /// The provider may choose a model whose prompts and answers are kept.
    ProviderChoice,
}

/// What a request asks for, with every model by the name that the provider knows.
struct Request<'a> {
    features: FeatureSet,
    ambiguity: Option<&'a RequestError>,
    models: Vec<&'a str>,
    provider_choice: bool,
}

/// Decides. Gives the features that are accepted although an agreement about health data does not cover them.
fn decide(
    terms: EligibilityTerms,
    covered: &Covered<'_>,
    request: &Request<'_>,
) -> Result<FeatureSet, Ineligible> {
    if let Some(error) = request.ambiguity {
        return Err(Ineligible::Unclear(error.clone()));
    }
    decide_features(terms, request.features)?;
    if terms.zero_retention && !terms.covered_models_enabled {
        if let Some(model) = request.models.iter().find(|model| covered.is_covered(model)) {
            return Err(Ineligible::CoveredModel((*model).to_owned()));
        }
        if request.provider_choice && covered.are_there() {
            return Err(Ineligible::ProviderChoice);
        }
    }
    Ok(if terms.hipaa { request.features.uncovered_under_hipaa() } else { FeatureSet::EMPTY })
}

fn decide_features(terms: EligibilityTerms, features: FeatureSet) -> Result<(), Ineligible> {
    let kept = features.ineligible_under_zero_retention();
    if terms.zero_retention && !kept.is_empty() {
        return Err(Ineligible::ZeroRetention(kept));
    }
    let blocked = features.blocked_for_hipaa();
    if terms.hipaa && !blocked.is_empty() {
        return Err(Ineligible::Hipaa(blocked));
    }
    Ok(())
}

/// Whether a request may be sent on, where `served` is the model's name at the provider. Gives a notice for what is
/// accepted although it is not covered.
///
/// # Errors
/// A refusal that is in the ledger, or that of a ledger that cannot take it.
pub(crate) fn permitted(
    gateway: &Gateway,
    caller: &Caller,
    (family, headers): (WireFamily, &HeaderMap),
    outline: &Outline,
    served: &str,
) -> Result<Option<Notice>, Refusal> {
    let terms = gateway.eligibility.terms(caller);
    if !terms.zero_retention && !terms.hipaa {
        return Ok(None);
    }
    let Features { set, advisor_models, ambiguity } = &outline.features;
    let mut models = vec![served];
    models.extend(fallback_models(outline).iter().chain(advisor_models).map(String::as_str));
    let request = Request {
        features: set.union(switched_on(family, headers)),
        ambiguity: ambiguity.as_ref(),
        models,
        provider_choice: outline.fallbacks == Fallbacks::ProviderChoice,
    };
    let by_policy = |model: &str| gateway.custody.is_covered(model);
    let covered = Covered {
        configured: &gateway.eligibility.covered,
        by_policy: &by_policy,
        any_by_policy: gateway.custody.names_covered_models(),
    };
    let uncovered = decide(terms, &covered, &request)
        .map_err(|ineligible| refused(gateway, caller, &ineligible, None))?;
    Ok((!uncovered.is_empty()).then(|| Notice {
        code: "feature-uncovered".to_owned(),
        asked: uncovered.to_string(),
        served: "accepted, but not covered by the agreement about health data".to_owned(),
    }))
}

/// Whether every item of a batch may be sent on.
///
/// # Errors
/// As [`permitted`].
pub(crate) fn batch_permitted<'a>(
    gateway: &Gateway,
    caller: &Caller,
    headers: &HeaderMap,
    features: &'a Features,
    models: impl Iterator<Item = &'a str>,
) -> Result<(), Refusal> {
    let terms = gateway.eligibility.terms(caller);
    let request = Request {
        features: features.set.union(switched_on(WireFamily::Anthropic, headers)),
        ambiguity: features.ambiguity.as_ref().filter(|_| terms.zero_retention || terms.hipaa),
        models: models.chain(features.advisor_models.iter().map(String::as_str)).collect(),
        provider_choice: false,
    };
    let by_policy = |model: &str| gateway.custody.is_covered(model);
    let covered = Covered {
        configured: &gateway.eligibility.covered,
        by_policy: &by_policy,
        any_by_policy: gateway.custody.names_covered_models(),
    };
    decide(terms, &covered, &request).map_err(|ineligible| refused(gateway, caller, &ineligible, None))?;
    Ok(())
}

/// Whether an endpoint may be used at all. What lists and deletes always may, so that nobody is left with content at the
/// provider that they cannot remove.
///
/// # Errors
/// As [`permitted`].
pub(crate) fn endpoint_permitted(
    gateway: &Gateway,
    caller: &Caller,
    endpoint: Endpoint,
) -> Result<(), Refusal> {
    let (feature, how_to_delete) = match endpoint {
        Endpoint::BatchCreate | Endpoint::BatchResults => (
            Feature::MessageBatches,
            "Batches that exist already: list them with GET /v1/messages/batches, delete them with DELETE \
             /v1/messages/batches/{id}",
        ),
        Endpoint::FileUpload | Endpoint::FileContent => (
            Feature::Files,
            "Files that exist already: list them with GET /v1/files, delete them with DELETE /v1/files/{id}",
        ),
        _ => return Ok(()),
    };
    decide_features(gateway.eligibility.terms(caller), [feature].into_iter().collect())
        .map_err(|ineligible| refused(gateway, caller, &ineligible, Some(how_to_delete)))
}

/// The models that may answer besides the one asked for, which must be routed to the same provider.
pub(crate) fn fallback_models(outline: &Outline) -> &[String] {
    match &outline.fallbacks {
        Fallbacks::Models(models) => models,
        Fallbacks::None | Fallbacks::ProviderChoice => &[],
    }
}

/// The features that headers switch on.
fn switched_on(family: WireFamily, headers: &HeaderMap) -> FeatureSet {
    if family != WireFamily::Anthropic {
        return FeatureSet::EMPTY;
    }
    let lists = headers.get_all("anthropic-beta").iter();
    lists.fold(FeatureSet::EMPTY, |set, list| {
        set.union(beta_features(&String::from_utf8_lossy(list.as_bytes())))
    })
}

/// Says in the ledger what is refused, and gives the refusal.
fn refused(
    gateway: &Gateway,
    caller: &Caller,
    ineligible: &Ineligible,
    how_to_delete: Option<&str>,
) -> Refusal {
    let (code, asked, served) = match ineligible {
        Ineligible::Unclear(error) => return Refusal::malformed(error),
        Ineligible::ZeroRetention(features) => {
            ("feature-refused", features.to_string(), "refused: zero retention")
        }
        Ineligible::Hipaa(features) => ("feature-refused", features.to_string(), "refused: health data"),
        Ineligible::CoveredModel(model) => {
            ("covered-model-refused", repeatable(model).to_owned(), "refused: zero retention")
        }
        Ineligible::ProviderChoice => {
            ("covered-model-refused", "fallbacks: default".to_owned(), "refused: zero retention")
        }
    };
    let notice = Notice { code: code.to_owned(), asked, served: served.to_owned() };
    gateway.metrics.notice(&notice.code);
    match gateway.custody.announce(caller, vec![notice]) {
        Ok(()) => refusal(ineligible, how_to_delete),
        Err(unavailable) => Refusal::capture_refused(unavailable),
    }
}

/// A model's name as a refusal and the ledger may repeat it: an advisor's went through no routing table.
fn repeatable(model: &str) -> &str {
    let is_name = model.len() <= NAME_BYTES_MAX && !model.chars().any(char::is_control);
    if is_name { model } else { "(a model)" }
}

fn refusal(ineligible: &Ineligible, how_to_delete: Option<&str>) -> Refusal {
    match ineligible {
        Ineligible::Unclear(error) => Refusal::malformed(error),
        Ineligible::ZeroRetention(features) => {
            let kept: Vec<String> =
                features.iter().map(|feature| format!("{feature} ({})", feature.reason())).collect();
            let message = format!(
                "your organisation keeps nothing, and these features would leave content at the provider: {}. \
                 Nothing was sent on. {}",
                kept.join("; "),
                how_to_delete.unwrap_or_default()
            );
            Refusal::ineligible("zero_retention_feature", message.trim_end().to_owned(), *features)
        }
        Ineligible::Hipaa(features) => {
            let hint = how_to_delete.map(|hint| format!(" {hint}.")).unwrap_or_default();
            let message = format!(
                "Nothing was sent on.{hint} The requested features are not available for HIPAA-regulated \
                 organizations: {features}"
            );
            Refusal::ineligible("hipaa_feature_unavailable", message, *features)
        }
        Ineligible::CoveredModel(model) => Refusal::data_retention_required(format!(
            "\"{}\" is a covered model: its prompts and answers are kept for at least 30 days, and your organisation \
             keeps nothing. Data retention must be enabled before it can be used. Nothing was sent on; use another \
             model, or ask your administrator",
            repeatable(model)
        )),
        Ineligible::ProviderChoice => Refusal::data_retention_required(
            "\"fallbacks\": \"default\" lets the provider choose a model, which may be a covered model, whose prompts \
             and answers are kept for at least 30 days. Data retention must be enabled before it can be used. Nothing \
             was sent on; name the models in \"fallbacks\""
                .to_owned(),
        ),
    }
}

/// The request member that brought a feature in, for `error.param` on the OpenAI wires.
pub(crate) fn parameter(feature: Feature) -> Option<&'static str> {
    Some(match feature {
        Feature::StoredResponses | Feature::StoredCompletions => "store",
        Feature::PreviousResponses => "previous_response_id",
        Feature::BackgroundResponses => "background",
        Feature::Conversations => "conversation",
        Feature::AudioOutput => "modalities",
        Feature::ExtendedPromptCache => "prompt_cache_retention",
        Feature::CodeInterpreter
        | Feature::HostedShell
        | Feature::FileSearch
        | Feature::RemoteMcp
        | Feature::McpTunnels
        | Feature::ProgrammaticToolCalling => "tools",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ZERO: EligibilityTerms =
        EligibilityTerms { zero_retention: true, hipaa: false, covered_models_enabled: false };
    const HIPAA: EligibilityTerms =
        EligibilityTerms { zero_retention: false, hipaa: true, covered_models_enabled: false };
    const ORDINARY: EligibilityTerms =
        EligibilityTerms { zero_retention: false, hipaa: false, covered_models_enabled: false };

    fn covered() -> CoveredModels {
        CoveredModels::new(&EligibilitySettings::default()).unwrap()
    }

    fn listing(patterns: &[&str]) -> EligibilitySettings {
        let covered_models = patterns.iter().map(|pattern| (*pattern).to_owned()).collect();
        EligibilitySettings { covered_models, hipaa: false }
    }

    fn set(features: &[Feature]) -> FeatureSet {
        features.iter().copied().collect()
    }

    fn decided(
        terms: EligibilityTerms,
        features: &[Feature],
        models: &[&str],
    ) -> Result<FeatureSet, Ineligible> {
        let request = Request {
            features: set(features),
            ambiguity: None,
            models: models.to_vec(),
            provider_choice: false,
        };
        decide(
            terms,
            &Covered { configured: &covered(), by_policy: &|_| false, any_by_policy: false },
            &request,
        )
    }

    #[test]
    fn each_feature_is_decided_by_its_row() {
        for feature in Feature::ALL {
            let one = [feature];
            let kept = feature.zero_retention() == fiducia_policy::Eligibility::No;
            let expected =
                if kept { Err(Ineligible::ZeroRetention(set(&one))) } else { Ok(FeatureSet::EMPTY) };
            assert_eq!(decided(ZERO, &one, &[]), expected, "{feature}");
            let expected = match feature {
                Feature::BrowserUse => Ok(set(&one)),
                _ if feature.is_blocked_for_hipaa() => Err(Ineligible::Hipaa(set(&one))),
                _ => Ok(FeatureSet::EMPTY),
            };
            assert_eq!(decided(HIPAA, &one, &[]), expected, "{feature}");
            assert_eq!(decided(ORDINARY, &one, &["claude-fable-5"]), Ok(FeatureSet::EMPTY), "{feature}");
        }
    }

    #[test]
    fn only_what_is_ineligible_is_named() {
        let asked = [Feature::BashTool, Feature::Files, Feature::WebFetch, Feature::Skills];
        let kept = set(&[Feature::Files, Feature::Skills]);
        assert_eq!(decided(ZERO, &asked, &[]), Err(Ineligible::ZeroRetention(kept)));
        let blocked = set(&[Feature::Files, Feature::WebFetch, Feature::Skills]);
        assert_eq!(decided(HIPAA, &asked, &[]), Err(Ineligible::Hipaa(blocked)));
    }

    #[test]
    fn covered_models_need_retention_or_leave() {
        let refused = |model: &str| Err(Ineligible::CoveredModel(model.to_owned()));
        let models = ["claude-opus-5", "claude-mythos-5-1"];
        assert_eq!(decided(ZERO, &[], &models), refused("claude-mythos-5-1"));
        assert_eq!(decided(HIPAA, &[], &models), Ok(FeatureSet::EMPTY), "they are usable under HIPAA");
        let with_leave = EligibilityTerms { covered_models_enabled: true, ..ZERO };
        assert_eq!(decided(with_leave, &[], &models), Ok(FeatureSet::EMPTY));
        let request = |provider_choice| Request {
            features: FeatureSet::EMPTY,
            ambiguity: None,
            models: vec!["claude-opus-5"],
            provider_choice,
        };
        assert_eq!(
            decide(
                ZERO,
                &Covered { configured: &covered(), by_policy: &|_| false, any_by_policy: false },
                &request(true)
            ),
            Err(Ineligible::ProviderChoice)
        );
        assert_eq!(
            decide(
                ZERO,
                &Covered { configured: &covered(), by_policy: &|_| false, any_by_policy: false },
                &request(false)
            ),
            Ok(FeatureSet::EMPTY)
        );
        assert_eq!(
            decide(
                ZERO,
                &Covered {
                    configured: &CoveredModels(Vec::new()),
                    by_policy: &|_| false,
                    any_by_policy: false
                },
                &request(true)
            ),
            Ok(FeatureSet::EMPTY)
        );
    }

    #[test]
    fn what_is_unclear_is_refused_before_anything_else() {
        let error = RequestError::Duplicate { field: "tools" };
        let request = Request {
            features: set(&[Feature::Files]),
            ambiguity: Some(&error),
            models: Vec::new(),
            provider_choice: false,
        };
        assert_eq!(
            decide(
                ZERO,
                &Covered { configured: &covered(), by_policy: &|_| false, any_by_policy: false },
                &request
            ),
            Err(Ineligible::Unclear(error.clone()))
        );
    }

    #[test]
    fn covered_models_are_known_by_any_provider_s_name_for_them() {
        let covered = covered();
        let check = |model: &str, expected: bool| assert_eq!(covered.is_covered(model), expected, "{model}");
        check("claude-fable-5", true);
        check("claude-fable-5-1", true);
        check("claude-mythos-5-20260801", true);
        check("Claude-Fable-5", true);
        check("us.anthropic.claude-mythos-5-v1:0", true);
        check("anthropic/claude-fable-5", true);
        check("claude-fable-5@20260801", true);
        check("claude-opus-5", false);
        check("fable-5", false);
        check("", false);
    }

    #[test]
    fn patterns_take_a_star_at_either_end() {
        let check = |pattern: &str, model: &str, expected: bool| {
            let covered = CoveredModels::new(&listing(&[pattern])).unwrap();
            assert_eq!(covered.is_covered(model), expected, "{pattern} {model}");
        };
        check("a-b", "a-b", true);
        check("a-b", "a-bc", false);
        check("A-b*", "a-BC", true);
        check("*a-b", "xa-b", true);
        check("*a-b", "a-bx", false);
        check("*a-b*", "xa-by", true);
        for bad in ["", "*", "**", "a*b", "*a*b*", &"x".repeat(257)] {
            let error = CoveredModels::new(&listing(&[bad])).unwrap_err().to_string();
            assert!(error.contains("eligibility.covered_models"), "{error}");
        }
        assert!(CoveredModels::new(&listing(&["a"; 257])).is_err());
    }

    #[test]
    fn a_model_that_is_no_name_is_not_repeated() {
        assert_eq!(repeatable("claude-fable-5"), "claude-fable-5");
        assert_eq!(repeatable("claude-fable-5\ncanary"), "(a model)");
        assert_eq!(repeatable(&"x".repeat(257)), "(a model)");
    }
}
