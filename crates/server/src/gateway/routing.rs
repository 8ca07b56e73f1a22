//! The routing table: which provider answers for a model, and under which name it knows the model.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use fiducia_wire::WireFamily;

use crate::StartError;
use crate::settings::{GatewaySettings, ModelRoute, ProviderKind, ProviderSettings};

/// The most model names that an error text lists.
const NAMES_LISTED_MAX: usize = 20;

/// The longest name of a model, in bytes.
const MODEL_BYTES_MAX: usize = 256;

/// Where a model's requests go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    /// Index into the gateway's providers.
    pub(crate) provider: usize,
    /// The name to send instead of the one asked for.
    pub(crate) upstream_model: Option<Arc<str>>,
}

#[derive(Debug, Default)]
struct FamilyRoutes {
    exact: HashMap<String, Target>,
    /// Prefixes without their `*`, longest first.
    prefixes: Vec<(String, Target)>,
    default: Option<Target>,
}

/// Decides by wire family and model name.
#[derive(Debug, Default)]
pub(crate) struct RoutingTable {
    anthropic: FamilyRoutes,
    open_ai: FamilyRoutes,
}

/// Whether a text can be a model's name. Names are stored, logged and put into paths in the clear, which no prompt may be.
fn is_name(model: &str) -> bool {
    let fits = (1..=MODEL_BYTES_MAX).contains(&model.len());
    // Neither dot survives a path: what follows would reach another endpoint of the provider.
    fits && !model.chars().any(char::is_control) && model != "." && model != ".."
}

/// Whether a provider of `kind` speaks the wires of `family`.
pub(crate) fn speaks(kind: ProviderKind, family: WireFamily) -> bool {
    match kind {
        ProviderKind::Anthropic => family == WireFamily::Anthropic,
        ProviderKind::Openai | ProviderKind::AzureOpenai => family == WireFamily::OpenAi,
        ProviderKind::Compatible => true,
    }
}

impl RoutingTable {
    /// Reads the settings. Providers are numbered in the order of their names.
    ///
    /// # Errors
    /// When a route or default names an unknown or unfit provider, or two routes say different things about one name.
    pub(crate) fn new(
        gateway: &GatewaySettings,
        providers: &BTreeMap<String, ProviderSettings>,
        routes: &[ModelRoute],
    ) -> Result<Self, StartError> {
        let mut table = Self::default();
        let position = |name: &str| providers.iter().enumerate().find(|(_, (known, _))| *known == name);
        let unknown = |name: &str| {
            let names: Vec<&str> = providers.keys().map(String::as_str).collect();
            StartError::Route(format!("no provider is named \"{name}\"; there are: {}", names.join(", ")))
        };
        for route in routes {
            let (provider, (_, settings)) =
                position(&route.provider).ok_or_else(|| unknown(&route.provider))?;
            let target = Target { provider, upstream_model: route.upstream_model.as_deref().map(Arc::from) };
            for family in [WireFamily::Anthropic, WireFamily::OpenAi] {
                if speaks(settings.kind, family) {
                    table.family_mut(family).add(&route.model, target.clone())?;
                }
            }
        }
        let defaults = [
            (WireFamily::Anthropic, &gateway.default_anthropic),
            (WireFamily::OpenAi, &gateway.default_openai),
        ];
        for (family, name) in defaults {
            let Some(name) = name else { continue };
            let (provider, (_, settings)) = position(name).ok_or_else(|| unknown(name))?;
            if !speaks(settings.kind, family) {
                return Err(StartError::Route(format!(
                    "the default provider \"{name}\" does not speak that wire"
                )));
            }
            table.family_mut(family).default = Some(Target { provider, upstream_model: None });
        }
        for family in [WireFamily::Anthropic, WireFamily::OpenAi] {
            table.family_mut(family).prefixes.sort_by_key(|(prefix, _)| std::cmp::Reverse(prefix.len()));
        }
        Ok(table)
    }

    fn family_mut(&mut self, family: WireFamily) -> &mut FamilyRoutes {
        match family {
            WireFamily::Anthropic => &mut self.anthropic,
            WireFamily::OpenAi => &mut self.open_ai,
        }
    }

    fn family(&self, family: WireFamily) -> &FamilyRoutes {
        match family {
            WireFamily::Anthropic => &self.anthropic,
            WireFamily::OpenAi => &self.open_ai,
        }
    }

    /// Where requests for `model` on a wire of `family` go; `None` when nothing is configured for it.
    pub(crate) fn find(&self, family: WireFamily, model: &str) -> Option<&Target> {
        if !is_name(model) {
            return None;
        }
        let routes = self.family(family);
        routes
            .exact
            .get(model)
            .or_else(|| {
                routes
                    .prefixes
                    .iter()
                    .find(|(prefix, _)| model.starts_with(prefix.as_str()))
                    .map(|(_, target)| target)
            })
            .or(routes.default.as_ref())
    }

    /// Where requests without a model go (lists, files, batches): the family's default, else the provider of the
    /// first route by name.
    pub(crate) fn without_model(&self, family: WireFamily) -> Option<usize> {
        let routes = self.family(family);
        let named = || routes.exact.iter().min_by_key(|(name, _)| *name).map(|(_, target)| target.provider);
        let matched = || routes.prefixes.first().map(|(_, target)| target.provider);
        routes.default.as_ref().map(|target| target.provider).or_else(named).or_else(matched)
    }

    /// The names that exist on a wire, for the answer to one that does not.
    pub(crate) fn names(&self, family: WireFamily) -> String {
        let routes = self.family(family);
        let mut names: Vec<String> = routes.exact.keys().cloned().collect();
        names.sort_unstable();
        names.extend(routes.prefixes.iter().map(|(prefix, _)| format!("{prefix}*")));
        if names.is_empty() {
            return "none on this wire".to_owned();
        }
        let more = names.len().saturating_sub(NAMES_LISTED_MAX);
        names.truncate(NAMES_LISTED_MAX);
        let mut listed = names.join(", ");
        if more > 0 {
            listed = format!("{listed} and {more} more");
        }
        listed
    }
}

impl FamilyRoutes {
    fn add(&mut self, pattern: &str, target: Target) -> Result<(), StartError> {
        let twice = || {
            StartError::Route(format!("\"{pattern}\" is routed twice on one wire; keep one of the routes"))
        };
        match pattern.strip_suffix('*') {
            Some(prefix) if prefix.contains('*') => {
                Err(StartError::Route(format!("\"{pattern}\" has a `*` that is not at its end")))
            }
            Some(prefix) => {
                if self.prefixes.iter().any(|(known, _)| known == prefix) {
                    return Err(twice());
                }
                self.prefixes.push((prefix.to_owned(), target));
                Ok(())
            }
            None if pattern.is_empty() || pattern.contains('*') => Err(StartError::Route(format!(
                "\"{pattern}\" must be a model's name, or end in its only `*`"
            ))),
            None if self.exact.insert(pattern.to_owned(), target).is_some() => Err(twice()),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn provider(kind: ProviderKind) -> ProviderSettings {
        ProviderSettings {
            kind,
            base_url: None,
            key: None,
            api_version: None,
            ca_file: None,
            allow_plain_http: false,
        }
    }

    fn route(model: &str, provider: &str, upstream: Option<&str>) -> ModelRoute {
        ModelRoute {
            model: model.to_owned(),
            provider: provider.to_owned(),
            upstream_model: upstream.map(str::to_owned),
        }
    }

    fn table(routes: &[ModelRoute], default_openai: Option<&str>) -> Result<RoutingTable, StartError> {
        let providers = BTreeMap::from([
            ("a".to_owned(), provider(ProviderKind::Anthropic)),
            ("o".to_owned(), provider(ProviderKind::Openai)),
        ]);
        let gateway = GatewaySettings {
            default_openai: default_openai.map(str::to_owned),
            ..GatewaySettings::default()
        };
        RoutingTable::new(&gateway, &providers, routes)
    }

    #[test]
    fn exact_wins_over_long_wins_over_short_wins_over_default() {
        let routes = [
            route("gpt-*", "o", Some("short")),
            route("gpt-x-*", "o", Some("long")),
            route("gpt-x-1", "o", Some("exact")),
        ];
        let table = table(&routes, Some("o")).unwrap();
        let upstream = |model: &str| {
            table.find(WireFamily::OpenAi, model).unwrap().upstream_model.as_deref().map(str::to_owned)
        };
        assert_eq!(upstream("gpt-x-1").as_deref(), Some("exact"));
        assert_eq!(upstream("gpt-x-2").as_deref(), Some("long"));
        assert_eq!(upstream("gpt-y").as_deref(), Some("short"));
        assert_eq!(upstream("other"), None);
    }

    #[test]
    fn a_model_is_unknown_on_a_wire_its_provider_does_not_speak() {
        let table = table(&[route("claude-*", "a", None)], None).unwrap();
        assert!(table.find(WireFamily::Anthropic, "claude-1").is_some());
        assert!(table.find(WireFamily::OpenAi, "claude-1").is_none());
        assert_eq!(table.names(WireFamily::Anthropic), "claude-*");
        assert_eq!(table.names(WireFamily::OpenAi), "none on this wire");
    }

    #[test]
    fn contradictions_are_refused_at_the_start() {
        let check = |routes: &[ModelRoute], default: Option<&str>, text: &str| {
            let error = table(routes, default).unwrap_err().to_string();
            assert!(error.contains(text), "{error}");
        };
        check(&[route("m", "zz", None)], None, "no provider is named \"zz\"");
        check(&[route("m", "o", None), route("m", "o", None)], None, "routed twice");
        check(&[route("m*x", "o", None)], None, "only `*`");
        check(&[route("", "o", None)], None, "must be a model's name");
        check(&[], Some("a"), "does not speak that wire");
    }
}
