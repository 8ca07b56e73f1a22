//! The mail that tells of a certificate: what was destroyed, in numbers, and the files that prove it.

use lettre::Message;
use lettre::message::header::ContentTransferEncoding;
use lettre::message::header::ContentType;
use lettre::message::{Attachment, Body, MultiPart, SinglePart};

use fiducia_custody::VerifiedCertificate;

use super::mailbox;
use crate::commands::certificates::{checked, lines};

/// The mail about a certificate, from its file.
///
/// # Errors
/// When the file does not hold, or an address cannot be used; the text names no address.
pub(super) fn about(file: &str, verifier_keys: &[String], from: &str, to: &str) -> Result<Message, String> {
    let verified = checked(file.as_bytes(), verifier_keys).map_err(|error| error.to_string())?;
    let (from, to) = (mailbox("mail.from is", from)?, mailbox("mail.to is", to)?);
    let reference = &verified.certificate.reference;
    // The same mail has the same id when it is sent again, so that mail systems can tell.
    let id = format!("<{reference}@{}>", from.email.domain());
    let attached = |name: String, bytes: &str, kind: &str| -> Result<SinglePart, String> {
        let kind = ContentType::parse(kind).map_err(|error| error.to_string())?;
        // As bytes and encoded, so that neither the composer nor a mail system changes a line end of what is signed.
        let body = Body::new_with_encoding(bytes.as_bytes().to_vec(), ContentTransferEncoding::Base64);
        let body = body.map_err(|_| "the certificate cannot be attached".to_owned())?;
        Ok(Attachment::new(name).body(body, kind))
    };
    let parts = MultiPart::mixed()
        .singlepart(SinglePart::plain(text(&verified)))
        .singlepart(attached(format!("{reference}.json"), file, "application/json")?)
        .singlepart(attached(
            format!("{reference}.tlog-proof"),
            &verified.proof,
            "text/plain; charset=utf-8",
        )?);
    Message::builder()
        .from(from)
        .to(to)
        .subject(format!("Certificate of destruction {reference}"))
        .message_id(Some(id))
        .date(verified.certificate.issued_at.into())
        .multipart(parts)
        .map_err(|error| format!("the mail could not be composed: {error}"))
}

fn text(verified: &VerifiedCertificate) -> String {
    let certificate = &verified.certificate;
    let contact = certificate.issuer.contact.as_deref().unwrap_or("whoever runs this installation");
    format!(
        "Data was destroyed, and this is the certificate for it: {reference}.\n\n{said}\n\nHow to verify it, without the \
         installation that issued it: save the attachment {reference}.json and run\n\n  fiducia certificate verify \
         {reference}.json --verifier-key KEY\n\nwith the verifier key that you kept when the organisation was created. The \
         other attachment is the proof of the entry in the log by itself, for other programs (c2sp.org/tlog-proof).\n\n\
         Questions: {contact}\n",
        reference = certificate.reference,
        said = lines(verified).join("\n"),
    )
}
