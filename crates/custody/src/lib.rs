//! See Cargo.toml; module docs follow.
