//! How much one person may look at, and for how long.

use jiff::civil::Weekday;

use crate::edge::Timestamp;
use crate::rights::ClockZone;

/// Bounds on reading what is others'. The defaults are [`AccessLimits::default`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessLimits {
    /// The longest session, in seconds.
    pub session_seconds_max: u32,
    /// The longest session in an emergency, in seconds.
    pub break_glass_seconds_max: u32,
    /// Records that an emergency may name.
    pub break_glass_records_max: usize,
    /// How long those who must agree have to answer, in seconds. No answer is a no.
    pub answer_seconds: u32,
    /// How long there is to review an emergency after it ended, in seconds.
    pub review_seconds: u32,
    /// Records opened in one look.
    pub records_per_look_max: u64,
    /// Records opened in one session, each look counted.
    pub records_per_session_max: u64,
    /// Records opened by one person within an hour.
    pub records_per_hour_max: u64,
    /// Records opened by one person within a day.
    pub records_per_day_max: u64,
    /// Records opened by one key to the Compliance API within a day.
    pub program_records_per_day_max: u64,
    /// Sessions of one person that are asked for or open.
    pub sessions_per_person_max: u32,
    /// When looking is unusual.
    pub bounds: AccessBounds,
}

impl Default for AccessLimits {
    fn default() -> Self {
        Self {
            session_seconds_max: 4 * 3_600,
            break_glass_seconds_max: 3_600,
            break_glass_records_max: 20,
            answer_seconds: 12 * 3_600,
            review_seconds: 3 * 86_400,
            records_per_look_max: 100,
            records_per_session_max: 500,
            records_per_hour_max: 500,
            records_per_day_max: 1_000,
            program_records_per_day_max: 100_000,
            sessions_per_person_max: 10,
            bounds: AccessBounds::default(),
        }
    }
}

/// From when on looking is unusual: first others are told, then it stops.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessBounds {
    /// Records of one day from which on the administrators are told.
    pub alert_records_per_day: u64,
    /// Records of one day from which on the session is stopped.
    pub stop_records_per_day: u64,
    /// As many times the person's own usual day is unusual too.
    pub alert_times_usual: u64,
    /// As many times the person's own usual day stops the session.
    pub stop_times_usual: u64,
    /// Days with looks of the last thirty from which on there is a usual day.
    pub usual_days_min: usize,
    /// Records below which no day is unusual against one's own.
    pub usual_records_min: u64,
    /// Attempts to look outside of what a session is about, from which on it is stopped. The first one alerts.
    pub strays_stop: u32,
    /// When looking is usual; `None` where any hour is.
    pub hours: Option<WorkingHours>,
}

impl Default for AccessBounds {
    fn default() -> Self {
        Self {
            alert_records_per_day: 300,
            stop_records_per_day: 800,
            alert_times_usual: 3,
            stop_times_usual: 10,
            usual_days_min: 5,
            usual_records_min: 50,
            strays_stop: 3,
            hours: None,
        }
    }
}

/// The hours at which people usually look: Monday to Friday, from one full hour to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkingHours {
    zone: ClockZone,
    from: u8,
    until: u8,
}

/// Hours that are none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "working hours go from one full hour to a later one, 0 to 24, as in 8 and 18; {from} and {until} do not"
)]
pub struct WorkingHoursError {
    from: u8,
    until: u8,
}

impl WorkingHours {
    /// From the full hour `from` until before `until`, in a zone's time.
    ///
    /// # Errors
    /// When they are not in this order or later than 24.
    pub fn new(zone: ClockZone, from: u8, until: u8) -> Result<Self, WorkingHoursError> {
        if from >= until || until > 24 {
            return Err(WorkingHoursError { from, until });
        }
        Ok(Self { zone, from, until })
    }

    /// Whether an instant is within them.
    pub fn contain(&self, at: Timestamp) -> bool {
        let (weekday, hour) = self.zone.hour_of(at);
        let is_weekend = matches!(weekday, Weekday::Saturday | Weekday::Sunday);
        !is_weekend && (self.from..self.until).contains(&hour)
    }
}

/// More than somebody may look at. Nothing was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TooMuch {
    /// In one look.
    #[error(
        "one look opens at most {most} records and this one would open {asked}; nothing was opened. Name fewer"
    )]
    Look {
        /// The limit.
        most: u64,
        /// What was asked.
        asked: u64,
    },
    /// Within an hour.
    #[error(
        "one person opens at most {most} records within an hour, and {done} were opened; nothing was opened. Go on later"
    )]
    Hour {
        /// The limit.
        most: u64,
        /// What was opened within the last hour.
        done: u64,
    },
    /// Within a day.
    #[error(
        "one person opens at most {most} records within a day, and {done} were opened; nothing was opened. Go on tomorrow"
    )]
    Day {
        /// The limit.
        most: u64,
        /// What was opened within the last day.
        done: u64,
    },
    /// By a key to the Compliance API within a day.
    #[error(
        "one key opens at most {most} records within a day, and {done} were opened; nothing more was opened. Go on tomorrow, where you are"
    )]
    Program {
        /// The limit.
        most: u64,
        /// What was opened within the last day.
        done: u64,
    },
}

impl AccessLimits {
    /// Whether a program that opened `day` records within the last day may open this many more with its key.
    ///
    /// # Errors
    /// The limit that it would pass.
    pub const fn admit_program(&self, asked: u64, day: u64) -> Result<(), TooMuch> {
        if day.saturating_add(asked) > self.program_records_per_day_max {
            return Err(TooMuch::Program { most: self.program_records_per_day_max, done: day });
        }
        Ok(())
    }

    /// Whether a look at this many records is within the limits of somebody who opened `hour` and `day` within the last
    /// hour and the last day.
    ///
    /// # Errors
    /// The limit that it would pass.
    pub const fn admit(&self, asked: u64, hour: u64, day: u64) -> Result<(), TooMuch> {
        if asked > self.records_per_look_max {
            return Err(TooMuch::Look { most: self.records_per_look_max, asked });
        }
        if hour.saturating_add(asked) > self.records_per_hour_max {
            return Err(TooMuch::Hour { most: self.records_per_hour_max, done: hour });
        }
        if day.saturating_add(asked) > self.records_per_day_max {
            return Err(TooMuch::Day { most: self.records_per_day_max, done: day });
        }
        Ok(())
    }
}
