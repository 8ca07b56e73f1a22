//! Sessions of reading by programs: who may close and open a lockbox.

use serde_json::json;

use super::Stand;

#[test]
fn a_lockbox_is_an_administrators_to_close_and_open() {
    let stand = Stand::new();
    let (admin, legal) = (stand.staff("tenant-admin"), stand.staff("legal"));
    assert_eq!(stand.get(&legal, "/access/lockbox").is(200).json()["enabled"], false);
    stand.post(&legal, "/access/lockbox", &json!({"enabled": true})).is(403);
    assert_eq!(
        stand.post(&admin, "/access/lockbox", &json!({"enabled": true})).is(200).json()["enabled"],
        true
    );
    assert_eq!(stand.get(&legal, "/access/lockbox").is(200).json()["enabled"], true);
}
