//! How well what arrives could be written as a repetition of what was there, without writing it.

use zeroize::Zeroize;

/// How far back a repetition is seen, in bytes. A power of two.
const WINDOW: usize = 16 * 1024;

/// How many places the last occurrence of four bytes is kept in.
const PLACES: usize = 4_096;

/// What a repetition costs, in bytes.
const REPETITION: u32 = 3;

/// How many bytes are judged together.
const BLOCK: u32 = 4_096;

/// Estimates how a compressor with a small window would do.
pub(super) struct Compression {
    ring: Vec<u8>,
    /// Where four bytes of some hash stood last, plus one.
    last: Vec<usize>,
    count: usize,
    /// The last four bytes.
    four: u32,
    /// Where the repetition that goes on reads from.
    from: Option<usize>,
    /// How many bytes were counted one by one since the last repetition.
    single: u32,
    block_bytes: u32,
    block_cost: u32,
    ratio: Option<f32>,
}

impl Compression {
    pub(super) fn new() -> Self {
        Self {
            ring: vec![0; WINDOW],
            last: vec![0; PLACES],
            count: 0,
            four: 0,
            from: None,
            single: 0,
            block_bytes: 0,
            block_cost: 0,
            ratio: None,
        }
    }

    fn at(&self, place: usize) -> u8 {
        self.ring.get(place % WINDOW).copied().unwrap_or_default()
    }

    pub(super) fn push(&mut self, byte: u8) {
        self.four = self.four << 8 | u32::from(byte);
        match self.from {
            Some(from) if self.at(from) == byte => self.from = Some(from + 1),
            _ => {
                self.from = None;
                self.single += 1;
                self.block_cost += 1;
            }
        }
        let place = self.count % WINDOW;
        if let Some(slot) = self.ring.get_mut(place) {
            *slot = byte;
        }
        self.count += 1;
        if self.count >= 4 {
            self.look_back();
        }
        self.block_bytes += 1;
        if self.block_bytes == BLOCK {
            let part = |count: u32| f32::from(u16::try_from(count).unwrap_or(u16::MAX));
            self.ratio = Some((part(self.block_cost) / part(self.block_bytes)).min(1.0));
            (self.block_bytes, self.block_cost) = (0, 0);
        }
    }

    /// Notes where the last four bytes stand, and begins a repetition when they stood somewhere before.
    fn look_back(&mut self) {
        let hash = usize::try_from(self.four.wrapping_mul(2_654_435_761) >> 20).unwrap_or_default() % PLACES;
        let Some(slot) = self.last.get_mut(hash) else { return };
        let before = std::mem::replace(slot, self.count);
        if self.from.is_some() || before == 0 || self.count - before >= WINDOW - 4 {
            return;
        }
        let same = (0..4).all(|back| self.at(before - 4 + back) == self.at(self.count - 4 + back));
        if same {
            self.from = Some(before);
            // Those of the four bytes that were counted one by one are now part of a repetition.
            self.block_cost = (self.block_cost + REPETITION).saturating_sub(self.single.min(4));
            self.single = 0;
        }
    }

    /// The size it would have, as a share of its own, of the last whole block.
    pub(super) const fn ratio(&self) -> Option<f32> {
        self.ratio
    }
}

impl Drop for Compression {
    fn drop(&mut self) {
        self.ring.zeroize();
    }
}
