//! Mails that tell of certificates of destruction, warn people of ends, ask them, tell them about their requests, and tell
//! administrators what they must know at once. Custody keeps which are due; one thread here sends them, one after the other, and says
//! what became of each.

mod bulletin;
mod certificate;
mod letter;
mod tongue;
mod warning;

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use fiducia_custody::{
    AdminCommand, AdminError, AdminReply, CertificateCommand, CertificateReference, CertificateReply,
    Custody, DueMail, MailAbout, MailCommand, MailOutcome, MailReply, MailState,
};
use fiducia_server::Secret;
use lettre::message::Mailbox;
use lettre::transport::smtp::authentication::Credentials;
use lettre::{Message, SmtpTransport, Transport};

use crate::configuration::{MailSection, MailSecurity};
use crate::failure::Failure;

/// How often due mails are looked for.
const LOOK_INTERVAL: Duration = Duration::from_secs(2);
/// Mails of each kind taken up at one look.
const MAILS_PER_LOOK: u32 = 20;
/// How long the mail server may take for one step.
const SERVER_TIMEOUT: Duration = Duration::from_secs(30);

/// The thread that sends.
pub(crate) struct MailSender {
    stop: SyncSender<()>,
    thread: JoinHandle<()>,
}

impl MailSender {
    /// Starts it.
    ///
    /// # Errors
    /// When the section cannot be used, or the system gives no thread.
    pub(crate) fn start(
        section: &MailSection,
        (contact, console): (Option<String>, Option<String>),
        custody: Custody,
    ) -> Result<Self, Failure> {
        let post =
            Post { transport: transport(section)?, section: section.clone(), contact, console, custody };
        let (stop, stopped) = sync_channel(1);
        let thread = std::thread::Builder::new()
            .name("fiducia-mail".to_owned())
            .spawn(move || post.run(&stopped))
            .map_err(|cause| Failure::System { doing: "start the thread that sends mails", cause })?;
        Ok(Self { stop, thread })
    }

    /// Ends it after the mail in hand.
    pub(crate) fn stop(self) {
        // Errors mean that the thread has ended already.
        let _ = self.stop.send(());
        let _ = self.thread.join();
    }
}

/// The thread's own.
struct Post {
    transport: SmtpTransport,
    section: MailSection,
    /// Whom people may ask.
    contact: Option<String>,
    /// Where people sign in, where there is a console.
    console: Option<String>,
    custody: Custody,
}

impl Post {
    fn run(self, stopped: &Receiver<()>) {
        loop {
            if let Err(error) = self.send_due() {
                tracing::error!(%error, "mails that are due could not be looked for; this is tried again");
            }
            if stopped.recv_timeout(LOOK_INTERVAL) != Err(RecvTimeoutError::Timeout) {
                return;
            }
        }
    }

    fn send_due(&self) -> Result<(), AdminError> {
        let MailReply::Due(mails) = self.ask(MailCommand::Due { limit: MAILS_PER_LOOK })? else {
            return Ok(());
        };
        mails.iter().try_for_each(|mail| self.send(mail))
    }

    /// Sends one mail. It is noted as begun first: should this program end before it is noted as sent, it is sent again.
    fn send(&self, mail: &DueMail) -> Result<(), AdminError> {
        let about = mail.about.clone();
        match self.ask(MailCommand::Begin { about: about.clone() }) {
            // Whoever it was for was erased, or took the address away, since it was found due.
            Err(AdminError::NotFound(_)) => return Ok(()),
            begun => begun?,
        };
        let outcome = match self.deliver(mail) {
            Ok(()) => MailOutcome::Sent,
            Err(reason) => MailOutcome::Failed(reason),
        };
        match self.ask(MailCommand::End { about: about.clone(), outcome }) {
            Err(AdminError::NotFound(_)) => Ok(()),
            reply => {
                say(&about, &reply?);
                Ok(())
            }
        }
    }

    fn deliver(&self, mail: &DueMail) -> Result<(), String> {
        let message = match &mail.about {
            MailAbout::Certificate(reference) => self.certificate(reference, mail)?,
            MailAbout::Warning(id) => {
                let letter = self.custody.warning_letter(*id).map_err(|error| error.to_string())?;
                let how_to_keep = self.section.how_to_keep.as_deref();
                warning::about(&letter, &self.section.from, self.contact.as_deref(), how_to_keep)?
            }
            MailAbout::Letter(id) => {
                let found = self.custody.letter(*id).map_err(|error| error.to_string())?;
                letter::about(&found, &self.section.from, self.contact.as_deref(), self.console.as_deref())?
            }
            MailAbout::Bulletin(id) => {
                let found = self.custody.bulletin(*id).map_err(|error| error.to_string())?;
                bulletin::about(&found, &self.section.from, self.contact.as_deref(), self.console.as_deref())?
            }
        };
        self.transport.send(&message).map(drop).map_err(|error| reason(&error))
    }

    fn certificate(&self, reference: &CertificateReference, mail: &DueMail) -> Result<Message, String> {
        let asked = CertificateCommand::Show { reference: reference.clone() };
        let reply =
            self.custody.administer(AdminCommand::Certify(asked)).map_err(|error| error.to_string())?;
        let AdminReply::Certified(CertificateReply::File { text, verifier_keys }) = reply else {
            return Err("the certificate's file could not be read".to_owned());
        };
        let to = self.section.contacts.get(&mail.organization).unwrap_or(&self.section.to);
        certificate::about(&text, &verifier_keys, &self.section.from, to)
    }

    fn ask(&self, command: MailCommand) -> Result<MailReply, AdminError> {
        match self.custody.administer(AdminCommand::Mail(command))? {
            AdminReply::Mailed(reply) => Ok(reply),
            _ => Err(AdminError::Storage("the store gave an answer to another question".to_owned())),
        }
    }
}

/// A sender or receiver from the configuration. The address is not repeated.
fn mailbox(whose: &str, text: &str) -> Result<Mailbox, String> {
    text.parse().map_err(|_| format!("{whose} no mail address"))
}

/// Logs what became of a mail. Addresses are left out.
fn say(about: &MailAbout, reply: &MailReply) {
    let what = match about {
        MailAbout::Certificate(_) => "certificate",
        MailAbout::Warning(_) => "warning",
        MailAbout::Letter(_) => "question or a request",
        MailAbout::Bulletin(_) => "matter of administrators",
    };
    match reply {
        MailReply::Noted(MailState::Sent { .. }) => {
            tracing::info!(%about, "the mail about a {what} was sent");
        }
        MailReply::Noted(MailState::Waiting { next_attempt_at, failure }) => tracing::warn!(
            %about, %next_attempt_at, failure = failure.as_deref().unwrap_or_default(),
            "the mail about a {what} could not be sent; it is tried again"
        ),
        MailReply::Noted(MailState::GivenUp { failure, .. }) => {
            let instead = match about {
                MailAbout::Certificate(_) => "tell its contact yourself (`fiducia certificate show`)",
                MailAbout::Warning(_) | MailAbout::Letter(_) => {
                    "check the person's address (`fiducia subjects contact`)"
                }
                MailAbout::Bulletin(_) => {
                    "check the address by which the administrator signs in (`fiducia accounts list`)"
                }
            };
            tracing::error!(
                %about, failure = failure.as_deref().unwrap_or_default(),
                "the mail about a {what} was given up; {instead}"
            );
        }
        _ => {}
    }
}

/// Why the mail server did not take a mail, without what it said: that may repeat addresses.
fn reason(error: &lettre::transport::smtp::Error) -> String {
    if let Some(code) = error.status() {
        return format!("the mail server answered {code}");
    }
    let what = if error.is_timeout() {
        "the mail server did not answer in time"
    } else if error.is_tls() {
        "the connection to the mail server could not be secured; check its certificate and the name in mail.server"
    } else if error.is_client() {
        "the mail server does not offer what is needed, such as signing in or TLS"
    } else {
        "the mail server could not be reached"
    };
    what.to_owned()
}

fn transport(section: &MailSection) -> Result<SmtpTransport, Failure> {
    let server = section.address().map_err(|text| Failure::Argument(format!("mail.server {text}")))?;
    let unusable =
        |error: lettre::transport::smtp::Error| Failure::Argument(format!("mail.server: {}", reason(&error)));
    let builder = match server.security {
        MailSecurity::Tls => SmtpTransport::relay(&server.host).map_err(unusable)?,
        MailSecurity::StartTls => SmtpTransport::starttls_relay(&server.host).map_err(unusable)?,
        MailSecurity::None => SmtpTransport::builder_dangerous(&server.host),
    };
    let builder = builder.port(server.port).timeout(Some(SERVER_TIMEOUT));
    let Some((user, source)) = section.user.as_ref().zip(section.password.as_ref()) else {
        return Ok(builder.build());
    };
    let password =
        Secret::read(source).map_err(|error| Failure::Argument(format!("mail.password: {error}")))?;
    Ok(builder.credentials(Credentials::new(user.clone(), password.expose().to_owned())).build())
}
