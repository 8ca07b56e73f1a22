//! Who acts: made by signing in or by a token that works, and by nothing else.

use fiducia_policy::{AccountId, OrganizationId, PersonId, RoleSet, SubjectId};

use crate::{AccountRow, SignedIn, TokenHolder};

/// The person behind a signed-in account, whose conversations these are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Oneself {
    account: AccountId,
    organization: OrganizationId,
    subject: SubjectId,
}

impl Oneself {
    fn of(account: &AccountRow) -> Option<Self> {
        let subject = account.subject?;
        Some(Self { account: account.id, organization: account.organization, subject })
    }

    /// The person whom an application speaks for.
    pub(super) const fn spoken_for(
        account: AccountId,
        organization: OrganizationId,
        subject: SubjectId,
    ) -> Self {
        Self { account, organization, subject }
    }

    /// The account.
    pub const fn account(&self) -> AccountId {
        self.account
    }

    /// Whose person this is.
    pub const fn organization(&self) -> OrganizationId {
        self.organization
    }

    /// The person.
    pub const fn subject(&self) -> SubjectId {
        self.subject
    }

    /// The name under which the person acts in what is kept of their requests and readings.
    pub(super) fn actor(&self) -> String {
        self.subject.to_string()
    }
}

/// A member of staff who is signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Staff {
    account: AccountId,
    organization: OrganizationId,
    person: PersonId,
    login: String,
    roles: RoleSet,
}

impl Staff {
    fn of(account: &AccountRow) -> Option<Self> {
        let person = account.person.filter(|_| account.roles.has_staff())?;
        Some(Self {
            account: account.id,
            organization: account.organization,
            person,
            login: account.login.clone(),
            roles: account.roles.clone(),
        })
    }

    /// The account.
    pub const fn account(&self) -> AccountId {
        self.account
    }

    /// The organisation whose data they act on, and no other's.
    pub const fn organization(&self) -> OrganizationId {
        self.organization
    }

    /// Who they are in the ledger.
    pub const fn person(&self) -> PersonId {
        self.person
    }

    /// Their roles.
    pub const fn roles(&self) -> &RoleSet {
        &self.roles
    }

    /// The name under which they act.
    pub(super) fn actor(&self) -> String {
        self.login.clone()
    }
}

impl SignedIn {
    /// The person, where the account belongs to somebody whose conversations are kept.
    pub fn oneself(&self) -> Option<Oneself> {
        Oneself::of(&self.account)
    }

    /// The member of staff, where the account has a role of staff.
    pub fn staff(&self) -> Option<Staff> {
        Staff::of(&self.account)
    }
}

impl TokenHolder {
    /// The person, where the token's account belongs to somebody whose conversations are kept.
    pub fn oneself(&self) -> Option<Oneself> {
        Oneself::of(&self.account)
    }

    /// The member of staff, where the token's account has a role of staff.
    pub fn staff(&self) -> Option<Staff> {
        Staff::of(&self.account)
    }
}
