//! What an endpoint is: its place, whom it is for, what it takes and gives, and the function that does it.
//!
//! The router and the OpenAPI document are both made of these values, so neither knows anything that the other does not.

use fiducia_policy::ApiScope;
use http::Method;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::DeserializeOwned;

use super::call::Call;
use super::caller::Who;
use super::problem::Problem;
use super::reply::{Answer, Reply, Shape};

/// The largest body, where an endpoint says nothing else.
const BODY_BYTES_MAX: usize = 64 * 1024;

type SchemaOf = fn(&mut SchemaGenerator) -> Schema;
type AnswerSchema = fn(&mut SchemaGenerator) -> Option<Schema>;
type Run = Box<dyn Fn(&Call<'_>, &Sent) -> Result<Reply, Problem> + Send + Sync>;

/// What was sent, taken apart.
pub(super) struct Sent {
    /// The names in the path, encoded as a query is.
    pub(super) path: String,
    /// The query.
    pub(super) query: String,
    /// The body; empty where there is none.
    pub(super) body: Vec<u8>,
}

/// Nothing: of a path without names, a query without parameters, a request without a body.
#[derive(Debug, Clone, Copy, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Nothing {}

/// An endpoint.
pub(super) struct Endpoint {
    pub(super) method: Method,
    /// Its path beneath the API's root, with the names in braces.
    pub(super) path: &'static str,
    /// What programs call it (`operationId`).
    pub(super) name: &'static str,
    /// What it does, in one line.
    pub(super) summary: &'static str,
    pub(super) who: Who,
    pub(super) path_schema: SchemaOf,
    pub(super) query_schema: SchemaOf,
    /// The schema of the body, for methods that have one.
    pub(super) body_schema: Option<SchemaOf>,
    pub(super) body_bytes_max: usize,
    /// Whether the body may be JSON lines in place of an array.
    pub(super) takes_lines: bool,
    pub(super) status: u16,
    pub(super) shape: Shape,
    pub(super) answer_schema: AnswerSchema,
    /// The resource whose tag `If-Match` names, for what changes it.
    pub(super) changes: Option<&'static str>,
    /// With which query that resource is looked at.
    pub(super) changes_query: &'static str,
    /// Whether its answer holds a secret: such an answer is not kept, so a key that asks for that is refused.
    pub(super) shows_secret: bool,
    /// Whether it opens what others said. That makes an entry in the log each time, so a token that only reads does not suffice.
    pub(super) opens_content: bool,
    run: Run,
}

impl Endpoint {
    /// What shows something.
    pub(super) fn get<P, Q, A>(
        path: &'static str,
        name: &'static str,
        summary: &'static str,
        who: Who,
        show: fn(&Call<'_>, P, Q) -> Result<A, Problem>,
    ) -> Self
    where
        P: DeserializeOwned + JsonSchema + 'static,
        Q: DeserializeOwned + JsonSchema + 'static,
        A: Answer + 'static,
    {
        let run = move |call: &Call<'_>, sent: &Sent| {
            show(call, in_path(&sent.path)?, in_query(&sent.query)?)?.into_reply()
        };
        Self {
            method: Method::GET,
            path,
            name,
            summary,
            who,
            path_schema: P::json_schema,
            query_schema: Q::json_schema,
            body_schema: None,
            body_bytes_max: 0,
            takes_lines: false,
            status: A::STATUS,
            shape: A::SHAPE,
            answer_schema: A::schema,
            changes: None,
            changes_query: "",
            shows_secret: false,
            opens_content: false,
            run: Box::new(run),
        }
    }

    /// What makes or changes something.
    pub(super) fn post<P, B, A>(
        path: &'static str,
        name: &'static str,
        summary: &'static str,
        who: Who,
        act: fn(&Call<'_>, P, B) -> Result<A, Problem>,
    ) -> Self
    where
        P: DeserializeOwned + JsonSchema + 'static,
        B: DeserializeOwned + JsonSchema + 'static,
        A: Answer + 'static,
    {
        let run = move |call: &Call<'_>, sent: &Sent| {
            let Nothing {} = in_query(&sent.query)?;
            act(call, in_path(&sent.path)?, in_body(&sent.body)?)?.into_reply()
        };
        Self {
            method: Method::POST,
            path,
            name,
            summary,
            who,
            path_schema: P::json_schema,
            query_schema: Nothing::json_schema,
            body_schema: Some(SchemaGenerator::subschema_for::<B>),
            body_bytes_max: BODY_BYTES_MAX,
            takes_lines: false,
            status: A::STATUS,
            shape: A::SHAPE,
            answer_schema: A::schema,
            changes: None,
            changes_query: "",
            shows_secret: false,
            opens_content: false,
            run: Box::new(run),
        }
    }

    /// It opens what others said.
    pub(super) const fn opens_content(mut self) -> Self {
        self.opens_content = true;
        self
    }

    /// What a token must permit, to use it.
    pub(super) fn needs(&self) -> ApiScope {
        if self.method.is_safe() && !self.opens_content { ApiScope::Read } else { ApiScope::Write }
    }

    /// It changes the resource at this path: `If-Match` may name the tag that it must still have.
    pub(super) const fn changes(mut self, path: &'static str) -> Self {
        self.changes = Some(path);
        self
    }

    /// As [`Endpoint::changes`], for staff, who see another side of the same resource than people do.
    pub(super) const fn changes_for_staff(mut self, path: &'static str) -> Self {
        self.changes = Some(path);
        self.changes_query = "as=staff";
        self
    }

    /// Its answer holds a secret, which is kept nowhere: the request cannot be repeated under a key.
    pub(super) const fn shows_secret(mut self) -> Self {
        self.shows_secret = true;
        self
    }

    /// It takes larger bodies, also as JSON lines.
    pub(super) const fn takes_lines(mut self, body_bytes_max: usize) -> Self {
        self.body_bytes_max = body_bytes_max;
        self.takes_lines = true;
        self
    }

    /// Takes larger bodies.
    pub(super) const fn takes(mut self, body_bytes_max: usize) -> Self {
        self.body_bytes_max = body_bytes_max;
        self
    }

    /// Does it. Blocks: call it from a thread that may.
    pub(super) fn run(&self, call: &Call<'_>, sent: &Sent) -> Result<Reply, Problem> {
        (self.run)(call, sent)
    }
}

/// What a path names. A name that has not the form of what is there names nothing.
fn in_path<P: DeserializeOwned>(text: &str) -> Result<P, Problem> {
    serde_urlencoded::from_str(text).map_err(|_| Problem::NotFound)
}

fn in_query<Q: DeserializeOwned>(text: &str) -> Result<Q, Problem> {
    serde_urlencoded::from_str(text)
        .map_err(|error| Problem::Invalid(format!("the query cannot be read: {error}")))
}

/// A body. A request that needs none may have none.
fn in_body<B: DeserializeOwned>(bytes: &[u8]) -> Result<B, Problem> {
    let bytes = if bytes.is_empty() { b"{}" } else { bytes };
    serde_json::from_slice(bytes)
        .map_err(|error| Problem::Invalid(format!("the body cannot be read: {error}; nothing was changed")))
}

/// JSON lines as the array that they stand for.
pub(super) fn array_of_lines(bytes: &[u8]) -> Result<Vec<u8>, Problem> {
    let mut array = vec![b'['];
    let lines = bytes.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty());
    for (number, line) in lines.enumerate() {
        // Each line for itself, so that none can end another's value.
        let whole: Result<&serde_json::value::RawValue, _> = serde_json::from_slice(line);
        whole
            .map_err(|_| Problem::Invalid(format!("line {} is no JSON; nothing was changed", number + 1)))?;
        if number > 0 {
            array.push(b',');
        }
        array.extend_from_slice(line);
    }
    array.push(b']');
    Ok(array)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_become_an_array_and_none_ends_another() {
        let check = |lines: &str, expect: Option<&str>| {
            let array = array_of_lines(lines.as_bytes()).ok();
            assert_eq!(array.as_deref(), expect.map(str::as_bytes), "{lines}");
        };
        check("{\"a\":1}\r\n\n{\"b\":2}\n", Some("[{\"a\":1},{\"b\":2}]"));
        check("", Some("[]"));
        check("1],[2", None);
        check("{\"a\":1},{\"b\":2}", None);
    }

    #[test]
    fn what_a_query_does_not_know_is_refused() {
        assert!(in_query::<Nothing>("").is_ok());
        assert!(in_query::<Nothing>("a=1").is_err());
        assert!(in_body::<Nothing>(b"").is_ok() && in_body::<Nothing>(b"{\"a\":1}").is_err());
    }
}
