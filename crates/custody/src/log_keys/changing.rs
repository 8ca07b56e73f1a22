//! The change from one pair of keys to the next: announced, and on its day carried out.
//!
//! The order makes every crash harmless. Seeds come before the row that announces them; the row and the facts for the logs are one
//! commit. On the day the checkpoints are signed first and the row says so after: what a crash cuts short is done once more.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fiducia_ledger::{
    Digest, Event, LogKeyDates, LogKeyStep, LogKeys as Pairs, NOTICE_DAYS, may_announce, signing,
};
use fiducia_policy::{OrganizationId, Timestamp};
use fiducia_store::LogKeyRecord;

use super::commands::{LogKeyCommand, LogKeyReply, LogKeyRow, LogKeys};
use super::seeds::{dates, log_keys, signer};
use crate::AdminError;
use crate::administer::hex;
use crate::writer::Writer;

impl Writer {
    /// Carries out a command on the keys that sign logs.
    pub(crate) fn log_key_command(&mut self, command: &LogKeyCommand) -> Result<LogKeyReply, AdminError> {
        match command {
            LogKeyCommand::List { organization } => self.list_log_keys(*organization).map(LogKeyReply::Keys),
            LogKeyCommand::Announce { signs_from, compromised } => {
                self.announce_log_key(*signs_from, *compromised)
            }
        }
    }

    fn list_log_keys(&self, organization: OrganizationId) -> Result<LogKeys, AdminError> {
        if self.files.control.organizations()?.iter().all(|known| known.id != organization) {
            return Err(AdminError::NotFound(format!("there is no organisation {organization}")));
        }
        let origin = self.ledger_names.origin_of(organization);
        let listed = self.ledger_names.listed(organization).map_err(stored)?;
        Ok(LogKeys { origin, keys: log_key_rows(&listed) })
    }

    fn announce_log_key(
        &mut self,
        signs_from: Option<Timestamp>,
        compromised: bool,
    ) -> Result<LogKeyReply, AdminError> {
        let now = self.clock.now();
        let notice = if compromised { 0 } else { NOTICE_DAYS };
        let soonest = Timestamp::from_second(now.as_second() + notice * 86_400 + i64::from(!compromised))
            .map_err(|error| AdminError::Invalid(error.to_string()))?;
        let signs_from = signs_from.unwrap_or(if compromised { now } else { soonest });
        let number = may_announce(&self.log_key_dates()?, now, signs_from, compromised)
            .map_err(|refused| AdminError::Conflict(refused.to_string()))?;
        let origin = self.ledger_names.origin.clone();
        let pair = signer(&origin, number, &mut self.files, &mut self.keychain, (now, &*self.randomness))
            .map_err(|error| AdminError::Storage(error.to_string()))?;
        let keys = pair.verifiers(&origin).map_err(stored)?;
        let record = LogKeyRecord { number, announced_at: now, signs_from, changed_at: None };
        let event = Event::LogKeyAnnounced(step(&dates(record), &keys));
        self.say_in_every_log(&event, now, |control, announcements| {
            control.announce_log_key(&record, announcements)
        })?;
        self.hand_out_log_keys(None)?;
        self.change_log_keys(now)?;
        Ok(LogKeyReply::Announced { pair: number, signs_from })
    }

    /// Lets the pair sign whose day has come, if there is one that does not yet. A step of the retention worker.
    pub(crate) fn change_log_keys(&mut self, now: Timestamp) -> Result<bool, AdminError> {
        let pairs = self.log_key_dates()?;
        let Some(due) = signing(&pairs, now).filter(|pair| pair.changed_at.is_none()).copied() else {
            return Ok(false);
        };
        let keys = self.hand_out_log_keys(Some((due.number, now)))?;
        let listed = keys
            .public(&self.ledger_names.origin)
            .and_then(|keys| keys.listed_at(&self.ledger_names.origin, now));
        let Some((dates, keys)) = listed.map_err(stored)?.into_iter().next() else { return Ok(false) };
        let event = Event::LogKeyChanged(step(&dates, &keys));
        self.say_in_every_log(&event, now, |control, announcements| {
            control.change_log_key(due.number, now, announcements)
        })?;
        Ok(true)
    }

    /// The dates of all pairs, the first included.
    fn log_key_dates(&self) -> Result<Vec<LogKeyDates>, AdminError> {
        let always = Timestamp::UNIX_EPOCH;
        let first =
            LogKeyDates { number: 1, announced_at: always, signs_from: always, changed_at: Some(always) };
        let later = self.files.control.log_keys()?.into_iter().map(dates);
        Ok(std::iter::once(first).chain(later).collect())
    }

    /// Gives the keys as they are to whoever reads logs, then to the ledger, which signs anew what the present pair has not signed.
    /// `begins` is the pair that begins to sign, before its row says so.
    fn hand_out_log_keys(&mut self, begins: Option<(u32, Timestamp)>) -> Result<Pairs, AdminError> {
        let origin = self.ledger_names.origin.clone();
        let keys = log_keys(&origin, &mut self.files, &mut self.keychain, &*self.clock, &*self.randomness)
            .map_err(|error| AdminError::Storage(error.to_string()))?;
        let keys = keys.begun(begins);
        // Readers first: they take the old signatures and the new.
        self.ledger_names.set(keys.public(&origin).map_err(stored)?);
        self.scribe.take_keys(keys.clone()).map_err(|error| {
            AdminError::Storage(format!(
                "the checkpoints could not be signed anew: {error}. The keys are kept, and it is tried again shortly"
            ))
        })?;
        Ok(keys)
    }

    /// Puts a fact into the log of every organisation, in one commit with what `write` does.
    fn say_in_every_log(
        &mut self,
        event: &Event,
        now: Timestamp,
        write: impl FnOnce(
            &mut fiducia_store::ControlStore,
            &[fiducia_store::Announcement],
        ) -> Result<(), fiducia_store::StoreError>,
    ) -> Result<(), AdminError> {
        let organizations = self.files.control.organizations()?;
        let facts: Result<Vec<_>, _> = organizations
            .iter()
            .map(|organization| self.announced(organization.id, event.clone(), now))
            .collect();
        let facts = facts?;
        let announcements: Vec<_> = facts.iter().map(|(announcement, _)| announcement.clone()).collect();
        write(&mut self.files.control, &announcements)?;
        facts.into_iter().try_for_each(|fact| self.delivered(fact).map(drop))
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it is called by `map_err`")]
fn stored(error: fiducia_ledger::LedgerError) -> AdminError {
    AdminError::Storage(error.to_string())
}

fn step(dates: &LogKeyDates, keys: &[fiducia_ledger::VerifierKey]) -> LogKeyStep {
    let of = |algorithm: &str| {
        let found = keys.iter().find(|key| key.algorithm() == algorithm);
        Digest(found.map(fiducia_ledger::VerifierKey::fingerprint).unwrap_or_default())
    };
    LogKeyStep {
        number: u64::from(dates.number),
        ed25519: of("ed25519"),
        ecdsa_p256: of("ecdsa_p256_sha256"),
        signs_from: dates.signs_from,
    }
}

/// Rows of the keys of a log, of which the first pair signs: all ECDSA keys, then all Ed25519 keys.
pub(crate) fn log_key_rows(listed: &[(LogKeyDates, Vec<fiducia_ledger::VerifierKey>)]) -> Vec<LogKeyRow> {
    let mut rows: Vec<LogKeyRow> = Vec::new();
    for (place, (dates, keys)) in listed.iter().enumerate() {
        let known = |at: Timestamp| (at != Timestamp::UNIX_EPOCH).then_some(at);
        rows.extend(keys.iter().map(|key| LogKeyRow {
            pair: dates.number,
            algorithm: key.algorithm().to_owned(),
            verifier_key: key.to_string(),
            key_hash: hex(&key.key_id()),
            fingerprint: hex(&key.fingerprint()),
            public_key: STANDARD.encode(key.spki()),
            signs: place == 0,
            announced_at: known(dates.announced_at),
            signs_from: known(dates.signs_from),
        }));
    }
    // Stable, so that within an algorithm the one that signs stays first.
    rows.sort_by_key(|row| row.algorithm != "ecdsa_p256_sha256");
    rows
}
