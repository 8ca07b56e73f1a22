//! Providers behind TLS: trusted by the configured authority, refused without it or under another name.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;

use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::app::AppSettings;
use crate::client::find;
use crate::upstream::answer;

const REQUEST: &str = r#"{"model":"claude-x","max_tokens":9,"messages":[{"role":"user","content":"hi"}]}"#;

/// A provider that says `{}` behind TLS as `localhost`, and the file that holds its authority.
fn provider(directory: &tempfile::TempDir) -> (SocketAddr, PathBuf) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let path = directory.path().join("authority.pem");
    std::fs::write(&path, made.cert.pem()).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let settings =
        rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
    let settings = Arc::new(settings);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let session = rustls::ServerConnection::new(Arc::clone(&settings)).unwrap();
            let mut stream = rustls::StreamOwned::new(session, stream.unwrap());
            let mut got = Vec::new();
            let mut piece = [0; 4_096];
            // A gateway that does not trust the certificate ends the connection here.
            while let Ok(count @ 1..) = stream.read(&mut piece) {
                got.extend_from_slice(&piece[..count]);
                if find(&got, REQUEST.as_bytes()).is_some() {
                    stream.write_all(&answer("200 OK", &[], b"{}")).unwrap();
                    stream.flush().unwrap();
                    got.clear();
                }
            }
        }
    });
    (address, path)
}

fn check(name: &str, trusted: bool, status: u16) {
    let directory = tempfile::tempdir().unwrap();
    let (address, authority) = provider(&directory);
    let mut settings = AppSettings::new(address);
    // The system's authorities may be none on a bare machine; another certificate stands in for them.
    let other = directory.path().join("other.pem");
    let stranger = rcgen::generate_simple_self_signed(["stranger.test".to_owned()]).unwrap();
    std::fs::write(&other, stranger.cert.pem()).unwrap();
    settings.secured = Some((name.to_owned(), Some(if trusted { authority } else { other })));
    let app = settings.start();
    let got = app.post("/v1/messages", &[], REQUEST.as_bytes());
    assert_eq!(got.status, status, "{got:?}");
}

#[test]
fn a_trusted_provider_is_asked() {
    check("localhost", true, 200);
}

#[test]
fn a_provider_with_a_certificate_of_nobody_we_trust_is_not_asked() {
    check("localhost", false, 502);
}

#[test]
fn a_provider_with_a_certificate_for_another_name_is_not_asked() {
    check("127.0.0.1", true, 502);
}
