//! Signing in and out: by password, at a provider, by passkey.

use serde_json::json;

use super::driver::Browser;
use super::stand::{LOGIN, PASSWORD, Stand};
use crate::harness::http::Connection;

#[test]
fn by_password_and_everything_about_the_account() {
    let stand = Stand::new();
    let browser = Browser::start();
    browser.open(&stand.page("/account"));
    browser.arrives("/sign-in");
    browser.examine("sign-in");
    browser.fill("#login", LOGIN);
    browser.fill("#password", "a wrong password");
    browser.click("main form button[type=submit]");
    browser.says("The name or the password is not right");
    browser.examine("sign-in-wrong");
    browser.fill("#password", PASSWORD);
    browser.click("main form button[type=submit]");
    browser.arrives("/account");
    browser.examine("account");
    browser.open(&stand.page("/"));
    browser.says("Hello, Ada");
    browser.says("What is kept about you");
    browser.examine("home");

    browser.open(&stand.page("/account"));
    browser.fill("#current", PASSWORD);
    browser.fill("#new", "another horse battery");
    browser.fill("#repeated", "another horse battery");
    browser.click("form[action='/account/password'] button");
    browser.says("Your password is changed");
    browser.examine("account-password-changed");
    browser.click("header .sign-out button");
    browser.arrives("/sign-in");
    browser.open(&stand.page("/account"));
    browser.arrives("/sign-in");
    browser.fill("#login", LOGIN);
    browser.fill("#password", PASSWORD);
    browser.click("main form button[type=submit]");
    browser.says("The name or the password is not right");
    stand.site.verify_ledger();
}

#[test]
fn at_a_provider_that_vouches_for_the_address() {
    let stand = Stand::with_provider(true);
    let browser = Browser::start();
    browser.open(&stand.page("/account"));
    browser.examine("sign-in-with-provider");
    browser.click(".providers a");
    // The provider's own pages: any password will do, then consent.
    browser.fill("input[name=login]", "ada-at-work");
    browser.fill("input[name=password]", "anything");
    browser.click("button[type=submit]");
    browser.says("Continue");
    browser.click("button[type=submit]");
    browser.arrives("/account");
    browser.says("By a provider");
    browser.says(LOGIN);
    // The second time the provider is found by its own name for the person.
    browser.click("header .sign-out button");
    browser.arrives("/sign-in");
    browser.click(".providers a");
    browser.arrives("/");
    browser.says("Hello, Ada");
    stand.site.verify_ledger();
}

#[test]
fn a_provider_that_has_not_verified_the_address_opens_nothing() {
    let stand = Stand::with_provider(false);
    let browser = Browser::start();
    browser.open(&stand.page("/sign-in"));
    browser.click(".providers a");
    browser.fill("input[name=login]", "mallory");
    browser.fill("input[name=password]", "anything");
    browser.click("button[type=submit]");
    browser.says("Continue");
    browser.click("button[type=submit]");
    browser.arrives("/sign-in");
    browser.says("you have no account here");
    browser.examine("sign-in-unlinked");
}

#[test]
fn a_provider_that_did_not_look_as_closely_as_asked_opens_nothing() {
    let stand = Stand::with_provider_settings("acr_values = [\"urn:example:two-factors\"]");
    let browser = Browser::start();
    browser.open(&stand.page("/sign-in"));
    browser.click(".providers a");
    browser.fill("input[name=login]", "ada-at-work");
    browser.fill("input[name=password]", "anything");
    browser.click("button[type=submit]");
    browser.says("Continue");
    browser.click("button[type=submit]");
    browser.arrives("/sign-in");
    browser.says("Signing in there did not work");
}

#[test]
fn a_sign_in_that_another_browser_began_is_refused() {
    let stand = Stand::with_provider(true);
    // Somebody begins to sign in and gives the way to the provider to somebody else.
    let mut connection = Connection::open(stand.console).unwrap();
    let departure = connection.send("GET", "/sign-in/provider/work", &[], b"").unwrap();
    let way = departure.header("location").unwrap();
    assert!(way.contains("code_challenge_method=S256") && way.contains("&nonce="), "{way}");
    let victim = Browser::start();
    victim.open(&stand.page("/sign-in"));
    victim.open(way);
    victim.fill("input[name=login]", "ada-at-work");
    victim.fill("input[name=password]", "anything");
    victim.click("button[type=submit]");
    victim.says("Continue");
    victim.click("button[type=submit]");
    victim.says("This form is out of date");
    assert_eq!(victim.path(), "/sign-in/return/work");
    victim.open(&stand.page("/account"));
    victim.arrives("/sign-in");
    // Links on other sites do not begin a sign-in either.
    let foreign = [("sec-fetch-site", "cross-site")];
    let answer = connection.send("GET", "/sign-in/provider/work", &foreign, b"").unwrap();
    assert_eq!(answer.status, 403);
}

#[test]
fn by_passkey() {
    let stand = Stand::new();
    let browser = Browser::start();
    browser.protocol("WebAuthn.enable", json!({}));
    let device = json!({"options": {
        "protocol": "ctap2", "transport": "internal", "hasResidentKey": true, "hasUserVerification": true,
        "isUserVerified": true, "automaticPresenceSimulation": true,
    }});
    let device = browser.protocol("WebAuthn.addVirtualAuthenticator", device)["authenticatorId"].clone();
    stand.sign_in(&browser);
    browser.open(&stand.page("/account"));
    browser.fill("#passkey-name", "Ada's <b>telephone</b>");
    browser.click("[data-passkey=add]");
    browser.says("The passkey is added");
    browser.says("Ada's <b>telephone</b>");
    browser.examine("account-passkey");
    // The same device again is told apart.
    browser.click("[data-passkey=add]");
    browser.says("Nothing has changed; you can try again");
    browser.click("header .sign-out button");
    browser.arrives("/sign-in");
    browser.click("[data-passkey=sign-in]");
    browser.arrives("/");
    browser.open(&stand.page("/account"));
    browser.says("By passkey");
    // A device that does not check who uses it does not sign in.
    browser.click("header .sign-out button");
    browser.arrives("/sign-in");
    browser.protocol("WebAuthn.setUserVerified", json!({"authenticatorId": device, "isUserVerified": false}));
    browser.click("[data-passkey=sign-in]");
    browser.says("Your device did not answer");
    browser.examine("sign-in-passkey-failed");
    browser.protocol("WebAuthn.setUserVerified", json!({"authenticatorId": device, "isUserVerified": true}));
    browser.click("[data-passkey=sign-in]");
    browser.arrives("/");
    browser.open(&stand.page("/account"));
    browser.click("form[action='/account/passkeys/remove'] button");
    browser.says("The passkey is removed");
    browser.click("header .sign-out button");
    browser.arrives("/sign-in");
    browser.click("[data-passkey=sign-in]");
    browser.says("The name or the password is not right");
    stand.site.verify_ledger();
}

#[test]
fn sessions_end_from_another_browser_and_from_the_command_line() {
    let stand = Stand::new();
    let (here, there) = (Browser::start(), Browser::start());
    stand.sign_in(&here);
    stand.sign_in(&there);
    here.open(&stand.page("/account"));
    assert_eq!(here.count("form[action='/account/sessions/end']"), 1);
    here.examine("account-two-sessions");
    here.click("form[action='/account/sessions/end'] button");
    here.says("That browser is signed out");
    there.open(&stand.page("/account"));
    there.arrives("/sign-in");
    there.says("You were signed out because your session ended");
    there.examine("sign-in-ended");
    stand.sign_in(&there);
    here.open(&stand.page("/account"));
    here.click("form[action='/sign-out'][method=post] input[value=everywhere] ~ button");
    here.arrives("/sign-in");
    there.open(&stand.page("/"));
    there.arrives("/sign-in");
    stand.sign_in(&there);
    let output = stand.site.run(&["accounts", "sign-out", LOGIN]);
    assert!(output.status.success());
    // A form of the session that ended does nothing.
    there.click("header .sign-out button");
    there.says("This form is out of date");
    there.examine("refused-form-expired");
}
