//! Is the project built as its documents say?

mod dependencies;
mod documents;
mod promises;
mod release_authority;
mod sources;
