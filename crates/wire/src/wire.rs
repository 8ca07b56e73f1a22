//! The wires that the gateway speaks, and their stable names.

use std::fmt;
use std::str::FromStr;

/// One request and answer format of one provider family.
///
/// The names given by [`Wire::name`] are stored with records and must never change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Wire {
    /// Anthropic `POST /v1/messages` (and `count_tokens`, which takes the same body).
    AnthropicMessages,
    /// OpenAI `POST /v1/chat/completions`.
    OpenAiChat,
    /// OpenAI `POST /v1/responses`.
    OpenAiResponses,
    /// OpenAI `POST /v1/embeddings`. It has inputs and no conversation.
    OpenAiEmbeddings,
}

/// The provider family of a wire: it decides the shape of errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WireFamily {
    /// Errors are `{"type":"error","error":{"type","message"},"request_id"}`.
    Anthropic,
    /// Errors are `{"error":{"message","type","param","code"}}`.
    OpenAi,
}

impl Wire {
    /// Every wire, for tables and tests.
    pub const ALL: [Self; 4] =
        [Self::AnthropicMessages, Self::OpenAiChat, Self::OpenAiResponses, Self::OpenAiEmbeddings];

    /// The stable name, as stored with records and shown in metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AnthropicMessages => "anthropic-messages",
            Self::OpenAiChat => "openai-chat",
            Self::OpenAiResponses => "openai-responses",
            Self::OpenAiEmbeddings => "openai-embeddings",
        }
    }

    /// The family whose error shape this wire uses.
    pub const fn family(self) -> WireFamily {
        match self {
            Self::AnthropicMessages => WireFamily::Anthropic,
            Self::OpenAiChat | Self::OpenAiResponses | Self::OpenAiEmbeddings => WireFamily::OpenAi,
        }
    }
}

impl fmt::Display for Wire {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl FromStr for Wire {
    type Err = UnknownWire;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|wire| wire.name() == name).ok_or_else(|| UnknownWire(name.to_owned()))
    }
}

/// A wire name that this build does not know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{0}\" is not a wire format of this build; it knows anthropic-messages, openai-chat, openai-responses and \
     openai-embeddings. Nothing was read or changed"
)]
pub struct UnknownWire(pub String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip_and_unknown_names_are_refused() {
        for wire in Wire::ALL {
            assert_eq!(wire.name().parse(), Ok(wire));
            assert_eq!(wire.to_string(), wire.name());
        }
        assert_eq!("openai".parse::<Wire>(), Err(UnknownWire("openai".to_owned())));
    }
}
