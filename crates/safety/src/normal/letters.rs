//! Single characters: which are not seen, and which look like another.

/// Characters that take no room: a reader does not see them, and a model's tokens are torn apart by them.
pub(super) const fn is_invisible(character: char) -> bool {
    matches!(character,
        '\u{00AD}' | '\u{034F}' | '\u{061C}' | '\u{115F}'..='\u{1160}' | '\u{17B4}'..='\u{17B5}' | '\u{180B}'..='\u{180F}'
        | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{2800}' | '\u{3164}'
        | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF0}'..='\u{FFFB}' | '\u{1BCA0}'..='\u{1BCA3}'
        | '\u{1D173}'..='\u{1D17A}' | '\u{E0000}'..='\u{E0FFF}')
}

/// Marks that are drawn over the letter before.
pub(super) const fn is_mark(character: char) -> bool {
    matches!(character,
        '\u{0300}'..='\u{036F}' | '\u{0483}'..='\u{0489}' | '\u{1AB0}'..='\u{1AFF}' | '\u{1DC0}'..='\u{1DFF}'
        | '\u{20D0}'..='\u{20FF}' | '\u{FE20}'..='\u{FE2F}')
}

/// Scripts of which a single character is a word or a syllable, and whose decompositions say nothing.
pub(crate) const fn is_ideograph(character: char) -> bool {
    matches!(character,
        '\u{2E80}'..='\u{2FFF}' | '\u{3040}'..='\u{312F}' | '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}'
        | '\u{AC00}'..='\u{D7A3}' | '\u{F900}'..='\u{FAFF}' | '\u{20000}'..='\u{323AF}')
}

/// The Latin letter, digit or sign for which a character of another script is mistaken. Only lower-case letters are asked for.
/// From what the Unicode Consortium lists as confusable (UTS 39), those that single letters of Latin text are replaced by.
pub(super) const fn looks_like(character: char) -> char {
    match character {
        'а' | 'α' | 'ɑ' | 'ᴀ' | 'ꭺ' | 'ⲁ' => 'a',
        'в' | 'ʙ' | 'ƅ' | 'ь' | 'ꮟ' | 'ɓ' => 'b',
        'с' | 'ϲ' | 'ᴄ' | 'ⲥ' | 'ꮯ' | 'ƈ' => 'c',
        'ԁ' | 'ɗ' | 'ᴅ' | 'ꭰ' | 'đ' => 'd',
        'е' | 'ҽ' | 'ᴇ' | 'ɛ' | 'ε' | 'є' | 'ǝ' | 'ə' | 'ꬲ' => 'e',
        'ғ' | 'ꜰ' | 'ƒ' | 'ꞙ' | 'ẝ' => 'f',
        'ɡ' | 'ɢ' | 'ց' | 'ǥ' | 'ɠ' => 'g',
        'һ' | 'ʜ' | 'հ' | 'ꮒ' | 'н' | 'ħ' => 'h',
        'і' | 'ι' | 'ɪ' | 'ı' | 'ӏ' | 'ⅰ' | 'ɩ' | 'ꙇ' | 'ɨ' => 'i',
        'ј' | 'ϳ' | 'ᴊ' | 'ʝ' | 'ɉ' => 'j',
        'к' | 'κ' | 'ᴋ' | 'ⲕ' | 'ƙ' => 'k',
        'ʟ' | 'ⅼ' | 'ł' | 'ꓡ' | 'ɭ' | 'ǀ' | 'ƚ' => 'l',
        'м' | 'ᴍ' | 'ⅿ' | 'ɱ' => 'm',
        'ո' | 'ɴ' | 'η' | 'п' | 'ռ' | 'ŋ' | 'ɲ' => 'n',
        'о' | 'ο' | 'σ' | 'օ' | 'ᴏ' | 'ⲟ' | 'ꓳ' | 'ø' | 'ჿ' | '๐' | 'ɵ' => 'o',
        'р' | 'ρ' | 'ᴘ' | 'ⲣ' | 'ƿ' => 'p',
        'ԛ' | 'զ' | 'գ' | 'ɋ' => 'q',
        'г' | 'ʀ' | 'ꭇ' | 'ꮁ' | 'ɾ' | 'ɼ' => 'r',
        'ѕ' | 'ꜱ' | 'ƽ' | 'ꮪ' | 'ʂ' => 's',
        'т' | 'τ' | 'ᴛ' | 'ⲧ' | 'ŧ' | 'ƭ' => 't',
        'υ' | 'ս' | 'ᴜ' | 'ц' | 'ʋ' | 'ꞟ' => 'u',
        'ν' | 'ѵ' | 'ᴠ' | 'ⅴ' | 'ꮩ' => 'v',
        'ԝ' | 'ω' | 'ѡ' | 'ᴡ' | 'ա' | 'ɯ' | 'ꮃ' => 'w',
        'х' | 'χ' | 'ⅹ' | 'ⲭ' | 'ӽ' => 'x',
        'у' | 'γ' | 'ү' | 'ʏ' | 'ყ' | 'ƴ' => 'y',
        'ᴢ' | 'ʐ' | 'ƶ' | 'ꮓ' | 'ʑ' => 'z',
        'ꓸ' | '․' => '.',
        '‘' | '’' | 'ʼ' | '′' | '`' | '´' => '\'',
        '“' | '”' | '«' | '»' | '″' | '„' => '"',
        '‐' | '‑' | '‒' | '–' | '—' | '−' => '-',
        other => other,
    }
}

/// The letter that a digit or sign stands for in disguised words.
pub(super) const fn disguised(character: char) -> Option<char> {
    Some(match character {
        '0' => 'o',
        '1' | '!' | '|' => 'i',
        '3' | '€' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '7' | '+' => 't',
        '8' => 'b',
        '9' => 'g',
        _ => return None,
    })
}
