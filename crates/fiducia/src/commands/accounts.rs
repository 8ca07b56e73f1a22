//! `accounts create`, `list`, `password`, `roles`, `disable`, `enable`, `link`, `sign-out`

use std::io::{BufRead, IsTerminal};

use fiducia_custody::{
    AccountCommand, AccountReply, AccountRow, AdminCommand, AdminReply, NewAccount, Password,
};
use fiducia_policy::AccountId;
use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
use zeroize::Zeroizing;

use crate::arguments::{AccountsCommand, DataOptions};
use crate::failure::{ExitStatus, Failure};
use crate::output::{Align, Output, Table, instant, remark};
use crate::session::Session;

pub(super) fn run(command: AccountsCommand) -> Result<ExitStatus, Failure> {
    match command {
        AccountsCommand::Create { login, organization, name, roles, subject, data } => {
            let session = Session::open(&data)?;
            let organization = session.organization(&organization)?;
            let roles = roles.into_iter().collect();
            let new = NewAccount { organization, login, name, subject, roles };
            let created = send(&session, AccountCommand::Create(new))?;
            session.close();
            report(&created, "the account was created", &data)
        }
        AccountsCommand::List { organization, data } => list(organization.as_deref(), &data),
        AccountsCommand::Password { account, data } => {
            let password = read_password()?;
            let command = |account| AccountCommand::SetPassword { account, password };
            change(&account, command, "the password is set; every browser is signed out", &data)
        }
        AccountsCommand::Roles { account, roles, data } => {
            let command = |account| AccountCommand::SetRoles { account, roles: roles.into_iter().collect() };
            change(&account, command, "the roles are set; every browser is signed out", &data)
        }
        AccountsCommand::Disable { account, data } => {
            let command = |account| AccountCommand::SetState { account, enabled: false };
            change(&account, command, "the account is disabled; every browser is signed out", &data)
        }
        AccountsCommand::Enable { account, data } => {
            let command = |account| AccountCommand::SetState { account, enabled: true };
            change(&account, command, "the account is enabled", &data)
        }
        AccountsCommand::Link { account, issuer, external, data } => {
            let command = |account| AccountCommand::LinkIdentity { account, issuer, external };
            change(&account, command, "the identity is linked", &data)
        }
        AccountsCommand::SignOut { account, data } => {
            let command = |account| AccountCommand::EndSessions { account, except: None };
            change(&account, command, "every browser is signed out", &data)
        }
        AccountsCommand::Token(command) => super::tokens::run(command),
    }
}

pub(super) fn send(session: &Session, command: AccountCommand) -> Result<AccountReply, Failure> {
    match session.send(AdminCommand::Account(command))? {
        AdminReply::Account(reply) => Ok(reply),
        _ => Err(Failure::UnexpectedReply("account")),
    }
}

/// Carries out what `command` makes of the account with this login or id.
fn change(
    account: &str,
    command: impl FnOnce(AccountId) -> AccountCommand,
    said: &str,
    data: &DataOptions,
) -> Result<ExitStatus, Failure> {
    let session = Session::open(data)?;
    let reply = send(&session, command(account_named(&session, account)?))?;
    session.close();
    report(&reply, said, data)
}

/// The account with this login or id.
pub(super) fn account_named(session: &Session, account: &str) -> Result<AccountId, Failure> {
    let AccountReply::Accounts(rows) = send(session, AccountCommand::List { organization: None })? else {
        return Err(Failure::UnexpectedReply("account"));
    };
    let login = account.to_lowercase();
    let found = rows.iter().find(|row| row.login == login || row.id.to_string() == account);
    found.map(|row| row.id).ok_or_else(|| {
        Failure::Argument(format!("no account has the login or id `{account}`; nothing was changed"))
    })
}

fn report(reply: &AccountReply, said: &str, data: &DataOptions) -> Result<ExitStatus, Failure> {
    let mut output = Output::standard(data.json);
    if output.json() {
        output.value(reply)?;
    } else {
        if let AccountReply::Account(row) = reply {
            output.line(format_args!("account  {}", row.id))?;
            output.line(format_args!("login    {}", crate::output::escape_line(&row.login)))?;
            output.line(format_args!("roles    {}", row.roles))?;
        }
        output.line(said)?;
    }
    output.finish()?;
    Ok(ExitStatus::Success)
}

fn list(organization: Option<&str>, data: &DataOptions) -> Result<ExitStatus, Failure> {
    let session = Session::open(data)?;
    let organization = session.organization_if(organization)?;
    let AccountReply::Accounts(rows) = send(&session, AccountCommand::List { organization })? else {
        return Err(Failure::UnexpectedReply("account"));
    };
    session.close();
    let mut output = Output::standard(data.json);
    output.list(&rows, "no accounts yet; create one with `fiducia accounts create`", table)?;
    output.finish()?;
    Ok(ExitStatus::Success)
}

fn table(rows: &[AccountRow]) -> Table {
    let mut table = Table::new(&[
        ("ACCOUNT", Align::Left),
        ("LOGIN", Align::Left),
        ("NAME", Align::Left),
        ("ROLES", Align::Left),
        ("PASSWORD", Align::Left),
        ("CREATED", Align::Left),
        ("STATE", Align::Left),
    ]);
    for row in rows {
        table.row([
            row.id.to_string(),
            row.login.clone(),
            row.name.clone(),
            row.roles.to_string().replace(' ', ","),
            if row.has_password { "yes" } else { "no" }.to_owned(),
            instant(row.created_at),
            if row.disabled_at.is_some() { "disabled" } else { "enabled" }.to_owned(),
        ]);
    }
    table
}

/// Reads a password: without showing it when somebody types it, else the first line of standard input.
fn read_password() -> Result<Password, Failure> {
    let unreadable = |cause: std::io::Error| Failure::System { doing: "read the password", cause };
    let input = std::io::stdin();
    let mut line = Zeroizing::new(String::new());
    if input.is_terminal() {
        remark("New password (it is not shown):");
        let shown = tcgetattr(&input).map_err(|error| unreadable(error.into()))?;
        let mut hidden = shown.clone();
        hidden.local_modes.remove(LocalModes::ECHO);
        tcsetattr(&input, OptionalActions::Flush, &hidden).map_err(|error| unreadable(error.into()))?;
        let read = input.lock().read_line(&mut line);
        tcsetattr(&input, OptionalActions::Now, &shown).map_err(|error| unreadable(error.into()))?;
        read.map_err(unreadable)?;
    } else {
        input.lock().read_line(&mut line).map_err(unreadable)?;
    }
    Ok(Password::new(line.trim_end_matches(['\r', '\n']).to_owned()))
}
