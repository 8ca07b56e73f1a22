//! Whether a configuration that reads well also fits together and fits the machine.

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Component, Path, PathBuf};

use fiducia_keyring::KeyfileKms;
use fiducia_server::{ProviderKind, ProviderSettings, Secret};

use super::load::nearest;
use super::{Configuration, ConfigurationError, Problem};

/// How much of the configuration a command relies on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    /// The data directory and the keyfile.
    Data,
    /// Everything a server needs.
    Server,
}

/// Looks for everything that is wrong, with the fix of each.
pub(crate) fn check(configuration: &Configuration, extent: Extent) -> Vec<Problem> {
    let mut problems = Vec::new();
    data(configuration, &mut problems);
    super::certificates::check(configuration, &mut problems);
    super::access::check(configuration, &mut problems);
    if extent == Extent::Server {
        listeners(configuration, &mut problems);
        providers(configuration, &mut problems);
        let console = configuration.console.iter().flat_map(fiducia_server::ConsoleSettings::problems);
        problems.extend(console.map(Problem::general));
        let compliance =
            configuration.compliance.iter().filter_map(fiducia_server::ComplianceSettings::problem);
        problems.extend(compliance.map(Problem::general));
        routes(configuration, &mut problems);
        if let Some(text) = configuration.eligibility.covered_models_problem() {
            problems.push(Problem::general(format!("eligibility.covered_models: {text}")));
        }
        super::witnesses::check(configuration, &mut problems);
        super::webhooks::check(configuration, &mut problems);
        super::siem::check(configuration, &mut problems);
        telemetry(configuration, &mut problems);
    }
    problems
}

/// Refuses a configuration with problems.
///
/// # Errors
/// With all of them.
pub(crate) fn require(
    configuration: &Configuration,
    extent: Extent,
    path: &Path,
) -> Result<(), ConfigurationError> {
    let problems = check(configuration, extent);
    if problems.is_empty() { Ok(()) } else { Err(ConfigurationError { path: path.to_owned(), problems }) }
}

type Problems = Vec<Problem>;

fn check_keyfile(keyfile: &Path, data: &super::DataSection, problems: &mut Problems) {
    if real_location(keyfile).starts_with(real_location(&data.directory)) {
        problems.push(Problem::general(format!(
            "data.keyfile {} lies inside data.directory {}. Who copies the directory, a backup for one, would then \
             hold the data and the key to it. Move the keyfile elsewhere and correct the path",
            keyfile.display(),
            data.directory.display()
        )));
    }
    match (keyfile.try_exists(), KeyfileKms::open(keyfile)) {
        (_, Ok(_)) => {}
        // A new keyfile opens nothing that was written with another, so making one is no advice here.
        (Ok(false), Err(_)) if data.directory.join("keys.db").exists() => {
            problems.push(Problem::general(format!(
                "data.keyfile: there is no file {} and {} holds data that only its keyfile opens. Put the keyfile back from \
                 your copy, or correct the path; a new one would open nothing",
                keyfile.display(),
                data.directory.display()
            )));
        }
        (Err(cause), Err(_)) => problems.push(Problem::general(format!(
            "data.keyfile: {} cannot be reached: {cause}. Run this as the user who owns it",
            keyfile.display()
        ))),
        (Ok(exists), Err(error)) => {
            let others = exists && std::fs::File::open(keyfile).is_err();
            problems.push(Problem::general(if others {
                format!(
                    "data.keyfile: this user may not read {}. Run this as the user who owns it",
                    keyfile.display()
                )
            } else {
                format!("data.keyfile: {error}")
            }));
        }
    }
}

fn data(configuration: &Configuration, problems: &mut Problems) {
    super::key_services::check(configuration, problems);
    let data = &configuration.data;
    if let Some(keyfile) = &data.keyfile {
        check_keyfile(keyfile, data, problems);
    }
    if let Ok(metadata) = std::fs::metadata(&data.directory) {
        let mode = metadata.permissions().mode() & 0o7777;
        if !metadata.is_dir() {
            problems.push(Problem::general(format!(
                "data.directory {} is not a directory",
                data.directory.display()
            )));
        } else if mode & 0o077 != 0 {
            problems.push(Problem::general(format!(
                "data.directory {path} may be read by others (mode {mode:04o}); run `chmod 700 {path}`",
                path = data.directory.display()
            )));
        }
    }
    if let Err(text) = ledger_origin(&data.ledger_origin) {
        problems.push(Problem::general(format!("data.ledger_origin {text}")));
    }
    if !(1..=1_440).contains(&data.sweep_interval_minutes) {
        problems.push(Problem::general(
            "data.sweep_interval_minutes must be 1 to 1440: promised deletions wait for the sweep at most that long",
        ));
    }
    let limits = data.limits;
    if [limits.queue_parts_max, limits.queue_bytes_max, limits.batch_parts_max, limits.batch_bytes_max]
        .contains(&0)
    {
        problems.push(Problem::general(
            "data.limits: none may be 0, or nothing could be recorded, hence nothing served",
        ));
    }
}

/// Where a path really lies, as far as it exists: what follows the last existing folder is taken literally.
fn real_location(path: &Path) -> PathBuf {
    if let Ok(real) = path.canonicalize() {
        return real;
    }
    let name = path.components().next_back();
    match (path.parent(), name) {
        (Some(parent), Some(Component::Normal(name))) if !parent.as_os_str().is_empty() => {
            real_location(parent).join(name)
        }
        (_, Some(Component::Normal(name))) => {
            PathBuf::from(".").canonicalize().unwrap_or_default().join(name)
        }
        _ => path.to_owned(),
    }
}

fn ledger_origin(origin: &str) -> Result<(), &'static str> {
    const ORIGIN_BYTES_MAX: usize = 200;
    if origin.is_empty() || origin.len() > ORIGIN_BYTES_MAX {
        return Err("must have 1 to 200 characters, for example `ledger.example.org/fiducia`");
    }
    if origin.contains("://") {
        return Err("is a name, not an address; leave the `https://` out");
    }
    if !origin.bytes().all(|byte| byte.is_ascii_graphic()) || origin.contains('+') {
        return Err("may hold visible ASCII only and no `+` (the signed note format reserves both)");
    }
    if origin.starts_with('/') || origin.ends_with('/') {
        return Err("must not begin or end with `/`");
    }
    Ok(())
}

fn listeners(configuration: &Configuration, problems: &mut Problems) {
    let gateway = Some(("gateway.listen", configuration.gateway.listen));
    let operations = configuration.operations.as_ref().map(|found| ("operations.listen", found.listen));
    let console = configuration.console.as_ref().map(|found| ("console.listen", found.listen));
    let compliance = configuration.compliance.as_ref().map(|found| ("compliance.listen", found.listen));
    let all = [gateway, operations, console, compliance];
    for (place, first) in all.iter().enumerate() {
        for second in all.iter().skip(place + 1) {
            if let (Some((one, address)), Some((other, same))) = (first, second)
                && collide(*address, *same)
            {
                problems.push(Problem::general(format!(
                    "{one} {address} and {other} {same} are the same address; give one of them another port"
                )));
            }
        }
    }
}

fn collide(one: SocketAddr, other: SocketAddr) -> bool {
    one.port() != 0
        && one.port() == other.port()
        && (one.ip() == other.ip() || one.ip().is_unspecified() || other.ip().is_unspecified())
}

fn providers(configuration: &Configuration, problems: &mut Problems) {
    if configuration.providers.is_empty() {
        problems.push(Problem::general(
            "no provider is configured, so there is nothing to send requests to; add a table like [providers.anthropic]",
        ));
    }
    for (name, provider) in &configuration.providers {
        let mut say = |text: String| problems.push(Problem::general(format!("providers.{name}: {text}")));
        match &provider.key {
            None if provider.kind != ProviderKind::Compatible => {
                say("it needs a key; add `key = { file = \"…\" }` or `key = { environment = \"…\" }`".into());
            }
            None => {}
            Some(source) => {
                if let Err(error) = Secret::read(source) {
                    say(error.to_string());
                }
            }
        }
        if let Err(text) = base_url(provider) {
            say(text);
        }
        if let Some(authorities) = &provider.ca_file
            && let Err(error) = std::fs::File::open(authorities)
        {
            say(format!("ca_file {} cannot be read: {error}", authorities.display()));
        }
    }
}

fn base_url(provider: &ProviderSettings) -> Result<(), String> {
    let Some(url) = &provider.base_url else {
        return match provider.kind {
            ProviderKind::Anthropic | ProviderKind::Openai => Ok(()),
            ProviderKind::AzureOpenai | ProviderKind::Compatible => Err("it needs a base_url".into()),
        };
    };
    let Some((scheme, rest)) = url.split_once("://") else {
        return Err("base_url must begin with `https://` (or `http://` for this machine)".into());
    };
    let host = rest.split('/').next().unwrap_or_default();
    if host.is_empty() || host.contains('@') {
        return Err("base_url must name a host, without a user name or password".into());
    }
    let local = ["localhost", "127.0.0.1", "[::1]"]
        .iter()
        .any(|name| host == *name || host.strip_prefix(name).is_some_and(|port| port.starts_with(':')));
    match scheme {
        "https" => Ok(()),
        "http" if local || provider.allow_plain_http => Ok(()),
        "http" => Err("prompts and the key would cross the network in the clear; use https://, or set \
             allow_plain_http = true if you accept that"
            .into()),
        _ => Err("base_url must begin with `https://` or `http://`".into()),
    }
}

fn routes(configuration: &Configuration, problems: &mut Problems) {
    let gateway = &configuration.gateway;
    let defaults = [
        ("gateway.default_anthropic", &gateway.default_anthropic),
        ("gateway.default_openai", &gateway.default_openai),
    ];
    let named = defaults.into_iter().filter_map(|(place, name)| Some((place.to_owned(), name.as_ref()?)));
    let routed = configuration
        .models
        .iter()
        .map(|route| (format!("the route of model `{}`", route.model), &route.provider));
    let known: Vec<&str> = configuration.providers.keys().map(String::as_str).collect();
    for (place, name) in named.chain(routed) {
        if !known.contains(&name.as_str()) {
            let hint =
                nearest(name, &known).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
            let list = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            problems.push(Problem::general(format!(
                "{place} names the provider `{name}`, which does not exist{hint} Providers: {list}"
            )));
        }
    }
    let mut seen = std::collections::BTreeSet::new();
    for route in &configuration.models {
        let model = route.model.as_str();
        if model.is_empty() || model.trim_end_matches('*').contains('*') || model.ends_with("**") {
            problems.push(Problem::general(format!(
                "the route of model `{model}`: a name is needed, with `*` only once and only at the end"
            )));
        }
        if !seen.insert(model) {
            problems.push(Problem::general(format!(
                "model `{model}` is routed twice; remove one of the two routes"
            )));
        }
    }
}

fn telemetry(configuration: &Configuration, problems: &mut Problems) {
    let telemetry = &configuration.telemetry;
    if !(0.0..=1.0).contains(&telemetry.sample_ratio) {
        problems.push(Problem::general("telemetry.sample_ratio must be between 0 and 1"));
    }
    if let Some(endpoint) = &telemetry.otlp_endpoint
        && !(endpoint.starts_with("http://") || endpoint.starts_with("https://"))
    {
        problems.push(Problem::general(
            "telemetry.otlp_endpoint must begin with `http://` or `https://`, for example http://127.0.0.1:4318",
        ));
    }
    if let Err(error) = tracing_subscriber::EnvFilter::builder().parse(&configuration.log.filter) {
        problems.push(Problem::general(format!(
            "log.filter cannot be read ({error}); write a level like `info`, or directives like `info,fiducia_server=debug`"
        )));
    }
}

#[cfg(test)]
mod tests {
    use super::super::load::parse;
    use super::*;
    use crate::edge::SystemRandomness;

    struct Place {
        folder: tempfile::TempDir,
    }

    impl Place {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            KeyfileKms::create(&folder.path().join("root.key"), &SystemRandomness).unwrap();
            Self { folder }
        }

        fn check(&self, keyfile: &str, rest: &str) -> String {
            let folder = self.folder.path().display();
            let text = format!(
                "[data]\ndirectory = \"{folder}/data\"\nkeyfile = \"{folder}/{keyfile}\"\nledger_origin = \"ledger.example\"\n{rest}"
            );
            let problems = check(&parse(&text).unwrap(), Extent::Server);
            problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
        }
    }

    const LOCAL: &str = "[providers.local]\nkind = \"compatible\"\nbase_url = \"http://127.0.0.1:9\"\n";

    #[test]
    fn a_lost_keyfile_is_to_be_put_back_and_not_made_anew() {
        let place = Place::new();
        assert!(
            place.check("lost.key", LOCAL).contains("fiducia keyfile create"),
            "without data a new one will do"
        );
        let directory = place.folder.path().join("data");
        std::fs::DirBuilder::new().recursive(true).create(&directory).unwrap();
        std::fs::write(directory.join("keys.db"), "").unwrap();
        let found = place.check("lost.key", LOCAL);
        assert!(found.contains("Put the keyfile back") && !found.contains("keyfile create"), "{found}");
    }

    #[test]
    fn a_sound_configuration_has_no_problems() {
        assert_eq!(Place::new().check("root.key", LOCAL), "");
    }

    #[test]
    fn every_problem_is_reported_at_once() {
        let rest = "[gateway]\nlisten = \"0.0.0.0:4100\"\ndefault_openai = \"locl\"\n[operations]\nlisten = \"127.0.0.1:4100\"\n\
             [telemetry]\nsample_ratio = 2.0\notlp_endpoint = \"collector\"\n[log]\nfilter = \"a=b=c\"\n[eligibility]\ncovered_models = [\"a*b\"]\n";
        let found = Place::new().check("root.key", &format!("{rest}{LOCAL}"));
        for part in [
            "same address",
            "did you mean `local`?",
            "sample_ratio",
            "otlp_endpoint",
            "log.filter",
            "covered_models",
        ] {
            assert!(found.contains(part), "{part} is not in: {found}");
        }
    }

    #[test]
    fn a_keyfile_inside_the_data_is_refused_even_through_a_link() {
        let place = Place::new();
        let data = place.folder.path().join("data");
        std::fs::create_dir(&data).unwrap();
        std::fs::set_permissions(&data, std::fs::Permissions::from_mode(0o700)).unwrap();
        KeyfileKms::create(&data.join("inner.key"), &SystemRandomness).unwrap();
        std::os::unix::fs::symlink(data.join("inner.key"), place.folder.path().join("linked.key")).unwrap();
        assert!(place.check("data/inner.key", LOCAL).contains("lies inside"));
        assert!(place.check("linked.key", LOCAL).contains("lies inside"));
        assert!(place.check("data/not-yet.key", LOCAL).contains("lies inside"));
    }

    #[test]
    fn open_permissions_are_refused_with_the_command_that_closes_them() {
        let place = Place::new();
        let data = place.folder.path().join("data");
        std::fs::create_dir(&data).unwrap();
        std::fs::set_permissions(&data, std::fs::Permissions::from_mode(0o755)).unwrap();
        std::fs::set_permissions(
            place.folder.path().join("root.key"),
            std::fs::Permissions::from_mode(0o640),
        )
        .unwrap();
        let found = place.check("root.key", LOCAL);
        assert!(found.contains("chmod 700") && found.contains("chmod 600"), "{found}");
    }

    #[test]
    fn plain_http_to_another_host_needs_consent() {
        let remote = "[providers.remote]\nkind = \"compatible\"\nbase_url = \"http://127.0.0.1.example\"\n";
        assert!(Place::new().check("root.key", remote).contains("in the clear"));
        assert_eq!(Place::new().check("root.key", &format!("{remote}allow_plain_http = true\n")), "");
    }

    #[test]
    fn origins_are_names() {
        assert!(ledger_origin("ledger.example/fiducia").is_ok());
        for wrong in ["", "https://ledger.example", "a b", "a+b", "/a", "a/"] {
            assert!(ledger_origin(wrong).is_err(), "{wrong}");
        }
    }
}
