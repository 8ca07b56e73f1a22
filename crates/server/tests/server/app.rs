//! The server in this process, on real sockets, with real custody in a temporary directory.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use fiducia_custody::{
    AdminCommand, AdminReply, CaptureLimits, Custody, CustodySettings, DestructionScope, RecordContent, Scope,
};
use fiducia_keyring::KeyfileKms;
use fiducia_ledger::{Event, LogReader, LoggedLeaf, VerifierKey, verify_log};
use fiducia_policy::{
    AccessReason, Agreement, Clock, ConversationId, OrganizationId, Plan, Randomness, RandomnessUnavailable,
    Timestamp,
};
use fiducia_server::{
    ComplianceSettings, ConsoleSettings, EligibilitySettings, GatewayLimits, GatewaySettings, ModelRoute,
    OperationsSettings, ProviderKind, ProviderSettings, RunningServer, SecretSource, Server, ServerSettings,
};

use crate::client::{Answer, send};
use crate::key_service::ClosableService;

/// What providers are told as the real key.
pub(crate) const PROVIDER_KEY: &str = "provider-key-of-the-test";

/// Time stands still until a test moves it.
#[derive(Clone)]
pub(crate) struct TestClock(Arc<AtomicI64>);

impl TestClock {
    fn new() -> Self {
        Self(Arc::new(AtomicI64::new(1_790_000_000)))
    }

    /// Lets time pass.
    pub(crate) fn now_seconds(&self) -> i64 {
        self.now().as_second()
    }

    pub(crate) fn advance(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(self.0.load(Ordering::SeqCst)).unwrap()
    }
}

/// Bytes that differ from each other and not from run to run (splitmix64).
#[derive(Default)]
struct SeededRandomness(AtomicU64);

impl Randomness for SeededRandomness {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), RandomnessUnavailable> {
        for chunk in bytes.chunks_mut(8) {
            let mut word = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
            word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            word ^= word >> 31;
            chunk.copy_from_slice(&word.to_le_bytes()[..chunk.len()]);
        }
        Ok(())
    }
}

/// How an app is made.
pub(crate) struct AppSettings {
    /// Where providers are.
    pub(crate) upstream: SocketAddr,
    /// What the organisation agreed on retention.
    pub(crate) agreement: Agreement,
    /// What the key permits.
    pub(crate) scopes: Vec<Scope>,
    /// Bounds.
    pub(crate) limits: GatewayLimits,
    /// Routes before the defaults.
    pub(crate) models: Vec<ModelRoute>,
    /// Whether models without a route go to the wire's provider.
    pub(crate) defaults: bool,
    /// What may be used of providers.
    pub(crate) eligibility: EligibilitySettings,
    /// The name that providers are reached under by TLS, and the authorities to trust for it besides the system's.
    pub(crate) secured: Option<(String, Option<std::path::PathBuf>)>,
    /// The console, if there is one.
    pub(crate) console: Option<ConsoleSettings>,
    /// The Compliance API, if there is one.
    pub(crate) compliance: Option<ComplianceSettings>,
    /// Bounds on reading.
    pub(crate) access: fiducia_policy::AccessLimits,
}

impl AppSettings {
    pub(crate) fn new(upstream: SocketAddr) -> Self {
        Self {
            upstream,
            agreement: Agreement::Standard,
            scopes: Scope::ALL.to_vec(),
            limits: GatewayLimits { shutdown_grace_ms: 2_000, ..GatewayLimits::default() },
            models: Vec::new(),
            defaults: true,
            eligibility: EligibilitySettings::default(),
            secured: None,
            console: None,
            compliance: None,
            access: fiducia_policy::AccessLimits::default(),
        }
    }

    pub(crate) fn start(self) -> App {
        App::start(&self)
    }
}

/// A running server and everything it stands on. Dropping it checks that nothing was left behind.
pub(crate) struct App {
    pub(crate) custody: Custody,
    pub(crate) organization: OrganizationId,
    pub(crate) key: String,
    pub(crate) gateway: SocketAddr,
    pub(crate) operations: SocketAddr,
    pub(crate) console: Option<SocketAddr>,
    pub(crate) compliance: Option<SocketAddr>,
    pub(crate) clock: TestClock,
    pub(crate) key_service: ClosableService,
    server: Option<RunningServer>,
    verifier_key: String,
    directory: tempfile::TempDir,
}

impl App {
    pub(crate) fn start(settings: &AppSettings) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let clock = TestClock::new();
        let (custody, key_service) = open_custody(directory.path(), clock.clone(), settings.access.clone());
        let command = AdminCommand::CreateOrganization {
            name: "test".to_owned(),
            plan: Plan::Enterprise,
            tier: None,
            agreement: settings.agreement,
            custom_retention: None,
        };
        let AdminReply::Organization(organization) = custody.administer(command).unwrap() else {
            panic!("reply")
        };
        let key = create_key(&custody, organization.id, &settings.scopes);
        let server = start_server(directory.path(), settings, custody.clone(), clock.clone());
        let (gateway, operations) = (server.addresses().gateway, server.addresses().operations.unwrap());
        let console = server.addresses().console;
        let compliance = server.addresses().compliance;
        Self {
            custody,
            console,
            compliance,
            clock,
            key_service,
            organization: organization.id,
            key,
            gateway,
            operations,
            server: Some(server),
            verifier_key: organization.ledger_verifier_key,
            directory,
        }
    }

    /// The data directory.
    pub(crate) fn data(&self) -> std::path::PathBuf {
        self.directory.path().join("data")
    }

    /// Where the admin socket is.
    pub(crate) fn admin_socket(&self) -> std::path::PathBuf {
        self.directory.path().join("admin.sock")
    }

    /// Sends a request with this app's key and more headers.
    pub(crate) fn post(&self, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        self.send("POST", path, headers, body)
    }

    pub(crate) fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let mut all = vec![("x-api-key", self.key.as_str()), ("content-type", "application/json")];
        all.extend_from_slice(headers);
        send(self.gateway, method, path, &all, body)
    }

    /// Stops the server as an operator would.
    pub(crate) fn stop_server(&mut self) {
        if let Some(server) = self.server.take() {
            server.shutdown();
        }
    }

    /// Every record of every conversation, decrypted, oldest conversation first.
    pub(crate) fn records(&self) -> Vec<RecordContent> {
        let list = AdminCommand::ListConversations {
            organization: Some(self.organization),
            subject: None,
            deleted: false,
            limit: 100,
            after: None,
        };
        let AdminReply::Conversations(conversations) = self.custody.administer(list).unwrap() else {
            panic!("reply")
        };
        let mut records = Vec::new();
        for conversation in conversations.iter().rev() {
            records.extend(self.conversation(conversation.id));
        }
        records
    }

    fn conversation(&self, id: ConversationId) -> Vec<RecordContent> {
        let show = AdminCommand::ShowRecords {
            target: DestructionScope::Conversation(id),
            actor: "tester".to_owned(),
            reason: AccessReason::CustomerSupport,
            ticket: Some("T-1".to_owned()),
            ground: None,
            reveal: false,
        };
        let AdminReply::Content(content) = self.custody.administer(show).unwrap() else { panic!("reply") };
        content.records
    }

    /// Waits until custody has committed `count` records: what the server hands over when nobody waits for it.
    pub(crate) fn await_records(&self, count: u64) {
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
        while self.custody.metrics().records < count {
            assert!(std::time::Instant::now() < deadline, "{:?}", self.custody.metrics());
            std::thread::yield_now();
        }
    }

    /// Waits until the gateway holds `bytes` of requests and answers.
    pub(crate) fn await_buffered(&self, bytes: usize) {
        let line = format!("fiducia_gateway_buffered_bytes {bytes}\n");
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
        loop {
            let scrape = send(self.operations, "GET", "/metrics", &[], b"");
            if scrape.text().contains(&line) {
                return;
            }
            assert!(std::time::Instant::now() < deadline, "never: {line}");
        }
    }

    /// Stops everything and gives the notices in the ledger: code, what was asked, what was served.
    pub(crate) fn into_notices(mut self) -> Vec<(String, String, String)> {
        self.stop_server();
        self.custody.close();
        let log = self.directory.path().join("data/ledger").join(self.organization.uuid());
        let key: VerifierKey = self.verifier_key.parse().unwrap();
        let reader = LogReader::open(&log, &key).unwrap();
        let leaves = reader.entries(0).map(|entry| LoggedLeaf::parse(&entry.unwrap().1).unwrap().leaf.event);
        let notices = leaves.filter_map(|event| match event {
            Event::RoutingNotice { code, asked, served, .. } => Some((code, asked, served)),
            _ => None,
        });
        notices.collect()
    }

    /// Whether any file of the data directory holds `needle`.
    pub(crate) fn holds(&self, needle: &str) -> bool {
        fn search(folder: &Path, needle: &[u8]) -> bool {
            std::fs::read_dir(folder).unwrap().any(|entry| {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    return search(&path, needle);
                }
                std::fs::read(&path).is_ok_and(|bytes| crate::client::find(&bytes, needle).is_some())
            })
        }
        search(&self.directory.path().join("data"), needle.as_bytes())
    }

    pub(crate) fn create_key(&self, scopes: &[Scope]) -> String {
        create_key(&self.custody, self.organization, scopes)
    }
}

impl Drop for App {
    fn drop(&mut self) {
        self.stop_server();
        self.custody.close();
        if std::thread::panicking() {
            return;
        }
        assert_eq!(self.custody.metrics().queued_bytes, 0, "something was left in the queue");
        let log = self.directory.path().join("data/ledger").join(self.organization.uuid());
        // A test may have changed the log's keys.
        let present = self.custody.ledger_verifier_key(self.organization);
        let keys: Vec<VerifierKey> = [&self.verifier_key, &present].map(|key| key.parse().unwrap()).to_vec();
        if let Err(findings) = verify_log(&log, &keys) {
            panic!("the ledger does not verify: {findings:?}");
        }
    }
}

fn open_custody(
    root: &Path,
    clock: TestClock,
    limits: fiducia_policy::AccessLimits,
) -> (Custody, ClosableService) {
    let randomness = Arc::new(SeededRandomness::default());
    let keyfile = root.join("keyfile");
    KeyfileKms::create(&keyfile, &*randomness).unwrap();
    let key_service = ClosableService::create(root, &*randomness);
    let settings = CustodySettings {
        data_directory: root.join("data"),
        keyfile: Some(keyfile),
        key_services: fiducia_custody::KeyServices {
            installation: None,
            directory: Some(Arc::new(key_service.clone())),
        },
        ledger_origin: "ledger.test/log".to_owned(),
        limits: CaptureLimits::default(),
        certificates: fiducia_custody::CertificateSettings::default(),
        witnesses: None,
        access: fiducia_custody::AccessSettings { limits, ..Default::default() },
    };
    (Custody::open(&settings, Arc::new(clock), randomness).unwrap(), key_service)
}

fn create_key(custody: &Custody, organization: OrganizationId, scopes: &[Scope]) -> String {
    let command = AdminCommand::CreateVirtualKey {
        organization,
        workspace: None,
        subject: "analyst".to_owned(),
        scopes: scopes.to_vec(),
        class: None,
        expires_at: None,
    };
    let AdminReply::VirtualKey(key) = custody.administer(command).unwrap() else { panic!("reply") };
    key.secret
}

fn start_server(root: &Path, settings: &AppSettings, custody: Custody, clock: TestClock) -> RunningServer {
    let key_path = root.join("provider-key");
    std::fs::write(&key_path, PROVIDER_KEY).unwrap();
    let provider = |kind| ProviderSettings {
        kind,
        base_url: Some(match &settings.secured {
            None => format!("http://{}", settings.upstream),
            Some((name, _)) => format!("https://{name}:{}", settings.upstream.port()),
        }),
        key: Some(SecretSource::File(key_path.clone())),
        api_version: None,
        ca_file: settings.secured.as_ref().and_then(|(_, authorities)| authorities.clone()),
        allow_plain_http: false,
    };
    let local = SocketAddr::from(([127, 0, 0, 1], 0));
    let server = ServerSettings {
        gateway: GatewaySettings {
            listen: local,
            threads: 1,
            public_url: None,
            default_anthropic: settings.defaults.then(|| "anthropic".to_owned()),
            default_openai: settings.defaults.then(|| "openai".to_owned()),
            limits: settings.limits,
        },
        providers: BTreeMap::from([
            ("anthropic".to_owned(), provider(ProviderKind::Anthropic)),
            ("azure".to_owned(), provider(ProviderKind::AzureOpenai)),
            ("openai".to_owned(), provider(ProviderKind::Openai)),
        ]),
        models: settings.models.clone(),
        eligibility: settings.eligibility.clone(),
        operations: Some(OperationsSettings {
            listen: local,
            ledger_directory: Some(root.join("data/ledger")),
        }),
        console: settings.console.clone(),
        compliance: settings.compliance.clone(),
        admin_socket: Some(root.join("admin.sock")),
    };
    let randomness = SeededRandomness(AtomicU64::new(77));
    Server::start(&server, custody, Arc::new(clock), Arc::new(randomness)).unwrap()
}
