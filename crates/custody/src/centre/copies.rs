//! A copy of what is kept of a person, handed over to them while they are signed in.

use std::io::Write;

use fiducia_policy::{PersonId, RightsRequestId};

use crate::mailbox::Message;
use crate::rights::commands::{RightsAction, RightsCommand};
use crate::{AdminCommand, AdminError, Custody, Oneself};

impl Custody {
    /// Whether the next file of the person's own request for a copy may be handed over now.
    ///
    /// # Errors
    /// When the request is not the person's, is closed, or asks for no copy.
    pub fn may_hand_over(&self, who: &Oneself, request: RightsRequestId) -> Result<(), AdminError> {
        let actor = self.own_actor(who, request)?;
        self.0.reader.may_be_handed_over(request, self.own_sitting(who, actor, Some(request))?)
    }

    /// Writes the next file of the person's own request for a copy into `sink`, after access entries that name its records.
    /// With the last file the request is answered. Blocks for as long as the sink takes; what was cut off is fetched again.
    ///
    /// # Errors
    /// When the request is not the person's or is closed, another copy of it is under way, or the sink or the store fails.
    pub fn hand_over(
        &self,
        who: &Oneself,
        request: RightsRequestId,
        sink: impl Write,
    ) -> Result<(), AdminError> {
        let _alone = self.0.exporting.enter(request)?;
        let actor = self.own_actor(who, request)?;
        self.caught_up()?;
        let note = |note| {
            self.0
                .handle
                .ask(|reply| Message::NoteExport(Box::new(note), reply))?
                .blocking_recv()
                .unwrap_or_else(|_| Err(AdminError::Storage("the store's writer has stopped".to_owned())))
        };
        let sitting = self.own_sitting(who, actor, Some(request))?;
        let is_last = self.0.reader.hand_over(request, (actor, sitting), sink, &*self.0.randomness, &note)?;
        if is_last {
            self.administer(AdminCommand::Rights(RightsCommand::Act {
                request,
                step: RightsAction::Fulfil { left_undone: None },
                note: None,
                actor: who.subject().to_string(),
            }))?;
        }
        Ok(())
    }

    /// The id under which the person acts, if the request is theirs.
    fn own_actor(&self, who: &Oneself, request: RightsRequestId) -> Result<PersonId, AdminError> {
        let found = self.0.reader.control()?.request(request)?.and_then(|record| record.subject);
        if found != Some(who.subject()) {
            return Err(AdminError::NotFound(format!("there is no {request} among what is yours")));
        }
        self.person(who.subject().to_string())
    }
}
