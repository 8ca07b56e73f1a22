//! What opening the data needs besides the data: keys, callers, and a word from the filing thread.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;

use fiducia_keyring::{KeyfileKms, KmsProblem, RootBinding, SymmetricKey};
use fiducia_policy::{Clock, KeyId, Randomness, Timestamp};
use fiducia_store::{ActivityStore, ControlStore, DataDirectory, Edge, KeyKind, KeyNode, ServiceWrap};
use tokio::sync::mpsc;

use crate::CustodySettings;
use crate::callers::Callers;
use crate::compliance::Feed;
use crate::keychain::{KeyPathError, Keychain};
use crate::keys::{Connections, KeyAccess, open_access, program};
use crate::log_keys::LedgerNames;
use crate::mailbox::{Message, WriterState};
use crate::open_error::OpenError;
use crate::writer::Files;

/// Roots that are hung from their organisations' keys in one commit.
const ROOTS_PER_STEP: u32 = 500;

/// A keyfile among the data would be copied with it.
pub(crate) fn refuse_keyfile_inside(settings: &CustodySettings) -> Result<(), OpenError> {
    let inside = |a: &PathBuf, b: &PathBuf| match (a.canonicalize(), b.canonicalize()) {
        (Ok(a), Ok(b)) => a.starts_with(b),
        _ => a.starts_with(b),
    };
    match &settings.keyfile {
        Some(keyfile) if inside(keyfile, &settings.data_directory) => {
            Err(OpenError::KeyfileInside(keyfile.clone()))
        }
        _ => Ok(()),
    }
}

/// Opens the activity feed and starts its thread; gives the secret of the Compliance API's cursors too.
pub(crate) fn open_feed(
    root: &Path,
    names: &LedgerNames,
    randomness: &dyn Randomness,
) -> Result<(Feed, JoinHandle<()>, [u8; 32]), OpenError> {
    let mut activities = ActivityStore::open(&DataDirectory::activities(root))?;
    let secret = cursor_secret(&mut activities, randomness)?;
    let control = ControlStore::open(&DataDirectory::control(root))?;
    let (feed, thread) = Feed::start(root, names.clone(), activities, control)?;
    Ok((feed, thread, secret))
}

/// The secret of the Compliance API's cursors, made when the feed is new.
fn cursor_secret(activities: &mut ActivityStore, randomness: &dyn Randomness) -> Result<[u8; 32], OpenError> {
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
    load_names(files, keychain, &callers)?;
    for key in files.control.virtual_keys()? {
        callers.put_key(key);
    }
    Ok(Arc::new(callers))
}

/// Takes organisations in, each with the key for its subjects' names where that may be used now.
pub(crate) fn load_names(files: &Files, keychain: &mut Keychain, callers: &Callers) -> Result<(), OpenError> {
    for organization in files.control.organizations()? {
        if let Some(node) = files.keys.root(organization.id, KeyKind::NameLookup, "")? {
            match keychain.matching_key(&files.keys, node.id) {
                Ok(names) => callers.put_organization(organization, names),
                Err(KeyPathError::Unavailable(error)) => {
                    tracing::warn!(organization = %organization.id, problem = error.problem.code(), "an organisation is closed");
                    callers.put_closed_organization(organization);
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
    Ok(())
}

/// Access to the installation's key and those of organisations. New data gets an installation key; roots that an earlier
/// version of the program hung from the keyfile itself are hung from their organisations' keys.
pub(crate) fn open_keys(
    settings: &CustodySettings,
    files: &mut Files,
    clock: &Arc<dyn Clock>,
    randomness: &Arc<dyn Randomness>,
) -> Result<Arc<KeyAccess>, OpenError> {
    let connections =
        Connections { keyfile: settings.keyfile.clone(), services: settings.key_services.clone() };
    let access = Arc::new(KeyAccess::new(connections, Arc::clone(clock)));
    if files.keys.organization_key(program())?.is_none() {
        make_installation_key(&access, files, clock.now(), randomness)?;
    }
    open_access(&access, files)?;
    access.require(program()).map_err(|error| match error.problem {
        KmsProblem::WrongKey if error.key.is_empty() => OpenError::WrongKeyfile,
        _ => OpenError::Unavailable(error),
    })?;
    adopt_roots(settings, files, &access, clock.now(), &**randomness)?;
    Ok(access)
}

fn make_installation_key(
    access: &KeyAccess,
    files: &mut Files,
    now: Timestamp,
    randomness: &Arc<dyn Randomness>,
) -> Result<(), OpenError> {
    let place = access.connections.installation();
    let (id, key) = (KeyId::generate(now, &**randomness)?, SymmetricKey::generate(&**randomness)?);
    let binding = RootBinding { organization: program(), id };
    let drawn = Arc::clone(randomness);
    let wrapped = access.ask_service(&place, move |service| service.wrap_root(binding, &key, &*drawn));
    let wrap = wrapped.map_err(OpenError::Unavailable)?;
    let stored = ServiceWrap {
        child: id,
        service: place.service,
        service_key: place.key,
        version: wrap.version,
        wrap: wrap.bytes,
        wrapped_at: now,
    };
    let node = KeyNode {
        id,
        kind: KeyKind::OrganizationKey,
        organization: program(),
        subject: None,
        conversation: None,
        label: String::new(),
        created_at: now,
        ends_at: None,
        destroyed_at: None,
        replaced_by: None,
    };
    Ok(files.keys.add_service_key(&node, &stored)?)
}

/// Hangs roots from their organisations' keys that the keyfile itself wraps. What is done stays done when it is cut off.
fn adopt_roots(
    settings: &CustodySettings,
    files: &mut Files,
    access: &Arc<KeyAccess>,
    now: Timestamp,
    randomness: &dyn Randomness,
) -> Result<(), OpenError> {
    loop {
        let roots = files.keys.unadopted_roots(ROOTS_PER_STEP)?;
        let Some(keyfile) = settings.keyfile.as_ref().filter(|_| !roots.is_empty()) else { return Ok(()) };
        let keyfile = KeyfileKms::open(keyfile)?;
        let mut keychain = Keychain::new(Arc::clone(access));
        let mut edges = Vec::with_capacity(roots.len());
        for root in roots {
            let parent = match files.keys.organization_key(root.organization)? {
                Some(node) => node.id,
                None => {
                    let made =
                        keychain.new_organization_key(&files.keys, root.organization, now, randomness)?;
                    files.keys.add(&[made.stored])?;
                    made.id
                }
            };
            let Some(edge) = files.keys.edge(root.id)? else { continue };
            let binding = RootBinding { organization: root.organization, id: root.id };
            let key = keyfile.unwrap_direct(binding, &edge.wrap).map_err(|_| OpenError::WrongKeyfile)?;
            let parent_key = keychain.key(&files.keys, parent)?;
            let wrap = parent_key.wrap_key(parent, root.id, &key, randomness)?;
            edges.push(Edge { child: root.id, parent: Some(parent), wrap: wrap.to_vec() });
        }
        files.keys.rehang(&edges)?;
    }
}
