//! What a request asks the provider to keep, read for organisations that keep nothing.

use fiducia_wire::{Fallbacks, Outline, RequestError, Wire};

/// Members of a Messages request that keep content at the provider.
#[derive(serde::Deserialize)]
struct MessagesState {
    #[serde(default)]
    thread: Option<serde::de::IgnoredAny>,
    #[serde(default)]
    container: Option<serde::de::IgnoredAny>,
}

/// The feature of a request that keeps content at the provider, in words; `None` when there is none.
///
/// # Errors
/// When the body names such a feature twice.
pub(crate) fn stored_feature(
    wire: Wire,
    body: &[u8],
    outline: &Outline,
) -> Result<Option<&'static str>, RequestError> {
    let feature = match wire {
        Wire::AnthropicMessages => {
            let state: MessagesState = serde_json::from_slice(body)
                .map_err(|_| RequestError::Malformed { position: 0, reason: "one member of each name" })?;
            if state.thread.is_some() || outline.previous_response.is_some() {
                Some("a thread keeps its turns at the provider (member \"thread\")")
            } else if state.container.is_some() {
                Some("a container keeps its files at the provider (member \"container\")")
            } else {
                None
            }
        }
        Wire::OpenAiChat if outline.store == Some(true) => {
            Some("\"store\": true keeps the completion at the provider; leave it out or send false")
        }
        Wire::OpenAiResponses => responses_feature(outline),
        Wire::OpenAiChat | Wire::OpenAiEmbeddings => None,
    };
    Ok(feature)
}

fn responses_feature(outline: &Outline) -> Option<&'static str> {
    if outline.store != Some(false) {
        return Some(
            "responses are stored by the provider for at least 30 days unless the request says \"store\": false; send that",
        );
    }
    if outline.background {
        return Some("background responses are written to the provider's disks (member \"background\")");
    }
    if outline.previous_response.is_some() {
        return Some(
            "earlier responses exist only where they were stored (member \"previous_response_id\"); send the history",
        );
    }
    if outline.provider_conversation.is_some() {
        return Some(
            "conversations are stored by the provider until they are deleted (member \"conversation\")",
        );
    }
    None
}

/// The models that may answer besides the one asked for, which must be routed to the same provider.
pub(crate) fn fallback_models(outline: &Outline) -> &[String] {
    match &outline.fallbacks {
        Fallbacks::Models(models) => models,
        Fallbacks::None | Fallbacks::ProviderChoice => &[],
    }
}
