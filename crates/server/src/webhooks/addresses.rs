//! Where deliveries may go. An endpoint's address is chosen by whoever adds it, so without this rule it could name what only this
//! machine and its neighbours reach: databases, metadata services, this program's own listeners.
//!
//! What is judged is the address a connection is made to, after names are resolved: a name may stand for another address a moment
//! later.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use hyper_util::client::legacy::connect::dns::Name;
use tower_service::Service;

/// A range of addresses, such as `10.1.0.0/16`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AddressRange {
    first: IpAddr,
    bits: u32,
}

/// A text that is no range of addresses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no range of addresses, such as `10.1.0.0/16`, `127.0.0.1/32` or `fd00::/8`")]
pub struct AddressRangeError(String);

impl std::str::FromStr for AddressRange {
    type Err = AddressRangeError;

    fn from_str(text: &str) -> Result<Self, AddressRangeError> {
        let wrong = || AddressRangeError(text.chars().take(64).collect());
        let (address, bits) = text.split_once('/').ok_or_else(wrong)?;
        let first: IpAddr = address.parse().map_err(|_| wrong())?;
        let most = if first.is_ipv4() { 32 } else { 128 };
        let bits = bits.parse().ok().filter(|bits| *bits <= most).ok_or_else(wrong)?;
        Ok(Self { first, bits })
    }
}

impl AddressRange {
    /// Whether an address lies in the range.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.first, address) {
            (IpAddr::V4(first), IpAddr::V4(address)) => {
                same_beginning(u128::from(first.to_bits()), u128::from(address.to_bits()), self.bits, 32)
            }
            (IpAddr::V6(first), IpAddr::V6(address)) => {
                same_beginning(first.to_bits(), address.to_bits(), self.bits, 128)
            }
            _ => false,
        }
    }
}

fn same_beginning(one: u128, other: u128, bits: u32, width: u32) -> bool {
    let shift = width.saturating_sub(bits);
    one.checked_shr(shift).unwrap_or(0) == other.checked_shr(shift).unwrap_or(0)
}

/// Which addresses may be reached.
#[derive(Debug, Clone, Default)]
pub(super) struct AddressRule {
    allowed: Arc<[AddressRange]>,
}

impl AddressRule {
    pub(super) fn new(allowed: &[AddressRange]) -> Self {
        Self { allowed: allowed.into() }
    }

    /// Whether deliveries may go to an address: it is public, or the settings name a range that it lies in.
    pub(super) fn permits(&self, address: IpAddr) -> bool {
        let plain = unmapped(address);
        is_public(plain) || self.allowed.iter().any(|range| range.contains(plain) || range.contains(address))
    }

    /// Whether the settings name this machine's own addresses.
    pub(super) fn permits_plain_http(&self, host: &str) -> bool {
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let loopback = |address: IpAddr| address.is_loopback() && self.permits(address);
        match host.parse() {
            Ok(address) => loopback(address),
            Err(_) => {
                host == "localhost"
                    && (loopback(Ipv4Addr::LOCALHOST.into()) || loopback(Ipv6Addr::LOCALHOST.into()))
            }
        }
    }
}

/// The IPv4 address that an IPv6 one stands for, where it does.
fn unmapped(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(six) => six.to_ipv4_mapped().map_or(address, IpAddr::V4),
        IpAddr::V4(_) => address,
    }
}

/// Whether an address is one of the open Internet (IANA's registries of special addresses, RFC 6890).
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => !SPECIAL_V4.iter().any(|(first, bits)| {
            same_beginning(u128::from(first.to_bits()), u128::from(address.to_bits()), *bits, 32)
        }),
        // Only what is allocated as global unicast, less what lies in it for other purposes.
        IpAddr::V6(address) => {
            let bits = address.to_bits();
            same_beginning(GLOBAL_V6.to_bits(), bits, 3, 128)
                && !SPECIAL_V6
                    .iter()
                    .any(|(first, length)| same_beginning(first.to_bits(), bits, *length, 128))
        }
    }
}

const SPECIAL_V4: [(Ipv4Addr, u32); 15] = [
    (Ipv4Addr::UNSPECIFIED, 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    // Link-local: metadata services of clouds answer at 169.254.169.254.
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    (Ipv4Addr::new(240, 0, 0, 0), 4),
];

const GLOBAL_V6: Ipv6Addr = Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0);
const SPECIAL_V6: [(Ipv6Addr, u32); 4] = [
    // Protocol assignments, Teredo among them, which holds an IPv4 address.
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    // 6to4, which holds an IPv4 address.
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
];

/// Every address of a host is one that deliveries may not go to.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("its address is none that deliveries may go to")]
pub(super) struct AddressRefused;

/// Resolves names and keeps the addresses that may be reached.
#[derive(Debug, Clone)]
pub(super) struct GuardedResolver(pub(super) AddressRule);

type Resolving = Pin<Box<dyn Future<Output = io::Result<std::vec::IntoIter<SocketAddr>>> + Send>>;

impl Service<Name> for GuardedResolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = Resolving;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Resolving {
        let rule = self.0.clone();
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let permitted: Vec<SocketAddr> =
                found.into_iter().filter(|address| rule.permits(address.ip())).collect();
            if permitted.is_empty() {
                return Err(io::Error::new(io::ErrorKind::PermissionDenied, AddressRefused));
            }
            Ok(permitted.into_iter())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_the_open_internet_are_reached() {
        let rule = AddressRule::default();
        let check = |address: &str, expect| {
            assert_eq!(rule.permits(address.parse().unwrap()), expect, "{address}");
        };
        for refused in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "10.255.255.255",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.0.1",
            "169.254.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.7",
            "203.0.113.9",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::ffff:169.254.169.254",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "100::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "3fff::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "4000::1",
        ] {
            check(refused, false);
        }
        for permitted in [
            "1.1.1.1",
            "9.255.255.255",
            "11.0.0.1",
            "100.63.255.255",
            "100.128.0.1",
            "126.255.255.255",
            "128.0.0.1",
            "169.253.255.255",
            "172.15.255.255",
            "172.32.0.1",
            "192.167.255.255",
            "198.17.255.255",
            "198.20.0.1",
            "223.255.255.255",
            "::ffff:1.1.1.1",
            "2001:200::1",
            "2606:4700:4700::1111",
            "2a00:1450::1",
        ] {
            check(permitted, true);
        }
    }

    #[test]
    fn settings_let_named_ranges_through_and_nothing_beside_them() {
        let ranges: Vec<AddressRange> =
            ["10.1.0.0/16", "127.0.0.1/32", "fd00::/8"].map(|range| range.parse().unwrap()).to_vec();
        let rule = AddressRule::new(&ranges);
        for (address, expect) in [
            ("10.1.2.3", true),
            ("10.2.0.1", false),
            ("127.0.0.1", true),
            ("127.0.0.2", false),
            ("::ffff:10.1.2.3", true),
            ("::1", false),
            ("fd12::1", true),
            ("fe80::1", false),
        ] {
            assert_eq!(rule.permits(address.parse().unwrap()), expect, "{address}");
        }
        assert!(rule.permits_plain_http("127.0.0.1") && rule.permits_plain_http("localhost"));
        assert!(!rule.permits_plain_http("[::1]") && !rule.permits_plain_http("10.1.2.3"));
        assert!(!AddressRule::default().permits_plain_http("localhost"));
        assert!(!rule.permits_plain_http("127.0.0.1.example.org"));
        for wrong in ["", "10.0.0.0", "10.0.0.0/33", "fd00::/129", "x/8", "10.0.0.0/-1"] {
            assert!(wrong.parse::<AddressRange>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn everything_is_in_the_range_of_no_bits() {
        let all: AddressRange = "0.0.0.0/0".parse().unwrap();
        assert!(all.contains("203.0.113.9".parse().unwrap()) && !all.contains("::1".parse().unwrap()));
        let all: AddressRange = "::/0".parse().unwrap();
        assert!(all.contains("::1".parse().unwrap()));
    }
}
