//! The resources. Each is one file, and one line in [`endpoints`].

#![expect(
    clippy::needless_pass_by_value,
    reason = "handlers have the one signature that endpoints take: what was read from a request is theirs"
)]

mod access_sessions;
mod accesses;
mod account;
mod campaigns;
mod certificates;
mod choices;
mod consents;
mod conversations;
mod evidence;
mod keys;
mod notices;
mod people;
mod privacy_signal;
mod request_files;
mod request_view;
mod requests;
mod webhooks;

use super::endpoint::Endpoint;

/// Every endpoint, in the order of the documentation.
pub(super) fn endpoints() -> Vec<Endpoint> {
    [
        account::endpoints,
        consents::endpoints,
        choices::endpoints,
        notices::endpoints,
        campaigns::endpoints,
        conversations::endpoints,
        accesses::endpoints,
        requests::endpoints,
        request_files::endpoints,
        certificates::endpoints,
        privacy_signal::endpoints,
        people::endpoints,
        evidence::endpoints,
        keys::endpoints,
        access_sessions::endpoints,
        webhooks::endpoints,
    ]
    .into_iter()
    .flat_map(|endpoints| endpoints())
    .collect()
}
