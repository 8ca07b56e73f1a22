//! The mails that tell administrators what they must know at once, in English or German. They name no reader and nothing that is
//! read; the console shows who it is to those who sign in.

use fiducia_custody::{Bulletin, BulletinAbout};
use fiducia_policy::{AccessReason, AccessSessionId, DisabledBecause};
use lettre::Message;
use lettre::message::{Mailbox, SinglePart};

use super::mailbox;
use super::tongue::Tongue;

/// The mail with a bulletin. `console` is where people sign in, where there is such a place.
///
/// # Errors
/// When an address cannot be used; the text names no address.
pub(super) fn about(
    bulletin: &Bulletin,
    from: &str,
    contact: Option<&str>,
    console: Option<&str>,
) -> Result<Message, String> {
    let from = mailbox("mail.from is", from)?;
    let to = bulletin
        .to
        .expose()
        .parse()
        .map_err(|_| "the administrator's address is no mail address".to_owned())?;
    // The same mail has the same id when it is sent again, so that mail systems can tell.
    let id = format!("<{}@{}>", bulletin.id, from.email.domain());
    let tongue = Tongue::of(bulletin.language.as_deref());
    Message::builder()
        .from(from)
        .to(Mailbox::new(None, to))
        .subject(subject(&bulletin.about, tongue))
        .message_id(Some(id))
        .date(bulletin.at.into())
        .singlepart(SinglePart::plain(text(bulletin, tongue, contact, console)))
        .map_err(|error| format!("the mail could not be composed: {error}"))
}

const fn subject(about: &BulletinAbout, tongue: Tongue) -> &'static str {
    match about {
        BulletinAbout::EmergencyOpened { .. } => {
            tongue.say("Conversations are read in an emergency", "In einem Notfall werden Gespräche gelesen")
        }
        BulletinAbout::ApprovalAsked { .. } => {
            tongue.say("Your agreement is asked for", "Um Ihre Zustimmung wird gebeten")
        }
        BulletinAbout::WebhookDisabled { .. } => {
            tongue.say("A webhook was disabled", "Ein Webhook wurde abgeschaltet")
        }
    }
}

fn text(bulletin: &Bulletin, tongue: Tongue, contact: Option<&str>, console: Option<&str>) -> String {
    let mut parts = match &bulletin.about {
        BulletinAbout::EmergencyOpened { session, reason, ticket, until } => {
            let until = tongue.day(*until);
            vec![
                emergency(bulletin, tongue, &until),
                under(*reason, ticket, tongue),
                where_to(*session, console, tongue),
            ]
        }
        BulletinAbout::ApprovalAsked { session, reason, ticket, answer_by } => {
            let until = tongue.day(*answer_by);
            vec![
                waiting(bulletin, tongue, &until),
                under(*reason, ticket, tongue),
                where_to(*session, console, tongue),
            ]
        }
        BulletinAbout::WebhookDisabled { webhook, because } => {
            let id = webhook.to_string();
            disabled(bulletin, &id, *because, tongue)
        }
    };
    let asks =
        contact.unwrap_or(tongue.say("whoever sent you this mail", "wer Ihnen diese Mail gesandt hat"));
    parts.push(format!(
        "{}: {}\n{}: {asks}",
        tongue.say("Number of this mail", "Nummer dieser Mail"),
        bulletin.id,
        tongue.say("Questions", "Fragen an"),
    ));
    parts.join("\n\n") + "\n"
}

fn emergency(bulletin: &Bulletin, tongue: Tongue, until: &str) -> String {
    let (organization, at) = (&bulletin.organization, tongue.day(bulletin.at));
    match tongue {
        Tongue::English => format!(
            "A session in an emergency opened at {organization} on {at}. Two others agreed to it. Somebody may read what it names \
             until {until} at the latest. Every look is in your organisation's log, and somebody who took no part reviews it \
             afterwards."
        ),
        Tongue::German => format!(
            "Bei {organization} wurde am {at} eine Sitzung in einem Notfall geöffnet. Zwei andere haben zugestimmt. Jemand darf \
             bis spätestens {until} lesen, was sie nennt. Jeder Blick steht im Protokoll Ihrer Organisation, und jemand, der \
             nicht beteiligt war, prüft sie danach."
        ),
    }
}

fn waiting(bulletin: &Bulletin, tongue: Tongue, until: &str) -> String {
    let organization = &bulletin.organization;
    match tongue {
        Tongue::English => format!(
            "Somebody asks to read what is {organization}'s, and waits for an administrator who agrees. You can answer until \
             {until}. Nothing is opened before, and no answer is a no."
        ),
        Tongue::German => format!(
            "Jemand bittet darum, zu lesen, was {organization} gehört, und wartet auf die Zustimmung der Verwaltung. Sie können \
             bis {until} antworten. Vorher wird nichts geöffnet, und keine Antwort ist ein Nein."
        ),
    }
}

fn under(reason: AccessReason, ticket: &str, tongue: Tongue) -> String {
    let reason = reason.name();
    format!(
        "{}: {reason}\n{}: {ticket}",
        tongue.say("Reason", "Grund"),
        tongue.say("Case or ticket number", "Fall- oder Ticketnummer"),
    )
}

fn where_to(session: AccessSessionId, console: Option<&str>, tongue: Tongue) -> String {
    match (console, tongue) {
        (Some(url), Tongue::English) => {
            let url = url.trim_end_matches('/');
            format!(
                "Who it is and what it is about is here, once you sign in: {url}/access/sessions/{session}"
            )
        }
        (Some(url), Tongue::German) => {
            let url = url.trim_end_matches('/');
            format!(
                "Wer es ist und worum es geht, steht hier, wenn Sie angemeldet sind: {url}/access/sessions/{session}"
            )
        }
        (None, Tongue::English) => {
            format!("Who it is and what it is about shows `fiducia access show {session}`.")
        }
        (None, Tongue::German) => {
            format!("Wer es ist und worum es geht, zeigt `fiducia access show {session}`.")
        }
    }
}

fn disabled(bulletin: &Bulletin, webhook: &str, because: DisabledBecause, tongue: Tongue) -> Vec<String> {
    let (organization, at) = (&bulletin.organization, tongue.day(bulletin.at));
    let why = match because {
        DisabledBecause::Asked => tongue.say("somebody disabled it", "jemand hat ihn abgeschaltet"),
        DisabledBecause::Gone => tongue.say(
            "its address answered that it is gone",
            "seine Adresse hat geantwortet, dass es sie nicht mehr gibt",
        ),
        DisabledBecause::Failing => tongue.say(
            "nothing could be delivered to it for days",
            "seit Tagen konnte nichts an ihn zugestellt werden",
        ),
    };
    match tongue {
        Tongue::English => vec![
            format!("The webhook {webhook} of {organization} was disabled on {at}. The reason: {why}."),
            "Nothing is sent to it any more. What happens stays in the activity feed, and once the webhook is enabled again it \
             gets what it missed, unless somebody chooses to skip that."
                .to_owned(),
        ],
        Tongue::German => vec![
            format!("Der Webhook {webhook} von {organization} wurde am {at} abgeschaltet. Der Grund: {why}."),
            "An ihn wird nichts mehr gesandt. Was geschieht, bleibt in der Liste der Aktivitäten, und wenn der Webhook wieder \
             eingeschaltet wird, bekommt er, was ihm fehlt, sofern das niemand überspringt."
                .to_owned(),
        ],
    }
}

#[cfg(test)]
mod tests {
    use fiducia_policy::{BulletinId, Timestamp, WebhookId};

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn bulletin(about: BulletinAbout, language: Option<&str>) -> Bulletin {
        Bulletin {
            id: BulletinId::from_bytes([7; 16]),
            to: "admin@example.org".parse().unwrap(),
            organization: "Hospital".to_owned(),
            language: language.map(str::to_owned),
            about,
            at: at("2026-01-01T00:00:00Z"),
        }
    }

    fn check(about: &BulletinAbout, language: Option<&str>, expect: &[&str]) {
        let bulletin = bulletin(about.clone(), language);
        let tongue = Tongue::of(language);
        let text = text(&bulletin, tongue, Some("privacy@example.org"), Some("https://a.example/"));
        for part in expect.iter().copied().chain(["privacy@example.org", "bulletin_07070707"]) {
            assert!(text.contains(part), "{part} is not in: {text}");
        }
    }

    #[test]
    fn an_emergency_and_a_request_say_until_when_and_where_and_name_nobody() {
        let (session, ticket) = (AccessSessionId::from_bytes([5; 16]), "INC-7".to_owned());
        let reason = AccessReason::SafetyReview;
        let link = format!("https://a.example/access/sessions/{session}");
        let until = at("2026-01-01T01:30:00Z");
        let opened = BulletinAbout::EmergencyOpened { session, reason, ticket: ticket.clone(), until };
        check(&opened, None, &["until 1 January 2026, 01:30 UTC", "INC-7", "safety_review", &link]);
        check(&opened, Some("de"), &["bis spätestens 01.01.2026, 01:30 UTC", "Notfall", &link]);
        let answer_by = at("2026-01-01T12:00:00Z");
        let asked = BulletinAbout::ApprovalAsked { session, reason, ticket, answer_by };
        check(&asked, Some("en"), &["until 1 January 2026, 12:00 UTC", "no answer is a no", &link]);
        check(&asked, Some("de-CH"), &["bis 01.01.2026, 12:00 UTC", "keine Antwort ist ein Nein"]);
        let without = bulletin(opened, None);
        let said = text(&without, Tongue::English, None, None);
        assert!(
            said.contains(&format!("fiducia access show {session}")) && !said.contains("person_"),
            "{said}"
        );
    }

    #[test]
    fn a_disabled_webhook_is_told_with_the_reason() {
        for because in DisabledBecause::ALL {
            let about = BulletinAbout::WebhookDisabled { webhook: WebhookId::from_bytes([3; 16]), because };
            check(&about, None, &["webhook", "was disabled on 1 January 2026", "The reason: "]);
            check(&about, Some("de"), &["abgeschaltet. Der Grund: "]);
        }
    }

    #[test]
    fn the_mail_goes_to_the_administrator_alone_and_is_the_same_when_it_is_sent_again() {
        let about_it = BulletinAbout::WebhookDisabled {
            webhook: WebhookId::from_bytes([3; 16]),
            because: DisabledBecause::Failing,
        };
        let bulletin = bulletin(about_it, None);
        let mail = about(&bulletin, "Fiducia <fiducia@example.org>", None, None).unwrap();
        let to: Vec<_> = mail.envelope().to().iter().map(ToString::to_string).collect();
        assert_eq!(to, ["admin@example.org"]);
        let again = about(&bulletin, "Fiducia <fiducia@example.org>", None, None).unwrap();
        assert_eq!(mail.formatted(), again.formatted());
    }
}
