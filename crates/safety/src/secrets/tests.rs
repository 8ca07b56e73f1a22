use proptest::prelude::*;

use super::check::crc_62;
use super::rule::Rule;
use super::*;

/// A generator with a seed of its own, so that a failing example can be made again.
struct Random(u64);

impl Random {
    fn next(&mut self) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 40).unwrap()
    }
}

/// The characters of a class in an example.
fn class(name: &str) -> &'static [u8] {
    match name {
        "hex" => b"0123456789abcdef",
        "HEX" => b"0123456789ABCDEF",
        "dig" => b"0123456789",
        "abc" => b"abcdefghijklmnopqrstuvwxyz",
        "low" => b"0123456789abcdefghijklmnopqrstuvwxyz",
        "up" => b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        "b32" => b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567",
        "bech" => b"QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L",
        // The marks of base 64 are left out: an example that ended in one would end elsewhere.
        "b62" | "b64" | "url" => b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
        other => panic!("an example names the class {other}"),
    }
}

/// An example with its classes filled: `{hex:32}` is 32 hexadecimal digits, `{crc}` the checksum of the run before it.
fn filled(example: &str, random: &mut Random) -> String {
    let mut text = String::new();
    let mut rest = example;
    while let Some((before, from)) = rest.split_once('{') {
        text.push_str(before);
        let (inner, after) = from.split_once('}').unwrap();
        rest = after;
        if inner == "crc" {
            let run = text.rsplit('_').next().unwrap().to_owned();
            text.push_str(std::str::from_utf8(&crc_62(run.as_bytes())).unwrap());
        } else if let Some((name, count)) =
            inner.split_once(':').filter(|(_, count)| count.parse::<usize>().is_ok())
        {
            let class = class(name);
            for _ in 0..count.parse::<usize>().unwrap() {
                text.push(char::from(class[random.next() % class.len()]));
            }
        } else {
            text.push('{');
            text.push_str(inner);
            text.push('}');
        }
    }
    text.push_str(rest);
    text
}

fn rules() -> &'static [Rule] {
    &SecretDetector::shipped().rules
}

#[test]
fn every_file_of_rules_is_whole() {
    let counts: Vec<usize> = FILES.iter().map(|file| rule_file::read(file).unwrap().len()).collect();
    assert_eq!(counts.iter().sum::<usize>(), rules().len());
    assert!(rules().len() >= 390, "{}", rules().len());
    let names: std::collections::BTreeSet<&str> = rules().iter().map(|rule| rule.name).collect();
    assert_eq!(names.len(), rules().len(), "a name is used twice");
    for rule in rules() {
        assert!(rule.key.len() >= 2 && !rule.says.is_empty(), "{}", rule.name);
    }
}

#[test]
fn every_rule_finds_its_example_and_leaves_its_counterexample() {
    let mut wrong = Vec::new();
    for rule in rules() {
        if let Err(error) = rule.make() {
            wrong.push(format!("{}: {error}", rule.name));
            continue;
        }
        for seed in 1..=2 {
            let mut random = Random(seed * 977);
            let yes = filled(rule.yes, &mut random);
            let no = filled(rule.no, &mut random);
            let found = |text: &str| {
                (0..text.len())
                    .filter(|start| {
                        text.is_char_boundary(*start)
                            && text[*start..].to_lowercase().starts_with(&rule.key.to_lowercase())
                    })
                    .any(|start| rule.try_at(text, start).is_some())
            };
            if !found(&yes) {
                wrong.push(format!("{} does not find {yes}", rule.name));
            }
            if SecretDetector::shipped().items(&format!("Look: {yes}\n")).is_empty() {
                wrong.push(format!("{}: all rules together do not find {yes}", rule.name));
            }
            if found(&no) {
                wrong.push(format!("{} finds {no}", rule.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_planted_wrong_rule_is_noticed() {
    let check = |file: &'static str| rule_file::read(file).map(|rules| rules.len());
    assert_eq!(check("rule a\nsays b\n"), Err(RuleFileError::Incomplete { rule: "a".to_owned() }));
    assert_eq!(check("rule a\nkind b\n"), Err(RuleFileError::Line { line: 2 }));
    assert_eq!(check("says b\n"), Err(RuleFileError::Line { line: 1 }));
    assert_eq!(
        check("rule a\nsays b\nkey c\nkey d\nform e\nyes f\nno g\n"),
        Err(RuleFileError::Incomplete { rule: "a".to_owned() })
    );
    assert_eq!(check("rule a\nsays b\nkey c\nform e\nyes f\nno g\n"), Ok(1));
}

/// The names of the rules that find something in `text`.
fn named(text: &str) -> Vec<&'static str> {
    SecretDetector::shipped().items(text).iter().map(|item| item.rule).collect()
}

#[test]
fn a_checksum_makes_certain_and_its_lack_less_sure() {
    let mut random = Random(7);
    let right = filled("ghp_{b62:30}{crc}", &mut random);
    let wrong = filled("ghp_{b62:36}", &mut random);
    let score = |text: &str| SecretDetector::shipped().items(text)[0].score;
    assert_eq!(score(&right), Score::CERTAIN);
    assert!(score(&wrong) < Score::try_from(0.7).unwrap());
}

#[test]
fn what_surrounds_a_secret_is_no_part_of_it() {
    let mut random = Random(3);
    let secret = filled("{b62:20}", &mut random);
    for text in [
        format!("DB_PASSWORD={secret}\n"),
        format!("{{\"password\": \"{secret}\"}}"),
        format!("password: '{secret}', x"),
    ] {
        let items = SecretDetector::shipped().items(&text);
        assert_eq!(items.len(), 1, "{text}");
        assert_eq!(&text[items[0].span.start..items[0].span.end], secret, "{text}");
    }
}

#[test]
fn placeholders_and_prose_are_no_secrets() {
    for text in [
        "export AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE",
        "password: your_password_here",
        "api_key = os.environ[\"API_KEY\"]",
        "api_key=\"${API_KEY}\"",
        "The password is required for signing in.",
        "You mean a password, right? The secret is simple: practice!",
        "token: String, secret: Option<Secret>",
        "let secret = generate_secret(length);",
        "Bearer of the ring; basic training; the machine login prompt",
        "postgres://user:password@localhost:5432/db and https://example.org/a:b@c",
        "sk-learn and sk_buff are libraries; task-1234567890123456789012345678901234567890",
        "0123456789abcdef0123456789abcdef01234567",
        "the secret to a good password: length",
    ] {
        assert_eq!(named(text), Vec::<&str>::new(), "{text}");
    }
}

#[test]
fn a_text_made_of_keys_ends_soon_and_has_limits() {
    for piece in ["AKIA", "eyJ", "-----BEGIN PRIVATE KEY-----", "password=", "sk-", "https://a:b@", "Bearer "]
    {
        let text = piece.repeat(100_000 / piece.len());
        assert!(SecretDetector::shipped().items(&text).len() <= SECRETS_MAX, "{piece}");
    }
}

proptest! {
    #[test]
    fn places_are_in_order_apart_and_between_characters(
        pieces in prop::collection::vec(prop_oneof!["(?s).{0,8}", Just("password=".to_owned()), Just("ghp_".to_owned()), "[0-9A-Za-z]{10,40}", Just("é".to_owned())], 0..12),
    ) {
        let text = pieces.concat();
        let mut last = 0;
        for item in SecretDetector::shipped().items(&text) {
            prop_assert!(item.span.start >= last && item.span.start < item.span.end);
            prop_assert!(text.get(item.span.start..item.span.end).is_some());
            last = item.span.end;
        }
    }
}
