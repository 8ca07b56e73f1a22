//! The weights, and the file they come in.

use std::borrow::Cow;

use aws_lc_rs::digest::{SHA256, digest};
use fiducia_policy::Score;

use super::grams::{ROWS, ROWS_BITS};
use super::head::{HEADS, Head};

/// The model that the program is built with; `cargo xtask train-safety` makes it.
static SHIPPED: &[u8] = include_bytes!("../../../../models/linear.bin");

const MAGIC: &[u8; 8] = b"FIDLIN\0\x01";
const NAME_BYTES: usize = 32;
const HEAD_BYTES: usize = NAME_BYTES + 6 * 4;
const HEADER_BYTES: usize = 8 + 4 + 4 + HEADS * HEAD_BYTES;
const DIGEST_BYTES: usize = 32;

/// What one head does with its sum of weights.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HeadParameters {
    /// What one step of a weight is worth.
    pub step: f32,
    /// What is added.
    pub bias: f32,
    /// Calibration: the probability is `1 / (1 + exp(-(slope * value + offset)))`.
    pub slope: f32,
    /// See `slope`.
    pub offset: f32,
    /// Of benign texts of a source that the model was not trained on, 1 % score so much.
    pub flag_from: f32,
    /// The same for 0.1 %.
    pub act_from: f32,
}

impl HeadParameters {
    /// Of a head that never says anything.
    pub const SILENT: Self =
        Self { step: 0.0, bias: -20.0, slope: 1.0, offset: 0.0, flag_from: 1.0, act_from: 1.0 };
}

/// How often a threshold is wrong about benign texts of a source that the model was not trained on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FalsePositives {
    /// One in a hundred: good enough to look at something.
    OneInHundred,
    /// One in a thousand: good enough to do something.
    OneInThousand,
}

/// One matrix for all heads, a byte for each weight.
#[derive(Debug, Clone)]
pub struct LinearModel {
    heads: [HeadParameters; HEADS],
    rows: Cow<'static, [[u8; HEADS]]>,
    digest: [u8; DIGEST_BYTES],
}

/// A file that is no model that this program can use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ModelError {
    /// It is something else, or of another version.
    #[error("the file is no linear model of the version that this program reads")]
    NotAModel,
    /// Some byte is not as it was written.
    #[error(
        "the file of the linear model is damaged: its digest is not the one that it ends with; take it again from where it came from"
    )]
    Damaged,
    /// It was made for other heads.
    #[error("the linear model answers `{found}` where this program asks `{wanted}`; train it again")]
    OtherHeads {
        /// The head in the file.
        found: String,
        /// The head of the program.
        wanted: &'static str,
    },
}

impl LinearModel {
    /// The model that the program is built with.
    ///
    /// # Errors
    /// When it was built with another file than it should have been.
    pub fn shipped() -> Result<Self, ModelError> {
        Self::read(SHIPPED)
    }

    /// Reads the bytes of a file; nothing is copied.
    ///
    /// # Errors
    /// When the bytes are no model for this program, or not as they were written.
    pub fn read(bytes: &'static [u8]) -> Result<Self, ModelError> {
        let (body, written) = bytes.split_last_chunk::<DIGEST_BYTES>().ok_or(ModelError::NotAModel)?;
        let (header, rows) = body.split_at_checked(HEADER_BYTES).ok_or(ModelError::NotAModel)?;
        let mut reader = Reader(header);
        let sizes = [ROWS_BITS, u32::try_from(HEADS).unwrap_or(0)];
        if reader.take::<8>() != Some(*MAGIC) || [reader.number(), reader.number()] != sizes.map(Some) {
            return Err(ModelError::NotAModel);
        }
        if digest(&SHA256, body).as_ref() != written {
            return Err(ModelError::Damaged);
        }
        let mut heads = Vec::with_capacity(HEADS);
        for head in Head::ALL {
            heads.push(reader.head(head)?);
        }
        let heads = heads.try_into().map_err(|_| ModelError::NotAModel)?;
        let (rows, rest) = rows.as_chunks();
        if rows.len() != ROWS || !rest.is_empty() {
            return Err(ModelError::NotAModel);
        }
        Ok(Self { heads, rows: Cow::Borrowed(rows), digest: *written })
    }

    /// A model of these weights; rows that are missing are zero.
    pub fn from_parts(heads: [HeadParameters; HEADS], mut rows: Vec<[i8; HEADS]>) -> Self {
        rows.resize(ROWS, [0; HEADS]);
        let rows = rows.into_iter().map(|row| row.map(i8::cast_unsigned)).collect();
        let mut model = Self { heads, rows: Cow::Owned(rows), digest: [0; DIGEST_BYTES] };
        let digest = digest(&SHA256, &model.body());
        model.digest.copy_from_slice(digest.as_ref());
        model
    }

    /// The same weights with other parameters.
    #[must_use]
    pub fn with_parameters(&self, heads: [HeadParameters; HEADS]) -> Self {
        let mut model = Self { heads, ..self.clone() };
        let digest = digest(&SHA256, &model.body());
        model.digest.copy_from_slice(digest.as_ref());
        model
    }

    /// The bytes of its file.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.body();
        bytes.extend_from_slice(&self.digest);
        bytes
    }

    /// SHA-256 of the file without its last 32 bytes, by which the model is named in the ledger.
    pub fn digest(&self) -> [u8; 32] {
        self.digest
    }

    /// What `head` does with its sum.
    pub fn parameters(&self, head: Head) -> HeadParameters {
        self.heads.get(head as usize).copied().unwrap_or(HeadParameters::SILENT)
    }

    /// From which score on `head` is believed at this rate of false positives.
    pub fn threshold(&self, head: Head, rate: FalsePositives) -> Score {
        let parameters = self.parameters(head);
        let value = match rate {
            FalsePositives::OneInHundred => parameters.flag_from,
            FalsePositives::OneInThousand => parameters.act_from,
        };
        Score::try_from(value.clamp(0.0, 1.0)).unwrap_or(Score::CERTAIN)
    }

    /// The weights of a row, one for each head.
    #[inline]
    pub(super) fn row(&self, row: usize) -> [i8; HEADS] {
        self.rows.get(row).copied().unwrap_or([0; HEADS]).map(u8::cast_signed)
    }

    /// The value of a sum before calibration, for fitting; see `score`.
    #[expect(
        clippy::cast_precision_loss,
        reason = "sums and counts of a window are far below where f32 loses whole numbers"
    )]
    pub(super) fn value(&self, head: Head, sum: i32, features: u32) -> f32 {
        let parameters = self.parameters(head);
        parameters.step * sum as f32 / (features.max(1) as f32).sqrt() + parameters.bias
    }

    /// The calibrated probability of a value.
    pub fn calibrated(&self, head: Head, value: f32) -> Score {
        let parameters = self.parameters(head);
        let probability = 1.0 / (1.0 + (-(parameters.slope * value + parameters.offset)).exp());
        Score::try_from(probability).unwrap_or(Score::NONE)
    }

    fn body(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEADER_BYTES + ROWS * HEADS + DIGEST_BYTES);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&ROWS_BITS.to_le_bytes());
        bytes.extend_from_slice(&u32::try_from(HEADS).unwrap_or(0).to_le_bytes());
        for (head, parameters) in Head::ALL.into_iter().zip(&self.heads) {
            let mut name = head.name().as_bytes().to_vec();
            name.resize(NAME_BYTES, 0);
            bytes.extend_from_slice(&name);
            let HeadParameters { step, bias, slope, offset, flag_from, act_from } = *parameters;
            for number in [step, bias, slope, offset, flag_from, act_from] {
                bytes.extend_from_slice(&number.to_le_bytes());
            }
        }
        bytes.extend_from_slice(self.rows.as_flattened());
        bytes
    }
}

struct Reader<'bytes>(&'bytes [u8]);

impl Reader<'_> {
    fn take<const LENGTH: usize>(&mut self) -> Option<[u8; LENGTH]> {
        let (taken, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*taken)
    }

    fn number(&mut self) -> Option<u32> {
        self.take().map(u32::from_le_bytes)
    }

    fn fraction(&mut self) -> Result<f32, ModelError> {
        let number = self.take().map(f32::from_le_bytes).ok_or(ModelError::NotAModel)?;
        if number.is_finite() { Ok(number) } else { Err(ModelError::NotAModel) }
    }

    fn head(&mut self, wanted: Head) -> Result<HeadParameters, ModelError> {
        let name = self.take::<NAME_BYTES>().ok_or(ModelError::NotAModel)?;
        let found = String::from_utf8_lossy(&name).trim_end_matches('\0').to_owned();
        if found != wanted.name() {
            return Err(ModelError::OtherHeads { found, wanted: wanted.name() });
        }
        Ok(HeadParameters {
            step: self.fraction()?,
            bias: self.fraction()?,
            slope: self.fraction()?,
            offset: self.fraction()?,
            flag_from: self.fraction()?,
            act_from: self.fraction()?,
        })
    }
}
