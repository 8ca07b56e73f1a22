//! What strangers, other sites and impatient people do.

use super::driver::Browser;
use super::stand::{LOGIN, PASSWORD, Stand};
use crate::harness::http::{Answer, Connection};

/// A name that is a script, an attribute and an entity at once.
const HOSTILE_NAME: &str =
    "\"'><img src=x onerror=\"document.title='taken'\"><script>document.title='taken'</script>&lt;";

#[test]
fn hostile_names_are_text_everywhere() {
    let stand = Stand::new();
    stand.account("mallory@hospital.example", HOSTILE_NAME, &["--role", "auditor"]);
    let browser = Browser::start();
    browser.open(&stand.page("/sign-in"));
    browser.fill("#login", "mallory@hospital.example");
    browser.fill("#password", PASSWORD);
    browser.click("main form button[type=submit]");
    browser.arrives("/");
    for path in ["/", "/account"] {
        browser.open(&stand.page(path));
        assert_eq!(browser.text(".person"), HOSTILE_NAME);
        assert!(!browser.has("img[src=x]") && browser.count("script") == 1, "{path}");
        assert!(!browser.run("return document.title;").as_str().unwrap().contains("taken"));
    }
    assert_eq!(browser.run("return document.querySelector('#name').value;"), HOSTILE_NAME);
    browser.examine("account-hostile-name");
}

#[test]
fn strangers_who_guess_are_slowed_down_and_lock_nobody_out() {
    let stand = Stand::new();
    let owner = Browser::start();
    stand.sign_in(&owner);
    owner.click("header .sign-out button");
    owner.arrives("/sign-in");
    let stranger = Browser::start();
    stranger.open(&stand.page("/sign-in"));
    for _ in 0..10 {
        stranger.fill("#login", LOGIN);
        stranger.fill("#password", "a guess that is wrong");
        stranger.click("main form button[type=submit]");
        stranger.says("The name or the password is not right");
        stranger.open(&stand.page("/sign-in"));
    }
    stranger.fill("#login", LOGIN);
    stranger.fill("#password", PASSWORD);
    stranger.click("main form button[type=submit]");
    stranger.says("Too many attempts failed. Please wait");
    stranger.examine("sign-in-throttled");
    stand.sign_in(&owner);
}

#[test]
fn forms_of_others_do_nothing() {
    let stand = Stand::new();
    let browser = Browser::start();
    stand.sign_in(&browser);
    browser.open(&stand.page("/account"));
    browser.run("document.querySelector(\"form[action='/account/name'] [name=token]\").value = 'guessed';");
    browser.fill("#name", "Mallory");
    browser.click("form[action='/account/name'] button");
    browser.says("This form is out of date");
    let elsewhere = Stand::new();
    browser.open(&elsewhere.page("/sign-in"));
    // The other site's own policy forbids the form, so it is sent from a page without one.
    browser.open("data:text/html,<title>x</title><body></body>");
    browser.run(&format!(
        "const form = document.createElement('form'); form.method = 'post'; form.action = '{}';
         form.innerHTML = '<input name=name value=Mallory><input name=token value=guessed>';
         document.body.append(form); form.submit();",
        stand.page("/account/name")
    ));
    browser.says("This came from another site");
    browser.examine("refused-foreign-form");
    browser.open(&stand.page("/account"));
    assert_eq!(browser.run("return document.querySelector('#name').value;"), "Ada");
}

fn cookie(answer: &Answer, name: &str) -> String {
    let prefix = format!("{name}=");
    let set = answer.headers.iter().filter(|(header, _)| header == "set-cookie");
    let found = set.map(|(_, value)| value.as_str()).find(|value| value.starts_with(&prefix));
    found.unwrap_or_else(|| panic!("no cookie {name} in {answer:?}")).split(';').next().unwrap().to_owned()
}

#[test]
fn a_form_that_is_sent_twice_signs_in_once() {
    let stand = Stand::new();
    let mut connection = Connection::open(stand.console).unwrap();
    let page = connection.send("GET", "/sign-in", &[], b"").unwrap();
    let visit = cookie(&page, "fiducia-visit");
    let text = page.text();
    let token = text.split("name=\"token\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    let login = LOGIN.replace('@', "%40");
    let form = format!("token={token}&login={login}&password={}&next=/", PASSWORD.replace(' ', "+"));
    let kind = ("content-type", "application/x-www-form-urlencoded");
    let mut send = |cookie: &str| {
        connection.send("POST", "/sign-in", &[kind, ("cookie", cookie)], form.as_bytes()).unwrap()
    };
    let first = cookie(&send(&visit), "fiducia-session");
    let second = cookie(&send(&visit), "fiducia-session");
    assert_ne!(first, second);
    // The browser has the first session's cookie when it sends the form again.
    let third = send(&second);
    assert_eq!((third.status, third.header("location")), (303, Some("/")));
    let account = |cookie: &str| {
        let mut connection = Connection::open(stand.console).unwrap();
        connection.send("GET", "/account", &[("cookie", cookie)], b"").unwrap()
    };
    assert_eq!(account(&first).status, 303, "the first session gave way to the second");
    let page = account(&second);
    assert_eq!((page.status, page.text().matches("This browser").count()), (200, 1));
    assert!(!page.text().contains("/account/sessions/end\""), "there is another session");
}
