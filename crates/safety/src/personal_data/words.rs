//! What lists say about words: names, honorifics, parts of addresses, months, and words that tell what a number beside them is.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

use super::fold::word_hash;

/// The lists. Each line is a class and its words; a word may be in several. Lines that begin with `#` are comments.
const LISTS: [&str; 5] = [
    include_str!("lists/given.txt"),
    include_str!("lists/family.txt"),
    include_str!("lists/everyday.txt"),
    include_str!("lists/context.txt"),
    include_str!("lists/places.txt"),
];

/// Words of scripts without spaces, which are looked for inside of longer runs.
const UNSPACED: &str = include_str!("lists/unspaced.txt");

/// What is known about a word: a set of traits, and the month when it is one's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Traits(u64);

macro_rules! traits {
    ($($(#[$doc:meta])* $name:ident = $bit:literal, $text:literal;)+) => {
        impl Traits {
            $($(#[$doc])* pub(super) const $name: Self = Self(1 << $bit);)+

            /// The trait that a class of the lists gives.
            fn of_class(class: &str) -> Option<Self> {
                match class {
                    $($text => Some(Self::$name),)+
                    _ => class.strip_prefix("month-")?.parse::<u64>().ok().map(|month| Self(month << MONTH_SHIFT)),
                }
            }
        }
    };
}

/// Where the number of the month lies.
const MONTH_SHIFT: u32 = 60;

traits! {
    GIVEN = 0, "given";
    FAMILY = 1, "family";
    /// Also an everyday word, or the name of a place.
    AMBIGUOUS = 2, "ambiguous";
    HONORIFIC = 3, "honorific";
    /// As `van` and `de`, between the parts of a name.
    PARTICLE = 4, "particle";
    /// Begins a sentence or a title often, and is no name.
    EVERYDAY = 5, "everyday";
    /// After it, what looked like a name is a place, a firm or a thing.
    THING = 6, "thing";
    STREET_BEFORE = 7, "street-before";
    STREET_AFTER = 8, "street-after";
    STATE = 9, "state";
    NEAR_NAME = 10, "near-name";
    NEAR_BIRTH = 11, "near-birth";
    NEAR_PHONE = 12, "near-phone";
    NEAR_CARD = 13, "near-card";
    NEAR_PASSPORT = 14, "near-passport";
    NEAR_LICENCE = 15, "near-licence";
    NEAR_PLATE = 16, "near-plate";
    NEAR_ADDRESS = 17, "near-address";
    NEAR_ID = 18, "near-id";
    /// After a name, only people do this.
    DOES = 19, "does";
    /// Before a name in a sentence about oneself, as `am` and `heiße`.
    AM = 20, "am";
    ID_AMERICA = 30, "id-us";
    ID_CANADA = 31, "id-ca";
    ID_BRAZIL = 32, "id-br";
    ID_LATIN = 33, "id-latin";
    ID_GERMANY = 34, "id-de";
    ID_FRANCE = 35, "id-fr";
    ID_SPAIN = 36, "id-es";
    ID_ITALY = 37, "id-it";
    ID_PORTUGAL = 38, "id-pt";
    ID_NETHERLANDS = 39, "id-nl";
    ID_BELGIUM = 40, "id-be";
    ID_ALPS = 41, "id-alps";
    ID_POLAND = 42, "id-pl";
    ID_CZECH = 43, "id-cz";
    ID_BALKAN = 44, "id-balkan";
    ID_NORDIC = 45, "id-nordic";
    ID_BALTIC = 46, "id-baltic";
    ID_TURKEY = 47, "id-tr";
    ID_ISRAEL = 48, "id-il";
    ID_RUSSIA = 49, "id-ru";
    ID_AFRICA = 50, "id-africa";
    ID_INDIA = 51, "id-in";
    ID_CHINA = 52, "id-cn";
    ID_KOREA = 53, "id-kr";
    ID_JAPAN = 54, "id-jp";
    ID_SOUTH_EAST_ASIA = 55, "id-sea";
    ID_OCEANIA = 56, "id-oceania";
    ID_BRITAIN = 57, "id-uk";
}

impl Traits {
    /// An unknown word.
    pub(super) const NONE: Self = Self(0);

    /// The highest bit of a trait, plus one.
    pub(super) const COUNT: usize = 58;

    /// Everything that says what a number or a name beside it is.
    const CONTEXT: Self = Self(((1 << 58) - 1) & !((1 << 10) - 1));

    /// Whether it has any of `others`.
    pub(super) const fn any(self, others: Self) -> bool {
        self.0 & others.0 & ((1 << MONTH_SHIFT) - 1) != 0
    }

    /// Both.
    pub(super) const fn and(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    /// The month whose name the word is, from 1 to 12.
    pub(super) const fn month(self) -> Option<u64> {
        match self.0 >> MONTH_SHIFT {
            0 => None,
            month => Some(month),
        }
    }

    /// The numbers of those traits that are about what stands beside the word.
    pub(super) fn context_bits(self) -> impl Iterator<Item = usize> {
        let mut rest = self.0 & Self::CONTEXT.0;
        std::iter::from_fn(move || {
            let bit = usize::try_from(rest.trailing_zeros()).ok().filter(|_| rest != 0)?;
            rest &= rest - 1;
            Some(bit)
        })
    }

    /// Whether it has a trait that is about what stands beside the word.
    pub(super) const fn is_context(self) -> bool {
        self.0 & Self::CONTEXT.0 != 0
    }

    fn add(&mut self, others: Self) {
        if others.0 >> MONTH_SHIFT != 0 {
            self.0 &= (1 << MONTH_SHIFT) - 1;
        }
        self.0 |= others.0;
    }
}

/// Hashes of words, with open addressing.
#[derive(Debug)]
pub(super) struct WordTable {
    slots: Vec<(u64, Traits)>,
    mask: usize,
}

impl WordTable {
    /// What is known about the word with this hash.
    pub(super) fn traits(&self, hash: u64) -> Traits {
        let mut at = self.place(hash);
        loop {
            match self.slots.get(at) {
                Some((known, traits)) if *known == hash => return *traits,
                Some((0, _)) | None => return Traits::NONE,
                Some(_) => at = (at + 1) & self.mask,
            }
        }
    }

    fn with_places(count: usize) -> Self {
        // At most a third is filled, so that unknown words, which most are, meet an empty place at once.
        let places = (count * 3).next_power_of_two();
        Self { slots: vec![(0, Traits::NONE); places], mask: places - 1 }
    }

    fn add(&mut self, hash: u64, traits: Traits) {
        let mut at = self.place(hash);
        while let Some(slot) = self.slots.get_mut(at) {
            if slot.0 == 0 || slot.0 == hash {
                slot.0 = hash;
                slot.1.add(traits);
                return;
            }
            at = (at + 1) & self.mask;
        }
    }

    fn place(&self, hash: u64) -> usize {
        usize::try_from(hash & u64::from(u32::MAX)).unwrap_or_default() & self.mask
    }
}

/// The words of `lists` with their traits; lines of an unknown class are left out, which a test would find.
fn entries(lists: &'static str) -> impl Iterator<Item = (Traits, &'static str)> {
    lists.lines().filter(|line| !line.starts_with('#')).flat_map(|line| {
        let mut words = line.split_whitespace();
        let traits = words.next().and_then(Traits::of_class);
        traits.into_iter().flat_map(move |traits| words.clone().map(move |word| (traits, word)))
    })
}

static TABLE: LazyLock<WordTable> = LazyLock::new(|| {
    let count = LISTS.iter().flat_map(|list| entries(list)).count();
    let mut table = WordTable::with_places(count);
    for (traits, word) in LISTS.iter().flat_map(|list| entries(list)) {
        table.add(word_hash(word), traits);
    }
    table
});

/// All words of the lists.
pub(super) fn table() -> &'static WordTable {
    &TABLE
}

/// The words of scripts without spaces, all at once, and the traits of each.
static UNSPACED_WORDS: LazyLock<Option<(AhoCorasick, Vec<Traits>)>> = LazyLock::new(|| {
    let words: Vec<(Traits, &str)> = entries(UNSPACED).collect();
    // Building fails for more states than fit in 32 bits, which some hundred words never are.
    let automaton = AhoCorasick::new(words.iter().map(|(_, word)| word)).ok()?;
    Some((automaton, words.into_iter().map(|(traits, _)| traits).collect()))
});

/// What the words in a run of a script without spaces say together.
pub(super) fn unspaced(run: &str) -> Traits {
    let mut found = Traits::NONE;
    if let Some((automaton, traits)) = UNSPACED_WORDS.as_ref() {
        for word in automaton.find_overlapping_iter(run) {
            found.add(traits.get(word.pattern().as_usize()).copied().unwrap_or_default());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_lists_has_a_known_class() {
        for line in LISTS.iter().chain([&UNSPACED]).flat_map(|list| list.lines()) {
            let class = line.split_whitespace().next().unwrap_or("#");
            assert!(class.starts_with('#') || Traits::of_class(class).is_some(), "{line}");
        }
        assert!(LISTS.iter().flat_map(|list| entries(list)).count() > 4_000);
    }

    #[test]
    fn words_have_all_traits_of_their_lists() {
        let of = |word: &str| table().traits(word_hash(word));
        assert!(of("Will").any(Traits::GIVEN) && of("will").any(Traits::AMBIGUOUS));
        assert_eq!(of("März").month(), Some(3));
        assert_eq!(of("blendlip"), Traits::NONE);
        assert!(unspaced("我的身份证号码是").any(Traits::ID_CHINA));
    }
}
