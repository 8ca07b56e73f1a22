//! Reading: lists without content, and content for a person after a durable access entry.

use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use fiducia_keyring::{RecordBinding, SealedRecord, release};
use fiducia_ledger::{ACCESS_RECORDS_MAX, AccessReceipt, SigningKey};
use fiducia_policy::{
    Clock, ConversationId, GroundKind, KeyId, OrganizationId, Pseudonym, RecordId, ReleaseAuthority,
    SubjectId, Timestamp,
};
use fiducia_store::{
    ActivityStore, Bucket, Connections, ControlStore, ConversationRecord, DataDirectory, KeyKind, KeyNode,
    KeyStore, Lent, RightsStatement, StoredRecord, StoredWrap,
};

use crate::administer::hex;
use fiducia_wire::{Wire, texts};

use crate::administration::{
    ConversationContent, ConversationRow, OrganizationRow, RecordContent, RecordRow, SubjectRow,
    VirtualKeyRow,
};
use crate::callers::{Callers, parse_scopes};
use crate::destruction::ground_of;
pub(crate) use crate::envelopes::Envelopes;
use crate::envelopes::decoded;
use crate::keychain::Keychain;
use crate::keys::KeyAccess;
use crate::log_keys::LedgerNames;
use crate::looking::{Gate, Sitting, ToRead};
use crate::payload::{self, Header};
use crate::retention::governance::{Governance, PersonTerms};
use crate::retention::worker::end_of_service_key;
use crate::scribe::Scribe;
use crate::{AdminError, AdminReply, WitnessTerms};

/// How long a person's permission to read lasts, in seconds.
pub(crate) const ACCESS_SECONDS: i64 = 900;
const LIST_ROWS_MAX: u32 = 1_000;
const RECORDS_PER_STEP: u32 = 500;
/// Longest case or ticket number.
const TICKET_BYTES_MAX: usize = 64;

/// Reads with connections of its own, beside the writer.
#[derive(Clone)]
pub(crate) struct Reader {
    pub(crate) root: PathBuf,
    pub(crate) connections: Arc<Connections>,
    pub(crate) access: Arc<KeyAccess>,
    pub(crate) callers: Arc<Callers>,
    pub(crate) governance: Governance,
    /// Who may read, and how much.
    pub(crate) gate: Arc<Gate>,
    pub(crate) scribe: Scribe,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) readers: Arc<RwLock<()>>,
    pub(crate) names: LedgerNames,
    /// Signs receipts of consent.
    pub(crate) consent_signing: SigningKey,
    /// Who cosigns the logs.
    pub(crate) witnesses: Option<Arc<WitnessTerms>>,
}

impl Reader {
    /// Holds destruction off while something is read.
    pub(crate) fn reading(&self) -> RwLockReadGuard<'_, ()> {
        self.readers.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn control(&self) -> Result<Lent<ControlStore>, AdminError> {
        Ok(self.connections.control()?)
    }

    pub(crate) fn keys(&self) -> Result<Lent<KeyStore>, AdminError> {
        Ok(self.connections.keys()?)
    }

    pub(crate) fn place(&self) -> Bucket {
        Bucket::in_directory(DataDirectory::records(&self.root))
    }

    pub(crate) fn organizations(&self) -> Result<AdminReply, AdminError> {
        let _reading = self.reading();
        let rows = self.control()?.organizations()?.into_iter().map(|record| OrganizationRow {
            id: record.id,
            ledger_origin: self.names.origin_of(record.id),
            ledger_verifier_key: self.names.verifier_of(record.id),
            ledger_ecdsa_verifier_key: self.names.ecdsa_of(record.id),
            ledger_verifier_keys: self.names.key_texts(record.id),
            name: record.name,
            plan: record.terms.plan,
            tier: record.terms.tier,
            agreement: record.terms.agreement,
            custom_retention: record.terms.custom_retention,
            created_at: record.created_at,
        });
        Ok(AdminReply::Organizations(rows.collect()))
    }

    pub(crate) fn virtual_keys(
        &self,
        organization: Option<fiducia_policy::OrganizationId>,
    ) -> Result<AdminReply, AdminError> {
        let _reading = self.reading();
        let keys = self.control()?.virtual_keys()?;
        let rows = keys.into_iter().filter(|key| organization.is_none_or(|id| id == key.organization));
        let rows = rows.map(|key| VirtualKeyRow {
            id: key.id,
            organization: key.organization,
            workspace: key.workspace_name,
            subject: key.subject,
            scopes: parse_scopes(&key.scopes).iter().collect(),
            class: key.class,
            created_at: key.created_at,
            expires_at: key.expires_at,
            revoked_at: key.revoked_at,
        });
        Ok(AdminReply::VirtualKeys(rows.collect()))
    }

    pub(crate) fn subjects(
        &self,
        organization: fiducia_policy::OrganizationId,
    ) -> Result<AdminReply, AdminError> {
        let _reading = self.reading();
        let rows = self.control()?.subjects(organization)?.into_iter().map(
            |(subject, conversations, has_contact)| SubjectRow {
                id: subject.id,
                created_at: subject.created_at,
                plan: subject.plan,
                training_allowed: subject.training_allowed,
                has_contact,
                closed_at: subject.closed_at,
                erased_at: subject.erased_at,
                conversations,
            },
        );
        Ok(AdminReply::Subjects(rows.collect()))
    }

    pub(crate) fn conversations(
        &self,
        organization: Option<fiducia_policy::OrganizationId>,
        subject: Option<SubjectId>,
        deleted: bool,
        limit: u32,
        after: Option<ConversationId>,
    ) -> Result<AdminReply, AdminError> {
        if limit == 0 || limit > LIST_ROWS_MAX {
            return Err(AdminError::Invalid(format!(
                "a list has 1 to {LIST_ROWS_MAX} rows; page with --after"
            )));
        }
        let _reading = self.reading();
        let (control, keys) = (self.control()?, self.keys()?);
        let found = control.conversations(organization, subject, deleted, after, limit)?;
        let rows: Result<Vec<_>, _> =
            found.iter().map(|conversation| self.conversation_row(conversation, &control, &keys)).collect();
        Ok(AdminReply::Conversations(rows?))
    }

    /// One conversation, also when it is hidden.
    pub(crate) fn conversation(&self, id: ConversationId) -> Result<AdminReply, AdminError> {
        let _reading = self.reading();
        let (control, keys) = (self.control()?, self.keys()?);
        let found =
            control.conversation(id)?.ok_or_else(|| AdminError::NotFound(format!("there is no {id}")))?;
        Ok(AdminReply::Conversations(vec![self.conversation_row(&found, &control, &keys)?]))
    }

    pub(crate) fn conversation_row(
        &self,
        conversation: &ConversationRecord,
        control: &ControlStore,
        keys: &KeyStore,
    ) -> Result<ConversationRow, AdminError> {
        Ok(ConversationRow {
            id: conversation.id,
            organization: conversation.organization,
            subject: conversation.subject,
            created_at: conversation.created_at,
            last_active_at: conversation.last_active_at,
            records: conversation.records,
            deleted_at: conversation.deleted_at,
            starred_at: conversation.starred_at,
            ends_at: self.service_end(conversation, control, keys)?,
            warned_at: conversation.warned_at,
            destroyed_at: conversation.destroyed_at,
        })
    }

    /// When the last key for the person's own use ends, as things stand.
    fn service_end(
        &self,
        conversation: &ConversationRecord,
        control: &ControlStore,
        keys: &KeyStore,
    ) -> Result<Option<Timestamp>, AdminError> {
        let Some(terms) = self.callers.terms(conversation.organization) else { return Ok(None) };
        let person =
            control.subject(conversation.subject)?.map_or_else(PersonTerms::default, |row| (&row).into());
        let end = self.governance.service_end(terms, person, conversation);
        let living = keys.conversation_keys(conversation.id)?;
        let ends = living.iter().filter(|node| node.kind == KeyKind::Conversation);
        // One that only an event ends outlasts them all.
        let ends: Option<Vec<_>> = ends.map(|node| end_of_service_key(node, end)).collect();
        Ok(ends.and_then(|ends| ends.into_iter().max()))
    }

    pub(crate) fn records(&self, conversation: ConversationId) -> Result<AdminReply, AdminError> {
        let _reading = self.reading();
        let control = self.control()?;
        self.refuse_destroyed(&control, conversation)?;
        let records = self.conversation_records(conversation)?;
        let keys = self.keys()?;
        let rows: Result<Vec<_>, _> = records.iter().map(|record| row(record, &keys)).collect();
        Ok(AdminReply::Records(rows?))
    }

    pub(crate) fn refuse_destroyed(
        &self,
        control: &ControlStore,
        conversation: ConversationId,
    ) -> Result<(), AdminError> {
        let found = control
            .conversation(conversation)?
            .ok_or_else(|| AdminError::NotFound(format!("there is no {conversation}")))?;
        match found.destroyed_at {
            Some(at) if self.conversation_records(conversation)?.is_empty() => Err(AdminError::Destroyed(
                format!("{conversation} was destroyed at {at}; its keys are gone and nobody can read it"),
            )),
            _ => Ok(()),
        }
    }

    pub(crate) fn conversation_records(
        &self,
        conversation: ConversationId,
    ) -> Result<Vec<StoredRecord>, AdminError> {
        let place = self.place();
        let mut found = Vec::new();
        for name in place.names()? {
            let bucket = place.open_for_reading(&name)?;
            let mut after = 0;
            loop {
                let step = bucket.conversation(conversation, after, RECORDS_PER_STEP)?;
                let Some((last, _)) = step.last() else { break };
                after = *last;
                found.extend(step.into_iter().map(|(_, record)| record));
            }
        }
        // Stable: records of one instant, as an import's are, stay in the order in which they were committed.
        found.sort_by_key(|record| record.created_at);
        Ok(found)
    }

    pub(crate) fn one_record(&self, id: RecordId) -> Result<StoredRecord, AdminError> {
        let place = self.place();
        for name in place.names()? {
            if let Some(record) = place.open_for_reading(&name)?.record(id)? {
                return Ok(record);
            }
        }
        Err(AdminError::NotFound(format!("there is no {id}; it never was, or it was destroyed and purged")))
    }

    /// Decrypts records of one conversation for a person: first the entry, then the keys. Whoever calls it reads, and holds
    /// destruction off.
    pub(crate) fn read(
        &self,
        sitting: &Sitting,
        records: &[StoredRecord],
        (path, event): (ReadPath, [u8; 16]),
    ) -> Result<ConversationContent, AdminError> {
        self.read_within(sitting, records, (path, event), &mut Envelopes::default())
    }

    /// As [`Self::read`], with or without what stands around the messages of requests.
    pub(crate) fn read_within(
        &self,
        sitting: &Sitting,
        records: &[StoredRecord],
        (path, event): (ReadPath, [u8; 16]),
        envelopes: &mut Envelopes,
    ) -> Result<ConversationContent, AdminError> {
        let (conversation, subject) = records
            .first()
            .map(|record| (record.conversation, record.subject))
            .ok_or_else(|| AdminError::NotFound("there are no records to read".to_owned()))?;
        if records.len() > ACCESS_RECORDS_MAX {
            return Err(AdminError::Invalid(format!(
                "one access covers at most {ACCESS_RECORDS_MAX} records and this conversation has {}; read single records",
                records.len()
            )));
        }
        let keys = self.keys()?;
        let mut has_path = false;
        for record in records {
            has_path |= wrap_for(record, path, &keys)?.is_some();
        }
        if !has_path {
            return Err(AdminError::Destroyed(format!(
                "no key path is left for the ground {}; nobody can read this for that purpose",
                sitting.ground().name()
            )));
        }
        let pseudonym =
            self.control()?.subject(subject)?.and_then(|subject| subject.pseudonym).ok_or_else(|| {
                AdminError::Destroyed("the person was erased; what is left cannot be read".to_owned())
            })?;
        let to_read: Vec<ToRead> = records.iter().map(ToRead::from).collect();
        let receipt = self.enter(sitting, event, &to_read)?;
        let contents = self.open(&receipt, records, pseudonym, path, envelopes)?;
        let proof = receipt.entry();
        Ok(ConversationContent {
            conversation,
            ledger_index: proof.index,
            ledger_leaf_hash: hex(&proof.leaf_hash),
            sight: sitting.sight(),
            records: contents,
        })
    }

    /// Opens records under a receipt. INVARIANT: here and in [`Self::open_statement`] alone is content decrypted for a person, and
    /// the receipt proves that the entry is durable.
    pub(crate) fn open(
        &self,
        receipt: &AccessReceipt,
        records: &[StoredRecord],
        pseudonym: Pseudonym,
        path: ReadPath,
        envelopes: &mut Envelopes,
    ) -> Result<Vec<RecordContent>, AdminError> {
        let keys = self.keys()?;
        self.open_with(&keys, receipt, records, (pseudonym, path), envelopes)
    }

    /// As [`Self::open`], for whoever has the key store open already.
    pub(crate) fn open_with(
        &self,
        keys: &KeyStore,
        receipt: &AccessReceipt,
        records: &[StoredRecord],
        (pseudonym, path): (Pseudonym, ReadPath),
        envelopes: &mut Envelopes,
    ) -> Result<Vec<RecordContent>, AdminError> {
        if !receipt.valid_at(self.clock.now()) {
            return Err(AdminError::Conflict("the permission to read has expired; ask again".to_owned()));
        }
        // Made anew each time: a key that is remembered could outlive its destruction.
        let mut keychain = Keychain::new(Arc::clone(&self.access));
        let mut opened = Vec::new();
        for record in records {
            let Some(wrap) = wrap_for(record, path, keys)? else { continue };
            let parent = keychain.key(keys, wrap.parent)?;
            let binding = RecordBinding {
                organization: record.organization,
                pseudonym,
                record: record.id,
                schema_version: record.schema_version,
                key_version: record.key_version,
            };
            let sealed =
                SealedRecord { ciphertext: record.ciphertext.clone(), commitment: record.commitment };
            let plaintext =
                release(receipt, record.id, wrap.parent, &parent, &wrap.wrap)?.open(&binding, &sealed)?;
            opened.push((record, plaintext));
        }
        // First all envelopes: in order of time a record may come before the one that holds its head and tail, since
        // requests are stored in the order in which they were whole, not in which they began.
        for (record, plaintext) in &opened {
            envelopes.take_in(record, plaintext)?;
        }
        opened
            .iter()
            .map(|(record, plaintext)| content(row(record, keys)?, record, plaintext, envelopes))
            .collect()
    }

    /// Opens what a person wrote to correct a record, under a receipt as [`Self::open`] does. It is sealed as a record is.
    pub(crate) fn open_statement(
        &self,
        receipt: &AccessReceipt,
        statement: &RightsStatement,
        (organization, pseudonym): (OrganizationId, Pseudonym),
    ) -> Result<String, AdminError> {
        if !receipt.valid_at(self.clock.now()) {
            return Err(AdminError::Conflict("the permission to read has expired; ask again".to_owned()));
        }
        let keys = self.keys()?;
        let parent = Keychain::new(Arc::clone(&self.access)).key(&keys, statement.parent)?;
        let binding = RecordBinding {
            organization,
            pseudonym,
            record: statement.record,
            schema_version: payload::SCHEMA_VERSION,
            key_version: RecordBinding::KEY_VERSION,
        };
        let sealed =
            SealedRecord { ciphertext: statement.ciphertext.clone(), commitment: statement.commitment };
        let opened = release(receipt, statement.record, statement.parent, &parent, &statement.wrap)?
            .open(&binding, &sealed)?;
        Ok(String::from_utf8_lossy(&opened).into_owned())
    }

    /// One import job.
    pub(crate) fn import_job(&self, id: [u8; 16]) -> Result<fiducia_store::ImportJob, AdminError> {
        let _reading = self.reading();
        self.control()?
            .import_job(id)?
            .ok_or_else(|| AdminError::NotFound("there is no such import; begin it first".to_owned()))
    }

    /// Names and numbers for `fiducia doctor`.
    pub(crate) fn status(&self) -> Result<Vec<(String, String)>, AdminError> {
        let _reading = self.reading();
        let mut status = Vec::new();
        let control = self.control()?;
        let keys = self.keys()?;
        status.push(("organizations".to_owned(), control.organizations()?.len().to_string()));
        status.push(("control.db".to_owned(), control.problem()?.unwrap_or_else(|| "ok".to_owned())));
        status.push(("keys.db".to_owned(), keys.problem()?.unwrap_or_else(|| "ok".to_owned())));
        let activities = ActivityStore::open_for_reading(&DataDirectory::activities(&self.root))?;
        status.push(("activities.db".to_owned(), activities.problem()?.unwrap_or_else(|| "ok".to_owned())));
        for (kind, count) in keys.census()? {
            status.push((format!("keys: {kind}"), count.to_string()));
        }
        let place = self.place();
        for name in place.names()? {
            let bucket = place.open_for_reading(&name)?;
            let (records, bytes) = bucket.size()?;
            let label = |what: &str| format!("records/{}.db: {what}", name.as_str());
            status.push((label("check"), bucket.problem()?.unwrap_or_else(|| "ok".to_owned())));
            status.push((label("records"), records.to_string()));
            status.push((label("sealed bytes"), bytes.to_string()));
        }
        for (kind, counts) in control.mail_counts()? {
            let mails = format!("mails about {kind}s");
            for (state, count) in
                [("waiting", counts.waiting), ("sent", counts.sent), ("given up", counts.given_up)]
            {
                if count > 0 {
                    status.push((format!("{mails} {state}"), count.to_string()));
                }
            }
        }
        status.push(("ledger entries since start".to_owned(), self.scribe.entries().to_string()));
        Ok(status)
    }
}

pub(crate) fn row(record: &StoredRecord, keys: &KeyStore) -> Result<RecordRow, AdminError> {
    let mut grounds = Vec::new();
    for wrap in record.wraps() {
        let Some(node) = keys.node(wrap.parent)? else { continue };
        if let Some(ground) = ground_of(&node) {
            grounds.push((ground, end_of(&node, keys)?));
        }
    }
    Ok(RecordRow {
        id: record.id,
        exchange: record.exchange,
        kind: record.kind.name().to_owned(),
        wire: record.wire.clone(),
        model: record.model.clone(),
        created_at: record.created_at,
        sealed_bytes: u64::try_from(record.ciphertext.len()).unwrap_or(u64::MAX),
        grounds,
    })
}

/// When a path ends by itself: with its own key or with the root above it.
pub(crate) fn end_of(node: &KeyNode, keys: &KeyStore) -> Result<Option<Timestamp>, AdminError> {
    let root = keys.edge(node.id)?.and_then(|edge| edge.parent);
    let root = root.map(|root| keys.node(root)).transpose()?.flatten();
    Ok([node.ends_at, root.and_then(|root| root.ends_at)].into_iter().flatten().min())
}

fn content(
    row: RecordRow,
    record: &StoredRecord,
    plaintext: &[u8],
    envelopes: &Envelopes,
) -> Result<RecordContent, AdminError> {
    let (header, bytes) = decoded(record, plaintext)?;
    let (mut status, mut outcome, mut elided) = (None, None, 0);
    let raw = match header {
        Header::Request { elided: left_out, new, head, envelope, .. } => {
            elided = left_out;
            // The holder may have been deleted, or may lie outside of what was asked for.
            let (before, after) = envelopes.around(envelope.unwrap_or(record.id));
            let new = bytes.get(head..head + new).unwrap_or_default();
            payload::request_bytes(before, new, after).to_vec()
        }
        Header::Answer { status: code, outcome: how, .. } => {
            (status, outcome) = (Some(code), Some(how));
            bytes.to_vec()
        }
        Header::Turn {} => bytes.to_vec(),
    };
    let (raw_text, raw_is_text) = match std::str::from_utf8(&raw) {
        Ok(text) => (text.to_owned(), true),
        Err(_) => (STANDARD.encode(&raw), false),
    };
    Ok(RecordContent {
        row,
        status,
        outcome,
        texts: display_texts(&record.wire, &raw),
        raw: raw_text,
        raw_is_text,
        messages_elided: elided,
    })
}

/// The path by which a record is read.
#[derive(Debug, Clone, Copy)]
pub(crate) enum ReadPath {
    /// Any path of this ground.
    Ground(GroundKind),
    /// The path that hangs from the key of one hold.
    Hold(KeyId),
}

/// The wrap of a record on a path.
pub(crate) fn wrap_for<'a>(
    record: &'a StoredRecord,
    path: ReadPath,
    keys: &KeyStore,
) -> Result<Option<&'a StoredWrap>, AdminError> {
    match path {
        ReadPath::Ground(GroundKind::Service) => Ok(record.service.as_ref()),
        ReadPath::Ground(GroundKind::SafetyWindow) => Ok(record.safety.as_ref()),
        ReadPath::Ground(ground) => {
            held_wrap(record, |wrap| Ok(keys.node(wrap.parent)?.as_ref().and_then(ground_of) == Some(ground)))
        }
        ReadPath::Hold(root) => {
            held_wrap(record, |wrap| Ok(keys.edge(wrap.parent)?.and_then(|edge| edge.parent) == Some(root)))
        }
    }
}

fn held_wrap(
    record: &StoredRecord,
    is_wanted: impl Fn(&StoredWrap) -> Result<bool, AdminError>,
) -> Result<Option<&StoredWrap>, AdminError> {
    for wrap in &record.held {
        if is_wanted(wrap)? {
            return Ok(Some(wrap));
        }
    }
    Ok(None)
}

pub(crate) fn check_ticket(ticket: Option<&str>) -> Result<(), AdminError> {
    let fits = |ticket: &str| {
        (1..=TICKET_BYTES_MAX).contains(&ticket.len())
            && ticket.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
    };
    match ticket {
        Some(ticket) if !fits(ticket) => Err(AdminError::Invalid(
            "a ticket has 1 to 64 of A-Z a-z 0-9 . _ - : it goes into the ledger, where personal data must not be"
                .to_owned(),
        )),
        _ => Ok(()),
    }
}

/// The texts of a record, for display. A request whose envelope is not at hand is a list of messages without brackets.
fn display_texts(wire: &str, raw: &[u8]) -> Vec<(String, String)> {
    let wire = wire.parse().unwrap_or(Wire::AnthropicMessages);
    let found = texts(wire, raw).or_else(|_| {
        let list: Vec<u8> = [b"[".as_slice(), raw, b"]"].concat();
        texts(wire, &list)
    });
    let found = found.unwrap_or_default().into_iter();
    found.map(|text| (text.role.name().to_owned(), text.text)).collect()
}
