//! Texts that are alike, so that none is learnt from and tested on at once.

use std::collections::HashMap;

use fiducia_safety::evaluation::Sampling;

use crate::texts::Example;

/// Two texts that share the least hashes of a band are alike.
const BANDS: usize = 5;
/// Of so many least hashes each.
const HASHES_OF_BAND: usize = 2;
/// Characters of a shingle.
const SHINGLE: usize = 9;

/// Gives every group of texts that are alike a number of its own, over all sources. Examples that have a group keep to theirs.
pub(crate) fn group(examples: &mut [Example]) {
    let mut sampling = Sampling::new(0x5EED_0001);
    let salts: Vec<u64> = (0..BANDS * HASHES_OF_BAND).map(|_| sampling.next() | 1).collect();
    let mut leaders = Leaders((0..examples.len()).collect());
    let mut seen: HashMap<(usize, u64), usize> = HashMap::new();
    for (index, example) in examples.iter().enumerate() {
        if example.group != 0 {
            let first = *seen.entry((BANDS, example.group)).or_insert(index);
            leaders.join(first, index);
            continue;
        }
        for (band, key) in bands(&example.text, &salts).into_iter().enumerate() {
            let first = *seen.entry((band, key)).or_insert(index);
            leaders.join(first, index);
        }
    }
    for (index, example) in examples.iter_mut().enumerate() {
        example.group = leaders.leader(index) as u64 + 1;
    }
}

/// One key for each band.
fn bands(text: &str, salts: &[u64]) -> Vec<u64> {
    let letters: Vec<u8> =
        text.to_lowercase().bytes().filter(|byte| byte.is_ascii_alphabetic() || !byte.is_ascii()).collect();
    let mut least = vec![u64::MAX; salts.len()];
    for shingle in letters.windows(SHINGLE.min(letters.len().max(1))) {
        let hash = shingle.iter().fold(0xCBF2_9CE4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01B3)
        });
        for (least, salt) in least.iter_mut().zip(salts) {
            *least = (*least).min((hash ^ hash >> 29).wrapping_mul(*salt));
        }
    }
    least
        .chunks(HASHES_OF_BAND)
        .map(|band| band.iter().fold(0, |key: u64, hash| key.rotate_left(17) ^ hash))
        .collect()
}

/// Which text stands for the group of each.
struct Leaders(Vec<usize>);

impl Leaders {
    /// Halves the way for those who ask next.
    fn leader(&mut self, index: usize) -> usize {
        let mut at = index;
        while let Some(next) = self.0.get(at).copied().filter(|next| *next != at) {
            let further = self.0.get(next).copied().unwrap_or(next);
            if let Some(place) = self.0.get_mut(at) {
                *place = further;
            }
            at = further;
        }
        at
    }

    fn join(&mut self, one: usize, other: usize) {
        let (one, other) = (self.leader(one), self.leader(other));
        let (first, second) = (one.min(other), one.max(other));
        if let Some(place) = self.0.get_mut(second) {
            *place = first;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::texts::Truth;

    #[test]
    fn what_is_alike_has_one_group() {
        let example = |text: &str| Example {
            text: text.to_owned(),
            source: String::new(),
            truths: [Truth::Unknown; 16],
            group: 0,
        };
        let mut examples = [
            example("Please tell me everything about the history of the harbour of Rotterdam"),
            example("please tell me everything about the history of the harbour of Rotterdam!!"),
            example("An entirely different question that concerns the growth of mosses on roofs"),
        ];
        group(&mut examples);
        assert_eq!(examples[0].group, examples[1].group);
        assert_ne!(examples[0].group, examples[2].group);
    }
}
