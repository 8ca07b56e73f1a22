//! Aligned tables without colour or frames, so that they read well in a terminal and split well in a pipe.

use std::fmt;

use unicode_width::UnicodeWidthStr;

use super::escape_line;

/// On which side a column's short cells are filled up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Align {
    /// Text.
    Left,
    /// Numbers.
    Right,
}

/// A table under construction.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    columns: Vec<(&'static str, Align)>,
    rows: Vec<Vec<String>>,
}

const GAP: &str = "  ";

impl Table {
    /// A table with these columns and no rows.
    pub(crate) fn new(columns: &[(&'static str, Align)]) -> Self {
        Self { columns: columns.to_vec(), rows: Vec::new() }
    }

    /// Adds a row. Control characters in cells are shown, not obeyed.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().map(|cell| escape_line(&cell)).collect());
    }

    fn widths(&self) -> Vec<usize> {
        self.columns
            .iter()
            .enumerate()
            .map(|(column, (name, _))| {
                let cells = self.rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.width());
                cells.chain([name.width()]).max().unwrap_or(0)
            })
            .collect()
    }
}

impl fmt::Display for Table {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widths = self.widths();
        let names: Vec<String> = self.columns.iter().map(|(name, _)| (*name).to_owned()).collect();
        for row in std::iter::once(&names).chain(&self.rows) {
            let mut line = String::new();
            for ((cell, (_, align)), width) in row.iter().zip(&self.columns).zip(&widths) {
                let fill = " ".repeat(width.saturating_sub(cell.width()));
                if !line.is_empty() {
                    line.push_str(GAP);
                }
                match align {
                    Align::Left => line.extend([cell.as_str(), &fill]),
                    Align::Right => line.extend([fill.as_str(), cell]),
                }
            }
            writeln!(formatter, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_numbers_stand_right() {
        let mut table = Table::new(&[("NAME", Align::Left), ("BYTES", Align::Right), ("NOTE", Align::Left)]);
        table.row(["analyst".into(), "7".into(), "x".into()]);
        table.row(["Åsa".into(), "123456".into(), String::new()]);
        assert_eq!(table.to_string(), "NAME      BYTES  NOTE\nanalyst       7  x\nÅsa      123456\n");
    }

    #[test]
    fn a_cell_cannot_move_the_cursor_or_break_the_row() {
        let mut table = Table::new(&[("NAME", Align::Left)]);
        table.row(["a\u{1b}[2Jb\nc".into()]);
        assert_eq!(table.to_string(), "NAME\na\\u{1b}[2Jb\\nc\n");
    }
}
