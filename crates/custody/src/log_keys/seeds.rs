//! The seeds of the keys that sign logs, in the key store under the KMS.

use fiducia_keyring::SymmetricKey;
use fiducia_ledger::{EcdsaKey, LogKey, LogKeyDates, LogKeys, LogSigner, SigningKey};
use fiducia_policy::{Clock, Randomness, Timestamp};
use fiducia_store::{KeyKind, LogKeyRecord};

use crate::keychain::{KeyPurpose, Keychain};
use crate::keys::program;
use crate::open_error::OpenError;
use crate::writer::Files;

/// How often a secret number is drawn. One in 2^32 is out of range.
const DRAWS_MAX: u32 = 8;

/// All pairs of keys. The first pair, and whatever of an announced one a crash kept from being made, is made now.
pub(crate) fn log_keys(
    origin: &str,
    files: &mut Files,
    keychain: &mut Keychain,
    clock: &dyn Clock,
    randomness: &dyn Randomness,
) -> Result<LogKeys, OpenError> {
    let always = Timestamp::UNIX_EPOCH;
    let first = LogKeyDates { number: 1, announced_at: always, signs_from: always, changed_at: Some(always) };
    let records = files.control.log_keys()?;
    let mut pair = |dates: LogKeyDates| -> Result<LogKey, OpenError> {
        let signer = signer(origin, dates.number, files, keychain, (clock.now(), randomness))?;
        Ok(LogKey { dates, signer })
    };
    let first = pair(first)?;
    let later: Result<Vec<_>, _> = records.into_iter().map(|record| pair(dates(record))).collect();
    Ok(LogKeys::new(first, later?))
}

/// The dates of a pair after the first.
pub(super) fn dates(record: LogKeyRecord) -> LogKeyDates {
    let LogKeyRecord { number, announced_at, signs_from, changed_at } = record;
    LogKeyDates { number, announced_at, signs_from, changed_at }
}

/// The two keys of a pair, made when they are not there.
pub(super) fn signer(
    origin: &str,
    number: u32,
    files: &mut Files,
    keychain: &mut Keychain,
    (now, randomness): (Timestamp, &dyn Randomness),
) -> Result<LogSigner, OpenError> {
    // The first Ed25519 key has no label: it is older than the others.
    let label = |algorithm: &str| match (number, algorithm) {
        (1, "ed25519") => String::new(),
        _ => format!("{algorithm}/{number}"),
    };
    let ed25519 = seed(&label("ed25519"), files, keychain, (now, randomness), |_| Ok(()))?;
    let ecdsa = seed(&label("ecdsa-p256"), files, keychain, (now, randomness), |key| {
        EcdsaKey::from_scalar(key.signing_seed()).map(drop)
    })?;
    let ed25519 = SigningKey::from_seed(origin, ed25519.signing_seed())?;
    Ok(LogSigner::new(ed25519, EcdsaKey::from_scalar(ecdsa.signing_seed())?))
}

/// The seed under a label, drawn until `usable` takes it when it is not there.
fn seed(
    label: &str,
    files: &mut Files,
    keychain: &mut Keychain,
    (now, randomness): (Timestamp, &dyn Randomness),
    usable: impl Fn(&SymmetricKey) -> Result<(), fiducia_ledger::LedgerError>,
) -> Result<SymmetricKey, OpenError> {
    if let Some(node) = files.keys.root(program(), KeyKind::LedgerSigning, label)? {
        return Ok(keychain.key(&files.keys, node.id)?);
    }
    let mut draws = 0;
    loop {
        let purpose = KeyPurpose {
            kind: KeyKind::LedgerSigning,
            organization: program(),
            subject: None,
            conversation: None,
            label: label.to_owned(),
            ends_at: None,
        };
        let new = keychain.new_root(&files.keys, purpose, now, randomness)?;
        draws += 1;
        match usable(&new.key) {
            Ok(()) => {
                files.keys.add(&[new.stored])?;
                return Ok(new.key);
            }
            Err(error) if draws == DRAWS_MAX => return Err(error.into()),
            Err(_) => {}
        }
    }
}
