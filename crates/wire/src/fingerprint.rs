//! When two messages are the same message.
//!
//! A client sends the whole history with every turn. To store only what is new, the gateway compares the history with
//! what it has seen, although a client that parsed an answer and wrote it again does not write the same bytes. So a
//! message has a *canonical form*, and its fingerprint is the SHA-256 of that form.
//!
//! # What does not matter
//! - White space, the order of members, and how strings are escaped.
//! - `content` as a string, or as one text part with that string. Part types `text`, `input_text` and `output_text`
//!   are one type: the role already says who speaks. A text part without text is nothing.
//! - Members that are `null` or `[]`, and members named `cache_control`, `annotations` and `logprobs`, in the message,
//!   its parts and what they nest. Providers add them to answers and clients drop them when they echo.
//! - A Chat `refusal` member, or a content part of type `refusal`, with the same string.
//! - Of a Chat `audio` member all but its `id`: an echo carries nothing else.
//! - `id`, `status` and `"type":"message"` of a message or Responses item. An `item_reference` (or an object with
//!   neither type nor role) is only its `id`, so there it counts.
//!
//! # What does matter
//! - The role: `system`, `developer` and `assistant` differ. A system message amid a conversation is a message.
//! - Everything else: text, names, tool calls and their ids, thinking and signatures, unknown members and parts.
//! - Numbers, by the text they are written in: `1` and `1.0` differ.
//! - Inside a member named `input`, `input_schema`, `parameters` or `arguments` everything counts, `null` and `[]` too: that is content
//!   of tools and not of the wire.
//!
//! The rules know no wire. Hence a plain text message `{"role":R,"content":T}` has one fingerprint on the Messages
//! wire, in Chat, as a Responses input message and in an import, and a conversation may continue on another wire.
//!
//! # The form
//! `E` encodes a value; `0xFF` occurs in no UTF-8 text, so the encoding is free of ambiguity:
//! ```text
//! E(null) = "n"   E(true) = "t"   E(false) = "f"
//! E(number) = "d" text 0xFF       E(string) = "s" bytes 0xFF
//! E(array) = "[" E(element)* "]"  E(object) = "{" D* "}"
//! D(member) = "m" SHA-256(E(name) E(value)), ascending by name; members of equal name stay in order
//! part      = "P" type 0xFF [ "T" text 0xFF ] D* "}"    (a nested `content` is encoded as part*)
//! message   = "fiducia message 1" 0xFF role 0xFF SHA-256(part*) D*
//! ```
//! A lone surrogate in a string counts as its three generalised UTF-8 bytes. The digest of a conversation's prefix is
//! SHA-256(prefix before || fingerprint), from 32 zero bytes.

use std::borrow::Cow;

use aws_lc_rs::digest::{Context, Digest, SHA256, digest};

use crate::json::{Cursor, Kind, Token};
use crate::{RequestError, Role};

/// The most members that one object within a message may have: each must be held while the object is sorted.
pub const MEMBERS_MAX: usize = 100_000;

/// The prefix digest before the first message.
pub const EMPTY_PREFIX: [u8; 32] = [0; 32];

/// How much is gathered before it is hashed: enough that most members are hashed in one call.
const GATHER_BYTES_MAX: usize = 1024;

/// Room for a member without long text.
const FIRST_GATHER_BYTES: usize = 256;

/// Bytes of a message's form besides its role and members.
const MESSAGE_BYTES: usize = 64;

/// Bytes of one member's digest in a form.
const MEMBER_BYTES: usize = 33;

/// Bytes of a text part's form besides its text.
const TEXT_PART_BYTES: usize = 16;

/// The digest of a conversation that goes on from `prefix` with a message.
pub fn extend_prefix(prefix: &[u8; 32], fingerprint: &[u8; 32]) -> [u8; 32] {
    let mut both = [0; 64];
    let (before, new) = both.split_at_mut(32);
    before.copy_from_slice(prefix);
    new.copy_from_slice(fingerprint);
    sha256(&both)
}

/// The fingerprint of one message, or Responses item, given as JSON.
///
/// # Errors
/// A [`RequestError`] when the bytes are not one JSON object, or repeat a member that is compared by name.
pub fn message_fingerprint(message: &[u8]) -> Result<[u8; 32], RequestError> {
    fingerprint_at(Cursor::new(message)?)
}

/// As [`message_fingerprint`], of text.
pub(crate) fn text_message_fingerprint(message: &str) -> Result<[u8; 32], RequestError> {
    fingerprint_at(Cursor::of(message))
}

fn fingerprint_at(mut cursor: Cursor<'_>) -> Result<[u8; 32], RequestError> {
    let (_, fingerprint) = read_message(&mut cursor)?;
    cursor.end()?;
    Ok(fingerprint)
}

/// The fingerprint of a plain text message, without writing it as JSON first.
pub fn text_fingerprint(role: &Role, text: &str) -> [u8; 32] {
    let mut content = Sink::default();
    if !text.is_empty() {
        content.text_part_start();
        content.feed(text.as_bytes());
        content.feed(b"\xFF}");
    }
    message_digest(role.name(), content, Vec::new())
}

/// As [`text_fingerprint`], of a JSON string.
pub(crate) fn token_fingerprint(role: &Role, text: Token<'_>) -> [u8; 32] {
    let mut content = Sink::default();
    content.text_part(text);
    message_digest(role.name(), content, Vec::new())
}

/// Reads the message at the cursor: who speaks, and its fingerprint.
pub(crate) fn read_message(cursor: &mut Cursor<'_>) -> Result<(Role, [u8; 32]), RequestError> {
    let mut draft = Draft::default();
    cursor.members(|cursor, name| draft.member(cursor, name))?;
    Ok(draft.finish())
}

/// The message that a client makes of a Messages answer: its role and content, nothing else. Its members are given as
/// they are met.
#[derive(Default)]
pub(crate) struct AnswerMessage<'a>(Draft<'a>);

impl<'a> AnswerMessage<'a> {
    /// Reads the value of the member `name`, which is `role` or `content`.
    ///
    /// # Errors
    /// When it is malformed, of the wrong kind, or was given before.
    pub(crate) fn member(&mut self, cursor: &mut Cursor<'a>, name: Token<'a>) -> Result<(), RequestError> {
        self.0.member(cursor, name)
    }

    /// Its fingerprint.
    pub(crate) fn finish(self) -> [u8; 32] {
        self.0.finish().1
    }
}

/// A message while it is read, with its members in any order.
#[derive(Default)]
struct Draft<'a> {
    role: Option<Cow<'a, str>>,
    kind: Option<Cow<'a, str>>,
    content: Option<Sink>,
    refusals: Vec<[u8; 32]>,
    id: Option<[u8; 32]>,
    members: Vec<Member<'a>>,
}

struct Member<'a> {
    name: Cow<'a, str>,
    digest: [u8; 32],
}

impl<'a> Draft<'a> {
    fn member(&mut self, cursor: &mut Cursor<'a>, name: Token<'a>) -> Result<(), RequestError> {
        let key = name.lossy();
        match &*key {
            "role" => {
                let role = string(cursor, "role")?;
                once("role", &mut self.role, role)
            }
            "content" => {
                let mut content = Sink::default();
                read_content(cursor, &mut content, Some(&mut self.refusals))?;
                once("content", &mut self.content, content)
            }
            "type" if cursor.kind()? == Kind::String => {
                let kind = cursor.string()?.lossy();
                once("type", &mut self.kind, kind)
            }
            "refusal" if cursor.kind()? == Kind::String => {
                let refusal = cursor.string()?;
                push_refusal(&mut self.refusals, refusal);
                Ok(())
            }
            "id" => match member_digest(cursor, name, Depth::Wire)? {
                Some(digest) => once("id", &mut self.id, digest),
                None => Ok(()),
            },
            "status" => cursor.skip().map(drop),
            "audio" if cursor.kind()? == Kind::Object => {
                let digest = audio_digest(cursor)?;
                push_member(&mut self.members, key, digest, cursor)
            }
            _ => match member_digest(cursor, name, Depth::Wire)? {
                Some(digest) => push_member(&mut self.members, key, digest, cursor),
                None => Ok(()),
            },
        }
    }

    fn finish(mut self) -> (Role, [u8; 32]) {
        let is_reference =
            self.role.is_none() && self.kind.as_deref().is_none_or(|kind| kind == "item_reference");
        if let (true, Some(digest)) = (is_reference, self.id) {
            self.members.push(Member { name: Cow::Borrowed("id"), digest });
        }
        if let Some(kind) = self.kind.as_deref().filter(|kind| *kind != "message") {
            let digest = string_member_digest("type", kind);
            self.members.push(Member { name: Cow::Borrowed("type"), digest });
        }
        for digest in self.refusals {
            self.members.push(Member { name: Cow::Borrowed("refusal"), digest });
        }
        let role = self.role.unwrap_or_default();
        let fingerprint = message_digest(&role, self.content.unwrap_or_default(), self.members);
        (Role::from_name(&role), fingerprint)
    }
}

fn message_digest(role: &str, content: Sink, members: Vec<Member<'_>>) -> [u8; 32] {
    let content = content.finish();
    let mut message = Sink::with_room(MESSAGE_BYTES + role.len() + members.len() * MEMBER_BYTES);
    message.feed(b"fiducia message 1\xFF");
    message.feed(role.as_bytes());
    message.feed(b"\xFF");
    message.feed(&content);
    message.feed_members(members);
    message.finish()
}

/// Encodes a `content` value. Refusal parts go to `refusals` where the message has such a list.
fn read_content(
    cursor: &mut Cursor<'_>,
    sink: &mut Sink,
    mut refusals: Option<&mut Vec<[u8; 32]>>,
) -> Result<(), RequestError> {
    match cursor.kind()? {
        Kind::Null => cursor.skip().map(drop),
        Kind::String => {
            sink.text_part(cursor.string()?);
            Ok(())
        }
        Kind::Array => cursor.elements(|cursor| match cursor.kind()? {
            Kind::Object => read_part(cursor, sink, refusals.as_deref_mut()),
            Kind::String => {
                sink.text_part(cursor.string()?);
                Ok(())
            }
            _ => encode(cursor, sink, Depth::Wire),
        }),
        Kind::Bool | Kind::Number | Kind::Object => encode(cursor, sink, Depth::Wire),
    }
}

fn read_part(
    cursor: &mut Cursor<'_>,
    sink: &mut Sink,
    refusals: Option<&mut Vec<[u8; 32]>>,
) -> Result<(), RequestError> {
    let (mut kind, mut text, mut refusal) = (None, None, None);
    let mut members = Vec::new();
    cursor.members(|cursor, name| {
        let key = name.lossy();
        let is_string = cursor.kind()? == Kind::String;
        match &*key {
            "type" if is_string => once("type", &mut kind, cursor.string()?.lossy()),
            "text" if is_string => once("text", &mut text, cursor.string()?),
            "refusal" if is_string => once("refusal", &mut refusal, cursor.string()?),
            "content" => {
                let mut content = Sink::default();
                content.string(name);
                let empty = content.length();
                read_content(cursor, &mut content, None)?;
                if content.length() == empty {
                    return Ok(());
                }
                push_member(&mut members, key, content.finish(), cursor)
            }
            _ => match member_digest(cursor, name, Depth::Wire)? {
                Some(digest) => push_member(&mut members, key, digest, cursor),
                None => Ok(()),
            },
        }
    })?;
    let kind = kind.unwrap_or_default();
    if let ("refusal", Some(refusal), Some(refusals)) = (&*kind, refusal, refusals) {
        push_refusal(refusals, refusal);
        return Ok(());
    }
    let kind = if matches!(&*kind, "input_text" | "output_text") { "text" } else { &*kind };
    let text_is_nothing = text.is_none_or(Token::is_empty);
    if kind == "text" && text_is_nothing && members.is_empty() {
        return Ok(());
    }
    if let Some(refusal) = refusal {
        let digest = token_member_digest("refusal", refusal);
        push_member(&mut members, Cow::Borrowed("refusal"), digest, cursor)?;
    }
    sink.part(kind, text, members);
    Ok(())
}

fn push_refusal(refusals: &mut Vec<[u8; 32]>, refusal: Token<'_>) {
    if !refusal.is_empty() {
        refusals.push(token_member_digest("refusal", refusal));
    }
}

/// Whether `null`, `[]` and the wire's own annotations count.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Depth {
    /// Within the message's own structure: they do not.
    Wire,
    /// Within what a tool takes: everything counts.
    Opaque,
}

/// The digest of a member whose name was just read, or `None` where it does not count.
fn member_digest<'a>(
    cursor: &mut Cursor<'a>,
    name: Token<'a>,
    depth: Depth,
) -> Result<Option<[u8; 32]>, RequestError> {
    let mut inner = depth;
    if depth == Depth::Wire {
        match &*name.lossy() {
            "cache_control" | "annotations" | "logprobs" => return cursor.skip().map(|_| None),
            "input" | "input_schema" | "parameters" | "arguments" => inner = Depth::Opaque,
            _ => {}
        }
        if cursor.null()? {
            return Ok(None);
        }
    }
    let is_array = cursor.kind()? == Kind::Array;
    let mut sink = Sink::default();
    sink.string(name);
    let empty = sink.length() + b"[]".len();
    encode(cursor, &mut sink, inner)?;
    if depth == Depth::Wire && is_array && sink.length() == empty {
        return Ok(None);
    }
    Ok(Some(sink.finish()))
}

fn audio_digest(cursor: &mut Cursor<'_>) -> Result<[u8; 32], RequestError> {
    let mut sink = Sink::default();
    sink.feed(b"saudio\xFF");
    cursor.members(|cursor, name| match &*name.lossy() {
        "id" => encode(cursor, &mut sink, Depth::Wire),
        _ => cursor.skip().map(drop),
    })?;
    Ok(sink.finish())
}

fn token_member_digest(name: &str, value: Token<'_>) -> [u8; 32] {
    let mut sink = Sink::default();
    sink.feed(b"s");
    sink.feed(name.as_bytes());
    sink.feed(b"\xFF");
    sink.string(value);
    sink.finish()
}

fn string_member_digest(name: &str, value: &str) -> [u8; 32] {
    let mut sink = Sink::default();
    for text in [name, value] {
        sink.feed(b"s");
        sink.feed(text.as_bytes());
        sink.feed(b"\xFF");
    }
    sink.finish()
}

fn encode(cursor: &mut Cursor<'_>, sink: &mut Sink, depth: Depth) -> Result<(), RequestError> {
    match cursor.kind()? {
        Kind::Null => {
            cursor.skip()?;
            sink.feed(b"n");
        }
        Kind::Bool => sink.feed(if cursor.boolean()? { b"t" } else { b"f" }),
        Kind::Number => {
            sink.feed(b"d");
            sink.feed(cursor.number()?.as_bytes());
            sink.feed(b"\xFF");
        }
        Kind::String => sink.string(cursor.string()?),
        Kind::Array => {
            sink.feed(b"[");
            cursor.elements(|cursor| encode(cursor, sink, depth))?;
            sink.feed(b"]");
        }
        Kind::Object => {
            let mut members = Vec::new();
            cursor.members(|cursor, name| match member_digest(cursor, name, depth)? {
                Some(digest) => push_member(&mut members, name.lossy(), digest, cursor),
                None => Ok(()),
            })?;
            sink.feed(b"{");
            sink.feed_members(members);
            sink.feed(b"}");
        }
    }
    Ok(())
}

fn push_member<'a>(
    members: &mut Vec<Member<'a>>,
    name: Cow<'a, str>,
    digest: [u8; 32],
    cursor: &Cursor<'a>,
) -> Result<(), RequestError> {
    if members.len() == MEMBERS_MAX {
        return Err(RequestError::TooManyMembers { position: cursor.position(), members_max: MEMBERS_MAX });
    }
    members.push(Member { name, digest });
    Ok(())
}

fn string<'a>(cursor: &mut Cursor<'a>, field: &'static str) -> Result<Cow<'a, str>, RequestError> {
    if cursor.kind()? != Kind::String {
        return Err(RequestError::WrongType { field, expected: "a string" });
    }
    Ok(cursor.string()?.lossy())
}

/// Stores what may come only once.
fn once<T>(field: &'static str, place: &mut Option<T>, value: T) -> Result<(), RequestError> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(RequestError::Duplicate { field }),
    }
}

/// A hash that gathers small pieces: a call into the hash costs more than copying a few bytes.
#[derive(Default)]
struct Sink {
    gathered: Vec<u8>,
    context: Option<Context>,
    hashed: usize,
}

impl Sink {
    fn feed(&mut self, bytes: &[u8]) {
        if self.gathered.len() + bytes.len() > GATHER_BYTES_MAX {
            let context = self.context.get_or_insert_with(|| Context::new(&SHA256));
            context.update(&self.gathered);
            self.hashed += self.gathered.len();
            self.gathered.clear();
            if bytes.len() > GATHER_BYTES_MAX {
                context.update(bytes);
                self.hashed += bytes.len();
                return;
            }
        }
        if self.gathered.capacity() == 0 {
            // One allocation instead of the several by which an empty vector grows.
            self.gathered.reserve(bytes.len().max(FIRST_GATHER_BYTES));
        }
        self.gathered.extend_from_slice(bytes);
    }

    /// A sink that gathers `bytes` without growing.
    fn with_room(bytes: usize) -> Self {
        Self { gathered: Vec::with_capacity(bytes.min(GATHER_BYTES_MAX)), context: None, hashed: 0 }
    }

    fn length(&self) -> usize {
        self.hashed + self.gathered.len()
    }

    fn string(&mut self, token: Token<'_>) {
        self.feed(b"s");
        token.decode(|piece| self.feed(piece));
        self.feed(b"\xFF");
    }

    fn text_part_start(&mut self) {
        self.feed(b"Ptext\xFFT");
    }

    fn text_part(&mut self, text: Token<'_>) {
        if !text.is_empty() {
            let room = text.bytes_max() + TEXT_PART_BYTES;
            if self.gathered.len() + room <= GATHER_BYTES_MAX {
                self.gathered.reserve(room);
            }
            self.text_part_start();
            token_into(text, self);
            self.feed(b"\xFF}");
        }
    }

    fn part(&mut self, kind: &str, text: Option<Token<'_>>, members: Vec<Member<'_>>) {
        self.feed(b"P");
        self.feed(kind.as_bytes());
        self.feed(b"\xFF");
        if let Some(text) = text {
            self.feed(b"T");
            token_into(text, self);
            self.feed(b"\xFF");
        }
        self.feed_members(members);
        self.feed(b"}");
    }

    fn feed_members(&mut self, mut members: Vec<Member<'_>>) {
        members.sort_by(|one, other| one.name.cmp(&other.name));
        for member in members {
            self.feed(b"m");
            self.feed(&member.digest);
        }
    }

    fn finish(self) -> [u8; 32] {
        match self.context {
            None => sha256(&self.gathered),
            Some(mut context) => {
                context.update(&self.gathered);
                bytes_of(&context.finish())
            }
        }
    }
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    bytes_of(&digest(&SHA256, bytes))
}

fn bytes_of(digest: &Digest) -> [u8; 32] {
    // SHA-256 gives 32 bytes, always.
    digest.as_ref().try_into().unwrap_or_default()
}

fn token_into(token: Token<'_>, sink: &mut Sink) {
    token.decode(|piece| sink.feed(piece));
}
