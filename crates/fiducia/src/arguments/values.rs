//! How single arguments are read: closed lists by name, ids by their prefix, instants, reasons.

use clap::ArgGroup;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use fiducia_custody::{ContentScope, DestructionScope};
use fiducia_policy::{
    AccessReason, Agreement, ApiScope, ComplianceScope, ConversationId, ExtensionReason, GroundKind,
    IdentityMethod, Plan, RecordClass, RecordId, RefusalReason, Regime, RequestKind, Role, Tier, Timestamp,
};

/// A plan.
pub(super) fn plan() -> impl TypedValueParser<Value = Plan> {
    one_of(Plan::ALL.map(Plan::name))
}

/// A governance tier.
pub(super) fn tier() -> impl TypedValueParser<Value = Tier> {
    one_of(Tier::ALL.map(Tier::name))
}

/// What somebody may be in the console.
pub(super) fn role() -> impl TypedValueParser<Value = Role> {
    one_of(Role::ALL.map(Role::name))
}

/// What a token for the JSON API permits.
pub(super) fn api_scope() -> impl TypedValueParser<Value = ApiScope> {
    one_of(ApiScope::ALL.map(ApiScope::name))
}

/// What a key to the Compliance API permits.
pub(super) fn compliance_scope() -> impl TypedValueParser<Value = ComplianceScope> {
    one_of(ComplianceScope::ALL.map(ComplianceScope::name))
}

/// An agreement on retention.
pub(super) fn agreement() -> impl TypedValueParser<Value = Agreement> {
    one_of(Agreement::ALL.map(Agreement::name))
}

/// A class of what a key captures: those that hold conversations.
pub(super) fn class() -> impl TypedValueParser<Value = RecordClass> {
    one_of(RecordClass::ALL.into_iter().filter(|class| class.is_conversation()).map(RecordClass::name))
}

/// A ground on which people read. The scores of classifiers are no records.
pub(super) fn ground() -> impl TypedValueParser<Value = GroundKind> {
    let read = GroundKind::ALL.into_iter().filter(|ground| *ground != GroundKind::SafetyScore);
    one_of(read.map(GroundKind::name))
}

/// What a person asks.
pub(super) fn request_kind() -> impl TypedValueParser<Value = RequestKind> {
    one_of(RequestKind::ALL.map(RequestKind::name))
}

/// A law.
pub(super) fn regime() -> impl TypedValueParser<Value = Regime> {
    one_of(Regime::ALL.map(Regime::name))
}

/// How it was made sure who asks.
pub(super) fn identity_method() -> impl TypedValueParser<Value = IdentityMethod> {
    one_of(IdentityMethod::ALL.map(IdentityMethod::name))
}

/// Why a request takes longer.
pub(super) fn extension_reason() -> impl TypedValueParser<Value = ExtensionReason> {
    one_of(ExtensionReason::ALL.map(ExtensionReason::name))
}

/// Why a request is refused.
pub(super) fn refusal_reason() -> impl TypedValueParser<Value = RefusalReason> {
    one_of(RefusalReason::ALL.map(RefusalReason::name))
}

/// Exactly one of these arguments is needed.
pub(super) fn one_required<const N: usize>(name: &'static str, arguments: [&'static str; N]) -> ArgGroup {
    ArgGroup::new(name).args(arguments).required(true).multiple(false)
}

/// One of a closed list, which the help then shows.
pub(super) fn one_of<T>(names: impl IntoIterator<Item = &'static str>) -> impl TypedValueParser<Value = T>
where
    T: std::str::FromStr<Err: std::error::Error + Send + Sync> + Clone + Send + Sync + 'static,
{
    PossibleValuesParser::new(names).try_map(|name| name.parse())
}

/// A conversation or a record.
pub(super) fn readable(text: &str) -> Result<DestructionScope, String> {
    let by_record = || text.parse::<RecordId>().map(DestructionScope::Record);
    let by_conversation = || text.parse::<ConversationId>().map(DestructionScope::Conversation);
    let parsed = if text.starts_with(RecordId::PREFIX) {
        by_record()
    } else if text.starts_with(ConversationId::PREFIX) {
        by_conversation()
    } else {
        return Err("expected a conversation (conv_…) or a record (rec_…)".into());
    };
    parsed.map_err(|error| error.to_string())
}

/// A conversation or a record, as content to be kept.
pub(super) fn content(text: &str) -> Result<ContentScope, String> {
    match readable(text)? {
        DestructionScope::Record(id) => Ok(ContentScope::Record(id)),
        DestructionScope::Conversation(id) => Ok(ContentScope::Conversation(id)),
        DestructionScope::Subject(_) => Err("expected a conversation (conv_…) or a record (rec_…)".into()),
    }
}

/// A reason for reading.
pub(super) fn reason(text: &str) -> Result<AccessReason, String> {
    text.parse::<AccessReason>().map_err(|error| error.to_string())
}

/// An instant.
pub(super) fn instant(text: &str) -> Result<Timestamp, String> {
    text.parse().map_err(|_| "this is no instant; write one such as 2027-01-01T00:00:00Z".to_owned())
}

/// The reasons for reading, one a line, for the help and for the error when none was given.
pub(crate) fn reasons_list() -> String {
    let line = |reason: &AccessReason| format!("  {:<32}{}", reason.name(), explain(*reason));
    AccessReason::ALL.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// The help on reasons.
pub(super) fn reasons_help() -> String {
    format!(
        "Reasons:\n{}\n\nExample:\n  fiducia records show conv_0199… --reason customer_support --ticket CASE-1042",
        reasons_list()
    )
}

const fn explain(reason: AccessReason) -> &'static str {
    match reason {
        AccessReason::SafetyReview => "viewed in a policy or safety investigation",
        AccessReason::IncidentResponse => "viewed while handling an incident that affects the organisation",
        AccessReason::PolicyViolationInvestigation => "looked at as part of a case about a violation",
        AccessReason::CsaeReport => "evidence of child sexual abuse or exploitation",
        AccessReason::SubjectRequest => "answering a request of the person the data is about",
        AccessReason::CustomerSupport => "the customer asked for help with this record",
        AccessReason::LegalObligation => "a court order or another duty in law",
        AccessReason::OrganizationCompliance => "the organisation's own compliance program, by its key",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_told_apart_by_their_prefix() {
        let uuid = "01990000-0000-7000-8000-000000000000";
        assert!(matches!(readable(&format!("rec_{uuid}")), Ok(DestructionScope::Record(_))));
        assert!(matches!(readable(&format!("conv_{uuid}")), Ok(DestructionScope::Conversation(_))));
        assert!(readable(uuid).unwrap_err().contains("conv_"));
        assert!(readable("rec_nonsense").is_err());
    }

    #[test]
    fn every_reason_stands_in_the_help() {
        assert!(AccessReason::ALL.iter().all(|reason| reasons_help().contains(reason.name())));
    }
}
