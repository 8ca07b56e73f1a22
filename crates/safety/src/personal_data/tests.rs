//! Every text here is invented. Numbers pass their check digits and are, as far as is known, nobody's.

use proptest::prelude::*;

use super::*;

/// What is found in `text` with at least this score, as `kind=words`.
fn found(text: &str, least: f32) -> Vec<String> {
    let items = PersonalDataDetector.items(text);
    let sure = items.iter().filter(|item| item.score.value() >= least);
    sure.map(|item| format!("{}={}", item.kind, &text[item.span.start..item.span.end])).collect()
}

/// Everything in `expect` is found in `text`, and nothing else that is likely.
fn check(text: &str, expect: &[&str]) {
    assert_eq!(found(text, 0.4), expect, "{text}");
}

fn check_id(text: &str, number: &str, expect: IdScheme) {
    let items = PersonalDataDetector.items(text);
    let is_there = items.iter().any(|item| {
        item.kind == PersonalDataKind::NationalId(expect) && &text[item.span.start..item.span.end] == number
    });
    assert!(is_there, "{text}: {items:?}");
}

#[test]
fn addresses_of_machines_and_mailboxes() {
    check("Write to Ottilie.Z+x@mail.example.org.", &["email=Ottilie.Z+x@mail.example.org"]);
    check(
        "jürgen@müller.example or a_b@c-d.example?",
        &["email=jürgen@müller.example", "email=a_b@c-d.example"],
    );
    check("It came from 84.115.9.27:443, not 10.1.2.", &["ip-address=84.115.9.27"]);
    check("Host 2001:db8:85a3::8a2e:370:7334 answers", &["ip-address=2001:db8:85a3::8a2e:370:7334"]);
    check("MAC 3c:22:fb:9a:01:7e here", &["mac-address=3c:22:fb:9a:01:7e"]);
    for nothing in [
        "at 12:30:45 h",
        "@handle",
        "a@b",
        "version 1.2.3.4",
        "https://example.org/a/192837465012/x",
        "std::vec",
        "f(a::b)",
    ] {
        check(nothing, &[]);
    }
}

#[test]
fn cards_and_accounts_need_their_check_digits() {
    check("Card 4111 1111 1111 1111 please", &["payment-card=4111 1111 1111 1111"]);
    check(
        "5555-5555-5555-4444 and 378282246310005",
        &["payment-card=5555-5555-5555-4444", "payment-card=378282246310005"],
    );
    check("Card 4111 1111 1111 1112 please", &[]);
    check("IBAN DE89 3704 0044 0532 0130 00.", &["bank-account=DE89 3704 0044 0532 0130 00"]);
    check("GB82WEST12345698765432", &["bank-account=GB82WEST12345698765432"]);
    check("DE89 3704 0044 0532 0130 01", &[]);
}

#[test]
fn telephone_numbers() {
    for text in [
        "+49 30 901820",
        "+1 (415) 555-2671",
        "(415) 555-2671",
        "415-555-2671",
        "06 12 34 56 78",
        "+33 6 12 34 56 78",
        "020 7946 0958",
        "090-1234-5678",
    ] {
        check(&format!("Reach me under {text} today"), &[&format!("phone={text}")]);
    }
    check("my phone is 5552671", &["phone=5552671"]);
    for nothing in [
        "in 1984-2004",
        "items 10 000 000",
        "order 123-4",
        "ISBN 978-3-16-148410-0",
        "technique T1218.012 (T1595.002)",
        "x = 0.123456789",
        "build 20240131.4",
    ] {
        check(nothing, &[]);
    }
}

#[test]
fn numbers_of_states() {
    use IdScheme::*;
    check_id("SSN 536-90-4399", "536-90-4399", UnitedStatesSsn);
    check_id("social security number: 536904399", "536904399", UnitedStatesSsn);
    check_id("SIN 193 456 787", "193 456 787", CanadaSin);
    check_id("CPF 529.982.247-25", "529.982.247-25", BrazilCpf);
    check_id("CNPJ 11.222.333/0001-81", "11.222.333/0001-81", BrazilCnpj);
    check_id("RUT 12.345.678-5", "12.345.678-5", ChileRut);
    check_id("CUIT 20-12345678-6", "20-12345678-6", ArgentinaCuit);
    check_id("Steuer-ID 86 095 742 719", "86 095 742 719", GermanyTaxId);
    check_id("NIR 2 55 08 14 168 025 38", "2 55 08 14 168 025 38", FranceNir);
    check_id("DNI 12345678Z", "12345678Z", SpainDni);
    check_id("NIE X1234567L", "X1234567L", SpainNie);
    check_id("CF RSSMRA85T10A562S", "RSSMRA85T10A562S", ItalyFiscalCode);
    check_id("BSN 111222333", "111222333", NetherlandsBsn);
    check_id("rijksregisternummer 85.07.30-033.28", "85.07.30-033.28", BelgiumNational);
    check_id("PESEL 44051401359", "44051401359", PolandPesel);
    check_id("personnummer 811228-9874", "811228-9874", SwedenPersonal);
    check_id("hetu 131052-308T", "131052-308T", FinlandHetu);
    check_id("CPR 010190-1234", "010190-1234", DenmarkCpr);
    check_id("NIF 123456789", "123456789", PortugalNif);
    check_id("AHV 756.9217.0769.85", "756.9217.0769.85", SwitzerlandAhv);
    check_id("NINO AB 12 34 56 C", "AB 12 34 56 C", UnitedKingdomNationalInsurance);
    check_id("NHS number 943 476 5919", "943 476 5919", UnitedKingdomNhs);
    check_id("Aadhaar 2345 6789 0124", "2345 6789 0124", IndiaAadhaar);
    check_id("PAN ABCPE1234F", "ABCPE1234F", IndiaPan);
    check_id("身份证号码：11010519491231002X", "11010519491231002X", ChinaResident);
    check_id("TFN 123 456 782", "123 456 782", AustraliaTaxFile);
    check_id("Medicare 2123 45670 1", "2123 45670 1", AustraliaMedicare);
    check_id("NRIC S1234567D", "S1234567D", SingaporeNric);
    check_id("HKID A123456(3)", "A123456(3)", HongKongIdentity);
    check_id("South African ID 8001015009087", "8001015009087", SouthAfricaIdentity);
    check_id("oib 94577403194", "94577403194", CroatiaOib);
    check_id("CNP 1800101221144", "1800101221144", RomaniaCnp);
    check_id("TC kimlik 10000000146", "10000000146", TurkeyIdentity);
    check_id("PPS 1234567T", "1234567T", IrelandPps);
    check_id("СНИЛС 112-233-445 95", "112-233-445 95", RussiaSnils);
}

#[test]
fn what_only_a_word_beside_it_names() {
    check("Passport C01X00T47 is lost", &["passport=C01X00T47"]);
    check("Führerschein B072RRE2I55", &["driver-licence=B072RRE2I55"]);
    check("Kennzeichen B-MW 1234", &["licence-plate=B-MW 1234"]);
    check("C01X00T47 B072RRE2I55", &[]);
}

#[test]
fn dates_of_birth_are_told_from_others() {
    check("born on 12 March 1984 in winter", &["birth-date=12 March 1984"]);
    check("geboren am 12.03.1984", &["birth-date=12.03.1984"]);
    check("DOB: 03/12/1984", &["birth-date=03/12/1984"]);
    check("née le 1er février 1990", &["birth-date=1er février 1990"]);
    check("fecha de nacimiento 12 de marzo de 1984", &["birth-date=12 de marzo de 1984"]);
    check("出生日期：1984年3月12日", &["birth-date=1984年3月12"]);
    check("The treaty of 12 March 1984", &[]);
    assert_eq!(found("The treaty of 12 March 1984", 0.1), ["date=12 March 1984"]);
    assert_eq!(
        found("On March 12, 1984, at 2024-01-31T10:00", 0.1),
        ["date=March 12, 1984", "date=2024-01-31T10"]
    );
    assert_eq!(found("You may 3 times; 99/99/9999; 1.2.3", 0.1), Vec::<String>::new());
}

#[test]
fn names_by_list_title_and_announcement() {
    check("Yesterday Ottilie Zwiebelfisch called.", &["name=Ottilie Zwiebelfisch"]);
    check("Ask Dr. Brandvold, please", &["name=Brandvold"]);
    check("My name is Qorvax Blendlip.", &["name=Qorvax Blendlip"]);
    check(
        "I met Jean-Luc van der Berg and María de la Cruz",
        &["name=Jean-Luc van der Berg", "name=María de la Cruz"],
    );
    check("signed J. R. Hernandez", &["name=J. R. Hernandez"]);
    check("Меня зовут Иван Петрович Сидоров.", &["name=Иван Петрович Сидоров"]);
    check("my name is john smithson", &["name=john"]);
    check("ask priya sharma about it", &["name=priya sharma"]);
    check("اسمي محمد الأحمد", &["name=محمد الأحمد"]);
    check("我叫王小明，住在北京。", &["name=王小明"]);
    check("田中さんに電話した", &["name=田中"]);
    check("이름: 김민준", &["name=김민준"]);
    check("Nguyễn Văn Anh works here", &["name=Nguyễn Văn Anh"]);
    check("Ich heiße Yılmaz Kaya", &["name=Yılmaz Kaya"]);
}

#[test]
fn words_that_are_also_names_are_none_alone() {
    for nothing in [
        "Will you mark the rose in May?",
        "Paris and Florence are cities; Jordan is a country.",
        "Summer in Virginia: hope, grace and joy.",
        "The Washington Monument and Lincoln Park",
        "Johns Hopkins University and the Nobel Prize",
        "Use Bayes theorem and the Newton method.",
        "Python, Java and Ruby are languages",
        "Der Koch und der Bauer gehen in den Wald.",
        "Grant access, then bill the client.",
        "Table 3 shows the results. Figure 4 does not.",
        "fn main() { let frank = 1; }",
    ] {
        check(nothing, &[]);
    }
}

#[test]
fn postal_addresses_of_several_countries() {
    for address in [
        "221B Baker Street, London NW1 6XE",
        "1600 Pennsylvania Avenue NW, Washington, DC 20500",
        "742 Evergreen Terrace, Springfield, IL 62704",
        "12 rue de la Paix, 75002 Paris",
        "Hauptstraße 12, 10115 Berlin",
        "Berliner Straße 7a, 10715 Berlin",
        "Calle Mayor 12, 28013 Madrid",
        "Via Roma 12, 00184 Roma",
        "Kerkstraat 12, 1017 GC Amsterdam",
        "Rua das Flores, 123, 01310-100 São Paulo",
        "ul. Długa 12, 00-238 Warszawa",
        "Storgatan 12, 111 51 Stockholm",
        "ул. Ленина, д. 5",
    ] {
        let text = format!("Please deliver to {address}.\nThanks");
        assert_eq!(found(&text, 0.6), [format!("address={address}")], "{text}");
    }
    check("北京市海淀区中关村大街27号", &["address=北京市海淀区中关村大街27号"]);
    for nothing in ["3 ways to drive a car", "Chapter 12 Street art", "10 Great Ideas", "the 5th place"] {
        check(nothing, &[]);
    }
}

#[test]
fn one_finding_for_each_kind_with_its_surest_score() {
    let findings = PersonalDataDetector.detect("a@b.example, c@d.example, 84.115.9.27", Provenance::Person);
    assert_eq!(findings.iter().map(|finding| finding.spans.len()).collect::<Vec<_>>(), [2, 1]);
    assert!(PersonalDataDetector.detect("", Provenance::Person).is_empty());
}

proptest! {
    #[test]
    fn places_are_in_order_apart_and_between_characters(text in any_text()) {
        let mut last = 0;
        for item in PersonalDataDetector.items(&text) {
            prop_assert!(item.span.start >= last && item.span.start < item.span.end);
            prop_assert!(text.get(item.span.start..item.span.end).is_some());
            last = item.span.end;
        }
    }

    #[test]
    fn a_date_of_birth_is_found_far_into_a_long_text(before in 0_usize..3) {
        let text = format!("{}born 12 March 1984", "Some words of no importance. ".repeat(before * 700));
        prop_assert!(found(&text, 0.9).contains(&"birth-date=12 March 1984".to_owned()));
    }
}

/// Texts with more marks, digits and parts of names than chance would have.
fn any_text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "[0-9]{1,6}",
        "[-+.:/@(), '\\n\\[\\]]",
        "[A-Z][a-z]{0,5}",
        Just("Anna".to_owned()),
        Just("Smith ".to_owned()),
        Just("Street".to_owned()),
        Just("born ".to_owned()),
        Just("王小明".to_owned()),
        Just("さん".to_owned()),
        Just("号".to_owned()),
        Just("O’Brien".to_owned()),
        ".{0,3}",
    ];
    prop::collection::vec(piece, 0..30).prop_map(|pieces| pieces.concat())
}

#[test]
fn floods_take_time_in_proportion() {
    // Each of these begins something at every token; nothing may look far ahead from each of them.
    for piece in [
        "1 ", "1.", "a@", "Anna ", "12 Main ", ":", "2001:", "DE89 ", "rue ", "+1(", "王", "先生", "Dr. ",
        "x",
    ] {
        let text = piece.repeat(200_000 / piece.len());
        let items = PersonalDataDetector.items(&text);
        assert!(items.len() <= ITEMS_MAX, "{piece}");
    }
}
