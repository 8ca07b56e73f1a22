//! A provider that keeps every byte it gets and says exactly what a test tells it to say.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::client::find;

/// So that a test that would hang fails instead.
const PATIENCE: Duration = Duration::from_secs(20);

/// What to do with one request.
pub(crate) enum Act {
    /// Write these bytes.
    Say(Vec<u8>),
    /// Wait for the test's word.
    Await(Receiver<()>),
    /// Wait until the gateway closes the connection, then give the test word of it.
    AwaitClose(Sender<()>),
    /// Close the connection.
    Close,
}

/// A request as the provider got it.
#[derive(Debug, Clone)]
pub(crate) struct Got {
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Got {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let prefix = format!("{name}: ");
        self.head.lines().find_map(|line| line.strip_prefix(prefix.as_str()))
    }
}

/// The provider.
pub(crate) struct Upstream {
    pub(crate) address: SocketAddr,
    got: Arc<Mutex<Vec<Got>>>,
    scripts: Arc<Mutex<VecDeque<Vec<Act>>>>,
    connections: Arc<AtomicUsize>,
}

impl Upstream {
    /// A provider that plays `scripts`, one for each request.
    pub(crate) fn start(scripts: Vec<Vec<Act>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let scripts = Arc::new(Mutex::new(scripts.into()));
        let upstream = Self { address, got: Arc::default(), scripts, connections: Arc::default() };
        let (got, scripts) = (Arc::clone(&upstream.got), Arc::clone(&upstream.scripts));
        let connections = Arc::clone(&upstream.connections);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                connections.fetch_add(1, Ordering::SeqCst);
                let (got, scripts) = (Arc::clone(&got), Arc::clone(&scripts));
                std::thread::spawn(move || serve(stream.unwrap(), &got, &scripts));
            }
        });
        upstream
    }

    /// A provider that says one thing to everything.
    pub(crate) fn saying(answer: &[u8]) -> Self {
        Self::start(vec![vec![Act::Say(answer.to_vec())]])
    }

    /// How many connections were opened to it.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// What it got so far.
    pub(crate) fn got(&self) -> Vec<Got> {
        self.got.lock().unwrap().clone()
    }
}

fn serve(mut stream: TcpStream, got: &Mutex<Vec<Got>>, scripts: &Mutex<VecDeque<Vec<Act>>>) {
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut buffer = Vec::new();
    while let Some(request) = read_request(&mut stream, &mut buffer) {
        got.lock().unwrap().push(request);
        let Some(acts) = scripts.lock().unwrap().pop_front() else { return };
        for act in acts {
            match act {
                Act::Say(bytes) => {
                    if stream.write_all(&bytes).is_err() {
                        return;
                    }
                }
                Act::Await(word) => word.recv_timeout(PATIENCE).unwrap(),
                Act::AwaitClose(word) => {
                    let mut rest = [0; 64];
                    while stream.read(&mut rest).is_ok_and(|count| count > 0) {}
                    // A test that no longer waits has seen enough.
                    let _ = word.send(());
                    return;
                }
                Act::Close => return,
            }
        }
    }
}

fn read_request(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<Got> {
    let mut more = |buffer: &mut Vec<u8>| {
        let mut piece = [0; 16 * 1024];
        let count = stream.read(&mut piece).unwrap_or(0);
        buffer.extend_from_slice(&piece[..count]);
        count > 0
    };
    let end = loop {
        if let Some(end) = find(buffer, b"\r\n\r\n") {
            break end;
        }
        if !more(buffer) {
            return None;
        }
    };
    let head = String::from_utf8(buffer[..end].to_vec()).unwrap();
    buffer.drain(..end + 4);
    let length =
        head.lines().find_map(|line| line.strip_prefix("content-length: ")).map_or(0, |n| n.parse().unwrap());
    while buffer.len() < length {
        if !more(buffer) {
            return None;
        }
    }
    let body = buffer.drain(..length).collect();
    Some(Got { head, body })
}

/// The bytes of an answer with a length.
pub(crate) fn answer(status: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut bytes = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n", body.len());
    for (name, value) in headers {
        bytes.push_str(&format!("{name}: {value}\r\n"));
    }
    bytes.push_str("\r\n");
    [bytes.as_bytes(), body].concat()
}

/// The head of a stream of events.
pub(crate) fn stream_head() -> Vec<u8> {
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nrequest-id: req_stream\r\ntransfer-encoding: chunked\r\n\r\n"
        .to_vec()
}

/// One piece of a chunked body.
pub(crate) fn chunk(bytes: &[u8]) -> Vec<u8> {
    [format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat()
}

/// The end of a chunked body.
pub(crate) fn last_chunk() -> Vec<u8> {
    b"0\r\n\r\n".to_vec()
}

/// A pair by which a test gives word.
pub(crate) fn word() -> (Sender<()>, Receiver<()>) {
    channel()
}
