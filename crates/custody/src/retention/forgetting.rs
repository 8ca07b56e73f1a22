//! Forgetting by which beginnings conversations are recognised, when many of them have ended at once.
//!
//! The table of beginnings is in the order of random digests. Taking a few conversations out of it touches a few pages;
//! taking out many, step after step, would write nearly every page again in each step. So when more have ended than
//! the table has pages to spare, one pass through the table takes all of them out, some rows at a time.

use std::collections::HashSet;

use fiducia_policy::ConversationId;
use fiducia_store::{KeyKind, KeyNode};

use crate::AdminError;
use crate::faults;
use crate::writer::Writer;

/// Conversations taken out in one pass, so that memory has a bound: 16 bytes each.
const CONVERSATIONS_PER_PASS: u32 = 200_000;
/// Rows looked at in one step.
const ROWS_PER_STEP: u32 = 32_768;
/// A pass is made when the file of the table has fewer pages than this many for each conversation that has ended.
const PAGES_PER_CONVERSATION: u64 = 4;

/// A pass through the table of beginnings.
#[derive(Debug)]
pub(crate) struct Forgetting {
    conversations: HashSet<ConversationId>,
    /// The place from which on the table is still to be looked through.
    from: i64,
    is_done: bool,
}

impl Default for Forgetting {
    fn default() -> Self {
        Self { conversations: HashSet::new(), from: i64::MIN, is_done: false }
    }
}

impl Forgetting {
    /// Whether a conversation is in no row any more.
    pub(crate) fn has_forgotten(&self, conversation: ConversationId) -> bool {
        self.is_done && self.conversations.contains(&conversation)
    }
}

impl Writer {
    /// A step of a pass through the table, when there is or should be one for the ended conversations of these keys. A
    /// crash forgets the pass and it begins anew: the keys are not ticked off before it is over.
    pub(super) fn forget_many(&mut self, unpurged: &[KeyNode]) -> Result<bool, AdminError> {
        let service = unpurged.iter().filter(|node| node.kind == KeyKind::Conversation);
        let here: Vec<_> = service.filter_map(|node| node.conversation).collect();
        if here.is_empty() {
            // Only other grounds ended here: what conversations begin with stays known.
            return Ok(false);
        }
        if self.forgetting.is_done {
            if here.iter().any(|conversation| self.forgetting.conversations.contains(conversation)) {
                return Ok(false);
            }
            self.forgetting = Forgetting::default();
        }
        if self.forgetting.conversations.is_empty() {
            let pages = self.files.control.pages()?;
            let ended = self.files.keys.unpurged_conversations(CONVERSATIONS_PER_PASS)?;
            if u64::try_from(ended.len()).unwrap_or(u64::MAX) * PAGES_PER_CONVERSATION < pages {
                return Ok(false);
            }
            // INVARIANT: a pass takes in what this step is about, or the next step would begin another, without end.
            self.forgetting.conversations = ended.into_iter().chain(here).collect();
        }
        let Forgetting { conversations, from, is_done } = &mut self.forgetting;
        let is_over = |conversation: &ConversationId| conversations.contains(conversation);
        match self.files.control.forget_prefixes_where(*from, ROWS_PER_STEP, is_over)? {
            Some(next) => *from = next,
            None => {
                *is_done = true;
                // What is remembered of them must go too.
                self.caches.prefixes.clear();
                faults::reached("many-forgotten");
            }
        }
        Ok(true)
    }
}
