//! How much of the instructions an answer repeats.

use std::collections::HashMap;
use std::fmt;

use fiducia_policy::{SafetyCategory, Score};
use zeroize::Zeroize;

use super::letters::each_byte;
use crate::{Finding, Span};

/// Letters and digits, in bytes, that have to agree in a row before it counts: about eight words of English or thirteen characters of Chinese.
const SHINGLE_BYTES: usize = 40;

/// The most bytes of instructions that are compared. What lies behind them is not found.
const INSTRUCTION_BYTES_MAX: usize = 256 * 1024;

/// An agreement that is at least this long, in bytes of letters and digits, is a repetition of instructions.
const REPEATED_BYTES: usize = 80;

/// The base of the rolling hash: odd, and large enough to fill 64 bits soon.
const BASE: u64 = 0x9e37_79b9_7f4a_7c15;

/// `BASE` to the power of `SHINGLE_BYTES`, which the byte that leaves was multiplied by.
const LEAVING: u64 = {
    let (mut power, mut count) = (1_u64, 0);
    while count < SHINGLE_BYTES {
        power = power.wrapping_mul(BASE);
        count += 1;
    }
    power
};

/// A hash over the last `SHINGLE_BYTES` bytes.
struct Rolling {
    hash: u64,
    ring: [u8; SHINGLE_BYTES],
    count: usize,
}

impl Rolling {
    const NEW: Self = Self { hash: 0, ring: [0; SHINGLE_BYTES], count: 0 };

    /// Takes the next byte; the hash once there are enough.
    fn push(&mut self, byte: u8) -> Option<u64> {
        let place = self.count % SHINGLE_BYTES;
        self.count += 1;
        let leaving = match self.ring.get_mut(place) {
            Some(slot) => std::mem::replace(slot, byte),
            None => 0,
        };
        self.hash = self.hash.wrapping_mul(BASE).wrapping_add(u64::from(byte) + 1);
        if self.count > SHINGLE_BYTES {
            self.hash = self.hash.wrapping_sub((u64::from(leaving) + 1).wrapping_mul(LEAVING));
        }
        (self.count >= SHINGLE_BYTES).then_some(self.hash)
    }
}

impl Drop for Rolling {
    fn drop(&mut self) {
        self.ring.zeroize();
    }
}

/// Instructions, as hashes of what stands in them.
#[derive(Clone)]
pub struct Instructions {
    /// Hash of each run of letters and digits, to where it ends.
    shingles: HashMap<u64, u32>,
    /// How many bytes of letters and digits there are.
    bytes: usize,
}

impl fmt::Debug for Instructions {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Instructions").field("bytes", &self.bytes).finish_non_exhaustive()
    }
}

impl Instructions {
    /// What `text` instructs, of which nothing but hashes is kept. Text shorter than 40 letters and digits is too short to tell
    /// a repetition from a coincidence, and is never found.
    pub fn new(text: &str) -> Self {
        let mut shingles = HashMap::new();
        let mut rolling = Rolling::NEW;
        let mut bytes = 0_u32;
        each_byte(prefix(text), |byte, _, _| {
            bytes += 1;
            if let Some(hash) = rolling.push(byte) {
                shingles.entry(hash).or_insert(bytes);
            }
        });
        Self { shingles, bytes: usize::try_from(bytes).unwrap_or_default() }
    }

    /// Leaves out what `text` says too: an answer may repeat what the person themself wrote, or what is public.
    pub fn without(&mut self, text: &str) {
        let mut rolling = Rolling::NEW;
        each_byte(text, |byte, _, _| {
            if let Some(hash) = rolling.push(byte) {
                self.shingles.remove(&hash);
            }
        });
    }
}

/// The part of the instructions that is compared.
fn prefix(text: &str) -> &str {
    let mut end = text.len().min(INSTRUCTION_BYTES_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

/// Watches one answer for repetitions of instructions. Its memory is a bit for each byte of instructions.
pub struct InstructionWatch {
    rolling: Rolling,
    /// Which bytes of the instructions were repeated so far.
    repeated: Vec<u64>,
    repeated_count: usize,
    /// Bytes of letters and digits that agree up to now.
    run: usize,
    /// Bytes of the answer so far.
    bytes: usize,
    /// Where the run that agrees began in the answer.
    run_start: usize,
    /// Where each of the last letters began in the answer.
    starts: [usize; SHINGLE_BYTES],
    /// The score that was told last, in steps, so that each rise is told once.
    told: u8,
}

impl fmt::Debug for InstructionWatch {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("InstructionWatch")
            .field("repeated", &self.repeated_count)
            .finish_non_exhaustive()
    }
}

impl InstructionWatch {
    /// A watch at the beginning of an answer.
    pub fn new(instructions: &Instructions) -> Self {
        Self {
            rolling: Rolling::NEW,
            repeated: vec![0; instructions.bytes / 64 + 1],
            repeated_count: 0,
            run: 0,
            bytes: 0,
            run_start: 0,
            starts: [0; SHINGLE_BYTES],
            told: 0,
        }
    }

    /// How much of the instructions was repeated so far, from 0 to 1.
    pub fn share(&self, instructions: &Instructions) -> f32 {
        let part = |count: usize| f32::from(u16::try_from(count / 8).unwrap_or(u16::MAX));
        if instructions.bytes < 8 {
            0.0
        } else {
            (part(self.repeated_count) / part(instructions.bytes)).min(1.0)
        }
    }

    /// What can be said now that `piece` has arrived: a finding when more was repeated than was told before. Its place is the run that
    /// agrees, in bytes of the whole answer. The instructions must be those that the watch was made for.
    pub fn push(&mut self, instructions: &Instructions, piece: &str) -> Option<Finding> {
        let base = self.bytes;
        self.bytes += piece.len();
        let mut found = None;
        each_byte(piece, |byte, start, end| {
            if let Some(finding) =
                self.letter(instructions, byte, Span { start: base + start, end: base + end })
            {
                found = Some(finding);
            }
        });
        found
    }

    fn letter(&mut self, instructions: &Instructions, byte: u8, place: Span) -> Option<Finding> {
        let known = self.rolling.push(byte).and_then(|hash| instructions.shingles.get(&hash));
        if let Some(slot) = self.starts.get_mut((self.rolling.count - 1) % SHINGLE_BYTES) {
            *slot = place.start;
        }
        let Some(known) = known else {
            self.run = 0;
            return None;
        };
        if self.run == 0 {
            self.run_start = self.starts.get(self.rolling.count % SHINGLE_BYTES).copied().unwrap_or_default();
            self.run = SHINGLE_BYTES;
            self.note(*known, SHINGLE_BYTES);
        } else {
            self.run += 1;
            self.note(*known, 1);
        }
        let (step, score) = self.grade(instructions)?;
        if step <= self.told {
            return None;
        }
        self.told = step;
        Some(Finding {
            category: SafetyCategory::SystemPromptLeakage,
            score: Score::try_from(score).unwrap_or(Score::CERTAIN),
            spans: vec![Span { start: self.run_start, end: place.end }],
        })
    }

    /// How bad it is by now: in steps, and as a score.
    fn grade(&self, instructions: &Instructions) -> Option<(u8, f32)> {
        let share = self.share(instructions);
        if self.run < REPEATED_BYTES && share < 0.5 {
            return None;
        }
        Some(if share >= 0.8 {
            (4, 1.0)
        } else if share >= 0.4 || self.run >= REPEATED_BYTES * 5 {
            (3, 0.95)
        } else if self.run >= REPEATED_BYTES * 2 {
            (2, 0.85)
        } else {
            (1, 0.7)
        })
    }

    /// Notes that `count` bytes of the instructions which end at `end` were repeated.
    fn note(&mut self, end: u32, count: usize) {
        let end = usize::try_from(end).unwrap_or_default();
        for place in end.saturating_sub(count)..end {
            if let Some(word) = self.repeated.get_mut(place / 64) {
                let bit = 1 << (place % 64);
                self.repeated_count += usize::from(*word & bit == 0);
                *word |= bit;
            }
        }
    }
}
