//! The bodies of answers.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use super::idle::IdleDeadline;
use super::stream::CapturedStream;
use super::upstream::ProviderBody;

/// An answer was broken off on purpose, so that it does not look whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the answer was broken off because it could not be completed or recorded")]
pub(crate) struct BrokenOff;

/// The body of an answer to a client.
pub(crate) enum AnswerBody {
    /// All of it is here.
    Whole(Option<Bytes>),
    /// Passed on as it arrives, and not kept.
    Relay(Box<Relay>),
    /// Passed on as it arrives, captured, its end held until the record is durable.
    Captured(Box<CapturedStream>),
}

impl AnswerBody {
    /// A body that is all here.
    pub(crate) fn whole(bytes: Bytes) -> Self {
        Self::Whole((!bytes.is_empty()).then_some(bytes))
    }

    /// No body.
    pub(crate) fn empty() -> Self {
        Self::Whole(None)
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = BrokenOff;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        match self.get_mut() {
            Self::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Relay(relay) => relay.poll(context),
            Self::Captured(stream) => stream.poll(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(bytes) => bytes.is_none(),
            Self::Relay(relay) => relay.upstream.is_end_stream(),
            Self::Captured(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            Self::Relay(relay) => relay.upstream.size_hint(),
            Self::Captured(_) => SizeHint::default(),
        }
    }
}

/// A provider's answer that passes through without being kept: model lists, files, batch results.
pub(crate) struct Relay {
    upstream: ProviderBody,
    idle: IdleDeadline,
}

impl Relay {
    /// Relays `upstream`, which may pause for `idle_max` at most.
    pub(crate) fn new(upstream: ProviderBody, idle_max: Duration) -> Self {
        Self { upstream, idle: IdleDeadline::new(idle_max) }
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        loop {
            return match Pin::new(&mut self.upstream).poll_frame(context) {
                Poll::Ready(Some(Ok(frame))) => {
                    self.idle.progressed();
                    // Trailers belong to the upstream connection's framing.
                    match frame.into_data() {
                        Ok(data) => Poll::Ready(Some(Ok(Frame::data(data)))),
                        Err(_) => continue,
                    }
                }
                Poll::Ready(Some(Err(_))) => Poll::Ready(Some(Err(BrokenOff))),
                Poll::Ready(None) => Poll::Ready(None),
                Poll::Pending if self.idle.poll_expired(context) => Poll::Ready(Some(Err(BrokenOff))),
                Poll::Pending => Poll::Pending,
            };
        }
    }
}
