//! The mail that warns one person: how many conversations end, when the first does, and how to keep them. No titles, no
//! content, and no ids of conversations.

use fiducia_custody::WarningLetter;
use lettre::Message;
use lettre::message::{Mailbox, SinglePart};

use super::mailbox;

/// The mail with a warning.
///
/// # Errors
/// When an address cannot be used; the text names no address.
pub(super) fn about(
    letter: &WarningLetter,
    from: &str,
    contact: Option<&str>,
    how_to_keep: Option<&str>,
) -> Result<Message, String> {
    let from = mailbox("mail.from is", from)?;
    let to = letter.to.expose().parse().map_err(|_| "the person's address is no mail address".to_owned())?;
    // The same mail has the same id when it is sent again, so that mail systems can tell.
    let id = format!("<{}@{}>", letter.id, from.email.domain());
    Message::builder()
        .from(from)
        .to(Mailbox::new(None, to))
        .subject("Conversations of yours end soon")
        .message_id(Some(id))
        .date(letter.given_at.into())
        .singlepart(SinglePart::plain(text(letter, contact, how_to_keep)))
        .map_err(|error| format!("the mail could not be composed: {error}"))
}

fn text(letter: &WarningLetter, contact: Option<&str>, how_to_keep: Option<&str>) -> String {
    let day = letter.first_ends_at.strftime("%-d %B %Y, %H:%M UTC");
    let (subject, they) = match letter.conversations {
        1 => ("1 conversation of yours ends".to_owned(), "It is"),
        count => (format!("{count} conversations of yours end"), "Each is"),
    };
    let ends = if letter.conversations == 1 { "It ends" } else { "The first ends" };
    let keep = match (letter.may_keep, how_to_keep) {
        (_, Some(said)) => said.to_owned(),
        (true, None) => "To keep them, answer this mail before that day and say that you want to keep your conversations. \
             Going on with one keeps it too."
            .to_owned(),
        (false, None) => "Your plan does not let conversations be kept beyond their end. To have a copy of them, answer this \
             mail before that day."
            .to_owned(),
    };
    format!(
        "{subject} soon, at {organization}.\n\n{ends} on {day}. {they} then destroyed, and nobody can bring it back. This mail \
         names none of them, and says nothing of what is in them.\n\n{keep}\n\nIf you do nothing, they end as you were \
         promised.\n\nNumber of this warning: {id}\nQuestions: {contact}\n",
        organization = letter.organization,
        id = letter.id,
        contact = contact.unwrap_or("whoever sent you this mail"),
    )
}

#[cfg(test)]
mod tests {
    use fiducia_policy::WarningId;

    use super::*;

    fn letter(conversations: u64, may_keep: bool) -> WarningLetter {
        WarningLetter {
            id: WarningId::from_bytes([7; 16]),
            to: "anna@example.org".parse().unwrap(),
            organization: "Hospital".to_owned(),
            given_at: "2026-01-01T00:00:00Z".parse().unwrap(),
            conversations,
            first_ends_at: "2026-01-08T09:30:00Z".parse().unwrap(),
            may_keep,
        }
    }

    fn check(letter: &WarningLetter, how_to_keep: Option<&str>, expect: &[&str]) {
        let text = text(letter, Some("privacy@example.org"), how_to_keep);
        for part in expect {
            assert!(text.contains(part), "{part} is not in: {text}");
        }
    }

    #[test]
    fn a_warning_says_how_many_when_and_what_to_do() {
        check(
            &letter(3, true),
            None,
            &[
                "3 conversations of yours end soon, at Hospital",
                "The first ends on 8 January 2026, 09:30 UTC",
                "answer this mail",
                "warning_07070707-0707-0707-0707-070707070707",
                "privacy@example.org",
            ],
        );
        check(
            &letter(1, true),
            Some("Open chat.example.org."),
            &["1 conversation of", "It ends", "Open chat."],
        );
        check(&letter(1, false), None, &["does not let conversations be kept", "a copy"]);
    }

    #[test]
    fn the_mail_goes_to_the_person_alone() {
        let mail = about(&letter(2, true), "Fiducia <fiducia@example.org>", None, None).unwrap();
        let to: Vec<_> = mail.envelope().to().iter().map(ToString::to_string).collect();
        assert_eq!(to, ["anna@example.org"]);
        let error = about(&letter(2, true), "nobody", None, None).unwrap_err();
        assert_eq!(error, "mail.from is no mail address");
    }
}
