//! Texts written for the project, where no source has any: positives of rare kinds and, more of them, what looks like them and is benign.
//!
//! A file has lines of four kinds: `# comment`; `$name = one | two | three` gives a slot its fillings; `+ text` is a positive of the
//! file's head, with `{name}` where a filling goes; `- text` is a negative of every head. `head NAME` says which head.

use std::collections::HashMap;

use fiducia_safety::evaluation::Sampling;
use fiducia_safety::linear::{HEADS, Head};

use crate::failure::Failure;
use crate::texts::{Example, Truth};

/// The files, by name.
const FILES: [(&str, &str); 12] = [
    ("biological-misuse", include_str!("../templates/biological-misuse.txt")),
    ("frontier-model-development", include_str!("../templates/frontier-model-development.txt")),
    ("biometric-identification", include_str!("../templates/biometric-identification.txt")),
    ("reasoning-extraction", include_str!("../templates/reasoning-extraction.txt")),
    ("self-harm", include_str!("../templates/self-harm.txt")),
    ("child-safety", include_str!("../templates/child-safety.txt")),
    ("sexual", include_str!("../templates/sexual.txt")),
    ("violence", include_str!("../templates/violence.txt")),
    ("indirect-injection", include_str!("../templates/indirect-injection.txt")),
    ("instruction-extraction", include_str!("../templates/instruction-extraction.txt")),
    ("benign-security", include_str!("../templates/benign-security.txt")),
    ("benign-general", include_str!("../templates/benign-general.txt")),
];

/// The source that written examples say they are from.
pub(crate) const SYNTHETIC: &str = "synthetic";
/// The same for negatives, with the file's name after it: each file is a source of its own.
pub(crate) const LOOK_ALIKES: &str = "look-alikes/";
/// How many texts are made from one template at most.
const FILLINGS_MAX: usize = 40;

/// All written examples. Those of one template have one group.
pub(crate) fn examples() -> Result<Vec<Example>, Failure> {
    let mut all = Vec::new();
    let mut sampling = Sampling::new(0x5EED_0002);
    for (number, (name, text)) in FILES.iter().enumerate() {
        read(name, text, number as u64, &mut sampling, &mut all)?;
    }
    Ok(all)
}

fn read(
    name: &str,
    text: &str,
    number: u64,
    sampling: &mut Sampling,
    all: &mut Vec<Example>,
) -> Result<(), Failure> {
    let mut slots: HashMap<&str, Vec<&str>> = HashMap::new();
    let mut head = None;
    for (index, line) in text.lines().enumerate() {
        let wrong =
            |reason: &str| Failure::Form(format!("templates/{name}.txt, line {}: {reason}", index + 1));
        let group = number * 100_000 + index as u64 + 1;
        if line.trim().is_empty() || line.starts_with('#') {
        } else if let Some(rest) = line.strip_prefix("head ") {
            head = Some(Head::named(rest.trim()).ok_or_else(|| wrong("there is no such head"))?);
        } else if let Some(rest) = line.strip_prefix('$') {
            let (slot, fillings) = rest.split_once('=').ok_or_else(|| wrong("a slot needs `=`"))?;
            slots.insert(slot.trim(), fillings.split('|').map(str::trim).collect());
        } else if let Some(template) = line.strip_prefix("+ ") {
            let head = head.ok_or_else(|| wrong("a positive needs `head` before it"))?;
            for text in fill(template, &slots, sampling).map_err(|slot| wrong(&format!("no slot {slot}")))? {
                all.push(positive(text, head, group));
            }
        } else if let Some(template) = line.strip_prefix("- ") {
            for text in fill(template, &slots, sampling).map_err(|slot| wrong(&format!("no slot {slot}")))? {
                let truths = [Truth::Negative; HEADS];
                all.push(Example { text, source: format!("{LOOK_ALIKES}{name}"), truths, group });
            }
        } else {
            return Err(wrong("a line begins with `#`, `$`, `+ `, `- ` or `head `"));
        }
    }
    Ok(())
}

/// Somebody who asks for one kind of harm may ask for others, so only heads that are far away learn that it is none of theirs.
fn positive(text: String, head: Head, group: u64) -> Example {
    let mut example = Example { text, source: SYNTHETIC.to_owned(), truths: [Truth::Unknown; HEADS], group };
    let far: &[Head] = match head {
        Head::BiologicalMisuse | Head::Violence | Head::ChildSafety | Head::Sexual => &[
            Head::Injection,
            Head::IndirectInjection,
            Head::InstructionExtraction,
            Head::ReasoningExtraction,
            Head::FrontierModelDevelopment,
            Head::CyberMisuse,
        ],
        Head::SelfHarm => {
            &[Head::Injection, Head::CyberMisuse, Head::Hate, Head::BiologicalMisuse, Head::Sexual]
        }
        Head::FrontierModelDevelopment | Head::ReasoningExtraction | Head::BiometricIdentification => {
            &[Head::Violence, Head::Hate, Head::SelfHarm, Head::Sexual, Head::BiologicalMisuse, Head::Abuse]
        }
        _ => &[],
    };
    for other in far {
        example.set(*other, Truth::Negative);
    }
    example.set(head, Truth::Positive);
    if matches!(head, Head::BiologicalMisuse | Head::Violence | Head::ChildSafety) {
        example.set(Head::GeneralHarm, Truth::Positive);
    }
    example
}

/// Different texts made from one template.
fn fill(
    template: &str,
    slots: &HashMap<&str, Vec<&str>>,
    sampling: &mut Sampling,
) -> Result<Vec<String>, String> {
    let mut made: Vec<String> = Vec::new();
    let several = template.contains('{');
    for _ in 0..(if several { FILLINGS_MAX * 2 } else { 1 }) {
        let mut text = String::new();
        let mut rest = template;
        while let Some((before, after)) = rest.split_once('{') {
            let (slot, remainder) = after.split_once('}').ok_or_else(|| after.to_owned())?;
            let fillings = slots.get(slot).ok_or_else(|| slot.to_owned())?;
            text.push_str(before);
            text.push_str(fillings.get(sampling.below(fillings.len())).copied().unwrap_or_default());
            rest = remainder;
        }
        text.push_str(rest);
        let text = text.replace("\\n", "\n");
        if !made.contains(&text) && made.len() < FILLINGS_MAX {
            made.push(text);
        }
    }
    Ok(made)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_can_be_read_and_has_many_more_templates_than_one() {
        let examples = examples().unwrap();
        let positive = |head: Head| examples.iter().filter(|one| one.truth(head) == Truth::Positive).count();
        for head in
            [Head::BiologicalMisuse, Head::BiometricIdentification, Head::ReasoningExtraction, Head::SelfHarm]
        {
            assert!(positive(head) > 100, "{head:?}");
        }
        assert!(examples.iter().filter(|one| one.source.starts_with(LOOK_ALIKES)).count() > 2_000);
        // A slot that was left would be a brace before a letter; a filling may be a piece of JSON.
        let left = |text: &str| {
            text.match_indices('{').any(|(at, _)| text[at + 1..].starts_with(char::is_lowercase))
        };
        assert!(examples.iter().all(|one| !left(&one.text)));
    }
}
