//! `doctor`: the configuration, the machine and the data, line by line, each with its fix.

mod data;
mod machine;

use std::net::{TcpListener, TcpStream, ToSocketAddrs};
use std::path::Path;
use std::time::{Duration, Instant};

use fiducia_server::{ProviderKind, ProviderSettings};

use crate::arguments::DoctorArguments;
use crate::configuration::{self, Configuration, Extent};
use crate::failure::{ExitStatus, Failure};
use crate::output::{Align, Output, Table};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How a check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Ok,
    Warn,
    Fail,
}

/// One line of the report.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
struct Check {
    state: State,
    what: &'static str,
    /// What was found and, unless it is well, how to put it right.
    text: String,
}

/// The report under construction.
#[derive(Debug, Default)]
struct Report(Vec<Check>);

impl Report {
    fn ok(&mut self, what: &'static str, text: impl Into<String>) {
        self.0.push(Check { state: State::Ok, what, text: text.into() });
    }

    fn warn(&mut self, what: &'static str, text: impl Into<String>) {
        self.0.push(Check { state: State::Warn, what, text: text.into() });
    }

    fn fail(&mut self, what: &'static str, text: impl Into<String>) {
        self.0.push(Check { state: State::Fail, what, text: text.into() });
    }

    fn count(&self, state: State) -> usize {
        self.0.iter().filter(|check| check.state == state).count()
    }
}

pub(super) fn run(arguments: &DoctorArguments) -> Result<ExitStatus, Failure> {
    let mut report = Report::default();
    let file = &arguments.data.file.config;
    if let Some(configuration) = read_configuration(file, &mut report) {
        machine::examine(&configuration, &mut report);
        let server = data::examine(&configuration, &mut report);
        listeners(&configuration, server, &mut report);
        if arguments.online {
            configuration.providers.iter().for_each(|(name, provider)| connect(name, provider, &mut report));
        }
    }
    print(&report, arguments.data.json)
}

fn print(report: &Report, json: bool) -> Result<ExitStatus, Failure> {
    let mut output = Output::standard(json);
    output.list(&report.0, "nothing was examined", |checks| {
        let mut table = Table::new(&[("", Align::Left), ("CHECK", Align::Left), ("FOUND", Align::Left)]);
        for check in checks {
            let state = match check.state {
                State::Ok => "ok",
                State::Warn => "warn",
                State::Fail => "FAIL",
            };
            table.row([state.to_owned(), check.what.to_owned(), check.text.clone()]);
        }
        table
    })?;
    output.finish()?;
    match report.count(State::Fail) {
        0 => Ok(ExitStatus::Success),
        failed => Err(Failure::Finding(format!("{failed} of {} checks failed", report.0.len()))),
    }
}

fn read_configuration(file: &Path, report: &mut Report) -> Option<Configuration> {
    const WHAT: &str = "configuration";
    match configuration::load(file) {
        Ok(configuration) => {
            let problems = configuration::check(&configuration, Extent::Server);
            if problems.is_empty() {
                report.ok(
                    WHAT,
                    format!(
                        "{} fits together; the files with keys that it names can be read",
                        file.display()
                    ),
                );
            }
            for problem in problems {
                report.fail(WHAT, problem.text);
            }
            Some(configuration)
        }
        Err(error) => {
            for problem in error.problems {
                let place = problem.place.map(|place| format!("line {}: ", place.line)).unwrap_or_default();
                report.fail(WHAT, format!("{}: {place}{}", file.display(), problem.text));
            }
            None
        }
    }
}

fn listeners(configuration: &Configuration, server_runs: bool, report: &mut Report) {
    const WHAT: &str = "addresses";
    if server_runs {
        return report.ok(WHAT, "a server is running on this data, so its addresses are in use by it");
    }
    let operations = configuration.operations.as_ref().map(|operations| ("operations", operations.listen));
    for (purpose, address) in [("gateway", configuration.gateway.listen)].into_iter().chain(operations) {
        match TcpListener::bind(address) {
            Ok(_) => report.ok(WHAT, format!("{address} is free for the {purpose}")),
            Err(error) => report.fail(
                WHAT,
                format!("{address} for the {purpose}: {error}; choose another address or stop what uses it"),
            ),
        }
    }
}

fn connect(name: &str, provider: &ProviderSettings, report: &mut Report) {
    const WHAT: &str = "provider";
    let Some(address) = provider_address(provider) else {
        return report.fail(WHAT, format!("{name}: its base_url names no host"));
    };
    let resolved = address.to_socket_addrs().map(|mut addresses| addresses.next());
    let started = Instant::now();
    match resolved {
        Ok(Some(socket)) => match TcpStream::connect_timeout(&socket, CONNECT_TIMEOUT) {
            Ok(_) => {
                report.ok(
                    WHAT,
                    format!("{name}: {address} answers after {} ms", started.elapsed().as_millis()),
                );
            }
            Err(error) => {
                report.fail(WHAT, format!("{name}: {address}: {error}; check the address and the firewall"));
            }
        },
        Ok(None) => report.fail(WHAT, format!("{name}: {address} has no address; check base_url")),
        Err(error) => {
            report.fail(WHAT, format!("{name}: {address}: {error}; check base_url and the name server"));
        }
    }
}

/// Host and port of a provider.
fn provider_address(provider: &ProviderSettings) -> Option<String> {
    let url = match (&provider.base_url, provider.kind) {
        (Some(url), _) => url.as_str(),
        (None, ProviderKind::Anthropic) => "https://api.anthropic.com",
        (None, ProviderKind::Openai) => "https://api.openai.com",
        (None, _) => return None,
    };
    let (scheme, rest) = url.split_once("://")?;
    let host = rest.split('/').next().filter(|host| !host.is_empty())?;
    let has_port = host.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    let port = if scheme == "http" { 80 } else { 443 };
    Some(if has_port { host.to_owned() } else { format!("{host}:{port}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn provider(kind: ProviderKind, base_url: Option<&str>) -> ProviderSettings {
        ProviderSettings {
            kind,
            base_url: base_url.map(str::to_owned),
            key: None,
            api_version: None,
            ca_file: None,
            allow_plain_http: false,
        }
    }

    #[test]
    fn provider_addresses_have_the_port_of_their_scheme() {
        let cases = [
            (provider(ProviderKind::Anthropic, None), Some("api.anthropic.com:443")),
            (provider(ProviderKind::Compatible, Some("http://127.0.0.1:9/v1")), Some("127.0.0.1:9")),
            (
                provider(ProviderKind::Compatible, Some("http://models.internal/v1")),
                Some("models.internal:80"),
            ),
            (provider(ProviderKind::Compatible, Some("https://[::1]/v1")), Some("[::1]:443")),
            (provider(ProviderKind::AzureOpenai, None), None),
        ];
        for (provider, expected) in cases {
            assert_eq!(provider_address(&provider).as_deref(), expected);
        }
    }

    #[test]
    fn a_server_that_answers_is_told_from_one_that_does_not() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let mut report = Report::default();
        connect("local", &provider(ProviderKind::Compatible, Some(&url)), &mut report);
        drop(listener);
        connect("local", &provider(ProviderKind::Compatible, Some(&url)), &mut report);
        assert_eq!((report.count(State::Ok), report.count(State::Fail)), (1, 1));
    }
}
