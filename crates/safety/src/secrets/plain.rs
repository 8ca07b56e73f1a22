//! What stands where a secret would, and is none.

/// Words in what is written instead of a secret, in small letters.
const WORDS: [&str; 38] = [
    "example",
    "sample",
    "dummy",
    "placeholder",
    "changeme",
    "change_me",
    "change-me",
    "your",
    "redacted",
    "insert",
    "replace",
    "xxxx",
    "****",
    "....",
    "<",
    "${",
    "{{",
    "%(",
    "$(",
    "todo",
    "notreal",
    "not-real",
    "not_real",
    "fake",
    "null",
    "undefined",
    "none",
    "my_",
    "my-",
    "secret_here",
    "beispiel",
    "ejemplo",
    "exemple",
    "process.env",
    "os.environ",
    "getenv",
    "secrets.",
    "vault.",
];

/// Whether `text` is plainly no secret: a word that says so, one character over and over, or the rows of a keyboard.
pub(super) fn is_placeholder(text: &str) -> bool {
    if text.len() > 512 {
        return false;
    }
    let small = text.to_ascii_lowercase();
    let first = small.bytes().next();
    // Short words occur in random letters too, so they only count in what is no longer than a name.
    let is_named = WORDS.iter().any(|word| {
        (word.len() > 5 || text.len() <= 40 || !word.bytes().all(|byte| byte.is_ascii_alphabetic()))
            && small.contains(word)
    });
    is_named
        || small.bytes().all(|byte| Some(byte) == first)
        || longest_run(small.as_bytes()) > 7
        || ["12345678901234567890", "abcdefghijklmnopqrst", "0123456789abcdef0123", "qwertyuiop"]
            .iter()
            .any(|row| small.contains(row))
}

/// How often one byte stands in a row at most.
fn longest_run(bytes: &[u8]) -> usize {
    let (mut longest, mut run, mut last) = (0, 0, None);
    for byte in bytes {
        run = if last == Some(byte) { run + 1 } else { 1 };
        last = Some(byte);
        longest = longest.max(run);
    }
    longest
}

/// Whether `text` is rather an expression of a program than a value: a call, a path of names, a type.
pub(super) fn is_code(text: &str) -> bool {
    let has_digit = text.bytes().any(|byte| byte.is_ascii_digit());
    let is_call = text.contains("()") || text.ends_with('(') || text.contains("->") || text.contains("::");
    let is_path = !has_digit
        && (text.contains('.') || text.contains('_') || text.contains('/'))
        && text
            .split(['.', '_', '/', '[', ']', '(', ')', '-'])
            .all(|part| part.bytes().all(|byte| byte.is_ascii_alphabetic()));
    let is_camel = !has_digit && text.bytes().all(|byte| byte.is_ascii_alphabetic()) && text.len() < 24;
    is_call || is_path || is_camel
}
