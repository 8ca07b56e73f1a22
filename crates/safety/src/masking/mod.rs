//! Typed placeholders for what must not reach a provider, and the way back.
//!
//! A [`MaskTable`] is made anew for each request and fed the request's texts in their order. Because every number is given at the first
//! appearance of a value and nothing later can change it, two requests with the same beginning are masked the same: caches and
//! sticky routing see the same bytes at every turn, and nothing has to be kept between turns.
//!
//! - The same value has the same placeholder, whatever text of the request it stands in.
//! - Text that already looks like a placeholder is replaced itself, by one of the kind [`MaskKind::Text`]. So whatever looks like a placeholder in
//!   masked text is one, and restoring gives back exactly what was there.
//! - [`Restorer`] puts values back into an answer that arrives in pieces. It withholds nothing but the beginning of a placeholder
//!   that was given out.
//!
//! Values are wiped from memory when the table is dropped, and are in no debug output.

mod kind;
mod known;
mod restorer;
mod spans;
mod table;
#[cfg(test)]
mod tests;
mod value;

pub use kind::MaskKind;
pub use restorer::{Restorer, Surroundings};
pub use spans::Sensitive;
pub use table::{MaskTable, Replacement, TooManyValues, VALUES_MAX};
