//! kill -9 keeps what the kernel holds, so it says nothing of a power cut: here the system calls
//! show that every acknowledgement follows a sync. Needs strace. The negative control is this very
//! test with `--features weakened` and RELAY_SYNCHRONOUS=NORMAL, which has to fail.

#![allow(clippy::unwrap_used, clippy::panic)] // Test code, though outside of `#[test]`.

mod common;

use common::{
    Relay,
    team::{Device, Team},
};

/// Acknowledgements in a trace of one client's requests; `None` where one of them follows no sync
/// since the one before it.
fn acknowledged_after_sync(trace: &str) -> Option<usize> {
    let (mut acknowledged, mut synced) = (0, false);
    for line in trace.lines() {
        let ended = line.contains("= 0");
        if ended && (line.contains("fdatasync") || line.contains("fsync")) {
            synced = true;
        } else if line.contains("HTTP/1.1 201") {
            synced.then_some(())?;
            (acknowledged, synced) = (acknowledged + 1, false);
        }
    }
    Some(acknowledged)
}

#[test]
fn every_acknowledgement_follows_a_sync() {
    let folder = tempfile::tempdir().unwrap();
    let trace = folder.path().join("trace");
    let calls = "fsync,fdatasync,write,writev,sendto,sendmsg";
    let mut relay = Relay::start_traced(&folder.path().join("data"), calls, &trace);
    let mut team = Team::published(Device::new(1), relay.address);
    (0..20).for_each(|_| assert_eq!(team.push_to(relay.address, 1, 300).status, 201));
    relay.signal("-TERM");
    assert_eq!(relay.exit_code(), Some(0));
    let trace = std::fs::read_to_string(&trace).unwrap();
    assert_eq!(acknowledged_after_sync(&trace), Some(21), "{trace}");
    let without = |line: &&str| !line.contains("sync");
    let unsafe_trace: Vec<_> = trace.lines().filter(without).collect();
    assert_eq!(acknowledged_after_sync(&unsafe_trace.join("\n")), None);
}

#[test]
fn an_error_of_a_sync_ends_the_relay_and_acknowledges_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut team = Team::new(Device::new(1));
    let mut acknowledged = 0;
    for _ in 0..3 {
        // Opening an old file costs some syncs as well, so the number of commits differs.
        let mut relay = Relay::start_with_failing_syncs(folder.path(), 12);
        if acknowledged == 0 {
            let answer = team.founder.commit(relay.address, &team.commit(&team.log, Vec::new()));
            assert_eq!(answer.status, 201, "{answer:?}");
            acknowledged = team.log.len();
        }
        let mut pushes = 0;
        while let Some(answer) = team.try_push_to(relay.address, 300) {
            assert_eq!(answer.status, 201, "no answer but a promise or none: {answer:?}");
            pushes += 1;
            assert!(pushes < 100, "the relay goes on although syncs fail");
        }
        acknowledged += pushes;
        assert_eq!(relay.exit_code(), Some(74));
        team.undo_push();
        // What was acknowledged is there; what was not may be, whole.
        let relay = Relay::start(folder.path());
        let log = team.founder.get(relay.address, &team.path("log")).json();
        let stored = log["entries"].as_array().unwrap().len();
        assert!(stored == acknowledged || stored == acknowledged + 1, "{stored} {acknowledged}");
        if stored > acknowledged {
            let (entry, _) = team.push(1, 300);
            team.take(&entry);
            acknowledged = stored;
        }
        assert_eq!(log["head"], team.head());
    }
    assert!(acknowledged > 6, "{acknowledged} entries are too few to say anything");
}
