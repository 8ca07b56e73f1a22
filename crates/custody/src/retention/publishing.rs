//! Publishing policies: numbered, signed, in every log, in force at once.

use fiducia_ledger::{Digest, Event};
use fiducia_policy::{Policy, PolicyVersion};
use fiducia_store::PublishedPolicy;

use super::commands::{PolicyRow, RetentionReply};
use super::events::check_terms;
use crate::AdminError;
use crate::administer::hex;
use crate::staging::sha256;
use crate::writer::Writer;

/// Longest text of a policy, in bytes.
const POLICY_BYTES_MAX: usize = 1024 * 1024;

impl Writer {
    /// Publishes a policy.
    pub(super) fn publish_policy(
        &mut self,
        source: String,
        actor: &str,
    ) -> Result<RetentionReply, AdminError> {
        if source.len() > POLICY_BYTES_MAX {
            return Err(AdminError::Invalid(format!(
                "a policy has at most {POLICY_BYTES_MAX} bytes; nothing was published"
            )));
        }
        let policy = Policy::parse(&source)
            .map_err(|problems| AdminError::Invalid(format!("{problems}\nNothing was published.")))?;
        // What is published is promised, and no request passes through safeguards yet.
        if !policy.safety().is_empty() {
            return Err(AdminError::Invalid(
                "the policy says what is done about findings, limits or tools, and this version does none of it: it can be \
                 checked and compared, but not published. Take `safeguards`, `trusted`, `limits` and `sandbox` out. Nothing \
                 was published"
                    .to_owned(),
            ));
        }
        let (current, old) = self.governance.current();
        // What is built in promised nothing yet: its locks bind nobody who publishes for the first time.
        if current > PolicyVersion::default() {
            policy
                .may_replace(&old)
                .map_err(|problems| AdminError::Conflict(format!("{problems}\nNothing was published.")))?;
        }
        for organization in self.files.control.organizations()? {
            check_terms(&policy, organization.terms).map_err(|problem| {
                AdminError::Conflict(format!(
                    "`{}` is governed by this: {problem}. Nothing was published",
                    organization.name
                ))
            })?;
        }
        let actor = self.person(actor)?;
        let now = self.clock.now();
        let digest = sha256(&[source.as_bytes()]);
        let version = PolicyVersion(current.0.saturating_add(1));
        let note = self.signed_policy(version, policy.name(), &digest);
        let stored = PublishedPolicy {
            version,
            name: policy.name().to_owned(),
            source,
            digest,
            note,
            published_at: now,
            published_by: actor,
        };
        let mut announced = Vec::new();
        for organization in self.files.control.organizations()? {
            let event = Event::PolicyPublished {
                version: u64::from(version.0),
                name: stored.name.clone(),
                policy: Digest(digest),
                actor,
            };
            announced.push(self.announced(organization.id, event, now)?);
        }
        let announcements: Vec<_> = announced.iter().map(|(announcement, _)| announcement.clone()).collect();
        self.files.control.publish_policy(&stored, &announcements)?;
        self.governance.publish(version, policy);
        for one in announced {
            self.delivered(one)?;
        }
        Ok(RetentionReply::Policy(row(stored, false)))
    }

    /// A signed note over what is published.
    fn signed_policy(&self, version: PolicyVersion, name: &str, digest: &[u8; 32]) -> String {
        self.signing.sign(&format!("fiducia/policy/v1\n{version}\n{name}\n{}\n", hex(digest)))
    }

    /// Lists the policies that were published, with the built-in one.
    pub(super) fn list_policies(&self) -> Result<RetentionReply, AdminError> {
        let mut rows = vec![built_in(false)];
        rows.extend(self.files.control.policies()?.into_iter().map(|stored| row(stored, false)));
        Ok(RetentionReply::Policies(rows))
    }

    /// The text of a policy.
    pub(super) fn show_policy(&self, version: Option<PolicyVersion>) -> Result<RetentionReply, AdminError> {
        let version = version.unwrap_or_else(|| self.governance.current().0);
        if version == PolicyVersion::default() {
            return Ok(RetentionReply::Policy(built_in(true)));
        }
        let found = self.files.control.policies()?.into_iter().find(|stored| stored.version == version);
        found
            .map(|stored| RetentionReply::Policy(row(stored, true)))
            .ok_or_else(|| AdminError::NotFound(format!("no policy {version} was published here")))
    }
}

fn row(stored: PublishedPolicy, with_source: bool) -> PolicyRow {
    PolicyRow {
        version: stored.version,
        name: stored.name,
        digest: hex(&stored.digest),
        note: stored.note,
        published_at: Some(stored.published_at),
        source: with_source.then_some(stored.source),
    }
}

fn built_in(with_source: bool) -> PolicyRow {
    let source = Policy::default_text();
    PolicyRow {
        version: PolicyVersion::default(),
        name: Policy::parse(source).map(|policy| policy.name().to_owned()).unwrap_or_default(),
        digest: hex(&sha256(&[source.as_bytes()])),
        note: String::new(),
        published_at: None,
        source: with_source.then(|| source.to_owned()),
    }
}
