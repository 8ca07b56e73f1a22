//! What happens when a date passes: the same console and custody as the program's, on a clock that the test moves.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use fiducia_custody::{
    AccountCommand, AccountReply, AdminCommand, AdminReply, CaptureLimits, CertificateSettings,
    ConsentCommand, Custody, CustodySettings, NewAccount, Password, RetentionCommand,
};
use fiducia_keyring::KeyfileKms;
use fiducia_policy::{
    Agreement, CampaignTerms, Clock, ConsentPurpose, Meanwhile, OrganizationId, Plan, Randomness,
    RandomnessUnavailable, Timestamp,
};
use fiducia_server::{
    ConsoleSettings, EligibilitySettings, GatewayLimits, GatewaySettings, ProviderKind, ProviderSettings,
    RunningServer, SecretSource, Server, ServerSettings,
};

use super::driver::{Browser, free_port};
use super::fairness::findings;
use super::stand::{LOGIN, PASSWORD};

const DAY_SECONDS: i64 = 86_400;

/// Time stands still until the test moves it.
#[derive(Clone)]
struct ManualClock(Arc<AtomicI64>);

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(self.0.load(Ordering::SeqCst)).unwrap()
    }
}

/// Bytes that differ from each other and not from run to run (splitmix64).
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

/// A console whose time the test moves.
pub(super) struct Calendar {
    clock: ManualClock,
    custody: Custody,
    organization: OrganizationId,
    pub(super) url: String,
    server: Option<RunningServer>,
    _directory: tempfile::TempDir,
}

impl Calendar {
    pub(super) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let clock = ManualClock(Arc::new(AtomicI64::new(1_790_000_000)));
        let randomness = Arc::new(SeededRandomness(AtomicU64::new(1)));
        let keyfile = directory.path().join("keyfile");
        KeyfileKms::create(&keyfile, &*randomness).unwrap();
        let settings = CustodySettings {
            data_directory: directory.path().join("data"),
            keyfile: Some(keyfile),
            key_services: fiducia_custody::KeyServices::default(),
            ledger_origin: "ledger.test".to_owned(),
            limits: CaptureLimits::default(),
            certificates: CertificateSettings::default(),
            witnesses: None,
            access: fiducia_custody::AccessSettings::default(),
        };
        let custody = Custody::open(&settings, Arc::new(clock.clone()), randomness).unwrap();
        let source = include_str!("../../policies/anthropic-2026.toml").to_owned();
        let publish = RetentionCommand::PublishPolicy { source, actor: "tester".to_owned() };
        custody.administer(AdminCommand::Govern(publish)).unwrap();
        let create = AdminCommand::CreateOrganization {
            name: "hospital".to_owned(),
            plan: Plan::Pro,
            tier: None,
            agreement: Agreement::Standard,
            custom_retention: None,
        };
        let AdminReply::Organization(organization) = custody.administer(create).unwrap() else {
            panic!("reply")
        };
        let (url, server) = serve(directory.path(), &custody, &clock);
        let organization = organization.id;
        let calendar =
            Self { clock, custody, organization, url, server: Some(server), _directory: directory };
        calendar.make_account(LOGIN, "Ada", "person");
        calendar
    }

    /// Makes an account with the usual password. Who is a person is the one of that name.
    pub(super) fn make_account(&self, login: &str, name: &str, roles: &str) {
        let new = NewAccount {
            organization: self.organization,
            login: login.to_owned(),
            name: name.to_owned(),
            subject: (roles == "person").then(|| name.to_lowercase()),
            roles: roles.parse().unwrap(),
        };
        let AdminReply::Account(AccountReply::Account(row)) =
            self.custody.administer(AdminCommand::Account(AccountCommand::Create(new))).unwrap()
        else {
            panic!("reply")
        };
        let password = Password::new(PASSWORD.to_owned());
        let set = AccountCommand::SetPassword { account: row.id, password };
        self.custody.administer(AdminCommand::Account(set)).unwrap();
    }

    /// Stores a conversation of somebody, and gives its id.
    pub(super) fn conversation(&self, said: &str) -> String {
        let begin = AdminCommand::BeginImport {
            organization: self.organization,
            subject: "ben".to_owned(),
            source: "lines".to_owned(),
            digest: [7; 32],
        };
        let AdminReply::Import(import) = self.custody.administer(begin).unwrap() else { panic!("reply") };
        let message = serde_json::json!({"role": "user", "content": said});
        let line = serde_json::json!({"id": "one", "messages": [message]}).to_string();
        let stored = self.custody.import_lines(import.job, 1, &[line]).unwrap().wait().unwrap();
        assert_eq!(stored.accepted, 1);
        let list = AdminCommand::ListConversations {
            organization: Some(self.organization),
            subject: None,
            deleted: false,
            after: None,
            limit: 10,
        };
        let AdminReply::Conversations(rows) = self.custody.administer(list).unwrap() else { panic!("reply") };
        rows[0].id.to_string()
    }

    fn publish(&self, version: u32) {
        let shipped = include_str!("../../policies/notices/batch-training.en.toml");
        let source = shipped.replace("version = 1", &format!("version = {version}"));
        let publish = ConsentCommand::PublishNotice { source, actor: "tester".to_owned() };
        self.custody.administer(AdminCommand::Consent(publish)).unwrap();
    }

    /// Asks everybody about a version, until so many days from now.
    fn campaign(&self, version: u32, days: i64) {
        let deadline = Timestamp::from_second(self.clock.now().as_second() + days * DAY_SECONDS).unwrap();
        let open = ConsentCommand::OpenCampaign {
            organization: self.organization,
            terms: CampaignTerms {
                purpose: ConsentPurpose::BatchTraining,
                version,
                deadline,
                meanwhile: Meanwhile::Continue,
                reminders: Vec::new(),
                quiet_regions: Vec::new(),
                quiet: "12 months".parse().unwrap(),
            },
            reason: "a new version".to_owned(),
            actor: "tester".to_owned(),
        };
        self.custody.administer(AdminCommand::Consent(open)).unwrap();
        self.custody.administer(AdminCommand::Sweep { limit: None }).unwrap();
    }

    fn days_pass(&self, days: i64) {
        self.hours_pass(24 * days);
    }

    pub(super) fn hours_pass(&self, hours: i64) {
        self.clock.0.fetch_add(hours * 3_600, Ordering::SeqCst);
    }

    fn sign_in(&self, browser: &Browser, path: &str) {
        self.sign_in_to(browser, LOGIN, path);
    }

    /// Signs an account in, which arrives at this path.
    pub(super) fn sign_in_to(&self, browser: &Browser, login: &str, path: &str) {
        browser.open(&format!("{}/sign-in", self.url));
        browser.fill("#login", login);
        browser.fill("#password", PASSWORD);
        browser.click("main form button[type=submit]");
        browser.arrives(path);
    }
}

impl Drop for Calendar {
    fn drop(&mut self) {
        if let Some(server) = self.server.take() {
            server.shutdown();
        }
        self.custody.close();
    }
}

/// Serves the console; nobody asks a model here, so the provider is a place where nothing listens.
fn serve(root: &std::path::Path, custody: &Custody, clock: &ManualClock) -> (String, RunningServer) {
    let local = SocketAddr::from(([127, 0, 0, 1], 0));
    let port = free_port();
    let url = format!("http://localhost:{port}");
    let key = root.join("provider-key");
    std::fs::write(&key, "unused").unwrap();
    let provider = ProviderSettings {
        kind: ProviderKind::Anthropic,
        base_url: Some(format!("http://127.0.0.1:{}", free_port())),
        key: Some(SecretSource::File(key)),
        api_version: None,
        ca_file: None,
        allow_plain_http: false,
    };
    let settings = ServerSettings {
        gateway: GatewaySettings {
            listen: local,
            threads: 1,
            public_url: None,
            default_anthropic: Some("anthropic".to_owned()),
            default_openai: None,
            limits: GatewayLimits { shutdown_grace_ms: 2_000, ..GatewayLimits::default() },
        },
        providers: BTreeMap::from([("anthropic".to_owned(), provider)]),
        models: Vec::new(),
        eligibility: EligibilitySettings::default(),
        operations: None,
        console: Some(ConsoleSettings {
            listen: SocketAddr::from(([127, 0, 0, 1], port)),
            ..ConsoleSettings::new(url.clone())
        }),
        compliance: None,
        admin_socket: None,
    };
    let randomness = Arc::new(SeededRandomness(AtomicU64::new(77)));
    (url, Server::start(&settings, custody.clone(), Arc::new(clock.clone()), randomness).unwrap())
}

#[test]
fn a_campaign_asks_once_in_each_browser_and_its_date_turns_silence_into_a_no() {
    let calendar = Calendar::new();
    calendar.publish(1);
    let browser = Browser::start();
    calendar.sign_in(&browser, "/choices/ask");
    browser.click("form.answers button[value=yes]");
    browser.says("Your yes is entered");
    calendar.publish(2);
    calendar.campaign(2, 30);
    browser.open(&format!("{}/", calendar.url));
    browser.arrives("/choices/ask");
    let date = calendar.clock.now().as_second() + 30 * DAY_SECONDS;
    let date = Timestamp::from_second(date).unwrap().strftime("%-d %b %Y, %H:%M UTC").to_string();
    browser.says(&format!("You can answer until {date}."));
    assert_eq!(findings(&browser, "en", Some(&date)), Vec::<&str>::new());
    browser.examine("question-campaign");
    // It was shown; who leaves it is not led there again, and the yes counts until the date.
    browser.open(&format!("{}/", calendar.url));
    browser.arrives("/");
    browser.open(&format!("{}/choices", calendar.url));
    browser.says("Until then your yes counts.");
    calendar.days_pass(31);
    calendar.sign_in(&browser, "/");
    browser.open(&format!("{}/choices", calendar.url));
    browser.says(&format!("You did not answer by {date}. That counts as a no."));
    assert_eq!(browser.text(".stand"), "No");
    browser.examine("choices-lapsed");
    // A word from the person counts from then on, as ever.
    browser.click("form.answers button[value=yes]");
    browser.says("Your yes is entered");
    assert_eq!(browser.text(".stand"), "Yes");
}
