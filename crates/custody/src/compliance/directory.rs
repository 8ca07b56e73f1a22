//! Organisations, people, roles and settings, as the Compliance API shows them.

use std::collections::BTreeMap;

use fiducia_policy::{
    AccessAction, DataKind, GroundKind, OrganizationId, RecordClass, Role as Function, RoleSet, Standing,
};
use fiducia_wire::compliance::{
    EffectiveSettings, FixedPeriod, Organization, OtherFields, Permission, RetentionPeriod, Role, Setting,
    SettingValue, User,
};

use super::activities::{outside, rfc3339, user_id};
use super::commands::ComplianceReach;
use crate::console::circumstances_of;
use crate::looking::Home;
use crate::retention::governance::PersonTerms;
use crate::{AdminError, Custody};

/// What ids of roles begin with.
const ROLE_PREFIX: &str = "role_";
const SECONDS_PER_DAY: i64 = 86_400;

/// Rows with the place of each, and whether there are more behind them.
pub type Listed<T> = (Vec<([u8; 16], T)>, bool);

impl Custody {
    /// The organisations that a key reaches, oldest first: those behind `after`, at most `limit`.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn compliance_organizations(
        &self,
        reach: ComplianceReach,
        after: Option<[u8; 16]>,
        limit: u32,
    ) -> Result<Listed<Organization>, AdminError> {
        let _reading = self.reader().reading();
        let known = self.reader().control()?.organizations()?;
        let rows = known
            .into_iter()
            .filter(|known| reach.covers(known.id) && after.is_none_or(|after| *known.id.as_bytes() > after))
            .map(|known| {
                let row = Organization {
                    uuid: known.id.uuid(),
                    name: known.name,
                    created_at: rfc3339(known.created_at),
                    other: OtherFields::new(),
                };
                (*known.id.as_bytes(), row)
            });
        Ok(first_of(rows.collect(), limit))
    }

    /// The people of an organisation who are active, in the order in which they became known: those behind `after`, at most `limit`.
    ///
    /// # Errors
    /// [`AdminError::NotFound`] for an organisation that the key does not reach.
    pub fn compliance_users(
        &self,
        reach: ComplianceReach,
        organization: OrganizationId,
        after: Option<[u8; 16]>,
        limit: u32,
    ) -> Result<Listed<User>, AdminError> {
        let _reading = self.reader().reading();
        self.reached_organization(reach, organization)?;
        let members = self.reader().control()?.members(organization, after, limit.saturating_add(1))?;
        let rows = members.into_iter().map(|member| {
            let roles = member.roles.unwrap_or_default();
            let row = User {
                id: user_id(&member.id),
                full_name: member.name,
                email: member.login.filter(|login| login.contains('@')),
                organization_role: (!roles.members().is_empty()).then(|| roles.to_string()),
                created_at: rfc3339(member.created_at),
                other: OtherFields::new(),
            };
            (member.id, row)
        });
        Ok(first_of(rows.collect(), limit))
    }

    /// What people of an organisation may be. The roles are the program's own and the same everywhere.
    ///
    /// # Errors
    /// [`AdminError::NotFound`] for an organisation that the key does not reach.
    pub fn compliance_roles(
        &self,
        reach: ComplianceReach,
        organization: OrganizationId,
    ) -> Result<Vec<Role>, AdminError> {
        let _reading = self.reader().reading();
        self.reached_organization(reach, organization)?;
        Ok(Function::ALL.into_iter().map(role).collect())
    }

    /// What one role permits on others' data of its own organisation, as the access policies in force say, where that depends on nothing else.
    ///
    /// # Errors
    /// [`AdminError::NotFound`] for an organisation that the key does not reach, or a role that there is not.
    pub fn compliance_permissions(
        &self,
        reach: ComplianceReach,
        organization: OrganizationId,
        role: &str,
    ) -> Result<Vec<Permission>, AdminError> {
        let roles = self.compliance_roles(reach, organization)?;
        let known = roles.iter().position(|known| known.id == role).ok_or_else(outside)?;
        let function = Function::ALL.get(known).copied().ok_or_else(outside)?;
        let set: RoleSet = [function].into_iter().collect();
        let (gate, home) = (&self.reader().gate, Home::anywhere(organization));
        let mut permissions = Vec::new();
        for kind in DataKind::ALL {
            for action in AccessAction::ALL {
                let circumstances = circumstances_of(action);
                if gate.decide_for_roles(&set, action, (kind, &home), &circumstances).is_permitted {
                    permissions.push(Permission {
                        action: action.name().to_owned(),
                        resource: kind.name().to_owned(),
                        other: OtherFields::new(),
                    });
                }
            }
        }
        Ok(permissions)
    }

    /// The settings that are in force for an organisation.
    ///
    /// # Errors
    /// [`AdminError::NotFound`] for an organisation that the key does not reach.
    pub fn compliance_settings(
        &self,
        reach: ComplianceReach,
        organization: OrganizationId,
    ) -> Result<EffectiveSettings, AdminError> {
        let _reading = self.reader().reading();
        let terms = self.reached_organization(reach, organization)?;
        let now = self.0.clock.now();
        let governance = &self.reader().governance;
        let mut periods = BTreeMap::new();
        for class in RecordClass::ALL.into_iter().filter(|class| class.is_conversation()) {
            let keeping =
                governance.standing_now(terms, PersonTerms::default(), class, GroundKind::Service, now);
            let days = |seconds: i64| u64::try_from(seconds.max(0) / SECONDS_PER_DAY).unwrap_or(0);
            let period = match keeping {
                Standing::NotOpen => fixed(0),
                Standing::Holds { until: None } => RetentionPeriod::Indefinite {},
                Standing::Holds { until: Some(until) } | Standing::Ended { at: until } => {
                    fixed(days(until.as_second().saturating_sub(now.as_second())))
                }
            };
            periods.insert(class.name().to_owned(), period);
        }
        let (version, policy) = governance.current();
        let setting =
            |name: &str, kind: &str, value| Setting { name: name.to_owned(), kind: kind.to_owned(), value };
        Ok(EffectiveSettings {
            kind: "effective_organization_settings".to_owned(),
            settings: vec![
                setting("data_retention_periods", "data_retention_periods", SettingValue::Periods(periods)),
                setting("fiducia_policy", "text", SettingValue::Text(format!("{} {version}", policy.name()))),
            ],
            api_keys: Vec::new(),
        })
    }

    fn reached_organization(
        &self,
        reach: ComplianceReach,
        organization: OrganizationId,
    ) -> Result<fiducia_store::OrganizationTerms, AdminError> {
        let known = self.reader().control()?.organizations()?;
        let found = known.into_iter().find(|known| known.id == organization && reach.covers(known.id));
        found.map(|known| known.terms).ok_or_else(outside)
    }
}

fn fixed(duration: u64) -> RetentionPeriod {
    RetentionPeriod::Fixed(FixedPeriod { timescale: "day".to_owned(), duration })
}

fn role(function: Function) -> Role {
    Role {
        id: format!("{ROLE_PREFIX}{}", function.name()),
        name: function.name().to_owned(),
        description: None,
        other: OtherFields::new(),
    }
}

fn first_of<T>(mut rows: Vec<([u8; 16], T)>, limit: u32) -> Listed<T> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let has_more = rows.len() > limit;
    rows.truncate(limit);
    (rows, has_more)
}
