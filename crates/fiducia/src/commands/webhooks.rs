//! `webhooks create`, `list`, `show`, `rotate`, `disable`, `enable`, `delete`, `deliveries`, `redeliver`, `discard`, `test`

use fiducia_custody::{
    AdminCommand, AdminReply, CreatedWebhook, NewWebhook, WebhookCommand, WebhookDeliveryRow, WebhookReply,
    WebhookRow,
};
use fiducia_policy::DisabledBecause;

use crate::arguments::{DataOptions, WebhooksCommand};
use crate::edge::operating_system_user;
use crate::failure::{ExitStatus, Failure};
use crate::output::{Align, Output, Table, escape_line, instant, instant_or};
use crate::session::Session;

pub(super) fn run(command: WebhooksCommand) -> Result<ExitStatus, Failure> {
    let actor = operating_system_user();
    match command {
        WebhooksCommand::Create { url, organization, description, types, data } => {
            let session = Session::open(&data)?;
            let organization = session.organization(&organization)?;
            let new = NewWebhook { organization, url, types, description, actor };
            let reply = send(&session, WebhookCommand::Create(new))?;
            session.close();
            created(&reply, "Receivers check every delivery with it", &data)
        }
        WebhooksCommand::List { organization, data } => {
            let session = Session::open(&data)?;
            let organization = session.organization_if(organization.as_deref())?;
            let WebhookReply::Webhooks(rows) = send(&session, WebhookCommand::List { organization })? else {
                return Err(Failure::UnexpectedReply("webhook"));
            };
            session.close();
            let mut output = Output::standard(data.json);
            output.list(&rows, "no webhooks yet; add one with `fiducia webhooks create`", table)?;
            output.finish()?;
            Ok(ExitStatus::Success)
        }
        WebhooksCommand::Show { webhook, data } => changed(WebhookCommand::Show { webhook }, "", &data),
        WebhooksCommand::Rotate { webhook, overlap_hours, data } => {
            let session = Session::open(&data)?;
            let reply = send(&session, WebhookCommand::Rotate { webhook, overlap_hours, actor })?;
            session.close();
            created(&reply, "Until the overlap ends deliveries are signed with the former one too", &data)
        }
        WebhooksCommand::Disable { webhook, data } => {
            changed(WebhookCommand::Disable { webhook, actor }, "nothing is sent to it any more", &data)
        }
        WebhooksCommand::Enable { webhook, skip, data } => {
            changed(WebhookCommand::Enable { webhook, skip, actor }, "it gets activities again", &data)
        }
        WebhooksCommand::Delete { webhook, yes: _, data } => {
            changed(WebhookCommand::Delete { webhook, actor }, "the webhook was deleted", &data)
        }
        WebhooksCommand::Deliveries { webhook, dead, limit, after, data } => {
            let session = Session::open(&data)?;
            let command = WebhookCommand::Deliveries { webhook, dead, after, limit };
            let WebhookReply::Deliveries(rows) = send(&session, command)? else {
                return Err(Failure::UnexpectedReply("webhook"));
            };
            session.close();
            let mut output = Output::standard(data.json);
            output.list(&rows, "no deliveries", deliveries)?;
            output.finish()?;
            Ok(ExitStatus::Success)
        }
        WebhooksCommand::Redeliver { webhook, delivery, data } => {
            let command = WebhookCommand::Redeliver { webhook, message: delivery };
            changed(command, "sent again by the running server", &data)
        }
        WebhooksCommand::Discard { webhook, delivery, data } => {
            let command = WebhookCommand::Discard { webhook, message: delivery };
            changed(command, "dropped", &data)
        }
        WebhooksCommand::Test { webhook, data } => {
            changed(WebhookCommand::Test { webhook }, "the running server sends it", &data)
        }
    }
}

fn send(session: &Session, command: WebhookCommand) -> Result<WebhookReply, Failure> {
    match session.send(AdminCommand::Webhook(command))? {
        AdminReply::Webhook(reply) => Ok(reply),
        _ => Err(Failure::UnexpectedReply("webhook")),
    }
}

fn created(reply: &WebhookReply, said: &str, data: &DataOptions) -> Result<ExitStatus, Failure> {
    let WebhookReply::Created(created) = reply else {
        return Err(Failure::UnexpectedReply("webhook"));
    };
    let CreatedWebhook { webhook, secret } = created.as_ref();
    let mut output = Output::standard(data.json);
    if output.json() {
        output.value(created)?;
    } else {
        show(&mut output, webhook)?;
        output.line(format_args!("secret       {secret}"))?;
        output.line("")?;
        output.line("The secret is shown this once; it is kept sealed.")?;
        output.line(format_args!("{said}."))?;
    }
    output.finish()?;
    Ok(ExitStatus::Success)
}

/// Carries a command out and says what came of it.
fn changed(command: WebhookCommand, said: &str, data: &DataOptions) -> Result<ExitStatus, Failure> {
    let session = Session::open(data)?;
    let reply = send(&session, command)?;
    session.close();
    let mut output = Output::standard(data.json);
    if output.json() {
        output.value(&reply)?;
    } else {
        match &reply {
            WebhookReply::Webhook(row) => {
                show(&mut output, row)?;
                if !said.is_empty() {
                    output.line(said)?;
                }
            }
            WebhookReply::Changed(count) => {
                let deliveries = if *count == 1 { "delivery" } else { "deliveries" };
                output.line(format_args!("{count} {deliveries}: {said}"))?;
            }
            WebhookReply::Queued(message) => output.line(format_args!("{message}: {said}"))?,
            _ => output.line(said)?,
        }
    }
    output.finish()?;
    Ok(ExitStatus::Success)
}

fn show(output: &mut Output, row: &WebhookRow) -> Result<(), Failure> {
    output.line(format_args!("webhook      {}", row.id))?;
    output.line(format_args!("description  {}", escape_line(&row.description)))?;
    output.line(format_args!("address      {}", escape_line(&row.url)))?;
    output.line(format_args!("types        {}", types(row)))?;
    output.line(format_args!("state        {}", state(row)))?;
    output.line(format_args!("succeeded    {}", instant_or(row.succeeded_at, "never")))?;
    if let Some(until) = row.former_secret_until {
        output.line(format_args!("two secrets  until {}", instant(until)))?;
    }
    Ok(())
}

fn types(row: &WebhookRow) -> String {
    if row.types.is_empty() { "all".to_owned() } else { row.types.join(",") }
}

fn state(row: &WebhookRow) -> String {
    match (row.disabled_because, row.failing_since) {
        (Some(because), _) => {
            let because = match because {
                DisabledBecause::Asked => "as asked",
                DisabledBecause::Gone => "it answered 410 Gone",
                DisabledBecause::Failing => "it failed for five days",
            };
            format!("disabled since {}: {because}", instant_or(row.disabled_at, "-"))
        }
        (None, Some(since)) => format!("failing since {}", instant(since)),
        (None, None) => "enabled".to_owned(),
    }
}

fn table(rows: &[WebhookRow]) -> Table {
    let mut table = Table::new(&[
        ("WEBHOOK", Align::Left),
        ("DESCRIPTION", Align::Left),
        ("ADDRESS", Align::Left),
        ("TYPES", Align::Left),
        ("SUCCEEDED", Align::Left),
        ("STATE", Align::Left),
    ]);
    for row in rows {
        table.row([
            row.id.to_string(),
            escape_line(&row.description),
            escape_line(&row.url),
            types(row),
            instant_or(row.succeeded_at, "never"),
            state(row),
        ]);
    }
    table
}

fn deliveries(rows: &[WebhookDeliveryRow]) -> Table {
    let mut table = Table::new(&[
        ("DELIVERY", Align::Left),
        ("TYPE", Align::Left),
        ("STATE", Align::Left),
        ("QUEUED", Align::Left),
        ("ATTEMPTS", Align::Right),
        ("LAST", Align::Left),
        ("NEXT", Align::Left),
        ("WHY", Align::Left),
    ]);
    for row in rows {
        table.row([
            row.message.clone(),
            row.kind.clone(),
            row.state.name().to_owned(),
            instant(row.queued_at),
            row.attempts.to_string(),
            instant_or(row.last_attempt_at, "never"),
            instant_or(row.next_attempt_at, "-"),
            row.failure.as_deref().map_or_else(|| "-".to_owned(), escape_line),
        ]);
    }
    table
}
