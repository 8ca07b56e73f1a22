//! The load generator and the scripted provider: one event loop on one core, so that it costs little, neither side of
//! it waits for the other's thread, and pauses are kept to some microseconds.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use rustix::event::epoll;
use rustix::fs::Timespec;
use rustix::time::{Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags};

use crate::failure::Failure;
use crate::message::MessageReader;
use crate::script::{self, Answering, Numbered, StreamPieces};

/// Nothing may happen for so long at most.
const STALL_MAX: Duration = Duration::from_secs(10);
const READ_BYTES: usize = 64 * 1024;

/// When requests are sent.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Pace {
    /// Each connection sends its next request when the answer to the last one is there, until the time is over.
    Closed(Duration),
    /// So many requests in all, one every interval whether or not earlier ones were answered; a late one counts from
    /// when it was due.
    Open {
        /// Requests in all.
        requests: u64,
        /// Between two requests, over all connections.
        interval: Duration,
    },
}

/// What to send, and where.
#[derive(Debug, Clone)]
pub(crate) struct Load<'a> {
    /// Whom the answers come through, for messages.
    pub(crate) subject: &'a str,
    /// Where to.
    pub(crate) target: SocketAddr,
    /// Connections.
    pub(crate) connections: usize,
    /// When.
    pub(crate) pace: Pace,
    /// What.
    pub(crate) request: Numbered,
    /// How the provider answers meanwhile.
    pub(crate) answering: Answering,
}

/// What became of a load.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    /// Whole answers.
    pub(crate) count: u64,
    /// For each, microseconds from when its request was due until its last byte.
    pub(crate) last_byte_us: Vec<f64>,
    /// For each, microseconds from when its request was due until the first byte of the answer.
    pub(crate) first_byte_us: Vec<f64>,
    /// How long it took.
    pub(crate) elapsed: Duration,
}

enum Slot {
    Free,
    Listener(TcpListener),
    Provider(Provider),
    Client(Client),
}

/// A connection on which the scripted provider answers.
struct Provider {
    stream: TcpStream,
    reader: MessageReader,
    /// Pieces of the answer sent so far.
    pieces: usize,
}

/// A connection of the load generator.
struct Client {
    stream: TcpStream,
    reader: MessageReader,
    due: Instant,
    first_byte: Option<Instant>,
    outstanding: bool,
}

/// The loop. Its provider listens from the start to the end, so that proxies keep their connections.
pub(crate) struct Traffic {
    epoll: OwnedFd,
    timer: OwnedFd,
    slots: Vec<Slot>,
    due: BinaryHeap<Reverse<(Instant, usize)>>,
    provider: SocketAddr,
    answering: Answering,
    answer: Numbered,
    pieces: StreamPieces,
    number: u64,
    scratch: Vec<u8>,
    answers: Answers,
    /// Requests still to be sent by an open load.
    unsent: u64,
    /// When a closed load stops sending.
    until: Option<Instant>,
}

const TIMER: u64 = u64::MAX;

impl Traffic {
    /// Starts the provider on a free port of this machine.
    ///
    /// # Errors
    /// When the system refuses.
    pub(crate) fn new() -> Result<Self, Failure> {
        let listener = TcpListener::bind("127.0.0.1:0").map_err(Failure::system("listen"))?;
        listener.set_nonblocking(true).map_err(Failure::system("listen"))?;
        let provider = listener.local_addr().map_err(Failure::system("listen"))?;
        let epoll =
            epoll::create(epoll::CreateFlags::CLOEXEC).map_err(Failure::call("make an event queue"))?;
        let timer = rustix::time::timerfd_create(
            TimerfdClockId::Monotonic,
            TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC,
        )
        .map_err(Failure::call("make a timer"))?;
        // Edge-triggered, so that it never needs to be read.
        let edge = epoll::EventFlags::IN | epoll::EventFlags::ET;
        epoll::add(&epoll, &timer, epoll::EventData::new_u64(TIMER), edge)
            .map_err(Failure::call("watch the timer"))?;
        let mut traffic = Self {
            epoll,
            timer,
            slots: Vec::new(),
            due: BinaryHeap::new(),
            provider,
            answering: Answering::PROMPT,
            answer: script::answer(),
            pieces: script::stream(),
            number: 0,
            scratch: vec![0; READ_BYTES],
            answers: Answers::default(),
            unsent: 0,
            until: None,
        };
        traffic.watch(Slot::Listener(listener))?;
        Ok(traffic)
    }

    /// Where the provider listens.
    pub(crate) fn provider(&self) -> SocketAddr {
        self.provider
    }

    /// Sends a load and waits for all its answers.
    ///
    /// # Errors
    /// When an answer is wrong or missing.
    pub(crate) fn run(&mut self, load: &Load<'_>) -> Result<Answers, Failure> {
        self.answering = load.answering;
        let mut load = load.clone();
        let began = Instant::now();
        let mut clients = Vec::with_capacity(load.connections);
        for _ in 0..load.connections {
            clients.push(self.connect(load.target)?);
        }
        match load.pace {
            Pace::Closed(duration) => {
                self.until = Some(began + duration);
                for client in &clients {
                    self.ask(*client, Instant::now(), &mut load.request)?;
                }
            }
            Pace::Open { requests, interval } => {
                self.until = None;
                self.unsent = requests;
                let start = Instant::now() + Duration::from_millis(10);
                for (place, client) in (0_u32..).zip(&clients) {
                    self.due.push(Reverse((start + interval * place, *client)));
                }
            }
        }
        while clients.iter().any(|client| self.is_busy(*client)) || self.unsent > 0 {
            self.turn(&mut load, clients.len())?;
        }
        for client in clients {
            self.release(client);
        }
        // Connections that had their turn when nothing was left to send.
        self.due.clear();
        let mut answers = std::mem::take(&mut self.answers);
        answers.elapsed = began.elapsed();
        Ok(answers)
    }

    fn is_busy(&self, slot: usize) -> bool {
        matches!(self.slots.get(slot), Some(Slot::Client(client)) if client.outstanding)
    }

    fn turn(&mut self, load: &mut Load<'_>, connections: usize) -> Result<(), Failure> {
        self.fire(load)?;
        let now = Instant::now();
        let pause = self.due.peek().map_or(STALL_MAX, |Reverse((due, _))| due.saturating_duration_since(now));
        let setting = Itimerspec { it_interval: Timespec::default(), it_value: timespec(pause) };
        rustix::time::timerfd_settime(&self.timer, TimerfdTimerFlags::empty(), &setting)
            .map_err(Failure::call("set the timer"))?;
        let mut events = Vec::with_capacity(256);
        epoll::wait(&self.epoll, rustix::buffer::spare_capacity(&mut events), None)
            .map_err(Failure::call("wait for events"))?;
        let stalled = self.due.is_empty() && events.iter().all(|event| event.data.u64() == TIMER);
        if stalled {
            return Err(Failure::Stalled(connections));
        }
        for event in events {
            let token = event.data.u64();
            if token != TIMER {
                self.ready(usize::try_from(token).unwrap_or(usize::MAX), load)?;
            }
        }
        Ok(())
    }

    /// Does what is due by now.
    fn fire(&mut self, load: &mut Load<'_>) -> Result<(), Failure> {
        while let Some(Reverse((due, slot))) = self.due.peek().copied() {
            if due > Instant::now() {
                break;
            }
            self.due.pop();
            match self.slots.get(slot) {
                Some(Slot::Provider(_)) => self.continue_answer(slot, due)?,
                Some(Slot::Client(_)) if self.unsent > 0 => self.ask(slot, due, &mut load.request)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn ready(&mut self, slot: usize, load: &mut Load<'_>) -> Result<(), Failure> {
        match self.slots.get(slot) {
            Some(Slot::Listener(_)) => self.accept(slot),
            Some(Slot::Provider(_)) => self.hear(slot),
            Some(Slot::Client(_)) => self.receive(slot, load),
            _ => Ok(()),
        }
    }

    fn accept(&mut self, slot: usize) -> Result<(), Failure> {
        loop {
            let Some(Slot::Listener(listener)) = self.slots.get(slot) else { return Ok(()) };
            match listener.accept() {
                Ok((stream, _)) => {
                    prepare(&stream)?;
                    self.watch(Slot::Provider(Provider { stream, reader: MessageReader::new(), pieces: 0 }))?;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(Failure::system("accept a connection")(error)),
            }
        }
    }

    /// The provider's side: takes a request in.
    fn hear(&mut self, slot: usize) -> Result<(), Failure> {
        let delay = self.answering.delay;
        let Some(Slot::Provider(provider)) = self.slots.get_mut(slot) else { return Ok(()) };
        let Some(count) = read(&mut provider.stream, &mut self.scratch) else {
            self.release(slot);
            return Ok(());
        };
        provider.reader.push(self.scratch.get(..count).unwrap_or_default());
        let complete = provider.reader.advance().map_err(|what| wrong("the proxy, upwards", what))?;
        if !complete {
            return Ok(());
        }
        provider.pieces = 0;
        if delay.is_zero() {
            return self.continue_answer(slot, Instant::now());
        }
        self.due.push(Reverse((Instant::now() + delay, slot)));
        Ok(())
    }

    /// The provider's side: sends the answer, or its next piece.
    fn continue_answer(&mut self, slot: usize, due: Instant) -> Result<(), Failure> {
        let Some(Slot::Provider(provider)) = self.slots.get_mut(slot) else { return Ok(()) };
        self.number += 1;
        let Some((deltas, pause)) = self.answering.stream else {
            return write(&mut provider.stream, self.answer.number(self.number));
        };
        let piece = match provider.pieces {
            0 => self.pieces.start.number(self.number),
            sent if sent <= deltas => &self.pieces.delta,
            _ => &self.pieces.end,
        };
        write(&mut provider.stream, piece)?;
        provider.pieces += 1;
        if provider.pieces <= deltas + 1 {
            self.due.push(Reverse((due + pause, slot)));
        }
        Ok(())
    }

    /// The client's side: sends a request.
    fn ask(&mut self, slot: usize, due: Instant, request: &mut Numbered) -> Result<(), Failure> {
        let Some(Slot::Client(client)) = self.slots.get_mut(slot) else { return Ok(()) };
        self.number += 1;
        self.unsent = self.unsent.saturating_sub(1);
        client.due = due;
        client.first_byte = None;
        client.outstanding = true;
        write(&mut client.stream, request.number(self.number))
    }

    /// The client's side: takes an answer in.
    fn receive(&mut self, slot: usize, load: &mut Load<'_>) -> Result<(), Failure> {
        let Some(Slot::Client(client)) = self.slots.get_mut(slot) else { return Ok(()) };
        let Some(count) = read(&mut client.stream, &mut self.scratch) else {
            return Err(wrong(load.subject, "the connection was closed".to_owned()));
        };
        let now = Instant::now();
        client.first_byte.get_or_insert(now);
        client.reader.push(self.scratch.get(..count).unwrap_or_default());
        if !client.reader.advance().map_err(|what| wrong(load.subject, what))? {
            return Ok(());
        }
        let expected = script::answer_length(load.answering);
        if client.reader.status != 200 || client.reader.body_bytes != expected {
            let (status, length) = (client.reader.status, client.reader.body_bytes);
            let what =
                format!("status {status}, {length} bytes instead of {expected}: {}", client.reader.rest());
            return Err(wrong(load.subject, what));
        }
        client.outstanding = false;
        let since_due = |at: Instant| at.saturating_duration_since(client.due).as_secs_f64() * 1e6;
        self.answers.count += 1;
        self.answers.last_byte_us.push(since_due(now));
        self.answers.first_byte_us.push(since_due(client.first_byte.unwrap_or(now)));
        match load.pace {
            Pace::Closed(_) if self.until.is_some_and(|until| now < until) => {
                self.ask(slot, now, &mut load.request)
            }
            Pace::Open { interval, .. } if self.unsent > 0 => {
                let next = client.due + interval * u32::try_from(load.connections).unwrap_or(1);
                self.due.push(Reverse((next, slot)));
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn connect(&mut self, target: SocketAddr) -> Result<usize, Failure> {
        let stream = TcpStream::connect(target).map_err(Failure::system("connect"))?;
        prepare(&stream)?;
        let (due, reader) = (Instant::now(), MessageReader::new());
        self.watch(Slot::Client(Client { stream, reader, due, first_byte: None, outstanding: false }))
    }

    fn watch(&mut self, slot: Slot) -> Result<usize, Failure> {
        let place = self.slots.iter().position(|slot| matches!(slot, Slot::Free)).unwrap_or(self.slots.len());
        let descriptor = match &slot {
            Slot::Listener(listener) => listener.as_fd(),
            Slot::Provider(Provider { stream, .. }) | Slot::Client(Client { stream, .. }) => stream.as_fd(),
            Slot::Free => return Ok(place),
        };
        let token = u64::try_from(place).unwrap_or(TIMER);
        epoll::add(&self.epoll, descriptor, epoll::EventData::new_u64(token), epoll::EventFlags::IN)
            .map_err(Failure::call("watch a connection"))?;
        match self.slots.get_mut(place) {
            Some(free) => *free = slot,
            None => self.slots.push(slot),
        }
        Ok(place)
    }

    /// Closes a connection; the kernel then stops watching it.
    fn release(&mut self, place: usize) {
        if let Some(slot) = self.slots.get_mut(place) {
            *slot = Slot::Free;
        }
    }
}

fn wrong(subject: &str, what: String) -> Failure {
    Failure::Answer { subject: subject.to_owned(), what }
}

fn prepare(stream: &TcpStream) -> Result<(), Failure> {
    stream
        .set_nodelay(true)
        .and_then(|()| stream.set_nonblocking(true))
        .map_err(Failure::system("prepare a connection"))
}

/// Bytes read; none at the end or when the other side broke the connection.
fn read(stream: &mut TcpStream, buffer: &mut [u8]) -> Option<usize> {
    match stream.read(buffer) {
        Ok(0) => None,
        Ok(count) => Some(count),
        Err(error) if error.kind() == ErrorKind::WouldBlock => Some(0),
        Err(_) => None,
    }
}

/// Messages are far smaller than a socket's buffer, so a write that would block means that something is broken.
fn write(stream: &mut TcpStream, bytes: &[u8]) -> Result<(), Failure> {
    stream.write_all(bytes).map_err(Failure::system("write to a connection"))
}

fn timespec(pause: Duration) -> Timespec {
    // Zero would disarm the timer.
    let pause = pause.max(Duration::from_nanos(1));
    Timespec {
        tv_sec: i64::try_from(pause.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: i64::from(pause.subsec_nanos()),
    }
}
