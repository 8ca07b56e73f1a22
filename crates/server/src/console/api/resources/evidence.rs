//! `/evidence`: the organisation's log with its proofs, and figures that say how the mechanisms behind the promises stand.

use std::collections::BTreeMap;

use fiducia_custody::{
    AdminCommand, AdminReply, AuditFigures, Consistency, EntryFilter, EntryProofShown, EntryRow, EntryShape,
    EvidenceCommand, EvidenceReply, ShownCheckpoint, SignatureKind,
};
use fiducia_policy::{OrganizationId, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::call::{Call, unexpected};
use super::super::caller::Who;
use super::super::endpoint::{Endpoint, Nothing};
use super::super::problem::Problem;
use super::super::reply::{Found, Listed};

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get(
            "/evidence/entries",
            "list-log-entries",
            "Entries of the organisation's log, newest first. A page may hold few rows or none and go on all the same.",
            Who::Staff,
            list,
        ),
        Endpoint::get(
            "/evidence/entries/{index}",
            "show-log-entry",
            "One entry with its bytes and its proof.",
            Who::Staff,
            show,
        ),
        Endpoint::get(
            "/evidence/consistency",
            "show-log-consistency",
            "That the log of one size is the beginning of the log of another.",
            Who::Staff,
            compare,
        ),
        Endpoint::get(
            "/evidence/figures",
            "show-audit-figures",
            "How the mechanisms behind the promises stand.",
            Who::Staff,
            figures,
        ),
    ]
}

/// What stands for the organisation in a command until whoever asks is known: custody puts theirs in.
const NOBODY: OrganizationId = OrganizationId::from_bytes([0; 16]);

fn ask(call: &Call<'_>, command: EvidenceCommand) -> Result<EvidenceReply, Problem> {
    match call.as_staff(AdminCommand::Evidence(command))? {
        AdminReply::Evidence(reply) => Ok(reply),
        _ => Err(unexpected()),
    }
}

/// An entry of the log, taken apart.
#[derive(Serialize, JsonSchema)]
struct LogEntry {
    index: u64,
    /// `known`, `newer` (of a type that this version does not know) or `other` (a leaf of another kind).
    shape: String,
    /// Its first byte.
    version: u8,
    /// Such as `keys_destroyed`; empty where it does not say.
    #[serde(rename = "type")]
    kind: String,
    at: Option<Timestamp>,
    /// What else it says, as text.
    fields: BTreeMap<String, String>,
    /// Hex.
    leaf_hash: String,
}

impl From<EntryRow> for LogEntry {
    fn from(row: EntryRow) -> Self {
        let shape = match row.shape {
            EntryShape::Known => "known",
            EntryShape::Newer => "newer",
            EntryShape::Other => "other",
        };
        Self {
            index: row.index,
            shape: shape.to_owned(),
            version: row.version,
            kind: row.kind,
            at: row.at,
            fields: row.fields.into_iter().collect(),
            leaf_hash: row.leaf_hash,
        }
    }
}

/// Which entries.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct EntriesAsked {
    /// Only of this type, such as `record_access`.
    #[serde(rename = "type")]
    kind: Option<String>,
    /// Only those of this day in UTC, such as `2026-10-08`.
    day: Option<String>,
    /// What `next` said.
    after: Option<String>,
    /// At most this many rows, 1 to 500; 100 when absent.
    limit: Option<u32>,
}

fn list(call: &Call<'_>, _: Nothing, asked: EntriesAsked) -> Result<Listed<LogEntry>, Problem> {
    let limit = Call::rows(asked.limit)?;
    let before = call.after(asked.after.as_deref())?;
    let filter = EntryFilter::typed(asked.kind.as_deref().unwrap_or(""), asked.day.as_deref().unwrap_or(""));
    let filter = filter.ok_or_else(|| Problem::Invalid("`day` looks like `2026-10-08`".to_owned()))?;
    let command = EvidenceCommand::Entries { organization: NOBODY, filter, before, limit };
    let EvidenceReply::Entries(page) = ask(call, command)? else { return Err(unexpected()) };
    let next = page.next_before.map(|before| call.cursors.write(call.list, &before.to_string()));
    Ok(Listed { items: page.rows.into_iter().map(LogEntry::from).collect(), next })
}

/// Which entry.
#[derive(Deserialize, JsonSchema)]
struct OneEntry {
    /// Its place in the log, from 0.
    index: u64,
}

/// A signed head of the log.
#[derive(Serialize, JsonSchema)]
struct SignedHead {
    origin: String,
    size: u64,
    /// Hex.
    root: String,
    /// The signed note.
    note: String,
    signatures: Vec<HeadSignature>,
}

/// A signature on a head.
#[derive(Serialize, JsonSchema)]
struct HeadSignature {
    name: String,
    /// `log`, `witness` (both checked) or `unknown`.
    kind: String,
    /// `ed25519` or `ecdsa_p256_sha256`; null where the key is not known.
    algorithm: Option<String>,
    /// When a witness cosigned.
    at: Option<Timestamp>,
}

impl From<ShownCheckpoint> for SignedHead {
    fn from(shown: ShownCheckpoint) -> Self {
        let signatures = shown.signatures.into_iter().map(|signature| HeadSignature {
            name: signature.name,
            kind: match signature.kind {
                SignatureKind::Log => "log",
                SignatureKind::Witness => "witness",
                SignatureKind::Unknown => "unknown",
            }
            .to_owned(),
            algorithm: signature.algorithm,
            at: signature.at,
        });
        Self {
            origin: shown.origin,
            size: shown.size,
            root: shown.root,
            signatures: signatures.collect(),
            note: shown.note,
        }
    }
}

/// A hash of a proof, with the entries it stands for.
#[derive(Serialize, JsonSchema)]
struct ProofPart {
    /// The first entry.
    first: u64,
    /// The last entry.
    last: u64,
    /// Hex.
    hash: String,
}

/// An entry with its proof.
#[derive(Serialize, JsonSchema)]
struct ProvenEntry {
    entry: LogEntry,
    /// Its bytes, hex.
    bytes: String,
    /// The hashes of the proof, from the leaf to the root.
    path: Vec<ProofPart>,
    head: SignedHead,
    /// A `.tlog-proof` that holds the entry, to be checked anywhere.
    proof: String,
    /// Keep it elsewhere.
    verifier_key: String,
}

impl From<EntryProofShown> for ProvenEntry {
    fn from(shown: EntryProofShown) -> Self {
        let path = shown.steps.into_iter().map(|step| ProofPart {
            first: step.sibling.start,
            last: step.sibling.last(),
            hash: step.sibling_hash,
        });
        Self {
            entry: shown.row.into(),
            bytes: shown.bytes,
            path: path.collect(),
            head: shown.checkpoint.into(),
            proof: shown.proof,
            verifier_key: shown.verifier_key,
        }
    }
}

fn show(call: &Call<'_>, one: OneEntry, _: Nothing) -> Result<Found<ProvenEntry>, Problem> {
    match ask(call, EvidenceCommand::Entry { organization: NOBODY, index: one.index })? {
        EvidenceReply::Entry(shown) => Ok(Found((*shown).into())),
        _ => Err(unexpected()),
    }
}

/// Which sizes.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SizesAsked {
    /// The smaller size.
    from: u64,
    /// The larger size; that of the newest head when absent.
    to: Option<u64>,
}

/// That the log of one size is the beginning of the log of another.
#[derive(Serialize, JsonSchema)]
struct LogConsistency {
    from: u64,
    /// Hex.
    from_root: String,
    to: u64,
    /// Hex.
    to_root: String,
    /// The hashes of the proof in their order.
    path: Vec<ProofPart>,
    /// The hashes that lead from `to` to the head, hex, in their order.
    to_head: Vec<String>,
    head: SignedHead,
    /// Keep it elsewhere.
    verifier_key: String,
}

impl From<Consistency> for LogConsistency {
    fn from(shown: Consistency) -> Self {
        let path = shown.parts.into_iter().map(|(range, hash)| ProofPart {
            first: range.start,
            last: range.last(),
            hash,
        });
        Self {
            from: shown.from,
            from_root: shown.from_root,
            to: shown.to,
            to_root: shown.to_root,
            path: path.collect(),
            to_head: shown.to_checkpoint,
            head: shown.checkpoint.into(),
            verifier_key: shown.verifier_key,
        }
    }
}

fn compare(call: &Call<'_>, _: Nothing, asked: SizesAsked) -> Result<Found<LogConsistency>, Problem> {
    match ask(call, EvidenceCommand::Consistency { organization: NOBODY, from: asked.from, to: asked.to })? {
        EvidenceReply::Consistency(shown) => Ok(Found((*shown).into())),
        _ => Err(unexpected()),
    }
}

/// How the mechanisms behind the promises stand.
#[derive(Serialize, JsonSchema)]
struct Figures {
    seen_at: Timestamp,
    /// Since when things are counted that are counted over a time.
    since: Timestamp,
    log_origin: String,
    log_size: u64,
    /// Hex.
    log_root: String,
    log_last_entry_at: Option<Timestamp>,
    /// Null where no witnesses are configured.
    witnesses: Option<WitnessesFigure>,
    accesses: Vec<AccessesFigure>,
    /// Looks of which it was never noted whether the log has their entry.
    accesses_unplaced: u64,
    /// Open requests by when they are due: `overdue`, `week`, `month`, `later`.
    requests: BTreeMap<String, u64>,
    requests_first_due: Option<Timestamp>,
    certificates: u64,
    certificates_since: u64,
    policies: Vec<PolicyInForce>,
    findings: u64,
    /// Findings that no investigation has taken in.
    findings_unanswered: u64,
    cases_open: u64,
    holds: u64,
    keys_due: u64,
    keys_due_since: Option<Timestamp>,
}

/// The witnesses of the log.
#[derive(Serialize, JsonSchema)]
struct WitnessesFigure {
    quorum: u64,
    /// The size that enough of them cosigned last.
    size: Option<u64>,
    /// When the last one that was needed did.
    quorum_at: Option<Timestamp>,
    /// By name, when each cosigned the head that is kept.
    cosigned_at: BTreeMap<String, Option<Timestamp>>,
}

/// Looks for one reason by people of one role.
#[derive(Serialize, JsonSchema)]
struct AccessesFigure {
    reason: String,
    /// `oneself`, `operator`, `unknown`, or roles, separated by spaces.
    role: String,
    entries: u64,
}

/// A policy that is in force.
#[derive(Serialize, JsonSchema)]
struct PolicyInForce {
    /// `retention` or `access`.
    of: String,
    name: String,
    version: u32,
    sha256: Option<String>,
    since: Option<Timestamp>,
}

impl From<AuditFigures> for Figures {
    fn from(figures: AuditFigures) -> Self {
        let witnesses = figures.witnesses.map(|found| WitnessesFigure {
            quorum: found.quorum,
            size: found.size,
            quorum_at: found.quorum_at,
            cosigned_at: found.witnesses.into_iter().map(|witness| (witness.name, witness.at)).collect(),
        });
        let accesses = figures.accesses.into_iter().map(|access| AccessesFigure {
            reason: access.reason.name().to_owned(),
            role: access.role,
            entries: access.entries,
        });
        let policies = figures.policies.into_iter().map(|policy| PolicyInForce {
            of: policy.of,
            name: policy.name,
            version: policy.version,
            sha256: policy.sha256,
            since: policy.since,
        });
        Self {
            seen_at: figures.seen_at,
            since: figures.since,
            log_origin: figures.log.origin,
            log_size: figures.log.size,
            log_root: figures.log.root,
            log_last_entry_at: figures.log.last_entry_at,
            witnesses,
            accesses: accesses.collect(),
            accesses_unplaced: figures.accesses_unplaced,
            requests: figures.requests.due.into_iter().map(|due| (due.within, due.requests)).collect(),
            requests_first_due: figures.requests.first_due,
            certificates: figures.certificates,
            certificates_since: figures.certificates_since,
            policies: policies.collect(),
            findings: figures.findings,
            findings_unanswered: figures.findings_unanswered,
            cases_open: figures.cases_open,
            holds: figures.holds,
            keys_due: figures.keys_due,
            keys_due_since: figures.keys_due_since,
        }
    }
}

fn figures(call: &Call<'_>, _: Nothing, _: Nothing) -> Result<Found<Figures>, Problem> {
    match ask(call, EvidenceCommand::Figures { organization: NOBODY })? {
        EvidenceReply::Figures(found) => Ok(Found((*found).into())),
        _ => Err(unexpected()),
    }
}
