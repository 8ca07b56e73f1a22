//! Putting values back into an answer that arrives in pieces.

use super::spans::PLACEHOLDER_BYTES_MAX;
use super::table::MaskTable;

/// What a restored value stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Surroundings {
    /// Text as people read it.
    Text,
    /// The inside of a string in JSON that is itself sent as text, as the arguments of a tool call: values are escaped.
    JsonString,
}

/// Replaces placeholders of one text that arrives in pieces. What may still become a placeholder waits for the next piece; that is never more
/// than the longest placeholder, and nothing at all when no placeholder that was given out begins so.
#[derive(Debug)]
pub struct Restorer {
    surroundings: Surroundings,
    /// A bracket and what followed it so far. It is the beginning of a placeholder and holds nothing of any value.
    waiting: String,
}

impl Restorer {
    /// A restorer at the beginning of a text.
    pub const fn new(surroundings: Surroundings) -> Self {
        Self { surroundings, waiting: String::new() }
    }

    /// What can be passed on now that `piece` has arrived. The table must be the one that masked the request.
    pub fn push(&mut self, table: &MaskTable, piece: &str) -> String {
        let mut waiting = std::mem::take(&mut self.waiting);
        if waiting.is_empty() {
            return self.restore(table, piece);
        }
        waiting.push_str(piece);
        self.restore(table, &waiting)
    }

    /// What still waited when the text ended: it is no placeholder.
    pub fn end(self) -> String {
        self.waiting
    }

    fn restore(&mut self, table: &MaskTable, text: &str) -> String {
        let mut restored = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, from_bracket)) = rest.find('[').and_then(|at| rest.split_at_checked(at)) {
            restored.push_str(before);
            rest = from_bracket;
            let close = rest.bytes().take(PLACEHOLDER_BYTES_MAX).position(|byte| byte == b']');
            let (given, after) = match close {
                Some(close) => rest.split_at_checked(close + 1).unwrap_or((rest, "")),
                None if rest.len() < PLACEHOLDER_BYTES_MAX && table.has_beginning(rest) => {
                    rest.clone_into(&mut self.waiting);
                    return restored;
                }
                None => ("", rest),
            };
            if let Some(value) = table.value(given) {
                self.write(&mut restored, value);
                rest = after;
            } else {
                restored.push('[');
                rest = rest.get(1..).unwrap_or_default();
            }
        }
        restored.push_str(rest);
        restored
    }

    fn write(&self, restored: &mut String, value: &str) {
        if self.surroundings == Surroundings::Text {
            restored.push_str(value);
            return;
        }
        for character in value.chars() {
            match character {
                '"' => restored.push_str("\\\""),
                '\\' => restored.push_str("\\\\"),
                '\n' => restored.push_str("\\n"),
                '\r' => restored.push_str("\\r"),
                '\t' => restored.push_str("\\t"),
                control if u32::from(control) < 0x20 => {
                    let code = u32::from(control);
                    restored.push_str(if code < 0x10 { "\\u000" } else { "\\u001" });
                    restored.extend(char::from_digit(code % 16, 16));
                }
                other => restored.push(other),
            }
        }
    }
}

impl MaskTable {
    /// `text` with every placeholder replaced by what it stands for. Others are left as they are.
    pub fn restore(&self, text: &str) -> String {
        let mut restorer = Restorer::new(Surroundings::Text);
        let mut whole = restorer.push(self, text);
        whole.push_str(&restorer.end());
        whole
    }
}
