//! Activities as lines for a security information and event management system (SIEM): OCSF 1.6.0 or ECS 8.17, one JSON object a
//! line, and the syslog frame around it (RFC 5424). Pure: nothing is sent from here.
//!
//! Every type of activity that this program makes has a row in one table, [`mapping_of`]; a type without one becomes the base event
//! of the schema, with everything it said under `unmapped` or `fiducia.activity`. Nothing an activity says is left out.

mod activity;
mod ecs;
mod mapping;
mod ocsf;
mod syslog;

pub use activity::{Activity, ActivityError};
pub use mapping::{Mapping, OcsfClass, mapped_kinds, mapping_of};
pub use syslog::{SYSLOG_FACILITY_MAX, SyslogName, SyslogNameError, octet_counted, syslog_message};

/// How a line is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SiemFormat {
    /// Open Cybersecurity Schema Framework, version 1.6.0.
    Ocsf,
    /// Elastic Common Schema, version 8.17.
    Ecs,
}

impl SiemFormat {
    /// The activity as one line of JSON, without its end.
    pub fn line(self, activity: &Activity) -> String {
        let event = match self {
            Self::Ocsf => ocsf::event(activity),
            Self::Ecs => ecs::event(activity),
        };
        event.to_string()
    }
}

#[cfg(test)]
mod tests;
