//! What governs how long things are kept: terms, wishes, findings, investigations, holds, policies.

use serde_json::Value;

use super::place::{Outcome, Place, write_lines};

/// A conversation that is kept, and whose.
struct Kept {
    place: Place,
    conversation: String,
    subject: String,
}

impl Kept {
    fn new() -> Self {
        let place = Place::with_organization();
        write_lines(
            &place.path("chats.jsonl"),
            &[
                r#"{"id":"1","messages":[{"role":"user","content":"canary question"},{"role":"assistant","content":"canary answer"}]}"#,
            ],
        );
        place.run(&["import", "chats.jsonl", "--organization", "acme"]).exits(0);
        let row = first(&place.run(&["conversations", "list", "--json"]));
        let (conversation, subject) = (text(&row, "id"), text(&row, "subject"));
        Self { place, conversation, subject }
    }

    /// Runs a command; `CONV` and `SUBJECT` in it stand for the ids.
    fn run(&self, line: &[&str]) -> Outcome {
        let words: Vec<&str> = line
            .iter()
            .map(|word| match *word {
                "CONV" => &self.conversation,
                "SUBJECT" => &self.subject,
                word => word,
            })
            .collect();
        self.place.run(&words)
    }

    fn record(&self) -> String {
        text(&first(&self.run(&["records", "list", "CONV", "--json"])), "id")
    }
}

fn first(outcome: &Outcome) -> Value {
    outcome.json()[0].clone()
}

fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_else(|| panic!("no `{name}` in {value}")).to_owned()
}

#[test]
fn an_organisations_terms_are_made_listed_and_changed() {
    let place = Place::new();
    let create = ["organizations", "create", "archive", "--custom-retention", "90 days"];
    place.run(&create).exits(0);
    place.run(&["organizations", "list"]).exits(0).prints("custom, 90 days").prints("private");
    place.run(&["organizations", "change", "archive"]).exits(2).complains("--agreement");
    let change = ["organizations", "change", "archive", "--agreement", "zero-retention"];
    place.run(&change).exits(0).prints("ledger entry");
    let row = first(&place.run(&["organizations", "list", "--json"]));
    assert_eq!((&row["agreement"], &row["custom_retention"]), (&"zero-retention".into(), &Value::Null));
    place.run(&[&change[..3], &["--plan", "api"]].concat()).exits(0);
    assert_eq!(first(&place.run(&["organizations", "list", "--json"]))["plan"], "api");
}

#[test]
fn terms_that_do_not_go_together_are_refused() {
    let place = Place::with_organization();
    let check = |arguments: &[&str], expect: &str| {
        place.run(&[&["organizations", "create", "other"], arguments].concat()).exits(2).complains(expect);
    };
    check(&["--plan", "platinum"], "enterprise");
    check(&["--plan", "team", "--agreement", "hipaa"], "does not come with the agreement `hipaa`");
    check(&["--agreement", "custom"], "needs a length");
    check(&["--agreement", "standard", "--custom-retention", "90 days"], "--agreement custom only");
    check(&["--custom-retention", "ninety days"], "span of time");
    check(&["--retention", "zero"], "--retention");
    assert_eq!(place.run(&["organizations", "list", "--json"]).json().as_array().unwrap().len(), 1);
}

#[test]
fn a_workspace_agrees_to_covered_models_and_takes_it_back() {
    let place = Place::with_organization();
    let covered = ["workspaces", "covered-models", "acme", "default"];
    let with = |flag| place.run(&[&covered[..], &[flag]].concat());
    with("--enable").exits(0).prints("even under zero retention").prints("ledger entry");
    with("--disable").exits(0);
    place.run(&covered).exits(2).complains("--enable");
    place
        .run(&["workspaces", "covered-models", "acme", "nowhere", "--enable"])
        .exits(1)
        .complains("no workspace `nowhere`");
    place.run(&["workspaces", "covered-models", "--help"]).exits(0).prints("kept for 30 days for safety");
}

#[test]
fn a_key_says_what_it_captures() {
    let place = Place::with_organization();
    let create = ["keys", "create", "--organization", "acme", "--subject", "build", "--class"];
    place.run(&[&create[..], &["coding-session"]].concat()).exits(0);
    place.run(&["keys", "list"]).exits(0).prints("coding-session");
    place.run(&[&create[..], &["system-logs"]].concat()).exits(2).complains("coding-session");
}

#[test]
fn a_persons_plan_choice_and_account_are_kept() {
    let kept = Kept::new();
    kept.run(&["subjects", "plan", "SUBJECT", "team"]).exits(0).prints("the plan team");
    let row = first(&kept.run(&["subjects", "list", "--organization", "acme", "--json"]));
    assert_eq!(row["plan"], "team");
    kept.run(&["subjects", "plan", "SUBJECT", "--organization-plan"]).exits(0);
    kept.run(&["subjects", "plan", "SUBJECT"]).exits(2).complains("--organization-plan");
    kept.run(&["subjects", "training", "SUBJECT", "--allow"])
        .exits(1)
        .complains("never asked about batch-training");
    kept.run(&["subjects", "training", "SUBJECT", "--refuse"]).exits(0);
    kept.run(&["subjects", "close", "SUBJECT"]).exits(0).prints("closed");
    kept.run(&["subjects", "close", "SUBJECT"]).exits(1).complains("was closed at");
    let row = first(&kept.run(&["subjects", "list", "--organization", "acme", "--json"]));
    assert!(row["closed_at"].is_string() && row["plan"].is_null(), "{row}");
}

#[test]
fn a_deleted_conversation_is_hidden_says_when_it_goes_and_comes_back() {
    let kept = Kept::new();
    kept.run(&["conversations", "restore", "CONV"]).exits(1).complains("is not deleted");
    let deleted = kept.run(&["conversations", "delete", "CONV", "--json"]).exits(0).json();
    let row = &deleted["conversation"];
    let instant = |name| text(row, name).parse::<fiducia_policy::Timestamp>().unwrap();
    let days = (instant("ends_at").as_second() - instant("deleted_at").as_second()) / 86_400;
    assert_eq!(days, 30, "{deleted}");
    assert!(deleted["ledger_index"].is_u64());
    kept.run(&["conversations", "delete", "CONV"]).exits(1).complains("deleted before");
    kept.run(&["conversations", "list"]).exits(0).prints("no conversations");
    kept.run(&["records", "list"]).exits(0).prints("no records");
    kept.run(&["conversations", "list", "--deleted"]).exits(0).prints(&kept.conversation);
    kept.run(&["conversations", "restore", "CONV"]).exits(0).prints("is there again");
    kept.run(&["conversations", "list"]).exits(0).prints(&kept.conversation);
    kept.run(&["conversations", "delete", "CONV"]).exits(0).prints("is hidden now and destroyed");
}

#[test]
fn keeping_and_tags_are_for_the_person() {
    let kept = Kept::new();
    kept.run(&["conversations", "keep", "CONV"]).exits(0).prints("is kept beyond its end");
    kept.run(&["conversations", "let-go", "CONV"]).exits(0).prints("is not kept beyond its end");
    kept.run(&["conversations", "tag", "CONV", "aurora"]).exits(0).prints("`aurora`");
    kept.run(&["conversations", "tag", "CONV", "aurora", "--remove"]).exits(0).prints("no longer");
    kept.run(&["conversations", "tag", "CONV", ""]).exits(2).complains("a tag");
    kept.run(&["conversations", "keep", "conv_nonsense"]).exits(2).complains("conv");
}

#[test]
fn findings_and_feedback_keep_content() {
    let kept = Kept::new();
    kept.run(&["flags", "list"]).exits(0).prints("no findings");
    let found = ["flags", "add", "CONV", "--category", "malware"];
    kept.run(&[&found[..], &["--score", "2"]].concat()).exits(2).complains("between 0 and 1");
    kept.run(&[&found[..], &["--score", "0.97"]].concat()).exits(0).prints("content until   20");
    kept.run(&["flags", "list", "CONV"]).exits(0).prints("malware").prints("0.97");
    kept.run(&["flags", "add", "nonsense", "--category", "x"]).exits(2).complains("conv_");
    kept.run(&["records", "explain", &kept.record()]).exits(0).prints("violation: key is there");
    let show =
        ["records", "show", "CONV", "--reason", "safety_review", "--ticket", "T-1", "--ground", "violation"];
    let reveal = [&show[..], &["--reveal"]].concat();
    kept.run(&reveal).exits(1).complains("blurred first");
    let blurred = kept.run(&show).exits(0).prints("add --reveal");
    assert!(!blurred.stdout.contains("canary"), "{blurred:?}");
    kept.run(&reveal).exits(0).prints("canary");
    let missing = "conv_01990000-0000-7000-8000-000000000000";
    kept.run(&["feedback", "give", missing]).exits(1).complains("there is no");
    kept.run(&["feedback", "give", "CONV"]).exits(0).prints("is kept for the feedback");
    kept.run(&["records", "explain", &kept.record()]).exits(0).prints("feedback: holds until 20");
}

#[test]
fn an_investigation_takes_content_in_until_it_is_closed() {
    let kept = Kept::new();
    let opened = kept.run(&["cases", "open", "acme", "credential theft", "--json"]).exits(0).json();
    let case = text(&opened, "id");
    kept.run(&["cases", "add", &case, "CONV"]).exits(0).prints("ledger entry");
    kept.run(&["records", "explain", &kept.record()])
        .exits(0)
        .prints("investigation: key is there, until")
        .prints(&case)
        .prints("investigation: holds until");
    kept.run(&["cases", "close", &case]).exits(0).prints("closed");
    kept.run(&["cases", "close", &case]).exits(1).complains("was closed at");
    kept.run(&["cases", "add", &case, "CONV"]).exits(1).complains("was closed at");
    kept.run(&["cases", "list"]).exits(0).prints("credential theft");
    kept.run(&["cases", "open", "nobody", "x"]).exits(2).complains("no organisation is named `nobody`");
}

#[test]
fn a_hold_outlasts_a_destruction_and_is_released_with_grace() {
    let kept = Kept::new();
    let place = ["holds", "place", "acme", "--matter", "Doe v. Roe", "--authority", "District court"];
    let people = ["--custodian", "ward manager", "--reviewer", "counsel", "--subject", "SUBJECT"];
    kept.run(&[&place[..], &people].concat()).exits(0).prints("nothing ends until the next sweep");
    let hold = text(&first(&kept.run(&["holds", "list", "--json"])), "id");
    kept.run(&["sweep"]).exits(0).prints("taken under hold 1 record");
    kept.run(&["holds", "list"]).exits(0).prints("in force").prints("of subject_");
    kept.run(&["retention", "status"]).exits(0).prints("1 in force, 0 of them not complete");
    kept.run(&["records", "delete", "CONV", "--yes"]).exits(0).prints("legal-hold");
    kept.run(&["records", "explain", &kept.record()])
        .exits(0)
        .prints("legal-hold: key is there")
        .prints(&hold);

    kept.run(&["holds", "acknowledge", &hold, "--custodian", "nobody"]).exits(1).complains("no custodian");
    kept.run(&["holds", "acknowledge", &hold, "--custodian", "ward manager"]).exits(0);
    kept.run(&["holds", "widen", &hold, "--model", "claude-*"]).exits(0).prints("covers     everything");
    kept.run(&["holds", "release", &hold, "--grace-days", "366"]).exits(2).complains("365");
    kept.run(&["holds", "release", &hold]).exits(0).prints("its key is destroyed at");
    kept.run(&["holds", "release", &hold]).exits(1).complains("was released at");
    let empty = ["--from", "2026-02-01T00:00:00Z", "--until", "2026-01-01T00:00:00Z"];
    kept.run(&[&place[..], &empty].concat()).exits(2).complains("hold nothing");
}

#[test]
fn a_hold_is_exported_for_its_reviewer() {
    let kept = Kept::new();
    let place = ["holds", "place", "acme", "--matter", "Doe v. Roe", "--authority", "District court"];
    let hold = text(&kept.run(&[&place[..], &["--reviewer", "counsel", "--json"]].concat()).json(), "id");
    let export = ["holds", "export", &hold, "--reviewer", "counsel", "--reason", "legal_obligation"];
    let with = |more: &[&str]| kept.run(&[&export[..], more].concat());
    with(&["--unsealed", "--out", "doe.zip"]).exits(1).complains("fiducia sweep");
    kept.run(&["sweep"]).exits(0);
    with(&["--out", "doe.zip"]).exits(2).complains("--unsealed");
    with(&["--recipient", "me", "--out", "doe.zip"]).exits(2).complains("age1");
    let stranger = ["holds", "export", &hold, "--reviewer", "somebody", "--reason", "legal_obligation"];
    kept.run(&[&stranger[..], &["--unsealed", "--out", "doe.zip"]].concat())
        .exits(1)
        .complains("no reviewer");
    assert!(!kept.place.path("doe.zip").exists());

    with(&["--unsealed", "--out", "doe.zip"])
        .exits(0)
        .prints("whoever has the file")
        .prints("records         1");
    with(&["--unsealed", "--out", "doe.zip"]).exits(2).complains("never overwritten");
    assert!(std::fs::read(kept.place.path("doe.zip")).unwrap().starts_with(b"PK"));
    let counsel = "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj";
    let serving = kept.place.serve();
    let sealed = with(&["--recipient", counsel, "--out", "doe.zip.age", "--json"]).exits(0).json();
    assert_eq!((sealed["recipients"].as_u64(), sealed["records"].as_u64()), (Some(1), Some(1)));
    assert_eq!(serving.stop().0, Some(0));
    let file = std::fs::read(kept.place.path("doe.zip.age")).unwrap();
    assert!(file.starts_with(b"age-encryption.org/v1\n") && !file.windows(6).any(|part| part == b"canary"));
    kept.run(&["ledger", "tail"]).exits(0).prints("hold_exported");
}

#[test]
fn policies_are_published_listed_shown_and_counted() {
    let kept = Kept::new();
    kept.run(&["policy", "list"]).exits(0).prints("built in").prints("in force");
    let shown = kept.run(&["policy", "show"]).exits(0).prints("name = \"enterprise\"").stdout;
    std::fs::write(kept.place.path("own.toml"), &shown).unwrap();
    kept.run(&["policy", "publish", "own.toml"]).exits(0).prints("policy   1 `enterprise`");
    let rows = kept.run(&["policy", "list", "--json"]).exits(0).json();
    assert_eq!((rows[1]["version"].as_u64(), &rows[1]["digest"]), (Some(1), &rows[0]["digest"]));
    assert_eq!(kept.run(&["policy", "show", "1"]).exits(0).stdout, shown);
    kept.run(&["policy", "show", "7"]).exits(1).complains("no policy 7");
    kept.run(&["policy", "census"]).exits(0).prints("enterprise").prints("standard");
    let census = kept.run(&["policy", "census", "--json"]).exits(0).stdout;
    std::fs::write(kept.place.path("census.jsonl"), census).unwrap();
    kept.run(&["policy", "diff", "consumer", "enterprise", "--census", "census.jsonl"]).exits(0);
    kept.run(&["policy", "simulate", "enterprise", "--census", "census.jsonl", "--svg", "kept.svg"]).exits(0);
    assert!(std::fs::read_to_string(kept.place.path("kept.svg")).unwrap().contains("<svg"));
}

#[test]
fn a_policy_that_cannot_decide_here_is_refused() {
    let kept = Kept::new();
    kept.run(&["policy", "publish"]).exits(2).complains("--shipped");
    kept.run(&["policy", "publish", "missing.toml"]).exits(3).complains("missing.toml");
    kept.run(&["policy", "publish", "--shipped", "nonsense"]).exits(2).complains("education");
    // The organisation's plan does not exist in it.
    kept.run(&["policy", "publish", "--shipped", "education"]).exits(1).complains("acme");
    std::fs::write(kept.place.path("broken.toml"), "language = 1\nname = 7\n").unwrap();
    kept.run(&["policy", "publish", "broken.toml"]).exits(2).complains("Nothing was published");
    assert_eq!(kept.run(&["policy", "list", "--json"]).json().as_array().unwrap().len(), 1);
}

#[test]
fn a_preview_destroys_nothing() {
    let kept = Kept::new();
    kept.run(&["retention", "preview"]).exits(0).prints("nothing was done").prints("keys destroyed   0");
    kept.run(&["sweep", "--limit", "0"]).exits(2);
    let swept = kept.run(&["sweep", "--limit", "5", "--json"]).exits(0).json();
    assert_eq!((swept["is_done"].as_bool(), swept["keys_destroyed"].as_u64()), (Some(true), Some(0)));
    kept.run(&["records", "explain", "rec_01990000-0000-7000-8000-000000000000"])
        .exits(1)
        .complains("there is no");
}
