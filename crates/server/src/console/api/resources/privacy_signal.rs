//! `/privacy-signal`: the signal that browsers send (Global Privacy Control), and whether it was honoured.

use fiducia_policy::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::super::call::Call;
use super::super::caller::Who;
use super::super::endpoint::{Endpoint, Nothing};
use super::super::problem::Problem;
use super::super::reply::{Done, Found};

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get(
            "/privacy-signal",
            "show-privacy-signal",
            "Whether the person's browser asked for privacy, and since when that holds.",
            Who::PersonOrApplication,
            show,
        ),
        Endpoint::post(
            "/privacy-signal",
            "pass-on-privacy-signal",
            "Passes the signal on that a person's browser sent. The first time every yes that stands is taken back.",
            Who::PersonOrApplication,
            pass_on,
        ),
    ]
}

/// What became of the signal.
#[derive(Serialize, JsonSchema)]
struct PrivacySignal {
    /// Whether it was received and honoured: nothing is used for what the person is asked about, but for a yes given later.
    is_honoured: bool,
    first_seen_at: Option<Timestamp>,
    /// To the day.
    last_seen_at: Option<Timestamp>,
}

fn found(call: &Call<'_>) -> Result<PrivacySignal, Problem> {
    let signal = call.custody.privacy_signal(call.person()?.subject())?;
    Ok(PrivacySignal {
        is_honoured: signal.is_some(),
        first_seen_at: signal.map(|signal| signal.first_seen_at),
        last_seen_at: signal.map(|signal| signal.last_seen_at),
    })
}

fn show(call: &Call<'_>, _: Nothing, _: Nothing) -> Result<Found<PrivacySignal>, Problem> {
    found(call).map(Found)
}

fn pass_on(call: &Call<'_>, _: Nothing, _: Nothing) -> Result<Done<PrivacySignal>, Problem> {
    call.custody.pass_on_privacy_signal(call.person_or_new()?.subject())?;
    found(call).map(Done)
}
