//! Health, metrics, the ledger's files, and the admin socket.

use fiducia_custody::{AdminCommand, AdminError, AdminReply, DestructionScope};
use fiducia_policy::RecordId;
use fiducia_server::admin::client::{self, AdminClientError};

use crate::app::AppSettings;
use crate::client::send;
use crate::upstream::{Upstream, answer};

const CANARY: &str = "canary-7f3a";

#[test]
fn readiness_follows_the_store() {
    let upstream = Upstream::start(Vec::new());
    let app = AppSettings::new(upstream.address).start();
    let get = |path: &str| send(app.operations, "GET", path, &[], b"");
    assert_eq!((get("/healthz").status, get("/readyz").status), (200, 200));
    app.custody.close();
    let got = get("/readyz");
    assert_eq!(got.status, 503);
    assert!(got.text().contains("shutting down"), "{}", got.text());
    assert_eq!(get("/healthz").status, 200, "alive all the same");
}

#[test]
fn metrics_count_and_hold_no_content() {
    let body = format!("{{\"id\":\"msg_1\",\"content\":[{{\"type\":\"text\",\"text\":\"{CANARY}\"}}]}}");
    let upstream = Upstream::saying(&answer("200 OK", &[], body.as_bytes()));
    let app = AppSettings::new(upstream.address).start();
    let request =
        format!("{{\"model\":\"{CANARY}\",\"messages\":[{{\"role\":\"user\",\"content\":\"{CANARY}\"}}]}}");
    let subject = [("fiducia-subject", CANARY)];
    assert_eq!(app.post("/v1/messages", &subject, request.as_bytes()).status, 200);
    assert_eq!(app.post("/v1/nothing", &[], b"").status, 404);
    let got = send(app.operations, "GET", "/metrics", &[], b"");
    let text = got.text();
    for line in [
        "fiducia_gateway_requests_total{endpoint=\"anthropic-messages\",provider=\"anthropic\",status=\"200\",outcome=\"complete\"} 1",
        "fiducia_gateway_refusals_total{code=\"unknown_endpoint\"} 1",
        "fiducia_gateway_added_seconds_count{endpoint=\"anthropic-messages\"} 1",
        "fiducia_capture_records_total 2",
        "fiducia_capture_queued_parts 0",
        "fiducia_gateway_buffered_bytes 0",
    ] {
        assert!(text.contains(line), "{line} is not in {text}");
    }
    assert!(!text.contains(CANARY) && !text.contains(&app.key));
}

#[test]
fn the_ledger_is_served_as_files() {
    let upstream = Upstream::start(Vec::new());
    let app = AppSettings::new(upstream.address).start();
    app.custody.close();
    let get = |path: &str| send(app.operations, "GET", path, &[], b"");
    let checkpoint = get(&format!("/ledger/{}/checkpoint", app.organization.uuid()));
    assert_eq!((checkpoint.status, checkpoint.header("cache-control")), (200, Some("no-store")));
    assert!(checkpoint.text().starts_with(&format!("ledger.test/log/{}\n", app.organization.uuid())));
    let size: u64 = checkpoint.text().lines().nth(1).unwrap().parse().unwrap();
    let tile = get(&format!("/ledger/{}/tile/0/000.p/{size}", app.organization.uuid()));
    assert_eq!((tile.status, tile.body.len() as u64), (200, 32 * size));
    let entries = get(&format!("/ledger/{}/tile/entries/000.p/{size}", app.organization.uuid()));
    assert_eq!(entries.status, 200);
    for path in [
        format!("/ledger/{}/../../control.db", app.organization.uuid()),
        format!("/ledger/{}/..%2f..%2fcontrol.db", app.organization.uuid()),
        "/ledger/..%2f/control.db".to_owned(),
        format!("/ledger/{}/", app.organization.uuid()),
    ] {
        assert_eq!(get(&path).status, 404, "{path}");
    }
}

#[test]
fn commands_go_over_the_socket_and_errors_come_back_as_they_are() {
    use std::os::unix::fs::PermissionsExt;
    let upstream = Upstream::start(Vec::new());
    let mut app = AppSettings::new(upstream.address).start();
    let socket = app.admin_socket();
    assert_eq!(std::fs::metadata(&socket).unwrap().permissions().mode() & 0o777, 0o600);
    let reply = client::send(&socket, &AdminCommand::ListOrganizations).unwrap();
    let AdminReply::Organizations(organizations) = reply else { panic!("reply") };
    assert_eq!(organizations[0].id, app.organization);
    let missing = RecordId::from_bytes([1; 16]);
    let destroy =
        AdminCommand::Destroy { scope: DestructionScope::Record(missing), actor: "tester".to_owned() };
    let error = client::send(&socket, &destroy).unwrap_err();
    assert!(matches!(error, AdminClientError::Refused(AdminError::NotFound(_))), "{error:?}");
    app.stop_server();
    let error = client::send(&socket, &AdminCommand::ListOrganizations).unwrap_err();
    assert!(matches!(error, AdminClientError::Unreachable { .. }), "{error:?}");
}

#[test]
fn a_second_program_on_the_address_is_refused() {
    let upstream = Upstream::start(Vec::new());
    let app = AppSettings::new(upstream.address).start();
    let model = fiducia_server::scripted::ScriptedModel::default();
    let error = model.start(app.gateway).err().expect("the address is taken").to_string();
    assert!(error.contains("cannot listen on") && error.contains(&app.gateway.to_string()), "{error}");
}
