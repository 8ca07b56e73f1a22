//! Activities as a log system gets them: from a file, from datagrams, from a stream that breaks.

use std::collections::BTreeSet;
use std::io::Read;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use fiducia_custody::{Custody, Scope};
use fiducia_server::{
    Siem, SiemFileSettings, SiemFormat, SiemSettings, SiemTargetSettings, SyslogName, SyslogSettings,
    SyslogTransport,
};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use serde_json::Value;

use crate::app::{App, AppSettings};
use crate::upstream::Upstream;

const PATIENCE: Duration = Duration::from_secs(20);

struct Stand {
    app: App,
    folder: tempfile::TempDir,
    _upstream: Upstream,
}

impl Stand {
    fn new() -> Self {
        let upstream = Upstream::start(Vec::new());
        let app = AppSettings::new(upstream.address).start();
        app.custody.settle_feed();
        Self { app, folder: tempfile::tempdir().unwrap(), _upstream: upstream }
    }

    fn happen(&self) {
        self.app.create_key(&Scope::ALL);
        self.app.custody.settle_feed();
    }

    /// The ids of everything in the feed, in the order of arrival.
    fn feed(&self) -> Vec<String> {
        let feed = self.app.custody.activities_after(0, 1_000).unwrap();
        feed.into_iter().map(|activity| activity.id).collect()
    }
}

fn file(custody: &Custody, format: SiemFormat, path: &Path) -> Siem {
    let target = SiemTargetSettings::File(SiemFileSettings {
        path: path.to_owned(),
        rotate_bytes: 1 << 20,
        rotate_daily: false,
        keep_files: 3,
    });
    Siem::new(&SiemSettings { format, target }, custody.clone()).unwrap()
}

fn syslog(custody: &Custody, transport: SyslogTransport) -> Siem {
    let target =
        SiemTargetSettings::Syslog(SyslogSettings { transport, facility: 13, host: SyslogName::default() });
    Siem::new(&SiemSettings { format: SiemFormat::Ocsf, target }, custody.clone()).unwrap()
}

/// The id of the activity in an OCSF line.
fn id(line: &str) -> String {
    let event: Value = serde_json::from_str(line).unwrap();
    event["metadata"]["uid"].as_str().unwrap().to_owned()
}

/// The line in a syslog message.
fn line(message: &str) -> &str {
    assert!(message.starts_with("<110>1 20"), "{message}");
    message.splitn(8, ' ').nth(7).unwrap()
}

fn lines(path: &Path) -> Vec<String> {
    std::fs::read_to_string(path).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn a_file_gets_every_activity_once_and_goes_on_after_a_restart() {
    let stand = Stand::new();
    let path = stand.folder.path().join("siem.jsonl");
    stand.happen();
    let mut siem = file(&stand.app.custody, SiemFormat::Ocsf, &path);
    let written = siem.round().unwrap();
    assert_eq!(siem.round().unwrap(), 0);
    stand.happen();
    drop(siem);
    assert_eq!(file(&stand.app.custody, SiemFormat::Ocsf, &path).round().unwrap(), 1);
    let found: Vec<String> = lines(&path).iter().map(|line| id(line)).collect();
    assert_eq!(found, stand.feed());
    assert_eq!(stand.app.custody.metrics().siem_written, written + 1);
    // Another target gets the feed from its beginning.
    let other = stand.folder.path().join("ecs.jsonl");
    file(&stand.app.custody, SiemFormat::Ecs, &other).round().unwrap();
    let found: Vec<Value> = lines(&other)
        .iter()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["event"]["id"].clone())
        .collect();
    assert_eq!(found, stand.feed());
}

#[test]
fn a_disk_without_room_loses_nothing() {
    let stand = Stand::new();
    let path = stand.folder.path().join("siem.jsonl");
    std::os::unix::fs::symlink("/dev/full", &path).unwrap();
    let mut siem = file(&stand.app.custody, SiemFormat::Ocsf, &path);
    stand.happen();
    stand.app.clock.advance(100);
    assert!(siem.round().unwrap_err().to_string().contains("siem.jsonl"));
    let metrics = stand.app.custody.metrics();
    assert_eq!((metrics.siem_written, metrics.siem_failures), (0, 1));
    assert!(metrics.siem_late_seconds >= 100, "{metrics:?}");
    std::fs::remove_file(&path).unwrap();
    siem.round().unwrap();
    let found: Vec<String> = lines(&path).iter().map(|line| id(line)).collect();
    assert_eq!(found, stand.feed());
    assert_eq!(stand.app.custody.metrics().siem_late_seconds, 0);
}

#[test]
fn datagrams_carry_one_activity_each() {
    let stand = Stand::new();
    stand.happen();
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    udp.set_read_timeout(Some(PATIENCE)).unwrap();
    let address = udp.local_addr().unwrap().to_string();
    let count = syslog(&stand.app.custody, SyslogTransport::Udp(address)).round().unwrap();
    let path = stand.folder.path().join("log");
    let unix = UnixDatagram::bind(&path).unwrap();
    unix.set_read_timeout(Some(PATIENCE)).unwrap();
    assert_eq!(syslog(&stand.app.custody, SyslogTransport::Unix(path)).round().unwrap(), count);
    let mut buffer = vec![0; 65_536];
    let mut receive = |read: &dyn Fn(&mut [u8]) -> usize| -> Vec<String> {
        (0..count)
            .map(|_| {
                let length = read(&mut buffer);
                id(line(std::str::from_utf8(&buffer[..length]).unwrap()))
            })
            .collect()
    };
    assert_eq!(receive(&|buffer| udp.recv(buffer).unwrap()), stand.feed());
    assert_eq!(receive(&|buffer| unix.recv(buffer).unwrap()), stand.feed());
}

/// A receiver of a stream that takes so many messages of each connection, then hangs up. With settings it speaks TLS.
fn stream(most: Vec<usize>, tls: Option<Arc<rustls::ServerConfig>>) -> (SocketAddr, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (send, received) = channel();
    std::thread::spawn(move || {
        for most in most {
            let (socket, _) = listener.accept().unwrap();
            match &tls {
                None => take(&mut { socket }, most, &send),
                Some(settings) => {
                    let session = rustls::ServerConnection::new(Arc::clone(settings)).unwrap();
                    let mut stream = rustls::StreamOwned::new(session, socket);
                    take(&mut stream, most, &send);
                    stream.conn.send_close_notify();
                    // Whoever has gone away hears no farewell.
                    let _ = stream.conn.complete_io(&mut stream.sock);
                }
            }
        }
    });
    (address, received)
}

/// Reads messages with counted octets until there were enough.
fn take(stream: &mut impl Read, most: usize, send: &Sender<String>) {
    for _ in 0..most {
        let mut length = 0_usize;
        let mut byte = [0];
        loop {
            if stream.read(&mut byte).unwrap_or(0) == 0 {
                return;
            }
            if byte[0] == b' ' {
                break;
            }
            length = length * 10 + usize::from(byte[0] - b'0');
        }
        let mut message = vec![0; length];
        stream.read_exact(&mut message).unwrap();
        send.send(String::from_utf8(message).unwrap()).unwrap();
    }
}

/// Everything arrives although the receiver hangs up, whether that is seen before writing or by it.
fn check_broken_stream(stand: &Stand, siem: &mut Siem, received: &Receiver<String>) {
    let before = stand.feed();
    assert_eq!(siem.round().unwrap(), u64::try_from(before.len()).unwrap());
    let next = || id(line(&received.recv_timeout(PATIENCE).expect("an activity was lost")));
    let first: Vec<String> = before.iter().map(|_| next()).collect();
    assert_eq!(first, before);
    let deadline = std::time::Instant::now() + PATIENCE;
    for _ in 0..2 {
        stand.happen();
        while siem.round().is_err() {
            assert!(std::time::Instant::now() < deadline);
        }
    }
    let wanted: BTreeSet<String> = stand.feed().into_iter().collect();
    let mut found: BTreeSet<String> = first.into_iter().collect();
    while found != wanted {
        found.insert(next());
    }
}

#[test]
fn a_stream_that_breaks_loses_nothing() {
    let stand = Stand::new();
    let (address, received) = stream(vec![stand.feed().len(), 100], None);
    let mut siem = syslog(&stand.app.custody, SyslogTransport::Tcp(address.to_string()));
    check_broken_stream(&stand, &mut siem, &received);
}

#[test]
fn a_stream_over_tls_goes_to_whom_is_trusted_and_loses_nothing() {
    let stand = Stand::new();
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let authority = stand.folder.path().join("authority.pem");
    std::fs::write(&authority, made.cert.pem()).unwrap();
    let stranger = stand.folder.path().join("stranger.pem");
    let other = rcgen::generate_simple_self_signed(["stranger.test".to_owned()]).unwrap();
    std::fs::write(&stranger, other.cert.pem()).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let settings =
        rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
    // The first connection is that of whoever does not trust the receiver.
    let (address, received) = stream(vec![1, stand.feed().len(), 100], Some(Arc::new(settings)));
    let transport = |ca_file| SyslogTransport::Tls {
        address: format!("localhost:{}", address.port()),
        ca_file: Some(ca_file),
    };
    assert!(syslog(&stand.app.custody, transport(stranger)).round().is_err());
    assert!(received.try_recv().is_err(), "something was said to a stranger");
    check_broken_stream(&stand, &mut syslog(&stand.app.custody, transport(authority)), &received);
}

#[test]
fn a_receiver_that_is_away_is_waited_for() {
    let stand = Stand::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let mut siem = syslog(&stand.app.custody, SyslogTransport::Tcp(address.to_string()));
    assert!(siem.round().is_err());
    assert_eq!(stand.app.custody.siem_place(&format!("tcp:{address}")).unwrap(), 0);
}
