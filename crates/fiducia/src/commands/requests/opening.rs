//! `requests open`

use std::fmt::Write;
use std::io::Read;
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{SHA256, digest};
use fiducia_custody::{Agent, Mandate, NewRequest, RightsCommand, RightsReply};
use fiducia_policy::{
    Clock, ConversationId, ExchangeId, GroundKind, Regime, RequestKind, SubjectId, Timestamp,
};

use super::{lines, send};
use crate::arguments::{AgentOptions, DataOptions};
use crate::edge::{SystemClock, SystemRandomness, operating_system_user};
use crate::failure::{ExitStatus, Failure};
use crate::output::Output;
use crate::session::Session;

/// The longest file that is read for a request: a mandate is paper, and a statement is shorter.
const FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// What is asked, as it was typed.
pub(super) struct Asked {
    pub(super) subject: SubjectId,
    pub(super) kind: RequestKind,
    pub(super) regimes: Vec<Regime>,
    pub(super) submission: Option<String>,
    pub(super) received: Option<Timestamp>,
    pub(super) conversation: Option<ConversationId>,
    pub(super) statement: Option<PathBuf>,
    pub(super) new_name: Option<String>,
    pub(super) grounds: Vec<GroundKind>,
}

/// Takes a request in.
///
/// # Errors
/// When a file cannot be read, or custody refused or failed.
pub(super) fn run(asked: Asked, agent: AgentOptions, data: &DataOptions) -> Result<ExitStatus, Failure> {
    let statement = asked.statement.as_deref().map(statement).transpose()?;
    let agent = mandated(agent)?;
    let session = Session::open(data)?;
    let submission = match asked.submission {
        Some(key) => key,
        // Each run is a submission of its own then.
        None => ExchangeId::generate(SystemClock.now(), &SystemRandomness)
            .map_err(|error| Failure::Argument(error.to_string()))?
            .to_string(),
    };
    let request = NewRequest {
        subject: asked.subject,
        kind: asked.kind,
        regimes: asked.regimes,
        submission,
        received_at: asked.received,
        agent,
        conversation: asked.conversation,
        statement,
        new_name: asked.new_name,
        grounds: asked.grounds,
        actor: operating_system_user(),
    };
    let reply = send(&session, RightsCommand::Open { request: Box::new(request) })?;
    session.close();
    let RightsReply::Opened { request, is_new } = &reply else {
        return Err(Failure::UnexpectedReply("rights"));
    };
    let mut output = Output::standard(data.json);
    if output.json() {
        output.value(&serde_json::json!({ "request": request, "is_new": is_new }))?;
    } else {
        if !is_new {
            output.line("this submission had made the request before; nothing was added")?;
        }
        for line in lines::row(request) {
            output.line(line)?;
        }
    }
    output.finish()?;
    Ok(ExitStatus::Success)
}

fn statement(path: &Path) -> Result<String, Failure> {
    let bytes = read(path)?;
    String::from_utf8(bytes)
        .map(|text| text.trim_end().to_owned())
        .map_err(|_| Failure::Argument("the statement is not UTF-8 text; nothing was taken in".to_owned()))
}

fn mandated(options: AgentOptions) -> Result<Option<Agent>, Failure> {
    let AgentOptions { agent, mandate, mandate_covers: covers, mandate_from, mandate_until: until } = options;
    let Some(name) = agent else { return Ok(None) };
    let mandate = match (mandate, mandate_from) {
        (Some(path), Some(from)) => {
            let sum = digest(&SHA256, &read(&path)?);
            let mut evidence_sha256 = String::with_capacity(64);
            for byte in sum.as_ref() {
                // Writing to a String cannot fail.
                let _ = write!(evidence_sha256, "{byte:02x}");
            }
            Some(Mandate { evidence_sha256, covers, from, until })
        }
        _ => None,
    };
    Ok(Some(Agent { name, mandate }))
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let failed = |cause| Failure::File { doing: "read", path: path.to_owned(), cause };
    let mut bytes = Vec::new();
    let most = FILE_BYTES_MAX.saturating_add(1);
    if path == Path::new("-") {
        std::io::stdin().lock().take(most).read_to_end(&mut bytes).map_err(failed)?;
    } else {
        std::fs::File::open(path).map_err(failed)?.take(most).read_to_end(&mut bytes).map_err(failed)?;
    }
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > FILE_BYTES_MAX {
        return Err(Failure::Argument(format!(
            "{} is larger than 64 MiB; nothing was taken in",
            path.display()
        )));
    }
    Ok(bytes)
}
