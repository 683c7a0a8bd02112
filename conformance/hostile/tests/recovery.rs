//! What people do after an accident: bring back what a restored relay lost, and leave a history for
//! the one that was confirmed.

#![allow(clippy::unwrap_used, clippy::panic)] // Test code, though outside of `#[test]`.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use agentsecrets_core::{
    Error, ErrorCode, Result,
    crypto::VerifyingKey,
    encoding::Head,
    identity::Kind,
    log::{
        Role, Scope,
        entry::{Reason, Remove, Removed},
    },
    secret::SecretBytes,
    sync::{self, Adopted, Clashes, Insist, Management, Pushed, Repushed, SyncReport},
    vault::{MemoryVault, StoredIdentity, Vault, VaultKind, VaultLock},
};
use agentsecrets_hostile::{
    Device, Team, code,
    device::{Dump, signing_key},
    team::Place,
};

fn grow(team: &Team, by: &Device, label: &str) {
    let change = Management::CreateEnvironment(label.into());
    by.client.run(|start| sync::manage(start, team.workspace, change)).unwrap();
}

fn repush(team: &Team, by: &Device) -> Result<Repushed> {
    by.client.run(|start| sync::repush(start, team.workspace))
}

fn adopt(team: &Team, by: &Device, head: Head) -> Result<Adopted> {
    by.client.run(|start| sync::adopt(start, team.workspace, head))
}

fn sync(team: &Team, by: &Device) -> SyncReport {
    by.client.run(|start| sync::sync(start, team.workspace, None, Clashes::Refuse)).unwrap()
}

fn key(device: &Device) -> VerifyingKey {
    signing_key(device.seed()).verifying_key()
}

#[test]
fn a_restored_relay_gets_its_end_again_and_members_share_what_it_lost() {
    let (team, writer) = Team::pair();
    let late = team.admit(3, Role::Reader, Scope::All);
    let backup = team.relay.writes();
    team.founder.put(team.development(), "LOST", "fake-lost").unwrap();
    writer.pull(team.workspace).unwrap();
    let restored = team.relay.fork(backup);
    team.relay.switch(restored);
    let error = writer.pull(team.workspace).unwrap_err();
    assert_eq!(error.code(), ErrorCode::Rollback);
    assert!(error.hint().starts_with("agentsecrets workspace repush"), "{}", error.hint());
    let done = repush(&team, &writer).unwrap();
    assert_eq!(done, Repushed { head: writer.head(team.workspace), entries: 1, absent: 1 });
    assert_eq!(repush(&team, &team.founder).unwrap().entries, 0);
    writer.pull(team.workspace).unwrap();
    // The log is whole again; the value is not: who lacks it says so, and a member who has it helps.
    let report = sync(&team, &late);
    assert_eq!(code(report.pulled.into_result()), ErrorCode::DeliveryWithheld);
    assert_eq!(sync(&team, &team.founder).shared_with, [late.id()]);
    assert_eq!(sync(&team, &team.founder).shared_with, []);
    sync(&team, &late).pulled.into_result().unwrap();
    assert_eq!(late.value(team.development(), "LOST").as_deref(), Some("fake-lost"));
    // Its next ack reports nothing missing, so nobody shares again.
    assert_eq!(sync(&team, &writer).shared_with, []);
}

#[test]
fn a_relay_that_lost_everything_gets_the_whole_log_of_any_length() {
    let team = Team::new();
    for number in 0..510 {
        grow(&team, &team.founder, &format!("environment-{number}"));
    }
    let empty = team.relay.fork(0);
    team.relay.switch(empty);
    let done = repush(&team, &team.founder).unwrap();
    assert_eq!((done.entries, done.absent), (514, 0));
    team.founder.pull(team.workspace).unwrap();
    assert_eq!(team.relay.entries(team.workspace).len(), 514);
}

#[test]
fn who_keeps_reporting_a_loss_is_shared_a_few_times_at_most() {
    let (team, writer) = Team::pair();
    team.founder.put(team.development(), "LOST", "fake-lost").unwrap();
    let id = writer.id();
    let shared = |turn| {
        // The relay keeps all values from the writer, whatever is shared.
        team.relay.lie(agentsecrets_hostile::lies::deliveries(|_, page| page.deliveries.clear()));
        sync(&team, &writer);
        let report = sync(&team, &team.founder);
        assert!(report.shared_with.iter().all(|to| *to == id), "turn {turn}");
        report.shared_with.len()
    };
    let turns: usize = (0..12).map(shared).sum();
    assert_eq!(turns, 4);
}

#[test]
fn a_relay_that_went_on_another_way_gets_nothing() {
    let (team, writer) = Team::pair();
    let fork = team.relay.fork(team.relay.writes());
    let twin = team.founder.restarted(|_| true);
    grow(&team, &team.founder, "one");
    grow(&team, &team.founder, "two");
    writer.pull(team.workspace).unwrap();
    team.relay.switch(fork);
    grow(&team, &twin, "another");
    let before = team.relay.writes();
    assert_eq!(code(repush(&team, &writer)), ErrorCode::Fork);
    assert_eq!(team.relay.writes(), before);
}

#[test]
fn a_member_whom_the_restored_relay_does_not_know_is_sent_to_an_earlier_one() {
    let (team, _) = Team::pair();
    let backup = team.relay.writes();
    let late = team.admit(3, Role::Writer, Scope::All);
    let restored = team.relay.fork(backup);
    team.relay.switch(restored);
    let error = repush(&team, &late).unwrap_err();
    assert_eq!(error.code(), ErrorCode::NotAdmitted);
    assert!(error.hint().contains("earlier member"), "{}", error.hint());
    team.founder.pull(team.workspace).unwrap_err();
    repush(&team, &team.founder).unwrap();
    late.pull(team.workspace).unwrap();
}

/// The writer on a branch of its own, where it wrote two values that a reader got there whom the
/// founder removed on the other branch; the relay shows the founder's to everybody now.
struct Forked {
    team: Team,
    writer: Device,
    reader: Device,
}

impl Forked {
    fn new() -> Self {
        let (team, writer) = Team::pair();
        let reader = team.admit(3, Role::Reader, Scope::All);
        writer.pull(team.workspace).unwrap();
        let branch = team.relay.fork(team.relay.writes());
        team.relay.route(&key(&writer), branch);
        writer.put(team.development(), "API_KEY", "fake-left").unwrap();
        writer.put(team.development(), "NEW", "fake-new").unwrap();
        grow_by_value(&team, &writer);
        sync(&team, &writer);
        team.founder.put(team.development(), "API_KEY", "fake-main").unwrap();
        let remove = Remove { who: Removed::Members(vec![reader.id()]), reason: Reason::Departed };
        let remove = |start| sync::remove(start, team.workspace, remove, true);
        team.founder.client.run(remove).unwrap();
        team.relay.route(&key(&writer), 0);
        Self { team, writer, reader }
    }
}

fn insist(team: &Team, by: &Device, place: Place, sent_to_removed: bool) -> Result<Pushed> {
    let insist = Insist { mine: true, sent_to_removed };
    by.client.run(|start| sync::push(start, team.workspace, place.1, insist))
}

/// Makes the left branch the longer one.
fn grow_by_value(team: &Team, writer: &Device) {
    for number in 0..5 {
        writer.put(team.staging(), "COUNTER", &number.to_string()).unwrap();
    }
}

#[test]
fn a_confirmed_head_is_adopted_and_what_was_written_becomes_changes_to_push() {
    let Forked { team, writer, reader } = Forked::new();
    let (left, head) = (writer.head(team.workspace), team.founder.head(team.workspace));
    assert!(left.seq > head.seq);
    assert_eq!(code(writer.pull(team.workspace)), ErrorCode::Rollback);
    let done = adopt(&team, &writer, head).unwrap();
    let names: Vec<&str> = done.unpushed.iter().map(|name| name.as_str()).collect();
    assert_eq!((done.left, done.head, done.entries), (left, head, 7));
    assert_eq!(names, ["API_KEY", "COUNTER", "NEW"]);
    // The other member changed one of them too: that is for a person to decide.
    assert_eq!(code(writer.pull(team.workspace)), ErrorCode::Conflict);
    // And they were sealed to a reader there who is removed here.
    assert_eq!(code(insist(&team, &writer, team.development(), false)), ErrorCode::SentToRemoved);
    insist(&team, &writer, team.development(), true).unwrap();
    insist(&team, &writer, team.staging(), true).unwrap();
    team.founder.pull(team.workspace).unwrap();
    for (name, value) in [("API_KEY", "fake-left"), ("NEW", "fake-new")] {
        assert_eq!(team.founder.value(team.development(), name).as_deref(), Some(value));
    }
    assert_eq!(team.founder.value(team.staging(), "COUNTER").as_deref(), Some("4"));
    // Acks of the left branch are replaced, though they named a greater number.
    for _ in 0..2 {
        sync(&team, &writer);
        sync(&team, &team.founder);
    }
    // The reader, removed here, got these values there: every member sees that they need new ones.
    for device in [&writer, &team.founder] {
        let view = device.view(team.workspace);
        let rotations = view.rotations().unwrap();
        let secret = team.secret(team.development(), "NEW");
        assert!(rotations.get(&secret).is_some_and(|due| due.readers.contains(&reader.id())));
    }
}

#[test]
fn what_others_could_read_on_the_left_branch_stays_exposed() {
    let Forked { team, writer, reader } = Forked::new();
    let there = writer.view(team.workspace).exposure(&reader.id()).unwrap();
    adopt(&team, &writer, team.founder.head(team.workspace)).unwrap();
    let (view, here) = (writer.view(team.workspace), team.founder.view(team.workspace));
    let both: std::collections::BTreeSet<_> =
        there.union(&here.exposure(&reader.id()).unwrap()).copied().collect();
    assert!(both.len() > here.exposure(&reader.id()).unwrap().len());
    assert_eq!(view.exposure(&reader.id()).unwrap(), both);
}

#[test]
fn what_was_not_confirmed_is_not_adopted() {
    let Forked { team, writer, reader } = Forked::new();
    let head = team.founder.head(team.workspace);
    let before = writer.dump();
    let mut wrong = head;
    wrong.hash.0[0] ^= 1;
    assert_eq!(code(adopt(&team, &writer, wrong)), ErrorCode::Fork);
    let beyond = Head { seq: head.seq + 1, ..head };
    assert_eq!(code(adopt(&team, &writer, beyond)), ErrorCode::Withheld);
    let own = writer.head(team.workspace);
    assert_eq!(code(adopt(&team, &writer, own)), ErrorCode::InvalidArgument);
    // On the other history it is no member.
    assert_eq!(code(adopt(&team, &reader, head)), ErrorCode::NotAdmitted);
    assert_eq!(writer.dump(), before);
}

/// A vault that stops taking anything after so many writes.
struct Brittle(MemoryVault, Arc<AtomicUsize>);

impl Brittle {
    fn spend(&self) -> Result<()> {
        let left = |left: usize| left.checked_sub(1);
        match self.1.fetch_update(Ordering::SeqCst, Ordering::SeqCst, left) {
            Ok(_) => Ok(()),
            Err(_) => Err(Error::new(ErrorCode::VaultFull, "the test's disk is full")),
        }
    }
}

impl Vault for Brittle {
    fn load(&self, key: &str) -> Result<Option<SecretBytes>> {
        self.0.load(key)
    }

    fn store(&self, key: &str, bytes: &SecretBytes) -> Result<()> {
        self.spend().and_then(|()| self.0.store(key, bytes))
    }

    fn remove(&self, key: &str) -> Result<()> {
        self.spend().and_then(|()| self.0.remove(key))
    }

    fn keys(&self, prefix: &str) -> Result<Vec<String>> {
        self.0.keys(prefix)
    }

    fn kind(&self) -> VaultKind {
        self.0.kind()
    }

    fn identity(&self) -> Result<Option<StoredIdentity>> {
        self.0.identity()
    }

    fn store_identity(&self, identity: &StoredIdentity) -> Result<()> {
        self.0.store_identity(identity)
    }

    fn lock(&self, wait: Duration) -> Result<VaultLock> {
        self.0.lock(wait)
    }

    fn facts(&self) -> Vec<(&'static str, String)> {
        self.0.facts()
    }
}

fn brittle(held: &Dump, writes: usize) -> Device {
    let vault = MemoryVault::default();
    held.iter().for_each(|(key, bytes)| vault.store(key, &SecretBytes::copy_of(bytes)).unwrap());
    Device::on(2, Kind::Human, Box::new(Brittle(vault, Arc::new(AtomicUsize::new(writes)))))
}

#[test]
fn an_adoption_cut_off_at_any_write_is_completed_by_the_next() {
    let Forked { team, writer, .. } = Forked::new();
    let (held, head) = (writer.dump(), team.founder.head(team.workspace));
    for writes in 0.. {
        let device = brittle(&held, writes);
        if adopt(&team, &device, head).is_ok() {
            assert!(writes > 5);
            return;
        }
        let again = device.restarted(|_| true);
        adopt(&team, &again, head).unwrap();
        let branches = again.dump().into_keys().filter(|key| key.contains("/branch/")).count();
        assert_eq!((again.head(team.workspace), branches), (head, 1), "after {writes} writes");
        assert_eq!(again.value(team.development(), "NEW").as_deref(), Some("fake-new"));
        let kept = again.client.read(|start| sync::entries(start, team.workspace)).unwrap();
        assert_eq!(kept.last().unwrap().head(), head);
        let mine = |start| sync::push(start, team.workspace, team.development().1, true);
        // Pushed nowhere: the relay of this test has to stay as it is.
        team.relay.lie(|asked, honest| match asked.is_commit() {
            true => agentsecrets_hostile::Answer::bytes(500, Vec::new()),
            false => honest(asked),
        });
        again.client.run(mine).unwrap_err();
        team.relay.repent();
    }
}
