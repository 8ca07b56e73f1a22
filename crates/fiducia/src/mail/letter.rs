//! The letters that ask, remind, and tell what became of a request, in English or German. No content, no notes of the staff, and
//! nothing that acts when it is clicked.

use fiducia_custody::{Letter, LetterAbout};
use fiducia_policy::{ConsentPurpose, LetterKind, RequestKind, Timestamp};
use lettre::Message;
use lettre::message::{Mailbox, SinglePart};

use super::mailbox;
use super::tongue::Tongue;

/// The mail with a letter. `console` is where people sign in, where there is such a place.
///
/// # Errors
/// When an address cannot be used; the text names no address.
pub(super) fn about(
    letter: &Letter,
    from: &str,
    contact: Option<&str>,
    console: Option<&str>,
) -> Result<Message, String> {
    let from = mailbox("mail.from is", from)?;
    let to = letter.to.expose().parse().map_err(|_| "the person's address is no mail address".to_owned())?;
    // The same mail has the same id when it is sent again, so that mail systems can tell.
    let id = format!("<{}@{}>", letter.id, from.email.domain());
    let tongue = Tongue::of(letter.language.as_deref());
    Message::builder()
        .from(from)
        .to(Mailbox::new(None, to))
        .subject(subject(letter.kind, tongue))
        .message_id(Some(id))
        .date(letter.queued_at.into())
        .singlepart(SinglePart::plain(text(letter, tongue, contact, console)))
        .map_err(|error| format!("the mail could not be composed: {error}"))
}

const fn subject(kind: LetterKind, tongue: Tongue) -> &'static str {
    match kind {
        LetterKind::Question => {
            tongue.say("A question about your conversations", "Eine Frage zu Ihren Gesprächen")
        }
        LetterKind::Reminder => tongue.say("A question is still open", "Eine Frage ist noch offen"),
        LetterKind::RequestReceived => tongue.say("Your request has arrived", "Ihre Anfrage ist angekommen"),
        LetterKind::RequestExtended => tongue.say("Your request takes longer", "Ihre Anfrage dauert länger"),
        LetterKind::RequestRefused => tongue.say("Your request was refused", "Ihre Anfrage wurde abgelehnt"),
        LetterKind::RequestDone => {
            tongue.say("Your request was carried out", "Ihre Anfrage wurde ausgeführt")
        }
    }
}

fn text(letter: &Letter, tongue: Tongue, contact: Option<&str>, console: Option<&str>) -> String {
    let mut parts = match &letter.about {
        LetterAbout::Question { purpose, deadline } => question(letter, *purpose, *deadline, tongue, console),
        LetterAbout::Request { .. } => request(letter, tongue),
    };
    let asks =
        contact.unwrap_or(tongue.say("whoever sent you this mail", "wer Ihnen diese Mail gesandt hat"));
    parts.push(format!(
        "{}: {}\n{}: {asks}",
        tongue.say("Number of this letter", "Nummer dieses Briefs"),
        letter.id,
        tongue.say("Questions", "Fragen an"),
    ));
    parts.join("\n\n") + "\n"
}

fn question(
    letter: &Letter,
    purpose: ConsentPurpose,
    deadline: Timestamp,
    tongue: Tongue,
    console: Option<&str>,
) -> Vec<String> {
    let organization = &letter.organization;
    let use_of = match purpose {
        ConsentPurpose::BatchTraining => tongue.say("train models", "Modelle zu trainieren"),
        ConsentPurpose::ActiveLearning => tongue.say(
            "learn from single chats that went badly",
            "aus einzelnen Chats zu lernen, die schlecht liefen",
        ),
        ConsentPurpose::SafetyTraining => tongue.say("spot misuse", "Missbrauch zu erkennen"),
        ConsentPurpose::Feedback => {
            tongue.say("make use of the feedback you send", "das Feedback zu nutzen, das Sie senden")
        }
        ConsentPurpose::PartnerUse => tongue.say("share with partners", "mit Partnern zu teilen"),
        ConsentPurpose::Research => tongue.say("do research", "zu forschen"),
    };
    let asked = match (letter.kind, tongue) {
        (LetterKind::Reminder, Tongue::English) => {
            format!(
                "{organization} asked whether it may use conversations of yours to {use_of}. You have not answered yet."
            )
        }
        (LetterKind::Reminder, Tongue::German) => {
            format!(
                "{organization} hat gefragt, ob Gespräche von Ihnen genutzt werden dürfen, um {use_of}. Sie haben noch nicht geantwortet."
            )
        }
        (_, Tongue::English) => {
            format!(
                "{organization} asks whether it may use conversations of yours to {use_of}. The choice is yours."
            )
        }
        (_, Tongue::German) => {
            format!(
                "{organization} fragt, ob Gespräche von Ihnen genutzt werden dürfen, um {use_of}. Sie haben die Wahl."
            )
        }
    };
    let day = tongue.day(deadline);
    let silence = match tongue {
        Tongue::English => format!(
            "You can answer until {day}. If you do not answer, that is a no, and nothing changes for you."
        ),
        Tongue::German => {
            format!(
                "Sie können bis {day} antworten. Wenn Sie nicht antworten, gilt das als Nein, und für Sie ändert sich nichts."
            )
        }
    };
    let how = match (console, tongue) {
        (Some(url), Tongue::English) => format!("Read the question and say yes or no here: {url}"),
        (Some(url), Tongue::German) => format!("Lesen Sie die Frage und sagen Sie Ja oder Nein: {url}"),
        (None, Tongue::English) => "Read the question and say yes or no in your settings.".to_owned(),
        (None, Tongue::German) => {
            "Lesen Sie die Frage und sagen Sie Ja oder Nein in Ihren Einstellungen.".to_owned()
        }
    };
    vec![asked, silence, how]
}

fn request(letter: &Letter, tongue: Tongue) -> Vec<String> {
    let LetterAbout::Request { id, kind, due, reason, left_undone, routes } = &letter.about else {
        return Vec::new();
    };
    let (organization, what) = (&letter.organization, asked_for(*kind, tongue));
    let mut parts = vec![match tongue {
        Tongue::English => {
            format!("This is about your request to {organization}: {what}. Its number is {id}.")
        }
        Tongue::German => format!("Es geht um Ihre Anfrage an {organization}: {what}. Ihre Nummer ist {id}."),
    }];
    let day = tongue.day(*due);
    let why = reason.as_deref().map(|reason| reason_in_words(reason, tongue)).unwrap_or_default();
    parts.push(match (letter.kind, tongue) {
        (LetterKind::RequestReceived, Tongue::English) => {
            format!("It has arrived. You will have an answer before {day}.")
        }
        (LetterKind::RequestReceived, Tongue::German) => {
            format!("Sie ist angekommen. Sie haben eine Antwort vor {day}.")
        }
        (LetterKind::RequestExtended, Tongue::English) => {
            format!("It takes longer than planned. The reason: {why}. You will have an answer before {day}.")
        }
        (LetterKind::RequestExtended, Tongue::German) => {
            format!("Es dauert länger als geplant. Der Grund: {why}. Sie haben eine Antwort vor {day}.")
        }
        (LetterKind::RequestRefused, Tongue::English) => format!("It was refused. The reason: {why}."),
        (LetterKind::RequestRefused, Tongue::German) => format!("Sie wurde abgelehnt. Der Grund: {why}."),
        (_, Tongue::English) => "It was carried out.".to_owned(),
        (_, Tongue::German) => "Sie wurde ausgeführt.".to_owned(),
    });
    if let Some(undone) = left_undone.as_deref().filter(|_| letter.kind == LetterKind::RequestDone) {
        parts.push(format!("{}: {undone}", tongue.say("Not done", "Nicht getan")));
    }
    let answers = matches!(letter.kind, LetterKind::RequestRefused | LetterKind::RequestDone);
    if answers && !routes.is_empty() {
        let said: Vec<String> =
            routes.iter().map(|route| format!("- {}; {}", route.body, route.court)).collect();
        let begin = tongue.say(
            "If you are not content, you can go to",
            "Wenn Sie nicht zufrieden sind, können Sie sich wenden an",
        );
        parts.push(format!("{begin}:\n{}", said.join("\n")));
    }
    parts
}

const fn asked_for(kind: RequestKind, tongue: Tongue) -> &'static str {
    match kind {
        RequestKind::Access => {
            tongue.say("to see what is kept of you", "zu sehen, was von Ihnen aufbewahrt wird")
        }
        RequestKind::Export => tongue.say("a copy to take along", "eine Kopie zum Mitnehmen"),
        RequestKind::Correction => tongue.say("a correction", "eine Berichtigung"),
        RequestKind::Restriction => tongue.say("a restriction", "eine Einschränkung"),
        RequestKind::Objection => tongue.say("an objection", "ein Widerspruch"),
        RequestKind::Erasure => tongue.say("an erasure", "eine Löschung"),
        RequestKind::OptOut => tongue.say("an opt-out", "eine Abmeldung von der Nutzung"),
        RequestKind::Complaint => tongue.say("a complaint", "eine Beschwerde"),
    }
}

/// The reasons come from closed lists; one that this version does not know is said as it is.
fn reason_in_words(reason: &str, tongue: Tongue) -> &str {
    match reason {
        "complexity" => tongue.say("it is complex", "sie ist verwickelt"),
        "number-of-requests" => tongue.say("there are many requests", "es gibt viele Anfragen"),
        "consultation" => tongue.say("others must be asked first", "andere müssen zuerst gefragt werden"),
        "conversion" => tongue.say("data must be converted first", "Daten müssen zuerst umgewandelt werden"),
        "manifestly-unfounded" => {
            tongue.say("it has no ground that could be seen", "sie ist offensichtlich unbegründet")
        }
        "excessive" => tongue.say("it was made too often", "sie wurde zu oft gestellt"),
        "identity-not-confirmed" => {
            tongue.say("it was not confirmed who asks", "es wurde nicht bestätigt, wer fragt")
        }
        "no-mandate" => tongue.say(
            "whoever asked for you showed no mandate",
            "wer für Sie gefragt hat, zeigte keine Vollmacht",
        ),
        "legal-obligation" => {
            tongue.say("the law demands that it is kept", "das Gesetz verlangt, dass es bleibt")
        }
        "legal-claims" => {
            tongue.say("it is needed for claims in law", "es wird für Rechtsansprüche gebraucht")
        }
        "overriding-grounds" => {
            tongue.say("there are compelling grounds to go on", "es gibt zwingende Gründe, weiterzumachen")
        }
        "rights-of-others" => {
            tongue.say("it would harm the rights of others", "es würde Rechte anderer verletzen")
        }
        "not-applicable" => {
            tongue.say("the law gives no such right here", "das Gesetz gibt dieses Recht hier nicht")
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use fiducia_policy::{LetterId, RightsRequestId};

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn letter(kind: LetterKind, language: Option<&str>) -> Letter {
        let about = match kind {
            LetterKind::Question | LetterKind::Reminder => LetterAbout::Question {
                purpose: ConsentPurpose::BatchTraining,
                deadline: at("2026-10-08T00:00:00Z"),
            },
            _ => LetterAbout::Request {
                id: RightsRequestId::from_bytes([5; 16]),
                kind: RequestKind::Access,
                due: at("2026-03-01T00:00:00Z"),
                reason: Some("complexity".to_owned()),
                left_undone: None,
                routes: Vec::new(),
            },
        };
        Letter {
            id: LetterId::from_bytes([7; 16]),
            to: "anna@example.org".parse().unwrap(),
            organization: "Hospital".to_owned(),
            language: language.map(str::to_owned),
            kind,
            about,
            queued_at: at("2026-01-01T00:00:00Z"),
        }
    }

    fn check(kind: LetterKind, language: Option<&str>, expect: &[&str]) {
        let letter = letter(kind, language);
        let text =
            text(&letter, Tongue::of(language), Some("privacy@example.org"), Some("https://a.example"));
        for part in expect {
            assert!(text.contains(part), "{part} is not in: {text}");
        }
    }

    #[test]
    fn a_question_says_what_silence_means_and_until_when() {
        let english =
            ["Hospital asks", "train models", "8 October 2026", "that is a no", "https://a.example"];
        check(LetterKind::Question, None, &english);
        check(LetterKind::Question, Some("fr"), &english);
        check(LetterKind::Question, Some("de-AT"), &["Hospital fragt", "08.10.2026", "gilt das als Nein"]);
        check(LetterKind::Reminder, Some("en"), &["You have not answered yet", "privacy@example.org"]);
    }

    #[test]
    fn a_request_is_told_with_its_number_its_date_and_the_reason() {
        check(LetterKind::RequestReceived, None, &["request_05050505", "before 1 March 2026"]);
        check(LetterKind::RequestExtended, None, &["The reason: it is complex", "1 March 2026"]);
        check(LetterKind::RequestRefused, Some("de"), &["abgelehnt. Der Grund: sie ist verwickelt"]);
        check(LetterKind::RequestDone, Some("de"), &["Sie wurde ausgeführt"]);
    }

    #[test]
    fn the_letter_goes_to_the_person_alone_and_is_the_same_when_it_is_sent_again() {
        let letter = letter(LetterKind::Question, None);
        let mail = about(&letter, "Fiducia <fiducia@example.org>", None, None).unwrap();
        let to: Vec<_> = mail.envelope().to().iter().map(ToString::to_string).collect();
        assert_eq!(to, ["anna@example.org"]);
        let again = about(&letter, "Fiducia <fiducia@example.org>", None, None).unwrap();
        assert_eq!(mail.formatted(), again.formatted());
    }

    #[test]
    fn every_reason_of_the_closed_lists_has_words() {
        let delays = fiducia_policy::ExtensionReason::ALL.map(fiducia_policy::ExtensionReason::name);
        let refusals = fiducia_policy::RefusalReason::ALL.map(fiducia_policy::RefusalReason::name);
        for reason in delays.iter().chain(&refusals) {
            for tongue in [Tongue::English, Tongue::German] {
                assert_ne!(reason_in_words(reason, tongue), *reason);
            }
        }
    }
}
