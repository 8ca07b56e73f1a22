//! Bodies that wait and break where the script says so.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::time::Sleep;

/// One step of a body.
#[derive(Debug, Clone)]
pub(super) enum Step {
    /// Send this, and give the transport a turn to write it.
    Data(Bytes),
    /// Wait.
    Wait(Duration),
    /// Break the connection.
    Break,
}

/// The script says that the connection breaks here.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the scripted answer breaks off here")]
pub(super) struct ScriptedBreak;

/// A body made of steps.
pub(super) struct ScriptedBody {
    steps: VecDeque<Step>,
    waiting: Option<Pin<Box<Sleep>>>,
    yielding: bool,
    /// Whether the length is known at the start.
    whole: bool,
}

impl ScriptedBody {
    /// All at once, with a length.
    pub(super) fn whole(bytes: Bytes) -> Self {
        Self { steps: VecDeque::from([Step::Data(bytes)]), waiting: None, yielding: false, whole: true }
    }

    /// Step by step.
    pub(super) fn steps(steps: Vec<Step>) -> Self {
        Self { steps: steps.into(), waiting: None, yielding: false, whole: false }
    }
}

impl Body for ScriptedBody {
    type Data = Bytes;
    type Error = ScriptedBreak;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, ScriptedBreak>>> {
        if std::mem::take(&mut self.yielding) {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        loop {
            if let Some(waiting) = self.waiting.as_mut() {
                if waiting.as_mut().poll(context).is_pending() {
                    return Poll::Pending;
                }
                self.waiting = None;
            }
            match self.steps.pop_front() {
                None => return Poll::Ready(None),
                Some(Step::Data(bytes)) => {
                    self.yielding = !self.whole;
                    return Poll::Ready(Some(Ok(Frame::data(bytes))));
                }
                Some(Step::Wait(time)) => self.waiting = Some(Box::pin(tokio::time::sleep(time))),
                Some(Step::Break) => return Poll::Ready(Some(Err(ScriptedBreak))),
            }
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self.steps.front() {
            Some(Step::Data(bytes)) if self.whole => SizeHint::with_exact(bytes.len() as u64),
            _ => SizeHint::default(),
        }
    }
}
