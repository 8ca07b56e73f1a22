//! The keys that sign checkpoints: pairs of an Ed25519 and an ECDSA P-256 key, and which pair signs when.
//!
//! A change of keys is announced ahead: the next pair is listed before it signs, on its day it signs every log's latest checkpoint,
//! and the pairs before it stay listed, so that checkpoints that somebody kept still verify.

use fiducia_policy::Timestamp;
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::ecdsa::EcdsaKey;
use crate::error::LedgerError;
use crate::event::{Digest, instant, number};
use crate::note::{SigningKey, VerifierKey};

/// For how many days the next pair is listed before it signs, unless the present one is compromised: as long as the public Access
/// Transparency log gives.
pub const NOTICE_DAYS: i64 = 30;

/// Most pairs a log can have had; each is in every list of its keys.
const PAIRS_MAX: usize = 64;

/// A step in the change of the keys that sign checkpoints.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogKeyStep {
    /// Which pair of keys, counted from 1.
    #[serde(serialize_with = "number")]
    pub number: u64,
    /// SHA-256 of the Ed25519 key's DER SubjectPublicKeyInfo.
    pub ed25519: Digest,
    /// SHA-256 of the ECDSA key's DER SubjectPublicKeyInfo.
    pub ecdsa_p256: Digest,
    /// From when it signs.
    #[serde(with = "instant")]
    pub signs_from: Timestamp,
}

/// Two keys that sign together.
#[derive(Debug, Clone)]
pub struct LogSigner {
    pub(crate) ed25519: SigningKey,
    ecdsa: Option<EcdsaKey>,
}

impl LogSigner {
    /// A pair. The name of `ed25519` does not matter: both sign under the name of each log.
    pub const fn new(ed25519: SigningKey, ecdsa: EcdsaKey) -> Self {
        Self { ed25519, ecdsa: Some(ecdsa) }
    }

    /// The note over `text` with a line by each key.
    pub(crate) fn sign(&self, origin: &str, text: &str) -> Result<String, LedgerError> {
        let mut note = self.ed25519.renamed(origin)?.sign(text);
        if let Some(ecdsa) = &self.ecdsa {
            note.push_str(&ecdsa.signature_line(origin, text)?);
        }
        Ok(note)
    }

    /// The public halves under a name, the ECDSA one first: it is what the public tools take.
    ///
    /// # Errors
    /// When signed notes cannot carry the name.
    pub fn verifiers(&self, origin: &str) -> Result<Vec<VerifierKey>, LedgerError> {
        let ecdsa = self.ecdsa.as_ref().map(|key| key.verifier(origin)).transpose()?;
        let ed25519 = self.ed25519.verifier().renamed(origin)?;
        Ok(ecdsa.into_iter().chain([ed25519]).collect())
    }
}

/// When a pair of keys was announced, and from when it signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogKeyDates {
    /// Counted from 1.
    pub number: u32,
    /// Since when it is listed.
    pub announced_at: Timestamp,
    /// From when it is to sign.
    pub signs_from: Timestamp,
    /// When it began to; from then on it stays, also when a clock is set back.
    pub changed_at: Option<Timestamp>,
}

impl LogKeyDates {
    fn has_begun(&self, now: Timestamp) -> bool {
        self.changed_at.is_some() || self.signs_from <= now
    }
}

/// Which of several pairs signs at `now`: the latest whose day has come. `None` when none has.
pub fn signing(pairs: &[LogKeyDates], now: Timestamp) -> Option<&LogKeyDates> {
    pairs.iter().filter(|pair| pair.has_begun(now)).max_by_key(|pair| pair.number)
}

/// The pairs as they are listed at `now`: the one that signs, then the others, newest first.
pub fn listed(pairs: &[LogKeyDates], now: Timestamp) -> Vec<&LogKeyDates> {
    let first = signing(pairs, now).map(|pair| pair.number);
    let mut listed: Vec<_> = pairs.iter().collect();
    listed.sort_by_key(|pair| (Some(pair.number) != first, std::cmp::Reverse(pair.number)));
    listed
}

/// Why no further pair can be announced.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RotationRefused {
    /// One is announced already.
    #[error(
        "the next pair of keys is announced and signs from {signs_from}; nothing was changed. Announce another after that day"
    )]
    Announced {
        /// From when it signs.
        signs_from: Timestamp,
    },
    /// It would sign too soon.
    #[error(
        "new keys are announced at least {NOTICE_DAYS} days before they sign, so that verifiers can take them up; nothing was \
         changed. Name a later day or, if a present key is in the wrong hands, say so"
    )]
    TooSoon,
    /// There were too many.
    #[error(
        "this installation has had {PAIRS_MAX} pairs of keys, and lists hold no more; nothing was changed"
    )]
    TooMany,
}

/// Whether a further pair may be announced at `now`, to sign from `signs_from`; gives its number. When a present key is compromised no
/// notice is kept, because whoever has it could sign meanwhile.
///
/// # Errors
/// When one is announced and not in use yet, the notice is too short, or there were too many.
pub fn may_announce(
    pairs: &[LogKeyDates],
    now: Timestamp,
    signs_from: Timestamp,
    compromised: bool,
) -> Result<u32, RotationRefused> {
    if let Some(next) = pairs.iter().find(|pair| !pair.has_begun(now)).filter(|_| !compromised) {
        return Err(RotationRefused::Announced { signs_from: next.signs_from });
    }
    let notice = if compromised { 0 } else { NOTICE_DAYS };
    if signs_from.duration_since(now) < SignedDuration::from_hours(24 * notice) {
        return Err(RotationRefused::TooSoon);
    }
    if pairs.len() >= PAIRS_MAX {
        return Err(RotationRefused::TooMany);
    }
    Ok(pairs.iter().map(|pair| pair.number).max().unwrap_or(0).saturating_add(1))
}

/// A pair with its dates.
#[derive(Debug, Clone)]
pub struct LogKey {
    /// When it signs.
    pub dates: LogKeyDates,
    /// The keys.
    pub signer: LogSigner,
}

/// All pairs of an installation. There is always one that signs.
#[derive(Debug, Clone)]
pub struct LogKeys {
    /// Signs until a later pair's day comes.
    first: LogKey,
    later: Vec<LogKey>,
}

impl LogKeys {
    /// The first pair, which signs whatever its dates, and those after it.
    pub const fn new(first: LogKey, later: Vec<LogKey>) -> Self {
        Self { first, later }
    }

    /// The same with the pair `number` having begun to sign at an instant, before anything else says so.
    #[must_use]
    pub fn begun(mut self, begins: Option<(u32, Timestamp)>) -> Self {
        if let Some((number, at)) = begins {
            for key in self.later.iter_mut().filter(|key| key.dates.number == number) {
                key.dates.changed_at.get_or_insert(at);
            }
        }
        self
    }

    fn all(&self) -> impl Iterator<Item = &LogKey> {
        std::iter::once(&self.first).chain(&self.later)
    }

    /// The first Ed25519 key, which also signs what is no log. It does not change with the logs' keys.
    pub fn document_key(&self) -> SigningKey {
        self.first.signer.ed25519.clone()
    }

    /// The dates of all pairs.
    pub fn dates(&self) -> Vec<LogKeyDates> {
        self.all().map(|key| key.dates).collect()
    }

    fn numbered(&self, number: u32) -> Option<&LogKey> {
        self.all().find(|key| key.dates.number == number)
    }

    /// The pair that signs at `now`.
    pub fn signing_at(&self, now: Timestamp) -> &LogSigner {
        let dates = self.dates();
        let number = signing(&dates, now).map(|dates| dates.number);
        &number.and_then(|number| self.numbered(number)).unwrap_or(&self.first).signer
    }

    /// The public halves.
    ///
    /// # Errors
    /// When signed notes cannot carry `origin`, the name that they come under until they are asked for under another.
    pub fn public(&self, origin: &str) -> Result<LogVerifiers, LedgerError> {
        let pairs = self.all().map(|key| Ok((key.dates, key.signer.verifiers(origin)?)));
        Ok(LogVerifiers(pairs.collect::<Result<_, LedgerError>>()?))
    }

    /// All public keys of one log, of which each may have signed what is on disk.
    pub(crate) fn verifiers(&self, origin: &str) -> Result<Vec<VerifierKey>, LedgerError> {
        let keys: Result<Vec<_>, _> = self.all().map(|key| key.signer.verifiers(origin)).collect();
        Ok(keys?.concat())
    }
}

/// The public halves of all pairs, ECDSA before Ed25519 within a pair.
#[derive(Debug, Clone)]
pub struct LogVerifiers(Vec<(LogKeyDates, Vec<VerifierKey>)>);

impl LogVerifiers {
    /// The pairs in the order of their list at `now`, each with its dates, as keys of the log `origin`.
    ///
    /// # Errors
    /// When signed notes cannot carry the origin.
    pub fn listed_at(
        &self,
        origin: &str,
        now: Timestamp,
    ) -> Result<Vec<(LogKeyDates, Vec<VerifierKey>)>, LedgerError> {
        let dates: Vec<LogKeyDates> = self.0.iter().map(|(dates, _)| *dates).collect();
        let mut pairs = Vec::with_capacity(self.0.len());
        for dates in listed(&dates, now) {
            let Some((_, keys)) = self.0.iter().find(|(other, _)| other.number == dates.number) else {
                continue;
            };
            let keys: Result<Vec<_>, _> = keys.iter().map(|key| key.renamed(origin)).collect();
            pairs.push((*dates, keys?));
        }
        Ok(pairs)
    }
}

/// One Ed25519 key for good, as for a log that no tool of the Access Transparency format reads.
impl From<SigningKey> for LogKeys {
    fn from(ed25519: SigningKey) -> Self {
        LogSigner { ed25519, ecdsa: None }.into()
    }
}

/// One pair for good.
impl From<LogSigner> for LogKeys {
    fn from(signer: LogSigner) -> Self {
        let always = Timestamp::UNIX_EPOCH;
        let dates =
            LogKeyDates { number: 1, announced_at: always, signs_from: always, changed_at: Some(always) };
        Self::new(LogKey { dates, signer }, Vec::new())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn day(number: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + number * 86_400).unwrap()
    }

    fn pair(number: u32, announced: i64, signs: i64) -> LogKeyDates {
        LogKeyDates { number, announced_at: day(announced), signs_from: day(signs), changed_at: None }
    }

    fn check(pairs: &[LogKeyDates], on: i64, expect: &[u32]) {
        let numbers: Vec<u32> = listed(pairs, day(on)).iter().map(|pair| pair.number).collect();
        assert_eq!(numbers, expect, "day {on}");
    }

    #[test]
    fn the_next_pair_is_listed_before_it_signs_and_the_old_ones_stay() {
        let pairs = [pair(1, 0, 0), pair(2, 10, 40), pair(3, 100, 130)];
        check(&pairs[..1], 5, &[1]);
        check(&pairs[..2], 10, &[1, 2]);
        check(&pairs[..2], 39, &[1, 2]);
        check(&pairs[..2], 40, &[2, 1]);
        check(&pairs, 129, &[2, 3, 1]);
        check(&pairs, 130, &[3, 2, 1]);
    }

    #[test]
    fn a_clock_that_is_set_back_does_not_bring_an_old_pair_back() {
        let begun = LogKeyDates { changed_at: Some(day(40)), ..pair(2, 10, 40) };
        check(&[pair(1, 0, 0), begun], 5, &[2, 1]);
    }

    #[test]
    fn announcements_keep_their_notice_and_come_one_at_a_time() {
        let now = day(10);
        let one = [pair(1, 0, 0)];
        assert_eq!(may_announce(&one, now, day(40), false), Ok(2));
        assert_eq!(may_announce(&one, now, day(39), false), Err(RotationRefused::TooSoon));
        assert_eq!(may_announce(&one, now, day(10), true), Ok(2), "a compromised key is replaced at once");
        assert_eq!(may_announce(&one, now, day(9), true), Err(RotationRefused::TooSoon), "never in the past");
        let two = [pair(1, 0, 0), pair(2, 9, 39)];
        let waiting = RotationRefused::Announced { signs_from: day(39) };
        assert_eq!(may_announce(&two, now, day(90), false), Err(waiting));
        assert_eq!(may_announce(&two, day(39), day(90), false), Ok(3));
        let many: Vec<_> = (1..=64).map(|number| pair(number, 0, 0)).collect();
        assert_eq!(may_announce(&many, now, day(90), false), Err(RotationRefused::TooMany));
    }

    proptest! {
        /// Whatever is announced by the rule: one pair signs at every instant after the first, a later instant never has an earlier
        /// pair, and every pair is listed exactly once, the signing one first, none of them signing before its notice is over.
        #[test]
        fn there_is_always_one_signer_and_it_only_moves_on(steps in proptest::collection::vec((0_i64..90, 0_i64..60), 0..8)) {
            let mut pairs = vec![pair(1, 0, 0)];
            let mut today = 0;
            for (wait, extra) in steps {
                today += wait;
                let from = today + NOTICE_DAYS + extra;
                if let Ok(number) = may_announce(&pairs, day(today), day(from), false) {
                    pairs.push(pair(number, today, from));
                }
            }
            let mut before = 1;
            for on in 0..today + 200 {
                let signer = signing(&pairs, day(on)).unwrap();
                prop_assert!(signer.number >= before);
                before = signer.number;
                prop_assert!(signer.number == 1 || signer.announced_at <= day(on - NOTICE_DAYS));
                let listed = listed(&pairs, day(on));
                prop_assert_eq!(listed[0], signer);
                let mut numbers: Vec<_> = listed.iter().map(|pair| pair.number).collect();
                numbers.sort_unstable();
                numbers.dedup();
                prop_assert_eq!(numbers.len(), pairs.len());
            }
        }
    }
}
