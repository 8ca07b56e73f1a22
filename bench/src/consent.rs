//! How long a choice takes until it is acknowledged, and how many a second an import enters, through custody's own interface
//! and on real files.

use std::sync::Arc;
use std::time::{Duration, Instant};

use fiducia_custody::{
    AdminCommand, AdminReply, CaptureLimits, ConsentChoice, ConsentCommand, ConsentEvidence, ConsentReply,
    Custody, CustodySettings, ImportedChoice, RetentionCommand, Scope, ShownNotice,
};
use fiducia_keyring::KeyfileKms;
use fiducia_policy::{
    Agreement, Clock, ConsentAct, ConsentChannel, ConsentKind, ConsentPurpose, OrganizationId, Plan,
    Randomness,
};

use crate::failure::Failure;
use crate::report;
use crate::retention::{Simulated, SystemRandomness, refused};

const CHOICES_PER_STEP: u64 = 4_000;
/// Single choices that are timed.
const TIMED: u32 = 500;
const NOTICE: &str = include_str!("../../policies/notices/batch-training.en.toml");

/// Measures single choices, then an import of `people` choices.
///
/// # Errors
/// When custody refuses something.
pub(crate) fn measure(people: u64) -> Result<(), Failure> {
    let (custody, _folder) = opened(Arc::new(Simulated::new()))?;
    let organization = prepared(&custody)?;
    single(&custody, organization)?;
    import(&custody, organization, people)?;
    custody.close();
    Ok(())
}

/// Custody on a fresh data directory, which goes with what is given beside it.
pub(crate) fn opened(clock: Arc<dyn Clock>) -> Result<(Custody, tempfile::TempDir), Failure> {
    let failed = |cause| Failure::System { doing: "make a folder", cause };
    let folder = match std::env::var_os("FIDUCIA_BENCH_DIRECTORY") {
        Some(place) => tempfile::tempdir_in(place).map_err(failed)?,
        None => tempfile::tempdir().map_err(failed)?,
    };
    let randomness = Arc::new(SystemRandomness::new());
    let keyfile = folder.path().join("root.key");
    KeyfileKms::create(&keyfile, &*randomness as &dyn Randomness).map_err(refused)?;
    let settings = CustodySettings {
        data_directory: folder.path().join("data"),
        keyfile: Some(keyfile),
        key_services: fiducia_custody::KeyServices::default(),
        ledger_origin: "ledger.bench".to_owned(),
        limits: CaptureLimits::default(),
        certificates: fiducia_custody::CertificateSettings::default(),
        witnesses: None,
        access: fiducia_custody::AccessSettings::default(),
    };
    let custody = Custody::open(&settings, clock, randomness).map_err(refused)?;
    Ok((custody, folder))
}

/// An organisation whose people are asked, by a notice.
pub(crate) fn prepared(custody: &Custody) -> Result<OrganizationId, Failure> {
    let publish = RetentionCommand::PublishPolicy {
        source: include_str!("../../policies/consumer.toml").to_owned(),
        actor: "bench".to_owned(),
    };
    custody.administer(AdminCommand::Govern(publish)).map_err(refused)?;
    let created = custody.administer(AdminCommand::CreateOrganization {
        name: "shop".to_owned(),
        plan: Plan::Pro,
        tier: None,
        agreement: Agreement::Standard,
        custom_retention: None,
    });
    let AdminReply::Organization(created) = created.map_err(refused)? else {
        return Err(refused("another reply"));
    };
    let publish = ConsentCommand::PublishNotice { source: NOTICE.to_owned(), actor: "bench".to_owned() };
    custody.administer(AdminCommand::Consent(publish)).map_err(refused)?;
    Ok(created.id)
}

/// A choice about the notice.
pub(crate) fn choice(act: ConsentAct) -> ConsentChoice {
    ConsentChoice {
        purpose: ConsentPurpose::BatchTraining,
        act,
        kind: ConsentKind::Explicit,
        notice: Some(ShownNotice { language: "en".to_owned(), version: 1, hash: None }),
        region: None,
        evidence: ConsentEvidence::default(),
        at: None,
        request: None,
    }
}

/// One person changes their mind again and again; each change waits for the last.
fn single(custody: &Custody, organization: OrganizationId) -> Result<(), Failure> {
    let created = custody.administer(AdminCommand::CreateVirtualKey {
        organization,
        workspace: None,
        subject: "one".to_owned(),
        scopes: vec![Scope::Inference],
        class: None,
        expires_at: None,
    });
    let AdminReply::VirtualKey(key) = created.map_err(refused)? else {
        return Err(refused("another reply"));
    };
    let caller = custody.authenticate(&key.secret).map_err(refused)?;
    let (mut gives, mut withdrawals) = (Vec::new(), Vec::new());
    for number in 0..TIMED {
        let (act, into) = if number % 2 == 0 {
            (ConsentAct::Give, &mut gives)
        } else {
            (ConsentAct::Withdraw, &mut withdrawals)
        };
        let begun = Instant::now();
        custody.choose(&caller, ConsentChannel::Settings, choice(act)).map_err(refused)?;
        into.push(begun.elapsed());
    }
    say("a yes is acknowledged, log included", gives);
    say("a withdrawal is acknowledged, path destroyed, log included", withdrawals);
    Ok(())
}

/// Prints median and 99th percentile.
pub(crate) fn say(what: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |share: usize| {
        let place = times.len() * share / 100;
        times.get(place.min(times.len().saturating_sub(1))).map_or(0.0, |time| time.as_secs_f64() * 1e3)
    };
    report::line(format!("{what}: median {:.1} ms, p99 {:.1} ms", at(50), at(99)));
}

/// Many people's first choices, handed over in steps as `fiducia consent import` does.
fn import(custody: &Custody, organization: OrganizationId, people: u64) -> Result<(), Failure> {
    let begun = Instant::now();
    let mut entered = 0;
    let mut next = 0;
    while next < people {
        let until = people.min(next + CHOICES_PER_STEP);
        let choices = (next..until).map(|number| ImportedChoice {
            subject: format!("person-{number}"),
            choice: ConsentChoice { request: Some(number.to_string()), ..choice(ConsentAct::Give) },
        });
        let choices = choices.collect();
        let command = ConsentCommand::Import { organization, choices, actor: "bench".to_owned() };
        match custody.administer(AdminCommand::Consent(command)).map_err(refused)? {
            AdminReply::Consented(ConsentReply::Imported(report)) => entered += report.entered,
            _ => return Err(refused("another reply")),
        }
        next = until;
    }
    let seconds = begun.elapsed().as_secs_f64();
    if entered != people {
        return Err(refused(format!("{entered} of {people} choices were entered")));
    }
    #[expect(clippy::cast_precision_loss, reason = "a rate is printed in whole choices")]
    let rate = people as f64 / seconds;
    report::line(format!("import of {people} first choices of new people: {rate:.0} a second"));
    Ok(())
}
