//! Keeping what this process holds from other users, its memory off the disk, and no more memory than it needs.

use rustix::fs::Mode;
use rustix::process::{
    DumpableBehavior, Resource, Rlimit, dumpable_behavior, getrlimit, set_dumpable_behavior, setrlimit,
};

/// Makes every file that this process creates private to its user, whatever the shell's default.
pub(crate) fn create_private_files() {
    rustix::process::umask(Mode::RWXG | Mode::RWXO);
}

/// Forbids core dumps of this process, to files and to crash handlers alike: they would hold prompts and keys. Where
/// the system refuses, `fiducia doctor` says so.
pub(crate) fn forbid_core_dumps() {
    // The limit covers dumps to files, the flag also covers handlers, which ignore the limit.
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
}

/// Whether core dumps of this process are really forbidden.
pub(crate) fn core_dumps_are_forbidden() -> bool {
    let limited = getrlimit(Resource::Core).current == Some(0);
    limited && dumpable_behavior().is_ok_and(|behavior| behavior == DumpableBehavior::NotDumpable)
}

/// Asks the system for small pages of memory. Large ones make this process larger by half and no faster: its memory is many
/// small pieces.
pub(crate) fn use_small_pages() {
    // Without this nothing fails; the process is larger.
    let _ = rustix::thread::disable_transparent_huge_pages(true);
}
