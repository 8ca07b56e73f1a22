//! People as staff look them up, in `control.db`, and how much is held of one, in `keys.db`.

use fiducia_policy::{OrganizationId, SubjectId};
use rusqlite::{OptionalExtension, params};

use crate::control::subject;
use crate::{ControlStore, KeyKind, KeyStore, StoreError, SubjectRecord};

/// A person, and what is counted about them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonSummary {
    /// The person.
    pub subject: SubjectRecord,
    /// Living conversations.
    pub conversations: u64,
    /// Whether there is an address to which the person is written.
    pub has_contact: bool,
    /// Requests that are open.
    pub open_requests: u64,
    /// Whether what is kept of the person is restricted.
    pub is_restricted: bool,
}

impl ControlStore {
    /// People of an organisation, those who were seen first last: only those before one, at most `limit`.
    pub fn people_before(
        &self,
        organization: OrganizationId,
        before: Option<SubjectId>,
        limit: u32,
    ) -> Result<Vec<PersonSummary>, StoreError> {
        let before = before.map_or([0xff; 16], |subject| *subject.as_bytes());
        self.file.read("people_before", |connection| {
            connection
                .prepare_cached(&format!(
                    "{PERSON} WHERE organization = ?1 AND id < ?2 ORDER BY id DESC LIMIT ?3"
                ))?
                .query_map(params![organization.as_bytes(), before, limit], person)?
                .collect()
        })
    }

    /// One person.
    pub fn person_summary(&self, id: SubjectId) -> Result<Option<PersonSummary>, StoreError> {
        self.file.read("person_summary", |connection| {
            connection
                .prepare_cached(&format!("{PERSON} WHERE id = ?1"))?
                .query_row([id.as_bytes()], person)
                .optional()
        })
    }

    /// How many of a person's living conversations are deleted by the person, and how many records all of them have.
    pub fn person_counts(&self, id: SubjectId) -> Result<(u64, u64), StoreError> {
        self.file.read("person_counts", |connection| {
            connection
                .prepare_cached(
                    "SELECT count(deleted_at), ifnull(sum(records), 0) FROM conversations
                     WHERE subject = ?1 AND destroyed_at IS NULL",
                )?
                .query_row([id.as_bytes()], |row| Ok((row.get(0)?, row.get(1)?)))
        })
    }

    /// The language in which a person last chose, else that of an account of theirs.
    pub fn language_of(&self, id: SubjectId) -> Result<Option<String>, StoreError> {
        self.file.read("language_of", |connection| {
            let chosen = connection
                .prepare_cached(
                    "SELECT language FROM consent_standings WHERE subject = ?1 AND language IS NOT NULL
                     ORDER BY since DESC LIMIT 1",
                )?
                .query_row([id.as_bytes()], |row| row.get(0))
                .optional()?;
            if chosen.is_some() {
                return Ok(chosen);
            }
            connection
                .prepare_cached(
                    "SELECT language FROM accounts WHERE subject = ?1 AND language IS NOT NULL ORDER BY id LIMIT 1",
                )?
                .query_row([id.as_bytes()], |row| row.get(0))
                .optional()
        })
    }

    /// The logins of the accounts whose owner governs what is kept of a person.
    pub fn logins_of(&self, id: SubjectId) -> Result<Vec<String>, StoreError> {
        self.file.read("logins_of", |connection| {
            connection
                .prepare_cached("SELECT login FROM accounts WHERE subject = ?1 ORDER BY login")?
                .query_map([id.as_bytes()], |row| row.get(0))?
                .collect()
        })
    }
}

impl KeyStore {
    /// In how many conversations of a person something is held, by the kind of the conversation's key and that of the key
    /// it hangs from.
    pub fn held_conversations(
        &self,
        id: SubjectId,
    ) -> Result<Vec<(KeyKind, Option<KeyKind>, u64)>, StoreError> {
        self.file.read("held_conversations", |connection| {
            connection
                .prepare_cached(
                    "SELECT n.kind, p.kind, count(DISTINCT n.conversation) FROM nodes n
                     LEFT JOIN edges e ON e.child = n.id LEFT JOIN nodes p ON p.id = e.parent
                     WHERE n.subject = ?1 AND n.conversation IS NOT NULL AND n.destroyed_at IS NULL
                     GROUP BY n.kind, p.kind",
                )?
                .query_map([id.as_bytes()], |row| {
                    // Kinds are never empty; one that were would be for the person's own use at least.
                    let own = kind(row, 0)?.unwrap_or(KeyKind::Conversation);
                    Ok((own, kind(row, 1)?, row.get(2)?))
                })?
                .collect()
        })
    }
}

/// The kind of a key, where there is a key.
fn kind(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<Option<KeyKind>> {
    let Some(name) = row.get::<_, Option<String>>(column)? else { return Ok(None) };
    KeyKind::parse(&name).map(Some).ok_or_else(|| {
        let unknown = format!("`{name}` is no kind of key").into();
        rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, unknown)
    })
}

const PERSON: &str =
    "SELECT id, organization, pseudonym, plan, training_allowed, created_at, closed_at, erased_at,
    EXISTS (SELECT 1 FROM objections o WHERE o.subject = s.id AND o.ground = 'safety-window'),
    (SELECT count(*) FROM conversations c WHERE c.subject = s.id AND c.destroyed_at IS NULL),
    EXISTS (SELECT 1 FROM subject_contacts t WHERE t.subject = s.id AND t.key IS NOT NULL),
    (SELECT count(*) FROM rights_requests r WHERE r.subject = s.id AND r.closed_at IS NULL),
    EXISTS (SELECT 1 FROM restrictions x WHERE x.subject = s.id)
    FROM subjects s";

fn person(row: &rusqlite::Row<'_>) -> rusqlite::Result<PersonSummary> {
    Ok(PersonSummary {
        subject: subject(row)?,
        conversations: row.get(9)?,
        has_contact: row.get(10)?,
        open_requests: row.get(11)?,
        is_restricted: row.get(12)?,
    })
}

#[cfg(test)]
mod tests {
    use fiducia_policy::{Pseudonym, Timestamp};

    use super::*;

    #[test]
    fn people_are_paged_newest_first_and_nobody_is_shown_twice() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = ControlStore::open(&folder.path().join("control.db")).unwrap();
        let (mine, other) = (OrganizationId::from_bytes([1; 16]), OrganizationId::from_bytes([2; 16]));
        let now = Timestamp::from_second(1_000).unwrap();
        for organization in [mine, other] {
            let terms = crate::OrganizationTerms {
                plan: fiducia_policy::Plan::Pro,
                tier: fiducia_policy::Tier::Private,
                agreement: fiducia_policy::Agreement::Standard,
                custom_retention: None,
            };
            let new = crate::NewOrganization {
                organization: crate::OrganizationRecord {
                    id: organization,
                    name: organization.to_string(),
                    terms,
                    created_at: now,
                },
                workspace: fiducia_policy::WorkspaceId::from_bytes(*organization.as_bytes()),
            };
            let announcement =
                crate::Announcement { id: *organization.as_bytes(), organization, event: b"{}".to_vec() };
            store.create_organization(&new, &announcement).unwrap();
        }
        let people: Vec<_> = (1..=9_u8)
            .map(|number| crate::NewSubject {
                id: SubjectId::from_bytes([number; 16]),
                organization: if number % 3 == 0 { other } else { mine },
                pseudonym: Pseudonym::from_bytes([number; 16]),
                name_digest: [number; 32],
                created_at: now,
            })
            .collect();
        store.create_subjects(&people).unwrap();
        let (mut seen, mut before) = (Vec::new(), None);
        loop {
            let page = store.people_before(mine, before, 2).unwrap();
            let Some(last) = page.last() else { break };
            before = Some(last.subject.id);
            seen.extend(page.iter().map(|person| person.subject.id.as_bytes()[0]));
        }
        assert_eq!(seen, [8, 7, 5, 4, 2, 1]);
        let one = store.person_summary(SubjectId::from_bytes([8; 16])).unwrap().unwrap();
        assert_eq!(
            (one.conversations, one.open_requests, one.has_contact, one.is_restricted),
            (0, 0, false, false)
        );
        assert_eq!(store.person_summary(SubjectId::from_bytes([99; 16])).unwrap(), None);
    }
}
