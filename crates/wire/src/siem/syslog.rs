//! The frame of a syslog message: RFC 5424, counted octets for streams (RFC 6587, RFC 5425).

use fiducia_policy::Timestamp;

/// The largest facility.
pub const SYSLOG_FACILITY_MAX: u8 = 23;
/// `severity`: informational.
const INFORMATIONAL: u16 = 6;
/// The longest host name in a message.
const HOST_BYTES_MAX: usize = 255;
/// The longest `MSGID`.
const MESSAGE_ID_BYTES_MAX: usize = 32;
const APPLICATION: &str = "fiducia";

/// The name under which this machine stands in messages; `-` where it says none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyslogName(String);

/// A name that no message can carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the name of this machine in syslog messages has 1 to {HOST_BYTES_MAX} visible ASCII characters")]
pub struct SyslogNameError;

impl Default for SyslogName {
    fn default() -> Self {
        Self("-".to_owned())
    }
}

impl std::str::FromStr for SyslogName {
    type Err = SyslogNameError;

    fn from_str(text: &str) -> Result<Self, SyslogNameError> {
        let fits =
            (1..=HOST_BYTES_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
        if fits { Ok(Self(text.to_owned())) } else { Err(SyslogNameError) }
    }
}

/// A message of a facility (0 to 23), about an activity of this type. The line follows without a byte-order mark, so that parsers
/// of JSON can take it as it is.
pub fn syslog_message(facility: u8, host: &SyslogName, at: Timestamp, kind: &str, line: &str) -> String {
    let priority = u16::from(facility.min(SYSLOG_FACILITY_MAX)) * 8 + INFORMATIONAL;
    let id: String = kind.chars().filter(char::is_ascii_graphic).take(MESSAGE_ID_BYTES_MAX).collect();
    let id = if id.is_empty() { "-" } else { &id };
    format!("<{priority}>1 {at:.6} {host} {APPLICATION} - {id} - {line}", host = host.0)
}

/// The message with its length before it, for streams.
pub fn octet_counted(message: &str) -> Vec<u8> {
    format!("{} {message}", message.len()).into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_have_the_form_of_the_standard() {
        let at = "2026-11-21T04:15:23.5Z".parse().unwrap();
        let check = |facility, host: &str, kind, expect| {
            assert_eq!(syslog_message(facility, &host.parse().unwrap(), at, kind, "{}"), expect);
        };
        check(
            13,
            "-",
            "user_logged_out",
            "<110>1 2026-11-21T04:15:23.500000Z - fiducia - user_logged_out - {}",
        );
        check(
            16,
            "gate.example.org",
            "a_type_with_a_name_that_is_longer_than_thirty_two",
            "<134>1 2026-11-21T04:15:23.500000Z gate.example.org fiducia - a_type_with_a_name_that_is_longe - {}",
        );
        check(255, "h", " \u{e9}", "<190>1 2026-11-21T04:15:23.500000Z h fiducia - - - {}");
        for wrong in ["", "a b", "\u{e9}", "a\nb", &"x".repeat(256)] {
            assert!(wrong.parse::<SyslogName>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn streams_count_octets_not_characters() {
        assert_eq!(octet_counted("a\u{e9}"), "3 a\u{e9}".as_bytes());
    }
}
