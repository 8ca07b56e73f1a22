//! Are pages quick for somebody with very many conversations?

use std::time::{Duration, Instant};

use super::stand::{LOGIN, PASSWORD, Stand};
use crate::harness::http::{Answer, Connection};

/// How many conversations.
const CONVERSATIONS: u64 = 100_000;
/// Within which a page is answered, in a build without optimisation.
const PAGE_LIMIT: Duration = Duration::from_millis(30);

/// Copies the one conversation that is there until there are very many, each a little older than the one before.
fn multiply(stand: &Stand) {
    let control = rusqlite::Connection::open(stand.site.data().join("control.db")).unwrap();
    control.busy_timeout(Duration::from_secs(20)).unwrap();
    let copied = control
        .execute(
            "INSERT INTO conversations (id, organization, subject, created_at, last_active_at, records, buckets, class, policy,
                covered, deleted_at, starred_at, warned_at, destroyed_at)
             WITH RECURSIVE numbers (number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM numbers WHERE number < ?1)
             SELECT CAST(substr(id, 1, 1) || unhex(printf('%010x', number)) || substr(id, 7) AS BLOB), organization, subject, created_at - number,
                last_active_at - number, records, buckets, class, policy, covered,
                CASE WHEN number % 1000 = 0 THEN created_at END, starred_at, warned_at, destroyed_at
             FROM conversations, numbers",
            [CONVERSATIONS - 1],
        )
        .unwrap();
    assert_eq!(u64::try_from(copied).unwrap(), CONVERSATIONS - 1);
}

fn cookie(answer: &Answer, name: &str) -> String {
    let prefix = format!("{name}=");
    let set = answer.headers.iter().filter(|(header, _)| header == "set-cookie").map(|(_, value)| value);
    set.filter(|value| value.starts_with(&prefix))
        .map(|value| value.split(';').next().unwrap().to_owned())
        .next()
        .unwrap()
}

#[test]
fn pages_are_quick_with_a_hundred_thousand_conversations() {
    let stand = Stand::of_consumers();
    stand.chat("ada", "Which tea helps against a cold?");
    // A list waits until the index holds what was acknowledged; then the copies can be made.
    assert_eq!(stand.site.conversations().len(), 1);
    multiply(&stand);
    let mut connection = Connection::open(stand.console).unwrap();
    let page = connection.send("GET", "/sign-in", &[], b"").unwrap();
    let visit = cookie(&page, "fiducia-visit");
    let text = page.text();
    let token = text.split("name=\"token\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    let form = format!(
        "token={token}&login={}&password={}&next=/",
        LOGIN.replace('@', "%40"),
        PASSWORD.replace(' ', "+")
    );
    let kind = ("content-type", "application/x-www-form-urlencoded");
    let signed_in =
        connection.send("POST", "/sign-in", &[kind, ("cookie", &visit)], form.as_bytes()).unwrap();
    let session = cookie(&signed_in, "fiducia-session");
    let mut get = |path: &str| connection.send("GET", path, &[("cookie", &session)], b"").unwrap();
    let first = get("/conversations");
    assert_eq!(first.status, 200, "{}", first.text());
    let first = first.text();
    let older = first
        .split("/conversations?after=")
        .nth(1)
        .unwrap_or_else(|| panic!("{first}"))
        .split('"')
        .next()
        .unwrap()
        .to_owned();
    let one = first.split("class=\"title\" href=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    for path in [
        "/conversations",
        &format!("/conversations?after={older}"),
        "/conversations?deleted=1",
        &one,
        "/choices",
        "/choices/ask",
        "/accesses",
        "/requests",
        "/notices",
        "/certificates",
    ] {
        // The quickest of a few: the machine may be doing other things.
        let quickest = (0..5).map(|_| {
            let began = Instant::now();
            let answer = get(path);
            assert_eq!(answer.status, 200, "{path}: {}", answer.text());
            began.elapsed()
        });
        let quickest = quickest.min().unwrap();
        assert!(quickest < PAGE_LIMIT, "{path} took {quickest:?}");
    }
    let rows = get("/conversations").text().matches("class=\"title\"").count();
    assert_eq!(rows, 50, "pages of fifty");
}
