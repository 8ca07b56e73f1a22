//! What opening the data needs besides the data: keys, callers, and a word from the filing thread.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use fiducia_keyring::SymmetricKey;
use fiducia_ledger::SigningKey;
use fiducia_policy::{Clock, OrganizationId, Randomness};
use fiducia_store::{ActivityStore, KeyKind};
use tokio::sync::mpsc;

use crate::CustodySettings;
use crate::callers::Callers;
use crate::keychain::{KeyPurpose, Keychain};
use crate::mailbox::{Message, WriterState};
use crate::open_error::OpenError;
use crate::writer::Files;

/// A keyfile among the data would be copied with it.
pub(crate) fn refuse_keyfile_inside(settings: &CustodySettings) -> Result<(), OpenError> {
    let inside = |a: &PathBuf, b: &PathBuf| match (a.canonicalize(), b.canonicalize()) {
        (Ok(a), Ok(b)) => a.starts_with(b),
        _ => a.starts_with(b),
    };
    if inside(&settings.keyfile, &settings.data_directory) {
        return Err(OpenError::KeyfileInside(settings.keyfile.clone()));
    }
    Ok(())
}

/// The program's ledger signing key, made when the data is new. Organisations' keys differ from it by name only.
pub(crate) fn signing_key(
    settings: &CustodySettings,
    files: &mut Files,
    keychain: &mut Keychain,
    clock: &dyn Clock,
    randomness: &dyn Randomness,
) -> Result<SigningKey, OpenError> {
    let program = OrganizationId::from_bytes([0; 16]);
    let key: SymmetricKey = match files.keys.root(program, KeyKind::LedgerSigning, "")? {
        Some(node) => keychain.key(&files.keys, node.id)?,
        None => {
            let purpose = KeyPurpose {
                kind: KeyKind::LedgerSigning,
                organization: program,
                subject: None,
                conversation: None,
                label: String::new(),
                ends_at: None,
            };
            let new = keychain.new_root(purpose, clock.now(), randomness)?;
            files.keys.add(&[new.stored])?;
            new.key
        }
    };
    Ok(SigningKey::from_seed(&settings.ledger_origin, key.signing_seed())?)
}

/// The secret of the Compliance API's cursors, made when the feed is new.
pub(crate) fn cursor_secret(
    activities: &mut ActivityStore,
    randomness: &dyn Randomness,
) -> Result<[u8; 32], OpenError> {
    const NAME: &str = "cursors";
    if let Some(known) = activities.known_secret(NAME)? {
        return Ok(known);
    }
    let mut fresh = [0_u8; 32];
    randomness.fill(&mut fresh)?;
    Ok(activities.secret(NAME, &fresh)?)
}

/// Asks the writer to empty the journal. Nobody waits for it: when the queue is full the writer is not idle.
pub(crate) fn when_idle(sender: mpsc::WeakSender<Message>, state: Arc<WriterState>) -> impl Fn() + Send {
    move || {
        let Some(sender) = sender.upgrade() else { return };
        if let Ok(permit) = sender.try_reserve() {
            state.queued_parts.fetch_add(1, Ordering::Relaxed);
            permit.send(Message::Idle);
        }
    }
}

pub(crate) fn load_callers(files: &Files, keychain: &mut Keychain) -> Result<Arc<Callers>, OpenError> {
    let callers = Callers::default();
    for organization in files.control.organizations()? {
        if let Some(node) = files.keys.root(organization.id, KeyKind::NameLookup, "")? {
            let names = keychain.matching_key(&files.keys, node.id)?;
            callers.put_organization(organization, names);
        }
    }
    for key in files.control.virtual_keys()? {
        callers.put_key(key);
    }
    Ok(Arc::new(callers))
}
