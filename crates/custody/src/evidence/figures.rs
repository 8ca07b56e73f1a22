//! Figures that say how the mechanisms behind the promises of one organisation stand. Each can be checked somewhere else.

use fiducia_ledger::LoggedLeaf;
use fiducia_policy::{AccessReason, OrganizationId, Timestamp};
use fiducia_store::{ControlStore, KeyKind};

use crate::AdminError;
use crate::administer::hex;
use crate::reading::Reader;

/// The time that figures look back on, in seconds: 30 days.
const PERIOD_SECONDS: i64 = 30 * 86_400;
/// Open requests that are counted.
const REQUESTS_MAX: u32 = 10_000;
/// Findings that are looked through for those that no case has taken in.
const FINDINGS_MAX: u32 = 1_000;
/// Looks of which nothing was noted that are counted.
const UNPLACED_MAX: u32 = 1_000;
/// Seconds of a day.
const DAY: i64 = 86_400;

/// The log of the organisation.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct LogFigures {
    /// Which log.
    pub origin: String,
    /// How many entries are published.
    pub size: u64,
    /// The root of the last checkpoint, hex.
    pub root: String,
    /// When the last published entry says that it happened.
    pub last_entry_at: Option<Timestamp>,
}

/// A witness, and what it last cosigned of this log as far as is known here.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Cosigned {
    /// The witness's name.
    pub name: String,
    /// When it cosigned the checkpoint that is kept; `None` where it did not.
    pub at: Option<Timestamp>,
}

/// The witnesses of the log.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct WitnessFigures {
    /// How many must cosign.
    pub quorum: u64,
    /// The size of the last checkpoint that enough of them cosigned.
    pub size: Option<u64>,
    /// When the last one that was needed cosigned it.
    pub quorum_at: Option<Timestamp>,
    /// The witnesses.
    pub witnesses: Vec<Cosigned>,
}

/// How often records were looked at for one reason by people of one role.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct AccessFigure {
    /// Why.
    pub reason: AccessReason,
    /// As what: `oneself`, `operator`, `unknown` (counted before roles were), or roles, separated by spaces.
    pub role: String,
    /// How many entries of the log.
    pub entries: u64,
}

/// How many open requests are due within some days.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct DueFigure {
    /// `overdue`, `week`, `month` or `later`.
    pub within: String,
    /// How many.
    pub requests: u64,
}

/// People's requests.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct RequestsFigure {
    /// By when they are due, the latest first.
    pub due: Vec<DueFigure>,
    /// When the first of them is due.
    pub first_due: Option<Timestamp>,
}

/// A policy that is in force.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct PolicyFigure {
    /// `retention` or `access`.
    pub of: String,
    /// Its name.
    pub name: String,
    /// Its version; 0 for the one that comes with the program.
    pub version: u32,
    /// SHA-256 of its text, hex; `None` where the program has no single text of it.
    pub sha256: Option<String>,
    /// Since when, where it was published.
    pub since: Option<Timestamp>,
}

/// How the mechanisms behind the promises stand.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct AuditFigures {
    /// As of when.
    pub seen_at: Timestamp,
    /// Since when things are counted that are counted over a time.
    pub since: Timestamp,
    /// The log.
    pub log: LogFigures,
    /// Its witnesses; `None` where none are configured.
    pub witnesses: Option<WitnessFigures>,
    /// Looks at records, by reason and role.
    pub accesses: Vec<AccessFigure>,
    /// Looks of which it was never noted whether the log has their entry, because the program ended in between. They are in the list
    /// of whoever they are about, if the log has them, and not among the figures.
    pub accesses_unplaced: u64,
    /// Open requests.
    pub requests: RequestsFigure,
    /// Certificates of destruction, in all.
    pub certificates: u64,
    /// Certificates since `since`.
    pub certificates_since: u64,
    /// Policies in force.
    pub policies: Vec<PolicyFigure>,
    /// Findings of misuse that no investigation has taken in.
    pub findings_unanswered: u64,
    /// Findings that were looked through; the newest, where there are more.
    pub findings: u64,
    /// Investigations that are open.
    pub cases_open: u64,
    /// Legal holds whose keys are there.
    pub holds: u64,
    /// Keys that are due to be looked at and were not yet.
    pub keys_due: u64,
    /// Since when the first of them is.
    pub keys_due_since: Option<Timestamp>,
}

impl Reader {
    /// How the mechanisms behind the promises of an organisation stand.
    pub(super) fn figures(&self, organization: OrganizationId) -> Result<AuditFigures, AdminError> {
        self.scribe.settle();
        let _reading = self.reading();
        let (control, keys, now) = (self.control()?, self.keys()?, self.clock.now());
        let since = Timestamp::from_second(now.as_second().saturating_sub(PERIOD_SECONDS)).unwrap_or(now);
        let (log, witnesses) = self.log_figures(organization)?;
        let (certificates, certificates_since) = control.certificate_counts(organization, since)?;
        let flags = control.flags_of(organization, FINDINGS_MAX)?;
        let mut findings_unanswered = 0;
        for flag in &flags {
            if !Self::is_investigated(&keys, flag.conversation)? {
                findings_unanswered += 1;
            }
        }
        let (keys_due, keys_due_since) = keys.due_of(organization, now)?;
        let accesses = control.access_counts(organization, since)?.into_iter().map(|count| AccessFigure {
            reason: count.reason,
            role: count.role,
            entries: count.entries,
        });
        let cases = control.cases()?;
        let holds = control.holds()?;
        let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        Ok(AuditFigures {
            seen_at: now,
            since,
            log,
            witnesses,
            accesses: accesses.collect(),
            accesses_unplaced: control.unplaced_accesses(organization, since, UNPLACED_MAX)?,
            requests: requests(&control, organization, now)?,
            certificates,
            certificates_since,
            policies: self.policies_in_force(&control)?,
            findings_unanswered,
            findings: count(flags.len()),
            cases_open: count(
                cases
                    .iter()
                    .filter(|case| case.organization == organization && case.closed_at.is_none())
                    .count(),
            ),
            holds: count(
                holds
                    .iter()
                    .filter(|hold| hold.organization == organization && hold.ended_at.is_none())
                    .count(),
            ),
            keys_due,
            keys_due_since,
        })
    }

    fn log_figures(
        &self,
        organization: OrganizationId,
    ) -> Result<(LogFigures, Option<WitnessFigures>), AdminError> {
        let (log, key) = self.log_of(organization)?;
        let checkpoint = log.checkpoint();
        let last = checkpoint.size.checked_sub(1).map(|last| log.entry(last)).transpose();
        let last = last.map_err(|error| AdminError::Storage(format!("the log cannot be read: {error}")))?;
        let last = last.and_then(|entry| LoggedLeaf::parse(&entry).ok());
        let figures = LogFigures {
            origin: checkpoint.origin.clone(),
            size: checkpoint.size,
            root: hex(&checkpoint.root),
            last_entry_at: last.map(|logged| logged.leaf.at),
        };
        let Some(terms) = &self.witnesses else { return Ok((figures, None)) };
        let kept = self.witnessed_note(&key);
        // What witnesses cosigned last may be signed by the keys before those that sign now.
        let keys = self.names.keys_of(organization).unwrap_or_default();
        let held =
            kept.as_ref().and_then(|note| fiducia_ledger::Checkpoint::verify(note.as_bytes(), &keys).ok());
        let note = kept.filter(|_| held.is_some()).unwrap_or_default();
        let witnesses: Vec<Cosigned> = terms
            .keys
            .iter()
            .map(|witness| Cosigned {
                name: witness.name().to_owned(),
                at: witness.cosigned_at(note.as_bytes()).ok(),
            })
            .collect();
        let mut times: Vec<Timestamp> = witnesses.iter().filter_map(|witness| witness.at).collect();
        times.sort_unstable();
        let quorum_at = terms.quorum.checked_sub(1).and_then(|last| times.get(last)).copied();
        let witnesses = WitnessFigures {
            quorum: u64::try_from(terms.quorum).unwrap_or(u64::MAX),
            size: held.filter(|_| quorum_at.is_some()).map(|held| held.size),
            quorum_at,
            witnesses,
        };
        Ok((figures, Some(witnesses)))
    }

    /// Whether a case has a path to a conversation, or had one.
    fn is_investigated(
        keys: &fiducia_store::KeyStore,
        conversation: fiducia_policy::ConversationId,
    ) -> Result<bool, AdminError> {
        const KEYS_MAX: u32 = 64;
        let found = keys.conversation_keys_ever(conversation, KEYS_MAX)?;
        Ok(found.iter().any(|node| {
            node.kind == KeyKind::ConversationHeld
                && crate::wrapping::ground_of_label(&node.label)
                    == Some(fiducia_policy::GroundKind::Investigation)
        }))
    }

    fn policies_in_force(&self, control: &ControlStore) -> Result<Vec<PolicyFigure>, AdminError> {
        let (version, _) = self.governance.current();
        let published = control.policies()?.into_iter().find(|policy| policy.version == version);
        let retention = match published {
            Some(policy) => PolicyFigure {
                of: "retention".to_owned(),
                name: policy.name,
                version: version.0,
                sha256: Some(hex(&policy.digest)),
                since: Some(policy.published_at),
            },
            None => PolicyFigure {
                of: "retention".to_owned(),
                name: "built-in".to_owned(),
                version: version.0,
                sha256: None,
                since: None,
            },
        };
        let access = PolicyFigure {
            of: "access".to_owned(),
            name: "access.cedar".to_owned(),
            version: 0,
            sha256: Some(hex(&self.gate.digest)),
            since: None,
        };
        Ok(vec![retention, access])
    }
}

fn requests(
    control: &ControlStore,
    organization: OrganizationId,
    now: Timestamp,
) -> Result<RequestsFigure, AdminError> {
    let open = control.open_requests(Some(organization), REQUESTS_MAX)?;
    let mut due = ["overdue", "week", "month", "later"]
        .map(|within| DueFigure { within: within.to_owned(), requests: 0 });
    for record in &open {
        let left = record.due().as_second().saturating_sub(now.as_second());
        let place = match left {
            ..=0 => 0,
            left if left <= 7 * DAY => 1,
            left if left <= 30 * DAY => 2,
            _ => 3,
        };
        if let Some(figure) = due.get_mut(place) {
            figure.requests += 1;
        }
    }
    Ok(RequestsFigure { due: due.into(), first_due: open.iter().map(fiducia_store::RightsRecord::due).min() })
}
