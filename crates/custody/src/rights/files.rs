//! The files that were made for people and lie here: they go with the person, and when their time is over.

use std::path::{Path, PathBuf};

use fiducia_policy::{SubjectId, Timestamp};
use fiducia_store::{DataDirectory, RightsFilter};

use crate::AdminError;
use crate::writer::Writer;

/// Requests whose files are removed in one step of the worker.
const REQUESTS_PER_STEP: u32 = 100;
const SECONDS_PER_DAY: i64 = 86_400;

impl Writer {
    /// Removes the files that were made for a person here; gives how many, and how many lie where this program does not reach.
    pub(super) fn remove_exports(&self, subject: SubjectId) -> Result<(usize, usize), AdminError> {
        let folder = self.exports_folder();
        let filter = RightsFilter { subject: Some(subject), ..RightsFilter::default() };
        let (mut removed, mut elsewhere) = (0, 0);
        let mut after = None;
        loop {
            let step = self.files.control.requests(RightsFilter { after, ..filter }, 1_000)?;
            let Some(last) = step.last() else { return Ok((removed, elsewhere)) };
            after = Some(last.id);
            for request in &step {
                let own = folder.join(request.id.uuid());
                for volume in self.files.control.export_volumes(request.id)? {
                    if volume.file.is_empty() {
                        // Removed when its days were over.
                        continue;
                    }
                    let is_here = std::path::Path::new(&volume.file).starts_with(&own);
                    *(if is_here { &mut removed } else { &mut elsewhere }) += 1;
                }
                remove_folder(&own)?;
            }
        }
    }

    /// Where files for people lie, as their rows name it.
    fn exports_folder(&self) -> PathBuf {
        let folder = DataDirectory::exports(&self.root);
        folder.canonicalize().unwrap_or(folder)
    }

    /// Removes files of requests that were closed long enough ago. Gives whether there were any.
    pub(crate) fn remove_old_files(&mut self, now: Timestamp) -> Result<bool, AdminError> {
        let days = i64::from(self.governance.current().1.rights().keep_files_days);
        let before = Timestamp::from_second(now.as_second().saturating_sub(days * SECONDS_PER_DAY));
        let before = before.unwrap_or(Timestamp::MIN);
        let folder = self.exports_folder();
        let prefix = format!("{}/", folder.display());
        let old = self.files.control.requests_with_old_files(before, &prefix, REQUESTS_PER_STEP)?;
        for request in &old {
            remove_folder(&folder.join(request.uuid()))?;
            self.files.control.forget_files(*request, &prefix)?;
        }
        Ok(!old.is_empty())
    }
}

fn remove_folder(folder: &Path) -> Result<(), AdminError> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(AdminError::Storage(format!(
            "{} cannot be removed: {error}; nothing was forgotten yet",
            folder.display()
        ))),
        _ => Ok(()),
    }
}
