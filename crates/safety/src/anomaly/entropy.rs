//! How evenly the characters of a window that moves are spread, and of what kinds they are.

use std::sync::LazyLock;

use zeroize::Zeroize;

/// How many characters the window has.
const SIZE: usize = 1_024;

/// n log2 n for every count that can be.
static TERMS: LazyLock<Vec<f32>> = LazyLock::new(|| {
    let term = |count: u16| if count == 0 { 0.0 } else { f32::from(count) * f32::from(count).log2() };
    (0..=u16::try_from(SIZE).unwrap_or(u16::MAX)).map(term).collect()
});

fn term(count: u16) -> f32 {
    TERMS.get(usize::from(count)).copied().unwrap_or_default()
}

/// What a character is, for noise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// Letters, digits, marks and spaces of ordinary text.
    Ordinary,
    /// Space and ends of lines, which ordinary text has often.
    Space,
    /// Letters of scripts whose texts have many different characters and few spaces.
    Wide,
    /// Control characters, the sign for what was not readable, private and unassigned ones.
    Noise,
}

pub(super) fn class_of(character: char) -> Class {
    match character {
        ' ' | '\n' | '\t' | '\r' => Class::Space,
        '\u{0}'..='\u{1f}'
        | '\u{7f}'..='\u{9f}'
        | '\u{fffd}'
        | '\u{e000}'..='\u{f8ff}'
        | '\u{f0000}'..='\u{10ffff}'
        | '\u{e0000}'..='\u{e0fff}' => Class::Noise,
        '\u{e00}'..='\u{eff}'
        | '\u{1000}'..='\u{109f}'
        | '\u{1780}'..='\u{17ff}'
        | '\u{2e80}'..='\u{d7af}'
        | '\u{f900}'..='\u{faff}'
        | '\u{20000}'..='\u{3ffff}' => Class::Wide,
        _ => Class::Ordinary,
    }
}

/// The last characters: how often each stands there.
pub(super) struct Spread {
    ring: Vec<(u8, Class)>,
    counts: [u16; 256],
    next: usize,
    filled: usize,
    /// The sum of n log2 n over the counts.
    sum: f32,
    noise: u16,
    spaces: u16,
    wide: u16,
}

impl Spread {
    pub(super) fn new() -> Self {
        Self {
            ring: vec![(0, Class::Ordinary); SIZE],
            counts: [0; 256],
            next: 0,
            filled: 0,
            sum: 0.0,
            noise: 0,
            spaces: 0,
            wide: 0,
        }
    }

    pub(super) fn push(&mut self, character: char) {
        let class = class_of(character);
        // Characters beyond ASCII share the other half of the places.
        let code = u32::from(character);
        let place = if code < 128 { code } else { 128 + code % 128 };
        let place = u8::try_from(place).unwrap_or_default();
        let Some(slot) = self.ring.get_mut(self.next) else { return };
        let (oldest, oldest_class) = std::mem::replace(slot, (place, class));
        self.next = (self.next + 1) % SIZE;
        if self.filled == SIZE {
            self.change(oldest, false);
            self.change_class(oldest_class, false);
        } else {
            self.filled += 1;
        }
        self.change(place, true);
        self.change_class(class, true);
    }

    fn change(&mut self, place: u8, more: bool) {
        if let Some(count) = self.counts.get_mut(usize::from(place)) {
            self.sum -= term(*count);
            *count = if more { *count + 1 } else { count.saturating_sub(1) };
            self.sum += term(*count);
        }
    }

    fn change_class(&mut self, class: Class, more: bool) {
        let count = match class {
            Class::Ordinary => return,
            Class::Space => &mut self.spaces,
            Class::Wide => &mut self.wide,
            Class::Noise => &mut self.noise,
        };
        *count = if more { *count + 1 } else { count.saturating_sub(1) };
    }

    /// Bits for each character, once the window is full.
    pub(super) fn bits(&self) -> Option<f32> {
        let size = f32::from(u16::try_from(SIZE).unwrap_or(u16::MAX));
        (self.filled == SIZE).then(|| (size.log2() - self.sum / size).max(0.0))
    }

    /// The share of noise among the last characters, once there are some.
    pub(super) fn noise(&self) -> Option<f32> {
        let part = |count: usize| f32::from(u16::try_from(count).unwrap_or(u16::MAX));
        (self.filled >= 64).then(|| f32::from(self.noise) / part(self.filled))
    }

    /// Whether there is next to no space among the last characters, although their script has some.
    pub(super) const fn has_no_spaces(&self) -> bool {
        self.filled == SIZE && self.spaces < 8 && self.wide < 100
    }
}

impl Drop for Spread {
    fn drop(&mut self) {
        for (place, _) in &mut self.ring {
            place.zeroize();
        }
    }
}
