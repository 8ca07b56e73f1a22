//! Keeping content and keys in memory off the disk.

use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};

/// Forbids core dumps of this process, to files and to crash handlers alike: they would hold prompts and keys. Where
/// the system refuses, `fiducia doctor` says so.
pub(crate) fn forbid_core_dumps() {
    // The limit covers dumps to files, the flag also covers handlers, which ignore the limit.
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
}
