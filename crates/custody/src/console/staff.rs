//! What staff do: what one of their roles permits, within their organisation.

use fiducia_policy::{
    AccessAction, AccessLimits, AccessSession, AccountId, ConsentPurpose, DataKind, OrganizationId,
    Participant, RoleSet, SubjectId,
};

use super::access::SessionPart;
use super::{Staff, access};
use crate::accounts::{AccountCommand, AccountReply};
use crate::audit_report::AuditCommand;
use crate::certificate::CertificateCommand;
use crate::consent::commands::{ConsentCommand, ConsentReply};
use crate::evidence::{EvidenceCommand, KeyGraphTarget};
use crate::looking::Asker;
use crate::people::PeopleCommand;
use crate::rights::commands::RightsCommand;
use crate::webhooks::WebhookCommand;
use crate::{AdminCommand, AdminError, AdminReply, Custody};

impl Staff {
    /// Whether one of their roles permits a command by the policies that come with the program, as far as that can be said
    /// without looking whose it is about: for pages, which offer nothing that would be refused. An installation's own policies
    /// may say otherwise, and decide.
    pub fn may(&self, command: &AdminCommand) -> bool {
        roles_permit(self.roles(), command)
    }

    /// What they may do with a session of their organisation, by the policies that come with the program.
    pub fn part_in(&self, session: &AccessSession) -> SessionPart {
        let own = Participant { person: self.person(), account: Some(self.account()) };
        access::part_in(self.roles(), own, session)
    }
}

/// Whether one of these roles permits a command: see [`Staff::may`].
pub fn roles_permit(roles: &RoleSet, command: &AdminCommand) -> bool {
    if let AdminCommand::Access { command, .. } = command {
        return roles.has_staff() && access::may_look(roles, command);
    }
    roles.has_staff() && suffices(command, |(action, kind)| access::decide(roles, action, kind).is_permitted)
}

/// Whether what is permitted is enough for a command.
fn suffices(command: &AdminCommand, permits: impl Fn((AccessAction, DataKind)) -> bool) -> bool {
    let all = access::asked(command).is_some_and(&permits) && access::asked_too(command).is_none_or(&permits);
    all || access::asked_instead(command).is_some_and(permits)
}

impl Custody {
    /// How much one person may look at, and for how long.
    pub fn access_limits(&self) -> AccessLimits {
        self.reader().gate.limits.clone()
    }

    /// Does what a member of staff asks for, if one of their roles permits it and it stays in their organisation. Whoever is
    /// named as acting in the command is replaced by who is signed in. Blocks: call it from a thread that may.
    ///
    /// # Errors
    /// [`AdminError::Forbidden`] when no role permits it; [`AdminError::NotFound`] for what belongs to another organisation;
    /// else the command's own.
    pub fn as_staff(&self, who: &Staff, command: AdminCommand) -> Result<AdminReply, AdminError> {
        // Each step of a session is decided for itself, in its true circumstances.
        if let AdminCommand::Access { command, .. } = command {
            return self.access_as_staff(who, command).map(|reply| AdminReply::Access(Box::new(reply)));
        }
        if !self.permits(who, &command) {
            return Err(AdminError::Forbidden(refusal(who, &command)));
        }
        match command {
            AdminCommand::ListSubjects { .. } => {
                self.administer(AdminCommand::ListSubjects { organization: who.organization() })
            }
            AdminCommand::ListVirtualKeys { .. } => {
                self.administer(AdminCommand::ListVirtualKeys { organization: Some(who.organization()) })
            }
            AdminCommand::Consent(command) => self.staff_consent(who, command),
            AdminCommand::Certify(CertificateCommand::List { limit, after, .. }) => {
                let organization = Some(who.organization());
                self.administer(AdminCommand::Certify(CertificateCommand::List {
                    organization,
                    limit,
                    after,
                }))
            }
            AdminCommand::Certify(CertificateCommand::Show { reference }) => {
                let found = self.reader().control()?.certificate(reference.as_str())?;
                is_within(who, found.map(|record| record.organization), &reference)?;
                self.reader().certificate_file(&reference)
            }
            AdminCommand::Audit(command) => self.staff_audit(who, command),
            AdminCommand::Rights(command) => self.staff_rights(who, command),
            AdminCommand::People(command) => self.staff_people(who, command),
            AdminCommand::Evidence(command) => self.staff_evidence(who, command),
            AdminCommand::Account(command) => self.staff_accounts(who, command),
            AdminCommand::Webhook(command) => self.staff_webhooks(who, command),
            other => self.administer(other),
        }
    }

    fn staff_audit(&self, who: &Staff, command: AuditCommand) -> Result<AdminReply, AdminError> {
        let organization = who.organization();
        let command = match command {
            AuditCommand::Report { .. } => AuditCommand::Report { organization },
            AuditCommand::List { limit, .. } => AuditCommand::List { organization, limit },
            AuditCommand::Show { reference } => {
                let found = self.reader().control()?.audit_report(&reference)?;
                is_within(who, found.map(|record| record.organization), &reference)?;
                AuditCommand::Show { reference }
            }
        };
        self.administer(AdminCommand::Audit(command))
    }

    /// Whether the policies in force permit a command to somebody.
    fn permits(&self, who: &Staff, command: &AdminCommand) -> bool {
        let asker = Asker::staff(who);
        let reader = self.reader();
        let home = reader.control().and_then(|control| reader.home(&control, who.organization()));
        let Ok(home) = home else { return false };
        suffices(command, |(action, kind)| {
            let circumstances = access::circumstances_of(action);
            let target = (kind, &home);
            reader.gate.decide(&asker, action, target, &circumstances).is_permitted
        })
    }

    fn staff_consent(&self, who: &Staff, command: ConsentCommand) -> Result<AdminReply, AdminError> {
        let (organization, actor) = (who.organization(), who.actor());
        let command = match command {
            ConsentCommand::PublishNotice { source, .. } => {
                self.refuse_for_several(who)?;
                ConsentCommand::PublishNotice { source, actor }
            }
            ConsentCommand::Choose { subject, choice, .. } => {
                self.within_own(who, subject)?;
                ConsentCommand::Choose { subject, choice, actor }
            }
            ConsentCommand::Import { choices, .. } => ConsentCommand::Import { organization, choices, actor },
            ConsentCommand::OpenCampaign { terms, reason, .. } => {
                ConsentCommand::OpenCampaign { organization, terms, reason, actor }
            }
            ConsentCommand::PreviewCampaign { terms, .. } => {
                ConsentCommand::PreviewCampaign { organization, terms }
            }
            ConsentCommand::CloseCampaign { id, .. } => {
                self.own_campaign(who, id)?;
                ConsentCommand::CloseCampaign { id, actor }
            }
            ConsentCommand::ShowCampaign { id } | ConsentCommand::Remind { id, .. } => {
                self.own_campaign(who, id)?;
                command
            }
            ConsentCommand::Show { subject } | ConsentCommand::History { subject, .. } => {
                self.within_own(who, subject)?;
                command
            }
            ConsentCommand::Receipt { id } => {
                let found = self.reader().control()?.consent(id)?;
                is_within(who, found.map(|record| record.organization), &id)?;
                command
            }
            ConsentCommand::ListNotices { .. }
            | ConsentCommand::ShowNotice { .. }
            | ConsentCommand::ListCampaigns => command,
        };
        match self.administer(AdminCommand::Consent(command))? {
            AdminReply::Consented(ConsentReply::Campaigns(mut rows)) => {
                rows.retain(|row| row.organization == organization);
                Ok(AdminReply::Consented(ConsentReply::Campaigns(rows)))
            }
            reply => Ok(reply),
        }
    }

    fn staff_rights(&self, who: &Staff, command: RightsCommand) -> Result<AdminReply, AdminError> {
        let actor = who.actor();
        let within = |request| {
            let found = self.reader().control()?.request(request)?;
            is_within(who, found.map(|record| record.organization), &request)
        };
        let command = match command {
            RightsCommand::Open { mut request } => {
                self.within_own(who, request.subject)?;
                request.actor = actor;
                RightsCommand::Open { request }
            }
            RightsCommand::List { closed, limit, .. } => {
                RightsCommand::List { organization: Some(who.organization()), closed, limit }
            }
            RightsCommand::Show { request } => {
                within(request)?;
                RightsCommand::Show { request }
            }
            RightsCommand::Act { request, step, note, .. } => {
                within(request)?;
                RightsCommand::Act { request, step, note, actor }
            }
            RightsCommand::Export(mut export) => {
                within(export.request)?;
                if export.out.is_some() {
                    return Err(AdminError::Forbidden(
                        "from the console an export goes into the data directory, sealed for whoever receives it; name no \
                         folder. Nothing was written"
                            .to_owned(),
                    ));
                }
                export.actor = actor;
                RightsCommand::Export(export)
            }
        };
        self.administer(AdminCommand::Rights(command))
    }

    fn staff_people(&self, who: &Staff, command: PeopleCommand) -> Result<AdminReply, AdminError> {
        let organization = who.organization();
        let command = match command {
            PeopleCommand::Find { name, .. } => PeopleCommand::Find { organization, name },
            PeopleCommand::List { before, limit, .. } => PeopleCommand::List { organization, before, limit },
            PeopleCommand::Show { subject } => {
                self.within_own(who, subject)?;
                PeopleCommand::Show { subject }
            }
        };
        self.administer(AdminCommand::People(command))
    }

    fn staff_evidence(&self, who: &Staff, command: EvidenceCommand) -> Result<AdminReply, AdminError> {
        let organization = who.organization();
        let command = match command {
            EvidenceCommand::Entries { filter, before, limit, .. } => {
                EvidenceCommand::Entries { organization, filter, before, limit }
            }
            EvidenceCommand::Entry { index, .. } => EvidenceCommand::Entry { organization, index },
            EvidenceCommand::Consistency { from, to, .. } => {
                EvidenceCommand::Consistency { organization, from, to }
            }
            EvidenceCommand::Figures { .. } => EvidenceCommand::Figures { organization },
            EvidenceCommand::KeyGraph { target } => {
                self.caught_up()?;
                let conversation = match target {
                    KeyGraphTarget::Conversation(id) => Some(id),
                    KeyGraphTarget::Record(id) => {
                        self.reader().one_record(id).ok().map(|record| record.conversation)
                    }
                };
                let found = match conversation {
                    Some(id) => self.reader().control()?.conversation(id)?,
                    None => None,
                };
                let owner = found.map(|found| found.organization);
                match target {
                    KeyGraphTarget::Conversation(id) => is_within(who, owner, &id)?,
                    KeyGraphTarget::Record(id) => is_within(who, owner, &id)?,
                }
                EvidenceCommand::KeyGraph { target }
            }
        };
        self.administer(AdminCommand::Evidence(command))
    }

    fn staff_accounts(&self, who: &Staff, command: AccountCommand) -> Result<AdminReply, AdminError> {
        let organization = who.organization();
        let command = match command {
            AccountCommand::List { .. } => AccountCommand::List { organization: Some(organization) },
            AccountCommand::Create(mut account) => {
                account.organization = organization;
                AccountCommand::Create(account)
            }
            AccountCommand::SetRoles { account, .. } | AccountCommand::SetState { account, .. } => {
                if account == who.account() {
                    return Err(AdminError::Forbidden(
                        "nobody changes what they themselves may do; ask another administrator. Nothing was changed"
                            .to_owned(),
                    ));
                }
                self.own_account(who, account)?;
                command
            }
            other => other,
        };
        self.administer(AdminCommand::Account(command))
    }

    fn staff_webhooks(&self, who: &Staff, command: WebhookCommand) -> Result<AdminReply, AdminError> {
        let (organization, actor) = (who.organization(), who.actor());
        let within = |webhook| {
            let found = self.reader().control()?.webhook(webhook)?;
            is_within(who, found.map(|record| record.organization), &webhook)
        };
        let command = match command {
            WebhookCommand::List { .. } => WebhookCommand::List { organization: Some(organization) },
            WebhookCommand::Create(mut new) => {
                (new.organization, new.actor) = (organization, actor);
                WebhookCommand::Create(new)
            }
            WebhookCommand::Rotate { webhook, overlap_hours, .. } => {
                within(webhook)?;
                WebhookCommand::Rotate { webhook, overlap_hours, actor }
            }
            WebhookCommand::Disable { webhook, .. } => {
                within(webhook)?;
                WebhookCommand::Disable { webhook, actor }
            }
            WebhookCommand::Enable { webhook, skip, .. } => {
                within(webhook)?;
                WebhookCommand::Enable { webhook, skip, actor }
            }
            WebhookCommand::Delete { webhook, .. } => {
                within(webhook)?;
                WebhookCommand::Delete { webhook, actor }
            }
            WebhookCommand::Show { webhook }
            | WebhookCommand::Deliveries { webhook, .. }
            | WebhookCommand::Redeliver { webhook, .. }
            | WebhookCommand::Discard { webhook, .. }
            | WebhookCommand::Test { webhook } => {
                within(webhook)?;
                command
            }
            WebhookCommand::Take(_)
            | WebhookCommand::Begin(_)
            | WebhookCommand::End { .. }
            | WebhookCommand::NoteSiemPlace { .. } => {
                return Err(AdminError::Forbidden("this command is not for staff".to_owned()));
            }
        };
        self.administer(AdminCommand::Webhook(command))
    }

    fn own_account(&self, who: &Staff, account: AccountId) -> Result<(), AdminError> {
        match self.reader().accounts(Some(who.organization()))? {
            AccountReply::Accounts(rows) if rows.iter().any(|row| row.id == account) => Ok(()),
            _ => is_within(who, None, &account),
        }
    }

    fn own_campaign(&self, who: &Staff, id: fiducia_policy::CampaignId) -> Result<(), AdminError> {
        let found = self.reader().control()?.campaign(id)?;
        is_within(who, found.map(|record| record.organization), &id)
    }

    fn within_own(&self, who: &Staff, subject: SubjectId) -> Result<(), AdminError> {
        let found = self.reader().control()?.subject(subject)?;
        is_within(who, found.map(|record| record.organization), &subject)
    }

    /// Notices are one set for the whole installation: where it asks people of several organisations, none of these writes for
    /// the others.
    fn refuse_for_several(&self, who: &Staff) -> Result<(), AdminError> {
        let organizations = self.reader().control()?.organizations()?;
        let others = organizations.iter().filter(|organization| organization.id != who.organization());
        let (_, policy) = self.reader().governance.current();
        let asks = |plan| ConsentPurpose::ALL.into_iter().any(|purpose| policy.consent(purpose).asks(plan));
        if others.into_iter().all(|organization| !asks(organization.terms.plan)) {
            return Ok(());
        }
        Err(AdminError::Forbidden(
            "this installation asks people of several organisations, and a notice would stand for all of them; it is published \
             on the command line, with `fiducia notices publish`. Nothing was changed"
                .to_owned(),
        ))
    }
}

/// Why a command is refused, in words.
fn refusal(who: &Staff, command: &AdminCommand) -> String {
    match access::asked(command) {
        Some((action, kind)) => format!(
            "your role ({}) does not permit `{action}` on `{kind}`; nothing was read or changed. `fiducia policy access` shows who may",
            who.roles()
        ),
        None => format!(
            "`{}` is for operators on the machine itself; nothing was read or changed",
            command.name()
        ),
    }
}

/// Whether something belongs to the organisation. What does not is not said to exist.
fn is_within(
    who: &Staff,
    owner: Option<OrganizationId>,
    what: &dyn std::fmt::Display,
) -> Result<(), AdminError> {
    if owner == Some(who.organization()) {
        return Ok(());
    }
    Err(AdminError::NotFound(format!("there is no {what} in your organisation; nothing was changed")))
}
