//! What the console says, in each language it speaks.
//!
//! The texts are Fluent files in `texts/`. A text that a language lacks is said in English; a test sees to it that none is
//! lacking.

use std::sync::LazyLock;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};

/// A language that the console speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Language {
    English,
    German,
}

impl Language {
    pub(super) const ALL: [Self; 2] = [Self::English, Self::German];

    /// The tag in HTML, cookies and the database.
    pub(super) const fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::German => "de",
        }
    }

    /// What the language calls itself.
    pub(super) const fn own_name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::German => "Deutsch",
        }
    }

    /// How instants look, for `strftime`.
    pub(super) const fn instant_form(self) -> &'static str {
        match self {
            Self::English => "%-d %b %Y, %H:%M UTC",
            Self::German => "%d.%m.%Y, %H:%M UTC",
        }
    }

    /// How days look, for `strftime`.
    pub(super) const fn day_form(self) -> &'static str {
        match self {
            Self::English => "%-d %b %Y",
            Self::German => "%d.%m.%Y",
        }
    }

    /// The language with this tag.
    pub(super) fn tagged(tag: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|language| language.tag() == tag)
    }

    /// The best of these languages for a browser's `Accept-Language`; English when it asks for none of them.
    pub(super) fn accepted(header: &str) -> Self {
        let mut best = (0.0_f32, Self::English);
        for range in header.split(',').take(32) {
            let mut parts = range.trim().split(';');
            let tag = parts.next().unwrap_or_default().split('-').next().unwrap_or_default();
            let weight = parts.find_map(|part| part.trim().strip_prefix("q=")?.parse().ok()).unwrap_or(1.0);
            if let Some(language) = Self::tagged(&tag.to_ascii_lowercase())
                && weight > best.0
            {
                best = (weight, language);
            }
        }
        best.1
    }

    const fn source(self) -> &'static str {
        match self {
            Self::English => include_str!("../../texts/en.ftl"),
            Self::German => include_str!("../../texts/de.ftl"),
        }
    }

    /// The text of this name.
    pub(super) fn text(self, name: &str) -> String {
        self.text_with(name, &[])
    }

    /// The text of this name with values put in. They are plain text: templates escape the whole.
    pub(super) fn text_with(self, name: &str, values: &[(&str, FluentValue<'_>)]) -> String {
        let mut arguments = FluentArgs::with_capacity(values.len());
        for (key, value) in values {
            arguments.set(*key, value.clone());
        }
        [self, Self::English]
            .into_iter()
            .find_map(|language| formatted(language, name, &arguments))
            .unwrap_or_else(|| name.to_owned())
    }
}

type Bundle = FluentBundle<FluentResource>;

static BUNDLES: LazyLock<Vec<(Language, Bundle)>> =
    LazyLock::new(|| Language::ALL.map(|language| (language, bundle(language))).into());

fn bundle(language: Language) -> Bundle {
    // A file that does not parse gives what parses; the tests refuse it.
    let resource =
        FluentResource::try_new(language.source().to_owned()).unwrap_or_else(|(partial, _)| partial);
    let mut bundle = FluentBundle::new_concurrent(language.tag().parse().into_iter().collect());
    // The marks around values are for mixed directions of writing, and both languages run the same way.
    bundle.set_use_isolating(false);
    bundle.add_resource_overriding(resource);
    bundle
}

fn formatted(language: Language, name: &str, arguments: &FluentArgs<'_>) -> Option<String> {
    let (_, bundle) = BUNDLES.iter().find(|(found, _)| *found == language)?;
    let pattern = bundle.get_message(name)?.value()?;
    let mut errors = Vec::new();
    let text = bundle.format_pattern(pattern, Some(arguments), &mut errors);
    Some(text.into_owned())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn names(language: Language) -> BTreeSet<String> {
        let text = language.source();
        assert!(FluentResource::try_new(text.to_owned()).is_ok(), "{language:?} does not parse");
        let begins = |line: &&str| line.starts_with(|c: char| c.is_ascii_lowercase());
        let names = text.lines().filter(begins).filter_map(|line| line.split_once(" ="));
        names.map(|(name, _)| name.to_owned()).collect()
    }

    #[test]
    fn every_language_says_the_same_things() {
        let english = names(Language::English);
        assert!(english.len() > 60, "only {} texts were found", english.len());
        assert_eq!(english, names(Language::German));
    }

    #[test]
    fn every_text_that_a_template_names_exists() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("templates/console");
        let names = names(Language::English);
        let mut found = 0;
        for entry in std::fs::read_dir(folder).unwrap() {
            let template = std::fs::read_to_string(entry.unwrap().path()).unwrap();
            for call in [".text(\"", ".text_with(\"", ".text_counting(\""] {
                for rest in template.split(call).skip(1) {
                    let name = rest.split('"').next().unwrap();
                    assert!(names.contains(name), "there is no text {name}");
                    found += 1;
                }
            }
        }
        assert!(found > 60, "only {found} names were recognised");
    }

    #[test]
    fn everything_that_is_named_by_what_it_is_has_its_texts() {
        let names = names(Language::English);
        for role in fiducia_policy::Role::ALL {
            for kind in ["role", "role-about"] {
                assert!(names.contains(&format!("{kind}-{role}")), "{kind}-{role}");
            }
        }
        for code in [
            "not-found",
            "invalid",
            "form-expired",
            "foreign-form",
            "method",
            "too-large",
            "too-slow",
            "too-many",
            "signed-out",
            "unavailable",
            "key-closed",
        ] {
            for name in [format!("refused-{code}"), format!("refused-{code}-title")] {
                assert!(names.contains(&name), "{name}");
            }
        }
        let mut centre: Vec<String> = Vec::new();
        let mut of = |kind: &str, found: Vec<&str>| {
            assert!(!found.is_empty(), "{kind}");
            centre.extend(found.iter().map(|name| format!("centre-{kind}-{}", name.replace('_', "-"))));
        };
        for kind in ["purpose", "yes"] {
            of(kind, fiducia_policy::ConsentPurpose::ALL.map(fiducia_policy::ConsentPurpose::name).to_vec());
        }
        for kind in ["state", "word"] {
            of(kind, fiducia_policy::ConsentState::ALL.map(fiducia_policy::ConsentState::name).to_vec());
        }
        of("act", fiducia_policy::ConsentAct::ALL.map(fiducia_policy::ConsentAct::name).to_vec());
        of("channel", fiducia_policy::ConsentChannel::ALL.map(fiducia_policy::ConsentChannel::name).to_vec());
        for kind in ["ground", "ground-about", "ground-ends"] {
            of(kind, fiducia_policy::GroundKind::ALL.map(fiducia_policy::GroundKind::name).to_vec());
        }
        of("reason", fiducia_policy::AccessReason::names());
        for kind in ["request", "request-about"] {
            of(kind, fiducia_policy::RequestKind::ALL.map(fiducia_policy::RequestKind::name).to_vec());
        }
        of(
            "request-state",
            fiducia_policy::RequestState::ALL.map(fiducia_policy::RequestState::name).to_vec(),
        );
        of("refusal", fiducia_policy::RefusalReason::ALL.map(fiducia_policy::RefusalReason::name).to_vec());
        of(
            "extension",
            fiducia_policy::ExtensionReason::ALL.map(fiducia_policy::ExtensionReason::name).to_vec(),
        );
        of(
            "step-request",
            "open confirm ask-identity identify begin extend fulfil refuse withdraw lift"
                .split(' ')
                .collect(),
        );
        of("done", "yes no answered delete restore keep let-go".split(' ').collect());
        of("clock", "received confirm due law extended closed".split(' ').collect());
        of("receipt", "purpose state recorded channel pseudonym id".split(' ').collect());
        of("certificate", "issued keys conversations records tried purged backups".split(' ').collect());
        of("role", "user assistant system tool".split(' ').collect());
        for name in centre {
            assert!(names.contains(&name), "{name}");
        }
        for method in ["password", "passkey", "provider"] {
            assert!(names.contains(&format!("account-method-{method}")), "{method}");
        }
    }

    #[test]
    fn all_evidence_has_its_words() {
        let names = names(Language::English);
        let mut needed: Vec<String> = Vec::new();
        let mut of = |kind: &str, found: Vec<&str>| {
            assert!(!found.is_empty(), "{kind}");
            needed.extend(found.iter().map(|name| format!("evidence-{kind}-{}", name.replace('_', "-"))));
        };
        of("event", fiducia_ledger::Event::kinds().to_vec());
        of("ground", fiducia_policy::GroundKind::ALL.map(fiducia_policy::GroundKind::name).to_vec());
        of("reason", fiducia_policy::AccessReason::names());
        of("role", vec!["oneself", "operator", "unknown"]);
        of("due", vec!["overdue", "week", "month", "later"]);
        of("policy", vec!["retention", "access"]);
        of("shape", vec!["newer", "other"]);
        of("shape-about", vec!["newer", "other"]);
        of("side", vec!["left", "right"]);
        of("signature", vec!["log", "witness", "unknown"]);
        of("key-end", fiducia_custody::KeyEndKind::ALL.map(fiducia_custody::KeyEndKind::name).to_vec());
        of("key-layer", fiducia_custody::KeyLayer::ALL.map(fiducia_custody::KeyLayer::name).to_vec());
        let kinds = "service-root safety-day violation-day feedback-day investigation legal-hold purpose-root subject \
             subject-feedback subject-apart conversation conversation-safety conversation-held content";
        of("key", kinds.split_whitespace().collect());
        for end in fiducia_custody::KeyEndKind::ALL {
            needed.push(format!("evidence-key-{}-at", end.name()));
        }
        for name in needed {
            assert!(names.contains(&name), "{name}");
        }
    }

    #[test]
    fn everything_about_sessions_of_reading_has_its_words() {
        use fiducia_policy as policy;
        let names = names(Language::English);
        let mut needed: Vec<String> = Vec::new();
        let mut of = |kind: &str, found: Vec<&str>| {
            needed.extend(found.iter().map(|name| format!("access-{kind}-{}", name.replace('_', "-"))));
        };
        for kind in ["state", "stands", "stands-about"] {
            of(kind, policy::AccessState::ALL.map(policy::AccessState::name).to_vec());
        }
        for kind in ["end", "ended-by"] {
            of(kind, policy::AccessEnd::ALL.map(policy::AccessEnd::name).to_vec());
        }
        of("needs", policy::AccessNeeds::ALL.map(policy::AccessNeeds::name).to_vec());
        of("alert", policy::AnomalyKind::ALL.map(policy::AnomalyKind::name).to_vec());
        of("sight", policy::Sight::ALL.map(policy::Sight::name).to_vec());
        of("notice", policy::AccessNoticeKind::ALL.map(policy::AccessNoticeKind::name).to_vec());
        of("role", vec!["user", "assistant", "system", "tool"]);
        of("kind", vec!["request", "answer", "turn"]);
        of("kind-of", vec!["case", "hold", "conversation", "records"]);
        of("scope", vec!["case", "hold", "conversation", "records", "request"]);
        of("done", vec!["approve", "deny", "withdraw", "end", "review", "lockbox-on", "lockbox-off"]);
        of("answer", policy::AccessAnswer::ALL.map(policy::AccessAnswer::name).to_vec());
        for name in needed {
            assert!(names.contains(&name), "{name}");
        }
    }

    #[test]
    fn browsers_get_the_language_they_ask_for() {
        let check =
            |header: &str, expect: Language| assert_eq!(Language::accepted(header), expect, "{header}");
        check("", Language::English);
        check("de-CH, en;q=0.8", Language::German);
        check("fr, en;q=0.5, de;q=0.9", Language::German);
        check("en-GB,en;q=0.9,de;q=0.8", Language::English);
        check("de;q=0", Language::English);
        check("de;q=nonsense,,;;", Language::German);
    }

    #[test]
    fn values_are_put_in_as_they_are() {
        let hostile = "<script>{ $name }";
        let text = Language::German.text_with("home-hello", &[("name", hostile.into())]);
        assert!(text.contains(hostile), "{text}");
        assert_eq!(Language::German.text("no-such-text"), "no-such-text");
    }
}
