//! `campaigns open`, `list`, `show`, `remind`, `close`

use fiducia_custody::{CampaignRow, ConsentCommand as Asked, ConsentReply, ReminderRow};
use fiducia_policy::CampaignTerms;

use super::consent::{ask, ask_in, list};
use crate::arguments::{CampaignsCommand, DataOptions};
use crate::edge::operating_system_user;
use crate::failure::{ExitStatus, Failure};
use crate::output::{Align, Output, Table, instant, instant_or};
use crate::session::Session;

pub(super) fn run(command: CampaignsCommand) -> Result<ExitStatus, Failure> {
    match command {
        CampaignsCommand::Open {
            organization,
            purpose,
            notice_version,
            deadline,
            reason,
            meanwhile,
            reminders,
            quiet_regions,
            quiet,
            data,
        } => {
            let session = Session::open(&data)?;
            let organization = session.organization(&organization)?;
            let version = notice_version;
            let terms =
                CampaignTerms { purpose, version, deadline, meanwhile, reminders, quiet_regions, quiet };
            let actor = operating_system_user();
            let reply = ask_in(&session, Asked::OpenCampaign { organization, terms, reason, actor })?;
            session.close();
            one(reply, &data)
        }
        CampaignsCommand::List { data } => {
            let ConsentReply::Campaigns(rows) = ask(&data, Asked::ListCampaigns)? else {
                return Err(Failure::UnexpectedReply("consent"));
            };
            list(&rows, "no campaigns yet", table, &data)
        }
        CampaignsCommand::Show { campaign, data } => {
            one(ask(&data, Asked::ShowCampaign { id: campaign })?, &data)
        }
        CampaignsCommand::Remind { campaign, limit, data } => {
            let ConsentReply::Reminders(rows) = ask(&data, Asked::Remind { id: campaign, limit })? else {
                return Err(Failure::UnexpectedReply("consent"));
            };
            list(&rows, "nobody must be reminded now", reminders_table, &data)
        }
        CampaignsCommand::Close { campaign, data } => {
            let command = Asked::CloseCampaign { id: campaign, actor: operating_system_user() };
            one(ask(&data, command)?, &data)
        }
    }
}

fn table(rows: &[CampaignRow]) -> Table {
    let mut table = Table::new(&[
        ("CAMPAIGN", Align::Left),
        ("PURPOSE", Align::Left),
        ("VERSION", Align::Right),
        ("OPENED", Align::Left),
        ("DEADLINE", Align::Left),
        ("CLOSED", Align::Left),
        ("ANSWERS", Align::Left),
    ]);
    for row in rows {
        table.row([
            row.id.to_string(),
            row.terms.purpose.to_string(),
            row.terms.version.to_string(),
            instant(row.opened_at),
            instant(row.terms.deadline),
            instant_or(row.closed_at, "-"),
            outcomes(row),
        ]);
    }
    table
}

/// How many people came to each outcome, whatever their region and language.
fn outcomes(row: &CampaignRow) -> String {
    let mut sums = std::collections::BTreeMap::<&str, u64>::new();
    for tally in &row.tally {
        *sums.entry(&tally.outcome).or_default() += tally.people;
    }
    let sums: Vec<_> = sums.iter().map(|(outcome, people)| format!("{people} {outcome}")).collect();
    if sums.is_empty() { "nobody was asked yet".to_owned() } else { sums.join(", ") }
}

fn one(reply: ConsentReply, data: &DataOptions) -> Result<ExitStatus, Failure> {
    let ConsentReply::Campaign(row) = reply else {
        return Err(Failure::UnexpectedReply("consent"));
    };
    let mut output = Output::standard(data.json);
    if output.json() {
        output.value(&row)?;
    } else {
        output.line(row.id)?;
        output.line(format_args!(
            "asks about    {}, notice version {}",
            row.terms.purpose, row.terms.version
        ))?;
        output.line(format_args!("because of    {}", crate::output::escape_line(&row.reason)))?;
        output.line(format_args!("silence is no {}", instant(row.terms.deadline)))?;
        output.line(format_args!("until then    a standing yes is worth: {}", row.terms.meanwhile))?;
        output.line(format_args!(
            "asked         {}",
            if row.is_extended { "everybody" } else { "not yet all" }
        ))?;
        output.line(format_args!("closed        {}", instant_or(row.closed_at, "-")))?;
        for tally in &row.tally {
            output.line(format_args!(
                "  {:>8}  {:<14} region {}, language {}",
                tally.people,
                tally.outcome,
                tally.region.as_deref().unwrap_or("unknown"),
                tally.language.as_deref().unwrap_or("unknown")
            ))?;
        }
    }
    output.finish()?;
    Ok(ExitStatus::Success)
}

fn reminders_table(rows: &[ReminderRow]) -> Table {
    let mut table =
        Table::new(&[("SUBJECT", Align::Left), ("LANGUAGE", Align::Left), ("REGION", Align::Left)]);
    for row in rows {
        table.row([
            row.subject.to_string(),
            row.language.clone().unwrap_or_else(|| "-".to_owned()),
            row.region.clone().unwrap_or_else(|| "-".to_owned()),
        ]);
    }
    table
}
