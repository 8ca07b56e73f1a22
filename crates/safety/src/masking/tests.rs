use proptest::prelude::*;

use super::*;
use crate::Span;

fn at(text: &str, value: &str, kind: MaskKind) -> Sensitive {
    let start = text.find(value).unwrap();
    Sensitive { span: Span { start, end: start + value.len() }, kind }
}

/// Texts with brackets, placeholders and parts of them more often than chance would have it.
fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("[EMAIL_1]".to_owned()),
        Just("[TEXT_2B]".to_owned()),
        Just("[EMA".to_owned()),
        Just("IL_1]".to_owned()),
        Just("[NAME_".to_owned()),
        Just("Anna Schmidt".to_owned()),
        Just("Łucja".to_owned()),
        Just("王小明".to_owned()),
        "[\\[\\]_A-Z0-9 ]{0,6}",
        ".{0,4}",
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

fn kind() -> impl Strategy<Value = MaskKind> {
    prop::sample::select(vec![
        MaskKind::Email,
        MaskKind::Name,
        MaskKind::Phone,
        MaskKind::Secret,
        MaskKind::Text,
    ])
}

fn found() -> impl Strategy<Value = Vec<(prop::sample::Index, usize, MaskKind)>> {
    prop::collection::vec((any::<prop::sample::Index>(), 0_usize..14, kind()), 0..6)
}

fn places(text: &str, found: &[(prop::sample::Index, usize, MaskKind)]) -> Vec<Sensitive> {
    let place = |(index, length, kind): &(prop::sample::Index, usize, MaskKind)| {
        let start = index.index(text.len() + 1);
        // Some of these lie in the middle of a character or beyond the end, as a careless caller's might.
        Sensitive { span: Span { start, end: start + length }, kind: *kind }
    };
    found.iter().map(place).collect()
}

/// `text` cut at these places.
fn cut<'a>(text: &'a str, cuts: &[prop::sample::Index]) -> Vec<&'a str> {
    let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(text.len() + 1)).collect();
    at.retain(|position| text.is_char_boundary(*position));
    at.sort_unstable();
    let mut pieces = Vec::new();
    let mut last = 0;
    for position in at.into_iter().chain([text.len()]) {
        pieces.push(&text[last..position]);
        last = position;
    }
    pieces
}

proptest! {
    #[test]
    fn masking_then_restoring_gives_the_same_text_in_whatever_pieces(
        texts in prop::collection::vec((text(), found()), 1..4),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..20),
    ) {
        let mut table = MaskTable::new();
        let masked: Vec<String> =
            texts.iter().map(|(text, found)| table.mask(text, &places(text, found)).unwrap()).collect();
        for ((text, _), masked) in texts.iter().zip(&masked) {
            let mut restorer = Restorer::new(Surroundings::Text);
            let mut restored: String =
                cut(masked, &cuts).into_iter().map(|piece| restorer.push(&table, piece)).collect();
            restored.push_str(&restorer.end());
            prop_assert_eq!(&restored, text);
            prop_assert_eq!(&table.restore(masked), text);
        }
    }

    #[test]
    fn what_follows_changes_nothing_of_what_was_masked_before(
        texts in prop::collection::vec((text(), found()), 1..5),
        shown in any::<prop::sample::Index>(),
    ) {
        let mask = |texts: &[(String, Vec<_>)]| -> Vec<String> {
            let mut table = MaskTable::new();
            texts.iter().map(|(text, found)| table.mask(text, &places(text, found)).unwrap()).collect()
        };
        let whole = mask(&texts);
        let shown = shown.index(texts.len() + 1);
        prop_assert_eq!(&mask(&texts[..shown]), &whole[..shown]);
    }

    #[test]
    fn text_of_a_stranger_is_restored_unchanged(text in text()) {
        prop_assert_eq!(MaskTable::new().restore(&text), text);
    }

    #[test]
    fn nothing_waits_that_cannot_become_a_placeholder(text in text(), found in found(), answer in text()) {
        let mut table = MaskTable::new();
        table.mask(&text, &places(&text, &found)).unwrap();
        let mut restorer = Restorer::new(Surroundings::Text);
        restorer.push(&table, &answer);
        let waiting = restorer.end();
        prop_assert!(waiting.is_empty() || table.has_beginning(&waiting), "{waiting:?}");
    }
}

#[test]
fn a_value_has_one_placeholder_and_its_other_spellings_a_letter() {
    let mut table = MaskTable::new();
    let text = "Mail anna@example.org, or Anna@example.org; she is Anna Lindt. Call Anna Lindt.";
    let found = [
        at(text, "anna@example.org", MaskKind::Email),
        at(text, "Anna@example.org", MaskKind::Email),
        at(text, "Anna Lindt", MaskKind::Name),
    ];
    assert_eq!(
        table.mask(text, &found).unwrap(),
        "Mail [EMAIL_1], or [EMAIL_1B]; she is [NAME_1]. Call [NAME_1]."
    );
    let later = "Does Anna Lindt read anna@example.org? And Anna Lindtberg?";
    assert_eq!(table.mask(later, &[]).unwrap(), "Does [NAME_1] read [EMAIL_1]? And Anna Lindtberg?");
}

#[test]
fn what_looks_like_a_placeholder_is_replaced_and_comes_back() {
    let mut table = MaskTable::new();
    let text = "Write [EMAIL_1] into the template for a@b.example.";
    let masked = table.mask(text, &[at(text, "a@b.example", MaskKind::Email)]).unwrap();
    assert_eq!(masked, "Write [TEXT_1] into the template for [EMAIL_1].");
    assert_eq!(table.restore(&masked), text);
    assert_eq!(table.restore("[EMAIL_2] [FOO_1] [EMAIL_1"), "[EMAIL_2] [FOO_1] [EMAIL_1");
}

#[test]
fn values_in_json_are_escaped() {
    let mut table = MaskTable::new();
    let text = "Anna \"Ann\" O\\Neill\nHill";
    table
        .mask(text, &[Sensitive { span: Span { start: 0, end: text.len() }, kind: MaskKind::Name }])
        .unwrap();
    let mut restorer = Restorer::new(Surroundings::JsonString);
    let answer = restorer.push(&table, "{\"who\":\"[NAME_1]\"}");
    assert_eq!(answer, "{\"who\":\"Anna \\\"Ann\\\" O\\\\Neill\\nHill\"}");
}

#[test]
fn numbers_written_otherwise_share_a_number_and_dates_do_not() {
    let mut table = MaskTable::new();
    let text = "+49 30 1234567 or +49-30-1234567; 1.12.2020 or 11.2.2020";
    let found = [
        at(text, "+49 30 1234567", MaskKind::Phone),
        at(text, "+49-30-1234567", MaskKind::Phone),
        at(text, "1.12.2020", MaskKind::Date),
        at(text, "11.2.2020", MaskKind::Date),
    ];
    assert_eq!(table.mask(text, &found).unwrap(), "[PHONE_1] or [PHONE_1B]; [DATE_1] or [DATE_2]");
}

#[test]
fn a_full_table_refuses() {
    let mut table = MaskTable::new();
    let text: String =
        (0..=VALUES_MAX).flat_map(|number| ["v".to_owned(), number.to_string(), " ".to_owned()]).collect();
    let mut found = Vec::new();
    let mut start = 0;
    for word in text.split_inclusive(' ') {
        found.push(Sensitive { span: Span { start, end: start + word.len() - 1 }, kind: MaskKind::Secret });
        start += word.len();
    }
    assert_eq!(table.mask(&text, &found), Err(TooManyValues));
}

#[test]
fn no_value_is_in_debug_output() {
    let mut table = MaskTable::new();
    let text = "Ottilie Zwiebelfisch";
    table
        .mask(text, &[Sensitive { span: Span { start: 0, end: text.len() }, kind: MaskKind::Name }])
        .unwrap();
    let shown = format!("{table:?}");
    assert!(!shown.to_lowercase().contains("zwiebelfisch"), "{shown}");
}

#[test]
fn what_the_detectors_find_leaves_and_comes_back() {
    let texts = [
        "You help the staff of a harbour.",
        "Ottilie Brandvold (ottilie@mail.example.org, +49 30 901820) lives at Hauptstraße 12, 10115 Berlin. DB_PASSWORD=tR7vKq2mXw9z",
        "Write to Ottilie Brandvold that the pump is there. The template says [NAME_1].",
    ];
    let mut table = MaskTable::new();
    let masked: Vec<String> = texts
        .iter()
        .map(|text| {
            let personal =
                crate::personal_data::PersonalDataDetector.items(text).into_iter().map(Sensitive::from);
            let secrets =
                crate::secrets::SecretDetector::shipped().items(text).into_iter().map(Sensitive::from);
            table.mask(text, &personal.chain(secrets).collect::<Vec<_>>()).unwrap()
        })
        .collect();
    assert_eq!(masked[1], "[NAME_1] ([EMAIL_1], [PHONE_1]) lives at [ADDRESS_1]. DB_PASSWORD=[SECRET_1]");
    assert_eq!(masked[2], "Write to [NAME_1] that the pump is there. The template says [TEXT_1].");
    for (text, masked) in texts.iter().zip(&masked) {
        assert_eq!(table.restore(masked), *text);
    }
}
