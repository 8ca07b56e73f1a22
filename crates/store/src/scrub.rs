//! Wiping what SQLite leaves behind when it moves rows.
//!
//! With `secure_delete` SQLite overwrites what is deleted. But when it balances its trees it copies rows to neighbouring
//! pages, and the old copies stay in the unused part of the page they came from; deleting the row later overwrites only the
//! copy in use. So after deletions every page is looked at, and its unused part is overwritten with zeros, a few pages in
//! each transaction. The layout of pages is that of the file format, section 1.6, and never changes.
//!
//! Pages are read and written through SQLite itself (`sqlite_dbpage`), hence under its locks and its journal. A build whose
//! SQLite lacks that table rewrites the whole file (`VACUUM`) instead.

use rusqlite::{OptionalExtension, params};

use crate::StoreError;
use crate::connection::File;

/// Bytes of the file's own header, before the header of its first page.
const FILE_HEADER_BYTES: usize = 100;
const LEAF_HEADER_BYTES: usize = 8;
const INTERIOR_HEADER_BYTES: usize = 12;
/// Bytes at the front of a free block: where the next one is, and its size.
const FREE_BLOCK_HEADER_BYTES: usize = 4;

/// How far a scrub has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scrubbed {
    /// The last page that was looked at; `None` when there is none after it.
    pub up_to: Option<u32>,
    /// Pages in which something was overwritten.
    pub wiped: u32,
}

impl File {
    /// Overwrites the unused parts of at most `limit` pages after page `after` (0 to begin), durably.
    pub(crate) fn scrub(&mut self, after: u32, limit: u32) -> Result<Scrubbed, StoreError> {
        if !self.has_page_table()? {
            return self.rewrite();
        }
        let (mut wiped, mut up_to) = (0, None);
        self.write("scrub", |tx| {
            let pages: u32 = tx.query_row("PRAGMA page_count", [], |row| row.get(0))?;
            let last = after.saturating_add(limit).min(pages);
            let mut read = tx.prepare_cached("SELECT data FROM sqlite_dbpage WHERE pgno = ?1")?;
            let mut write = tx.prepare_cached("UPDATE sqlite_dbpage SET data = ?2 WHERE pgno = ?1")?;
            for number in after.saturating_add(1)..=last {
                let Some(mut page) = read.query_row([number], |row| row.get::<_, Vec<u8>>(0)).optional()?
                else {
                    continue;
                };
                if wipe(&mut page, number == 1) {
                    write.execute(params![number, page])?;
                    wiped += 1;
                }
            }
            up_to = (last < pages).then_some(last);
            Ok(())
        })?;
        Ok(Scrubbed { up_to, wiped })
    }

    fn has_page_table(&self) -> Result<bool, StoreError> {
        self.read("has_page_table", |connection| {
            connection
                .prepare_cached("SELECT 1 FROM pragma_module_list WHERE name = 'sqlite_dbpage'")?
                .exists([])
        })
    }

    fn rewrite(&mut self) -> Result<Scrubbed, StoreError> {
        self.connection
            .execute_batch("VACUUM")
            .map_err(|error| StoreError::from_sqlite(&self.path, "vacuum", &error))?;
        Ok(Scrubbed { up_to: None, wiped: 0 })
    }
}

/// Overwrites the unused parts of a page of a tree with zeros. Gives whether there was anything else in them. Other pages,
/// and pages that are not laid out as the format says, are left alone.
fn wipe(page: &mut [u8], is_first: bool) -> bool {
    let start = if is_first { FILE_HEADER_BYTES } else { 0 };
    let header = match page.get(start) {
        Some(0x0a | 0x0d) => LEAF_HEADER_BYTES,
        Some(0x02 | 0x05) => INTERIOR_HEADER_BYTES,
        _ => return false,
    };
    let Some([free, cells, content]) = numbers(page, start) else { return false };
    // 0 stands for 65,536, the only value that has no room in the field.
    let content = if content == 0 { 65_536 } else { content };
    let unused = start + header + 2 * cells..content.min(page.len());
    if content > page.len() || unused.start > unused.end {
        return false;
    }
    let mut found = zero(page.get_mut(unused));
    let mut block = free;
    // Blocks come in ascending order, so this ends.
    while block != 0 {
        let Some([next, size]) = numbers_at(page, block) else { return found };
        let end = block.saturating_add(size);
        if size < FREE_BLOCK_HEADER_BYTES || end > page.len() || (next != 0 && next < end) {
            return found;
        }
        found |= zero(page.get_mut(block + FREE_BLOCK_HEADER_BYTES..end));
        block = next;
    }
    found
}

/// The first free block, the number of cells and the start of their content.
fn numbers(page: &[u8], start: usize) -> Option<[usize; 3]> {
    let [free, cells] = numbers_at(page, start + 1)?;
    let [content, _] = numbers_at(page, start + 5)?;
    Some([free, cells, content])
}

fn numbers_at(page: &[u8], at: usize) -> Option<[usize; 2]> {
    let bytes: &[u8; 4] = page.get(at..at + 4)?.first_chunk()?;
    let [a, b, c, d] = *bytes;
    Some([usize::from(u16::from_be_bytes([a, b])), usize::from(u16::from_be_bytes([c, d]))])
}

fn zero(part: Option<&mut [u8]>) -> bool {
    let Some(part) = part.filter(|part| part.iter().any(|byte| *byte != 0)) else { return false };
    part.fill(0);
    true
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A leaf page of one cell at its end, with a free block before it.
    fn page() -> Vec<u8> {
        let mut page = vec![0; 512];
        page[0] = 0x0d;
        page[1..3].copy_from_slice(&400_u16.to_be_bytes());
        page[3..5].copy_from_slice(&1_u16.to_be_bytes());
        page[5..7].copy_from_slice(&400_u16.to_be_bytes());
        page[8..10].copy_from_slice(&450_u16.to_be_bytes());
        page[400..402].copy_from_slice(&0_u16.to_be_bytes());
        page[402..404].copy_from_slice(&50_u16.to_be_bytes());
        page[450..].fill(7);
        page
    }

    #[test]
    fn what_is_unused_is_wiped_and_nothing_else() {
        let clean = page();
        let mut dirty = clean.clone();
        dirty[10..400].fill(9);
        dirty[404..450].fill(9);
        assert!(wipe(&mut dirty, false));
        assert_eq!(dirty, clean);
        assert!(!wipe(&mut dirty, false), "a second time there is nothing to do");
    }

    #[test]
    fn other_pages_are_left_alone() {
        let check = |change: &dyn Fn(&mut Vec<u8>)| {
            let mut other = page();
            other[10..400].fill(9);
            change(&mut other);
            let before = other.clone();
            assert!(!wipe(&mut other, false));
            assert_eq!(other, before);
        };
        check(&|page| page[0] = 0);
        check(&|page| page[3..5].copy_from_slice(&300_u16.to_be_bytes()));
        check(&|page| page[5..7].copy_from_slice(&600_u16.to_be_bytes()));
        check(&|page| page.truncate(5));
    }

    proptest! {
        #[test]
        fn no_page_makes_it_fail(mut page in proptest::collection::vec(any::<u8>(), 0..700), is_first: bool) {
            wipe(&mut page, is_first);
        }
    }
}
