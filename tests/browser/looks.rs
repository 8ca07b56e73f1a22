//! However somebody looks at it: without scripts, by keyboard, on a small screen, in the dark, in German, asking for privacy.

use serde_json::json;

use super::driver::Browser;
use super::stand::{LOGIN, PASSWORD, Stand};

/// What WebDriver calls the tabulator and the return key.
const TAB: &str = "\u{e004}";
const RETURN: &str = "\u{e006}";

#[test]
fn without_scripts_everything_essential_works() {
    let stand = Stand::new();
    let browser = Browser::start();
    browser.protocol("Emulation.setScriptExecutionDisabled", json!({"value": true}));
    stand.sign_in(&browser);
    browser.open(&stand.page("/account"));
    assert_eq!(browser.count("[data-passkey-only]:not([hidden])"), 0, "a script ran");
    browser.says("Passkeys need JavaScript");
    browser.picture("account-without-scripts");
    browser.fill("#name", "Ada L.");
    browser.click("form[action='/account/name'] button");
    browser.says("Your name is saved");
    browser.click(".preferences [name=language][value=de]");
    browser.says("Mein Konto");
    browser.click(".preferences [name=appearance][value=dark]");
    assert!(browser.has("html[data-appearance=dark][lang=de]"));
    browser.fill("#current", PASSWORD);
    browser.fill("#new", "another horse battery");
    browser.fill("#repeated", "a different one entirely");
    browser.click("form[action='/account/password'] button");
    browser.says("Die beiden neuen Passwörter sind verschieden");
    browser.click("form[action='/account/sessions/end-others'] button");
    browser.says("Alle anderen Browser sind abgemeldet");
    browser.click("header .sign-out button");
    browser.arrives("/sign-in");
    browser.open(&stand.page("/"));
    browser.arrives("/sign-in");
}

#[test]
fn by_keyboard_alone() {
    let stand = Stand::new();
    let browser = Browser::start();
    let focused = |browser: &Browser| {
        browser.run("const found = document.activeElement; return found.id || found.getAttribute('href') || found.name;")
    };
    browser.open(&stand.page("/sign-in"));
    browser.press(TAB);
    assert_eq!(focused(&browser), "#content", "the skip link comes first");
    browser.picture("keyboard-skip-link");
    let outline = browser.run("return getComputedStyle(document.activeElement).outlineStyle;");
    assert_eq!(outline, "solid", "the focus cannot be seen");
    browser.press(RETURN);
    browser.press(TAB);
    assert_eq!(focused(&browser), "login", "the skip link skips");
    browser.press(LOGIN);
    browser.press(TAB);
    browser.press(PASSWORD);
    browser.press(RETURN);
    browser.arrives("/");
    // Every control of the account page is reached, in the order of the page, and none holds the focus.
    browser.open(&stand.page("/account"));
    let controls = browser.run(
        "return [...document.querySelectorAll('a[href], button, input:not([type=hidden])')]
            .filter((one) => one.checkVisibility()).length;",
    );
    let controls = controls.as_u64().unwrap();
    let mut last = -1;
    for number in 0..controls {
        browser.press(TAB);
        let place =
            browser.run("return [...document.querySelectorAll('*')].indexOf(document.activeElement);");
        let place = place.as_i64().unwrap();
        assert!(place > last, "control {number} of {controls} is out of order: {}", focused(&browser));
        let seen = browser.run(
            "const style = getComputedStyle(document.activeElement); return style.outlineStyle !== 'none';",
        );
        assert_eq!(seen, true, "the focus on {} cannot be seen", focused(&browser));
        last = place;
    }
    assert!(controls > 12, "only {controls} controls");
}

#[test]
fn on_a_small_screen_nothing_is_cut_off() {
    let stand = Stand::new();
    stand.account(
        "a-very-long-login-that-nobody-would-want-to-type@a-very-long-host-name.hospital.example",
        "Wolfgang Amadeus Theophilus Johannes Chrysostomus von und zu Donaudampfschifffahrtsgesellschaft",
        &["--role", "auditor", "--role", "legal", "--role", "trust-and-safety"],
    );
    let browser = Browser::start();
    browser.resize(320, 640);
    browser.open(&stand.page("/sign-in"));
    browser.examine("small-sign-in");
    browser.fill(
        "#login",
        "a-very-long-login-that-nobody-would-want-to-type@a-very-long-host-name.hospital.example",
    );
    browser.fill("#password", PASSWORD);
    browser.click("main form button[type=submit]");
    browser.arrives("/");
    browser.examine("small-home");
    browser.open(&stand.page("/account"));
    browser.examine("small-account");
    browser.open(&stand.page("/nothing"));
    browser.says("There is nothing here");
    browser.examine("small-not-found");
    let small = browser.run(
        "return [...document.querySelectorAll('button, input:not([type=hidden]), .button')]
            .filter((one) => one.checkVisibility() && one.getBoundingClientRect().height < 24).length;",
    );
    assert_eq!(small, 0, "targets under 24 px");
}

#[test]
fn in_the_dark_and_in_german() {
    let stand = Stand::new();
    let browser = Browser::start();
    browser.open(&stand.page("/sign-in"));
    let ground = |browser: &Browser| browser.run("return getComputedStyle(document.body).backgroundColor;");
    let light = ground(&browser);
    let dark = json!({"features": [{"name": "prefers-color-scheme", "value": "dark"}]});
    browser.protocol("Emulation.setEmulatedMedia", dark);
    assert_ne!(ground(&browser), light, "the browser's wish is not followed");
    browser.examine("dark-sign-in");
    browser.click(".preferences [name=appearance][value=light]");
    assert_eq!(ground(&browser), light, "the person's choice comes before the browser's");
    browser.click(".preferences [name=language][value=de]");
    browser.says("Anmelden");
    browser.examine("german-sign-in");
    browser.click(".preferences [name=appearance][value=dark]");
    stand.sign_in(&browser);
    browser.says("Guten Tag, Ada");
    browser.examine("dark-german-home");
    browser.open(&stand.page("/account"));
    browser.says("Wo Sie angemeldet sind");
    browser.examine("dark-german-account");
    // What was chosen when signed in belongs to the account, in every browser.
    browser.click(".preferences [name=language][value=de]");
    browser.click(".preferences [name=appearance][value=dark]");
    let other = Browser::start();
    stand.sign_in(&other);
    other.says("Guten Tag, Ada");
    assert!(other.has("html[lang=de][data-appearance=dark]"));
}

#[test]
fn the_privacy_signal_is_recorded_and_shown() {
    let stand = Stand::new();
    let browser = Browser::start();
    stand.sign_in(&browser);
    browser.says("Your browser does not send this signal");
    browser.protocol("Network.enable", json!({}));
    browser.protocol("Network.setExtraHTTPHeaders", json!({"headers": {"Sec-GPC": "1"}}));
    for _ in 0..2 {
        browser.open(&stand.page("/"));
        browser.says("Received and recorded");
        assert!(browser.text("#privacy-control").contains("Global Privacy Control"));
    }
    browser.examine("home-privacy-signal");
    browser.open(&stand.page("/.well-known/gpc.json"));
    assert!(browser.body().contains("\"gpc\":true"), "{}", browser.body());
    let log = stand.site.run(&["ledger", "tail"]);
    let log = String::from_utf8(log.stdout).unwrap();
    assert_eq!(log.matches("privacy_signal_received").count(), 1, "{log}");
    stand.site.verify_ledger();
}
