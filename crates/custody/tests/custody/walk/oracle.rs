//! What must hold, reckoned from the rules of `policy.toml` by heart.

use fiducia_policy::{GroundKind, Timestamp};
use jiff::{Span, tz::TimeZone};

use super::{Chat, Kind, Walk};

const SECONDS_PER_DAY: i64 = 86_400;

pub(super) fn days_after(at: Timestamp, days: i64) -> Timestamp {
    Timestamp::from_second(at.as_second() + days * SECONDS_PER_DAY).unwrap()
}

pub(super) fn years_after(at: Timestamp, years: i64) -> Timestamp {
    at.to_zoned(TimeZone::UTC).checked_add(Span::new().years(years)).unwrap().timestamp()
}

pub(super) fn start_of_day(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second().div_euclid(SECONDS_PER_DAY) * SECONDS_PER_DAY).unwrap()
}

impl Walk {
    /// When a ground of a chat ends; `None` when it never opened.
    pub(super) fn end_of(&self, chat: &Chat, ground: GroundKind) -> Option<Timestamp> {
        let person = &self.people[chat.person];
        let kind = self.tenants[person.tenant].kind;
        let gone = [chat.destroyed, person.erased].into_iter().flatten().min();
        let earliest =
            |ends: &[Option<Timestamp>]| ends.iter().flatten().min().copied().unwrap_or(Timestamp::MAX);
        match ground {
            GroundKind::Service => {
                let scheduled = match kind {
                    Kind::Forever | Kind::Careful => None,
                    Kind::Fixed => Some(start_of_day(days_after(chat.at, 30))),
                    Kind::AgreedFixed(days) => Some(start_of_day(days_after(chat.at, days))),
                    Kind::Agreed(days) => Some(days_after(chat.at, days)),
                    Kind::Consumer if person.training => Some(years_after(chat.at, 5)),
                    Kind::Consumer => Some(days_after(chat.at, 365)),
                };
                let is_fixed = matches!(kind, Kind::Fixed | Kind::AgreedFixed(_));
                let by_day = |at| if is_fixed { start_of_day(at) } else { at };
                let deleted = chat.deleted.map(|at| by_day(days_after(at, 30)));
                let closed = person.closed.map(|at| by_day(days_after(at, 90)));
                Some(earliest(&[scheduled, deleted, closed, gone]))
            }
            GroundKind::SafetyWindow if kind == Kind::Careful => Some(days_after(start_of_day(chat.at), 31)),
            GroundKind::SafetyWindow => {
                Some(earliest(&[Some(start_of_day(days_after(chat.at, 30))), chat.deleted, gone]))
            }
            GroundKind::Violation => chat.flagged.map(|at| start_of_day(years_after(at, 2))),
            GroundKind::Feedback => {
                let end = chat.feedback.map(|at| start_of_day(years_after(at, 5)))?;
                Some(earliest(&[Some(end), person.erased]))
            }
            GroundKind::LegalHold => {
                chat.holds.iter().map(|hold| self.holds[*hold].ends.unwrap_or(Timestamp::MAX)).max()
            }
            GroundKind::Investigation | GroundKind::SafetyScore => None,
        }
    }

    /// Which grounds hold a chat now. What has ended stays ended.
    pub(super) fn reckon(&mut self, number: usize, now: Timestamp) -> Vec<GroundKind> {
        let chat = &self.chats[number];
        let holding: Vec<_> = GroundKind::ALL
            .into_iter()
            .filter(|ground| !chat.ended.contains(ground))
            .filter_map(|ground| Some((ground, self.end_of(chat, ground)?)))
            .collect();
        let (living, over): (Vec<_>, Vec<_>) = holding.into_iter().partition(|(_, end)| now < *end);
        self.chats[number].ended.extend(over.into_iter().map(|(ground, _)| ground));
        living.into_iter().map(|(ground, _)| ground).collect()
    }
}
