//! Histories that a device has left for another one: they stay readable, and who could read what on them
//! stays true.

use std::collections::{BTreeMap, BTreeSet};

use agentsecrets_core::{
    ErrorCode, Result,
    encoding::{EntryHash, Head, MemberId, SecretId},
    log::{
        Role, Scope,
        ack::Freshness,
        entry::{Reason, Remove, Removed, VersionRef},
        exposure::Rotation,
    },
    message::Method,
    sync::{self, Adopted, Clashes},
};

use crate::{
    host::{Host, value},
    team::{Team, ack_in, code, device, ids, name, twin, whole},
};

fn adopt(team: &Team, host: &mut Host, head: Head) -> Result<Adopted> {
    team.run(host, |s| sync::adopt(s, team.workspace, head))
}

fn remove(team: &Team, by: &mut Host, who: &Host) {
    let who = Removed::Members(vec![who.identity.id()]);
    let remove = Remove { who, reason: Reason::Departed };
    team.run(by, |s| sync::remove(s, team.workspace, remove, false)).unwrap();
}

fn rotation(secret: SecretId, readers: Vec<MemberId>) -> (SecretId, Rotation) {
    let (versions, readers) = (BTreeSet::from([1]), readers.into_iter().collect());
    (secret, Rotation { secret, versions, readers })
}

/// Two relays that parted: the owner on one, an admin on the other, who wrote there.
struct Parted {
    here: Team,
    owner: Host,
    there: Team,
    admin: Host,
    reader: Host,
}

impl Parted {
    fn new() -> Self {
        let (here, mut owner) = Team::begin();
        let mut admin = here.admit(&mut owner, 2, Role::Admin, Scope::All);
        let mut reader = here.admit(&mut owner, 3, Role::Reader, Scope::All);
        here.put(&mut owner, "development", "SHARED", "fake-shared");
        here.put(&mut admin, "development", "GONE", "fake-gone");
        here.put(&mut admin, "development", "GONE", None);
        for host in [&mut owner, &mut admin, &mut reader] {
            here.sync(host).unwrap();
        }
        let there = here.fork();
        Self { here, owner, there, admin, reader }
    }
}

#[test]
fn a_history_that_was_left_can_be_read_as_it_was() {
    let Parted { here, mut owner, there, mut admin, .. } = Parted::new();
    there.put(&mut admin, "development", "MINE", "fake-mine");
    there.put(&mut admin, "staging", "ALSO", "fake-also");
    here.put(&mut owner, "development", "THEIRS", "fake-theirs");
    let own = admin.run(|s| sync::entries(s, here.workspace)).unwrap();
    let (left, head) = (there.head(&mut admin), here.head(&mut owner));
    let left_of = |host: &mut Host, number| host.run(|s| sync::left(s, here.workspace, number));
    assert_eq!(left_of(&mut admin, 1).unwrap_err().message(), "0 histories were left here");
    let done = adopt(&here, &mut admin, head).unwrap();
    let unpushed = vec![name("ALSO"), name("MINE")];
    assert_eq!(done, Adopted { left, head, entries: 2, unpushed });
    assert_eq!(here.view(&mut admin).left(), 1);
    let history = left_of(&mut admin, 1).unwrap();
    assert_eq!(history.entries, own);
    assert_eq!(history.view.state().unwrap().head(), left);
    assert_eq!((history.view.left(), history.view.me()), (0, admin.identity.id()));
    assert_eq!(history.view.name().as_deref(), Some("acme"));
    let values: Vec<_> =
        history.snapshots.iter().filter_map(|snapshot| value(snapshot, "MINE")).collect();
    assert_eq!(values, ["fake-mine"]);
    for number in [0, 2, u32::MAX] {
        let error = left_of(&mut admin, number).unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidArgument);
        assert_eq!(error.message(), "1 histories were left here");
    }
    // And back: the one that was left is confirmed after all.
    let ours = admin.run(|s| sync::entries(s, here.workspace)).unwrap();
    assert_eq!(ours.last().unwrap().head(), head);
    let back = adopt(&there, &mut admin, left).unwrap();
    assert_eq!((back.left, back.head, back.entries), (head, left, 1));
    assert_eq!(here.view(&mut admin).left(), 2);
    assert_eq!(left_of(&mut admin, 2).unwrap().entries, ours);
    assert_eq!(left_of(&mut admin, 1).unwrap().entries, own);
    // A vault that has lost one of them says so rather than forget who could read what.
    admin.store.remove(&sync::keys::branch(&here.workspace, 0)).unwrap();
    assert_eq!(code(admin.run(|s| sync::view(s, here.workspace))), ErrorCode::VaultDamaged);
}

#[test]
fn what_was_written_on_it_is_a_change_again_and_counts_as_received_there() {
    let Parted { here, mut owner, there, mut admin, reader } = Parted::new();
    let development = here.environment(&mut admin, "development");
    let narrow = there.admit(&mut admin, 4, Role::Reader, whole(development));
    let elsewhere = there.environment(&mut admin, "staging");
    let outside = there.admit(&mut admin, 5, Role::Reader, whole(elsewhere));
    there.put(&mut admin, "development", "MINE", "fake-mine");
    there.put(&mut admin, "development", "EDITED", "fake-before");
    there.put(&mut admin, "development", "MADE_AND_GONE", "fake-brief");
    there.put(&mut admin, "development", "MADE_AND_GONE", None);
    let mut twin_of_owner = twin(&owner, 7);
    there.put(&mut twin_of_owner, "development", "OF_ANOTHER", "fake-other");
    there.pull(&mut admin);
    admin.change(here.workspace, development, "EDITED", Some("fake-after")).unwrap();
    here.put(&mut owner, "staging", "THEIRS", "fake-theirs");
    let head = here.head(&mut owner);
    let done = adopt(&here, &mut admin, head).unwrap();
    assert_eq!(done.unpushed, [name("MINE")], "alone: the other one has a newer change");
    let snapshot = admin.snapshot(here.workspace, development);
    let local: Vec<_> = snapshot.local.iter().map(|local| local.name.as_str()).collect();
    assert_eq!(local, ["EDITED", "MINE"]);
    let value = |text| value(&snapshot, text);
    assert_eq!(value("MINE").as_deref(), Some("fake-mine"));
    assert_eq!(value("EDITED").as_deref(), Some("fake-after"));
    assert_eq!(value("SHARED").as_deref(), Some("fake-shared"), "both histories hold it");
    for gone in ["GONE", "MADE_AND_GONE", "OF_ANOTHER"] {
        assert_eq!(value(gone), None, "{gone}");
    }
    // It was sealed there to everybody in scope but its author.
    assert_eq!(snapshot.left.len(), 1);
    assert_eq!(snapshot.left[0].name, name("MINE"));
    assert_eq!(snapshot.left[0].members, ids([&owner, &reader, &narrow]));
    assert!(!snapshot.left[0].members.contains(&outside.identity.id()));
    // One of those is no member here, and the log cannot name it; this vault goes on to tell of it.
    let push = |host: &mut Host, sent_to_removed| {
        let insist = sync::Insist { mine: true, sent_to_removed };
        here.run(host, |s| sync::push(s, here.workspace, development, insist))
    };
    assert_eq!(code(push(&mut admin, false)), ErrorCode::SentToRemoved);
    push(&mut admin, true).unwrap();
    let mine = here.secret(&mut admin, "development", "MINE");
    let view = here.view(&mut admin);
    assert!(view.state().unwrap().strays().is_empty());
    let held = view.exposure(&narrow.identity.id()).unwrap();
    assert!(!held.is_empty() && held.iter().all(|version| version.secret != mine));
    here.pull(&mut owner);
    assert_eq!(here.value(&mut owner, "development", "MINE").as_deref(), Some("fake-mine"));
}

#[test]
fn what_is_due_there_is_due_here_until_it_is_written_anew() {
    let (here, mut owner) = Team::begin();
    let mut admin = here.admit(&mut owner, 2, Role::Admin, Scope::All);
    let x = here.admit(&mut owner, 3, Role::Reader, Scope::All);
    let development = here.environment(&mut owner, "development");
    let y = here.admit(&mut owner, 4, Role::Reader, whole(development));
    here.put(&mut owner, "development", "BOTH", "fake-both");
    for text in ["EARLY", "EDGE", "GONE", "LATER"] {
        here.put(&mut owner, "staging", text, "fake-first");
    }
    here.pull(&mut admin);
    let there = here.fork();
    there.put(&mut admin, "staging", "THERE", "fake-there");
    let only_there = there.secret(&mut admin, "staging", "THERE");
    remove(&there, &mut admin, &x);
    remove(&here, &mut owner, &y);
    here.put(&mut owner, "staging", "EARLY", "fake-second");
    let secret = |host: &mut Host, text| here.secret(host, "staging", text);
    let due: Vec<_> = ["EARLY", "EDGE", "GONE"].map(|text| secret(&mut owner, text)).into();
    let both = here.secret(&mut owner, "development", "BOTH");
    let (x, y) = (x.identity.id(), y.identity.id());
    admin.now = owner.now + 10;
    let head = here.head(&mut owner);
    adopt(&here, &mut admin, head).unwrap();
    let left_at = admin.now;
    // Written at the very time, deleted after it, written after it: to look up an environment, to
    // change and to push take a millisecond each.
    owner.now = left_at - 3;
    here.put(&mut owner, "staging", "EDGE", "fake-second");
    assert_eq!(owner.now, left_at);
    here.put(&mut owner, "staging", "GONE", None);
    here.put(&mut owner, "staging", "LATER", "fake-second");
    here.follow(&mut admin).unwrap();
    let view = here.view(&mut admin);
    let mut expected: BTreeMap<_, _> = due.iter().map(|id| rotation(*id, vec![x])).collect();
    expected.extend([rotation(both, vec![x, y])]);
    assert_eq!(view.rotations().unwrap(), expected);
    assert_eq!(here.view(&mut owner).rotations().unwrap().into_keys().collect::<Vec<_>>(), [both]);
    // What was sealed to it on either history, it may hold.
    let exposed = view.exposure(&x).unwrap();
    assert!(exposed.contains(&VersionRef { secret: only_there, version: 1 }));
    assert!(exposed.contains(&VersionRef { secret: due[0], version: 2 }));
    assert_eq!(exposed.len(), 2 + 4 + 3, "THERE, BOTH, the four, three of them again");
}

#[test]
fn an_adoption_that_a_crash_cut_off_at_any_step_is_completed_by_the_next() {
    let Parted { here, mut owner, there, mut admin, .. } = Parted::new();
    there.put(&mut admin, "development", "MINE", "fake-mine");
    here.put(&mut owner, "development", "THEIRS", "fake-theirs");
    let (own, head) =
        (admin.run(|s| sync::entries(s, here.workspace)).unwrap(), here.head(&mut owner));
    for cut in 0..100 {
        let mut device = twin(&admin, 50 + cut as u8);
        let operation = sync::adopt(device.start(), here.workspace, head);
        let done = device.drive(operation, cut, &mut |request| here.carry(request)).1;
        // Before it is settled there is no history to read yet; afterwards there is.
        let left = device.run(|s| sync::left(s, here.workspace, 1));
        match here.view(&mut device).left() {
            0 => assert_eq!(code(left), ErrorCode::InvalidArgument, "cut {cut}"),
            _ => assert_eq!(left.unwrap().entries.last(), own.last(), "cut {cut}"),
        }
        if done.is_ok() {
            assert!(cut > 10);
            return;
        }
        assert_eq!(adopt(&here, &mut device, head).unwrap().head, head, "cut {cut}");
        assert_eq!(here.view(&mut device).left(), 1, "cut {cut}");
        let left = device.run(|s| sync::left(s, here.workspace, 1)).unwrap();
        assert_eq!(left.entries, own, "cut {cut}");
        assert_eq!(here.value(&mut device, "development", "MINE").as_deref(), Some("fake-mine"));
    }
    panic!("the adoption never ended");
}

#[test]
fn only_the_very_history_that_was_confirmed_is_adopted() {
    let Parted { here, mut owner, there, mut admin, .. } = Parted::new();
    there.put(&mut admin, "development", "MINE", "fake-mine");
    here.put(&mut owner, "development", "THEIRS", "fake-theirs");
    here.put(&mut owner, "development", "THEIRS", "fake-again");
    let (own, head) = (there.head(&mut admin), here.head(&mut owner));
    let held = admin.store.clone();
    let wrong = Head { hash: EntryHash([7; 32]), ..head };
    assert_eq!(code(adopt(&here, &mut admin, wrong)), ErrorCode::Fork);
    let beyond = Head { seq: head.seq + 1, ..head };
    assert_eq!(code(adopt(&here, &mut admin, beyond)), ErrorCode::Withheld);
    assert_eq!(code(adopt(&here, &mut admin, own)), ErrorCode::InvalidArgument);
    // Another workspace's log in the place of this one.
    let (foreign, mut stranger) = Team::begun_by(device(8));
    let theirs = foreign.head(&mut stranger);
    let mut way = |mut request: agentsecrets_core::message::Request| {
        request.target =
            request.target.replace(&here.workspace.to_string(), &foreign.workspace.to_string());
        foreign.carry_unsigned(request, &stranger)
    };
    let done = here.run_by(&mut admin, &mut way, |s| sync::adopt(s, here.workspace, theirs));
    assert_eq!(code(done), ErrorCode::Fork);
    assert_eq!(admin.store, held, "of all that nothing is left");
    // A local workspace has no other history anywhere.
    let local = admin.run(|s| sync::create(s, "own".into(), "desk".into(), None)).unwrap();
    assert_eq!(code(admin.run(|s| sync::adopt(s, local, head))), ErrorCode::NoRelay);
    // However short the relay's pages are, it is asked for each once and no more.
    let (mut asked, mut pages) = (0, head.seq + 1);
    let mut way = |mut request: agentsecrets_core::message::Request| {
        if request.target.contains("/log?") {
            asked += 1;
            request.target = request.target.replace("limit=500", "limit=1");
            return here.carry_unsigned(request, &owner);
        }
        here.carry(request)
    };
    here.run_by(&mut admin, &mut way, |s| sync::adopt(s, here.workspace, head)).unwrap();
    assert_eq!(asked, pages);
    // One that promises more and shows nothing is left with what it showed.
    let mut other = twin(&admin, 60);
    other.store = held;
    pages = 0;
    let mut way = |request| {
        pages += 1;
        assert!(pages < 5, "no end of requests");
        let mut response = here.carry(request)?;
        let mut page: serde_json::Value = serde_json::from_slice(&response.body).unwrap();
        page["more"] = true.into();
        response.body = serde_json::to_vec(&page).unwrap();
        Ok(response)
    };
    here.run_by(&mut other, &mut way, |s| sync::adopt(s, here.workspace, head)).unwrap();
    assert_eq!(pages, 2);
}

#[test]
fn who_is_still_on_the_left_history_says_nothing_of_this_one() {
    let Parted { here, mut owner, there, mut admin, mut reader } = Parted::new();
    for number in ["fake-1", "fake-2", "fake-3"] {
        there.put(&mut admin, "development", "MINE", number);
    }
    here.put(&mut owner, "development", "THEIRS", "fake-theirs");
    let head = here.head(&mut owner);
    // The reader has seen the left history, and both relays show it.
    let sync = |s| sync::sync(s, here.workspace, None, Clashes::Refuse);
    let (report, asked) = there.watch(&mut reader, sync);
    report.unwrap();
    let ack = asked.into_iter().find(|one| one.method == Method::Put).unwrap();
    assert_eq!(here.carry(ack).unwrap().status, 204);
    // To whoever never was there, that shows the fork.
    assert_eq!(code(here.sync(&mut owner)), ErrorCode::Withheld);
    admin.run(|s| sync::confirm(s, here.workspace, reader.identity.id())).unwrap();
    let of_acks = sync::keys::acks(&here.workspace);
    let view = admin.run(|s| sync::view(s, here.workspace)).unwrap();
    let person = view.state().unwrap().members()[&owner.identity.id()].person;
    let keeps = |host: &Host, bytes: &[u8]| {
        host.store[&of_acks].windows(bytes.len()).any(|window| window == bytes)
    };
    assert!(keeps(&admin, &person.0) && keeps(&admin, &reader.identity.id().0));
    adopt(&here, &mut admin, head).unwrap();
    assert!(keeps(&admin, &person.0), "who was a member when the head was last fresh");
    assert!(keeps(&admin, &reader.identity.id().0), "whose number was compared");
    admin.now = owner.now + 1000;
    let (report, asked) = here.watch(&mut admin, sync);
    // Two persons count, and of one of them there is no word that does.
    assert_eq!(report.unwrap().freshness, Freshness::Unknown);
    // Its ack says how often it changed histories, so that it replaces the one of the longer history.
    let ack = asked.iter().find(|one| one.method == Method::Put).unwrap();
    let ack = ack_in(ack, admin.identity.recipient().verifying_key());
    assert_eq!((ack.adopted, ack.head()), (1, head));
    // Once the reader has adopted it too, its word counts again.
    reader.now = admin.now;
    adopt(&here, &mut reader, head).unwrap();
    here.sync(&mut reader).unwrap();
    admin.now = reader.now + 1000;
    let freshness = here.sync(&mut admin).unwrap().freshness;
    assert!(matches!(freshness, Freshness::Fresh { .. }), "{freshness:?}");
    here.sync(&mut owner).unwrap();
}
