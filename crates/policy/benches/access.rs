//! What it costs to ask whether somebody may do something.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use fiducia_policy::{
    AccessAction, AccessPolicy, AccessPrincipal, AccessReason, AccessTarget, AccountId, Circumstances,
    DataKind, OrganizationId, Purpose, Role, RoleSet, SubjectId,
};

fn decide(criterion: &mut Criterion) {
    let Ok(policy) = AccessPolicy::built_in() else { return };
    let organization = OrganizationId::from_bytes([1; 16]);
    let subject = Some(SubjectId::from_bytes([2; 16]));
    let mut ask = |name: &str, role: Role, action: AccessAction, kind: DataKind| {
        let principal = AccessPrincipal {
            account: AccountId::from_bytes([3; 16]),
            organization,
            subject: None,
            roles: RoleSet::from_iter([role]),
            without_account: None,
        };
        let target = AccessTarget { kind, organization, subject, region: "eu" };
        let circumstances = Circumstances {
            reason: Some(AccessReason::SafetyReview),
            purpose: Some(Purpose::EnforceSecurity),
            ticket: true,
            matter: true,
            region: "eu",
            ..Circumstances::default()
        };
        criterion.bench_function(&format!("access/{name}"), |bencher| {
            bencher.iter(|| policy.decide(black_box(&principal), action, black_box(&target), &circumstances));
        });
    };
    ask("read in a case", Role::TrustAndSafety, AccessAction::Read, DataKind::FlaggedContent);
    ask("refused", Role::Research, AccessAction::Read, DataKind::Content);
    ask("see the queue", Role::Support, AccessAction::See, DataKind::Requests);
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(30);
    targets = decide
}
criterion_main!(benches);
