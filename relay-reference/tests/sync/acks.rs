//! What members say they have seen: kept, compared with the log, and judged by the policy.

use agentsecrets_core::{
    ErrorCode, Result,
    encoding::{EntryHash, Head, WorkspaceId},
    identity::Destination,
    log::{
        Role, Scope,
        ack::{Ack, Freshness},
        entry::{Reason, Remove, Removed},
    },
    message::{Method, Request},
    policy::{Policy, Staleness},
    sync::{self, Clashes, Management, Seen, SyncReport},
    wire::{Acks, Bytes},
};

use crate::{
    host::Host,
    team::{Team, answer, code, device, twin, words},
};

const HOUR: u64 = 3_600_000;

fn seen(team: &Team, host: &mut Host) -> Vec<Seen> {
    host.run(|s| sync::team(s, team.workspace)).unwrap()
}

fn seen_of(team: &Team, host: &mut Host, of: &Host) -> Seen {
    seen(team, host).into_iter().find(|seen| seen.member == of.identity.id()).unwrap()
}

/// Syncs while the relay shows these acks.
fn sync_shown(team: &Team, host: &mut Host, shown: Vec<Vec<u8>>) -> Result<SyncReport> {
    let mut way = |request: Request| {
        let asks = request.method == Method::Get && request.target.ends_with("/acks");
        match asks {
            true => Ok(answer(&Acks { acks: shown.iter().cloned().map(Bytes).collect() })),
            false => team.carry(request),
        }
    };
    team.run_by(host, &mut way, |s| sync::sync(s, team.workspace, None, Clashes::Refuse))
}

/// What a member says of any head in any workspace.
fn said(by: &Host, workspace: WorkspaceId, head: Head, time: u64) -> Vec<u8> {
    Ack::new(workspace, by.identity.id(), head, time, Vec::new()).sign(&by.identity)
}

/// How many pieces of evidence a vault keeps.
fn evidence(team: &Team, host: &Host) -> u32 {
    let kept = host.store.get(&sync::keys::evidence(&team.workspace));
    kept.map_or(0, |bytes| u32::from_le_bytes(bytes[..4].try_into().unwrap()))
}

fn policy(team: &Team, owner: &mut Host, freshness_seconds: u64, staleness: Staleness) {
    let policy = Policy { freshness_seconds, staleness, ..Policy::default() };
    team.run(owner, |s| sync::manage(s, team.workspace, Management::Policy(policy))).unwrap();
}

#[test]
fn a_device_says_what_it_has_seen_where_that_is_news() {
    let (team, mut owner) = Team::begin();
    let mut writer = team.admit(&mut owner, 2, Role::Writer, Scope::All);
    let mut quiet = team.admit(&mut owner, 3, Role::Reader, Scope::All);
    let acked = |host: &mut Host| {
        let sync = |s| sync::sync(s, team.workspace, None, Clashes::Refuse);
        let (report, asked) = team.watch(host, sync);
        report.unwrap();
        words(&asked)
    };
    team.follow(&mut writer).unwrap();
    assert_eq!(acked(&mut writer), ["GET log", "GET acks", "PUT acks"]);
    let (head, at) = (team.head(&mut writer), writer.now - 1);
    assert_eq!(acked(&mut writer), ["GET log", "GET acks"]);
    // A device that lives says so every hour, and not before.
    writer.now = at + HOUR - 2;
    assert_eq!(acked(&mut writer), ["GET log", "GET log", "GET acks"], "its clock is corrected");
    assert_eq!(writer.now, at + HOUR - 1);
    assert_eq!(acked(&mut writer).last().unwrap(), "PUT acks");
    let again = at + HOUR;
    assert_eq!(writer.now, again);
    // The others hear of it, in the order of the members; of itself each knows best.
    acked(&mut owner);
    let mut expected = vec![
        Seen { member: owner.identity.id(), ack: Some((head.seq, owner.now + 1)), missing: 0 },
        Seen { member: writer.identity.id(), ack: Some((head.seq, again)), missing: 0 },
        Seen { member: quiet.identity.id(), ack: None, missing: 0 },
    ];
    expected.sort_by_key(|seen| seen.member);
    assert_eq!(seen(&team, &mut owner), expected);
    // News of the log are news to say.
    team.put(&mut owner, "development", "A", "fake-a");
    assert_eq!(acked(&mut writer).last().unwrap(), "PUT acks");
    team.put(&mut owner, "development", "B", "fake-b");
    assert_eq!(team.sync_without_deliveries(&mut quiet).len(), 1);
    team.sync(&mut owner).unwrap();
    assert_eq!(seen_of(&team, &mut owner, &quiet).missing, 2);
    assert_eq!(seen_of(&team, &mut owner, &writer).missing, 0);
    // Who is no member any more is listed no more.
    team.run(&mut quiet, |s| sync::leave(s, team.workspace)).unwrap();
    team.sync(&mut owner).unwrap();
    assert_eq!(seen(&team, &mut owner).len(), 2);
}

#[test]
fn the_newest_word_of_each_member_counts_and_no_strangers() {
    let (team, mut owner) = Team::begin();
    let mut writer = team.admit(&mut owner, 2, Role::Writer, Scope::All);
    team.sync(&mut writer).unwrap();
    team.sync(&mut owner).unwrap();
    let first = seen_of(&team, &mut owner, &writer).ack.unwrap();
    let head = team.head(&mut owner);
    let time = first.1 + 5000;
    let newest = said(&writer, team.workspace, head, time);
    sync_shown(&team, &mut owner, vec![newest.clone()]).unwrap();
    assert_eq!(seen_of(&team, &mut owner, &writer).ack, Some((head.seq, time)));
    // An older one again, none, one for another workspace, a damaged one, a stranger's.
    let other = said(&writer, WorkspaceId([7; 32]), head, time + 1);
    let damaged = newest[..newest.len() - 1].to_vec();
    let stranger = said(&device(9), team.workspace, head, time + 1);
    let older = said(&writer, team.workspace, head, time - 1);
    for shown in [vec![older], Vec::new(), vec![other, damaged, stranger]] {
        sync_shown(&team, &mut owner, shown).unwrap();
        assert_eq!(seen_of(&team, &mut owner, &writer).ack, Some((head.seq, time)));
    }
    // Who was removed may say what it likes, and did.
    let lie = Head { hash: EntryHash([7; 32]), ..head };
    let lie = said(&writer, team.workspace, lie, time + 2);
    let remove =
        Remove { who: Removed::Members(vec![writer.identity.id()]), reason: Reason::Compromised };
    let mut careful = twin(&owner, 8);
    assert_eq!(code(sync_shown(&team, &mut careful, vec![lie.clone()])), ErrorCode::Fork);
    team.run(&mut owner, |s| sync::remove(s, team.workspace, remove, true)).unwrap();
    let report = sync_shown(&team, &mut owner, vec![lie]).unwrap();
    assert_eq!(report.freshness, Freshness::Solo);
    assert_eq!((evidence(&team, &careful), evidence(&team, &owner)), (1, 0));
}

#[test]
fn a_head_that_is_none_of_this_log_shows_a_fork_and_one_beyond_it_a_relay_that_hides() {
    let (team, mut owner) = Team::begin();
    let mut writer = team.admit(&mut owner, 2, Role::Writer, Scope::All);
    team.put(&mut owner, "development", "A", "fake-a");
    let old = team.fork();
    let head = team.head(&mut owner);
    // An earlier head of this very log is all right.
    let entries = owner.run(|s| sync::entries(s, team.workspace)).unwrap();
    let earlier = said(&writer, team.workspace, entries[3].head(), writer.now);
    sync_shown(&team, &mut owner, vec![earlier]).unwrap();
    // Between following and asking for acks, others may go on: then the log is looked at again.
    let mut ahead = false;
    let mut way = |request: Request| {
        if request.target.ends_with("/acks") && !std::mem::replace(&mut ahead, true) {
            team.put(&mut writer, "development", "B", "fake-b");
            team.sync(&mut writer).unwrap();
        }
        team.carry(request)
    };
    let sync = |s| sync::sync(s, team.workspace, None, Clashes::Refuse);
    team.run_by(&mut owner, &mut way, sync).unwrap();
    assert_eq!(team.head(&mut owner), team.head(&mut writer));
    // A relay that hides the end from one, but passes on the word of another who has seen it.
    let mut behind = twin(&owner, 8);
    behind.store.retain(|key, _| key.ends_with("/settings"));
    let told = Destination { workspace: team.workspace, relay: team.url(), head };
    behind.run(|s| sync::attach(s, told)).unwrap();
    let mut way = |request: Request| match request.target.ends_with("/acks") {
        true => team.carry(request),
        false => old.carry(request),
    };
    let error = team.run_by(&mut behind, &mut way, sync).unwrap_err();
    assert_eq!(error.code(), ErrorCode::Withheld);
    let ahead = team.head(&mut writer).seq;
    let (from, to) = (format!("has seen entry {ahead};"), format!("shows {} as newest", head.seq));
    assert!(error.message().contains(&from) && error.message().ends_with(&to), "{error}");
    assert_eq!(evidence(&team, &behind), 0);
    // Another entry in the place of one: kept, each once, and sixteen of them at most.
    for (number, kept) in (1..=18_u8).zip((1..=16).chain([16, 16])) {
        for _ in 0..2 {
            let head = Head { seq: ahead, hash: EntryHash([number; 32]) };
            let lie = said(&writer, team.workspace, head, writer.now + 1);
            let error = sync_shown(&team, &mut owner, vec![lie]).unwrap_err();
            assert_eq!(error.code(), ErrorCode::Fork);
            let another = format!("has seen another entry {ahead} than this device");
            assert!(error.message().ends_with(&another), "{error}");
            assert_eq!(evidence(&team, &owner), kept);
        }
    }
    // Nothing of that was taken over.
    team.sync(&mut owner).unwrap();
}

#[test]
fn silence_blocks_what_the_policy_says_and_from_the_limit_on() {
    let (team, mut owner) = Team::begin();
    let mut writer = team.admit(&mut owner, 2, Role::Writer, Scope::All);
    let development = team.environment(&mut owner, "development");
    for (staleness, pulls, pushes) in [
        (Staleness::Warns, true, true),
        (Staleness::BlocksPush, true, false),
        (Staleness::BlocksBoth, false, false),
    ] {
        policy(&team, &mut owner, 3 * 3600, staleness);
        owner.now = owner.now.max(writer.now);
        team.sync(&mut owner).unwrap();
        let heard = owner.now;
        writer.now = heard + 3 * HOUR - 1;
        let report = team.sync(&mut writer).unwrap();
        assert_eq!(report.freshness, Freshness::Fresh { age: 3 * HOUR }, "{staleness:?}");
        writer.change(team.workspace, development, "A", Some("fake-a")).unwrap();
        let push =
            |host: &mut Host| team.run(host, |s| sync::push(s, team.workspace, development, false));
        // One millisecond beyond the limit nobody has been heard of for too long.
        writer.now = heard + 3 * HOUR;
        match pulls {
            true => {
                let freshness = team.sync(&mut writer).unwrap().freshness;
                assert_eq!(freshness, Freshness::Stale { age: 3 * HOUR + 1 }, "{staleness:?}");
            }
            false => {
                let error = team.sync(&mut writer).unwrap_err();
                assert_eq!(error.code(), ErrorCode::Stale);
                assert!(error.message().contains("for 3 hours"), "{error}");
            }
        }
        let done = push(&mut writer);
        assert_eq!(done.is_ok(), pushes, "{staleness:?}");
        if let Err(error) = done {
            assert_eq!(error.code(), ErrorCode::Stale);
            // An entry is a sign of life as well as an ack.
            owner.now = writer.now;
            team.sync(&mut owner).unwrap();
            team.put(&mut owner, "staging", "S", "fake-s");
            writer.now = owner.now;
            push(&mut writer).unwrap();
        }
        assert_eq!(writer.snapshot(team.workspace, development).local.iter().count(), 0);
        owner.now = writer.now;
        writer.change(team.workspace, development, "A", None).unwrap();
        push(&mut writer).unwrap();
    }
}

#[test]
fn a_newcomer_counts_once_it_is_known_or_its_number_was_compared() {
    let (team, mut owner) = Team::begin();
    let mut writer = team.admit(&mut owner, 2, Role::Writer, Scope::All);
    team.sync(&mut writer).unwrap();
    // Somebody the writer has never seen, admitted by the owner, long silent.
    let mut newcomer = team.admit(&mut owner, 3, Role::Reader, Scope::All);
    newcomer.now = owner.now;
    team.sync(&mut newcomer).unwrap();
    let first = newcomer.now;
    owner.now = first + 10 * HOUR;
    team.put(&mut owner, "development", "A", "fake-a");
    let entry = owner.now;
    let age = |host: &mut Host, at: u64| {
        host.now = at - 1;
        match team.sync(host).unwrap().freshness {
            Freshness::Fresh { age } => at - age,
            other => panic!("{other:?}"),
        }
    };
    // It does not count: the one who does was heard of by its entry.
    let mut careful = twin(&writer, 8);
    let mut blocked = twin(&writer, 9);
    assert_eq!(age(&mut writer, entry + HOUR), entry);
    // After a fresh look it is known, and of two persons the one heard of less counts.
    assert_eq!(age(&mut writer, entry + 2 * HOUR), first);
    // Or at once, where people compared the number.
    careful.run(|s| sync::confirm(s, team.workspace, newcomer.identity.id())).unwrap();
    assert_eq!(age(&mut careful, entry + HOUR), first);
    // What only a stale look has seen is not known by it.
    policy(&team, &mut owner, 60, Staleness::Warns);
    for _ in 0..2 {
        blocked.now = owner.now + HOUR;
        let freshness = team.sync(&mut blocked).unwrap().freshness;
        assert_eq!(freshness, Freshness::Stale { age: blocked.now - owner.now });
    }
}

#[test]
fn a_local_workspace_waits_for_nobody() {
    let mut host = device(1);
    let workspace = host.run(|s| sync::create(s, "own".into(), "laptop".into(), None)).unwrap();
    let policy =
        Policy { freshness_seconds: 0, staleness: Staleness::BlocksBoth, ..Policy::default() };
    host.run(|s| sync::manage(s, workspace, Management::Policy(policy))).unwrap();
    let environment = host.environment(workspace, "development");
    host.now += 1000 * HOUR;
    host.change(workspace, environment, "A", Some("fake-a")).unwrap();
    host.run(|s| sync::push(s, workspace, environment, false)).unwrap();
    let seen = host.run(|s| sync::team(s, workspace)).unwrap();
    let head = host.run(|s| sync::view(s, workspace)).unwrap().state().unwrap().head().seq;
    let me = host.identity.id();
    assert_eq!(seen, [Seen { member: me, ack: Some((head, host.now - 1)), missing: 0 }]);
}
