//! What the Compliance API needs to be told, as plain data.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// The Compliance API's listener.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ComplianceSettings {
    /// Address to listen on, plain HTTP: put TLS in front of it for other machines. Port 0 takes a free one.
    pub listen: SocketAddr,
    /// The header in which the proxy in front of the API says who asks, such as `x-forwarded-for`; its last entry counts. Name it
    /// only where nobody reaches the API around that proxy. Absent: the connection's own address.
    pub client_address_header: Option<String>,
}

impl Default for ComplianceSettings {
    fn default() -> Self {
        Self { listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 4103), client_address_header: None }
    }
}

impl ComplianceSettings {
    /// What is wrong with the settings, with its fix.
    pub fn problem(&self) -> Option<String> {
        let header = self.client_address_header.as_deref()?;
        let is_name = http::HeaderName::try_from(header).is_ok();
        (!is_name).then(|| "compliance.client_address_header is no name of a header".to_owned())
    }
}
