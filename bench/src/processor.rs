//! What a process costs, as the kernel counts it, and where processes run.

use std::time::Duration;

use rustix::thread::CpuSet;

use crate::failure::Failure;

/// The core that the program under test has to itself.
pub(crate) const SUBJECT_CORE: usize = 0;
/// The core of the load generator and the scripted provider.
const OWN_CORE: usize = 1;

/// Keeps this process off the core of the program under test. On a machine with one core everything shares it, and
/// the second value says so.
///
/// # Errors
/// When the kernel refuses.
pub(crate) fn stay_apart() -> Result<bool, Failure> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    if cores < 2 {
        return Ok(false);
    }
    let mut set = CpuSet::new();
    set.set(OWN_CORE);
    rustix::thread::sched_setaffinity(None, &set).map_err(Failure::call("move to a core"))?;
    Ok(true)
}

/// User and system time of a process, all its threads, those that have ended included. In steps of the kernel's
/// accounting unit (10 ms nearly everywhere), so measure over seconds.
///
/// # Errors
/// When the process is gone.
pub(crate) fn time_used(process: u32) -> Result<Duration, Failure> {
    let text = read(process, "stat")?;
    // The second field is the program's name in parentheses, which may itself hold anything.
    let after_name = text.rsplit_once(')').map_or("", |(_, rest)| rest);
    // utime and stime are fields 14 and 15 of proc_pid_stat(5); the text here begins at field 3.
    let ticks: u64 = after_name
        .split_ascii_whitespace()
        .skip(11)
        .take(2)
        .filter_map(|field| field.parse::<u64>().ok())
        .sum();
    let ticks_per_second = rustix::param::clock_ticks_per_second().max(1);
    Ok(Duration::from_nanos(ticks * (1_000_000_000 / ticks_per_second)))
}

/// Memory of a process in bytes: resident now, and at its highest.
///
/// # Errors
/// When the process is gone.
pub(crate) fn memory(process: u32) -> Result<(u64, u64), Failure> {
    let text = read(process, "status")?;
    let field = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
        line.split_ascii_whitespace().next().and_then(|number| number.parse::<u64>().ok()).unwrap_or(0)
            * 1_024
    };
    Ok((field("VmRSS:"), field("VmHWM:")))
}

/// The machine's load average over one minute, as the kernel prints it.
pub(crate) fn load_average() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_ascii_whitespace().next().unwrap_or("unknown").to_owned()
}

fn read(process: u32, file: &str) -> Result<String, Failure> {
    let path = format!("/proc/{process}/{file}");
    std::fs::read_to_string(&path).map_err(Failure::file("read", path.as_ref()))
}
