//! The edge of the program: the system's clock, its randomness and the person at the keyboard. Everything beneath
//! takes them as arguments.

use fiducia_policy::{Clock, Randomness, RandomnessUnavailable, Timestamp};

/// The system's clock.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place where the program reads the system's clock"
    )]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// The operating system's generator (`getrandom`). A record takes some ten small draws, which would be as many system
/// calls, so each thread draws ahead and hands out; what was handed out is zeroised at once.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SystemRandomness;

/// Bytes that a thread draws ahead.
const DRAWN_AHEAD_BYTES: usize = 2_048;

/// Bytes drawn and not handed out: those from `handed_out` on.
struct DrawnAhead {
    bytes: zeroize::Zeroizing<[u8; DRAWN_AHEAD_BYTES]>,
    handed_out: usize,
}

thread_local! {
    static DRAWN_AHEAD: std::cell::RefCell<DrawnAhead> = std::cell::RefCell::new(DrawnAhead {
        bytes: zeroize::Zeroizing::new([0; DRAWN_AHEAD_BYTES]),
        handed_out: DRAWN_AHEAD_BYTES,
    });
}

impl DrawnAhead {
    fn hand_out(&mut self, bytes: &mut [u8]) -> Result<(), RandomnessUnavailable> {
        if self.handed_out + bytes.len() > DRAWN_AHEAD_BYTES {
            draw(&mut *self.bytes)?;
            self.handed_out = 0;
        }
        let end = self.handed_out + bytes.len();
        let drawn = self.bytes.get_mut(self.handed_out..end).ok_or(RandomnessUnavailable)?;
        bytes.copy_from_slice(drawn);
        zeroize::Zeroize::zeroize(drawn);
        self.handed_out = end;
        Ok(())
    }
}

/// Fills `bytes` from the system's generator, which waits until it was seeded once after the machine started.
fn draw(bytes: &mut [u8]) -> Result<(), RandomnessUnavailable> {
    let mut rest = bytes;
    while !rest.is_empty() {
        match rustix::rand::getrandom(&mut *rest, rustix::rand::GetRandomFlags::empty()) {
            Ok(count) => rest = rest.get_mut(count..).ok_or(RandomnessUnavailable)?,
            Err(rustix::io::Errno::INTR) => {}
            Err(_) => return Err(RandomnessUnavailable),
        }
    }
    Ok(())
}

impl Randomness for SystemRandomness {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), RandomnessUnavailable> {
        if bytes.len() > DRAWN_AHEAD_BYTES {
            return draw(bytes);
        }
        DRAWN_AHEAD.with_borrow_mut(|ahead| ahead.hand_out(bytes))
    }
}

/// Who runs the command, for the ledger and for destruction reports: the account name of the real user id, or
/// `uid-<number>` when the account has no name. Environment variables are not asked, because anyone can set them.
pub(crate) fn operating_system_user() -> String {
    let uid = rustix::process::getuid().as_raw();
    let accounts = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    account_name(&accounts, uid).unwrap_or_else(|| format!("uid-{uid}"))
}

fn account_name(accounts: &str, uid: u32) -> Option<String> {
    accounts.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        let found = fields.nth(1)?.parse::<u32>().ok()?;
        (found == uid && !name.is_empty()).then(|| name.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_found_by_its_number() {
        let accounts =
            "root:x:0:0::/root:/bin/sh\nbroken line\noperator:x:1000:1000::/home/operator:/bin/sh\n";
        assert_eq!(account_name(accounts, 1000).as_deref(), Some("operator"));
        assert_eq!(account_name(accounts, 7), None);
    }

    #[test]
    fn nothing_is_handed_out_twice() {
        let mut seen = std::collections::HashSet::new();
        for length in (16..48).cycle().take(2_000) {
            let mut drawn = vec![0_u8; length];
            SystemRandomness.fill(&mut drawn).unwrap();
            for part in drawn.chunks_exact(8) {
                assert!(seen.insert(part.to_vec()), "eight random bytes came twice");
            }
        }
        let mut large = vec![0_u8; 3 * DRAWN_AHEAD_BYTES];
        SystemRandomness.fill(&mut large).unwrap();
        assert!(large.chunks_exact(8).all(|part| seen.insert(part.to_vec())));
    }

    #[test]
    fn randomness_fills_every_byte_it_is_given() {
        let (mut first, mut second) = ([0_u8; 32], [0_u8; 32]);
        SystemRandomness.fill(&mut first).unwrap();
        SystemRandomness.fill(&mut second).unwrap();
        assert_ne!(first, second);
    }
}
