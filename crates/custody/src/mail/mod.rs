//! Mails: which are due, what became of them, and where people are written to.
//!
//! A mail tells of a certificate of destruction, carries a warning or a letter to one person, or a bulletin to one administrator. What
//! it says is made where it is sent; what is kept of it here is its state. The address of a person lies sealed under a key of its own beneath the person's
//! key: an erasure destroys it with everything else.

mod address;
mod attempts;
mod bulletins;
mod commands;
mod contacts;
mod serving;

pub use address::{MailAddress, NotAnAddress};
pub(crate) use attempts::state_of;
pub use commands::{
    Bulletin, BulletinAbout, DueMail, Letter, LetterAbout, MailAbout, MailCommand, MailOutcome, MailReply,
    MailState, WarningLetter,
};
