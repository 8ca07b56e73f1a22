//! HTTP: the gateway, the console, the admin socket, the operations listener and the scripted model.
//!
//! Only this crate knows HTTP. It decides nothing about custody: it reads a request, calls one use case, and passes
//! bytes on. [`Server::start`] takes settings as data and runs on threads of its own.

pub mod admin;
mod compliance;
mod console;
mod drawing;
mod error;
mod gateway;
mod metrics;
mod operations;
pub mod scripted;
mod secret;
mod server;
mod settings;
mod siem;
mod tls;
mod webhooks;
mod witness;

pub use compliance::ComplianceSettings;
pub use console::{ConsoleSettings, IdentityProviderSettings, api_document, key_graph_drawing};
pub use error::StartError;
pub use fiducia_wire::siem::{SiemFormat, SyslogName};
pub use secret::{SECRET_BYTES_MAX, Secret, SecretSource, SecretUnreadable};
pub use server::{Addresses, RunningServer, Server};
pub use settings::{
    EligibilitySettings, GatewayLimits, GatewaySettings, ModelRoute, OperationsSettings, ProviderKind,
    ProviderSettings, ServerSettings,
};
pub use siem::{
    Siem, SiemError, SiemFileSettings, SiemSettings, SiemTargetSettings, SiemThread, SyslogSettings,
    SyslogTransport,
};
pub use webhooks::{AddressRange, AddressRangeError, WebhookSettings, WebhookThread, Webhooks};
pub use witness::{
    RunningWitness, Witness, WitnessAddress, Witnessed, Witnessing, WitnessingSettings, WitnessingThread,
    held_by_witness, witnessed_checkpoint,
};
