//! `/requests/{request}/files`: the sealed files that are made for a person, and handing them over.

use std::path::Path;

use fiducia_custody::{AdminCommand, AdminReply, PersonalCommand, RightsCommand, RightsExport, RightsReply};
use fiducia_policy::RightsRequestId;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::call::{Call, unexpected};
use super::super::caller::Who;
use super::super::endpoint::{Endpoint, Nothing};
use super::super::file::OpenFile;
use super::super::problem::Problem;
use super::super::reply::Done;
use super::request_view::FileOfRequest;

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::post(
            "/requests/{request}/files",
            "make-files",
            "Writes what is kept of the person to files, sealed for whoever receives them.",
            Who::Staff,
            make,
        ),
        Endpoint::get(
            "/requests/{request}/files/{volume}",
            "fetch-file",
            "One file that was made for the person; whole, or one range of it.",
            Who::Person,
            fetch,
        ),
    ]
}

/// Which request.
#[derive(Deserialize, JsonSchema)]
struct OneRequest {
    /// The request.
    request: RightsRequestId,
}

/// Files to be made.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NewFiles {
    /// Who can open them: `age1…` public keys, at least one.
    recipients: Vec<String>,
    /// Conversations in one file, 1 to 10,000; more make further files.
    conversations_per_file: Option<u32>,
}

/// The files that were made.
#[derive(Serialize, JsonSchema)]
struct FilesMade {
    items: Vec<FileOfRequest>,
    /// Records that are kept for another purpose than the person's own use: they are listed with their grounds, not opened.
    records_listed_only: u64,
}

fn make(call: &Call<'_>, one: OneRequest, new: NewFiles) -> Result<Done<FilesMade>, Problem> {
    let export = RightsExport {
        request: one.request,
        actor: String::new(),
        recipients: new.recipients,
        out: None,
        conversations_per_file: new.conversations_per_file,
    };
    let command = AdminCommand::Rights(RightsCommand::Export(export));
    let AdminReply::Rights(RightsReply::Exported(report)) = call.as_staff(command)? else {
        return Err(unexpected());
    };
    let items = report.files.iter().map(FileOfRequest::from).collect();
    Ok(Done(FilesMade { items, records_listed_only: report.records_listed_only }))
}

/// Which file.
#[derive(Deserialize, JsonSchema)]
struct OneFile {
    /// The request.
    request: RightsRequestId,
    /// The file's number, from 1.
    volume: u32,
}

fn fetch(call: &Call<'_>, one: OneFile, _: Nothing) -> Result<OpenFile, Problem> {
    let command = PersonalCommand::Request { request: one.request };
    let AdminReply::Rights(RightsReply::Request(detail)) = call.personally(command)? else {
        return Err(unexpected());
    };
    let file = detail.files.iter().find(|file| file.volume == one.volume && !file.file.is_empty());
    let file = file.ok_or(Problem::NotFound)?;
    let name = Path::new(&file.file).file_name().and_then(|name| name.to_str()).unwrap_or("copy");
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let name = name.chars().filter(|c| plain(*c)).collect();
    OpenFile::open(Path::new(&file.file), name)
}
