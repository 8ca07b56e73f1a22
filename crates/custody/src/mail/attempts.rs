//! When mails are tried, and when they are given up.
//!
//! A mail is noted as begun before it is handed to the mail server and as sent after. Should the program end in between,
//! nobody knows whether it arrived, and it is sent once more.

use std::time::Duration;

use fiducia_policy::{LetterId, Timestamp};
use fiducia_store::{LetterSource, MailRecord};

use super::{MailAbout, MailCommand, MailOutcome, MailReply, MailState};
use crate::AdminError;
use crate::writer::Writer;

/// Longest wait between two attempts, in seconds: six hours.
const RETRY_SECONDS_MAX: u64 = 6 * 3_600;
/// How long a mail is tried, in seconds: seven days from what it tells of on.
const TRIED_SECONDS_MAX: i64 = 7 * 86_400;
/// Longest reason that is kept.
const FAILURE_CHARACTERS_MAX: usize = 256;

impl Writer {
    /// Carries a command on mails out that changes something.
    pub(crate) fn mail(&mut self, command: MailCommand) -> Result<MailReply, AdminError> {
        match command {
            MailCommand::Begin { about } => self.begin_mail(&about),
            MailCommand::End { about, outcome } => self.end_mail(&about, outcome),
            MailCommand::Due { .. } => {
                Err(AdminError::Invalid("this command is not for the writer; nothing was changed".to_owned()))
            }
        }
    }

    /// Notes that sending begins, with the time of the next attempt should nothing more be heard.
    fn begin_mail(&mut self, about: &MailAbout) -> Result<MailReply, AdminError> {
        let mut mail = self.waiting_mail(about)?;
        let now = self.clock.now();
        if let Some(why) = self.moot(about)? {
            mail.failure = Some(why.to_owned());
            (mail.next_attempt_at, mail.given_up_at) = (None, Some(now));
            self.keep_mail(&mail)?;
            return Err(AdminError::NotFound(format!("{about} is not sent: {why}")));
        }
        if !matches!(about, MailAbout::Certificate(_)) && is_too_late(&mail, now) {
            // What it tells of may be over. The marks in the list and the pages stay.
            mail.failure = Some("nobody sent mails in time".to_owned());
            (mail.next_attempt_at, mail.given_up_at) = (None, Some(now));
            self.handle.mails_given_up.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            self.keep_mail(&mail)?;
            return Err(AdminError::NotFound(format!("{about} came too late to be sent; it was given up")));
        }
        mail.attempts = mail.attempts.saturating_add(1);
        mail.next_attempt_at = Some(next_attempt(self.first_retry_seconds(), mail.attempts, now));
        self.keep_mail(&mail)
    }

    /// Notes what became of it.
    fn end_mail(&mut self, about: &MailAbout, outcome: MailOutcome) -> Result<MailReply, AdminError> {
        let mut mail = self.waiting_mail(about)?;
        let now = self.clock.now();
        match outcome {
            MailOutcome::Sent => {
                (mail.next_attempt_at, mail.sent_at, mail.failure) = (None, Some(now), None);
            }
            MailOutcome::Failed(reason) => {
                mail.failure = Some(reason.chars().take(FAILURE_CHARACTERS_MAX).collect());
                self.handle.mails_failed.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                if is_hopeless(&mail, now) {
                    (mail.next_attempt_at, mail.given_up_at) = (None, Some(now));
                    self.handle.mails_given_up.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                }
            }
        }
        self.keep_mail(&mail)
    }

    /// Why a mail would tell nobody anything any more, if so.
    fn moot(&self, about: &MailAbout) -> Result<Option<&'static str>, AdminError> {
        match about {
            MailAbout::Certificate(_) | MailAbout::Warning(_) => Ok(None),
            MailAbout::Letter(id) => {
                Ok(self.is_answered(*id)?.then_some("it asks something that was answered"))
            }
            MailAbout::Bulletin(id) => self.moot_bulletin(*id),
        }
    }

    /// Whether a letter asks something to which there is an answer, or nothing to answer any more.
    fn is_answered(&self, id: LetterId) -> Result<bool, AdminError> {
        let control = &self.files.control;
        match control.letter(id)?.map(|letter| (letter.source, letter.subject)) {
            Some((LetterSource::Campaign(campaign, _), subject)) => {
                Ok(!control.awaits_answer(campaign, subject)?)
            }
            _ => Ok(false),
        }
    }

    fn waiting_mail(&self, about: &MailAbout) -> Result<MailRecord, AdminError> {
        let mail = self.files.control.mail(&about.key())?;
        mail.filter(|mail| mail.next_attempt_at.is_some())
            .ok_or_else(|| AdminError::NotFound(format!("no mail about {about} waits; nothing was noted")))
    }

    fn keep_mail(&mut self, mail: &MailRecord) -> Result<MailReply, AdminError> {
        self.files.control.note_mail(mail)?;
        Ok(MailReply::Noted(state_of(Some(mail))))
    }

    fn first_retry_seconds(&self) -> u32 {
        self.certificates.mail.map_or(60, |mail| mail.first_retry_seconds)
    }
}

/// When an attempt is repeated: the first wait, doubled with each attempt.
fn next_attempt(first_retry_seconds: u32, attempts: u32, now: Timestamp) -> Timestamp {
    let doubled = u64::from(first_retry_seconds) << attempts.saturating_sub(1).min(20);
    now.checked_add(Duration::from_secs(doubled.clamp(1, RETRY_SECONDS_MAX))).unwrap_or(now)
}

/// Whether the next attempt would come too late.
fn is_hopeless(mail: &MailRecord, now: Timestamp) -> bool {
    is_too_late(mail, mail.next_attempt_at.unwrap_or(now))
}

fn is_too_late(mail: &MailRecord, at: Timestamp) -> bool {
    at.as_second().saturating_sub(mail.queued_at.as_second()) > TRIED_SECONDS_MAX
}

/// Where a mail stands.
pub(crate) fn state_of(mail: Option<&MailRecord>) -> MailState {
    let Some(mail) = mail else { return MailState::None {} };
    let failure = mail.failure.clone();
    match (mail.sent_at, mail.given_up_at, mail.next_attempt_at) {
        (Some(at), ..) => MailState::Sent { at },
        (None, Some(at), _) => MailState::GivenUp { at, failure },
        (None, None, Some(next_attempt_at)) => MailState::Waiting { next_attempt_at, failure },
        (None, None, None) => MailState::None {},
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(attempts: u32, expect_seconds: i64) {
        let now: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let next = next_attempt(60, attempts, now);
        assert_eq!(next.duration_since(now).as_secs(), expect_seconds, "{attempts}");
    }

    #[test]
    fn waits_double_up_to_six_hours() {
        check(1, 60);
        check(2, 120);
        check(5, 960);
        check(10, 21_600);
        check(u32::MAX, 21_600);
    }
}
