//! `[access]`: who may read what is others', and how much.

use std::path::{Path, PathBuf};

use fiducia_custody::AccessSettings;
use fiducia_policy::{AccessBounds, AccessLimits, AccessPolicy, ClockZone, WorkingHours};
use serde::Deserialize;

use super::{Configuration, Problem};

/// Longest file of policies, in bytes: what they have at most, and a little more so that their own limit is named.
const POLICIES_BYTES_MAX: u64 = 300 * 1024;

/// Longest name of a region, in bytes.
const REGION_BYTES_MAX: usize = 64;

/// `[access]`. What is absent is as [`AccessLimits::default`] says.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AccessSection {
    /// A file with access policies of your own, in Cedar. Relative to the configuration file. What the policies that come with
    /// the program forbid stays forbidden.
    pub(crate) policies: Option<PathBuf>,
    /// The longest session, in minutes.
    pub(crate) session_minutes_max: Option<u32>,
    /// Records opened in one look, 1 to 1,000.
    pub(crate) records_per_look_max: Option<u64>,
    /// Records opened in one session.
    pub(crate) records_per_session_max: Option<u64>,
    /// Records opened by one person within an hour.
    pub(crate) records_per_hour_max: Option<u64>,
    /// Records opened by one person within a day.
    pub(crate) records_per_day_max: Option<u64>,
    /// Records opened by one key to the Compliance API within a day.
    pub(crate) program_records_per_day_max: Option<u64>,
    /// Records of one day from which on the administrators are told.
    pub(crate) alert_records_per_day: Option<u64>,
    /// Records of one day from which on a session is stopped.
    pub(crate) stop_records_per_day: Option<u64>,
    /// The policy's regions whose data staff read at this installation: where they are. What an organisation's plan keeps
    /// elsewhere is closed to them.
    pub(crate) regions: Option<Vec<String>>,
    /// When people usually look; outside of it the administrators are told.
    pub(crate) working_hours: Option<HoursSection>,
}

/// `[access.working_hours]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct HoursSection {
    /// The time zone as a POSIX rule, such as `CET-1CEST,M3.5.0,M10.5.0/3`.
    pub(crate) zone: String,
    /// From this full hour, 0 to 23.
    pub(crate) from: u8,
    /// Until before this full hour, 1 to 24.
    pub(crate) until: u8,
}

impl HoursSection {
    fn hours(&self) -> Result<WorkingHours, String> {
        let zone: ClockZone = self.zone.parse().map_err(|error| format!("{error}"))?;
        WorkingHours::new(zone, self.from, self.until).map_err(|error| error.to_string())
    }
}

/// Adds what is wrong with the section.
pub(super) fn check(configuration: &Configuration, problems: &mut Vec<Problem>) {
    let section = &configuration.access;
    let zero = [
        ("session_minutes_max", section.session_minutes_max.map(u64::from)),
        ("records_per_look_max", section.records_per_look_max),
        ("records_per_session_max", section.records_per_session_max),
        ("records_per_hour_max", section.records_per_hour_max),
        ("records_per_day_max", section.records_per_day_max),
        ("program_records_per_day_max", section.program_records_per_day_max),
        ("alert_records_per_day", section.alert_records_per_day),
        ("stop_records_per_day", section.stop_records_per_day),
    ];
    for (name, _) in zero.iter().filter(|(_, value)| *value == Some(0)) {
        problems.push(Problem::general(format!(
            "access.{name} is 0, so that nobody could read anything; name at least 1"
        )));
    }
    if section.records_per_look_max.is_some_and(|most| most > 1_000) {
        problems.push(Problem::general("access.records_per_look_max is at most 1000".to_owned()));
    }
    let is_name = |name: &String| (1..=REGION_BYTES_MAX).contains(&name.len());
    if section.regions.as_ref().is_some_and(|names| names.is_empty() || !names.iter().all(is_name)) {
        problems.push(Problem::general(format!(
            "access.regions names at least one region of the policy, each with 1 to {REGION_BYTES_MAX} bytes; leave it out to keep \
             nobody out for where they are"
        )));
    }
    if let Some(Err(text)) = section.working_hours.as_ref().map(HoursSection::hours) {
        problems.push(Problem::general(format!("access.working_hours: {text}")));
    }
    if let Some(path) = &section.policies
        && let Err(text) = read(path).and_then(|text| {
            AccessPolicy::of_installation(&text).map(drop).map_err(|error| error.to_string())
        })
    {
        problems.push(Problem::general(format!("access.policies ({}): {text}", path.display())));
    }
}

/// The text of a file of policies.
///
/// # Errors
/// When it cannot be read, or is too long to be one.
pub(crate) fn read(path: &Path) -> Result<String, String> {
    let size = std::fs::metadata(path).map_err(|error| format!("the file cannot be read: {error}"))?.len();
    if size > POLICIES_BYTES_MAX {
        return Err(format!("the file has more than {POLICIES_BYTES_MAX} bytes"));
    }
    std::fs::read_to_string(path).map_err(|error| format!("the file cannot be read: {error}"))
}

impl Configuration {
    /// What custody is told about reading.
    pub(super) fn access_settings(&self) -> AccessSettings {
        let section = &self.access;
        let (limits, bounds) = (AccessLimits::default(), AccessBounds::default());
        let minutes = |minutes: u32| minutes.saturating_mul(60);
        let limits = AccessLimits {
            session_seconds_max: section.session_minutes_max.map_or(limits.session_seconds_max, minutes),
            records_per_look_max: section.records_per_look_max.unwrap_or(limits.records_per_look_max),
            records_per_session_max: section
                .records_per_session_max
                .unwrap_or(limits.records_per_session_max),
            records_per_hour_max: section.records_per_hour_max.unwrap_or(limits.records_per_hour_max),
            records_per_day_max: section.records_per_day_max.unwrap_or(limits.records_per_day_max),
            program_records_per_day_max: section
                .program_records_per_day_max
                .unwrap_or(limits.program_records_per_day_max),
            bounds: AccessBounds {
                alert_records_per_day: section.alert_records_per_day.unwrap_or(bounds.alert_records_per_day),
                stop_records_per_day: section.stop_records_per_day.unwrap_or(bounds.stop_records_per_day),
                hours: section.working_hours.as_ref().and_then(|hours| hours.hours().ok()),
                ..bounds
            },
            ..limits
        };
        // A file that went away since it was checked is no policy, and then nothing opens.
        let policies = section.policies.as_deref().map(|path| read(path).unwrap_or_else(|error| error));
        AccessSettings { limits, policies, regions: section.regions.clone() }
    }
}
