//! A site: a configuration, a keyfile and a data directory of their own, and the commands run on them.

use std::ffi::OsStr;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::Value;
use tempfile::TempDir;

use super::program;

/// The origin prefix of a site's logs.
pub(crate) const LEDGER_ORIGIN: &str = "ledger.test";

/// The secret that the site's provider wants. It is a canary: no file may hold it.
pub(crate) const PROVIDER_SECRET: &str = "provider-secret-Zc7Qw1Xk9";

/// A site.
#[derive(Debug)]
pub(crate) struct Site {
    folder: TempDir,
    /// Where the gateway listens when it serves.
    pub(crate) gateway: SocketAddr,
    /// Where health and metrics are when it serves.
    pub(crate) operations: SocketAddr,
}

/// An organisation with a virtual key.
#[derive(Debug, Clone)]
pub(crate) struct Tenant {
    /// The organisation's id.
    pub(crate) organization: String,
    /// The virtual key's secret.
    pub(crate) secret: String,
}

impl Site {
    /// A fresh site whose every model is served by `upstream`.
    pub(crate) fn new(upstream: SocketAddr) -> Self {
        Self::within(tempfile::tempdir().unwrap(), upstream)
    }

    /// A fresh site whose data directory is the existing folder `data`.
    pub(crate) fn with_data_in(data: &Path, upstream: SocketAddr) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(data, folder.path().join("data")).unwrap();
        Self::within(folder, upstream)
    }

    fn within(folder: TempDir, upstream: SocketAddr) -> Self {
        let site = Self { folder, gateway: free_address(), operations: free_address() };
        std::fs::write(site.config(), site.configuration(upstream)).unwrap();
        let keyfile = site.folder.path().join("root.key");
        let created =
            Command::new(program::plain()).args(["keyfile", "create"]).arg(keyfile).output().unwrap();
        assert!(created.status.success(), "{}", String::from_utf8_lossy(&created.stderr));
        site
    }

    fn configuration(&self, upstream: SocketAddr) -> String {
        format!(
            "[data]\ndirectory = \"data\"\nkeyfile = \"root.key\"\nledger_origin = \"{LEDGER_ORIGIN}\"\n\n\
             [gateway]\nlisten = \"{}\"\nthreads = 1\ndefault_anthropic = \"anthropic\"\n\
             default_openai = \"openai\"\n\n\
             [providers.anthropic]\nkind = \"anthropic\"\nbase_url = \"http://{upstream}\"\n\
             key = {{ environment = \"PROVIDER_KEY\" }}\n\n\
             [providers.openai]\nkind = \"openai\"\nbase_url = \"http://{upstream}\"\n\
             key = {{ environment = \"PROVIDER_KEY\" }}\n\n\
             [operations]\nlisten = \"{}\"\n\n\
             [access]\nrecords_per_hour_max = 1000000\nrecords_per_day_max = 1000000\n\
             alert_records_per_day = 1000000\nstop_records_per_day = 1000000\n",
            self.gateway, self.operations
        )
    }

    /// Adds to the configuration.
    pub(crate) fn add_configuration(&self, text: &str) {
        let mut configuration = std::fs::read_to_string(self.config()).unwrap();
        configuration.push_str(text);
        std::fs::write(self.config(), configuration).unwrap();
    }

    /// The configuration file.
    pub(crate) fn config(&self) -> PathBuf {
        self.folder.path().join("fiducia.toml")
    }

    /// The data directory.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// A path beside the data directory.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A command of the plain program on this site.
    pub(crate) fn command(&self) -> Command {
        self.command_of(program::plain())
    }

    /// A command of `program` (the plain or the faulty one, or one that wraps it) on this site.
    pub(crate) fn command_of(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(self.folder.path())
            .env("FIDUCIA_CONFIG", self.config())
            .env("PROVIDER_KEY", PROVIDER_SECRET)
            .stdin(Stdio::null());
        command
    }

    /// Runs the plain program with these arguments, to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command().args(arguments).output().unwrap()
    }

    /// Runs the plain program, which must succeed, and reads what it printed as JSON.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let output = self.command().args(arguments).arg("--json").output().unwrap();
        let stdout = String::from_utf8_lossy(&output.stdout);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {}\n{stdout}\n{stderr}", output.status);
        serde_json::from_str(&stdout)
            .unwrap_or_else(|error| panic!("{arguments:?} printed no JSON: {error}\n{stdout}"))
    }

    /// Creates an organisation that keeps conversations, and a key for it.
    pub(crate) fn tenant(&self, name: &str) -> Tenant {
        self.tenant_with(name, &[])
    }

    /// Creates an organisation with more arguments to `organizations create`, and a key for it that permits everything.
    pub(crate) fn tenant_with(&self, name: &str, arguments: &[&str]) -> Tenant {
        let mut create = vec!["organizations", "create", name];
        create.extend(arguments);
        let organization = text(&self.json(&create), "id");
        let mut key = vec!["keys", "create", "--organization", name, "--subject", "end-to-end"];
        for scope in ["inference", "models", "batches", "files", "act-for-subjects"] {
            key.extend(["--scope", scope]);
        }
        let secret = text(&self.json(&key), "secret");
        Tenant { organization, secret }
    }

    /// Verifies every log of the site with the program.
    pub(crate) fn verify_ledger(&self) {
        let output = self.run(&["ledger", "verify"]);
        assert!(output.status.success(), "ledger verify:\n{}", both(&output));
    }

    /// Every conversation's id, following the pages of the list.
    pub(crate) fn conversations(&self) -> Vec<String> {
        let mut ids = Vec::new();
        loop {
            let mut arguments = vec!["conversations", "list", "--limit", "1000"];
            let after: Option<String> = ids.last().cloned();
            if let Some(after) = &after {
                arguments.extend(["--after", after]);
            }
            let page: Vec<String> = list(&self.json(&arguments)).iter().map(|row| text(row, "id")).collect();
            if page.is_empty() {
                return ids;
            }
            ids.extend(page);
        }
    }
}

/// The text field `name` of a JSON object, which may lie under a member `value`.
pub(crate) fn text(value: &Value, name: &str) -> String {
    let inner = value.get("value").unwrap_or(value);
    inner[name].as_str().unwrap_or_else(|| panic!("no text `{name}` in {value}")).to_owned()
}

/// The rows of a JSON list, which may lie under a member `value`.
pub(crate) fn list(value: &Value) -> Vec<Value> {
    let inner = value.get("value").unwrap_or(value);
    inner.as_array().unwrap_or_else(|| panic!("no list in {value}")).clone()
}

/// Everything a command printed, for messages.
pub(crate) fn both(output: &Output) -> String {
    format!(
        "{}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

/// An address on this machine where nothing listens, and which nobody is given meanwhile: the port lies below those that the
/// system hands out to whoever opens a connection, and no two callers in this process get the same.
pub(crate) fn free_address() -> SocketAddr {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    const FIRST: u32 = 10_000;
    const PORTS: u32 = 22_000;
    // Processes begin at different places, so that two test runs at a time rarely meet.
    let start = std::process::id().wrapping_mul(97) % PORTS;
    for _ in 0..PORTS {
        let port = FIRST + (start + NEXT.fetch_add(1, Ordering::Relaxed)) % PORTS;
        let address = SocketAddr::from(([127, 0, 0, 1], u16::try_from(port).unwrap()));
        if TcpListener::bind(address).is_ok() {
            return address;
        }
    }
    panic!("no port is free");
}
