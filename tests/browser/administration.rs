//! What staff administer: requests, people, campaigns and notices, by role, without scripts, however it is looked at.

use serde_json::json;

use super::driver::Browser;
use super::stand::{PASSWORD, Stand};
use crate::harness::http::Connection;
use crate::harness::site::{both, text};

const ADMIN: &str = "grace@hospital.example";
/// A text that is markup, an attribute and an entity at once.
const HOSTILE: &str = "\"'><img src=x onerror=alert(1)>&lt;b";

fn sign_in(stand: &Stand, browser: &Browser, login: &str) {
    browser.open(&stand.page("/sign-in"));
    browser.fill("#login", login);
    browser.fill("#password", PASSWORD);
    browser.click("main form button[type=submit]");
    browser.arrives("/");
}

/// A consumer service with an administrator, three people and a notice that fits a place of business.
fn office() -> Stand {
    let stand = Stand::new();
    for command in [
        ["policy", "publish", "--shipped", "anthropic-2026"].as_slice(),
        &["organizations", "change", "hospital", "--plan", "pro", "--tier", "restricted"],
    ] {
        let done = stand.site.run(command);
        assert!(done.status.success(), "{}", both(&done));
    }
    stand.account(ADMIN, "Grace", &["--role", "tenant-admin"]);
    for name in ["ben", "cleo"] {
        stand.site.json(&["keys", "create", "--organization", "hospital", "--subject", name]);
    }
    stand
}

fn subject(stand: &Stand, organization: &str, name: &str) -> String {
    text(&stand.site.json(&["keys", "create", "--organization", organization, "--subject", name]), "subject")
}

fn request(stand: &Stand, subject: &str, kind: &str, received_at: &str) -> String {
    let opened = stand.site.json(&["requests", "open", subject, kind, "--received", received_at]);
    let inner = opened.get("value").unwrap_or(&opened);
    text(inner.get("request").unwrap_or(inner), "id")
}

/// Publishes the English notice on training that comes with the program, filled in.
fn publish(stand: &Stand, version: u32) {
    let source = include_str!("../../policies/notices/batch-training.en.toml")
        .replace('[', "<")
        .replace(']', ">")
        .replace("<<controllers>>", "[[controllers]]")
        .replace("= <\"", "= [\"")
        .replace("\">\n", "\"]\n")
        .replace("recipients = <>", "recipients = []")
        .replace("version = 1", &format!("version = {version}"));
    let path = stand.site.beside("notice.toml");
    std::fs::write(&path, source).unwrap();
    let output = stand.site.run(&["notices", "publish", path.to_str().unwrap()]);
    assert!(output.status.success(), "{}", both(&output));
}

#[test]
fn a_notice_is_written_checked_and_published_without_scripts() {
    let stand = office();
    let browser = Browser::start();
    sign_in(&stand, &browser, ADMIN);
    browser.protocol("Emulation.setScriptExecutionDisabled", json!({"value": true}));
    browser.click("nav a[href='/administration/notices']");
    browser.says("Nothing was published yet");
    browser.picture("administration-notices-empty");
    browser.click("a[href='/administration/notices/edit?purpose=batch-training']");
    browser.says("draft lives in this form");
    browser.click("button[value=check]");
    browser.says("has something in brackets that you must fill in");
    assert!(!browser.has("button[value=publish]"), "what is incomplete must not be offered");
    browser.picture("administration-editor-incomplete");
    for (field, value) in [
        ("storage_locations", "Frankfurt"),
        ("processing_locations", "Frankfurt"),
        ("jurisdictions", "Germany"),
        ("authority", "The data protection authority of Hesse"),
        ("controller_1_id", "HRB 1234"),
        ("controller_1_name", "Hospital AI"),
        ("controller_1_address", "Main Street 1"),
        ("controller_1_contact", "privacy@hospital.example"),
        ("title", HOSTILE),
    ] {
        browser.fill(&format!("#{field}"), value);
    }
    browser.click("button[value=check]");
    browser.says("Nothing is missing");
    browser.says("people can read it");
    assert_eq!(browser.text(".question h3"), HOSTILE);
    assert!(!browser.has("img[src=x]"));
    browser.fill("#title", "May your chats help to train our models?");
    browser.click("button[value=check]");
    browser.click("button[value=publish]");
    browser.arrives("/administration/notices/batch-training/en/1");
    browser.says("Hospital AI");
    browser.protocol("Emulation.setScriptExecutionDisabled", json!({"value": false}));
    browser.open(&stand.page("/administration/notices/batch-training/en/1"));
    browser.examine("administration-notice");
    // The next version begins with this one and is compared with it, word by word.
    browser.click("a[href*='from=published.en']");
    assert_eq!(browser.run("return document.querySelector('#version').value;"), "2");
    browser
        .fill("#retention", "With a yes chats are kept 3 years after their last turn; with a no, 30 days.");
    browser.click("button[value=check]");
    browser.says("Beside version 1, which is in force");
    assert!(browser.text("del").contains('5') && browser.text("ins").contains('3'));
    browser.examine("administration-editor");
    // Nothing was stored by checking.
    browser.open(&stand.page("/administration/notices"));
    assert_eq!(browser.count("main .rows li"), 1);
    browser.examine("administration-notices");
}

#[test]
fn the_grade_follows_what_is_typed() {
    let stand = office();
    let browser = Browser::start();
    sign_in(&stand, &browser, ADMIN);
    browser.open(&stand.page("/administration/notices/edit?purpose=research"));
    browser.says("people can read it");
    browser.fill(
        "#text",
        "Notwithstanding contractual obligations previously established, the undersigned acknowledges irrevocable authorisation.",
    );
    browser.says("too hard");
    browser.fill("#language", "fr");
    browser.says("There is no formula for this language");
}

#[test]
fn a_request_is_taken_in_worked_on_and_carried_out() {
    let stand = office();
    let browser = Browser::start();
    sign_in(&stand, &browser, ADMIN);
    let (ben, cleo) = (subject(&stand, "hospital", "ben"), subject(&stand, "hospital", "cleo"));
    let late = request(&stand, &ben, "access", "2025-01-05T09:00:00Z");
    request(&stand, &cleo, "objection", "2026-01-05T09:00:00Z");
    browser.open(&stand.page("/administration/requests"));
    browser.says("requests are overdue");
    assert!(browser.text("tbody tr:first-child").contains("Access"), "what is latest comes first");
    browser.click("a[href='/administration/requests/new']");
    browser.fill("#name", "nobody-of-that-name");
    browser.run("document.querySelector('#kind').value = 'restriction';");
    browser.fill("#agent", HOSTILE);
    browser.click("main form button[type=submit]");
    browser.says("Nobody of that name was seen here");
    browser.fill("#name", "cleo");
    browser.click("main form button[type=submit]");
    browser.says("no mandate was shown");
    browser.fill("#evidence", &"ab".repeat(32));
    browser.run("document.querySelector('#mandate_from').value = '2026-01-01';");
    browser.examine("administration-taking-in");
    // The same form sent twice, as an impatient person does, makes one request.
    let first = browser.run(
        "const form = document.querySelector('main form');
         const request = new XMLHttpRequest();
         request.open('POST', form.action, false);
         request.send(new URLSearchParams(new FormData(form)));
         return new URL(request.responseURL).pathname;",
    );
    browser.click("main form button[type=submit]");
    browser.says("The request is taken in");
    assert!(browser.body().contains(HOSTILE) && !browser.has("img[src=x]"));
    let taken_in = browser.path();
    assert_eq!(first, json!(taken_in));
    browser.examine("administration-request");
    assert!(!browser.has("form:has(input[value=begin])"), "who asks is not known yet");
    for (act, said) in [
        ("confirm", "The receipt is confirmed"),
        ("identify", "Noted that it is known who asks"),
        ("begin", "Noted that you began"),
    ] {
        browser.click(&format!("form:has(input[value={act}]) button"));
        browser.says(said);
        assert!(!browser.has(&format!("form:has(input[value={act}])")), "{act} is offered again");
    }
    browser.click("#sure");
    browser.click("form:has(input[value=fulfil]) button");
    browser.says("The request was carried out");
    browser.says("Where the person can complain");
    browser.examine("administration-request-carried-out");
    browser.fill("#lift-note", "told by letter");
    browser.click("form:has(input[value=lift]) button");
    browser.says("The restriction is lifted");
    assert!(!browser.has("form.act"), "nothing is left to do");
    browser.open(&stand.page(&format!("/administration/requests/{late}")));
    browser.says("days late");
    browser.click("form:has(input[value=identify]) button");
    browser.says("Noted that it is known who asks");
    browser.fill("#recipients", "not-a-key");
    browser.click("form[action$='/export'] button");
    browser.says("Nothing has changed.");
    browser.examine("administration-request-overdue");
    browser.open(&stand.page("/administration/requests?kind=objection"));
    assert_eq!(browser.count("tbody tr"), 1);
    browser.open(&stand.page("/administration/requests?closed=yes"));
    browser.examine("administration-requests");
    stand.site.verify_ledger();
}

#[test]
fn people_are_found_and_shown_without_what_they_wrote() {
    let stand = office();
    let browser = Browser::start();
    sign_in(&stand, &browser, ADMIN);
    browser.click("nav a[href='/administration/people']");
    assert_eq!(browser.count("tbody tr"), 4, "end-to-end, ada, ben and cleo");
    browser.examine("administration-people");
    browser.fill("#name", "nobody-of-that-name");
    browser.click("form.find button");
    browser.says("Nobody of that name was seen here");
    browser.open(&stand.page("/administration/people"));
    assert_eq!(browser.count("tbody tr"), 4, "asking for a name makes nobody");
    browser.fill("#name", "ben");
    browser.click("form.find button");
    browser.says("What is held, and why");
    let ben = subject(&stand, "hospital", "ben");
    assert_eq!(browser.path(), format!("/administration/people/{ben}"));
    browser.says("There is none; tell the person things another way");
    browser.examine("administration-person");
}

#[test]
fn a_campaign_is_looked_at_opened_and_ended() {
    let stand = office();
    publish(&stand, 1);
    let browser = Browser::start();
    sign_in(&stand, &browser, ADMIN);
    browser.open(&stand.page("/administration/campaigns/new?notice=batch-training.1"));
    browser.run("document.querySelector('#deadline').value = '2199-01-31';");
    browser.fill("#reason", HOSTILE);
    browser.click("button[value=preview]");
    browser.says("It would ask 4 people");
    browser.examine("administration-campaign-preview");
    browser.open(&stand.page("/administration/campaigns"));
    browser.says("There was no campaign yet");
    browser.open(&stand.page("/administration/campaigns/new?notice=batch-training.1"));
    browser.run("document.querySelector('#deadline').value = '2199-01-31';");
    browser.fill("#reason", HOSTILE);
    browser.click("button[value=preview]");
    browser.click("button[value=open]");
    browser.says("The campaign is open");
    assert!(browser.body().contains(HOSTILE) && !browser.has("img[src=x]"));
    // The worker asks people; nobody waits for that.
    let swept = stand.site.run(&["sweep"]);
    assert!(swept.status.success(), "{}", both(&swept));
    let campaign = browser.path();
    browser.open(&stand.page(&campaign));
    browser.examine("administration-campaign");
    // Twice the same question at once is refused in words.
    browser.open(&stand.page("/administration/campaigns/new?notice=batch-training.1"));
    browser.run("document.querySelector('#deadline').value = '2199-01-31';");
    browser.fill("#reason", "again");
    browser.click("button[value=preview]");
    browser.says("is open already");
    browser.open(&stand.page(&campaign));
    browser.click("form[action$='/remind'] button");
    browser.says("count as reminded");
    browser.click("a[href$='/close']");
    browser.says("End this campaign now?");
    browser.examine("administration-campaign-close");
    browser.click("form[action$='/close'] button");
    browser.says("The campaign is over");
    browser.open(&stand.page("/administration/campaigns"));
    browser.says("Closed");
    browser.examine("administration-campaigns");
}

#[test]
fn each_role_sees_its_own_and_nobody_sees_another_organisations() {
    let stand = office();
    stand.account("sam@hospital.example", "Sam", &["--role", "support"]);
    stand.site.tenant("bank");
    let foreign = subject(&stand, "bank", "dora");
    let foreign_request = request(&stand, &foreign, "access", "2026-01-05T09:00:00Z");
    let browser = Browser::start();
    sign_in(&stand, &browser, "sam@hospital.example");
    assert!(browser.has("nav a[href='/administration/requests']"));
    assert!(!browser.has("nav a[href='/administration/campaigns']"));
    browser.examine("administration-support-home");
    for path in ["/administration/campaigns", "/administration/campaigns/new"] {
        browser.open(&stand.page(path));
        let body = browser.body();
        assert!(
            body.contains("This is not yours to do") || body.contains("There is nothing here"),
            "{path}: {body}"
        );
    }
    browser.open(&stand.page("/administration/notices"));
    assert!(!browser.has("a[href*='/administration/notices/edit']"));
    for path in [
        "/administration/notices/edit".to_owned(),
        format!("/administration/people/{foreign}"),
        format!("/administration/requests/{foreign_request}"),
        "/administration/requests/request_00000000-0000-0000-0000-000000000000".to_owned(),
        "/administration/people/nonsense".to_owned(),
    ] {
        browser.open(&stand.page(&path));
        browser.says("There is nothing here");
    }
    let ben = subject(&stand, "hospital", "ben");
    let erasure = request(&stand, &ben, "erasure", "2026-01-05T09:00:00Z");
    browser.open(&stand.page(&format!("/administration/requests/{erasure}")));
    assert!(browser.has("form:has(input[value=identify])") && !browser.has("form:has(input[value=fulfil])"));
    // A form that the page does not offer is refused all the same.
    browser.run(
        "const form = document.querySelector('form.act');
         form.elements.act.value = 'fulfil';
         form.elements.note.value = 'yes';
         form.elements.note.name = 'sure';",
    );
    browser.click("form.act button");
    browser.says("This is not yours to do");
    let person = Browser::start();
    stand.sign_in(&person);
    assert!(!person.has("nav a[href^='/administration']"));
    for page in ["requests", "people", "campaigns", "notices"] {
        person.open(&stand.page(&format!("/administration/{page}")));
        person.says("There is nothing here");
    }
    let mut stranger = Connection::open(stand.console).unwrap();
    let answer = stranger.send("GET", "/administration/requests", &[], b"").unwrap();
    assert_eq!(
        (answer.status, answer.header("location")),
        (303, Some("/sign-in?next=/administration/requests"))
    );
}

#[test]
fn the_offices_pages_on_a_small_screen_in_the_dark_and_in_german() {
    let stand = office();
    publish(&stand, 1);
    let ben = subject(&stand, "hospital", "ben");
    let id = request(&stand, &ben, "erasure", "2026-01-05T09:00:00Z");
    let browser = Browser::start();
    sign_in(&stand, &browser, ADMIN);
    browser.click(".preferences [name=language][value=de]");
    browser.resize(320, 640);
    let pages = [
        ("requests", "/administration/requests".to_owned()),
        ("request", format!("/administration/requests/{id}")),
        ("taking-in", "/administration/requests/new".to_owned()),
        ("people", "/administration/people".to_owned()),
        ("person", format!("/administration/people/{ben}")),
        ("campaigns", "/administration/campaigns".to_owned()),
        ("campaign-new", "/administration/campaigns/new".to_owned()),
        ("notices", "/administration/notices".to_owned()),
        ("notice", "/administration/notices/batch-training/en/1".to_owned()),
        ("editor", "/administration/notices/edit?purpose=batch-training&from=shipped.de".to_owned()),
    ];
    for (name, path) in &pages {
        browser.open(&stand.page(path));
        browser.examine(&format!("small-german-administration-{name}"));
    }
    browser.click(".preferences [name=appearance][value=dark]");
    browser.resize(1_440, 900);
    for (name, path) in &pages {
        browser.open(&stand.page(path));
        browser.examine(&format!("dark-german-administration-{name}"));
        let unread = browser.run(
            "return [...document.querySelectorAll('main *')].map((one) => one.textContent.trim())
                .filter((text) => /^admin-[a-z-]+$/.test(text))[0] || '';",
        );
        assert_eq!(unread, "", "a text is missing on {name}");
    }
}
