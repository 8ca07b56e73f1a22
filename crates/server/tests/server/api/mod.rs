//! The JSON API as programs see it. Every answer is checked against the document that the server gives of itself.

mod choosing;
mod conditions;
mod errors;
mod evidence;
mod people;
mod requests;
mod sessions;
mod speaking;
mod staff;

use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use fiducia_custody::{
    AccountCommand, AccountReply, AdminCommand, AdminReply, Attempt, Browser, ConsentCommand, NewAccount,
    NewToken, Password, RetentionCommand, SessionTerms,
};
use fiducia_policy::{Agreement, ApiTokenId, OrganizationId, Plan};
use fiducia_server::ConsoleSettings;
use serde_json::{Value, json};

use crate::app::{App, AppSettings};
use crate::client::{Answer, send};
use crate::upstream::Upstream;

/// The document.
static DOCUMENT: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(&fiducia_server::api_document()).unwrap());
const NOTICE: &str = include_str!("../../../../../policies/notices/batch-training.en.toml");
const PASSWORD: &str = "correct horse battery";

/// A server with an organisation that asks its people.
pub(crate) struct Stand {
    pub(crate) app: App,
    pub(crate) shop: OrganizationId,
    _upstream: Upstream,
}

/// Whoever holds a token.
#[derive(Clone)]
pub(crate) struct Token {
    pub(crate) id: ApiTokenId,
    pub(crate) secret: String,
}

impl Stand {
    pub(crate) fn new() -> Self {
        let upstream = Upstream::start(Vec::new());
        let mut settings = AppSettings::new(upstream.address);
        let listen = "127.0.0.1:0".parse().unwrap();
        settings.console =
            Some(ConsoleSettings { listen, ..ConsoleSettings::new("http://localhost:4102".to_owned()) });
        let app = settings.start();
        let source = include_str!("../../../../custody/tests/custody/policy.toml").to_owned();
        let publish = RetentionCommand::PublishPolicy { source, actor: "test".to_owned() };
        app.custody.administer(AdminCommand::Govern(publish)).unwrap();
        let publish = ConsentCommand::PublishNotice { source: NOTICE.to_owned(), actor: "test".to_owned() };
        app.custody.administer(AdminCommand::Consent(publish)).unwrap();
        let mut stand = Self { shop: app.organization, app, _upstream: upstream };
        stand.shop = stand.organization("shop");
        stand
    }

    /// Another organisation that asks its people.
    pub(crate) fn organization(&self, name: &str) -> OrganizationId {
        let command = AdminCommand::CreateOrganization {
            name: name.to_owned(),
            plan: Plan::Pro,
            tier: None,
            agreement: Agreement::Standard,
            custom_retention: None,
        };
        let AdminReply::Organization(created) = self.app.custody.administer(command).unwrap() else {
            panic!("reply")
        };
        created.id
    }

    pub(crate) fn administer(&self, command: AccountCommand) -> AccountReply {
        match self.app.custody.administer(AdminCommand::Account(command)).unwrap() {
            AdminReply::Account(reply) => reply,
            other => panic!("{other:?}"),
        }
    }

    /// An account of an organisation with these roles; a person where `subject` names one.
    pub(crate) fn account(
        &self,
        organization: OrganizationId,
        login: &str,
        roles: &str,
        subject: Option<&str>,
    ) -> fiducia_custody::AccountRow {
        let new = NewAccount {
            organization,
            login: login.to_owned(),
            name: login.to_owned(),
            subject: subject.map(str::to_owned),
            roles: roles.parse().unwrap(),
        };
        let AccountReply::Account(row) = self.administer(AccountCommand::Create(new)) else {
            panic!("reply")
        };
        *row
    }

    /// A token for 30 days of an account that is there.
    pub(crate) fn token_of(&self, account: &fiducia_custody::AccountRow, scopes: &str) -> Token {
        let new = NewToken {
            account: account.id,
            name: "test".to_owned(),
            scopes: scopes.parse().unwrap(),
            days: 30,
        };
        let AccountReply::Token(created) = self.administer(AccountCommand::CreateToken(new)) else {
            panic!("reply")
        };
        Token { id: created.token.id, secret: created.secret.clone() }
    }

    /// A token that reads and writes for one of the shop's people.
    pub(crate) fn person(&self, name: &str) -> Token {
        let account = self.account(self.shop, &format!("{name}@example.org"), "person", Some(name));
        self.token_of(&account, "read write")
    }

    /// A token that reads and writes for staff of the shop.
    pub(crate) fn staff(&self, roles: &str) -> Token {
        let login = format!("{}@shop.example", roles.replace(' ', "-"));
        let account = self.account(self.shop, &login, roles, None);
        self.token_of(&account, "read write")
    }

    /// A token by which an application of the shop speaks for its people.
    pub(crate) fn application(&self) -> Token {
        let account = self.account(self.shop, "settings@shop.example", "tenant-admin", None);
        self.token_of(&account, "read write act-for-people")
    }

    /// Signs an account in and gives the cookie.
    pub(crate) fn sign_in(&self, account: &fiducia_custody::AccountRow) -> String {
        let password = Password::new(PASSWORD.to_owned());
        self.administer(AccountCommand::SetPassword { account: account.id, password });
        let attempt = Attempt {
            browser: Browser { address: "127.0.0.1".to_owned(), secret: None, device: "test".to_owned() },
            terms: SessionTerms { visit: [9; 32], idle_seconds: 1_800, seconds_max: 43_200 },
        };
        let password = Password::new(PASSWORD.to_owned());
        let session = self.app.custody.sign_in_with_password(&account.login, &password, &attempt).unwrap();
        format!("fiducia-session={}", URL_SAFE_NO_PAD.encode(*session.token))
    }

    /// Imports a conversation of one of the shop's people.
    pub(crate) fn conversation(&self, person: &str, text: &str) {
        let mut digest = [0; 32];
        for (to, from) in digest.iter_mut().zip(text.bytes()) {
            *to = from;
        }
        let begin = AdminCommand::BeginImport {
            organization: self.shop,
            subject: person.to_owned(),
            source: "test".to_owned(),
            digest,
        };
        let AdminReply::Import(job) = self.app.custody.administer(begin).unwrap() else { panic!("reply") };
        let messages = json!([{"role": "user", "content": text}, {"role": "assistant", "content": "well"}]);
        let lines = vec![json!({"id": text, "messages": messages}).to_string()];
        let lines = AdminCommand::ImportLines { job: job.job, first_line: 1, lines };
        self.app.custody.administer(lines).unwrap();
        self.app.custody.administer(AdminCommand::FinishImport { job: job.job, digest }).unwrap();
    }

    /// Sends a request and checks the answer against the document.
    #[track_caller]
    pub(crate) fn call(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let mut all = headers.to_vec();
        if !body.is_empty() && !headers.iter().any(|(name, _)| *name == "content-type") {
            all.push(("content-type", "application/json"));
        }
        let target = format!("/api/v1{path}");
        let answer = send(self.app.console.unwrap(), method, &target, &all, body.as_bytes());
        check(method, path, &answer);
        answer
    }

    #[track_caller]
    pub(crate) fn get(&self, token: &Token, path: &str) -> Answer {
        self.call("GET", path, &[("authorization", &token.bearer())], "")
    }

    #[track_caller]
    pub(crate) fn post(&self, token: &Token, path: &str, body: &Value) -> Answer {
        self.call("POST", path, &[("authorization", &token.bearer())], &body.to_string())
    }

    /// As [`Stand::post`], with more headers.
    #[track_caller]
    pub(crate) fn post_with(&self, token: &Token, path: &str, more: &[(&str, &str)], body: &Value) -> Answer {
        let bearer = token.bearer();
        let mut headers = vec![("authorization", bearer.as_str())];
        headers.extend_from_slice(more);
        self.call("POST", path, &headers, &body.to_string())
    }
}

impl Token {
    pub(crate) fn bearer(&self) -> String {
        format!("Bearer {}", self.secret)
    }
}

impl Answer {
    /// Fails the test unless the status is this one.
    #[track_caller]
    pub(crate) fn is(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", String::from_utf8_lossy(&self.body));
        self
    }

    /// The kind of problem, without what all types begin with.
    #[track_caller]
    pub(crate) fn problem(&self) -> String {
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{self:?}");
        let kind = self.json()["type"].as_str().unwrap().to_owned();
        kind.strip_prefix("urn:fiducia:problem:").unwrap().to_owned()
    }
}

/// A yes to the notice that the stand publishes.
pub(crate) fn yes() -> Value {
    json!({"purpose": "batch-training", "act": "give", "notice": {"language": "en", "version": 1}})
}

pub(crate) fn no() -> Value {
    json!({"purpose": "batch-training", "act": "withdraw"})
}

/// The operation of the document that a request is, if it is one.
fn operation(method: &str, path: &str) -> Option<&'static Value> {
    let path = path.split('?').next().unwrap();
    let fits = |template: &str| {
        let (one, other): (Vec<&str>, Vec<&str>) = (template.split('/').collect(), path.split('/').collect());
        one.len() == other.len()
            && one.iter().zip(&other).all(|(part, given)| part.starts_with('{') || part == given)
    };
    let paths = DOCUMENT["paths"].as_object().unwrap();
    // A fixed path before one with names.
    let mut found: Vec<_> = paths.iter().filter(|(template, _)| fits(template)).collect();
    found.sort_by_key(|(template, _)| template.matches('{').count());
    let method = if method == "HEAD" { "get".to_owned() } else { method.to_ascii_lowercase() };
    found.first().and_then(|(_, item)| item.get(&method))
}

/// Checks an answer against the document.
#[track_caller]
fn check(method: &str, path: &str, answer: &Answer) {
    let status = answer.status.to_string();
    let problem = json!({"$ref": "#/components/responses/Problem"});
    let response = operation(method, path).map(|operation| {
        let responses = &operation["responses"];
        responses.get(&status).unwrap_or(&responses["default"])
    });
    let mut response = response.unwrap_or(&problem);
    if response.get("$ref").is_some() {
        assert!(answer.status >= 400, "{method} {path} is not documented to answer {status}");
        response = &DOCUMENT["components"]["responses"]["Problem"];
    }
    let is_public = path == "/openapi.json";
    assert_eq!(answer.header("cache-control") == Some("no-store"), !is_public, "{method} {path}");
    let Some(content) = response.get("content").and_then(Value::as_object) else {
        assert!(answer.body.is_empty(), "{method} {path} is documented to have no body");
        return;
    };
    let kind =
        answer.header("content-type").unwrap_or_else(|| panic!("{method} {path} has no type: {answer:?}"));
    let content =
        content.get(kind).unwrap_or_else(|| panic!("{method} {path} is not documented to give {kind}"));
    let Some(schema) = content.get("schema").filter(|_| method != "HEAD") else { return };
    let whole = json!({"allOf": [schema], "components": DOCUMENT["components"]});
    let validator = jsonschema::validator_for(&whole).unwrap();
    let findings: Vec<String> =
        validator.iter_errors(&answer.json()).map(|error| error.to_string()).collect();
    assert!(findings.is_empty(), "{method} {path}: {findings:?} in {}", answer.text());
}
