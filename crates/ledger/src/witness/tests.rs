use proptest::prelude::*;
use zeroize::Zeroizing;

use super::*;
use crate::hash::{leaf_hash, node_hash};
use crate::note::SigningKey;

const ORIGIN: &str = "log.example/11111111-2222-4333-8444-555555555555";

fn log_key(seed: u8) -> SigningKey {
    SigningKey::from_seed(ORIGIN, Zeroizing::new([seed; 32])).unwrap()
}

fn witness() -> WitnessKey {
    WitnessKey::from_seed("witness.example/w", Zeroizing::new([9; 32])).unwrap()
}

fn trusted() -> TrustedLogs {
    let mut logs = TrustedLogs::default();
    logs.add_family(log_key(1).renamed("log.example").unwrap().verifier());
    logs
}

/// The entries of a history; another `fork` differs from the entry `from` on.
fn leaves(size: u64, fork: u8, from: u64) -> Vec<Hash> {
    (0..size)
        .map(|index| leaf_hash(format!("{index} {}", if index < from { 0 } else { fork }).as_bytes()))
        .collect()
}

/// RFC 6962, section 2.1, word for word.
fn tree_head(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => EMPTY_ROOT,
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(split(leaves.len()));
            node_hash(&tree_head(left), &tree_head(right))
        }
    }
}

fn split(length: usize) -> usize {
    length.next_power_of_two() / 2
}

/// RFC 6962, section 2.1.2, word for word.
fn consistency(old: usize, leaves: &[Hash], is_whole: bool) -> Vec<Hash> {
    if old == leaves.len() {
        return if is_whole { Vec::new() } else { vec![tree_head(leaves)] };
    }
    let middle = split(leaves.len());
    let (left, right) = leaves.split_at(middle);
    if old <= middle {
        let mut path = consistency(old, left, is_whole);
        path.push(tree_head(right));
        path
    } else {
        let mut path = consistency(old - middle, right, false);
        path.push(tree_head(left));
        path
    }
}

fn checkpoint(leaves: &[Hash], key: &SigningKey) -> String {
    let size = u64::try_from(leaves.len()).unwrap();
    Checkpoint { origin: ORIGIN.to_owned(), size, root: tree_head(leaves) }.sign(key)
}

fn request(old: u64, leaves: &[Hash]) -> AddCheckpoint {
    let place = usize::try_from(old).unwrap();
    let proof = if old == 0 || place >= leaves.len() { Vec::new() } else { consistency(place, leaves, true) };
    AddCheckpoint { old_size: old, proof, note: checkpoint(leaves, &log_key(1)) }
}

fn now() -> Timestamp {
    Timestamp::from_second(1_700_000_000).unwrap()
}

fn ask(held: Option<&Held>, request: &AddCheckpoint) -> Result<Cosigning, WitnessRefusal> {
    cosign(&witness(), &trusted(), held, request, now())
}

proptest! {
    #[test]
    fn a_growing_log_is_cosigned_at_every_step(sizes in proptest::collection::vec(0_u64..40, 1..12)) {
        let mut held: Option<Held> = None;
        let mut size = 0;
        for more in sizes {
            let old = size;
            size += more;
            let request = request(old, &leaves(size, 0, 0));
            let read = AddCheckpoint::parse(request.to_string().as_bytes()).unwrap();
            prop_assert_eq!(&read, &request);
            let cosigned = ask(held.as_ref(), &request).unwrap();
            prop_assert_eq!(&cosigned.origin, ORIGIN);
            let key = log_key(1).verifier();
            prop_assert_eq!(&Held::read(&cosigned.held.note, &key).unwrap(), &cosigned.held);
            prop_assert_eq!(witness().verifier().cosigned_at(cosigned.held.note.as_bytes()).unwrap(), now());
            held = Some(cosigned.held);
        }
    }

    #[test]
    fn a_rewritten_history_is_never_cosigned(size in 1_u64..40, more in 0_u64..40, from in 0_u64..40) {
        let from = from % size;
        let held = ask(None, &request(0, &leaves(size, 0, 0))).unwrap().held;
        // Rewritten, rebuilt and signed with the log's own key: every self-contained check passes.
        let rewritten = leaves(size + more, 1, from);
        let refused = ask(Some(&held), &request(size, &rewritten)).unwrap_err();
        prop_assert_eq!(refused.status(), 422);
        prop_assert_eq!(refused, WitnessRefusal::Forked { held: size });
    }

    #[test]
    fn whatever_is_sent_is_read_or_refused(body in proptest::collection::vec(any::<u8>(), 0..400)) {
        if let Ok(request) = AddCheckpoint::parse(&body) {
            prop_assert!(ask(None, &request).is_err());
        }
    }
}

#[test]
fn refusals_come_with_the_statuses_of_the_protocol() {
    let held = ask(None, &request(0, &leaves(5, 0, 0))).unwrap().held;
    let check = |request: &AddCheckpoint, status: u16| {
        assert_eq!(ask(Some(&held), request).unwrap_err().status(), status, "{request:?}");
    };
    check(&request(4, &leaves(6, 0, 0)), 409);
    check(&request(7, &leaves(6, 0, 0)), 400);
    check(&AddCheckpoint { proof: vec![[0; 32]], ..request(5, &leaves(5, 0, 0)) }, 422);
    let stranger =
        AddCheckpoint { note: checkpoint(&leaves(6, 0, 0), &log_key(2)), ..request(5, &leaves(6, 0, 0)) };
    check(&stranger, 403);
    let elsewhere = AddCheckpoint { note: stranger.note.replace("log.example", "other.example"), ..stranger };
    check(&elsewhere, 404);
    let again = ask(Some(&held), &request(5, &leaves(5, 0, 0))).unwrap();
    assert_eq!(again.held.size, 5, "the same checkpoint again is cosigned anew");
    assert_eq!(ask(None, &request(5, &leaves(6, 0, 0))).unwrap_err(), WitnessRefusal::OtherSize { held: 0 });
}

#[test]
fn malformed_requests_are_refused() {
    for body in ["", "old 1", "old 01\n\nx", "old -1\n\nx", "size 1\n\nx", "old 1\nAAAA\n\nx", "old 1\n\n"] {
        let refused = AddCheckpoint::parse(body.as_bytes()).and_then(|request| ask(None, &request));
        assert!(refused.is_err(), "{body:?}");
    }
    let hashes = format!("{}\n", STANDARD.encode([0_u8; 32])).repeat(64);
    assert!(AddCheckpoint::parse(format!("old 1\n{hashes}\nx").as_bytes()).is_err(), "64 hashes");
    assert!(AddCheckpoint::parse(&vec![b'x'; ADD_CHECKPOINT_BYTES_MAX + 1]).is_err());
}

#[test]
fn a_family_is_one_key_for_each_organisations_log_and_nothing_more() {
    let logs = trusted();
    assert_eq!(logs.keys(ORIGIN), [log_key(1).verifier()]);
    for origin in
        ["log.example", "log.example/", "log.example/x", "evil.example/11111111-2222-4333-8444-555555555555"]
    {
        assert!(logs.keys(origin).is_empty(), "{origin}");
    }
    let mut named = TrustedLogs::default();
    named.add_family(log_key(1).verifier());
    assert_eq!(named.keys(ORIGIN), logs.keys(ORIGIN), "by the key of one of its logs");
    assert_eq!(named.keys("log.example/99999999-2222-4333-8444-555555555555").len(), 1);
}

#[test]
fn keys_of_one_log_stand_beside_each_other_and_every_signature_by_them_must_fit() {
    let family = |seed: u8| log_key(seed).renamed("log.example").unwrap().verifier();
    let mut both = trusted();
    both.add_family(family(2));
    both.add_family(family(2));
    both.add(log_key(2).verifier());
    assert_eq!(both.keys(ORIGIN), [log_key(2).verifier(), log_key(1).verifier()], "each once");
    let held = ask(None, &request(0, &leaves(5, 0, 0))).unwrap().held;
    // On its day the next key signs the same tree anew, and then a larger one.
    let by_next = |old: u64, size: u64| AddCheckpoint {
        note: checkpoint(&leaves(size, 0, 0), &log_key(2)),
        ..request(old, &leaves(size, 0, 0))
    };
    assert_eq!(
        ask(Some(&held), &by_next(5, 5)).unwrap_err(),
        WitnessRefusal::Unsigned,
        "without the overlap"
    );
    let renewed = cosign(&witness(), &both, Some(&held), &by_next(5, 5), now()).unwrap().held;
    let grown = cosign(&witness(), &both, Some(&renewed), &by_next(5, 9), now()).unwrap().held;
    assert_eq!(grown.size, 9);
    // Who rewrites with the next key is seen by what the former one signed.
    let rewritten =
        AddCheckpoint { note: checkpoint(&leaves(9, 1, 2), &log_key(2)), ..request(5, &leaves(9, 1, 2)) };
    assert_eq!(
        cosign(&witness(), &both, Some(&held), &rewritten, now()).unwrap_err(),
        WitnessRefusal::Forked { held: 5 }
    );
    // A false line by one key is not made good by a true line of another.
    let honest = checkpoint(&leaves(6, 0, 0), &log_key(1));
    let false_line = checkpoint(&leaves(7, 0, 0), &log_key(2));
    let false_line = false_line.split_once("\n\n").unwrap().1;
    let mixed = AddCheckpoint { note: format!("{honest}{false_line}"), ..request(5, &leaves(6, 0, 0)) };
    assert_eq!(cosign(&witness(), &both, Some(&held), &mixed, now()).unwrap_err(), WitnessRefusal::Unsigned);
}

#[test]
fn what_only_a_retired_key_signed_counts_by_the_witnesss_own_cosignature() {
    let held = ask(None, &request(0, &leaves(5, 0, 0))).unwrap().held;
    let next = [log_key(2).verifier()];
    assert!(Held::read(&held.note, &next).is_err());
    assert_eq!(Held::read_own(&held.note, &next, &witness().verifier()).unwrap(), held);
    let stranger = WitnessKey::from_seed("witness.example/w", Zeroizing::new([10; 32])).unwrap();
    assert!(Held::read_own(&held.note, &next, &stranger.verifier()).is_err());
    let changed = held.note.replace("\n5\n", "\n4\n");
    assert!(Held::read_own(&changed, &next, &witness().verifier()).is_err());
}

#[test]
fn a_line_is_added_to_a_checkpoint_once_and_only_if_it_fits() {
    let note = checkpoint(&leaves(3, 0, 0), &log_key(1));
    let line = ask(None, &request(0, &leaves(3, 0, 0))).unwrap().cosignature;
    let key = witness().verifier();
    let cosigned = with_cosignature(&note, &line, &key).unwrap();
    assert_eq!(key.cosigned_at(cosigned.as_bytes()).unwrap(), now());
    assert_eq!(with_cosignature(&cosigned, &line, &key).unwrap(), cosigned, "not twice");
    Checkpoint::verify(cosigned.as_bytes(), &log_key(1).verifier()).unwrap();
    let other = ask(None, &request(0, &leaves(4, 0, 0))).unwrap().cosignature;
    assert!(with_cosignature(&note, &other, &key).is_err(), "of another checkpoint");
    assert!(with_cosignature(&note, "", &key).is_err());
}
