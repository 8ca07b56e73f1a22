//! What stands around a world: its clock, its randomness, and the threads and processes that wait for it.

use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, RwLock};
use std::task::{Context, Poll, Wake, Waker};

use fiducia_policy::{Clock, Randomness, RandomnessUnavailable, Timestamp};

/// A child holds copies of this process's locks until its program begins. Nothing is opened in that moment, or it would
/// seem to be in use.
pub(super) static SPAWNING: RwLock<()> = RwLock::new(());

/// Starts a child that runs one test; other tests of this process may run meanwhile. Gives what it says, behind the first
/// line.
pub(crate) fn spawn(
    command: &mut std::process::Command,
) -> (std::process::Child, std::io::BufReader<std::process::ChildStdout>) {
    use std::io::BufRead;
    let _nothing_is_opened = SPAWNING.write().unwrap();
    let mut child = command.stdout(std::process::Stdio::piped()).spawn().unwrap();
    let mut said = std::io::BufReader::new(child.stdout.take().unwrap());
    // Only its first word shows that the program has begun: starting returns a moment earlier.
    said.read_line(&mut String::new()).unwrap();
    (child, said)
}

pub(super) struct SimulatedClock(pub(super) AtomicI64);

impl Clock for SimulatedClock {
    fn now(&self) -> Timestamp {
        // Every look at the clock takes a millisecond, so that order in time is order of events, and of their ids.
        Timestamp::from_microsecond(self.0.fetch_add(1_000, Ordering::SeqCst)).unwrap()
    }
}

/// A seeded generator (SplitMix64): the same seed gives the same world.
pub(super) struct Seeded {
    state: AtomicU64,
    /// How many more draws succeed before one fails; it fails once.
    pub(super) until_refusal: AtomicU64,
}

impl Seeded {
    pub(super) fn new(seed: u64) -> Self {
        Self { state: AtomicU64::new(seed), until_refusal: AtomicU64::new(u64::MAX) }
    }
}

impl Randomness for Seeded {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), RandomnessUnavailable> {
        if self.until_refusal.fetch_sub(1, Ordering::SeqCst) == 0 {
            return Err(RandomnessUnavailable);
        }
        for chunk in bytes.chunks_mut(8) {
            let mut z = self.state.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::SeqCst);
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            chunk.copy_from_slice(&(z ^ (z >> 31)).to_le_bytes()[..chunk.len()]);
        }
        Ok(())
    }
}

struct Unpark(std::thread::Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Waits for a future on this thread.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut context = Context::from_waker(&waker);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(output) => return output,
            Poll::Pending => std::thread::park(),
        }
    }
}

/// Says something to the parent; the test runner's own output may stand on the same line before it.
pub(crate) fn tell(line: &str) {
    use std::io::Write;
    let mut out = std::io::stdout().lock();
    writeln!(out, "\n{line}").and_then(|()| out.flush()).unwrap();
}
