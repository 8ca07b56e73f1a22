//! A certificate as a page: one HTML file, no script, light and dark, made to be printed.

use askama::Template;
use fiducia_custody::{
    Backups, Certificate, CertificateStage, CertifiedScope, KeptPart, VerifiedCertificate,
};

use crate::output::{count_of, instant};

/// The page. Askama escapes everything that is put in.
#[derive(Template)]
#[template(path = "certificate.html")]
struct Page<'a> {
    certificate: &'a Certificate,
    verified: &'a VerifiedCertificate,
    verifier_keys: &'a [String],
    /// What was done, as a sentence.
    summary: String,
}

/// The page of a verified certificate.
///
/// # Errors
/// When formatting fails, which writing to memory does not.
pub(super) fn render(
    verified: &VerifiedCertificate,
    verifier_keys: &[String],
) -> Result<String, askama::Error> {
    let certificate = &verified.certificate;
    Page { certificate, verified, verifier_keys, summary: summary(certificate) }.render()
}

impl Page<'_> {
    fn scope(&self) -> String {
        match &self.certificate.destroyed.scope {
            CertifiedScope::Record { record, conversation, .. } => format!("{record} of {conversation}"),
            CertifiedScope::Conversation { conversation, .. } => conversation.to_string(),
            CertifiedScope::Person { conversations, .. } => format!(
                "Everything of one person, who is not named here. The file commits to {} of the person.",
                count_of(u64::try_from(conversations.len()).unwrap_or(u64::MAX), "conversation")
            ),
            CertifiedScope::Ended {} => "Everything of the organisation that had come to its end".to_owned(),
        }
    }

    fn pseudonym(&self) -> Option<String> {
        match &self.certificate.destroyed.scope {
            CertifiedScope::Record { pseudonym, .. } | CertifiedScope::Conversation { pseudonym, .. } => {
                pseudonym.as_ref().map(ToString::to_string)
            }
            CertifiedScope::Person { .. } | CertifiedScope::Ended {} => None,
        }
    }

    fn by(&self) -> String {
        match &self.certificate.order.by {
            Some(person) => person.to_string(),
            None => "nobody in particular: the time was over".to_owned(),
        }
    }

    fn rows_found(&self) -> String {
        count_of(self.certificate.verification.result.rows_found, "row")
    }
}

/// An instant for people.
fn at(at: &fiducia_policy::Timestamp) -> String {
    instant(*at).replace('T', " ").replace('Z', " UTC")
}

fn summary(certificate: &Certificate) -> String {
    let destroyed = &certificate.destroyed;
    let keys = count_of(destroyed.keys.values().sum(), "key");
    let records = count_of(destroyed.records, "record");
    match certificate.stage {
        CertificateStage::KeyDestruction => {
            format!("{keys} destroyed: what only they open cannot be read by anybody.")
        }
        CertificateStage::Purge => {
            format!("{records} purged whose keys were destroyed earlier.")
        }
        CertificateStage::KeyDestructionAndPurge => format!("{keys} destroyed, and {records} purged."),
    }
}

/// Where copies of the keys may still be, as a sentence.
pub(super) fn backups(backups: &Backups) -> String {
    match backups {
        Backups::NoneStated {} => "none configured here; the operator states none".to_owned(),
        Backups::Until { days, at } => format!(
            "backups of the key store, kept {}, may hold the wrapped keys until {}",
            count_of(u64::from(*days), "day"),
            self::at(at)
        ),
    }
}

/// What a ground keeps, as a line.
pub(super) fn kept(part: &KeptPart) -> String {
    let least = if part.at_least { "at least " } else { "" };
    let counts = [(part.records, "record"), (part.conversations, "conversation")];
    let counted: Vec<_> =
        counts.into_iter().filter_map(|(count, noun)| Some(count_of(count?, noun))).collect();
    let until = part.until.map_or_else(|| "something ends it".to_owned(), |until| at(&until));
    format!("{least}{} by the ground {} until {until}", counted.join(" in "), part.ground.name())
}
