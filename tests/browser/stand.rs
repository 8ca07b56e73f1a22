//! A site with a console, people with accounts, and a provider that knows one of them.

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use super::driver::{Browser, free_port, installed};
use crate::harness::server::Server;
use crate::harness::site::{Site, Tenant, both};
use crate::harness::traffic::{Outcome, Way, ask_once};
use crate::harness::upstream::Upstream;

/// The person of most tests.
pub(crate) const LOGIN: &str = "ada@hospital.example";
/// Her password.
pub(crate) const PASSWORD: &str = "correct horse battery";

/// A running console.
pub(crate) struct Stand {
    pub(crate) site: Site,
    pub(crate) url: String,
    pub(crate) console: SocketAddr,
    _server: Server,
    _upstream: Upstream,
    provider: Option<Child>,
}

impl Stand {
    /// A console with an account that has a password.
    pub(crate) fn new() -> Self {
        Self::start(None, "", None)
    }

    /// A console for people whose plan is asked, with the notices that come with the project.
    pub(crate) fn of_consumers() -> Self {
        let stand = Self::start(None, "", Some("pro"));
        for language in ["en", "de"] {
            stand.publish_notice(language, 1, "", "");
        }
        stand
    }

    /// Publishes a version of the notice on batch training, with one text in place of another.
    pub(crate) fn publish_notice(&self, language: &str, version: u32, from: &str, to: &str) {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../policies/notices");
        let text = std::fs::read_to_string(folder.join(format!("batch-training.{language}.toml"))).unwrap();
        assert!(text.contains(from), "{from}");
        let text = if from.is_empty() { text } else { text.replace(from, to) };
        let file = self.site.beside(&format!("notice-{language}-{version}.toml"));
        std::fs::write(&file, text.replace("version = 1", &format!("version = {version}"))).unwrap();
        self.site.json(&["notices", "publish", file.to_str().unwrap()]);
    }

    /// Has somebody's application ask the model something.
    pub(crate) fn chat(&self, subject: &str, text: &str) {
        let key =
            ["keys", "create", "--organization", "hospital", "--subject", subject, "--scope", "inference"];
        let secret = self.site.json(&key)["secret"].as_str().unwrap().to_owned();
        let tenant = Tenant { organization: String::new(), secret };
        match ask_once(self.site.gateway, &tenant, Way::Messages, text) {
            Outcome::Acknowledged(_) => {}
            Outcome::NotAcknowledged(answer) => panic!("{answer}"),
        }
    }

    /// A console where people may also sign in at a provider, which has verified the account's address or not.
    pub(crate) fn with_provider(verified: bool) -> Self {
        Self::start(Some(verified), "", None)
    }

    /// As [`Self::with_provider`], with more settings of the provider.
    pub(crate) fn with_provider_settings(settings: &str) -> Self {
        Self::start(Some(true), settings, None)
    }

    fn start(verified: Option<bool>, settings: &str, plan: Option<&str>) -> Self {
        let upstream = Upstream::start();
        let site = Site::new(upstream.address());
        let port = free_port();
        let url = format!("http://localhost:{port}");
        let mut text = format!("\n[console]\nlisten = \"127.0.0.1:{port}\"\npublic_url = \"{url}\"\n");
        let provider = verified.map(|verified| {
            let provider_port = free_port();
            std::fs::write(site.beside("client.secret"), "client-secret-of-the-test").unwrap();
            let section = format!(
                "[console.identity_providers.work]\nlabel = \"Work account\"\nissuer = \"http://localhost:{provider_port}\"\n\
                 client_id = \"fiducia\"\nclient_secret = {{ file = \"client.secret\" }}\nlink_by_email = true\n{settings}\n"
            );
            text.push_str(&section);
            start_provider(provider_port, &format!("{url}/sign-in/return/work"), verified)
        });
        site.add_configuration(&text);
        site.tenant("hospital");
        if let Some(plan) = plan {
            let published = site.run(&["policy", "publish", "--shipped", "anthropic-2026"]);
            assert!(published.status.success(), "{}", both(&published));
            let changed =
                site.run(&["organizations", "change", "hospital", "--plan", plan, "--tier", "restricted"]);
            assert!(changed.status.success(), "{}", both(&changed));
        }
        let stand = Self {
            console: SocketAddr::from(([127, 0, 0, 1], port)),
            url,
            _server: Server::start(&site),
            site,
            _upstream: upstream,
            provider,
        };
        stand.account(LOGIN, "Ada", &["--role", "person", "--subject", "ada"]);
        stand
    }

    /// Makes an account with the usual password.
    pub(crate) fn account(&self, login: &str, name: &str, more: &[&str]) {
        let mut create = vec!["accounts", "create", login, "--organization", "hospital", "--name", name];
        create.extend(more);
        self.site.json(&create);
        let mut command = self.site.command();
        command.args(["accounts", "password", login]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        writeln!(child.stdin.take().unwrap(), "{PASSWORD}").unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", both(&output));
    }

    /// The address of a page.
    pub(crate) fn page(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    /// Signs in by password.
    pub(crate) fn sign_in(&self, browser: &Browser) {
        self.sign_in_to(browser, LOGIN, "/");
    }

    /// Signs an account in, which arrives at this path.
    #[track_caller]
    pub(crate) fn sign_in_to(&self, browser: &Browser, login: &str, path: &str) {
        browser.open(&self.page("/sign-in"));
        browser.fill("#login", login);
        browser.fill("#password", PASSWORD);
        browser.click("main form button[type=submit]");
        browser.arrives(path);
    }
}

impl Drop for Stand {
    fn drop(&mut self) {
        if let Some(mut provider) = self.provider.take() {
            let _killed = provider.kill();
            let _status = provider.wait();
        }
    }
}

fn start_provider(port: u16, redirect: &str, verified: bool) -> Child {
    let architecture = if cfg!(target_arch = "aarch64") { "arm64" } else { "x64" };
    let node = installed(&format!("node/node_modules/node-linux-{architecture}/bin/node"));
    // Modules are looked for beside the program, so it lies where they were installed.
    let program = installed("browser/node_modules").parent().unwrap().join(format!("provider-{port}.mjs"));
    std::fs::copy(concat!(env!("CARGO_MANIFEST_DIR"), "/browser/node/provider.mjs"), &program).unwrap();
    let mut child = Command::new(node)
        .arg(&program)
        .args([port.to_string().as_str(), redirect, LOGIN, if verified { "verified" } else { "unverified" }])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    output.read_line(&mut line).unwrap();
    // The provider ends when nobody reads what it says.
    std::thread::spawn(move || output.lines().map_while(Result::ok).for_each(drop));
    std::fs::remove_file(&program).unwrap();
    assert_eq!(line.trim(), "listening", "the provider did not start");
    child
}
