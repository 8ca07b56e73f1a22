//! The handle to custody: opening the data, starting the writer and the scribe, and everything callers may ask.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::thread::JoinHandle;

use fiducia_ledger::Ledger;
use fiducia_policy::{
    AccessReason, Clock, ConsentChannel, ConsentPurpose, ExchangeId, OrganizationId, PersonId, Randomness,
    SubjectId, WarningId,
};
use fiducia_store::{Connections, ControlStore, DataDirectory, Journal};
use tokio::sync::{mpsc, oneshot};

use crate::accounts::{PrivacySignals, Throttle};
use crate::callers::{Callers, is_subject_name};
use crate::certificate::{CertificateCommand, signer_name};
use crate::compliance::Feed;
use crate::consent::{ChoiceRequest, ConsentMemory, Speaker};
use crate::filing::Filing;
use crate::import::ImportChunk;
use crate::keychain::Keychain;
use crate::keys::{KeyAccess, KeyKeeper, LOOKS_EVERY, program};
use crate::log_keys::{LedgerNames, log_keys};
use crate::looking::{Gate, HandedOver, SingleLook};
use crate::mail::{MailCommand, WarningLetter};
use crate::mailbox::{Message, WriterHandle, WriterState};
use crate::open_error::OpenError;
use crate::opening::{load_callers, open_feed, open_keys, refuse_keyfile_inside, when_idle};
use crate::reading::{Reader, check_ticket};
use crate::recovery::{file_journal, log_facts};
use crate::retention::commands::{
    HoldExport, HoldExportReport, RetentionCommand, RetentionProgress, RetentionReply,
};
use crate::retention::export::ExportRequest;
use crate::retention::governance::{Governance, PersonTerms};
use crate::retention::{Ended, Forgetting, Holds, Scrubbing};
use crate::rights::Exporting;
use crate::rights::commands::{RightsCommand, RightsExport, RightsExportReport, RightsReply};
use crate::scribe::Scribe;
use crate::staging::Caches;
use crate::writer::{Files, Writer};
use crate::{
    AdminCommand, AdminError, AdminReply, Caller, CaptureRefused, ConsentChoice, ConsentCommand,
    ConsentOutcome, ConsentReply, CredentialRefused, CustodySettings, ExchangeOpening, ImportOutcome, Notice,
    OpenExchange, Retention, Scope, TrainingRead, TrainingRecord, TrainingTarget, WitnessGate,
};

/// Counters for metrics. They hold numbers only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CustodyMetrics {
    /// Parts of exchanges waiting for the writer.
    pub queued_parts: usize,
    /// Bytes of content waiting for the writer.
    pub queued_bytes: usize,
    /// Group commits since the start.
    pub batches: u64,
    /// Records committed since the start.
    pub records: u64,
    /// Group commits that failed since the start.
    pub failures: u64,
    /// Ledger entries since the start.
    pub ledger_entries: u64,
    /// Exchanges whose request part is stored and whose answer is awaited.
    pub open_exchanges: usize,
    /// Certificates of destruction issued since the start.
    pub certificates: u64,
    /// Keys whose time was over that the worker destroyed since the start.
    pub ended_keys: u64,
    /// Records that the worker purged since the start.
    pub purged_records: u64,
    /// By how many seconds the first key was late when the worker looked last; 0 when none is due.
    pub ends_late_seconds: u64,
    /// For how many seconds the first destroyed key had waited to be purged when the worker looked last; 0 when none does.
    pub purges_late_seconds: u64,
    /// People's requests that are open, when the worker or a command looked last.
    pub requests_open: u64,
    /// Of those, the ones that are answered too late already.
    pub requests_overdue: u64,
    /// Of those, the ones that are due within a week.
    pub requests_due_soon: u64,
    /// Records opened for purposes that people consented to since the start.
    pub training_records: u64,
    /// Entries that no quorum of witnesses had cosigned when they were asked last.
    pub unwitnessed_entries: u64,
    /// For how many seconds there have been such entries.
    pub unwitnessed_seconds: u64,
    /// Attempts to send a mail that failed since the start.
    pub mails_failed: u64,
    /// Mails given up since the start.
    pub mails_given_up: u64,
    /// Unusual things about sessions of reading that were noted since the start.
    pub access_alerts: u64,
    /// Logs with an entry that this version cannot show: what comes behind it is not in the activity feed yet.
    pub feed_held_up: u64,
    /// Deliveries to webhooks that wait, when whoever sends looked last.
    pub webhooks_waiting: u64,
    /// Dead letters to webhooks, when whoever sends looked last.
    pub webhooks_dead: u64,
    /// For how many seconds the oldest delivery to a webhook had waited when whoever sends looked last.
    pub webhooks_oldest_seconds: u64,
    /// Deliveries to webhooks that arrived since the start.
    pub webhooks_delivered: u64,
    /// Attempts at deliveries to webhooks that failed since the start.
    pub webhooks_failed: u64,
    /// Activities written to a log system since the start.
    pub siem_written: u64,
    /// Times that a log system did not take activities since the start.
    pub siem_failures: u64,
    /// How old the first activity was that a log system did not take; 0 while it takes them.
    pub siem_late_seconds: u64,
}

pub(crate) struct Inner {
    pub(crate) handle: WriterHandle,
    pub(crate) reader: Reader,
    pub(crate) access: Arc<KeyAccess>,
    keeper: KeyKeeper,
    /// One change of a key's path at a time.
    pub(crate) changing_keys: Mutex<()>,
    callers: Arc<Callers>,
    scribe: Scribe,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) randomness: Arc<dyn Randomness>,
    limits: crate::CaptureLimits,
    last_probe: Mutex<Option<fiducia_policy::Timestamp>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    names: LedgerNames,
    pub(crate) feed: Feed,
    feed_thread: Mutex<Option<JoinHandle<()>>>,
    pub(crate) cursor_secret: [u8; 32],
    governance: Governance,
    pub(crate) throttle: Mutex<Throttle>,
    pub(crate) signals: PrivacySignals,
    pub(crate) exporting: Exporting,
    _directory: DataDirectory,
}

/// The handle to custody. Cheap to clone; the data stays locked until the last one is gone.
#[derive(Clone)]
pub struct Custody(pub(crate) Arc<Inner>);

impl std::fmt::Debug for Custody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Custody").field("metrics", &self.metrics()).finish_non_exhaustive()
    }
}

impl Custody {
    /// Opens the data directory, finishes what a crash interrupted, and starts the writer and the scribe.
    ///
    /// # Errors
    /// When the data is locked, damaged, newer than this program, or protected by another keyfile.
    #[expect(clippy::too_many_lines, reason = "the order in which things are opened is what it says")]
    pub fn open(
        settings: &CustodySettings,
        clock: Arc<dyn Clock>,
        randomness: Arc<dyn Randomness>,
    ) -> Result<Self, OpenError> {
        let directory = DataDirectory::lock(&settings.data_directory)?;
        refuse_keyfile_inside(settings)?;
        let root = directory.root().to_owned();
        let mut files = Files::open(&root)?;
        let access = open_keys(settings, &mut files, &clock, &randomness)?;
        let mut keychain = Keychain::new(Arc::clone(&access));
        let keys = log_keys(&settings.ledger_origin, &mut files, &mut keychain, &*clock, &*randomness)?;
        let signer = keys.document_key();
        let signing = signer.renamed(&format!("{}/policies", settings.ledger_origin))?;
        let certificate_signing = signer.renamed(&signer_name(&settings.ledger_origin))?;
        let audit_signing = signer.renamed(&crate::audit_report::signer_name(&settings.ledger_origin))?;
        let consent_signing = signer.renamed(&format!("{}/consents", settings.ledger_origin))?;
        let origin = settings.ledger_origin.clone();
        let names =
            LedgerNames::new(origin.clone(), signer.verifier(), keys.public(&origin)?, Arc::clone(&clock));
        let place = DataDirectory::ledger(&root);
        let mut ledger = Ledger::open(&place, &origin, keys, Arc::clone(&clock))?;
        let mut facts = Vec::new();
        let last_group = file_journal(&mut files, |group| facts.extend(group.facts))?;
        log_facts(&mut files, &mut ledger, &facts)?;
        ledger.renew_checkpoints()?;
        // INVARIANT: only now may the journal forget: its records are filed and its facts published, both durably.
        let journal = Journal::open(&DataDirectory::journal(&root), last_group)?;
        let callers = load_callers(&files, &mut keychain)?;
        let governance = Governance::load(&files.control.policies()?)?;
        let gate = Arc::new(Gate::new(&settings.access)?);
        let holds = Holds::load(&files.control).map_err(|error| OpenError::Destruction(error.to_string()))?;
        let (feed, feed_thread, cursor_secret) = open_feed(&root, &names, &*randomness)?;
        let (scribe, scribe_thread) = Scribe::start(
            ledger,
            ControlStore::open(&DataDirectory::control(&root))?,
            feed.clone(),
            Arc::clone(&gate),
        )?;
        let readers = Arc::new(RwLock::new(()));
        let (sender, mut receiver) = mpsc::channel(settings.limits.queue_parts_max);
        let state = Arc::new(WriterState::default());
        let idle = when_idle(sender.downgrade(), Arc::clone(&state));
        let (filing, filing_thread) = Filing::start(root.clone(), last_group, idle)?;
        let scrubbing = Scrubbing {
            keys: Some(0),
            buckets: files.place.names()?.into_iter().map(|name| (name, 0)).collect(),
        };
        let mut writer = Writer {
            root: root.clone(),
            files,
            keychain,
            epoch: access.epoch(),
            access: Arc::clone(&access),
            scribe: scribe.clone(),
            filing,
            journal,
            caches: Caches::default(),
            imported: HashSet::new(),
            new_imports: HashMap::new(),
            open: std::collections::HashMap::new(),
            callers: Arc::clone(&callers),
            governance: governance.clone(),
            gate: Arc::clone(&gate),
            holds,
            scrubbing,
            forgetting: Forgetting::default(),
            consents: ConsentMemory::default(),
            signing,
            certificate_signing,
            audit_signing,
            certificates: settings.certificates.clone(),
            ended: Ended::default(),
            warned_up_to: Vec::new(),
            readers: Arc::clone(&readers),
            clock: Arc::clone(&clock),
            randomness: Arc::clone(&randomness),
            ledger_names: names.clone(),
            handle: Arc::clone(&state),
            limits: settings.limits,
        };
        writer.index_what_is_behind()?;
        writer.finish_destructions().map_err(|error| OpenError::Destruction(error.to_string()))?;
        writer.note_access_policy().map_err(|error| OpenError::Destruction(error.to_string()))?;
        let timer = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        let writer_thread = std::thread::Builder::new()
            .name("fiducia-writer".to_owned())
            .spawn(move || writer.run(&timer, &mut receiver))?;
        let reader = Reader {
            connections: Arc::new(Connections::to(root.clone())),
            root,
            access: Arc::clone(&access),
            callers: Arc::clone(&callers),
            governance: governance.clone(),
            gate,
            scribe: scribe.clone(),
            clock: Arc::clone(&clock),
            readers,
            names: names.clone(),
            consent_signing,
            witnesses: settings.witnesses.clone().map(Arc::new),
        };
        let handle = WriterHandle { sender, state };
        let (waker, waker_state) = (handle.sender.downgrade(), Arc::clone(&handle.state));
        let keeper = KeyKeeper::start(Arc::clone(&access), LOOKS_EVERY, move || {
            if let Some(sender) = waker.upgrade() {
                WriterHandle { sender, state: Arc::clone(&waker_state) }.hurry();
            }
        })?;
        Ok(Self(Arc::new(Inner {
            handle,
            access,
            keeper,
            changing_keys: Mutex::default(),
            reader,
            callers,
            scribe,
            clock,
            randomness,
            limits: settings.limits,
            last_probe: Mutex::new(None),
            threads: Mutex::new(vec![writer_thread, filing_thread, scribe_thread]),
            names,
            feed,
            feed_thread: Mutex::new(Some(feed_thread)),
            cursor_secret,
            governance,
            throttle: Mutex::default(),
            signals: PrivacySignals::default(),
            exporting: Exporting::default(),
            _directory: directory,
        })))
    }

    /// Finds the caller that presents a virtual key.
    ///
    /// # Errors
    /// When the key is unknown, revoked or expired.
    pub fn authenticate(&self, presented: &str) -> Result<Caller, CredentialRefused> {
        self.0.callers.authenticate(presented, self.0.clock.now())
    }

    /// The caller speaking for the subject that a request names.
    ///
    /// # Errors
    /// When the key may not name subjects, the name is not valid, or a new subject cannot be recorded.
    pub async fn subject_named(&self, caller: &Caller, name: &str) -> Result<Caller, CredentialRefused> {
        if !caller.scopes.contains(Scope::ActForSubjects) {
            return Err(CredentialRefused::SubjectNotPermitted);
        }
        if !is_subject_name(name) {
            return Err(CredentialRefused::SubjectInvalid);
        }
        let digest = self
            .0
            .callers
            .name_digest(caller.organization, name)
            .ok_or(CredentialRefused::StoreUnavailable)?;
        let subject = match self.0.callers.named(caller.organization, digest) {
            Some(subject) => subject,
            None => self.record_subject(caller.organization, name).await?,
        };
        Ok(Caller { subject, ..caller.clone() })
    }

    async fn record_subject(
        &self,
        organization: OrganizationId,
        name: &str,
    ) -> Result<SubjectId, CredentialRefused> {
        let (reply, receiver) = oneshot::channel();
        let command = AdminCommand::NameSubject { organization, name: name.to_owned() };
        let message = Message::Administer(Box::new(command), reply);
        self.0.handle.send(message).await.map_err(|_| CredentialRefused::StoreUnavailable)?;
        match receiver.await {
            Ok(Ok(AdminReply::Subject(subject))) => Ok(subject),
            _ => Err(CredentialRefused::StoreUnavailable),
        }
    }

    /// Opens an exchange: queues its request part for storage. Does not wait.
    ///
    /// # Errors
    /// When the queue is full or the store is down: answer 503 and do not contact the provider.
    pub fn begin(&self, opening: ExchangeOpening) -> Result<OpenExchange, CaptureRefused> {
        let now = self.0.clock.now();
        let id = ExchangeId::generate(now, &*self.0.randomness).map_err(|_| CaptureRefused::StoreDown)?;
        if opening.caller.retention == Retention::Zero && !self.is_obliged_to_keep(&opening) {
            // Nothing of the exchange is kept; that something was changed in it is a fact for the ledger all the same.
            if !opening.notices.is_empty() {
                self.announce_for(opening.caller.organization, id, opening.notices)?;
            }
            return Ok(OpenExchange { id, request: None, writer: None });
        }
        let state = &self.0.handle.state;
        if state.closing.load(Ordering::Acquire) {
            return Err(CaptureRefused::Closing);
        }
        self.0
            .access
            .require(self.0.access.holder(opening.caller.organization))
            .map_err(|error| CaptureRefused::Key(error.problem))?;
        let failing = state.down.load(Ordering::Acquire) || state.failing.load(Ordering::Acquire);
        if self.0.scribe.is_down() || (failing && !self.may_probe(now)) {
            return Err(CaptureRefused::StoreDown);
        }
        let queued = state.queued_bytes.load(Ordering::Relaxed);
        if queued.saturating_add(opening.body.len()) > self.0.limits.queue_bytes_max {
            return Err(CaptureRefused::QueueFull);
        }
        let (acknowledgement, receiver) = oneshot::channel();
        self.queue(Message::Request(Box::new(opening), id, acknowledgement))?;
        Ok(OpenExchange { id, request: Some(receiver), writer: Some(self.0.handle.clone()) })
    }

    /// Whether a model is covered by the policy in force: its use obliges to keep prompts and answers for a time.
    pub fn is_covered(&self, model: &str) -> bool {
        self.0.governance.current().1.model(model).covered
    }

    /// Whether the policy in force names any covered model.
    pub fn names_covered_models(&self) -> bool {
        self.0.governance.current().1.models().iter().any(|model| model.covered)
    }

    /// Whether something of an exchange under zero retention must be kept all the same: the use of a covered model that the
    /// workspace agreed to.
    fn is_obliged_to_keep(&self, opening: &ExchangeOpening) -> bool {
        let Some(terms) = self.0.callers.terms(opening.caller.organization) else { return false };
        let person = PersonTerms::default();
        let governance = &self.0.governance;
        let class = opening.caller.class.unwrap_or_else(|| governance.default_class(terms, person));
        let covered = opening.covered;
        covered && governance.keeps_anything(terms, person, class, covered, opening.received_at)
    }

    /// Puts notices of a request that is not captured into the caller's log: what was changed is said in the ledger too.
    /// Does not wait.
    ///
    /// # Errors
    /// When the queue is full or the store is down: do not make the change.
    pub fn announce(&self, caller: &Caller, notices: Vec<Notice>) -> Result<(), CaptureRefused> {
        let id = ExchangeId::generate(self.0.clock.now(), &*self.0.randomness);
        self.announce_for(caller.organization, id.map_err(|_| CaptureRefused::StoreDown)?, notices)
    }

    fn announce_for(
        &self,
        organization: OrganizationId,
        id: ExchangeId,
        notices: Vec<Notice>,
    ) -> Result<(), CaptureRefused> {
        let state = &self.0.handle.state;
        if state.closing.load(Ordering::Acquire) {
            return Err(CaptureRefused::Closing);
        }
        if self.0.scribe.is_down() || state.down.load(Ordering::Acquire) {
            return Err(CaptureRefused::StoreDown);
        }
        self.queue(Message::Announce(organization, id, notices))
    }

    /// Queues a message if there is room. Room is reserved first, so that a refused message never counts.
    fn queue(&self, message: Message) -> Result<(), CaptureRefused> {
        let permit = self.0.handle.sender.try_reserve().map_err(|refused| match refused {
            mpsc::error::TrySendError::Full(()) => CaptureRefused::QueueFull,
            mpsc::error::TrySendError::Closed(()) => CaptureRefused::StoreDown,
        })?;
        self.0.handle.count_in(&message);
        permit.send(message);
        Ok(())
    }

    /// While the store is down one exchange a second may try whether it is up again.
    fn may_probe(&self, now: fiducia_policy::Timestamp) -> bool {
        // Unequal rather than later: a clock that was set back must not put the next attempt off.
        let mut last = self.0.last_probe.lock().unwrap_or_else(PoisonError::into_inner);
        let due = last.is_none_or(|last| now.as_second() != last.as_second());
        if due {
            *last = Some(now);
        }
        due
    }

    /// Carries out a command. Blocks: call it from a thread that may.
    ///
    /// # Errors
    /// As [`AdminError`] says; the text tells what it means for the data.
    pub fn administer(&self, command: AdminCommand) -> Result<AdminReply, AdminError> {
        let reader = &self.0.reader;
        match command {
            AdminCommand::ListOrganizations => reader.organizations(),
            AdminCommand::ListVirtualKeys { organization } => reader.virtual_keys(organization),
            AdminCommand::ListSubjects { organization } => reader.subjects(organization),
            AdminCommand::ListConversations { organization, subject, deleted, limit, after } => {
                self.caught_up()?;
                reader.conversations(organization, subject, deleted, limit, after)
            }
            AdminCommand::FindConversation { conversation } => {
                self.caught_up()?;
                reader.conversation(conversation)
            }
            AdminCommand::ListRecords { conversation } => {
                self.caught_up()?;
                reader.records(conversation)
            }
            AdminCommand::Status => {
                self.caught_up()?;
                reader.status().map(AdminReply::Status)
            }
            AdminCommand::ShowRecords { target, actor, reason, ticket, ground, reveal } => {
                let look = SingleLook { target, actor, reason, ticket, ground, reveal };
                self.look_once(look).map(AdminReply::Content)
            }
            AdminCommand::Access { actor, command } => {
                self.access_by(actor, command).map(|reply| AdminReply::Access(Box::new(reply)))
            }
            AdminCommand::ImportLines { job, first_line, lines } => {
                self.import_lines(job, first_line, &lines)?.wait().map(AdminReply::Imported)
            }
            AdminCommand::ExportHold(export) => self.export_hold(export).map(AdminReply::Exported),
            AdminCommand::Sweep { limit } => self.sweep(limit).map(AdminReply::Swept),
            AdminCommand::Certify(CertificateCommand::List { organization, limit, after }) => {
                reader.certificates(organization, limit, after.as_ref())
            }
            AdminCommand::Certify(CertificateCommand::Show { reference }) => {
                reader.certificate_file(&reference)
            }
            AdminCommand::Rights(RightsCommand::List { organization, closed, limit }) => {
                reader.requests(organization, closed, limit)
            }
            AdminCommand::Rights(RightsCommand::Show { request }) => reader.request_shown(request),
            AdminCommand::Rights(RightsCommand::Export(export)) => {
                self.export_rights(&export).map(|report| AdminReply::Rights(RightsReply::Exported(report)))
            }
            AdminCommand::People(command) => {
                self.caught_up()?;
                reader.people(command).map(AdminReply::People)
            }
            AdminCommand::Audit(command) => self.audit(command).map(AdminReply::Audited),
            AdminCommand::Evidence(command) => self.evidence(command).map(AdminReply::Evidence),
            AdminCommand::Mail(MailCommand::Due { limit }) => reader.due_mails(limit),
            AdminCommand::Account(command) => self.administer_accounts(command).map(AdminReply::Account),
            AdminCommand::OrganizationKey(command) => {
                self.administer_keys(command).map(AdminReply::OrganizationKey)
            }
            AdminCommand::Consent(command) => self.consent(command).map(AdminReply::Consented),
            AdminCommand::Compliance(command) => {
                self.administer_compliance(command).map(AdminReply::Compliance)
            }
            AdminCommand::Webhook(command) => self.administer_webhooks(command).map(AdminReply::Webhook),
            other => self.on_writer(other),
        }
    }

    /// What a warning says, and to whom: for whoever sends mails in this process.
    ///
    /// # Errors
    /// When there is no such warning, or its person has no address any more.
    pub fn warning_letter(&self, id: WarningId) -> Result<WarningLetter, AdminError> {
        self.0.reader.warning_letter(id)
    }

    /// What a letter says, and to whom: for whoever sends mails in this process.
    ///
    /// # Errors
    /// When there is no such letter, or its person has no address any more.
    pub fn letter(&self, id: fiducia_policy::LetterId) -> Result<crate::Letter, AdminError> {
        self.0.reader.letter(id)
    }

    /// What a bulletin says, and to whom: for whoever sends mails in this process.
    ///
    /// # Errors
    /// When there is no such bulletin, or its administrator has no address any more.
    pub fn bulletin(&self, id: fiducia_policy::BulletinId) -> Result<crate::Bulletin, AdminError> {
        self.0.reader.bulletin(id)
    }

    fn consent(&self, command: ConsentCommand) -> Result<ConsentReply, AdminError> {
        let reader = &self.0.reader;
        match command {
            ConsentCommand::ListNotices { purpose } => reader.notices(purpose),
            ConsentCommand::ShowNotice { identity } => reader.notice(&identity),
            ConsentCommand::Show { subject } => reader.standings(subject),
            ConsentCommand::History { subject, purpose, before, limit } => {
                reader.consent_history(subject, purpose, before, limit)
            }
            ConsentCommand::Receipt { id } => reader.receipt(id),
            ConsentCommand::ListCampaigns => reader.campaigns(),
            ConsentCommand::ShowCampaign { id } => reader.campaign(id),
            ConsentCommand::PreviewCampaign { organization, terms } => {
                reader.preview_campaign(organization, &terms)
            }
            other => match self.on_writer(AdminCommand::Consent(other))? {
                AdminReply::Consented(reply) => Ok(reply),
                _ => Err(AdminError::Storage("the store gave an answer to another question".to_owned())),
            },
        }
    }

    /// Enters a choice of the person that an authenticated caller speaks for. When this returns the choice is durable, in the
    /// log, and effective for every reader. Blocks: call it from a thread that may.
    ///
    /// # Errors
    /// When the channel is not the person's, the choice does not count, or the store fails; the text says what holds.
    pub fn choose(
        &self,
        caller: &Caller,
        channel: ConsentChannel,
        choice: ConsentChoice,
    ) -> Result<ConsentOutcome, AdminError> {
        let speaker = Speaker::Person { key: caller.key, channel };
        self.choose_as(ChoiceRequest::new(caller.subject, choice, speaker))
    }

    /// Enters a choice by one of the person's own ways.
    pub(crate) fn choose_as(&self, request: ChoiceRequest) -> Result<ConsentOutcome, AdminError> {
        let channel = request.speaker.channel();
        if !channel.is_the_persons() {
            return Err(AdminError::Invalid(format!(
                "nobody chooses for themselves by the channel `{channel}`; nothing was changed"
            )));
        }
        self.0
            .handle
            .ask(|reply| Message::Choose(Box::new(request), reply))?
            .blocking_recv()
            .unwrap_or_else(|_| Err(AdminError::Storage("the store's writer has stopped".to_owned())))
    }

    /// Opens records for a purpose that their people consented to, and hands them over one by one. What consent does not
    /// allow is not opened and is listed with its reason. Blocks, and keeps withdrawals waiting until it returns: name few
    /// records, and do little while receiving them.
    ///
    /// # Errors
    /// When the store or a key refuses. What was handed over until then was allowed.
    pub fn open_for_training(
        &self,
        purpose: ConsentPurpose,
        target: &TrainingTarget,
        receive: &mut dyn FnMut(TrainingRecord),
    ) -> Result<TrainingRead, AdminError> {
        self.caught_up()?;
        let read = self.0.reader.open_for_training(purpose, target, receive)?;
        self.0.handle.state.training_records.fetch_add(read.opened, Ordering::Relaxed);
        Ok(read)
    }

    pub(crate) fn person(&self, name: String) -> Result<PersonId, AdminError> {
        match self.on_writer(AdminCommand::NamePerson { name })? {
            AdminReply::Person(id) => Ok(id),
            _ => Err(AdminError::Storage("the store gave an answer to another question".to_owned())),
        }
    }

    fn export_hold(&self, export: HoldExport) -> Result<HoldExportReport, AdminError> {
        let (reader, randomness) = (&self.0.reader, &*self.0.randomness);
        check_ticket(export.ticket.as_deref())?;
        let hold = reader.exportable(export.hold, &export.reviewer)?;
        refuse_posing(&export.actor)?;
        refuse_posing(&export.reviewer)?;
        let operator = export.actor.clone();
        let (actor, reviewer) = (self.person(export.actor)?, self.person(export.reviewer)?);
        self.caught_up()?;
        let (reason, id) = (export.reason, hold.id);
        // The matter is the ticket where no other is given.
        let ticket = export.ticket.clone().unwrap_or_else(|| id.to_string());
        self.handing_over((operator, reason, ticket), HandedOver::Hold(id), |sitting| {
            let sitting = sitting.on_behalf_of(reviewer);
            let request = ExportRequest { hold, actor, reviewer, reason, ticket: export.ticket, sitting };
            reader.export_to_file(&request, &export.recipients, export.out, randomness)
        })
    }

    /// Writes what is kept of a person to files, going on where an earlier attempt stopped.
    fn export_rights(&self, export: &RightsExport) -> Result<RightsExportReport, AdminError> {
        let _alone = self.0.exporting.enter(export.request)?;
        refuse_posing(&export.actor)?;
        let actor = self.person(export.actor.clone())?;
        self.caught_up()?;
        let note = |note| {
            self.0
                .handle
                .ask(|reply| Message::NoteExport(Box::new(note), reply))?
                .blocking_recv()
                .unwrap_or_else(|_| Err(AdminError::Storage("the store's writer has stopped".to_owned())))
        };
        let reader = &self.0.reader;
        let organization = reader.control()?.request(export.request)?.map(|found| found.organization);
        let organization = organization.ok_or_else(|| {
            AdminError::NotFound(format!("there is no {}; nothing was exported", export.request))
        })?;
        let asked = (export.actor.clone(), AccessReason::SubjectRequest, export.request.to_string());
        self.handing_over(asked, HandedOver::Copy(organization, export.request), |sitting| {
            reader.export_for_person(export, (actor, sitting), &*self.0.randomness, &note)
        })
    }

    /// Takes steps until nothing is left to do. Between two steps the writer serves whoever waits.
    fn sweep(&self, limit: Option<u64>) -> Result<RetentionProgress, AdminError> {
        let mut total = RetentionProgress::default();
        loop {
            let reply = self.on_writer(AdminCommand::Govern(RetentionCommand::Step))?;
            let AdminReply::Governed(RetentionReply::Progress(step)) = reply else {
                return Err(AdminError::Storage("the store gave an answer to another question".to_owned()));
            };
            total.add(step);
            let done = total.keys_destroyed.saturating_add(total.records_purged);
            if total.is_done || limit.is_some_and(|limit| done >= limit) {
                self.drop_old_activities()?;
                return Ok(total);
            }
        }
    }

    /// Reads beside the writer.
    pub(crate) fn reader(&self) -> &Reader {
        &self.0.reader
    }

    /// Waits until the index holds everything that was acknowledged.
    pub(crate) fn caught_up(&self) -> Result<(), AdminError> {
        self.0
            .handle
            .ask(Message::CatchUp)?
            .blocking_recv()
            .unwrap_or_else(|_| Err(AdminError::Storage("the store's writer has stopped".to_owned())))
    }

    pub(crate) fn on_writer(&self, command: AdminCommand) -> Result<AdminReply, AdminError> {
        self.0
            .handle
            .ask(|reply| Message::Administer(Box::new(command), reply))?
            .blocking_recv()
            .unwrap_or_else(|_| Err(AdminError::Storage("the store's writer has stopped".to_owned())))
    }

    /// Parses lines and queues them for storage; several chunks may be under way. Blocks while the queue is full.
    ///
    /// # Errors
    /// When there is no such job or it is finished.
    pub fn import_lines<L: AsRef<[u8]>>(
        &self,
        job: [u8; 16],
        first_line: u64,
        lines: &[L],
    ) -> Result<PendingImport, AdminError> {
        if first_line == 0 {
            return Err(AdminError::Invalid("lines are counted from 1".to_owned()));
        }
        if self.0.scribe.is_down() {
            return Err(AdminError::Storage(
                "the ledger cannot be written, so nothing was imported".to_owned(),
            ));
        }
        let found = self.0.reader.import_job(job)?;
        if found.finished_at.is_some() {
            return Err(AdminError::Conflict("this import is finished; nothing was added".to_owned()));
        }
        let chunk = ImportChunk::parse(found, first_line, lines);
        self.0.handle.ask(|reply| Message::Import(Box::new(chunk), reply)).map(PendingImport)
    }

    /// Whether exchanges can be captured and reads logged.
    ///
    /// # Errors
    /// The reason why not, for operators.
    pub fn is_ready(&self) -> Result<(), String> {
        let state = &self.0.handle.state;
        if state.closing.load(Ordering::Acquire) {
            return Err("shutting down".to_owned());
        }
        if self.0.scribe.is_down() {
            return Err("the ledger cannot be written".to_owned());
        }
        if state.down.load(Ordering::Acquire) || self.0.handle.sender.is_closed() {
            return Err("the store cannot be written".to_owned());
        }
        if let Err(error) = self.0.access.require(program()) {
            return Err(format!("the installation's key cannot be used ({})", error.problem.code()));
        }
        if state.failing.load(Ordering::Acquire) {
            return Err("the last exchanges could not be stored; one a second tries again".to_owned());
        }
        Ok(())
    }

    /// What reading waits for while witnesses are away. Whoever asks them tells it what became of that.
    pub fn witness_gate(&self) -> &WitnessGate {
        self.0.scribe.witnesses()
    }

    /// The current instant by custody's clock.
    pub fn now(&self) -> fiducia_policy::Timestamp {
        self.0.clock.now()
    }

    /// Counters for metrics.
    pub fn metrics(&self) -> CustodyMetrics {
        let state = &self.0.handle.state;
        let unwitnessed = self.witness_gate().unwitnessed();
        let since = unwitnessed.since.map_or(0, |since| self.now().as_second() - since.as_second());
        CustodyMetrics {
            unwitnessed_entries: unwitnessed.entries,
            unwitnessed_seconds: u64::try_from(since).unwrap_or(0),
            queued_parts: state.queued_parts.load(Ordering::Relaxed),
            queued_bytes: state.queued_bytes.load(Ordering::Relaxed),
            batches: state.batches.load(Ordering::Relaxed),
            records: state.records.load(Ordering::Relaxed),
            failures: state.failures.load(Ordering::Relaxed),
            ledger_entries: self.0.scribe.entries(),
            open_exchanges: state.open_exchanges.load(Ordering::Relaxed),
            certificates: state.certificates.load(Ordering::Relaxed),
            training_records: state.training_records.load(Ordering::Relaxed),
            mails_failed: state.mails_failed.load(Ordering::Relaxed),
            ended_keys: state.ended_keys.load(Ordering::Relaxed),
            purged_records: state.purged_records.load(Ordering::Relaxed),
            ends_late_seconds: state.ends_late_seconds.load(Ordering::Relaxed),
            purges_late_seconds: state.purges_late_seconds.load(Ordering::Relaxed),
            requests_open: state.requests_open.load(Ordering::Relaxed),
            requests_overdue: state.requests_overdue.load(Ordering::Relaxed),
            requests_due_soon: state.requests_due_soon.load(Ordering::Relaxed),
            mails_given_up: state.mails_given_up.load(Ordering::Relaxed),
            access_alerts: state.access_alerts.load(Ordering::Relaxed),
            feed_held_up: self.0.feed.held_up(),
            webhooks_waiting: state.webhooks_waiting.load(Ordering::Relaxed),
            webhooks_dead: state.webhooks_dead.load(Ordering::Relaxed),
            webhooks_oldest_seconds: state.webhooks_oldest_seconds.load(Ordering::Relaxed),
            webhooks_delivered: state.webhooks_delivered.load(Ordering::Relaxed),
            webhooks_failed: state.webhooks_failed.load(Ordering::Relaxed),
            siem_written: state.siem_written.load(Ordering::Relaxed),
            siem_failures: state.siem_failures.load(Ordering::Relaxed),
            siem_late_seconds: state.siem_late_seconds.load(Ordering::Relaxed),
        }
    }

    /// The verifier key of an organisation's log, as text.
    pub fn ledger_verifier_key(&self, organization: OrganizationId) -> String {
        self.0.names.verifier_of(organization)
    }

    /// Refuses new exchanges, stores what is queued, publishes the ledger, and ends both threads. Blocks.
    pub fn close(&self) {
        self.0.handle.state.closing.store(true, Ordering::Release);
        self.0.keeper.stop();
        self.0.handle.count_in(&Message::Stop);
        // Errors mean that the thread has ended already.
        let _ = self.0.handle.sender.blocking_send(Message::Stop);
        let mut threads = std::mem::take(&mut *self.0.threads.lock().unwrap_or_else(PoisonError::into_inner));
        if let Some(scribe) = threads.pop() {
            for writer in threads {
                let _ = writer.join();
            }
            self.0.scribe.stop();
            let _ = scribe.join();
        }
        let feed = self.0.feed_thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(feed) = feed {
            self.0.feed.stop();
            let _ = feed.join();
        }
        self.0.reader.connections.close();
    }
}

/// A chunk of an import on its way to the disk.
#[derive(Debug)]
pub struct PendingImport(oneshot::Receiver<Result<ImportOutcome, AdminError>>);

impl PendingImport {
    /// Waits until the chunk is durable.
    ///
    /// # Errors
    /// When it could not be stored; the same lines can be sent again.
    pub fn wait(self) -> Result<ImportOutcome, AdminError> {
        self.0
            .blocking_recv()
            .unwrap_or_else(|_| Err(AdminError::Storage("the store's writer has stopped".to_owned())))
    }
}

/// Nobody else may read under the name by which a person reads what is their own: the person would be told that it was them.
pub(crate) fn refuse_posing(actor: &str) -> Result<(), AdminError> {
    if actor.starts_with(SubjectId::PREFIX) {
        return Err(AdminError::Invalid(
            "whoever reads what is another's does it under a name of their own; nothing was decrypted"
                .to_owned(),
        ));
    }
    Ok(())
}
