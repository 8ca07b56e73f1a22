//! People's requests: taking them in, their clocks, carrying them out, and the file that a person is given.

pub(crate) mod commands;
mod document;
mod events;
mod export;
mod files;
mod fulfilling;
mod gathering;
mod handing_over;
mod pages;
mod person;
mod queue;
mod reporting;
mod requests;
mod submission;

pub use document::rights_export_schema;
pub(crate) use export::{ExportNote, Exporting};
pub(crate) use requests::row_of;
