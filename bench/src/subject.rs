//! The programs under test: nginx as a plain proxy, and the real `fiducia serve` with capture, sealing and ledger on.
//! Both on one core of their own, with configurations and folders of their own.

use std::fs::File;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::failure::Failure;
use crate::processor::SUBJECT_CORE;

const READY_MAX: Duration = Duration::from_mins(1);
const PROVIDER_KEY: &str = "provider-key-of-the-benchmark";

/// A program that serves. Dropping it ends it.
#[derive(Debug)]
pub(crate) struct Subject {
    /// Its name in the tables.
    pub(crate) name: &'static str,
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// What its clients present as their key.
    pub(crate) key: String,
    child: Child,
    _folder: TempDir,
}

impl Subject {
    /// Its process.
    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }

    /// Waits until it answers `path` at `address` with any status below 500.
    fn when_ready(mut self, address: SocketAddr, path: &str, log: &Path) -> Result<Self, Failure> {
        let began = Instant::now();
        while began.elapsed() < READY_MAX {
            if answers(address, path) {
                return Ok(self);
            }
            if self.child.try_wait().map_err(Failure::system("look after a program"))?.is_some() {
                break;
            }
            std::thread::park_timeout(Duration::from_millis(50));
        }
        let log = std::fs::read_to_string(log).unwrap_or_default();
        Err(Failure::NotReady { program: self.name, log: log.chars().take(4_000).collect() })
    }
}

impl Drop for Subject {
    fn drop(&mut self) {
        // It may have ended by itself; there is nobody left to tell.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts nginx as a proxy before `provider`.
///
/// # Errors
/// When it is not installed or does not start.
pub(crate) fn nginx(provider: SocketAddr) -> Result<Subject, Failure> {
    let folder = folder()?;
    let address = free_address()?;
    let place = folder.path().display();
    let configuration = format!(
        "daemon off; master_process off; worker_processes 1; pid {place}/pid; error_log {place}/log warn;\n\
         events {{ worker_connections 1024; }}\n\
         http {{\n\
         access_log off; tcp_nodelay on; keepalive_requests 1000000000; client_max_body_size 32m;\n\
         client_body_temp_path {place}/body; proxy_temp_path {place}/proxy; fastcgi_temp_path {place}/fastcgi;\n\
         uwsgi_temp_path {place}/uwsgi; scgi_temp_path {place}/scgi;\n\
         upstream provider {{ server {provider}; keepalive 128; keepalive_requests 1000000000; }}\n\
         server {{ listen {address};\n\
         location / {{ proxy_pass http://provider; proxy_http_version 1.1; proxy_set_header Connection \"\"; \
         proxy_buffering off; }} }}\n\
         }}\n"
    );
    let file = folder.path().join("nginx.conf");
    std::fs::write(&file, configuration).map_err(Failure::file("write", &file))?;
    let log = folder.path().join("log");
    let mut command = pinned("nginx");
    command.arg("-p").arg(folder.path()).arg("-e").arg(&log).arg("-c").arg(&file);
    let child = start(command, &log, "install it with `apt-get install nginx-light`")?;
    Subject { name: "nginx", address, key: "a-virtual-key".into(), child, _folder: folder }
        .when_ready(address, "/", &log)
}

/// Starts `fiducia serve` before `provider` on fresh data with one organisation.
///
/// # Errors
/// When a command of the program fails or the server does not become ready.
pub(crate) fn fiducia(provider: SocketAddr) -> Result<Subject, Failure> {
    let site = Site::new(provider)?;
    let key = site.tenant("bench")?;
    let log = site.folder.path().join("log");
    let mut command = pinned(program());
    site.environment(&mut command).arg("serve");
    let child = start(command, &log, "build it with `cargo build --release -p fiducia`")?;
    let (address, operations) = (site.gateway, site.operations);
    Subject { name: "fiducia", address, key, child, _folder: site.folder }
        .when_ready(operations, "/readyz", &log)
}

/// A configuration, keyfile and data directory of their own.
#[derive(Debug)]
pub(crate) struct Site {
    folder: TempDir,
    gateway: SocketAddr,
    operations: SocketAddr,
}

impl Site {
    /// A fresh site, in `FIDUCIA_BENCH_DIRECTORY` or the system's folder for temporary files.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(crate) fn new(provider: SocketAddr) -> Result<Self, Failure> {
        let site = Self { folder: folder()?, gateway: free_address()?, operations: free_address()? };
        let configuration = format!(
            "[data]\ndirectory = \"data\"\nkeyfile = \"root.key\"\nledger_origin = \"ledger.test\"\n\n\
             [gateway]\nlisten = \"{}\"\nthreads = 1\ndefault_anthropic = \"provider\"\n\n\
             [providers.provider]\nkind = \"anthropic\"\nbase_url = \"http://{provider}\"\n\
             key = {{ environment = \"PROVIDER_KEY\" }}\n\n[operations]\nlisten = \"{}\"\n",
            site.gateway, site.operations
        );
        let file = site.file("fiducia.toml");
        std::fs::write(&file, configuration).map_err(Failure::file("write", &file))?;
        let keyfile = site.file("root.key");
        site.run(&["keyfile", "create", &keyfile.to_string_lossy()])?;
        Ok(site)
    }

    /// A path beside the data directory.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Creates an organisation and a key for it; gives the key's secret.
    ///
    /// # Errors
    /// When the program refuses.
    pub(crate) fn tenant(&self, name: &str) -> Result<String, Failure> {
        self.run(&["organizations", "create", name, "--json"])?;
        let printed =
            self.run(&["keys", "create", "--organization", name, "--subject", "bench", "--json"])?;
        let value: Value = serde_json::from_slice(&printed.stdout).unwrap_or_default();
        let secret = value.get("value").unwrap_or(&value).get("secret").and_then(Value::as_str);
        secret.map(str::to_owned).ok_or_else(|| Failure::Program {
            program: "fiducia keys create".into(),
            output: "it printed no secret".into(),
        })
    }

    /// Runs a command of the program, which must succeed.
    ///
    /// # Errors
    /// When it does not.
    pub(crate) fn run(&self, arguments: &[&str]) -> Result<Output, Failure> {
        let mut command = Command::new(program());
        self.environment(&mut command).args(arguments);
        let output = command.output().map_err(|cause| Failure::Start {
            program: program().display().to_string(),
            cause,
            advice: "build it with `cargo build --release -p fiducia`",
        })?;
        if output.status.success() {
            return Ok(output);
        }
        let printed = String::from_utf8_lossy(&output.stderr).into_owned();
        Err(Failure::Program { program: format!("fiducia {}", arguments.join(" ")), output: printed })
    }

    fn environment<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command
            .current_dir(self.folder.path())
            .env("FIDUCIA_CONFIG", self.file("fiducia.toml"))
            .env("PROVIDER_KEY", PROVIDER_KEY)
            .stdin(Stdio::null())
    }
}

/// Where the program is: `FIDUCIA_PROGRAM`, else beside this one.
pub(crate) fn program() -> PathBuf {
    if let Some(path) = std::env::var_os("FIDUCIA_PROGRAM") {
        return path.into();
    }
    let own = std::env::current_exe().unwrap_or_default();
    own.with_file_name("fiducia")
}

/// Builds the release program unless `FIDUCIA_PROGRAM` names one.
///
/// # Errors
/// When it does not compile.
pub(crate) fn build() -> Result<(), Failure> {
    if std::env::var_os("FIDUCIA_PROGRAM").is_some() {
        return Ok(());
    }
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["build", "--release", "--quiet", "-p", "fiducia"]).current_dir(workspace());
    let status = command.status().map_err(Failure::system("start cargo"))?;
    if status.success() {
        return Ok(());
    }
    Err(Failure::Program { program: "cargo build --release -p fiducia".into(), output: "see above".into() })
}

/// The workspace's folder.
pub(crate) fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new(".")).to_owned()
}

/// A fresh folder on the disk that is measured.
///
/// # Errors
/// When it cannot be made.
pub(crate) fn folder() -> Result<TempDir, Failure> {
    let builder = tempfile::Builder::new().prefix("fiducia-bench-").to_owned();
    match std::env::var_os("FIDUCIA_BENCH_DIRECTORY") {
        Some(place) => builder.tempdir_in(place),
        None => builder.tempdir(),
    }
    .map_err(Failure::system("make a temporary folder"))
}

/// A command that runs on the subject's core; `taskset` becomes the program, so the process is the program's.
fn pinned(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new("taskset");
    command.arg("-c").arg(SUBJECT_CORE.to_string()).arg(program);
    command
}

fn start(mut command: Command, log: &Path, advice: &'static str) -> Result<Child, Failure> {
    let file = File::options().create(true).append(true).open(log).map_err(Failure::file("write", log))?;
    let program = format!("{command:?}");
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(file);
    command.spawn().map_err(|cause| Failure::Start { program, cause, advice })
}

fn answers(address: SocketAddr, path: &str) -> bool {
    let attempt = || -> std::io::Result<Vec<u8>> {
        let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(1))?;
        stream.set_read_timeout(Some(Duration::from_secs(1)))?;
        // nginx must not wait for the provider, which answers only while a load runs: a bad request is an answer.
        let request = if path == "/" {
            "BAD\r\n\r\n".to_owned()
        } else {
            format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        };
        stream.write_all(request.as_bytes())?;
        let mut answer = vec![0; 64];
        let count = stream.read(&mut answer)?;
        answer.truncate(count);
        Ok(answer)
    };
    attempt().is_ok_and(|answer| answer.starts_with(b"HTTP/1.1 2") || answer.starts_with(b"HTTP/1.1 4"))
}

fn free_address() -> Result<SocketAddr, Failure> {
    TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .map_err(Failure::system("find a free port"))
}
