//! People's requests: who may ask, by when they are answered, and what becomes true when they are.

use std::io::Read;
use std::path::{Path, PathBuf};

use fiducia_custody::{
    AdminCommand, AdminError, AdminReply, Agent, CertificateSettings, ConversationWish, Mandate, NewHold,
    NewRequest, RequestDetail, RequestRow, RetentionCommand, RetentionReply, RightsAction, RightsCommand,
    RightsExport, RightsExportReport, RightsReply,
};
use fiducia_ledger::{LoggedLeaf, ProofFile};
use fiducia_policy::{
    AccessReason, ConsentAct, ConsentPurpose, ExtensionReason, GroundKind, HoldScope, IdentityMethod, Plan,
    RefusalReason, Regime, RequestKind, RequestState, RightsRequestId, SubjectId, Timestamp,
};
use serde_json::Value;

use crate::consent_world::choice_on;
use crate::world::{World, anthropic};

type Zip = zip::ZipArchive<std::io::Cursor<Vec<u8>>>;

fn new(world: &World, kind: RequestKind) -> NewRequest {
    NewRequest {
        subject: world.subject(),
        kind,
        regimes: Vec::new(),
        submission: format!("submission-{kind}"),
        received_at: None,
        agent: None,
        conversation: None,
        statement: None,
        new_name: None,
        grounds: Vec::new(),
        actor: "desk".to_owned(),
    }
}

fn send(world: &World, command: RightsCommand) -> Result<RightsReply, AdminError> {
    match world.custody().administer(AdminCommand::Rights(command))? {
        AdminReply::Rights(reply) => Ok(reply),
        other => panic!("{other:?}"),
    }
}

fn try_open(world: &World, request: NewRequest) -> Result<(RequestRow, bool), AdminError> {
    match send(world, RightsCommand::Open { request: Box::new(request) })? {
        RightsReply::Opened { request, is_new } => Ok((request, is_new)),
        other => panic!("{other:?}"),
    }
}

fn open(world: &World, kind: RequestKind) -> RightsRequestId {
    try_open(world, new(world, kind)).unwrap().0.id
}

fn act(world: &World, request: RightsRequestId, step: RightsAction) -> Result<RequestDetail, AdminError> {
    let command = RightsCommand::Act { request, step, note: None, actor: "desk".to_owned() };
    match send(world, command)? {
        RightsReply::Request(detail) => Ok(*detail),
        other => panic!("{other:?}"),
    }
}

fn shown(world: &World, request: RightsRequestId) -> RequestDetail {
    match send(world, RightsCommand::Show { request }).unwrap() {
        RightsReply::Request(detail) => *detail,
        other => panic!("{other:?}"),
    }
}

fn identify(world: &World, request: RightsRequestId) {
    act(world, request, RightsAction::Identify { method: IdentityMethod::SignedIn }).unwrap();
}

fn fulfil(world: &World, request: RightsRequestId) -> Result<RequestDetail, AdminError> {
    act(world, request, RightsAction::Fulfil { left_undone: None })
}

fn queue(world: &World) -> Vec<RequestRow> {
    match send(world, RightsCommand::List { organization: None, closed: true, limit: 100 }).unwrap() {
        RightsReply::Requests(rows) => rows,
        other => panic!("{other:?}"),
    }
}

/// A folder beside the data, for files in the clear.
fn out(world: &World) -> PathBuf {
    let folder = world.folder().join("handed-over");
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

fn wanted(world: &World, request: RightsRequestId) -> RightsExport {
    RightsExport {
        request,
        actor: "desk".to_owned(),
        recipients: Vec::new(),
        out: Some(out(world)),
        conversations_per_file: None,
    }
}

fn export(world: &World, export: RightsExport) -> Result<RightsExportReport, AdminError> {
    match send(world, RightsCommand::Export(export))? {
        RightsReply::Exported(report) => Ok(report),
        other => panic!("{other:?}"),
    }
}

fn opened(path: impl AsRef<Path>) -> Zip {
    zip::ZipArchive::new(std::io::Cursor::new(std::fs::read(path).unwrap())).unwrap()
}

fn text(zip: &mut Zip, path: &str) -> String {
    let mut text = String::new();
    zip.by_name(path).unwrap_or_else(|error| panic!("{path}: {error}")).read_to_string(&mut text).unwrap();
    text
}

fn json(zip: &mut Zip, path: &str) -> Value {
    serde_json::from_str(&text(zip, path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn names(zip: &Zip) -> Vec<String> {
    zip.file_names().map(|name| name.unwrap().into_owned()).collect()
}

fn sha256(bytes: &[u8]) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
    digest.as_ref().iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

/// Every file has its line in the list of checksums, and nothing else is in either.
fn check_sums(zip: &mut Zip, volume: u32) {
    let sums_path = format!("SHA256SUMS-{volume:03}");
    let sums = text(zip, &sums_path);
    let mut listed = vec![sums_path];
    for line in sums.lines() {
        let (sum, path) = line.split_once("  ").unwrap();
        let mut bytes = Vec::new();
        zip.by_name(path).unwrap().read_to_end(&mut bytes).unwrap();
        assert_eq!(sum, sha256(&bytes), "{path}");
        listed.push(path.to_owned());
    }
    let mut found = names(zip);
    found.sort();
    listed.sort();
    assert_eq!(found, listed);
}

/// What a schema of this program describes: required keys are there, and no others.
fn check_schema(schema: &Value, definition: &str, document: &Value) {
    let described = &schema["$defs"][definition];
    let properties =
        described["properties"].as_object().unwrap_or_else(|| panic!("{definition} is not described"));
    let keys = document.as_object().unwrap();
    for key in described["required"].as_array().unwrap() {
        assert!(keys.contains_key(key.as_str().unwrap()), "{definition} lacks {key}");
    }
    for (key, value) in keys {
        let property =
            properties.get(key).unwrap_or_else(|| panic!("{definition} has {key}, which is not described"));
        let kinds: Vec<&str> = match &property["type"] {
            Value::String(kind) => vec![kind],
            Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
            _ => continue,
        };
        let kind = match value {
            Value::Null => "null",
            Value::Bool(_) => "boolean",
            Value::Number(_) => "integer",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        };
        assert!(kinds.contains(&kind), "{definition}.{key} is {kind}, described as {kinds:?}");
    }
}

#[test]
fn an_export_opens_offline_proves_itself_and_obeys_nothing_that_others_wrote() {
    const HOSTILE: &str = "<script>alert(1)</script><img src=x onerror=alert(2)>'\\u202e&amp;";
    let mut world = World::new();
    world.use_new_organization("<b>hostile & co</b>", Plan::Enterprise, fiducia_policy::Agreement::Standard);
    world.exchange(&anthropic(&[HOSTILE]), "uno");
    let mine = world.conversations()[0];
    let asked = NewRequest {
        statement: Some("</pre><script>alert(3)</script> I never said that".to_owned()),
        conversation: Some(mine),
        ..new(&world, RequestKind::Correction)
    };
    let correction = try_open(&world, asked).unwrap().0.id;
    identify(&world, correction);
    fulfil(&world, correction).unwrap();
    world.show_with(mine, AccessReason::CustomerSupport, Some("T-1")).unwrap();
    let subject = world.subject();
    world.use_new_key("person-2");
    world.exchange(&anthropic(&["somebody else's words"]), "dos");
    let request = NewRequest { subject, ..new(&world, RequestKind::Access) };
    let request = try_open(&world, request).unwrap().0.id;
    let refused = export(&world, wanted(&world, request)).unwrap_err();
    assert!(refused.to_string().contains("identity"), "{refused}");
    let refused = fulfil(&world, request).unwrap_err();
    assert!(refused.to_string().contains("identity"), "{refused}");
    identify(&world, request);
    let refused = fulfil(&world, request).unwrap_err();
    assert!(refused.to_string().contains("requests export"), "{refused}");
    let report = export(&world, wanted(&world, request)).unwrap();
    assert_eq!((report.conversations, report.records, report.records_listed_only), (1, 2, 0));
    let mut zip = opened(&report.files[0].file);
    check_sums(&mut zip, 1);

    let schema = json(&mut zip, "schema.json");
    let manifest = json(&mut zip, "manifest-001.json");
    assert_eq!(manifest["purpose"], "RightsFulfilment");
    check_schema(&schema, "ManifestDocument", &manifest);
    let conversation = json(&mut zip, &format!("conversations/{mine}.json"));
    check_schema(&schema, "ConversationDocument", &conversation);
    let records = conversation["records"].as_array().unwrap();
    for record in records {
        check_schema(&schema, "RecordDocument", record);
        check_schema(&schema, "ContentDocument", &record["content"]);
        let grounds = record["grounds"].as_array().unwrap();
        assert!(!grounds.is_empty());
        for ground in grounds {
            check_schema(&schema, "GroundDocument", ground);
            assert!(ground["basis"].as_str().unwrap().starts_with("eu-gdpr:A6-1-"), "{ground}");
            assert!(!ground["clauses"].as_array().unwrap().is_empty(), "{ground}");
        }
    }
    assert!(records[0]["content"]["messages"][0]["text"].as_str().unwrap().contains("<script>alert(1)"));
    let person = json(&mut zip, "person.json");
    check_schema(&schema, "PersonDocument", &person);
    assert!(person["statements"][0]["statement"].as_str().unwrap().ends_with("I never said that"));
    assert!(person["datasets"].as_str().unwrap().contains("No data sets exist"));
    assert_eq!(person["requests"].as_array().unwrap().len(), 2);

    // Nothing that was written becomes markup, and nothing is loaded or run.
    for name in
        names(&zip).into_iter().filter(|name| Path::new(name).extension().is_some_and(|end| end == "html"))
    {
        let page = text(&mut zip, &name);
        let policy = r#"<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'">"#;
        assert!(page.contains(policy), "{name}");
        check_markup(&name, &page);
        for link in page.split("href=\"").skip(1).map(|rest| rest.split('"').next().unwrap()) {
            let folder = Path::new(&name).parent().unwrap().to_str().unwrap();
            let target = match link.strip_prefix("../") {
                Some(rest) => rest.to_owned(),
                None if folder.is_empty() => link.to_owned(),
                None => format!("{folder}/{link}"),
            };
            assert!(zip.by_name(&target).is_ok(), "{name} links to {link}, which is not there");
        }
    }
    assert!(!names(&zip).iter().any(|name| text_of(&mut zip, name).contains("somebody else")));

    // The support's look, the export's own and the steps of the requests are there, each with a proof that stands alone.
    let events = json(&mut zip, "ledger/events-1-1.json");
    check_schema(&schema, "EventsDocument", &events);
    let events = events["events"].as_array().unwrap().clone();
    let reasons: Vec<&str> = events.iter().filter_map(|event| event["entry"]["reason"].as_str()).collect();
    assert!(reasons.contains(&"customer_support") && reasons.contains(&"subject_request"), "{reasons:?}");
    assert!(
        events.iter().any(|event| event["kind"] == "rights_step" && event["entry"]["kind"] == "correction")
    );
    for event in &events {
        let index = event["index"].as_u64().unwrap();
        let proof: ProofFile = text(&mut zip, &format!("ledger/{index}.tlog-proof")).parse().unwrap();
        let mut entry = Vec::new();
        zip.by_name(&format!("ledger/{index}.entry")).unwrap().read_to_end(&mut entry).unwrap();
        proof.verify(&entry, &world.verifier_key()).unwrap();
        assert_eq!(LoggedLeaf::parse(&entry).unwrap().leaf.event.kind(), event["kind"].as_str().unwrap());
    }
    let done = fulfil(&world, request).unwrap();
    assert_eq!(done.row.state, RequestState::Fulfilled);
    assert!(done.report.unwrap().sentences[0].contains("1 conversations in 1 file"));
    let kinds = world.ledger_kinds();
    assert!(kinds.iter().any(|kind| kind == "rights_exported"));
    assert!(!kinds.iter().any(|kind| kind == "unknown"));
}

/// Every tag and attribute of a page is one that this program writes: what others wrote makes none.
fn check_markup(name: &str, page: &str) {
    const TAGS: [&str; 30] = [
        "!doctype", "html", "head", "meta", "title", "style", "body", "main", "h1", "h2", "h3", "p", "a",
        "ul", "li", "table", "thead", "tbody", "tr", "th", "td", "div", "code", "pre", "bdi", "span", "dl",
        "dt", "dd", "br",
    ];
    const ATTRIBUTES: [&str; 8] =
        ["lang", "charset", "name", "content", "http-equiv", "class", "scope", "href"];
    for tag in page.split('<').skip(1) {
        let tag = tag.split('>').next().unwrap();
        let tag_name = tag.trim_start_matches('/').split_whitespace().next().unwrap();
        assert!(TAGS.contains(&tag_name), "{name} has <{tag}>");
        for (attribute, value) in tag.split("=\"").zip(tag.split("=\"").skip(1)) {
            let attribute = attribute.rsplit(char::is_whitespace).next().unwrap();
            assert!(ATTRIBUTES.contains(&attribute), "{name} has <{tag}>");
            assert!(attribute != "href" || !value.contains(':'), "{name} has <{tag}>");
        }
    }
}

fn text_of(zip: &mut Zip, name: &str) -> String {
    let mut bytes = Vec::new();
    zip.by_name(name).unwrap().read_to_end(&mut bytes).unwrap();
    String::from_utf8_lossy(&bytes).into_owned()
}

#[test]
fn an_export_goes_on_behind_the_last_whole_file() {
    let world = World::new();
    for number in 0..7 {
        world.exchange(&anthropic(&[&format!("question {number}")]), "yes");
    }
    world
        .govern(RetentionCommand::Wish {
            conversation: world.conversations()[3],
            wish: ConversationWish::Delete,
        })
        .unwrap();
    let request = open(&world, RequestKind::Export);
    identify(&world, request);
    let asked = RightsExport { conversations_per_file: Some(3), ..wanted(&world, request) };
    let whole = export(&world, asked.clone()).unwrap();
    assert_eq!((whole.files.len(), whole.resumed, whole.conversations, whole.records), (3, 0, 7, 14));
    // A crash took the last file, and left a beginning of it.
    let third = &whole.files[2].file;
    std::fs::remove_file(third).unwrap();
    std::fs::write(format!("{third}.part"), b"half").unwrap();
    let first = std::fs::read(&whole.files[0].file).unwrap();
    let again = export(&world, asked.clone()).unwrap();
    assert_eq!((again.files.len(), again.resumed, again.conversations), (3, 2, 7));
    assert_eq!(std::fs::read(&again.files[0].file).unwrap(), first, "what was whole is not made again");
    assert!(!Path::new(&format!("{third}.part")).exists());
    // Unpacked into one folder the files make one whole: each conversation once.
    let mut conversations = Vec::new();
    for (file, volume) in again.files.iter().zip(1..) {
        let mut zip = opened(&file.file);
        check_sums(&mut zip, volume);
        conversations.extend(names(&zip).into_iter().filter(|name| {
            name.starts_with("conversations/") && Path::new(name).extension().is_some_and(|end| end == "json")
        }));
        assert_eq!(zip.by_name("index.html").is_ok(), volume == 3);
    }
    conversations.sort();
    conversations.dedup();
    assert_eq!(conversations.len(), 7);
    // Nothing is left to do, and nothing is done.
    let nothing = export(&world, asked).unwrap();
    assert_eq!(nothing.resumed, 3);
    let mut world = world;
    let found = world.audited().findings;
    assert_eq!(found, []);
}

#[test]
fn files_in_the_data_directory_are_sealed_and_go_with_the_person() {
    let world = World::new();
    world.exchange(&anthropic(&["one"]), "uno");
    let request = open(&world, RequestKind::Access);
    identify(&world, request);
    let refused = export(&world, RightsExport { out: None, ..wanted(&world, request) }).unwrap_err();
    assert!(matches!(refused, AdminError::Invalid(_)), "{refused}");
    let inside = RightsExport { out: Some(world.data().join("records")), ..wanted(&world, request) };
    assert!(matches!(export(&world, inside).unwrap_err(), AdminError::Invalid(_)));
    let identity = age::x25519::Identity::generate();
    let sealed = RightsExport {
        out: None,
        recipients: vec![identity.to_public().to_string()],
        ..wanted(&world, request)
    };
    let report = export(&world, sealed).unwrap();
    let file = PathBuf::from(&report.files[0].file);
    assert!(file.starts_with(world.data().canonicalize().unwrap()));
    let decryptor = age::Decryptor::new(std::fs::File::open(&file).unwrap()).unwrap();
    let mut bytes = Vec::new();
    decryptor
        .decrypt(std::iter::once(&identity as &dyn age::Identity))
        .unwrap()
        .read_to_end(&mut bytes)
        .unwrap();
    let mut zip = zip::ZipArchive::new(std::io::Cursor::new(bytes)).unwrap();
    check_sums(&mut zip, 1);
    fulfil(&world, request).unwrap();

    let erasure = open(&world, RequestKind::Erasure);
    identify(&world, erasure);
    let done = fulfil(&world, erasure).unwrap();
    assert!(!file.exists() && !file.parent().unwrap().exists());
    let stores = done.report.unwrap().stores;
    let of = |name: &str| &stores.iter().find(|row| row.store.starts_with(name)).unwrap().outcome;
    assert!(of("files").starts_with("1 of them"), "{stores:?}");
    assert!(of("backups").contains("no backups"), "{stores:?}");
    assert!(of("data sets").starts_with("No data sets exist"), "{stores:?}");
    assert_eq!(shown(&world, request).row.subject, None);
}

#[test]
fn files_are_removed_when_their_days_are_over() {
    let mut world = World::new();
    world.exchange(&anthropic(&["one"]), "uno");
    let request = open(&world, RequestKind::Access);
    identify(&world, request);
    let sealed = RightsExport {
        out: None,
        recipients: vec![age::x25519::Identity::generate().to_public().to_string()],
        ..wanted(&world, request)
    };
    let report = export(&world, sealed).unwrap();
    let file = Path::new(&report.files[0].file);
    fulfil(&world, request).unwrap();
    world.advance_days(29);
    world.sweep();
    assert!(file.exists());
    world.advance_days(2);
    world.sweep();
    assert!(!file.exists());
    assert_eq!(shown(&world, request).files[0].file, "");
    world.reopen();
    world.sweep();
}

#[test]
fn nobody_asks_for_another_without_a_mandate_that_covers_it() {
    let world = World::new();
    let now = world.now();
    let hours = |count: i64| Timestamp::from_second(now.as_second() + count * 3_600).unwrap();
    let mandate = Mandate {
        evidence_sha256: "ab".repeat(32),
        covers: vec![RequestKind::Access],
        from: hours(-1),
        until: Some(hours(24)),
    };
    let by = |mandate: Option<Mandate>, kind, submission: &str| NewRequest {
        agent: Some(Agent { name: "Ann Agent".to_owned(), mandate }),
        submission: submission.to_owned(),
        ..new(&world, kind)
    };
    let refused = |request: NewRequest, word: &str| {
        let error = try_open(&world, request).unwrap_err();
        assert!(error.to_string().contains(word), "{error}");
        assert!(error.to_string().contains("nothing was taken in"), "{error}");
    };
    refused(by(None, RequestKind::Access, "1"), "no mandate");
    refused(by(Some(mandate.clone()), RequestKind::Erasure, "2"), "does not cover");
    refused(
        by(Some(Mandate { from: hours(2), ..mandate.clone() }), RequestKind::Access, "3"),
        "not valid yet",
    );
    refused(
        by(Some(Mandate { until: Some(hours(-1)), ..mandate.clone() }), RequestKind::Access, "4"),
        "has ended",
    );
    refused(
        by(Some(Mandate { evidence_sha256: "zz".repeat(32), ..mandate.clone() }), RequestKind::Access, "5"),
        "SHA-256",
    );
    assert!(queue(&world).is_empty());
    let (row, _) = try_open(&world, by(Some(mandate), RequestKind::Access, "6")).unwrap();
    assert!(row.by_agent);
    assert_eq!(shown(&world, row.id).agent.as_deref(), Some("Ann Agent"));
}

#[test]
fn the_same_submission_makes_one_request() {
    let mut world = World::new();
    let asked = new(&world, RequestKind::Access);
    let (first, is_new) = try_open(&world, asked.clone()).unwrap();
    assert!(is_new);
    let (second, is_new) =
        try_open(&world, NewRequest { actor: "another desk".to_owned(), ..asked.clone() }).unwrap();
    assert!(!is_new);
    assert_eq!(first.id, second.id);
    let error = try_open(&world, NewRequest { kind: RequestKind::Erasure, ..asked.clone() }).unwrap_err();
    assert!(matches!(error, AdminError::Conflict(_)), "{error}");
    for bad in ["", "has space", "é"] {
        let error = try_open(&world, NewRequest { submission: bad.to_owned(), ..asked.clone() }).unwrap_err();
        assert!(matches!(error, AdminError::Invalid(_)), "{bad}: {error}");
    }
    let error =
        try_open(&world, NewRequest { statement: Some("x".to_owned()), submission: "s".to_owned(), ..asked })
            .unwrap_err();
    assert!(matches!(error, AdminError::Invalid(_)), "{error}");
    assert_eq!(queue(&world).len(), 1);
    let steps = world.ledger_kinds().iter().filter(|kind| *kind == "rights_step").count();
    assert_eq!(steps, 1);
}

#[test]
fn the_clock_runs_from_the_arrival_and_is_put_off_once_in_time() {
    let mut world = World::new();
    // 2026-01-10: a month later, to the end of the day in Brussels.
    let (row, _) = try_open(&world, new(&world, RequestKind::Access)).unwrap();
    assert_eq!(row.due, "2026-02-10T23:00:00Z".parse().unwrap());
    let both = NewRequest {
        regimes: vec![Regime::Gdpr, Regime::Ccpa],
        submission: "2".to_owned(),
        ..new(&world, RequestKind::Access)
    };
    let (ccpa, _) = try_open(&world, both).unwrap();
    assert_eq!((ccpa.due, ccpa.decided_by), (row.due, Regime::Gdpr));
    assert!(ccpa.confirm_by.is_some());
    assert_eq!(act(&world, ccpa.id, RightsAction::Confirm {}).unwrap().row.confirm_by, None);
    let extend = |told_at| RightsAction::Extend { reason: ExtensionReason::Complexity, told_at };
    let detail = act(&world, row.id, extend(None)).unwrap();
    assert_eq!(
        (detail.row.state, detail.row.due),
        (RequestState::Extended, "2026-04-10T22:00:00Z".parse().unwrap())
    );
    assert!(act(&world, row.id, extend(None)).unwrap_err().to_string().contains("before"));
    world.advance_days(40);
    let late = act(&world, ccpa.id, extend(None)).unwrap_err();
    assert!(late.to_string().contains("first period is over"), "{late}");
    world.sweep();
    let metrics = world.custody().metrics();
    assert_eq!((metrics.requests_open, metrics.requests_overdue), (2, 1));
    let rows = queue(&world);
    assert_eq!(rows[0].id, ccpa.id);
    assert!(rows[0].is_overdue && !rows[1].is_overdue);
    // A late answer is better than none, and says that it is late.
    let refused = act(&world, ccpa.id, RightsAction::Refuse { reason: RefusalReason::Excessive }).unwrap();
    let report = refused.report.unwrap();
    assert!(report.is_late);
    assert_eq!(report.routes.len(), 2);
    assert!(report.routes[0].body.contains("article 77") && report.routes[0].court.contains("article 79"));
    let closed = act(&world, ccpa.id, RightsAction::Withdraw {}).unwrap_err();
    assert!(closed.to_string().contains("refused already"), "{closed}");
    let audit: Vec<_> =
        shown(&world, row.id).steps.into_iter().map(|step| (step.step, step.reason)).collect();
    assert_eq!(audit, [("open".to_owned(), None), ("extend".to_owned(), Some("complexity".to_owned()))]);
    assert_eq!(world.ledger_kinds().iter().filter(|kind| *kind == "rights_step").count(), 5);
}

#[test]
fn an_erasure_during_a_hold_says_what_stays_and_why() {
    let mut world = World::new();
    world.reopen_with(CertificateSettings { backup_days: Some(35), ..CertificateSettings::default() });
    world.exchange(&anthropic(&["one"]), "uno");
    world.use_new_key("person-1");
    let hold = NewHold {
        organization: world.organization(),
        matter: "Doe v. Roe".to_owned(),
        authority: "District court 7".to_owned(),
        scope: HoldScope { subjects: vec![world.subject()], ..HoldScope::default() },
        custodians: Vec::new(),
        reviewers: Vec::new(),
    };
    let RetentionReply::Hold(hold) =
        world.govern(RetentionCommand::PlaceHold { hold, actor: "operator".to_owned() }).unwrap()
    else {
        panic!("reply")
    };
    let erasure = open(&world, RequestKind::Erasure);
    let before = shown(&world, erasure);
    assert!(before.obstacles[0].contains(&hold.id.to_string()), "{:?}", before.obstacles);
    identify(&world, erasure);
    let done = fulfil(&world, erasure).unwrap();
    assert_eq!(done.row.state, RequestState::PartlyFulfilled);
    assert_eq!(done.row.subject, None, "what stays tells that it was handled, not whose it was");
    let report = done.report.unwrap();
    let on_hold = report.kept.iter().find(|kept| kept.ground == GroundKind::LegalHold).unwrap();
    assert_eq!(on_hold.records, 2);
    assert!(
        on_hold.sentence.contains("under a legal hold: a court or a law obliges us"),
        "{}",
        on_hold.sentence
    );
    assert!(
        report.sentences.iter().any(|sentence| sentence.contains("legal hold")),
        "{:?}",
        report.sentences
    );
    let safety = report.kept.iter().find(|kept| kept.ground == GroundKind::SafetyWindow);
    assert!(safety.is_none_or(|kept| !kept.clauses.is_empty()));
    assert!(report.stores.iter().any(|row| row.store == "backups" && row.outcome.contains("35 days")));
    assert!(report.destruction.unwrap().certificate.is_some());
    // The words of the court's matter are counsel's alone.
    assert!(!serde_json::to_string(&report.sentences).unwrap().contains("Doe"));
    // Said again, it is the same request that is closed.
    assert!(fulfil(&world, erasure).unwrap_err().to_string().contains("partly-fulfilled already"));
    let found = world.audited().findings;
    assert_eq!(found, []);
}

#[test]
fn what_is_restricted_is_read_for_the_person_and_for_claims_alone() {
    let world = World::new();
    world.exchange(&anthropic(&["one"]), "uno");
    let mine = world.conversations()[0];
    let restriction = open(&world, RequestKind::Restriction);
    identify(&world, restriction);
    world.show_with(mine, AccessReason::CustomerSupport, Some("T-1")).unwrap();
    fulfil(&world, restriction).unwrap();
    for reason in AccessReason::ALL {
        let shown = world.show_with(mine, reason, Some("T-1"));
        assert_eq!(shown.is_ok(), reason.reads_restricted(), "{}", reason.name());
    }
    let error = world.show_with(mine, AccessReason::CustomerSupport, Some("T-1")).unwrap_err();
    assert!(error.to_string().contains("nothing was decrypted"), "{error}");
    world.exchange(&anthropic(&["storing goes on"]), "si");
    let told_at = world.now();
    act(&world, restriction, RightsAction::Lift { told_at }).unwrap();
    world.show_with(mine, AccessReason::CustomerSupport, Some("T-1")).unwrap();
    assert!(act(&world, restriction, RightsAction::Lift { told_at }).is_err());
    let mut world = world;
    let found = world.audited().findings;
    assert_eq!(found, []);
}

#[test]
fn an_objection_ends_what_rests_on_a_legitimate_interest_and_nothing_else() {
    let world = World::new();
    world.exchange(&anthropic(&["one"]), "uno");
    let mine = world.conversations()[0];
    let grounds = |world: &World, conversation| -> Vec<GroundKind> {
        let rows = world.records(conversation);
        let mut grounds: Vec<_> =
            rows.iter().flat_map(|row| row.grounds.iter().map(|(ground, _)| *ground)).collect();
        grounds.sort_unstable();
        grounds.dedup();
        grounds
    };
    assert_eq!(grounds(&world, mine), [GroundKind::Service, GroundKind::SafetyWindow]);
    let objection = open(&world, RequestKind::Objection);
    identify(&world, objection);
    let done = fulfil(&world, objection).unwrap();
    let report = done.report.unwrap();
    assert!(
        report.sentences[0].contains("safety-window") && report.sentences[0].contains("FC-"),
        "{:?}",
        report.sentences
    );
    assert!(world.show(mine, GroundKind::SafetyWindow).is_err(), "nobody reads it for that any more");
    world.show(mine, GroundKind::Service).unwrap();
    world.exchange(&anthropic(&["one", "uno", "two"]), "dos");
    world.exchange(&anthropic(&["something new"]), "tres");
    for conversation in world.conversations() {
        assert!(world.show(conversation, GroundKind::SafetyWindow).is_err());
        world.show(conversation, GroundKind::Service).unwrap();
    }
}

#[test]
fn an_opt_out_asks_for_no_identity_and_lasts() {
    let world = World::of_consumers();
    for purpose in [ConsentPurpose::BatchTraining, ConsentPurpose::Research] {
        world.choose(choice_on(purpose, ConsentAct::Give)).unwrap();
    }
    let asked = NewRequest { regimes: vec![Regime::Ccpa], ..new(&world, RequestKind::OptOut) };
    let (row, _) = try_open(&world, asked).unwrap();
    // Fifteen business days after Saturday, 10 January 2026, over Martin Luther King's day.
    assert_eq!(row.due, "2026-02-03T08:00:00Z".parse().unwrap());
    let error = act(&world, row.id, RightsAction::AskIdentity {}).unwrap_err();
    assert!(error.to_string().contains("must not depend on who asks"), "{error}");
    let done = fulfil(&world, row.id).unwrap();
    assert!(done.report.unwrap().sentences[0].contains("12 months"));
    let copy = open(&world, RequestKind::Access);
    identify(&world, copy);
    let report = export(&world, wanted(&world, copy)).unwrap();
    let person = json(&mut opened(&report.files[0].file), "person.json");
    assert!(person["opted_out_since"].is_string());
    assert!(
        person["consents"][0]["state"].as_str().unwrap().contains("not asked again before 2027-01-10"),
        "{person}"
    );
    for (consent, purpose) in person["consents"].as_array().unwrap().iter().zip(ConsentPurpose::ALL) {
        let said = matches!(purpose, ConsentPurpose::BatchTraining | ConsentPurpose::Research);
        assert_eq!(consent["about"], purpose.name());
        assert_eq!(
            consent["state"].as_str().unwrap().starts_with("withdrawn since 2026-01-10"),
            said,
            "{consent}"
        );
        assert_eq!(
            consent["ledger_entries"].as_array().unwrap().len(),
            if said { 2 } else { 0 },
            "{consent}"
        );
    }
}

#[test]
fn a_correction_renames_the_account_and_never_takes_anothers_name() {
    let mut world = World::new();
    world.use_new_key("person-2");
    world.use_new_key("person-1");
    let subject = world.subject();
    let named = |world: &World, name: &str| -> SubjectId {
        let command = AdminCommand::NameSubject { organization: world.organization(), name: name.to_owned() };
        match world.custody().administer(command).unwrap() {
            AdminReply::Subject(id) => id,
            other => panic!("{other:?}"),
        }
    };
    let correct = |world: &World, name: &str| {
        let asked = NewRequest {
            new_name: Some(name.to_owned()),
            submission: name.to_owned(),
            ..new(world, RequestKind::Correction)
        };
        let id = try_open(world, asked).unwrap().0.id;
        identify(world, id);
        fulfil(world, id)
    };
    let taken = correct(&world, "person-2").unwrap_err();
    assert!(taken.to_string().contains("that name already"), "{taken}");
    correct(&world, "person-one").unwrap();
    assert_eq!(named(&world, "person-one"), subject);
    assert_ne!(named(&world, "person-1"), subject);
}

#[test]
fn a_complaint_is_heard_from_anybody_and_gives_the_routes() {
    let world = World::new();
    let complaint = open(&world, RequestKind::Complaint);
    act(&world, complaint, RightsAction::Begin {}).unwrap();
    let done = act(&world, complaint, RightsAction::Fulfil { left_undone: Some("the fee stays".to_owned()) })
        .unwrap();
    assert_eq!(done.row.state, RequestState::PartlyFulfilled);
    let report = done.report.unwrap();
    assert_eq!(report.left_undone.as_deref(), Some("the fee stays"));
    assert_eq!(report.routes.len(), 1);
}

#[test]
fn paid_plans_are_served_first_where_nobody_is_late_for_it() {
    let mut world = World::new();
    world.use_agreed_organization("consumers", Plan::Pro, None);
    world
        .govern(RetentionCommand::SetPersonPlan { subject: world.subject(), plan: Some(Plan::Free) })
        .unwrap();
    let free = try_open(&world, new(&world, RequestKind::Access)).unwrap().0.id;
    world.advance_days(3);
    world.use_new_key("payer");
    let paid =
        try_open(&world, NewRequest { submission: "p".to_owned(), ..new(&world, RequestKind::Access) })
            .unwrap()
            .0
            .id;
    let order = |world: &World| queue(world).into_iter().map(|row| row.id).collect::<Vec<_>>();
    assert_eq!(order(&world), [paid, free]);
    // On the last day the free one goes first: there is no time to wait.
    world.advance_to("2026-02-10T17:00:00Z".parse().unwrap());
    assert_eq!(order(&world), [free, paid]);
}

#[test]
fn a_copy_says_until_when_as_things_stand_before_any_worker_has_seen_it() {
    let world = World::of_consumers();
    world.exchange(&anthropic(&["one"]), "uno");
    let conversation = world.conversations()[0];
    let until = |submission: &str| {
        let asked = NewRequest { submission: submission.to_owned(), ..new(&world, RequestKind::Access) };
        let copy = try_open(&world, asked).unwrap().0.id;
        identify(&world, copy);
        let report = export(&world, wanted(&world, copy)).unwrap();
        let document =
            json(&mut opened(&report.files[0].file), &format!("conversations/{conversation}.json"));
        let grounds = document["records"][0]["grounds"].as_array().unwrap().clone();
        let service = grounds.iter().find(|ground| ground["ground"] == "service").unwrap();
        service["until"].as_str().unwrap()[..10].to_owned()
    };
    assert_eq!(until("before"), "2027-01-10", "a year without a yes");
    world.choose(choice_on(ConsentPurpose::BatchTraining, ConsentAct::Give)).unwrap();
    assert_eq!(until("after"), "2031-01-10", "five years with one");
}

#[test]
fn administrators_are_told_of_each_copy_that_is_handed_over() {
    let world = World::new();
    world.exchange(&anthropic(&["mine"]), "yours");
    let request = open(&world, RequestKind::Export);
    identify(&world, request);
    let admin = crate::looking::staff(&world, "tenant-admin");
    assert_eq!(crate::looking::notices(&world, &admin), []);
    export(&world, wanted(&world, request)).unwrap();
    assert_eq!(crate::looking::notices(&world, &admin), [fiducia_policy::AccessNoticeKind::HandedOver]);
}
