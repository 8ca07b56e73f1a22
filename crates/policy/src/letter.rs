//! What people are written about by mail, beside warnings of ends.

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
