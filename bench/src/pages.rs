//! How long pages of the console take for a person with very many conversations, each with its keys: from the request's first byte to the
//! answer's last, over one connection on this machine.

use std::io::Write;
use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use fiducia_custody::{
    AccountCommand, AdminCommand, Attempt, Browser, NewAccount, ProviderIdentity, SessionTerms,
};
use fiducia_policy::Clock;

use crate::api::{console, whole_answer};
use crate::consent::say;
use crate::failure::Failure;
use crate::report;
use crate::retention::{TURNS_EACH, World, refused};

/// How often each page is asked for.
const TIMED: usize = 100;
const LOGIN: &str = "person@shop.example";

/// `pages`
///
/// # Errors
/// When custody or the server refuses something.
pub(crate) fn measure(records: u64) -> Result<(), Failure> {
    let world = World::new()?;
    world.import(records)?;
    let cookie = signed_in(&world)?;
    let server = console(&world.custody, Arc::clone(&world.clock) as Arc<dyn Clock>)?;
    let address = server.addresses().console.ok_or_else(|| refused("the console has no address"))?;
    let failed = |cause| Failure::System { doing: "speak to the server", cause };
    let mut connection = TcpStream::connect(address).map_err(failed)?;
    connection.set_nodelay(true).map_err(failed)?;
    let (first, _) = page(&mut connection, &cookie, "/conversations")?;
    let older = linked(&first, "/conversations?after=")?;
    let one = linked(&first, "/conversations/conv_")?;
    report::line(format!(
        "{} conversations of one person with {TURNS_EACH} exchanges each; the target is 30 ms for a page",
        records / TURNS_EACH
    ));
    for path in [
        "/",
        "/conversations",
        &older,
        "/conversations?deleted=1",
        &one,
        "/choices",
        "/accesses",
        "/requests",
        "/certificates",
        "/notices",
    ] {
        let mut times = Vec::with_capacity(TIMED);
        for _ in 0..TIMED {
            times.push(page(&mut connection, &cookie, path)?.1);
        }
        say(path.split("=conv_").next().unwrap_or(path).split("/conv_").next().unwrap_or(path), times);
    }
    server.shutdown();
    world.custody.close();
    Ok(())
}

/// Signs the imported person in; gives the cookie.
fn signed_in(world: &World) -> Result<String, Failure> {
    let new = NewAccount {
        organization: world.organization,
        login: LOGIN.to_owned(),
        name: "Person".to_owned(),
        subject: Some("person".to_owned()),
        roles: "person".parse().map_err(refused)?,
    };
    world.custody.administer(AdminCommand::Account(AccountCommand::Create(new))).map_err(refused)?;
    let identity = ProviderIdentity {
        issuer: "https://issuer.example".to_owned(),
        external: "person".to_owned(),
        verified_email: Some(LOGIN.to_owned()),
    };
    let attempt = Attempt {
        browser: Browser { address: "bench".to_owned(), secret: None, device: String::new() },
        terms: SessionTerms { visit: [7; 32], idle_seconds: 3_600, seconds_max: 3_600 },
    };
    let session = world.custody.sign_in_with_provider(&identity, &attempt).map_err(refused)?;
    Ok(format!("fiducia-session={}", URL_SAFE_NO_PAD.encode(*session.token)))
}

/// One page, and how long it took.
fn page(connection: &mut TcpStream, cookie: &str, path: &str) -> Result<(String, Duration), Failure> {
    let failed = |cause| Failure::System { doing: "speak to the server", cause };
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\ncookie: {cookie}\r\n\r\n");
    let begun = Instant::now();
    connection.write_all(request.as_bytes()).map_err(failed)?;
    let answer = whole_answer(connection).map_err(failed)?;
    let took = begun.elapsed();
    if answer.starts_with("HTTP/1.1 200 ") { Ok((answer, took)) } else { Err(refused(answer)) }
}

/// The first link on a page that begins with `prefix`.
fn linked(page: &str, prefix: &str) -> Result<String, Failure> {
    let place = page.find(&format!("\"{prefix}")).map(|at| at + 1);
    let link = place.and_then(|at| page.get(at..)).and_then(|rest| rest.split('"').next());
    link.map(str::to_owned).ok_or_else(|| refused(format!("the page has no link to {prefix}…")))
}
