//! The Compliance API over real sockets.

mod chats;
mod chats_paging;
mod closed_keys;
mod directory;
mod feed;
mod speaking;
mod transparency_log;

use std::net::{Ipv4Addr, SocketAddr};

use fiducia_custody::{
    AdminCommand, AdminReply, ComplianceCommand, ComplianceReach, ComplianceReply, CreatedComplianceKey,
    NewComplianceKey,
};
use fiducia_policy::{AccessLimits, Agreement, ComplianceScope, OrganizationId, Plan};
use fiducia_server::ComplianceSettings;

use crate::app::{App, AppSettings};
use crate::client::{Answer, send};
use crate::upstream::{Upstream, answer};

/// An app with the API, and a key that may do everything in its organisation.
pub(crate) struct Api {
    pub(crate) app: App,
    pub(crate) key: CreatedComplianceKey,
}

impl Api {
    pub(crate) fn start() -> Self {
        Self::with_provider(SocketAddr::from((Ipv4Addr::LOCALHOST, 9)))
    }

    /// With a provider that answers one message.
    pub(crate) fn with_upstream() -> Self {
        let body = br#"{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[{"type":"text","text":"hi"}],"stop_reason":"end_turn","usage":{"input_tokens":1,"output_tokens":1}}"#;
        let upstream = Upstream::saying(&answer("200 OK", &[("content-type", "application/json")], body));
        Self::with_provider(upstream.address)
    }

    /// With bounds on reading.
    pub(crate) fn with_limits(access: AccessLimits) -> Self {
        Self::with(SocketAddr::from((Ipv4Addr::LOCALHOST, 9)), access)
    }

    fn with_provider(provider: SocketAddr) -> Self {
        Self::with(provider, AccessLimits::default())
    }

    fn with(provider: SocketAddr, access: AccessLimits) -> Self {
        let compliance = ComplianceSettings {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            ..ComplianceSettings::default()
        };
        let app = AppSettings { compliance: Some(compliance), access, ..AppSettings::new(provider) }.start();
        // Rows of one instant are in the order of their ids, which are random.
        app.clock.advance(1);
        let key = make_key(&app, ComplianceReach::Organization(app.organization), &ComplianceScope::ALL);
        Self { app, key }
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.get_with(&self.key.secret, path)
    }

    pub(crate) fn get_with(&self, secret: &str, path: &str) -> Answer {
        self.send("GET", path, &[("x-api-key", secret), ("anthropic-version", "2023-06-01")])
    }

    pub(crate) fn send(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
        send(self.app.compliance.unwrap(), method, &format!("/v1/compliance{path}"), headers, b"")
    }

    pub(crate) fn make_key(
        &self,
        reach: ComplianceReach,
        scopes: &[ComplianceScope],
    ) -> CreatedComplianceKey {
        make_key(&self.app, reach, scopes)
    }

    /// Another organisation of the same installation.
    pub(crate) fn make_organization(&self, name: &str) -> OrganizationId {
        let command = AdminCommand::CreateOrganization {
            name: name.to_owned(),
            plan: Plan::Enterprise,
            tier: None,
            agreement: Agreement::Standard,
            custom_retention: None,
        };
        let AdminReply::Organization(created) = self.app.custody.administer(command).unwrap() else {
            panic!("reply")
        };
        created.id
    }
}

fn make_key(app: &App, reach: ComplianceReach, scopes: &[ComplianceScope]) -> CreatedComplianceKey {
    let scopes = scopes.iter().copied().collect();
    let new = NewComplianceKey { reach, name: "siem".to_owned(), scopes, actor: "tester".to_owned() };
    let reply = app.custody.administer(AdminCommand::Compliance(ComplianceCommand::CreateKey(new))).unwrap();
    let AdminReply::Compliance(ComplianceReply::Key(created)) = reply else { panic!("{reply:?}") };
    *created
}

/// That an answer refuses, in the public envelope.
pub(crate) fn check_refusal(answer: &Answer, status: u16, kind: &str) -> String {
    let json = answer.json();
    assert_eq!((answer.status, json["error"]["type"].as_str()), (status, Some(kind)), "{json}");
    assert_eq!(json["type"], "error");
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert!(answer.header("request-id").unwrap().starts_with("req_"));
    json["error"]["message"].as_str().unwrap().to_owned()
}
