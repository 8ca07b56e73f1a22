//! What commands print: tables, labelled lines and JSON on standard output; remarks on standard error.

pub(crate) mod paper;
mod table;
mod text;

use std::io::{self, BufWriter, Write};

pub(crate) use table::{Align, Table};
pub(crate) use text::{bytes_of, count_of, escape_controls, escape_line, instant, instant_or};

use crate::failure::Failure;

/// Standard output of a command. Content of conversations goes here and nowhere else.
pub(crate) struct Output {
    sink: Box<dyn Write>,
    json: bool,
}

impl Output {
    /// Standard output, as tables or, for machines, as JSON.
    pub(crate) fn standard(json: bool) -> Self {
        Self { sink: Box::new(BufWriter::new(io::stdout())), json }
    }

    /// Whether machines read this.
    pub(crate) fn json(&self) -> bool {
        self.json
    }

    /// Prints one line.
    pub(crate) fn line(&mut self, line: impl std::fmt::Display) -> Result<(), Failure> {
        writeln!(self.sink, "{line}").map_err(Failure::Output)
    }

    /// Prints text as it is, with the line ends it has.
    pub(crate) fn text(&mut self, text: &str) -> Result<(), Failure> {
        self.sink.write_all(text.as_bytes()).map_err(Failure::Output)
    }

    /// Prints text that others wrote, each line indented. Its control characters are shown, not obeyed, so that a
    /// conversation cannot repaint the screen of whoever reviews it, and the indent tells its lines from ours. A pipe
    /// gets the same, because `head` and `grep` end on a terminal too; JSON gives the exact text.
    pub(crate) fn foreign(&mut self, text: &str) -> Result<(), Failure> {
        escape_controls(text).split('\n').try_for_each(|line| {
            if line.is_empty() { self.line("") } else { self.line(format_args!("  {line}")) }
        })
    }

    /// Prints one value as a line of JSON.
    pub(crate) fn value(&mut self, value: &impl serde::Serialize) -> Result<(), Failure> {
        let json = serde_json::to_string(value).map_err(|error| Failure::Output(error.into()))?;
        self.line(text::escape_json(&json))
    }

    /// Prints a list: one JSON array, or a table with a sentence when there is nothing in it.
    pub(crate) fn list<T: serde::Serialize>(
        &mut self,
        rows: &[T],
        nothing: &str,
        table: impl FnOnce(&[T]) -> Table,
    ) -> Result<(), Failure> {
        if self.json {
            return self.value(&rows);
        }
        if rows.is_empty() {
            return self.line(nothing);
        }
        write!(self.sink, "{}", table(rows)).map_err(Failure::Output)
    }

    /// Hands everything printed so far to the system.
    pub(crate) fn flush(&mut self) -> Result<(), Failure> {
        self.sink.flush().map_err(Failure::Output)
    }

    /// Ends the output, handing everything to the system.
    pub(crate) fn finish(mut self) -> Result<(), Failure> {
        self.sink.flush().map_err(Failure::Output)
    }
}

/// Prints a remark for the person at the terminal. Standard error may be closed; a remark is then lost and nothing
/// else.
pub(crate) fn remark(line: impl std::fmt::Display) {
    let _ = writeln!(io::stderr(), "{}", escape_controls(&line.to_string()));
}
