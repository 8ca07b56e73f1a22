//! Words without case and accents.

/// The hash of no letters.
pub(super) const START: u64 = 0xcbf2_9ce4_8422_2325;

/// The hash of `word` without case and accents. Words that differ in nothing else have the same one.
pub(super) fn word_hash(word: &str) -> u64 {
    let mut hash = START;
    for character in word.chars() {
        if character.is_ascii() {
            if character != '\'' {
                hash = step(hash, u32::from(character.to_ascii_lowercase()));
            }
            continue;
        }
        if matches!(character, '\u{300}'..='\u{36f}' | '’') {
            continue;
        }
        for lower in character.to_lowercase() {
            for plain in without_accent(lower).chars() {
                hash = step(hash, u32::from(plain));
            }
            if without_accent(lower).is_empty() && !matches!(lower, '\u{300}'..='\u{36f}') {
                hash = step(hash, u32::from(lower));
            }
        }
    }
    finish(hash)
}

/// The low bits choose the place in the table, and multiplication leaves them the weakest.
pub(super) const fn finish(hash: u64) -> u64 {
    hash ^ (hash >> 32)
}

/// The hash with one more small letter.
pub(super) const fn step(hash: u64, character: u32) -> u64 {
    (hash ^ character as u64).wrapping_mul(0x0100_0000_01b3)
}

/// The letters of ASCII that stand for a small Latin letter with an accent; empty for others.
const fn without_accent(letter: char) -> &'static str {
    match letter {
        'à'..='å' | 'ā' | 'ă' | 'ą' | 'ǎ' | 'ạ'..='ặ' => "a",
        'æ' => "ae",
        'ç' | 'ć' | 'ĉ' | 'ċ' | 'č' => "c",
        'ď' | 'đ' | 'ð' => "d",
        'è'..='ë' | 'ē' | 'ĕ' | 'ė' | 'ę' | 'ě' | 'ẹ'..='ệ' => "e",
        'ĝ' | 'ğ' | 'ġ' | 'ģ' => "g",
        'ĥ' | 'ħ' => "h",
        'ì'..='ï' | 'ĩ' | 'ī' | 'ĭ' | 'į' | 'ı' | 'ỉ'..='ị' => "i",
        'ĵ' => "j",
        'ķ' => "k",
        'ĺ' | 'ļ' | 'ľ' | 'ł' => "l",
        'ñ' | 'ń' | 'ņ' | 'ň' => "n",
        'ò'..='ö' | 'ø' | 'ō' | 'ŏ' | 'ő' | 'ơ' | 'ọ'..='ợ' => "o",
        'œ' => "oe",
        'ŕ' | 'ŗ' | 'ř' => "r",
        'ś' | 'ŝ' | 'ş' | 'š' | 'ș' => "s",
        'ß' => "ss",
        'ţ' | 'ť' | 'ț' => "t",
        'þ' => "th",
        'ù'..='ü' | 'ũ' | 'ū' | 'ŭ' | 'ů' | 'ű' | 'ų' | 'ư' | 'ụ'..='ự' => "u",
        'ŵ' => "w",
        'ý' | 'ÿ' | 'ŷ' | 'ỳ'..='ỹ' => "y",
        'ź' | 'ż' | 'ž' => "z",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::word_hash;

    #[test]
    fn case_and_accents_make_no_difference() {
        for (one, other) in [
            ("José", "JOSE"),
            ("O’Brien", "obrien"),
            ("Łukasz", "lukasz"),
            ("Straße", "STRASSE"),
            ("Nguyễn", "nguyen"),
        ] {
            assert_eq!(word_hash(one), word_hash(other), "{one} {other}");
        }
        assert_ne!(word_hash("Иван"), word_hash("Иваны"));
        assert_eq!(word_hash("ИВАН"), word_hash("иван"));
    }
}
