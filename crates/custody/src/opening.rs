//! What opening the data needs besides the data: keys, callers, and a word from the filing thread.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use fiducia_policy::Randomness;
use fiducia_store::{ActivityStore, KeyKind};
use tokio::sync::mpsc;

use crate::CustodySettings;
use crate::callers::Callers;
use crate::keychain::Keychain;
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
