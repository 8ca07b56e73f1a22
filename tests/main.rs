//! What only the whole project can show: that its parts depend on each other as they should, that its documents are
//! true, and that the real program keeps its promises while it is used, killed, starved and attacked.
//!
//! One binary, so that the tests link once. `harness` drives the program; the other modules each ask one question.

#[cfg(test)]
mod architecture;
#[cfg(test)]
mod attacks;
#[cfg(test)]
mod bad_input;
#[cfg(test)]
mod browser;
#[cfg(test)]
mod canary;
#[cfg(test)]
mod compliance_sdk;
#[cfg(test)]
mod crash;
#[cfg(test)]
mod full_ledger;
#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod harness;
#[cfg(test)]
mod openapi;
#[cfg(test)]
mod readers;
#[cfg(test)]
mod sdk;
#[cfg(test)]
mod syncs;
#[cfg(test)]
mod tamper;
#[cfg(test)]
mod webhooks;
