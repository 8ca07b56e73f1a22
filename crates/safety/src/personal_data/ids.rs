//! What states number people by, where it is made of digits only.
//!
//! Each rule says how many digits, in which groups they are usually written, which check they pass, and how sure each way of
//! writing makes: alone, in its groups, and beside a word that names it. The rules follow what the issuing offices and national tax
//! guides publish about check digits.

use super::checksums::{digit, is_day, luhn, mod_11_10, number, verhoeff, weighted};
use super::kind::{IdScheme, PersonalDataKind};
use super::numbers::{Beside, Written};
use super::words::Traits;

/// How one number is recognised.
struct Rule {
    scheme: IdScheme,
    digits: usize,
    /// The groups in which it is written, with the marks that may stand between them.
    laid: &'static [(&'static [usize], &'static [u8])],
    check: fn(&[u8]) -> bool,
    /// Words that name it.
    beside: Traits,
    /// How sure it is alone, without groups. 0 is not at all.
    alone: f32,
    /// How sure it is in its groups.
    grouped: f32,
}

/// How sure a number is beside a word that names it.
const NAMED: f32 = 0.95;

/// The number that `written` is, and how sure that is.
pub(super) fn any(written: Written<'_>, beside: &Beside<'_, '_>) -> Option<(PersonalDataKind, f32)> {
    let mut best: Option<(PersonalDataKind, f32)> = None;
    for rule in RULES.iter().filter(|rule| rule.digits == written.digits.len()) {
        let is_laid = rule.laid.iter().any(|(lengths, marks)| written.is_laid(lengths, marks));
        let is_one = written.lengths.len() == 1;
        if !is_laid && !is_one || !(rule.check)(written.digits) {
            continue;
        }
        let score = if beside.says(rule.beside) {
            NAMED
        } else if beside.says(Traits::NEAR_ID) {
            0.8
        } else if is_laid {
            rule.grouped
        } else {
            rule.alone
        };
        if score > best.map_or(0.0, |(_, best)| best) {
            best = Some((PersonalDataKind::NationalId(rule.scheme), score));
        }
    }
    best
}

macro_rules! rules {
    ($($scheme:ident: $digits:literal, [$(($lengths:expr, $marks:literal)),*], $check:expr, $beside:ident, $alone:literal, $grouped:literal;)+) => {
        /// Every rule, by the number of digits.
        const RULES: &[Rule] = &[$(Rule {
            scheme: IdScheme::$scheme,
            digits: $digits,
            laid: &[$((&$lengths, $marks)),*],
            check: $check,
            beside: Traits::$beside,
            alone: $alone,
            grouped: $grouped,
        },)+];
    };
}

rules! {
    UnitedStatesSsn: 9, [([3, 2, 4], b"- ")], ssn, ID_AMERICA, 0.0, 0.85;
    UnitedStatesItin: 9, [([3, 2, 4], b"- ")], itin, ID_AMERICA, 0.0, 0.8;
    CanadaSin: 9, [([3, 3, 3], b"- ")], |d| luhn(d) && !matches!(digit(d, 0), 0 | 8), ID_CANADA, 0.0, 0.45;
    NetherlandsBsn: 9, [([4, 2, 3], b". "), ([3, 3, 3], b". "), ([2, 3, 2, 2], b". ")], bsn, ID_NETHERLANDS, 0.0, 0.0;
    PortugalNif: 9, [([3, 3, 3], b" .")], |d| eleven(d, &[9, 8, 7, 6, 5, 4, 3, 2]) && matches!(digit(d, 0), 1..=3), ID_PORTUGAL, 0.0, 0.0;
    IsraelIdentity: 9, [([8, 1], b"-")], |d| luhn_from_left(d), ID_ISRAEL, 0.0, 0.0;
    AustraliaTaxFile: 9, [([3, 3, 3], b" -")], |d| weighted(d, &[1, 4, 3, 7, 5, 8, 6, 9, 10]).is_multiple_of(11), ID_OCEANIA, 0.0, 0.4;
    NewZealandIrd: 9, [([3, 3, 3], b" -")], |d| digit(d, 0) == 1, ID_OCEANIA, 0.0, 0.0;
    CzechBirthNumber: 10, [([6, 4], b"/")], |d| birth_number(d), ID_CZECH, 0.0, 0.85;
    UnitedKingdomNhs: 10, [([3, 3, 4], b" -")], nhs, ID_BRITAIN, 0.0, 0.4;
    AustriaSocialInsurance: 10, [([4, 6], b" -"), ([4, 2, 2, 2], b" .")], svnr, ID_ALPS, 0.0, 0.6;
    BulgariaEgn: 10, [], egn, ID_BALKAN, 0.0, 0.0;
    DenmarkCpr: 10, [([6, 4], b"-")], |d| day_month(d, 0), ID_NORDIC, 0.0, 0.55;
    SwedenPersonal: 10, [([6, 4], b"-")], |d| luhn(d) && month_day(d, 2), ID_NORDIC, 0.0, 0.85;
    UkraineTax: 10, [], |d| ukraine(d), ID_RUSSIA, 0.0, 0.0;
    AustraliaMedicare: 10, [([4, 5, 1], b" -")], medicare, ID_OCEANIA, 0.0, 0.6;
    GermanyTaxId: 11, [([2, 3, 3, 3], b" /")], german_tax, ID_GERMANY, 0.4, 0.7;
    BrazilCpf: 11, [([3, 3, 3, 2], b".-/")], cpf, ID_BRAZIL, 0.55, 0.95;
    BelgiumNational: 11, [([2, 2, 2, 3, 2], b".- "), ([6, 3, 2], b"- ")], belgium, ID_BELGIUM, 0.5, 0.95;
    PolandPesel: 11, [], pesel, ID_POLAND, 0.55, 0.0;
    CroatiaOib: 11, [], |d| mod_11_10(d), ID_BALKAN, 0.0, 0.0;
    EstoniaLithuaniaPersonal: 11, [], baltic, ID_BALTIC, 0.4, 0.0;
    NorwayBirthNumber: 11, [([6, 5], b" ")], norway, ID_NORDIC, 0.6, 0.85;
    TurkeyIdentity: 11, [], turkey, ID_TURKEY, 0.45, 0.0;
    RussiaSnils: 11, [([3, 3, 3, 2], b"- ")], snils, ID_RUSSIA, 0.0, 0.95;
    ArgentinaCuit: 11, [([2, 8, 1], b"-")], |d| eleven(d, &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) && matches!(digit(d, 0), 2 | 3), ID_LATIN, 0.0, 0.9;
    IndiaAadhaar: 12, [([4, 4, 4], b" -")], |d| digit(d, 0) >= 2 && verhoeff(d), ID_INDIA, 0.0, 0.7;
    JapanMyNumber: 12, [([4, 4, 4], b" -")], my_number, ID_JAPAN, 0.0, 0.3;
    RussiaInn: 12, [], inn, ID_RUSSIA, 0.45, 0.0;
    SwedenPersonal: 12, [([8, 4], b"-")], |d| luhn(d.get(2..).unwrap_or_default()) && month_day(d, 4) && matches!(number(d, 0, 2), 19 | 20), ID_NORDIC, 0.7, 0.92;
    MalaysiaNric: 12, [([6, 2, 4], b"-")], |d| month_day(d, 2), ID_SOUTH_EAST_ASIA, 0.0, 0.75;
    SwitzerlandAhv: 13, [([3, 4, 4, 2], b". ")], |d| number(d, 0, 3) == 756 && ean13(d), ID_ALPS, 0.75, 0.96;
    RomaniaCnp: 13, [], romania, ID_BALKAN, 0.7, 0.0;
    BalkanJmbg: 13, [], jmbg, ID_BALKAN, 0.65, 0.0;
    SouthAfricaIdentity: 13, [([6, 4, 2, 1], b" "), ([6, 4, 3], b" ")], |d| luhn(d) && month_day(d, 2) && digit(d, 10) <= 1, ID_AFRICA, 0.7, 0.85;
    KoreaResident: 13, [([6, 7], b"-")], |d| month_day(d, 2) && (1..=8).contains(&digit(d, 6)), ID_KOREA, 0.0, 0.75;
    ThailandIdentity: 13, [([1, 4, 5, 2, 1], b"- ")], thailand, ID_SOUTH_EAST_ASIA, 0.0, 0.92;
    BrazilCnpj: 14, [([2, 3, 3, 4, 2], b"./-")], cnpj, ID_BRAZIL, 0.5, 0.92;
    FranceNir: 15, [([1, 2, 2, 2, 3, 3, 2], b" ."), ([13, 2], b" ")], nir, ID_FRANCE, 0.85, 0.97;
    IndonesiaNik: 16, [], nik, ID_SOUTH_EAST_ASIA, 0.0, 0.0;
    ChinaResident: 18, [([6, 8, 4], b" ")], |d| china(d, digit(d, 17)), ID_CHINA, 0.95, 0.95;
}

/// Whether the digits from `start` are a month and a day.
fn month_day(digits: &[u8], start: usize) -> bool {
    is_day(number(digits, start, start + 2), number(digits, start + 2, start + 4))
}

/// Whether the digits from `start` are a day and a month.
fn day_month(digits: &[u8], start: usize) -> bool {
    is_day(number(digits, start + 2, start + 4), number(digits, start, start + 2))
}

/// Whether the digit after the weighted ones is eleven minus their sum's remainder, with ten and eleven as nought.
fn eleven(digits: &[u8], weights: &[u32]) -> bool {
    let check = (11 - weighted(digits, weights) % 11) % 11;
    digit(digits, weights.len()) == if check == 10 { 0 } else { check }
}

fn ssn(digits: &[u8]) -> bool {
    let area = number(digits, 0, 3);
    // Numbers of advertisements and of books are nobody's.
    let is_sample = matches!(number(digits, 0, 9), 78_051_120 | 219_099_999 | 123_456_789);
    !matches!(area, 0 | 666 | 900..) && number(digits, 3, 5) > 0 && number(digits, 5, 9) > 0 && !is_sample
}

fn itin(digits: &[u8]) -> bool {
    digit(digits, 0) == 9 && matches!(number(digits, 3, 5), 50..=65 | 70..=88 | 90..=92 | 94..=99)
}

fn bsn(digits: &[u8]) -> bool {
    let sum = i64::from(weighted(digits, &[9, 8, 7, 6, 5, 4, 3, 2])) - i64::from(digit(digits, 8));
    sum % 11 == 0 && number(digits, 0, 9) > 0
}

/// Luhn's sum with the weights 1 and 2 from the left.
fn luhn_from_left(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .enumerate()
        .map(|(place, digit)| {
            let product = u32::from(*digit) * (1 + u32::from(place % 2 == 1));
            product / 10 + product % 10
        })
        .sum();
    sum.is_multiple_of(10) && sum > 0
}

fn birth_number(digits: &[u8]) -> bool {
    let month = number(digits, 2, 4);
    let month = [0, 20, 50, 70]
        .into_iter()
        .find_map(|added| month.checked_sub(added).filter(|m| (1..=12).contains(m)));
    number(digits, 0, 10).is_multiple_of(11) && month.is_some_and(|month| is_day(month, number(digits, 4, 6)))
}

fn nhs(digits: &[u8]) -> bool {
    let check = 11 - weighted(digits, &[10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11;
    check != 10 && check % 11 == digit(digits, 9) && number(digits, 0, 10) > 0
}

fn svnr(digits: &[u8]) -> bool {
    weighted(digits, &[3, 7, 9, 0, 5, 8, 4, 2, 1, 6]) % 11 == digit(digits, 3)
        && number(digits, 0, 3) >= 100
        && day_month(digits, 4)
}

fn egn(digits: &[u8]) -> bool {
    let month = number(digits, 2, 4);
    let month =
        [0, 20, 40].into_iter().find_map(|added| month.checked_sub(added).filter(|m| (1..=12).contains(m)));
    weighted(digits, &[2, 4, 8, 5, 10, 9, 7, 3, 6]) % 11 % 10 == digit(digits, 9)
        && month.is_some_and(|month| is_day(month, number(digits, 4, 6)))
}

fn ukraine(digits: &[u8]) -> bool {
    // The first weight is minus one, which is ten by eleven.
    weighted(digits, &[10, 5, 7, 9, 4, 6, 10, 5, 7]) % 11 % 10 == digit(digits, 9)
}

fn medicare(digits: &[u8]) -> bool {
    (2..=6).contains(&digit(digits, 0))
        && weighted(digits, &[1, 3, 7, 9, 1, 3, 7, 9]) % 10 == digit(digits, 8)
}

fn german_tax(digits: &[u8]) -> bool {
    let body = digits.get(..10).unwrap_or_default();
    let mut times = [0_u8; 10];
    for digit in body {
        if let Some(count) = times.get_mut(usize::from(*digit)) {
            *count += 1;
        }
    }
    // Exactly one digit stands twice or three times among the first ten.
    let repeated = times.iter().filter(|count| **count > 1).count();
    digit(digits, 0) != 0 && repeated == 1 && times.iter().all(|count| *count <= 3) && mod_11_10(digits)
}

fn cpf(digits: &[u8]) -> bool {
    let differs = digits.iter().any(|digit| digits.first() != Some(digit));
    differs
        && eleven(digits, &[10, 9, 8, 7, 6, 5, 4, 3, 2])
        && eleven(digits, &[11, 10, 9, 8, 7, 6, 5, 4, 3, 2])
}

fn cnpj(digits: &[u8]) -> bool {
    let differs = digits.iter().any(|digit| digits.first() != Some(digit));
    differs
        && eleven(digits, &[5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2])
        && eleven(digits, &[6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2])
}

fn belgium(digits: &[u8]) -> bool {
    let body = number(digits, 0, 9);
    let check = number(digits, 9, 11);
    let is_checked = [body, 2_000_000_000 + body].into_iter().any(|body| 97 - body % 97 == check);
    is_checked && month_day(digits, 2)
}

fn pesel(digits: &[u8]) -> bool {
    let month = number(digits, 2, 4) % 20;
    (10 - weighted(digits, &[1, 3, 7, 9, 1, 3, 7, 9, 1, 3]) % 10) % 10 == digit(digits, 10)
        && is_day(month, number(digits, 4, 6))
}

fn baltic(digits: &[u8]) -> bool {
    let check = match weighted(digits, &[1, 2, 3, 4, 5, 6, 7, 8, 9, 1]) % 11 {
        10 => weighted(digits, &[3, 4, 5, 6, 7, 8, 9, 1, 2, 3]) % 11 % 10,
        check => check,
    };
    check == digit(digits, 10) && (1..=6).contains(&digit(digits, 0)) && month_day(digits, 3)
}

fn norway(digits: &[u8]) -> bool {
    let day = number(digits, 0, 2) % 40;
    weighted(digits, &[3, 7, 6, 1, 8, 9, 4, 5, 2, 1]).is_multiple_of(11)
        && weighted(digits, &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1]).is_multiple_of(11)
        && is_day(number(digits, 2, 4), day)
}

fn turkey(digits: &[u8]) -> bool {
    let odd = weighted(digits, &[1, 0, 1, 0, 1, 0, 1, 0, 1]);
    let even = weighted(digits, &[0, 1, 0, 1, 0, 1, 0, 1, 0]);
    let all = weighted(digits, &[1; 10]);
    digit(digits, 0) != 0 && (odd * 7 + 90 - even) % 10 == digit(digits, 9) && all % 10 == digit(digits, 10)
}

fn snils(digits: &[u8]) -> bool {
    u64::from(weighted(digits, &[9, 8, 7, 6, 5, 4, 3, 2, 1]) % 101 % 100) == number(digits, 9, 11)
        && number(digits, 0, 9) > 0
}

fn inn(digits: &[u8]) -> bool {
    weighted(digits, &[7, 2, 4, 10, 3, 5, 9, 4, 6, 8]) % 11 % 10 == digit(digits, 10)
        && weighted(digits, &[3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8]) % 11 % 10 == digit(digits, 11)
        && number(digits, 0, 2) > 0
}

fn my_number(digits: &[u8]) -> bool {
    let check = 11 - weighted(digits, &[6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11;
    digit(digits, 11) == if check >= 10 { 0 } else { check }
}

fn ean13(digits: &[u8]) -> bool {
    weighted(digits, &[1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1]).is_multiple_of(10)
}

fn romania(digits: &[u8]) -> bool {
    let check = match weighted(digits, &[2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9]) % 11 {
        10 => 1,
        check => check,
    };
    check == digit(digits, 12) && (1..=8).contains(&digit(digits, 0)) && month_day(digits, 3)
}

fn jmbg(digits: &[u8]) -> bool {
    eleven(digits, &[7, 6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2])
        && day_month(digits, 0)
        && matches!(digit(digits, 4), 0 | 9)
}

fn thailand(digits: &[u8]) -> bool {
    (11 - weighted(digits, &[13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11) % 10 == digit(digits, 12)
        && (1..=8).contains(&digit(digits, 0))
}

fn nir(digits: &[u8]) -> bool {
    let month = number(digits, 3, 5);
    let has_sex = matches!(digit(digits, 0), 1 | 2 | 3 | 4 | 7 | 8);
    has_sex
        && (matches!(month, 1..=12 | 20..=42 | 50..=99))
        && 97 - number(digits, 0, 13) % 97 == number(digits, 13, 15)
}

fn nik(digits: &[u8]) -> bool {
    let day = number(digits, 6, 8);
    let day = if day > 40 { day - 40 } else { day };
    (11..=96).contains(&number(digits, 0, 2))
        && is_day(number(digits, 8, 10), day)
        && number(digits, 12, 16) > 0
}

/// The first seventeen digits of a Chinese resident's number, against their check: a digit, or 10 for the letter X.
pub(super) fn china(digits: &[u8], check: u32) -> bool {
    let sum = weighted(digits, &[7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]);
    (12 - sum % 11) % 11 == check
        && (11..=82).contains(&number(digits, 0, 2))
        && (1900..=2100).contains(&number(digits, 6, 10))
        && month_day(digits, 10)
}
