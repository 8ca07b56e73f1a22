//! Answers that give away what deployers told the model: their instructions, and marks they hid in them.
//!
//! Both watch a text as it streams, with constant work for each character, and neither is led astray by case, spaces or punctuation.
//! Not found: instructions that are translated, told in other words, or written in another code; views of such writing are another detector's.

mod canary;
mod letters;
mod overlap;
#[cfg(test)]
mod tests;

pub use canary::{CANARY_BYTES, Canaries, CanaryError, CanaryWatch, canary_from};
pub use overlap::{InstructionWatch, Instructions};
