//! Check digits. Digits are numbers from 0 to 9, not characters.

/// The sum of each digit times its weight.
pub(super) fn weighted(digits: &[u8], weights: &[u32]) -> u32 {
    digits.iter().zip(weights).map(|(digit, weight)| u32::from(*digit) * weight).sum()
}

/// The digit at `position`, or a number that is no digit.
pub(super) fn digit(digits: &[u8], position: usize) -> u32 {
    digits.get(position).map_or(99, |digit| u32::from(*digit))
}

/// The number that the digits from `start` up to `end` write; 0 when there are none.
pub(super) fn number(digits: &[u8], start: usize, end: usize) -> u64 {
    let part = digits.get(start..end).unwrap_or_default();
    part.iter().fold(0, |number, digit| number * 10 + u64::from(*digit))
}

/// Luhn's sum over all digits, as on payment cards.
pub(super) fn luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, digit)| {
            let digit = u32::from(*digit);
            match place % 2 {
                0 => digit,
                _ if digit > 4 => digit * 2 - 9,
                _ => digit * 2,
            }
        })
        .sum();
    sum.is_multiple_of(10)
}

/// ISO 7064 mod 11,10: the last digit checks the others.
pub(super) fn mod_11_10(digits: &[u8]) -> bool {
    let Some((check, body)) = digits.split_last() else { return false };
    let mut product = 10;
    for digit in body {
        let sum = (u32::from(*digit) + product) % 10;
        product = if sum == 0 { 20 } else { sum * 2 } % 11;
    }
    (11 - product) % 10 == u32::from(*check)
}

/// Multiplication in the group of the pentagon's symmetries.
const VERHOEFF_PRODUCT: [[u8; 10]; 10] = [
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
    [1, 2, 3, 4, 0, 6, 7, 8, 9, 5],
    [2, 3, 4, 0, 1, 7, 8, 9, 5, 6],
    [3, 4, 0, 1, 2, 8, 9, 5, 6, 7],
    [4, 0, 1, 2, 3, 9, 5, 6, 7, 8],
    [5, 9, 8, 7, 6, 0, 4, 3, 2, 1],
    [6, 5, 9, 8, 7, 1, 0, 4, 3, 2],
    [7, 6, 5, 9, 8, 2, 1, 0, 4, 3],
    [8, 7, 6, 5, 9, 3, 2, 1, 0, 4],
    [9, 8, 7, 6, 5, 4, 3, 2, 1, 0],
];

/// What a digit becomes at each place, counted from the right.
const VERHOEFF_PERMUTATION: [[u8; 10]; 8] = [
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
    [1, 5, 7, 6, 2, 8, 3, 0, 9, 4],
    [5, 8, 0, 3, 7, 9, 6, 1, 4, 2],
    [8, 9, 1, 6, 0, 4, 3, 5, 2, 7],
    [9, 4, 5, 3, 1, 2, 6, 8, 7, 0],
    [4, 2, 8, 6, 5, 7, 3, 9, 0, 1],
    [2, 7, 9, 3, 8, 0, 6, 4, 1, 5],
    [7, 0, 4, 6, 9, 1, 3, 2, 5, 8],
];

/// Verhoeff's check over all digits.
pub(super) fn verhoeff(digits: &[u8]) -> bool {
    let at = |table: &[[u8; 10]], row: usize, column: u8| {
        table.get(row).and_then(|row| row.get(usize::from(column))).copied()
    };
    let sum = digits.iter().rev().enumerate().try_fold(0, |sum, (place, digit)| {
        let permuted = at(&VERHOEFF_PERMUTATION, place % 8, *digit)?;
        at(&VERHOEFF_PRODUCT, usize::from(sum), permuted)
    });
    sum == Some(0)
}

/// Letters as 10 to 35, digits as themselves; the remainder by 97 of what they write one after the other.
pub(super) fn mod_97(characters: impl Iterator<Item = u8>) -> Option<u32> {
    characters.map(|character| char::from(character).to_digit(36)).try_fold(0, |remainder, value| {
        let value = value?;
        Some(if value < 10 { remainder * 10 + value } else { remainder * 100 + value } % 97)
    })
}

/// Whether there is such a day in some year.
pub(super) fn is_day(month: u64, day: u64) -> bool {
    let days = match month {
        2 => 29,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    };
    (1..=days).contains(&day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digits(text: &str) -> Vec<u8> {
        text.bytes().filter(u8::is_ascii_digit).map(|byte| byte - b'0').collect()
    }

    #[test]
    fn known_numbers_pass_and_a_changed_digit_fails() {
        let check = |rule: fn(&[u8]) -> bool, text: &str| {
            let right = digits(text);
            assert!(rule(&right), "{text}");
            for place in 0..right.len() {
                let mut wrong = right.clone();
                wrong[place] = (wrong[place] + 1) % 10;
                assert!(!rule(&wrong), "{text} with another digit at {place}");
            }
        };
        check(luhn, "79927398713");
        check(luhn, "4111 1111 1111 1111");
        check(verhoeff, "2363");
        check(mod_11_10, "86095742719");
        assert_eq!(mod_97("3214282912345698765432161182".bytes()), Some(1));
        assert_eq!(mod_97("ä".bytes()), None);
    }
}
