//! How many different things stand in a window that moves.

/// How many places the counts have. A power of two, several times the largest window, so that few different things share one.
const PLACES: usize = 8_192;

/// The last so many hashes, and how many of them differ.
pub(super) struct Distinct {
    ring: Vec<u16>,
    counts: Vec<u16>,
    next: usize,
    filled: usize,
    different: usize,
}

impl Distinct {
    /// A window of `size` hashes, at most a quarter of the places.
    pub(super) fn new(size: usize) -> Self {
        let size = size.clamp(1, PLACES / 4);
        Self { ring: vec![0; size], counts: vec![0; PLACES], next: 0, filled: 0, different: 0 }
    }

    /// Takes the next hash, and drops the oldest when the window is full.
    pub(super) fn push(&mut self, hash: u64) {
        let place = u16::try_from((hash >> 40) % 8_192).unwrap_or_default();
        let Some(slot) = self.ring.get_mut(self.next) else { return };
        let oldest = std::mem::replace(slot, place);
        self.next = (self.next + 1) % self.ring.len();
        if self.filled == self.ring.len() {
            if let Some(count) = self.counts.get_mut(usize::from(oldest)) {
                *count -= 1;
                self.different -= usize::from(*count == 0);
            }
        } else {
            self.filled += 1;
        }
        if let Some(count) = self.counts.get_mut(usize::from(place)) {
            self.different += usize::from(*count == 0);
            *count += 1;
        }
    }

    /// The share of different ones, once the window is full.
    pub(super) fn share(&self) -> Option<f32> {
        let part = |count: usize| f32::from(u16::try_from(count).unwrap_or(u16::MAX));
        (self.filled == self.ring.len()).then(|| part(self.different) / part(self.filled))
    }
}
