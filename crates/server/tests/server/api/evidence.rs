//! Evidence by the API: the same as on the pages, for the same roles, and of one's own organisation alone.

use fiducia_ledger::{ProofFile, VerifierKey};
use fiducia_policy::Role;
use serde_json::json;

use super::Stand;

#[test]
fn every_role_reaches_the_evidence_that_is_its_own() {
    use Role::{Auditor, Legal, TenantAdmin, TrustAndSafety};
    const CHECKING: &[Role] = &[TenantAdmin, Legal, Auditor];
    const KEYS: &[Role] = &[TenantAdmin, Legal, Auditor, TrustAndSafety];
    let stand = Stand::new();
    let ada = stand.person("ada");
    stand.conversation("ada", "what nobody reads here");
    let list = stand.get(&ada, "/conversations").json();
    let conversation = list["items"][0]["id"].as_str().unwrap().to_owned();
    let records = stand.get(&ada, &format!("/conversations/{conversation}/records")).json();
    let record = records["items"][0]["id"].as_str().unwrap().to_owned();
    let paths = [
        ("/evidence/entries".to_owned(), CHECKING),
        ("/evidence/entries/0".to_owned(), CHECKING),
        ("/evidence/consistency?from=1".to_owned(), CHECKING),
        ("/evidence/figures".to_owned(), CHECKING),
        (format!("/conversations/{conversation}/keys?as=staff"), KEYS),
        (format!("/records/{record}/keys"), KEYS),
    ];
    for role in Role::ALL.into_iter().filter(|role| *role != Role::Person) {
        let token = stand.staff(role.name());
        for (path, may) in &paths {
            let answer = stand.get(&token, path);
            let expected = if may.contains(&role) { 200 } else { 403 };
            assert_eq!(answer.status, expected, "{role} {path}: {}", answer.text());
        }
    }
    for (path, _) in &paths {
        assert_eq!(stand.get(&ada, path).is(403).problem(), "no-staff", "{path}");
    }
    let own = stand.get(&ada, &format!("/conversations/{conversation}/keys")).is(200).json();
    assert_eq!((&own["readable"], &own["cut"]), (&json!(true), &json!(false)));
    assert!(own["nodes"].as_array().unwrap().len() >= 4 && !own.to_string().contains("nobody reads"));
    let ben = stand.person("ben");
    stand.get(&ben, &format!("/conversations/{conversation}/keys")).is(404);
    // Elsewhere there is another log, and none of these keys.
    let elsewhere = stand.organization("elsewhere");
    let account = stand.account(elsewhere, "root@elsewhere.example", "auditor legal", None);
    let foreign = stand.token_of(&account, "read");
    stand.get(&foreign, &format!("/conversations/{conversation}/keys?as=staff")).is(404);
    stand.get(&foreign, &format!("/records/{record}/keys")).is(404);
    let theirs = stand.get(&foreign, "/evidence/entries/0").is(200).json();
    let ours = stand.get(&stand.staff("auditor legal"), "/evidence/entries/0").is(200).json();
    assert_ne!(theirs["head"]["origin"], ours["head"]["origin"]);
}

#[test]
fn an_entry_comes_with_a_proof_that_holds_and_a_list_goes_on_where_it_stopped() {
    let stand = Stand::new();
    let auditor = stand.staff("auditor");
    let whole = stand.get(&auditor, "/evidence/entries?limit=500").is(200).json();
    let all = whole["items"].as_array().unwrap().clone();
    assert!(all.len() > 2 && whole["next"].is_null(), "{whole}");
    let (mut paged, mut query) = (Vec::new(), String::new());
    loop {
        let page = stand.get(&auditor, &format!("/evidence/entries?limit=2{query}")).is(200).json();
        paged.extend(page["items"].as_array().unwrap().clone());
        let Some(next) = page["next"].as_str() else { break };
        query = format!("&after={next}");
    }
    assert_eq!(paged, all);
    let opened = stand.get(&auditor, "/evidence/entries?type=organization_created").is(200).json();
    assert_eq!(opened["items"].as_array().unwrap().len(), 1);
    stand.get(&auditor, "/evidence/entries?day=tomorrow").is(400);
    stand.get(&auditor, "/evidence/entries?after=forged").is(400);
    stand.get(&auditor, "/evidence/entries/4000000000").is(404);
    stand.get(&auditor, "/evidence/consistency?from=0").is(400);
    let shown = stand.get(&auditor, "/evidence/entries/1").is(200).json();
    let key: VerifierKey = shown["verifier_key"].as_str().unwrap().parse().unwrap();
    let proof: ProofFile = shown["proof"].as_str().unwrap().parse().unwrap();
    let entry = proof.extra.clone().unwrap();
    let checkpoint = proof.verify(&entry, &key).unwrap();
    assert_eq!(shown["head"]["size"], json!(checkpoint.size));
    let signatures = shown["head"]["signatures"].as_array().unwrap().iter();
    let mut algorithms: Vec<_> =
        signatures.map(|signature| (signature["kind"].as_str(), signature["algorithm"].as_str())).collect();
    algorithms.sort_unstable();
    assert_eq!(algorithms, [(Some("log"), Some("ecdsa_p256_sha256")), (Some("log"), Some("ed25519"))]);
    assert_eq!(shown["path"].as_array().unwrap().len(), proof.hashes.len());
    let figures = stand.get(&auditor, "/evidence/figures").is(200).json();
    assert_eq!(figures["log_size"], json!(checkpoint.size));
}
