//! An answer that is passed on while it arrives, with its end held back until its record is durable.
//!
//! INVARIANT: the bytes that make an answer look finished (the terminal event of a stream, the last piece of a large
//! JSON body) leave only after custody has acknowledged the record. When the upstream breaks off or custody fails,
//! the client gets an error event in its wire's shape and then a broken connection, never a clean end.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use fiducia_custody::AnswerOutcome;
use fiducia_wire::{AnswerReader, Terminal, Wire};
use http_body::{Body, Frame};

use super::answer_body::BrokenOff;
use super::broken_frame::{Breakage, broken_frame};
use super::capture::{Capture, Commit};
use super::idle::IdleDeadline;
use super::upstream::ProviderBody;

/// How the end of an answer is recognised.
enum Reading {
    /// Server-sent events: by the wire's terminal event.
    Events(Option<AnswerReader>),
    /// One large JSON body: by the end of the transfer; the newest piece is always held.
    Whole,
}

enum Phase {
    /// Pieces arrive and pass.
    Flowing,
    /// The end is here and held; its record is being made durable.
    Committing(Commit),
    /// The end was released; what the provider still sends passes.
    Draining,
    /// An error event is to be sent.
    Breaking(Breakage),
    /// The error event is on its way; the transport gets one turn to write it before the connection breaks.
    Broken { turn_given: bool },
    /// Nothing more comes.
    Ended,
}

/// A captured answer on its way to the client.
pub(crate) struct CapturedStream {
    wire: Wire,
    upstream: ProviderBody,
    upstream_ended: bool,
    reading: Reading,
    capture: Capture,
    /// Bytes received and not yet released.
    held: BytesMut,
    received: u64,
    released: u64,
    idle: IdleDeadline,
    phase: Phase,
}

impl CapturedStream {
    /// A stream of server-sent events.
    pub(crate) fn events(wire: Wire, upstream: ProviderBody, capture: Capture, idle_max: Duration) -> Self {
        let reading = Reading::Events(Some(AnswerReader::new(wire, true)));
        Self::new(wire, upstream, reading, capture, idle_max)
    }

    /// A JSON body too large to be sent in one piece. What `capture` took in already is sent first.
    pub(crate) fn large(wire: Wire, upstream: ProviderBody, capture: Capture, idle_max: Duration) -> Self {
        let begun = BytesMut::from(capture.received());
        let mut stream = Self::new(wire, upstream, Reading::Whole, capture, idle_max);
        stream.received = begun.len() as u64;
        stream.held = begun;
        stream
    }

    fn new(
        wire: Wire,
        upstream: ProviderBody,
        reading: Reading,
        capture: Capture,
        idle_max: Duration,
    ) -> Self {
        Self {
            wire,
            upstream,
            upstream_ended: false,
            reading,
            capture,
            held: BytesMut::new(),
            received: 0,
            released: 0,
            idle: IdleDeadline::new(idle_max),
            phase: Phase::Flowing,
        }
    }

    pub(crate) fn poll(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        loop {
            let step = match &mut self.phase {
                Phase::Flowing => self.poll_flowing(context),
                Phase::Committing(commit) => match Pin::new(commit).poll(context) {
                    Poll::Pending => Poll::Pending,
                    Poll::Ready(Ok(())) => self.release_the_end(),
                    Poll::Ready(_) => {
                        self.phase = Phase::Breaking(Breakage::NotRecorded);
                        continue;
                    }
                },
                Phase::Draining => self.poll_draining(context),
                Phase::Breaking(breakage) => {
                    let breakage = *breakage;
                    self.break_off(breakage)
                }
                Phase::Broken { turn_given } => {
                    if *turn_given {
                        self.phase = Phase::Ended;
                        return Poll::Ready(Some(Err(BrokenOff)));
                    }
                    *turn_given = true;
                    context.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Phase::Ended => return Poll::Ready(None),
            };
            match step {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(bytes) if bytes.is_empty() => {}
                Poll::Ready(bytes) => return Poll::Ready(Some(Ok(Frame::data(bytes)))),
            }
        }
    }

    /// Gives the bytes that may leave; empty when the phase changed or nothing may leave yet.
    fn poll_flowing(&mut self, context: &mut Context<'_>) -> Poll<Bytes> {
        match Pin::new(&mut self.upstream).poll_frame(context) {
            Poll::Pending if self.idle.poll_expired(context) => {
                self.phase = Phase::Breaking(Breakage::UpstreamSilent);
                Poll::Ready(Bytes::new())
            }
            Poll::Pending => Poll::Pending,
            Poll::Ready(Some(Ok(frame))) => {
                self.idle.progressed();
                // Trailers belong to the upstream connection's framing.
                let Ok(data) = frame.into_data() else { return Poll::Ready(Bytes::new()) };
                Poll::Ready(self.take_piece(data))
            }
            Poll::Ready(Some(Err(_))) => {
                self.phase = Phase::Breaking(Breakage::UpstreamBroken);
                Poll::Ready(Bytes::new())
            }
            Poll::Ready(None) => {
                self.upstream_ended = true;
                self.end_without_terminal();
                Poll::Ready(Bytes::new())
            }
        }
    }

    fn take_piece(&mut self, data: Bytes) -> Bytes {
        if self.capture.take_in(&data, None).is_err() {
            self.phase = Phase::Breaking(Breakage::TooLarge);
            return Bytes::new();
        }
        let before = self.received;
        self.received += data.len() as u64;
        let (release_until, terminal_seen) = match &mut self.reading {
            // The newest piece stays: without it the body is shorter than announced or lacks its last chunk.
            Reading::Whole => (before, false),
            Reading::Events(None) => (self.received, false),
            Reading::Events(Some(reader)) => match reader.push(&data) {
                Ok(push) => (push.release_until, push.terminal_seen),
                Err(_) => {
                    self.phase = Phase::Breaking(Breakage::TooLarge);
                    return Bytes::new();
                }
            },
        };
        let out = self.released_of(data, release_until);
        if terminal_seen {
            self.capture.account.upstream_done();
            self.commit_the_end();
        }
        out
    }

    /// Splits what may leave from what is held, without a copy in the usual case that a piece leaves whole.
    fn released_of(&mut self, mut data: Bytes, release_until: u64) -> Bytes {
        let leaving = usize::try_from(release_until.saturating_sub(self.released)).unwrap_or(usize::MAX);
        let out = if self.held.is_empty() {
            let out = data.split_to(leaving.min(data.len()));
            self.held.extend_from_slice(&data);
            out
        } else {
            self.held.extend_from_slice(&data);
            self.held.split_to(leaving.min(self.held.len())).freeze()
        };
        self.released += out.len() as u64;
        out
    }

    /// The upstream ended and no terminal event was seen.
    fn end_without_terminal(&mut self) {
        self.capture.account.upstream_done();
        match &mut self.reading {
            Reading::Whole => self.commit_the_end(),
            Reading::Events(reader) => {
                // A provider that reports its own error ends its stream without a terminal event: that is its answer.
                let told = reader
                    .take()
                    .map(AnswerReader::finish)
                    .is_some_and(|read| read.terminal == Terminal::Error);
                if told {
                    self.commit_the_end();
                } else {
                    self.phase = Phase::Breaking(Breakage::UpstreamBroken);
                }
            }
        }
    }

    fn commit_the_end(&mut self) {
        let received = self.capture.take_received();
        let outline = match &mut self.reading {
            Reading::Whole => Some(fiducia_wire::read_answer(self.wire, &received)),
            Reading::Events(reader) => reader.take().map(AnswerReader::finish),
        };
        self.phase = match self.capture.commit(AnswerOutcome::Complete, received, outline) {
            Some(commit) => Phase::Committing(commit),
            None => Phase::Breaking(Breakage::NotRecorded),
        };
    }

    fn release_the_end(&mut self) -> Poll<Bytes> {
        self.capture.account.outcome("complete");
        self.phase = if self.upstream_ended { Phase::Ended } else { Phase::Draining };
        self.released = self.received;
        Poll::Ready(self.held.split().freeze())
    }

    fn poll_draining(&mut self, context: &mut Context<'_>) -> Poll<Bytes> {
        match Pin::new(&mut self.upstream).poll_frame(context) {
            Poll::Pending if self.idle.poll_expired(context) => {
                self.phase = Phase::Broken { turn_given: true };
                Poll::Ready(Bytes::new())
            }
            Poll::Pending => Poll::Pending,
            Poll::Ready(Some(Ok(frame))) => {
                self.idle.progressed();
                Poll::Ready(frame.into_data().unwrap_or_default())
            }
            Poll::Ready(Some(Err(_))) => {
                self.phase = Phase::Broken { turn_given: true };
                Poll::Ready(Bytes::new())
            }
            Poll::Ready(None) => {
                self.phase = Phase::Ended;
                Poll::Ready(Bytes::new())
            }
        }
    }

    /// Keeps what had arrived and says on the wire that the answer is not whole.
    fn break_off(&mut self, breakage: Breakage) -> Poll<Bytes> {
        self.capture.account.upstream_done();
        self.capture.account.outcome(breakage.name());
        let frame = match self.reading {
            // Once the end is being committed, the bytes are custody's and the end itself is what is held.
            Reading::Events(_) if self.capture.len() == 0 => broken_frame(self.wire, breakage, &self.held),
            Reading::Events(_) => broken_frame(self.wire, breakage, self.capture.received()),
            Reading::Whole => Bytes::new(),
        };
        let received = self.capture.take_received();
        // Nobody waits for this record: the client is told that the answer is broken whether or not it is kept.
        drop(self.capture.commit(AnswerOutcome::UpstreamBroken, received, None));
        self.held.clear();
        self.phase = Phase::Broken { turn_given: false };
        Poll::Ready(frame)
    }
}
