//! Accounts of the console: who may sign in, how, and which browsers are signed in.
//!
//! What changes goes through the writer as an [`AccountCommand`], from the command line or a page alike. Signing in is here:
//! the password, the passkey or the provider's word is checked on the thread of whoever asks, never on the writer's.

mod changing;
pub(crate) mod commands;
mod listing;
pub(crate) mod passkey;
pub(crate) mod password;
mod privacy_signal;
mod signing_in;
mod throttle;
mod tokens;

pub use commands::{
    AccountCommand, AccountReply, AccountRow, Appearance, NewAccount, PasskeyRow, SessionRow,
};
pub use passkey::ALGORITHMS as PASSKEY_ALGORITHMS;
pub use passkey::{Assertion, PasskeyRefused, Registration, RelyingParty};
pub use password::{PASSWORD_BYTES_MAX, PASSWORD_CHARACTERS_MIN, Password};
pub(crate) use privacy_signal::PrivacySignals;
pub use signing_in::{Attempt, Browser, NewSession, ProviderIdentity, SessionTerms, SignInRefused, SignedIn};
pub(crate) use throttle::Throttle;
pub use tokens::{
    ANSWER_SECONDS, ApiTokenRow, CreatedToken, KeptAnswer, NewToken, TOKEN_DAYS_MAX, TokenHolder,
    TokenRefused,
};
