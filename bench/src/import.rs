//! Import of conversations against appending the same bytes to a file, with as many syncs as the import has chunks.

use std::fs::File;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use flate2::read::MultiGzDecoder;
use serde_json::Value;

use crate::failure::Failure;
use crate::report;
use crate::subject::{self, Site};

/// Lines of a chunk of `fiducia import`, hence of a commit.
const LINES_PER_COMMIT: usize = 512;
/// Conversations of the invented file.
const INVENTED: usize = 5_000;

/// `import`
///
/// # Errors
/// When the program or the file fails.
#[expect(clippy::cast_precision_loss, reason = "the size of a file is far below 2^52")]
pub(crate) fn measure(rounds: u32) -> Result<(), Failure> {
    let folder = subject::folder()?;
    let given = conversations();
    let bytes = match &given {
        Some(path) => unpacked(path)?,
        None => invented(),
    };
    let source = match given {
        Some(path) => path,
        None => {
            let path = folder.path().join("invented.jsonl");
            std::fs::write(&path, &bytes).map_err(Failure::file("write", &path))?;
            path
        }
    };
    let commits = bytes.split_inclusive(|byte| *byte == b'\n').count().div_ceil(LINES_PER_COMMIT);
    let name = source.file_name().unwrap_or_default().to_string_lossy().into_owned();
    report::line(format_args!("import of {name}: {} bytes unpacked, {commits} commits", bytes.len()));
    let length = bytes.len() as f64 / 1e6;
    let (mut raw, mut own, mut whole, mut ratios, mut whole_ratios) =
        (vec![], vec![], vec![], vec![], vec![]);
    for _ in 0..rounds {
        let by_file = length / append(&bytes, commits, folder.path())?.as_secs_f64();
        let (import, process) = import(&source)?;
        let (by_import, by_process) = (length / import.as_secs_f64(), length / process.as_secs_f64());
        raw.push(by_file);
        own.push(by_import);
        whole.push(by_process);
        ratios.push(by_import / by_file);
        whole_ratios.push(by_process / by_file);
    }
    report::median("append and fdatasync", &raw, "MB/s");
    report::median("fiducia import, as it says itself", &own, "MB/s");
    report::median("fiducia import, the whole process", &whole, "MB/s");
    report::target("ratio", &ratios, "", "0.60");
    report::median("ratio of the whole process", &whole_ratios, "");
    Ok(())
}

/// The conversations to import: `FIDUCIA_CONVERSATIONS`, else the shared file beside the project, if it is there.
fn conversations() -> Option<PathBuf> {
    let shared = || subject::workspace().join("../shared/data/conversations/hh-harmless.jsonl.gz");
    let path = std::env::var_os("FIDUCIA_CONVERSATIONS").map_or_else(shared, PathBuf::from);
    path.exists().then_some(path)
}

fn unpacked(path: &Path) -> Result<Vec<u8>, Failure> {
    let file = File::open(path).map_err(Failure::file("read", path))?;
    let mut bytes = Vec::new();
    if path.extension().is_some_and(|extension| extension == "gz") {
        MultiGzDecoder::new(file).read_to_end(&mut bytes)
    } else {
        (&file).read_to_end(&mut bytes)
    }
    .map_err(Failure::file("read", path))?;
    Ok(bytes)
}

fn invented() -> Vec<u8> {
    let mut text = String::new();
    for number in 0..INVENTED {
        let turn = |role: &str| {
            format!(r#"{{"role":"{role}","content":"{}"}}"#, format!("Turn {number}. ").repeat(20))
        };
        let turns = [turn("user"), turn("assistant"), turn("user"), turn("assistant")].join(",");
        text.extend(["{\"id\":\"invented-", &number.to_string(), "\",\"messages\":[", &turns, "]}\n"]);
    }
    text.into_bytes()
}

/// How long it takes to append the bytes to a new file in so many pieces, each synced.
fn append(bytes: &[u8], commits: usize, folder: &Path) -> Result<Duration, Failure> {
    let path = folder.join("appended");
    let began = Instant::now();
    let mut file = File::create(&path).map_err(Failure::file("write", &path))?;
    for piece in bytes.chunks(bytes.len().div_ceil(commits.max(1)).max(1)) {
        file.write_all(piece).and_then(|()| file.sync_data()).map_err(Failure::file("write", &path))?;
    }
    let took = began.elapsed();
    std::fs::remove_file(&path).map_err(Failure::file("remove", &path))?;
    Ok(took)
}

/// Imports into fresh data; how long the import took by its own account, and the whole process.
fn import(source: &Path) -> Result<(Duration, Duration), Failure> {
    let nobody = SocketAddr::from((Ipv4Addr::LOCALHOST, 9));
    let site = Site::new(nobody)?;
    site.tenant("bench")?;
    let source = source.to_string_lossy();
    let began = Instant::now();
    let printed = site.run(&["import", &source, "--organization", "bench", "--allow-rejects", "--json"])?;
    let process = began.elapsed();
    let value: Value = serde_json::from_slice(&printed.stdout).unwrap_or_default();
    let elapsed = value.get("value").unwrap_or(&value).get("elapsed_ms").and_then(Value::as_u64);
    let elapsed = elapsed.ok_or_else(|| Failure::Program {
        program: "fiducia import".into(),
        output: "it did not print how long it took".into(),
    })?;
    Ok((Duration::from_millis(elapsed.max(1)), process))
}
