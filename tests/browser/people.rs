//! What people do in the privacy centre, from the first question to the last certificate.

use super::driver::Browser;
use super::stand::{LOGIN, Stand};

fn stand() -> Stand {
    let stand = Stand::of_consumers();
    stand.chat("ada", "Which tea helps against a cold?");
    stand
}

/// What `consent show` says of batch training.
fn standing(stand: &Stand) -> serde_json::Value {
    let accounts = stand.site.json(&["accounts", "list"]);
    let ada = accounts.as_array().unwrap().iter().find(|row| row["login"] == LOGIN).unwrap();
    let rows = stand.site.json(&["consent", "show", ada["subject"].as_str().unwrap()]);
    let rows = rows.as_array().unwrap();
    rows.iter().find(|row| row["purpose"] == "batch-training").unwrap().clone()
}

#[test]
fn the_question_is_met_once_and_changing_ones_mind_takes_one_press_each_way() {
    let stand = stand();
    let browser = Browser::start();
    stand.sign_in_to(&browser, LOGIN, "/choices/ask");
    assert_eq!(standing(&stand)["state"], "requested", "the question was put");
    browser.says("May your chats help to train our models?");
    browser.examine("question");
    // Leaving leaves it open, which is a no, and nobody is led there again.
    browser.open(&stand.page("/"));
    browser.arrives("/");
    assert_eq!(standing(&stand)["permits"], false);
    browser.click("main a[href='/choices']");
    browser.click("main a[href='/choices/ask']");
    for (answer, state, path) in
        [("yes", "given", "/choices"), ("no", "withdrawn", "/choices"), ("yes", "given", "/choices")]
    {
        browser.click(&format!("form.answers button[value={answer}]"));
        browser.arrives(path);
        browser.says(if answer == "yes" { "Your yes is entered" } else { "Your no is entered" });
        assert_eq!(standing(&stand)["state"], state);
        browser.examine(&format!("choices-after-{state}"));
    }
}

#[test]
fn a_receipt_is_checked_by_the_server_by_the_browser_and_by_command() {
    let stand = stand();
    let browser = Browser::start();
    stand.sign_in_to(&browser, LOGIN, "/choices/ask");
    browser.click("form.answers button[value=yes]");
    browser.arrives("/choices");
    let folder = tempfile::tempdir().unwrap();
    browser.downloads_to(folder.path());
    browser.click("main .rows li:first-child a");
    browser.says("Checked by this server just now");
    browser.click("[data-check]");
    browser.says("That root is signed by the key of the log. Holds.");
    assert_eq!(browser.count("[data-steps] [data-verdict=holds]"), 5);
    browser.examine("receipt");
    // Another key, a mistyped one and another log's are found out, each at its step.
    let key = browser.run("return document.querySelector('[data-key]').value;");
    let key = key.as_str().unwrap().to_owned();
    let other = "ledger.test+9f4f1b3a+AaDVlHf5NoKTCuBvUmQnQhzfSgPmLkVwXySj5OyrpP1P".to_owned();
    for wrong in [String::new(), key.replace('+', "-"), key.to_lowercase(), other] {
        browser.fill("[data-key]", &wrong);
        browser.click("[data-check]");
        browser.says("Does not hold");
        assert_eq!(browser.count("[data-steps] [data-verdict=holds]"), 0, "{wrong}");
    }
    // A file in which one word was changed does not hold either.
    browser.fill("[data-key]", &key);
    browser.run(
        "const fetched = window.fetch;
         window.fetch = async (...asked) => {
             const text = await (await fetched(...asked)).text();
             return new Response(text.replace('\"explicit\"', '\"implicit\"'));
         };",
    );
    browser.click("[data-check]");
    browser.says("Does not hold");
    assert_eq!(
        browser.count("[data-steps] [data-verdict=holds]"),
        1,
        "the form holds and the signature does not"
    );
    let file = browser.fetches(folder.path(), || browser.press_in_place("a[download]"));
    let output = stand.site.run(&["consent", "verify", file.to_str().unwrap(), "--verifier-key", &key]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_conversation_says_why_it_is_here_is_read_deleted_and_taken_back() {
    let stand = stand();
    let browser = Browser::start();
    stand.sign_in_to(&browser, LOGIN, "/choices/ask");
    browser.open(&stand.page("/accesses"));
    browser.says("Nobody has read anything of yours.");
    browser.open(&stand.page("/conversations"));
    browser.examine("conversations");
    browser.click("main .list a.title");
    browser.says("Why is this still here?");
    browser.says("Safety window");
    browser.examine("conversation");
    browser.click("form[action$='/read'] button");
    browser.says("Which tea helps against a cold?");
    browser.says("written before anything was opened");
    browser.examine("conversation-read");
    browser.click("main .note a");
    browser.says("You, signed in");
    browser.examine("accesses-own");
    browser.open(&stand.page("/conversations"));
    browser.click("main .list a.title");
    browser.click("a[href$='/delete']");
    browser.says("Delete this chat?");
    browser.examine("delete");
    browser.click("form[action$='/wish'] button");
    browser.says("Deleted.");
    browser.says("You can take the deletion back until");
    browser.examine("conversation-deleted");
    browser.open(&stand.page("/conversations"));
    browser.says("Nothing of yours is kept here.");
    browser.click(".tabs a[href*=deleted]");
    browser.examine("conversations-deleted");
    browser.click("main .list button");
    browser.says("Taken back.");
    browser.open(&stand.page("/conversations"));
    assert_eq!(browser.count("main .list li"), 1);
}

#[test]
fn whoever_looked_is_listed_with_role_reason_and_proof_also_after_the_purge() {
    let stand = stand();
    let conversation = stand.site.conversations().remove(0);
    let show = ["records", "show", &conversation, "--reason", "customer_support", "--ticket", "T-17"];
    for command in [&show[..], &["records", "delete", &conversation, "--yes"]] {
        let output = stand.site.run(command);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let browser = Browser::start();
    stand.sign_in_to(&browser, LOGIN, "/choices/ask");
    let folder = tempfile::tempdir().unwrap();
    browser.downloads_to(folder.path());
    browser.open(&stand.page("/accesses"));
    browser.says("Staff: operator of the service");
    browser.says("Support");
    browser.says("T-17");
    browser.examine("accesses-staff");
    let proof = browser.fetches(folder.path(), || browser.press_in_place("a[download]"));
    let text = std::fs::read_to_string(proof).unwrap();
    assert!(text.starts_with("c2sp.org/tlog-proof@v1\nextra "), "{text}");
    // What was destroyed has a certificate, which the browser checks as it checks a receipt.
    browser.open(&stand.page("/certificates"));
    browser.examine("certificates");
    browser.click("main .list a.title");
    browser.click("[data-check]");
    browser.says("That root is signed by the key of the log. Holds.");
    browser.examine("certificate");
}

#[test]
fn a_copy_is_fetched_and_opens_without_any_network() {
    let stand = stand();
    let browser = Browser::start();
    stand.sign_in_to(&browser, LOGIN, "/choices/ask");
    let folder = tempfile::tempdir().unwrap();
    browser.downloads_to(folder.path());
    browser.open(&stand.page("/requests/new"));
    browser.examine("requests-new");
    browser.click("a[href$='kind=export']");
    browser.examine("request-export");
    browser.click("form.request button");
    browser.says("Your request has arrived");
    browser.examine("request-open");
    let path = browser.path();
    let file = browser.fetches(folder.path(), || {
        browser.press_in_place("form[action$='/copy'] button");
    });
    browser.open(&stand.page(&path));
    browser.says("Done");
    browser.says("one chat");
    browser.examine("request-copied");
    // Nobody made the file but the person, and nothing of it lies here.
    let exports = stand.site.data().join("exports");
    assert!(!exports.exists() || std::fs::read_dir(exports).unwrap().next().is_none());
    let unpacked = folder.path().join("copy");
    let unzip = ["-m", "zipfile", "-e", file.to_str().unwrap(), unpacked.to_str().unwrap()];
    assert!(std::process::Command::new("python3").args(unzip).status().unwrap().success());
    let offline =
        serde_json::json!({"offline": true, "latency": 0, "downloadThroughput": 0, "uploadThroughput": 0});
    browser.protocol("Network.enable", serde_json::json!({}));
    browser.protocol("Network.emulateNetworkConditions", offline);
    browser.open(&format!("file://{}", unpacked.join("index.html").display()));
    browser.picture("copy-offline");
    let conversations = std::fs::read_dir(unpacked.join("conversations")).unwrap();
    let page = conversations
        .map(|entry| entry.unwrap().path())
        .find(|path| path.extension().is_some_and(|end| end == "html"));
    browser.open(&format!("file://{}", page.unwrap().display()));
    browser.says("Which tea helps against a cold?");
    browser.picture("copy-offline-conversation");
}

#[test]
fn a_refusal_says_why_and_where_to_go_and_an_erasure_ends_the_account() {
    let stand = stand();
    let browser = Browser::start();
    stand.sign_in_to(&browser, LOGIN, "/choices/ask");
    let ask = |kind: &str| {
        browser.open(&stand.page(&format!("/requests/new?kind={kind}")));
        browser.click("form.request button");
        browser.says("Your request has arrived");
        browser.path().rsplit('/').next().unwrap().to_owned()
    };
    let objection = ask("objection");
    let refuse = ["requests", "refuse", &objection, "--reason", "overriding-grounds"];
    assert!(stand.site.run(&refuse).status.success());
    browser.open(&stand.page(&format!("/requests/{objection}")));
    browser.says("Compelling grounds weigh more than your interests in this case.");
    browser.says("If you are not content");
    browser.examine("request-refused");
    browser.click(".preferences [name=language][value=de]");
    browser.says("Zwingende Gründe wiegen hier schwerer");
    browser.click(".preferences [name=language][value=en]");
    let restriction = ask("restriction");
    browser.click("form[action$='/withdraw'] button");
    browser.says("Taken back");
    let erasure = ask("erasure");
    browser.open(&stand.page("/requests"));
    browser.examine("requests");
    assert_eq!(browser.count("main .list li"), 3, "{restriction}");
    assert!(stand.site.run(&["requests", "fulfil", &erasure, "--yes"]).status.success());
    browser.open(&stand.page("/requests"));
    browser.arrives("/sign-in");
}

#[test]
fn a_new_version_of_a_notice_stands_beside_the_old_one() {
    let stand = stand();
    stand.publish_notice("en", 2, "five years", "ten years");
    let browser = Browser::start();
    stand.sign_in_to(&browser, LOGIN, "/choices/ask");
    browser.says("ten years");
    browser.open(&stand.page("/notices"));
    browser.examine("notices");
    browser.open(&stand.page("/notices/batch-training/en/2"));
    assert_eq!(browser.text("del"), "If you say yes, we keep your chats for five years.");
    assert_eq!(browser.text("ins"), "If you say yes, we keep your chats for ten years.");
    browser.examine("notice-changes");
    // An answer to the old text does not count any more.
    browser.open(&stand.page("/choices/ask"));
    stand.publish_notice("en", 3, "five years", "twenty years");
    browser.click("form.answers button[value=yes]");
    browser.says("That did not work");
    assert_eq!(standing(&stand)["permits"], false);
}

#[test]
fn every_page_holds_at_every_width_in_the_dark_in_german_and_without_scripts() {
    let stand = stand();
    let browser = Browser::start();
    browser.protocol("Emulation.setScriptExecutionDisabled", serde_json::json!({"value": true}));
    stand.sign_in_to(&browser, LOGIN, "/choices/ask");
    browser.click("form.answers button[value=yes]");
    browser.says("Your yes is entered");
    browser.click("form.answers button[value=no]");
    browser.says("Your no is entered");
    browser.click("main .rows li:first-child a");
    browser.says("The command below does the same.");
    browser.open(&stand.page("/conversations"));
    browser.click("main .list a.title");
    let conversation = browser.path();
    assert!(!browser.has("button[value=keep]"), "the plan does not let it be kept");
    browser.click("form[action$='/read'] button");
    browser.says("Which tea helps");
    browser.open(&stand.page("/requests/new?kind=correction"));
    browser.fill("#statement", "It was hot milk.");
    browser.click("form.request button");
    browser.says("Your request has arrived");
    let request = browser.path();
    browser.click("form[action$='/withdraw'] button");
    browser.says("Taken back");
    browser.protocol("Emulation.setScriptExecutionDisabled", serde_json::json!({"value": false}));
    let pages = [
        ("choices", "/choices"),
        ("conversations", "/conversations"),
        ("conversation", conversation.as_str()),
        ("accesses", "/accesses"),
        ("requests", "/requests"),
        ("asking", "/requests/new"),
        ("request", request.as_str()),
        ("notices", "/notices"),
        ("notice", "/notices/batch-training/en/1"),
        ("certificates", "/certificates"),
    ];
    browser.resize(320, 640);
    for (name, page) in pages {
        browser.open(&stand.page(page));
        browser.examine(&format!("small-{name}"));
    }
    browser.click(".preferences [name=appearance][value=dark]");
    browser.click(".preferences [name=language][value=de]");
    browser.resize(1_024, 800);
    for (name, page) in pages {
        browser.open(&stand.page(page));
        browser.examine(&format!("dark-german-{name}"));
    }
}

#[test]
fn a_question_is_answered_by_keyboard_alone() {
    const RETURN: &str = "\u{e006}";
    const TAB: &str = "\u{e004}";
    let stand = stand();
    let browser = Browser::start();
    stand.sign_in_to(&browser, LOGIN, "/choices/ask");
    let focused = || browser.run("return document.activeElement.value ?? '';");
    let mut pressed = 0;
    while focused() != "no" {
        browser.press(TAB);
        pressed += 1;
        assert!(pressed < 40, "the no is not reached");
    }
    browser.press(RETURN);
    browser.arrives("/choices");
    assert_eq!(standing(&stand)["state"], "refused");
}

#[test]
fn what_people_and_publishers_write_is_text_everywhere() {
    const HOSTILE: &str = "<img src=x onerror=document.title='taken'><script>document.title='taken'</script>";
    let stand = Stand::of_consumers();
    stand.chat("ada", HOSTILE);
    stand.publish_notice("en", 2, "May your chats help to train our models?", HOSTILE);
    let browser = Browser::start();
    stand.sign_in_to(&browser, LOGIN, "/choices/ask");
    let clean = |what: &str| {
        assert!(!browser.has("img[src=x]"), "{what}");
        assert!(!browser.run("return document.title;").as_str().unwrap().starts_with("taken"), "{what}");
        browser.says("onerror=");
    };
    clean("question");
    for page in ["/choices", "/notices", "/notices/batch-training/en/2"] {
        browser.open(&stand.page(page));
        if page == "/choices" {
            browser.click("details summary");
        }
        clean(page);
    }
    browser.open(&stand.page("/conversations"));
    browser.click("main .list a.title");
    browser.click("form[action$='/read'] button");
    clean("reading");
}
