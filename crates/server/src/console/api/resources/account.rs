//! `/account`: who is recognised, and the tokens of the account.

use fiducia_custody::{AccountCommand, AccountReply, AdminCommand, AdminReply, ApiTokenRow};
use fiducia_policy::{AccountId, ApiScope, ApiTokenId, OrganizationId, Role, SubjectId, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::call::{Call, unexpected};
use super::super::caller::{Means, Who};
use super::super::endpoint::{Endpoint, Nothing};
use super::super::problem::Problem;
use super::super::reply::{Done, Found, Listed};

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get(
            "/account",
            "show-account",
            "Who is recognised, and what they may do.",
            Who::Anyone,
            show,
        ),
        Endpoint::get(
            "/account/tokens",
            "list-tokens",
            "The account's tokens, never their secrets.",
            Who::Anyone,
            tokens,
        ),
        Endpoint::post(
            "/account/tokens/{token}/revocation",
            "revoke-token",
            "Revokes a token of the account at once.",
            Who::Anyone,
            revoke,
        ),
    ]
}

/// Who is recognised.
#[derive(Serialize, JsonSchema)]
struct Account {
    id: AccountId,
    organization: OrganizationId,
    /// What the console calls its owner.
    name: String,
    roles: Vec<Role>,
    /// The person whose conversations are kept, where the account belongs to one.
    person: Option<SubjectId>,
    /// What the token permits; null for a session, which permits everything that the roles do.
    token_permits: Option<Vec<ApiScope>>,
    /// What a script sends as `fiducia-form` when it changes something by a session; null for a token.
    form_token: Option<String>,
}

#[expect(clippy::unnecessary_wraps, reason = "handlers have one signature, also those that refuse nothing")]
fn show(call: &Call<'_>, _: Nothing, _: Nothing) -> Result<Found<Account>, Problem> {
    let account = call.caller.account();
    let token_permits = match &call.caller.means {
        Means::Token(holder) => Some(ApiScope::ALL.into_iter().filter(|scope| holder.may(*scope)).collect()),
        Means::Session(..) => None,
    };
    Ok(Found(Account {
        id: account.id,
        organization: account.organization,
        name: account.name.clone(),
        roles: account.roles.members().to_vec(),
        person: account.subject,
        token_permits,
        form_token: call.form_token.clone(),
    }))
}

/// A token of the account.
#[derive(Serialize, JsonSchema)]
struct Token {
    id: ApiTokenId,
    /// What its owner calls it.
    name: String,
    permits: Vec<ApiScope>,
    created_at: Timestamp,
    expires_at: Timestamp,
    /// Used last when, to the minute.
    last_used_at: Option<Timestamp>,
    revoked_at: Option<Timestamp>,
}

impl From<ApiTokenRow> for Token {
    fn from(row: ApiTokenRow) -> Self {
        Self {
            id: row.id,
            name: row.name,
            permits: ApiScope::ALL.into_iter().filter(|scope| row.scopes.contains(*scope)).collect(),
            created_at: row.created_at,
            expires_at: row.expires_at,
            last_used_at: row.last_used_at,
            revoked_at: row.revoked_at,
        }
    }
}

/// Where a list goes on.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Part {
    /// What `next` said.
    after: Option<String>,
    /// At most this many rows, 1 to 500; 100 when absent.
    limit: Option<u32>,
}

fn tokens(call: &Call<'_>, _: Nothing, part: Part) -> Result<Listed<Token>, Problem> {
    let rows = Call::rows(part.limit)?;
    let after = call.after(part.after.as_deref())?;
    let account = Some(call.caller.account().id);
    let command = AccountCommand::ListTokens { organization: None, account };
    let AdminReply::Account(AccountReply::Tokens(found)) =
        call.custody.administer(AdminCommand::Account(command))?
    else {
        return Err(unexpected());
    };
    call.part(found, (after, rows), |row| row.id.to_string())
}

/// Which token.
#[derive(Deserialize, JsonSchema)]
struct OneToken {
    /// The token.
    token: ApiTokenId,
}

/// The token that was revoked.
#[derive(Serialize, JsonSchema)]
struct RevokedToken {
    id: ApiTokenId,
}

fn revoke(call: &Call<'_>, one: OneToken, _: Nothing) -> Result<Done<RevokedToken>, Problem> {
    let owner = Some(call.caller.account().id);
    let command = AccountCommand::RevokeToken { token: one.token, owner };
    call.custody.administer(AdminCommand::Account(command))?;
    Ok(Done(RevokedToken { id: one.token }))
}
