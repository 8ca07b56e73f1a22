//! Five years of many tenants in simulated time: at every boundary exactly what must be gone is gone, from the keys and
//! from the raw files, and nothing else.
//!
//! What must be there is reckoned by an oracle that knows the rules of `policy.toml` by heart and nothing of the program.
//! `FIDUCIA_WALK_TURNS` says how many turns are imported over the years; the default suits a test.

mod oracle;

use std::collections::{HashMap, HashSet};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use fiducia_custody::{
    AdminCommand, AdminReply, ContentScope, ConversationWish, DestructionScope, NewHold, RetentionCommand,
    RetentionReply, TermsChange,
};
use fiducia_policy::{
    Agreement, ConversationId, GroundKind, HoldId, HoldScope, OrganizationId, Plan, SubjectId, Timestamp,
};
use fiducia_store::{Bucket, ControlStore, DataDirectory, KeyKind, KeyStore};
use oracle::days_after;

use crate::world::World;

const DAYS: i64 = 5 * 365 + 1;
/// Days between two imports.
const IMPORT_EVERY: i64 = 28;
const TURNS_EACH: usize = 2;
const PEOPLE_EACH: usize = 4;
/// The first bytes of a ciphertext: enough to be found nowhere by chance.
const NEEDLE: usize = 16;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Forever,
    Careful,
    Fixed,
    Agreed(i64),
    Consumer,
    AgreedFixed(i64),
}

struct Tenant {
    id: OrganizationId,
    kind: Kind,
}

struct Person {
    subject: SubjectId,
    tenant: usize,
    name: String,
    training: bool,
    closed: Option<Timestamp>,
    erased: Option<Timestamp>,
}

struct Chat {
    id: ConversationId,
    person: usize,
    at: Timestamp,
    deleted: Option<Timestamp>,
    destroyed: Option<Timestamp>,
    flagged: Option<Timestamp>,
    feedback: Option<Timestamp>,
    /// The holds that took it in.
    holds: Vec<usize>,
    /// Set when a ground has ended: what ended never holds again.
    ended: HashSet<GroundKind>,
    needles: Vec<[u8; NEEDLE]>,
    expected: Vec<GroundKind>,
}

struct Hold {
    id: HoldId,
    tenant: usize,
    subject: Option<SubjectId>,
    ends: Option<Timestamp>,
}

struct Walk {
    world: World,
    tenants: Vec<Tenant>,
    people: Vec<Person>,
    chats: Vec<Chat>,
    holds: Vec<Hold>,
    dice: u64,
    chats_per_import: usize,
}

impl Walk {
    fn new(turns: usize) -> Self {
        let mut world = World::new();
        world.publish_notice("batch-training", "en", 1);
        let kinds = [
            (Kind::Forever, Plan::Enterprise, None),
            (Kind::Careful, Plan::Education, None),
            (Kind::Fixed, Plan::Api, None),
            (Kind::Agreed(90), Plan::Enterprise, Some("90 days")),
            (Kind::Consumer, Plan::Pro, None),
            (Kind::AgreedFixed(60), Plan::Api, Some("60 days")),
        ];
        let (mut tenants, mut people) = (Vec::new(), Vec::new());
        for (number, (kind, plan, custom)) in kinds.into_iter().enumerate() {
            world.use_agreed_organization(&format!("tenant {number}"), plan, custom);
            tenants.push(Tenant { id: world.organization(), kind });
            for person in 0..PEOPLE_EACH {
                let name = format!("person-{person}");
                world.use_new_key(&name);
                people.push(Person {
                    subject: world.subject(),
                    tenant: number,
                    name,
                    training: false,
                    closed: None,
                    erased: None,
                });
            }
        }
        let imports = usize::try_from(DAYS / IMPORT_EVERY).unwrap() * tenants.len();
        let chats_per_import = (turns / TURNS_EACH / imports).max(1);
        Self {
            world,
            tenants,
            people,
            chats: Vec::new(),
            holds: Vec::new(),
            dice: std::env::var("FIDUCIA_WALK_DICE").map_or(2, |dice| dice.parse().unwrap()),
            chats_per_import,
        }
    }

    /// A number below `sides` (SplitMix64).
    fn throw(&mut self, sides: usize) -> usize {
        self.dice = self.dice.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.dice;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % sides as u64).unwrap()
    }

    fn control(&self) -> ControlStore {
        ControlStore::open_for_reading(&DataDirectory::control(&self.world.data())).unwrap()
    }

    /// Imports chats for one person of each tenant.
    fn import(&mut self, day: i64) {
        for tenant in 0..self.tenants.len() {
            let candidates: Vec<_> = (0..self.people.len())
                .filter(|person| {
                    let person = &self.people[*person];
                    person.tenant == tenant && person.closed.is_none() && person.erased.is_none()
                })
                .collect();
            if candidates.is_empty() {
                continue;
            }
            let person = candidates[self.throw(candidates.len())];
            self.import_for(person, day);
        }
    }

    fn import_for(&mut self, person: usize, day: i64) {
        let (organization, subject) =
            (self.tenants[self.people[person].tenant].id, self.people[person].subject);
        let mut digest = [u8::try_from(person).unwrap(); 32];
        digest[..8].copy_from_slice(&day.to_be_bytes());
        let begin = AdminCommand::BeginImport {
            organization,
            subject: self.people[person].name.clone(),
            source: "walk".to_owned(),
            digest,
        };
        let AdminReply::Import(job) = self.world.custody().administer(begin).unwrap() else {
            panic!("reply")
        };
        let lines: Vec<_> = (0..self.chats_per_import)
            .map(|number| {
                let turn = |turn: usize| {
                    format!(
                        r#"{{"role":"user","content":"day {day} person {person} chat {number} turn {turn}"}},{{"role":"assistant","content":"answer {turn}"}}"#
                    )
                };
                let turns: Vec<_> = (0..TURNS_EACH).map(turn).collect();
                format!(r#"{{"id":"{number}","messages":[{}]}}"#, turns.join(","))
            })
            .collect();
        let mut first = 1;
        for chunk in lines.chunks(500) {
            self.world.custody().import_lines(job.job, first, chunk).unwrap().wait().unwrap();
            first += u64::try_from(chunk.len()).unwrap();
        }
        // Listing waits until everything is filed.
        let _ = self.world.conversations();
        self.take_in(person, subject);
    }

    /// Takes in what was imported last for a person.
    fn take_in(&mut self, person: usize, subject: SubjectId) {
        let known: HashSet<_> =
            self.chats.iter().filter(|chat| chat.person == person).map(|chat| chat.id).collect();
        let place = Bucket::in_directory(DataDirectory::records(&self.world.data()));
        let control = self.control();
        let mut after = None;
        loop {
            let step = control.conversations_in_order(None, Some(subject), after, 1_000).unwrap();
            let Some(last) = step.last() else { break };
            after = Some(last.id);
            for row in step.iter().filter(|row| !known.contains(&row.id)) {
                let mut needles = Vec::new();
                for bucket in &row.buckets {
                    let bucket = place.open_for_reading(bucket).unwrap();
                    for (_, record) in bucket.conversation(row.id, 0, 100).unwrap() {
                        needles.push(record.ciphertext[..NEEDLE].try_into().unwrap());
                    }
                }
                let tenant = self.people[person].tenant;
                let holds = (0..self.holds.len())
                    .filter(|hold| {
                        let hold = &self.holds[*hold];
                        hold.tenant == tenant
                            && hold.ends.is_none()
                            && hold.subject.is_none_or(|held| held == subject)
                    })
                    .collect();
                self.chats.push(Chat {
                    id: row.id,
                    person,
                    at: row.created_at,
                    deleted: None,
                    destroyed: None,
                    flagged: None,
                    feedback: None,
                    holds,
                    ended: HashSet::new(),
                    needles,
                    expected: Vec::new(),
                });
                let newest = self.chats.len() - 1;
                let now = self.world.now();
                self.chats[newest].expected = self.reckon(newest, now);
            }
        }
    }

    /// A chat whose service ground holds, by chance.
    fn living_chat(&mut self) -> Option<usize> {
        for _ in 0..20 {
            if self.chats.is_empty() {
                return None;
            }
            let number = self.throw(self.chats.len());
            let now = self.world.now();
            if self.reckon(number, now).contains(&GroundKind::Service) {
                return Some(number);
            }
        }
        None
    }

    fn govern(&self, command: RetentionCommand) -> RetentionReply {
        self.world.govern(command).unwrap()
    }

    /// What happens on one day, by chance.
    fn happen(&mut self) {
        let Some(number) = self.living_chat() else { return };
        let now = self.world.now();
        let (id, person) = (self.chats[number].id, self.chats[number].person);
        let subject = self.people[person].subject;
        match self.throw(28) {
            0..=8 if self.chats[number].deleted.is_none() => {
                self.govern(RetentionCommand::Wish { conversation: id, wish: ConversationWish::Delete });
                self.chats[number].deleted = Some(now);
            }
            9..=12 => {
                let command = AdminCommand::Destroy {
                    scope: DestructionScope::Conversation(id),
                    actor: "walker".to_owned(),
                };
                self.world.custody().administer(command).unwrap();
                self.chats[number].destroyed = Some(now);
            }
            13..=16 if self.chats[number].flagged.is_none() => {
                self.govern(RetentionCommand::Flag {
                    content: ContentScope::Conversation(id),
                    category: "cyber".to_owned(),
                    score: Some(0.9),
                    actor: "walker".to_owned(),
                });
                self.chats[number].flagged = Some(now);
            }
            17..=18 if self.chats[number].feedback.is_none() => {
                self.govern(RetentionCommand::GiveFeedback { conversation: id });
                self.chats[number].feedback = Some(now);
            }
            19 => self.place_hold(number),
            20..=21 => self.release_a_hold(now),
            22..=23
                if self.tenants[self.people[person].tenant].kind == Kind::Consumer
                    && self.people[person].closed.is_none() =>
            {
                let allowed = !self.people[person].training;
                let actor = "walker".to_owned();
                self.govern(RetentionCommand::SetTraining { subject, allowed, actor });
                self.people[person].training = allowed;
            }
            24 if self.throw(12) == 0 && self.people[person].closed.is_none() => {
                self.govern(RetentionCommand::CloseAccount { subject });
                // A yes does not outlast the account.
                self.people[person].training = false;
                self.people[person].closed = Some(now);
            }
            25 if self.throw(20) == 0 => {
                let command = AdminCommand::Destroy {
                    scope: DestructionScope::Subject(subject),
                    actor: "walker".to_owned(),
                };
                self.world.custody().administer(command).unwrap();
                self.people[person].erased = Some(now);
            }
            26 if self.throw(10) == 0 => self.agree_anew(),
            _ => {}
        }
    }

    fn place_hold(&mut self, number: usize) {
        if self.holds.iter().filter(|hold| hold.ends.is_none()).count() >= 2 {
            return;
        }
        // What has ended and is there all the same, because the worker was down, is held too: it must not be there.
        assert!(self.world.sweep().is_done);
        let person = self.chats[number].person;
        let tenant = self.people[person].tenant;
        let subject = (self.throw(3) > 0).then_some(self.people[person].subject);
        let new = NewHold {
            organization: self.tenants[tenant].id,
            matter: "Doe v. Roe".to_owned(),
            authority: "District court 7".to_owned(),
            scope: HoldScope { subjects: subject.into_iter().collect(), ..HoldScope::default() },
            custodians: Vec::new(),
            reviewers: Vec::new(),
        };
        let reply = self.govern(RetentionCommand::PlaceHold { hold: new, actor: "walker".to_owned() });
        let RetentionReply::Hold(row) = reply else { panic!("reply") };
        self.holds.push(Hold { id: row.id, tenant, subject, ends: None });
        let now = self.world.now();
        for chat in 0..self.chats.len() {
            let owner = &self.people[self.chats[chat].person];
            let in_scope = owner.tenant == tenant && subject.is_none_or(|held| held == owner.subject);
            if in_scope && !self.reckon(chat, now).is_empty() {
                let hold = self.holds.len() - 1;
                self.chats[chat].holds.push(hold);
                self.chats[chat].ended.remove(&GroundKind::LegalHold);
            }
        }
    }

    fn release_a_hold(&mut self, now: Timestamp) {
        let Some(number) = self.holds.iter().position(|hold| hold.ends.is_none()) else { return };
        let grace_days = u32::try_from(self.throw(40)).unwrap();
        let hold = self.holds[number].id;
        self.govern(RetentionCommand::ReleaseHold {
            hold,
            grace_days: Some(grace_days),
            actor: "walker".to_owned(),
        });
        self.holds[number].ends = Some(days_after(now, i64::from(grace_days)));
    }

    fn agree_anew(&mut self) {
        let days = i64::try_from(30 + self.throw(200)).unwrap();
        let tenant = self.tenants.iter_mut().find(|tenant| matches!(tenant.kind, Kind::Agreed(_))).unwrap();
        tenant.kind = Kind::Agreed(days);
        let change = TermsChange {
            custom_retention: Some(format!("{days} days").parse().unwrap()),
            agreement: Some(Agreement::Custom),
            ..TermsChange::default()
        };
        let organization = tenant.id;
        self.govern(RetentionCommand::ChangeTerms { organization, change });
    }

    /// Compares what must hold with the keys that live. Only chats for which something changed, or all.
    fn check(&mut self, day: i64, all: bool) -> usize {
        let now = self.world.now();
        let keys = KeyStore::open_for_reading(&DataDirectory::keys(&self.world.data())).unwrap();
        let mut changed = 0;
        for number in 0..self.chats.len() {
            let expected = self.reckon(number, now);
            let is_changed = expected != self.chats[number].expected;
            changed += usize::from(is_changed);
            if is_changed || all {
                let chat = &self.chats[number];
                let tenant = &self.tenants[self.people[chat.person].tenant];
                assert_eq!(
                    living_grounds(&keys, chat.id),
                    expected,
                    "day {day}: {} of {:?}, captured {}, deleted {:?}",
                    chat.id,
                    tenant.kind,
                    chat.at,
                    chat.deleted
                );
            }
            self.chats[number].expected = expected;
        }
        changed
    }

    /// What is known of a chat, for a failure's message.
    fn describe(&self, day: i64, chat: &Chat, place: Option<&PathBuf>) -> String {
        use std::fmt::Write as _;
        let person = &self.people[chat.person];
        let mut text = format!(
            "day {day}: {} of {:?} captured {}, held by {:?}, deleted {:?}, destroyed {:?}, flagged {:?}, person erased {:?}, \
             lies in {place:?}",
            chat.id,
            self.tenants[person.tenant].kind,
            chat.at,
            chat.expected,
            chat.deleted,
            chat.destroyed,
            chat.flagged,
            person.erased
        );
        let keys = KeyStore::open_for_reading(&DataDirectory::keys(&self.world.data())).unwrap();
        let buckets = Bucket::in_directory(DataDirectory::records(&self.world.data()));
        for name in buckets.names().unwrap() {
            for (_, record) in buckets.open_for_reading(&name).unwrap().conversation(chat.id, 0, 100).unwrap()
            {
                write!(text, "\n{} in {}:", record.id, name.as_str()).unwrap();
                for wrap in record.wraps() {
                    write!(text, " {:?}", keys.node(wrap.parent).unwrap()).unwrap();
                }
            }
        }
        text
    }

    /// Looks for every record in the raw files: what no ground holds must be nowhere, everything else must be there.
    fn search(&self, day: i64) {
        let mut found = HashMap::new();
        let wanted: HashSet<_> = self.chats.iter().flat_map(|chat| chat.needles.iter().copied()).collect();
        search_files(&self.world.data(), &wanted, &mut found);
        for chat in &self.chats {
            for needle in &chat.needles {
                let place = found.get(needle);
                assert_eq!(place.is_some(), !chat.expected.is_empty(), "{}", self.describe(day, chat, place));
            }
        }
    }
}

/// The grounds whose keys live.
fn living_grounds(keys: &KeyStore, id: ConversationId) -> Vec<GroundKind> {
    let mut grounds: Vec<_> = keys
        .conversation_keys(id)
        .unwrap()
        .into_iter()
        .filter_map(|node| match node.kind {
            KeyKind::Conversation => Some(GroundKind::Service),
            KeyKind::ConversationSafety => Some(GroundKind::SafetyWindow),
            KeyKind::ConversationHeld => node.label.split_once(':')?.0.parse().ok(),
            _ => None,
        })
        .collect();
    grounds.sort_unstable_by_key(|ground| GroundKind::ALL.iter().position(|other| other == ground));
    grounds.dedup();
    grounds
}

fn search_files(folder: &Path, wanted: &HashSet<[u8; NEEDLE]>, found: &mut HashMap<[u8; NEEDLE], PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            search_files(&path, wanted, found);
            continue;
        }
        let bytes = std::fs::read(&path).unwrap();
        for window in bytes.windows(NEEDLE) {
            let window: &[u8; NEEDLE] = window.try_into().unwrap();
            if let Some(needle) = wanted.get(window) {
                found.insert(*needle, path.clone());
            }
        }
    }
}

#[test]
fn five_years_of_many_tenants_end_exactly_as_promised() {
    let turns = std::env::var("FIDUCIA_WALK_TURNS").map_or(3_000, |turns| turns.parse().unwrap());
    let mut walk = Walk::new(turns);
    let (mut changes, mut swept_on) = (0, 0);
    for day in 0..DAYS {
        if day % IMPORT_EVERY == 0 {
            walk.import(day);
        }
        walk.happen();
        walk.world.advance_days(1);
        // Now and then the worker is down for some days, and catches up.
        if walk.throw(12) == 0 && swept_on + 6 > day {
            continue;
        }
        swept_on = day;
        assert!(walk.world.sweep().is_done);
        changes += walk.check(day, day % 180 == 0);
        if day % 365 == 180 {
            walk.search(day);
        }
    }
    walk.world.sweep();
    walk.check(DAYS, true);
    walk.search(DAYS);
    assert!(changes > turns / 4, "only {changes} ends were reached: the walk shows nothing");
    walk.world.verify_ledger();
    // The figure is for whoever runs the walk by hand.
    let _ = writeln!(
        std::io::stderr(),
        "walk: {turns} turns, {} chats, {changes} changes of what holds, all as reckoned",
        walk.chats.len()
    );
}

/// The child's part of the test below: it sweeps until it is killed.
#[test]
fn sweep_until_killed() {
    let Ok(folder) = std::env::var("FIDUCIA_WALK_FOLDER") else { return };
    let now: Timestamp = std::env::var("FIDUCIA_WALK_NOW").unwrap().parse().unwrap();
    let seed = std::env::var("FIDUCIA_WALK_SEED").unwrap().parse().unwrap();
    let world = World::opened_at(Path::new(&folder), now, seed);
    writeln!(std::io::stdout(), "begun").unwrap();
    let _ = world.sweep();
}

#[test]
fn a_worker_that_is_killed_at_any_moment_ends_as_promised_all_the_same() {
    let mut walk = Walk::new(1_500);
    let mut killed = 0;
    for day in 0..DAYS {
        if day % IMPORT_EVERY == 0 {
            walk.import(day);
        }
        walk.happen();
        walk.world.advance_days(1);
        if day % 40 != 39 {
            continue;
        }
        walk.world.close();
        killed += usize::from(sweep_and_kill(&mut walk, day));
        walk.world.reopen();
        assert!(walk.world.sweep().is_done);
        walk.check(day, false);
    }
    assert!(walk.world.sweep().is_done);
    walk.check(DAYS, true);
    walk.search(DAYS);
    walk.world.verify_ledger();
    assert!(killed > 5, "only {killed} workers were killed at work");
}

/// Sweeps in a child and kills it after a random time. Gives whether it was still at work.
fn sweep_and_kill(walk: &mut Walk, day: i64) -> bool {
    let mut command = std::process::Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", "walk::sweep_until_killed", "--nocapture", "--test-threads=1"])
        .env("FIDUCIA_WALK_FOLDER", walk.world.folder())
        .env("FIDUCIA_WALK_NOW", walk.world.now().to_string())
        .env("FIDUCIA_WALK_SEED", (1_000 + day).to_string())
        .stderr(Stdio::null());
    let (mut child, mut said) = crate::world::spawn(&mut command);
    let mut line = String::new();
    while !line.contains("begun") {
        line.clear();
        if std::io::BufRead::read_line(&mut said, &mut line).unwrap() == 0 {
            break;
        }
    }
    // As long as it takes to count: moments that differ from run to run of this loop.
    for _ in 0..walk.throw(4_000) {
        std::thread::yield_now();
    }
    child.kill().unwrap();
    !child.wait().unwrap().success()
}
