//! The console in a real browser: can people do what they came for, however they look at it and whatever is done to them?
//!
//! Each page is checked by axe-core and leaves a picture in `target/screenshots/`.

mod access;
mod administration;
mod deadline;
mod driver;
mod evidence;
mod fairness;
mod hostile;
mod looks;
mod people;
mod signing_in;
mod stand;
