//! What a person does with what is theirs.

use fiducia_policy::{
    ConsentChannel, ConsentId, ConsentPurpose, ConversationId, GroundKind, RecordId, Regime, RequestKind,
    RightsRequestId, SubjectId,
};
use fiducia_store::RightsFilter;

use super::Oneself;
use crate::administer::hex;
use crate::certificate::CertificateReference;
use crate::consent::commands::{ConsentChoice, ConsentCommand, ConsentOutcome};
use crate::consent::{ChoiceRequest, Speaker};
use crate::retention::commands::{ConversationWish, RetentionCommand, RetentionReply};
use crate::rights::commands::{NewRequest, RightsAction, RightsCommand, RightsReply};
use crate::staging::sha256;
use crate::{AdminCommand, AdminError, AdminReply, Custody};

/// Explanations of one conversation: its records are kept in few different ways.
const EXPLANATIONS_MAX: usize = 20;
/// Rows of a list.
const LIST_ROWS_MAX: u32 = 1_000;

/// A request about one's own data. Its `Debug` shows nothing that a person wrote.
#[derive(Clone, PartialEq, Eq)]
pub struct PersonalRequest {
    /// What is asked.
    pub kind: RequestKind,
    /// Under which laws; those of the policy when there are none.
    pub regimes: Vec<Regime>,
    /// A key of this submission: 1 to 128 visible ASCII characters.
    pub submission: String,
    /// For a correction: which conversation it is about.
    pub conversation: Option<ConversationId>,
    /// For a correction: what is wrong and what is right, at most 16 KiB. It is sealed.
    pub statement: Option<String>,
    /// For a correction: the name by which the application knows the person from now on.
    pub new_name: Option<String>,
    /// For an objection: to which grounds.
    pub grounds: Vec<GroundKind>,
}

impl std::fmt::Debug for PersonalRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PersonalRequest").field("kind", &self.kind).finish_non_exhaustive()
    }
}

/// A command about what is one's own. What belongs to somebody else is not found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PersonalCommand {
    /// Where one stands about every purpose.
    Standings,
    /// What one chose, newest first.
    Choices {
        /// Only about this purpose.
        purpose: Option<ConsentPurpose>,
        /// Before this entry.
        before: Option<u64>,
        /// At most this many (1 to 1,000).
        limit: u32,
    },
    /// The file of a receipt.
    Receipt {
        /// Which.
        id: ConsentId,
    },
    /// One's conversations, newest first, without content.
    Conversations {
        /// Also those that were deleted.
        deleted: bool,
        /// At most this many (1 to 1,000).
        limit: u32,
        /// Continue after this conversation.
        after: Option<ConversationId>,
    },
    /// One conversation, also when it is hidden.
    Conversation {
        /// Which.
        conversation: ConversationId,
    },
    /// Its records, without content.
    Records {
        /// Of which.
        conversation: ConversationId,
    },
    /// Why a conversation is still here: for each of the ways in which its records are kept, the newest of them explained.
    Explain {
        /// Which.
        conversation: ConversationId,
    },
    /// Deletes a conversation, restores it, keeps it or lets it go.
    Wish {
        /// Which.
        conversation: ConversationId,
        /// What.
        wish: ConversationWish,
    },
    /// Reads a conversation. That is an access like any other: its entry is durable first.
    Read {
        /// Which.
        conversation: ConversationId,
    },
    /// Makes a request. Whoever is signed in has shown who they are.
    OpenRequest(PersonalRequest),
    /// Takes a request back.
    WithdrawRequest {
        /// Which.
        request: RightsRequestId,
    },
    /// One's requests, newest first.
    Requests {
        /// Also those that are closed.
        closed: bool,
        /// At most this many (1 to 1,000).
        limit: u32,
    },
    /// One request with its clocks and what was done.
    Request {
        /// Which.
        request: RightsRequestId,
    },
    /// Certificates of what was destroyed of one's own, in the order of their numbers.
    Certificates {
        /// At most this many (1 to 1,000).
        limit: u32,
        /// Continue after this certificate.
        after: Option<CertificateReference>,
    },
    /// The file of one certificate.
    Certificate {
        /// Which.
        reference: CertificateReference,
    },
    /// Who looked at what is one's own, newest first, also at what was purged since.
    Accesses {
        /// Before this look.
        before: Option<u64>,
        /// At most this many (1 to 1,000).
        limit: u32,
    },
}

impl Custody {
    /// Enters the person's own choice. When this returns it is durable, in the log, and effective for every reader. Blocks:
    /// call it from a thread that may.
    ///
    /// # Errors
    /// When the channel is not the person's, the choice does not count, or the store fails; the text says what holds.
    pub fn choose_for_oneself(
        &self,
        who: &Oneself,
        channel: ConsentChannel,
        choice: ConsentChoice,
    ) -> Result<ConsentOutcome, AdminError> {
        let speaker = Speaker::Account { account: who.account(), channel };
        self.choose_as(ChoiceRequest::new(who.subject(), choice, speaker))
    }

    /// Does what a person does with what is theirs. Blocks: call it from a thread that may.
    ///
    /// # Errors
    /// As the command's own; what is not the person's is [`AdminError::NotFound`].
    pub fn personally(&self, who: &Oneself, command: PersonalCommand) -> Result<AdminReply, AdminError> {
        let subject = who.subject();
        match command {
            PersonalCommand::Standings => {
                self.administer(AdminCommand::Consent(ConsentCommand::Show { subject }))
            }
            PersonalCommand::Choices { purpose, before, limit } => {
                self.administer(AdminCommand::Consent(ConsentCommand::History {
                    subject,
                    purpose,
                    before,
                    limit,
                }))
            }
            PersonalCommand::Receipt { id } => {
                let owner = self.reader().control()?.consent(id)?.and_then(|record| record.subject);
                is_own(owner, subject, &id)?;
                self.administer(AdminCommand::Consent(ConsentCommand::Receipt { id }))
            }
            PersonalCommand::Conversations { deleted, limit, after } => {
                self.administer(AdminCommand::ListConversations {
                    organization: Some(who.organization()),
                    subject: Some(subject),
                    deleted,
                    limit,
                    after,
                })
            }
            PersonalCommand::Conversation { conversation } => self.with_own(who, conversation, |custody| {
                custody.administer(AdminCommand::FindConversation { conversation })
            }),
            PersonalCommand::Records { conversation } => self.with_own(who, conversation, |custody| {
                custody.administer(AdminCommand::ListRecords { conversation })
            }),
            PersonalCommand::Explain { conversation } => {
                self.with_own(who, conversation, |custody| custody.explain_conversation(conversation))
            }
            PersonalCommand::Wish { conversation, wish } => self.with_own(who, conversation, |custody| {
                custody.administer(AdminCommand::Govern(RetentionCommand::Wish { conversation, wish }))
            }),
            PersonalCommand::Read { conversation } => {
                self.with_own(who, conversation, |custody| custody.read_own(who.actor(), conversation))
            }
            PersonalCommand::OpenRequest(request) => self.open_own_request(who, request),
            PersonalCommand::WithdrawRequest { request } => {
                self.own_request(who, request)?;
                self.administer(AdminCommand::Rights(RightsCommand::Act {
                    request,
                    step: RightsAction::Withdraw {},
                    note: None,
                    actor: who.actor(),
                }))
            }
            PersonalCommand::Requests { closed, limit } => self.own_requests(who, closed, limit),
            PersonalCommand::Request { request } => {
                self.own_request(who, request)?;
                self.administer(AdminCommand::Rights(RightsCommand::Show { request }))
            }
            PersonalCommand::Certificates { limit, after } => {
                self.reader().certificates_about(subject, limit, after.as_ref())
            }
            PersonalCommand::Accesses { before, limit } => {
                self.looks(who, before, limit).map(AdminReply::Accesses)
            }
            PersonalCommand::Certificate { reference } => {
                let found = self.reader().control()?.certificate(reference.as_str())?;
                is_own(found.and_then(|record| record.subject), subject, &reference)?;
                self.reader().certificate_file(&reference)
            }
        }
    }

    /// Does something with a conversation if it is the person's.
    fn with_own(
        &self,
        who: &Oneself,
        conversation: ConversationId,
        act: impl FnOnce(&Self) -> Result<AdminReply, AdminError>,
    ) -> Result<AdminReply, AdminError> {
        self.caught_up()?;
        let found = self.reader().control()?.conversation(conversation)?;
        is_own(found.map(|record| record.subject), who.subject(), &conversation)?;
        act(self)
    }

    fn explain_conversation(&self, conversation: ConversationId) -> Result<AdminReply, AdminError> {
        let AdminReply::Records(rows) = self.administer(AdminCommand::ListRecords { conversation })? else {
            return Err(AdminError::Storage("the store gave an answer to another question".to_owned()));
        };
        let mut newest: Vec<(Vec<GroundKind>, RecordId)> = Vec::new();
        for row in rows.iter().rev() {
            let grounds: Vec<GroundKind> = row.grounds.iter().map(|(ground, _)| *ground).collect();
            if newest.len() < EXPLANATIONS_MAX && newest.iter().all(|(known, _)| *known != grounds) {
                newest.push((grounds, row.id));
            }
        }
        let mut explanations = Vec::with_capacity(newest.len());
        for (_, record) in newest {
            match self.administer(AdminCommand::Govern(RetentionCommand::Explain { record })) {
                Ok(AdminReply::Governed(RetentionReply::Explanation(explanation))) => {
                    explanations.push(*explanation);
                }
                // It was purged in between: it is not here any more.
                Err(AdminError::NotFound(_)) => {}
                Ok(_) => {
                    return Err(AdminError::Storage(
                        "the store gave an answer to another question".to_owned(),
                    ));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(AdminReply::Governed(RetentionReply::Explanations(explanations)))
    }

    /// Takes a request in and notes that whoever made it was signed in. Repeating the submission finishes what was begun.
    fn open_own_request(&self, who: &Oneself, request: PersonalRequest) -> Result<AdminReply, AdminError> {
        let opened = self.administer(AdminCommand::Rights(RightsCommand::Open {
            request: Box::new(NewRequest {
                subject: who.subject(),
                kind: request.kind,
                regimes: request.regimes,
                submission: own_submission(who.subject(), &request.submission),
                received_at: None,
                agent: None,
                conversation: request.conversation,
                statement: request.statement,
                new_name: request.new_name,
                grounds: request.grounds,
                actor: who.actor(),
            }),
        }))?;
        let AdminReply::Rights(RightsReply::Opened { request: row, is_new }) = opened else {
            return Err(AdminError::Storage("the store gave an answer to another question".to_owned()));
        };
        // A complaint and an opt-out must not depend on who asks.
        if row.is_identified || row.closed_at.is_some() || !row.kind.needs_identity() {
            return Ok(AdminReply::Rights(RightsReply::Opened { request: row, is_new }));
        }
        let identified = self.administer(AdminCommand::Rights(RightsCommand::Act {
            request: row.id,
            step: RightsAction::Identify { method: fiducia_policy::IdentityMethod::SignedIn },
            note: None,
            actor: who.actor(),
        }))?;
        match identified {
            AdminReply::Rights(RightsReply::Request(detail)) => {
                Ok(AdminReply::Rights(RightsReply::Opened { request: detail.row, is_new }))
            }
            _ => Err(AdminError::Storage("the store gave an answer to another question".to_owned())),
        }
    }

    fn own_request(&self, who: &Oneself, request: RightsRequestId) -> Result<(), AdminError> {
        let found = self.reader().control()?.request(request)?.and_then(|record| record.subject);
        is_own(found, who.subject(), &request)
    }

    fn own_requests(&self, who: &Oneself, closed: bool, limit: u32) -> Result<AdminReply, AdminError> {
        if limit == 0 || limit > LIST_ROWS_MAX {
            return Err(AdminError::Invalid(format!("a list has 1 to {LIST_ROWS_MAX} rows")));
        }
        let filter =
            RightsFilter { subject: Some(who.subject()), open_only: !closed, ..RightsFilter::default() };
        let control = self.reader().control()?;
        let mut found = Vec::new();
        loop {
            let after = found.last().map(|record: &fiducia_store::RightsRecord| record.id);
            let step = control.requests(RightsFilter { after, ..filter }, LIST_ROWS_MAX)?;
            let is_last = step.len() < usize::try_from(LIST_ROWS_MAX).unwrap_or(usize::MAX);
            found.extend(step);
            if is_last {
                break;
            }
        }
        found.reverse();
        found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(AdminReply::Rights(RightsReply::Requests(self.reader().request_rows(&found))))
    }
}

/// The key of a submission among all: two people who use the same never meet.
pub(super) fn own_submission(subject: SubjectId, key: &str) -> String {
    hex(&sha256(&[subject.as_bytes(), key.as_bytes()]))
}

/// Whether something is the person's. Whose it is else is not said, and not even whether it exists.
fn is_own(
    owner: Option<SubjectId>,
    subject: SubjectId,
    what: &dyn std::fmt::Display,
) -> Result<(), AdminError> {
    if owner == Some(subject) {
        return Ok(());
    }
    Err(AdminError::NotFound(format!("there is no {what} among what is yours; nothing was changed")))
}
