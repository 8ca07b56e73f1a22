//! One file of an export: conversations, read after durable access entries, and what the ledger says about them.
//!
//! In memory is a step of records, a page of the list, the ids of the records and the list of the files; the number of
//! conversations in a file is bounded, so that memory is too, however many there are in all.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::io::Write;

use fiducia_ledger::{ACCESS_RECORDS_MAX, AccessReceipt};
use fiducia_policy::{
    ConversationId, ExchangeId, GroundKind, Pseudonym, Randomness, RecordId, Situation, Timestamp,
};
use fiducia_store::{
    BucketName, ControlStore, ConversationRecord, KeyStore, Lent, RecordBucket, RightsRecord, StoredRecord,
    SubjectRecord,
};

use super::document::{
    ContentDocument, ConversationDocument, ExportDocument, FORMAT, GroundDocument, MessageDocument,
    RecordDocument,
};
use super::pages::{ConversationPage, ListPage, ListRow, page};
use crate::AdminError;
use crate::administration::{RecordContent, RecordRow};
use crate::looking::{Sitting, ToRead};
use crate::reading::{Envelopes, ReadPath, Reader, row};
use crate::retention::archive::Archive;
use crate::retention::governance::{PersonTerms, situation};

/// Conversations looked at in one step, which is also the length of a list's page.
pub(super) const CONVERSATIONS_PER_PAGE: u32 = 500;
/// Records of a conversation looked at in one step.
const RECORDS_PER_STEP: u32 = 64;
/// Records decrypted in one step, and about how many bytes of ciphertext: one part of a conversation.
const DECRYPTED_RECORDS_MAX: usize = 64;
const DECRYPTED_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Whose export it is.
pub(super) struct Exported {
    pub(super) request: RightsRecord,
    pub(super) subject: SubjectRecord,
    pub(super) pseudonym: Pseudonym,
    /// In what its looks are taken.
    pub(super) sitting: Sitting,
}

/// A record, before it is read.
struct Reference {
    bucket: BucketName,
    id: RecordId,
    created_at: Timestamp,
    sealed_bytes: usize,
    is_readable: bool,
    read: ToRead,
}

/// A conversation that waits for an access entry.
struct Waiting {
    conversation: ConversationRecord,
    references: Vec<Reference>,
}

/// What was found of conversations.
pub(super) struct Filled {
    pub(super) last: Option<ConversationId>,
    pub(super) is_final: bool,
}

/// Files that are read again and again, opened once. Between two reads they hold nothing back: each read is a statement of
/// its own.
struct Open {
    control: Lent<ControlStore>,
    keys: Lent<KeyStore>,
    buckets: HashMap<BucketName, RecordBucket>,
}

impl Open {
    fn new(reader: &Reader) -> Result<Self, AdminError> {
        Ok(Self { control: reader.control()?, keys: reader.keys()?, buckets: HashMap::new() })
    }

    /// A bucket; `None` once it was removed because its day had come.
    fn bucket(&mut self, reader: &Reader, name: BucketName) -> Result<Option<&RecordBucket>, AdminError> {
        let place = reader.place();
        if !place.names()?.contains(&name) {
            self.buckets.remove(&name);
            return Ok(None);
        }
        Ok(Some(match self.buckets.entry(name) {
            Entry::Occupied(open) => open.into_mut(),
            Entry::Vacant(place_for) => place_for.insert(place.open_for_reading(&name)?),
        }))
    }
}

/// A file under construction.
pub(super) struct Volume<'a, W: Write> {
    pub(super) reader: &'a Reader,
    pub(super) exported: &'a Exported,
    pub(super) randomness: &'a dyn Randomness,
    pub(super) archive: Archive<W>,
    pub(super) number: u32,
    pub(super) conversations: u64,
    pub(super) records: u64,
    pub(super) listed_only: u64,
    pub(super) access_entries: Vec<u64>,
    open: Open,
    waiting: Vec<Waiting>,
    waiting_readable: usize,
    rows: Vec<ListRow>,
    pages: u64,
    /// The records in it, for finding who looked at them.
    pub(super) ids: Vec<RecordId>,
    /// What the policy says about grounds, by situation.
    clauses: Vec<(Situation, HashMap<&'static str, GroundDocument>)>,
}

impl<'a, W: Write> Volume<'a, W> {
    pub(super) fn new(
        reader: &'a Reader,
        exported: &'a Exported,
        randomness: &'a dyn Randomness,
        archive: Archive<W>,
        number: u32,
    ) -> Result<Self, AdminError> {
        Ok(Self {
            open: Open::new(reader)?,
            reader,
            exported,
            randomness,
            archive,
            number,
            conversations: 0,
            records: 0,
            listed_only: 0,
            access_entries: Vec::new(),
            waiting: Vec::new(),
            waiting_readable: 0,
            rows: Vec::new(),
            pages: 0,
            ids: Vec::new(),
            clauses: Vec::new(),
        })
    }

    /// Writes conversations after `after`, at most `most`.
    pub(super) fn fill(&mut self, after: Option<ConversationId>, most: u32) -> Result<Filled, AdminError> {
        let (mut last, mut left) = (after, most);
        let is_final = loop {
            let step = left.min(CONVERSATIONS_PER_PAGE);
            if step == 0 {
                // Whether anything comes after it is found out by looking.
                break self.conversations_after(last, 1)?.is_empty();
            }
            let conversations = self.conversations_after(last, step)?;
            let Some(found) = conversations.last() else { break true };
            last = Some(found.id);
            left = left.saturating_sub(u32::try_from(conversations.len()).unwrap_or(u32::MAX));
            for conversation in conversations {
                self.take_in(conversation)?;
            }
        };
        self.flush()?;
        self.end_page()?;
        Ok(Filled { last, is_final })
    }

    fn conversations_after(
        &self,
        after: Option<ConversationId>,
        most: u32,
    ) -> Result<Vec<ConversationRecord>, AdminError> {
        let subject = Some(self.exported.subject.id);
        Ok(self.open.control.conversations_in_order(None, subject, after, most)?)
    }

    fn take_in(&mut self, conversation: ConversationRecord) -> Result<(), AdminError> {
        let references = self.references(&conversation)?;
        let readable = references.iter().filter(|reference| reference.is_readable).count();
        if self.waiting_readable + readable > ACCESS_RECORDS_MAX || self.waiting.len() >= ACCESS_RECORDS_MAX {
            self.flush()?;
        }
        self.waiting_readable += readable;
        self.waiting.push(Waiting { conversation, references });
        Ok(())
    }

    /// The records of a conversation, in order of time.
    fn references(&mut self, conversation: &ConversationRecord) -> Result<Vec<Reference>, AdminError> {
        let reader = self.reader;
        let _reading = reader.reading();
        let mut found = Vec::new();
        for name in &conversation.buckets {
            let mut after = 0;
            while let Some(bucket) = self.open.bucket(reader, *name)? {
                let step = bucket.conversation(conversation.id, after, RECORDS_PER_STEP)?;
                let Some((last, _)) = step.last() else { break };
                after = *last;
                for (_, record) in &step {
                    found.push(Reference {
                        bucket: *name,
                        id: record.id,
                        created_at: record.created_at,
                        sealed_bytes: record.ciphertext.len(),
                        is_readable: is_readable(record, &self.open.keys)?,
                        // An export is told as one look at the person, not as one at each conversation.
                        read: ToRead { conversation: None, ..ToRead::from(record) },
                    });
                }
            }
        }
        // Stable: records of one instant stay in the order in which they were committed.
        found.sort_by_key(|reference| reference.created_at);
        Ok(found)
    }

    /// First the entry that names the records, then what they say.
    fn flush(&mut self) -> Result<(), AdminError> {
        self.waiting_readable = 0;
        let waiting = std::mem::take(&mut self.waiting);
        let together: Vec<ToRead> = waiting.iter().flat_map(|one| readable(&one.references)).collect();
        let receipt = if (1..=ACCESS_RECORDS_MAX).contains(&together.len()) {
            Some(self.access(&together)?)
        } else {
            None
        };
        for Waiting { conversation, references } in &waiting {
            let (mut parts, mut envelopes) = (0, Envelopes::default());
            // Only a conversation that came alone has more records than one entry names.
            let mut chunks = references.chunks(ACCESS_RECORDS_MAX).peekable();
            while let Some(chunk) = chunks.next() {
                let ids = readable(chunk);
                let own = match &receipt {
                    None if !ids.is_empty() => Some(self.access(&ids)?),
                    _ => None,
                };
                let receipt = receipt.as_ref().or(own.as_ref());
                parts = self.write_parts(
                    conversation,
                    chunk,
                    (receipt, &mut envelopes),
                    (parts, chunks.peek().is_some()),
                )?;
            }
            self.end_conversation(conversation, references, parts)?;
        }
        Ok(())
    }

    pub(super) fn access(&mut self, records: &[ToRead]) -> Result<AccessReceipt, AdminError> {
        let now = self.reader.clock.now();
        let event = ExchangeId::generate(now, self.randomness)?;
        let receipt = self.reader.enter(&self.exported.sitting, *event.as_bytes(), records)?;
        self.access_entries.push(receipt.proof().index);
        Ok(receipt)
    }

    /// Writes records of one conversation; gives how many parts it has by now.
    fn write_parts(
        &mut self,
        conversation: &ConversationRecord,
        references: &[Reference],
        (receipt, envelopes): (Option<&AccessReceipt>, &mut Envelopes),
        (mut parts, more_follows): (u32, bool),
    ) -> Result<u32, AdminError> {
        let mut rest = references;
        while !rest.is_empty() {
            let (step, later) = rest.split_at(step_of(rest));
            rest = later;
            parts += 1;
            let records = self.records_of(conversation, step, receipt, envelopes)?;
            self.ids.extend(step.iter().map(|reference| reference.id));
            let document = ConversationDocument {
                format: FORMAT,
                conversation: conversation.id.to_string(),
                part: parts,
                class: conversation.terms.class.name().to_owned(),
                started_at: time(conversation.created_at),
                last_active_at: time(conversation.last_active_at),
                deleted_at: conversation.deleted_at.map(time),
                records,
            };
            let name = part_name(conversation.id, parts);
            let text = page(&ConversationPage {
                conversation: &document,
                has_next: more_follows || !rest.is_empty(),
            })?;
            self.archive.begin(format!("{name}.json"))?;
            self.archive.value(&ExportDocument::Conversation(&document))?;
            self.archive.end()?;
            self.archive.file(format!("{name}.html"), text.as_bytes())?;
        }
        Ok(parts)
    }

    /// What a few records say, as far as the person's own key path leads to them.
    fn records_of(
        &mut self,
        conversation: &ConversationRecord,
        step: &[Reference],
        receipt: Option<&AccessReceipt>,
        envelopes: &mut Envelopes,
    ) -> Result<Vec<RecordDocument>, AdminError> {
        let reader = self.reader;
        let _reading = reader.reading();
        let living = self.open.control.subject(self.exported.subject.id)?;
        if living.is_none_or(|row| row.pseudonym != Some(self.exported.pseudonym) || row.erased_at.is_some())
        {
            return Err(AdminError::Destroyed(
                "the person was erased meanwhile; the export was stopped and this file of it removed"
                    .to_owned(),
            ));
        }
        let stored = self.stored(step)?;
        let mut openable = Vec::new();
        for (record, reference) in &stored {
            // What was not in the entry stays closed, also when a path has come meanwhile.
            if reference.is_readable && is_readable(record, &self.open.keys)? {
                openable.push(record.clone());
            }
        }
        let path = (self.exported.pseudonym, ReadPath::Ground(GroundKind::Service));
        let opened = match receipt {
            Some(receipt) => reader.open_with(&self.open.keys, receipt, &openable, path, envelopes)?,
            None => Vec::new(),
        };
        let mut contents: HashMap<RecordId, RecordContent> =
            opened.into_iter().map(|content| (content.row.id, content)).collect();
        let mut documents = Vec::with_capacity(stored.len());
        for (record, _) in &stored {
            let content = contents.remove(&record.id);
            self.records += 1;
            self.listed_only += u64::from(content.is_none());
            let described = match &content {
                Some(content) => content.row.clone(),
                None => row(record, &self.open.keys)?,
            };
            documents.push(self.record_document(conversation, record, described, content));
        }
        Ok(documents)
    }

    fn stored<'r>(
        &mut self,
        step: &'r [Reference],
    ) -> Result<Vec<(StoredRecord, &'r Reference)>, AdminError> {
        let mut records = Vec::with_capacity(step.len());
        for reference in step {
            if let Some(bucket) = self.open.bucket(self.reader, reference.bucket)? {
                records.extend(bucket.record(reference.id)?.map(|record| (record, reference)));
            }
        }
        Ok(records)
    }

    fn record_document(
        &mut self,
        conversation: &ConversationRecord,
        record: &StoredRecord,
        described: RecordRow,
        content: Option<RecordContent>,
    ) -> RecordDocument {
        RecordDocument {
            record: described.id.to_string(),
            exchange: described.exchange.to_string(),
            kind: described.kind,
            wire: described.wire,
            model: described.model,
            captured_at: time(described.created_at),
            grounds: described
                .grounds
                .into_iter()
                .map(|(ground, until)| self.ground_document(conversation, record, ground, until))
                .collect(),
            content: content.map(|content| ContentDocument {
                status: content.status,
                outcome: content.outcome.and_then(|outcome| {
                    serde_json::to_value(outcome).ok().and_then(|value| value.as_str().map(str::to_owned))
                }),
                messages: content
                    .texts
                    .into_iter()
                    .map(|(role, text)| MessageDocument { role, text })
                    .collect(),
                messages_elided: content.messages_elided,
                raw: content.raw,
                raw_is_text: content.raw_is_text,
            }),
        }
    }

    fn ground_document(
        &mut self,
        conversation: &ConversationRecord,
        record: &StoredRecord,
        ground: GroundKind,
        until: Option<Timestamp>,
    ) -> GroundDocument {
        let known =
            self.clauses_of(conversation, record).and_then(|clauses| clauses.get(ground.name()).cloned());
        let document = known.unwrap_or_else(|| GroundDocument {
            ground: ground.name().to_owned(),
            purpose: ground.purpose().dpv_term().to_owned(),
            basis: None,
            until: None,
            clauses: Vec::new(),
        });
        let until = self.end_as_things_stand(conversation, record, ground, until);
        GroundDocument { until: until.map(time), ..document }
    }

    /// When a ground ends, as things stand: a choice or a deletion of a moment ago moves the end of the person's own use before
    /// the worker has written it on the key, whose date is `until`. Other ends are as the keys say.
    fn end_as_things_stand(
        &self,
        conversation: &ConversationRecord,
        record: &StoredRecord,
        ground: GroundKind,
        until: Option<Timestamp>,
    ) -> Option<Timestamp> {
        let governance = &self.reader.governance;
        let Some(terms) = self.reader.callers.terms(conversation.organization) else { return until };
        let person = PersonTerms::from(&self.exported.subject);
        let wanted = situation(terms, person, record.terms.class, record.terms.covered);
        if ground == GroundKind::Service && !governance.current().1.service_end_is_fixed(wanted) {
            governance.service_end(terms, person, conversation)
        } else {
            until
        }
    }

    /// What the policy in force says about the grounds of such records. The same for every record of a situation.
    fn clauses_of(
        &mut self,
        conversation: &ConversationRecord,
        record: &StoredRecord,
    ) -> Option<&HashMap<&'static str, GroundDocument>> {
        let terms = self.reader.callers.terms(conversation.organization)?;
        let person = PersonTerms::from(&self.exported.subject);
        let wanted = situation(terms, person, record.terms.class, record.terms.covered);
        if !self.clauses.iter().any(|(known, _)| *known == wanted) {
            let (_, policy) = self.reader.governance.current();
            let explained = policy.explain(wanted, &fiducia_policy::Facts::captured_at(record.created_at));
            let grounds = explained.grounds.into_iter().map(|ground| {
                let mut clauses: Vec<String> = Vec::new();
                for clause in ground.clauses {
                    if !clauses.contains(&clause.clause) {
                        clauses.push(clause.clause);
                    }
                }
                let document = GroundDocument {
                    ground: ground.kind.name().to_owned(),
                    purpose: ground.kind.purpose().dpv_term().to_owned(),
                    basis: ground.basis.map(|basis| basis.dpv_term().to_owned()),
                    until: None,
                    clauses,
                };
                (ground.kind.name(), document)
            });
            self.clauses.push((wanted, grounds.collect()));
        }
        self.clauses.iter().find(|(known, _)| *known == wanted).map(|(_, clauses)| clauses)
    }

    fn end_conversation(
        &mut self,
        conversation: &ConversationRecord,
        references: &[Reference],
        parts: u32,
    ) -> Result<(), AdminError> {
        self.conversations += 1;
        let state = match (conversation.destroyed_at, conversation.deleted_at) {
            (Some(at), _) => format!("destroyed {}", time(at)),
            (None, Some(at)) => format!("deleted by you {}", time(at)),
            (None, None) => "kept".to_owned(),
        };
        self.rows.push(ListRow {
            conversation: conversation.id.to_string(),
            started_at: time(conversation.created_at),
            last_active_at: time(conversation.last_active_at),
            records: u64::try_from(references.len()).unwrap_or(u64::MAX),
            parts,
            state,
        });
        if self.rows.len() >= usize::try_from(CONVERSATIONS_PER_PAGE).unwrap_or(usize::MAX) {
            self.end_page()?;
        }
        Ok(())
    }

    fn end_page(&mut self) -> Result<(), AdminError> {
        let rows = std::mem::take(&mut self.rows);
        if rows.is_empty() {
            return Ok(());
        }
        self.pages += 1;
        let text = page(&ListPage { volume: self.number, number: self.pages, rows: &rows })?;
        self.archive.file(format!("pages/conversations-{}-{}.html", self.number, self.pages), text.as_bytes())
    }
}

/// Whether the person's own key path leads to a record.
fn is_readable(record: &StoredRecord, keys: &KeyStore) -> Result<bool, AdminError> {
    Ok(match &record.service {
        Some(wrap) => keys.edge(wrap.parent)?.is_some(),
        None => false,
    })
}

fn readable(references: &[Reference]) -> Vec<ToRead> {
    references
        .iter()
        .filter(|reference| reference.is_readable)
        .map(|reference| reference.read.clone())
        .collect()
}

fn part_name(conversation: ConversationId, part: u32) -> String {
    if part == 1 {
        format!("conversations/{conversation}")
    } else {
        format!("conversations/{conversation}-{part}")
    }
}

/// How many records make one part: at least one.
fn step_of(references: &[Reference]) -> usize {
    let mut bytes = 0_usize;
    let fitting = references.iter().take(DECRYPTED_RECORDS_MAX).take_while(|reference| {
        bytes = bytes.saturating_add(reference.sealed_bytes);
        bytes <= DECRYPTED_BYTES_MAX
    });
    fitting.count().max(1)
}

/// An instant for people and programs: RFC 3339 in whole seconds.
pub(super) fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
