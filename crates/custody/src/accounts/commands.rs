//! The commands on accounts, and their replies.

use fiducia_policy::{
    AccountId, ApiTokenId, OrganizationId, PersonId, RoleSet, SessionId, SubjectId, Timestamp,
};
use fiducia_store::{PasskeyRecord, SessionRecord};

use super::Password;
use super::tokens::{ApiTokenRow, CreatedToken, KeptAnswer, NewToken};

/// How the console looks to somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Appearance {
    /// Dark text on a light ground.
    Light,
    /// Light text on a dark ground.
    Dark,
}

impl Appearance {
    /// The name in forms and in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// The appearance of this name.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Light, Self::Dark].into_iter().find(|appearance| appearance.name() == name)
    }
}

/// An account to be made. It has no password until one is set.
#[derive(Clone, serde::Serialize, serde::Deserialize)]
pub struct NewAccount {
    /// Whose.
    pub organization: OrganizationId,
    /// What its owner types to sign in: 1 to 128 characters, stored in lower case. An e-mail address lets a provider that
    /// vouches for it sign its owner in.
    pub login: String,
    /// What the console calls its owner.
    pub name: String,
    /// The application's own name for the person whose conversations its owner governs.
    pub subject: Option<String>,
    /// What its owner may be. With a role of staff its owner is known to the ledger as a member of staff.
    pub roles: RoleSet,
}

/// A command on accounts. Its `Debug` shows nothing but the kind.
#[derive(Clone, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case", tag = "action")]
pub enum AccountCommand {
    /// Makes an account.
    Create(NewAccount),
    /// Lists accounts, oldest first.
    List {
        /// Only of this organisation.
        organization: Option<OrganizationId>,
    },
    /// Sets a password. Every browser is signed out.
    SetPassword {
        /// Whose.
        account: AccountId,
        /// The password.
        password: Password,
    },
    /// Stores the argon2id string of a password; what [`AccountCommand::SetPassword`] becomes for the writer.
    #[serde(skip)]
    StorePassword {
        /// Whose.
        account: AccountId,
        /// The string.
        hash: String,
    },
    /// Gives an account these roles and no others. Every browser is signed out.
    SetRoles {
        /// Whose.
        account: AccountId,
        /// The roles.
        roles: RoleSet,
    },
    /// Disables an account, or enables it again. Every browser is signed out.
    SetState {
        /// Which.
        account: AccountId,
        /// Whether its owner may sign in.
        enabled: bool,
    },
    /// Changes what the console calls somebody.
    Rename {
        /// Whose.
        account: AccountId,
        /// 1 to 128 characters.
        name: String,
    },
    /// Remembers the language and the appearance that somebody chose; `None` follows the browser.
    Prefer {
        /// Whose.
        account: AccountId,
        /// A language tag.
        language: Option<String>,
        /// Light or dark.
        appearance: Option<Appearance>,
    },
    /// Lets an identity provider's person sign in to an account.
    LinkIdentity {
        /// To which.
        account: AccountId,
        /// The provider's issuer URL.
        issuer: String,
        /// The provider's `sub`.
        external: String,
    },
    /// Lists an account's passkeys, oldest first.
    ListPasskeys {
        /// Whose.
        account: AccountId,
    },
    /// Adds a passkey whose registration was verified.
    #[serde(skip)]
    AddPasskey(PasskeyRecord),
    /// Removes a passkey.
    RemovePasskey {
        /// Whose.
        account: AccountId,
        /// The credential's id.
        credential: Vec<u8>,
    },
    /// Lists the browsers that are signed in to an account, the last used first.
    ListSessions {
        /// Whose.
        account: AccountId,
    },
    /// Starts a session after its owner was recognised.
    #[serde(skip)]
    StartSession {
        /// The session.
        session: SessionRecord,
        /// SHA-256 of the secret by which the browser is known from now on.
        browser: [u8; 32],
        /// The passkey that signed in, with its counter.
        passkey: Option<(Vec<u8>, u32)>,
    },
    /// Notes that a session was used.
    #[serde(skip)]
    TouchSession {
        /// Which.
        session: SessionId,
    },
    /// Signs a browser out.
    EndSession {
        /// Whose.
        account: AccountId,
        /// Which.
        session: SessionId,
    },
    /// Signs every browser out, or every other one.
    EndSessions {
        /// Whose.
        account: AccountId,
        /// The one that stays signed in.
        except: Option<SessionId>,
    },
    /// Makes a token for the JSON API.
    CreateToken(NewToken),
    /// Lists tokens, oldest first.
    ListTokens {
        /// Only of accounts of this organisation.
        organization: Option<OrganizationId>,
        /// Only of this account.
        account: Option<AccountId>,
    },
    /// Revokes a token: it does not work from then on.
    RevokeToken {
        /// Which.
        token: ApiTokenId,
        /// Only if it belongs to this account.
        owner: Option<AccountId>,
    },
    /// Notes that a token was used.
    #[serde(skip)]
    TouchToken {
        /// Which.
        token: ApiTokenId,
    },
    /// Keeps what was answered to a request of the JSON API.
    #[serde(skip)]
    KeepAnswer(KeptAnswer),
    /// A signed-in person's browser sent the Global Privacy Control signal.
    RecordPrivacySignal {
        /// Whose.
        subject: SubjectId,
    },
}

impl std::fmt::Debug for AccountCommand {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AccountCommand")
    }
}

/// An account in a list. It holds no secret.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct AccountRow {
    /// Its id.
    pub id: AccountId,
    /// Whose.
    pub organization: OrganizationId,
    /// Whose conversations its owner governs.
    pub subject: Option<SubjectId>,
    /// Which member of staff its owner is.
    pub person: Option<PersonId>,
    /// What its owner types to sign in.
    pub login: String,
    /// What the console calls its owner.
    pub name: String,
    /// What its owner may be.
    pub roles: RoleSet,
    /// Whether it has a password.
    pub has_password: bool,
    /// The language its owner chose.
    pub language: Option<String>,
    /// The appearance its owner chose.
    pub appearance: Option<Appearance>,
    /// Created when.
    pub created_at: Timestamp,
    /// Disabled when.
    pub disabled_at: Option<Timestamp>,
}

/// A passkey in a list.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct PasskeyRow {
    /// The credential's id.
    pub credential: Vec<u8>,
    /// What its owner calls it.
    pub name: String,
    /// Added when.
    pub created_at: Timestamp,
    /// Signed in with when.
    pub last_used_at: Option<Timestamp>,
}

/// A signed-in browser in a list.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct SessionRow {
    /// Its id.
    pub id: SessionId,
    /// How its owner signed in: `password`, `passkey` or `provider`.
    pub method: String,
    /// The browser in words.
    pub device: String,
    /// Signed in when.
    pub created_at: Timestamp,
    /// Used last when, to the minute.
    pub seen_at: Timestamp,
    /// Ends when at the latest.
    pub ends_at: Timestamp,
}

/// A reply to an [`AccountCommand`].
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case", tag = "reply", content = "value")]
pub enum AccountReply {
    /// An account, new or changed.
    Account(Box<AccountRow>),
    /// Accounts.
    Accounts(Vec<AccountRow>),
    /// Passkeys.
    Passkeys(Vec<PasskeyRow>),
    /// Signed-in browsers.
    Sessions(Vec<SessionRow>),
    /// A new token. The only time the secret is shown.
    Token(Box<CreatedToken>),
    /// Tokens.
    Tokens(Vec<ApiTokenRow>),
    /// How many browsers were signed out.
    Ended(u64),
    /// It was done.
    Done,
}
