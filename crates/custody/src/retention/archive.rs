//! The file of an export: a ZIP that is written front to back, sealed for its recipients unless that was declined.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use aws_lc_rs::digest;
use fiducia_keyring::{FileRecipient, SealedFile};
use zip::ZipWriter;
use zip::write::{SimpleFileOptions, StreamWriter};

use crate::AdminError;
use crate::administer::hex;

/// A file in the archive.
#[derive(Debug, Clone, serde::Serialize)]
pub(crate) struct ArchivedFile {
    pub(crate) path: String,
    pub(crate) bytes: u64,
    pub(crate) sha256: String,
}

/// The archive under construction.
pub(crate) struct Archive<W: Write> {
    zip: ZipWriter<StreamWriter<W>>,
    files: Vec<ArchivedFile>,
    open: Option<OpenFile>,
}

struct OpenFile {
    path: String,
    digest: digest::Context,
    bytes: u64,
    /// Elements of a list written so far.
    elements: u64,
}

fn failed(error: impl std::fmt::Display) -> AdminError {
    AdminError::Storage(format!("the export could not be written, so it was removed: {error}"))
}

impl<W: Write> Archive<W> {
    pub(crate) fn new(sink: W) -> Self {
        Self { zip: ZipWriter::new_stream(sink), files: Vec::new(), open: None }
    }

    /// The files that are complete.
    pub(crate) fn files(&self) -> &[ArchivedFile] {
        &self.files
    }

    /// Begins a file; the one before it has ended.
    pub(crate) fn begin(&mut self, path: String) -> Result<(), AdminError> {
        let options = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated);
        self.zip.start_file(path.as_str(), options).map_err(failed)?;
        let digest = digest::Context::new(&digest::SHA256);
        self.open = Some(OpenFile { path, digest, bytes: 0, elements: 0 });
        Ok(())
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), AdminError> {
        self.write_all(bytes).map_err(failed)
    }

    /// Writes a value as JSON.
    pub(crate) fn value(&mut self, value: &impl serde::Serialize) -> Result<(), AdminError> {
        serde_json::to_writer(self, value).map_err(failed)
    }

    /// Writes a value as the next element of a JSON list.
    pub(crate) fn element(&mut self, value: &impl serde::Serialize) -> Result<(), AdminError> {
        let before = self.open.as_mut().map_or(0, |open| {
            open.elements += 1;
            open.elements - 1
        });
        self.write(if before == 0 { b"\n" } else { b",\n" })?;
        self.value(value)
    }

    /// Ends the file and gives its digest.
    pub(crate) fn end(&mut self) -> Result<[u8; 32], AdminError> {
        let open = self.open.take().ok_or_else(|| failed("no file is open"))?;
        let mut sha256 = [0; 32];
        sha256.copy_from_slice(open.digest.finish().as_ref());
        self.files.push(ArchivedFile { path: open.path, bytes: open.bytes, sha256: hex(&sha256) });
        Ok(sha256)
    }

    /// Adds a small file.
    pub(crate) fn file(&mut self, path: String, bytes: &[u8]) -> Result<(), AdminError> {
        self.begin(path)?;
        self.write(bytes)?;
        self.end().map(drop)
    }

    /// Writes the directory at the end and gives the sink back.
    pub(crate) fn finish(self) -> Result<W, AdminError> {
        Ok(self.zip.finish().map_err(failed)?.into_inner())
    }
}

impl<W: Write> Write for Archive<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let open = self.open.as_mut().ok_or_else(|| io::Error::other("no file is open"))?;
        let written = self.zip.write(bytes)?;
        open.digest.update(bytes.get(..written).unwrap_or_default());
        open.bytes += u64::try_from(written).unwrap_or(0);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.zip.flush()
    }
}

/// A new file for an export, which is removed again unless it is kept.
pub(crate) struct NewFile {
    path: PathBuf,
    is_kept: bool,
}

impl NewFile {
    /// Creates the file for this user alone, and what writes into it: sealed for `recipients`, in the clear for nobody.
    pub(crate) fn create(path: &Path, recipients: &[FileRecipient]) -> Result<(Self, Sink), AdminError> {
        let file =
            OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(|error| {
                AdminError::Invalid(format!(
                    "{} cannot be made: {error}; nothing was exported. An existing file is never overwritten",
                    path.display()
                ))
            })?;
        let new = Self { path: path.to_owned(), is_kept: false };
        let buffered = BufWriter::new(file);
        let sink = if recipients.is_empty() {
            Sink::Open(buffered)
        } else {
            Sink::Sealed(Box::new(SealedFile::begin(recipients, buffered).map_err(failed)?))
        };
        Ok((new, sink))
    }

    /// Keeps the file.
    pub(crate) fn keep(mut self) {
        self.is_kept = true;
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if !self.is_kept {
            // What failed is said already; a rest of a sealed file opens for nobody.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// What an archive is written into.
pub(crate) enum Sink {
    Open(BufWriter<File>),
    Sealed(Box<SealedFile<BufWriter<File>>>),
}

impl Sink {
    /// Makes everything durable.
    pub(crate) fn finish(self) -> Result<(), AdminError> {
        let buffered = match self {
            Self::Open(buffered) => buffered,
            Self::Sealed(sealed) => sealed.finish().map_err(failed)?,
        };
        buffered.into_inner().map_err(failed)?.sync_all().map_err(failed)
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Open(buffered) => buffered.write(bytes),
            Self::Sealed(sealed) => sealed.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Open(buffered) => buffered.flush(),
            Self::Sealed(sealed) => sealed.flush(),
        }
    }
}
