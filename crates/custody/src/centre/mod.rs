//! What the privacy centre shows beside a person's own commands: who looked, what a choice would mean, and a copy handed over
//! while it is made.

mod copies;
mod deleted;
mod looks;
mod prospects;

pub use looks::{LookPart, LookProof, LookRow, Looker, PublicLooks};
pub use prospects::{Prospect, ProspectiveEnds};
