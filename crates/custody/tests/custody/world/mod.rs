//! A world of one custody with simulated time, driven without HTTP.

mod edge;
mod evidence;
mod services;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use fiducia_custody::{
    AccessSettings, AdminCommand, AdminError, AdminReply, AnswerOutcome, CaptureLimits, CapturedAnswer,
    CertificateCommand, CertificateReference, CertificateReply, CertificateSettings, ConversationContent,
    Custody, CustodySettings, DestructionReport, DestructionScope, DueMail, ExchangeOpening, ImportOutcome,
    KeyServiceDirectory, KeyServices, MailCommand, MailReply, OpenError, OpenExchange, RecordRow,
    RetentionCommand, RetentionProgress, RetentionReply, Scope, ServiceKey, WitnessTerms,
};
use fiducia_keyring::KeyfileKms;
use fiducia_ledger::VerifierKey;
use fiducia_policy::{
    AccessReason, Agreement, Clock, ConversationId, GroundKind, OrganizationId, Plan, RecordClass,
    RetentionSpan, SubjectId, Timestamp, VirtualKeyId,
};
use fiducia_wire::{Role, Wire, fingerprint::text_fingerprint, outline};

use edge::{SPAWNING, Seeded, SimulatedClock};
pub(crate) use edge::{block_on, spawn, tell};
pub(crate) use services::Services;

/// 2026-01-10T12:00:00Z.
const START_SECONDS: i64 = 1_768_046_400;

pub(crate) struct World {
    folder: PathBuf,
    /// Removes the folder at the end, where it is this world's own.
    temporary: Option<tempfile::TempDir>,
    clock: Arc<SimulatedClock>,
    randomness: Arc<Seeded>,
    custody: Option<Custody>,
    organization: OrganizationId,
    verifier: String,
    secret: String,
    key: VirtualKeyId,
    subject: SubjectId,
    class: Option<RecordClass>,
    certificates: CertificateSettings,
    services: Arc<Services>,
    /// The installation's key at a service, and whether its keyfile is there too.
    installation: (Option<String>, bool),
    witnesses: Option<WitnessTerms>,
    access: AccessSettings,
    replaced: Mutex<Option<PathBuf>>,
}

/// A Messages request body whose messages alternate between user and assistant.
pub(crate) fn anthropic(messages: &[&str]) -> String {
    let messages: Vec<_> = messages
        .iter()
        .enumerate()
        .map(|(place, text)| {
            let role = if place % 2 == 0 { "user" } else { "assistant" };
            format!(r#"{{"role": "{role}", "content": "{text}"}}"#)
        })
        .collect();
    format!(r#"{{"model": "scripted", "max_tokens": 10, "messages": [{}]}}"#, messages.join(", "))
}

impl World {
    pub(crate) fn new() -> Self {
        let temporary = tempfile::tempdir().unwrap();
        let mut world = Self::at(temporary.path(), 0);
        world.temporary = Some(temporary);
        world
    }

    /// The world in a folder, made when there is none. Each run in the same folder is a day later and has randomness of
    /// its own.
    pub(crate) fn at(folder: &Path, run: u64) -> Self {
        Self::made_at(folder, run, Plan::Enterprise)
    }

    /// The world's first run in an empty folder, with an organisation of another plan.
    #[cfg(feature = "fault-injection")]
    pub(crate) fn of_plan(folder: &Path, plan: Plan) -> Self {
        Self::made_at(folder, 0, plan)
    }

    fn made_at(folder: &Path, run: u64, plan: Plan) -> Self {
        let start = START_SECONDS + i64::try_from(run).unwrap() * 86_400;
        let randomness = Arc::new(Seeded::new(run.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(42)));
        let keyfile = folder.join("root.key");
        if !keyfile.exists() {
            KeyfileKms::create(&keyfile, &*randomness).unwrap();
        }
        let mut world = Self::opened(folder, start * 1_000_000, randomness);
        let listed = world.custody().administer(AdminCommand::ListOrganizations).unwrap();
        let AdminReply::Organizations(organizations) = listed else { panic!("reply") };
        match organizations.first() {
            None => {
                world
                    .govern(RetentionCommand::PublishPolicy {
                        source: include_str!("../policy.toml").to_owned(),
                        actor: "tester".to_owned(),
                    })
                    .unwrap();
                world.use_new_organization("first tenant", plan, Agreement::Standard);
            }
            Some(first) => {
                (world.organization, world.verifier) = (first.id, first.ledger_verifier_key.clone());
                world.use_new_key("person-1");
            }
        }
        world
    }

    /// A folder that has a world already, opened with a clock and randomness of one's own. Nobody speaks yet.
    pub(crate) fn opened_at(folder: &Path, now: Timestamp, seed: u64) -> Self {
        Self::opened(folder, now.as_microsecond(), Arc::new(Seeded::new(seed)))
    }

    fn opened(folder: &Path, now_microseconds: i64, randomness: Arc<Seeded>) -> Self {
        let mut world = Self {
            folder: folder.to_owned(),
            temporary: None,
            clock: Arc::new(SimulatedClock(AtomicI64::new(now_microseconds))),
            randomness,
            custody: None,
            organization: OrganizationId::from_bytes([0; 16]),
            verifier: String::new(),
            secret: String::new(),
            key: VirtualKeyId::from_bytes([0; 16]),
            subject: SubjectId::from_bytes([0; 16]),
            class: None,
            certificates: CertificateSettings::default(),
            services: Arc::new(Services::in_folder(folder.to_owned())),
            installation: (None, true),
            witnesses: None,
            access: AccessSettings::default(),
            replaced: Mutex::new(None),
        };
        world.reopen();
        world
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    fn settings(&self) -> CustodySettings {
        CustodySettings {
            data_directory: self.data(),
            keyfile: self.installation.1.then(|| self.folder.join("root.key")),
            key_services: KeyServices {
                installation: self
                    .installation
                    .0
                    .clone()
                    .map(|key| ServiceKey { service: "files".to_owned(), key }),
                directory: Some(Arc::clone(&self.services) as Arc<dyn KeyServiceDirectory>),
            },
            ledger_origin: "ledger.example".to_owned(),
            limits: CaptureLimits::default(),
            certificates: self.certificates.clone(),
            witnesses: self.witnesses.clone(),
            access: self.access.clone(),
        }
    }

    fn open(&self, settings: &CustodySettings) -> Result<Custody, OpenError> {
        let (clock, randomness) = (Arc::clone(&self.clock), Arc::clone(&self.randomness));
        let _nobody_spawns = SPAWNING.read().unwrap();
        Custody::open(settings, clock, randomness)
    }

    pub(crate) fn reopen(&mut self) {
        self.close();
        self.custody = Some(self.open(&self.settings()).unwrap());
    }

    pub(crate) fn close(&mut self) {
        if let Some(custody) = self.custody.take() {
            custody.close();
        }
    }

    pub(crate) fn open_again(&self) -> Result<Custody, OpenError> {
        self.open(&self.settings())
    }

    pub(crate) fn open_with_another_keyfile(&self) -> Result<Custody, OpenError> {
        let other = self.folder.join("other.key");
        KeyfileKms::create(&other, &*self.randomness).unwrap();
        self.open(&CustodySettings { keyfile: Some(other), ..self.settings() })
    }

    pub(crate) fn open_with_keyfile_inside(&self) -> Result<Custody, OpenError> {
        let inside = self.data().join("root.key");
        std::fs::copy(self.folder.join("root.key"), &inside).unwrap();
        let refused = self.open(&CustodySettings { keyfile: Some(inside.clone()), ..self.settings() });
        std::fs::remove_file(inside).unwrap();
        refused
    }

    pub(crate) fn services(&self) -> &Services {
        &self.services
    }

    /// Makes a key at the service, when there is none yet.
    pub(crate) fn make_service_key(&self, key: &str) {
        self.services.make(key, &*self.randomness);
    }

    /// Opens the data with the installation's key at a service, and with or without the keyfile.
    pub(crate) fn use_installation_key(&mut self, key: Option<&str>, with_keyfile: bool) {
        self.installation = (key.map(str::to_owned), with_keyfile);
        self.reopen();
    }

    pub(crate) fn custody(&self) -> &Custody {
        self.custody.as_ref().expect("open")
    }

    pub(crate) fn use_new_organization(&mut self, name: &str, plan: Plan, agreement: Agreement) {
        let custom_retention = (agreement == Agreement::Custom).then(|| "30 days".parse().unwrap());
        self.use_organization(name, plan, agreement, custom_retention);
    }

    /// An enterprise that keeps conversations for a time of its own after their last turn.
    pub(crate) fn use_custom_organization(&mut self, name: &str, span: &str) {
        self.use_organization(name, Plan::Enterprise, Agreement::Custom, Some(span.parse().unwrap()));
    }

    /// An organisation of a plan, with a retention of its own where one is given.
    pub(crate) fn use_agreed_organization(&mut self, name: &str, plan: Plan, custom: Option<&str>) {
        let agreement = if custom.is_some() { Agreement::Custom } else { Agreement::Standard };
        self.use_organization(name, plan, agreement, custom.map(|span| span.parse().unwrap()));
    }

    fn use_organization(
        &mut self,
        name: &str,
        plan: Plan,
        agreement: Agreement,
        custom_retention: Option<RetentionSpan>,
    ) {
        let command = AdminCommand::CreateOrganization {
            name: name.to_owned(),
            plan,
            tier: None,
            agreement,
            custom_retention,
        };
        let AdminReply::Organization(created) = self.custody().administer(command).unwrap() else {
            panic!("reply")
        };
        self.organization = created.id;
        self.verifier = created.ledger_verifier_key;
        self.use_new_key("person-1");
    }

    pub(crate) fn use_new_key(&mut self, subject: &str) {
        self.make_key(subject, &[Scope::Inference], None);
    }

    pub(crate) fn use_key_with(&mut self, scopes: &[Scope], expires_at: Option<Timestamp>) {
        self.make_key("person-1", scopes, expires_at);
    }

    fn make_key(&mut self, subject: &str, scopes: &[Scope], expires_at: Option<Timestamp>) {
        let command = AdminCommand::CreateVirtualKey {
            organization: self.organization,
            workspace: None,
            subject: subject.to_owned(),
            scopes: scopes.to_vec(),
            class: self.class,
            expires_at,
        };
        let AdminReply::VirtualKey(created) = self.custody().administer(command).unwrap() else {
            panic!("reply")
        };
        (self.secret, self.key, self.subject) = (created.secret, created.id, created.subject);
    }

    pub(crate) fn secret(&self) -> &str {
        &self.secret
    }

    pub(crate) fn key(&self) -> VirtualKeyId {
        self.key
    }

    pub(crate) fn organization(&self) -> OrganizationId {
        self.organization
    }

    /// What the next key captures has this class.
    pub(crate) fn use_class(&mut self, class: Option<RecordClass>) {
        self.class = class;
        self.use_new_key("person-1");
    }

    pub(crate) fn govern(&self, command: RetentionCommand) -> Result<RetentionReply, AdminError> {
        match self.custody().administer(AdminCommand::Govern(command))? {
            AdminReply::Governed(reply) => Ok(reply),
            _ => panic!("reply"),
        }
    }

    /// The data is opened again with other settings for reading.
    pub(crate) fn reopen_with_access(&mut self, access: AccessSettings) {
        self.access = access;
        self.reopen();
    }

    pub(crate) fn advance_seconds(&self, seconds: i64) {
        self.clock.0.fetch_add(seconds * 1_000_000, Ordering::SeqCst);
    }

    /// The data is opened again with other settings for certificates.
    pub(crate) fn reopen_with(&mut self, certificates: CertificateSettings) {
        self.certificates = certificates;
        self.reopen();
    }

    /// The data is opened again with witnesses.
    pub(crate) fn reopen_witnessed(&mut self, witnesses: WitnessTerms) {
        self.witnesses = Some(witnesses);
        self.reopen();
    }

    pub(crate) fn certify(&self, command: CertificateCommand) -> Result<CertificateReply, AdminError> {
        match self.custody().administer(AdminCommand::Certify(command))? {
            AdminReply::Certified(reply) => Ok(reply),
            _ => panic!("reply"),
        }
    }

    pub(crate) fn mail(&self, command: MailCommand) -> Result<MailReply, AdminError> {
        match self.custody().administer(AdminCommand::Mail(command))? {
            AdminReply::Mailed(reply) => Ok(reply),
            _ => panic!("reply"),
        }
    }

    pub(crate) fn due_mails(&self) -> Vec<DueMail> {
        match self.mail(MailCommand::Due { limit: 100 }).unwrap() {
            MailReply::Due(mails) => mails,
            other @ MailReply::Noted(_) => panic!("{other:?}"),
        }
    }

    /// A certificate's file.
    pub(crate) fn certificate_file(&self, reference: &CertificateReference) -> String {
        match self.certify(CertificateCommand::Show { reference: reference.clone() }).unwrap() {
            CertificateReply::File { text, .. } => text,
            other @ CertificateReply::Certificates(_) => panic!("{other:?}"),
        }
    }

    /// The key that the organisation kept.
    pub(crate) fn verifier_key(&self) -> VerifierKey {
        self.verifier.parse().unwrap()
    }

    pub(crate) fn flags(&self) -> usize {
        match self.govern(RetentionCommand::ListFlags { conversation: None }).unwrap() {
            RetentionReply::Flags(flags) => flags.len(),
            _ => panic!("reply"),
        }
    }

    /// Records in all buckets.
    pub(crate) fn kept_records(&self) -> u64 {
        let AdminReply::Status(rows) = self.custody().administer(AdminCommand::Status).unwrap() else {
            panic!("reply")
        };
        let counts = rows.iter().filter(|(name, _)| name.ends_with(": records"));
        counts.map(|(_, count)| count.parse::<u64>().unwrap()).sum()
    }

    pub(crate) fn advance_to(&self, instant: Timestamp) {
        self.clock.0.fetch_max(instant.as_microsecond(), Ordering::SeqCst);
    }

    pub(crate) fn subject(&self) -> SubjectId {
        self.subject
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) fn advance_minutes(&self, minutes: i64) {
        self.clock.0.fetch_add(minutes * 60_000_000, Ordering::SeqCst);
    }

    pub(crate) fn advance_days(&self, days: i64) {
        self.clock.0.fetch_add(days * 86_400_000_000, Ordering::SeqCst);
    }

    /// The source of randomness fails once, after `draws` more successes.
    pub(crate) fn refuse_randomness_after(&self, draws: u64) {
        self.randomness.until_refusal.store(draws, Ordering::SeqCst);
    }

    pub(crate) fn set_clock_back_days(&self, days: i64) {
        self.advance_days(-days);
    }

    /// What a request's arrival hands to custody.
    pub(crate) fn opening(&self, body: &str) -> ExchangeOpening {
        let outline = outline(Wire::AnthropicMessages, body.as_bytes()).unwrap();
        let caller = self.custody().authenticate(&self.secret).unwrap();
        ExchangeOpening {
            covered: caller.eligibility.covered_models_enabled && self.custody().is_covered(&outline.model),
            caller,
            wire: Wire::AnthropicMessages,
            received_at: self.now(),
            body: Bytes::copy_from_slice(body.as_bytes()),
            outline,
            notices: Vec::new(),
        }
    }

    pub(crate) fn begin(&self, body: &str) -> OpenExchange {
        self.begin_with(self.opening(body)).unwrap()
    }

    /// Opens an exchange and waits until its request part is durable. `None` when it was refused.
    pub(crate) fn begin_with(&self, opening: ExchangeOpening) -> Option<OpenExchange> {
        let mut open = self.custody().begin(opening).ok()?;
        block_on(open.request_durable()).ok()?;
        Some(open)
    }

    pub(crate) fn answer(&self, open: OpenExchange, text: &str, outcome: AnswerOutcome) {
        assert!(self.is_answered(open, text, outcome), "the answer was refused");
    }

    /// Whether the answer was acknowledged.
    pub(crate) fn is_answered(&self, open: OpenExchange, text: &str, outcome: AnswerOutcome) -> bool {
        let body = format!(
            r#"{{"id":"msg_1","type":"message","role":"assistant","content":[{{"type":"text","text":"{text}"}}]}}"#
        );
        let answer = CapturedAnswer {
            status: 200,
            completed_at: self.now(),
            outcome,
            body: Bytes::from(body),
            assembled: false,
            answer_id: Some("msg_1".to_owned()),
            served_model: Some("scripted".to_owned()),
            assistant_fingerprints: vec![text_fingerprint(&Role::Assistant, text)],
            notices: Vec::new(),
        };
        block_on(open.answered(answer)).is_ok()
    }

    /// An exchange that may be refused: whether it was acknowledged.
    pub(crate) fn is_exchanged(&self, body: &str, answer: &str) -> bool {
        let open = self.begin_with(self.opening(body));
        open.is_some_and(|open| self.is_answered(open, answer, AnswerOutcome::Complete))
    }

    /// Forgets the handle without closing: what is under way goes on.
    pub(crate) fn forget_custody(&mut self) {
        self.custody = None;
    }

    /// The conversations' rows, newest first.
    #[cfg(feature = "fault-injection")]
    pub(crate) fn conversation_rows(&self) -> Vec<fiducia_custody::ConversationRow> {
        let command = AdminCommand::ListConversations {
            organization: None,
            subject: None,
            deleted: true,
            limit: 1_000,
            after: None,
        };
        match self.custody().administer(command).unwrap() {
            AdminReply::Conversations(rows) => rows,
            _ => panic!("reply"),
        }
    }

    #[cfg(feature = "fault-injection")]
    pub(crate) fn subjects(&self) -> Vec<fiducia_custody::SubjectRow> {
        let command = AdminCommand::ListSubjects { organization: self.organization };
        match self.custody().administer(command).unwrap() {
            AdminReply::Subjects(rows) => rows,
            _ => panic!("reply"),
        }
    }

    pub(crate) fn records(&self, conversation: ConversationId) -> Vec<RecordRow> {
        match self.custody().administer(AdminCommand::ListRecords { conversation }).unwrap() {
            AdminReply::Records(rows) => rows,
            _ => panic!("reply"),
        }
    }

    pub(crate) fn exchange(&self, body: &str, answer: &str) {
        self.exchange_that_ends(body, answer, AnswerOutcome::Complete);
    }

    pub(crate) fn exchange_that_ends(&self, body: &str, answer: &str, outcome: AnswerOutcome) {
        self.answer(self.begin(body), answer, outcome);
    }

    pub(crate) fn request_without_answer(&self, body: &str) {
        drop(self.begin(body));
    }

    /// Conversations, newest first, destroyed ones left out.
    pub(crate) fn conversations(&self) -> Vec<ConversationId> {
        let command = AdminCommand::ListConversations {
            organization: None,
            subject: None,
            deleted: true,
            limit: 1_000,
            after: None,
        };
        // A list reads what is indexed; the writer indexes after it acknowledges, so let it finish its turn first.
        let _ = self.custody().administer(AdminCommand::NamePerson { name: "tester".to_owned() }).unwrap();
        let AdminReply::Conversations(rows) = self.custody().administer(command).unwrap() else {
            panic!("reply")
        };
        rows.iter().filter(|row| row.destroyed_at.is_none()).map(|row| row.id).collect()
    }

    pub(crate) fn show(
        &self,
        id: ConversationId,
        ground: GroundKind,
    ) -> Result<ConversationContent, AdminError> {
        let reason = match ground {
            GroundKind::LegalHold => AccessReason::LegalObligation,
            GroundKind::Service => AccessReason::SubjectRequest,
            _ => AccessReason::SafetyReview,
        };
        self.ask_to_show(id, Some(ground), reason, Some("T-1"))
    }

    pub(crate) fn show_with(
        &self,
        id: ConversationId,
        reason: AccessReason,
        ticket: Option<&str>,
    ) -> Result<ConversationContent, AdminError> {
        self.ask_to_show(id, None, reason, ticket)
    }

    fn ask_to_show(
        &self,
        id: ConversationId,
        ground: Option<GroundKind>,
        reason: AccessReason,
        ticket: Option<&str>,
    ) -> Result<ConversationContent, AdminError> {
        let command = AdminCommand::ShowRecords {
            target: DestructionScope::Conversation(id),
            actor: "tester".to_owned(),
            reason,
            ticket: ticket.map(str::to_owned),
            ground,
            reveal: false,
        };
        match self.custody().administer(command)? {
            AdminReply::Content(content) => Ok(content),
            _ => panic!("reply"),
        }
    }

    pub(crate) fn destroy(&self, scope: DestructionScope) -> Result<DestructionReport, AdminError> {
        match self.custody().administer(AdminCommand::Destroy { scope, actor: "tester".to_owned() })? {
            AdminReply::Destroyed(report) => Ok(report),
            _ => panic!("reply"),
        }
    }

    pub(crate) fn sweep(&self) -> RetentionProgress {
        match self.custody().administer(AdminCommand::Sweep { limit: None }).unwrap() {
            AdminReply::Swept(progress) => progress,
            _ => panic!("reply"),
        }
    }

    pub(crate) fn import(&self, lines: &[String]) -> ImportOutcome {
        self.try_import(lines).unwrap()
    }

    pub(crate) fn try_import(&self, lines: &[String]) -> Result<ImportOutcome, AdminError> {
        let command = AdminCommand::BeginImport {
            organization: self.organization,
            subject: "imported".to_owned(),
            source: "lines".to_owned(),
            digest: [7; 32],
        };
        let AdminReply::Import(begun) = self.custody().administer(command)? else { panic!("reply") };
        self.custody().import_lines(begun.job, 1, lines)?.wait()
    }

    /// The same lines in two chunks that wait for the writer together.
    pub(crate) fn import_twice_at_once(&self, lines: &[String]) -> [ImportOutcome; 2] {
        let command = AdminCommand::BeginImport {
            organization: self.organization,
            subject: "imported".to_owned(),
            source: "lines".to_owned(),
            digest: [7; 32],
        };
        let AdminReply::Import(begun) = self.custody().administer(command).unwrap() else { panic!("reply") };
        let first = self.custody().import_lines(begun.job, 1, lines).unwrap();
        let second = self.custody().import_lines(begun.job, 1, lines).unwrap();
        [first.wait().unwrap(), second.wait().unwrap()]
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.close();
    }
}
