//! Reading a file of JSON lines, plain or gzip, in chunks of bounded size.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use aws_lc_rs::digest::{Context, SHA256};
use flate2::bufread::MultiGzDecoder;

/// Lines in a chunk at most.
const CHUNK_LINES_MAX: usize = 512;

/// Bytes of lines in a chunk at most, unless a single line is longer.
const CHUNK_BYTES_MAX: usize = 4 * 1024 * 1024;

/// A longer line is rejected and never held in memory as a whole.
pub(super) const LINE_BYTES_MAX: usize = 16 * 1024 * 1024;

const READ_BUFFER_BYTES: usize = 256 * 1024;
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// Consecutive lines of the source.
#[derive(Debug, Default)]
pub(super) struct Chunk {
    /// Number of the first line, from 1.
    pub(super) first_line: u64,
    /// The lines without their ends. Where a line could not be read, [`UNREADABLE`] stands for it, which custody
    /// rejects and counts like any other line that is no conversation.
    pub(super) lines: Vec<String>,
    /// Why lines could not be read, by their number.
    pub(super) unreadable: BTreeMap<u64, &'static str>,
}

/// Stands for a line that could not be read. It is not JSON, so it can never become a conversation.
pub(super) const UNREADABLE: &str = "!";

impl Chunk {
    /// Bytes of all lines.
    pub(super) fn bytes(&self) -> u64 {
        u64::try_from(self.lines.iter().map(String::len).sum::<usize>()).unwrap_or(u64::MAX)
    }
}

/// SHA-256 of a file. An import is known by it, so that it continues after an interruption, and so that a file that
/// changed meanwhile is not mistaken for the same one.
pub(super) fn digest(path: &Path, mut seen: impl FnMut(u64) -> bool) -> std::io::Result<Option<[u8; 32]>> {
    let mut file = File::open(path)?;
    let mut context = Context::new(&SHA256);
    let mut buffer = vec![0; READ_BUFFER_BYTES];
    loop {
        let length = file.read(&mut buffer)?;
        let read = buffer.get(..length).unwrap_or_default();
        if read.is_empty() {
            break;
        }
        context.update(read);
        if !seen(u64::try_from(length).unwrap_or(0)) {
            return Ok(None);
        }
    }
    let mut digest = [0; 32];
    digest.copy_from_slice(context.finish().as_ref());
    Ok(Some(digest))
}

/// The lines of a file.
pub(super) struct Source {
    reader: Box<dyn BufRead + Send>,
    bytes_read: Arc<AtomicU64>,
    next_line: u64,
}

impl Source {
    /// Opens a file; whether it is gzip is read off its first bytes, not its name.
    pub(super) fn open(path: &Path) -> std::io::Result<Self> {
        let bytes_read = Arc::new(AtomicU64::new(0));
        let counted = Counted { file: File::open(path)?, bytes_read: Arc::clone(&bytes_read) };
        let mut reader = BufReader::with_capacity(READ_BUFFER_BYTES, counted);
        let gzip = reader.fill_buf()?.starts_with(&GZIP_MAGIC);
        let reader: Box<dyn BufRead + Send> = if gzip {
            Box::new(BufReader::with_capacity(READ_BUFFER_BYTES, MultiGzDecoder::new(reader)))
        } else {
            Box::new(reader)
        };
        Ok(Self { reader, bytes_read, next_line: 1 })
    }

    /// How many bytes of the file itself were read so far; stays readable while another thread reads.
    pub(super) fn bytes_read(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.bytes_read)
    }

    /// Passes over lines that are dealt with already. Stops early at the end of the file.
    pub(super) fn skip_lines(&mut self, count: u64) -> std::io::Result<()> {
        for _ in 0..count {
            if self.reader.skip_until(b'\n')? == 0 {
                break;
            }
            self.next_line += 1;
        }
        Ok(())
    }

    /// The next lines; none at the end of the file. After an error in the middle of a chunk the lines before it are
    /// given first and the error with the next call.
    pub(super) fn chunk(&mut self) -> std::io::Result<Option<Chunk>> {
        let mut chunk = Chunk { first_line: self.next_line, ..Chunk::default() };
        let mut bytes = 0;
        while chunk.lines.len() < CHUNK_LINES_MAX && bytes < CHUNK_BYTES_MAX {
            let line = match self.line() {
                Ok(Some(line)) => line,
                Ok(None) => break,
                Err(_) if !chunk.lines.is_empty() => break,
                Err(error) => return Err(error),
            };
            match line {
                Ok(line) => {
                    bytes += line.len();
                    chunk.lines.push(line);
                }
                Err(reason) => {
                    chunk.unreadable.insert(self.next_line, reason);
                    chunk.lines.push(UNREADABLE.to_owned());
                }
            }
            self.next_line += 1;
        }
        Ok((!chunk.lines.is_empty()).then_some(chunk))
    }

    /// The next line, or why it cannot be read as one.
    fn line(&mut self) -> std::io::Result<Option<Result<String, &'static str>>> {
        let mut line = Vec::new();
        let limit = u64::try_from(LINE_BYTES_MAX).unwrap_or(u64::MAX) + 1;
        let length = self.reader.by_ref().take(limit).read_until(b'\n', &mut line)?;
        if length == 0 {
            return Ok(None);
        }
        if line.last() == Some(&b'\n') {
            line.pop();
            if line.last() == Some(&b'\r') {
                line.pop();
            }
        } else if line.len() > LINE_BYTES_MAX {
            self.reader.skip_until(b'\n')?;
            return Ok(Some(Err("the line is longer than 16 MiB")));
        }
        Ok(Some(String::from_utf8(line).map_err(|_| "the line is not UTF-8")))
    }
}

struct Counted {
    file: File,
    bytes_read: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let length = self.file.read(buffer)?;
        self.bytes_read.fetch_add(u64::try_from(length).unwrap_or(0), Ordering::Relaxed);
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn file(bytes: &[u8]) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        file
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn lines(source: &mut Source) -> Vec<String> {
        let mut lines = Vec::new();
        while let Some(chunk) = source.chunk().unwrap() {
            lines.extend(chunk.lines);
        }
        lines
    }

    #[test]
    fn plain_and_gzip_files_give_the_same_lines() {
        let text = b"one\r\ntwo\n\nfour without an end";
        let expected = ["one", "two", "", "four without an end"];
        let mut members = gzip(b"one\r\ntwo\n");
        members.extend(gzip(b"\nfour without an end"));
        for bytes in [text.to_vec(), gzip(text), members] {
            assert_eq!(lines(&mut Source::open(file(&bytes).path()).unwrap()), expected);
        }
    }

    #[test]
    fn chunks_are_bounded_and_number_their_lines() {
        let text = "{}\n".repeat(CHUNK_LINES_MAX + 3);
        let file = file(text.as_bytes());
        let mut source = Source::open(file.path()).unwrap();
        let first = source.chunk().unwrap().unwrap();
        assert_eq!((first.first_line, first.lines.len()), (1, CHUNK_LINES_MAX));
        let second = source.chunk().unwrap().unwrap();
        assert_eq!((second.first_line, second.lines.len()), (513, 3));
        assert!(source.chunk().unwrap().is_none());
    }

    #[test]
    fn skipping_continues_after_what_is_done() {
        let file = file(b"a\nb\nc\n");
        let mut source = Source::open(file.path()).unwrap();
        source.skip_lines(2).unwrap();
        assert_eq!(source.next_line, 3);
        assert_eq!(lines(&mut source), ["c"]);
    }

    #[test]
    fn a_line_that_is_too_long_is_marked_and_not_kept() {
        let mut text = vec![b'x'; LINE_BYTES_MAX + 10];
        text.extend(b"\nshort\n");
        let file = file(&text);
        let mut source = Source::open(file.path()).unwrap();
        let chunk = source.chunk().unwrap().unwrap();
        assert_eq!(chunk.unreadable.keys().collect::<Vec<_>>(), [&1]);
        assert_eq!(chunk.lines, [UNREADABLE, "short"]);
    }

    #[test]
    fn a_line_that_is_not_utf_8_is_marked_and_the_next_one_is_read() {
        let file = file(b"\xff\xfe\nnext\n");
        let chunk = Source::open(file.path()).unwrap().chunk().unwrap().unwrap();
        assert_eq!(chunk.unreadable.get(&1), Some(&"the line is not UTF-8"));
        assert_eq!(chunk.lines, [UNREADABLE, "next"]);
    }

    #[test]
    fn a_line_of_exactly_the_limit_is_kept() {
        let mut text = vec![b'x'; LINE_BYTES_MAX];
        text.push(b'\n');
        let file = file(&text);
        let chunk = Source::open(file.path()).unwrap().chunk().unwrap().unwrap();
        assert!(chunk.unreadable.is_empty());
        assert_eq!(chunk.lines.first().map(String::len), Some(LINE_BYTES_MAX));
    }

    #[test]
    fn a_truncated_gzip_gives_its_whole_lines_and_then_the_error() {
        let lines: Vec<String> =
            (0..2_000).map(|number| format!("line {number} {}", number * 7_919)).collect();
        let text = lines.join("\n");
        let mut bytes = gzip(text.as_bytes());
        bytes.truncate(bytes.len() / 2);
        let file = file(&bytes);
        let mut source = Source::open(file.path()).unwrap();
        let mut read = 0;
        let error = loop {
            match source.chunk() {
                Ok(Some(chunk)) => read += chunk.lines.len(),
                Ok(None) => panic!("the end of a truncated file must not look like the end of the lines"),
                Err(error) => break error,
            }
        };
        assert!(read > 0);
        assert_eq!(error.kind(), std::io::ErrorKind::UnexpectedEof);
    }

    #[test]
    fn the_digest_covers_every_byte_and_can_be_stopped() {
        let (one, other) = (file(b"abc"), file(b"abd"));
        let known = digest(one.path(), |_| true).unwrap().unwrap();
        assert_eq!(known[..4], [0xba, 0x78, 0x16, 0xbf]);
        assert_ne!(Some(known), digest(other.path(), |_| true).unwrap());
        assert_eq!(digest(one.path(), |_| false).unwrap(), None);
    }
}
