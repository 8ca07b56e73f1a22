//! Key management services that are really there: a transit engine of OpenBao, a PKCS#11 token of SoftHSM, and moto's AWS
//! KMS, each started by its test. Those of Google and Azure cannot be had: recorded answers stand for them in `keyring`.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use super::place::{Outcome, Place, run, write_lines};

const TOKEN: &str = "root-of-the-test";
const LIBRARY: &str = "/usr/lib/softhsm/libsofthsm2.so";

/// A program of `cargo xtask install`.
fn installed(name: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().parent().unwrap();
    let path = root.join("target/xtask/key-services/bin").join(name);
    assert!(path.exists(), "{} is not there; `cargo xtask install` brings it", path.display());
    path
}

/// A service in a process of its own.
struct Service {
    child: Child,
    address: SocketAddr,
}

impl Service {
    fn start(mut command: Command, address: SocketAddr) -> Self {
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let mut service = Self { child, address };
        while TcpStream::connect(service.address).is_err() {
            assert!(service.child.try_wait().unwrap().is_none(), "the service ended at once");
            std::thread::yield_now();
        }
        service
    }

    fn openbao(folder: &Path, address: SocketAddr) -> Self {
        let mut command = Command::new(installed("bao"));
        command.args(["server", "-dev", "-dev-no-store-token"]);
        command.arg(format!("-dev-root-token-id={TOKEN}")).arg(format!("-dev-listen-address={address}"));
        command.env("HOME", folder);
        Self::start(command, address)
    }

    fn moto(address: SocketAddr) -> Self {
        let mut command = Command::new(installed("moto_server"));
        command.args(["-H", "127.0.0.1", "-p"]).arg(address.port().to_string());
        Self::start(command, address)
    }

    fn bao(&self, arguments: &[&str]) {
        let mut command = Command::new(installed("bao"));
        command.args(arguments).env("BAO_ADDR", format!("http://{}", self.address)).env("BAO_TOKEN", TOKEN);
        run(&mut command).exits(0);
    }

    fn aws(&self, operation: &str, asked: &Value) -> Value {
        let body = asked.to_string();
        let mut stream = TcpStream::connect(self.address).unwrap();
        write!(
            stream,
            "POST / HTTP/1.1\r\nhost: {}\r\nx-amz-target: TrentService.{operation}\r\nauthorization: AWS4-HMAC-SHA256 \
             Credential=test/20260101/eu-central-1/kms/aws4_request, SignedHeaders=host, Signature=0\r\n\
             content-type: application/x-amz-json-1.1\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
            self.address,
            body.len()
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{operation}: {answer}");
        serde_json::from_str(body).unwrap_or(Value::Null)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn free() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// A place with an organisation and a conversation, and services in its configuration.
fn place(services: &str) -> Place {
    let place = Place::with_organization();
    place.configure(services);
    import(&place, "before");
    place
}

fn import(place: &Place, text: &str) {
    let line = json!({ "id": text, "messages": [
        { "role": "user", "content": text }, { "role": "assistant", "content": "yes" }
    ] });
    let file = format!("{text}.jsonl");
    write_lines(&place.path(&file), &[line.to_string()]);
    place.run(&["import", &file, "--organization", "acme"]).exits(0);
}

fn read(place: &Place) -> Outcome {
    let rows = place.run(&["conversations", "list", "--json"]).exits(0).json();
    let id = rows[0]["id"].as_str().unwrap().to_owned();
    place.run(&["records", "show", &id, "--reason", "customer_support", "--ticket", "T-1"])
}

fn set(place: &Place, provider: &str, key: &str) -> Outcome {
    place.run(&["organizations", "key", "set", "acme", "--provider", provider, "--key", key])
}

#[test]
fn a_transit_engine_keeps_an_organisations_key_through_rotation_and_refusal() {
    let (folder, address) = (tempfile::tempdir().unwrap(), free());
    let service = Service::openbao(folder.path(), address);
    service.bao(&["secrets", "enable", "transit"]);
    service.bao(&["write", "-f", "transit/keys/acme"]);
    let place = place(&format!(
        "[key_services.vault]\nkind = \"vault-transit\"\naddress = \"http://{address}\"\ntoken = {{ file = \"vault.token\" }}\n"
    ));
    std::fs::write(place.path("vault.token"), TOKEN).unwrap();
    set(&place, "vault", "missing/../acme").exits(2);
    set(&place, "vault", "acme").exits(0).prints("acme at vault, version 1").prints("can be used yes");
    import(&place, "after");
    read(&place).exits(0);
    place.run(&["doctor"]).prints("vault wrapped a throw-away key and opened it");

    service.bao(&["write", "-f", "transit/keys/acme/rotate"]);
    place.run(&["keys", "rotate", "--organization", "acme"]).exits(0).prints("version 2");
    service.bao(&["write", "transit/keys/acme/config", "min_decryption_version=2"]);
    read(&place).exits(0);

    std::fs::write(place.path("vault.token"), "no-such-token").unwrap();
    read(&place).complains("key_denied");
    place
        .run(&["organizations", "key", "show", "acme"])
        .exits(0)
        .prints("can be used no")
        .prints("key_denied");
    place.run(&["doctor"]).exits(1).prints("key_denied");
    std::fs::write(place.path("vault.token"), TOKEN).unwrap();
    read(&place).exits(0);

    // The version that wrapped is taken out of use, as an owner would disable it.
    service.bao(&["write", "-f", "transit/keys/acme/rotate"]);
    service.bao(&["write", "transit/keys/acme/config", "min_decryption_version=3"]);
    read(&place).complains("key_disabled");
    service.bao(&["write", "transit/keys/acme/config", "min_decryption_version=1"]);
    read(&place).exits(0);

    service.bao(&["write", "transit/keys/acme/config", "deletion_allowed=true"]);
    service.bao(&["delete", "transit/keys/acme"]);
    read(&place).complains("key_not_found");
    place.run(&["organizations", "key", "clear", "acme"]).complains("key_not_found");
    drop(service);
    read(&place).complains("key_service_unreachable");
    // Whose key is elsewhere is not touched by any of that.
    place.run(&["organizations", "create", "other"]).exits(0);
}

#[test]
fn an_installation_moves_from_its_keyfile_into_a_transit_engine() {
    let (folder, address) = (tempfile::tempdir().unwrap(), free());
    let service = Service::openbao(folder.path(), address);
    service.bao(&["secrets", "enable", "transit"]);
    service.bao(&["write", "-f", "transit/keys/installation"]);
    let services = format!(
        "[key_services.vault]\nkind = \"vault-transit\"\naddress = \"http://{address}\"\ntoken = {{ environment = \"VAULT\" }}\n"
    );
    let place = place(&services);
    let path = place.path("fiducia.toml");
    let with = |from: &str, to: &str| {
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{text}");
        std::fs::write(&path, text.replace(from, to)).unwrap();
    };
    let rotate = |outcome: Outcome| outcome.exits(0).prints("installation at vault, version 1");
    let key = "key = { service = \"vault\", key = \"installation\" }\n";
    with("ledger_origin", &format!("{key}ledger_origin"));
    let with_token = |arguments: &[&str]| run(place.command(arguments).env("VAULT", TOKEN));
    with_token(&["doctor"]).prints("`fiducia keys rotate` moves it");
    rotate(with_token(&["keys", "rotate"]));
    with("keyfile = \"root.key\"\n", "");
    std::fs::remove_file(place.path("root.key")).unwrap();
    let rows = with_token(&["conversations", "list", "--json"]).exits(0).json();
    let id = rows[0]["id"].as_str().unwrap();
    with_token(&["records", "show", id, "--reason", "customer_support", "--ticket", "T-1"]).exits(0);
    drop(service);
    with_token(&["conversations", "list"])
        .complains("the data was not opened")
        .complains("key_service_unreachable");
}

#[test]
fn a_token_keeps_an_organisations_key_and_takes_it_along_when_it_is_pulled_out() {
    let place = place(&format!(
        "[key_services.hsm]\nkind = \"pkcs11\"\nlibrary = \"{LIBRARY}\"\ntoken = \"fiducia\"\npin = {{ file = \"pin\" }}\n"
    ));
    std::fs::create_dir(place.path("tokens")).unwrap();
    let configuration = format!("directories.tokendir = {}\n", place.path("tokens").display());
    std::fs::write(place.path("softhsm2.conf"), configuration).unwrap();
    std::fs::write(place.path("pin"), "4321").unwrap();
    std::fs::write(place.path("aes.bin"), [0x5a; 32]).unwrap();
    let on_token = |mut command: Command| run(command.env("SOFTHSM2_CONF", place.path("softhsm2.conf")));
    let tool = |arguments: &[&str]| {
        let mut command = Command::new("softhsm2-util");
        command.args(arguments).current_dir(place.path(""));
        on_token(command).exits(0)
    };
    let named = ["--pin", "4321", "--token", "fiducia"];
    tool(&["--init-token", "--free", "--label", "fiducia", "--so-pin", "87654321", "--pin", "4321"]);
    tool(&[&["--import", "aes.bin", "--aes", "--label", "acme", "--id", "01"], named.as_slice()].concat());
    let program = |arguments: &[&str]| on_token(place.command(arguments));
    let set = ["organizations", "key", "set", "acme", "--provider", "hsm", "--key"];
    program(&[set.as_slice(), &["nobody"]].concat()).complains("key_not_found");
    program(&[set.as_slice(), &["acme"]].concat()).exits(0).prints("acme at hsm");
    let rows = program(&["conversations", "list", "--json"]).exits(0).json();
    let id = rows[0]["id"].as_str().unwrap().to_owned();
    let read = || program(&["records", "show", &id, "--reason", "customer_support", "--ticket", "T-1"]);
    read().exits(0);
    std::fs::write(place.path("pin"), "1111").unwrap();
    read().complains("key_denied");
    std::fs::write(place.path("pin"), "4321").unwrap();
    std::fs::rename(place.path("tokens"), place.path("pulled-out")).unwrap();
    std::fs::create_dir(place.path("tokens")).unwrap();
    read().complains("key_service_unreachable");
    std::fs::remove_dir(place.path("tokens")).unwrap();
    std::fs::rename(place.path("pulled-out"), place.path("tokens")).unwrap();
    read().exits(0);
    tool(&[&["--import", "aes.bin", "--aes", "--label", "next", "--id", "02"], named.as_slice()].concat());
    program(&[set.as_slice(), &["next"]].concat()).exits(0).prints("next at hsm");
    read().exits(0);
}

// moto lets disabled keys encrypt, which AWS does not: what AWS says then is recorded in `keyring`.
#[test]
fn aws_keys_follow_their_arn_and_those_of_others_open_nothing() {
    let address = free();
    let service = Service::moto(address);
    let key = || service.aws("CreateKey", &json!({}))["KeyMetadata"]["Arn"].as_str().unwrap().to_owned();
    let (first, next) = (key(), key());
    service.aws("CreateAlias", &json!({ "AliasName": "alias/acme", "TargetKeyId": first }));
    let place = place(&format!(
        "[key_services.aws]\nkind = \"aws-kms\"\nregion = \"eu-central-1\"\nendpoint = \"http://{address}\"\n\
         access_key_id = {{ file = \"aws.id\" }}\nsecret_access_key = {{ file = \"aws.secret\" }}\n"
    ));
    std::fs::write(place.path("aws.id"), "test").unwrap();
    std::fs::write(place.path("aws.secret"), "test").unwrap();
    set(&place, "aws", "alias/nobody").complains("key_not_found");
    set(&place, "aws", "alias/acme").exits(0).prints(&first);
    read(&place).exits(0);
    // The alias leads elsewhere now; what was wrapped names the key itself.
    service.aws("UpdateAlias", &json!({ "AliasName": "alias/acme", "TargetKeyId": next }));
    read(&place).exits(0);
    place.run(&["keys", "rotate", "--organization", "acme"]).exits(0).prints(&next);
    read(&place).exits(0);
    // Another AWS: the same names, other keys.
    drop(service);
    let service = Service::moto(address);
    read(&place).complains("the key alias/acme of aws").complains("nothing of it is lost");
    drop(service);
    read(&place).complains("key_service_unreachable");
}
