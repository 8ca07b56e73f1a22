//! The console as programs see it: headers, cookies, forms, sessions and their ends, limits.

use fiducia_custody::{
    AccountCommand, AccountReply, AdminCommand, AdminReply, DestructionScope, NewAccount, Password,
};
use fiducia_policy::AccountId;
use fiducia_server::ConsoleSettings;

use crate::app::{App, AppSettings};
use crate::client::{Answer, Conversation, request_head, send};
use crate::upstream::Upstream;

const LOGIN: &str = "ada@example.org";
const PASSWORD: &str = "correct horse battery";

/// A console with one account.
struct Stand {
    app: App,
    account: AccountId,
    _upstream: Upstream,
}

fn stand_at(public_url: &str) -> Stand {
    let upstream = Upstream::start(Vec::new());
    let mut settings = AppSettings::new(upstream.address);
    let listen = "127.0.0.1:0".parse().unwrap();
    settings.console = Some(ConsoleSettings { listen, ..ConsoleSettings::new(public_url.to_owned()) });
    let app = settings.start();
    let new = NewAccount {
        organization: app.organization,
        login: LOGIN.to_owned(),
        name: "Ada".to_owned(),
        subject: Some("ada".to_owned()),
        roles: "person".parse().unwrap(),
    };
    let AccountReply::Account(row) = administer(&app, AccountCommand::Create(new)) else { panic!("reply") };
    let password = Password::new(PASSWORD.to_owned());
    administer(&app, AccountCommand::SetPassword { account: row.id, password });
    Stand { app, account: row.id, _upstream: upstream }
}

fn administer(app: &App, command: AccountCommand) -> AccountReply {
    let AdminReply::Account(reply) = app.custody.administer(AdminCommand::Account(command)).unwrap() else {
        panic!("reply")
    };
    reply
}

fn stand() -> Stand {
    stand_at("http://localhost:4102")
}

/// The cookie that an answer sets, as browsers send it back.
fn cookie(answer: &Answer, name: &str) -> Option<String> {
    let prefix = format!("{name}=");
    let set = answer.headers.iter().filter(|(header, _)| header == "set-cookie");
    let value = set.map(|(_, value)| value).find(|value| value.starts_with(&prefix))?;
    Some(value.split(';').next().unwrap().to_owned())
}

/// The token in the forms of a page.
fn token(page: &Answer) -> String {
    let text = page.text();
    text.split("name=\"token\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
}

impl Stand {
    fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        send(self.app.console.unwrap(), method, path, headers, body.as_bytes())
    }

    fn get(&self, path: &str, cookies: &str) -> Answer {
        self.send("GET", path, &[("cookie", cookies)], "")
    }

    fn post(&self, path: &str, cookies: &str, form: &str) -> Answer {
        let kind = ("content-type", "application/x-www-form-urlencoded");
        self.send("POST", path, &[kind, ("cookie", cookies)], form)
    }

    /// A visit: its cookie and the token of its forms.
    fn visit(&self) -> (String, String) {
        let page = self.get("/sign-in", "");
        (cookie(&page, "fiducia-visit").unwrap(), token(&page))
    }

    /// Tries to sign in; `known` is the cookie of a browser that has done so before.
    fn try_to_sign_in(&self, password: &str, known: &str) -> Answer {
        let (visit, token) = self.visit();
        let form = format!("token={token}&login=ADA%40example.org&password={}", password.replace(' ', "+"));
        self.post("/sign-in", &format!("{visit}; {known}"), &form)
    }

    /// Signs in and gives the session's cookie.
    fn sign_in(&self) -> String {
        let answer = self.try_to_sign_in(PASSWORD, "");
        assert_eq!((answer.status, answer.header("location")), (303, Some("/")), "{answer:?}");
        cookie(&answer, "fiducia-session").unwrap()
    }
}

#[test]
fn every_answer_tells_browsers_what_not_to_do() {
    let stand = stand();
    let session = stand.sign_in();
    let page = stand.get("/account", &session);
    let asset = page.text().split("href=\"/assets/").nth(2).unwrap().split('"').next().unwrap().to_owned();
    let answers = [
        ("page", stand.get("/sign-in", "")),
        ("account", page),
        ("asset", stand.get(&format!("/assets/{asset}"), "")),
        ("nothing", stand.get("/nothing", "")),
        ("redirect", stand.get("/account", "")),
        ("problem", stand.send("GET", "/nothing", &[("accept", "application/json")], "")),
        ("gpc", stand.get("/.well-known/gpc.json", "")),
        ("method", stand.send("DELETE", "/account", &[], "")),
    ];
    for (name, answer) in &answers {
        let policy = answer.header("content-security-policy").unwrap();
        for part in ["default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'"]
        {
            assert!(policy.contains(part), "{name}: {policy}");
        }
        assert!(!policy.contains("unsafe") && !policy.contains("http"), "{name}: {policy}");
        for (header, value) in [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "same-origin"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(answer.header(header), Some(value), "{name}");
        }
        let caching = answer.header("cache-control").unwrap();
        match *name {
            "asset" => assert!(caching.contains("immutable"), "{caching}"),
            "gpc" => assert!(caching.contains("max-age=86400"), "{caching}"),
            _ => assert_eq!(caching, "no-store", "{name}"),
        }
        if answer.header("content-type").is_some_and(|kind| kind.starts_with("text/html")) {
            let text = answer.text();
            for inline in ["<style", " style=", "<script>", " onclick", " onload", "javascript:", "//"] {
                assert!(!text.contains(inline), "{name} has {inline}");
            }
        }
    }
    let status = |wanted: &str| answers.iter().find(|(name, _)| *name == wanted).unwrap().1.status;
    assert_eq!((status("nothing"), status("redirect"), status("method")), (404, 303, 405));
    let problem = &answers.iter().find(|(name, _)| *name == "problem").unwrap().1;
    assert_eq!(problem.header("content-type"), Some("application/problem+json"));
    assert_eq!((&problem.json()["code"], &problem.json()["status"]), (&"not-found".into(), &404.into()));
    let gpc = &answers.iter().find(|(name, _)| *name == "gpc").unwrap().1;
    assert_eq!(gpc.json(), serde_json::json!({"gpc": true, "lastUpdate": "2026-11-21"}));
}

#[test]
fn cookies_are_bound_to_the_host_where_there_is_tls() {
    let stand = stand_at("https://console.example.org");
    let page = stand.get("/sign-in", "");
    let visit = cookie(&page, "__Host-fiducia-visit").unwrap();
    let form = format!("token={}&login=ada%40example.org&password=correct+horse+battery", token(&page));
    let answer = stand.post("/sign-in", &visit, &form);
    assert_eq!(answer.status, 303);
    let set: Vec<&str> = answer
        .headers
        .iter()
        .filter(|(name, _)| name == "set-cookie")
        .map(|(_, value)| value.as_str())
        .collect();
    assert_eq!(set.len(), 3, "{set:?}");
    for line in &set {
        assert!(line.starts_with("__Host-fiducia-"), "{line}");
        assert!(
            line.contains("; Path=/; HttpOnly; SameSite=Lax; Secure") && !line.contains("Domain"),
            "{line}"
        );
    }
    assert_eq!(answer.header("strict-transport-security"), Some("max-age=31536000"));
}

#[test]
fn a_form_is_taken_only_from_the_browser_it_was_made_for() {
    let stand = stand();
    let (visit, token) = stand.visit();
    let (other_visit, _) = stand.visit();
    let form = |token: &str| format!("token={token}&login=ada%40example.org&password=correct+horse+battery");
    assert_eq!(stand.post("/sign-in", &other_visit, &form(&token)).status, 403, "another visit's token");
    assert_eq!(stand.post("/sign-in", "", &form(&token)).status, 403, "no visit");
    assert_eq!(stand.post("/sign-in", &visit, &form("")).status, 403, "an empty token");
    assert_eq!(stand.post("/sign-in", &visit, "login=x&password=y").status, 400, "no token");
    let kind = ("content-type", "application/x-www-form-urlencoded");
    for foreign in [("origin", "https://evil.example"), ("origin", "null"), ("sec-fetch-site", "cross-site")]
    {
        let headers = [kind, ("cookie", visit.as_str()), foreign];
        let answer = stand.send("POST", "/sign-in", &headers, &form(&token));
        assert_eq!(answer.status, 403, "{foreign:?}");
        assert!(answer.text().contains("This came from another site"));
    }
    let own = [
        kind,
        ("cookie", visit.as_str()),
        ("origin", "http://localhost:4102"),
        ("sec-fetch-site", "same-origin"),
    ];
    let answer = stand.send("POST", "/sign-in", &own, &form(&token));
    assert_eq!(answer.status, 303);
    // The token of the visit is worth nothing in the session that it began.
    let session = cookie(&answer, "fiducia-session").unwrap();
    assert_eq!(stand.post("/account/name", &session, &format!("token={token}&name=X")).status, 403);
    assert!(cookie(&answer, "fiducia-visit").unwrap().ends_with('='), "the visit is over");
}

#[test]
fn sessions_end_when_idle_and_at_their_last_hour() {
    let stand = stand();
    let idle = stand.sign_in();
    stand.app.clock.advance(29 * 60);
    assert_eq!(stand.get("/account", &idle).status, 200);
    // Using it put its end off. The note of that is written by another thread, before the next answer of the same one.
    stand.app.custody.administer(AdminCommand::NamePerson { name: "somebody".to_owned() }).unwrap();
    stand.app.clock.advance(29 * 60);
    assert_eq!(stand.get("/account", &idle).status, 200);
    stand.app.custody.administer(AdminCommand::NamePerson { name: "somebody".to_owned() }).unwrap();
    stand.app.clock.advance(30 * 60);
    let answer = stand.get("/account", &idle);
    assert_eq!((answer.status, answer.header("location")), (303, Some("/sign-in?next=/account&ended=1")));
    let page = stand.get("/sign-in?next=/account&ended=1", &idle);
    assert!(page.text().contains("your session ended"));
    let lasting = stand.sign_in();
    for _ in 0..35 {
        stand.app.clock.advance(20 * 60);
        assert_eq!(stand.get("/", &lasting).status, 200);
        stand.app.custody.administer(AdminCommand::NamePerson { name: "somebody".to_owned() }).unwrap();
    }
    stand.app.clock.advance(20 * 60);
    assert_eq!(stand.get("/", &lasting).status, 303, "twelve hours are over");
}

#[test]
fn signing_out_ends_the_session_and_not_only_the_cookie() {
    let stand = stand();
    let session = stand.sign_in();
    let token = token(&stand.get("/", &session));
    let answer = stand.post("/sign-out", &session, &format!("token={token}"));
    assert_eq!(answer.status, 303);
    assert!(cookie(&answer, "fiducia-session").unwrap().ends_with('='));
    assert_eq!(stand.get("/", &session).status, 303);
    assert_eq!(stand.get("/", "fiducia-session=AAAA").status, 303);
}

#[test]
fn strangers_are_slowed_down_for_a_quarter_of_an_hour_and_known_browsers_are_not() {
    let stand = stand();
    let known = cookie(&stand.try_to_sign_in(PASSWORD, ""), "fiducia-browser").unwrap();
    for number in 0..10 {
        let answer = stand.try_to_sign_in("a guess that is wrong", "");
        assert_eq!(answer.status, 401, "{number}");
        assert!(!answer.text().contains("a guess that is wrong"), "the password is repeated");
    }
    let answer = stand.try_to_sign_in(PASSWORD, "");
    assert_eq!((answer.status, answer.header("retry-after")), (429, Some("900")));
    assert_eq!(stand.try_to_sign_in(PASSWORD, &known).status, 303);
    stand.app.clock.advance(15 * 60);
    assert_eq!(stand.try_to_sign_in(PASSWORD, "").status, 303);
}

#[test]
fn who_is_disabled_or_erased_is_out_at_once() {
    let stand = stand();
    let session = stand.sign_in();
    administer(&stand.app, AccountCommand::SetState { account: stand.account, enabled: false });
    assert_eq!(stand.get("/", &session).status, 303);
    assert_eq!(stand.try_to_sign_in(PASSWORD, "").status, 403);
    administer(&stand.app, AccountCommand::SetState { account: stand.account, enabled: true });
    let session = stand.sign_in();
    let AccountReply::Accounts(rows) = administer(&stand.app, AccountCommand::List { organization: None })
    else {
        panic!("reply")
    };
    let scope = DestructionScope::Subject(rows[0].subject.unwrap());
    stand.app.custody.administer(AdminCommand::Destroy { scope, actor: "tester".to_owned() }).unwrap();
    assert_eq!(stand.get("/", &session).status, 303);
    assert_eq!(stand.try_to_sign_in(PASSWORD, "").status, 401);
    assert!(!stand.app.holds(LOGIN), "the login of the erased is still on the disk");
}

#[test]
fn secrets_are_not_on_the_disk_nor_in_the_metrics() {
    let stand = stand();
    let answer = stand.try_to_sign_in(PASSWORD, "");
    for name in ["fiducia-session", "fiducia-browser"] {
        let cookie = cookie(&answer, name).unwrap();
        let secret = cookie.split_once('=').unwrap().1;
        assert!(secret.len() == 43 && !stand.app.holds(secret), "{name}");
    }
    assert!(!stand.app.holds(PASSWORD));
    let scrape = send(stand.app.operations, "GET", "/metrics", &[], b"");
    let text = scrape.text();
    assert!(
        text.contains("fiducia_console_page_seconds_count{page=\"/sign-in\",status=\"303\"} 1"),
        "{text}"
    );
    assert!(!text.contains(LOGIN));
}

#[test]
fn limits_hold() {
    let stand = stand();
    let (visit, token) = stand.visit();
    let huge = format!("token={token}&login=x&password={}", "x".repeat(70 * 1024));
    assert_eq!(stand.post("/sign-in", &visit, &huge).status, 413);
    let long = "x".repeat(300);
    let form = format!("token={token}&login=ada%40example.org&password={long}");
    assert_eq!(
        stand.post("/sign-in", &visit, &form).status,
        401,
        "a password too long to be hashed is wrong"
    );
    let header = "x".repeat(40 * 1024);
    assert_eq!(stand.get("/sign-in", &header).status, 431);
    assert_eq!(stand.get("/assets/..%2f..%2fconsole.css", "").status, 404);
    let session = stand.sign_in();
    let own = self::token(&stand.get("/account", &session));
    let name = format!("token={own}&name={}", "x".repeat(129));
    let answer = stand.post("/account/name", &session, &name);
    assert_eq!(answer.status, 400);
    assert!(answer.text().contains("A name has 1 to 128 characters"));
    // A half-sent head is not waited for after others were served, and holds nobody up.
    let head = request_head("GET", "/sign-in", &[]);
    let half = Conversation::open(stand.app.console.unwrap(), &head[..head.len() / 2]);
    assert_eq!(stand.get("/sign-in", "").status, 200);
    drop(half);
}

#[test]
fn programs_are_told_that_nobody_is_signed_in() {
    let stand = stand();
    let answer = stand.send("GET", "/account", &[("accept", "application/json")], "");
    assert_eq!((answer.status, answer.json()["code"].as_str()), (401, Some("signed-out")));
    let (visit, token) = stand.visit();
    let headers = [
        ("cookie", visit.as_str()),
        ("content-type", "application/json"),
        ("accept", "application/json"),
        ("fiducia-form", token.as_str()),
    ];
    let answer = stand.send("POST", "/account/passkeys/question", &headers, "{}");
    assert_eq!(answer.status, 401);
    let answer = stand.send("POST", "/sign-in/passkey/question", &headers, "{}");
    assert_eq!((answer.status, answer.json()["rpId"].as_str()), (200, Some("localhost")));
    let forged =
        r#"{"answer":{"id":"AAAA","clientDataJSON":"AAAA","authenticatorData":"AAAA","signature":"AAAA"}}"#;
    assert_eq!(stand.send("POST", "/sign-in/passkey", &headers, forged).status, 401);
    assert_eq!(
        stand.send("POST", "/sign-in/passkey", &headers, forged).status,
        403,
        "a challenge is answered once"
    );
}
