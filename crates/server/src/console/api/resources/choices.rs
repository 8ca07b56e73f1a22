//! `/consents/choices`: what people chose, choosing, receipts, and choices that come from elsewhere.

use fiducia_custody::{
    AdminCommand, AdminReply, ConsentChoice, ConsentCommand, ConsentEntry, ConsentEvidence, ConsentOutcome,
    ConsentReply, ImportedChoice, PersonalCommand, RefusedChoice, ShownNotice,
};
use fiducia_policy::{
    CampaignId, ConsentAct, ConsentChannel, ConsentId, ConsentKind, ConsentPurpose, ConsentState, Timestamp,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::call::{Acting, Call, RoleAsked, unexpected};
use super::super::caller::{Person, Who};
use super::super::endpoint::{Endpoint, Nothing};
use super::super::problem::Problem;
use super::super::reply::{Done, Found, Listed, Made};
use super::consents::{NoticeOfStanding, OnePerson};

/// The largest batch, in bytes: 4,096 choices of 1 KiB.
const BATCH_BYTES_MAX: usize = 4 * 1024 * 1024;

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get(
            "/consents/choices",
            "list-choices",
            "What the person chose, newest first.",
            Who::PersonOrApplication,
            own,
        ),
        Endpoint::post(
            "/consents/choices",
            "choose",
            "Enters the person's choice.",
            Who::PersonOrApplication,
            choose,
        )
        .changes("/consents"),
        Endpoint::get(
            "/consents/choices/{choice}/receipt",
            "show-receipt",
            "The receipt of a choice, with the keys by which anybody can check it.",
            Who::PersonOrStaff,
            receipt,
        ),
        Endpoint::post(
            "/consents/imports",
            "import-choices",
            "Enters up to 4,096 choices of many people, each for itself.",
            Who::Staff,
            import,
        )
        .takes_lines(BATCH_BYTES_MAX),
        Endpoint::get(
            "/people/{person}/consents/choices",
            "list-choices-of-person",
            "What a person of the organisation chose, newest first.",
            Who::Staff,
            of_person,
        ),
        Endpoint::post(
            "/people/{person}/consents/choices",
            "choose-for-person",
            "Enters a choice that a person made some other way.",
            Who::Staff,
            choose_for,
        )
        .changes("/people/{person}/consents"),
    ]
}

/// A choice as it stands in the history.
#[derive(Serialize, JsonSchema)]
struct Choice {
    /// Its id, and that of its receipt.
    id: ConsentId,
    purpose: ConsentPurpose,
    act: ConsentAct,
    /// Where that led.
    state: ConsentState,
    kind: ConsentKind,
    /// By which way it came.
    channel: ConsentChannel,
    /// The notice that was shown.
    notice: Option<NoticeOfStanding>,
    /// Where the person was (ISO 3166).
    region: Option<String>,
    /// Who did it: the person by an account, a key or a token, a member of staff, or nobody.
    entity: String,
    at: Timestamp,
}

impl From<ConsentEntry> for Choice {
    fn from(row: ConsentEntry) -> Self {
        Self {
            id: row.id,
            purpose: row.purpose,
            act: row.act,
            state: row.state,
            kind: row.kind,
            channel: row.channel,
            notice: row.notice.map(|(language, version)| NoticeOfStanding { language, version }),
            region: row.region,
            entity: row.entity,
            at: row.at,
        }
    }
}

/// Which part of a history.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct HistoryPart {
    /// Only about this purpose.
    purpose: Option<ConsentPurpose>,
    /// What `next` said.
    after: Option<String>,
    /// At most this many rows, 1 to 500; 100 when absent.
    limit: Option<u32>,
}

fn history(call: &Call<'_>, reply: AdminReply, rows: u32) -> Result<Listed<Choice>, Problem> {
    let AdminReply::Consented(ConsentReply::History(found)) = reply else { return Err(unexpected()) };
    Ok(call.listed(found, rows, |row: &ConsentEntry| row.sequence.to_string()))
}

fn own(call: &Call<'_>, _: Nothing, part: HistoryPart) -> Result<Listed<Choice>, Problem> {
    let rows = Call::rows(part.limit)?;
    let before = call.after(part.after.as_deref())?;
    let command = PersonalCommand::Choices { purpose: part.purpose, before, limit: rows + 1 };
    history(call, call.personally(command)?, rows)
}

fn of_person(call: &Call<'_>, one: OnePerson, part: HistoryPart) -> Result<Listed<Choice>, Problem> {
    let rows = Call::rows(part.limit)?;
    let before = call.after(part.after.as_deref())?;
    let (subject, purpose) = (one.person, part.purpose);
    let command = ConsentCommand::History { subject, purpose, before, limit: rows + 1 };
    history(call, call.as_staff(AdminCommand::Consent(command))?, rows)
}

/// Which text a person was shown.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NoticeShown {
    language: String,
    version: u32,
    /// SHA-256 of the notice, hex, as the notice's resource gives it; it must fit.
    hash: Option<String>,
}

/// Evidence of how a choice was made. Tokens of 1 to 64 of `A-Z a-z 0-9 . _ -`: never what a person wrote.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Evidence {
    /// Which variant of the screen was shown.
    screen: Option<String>,
    /// The emergency that a retroactive consent is about.
    emergency: Option<String>,
    /// The campaign that asked.
    campaign: Option<CampaignId>,
}

/// What is chosen about one purpose.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NewChoice {
    purpose: ConsentPurpose,
    act: ConsentAct,
    /// In which way; `explicit` when absent.
    kind: Option<ConsentKind>,
    /// By which of the person's own ways; `api` when absent.
    channel: Option<ConsentChannel>,
    /// Which text was shown. A yes needs one.
    notice: Option<NoticeShown>,
    /// Where the person was (ISO 3166), as far as known.
    region: Option<String>,
    #[serde(default)]
    evidence: Evidence,
    /// When it was made; now when absent. A choice older than the one that stands is refused.
    at: Option<Timestamp>,
}

impl NewChoice {
    fn into_choice(self, request: Option<String>) -> (ConsentChannel, ConsentChoice) {
        let notice = self.notice.map(|shown| ShownNotice {
            language: shown.language,
            version: shown.version,
            hash: shown.hash,
        });
        let Evidence { screen, emergency, campaign } = self.evidence;
        let choice = ConsentChoice {
            purpose: self.purpose,
            act: self.act,
            kind: self.kind.unwrap_or(ConsentKind::Explicit),
            notice,
            region: self.region,
            evidence: ConsentEvidence { screen, emergency, campaign },
            at: self.at,
            request,
        };
        (self.channel.unwrap_or(ConsentChannel::Api), choice)
    }
}

/// What became of a choice.
#[derive(Serialize, JsonSchema)]
struct ChoiceEntered {
    /// Its id, and that of its receipt.
    id: ConsentId,
    /// Where the person stands.
    state: ConsentState,
    /// Where its entry lies in the organisation's log, where that is known yet.
    ledger_index: Option<u64>,
    /// Nothing was changed: the same was said before, and this is the entry of that time.
    repeated: bool,
}

impl From<ConsentOutcome> for ChoiceEntered {
    fn from(outcome: ConsentOutcome) -> Self {
        Self {
            id: outcome.id,
            state: outcome.state,
            ledger_index: outcome.ledger_index,
            repeated: outcome.repeated,
        }
    }
}

fn entered(outcome: ConsentOutcome) -> Made<ChoiceEntered> {
    Made { location: format!("/consents/choices/{}/receipt", outcome.id), what: outcome.into() }
}

fn choose(call: &Call<'_>, _: Nothing, chosen: NewChoice) -> Result<Made<ChoiceEntered>, Problem> {
    let (channel, choice) = chosen.into_choice(call.own_key());
    // What will be refused makes nobody known.
    let can_count = choice.act != ConsentAct::Give || choice.notice.is_some();
    let outcome = match if can_count { call.person_or_new()? } else { call.person()? } {
        Person::Oneself(who) => call.custody.choose_for_oneself(&who, channel, choice)?,
        Person::SpokenFor(who) => call.custody.choose_by_application(&who, channel, choice)?,
    };
    Ok(entered(outcome))
}

fn choose_for(call: &Call<'_>, one: OnePerson, chosen: NewChoice) -> Result<Made<ChoiceEntered>, Problem> {
    if chosen.channel.is_some_and(|channel| channel != ConsentChannel::Admin) {
        return Err(Problem::Invalid(
            "what staff enter has the channel `admin`; leave it out. Nothing was changed".to_owned(),
        ));
    }
    let (_, choice) = chosen.into_choice(call.own_key());
    let command = ConsentCommand::Choose { subject: one.person, choice, actor: String::new() };
    let AdminReply::Consented(ConsentReply::Chosen(outcome)) =
        call.as_staff(AdminCommand::Consent(command))?
    else {
        return Err(unexpected());
    };
    Ok(entered(outcome))
}

/// Which choice.
#[derive(Deserialize, JsonSchema)]
struct OneChoice {
    /// The choice.
    choice: ConsentId,
}

/// A receipt.
#[derive(Serialize, JsonSchema)]
struct Receipt {
    /// The file, to be kept as it is: what a person can verify, with `fiducia consent verify` or by hand.
    file: String,
    /// The keys by which it is checked. Keep them elsewhere.
    verifier_keys: Vec<String>,
}

fn receipt(call: &Call<'_>, one: OneChoice, asked: RoleAsked) -> Result<Found<Receipt>, Problem> {
    let id = one.choice;
    let reply = match call.acting(asked.role) {
        Acting::Person => call.personally(PersonalCommand::Receipt { id })?,
        Acting::Staff => call.as_staff(AdminCommand::Consent(ConsentCommand::Receipt { id }))?,
    };
    let AdminReply::Consented(ConsentReply::Receipt { text, verifier_keys }) = reply else {
        return Err(unexpected());
    };
    Ok(Found(Receipt { file: text, verifier_keys }))
}

/// A choice of one of many people.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ChoiceOfMany {
    /// The application's own name for the person.
    person: String,
    /// A key by which the same choice is recognised: 1 to 128 visible ASCII characters.
    key: Option<String>,
    /// What was chosen. What is imported has the channel `admin`.
    choice: NewChoice,
}

/// What an import did.
#[derive(Serialize, JsonSchema)]
struct Imported {
    entered: u64,
    /// Choices that had been entered before.
    repeated: u64,
    refused: Vec<RefusedLine>,
}

/// A choice that was refused; the others were entered all the same.
#[derive(Serialize, JsonSchema)]
struct RefusedLine {
    /// Its place in what was sent, from 0.
    place: usize,
    /// The kind of problem.
    #[serde(rename = "type")]
    kind: String,
    detail: String,
}

impl From<RefusedChoice> for RefusedLine {
    fn from(refused: RefusedChoice) -> Self {
        let view = Problem::from(refused.error).view();
        Self { place: refused.place, kind: view.kind, detail: view.detail }
    }
}

fn import(call: &Call<'_>, _: Nothing, choices: Vec<ChoiceOfMany>) -> Result<Done<Imported>, Problem> {
    let organization = call.caller.account().organization;
    let is_foreign =
        |one: &ChoiceOfMany| one.choice.channel.is_some_and(|channel| channel != ConsentChannel::Admin);
    if let Some(place) = choices.iter().position(is_foreign) {
        return Err(Problem::Invalid(format!(
            "what is imported has the channel `admin`; leave it out of line {place}. Nothing was changed"
        )));
    }
    let choices = choices.into_iter().map(|one| {
        let (_, choice) = one.choice.into_choice(one.key);
        ImportedChoice { subject: one.person, choice }
    });
    let command = ConsentCommand::Import { organization, choices: choices.collect(), actor: String::new() };
    let AdminReply::Consented(ConsentReply::Imported(report)) =
        call.as_staff(AdminCommand::Consent(command))?
    else {
        return Err(unexpected());
    };
    Ok(Done(Imported {
        entered: report.entered,
        repeated: report.repeated,
        refused: report.refused.into_iter().map(RefusedLine::from).collect(),
    }))
}
