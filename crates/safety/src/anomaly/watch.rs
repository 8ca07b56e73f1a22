//! Watching one answer.

use std::fmt;

use fiducia_policy::{SafetyCategory, Score};

use super::compression::Compression;
use super::distinct::Distinct;
use super::entropy::Spread;
use crate::{Finding, Span};

/// In what way an answer is unusual.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Anomaly {
    /// It is larger than the limit; told again at each doubling.
    Size,
    /// The same words or characters come again and again.
    Repetition,
    /// Hardly any character differs from the others.
    LowEntropy,
    /// Letters and digits without spaces, spread as evenly as chance would: encoded or random data.
    HighEntropy,
    /// It could be written in a fraction of its size.
    Compression,
    /// Control characters, unreadable or private ones.
    Noise,
}

impl Anomaly {
    const COUNT: usize = 6;

    /// A stable name for figures and reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Size => "size",
            Self::Repetition => "repetition",
            Self::LowEntropy => "low-entropy",
            Self::HighEntropy => "high-entropy",
            Self::Compression => "compression",
            Self::Noise => "noise",
        }
    }

    const fn place(self) -> usize {
        match self {
            Self::Size => 0,
            Self::Repetition => 1,
            Self::LowEntropy => 2,
            Self::HighEntropy => 3,
            Self::Compression => 4,
            Self::Noise => 5,
        }
    }
}

/// Something unusual, and where it was noticed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AnomalyFinding {
    /// In what way.
    pub anomaly: Anomaly,
    /// How sure. Estimates by form, not frequencies.
    pub score: Score,
    /// How many bytes of the answer had arrived.
    pub at: usize,
}

impl From<AnomalyFinding> for Finding {
    fn from(found: AnomalyFinding) -> Self {
        Self {
            category: SafetyCategory::OutputAnomaly,
            score: found.score,
            spans: vec![Span { start: 0, end: found.at }],
        }
    }
}

/// From where on an answer is unusual. The defaults are far from what ordinary answers reach, code and tables included.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AnomalyLimits {
    /// Bytes of an answer.
    pub size_bytes: usize,
    /// The least share of different runs of eight words among the last 1,024, and of 24 characters among the last 2,048.
    pub distinct_share: f32,
    /// The least bits for each of the last 1,024 characters.
    pub entropy_low_bits: f32,
    /// The most bits for each of them where there are no spaces.
    pub entropy_high_bits: f32,
    /// The least size after compression, as a share, of 4 KiB.
    pub compression_share: f32,
    /// The largest share of noise among the last characters.
    pub noise_share: f32,
}

impl Default for AnomalyLimits {
    fn default() -> Self {
        Self {
            size_bytes: 256 * 1024,
            distinct_share: 0.2,
            entropy_low_bits: 2.0,
            entropy_high_bits: 5.4,
            compression_share: 0.06,
            noise_share: 0.05,
        }
    }
}

/// Characters in the shorter kind of run.
const CHARACTERS: usize = 24;

/// Words in the longer kind of run.
const WORDS: usize = 8;

const BASE: u64 = 0x9e37_79b9_7f4a_7c15;

/// The last few hashes, as one.
struct Run<const N: usize> {
    ring: [u64; N],
    next: usize,
    hash: u64,
}

impl<const N: usize> Run<N> {
    const NEW: Self = Self { ring: [0; N], next: 0, hash: 0 };

    /// `BASE` to the power of the length.
    const LEAVING: u64 = {
        let (mut power, mut count) = (1_u64, 0);
        while count < N {
            power = power.wrapping_mul(BASE);
            count += 1;
        }
        power
    };

    fn push(&mut self, hash: u64) -> u64 {
        let oldest = self.ring.get_mut(self.next).map_or(0, |slot| std::mem::replace(slot, hash));
        self.next = (self.next + 1) % N;
        self.hash =
            self.hash.wrapping_mul(BASE).wrapping_add(hash).wrapping_sub(oldest.wrapping_mul(Self::LEAVING));
        self.hash
    }
}

/// Watches one answer as it streams.
pub struct AnswerWatch {
    limits: AnomalyLimits,
    bytes: usize,
    characters: Run<CHARACTERS>,
    words: Run<WORDS>,
    word: u64,
    distinct_characters: Distinct,
    distinct_words: Distinct,
    spread: Spread,
    compression: Compression,
    /// Which anomalies are there now. Each is told when it begins.
    present: [bool; Anomaly::COUNT],
    size_told: usize,
}

impl fmt::Debug for AnswerWatch {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("AnswerWatch").field("bytes", &self.bytes).finish_non_exhaustive()
    }
}

impl AnswerWatch {
    /// A watch at the beginning of an answer. It takes about 90 KB.
    pub fn new(limits: AnomalyLimits) -> Self {
        Self {
            limits,
            bytes: 0,
            characters: Run::NEW,
            words: Run::NEW,
            word: 0,
            distinct_characters: Distinct::new(2_048),
            distinct_words: Distinct::new(1_024),
            spread: Spread::new(),
            compression: Compression::new(),
            present: [false; Anomaly::COUNT],
            size_told: 0,
        }
    }

    /// What is unusual now that `piece` has arrived and was not before. An anomaly that ends and begins again is told again.
    pub fn push(&mut self, piece: &str) -> Vec<AnomalyFinding> {
        let mut found = Vec::new();
        let mut since = 0_usize;
        for character in piece.chars() {
            self.character(character);
            since += 1;
            // A whole answer may come as one piece; what lies inside of it is looked at all the same.
            if since.is_multiple_of(256) {
                self.judge(&mut found);
            }
        }
        self.judge(&mut found);
        found
    }

    fn character(&mut self, character: char) {
        self.bytes += character.len_utf8();
        let code = u64::from(u32::from(character)) + 1;
        let run = self.characters.push(code.wrapping_mul(BASE));
        self.distinct_characters.push(run.wrapping_mul(BASE));
        if character.is_whitespace() {
            if self.word != 0 {
                let run = self.words.push(self.word);
                self.distinct_words.push(run.wrapping_mul(BASE));
                self.word = 0;
            }
        } else {
            self.word = (self.word ^ code).wrapping_mul(0x0100_0000_01b3) | 1;
        }
        self.spread.push(character);
        let mut buffer = [0; 4];
        for byte in character.encode_utf8(&mut buffer).bytes() {
            self.compression.push(byte);
        }
    }

    fn judge(&mut self, found: &mut Vec<AnomalyFinding>) {
        let limits = self.limits;
        if self.bytes > limits.size_bytes.max(self.size_told.saturating_mul(2)) {
            self.size_told = self.bytes;
            found.push(self.finding(Anomaly::Size, 0.8));
        }
        let shares = [self.distinct_characters.share(), self.distinct_words.share()];
        let distinct = shares.into_iter().flatten().reduce(f32::min);
        self.begin(
            found,
            Anomaly::Repetition,
            distinct.map(|share| 1.0 - share),
            1.0 - limits.distinct_share,
        );
        let bits = self.spread.bits();
        self.begin(found, Anomaly::LowEntropy, bits.map(|bits| 8.0 - bits), 8.0 - limits.entropy_low_bits);
        let bits = bits.filter(|_| self.spread.has_no_spaces());
        self.begin(found, Anomaly::HighEntropy, bits, limits.entropy_high_bits);
        let ratio = self.compression.ratio();
        self.begin(
            found,
            Anomaly::Compression,
            ratio.map(|ratio| 1.0 - ratio),
            1.0 - limits.compression_share,
        );
        self.begin(found, Anomaly::Noise, self.spread.noise(), limits.noise_share);
    }

    /// Tells of `anomaly` when `value` goes over `limit`. It must fall well below before it is told again.
    fn begin(&mut self, found: &mut Vec<AnomalyFinding>, anomaly: Anomaly, value: Option<f32>, limit: f32) {
        let Some(value) = value else { return };
        let was = self.present.get(anomaly.place()).copied().unwrap_or_default();
        let is = if was { value > limit * 0.9 } else { value > limit };
        if is && !was {
            let over = (value - limit) / limit.max(0.01);
            found.push(self.finding(anomaly, (0.7 + over).clamp(0.7, 0.99)));
        }
        if let Some(present) = self.present.get_mut(anomaly.place()) {
            *present = is;
        }
    }

    fn finding(&self, anomaly: Anomaly, score: f32) -> AnomalyFinding {
        AnomalyFinding { anomaly, score: Score::try_from(score).unwrap_or(Score::NONE), at: self.bytes }
    }
}
