//! What a handler is given: custody, who asks, and the list it writes cursors for.

use fiducia_custody::{AdminCommand, AdminError, AdminReply, Custody, PersonalCommand, Staff};
use fiducia_policy::Randomness;

use super::caller::{Caller, Person};
use super::cursor::Cursors;
use super::idempotency::Recognised;
use super::problem::Problem;
use super::reply::Listed;

/// Rows of a list, where nobody says how many.
const ROWS_DEFAULT: u32 = 100;
/// Rows of a list at most.
const ROWS_MAX: u32 = 500;

/// One request, as its handler sees it.
pub(super) struct Call<'a> {
    pub(super) custody: &'a Custody,
    pub(super) caller: &'a Caller,
    pub(super) randomness: &'a dyn Randomness,
    pub(super) cursors: &'a Cursors,
    /// Caller, path and query without where it goes on: what a cursor is bound to.
    pub(super) list: &'a [u8],
    /// The request's key, where it has one.
    pub(super) recognised: Option<Recognised>,
    /// The token of the console's forms, where a session asks.
    pub(super) form_token: Option<String>,
}

/// In which role an account acts that has several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Acting {
    /// As the person whose conversations are kept.
    Person,
    /// As a member of staff.
    Staff,
}

/// The role that is asked for.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RoleAsked {
    /// As what the caller acts who has an account of both kinds; as a person when absent.
    #[serde(rename = "as")]
    pub(super) role: Option<Acting>,
}

impl Call<'_> {
    /// Whose things these are.
    pub(super) fn person(&self) -> Result<Person, Problem> {
        self.caller.person(self.custody, false)
    }

    /// As [`Call::person`], for what makes somebody known whom an application names for the first time.
    pub(super) fn person_or_new(&self) -> Result<Person, Problem> {
        self.caller.person(self.custody, true)
    }

    /// Does something with what is the person's.
    pub(super) fn personally(&self, command: PersonalCommand) -> Result<AdminReply, Problem> {
        Ok(self.person()?.does(self.custody, command)?)
    }

    /// Does something that staff do.
    pub(super) fn as_staff(&self, command: AdminCommand) -> Result<AdminReply, Problem> {
        Ok(self.custody.as_staff(&self.staff()?, command)?)
    }

    fn staff(&self) -> Result<Staff, Problem> {
        self.caller.staff().ok_or(Problem::NoStaff)
    }

    /// In which role the caller acts: as asked, else as a person where the account has one.
    pub(super) fn acting(&self, asked: Option<Acting>) -> Acting {
        let is_person = self.caller.speaks_for.is_some() || self.caller.oneself().is_some();
        asked.unwrap_or(if is_person { Acting::Person } else { Acting::Staff })
    }

    /// How many rows are asked for.
    ///
    /// # Errors
    /// When it is none, or too many.
    pub(super) fn rows(asked: Option<u32>) -> Result<u32, Problem> {
        let rows = asked.unwrap_or(ROWS_DEFAULT);
        if rows == 0 || rows > ROWS_MAX {
            return Err(Problem::Invalid(format!("`limit` is 1 to {ROWS_MAX}")));
        }
        Ok(rows)
    }

    /// The row after which a list goes on.
    ///
    /// # Errors
    /// [`Problem::Cursor`] when the cursor is not one of this list.
    pub(super) fn after<T: std::str::FromStr>(&self, cursor: Option<&str>) -> Result<Option<T>, Problem> {
        let Some(cursor) = cursor else { return Ok(None) };
        let place = self.cursors.read(self.list, cursor)?;
        place.parse().map(Some).map_err(|_| Problem::Cursor)
    }

    /// A part of a list of which one row more than `rows` was asked for, where there is one.
    pub(super) fn listed<R, T: From<R>>(
        &self,
        mut found: Vec<R>,
        rows: u32,
        place: impl Fn(&R) -> String,
    ) -> Listed<T> {
        let rows = usize::try_from(rows).unwrap_or(usize::MAX);
        let has_more = found.len() > rows;
        found.truncate(rows);
        let next = found.last().filter(|_| has_more).map(|last| self.cursors.write(self.list, &place(last)));
        Listed { items: found.into_iter().map(T::from).collect(), next }
    }

    /// As [`Call::listed`], of a list that came whole: what lies before `after` is left out.
    pub(super) fn part<R, T: From<R>>(
        &self,
        mut whole: Vec<R>,
        (after, rows): (Option<String>, u32),
        place: impl Fn(&R) -> String,
    ) -> Result<Listed<T>, Problem> {
        if let Some(after) = after {
            // Where it went on from is gone: whoever asks begins again, rather than taking what is left out for the end.
            let next = whole.iter().position(|row| place(row) == after).ok_or(Problem::Cursor)? + 1;
            whole.drain(..next.min(whole.len()));
        }
        Ok(self.listed(whole, rows, place))
    }

    /// A key by which the use case recognises this request if it comes again.
    pub(super) fn own_key(&self) -> Option<String> {
        self.recognised.as_ref().map(Recognised::own_key)
    }
}

/// The store gave an answer to another question.
pub(super) fn unexpected() -> Problem {
    Problem::from(AdminError::Storage("the store gave an answer to another question".to_owned()))
}
