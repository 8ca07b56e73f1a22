//! Bulletins: what the administrators of an organisation are told by mail, beside the rows and pages that tell them the same.
//!
//! Who is told are those whom the access policies show what administrators see, each at the address by which they sign in. A
//! bulletin is queued in the commit of what it tells of, where mail is on.

use fiducia_policy::{
    AccessAction, AccessSession, AccessState, BulletinId, BulletinKind, Circumstances, DataKind,
    DisabledBecause, OrganizationId, Participant, Timestamp, WebhookId,
};
use fiducia_store::{AccountRecord, BulletinRecord, BulletinSource, WebhookRecord};

use super::serving::damaged;
use super::{Bulletin, BulletinAbout, MailAddress};
use crate::AdminError;
use crate::looking::{Asker, Gate, Home};
use crate::reading::Reader;
use crate::writer::Writer;

/// Accounts of staff that are looked through for administrators.
const STAFF_MAX: u32 = 10_000;
/// Administrators that are told of one thing; those who have been there longest.
const TOLD_MAX: usize = 100;

impl Writer {
    /// Bulletins about a session, to be queued with it.
    pub(crate) fn bulletins_about_session(
        &self,
        kind: BulletinKind,
        session: &AccessSession,
        now: Timestamp,
    ) -> Result<Vec<BulletinRecord>, AdminError> {
        self.bulletins(session.organization, (kind, BulletinSource::Session(session.id)), None, now)
    }

    /// Bulletins that a webhook is disabled, to be queued with that.
    pub(crate) fn bulletins_about_webhook(
        &self,
        webhook: &WebhookRecord,
        because: DisabledBecause,
        now: Timestamp,
    ) -> Result<Vec<BulletinRecord>, AdminError> {
        let what = (BulletinKind::WebhookDisabled, BulletinSource::Webhook(webhook.id));
        self.bulletins(webhook.organization, what, Some(because.name()), now)
    }

    fn bulletins(
        &self,
        organization: OrganizationId,
        (kind, source): (BulletinKind, BulletinSource),
        detail: Option<&str>,
        at: Timestamp,
    ) -> Result<Vec<BulletinRecord>, AdminError> {
        if self.certificates.mail.is_none() {
            return Ok(Vec::new());
        }
        let staff = self.files.control.staff_accounts(organization, STAFF_MAX)?;
        let told = staff.iter().filter(|account| address(&self.gate, account).is_some()).take(TOLD_MAX);
        told.map(|account| {
            let id = BulletinId::generate(at, &*self.randomness)?;
            let detail = detail.map(str::to_owned);
            Ok(BulletinRecord { id, organization, account: account.id, kind, source, at, detail })
        })
        .collect()
    }

    /// Why a bulletin would tell nobody anything any more, if so.
    pub(super) fn moot_bulletin(&self, id: BulletinId) -> Result<Option<&'static str>, AdminError> {
        let control = &self.files.control;
        let Some(bulletin) = control.bulletin(id)? else { return Ok(Some("it is there no more")) };
        let account = control.account(bulletin.account)?;
        if account.and_then(|account| address(&self.gate, &account)).is_none() {
            return Ok(Some("whom it is for is no administrator any more, or has no address"));
        }
        if let (BulletinKind::ApprovalAsked, BulletinSource::Session(id)) = (bulletin.kind, bulletin.source) {
            let now = self.clock.now();
            let waits = control
                .access_session(id)?
                .is_some_and(|session| session.state == AccessState::Asked && now < session.answer_by);
            return Ok((!waits).then_some("what it asks for was answered"));
        }
        Ok(None)
    }
}

/// Where somebody is written to who may see what administrators are told; nowhere for everybody else.
fn address(gate: &Gate, account: &AccountRecord) -> Option<MailAddress> {
    let person = account.person.filter(|_| account.disabled_at.is_none())?;
    let asker = Asker {
        participant: Participant { person, account: Some(account.id) },
        organization: Some(account.organization),
        roles: account.roles.clone(),
    };
    // What they are told holds none of the data, so that it does not matter where they read it.
    let home = Home::anywhere(account.organization);
    let about = (DataKind::Accounts, &home);
    let decision = gate.decide(&asker, AccessAction::See, about, &Circumstances::default());
    // People sign in with an address; a login that is none leads nowhere.
    account.login.parse().ok().filter(|_| decision.is_permitted)
}

impl Reader {
    /// What a bulletin says, and to whom.
    pub(crate) fn bulletin(&self, id: BulletinId) -> Result<Bulletin, AdminError> {
        let _reading = self.reading();
        let control = self.control()?;
        let missing = |what: &str| AdminError::NotFound(format!("{id} cannot be sent: {what}"));
        let bulletin = control.bulletin(id)?.ok_or_else(|| missing("it is there no more"))?;
        let account = control.account(bulletin.account)?.ok_or_else(|| missing("its account is gone"))?;
        let to = address(&self.gate, &account).ok_or_else(|| missing("its account has no address"))?;
        let organization = self
            .callers
            .organization(bulletin.organization)
            .ok_or_else(|| missing("its organisation is gone"))?;
        let about = match bulletin.source {
            BulletinSource::Session(id) => {
                let session = control.access_session(id)?.ok_or_else(|| missing("its session is gone"))?;
                about_session(bulletin.kind, session).ok_or_else(|| missing("its session never opened"))?
            }
            BulletinSource::Webhook(webhook) => about_webhook(webhook, bulletin.detail.as_deref())?,
        };
        let (organization, language) = (organization.name, account.language);
        Ok(Bulletin { id, to, organization, language, about, at: bulletin.at })
    }
}

fn about_session(kind: BulletinKind, session: AccessSession) -> Option<BulletinAbout> {
    let AccessSession { id, reason, ticket, answer_by, expires_at, .. } = session;
    Some(match kind {
        BulletinKind::EmergencyOpened => {
            BulletinAbout::EmergencyOpened { session: id, reason, ticket, until: expires_at? }
        }
        BulletinKind::ApprovalAsked => {
            BulletinAbout::ApprovalAsked { session: id, reason, ticket, answer_by }
        }
        BulletinKind::WebhookDisabled => return None,
    })
}

fn about_webhook(webhook: WebhookId, because: Option<&str>) -> Result<BulletinAbout, AdminError> {
    let because = because.unwrap_or_default().parse().map_err(|error| damaged(&error))?;
    Ok(BulletinAbout::WebhookDisabled { webhook, because })
}
