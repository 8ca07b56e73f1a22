//! Is the question fair? It is measured as a person meets it, in each language, appearance and width; and every check is shown
//! to catch the trick that it is there for, on a page into which that trick is put.

use fiducia_policy::{reading_grade, reading_grade_in_german};
use serde_json::Value;

use super::driver::Browser;
use super::stand::{LOGIN, Stand};

/// Two sizes are the same within this share.
const SIZE_TOLERANCE: f64 = 0.02;
/// Two contrasts are the same within this share.
const CONTRAST_TOLERANCE: f64 = 0.01;
/// The least contrast of text (WCAG 2.2, 1.4.3).
const CONTRAST_MIN: f64 = 4.5;
/// A colour is neutral when its channels, of 0 to 255, lie this close together.
const CHROMA_MAX: f64 = 24.0;
/// The highest grade that the whole question may take.
const GRADE_MAX: f64 = 8.0;

/// Words that make a no weigh on people, in both languages. None may stand where the no is worded.
const GUILT: [&str; 26] = [
    "sorry",
    "unfortunately",
    "miss out",
    "lose",
    "are you sure",
    "disappoint",
    "help us",
    "without you",
    "selfish",
    "less safe",
    "regret",
    "i don't care",
    "not care",
    "worse",
    "leider",
    "schade",
    "verpass",
    "verzicht",
    "sind sie sicher",
    "enttäusch",
    "im stich",
    "ohne sie",
    "schlechter",
    "bedauer",
    "egal",
    "hilf uns",
];

/// Words and forms that press people for time.
const PRESSURE: &str = r"(\b\d{1,2}:\d{2}\b(?! UTC))|hurry|last chance|only .{0,20} left|expires in|seconds|beeil|letzte chance|nur noch|läuft ab|sekunden";

/// What is there to be measured, by a script that runs in the page and changes nothing.
const MEASURE: &str = include_str!("fairness.js");

/// The checks that the page fails, by name.
pub(super) fn findings(browser: &Browser, language: &str, deadline: Option<&str>) -> Vec<&'static str> {
    let script = MEASURE.replace("\"PRESSURE\"", &serde_json::to_string(PRESSURE).unwrap());
    let page = browser.run(&script);
    let (yes, no) = (&page["yes"], &page["no"]);
    let number = |side: &Value, name: &str| side[name].as_f64().unwrap_or(0.0);
    let near = |name: &str, share: f64| {
        let (one, other) = (number(yes, name), number(no, name));
        (one - other).abs() <= share * one.max(other)
    };
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let grade = match language {
        "de" => reading_grade_in_german(&text(&page["sentences"])),
        _ => reading_grade(&text(&page["sentences"])),
    };
    let refusing = text(&page["refusing"]);
    let both = |name: &str| yes[name] == true && no[name] == true;
    let stop = |side: &Value| side["stop"].as_i64().unwrap_or(-1);
    let are_neighbours = stop(yes) >= 0 && stop(no) >= 0 && stop(yes).abs_diff(stop(no)) == 1;
    let checks = [
        ("kind", yes["kind"] == no["kind"] && yes["kind"].is_string()),
        ("size", near("width", SIZE_TOLERANCE) && near("height", SIZE_TOLERANCE)),
        ("row", (number(yes, "middle") - number(no, "middle")).abs() <= 1.0 && both("seen")),
        (
            "contrast",
            near("contrast", CONTRAST_TOLERANCE)
                && near("edge", CONTRAST_TOLERANCE)
                && number(no, "contrast") >= CONTRAST_MIN
                && number(yes, "contrast") >= CONTRAST_MIN,
        ),
        ("look", yes["look"] == no["look"]),
        ("colour", number(yes, "chroma") <= CHROMA_MAX && number(no, "chroma") <= CHROMA_MAX),
        ("preselection", yes["chosen"] == false && no["chosen"] == false && page["chosenElsewhere"] == 0),
        // One press of the mouse, or of one chord of keys, answers: either way.
        ("steps", both("seen") && both("answers")),
        ("keys", both("chord") && are_neighbours),
        ("wording", !GUILT.iter().any(|word| refusing.contains(word))),
        ("grade", grade.is_some_and(|grade| grade <= GRADE_MAX)),
        (
            "time",
            page["pressed"] == false
                && page["deadline"].as_str().is_some() == deadline.is_some()
                && deadline.is_none_or(|real| text(&page["deadline"]).contains(real)),
        ),
    ];
    checks.iter().filter(|(_, holds)| !holds).map(|(name, _)| *name).collect()
}

/// Tricks, each with the check that must catch it, in both meanings of "must": it fails here, and it holds without the trick.
const TRICKS: [(&str, &str, &str); 12] = [
    ("a smaller no", "size", "no.style.justifySelf = 'start'; no.style.minHeight = '0'; no.style.padding = '2px 8px';"),
    ("a paler no", "contrast", "no.style.color = '#aaaaaa';"),
    ("a no without an edge", "contrast", "no.style.borderColor = 'transparent'; no.style.borderColor = '#ffffff';"),
    ("a no below in another row", "row", "form.style.gridTemplateColumns = '1fr';"),
    ("a yes that is chosen beforehand", "preselection", "yes.setAttribute('autofocus', ''); yes.focus();"),
    ("a box that is ticked beforehand", "preselection",
        "const box = document.createElement('input'); box.type = 'checkbox'; box.checked = true; form.append(box);"),
    ("one more step to the no", "steps",
        "const more = document.createElement('button'); more.type = 'button'; more.className = 'answer';
         more.textContent = 'More options'; more.onclick = () => { no.hidden = false; more.remove(); };
         no.hidden = true; form.append(more);"),
    ("a no that asks again", "steps", "no.onclick = (event) => { if (!no.dataset.sure) { no.dataset.sure = 1; event.preventDefault(); } };"),
    ("a no that weighs on people", "wording", "no.textContent = 'No, I do not care if models get worse';"),
    ("a false countdown", "time",
        "const clock = document.createElement('p'); clock.textContent = 'Only 09:59 left to answer'; form.before(clock);"),
    ("a yes in colour", "colour", "yes.style.background = '#1f5c4d'; yes.style.color = '#ffffff';"),
    ("a link for a no", "kind",
        "const link = document.createElement('a'); link.href = '/choices'; link.name = 'answer';
         link.setAttribute('value', 'no'); link.textContent = 'No'; link.className = 'answer'; no.replaceWith(link);"),
];

#[test]
fn the_question_is_fair_at_every_width_in_every_look_and_language() {
    let stand = Stand::of_consumers();
    stand.chat("ada", "Which tea helps against a cold?");
    let browser = Browser::start();
    stand.sign_in_to(&browser, LOGIN, "/choices/ask");
    for language in ["en", "de"] {
        for appearance in ["light", "dark"] {
            browser.click(&format!(".preferences [name=language][value={language}]"));
            browser.click(&format!(".preferences [name=appearance][value={appearance}]"));
            for (width, height) in [(1_440, 900), (320, 640)] {
                browser.resize(width, height);
                let found = findings(&browser, language, None);
                assert_eq!(found, Vec::<&str>::new(), "{language} {appearance} {width}");
                browser.examine(&format!("question-{language}-{appearance}-{width}"));
            }
        }
    }
}

#[test]
fn every_trick_is_caught_by_the_check_that_is_there_for_it() {
    let stand = Stand::of_consumers();
    let browser = Browser::start();
    stand.sign_in_to(&browser, LOGIN, "/choices/ask");
    for (trick, check, script) in TRICKS {
        browser.open(&stand.page("/choices/ask"));
        assert_eq!(findings(&browser, "en", None), Vec::<&str>::new(), "before {trick}");
        browser.run(&format!(
            "const form = document.querySelector('form.answers');
             const [yes, no] = ['yes', 'no'].map((answer) => form.querySelector(`[value=${{answer}}]`)); {script}"
        ));
        let found = findings(&browser, "en", None);
        assert!(found.contains(&check), "{trick} was not caught by `{check}` but by {found:?}");
    }
    // Hard words are caught too, and a date that nobody set.
    browser.open(&stand.page("/choices/ask"));
    browser.run(
        "document.querySelector('.notice-text p').textContent = 'The undersigned acknowledges irrevocable authorisation of \
         subsequent algorithmic processing notwithstanding contractual obligations previously established, and furthermore \
         irrevocably relinquishes jurisdictional considerations.'.repeat(6);",
    );
    assert!(findings(&browser, "en", None).contains(&"grade"));
    browser.open(&stand.page("/choices/ask"));
    assert!(
        findings(&browser, "en", Some("1 Jan 2027")).contains(&"time"),
        "a real date that is not shown is missed"
    );
    browser.run(
        "const date = document.createElement('p'); date.id = 'deadline'; date.textContent = 'Until 1 Jan 2027';
         document.querySelector('form.answers').before(date);",
    );
    assert!(findings(&browser, "en", None).contains(&"time"), "a date that nobody set is believed");
}

#[test]
fn one_chord_of_keys_answers_either_way() {
    let stand = Stand::of_consumers();
    for (key, said) in [("y", "Your yes is entered"), ("n", "Your no is entered")] {
        let browser = Browser::start();
        let login = format!("{key}@hospital.example");
        stand.account(&login, key, &["--role", "person", "--subject", key]);
        stand.sign_in_to(&browser, &login, "/choices/ask");
        browser.chord("\u{e00a}", key);
        browser.says(said);
    }
}
