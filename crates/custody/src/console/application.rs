//! What an application does for a person of its organisation, by a token that may act for people.

use fiducia_policy::{AccountId, ApiScope, ApiTokenId, ConsentChannel, OrganizationId, SubjectId};
use fiducia_store::PrivacySignal;

use super::personal::own_submission;
use super::{Oneself, PersonalCommand};
use crate::accounts::{AccountCommand, AccountReply, TokenHolder};
use crate::callers::is_subject_name;
use crate::consent::commands::{ConsentChoice, ConsentOutcome};
use crate::consent::{ChoiceRequest, Speaker};
use crate::rights::commands::{NewRequest, RightsAction, RightsCommand};
use crate::{AdminCommand, AdminError, AdminReply, Custody};

const SECONDS_PER_DAY: i64 = 86_400;

/// An application that speaks for a person. It says who that is; it has made sure of it where the person signed in there.
///
/// What it enters is the person's own word, and history, receipt and ledger say by which token it came. What it asks for is not
/// taken as proof of who asks: a request that needs one waits until staff have identified the person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Application {
    token: ApiTokenId,
    account: AccountId,
    organization: OrganizationId,
    subject: SubjectId,
}

impl Application {
    /// The token that it holds.
    pub const fn token(&self) -> ApiTokenId {
        self.token
    }

    /// The person.
    pub const fn subject(&self) -> SubjectId {
        self.subject
    }

    /// The name under which it acts in what is kept of requests.
    fn actor(&self) -> String {
        self.token.to_string()
    }
}

impl Custody {
    /// The application that holds a token, speaking for the person whom it calls `name`. `may_be_new` makes a person who is not
    /// known yet, as signing up does; else somebody unknown is not found. Blocks: call it from a thread that may.
    ///
    /// # Errors
    /// [`AdminError::Forbidden`] when the token may not act for people; when the name is not valid, nobody has it, or the store
    /// fails.
    pub fn application_for(
        &self,
        holder: &TokenHolder,
        name: &str,
        may_be_new: bool,
    ) -> Result<Application, AdminError> {
        if !holder.may(ApiScope::ActForPeople) {
            return Err(AdminError::Forbidden(
                "this token may not act for people: it lacks the permission `act-for-people`, or its account is no \
                 `tenant-admin` any more; nothing was read or changed"
                    .to_owned(),
            ));
        }
        if !is_subject_name(name) {
            return Err(AdminError::Invalid(
                "a person's name has 1 to 128 visible ASCII characters; nothing was read or changed"
                    .to_owned(),
            ));
        }
        let organization = holder.account.organization;
        let subject = if may_be_new {
            let command = AdminCommand::NameSubject { organization, name: name.to_owned() };
            match self.administer(command)? {
                AdminReply::Subject(subject) => subject,
                _ => return Err(unexpected()),
            }
        } else {
            let digest = self.reader().callers.name_digest(organization, name);
            let found = match digest {
                Some(digest) => self.reader().control()?.subject_named(organization, digest)?,
                None => None,
            };
            found.ok_or_else(|| AdminError::NotFound("nobody is known by this name".to_owned()))?.id
        };
        Ok(Application { token: holder.token.id, account: holder.account.id, organization, subject })
    }

    /// Enters the choice of the person whom an application speaks for. When this returns it is durable, in the log, and
    /// effective for every reader. Blocks: call it from a thread that may.
    ///
    /// # Errors
    /// When the channel is not the person's, the choice does not count, or the store fails; the text says what holds.
    pub fn choose_by_application(
        &self,
        who: &Application,
        channel: ConsentChannel,
        choice: ConsentChoice,
    ) -> Result<ConsentOutcome, AdminError> {
        let speaker = Speaker::Application { token: who.token, channel };
        self.choose_as(ChoiceRequest::new(who.subject, choice, speaker))
    }

    /// Does for a person what an application may: their choices and their requests, no conversation. Blocks: call it from a
    /// thread that may.
    ///
    /// # Errors
    /// [`AdminError::Forbidden`] for everything else; what is not the person's is [`AdminError::NotFound`].
    pub fn by_application(
        &self,
        who: &Application,
        command: PersonalCommand,
    ) -> Result<AdminReply, AdminError> {
        let person = Oneself::spoken_for(who.account, who.organization, who.subject);
        match command {
            PersonalCommand::Standings
            | PersonalCommand::Choices { .. }
            | PersonalCommand::Receipt { .. }
            | PersonalCommand::Requests { .. }
            | PersonalCommand::Request { .. } => self.personally(&person, command),
            PersonalCommand::OpenRequest(request) => {
                self.administer(AdminCommand::Rights(RightsCommand::Open {
                    request: Box::new(NewRequest {
                        subject: who.subject,
                        kind: request.kind,
                        regimes: request.regimes,
                        submission: own_submission(who.subject, &request.submission),
                        received_at: None,
                        agent: None,
                        conversation: request.conversation,
                        statement: request.statement,
                        new_name: request.new_name,
                        grounds: request.grounds,
                        actor: who.actor(),
                    }),
                }))
            }
            PersonalCommand::WithdrawRequest { request } => {
                self.personally(&person, PersonalCommand::Request { request })?;
                self.administer(AdminCommand::Rights(RightsCommand::Act {
                    request,
                    step: RightsAction::Withdraw {},
                    note: None,
                    actor: who.actor(),
                }))
            }
            _ => Err(AdminError::Forbidden(
                "an application deals with people's choices and requests, not with their conversations; nothing was read or \
                 changed"
                    .to_owned(),
            )),
        }
    }

    /// When a person's browser asked for privacy, if it ever did.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn privacy_signal(&self, subject: SubjectId) -> Result<Option<PrivacySignal>, AdminError> {
        let _reading = self.reader().reading();
        Ok(self.reader().control()?.privacy_signal(subject)?)
    }

    /// Notes that a person asks for privacy by the signal that browsers send (Global Privacy Control), whoever passes it on, at
    /// most once a day. The first time every yes that stands is taken back.
    ///
    /// # Errors
    /// When it could not be recorded.
    pub fn pass_on_privacy_signal(&self, subject: SubjectId) -> Result<(), AdminError> {
        let now = self.now().as_second();
        let seen = self.privacy_signal(subject)?.map(|signal| signal.last_seen_at.as_second());
        if seen.is_some_and(|seen| now.saturating_sub(seen) < SECONDS_PER_DAY) {
            return Ok(());
        }
        match self.administer(AdminCommand::Account(AccountCommand::RecordPrivacySignal { subject }))? {
            AdminReply::Account(AccountReply::Done) => Ok(()),
            _ => Err(unexpected()),
        }
    }
}

fn unexpected() -> AdminError {
    AdminError::Storage("the store gave an answer to another question".to_owned())
}
