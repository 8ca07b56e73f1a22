//! Taking in a request's body within its bounds: size, pace, and the memory of the whole gateway.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, header};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::time::Instant;

use super::answer_body::BrokenOff;
use super::budget::{Budget, Reservation};
use super::idle::IdleDeadline;
use super::refusal::Refusal;
use crate::settings::GatewayLimits;

/// What of a body that is too large is read and thrown away, so that the client sees the answer rather than a reset.
const OVERSIZED_DRAIN_BYTES_MAX: usize = 64 * 1024 * 1024;
/// For how long.
const OVERSIZED_DRAIN_TIME_MAX: Duration = Duration::from_secs(5);

/// A body that was taken in whole, with its share of the gateway's memory.
pub(crate) struct TakenBody {
    /// The bytes as received.
    pub(crate) bytes: Bytes,
    /// The share, given back when the exchange is over.
    pub(crate) share: Reservation,
}

/// The length that the client announced, if it did.
pub(crate) fn announced_length(headers: &HeaderMap) -> Option<usize> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Takes in a whole body of at most `bytes_max`.
///
/// # Errors
/// A refusal when it is too large, too slow, cut off, or when the gateway's memory is taken.
pub(crate) async fn taken(
    headers: &HeaderMap,
    mut incoming: Incoming,
    bytes_max: usize,
    limits: &GatewayLimits,
    budget: &Budget,
) -> Result<TakenBody, Refusal> {
    let announced = announced_length(headers);
    if announced.is_some_and(|length| length > bytes_max) {
        drain(incoming).await;
        return Err(Refusal::too_large(bytes_max));
    }
    let mut share = budget.share();
    // What is announced is reserved at once, so that many large uploads cannot each get half way and all fail.
    share.grow(announced.unwrap_or(0)).map_err(|_| Refusal::memory())?;
    let mut pace = Pace::new(limits);
    let mut first: Option<Bytes> = None;
    let mut gathered = BytesMut::new();
    loop {
        let frame = match tokio::time::timeout_at(pace.deadline, incoming.frame()).await {
            Err(_) => return Err(Refusal::too_slow()),
            Ok(None) => break,
            Ok(Some(Err(_))) => return Err(Refusal::cut_off()),
            Ok(Some(Ok(frame))) => frame,
        };
        let Ok(data) = frame.into_data() else { continue };
        pace.arrived(data.len());
        let so_far = first.as_ref().map_or(gathered.len(), Bytes::len);
        let after = so_far.saturating_add(data.len());
        if after > bytes_max {
            drain(incoming).await;
            return Err(Refusal::too_large(bytes_max));
        }
        if announced.is_none() {
            share.grow(data.len()).map_err(|_| Refusal::memory())?;
        }
        if so_far == 0 {
            first = Some(data);
        } else {
            if let Some(first) = first.take() {
                gathered.reserve(announced.unwrap_or(after).max(after));
                gathered.extend_from_slice(&first);
            }
            gathered.extend_from_slice(&data);
        }
        // An announced length that is here needs no word of the end, which would come a turn later.
        if incoming.is_end_stream() {
            break;
        }
    }
    Ok(TakenBody { bytes: first.unwrap_or_else(|| gathered.freeze()), share })
}

/// Reads on for a moment and throws away.
async fn drain(mut incoming: Incoming) {
    let deadline = Instant::now() + OVERSIZED_DRAIN_TIME_MAX;
    let mut drained = 0_usize;
    while drained < OVERSIZED_DRAIN_BYTES_MAX {
        match tokio::time::timeout_at(deadline, incoming.frame()).await {
            Ok(Some(Ok(frame))) => drained += frame.data_ref().map_or(0, Bytes::len),
            _ => return,
        }
    }
}

/// The pace that a body must keep: so many bytes in each window of time.
struct Pace {
    deadline: Instant,
    window: Duration,
    window_bytes_min: usize,
    in_window: usize,
}

impl Pace {
    fn new(limits: &GatewayLimits) -> Self {
        let window = Duration::from_millis(limits.body_window_ms);
        Self {
            deadline: Instant::now() + window,
            window,
            window_bytes_min: limits.body_window_bytes_min.max(1),
            in_window: 0,
        }
    }

    fn arrived(&mut self, bytes: usize) {
        self.in_window += bytes;
        if self.in_window >= self.window_bytes_min {
            self.in_window = 0;
            self.deadline = Instant::now() + self.window;
        }
    }
}

/// The body of a request to a provider.
pub(crate) enum UpstreamBody {
    /// All of it is here.
    Whole(Option<Bytes>),
    /// Passed on as it arrives.
    Upload(Box<Upload>),
}

impl UpstreamBody {
    /// A body that is all here.
    pub(crate) fn whole(bytes: Bytes) -> Self {
        Self::Whole((!bytes.is_empty()).then_some(bytes))
    }
}

/// An upload on its way through.
pub(crate) struct Upload {
    incoming: Incoming,
    left: usize,
    idle: IdleDeadline,
    /// Set when the client sent more than it may, so that the answer can say so.
    pub(crate) overflow: std::sync::Arc<std::sync::atomic::AtomicBool>,
}

impl Upload {
    /// Passes on at most `bytes_max`.
    pub(crate) fn new(incoming: Incoming, bytes_max: usize, limits: &GatewayLimits) -> Self {
        let idle = IdleDeadline::new(Duration::from_millis(limits.body_window_ms));
        Self { incoming, left: bytes_max, idle, overflow: std::sync::Arc::default() }
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        match Pin::new(&mut self.incoming).poll_frame(context) {
            Poll::Ready(Some(Ok(frame))) => {
                self.idle.progressed();
                let bytes = frame.data_ref().map_or(0, Bytes::len);
                let Some(left) = self.left.checked_sub(bytes) else {
                    self.overflow.store(true, std::sync::atomic::Ordering::Relaxed);
                    return Poll::Ready(Some(Err(BrokenOff)));
                };
                self.left = left;
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(_))) => Poll::Ready(Some(Err(BrokenOff))),
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Pending if self.idle.poll_expired(context) => Poll::Ready(Some(Err(BrokenOff))),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl Body for UpstreamBody {
    type Data = Bytes;
    type Error = BrokenOff;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        match self.get_mut() {
            Self::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Upload(upload) => upload.poll(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(bytes) => bytes.is_none(),
            Self::Upload(upload) => upload.incoming.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            Self::Upload(upload) => upload.incoming.size_hint(),
        }
    }
}
