//! What a person deleted and can still take back.

use fiducia_policy::ConversationId;

use crate::{AdminError, ConversationRow, Custody, Oneself};

/// Rows of a list.
const LIST_ROWS_MAX: u32 = 1_000;

impl Custody {
    /// The person's conversations that are deleted and not destroyed yet, newest first, at most `limit` (1 to 1,000).
    ///
    /// # Errors
    /// When the limit is none, or the store cannot be read.
    pub fn deleted_conversations(
        &self,
        who: &Oneself,
        limit: u32,
        after: Option<ConversationId>,
    ) -> Result<Vec<ConversationRow>, AdminError> {
        if limit == 0 || limit > LIST_ROWS_MAX {
            return Err(AdminError::Invalid(format!("a list has 1 to {LIST_ROWS_MAX} rows")));
        }
        self.caught_up()?;
        let reader = self.reader();
        let _reading = reader.reading();
        let (control, keys) = (reader.control()?, reader.keys()?);
        let found = control.deleted_conversations(who.subject(), after, limit)?;
        found.iter().map(|conversation| reader.conversation_row(conversation, &control, &keys)).collect()
    }
}
