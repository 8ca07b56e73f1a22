//! Reading what is others': the reading room, agreeing to others' sessions, the lockbox, and emergencies with their reviews.
//! With scripts and without, by keyboard, on a telephone, in the dark, in German.

use serde_json::json;

use super::deadline::Calendar;
use super::driver::Browser;
use super::stand::{PASSWORD, Stand};

const REVIEWER: &str = "rita@hospital.example";
const SUPPORT: &str = "sam@hospital.example";
const ADMIN: &str = "grace@hospital.example";
const COUNSEL: &str = "lena@hospital.example";
const AUDITOR: &str = "audrey@hospital.example";

/// What somebody said: markup, an address, and a character that turns round what follows it.
const HOSTILE: &str =
    "wire \"'><img src=x onerror=alert(1)> to https://evil.example/pay \u{202e}gnp.exe 4711";

/// What WebDriver calls the tabulator and the return key.
const TAB: &str = "\u{e004}";
const RETURN: &str = "\u{e006}";

/// A service with staff, a conversation that was flagged, and the case that it was taken into.
struct Room {
    stand: Stand,
    conversation: String,
    case: String,
    /// A conversation that was not flagged.
    plain: String,
}

fn id(value: &serde_json::Value) -> String {
    value.get("value").unwrap_or(value)["id"].as_str().unwrap().to_owned()
}

fn room() -> Room {
    let stand = Stand::new();
    stand.account(REVIEWER, "Rita", &["--role", "trust-and-safety", "--role", "auditor"]);
    stand.account(SUPPORT, "Sam", &["--role", "support"]);
    stand.account(ADMIN, "Grace", &["--role", "tenant-admin"]);
    stand.chat("ada", HOSTILE);
    let conversation = stand.site.conversations()[0].clone();
    let flagged = stand.site.run(&["flags", "add", &conversation, "--category", "fraud"]);
    assert!(flagged.status.success(), "{}", crate::harness::site::both(&flagged));
    let case = id(&stand.site.json(&["cases", "open", "hospital", "wire fraud"]));
    stand.site.json(&["cases", "add", &case, &conversation]);
    stand.chat("ben", "what does my plan 4711 cost");
    let plain = stand.site.conversations().into_iter().find(|id| *id != conversation).unwrap();
    Room { stand, conversation, case, plain }
}

/// Signs somebody else in, in the same browser.
fn become_somebody(browser: &Browser, sign_in: impl FnOnce(&Browser)) {
    browser.protocol("Network.clearBrowserCookies", json!({}));
    sign_in(browser);
}

fn choose(browser: &Browser, field: &str, value: &str) {
    browser.press_in_place(&format!("#{field} option[value='{value}']"));
}

/// Fills the form in and sends it.
fn ask(browser: &Browser, (what, ids): (&str, &str), (reason, ticket): (&str, &str)) {
    choose(browser, "what", what);
    browser.fill("#ids", ids);
    choose(browser, "reason", reason);
    browser.fill("#ticket", ticket);
    browser.click("main form.editor button");
}

#[test]
fn what_was_flagged_is_read_in_two_steps_of_sight_and_each_is_in_the_log() {
    let Room { stand, conversation, case, .. } = room();
    let browser = Browser::start();
    stand.sign_in_to(&browser, REVIEWER, "/");
    browser.click("nav a[href='/access']");
    browser.says("You have none.");
    browser.examine("access-room-empty");
    browser.click("a[href='/access/new']");
    ask(&browser, ("case", "what Ada said"), ("safety_review", "CASE-7"));
    browser.says("The numbers do not fit what you chose");
    let typed =
        browser.run("return ['ids', 'ticket', 'reason'].map((id) => document.getElementById(id).value);");
    assert_eq!(typed, json!(["what Ada said", "CASE-7", "safety_review"]));
    browser.examine("access-new-problem");
    // Without its case, what was flagged is nobody's to read, and the page says so.
    ask(&browser, ("conversation", &conversation), ("safety_review", "CASE-7"));
    browser.says("Nothing was asked for.");
    ask(&browser, ("case", &case), ("safety_review", "CASE-7"));
    browser.says("It is open");
    browser.says("left to read");
    let session = browser.path();
    browser.examine("access-session-open");
    browser.click("form[action$='/look'] button");
    browser.says("A first look, blurred");
    assert_eq!(browser.path(), format!("{session}/look"), "what was said stands at no address");
    assert!(!browser.body().contains("wire") && !browser.body().contains("4711"));
    assert!(!browser.run("return document.documentElement.outerHTML;").as_str().unwrap().contains("evil"));
    assert!(browser.count("main .turn") >= 2, "{}", browser.body());
    browser.examine("access-look-blurred");
    browser.click("main .turn:first-child form button");
    browser.says("As it was said");
    browser.says("\"'><img src=x onerror=alert(1)> to https://evil.example/pay ⟦U+202E⟧gnp.exe 4711");
    assert!(!browser.has("img[src=x]") && !browser.has("main .said-text a"));
    assert_eq!(browser.count("main .turn"), 1, "one record is revealed, and no other");
    let title = browser.run("return document.title;");
    assert!(title.as_str().unwrap().starts_with("A session of reading"), "{title}");
    browser.examine("access-look-plain");
    let kept = browser.run(
        "const request = new XMLHttpRequest();
         request.open('GET', location.pathname.replace('/look', ''), false);
         request.send();
         return request.getResponseHeader('cache-control');",
    );
    assert_eq!(kept, "no-store");
    browser.click("form:has(input[value=end]) button");
    browser.says("The session is over.");
    browser.says("by its reader");
    assert!(!browser.has("form[action$='/look']"), "nothing is offered in a session that is over");
    assert_eq!(browser.count("ol.rows li"), 2, "a blurred look and a plain one");
    browser.examine("access-session-ended");
    browser.click("ol.rows li:last-child a");
    browser.says("CASE-7");
    browser.says("Hash of the proof");
    stand.site.verify_ledger();
}

#[test]
fn a_role_that_is_lost_ends_the_session_and_the_page_says_so() {
    let Room { stand, case, .. } = room();
    let browser = Browser::start();
    stand.sign_in_to(&browser, REVIEWER, "/");
    browser.open(&stand.page("/access/new"));
    ask(&browser, ("case", &case), ("safety_review", "CASE-8"));
    browser.says("It is open");
    let session = browser.path();
    stand.site.json(&["accounts", "roles", REVIEWER, "--role", "auditor"]);
    become_somebody(&browser, |browser| stand.sign_in_to(browser, REVIEWER, "/"));
    assert!(!browser.has("nav a[href='/access']"), "who may not ask is not led there");
    browser.open(&stand.page(&session));
    browser.click("form[action$='/look'] button");
    browser.says("Nothing was opened.");
    browser.says("its reader may no longer do this");
    assert!(!browser.has("form[action$='/look']") && browser.count("ol.rows li") == 0);
    browser.examine("access-session-revoked");
}

#[test]
fn the_customer_agrees_or_not_and_locks_the_box() {
    let Room { stand, plain: conversation, .. } = room();
    let browser = Browser::start();
    let ask_support = |browser: &Browser, ticket: &str| {
        become_somebody(browser, |browser| stand.sign_in_to(browser, SUPPORT, "/"));
        assert!(!browser.has("nav a[href='/access/approvals']"), "support agrees to nothing");
        browser.open(&stand.page("/access/new"));
        ask(browser, ("conversation", &conversation), ("customer_support", ticket));
        browser.says("It waits for an answer");
        browser.says("12 hours left to answer");
        assert!(!browser.has("form[action$='/look']") && !browser.has("form:has(input[value=approve])"));
        browser.path()
    };
    let session = ask_support(&browser, "T-17");
    browser.examine("access-session-waits");
    become_somebody(&browser, |browser| stand.sign_in_to(browser, ADMIN, "/"));
    assert!(!browser.has("nav a[href='/access']"), "an administrator reads nothing");
    browser.click("nav a[href='/access/approvals']");
    for fact in ["Sam", "Support", "T-17", &conversation, "12 hours left", "15 minutes"] {
        browser.says(fact);
    }
    browser.examine("access-approvals");
    browser.click("form:has(input[value=approve]) button");
    browser.says("You agreed.");
    assert!(!browser.has("form[action$='/look']"), "a session is its reader's alone");
    browser.open(&stand.page("/access/approvals"));
    browser.says("Nothing waits for you.");
    browser.click("form[action='/access/lockbox'] button");
    browser.says("It is locked");
    assert_eq!(stand.site.json(&["access", "lockbox", "hospital"])["lockbox"], true);
    browser.examine("access-lockbox");
    // What was agreed to is read.
    become_somebody(&browser, |browser| stand.sign_in_to(browser, SUPPORT, "/"));
    browser.open(&stand.page(&session));
    browser.click("form[action$='/look'] button");
    browser.says("4711");
    // A no is a no.
    let refused = ask_support(&browser, "T-18");
    become_somebody(&browser, |browser| stand.sign_in_to(browser, ADMIN, "/"));
    browser.open(&stand.page("/access/approvals"));
    browser.fill("form:has(input[value=deny]) textarea", "the customer has solved it");
    browser.click("form:has(input[value=deny]) button");
    browser.says("You said no.");
    become_somebody(&browser, |browser| stand.sign_in_to(browser, SUPPORT, "/"));
    browser.open(&stand.page(&refused));
    browser.says("Somebody said no");
    browser.says("the customer has solved it");
    browser.examine("access-session-denied");
    // Who asked takes back what waits.
    let taken_back = ask_support(&browser, "T-20");
    browser.click("form:has(input[value=withdraw]) button");
    browser.says("You took it back. Nothing was opened.");
    browser.says("It was taken back");
    assert!(!browser.has("form[action$='/step']"), "there is nothing left to do");
    become_somebody(&browser, |browser| stand.sign_in_to(browser, ADMIN, "/"));
    browser.open(&stand.page(&taken_back));
    assert!(!browser.has("form[action$='/step']"));
    browser.open(&stand.page("/access/approvals"));
    browser.says("Nothing waits for you.");
    stand.site.verify_ledger();
}

/// A service whose time the test moves, with staff and a conversation.
fn dated() -> (Calendar, String) {
    let calendar = Calendar::new();
    for (login, name, roles) in [
        (REVIEWER, "Rita", "trust-and-safety"),
        (SUPPORT, "Sam", "support"),
        (ADMIN, "Grace", "tenant-admin"),
        (COUNSEL, "Lena", "legal"),
        (AUDITOR, "Audrey", "auditor"),
    ] {
        calendar.make_account(login, name, roles);
    }
    let conversation = calendar.conversation("somebody is in danger at 12 Mill Lane");
    (calendar, conversation)
}

#[test]
fn nobody_who_answers_has_said_no() {
    let (calendar, conversation) = dated();
    let browser = Browser::start();
    calendar.sign_in_to(&browser, SUPPORT, "/");
    browser.open(&format!("{}/access/new", calendar.url));
    ask(&browser, ("conversation", &conversation), ("customer_support", "T-19"));
    browser.says("12 hours left to answer");
    let session = browser.path();
    calendar.hours_pass(13);
    become_somebody(&browser, |browser| calendar.sign_in_to(browser, ADMIN, "/"));
    browser.click("nav a[href='/access/approvals']");
    browser.says("Nothing waits for you.");
    browser.says("Not answered");
    browser.examine("access-approvals-lapsed");
    become_somebody(&browser, |browser| calendar.sign_in_to(browser, SUPPORT, "/"));
    browser.open(&format!("{}{session}", calendar.url));
    browser.says("Nobody answered");
    browser.says("That counts as a no, and nothing was opened.");
    assert!(!browser.has("form[action$='/look']"));
    browser.examine("access-session-lapsed");
}

#[test]
fn an_emergency_takes_two_others_and_is_reviewed_before_there_is_another() {
    let (calendar, conversation) = dated();
    let browser = Browser::start();
    let page = |path: &str| format!("{}{path}", calendar.url);
    let agree = |browser: &Browser, login: &str| {
        become_somebody(browser, |browser| calendar.sign_in_to(browser, login, "/"));
        browser.click("nav a[href='/access/approvals']");
        browser.says("! Emergency");
        browser.click("form:has(input[value=approve]) button");
        browser.says("You agreed.");
    };
    calendar.sign_in_to(&browser, REVIEWER, "/");
    browser.click("nav a[href='/access/emergency']");
    browser.says("Two others agree first.");
    assert!(!browser.has("#what option[value=case]"), "an emergency is about little");
    browser.examine("access-emergency");
    ask(&browser, ("conversation", &conversation), ("incident_response", "E-1"));
    browser.says("It waits for an answer");
    let session = browser.path();
    assert!(!browser.has("form:has(input[value=approve])"), "nobody agrees to their own");
    agree(&browser, ADMIN);
    browser.says("It takes one more, and you count once.");
    assert!(!browser.has("form:has(input[value=approve])"), "one person counts once");
    browser.examine("access-emergency-agreed");
    agree(&browser, COUNSEL);
    browser.says("It is open");
    become_somebody(&browser, |browser| calendar.sign_in_to(browser, REVIEWER, "/"));
    browser.open(&page(&session));
    browser.says("This is an emergency.");
    browser.click("form[action$='/look'] button");
    browser.says("12 Mill Lane");
    browser.examine("access-emergency-look");
    browser.click("form:has(input[value=end]) button");
    browser.says("Whoever read or agreed does not review it.");
    // Nobody reviews it for too long.
    calendar.hours_pass(4 * 24);
    become_somebody(&browser, |browser| calendar.sign_in_to(browser, REVIEWER, "/"));
    browser.open(&page("/access/emergency"));
    browser.says("The review of an earlier emergency of yours is overdue.");
    assert!(!browser.has("form[action='/access/emergency']"), "what would be refused is not offered");
    browser.examine("access-emergency-blocked");
    become_somebody(&browser, |browser| calendar.sign_in_to(browser, AUDITOR, "/"));
    browser.click("nav a[href='/access/emergency']");
    browser.says("! Overdue");
    browser.click("main .rows a.title");
    browser.says("Did the emergency justify what was read?");
    assert_eq!(browser.count("ol.rows li"), 1);
    assert!(!browser.body().contains("Mill Lane"), "entries are reviewed, not what was said");
    browser.examine("access-review");
    browser.fill("form:has(button[value=justified]) textarea", "the address was needed for an ambulance");
    browser.click("button[value=justified]");
    browser.says("Found justified");
    browser.says("the address was needed for an ambulance");
    browser.examine("access-reviewed");
    become_somebody(&browser, |browser| calendar.sign_in_to(browser, REVIEWER, "/"));
    browser.open(&page("/access/emergency"));
    browser.says("No emergency waits for its review.");
    assert!(browser.has("form[action='/access/emergency']"), "now there can be another");
}

/// Goes on by the tabulator until something with this text has the focus.
#[track_caller]
fn tab_to(browser: &Browser, text: &str) {
    for _ in 0..60 {
        browser.press(TAB);
        if browser.has(":focus") && browser.text(":focus") == text {
            return;
        }
    }
    panic!("{text} is not reached by keyboard:\n{}", browser.body());
}

#[test]
fn by_keyboard_and_without_scripts_a_session_is_asked_for_read_and_ended() {
    let Room { stand, case, .. } = room();
    let browser = Browser::start();
    stand.sign_in_to(&browser, REVIEWER, "/");
    browser.protocol("Emulation.setScriptExecutionDisabled", json!({"value": true}));
    browser.open(&stand.page("/"));
    tab_to(&browser, "Reading room");
    browser.press(RETURN);
    browser.arrives("/access");
    tab_to(&browser, "Ask for a session");
    browser.press(RETURN);
    browser.arrives("/access/new");
    // Past the link back to what it is about, which is a case already, and to the minutes.
    tab_to(&browser, "Reading room");
    while !browser.has("#ids:focus") {
        browser.press(TAB);
    }
    browser.press(&case);
    browser.press(TAB);
    browser.press("Review for");
    browser.press(TAB);
    browser.press("CASE-9");
    browser.press(RETURN);
    browser.says("It is open");
    tab_to(&browser, "Look");
    browser.press(RETURN);
    browser.says("A first look, blurred");
    tab_to(&browser, "Reveal, which is logged again");
    browser.press(RETURN);
    browser.says("4711");
    tab_to(&browser, "End the session");
    browser.press(RETURN);
    browser.says("The session is over.");
    assert_eq!(browser.count("ol.rows li"), 2);
    browser.picture("access-without-scripts");
}

#[test]
fn on_a_telephone_in_the_dark_and_in_german() {
    let Room { stand, case, plain: conversation, .. } = room();
    let browser = Browser::start();
    browser.resize(320, 640);
    stand.sign_in_to(&browser, REVIEWER, "/");
    browser.click(".preferences [name=language][value=de]");
    browser.click(".preferences [name=appearance][value=dark]");
    browser.open(&stand.page("/access/new"));
    browser.examine("access-small-new");
    ask(&browser, ("case", &case), ("safety_review", "CASE-10"));
    browser.says("Sie ist offen");
    browser.examine("access-small-session");
    browser.click("form[action$='/look'] button");
    browser.says("verschwommen");
    browser.examine("access-small-blurred");
    browser.open(&stand.page("/access"));
    browser.examine("access-small-room");
    browser.open(&stand.page("/access/emergency"));
    browser.examine("access-small-emergency");
    become_somebody(&browser, |browser| {
        browser.open(&stand.page("/sign-in"));
        browser.fill("#login", SUPPORT);
        browser.fill("#password", PASSWORD);
        browser.click("main form button[type=submit]");
        browser.arrives("/");
    });
    browser.open(&stand.page("/access/new"));
    ask(&browser, ("conversation", &conversation), ("customer_support", "T-20"));
    become_somebody(&browser, |browser| stand.sign_in_to(browser, ADMIN, "/"));
    browser.open(&stand.page("/access/approvals"));
    browser.says("T-20");
    browser.examine("access-small-approvals");
}
