//! A file that is handed over, in pieces, so that however large it is little of it is in memory.

use std::fs::File;
use std::future::Future;
use std::io::{Seek, SeekFrom};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use http_body::Frame;
use tokio::task::JoinHandle;

use super::problem::Problem;
use super::reply::names;

/// Bytes that are read at a time.
const PIECE_BYTES: u64 = 64 * 1024;

/// A file that was opened, so that it stays readable although its name goes.
pub(super) struct OpenFile {
    file: Arc<File>,
    length: u64,
    tag: String,
    name: String,
}

impl OpenFile {
    /// Opens a file. `name` is what programs call it that keep it.
    ///
    /// # Errors
    /// [`Problem::NotFound`] when it is gone or no plain file.
    pub(super) fn open(path: &Path, name: String) -> Result<Self, Problem> {
        let unusable = |error: std::io::Error| {
            if error.kind() == std::io::ErrorKind::NotFound {
                return Problem::NotFound;
            }
            tracing::error!(%error, "a file for a person could not be opened");
            Problem::Unavailable
        };
        let metadata = std::fs::symlink_metadata(path).map_err(unusable)?;
        if !metadata.is_file() {
            return Err(Problem::NotFound);
        }
        let mut file = File::open(path).map_err(unusable)?;
        let length = file.seek(SeekFrom::End(0)).map_err(unusable)?;
        // Files for people are written once: which file it is and how long says what is in it.
        let tag = format!("\"{:x}-{:x}-{length:x}\"", metadata.ino(), metadata.mtime());
        Ok(Self { file: Arc::new(file), length, tag, name })
    }

    pub(super) fn tag(&self) -> String {
        self.tag.clone()
    }

    /// The file, or the one range that was asked for (RFC 9110, section 14).
    pub(super) fn into_response(
        self,
        asked: &HeaderMap,
        tag: Option<&HeaderValue>,
    ) -> Result<Response, Problem> {
        let range = asked.get(header::RANGE).and_then(|value| value.to_str().ok());
        // A range of another state of the file is worth nothing: then it comes whole.
        let is_same = asked.get(header::IF_RANGE).is_none_or(|value| {
            value.to_str().is_ok_and(|line| names(line, &self.tag, false)) && tag.is_some()
        });
        let part = match range.filter(|_| is_same) {
            Some(range) => part_of(range, self.length).map_err(|()| Problem::Range(self.length))?,
            None => None,
        };
        let (first, length) = part.unwrap_or((0, self.length));
        let mut response = Response::new(Body::new(FileBody {
            file: self.file,
            at: first,
            end: first.saturating_add(length),
            reading: None,
        }));
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
        headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
        if let Ok(value) = HeaderValue::try_from(format!("attachment; filename=\"{}\"", self.name)) {
            headers.insert(header::CONTENT_DISPOSITION, value);
        }
        if part.is_some() {
            let last = first.saturating_add(length).saturating_sub(1);
            if let Ok(value) = HeaderValue::try_from(format!("bytes {first}-{last}/{}", self.length)) {
                headers.insert(header::CONTENT_RANGE, value);
            }
            *response.status_mut() = StatusCode::PARTIAL_CONTENT;
        }
        Ok(response)
    }
}

/// First byte and length of a range; `None` when the header is to be ignored, as several ranges are.
fn part_of(range: &str, length: u64) -> Result<Option<(u64, u64)>, ()> {
    let Some(spec) = range.strip_prefix("bytes=") else { return Ok(None) };
    if spec.contains(',') {
        return Ok(None);
    }
    let Some((first, last)) = spec.trim().split_once('-') else { return Ok(None) };
    let number = |text: &str| -> Option<u64> {
        text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
    };
    match (number(first), number(last)) {
        (None, Some(count)) if first.is_empty() => {
            let count = count.min(length);
            if count == 0 { Err(()) } else { Ok(Some((length - count, count))) }
        }
        (Some(first), last_byte) if last.is_empty() || last_byte.is_some() => {
            let end = last_byte.map_or(length, |last| last.saturating_add(1)).min(length);
            if last_byte.is_some_and(|last| last < first) {
                return Ok(None);
            }
            if first >= length { Err(()) } else { Ok(Some((first, end - first))) }
        }
        _ => Ok(None),
    }
}

type Piece = std::io::Result<Bytes>;

/// The bytes of a file from one place to another. No thread is held while the receiver is slow.
struct FileBody {
    file: Arc<File>,
    at: u64,
    end: u64,
    reading: Option<JoinHandle<Piece>>,
}

impl http_body::Body for FileBody {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        if self.at >= self.end {
            return Poll::Ready(None);
        }
        let (file, at) = (Arc::clone(&self.file), self.at);
        let length = usize::try_from((self.end - at).min(PIECE_BYTES)).unwrap_or(usize::MAX);
        let reading =
            self.reading.get_or_insert_with(|| tokio::task::spawn_blocking(move || piece(&file, at, length)));
        let Poll::Ready(done) = Pin::new(reading).poll(context) else { return Poll::Pending };
        self.reading = None;
        let bytes = match done {
            Ok(Ok(bytes)) => bytes,
            Ok(Err(error)) => return Poll::Ready(Some(Err(error))),
            Err(error) => return Poll::Ready(Some(Err(std::io::Error::other(error)))),
        };
        self.at = self.at.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        Poll::Ready(Some(Ok(Frame::data(bytes))))
    }

    fn size_hint(&self) -> http_body::SizeHint {
        http_body::SizeHint::with_exact(self.end.saturating_sub(self.at))
    }
}

fn piece(file: &File, at: u64, length: usize) -> Piece {
    let mut bytes = vec![0; length];
    file.read_exact_at(&mut bytes, at)?;
    Ok(Bytes::from(bytes))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ranges_are_read_as_http_says() {
        let check = |range: &str, expect: Result<Option<(u64, u64)>, ()>| {
            assert_eq!(part_of(range, 10), expect, "{range}");
        };
        check("bytes=0-3", Ok(Some((0, 4))));
        check("bytes=4-", Ok(Some((4, 6))));
        check("bytes=-3", Ok(Some((7, 3))));
        check("bytes=-30", Ok(Some((0, 10))));
        check("bytes=8-30", Ok(Some((8, 2))));
        check("bytes=10-", Err(()));
        check("bytes=-0", Err(()));
        for ignored in ["items=0-3", "bytes=3-1", "bytes=0-1,4-5", "bytes=a-b", "bytes=-", "bytes=+1-2", ""] {
            check(ignored, Ok(None));
        }
    }

    proptest! {
        #[test]
        fn a_range_lies_within_the_file(range in "bytes=[0-9]{0,21}-[0-9]{0,21}", length in any::<u64>()) {
            if let Ok(Some((first, count))) = part_of(&range, length) {
                prop_assert!(count > 0 && first.checked_add(count).is_some_and(|end| end <= length));
            }
        }
    }
}
