//! How long a choice by the JSON API takes until it is acknowledged, beside the same choice by custody's own interface: the two take
//! turns in one process, on one data directory.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use fiducia_custody::{
    AccountCommand, AccountReply, AdminCommand, AdminReply, Custody, NewAccount, NewToken,
};
use fiducia_policy::{Clock, ConsentAct, ConsentChannel, OrganizationId};
use fiducia_server::{
    ConsoleSettings, EligibilitySettings, GatewaySettings, ProviderKind, ProviderSettings, RunningServer,
    Server, ServerSettings,
};

use crate::consent::{choice, opened, prepared, say};
use crate::failure::Failure;
use crate::retention::{Simulated, SystemRandomness, refused};

/// Choices of each kind by each way that are timed.
const TIMED: usize = 500;
/// Choices by one token, so that none is told to wait.
const BY_TOKEN: usize = 150;

/// Measures.
///
/// # Errors
/// When custody or the server refuses something.
pub(crate) fn measure() -> Result<(), Failure> {
    let clock = Arc::new(Simulated::new()) as Arc<dyn Clock>;
    let (custody, _folder) = opened(Arc::clone(&clock))?;
    let organization = prepared(&custody)?;
    let tokens = tokens(&custody, organization)?;
    let server = console(&custody, clock)?;
    let address = server.addresses().console.ok_or_else(|| refused("the console has no address"))?;
    let outcome = take_turns(&custody, address, &tokens);
    server.shutdown();
    custody.close();
    outcome
}

/// A server of which only the console is asked.
pub(crate) fn console(custody: &Custody, clock: Arc<dyn Clock>) -> Result<RunningServer, Failure> {
    let local = SocketAddr::from(([127, 0, 0, 1], 0));
    // The gateway needs one; nothing is sent there.
    let nowhere = ProviderSettings {
        kind: ProviderKind::Compatible,
        base_url: Some("http://127.0.0.1:9".to_owned()),
        key: None,
        api_version: None,
        ca_file: None,
        allow_plain_http: false,
    };
    let settings = ServerSettings {
        gateway: GatewaySettings { listen: local, threads: 1, ..GatewaySettings::default() },
        providers: [("nowhere".to_owned(), nowhere)].into(),
        models: Vec::new(),
        eligibility: EligibilitySettings::default(),
        operations: None,
        console: Some(ConsoleSettings {
            listen: local,
            ..ConsoleSettings::new("http://localhost:4102".to_owned())
        }),
        compliance: None,
        admin_socket: None,
    };
    Server::start(&settings, custody.clone(), clock, Arc::new(SystemRandomness::new())).map_err(refused)
}

/// Tokens of an application, as many as are needed.
fn tokens(custody: &Custody, organization: OrganizationId) -> Result<Vec<String>, Failure> {
    let account = |command| match custody.administer(AdminCommand::Account(command)).map_err(refused)? {
        AdminReply::Account(reply) => Ok(reply),
        _ => Err(refused("another reply")),
    };
    let new = NewAccount {
        organization,
        login: "settings@shop.example".to_owned(),
        name: "settings".to_owned(),
        subject: None,
        roles: "tenant-admin".parse().map_err(refused)?,
    };
    let AccountReply::Account(row) = account(AccountCommand::Create(new))? else {
        return Err(refused("another reply"));
    };
    let scopes: fiducia_policy::ApiScopes = "read write act-for-people".parse().map_err(refused)?;
    let mut tokens = Vec::new();
    for number in 0..=(2 * TIMED / BY_TOKEN) {
        let name = format!("token {number}");
        let new = NewToken { account: row.id, name, scopes: scopes.clone(), days: 1 };
        let AccountReply::Token(created) = account(AccountCommand::CreateToken(new))? else {
            return Err(refused("another reply"));
        };
        tokens.push(created.secret.clone());
    }
    Ok(tokens)
}

fn take_turns(custody: &Custody, address: SocketAddr, tokens: &[String]) -> Result<(), Failure> {
    let failed = |cause| Failure::System { doing: "speak to the server", cause };
    let mut connection = TcpStream::connect(address).map_err(failed)?;
    connection.set_nodelay(true).map_err(failed)?;
    let (mut bare, mut plain, mut keyed) = (Vec::new(), Vec::new(), Vec::new());
    for number in 0..TIMED {
        let act = if number % 2 == 0 { ConsentAct::Give } else { ConsentAct::Withdraw };
        let token = tokens.get(2 * number / BY_TOKEN).ok_or_else(|| refused("too few tokens"))?;
        let holder = custody.token_holder(token, "bench").map_err(refused)?;
        let one = custody.application_for(&holder, "one", true).map_err(refused)?;
        let begun = Instant::now();
        custody.choose_by_application(&one, ConsentChannel::Api, choice(act)).map_err(refused)?;
        bare.push(begun.elapsed());
        plain.push(by_api(&mut connection, token, ("two", act), None)?);
        keyed.push(by_api(&mut connection, token, ("three", act), Some(number))?);
    }
    say("a choice by custody's own interface", bare);
    say("the same by the API", plain);
    say("the same by the API with an idempotency key", keyed);
    Ok(())
}

/// One choice over HTTP; how long it took.
fn by_api(
    connection: &mut TcpStream,
    token: &str,
    (person, act): (&str, ConsentAct),
    key: Option<usize>,
) -> Result<Duration, Failure> {
    let failed = |cause| Failure::System { doing: "speak to the server", cause };
    let body = format!(
        "{{\"purpose\":\"batch-training\",\"act\":\"{act}\",\"notice\":{{\"language\":\"en\",\"version\":1}}}}"
    );
    let key = key.map(|key| format!("idempotency-key: {key}\r\n")).unwrap_or_default();
    let request = format!(
        "POST /api/v1/consents/choices HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n\
         fiducia-subject: {person}\r\ncontent-type: application/json\r\n{key}content-length: {}\r\n\r\n{body}",
        body.len()
    );
    let begun = Instant::now();
    connection.write_all(request.as_bytes()).map_err(failed)?;
    let answer = whole_answer(connection).map_err(failed)?;
    let took = begun.elapsed();
    if !answer.starts_with("HTTP/1.1 201 ") {
        return Err(refused(answer));
    }
    Ok(took)
}

/// Reads one answer that says how long it is.
pub(crate) fn whole_answer(connection: &mut TcpStream) -> std::io::Result<String> {
    let mut answer = Vec::new();
    let mut piece = [0; 4_096];
    loop {
        let count = connection.read(&mut piece)?;
        if count == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        answer.extend(piece.iter().take(count));
        let text = String::from_utf8_lossy(&answer);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length =
            head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
        if length.is_some_and(|length| body.len() >= length) {
            return Ok(text.into_owned());
        }
    }
}
