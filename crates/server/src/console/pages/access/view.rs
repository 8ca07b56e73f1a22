//! Sessions in words, for every page that shows one.

use fiducia_custody::{SessionPart, Staff};
use fiducia_policy::{
    AccessLimits, AccessNeeds, AccessReview, AccessScope, AccessSession, AccessState, AccessStep, AccountId,
    Participant, Timestamp,
};

use crate::console::Console;
use crate::console::frame::Frame;

/// The width of the drawing of how much is left.
const METER_WIDTH: i64 = 1_000;

/// The session as it stands now: whoever ends what is over may come to it a moment later.
pub(super) fn as_of_now(console: &Console, session: AccessSession) -> AccessSession {
    let limits = console.custody.access_limits();
    // Time alone is never refused.
    session.after(AccessStep::Tick, console.now(), &limits).unwrap_or(session)
}

/// An instant for machines and for people.
pub(super) type Moment = (String, String);

pub(super) fn moment(frame: &Frame, at: Timestamp) -> Moment {
    (frame.machine_instant(&at), frame.instant(&at))
}

/// How much is left of something, in words and as a drawing.
pub(super) struct Meter {
    pub(super) said: String,
    pub(super) width: i64,
    pub(super) until: Moment,
}

/// Somebody's answer, or their part in a session.
pub(super) struct Somebody {
    pub(super) who: String,
    pub(super) at: Moment,
}

/// A session in words.
pub(super) struct SessionView {
    pub(super) id: String,
    pub(super) part: SessionPart,
    pub(super) is_emergency: bool,
    pub(super) state: &'static str,
    pub(super) who: String,
    pub(super) roles: String,
    pub(super) reason: String,
    pub(super) ticket: String,
    pub(super) ground: String,
    pub(super) scope: String,
    pub(super) needs: &'static str,
    pub(super) how_long: String,
    pub(super) asked_at: Moment,
    pub(super) meter: Option<Meter>,
    pub(super) agreed: Vec<Somebody>,
    pub(super) denied_by: Option<String>,
    pub(super) opened_at: Option<Moment>,
    pub(super) ended_at: Option<Moment>,
    pub(super) end: Option<&'static str>,
    pub(super) was_open: Option<String>,
    pub(super) looks: u64,
    pub(super) records: u64,
    pub(super) records_max: u64,
    pub(super) alerts: Vec<&'static str>,
    /// By when its review is due, while it is.
    pub(super) review_by: Option<Moment>,
    pub(super) is_overdue: bool,
    pub(super) reviewed: Option<Reviewed>,
}

/// A review of an emergency.
pub(super) struct Reviewed {
    pub(super) who: String,
    pub(super) at: Moment,
    pub(super) justified: bool,
}

/// Who looks at the page, and what is needed to put sessions into words.
pub(super) struct Viewer<'a> {
    pub(super) frame: &'a Frame,
    pub(super) staff: &'a Staff,
    pub(super) names: &'a [(AccountId, String)],
    pub(super) limits: AccessLimits,
    pub(super) now: Timestamp,
}

impl<'a> Viewer<'a> {
    pub(super) fn new(
        console: &Console,
        frame: &'a Frame,
        staff: &'a Staff,
        names: &'a [(AccountId, String)],
    ) -> Self {
        Self { frame, staff, names, limits: console.custody.access_limits(), now: console.now() }
    }

    pub(super) fn view(&self, session: &AccessSession) -> SessionView {
        let frame = self.frame;
        let at = |instant: Option<Timestamp>| instant.map(|instant| moment(frame, instant));
        let reason = frame.text_of("evidence-reason", session.reason.name().replace('_', "-"));
        SessionView {
            id: session.id.to_string(),
            part: self.staff.part_in(session),
            is_emergency: session.breaks_glass(),
            state: session.state.name(),
            who: self.name(&session.reader),
            roles: self.roles(session),
            reason,
            ticket: session.ticket.clone(),
            ground: frame.text_of("evidence-ground", session.ground.name()),
            scope: self.scope(&session.scope),
            needs: session.needs.name(),
            how_long: frame.text_counting(
                "access-minutes",
                "minutes",
                i64::from(session.seconds).div_euclid(60),
            ),
            asked_at: moment(frame, session.asked_at),
            meter: self.meter(session),
            agreed: session
                .approvals
                .iter()
                .map(|one| Somebody { who: self.name(&one.by), at: moment(frame, one.at) })
                .collect(),
            denied_by: session.denied_by.map(|by| self.name(&by)),
            opened_at: at(session.opened_at),
            ended_at: at(session.ended_at),
            end: session.end.map(fiducia_policy::AccessEnd::name),
            was_open: session
                .seconds_open()
                .map(|seconds| frame.text_number("access-seconds", "seconds", seconds)),
            looks: session.looks,
            records: session.records,
            records_max: self.limits.records_per_session_max,
            alerts: session.alerts.iter().map(|kind| kind.name()).collect(),
            review_by: at(session.review_by()),
            is_overdue: session.review_by().is_some_and(|by| by <= self.now),
            reviewed: self.reviewed(session),
        }
    }

    /// What somebody is called, or their number in the log.
    pub(super) fn name(&self, who: &Participant) -> String {
        let own = Participant { person: self.staff.person(), account: Some(self.staff.account()) };
        if who.is(&own) {
            return self.frame.text("access-you");
        }
        let known = self.names.iter().find(|(account, _)| Some(*account) == who.account);
        known.map_or_else(|| who.person.to_string(), |(_, name)| name.clone())
    }

    fn roles(&self, session: &AccessSession) -> String {
        let roles: Vec<String> =
            session.roles.members().iter().map(|role| self.frame.text_of("role", role.name())).collect();
        if roles.is_empty() { self.frame.text("evidence-role-operator") } else { roles.join(", ") }
    }

    fn scope(&self, scope: &AccessScope) -> String {
        let named = |kind: &str, id: String| self.frame.text_with(&format!("access-scope-{kind}"), "id", id);
        match scope {
            AccessScope::Records(records) => {
                self.frame.text_number("access-scope-records", "count", records.len())
            }
            AccessScope::Conversation(id) => named("conversation", id.to_string()),
            AccessScope::Case(id) => named("case", id.to_string()),
            AccessScope::Hold(id) => named("hold", id.to_string()),
            AccessScope::Request(id) => named("request", id.to_string()),
        }
    }

    /// How much time is left to answer, or to read.
    fn meter(&self, session: &AccessSession) -> Option<Meter> {
        let (name, from, until) = match session.state {
            AccessState::Asked => ("access-left-to-answer", session.asked_at, session.answer_by),
            AccessState::Open => ("access-left-to-read", session.opened_at?, session.expires_at?),
            AccessState::Denied | AccessState::Unanswered | AccessState::Withdrawn | AccessState::Ended => {
                return None;
            }
        };
        let whole = (until.as_second() - from.as_second()).max(1);
        let left = (until.as_second() - self.now.as_second()).clamp(0, whole);
        Some(Meter {
            said: self.frame.text_with(name, "span", span(self.frame, left)),
            width: left.saturating_mul(METER_WIDTH) / whole,
            until: moment(self.frame, until),
        })
    }

    fn reviewed(&self, session: &AccessSession) -> Option<Reviewed> {
        match session.review? {
            AccessReview::Due { .. } => None,
            AccessReview::Done { by, at, justified } => {
                Some(Reviewed { who: self.name(&by), at: moment(self.frame, at), justified })
            }
        }
    }
}

/// Seconds in words: minutes, from two hours on hours.
fn span(frame: &Frame, seconds: i64) -> String {
    let minutes = seconds.saturating_add(59).div_euclid(60);
    if minutes >= 120 {
        frame.text_counting("access-hours", "hours", minutes.div_euclid(60))
    } else {
        frame.text_counting("access-minutes", "minutes", minutes)
    }
}

impl SessionView {
    /// Whether somebody else must agree before it opens.
    pub(super) fn needs_others(&self) -> bool {
        self.needs != AccessNeeds::Nothing.name()
    }

    /// The name of a field about it, which is the only one on the page.
    pub(super) fn field(&self, what: &str) -> String {
        format!("{what}-{}", self.id)
    }

    /// How many records may still be opened.
    pub(super) fn records_left(&self) -> u64 {
        self.records_max.saturating_sub(self.records)
    }
}
