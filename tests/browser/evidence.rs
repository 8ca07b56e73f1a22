//! Evidence: an auditor follows a figure to an entry and its proof and checks it three ways; staff and the person see which keys
//! open a conversation and which are gone. Without scripts, on a telephone, in the dark, in German.

use serde_json::json;

use super::driver::Browser;
use super::stand::{LOGIN, Stand};
use crate::harness::site::both;

const AUDITOR: &str = "audrey@hospital.example";
const REVIEWER: &str = "rita@hospital.example";

/// A consumer service with a conversation that was looked at, and somebody who audits.
fn audited() -> (Stand, String) {
    let stand = Stand::of_consumers();
    stand.account(AUDITOR, "Audrey", &["--role", "auditor"]);
    stand.account(REVIEWER, "Rita", &["--role", "trust-and-safety"]);
    stand.chat("ada", "which train leaves at nine");
    let listed = stand.site.json(&["conversations", "list", "--organization", "hospital"]);
    let conversation = listed.as_array().unwrap()[0]["id"].as_str().unwrap().to_owned();
    stand.site.json(&["records", "show", &conversation, "--reason", "customer_support", "--ticket", "T-7"]);
    (stand, conversation)
}

#[test]
fn an_auditor_follows_a_figure_to_an_entry_and_checks_its_proof() {
    let (stand, _) = audited();
    let browser = Browser::start();
    stand.sign_in_to(&browser, AUDITOR, "/");
    browser.click("nav a[href='/evidence']");
    browser.says("How the mechanisms behind the promises stand");
    browser.says("operator at the machine: 1");
    browser.examine("evidence-figures");
    browser.click("a[href='/evidence/log?kind=record_access']");
    assert_eq!(browser.count("main .list > li"), 1);
    browser.examine("evidence-log");
    browser.click("main .list a.title");
    browser.says("T-7");
    browser.says("Hash of the proof");
    browser.says("the log itself, checked · ECDSA P-256 with SHA-256");
    browser.says("the log itself, checked · Ed25519");
    let index = browser.path().rsplit('/').next().unwrap().to_owned();
    browser.examine("evidence-entry");
    // By the browser's own sums.
    browser.press_in_place("[data-check]");
    browser.says("That root is signed by the key of the log.");
    assert_eq!(browser.count("[data-steps] li[data-verdict=holds]"), 3);
    // By command, with the file and the key that the page gives.
    let command = browser.text("section[aria-labelledby=command] pre");
    let key = command.split('\'').nth(1).unwrap().to_owned();
    let folder = tempfile::tempdir().unwrap();
    browser.downloads_to(folder.path());
    let file = browser.fetches(folder.path(), || browser.press_in_place("a[href$='/file'][download]"));
    let check = |key: &str| stand.site.run(&["ledger", "check", file.to_str().unwrap(), "--key", key]);
    let checked = check(&key);
    assert!(checked.status.success(), "{}", both(&checked));
    let said = String::from_utf8(checked.stdout).unwrap();
    assert!(said.contains(&format!("verified: entry {index} of")) && said.contains("T-7"), "{said}");
    // A file that was tampered with is refused by both.
    let text = std::fs::read_to_string(&file).unwrap();
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let hash = lines.iter().position(|line| line.starts_with("index ")).unwrap() + 1;
    lines[hash] = "A".repeat(43) + "=";
    std::fs::write(&file, lines.join("\n") + "\n").unwrap();
    assert!(!check(&key).status.success(), "a forged proof was believed");
    browser.run(
        "const real = window.fetch;
         window.fetch = async (...asked) => {
             const lines = (await (await real(...asked)).text()).split('\\n');
             const hash = lines.findIndex((line) => line.startsWith('index ')) + 1;
             lines[hash] = 'A'.repeat(43) + '=';
             return new Response(lines.join('\\n'));
         };",
    );
    browser.press_in_place("[data-check]");
    let began = std::time::Instant::now();
    while browser.count("[data-steps] li[data-verdict=fails]") == 0 {
        assert!(began.elapsed().as_secs() < 20, "the browser believed a forged proof");
    }
    stand.site.verify_ledger();
}

#[test]
fn two_sizes_of_the_log_are_compared_and_figures_are_taken_along() {
    let (stand, _) = audited();
    let browser = Browser::start();
    stand.sign_in_to(&browser, AUDITOR, "/");
    browser.open(&stand.page("/evidence/log/consistency"));
    browser.fill("#from", "0");
    browser.click("main form button");
    browser.says("These sizes cannot be compared");
    browser.fill("#from", "3");
    browser.click("main form button");
    browser.says("is the beginning of the log of");
    browser.examine("evidence-consistency");
    browser.press_in_place("[data-check]");
    browser.says("That root is signed by the key of the log.");
    assert_eq!(browser.count("[data-steps] li[data-verdict=holds]"), 3);
    browser.open(&stand.page("/evidence"));
    let folder = tempfile::tempdir().unwrap();
    browser.downloads_to(folder.path());
    let file = browser.fetches(folder.path(), || browser.press_in_place("a[href='/evidence/figures.csv']"));
    // A browser may make the file before it has written anything into it.
    let began = std::time::Instant::now();
    let sheet = loop {
        let sheet = std::fs::read_to_string(&file).unwrap();
        if sheet.ends_with("\r\n") {
            break sheet;
        }
        assert!(began.elapsed().as_secs() < 20, "the table never came: {sheet:?}");
    };
    assert!(sheet.starts_with("figure,of,value,checked_at\r\n"), "{sheet}");
    assert!(
        sheet.contains("accesses,customer_support; operator,1,/evidence/log?kind=record_access\r\n"),
        "{sheet}"
    );
}

#[test]
fn a_person_and_staff_see_the_keys_and_what_became_of_them() {
    let (stand, conversation) = audited();
    let person = Browser::start();
    // A question that nobody put yet comes first.
    stand.sign_in_to(&person, LOGIN, "/choices/ask");
    person.open(&stand.page(&format!("/conversations/{conversation}")));
    person.click(&format!("a[href='/conversations/{conversation}/keys']"));
    person.says("At least one way to it is whole");
    person.examine("centre-keys");
    let staff = Browser::start();
    stand.sign_in_to(&staff, REVIEWER, "/");
    assert!(!staff.has("nav a[href='/evidence']"));
    staff.click("nav a[href='/evidence/keys']");
    staff.fill("#id", "nonsense");
    staff.click("main form button");
    staff.says("This is not the number of a conversation or a record");
    staff.fill("#id", &conversation);
    staff.click("main form button");
    staff.says("At least one way is whole");
    staff.open(&stand.page("/evidence/log"));
    staff.says("This is not yours to do");
    let deleted = stand.site.run(&["records", "delete", &conversation, "--yes"]);
    assert!(deleted.status.success(), "{}", both(&deleted));
    let path = format!("/evidence/keys/{conversation}");
    staff.open(&stand.page(&path));
    staff.says("Destroyed: deleted");
    staff.examine("evidence-keys-destroyed");
    person.open(&stand.page(&format!("/conversations/{conversation}/keys")));
    person.says("Destroyed: deleted");
    // The command says the same, and draws the same.
    let drawing = stand.site.beside("keys.svg");
    let told = stand.site.run(&["keys", "graph", &conversation, "--svg", drawing.to_str().unwrap()]);
    let said = String::from_utf8(told.stdout).unwrap();
    assert!(said.contains("(deletion), ledger entry ") && said.contains("service-root"), "{said}");
    let drawn = std::fs::read_to_string(drawing).unwrap();
    assert!(drawn.starts_with("<svg") && drawn.contains("For the person"), "{drawn}");
    let stranger = Browser::start();
    stand.account("ben@hospital.example", "Ben", &["--role", "person", "--subject", "ben"]);
    stand.sign_in_to(&stranger, "ben@hospital.example", "/choices/ask");
    stranger.open(&stand.page(&format!("/conversations/{conversation}/keys")));
    stranger.says("There is nothing here");
    stranger.open(&stand.page(&path));
    stranger.says("There is nothing here");
}

#[test]
fn evidence_is_read_on_a_telephone_in_the_dark_in_german_without_scripts() {
    let (stand, conversation) = audited();
    let browser = Browser::start();
    browser.resize(320, 640);
    stand.sign_in_to(&browser, AUDITOR, "/");
    browser.click(".preferences [name=language][value=de]");
    browser.click(".preferences [name=appearance][value=dark]");
    let pages = ["/evidence", "/evidence/log", "/evidence/log/1", "/evidence/log/consistency?from=3"];
    for (number, path) in pages.iter().enumerate() {
        browser.open(&stand.page(path));
        browser.says("Nachweise");
        browser.examine(&format!("small-german-evidence-{number}"));
    }
    browser.open(&stand.page(&format!("/evidence/keys/{conversation}")));
    browser.says("Mindestens ein Weg ist ganz");
    browser.examine("small-german-evidence-keys");
    browser.protocol("Emulation.setScriptExecutionDisabled", json!({"value": true}));
    browser.open(&stand.page("/evidence/log/1"));
    browser.says("Diese Prüfung braucht JavaScript");
    assert_eq!(browser.count("svg.drawing rect") % 2, 1, "a root, and two boxes for each step");
    assert_eq!(browser.count("[data-script-only]:not([hidden])"), 0, "a script ran");
}
