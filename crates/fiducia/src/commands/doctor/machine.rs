//! What the machine must give: a private directory, space, a disk that confirms, a clock that goes right.

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use fiducia_policy::Clock;
use rustix::process::{Resource, getrlimit};

use super::Report;
use crate::configuration::Configuration;
use crate::edge::SystemClock;
use crate::hardening;
use crate::output::bytes_of;

const FREE_BYTES_MIN: u64 = 256 * 1024 * 1024;
const FREE_BYTES_ADVISED: u64 = 5 * 1024 * 1024 * 1024;
const SYNC_ROUNDS: usize = 9;
const SYNC_SLOW: Duration = Duration::from_millis(20);
/// Faster than any device confirms; such a file system keeps its data in memory.
const SYNC_IMPLAUSIBLE: Duration = Duration::from_micros(10);
/// 2026-01-01T00:00:00Z. This program did not exist before.
const CLOCK_SECONDS_MIN: i64 = 1_767_225_600;

pub(super) fn examine(configuration: &Configuration, report: &mut Report) {
    let directory = &configuration.data.directory;
    clock(report);
    memory(report);
    open_files(configuration, report);
    if !directory.is_dir() {
        return report.warn(
            "data directory",
            format!("{} does not exist yet; `fiducia serve` makes it", directory.display()),
        );
    }
    permissions(directory, report);
    space(directory, report);
    sync(directory, report);
}

fn permissions(directory: &Path, report: &mut Report) {
    const WHAT: &str = "data directory";
    match std::fs::metadata(directory) {
        Ok(metadata) => {
            let open_to_others = metadata.permissions().mode() & 0o077;
            // Otherwise the configuration check has named the mode and the command that puts it right.
            if open_to_others == 0 {
                report.ok(WHAT, format!("{} is closed to other users", directory.display()));
            }
        }
        Err(error) => report.fail(WHAT, format!("{}: {error}; give this user access", directory.display())),
    }
}

fn space(directory: &Path, report: &mut Report) {
    const WHAT: &str = "disk space";
    match rustix::fs::statvfs(directory) {
        Ok(found) => {
            let free = found.f_bavail.saturating_mul(found.f_frsize);
            let text = format!("{} free", bytes_of(free));
            match free {
                0..FREE_BYTES_MIN => report.fail(
                    WHAT,
                    format!("{text}; a full disk stops the gateway with 503, because unrecorded answers are not given. Free some"),
                ),
                FREE_BYTES_MIN..FREE_BYTES_ADVISED => report.warn(WHAT, format!("{text}; plan for more soon")),
                _ => report.ok(WHAT, text),
            }
        }
        Err(error) => report.warn(WHAT, format!("cannot be read: {error}")),
    }
}

fn sync(directory: &Path, report: &mut Report) {
    const WHAT: &str = "disk sync";
    let path = directory.join(format!(".doctor-{}", std::process::id()));
    let measured = measure_sync(&path);
    // Nothing depends on the file; a second look at the directory would show it.
    let _ = std::fs::remove_file(&path);
    match measured {
        Ok(median) if median > SYNC_SLOW => report.warn(
            WHAT,
            format!("a sync takes {median:.1?}; answers wait for it, so a faster disk makes a faster gateway"),
        ),
        Ok(median) if median < SYNC_IMPLAUSIBLE => report.warn(
            WHAT,
            format!("a sync takes {median:.1?}, less than any disk needs; a power cut would lose what was answered"),
        ),
        Ok(median) => report.ok(WHAT, format!("a sync takes {median:.1?}")),
        Err(error) => report.fail(
            WHAT,
            format!("{}: {error}; nothing can be recorded until this user can write there", directory.display()),
        ),
    }
}

fn measure_sync(path: &Path) -> std::io::Result<Duration> {
    let mut file = File::options().write(true).create_new(true).open(path)?;
    let mut times = Vec::with_capacity(SYNC_ROUNDS);
    for _ in 0..SYNC_ROUNDS {
        let started = Instant::now();
        file.write_all(&[0; 4_096])?;
        file.sync_data()?;
        times.push(started.elapsed());
    }
    times.sort_unstable();
    Ok(times.get(SYNC_ROUNDS / 2).copied().unwrap_or_default())
}

fn clock(report: &mut Report) {
    const WHAT: &str = "clock";
    let now = SystemClock.now();
    let text = crate::output::instant(now);
    if now.as_second() < CLOCK_SECONDS_MIN {
        report.fail(
            WHAT,
            format!("it says {text}, which is in the past; windows and expiries would be wrong. Set it"),
        );
    } else {
        report.ok(WHAT, text);
    }
}

fn memory(report: &mut Report) {
    const WHAT: &str = "memory";
    let swaps = std::fs::read_to_string("/proc/swaps").unwrap_or_default();
    if !hardening::core_dumps_are_forbidden() {
        report.fail(
            WHAT,
            "the system does not let core dumps be forbidden; a crash could write prompts and keys to disk",
        );
    } else if swaps.lines().nth(1).is_some() {
        report.warn(
            WHAT,
            "this machine swaps, so prompts and keys may reach the swap device; encrypt it or turn it off (`swapoff -a`)",
        );
    } else {
        report.ok(WHAT, "core dumps are forbidden and nothing is swapped");
    }
}

fn open_files(configuration: &Configuration, report: &mut Report) {
    const WHAT: &str = "open files";
    // A connection takes one descriptor here and one to the provider.
    let connections = u64::try_from(configuration.gateway.limits.connections_max).unwrap_or(u64::MAX);
    let needed = connections.saturating_mul(2).saturating_add(256);
    match getrlimit(Resource::Nofile).current {
        Some(limit) if limit < needed => report.warn(
            WHAT,
            format!(
                "this shell allows {limit}, {connections} connections may need {needed}; raise it (LimitNOFILE= or \
                 `ulimit -n`) or lower gateway.limits.connections_max"
            ),
        ),
        Some(limit) => report.ok(WHAT, format!("{limit} allowed, {needed} needed at most")),
        None => report.ok(WHAT, "no limit"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;

    #[test]
    fn a_directory_that_can_be_written_passes_and_is_left_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let mut report = Report::default();
        sync(folder.path(), &mut report);
        assert_eq!(report.count(State::Fail), 0, "{report:?}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_directory_that_is_gone_fails_with_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let mut report = Report::default();
        sync(&folder.path().join("gone"), &mut report);
        assert_eq!(report.count(State::Fail), 1, "{report:?}");
        assert!(report.0[0].text.contains("gone"));
    }
}
