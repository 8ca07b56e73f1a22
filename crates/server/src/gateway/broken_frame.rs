//! The event that tells a client in the middle of a stream that the rest will not come.

use bytes::Bytes;
use fiducia_wire::{Wire, WireError, WireFamily};

/// Why an answer is broken off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Breakage {
    /// The provider's connection broke, or its stream ended without its terminal event.
    UpstreamBroken,
    /// The provider sent nothing for too long.
    UpstreamSilent,
    /// The answer is larger than a record may be, or memory is short.
    TooLarge,
    /// Custody could not make the record durable.
    NotRecorded,
}

impl Breakage {
    /// The stable code on the wire, in logs and in metrics.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::UpstreamBroken => "upstream_broken",
            Self::UpstreamSilent => "upstream_timeout",
            Self::TooLarge => "answer_too_large",
            Self::NotRecorded => "store_unavailable",
        }
    }

    const fn message(self) -> &'static str {
        match self {
            Self::UpstreamBroken => {
                "the model provider's stream broke off before its end; what was sent is incomplete, try again"
            }
            Self::UpstreamSilent => {
                "the model provider sent nothing for too long; what was sent is incomplete, try again"
            }
            Self::TooLarge => {
                "the answer is larger than this gateway can record; what was sent is incomplete"
            }
            Self::NotRecorded => {
                "the answer could not be recorded, so its end is withheld; what was sent is incomplete, try again"
            }
        }
    }
}

/// The error event in the shape of `wire`. `received` is the stream so far: a Responses event continues its sequence
/// numbers.
pub(crate) fn broken_frame(wire: Wire, breakage: Breakage, received: &[u8]) -> Bytes {
    let kind = match (wire.family(), breakage) {
        (WireFamily::Anthropic, Breakage::UpstreamSilent) => "timeout_error",
        (WireFamily::Anthropic, _) => "api_error",
        (WireFamily::OpenAi, _) => "server_error",
    };
    let error = WireError { kind, code: breakage.name(), message: breakage.message(), parameter: None };
    let sequence_number = if wire == Wire::OpenAiResponses { next_sequence_number(received) } else { 0 };
    Bytes::from(fiducia_wire::error_frame(wire, &error, sequence_number))
}

/// One more than the last `"sequence_number": n` in the stream; 0 when there is none.
fn next_sequence_number(received: &[u8]) -> u64 {
    const MEMBER: &[u8] = b"\"sequence_number\":";
    let mut end = received.len();
    while let Some(found) = received
        .get(..end)
        .and_then(|before| before.windows(MEMBER.len()).rposition(|window| window == MEMBER))
    {
        // Inside a string the quote is escaped: that is content, not a member.
        let escaped = found.checked_sub(1).and_then(|before| received.get(before)) == Some(&b'\\');
        if !escaped {
            let digits = received.get(found + MEMBER.len()..).unwrap_or_default().trim_ascii_start();
            let number =
                digits.iter().take_while(|byte| byte.is_ascii_digit()).fold(0_u64, |number, digit| {
                    number.saturating_mul(10).saturating_add(u64::from(digit - b'0'))
                });
            return number.saturating_add(1);
        }
        end = found;
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_wire_gets_an_error_it_raises_on_and_none_gets_a_clean_end() {
        for wire in Wire::ALL {
            let frame = broken_frame(wire, Breakage::UpstreamBroken, b"");
            let text = std::str::from_utf8(&frame).unwrap();
            assert!(text.ends_with("\n\n"));
            assert!(text.contains("upstream_broken"));
            assert!(!text.contains("[DONE]"));
            assert_eq!(
                text.starts_with("event: error\n"),
                !matches!(wire, Wire::OpenAiChat | Wire::OpenAiEmbeddings)
            );
        }
    }

    #[test]
    fn responses_errors_continue_the_sequence() {
        let check =
            |received: &str, expected: u64| assert_eq!(next_sequence_number(received.as_bytes()), expected);
        check("", 0);
        check(r#"data: {"sequence_number":7,"delta":"x"}"#, 8);
        check(r#"data: {"sequence_number": 41}"#, 42);
        check(r#"data: {"sequence_number":3,"delta":"say \"sequence_number\":99"}"#, 4);
    }
}
