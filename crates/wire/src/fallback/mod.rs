//! Which models may answer, which did, and how an answer says that another one did.

mod reachable;
mod reroute;
mod served;

pub(crate) use reachable::fallbacks;
pub use reachable::{FALLBACKS_MAX, ReachableModels};
pub use reroute::{Announced, Reroute, RerouteStream, rerouted_body};
pub use served::{AnsweringModels, Hop, Iteration, IterationKind, ModelWatch, answering_models};
