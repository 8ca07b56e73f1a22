use proptest::prelude::*;

use super::*;

/// The anomalies of `answer` when it arrives in pieces of so many characters.
fn watch(answer: &str, size: usize) -> Vec<Anomaly> {
    let mut watch = AnswerWatch::new(AnomalyLimits::default());
    let characters: Vec<char> = answer.chars().collect();
    characters
        .chunks(size)
        .flat_map(|piece| watch.push(&piece.iter().collect::<String>()))
        .map(|found| found.anomaly)
        .collect()
}

/// Words that do not repeat as sentences do.
fn prose(words: usize) -> String {
    const WORDS: [&str; 32] = [
        "the",
        "river",
        "was",
        "slow",
        "and",
        "boats",
        "came",
        "late",
        "with",
        "salt",
        "from",
        "islands",
        "where",
        "people",
        "made",
        "it",
        "in",
        "pans",
        "under",
        "a",
        "sun",
        "that",
        "dried",
        "each",
        "shallow",
        "field",
        "before",
        "autumn",
        "rain",
        "could",
        "spoil",
        "everything",
    ];
    let mut state = 12_345_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        WORDS[usize::try_from(state >> 59).unwrap()]
    };
    (0..words).map(|_| next()).collect::<Vec<_>>().join(" ")
}

#[test]
fn loops_are_noticed_whatever_their_length() {
    for unit in ["a", "ab", "no ", "I will do it. ", "为什么", &prose(20), &prose(60)] {
        let answer = format!("{} {}", prose(50), unit.repeat(20_000 / unit.len()));
        let found = watch(&answer, 5);
        assert!(found.contains(&Anomaly::Repetition), "{unit}: {found:?}");
    }
    let long = prose(90);
    assert!(watch(&long.repeat(30), 9).contains(&Anomaly::Repetition));
}

#[test]
fn ordinary_answers_are_not_unusual() {
    let code = (0..200)
        .map(|line| format!("    let value_{line} = compute({}, \"name {line}\")?;\n", line * 7))
        .collect::<Vec<_>>()
        .concat();
    let table = (0..120)
        .map(|row| format!("| row {row} | {} | {} kg |\n", row * 13 % 97, row * 31 % 89))
        .collect::<Vec<_>>()
        .concat();
    for answer in [prose(3_000), code, table, "short".to_owned(), String::new()] {
        assert_eq!(watch(&answer, 6), [], "{}", &answer[..answer.len().min(40)]);
    }
}

#[test]
fn noise_and_encoded_data_are_noticed() {
    let mut state = 9_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        usize::try_from(state >> 58).unwrap()
    };
    let encoded: String = (0..3_000)
        .map(|_| char::from(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"[next()]))
        .collect();
    assert_eq!(watch(&encoded, 7), [Anomaly::HighEntropy]);
    let broken = prose(40).replace(' ', " \u{fffd}");
    assert!(watch(&broken, 7).contains(&Anomaly::Noise));
    assert!(watch(&"\u{0}\u{1}x".repeat(100), 7).contains(&Anomaly::Noise));
}

#[test]
fn size_is_told_at_each_doubling_only() {
    let found = watch(&prose(200_000), 1_000);
    assert_eq!(found, vec![Anomaly::Size; 3], "over one megabyte in pieces");
}

#[test]
fn an_anomaly_is_told_once_while_it_lasts() {
    let answer = format!("{}{}{}", prose(400), "again and again ".repeat(600), prose(6_000));
    let found = watch(&answer, 3);
    assert_eq!(found.iter().filter(|anomaly| **anomaly == Anomaly::Repetition).count(), 1, "{found:?}");
}

#[test]
fn nothing_of_an_answer_is_in_debug_output() {
    let mut watch = AnswerWatch::new(AnomalyLimits::default());
    watch.push("zwiebelfisch");
    assert!(!format!("{watch:?}").contains("zwiebelfisch"));
}

proptest! {
    #[test]
    fn any_text_in_any_pieces_is_taken(text in "(?s).{0,3000}", size in 1_usize..400) {
        let mut watch = AnswerWatch::new(AnomalyLimits::default());
        let characters: Vec<char> = text.chars().collect();
        let mut arrived = 0;
        for piece in characters.chunks(size) {
            let piece: String = piece.iter().collect();
            arrived += piece.len();
            for found in watch.push(&piece) {
                prop_assert!(found.at <= arrived && found.score.value() > 0.0);
            }
        }
    }
}
