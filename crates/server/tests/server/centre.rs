//! The privacy centre as programs see it: what is one's own, what is sent twice, and who is not asked at all.

use fiducia_custody::{
    AccountCommand, AccountReply, AdminCommand, AdminReply, ConsentCommand, ConsentEntry, ConsentReply,
    NewAccount, Password, RetentionCommand, TermsChange,
};
use fiducia_keyring::KmsProblem;
use fiducia_policy::{Plan, SubjectId, Tier};
use fiducia_server::ConsoleSettings;

use crate::app::{App, AppSettings};
use crate::client::{Answer, send};
use crate::upstream::Upstream;

const PASSWORD: &str = "correct horse battery";

/// A console for people whose plan is asked.
struct Centre {
    app: App,
    _upstream: Upstream,
}

impl Centre {
    fn new(plan: Option<Plan>) -> Self {
        let upstream = Upstream::start(Vec::new());
        let mut settings = AppSettings::new(upstream.address);
        let listen = "127.0.0.1:0".parse().unwrap();
        let console = ConsoleSettings::new("http://localhost:4102".to_owned());
        settings.console = Some(ConsoleSettings { listen, ..console });
        let app = settings.start();
        let source = include_str!("../../../../policies/anthropic-2026.toml").to_owned();
        app.custody
            .administer(AdminCommand::Govern(RetentionCommand::PublishPolicy {
                source,
                actor: "tester".to_owned(),
            }))
            .unwrap();
        if let Some(plan) = plan {
            let change =
                TermsChange { plan: Some(plan), tier: Some(Tier::Restricted), ..TermsChange::default() };
            let change = RetentionCommand::ChangeTerms { organization: app.organization, change };
            app.custody.administer(AdminCommand::Govern(change)).unwrap();
        }
        let source = include_str!("../../../../policies/notices/batch-training.en.toml").to_owned();
        let publish = ConsentCommand::PublishNotice { source, actor: "tester".to_owned() };
        app.custody.administer(AdminCommand::Consent(publish)).unwrap();
        Self { app, _upstream: upstream }
    }

    /// Makes an account and signs it in; gives the session's cookie and whose conversations it governs.
    fn person(&self, name: &str, subject: Option<&str>, roles: &str) -> (String, Option<SubjectId>) {
        let new = NewAccount {
            organization: self.app.organization,
            login: name.to_owned(),
            name: name.to_owned(),
            subject: subject.map(str::to_owned),
            roles: roles.parse().unwrap(),
        };
        let AdminReply::Account(AccountReply::Account(row)) =
            self.app.custody.administer(AdminCommand::Account(AccountCommand::Create(new))).unwrap()
        else {
            panic!("reply")
        };
        let set =
            AccountCommand::SetPassword { account: row.id, password: Password::new(PASSWORD.to_owned()) };
        self.app.custody.administer(AdminCommand::Account(set)).unwrap();
        let page = self.send("GET", "/sign-in", "", "");
        let visit = cookie(&page, "fiducia-visit");
        let form = format!(
            "token={}&login={name}&password={}",
            field(page.text(), "token"),
            PASSWORD.replace(' ', "+")
        );
        let answer = self.send("POST", "/sign-in", &visit, &form);
        (cookie(&answer, "fiducia-session"), row.subject)
    }

    fn send(&self, method: &str, path: &str, cookie: &str, form: &str) -> Answer {
        let kind = ("content-type", "application/x-www-form-urlencoded");
        send(self.app.console.unwrap(), method, path, &[kind, ("cookie", cookie)], form.as_bytes())
    }

    fn get(&self, path: &str, session: &str) -> Answer {
        self.send("GET", path, session, "")
    }

    fn page(&self, path: &str, session: &str) -> String {
        self.get(path, session).text().to_string()
    }

    fn history(&self, subject: SubjectId) -> Vec<ConsentEntry> {
        let command = ConsentCommand::History { subject, purpose: None, before: None, limit: 100 };
        match self.app.custody.administer(AdminCommand::Consent(command)).unwrap() {
            AdminReply::Consented(ConsentReply::History(entries)) => entries,
            other => panic!("{other:?}"),
        }
    }
}

fn cookie(answer: &Answer, name: &str) -> String {
    let prefix = format!("{name}=");
    let mut set = answer.headers.iter().filter(|(header, _)| header == "set-cookie").map(|(_, value)| value);
    let found = set.rfind(|value| value.starts_with(&prefix));
    found.unwrap_or_else(|| panic!("no {name} in {answer:?}")).split(';').next().unwrap().to_owned()
}

/// The value of a hidden field, the last of that name.
fn field(page: &str, name: &str) -> String {
    let found = page.rsplit(&format!("name=\"{name}\" value=\"")).next().unwrap();
    found.split('"').next().unwrap().to_owned()
}

/// The question's form, filled in.
fn answered(page: &str, answer: &str) -> String {
    let form = page.split("class=\"answers\"").nth(1).unwrap();
    let fields = ["token", "purpose", "language", "version", "hash", "key"];
    let fields = fields.map(|name| format!("{name}={}", field(form.split("</form>").next().unwrap(), name)));
    format!("{}&answer={answer}", fields.join("&"))
}

#[test]
fn a_question_is_put_once_and_a_form_that_is_sent_twice_answers_once() {
    let centre = Centre::new(Some(Plan::Pro));
    let (session, subject) = centre.person("ada", Some("ada"), "person");
    let subject = subject.unwrap();
    assert!(centre.history(subject).is_empty());
    for _ in 0..2 {
        let home = centre.get("/", &session);
        assert_eq!((home.status, home.header("location")), (303, Some("/choices/ask?by=sign-up")));
        assert!(centre.history(subject).is_empty(), "what was not shown was not put");
    }
    let page = centre.page("/choices/ask?by=sign-up", &session);
    for _ in 0..2 {
        assert_eq!(centre.get("/", &session).status, 200, "it is met once");
    }
    let form = format!("{}&by=sign-up&answered=1", answered(&page, "yes"));
    for _ in 0..2 {
        let answer = centre.send("POST", "/choices", &session, &form);
        assert_eq!(
            answer.header("location"),
            Some("/choices/ask?by=sign-up&answered=1&last=yes"),
            "{answer:?}"
        );
    }
    let entered: Vec<_> =
        centre.history(subject).iter().map(|one| (one.act.name(), one.channel.name())).collect();
    assert_eq!(entered, [("give", "sign-up"), ("request", "sign-up")], "newest first, and nothing twice");
    // What the address says of the way does not make it so.
    let page = centre.page("/choices", &session);
    centre.send("POST", "/choices", &session, &format!("{}&by=prompt", answered(&page, "no")));
    assert_eq!(centre.history(subject)[0].channel.name(), "settings");
    // An answer to another text than the one that stands, by a form made up or kept, changes nothing.
    let page = centre.page("/choices", &session);
    let forged = answered(&page, "yes").replace("hash=", "hash=0");
    assert_eq!(centre.send("POST", "/choices", &session, &forged).status, 400);
    assert_eq!(centre.history(subject).len(), 3);
}

#[test]
fn what_is_anothers_is_not_found_and_staff_have_no_centre() {
    let centre = Centre::new(Some(Plan::Pro));
    let (ada, _) = centre.person("ada", Some("ada"), "person");
    let (ben, _) = centre.person("ben", Some("ben"), "person");
    let (staff, _) = centre.person("desk", None, "support");
    let pages = [
        "/choices",
        "/choices/ask",
        "/conversations",
        "/accesses",
        "/requests",
        "/requests/new",
        "/notices",
        "/certificates",
    ];
    for page in pages {
        assert_eq!(centre.get(page, &staff).status, 404, "{page}");
        assert_eq!(centre.get(page, "").status, 303, "{page}");
        assert_eq!(centre.get(page, &ada).status, 200, "{page}");
    }
    assert!(!centre.get("/account", &staff).text().contains("href=\"/conversations\""));
    let asking = centre.page("/requests/new?kind=access", &ada);
    let token = field(&asking, "token");
    let form = format!("token={token}&kind=access&key={}", field(&asking, "key"));
    let request = |answer: Answer| answer.header("location").unwrap().split('?').next().unwrap().to_owned();
    let path = request(centre.send("POST", "/requests", &ada, &form));
    assert_eq!(request(centre.send("POST", "/requests", &ada, &form)), path, "sent twice it is one request");
    assert_eq!(centre.get(&path, &ada).status, 200);
    let bens = field(centre.get("/requests", &ben).text(), "token");
    for (method, path) in
        [("GET", path.clone()), ("POST", format!("{path}/withdraw")), ("POST", format!("{path}/copy"))]
    {
        let answer = centre.send(method, &path, &ben, &format!("token={bens}"));
        assert_eq!(answer.status, 404, "{method} {path}");
    }
    // A copy is a form of the person's own browser, and comes as a file.
    assert_eq!(centre.send("POST", &format!("{path}/copy"), &ada, "token=guessed").status, 403);
    let copy = centre.send("POST", &format!("{path}/copy"), &ada, &format!("token={token}"));
    assert_eq!((copy.status, copy.header("content-type")), (200, Some("application/zip")));
    assert!(copy.header("content-disposition").unwrap().starts_with("attachment"));
    assert!(centre.get(&path, &ada).text().contains("A copy of your data was made for you"));
    let again = centre.send("POST", &format!("{path}/copy"), &ada, &format!("token={token}"));
    assert_eq!(again.status, 200, "whether it arrived only the person knows");
    for nothing in [
        "/conversations/nonsense",
        "/choices/receipts/nonsense",
        "/accesses/1/proof",
        "/certificates/x",
        "/notices/a/b/1",
    ] {
        assert_eq!(centre.get(nothing, &ada).status, 404, "{nothing}");
    }
}

#[test]
fn people_of_organisations_are_not_asked_and_told_so() {
    let centre = Centre::new(None);
    let (session, subject) = centre.person("ada", Some("ada"), "person");
    assert_eq!(centre.get("/", &session).status, 200, "nobody is led anywhere");
    let page = centre.page("/choices", &session);
    assert!(page.contains("There is no question for you."), "{page}");
    assert!(!page.contains("class=\"answer\""));
    assert_eq!(centre.get("/choices/ask", &session).header("location"), Some("/choices?done=answered"));
    assert!(centre.history(subject.unwrap()).is_empty());
}

#[test]
fn what_a_closed_key_protects_is_refused_by_its_code_in_words_for_people() {
    let centre = Centre::new(None);
    let job = |command| match centre.app.custody.administer(command).unwrap() {
        AdminReply::Import(job) => job,
        other => panic!("{other:?}"),
    };
    let organization = centre.app.organization;
    let begin = AdminCommand::BeginImport {
        organization,
        subject: "analyst".to_owned(),
        source: "test".to_owned(),
        digest: [7; 32],
    };
    let job = job(begin).job;
    let lines = vec![
        r#"{"id":"c1","messages":[{"role":"user","content":"hello"},{"role":"assistant","content":"hi"}]}"#
            .to_owned(),
    ];
    centre.app.custody.administer(AdminCommand::ImportLines { job, first_line: 1, lines }).unwrap();
    centre.app.custody.administer(AdminCommand::FinishImport { job, digest: [7; 32] }).unwrap();
    centre.app.set_own_key(organization);
    let (session, _) = centre.person("ada@example.org", Some("analyst"), "person");
    let list = centre.page("/conversations", &session);
    let id = list.split("/conversations/conv_").nth(1).unwrap().split(['"', '?']).next().unwrap();
    let path = format!("/conversations/conv_{id}");
    let token = field(&centre.page(&path, &session), "token");
    let read = || centre.send("POST", &format!("{path}/read"), &session, &format!("token={token}"));
    assert_eq!(read().status, 200);
    centre.app.service_says(Some(KmsProblem::Disabled));
    let refused = read();
    assert_eq!(refused.status, 503, "{}", refused.text());
    let page = refused.text();
    assert!(page.contains("The key is closed") && page.contains("key_disabled"), "{page}");
    crate::key_service::check_discreet(page);
    centre.app.service_says(None);
    assert_eq!(read().status, 200);
}
