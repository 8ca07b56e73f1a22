//! The Global Privacy Control signal on requests to models: it passes on, and it ends what was agreed to before.

use fiducia_custody::{
    AdminCommand, AdminReply, ConsentChoice, ConsentCommand, ConsentReply, RetentionCommand, ShownNotice,
    TermsChange,
};
use fiducia_policy::{ConsentAct, ConsentChannel, ConsentPurpose, ConsentState, Plan, Tier};

use crate::app::{App, AppSettings};
use crate::upstream::{Act, Upstream, answer};

const BODY: &[u8] = br#"{"model":"claude-x","max_tokens":9,"messages":[{"role":"user","content":"hi"}]}"#;

fn give(app: &App) {
    let notice = ShownNotice { language: "en".to_owned(), version: 1, hash: None };
    let choice = ConsentChoice {
        notice: Some(notice),
        ..ConsentChoice::entered(ConsentPurpose::BatchTraining, ConsentAct::Give)
    };
    let caller = app.custody.authenticate(&app.key).unwrap();
    app.custody.choose(&caller, ConsentChannel::Settings, choice).unwrap();
}

fn state(app: &App) -> ConsentState {
    let subject = app.custody.authenticate(&app.key).unwrap().subject;
    let command = AdminCommand::Consent(ConsentCommand::Show { subject });
    let AdminReply::Consented(ConsentReply::Standings(rows)) = app.custody.administer(command).unwrap()
    else {
        panic!("standings")
    };
    rows.iter().find(|row| row.purpose == ConsentPurpose::BatchTraining).unwrap().state
}

#[test]
fn the_signal_of_an_application_ends_every_earlier_yes_and_passes_on() {
    let said = answer("200 OK", &[("content-type", "application/json")], b"{}");
    let upstream = Upstream::start((0..4).map(|_| vec![Act::Say(said.clone())]).collect());

    let app = AppSettings::new(upstream.address).start();
    let policy = include_str!("../../../custody/tests/custody/policy.toml").to_owned();
    let publish = RetentionCommand::PublishPolicy { source: policy, actor: "tester".to_owned() };
    app.custody.administer(AdminCommand::Govern(publish)).unwrap();
    let change =
        TermsChange { plan: Some(Plan::Pro), tier: Some(Tier::Restricted), ..TermsChange::default() };
    let terms = RetentionCommand::ChangeTerms { organization: app.organization, change };
    app.custody.administer(AdminCommand::Govern(terms)).unwrap();
    let source = include_str!("../../../../policies/notices/batch-training.en.toml").to_owned();
    let publish = ConsentCommand::PublishNotice { source, actor: "tester".to_owned() };
    app.custody.administer(AdminCommand::Consent(publish)).unwrap();
    give(&app);
    for other in ["0", "true", "1, 1"] {
        assert_eq!(app.post("/v1/messages", &[("sec-gpc", other)], BODY).status, 200);
        assert_eq!(state(&app), ConsentState::Given, "{other:?} is not the signal");
    }
    assert_eq!(app.post("/v1/messages", &[("sec-gpc", "1")], BODY).status, 200);
    assert_eq!(state(&app), ConsentState::Withdrawn, "before the request went on");
    let passed = upstream.got().last().unwrap().header("sec-gpc").map(str::to_owned);
    assert_eq!(passed.as_deref(), Some("1"), "a proxy does not strip it");
}
