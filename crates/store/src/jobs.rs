//! Import jobs in `control.db`.

use fiducia_policy::{OrganizationId, SubjectId, Timestamp};
use rusqlite::{OptionalExtension, params};

use crate::connection::{bytes16, instant, optional_instant};
use crate::outbox::{Announcement, announce};
use crate::{ControlStore, StoreError};

/// An import, finished or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportJob {
    /// Its id: a digest of organisation, subject and source, so that the same import finds itself again.
    pub id: [u8; 16],
    /// Into which organisation.
    pub organization: OrganizationId,
    /// For which subject.
    pub subject: SubjectId,
    /// What the operator calls the source.
    pub source: String,
    /// Begun when; all its records carry this time, so that a repeated chunk finds its own rows.
    pub started_at: Timestamp,
    /// Lines of the source that are durably dealt with.
    pub lines_done: u64,
    /// Lines that became conversations.
    pub accepted: u64,
    /// Lines that were rejected.
    pub rejected: u64,
    /// Finished when.
    pub finished_at: Option<Timestamp>,
}

impl ControlStore {
    /// Finds a job, or begins it; whether it is new.
    pub fn begin_import(&mut self, job: &ImportJob) -> Result<(ImportJob, bool), StoreError> {
        self.file.write("begin_import", |tx| {
            let added = tx.execute(
                "INSERT INTO import_jobs (id, organization, subject, source, started_at, lines_done, accepted, rejected)
                 VALUES (?1, ?2, ?3, ?4, ?5, 0, 0, 0) ON CONFLICT (id) DO NOTHING",
                params![
                    job.id,
                    job.organization.as_bytes(),
                    job.subject.as_bytes(),
                    job.source,
                    job.started_at.as_microsecond()
                ],
            )?;
            let job = tx.query_row(&format!("{JOB} WHERE id = ?1"), [job.id], import_job)?;
            Ok((job, added > 0))
        })
    }

    /// One job.
    pub fn import_job(&self, id: [u8; 16]) -> Result<Option<ImportJob>, StoreError> {
        self.file.read("import_job", |connection| {
            connection.prepare_cached(&format!("{JOB} WHERE id = ?1"))?.query_row([id], import_job).optional()
        })
    }

    /// Moves a job forward after its records are durable.
    pub fn advance_import(
        &mut self,
        id: [u8; 16],
        lines_done: u64,
        accepted: u64,
        rejected: u64,
    ) -> Result<(), StoreError> {
        self.file.write("advance_import", |tx| {
            tx.prepare_cached(
                "UPDATE import_jobs SET lines_done = ?2, accepted = accepted + ?3, rejected = rejected + ?4
                 WHERE id = ?1 AND lines_done < ?2",
            )?
            .execute(params![id, lines_done, accepted, rejected])
            .map(drop)
        })
    }

    /// Finishes a job and announces it.
    pub fn finish_import(
        &mut self,
        job: &ImportJob,
        now: Timestamp,
        announcement: &Announcement,
    ) -> Result<(), StoreError> {
        self.file.write("finish_import", |tx| {
            let changed = tx.execute(
                "UPDATE import_jobs SET finished_at = ?2 WHERE id = ?1 AND finished_at IS NULL",
                params![job.id, now.as_microsecond()],
            )?;
            if changed > 0 { announce(tx, announcement) } else { Ok(()) }
        })
    }
}

const JOB: &str =
    "SELECT id, organization, subject, source, started_at, lines_done, accepted, rejected, finished_at
     FROM import_jobs";

fn import_job(row: &rusqlite::Row<'_>) -> rusqlite::Result<ImportJob> {
    Ok(ImportJob {
        id: bytes16(row, 0)?,
        organization: OrganizationId::from_bytes(bytes16(row, 1)?),
        subject: SubjectId::from_bytes(bytes16(row, 2)?),
        source: row.get(3)?,
        started_at: instant(row, 4)?,
        lines_done: row.get(5)?,
        accepted: row.get(6)?,
        rejected: row.get(7)?,
        finished_at: optional_instant(row, 8)?,
    })
}
