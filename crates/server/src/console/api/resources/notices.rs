//! `/notices`: what people are shown when they are asked, and what changed between two versions.

use fiducia_custody::{AdminCommand, AdminReply, ConsentCommand, ConsentReply, NoticeRow};
use fiducia_policy::{
    ConsentPurpose, LegalBasis, NOTICE_BYTES_MAX, NoticeIdentity, Timestamp, WordChange, change_in_words,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::call::{Call, unexpected};
use super::super::caller::Who;
use super::super::endpoint::{Endpoint, Nothing};
use super::super::problem::Problem;
use super::super::reply::{Found, Listed, Made};

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get("/notices", "list-notices", "The notices that were published.", Who::Anyone, list),
        Endpoint::post("/notices", "publish-notice", "Publishes a notice.", Who::Staff, publish)
            // JSON writes a character in up to six bytes.
            .takes(6 * NOTICE_BYTES_MAX),
        Endpoint::get(
            "/notices/{purpose}/{language}/{version}",
            "show-notice",
            "One notice.",
            Who::Anyone,
            show,
        ),
        Endpoint::get(
            "/notices/{purpose}/{language}/{version}/changes",
            "compare-notices",
            "What changed in the text from another version to this one, sentence by sentence.",
            Who::Anyone,
            changes,
        ),
    ]
}

/// A notice.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Notice")]
struct NoticeShown {
    purpose: ConsentPurpose,
    language: String,
    version: u32,
    /// The question in one line.
    title: String,
    /// What the person is shown.
    text: String,
    basis: LegalBasis,
    /// What a yes means for how long things are kept.
    retention: String,
    data: Vec<String>,
    special_categories: bool,
    processing: Vec<String>,
    storage_locations: Vec<String>,
    processing_locations: Vec<String>,
    jurisdictions: Vec<String>,
    recipients: Vec<String>,
    /// How a yes is taken back.
    withdrawal: String,
    rights: Vec<String>,
    /// To whom one can complain.
    authority: String,
    /// For how long a yes counts, such as `1 year`; null for as long as it is not taken back.
    validity: Option<String>,
    controllers: Vec<ControllerShown>,
    /// SHA-256 of the notice, hex.
    hash: String,
    published_at: Timestamp,
    /// Whether a newer version stands in its language.
    superseded: bool,
}

/// Who decides about the use.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Controller")]
struct ControllerShown {
    id: String,
    name: String,
    address: String,
    contact: String,
    /// `controller`, `joint-controller` or `processor`.
    role: String,
}

impl From<NoticeRow> for NoticeShown {
    fn from(row: NoticeRow) -> Self {
        let notice = row.notice;
        let controllers = notice.controllers.into_iter().map(|controller| ControllerShown {
            id: controller.id,
            name: controller.name,
            address: controller.address,
            contact: controller.contact,
            role: controller.role,
        });
        Self {
            purpose: notice.purpose,
            language: notice.language,
            version: notice.version,
            title: notice.title,
            text: notice.text,
            basis: notice.basis,
            retention: notice.retention,
            data: notice.data,
            special_categories: notice.special_categories,
            processing: notice.processing,
            storage_locations: notice.storage_locations,
            processing_locations: notice.processing_locations,
            jurisdictions: notice.jurisdictions,
            recipients: notice.recipients,
            withdrawal: notice.withdrawal,
            rights: notice.rights,
            authority: notice.authority,
            validity: notice.validity.map(|span| span.to_string()),
            controllers: controllers.collect(),
            hash: row.hash,
            published_at: row.published_at,
            superseded: row.superseded,
        }
    }
}

/// Which notices.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NoticesAsked {
    /// Only those on this purpose.
    purpose: Option<ConsentPurpose>,
    /// What `next` said.
    after: Option<String>,
    /// At most this many rows, 1 to 500; 100 when absent.
    limit: Option<u32>,
}

fn list(call: &Call<'_>, _: Nothing, asked: NoticesAsked) -> Result<Listed<NoticeShown>, Problem> {
    let rows = Call::rows(asked.limit)?;
    let after = call.after(asked.after.as_deref())?;
    let command = ConsentCommand::ListNotices { purpose: asked.purpose };
    let AdminReply::Consented(ConsentReply::Notices(found)) =
        call.custody.administer(AdminCommand::Consent(command))?
    else {
        return Err(unexpected());
    };
    call.part(found, (after, rows), |row| place(&row.notice.identity()))
}

fn place(identity: &NoticeIdentity) -> String {
    format!("{}/{}/{}", identity.purpose, identity.language, identity.version)
}

/// Which notice.
#[derive(Deserialize, JsonSchema)]
struct OneNotice {
    /// What it asks about.
    purpose: ConsentPurpose,
    /// In which language, such as `en`.
    language: String,
    /// Its version, from 1.
    version: u32,
}

fn found(call: &Call<'_>, identity: NoticeIdentity) -> Result<NoticeRow, Problem> {
    let command = ConsentCommand::ShowNotice { identity };
    match call.custody.administer(AdminCommand::Consent(command))? {
        AdminReply::Consented(ConsentReply::Notice(row)) => Ok(*row),
        _ => Err(unexpected()),
    }
}

impl From<OneNotice> for NoticeIdentity {
    fn from(one: OneNotice) -> Self {
        Self { purpose: one.purpose, language: one.language, version: one.version }
    }
}

fn show(call: &Call<'_>, one: OneNotice, _: Nothing) -> Result<Found<NoticeShown>, Problem> {
    Ok(Found(found(call, one.into())?.into()))
}

/// Which versions are compared.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Against {
    /// The other version.
    against: u32,
}

/// What changed in a text.
#[derive(Serialize, JsonSchema)]
struct Changes {
    /// The sentences of both texts in the order of reading.
    items: Vec<ChangedSentence>,
}

/// A sentence of two texts.
#[derive(Serialize, JsonSchema)]
struct ChangedSentence {
    change: ChangeOfSentence,
    text: String,
}

/// What became of a sentence.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum ChangeOfSentence {
    /// It is in both.
    Same,
    /// It is in the other version alone.
    Removed,
    /// It is in this version alone.
    Added,
}

fn changes(call: &Call<'_>, one: OneNotice, asked: Against) -> Result<Found<Changes>, Problem> {
    let identity = NoticeIdentity::from(one);
    let other = NoticeIdentity { version: asked.against, ..identity.clone() };
    let (is, was) = (found(call, identity)?, found(call, other)?);
    let items = change_in_words(&was.notice.text, &is.notice.text).into_iter().map(|change| match change {
        WordChange::Same(text) => ChangedSentence { change: ChangeOfSentence::Same, text },
        WordChange::Removed(text) => ChangedSentence { change: ChangeOfSentence::Removed, text },
        WordChange::Added(text) => ChangedSentence { change: ChangeOfSentence::Added, text },
    });
    Ok(Found(Changes { items: items.collect() }))
}

/// A notice to be published.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NewNotice {
    /// Its file, TOML, as `fiducia notices publish` takes it.
    source: String,
}

fn publish(call: &Call<'_>, _: Nothing, new: NewNotice) -> Result<Made<NoticeShown>, Problem> {
    let command = ConsentCommand::PublishNotice { source: new.source, actor: String::new() };
    let AdminReply::Consented(ConsentReply::Notice(row)) = call.as_staff(AdminCommand::Consent(command))?
    else {
        return Err(unexpected());
    };
    Ok(Made { location: format!("/notices/{}", place(&row.notice.identity())), what: (*row).into() })
}
