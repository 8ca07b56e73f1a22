//! Damaging valid inputs, the same way for the same seed.

/// What parsers of text and JSON stumble over.
const TOKENS: [&[u8]; 28] = [
    b"\n",
    b"\n\n",
    b"\r\n",
    b"\0",
    b" ",
    b"0",
    b"-1",
    b"00",
    b"1e999",
    b"9007199254740993",
    b"18446744073709551616",
    b"null",
    b"{",
    b"}",
    b"[",
    b"]",
    b"\"",
    b"\\",
    b"\\ud800",
    b"\\u0000",
    b"data: ",
    b"event: ",
    b"\xe2\x80\x94 ",
    b"\xff",
    b"\xef\xbb\xbf",
    b"==",
    b"+",
    b"/",
];
/// Most pieces of damage in one input.
const STEPS_MAX: u64 = 6;
/// Longest input.
const BYTES_MAX: usize = 64 * 1024;

/// A source of damage.
pub(super) struct Mutator(u64);

impl Mutator {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed | 1)
    }

    /// The next number (xorshift64*).
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number below `end`, 0 when there is none.
    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(end.max(1)).unwrap()).unwrap()
    }

    /// One of `seeds`, damaged.
    pub(super) fn damaged(&mut self, seeds: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = seeds[self.below(seeds.len())].clone();
        for _ in 0..=self.next() % STEPS_MAX {
            self.damage(&mut bytes, seeds);
        }
        bytes.truncate(BYTES_MAX);
        bytes
    }

    fn damage(&mut self, bytes: &mut Vec<u8>, seeds: &[Vec<u8>]) {
        let at = self.below(bytes.len() + 1);
        let until = (at + 1 + self.below(32)).min(bytes.len());
        match self.below(9) {
            0 if at < bytes.len() => bytes[at] ^= 1 << self.below(8),
            1 if at < bytes.len() => bytes[at] = u8::try_from(self.next() & 0xff).unwrap(),
            2 => drop(bytes.drain(at.min(until)..until)),
            3 => bytes.truncate(at),
            4 => {
                let token = TOKENS[self.below(TOKENS.len())];
                bytes.splice(at..at, token.iter().copied());
            }
            5 => {
                let piece = bytes[at.min(until)..until].to_vec();
                bytes.splice(at..at, piece);
            }
            6 => {
                let other = &seeds[self.below(seeds.len())];
                let from = self.below(other.len() + 1);
                bytes.truncate(at);
                bytes.extend_from_slice(&other[from..]);
            }
            7 => self.number(bytes),
            _ => {
                let token = TOKENS[self.below(TOKENS.len())];
                let end = until.max(at);
                bytes.splice(at..end, token.iter().copied());
            }
        }
    }

    /// Replaces a run of digits by another number.
    fn number(&mut self, bytes: &mut Vec<u8>) {
        let Some(start) = (0..bytes.len())
            .cycle()
            .skip(self.below(bytes.len()))
            .take(bytes.len())
            .find(|at| bytes[*at].is_ascii_digit())
        else {
            return;
        };
        let end = (start..bytes.len()).find(|at| !bytes[*at].is_ascii_digit()).unwrap_or(bytes.len());
        let numbers =
            ["0", "1", "255", "256", "65536", "4294967295", "9223372036854775807", "18446744073709551615"];
        bytes.splice(start..end, numbers[self.below(numbers.len())].bytes());
    }
}
