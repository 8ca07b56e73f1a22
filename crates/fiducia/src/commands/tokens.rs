//! `accounts token create`, `list`, `revoke`

use fiducia_custody::{AccountCommand, AccountReply, ApiTokenRow, NewToken};

use super::accounts::{account_named, send};
use crate::arguments::TokenCommand;
use crate::failure::{ExitStatus, Failure};
use crate::output::{Align, Output, Table, escape_line, instant, instant_or};
use crate::session::Session;

pub(super) fn run(command: TokenCommand) -> Result<ExitStatus, Failure> {
    match command {
        TokenCommand::Create { account, name, scopes, days, data } => {
            let session = Session::open(&data)?;
            let account = account_named(&session, &account)?;
            let new = NewToken { account, name, scopes: scopes.into_iter().collect(), days };
            let AccountReply::Token(created) = send(&session, AccountCommand::CreateToken(new))? else {
                return Err(Failure::UnexpectedReply("create-token"));
            };
            session.close();
            let mut output = Output::standard(data.json);
            if output.json() {
                output.value(&created)?;
            } else {
                output.line(format_args!("token    {}", created.token.id))?;
                output.line(format_args!("permits  {}", created.token.scopes))?;
                output.line(format_args!("until    {}", instant(created.token.expires_at)))?;
                output.line(format_args!("secret   {}", created.secret))?;
                output.line("")?;
                output
                    .line("The secret is shown this once; only its digest is stored. Programs send it as")?;
                output.line("`Authorization: Bearer`.")?;
            }
            output.finish()?;
            Ok(ExitStatus::Success)
        }
        TokenCommand::List { account, data } => {
            let session = Session::open(&data)?;
            let account = account.map(|account| account_named(&session, &account)).transpose()?;
            let command = AccountCommand::ListTokens { organization: None, account };
            let AccountReply::Tokens(rows) = send(&session, command)? else {
                return Err(Failure::UnexpectedReply("list-tokens"));
            };
            session.close();
            let mut output = Output::standard(data.json);
            output.list(&rows, "no tokens yet; create one with `fiducia accounts token create`", table)?;
            output.finish()?;
            Ok(ExitStatus::Success)
        }
        TokenCommand::Revoke { token, data } => {
            let session = Session::open(&data)?;
            send(&session, AccountCommand::RevokeToken { token, owner: None })?;
            session.close();
            let mut output = Output::standard(data.json);
            if output.json() {
                output.value(&serde_json::json!({ "revoked": token }))?;
            } else {
                output.line(format_args!("{token} was revoked; requests with it are refused from now on"))?;
            }
            output.finish()?;
            Ok(ExitStatus::Success)
        }
    }
}

fn table(rows: &[ApiTokenRow]) -> Table {
    let mut table = Table::new(&[
        ("TOKEN", Align::Left),
        ("ACCOUNT", Align::Left),
        ("NAME", Align::Left),
        ("PERMITS", Align::Left),
        ("CREATED", Align::Left),
        ("EXPIRES", Align::Left),
        ("USED", Align::Left),
        ("REVOKED", Align::Left),
    ]);
    for row in rows {
        table.row([
            row.id.to_string(),
            row.account.to_string(),
            escape_line(&row.name),
            row.scopes.to_string().replace(' ', ","),
            instant(row.created_at),
            instant(row.expires_at),
            instant_or(row.last_used_at, "never"),
            instant_or(row.revoked_at, "-"),
        ]);
    }
    table
}
