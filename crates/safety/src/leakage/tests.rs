use proptest::prelude::*;

use super::*;

const PROMPT: &str = "You are Wren, the assistant of the Blendlip library. Never mention the reading room on the third floor, because it is \
    closed until the new windows arrive. Answer in the person's language. When somebody asks about fines, send them to the desk.";

/// What is found when `answer` arrives in pieces of so many characters.
fn watch(answer: &str, size: usize) -> Vec<crate::Finding> {
    let instructions = Instructions::new(PROMPT);
    let mut watch = InstructionWatch::new(&instructions);
    let characters: Vec<char> = answer.chars().collect();
    let pieces = characters.chunks(size).map(|piece| piece.iter().collect::<String>());
    pieces.filter_map(|piece| watch.push(&instructions, &piece)).collect()
}

#[test]
fn a_repetition_is_found_whatever_its_case_and_spacing() {
    let spaced: String = PROMPT.to_uppercase().chars().flat_map(|letter| [letter, ' ']).collect();
    for answer in
        [PROMPT.to_owned(), PROMPT.replace(' ', "\n> "), spaced, format!("Sure! My rules: «{PROMPT}»")]
    {
        for size in [1, 3, 1_000] {
            let found = watch(&answer, size);
            assert_eq!(
                found.last().unwrap().score,
                fiducia_policy::Score::CERTAIN,
                "{answer} in pieces of {size}"
            );
        }
    }
}

#[test]
fn the_place_is_what_agrees() {
    let part = "Never mention the reading room on the third floor, because it is closed until the new windows arrive.";
    let answer = format!("I was told: {part} That is all.");
    let found = watch(&answer, 7);
    let span = found[0].spans[0];
    assert!(answer[span.start..].starts_with("Never mention"), "{span:?}");
    assert!(span.end <= answer.find(" That").unwrap());
}

#[test]
fn answers_that_follow_instructions_repeat_none() {
    for answer in [
        "I am Wren, the assistant of the Blendlip library.",
        "Please ask about fines at the desk.",
        "",
        "closed until the new windows arrive",
    ] {
        assert!(watch(answer, 4).is_empty(), "{answer}");
    }
}

#[test]
fn what_the_person_said_too_may_be_repeated() {
    let mut instructions = Instructions::new(PROMPT);
    instructions.without(&format!("Translate this for me: {PROMPT}"));
    let mut watch = InstructionWatch::new(&instructions);
    assert!(watch.push(&instructions, PROMPT).is_none());
}

#[test]
fn canaries_are_found_in_any_pieces_and_spacing() {
    let canary = canary_from(&[7; CANARY_BYTES]);
    let canaries = Canaries::new([canary.as_str()]).unwrap();
    let spaced: String =
        canary.to_uppercase().replace('-', "").chars().flat_map(|letter| [letter, '.']).collect();
    for answer in [format!("it says {} there", canary.as_str()), format!("it says {spaced} there")] {
        let mut watch = CanaryWatch::new(&canaries);
        let found: Vec<_> =
            answer.chars().flat_map(|piece| watch.push(&canaries, &piece.to_string())).collect();
        assert_eq!(found.len(), 1, "{answer}");
    }
    let mut watch = CanaryWatch::new(&canaries);
    assert!(watch.push(&canaries, "nothing of the kind").is_empty());
    assert_eq!(Canaries::new(["short"]).unwrap_err(), CanaryError::Length);
}

#[test]
fn nothing_of_instructions_is_in_debug_output() {
    let instructions = Instructions::new(PROMPT);
    let shown = format!(
        "{instructions:?} {:?} {:?}",
        InstructionWatch::new(&instructions),
        Canaries::new(["wrenwrenwrenwren"])
    );
    assert!(!shown.to_lowercase().contains("wren"), "{shown}");
}

proptest! {
    #[test]
    fn the_pieces_make_no_difference(answer in "[A-Za-z é王]{0,60}", cut in 0_usize..200, size in 1_usize..50) {
        let answer = format!("{answer}{}{answer}", &PROMPT[..cut]);
        let whole = watch(&answer, 100_000).last().map(|finding| finding.score);
        let pieces = watch(&answer, size).last().map(|finding| finding.score);
        prop_assert_eq!(whole, pieces);
    }
}
