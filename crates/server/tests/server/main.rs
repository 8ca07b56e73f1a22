//! The server over real sockets: what applications send, what providers see, what comes back, and what is kept.

mod app;
mod bytes;
mod client;
mod operations;
mod passthrough;
mod refusals;
mod scripted;
mod streams;
mod upstream;
