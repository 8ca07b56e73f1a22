//! What is written by mail: to people beside warnings of ends, and to administrators.

use crate::named::named;

named! {
    /// What a letter to a person is about. The list is closed: nobody is written to for news or advertising.
    LetterKind, "a kind of letter" {
        /// A campaign asks something.
        Question = "question",
        /// A campaign's question is still open.
        Reminder = "reminder",
        /// A request of the person arrived.
        RequestReceived = "request-received",
        /// A request of the person takes longer.
        RequestExtended = "request-extended",
        /// A request of the person was refused.
        RequestRefused = "request-refused",
        /// A request of the person was carried out.
        RequestDone = "request-done",
    }
}

named! {
    /// What a bulletin tells the administrators of an organisation. The list is closed, as that of letters is.
    BulletinKind, "a kind of bulletin" {
        /// The glass was broken: a session of an emergency opened.
        EmergencyOpened = "emergency-opened",
        /// Somebody wants to read and waits for an administrator's agreement.
        ApprovalAsked = "approval-asked",
        /// Nothing is sent to a webhook any more.
        WebhookDisabled = "webhook-disabled",
    }
}

named! {
    /// What a mail carries, the most urgent first.
    MailKind, "a kind of mail" {
        /// A bulletin to an administrator.
        Bulletin = "bulletin",
        /// A certificate of destruction, to a contact.
        Certificate = "certificate",
        /// A warning to a person that conversations end soon.
        Warning = "warning",
        /// A letter to a person.
        Letter = "letter",
    }
}
