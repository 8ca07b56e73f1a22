//! `ledger key show`, `ledger key rotate`

use fiducia_custody::{AdminCommand, AdminReply, LogKeyCommand, LogKeyReply, LogKeyRow};

use crate::arguments::LogKeyCommand as Arguments;
use crate::failure::{ExitStatus, Failure};
use crate::output::{Output, instant, remark};
use crate::session::Session;

pub(super) fn run(command: Arguments) -> Result<ExitStatus, Failure> {
    match command {
        Arguments::Show { organization, data } => {
            let session = Session::open(&data)?;
            let organization = session.organization(&organization)?;
            let LogKeyReply::Keys(keys) = send(&session, LogKeyCommand::List { organization })? else {
                return Err(Failure::UnexpectedReply("log-keys"));
            };
            session.close();
            let mut output = Output::standard(data.json);
            if output.json() {
                output.value(&keys)?;
            } else {
                output.line(format_args!("log  {}", keys.origin))?;
                keys.keys.iter().try_for_each(|key| show(&mut output, key))?;
            }
            output.finish()?;
        }
        Arguments::Rotate { from, compromised, data } => {
            let session = Session::open(&data)?;
            let command = LogKeyCommand::Announce { signs_from: from, compromised };
            let LogKeyReply::Announced { pair, signs_from } = send(&session, command)? else {
                return Err(Failure::UnexpectedReply("log-keys"));
            };
            session.keep_verifier_keys();
            session.close();
            let mut output = Output::standard(data.json);
            if output.json() {
                output.value(&serde_json::json!({ "pair": pair, "signs_from": signs_from }))?;
            } else {
                output.line(format_args!(
                    "pair {pair} is announced in every log and signs from {}",
                    instant(signs_from)
                ))?;
            }
            output.finish()?;
            remark(
                "`fiducia ledger key show` prints the new keys. Publish their fingerprints where verifiers look for them, and give the \
                 new keys to the witnesses before that day.",
            );
        }
    }
    Ok(ExitStatus::Success)
}

fn send(session: &Session, command: LogKeyCommand) -> Result<LogKeyReply, Failure> {
    match session.send(AdminCommand::LogKeys(command))? {
        AdminReply::LogKeys(reply) => Ok(reply),
        _ => Err(Failure::UnexpectedReply("log-keys")),
    }
}

fn show(output: &mut Output, key: &LogKeyRow) -> Result<(), Failure> {
    let state = match (key.signs, key.signs_from) {
        (true, None) => "signs".to_owned(),
        (true, Some(from)) => format!("signs since {}", instant(from)),
        (false, Some(from)) => format!("announced or retired; to sign from {}", instant(from)),
        (false, None) => "retired".to_owned(),
    };
    output.line("")?;
    output.line(format_args!("pair {}, {}: {state}", key.pair, key.algorithm))?;
    output.line(format_args!("  verifier key  {}", key.verifier_key))?;
    output.line(format_args!("  fingerprint   {}", key.fingerprint))
}
