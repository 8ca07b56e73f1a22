//! Names of labels in data sets, and which heads they are about.

use crate::linear::Head;

/// The heads that a text with this label should be found by: short names as public sets use them, the names of heads, and those of
/// categories. Empty for a label that no head is about.
pub fn heads_of_label(label: &str) -> Vec<Head> {
    let short: &[Head] = match label {
        "injection" | "jailbreak" => &[Head::Injection],
        "sysleak" => &[Head::InstructionExtraction],
        "unsafe" | "crime" | "misinfo" | "privacy" | "harm" => &[Head::GeneralHarm],
        "cyber" => &[Head::CyberMisuse],
        "cbrn" | "biochem" => &[Head::BiologicalMisuse],
        "frontier" => &[Head::FrontierModelDevelopment],
        "reasoning" => &[Head::ReasoningExtraction],
        "violence" => &[Head::Violence],
        "hate" => &[Head::Hate],
        "selfharm" => &[Head::SelfHarm],
        "sexual" => &[Head::Sexual],
        "csae" => &[Head::ChildSafety],
        "biometric" => &[Head::BiometricIdentification],
        "toxic" => &[Head::Abuse],
        "out_harm" => &[Head::HarmfulAnswer],
        _ => &[],
    };
    if !short.is_empty() {
        return short.to_vec();
    }
    let named = Head::ALL.into_iter().find(|head| head.name() == label);
    let category = |head: &Head| head.category().is_some_and(|category| category.name() == label);
    named.map_or_else(|| Head::ALL.into_iter().filter(category).collect(), |head| vec![head])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_name_heads_in_three_ways() {
        assert_eq!(heads_of_label("cbrn"), [Head::BiologicalMisuse]);
        assert_eq!(heads_of_label("harmful-answer"), [Head::HarmfulAnswer]);
        assert_eq!(
            heads_of_label("prompt-injection"),
            [Head::Injection, Head::IndirectInjection, Head::InstructionExtraction]
        );
        assert!(heads_of_label("weather").is_empty());
    }
}
