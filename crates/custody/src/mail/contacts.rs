//! Where people are written to: given by an operator, sealed under a key of its own beneath the person's key.
//!
//! Another address destroys the former one's key, so that no backup gives it back. The row says that a key is stale in the
//! commit that makes it so; the worker finishes what a crash left.

use fiducia_keyring::seal_value;
use fiducia_ledger::Event;
use fiducia_policy::{SubjectId, Timestamp};
use fiducia_store::{KeyKind, SealedContact};

use super::MailAddress;
use crate::AdminError;
use crate::administer::ids;
use crate::faults;
use crate::keychain::{KeyPurpose, Keychain};
use crate::retention::commands::RetentionReply;
use crate::staging::Batch;
use crate::writer::Writer;

/// Former addresses whose keys are destroyed in one step.
const STALE_PER_STEP: u32 = 100;

impl Writer {
    /// Sets where a person is written to, or takes it away. The log says that it was done, never the address.
    pub(crate) fn set_contact(
        &mut self,
        subject: SubjectId,
        address: Option<&MailAddress>,
    ) -> Result<RetentionReply, AdminError> {
        let (row, pseudonym) = self.living_subject(subject)?;
        let now = self.clock.now();
        let contact = address.map(|address| self.sealed_contact(&row, address, now)).transpose()?;
        let event = Event::SubjectTermsChanged {
            pseudonym,
            what: "contact".to_owned(),
            value: if contact.is_some() { "given" } else { "taken away" }.to_owned(),
        };
        let announced = self.announced(row.organization, event, now)?;
        self.files.control.set_contact(subject, contact.as_ref(), now, &announced.0)?;
        faults::reached("contact-noted");
        self.forget_former_contacts(now)?;
        Ok(RetentionReply::Done(Some(self.delivered(announced)?)))
    }

    fn sealed_contact(
        &mut self,
        row: &fiducia_store::SubjectRecord,
        address: &MailAddress,
        now: Timestamp,
    ) -> Result<SealedContact, AdminError> {
        let mut batch = Batch::default();
        // Not below the key that consent moves: the address has nothing to do with what may be used.
        let own = self.hanger(&mut batch, (row.organization, row.id), KeyKind::SubjectApart, now)?;
        let purpose = KeyPurpose {
            kind: KeyKind::Contact,
            organization: row.organization,
            subject: Some(row.id),
            conversation: None,
            label: String::new(),
            ends_at: None,
        };
        let new = Keychain::new_child((own.0, &own.1), purpose, now, &*self.randomness)
            .map_err(AdminError::from)
            .and_then(|new| {
                let owner = row.id.as_bytes();
                let sealed = seal_value((new.id, &new.key), owner, &address.padded(), &*self.randomness)?;
                Ok((new, sealed))
            });
        // Keys first: what is sealed under a key that was never stored could not be read.
        let stored = new.and_then(|(new, sealed)| {
            let contact = SealedContact { key: new.id, sealed };
            batch.new_keys.push(new.stored);
            self.files.keys.add(&batch.new_keys)?;
            Ok(contact)
        });
        if stored.is_err() {
            // The person's own key may be remembered and not stored.
            self.caches.subjects.pop(&row.id);
            self.caches.hangers.pop(&(row.id, KeyKind::SubjectApart));
        }
        stored
    }

    /// Destroys the keys of former addresses. Gives whether there were any.
    pub(crate) fn forget_former_contacts(&mut self, now: Timestamp) -> Result<bool, AdminError> {
        let stale = self.files.control.stale_contacts(STALE_PER_STEP)?;
        for subject in &stale {
            let current = self.files.control.contact(*subject)?.map(|contact| contact.key);
            let mut former = self.files.keys.subject_keys(*subject)?;
            former.retain(|node| node.kind == KeyKind::Contact && Some(node.id) != current);
            if !former.is_empty() {
                self.destroy_keys(&former, now)?;
            }
            self.files.control.settle_contact(*subject)?;
            self.files.control.empty_wal()?;
            self.files.keys.mark_purged(&ids(&former), now)?;
        }
        Ok(!stale.is_empty())
    }
}
