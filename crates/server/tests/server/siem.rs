//! Activities as a log system gets them: from a file, from datagrams, from a stream that breaks.

use std::io::Read;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use fiducia_custody::{Custody, Scope};
use fiducia_server::{
    Siem, SiemFileSettings, SiemFormat, SiemSettings, SiemTargetSettings, SyslogName, SyslogSettings,
    SyslogTransport,
};
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
    let mut buffer = [0; 65_536];
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

/// A receiver of a stream that takes the messages of each connection until the first `most` of them, then hangs up.
fn stream(most: Vec<usize>) -> (SocketAddr, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (send, received) = channel();
    std::thread::spawn(move || {
        for most in most {
            let (mut socket, _) = listener.accept().unwrap();
            for _ in 0..most {
                let mut length = 0_usize;
                let mut byte = [0];
                loop {
                    if socket.read(&mut byte).unwrap_or(0) == 0 {
                        return;
                    }
                    if byte[0] == b' ' {
                        break;
                    }
                    length = length * 10 + usize::from(byte[0] - b'0');
                }
                let mut message = vec![0; length];
                socket.read_exact(&mut message).unwrap();
                send.send(String::from_utf8(message).unwrap()).unwrap();
            }
        }
    });
    (address, received)
}

#[test]
fn a_stream_that_breaks_loses_nothing() {
    let stand = Stand::new();
    let before = stand.feed().len();
    let (address, received) = stream(vec![before, 100]);
    let mut siem = syslog(&stand.app.custody, SyslogTransport::Tcp(address.to_string()));
    assert_eq!(siem.round().unwrap(), u64::try_from(before).unwrap());
    let first: Vec<String> =
        (0..before).map(|_| id(line(&received.recv_timeout(PATIENCE).unwrap()))).collect();
    assert_eq!(first, stand.feed());
    stand.happen();
    // The other side has hung up. Whether that is seen before writing or by it, everything comes in the end.
    let mut found = std::collections::BTreeSet::new();
    let deadline = std::time::Instant::now() + PATIENCE;
    while siem.round().is_err() {
        assert!(std::time::Instant::now() < deadline);
    }
    stand.happen();
    while siem.round().is_err() {
        assert!(std::time::Instant::now() < deadline);
    }
    let wanted: std::collections::BTreeSet<String> = stand.feed().into_iter().collect();
    found.extend(first);
    while found != wanted {
        found.insert(id(line(&received.recv_timeout(PATIENCE).unwrap())));
    }
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
