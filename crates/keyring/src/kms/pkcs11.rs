//! A token that is reached by PKCS#11, such as a hardware security module: AES-GCM with a key that never leaves it.
//!
//! Source: PKCS #11 Specification Version 3.1 (OASIS). The key is an AES key of 256 bits with `CKA_ENCRYPT` and
//! `CKA_DECRYPT`, found by its label, which must be unique in the token. The library is called in this process: one that
//! does not return cannot be cut off, which is why requests never wait for it.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error, RvError};
use cryptoki::mechanism::Mechanism;
use cryptoki::mechanism::aead::GcmParams;
use cryptoki::object::{Attribute, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, UserType};
use cryptoki::types::AuthPin;
use fiducia_policy::Randomness;
use zeroize::Zeroizing;

use super::KmsProblem;
use super::problem::plain;
use super::remote::{Adapter, AdapterError, Encrypted, WrapContext};
use super::wire::Credential;

/// Length of the nonce in front of a ciphertext, in bytes.
const NONCE_BYTES: usize = 12;
const TAG_BITS: u64 = 128;

/// A vendor's library, loaded once: it may be initialised only once in a process.
#[derive(Debug, Clone)]
pub struct Pkcs11Library {
    path: PathBuf,
    loaded: Arc<Mutex<Option<Pkcs11>>>,
}

impl Pkcs11Library {
    /// The library at this path. It is loaded when it is needed first.
    pub fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), loaded: Arc::default() }
    }

    fn load(&self) -> Result<Pkcs11, AdapterError> {
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(library) = loaded.as_ref() {
            return Ok(library.clone());
        }
        let library = Pkcs11::new(&self.path).map_err(|error| told(&error))?;
        match library.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
            Ok(()) | Err(Error::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => {}
            Err(error) => return Err(told(&error)),
        }
        *loaded = Some(library.clone());
        Ok(library)
    }
}

/// A key of a token.
pub struct Pkcs11Token {
    /// The vendor's library.
    pub library: Pkcs11Library,
    /// The token's label.
    pub token: String,
    /// The key's label.
    pub key: String,
    /// The user's PIN.
    pub pin: Credential,
    /// For nonces.
    pub randomness: Arc<dyn Randomness>,
}

impl std::fmt::Debug for Pkcs11Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pkcs11Token")
            .field("token", &self.token)
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

impl Pkcs11Token {
    /// A session with the key in it. Sessions are not kept: a token that was pulled out is noticed at the next use.
    fn open(&self) -> Result<(Session, ObjectHandle), AdapterError> {
        let told = |error: Error| told(&error);
        let library = self.library.load()?;
        let mut found = None;
        for slot in library.get_slots_with_token().map_err(told)? {
            if library.get_token_info(slot).map_err(told)?.label().trim_end() == self.token {
                found = Some(slot);
            }
        }
        let slot = found.ok_or_else(|| {
            (KmsProblem::Unreachable, format!("no token in the machine has the label {}", self.token))
        })?;
        let session = library.open_ro_session(slot).map_err(told)?;
        let pin = self.pin.read().map_err(|cause| (KmsProblem::Denied, cause))?;
        let pin = AuthPin::new(pin.as_str().into());
        match session.login(UserType::User, Some(&pin)) {
            Ok(()) | Err(Error::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => {}
            Err(error) => return Err(told(error)),
        }
        let template = [
            Attribute::Class(ObjectClass::SECRET_KEY),
            Attribute::KeyType(KeyType::AES),
            Attribute::Label(self.key.clone().into_bytes()),
        ];
        match session.find_objects(&template).map_err(told)?.as_slice() {
            [key] => Ok((session, *key)),
            [] => Err((KmsProblem::NotFound, format!("the token {} has no such AES key", self.token))),
            _ => Err((KmsProblem::NotFound, "several keys have this label; give each its own".to_owned())),
        }
    }
}

/// What the token's errors mean.
fn told(error: &Error) -> AdapterError {
    let problem = match error {
        Error::Pkcs11(
            RvError::PinIncorrect
            | RvError::PinLocked
            | RvError::PinExpired
            | RvError::UserNotLoggedIn
            | RvError::UserPinNotInitialized,
            _,
        ) => KmsProblem::Denied,
        Error::Pkcs11(RvError::KeyFunctionNotPermitted, _) => KmsProblem::Disabled,
        Error::Pkcs11(RvError::EncryptedDataInvalid | RvError::EncryptedDataLenRange, _) => {
            KmsProblem::WrongKey
        }
        Error::Pkcs11(RvError::KeyHandleInvalid | RvError::ObjectHandleInvalid, _) => KmsProblem::NotFound,
        _ => KmsProblem::Unreachable,
    };
    (problem, plain(&error.to_string()))
}

impl Adapter for Pkcs11Token {
    fn encrypt(&self, context: &WrapContext, secret: &[u8; 32]) -> Result<Encrypted, AdapterError> {
        let mut nonce = [0_u8; NONCE_BYTES];
        self.randomness.fill(&mut nonce).map_err(|error| (KmsProblem::Malformed, error.to_string()))?;
        let data = context.bytes();
        let (session, key) = self.open()?;
        let mut used = nonce;
        let parameters = GcmParams::new(&mut used, &data, TAG_BITS.into()).map_err(|error| told(&error))?;
        let sealed =
            session.encrypt(&Mechanism::AesGcm(parameters), key, secret).map_err(|error| told(&error))?;
        // Some modules choose the nonce themselves and write it back.
        let mut blob = used.to_vec();
        blob.extend_from_slice(&sealed);
        Ok(Encrypted { version: String::new(), blob })
    }

    fn decrypt(&self, context: &WrapContext, sealed: &Encrypted) -> Result<Zeroizing<Vec<u8>>, AdapterError> {
        let wrong = || (KmsProblem::WrongKey, "the stored wrap is too short".to_owned());
        let (nonce, ciphertext) = sealed.blob.split_at_checked(NONCE_BYTES).ok_or_else(wrong)?;
        let mut nonce: [u8; NONCE_BYTES] = nonce.try_into().map_err(|_| wrong())?;
        let data = context.bytes();
        let (session, key) = self.open()?;
        let parameters = GcmParams::new(&mut nonce, &data, TAG_BITS.into()).map_err(|error| told(&error))?;
        session.decrypt(&Mechanism::AesGcm(parameters), key, ciphertext).map(Zeroizing::new).map_err(
            |error| match told(&error) {
                // Tokens say no more than that it failed when a tag does not fit.
                (KmsProblem::Unreachable, detail) if is_general(&error) => (KmsProblem::WrongKey, detail),
                other => other,
            },
        )
    }
}

fn is_general(error: &Error) -> bool {
    matches!(error, Error::Pkcs11(RvError::GeneralError | RvError::FunctionFailed, _))
}
