//! `transparency_log/…` over real sockets, read by other people's implementations.

use std::cell::RefCell;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fiducia_custody::{AdminCommand, ComplianceReach, DestructionScope};
use fiducia_ledger::{AccessTransparencyEvent, VerifierKey};
use fiducia_policy::{AccessReason, ComplianceScope};
use signed_note::{Note, StandardVerifier, VerifierList};
use tlog_tiles::tile::{Tile, TileHashReader, TileReader};
use tlog_tiles::tlog;

use super::{Api, check_refusal};
use crate::client::Answer;

const KEPT: &str = "private, max-age=604800, immutable";
const NOT_KEPT: &str = "private, no-store";

impl Api {
    fn log(&self, path: &str) -> Answer {
        self.get(&format!("/transparency_log/{path}"))
    }

    /// An access by staff, published.
    fn look(&self) {
        let answer = self.app.post(
            "/v1/messages",
            &[("anthropic-version", "2023-06-01")],
            br#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"hello"}]}"#,
        );
        assert_eq!(answer.status, 200, "{answer:?}");
        let list = AdminCommand::ListConversations {
            organization: Some(self.app.organization),
            subject: None,
            deleted: false,
            limit: 1,
            after: None,
        };
        let fiducia_custody::AdminReply::Conversations(rows) = self.app.custody.administer(list).unwrap()
        else {
            panic!("reply")
        };
        let show = AdminCommand::ShowRecords {
            target: DestructionScope::Conversation(rows[0].id),
            actor: "tester".to_owned(),
            reason: AccessReason::SafetyReview,
            ticket: Some("T-1".to_owned()),
            ground: None,
            reveal: false,
        };
        self.app.custody.administer(show).unwrap();
        self.app.custody.settle_feed();
    }
}

fn check_kept(answer: &Answer, cache: &str, content_type: &str) {
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.header("cache-control"), Some(cache));
    assert_eq!(answer.header("vary"), Some("x-api-key"));
    assert_eq!(answer.header("content-type"), Some(content_type));
}

/// Reads tiles by HTTP.
struct Remote<'a>(&'a Api, RefCell<usize>);

impl TileReader for Remote<'_> {
    fn height(&self) -> u8 {
        8
    }

    fn read_tiles(&self, tiles: &[Tile]) -> Result<Vec<Vec<u8>>, tlog::Error> {
        let read = |tile: &Tile| {
            let answer = self.0.log(&tile.path().replacen("tile/8/", "tile/", 1));
            check_kept(
                &answer,
                if tile.width() == 256 { KEPT } else { NOT_KEPT },
                "application/octet-stream",
            );
            *self.1.borrow_mut() += 1;
            answer.body
        };
        Ok(tiles.iter().map(read).collect())
    }

    fn save_tiles(&self, _tiles: &[Tile], _data: &[Vec<u8>]) {}
}

#[test]
#[expect(clippy::too_many_lines, reason = "one log is read from end to end, as a client would")]
fn other_implementations_verify_what_is_served() {
    let api = Api::with_upstream();
    api.look();
    // More than one full tile.
    for number in 0..270 {
        api.app.create_key(&[fiducia_custody::Scope::ActForSubjects]);
        if number % 100 == 0 {
            api.app.custody.settle_feed();
        }
    }
    api.app.custody.settle_feed();

    let keys = api.log("keys");
    check_kept(&keys, NOT_KEPT, "application/json");
    let keys = keys.json();
    let uuid = api.app.organization.uuid();
    assert_eq!(keys["type"], "transparency_log_keys");
    let origin = keys["origin"].as_str().unwrap();
    assert!(origin.ends_with(&format!("/{uuid}")));
    let listed: Vec<_> = keys["log_keys"].as_array().unwrap().iter().collect();
    let algorithms: Vec<_> = listed.iter().map(|key| key["algorithm"].as_str().unwrap()).collect();
    assert_eq!(algorithms, ["ecdsa_p256_sha256", "ed25519"]);
    for key in &listed {
        let spki = STANDARD.decode(key["public_key"].as_str().unwrap()).unwrap();
        let parsed: VerifierKey = key["verifier_key"].as_str().unwrap().parse().unwrap();
        assert_eq!(parsed.spki(), spki);
        assert_eq!(key.as_object().unwrap().len(), 5);
    }
    let ecdsa = listed[0];
    assert_eq!(ecdsa["key_hash"].as_str().unwrap(), &ecdsa["fingerprint"].as_str().unwrap()[..8]);

    let note = api.log("checkpoint");
    check_kept(&note, NOT_KEPT, "text/plain; charset=utf-8");
    for key in &listed {
        let key: VerifierKey = key["verifier_key"].as_str().unwrap().parse().unwrap();
        fiducia_ledger::Checkpoint::verify(&note.body, &key).unwrap();
    }
    let note = Note::from_bytes(&note.body).unwrap();
    let verifier = StandardVerifier::new(listed[1]["verifier_key"].as_str().unwrap()).unwrap();
    let (known, unknown) = note.verify(&VerifierList::new(vec![Box::new(verifier)])).unwrap();
    assert_eq!((known.len(), unknown.len()), (1, 1), "the other line is the ECDSA key's");
    let checkpoint = tlog_tiles::checkpoint::Checkpoint::from_bytes(note.text()).unwrap();
    assert_eq!(checkpoint.origin(), origin);
    let (size, root) = (checkpoint.size(), *checkpoint.hash());
    assert!(size > 256);

    // Entries by bundle; the public event among them; its path by tiles and by the endpoint.
    let bundle = api.log("tile/entries/000");
    check_kept(&bundle, KEPT, "application/octet-stream");
    let mut entries = Vec::new();
    let mut rest = bundle.body.as_slice();
    while let Some((length, after)) = rest.split_first_chunk::<2>() {
        let (entry, after) = after.split_at(usize::from(u16::from_be_bytes(*length)));
        entries.push(entry.to_vec());
        rest = after;
    }
    assert_eq!(entries.len(), 256);
    let index = entries.iter().position(|entry| entry[0] == 1).unwrap();
    let event = AccessTransparencyEvent::from_entry(&entries[index]).unwrap();
    assert_eq!(event.organization_uuid.as_deref(), Some(uuid.as_str()));
    assert_eq!(event.resource.unwrap().id.as_deref(), Some("msg_1"));
    let index = index as u64;
    let remote = Remote(&api, RefCell::new(0));
    let hashes = TileHashReader::new(size, root, &remote);
    let leaf = tlog::record_hash(&entries[usize::try_from(index).unwrap()]);
    let proof = tlog::prove_record(size, index, &hashes).unwrap();
    tlog::check_record(&proof, size, root, index, leaf).unwrap();
    assert!(*remote.1.borrow() > 0);
    let served = api.log(&format!("inclusion?leaf_index={index}"));
    check_kept(&served, NOT_KEPT, "application/json");
    let served = served.json();
    assert_eq!(served["type"], "transparency_log_inclusion_proof");
    assert_eq!(served["leaf_index"], index);
    assert_eq!(served["checkpoint"].as_str().unwrap().as_bytes(), api.log("checkpoint").body);
    assert_eq!(served.as_object().unwrap().len(), 4);
    let path = |value: &serde_json::Value| -> Vec<tlog::Hash> {
        let hash = |hash: &serde_json::Value| {
            tlog::Hash(STANDARD.decode(hash.as_str().unwrap()).unwrap().try_into().unwrap())
        };
        value["hashes"].as_array().unwrap().iter().map(hash).collect()
    };
    assert_eq!(path(&served), proof);

    // From an earlier tree to this one.
    let old = 200;
    let served = api.log(&format!("consistency?from={old}")).json();
    assert_eq!(served["type"], "transparency_log_consistency_proof");
    let old_root = tlog::tree_hash(old, &hashes).unwrap();
    tlog::check_tree(&path(&served), size, root, old, old_root).unwrap();
    assert_eq!(path(&api.log(&format!("consistency?from={size}")).json()), []);

    // The feed has the same event, with the index: its row is the leaf once more.
    let feed = api.get("/activities?activity_types[]=anthropic_access&order=asc");
    let row = feed.json()["data"][0].to_string();
    let row = AccessTransparencyEvent::from_served(row.as_bytes()).unwrap();
    assert_eq!(
        (row.leaf_index, row.event.to_entry().unwrap()),
        (Some(index), entries[usize::try_from(index).unwrap()].clone())
    );

    let partial = size % 256;
    check_kept(&api.log(&format!("tile/0/001.p/{partial}")), NOT_KEPT, "application/octet-stream");
    check_kept(&api.log(&format!("tile/entries/001.p/{partial}")), NOT_KEPT, "application/octet-stream");
    for gone in [
        format!("tile/0/000.p/{partial}"),
        "tile/0/001".to_owned(),
        "tile/3/000".to_owned(),
        "tile/0/002.p/1".to_owned(),
    ] {
        let refused = api.log(&gone);
        check_refusal(&refused, 404, "not_found_error");
        assert_eq!(refused.header("cache-control"), Some(NOT_KEPT), "{gone}");
    }
    for index in [size, u64::from(u32::MAX)] {
        check_refusal(&api.log(&format!("inclusion?leaf_index={index}")), 404, "not_found_error");
    }
    for wrong in [
        "checkpoint?x=1".to_owned(),
        "inclusion".to_owned(),
        "inclusion?leaf_index=-1".to_owned(),
        "inclusion?leaf_index=1.0".to_owned(),
        "inclusion?leaf_index=1&leaf_index=1".to_owned(),
        "consistency?from=0".to_owned(),
        format!("consistency?from={}", size + 1),
        "tile/0/0".to_owned(),
        "tile/64/000".to_owned(),
        "tile/0/000.p/256".to_owned(),
        "tile/entries/abc".to_owned(),
        "checkpoint?organization_id=nobody".to_owned(),
    ] {
        let refused = api.log(&wrong);
        check_refusal(&refused, 400, "invalid_request_error");
        assert_eq!(refused.header("cache-control"), Some(NOT_KEPT), "{wrong}");
        assert_eq!(refused.header("vary"), Some("x-api-key"));
    }
}

#[test]
fn a_key_reads_the_logs_of_its_reach_and_no_others() {
    let api = Api::start();
    let other = api.make_organization("other");
    api.app.custody.settle_feed();
    let own = api.app.organization;
    for named in [own.to_string(), own.uuid()] {
        assert_eq!(api.log(&format!("checkpoint?organization_id={named}")).status, 200);
    }
    let nobody = "org_00000000-0000-4000-8000-000000000000";
    let outside =
        check_refusal(&api.log(&format!("checkpoint?organization_id={other}")), 404, "not_found_error");
    let unknown =
        check_refusal(&api.log(&format!("checkpoint?organization_id={nobody}")), 404, "not_found_error");
    assert_eq!(outside, unknown, "not told apart");
    let wide = api.make_key(ComplianceReach::Installation, &[ComplianceScope::ReadActivities]);
    let ask = |path: &str| api.get_with(&wide.secret, &format!("/transparency_log/{path}"));
    check_refusal(&ask("checkpoint"), 400, "invalid_request_error");
    assert!(ask(&format!("checkpoint?organization_id={other}")).text().contains(&other.uuid()));
    check_refusal(&ask(&format!("keys?organization_id={nobody}")), 404, "not_found_error");
    let lacking = api.make_key(ComplianceReach::Organization(own), &[ComplianceScope::ReadUserData]);
    let refused = api.get_with(&lacking.secret, "/transparency_log/checkpoint");
    check_refusal(&refused, 403, "permission_error");
    let refused = api.send("GET", "/transparency_log/tile/0/000", &[]);
    check_refusal(&refused, 401, "authentication_error");
    assert_eq!(refused.header("cache-control"), Some(NOT_KEPT));
}

#[test]
fn a_log_without_an_event_is_answered_as_what_is_not_there() {
    let api = Api::start();
    let wide = api.make_key(ComplianceReach::Installation, &[ComplianceScope::ReadActivities]);
    let lacking = api.make_key(ComplianceReach::Installation, &[ComplianceScope::ReadUserData]);
    api.app.custody.settle_feed();
    // An organisation's log begins with its first event. Until the checkpoint over that is written there is no such folder.
    let folder = api.app.data().join("ledger").join(api.app.organization.uuid());
    let aside = api.app.data().join("aside");
    std::fs::rename(&folder, &aside).unwrap();
    let (own, uuid) = (api.app.organization.to_string(), api.app.organization.uuid());
    let nobody = "org_00000000-0000-4000-8000-000000000000";
    let endpoints = [
        "checkpoint",
        "keys",
        "inclusion?leaf_index=0",
        "consistency?from=1",
        "tile/0/000.p/1",
        "tile/0/000",
        "tile/entries/000.p/1",
        "tile/entries/000",
    ];
    let with = |endpoint: &str, organization: &str| {
        let joined = if endpoint.contains('?') { '&' } else { '?' };
        format!("/transparency_log/{endpoint}{joined}organization_id={organization}")
    };
    for endpoint in endpoints {
        let unknown = api.get_with(&wide.secret, &with(endpoint, nobody)).json();
        for refused in [
            api.log(endpoint),
            api.get(&with(endpoint, &own)),
            api.get_with(&wide.secret, &with(endpoint, &uuid)),
        ] {
            check_refusal(&refused, 404, "not_found_error");
            assert_eq!(
                refused.json(),
                unknown,
                "{endpoint}: not told apart from an organisation that is not there"
            );
            assert_eq!(refused.header("cache-control"), Some(NOT_KEPT), "{endpoint}");
            assert_eq!(refused.header("vary"), Some("x-api-key"), "{endpoint}");
        }
    }
    // What is wrong with a question is said all the same.
    check_refusal(&api.log("inclusion?leaf_index=-1"), 400, "invalid_request_error");
    check_refusal(&api.log("tile/64/000"), 400, "invalid_request_error");
    check_refusal(&api.get_with(&lacking.secret, &with("checkpoint", &own)), 403, "permission_error");
    std::fs::rename(&aside, &folder).unwrap();
    for endpoint in ["checkpoint", "keys", "inclusion?leaf_index=0", "consistency?from=1"] {
        assert_eq!(api.log(endpoint).status, 200, "{endpoint}");
    }
}
