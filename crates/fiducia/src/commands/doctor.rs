//! d
use crate::failure::*;
pub(super) fn run(_: &crate::arguments::DoctorArguments) -> Result<ExitStatus, Failure> {
    Ok(ExitStatus::Success)
}
