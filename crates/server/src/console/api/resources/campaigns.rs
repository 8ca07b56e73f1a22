//! `/campaigns`: questions to many people, with a date by which silence is a no.

use fiducia_custody::{AdminCommand, AdminReply, CampaignRow, ConsentCommand, ConsentReply, ReminderRow};
use fiducia_policy::{
    CampaignId, CampaignTerms, ConsentPurpose, Meanwhile, RetentionSpan, SubjectId, Timestamp,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::call::{Call, unexpected};
use super::super::caller::Who;
use super::super::endpoint::{Endpoint, Nothing};
use super::super::problem::Problem;
use super::super::reply::{Done, Found, Listed, Made};

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get(
            "/campaigns",
            "list-campaigns",
            "The organisation's campaigns, newest first.",
            Who::Staff,
            list,
        ),
        Endpoint::post(
            "/campaigns",
            "open-campaign",
            "Opens a campaign: people are asked.",
            Who::Staff,
            open,
        ),
        Endpoint::get(
            "/campaigns/{campaign}",
            "show-campaign",
            "One campaign and how it stands.",
            Who::Staff,
            show,
        ),
        Endpoint::post(
            "/campaigns/{campaign}/closing",
            "close-campaign",
            "Ends a campaign before its date: whoever has not answered has said no.",
            Who::Staff,
            close,
        )
        .changes("/campaigns/{campaign}"),
        Endpoint::post(
            "/campaigns/{campaign}/reminders",
            "remind",
            "Who must be reminded now. They count as reminded from then on.",
            Who::Staff,
            remind,
        ),
    ]
}

/// A campaign.
#[derive(Serialize, JsonSchema)]
struct Campaign {
    id: CampaignId,
    purpose: ConsentPurpose,
    /// Which version of the notice is asked about.
    version: u32,
    /// When silence becomes a no.
    deadline: Timestamp,
    /// What a standing yes is worth until then.
    meanwhile: Meanwhile,
    /// How long before the deadline people are reminded, such as `14 days`.
    reminders: Vec<String>,
    /// Where nobody is asked again soon after a no (ISO 3166).
    quiet_regions: Vec<String>,
    /// For how long, there.
    quiet: String,
    /// Why it was opened.
    reason: String,
    opened_at: Timestamp,
    /// Whether everybody was looked at.
    is_extended: bool,
    closed_at: Option<Timestamp>,
    /// How many people came to what, by region and language.
    progress: Vec<Tally>,
}

/// How many people of a region and language came to an outcome.
#[derive(Serialize, JsonSchema)]
struct Tally {
    region: Option<String>,
    language: Option<String>,
    /// `open`, `given`, `refused`, `silence`, or why they are not asked.
    outcome: String,
    people: u64,
}

impl From<CampaignRow> for Campaign {
    fn from(row: CampaignRow) -> Self {
        let progress = row.tally.into_iter().map(|tally| Tally {
            region: tally.region,
            language: tally.language,
            outcome: tally.outcome,
            people: tally.people,
        });
        Self {
            id: row.id,
            purpose: row.terms.purpose,
            version: row.terms.version,
            deadline: row.terms.deadline,
            meanwhile: row.terms.meanwhile,
            reminders: row.terms.reminders.iter().map(RetentionSpan::to_string).collect(),
            quiet_regions: row.terms.quiet_regions,
            quiet: row.terms.quiet.to_string(),
            reason: row.reason,
            opened_at: row.opened_at,
            is_extended: row.is_extended,
            closed_at: row.closed_at,
            progress: progress.collect(),
        }
    }
}

/// Where a list goes on.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct CampaignsPart {
    /// What `next` said.
    after: Option<String>,
    /// At most this many rows, 1 to 500; 100 when absent.
    limit: Option<u32>,
}

fn list(call: &Call<'_>, _: Nothing, part: CampaignsPart) -> Result<Listed<Campaign>, Problem> {
    let rows = Call::rows(part.limit)?;
    let after = call.after(part.after.as_deref())?;
    let AdminReply::Consented(ConsentReply::Campaigns(found)) =
        call.as_staff(AdminCommand::Consent(ConsentCommand::ListCampaigns))?
    else {
        return Err(unexpected());
    };
    call.part(found, (after, rows), |row| row.id.to_string())
}

/// Which campaign.
#[derive(Deserialize, JsonSchema)]
struct OneCampaign {
    /// The campaign.
    campaign: CampaignId,
}

fn one(call: &Call<'_>, command: ConsentCommand) -> Result<Campaign, Problem> {
    match call.as_staff(AdminCommand::Consent(command))? {
        AdminReply::Consented(ConsentReply::Campaign(row)) => Ok((*row).into()),
        _ => Err(unexpected()),
    }
}

fn show(call: &Call<'_>, which: OneCampaign, _: Nothing) -> Result<Found<Campaign>, Problem> {
    one(call, ConsentCommand::ShowCampaign { id: which.campaign }).map(Found)
}

/// A campaign to be opened.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NewCampaign {
    purpose: ConsentPurpose,
    /// Which version of the notice.
    version: u32,
    /// When silence becomes a no.
    deadline: Timestamp,
    /// What a standing yes is worth until then; `continue` when absent.
    meanwhile: Option<Meanwhile>,
    /// How long before the deadline people are reminded, such as `14 days`, at most 16.
    #[serde(default)]
    reminders: Vec<String>,
    /// Where nobody is asked again soon after a no (ISO 3166), at most 256.
    #[serde(default)]
    quiet_regions: Vec<String>,
    /// For how long, there; `1 year` when absent.
    quiet: Option<String>,
    /// Why: 1 to 128 characters, such as the number of the new policy.
    reason: String,
}

fn span(text: &str) -> Result<RetentionSpan, Problem> {
    text.parse().map_err(|error| Problem::Invalid(format!("{error}; nothing was opened")))
}

fn open(call: &Call<'_>, _: Nothing, new: NewCampaign) -> Result<Made<Campaign>, Problem> {
    let terms = CampaignTerms {
        purpose: new.purpose,
        version: new.version,
        deadline: new.deadline,
        meanwhile: new.meanwhile.unwrap_or(Meanwhile::Continue),
        reminders: new.reminders.iter().map(|text| span(text)).collect::<Result<_, _>>()?,
        quiet_regions: new.quiet_regions,
        quiet: new.quiet.as_deref().map_or(Ok(RetentionSpan::years(1)), span)?,
    };
    let organization = call.caller.account().organization;
    let command =
        ConsentCommand::OpenCampaign { organization, terms, reason: new.reason, actor: String::new() };
    let what = one(call, command)?;
    Ok(Made { location: format!("/campaigns/{}", what.id), what })
}

fn close(call: &Call<'_>, which: OneCampaign, _: Nothing) -> Result<Done<Campaign>, Problem> {
    one(call, ConsentCommand::CloseCampaign { id: which.campaign, actor: String::new() }).map(Done)
}

/// How many people at a time.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RemindersAsked {
    /// At most this many, 1 to 500; 100 when absent.
    limit: Option<u32>,
}

/// Who must be reminded.
#[derive(Serialize, JsonSchema)]
struct Reminders {
    /// Ask again until there is nobody.
    items: Vec<Reminder>,
}

/// Somebody to be reminded.
#[derive(Serialize, JsonSchema)]
struct Reminder {
    person: SubjectId,
    /// In which language they last chose.
    language: Option<String>,
    /// Where they were last.
    region: Option<String>,
}

impl From<ReminderRow> for Reminder {
    fn from(row: ReminderRow) -> Self {
        Self { person: row.subject, language: row.language, region: row.region }
    }
}

fn remind(call: &Call<'_>, which: OneCampaign, asked: RemindersAsked) -> Result<Done<Reminders>, Problem> {
    let command = ConsentCommand::Remind { id: which.campaign, limit: Call::rows(asked.limit)? };
    let AdminReply::Consented(ConsentReply::Reminders(rows)) =
        call.as_staff(AdminCommand::Consent(command))?
    else {
        return Err(unexpected());
    };
    Ok(Done(Reminders { items: rows.into_iter().map(Reminder::from).collect() }))
}
