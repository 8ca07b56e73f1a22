//! Safeguards that can be seen: P29 to P36.

use super::{Answer, nothing_does_it};
use crate::audit_report::facts::Facts;

pub(super) fn answer(number: u8, facts: &Facts) -> Answer {
    match number {
        29 => nothing_does_it("recognises misuse of this kind"),
        30 => Answer::default()
            .figure(
                "requests that were not served as asked, each with a notice on the wire",
                facts.log.of("routing_notice"),
                facts.log.source("routing_notice"),
            )
            .but("That nothing else was changed is shown by comparing bytes in the program's tests; bytes that passed are not kept twice."),
        31 => nothing_does_it("lets a person contest a finding"),
        32 => nothing_does_it("joins requests to find attacks that are spread over many"),
        33 => nothing_does_it("looks for injected instructions"),
        34 => nothing_does_it("limits tokens or watches outputs as they stream"),
        35 => nothing_does_it("masks personal data or looks for leaks"),
        _ => nothing_does_it("limits what a model can reach"),
    }
}
