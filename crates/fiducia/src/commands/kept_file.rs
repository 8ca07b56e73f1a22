//! Checking files that somebody kept, with keys that were kept elsewhere: no data, no network.

use std::io::Read;
use std::path::Path;

use fiducia_ledger::VerifierKey;

use crate::failure::Failure;

/// Reads at most one byte more than a file of this kind may have.
pub(super) fn read_at_most(path: &Path, bytes_max: usize) -> Result<Vec<u8>, Failure> {
    let failed = |cause| Failure::File { doing: "read", path: path.to_owned(), cause };
    let file = std::fs::File::open(path).map_err(failed)?;
    let most = u64::try_from(bytes_max).unwrap_or(u64::MAX).saturating_add(1);
    let mut bytes = Vec::new();
    file.take(most).read_to_end(&mut bytes).map_err(failed)?;
    Ok(bytes)
}

/// The keys that were given with `--verifier-key`.
pub(super) fn given_keys(texts: &[String]) -> Result<Vec<VerifierKey>, Failure> {
    let parse = |text: &String| {
        text.trim()
            .parse()
            .map_err(|error| Failure::Argument(format!("--verifier-key cannot be used: {error}")))
    };
    texts.iter().map(parse).collect()
}
