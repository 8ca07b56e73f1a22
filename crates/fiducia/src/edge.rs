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

/// The operating system's generator, as the cryptographic library seeds it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SystemRandomness;

impl Randomness for SystemRandomness {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), RandomnessUnavailable> {
        aws_lc_rs::rand::fill(bytes).map_err(|_| RandomnessUnavailable)
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
    fn randomness_fills_every_byte_it_is_given() {
        let (mut first, mut second) = ([0_u8; 32], [0_u8; 32]);
        SystemRandomness.fill(&mut first).unwrap();
        SystemRandomness.fill(&mut second).unwrap();
        assert_ne!(first, second);
    }
}
