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
