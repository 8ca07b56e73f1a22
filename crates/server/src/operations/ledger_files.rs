//! `GET /ledger/{organisation uuid}/…`: the log's files as C2SP tlog-tiles lays them out.

use std::path::{Path as FilePath, PathBuf};

use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use fiducia_ledger::TileAddress;
use fiducia_policy::OrganizationId;

use super::OperationsState;

/// The largest file of a log: a full bundle of the largest entries.
const LOG_FILE_BYTES_MAX: u64 = 256 * (2 + 65_535);

/// A file that may be served, and for how long it stays as it is.
#[derive(Debug, PartialEq, Eq)]
struct LogFile {
    path: PathBuf,
    content_type: &'static str,
    cache_control: &'static str,
}

/// Reads what a path means. Only names that the layout itself writes are accepted, and the path on disk is made from
/// what was read rather than from what was sent, so no request can lead out of the log.
fn log_file(directory: &FilePath, organization: &str, file: &str) -> Option<LogFile> {
    let organization: OrganizationId =
        organization.parse().ok().filter(|id: &OrganizationId| id.uuid() == organization)?;
    let log = directory.join(organization.uuid());
    if file == "checkpoint" {
        return Some(LogFile {
            path: log.join("checkpoint"),
            content_type: "text/plain; charset=utf-8",
            cache_control: "no-store",
        });
    }
    let address = TileAddress::parse(file)?;
    Some(LogFile {
        path: log.join(address.to_string()),
        content_type: "application/octet-stream",
        // A full tile never changes. A partial one does not either, but goes away once its full tile exists.
        cache_control: if address.is_full() {
            "public, max-age=31536000, immutable"
        } else {
            "public, max-age=60"
        },
    })
}

/// Serves one file of one log.
pub(super) async fn serve(
    State(state): State<OperationsState>,
    Path((organization, file)): Path<(String, String)>,
) -> Response {
    let not_found = || (StatusCode::NOT_FOUND, "no such file of a log\n").into_response();
    let Some(directory) = state.ledger_directory.as_deref() else { return not_found() };
    let Some(file) = log_file(directory, &organization, &file) else { return not_found() };
    let path = file.path.clone();
    let read = tokio::task::spawn_blocking(move || {
        let metadata = std::fs::symlink_metadata(&path)?;
        if !metadata.is_file() || metadata.len() > LOG_FILE_BYTES_MAX {
            return Err(std::io::Error::from(std::io::ErrorKind::NotFound));
        }
        std::fs::read(&path)
    });
    match read.await {
        Ok(Ok(bytes)) => {
            let headers =
                [(header::CONTENT_TYPE, file.content_type), (header::CACHE_CONTROL, file.cache_control)];
            (headers, bytes).into_response()
        }
        Ok(Err(cause)) if cause.kind() == std::io::ErrorKind::NotFound => not_found(),
        _ => (StatusCode::INTERNAL_SERVER_ERROR, "the log's file could not be read\n").into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UUID: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

    fn check(organization: &str, file: &str, expected: Option<&str>) {
        let found = log_file(FilePath::new("/logs"), organization, file);
        assert_eq!(found.map(|found| found.cache_control), expected, "{organization}/{file}");
    }

    #[test]
    fn only_what_the_layout_writes_is_served() {
        check(UUID, "checkpoint", Some("no-store"));
        check(UUID, "tile/0/x001/x234/067", Some("public, max-age=31536000, immutable"));
        check(UUID, "tile/entries/000.p/12", Some("public, max-age=60"));
        for file in [
            "",
            "../checkpoint",
            "tile/0/../../checkpoint",
            "tile/64/000",
            "tile/0/0",
            "pending",
            "tile/0/000.p/256",
        ] {
            check(UUID, file, None);
        }
        check("..", "checkpoint", None);
        check(&UUID.to_uppercase(), "checkpoint", None);
        check(&format!("org_{UUID}"), "checkpoint", None);
    }
}
