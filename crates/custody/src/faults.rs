//! Faults that harnesses plant, to show that they would catch them. Compiled in only with the feature
//! `fault-injection`, which no release has.

/// Whether the environment plants this fault.
pub(crate) fn is_planted(name: &str) -> bool {
    cfg!(feature = "fault-injection")
        && std::env::var_os("FIDUCIA_FAULT").is_some_and(|planted| planted == name)
}
