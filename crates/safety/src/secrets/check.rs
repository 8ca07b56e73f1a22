//! Checks beyond the form.

use base64::Engine as _;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// Padding may be there or not: tokens leave it out.
const ANY_PADDING: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const URL: GeneralPurpose = GeneralPurpose::new(&URL_SAFE, ANY_PADDING);
const PLAIN: GeneralPurpose = GeneralPurpose::new(&STANDARD, ANY_PADDING);

/// A check that a secret of some kind passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Check {
    /// The last six characters are the CRC-32 of those between the last line and them, in base 62. Tokens that are made up for tests
    /// rarely pass, and somebody's own might be of a form to come, so one that fails is still a likely secret.
    Github,
    /// The header is JSON that names an algorithm.
    Jwt,
    /// A user and a password with a colon between.
    Basic,
    /// An address whose password is none of a placeholder's words.
    Url,
}

impl Check {
    /// The check with this name in the rule files.
    pub(super) fn of_name(name: &str) -> Option<Self> {
        match name {
            "github" => Some(Self::Github),
            "jwt" => Some(Self::Jwt),
            "basic" => Some(Self::Basic),
            "url" => Some(Self::Url),
            _ => None,
        }
    }

    /// How sure `secret` is, when its form makes it `by_form`; nothing when it is none.
    pub(super) fn score(self, secret: &str, by_form: f32) -> Option<f32> {
        match self {
            Self::Github => {
                let (_, body) = secret.rsplit_once('_')?;
                let (random, check) = body.split_at_checked(body.len().checked_sub(6)?)?;
                Some(if crc_62(random.as_bytes()) == check.as_bytes() { 1.0 } else { 0.6 })
            }
            Self::Jwt => {
                let header = URL.decode(secret.split('.').next()?).ok()?;
                let header = std::str::from_utf8(&header).ok()?;
                (header.starts_with('{') && header.contains("\"alg\"")).then_some(by_form)
            }
            Self::Basic => {
                let pair = PLAIN.decode(secret.strip_prefix("Basic ")?).ok()?;
                pair.contains(&b':').then_some(by_form)
            }
            Self::Url => {
                let authority = secret.split_once("://")?.1;
                let password = authority.split_once(':')?.1.split('@').next()?;
                let is_word =
                    ["password", "pass", "passwd", "pw", "pwd", "secret", "user"].contains(&password);
                (!is_word && !super::plain::is_placeholder(password)).then_some(by_form)
            }
        }
    }
}

/// The CRC-32 of `bytes` as six characters of base 62, with noughts before it.
pub(super) fn crc_62(bytes: &[u8]) -> [u8; 6] {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut rest = crc32fast::hash(bytes);
    let mut text = [b'0'; 6];
    for place in text.iter_mut().rev() {
        let digit = usize::try_from(rest % 62).ok().and_then(|digit| DIGITS.get(digit));
        *place = digit.copied().unwrap_or(b'0');
        rest /= 62;
    }
    text
}
